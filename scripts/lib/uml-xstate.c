// SPDX-License-Identifier: GPL-2.0-only
/*
 * For User-Mode Linux before 7.3, which keeps 2,696 bytes for the registers of a
 * processor. A host with more of them, as AMX has, takes nothing less than the whole
 * from PTRACE_SETREGSET: then each program dies before its first instruction.
 * Preloaded, this adds what the program has anyway.
 */
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define REGISTERS_MAX	65536

static long set_registers(long pid, const struct iovec *some)
{
	static _Thread_local unsigned char registers[REGISTERS_MAX];
	struct iovec all = { registers, sizeof(registers) };

	if (syscall(SYS_ptrace, PTRACE_GETREGSET, pid, NT_X86_XSTATE, &all) ||
	    all.iov_len <= some->iov_len)
		all = *some;
	else
		memcpy(registers, some->iov_base, some->iov_len);
	return syscall(SYS_ptrace, PTRACE_SETREGSET, pid, NT_X86_XSTATE, &all);
}

static long peek(long request, long pid, void *addr)
{
	long word;

	if (syscall(SYS_ptrace, request, pid, addr, &word))
		return -1;
	errno = 0;
	return word;
}

long ptrace(enum __ptrace_request request, ...)
{
	void *addr, *data;
	va_list list;
	long pid;

	va_start(list, request);
	pid = va_arg(list, int);
	addr = va_arg(list, void *);
	data = va_arg(list, void *);
	va_end(list);

	switch (request) {
	case PTRACE_SETREGSET:
		if ((long)addr == NT_X86_XSTATE)
			return set_registers(pid, data);
		break;
	case PTRACE_PEEKTEXT:
	case PTRACE_PEEKDATA:
	case PTRACE_PEEKUSER:
		return peek(request, pid, addr);
	default:
		break;
	}
	return syscall(SYS_ptrace, request, pid, addr, data);
}

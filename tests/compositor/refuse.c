// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run a command for which both ioctls do not exist, as on a kernel without them:
 *
 *	refuse COMMAND...
 *
 * A seccomp filter, which its children inherit, answers them with ENOTTY.
 */
#include <errno.h>
#include <linux/dma-buf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Go on if it is this, else over so many lines. */
#define IS(what, skip)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, what, 0, skip)

int main(int argc, char **argv)
{
	struct sock_filter filter[] = {
		LOAD(nr),
		IS(SYS_ioctl, 5),
		LOAD(args[1]),
		IS(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		IS(DMA_BUF_IOCTL_IMPORT_SYNC_FILE, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter), .filter = filter,
	};

	if (argc < 2) {
		fprintf(stderr, "Usage: refuse COMMAND...\n");
		return 1;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("refuse: seccomp");
		return 1;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 127;
}

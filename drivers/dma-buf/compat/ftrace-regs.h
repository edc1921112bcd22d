/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arguments and next instruction of a function that ftrace has stopped at its
 * entry: by the accessors of Linux 6.2 and later, which need few registers
 * saved, or by struct pt_regs where the kernel has no such accessors.
 */
#ifndef __COMPAT_FTRACE_REGS_H
#define __COMPAT_FTRACE_REGS_H

#include <linux/ftrace.h>
#include <linux/ptrace.h>

/* What the handler gets: the registers themselves before Linux 5.11. */
#ifdef HAVE_FTRACE_REGS
#define compat_ftrace_regs	ftrace_regs
#define compat_ftrace_pt_regs	ftrace_get_regs
#else
#define compat_ftrace_regs	pt_regs
#define compat_ftrace_pt_regs
#endif

#if defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) && \
	defined(HAVE_FTRACE_REGS_ARGUMENT)

#define COMPAT_FTRACE_FLAGS	FTRACE_OPS_FL_IPMODIFY

#define compat_ftrace_argument(fregs, n) \
	ftrace_regs_get_argument(fregs, n)
#define compat_ftrace_set_ip(fregs, ip) \
	ftrace_regs_set_instruction_pointer(fregs, ip)

#elif defined(CONFIG_DYNAMIC_FTRACE_WITH_REGS)

#define COMPAT_FTRACE_FLAGS \
	(FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_SAVE_REGS)

#define compat_ftrace_argument(fregs, n) \
	regs_get_kernel_argument(compat_ftrace_pt_regs(fregs), n)
#define compat_ftrace_set_ip(fregs, ip) \
	instruction_pointer_set(compat_ftrace_pt_regs(fregs), ip)

#endif

/*
 * A filter of nothing takes no memory. What frees it by that name is not exported
 * by every kernel.
 */
#define compat_ftrace_free_filter(ops)	ftrace_set_filter(ops, NULL, 0, 1)

#endif /* __COMPAT_FTRACE_REGS_H */

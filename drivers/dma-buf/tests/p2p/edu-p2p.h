/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the character devices of the reference importer take: /dev/edu0, /dev/edu1
 */
#ifndef _EDU_P2P_H
#define _EDU_P2P_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Do not wait for the fences of the buffers, but for in_fence. */
#define EDU_EXPLICIT_IN		1
/* Leave nothing for implicit clients to wait for, but give an out_fence. */
#define EDU_EXPLICIT_OUT	2

/* Have the device copy from one buffer to another; returns before it has. */
struct edu_copy {
	__s32 src;		/* dma-bufs */
	__s32 dst;
	__u64 src_offset;
	__u64 dst_offset;
	__u32 len;
	__u32 flags;
	__s32 in_fence;		/* sync_file, with EDU_EXPLICIT_IN, or -1 */
	__s32 out_fence;	/* sync_file, with EDU_EXPLICIT_OUT, else -1 */
};

/* Keep a buffer where it is, or no longer. */
struct edu_pin {
	__s32 fd;
	__u32 pin;
};

/* Map a buffer, as a job would, and tell where its first byte is for DMA. */
struct edu_map_info {
	__s32 fd;
	__u32 entries;
	__u64 address;
};

struct edu_stat {
	__u32 jobs;		/* that have ended */
	__u32 in_hardirq;	/* of these, signaled in an interrupt handler */
	__u32 errors;
	__u32 imports;		/* attachments of all clients */
};

#define EDU_IOC_COPY	_IOWR('i', 0x78, struct edu_copy)
#define EDU_IOC_PIN	_IOW('i', 0x79, struct edu_pin)
#define EDU_IOC_MAP	_IOWR('i', 0x7a, struct edu_map_info)
#define EDU_IOC_STAT	_IOR('i', 0x7b, struct edu_stat)

#endif

/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What the character device of the reference exporter takes: /dev/ivshmem-p2p.
 */
#ifndef _IVSHMEM_P2P_H
#define _IVSHMEM_P2P_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Where a buffer is. */
enum ivshmem_place {
	IVSHMEM_BAR = 0,
	IVSHMEM_SYSTEM = 1,
	IVSHMEM_REVOKED = 2,
};

/* From the half of the BAR that has no struct pages. */
#define IVSHMEM_PAGELESS	1
/* In one piece of any size, pinned there, and with what was there before. */
#define IVSHMEM_WHOLE		2

struct ivshmem_create {
	__u64 size;
	__u32 flags;
	__s32 fd;
};

struct ivshmem_info {
	__s32 fd;
	__u32 place;		/* enum ivshmem_place */
	__u64 offset;		/* of its first page, into the BAR, if it is there */
	__u64 bus_address;	/* of that, on the PCI bus */
	__u32 pins;
	__u32 mappings;		/* tables that importers have */
	__u32 moves;
	__u32 pad;
};

struct ivshmem_move {
	__s32 fd;
	__u32 place;		/* IVSHMEM_BAR, _SYSTEM; _REVOKED is for good */
};

/* The CPU reads or writes, without waiting for anyone. */
struct ivshmem_access {
	__s32 fd;		/* a buffer, or -1 for the BAR itself */
	__u32 write;
	__u64 offset;
	__u64 len;
	__u64 data;		/* pointer */
};

#define IVSHMEM_IOC_CREATE	_IOWR('i', 0x70, struct ivshmem_create)
#define IVSHMEM_IOC_INFO	_IOWR('i', 0x71, struct ivshmem_info)
#define IVSHMEM_IOC_MOVE	_IOW('i', 0x72, struct ivshmem_move)
#define IVSHMEM_IOC_ACCESS	_IOW('i', 0x73, struct ivshmem_access)

#endif

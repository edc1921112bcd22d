/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Interface of /dev/dma_resv_test: what a driver does to a reservation object,
 * and what no ioctl of a dma-buf shows, for tests.
 */
#ifndef _DMA_RESV_TEST_H
#define _DMA_RESV_TEST_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* Values of enum dma_resv_usage. */
#define DMA_RESV_TEST_KERNEL	0
#define DMA_RESV_TEST_WRITE	1
#define DMA_RESV_TEST_READ	2
#define DMA_RESV_TEST_BOOKKEEP	3

/* Add each fence of a sync_file as a driver does, with dma_resv_add_fence(). */
struct dma_resv_test_add {
	__s32 dmabuf;
	__s32 sync_file;
	__u32 usage;
	__u32 pad;
};

struct dma_resv_test_entry {
	__u64 context;
	__u64 seqno;
	__u32 usage;
	__u32 signaled;
};

/*
 * List the entries. In: @count as room, out: @count as there are, in @bytes the
 * memory of the list, ~0 if it is not from kmalloc(), and in @list where that is,
 * to be compared with what it was before.
 */
struct dma_resv_test_list {
	__s32 dmabuf;
	__u32 count;
	__u64 entries;
	__u64 bytes;
	__u64 list;
};

/*
 * HOLD: hold the lock of the reservation object for @ms, or until a signal.
 * CHURN: replace its list by a copy, again and again, for so long.
 */
struct dma_resv_test_hold {
	__s32 dmabuf;
	__u32 ms;
};

/*
 * Make a sync_file of a dma_fence_chain with @links links. Link i holds the
 * fence of the sync_file number i % @count, or an array of all of them.
 */
struct dma_resv_test_chain {
	__u64 sync_files;
	__u32 count;
	__u32 links;
	__u32 arrays;
	__s32 fd;
};

/* Make a sync_file of an unsignaled fence with context and seqno 0. */
struct dma_resv_test_unordered {
	__s32 fd;
	__u32 pad;
};

/* Make a sync_file of @count unsignaled fences, each with its own context. */
struct dma_resv_test_crowd {
	__u32 count;
	__s32 fd;
};

/*
 * Make a second dma-buf of the reservation object of @dmabuf, as drivers do whose
 * buffers of one address space share one.
 */
struct dma_resv_test_share {
	__s32 dmabuf;
	__s32 fd;
};

#define DMA_RESV_TEST_ADD	_IOW('r', 0, struct dma_resv_test_add)
#define DMA_RESV_TEST_LIST	_IOWR('r', 1, struct dma_resv_test_list)
#define DMA_RESV_TEST_HOLD	_IOW('r', 2, struct dma_resv_test_hold)
#define DMA_RESV_TEST_CHAIN	_IOWR('r', 3, struct dma_resv_test_chain)
#define DMA_RESV_TEST_CHURN	_IOW('r', 4, struct dma_resv_test_hold)
#define DMA_RESV_TEST_UNORDERED	_IOR('r', 5, struct dma_resv_test_unordered)
#define DMA_RESV_TEST_CROWD	_IOWR('r', 6, struct dma_resv_test_crowd)
/* Signal the fences of a sync_file that UNORDERED or CROWD has made. */
#define DMA_RESV_TEST_SIGNAL	_IOW('r', 7, __s32)
#define DMA_RESV_TEST_SHARE	_IOWR('r', 8, struct dma_resv_test_share)
/* Import for all as a careless backport does, into an exclusive fence. */
#define DMA_RESV_TEST_NAIVE	_IOW('r', 9, struct dma_resv_test_add)
/* Hold a dma-buf until nobody polls it any more, where a kernel needs that. */
#define DMA_RESV_TEST_KEEP	_IOW('r', 10, __s32)

#endif /* _DMA_RESV_TEST_H */

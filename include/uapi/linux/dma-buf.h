/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * User space interface of a dma-buf file descriptor.
 *
 * Same numbers and same layouts as the header of that name in Linux 6.0 and
 * later, so either of the two serves a program.
 */
#ifndef _DMA_BUF_UAPI_H_
#define _DMA_BUF_UAPI_H_

#include <linux/ioctl.h>
#include <linux/types.h>

/* Who touches the buffer, or whose fences are meant: readers, writers, both. */
#define DMA_BUF_SYNC_READ	(1 << 0)
#define DMA_BUF_SYNC_WRITE	(1 << 1)
#define DMA_BUF_SYNC_RW		(DMA_BUF_SYNC_READ | DMA_BUF_SYNC_WRITE)

/* Which end of a CPU access DMA_BUF_IOCTL_SYNC announces. */
#define DMA_BUF_SYNC_START	(0 << 2)
#define DMA_BUF_SYNC_END	(1 << 2)
#define DMA_BUF_SYNC_VALID_FLAGS_MASK \
	(DMA_BUF_SYNC_RW | DMA_BUF_SYNC_END)

/* Longest name of a buffer, with its terminating NUL, in bytes. */
#define DMA_BUF_NAME_LEN	32

/**
 * struct dma_buf_sync - argument of DMA_BUF_IOCTL_SYNC
 *
 * Brackets a CPU access through mmap(): one call with DMA_BUF_SYNC_START
 * before the access, one with DMA_BUF_SYNC_END and the same direction after
 * it. It makes caches coherent and orders nothing: to wait for a device, use
 * poll() or DMA_BUF_IOCTL_EXPORT_SYNC_FILE first.
 */
struct dma_buf_sync {
	/** @flags: DMA_BUF_SYNC_START or _END, with _READ, _WRITE or _RW */
	__u64 flags;
};

/**
 * struct dma_buf_export_sync_file - argument of DMA_BUF_IOCTL_EXPORT_SYNC_FILE
 *
 * Takes a snapshot of the fences that the buffer carries and returns it as a
 * sync_file. Fences that others attach after the call are not part of it.
 */
struct dma_buf_export_sync_file {
	/**
	 * @flags: what the caller is about to do with the buffer
	 *
	 * DMA_BUF_SYNC_READ alone: the sync_file signals once all writers are
	 * done, as POLLIN does. With DMA_BUF_SYNC_WRITE: once all readers and
	 * all writers are done, as POLLOUT does.
	 */
	__u32 flags;
	/** @fd: out: the new sync_file, close-on-exec, owned by the caller */
	__s32 fd;
};

/**
 * struct dma_buf_import_sync_file - argument of DMA_BUF_IOCTL_IMPORT_SYNC_FILE
 *
 * Attaches the fences of a sync_file to the buffer, beside those it carries.
 * Implicitly synchronised users of the buffer wait for them from then on.
 */
struct dma_buf_import_sync_file {
	/**
	 * @flags: what the work behind the sync_file does with the buffer
	 *
	 * DMA_BUF_SYNC_READ alone: it reads, so later writers wait for it.
	 * With DMA_BUF_SYNC_WRITE: it writes, so all later users wait for it.
	 */
	__u32 flags;
	/** @fd: the sync_file; it stays open and belongs to the caller */
	__s32 fd;
};

#define DMA_BUF_BASE		'b'
#define DMA_BUF_IOCTL_SYNC	_IOW(DMA_BUF_BASE, 0, struct dma_buf_sync)

/*
 * Names the buffer for debugging. The number differs between a 32 bit (_A)
 * and a 64 bit (_B) caller, the argument does not: a NUL terminated string.
 */
#define DMA_BUF_SET_NAME	_IOW(DMA_BUF_BASE, 1, const char *)
#define DMA_BUF_SET_NAME_A	_IOW(DMA_BUF_BASE, 1, __u32)
#define DMA_BUF_SET_NAME_B	_IOW(DMA_BUF_BASE, 1, __u64)

#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE \
	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE \
	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)

/*
 * What follows is not in Linux: the calls answer ENOTTY there. A structure may
 * grow at its end: the kernel reads as much as the caller's ioctl number says and
 * takes the rest for 0. What the caller has and the kernel does not know has to
 * be 0, otherwise the answer is E2BIG; where it is an answer, it becomes 0.
 */

/**
 * struct dma_buf_sync_query - argument of DMA_BUF_IOCTL_SYNC_QUERY
 *
 * Tells what this kernel can do. Works on any dma-buf.
 */
struct dma_buf_sync_query {
	/** @features: out: DMA_BUF_SYNC_FEATURE_* */
	__u64 features;
	/** @entries_max: out: largest &dma_buf_sync_many.count */
	__u32 entries_max;
	/**
	 * @fences_max: out: how many fences a buffer can carry; when many buffers
	 * import, those that are there and those that come count together
	 */
	__u32 fences_max;
};

#define DMA_BUF_SYNC_FEATURE_EXPORT_MANY	(1ULL << 0)
#define DMA_BUF_SYNC_FEATURE_IMPORT_MANY	(1ULL << 1)
#define DMA_BUF_SYNC_FEATURE_EXCHANGE		(1ULL << 2)
/* Deadlines reach the drivers. */
#define DMA_BUF_SYNC_FEATURE_DEADLINE		(1ULL << 3)

/**
 * struct dma_buf_sync_entry - one of many buffers
 */
struct dma_buf_sync_entry {
	/** @dmabuf: file descriptor of the buffer */
	__s32 dmabuf;
	/**
	 * @flags: DMA_BUF_SYNC_READ, _WRITE or both: what the caller is about to
	 * do with the buffer, and what the work behind its fence does
	 */
	__u32 flags;
};

/* Succeed with -1 for a file descriptor if there is nothing to wait for. */
#define DMA_BUF_SYNC_MANY_NO_IDLE_FD	(1 << 0)
/* Hand &dma_buf_sync_many.deadline_ns to the fences. */
#define DMA_BUF_SYNC_MANY_DEADLINE	(1 << 1)

/* There was something to wait for, but no deadline could be set. */
#define DMA_BUF_SYNC_MANY_NO_DEADLINE	(1 << 0)

/**
 * struct dma_buf_sync_many - argument of the calls for many buffers
 *
 * DMA_BUF_IOCTL_EXPORT_MANY makes one sync_file that signals once every buffer
 * can be used as its flags say.
 *
 * DMA_BUF_IOCTL_IMPORT_MANY attaches the fences of one sync_file to every
 * buffer, or to none.
 *
 * DMA_BUF_IOCTL_EXCHANGE does both in one step: no other client's fence gets in
 * between. The sync_file that it returns holds what was there before, what it
 * attaches is there afterwards.
 *
 * The buffer that the call is made on has no part in it unless it is an entry.
 * Buffers may occur more than once.
 */
struct dma_buf_sync_many {
	/** @entries: address of &struct dma_buf_sync_entry, @count of them */
	__u64 entries;
	/** @count: at least 1, at most &dma_buf_sync_query.entries_max */
	__u32 count;
	/** @flags: DMA_BUF_SYNC_MANY_*; 0 for DMA_BUF_IOCTL_IMPORT_MANY */
	__u32 flags;
	/** @deadline_ns: in CLOCK_MONOTONIC; 0 without the flag */
	__u64 deadline_ns;
	/** @import_fd: the sync_file to attach; 0 for EXPORT_MANY */
	__s32 import_fd;
	/**
	 * @export_fd: out of EXPORT_MANY and EXCHANGE: the new sync_file,
	 * close-on-exec, or -1. EXCHANGE needs a free descriptor even if there
	 * turns out to be nothing to wait for.
	 */
	__s32 export_fd;
	/**
	 * @failed: out after an error: the entry that it came from, @count if it
	 * came from none
	 */
	__u32 failed;
	/** @answer: out of EXPORT_MANY and EXCHANGE: _NO_DEADLINE, or 0 */
	__u32 answer;
};

#define DMA_BUF_IOCTL_SYNC_QUERY \
	_IOWR(DMA_BUF_BASE, 0x60, struct dma_buf_sync_query)
#define DMA_BUF_IOCTL_EXPORT_MANY \
	_IOWR(DMA_BUF_BASE, 0x61, struct dma_buf_sync_many)
#define DMA_BUF_IOCTL_IMPORT_MANY \
	_IOWR(DMA_BUF_BASE, 0x62, struct dma_buf_sync_many)
#define DMA_BUF_IOCTL_EXCHANGE \
	_IOWR(DMA_BUF_BASE, 0x63, struct dma_buf_sync_many)

#endif /* _DMA_BUF_UAPI_H_ */

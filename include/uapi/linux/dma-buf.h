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

#endif /* _DMA_BUF_UAPI_H_ */

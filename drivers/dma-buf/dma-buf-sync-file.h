/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_BUF_SYNC_FILE_H
#define __DMA_BUF_SYNC_FILE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include <uapi/linux/dma-buf.h>

struct dma_buf;

/* Is @cmd one of ours? Those for many buffers may come with another size. */
static inline bool dma_buf_sync_file_serves(unsigned int cmd)
{
	switch (cmd) {
	case DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
	case DMA_BUF_IOCTL_IMPORT_SYNC_FILE:
		return true;
	}
	switch (cmd & ~IOCSIZE_MASK) {
	case DMA_BUF_IOCTL_SYNC_QUERY & ~IOCSIZE_MASK:
	case DMA_BUF_IOCTL_EXPORT_MANY & ~IOCSIZE_MASK:
	case DMA_BUF_IOCTL_IMPORT_MANY & ~IOCSIZE_MASK:
	case DMA_BUF_IOCTL_EXCHANGE & ~IOCSIZE_MASK:
		return true;
	}
	return false;
}

static inline bool dma_buf_sync_flags_valid(u32 flags)
{
	/* READ and WRITE are the lowest bits. */
	return flags && flags <= DMA_BUF_SYNC_RW;
}

long dma_buf_sync_file_ioctl(struct dma_buf *dmabuf, unsigned int cmd,
			     void __user *arg);
long dma_buf_sync_many_ioctl(struct dma_buf *dmabuf, unsigned int cmd,
			     void __user *user);

#endif /* __DMA_BUF_SYNC_FILE_H */

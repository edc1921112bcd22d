/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_BUF_SYNC_FILE_H
#define __DMA_BUF_SYNC_FILE_H

#include <linux/compiler.h>

struct dma_buf;

long dma_buf_sync_file_ioctl(struct dma_buf *dmabuf, unsigned int cmd,
			     void __user *arg);

#endif /* __DMA_BUF_SYNC_FILE_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print every number and layout of linux/dma-buf.h, to compare two of them.
 */

#include <linux/dma-buf.h>

#include <stddef.h>
#include <stdio.h>

#define SHOW(value)	printf(#value " %#lx\n", (unsigned long)(value))

int main(void)
{
	SHOW(DMA_BUF_SYNC_READ);
	SHOW(DMA_BUF_SYNC_WRITE);
	SHOW(DMA_BUF_SYNC_RW);
	SHOW(DMA_BUF_SYNC_START);
	SHOW(DMA_BUF_SYNC_END);
	SHOW(DMA_BUF_SYNC_VALID_FLAGS_MASK);
	SHOW(DMA_BUF_NAME_LEN);
	SHOW(DMA_BUF_BASE);
	SHOW(DMA_BUF_IOCTL_SYNC);
	SHOW(DMA_BUF_SET_NAME);
	SHOW(DMA_BUF_SET_NAME_A);
	SHOW(DMA_BUF_SET_NAME_B);
	SHOW(DMA_BUF_IOCTL_EXPORT_SYNC_FILE);
	SHOW(DMA_BUF_IOCTL_IMPORT_SYNC_FILE);
	SHOW(sizeof(struct dma_buf_sync));
	SHOW(sizeof(struct dma_buf_export_sync_file));
	SHOW(offsetof(struct dma_buf_export_sync_file, flags));
	SHOW(offsetof(struct dma_buf_export_sync_file, fd));
	SHOW(sizeof(struct dma_buf_import_sync_file));
	SHOW(offsetof(struct dma_buf_import_sync_file, flags));
	SHOW(offsetof(struct dma_buf_import_sync_file, fd));
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Print every number and layout of the calls for many buffers, to compare what
 * dma-buf-sync.h defines where there is no header with the header.
 */

#include <stddef.h>
#include <stdio.h>

#define SHOW(value)	printf(#value " %#lx\n", (unsigned long)(value))

int main(void)
{
	SHOW(DMA_BUF_IOCTL_EXPORT_SYNC_FILE);
	SHOW(DMA_BUF_IOCTL_IMPORT_SYNC_FILE);
	SHOW(DMA_BUF_IOCTL_SYNC_QUERY);
	SHOW(DMA_BUF_IOCTL_EXPORT_MANY);
	SHOW(DMA_BUF_IOCTL_IMPORT_MANY);
	SHOW(DMA_BUF_IOCTL_EXCHANGE);
	SHOW(DMA_BUF_SYNC_FEATURE_EXPORT_MANY);
	SHOW(DMA_BUF_SYNC_FEATURE_IMPORT_MANY);
	SHOW(DMA_BUF_SYNC_FEATURE_EXCHANGE);
	SHOW(DMA_BUF_SYNC_FEATURE_DEADLINE);
	SHOW(DMA_BUF_SYNC_MANY_NO_IDLE_FD);
	SHOW(DMA_BUF_SYNC_MANY_DEADLINE);
	SHOW(DMA_BUF_SYNC_MANY_NO_DEADLINE);
	SHOW(offsetof(struct dma_buf_sync_query, features));
	SHOW(offsetof(struct dma_buf_sync_query, entries_max));
	SHOW(offsetof(struct dma_buf_sync_query, fences_max));
	SHOW(offsetof(struct dma_buf_sync_entry, dmabuf));
	SHOW(offsetof(struct dma_buf_sync_entry, flags));
	SHOW(sizeof(struct dma_buf_sync_entry));
	SHOW(offsetof(struct dma_buf_sync_many, entries));
	SHOW(offsetof(struct dma_buf_sync_many, count));
	SHOW(offsetof(struct dma_buf_sync_many, flags));
	SHOW(offsetof(struct dma_buf_sync_many, deadline_ns));
	SHOW(offsetof(struct dma_buf_sync_many, import_fd));
	SHOW(offsetof(struct dma_buf_sync_many, export_fd));
	SHOW(offsetof(struct dma_buf_sync_many, failed));
	SHOW(offsetof(struct dma_buf_sync_many, answer));
	return 0;
}

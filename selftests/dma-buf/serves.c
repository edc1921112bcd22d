// SPDX-License-Identifier: GPL-2.0-only
/*
 * Say whose code serves an export, by what it does: this project's gives one
 * fence for a writer and a later reader of one timeline, the kernel's own two.
 */

#include "buffers.h"

int main(void)
{
	int dmabuf = udmabuf_create(4096), timeline = timeline_open(), count;

	if (dmabuf_import(dmabuf, timeline_fence(timeline, 1),
			  DMA_BUF_SYNC_WRITE) ||
	    dmabuf_import(dmabuf, timeline_fence(timeline, 2),
			  DMA_BUF_SYNC_READ))
		return 1;
	count = sync_count(dmabuf_export(dmabuf, DMA_BUF_SYNC_RW));
	puts(count == 1 ? "module" : count == 2 ? "kernel" : "nobody");
	return 0;
}

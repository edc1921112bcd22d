/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for tables of fences
 *
 * Promises: nothing larger than a page has to be physically contiguous, and
 * the caller's memory cgroup pays. Free it with kvfree().
 */
#ifndef __DMA_FENCE_TABLE_H
#define __DMA_FENCE_TABLE_H

#include <linux/slab.h>
#include <linux/vmalloc.h>

static inline void *dma_fence_table_alloc(size_t size, gfp_t flags)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | flags;

	return size <= PAGE_SIZE ? kmalloc(size, gfp) : __vmalloc(size, gfp);
}

#endif /* __DMA_FENCE_TABLE_H */

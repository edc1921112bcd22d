/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One entry of a reservation object: a fence and its usage in one word
 *
 * Promises: the order of two entries of one context.
 *
 * Does not: hold references.
 */
#ifndef __DMA_RESV_ENTRY_H
#define __DMA_RESV_ENTRY_H

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>

/* A fence is aligned: the low bits of its address are free for the usage. */
#define DMA_RESV_ENTRY_USAGE	3UL

static inline struct dma_fence *dma_resv_entry_fence(unsigned long entry)
{
	return (struct dma_fence *)(entry & ~DMA_RESV_ENTRY_USAGE);
}

static inline enum dma_resv_usage dma_resv_entry_usage(unsigned long entry)
{
	return entry & DMA_RESV_ENTRY_USAGE;
}

static inline unsigned long dma_resv_entry(struct dma_fence *fence,
					   enum dma_resv_usage usage)
{
	return (unsigned long)fence | usage;
}

static inline u64 dma_resv_entry_context(unsigned long entry)
{
	return dma_resv_entry_fence(entry)->context;
}

/* Of one context: everybody who must wait for @b waits as long for @a. */
static inline bool dma_resv_entry_covers(unsigned long a, unsigned long b)
{
	struct dma_fence *fa = dma_resv_entry_fence(a);
	struct dma_fence *fb = dma_resv_entry_fence(b);

	return dma_resv_entry_usage(a) <= dma_resv_entry_usage(b) &&
	       (fa == fb || dma_fence_is_later(fa, fb));
}

#endif /* __DMA_RESV_ENTRY_H */

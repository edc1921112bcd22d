/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The rule of a merge: what becomes of two fences of one context
 *
 * Promises: nobody waits for less than before. All stores ask here.
 */
#ifndef __DMA_RESV_RULE_H
#define __DMA_RESV_RULE_H

#include <linux/dma-fence-set.h>
#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>

enum dma_resv_rule {
	/* Both stay. */
	DMA_RESV_BOTH,
	/* The old fence stands for the new one, which need not be added. */
	DMA_RESV_OLD,
	/* The new fence stands for the old one, and may take its place. */
	DMA_RESV_NEW,
};

/*
 * The numbers are those of the cases in
 * Documentation/driver-api/dma-resv-export.rst.
 */
static inline enum dma_resv_rule
dma_resv_rule(struct dma_fence *old, enum dma_resv_usage old_usage,
	      struct dma_fence *new, enum dma_resv_usage new_usage)
{
	/* Cases 5 and 6; with an old usage of KERNEL as well. */
	if (old_usage <= new_usage && dma_fence_covers(old, new))
		return DMA_RESV_OLD;
	/* Case 8. */
	if (old_usage == DMA_RESV_USAGE_KERNEL)
		return DMA_RESV_BOTH;
	/* Cases 2 and 3. */
	if (new_usage <= old_usage && dma_fence_covers(new, old))
		return DMA_RESV_NEW;
	/* Cases 1, 4 and 7, and case 11. */
	return DMA_RESV_BOTH;
}

#endif /* __DMA_RESV_RULE_H */

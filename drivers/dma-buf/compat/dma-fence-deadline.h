/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time by which somebody would like a fence to signal: since Linux 6.4.
 */
#ifndef __COMPAT_DMA_FENCE_DEADLINE_H
#define __COMPAT_DMA_FENCE_DEADLINE_H

#include <linux/dma-fence.h>

static inline bool compat_dma_fence_has_deadline(void)
{
#ifdef HAVE_DMA_FENCE_SET_DEADLINE
	return true;
#else
	return false;
#endif
}

static inline void compat_dma_fence_set_deadline(struct dma_fence *fence,
						 ktime_t deadline)
{
#ifdef HAVE_DMA_FENCE_SET_DEADLINE
	dma_fence_set_deadline(fence, deadline);
#endif
}

#endif /* __COMPAT_DMA_FENCE_DEADLINE_H */

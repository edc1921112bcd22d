/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time at which a fence signaled, and a signaled fence with a time: since
 * Linux 6.6. Before, 0 stands for "not known". dma_fence_timestamp() waits for the
 * one who signals, who may have been preempted: where the time is not there, it is
 * now.
 */
#ifndef __COMPAT_DMA_FENCE_TIME_H
#define __COMPAT_DMA_FENCE_TIME_H

#include <linux/dma-fence.h>

static inline ktime_t compat_dma_fence_timestamp(struct dma_fence *fence)
{
#ifdef HAVE_DMA_FENCE_TIMESTAMP
	return test_bit(DMA_FENCE_FLAG_TIMESTAMP_BIT, &fence->flags) ?
	       dma_fence_timestamp(fence) : ktime_get();
#else
	return 0;
#endif
}

/* NULL: no memory. */
static inline struct dma_fence *compat_dma_fence_signaled_at(ktime_t time)
{
#ifdef HAVE_DMA_FENCE_PRIVATE_STUB_TIME
	return dma_fence_allocate_private_stub(time);
#else
	return dma_fence_get_stub();
#endif
}

#ifndef HAVE_DMA_RESV_EXCLUSIVE
/* A signaled fence that nobody else has; an error or NULL: no memory. */
static inline struct dma_fence *compat_dma_fence_private_stub(void)
{
#ifdef HAVE_DMA_FENCE_PRIVATE_STUB_TIME
	return dma_fence_allocate_private_stub(0);
#else
	return dma_fence_allocate_private_stub();
#endif
}
#endif

#endif /* __COMPAT_DMA_FENCE_TIME_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fences that stand for others: asked for by these names since Linux 5.19.
 */
#ifndef __COMPAT_DMA_FENCE_CONTAINER_H
#define __COMPAT_DMA_FENCE_CONTAINER_H

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>

#ifdef HAVE_NO_DMA_FENCE_IS_CONTAINER

static inline bool dma_fence_is_container(struct dma_fence *fence)
{
	return dma_fence_is_array(fence) || to_dma_fence_chain(fence);
}

/* What a link holds; a fence that is no link holds itself. */
static inline struct dma_fence *
dma_fence_chain_contained(struct dma_fence *fence)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(fence);

	return chain ? chain->fence : fence;
}

#endif

#endif /* __COMPAT_DMA_FENCE_CONTAINER_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store of a kernel that keeps one exclusive fence and a list of shared ones,
 * before Linux 5.19: its headers show the layout, so that it needs no proof.
 */
#ifndef __DMA_RESV_LEGACY_H
#define __DMA_RESV_LEGACY_H

int dma_resv_store_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			   struct dma_fence_set *set,
			   struct dma_resv_found *found);
int dma_resv_store_collect_locked(struct dma_resv *resv,
				  enum dma_resv_usage usage,
				  struct dma_fence_set *set);

int dma_resv_merge_prepare(struct dma_resv_merge *merge, struct dma_resv *resv);
int dma_resv_merge_reserve(struct dma_resv_merge *merge, struct dma_resv *resv);
int dma_resv_merge_commit(struct dma_resv_merge *merge, struct dma_resv *resv);
void dma_resv_merge_fini(struct dma_resv_merge *merge);

static inline void dma_resv_store_init(void)
{
}

static inline void dma_resv_store_fini(void)
{
}

static inline bool dma_resv_store_is_new(struct dma_resv *resv)
{
	return !rcu_access_pointer(resv->fence_excl) &&
	       !rcu_access_pointer(resv->fence);
}

#endif /* __DMA_RESV_LEGACY_H */

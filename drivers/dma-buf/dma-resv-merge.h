/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stores of a kernel that keeps fences in a list with a usage for each: by
 * its layout where that is known, and otherwise by public functions.
 */
#ifndef __DMA_RESV_MERGE_H
#define __DMA_RESV_MERGE_H

#include "dma-resv-list.h"

int dma_resv_list_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			  struct dma_fence_set *set,
			  struct dma_resv_found *found);
int dma_resv_list_prepare(struct dma_resv_merge *merge, struct dma_resv *resv);
int dma_resv_list_reserve(struct dma_resv_merge *merge, struct dma_resv *resv);
int dma_resv_list_commit(struct dma_resv_merge *merge, struct dma_resv *resv);

int dma_resv_public_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			    struct dma_fence_set *set,
			    struct dma_resv_found *found);
int dma_resv_public_reserve(struct dma_resv_merge *merge,
			    struct dma_resv *resv);
void dma_resv_public_commit(struct dma_resv_merge *merge,
			    struct dma_resv *resv);

int dma_resv_store_collect_locked(struct dma_resv *resv,
				  enum dma_resv_usage usage,
				  struct dma_fence_set *set);

static inline void dma_resv_store_init(void)
{
	dma_resv_list_init();
}

static inline void dma_resv_store_fini(void)
{
	dma_resv_list_fini();
}

static inline bool dma_resv_store_is_new(struct dma_resv *resv)
{
	return !rcu_access_pointer(resv->fences);
}

static inline int dma_resv_store_collect(struct dma_resv *resv,
					 enum dma_resv_usage usage,
					 struct dma_fence_set *set,
					 struct dma_resv_found *found)
{
	if (dma_resv_list_known)
		return dma_resv_list_collect(resv, usage, set, found);
	return dma_resv_public_collect(resv, usage, set, found);
}

static inline int dma_resv_merge_prepare(struct dma_resv_merge *merge,
					 struct dma_resv *resv)
{
	return dma_resv_list_known ? dma_resv_list_prepare(merge, resv) : 0;
}

static inline int dma_resv_merge_reserve(struct dma_resv_merge *merge,
					 struct dma_resv *resv)
{
	struct dma_resv_list *list;

	if (!dma_resv_list_known)
		return dma_resv_public_reserve(merge, resv);
	/* As a rule there is room. */
	list = dma_resv_list_of(resv);
	if (likely(list && list->num_fences +
			   dma_fence_set_count(merge->set) + merge->extra <=
			   min(list->max_fences, DMA_RESV_LIST_MAX)))
		return 0;
	return dma_resv_list_reserve(merge, resv);
}

static inline int dma_resv_merge_commit(struct dma_resv_merge *merge,
					struct dma_resv *resv)
{
	if (dma_resv_list_known)
		return dma_resv_list_commit(merge, resv);
	dma_resv_public_commit(merge, resv);
	return 0;
}

static inline void dma_resv_merge_fini(struct dma_resv_merge *merge)
{
	if (merge->list)
		dma_resv_list_discard(merge->list);
	merge->list = NULL;
}

#endif /* __DMA_RESV_MERGE_H */

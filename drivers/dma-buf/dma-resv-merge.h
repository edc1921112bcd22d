/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_RESV_MERGE_H
#define __DMA_RESV_MERGE_H

#include <linux/dma-fence-index.h>
#include <linux/dma-resv.h>

struct dma_fence;
struct dma_fence_set;
struct dma_resv_list;

/* A list of more entries is indexed; one of half as many may be short. */
#define DMA_RESV_MERGE_LINEAR	32

/**
 * struct dma_resv_merge - a fence set on its way into a reservation object
 */
struct dma_resv_merge {
	/** @set: what is to be added; empty to prune only */
	struct dma_fence_set *set;
	/** @usage: the usage of each fence of @set */
	enum dma_resv_usage usage;
	/** @list: the list to be, with @set in front; NULL to work in place */
	struct dma_resv_list *list;
	/** @index: positions in @list by context, without slots if it is short */
	struct dma_fence_index index;
	/** @contexts: the contexts in a short @list, side by side */
	u64 contexts[DMA_RESV_MERGE_LINEAR];
	/** @dropped: where the entries that were dropped begin in @list */
	unsigned int dropped;
	/** @extra: fences that others add beside @set, for which room is kept */
	unsigned int extra;
	/** @kept: entries after a commit */
	unsigned int kept;
	/** @pruned: entries that a commit dropped or replaced */
	unsigned int pruned;
	/** @untidy: dead or double entries were seen and could not be removed */
	bool untidy;
};

void dma_resv_merge_init(struct dma_resv_merge *merge,
			 struct dma_fence_set *set, enum dma_resv_usage usage);
int dma_resv_merge_prepare(struct dma_resv_merge *merge, struct dma_resv *resv,
			   unsigned int attempt);
bool dma_resv_merge_fits(struct dma_resv_merge *merge, struct dma_resv *resv);
int dma_resv_merge_commit(struct dma_resv_merge *merge, struct dma_resv *resv);
void dma_resv_merge_fini(struct dma_resv_merge *merge);

#endif /* __DMA_RESV_MERGE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One fence and many reservation objects.
 */
#ifndef __LINUX_DMA_RESV_MANY_H
#define __LINUX_DMA_RESV_MANY_H

#include <linux/dma-fence-set.h>
#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>

struct dma_fence;
struct dma_resv_merge;

/**
 * struct dma_resv_many_entry - one of many reservation objects
 */
struct dma_resv_many_entry {
	/** @resv: it lives until the end of the import */
	struct dma_resv *resv;
	/**
	 * @usage: %DMA_RESV_USAGE_WRITE or %DMA_RESV_USAGE_READ: what the work
	 * behind the fence does; may be another one afterwards
	 */
	enum dma_resv_usage usage;
	/* private: */
	bool owner, full;
	struct dma_resv_merge *merge;
};

/**
 * struct dma_resv_many - many reservation objects, locked together
 */
struct dma_resv_many {
	/** @entries: of the user, which may name an object more than once */
	struct dma_resv_many_entry *entries;
	/** @count: number of @entries */
	unsigned int count;
	/** @failed: after an error, the entry that it came from, or @count */
	unsigned int failed;
	/* private: */
	struct dma_fence *fence;
	struct dma_fence_set set;
	bool prepared;
	struct ww_acquire_ctx ticket;
};

int dma_resv_many_lock(struct dma_resv_many *many,
		       struct dma_resv_many_entry *entries, unsigned int count,
		       struct dma_fence *fence);
int dma_resv_many_export(struct dma_resv_many *many,
			 struct dma_fence_set *set);
void dma_resv_many_commit(struct dma_resv_many *many);
void dma_resv_many_end(struct dma_resv_many *many);
void dma_resv_many_cancel(struct dma_resv_many *many);

#endif /* __LINUX_DMA_RESV_MANY_H */

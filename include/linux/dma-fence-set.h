/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of fences: one unsignaled fence, the latest, for each context.
 */
#ifndef __LINUX_DMA_FENCE_SET_H
#define __LINUX_DMA_FENCE_SET_H

#include <linux/dma-fence-index.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct dma_fence;

/* So many contexts need no memory beside the set itself. */
#define DMA_FENCE_SET_INLINE	16

/* Past so many contexts dma_fence_set_add() answers -ENOMEM. */
#define DMA_FENCE_SET_MAX	DMA_FENCE_INDEX_MAX

/**
 * struct dma_fence_set - distinct contexts, the latest unsignaled fence of each
 *
 * Lives on the stack of its user; initialize with dma_fence_set_init(), end
 * with dma_fence_set_fini(). The set has no lock of its own.
 */
struct dma_fence_set {
	/** @fences: @count fences, a reference held on each, NULL if dropped */
	struct dma_fence_table fences;
	/** @count: number of fences, of one context only if without order */
	unsigned int count;
	/** @capacity: number of fences for which there is room */
	unsigned int capacity;
	/** @index: positions by context, without slots for a short set */
	struct dma_fence_index index;
	/** @signaled: when the last fence signaled that was not added for that */
	ktime_t signaled;
	/** @signaled_count: how many were not */
	unsigned int signaled_count;
	/** @walked: fences and chain links looked at so far */
	unsigned long walked;
	/** @contexts: the contexts of a short set, side by side */
	u64 contexts[DMA_FENCE_SET_INLINE];
	/** @inline_fences: backing of @fences for a short set */
	struct dma_fence *inline_fences[DMA_FENCE_SET_INLINE];
};

/* Where fence number @i of @set is. */
static inline struct dma_fence **dma_fence_set_at(const struct dma_fence_set *set,
						  unsigned int i)
{
	return dma_fence_table_at(&set->fences, i * sizeof(struct dma_fence *));
}

void dma_fence_set_init(struct dma_fence_set *set);
void dma_fence_set_fini(struct dma_fence_set *set);

int dma_fence_set_reserve(struct dma_fence_set *set, unsigned int capacity);
void dma_fence_set_take(struct dma_fence_set *set, struct dma_fence *fence);
int dma_fence_set_add(struct dma_fence_set *set, struct dma_fence *fence);
bool dma_fence_set_drop_covered(struct dma_fence_set *set,
				struct dma_fence *fence);
struct dma_fence *dma_fence_set_merge(struct dma_fence_set *set);
struct dma_fence *dma_fence_set_merge_two(struct dma_fence *a,
					  struct dma_fence *b);

#endif /* __LINUX_DMA_FENCE_SET_H */

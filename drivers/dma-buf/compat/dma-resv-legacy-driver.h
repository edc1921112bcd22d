/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests that play a driver lack where there is one exclusive fence: names of
 * Linux 5.18 for containers, and an exclusive fence that forgets no other.
 *
 * Does not: use anything of this project's code.
 */
#ifndef __COMPAT_DMA_RESV_LEGACY_DRIVER_H
#define __COMPAT_DMA_RESV_LEGACY_DRIVER_H

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

static inline struct dma_fence_chain *dma_fence_chain_alloc(void)
{
	return kmalloc(sizeof(struct dma_fence_chain), GFP_KERNEL);
}

static inline void dma_fence_chain_free(struct dma_fence_chain *chain)
{
	kfree(chain);
}

/* Each fence of a chain of arrays, with no regard for what has signaled. */
struct dma_fence_unwrap {
	struct dma_fence *link;
	struct dma_fence_array *array;
	unsigned int i;
};

static inline struct dma_fence *
dma_fence_unwrap_link(struct dma_fence_unwrap *cursor)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(cursor->link);
	struct dma_fence *fence = chain ? chain->fence : cursor->link;

	cursor->i = 0;
	cursor->array = fence ? to_dma_fence_array(fence) : NULL;
	return cursor->array ? cursor->array->fences[0] : fence;
}

static inline struct dma_fence *
dma_fence_unwrap_first(struct dma_fence *head, struct dma_fence_unwrap *cursor)
{
	cursor->link = dma_fence_get(head);
	return dma_fence_unwrap_link(cursor);
}

static inline struct dma_fence *
dma_fence_unwrap_next(struct dma_fence_unwrap *cursor)
{
	if (cursor->array && ++cursor->i < cursor->array->num_fences)
		return cursor->array->fences[cursor->i];
	cursor->link = dma_fence_chain_walk(cursor->link);
	return dma_fence_unwrap_link(cursor);
}

#define dma_fence_unwrap_for_each(fence, cursor, head) \
	for (fence = dma_fence_unwrap_first(head, cursor); fence; \
	     fence = dma_fence_unwrap_next(cursor))

static inline u32 legacy_count(struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *one;
	u32 count = 0;

	dma_fence_unwrap_for_each(one, &cursor, fence)
		count++;
	return count;
}

/* Let all wait for @fence, and for what they waited for before. */
static inline int legacy_add_exclusive(struct dma_resv *resv,
				       struct dma_fence *fence)
{
	struct dma_fence *old = dma_resv_get_excl(resv), *one, **fences;
	u32 count = legacy_count(old) + 1, i = 0;
	struct dma_fence_array *array;
	struct dma_fence_unwrap cursor;

	fences = kmalloc_array(count, sizeof(*fences), GFP_KERNEL);
	if (!fences)
		return -ENOMEM;
	dma_fence_unwrap_for_each(one, &cursor, old)
		fences[i++] = dma_fence_get(one);
	fences[i++] = dma_fence_get(fence);
	/* Links that have signaled meanwhile are gone. */
	array = dma_fence_array_create(i, fences, dma_fence_context_alloc(1),
				       1, false);
	if (!array) {
		while (i)
			dma_fence_put(fences[--i]);
		kfree(fences);
		return -ENOMEM;
	}
	/* dma_resv_add_excl_fence() would forget the shared ones. */
	write_seqcount_begin(&resv->seq);
	rcu_assign_pointer(resv->fence_excl, &array->base);
	write_seqcount_end(&resv->seq);
	dma_fence_put(old);
	return 0;
}

#endif /* __COMPAT_DMA_RESV_LEGACY_DRIVER_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests that play a driver say to a reservation object, by the names of Linux
 * 5.19 and later. Where there is an exclusive fence and shared ones, fences of it
 * have usage WRITE, shared ones that it does not cover have READ.
 *
 * Promises: a fence that is added takes nobody's place.
 */
#ifndef __COMPAT_DMA_RESV_DRIVER_H
#define __COMPAT_DMA_RESV_DRIVER_H

#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>
#include <linux/mm.h>

#ifndef HAVE_DMA_RESV_EXCLUSIVE

#include <linux/dma-fence-unwrap.h>

/* Whether an entry keeps the usage that it was given, and what adding it takes. */
#define DRIVER_HAS_USAGES	true
#define DRIVER_ADD_ROOM		1

#else

#include "dma-resv-legacy-driver.h"

#define DRIVER_HAS_USAGES	false
/* For a shared fence, and for the exclusive one beside it. */
#define DRIVER_ADD_ROOM		2

static inline int dma_resv_reserve_fences(struct dma_resv *resv,
					  unsigned int count)
{
	return dma_resv_reserve_shared(resv, DRIVER_ADD_ROOM * count);
}

static inline void driver_append(struct dma_resv *resv, struct dma_fence *fence)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	u32 count = list ? list->shared_count : 0;

	if (WARN_ON(!list || count >= list->shared_max))
		return;
	write_seqcount_begin(&resv->seq);
	rcu_assign_pointer(list->shared[count], dma_fence_get(fence));
	/* Whoever sees the new count sees the fence. */
	smp_store_release(&list->shared_count, count + 1);
	write_seqcount_end(&resv->seq);
}

/*
 * Where there are shared fences, the kernel's writers look at nothing else: what
 * the exclusive one stands for is beside them.
 */
static inline void dma_resv_add_fence(struct dma_resv *resv,
				      struct dma_fence *fence,
				      enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);

	if (usage <= DMA_RESV_USAGE_WRITE) {
		WARN_ON(legacy_add_exclusive(resv, fence));
		if (list && list->shared_count)
			driver_append(resv, fence);
		return;
	}
	driver_append(resv, fence);
	if (dma_resv_get_excl(resv))
		driver_append(resv, dma_resv_get_excl(resv));
}

static inline bool dma_resv_test_signaled(struct dma_resv *resv,
					  enum dma_resv_usage usage)
{
	return dma_resv_test_signaled_rcu(resv, usage > DMA_RESV_USAGE_WRITE);
}

/* There is nothing like it: a test asks DRIVER_HAS_USAGES before. */
static inline void dma_resv_replace_fences(struct dma_resv *resv, u64 context,
					   struct dma_fence *fence,
					   enum dma_resv_usage usage)
{
	WARN_ON(1);
}

/* What the kernel's own function for that says is there: with the lock or not. */
struct dma_resv_iter {
	struct dma_resv *resv;
	bool all;
	struct dma_fence *excl;
	struct dma_fence **shared;
	unsigned int count;
	/* the position: 0 is the exclusive fence, then the shared ones */
	unsigned int at;
	struct dma_fence_unwrap unwrap;
};

static inline void dma_resv_iter_begin(struct dma_resv_iter *cursor,
				       struct dma_resv *resv,
				       enum dma_resv_usage usage)
{
	memset(cursor, 0, sizeof(*cursor));
	cursor->resv = resv;
	cursor->all = usage > DMA_RESV_USAGE_WRITE;
}

static inline void dma_resv_iter_end(struct dma_resv_iter *cursor)
{
	while (cursor->count)
		dma_fence_put(cursor->shared[--cursor->count]);
	kfree(cursor->shared);
	dma_fence_put(cursor->excl);
	cursor->shared = NULL;
	cursor->excl = NULL;
}

static inline enum dma_resv_usage
dma_resv_iter_usage(struct dma_resv_iter *cursor)
{
	return cursor->at ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

/* Whether the exclusive fence does for @fence. */
static inline bool driver_covered(struct dma_resv_iter *cursor,
				  struct dma_fence *fence)
{
	struct dma_fence_unwrap unwrap;
	bool covered = false;
	struct dma_fence *f;

	dma_fence_unwrap_for_each(f, &unwrap, cursor->excl)
		covered = covered || f == fence ||
			  (f->context == fence->context &&
			   dma_fence_is_later(f, fence));
	return covered;
}

/* @fence, or what comes after it, that is not covered; NULL at the end. */
static inline struct dma_fence *driver_iter_settle(struct dma_resv_iter *cursor,
						   struct dma_fence *fence)
{
	for (;;) {
		while (fence && cursor->at && driver_covered(cursor, fence))
			fence = dma_fence_unwrap_next(&cursor->unwrap);
		if (fence || !cursor->all || cursor->at == cursor->count)
			return fence;
		fence = dma_fence_unwrap_first(cursor->shared[cursor->at++],
					       &cursor->unwrap);
	}
}

static inline struct dma_fence *driver_iter_first(struct dma_resv_iter *cursor)
{
	WARN_ON(dma_resv_get_fences_rcu(cursor->resv, &cursor->excl,
					&cursor->count, &cursor->shared));
	return driver_iter_settle(cursor,
				  dma_fence_unwrap_first(cursor->excl,
							 &cursor->unwrap));
}

static inline struct dma_fence *driver_iter_next(struct dma_resv_iter *cursor)
{
	return driver_iter_settle(cursor,
				  dma_fence_unwrap_next(&cursor->unwrap));
}

#define dma_resv_for_each_fence_unlocked(cursor, fence) \
	for (fence = driver_iter_first(cursor); fence; \
	     fence = driver_iter_next(cursor))

/* Not to be left before the last one, which ends it. */
#define dma_resv_for_each_fence(cursor, resv, usage, fence) \
	for (dma_resv_iter_begin(cursor, resv, usage), \
	     fence = driver_iter_first(cursor); \
	     fence || (dma_resv_iter_end(cursor), false); \
	     fence = driver_iter_next(cursor))

#endif /* HAVE_DMA_RESV_EXCLUSIVE */

#endif /* __COMPAT_DMA_RESV_DRIVER_H */

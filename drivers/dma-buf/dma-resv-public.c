// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of a reservation object by the kernel's public functions
 *
 * Promises: the same as dma-resv-merge.c, on a kernel whose list has a layout of
 * its own.
 *
 * Does not: keep an import linear, as dma_resv_add_fence() looks at all entries
 * for each fence, so there is a bound; allocate before the lock is taken; or
 * forget what has signaled.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv.h>
#include <linux/sched.h>

#include "dma-resv-rule.h"
#include "dma-resv-store.h"

/* So many fences are added by one import. */
#define IMPORT_MAX	8192

/* Writers may overtake a reader without the lock so often, then it locks. */
#define RESTARTS_MAX	4

int dma_resv_public_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			    struct dma_fence_set *set,
			    struct dma_resv_found *found)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	bool started = false;
	int ret = 0;

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		/* The start counts as a restart. */
		if (dma_resv_iter_is_restarted(&cursor)) {
			found->restarts += started;
			found->fences = 0;
			started = true;
		}
		if (found->restarts > RESTARTS_MAX)
			ret = -EAGAIN;
		else
			ret = dma_fence_set_add(set, fence);
		found->fences++;
		/* Where the list is gone, the iterator stands still. */
		if (ret || !cursor.fences)
			break;
	}
	dma_resv_iter_end(&cursor);
	return ret;
}

/* With the lock, that is how each kernel with a list is asked. */
int dma_resv_store_collect_locked(struct dma_resv *resv,
				  enum dma_resv_usage usage,
				  struct dma_fence_set *set)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	dma_resv_for_each_fence(&cursor, resv, usage, fence) {
		ret = dma_fence_set_add(set, fence);
		if (ret)
			break;
	}
	return ret;
}

/* Note which fences need not be added: how many need to be. */
static unsigned int public_note(struct dma_resv_merge *merge,
				struct dma_resv *resv)
{
	unsigned int i, count = dma_fence_set_count(merge->set);
	unsigned int missing = count;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	for (i = 0; i < count; i++)
		*dma_fence_set_note(merge->set, i) = true;
	dma_resv_for_each_fence(&cursor, resv, merge->usage, fence) {
		i = dma_fence_set_find(merge->set, fence);
		if (i == count || !*dma_fence_set_note(merge->set, i) ||
		    dma_resv_rule(fence, dma_resv_iter_usage(&cursor),
				  dma_fence_set_fence(merge->set, i),
				  merge->usage) != DMA_RESV_OLD)
			continue;
		*dma_fence_set_note(merge->set, i) = false;
		missing--;
	}
	return missing;
}

int dma_resv_public_reserve(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	unsigned int missing = public_note(merge, resv);

	if (missing > IMPORT_MAX)
		return -ENOMEM;
	if (!missing && !merge->extra)
		return 0;
	return dma_resv_reserve_fences(resv, missing + merge->extra);
}

void dma_resv_public_commit(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	unsigned int i;

	merge->kept = public_note(merge, resv);
	for (i = 0; i < dma_fence_set_count(merge->set); i++) {
		if (*dma_fence_set_note(merge->set, i))
			dma_resv_add_fence(resv,
					   dma_fence_set_fence(merge->set, i),
					   merge->usage);
		cond_resched();
	}
}

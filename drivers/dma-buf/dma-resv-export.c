// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export and import of the fences of a reservation object
 *
 * Promises: an export waits for everything it must and for nothing else; an
 * import adds and never takes away, so a fence that somebody relied on stays,
 * or a later one of its context with the same or a stricter usage.
 *
 * Does not: know about user space, file descriptors or dma-bufs.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>

/* Writers may overtake a reader without the lock so often, then it locks. */
#define EXPORT_RESTARTS_MAX	4

/* Collect without the lock. -EAGAIN: writers kept getting in between. */
static int resv_collect_unlocked(struct dma_resv *resv,
				 enum dma_resv_usage usage,
				 struct dma_fence_set *set)
{
	unsigned int restarts = 0;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		if (dma_resv_iter_is_restarted(&cursor)) {
			dma_fence_set_reset(set);
			if (restarts++ > EXPORT_RESTARTS_MAX)
				ret = -EAGAIN;
		}
		if (!ret)
			ret = dma_fence_set_add(set, fence);
		if (ret)
			break;
	}
	dma_resv_iter_end(&cursor);
	return ret;
}

/* Collect behind the lock, which ends every race. */
static int resv_collect_locked(struct dma_resv *resv, enum dma_resv_usage usage,
			       struct dma_fence_set *set)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret = 0;

	dma_fence_set_reset(set);
	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, usage, fence) {
		ret = dma_fence_set_add(set, fence);
		if (ret)
			break;
	}
	dma_resv_unlock(resv);
	return ret;
}

/**
 * dma_resv_export_fence - one fence for all that a reservation object waits for
 * @resv: the reservation object
 * @usage: what the caller has to wait for, as dma_resv_usage_rw() gives it
 *
 * Takes a snapshot: the fence signals once every fence of a usage up to @usage
 * that was in @resv when the call began has signaled. A fence that is added
 * meanwhile may be part of it, one that is added later never is. See
 * dma_fence_set_merge() for the shapes that the fence can have.
 *
 * Context: process; may sleep. Does not take the lock of @resv unless others
 * keep changing it. The caller must not hold that lock.
 *
 * Return: the fence, signaled if there is nothing to wait for, with a
 * reference for the caller; ERR_PTR(-ENOMEM), or ERR_PTR(-EINTR) if the caller
 * was killed.
 */
struct dma_fence *dma_resv_export_fence(struct dma_resv *resv,
					enum dma_resv_usage usage)
{
	struct dma_fence_set set;
	struct dma_fence *fence;
	int ret;

	dma_fence_set_init(&set);
	ret = resv_collect_unlocked(resv, usage, &set);
	if (ret == -EAGAIN)
		ret = resv_collect_locked(resv, usage, &set);
	fence = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	return fence;
}
EXPORT_SYMBOL_GPL(dma_resv_export_fence);

/* Add what is left of @set after @resv had its say. Called with the lock. */
static int resv_add_set(struct dma_resv *resv, struct dma_fence_set *set,
			enum dma_resv_usage usage)
{
	unsigned int i, missing = set->count;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret;

	dma_resv_for_each_fence(&cursor, resv, usage, fence)
		missing -= dma_fence_set_drop_covered(set, fence);
	if (!missing)
		return 0;

	ret = dma_resv_reserve_fences(resv, missing);
	if (ret)
		return ret;

	for (i = 0; i < set->count; i++)
		if (set->fences[i])
			dma_resv_add_fence(resv, set->fences[i], usage);
	return 0;
}

/**
 * dma_resv_import_fence - make a reservation object wait for a fence
 * @resv: the reservation object
 * @fence: a fence or a container of fences; the caller keeps its reference
 * @usage: %DMA_RESV_USAGE_WRITE, %DMA_RESV_USAGE_READ or
 *	%DMA_RESV_USAGE_BOOKKEEP: who has to wait for it
 *
 * Takes @fence apart and adds what has not signaled, one entry for a context.
 * Nothing that was there is lost: an entry makes room only for a later fence
 * of its context with the same or a stricter usage, or if it has signaled. A
 * fence that an entry of the same context covers already is not added.
 *
 * Context: process; may sleep. Takes the lock of @resv without a
 * &struct ww_acquire_ctx, so the caller must not hold the lock of any
 * reservation object.
 *
 * Return: 0; -ENOMEM, or -EINTR if the caller was killed; after an error @resv
 * is unchanged.
 */
int dma_resv_import_fence(struct dma_resv *resv, struct dma_fence *fence,
			  enum dma_resv_usage usage)
{
	struct dma_fence_set set;
	int ret;

	dma_fence_set_init(&set);
	ret = dma_fence_set_add(&set, fence);
	if (!ret && set.count) {
		dma_resv_lock(resv, NULL);
		ret = resv_add_set(resv, &set, usage);
		dma_resv_unlock(resv);
	}
	dma_fence_set_fini(&set);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_resv_import_fence);

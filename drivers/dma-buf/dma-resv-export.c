// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export of the fences of a reservation object
 *
 * Promises: the fence waits for everything it must and for nothing else, and
 * nobody else's lock is waited for in the common case.
 *
 * Does not: know about user space, file descriptors or dma-bufs, or how an object
 * stores its fences.
 */

#include <linux/dma-fence.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>

#include "dma-resv-import.h"
#include "dma-resv-store.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dma_resv_export.h>

/* So many dead fences are worth a lock, if they are the greater part. */
#define DEAD_MAX	32

/**
 * dma_resv_export_add - add to a set all that a reservation object waits for
 * @resv: the reservation object
 * @usage: as for dma_resv_export_fence()
 * @set: where the fences go, beside those that it holds
 *
 * One set may collect from many reservation objects before
 * dma_fence_set_merge() makes a fence of it. Where most entries of @resv turn
 * out to have signaled, they are removed, as dma_resv_prune() does.
 *
 * Context: process; may sleep. Does not wait for the lock of @resv unless others
 * keep changing it, or a driver has put a container there. The caller must not
 * hold that lock.
 *
 * Return: 0; -ENOMEM; -EINTR if the caller was killed. After an error @set may
 * hold a part.
 */
int dma_resv_export_add(struct dma_resv *resv, enum dma_resv_usage usage,
			struct dma_fence_set *set)
{
	struct dma_resv_found found = {};
	int ret = 0;

	if (!dma_resv_store_is_new(resv))
		ret = dma_resv_store_collect(resv, usage, set, &found);
	if (ret == -EAGAIN) {
		/* This ends every race. */
		dma_resv_lock(resv, NULL);
		ret = dma_resv_export_locked(resv, usage, set);
		dma_resv_unlock(resv);
	}
	trace_dma_resv_export(resv, usage, found.fences, found.restarts, ret);

	/* A buffer that nobody writes any more has no other chance to forget. */
	if (found.dead > DEAD_MAX && found.dead > found.fences)
		dma_resv_try_prune(resv);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_resv_export_add);

/**
 * dma_resv_export_locked - dma_resv_export_add() for the holder of the lock
 * @resv: the reservation object, locked
 * @usage: as for dma_resv_export_fence()
 * @set: where the fences go, beside those that it holds
 *
 * Context: process; may sleep, and allocates if @set has no room.
 *
 * Return: 0; -ENOMEM; -EINTR if the caller was killed.
 */
int dma_resv_export_locked(struct dma_resv *resv, enum dma_resv_usage usage,
			   struct dma_fence_set *set)
{
	dma_resv_assert_held(resv);
	return dma_resv_store_collect_locked(resv, usage, set);
}
EXPORT_SYMBOL_GPL(dma_resv_export_locked);

/**
 * dma_resv_export_fence - one fence for all that a reservation object waits for
 * @resv: the reservation object
 * @usage: what the caller has to wait for, as dma_resv_usage_rw() gives it
 *
 * Takes a snapshot: the fence signals once every fence of a usage up to @usage
 * that was in @resv when the call began has signaled. A fence that is added
 * meanwhile may be part of it, one that is added later never is. See
 * dma_fence_set_merge() for the shapes that the fence can have, and
 * dma_resv_export_add() for many reservation objects.
 *
 * Context: process; may sleep. Does not wait for the lock of @resv unless others
 * keep changing it, or a driver has put a container there. The caller must not
 * hold that lock.
 *
 * Return: the fence, signaled if there is nothing to wait for, with a
 * reference for the caller; ERR_PTR(-ENOMEM), or ERR_PTR(-EINTR) if the caller
 * was killed.
 */
struct dma_fence *dma_resv_export_fence(struct dma_resv *resv,
					enum dma_resv_usage usage)
{
	struct dma_fence_set set __uninitialized;
	struct dma_fence *fence;
	int ret;

	/* Many a buffer never carries a fence. */
	if (dma_resv_store_is_new(resv)) {
		trace_dma_resv_export(resv, usage, 0, 0, 0);
		return dma_fence_get_stub();
	}

	dma_fence_set_init(&set);
	ret = dma_resv_export_add(resv, usage, &set);
	fence = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	return fence;
}
EXPORT_SYMBOL_GPL(dma_resv_export_fence);

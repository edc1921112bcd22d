// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export of the fences of a reservation object
 *
 * Promises: the fence waits for everything it must and for nothing else, and
 * nobody else's lock is waited for in the common case.
 *
 * Does not: know about user space, file descriptors or dma-bufs.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>

#include "dma-resv-list.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dma_resv_export.h>

/* Writers may overtake a reader without the lock so often, then it locks. */
#define EXPORT_RESTARTS_MAX	4

/*
 * Add entry @i to @set, for which there is room, under rcu_read_lock().
 * -EAGAIN: the list is no longer that of the reservation object.
 */
static int resv_collect_entry(struct dma_resv *resv, struct dma_resv_list *list,
			      unsigned int i, enum dma_resv_usage usage,
			      struct dma_fence_set *set)
{
	unsigned long entry, again;
	struct dma_fence *fence;

	for (entry = dma_resv_list_entry(list, i);; entry = again) {
		if (dma_resv_entry_usage(entry) > usage)
			return 0;
		fence = dma_fence_get_rcu(dma_resv_entry_fence(entry));
		/* First the reference, then a look at what it is good for. */
		smp_mb__after_atomic();
		again = dma_resv_list_entry(list, i);
		if (fence && again == entry && dma_resv_list_of(resv) == list)
			break;
		/* Replaced, and perhaps freed and used again. */
		dma_fence_put(fence);
		if (again == entry)
			return -EAGAIN;
	}

	/* A container does not belong here: take it apart behind the lock. */
	if (dma_fence_is_container(fence)) {
		dma_fence_put(fence);
		return -EAGAIN;
	}
	dma_fence_set_insert(set, fence);
	dma_fence_put(fence);
	return 0;
}

/* Collect in one pass under RCU. -EAGAIN: writers got in between. */
static int resv_collect_rcu(struct dma_resv *resv, enum dma_resv_usage usage,
			    struct dma_fence_set *set)
{
	struct dma_resv_list *list;
	unsigned int i, count;
	int ret = 0;

	rcu_read_lock();
	count = dma_resv_list_count(dma_resv_list_of(resv));
	if (count > set->capacity) {
		rcu_read_unlock();
		ret = dma_fence_set_reserve(set, count);
		if (ret)
			return ret;
		rcu_read_lock();
	}

	list = dma_resv_list_of(resv);
	count = dma_resv_list_count(list);
	if (count > set->capacity)
		ret = -EAGAIN;
	for (i = 0; i < count && !ret; i++)
		ret = resv_collect_entry(resv, list, i, usage, set);
	rcu_read_unlock();
	return ret;
}

/* The same with public functions. */
static int resv_collect_public(struct dma_resv *resv, enum dma_resv_usage usage,
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
			/* The start counts as a restart. */
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

/* Fill @set with what @usage has to wait for. */
static int resv_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			struct dma_fence_set *set)
{
	unsigned int restarts = 0;
	int ret;

	if (dma_resv_list_known) {
		while ((ret = resv_collect_rcu(resv, usage, set)) == -EAGAIN &&
		       restarts++ < EXPORT_RESTARTS_MAX)
			dma_fence_set_reset(set);
	} else {
		ret = resv_collect_public(resv, usage, set);
	}
	if (ret == -EAGAIN)
		ret = resv_collect_locked(resv, usage, set);

	trace_dma_resv_export(resv, usage, set->count, restarts, ret);
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
	ret = resv_collect(resv, usage, &set);
	fence = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	return fence;
}
EXPORT_SYMBOL_GPL(dma_resv_export_fence);

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

#include "dma-resv-entry.h"
#include "dma-resv-list.h"
#include "dma-resv-prune.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dma_resv_export.h>

/* So many dead entries are worth a new list, if they are the greater part. */
#define EXPORT_DEAD_MAX		32

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
	unsigned int tries = 0;
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
		if (again == entry || tries++ == EXPORT_RESTARTS_MAX)
			return -EAGAIN;
	}

	/* A container does not belong here: take it apart behind the lock. */
	if (dma_fence_is_container(fence)) {
		dma_fence_put(fence);
		return -EAGAIN;
	}
	dma_fence_set_take(set, fence);
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
	if (count > set->capacity - set->count) {
		rcu_read_unlock();
		ret = dma_fence_set_reserve(set, min(set->count + count,
						     DMA_FENCE_SET_MAX));
		if (ret)
			return ret;
		rcu_read_lock();
	}

	list = dma_resv_list_of(resv);
	count = dma_resv_list_count(list);
	if (count > set->capacity - set->count)
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
		/* The start counts as a restart. */
		if (dma_resv_iter_is_restarted(&cursor) &&
		    restarts++ > EXPORT_RESTARTS_MAX)
			ret = -EAGAIN;
		if (!ret)
			ret = dma_fence_set_add(set, fence);
		/* Where the list is gone, the iterator stands still. */
		if (ret || !cursor.fences)
			break;
	}
	dma_resv_iter_end(&cursor);
	return ret;
}

/*
 * Fill @set with what @usage has to wait for. Whatever a try has found before it
 * had to be given up was in @resv after the call began, so it stays.
 */
static int resv_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			struct dma_fence_set *set)
{
	unsigned int restarts = 0, signaled = set->signaled_count;
	int ret;

	if (dma_resv_list_known) {
		do {
			set->signaled_count = signaled;
			ret = resv_collect_rcu(resv, usage, set);
		} while (ret == -EAGAIN && restarts++ < EXPORT_RESTARTS_MAX);
	} else {
		ret = resv_collect_public(resv, usage, set);
	}
	if (ret == -EAGAIN) {
		/* This ends every race. */
		dma_resv_lock(resv, NULL);
		ret = dma_resv_export_locked(resv, usage, set);
		dma_resv_unlock(resv);
	}

	trace_dma_resv_export(resv, usage, set->count, restarts, ret);
	return ret;
}

/* Many a buffer never carries a fence. */
static bool resv_is_new(struct dma_resv *resv)
{
	return dma_resv_list_known && !rcu_access_pointer(resv->fences);
}

/* Are the @dead entries that were met so many that they should go? */
static bool resv_is_dead(struct dma_resv *resv, unsigned int dead)
{
	unsigned int count;

	if (!dma_resv_list_known || dead <= EXPORT_DEAD_MAX)
		return false;
	rcu_read_lock();
	count = dma_resv_list_count(dma_resv_list_of(resv));
	rcu_read_unlock();
	return dead > count / 2;
}

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
	unsigned int signaled = set->signaled_count;
	int ret;

	if (resv_is_new(resv)) {
		trace_dma_resv_export(resv, usage, set->count, 0, 0);
		return 0;
	}

	ret = resv_collect(resv, usage, set);
	/* A buffer that nobody writes any more has no other chance to forget. */
	if (resv_is_dead(resv, set->signaled_count - signaled))
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

	if (resv_is_new(resv)) {
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

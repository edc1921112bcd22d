// SPDX-License-Identifier: GPL-2.0-only
/*
 * Import of a fence into a reservation object
 *
 * Promises: an import adds and never takes away. A fence that somebody relied
 * on stays, or a later one of its context with the same or a stricter usage,
 * unless it has signaled.
 *
 * Does not: know about user space, file descriptors or dma-bufs.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <trace/events/dma_resv_export.h>

#include "dma-resv-import.h"
#include "dma-resv-list.h"
#include "dma-resv-merge.h"
#include "dma-resv-place.h"

/* dma_resv_add_fence() looks at all entries for each: keep that in bounds. */
#define PUBLIC_IMPORT_MAX	8192

/**
 * struct dma_resv_import - an import between its steps
 */
struct dma_resv_import {
	/** @resv: where it goes */
	struct dma_resv *resv;
	/** @usage: the usage of each fence */
	enum dma_resv_usage usage;
	/** @set: the fences */
	struct dma_fence_set set;
	/** @merge: the list to be, unused with public functions */
	struct dma_resv_merge merge;
	/** @missing: fences to add, with public functions */
	unsigned int missing;
};

/**
 * DOC: Import
 *
 * dma_resv_import_fence() does it all. A driver that must not fail or allocate
 * any more at the end, or that has several reservation objects to lock, takes
 * the steps one by one::
 *
 *	import = dma_resv_import_prepare(resv, fence, usage);
 *	if (IS_ERR(import))
 *		return PTR_ERR(import);
 *
 *	ret = dma_resv_lock(resv, ticket);
 *	if (!ret)
 *		ret = dma_resv_import_reserve(import, 0);
 *	if (ret) {
 *		dma_resv_import_cancel(import);
 *		goto unwind;
 *	}
 *
 *	push_job(job);
 *	dma_resv_import_commit(import);
 *	dma_resv_unlock(resv);
 */

/* Drop what an entry covers already; what is left is counted in @missing. */
static int import_reserve_public(struct dma_resv_import *import)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count;

	dma_resv_for_each_fence(&cursor, import->resv, import->usage, fence)
		import->missing -= dma_fence_set_drop_covered(&import->set,
							      fence);
	count = import->missing + import->merge.extra;
	if (!count)
		return 0;
	if (import->missing > PUBLIC_IMPORT_MAX)
		return -ENOMEM;
	return dma_resv_reserve_fences(import->resv, count);
}

static void import_commit_public(struct dma_resv_import *import)
{
	unsigned int i;

	for (i = 0; i < import->set.count; i++) {
		struct dma_fence *fence = *dma_fence_set_at(&import->set, i);

		if (fence)
			dma_resv_add_fence(import->resv, fence, import->usage);
		cond_resched();
	}
}

static void import_fini(struct dma_resv_import *import)
{
	dma_resv_merge_fini(&import->merge);
	dma_fence_set_fini(&import->set);
}

/* Room in the set, and in its index, for what will meet there. */
static int import_reserve_set(struct dma_resv_import *import,
			      struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	unsigned int count = array ? array->num_fences : 1;

	if (dma_resv_list_known) {
		rcu_read_lock();
		count += dma_resv_list_count(dma_resv_list_of(import->resv));
		rcu_read_unlock();
	}
	if (count <= DMA_FENCE_SET_INLINE)
		return 0;
	return dma_fence_set_reserve(&import->set, min(count,
						       DMA_FENCE_SET_MAX));
}

/* Flatten and allocate. After an error there is nothing to undo. */
static int import_init(struct dma_resv_import *import, struct dma_resv *resv,
		       struct dma_fence *fence, enum dma_resv_usage usage)
{
	int ret;

	import->resv = resv;
	import->usage = usage;
	dma_fence_set_init(&import->set);
	dma_resv_merge_init(&import->merge, &import->set, usage);

	ret = import_reserve_set(import, fence);
	if (!ret)
		ret = dma_fence_set_add(&import->set, fence);
	import->missing = import->set.count;
	if (!ret && import->missing && dma_resv_list_known)
		ret = dma_resv_merge_prepare(&import->merge, resv, 0);
	if (ret)
		import_fini(import);
	return ret;
}

/* One try under the lock. -EAGAIN: others were faster. */
static int import_try(struct dma_resv_import *import)
{
	int ret;

	if (dma_resv_list_known)
		return dma_resv_merge_commit(&import->merge, import->resv);

	ret = import_reserve_public(import);
	if (!ret)
		import_commit_public(import);
	return ret;
}

/* Lock and commit; prepare again, with more room, if others were faster. */
static int import_run(struct dma_resv_import *import)
{
	bool traced = trace_dma_resv_import_enabled();
	unsigned int retries = 0;
	u64 start, locked_ns = 0;
	int ret;

	for (;;) {
		dma_resv_lock(import->resv, NULL);
		start = traced ? local_clock() : 0;
		ret = import_try(import);
		locked_ns += traced ? local_clock() - start : 0;
		dma_resv_unlock(import->resv);
		if (ret != -EAGAIN)
			break;
		ret = dma_resv_merge_prepare(&import->merge, import->resv,
					     ++retries);
		if (ret)
			break;
	}

	trace_dma_resv_import(import->resv, import->usage, import->set.walked,
			      import->missing, import->merge.kept,
			      import->merge.pruned, retries, locked_ns, ret);
	return ret;
}

/*
 * What nearly every import is: few fences, onto a short list with room. They are
 * not counted on the way, as their container holds them. 0; 1 if there is
 * something to tidy up; -EAGAIN if it has to go the long way.
 */
static int import_few(struct dma_resv *resv, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	struct dma_fence *few[DMA_RESV_PLACE_MAX] __uninitialized;
	struct dma_resv_list *list;
	int count, ret = -EAGAIN;

	if (!dma_resv_list_known || trace_dma_resv_import_enabled())
		return ret;
	count = dma_resv_place_take_apart(fence, few);
	if (count < 0)
		return ret;

	dma_resv_lock(resv, NULL);
	list = dma_resv_list_of(resv);
	if (dma_resv_place_fits(list, count))
		ret = dma_resv_place_few(list, few, count, usage);
	dma_resv_unlock(resv);
	return ret;
}

/* After an import that did not fail: is there something to tidy up? */
static bool import_is_untidy(const struct dma_resv_import *import)
{
	return import->merge.untidy || !import->missing;
}

/* Everything else. */
static int import_any(struct dma_resv *resv, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	struct dma_resv_import import __uninitialized;
	int ret;

	ret = import_init(&import, resv, fence, usage);
	if (ret)
		return ret;
	if (import.missing)
		ret = import_run(&import);
	if (!ret)
		ret = import_is_untidy(&import);
	import_fini(&import);
	return ret;
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
 * Return: 0; -ENOMEM without memory or with too many entries; -EINTR if the
 * caller was killed. After an error @resv is unchanged.
 */
int dma_resv_import_fence(struct dma_resv *resv, struct dma_fence *fence,
			  enum dma_resv_usage usage)
{
	int ret = import_few(resv, fence, usage);

	if (ret == -EAGAIN)
		ret = import_any(resv, fence, usage);
	if (ret <= 0)
		return ret;

	/* The import is done: without memory, the next one may tidy up. */
	dma_resv_prune(resv);
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_import_fence);

/**
 * dma_resv_import_prepare - first step of an import: what needs no lock
 * @resv: the reservation object, which has to live until the last step
 * @fence: a fence or a container of fences; the caller keeps its reference
 * @usage: as for dma_resv_import_fence()
 *
 * Takes @fence apart and allocates what the other steps need.
 *
 * Context: process; may sleep. No lock is needed.
 *
 * Return: the import, to be ended by dma_resv_import_commit() or
 * dma_resv_import_cancel(); ERR_PTR(-ENOMEM), or ERR_PTR(-EINTR) if the caller
 * was killed.
 */
struct dma_resv_import *dma_resv_import_prepare(struct dma_resv *resv,
						struct dma_fence *fence,
						enum dma_resv_usage usage)
{
	struct dma_resv_import *import;
	int ret;

	import = kmalloc(sizeof(*import), GFP_KERNEL_ACCOUNT);
	if (!import)
		return ERR_PTR(-ENOMEM);

	ret = import_init(import, resv, fence, usage);
	if (ret) {
		kfree(import);
		return ERR_PTR(ret);
	}
	return import;
}
EXPORT_SYMBOL_GPL(dma_resv_import_prepare);

/**
 * dma_resv_import_reserve - second step of an import: the last that can fail
 * @import: a prepared import
 * @extra: how many fences the caller will add to the same reservation object
 *	before it unlocks it, by dma_resv_add_fence() or by other imports
 *
 * Makes sure that dma_resv_import_commit() finds room, and those @extra fences
 * too, in whatever order. As with dma_resv_reserve_fences(), the last call counts
 * and reservations do not add up, so each has to cover all that is to come.
 *
 * Context: process; the caller holds the lock of the reservation object, with or
 * without a &struct ww_acquire_ctx. Allocates only for @extra, if others have
 * changed the object since dma_resv_import_prepare(), or where only the kernel's
 * public functions can be used.
 *
 * Return: 0 or -ENOMEM. After an error the import can only be cancelled.
 */
int dma_resv_import_reserve(struct dma_resv_import *import, unsigned int extra)
{
	int ret;

	dma_resv_assert_held(import->resv);
	import->merge.extra = extra;
	if (!dma_resv_list_known)
		return import_reserve_public(import);
	if (!import->missing)
		return extra ? dma_resv_reserve_fences(import->resv, extra) : 0;
	if (!dma_resv_merge_fits(&import->merge, import->resv)) {
		ret = dma_resv_merge_prepare(&import->merge, import->resv, 1);
		if (ret)
			return ret;
	}
	/* The commit cannot fail any more, so count what it might drop, too. */
	if (import->merge.list &&
	    dma_resv_list_count(dma_resv_list_of(import->resv)) +
	    import->set.count + extra > DMA_RESV_LIST_MAX)
		return -ENOMEM;
	/* What is added before the commit goes into the list that is there. */
	if (extra && import->merge.list)
		return dma_resv_reserve_fences(import->resv, extra);
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_import_reserve);

/**
 * dma_resv_import_end - dma_resv_import_commit(), and a look at what it left
 * @import: as for dma_resv_import_commit()
 *
 * Return: whether dma_resv_prune() has something to do.
 */
bool dma_resv_import_end(struct dma_resv_import *import)
{
	bool untidy;

	dma_resv_assert_held(import->resv);
	import->merge.extra = 0;
	if (import->missing && dma_resv_list_known)
		WARN_ON(dma_resv_merge_commit(&import->merge, import->resv));
	else if (import->missing)
		import_commit_public(import);
	untidy = import_is_untidy(import);
	dma_resv_import_cancel(import);
	return untidy;
}

/**
 * dma_resv_import_commit - last step of an import
 * @import: a reserved import; it is freed
 *
 * Cannot fail and does not allocate, so it is allowed between the publication
 * of a fence and its signaling. It may leave signaled entries behind, for
 * dma_resv_prune() or the next import.
 *
 * Context: process; the caller has held the lock of the reservation object
 * since dma_resv_import_reserve().
 */
void dma_resv_import_commit(struct dma_resv_import *import)
{
	dma_resv_import_end(import);
}
EXPORT_SYMBOL_GPL(dma_resv_import_commit);

/**
 * dma_resv_import_cancel - end an import without effect
 * @import: an import that was prepared, perhaps reserved; it is freed
 *
 * Context: process; may sleep. No lock is needed.
 */
void dma_resv_import_cancel(struct dma_resv_import *import)
{
	import_fini(import);
	kfree(import);
}
EXPORT_SYMBOL_GPL(dma_resv_import_cancel);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Import of a fence into a reservation object, at once or in steps
 *
 * Promises: an import adds and never takes away. A fence that somebody relied
 * on stays, or a later one of its context with the same or a stricter usage,
 * unless it has signaled.
 *
 * Does not: know about user space, file descriptors or dma-bufs, or how an object
 * stores its fences.
 */

#include <linux/dma-fence.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/printk.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <trace/events/dma_resv_export.h>

#include "dma-resv-import.h"
#include "dma-resv-store.h"

/* Others may be faster so often, then memory is allocated under the lock. */
#define TRIES_MAX	4

/**
 * struct dma_resv_import - an import between its steps
 */
struct dma_resv_import {
	/** @resv: where it goes */
	struct dma_resv *resv;
	/** @fence: holds what @set borrows */
	struct dma_fence *fence;
	/** @set: the fences */
	struct dma_fence_set set;
	/** @merge: of @set into @resv */
	struct dma_resv_merge merge;
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

/* Flatten. After an error there is nothing to undo. */
static int set_of_fence(struct dma_fence_set *set, struct dma_fence *fence)
{
	int ret;

	dma_fence_set_init(set);
	ret = dma_fence_set_borrow(set, fence);
	if (!ret)
		ret = dma_fence_set_reserve_notes(set);
	if (ret)
		dma_fence_set_fini(set);
	return ret;
}

/**
 * dma_resv_import_make_room - let a commit find room, whoever else was faster
 * @merge: a merge, prepared or not
 * @resv: its reservation object, locked
 *
 * Return: 0 or -ENOMEM.
 */
int dma_resv_import_make_room(struct dma_resv_merge *merge,
			      struct dma_resv *resv)
{
	int ret = dma_resv_merge_reserve(merge, resv);

	if (ret != -EAGAIN)
		return ret;
	ret = dma_resv_merge_prepare(merge, resv);
	if (!ret)
		ret = dma_resv_merge_reserve(merge, resv);
	/* A caller who was killed may as well be short of memory. */
	return ret ? -ENOMEM : 0;
}

/* One try under the lock. -EAGAIN: others were faster. */
static int merge_try(struct dma_resv_merge *merge, struct dma_resv *resv,
		     unsigned int tries, u64 *locked_ns)
{
	bool traced = trace_dma_resv_import_enabled();
	u64 start;
	int ret;

	dma_resv_lock(resv, NULL);
	start = traced ? local_clock() : 0;
	if (tries < TRIES_MAX)
		ret = dma_resv_merge_reserve(merge, resv);
	else
		ret = dma_resv_import_make_room(merge, resv);
	if (!ret)
		ret = dma_resv_merge_commit(merge, resv);
	*locked_ns += traced ? local_clock() - start : 0;
	dma_resv_unlock(resv);
	return ret;
}

/* As a rule there is room, and nothing to be done before the lock is taken. */
static int merge_run(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	unsigned int tries = 0;
	u64 locked_ns = 0;
	int ret;

	ret = merge_try(merge, resv, tries, &locked_ns);
	while (ret == -EAGAIN) {
		ret = tries < TRIES_MAX ? dma_resv_merge_prepare(merge, resv) :
					  0;
		if (!ret)
			ret = merge_try(merge, resv, tries, &locked_ns);
		tries++;
	}
	trace_dma_resv_import(resv, merge->usage,
			      dma_fence_set_walked(merge->set),
			      dma_fence_set_count(merge->set), merge->kept,
			      merge->pruned, tries ? tries - 1 : 0, locked_ns,
			      ret);
	dma_resv_merge_fini(merge);
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
 * caller was killed; -EINVAL if containers are nested too deep, see
 * dma_fence_set_add(). After an error @resv is unchanged.
 */
int dma_resv_import_fence(struct dma_resv *resv, struct dma_fence *fence,
			  enum dma_resv_usage usage)
{
	struct dma_fence_set set __uninitialized;
	struct dma_resv_merge merge;
	int ret;

	ret = set_of_fence(&set, fence);
	if (ret)
		return ret;
	dma_resv_merge_init(&merge, &set, usage);
	ret = merge_run(&merge, resv);
	dma_fence_set_fini(&set);
	return ret;
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
 * dma_resv_import_cancel(); an error as dma_resv_import_fence() has it.
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

	ret = set_of_fence(&import->set, fence);
	if (ret) {
		kfree(import);
		return ERR_PTR(ret);
	}
	import->resv = resv;
	import->fence = dma_fence_get(fence);
	dma_resv_merge_init(&import->merge, &import->set, usage);
	import->merge.final = true;
	ret = dma_resv_merge_prepare(&import->merge, resv);
	/* With -EAGAIN, the second step does it. */
	if (ret && ret != -EAGAIN) {
		dma_resv_import_cancel(import);
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
 * and reservations do not add up, so each has to cover all that is to come: the
 * commit may use room that was reserved before.
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
	dma_resv_assert_held(import->resv);
	import->merge.extra = extra;
	return dma_resv_import_make_room(&import->merge, import->resv);
}
EXPORT_SYMBOL_GPL(dma_resv_import_reserve);

/**
 * dma_resv_import_commit_or_wait - commit what must not be lost
 * @merge: a merge for which there should be room
 * @resv: its reservation object, locked
 *
 * If the caller has added more fences than it had reserved room for, this waits for
 * the fences of the merge: what nobody waits for later has to be over.
 */
void dma_resv_import_commit_or_wait(struct dma_resv_merge *merge,
				    struct dma_resv *resv)
{
	unsigned int i;

	merge->extra = 0;
	if (!dma_resv_merge_commit(merge, resv))
		return;
	pr_warn_once("dma_resv_export: an import found no room, as its driver reserved too little: waiting for its fences\n");
	for (i = 0; i < dma_fence_set_count(merge->set); i++) {
		struct dma_fence *fence = dma_fence_set_fence(merge->set, i);

		if (!dma_fence_is_signaled(fence))
			dma_fence_wait(fence, false);
	}
}

/**
 * dma_resv_import_commit - last step of an import
 * @import: a reserved import; it is freed
 *
 * Cannot fail and does not allocate, so it is allowed between the publication
 * of a fence and its signaling. If the caller has added more fences since
 * dma_resv_import_reserve() than it had announced, there may be no room: then this
 * waits for the fences of the import, so that nobody misses them.
 *
 * Context: process; the caller has held the lock of the reservation object
 * since dma_resv_import_reserve().
 */
void dma_resv_import_commit(struct dma_resv_import *import)
{
	dma_resv_assert_held(import->resv);
	dma_resv_import_commit_or_wait(&import->merge, import->resv);
	dma_resv_import_cancel(import);
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
	dma_resv_merge_fini(&import->merge);
	dma_fence_set_fini(&import->set);
	dma_fence_put(import->fence);
	kfree(import);
}
EXPORT_SYMBOL_GPL(dma_resv_import_cancel);

/* A merge of nothing. With @wait, wait for the lock, otherwise answer -EBUSY. */
static int resv_prune(struct dma_resv *resv, bool wait)
{
	struct dma_fence_set none __uninitialized;
	struct dma_resv_merge merge;
	int ret;

	if (dma_resv_store_is_new(resv))
		return 0;

	dma_fence_set_init(&none);
	dma_resv_merge_init(&merge, &none, DMA_RESV_USAGE_BOOKKEEP);
	ret = dma_resv_merge_prepare(&merge, resv);
	if (!ret && wait)
		ret = dma_resv_lock(resv, NULL);
	else if (!ret)
		ret = dma_resv_trylock(resv) ? 0 : -EBUSY;
	if (!ret) {
		ret = dma_resv_merge_reserve(&merge, resv);
		if (!ret)
			ret = dma_resv_merge_commit(&merge, resv);
		dma_resv_unlock(resv);
	}
	dma_resv_merge_fini(&merge);
	trace_dma_resv_prune(resv, merge.kept, merge.pruned, ret);
	return ret;
}

/**
 * dma_resv_prune - forget what nobody waits for any more
 * @resv: the reservation object
 *
 * Drops the references on fences that have signaled. Does nothing where only the
 * kernel's public functions can be used.
 *
 * Context: process; may sleep. Takes the lock of @resv without a
 * &struct ww_acquire_ctx.
 *
 * Return: 0. Before Linux 5.19 also -ENOMEM; -EINTR if the caller was killed;
 * -EAGAIN if others keep changing @resv. After an error @resv is unchanged.
 */
int dma_resv_prune(struct dma_resv *resv)
{
	return resv_prune(resv, true);
}
EXPORT_SYMBOL_GPL(dma_resv_prune);

/**
 * dma_resv_try_prune - the same, unless somebody has the lock
 * @resv: the reservation object
 *
 * Context: process; may sleep, though not for the lock of @resv.
 *
 * Return: as dma_resv_prune(), or -EBUSY.
 */
int dma_resv_try_prune(struct dma_resv *resv)
{
	return resv_prune(resv, false);
}

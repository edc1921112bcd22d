// SPDX-License-Identifier: GPL-2.0-only
/*
 * Import of one fence into many reservation objects
 *
 * Promises: all or nothing. All locks are held, and all that can fail has been
 * done, before the first object changes, so no other holder of the locks sees
 * one with the fence and another one without. However many tasks lock
 * overlapping sets in whatever order, each of them gets its turn.
 *
 * Does not: know about user space, file descriptors or dma-bufs.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "dma-resv-import.h"
#include "dma-resv-store.h"

/**
 * DOC: Many
 *
 * What a compositor or a command stream needs: a fence left behind in all its
 * buffers at once, perhaps in exchange for what has to be waited for::
 *
 *	ret = dma_resv_many_lock(&many, entries, count, fence);
 *	if (ret)
 *		return ret;
 *
 *	ret = dma_resv_many_export(&many, &set);
 *	if (ret) {
 *		dma_resv_many_cancel(&many);
 *		return ret;
 *	}
 *	push_job(job);
 *	dma_resv_many_commit(&many);
 *	dma_resv_many_end(&many);
 */

/*
 * The merge of the first entry of an object: what has been prepared for it, or as
 * a rule @none, which is not.
 */
static struct dma_resv_merge *entry_merge(struct dma_resv_many *many,
					  struct dma_resv_many_entry *entry,
					  struct dma_resv_merge *none)
{
	struct dma_resv_merge *merge = entry->merge ?: none;

	if (merge == none)
		dma_resv_merge_init(merge, &many->set, entry->usage);
	merge->usage = entry->usage;
	merge->final = true;
	return merge;
}

/* Allocate what a commit wants, for an object where there is no room. */
static int entry_prepare(struct dma_resv_many *many,
			 struct dma_resv_many_entry *entry)
{
	int ret;

	if (!entry->merge) {
		entry->merge = kmalloc(sizeof(*entry->merge),
				       GFP_KERNEL_ACCOUNT);
		if (!entry->merge)
			return -ENOMEM;
		dma_resv_merge_init(entry->merge, &many->set, entry->usage);
		many->prepared = true;
	}
	ret = dma_resv_merge_prepare(entry->merge, entry->resv);
	/* Under the lock it will be done. */
	return ret == -EAGAIN ? 0 : ret;
}

/* Without the locks. */
static int many_prepare(struct dma_resv_many *many)
{
	int ret;

	for (many->failed = 0; many->failed < many->count; many->failed++) {
		struct dma_resv_many_entry *entry =
			&many->entries[many->failed];

		if (!entry->full)
			continue;
		cond_resched();
		ret = entry_prepare(many, entry);
		if (ret)
			return ret;
	}
	return 0;
}

/* An object that an earlier entry has locked, where the stricter usage counts. */
static void many_join(struct dma_resv_many *many,
		      struct dma_resv_many_entry *again)
{
	struct dma_resv_many_entry *entry = many->entries;

	while (entry == again || !entry->owner || entry->resv != again->resv)
		entry++;
	if (again->usage < entry->usage)
		swap(entry->usage, again->usage);
}

static void many_drop_locks(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *entry = many->entries;
	struct dma_resv_many_entry *end = entry + many->count;

	for (; entry < end; entry++) {
		if (entry->owner)
			dma_resv_unlock(entry->resv);
		entry->owner = false;
	}
}

static void many_unlock_all(struct dma_resv_many *many)
{
	many_drop_locks(many);
	ww_acquire_fini(&many->ticket);
}

/* Lock those that are not yet locked: 0, -EDEADLK or -EINTR. */
static int many_lock_rest(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *entry = many->entries;
	struct dma_resv_many_entry *end = entry + many->count;
	int ret;

	for (; entry < end; entry++) {
		ret = unlikely(entry->owner) ? 0 :
		      dma_resv_lock_interruptible(entry->resv, &many->ticket);
		if (likely(!ret)) {
			entry->owner = true;
		} else if (ret == -EALREADY) {
			many_join(many, entry);
		} else {
			many->failed = entry - many->entries;
			return ret;
		}
	}
	return 0;
}

/* After an error, nothing is locked. */
static int many_lock_all(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *contended;
	int ret;

	ww_acquire_init(&many->ticket, &reservation_ww_class);
	while ((ret = many_lock_rest(many)) == -EDEADLK) {
		contended = &many->entries[many->failed];
		many_drop_locks(many);
		ret = dma_resv_lock_slow_interruptible(contended->resv,
						       &many->ticket);
		if (ret)
			break;
		contended->owner = true;
	}
	if (ret)
		many_unlock_all(many);
	else
		ww_acquire_done(&many->ticket);
	return ret;
}

/* With the locks: is there room in each object? -EAGAIN: not in all. */
static int many_look(struct dma_resv_many *many)
{
	struct dma_resv_merge none;
	int ret = 0, one;

	for (many->failed = 0; many->failed < many->count; many->failed++) {
		struct dma_resv_many_entry *entry =
			&many->entries[many->failed];

		if (!entry->owner)
			continue;
		one = dma_resv_merge_reserve(entry_merge(many, entry, &none),
					     entry->resv);
		entry->full = one == -EAGAIN;
		if (one && one != -EAGAIN)
			return one;
		ret = ret ?: one;
	}
	return ret;
}

/* The same, and make room where there is none. */
static int many_reserve(struct dma_resv_many *many)
{
	int ret = 0;

	for (many->failed = 0; many->failed < many->count; many->failed++) {
		struct dma_resv_many_entry *entry =
			&many->entries[many->failed];
		struct dma_resv_merge none;

		if (!entry->owner)
			continue;
		ret = dma_resv_merge_reserve(entry_merge(many, entry, &none),
					     entry->resv);
		if (ret != -EAGAIN) {
			if (ret)
				return ret;
			continue;
		}
		ret = entry_prepare(many, entry);
		if (!ret)
			ret = dma_resv_import_make_room(entry_merge(many, entry,
								    &none),
							entry->resv);
		if (ret)
			return ret;
	}
	return 0;
}

/* Lock and look; if there is no room in some, prepare and lock again. */
static int many_lock_and_reserve(struct dma_resv_many *many)
{
	int ret;

	ret = many_lock_all(many);
	if (ret)
		return ret;
	ret = many_look(many);
	if (!ret)
		return 0;
	many_unlock_all(many);
	if (ret == -EAGAIN)
		ret = many_prepare(many);
	if (!ret)
		ret = many_lock_all(many);
	if (ret)
		return ret;
	ret = many_reserve(many);
	if (ret)
		many_unlock_all(many);
	return ret;
}

/* Free what is left, but not the entries. */
static void many_fini(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *entry = many->entries;

	for (; many->prepared && entry < many->entries + many->count; entry++) {
		if (entry->merge)
			dma_resv_merge_fini(entry->merge);
		kfree(entry->merge);
		entry->merge = NULL;
	}
	dma_fence_set_fini(&many->set);
	dma_fence_put(many->fence);
}

/**
 * dma_resv_many_lock - lock many reservation objects to import one fence
 * @many: uninitialized
 * @entries: the objects; the caller owns the array, in which all is zero but
 *	&dma_resv_many_entry.resv and &dma_resv_many_entry.usage
 * @count: number of @entries; of an object that occurs more than once the first
 *	entry gets the strictest of the usages
 * @fence: a fence or a container of fences, on which the caller holds a
 *	reference until the end
 *
 * Does all that can fail, and locks the objects with a &struct ww_acquire_ctx of
 * its own. If there is no room in one of them, it unlocks all, allocates and locks
 * again; under the locks it allocates only if others have changed an object
 * meanwhile, or where only the kernel's public functions can be used.
 *
 * Context: process; may sleep. The caller must not hold the lock of any
 * reservation object.
 *
 * Return: 0; then dma_resv_many_cancel(), or dma_resv_many_commit() and
 * dma_resv_many_end() have to follow. -ENOMEM; -EINVAL for containers nested too
 * deep; -EINTR after a signal: then no
 * object has changed, none is locked, and &dma_resv_many.failed tells the entry.
 */
int dma_resv_many_lock(struct dma_resv_many *many,
		       struct dma_resv_many_entry *entries, unsigned int count,
		       struct dma_fence *fence)
{
	int ret;

	many->entries = entries;
	many->count = count;
	many->failed = count;
	many->prepared = false;
	many->fence = dma_fence_get(fence);
	dma_fence_set_init(&many->set);
	ret = dma_fence_set_borrow(&many->set, fence);
	if (!ret)
		ret = dma_fence_set_reserve_notes(&many->set);
	if (!ret)
		ret = many_lock_and_reserve(many);
	if (ret)
		many_fini(many);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_resv_many_lock);

/**
 * dma_resv_many_export - collect what the new work has to wait for
 * @many: as locked by dma_resv_many_lock()
 * @set: where the fences go
 *
 * For an object with %DMA_RESV_USAGE_WRITE all readers and writers, for one with
 * %DMA_RESV_USAGE_READ all writers.
 *
 * Context: process; may sleep and allocate.
 *
 * Return: 0; -ENOMEM; -EINTR if the caller was killed.
 */
int dma_resv_many_export(struct dma_resv_many *many, struct dma_fence_set *set)
{
	struct dma_resv_many_entry *entry;
	bool write;
	int ret;

	for (many->failed = 0; many->failed < many->count; many->failed++) {
		entry = &many->entries[many->failed];
		if (!entry->owner)
			continue;
		write = entry->usage <= DMA_RESV_USAGE_WRITE;
		ret = dma_resv_export_locked(entry->resv,
					     dma_resv_usage_rw(write), set);
		if (ret)
			return ret;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(dma_resv_many_export);

/**
 * dma_resv_many_end - last step: free what is left
 * @many: after dma_resv_many_commit()
 *
 * Context: process; may sleep. No lock may be held that is taken while one of
 * the objects is locked.
 */
void dma_resv_many_end(struct dma_resv_many *many)
{
	many_fini(many);
}
EXPORT_SYMBOL_GPL(dma_resv_many_end);

/**
 * dma_resv_many_commit - import the fence, and unlock
 * @many: as locked by dma_resv_many_lock(); dma_resv_many_end() has to follow
 *
 * Cannot fail and does not allocate, so it is allowed between the publication of
 * a fence and its signaling. Each object is unlocked when it has changed: who has
 * two locks saw neither change or sees both.
 *
 * Context: process; may sleep.
 */
void dma_resv_many_commit(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *entry = many->entries;
	struct dma_resv_many_entry *end = entry + many->count;
	struct dma_resv_merge none;

	for (; entry < end; entry++) {
		if (!entry->owner)
			continue;
		entry->owner = false;
		dma_resv_import_commit_or_wait(entry_merge(many, entry, &none),
					       entry->resv);
		dma_resv_unlock(entry->resv);
		cond_resched();
	}
	ww_acquire_fini(&many->ticket);
}
EXPORT_SYMBOL_GPL(dma_resv_many_commit);

/**
 * dma_resv_many_cancel - unlock without effect
 * @many: as locked by dma_resv_many_lock(), of which it is the end
 *
 * Context: process; may sleep.
 */
void dma_resv_many_cancel(struct dma_resv_many *many)
{
	many_unlock_all(many);
	dma_resv_many_end(many);
}
EXPORT_SYMBOL_GPL(dma_resv_many_cancel);

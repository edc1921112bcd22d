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

#include <linux/build_bug.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/minmax.h>
#include <linux/sched.h>

#include "compat/dma-resv-list.h"
#include "dma-resv-import.h"

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

/* What there is to do for an object, as seen with its lock. */
enum {
	/* An import that allocates. */
	PREPARE,
	/* As a rule there is room for few fences. */
	PLACE,
	/* What is imported once more, as for each plane of a frame, is there. */
	NOTHING,
};

/* Take the fence apart once: as few fences, or as a container without nesting. */
static int many_flatten(struct dma_resv_many *many, struct dma_fence *fence)
{
	struct dma_fence_set set __uninitialized;
	int ret;

	many->flat = dma_fence_get(fence);
	many->few_count = dma_resv_place_take_apart(fence, many->few);
	if (many->few_count >= 0)
		return 0;

	dma_fence_put(many->flat);
	dma_fence_set_init(&set);
	ret = dma_fence_set_add(&set, fence);
	many->flat = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	if (IS_ERR(many->flat))
		return PTR_ERR(many->flat);
	many->few_count = dma_resv_place_take_apart(many->flat, many->few);
	return 0;
}

static int many_init(struct dma_resv_many *many,
		     struct dma_resv_many_entry *entries, unsigned int count,
		     struct dma_fence *fence)
{
	int ret;

	BUILD_BUG_ON(ARRAY_SIZE(many->few) != DMA_RESV_PLACE_MAX);
	many->entries = entries;
	many->count = count;
	many->failed = count;
	many->loose_ends = false;
	ret = many_flatten(many, fence);
	if (ret)
		return ret;
	/* Then no list may be looked at. */
	if (!dma_resv_list_known)
		many->few_count = -EAGAIN;
	many->only = many->few_count == 1 ? many->few[0] : NULL;
	return 0;
}

static int entry_prepare(struct dma_resv_many *many,
			 struct dma_resv_many_entry *entry)
{
	struct dma_resv_import *import;

	import = dma_resv_import_prepare(entry->resv, many->flat, entry->usage);
	if (IS_ERR(import))
		return PTR_ERR(import);
	entry->import = import;
	many->loose_ends = true;
	return 0;
}

static void entry_cancel(struct dma_resv_many_entry *entry)
{
	if (entry->import)
		dma_resv_import_cancel(entry->import);
	entry->import = NULL;
}

/* Without the locks: whatever allocates, for objects where there is no room. */
static int many_prepare(struct dma_resv_many *many)
{
	int ret;

	for (many->failed = 0; many->failed < many->count; many->failed++) {
		struct dma_resv_many_entry *entry =
			&many->entries[many->failed];

		if (entry->todo != PREPARE)
			continue;
		ret = entry_prepare(many, entry);
		if (ret)
			return ret;
	}
	return 0;
}

/* Is there room? */
static __always_inline bool entry_look(struct dma_resv_many *many,
				       struct dma_resv_many_entry *entry)
{
	struct dma_resv_list *list;

	entry->todo = PREPARE;
	if (many->few_count < 0)
		return false;
	list = dma_resv_list_of(entry->resv);
	if (dma_resv_list_is_just(list, many->only, entry->usage))
		entry->todo = NOTHING;
	else if (dma_resv_place_fits(list, many->few_count))
		entry->todo = PLACE;
	return entry->todo != PREPARE;
}

/* An object that an earlier entry has locked, where the stricter usage counts. */
static bool many_join(struct dma_resv_many *many,
		      struct dma_resv_many_entry *again)
{
	struct dma_resv_many_entry *entry = many->entries;

	while (entry == again || !entry->owner || entry->resv != again->resv)
		entry++;
	if (again->usage >= entry->usage)
		return true;
	swap(entry->usage, again->usage);
	return entry_look(many, entry);
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

/*
 * Lock those that are not yet locked, and see whether there is room: 0, -EDEADLK
 * or -EINTR.
 */
static int many_lock_rest(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *entry = many->entries;
	struct dma_resv_many_entry *end = entry + many->count;
	bool fits = true;
	int ret;

	for (; entry < end; entry++) {
		ret = unlikely(entry->owner) ? 0 :
		      dma_resv_lock_interruptible(entry->resv, &many->ticket);
		if (unlikely(ret)) {
			if (ret != -EALREADY) {
				many->failed = entry - many->entries;
				return ret;
			}
			fits &= many_join(many, entry);
			entry->todo = NOTHING;
			continue;
		}
		entry->owner = true;
		if (!entry_look(many, entry))
			fits = false;
	}
	many->fits = fits;
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

/* With the locks: room in each object, as found before, as a rule. */
static int many_reserve(struct dma_resv_many *many)
{
	int ret = 0;

	for (many->failed = 0; many->failed < many->count; many->failed++) {
		struct dma_resv_many_entry *entry =
			&many->entries[many->failed];

		if (!entry->owner ||
		    (entry->todo != PREPARE && !entry->import))
			continue;
		if (!entry->import)
			ret = entry_prepare(many, entry);
		if (!ret)
			ret = dma_resv_import_reserve(entry->import, 0);
		if (ret)
			return ret;
	}
	return 0;
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
 * dma_resv_many_end() have to follow. -ENOMEM; -EINTR after a signal: then no
 * object has changed, none is locked, and &dma_resv_many.failed tells the entry.
 */
int dma_resv_many_lock(struct dma_resv_many *many,
		       struct dma_resv_many_entry *entries, unsigned int count,
		       struct dma_fence *fence)
{
	unsigned int i;
	int ret;

	ret = many_init(many, entries, count, fence);
	if (ret)
		return ret;

	/* As a rule there is room everywhere, and nothing to prepare. */
	ret = many_lock_all(many);
	if (ret)
		goto err_cancel;
	if (many->fits)
		return 0;

	many_unlock_all(many);
	ret = many_prepare(many);
	if (!ret)
		ret = many_lock_all(many);
	if (ret)
		goto err_cancel;
	ret = many_reserve(many);
	if (ret)
		goto err_unlock;
	return 0;

err_unlock:
	many_unlock_all(many);
err_cancel:
	for (i = 0; i < count; i++)
		entry_cancel(&entries[i]);
	dma_fence_put(many->flat);
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

/* Is there something to tidy up now? */
static bool entry_commit(struct dma_resv_many *many,
			 struct dma_resv_many_entry *entry)
{
	bool untidy;

	if (!entry->import)
		return dma_resv_place_few(dma_resv_list_of(entry->resv),
					  many->few, many->few_count,
					  entry->usage);

	untidy = dma_resv_import_end(entry->import);
	entry->import = NULL;
	cond_resched();
	return untidy;
}

/**
 * dma_resv_many_end - last step: tidy up
 * @many: after dma_resv_many_commit()
 *
 * Removes what has signaled, where the import left that, for which it allocates
 * and locks some of the objects once more.
 *
 * Context: process; may sleep. No lock may be held that is taken while one of
 * the objects is locked.
 */
void dma_resv_many_end(struct dma_resv_many *many)
{
	struct dma_resv_many_entry *entry = many->entries;

	dma_fence_put(many->flat);
	if (!many->loose_ends)
		return;
	for (; entry < many->entries + many->count; entry++) {
		entry_cancel(entry);
		/* Without memory, the next import may tidy up. */
		if (entry->untidy)
			dma_resv_prune(entry->resv);
		entry->untidy = false;
	}
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

	for (; entry < end; entry++) {
		if (!entry->owner)
			continue;
		entry->owner = false;
		if (entry->todo != NOTHING && entry_commit(many, entry)) {
			entry->untidy = true;
			many->loose_ends = true;
		}
		dma_resv_unlock(entry->resv);
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

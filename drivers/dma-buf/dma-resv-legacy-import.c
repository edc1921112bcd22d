// SPDX-License-Identifier: GPL-2.0-only
/*
 * Import into a reservation object of one exclusive fence and shared ones
 *
 * Promises: an import adds and never takes away, and what an object holds is
 * bounded by the contexts that have not signaled. A fence to be waited for by
 * all becomes the exclusive one, together with all that was there: one fence a
 * context, what has signaled left out. A fence to be waited for by writers
 * becomes a shared one, unless a later one of its context is there; the list is
 * made anew, and holds what the exclusive fence stands for, too, as
 * dma-resv-legacy.c explains. Readers without the lock see what was there, or
 * what is to be, and nothing in between.
 *
 * Does not: leave readers alone with the exclusive fence. What only writers had
 * to wait for is waited for by all once it has become part of it.
 */

#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <trace/events/dma_resv_export.h>

#include "dma-resv-import.h"
#include "dma-resv-legacy.h"

/* Others may be faster so often, then everything is done under the lock. */
#define RETRIES_MAX	4

/**
 * struct dma_resv_import - an import between its steps
 */
struct dma_resv_import {
	/** @resv: where it goes */
	struct dma_resv *resv;
	/** @usage: the usage of each fence */
	enum dma_resv_usage usage;
	/** @set: the fences; none to forget what has signaled */
	struct dma_fence_set set;
	/** @built: there are @excl and @list for what @resv held at @seq */
	bool built;
	/** @seq: the sequence count of @resv then */
	unsigned int seq;
	/** @excl: the exclusive fence to be, or NULL */
	struct dma_fence *excl;
	/** @list: the shared fences to be, or NULL */
	struct dma_resv_list *list;
	/** @link: joins @excl with what the caller adds after the second step */
	struct dma_fence_chain *link;
	/** @old: the exclusive fence at the second step, all of it in @excl */
	struct dma_fence *old;
	/** @extra: how many fences the caller will add */
	unsigned int extra;
	/** @kept: fences afterwards */
	unsigned int kept;
	/** @pruned: fences that had signaled */
	unsigned int pruned;
};

static void list_discard(struct dma_resv_list *list)
{
	unsigned int i;

	for (i = 0; list && i < list->shared_count; i++)
		dma_fence_put(rcu_dereference_protected(list->shared[i], true));
	kvfree(list);
}

static void import_forget(struct dma_resv_import *import)
{
	dma_fence_put(import->excl);
	list_discard(import->list);
	import->excl = NULL;
	import->list = NULL;
	import->built = false;
}

static void import_fini(struct dma_resv_import *import)
{
	import_forget(import);
	dma_fence_put(import->old);
	kfree(import->link);
	dma_fence_set_fini(&import->set);
}

static void import_init_empty(struct dma_resv_import *import,
			      struct dma_resv *resv, enum dma_resv_usage usage)
{
	memset(import, 0, sizeof(*import));
	import->resv = resv;
	import->usage = usage;
	dma_fence_set_init(&import->set);
}

/* After an error there is nothing to undo. */
static int import_init(struct dma_resv_import *import, struct dma_resv *resv,
		       struct dma_fence *fence, enum dma_resv_usage usage)
{
	int ret;

	import_init_empty(import, resv, usage);
	ret = dma_fence_set_add(&import->set, fence);
	if (ret)
		import_fini(import);
	return ret;
}

/* Everything that is there, and the import. */
static int import_gather(struct dma_resv_import *import,
			 struct dma_fence_set *all)
{
	unsigned int i;
	int ret;

	ret = dma_resv_legacy_collect(import->resv, true, all, &import->seq);
	for (i = 0; i < import->set.count && !ret; i++)
		ret = dma_fence_set_add(all, *dma_fence_set_at(&import->set,
							       i));
	if (!ret && all->count > DMA_RESV_LIST_MAX)
		ret = -ENOMEM;
	import->kept = all->count;
	import->pruned = all->signaled_count;
	return ret;
}

/* One fence for @set; none if there is nothing in it. */
static int build_exclusive(struct dma_resv_import *import,
			   struct dma_fence_set *set)
{
	struct dma_fence *fence;

	if (!set->count)
		return 0;
	fence = dma_fence_set_merge(set);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	import->excl = fence;
	return 0;
}

/* The exclusive fence that is there, without what has signaled. */
static int build_old_exclusive(struct dma_resv_import *import)
{
	struct dma_fence_set set __uninitialized;
	unsigned int seq;
	int ret;

	dma_fence_set_init(&set);
	ret = dma_resv_legacy_collect(import->resv, false, &set, &seq);
	if (!ret && seq != import->seq)
		ret = -EAGAIN;
	if (!ret)
		ret = build_exclusive(import, &set);
	dma_fence_set_fini(&set);
	return ret;
}

/* A list of @set, which is emptied, with room for what the caller will add. */
static int build_list(struct dma_resv_import *import, struct dma_fence_set *set)
{
	unsigned int i, count = set->count + import->extra;
	struct dma_resv_list *list;
	size_t size = struct_size(list, shared, max(count, 4U));

	if (!count)
		return 0;
	size = size <= PAGE_SIZE ? roundup_pow_of_two(size) : PAGE_ALIGN(size);
	list = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!list)
		return -ENOMEM;
	list->shared_max = (size - offsetof(typeof(*list), shared)) /
			   sizeof(*list->shared);
	list->shared_count = set->count;
	for (i = 0; i < set->count; i++)
		RCU_INIT_POINTER(list->shared[i], *dma_fence_set_at(set, i));
	set->count = 0;
	import->list = list;
	return 0;
}

static bool has_shared(struct dma_resv *resv)
{
	struct dma_resv_list *list;
	bool has;

	rcu_read_lock();
	list = rcu_dereference(resv->fence);
	has = list && READ_ONCE(list->shared_count);
	rcu_read_unlock();
	return has;
}

/*
 * What the object is to be. -EAGAIN: others keep changing it, which they cannot
 * if the lock is held.
 */
static int import_build(struct dma_resv_import *import)
{
	struct dma_fence_set all __uninitialized;
	int ret;

	import_forget(import);
	dma_fence_set_init(&all);
	ret = import_gather(import, &all);
	if (!ret) {
		if (dma_resv_legacy_is_exclusive(import->usage))
			ret = build_exclusive(import, &all);
		else
			ret = build_old_exclusive(import);
	}
	/* The exclusive fence has taken all, or the shared ones get it. */
	if (!ret && (import->set.count || has_shared(import->resv)))
		ret = build_list(import, &all);
	dma_fence_set_fini(&all);
	import->built = !ret;
	return ret;
}

/* -EAGAIN: the object has changed since import_build(). */
static int import_install(struct dma_resv_import *import)
{
	struct dma_resv *resv = import->resv;
	struct dma_resv_list *old = dma_resv_get_list(resv);
	unsigned int i, count = old ? old->shared_count : 0;
	struct dma_fence *excl = dma_resv_get_excl(resv);

	if (!import->built || read_seqcount_retry(&resv->seq, import->seq))
		return -EAGAIN;

	write_seqcount_begin(&resv->seq);
	rcu_assign_pointer(resv->fence_excl, import->excl);
	rcu_assign_pointer(resv->fence, import->list);
	write_seqcount_end(&resv->seq);
	import->excl = NULL;
	import->list = NULL;

	dma_fence_put(excl);
	for (i = 0; i < count; i++)
		dma_fence_put(rcu_dereference_protected(old->shared[i],
							dma_resv_held(resv)));
	if (old)
		kvfree_rcu(old, rcu);
	return 0;
}

/* Build without the lock, if others let us, and install under it. */
static int import_try(struct dma_resv_import *import, unsigned int retries,
		      u64 *locked_ns)
{
	bool early = retries < RETRIES_MAX;
	u64 start;
	int ret = early ? import_build(import) : 0;

	if (ret)
		return ret;
	dma_resv_lock(import->resv, NULL);
	start = local_clock();
	if (!early)
		ret = import_build(import);
	if (!ret)
		ret = import_install(import);
	*locked_ns += local_clock() - start;
	dma_resv_unlock(import->resv);
	return ret;
}

static int legacy_prune(struct dma_resv *resv, bool wait)
{
	struct dma_resv_import import __uninitialized;
	int ret;

	if (!rcu_access_pointer(resv->fence_excl) &&
	    !rcu_access_pointer(resv->fence))
		return 0;

	import_init_empty(&import, resv, DMA_RESV_USAGE_READ);
	ret = import_build(&import);
	if (!ret && wait)
		ret = dma_resv_lock(resv, NULL);
	else if (!ret)
		ret = dma_resv_trylock(resv) ? 0 : -EBUSY;
	if (!ret) {
		ret = import_install(&import);
		dma_resv_unlock(resv);
	}
	trace_dma_resv_prune(resv, import.kept, import.pruned, ret);
	import_fini(&import);
	return ret;
}

/* Described in dma-resv-import.c and -prune.c, as all that is exported there. */
int dma_resv_prune(struct dma_resv *resv)
{
	return legacy_prune(resv, true);
}
EXPORT_SYMBOL_GPL(dma_resv_prune);

int dma_resv_try_prune(struct dma_resv *resv)
{
	return legacy_prune(resv, false);
}

int dma_resv_import_fence(struct dma_resv *resv, struct dma_fence *fence,
			  enum dma_resv_usage usage)
{
	struct dma_resv_import import __uninitialized;
	unsigned int retries = 0, distinct;
	u64 locked_ns = 0;
	int ret;

	ret = import_init(&import, resv, fence, usage);
	if (ret)
		return ret;
	distinct = import.set.count;
	if (!distinct) {
		/* Without memory, the next import may tidy up. */
		import_fini(&import);
		dma_resv_prune(resv);
		return 0;
	}
	while ((ret = import_try(&import, retries, &locked_ns)) == -EAGAIN)
		retries++;
	trace_dma_resv_import(resv, usage, import.set.walked, distinct,
			      import.kept, import.pruned, retries, locked_ns,
			      ret);
	import_fini(&import);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_resv_import_fence);

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
	if (!ret && import->set.count) {
		ret = import_build(import);
		/* The second step will do it, then. */
		if (ret == -EAGAIN)
			ret = 0;
		if (ret)
			import_fini(import);
	}
	if (ret) {
		kfree(import);
		return ERR_PTR(ret);
	}
	return import;
}
EXPORT_SYMBOL_GPL(dma_resv_import_prepare);

/* Room in the list that is there, for what comes before and at the commit. */
static int import_reserve_extra(struct dma_resv_import *import)
{
	if (!import->link)
		import->link = kmalloc(sizeof(*import->link),
				       GFP_KERNEL_ACCOUNT);
	if (!import->link)
		return -ENOMEM;
	dma_fence_put(import->old);
	import->old = dma_fence_get(dma_resv_get_excl(import->resv));
	return dma_resv_reserve_shared(import->resv, import->extra +
				       import->set.count + 1);
}

int dma_resv_import_reserve(struct dma_resv_import *import, unsigned int extra)
{
	bool stale;
	int ret;

	dma_resv_assert_held(import->resv);
	if (!import->set.count)
		return extra ? dma_resv_reserve_shared(import->resv, extra) : 0;

	stale = !import->built || extra > import->extra ||
		read_seqcount_retry(&import->resv->seq, import->seq);
	import->extra = extra;
	if (stale) {
		/* A caller who was killed may as well be short of memory. */
		ret = import_build(import);
		if (ret)
			return -ENOMEM;
	}
	return extra ? import_reserve_extra(import) : 0;
}
EXPORT_SYMBOL_GPL(dma_resv_import_reserve);

/*
 * There is room. What is added is there for writers; later ones stay. @covered,
 * unless it is NULL, makes room.
 */
static void shared_add(struct dma_resv *resv, struct dma_fence *fence,
		       struct dma_fence *covered)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	struct dma_fence *old = NULL;
	unsigned int i;

	for (i = 0; i < list->shared_count; i++) {
		old = rcu_dereference_protected(list->shared[i],
						dma_resv_held(resv));
		if (old == fence)
			return;
		if (old == covered)
			break;
		if (old->context != fence->context)
			continue;
		if (dma_fence_is_later(old, fence))
			return;
		if (dma_fence_is_later(fence, old))
			break;
	}
	if (i == list->shared_count)
		old = NULL;

	write_seqcount_begin(&resv->seq);
	rcu_assign_pointer(list->shared[i], dma_fence_get(fence));
	/* Whoever sees the new count sees the fence. */
	smp_store_release(&list->shared_count,
			  max(list->shared_count, i + 1));
	write_seqcount_end(&resv->seq);
	dma_fence_put(old);
}

/* The caller has added fences since the second step, into the room for them. */
static void import_commit_late(struct dma_resv_import *import)
{
	struct dma_resv *resv = import->resv;
	struct dma_fence *excl = dma_resv_get_excl(resv);
	unsigned int i;

	if (dma_resv_legacy_is_exclusive(import->usage)) {
		/* It may all have signaled. */
		if (!import->excl)
			return;
		if (excl != import->old) {
			dma_fence_chain_init(import->link, dma_fence_get(excl),
					     import->excl, 1);
			import->excl = &import->link->base;
			import->link = NULL;
		}
		write_seqcount_begin(&resv->seq);
		rcu_assign_pointer(resv->fence_excl,
				   dma_fence_get(import->excl));
		write_seqcount_end(&resv->seq);
		shared_add(resv, import->excl, import->old);
		dma_fence_put(excl);
		return;
	}
	for (i = 0; i < import->set.count; i++)
		shared_add(resv, *dma_fence_set_at(&import->set, i), NULL);
	if (excl)
		shared_add(resv, excl, NULL);
}

bool dma_resv_import_end(struct dma_resv_import *import)
{
	bool untidy = !import->set.count;

	dma_resv_assert_held(import->resv);
	if (import->set.count && import_install(import) &&
	    !WARN_ON(!import->link))
		import_commit_late(import);
	dma_resv_import_cancel(import);
	return untidy;
}

void dma_resv_import_commit(struct dma_resv_import *import)
{
	dma_resv_import_end(import);
}
EXPORT_SYMBOL_GPL(dma_resv_import_commit);

void dma_resv_import_cancel(struct dma_resv_import *import)
{
	import_fini(import);
	kfree(import);
}
EXPORT_SYMBOL_GPL(dma_resv_import_cancel);

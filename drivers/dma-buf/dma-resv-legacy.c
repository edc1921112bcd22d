// SPDX-License-Identifier: GPL-2.0-only
/*
 * Export from a reservation object of one exclusive fence and shared ones
 *
 * Promises: the fence waits for everything it must and for nothing else: readers
 * for the exclusive fence, writers for that and for the shared ones. Nobody
 * else's lock is waited for in the common case.
 *
 * Does not: trust the kernel's own rule that shared fences signal after the
 * exclusive one, which an import from user space does not keep. Where both are
 * there, the kernel's poll() and dma_resv_test_signaled_rcu() look at the shared
 * ones alone, so whatever adds a shared fence here adds what the exclusive one
 * stands for, too.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-fence-table.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/export.h>

#include "dma-resv-legacy.h"

#define CREATE_TRACE_POINTS
#include <trace/events/dma_resv_export.h>

/* Writers may overtake a reader without the lock so often, then it locks. */
#define RESTARTS_MAX	4

/* So many dead fences are worth a look, if they are the greater part. */
#define DEAD_MAX	32

/* What a reservation object held at one moment, with references. */
struct snapshot {
	struct dma_fence_table fences;
	unsigned int count, room, seq;
};

static void snapshot_put(struct snapshot *snap)
{
	while (snap->count) {
		struct dma_fence **at;

		snap->count--;
		at = dma_fence_table_at(&snap->fences,
					snap->count * sizeof(*at));
		dma_fence_put(*at);
	}
}

/* Whether @fence, unless it is NULL, could be had and found room. */
static bool snapshot_get(struct snapshot *snap, struct dma_fence *fence)
{
	struct dma_fence **at;

	if (!fence)
		return true;
	if (snap->count == snap->room)
		return false;
	fence = dma_fence_get_rcu(fence);
	if (!fence)
		return false;
	at = dma_fence_table_at(&snap->fences, snap->count++ * sizeof(*at));
	*at = fence;
	return true;
}

static struct dma_resv_list *shared_list(struct dma_resv *resv)
{
	return rcu_dereference_check(resv->fence, dma_resv_held(resv));
}

static unsigned int shared_count(struct dma_resv_list *list)
{
	/* Pairs with the barrier of dma_resv_add_shared_fence(). */
	return list ? smp_load_acquire(&list->shared_count) : 0;
}

/* One try, under rcu_read_lock(). */
static bool snapshot_try(struct snapshot *snap, struct dma_resv *resv, bool all)
{
	struct dma_resv_list *list;
	unsigned int i, count;
	bool good;

	snap->seq = read_seqcount_begin(&resv->seq);
	good = snapshot_get(snap, rcu_dereference_check(resv->fence_excl,
							dma_resv_held(resv)));
	list = all ? shared_list(resv) : NULL;
	count = shared_count(list);
	for (i = 0; i < count && good; i++)
		good = snapshot_get(snap,
				    rcu_dereference_check(list->shared[i],
							  true));
	return good && !read_seqcount_retry(&resv->seq, snap->seq);
}

/* Room for what there is. */
static int snapshot_reserve(struct snapshot *snap, struct dma_resv *resv,
			    bool all)
{
	unsigned int count = 1;
	struct dma_fence_table fences;

	rcu_read_lock();
	if (all)
		count += shared_count(shared_list(resv));
	rcu_read_unlock();
	if (count <= snap->room)
		return 0;
	if (dma_fence_table_init(&fences, count * sizeof(struct dma_fence *),
				 0))
		return -ENOMEM;
	dma_fence_table_fini(&snap->fences);
	dma_fence_table_move(&snap->fences, &fences);
	snap->room = count;
	return 0;
}

/* -EAGAIN: writers got in between, which they cannot if the lock is held. */
static int snapshot_take(struct snapshot *snap, struct dma_resv *resv, bool all)
{
	unsigned int tries;
	bool good;
	int ret;

	for (tries = 0; tries <= RESTARTS_MAX; tries++) {
		ret = snapshot_reserve(snap, resv, all);
		if (ret)
			return ret;
		rcu_read_lock();
		good = snapshot_try(snap, resv, all);
		rcu_read_unlock();
		if (good)
			return 0;
		snapshot_put(snap);
	}
	return -EAGAIN;
}

/**
 * dma_resv_legacy_collect - add to a set what a reservation object holds
 * @resv: the reservation object
 * @all: shared fences too
 * @set: where the fences go, taken apart
 * @seq: out: what read_seqcount_retry() takes to tell whether that has changed
 *
 * Context: process; may sleep. No lock is needed, nor harmful.
 *
 * Return: 0; -ENOMEM; -EINTR if the caller was killed; -EAGAIN if others keep
 * changing @resv, which they cannot if its lock is held.
 */
int dma_resv_legacy_collect(struct dma_resv *resv, bool all,
			    struct dma_fence_set *set, unsigned int *seq)
{
	struct snapshot snap = { .room = 1 };
	struct dma_fence *one, **at;
	unsigned int i;
	int ret;

	dma_fence_table_borrow(&snap.fences, &one);
	ret = snapshot_take(&snap, resv, all);
	*seq = snap.seq;
	for (i = 0; i < snap.count && !ret; i++) {
		at = dma_fence_table_at(&snap.fences, i * sizeof(*at));
		ret = dma_fence_set_add(set, *at);
	}
	snapshot_put(&snap);
	if (snap.room > 1)
		dma_fence_table_fini(&snap.fences);
	return ret;
}

/* Are the @dead fences that were met so many that they should go? */
static bool mostly_dead(struct dma_fence_set *set, unsigned int dead)
{
	return dead > DEAD_MAX && dead > set->count;
}

/* Described in dma-resv-export.c, as all that is exported here and there. */
int dma_resv_export_add(struct dma_resv *resv, enum dma_resv_usage usage,
			struct dma_fence_set *set)
{
	bool all = !dma_resv_legacy_is_exclusive(usage);
	unsigned int seq, restarts = 0, dead = set->signaled_count;
	int ret;

	ret = dma_resv_legacy_collect(resv, all, set, &seq);
	if (ret == -EAGAIN) {
		restarts = RESTARTS_MAX;
		dma_resv_lock(resv, NULL);
		ret = dma_resv_export_locked(resv, usage, set);
		dma_resv_unlock(resv);
	}
	trace_dma_resv_export(resv, usage, set->count, restarts, ret);
	if (mostly_dead(set, set->signaled_count - dead))
		dma_resv_try_prune(resv);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_resv_export_add);

int dma_resv_export_locked(struct dma_resv *resv, enum dma_resv_usage usage,
			   struct dma_fence_set *set)
{
	unsigned int seq;

	dma_resv_assert_held(resv);
	return dma_resv_legacy_collect(resv,
				       !dma_resv_legacy_is_exclusive(usage),
				       set, &seq);
}
EXPORT_SYMBOL_GPL(dma_resv_export_locked);

struct dma_fence *dma_resv_export_fence(struct dma_resv *resv,
					enum dma_resv_usage usage)
{
	struct dma_fence_set set __uninitialized;
	struct dma_fence *fence;
	int ret;

	dma_fence_set_init(&set);
	ret = dma_resv_export_add(resv, usage, &set);
	fence = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	return fence;
}
EXPORT_SYMBOL_GPL(dma_resv_export_fence);

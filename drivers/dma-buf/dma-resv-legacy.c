// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of a reservation object with one exclusive fence and a list of shared ones
 *
 * Promises: the exclusive fence stands for those who write, and the list, where it
 * is not empty, for everybody: what has not signaled of the exclusive fence is in
 * the list, too. The kernel's own readers need that:
 *
 *	dma_resv_test_signaled_rcu(), poll() for writing, nouveau: they look at
 *	nothing but the list, where there is one.
 *
 *	dma_resv_wait_timeout_rcu(): it waits for the exclusive fence, and looks at
 *	the list afterwards only if that has more than one.
 *
 *	The same where it finds nothing to wait for, dma_resv_copy_fences(): they
 *	read one after the other, with no look at the sequence count. So neither
 *	ever stands for less than before, nothing moves from one to the other, and
 *	a list that has been replaced stays as it was.
 *
 * An exclusive fence of several is a chain, each of whose links has a fence: i915
 * looks for it in the last one, too. It is no array: older kernels see that an
 * array has signaled only if somebody has enabled its signaling, and then each of
 * its fences holds the array until that fence signals, so an endless loop of
 * imports would gather arrays.
 *
 * All is made without the lock, and installed under it by exchanging two pointers.
 *
 * Does not: take the lock, or try again.
 */

#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dma-resv-rule.h"
#include "dma-resv-store.h"

/* Writers may overtake a reader without the lock so often, then it locks. */
#define RESTARTS_MAX	4

/* What the allocator gives without effort, in bytes. */
#define LIST_SMALL	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/* What a reservation object held at one moment, with references. */
struct snapshot {
	unsigned int seq;
	struct dma_fence *excl;
	struct dma_resv_list *list;
};

/**
 * struct dma_resv_legacy - what an object is to be, beside the list
 */
struct dma_resv_legacy {
	/** @seq: the sequence count of the object that all is made for */
	unsigned int seq;
	/** @exclusive: what the merge adds goes into the exclusive fence */
	bool exclusive;
	/** @old: the exclusive fence of that object, or NULL */
	struct dma_fence *old;
	/** @excl: the exclusive fence to be, or NULL */
	struct dma_fence *excl;
	/** @in_excl: the fences of @excl */
	struct dma_fence_set in_excl;
	/** @shared: the others, and perhaps some for which @in_excl does */
	struct dma_fence_set shared;
	/** @listed: there is to be a list, with @in_excl in it as well */
	bool listed;
	/** @extra: there is room for so many fences of the caller */
	unsigned int extra;
	/** @room: and so many in @shared */
	unsigned int room;
	/** @added: with @extra, links with what the merge makes exclusive */
	struct dma_fence *added;
	/** @link: with @extra, to join @added and a fence of the caller */
	struct dma_fence_chain *link;
};

/* Whether readers, who wait for the exclusive fence only, wait for @usage. */
static bool is_exclusive(enum dma_resv_usage usage)
{
	return usage <= DMA_RESV_USAGE_WRITE;
}

/* For a holder of the lock, or of rcu_read_lock(). */
static struct dma_resv_list *list_of(struct dma_resv *resv)
{
	return rcu_dereference_check(resv->fence, dma_resv_held(resv));
}

static unsigned int list_count(struct dma_resv_list *list)
{
	/* Pairs with the barrier of dma_resv_add_shared_fence(). */
	return list ? smp_load_acquire(&list->shared_count) : 0;
}

static struct dma_fence *list_fence(struct dma_resv_list *list, unsigned int i)
{
	return rcu_dereference_check(list->shared[i], true);
}

/* An empty list that nobody sees yet, or NULL; the kernel frees any by kfree_rcu(). */
static struct dma_resv_list *list_alloc(unsigned int room)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	struct dma_resv_list *list;
	size_t size = struct_size(list, shared, room);

	size = size <= PAGE_SIZE ? roundup_pow_of_two(size) : PAGE_ALIGN(size);
	list = size <= LIST_SMALL ? kvmalloc(size, gfp) : __vmalloc(size, gfp);
	if (!list)
		return NULL;
	list->shared_count = 0;
	list->shared_max = (size - offsetof(typeof(*list), shared)) /
			   sizeof(*list->shared);
	return list;
}

/* Give @list, which nobody sees yet, and which has room, a reference. */
static void list_append(struct dma_resv_list *list, struct dma_fence *fence)
{
	RCU_INIT_POINTER(list->shared[list->shared_count++],
			 dma_fence_get(fence));
}

/* Readers may still count on what there is. */
static void list_put_fences(struct dma_resv_list *list)
{
	unsigned int i;

	for (i = 0; i < list_count(list); i++)
		dma_fence_put(list_fence(list, i));
}

/* One try, under rcu_read_lock(): whether nobody got in between. */
static bool snapshot_try(struct snapshot *snap, struct dma_resv *resv, bool all)
{
	struct dma_resv_list *list;
	struct dma_fence *fence;
	unsigned int i, count;

	snap->seq = read_seqcount_begin(&resv->seq);
	fence = rcu_dereference_check(resv->fence_excl, dma_resv_held(resv));
	if (fence) {
		snap->excl = dma_fence_get_rcu(fence);
		if (!snap->excl)
			return false;
	}

	list = all ? list_of(resv) : NULL;
	count = list_count(list);
	if (count && (!snap->list || count > snap->list->shared_max))
		return false;
	for (i = 0; i < count; i++) {
		fence = dma_fence_get_rcu(list_fence(list, i));
		if (!fence)
			return false;
		RCU_INIT_POINTER(snap->list->shared[i], fence);
		snap->list->shared_count = i + 1;
	}
	return !read_seqcount_retry(&resv->seq, snap->seq);
}

static void snapshot_put(struct snapshot *snap)
{
	dma_fence_put(snap->excl);
	list_put_fences(snap->list);
	kvfree(snap->list);
}

/*
 * The exclusive fence, and with @all the shared ones. -EAGAIN: writers got in
 * between, @restarts times. snapshot_put() has to follow unless there is an error.
 */
static int snapshot_take(struct snapshot *snap, struct dma_resv *resv, bool all,
			 unsigned int *restarts)
{
	unsigned int count;
	bool good;

	for (;; ++*restarts) {
		*snap = (struct snapshot) {};
		rcu_read_lock();
		count = all ? list_count(list_of(resv)) : 0;
		rcu_read_unlock();
		if (count) {
			snap->list = list_alloc(count);
			if (!snap->list)
				return -ENOMEM;
		}

		rcu_read_lock();
		good = snapshot_try(snap, resv, all);
		rcu_read_unlock();
		if (good)
			return 0;
		snapshot_put(snap);
		if (*restarts == RESTARTS_MAX)
			return -EAGAIN;
	}
}

/* Take apart what @snap holds. */
static int snapshot_add(const struct snapshot *snap, struct dma_fence_set *excl,
			struct dma_fence_set *shared)
{
	unsigned int i;
	int ret = 0;

	if (snap->excl)
		ret = dma_fence_set_add(excl, snap->excl);
	for (i = 0; i < list_count(snap->list) && !ret; i++)
		ret = dma_fence_set_add(shared, list_fence(snap->list, i));
	return ret;
}

/* A fence that is in both places is found twice. */
int dma_resv_store_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			   struct dma_fence_set *set,
			   struct dma_resv_found *found)
{
	unsigned int dead = dma_fence_set_signaled(set);
	unsigned long walked = dma_fence_set_walked(set);
	struct snapshot snap;
	int ret;

	ret = snapshot_take(&snap, resv, !is_exclusive(usage),
			    &found->restarts);
	if (ret)
		return ret;
	ret = snapshot_add(&snap, set, set);
	snapshot_put(&snap);
	found->dead = dma_fence_set_signaled(set) - dead;
	found->fences = dma_fence_set_walked(set) - walked - found->dead;
	return ret;
}

/* Whoever has the lock needs no references. */
int dma_resv_store_collect_locked(struct dma_resv *resv,
				  enum dma_resv_usage usage,
				  struct dma_fence_set *set)
{
	struct snapshot snap = { .excl = dma_resv_get_excl(resv) };

	if (!is_exclusive(usage))
		snap.list = dma_resv_get_list(resv);
	return snapshot_add(&snap, set, set);
}

/* Whether one of @set does for @fence, where both are in the same place. */
static bool set_does_for(const struct dma_fence_set *set,
			 struct dma_fence *fence)
{
	unsigned int i = dma_fence_set_find(set, fence);

	return i < dma_fence_set_count(set) &&
	       dma_resv_rule(dma_fence_set_fence(set, i), DMA_RESV_USAGE_READ,
			     fence, DMA_RESV_USAGE_READ) == DMA_RESV_OLD;
}

/*
 * Add to @set the fences of the merge for which none of the exclusive one does:
 * whether there are any, or an error.
 */
static int legacy_add_new(struct dma_resv_merge *merge,
			  struct dma_fence_set *set)
{
	unsigned int i;
	int ret, any = 0;

	for (i = 0; i < dma_fence_set_count(merge->set); i++) {
		struct dma_fence *fence = dma_fence_set_fence(merge->set, i);

		if (set_does_for(&merge->legacy->in_excl, fence))
			continue;
		ret = dma_fence_set_add(set, fence);
		if (ret)
			return ret;
		any = 1;
	}
	return any;
}

/*
 * A link for each fence of @set that has not signaled; NULL if there is none. All
 * have the sequence number 0, which is no point of a timeline.
 */
static int chain_create(const struct dma_fence_set *set, struct dma_fence **head)
{
	unsigned int i;

	for (i = 0; i < dma_fence_set_count(set); i++) {
		struct dma_fence *fence = dma_fence_set_fence(set, i);
		struct dma_fence_chain *link;

		cond_resched();
		if (dma_fence_is_signaled(fence))
			continue;
		/* What there is so far is freed with the merge. */
		link = kmalloc(sizeof(*link), GFP_KERNEL_ACCOUNT);
		if (!link)
			return -ENOMEM;
		dma_fence_chain_init(link, *head, dma_fence_get(fence), 0);
		*head = &link->base;
	}
	return 0;
}

/* The exclusive fence to be. With @same, that is what it was. */
static int excl_create(struct dma_resv_merge *merge, bool same)
{
	struct dma_resv_legacy *legacy = merge->legacy;
	int ret = 0;

	if (same)
		legacy->excl = dma_fence_get(legacy->old);
	else if (dma_fence_set_count(&legacy->in_excl) == 1)
		legacy->excl =
			dma_fence_get(dma_fence_set_fence(&legacy->in_excl, 0));
	else
		ret = chain_create(&legacy->in_excl, &legacy->excl);
	if (ret || !legacy->extra || !legacy->exclusive)
		return ret;

	legacy->link = kmalloc(sizeof(*legacy->link), GFP_KERNEL_ACCOUNT);
	return legacy->link ? chain_create(merge->set, &legacy->added) :
			      -ENOMEM;
}

/* The list to be, without what is in the exclusive fence. */
static void list_fill(struct dma_resv_merge *merge)
{
	struct dma_resv_legacy *legacy = merge->legacy;
	unsigned int i;

	list_put_fences(merge->list);
	merge->list->shared_count = 0;
	for (i = 0; i < dma_fence_set_count(&legacy->shared); i++) {
		struct dma_fence *fence = dma_fence_set_fence(&legacy->shared,
							      i);

		if (!set_does_for(&legacy->in_excl, fence))
			list_append(merge->list, fence);
	}
}

/* The same, with room for that and for what the caller adds. */
static int list_create(struct dma_resv_merge *merge)
{
	struct dma_resv_legacy *legacy = merge->legacy;

	legacy->listed = dma_fence_set_count(&legacy->shared);
	legacy->room = dma_fence_set_count(&legacy->shared) + legacy->extra;
	if (!legacy->room)
		return 0;
	/* One more for an exclusive fence that the caller adds. */
	merge->list = list_alloc(legacy->room + 1 +
				 dma_fence_set_count(&legacy->in_excl));
	if (!merge->list)
		return -ENOMEM;
	list_fill(merge);
	return dma_fence_set_reserve(&legacy->shared, legacy->room);
}

/* Everything that the object is to be. */
static int legacy_build(struct dma_resv_merge *merge,
			const struct snapshot *snap)
{
	struct dma_resv_legacy *legacy = merge->legacy;
	int ret, any;
	bool same;

	ret = snapshot_add(snap, &legacy->in_excl, &legacy->shared);
	if (ret)
		return ret;
	same = dma_fence_set_count(&legacy->in_excl) ==
	       dma_fence_set_walked(&legacy->in_excl);
	any = legacy_add_new(merge, legacy->exclusive ? &legacy->in_excl :
							&legacy->shared);
	if (any < 0)
		return any;
	ret = list_create(merge);
	if (ret)
		return ret;

	merge->kept = list_count(merge->list) +
		      dma_fence_set_count(&legacy->in_excl);
	merge->pruned = dma_fence_set_signaled(&legacy->in_excl) +
			dma_fence_set_signaled(&legacy->shared);
	if (merge->kept + legacy->extra > DMA_RESV_LIST_MAX)
		return -ENOMEM;
	return excl_create(merge, same && !(legacy->exclusive && any));
}

int dma_resv_merge_prepare(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_legacy *legacy;
	unsigned int restarts = 0;
	struct snapshot snap;
	int ret;

	/* What was made for an object that is no more as it was. */
	dma_resv_merge_fini(merge);
	ret = snapshot_take(&snap, resv, true, &restarts);
	if (ret)
		return ret;

	legacy = kzalloc(sizeof(*legacy), GFP_KERNEL_ACCOUNT);
	if (legacy) {
		merge->legacy = legacy;
		legacy->seq = snap.seq;
		legacy->exclusive = is_exclusive(merge->usage);
		legacy->old = dma_fence_get(snap.excl);
		legacy->extra = merge->extra;
		dma_fence_set_init(&legacy->in_excl);
		dma_fence_set_init(&legacy->shared);
		ret = legacy_build(merge, &snap);
	} else {
		ret = -ENOMEM;
	}
	snapshot_put(&snap);
	if (ret)
		dma_resv_merge_fini(merge);
	return ret;
}

int dma_resv_merge_reserve(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_legacy *legacy = merge->legacy;

	dma_resv_assert_held(resv);
	if (!legacy || legacy->exclusive != is_exclusive(merge->usage) ||
	    merge->extra > legacy->extra ||
	    read_seqcount_retry(&resv->seq, legacy->seq))
		return -EAGAIN;
	/* Room for the caller's fences until then; the sequence count stays. */
	return merge->extra ? dma_resv_reserve_shared(resv, merge->extra) : 0;
}

/* One fence for @excl, the caller's, or NULL, and for what the merge adds to it. */
static struct dma_fence *excl_join(struct dma_resv_legacy *legacy,
				   struct dma_fence *excl)
{
	struct dma_fence *head = legacy->added, *prev = head;
	struct dma_fence_chain *link;

	legacy->added = NULL;
	excl = dma_fence_get(excl);
	if (!head || !excl)
		return head ?: excl;

	if (!to_dma_fence_chain(excl)) {
		dma_fence_chain_init(legacy->link, NULL, excl, 0);
		excl = &legacy->link->base;
		legacy->link = NULL;
	}
	/* Nobody has seen these links yet. */
	do {
		link = to_dma_fence_chain(prev);
		prev = rcu_dereference_protected(link->prev, true);
	} while (prev);
	RCU_INIT_POINTER(link->prev, excl);
	return head;
}

/*
 * The caller has added fences since the reserve: they stay. Whether there was room.
 * What was in an exclusive fence that the caller has replaced does no harm.
 */
static bool legacy_update(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_legacy *legacy = merge->legacy;
	struct dma_fence *excl = dma_resv_get_excl(resv);
	struct dma_resv_list *list = dma_resv_get_list(resv);
	unsigned int i;

	for (i = 0; i < list_count(list); i++) {
		struct dma_fence *fence = list_fence(list, i);

		if (dma_fence_is_signaled(fence))
			continue;
		legacy->listed = true;
		/* What is exclusive, taken apart or not, is going to be there. */
		if (fence == excl || fence == legacy->old ||
		    set_does_for(&legacy->in_excl, fence) ||
		    set_does_for(&legacy->shared, fence))
			continue;
		if (dma_fence_set_count(&legacy->shared) == legacy->room)
			return false;
		dma_fence_set_take(&legacy->shared, dma_fence_get(fence));
	}
	list_fill(merge);
	if (excl != legacy->old) {
		dma_fence_put(legacy->excl);
		legacy->excl = excl_join(legacy, excl);
	}
	return true;
}

/* Repeat in the list what is in the exclusive fence. */
static void list_repeat(struct dma_resv_merge *merge, struct dma_fence *excl)
{
	const struct dma_fence_set *in_excl = &merge->legacy->in_excl;
	unsigned int i;

	for (i = 0; i < dma_fence_set_count(in_excl); i++) {
		struct dma_fence *fence = dma_fence_set_fence(in_excl, i);

		if (!dma_fence_is_signaled(fence))
			list_append(merge->list, fence);
	}
	/* The caller's own may be a container: the next merge takes it apart. */
	if (excl && excl != merge->legacy->old &&
	    !dma_fence_is_signaled(excl) && !set_does_for(in_excl, excl))
		list_append(merge->list, excl);
}

int dma_resv_merge_commit(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_legacy *legacy = merge->legacy;
	struct dma_fence *excl = dma_resv_get_excl(resv);
	struct dma_resv_list *list = dma_resv_get_list(resv);

	dma_resv_assert_held(resv);
	if (read_seqcount_retry(&resv->seq, legacy->seq) &&
	    (!legacy->extra || !legacy_update(merge, resv)))
		return -EAGAIN;
	if (legacy->listed)
		list_repeat(merge, excl);

	write_seqcount_begin(&resv->seq);
	rcu_assign_pointer(resv->fence_excl, legacy->excl);
	rcu_assign_pointer(resv->fence, merge->list);
	write_seqcount_end(&resv->seq);
	legacy->excl = NULL;
	merge->list = NULL;

	dma_fence_put(excl);
	list_put_fences(list);
	if (list)
		kvfree_rcu(list, rcu);
	return 0;
}

void dma_resv_merge_fini(struct dma_resv_merge *merge)
{
	struct dma_resv_legacy *legacy = merge->legacy;

	list_put_fences(merge->list);
	kvfree(merge->list);
	merge->list = NULL;
	if (!legacy)
		return;
	dma_fence_put(legacy->old);
	dma_fence_put(legacy->excl);
	dma_fence_put(legacy->added);
	kfree(legacy->link);
	dma_fence_set_fini(&legacy->in_excl);
	dma_fence_set_fini(&legacy->shared);
	kfree(legacy);
	merge->legacy = NULL;
}

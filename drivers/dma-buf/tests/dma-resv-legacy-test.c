// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of import where there is one exclusive fence and a list of shared ones:
 * what the kernel's own readers see of the one when the other changes, and what
 * becomes of that which a driver adds between the steps of an import
 */

#include <linux/dma-fence-chain.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "dma-resv-rig.h"

/* So many fences a driver adds itself. */
#define OWN	3

/* Whether readers, or with @all writers, are made to wait by the kernel itself. */
static bool waits(struct kunit *test, bool all)
{
	return !dma_resv_test_signaled(rig_resv(test), all ? READ_ : WRITE_);
}

static const char *legacy_name(struct dma_fence *fence)
{
	return "legacy";
}

/* What nobody has enabled the signaling of is not over. */
static bool legacy_enable_signaling(struct dma_fence *fence)
{
	return false;
}

static const struct dma_fence_ops eager_ops = {
	.get_driver_name = legacy_name,
	.get_timeline_name = legacy_name,
	.enable_signaling = legacy_enable_signaling,
};

/* A fence that signals as soon as somebody waits for it. */
static struct dma_fence *eager(struct kunit *test, u64 context, u64 seqno)
{
	struct dma_fence *fence = rig_fence(test, context, seqno);

	fence->ops = &eager_ops;
	return fence;
}

/* Has somebody waited for @fence? */
static bool was_waited_for(struct dma_fence *fence)
{
	return test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags);
}

/* As the kernel waits; all that was there signals when it is waited for. */
static void wait(struct kunit *test, bool all)
{
	KUNIT_EXPECT_GT(test, dma_resv_wait_timeout_rcu(rig_resv(test), all,
							false, HZ), 0L);
}

/* Whether @fence itself is in the list. */
static bool in_list(struct kunit *test, struct dma_fence *fence)
{
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_list *list;
	unsigned int i;
	bool in = false;

	dma_resv_lock(resv, NULL);
	list = dma_resv_get_list(resv);
	for (i = 0; list && i < list->shared_count; i++)
		in |= rcu_access_pointer(list->shared[i]) == fence;
	dma_resv_unlock(resv);
	return in;
}

static unsigned int list_count(struct kunit *test)
{
	struct dma_resv_list *list;
	unsigned int count;

	dma_resv_lock(rig_resv(test), NULL);
	list = dma_resv_get_list(rig_resv(test));
	count = list ? list->shared_count : 0;
	dma_resv_unlock(rig_resv(test));
	return count;
}

/* Readers wait for writers alone, and the driver finds its fence where it was. */
static void i2_an_exclusive_import_leaves_the_shared_ones(struct kunit *test)
{
	struct dma_fence **shared = rig_many(test, 2), *fence = rig_new(test);

	rig_add(test, shared[0], READ_);
	rig_import(test, shared[1], READ_);
	KUNIT_EXPECT_FALSE(test, waits(test, false));
	rig_import(test, fence, WRITE_);
	EXPECT_ENTRIES(test, E(shared[0], READ_), E(shared[1], READ_),
		       E(fence, WRITE_));
	EXPECT_FENCES(test, rig_export(test, WRITE_), fence);
	dma_fence_signal(shared[0]);
	KUNIT_EXPECT_TRUE(test, waits(test, false));
	dma_fence_signal(fence);
	KUNIT_EXPECT_FALSE(test, waits(test, false));
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	dma_fence_signal(shared[1]);
	KUNIT_EXPECT_FALSE(test, waits(test, true));
}

/*
 * As amdgpu's fence that evicts the memory of compute processes once somebody waits
 * for it: its driver looks for it in the list, and readers must not wait for it.
 */
static void i2_a_fence_that_evicts_stays_where_it_is(struct kunit *test)
{
	struct dma_fence *evicts = eager(test, dma_fence_context_alloc(1), 1);
	u64 context = dma_fence_context_alloc(2);
	struct dma_resv *resv = rig_resv(test);

	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_shared(resv, 1));
	dma_resv_add_shared_fence(resv, evicts);
	dma_resv_unlock(resv);
	rig_import(test, eager(test, context, 1), WRITE_);
	KUNIT_EXPECT_TRUE(test, in_list(test, evicts));
	rig_import(test, eager(test, context + 1, 1), WRITE_);
	KUNIT_EXPECT_TRUE(test, in_list(test, evicts));
	rig_import(test, eager(test, context, 2), READ_);
	KUNIT_EXPECT_TRUE(test, in_list(test, evicts));
	wait(test, false);
	KUNIT_EXPECT_FALSE(test, was_waited_for(evicts));
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(evicts));
}

/*
 * The kernel's wait for all forgets a list of one fence, if the exclusive one has
 * not signaled; its other readers forget the exclusive one, if there is a list.
 */
static void i1_a_later_shared_fence_is_waited_for(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = eager(test, context, 1);
	struct dma_fence *two = eager(test, context, 2);

	rig_import(test, one, WRITE_);
	rig_import(test, two, READ_);
	EXPECT_ENTRIES(test, E(one, WRITE_), E(two, READ_));
	KUNIT_EXPECT_TRUE(test, in_list(test, one));
	wait(test, false);
	KUNIT_EXPECT_FALSE(test, was_waited_for(two));
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(two));
}

static void i1_a_later_shared_fence_is_waited_for_at_once(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = eager(test, context, 1);
	struct dma_fence *two = eager(test, context, 2);

	rig_import(test, one, WRITE_);
	rig_import(test, two, READ_);
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(one));
	KUNIT_EXPECT_TRUE(test, was_waited_for(two));
}

/* The same where the exclusive fence is what is left of a container. */
static void i1_a_later_fence_than_one_of_a_container(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(2);
	struct dma_fence *a1 = eager(test, context, 1);
	struct dma_fence *a2 = eager(test, context, 2);
	struct dma_fence *b1 = rig_fence(test, context + 1, 1);
	struct dma_fence *both[] = { a1, b1 };
	struct dma_resv *resv = rig_resv(test);

	dma_resv_lock(resv, NULL);
	dma_resv_add_excl_fence(resv, rig_array(test, both, 2));
	dma_resv_unlock(resv);
	dma_fence_signal(b1);
	rig_import(test, a2, READ_);
	EXPECT_ENTRIES(test, E(a1, WRITE_), E(a2, READ_));
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(a1));
	KUNIT_EXPECT_TRUE(test, was_waited_for(a2));
}

/* And where it is what is to be that is not in the list by itself. */
static void i1_an_earlier_exclusive_fence_is_waited_for(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = eager(test, context, 1);
	struct dma_fence *two = eager(test, context, 2);

	rig_import(test, two, READ_);
	rig_import(test, one, WRITE_);
	EXPECT_ENTRIES(test, E(one, WRITE_), E(two, READ_));
	KUNIT_EXPECT_TRUE(test, in_list(test, one));
	KUNIT_EXPECT_TRUE(test, in_list(test, two));
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(one));
	KUNIT_EXPECT_TRUE(test, was_waited_for(two));
}

/* A prune takes nothing away, either. */
static void i1_a_prune_keeps_the_exclusive_fence_in_the_list(struct kunit *test)
{
	struct dma_fence *exclusive = rig_new(test), **shared = rig_many(test, 3);
	unsigned int i;

	rig_import(test, exclusive, WRITE_);
	for (i = 0; i < 3; i++)
		rig_import(test, shared[i], READ_);
	dma_fence_signal(shared[0]);
	dma_fence_signal(shared[2]);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	KUNIT_EXPECT_EQ(test, list_count(test), 2);
	dma_fence_signal(shared[1]);
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	dma_fence_signal(exclusive);
	KUNIT_EXPECT_FALSE(test, waits(test, true));
}

/* An import for all makes no list where there is none, and leaves none empty. */
static void i4_no_list_that_says_nothing(struct kunit *test)
{
	struct dma_fence *shared = rig_new(test), *fence = rig_new(test);

	rig_import(test, fence, WRITE_);
	KUNIT_EXPECT_EQ(test, list_count(test), 0);
	rig_import(test, fence, READ_);
	KUNIT_EXPECT_EQ(test, list_count(test), 0);
	rig_import(test, shared, READ_);
	KUNIT_EXPECT_EQ(test, list_count(test), 2);
	dma_fence_signal(shared);
	dma_fence_signal(fence);
	rig_import(test, rig_new(test), WRITE_);
	KUNIT_EXPECT_EQ(test, list_count(test), 0);
}

/* What i915 looks for in a chain: each link has a fence, up to the last one. */
static void expect_links(struct kunit *test, unsigned int count)
{
	struct dma_fence *fence;

	dma_resv_lock(rig_resv(test), NULL);
	fence = dma_resv_get_excl(rig_resv(test));
	while (fence) {
		struct dma_fence_chain *link = to_dma_fence_chain(fence);

		KUNIT_EXPECT_TRUE(test, link && link->fence);
		if (!link)
			break;
		KUNIT_EXPECT_EQ(test, fence->seqno, 0ULL);
		fence = rcu_dereference_protected(link->prev, true);
		count--;
	}
	dma_resv_unlock(rig_resv(test));
	KUNIT_EXPECT_EQ(test, count, 0);
}

static void e5_an_exclusive_fence_of_several_has_links_alone(struct kunit *test)
{
	rig_import(test, rig_array(test, rig_many(test, 40), 40), WRITE_);
	expect_links(test, 40);
	rig_import(test, rig_new(test), WRITE_);
	expect_links(test, 41);
}

/*
 * A fence whose signaling is enabled holds whoever waits: arrays that an endless
 * loop of imports leaves behind would be there until it signals.
 */
static void i4_nobody_enables_signaling_by_an_import(struct kunit *test)
{
	struct dma_fence *old = rig_new(test), *fence;
	unsigned int i;

	rig_import(test, old, WRITE_);
	for (i = 0; i < 20; i++) {
		fence = rig_new(test);
		rig_import(test, fence, i % 3 ? WRITE_ : READ_);
		dma_fence_signal(fence);
	}
	KUNIT_EXPECT_TRUE(test, list_empty(&old->cb_list));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	EXPECT_ENTRIES(test, E(old, WRITE_));
	dma_fence_signal(old);
	KUNIT_EXPECT_FALSE(test, waits(test, false));
}

/* A copy is made without a lock and without a look at the sequence count. */
static void i1_a_copy_waits_for_the_same(struct kunit *test)
{
	struct dma_fence **shared = rig_many(test, 2), *fence = rig_new(test);
	struct dma_resv *copy = rig_another_resv(test);

	rig_import(test, shared[0], READ_);
	rig_import(test, fence, WRITE_);
	rig_import(test, shared[1], READ_);
	dma_resv_lock(copy, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_copy_fences(copy, rig_resv(test)));
	dma_resv_unlock(copy);
	dma_fence_signal(shared[0]);
	dma_fence_signal(shared[1]);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(copy, READ_));
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(copy, WRITE_));
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(copy, READ_));
}

static void i2_an_earlier_shared_fence_replaces_none(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *early = rig_fence(test, context, 1);
	struct dma_fence *late = rig_fence(test, context, 2);

	rig_import(test, late, READ_);
	rig_import(test, early, READ_);
	EXPECT_ENTRIES(test, E(late, READ_));
}

/* Writers look at shared fences alone, if there are any. */
static void i1_a_shared_import_hides_no_exclusive_fence(struct kunit *test)
{
	struct dma_fence *exclusive = rig_new(test), *fence = rig_new(test);

	rig_import(test, exclusive, WRITE_);
	rig_import(test, fence, READ_);
	EXPECT_FENCES(test, rig_export(test, WRITE_), exclusive);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	dma_fence_signal(exclusive);
	KUNIT_EXPECT_FALSE(test, waits(test, true));
}

static void i4_what_has_signaled_goes(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 60), *last = rig_new(test);
	unsigned int i;

	for (i = 0; i < 60; i++)
		rig_import(test, fences[i], i % 2 ? WRITE_ : READ_);
	for (i = 0; i < 60; i++)
		dma_fence_signal(fences[i]);
	rig_import(test, last, WRITE_);
	EXPECT_ENTRIES(test, E(last, WRITE_));
	KUNIT_EXPECT_EQ(test, list_count(test), 0);
	for (i = 0; i < 60; i++)
		KUNIT_EXPECT_EQ(test, kref_read(&fences[i]->refcount), 1);

	dma_fence_signal(last);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	KUNIT_EXPECT_EQ(test, rig_entries(rig_resv(test), NULL, 0), 0);
}

/* Prepare and reserve with room for OWN fences; the lock is held then. */
static struct dma_resv_import *reserve(struct kunit *test,
				       struct dma_fence *fence,
				       enum dma_resv_usage usage)
{
	struct dma_resv_import *import;
	int ret;

	import = dma_resv_import_prepare(rig_resv(test), fence, usage);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	dma_resv_lock(rig_resv(test), NULL);
	ret = dma_resv_import_reserve(import, OWN * DRIVER_ADD_ROOM);
	if (ret) {
		dma_resv_import_cancel(import);
		dma_resv_unlock(rig_resv(test));
	}
	KUNIT_ASSERT_EQ(test, 0, ret);
	return import;
}

static void add_own(struct kunit *test, struct dma_fence **own,
		    enum dma_resv_usage usage)
{
	unsigned int i;

	for (i = 0; i < OWN; i++)
		dma_resv_add_fence(rig_resv(test), own[i], usage);
}

static void commit(struct kunit *test, struct dma_resv_import *import)
{
	dma_resv_import_commit(import);
	dma_resv_unlock(rig_resv(test));
}

/* What a driver adds before the commit stays, as strict as it is. */
static void i3_extra_before_an_exclusive_commit(struct kunit *test)
{
	struct dma_fence **there = rig_many(test, 2), **own = rig_many(test, OWN);
	struct dma_fence **fences = rig_many(test, 2);
	struct dma_resv_import *import;

	rig_add(test, there[0], WRITE_);
	rig_add(test, there[1], READ_);
	import = reserve(test, rig_array(test, fences, 2), WRITE_);
	add_own(test, own, READ_);
	commit(test, import);
	EXPECT_ENTRIES(test, E(there[0], WRITE_), E(there[1], READ_),
		       E(fences[0], WRITE_), E(fences[1], WRITE_),
		       E(own[0], READ_), E(own[1], READ_), E(own[2], READ_));
	EXPECT_FENCES(test, rig_export(test, WRITE_), there[0], fences[0],
		      fences[1]);
}

/* The exclusive fence of a driver and that of an import are one afterwards. */
static void i3_extra_exclusive_before_an_exclusive_commit(struct kunit *test)
{
	struct dma_fence *there = rig_new(test), **own = rig_many(test, OWN);
	struct dma_fence *fence = rig_new(test);
	struct dma_resv_import *import;

	rig_add(test, there, READ_);
	import = reserve(test, fence, WRITE_);
	add_own(test, own, WRITE_);
	commit(test, import);
	EXPECT_FENCES(test, rig_export(test, WRITE_), fence, own[0], own[1],
		      own[2]);
	EXPECT_FENCES(test, rig_export(test, READ_), there, fence, own[0],
		      own[1], own[2]);
	dma_fence_signal(there);
	dma_fence_signal(fence);
	dma_fence_signal(own[0]);
	dma_fence_signal(own[2]);
	KUNIT_EXPECT_TRUE(test, waits(test, false));
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	dma_fence_signal(own[1]);
	KUNIT_EXPECT_FALSE(test, waits(test, true));
}

static void i3_extra_before_a_shared_commit(struct kunit *test)
{
	struct dma_fence *there = rig_new(test), **own = rig_many(test, OWN);
	struct dma_fence **fences = rig_many(test, 2);
	struct dma_resv_import *import;

	rig_add(test, there, WRITE_);
	import = reserve(test, rig_array(test, fences, 2), READ_);
	add_own(test, own, READ_);
	commit(test, import);
	EXPECT_ENTRIES(test, E(there, WRITE_), E(fences[0], READ_),
		       E(fences[1], READ_), E(own[0], READ_), E(own[1], READ_),
		       E(own[2], READ_));
	EXPECT_FENCES(test, rig_export(test, WRITE_), there);
}

/* A later fence that the driver adds before an earlier one is committed stays. */
static void i2_extra_that_is_later_is_not_replaced(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence = rig_fence(test, context, 1);
	struct dma_fence *late = rig_fence(test, context, 2);
	struct dma_resv_import *import;

	import = reserve(test, fence, READ_);
	dma_resv_add_fence(rig_resv(test), late, READ_);
	commit(test, import);
	EXPECT_ENTRIES(test, E(late, READ_));
}

/* The kernel's functions, of which a later commit must not make less. */
static void i1_a_late_shared_commit_hides_nothing(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = eager(test, context, 1);
	struct dma_fence *two = eager(test, context, 2);
	struct dma_resv_import *import;

	import = reserve(test, two, READ_);
	dma_resv_add_excl_fence(rig_resv(test), one);
	commit(test, import);
	KUNIT_EXPECT_TRUE(test, in_list(test, one));
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(one));
	KUNIT_EXPECT_TRUE(test, was_waited_for(two));
}

static void i1_a_late_exclusive_commit_hides_nothing(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = eager(test, context, 1);
	struct dma_fence *two = eager(test, context, 2);
	struct dma_resv_import *import;

	import = reserve(test, one, WRITE_);
	dma_resv_add_shared_fence(rig_resv(test), two);
	commit(test, import);
	KUNIT_EXPECT_TRUE(test, in_list(test, one));
	wait(test, true);
	KUNIT_EXPECT_TRUE(test, was_waited_for(one));
	KUNIT_EXPECT_TRUE(test, was_waited_for(two));
}

/* Two imports at once, each of which is late for the other. */
static void i1_two_commits_under_one_lock(struct kunit *test)
{
	enum dma_resv_usage first, second;
	struct dma_fence **fences;

	for (first = WRITE_; first <= READ_; first++) {
		for (second = WRITE_; second <= READ_; second++) {
			struct dma_resv_import *one, *two;

			fences = rig_many(test, 5);
			rig_add(test, fences[0], WRITE_);
			one = dma_resv_import_prepare(rig_resv(test),
						      rig_array(test,
								fences + 1, 2),
						      first);
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, one);
			two = reserve(test, rig_array(test, fences + 3, 2),
				      second);
			KUNIT_EXPECT_EQ(test, 0,
					dma_resv_import_reserve(one, OWN));
			dma_resv_import_commit(one);
			commit(test, two);
			EXPECT_ENTRIES(test, E(fences[0], WRITE_),
				       E(fences[1], first), E(fences[2], first),
				       E(fences[3], second),
				       E(fences[4], second));
			dma_fence_signal(fences[0]);
			dma_fence_signal(fences[1]);
			dma_fence_signal(fences[2]);
			dma_fence_signal(fences[3]);
			KUNIT_EXPECT_EQ(test, waits(test, false),
					second == WRITE_);
			KUNIT_EXPECT_TRUE(test, waits(test, true));
			dma_fence_signal(fences[4]);
			KUNIT_EXPECT_FALSE(test, waits(test, true));
			KUNIT_EXPECT_EQ(test, 0,
					dma_resv_prune(rig_resv(test)));
		}
	}
}

/* A link for the driver's own fence as well. */
static void e5_a_late_exclusive_fence_has_links_alone(struct kunit *test)
{
	struct dma_fence **own = rig_many(test, 2), *fence, *chain;
	struct dma_resv_import *import;

	import = reserve(test, rig_array(test, rig_many(test, 2), 2), WRITE_);
	dma_resv_add_excl_fence(rig_resv(test), own[0]);
	commit(test, import);
	expect_links(test, 3);

	chain = rig_link(test, rig_link(test, NULL, own[0]), own[1]);
	fence = rig_new(test);
	import = reserve(test, fence, WRITE_);
	dma_resv_add_excl_fence(rig_resv(test), chain);
	commit(test, import);
	EXPECT_FENCES(test, rig_export(test, WRITE_), own[0], own[1], fence);
}

/* How long the commit of @count fences into as many takes that are all others. */
static u64 late_commit_ns(struct kunit *test, unsigned int count)
{
	struct dma_fence **there = rig_many(test, count), *own = rig_new(test);
	struct dma_fence **fences = rig_many(test, count);
	struct dma_resv_import *import;
	u64 start, ns;

	rig_import(test, rig_array(test, there, count), READ_);
	import = reserve(test, rig_array(test, fences, count), READ_);
	dma_resv_add_shared_fence(rig_resv(test), own);
	start = ktime_get_ns();
	dma_resv_import_commit(import);
	ns = ktime_get_ns() - start;
	dma_resv_unlock(rig_resv(test));
	KUNIT_EXPECT_EQ(test, list_count(test), 2 * count + 1);
	while (count--) {
		dma_fence_signal(there[count]);
		dma_fence_signal(fences[count]);
	}
	dma_fence_signal(own);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	KUNIT_EXPECT_EQ(test, list_count(test), 0);
	return ns;
}

/* Sixteen times as many fences would take 256 times as long, were it quadratic. */
static void i5_a_late_commit_is_linear(struct kunit *test)
{
	u64 few = ~0ULL, many = ~0ULL;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		few = min(few, late_commit_ns(test, 512));
		many = min(many, late_commit_ns(test, 8192));
	}
	kunit_info(test, "%llu ns, %llu ns for 16 times as many\n", few, many);
	KUNIT_EXPECT_LT(test, many, 96 * few);
}

/* Nothing is left to commit, and what the driver has added stays. */
static void i3_extra_where_all_else_has_signaled(struct kunit *test)
{
	struct dma_fence *fence = rig_new(test), **own = rig_many(test, OWN);
	struct dma_resv_import *import;

	import = dma_resv_import_prepare(rig_resv(test), fence, WRITE_);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	dma_fence_signal(fence);
	dma_resv_lock(rig_resv(test), NULL);
	KUNIT_EXPECT_EQ(test, 0,
			dma_resv_import_reserve(import, OWN * DRIVER_ADD_ROOM));
	add_own(test, own, WRITE_);
	commit(test, import);
	EXPECT_ENTRIES(test, E(own[0], WRITE_), E(own[1], WRITE_),
		       E(own[2], WRITE_));
}

static void i3_extra_and_a_cancel_leave_what_the_driver_added(struct kunit *test)
{
	struct dma_fence *there = rig_new(test), **own = rig_many(test, OWN);
	struct dma_resv_import *import;

	rig_add(test, there, READ_);
	import = reserve(test, rig_new(test), WRITE_);
	add_own(test, own, READ_);
	dma_resv_import_cancel(import);
	dma_resv_unlock(rig_resv(test));
	EXPECT_ENTRIES(test, E(there, READ_), E(own[0], READ_),
		       E(own[1], READ_), E(own[2], READ_));
}

/* The links of an exclusive fence. */
static unsigned int links(struct kunit *test)
{
	struct dma_fence *fence = dma_fence_get(dma_resv_get_excl(rig_resv(test)));
	unsigned int count = 0;

	for (; fence; fence = dma_fence_chain_walk(fence))
		count++;
	return count;
}

/* An endless loop of it, in which nothing signals, is bounded by the contexts. */
static void i4_extra_again_and_again_stays_bounded(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(2);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	struct dma_fence *fence, *own;
	unsigned int round, worst = 0;

	for (round = 1; round <= 200; round++) {
		fence = rig_fence(test, context, round);
		own = rig_fence(test, context + 1, round);
		import = reserve(test, fence, WRITE_);
		/* As the kernel's drivers do. */
		if (round % 4)
			dma_resv_add_shared_fence(resv, own);
		else
			dma_resv_add_excl_fence(resv, own);
		dma_resv_import_commit(import);
		worst = max(worst, links(test) +
			    dma_resv_get_list(resv)->shared_count);
		dma_resv_unlock(resv);
	}
	KUNIT_EXPECT_LE(test, worst, 6);
	EXPECT_FENCES(test, rig_export(test, READ_), fence, own);
	rig_import(test, fence, WRITE_);
	EXPECT_ENTRIES(test, E(fence, WRITE_), E(own, WRITE_));
}

static struct kunit_case dma_resv_legacy_cases[] = {
	KUNIT_CASE(i2_an_exclusive_import_leaves_the_shared_ones),
	KUNIT_CASE(i2_a_fence_that_evicts_stays_where_it_is),
	KUNIT_CASE(i1_a_later_shared_fence_is_waited_for),
	KUNIT_CASE(i1_a_later_shared_fence_is_waited_for_at_once),
	KUNIT_CASE(i1_a_later_fence_than_one_of_a_container),
	KUNIT_CASE(i1_an_earlier_exclusive_fence_is_waited_for),
	KUNIT_CASE(i1_a_prune_keeps_the_exclusive_fence_in_the_list),
	KUNIT_CASE(i4_no_list_that_says_nothing),
	KUNIT_CASE(e5_an_exclusive_fence_of_several_has_links_alone),
	KUNIT_CASE(i4_nobody_enables_signaling_by_an_import),
	KUNIT_CASE(i1_a_copy_waits_for_the_same),
	KUNIT_CASE(i2_an_earlier_shared_fence_replaces_none),
	KUNIT_CASE(i1_a_shared_import_hides_no_exclusive_fence),
	KUNIT_CASE(i4_what_has_signaled_goes),
	KUNIT_CASE(i3_extra_before_an_exclusive_commit),
	KUNIT_CASE(i3_extra_exclusive_before_an_exclusive_commit),
	KUNIT_CASE(i3_extra_before_a_shared_commit),
	KUNIT_CASE(i2_extra_that_is_later_is_not_replaced),
	KUNIT_CASE(i1_a_late_shared_commit_hides_nothing),
	KUNIT_CASE(i1_a_late_exclusive_commit_hides_nothing),
	KUNIT_CASE(i1_two_commits_under_one_lock),
	KUNIT_CASE(e5_a_late_exclusive_fence_has_links_alone),
	KUNIT_CASE_SLOW(i5_a_late_commit_is_linear),
	KUNIT_CASE(i3_extra_where_all_else_has_signaled),
	KUNIT_CASE(i3_extra_and_a_cancel_leave_what_the_driver_added),
	KUNIT_CASE(i4_extra_again_and_again_stays_bounded),
	{}
};

static struct kunit_suite dma_resv_legacy_suite = {
	.name = "dma_resv_legacy",
	.init = dma_resv_rig_init,
	.test_cases = dma_resv_legacy_cases,
};

kunit_test_suite(dma_resv_legacy_suite);

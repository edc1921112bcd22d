// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of import where there is one exclusive fence and a list of shared ones:
 * what becomes of the one when the other changes, and of what a driver adds
 * between the steps of an import
 */

#include <linux/dma-fence-chain.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>

#include "dma-resv-rig.h"

/* So many fences a driver adds itself. */
#define OWN	3

/* Whether readers, or with @all writers, are made to wait by the kernel itself. */
static bool waits(struct kunit *test, bool all)
{
	return !dma_resv_test_signaled(rig_resv(test), all ? READ_ : WRITE_);
}

static void i2_an_exclusive_import_takes_the_shared_ones(struct kunit *test)
{
	struct dma_fence **shared = rig_many(test, 2), *fence = rig_new(test);

	rig_add(test, shared[0], READ_);
	rig_import(test, shared[1], READ_);
	KUNIT_EXPECT_FALSE(test, waits(test, false));
	rig_import(test, fence, WRITE_);
	EXPECT_ENTRIES(test, E(shared[0], WRITE_), E(shared[1], WRITE_),
		       E(fence, WRITE_));
	dma_fence_signal(fence);
	dma_fence_signal(shared[0]);
	KUNIT_EXPECT_TRUE(test, waits(test, false));
	KUNIT_EXPECT_TRUE(test, waits(test, true));
	dma_fence_signal(shared[1]);
	KUNIT_EXPECT_FALSE(test, waits(test, true));
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
	struct dma_resv_list *list;
	unsigned int i;

	for (i = 0; i < 60; i++)
		rig_import(test, fences[i], i % 2 ? WRITE_ : READ_);
	for (i = 0; i < 60; i++)
		dma_fence_signal(fences[i]);
	rig_import(test, last, WRITE_);
	EXPECT_ENTRIES(test, E(last, WRITE_));
	dma_resv_lock(rig_resv(test), NULL);
	list = dma_resv_get_list(rig_resv(test));
	KUNIT_EXPECT_PTR_EQ(test, dma_resv_get_excl(rig_resv(test)), last);
	KUNIT_EXPECT_LE(test, list ? list->shared_count : 0, 1);
	dma_resv_unlock(rig_resv(test));

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
	EXPECT_ENTRIES(test, E(there[0], WRITE_), E(there[1], WRITE_),
		       E(fences[0], WRITE_), E(fences[1], WRITE_),
		       E(own[0], READ_), E(own[1], READ_), E(own[2], READ_));
	EXPECT_FENCES(test, rig_export(test, WRITE_), there[0], there[1],
		      fences[0], fences[1]);
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
	EXPECT_FENCES(test, rig_export(test, WRITE_), there, fence, own[0],
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
	KUNIT_CASE(i2_an_exclusive_import_takes_the_shared_ones),
	KUNIT_CASE(i2_an_earlier_shared_fence_replaces_none),
	KUNIT_CASE(i1_a_shared_import_hides_no_exclusive_fence),
	KUNIT_CASE(i4_what_has_signaled_goes),
	KUNIT_CASE(i3_extra_before_an_exclusive_commit),
	KUNIT_CASE(i3_extra_exclusive_before_an_exclusive_commit),
	KUNIT_CASE(i3_extra_before_a_shared_commit),
	KUNIT_CASE(i2_extra_that_is_later_is_not_replaced),
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

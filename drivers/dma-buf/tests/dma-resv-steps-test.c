// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of an import in steps, as a driver makes it for several objects
 */

#include <linux/dma-resv-export.h>
#include <linux/err.h>

#include "dma-resv-rig.h"

/* Objects of one job. */
#define OBJECTS	4

static struct dma_resv_import *prepare(struct kunit *test,
				       struct dma_resv *resv,
				       struct dma_fence *fence,
				       enum dma_resv_usage usage)
{
	struct dma_resv_import *import;

	import = dma_resv_import_prepare(resv, fence, usage);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	return import;
}

/* Reserve and commit; the caller has the lock. */
static void reserve_and_commit(struct kunit *test,
			       struct dma_resv_import *import)
{
	int ret = dma_resv_import_reserve(import, 0);

	KUNIT_EXPECT_EQ(test, 0, ret);
	if (ret)
		dma_resv_import_cancel(import);
	else
		dma_resv_import_commit(import);
}

static void i3_cancel_after_prepare_leaves_no_trace(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20), *there = rig_new(test);
	struct dma_resv *resv = rig_resv(test);

	rig_add(test, there, READ_);
	dma_resv_import_cancel(prepare(test, resv, fences[0], WRITE_));
	dma_resv_import_cancel(prepare(test, resv,
				       rig_array(test, fences, 20), WRITE_));
	EXPECT_ENTRIES(test, E(there, READ_));
}

static void i3_cancel_after_reserve_leaves_no_trace(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20), *there = rig_new(test);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;

	rig_add(test, there, READ_);
	import = prepare(test, resv, rig_array(test, fences, 20), WRITE_);
	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import, 3));
	dma_resv_import_cancel(import);
	dma_resv_unlock(resv);
	EXPECT_ENTRIES(test, E(there, READ_));
}

static void i1_a_signaled_fence_commits_to_nothing(struct kunit *test)
{
	struct dma_resv *resv = rig_resv(test);
	struct dma_fence *fence = rig_new(test);
	struct dma_resv_import *import;

	dma_fence_signal(fence);
	import = prepare(test, resv, fence, WRITE_);
	dma_resv_lock(resv, NULL);
	reserve_and_commit(test, import);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, rig_entries(resv, NULL, 0), 0);
}

/* A fence that signals between the steps may be there or not, nothing else. */
static void i1_a_fence_may_signal_between_the_steps(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 12);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	unsigned int i;

	import = prepare(test, resv, rig_array(test, fences, 12), WRITE_);
	for (i = 1; i < 12; i++)
		dma_fence_signal(fences[i]);
	dma_resv_lock(resv, NULL);
	reserve_and_commit(test, import);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_FALSE(test, dma_resv_test_signaled(resv, WRITE_));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_TRUE(test, dma_resv_test_signaled(resv, WRITE_));
}

/* Room for what a driver adds itself, before the commit and after it. */
static void i3_extra_is_room_for_the_drivers_own(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 58), **own = rig_many(test, 6);
	struct dma_fence *there = rig_new(test);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	struct resv_entry entries[65];
	unsigned int i;

	/* The allocator gives room for 61: extra room has to be asked for. */
	rig_add(test, there, KERNEL);
	import = prepare(test, resv, rig_array(test, fences, 58), WRITE_);
	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import, 6));
	for (i = 0; i < 3; i++)
		dma_resv_add_fence(resv, own[i], READ_);
	dma_resv_import_commit(import);
	for (i = 3; i < 6; i++)
		dma_resv_add_fence(resv, own[i], READ_);
	dma_resv_unlock(resv);

	for (i = 0; i < 58; i++)
		entries[i] = (struct resv_entry)E(fences[i], WRITE_);
	for (i = 0; i < 6; i++)
		entries[58 + i] = (struct resv_entry)E(own[i], READ_);
	entries[64] = (struct resv_entry)E(there, KERNEL);
	rig_expect_entries(test, resv, entries, 65);
}

/* A signaled import has room to make all the same. */
static void i3_extra_of_an_empty_import_is_room(struct kunit *test)
{
	struct dma_fence **own = rig_many(test, 5), *fence = rig_new(test);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	unsigned int i;

	dma_fence_signal(fence);
	import = prepare(test, resv, fence, WRITE_);
	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import, 5));
	for (i = 0; i < 5; i++)
		dma_resv_add_fence(resv, own[i], READ_);
	dma_resv_import_commit(import);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, rig_entries(resv, NULL, 0), 5);
}

/* Two imports into one object: the second reserves for what is left. */
static void i3_two_imports_into_one_object(struct kunit *test)
{
	struct dma_fence **one = rig_many(test, 20), **two = rig_many(test, 20);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *first, *second;

	first = prepare(test, resv, rig_array(test, one, 20), WRITE_);
	second = prepare(test, resv, rig_array(test, two, 20), READ_);
	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(first, 20));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(second, 20));
	dma_resv_import_commit(first);
	dma_resv_import_commit(second);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, rig_entries(resv, NULL, 0), 40);
}

/* Others add between prepare and reserve, which then finds room again. */
static void i5_reserve_makes_room_for_what_came_meanwhile(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20);
	struct dma_fence **meanwhile = rig_many(test, 60);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	unsigned int i;

	import = prepare(test, resv, rig_array(test, fences, 20), WRITE_);
	for (i = 0; i < 60; i++)
		rig_add(test, meanwhile[i], READ_);
	dma_resv_lock(resv, NULL);
	reserve_and_commit(test, import);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, rig_entries(resv, NULL, 0), 80);
}

/* Lock all, whatever -EDEADLK comes; how often it came. */
static unsigned int lock_all(struct dma_resv **resv, struct ww_acquire_ctx *ctx)
{
	int contended = -1, ret, i;
	unsigned int backoffs = 0;

	ww_acquire_init(ctx, &reservation_ww_class);
retry:
	if (contended >= 0)
		dma_resv_lock_slow(resv[contended], ctx);
	for (i = 0; i < OBJECTS; i++) {
		if (i == contended)
			continue;
		ret = dma_resv_lock(resv[i], ctx);
		if (!ret)
			continue;
		if (contended > i)
			dma_resv_unlock(resv[contended]);
		contended = i;
		while (i--)
			dma_resv_unlock(resv[i]);
		backoffs++;
		goto retry;
	}
	ww_acquire_done(ctx);
	return backoffs;
}

/* One job on several objects; imports survive locks that are given up. */
static unsigned int submit(struct kunit *test, struct dma_resv **resv,
			   struct dma_fence *job)
{
	struct dma_resv_import *import[OBJECTS];
	struct ww_acquire_ctx ctx;
	unsigned int i, backoffs;

	for (i = 0; i < OBJECTS; i++)
		import[i] = prepare(test, resv[i], job, WRITE_ + i % 3);
	backoffs = lock_all(resv, &ctx);
	for (i = 0; i < OBJECTS; i++)
		KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import[i], 0));
	for (i = 0; i < OBJECTS; i++)
		dma_resv_import_commit(import[i]);
	for (i = 0; i < OBJECTS; i++)
		dma_resv_unlock(resv[i]);
	ww_acquire_fini(&ctx);
	return backoffs;
}

static void new_objects(struct kunit *test, struct dma_resv **resv)
{
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		resv[i] = rig_another_resv(test);
}

static void i3_several_objects_under_one_ticket(struct kunit *test)
{
	struct dma_resv *resv[OBJECTS];
	struct dma_fence *job = rig_new(test);
	unsigned int i;

	new_objects(test, resv);
	submit(test, resv, job);
	for (i = 0; i < OBJECTS; i++) {
		struct resv_entry entry = E(job, WRITE_ + i % 3);

		rig_expect_entries(test, resv[i], &entry, 1);
	}
}

/* CONFIG_DEBUG_WW_MUTEX_SLOWPATH has a lock fail now and then. */
static void i3_an_injected_deadlock_changes_nothing(struct kunit *test)
{
	struct dma_resv *resv[OBJECTS];
	unsigned int i, round, backoffs = 0;
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *job = NULL;

	if (!IS_ENABLED(CONFIG_DEBUG_WW_MUTEX_SLOWPATH))
		kunit_skip(test, "needs CONFIG_DEBUG_WW_MUTEX_SLOWPATH");
	new_objects(test, resv);
	for (round = 1; round <= 50; round++) {
		job = rig_fence(test, context, round);
		backoffs += submit(test, resv, job);
	}
	KUNIT_EXPECT_GT(test, backoffs, 0);
	for (i = 0; i < OBJECTS; i++) {
		struct resv_entry entry = E(job, WRITE_ + i % 3);

		rig_expect_entries(test, resv[i], &entry, 1);
	}
}

/* All objects locked, and the job turns out not to be possible. */
static void i3_a_job_that_is_given_up_leaves_no_trace(struct kunit *test)
{
	struct dma_resv_import *import[OBJECTS];
	struct dma_resv *resv[OBJECTS];
	struct dma_fence *job = rig_new(test);
	struct ww_acquire_ctx ctx;
	unsigned int i;

	new_objects(test, resv);
	for (i = 0; i < OBJECTS; i++)
		import[i] = prepare(test, resv[i], job, WRITE_);
	lock_all(resv, &ctx);
	for (i = 0; i < OBJECTS; i++)
		KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import[i], 0));
	for (i = 0; i < OBJECTS; i++)
		dma_resv_import_cancel(import[i]);
	for (i = 0; i < OBJECTS; i++)
		dma_resv_unlock(resv[i]);
	ww_acquire_fini(&ctx);
	for (i = 0; i < OBJECTS; i++)
		KUNIT_EXPECT_EQ(test, rig_entries(resv[i], NULL, 0), 0);
}

static struct kunit_case dma_resv_steps_cases[] = {
	KUNIT_CASE(i3_cancel_after_prepare_leaves_no_trace),
	KUNIT_CASE(i3_cancel_after_reserve_leaves_no_trace),
	KUNIT_CASE(i1_a_signaled_fence_commits_to_nothing),
	KUNIT_CASE(i1_a_fence_may_signal_between_the_steps),
	KUNIT_CASE(i3_extra_is_room_for_the_drivers_own),
	KUNIT_CASE(i3_extra_of_an_empty_import_is_room),
	KUNIT_CASE(i3_two_imports_into_one_object),
	KUNIT_CASE(i5_reserve_makes_room_for_what_came_meanwhile),
	KUNIT_CASE(i3_several_objects_under_one_ticket),
	KUNIT_CASE(i3_an_injected_deadlock_changes_nothing),
	KUNIT_CASE(i3_a_job_that_is_given_up_leaves_no_trace),
	{}
};

static struct kunit_suite dma_resv_steps_suite = {
	.name = "dma_resv_steps",
	.init = dma_resv_rig_init,
	.test_cases = dma_resv_steps_cases,
};

kunit_test_suite(dma_resv_steps_suite);

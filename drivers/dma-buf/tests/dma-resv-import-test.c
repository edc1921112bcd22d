// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of import at once, of its bounds, and of prune
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "../compat/dma-resv-slots.h"
#include "dma-resv-rig.h"

/* More than a set holds in itself. */
#define MANY	40

/* Whoever waits for @usage has to wait. */
static bool busy(struct kunit *test, enum dma_resv_usage usage)
{
	return !dma_resv_test_signaled(rig_resv(test), usage);
}

static void i1_those_of_the_usage_and_weaker_wait(struct kunit *test)
{
	enum dma_resv_usage imported, waiter;

	if (!DRIVER_HAS_USAGES)
		kunit_skip(test, "only where fences have a usage");
	for (imported = WRITE_; imported <= BOOKKEEP; imported++) {
		struct dma_fence *fence = rig_new(test);

		rig_import(test, fence, imported);
		for (waiter = KERNEL; waiter <= BOOKKEEP; waiter++)
			KUNIT_EXPECT_EQ(test, busy(test, waiter),
					waiter >= imported);
		dma_fence_signal(fence);
		KUNIT_EXPECT_FALSE(test, busy(test, BOOKKEEP));
	}
}

static void i1_all_of_a_large_import_are_waited_for(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 300);
	unsigned int i;

	rig_import(test, rig_array(test, fences, 300), WRITE_);
	for (i = 0; i < 299; i++)
		dma_fence_signal(fences[i]);
	KUNIT_EXPECT_TRUE(test, busy(test, WRITE_));
	dma_fence_signal(fences[299]);
	KUNIT_EXPECT_FALSE(test, busy(test, BOOKKEEP));
}

static void i1_a_signaled_fence_leaves_no_trace(struct kunit *test)
{
	struct dma_fence *fences[] = { rig_new(test), rig_new(test) };

	dma_fence_signal(fences[0]);
	dma_fence_signal(fences[1]);
	rig_import(test, fences[0], WRITE_);
	rig_import(test, rig_array(test, fences, 2), WRITE_);
	KUNIT_EXPECT_EQ(test, rig_entries(rig_resv(test), NULL, 0), 0);
}

/* What was there stays, into an empty, a short and a long list. */
static void i2_imports_of_any_size_keep_what_was_there(struct kunit *test)
{
	static const unsigned int sizes[] = { 1, 7, 8, 9, 15, 16, 33, 130 };
	struct resv_entry *entries;
	unsigned int i, j, count = 0;

	entries = kunit_kcalloc(test, 512, sizeof(*entries), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct dma_fence **fences = rig_many(test, sizes[i]);
		enum dma_resv_usage usage = WRITE_ + i % 3;

		rig_import(test, rig_array(test, fences, sizes[i]), usage);
		for (j = 0; j < sizes[i]; j++) {
			entries[count].fence = fences[j];
			entries[count++].usage = usage;
		}
		rig_expect_entries(test, rig_resv(test), entries, count);
	}
}

static void i2_many_kernel_entries_are_never_touched(struct kunit *test)
{
	struct dma_fence **kernel = rig_many(test, MANY), *array[MANY];
	struct resv_entry entries[2 * MANY];
	unsigned int i;

	if (!DRIVER_HAS_USAGES)
		kunit_skip(test, "only where fences have a usage");
	for (i = 0; i < MANY; i++) {
		array[i] = rig_fence(test, kernel[i]->context, 2);
		rig_add(test, kernel[i], KERNEL);
		entries[i] = (struct resv_entry)E(kernel[i], KERNEL);
		entries[MANY + i] = (struct resv_entry)E(array[i], WRITE_);
	}
	rig_import(test, rig_array(test, array, MANY), WRITE_);
	rig_expect_entries(test, rig_resv(test), entries, 2 * MANY);
}

static void i3_a_killed_import_changes_nothing(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 1500);
	struct dma_fence *there = rig_new(test), *array;

	rig_add(test, there, READ_);
	array = rig_array(test, fences, 1500);
	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, -EINTR, dma_resv_import_fence(rig_resv(test),
							    array, WRITE_));
	flush_signals(current);
	disallow_signal(SIGKILL);
	EXPECT_ENTRIES(test, E(there, READ_));
}

static void i4_the_same_import_again_adds_nothing(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, MANY), *array;
	unsigned int i;

	array = rig_array(test, fences, MANY);
	for (i = 0; i < 10; i++)
		rig_import(test, array, WRITE_);
	KUNIT_EXPECT_EQ(test, rig_entries(rig_resv(test), NULL, 0), MANY);
}

/* The list stays, none of the fences does. */
static void i4_an_import_gives_back_what_has_signaled(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 1000);
	struct dma_fence *last = rig_new(test);
	unsigned int i, held = 0;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	rig_import(test, rig_array(test, fences, 1000), READ_);
	for (i = 0; i < 1000; i++)
		held += kref_read(&fences[i]->refcount) > 2;
	KUNIT_EXPECT_EQ(test, held, 1000);
	for (i = 0; i < 1000; i++)
		dma_fence_signal(fences[i]);
	rig_import(test, last, READ_);
	EXPECT_ENTRIES(test, E(last, READ_));
	/* The test has one, and its array. */
	for (held = 0, i = 0; i < 1000; i++)
		held += kref_read(&fences[i]->refcount) > 2;
	KUNIT_EXPECT_EQ(test, held, 0);
}

static void i4_prune_drops_what_nobody_waits_for(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 8);
	unsigned int i;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	for (i = 0; i < 8; i++)
		rig_add(test, fences[i], i % 4);
	for (i = 0; i < 8; i++)
		if (i != 2 && i != 7)
			dma_fence_signal(fences[i]);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	EXPECT_ENTRIES(test, E(fences[2], READ_), E(fences[7], BOOKKEEP));
}

/* A driver may add an older fence after a later one: that signals soon. */
static void i4_doubles_of_a_driver_stay_until_they_signal(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct dma_fence *three = rig_fence(test, context, 3);

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	rig_add(test, two, READ_);
	rig_add(test, one, READ_);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	EXPECT_ENTRIES(test, E(two, READ_), E(one, READ_));
	/* Covered by one of them; then the place of one of them is taken. */
	rig_import(test, two, READ_);
	EXPECT_ENTRIES(test, E(two, READ_), E(one, READ_));
	rig_import(test, three, READ_);
	KUNIT_EXPECT_EQ(test, rig_entries(rig_resv(test), NULL, 0), 2);
	dma_fence_signal(one);
	dma_fence_signal(two);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	EXPECT_ENTRIES(test, E(three, READ_));
}

/* One of the same usage makes room, so that there is never a second one. */
static void i4_imports_make_no_doubles(struct kunit *test)
{
	static const enum dma_resv_usage usages[][3] = {
		{ WRITE_, READ_, BOOKKEEP }, { WRITE_, BOOKKEEP, READ_ },
		{ READ_, WRITE_, BOOKKEEP }, { READ_, BOOKKEEP, WRITE_ },
		{ BOOKKEEP, WRITE_, READ_ }, { BOOKKEEP, READ_, WRITE_ },
	};
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *new = rig_fence(test, context, 9);
	unsigned int i, j;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	for (i = 0; i < ARRAY_SIZE(usages); i++) {
		struct dma_resv *resv = rig_another_resv(test);
		struct resv_entry entries[3];

		for (j = 0; j < 3; j++) {
			/* A driver's earlier one takes nobody's place. */
			entries[j].fence = rig_fence(test, context, 3 - j);
			entries[j].usage = usages[i][j];
			rig_add_to(test, resv, entries[j].fence, usages[i][j]);
			if (usages[i][j] == READ_)
				entries[j].fence = new;
		}
		KUNIT_EXPECT_EQ(test, 0, dma_resv_import_fence(resv, new,
							       READ_));
		rig_expect_entries(test, resv, entries, 3);
	}
}

static void i2_prune_keeps_kernel_and_unordered(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct dma_fence *bare[] = {
		rig_fence(test, 0, 0), rig_fence(test, 0, 0),
	};

	if (!DRIVER_HAS_USAGES)
		kunit_skip(test, "only where fences have a usage");
	rig_add(test, two, KERNEL);
	rig_add(test, one, KERNEL);
	rig_add(test, bare[0], READ_);
	rig_add(test, bare[1], READ_);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	EXPECT_ENTRIES(test, E(two, KERNEL), E(one, KERNEL), E(bare[0], READ_),
		       E(bare[1], READ_));
}

static void b1_prune_of_an_idle_object_does_nothing(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(rig_resv(test)));
	KUNIT_EXPECT_EQ(test, rig_entries(rig_resv(test), NULL, 0), 0);
}

static struct kunit_case dma_resv_import_cases[] = {
	KUNIT_CASE(i1_those_of_the_usage_and_weaker_wait),
	KUNIT_CASE(i1_all_of_a_large_import_are_waited_for),
	KUNIT_CASE(i1_a_signaled_fence_leaves_no_trace),
	KUNIT_CASE(i2_imports_of_any_size_keep_what_was_there),
	KUNIT_CASE(i2_many_kernel_entries_are_never_touched),
	KUNIT_CASE(i3_a_killed_import_changes_nothing),
	KUNIT_CASE(i4_the_same_import_again_adds_nothing),
	KUNIT_CASE(i4_an_import_gives_back_what_has_signaled),
	KUNIT_CASE(i4_prune_drops_what_nobody_waits_for),
	KUNIT_CASE(i4_doubles_of_a_driver_stay_until_they_signal),
	KUNIT_CASE(i4_imports_make_no_doubles),
	KUNIT_CASE(i2_prune_keeps_kernel_and_unordered),
	KUNIT_CASE(b1_prune_of_an_idle_object_does_nothing),
	{}
};

static struct kunit_suite dma_resv_import_suite = {
	.name = "dma_resv_import",
	.init = dma_resv_rig_init,
	.test_cases = dma_resv_import_cases,
};

kunit_test_suite(dma_resv_import_suite);

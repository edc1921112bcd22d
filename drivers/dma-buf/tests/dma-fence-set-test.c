// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of sets of fences: what is kept, and what is built from it
 */

#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "../compat/dma-fence-array.h"
#include "../compat/dma-fence-container.h"
#include "../compat/dma-fence-time.h"
#include "dma-resv-rig.h"

/* As many fences as the largest array has. */
#define A	((COMPAT_ARRAY_SIZE - sizeof(struct dma_fence_array)) / \
		 sizeof(struct dma_fence_array_cb))

static void fini_set(void *set)
{
	dma_fence_set_fini(set);
}

/* An empty set, which the test need not end. */
static struct dma_fence_set *new_set(struct kunit *test)
{
	struct dma_fence_set *set = kunit_kzalloc(test, sizeof(*set),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, set);
	dma_fence_set_init(set);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fini_set,
							   set));
	return set;
}

/* Whether @set has @fence. */
static bool has(struct dma_fence_set *set, struct dma_fence *fence)
{
	unsigned int i, times = 0;

	for (i = 0; i < set->count; i++)
		times += *dma_fence_set_at(set, i) == fence;
	return times == 1;
}

static void expect_all(struct kunit *test, struct dma_fence_set *set,
		       struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, set->count, count);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_TRUE(test, has(set, fences[i]));
}

static void add(struct kunit *test, struct dma_fence_set *set,
		struct dma_fence *fence)
{
	KUNIT_ASSERT_EQ(test, 0, dma_fence_set_add(set, fence));
}

static struct dma_fence *merge(struct kunit *test, struct dma_fence_set *set)
{
	return rig_keep(test, dma_fence_set_merge(set));
}

static void e4_the_latest_of_a_context_stays(struct kunit *test)
{
	struct dma_fence_set *up = new_set(test), *down = new_set(test);
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = rig_fence(test, context, 1);
	struct dma_fence *last = rig_fence(test, context, 2);

	add(test, up, first);
	add(test, up, last);
	KUNIT_EXPECT_EQ(test, up->count, 1);
	KUNIT_EXPECT_TRUE(test, has(up, last));

	add(test, down, last);
	add(test, down, first);
	KUNIT_EXPECT_EQ(test, down->count, 1);
	KUNIT_EXPECT_TRUE(test, has(down, last));
}

/* The same of a set that has an index. */
static void e4_the_latest_of_many_contexts_stays(struct kunit *test)
{
	struct dma_fence **first = rig_many(test, 100), *last;
	struct dma_fence_set *set = new_set(test);
	unsigned int i;

	for (i = 0; i < 100; i++)
		add(test, set, first[i]);
	for (i = 0; i < 100; i++) {
		last = rig_fence(test, first[i]->context, 2);
		add(test, set, last);
		KUNIT_EXPECT_TRUE(test, has(set, last));
		add(test, set, first[i]);
	}
	KUNIT_EXPECT_EQ(test, set->count, 100);
}

static void e4_seqnos_wrap(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *last = rig_fence(test, context, 1);
	struct dma_fence_set *set = new_set(test);

	add(test, set, last);
	add(test, set, rig_fence(test, context, 0xfffffffe));
	KUNIT_EXPECT_EQ(test, set->count, 1);
	KUNIT_EXPECT_TRUE(test, has(set, last));
}

static void e4_signaled_fences_are_left_out(struct kunit *test)
{
	struct dma_fence *fences[] = { rig_new(test), rig_new(test) };
	struct dma_fence_set *set = new_set(test);

	dma_fence_signal(fences[0]);
	add(test, set, rig_array(test, fences, 2));
	KUNIT_EXPECT_EQ(test, set->count, 1);
	KUNIT_EXPECT_TRUE(test, has(set, fences[1]));
}

/* Context and seqno 0, as several drivers have it. */
static void e4_fences_without_an_order_are_all_kept(struct kunit *test)
{
	struct dma_fence_set *set = new_set(test);
	struct dma_fence *fence = NULL;
	unsigned int i;

	/* Enough for the list that is searched and for the index. */
	for (i = 0; i < 40; i++) {
		fence = rig_fence(test, 0, 0);
		add(test, set, fence);
		add(test, set, fence);
		KUNIT_EXPECT_EQ(test, set->count, i + 1);
	}
	KUNIT_EXPECT_TRUE(test, has(set, fence));
}

static void e4_an_empty_set_gives_a_signaled_fence(struct kunit *test)
{
	struct dma_fence_set *set = new_set(test);

	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(merge(test, set)));
}

/* The fence of an idle buffer tells when it became idle. */
static void e4_the_signaled_fence_has_the_time_of_the_last(struct kunit *test)
{
	struct dma_fence *one = rig_new(test), *two = rig_new(test);
	struct dma_fence_set *set = new_set(test);
	ktime_t last;

	dma_fence_signal(two);
	usleep_range(1000, 2000);
	dma_fence_signal(one);
	last = compat_dma_fence_timestamp(one);
	if (!last)
		kunit_skip(test, "this kernel's fences tell no time");
	KUNIT_EXPECT_LT(test, compat_dma_fence_timestamp(two), last);
	add(test, set, one);
	add(test, set, two);
	KUNIT_EXPECT_EQ(test, compat_dma_fence_timestamp(merge(test, set)),
			last);
}

static void i1_all_of_an_array_is_added(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20);
	struct dma_fence_set *set = new_set(test);

	add(test, set, rig_array(test, fences, 20));
	expect_all(test, set, fences, 20);
}

static void i1_all_of_a_chain_is_added(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20), *chain = NULL;
	struct dma_fence_set *set = new_set(test);
	unsigned int i;

	for (i = 0; i < 20; i++)
		chain = rig_link(test, chain, fences[i]);
	add(test, set, chain);
	expect_all(test, set, fences, 20);
}

/* Signaled links in between end nothing. */
static void i1_all_of_a_chain_of_arrays_is_added(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 30), *chain = NULL;
	struct dma_fence_set *set = new_set(test);
	unsigned int i;

	for (i = 0; i < 30; i += 3)
		chain = rig_link(test, chain, rig_array(test, fences + i, 3));
	for (i = 12; i < 18; i++)
		dma_fence_signal(fences[i]);
	add(test, set, chain);
	KUNIT_EXPECT_EQ(test, set->count, 24);
	for (i = 0; i < 30; i++)
		KUNIT_EXPECT_EQ(test, has(set, fences[i]), i < 12 || i >= 18);
}

/* One context as often as you like is one fence, and linear work. */
static void i6_a_long_chain_costs_its_links(struct kunit *test)
{
	const unsigned int links = 20000;
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fence = rig_fence(test, context, 1), *head = NULL;
	struct dma_fence_set *set = new_set(test);
	struct dma_fence_chain *link;
	unsigned int i;

	for (i = 0; i < links; i++) {
		link = dma_fence_chain_alloc();
		KUNIT_ASSERT_NOT_NULL(test, link);
		dma_fence_chain_init(link, head, dma_fence_get(fence), i + 1);
		head = &link->base;
	}
	rig_keep(test, head);
	add(test, set, head);
	KUNIT_EXPECT_EQ(test, set->count, 1);
	KUNIT_EXPECT_EQ(test, set->walked, links);
}

/* A walk that a kill does not end could take as long as user space likes. */
static void i6_a_killed_walk_ends(struct kunit *test)
{
	struct dma_fence *fence = rig_new(test), **fences;
	struct dma_fence_set *set = new_set(test);
	unsigned int i;

	fences = kunit_kcalloc(test, 4000, sizeof(*fences), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < 4000; i++)
		fences[i] = fence;
	fence = rig_array(test, fences, 4000);

	allow_signal(SIGKILL);
	send_sig(SIGKILL, current, 1);
	KUNIT_EXPECT_EQ(test, -EINTR, dma_fence_set_add(set, fence));
	flush_signals(current);
	disallow_signal(SIGKILL);
	KUNIT_EXPECT_LT(test, set->walked, 4000);
}

static void e6_a_set_past_its_limit_is_enomem(struct kunit *test)
{
	struct dma_fence_set *set = new_set(test);
	struct dma_fence *fence = rig_new(test);

	add(test, set, fence);
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			dma_fence_set_reserve(set, DMA_FENCE_SET_MAX + 1));
	KUNIT_EXPECT_TRUE(test, has(set, fence));
}

static void i2_a_covered_fence_is_dropped(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 3);
	struct dma_fence_set *set = new_set(test);
	unsigned int i;

	for (i = 0; i < 3; i++)
		add(test, set, fences[i]);

	/* By itself, and by a later one. */
	KUNIT_EXPECT_TRUE(test, dma_fence_set_drop_covered(set, fences[0]));
	KUNIT_EXPECT_TRUE(test,
			  dma_fence_set_drop_covered(set,
						     rig_fence(test, fences[1]->context,
							       2)));
	KUNIT_EXPECT_FALSE(test, has(set, fences[0]));
	KUNIT_EXPECT_FALSE(test, has(set, fences[1]));
	KUNIT_EXPECT_TRUE(test, has(set, fences[2]));
	/* What is gone cannot go again. */
	KUNIT_EXPECT_FALSE(test, dma_fence_set_drop_covered(set, fences[0]));
}

static void i2_an_uncovered_fence_is_not_dropped(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *later = rig_fence(test, context, 2);
	struct dma_fence *bare = rig_fence(test, 0, 0);
	struct dma_fence_set *set = new_set(test);

	add(test, set, later);
	add(test, set, bare);
	KUNIT_EXPECT_FALSE(test,
			   dma_fence_set_drop_covered(set,
						      rig_fence(test, context, 1)));
	KUNIT_EXPECT_FALSE(test,
			   dma_fence_set_drop_covered(set, rig_new(test)));
	KUNIT_EXPECT_FALSE(test,
			   dma_fence_set_drop_covered(set,
						      rig_fence(test, 0, 0)));
	KUNIT_EXPECT_TRUE(test, has(set, later));
	KUNIT_EXPECT_TRUE(test, has(set, bare));
}

/* What is in an array, or NULL if @fence is none or has what it must not. */
static struct dma_fence_array *plain_array(struct dma_fence *fence)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	unsigned int i;

	for (i = 0; array && i < array->num_fences; i++)
		if (dma_fence_is_container(array->fences[i]))
			return NULL;
	return array;
}

static void expect_array(struct kunit *test, struct dma_fence *fence,
			 unsigned int count)
{
	struct dma_fence_array *array = plain_array(fence);

	KUNIT_ASSERT_NOT_NULL(test, array);
	KUNIT_EXPECT_EQ(test, array->num_fences, count);
	KUNIT_EXPECT_LE(test, ksize(array), COMPAT_ARRAY_SIZE);
	KUNIT_EXPECT_LE(test, ksize(array->fences), COMPAT_ARRAY_SIZE);
}

/* The last link has what is left over, all others are full. */
static void expect_chain(struct kunit *test, struct dma_fence *fence,
			 unsigned int count)
{
	unsigned int left = count % A ?: A;
	struct dma_fence *prev;

	for (; fence; fence = prev, count -= left, left = A) {
		struct dma_fence_chain *link = to_dma_fence_chain(fence);

		KUNIT_ASSERT_NOT_NULL(test, link);
		KUNIT_ASSERT_LE(test, left, count);
		if (left == 1)
			KUNIT_EXPECT_FALSE(test,
					   dma_fence_is_container(link->fence));
		else
			expect_array(test, link->fence, left);
		prev = rcu_dereference_protected(link->prev, true);
	}
	KUNIT_EXPECT_EQ(test, count, 0);
}

/* Nothing, one fence, and both sides of where one more page is needed. */
static const unsigned int counts[] = {
	0, 1, 2, A - 1, A, A + 1, 2 * A, 2 * A + 1, 10 * A + 7,
};

static void expect_shape(struct kunit *test, unsigned int count)
{
	unsigned int i;
	struct dma_fence **fences = rig_many(test, count), *merged;
	struct dma_fence_set *set = new_set(test);

	for (i = 0; i < count; i++)
		add(test, set, fences[i]);
	merged = merge(test, set);
	if (!count)
		KUNIT_EXPECT_FALSE(test, dma_fence_is_container(merged));
	else if (count == 1)
		KUNIT_EXPECT_PTR_EQ(test, merged, fences[0]);
	else if (count <= A)
		expect_array(test, merged, count);
	else
		expect_chain(test, merged, count);
	if (count)
		rig_expect_fences(test, merged, fences, count);
}

/* One array while that is large enough, a chain of such arrays past it. */
static void e5_shape_of_a_merged_set(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		expect_shape(test, counts[i]);
}

static void expect_last(struct kunit *test, unsigned int count)
{
	unsigned int i;
	struct dma_fence **fences = rig_many(test, count), *merged;
	struct dma_fence_set *set = new_set(test);

	for (i = 0; i < count; i++)
		add(test, set, fences[i]);
	merged = merge(test, set);
	for (i = 0; i < count; i++)
		if (i != count / 2)
			dma_fence_signal(fences[i]);
	if (count) {
		KUNIT_EXPECT_EQ(test, 0,
				dma_fence_wait_timeout(merged, false, 1));
		KUNIT_EXPECT_FALSE(test, dma_fence_is_signaled(merged));
		dma_fence_signal(fences[count / 2]);
	}
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(merged, false, 5 * HZ), 0);
}

/* Whichever signals last, the fence for all waits for it and no longer. */
static void e1_a_merged_set_signals_with_its_last(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++)
		expect_last(test, counts[i]);
}

static void e4_merge_two_has_each_context_once(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = rig_fence(test, context, 1);
	struct dma_fence *last = rig_fence(test, context, 2);
	struct dma_fence *other = rig_new(test), *done = rig_new(test), *merged;
	struct dma_fence *array[] = { first, other };

	dma_fence_signal(done);
	merged = rig_keep(test,
			  dma_fence_set_merge_two(rig_array(test, array, 2),
						  rig_link(test,
							   rig_link(test, NULL, done),
							   last)));
	EXPECT_FENCES(test, merged, last, other);
}

static void e4_merge_of_two_signaled_is_signaled(struct kunit *test)
{
	struct dma_fence *one = rig_new(test), *two = rig_new(test);

	dma_fence_signal(one);
	dma_fence_signal(two);
	KUNIT_EXPECT_TRUE(test,
			  dma_fence_is_signaled(rig_keep(test,
							 dma_fence_set_merge_two(one, two))));
}

static void e1_an_error_shows_in_an_array(struct kunit *test)
{
	struct dma_fence *one = rig_new(test), *two = rig_new(test), *merged;

	merged = rig_keep(test, dma_fence_set_merge_two(one, two));
	/* Somebody who waits has the array note what becomes of its fences. */
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(merged, false, 1));
	dma_fence_set_error(one, -EIO);
	dma_fence_signal(one);
	dma_fence_signal(two);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(merged, false, 5 * HZ), 0);
	KUNIT_EXPECT_EQ(test, -EIO, dma_fence_get_status(merged));
}

static struct kunit_case dma_fence_set_cases[] = {
	KUNIT_CASE(e4_the_latest_of_a_context_stays),
	KUNIT_CASE(e4_the_latest_of_many_contexts_stays),
	KUNIT_CASE(e4_seqnos_wrap),
	KUNIT_CASE(e4_signaled_fences_are_left_out),
	KUNIT_CASE(e4_fences_without_an_order_are_all_kept),
	KUNIT_CASE(e4_an_empty_set_gives_a_signaled_fence),
	KUNIT_CASE(e4_the_signaled_fence_has_the_time_of_the_last),
	KUNIT_CASE(i1_all_of_an_array_is_added),
	KUNIT_CASE(i1_all_of_a_chain_is_added),
	KUNIT_CASE(i1_all_of_a_chain_of_arrays_is_added),
	KUNIT_CASE(i6_a_long_chain_costs_its_links),
	KUNIT_CASE(i6_a_killed_walk_ends),
	KUNIT_CASE(e6_a_set_past_its_limit_is_enomem),
	KUNIT_CASE(i2_a_covered_fence_is_dropped),
	KUNIT_CASE(i2_an_uncovered_fence_is_not_dropped),
	KUNIT_CASE(e5_shape_of_a_merged_set),
	KUNIT_CASE(e1_a_merged_set_signals_with_its_last),
	KUNIT_CASE(e4_merge_two_has_each_context_once),
	KUNIT_CASE(e4_merge_of_two_signaled_is_signaled),
	KUNIT_CASE(e1_an_error_shows_in_an_array),
	{}
};

static struct kunit_suite dma_fence_set_suite = {
	.name = "dma_fence_set",
	.init = dma_resv_rig_init,
	.test_cases = dma_fence_set_cases,
};

kunit_test_suite(dma_fence_set_suite);

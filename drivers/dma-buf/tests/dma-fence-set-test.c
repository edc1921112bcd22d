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

/* As many fences as the largest array has, and one that fits into a page. */
#define A	RIG_ARRAY(PAGE_ALLOC_COSTLY_ORDER)
#define S	RIG_ARRAY(0)

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

	for (i = 0; i < dma_fence_set_count(set); i++)
		times += dma_fence_set_fence(set, i) == fence;
	return times == 1;
}

static void expect_all(struct kunit *test, struct dma_fence_set *set,
		       struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), count);
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
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(up), 1);
	KUNIT_EXPECT_TRUE(test, has(up, last));

	add(test, down, last);
	add(test, down, first);
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(down), 1);
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
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 100);
}

static void e4_seqnos_wrap(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *last = rig_fence(test, context, 1);
	struct dma_fence_set *set = new_set(test);

	add(test, set, last);
	add(test, set, rig_fence(test, context, 0xfffffffe));
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 1);
	KUNIT_EXPECT_TRUE(test, has(set, last));
}

static void e4_signaled_fences_are_left_out(struct kunit *test)
{
	struct dma_fence *fences[] = { rig_new(test), rig_new(test) };
	struct dma_fence_set *set = new_set(test);

	dma_fence_signal(fences[0]);
	add(test, set, rig_array(test, fences, 2));
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 1);
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
		KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), i + 1);
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
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 24);
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
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 1);
	KUNIT_EXPECT_EQ(test, dma_fence_set_walked(set), links);
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
	KUNIT_EXPECT_LT(test, dma_fence_set_walked(set), 4000);
}

/* User space can nest chains, and each level is one more call of a function. */
static void i6_containers_are_nested_eight_deep_at_most(struct kunit *test)
{
	struct dma_fence *fence = rig_new(test), *outer;
	struct dma_fence_set *set = new_set(test);
	unsigned int depth;

	outer = rig_array(test, &fence, 1);
	for (depth = 0; depth < 8; depth++)
		outer = rig_nested(test, outer);
	add(test, set, outer);
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 1);
	KUNIT_EXPECT_TRUE(test, has(set, fence));
	outer = rig_nested(test, outer);
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_set_add(set, outer));
	KUNIT_EXPECT_TRUE(test, has(set, fence));
}

/* One array in many places is as much work as many of them. */
static void i6_a_container_in_many_places_is_bounded(struct kunit *test)
{
	enum { INNER = 1000, PLACES = 132 };
	struct dma_fence **fences = rig_many(test, PLACES), *inner, *outer;
	struct dma_fence_set *set = new_set(test);
	struct dma_fence **same, **inside;
	unsigned int i;

	same = kunit_kcalloc(test, INNER, sizeof(*same), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, same);
	for (i = 0; i < INNER; i++)
		same[i] = fences[0];
	inner = rig_array(test, same, INNER);
	outer = rig_array(test, fences, PLACES);
	inside = to_dma_fence_array(outer)->fences;
	for (i = 1; i < PLACES; i++) {
		dma_fence_put(inside[i]);
		inside[i] = dma_fence_get(inner);
	}
	add(test, set, outer);
	KUNIT_EXPECT_EQ(test, dma_fence_set_count(set), 1);
	/* And another thousand. */
	dma_fence_put(inside[0]);
	inside[0] = dma_fence_get(inner);
	KUNIT_EXPECT_EQ(test, -EINVAL, dma_fence_set_add(new_set(test), outer));
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

/* Whoever has waited for the one has waited for the other. */
static void i2_what_covers_what(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *first = rig_fence(test, context, 1);
	struct dma_fence *last = rig_fence(test, context, 2);
	struct dma_fence *wrapped = rig_fence(test, context, 0xfffffffe);
	struct dma_fence *other = rig_new(test);
	struct dma_fence *bare[] = {
		rig_fence(test, 0, 0), rig_fence(test, 0, 0),
	};

	KUNIT_EXPECT_TRUE(test, dma_fence_covers(first, first));
	KUNIT_EXPECT_TRUE(test, dma_fence_covers(last, first));
	KUNIT_EXPECT_FALSE(test, dma_fence_covers(first, last));
	KUNIT_EXPECT_TRUE(test, dma_fence_covers(first, wrapped));
	KUNIT_EXPECT_FALSE(test, dma_fence_covers(wrapped, last));
	KUNIT_EXPECT_FALSE(test, dma_fence_covers(last, other));
	KUNIT_EXPECT_FALSE(test, dma_fence_covers(other, first));
	/* Context and seqno say nothing, but it is the same. */
	KUNIT_EXPECT_FALSE(test, dma_fence_covers(bare[0], bare[1]));
	KUNIT_EXPECT_FALSE(test, dma_fence_covers(bare[1], bare[0]));
	KUNIT_EXPECT_TRUE(test, dma_fence_covers(bare[0], bare[0]));
}

/* What a fence that need not be in the set has to do with one that is. */
static void i2_a_fence_is_found_by_what_it_covers(struct kunit *test)
{
	struct dma_fence *bare = rig_fence(test, 0, 0);
	struct dma_fence **fences = rig_many(test, 40);
	struct dma_fence_set *set = new_set(test);
	unsigned int i, j, count;

	/* Searched, then by the index. */
	for (i = 0; i < 2; i++) {
		count = i ? 40 : 7;
		for (j = 0; j < count; j++)
			add(test, set, fences[j]);
		add(test, set, bare);
		count = dma_fence_set_count(set);
		for (j = 0; j < 7; j++) {
			u64 context = fences[j]->context;

			KUNIT_EXPECT_EQ(test, j,
					dma_fence_set_find(set, fences[j]));
			KUNIT_EXPECT_EQ(test, j,
					dma_fence_set_find(set,
							   rig_fence(test, context, 0)));
			KUNIT_EXPECT_EQ(test, j,
					dma_fence_set_find(set,
							   rig_fence(test, context, 2)));
			KUNIT_EXPECT_EQ(test, count,
					dma_fence_set_find(set,
							   rig_fence(test, context, 1)));
		}
		KUNIT_EXPECT_EQ(test, count,
				dma_fence_set_find(set, rig_new(test)));
		KUNIT_EXPECT_EQ(test, count,
				dma_fence_set_find(set, rig_fence(test, 0, 0)));
		KUNIT_EXPECT_PTR_EQ(test, bare,
				    dma_fence_set_fence(set,
							dma_fence_set_find(set, bare)));
	}
}

static unsigned int refs(struct dma_fence *fence)
{
	return kref_read(&fence->refcount);
}

/* The array holds them, and so does the caller of a bare one. */
static void i5_borrowed_fences_stay_the_owners(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 2, 16, 17, 40 };
	unsigned int i, j, count, held = 0;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_fence **fences, *owner;
		struct dma_fence_set set;

		count = counts[i];
		fences = rig_many(test, count);
		owner = count == 1 ? fences[0] : rig_array(test, fences, count);
		dma_fence_set_init(&set);
		KUNIT_EXPECT_EQ(test, 0, dma_fence_set_borrow(&set, owner));
		expect_all(test, &set, fences, count);
		for (j = 0; j < count; j++)
			held += refs(fences[j]) != (count == 1 ? 1 : 2);
		dma_fence_set_fini(&set);
		for (j = 0; j < count; j++)
			held += refs(fences[j]) != (count == 1 ? 1 : 2);
	}
	KUNIT_EXPECT_EQ(test, held, 0);
}

/* Links that have signaled leave a chain, and their fences with them. */
static void i5_the_fences_of_a_chain_are_held(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 3), *chain = NULL;
	unsigned int i, before[3];
	struct dma_fence_set set;

	for (i = 0; i < 3; i++)
		chain = rig_link(test, chain, fences[i]);
	for (i = 0; i < 3; i++)
		before[i] = refs(fences[i]);
	dma_fence_set_init(&set);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_borrow(&set, chain));
	expect_all(test, &set, fences, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, refs(fences[i]), before[i] + 1);
	dma_fence_set_fini(&set);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, refs(fences[i]), before[i]);
}

/* What is borrowed and then kept longer is the set's own from there on. */
static void i5_what_was_borrowed_is_held_to_be_kept(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 30), *array, *merged;
	struct dma_fence *other = rig_new(test);
	struct dma_fence_set set;
	unsigned int i, before;

	array = rig_array(test, fences, 30);
	before = refs(fences[0]);

	dma_fence_set_init(&set);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_borrow(&set, array));
	add(test, &set, other);
	for (i = 0; i < 30; i++)
		KUNIT_EXPECT_EQ(test, refs(fences[i]), before + 1);
	KUNIT_EXPECT_EQ(test, refs(other), 2);
	dma_fence_set_fini(&set);
	for (i = 0; i < 30; i++)
		KUNIT_EXPECT_EQ(test, refs(fences[i]), before);

	dma_fence_set_init(&set);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_borrow(&set, array));
	merged = merge(test, &set);
	dma_fence_set_fini(&set);
	for (i = 0; i < 30; i++)
		KUNIT_EXPECT_EQ(test, refs(fences[i]), before + 1);
	rig_expect_fences(test, merged, fences, 30);
}

/* A note beside each fence, for whatever its user likes. */
static void i5_each_fence_has_a_note_of_its_own(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 16, 17, 3000 };
	struct dma_fence **fences = rig_many(test, 3000);
	unsigned int i, j, wrong = 0;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_fence_set *set = new_set(test);

		add(test, set, rig_array(test, fences, counts[i]));
		KUNIT_ASSERT_EQ(test, 0, dma_fence_set_reserve_notes(set));
		for (j = 0; j < counts[i]; j++)
			*dma_fence_set_note(set, j) = ~j;
		for (j = 0; j < counts[i]; j++)
			wrong += *dma_fence_set_note(set, j) != ~j ||
				 dma_fence_set_fence(set, j) != fences[j];
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* Fences in one piece of memory, whose contexts lie apart by a power of two. */
struct row {
	/* of all of them */
	spinlock_t lock;
	struct dma_fence fences[];
};

static const char *row_name(struct dma_fence *fence)
{
	return "row";
}

/* They go with the row. */
static void row_release(struct dma_fence *fence)
{
}

static const struct dma_fence_ops row_ops = {
	.get_driver_name = row_name,
	.get_timeline_name = row_name,
	.release = row_release,
};

static struct row *new_row(struct kunit *test, unsigned int count,
			   unsigned int shift)
{
	struct row *row = kvzalloc(struct_size(row, fences, count), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, row);
	spin_lock_init(&row->lock);
	for (i = 0; i < count; i++)
		dma_fence_init(&row->fences[i], &row_ops, &row->lock,
			       (i + 1ULL) << shift, 1);
	return row;
}

static void free_row(struct row *row, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		dma_fence_signal(&row->fences[i]);
	synchronize_rcu();
	kvfree(row);
}

/* Contexts that lie apart by any power of two, and all positions. */
static void i6_every_context_is_found(struct kunit *test)
{
	static const unsigned int counts[] = { 16, 17, 64, 65, 1000, 20000 };
	unsigned int i, j, shift, count, lost = 0;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		count = counts[i];
		for (shift = 0; shift < 48; shift += 13) {
			struct row *row = new_row(test, count, shift);
			struct dma_fence_set set;
			int ret = 0;

			dma_fence_set_init(&set);
			for (j = 0; j < count && !ret; j++)
				ret = dma_fence_set_add(&set, &row->fences[j]);
			KUNIT_EXPECT_EQ(test, 0, ret);
			KUNIT_EXPECT_EQ(test, dma_fence_set_count(&set), count);
			for (j = 0; j < count; j++)
				lost += dma_fence_set_find(&set,
							   &row->fences[j]) != j;
			dma_fence_set_fini(&set);
			free_row(row, count);
		}
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
}

/* The least of some times that it takes to add @count contexts in a row. */
static u64 time_to_add(struct kunit *test, unsigned int count,
		       unsigned int shift)
{
	struct row *row = new_row(test, count, shift);
	unsigned int round, i;
	u64 least = ~0ULL;

	for (round = 0; round < 5; round++) {
		struct dma_fence_set set;
		u64 start;

		dma_fence_set_init(&set);
		KUNIT_EXPECT_EQ(test, 0, dma_fence_set_reserve(&set, count));
		start = ktime_get_ns();
		for (i = 0; i < count; i++)
			dma_fence_set_take(&set,
					   dma_fence_get(&row->fences[i]));
		least = min(least, ktime_get_ns() - start);
		dma_fence_set_fini(&set);
		cond_resched();
	}
	free_row(row, count);
	return least;
}

/*
 * Contexts are handed out in order, or chosen: eight times as many take eight
 * times as long, give or take the caches, not sixty-four times.
 */
static void i6_work_per_context_does_not_grow(struct kunit *test)
{
	unsigned int shift;

	for (shift = 0; shift < 40; shift += 13) {
		u64 few = time_to_add(test, 2048, shift);
		u64 many = time_to_add(test, 8 * 2048, shift);

		kunit_info(test, "apart by %llu: %llu ns, eight times as many %llu ns\n",
			   1ULL << shift, few, many);
		KUNIT_EXPECT_LT(test, many, 30 * few);
	}
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
	KUNIT_EXPECT_LE(test, ksize(array), PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER);
	KUNIT_EXPECT_LE(test, ksize(array->fences), ksize(array));
}

/*
 * The last link has what is left over, all others are full. None has a number:
 * drm_syncobj would take it for a point of a timeline.
 */
static void expect_chain(struct kunit *test, struct dma_fence *fence,
			 unsigned int count, unsigned int full)
{
	unsigned int left = count % full ?: full;
	struct dma_fence *prev;

	for (; fence; fence = prev, count -= left, left = full) {
		struct dma_fence_chain *link = to_dma_fence_chain(fence);

		KUNIT_ASSERT_NOT_NULL(test, link);
		KUNIT_ASSERT_LE(test, left, count);
		KUNIT_EXPECT_EQ(test, fence->seqno, 0);
		if (left == 1)
			KUNIT_EXPECT_FALSE(test,
					   dma_fence_is_container(link->fence));
		else
			expect_array(test, link->fence, left);
		prev = rcu_dereference_protected(link->prev, true);
	}
	KUNIT_EXPECT_EQ(test, count, 0);
}

/* Nothing, one fence, and both sides of where one more array is needed. */
static const unsigned int counts[] = {
	0, 1, 2, S, S + 1, A - 1, A, A + 1, 2 * A, 2 * A + 1, 4 * A + 7,
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
		expect_chain(test, merged, count, A);
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
	KUNIT_CASE(i6_containers_are_nested_eight_deep_at_most),
	KUNIT_CASE(i6_a_container_in_many_places_is_bounded),
	KUNIT_CASE(e6_a_set_past_its_limit_is_enomem),
	KUNIT_CASE(i6_every_context_is_found),
	KUNIT_CASE(i6_work_per_context_does_not_grow),
	KUNIT_CASE(i2_what_covers_what),
	KUNIT_CASE(i2_a_fence_is_found_by_what_it_covers),
	KUNIT_CASE(i5_borrowed_fences_stay_the_owners),
	KUNIT_CASE(i5_the_fences_of_a_chain_are_held),
	KUNIT_CASE(i5_what_was_borrowed_is_held_to_be_kept),
	KUNIT_CASE(i5_each_fence_has_a_note_of_its_own),
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

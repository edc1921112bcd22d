// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the merge rules, by the numbers that the documentation gives them,
 * and of what surrounds a merge: room, order, a second try
 *
 * Each rule has to hold whichever way an import takes.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>

#include "../dma-resv-store.h"
#include "dma-resv-rig.h"

/* Room for the entries of other contexts that a way needs. */
#define OTHERS_MAX	64

/* How a fence gets into a reservation object. */
enum way {
	/* dma_resv_import_fence() as it comes, into a short list */
	WAY_CALL,
	/* in one array with fences of other contexts */
	WAY_ARRAY,
	/* so many of them that the set has an index, and onto a longer list */
	WAY_LONG,
	/* prepare, reserve, commit */
	WAY_STEPS,
	/* into many objects */
	WAY_MANY,
	/* into a list that has room, which stays the same */
	WAY_ROOM,
	WAYS
};

static const char * const way_names[] = {
	[WAY_CALL] = "one call",
	[WAY_ARRAY] = "in an array",
	[WAY_LONG] = "many at once",
	[WAY_STEPS] = "in steps",
	[WAY_MANY] = "into many",
	[WAY_ROOM] = "where there is room",
};

static const enum way ways[] = {
	WAY_CALL, WAY_ARRAY, WAY_LONG, WAY_STEPS, WAY_MANY, WAY_ROOM,
};

/* So many fences go along with one. */
static const unsigned int companions[WAYS] = {
	[WAY_ARRAY] = 2, [WAY_LONG] = 20, [WAY_ROOM] = 2,
};

static void name_way(const enum way *way, char *name)
{
	strscpy(name, way_names[*way], KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(way, ways, name_way);

/* Entries of other contexts, which are there before and afterwards. */
struct others {
	struct resv_entry entries[OTHERS_MAX];
	unsigned int count;
	/* signals right before the import: room made later would drop it */
	struct dma_fence *dies;
};

static void let_die(struct others *others)
{
	if (others->dies)
		dma_fence_signal(others->dies);
	others->dies = NULL;
}

/* All but the first @count. */
static void let_companions_die(struct others *others, unsigned int count)
{
	while (others->count > count)
		dma_fence_signal(others->entries[--others->count].fence);
}

static void import_in_steps(struct kunit *test, struct dma_fence *fence,
			    enum dma_resv_usage usage)
{
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	int ret;

	import = dma_resv_import_prepare(resv, fence, usage);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	dma_resv_lock(resv, NULL);
	ret = dma_resv_import_reserve(import, 0);
	if (!ret)
		dma_resv_import_commit(import);
	else
		dma_resv_import_cancel(import);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, 0, ret);
}

static void import_many(struct kunit *test, struct dma_fence *fence,
			enum dma_resv_usage usage)
{
	struct dma_resv_many_entry entries[] = {
		{ .resv = rig_another_resv(test), .usage = usage },
		{ .resv = rig_resv(test), .usage = usage },
	};
	struct dma_resv_many many;

	KUNIT_ASSERT_EQ(test, 0, dma_resv_many_lock(&many, entries, 2, fence));
	dma_resv_many_commit(&many);
	dma_resv_many_end(&many);
}

/*
 * Room lasts until the lock is dropped, on a kernel with CONFIG_DEBUG_MUTEXES,
 * so it is made under the same lock.
 */
static void import_with_room(struct kunit *test, struct others *others,
			     struct dma_fence *fence, enum dma_resv_usage usage)
{
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_merge merge;
	struct dma_resv_list *list;
	struct dma_fence_set set;
	int ret;

	dma_fence_set_init(&set);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_borrow(&set, fence));
	dma_resv_merge_init(&merge, &set, usage);
	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 8);
	let_die(others);
	list = dma_resv_list_of(resv);
	ret = ret ?: dma_resv_list_prepare(&merge, resv);
	ret = ret ?: dma_resv_list_reserve(&merge, resv);
	ret = ret ?: dma_resv_list_commit(&merge, resv);
	KUNIT_EXPECT_EQ(test, 0, ret);
	KUNIT_EXPECT_NULL(test, merge.list);
	KUNIT_EXPECT_PTR_EQ(test, list, dma_resv_list_of(resv));
	dma_resv_unlock(resv);
	dma_resv_merge_fini(&merge);
	dma_fence_set_fini(&set);
}

/* What has to be in the object before, for the way that the test goes. */
static void prepare(struct kunit *test, struct others *others)
{
	enum way way = *(const enum way *)test->param_value;
	unsigned int i, count = way == WAY_LONG ? 20 : 2;

	if (!dma_resv_list_known && way == WAY_ROOM)
		kunit_skip(test, "only with a list of our own making");
	for (i = 0; i < count; i++) {
		others->entries[i].fence = rig_new(test);
		others->entries[i].usage = i % 4;
		rig_add(test, others->entries[i].fence, i % 4);
	}
	others->count = count;
	others->dies = NULL;
}

/* An array of @fence and what goes along with it. */
static struct dma_fence *with_companions(struct kunit *test,
					 struct others *others,
					 struct dma_fence *fence,
					 enum dma_resv_usage usage,
					 unsigned int count)
{
	struct dma_fence **array = rig_many(test, count + 1);
	unsigned int i;

	array[count / 2] = fence;
	for (i = 0; i <= count; i++) {
		if (i == count / 2)
			continue;
		others->entries[others->count].fence = array[i];
		others->entries[others->count++].usage = usage;
	}
	return rig_array(test, array, count + 1);
}

/* Import @fence, the way that the test goes. */
static void import(struct kunit *test, struct others *others,
		   struct dma_fence *fence, enum dma_resv_usage usage)
{
	enum way way = *(const enum way *)test->param_value;

	if (companions[way] && !dma_fence_is_container(fence))
		fence = with_companions(test, others, fence, usage,
					companions[way]);
	if (way == WAY_ROOM)
		import_with_room(test, others, fence, usage);
	let_die(others);
	if (way == WAY_STEPS)
		import_in_steps(test, fence, usage);
	else if (way == WAY_MANY)
		import_many(test, fence, usage);
	else if (way != WAY_ROOM)
		rig_import(test, fence, usage);
}

static void expect(struct kunit *test, struct others *others,
		   const struct resv_entry *entries, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		others->entries[others->count++] = entries[i];
	rig_expect_entries(test, rig_resv(test), others->entries,
			   others->count);
	others->count -= count;
}

#define EXPECT(test, others, ...) \
do { \
	const struct resv_entry __entries[] = { __VA_ARGS__ }; \
	expect(test, others, __entries, ARRAY_SIZE(__entries)); \
} while (0)

/* -  +  2 WRITE  =  2 WRITE */
static void merge_case_1_new_context(struct kunit *test)
{
	struct dma_fence *two = rig_fence(test, dma_fence_context_alloc(1), 2);
	struct others others;

	prepare(test, &others);
	import(test, &others, two, WRITE_);
	EXPECT(test, &others, E(two, WRITE_));
}

/* 1 READ  +  2 READ  =  2 READ */
static void merge_case_2_later_as_strict(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, one, READ_);
	import(test, &others, two, READ_);
	EXPECT(test, &others, E(two, READ_));
}

/* 1 READ  +  2 WRITE  =  2 WRITE */
static void merge_case_3_later_stricter(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, one, READ_);
	import(test, &others, two, WRITE_);
	EXPECT(test, &others, E(two, WRITE_));
}

/* 1 WRITE  +  2 READ  =  1 WRITE, 2 READ */
static void merge_case_4_later_weaker(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, one, WRITE_);
	import(test, &others, two, READ_);
	EXPECT(test, &others, E(one, WRITE_), E(two, READ_));
}

/* 2 WRITE  +  1 WRITE  =  2 WRITE */
static void merge_case_5_earlier_as_strict(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, two, WRITE_);
	import(test, &others, one, WRITE_);
	EXPECT(test, &others, E(two, WRITE_));
}

/* 2 WRITE  +  2 READ  =  2 WRITE */
static void merge_case_6_same_weaker(struct kunit *test)
{
	struct dma_fence *two = rig_fence(test, dma_fence_context_alloc(1), 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, two, WRITE_);
	import(test, &others, two, READ_);
	EXPECT(test, &others, E(two, WRITE_));
}

/* 2 READ  +  1 WRITE  =  2 READ, 1 WRITE */
static void merge_case_7_earlier_stricter(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, two, READ_);
	import(test, &others, one, WRITE_);
	EXPECT(test, &others, E(two, READ_), E(one, WRITE_));
}

/* 1 KERNEL  +  2 WRITE  =  1 KERNEL, 2 WRITE */
static void merge_case_8_kernel_is_never_touched(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, one, KERNEL);
	import(test, &others, two, WRITE_);
	EXPECT(test, &others, E(one, KERNEL), E(two, WRITE_));
}

/* 1 signaled  +  2  =  2, for every usage of the one and of the other */
static void merge_case_9_signaled_makes_room(struct kunit *test)
{
	enum dma_resv_usage old, new;
	struct dma_fence *one, *two;
	struct others others;
	unsigned int there;
	u64 context;

	prepare(test, &others);
	there = others.count;
	for (old = KERNEL; old <= BOOKKEEP; old++) {
		for (new = WRITE_; new <= BOOKKEEP; new++) {
			context = dma_fence_context_alloc(1);
			one = rig_fence(test, context, 1);
			two = rig_fence(test, context, 2);
			rig_add(test, one, old);
			others.dies = one;
			import(test, &others, two, new);
			EXPECT(test, &others, E(two, new));
			dma_fence_signal(two);
			let_companions_die(&others, there);
		}
	}
}

/* any  +  signaled  =  any */
static void merge_case_10_signaled_is_not_added(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct others others;

	prepare(test, &others);
	rig_add(test, two, READ_);
	dma_fence_signal(one);
	import(test, &others, one, WRITE_);
	EXPECT(test, &others, E(two, READ_));
}

/*
 * A chain may be continued in two ways, and then the number of a link says nothing:
 * all fences of both are kept, wherever the chain was found.
 */
static void i2_a_chain_that_forks_is_taken_apart(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 3), *links[2], *first;
	struct others others;
	unsigned int i;

	prepare(test, &others);
	first = rig_link(test, NULL, fences[0]);
	links[0] = rig_link_at(test, first, fences[1], 3);
	links[1] = rig_link_at(test, first, fences[2], 2);
	KUNIT_ASSERT_EQ(test, links[0]->context, links[1]->context);
	for (i = 0; i < 2; i++)
		import(test, &others, rig_nested(test, links[i]), READ_);
	EXPECT(test, &others, E(fences[0], READ_), E(fences[1], READ_),
	       E(fences[2], READ_));
}

/* Several rules meet: an earlier and a later entry, a stricter and a weaker. */
static void i2_one_fence_settles_with_all_of_its_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fences[4];
	struct others others;
	unsigned int i;

	prepare(test, &others);
	for (i = 0; i < 4; i++)
		fences[i] = rig_fence(test, context, i + 1);
	rig_add(test, fences[0], KERNEL);
	rig_add(test, fences[1], WRITE_);
	rig_add(test, fences[3], BOOKKEEP);
	import(test, &others, fences[2], READ_);
	EXPECT(test, &others, E(fences[0], KERNEL), E(fences[1], WRITE_),
	       E(fences[2], READ_), E(fences[3], BOOKKEEP));
}

/* Case 5 before case 2: what is covered takes nobody's place. */
static void i2_a_covered_fence_takes_no_place(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *fences[3];
	struct others others;
	unsigned int i;

	prepare(test, &others);
	for (i = 0; i < 3; i++)
		fences[i] = rig_fence(test, context, i + 1);
	/* One that covers it, between two that it would cover. */
	rig_add(test, fences[2], WRITE_);
	rig_add(test, fences[0], READ_);
	rig_add(test, fences[0], BOOKKEEP);
	import(test, &others, fences[1], READ_);
	EXPECT(test, &others, E(fences[2], WRITE_), E(fences[0], READ_),
	       E(fences[0], BOOKKEEP));
}

/* Context and seqno 0: each one is waited for. Case 11 as well. */
static void merge_case_11_without_an_order_all_are_kept(struct kunit *test)
{
	struct dma_fence *one = rig_fence(test, 0, 0);
	struct dma_fence *two = rig_fence(test, 0, 0);
	struct dma_fence *three = rig_fence(test, 0, 0);
	struct others others;

	prepare(test, &others);
	rig_add(test, one, READ_);
	rig_add(test, two, KERNEL);
	import(test, &others, three, WRITE_);
	EXPECT(test, &others, E(one, READ_), E(two, KERNEL),
	       E(three, WRITE_));
}

/* Others use up the room between prepare and commit. */
static void i3_a_commit_without_room_changes_nothing(struct kunit *test)
{
	struct dma_resv *resv = rig_resv(test);
	struct dma_fence *fence = rig_new(test), *added;
	struct resv_entry entries[OTHERS_MAX];
	struct dma_resv_merge merge;
	struct dma_fence_set set;
	unsigned int i;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");

	dma_fence_set_init(&set);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_add(&set, fence));
	dma_resv_merge_init(&merge, &set, WRITE_);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_list_prepare(&merge, resv));

	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_reserve_fences(resv, 20));
	for (i = 0; i < dma_resv_list_capacity(dma_resv_list_of(resv)); i++) {
		added = rig_new(test);
		dma_resv_add_fence(resv, added, i % 4);
		entries[i] = (struct resv_entry)E(added, i % 4);
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN, dma_resv_list_reserve(&merge, resv));
	KUNIT_EXPECT_EQ(test, -EAGAIN, dma_resv_list_commit(&merge, resv));
	dma_resv_unlock(resv);
	rig_expect_entries(test, resv, entries, i);

	KUNIT_EXPECT_EQ(test, 0, dma_resv_list_prepare(&merge, resv));
	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_list_reserve(&merge, resv));
	KUNIT_EXPECT_EQ(test, 0, dma_resv_list_commit(&merge, resv));
	dma_resv_unlock(resv);
	entries[i++] = (struct resv_entry)E(fence, WRITE_);
	rig_expect_entries(test, resv, entries, i);

	dma_resv_merge_fini(&merge);
	dma_fence_set_fini(&set);
}

/* What others have added meanwhile is merged with, not overwritten. */
static void i2_what_came_after_prepare_is_kept(struct kunit *test)
{
	struct dma_resv *resv = rig_resv(test);
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);
	struct dma_fence *other = rig_new(test);
	struct dma_resv_import *import;
	int ret;

	import = dma_resv_import_prepare(resv, one, READ_);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	rig_add(test, two, WRITE_);
	rig_add(test, other, KERNEL);
	dma_resv_lock(resv, NULL);
	ret = dma_resv_import_reserve(import, 0);
	KUNIT_EXPECT_EQ(test, 0, ret);
	if (!ret)
		dma_resv_import_commit(import);
	else
		dma_resv_import_cancel(import);
	dma_resv_unlock(resv);
	EXPECT_ENTRIES(test, E(two, WRITE_), E(other, KERNEL));
}

static struct kunit_case dma_resv_merge_cases[] = {
	KUNIT_CASE_PARAM(merge_case_1_new_context, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_2_later_as_strict, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_3_later_stricter, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_4_later_weaker, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_5_earlier_as_strict, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_6_same_weaker, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_7_earlier_stricter, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_8_kernel_is_never_touched, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_9_signaled_makes_room, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_10_signaled_is_not_added, way_gen_params),
	KUNIT_CASE_PARAM(merge_case_11_without_an_order_all_are_kept,
			 way_gen_params),
	KUNIT_CASE_PARAM(i2_a_chain_that_forks_is_taken_apart, way_gen_params),
	KUNIT_CASE_PARAM(i2_one_fence_settles_with_all_of_its_context,
			 way_gen_params),
	KUNIT_CASE_PARAM(i2_a_covered_fence_takes_no_place, way_gen_params),
	KUNIT_CASE(i3_a_commit_without_room_changes_nothing),
	KUNIT_CASE(i2_what_came_after_prepare_is_kept),
	{}
};

static struct kunit_suite dma_resv_merge_suite = {
	.name = "dma_resv_merge",
	.init = dma_resv_rig_init,
	.test_cases = dma_resv_merge_cases,
};

kunit_test_suite(dma_resv_merge_suite);

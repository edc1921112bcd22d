// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how a reservation object stores its entries: what this code writes,
 * the kernel reads, and the other way round
 */

#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/slab.h>

#include "../dma-resv-store.h"
#include "dma-resv-rig.h"

/* Of one call. */
#define OBJECTS	4

static int needs_the_list(struct kunit *test)
{
	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	return 0;
}

static int dma_resv_list_test_init(struct kunit *test)
{
	return dma_resv_rig_init(test) ?: needs_the_list(test);
}

/* One more entry of a list that nobody sees. */
static void append(struct dma_resv_list *list, unsigned long entry)
{
	dma_resv_list_init_entry(list, dma_resv_list_count(list), entry);
	dma_resv_list_set_count(list, dma_resv_list_count(list) + 1);
}

static void b1_a_new_list_is_empty_and_large_enough(struct kunit *test)
{
	static const unsigned int capacities[] = { 0, 1, 4, 5, 510, 511, 5000 };
	unsigned int i, j, strange = 0;
	struct dma_resv_list *list;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		list = dma_resv_list_create(capacities[i]);
		KUNIT_ASSERT_NOT_NULL(test, list);
		KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), 0);
		KUNIT_EXPECT_GE(test, dma_resv_list_capacity(list),
				capacities[i]);
		/* Whatever slot a reader looks at, it finds a fence. */
		for (j = 0; j < dma_resv_list_capacity(list); j++)
			strange += dma_resv_list_entry(list, j) !=
				   dma_resv_entry_behind();
		dma_resv_list_discard(list);
	}
	KUNIT_EXPECT_EQ(test, strange, 0);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(NULL), 0);
	KUNIT_EXPECT_EQ(test, dma_resv_list_capacity(NULL), 0);
}

/* All that max_fences promises is memory: KASAN tells if it is not. */
static void b1_a_list_takes_what_it_promises(struct kunit *test)
{
	static const unsigned int capacities[] = { 1, 20, 511, 2000 };
	struct dma_fence *fence = rig_new(test);
	struct dma_resv_list *list;
	unsigned int i, room;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		list = dma_resv_list_create(capacities[i]);
		KUNIT_ASSERT_NOT_NULL(test, list);
		room = dma_resv_list_capacity(list);
		while (dma_resv_list_count(list) < room)
			append(list, dma_resv_entry(fence, READ_));
		dma_resv_list_discard(list);
	}
}

static void b1_an_entry_holds_fence_and_usage(struct kunit *test)
{
	struct dma_fence *fence = rig_new(test);
	enum dma_resv_usage usage;

	for (usage = KERNEL; usage <= BOOKKEEP; usage++) {
		unsigned long entry = dma_resv_entry(fence, usage);

		KUNIT_EXPECT_PTR_EQ(test, dma_resv_entry_fence(entry), fence);
		KUNIT_EXPECT_EQ(test, dma_resv_entry_usage(entry), usage);
	}
}

static void i1_the_kernel_reads_a_published_list(struct kunit *test)
{
	struct dma_fence *one = rig_new(test), *two = rig_new(test);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_list *list = dma_resv_list_create(2);

	KUNIT_ASSERT_NOT_NULL(test, list);
	append(list, dma_resv_entry(dma_fence_get(one), WRITE_));
	append(list, dma_resv_entry(dma_fence_get(two), KERNEL));
	dma_resv_lock(resv, NULL);
	dma_resv_list_publish(resv, list);
	dma_resv_unlock(resv);
	EXPECT_ENTRIES(test, E(one, WRITE_), E(two, KERNEL));
}

static void i1_the_kernel_appends_to_a_published_list(struct kunit *test)
{
	struct dma_fence *one = rig_new(test), **more = rig_many(test, 20);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_list *list = dma_resv_list_create(1);
	struct resv_entry entries[21];
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, list);
	append(list, dma_resv_entry(dma_fence_get(one), WRITE_));
	dma_resv_lock(resv, NULL);
	dma_resv_list_publish(resv, list);
	dma_resv_unlock(resv);

	/* Past its end, where the kernel makes it longer. */
	entries[20] = (struct resv_entry)E(one, WRITE_);
	for (i = 0; i < 20; i++) {
		rig_add(test, more[i], READ_);
		entries[i] = (struct resv_entry)E(more[i], READ_);
	}
	rig_expect_entries(test, resv, entries, 21);
}

static void e2_what_the_kernel_added_is_read(struct kunit *test)
{
	struct dma_fence *one = rig_new(test), *two = rig_new(test);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_list *list;

	rig_add(test, one, BOOKKEEP);
	rig_add(test, two, KERNEL);
	dma_resv_lock(resv, NULL);
	list = dma_resv_list_of(resv);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), 2);
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, 0),
			dma_resv_entry(one, BOOKKEEP));
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, 1),
			dma_resv_entry(two, KERNEL));
	dma_resv_unlock(resv);
}

/* @resv waits for as many fences as it may. */
static struct dma_resv_list *publish_full(struct kunit *test,
					  struct dma_resv *resv,
					  struct dma_fence *fence)
{
	struct dma_resv_list *full = dma_resv_list_create(DMA_RESV_LIST_MAX);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, full);
	/* In the way of nobody. */
	for (i = 0; i < DMA_RESV_LIST_MAX; i++)
		append(full, dma_resv_entry(dma_fence_get(fence), KERNEL));
	dma_resv_lock(resv, NULL);
	dma_resv_list_publish(resv, full);
	dma_resv_unlock(resv);
	return full;
}

static void i3_one_fence_too_many_is_enomem(struct kunit *test)
{
	struct dma_fence *there = rig_new(test), *fence = rig_new(test);
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_list *full;

	publish_full(test, resv, there);
	KUNIT_EXPECT_EQ(test, -ENOMEM, dma_resv_import_fence(resv, fence,
							     WRITE_));
	KUNIT_EXPECT_EQ(test, rig_entries(resv, NULL, 0), DMA_RESV_LIST_MAX);
	KUNIT_EXPECT_EQ(test, kref_read(&fence->refcount), 1);
	/* What is covered makes no more of them. */
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_fence(resv, there, WRITE_));
	/* Nor does what comes where one has signaled. */
	dma_resv_lock(resv, NULL);
	full = dma_resv_list_of(resv);
	dma_resv_list_set(full, 7, dma_resv_entry_none(resv));
	dma_fence_get(dma_resv_entry_fence(dma_resv_entry_none(resv)));
	dma_resv_unlock(resv);
	dma_fence_put(there);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_fence(resv, fence, WRITE_));
	dma_resv_lock(resv, NULL);
	full = dma_resv_list_of(resv);
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(full, 7),
			dma_resv_entry(fence, WRITE_));
	dma_resv_unlock(resv);
}

/* A fence that would be one too many, in the third object. */
static void i3_a_list_without_room_spoils_all(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20), *there = rig_new(test);
	struct dma_resv_many_entry entries[OBJECTS];
	struct dma_resv *resv[OBJECTS];
	struct dma_resv_list *list, *full;
	struct dma_fence *array = rig_array(test, fences, 20);
	struct dma_resv_many many;
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		resv[i] = rig_another_resv(test);
	full = publish_full(test, resv[2], there);

	for (i = 0; i < OBJECTS; i++)
		entries[i] = (struct dma_resv_many_entry) {
			.resv = resv[i],
			.usage = WRITE_,
		};
	KUNIT_EXPECT_EQ(test, -ENOMEM,
			dma_resv_many_lock(&many, entries, OBJECTS, array));
	KUNIT_EXPECT_EQ(test, many.failed, 2);
	for (i = 0; i < OBJECTS; i++) {
		KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(resv[i]));
		if (i != 2)
			KUNIT_EXPECT_EQ(test, 0, rig_entries(resv[i], NULL, 0));
	}
	dma_resv_lock(resv[2], NULL);
	list = dma_resv_list_of(resv[2]);
	KUNIT_EXPECT_PTR_EQ(test, list, full);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), DMA_RESV_LIST_MAX);
	dma_resv_unlock(resv[2]);
}

static struct kunit_case dma_resv_list_cases[] = {
	KUNIT_CASE(b1_a_new_list_is_empty_and_large_enough),
	KUNIT_CASE(b1_a_list_takes_what_it_promises),
	KUNIT_CASE(b1_an_entry_holds_fence_and_usage),
	KUNIT_CASE(i1_the_kernel_reads_a_published_list),
	KUNIT_CASE(i1_the_kernel_appends_to_a_published_list),
	KUNIT_CASE(e2_what_the_kernel_added_is_read),
	KUNIT_CASE(i3_one_fence_too_many_is_enomem),
	KUNIT_CASE(i3_a_list_without_room_spoils_all),
	{}
};

static struct kunit_suite dma_resv_list_suite = {
	.name = "dma_resv_list",
	.init = dma_resv_list_test_init,
	.test_cases = dma_resv_list_cases,
};

kunit_test_suite(dma_resv_list_suite);

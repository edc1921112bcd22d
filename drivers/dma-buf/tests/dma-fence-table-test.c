// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the memory for tables of fences, and of the index in it
 */

#include <linux/dma-fence-index.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/slab.h>

#include "../compat/kunit.h"

#define PAGES	5

static void e6_a_large_table_is_made_of_pages(struct kunit *test)
{
	struct dma_fence_table table;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, 0, dma_fence_table_init(&table, PAGES * PAGE_SIZE,
						      0));
	KUNIT_EXPECT_EQ(test, table.count, PAGES);
	for (i = 0; i < PAGES; i++)
		KUNIT_EXPECT_TRUE(test, PAGE_ALIGNED(table.pages[i]));
	dma_fence_table_fini(&table);
}

/* Each word keeps what was written to it: no two offsets are the same memory. */
static void e6_all_of_a_table_is_memory(struct kunit *test)
{
	static const size_t sizes[] = {
		8, 64, PAGE_SIZE, PAGE_SIZE + 8, PAGES * PAGE_SIZE - 8,
	};
	struct dma_fence_table table;
	unsigned int i, wrong = 0;
	size_t at;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		KUNIT_ASSERT_EQ(test, 0, dma_fence_table_init(&table, sizes[i],
							      0));
		for (at = 0; at < sizes[i]; at += sizeof(u64))
			*(u64 *)dma_fence_table_at(&table, at) = at;
		for (at = 0; at < sizes[i]; at += sizeof(u64))
			wrong += *(u64 *)dma_fence_table_at(&table, at) != at;
		dma_fence_table_fini(&table);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

static void e6_a_table_can_be_zeroed(struct kunit *test)
{
	struct dma_fence_table table;
	unsigned int round, dirty = 0;
	size_t at;

	/* The second time the allocator has used memory to give. */
	for (round = 0; round < 2; round++) {
		KUNIT_ASSERT_EQ(test, 0,
				dma_fence_table_init(&table, PAGES * PAGE_SIZE,
						     __GFP_ZERO));
		for (at = 0; at < PAGES * PAGE_SIZE; at += sizeof(u64)) {
			dirty += *(u64 *)dma_fence_table_at(&table, at) != 0;
			*(u64 *)dma_fence_table_at(&table, at) = ~0ULL;
		}
		dma_fence_table_fini(&table);
	}
	KUNIT_EXPECT_EQ(test, dirty, 0);
}

static void e6_a_table_past_its_limit_is_enomem(struct kunit *test)
{
	struct dma_fence_table table;

	KUNIT_EXPECT_EQ(test, -ENOMEM,
			dma_fence_table_init(&table, DMA_FENCE_TABLE_MAX + 1, 0));
	/* It can be ended all the same. */
	dma_fence_table_fini(&table);
}

static void move_table(struct kunit *test, size_t size)
{
	struct dma_fence_table from, to;

	KUNIT_ASSERT_EQ(test, 0, dma_fence_table_init(&from, size, 0));
	*(u64 *)dma_fence_table_at(&from, size - sizeof(u64)) = 42;
	dma_fence_table_move(&to, &from);
	KUNIT_EXPECT_EQ(test, from.count, 0);
	KUNIT_EXPECT_EQ(test, 42,
			*(u64 *)dma_fence_table_at(&to, size - sizeof(u64)));
	/* Nothing is left in it to be freed twice. */
	dma_fence_table_fini(&from);
	dma_fence_table_fini(&to);
}

static void e6_a_table_that_moved_leaves_nothing(struct kunit *test)
{
	move_table(test, 64);
	move_table(test, PAGES * PAGE_SIZE);
}

static void e6_borrowed_memory_stays_the_owners(struct kunit *test)
{
	u64 memory[4] = { 1, 2, 3, 4 };
	struct dma_fence_table table;

	dma_fence_table_borrow(&table, memory);
	KUNIT_EXPECT_PTR_EQ(test, &memory[2],
			    dma_fence_table_at(&table, 2 * sizeof(u64)));
	dma_fence_table_fini(&table);
	KUNIT_EXPECT_EQ(test, memory[3], 4);
}

/* Whether a search for @context comes by @pos. */
static bool finds(struct dma_fence_index *index, u64 context, u32 pos)
{
	struct dma_fence_index_cursor cursor;
	u32 found;

	dma_fence_index_start(index, &cursor, context);
	while ((found = dma_fence_index_next(index, &cursor)) !=
	       DMA_FENCE_INDEX_END)
		if (found == pos)
			return true;
	return false;
}

/* Contexts that lie apart by any power of two, and all positions. */
static void i6_an_index_finds_every_context(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 16, 17, 1000, 40000 };
	struct dma_fence_index index;
	unsigned int i, shift, pos, lost = 0;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (shift = 0; shift < 40; shift += 13) {
			KUNIT_ASSERT_EQ(test, 0,
					dma_fence_index_init(&index, counts[i]));
			KUNIT_EXPECT_GE(test, dma_fence_index_room(&index),
					counts[i]);
			for (pos = 0; pos < counts[i]; pos++)
				dma_fence_index_add(&index, (u64)pos << shift,
						    pos);
			for (pos = 0; pos < counts[i]; pos++)
				lost += !finds(&index, (u64)pos << shift, pos);
			dma_fence_index_fini(&index);
		}
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
}

static void i6_one_context_may_be_there_more_than_once(struct kunit *test)
{
	struct dma_fence_index index;
	unsigned int pos;

	KUNIT_ASSERT_EQ(test, 0, dma_fence_index_init(&index, 16));
	for (pos = 0; pos < 16; pos++)
		dma_fence_index_add(&index, 7, pos);
	for (pos = 0; pos < 16; pos++)
		KUNIT_EXPECT_TRUE(test, finds(&index, 7, pos));
	KUNIT_EXPECT_FALSE(test, finds(&index, 8, 0));
	dma_fence_index_fini(&index);
}

/* Slots that a search for @context looks at before it meets @pos. */
static unsigned int probes(struct dma_fence_index *index, u64 context, u32 pos)
{
	struct dma_fence_index_cursor cursor;
	unsigned int count = 1;

	dma_fence_index_start(index, &cursor, context);
	while ((*dma_fence_index_slot(index, cursor.slot) &
		DMA_FENCE_INDEX_POS) != pos + 1) {
		cursor.slot = (cursor.slot + 1) & ((1U << index->bits) - 1);
		count++;
	}
	return count;
}

/* Contexts are handed out in order; the secret must not matter. */
static void i6_contexts_in_a_row_spread_whatever_the_secret(struct kunit *test)
{
	enum { COUNT = 1024 };
	struct dma_fence_index index;
	unsigned int n, pos, sum;
	u64 secret;

	/* The first index chooses the secret. */
	KUNIT_ASSERT_EQ(test, 0, dma_fence_index_init(&index, COUNT));
	dma_fence_index_fini(&index);
	secret = dma_fence_index_secret;
	for (n = 0; n < 64; n++) {
		dma_fence_index_secret = hash_64(n + 1, 64);
		if (dma_fence_index_init(&index, COUNT))
			break;
		for (pos = 0, sum = 0; pos < COUNT; pos++)
			dma_fence_index_add(&index, 1000 + pos, pos);
		for (pos = 0; pos < COUNT; pos++)
			sum += probes(&index, 1000 + pos, pos);
		KUNIT_EXPECT_LT(test, sum, 4 * COUNT);
		dma_fence_index_fini(&index);
	}
	dma_fence_index_secret = secret;
	KUNIT_EXPECT_EQ(test, n, 64);
}

static void i6_an_index_that_moved_finds_as_before(struct kunit *test)
{
	struct dma_fence_index from, to;

	KUNIT_ASSERT_EQ(test, 0, dma_fence_index_init(&from, 16));
	dma_fence_index_add(&from, 1, 3);
	dma_fence_index_move(&to, &from);
	KUNIT_EXPECT_EQ(test, from.bits, 0);
	KUNIT_EXPECT_TRUE(test, finds(&to, 1, 3));
	dma_fence_index_fini(&from);
	dma_fence_index_fini(&to);
}

static void e6_an_index_past_its_limit_is_enomem(struct kunit *test)
{
	struct dma_fence_index index;

	KUNIT_EXPECT_EQ(test, -ENOMEM,
			dma_fence_index_init(&index, DMA_FENCE_INDEX_MAX + 1));
	dma_fence_index_fini(&index);
	KUNIT_EXPECT_EQ(test, 0,
			dma_fence_index_init(&index, DMA_FENCE_INDEX_MAX));
	dma_fence_index_fini(&index);
}

static struct kunit_case dma_fence_table_cases[] = {
	KUNIT_CASE(e6_a_large_table_is_made_of_pages),
	KUNIT_CASE(e6_all_of_a_table_is_memory),
	KUNIT_CASE(e6_a_table_can_be_zeroed),
	KUNIT_CASE(e6_a_table_past_its_limit_is_enomem),
	KUNIT_CASE(e6_a_table_that_moved_leaves_nothing),
	KUNIT_CASE(e6_borrowed_memory_stays_the_owners),
	{}
};

static struct kunit_case dma_fence_index_cases[] = {
	KUNIT_CASE(i6_an_index_finds_every_context),
	KUNIT_CASE(i6_one_context_may_be_there_more_than_once),
	KUNIT_CASE(i6_contexts_in_a_row_spread_whatever_the_secret),
	KUNIT_CASE(i6_an_index_that_moved_finds_as_before),
	KUNIT_CASE(e6_an_index_past_its_limit_is_enomem),
	{}
};

static struct kunit_suite dma_fence_table_suite = {
	.name = "dma_fence_table",
	.test_cases = dma_fence_table_cases,
};

static struct kunit_suite dma_fence_index_suite = {
	.name = "dma_fence_index",
	.test_cases = dma_fence_index_cases,
};

kunit_test_suite(dma_fence_table_suite);
kunit_test_suite(dma_fence_index_suite);

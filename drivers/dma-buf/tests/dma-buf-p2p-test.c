// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of which ranges of a BAR are right, and how they become entries of a table
 */
#include <kunit/test.h>
#include <linux/limits.h>

#include "../dma-buf-p2p-entries.h"

#define BAR	0x380000000000ULL

static unsigned int entries_of(u64 len)
{
	struct dma_buf_p2p_range range = { BAR, len };

	return p2p_count_entries(&range, 1);
}

static void p2p_a_range_has_as_few_entries_as_it_can(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, entries_of(PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 1, entries_of(SZ_2G));
	KUNIT_EXPECT_EQ(test, 2, entries_of(SZ_2G + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 2, entries_of(SZ_4G));
	KUNIT_EXPECT_EQ(test, 3, entries_of(SZ_4G + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 512, entries_of(SZ_1T));
}

static void p2p_ranges_do_not_share_entries(struct kunit *test)
{
	struct dma_buf_p2p_range ranges[] = {
		{ BAR, PAGE_SIZE },
		{ BAR + PAGE_SIZE, PAGE_SIZE },
		{ BAR + SZ_1T, SZ_2G + PAGE_SIZE },
	};

	KUNIT_EXPECT_EQ(test, 4, p2p_count_entries(ranges, 3));
}

static void p2p_more_entries_than_a_table_has_are_refused(struct kunit *test)
{
	struct dma_buf_p2p_range ranges[] = {
		{ 0, (u64)UINT_MAX * SZ_2G },
		{ 0, PAGE_SIZE },
		{ 0, PAGE_SIZE },
	};

	KUNIT_EXPECT_EQ(test, UINT_MAX, p2p_count_entries(ranges, 1));
	KUNIT_EXPECT_EQ(test, 0, p2p_count_entries(ranges, 2));
	KUNIT_EXPECT_EQ(test, 0, p2p_count_entries(ranges, 3));
}

/* Every byte once, in order, and each entry aligned as the first one is. */
static void p2p_entries_are_the_range(struct kunit *test)
{
	static const u64 lengths[] = {
		PAGE_SIZE, SZ_2G - PAGE_SIZE, SZ_2G, SZ_2G + PAGE_SIZE,
		SZ_4G - PAGE_SIZE, SZ_4G, SZ_4G + PAGE_SIZE,
		11ULL * SZ_2G + 5 * PAGE_SIZE,
	};
	struct scatterlist *sg;
	struct sg_table sgt;
	unsigned int i, n;
	u64 at;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		n = entries_of(lengths[i]);
		KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, n, GFP_KERNEL));
		KUNIT_EXPECT_NULL(test, p2p_fill(sgt.sgl, BAR, lengths[i]));
		at = BAR;
		for_each_sgtable_dma_sg(&sgt, sg, n) {
			KUNIT_EXPECT_EQ(test, at, sg_dma_address(sg));
			KUNIT_EXPECT_TRUE(test, IS_ALIGNED(at, SZ_2G));
			KUNIT_EXPECT_GT(test, sg_dma_len(sg), 0);
			KUNIT_EXPECT_NULL(test, sg_page(sg));
			at += sg_dma_len(sg);
		}
		KUNIT_EXPECT_EQ(test, at, BAR + lengths[i]);
		sg_free_table(&sgt);
	}
}

static void p2p_filling_goes_on_where_it_ended(struct kunit *test)
{
	struct scatterlist *sg;
	struct sg_table sgt;

	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, 3, GFP_KERNEL));
	sg = p2p_fill(sgt.sgl, BAR, SZ_2G + PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, sg);
	KUNIT_EXPECT_NULL(test, p2p_fill(sg, BAR + SZ_1T, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, BAR + SZ_1T, sg_dma_address(sg));
	KUNIT_EXPECT_EQ(test, PAGE_SIZE, sg_dma_len(sg));
	sg_free_table(&sgt);
}

/* A device below a host bridge that shifts addresses, as some of those of Arm do. */
static void p2p_bus_addresses_have_the_offset_of_the_bridge(struct kunit *test)
{
	struct pci_host_bridge *bridge;
	struct resource_entry *window;
	struct pci_dev *pci;
	struct pci_bus *bus;

	bridge = kunit_kzalloc(test, sizeof(*bridge), GFP_KERNEL);
	window = kunit_kzalloc(test, sizeof(*window), GFP_KERNEL);
	pci = kunit_kzalloc(test, sizeof(*pci), GFP_KERNEL);
	bus = kunit_kzalloc(test, sizeof(*bus), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, bridge && window && pci && bus);
	window->__res = DEFINE_RES_MEM(BAR, SZ_1T);
	window->res = &window->__res;
	window->offset = BAR - SZ_4G;
	INIT_LIST_HEAD(&bridge->windows);
	resource_list_add_tail(window, &bridge->windows);
	bus->bridge = &bridge->dev;
	pci->bus = bus;
	pci->resource[2] = DEFINE_RES_MEM(BAR + SZ_8G, SZ_8G);

	KUNIT_EXPECT_EQ(test, SZ_4G + SZ_8G,
			p2p_bus_address(pci, 2, BAR + SZ_8G));
	KUNIT_EXPECT_EQ(test, SZ_4G + SZ_8G + SZ_8G - PAGE_SIZE,
			p2p_bus_address(pci, 2, BAR + SZ_8G + SZ_8G - PAGE_SIZE));
}

static bool is_inside(u64 addr, u64 len)
{
	struct dma_buf_p2p_range range = { addr, len };
	struct pci_dev *pci = kzalloc(sizeof(*pci), GFP_KERNEL);
	bool inside;

	if (!pci)
		return false;
	pci->resource[2] = DEFINE_RES_MEM(BAR, SZ_8G);
	inside = p2p_is_inside(pci, 2, &range);
	kfree(pci);
	return inside;
}

static void p2p_a_range_is_inside_the_bar(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, is_inside(BAR, SZ_8G));
	KUNIT_EXPECT_TRUE(test, is_inside(BAR + SZ_8G - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(BAR - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(BAR, SZ_8G + PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(BAR + SZ_8G, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(BAR + SZ_8G - PAGE_SIZE,
					   2 * PAGE_SIZE));
	/* Sums that overflow. */
	KUNIT_EXPECT_FALSE(test, is_inside(BAR + PAGE_SIZE,
					   -(u64)PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(-(u64)PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(0, -(u64)PAGE_SIZE));
	/* No whole pages. */
	KUNIT_EXPECT_FALSE(test, is_inside(BAR, 0));
	KUNIT_EXPECT_FALSE(test, is_inside(BAR + 1, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, is_inside(BAR, PAGE_SIZE - 1));
}

static void p2p_only_memory_is_mapped(struct kunit *test)
{
	struct pci_dev *pci = kunit_kzalloc(test, sizeof(*pci), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pci);
	pci->resource[0] = DEFINE_RES_IO(0x1000, SZ_4K);
	pci->resource[2] = DEFINE_RES_MEM(BAR, SZ_8G);
	pci->resource[PCI_ROM_RESOURCE] = DEFINE_RES_MEM(BAR, SZ_8G);
	KUNIT_EXPECT_TRUE(test, p2p_is_memory(pci, 2));
	KUNIT_EXPECT_FALSE(test, p2p_is_memory(pci, 0));
	KUNIT_EXPECT_FALSE(test, p2p_is_memory(pci, 1));
	KUNIT_EXPECT_FALSE(test, p2p_is_memory(pci, PCI_ROM_RESOURCE));
	KUNIT_EXPECT_FALSE(test, p2p_is_memory(pci, -1));
}

/* The last byte counts, of every entry. */
static void p2p_an_address_beyond_the_mask_is_noticed(struct kunit *test)
{
	struct sg_table sgt;

	KUNIT_ASSERT_EQ(test, 0, sg_alloc_table(&sgt, 2, GFP_KERNEL));
	p2p_fill(sgt.sgl, SZ_4G - PAGE_SIZE, PAGE_SIZE);
	p2p_fill(sg_next(sgt.sgl), 0, PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, p2p_is_in_mask(&sgt, U32_MAX));
	KUNIT_EXPECT_FALSE(test, p2p_is_in_mask(&sgt, U32_MAX - 1));
	p2p_fill(sg_next(sgt.sgl), SZ_4G, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, p2p_is_in_mask(&sgt, U32_MAX));
	sg_free_table(&sgt);
}

static struct kunit_case dma_buf_p2p_cases[] = {
	KUNIT_CASE(p2p_a_range_is_inside_the_bar),
	KUNIT_CASE(p2p_only_memory_is_mapped),
	KUNIT_CASE(p2p_an_address_beyond_the_mask_is_noticed),
	KUNIT_CASE(p2p_a_range_has_as_few_entries_as_it_can),
	KUNIT_CASE(p2p_ranges_do_not_share_entries),
	KUNIT_CASE(p2p_more_entries_than_a_table_has_are_refused),
	KUNIT_CASE(p2p_entries_are_the_range),
	KUNIT_CASE(p2p_filling_goes_on_where_it_ended),
	KUNIT_CASE(p2p_bus_addresses_have_the_offset_of_the_bridge),
	{}
};

static struct kunit_suite dma_buf_p2p_suite = {
	.name = "dma_buf_p2p",
	.test_cases = dma_buf_p2p_cases,
};

kunit_test_suite(dma_buf_p2p_suite);

MODULE_DESCRIPTION("KUnit tests of ranges of a BAR");
MODULE_LICENSE("GPL");

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory for tables of fences
 *
 * Promises: however large a table is, no allocation is larger than a page, and
 * the caller's memory cgroup pays.
 */
#ifndef __LINUX_DMA_FENCE_TABLE_H
#define __LINUX_DMA_FENCE_TABLE_H

#include <linux/mm.h>
#include <linux/types.h>

/* What a page of pointers to pages makes possible, in bytes. */
#define DMA_FENCE_TABLE_MAX	(PAGE_SIZE / sizeof(void *) * PAGE_SIZE)

/**
 * struct dma_fence_table - memory that looks contiguous by dma_fence_table_at()
 */
struct dma_fence_table {
	/** @pages: one page after the other; or @single */
	void **pages;
	/** @count: number of @pages, 0 for memory that is not the table's */
	unsigned int count;
	/** @single: a table that is no larger than a page */
	void *single;
};

int dma_fence_table_init(struct dma_fence_table *table, size_t size,
			 gfp_t flags);
void dma_fence_table_fini(struct dma_fence_table *table);

/* Let @table be @memory, which stays somebody else's. */
static inline void dma_fence_table_borrow(struct dma_fence_table *table,
					  void *memory)
{
	table->single = memory;
	table->pages = &table->single;
	table->count = 0;
}

/* Give the memory of @from to @to. */
static inline void dma_fence_table_move(struct dma_fence_table *to,
					struct dma_fence_table *from)
{
	*to = *from;
	if (from->pages == &from->single)
		to->pages = &to->single;
	dma_fence_table_borrow(from, NULL);
}

/* What is at @offset, in bytes; it must not cross a page. */
static inline void *dma_fence_table_at(const struct dma_fence_table *table,
				       size_t offset)
{
	return table->pages[offset >> PAGE_SHIFT] + offset_in_page(offset);
}

#endif /* __LINUX_DMA_FENCE_TABLE_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for tables of fences, a page at a time
 */

#include <linux/dma-fence-table.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/slab.h>

/**
 * dma_fence_table_init - allocate a table
 * @table: the table
 * @size: its size in bytes
 * @flags: __GFP_ZERO or 0
 *
 * Context: process; may sleep.
 *
 * Return: 0, or -ENOMEM without memory or past %DMA_FENCE_TABLE_MAX bytes.
 */
int dma_fence_table_init(struct dma_fence_table *table, size_t size,
			 gfp_t flags)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | flags;
	unsigned int count = DIV_ROUND_UP(size, PAGE_SIZE);

	dma_fence_table_borrow(table, NULL);
	if (size > DMA_FENCE_TABLE_MAX)
		return -ENOMEM;
	if (count <= 1) {
		table->single = kmalloc(size, gfp);
		table->count = 1;
		return table->single ? 0 : -ENOMEM;
	}

	table->pages = kmalloc_array(count, sizeof(*table->pages),
				     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!table->pages) {
		dma_fence_table_borrow(table, NULL);
		return -ENOMEM;
	}
	for (table->count = 0; table->count < count; table->count++) {
		void *page = (void *)__get_free_page(gfp);

		if (!page) {
			dma_fence_table_fini(table);
			return -ENOMEM;
		}
		table->pages[table->count] = page;
	}
	return 0;
}

/**
 * dma_fence_table_fini - free a table
 * @table: the table; afterwards it has no memory
 *
 * Context: any that may free pages.
 */
void dma_fence_table_fini(struct dma_fence_table *table)
{
	unsigned int i;

	if (table->pages == &table->single) {
		if (table->count)
			kfree(table->single);
	} else {
		for (i = 0; i < table->count; i++)
			free_page((unsigned long)table->pages[i]);
		kfree(table->pages);
	}
	dma_fence_table_borrow(table, NULL);
}

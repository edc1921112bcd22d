// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index of a table of fences by context: its memory and its secret
 */

#include <linux/dma-fence-index.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/once.h>
#include <linux/random.h>

/*
 * Contexts are handed out in order, so user space could choose some that fall
 * into one slot of a hash it knows. The multiplier is secret.
 */
u64 dma_fence_index_secret __read_mostly;

/**
 * dma_fence_index_init - make an empty index
 * @index: the index
 * @capacity: number of entries that it has to take
 *
 * Context: process; may sleep.
 *
 * Return: 0, or -ENOMEM without memory or past %DMA_FENCE_INDEX_MAX entries.
 */
int dma_fence_index_init(struct dma_fence_index *index, unsigned int capacity)
{
	unsigned int bits = ilog2(roundup_pow_of_two(max(capacity, 16U))) + 1;

	dma_fence_index_none(index);
	if (capacity > DMA_FENCE_INDEX_MAX ||
	    dma_fence_table_init(&index->table, sizeof(u32) << bits,
				 __GFP_ZERO))
		return -ENOMEM;

	get_random_once(&dma_fence_index_secret, sizeof(u64));
	index->bits = bits;
	return 0;
}

/**
 * dma_fence_index_fini - free an index
 * @index: the index; one without slots will do
 *
 * Context: any that may free pages.
 */
void dma_fence_index_fini(struct dma_fence_index *index)
{
	dma_fence_table_fini(&index->table);
	index->bits = 0;
}

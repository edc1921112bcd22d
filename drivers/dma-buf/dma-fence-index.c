// SPDX-License-Identifier: GPL-2.0-only
/*
 * Index of a table of fences by context: its memory and its secret
 */

#include <linux/dma-fence-index.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/once.h>
#include <linux/overflow.h>
#include <linux/random.h>
#include <linux/string.h>

#include "dma-fence-table.h"

/*
 * Contexts are handed out in order, so user space could choose some that fall
 * into one slot of a hash it knows. The multiplier is secret.
 */
u64 dma_fence_index_secret __read_mostly;

/**
 * dma_fence_index_init - make an empty index
 * @index: the index
 * @capacity: number of entries that it has to take, at most 2^30
 *
 * Context: process; may sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int dma_fence_index_init(struct dma_fence_index *index, unsigned int capacity)
{
	get_random_once(&dma_fence_index_secret, sizeof(u64));
	index->bits = ilog2(roundup_pow_of_two(max(capacity, 16U))) + 1;
	index->slots = dma_fence_table_alloc(array_size(1U << index->bits,
							sizeof(u64)),
					     __GFP_ZERO);
	return index->slots ? 0 : -ENOMEM;
}

/**
 * dma_fence_index_fini - free an index
 * @index: the index; one without slots will do
 *
 * Context: process; may sleep.
 */
void dma_fence_index_fini(struct dma_fence_index *index)
{
	kvfree(index->slots);
	index->slots = NULL;
}

/**
 * dma_fence_index_clear - forget all entries
 * @index: the index; one without slots will do
 *
 * Context: any.
 */
void dma_fence_index_clear(struct dma_fence_index *index)
{
	if (index->slots)
		memset(index->slots, 0, sizeof(u64) << index->bits);
}

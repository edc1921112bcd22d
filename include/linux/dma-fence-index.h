/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Index of a table of fences by context
 *
 * Promises: finding the fences of a context takes constant time on average,
 * whatever contexts user space chooses.
 *
 * Does not: look at fences, or forget one that was added. The same context may
 * be added more than once, and the user compares contexts: what the index finds
 * are candidates.
 */
#ifndef __LINUX_DMA_FENCE_INDEX_H
#define __LINUX_DMA_FENCE_INDEX_H

#include <linux/dma-fence-table.h>
#include <linux/hash.h>
#include <linux/types.h>

/* No index takes more entries. */
#define DMA_FENCE_INDEX_MAX	0x40000U

/* A slot holds the position + 1, and above it as much of the hash as fits. */
#define DMA_FENCE_INDEX_POS	((1U << 19) - 1)

/* No more candidates. */
#define DMA_FENCE_INDEX_END	0xffffffffU

/**
 * struct dma_fence_index - open hash table of positions
 */
struct dma_fence_index {
	/** @table: the slots, 0 if free */
	struct dma_fence_table table;
	/** @bits: log2 of the number of slots, 0 for an index without any */
	unsigned int bits;
};

/**
 * struct dma_fence_index_cursor - where a search stands
 */
struct dma_fence_index_cursor {
	/** @slot: the slot to look at next */
	u32 slot;
	/** @tag: what a candidate's slot holds above the position */
	u32 tag;
};

/* An index without slots, which takes nothing. */
static inline void dma_fence_index_none(struct dma_fence_index *index)
{
	dma_fence_table_borrow(&index->table, NULL);
	index->bits = 0;
}

/* Give the slots of @from to @to. */
static inline void dma_fence_index_move(struct dma_fence_index *to,
					struct dma_fence_index *from)
{
	dma_fence_table_move(&to->table, &from->table);
	to->bits = from->bits;
	from->bits = 0;
}

int dma_fence_index_init(struct dma_fence_index *index, unsigned int capacity);
void dma_fence_index_fini(struct dma_fence_index *index);

extern u64 dma_fence_index_secret;

static inline u32 *dma_fence_index_slot(const struct dma_fence_index *index,
					u32 slot)
{
	return dma_fence_table_at(&index->table, slot * sizeof(u32));
}

/* Let @cursor stand before the first candidate for @context. */
static inline void dma_fence_index_start(const struct dma_fence_index *index,
					 struct dma_fence_index_cursor *cursor,
					 u64 context)
{
	/*
	 * The secret alone is no good: contexts that follow each other, as they
	 * do, would meet in few slots for some of its values.
	 */
	u64 hash = context * GOLDEN_RATIO_64;

	hash ^= hash >> 32;
	hash *= dma_fence_index_secret | 1;
	cursor->slot = hash >> (64 - index->bits);
	cursor->tag = (hash >> 16) & ~DMA_FENCE_INDEX_POS;
}

/* The position of the next candidate, or DMA_FENCE_INDEX_END. */
static inline u32 dma_fence_index_next(const struct dma_fence_index *index,
				       struct dma_fence_index_cursor *cursor)
{
	u32 mask = (1U << index->bits) - 1;
	u32 entry;

	while ((entry = *dma_fence_index_slot(index, cursor->slot))) {
		cursor->slot = (cursor->slot + 1) & mask;
		if ((entry & ~DMA_FENCE_INDEX_POS) == cursor->tag)
			return (entry & DMA_FENCE_INDEX_POS) - 1;
	}
	return DMA_FENCE_INDEX_END;
}

/* How many entries it takes and stays fast: three slots in four. */
static inline u32 dma_fence_index_room(const struct dma_fence_index *index)
{
	return (3U << index->bits) / 4;
}

/*
 * Add @pos for the context of a search that came to its end, with no other in
 * between; there must be room.
 */
static inline void
dma_fence_index_add_at(struct dma_fence_index *index,
		       const struct dma_fence_index_cursor *cursor, u32 pos)
{
	*dma_fence_index_slot(index, cursor->slot) = cursor->tag | (pos + 1);
}

/* Add @pos for @context; there must be room. */
static inline void dma_fence_index_add(struct dma_fence_index *index,
				       u64 context, u32 pos)
{
	struct dma_fence_index_cursor cursor;
	u32 mask = (1U << index->bits) - 1;

	dma_fence_index_start(index, &cursor, context);
	while (*dma_fence_index_slot(index, cursor.slot))
		cursor.slot = (cursor.slot + 1) & mask;
	dma_fence_index_add_at(index, &cursor, pos);
}

#endif /* __LINUX_DMA_FENCE_INDEX_H */

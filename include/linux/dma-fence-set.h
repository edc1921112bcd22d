/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sets of fences: one unsignaled fence, the latest, for each context.
 */
#ifndef __LINUX_DMA_FENCE_SET_H
#define __LINUX_DMA_FENCE_SET_H

#include <linux/dma-fence.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/types.h>

/* So many contexts need no memory beside the set itself. */
#define DMA_FENCE_SET_INLINE	16

/* Past so many contexts dma_fence_set_add() answers -ENOMEM. */
#define DMA_FENCE_SET_MAX	0x40000U

/*
 * Memory that no single allocation larger than a page is needed for: one page
 * after the other, or less than a page, or what is somebody else's.
 */
struct dma_fence_set_table {
	/* private: */
	void **pages;
	void *single;
	unsigned int count;
};

/**
 * struct dma_fence_set - distinct contexts, the latest unsignaled fence of each
 *
 * Lives on the stack of its user; initialize with dma_fence_set_init(), end
 * with dma_fence_set_fini(). The set has no lock of its own. Nobody but
 * dma-fence-set.c writes to its fields.
 */
struct dma_fence_set {
	/* private: */
	unsigned int count;
	unsigned int capacity;
	/* log2 of the number of slots of the index, 0 for a set without one */
	unsigned int bits;
	/* whoever gave the fences holds them until the end of the set */
	bool borrowed;
	unsigned int signaled_count;
	/* fences of containers in containers */
	unsigned int nested;
	unsigned long walked;
	ktime_t signaled;
	struct dma_fence_set_table fences, notes, index;
	/* of a short set */
	u64 contexts[DMA_FENCE_SET_INLINE];
	struct dma_fence *few_fences[DMA_FENCE_SET_INLINE];
	u32 few_notes[DMA_FENCE_SET_INLINE];
};

/**
 * dma_fence_set_count - how many fences a set holds
 * @set: the set
 *
 * Return: the number of fences, of which two have one context only if nobody can
 * tell which of them signals later.
 */
static inline unsigned int dma_fence_set_count(const struct dma_fence_set *set)
{
	return set->count;
}

/**
 * dma_fence_set_walked - how many fences were offered to a set
 * @set: the set
 *
 * Return: the number of fences that were looked at since dma_fence_set_init().
 */
static inline unsigned long
dma_fence_set_walked(const struct dma_fence_set *set)
{
	return set->walked;
}

/**
 * dma_fence_set_signaled - how many fences had signaled
 * @set: the set
 *
 * Return: the number of fences that were offered and had signaled already.
 */
static inline unsigned int
dma_fence_set_signaled(const struct dma_fence_set *set)
{
	return set->signaled_count;
}

/* What is at @offset of @table, in bytes; it must not cross a page. */
static inline void *dma_fence_set_at(const struct dma_fence_set_table *table,
				     size_t offset)
{
	return table->pages[offset >> PAGE_SHIFT] + offset_in_page(offset);
}

/**
 * dma_fence_set_fence - a fence of a set
 * @set: the set
 * @i: its number, less than dma_fence_set_count()
 *
 * Return: the fence; the set keeps its reference.
 */
static inline struct dma_fence *
dma_fence_set_fence(const struct dma_fence_set *set, unsigned int i)
{
	struct dma_fence **fence = dma_fence_set_at(&set->fences,
						    i * sizeof(*fence));

	return *fence;
}

/**
 * dma_fence_set_note - what the user of a set has noted beside a fence
 * @set: the set; dma_fence_set_reserve_notes() made room for notes
 * @i: the number of the fence
 *
 * Return: the place of the note, whose content is the user's alone.
 */
static inline u32 *dma_fence_set_note(const struct dma_fence_set *set,
				      unsigned int i)
{
	return dma_fence_set_at(&set->notes, i * sizeof(u32));
}

bool dma_fence_covers(struct dma_fence *a, struct dma_fence *b);
unsigned int __dma_fence_set_find(const struct dma_fence_set *set,
				  struct dma_fence *fence);

/**
 * dma_fence_set_find - find the fence that has to do with another one
 * @set: the set
 * @fence: a fence
 *
 * Context: any.
 *
 * Return: the number of the fence of @set that dma_fence_covers() @fence or is
 * covered by it; dma_fence_set_count() if there is none.
 */
static inline unsigned int dma_fence_set_find(const struct dma_fence_set *set,
					      struct dma_fence *fence)
{
	/* Most sets, and most fences. */
	if (set->count == 1 && !set->bits &&
	    set->contexts[0] != fence->context)
		return 1;
	return __dma_fence_set_find(set, fence);
}

void dma_fence_set_init(struct dma_fence_set *set);
void __dma_fence_set_fini(struct dma_fence_set *set);

/**
 * dma_fence_set_fini - empty a set and free its memory
 * @set: the set; dma_fence_set_init() makes it usable again
 *
 * Drops the reference on each fence. Context: process; may sleep.
 */
static inline void dma_fence_set_fini(struct dma_fence_set *set)
{
	/* There is nothing to free, and no fence, or they are somebody else's. */
	if (set->bits || (set->count && !set->borrowed))
		__dma_fence_set_fini(set);
}

int dma_fence_set_reserve(struct dma_fence_set *set, unsigned int capacity);
int __dma_fence_set_reserve_notes(struct dma_fence_set *set);

/**
 * dma_fence_set_reserve_notes - make room for a note beside each fence
 * @set: the set, to which nothing is added afterwards
 *
 * Context: process; may sleep. Allocates nothing for a short set.
 *
 * Return: 0 or -ENOMEM.
 */
static inline int dma_fence_set_reserve_notes(struct dma_fence_set *set)
{
	return set->count <= DMA_FENCE_SET_INLINE ? 0 :
	       __dma_fence_set_reserve_notes(set);
}

void dma_fence_set_take(struct dma_fence_set *set, struct dma_fence *fence);
int dma_fence_set_add(struct dma_fence_set *set, struct dma_fence *fence);
int dma_fence_set_borrow(struct dma_fence_set *set, struct dma_fence *fence);

struct dma_fence *dma_fence_set_merge(struct dma_fence_set *set);
struct dma_fence *dma_fence_set_merge_two(struct dma_fence *a,
					  struct dma_fence *b);

#endif /* __LINUX_DMA_FENCE_SET_H */

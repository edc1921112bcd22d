// SPDX-License-Identifier: GPL-2.0-only
/*
 * Put fences in their place among the entries of a reservation object
 *
 * Promises: no allocation, and no reader misses a fence: an entry is replaced
 * or appended, never moved, since readers without the lock may be walking the
 * list. Nothing is weakened: an entry goes only if it has signaled, or for a
 * later fence of its context with the same or a stricter usage.
 *
 * Does not: take the lock. Entries that it has no use for stay, be they dead or
 * double: dma_resv_list_is_untidy() tells of them.
 */

#include <linux/dma-fence-array.h>
#include <linux/errno.h>

#include "dma-resv-entry.h"
#include "dma-resv-place.h"

/* No slot. */
#define NO_SLOT		(-1)

/**
 * dma_resv_place_take_apart - what a fence stands for, if that is few
 * @fence: a fence or a container
 * @few: out: the fences that have not signaled; @fence holds the references
 *
 * Return: how many there are, or -EAGAIN if @fence is more than an array of
 * %DMA_RESV_PLACE_MAX fences.
 */
int dma_resv_place_take_apart(struct dma_fence *fence,
			      struct dma_fence *few[DMA_RESV_PLACE_MAX])
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	struct dma_fence **fences = array ? array->fences : &fence;
	unsigned int i, walk = array ? array->num_fences : 1;
	int count = 0;

	if (walk > DMA_RESV_PLACE_MAX)
		return -EAGAIN;
	for (i = 0; i < walk; i++) {
		if (dma_fence_is_container(fences[i]))
			return -EAGAIN;
		if (!dma_fence_is_signaled(fences[i]))
			few[count++] = fences[i];
	}
	return count;
}

/* Does the list hold one entry more for it? Then it has a reference. */
static bool place_one(struct dma_resv_list *list, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	unsigned int i, count = dma_resv_list_count(list);
	unsigned long new = dma_resv_entry(fence, usage);
	int slot = NO_SLOT, dead = NO_SLOT;
	struct dma_fence *old;

	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		if (entry == new)
			return false;
		if (dma_fence_is_signaled(dma_resv_entry_fence(entry))) {
			dead = i;
			continue;
		}
		if (dma_resv_entry_context(entry) != fence->context)
			continue;
		if (dma_resv_entry_covers(entry, new))
			return false;
		/* One of the same usage has to go: there can be only one. */
		if (dma_resv_entry_usage(entry) != DMA_RESV_USAGE_KERNEL &&
		    dma_resv_entry_covers(new, entry) &&
		    (slot == NO_SLOT || dma_resv_entry_usage(entry) == usage))
			slot = i;
	}

	dma_fence_get(fence);
	if (slot == NO_SLOT)
		slot = dead;
	if (slot == NO_SLOT) {
		dma_resv_list_append(list, new);
		return true;
	}
	old = dma_resv_entry_fence(dma_resv_list_entry(list, slot));
	dma_resv_list_set(list, slot, new);
	dma_fence_put(old);
	return true;
}

/**
 * dma_resv_place - put fences in their place in a list that has room
 * @list: the list of a reservation object, whose lock the caller holds
 * @fences: fences that are no containers; the caller keeps its references
 * @count: how many; there must be room for as many
 * @usage: the usage of each
 *
 * Return: how many of them the list holds now, the others being covered by what
 * it held before.
 */
unsigned int dma_resv_place(struct dma_resv_list *list,
			    struct dma_fence **fences, unsigned int count,
			    enum dma_resv_usage usage)
{
	unsigned int i, placed = 0;

	for (i = 0; i < count; i++)
		placed += place_one(list, fences[i], usage);
	return placed;
}

/* Of one context: is one superfluous, since there can be one of a usage? */
static bool entries_are_double(unsigned long a, unsigned long b)
{
	return dma_resv_entry_usage(a) == dma_resv_entry_usage(b) &&
	       dma_resv_entry_usage(a) != DMA_RESV_USAGE_KERNEL &&
	       (dma_resv_entry_covers(a, b) || dma_resv_entry_covers(b, a));
}

/**
 * dma_resv_list_is_untidy - look for what nobody waits for any more
 * @list: the list of a reservation object, whose lock the caller holds
 *
 * Return: whether there are dead entries, or double ones, which the kernel's
 * own code can leave, or much more memory than entries; true also if the list is
 * too long to look.
 */
bool dma_resv_list_is_untidy(struct dma_resv_list *list)
{
	unsigned int i, j, count = dma_resv_list_count(list);
	u64 contexts[DMA_RESV_PLACE_MAX] __uninitialized;

	if (count > DMA_RESV_PLACE_MAX || dma_resv_list_is_loose(list))
		return true;

	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		if (dma_fence_is_signaled(dma_resv_entry_fence(entry)))
			return true;
		contexts[i] = dma_resv_entry_context(entry);
		for (j = 0; j < i; j++)
			if (contexts[j] == contexts[i] &&
			    entries_are_double(entry,
					       dma_resv_list_entry(list, j)))
				return true;
	}
	return false;
}

/* What is behind dma_resv_place_few(). */
bool __dma_resv_place_few(struct dma_resv_list *list, struct dma_fence **few,
			  unsigned int count, enum dma_resv_usage usage)
{
	dma_resv_place(list, few, count, usage);
	/* As a rule, nobody waits for anything else. */
	if (count == 1 && dma_resv_list_is_just(list, *few, usage))
		return false;
	return dma_resv_list_is_untidy(list);
}

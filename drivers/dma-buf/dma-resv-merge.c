// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merge a fence set into the entries of a reservation object
 *
 * Promises: whatever allocates happens before the lock is taken; under the lock
 * the work is linear in the number of entries, and what does not fit changes
 * nothing. Afterwards there is one entry at most for a context and a usage, and
 * none that had signaled, or &dma_resv_merge.untidy asks for another merge, of
 * nothing. Nothing is weakened: an entry goes only if it has signaled, or if another one
 * of its context is at least as strict and signals no earlier.
 *
 * Does not: take the lock, or try again.
 *
 * There are two ways. A short list with room is changed in place, which readers
 * without the lock allow for single slots only: an entry is replaced or
 * appended, never moved. Otherwise a new list is built and swapped in.
 */

#include <linux/dma-fence-set.h>
#include <linux/errno.h>
#include <linux/prefetch.h>

#include "dma-resv-entry.h"
#include "dma-resv-list.h"
#include "dma-resv-merge.h"
#include "dma-resv-place.h"

/* What a list holds, and as much that turns out to be covered. */
#define MERGE_MAX	(2 * DMA_RESV_LIST_MAX)

/* How far ahead of its use a fence is asked for. */
#define PREFETCH	8

void dma_resv_merge_init(struct dma_resv_merge *merge,
			 struct dma_fence_set *set, enum dma_resv_usage usage)
{
	merge->set = set;
	merge->usage = usage;
	merge->list = NULL;
	dma_fence_index_none(&merge->index);
	merge->kept = 0;
	merge->pruned = 0;
	merge->extra = 0;
	merge->untidy = false;
}

void dma_resv_merge_fini(struct dma_resv_merge *merge)
{
	dma_resv_list_discard(merge->list);
	dma_fence_index_fini(&merge->index);
	merge->list = NULL;
}

/*
 * An index of the set, with room for @count entries: positions in the set are
 * those in the list to be, so the set's own index will do if it is large enough.
 */
static int merge_prepare_index(struct dma_resv_merge *merge, unsigned int count)
{
	struct dma_fence_set *set = merge->set;
	unsigned int i;

	if (set->index.bits && dma_fence_index_room(&set->index) >= count) {
		dma_fence_index_move(&merge->index, &set->index);
		return 0;
	}
	if (dma_fence_index_init(&merge->index, count))
		return -ENOMEM;
	for (i = 0; i < set->count; i++)
		dma_fence_index_add(&merge->index,
				    (*dma_fence_set_at(set, i))->context, i);
	return 0;
}

/* Allocate the list to be, and put the set in front. */
static int merge_prepare_list(struct dma_resv_merge *merge, unsigned int count)
{
	struct dma_fence_set *set = merge->set;
	unsigned int i;

	merge->list = dma_resv_list_create(count);
	if (!merge->list)
		return -ENOMEM;
	if (count > DMA_RESV_PLACE_MAX && merge_prepare_index(merge, count))
		return -ENOMEM;

	for (i = 0; i < set->count; i++) {
		struct dma_fence *fence = *dma_fence_set_at(set, i);

		if (!merge->index.bits)
			merge->contexts[i] = fence->context;
		dma_resv_list_append(merge->list,
				     dma_resv_entry(fence, merge->usage));
	}
	return 0;
}

/**
 * dma_resv_merge_prepare - do what can fail
 * @merge: an initialized merge, or one whose commit said -EAGAIN
 * @resv: the reservation object
 * @attempt: 0 the first time, counting up each time that commit said -EAGAIN
 *
 * Context: process; may sleep.
 *
 * Return: 0, or -ENOMEM without memory, or with so many fences that there cannot
 * be few enough of them afterwards.
 */
int dma_resv_merge_prepare(struct dma_resv_merge *merge, struct dma_resv *resv,
			   unsigned int attempt)
{
	struct dma_resv_list *list;
	unsigned int count;
	bool fits;
	int ret;

	dma_resv_merge_fini(merge);

	rcu_read_lock();
	list = dma_resv_list_of(resv);
	count = dma_resv_list_count(list) + merge->set->count + merge->extra;
	fits = merge->set->count &&
	       dma_resv_place_fits(list, merge->set->count + merge->extra);
	rcu_read_unlock();

	if (fits && !attempt)
		return 0;
	if (count > MERGE_MAX)
		return -ENOMEM;
	/* Others were faster: leave them more and more room. */
	count = min(count * (min(attempt, 16U) + 1), MERGE_MAX);
	ret = merge_prepare_list(merge, count);
	if (ret)
		dma_resv_merge_fini(merge);
	return ret;
}

/* Remember @entry, whose reference the old list had, to be dropped. */
static void merge_drop(struct dma_resv_merge *merge, unsigned long entry)
{
	dma_resv_list_set(merge->list, --merge->dropped,
			  dma_resv_entry(dma_resv_entry_fence(entry), 0));
}

/* Is @entry, at @pos of the list to be, still the set's own? */
static bool merge_is_new(struct dma_resv_merge *merge, unsigned int pos,
			 unsigned long entry)
{
	return pos < merge->set->count &&
	       entry == dma_resv_entry(*dma_fence_set_at(merge->set, pos), merge->usage);
}

/* What became of an entry of the old list that met another one. */
enum settled {
	/* nothing: it still needs a place */
	UNSETTLED = 0,
	DROPPED,
	/* it has the place of the other one */
	REPLACED
};

/*
 * Settle @entry of the old list against the one at @pos, if they have the same
 * context.
 */
static enum settled merge_settle(struct dma_resv_merge *merge, unsigned int pos,
				 unsigned long entry)
{
	unsigned long other = dma_resv_list_entry(merge->list, pos);
	bool kernel = dma_resv_entry_usage(entry) == DMA_RESV_USAGE_KERNEL;

	if (dma_resv_entry_context(other) != dma_resv_entry_context(entry))
		return UNSETTLED;

	if (!kernel && dma_resv_entry_covers(other, entry)) {
		merge_drop(merge, entry);
		return DROPPED;
	}

	/* A new fence that is covered, or an older one of the same usage. */
	if ((merge_is_new(merge, pos, other) ||
	     (!kernel && dma_resv_entry_usage(other) ==
			 dma_resv_entry_usage(entry))) &&
	    dma_resv_entry_covers(entry, other)) {
		dma_resv_list_set(merge->list, pos, entry);
		merge_drop(merge, other);
		return REPLACED;
	}
	return UNSETTLED;
}

/* Is @entry, which has the place of a new fence, the second of its usage? */
static bool merge_is_double(struct dma_resv_merge *merge, unsigned int pos,
			    unsigned long entry)
{
	unsigned long other = dma_resv_list_entry(merge->list, pos);

	return dma_resv_entry_context(other) == dma_resv_entry_context(entry) &&
	       dma_resv_entry_usage(other) == dma_resv_entry_usage(entry) &&
	       dma_resv_entry_usage(entry) != DMA_RESV_USAGE_KERNEL &&
	       dma_resv_entry_covers(entry, other);
}

/*
 * Settle @entry against the one at @pos, or look whether that is one too many:
 * new fences come first, so it is met later. Whether the search is over.
 */
static bool merge_meet(struct dma_resv_merge *merge, unsigned int pos,
		       unsigned long entry, enum settled *settled)
{
	if (*settled)
		merge->untidy |= merge_is_double(merge, pos, entry);
	else
		*settled = merge_settle(merge, pos, entry);
	return *settled == DROPPED;
}

/* Find @entry of the old list its place in the new one. */
static void merge_old_entry(struct dma_resv_merge *merge, unsigned long entry)
{
	unsigned int pos, count = merge->list->num_fences;
	struct dma_fence_index_cursor cursor;
	enum settled settled = UNSETTLED;
	u64 context = dma_resv_entry_context(entry);

	if (merge->index.bits) {
		dma_fence_index_start(&merge->index, &cursor, context);
		while ((pos = dma_fence_index_next(&merge->index, &cursor)) !=
		       DMA_FENCE_INDEX_END)
			if (merge_meet(merge, pos, entry, &settled))
				return;
		if (settled)
			return;
		dma_fence_index_add_at(&merge->index, &cursor, count);
	} else {
		for (pos = 0; pos < count; pos++)
			if (merge->contexts[pos] == context &&
			    merge_meet(merge, pos, entry, &settled))
				return;
		if (settled)
			return;
		merge->contexts[count] = context;
	}
	dma_resv_list_append(merge->list, entry);
}

static int merge_rebuild(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *old = dma_resv_list_of(resv), *list = merge->list;
	unsigned int i, count = dma_resv_list_count(old), end = list->max_fences;

	merge->dropped = end;
	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(old, i);

		if (i + PREFETCH < count)
			prefetch((void *)dma_resv_list_entry(old, i + PREFETCH));
		if (dma_fence_is_signaled(dma_resv_entry_fence(entry)))
			merge_drop(merge, entry);
		else
			merge_old_entry(merge, entry);
	}

	/* So far, only the list that nobody sees has changed. */
	if (list->num_fences > DMA_RESV_LIST_MAX)
		return -ENOMEM;

	/* The list has taken over the references of the set. */
	merge->set->count = 0;
	merge->list = NULL;
	merge->kept = list->num_fences;
	merge->pruned = end - merge->dropped;
	list->max_fences = min(end, DMA_RESV_LIST_MAX);
	merge->untidy |= dma_resv_list_is_loose(list);
	dma_resv_list_publish(resv, list);
	for (i = merge->dropped; i < end; i++)
		dma_fence_put(dma_resv_entry_fence(dma_resv_list_entry(list,
								       i)));
	return 0;
}

static void merge_in_place(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);
	unsigned int count = dma_resv_list_count(list), placed;

	placed = dma_resv_place(list, dma_fence_set_at(merge->set, 0),
				merge->set->count, merge->usage);
	merge->kept = dma_resv_list_count(list);
	merge->pruned = count + placed - merge->kept;
	merge->untidy = dma_resv_list_is_untidy(list);
}

/**
 * dma_resv_merge_fits - would a commit find room?
 * @merge: a prepared merge
 * @resv: the reservation object it was prepared for, locked
 *
 * Return: whether dma_resv_merge_commit() would succeed while @resv stays
 * locked, if &dma_resv_merge.extra more fences are added before, and whether so
 * many can be added after it.
 */
bool dma_resv_merge_fits(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);
	unsigned int count;

	dma_resv_assert_held(resv);
	count = merge->set->count + merge->extra;
	/* That the list is short was of interest before, not any more. */
	if (!merge->list)
		return list && count <= dma_resv_list_room(list);
	count += dma_resv_list_count(list);
	return count <= merge->list->max_fences &&
	       count <= (merge->index.bits ?
			 dma_fence_index_room(&merge->index) :
			 DMA_RESV_MERGE_LINEAR);
}

/**
 * dma_resv_merge_commit - merge
 * @merge: a prepared merge
 * @resv: the reservation object it was prepared for, locked
 *
 * Afterwards only dma_resv_merge_fini() is allowed on @merge, and
 * dma_fence_set_fini() on its set, unless others have added so much since
 * dma_resv_merge_prepare() that there is no room: then nothing has changed. Nor
 * has it if there were more than %DMA_RESV_LIST_MAX entries afterwards.
 *
 * Return: 0, -EAGAIN or -ENOMEM.
 */
int dma_resv_merge_commit(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	if (!dma_resv_merge_fits(merge, resv))
		return -EAGAIN;

	if (merge->list)
		return merge_rebuild(merge, resv);
	merge_in_place(merge, resv);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Merge a fence set into the entries of a reservation object
 *
 * Promises: whatever can fail or allocates happens before the lock is taken;
 * under the lock the work is linear in the number of entries. Afterwards there
 * is one entry at most for a context and a usage, and none that had signaled.
 * Nothing is weakened: an entry goes only if it has signaled, or if another one
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

#include "dma-resv-list.h"
#include "dma-resv-merge.h"

/* So many entries are compared with each other rather than indexed. */
#define SHORT_LIST	(DMA_RESV_MERGE_LINEAR / 2)

/* How far ahead of its use a fence is asked for. */
#define PREFETCH	8

/* No slot. */
#define NO_SLOT		(-1)

/* Of one context: everybody who must wait for @b waits as long for @a. */
static bool entry_covers(unsigned long a, unsigned long b)
{
	struct dma_fence *fa = dma_resv_entry_fence(a);
	struct dma_fence *fb = dma_resv_entry_fence(b);

	return dma_resv_entry_usage(a) <= dma_resv_entry_usage(b) &&
	       (fa == fb || dma_fence_is_later(fa, fb));
}

static u64 entry_context(unsigned long entry)
{
	return dma_resv_entry_fence(entry)->context;
}

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

/* Is there little enough to do, and room to do it in the list that is there? */
static bool merge_fits_in_place(struct dma_resv_merge *merge,
				struct dma_resv_list *list)
{
	unsigned int count = merge->set->count;

	return count && count <= DMA_FENCE_SET_INLINE &&
	       count + merge->extra <= dma_resv_list_room(list) &&
	       count + dma_resv_list_count(list) <= SHORT_LIST;
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
	if (count > SHORT_LIST && merge_prepare_index(merge, count))
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
 * Return: 0, or -ENOMEM without memory or past %DMA_RESV_LIST_MAX entries.
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
	fits = merge_fits_in_place(merge, list);
	rcu_read_unlock();

	if (fits && !attempt)
		return 0;
	if (count > DMA_RESV_LIST_MAX)
		return -ENOMEM;
	/* Others were faster: leave them more and more room. */
	count = min(count * (min(attempt, 16U) + 1), DMA_RESV_LIST_MAX);
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

/*
 * Settle @entry of the old list against the one at @pos, if they have the same
 * context: true if @entry needs no place of its own.
 */
static bool merge_settle(struct dma_resv_merge *merge, unsigned int pos,
			 unsigned long entry)
{
	unsigned long other = dma_resv_list_entry(merge->list, pos);
	bool kernel = dma_resv_entry_usage(entry) == DMA_RESV_USAGE_KERNEL;

	if (entry_context(other) != entry_context(entry))
		return false;

	if (!kernel && entry_covers(other, entry)) {
		merge_drop(merge, entry);
		return true;
	}

	/* A new fence that is covered, or an older one of the same usage. */
	if ((merge_is_new(merge, pos, other) ||
	     (!kernel && dma_resv_entry_usage(other) ==
			 dma_resv_entry_usage(entry))) &&
	    entry_covers(entry, other)) {
		dma_resv_list_set(merge->list, pos, entry);
		merge_drop(merge, other);
		return true;
	}
	return false;
}

/* Find @entry of the old list its place in the new one. */
static void merge_old_entry(struct dma_resv_merge *merge, unsigned long entry)
{
	unsigned int pos, count = merge->list->num_fences;
	struct dma_fence_index_cursor cursor;
	u64 context = entry_context(entry);

	if (merge->index.bits) {
		dma_fence_index_start(&merge->index, &cursor, context);
		while ((pos = dma_fence_index_next(&merge->index, &cursor)) !=
		       DMA_FENCE_INDEX_END)
			if (merge_settle(merge, pos, entry))
				return;
		dma_fence_index_add_at(&merge->index, &cursor, count);
	} else {
		for (pos = 0; pos < count; pos++)
			if (merge->contexts[pos] == context &&
			    merge_settle(merge, pos, entry))
				return;
		merge->contexts[count] = context;
	}
	dma_resv_list_append(merge->list, entry);
}

static void merge_rebuild(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *old = dma_resv_list_of(resv), *list = merge->list;
	unsigned int i, count = dma_resv_list_count(old);

	merge->dropped = list->max_fences;
	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(old, i);

		if (i + PREFETCH < count)
			prefetch((void *)dma_resv_list_entry(old, i + PREFETCH));
		if (dma_fence_is_signaled(dma_resv_entry_fence(entry)))
			merge_drop(merge, entry);
		else
			merge_old_entry(merge, entry);
	}

	/* The list has taken over the references of the set. */
	merge->set->count = 0;
	merge->list = NULL;
	merge->kept = list->num_fences;
	merge->pruned = list->max_fences - merge->dropped;
	merge->untidy = list->max_fences > 2 * SHORT_LIST &&
			list->num_fences < list->max_fences / 4;
	dma_resv_list_publish(resv, list);
	for (i = merge->dropped; i < list->max_fences; i++)
		dma_fence_put(dma_resv_entry_fence(dma_resv_list_entry(list,
								       i)));
}

/*
 * Put @fence in its place among the entries of a short list that has room. True
 * if the list has taken over a reference, false if an entry covers @fence.
 */
static bool list_place(struct dma_resv_list *list, struct dma_fence *fence,
		       enum dma_resv_usage usage)
{
	unsigned int i, count = dma_resv_list_count(list);
	unsigned long new = dma_resv_entry(fence, usage);
	int slot = NO_SLOT, dead = NO_SLOT;
	struct dma_fence *old;

	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		if (dma_fence_is_signaled(dma_resv_entry_fence(entry))) {
			dead = i;
			continue;
		}
		if (entry_context(entry) != fence->context)
			continue;
		if (entry_covers(entry, new))
			return false;
		/* One of the same usage has to go: there can be only one. */
		if (dma_resv_entry_usage(entry) != DMA_RESV_USAGE_KERNEL &&
		    entry_covers(new, entry) &&
		    (slot == NO_SLOT || dma_resv_entry_usage(entry) == usage))
			slot = i;
	}

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

/* Is entry @i of the same context and usage as one before it? */
static bool list_entry_is_double(struct dma_resv_list *list, unsigned int i)
{
	unsigned long entry = dma_resv_list_entry(list, i);
	unsigned int j;

	if (dma_resv_entry_usage(entry) == DMA_RESV_USAGE_KERNEL)
		return false;
	for (j = 0; j < i; j++) {
		unsigned long other = dma_resv_list_entry(list, j);

		if (entry_context(entry) == entry_context(other) &&
		    dma_resv_entry_usage(entry) == dma_resv_entry_usage(other) &&
		    (entry_covers(entry, other) || entry_covers(other, entry)))
			return true;
	}
	return false;
}

/* Dead entries, or double ones, which the kernel's own code can leave. */
static bool list_is_untidy(struct dma_resv_list *list)
{
	unsigned int i;

	for (i = 0; i < list->num_fences; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		if (dma_fence_is_signaled(dma_resv_entry_fence(entry)) ||
		    list_entry_is_double(list, i))
			return true;
	}
	return false;
}

static void merge_in_place(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);
	unsigned int i, count = dma_resv_list_count(list);
	struct dma_fence_set *set = merge->set;
	unsigned int placed = 0;

	for (i = 0; i < set->count; i++) {
		if (!list_place(list, *dma_fence_set_at(set, i), merge->usage))
			continue;
		*dma_fence_set_at(set, i) = NULL;
		placed++;
	}
	merge->kept = list->num_fences;
	merge->pruned = count + placed - merge->kept;
	merge->untidy = list_is_untidy(list);
}

/**
 * dma_resv_merge_one - merge a single fence, if that can be done in place
 * @resv: the reservation object, locked
 * @fence: a fence that is no container; the caller keeps its reference
 * @usage: its usage
 *
 * Does not allocate.
 *
 * Return: 0; 1 if it is done but dead or double entries are left; -EAGAIN if
 * nothing was done, since the list is long or has no room.
 */
int dma_resv_merge_one(struct dma_resv *resv, struct dma_fence *fence,
		       enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);

	dma_resv_assert_held(resv);
	if (!dma_resv_list_room(list) ||
	    dma_resv_list_count(list) >= SHORT_LIST)
		return -EAGAIN;

	dma_fence_get(fence);
	if (!list_place(list, fence, usage))
		dma_fence_put(fence);
	return list_is_untidy(list);
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
 * dma_resv_merge_prepare() that there is no room: then nothing has changed.
 *
 * Return: 0 or -EAGAIN.
 */
int dma_resv_merge_commit(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	if (!dma_resv_merge_fits(merge, resv))
		return -EAGAIN;

	if (merge->list)
		merge_rebuild(merge, resv);
	else
		merge_in_place(merge, resv);
	return 0;
}

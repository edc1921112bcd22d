// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences of a reservation object that keeps them in a list with usages
 *
 * Promises: readers who walk the list without the lock, and sleep on the way,
 * never miss a fence and never meet what is none. An entry that has not signaled
 * stays in its slot, or a later fence of its context that is at least as strict
 * takes the same slot; nothing moves. What has signaled makes room for others, or
 * for the stub. Each slot of a list holds a fence or the stub, behind the count
 * too. A list is replaced only by one of at least twice its capacity, where each
 * entry has the slot that it had. A merge is linear in the entries and the fences,
 * allocates nothing under the lock, and adds all fences or none.
 *
 * Does not: take the lock, or try again.
 */

#include <linux/dma-fence-set.h>
#include <linux/errno.h>
#include <linux/prefetch.h>

#include "compat/dma-fence-container.h"
#include "dma-resv-rule.h"
#include "dma-resv-store.h"

/* Writers may overtake a reader without the lock so often, then it locks. */
#define RESTARTS_MAX	4

/* How far ahead of its use a fence is asked for. */
#define PREFETCH	8

/* Past so many references on the stub, fences stay though they have signaled. */
#define STUB_REFS_MAX	0x40000000U

/* What is noted beside a fence, if not the slot that it may take. */
#define NOTE_NEW	0xffffffffU
#define NOTE_COVERED	0xfffffffeU

/*
 * Add entry @i to @set, which has room for @room fences, under rcu_read_lock().
 * -EAGAIN: the list is no longer that of the reservation object, or has become longer.
 */
static int list_collect_entry(struct dma_resv *resv, struct dma_resv_list *list,
			      unsigned int i, enum dma_resv_usage usage,
			      struct dma_fence_set *set, unsigned int room)
{
	unsigned int tries = 0;
	unsigned long entry, again;
	struct dma_fence *fence;

	for (entry = dma_resv_list_entry(list, i);; entry = again) {
		if (dma_resv_entry_usage(entry) > usage ||
		    entry == dma_resv_entry_none(resv))
			return 0;
		if (dma_fence_set_count(set) == room)
			return -EAGAIN;
		fence = dma_fence_get_rcu(dma_resv_entry_fence(entry));
		/* First the reference, then a look at what it is good for. */
		smp_mb__after_atomic();
		again = dma_resv_list_entry(list, i);
		if (fence && again == entry && dma_resv_list_of(resv) == list)
			break;
		/* Replaced, and perhaps freed and used again. */
		dma_fence_put(fence);
		if (again == entry || tries++ == RESTARTS_MAX)
			return -EAGAIN;
	}

	/* A container does not belong here: take it apart behind the lock. */
	if (dma_fence_is_container(fence)) {
		dma_fence_put(fence);
		return -EAGAIN;
	}
	dma_fence_set_take(set, fence);
	return 0;
}

/* How many entries of @list are for @usage. */
static unsigned int list_count_for(struct dma_resv *resv,
				   struct dma_resv_list *list,
				   enum dma_resv_usage usage)
{
	unsigned int i, count = dma_resv_list_count(list), found = 0;

	/* So many make no difference. */
	if (count <= DMA_FENCE_SET_INLINE)
		return count;
	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		found += dma_resv_entry_usage(entry) <= usage &&
			 entry != dma_resv_entry_none(resv);
	}
	return found;
}

/* Collect in one pass under RCU. -EAGAIN: writers got in between. */
static int list_collect_once(struct dma_resv *resv, enum dma_resv_usage usage,
			     struct dma_fence_set *set)
{
	unsigned int i, count, room;
	struct dma_resv_list *list;
	int ret;

	rcu_read_lock();
	room = list_count_for(resv, dma_resv_list_of(resv), usage);
	rcu_read_unlock();
	room = min(dma_fence_set_count(set) + room, DMA_FENCE_SET_MAX);
	room = max(room, DMA_FENCE_SET_INLINE);
	ret = dma_fence_set_reserve(set, room);
	if (ret)
		return ret;

	rcu_read_lock();
	list = dma_resv_list_of(resv);
	count = dma_resv_list_count(list);
	for (i = 0; i < count && !ret; i++)
		ret = list_collect_entry(resv, list, i, usage, set, room);
	rcu_read_unlock();
	return ret;
}

/*
 * Whatever a try has found before it had to be given up was in @resv after the
 * call began, so it stays.
 */
int dma_resv_list_collect(struct dma_resv *resv, enum dma_resv_usage usage,
			  struct dma_fence_set *set,
			  struct dma_resv_found *found)
{
	unsigned int dead;
	unsigned long walked;
	int ret;

	for (;; found->restarts++) {
		dead = dma_fence_set_signaled(set);
		walked = dma_fence_set_walked(set);
		ret = list_collect_once(resv, usage, set);
		found->dead = dma_fence_set_signaled(set) - dead;
		found->fences = dma_fence_set_walked(set) - walked -
				found->dead;
		if (ret != -EAGAIN || found->restarts == RESTARTS_MAX)
			return ret;
	}
}

/*
 * Room for the set and for others. The kernel's own code doubles, too: whoever
 * wants one slot more each time copies the list log n times.
 */
int dma_resv_list_prepare(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	unsigned int count, capacity, room;
	struct dma_resv_list *list;

	rcu_read_lock();
	list = dma_resv_list_of(resv);
	count = dma_resv_list_count(list);
	capacity = dma_resv_list_capacity(list);
	rcu_read_unlock();

	room = count + dma_fence_set_count(merge->set) + merge->extra;
	if (room <= capacity)
		return 0;
	/* As much as there may be, and as much that turns out to be covered. */
	if (dma_fence_set_count(merge->set) > DMA_RESV_LIST_MAX ||
	    room > 2 * DMA_RESV_LIST_MAX)
		return -ENOMEM;
	room = max(room, 2 * capacity);
	if (dma_resv_list_capacity(merge->list) >= room)
		return 0;
	dma_resv_list_discard(merge->list);
	merge->list = dma_resv_list_create(room);
	return merge->list ? 0 : -ENOMEM;
}

/* Replace the list of @resv by the longer one of @merge. */
static void list_grow(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *old = dma_resv_list_of(resv), *list = merge->list;
	unsigned int i, count = dma_resv_list_count(old);

	for (i = 0; i < count; i++)
		dma_resv_list_init_entry(list, i, dma_resv_list_entry(old, i));
	list->num_fences = count;
	dma_resv_list_publish(resv, list);
	merge->list = NULL;
}

/* What a commit knows of the list: each slot counts as one of these. */
struct merge_slots {
	/* what a slot without a fence holds */
	unsigned long none;
	/* in front of the count, as it was */
	unsigned int count;
	/* without a fence, and the list has a reference for it */
	unsigned int free;
	/* the fence has signaled: there is none any more, and no reference yet */
	unsigned int dead;
	/* behind the last that has not signaled */
	unsigned int end;
};

/* Note what @entry, in slot @i, means to the new fence that it meets, if any. */
static void merge_old_entry(struct dma_resv_merge *merge, unsigned int i,
			    unsigned long entry)
{
	struct dma_fence *old = dma_resv_entry_fence(entry);
	enum dma_resv_usage usage = dma_resv_entry_usage(entry);
	unsigned int pos = dma_fence_set_find(merge->set, old);
	u32 *note;

	if (pos == dma_fence_set_count(merge->set))
		return;
	note = dma_fence_set_note(merge->set, pos);
	if (*note == NOTE_COVERED)
		return;

	switch (dma_resv_rule(old, usage, dma_fence_set_fence(merge->set, pos),
			      merge->usage)) {
	case DMA_RESV_OLD:
		*note = NOTE_COVERED;
		break;
	case DMA_RESV_NEW:
		/* One of the same usage has to go: there can be only one. */
		if (*note == NOTE_NEW || usage == merge->usage)
			*note = i;
		break;
	case DMA_RESV_BOTH:
		break;
	}
}

static void list_prefetch(struct dma_resv_list *list, unsigned int i)
{
	prefetch(dma_resv_entry_fence(dma_resv_list_entry(list, i)));
}

/*
 * First pass, over the old entries: what has signaled goes, and each new fence has
 * a note of what becomes of it. Nobody waits for more or less than before.
 */
static void merge_old(struct dma_resv_merge *merge, struct dma_resv_list *list,
		      struct merge_slots *slots)
{
	struct dma_fence *stub = dma_resv_entry_fence(slots->none);
	bool replace = kref_read(&stub->refcount) < STUB_REFS_MAX;
	unsigned int i, count = dma_fence_set_count(merge->set);

	for (i = 0; i < count; i++)
		*dma_fence_set_note(merge->set, i) = NOTE_NEW;

	for (i = 0; i < slots->count; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);
		struct dma_fence *fence = dma_resv_entry_fence(entry);

		if (i + PREFETCH < slots->count)
			list_prefetch(list, i + PREFETCH);
		if (entry == slots->none) {
			slots->free++;
			continue;
		}
		/* Case 9. */
		if (dma_fence_is_signaled(fence)) {
			if (replace) {
				merge->pruned++;
				slots->dead++;
				dma_resv_list_set(list, i, slots->none);
				dma_fence_put(fence);
				continue;
			}
		} else {
			merge->kept++;
			if (count)
				merge_old_entry(merge, i, entry);
		}
		slots->end = i + 1;
	}
}

/* The next slot from @i on without a fence; at last, the one behind the count. */
static unsigned int merge_free_slot(struct dma_resv_list *list,
				    const struct merge_slots *slots,
				    unsigned int i)
{
	while (i < slots->count && dma_resv_list_entry(list, i) != slots->none)
		i++;
	return i;
}

/*
 * Second pass, over the new fences, for which there is room.
 *
 * Return: how many went into slots in front of the count.
 */
static unsigned int merge_new(struct dma_resv_merge *merge,
			      struct dma_resv_list *list,
			      struct merge_slots *slots)
{
	unsigned int pos, free = 0, used = 0;

	for (pos = 0; pos < dma_fence_set_count(merge->set); pos++) {
		struct dma_fence *fence = dma_fence_set_fence(merge->set, pos);
		struct dma_fence *old = NULL;
		u32 slot = *dma_fence_set_note(merge->set, pos);

		if (slot == NOTE_COVERED)
			continue;
		if (slot == NOTE_NEW) {
			slot = merge_free_slot(list, slots, free);
			free = slot + 1;
			used += slot < slots->count;
			merge->kept++;
		} else {
			old = dma_resv_entry_fence(dma_resv_list_entry(list,
								       slot));
			merge->pruned++;
		}
		dma_resv_list_set(list, slot,
				  dma_resv_entry(dma_fence_get(fence),
						 merge->usage));
		dma_fence_put(old);
		slots->end = max(slots->end, slot + 1);
	}
	return used;
}

/*
 * The count ends at the last fence that has not signaled. @used of the slots in
 * front of it hold a fence again.
 */
static void merge_trim(struct dma_resv_list *list, struct merge_slots *slots,
		       unsigned int used)
{
	struct dma_fence *stub = dma_resv_entry_fence(slots->none);
	int refs = slots->dead - used;
	unsigned int i;

	/*
	 * Where the kernel cuts the capacity down to the count, nobody would know
	 * any more how many slots readers may have seen.
	 */
	if (IS_ENABLED(CONFIG_DEBUG_MUTEXES))
		slots->end = max(slots->end, slots->count);
	/* Readers who know the old count find the stub that needs no reference. */
	for (i = slots->end; i < slots->count; i++, refs--)
		dma_resv_list_set(list, i, dma_resv_entry_behind());
	if (slots->end != slots->count)
		dma_resv_list_set_count(list, slots->end);
	for (; refs > 0; refs--)
		dma_fence_get(stub);
	for (; refs < 0; refs++)
		dma_fence_put(stub);
}

/* After the first pass: how many fences will be more entries than before? */
static unsigned int merge_count_new(struct dma_resv_merge *merge)
{
	unsigned int i, fresh = 0;

	for (i = 0; i < dma_fence_set_count(merge->set); i++)
		fresh += *dma_fence_set_note(merge->set, i) == NOTE_NEW;
	return fresh;
}

/* After the first pass: -ENOMEM if they are too many, -EAGAIN without slots. */
static int merge_check(struct dma_resv_merge *merge, struct dma_resv_list *list,
		       const struct merge_slots *slots)
{
	unsigned int room = dma_resv_list_capacity(list) - slots->count;
	unsigned int fresh = dma_fence_set_count(merge->set);

	if (fresh <= room && merge->kept + fresh <= DMA_RESV_LIST_MAX)
		return 0;
	fresh = merge_count_new(merge);
	if (merge->kept + fresh > DMA_RESV_LIST_MAX)
		return -ENOMEM;
	return fresh > room + slots->free + slots->dead ? -EAGAIN : 0;
}

static void merge_begin(struct dma_resv_merge *merge, struct dma_resv *resv,
			struct merge_slots *slots)
{
	*slots = (struct merge_slots) {
		.none = dma_resv_entry_none(resv),
		.count = dma_resv_list_count(dma_resv_list_of(resv)),
	};
	merge->kept = 0;
	merge->pruned = 0;
}

/*
 * Might a commit find too many? What others add in between is in @merge->extra; what
 * covers a new fence now, or a later one, does so then, or has signaled.
 */
static bool merge_may_be_full(struct dma_resv_merge *merge,
			      struct dma_resv *resv)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);
	struct merge_slots slots;

	if (!list)
		return dma_fence_set_count(merge->set) + merge->extra >
		       DMA_RESV_LIST_MAX;
	merge_begin(merge, resv, &slots);
	merge_old(merge, list, &slots);
	merge_trim(list, &slots, 0);
	return merge->kept + merge_count_new(merge) + merge->extra >
	       DMA_RESV_LIST_MAX;
}

static unsigned int merge_room(struct dma_resv_merge *merge,
			       struct dma_resv *resv)
{
	return dma_resv_list_count(dma_resv_list_of(resv)) +
	       dma_fence_set_count(merge->set) + merge->extra;
}

int dma_resv_list_reserve(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	unsigned int capacity = dma_resv_list_capacity(dma_resv_list_of(resv));
	unsigned int room = merge_room(merge, resv);

	dma_resv_assert_held(resv);
	if (merge->final && room > DMA_RESV_LIST_MAX) {
		if (merge_may_be_full(merge, resv))
			return -ENOMEM;
		room = merge_room(merge, resv);
	}
	if (room <= capacity)
		return 0;
	if (dma_resv_list_capacity(merge->list) < max(room, 2 * capacity))
		return -EAGAIN;
	list_grow(merge, resv);
	return 0;
}

int dma_resv_list_commit(struct dma_resv_merge *merge, struct dma_resv *resv)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);
	struct merge_slots slots;
	unsigned int used = 0;
	int ret;

	dma_resv_assert_held(resv);
	merge_begin(merge, resv, &slots);
	if (!list)
		return dma_fence_set_count(merge->set) ? -EAGAIN : 0;
	/* The same once more, as for each plane of a frame. */
	if (slots.count == 1 && dma_fence_set_count(merge->set) == 1 &&
	    dma_resv_list_entry(list, 0) ==
	    dma_resv_entry(dma_fence_set_fence(merge->set, 0), merge->usage)) {
		merge->kept = 1;
		return 0;
	}

	merge_old(merge, list, &slots);
	ret = merge_check(merge, list, &slots);
	if (!ret)
		used = merge_new(merge, list, &slots);
	merge_trim(list, &slots, used);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of fences
 *
 * Promises: a set holds one fence for each context, the latest that was added
 * and had not signaled; adding is linear in the fences and chain links that
 * are walked, whatever the shape of the container; no allocation is larger than
 * a page.
 *
 * Does not: know what a dma_resv is, or drop fences that signal while they
 * are in the set.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/prefetch.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "compat/dma-fence-array.h"
#include "compat/dma-fence-container.h"
#include "compat/dma-fence-time.h"

/**
 * DOC: Overview
 *
 * Sync_files and reservation objects hand around containers: arrays of fences
 * and chains whose links hold fences or arrays. Whoever merges two of them has
 * to take both apart first, keep the latest fence of each context and build
 * one container again. A &struct dma_fence_set is what lies in between;
 * dma_fence_set_merge_two() is an example of how it is used.
 *
 * What dma_fence_set_merge() builds can be taken apart by
 * dma_fence_unwrap_for_each() and by every driver that does so: a bare fence,
 * an array, or a chain of arrays. It never nests an array in an array.
 */

/* Fences and links between two looks at the scheduler and at fatal signals. */
#define WALK_BATCH	1024

/* How far ahead of its use a fence is asked for. */
#define PREFETCH	8

/* As many fences as keep a struct dma_fence_array within a page, as a rule. */
#define ARRAY_MAX	((COMPAT_ARRAY_SIZE - sizeof(struct dma_fence_array)) / \
			 sizeof(struct dma_fence_array_cb))

/*
 * Can @a stand for @b, or the other way round? Several drivers give all fences of
 * a kind context and sequence number 0: these signal in no order, and each has
 * to be kept. @a is NULL where a fence was dropped.
 */
static bool fences_have_order(struct dma_fence *a, struct dma_fence *b)
{
	return a && a->context == b->context &&
	       (a == b || dma_fence_is_later(a, b) || dma_fence_is_later(b, a));
}

/*
 * Position of a fence that can be ordered with @fence, or @set->count: then
 * @cursor is where to index it.
 */
static __always_inline unsigned int
fence_set_search(const struct dma_fence_set *set,
		 struct dma_fence_index_cursor *cursor, struct dma_fence *fence)
{
	u64 context = fence->context;
	unsigned int i;

	if (!set->index.bits) {
		for (i = 0; i < set->count; i++)
			if (set->contexts[i] == context &&
			    fences_have_order(*dma_fence_set_at(set, i), fence))
				break;
		return i;
	}

	dma_fence_index_start(&set->index, cursor, context);
	while ((i = dma_fence_index_next(&set->index, cursor)) !=
	       DMA_FENCE_INDEX_END)
		if (fences_have_order(*dma_fence_set_at(set, i), fence))
			return i;
	return set->count;
}

static unsigned int fence_set_find(const struct dma_fence_set *set,
				   struct dma_fence *fence)
{
	struct dma_fence_index_cursor cursor;

	return fence_set_search(set, &cursor, fence);
}

/* Nothing to wait for any more, but the time may be of interest. */
static void fence_set_note_signaled(struct dma_fence_set *set,
				    struct dma_fence *fence)
{
	ktime_t timestamp = compat_dma_fence_timestamp(fence);

	set->signaled_count++;
	if (ktime_after(timestamp, set->signaled))
		set->signaled = timestamp;
}

/**
 * dma_fence_set_init - make an empty set
 * @set: the set
 *
 * Allocates nothing.
 */
void dma_fence_set_init(struct dma_fence_set *set)
{
	dma_fence_table_borrow(&set->fences, set->inline_fences);
	set->count = 0;
	set->capacity = DMA_FENCE_SET_INLINE;
	dma_fence_index_none(&set->index);
	set->walked = 0;
	set->signaled = 0;
	set->signaled_count = 0;
}
EXPORT_SYMBOL_GPL(dma_fence_set_init);

/**
 * dma_fence_set_fini - empty a set and free its memory
 * @set: the set; dma_fence_set_init() makes it usable again
 *
 * Drops the reference on each fence. Context: process; may sleep.
 */
void dma_fence_set_fini(struct dma_fence_set *set)
{
	unsigned int i;

	for (i = 0; i < set->count; i++)
		dma_fence_put(*dma_fence_set_at(set, i));
	if (set->capacity > DMA_FENCE_SET_INLINE) {
		dma_fence_table_fini(&set->fences);
		dma_fence_index_fini(&set->index);
	}
}
EXPORT_SYMBOL_GPL(dma_fence_set_fini);

/**
 * dma_fence_set_reserve - make room
 * @set: the set
 * @capacity: number of contexts for which there shall be room
 *
 * Context: process; may sleep.
 *
 * Return: 0, or -ENOMEM without memory or past %DMA_FENCE_SET_MAX contexts.
 */
int dma_fence_set_reserve(struct dma_fence_set *set, unsigned int capacity)
{
	struct dma_fence_table fences;
	struct dma_fence_index index;
	unsigned int i;

	if (capacity <= set->capacity)
		return 0;
	if (capacity > DMA_FENCE_SET_MAX)
		return -ENOMEM;

	capacity = roundup_pow_of_two(max(capacity, 64U));
	if (dma_fence_table_init(&fences, capacity * sizeof(struct dma_fence *),
				 0))
		return -ENOMEM;
	if (dma_fence_index_init(&index, capacity)) {
		dma_fence_table_fini(&fences);
		return -ENOMEM;
	}

	for (i = 0; i < set->count; i++) {
		struct dma_fence *fence = *dma_fence_set_at(set, i);
		struct dma_fence **at;

		at = dma_fence_table_at(&fences, i * sizeof(fence));
		*at = fence;
		if (fence)
			dma_fence_index_add(&index, fence->context, i);
	}
	dma_fence_table_fini(&set->fences);
	dma_fence_index_fini(&set->index);
	dma_fence_table_move(&set->fences, &fences);
	dma_fence_index_move(&set->index, &index);
	set->capacity = capacity;
	return 0;
}
EXPORT_SYMBOL_GPL(dma_fence_set_reserve);

/* Give the reference on @fence to @set, or drop it. There must be room. */
static __always_inline void fence_set_take(struct dma_fence_set *set,
					   struct dma_fence *fence)
{
	struct dma_fence_index_cursor cursor;
	struct dma_fence **at, *old;
	unsigned int pos;

	if (dma_fence_is_signaled(fence)) {
		fence_set_note_signaled(set, fence);
		dma_fence_put(fence);
		return;
	}

	pos = fence_set_search(set, &cursor, fence);
	at = dma_fence_set_at(set, pos);
	if (pos == set->count) {
		*at = fence;
		set->count++;
		if (set->index.bits)
			dma_fence_index_add_at(&set->index, &cursor, pos);
		else
			set->contexts[pos] = fence->context;
		return;
	}

	old = *at;
	if (dma_fence_is_later(fence, old)) {
		*at = fence;
		dma_fence_put(old);
	} else {
		dma_fence_put(fence);
	}
}

/**
 * dma_fence_set_take - give a fence to a set that has room for it
 * @set: the set; dma_fence_set_reserve() made room for one more context
 * @fence: a fence that is no container, with a reference that the set takes
 *
 * The reference is dropped if @fence has signaled, or if the set has it or a
 * later one of its context. Fences that are not ordered, since context and
 * sequence number are the same, are all kept.
 *
 * Context: any, also under RCU.
 */
void dma_fence_set_take(struct dma_fence_set *set, struct dma_fence *fence)
{
	fence_set_take(set, fence);
}
EXPORT_SYMBOL_GPL(dma_fence_set_take);

/* Add one fence that is no container. */
static __always_inline int
fence_set_add_one(struct dma_fence_set *set, struct dma_fence *fence)
{
	int ret;

	if (++set->walked % WALK_BATCH == 0) {
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}

	if (set->count == set->capacity && !dma_fence_is_signaled(fence) &&
	    fence_set_find(set, fence) == set->count) {
		ret = dma_fence_set_reserve(set, set->count + 1);
		if (ret)
			return ret;
	}
	fence_set_take(set, dma_fence_get(fence));
	return 0;
}

/* Add what one link of a chain stands for, or a fence outside any chain. */
static int fence_set_add_link(struct dma_fence_set *set, struct dma_fence *link)
{
	struct dma_fence *fence = dma_fence_chain_contained(link);
	struct dma_fence_array *array = to_dma_fence_array(fence);
	unsigned int i;
	int ret = 0;

	if (!array)
		return fence_set_add_one(set, fence);

	for (i = 0; i < array->num_fences && !ret; i++) {
		if (i + PREFETCH < array->num_fences)
			prefetch(array->fences[i + PREFETCH]);
		ret = fence_set_add_one(set, array->fences[i]);
	}
	return ret;
}

/*
 * dma_fence_chain_walk() would skip any number of signaled links in one go, deaf
 * to signals, so the links are followed one by one. They are left as they are.
 *
 * The link before @link with a reference, or NULL at the end of the chain.
 */
static struct dma_fence *fence_chain_prev(struct dma_fence *link)
{
	struct dma_fence_chain *chain = to_dma_fence_chain(link);
	struct dma_fence *prev;

	if (!chain)
		return NULL;

	rcu_read_lock();
	prev = dma_fence_get_rcu_safe(&chain->prev);
	rcu_read_unlock();
	return prev;
}

/**
 * dma_fence_set_add - take a fence apart and add what has not signaled
 * @set: the set
 * @fence: a fence, an array of fences, a chain, or a chain of arrays
 *
 * For each fence that @fence stands for and that has not signaled, the set
 * afterwards holds a reference on it or on a later one of its context. The
 * caller keeps its own reference on @fence. A container inside an array, which
 * the kernel warns about where it is made, is added as it is.
 *
 * Context: process; may sleep. No lock is needed. Memory is charged to the
 * caller's memory cgroup.
 *
 * Return: 0; -ENOMEM without memory, or with more than %DMA_FENCE_SET_MAX
 * contexts; -EINTR if the caller was killed. After an error the set may hold a
 * part of @fence.
 */
int dma_fence_set_add(struct dma_fence_set *set, struct dma_fence *fence)
{
	struct dma_fence *prev, *link;
	int ret = 0;

	for (link = dma_fence_get(fence); link && !ret; link = prev) {
		ret = fence_set_add_link(set, link);
		prev = fence_chain_prev(link);
		dma_fence_put(link);
	}
	dma_fence_put(link);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_fence_set_add);

/**
 * dma_fence_set_drop_covered - drop a fence that another one makes superfluous
 * @set: the set
 * @fence: a fence that is no container
 *
 * Drops the set's fence of the context of @fence if that is @fence, or earlier.
 * Its slot in &dma_fence_set.fences is NULL from then on.
 *
 * Context: any.
 *
 * Return: whether a fence was dropped.
 */
bool dma_fence_set_drop_covered(struct dma_fence_set *set,
				struct dma_fence *fence)
{
	unsigned int pos = fence_set_find(set, fence);
	struct dma_fence **at;

	if (pos == set->count)
		return false;
	at = dma_fence_set_at(set, pos);
	if (*at != fence && !dma_fence_is_later(fence, *at))
		return false;

	dma_fence_put(*at);
	*at = NULL;
	return true;
}
EXPORT_SYMBOL_GPL(dma_fence_set_drop_covered);

/*
 * One fence for @count fences of @set from @pos on. It takes their references, so
 * the set must forget them. NULL: no memory.
 */
static struct dma_fence *fence_set_merge_array(struct dma_fence_set *set,
					       unsigned int pos,
					       unsigned int count)
{
	struct dma_fence_array *array;
	struct dma_fence **fences;
	unsigned int i;

	if (count == 1)
		return *dma_fence_set_at(set, pos);

	fences = kmalloc_array(count, sizeof(*fences), GFP_KERNEL_ACCOUNT);
	if (!fences)
		return NULL;
	for (i = 0; i < count; i++)
		fences[i] = *dma_fence_set_at(set, pos + i);
	array = compat_dma_fence_array_create(count, fences);
	if (!array) {
		kfree(fences);
		return NULL;
	}
	return &array->base;
}

/* A chain with one link for each ARRAY_MAX fences of @set. NULL: no memory. */
static struct dma_fence *fence_set_merge_chain(struct dma_fence_set *set)
{
	struct dma_fence *head = NULL;
	unsigned int pos, seqno = 0;

	for (pos = 0; pos < set->count; pos += ARRAY_MAX) {
		unsigned int count = min_t(unsigned int, ARRAY_MAX,
					   set->count - pos);
		struct dma_fence_chain *link = kmalloc(sizeof(*link),
						       GFP_KERNEL_ACCOUNT);
		struct dma_fence *fence;

		fence = link ? fence_set_merge_array(set, pos, count) : NULL;
		if (!fence) {
			kfree(link);
			dma_fence_put(head);
			while (pos--)
				*dma_fence_set_at(set, pos) = NULL;
			return NULL;
		}
		dma_fence_chain_init(link, head, fence, ++seqno);
		head = &link->base;
		cond_resched();
	}
	return head;
}

/* Signaled, when the last of those was that the set did not take. */
static struct dma_fence *fence_set_signaled(struct dma_fence_set *set)
{
	if (!set->signaled)
		return dma_fence_get_stub();
	return compat_dma_fence_signaled_at(set->signaled) ?: ERR_PTR(-ENOMEM);
}

/**
 * dma_fence_set_merge - build one fence that stands for a whole set
 * @set: a set that never lost a fence to dma_fence_set_drop_covered()
 *
 * Gives a fence that signals once every fence of the set has: for an empty set a
 * signaled one with the time of @set->signaled, for a single fence that fence, a
 * &dma_fence_array while that fits into a page, otherwise a &dma_fence_chain
 * of such arrays, whose links whoever walks it frees once they have signaled.
 * An error of a fence shows in the status of an array, not of a chain.
 *
 * Takes the fences out of the set, after which only dma_fence_set_fini() is
 * allowed on it.
 *
 * Context: process; may sleep.
 *
 * Return: the fence, with a reference for the caller, or ERR_PTR(-ENOMEM).
 */
struct dma_fence *dma_fence_set_merge(struct dma_fence_set *set)
{
	struct dma_fence *fence;

	if (!set->count)
		return fence_set_signaled(set);

	if (set->count <= ARRAY_MAX)
		fence = fence_set_merge_array(set, 0, set->count);
	else
		fence = fence_set_merge_chain(set);
	if (!fence)
		return ERR_PTR(-ENOMEM);
	set->count = 0;
	return fence;
}
EXPORT_SYMBOL_GPL(dma_fence_set_merge);

/**
 * dma_fence_set_merge_two - one fence for two
 * @a: a fence or a container
 * @b: another
 *
 * The caller keeps its references. See dma_fence_set_merge() for the shapes that
 * the result can have.
 *
 * Context: process; may sleep.
 *
 * Return: a fence that signals once @a and @b have, with a reference for the
 * caller; ERR_PTR(-ENOMEM), or ERR_PTR(-EINTR) if the caller was killed.
 */
struct dma_fence *dma_fence_set_merge_two(struct dma_fence *a,
					  struct dma_fence *b)
{
	struct dma_fence_set set __uninitialized;
	struct dma_fence *fence;
	int ret;

	dma_fence_set_init(&set);
	ret = dma_fence_set_add(&set, a);
	if (!ret)
		ret = dma_fence_set_add(&set, b);
	fence = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	return fence;
}
EXPORT_SYMBOL_GPL(dma_fence_set_merge_two);

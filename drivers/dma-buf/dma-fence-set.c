// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of fences
 *
 * Promises: a set holds one fence for each context, the latest that was added
 * and had not signaled; adding is linear in the fences and chain links that
 * are walked, whatever the shape of the container. Whoever knows the numbers of
 * contexts cannot make the index slow. No allocation is larger than a page, but
 * for an array of fences, which takes eight if they are to be had.
 *
 * Does not: know what a dma_resv is, or drop fences that signal while they
 * are in the set.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/once.h>
#include <linux/prefetch.h>
#include <linux/random.h>
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
 *
 * Whoever merges a set into something of its own notes a number beside each fence:
 * dma_fence_set_reserve_notes().
 */

/* Fences and links between two looks at the scheduler and at fatal signals. */
#define WALK_BATCH	1024

/* How deep containers may be nested in others, and what they may hold then. */
#define DEPTH_MAX	8
#define NESTED_MAX	0x20000U

/* How far ahead of its use a fence is asked for. */
#define PREFETCH	8

/* How many fences keep a struct dma_fence_array within @size bytes. */
#define ARRAY_FENCES(size)	(((size) - sizeof(struct dma_fence_array)) / \
				 sizeof(struct dma_fence_array_cb))

/* An array is as large as the allocator gives without effort, or than a page. */
#define ARRAY_MAX	ARRAY_FENCES(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)
#define ARRAY_SMALL	ARRAY_FENCES(PAGE_SIZE)

/* What a page of pointers to pages makes possible, in bytes. */
#define TABLE_MAX	(PAGE_SIZE / sizeof(void *) * PAGE_SIZE)

/*
 * A slot of the index is free, or holds the position + 1, and above it as much of
 * the hash as fits.
 */
#define INDEX_POS	((1U << 19) - 1)

/*
 * Contexts are handed out in order, so user space could choose some that fall
 * into one slot of a hash it knows. The multiplier is secret.
 */
static u64 index_secret __read_mostly;

/* Where a search in the index stands, and what its candidates have. */
struct cursor {
	u32 slot, tag;
};

static void table_borrow(struct dma_fence_set_table *table, void *memory)
{
	table->single = memory;
	table->pages = &table->single;
	table->count = 0;
}

static void table_fini(struct dma_fence_set_table *table)
{
	unsigned int i;

	if (table->pages != &table->single) {
		for (i = 0; i < table->count; i++)
			free_page((unsigned long)table->pages[i]);
		kfree(table->pages);
	} else if (table->count) {
		kfree(table->single);
	}
	table_borrow(table, NULL);
}

/* Give the memory of @from to @to. */
static void table_move(struct dma_fence_set_table *to,
		       struct dma_fence_set_table *from)
{
	table_fini(to);
	*to = *from;
	if (from->pages == &from->single)
		to->pages = &to->single;
	table_borrow(from, NULL);
}

static int table_init(struct dma_fence_set_table *table, size_t size,
		      gfp_t flags)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | flags;
	unsigned int count = DIV_ROUND_UP(size, PAGE_SIZE);

	table_borrow(table, NULL);
	if (size > TABLE_MAX)
		return -ENOMEM;
	if (count <= 1) {
		table->single = kmalloc(size, gfp);
		table->count = 1;
		return table->single ? 0 : -ENOMEM;
	}

	table->pages = kmalloc_array(count, sizeof(*table->pages),
				     GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!table->pages) {
		table_borrow(table, NULL);
		return -ENOMEM;
	}
	for (table->count = 0; table->count < count; table->count++) {
		void *page = (void *)__get_free_page(gfp);

		if (!page) {
			table_fini(table);
			return -ENOMEM;
		}
		table->pages[table->count] = page;
	}
	return 0;
}

static __always_inline struct dma_fence **
fence_at(const struct dma_fence_set *set, unsigned int i)
{
	return dma_fence_set_at(&set->fences, i * sizeof(struct dma_fence *));
}

static __always_inline u32 *index_slot(const struct dma_fence_set *set,
				       u32 slot)
{
	return dma_fence_set_at(&set->index, slot * sizeof(u32));
}

/* Let @cursor stand before the first candidate for @context. */
static __always_inline void index_start(const struct dma_fence_set *set,
					struct cursor *cursor, u64 context)
{
	/*
	 * The secret alone is no good: contexts that follow each other, as they
	 * do, would meet in few slots for some of its values.
	 */
	u64 hash = context * GOLDEN_RATIO_64;

	hash ^= hash >> 32;
	hash *= index_secret | 1;
	cursor->slot = hash >> (64 - set->bits);
	cursor->tag = (hash >> 16) & ~INDEX_POS;
}

/* The position of the next candidate, or @set->count. */
static __always_inline u32 index_next(const struct dma_fence_set *set,
				      struct cursor *cursor)
{
	u32 mask = (1U << set->bits) - 1;
	u32 entry;

	while ((entry = *index_slot(set, cursor->slot))) {
		if ((entry & ~INDEX_POS) == cursor->tag) {
			cursor->slot = (cursor->slot + 1) & mask;
			return (entry & INDEX_POS) - 1;
		}
		cursor->slot = (cursor->slot + 1) & mask;
	}
	return set->count;
}

/* Add @pos where a search came to its end, with no other in between. */
static __always_inline void index_add(struct dma_fence_set *set,
				      const struct cursor *cursor, u32 pos)
{
	*index_slot(set, cursor->slot) = cursor->tag | (pos + 1);
}

/**
 * dma_fence_covers - does one fence stand for another?
 * @a: a fence that is no container
 * @b: another, or the same
 *
 * Whoever has waited for @a has waited for @b if they are the same, or if @a is
 * later on the same timeline. Several drivers give all fences of a kind context
 * and sequence number 0: such fences signal in no order. Containers are not asked
 * about: a chain can be continued in two ways, and both ends have its context.
 *
 * Context: any.
 *
 * Return: whether @a signals no earlier than @b for certain.
 */
bool dma_fence_covers(struct dma_fence *a, struct dma_fence *b)
{
	return a == b ||
	       (a->context == b->context && dma_fence_is_later(a, b));
}
EXPORT_SYMBOL_GPL(dma_fence_covers);

/*
 * Position of a fence of which one covers the other, or @set->count: then @cursor
 * is where to index it.
 */
static __always_inline unsigned int
fence_set_search(const struct dma_fence_set *set, struct cursor *cursor,
		 struct dma_fence *fence)
{
	u64 context = fence->context;
	unsigned int i;

	if (!set->bits) {
		for (i = 0; i < set->count; i++)
			if (unlikely(set->contexts[i] == context) &&
			    (dma_fence_covers(*fence_at(set, i), fence) ||
			     dma_fence_covers(fence, *fence_at(set, i))))
				break;
		return i;
	}

	index_start(set, cursor, context);
	while ((i = index_next(set, cursor)) < set->count)
		if ((*fence_at(set, i))->context == context &&
		    (dma_fence_covers(*fence_at(set, i), fence) ||
		     dma_fence_covers(fence, *fence_at(set, i))))
			break;
	return i;
}

/* What is behind dma_fence_set_find(). */
unsigned int __dma_fence_set_find(const struct dma_fence_set *set,
				  struct dma_fence *fence)
{
	struct cursor cursor;

	return fence_set_search(set, &cursor, fence);
}
EXPORT_SYMBOL_GPL(__dma_fence_set_find);

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
 * Allocates nothing. Context: any.
 */
void dma_fence_set_init(struct dma_fence_set *set)
{
	table_borrow(&set->fences, set->few_fences);
	table_borrow(&set->notes, set->few_notes);
	table_borrow(&set->index, NULL);
	set->count = 0;
	set->capacity = DMA_FENCE_SET_INLINE;
	set->bits = 0;
	set->borrowed = false;
	set->signaled_count = 0;
	set->nested = 0;
	set->walked = 0;
	set->signaled = 0;
}
EXPORT_SYMBOL_GPL(dma_fence_set_init);

/* What is behind dma_fence_set_fini(). */
void __dma_fence_set_fini(struct dma_fence_set *set)
{
	unsigned int i;

	for (i = 0; i < set->count && !set->borrowed; i++)
		dma_fence_put(*fence_at(set, i));
	set->count = 0;
	table_fini(&set->fences);
	table_fini(&set->notes);
	table_fini(&set->index);
}
EXPORT_SYMBOL_GPL(__dma_fence_set_fini);

/* Put all fences of @set, which has none in its index, there. */
static void fence_set_index(struct dma_fence_set *set)
{
	u32 mask = (1U << set->bits) - 1;
	struct cursor cursor;
	unsigned int i;

	for (i = 0; i < set->count; i++) {
		index_start(set, &cursor, (*fence_at(set, i))->context);
		while (*index_slot(set, cursor.slot))
			cursor.slot = (cursor.slot + 1) & mask;
		index_add(set, &cursor, i);
	}
}

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
	struct dma_fence_set_table fences, index;
	unsigned int i, bits;

	if (capacity <= set->capacity)
		return 0;
	if (capacity > DMA_FENCE_SET_MAX)
		return -ENOMEM;

	capacity = roundup_pow_of_two(max(capacity, 64U));
	/* At most every second slot is in use. */
	bits = ilog2(capacity) + 1;
	if (table_init(&fences, capacity * sizeof(struct dma_fence *), 0))
		return -ENOMEM;
	if (table_init(&index, sizeof(u32) << bits, __GFP_ZERO)) {
		table_fini(&fences);
		return -ENOMEM;
	}
	get_random_once(&index_secret, sizeof(index_secret));

	for (i = 0; i < set->count; i++) {
		struct dma_fence **at = dma_fence_set_at(&fences, i * sizeof(*at));

		*at = *fence_at(set, i);
	}
	table_move(&set->fences, &fences);
	table_move(&set->index, &index);
	set->capacity = capacity;
	set->bits = bits;
	fence_set_index(set);
	return 0;
}
EXPORT_SYMBOL_GPL(dma_fence_set_reserve);

/* What is behind dma_fence_set_reserve_notes(). */
int __dma_fence_set_reserve_notes(struct dma_fence_set *set)
{
	if (set->notes.count)
		return 0;
	return table_init(&set->notes, set->count * sizeof(u32), 0);
}
EXPORT_SYMBOL_GPL(__dma_fence_set_reserve_notes);

/* Give the reference on @fence to @set, or drop it. There must be room. */
static __always_inline void fence_set_take(struct dma_fence_set *set,
					   struct dma_fence *fence)
{
	struct dma_fence **at, *drop = fence;
	struct cursor cursor;
	unsigned int pos;

	if (dma_fence_is_signaled(fence)) {
		fence_set_note_signaled(set, fence);
		goto out;
	}

	pos = fence_set_search(set, &cursor, fence);
	at = fence_at(set, pos);
	if (pos == set->count) {
		*at = fence;
		set->count++;
		if (set->bits)
			index_add(set, &cursor, pos);
		else
			set->contexts[pos] = fence->context;
		return;
	}
	if (!dma_fence_covers(*at, fence)) {
		drop = *at;
		*at = fence;
	}
out:
	if (!set->borrowed)
		dma_fence_put(drop);
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
	set->walked++;
	fence_set_take(set, fence);
}
EXPORT_SYMBOL_GPL(dma_fence_set_take);

/* Add one fence that is no container. */
static __always_inline int fence_set_add_one(struct dma_fence_set *set,
					     struct dma_fence *fence,
					     unsigned int depth)
{
	int ret;

	if (unlikely(depth) && ++set->nested > NESTED_MAX)
		return -EINVAL;

	if (++set->walked % WALK_BATCH == 0) {
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;
	}

	if (set->count == set->capacity && !dma_fence_is_signaled(fence) &&
	    dma_fence_set_find(set, fence) == set->count) {
		ret = dma_fence_set_reserve(set, set->count + 1);
		if (ret)
			return ret;
	}
	fence_set_take(set, set->borrowed ? fence : dma_fence_get(fence));
	return 0;
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

/* Hold the fences of @set, whoever else does. */
static void fence_set_own(struct dma_fence_set *set)
{
	unsigned int i;

	for (i = 0; i < set->count && set->borrowed; i++)
		dma_fence_get(*fence_at(set, i));
	set->borrowed = false;
}

static int fence_set_add_any(struct dma_fence_set *set, struct dma_fence *fence,
			     unsigned int depth);

/*
 * Add a container that was found in another one. That can be one and the same in
 * many places, so the work is bounded for it.
 */
static int fence_set_add_nested(struct dma_fence_set *set,
				struct dma_fence *fence, unsigned int depth)
{
	if (depth == DEPTH_MAX)
		return -EINVAL;
	/* Links may leave a chain, whoever holds that. */
	fence_set_own(set);
	return fence_set_add_any(set, fence, depth + 1);
}

static int fence_set_add_array(struct dma_fence_set *set,
			       struct dma_fence_array *array,
			       unsigned int depth)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < array->num_fences && !ret; i++) {
		struct dma_fence *fence = array->fences[i];

		if (i + PREFETCH < array->num_fences)
			prefetch(array->fences[i + PREFETCH]);
		if (unlikely(dma_fence_is_container(fence)))
			ret = fence_set_add_nested(set, fence, depth);
		else
			ret = fence_set_add_one(set, fence, depth);
	}
	return ret;
}

/* Add what one link of a chain stands for, or a fence outside any chain. */
static int fence_set_add_link(struct dma_fence_set *set, struct dma_fence *link,
			      unsigned int depth)
{
	struct dma_fence *fence = dma_fence_chain_contained(link);
	struct dma_fence_array *array = to_dma_fence_array(fence);

	if (array)
		return fence_set_add_array(set, array, depth);
	if (unlikely(fence != link && to_dma_fence_chain(fence)))
		return fence_set_add_nested(set, fence, depth);
	return fence_set_add_one(set, fence, depth);
}

static int fence_set_add_any(struct dma_fence_set *set, struct dma_fence *fence,
			     unsigned int depth)
{
	struct dma_fence *prev, *link;
	int ret = 0;

	for (link = dma_fence_get(fence); link && !ret; link = prev) {
		ret = fence_set_add_link(set, link, depth);
		prev = fence_chain_prev(link);
		dma_fence_put(link);
	}
	dma_fence_put(link);
	return ret;
}

/**
 * dma_fence_set_add - take a fence apart and add what has not signaled
 * @set: the set
 * @fence: a fence, an array of fences, a chain, or a chain of arrays
 *
 * For each fence that @fence stands for and that has not signaled, the set
 * afterwards holds a reference on it or on a later one of its context. The
 * caller keeps its own reference on @fence. Containers in containers, which some
 * drivers and versions of drm_syncobj make, are taken apart as well, if they are few.
 *
 * Context: process; may sleep. No lock is needed. Memory is charged to the
 * caller's memory cgroup.
 *
 * Return: 0; -ENOMEM without memory, or with more than %DMA_FENCE_SET_MAX
 * contexts; -EINTR if the caller was killed; -EINVAL if containers are nested more
 * than 8 deep, or if those in others hold more than 131,072 fences. After an error
 * the set may hold a part of @fence.
 */
int dma_fence_set_add(struct dma_fence_set *set, struct dma_fence *fence)
{
	fence_set_own(set);
	return fence_set_add_any(set, fence, 0);
}
EXPORT_SYMBOL_GPL(dma_fence_set_add);

/**
 * dma_fence_set_borrow - fill an empty set with fences that somebody else holds
 * @set: the set, empty
 * @fence: as for dma_fence_set_add(); the caller holds a reference until
 *	dma_fence_set_fini()
 *
 * Does what dma_fence_set_add() does, and spares the set references of its own
 * where @fence holds all of its fences, as an array does. A chain does not: links
 * that have signaled leave it.
 *
 * Context: process; may sleep. Allocates nothing for up to
 * %DMA_FENCE_SET_INLINE contexts.
 *
 * Return: as dma_fence_set_add().
 */
int dma_fence_set_borrow(struct dma_fence_set *set, struct dma_fence *fence)
{
	struct dma_fence_array *array;
	int ret;

	if (to_dma_fence_chain(fence))
		return dma_fence_set_add(set, fence);

	set->borrowed = true;
	array = to_dma_fence_array(fence);
	if (!array) {
		set->walked = 1;
		fence_set_take(set, fence);
		return 0;
	}
	ret = dma_fence_set_reserve(set, min(array->num_fences,
					     DMA_FENCE_SET_MAX));
	return ret ?: fence_set_add_array(set, array, 0);
}
EXPORT_SYMBOL_GPL(dma_fence_set_borrow);

/*
 * One fence for @count fences of @set from @pos on. It takes their references, so
 * the set must forget them. NULL: no memory.
 */
static struct dma_fence *fence_set_merge_array(struct dma_fence_set *set,
					       unsigned int pos,
					       unsigned int count)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT;
	struct dma_fence_array *array;
	struct dma_fence **fences;
	unsigned int i;

	if (count == 1)
		return *fence_at(set, pos);

	/* A smaller one will do as well. */
	if (count > ARRAY_SMALL)
		gfp |= __GFP_NORETRY | __GFP_NOWARN;
	fences = kmalloc_array(count, sizeof(*fences), gfp);
	if (!fences)
		return NULL;
	for (i = 0; i < count; i++)
		fences[i] = *fence_at(set, pos + i);
	array = compat_dma_fence_array_create(count, fences, gfp);
	if (!array) {
		kfree(fences);
		return NULL;
	}
	return &array->base;
}

/*
 * A link for @fence, whose reference it takes, in front of @prev. The sequence
 * number is 0: drm_syncobj takes any other one for a point of a timeline.
 */
static struct dma_fence *fence_set_merge_link(struct dma_fence *prev,
					      struct dma_fence *fence)
{
	struct dma_fence_chain *link = kmalloc(sizeof(*link),
					       GFP_KERNEL_ACCOUNT);

	if (!link)
		return NULL;
	dma_fence_chain_init(link, prev, fence, 0);
	return &link->base;
}

/* All fences of @set as few arrays as there is memory for. NULL: no memory. */
static struct dma_fence *fence_set_merge_all(struct dma_fence_set *set)
{
	struct dma_fence *head = NULL, *fence, *link;
	unsigned int pos, count;

	for (pos = 0; pos < set->count; pos += count) {
		count = min_t(unsigned int, ARRAY_MAX, set->count - pos);
		fence = fence_set_merge_array(set, pos, count);
		if (!fence && count > ARRAY_SMALL) {
			count = ARRAY_SMALL;
			fence = fence_set_merge_array(set, pos, count);
		}
		if (!fence)
			goto err;
		/* All in one. */
		if (count == set->count)
			return fence;
		link = fence_set_merge_link(head, fence);
		if (!link)
			goto err_fence;
		head = link;
		cond_resched();
	}
	return head;

err_fence:
	dma_fence_put(fence);
	pos += count;
err:
	dma_fence_put(head);
	while (pos--)
		*fence_at(set, pos) = NULL;
	return NULL;
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
 * @set: the set
 *
 * Gives a fence that signals once every fence of the set has: for an empty set a
 * signaled one with the time when the last of those did that were offered, for a
 * single fence that fence, a &dma_fence_array of up to some 1,000 fences, otherwise
 * a &dma_fence_chain of such arrays, whose links whoever walks it frees once they
 * have signaled. All links have sequence number 0. Where memory is short, arrays
 * are small. An error of a fence shows in the status of an array, not of a chain.
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

	fence_set_own(set);
	fence = fence_set_merge_all(set);
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
 * caller; an error as dma_fence_set_add() has it.
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

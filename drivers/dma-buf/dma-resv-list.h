/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a reservation object stores its entries
 *
 * Promises: this header and dma-resv-list.c are the only places that know it.
 * Nothing here is used unless dma_resv_list_known is true, which it becomes
 * when the layout has been proven on a scratch reservation object.
 *
 * The kernel has had one layout since Linux 5.19: a table of fences whose
 * pointers carry the usage in their two low bits, a count, and a capacity. The
 * list owns a reference for each slot in front of the count, and none behind it,
 * where the kernel writes without a look at what was there.
 */
#ifndef __DMA_RESV_LIST_H
#define __DMA_RESV_LIST_H

#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/hash.h>
#include <linux/rcupdate.h>

struct dma_resv_list {
	struct rcu_head rcu;
	u32 num_fences, max_fences;
	struct dma_fence __rcu *table[];
};

/* A fence is aligned: the low bits of its address are free for the usage. */
#define DMA_RESV_LIST_USAGE	3UL

extern bool dma_resv_list_known;

/*
 * What stands in a slot without a fence. Behind the count, which owns nothing, it is
 * the kernel's own signaled fence, which outlives all lists. That has context and
 * sequence number 0, as fences without an order have: whoever keeps one fence for a
 * context, as drm_sched does, would take it for one of them. So in front of the count
 * it is one of several that have contexts of their own.
 */
#define DMA_RESV_LIST_STUB_BITS	6

extern struct dma_fence *dma_resv_list_stub;
extern struct dma_fence *dma_resv_list_stubs[1 << DMA_RESV_LIST_STUB_BITS];

void dma_resv_list_init(void);
void dma_resv_list_fini(void);
struct dma_resv_list *dma_resv_list_create(unsigned int capacity);

static inline struct dma_fence *dma_resv_entry_fence(unsigned long entry)
{
	return (struct dma_fence *)(entry & ~DMA_RESV_LIST_USAGE);
}

static inline enum dma_resv_usage dma_resv_entry_usage(unsigned long entry)
{
	return entry & DMA_RESV_LIST_USAGE;
}

static inline unsigned long dma_resv_entry(struct dma_fence *fence,
					   enum dma_resv_usage usage)
{
	return (unsigned long)fence | usage;
}

/* The entry of @resv that holds no fence: as few as can be look at BOOKKEEP. */
static inline unsigned long dma_resv_entry_none(struct dma_resv *resv)
{
	unsigned int i = hash_ptr(resv, DMA_RESV_LIST_STUB_BITS);

	return dma_resv_entry(dma_resv_list_stubs[i], DMA_RESV_USAGE_BOOKKEEP);
}

/* The same for a slot behind the count. */
static inline unsigned long dma_resv_entry_behind(void)
{
	return dma_resv_entry(dma_resv_list_stub, DMA_RESV_USAGE_BOOKKEEP);
}

/* The list of @resv, for a holder of its lock or of rcu_read_lock(). */
static inline struct dma_resv_list *dma_resv_list_of(struct dma_resv *resv)
{
	return rcu_dereference_check(resv->fences, dma_resv_held(resv));
}

static inline unsigned int dma_resv_list_count(struct dma_resv_list *list)
{
	/* Pairs with dma_resv_list_set_count() and dma_resv_add_fence(). */
	return list ? smp_load_acquire(&list->num_fences) : 0;
}

/* The caller has put an entry into each slot in front of @count. */
static inline void dma_resv_list_set_count(struct dma_resv_list *list,
					   unsigned int count)
{
	/* Whoever sees the new count sees the entries. */
	smp_store_release(&list->num_fences, count);
}

/* How many slots @list has; without the lock, as good as a guess. */
static inline unsigned int dma_resv_list_capacity(struct dma_resv_list *list)
{
	return list ? READ_ONCE(list->max_fences) : 0;
}

/* Entry @i; the caller has the lock, or rcu_read_lock(). */
static inline unsigned long dma_resv_list_entry(struct dma_resv_list *list,
						unsigned int i)
{
	return (unsigned long)rcu_dereference_check(list->table[i], true);
}

/* Readers may see the entry at once; the list owns the fence's reference. */
static inline void dma_resv_list_set(struct dma_resv_list *list, unsigned int i,
				     unsigned long entry)
{
	rcu_assign_pointer(list->table[i], (struct dma_fence *)entry);
}

/* The same where nobody sees the list yet. */
static inline void dma_resv_list_init_entry(struct dma_resv_list *list,
					    unsigned int i, unsigned long entry)
{
	RCU_INIT_POINTER(list->table[i], (struct dma_fence *)entry);
}

/* Free a list that was never published, but not the fences in it. */
static inline void dma_resv_list_discard(struct dma_resv_list *list)
{
	kvfree(list);
}

/* Make @list that of @resv, which is locked. Readers may still use the old. */
static inline void dma_resv_list_publish(struct dma_resv *resv,
					 struct dma_resv_list *list)
{
	struct dma_resv_list *old = dma_resv_list_of(resv);

	rcu_assign_pointer(resv->fences, list);
	if (old)
		kvfree_rcu(old, rcu);
}

#endif /* __DMA_RESV_LIST_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a reservation object stores its entries
 *
 * Promises: this header and dma-resv-list.c are the only places that know it.
 * Nothing here is used unless dma_resv_list_known is true, which it becomes
 * when the layout has been proven on a scratch reservation object.
 *
 * The kernel has had one layout since Linux 5.19: a table of fences whose
 * pointers carry the usage in their two low bits, a count, and a capacity.
 */
#ifndef __DMA_RESV_LIST_H
#define __DMA_RESV_LIST_H

#include <linux/dma-resv.h>
#include <linux/rcupdate.h>

struct dma_resv_list {
	struct rcu_head rcu;
	u32 num_fences, max_fences;
	struct dma_fence __rcu *table[];
};

/*
 * No list is made longer than this. A driver that wants one more entry has the
 * kernel allocate twice as much in one piece, which has to stay possible.
 */
#define DMA_RESV_LIST_MAX	0x20000U

extern bool dma_resv_list_known;

void dma_resv_list_init(void);
struct dma_resv_list *dma_resv_list_create(unsigned int capacity);

/* The list of @resv, for a holder of its lock or of rcu_read_lock(). */
static inline struct dma_resv_list *dma_resv_list_of(struct dma_resv *resv)
{
	return rcu_dereference_check(resv->fences, dma_resv_held(resv));
}

static inline unsigned int dma_resv_list_count(struct dma_resv_list *list)
{
	/* Pairs with dma_resv_list_append() and dma_resv_add_fence(). */
	return list ? smp_load_acquire(&list->num_fences) : 0;
}

/* How many more entries @list can take. */
static inline unsigned int dma_resv_list_room(struct dma_resv_list *list)
{
	return list ? list->max_fences - list->num_fences : 0;
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

/* There must be room. */
static inline void dma_resv_list_append(struct dma_resv_list *list,
					unsigned long entry)
{
	dma_resv_list_set(list, list->num_fences, entry);
	/* Whoever sees the new count sees the entry. */
	smp_store_release(&list->num_fences, list->num_fences + 1);
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

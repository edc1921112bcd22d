/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the functions for drivers ask of the place where fences are stored
 *
 * Promises: nobody above this header knows how a kernel stores the fences of a
 * reservation object, or which of the stores is in use:
 *
 *	dma-resv-merge.c	a list of fences with usages, since Linux 5.19
 *	dma-resv-public.c	the same by the kernel's public functions
 *	dma-resv-legacy.c	one exclusive fence and shared ones, before
 *
 * A merge adds a fence set to an object: init, prepare without the lock, reserve
 * and commit under one lock, fini. The set is only read, so that one set can be
 * merged into many objects; dma_fence_set_reserve_notes() made room for what a
 * commit notes in it. Merging an empty set removes what has signaled.
 */
#ifndef __DMA_RESV_STORE_H
#define __DMA_RESV_STORE_H

#include <linux/dma-fence-set.h>
#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>

/* No object is made to wait for more fences than this. */
#define DMA_RESV_LIST_MAX	0x20000U

/**
 * struct dma_resv_found - what a look at an object has found
 */
struct dma_resv_found {
	/** @fences: fences that had not signaled */
	unsigned int fences;
	/** @dead: fences that had */
	unsigned int dead;
	/** @restarts: how often writers got in between */
	unsigned int restarts;
};

/**
 * struct dma_resv_merge - a fence set on its way into a reservation object
 */
struct dma_resv_merge {
	/** @set: what is to be added; empty to forget what has signaled */
	struct dma_fence_set *set;
	/** @usage: the usage of each fence of @set */
	enum dma_resv_usage usage;
	/** @final: after a reserve the commit must not fail */
	bool final;
	/** @extra: fences that others add beside @set, for which room is kept */
	unsigned int extra;
	/** @kept: fences afterwards that had not signaled */
	unsigned int kept;
	/** @pruned: fences that had, or that made room for others */
	unsigned int pruned;
	/** @list: the list to be, if one has been made */
	struct dma_resv_list *list;
	/** @legacy: more that is to be, where there is an exclusive fence */
	struct dma_resv_legacy *legacy;
};

static inline void dma_resv_merge_init(struct dma_resv_merge *merge,
				       struct dma_fence_set *set,
				       enum dma_resv_usage usage)
{
	*merge = (struct dma_resv_merge) { .set = set, .usage = usage };
}

#include "compat/dma-resv-store.h"

/*
 * dma_resv_store_init() - get ready, while the module or the kernel starts
 * dma_resv_store_fini() - before the module goes
 *
 * dma_resv_store_is_new() - has @resv never carried a fence? No lock is needed.
 *
 * dma_resv_store_collect() - add to a set what @usage has to wait for
 *
 * @resv need not be locked; @found is zero. May sleep.
 * Return: 0; -ENOMEM; -EINTR if the caller was killed; -EAGAIN if writers keep
 * getting in between, or if it takes the lock to see more. Then @set holds a part.
 *
 * dma_resv_store_collect_locked() - the same for a holder of the lock, without
 * -EAGAIN
 *
 * dma_resv_merge_prepare() - allocate what reserve will want
 *
 * With the lock of @resv or without; may sleep.
 * Return: 0; -ENOMEM without memory or where there cannot be room; -EAGAIN if
 * writers keep getting in between, which they cannot if the lock is held.
 *
 * dma_resv_merge_reserve() - make room for the set and for @merge->extra more
 *
 * @resv is locked. May allocate in the store of public functions, and for
 * @merge->extra where there is an exclusive fence.
 * Return: 0; -EAGAIN if that needs another prepare; -ENOMEM past the bounds, or
 * with @merge->final if the commit might come to be past them.
 *
 * dma_resv_merge_commit() - merge
 *
 * @resv has been locked since the reserve. Does not allocate.
 * Return: 0; -ENOMEM past %DMA_RESV_LIST_MAX fences; -EAGAIN if somebody has used
 * up the room. After an error nothing has been added.
 *
 * dma_resv_merge_fini() - free what has not been used
 *
 * With the lock of @resv or without.
 */

#endif /* __DMA_RESV_STORE_H */

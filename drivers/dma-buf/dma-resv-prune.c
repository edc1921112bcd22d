// SPDX-License-Identifier: GPL-2.0-only
/*
 * Remove from a reservation object what nobody waits for any more
 *
 * Promises: what has not signaled stays, with the usage that it has.
 *
 * Does not: anything where only the kernel's public functions can be used.
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/export.h>
#include <trace/events/dma_resv_export.h>

#include "dma-resv-list.h"
#include "dma-resv-merge.h"
#include "dma-resv-prune.h"

/*
 * With @wait, wait for the lock, otherwise answer -EBUSY. 1 if the list is mostly
 * empty now: it was made for the entries that there had been.
 */
static int resv_prune_once(struct dma_resv *resv, bool wait)
{
	struct dma_resv_merge merge __uninitialized;
	struct dma_fence_set none __uninitialized;
	int ret;

	/* A look without the lock: an object that was never used has no list. */
	if (!dma_resv_list_known || !rcu_access_pointer(resv->fences))
		return 0;

	dma_fence_set_init(&none);
	dma_resv_merge_init(&merge, &none, DMA_RESV_USAGE_BOOKKEEP);
	ret = dma_resv_merge_prepare(&merge, resv, 0);
	if (!ret && wait)
		ret = dma_resv_lock(resv, NULL);
	else if (!ret)
		ret = dma_resv_trylock(resv) ? 0 : -EBUSY;
	if (!ret) {
		ret = dma_resv_merge_commit(&merge, resv);
		dma_resv_unlock(resv);
	}
	dma_resv_merge_fini(&merge);
	trace_dma_resv_prune(resv, merge.kept, merge.pruned, ret);
	return ret ?: merge.untidy;
}

static int resv_prune(struct dma_resv *resv, bool wait)
{
	int ret = resv_prune_once(resv, wait);

	if (ret < 0)
		return ret;
	/* The entries are gone; with luck, so is their memory. */
	if (ret)
		resv_prune_once(resv, wait);
	return 0;
}

/**
 * dma_resv_prune - remove what nobody waits for any more
 * @resv: the reservation object
 *
 * Drops entries that have signaled, and all but the latest of those with the
 * same context and usage, and gives back memory that the rest does not need.
 * Does nothing where only the kernel's public functions can be used.
 *
 * Context: process; may sleep. Takes the lock of @resv without a
 * &struct ww_acquire_ctx.
 *
 * Return: 0; -ENOMEM; -EAGAIN if others added so much meanwhile that there was
 * no room. After an error @resv is unchanged.
 */
int dma_resv_prune(struct dma_resv *resv)
{
	return resv_prune(resv, true);
}
EXPORT_SYMBOL_GPL(dma_resv_prune);

/**
 * dma_resv_try_prune - the same, unless somebody has the lock
 * @resv: the reservation object
 *
 * Context: process; may sleep, though not for the lock of @resv.
 *
 * Return: as dma_resv_prune(), or -EBUSY.
 */
int dma_resv_try_prune(struct dma_resv *resv)
{
	return resv_prune(resv, false);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a reservation object stores its entries: the proof
 *
 * struct dma_resv_list is private to the kernel, so its layout is not taken for
 * granted. dma_resv_list_init() has the kernel write a list and reads it, and
 * writes one and has the kernel read, grow and free it. If anything differs,
 * the public functions of a reservation object are used instead.
 */

#define pr_fmt(fmt) "dma_resv_export: " fmt

#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat/dma-fence-time.h"
#include "dma-resv-list.h"

bool dma_resv_list_known __ro_after_init;
struct dma_fence *dma_resv_list_stub __ro_after_init;
struct dma_fence *dma_resv_list_stubs[1 << DMA_RESV_LIST_STUB_BITS]
	__ro_after_init;

static bool public_api;
module_param(public_api, bool, 0444);
MODULE_PARM_DESC(public_api,
		 "use only the kernel's public dma_resv functions (default: false)");

#define PROOF_FENCES	4

struct proof {
	struct dma_resv resv;
	struct dma_fence fences[PROOF_FENCES];
	/* Lock of all the fences. */
	spinlock_t lock;
};

static const char *proof_name(struct dma_fence *fence)
{
	return "dma_resv_export";
}

/* The fences are part of struct proof. */
static void proof_release(struct dma_fence *fence)
{
}

static const struct dma_fence_ops proof_ops = {
	.get_driver_name = proof_name,
	.get_timeline_name = proof_name,
	.release = proof_release,
};

/**
 * dma_resv_list_create - allocate a list that nobody sees yet
 * @capacity: number of entries that it has to take
 *
 * All its slots hold the kernel's stub, since readers may look at any of them once
 * it has been published, and at those behind the count too.
 *
 * Context: process; may sleep. Free it with dma_resv_list_discard(), or give
 * it to dma_resv_list_publish().
 *
 * Return: an empty list, NULL without memory.
 */
struct dma_resv_list *dma_resv_list_create(unsigned int capacity)
{
	struct dma_resv_list *list;
	size_t size = struct_size(list, table, max(capacity, 4U));
	unsigned int i;

	/* What the allocator would give anyway. */
	size = size <= PAGE_SIZE ? roundup_pow_of_two(size) : PAGE_ALIGN(size);
	list = kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!list)
		return NULL;

	list->num_fences = 0;
	list->max_fences = (size - offsetof(typeof(*list), table)) /
			   sizeof(*list->table);
	for (i = 0; i < list->max_fences; i++)
		dma_resv_list_init_entry(list, i, dma_resv_entry_behind());
	return list;
}

/* Fence i has usage i: all four values occur. */
static bool __init proof_entry_is(struct proof *proof, unsigned int i,
				  struct dma_fence *fence,
				  enum dma_resv_usage usage)
{
	return fence == &proof->fences[i] && usage == (enum dma_resv_usage)i;
}

/* The kernel writes; is it what we read? */
static bool __init proof_reading(struct proof *proof)
{
	struct dma_resv_list *list;
	unsigned int i;

	if (dma_resv_list_of(&proof->resv) ||
	    dma_resv_reserve_fences(&proof->resv, PROOF_FENCES))
		return false;

	for (i = 0; i < PROOF_FENCES; i++) {
		dma_resv_add_fence(&proof->resv, &proof->fences[i], i);
		list = dma_resv_list_of(&proof->resv);
		if (!list || list->num_fences != i + 1 ||
		    list->max_fences < PROOF_FENCES || list->max_fences > 64)
			return false;
	}
	for (i = 0; i < PROOF_FENCES; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		if (!proof_entry_is(proof, i, dma_resv_entry_fence(entry),
				    dma_resv_entry_usage(entry)))
			return false;
	}
	return true;
}

/* Does the kernel read what is in the reservation object? */
static bool __init proof_kernel_reads(struct proof *proof)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int i = 0;

	dma_resv_for_each_fence(&cursor, &proof->resv, DMA_RESV_USAGE_BOOKKEEP,
				fence) {
		if (i == PROOF_FENCES ||
		    !proof_entry_is(proof, i, fence,
				    dma_resv_iter_usage(&cursor)))
			return false;
		i++;
	}
	return i == PROOF_FENCES;
}

/* We write; does the kernel read it, and can it grow what we wrote? */
static bool __init proof_writing(struct proof *proof)
{
	struct dma_resv_list *list = dma_resv_list_create(PROOF_FENCES);
	unsigned int i;

	if (!list)
		return false;

	for (i = 0; i < PROOF_FENCES; i++)
		dma_resv_list_init_entry(list, i,
					 dma_resv_entry(&proof->fences[i], i));
	dma_resv_list_set_count(list, PROOF_FENCES);
	dma_resv_list_publish(&proof->resv, list);
	if (!proof_kernel_reads(proof))
		return false;

	return !dma_resv_reserve_fences(&proof->resv, list->max_fences) &&
	       dma_resv_list_of(&proof->resv) != list &&
	       proof_kernel_reads(proof);
}

static bool __init proof_run(struct proof *proof)
{
	unsigned int i;
	bool good;

	spin_lock_init(&proof->lock);
	for (i = 0; i < PROOF_FENCES; i++)
		dma_fence_init(&proof->fences[i], &proof_ops, &proof->lock,
			       dma_fence_context_alloc(1), 1);

	dma_resv_init(&proof->resv);
	dma_resv_lock(&proof->resv, NULL);
	good = proof_reading(proof) && proof_writing(proof);
	dma_resv_unlock(&proof->resv);
	dma_resv_fini(&proof->resv);

	for (i = 0; i < PROOF_FENCES; i++) {
		/* The kernel gave back what the list owned, no more, no less. */
		good = good && kref_read(&proof->fences[i].refcount) == 1;
		dma_fence_signal(&proof->fences[i]);
	}
	/* Readers under RCU may have seen the fences: none of them may now. */
	synchronize_rcu();
	return good;
}

/* Fences of the kernel's: lists may hold them when this code has gone. */
static bool __init stubs_init(void)
{
	unsigned int i;

	dma_resv_list_stub = dma_fence_get_stub();
	for (i = 0; i < ARRAY_SIZE(dma_resv_list_stubs); i++) {
		struct dma_fence *stub = compat_dma_fence_private_stub();

		if (IS_ERR_OR_NULL(stub))
			return false;
		stub->context = dma_fence_context_alloc(1);
		dma_resv_list_stubs[i] = stub;
	}
	return true;
}

/**
 * dma_resv_list_init - find out whether the layout is known
 *
 * Sets dma_resv_list_known, and says once in the log if it is not so.
 */
void __init dma_resv_list_init(void)
{
	struct proof *proof;

	if (public_api) {
		pr_info("using the public dma_resv functions, as told\n");
		return;
	}

	proof = kzalloc(sizeof(*proof), GFP_KERNEL);
	dma_resv_list_known = proof && stubs_init() && proof_run(proof);
	kfree(proof);
	if (!dma_resv_list_known)
		pr_notice("this kernel stores fences in a way of its own: using the public dma_resv functions, which are slower\n");
}

/**
 * dma_resv_list_fini - give back what dma_resv_list_init() took
 */
void dma_resv_list_fini(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dma_resv_list_stubs); i++)
		dma_fence_put(dma_resv_list_stubs[i]);
	dma_fence_put(dma_resv_list_stub);
}

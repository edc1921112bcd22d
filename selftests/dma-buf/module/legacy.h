/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Play the driver on a kernel whose reservation objects have one exclusive fence
 * and a list of shared ones: what dma-resv-test.c asks newer kernels for.
 *
 * Does not: use anything of dma_resv_export.ko.
 */
#ifndef _LEGACY_H
#define _LEGACY_H

#include <linux/bsearch.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/workqueue.h>

#include "dma-resv-legacy-driver.h"
#include "dma-resv-test.h"

enum dma_resv_usage {
	DMA_RESV_USAGE_KERNEL,
	DMA_RESV_USAGE_WRITE,
	DMA_RESV_USAGE_READ,
	DMA_RESV_USAGE_BOOKKEEP
};

/* As the loop of a driver: reserve, then add; the exclusive fences come, too. */
static inline int dma_resv_reserve_fences(struct dma_resv *resv,
					  unsigned int count)
{
	count += legacy_count(dma_resv_get_excl(resv));
	return dma_resv_reserve_shared(resv, count);
}

static inline struct dma_fence *legacy_shared(struct dma_resv *resv, u32 i)
{
	return rcu_dereference_protected(dma_resv_get_list(resv)->shared[i],
					 dma_resv_held(resv));
}

/* The kernel takes those of a context in the order in which they signal. */
static inline void legacy_add_shared(struct dma_resv *resv,
				     struct dma_fence *fence)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	struct dma_fence *old;
	u32 i;

	for (i = 0; i < list->shared_count; i++) {
		old = legacy_shared(resv, i);
		if (old->context == fence->context &&
		    dma_fence_is_later(old, fence))
			return;
	}
	dma_resv_add_shared_fence(resv, fence);
}

/*
 * Where there are shared ones, the kernel's writers look at nothing else, and a wait
 * for one of them alone is forgotten beside an exclusive one: so they come first.
 */
static inline void dma_resv_add_fence(struct dma_resv *resv,
				      struct dma_fence *fence,
				      enum dma_resv_usage usage)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	struct dma_fence *excl = dma_resv_get_excl(resv), *one;
	struct dma_fence_unwrap cursor;

	if (usage >= DMA_RESV_USAGE_READ && !list->shared_count)
		dma_fence_unwrap_for_each(one, &cursor, excl)
			legacy_add_shared(resv, one);
	if (usage >= DMA_RESV_USAGE_READ || list->shared_count)
		legacy_add_shared(resv, fence);
	if (usage < DMA_RESV_USAGE_READ)
		WARN_ON(legacy_add_exclusive(resv, fence));
}

/*
 * What a backport in the field does: one array of the old exclusive fence, whatever
 * that is, and the new one. The shared fences are forgotten.
 */
static inline int legacy_naive_import(struct dma_resv *resv,
				      struct dma_fence *fence)
{
	struct dma_fence *old = dma_resv_get_excl(resv), **fences;
	struct dma_fence_array *array;

	if (!old) {
		dma_resv_add_excl_fence(resv, fence);
		return 0;
	}
	fences = kmalloc_array(2, sizeof(*fences), GFP_KERNEL);
	if (!fences)
		return -ENOMEM;
	fences[0] = dma_fence_get(old);
	fences[1] = dma_fence_get(fence);
	array = dma_fence_array_create(2, fences, dma_fence_context_alloc(1),
				       1, false);
	if (!array)
		return -ENOMEM;
	dma_resv_add_excl_fence(resv, &array->base);
	dma_fence_put(&array->base);
	return 0;
}

/* A buffer that is polled must not go away: before Linux 5.16 nobody sees to it. */
struct legacy_kept {
	struct delayed_work work;
	struct dma_buf *dmabuf;
};

static inline void legacy_keep_work(struct work_struct *work)
{
	struct legacy_kept *kept = container_of(to_delayed_work(work),
						struct legacy_kept, work);

	if (READ_ONCE(kept->dmabuf->cb_excl.active) ||
	    READ_ONCE(kept->dmabuf->cb_shared.active)) {
		schedule_delayed_work(&kept->work, HZ / 50);
		return;
	}
	dma_buf_put(kept->dmabuf);
	kfree(kept);
}

/* The module stays for good, for the few instructions after the last work. */
static inline long legacy_keep(int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct legacy_kept *kept;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	kept = kmalloc(sizeof(*kept), GFP_KERNEL);
	if (!kept) {
		dma_buf_put(dmabuf);
		return -ENOMEM;
	}
	__module_get(THIS_MODULE);
	kept->dmabuf = dmabuf;
	INIT_DELAYED_WORK(&kept->work, legacy_keep_work);
	schedule_delayed_work(&kept->work, 0);
	return 0;
}

static inline u64 legacy_excl_bytes(struct dma_fence *fence)
{
	struct dma_fence_array *array = fence ? to_dma_fence_array(fence) : NULL;
	struct dma_fence_chain *link;
	u64 bytes = 0;

	if (array)
		bytes = ksize(array) + ksize(array->fences);
	while (fence && (link = to_dma_fence_chain(fence))) {
		bytes += ksize(link);
		fence = rcu_dereference_protected(link->prev, true);
	}
	return bytes;
}

static inline u64 legacy_bytes(struct dma_resv *resv)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	u64 bytes = legacy_excl_bytes(dma_resv_get_excl(resv));

	if (list && is_vmalloc_addr(list))
		return ~0ULL;
	return bytes + (list ? ksize(list) : 0);
}

static inline int legacy_compare(const void *a, const void *b)
{
	const struct dma_resv_test_entry *x = a, *y = b;

	if (x->context != y->context)
		return x->context < y->context ? -1 : 1;
	return 0;
}

static inline struct dma_resv_test_entry
legacy_entry(struct dma_fence *fence, enum dma_resv_usage usage)
{
	return (struct dma_resv_test_entry) {
		.context = fence->context,
		.seqno = fence->seqno,
		.usage = usage,
		.signaled = dma_fence_is_signaled(fence),
	};
}

/* Does one of the @count entries cover @entry for all who wait? */
static inline bool legacy_covered(struct dma_resv_test_entry *entries,
				  u32 count, struct dma_resv_test_entry *entry)
{
	struct dma_resv_test_entry *found;

	found = bsearch(entry, entries, count, sizeof(*entry), legacy_compare);
	return found && found->seqno >= entry->seqno &&
	       found->usage <= entry->usage;
}

/*
 * Who waits for what, in newer words: all for the fences of the exclusive one,
 * writers for those of the shared ones. Up to @room of them go to @entries;
 * returns how many there are.
 */
static inline u32 legacy_entries(struct dma_resv *resv,
				 struct dma_resv_test_entry *entries, u32 room)
{
	struct dma_resv_list *list = dma_resv_get_list(resv);
	struct dma_fence *excl = dma_resv_get_excl(resv), *one;
	u32 count = 0, exclusive, i;
	struct dma_resv_test_entry *all, entry;
	struct dma_fence_unwrap cursor;

	exclusive = legacy_count(excl);
	all = kvmalloc_array(exclusive + (list ? list->shared_count : 0) + 1,
			     sizeof(*all), GFP_KERNEL);
	if (!all)
		return 0;
	dma_fence_unwrap_for_each(one, &cursor, excl)
		all[count++] = legacy_entry(one, DMA_RESV_USAGE_WRITE);
	exclusive = count;
	sort(all, exclusive, sizeof(*all), legacy_compare, NULL);
	for (i = 0; list && i < list->shared_count; i++) {
		/* As it is: one that stands for several is not what it holds. */
		entry = legacy_entry(legacy_shared(resv, i),
				     DMA_RESV_USAGE_READ);
		if (!legacy_covered(all, exclusive, &entry))
			all[count++] = entry;
	}
	memcpy(entries, all, min(count, room) * sizeof(*all));
	kvfree(all);
	return count;
}

#endif /* _LEGACY_H */

// SPDX-License-Identifier: GPL-2.0-only
/* What is bounded: time for what is hostile, memory for what has signaled. */

#define pr_fmt(fmt) "bench\t" fmt

#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#include "../drivers/dma-buf/dma-resv-store.h"
#include "bench.h"

/* @count new fences in @fences, and one that stands for all of them. */
static struct dma_fence *bench_crowd(struct dma_fence **fences,
				     unsigned int count)
{
	struct dma_fence_set set;
	struct dma_fence *crowd = NULL;
	unsigned int i;

	dma_fence_set_init(&set);
	for (i = 0; i < count; i++) {
		fences[i] = bench_fence();
		if (dma_fence_set_add(&set, fences[i]))
			goto out;
	}
	crowd = dma_fence_set_merge(&set);
out:
	dma_fence_set_fini(&set);
	return IS_ERR(crowd) ? NULL : crowd;
}

static void bench_print(const char *work, unsigned int contexts,
			const char *name, u64 value)
{
	pr_info("%s\t%u\t%s\t%llu\n", work, contexts, name, value);
}

/* Time to take @fence apart and import it into a fresh reservation object. */
static u64 time_import(struct dma_fence *fence)
{
	struct dma_resv resv;
	u64 start, time;
	int ret;

	dma_resv_init(&resv);
	start = ktime_get_ns();
	ret = dma_resv_import_fence(&resv, fence, DMA_RESV_USAGE_READ);
	time = ktime_get_ns() - start;
	dma_resv_fini(&resv);
	return ret ? 0 : time;
}

/* What a hostile client can come with. */
int bench_hostile(void)
{
	enum { CONTEXTS = 100000, LINKS = 1000000, FEW = 64 };
	struct dma_fence **fences = vmalloc(array_size(CONTEXTS,
						       sizeof(*fences)));
	struct dma_fence *crowd, *head = NULL;
	unsigned int i;

	crowd = fences ? bench_crowd(fences, CONTEXTS) : NULL;
	if (!crowd)
		return -ENOMEM;
	bench_print("contexts", CONTEXTS, "ours", time_import(crowd));
	dma_fence_put(crowd);
	bench_disperse(fences + FEW, CONTEXTS - FEW);

	for (i = 0; i < LINKS; i++) {
		struct dma_fence_chain *link = dma_fence_chain_alloc();

		if (!link)
			return -ENOMEM;
		dma_fence_chain_init(link, head, dma_fence_get(fences[i % FEW]),
				     i + 1);
		head = &link->base;
		cond_resched();
	}
	bench_print("links", LINKS, "ours", time_import(head));
	dma_fence_put(head);
	bench_disperse(fences, FEW);
	vfree(fences);
	rcu_barrier();
	return 0;
}

static void our_import(struct dma_resv *resv, struct dma_fence *fence)
{
	dma_resv_import_fence(resv, fence, DMA_RESV_USAGE_READ);
}

static void our_export(struct dma_resv *resv)
{
	dma_fence_put(dma_resv_export_fence(resv, DMA_RESV_USAGE_READ));
}

static void kernel_export(struct dma_resv *resv)
{
	struct dma_fence *fence;

	if (!dma_resv_get_singleton(resv, DMA_RESV_USAGE_READ, &fence))
		dma_fence_put(fence);
}

/* The kernel's own code, and ours. */
static const struct {
	const char *name;
	void (*import)(struct dma_resv *resv, struct dma_fence *fence);
	void (*export)(struct dma_resv *resv);
} codes[] = {
	{ "kernel", kernel_import, kernel_export },
	{ "ours", our_import, our_export },
};

/*
 * Memory that buffers keep after all their fences have signaled and they have
 * been exported once: their lists, and the fences.
 */
static int bench_kept(unsigned int code)
{
	enum { BUFFERS = 64, CONTEXTS = 1024 };
	static struct dma_fence *fences[CONTEXTS];
	static struct dma_resv resvs[BUFFERS];
	u64 bytes = 0;
	unsigned int i;

	for (i = 0; i < BUFFERS; i++) {
		struct dma_fence *crowd = bench_crowd(fences, CONTEXTS);

		if (!crowd)
			return -ENOMEM;
		dma_resv_init(&resvs[i]);
		codes[code].import(&resvs[i], crowd);
		dma_fence_put(crowd);
		bench_disperse(fences, CONTEXTS);
		codes[code].export(&resvs[i]);
	}
	rcu_barrier();

	for (i = 0; i < BUFFERS; i++) {
		struct dma_resv_list *list;

		rcu_read_lock();
		list = dma_resv_list_of(&resvs[i]);
		if (list)
			bytes += struct_size(list, table, list->max_fences);
		rcu_read_unlock();
	}
	bench_print("kept_fences", BUFFERS * CONTEXTS, codes[code].name,
		    (u64)atomic_read(&bench_alive) * FENCE_SIZE);
	bench_print("kept_lists", BUFFERS * CONTEXTS, codes[code].name, bytes);
	for (i = 0; i < BUFFERS; i++)
		dma_resv_fini(&resvs[i]);
	rcu_barrier();
	return 0;
}

static u64 slab_bytes(void)
{
	rcu_barrier();
	kvfree_rcu_barrier();
	return (u64)global_node_page_state_pages(NR_SLAB_UNRECLAIMABLE_B)
		<< PAGE_SHIFT;
}

/*
 * Imports and exports in turn, each of a new context that signals later: how
 * much the slabs have grown between the first hundredth and the end.
 */
static int bench_growth(unsigned int code)
{
	enum { LOOPS = 1000000, PENDING = 4 };
	struct dma_fence *pending[PENDING] = {};
	struct dma_resv resv;
	u64 start = 0, end;
	unsigned int i;

	dma_resv_init(&resv);
	for (i = 0; i < LOOPS; i++) {
		struct dma_fence **fence = &pending[i % PENDING];

		if (*fence)
			bench_disperse(fence, 1);
		*fence = bench_fence();
		codes[code].import(&resv, *fence);
		codes[code].export(&resv);
		if (i == LOOPS / 100)
			start = slab_bytes();
		cond_resched();
	}
	end = slab_bytes();
	bench_print("growth", LOOPS, codes[code].name,
		    end > start ? end - start : 0);
	bench_disperse(pending, PENDING);
	dma_resv_fini(&resv);
	rcu_barrier();
	return 0;
}

/**
 * bench_memory - measure what is kept, and whether it grows
 *
 * Return: 0 or -ENOMEM.
 */
int bench_memory(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(codes) && !ret; i++) {
		ret = bench_kept(i);
		if (!ret)
			ret = bench_growth(i);
	}
	return ret;
}

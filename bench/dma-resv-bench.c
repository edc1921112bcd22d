// SPDX-License-Identifier: GPL-2.0-only
/*
 * Import and export, this project's against the kernel's own, in one boot
 *
 * Loading the module measures and prints a line of tab separated values for
 * each work and size: work, contexts, code, nanoseconds. Each figure is the
 * median of ROUNDS rounds in which the codes take turns; a round times a batch
 * of calls on fresh reservation objects, large enough that the clock does not
 * matter.
 */

#define pr_fmt(fmt) "bench\t" fmt

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv-export.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "../drivers/dma-buf/dma-resv-list.h"

#define ROUNDS		9
/* Fences that a batch touches, more or less: beyond the caches if large. */
#define BATCH_FENCES	2048
#define CONTEXTS_MAX	8192

static DEFINE_SPINLOCK(bench_lock);

static const char *bench_name(struct dma_fence *fence)
{
	return "bench";
}

static const struct dma_fence_ops bench_ops = {
	.get_driver_name = bench_name,
	.get_timeline_name = bench_name,
};

/* What a work is measured on. */
struct bench {
	unsigned int contexts;
	unsigned int batch;
	struct dma_resv *resv;
	/* Two times @contexts: in the buffer, and to be imported. */
	struct dma_fence **fences;
	/* The second half as a sync_file has it. */
	struct dma_fence *import;
	struct dma_fence **exported;
	unsigned long sum;
};

/* Nanoseconds for the whole batch. */
typedef u64 (*bench_fn)(struct bench *bench);

static struct dma_fence *bench_fence(void)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence),
					  GFP_KERNEL | __GFP_NOFAIL);

	dma_fence_init(fence, &bench_ops, &bench_lock,
		       dma_fence_context_alloc(1), 1);
	return fence;
}

/* As the ioctl of the kernel does it. */
static void kernel_import(struct dma_resv *resv, struct dma_fence *fence)
{
	struct dma_fence_unwrap iter;
	unsigned int count = 0;
	struct dma_fence *f;

	dma_fence_unwrap_for_each(f, &iter, fence)
		count++;
	dma_resv_lock(resv, NULL);
	if (!dma_resv_reserve_fences(resv, count))
		dma_fence_unwrap_for_each(f, &iter, fence)
			dma_resv_add_fence(resv, f, DMA_RESV_USAGE_READ);
	dma_resv_unlock(resv);
}

static u64 bench_kernel_import(struct bench *bench)
{
	u64 start = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < bench->batch; i++)
		kernel_import(&bench->resv[i], bench->import);
	return ktime_get_ns() - start;
}

static u64 bench_our_import(struct bench *bench)
{
	u64 start = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < bench->batch; i++)
		dma_resv_import_fence(&bench->resv[i], bench->import,
				      DMA_RESV_USAGE_READ);
	return ktime_get_ns() - start;
}

/* The part of it that others wait for. */
static u64 bench_our_lock(struct bench *bench)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < bench->batch; i++) {
		struct dma_resv *resv = &bench->resv[i];
		struct dma_resv_import *import;
		u64 start;

		import = dma_resv_import_prepare(resv, bench->import,
						 DMA_RESV_USAGE_READ);
		if (IS_ERR(import))
			return 0;
		dma_resv_lock(resv, NULL);
		start = ktime_get_ns();
		if (!dma_resv_import_reserve(import, 0))
			dma_resv_import_commit(import);
		sum += ktime_get_ns() - start;
		dma_resv_unlock(resv);
	}
	return sum;
}

/* The least that an import can do: touch each fence once. */
static u64 bench_floor(struct bench *bench)
{
	u64 start = ktime_get_ns();
	unsigned int i, j;

	for (i = 0; i < bench->batch; i++)
		for (j = 0; j < 2 * bench->contexts; j++)
			bench->sum += READ_ONCE(bench->fences[j]->flags) +
				      bench->fences[j]->context;
	return ktime_get_ns() - start;
}

static u64 bench_kernel_export(struct bench *bench)
{
	u64 start = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < bench->batch; i++)
		if (dma_resv_get_singleton(&bench->resv[i], DMA_RESV_USAGE_READ,
					   &bench->exported[i]))
			bench->exported[i] = NULL;
	return ktime_get_ns() - start;
}

static u64 bench_our_export(struct bench *bench)
{
	u64 start = ktime_get_ns();
	unsigned int i;

	for (i = 0; i < bench->batch; i++)
		bench->exported[i] = dma_resv_export_fence(&bench->resv[i],
							   DMA_RESV_USAGE_READ);
	return ktime_get_ns() - start;
}

/* Fresh reservation objects, each with the first half of the fences. */
static void bench_fill(struct bench *bench)
{
	unsigned int i, j;

	for (i = 0; i < bench->batch; i++) {
		struct dma_resv *resv = &bench->resv[i];

		dma_resv_init(resv);
		dma_resv_lock(resv, NULL);
		for (j = 0; j < bench->contexts; j++) {
			/* As in a life of single additions, list by list. */
			if (dma_resv_reserve_fences(resv, 1))
				break;
			dma_resv_add_fence(resv, bench->fences[j],
					   DMA_RESV_USAGE_READ);
		}
		dma_resv_unlock(resv);
	}
}

static void bench_empty(struct bench *bench)
{
	unsigned int i;

	for (i = 0; i < bench->batch; i++) {
		dma_fence_put(bench->exported[i]);
		bench->exported[i] = NULL;
		dma_resv_fini(&bench->resv[i]);
	}
	/* Lists are freed after a grace period: not in the next round's time. */
	rcu_barrier();
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Let the codes take turns, and print the median of each. */
static void bench_run(struct bench *bench, const char *work,
		      const char *const *names, const bench_fn *fns,
		      unsigned int count)
{
	u64 times[4][ROUNDS];
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < count; i++) {
			bench_fill(bench);
			times[i][round] = fns[i](bench);
			bench_empty(bench);
		}
		cond_resched();
	}
	for (i = 0; i < count; i++) {
		u64 median;

		sort(times[i], ROUNDS, sizeof(u64), compare, NULL);
		median = times[i][ROUNDS / 2] * 10;
		do_div(median, bench->batch);
		pr_info("%s\t%u\t%s\t%llu.%llu\n", work, bench->contexts,
			names[i], median / 10, median % 10);
	}
}

static const char *const import_names[] = { "kernel", "ours", "lock", "floor" };
static const bench_fn import_fns[] = {
	bench_kernel_import, bench_our_import, bench_our_lock, bench_floor,
};

static const char *const export_names[] = { "kernel", "ours" };
static const bench_fn export_fns[] = { bench_kernel_export, bench_our_export };

static int bench_size(struct bench *bench, unsigned int contexts)
{
	struct dma_fence_array *array;
	struct dma_fence **halves;
	unsigned int i;

	bench->contexts = contexts;
	bench->batch = clamp(BATCH_FENCES / contexts, 2U, 512U);
	halves = kmalloc_array(contexts, sizeof(*halves), GFP_KERNEL);
	if (!halves)
		return -ENOMEM;

	for (i = 0; i < 2 * contexts; i++)
		bench->fences[i] = bench_fence();
	for (i = 0; i < contexts; i++)
		halves[i] = dma_fence_get(bench->fences[contexts + i]);
	if (contexts == 1) {
		bench->import = halves[0];
		kfree(halves);
	} else {
		array = dma_fence_array_create(contexts, halves,
					       dma_fence_context_alloc(1), 1,
					       false);
		if (!array)
			return -ENOMEM;
		bench->import = &array->base;
	}

	bench_run(bench, "import", import_names, import_fns, 4);
	bench_run(bench, "export", export_names, export_fns, 2);

	dma_fence_put(bench->import);
	for (i = 0; i < 2 * contexts; i++) {
		dma_fence_signal(bench->fences[i]);
		dma_fence_put(bench->fences[i]);
	}
	rcu_barrier();
	return 0;
}

static int __init bench_init(void)
{
	static const unsigned int sizes[] = {
		1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
	};
	struct bench bench = {};
	int ret = -ENOMEM;
	unsigned int i;

	dma_resv_list_init();
	if (!dma_resv_list_known)
		return -EOPNOTSUPP;

	bench.resv = kcalloc(512, sizeof(*bench.resv), GFP_KERNEL);
	bench.exported = kcalloc(512, sizeof(*bench.exported), GFP_KERNEL);
	bench.fences = vmalloc(array_size(2 * CONTEXTS_MAX,
					  sizeof(*bench.fences)));
	if (bench.resv && bench.exported && bench.fences)
		ret = 0;
	for (i = 0; i < ARRAY_SIZE(sizes) && !ret; i++)
		ret = bench_size(&bench, sizes[i]);
	pr_info("end\t%d\n", ret);
	vfree(bench.fences);
	kfree(bench.exported);
	kfree(bench.resv);
	/* Fences are freed under RCU, by their operations, which are here. */
	rcu_barrier();
	return ret;
}
module_init(bench_init);

static void __exit bench_exit(void)
{
}
module_exit(bench_exit);

MODULE_DESCRIPTION("import and export of fences, measured");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Import and export, this project's against the kernel's own, in one boot
 *
 * Loading the module measures and prints a line of tab separated values for
 * each work and size: work, contexts, code, value. Each time, in nanoseconds, is
 * the median of several rounds in which the codes take turns; a round times a
 * batch of calls on fresh reservation objects, large enough that the clock does
 * not matter. Memory is in bytes.
 */

#define pr_fmt(fmt) "bench\t" fmt

#include <linux/dma-fence-array.h>
#include <linux/dma-resv-export.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "../drivers/dma-buf/compat/dma-fence-array.h"
#include "../drivers/dma-buf/dma-resv-store.h"
#include "bench.h"

#define ROUNDS_MAX	1001
/* Fences that a batch touches, more or less: beyond the caches if large. */
#define BATCH_FENCES	2048
#define CONTEXTS_MAX	8192

static unsigned int rounds = 9;
module_param(rounds, uint, 0);
MODULE_PARM_DESC(rounds, "how often each work is measured (default: 9)");

static unsigned int only;
module_param(only, uint, 0);
MODULE_PARM_DESC(only, "the one number of contexts to measure (default: all)");

static char *code = "";
module_param(code, charp, 0);
MODULE_PARM_DESC(code, "the one code to measure, as it is printed (default: all)");

static u64 times[4][ROUNDS_MAX];

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

/*
 * The least that an import can do: ask each fence whether it has signaled, and
 * take a reference on each new one.
 */
static u64 bench_floor(struct bench *bench)
{
	u64 start = ktime_get_ns(), time;
	unsigned int i, j;

	for (i = 0; i < bench->batch; i++) {
		for (j = 0; j < bench->contexts; j++)
			bench->sum += !dma_fence_is_signaled(bench->fences[j]);
		for (; j < 2 * bench->contexts; j++)
			if (!dma_fence_is_signaled(bench->fences[j]))
				dma_fence_get(bench->fences[j]);
	}
	time = ktime_get_ns() - start;

	for (i = 0; i < bench->batch; i++)
		for (j = bench->contexts; j < 2 * bench->contexts; j++)
			dma_fence_put(bench->fences[j]);
	return time;
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
	unsigned int round, i;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < count; i++) {
			if (*code && strcmp(code, names[i]))
				continue;
			bench_fill(bench);
			times[i][round] = fns[i](bench);
			bench_empty(bench);
		}
		cond_resched();
	}
	for (i = 0; i < count; i++) {
		u64 median;

		if (*code && strcmp(code, names[i]))
			continue;
		sort(times[i], rounds, sizeof(u64), compare, NULL);
		median = times[i][rounds / 2] * 10;
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

/* A sync_file as the kernel would make it: one array. */
static struct dma_fence *bench_array(struct dma_fence **fences,
				     unsigned int count)
{
	struct dma_fence **copy = kmalloc_array(count, sizeof(*copy),
						GFP_KERNEL);
	struct dma_fence_array *array;
	unsigned int i;

	if (!copy || count == 1) {
		kfree(copy);
		return count == 1 ? dma_fence_get(fences[0]) : NULL;
	}
	for (i = 0; i < count; i++)
		copy[i] = dma_fence_get(fences[i]);
	array = compat_dma_fence_array_create(count, copy,
					      GFP_KERNEL);
	return array ? &array->base : NULL;
}

static int bench_size(struct bench *bench, unsigned int contexts)
{
	unsigned int i;

	bench->contexts = contexts;
	bench->batch = clamp(BATCH_FENCES / contexts, 2U, 512U);
	for (i = 0; i < 2 * contexts; i++)
		bench->fences[i] = bench_fence();
	bench->import = bench_array(bench->fences + contexts, contexts);
	if (!bench->import)
		return -ENOMEM;

	bench_run(bench, "import", import_names, import_fns, 4);
	bench_run(bench, "export", export_names, export_fns, 2);

	dma_fence_put(bench->import);
	bench_disperse(bench->fences, 2 * contexts);
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

	dma_resv_store_init();
	if (!dma_resv_list_known)
		return -EOPNOTSUPP;

	bench.resv = kcalloc(512, sizeof(*bench.resv), GFP_KERNEL);
	bench.exported = kcalloc(512, sizeof(*bench.exported), GFP_KERNEL);
	bench.fences = vmalloc(array_size(2 * CONTEXTS_MAX,
					  sizeof(*bench.fences)));
	if (bench.resv && bench.exported && bench.fences)
		ret = 0;
	rounds = clamp(rounds, 1U, ROUNDS_MAX);
	for (i = 0; i < ARRAY_SIZE(sizes) && !ret; i++)
		if (!only || only == sizes[i])
			ret = bench_size(&bench, sizes[i]);
	if (!ret && !only)
		ret = bench_hostile();
	if (!ret && !only)
		ret = bench_memory();
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
	dma_resv_store_fini();
}
module_exit(bench_exit);

MODULE_DESCRIPTION("import and export of fences, measured");
MODULE_LICENSE("GPL");

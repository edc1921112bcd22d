// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation fails once
 *
 * A call is made again and again; the n-th allocation of the n-th time fails,
 * until a call makes fewer. After each failure all is as it was before. Needs
 * CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC.
 */

#include <linux/debugfs.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/fault-inject.h>
#include <linux/sched.h>

#include "../compat/dma-resv-list.h"
#include "dma-resv-rig.h"

/* No call makes so many allocations. */
#define FAULTS_MAX	2000
#define ENTRIES_MAX	1024

#if defined(CONFIG_FAULT_INJECTION_DEBUG_FS) && defined(CONFIG_FAILSLAB) && \
	defined(CONFIG_FAIL_PAGE_ALLOC)

/* How many were made since fail_nth() with so many that none failed. */
static unsigned int allocated(unsigned int nth)
{
	unsigned int left = current->fail_nth;

	current->fail_nth = 0;
	return nth - left;
}

/* Make the @nth allocation from here on fail; none if 0. */
static void fail_nth(unsigned int nth)
{
	current->fail_nth = nth;
}

/* Whether it did; none fails from here on. */
static bool failed(void)
{
	bool hit = !current->fail_nth;

	current->fail_nth = 0;
	return hit;
}

/* A knob of fault injection; the kernel has no other way to it. */
static void *knob(const char *dir, const char *name)
{
	struct dentry *parent = debugfs_lookup(dir, NULL), *dentry = NULL;
	void *value = NULL;

	if (parent)
		dentry = debugfs_lookup(name, parent);
	if (dentry)
		value = d_inode(dentry)->i_private;
	dput(dentry);
	dput(parent);
	return value;
}

struct knobs {
	bool *slab_spares_sleepers;
	bool *page_spares_sleepers;
	u32 *page_min_order;
	unsigned long *slab_verbose;
	unsigned long *page_verbose;
	struct {
		u32 page_min_order;
		unsigned long slab_verbose;
		unsigned long page_verbose;
	} old;
};

/* As user space would have it again. */
static void restore_knobs(void *data)
{
	struct knobs *knobs = data;

	*knobs->slab_spares_sleepers = true;
	*knobs->page_spares_sleepers = true;
	*knobs->page_min_order = knobs->old.page_min_order;
	*knobs->slab_verbose = knobs->old.slab_verbose;
	*knobs->page_verbose = knobs->old.page_verbose;
}

/* Allocations that may sleep fail too, those of single pages, and quietly. */
static void turn_knobs(struct kunit *test)
{
	struct knobs *knobs = kunit_kzalloc(test, sizeof(*knobs), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, knobs);
	knobs->slab_spares_sleepers = knob("failslab", "ignore-gfp-wait");
	knobs->slab_verbose = knob("failslab", "verbose");
	knobs->page_spares_sleepers = knob("fail_page_alloc",
					   "ignore-gfp-wait");
	knobs->page_min_order = knob("fail_page_alloc", "min-order");
	knobs->page_verbose = knob("fail_page_alloc", "verbose");
	if (!knobs->slab_spares_sleepers || !knobs->slab_verbose ||
	    !knobs->page_spares_sleepers || !knobs->page_min_order ||
	    !knobs->page_verbose)
		kunit_skip(test, "debugfs has no knobs for fault injection");

	knobs->old.page_min_order = *knobs->page_min_order;
	knobs->old.slab_verbose = *knobs->slab_verbose;
	knobs->old.page_verbose = *knobs->page_verbose;
	*knobs->slab_spares_sleepers = false;
	*knobs->page_spares_sleepers = false;
	*knobs->page_min_order = 0;
	*knobs->slab_verbose = 0;
	*knobs->page_verbose = 0;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, restore_knobs,
							   knobs));
}

#else

static void fail_nth(unsigned int nth)
{
}

static bool failed(void)
{
	return false;
}

static unsigned int allocated(unsigned int nth)
{
	return 0;
}

static void turn_knobs(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB, CONFIG_FAIL_PAGE_ALLOC");
}

#endif

static int dma_resv_fault_init(struct kunit *test)
{
	int ret = dma_resv_rig_init(test);

	if (!ret)
		turn_knobs(test);
	return ret;
}

/* A call whose allocations fail, and what it finds. */
struct call {
	/* 0 or an error */
	int (*run)(struct call *call);
	/* fences that are there before, each with usage READ */
	struct dma_fence **there;
	unsigned int count;
	/* arguments, and a fence that the call returned */
	struct dma_fence *fence;
	struct dma_fence *other;
	struct dma_fence *result;
	/* entries after success, fences that the result stands for */
	unsigned int entries;
	unsigned int fences;
	/* made afresh for each time */
	struct dma_resv resv;
};

static int run_import(struct call *call)
{
	return dma_resv_import_fence(&call->resv, call->fence, WRITE_);
}

static int run_export(struct call *call)
{
	struct dma_fence *fence = dma_resv_export_fence(&call->resv, READ_);

	if (IS_ERR(fence))
		return PTR_ERR(fence);
	call->result = fence;
	return 0;
}

static int run_merge_two(struct call *call)
{
	struct dma_fence *fence = dma_fence_set_merge_two(call->fence,
							  call->other);

	if (IS_ERR(fence))
		return PTR_ERR(fence);
	call->result = fence;
	return 0;
}

static int run_prune(struct call *call)
{
	return dma_resv_prune(&call->resv);
}

/* With more room than prepare knows of, so that reserve allocates, too. */
static int run_steps(struct call *call)
{
	struct dma_resv_import *import;
	int ret;

	import = dma_resv_import_prepare(&call->resv, call->fence, WRITE_);
	if (IS_ERR(import))
		return PTR_ERR(import);
	dma_resv_lock(&call->resv, NULL);
	ret = dma_resv_import_reserve(import, 700);
	if (ret)
		dma_resv_import_cancel(import);
	else
		dma_resv_import_commit(import);
	dma_resv_unlock(&call->resv);
	return ret;
}

/* With an idle object beside, which has to be as idle after an error. */
static int run_many(struct call *call)
{
	struct dma_resv_many_entry entries[3] = {
		{ .resv = &call->resv, .usage = READ_ },
		{ .usage = WRITE_ },
		{ .resv = &call->resv, .usage = WRITE_ },
	};
	struct dma_fence *before;
	struct dma_resv_many many;
	struct dma_resv idle;
	int ret;

	dma_resv_init(&idle);
	entries[1].resv = &idle;
	ret = dma_resv_many_lock(&many, entries, ARRAY_SIZE(entries),
				 call->fence);
	if (!ret) {
		/* As an exchange has it. */
		before = call->fences ? rig_export_many(&many) : NULL;
		ret = PTR_ERR_OR_ZERO(before);
		if (ret) {
			dma_resv_many_cancel(&many);
		} else {
			dma_resv_many_commit(&many);
			dma_resv_many_end(&many);
		}
		call->result = ret ? NULL : before;
	}
	if (ret && (rig_entries(&idle, NULL, 0) || dma_resv_is_locked(&idle) ||
		    dma_resv_is_locked(&call->resv)))
		ret = -EUCLEAN;
	dma_resv_fini(&idle);
	return ret;
}

/* The entries of an object, in their order. */
struct snapshot {
	struct resv_entry entries[ENTRIES_MAX];
	unsigned int count;
};

static struct snapshot *new_snapshot(struct kunit *test)
{
	struct snapshot *snapshot = kunit_kzalloc(test, sizeof(*snapshot),
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, snapshot);
	return snapshot;
}

static void look(struct call *call, struct snapshot *snapshot)
{
	snapshot->count = rig_entries(&call->resv, snapshot->entries,
				      ENTRIES_MAX);
}

static bool same(struct snapshot *a, struct snapshot *b)
{
	return a->count == b->count &&
	       !memcmp(a->entries, b->entries, a->count * sizeof(*a->entries));
}

static unsigned int count_fences(struct dma_fence *fence)
{
	struct dma_fence_unwrap iter;
	struct dma_fence *f;
	unsigned int count = 0;

	dma_fence_unwrap_for_each(f, &iter, fence)
		count++;
	return count;
}

/* What a call that succeeded has done, whether it had to cope or not. */
static void expect_success(struct kunit *test, struct call *call,
			   unsigned int nth, struct snapshot *now)
{
	look(call, now);
	KUNIT_EXPECT_EQ_MSG(test, now->count, call->entries, "allocation %u",
			    nth);
	if (call->fences)
		KUNIT_EXPECT_EQ_MSG(test, count_fences(call->result),
				    call->fences, "allocation %u", nth);
	dma_fence_put(call->result);
	call->result = NULL;
}

/* All under one lock: a kernel that debugs mutexes takes unused room at unlock. */
static int add_what_is_there(struct call *call)
{
	unsigned int i;
	int ret;

	if (!call->count)
		return 0;
	dma_resv_lock(&call->resv, NULL);
	ret = dma_resv_reserve_fences(&call->resv, call->count);
	for (i = 0; i < call->count && !ret; i++)
		dma_resv_add_fence(&call->resv, call->there[i], READ_);
	dma_resv_unlock(&call->resv);
	return ret;
}

/* Let the @nth allocation of @call fail. Whether it had so many. */
static bool run_once(struct kunit *test, struct call *call, unsigned int nth,
		     unsigned int *errors)
{
	struct snapshot *before = new_snapshot(test), *now = new_snapshot(test);
	bool hit;
	int ret;

	dma_resv_init(&call->resv);
	KUNIT_ASSERT_EQ(test, 0, add_what_is_there(call));
	look(call, before);

	fail_nth(nth);
	ret = call->run(call);
	hit = failed();
	if (!hit)
		KUNIT_EXPECT_EQ(test, 0, ret);
	if (!ret) {
		expect_success(test, call, nth, now);
	} else {
		(*errors)++;
		look(call, now);
		KUNIT_EXPECT_EQ_MSG(test, -ENOMEM, ret, "allocation %u", nth);
		KUNIT_EXPECT_TRUE_MSG(test, same(before, now),
				      "allocation %u changed entries", nth);
	}
	dma_resv_fini(&call->resv);
	kunit_kfree(test, before);
	kunit_kfree(test, now);
	return hit;
}

/*
 * Let each allocation of @call fail once; at least @min times it matters. Now and
 * then the allocator needs a page more and the numbers move: go through them
 * twice, and again if too little has failed.
 */
static void run_with_faults(struct kunit *test, struct call *call,
			    unsigned int min)
{
	unsigned int nth = 1, errors = 0, round;

	for (round = 0; round < 2 || (round < 8 && errors < min); round++) {
		nth = 1;
		while (nth < FAULTS_MAX && run_once(test, call, nth, &errors))
			nth++;
		KUNIT_EXPECT_LT(test, nth, FAULTS_MAX);
	}
	KUNIT_EXPECT_GE(test, errors, min);
	kunit_info(test, "%u allocations, each failed %u times, the call %u times\n",
		   nth - 1, round, errors);
}

/* One fence, few and many, into an empty, a short and a long list. */
static void i3_an_import_without_memory_changes_nothing(struct kunit *test)
{
	static const unsigned int there[] = { 0, 3, 40, 300 };
	static const unsigned int counts[] = { 1, 5, 40, 700 };
	struct dma_fence **fences = rig_many(test, 700);
	struct call call = { .run = run_import };
	unsigned int i, j;

	call.there = rig_many(test, 300);
	for (i = 0; i < ARRAY_SIZE(there); i++) {
		for (j = 0; j < ARRAY_SIZE(counts); j++) {
			call.count = there[i];
			call.fence = rig_array(test, fences, counts[j]);
			call.entries = there[i] + counts[j];
			if (call.entries > ENTRIES_MAX)
				continue;
			/* One fence may find room in place. */
			run_with_faults(test, &call, counts[j] > 8);
		}
	}
}

static void i3_steps_without_memory_change_nothing(struct kunit *test)
{
	struct call call = { .run = run_steps, .count = 20, .entries = 60 };

	call.there = rig_many(test, 20);
	call.fence = rig_array(test, rig_many(test, 40), 40);
	/* The import, its set, its list, and the room in the one that is there. */
	run_with_faults(test, &call, 4);
}

/* One fence, few and many, and the same in exchange. */
static void i3_many_without_memory_change_nothing(struct kunit *test)
{
	static const unsigned int there[] = { 0, 3, 40 };
	static const unsigned int counts[] = { 1, 5, 40, 300 };
	struct dma_fence **fences = rig_many(test, 300);
	struct call call = { .run = run_many };
	unsigned int i, j, exchange;

	call.there = rig_many(test, 40);
	for (i = 0; i < ARRAY_SIZE(there) * ARRAY_SIZE(counts); i++) {
		j = counts[i % ARRAY_SIZE(counts)];
		call.count = there[i / ARRAY_SIZE(counts)];
		call.fence = rig_array(test, fences, j);
		call.entries = call.count + j;
		for (exchange = 0; exchange < (call.count ? 2 : 1); exchange++) {
			call.fences = exchange ? call.count : 0;
			run_with_faults(test, &call, j > 8 ? 3 : 1);
		}
	}
}

/* How many allocations an object takes that occurs with @first, then @second. */
static unsigned int count_allocations(struct kunit *test,
				      struct dma_fence *fence,
				      enum dma_resv_usage first,
				      enum dma_resv_usage second)
{
	unsigned int round, least = FAULTS_MAX;

	/* Now and then the allocator needs a page more. */
	for (round = 0; round < 10; round++) {
		struct dma_resv *resv = rig_another_resv(test);
		struct dma_resv_many_entry entries[] = {
			{ .resv = resv, .usage = first },
			{ .resv = resv, .usage = second },
		};
		struct dma_resv_many many;
		int ret;

		fail_nth(FAULTS_MAX);
		ret = dma_resv_many_lock(&many, entries, 2, fence);
		least = min(least, allocated(FAULTS_MAX));
		KUNIT_ASSERT_EQ(test, 0, ret);
		dma_resv_many_cancel(&many);
	}
	return least;
}

/* What was prepared without the lock serves, whichever entry it was for. */
static void i5_an_object_that_occurs_twice_allocates_no_more(struct kunit *test)
{
	struct dma_fence *fence = rig_array(test, rig_many(test, 40), 40);
	unsigned int in_order;

	in_order = count_allocations(test, fence, WRITE_, READ_);
	KUNIT_EXPECT_GT(test, in_order, 1);
	/* To prepare once more would take a third more. */
	KUNIT_EXPECT_LT(test, count_allocations(test, fence, READ_, WRITE_),
			in_order + in_order / 6);
}

static void i3_prune_without_memory_changes_nothing(struct kunit *test)
{
	struct call call = { .run = run_prune, .count = 60, .entries = 30 };
	unsigned int i;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	call.there = rig_many(test, 60);
	/* The kernel would drop what has signaled before: it signals last. */
	for (i = 0; i < 60; i++)
		call.there[i] = i < 30 ? call.there[i] :
				rig_fence(test, call.there[i - 30]->context, 0);
	run_with_faults(test, &call, 1);
}

static void e1_an_export_without_memory_is_enomem(struct kunit *test)
{
	static const unsigned int counts[] = { 2, 9, 125, 900 };
	struct call call = { .run = run_export };
	unsigned int i;

	call.there = rig_many(test, 900);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		call.count = counts[i];
		call.entries = counts[i];
		call.fences = counts[i];
		run_with_faults(test, &call, 2);
	}
}

/* The fence of an idle object has a time, and so needs memory. */
static void e4_an_idle_export_without_memory_is_enomem(struct kunit *test)
{
	struct call call = { .run = run_export, .count = 1, .entries = 1 };

	call.there = rig_many(test, 1);
	dma_fence_signal(call.there[0]);
	run_with_faults(test, &call, dma_resv_list_known ? 1 : 0);
}

static void e1_a_merge_without_memory_is_enomem(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 5, 200 };
	struct dma_fence **one = rig_many(test, 200);
	struct dma_fence **two = rig_many(test, 200);
	struct call call = { .run = run_merge_two };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		call.fence = rig_array(test, one, counts[i]);
		call.other = rig_array(test, two, counts[i]);
		call.fences = 2 * counts[i];
		run_with_faults(test, &call, 2);
	}
}

static struct kunit_case dma_resv_fault_cases[] = {
	KUNIT_CASE(i3_an_import_without_memory_changes_nothing),
	KUNIT_CASE(i3_steps_without_memory_change_nothing),
	KUNIT_CASE(i3_many_without_memory_change_nothing),
	KUNIT_CASE(i5_an_object_that_occurs_twice_allocates_no_more),
	KUNIT_CASE(i3_prune_without_memory_changes_nothing),
	KUNIT_CASE(e1_an_export_without_memory_is_enomem),
	KUNIT_CASE(e4_an_idle_export_without_memory_is_enomem),
	KUNIT_CASE(e1_a_merge_without_memory_is_enomem),
	{}
};

static struct kunit_suite dma_resv_fault_suite = {
	.name = "dma_resv_fault",
	.init = dma_resv_fault_init,
	.test_cases = dma_resv_fault_cases,
};

kunit_test_suite(dma_resv_fault_suite);

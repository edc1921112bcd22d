// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every allocation fails once
 *
 * A call is made again and again; the n-th allocation of the n-th time fails,
 * until a call makes fewer. After each failure all is as it was before. Needs
 * CONFIG_FAULT_INJECTION, CONFIG_FAILSLAB and CONFIG_FAIL_PAGE_ALLOC.
 */

#include <linux/debugfs.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/fault-inject.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "../compat/dma-fence-array.h"
#include "../compat/dma-resv-slots.h"
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

/*
 * As if there were no two free pages side by side, for this task. KASAN has what
 * takes a page take two.
 */
static void starve(bool on)
{
	const char *dir = "fail_page_alloc";

	*(u32 *)knob(dir, "min-order") = on ? 1 + IS_ENABLED(CONFIG_KASAN) : 0;
	*(unsigned long *)knob(dir, "interval") = 1;
	*(unsigned long *)knob(dir, "probability") = on ? 100 : 0;
	*(bool *)knob(dir, "task-filter") = on;
	atomic_set(knob(dir, "times"), on ? -1 : 1);
	current->make_it_fail = on;
}

#else

static void starve(bool on)
{
}

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
	/* Where each fence takes memory, a page more is needed each time. */
	KUNIT_EXPECT_LE(test, count_allocations(test, fence, READ_, WRITE_),
			in_order + in_order / 8);
}

static void i5_prune_allocates_nothing(struct kunit *test)
{
	struct call call = { .there = rig_many(test, 60), .count = 60 };
	unsigned int i;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	dma_resv_init(&call.resv);
	KUNIT_EXPECT_EQ(test, 0, add_what_is_there(&call));
	for (i = 0; i < 60; i += 2)
		dma_fence_signal(call.there[i]);
	fail_nth(1);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(&call.resv));
	KUNIT_EXPECT_FALSE(test, failed());
	KUNIT_EXPECT_EQ(test, 30, rig_entries(&call.resv, NULL, 0));
	dma_resv_fini(&call.resv);
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

static struct dma_fence *merge_starving(struct kunit *test,
					struct dma_fence **fences,
					unsigned int count)
{
	struct dma_fence_set set;
	struct dma_fence *fence;
	unsigned int i;
	int ret = 0;

	dma_fence_set_init(&set);
	for (i = 0; i < count && !ret; i++)
		ret = dma_fence_set_add(&set, fences[i]);
	KUNIT_EXPECT_EQ(test, 0, ret);
	starve(true);
	fence = dma_fence_set_merge(&set);
	starve(false);
	dma_fence_set_fini(&set);
	return rig_keep(test, fence);
}

/* As many fences as the largest array has, and the largest that the slab has. */
#define A	RIG_ARRAY(PAGE_ALLOC_COSTLY_ORDER)
#define SLAB	RIG_ARRAY(1)

/*
 * A chain of arrays that fit into a page each, whose links have no number. The
 * slab has two pages side by side, where somebody has given them back.
 */
static void e5_small_arrays_where_memory_is_in_pieces(struct kunit *test)
{
	static const unsigned int counts[] = { SLAB + 1, A, A + 1, 3 * A + 5 };
	struct dma_fence **fences = rig_many(test, 3 * A + 5);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_fence *merged, *link;
		unsigned int links = 0;

		merged = merge_starving(test, fences, counts[i]);
		rig_expect_fences(test, merged, fences, counts[i]);
		for (link = merged; link; links++) {
			struct dma_fence_chain *chain = to_dma_fence_chain(link);
			struct dma_fence_array *array;

			KUNIT_ASSERT_NOT_NULL(test, chain);
			KUNIT_EXPECT_EQ(test, link->seqno, 0);
			array = to_dma_fence_array(chain->fence);
			if (array)
				KUNIT_EXPECT_LE(test, ksize(array),
						2 * PAGE_SIZE);
			link = rcu_dereference_protected(chain->prev, true);
		}
		KUNIT_EXPECT_GE(test, links, DIV_ROUND_UP(counts[i], SLAB));
	}
}

/* But for arrays, which have a smaller shape, nothing takes two pages. */
static void e6_all_else_takes_single_pages(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20000), *array, *fence;
	struct dma_fence_set set, full;

	array = rig_array(test, fences, 20000);
	dma_fence_set_init(&set);
	dma_fence_set_init(&full);
	starve(true);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_reserve(&full,
						       DMA_FENCE_SET_MAX));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_borrow(&set, array));
	KUNIT_EXPECT_EQ(test, 0, dma_fence_set_reserve_notes(&set));
	if (dma_resv_list_known)
		KUNIT_EXPECT_EQ(test, 0, dma_resv_import_fence(rig_resv(test),
							       array, WRITE_));
	fence = dma_resv_export_fence(rig_resv(test), READ_);
	starve(false);
	rig_keep(test, fence);
	if (dma_resv_list_known)
		rig_expect_fences(test, fence, fences, 20000);
	dma_fence_set_fini(&set);
	dma_fence_set_fini(&full);
}

#ifdef CONFIG_TRACEPOINTS

/* What one task asks of the page allocator. */
struct asked {
	struct task_struct *task;
	/* of more than a page; and of those, at all costs */
	unsigned int large, hard;
};

static void page_allocated(void *data, struct page *page, unsigned int order,
			   gfp_t flags, int migratetype)
{
	struct asked *asked = data;

	if (current != asked->task || !order || !in_task())
		return;
	asked->large++;
	asked->hard += !(flags & __GFP_NORETRY);
}

static void find_page_alloc(struct tracepoint *tp, void *found)
{
	if (!strcmp(tp->name, "mm_page_alloc"))
		*(struct tracepoint **)found = tp;
}

/* To reclaim and compact memory for what has a smaller shape is not worth it. */
static void e6_large_arrays_are_not_forced(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, A);
	struct asked asked = { .task = current };
	struct tracepoint *tp = NULL;
	struct dma_fence_set set;
	struct dma_fence *fence;
	unsigned int i;

	for_each_kernel_tracepoint(find_page_alloc, &tp);
	if (!tp)
		kunit_skip(test, "the kernel has no tracepoint mm_page_alloc");
	dma_fence_set_init(&set);
	for (i = 0; i < A; i++)
		KUNIT_EXPECT_EQ(test, 0, dma_fence_set_add(&set, fences[i]));
	KUNIT_ASSERT_EQ(test, 0, tracepoint_probe_register(tp, page_allocated,
							   &asked));
	fence = dma_fence_set_merge(&set);
	tracepoint_probe_unregister(tp, page_allocated, &asked);
	tracepoint_synchronize_unregister();
	dma_fence_set_fini(&set);
	rig_keep(test, fence);
	KUNIT_EXPECT_NOT_NULL(test, to_dma_fence_array(fence));
	KUNIT_EXPECT_GE(test, asked.large, 1);
	/* The kernel itself asks once more, when it can be had. */
	KUNIT_EXPECT_LE(test, asked.hard, COMPAT_ARRAY_IS_OURS ? 0 : 1);
}

#else

static void e6_large_arrays_are_not_forced(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_TRACEPOINTS");
}

#endif

/* What is imported where there is room. */
struct room_call {
	struct dma_resv resv;
	struct dma_fence **fences;
	unsigned int there, count;
	bool chain;
};

/* A container of so many fences, or one of them. */
static struct dma_fence *room_fence(struct kunit *test, struct room_call *call)
{
	struct dma_fence *chain = NULL;
	unsigned int i;

	if (!call->chain)
		return call->count == 1 ? call->fences[0] :
		       rig_array(test, call->fences, call->count);
	for (i = 0; i < call->count; i++)
		chain = rig_link(test, chain, call->fences[i]);
	return chain;
}

/*
 * The list has room for all, until it is unlocked; the lock is kept where the
 * kernel takes room away then.
 */
static int fill_and_make_room(struct room_call *call, struct dma_fence **there)
{
	unsigned int i;
	int ret;

	dma_resv_init(&call->resv);
	dma_resv_lock(&call->resv, NULL);
	ret = dma_resv_reserve_fences(&call->resv, call->there + call->count);
	for (i = 0; i < call->there && !ret; i++)
		dma_resv_add_fence(&call->resv, there[i], READ_);
	return ret;
}

/* At once. */
static int import_at_once(struct room_call *call, struct dma_fence *fence)
{
	dma_resv_unlock(&call->resv);
	fail_nth(FAULTS_MAX);
	return dma_resv_import_fence(&call->resv, fence, WRITE_);
}

/* In steps, which have a structure of their own. */
static int import_in_steps(struct room_call *call, struct dma_fence *fence)
{
	struct dma_resv_import *import;
	int ret;

	fail_nth(FAULTS_MAX);
	import = dma_resv_import_prepare(&call->resv, fence, WRITE_);
	if (IS_ERR(import)) {
		dma_resv_unlock(&call->resv);
		return PTR_ERR(import);
	}
	ret = dma_resv_import_reserve(import, 0);
	if (ret)
		dma_resv_import_cancel(import);
	else
		dma_resv_import_commit(import);
	dma_resv_unlock(&call->resv);
	return ret;
}

/* What one is counted as: kmemleak has one of its own for each. */
static unsigned int one_allocation(void)
{
	unsigned int round, least = FAULTS_MAX;

	for (round = 0; round < 5; round++) {
		fail_nth(FAULTS_MAX);
		kfree(kmalloc(100, GFP_KERNEL_ACCOUNT));
		least = min(least, allocated(FAULTS_MAX));
	}
	return least;
}

/* The least of some times: now and then a debugging kernel needs a page. */
static unsigned int allocations(struct kunit *test, struct room_call *call,
				struct dma_fence **there,
				int (*run)(struct room_call *call,
					   struct dma_fence *fence))
{
	struct dma_fence *fence = room_fence(test, call);
	unsigned int round, least = FAULTS_MAX;

	for (round = 0; round < 5; round++) {
		int ret = fill_and_make_room(call, there);

		KUNIT_EXPECT_EQ(test, 0, ret);
		ret = run(call, fence);
		least = min(least, allocated(FAULTS_MAX));
		KUNIT_EXPECT_EQ(test, 0, ret);
		KUNIT_EXPECT_EQ(test, call->there + call->count,
				rig_entries(&call->resv, NULL, 0));
		dma_resv_fini(&call->resv);
	}
	return least;
}

/* Of up to so many contexts, into a list of any length. */
static void i5_where_there_is_room_nothing_is_allocated(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 2, DMA_FENCE_SET_INLINE };
	static const unsigned int lengths[] = { 0, 3, 40, 300, 3000 };
	struct dma_fence **there = rig_many(test, 3000);
	struct room_call call = {
		.fences = rig_many(test, DMA_FENCE_SET_INLINE + 1),
	};
	unsigned int i, one = one_allocation();

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	KUNIT_ASSERT_GT(test, one, 0);
	for (i = 0; i < 2 * ARRAY_SIZE(counts) * ARRAY_SIZE(lengths); i++) {
		call.chain = i % 2;
		call.count = counts[i / 2 % ARRAY_SIZE(counts)];
		call.there = lengths[i / 2 / ARRAY_SIZE(counts)];
		KUNIT_EXPECT_EQ(test, one, allocations(test, &call, there,
						       import_in_steps));
		if (IS_ENABLED(CONFIG_DEBUG_MUTEXES))
			continue;
		KUNIT_EXPECT_EQ(test, 0, allocations(test, &call, there,
						     import_at_once));
	}
	/* One context more than a set holds in itself: what is counted here? */
	call.count++;
	KUNIT_EXPECT_GT(test, allocations(test, &call, there, import_in_steps),
			one);
}

static struct kunit_case dma_resv_fault_cases[] = {
	KUNIT_CASE(i3_an_import_without_memory_changes_nothing),
	KUNIT_CASE(i3_steps_without_memory_change_nothing),
	KUNIT_CASE(i3_many_without_memory_change_nothing),
	KUNIT_CASE(i5_an_object_that_occurs_twice_allocates_no_more),
	KUNIT_CASE(i5_prune_allocates_nothing),
	KUNIT_CASE(e1_an_export_without_memory_is_enomem),
	KUNIT_CASE(e4_an_idle_export_without_memory_is_enomem),
	KUNIT_CASE(e1_a_merge_without_memory_is_enomem),
	KUNIT_CASE(e5_small_arrays_where_memory_is_in_pieces),
	KUNIT_CASE(e6_all_else_takes_single_pages),
	KUNIT_CASE(e6_large_arrays_are_not_forced),
	KUNIT_CASE(i5_where_there_is_room_nothing_is_allocated),
	{}
};

static struct kunit_suite dma_resv_fault_suite = {
	.name = "dma_resv_fault",
	.init = dma_resv_fault_init,
	.test_cases = dma_resv_fault_cases,
};

kunit_test_suite(dma_resv_fault_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of one fence and many reservation objects
 */

#include <linux/completion.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "../compat/dma-resv-slots.h"
#include "dma-resv-rig.h"

/* Objects of a job. */
#define OBJECTS	4

/* Some idle objects; the rig's own is the first. */
static struct dma_resv **objects(struct kunit *test)
{
	struct dma_resv **resv = kunit_kcalloc(test, OBJECTS, sizeof(*resv),
					       GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, resv);
	resv[0] = rig_resv(test);
	for (i = 1; i < OBJECTS; i++)
		resv[i] = rig_another_resv(test);
	return resv;
}

static struct dma_resv_many_entry entry(struct dma_resv *resv,
					enum dma_resv_usage usage)
{
	return (struct dma_resv_many_entry) {
		.resv = resv,
		.usage = usage,
	};
}

static void lock_many(struct kunit *test, struct dma_resv_many *many,
		      struct dma_resv_many_entry *entries, unsigned int count,
		      struct dma_fence *fence)
{
	memset(many, 0xaa, sizeof(*many));
	KUNIT_ASSERT_EQ(test, 0, dma_resv_many_lock(many, entries, count,
						    fence));
}

static void import_many(struct kunit *test,
			struct dma_resv_many_entry *entries, unsigned int count,
			struct dma_fence *fence)
{
	struct dma_resv_many many;

	lock_many(test, &many, entries, count, fence);
	dma_resv_many_commit(&many);
	dma_resv_many_end(&many);
}

/* @resv has these fences with @usage and nothing else. */
static void expect_all(struct kunit *test, struct dma_resv *resv,
		       struct dma_fence **fences, unsigned int count,
		       enum dma_resv_usage usage)
{
	struct resv_entry *entries = kunit_kcalloc(test, max(count, 1U),
						   sizeof(*entries),
						   GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (i = 0; i < count; i++)
		entries[i] = (struct resv_entry)E(fences[i], usage);
	rig_expect_entries(test, resv, entries, count);
	kunit_kfree(test, entries);
}

static void i1_each_object_gets_its_usage(struct kunit *test)
{
	struct dma_resv **resv = objects(test);
	struct dma_fence *fence = rig_new(test);
	struct dma_resv_many_entry entries[OBJECTS];
	unsigned int i;

	for (i = 0; i < OBJECTS; i++)
		entries[i] = entry(resv[i], i % 2 ? READ_ : WRITE_);
	import_many(test, entries, OBJECTS, fence);
	for (i = 0; i < OBJECTS; i++)
		expect_all(test, resv[i], &fence, 1, i % 2 ? READ_ : WRITE_);
}

/* READ and WRITE of one object, in every order and with others between. */
static void i1_the_same_object_again_is_the_union(struct kunit *test)
{
	static const enum dma_resv_usage usages[][3] = {
		{ READ_, READ_, READ_ }, { READ_, READ_, WRITE_ },
		{ READ_, WRITE_, READ_ }, { WRITE_, READ_, READ_ },
		{ READ_, WRITE_, WRITE_ }, { WRITE_, WRITE_, WRITE_ },
	};
	static const unsigned int counts[] = { 1, 5, 40 };
	struct dma_resv *other = rig_another_resv(test);
	struct dma_fence **fences = rig_many(test, 40);
	struct dma_resv_many_entry entries[6];
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(usages) * ARRAY_SIZE(counts); i++) {
		const enum dma_resv_usage *usage = usages[i / 3];
		struct dma_resv *resv = rig_another_resv(test);

		j = counts[i % 3];
		for (k = 0; k < 3; k++) {
			entries[2 * k] = entry(resv, usage[k]);
			entries[2 * k + 1] = entry(other, READ_);
		}
		import_many(test, entries, 6, rig_array(test, fences, j));
		expect_all(test, resv, fences, j,
			   i / 3 ? WRITE_ : READ_);
	}
	expect_all(test, other, fences, 40, READ_);
}

/* What is there already and nothing else, with every usage of it. */
static void i1_once_more_is_the_strictest_of_all(struct kunit *test)
{
	static const enum dma_resv_usage usages[][3] = {
		/* there, then imported */
		{ READ_, READ_, READ_ }, { READ_, READ_, WRITE_ },
		{ READ_, WRITE_, READ_ }, { READ_, WRITE_, WRITE_ },
		{ WRITE_, READ_, READ_ }, { WRITE_, READ_, WRITE_ },
	};
	struct dma_fence *fence = rig_new(test);
	struct dma_resv_many_entry entries[2];
	unsigned int i, count;

	for (i = 0; i < 2 * ARRAY_SIZE(usages); i++) {
		const enum dma_resv_usage *usage = usages[i / 2];
		struct dma_resv *resv = rig_another_resv(test);

		count = 1 + i % 2;
		rig_add_to(test, resv, fence, usage[0]);
		entries[0] = entry(resv, usage[1]);
		entries[1] = entry(resv, usage[2]);
		import_many(test, entries, count, fence);
		expect_all(test, resv, &fence, 1,
			   min(min(usage[0], usage[1]), usage[count]));
	}
}

/* One, few, many; arrays, chains, chains of arrays; nothing of it pending. */
static void i1_containers_of_any_kind(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 2, 15, 16, 17, 40, 300 };
	struct dma_fence **fences = rig_many(test, 300);
	struct dma_fence *array, *chain;
	struct dma_resv_many_entry entries[3];
	unsigned int i, j, kind;

	for (i = 0; i < ARRAY_SIZE(counts) * 3; i++) {
		unsigned int count = counts[i / 3];

		kind = i % 3;
		array = rig_array(test, fences, count);
		chain = NULL;
		for (j = 0; kind == 1 && j < count; j++)
			chain = rig_link(test, chain, fences[j]);
		if (kind == 2)
			chain = rig_link(test, rig_link(test, NULL, fences[0]),
					 array);
		for (j = 0; j < 3; j++)
			entries[j] = entry(rig_another_resv(test),
					   j ? READ_ : WRITE_);
		import_many(test, entries, 3, chain ?: array);
		for (j = 0; j < 3; j++)
			expect_all(test, entries[j].resv, fences, count,
				   j ? READ_ : WRITE_);
	}
}

static void i1_what_has_signaled_is_not_imported(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 20);
	struct dma_resv **resv = objects(test);
	struct dma_fence *array = rig_array(test, fences, 20);
	struct dma_resv_many_entry entries[2];
	unsigned int i;

	for (i = 1; i < 20; i++)
		dma_fence_signal(fences[i]);
	entries[0] = entry(resv[0], WRITE_);
	entries[1] = entry(resv[1], READ_);
	import_many(test, entries, 2, array);
	expect_all(test, resv[0], fences, 1, WRITE_);
	expect_all(test, resv[1], fences, 1, READ_);

	dma_fence_signal(fences[0]);
	entries[0] = entry(resv[2], WRITE_);
	entries[1] = entry(resv[3], READ_);
	import_many(test, entries, 2, array);
	KUNIT_EXPECT_EQ(test, rig_entries(resv[2], NULL, 0), 0);
	KUNIT_EXPECT_EQ(test, rig_entries(resv[3], NULL, 0), 0);
}

/* Lists of any length before, some with a fence of the same context. */
static void i2_what_was_there_stays(struct kunit *test)
{
	static const unsigned int lengths[] = { 0, 1, 3, 15, 16, 60, 300 };
	static const unsigned int counts[] = { 1, 4, 16, 40 };
	struct dma_fence **there = rig_many(test, 300);
	struct resv_entry *all = kunit_kcalloc(test, 340, sizeof(*all),
					       GFP_KERNEL);
	struct dma_fence **fences = rig_many(test, 40);
	struct dma_resv_many_entry entries[2];
	unsigned int i, j, k, length, count;

	KUNIT_ASSERT_NOT_NULL(test, all);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (j = 0; j < ARRAY_SIZE(counts); j++) {
			length = lengths[i];
			count = counts[j];
			for (k = 0; k < 2; k++)
				entries[k] = entry(rig_another_resv(test),
						   WRITE_);
			for (k = 0; k < length; k++)
				rig_add_to(test, entries[1].resv, there[k],
					   k % 2 ? KERNEL : BOOKKEEP);
			import_many(test, entries, 2,
				    rig_array(test, fences, count));
			expect_all(test, entries[0].resv, fences, count,
				   WRITE_);
			for (k = 0; k < length; k++)
				all[k] = (struct resv_entry)
					E(there[k], k % 2 ? KERNEL : BOOKKEEP);
			for (; k < length + count; k++)
				all[k] = (struct resv_entry)
					E(fences[k - length], WRITE_);
			rig_expect_entries(test, entries[1].resv, all, k);
		}
	}
}

static void i2_an_entry_is_not_weakened(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *old = rig_fence(test, context, 1);
	struct dma_fence *new = rig_fence(test, context, 2);
	struct dma_resv **resv = objects(test);
	struct dma_resv_many_entry entries[OBJECTS];
	static const enum dma_resv_usage usages[OBJECTS] = {
		KERNEL, WRITE_, READ_, BOOKKEEP
	};
	unsigned int i;

	for (i = 0; i < OBJECTS; i++) {
		rig_add_to(test, resv[i], old, usages[i]);
		entries[i] = entry(resv[i], READ_);
	}
	import_many(test, entries, OBJECTS, new);
	for (i = 0; i < 2; i++) {
		struct resv_entry both[] = { E(old, usages[i]), E(new, READ_) };

		rig_expect_entries(test, resv[i], both, 2);
	}
	expect_all(test, resv[2], &new, 1, READ_);
	/* With the kernel's public functions the old one may stay. */
	if (dma_resv_list_known)
		expect_all(test, resv[3], &new, 1, READ_);
}

/* Locked and given up: nothing has changed, no reference is left. */
static void i3_without_a_commit_nothing_changes(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 40 };
	struct dma_fence **fences = rig_many(test, 40), *there = rig_new(test);
	struct dma_resv **resv = objects(test);
	struct dma_resv_many_entry entries[OBJECTS + 1];
	struct dma_resv_many many;
	unsigned int i, j;

	rig_add_to(test, resv[1], there, READ_);
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		for (j = 0; j <= OBJECTS; j++)
			entries[j] = entry(resv[j % OBJECTS], WRITE_);
		lock_many(test, &many, entries, OBJECTS + 1,
			  rig_array(test, fences, counts[i]));
		for (j = 0; j < OBJECTS; j++)
			KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(resv[j]));
		dma_resv_many_cancel(&many);
		for (j = 0; j < OBJECTS; j++) {
			KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(resv[j]));
			expect_all(test, resv[j], &there, j == 1, READ_);
		}
	}
}

/* With the locks, and of each object what its usage has to wait for. */
static void e1_export_is_what_the_usage_waits_for(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 8), *job = rig_new(test);
	struct dma_resv **resv = objects(test);
	struct dma_resv_many_entry entries[3];
	struct dma_resv_many many;
	struct dma_fence *fence;
	unsigned int i;

	if (!DRIVER_HAS_USAGES)
		kunit_skip(test, "only where fences have a usage");
	for (i = 0; i < 8; i++)
		rig_add_to(test, resv[i / 4], fences[i], i % 4);
	entries[0] = entry(resv[0], READ_);
	entries[1] = entry(resv[1], WRITE_);
	entries[2] = entry(resv[2], WRITE_);
	lock_many(test, &many, entries, 3, job);
	fence = rig_keep(test, rig_export_many(&many));
	KUNIT_EXPECT_EQ(test, many.failed, 3);
	dma_resv_many_commit(&many);
	dma_resv_many_end(&many);
	EXPECT_FENCES(test, fence, fences[0], fences[1], fences[4], fences[5],
		      fences[6]);
}

/* An object twice: exported once, as its strictest usage has to wait. */
static void e1_export_of_the_same_object_again(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 2), *job = rig_new(test);
	struct dma_resv_many_entry entries[3];
	struct dma_resv_many many;
	struct dma_fence *fence;
	unsigned int i;

	rig_add(test, fences[0], WRITE_);
	rig_add(test, fences[1], READ_);
	for (i = 0; i < 3; i++)
		entries[i] = entry(rig_resv(test), i == 1 ? WRITE_ : READ_);
	lock_many(test, &many, entries, 3, job);
	fence = rig_keep(test, rig_export_many(&many));
	dma_resv_many_commit(&many);
	dma_resv_many_end(&many);
	EXPECT_FENCES(test, fence, fences[0], fences[1]);
	EXPECT_ENTRIES(test, E(fences[0], WRITE_), E(fences[1], READ_),
		       E(job, WRITE_));
}

/* An import leaves no signaled entries behind. */
static void i4_many_objects_are_tidied_up(struct kunit *test)
{
	struct dma_fence **dead = rig_many(test, 300);
	struct dma_fence **fences = rig_many(test, 30), *last = rig_new(test);
	struct dma_resv **resv = objects(test);
	struct dma_resv_many_entry entries[2];
	unsigned int i, round;

	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	for (i = 0; i < 600; i++)
		rig_add_to(test, resv[i / 300], dead[i % 300], READ_);
	for (i = 0; i < 300; i++)
		dma_fence_signal(dead[i]);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2; i++)
			entries[i] = entry(resv[i], WRITE_);
		/* Many, one, and one that has signaled. */
		import_many(test, entries, 2, round ? last :
			    rig_array(test, fences, 30));
		for (i = 0; i < 2; i++)
			KUNIT_EXPECT_EQ(test, rig_entries(resv[i], NULL, 0),
					round ? round == 1 : 30);
		for (i = 0; i < 30; i++)
			dma_fence_signal(fences[i]);
		if (round == 1)
			dma_fence_signal(last);
	}
}

/* CONFIG_DEBUG_WW_MUTEX_SLOWPATH has a lock fail now and then. */
static bool backed_off(const struct dma_resv_many *many)
{
#ifdef CONFIG_DEBUG_WW_MUTEX_SLOWPATH
	return many->ticket.deadlock_inject_interval > 1;
#else
	return false;
#endif
}

static void i3_an_injected_deadlock_is_got_over(struct kunit *test)
{
	struct dma_resv **resv = objects(test);
	struct dma_resv_many_entry entries[2 * OBJECTS];
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *job = NULL;
	unsigned int i, round, backoffs = 0;

	if (!IS_ENABLED(CONFIG_DEBUG_WW_MUTEX_SLOWPATH))
		kunit_skip(test, "needs CONFIG_DEBUG_WW_MUTEX_SLOWPATH");
	for (round = 1; round <= 100; round++) {
		struct dma_resv_many many;

		job = rig_fence(test, context, round);
		for (i = 0; i < 2 * OBJECTS; i++)
			entries[i] = entry(resv[(i * 3 + round) % OBJECTS],
					   i < OBJECTS ? READ_ : WRITE_);
		lock_many(test, &many, entries, 2 * OBJECTS, job);
		backoffs += backed_off(&many);
		for (i = 0; i < OBJECTS; i++)
			KUNIT_EXPECT_TRUE(test, dma_resv_is_locked(resv[i]));
		dma_resv_many_commit(&many);
		dma_resv_many_end(&many);
		for (i = 0; i < OBJECTS; i++) {
			KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(resv[i]));
			expect_all(test, resv[i], &job, 1, WRITE_);
		}
	}
	KUNIT_EXPECT_GT(test, backoffs, 0);
}

/* Others add between the look without the locks and the locks. */
struct meddler {
	struct dma_resv *resv;
	struct dma_fence **fences;
	unsigned int count;
	int ret;
	struct completion done;
};

static int meddle(void *data)
{
	struct meddler *meddler = data;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < meddler->count && !ret; i++) {
		dma_resv_lock(meddler->resv, NULL);
		ret = dma_resv_reserve_fences(meddler->resv, 1);
		if (!ret)
			dma_resv_add_fence(meddler->resv, meddler->fences[i],
					   READ_);
		dma_resv_unlock(meddler->resv);
		cond_resched();
	}
	meddler->ret = ret;
	complete(&meddler->done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void i2_others_that_add_meanwhile_lose_nothing(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_resv **resv = objects(test);
	struct meddler meddler = {
		.resv = resv[OBJECTS - 1], .fences = rig_many(test, 500),
		.count = 500,
	};
	struct dma_resv_many_entry entries[OBJECTS];
	struct dma_fence *job = NULL;
	struct task_struct *task;
	unsigned int i, round;

	init_completion(&meddler.done);
	task = kthread_run(meddle, &meddler, "meddler");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	for (round = 1; round <= 300 || !completion_done(&meddler.done); round++) {
		job = rig_fence(test, context, round);
		for (i = 0; i < OBJECTS; i++)
			entries[i] = entry(resv[i], WRITE_);
		import_many(test, entries, OBJECTS, job);
		cond_resched();
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, 0, meddler.ret);
	for (i = 0; i < OBJECTS - 1; i++)
		expect_all(test, resv[i], &job, 1, WRITE_);
	KUNIT_EXPECT_EQ(test, 501, rig_entries(resv[OBJECTS - 1], NULL, 0));
}

static struct kunit_case dma_resv_many_cases[] = {
	KUNIT_CASE(i1_each_object_gets_its_usage),
	KUNIT_CASE(i1_the_same_object_again_is_the_union),
	KUNIT_CASE(i1_once_more_is_the_strictest_of_all),
	KUNIT_CASE(i1_containers_of_any_kind),
	KUNIT_CASE(i1_what_has_signaled_is_not_imported),
	KUNIT_CASE(i2_what_was_there_stays),
	KUNIT_CASE(i2_an_entry_is_not_weakened),
	KUNIT_CASE(i3_without_a_commit_nothing_changes),
	KUNIT_CASE(e1_export_is_what_the_usage_waits_for),
	KUNIT_CASE(e1_export_of_the_same_object_again),
	KUNIT_CASE(i4_many_objects_are_tidied_up),
	KUNIT_CASE(i3_an_injected_deadlock_is_got_over),
	KUNIT_CASE(i2_others_that_add_meanwhile_lose_nothing),
	{}
};

static struct kunit_suite dma_resv_many_suite = {
	.name = "dma_resv_many",
	.init = dma_resv_rig_init,
	.test_cases = dma_resv_many_cases,
};

kunit_test_suite(dma_resv_many_suite);

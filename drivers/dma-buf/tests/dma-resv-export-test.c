// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of export
 */

#include <linux/completion.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-resv-export.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "dma-resv-rig.h"

static void e1_each_usage_has_its_own_and_the_stricter(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 4);
	enum dma_resv_usage usage;

	if (!DRIVER_HAS_USAGES)
		kunit_skip(test, "only where fences have a usage");
	for (usage = KERNEL; usage <= BOOKKEEP; usage++)
		rig_add(test, fences[usage], usage);
	for (usage = KERNEL; usage <= BOOKKEEP; usage++)
		rig_expect_fences(test, rig_export(test, usage), fences,
				  usage + 1);
}

static void e1_it_signals_with_the_last_and_no_later(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 200), *fence;
	unsigned int i;

	rig_import(test, rig_array(test, fences, 200), WRITE_);
	fence = rig_export(test, READ_);
	for (i = 1; i < 200; i++)
		dma_fence_signal(fences[i]);
	KUNIT_EXPECT_EQ(test, 0, dma_fence_wait_timeout(fence, false, 1));
	dma_fence_signal(fences[0]);
	KUNIT_EXPECT_GT(test, dma_fence_wait_timeout(fence, false, 5 * HZ), 0);
}

static void e2_it_is_a_snapshot(struct kunit *test)
{
	struct dma_fence *before = rig_new(test), *after = rig_new(test);
	struct dma_fence *fence;

	rig_import(test, before, WRITE_);
	fence = rig_export(test, READ_);
	rig_import(test, after, WRITE_);
	EXPECT_FENCES(test, fence, before);
}

struct export_call {
	struct dma_resv *resv;
	struct dma_fence *fence;
	struct completion done;
};

static int export_thread(void *data)
{
	struct export_call *call = data;

	call->fence = dma_resv_export_fence(call->resv, READ_);
	complete(&call->done);
	return 0;
}

static void e3_it_does_not_wait_for_the_lock(struct kunit *test)
{
	struct export_call call = { .resv = rig_resv(test) };
	struct dma_fence *fence = rig_new(test);
	struct task_struct *thread;

	init_completion(&call.done);
	rig_import(test, fence, WRITE_);
	dma_resv_lock(call.resv, NULL);
	thread = kthread_run(export_thread, &call, "export");
	KUNIT_EXPECT_FALSE(test, IS_ERR(thread));
	if (!IS_ERR(thread))
		KUNIT_EXPECT_NE(test, 0,
				wait_for_completion_timeout(&call.done, HZ));
	dma_resv_unlock(call.resv);
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	if (!call.fence)
		wait_for_completion(&call.done);
	EXPECT_FENCES(test, rig_keep(test, call.fence), fence);
}

static void e4_an_idle_object_gives_a_signaled_fence(struct kunit *test)
{
	struct dma_fence *fence = rig_new(test);

	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(rig_export(test, READ_)));
	if (DRIVER_HAS_USAGES) {
		rig_import(test, fence, BOOKKEEP);
		KUNIT_EXPECT_TRUE(test,
				  dma_fence_is_signaled(rig_export(test, READ_)));
	}
	rig_import(test, fence, WRITE_);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(rig_export(test, READ_)));
}

static void e4_one_fence_a_context(struct kunit *test)
{
	u64 context = dma_fence_context_alloc(1);
	struct dma_fence *one = rig_fence(test, context, 1);
	struct dma_fence *two = rig_fence(test, context, 2);

	rig_add(test, one, WRITE_);
	rig_add(test, two, READ_);
	KUNIT_EXPECT_PTR_EQ(test, rig_export(test, READ_), two);
	KUNIT_EXPECT_PTR_EQ(test, rig_export(test, WRITE_), one);
}

static void e4_signaled_entries_are_left_out(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 3);
	unsigned int i;

	for (i = 0; i < 3; i++)
		rig_add(test, fences[i], READ_);
	dma_fence_signal(fences[1]);
	EXPECT_FENCES(test, rig_export(test, READ_), fences[0], fences[2]);
}

static void e4_fences_without_an_order_are_all_there(struct kunit *test)
{
	struct dma_fence *fences[] = {
		rig_fence(test, 0, 0), rig_fence(test, 0, 0),
	};

	rig_add(test, fences[0], READ_);
	rig_import(test, fences[1], WRITE_);
	rig_expect_fences(test, rig_export(test, READ_), fences, 2);
}

/* A fence that has the object lose its list when somebody looks at it. */
struct thief {
	/* first: the default release frees it */
	struct dma_fence fence;
	/* of this fence alone */
	spinlock_t lock;
	struct dma_resv *resv, *idle;
};

static const char *thief_name(struct dma_fence *fence)
{
	return "thief";
}

static bool thief_signaled(struct dma_fence *fence)
{
	struct thief *thief = container_of(fence, struct thief, fence);

	if (thief->resv && dma_resv_trylock(thief->resv)) {
		/* Of no fences: that does not allocate. */
		dma_resv_copy_fences(thief->resv, thief->idle);
		dma_resv_unlock(thief->resv);
		thief->resv = NULL;
	}
	return false;
}

static const struct dma_fence_ops thief_ops = {
	.get_driver_name = thief_name,
	.get_timeline_name = thief_name,
	.signaled = thief_signaled,
};

static void e3_an_object_that_loses_its_list_ends_the_walk(struct kunit *test)
{
	struct thief *thief = kzalloc(sizeof(*thief), GFP_KERNEL);
	struct dma_fence *first = rig_new(test), *fence;

	KUNIT_ASSERT_NOT_NULL(test, thief);
	spin_lock_init(&thief->lock);
	dma_fence_init(&thief->fence, &thief_ops, &thief->lock,
		       dma_fence_context_alloc(1), 1);
	rig_add(test, first, WRITE_);
	rig_add(test, &thief->fence, WRITE_);
	thief->idle = rig_another_resv(test);
	thief->resv = rig_resv(test);
	fence = rig_export(test, READ_);
	/* Both were there when the call began. */
	EXPECT_FENCES(test, fence, first, &thief->fence);
	dma_fence_signal(&thief->fence);
	dma_fence_put(&thief->fence);
}

/* No driver should put a container there, but replace_fences() lets it. */
static void e5_a_container_in_the_object_is_taken_apart(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 4), *fence = rig_new(test);
	struct dma_fence *array = rig_array(test, fences, 3);

	if (!DRIVER_HAS_USAGES)
		kunit_skip(test, "only where fences have a usage");
	rig_add(test, fence, READ_);
	rig_add(test, fences[3], READ_);
	dma_resv_lock(rig_resv(test), NULL);
	dma_resv_replace_fences(rig_resv(test), fence->context, array, READ_);
	dma_resv_unlock(rig_resv(test));
	rig_expect_fences(test, rig_export(test, READ_), fences, 4);
}

/* What was exported can be imported elsewhere, whatever its shape. */
static void e5_what_was_exported_can_be_imported(struct kunit *test)
{
	static const unsigned int counts[] = { 1, 2, 124, 125, 1000, 2100 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct dma_fence **fences = rig_many(test, counts[i]);
		struct dma_resv *other = rig_another_resv(test);
		struct dma_fence *fence;
		unsigned int j;

		rig_import(test, rig_array(test, fences, counts[i]), WRITE_);
		fence = rig_export(test, READ_);
		KUNIT_EXPECT_EQ(test, 0, dma_resv_import_fence(other, fence,
							       READ_));
		fence = rig_keep(test, dma_resv_export_fence(other, READ_));
		rig_expect_fences(test, fence, fences, counts[i]);
		for (j = 0; j < counts[i]; j++)
			dma_fence_signal(fences[j]);
	}
}

static struct kunit_case dma_resv_export_cases[] = {
	KUNIT_CASE(e1_each_usage_has_its_own_and_the_stricter),
	KUNIT_CASE(e1_it_signals_with_the_last_and_no_later),
	KUNIT_CASE(e2_it_is_a_snapshot),
	KUNIT_CASE(e3_it_does_not_wait_for_the_lock),
	KUNIT_CASE(e3_an_object_that_loses_its_list_ends_the_walk),
	KUNIT_CASE(e4_an_idle_object_gives_a_signaled_fence),
	KUNIT_CASE(e4_one_fence_a_context),
	KUNIT_CASE(e4_signaled_entries_are_left_out),
	KUNIT_CASE(e4_fences_without_an_order_are_all_there),
	KUNIT_CASE(e5_a_container_in_the_object_is_taken_apart),
	KUNIT_CASE(e5_what_was_exported_can_be_imported),
	{}
};

static struct kunit_suite dma_resv_export_suite = {
	.name = "dma_resv_export",
	.init = dma_resv_rig_init,
	.test_cases = dma_resv_export_cases,
};

kunit_test_suite(dma_resv_export_suite);

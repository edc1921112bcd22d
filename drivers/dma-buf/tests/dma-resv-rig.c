// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of fences and reservation objects start from
 */

#include <linux/delay.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "../compat/dma-fence-array.h"
#include "../compat/dma-resv-slots.h"
#include "dma-resv-rig.h"

struct rig_fence {
	struct dma_fence base;
	/* of this fence alone */
	spinlock_t lock;
	struct list_head node;
};

static const char *rig_name(struct dma_fence *fence)
{
	return "rig";
}

static const struct dma_fence_ops rig_ops = {
	.get_driver_name = rig_name,
	.get_timeline_name = rig_name,
};

/*
 * An array that is about to signal has references on itself for a while. What is
 * left of @tries is for all fences together.
 */
static unsigned int references(struct dma_fence *fence, unsigned int *tries)
{
	while (kref_read(&fence->refcount) != 1 && *tries) {
		msleep(20);
		--*tries;
	}
	return kref_read(&fence->refcount);
}

/* Nobody but the rig has a reference any more. */
static void rig_finish(void *data)
{
	struct kunit *test = data;
	struct dma_resv_rig *rig = test->priv;
	struct rig_fence *fence, *next;
	unsigned int tries = 50;

	dma_resv_fini(&rig->resv);
	list_for_each_entry_safe(fence, next, &rig->fences, node) {
		KUNIT_EXPECT_EQ_MSG(test, references(&fence->base, &tries), 1,
				    "references on %llu:%llu",
				    fence->base.context, fence->base.seqno);
		list_del(&fence->node);
		dma_fence_signal(&fence->base);
		dma_fence_put(&fence->base);
	}
}

/* For &kunit_suite.init; the end comes by itself. */
int dma_resv_rig_init(struct kunit *test)
{
	struct dma_resv_rig *rig = kunit_kzalloc(test, sizeof(*rig),
						 GFP_KERNEL);

	if (!rig)
		return -ENOMEM;
	dma_resv_init(&rig->resv);
	INIT_LIST_HEAD(&rig->fences);
	test->priv = rig;
	return kunit_add_action_or_reset(test, rig_finish, test);
}

/* A fence that only the test signals. */
struct dma_fence *rig_fence(struct kunit *test, u64 context, u64 seqno)
{
	struct dma_resv_rig *rig = test->priv;
	struct rig_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, fence);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &rig_ops, &fence->lock, context, seqno);
	list_add(&fence->node, &rig->fences);
	return &fence->base;
}

/* A fence with a context of its own. */
struct dma_fence *rig_new(struct kunit *test)
{
	return rig_fence(test, dma_fence_context_alloc(1), 1);
}

/* Some fences, each with a context of its own. */
struct dma_fence **rig_many(struct kunit *test, unsigned int count)
{
	struct dma_fence **fences;
	unsigned int i;

	fences = kunit_kcalloc(test, max(count, 1U), sizeof(*fences),
			       GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fences);
	for (i = 0; i < count; i++)
		fences[i] = rig_new(test);
	return fences;
}

static void rig_fini_resv(void *resv)
{
	dma_resv_fini(resv);
}

/* One more idle object. */
struct dma_resv *rig_another_resv(struct kunit *test)
{
	struct dma_resv *resv = kunit_kzalloc(test, sizeof(*resv), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, resv);
	dma_resv_init(resv);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, rig_fini_resv,
							   resv));
	return resv;
}

static void rig_put(void *fence)
{
	dma_fence_put(fence);
}

/* Take over the caller's reference on @fence, and check that there is one. */
struct dma_fence *rig_keep(struct kunit *test, struct dma_fence *fence)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fence);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, rig_put,
							   fence));
	return fence;
}

/* An array of fences, which the test keeps. */
struct dma_fence *rig_array(struct kunit *test, struct dma_fence **fences,
			    unsigned int count)
{
	struct dma_fence_array *array;
	struct dma_fence **copy;
	unsigned int i;

	copy = kmemdup(fences, count * sizeof(*copy), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	array = compat_dma_fence_array_create(count, copy, GFP_KERNEL);
	if (!array)
		kfree(copy);
	KUNIT_ASSERT_NOT_NULL(test, array);
	for (i = 0; i < count; i++)
		dma_fence_get(fences[i]);
	return rig_keep(test, &array->base);
}

/* A link of a chain with a number, the first one if @prev is NULL. */
struct dma_fence *rig_link_at(struct kunit *test, struct dma_fence *prev,
			      struct dma_fence *fence, u64 seqno)
{
	struct dma_fence_chain *link = dma_fence_chain_alloc();

	KUNIT_ASSERT_NOT_NULL(test, link);
	dma_fence_chain_init(link, dma_fence_get(prev), dma_fence_get(fence),
			     seqno);
	return rig_keep(test, &link->base);
}

/* The next link of a chain, which the test keeps. */
struct dma_fence *rig_link(struct kunit *test, struct dma_fence *prev,
			   struct dma_fence *fence)
{
	return rig_link_at(test, prev, fence, prev ? prev->seqno + 1 : 1);
}

/*
 * An array with a container inside, about which the kernel warns where one is
 * made.
 */
struct dma_fence *rig_nested(struct kunit *test, struct dma_fence *container)
{
	struct dma_fence *array = rig_array(test, &(struct dma_fence *){
						rig_new(test) }, 1);
	struct dma_fence **inside = to_dma_fence_array(array)->fences;

	dma_fence_put(*inside);
	*inside = dma_fence_get(container);
	return array;
}

/* What @usage has to wait for, which the test keeps. */
struct dma_fence *rig_export(struct kunit *test, enum dma_resv_usage usage)
{
	return rig_keep(test, dma_resv_export_fence(rig_resv(test), usage));
}

/* What work on all of @many waits for, or an error; it is the caller's. */
struct dma_fence *rig_export_many(struct dma_resv_many *many)
{
	struct dma_fence_set set;
	struct dma_fence *fence;
	int ret;

	dma_fence_set_init(&set);
	ret = dma_resv_many_export(many, &set);
	fence = ret ? ERR_PTR(ret) : dma_fence_set_merge(&set);
	dma_fence_set_fini(&set);
	return fence;
}

/* Add a fence as a driver does. */
void rig_add_to(struct kunit *test, struct dma_resv *resv,
		struct dma_fence *fence, enum dma_resv_usage usage)
{
	int ret;

	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		dma_resv_add_fence(resv, fence, usage);
	dma_resv_unlock(resv);
	KUNIT_ASSERT_EQ(test, 0, ret);
}

void rig_add(struct kunit *test, struct dma_fence *fence,
	     enum dma_resv_usage usage)
{
	rig_add_to(test, rig_resv(test), fence, usage);
}

void rig_import(struct kunit *test, struct dma_fence *fence,
		enum dma_resv_usage usage)
{
	KUNIT_ASSERT_EQ(test, 0, dma_resv_import_fence(rig_resv(test), fence,
						       usage));
}

/* Whether an entry is what stands where one was that has signaled. */
bool rig_is_none(struct dma_fence *fence, enum dma_resv_usage usage)
{
	return usage == BOOKKEEP && dma_resv_fence_is_stub(fence);
}

/* The entries of @resv, signaled ones too; their number, which may be larger. */
unsigned int rig_entries(struct dma_resv *resv, struct resv_entry *entries,
			 unsigned int room)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, BOOKKEEP, fence) {
		if (rig_is_none(fence, dma_resv_iter_usage(&cursor)))
			continue;
		if (count < room) {
			entries[count].fence = fence;
			entries[count].usage = dma_resv_iter_usage(&cursor);
		}
		count++;
	}
	dma_resv_unlock(resv);
	return count;
}

/* Without usages there are two kinds. */
static bool usage_is(enum dma_resv_usage usage, enum dma_resv_usage wanted)
{
	if (DRIVER_HAS_USAGES)
		return usage == wanted;
	return (usage <= WRITE_) == (wanted <= WRITE_);
}

/* How often @fence is in @resv with @usage. */
static unsigned int times_in_resv(struct dma_resv *resv,
				  const struct resv_entry *entry)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	unsigned int count = 0;

	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, BOOKKEEP, fence)
		count += fence == entry->fence &&
			 usage_is(dma_resv_iter_usage(&cursor), entry->usage);
	dma_resv_unlock(resv);
	return count;
}

void rig_expect_entries(struct kunit *test, struct dma_resv *resv,
			const struct resv_entry *entries, unsigned int count)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, rig_entries(resv, NULL, 0), count);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, times_in_resv(resv, &entries[i]), 1,
				    "entry %u: seqno %llu, usage %d", i,
				    entries[i].fence->seqno, entries[i].usage);
}

static int compare_fences(const void *a, const void *b)
{
	unsigned long one = *(const unsigned long *)a;
	unsigned long two = *(const unsigned long *)b;

	return one < two ? -1 : one > two;
}

/* What @fence stands for, sorted, @total of it; some may be there twice. */
static struct dma_fence **unwrap_sorted(struct kunit *test,
					struct dma_fence *fence,
					unsigned int *total)
{
	struct dma_fence_unwrap iter;
	struct dma_fence **all, *f;
	unsigned int count = 0;

	dma_fence_unwrap_for_each(f, &iter, fence)
		count++;
	all = kvmalloc_array(max(count, 1U), sizeof(*all), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, all);
	*total = 0;
	dma_fence_unwrap_for_each(f, &iter, fence)
		if (*total < count)
			all[(*total)++] = f;
	sort(all, *total, sizeof(*all), compare_fences, NULL);
	return all;
}

void rig_expect_fences(struct kunit *test, struct dma_fence *fence,
		       struct dma_fence **fences, unsigned int count)
{
	unsigned int i, total, wrong = 0;
	struct dma_fence **all, **wanted;

	wanted = kvmalloc_array(max(count, 1U), sizeof(*wanted), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, wanted);
	memcpy(wanted, fences, count * sizeof(*wanted));
	sort(wanted, count, sizeof(*wanted), compare_fences, NULL);
	all = unwrap_sorted(test, fence, &total);
	KUNIT_EXPECT_EQ(test, total, count);
	for (i = 0; i < min(total, count); i++)
		wrong += all[i] != wanted[i];
	KUNIT_EXPECT_EQ(test, wrong, 0);
	kvfree(all);
	kvfree(wanted);
}

MODULE_DESCRIPTION("tests of dma_resv_export");
MODULE_LICENSE("GPL");
/* Not MODULE_IMPORT_NS(): its argument became a string in Linux 6.13. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");

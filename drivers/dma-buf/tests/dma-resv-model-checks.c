// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has to hold after a step
 *
 * What a waiter of each usage has to wait for is asked of the model, of an
 * export and of the kernel's own iterators; the entries before and after an
 * import or a prune are compared.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../compat/dma-fence-array.h"
#include "../compat/dma-fence-container.h"
#include "dma-resv-model-state.h"
#include "dma-resv-rig.h"

void run_fail(struct run *run, const char *why)
{
	if (!run->failed)
		run->failed = why;
}

void run_list_entries(struct run *run, unsigned int object,
		      struct entries *entries)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	entries->count = 0;
	dma_resv_lock(&run->resv[object], NULL);
	dma_resv_for_each_fence(&cursor, &run->resv[object],
				DMA_RESV_USAGE_BOOKKEEP, fence) {
		struct entry *entry = &entries->list[entries->count];

		if (rig_is_none(fence, dma_resv_iter_usage(&cursor)))
			continue;
		if (run_number_of(fence) < 0) {
			run_fail(run, "an entry is no fence of ours");
			break;
		}
		if (++entries->count == ENTRIES_MAX) {
			run_fail(run, "too many entries");
			break;
		}
		entry->number = run_number_of(fence);
		entry->usage = dma_resv_iter_usage(&cursor);
	}
	dma_resv_unlock(&run->resv[object]);
}

/* Does @a do for everybody who relied on @b? */
bool run_entry_does_for(struct run *run, struct entry *a, struct entry *b)
{
	struct model_fence *fa = &run->world.fences[a->number];
	struct model_fence *fb = &run->world.fences[b->number];

	if (b->usage == DMA_RESV_USAGE_KERNEL ||
	    fb->context == MODEL_UNORDERED)
		return a->number == b->number && a->usage <= b->usage;
	return fa->context == fb->context && fa->seqno >= fb->seqno &&
	       a->usage <= b->usage;
}

static bool entry_signaled(struct run *run, struct entry *entry)
{
	return run->world.fences[entry->number].signaled;
}

/* I2: nothing that was there and has not signaled is lost or weakened. */
void run_check_i2(struct run *run)
{
	unsigned int i, j;

	for (i = 0; i < run->before.count; i++) {
		struct entry *entry = &run->before.list[i];

		if (entry_signaled(run, entry))
			continue;
		/* Mostly it is where it was. */
		if (i < run->after.count &&
		    run_entry_does_for(run, &run->after.list[i], entry))
			continue;
		for (j = 0; j < run->after.count; j++)
			if (run_entry_does_for(run, &run->after.list[j], entry))
				break;
		if (j == run->after.count)
			run_fail(run, entry->usage == DMA_RESV_USAGE_KERNEL ?
			     "I2: a KERNEL entry was touched" :
			     "I2: an entry was lost or weakened");
	}
}

static u16 entry_context(struct run *run, struct entry *entry)
{
	return run->world.fences[entry->number].context;
}

/* How many entries of the context and the usage of @entry there are. */
static unsigned int count_same(struct run *run, struct entries *entries,
			       struct entry *entry)
{
	u16 context = entry_context(run, entry);
	unsigned int i, count = 0;

	for (i = 0; i < entries->count; i++) {
		struct entry *other = &entries->list[i];

		count += other->usage == entry->usage &&
			 (context == MODEL_UNORDERED ?
			  other->number == entry->number :
			  entry_context(run, other) == context);
	}
	return count;
}

/*
 * I4: no entry is signaled, and there is no second one of a context and usage but
 * what a driver made double before.
 */
void run_check_i4(struct run *run)
{
	unsigned int i, count;

	for (i = 0; i < run->after.count; i++) {
		struct entry *entry = &run->after.list[i];

		if (entry_signaled(run, entry))
			run_fail(run, "I4: a signaled entry is left");
		count = count_same(run, &run->after, entry);
		if (count > 1 && count > count_same(run, &run->before, entry))
			run_fail(run, "I4: two entries of a context and usage");
	}
}

/* Note a fence that is waited for; no fence but a signaled one is a stranger. */
static void note(struct run *run, struct dma_fence *fence,
		 struct model_set *set, bool once)
{
	int number = run_number_of(fence);

	if (number < 0) {
		if (!dma_fence_is_signaled(fence))
			run_fail(run, "E1: waits for a stranger");
		return;
	}
	if (__test_and_set_bit(number, set->has) && once)
		run_fail(run, "E4: a fence is there twice");
}

static void note_array(struct run *run, struct dma_fence *fence,
		       struct model_set *set)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	unsigned int i;

	if (!array) {
		note(run, fence, set, true);
		return;
	}
	for (i = 0; i < array->num_fences; i++) {
		if (dma_fence_is_container(array->fences[i]))
			run_fail(run, "E5: a container in an array");
		else
			note(run, array->fences[i], set, true);
	}
	if (ksize(array) > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)
		run_fail(run, "E6: an array that is too large");
}

/* What an exported fence stands for, by the shapes that it may have. */
static void note_export(struct run *run, struct dma_fence *fence,
			struct model_set *set)
{
	struct dma_fence_chain *link = to_dma_fence_chain(fence);

	if (!link)
		return note_array(run, fence, set);
	for (; link; link = to_dma_fence_chain(fence)) {
		if (to_dma_fence_chain(link->fence))
			return run_fail(run, "E5: a chain in a chain");
		note_array(run, link->fence, set);
		fence = rcu_dereference_protected(link->prev, true);
		if (!fence)
			return;
	}
	run_fail(run, "E5: a chain ends in something else");
}

/* The same by the kernel's iterators, where what is covered may be there too. */
static void note_iterators(struct run *run, unsigned int object,
			   unsigned int usage, struct model_set *locked,
			   struct model_set *unlocked)
{
	struct dma_resv *resv = &run->resv[object];
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, usage, fence)
		note(run, fence, locked, false);
	dma_resv_unlock(resv);

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		note(run, fence, unlocked, false);
	dma_resv_iter_end(&cursor);
}

/* E1: does an exported fence wait for what it has to, and for nothing else? */
void run_check_export(struct run *run, struct dma_fence *fence,
		      const struct model_set *want)
{
	struct model_set exported = { };

	note_export(run, fence, &exported);
	if (dma_fence_is_signaled(fence) !=
	    bitmap_empty(want->has, MODEL_FENCES))
		run_fail(run, "E1: the export is signaled and should not, or is not and should");
	if (!bitmap_equal(want->has, exported.has, MODEL_FENCES))
		run_fail(run, "E1: the export waits for something else");
}

/* What a waiter of @usage waits for; without usages there are but two kinds. */
void run_wait(struct run *run, unsigned int object, unsigned int usage,
	      struct model_set *wait)
{
	if (!DRIVER_HAS_USAGES)
		usage = usage <= DMA_RESV_USAGE_WRITE ?
			DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_BOOKKEEP;
	model_wait(&run->world, &run->model[object], usage, wait);
}

/* Is what a waiter of @usage waits for what it was promised? */
static void check_usage(struct run *run, unsigned int object,
			unsigned int usage)
{
	struct model_set want, locked = { }, unlocked = { };
	struct dma_fence *fence;

	run_wait(run, object, usage, &want);

	fence = dma_resv_export_fence(&run->resv[object], usage);
	if (IS_ERR(fence))
		return run_fail(run, "export failed");
	run_check_export(run, fence, &want);
	dma_fence_put(fence);

	note_iterators(run, object, usage, &locked, &unlocked);
	model_latest(&run->world, &locked);
	model_latest(&run->world, &unlocked);
	if (!bitmap_equal(want.has, locked.has, MODEL_FENCES) ||
	    !bitmap_equal(want.has, unlocked.has, MODEL_FENCES))
		run_fail(run, "I1: a driver waits for something else");
	if (dma_resv_test_signaled(&run->resv[object], usage) !=
	    bitmap_empty(want.has, MODEL_FENCES))
		run_fail(run, "I1: dma_resv_test_signaled() is wrong");
}

void run_check(struct run *run)
{
	unsigned int object, usage;

	for (object = 0; object < OBJECTS; object++)
		if (run->touched & BIT(object))
			for (usage = 0; usage < 4 && !run->failed; usage++)
				check_usage(run, object, usage);
	run->touched = 0;
}

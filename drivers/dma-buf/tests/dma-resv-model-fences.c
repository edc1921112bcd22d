// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real fences of a run of steps, and the containers made of them
 *
 * Each fence has a number, under which the model knows it too.
 */

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/slab.h>

#include "../compat/dma-fence-array.h"
#include "../compat/dma-resv-driver.h"
#include "dma-resv-model-state.h"

struct run_fence {
	struct dma_fence base;
	/* of this fence alone */
	spinlock_t lock;
	struct run *run;
	u16 number;
};

static const char *run_fence_name(struct dma_fence *fence)
{
	return "model";
}

static void run_fence_release(struct dma_fence *base)
{
	struct run_fence *fence = container_of(base, struct run_fence, base);

	fence->run->fences[fence->number] = NULL;
	atomic_dec(&fence->run->live);
	dma_fence_free(base);
}

static const struct dma_fence_ops run_fence_ops = {
	.get_driver_name = run_fence_name,
	.get_timeline_name = run_fence_name,
	.release = run_fence_release,
};

/* The number of a fence, or -1 if it is none of the run's. */
int run_number_of(struct dma_fence *fence)
{
	if (fence->ops != &run_fence_ops)
		return -1;
	return container_of(fence, struct run_fence, base)->number;
}

/* A new fence on @context; -1 if there are enough. */
int run_new_fence(struct run *run, u16 context)
{
	struct run_fence *fence;

	if (run->world.count == MODEL_FENCES)
		return -1;
	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return -1;
	fence->run = run;
	fence->number = model_fence_new(&run->world, context);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &run_fence_ops, &fence->lock,
		       run->contexts[context],
		       run->world.fences[fence->number].seqno);
	run->fences[fence->number] = &fence->base;
	__set_bit(fence->number, run->held.has);
	atomic_inc(&run->live);
	return fence->number;
}

/* A busy context, or now and then the one without order. */
u16 run_busy_context(u32 random)
{
	return random % 16 ? 1 + random / 16 % BUSY_CONTEXTS : MODEL_UNORDERED;
}

static u16 fresh_context(struct run *run)
{
	if (run->next_context == MODEL_CONTEXTS)
		return 1;
	return run->next_context++;
}

u32 run_next_random(u32 *random)
{
	*random = *random * 1664525 + 1013904223;
	return *random >> 8;
}

/*
 * The last fence of a context that is held, or one before it, or -1. What it
 * gives does not change with what happens to other contexts, so that steps keep
 * their meaning when others are left out.
 */
int run_old_fence(struct run *run, u16 context, unsigned int back)
{
	int number, found = -1;

	for (number = run->world.count; number-- > 0;) {
		if (run->world.fences[number].context != context ||
		    !test_bit(number, run->held.has))
			continue;
		found = number;
		if (!back--)
			break;
	}
	return found;
}

/* Mostly a new fence, at times an old one; -1: none. */
int run_some_fence(struct run *run, u32 random)
{
	u16 context = run_busy_context(random >> 8);

	if (random % 4)
		return run_new_fence(run, context);
	return run_old_fence(run, context, random / 4 % 4);
}

void run_slot_clear(struct slot *slot)
{
	dma_fence_put(slot->fence);
	slot->fence = NULL;
	bitmap_zero(slot->set.has, MODEL_FENCES);
}

/* Takes over the reference on @fence. */
void run_slot_fill(struct slot *slot, struct dma_fence *fence,
		   const struct model_set *set)
{
	run_slot_clear(slot);
	slot->fence = fence;
	slot->set = *set;
}

struct slot *run_slot(struct run *run, u32 number)
{
	return &run->slots[number % SLOTS];
}

/* An array of new and old fences, or one fence if there is no more than one. */
struct dma_fence *run_make_array(struct run *run, unsigned int count,
				 bool wide, u32 *random, struct model_set *set)
{
	struct dma_fence **fences = kcalloc(count, sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array;
	unsigned int i, n = 0;
	int number;

	for (i = 0; fences && i < count; i++) {
		u32 r = run_next_random(random);

		number = wide ? run_new_fence(run, fresh_context(run))
			      : run_some_fence(run, r);
		if (number < 0)
			continue;
		__set_bit(number, set->has);
		fences[n++] = dma_fence_get(run->fences[number]);
	}
	if (n > 1) {
		array = compat_dma_fence_array_create(n, fences, GFP_KERNEL);
		if (array)
			return &array->base;
	}
	while (n > 1)
		dma_fence_put(fences[--n]);
	if (n == 1) {
		struct dma_fence *fence = fences[0];

		kfree(fences);
		return fence;
	}
	kfree(fences);
	return NULL;
}

struct dma_fence *run_make_chain(struct run *run, unsigned int links,
				 unsigned int width, u32 *random,
				 struct model_set *set)
{
	struct dma_fence *head = NULL, *fence;
	struct dma_fence_chain *link;
	unsigned int i;

	for (i = 0; i < links; i++) {
		fence = run_make_array(run, width, false, random, set);
		link = fence ? dma_fence_chain_alloc() : NULL;
		if (!link) {
			dma_fence_put(fence);
			continue;
		}
		dma_fence_chain_init(link, head, fence, i + 1);
		head = &link->base;
	}
	return head;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A model of a reservation object: what somebody has been promised
 */

#include <linux/string.h>

#include "dma-resv-model.h"

/* The next fence of a context. */
unsigned int model_fence_new(struct model_world *world, u16 context)
{
	struct model_fence *fence = &world->fences[world->count];
	unsigned int i;

	*fence = (struct model_fence){ .context = context };
	if (context != MODEL_UNORDERED)
		fence->seqno = 1;
	for (i = 0; i < world->count; i++)
		if (context != MODEL_UNORDERED &&
		    world->fences[i].context == context)
			fence->seqno = world->fences[i].seqno + 1;
	return world->count++;
}

/* A fence signals no earlier than those before it on its context. */
void model_signal(struct model_world *world, unsigned int fence)
{
	struct model_fence *last = &world->fences[fence];
	unsigned int i;

	for (i = 0; i < world->count; i++)
		if (last->context != MODEL_UNORDERED &&
		    world->fences[i].context == last->context &&
		    world->fences[i].seqno <= last->seqno)
			world->fences[i].signaled = true;
	last->signaled = true;
}

/* Leave in @set what waiting for all of it comes to: the latest of a context. */
void model_latest(const struct model_world *world, struct model_set *set)
{
	DECLARE_BITMAP(later, MODEL_CONTEXTS) = { 0 };
	unsigned int i;

	/* Numbers go up with seqnos: from the last one down. */
	for (i = world->count; i-- > 0;) {
		const struct model_fence *fence = &world->fences[i];

		if (!test_bit(i, set->has))
			continue;
		if (fence->signaled || test_bit(fence->context, later))
			__clear_bit(i, set->has);
		else if (fence->context != MODEL_UNORDERED)
			__set_bit(fence->context, later);
	}
}

/* What a waiter of @usage has to wait for. */
void model_wait(const struct model_world *world, const struct model_resv *resv,
		unsigned int usage, struct model_set *wait)
{
	unsigned int i;

	bitmap_zero(wait->has, MODEL_FENCES);
	for (i = 0; i <= usage; i++)
		bitmap_or(wait->has, wait->has, resv->added[i].has,
			  MODEL_FENCES);
	model_latest(world, wait);
}

/* Whether anything of @context has not signaled. */
bool model_has_context(const struct model_world *world,
		       const struct model_resv *resv, u16 context)
{
	unsigned int usage, i;

	for (usage = 0; usage < 4; usage++)
		for_each_set_bit(i, resv->added[usage].has, MODEL_FENCES)
			if (world->fences[i].context == context &&
			    !world->fences[i].signaled)
				return true;
	return false;
}

/* dma_resv_replace_fences(): the driver promises that @fence does for all. */
void model_replace(const struct model_world *world, struct model_resv *resv,
		   u16 context, unsigned int fence, unsigned int usage)
{
	unsigned int u, i;

	for (u = 0; u < 4; u++)
		for_each_set_bit(i, resv->added[u].has, MODEL_FENCES)
			if (world->fences[i].context == context)
				__clear_bit(i, resv->added[u].has);
	__set_bit(fence, resv->added[usage].has);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A model of a reservation object: what somebody has been promised
 *
 * Promises: to be obviously right. It is a list of all that was ever added and
 * has not signaled, and what a waiter has to wait for is read off that list.
 *
 * Does not: know how anything is stored or merged, or look at a real fence.
 */
#ifndef __DMA_RESV_MODEL_H
#define __DMA_RESV_MODEL_H

#include <linux/bitmap.h>
#include <linux/types.h>

/* Fences are numbers; so are contexts, of which number 0 has no order. */
#define MODEL_FENCES	1024
#define MODEL_CONTEXTS	1024
#define MODEL_UNORDERED	0

struct model_fence {
	u16 context;
	u32 seqno;
	bool signaled;
};

/* All the fences that there are. */
struct model_world {
	struct model_fence fences[MODEL_FENCES];
	unsigned int count;
};

/* A set of fences. */
struct model_set {
	DECLARE_BITMAP(has, MODEL_FENCES);
};

/* For each usage, all fences that were added with it. */
struct model_resv {
	struct model_set added[4];
};

unsigned int model_fence_new(struct model_world *world, u16 context);
void model_signal(struct model_world *world, unsigned int fence);

void model_latest(const struct model_world *world, struct model_set *set);
void model_wait(const struct model_world *world, const struct model_resv *resv,
		unsigned int usage, struct model_set *wait);
bool model_has_context(const struct model_world *world,
		       const struct model_resv *resv, u16 context);
void model_replace(const struct model_world *world, struct model_resv *resv,
		   u16 context, unsigned int fence, unsigned int usage);

#endif /* __DMA_RESV_MODEL_H */

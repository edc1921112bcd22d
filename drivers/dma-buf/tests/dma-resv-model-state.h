/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real reservation objects and their model, between two steps
 *
 * What runs the steps, the steps themselves and the checks after each share it.
 * The first thing that is found wrong is kept; nothing after it counts.
 */
#ifndef __DMA_RESV_MODEL_STATE_H
#define __DMA_RESV_MODEL_STATE_H

#include <linux/atomic.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>
#include <linux/slab.h>

#include "../compat/dma-resv-driver.h"
#include "../compat/dma-resv-slots.h"
#include "dma-resv-model.h"
#include "dma-resv-model-run.h"

#define OBJECTS		3
#define READERS		2
#define SLOTS		8
/* Contexts that are used again and again; all others once. */
#define BUSY_CONTEXTS	10
#define ENTRIES_MAX	(4 * MODEL_FENCES)

/* A sync_file, so to speak. */
struct slot {
	struct dma_fence *fence;
	struct model_set set;
};

#define NO_NUMBER	U16_MAX

struct entry {
	u16 number;
	u16 usage;
};

struct entries {
	struct entry list[ENTRIES_MAX];
	unsigned int count;
};

/* The list of an object, slot by slot, when nothing had changed it yet. */
struct run_list {
	const void *address;
	unsigned int capacity, count;
	/* slots that a reader can have seen; all of them where we made the list */
	unsigned int seen;
	bool ours;
	/* what is none has no number */
	struct entry entries[ENTRIES_MAX];
};

/* A walk without the lock that has not come to its end. */
struct run_reader {
	struct dma_resv_iter cursor;
	unsigned int object, usage;
	bool open;
	/* what was there when it started or restarted, and what it has met */
	struct model_set want, met;
};

struct run {
	struct model_world world;
	/* Real fences by number while they live, and which of them are held. */
	struct dma_fence *fences[MODEL_FENCES];
	struct model_set held;
	u64 contexts[MODEL_CONTEXTS];
	u16 next_context;
	atomic_t live;
	struct slot slots[SLOTS];
	struct dma_resv resv[OBJECTS];
	struct model_resv model[OBJECTS];
	struct entries before;
	struct entries after;
	struct run_list lists[OBJECTS];
	struct run_reader readers[READERS];
	u64 stub_refs;
	/* The objects that the last step could have changed, as bits. */
	unsigned int touched;
	const char *failed;
};

/* dma-resv-model-fences.c */
u32 run_next_random(u32 *random);
u16 run_busy_context(u32 random);
int run_number_of(struct dma_fence *fence);
int run_new_fence(struct run *run, u16 context);
int run_old_fence(struct run *run, u16 context, unsigned int back);
int run_some_fence(struct run *run, u32 random);
struct dma_fence *run_make_array(struct run *run, unsigned int count,
				 bool wide, u32 *random, struct model_set *set);
struct dma_fence *run_make_chain(struct run *run, unsigned int links,
				 unsigned int width, u32 *random,
				 struct model_set *set);
struct slot *run_slot(struct run *run, u32 number);
void run_slot_clear(struct slot *slot);
void run_slot_fill(struct slot *slot, struct dma_fence *fence,
		   const struct model_set *set);

/* dma-resv-model-steps.c */
void run_step(struct run *run, const struct model_step *step);
const char *run_step_name(const struct model_step *step);

/* dma-resv-model-checks.c */
void run_fail(struct run *run, const char *why);
void run_list_entries(struct run *run, unsigned int object,
		      struct entries *entries);
void run_wait(struct run *run, unsigned int object, unsigned int usage,
	      struct model_set *wait);
bool run_entry_does_for(struct run *run, struct entry *a, struct entry *b);
void run_check_i2(struct run *run);
void run_check_i4(struct run *run);
void run_check_export(struct run *run, struct dma_fence *fence,
		      const struct model_set *want);
void run_check(struct run *run);

#endif /* __DMA_RESV_MODEL_STATE_H */

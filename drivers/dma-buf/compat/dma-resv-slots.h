/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slots of an object's list, for the tests that look at them. Where there is
 * an exclusive fence instead, there are none.
 */
#ifndef __COMPAT_DMA_RESV_SLOTS_H
#define __COMPAT_DMA_RESV_SLOTS_H

#ifdef HAVE_DMA_RESV_EXCLUSIVE

#include <linux/types.h>

#ifndef dma_resv_list_known
#define dma_resv_list_known false
#endif

static inline bool dma_resv_fence_is_stub(struct dma_fence *fence)
{
	return false;
}

struct model_step;
struct run;

static inline void run_slots_start(struct run *run)
{
}

static inline void run_slots_finish(struct run *run)
{
}

static inline void run_slots_note(struct run *run)
{
}

static inline void run_slots_check(struct run *run, const struct model_step *step)
{
}

static inline void run_slots_changed(struct run *run)
{
}

static inline void run_slots_check_i4(struct run *run, unsigned int object)
{
}

static inline void run_step_reader(struct run *run,
				   const struct model_step *step)
{
}

static inline void run_readers_end(struct run *run)
{
}

#else

#include <linux/mm.h>
#include <linux/slab.h>

#include "../dma-resv-list.h"

/*
 * How many slots @list was made with, as far as that can be known: a kernel with
 * CONFIG_DEBUG_MUTEXES takes unused ones off the number that the list has.
 */
static inline unsigned int dma_resv_list_slots(struct dma_resv_list *list)
{
	size_t size = is_vmalloc_addr(list) ? 0 : ksize(list);

	if (!IS_ENABLED(CONFIG_DEBUG_MUTEXES) || !size || size > PAGE_SIZE)
		return dma_resv_list_capacity(list);
	return (size - offsetof(typeof(*list), table)) / sizeof(*list->table);
}

/* Whether @entry, of a slot of @resv, is no fence of anybody's. */
static inline bool dma_resv_slot_is_free(struct dma_resv *resv,
					 unsigned long entry)
{
	return entry == dma_resv_entry_none(resv) ||
	       entry == dma_resv_entry_behind();
}

/* References on what slots of @resv without a fence hold. */
static inline unsigned int dma_resv_slot_refs(struct dma_resv *resv)
{
	struct dma_fence *stub =
		dma_resv_entry_fence(dma_resv_entry_none(resv));

	return kref_read(&stub->refcount) +
	       kref_read(&dma_resv_list_stub->refcount);
}

/* Whether @fence is what slots without a fence hold. */
static inline bool dma_resv_fence_is_stub(struct dma_fence *fence)
{
	unsigned int i;

	if (fence == dma_resv_list_stub)
		return true;
	if (fence->seqno || !dma_fence_is_signaled(fence))
		return false;
	for (i = 0; i < ARRAY_SIZE(dma_resv_list_stubs); i++)
		if (fence == dma_resv_list_stubs[i])
			return true;
	return false;
}

/* References on all of these. */
static inline u64 dma_resv_stub_refs(void)
{
	u64 refs = kref_read(&dma_resv_list_stub->refcount);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dma_resv_list_stubs); i++)
		refs += kref_read(&dma_resv_list_stubs[i]->refcount);
	return refs;
}

struct model_step;
struct run;

/* tests/dma-resv-model-slots.c */
void run_slots_start(struct run *run);
void run_slots_finish(struct run *run);
void run_slots_note(struct run *run);
void run_slots_check(struct run *run, const struct model_step *step);
void run_slots_changed(struct run *run);
void run_slots_check_i4(struct run *run, unsigned int object);
void run_step_reader(struct run *run, const struct model_step *step);
void run_readers_end(struct run *run);

#endif

#endif /* __COMPAT_DMA_RESV_SLOTS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of fences and reservation objects start from.
 *
 * Promises: a test that leaves a reference behind, or drops one too many, fails.
 */
#ifndef __DMA_RESV_RIG_H
#define __DMA_RESV_RIG_H

#include <linux/dma-fence.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-resv.h>
#include <linux/list.h>

#include "../compat/dma-resv-driver.h"
#include "../compat/kunit.h"

/* Names as short as the tables that they are in. */
#define KERNEL		DMA_RESV_USAGE_KERNEL
#define WRITE_		DMA_RESV_USAGE_WRITE
#define READ_		DMA_RESV_USAGE_READ
#define BOOKKEEP	DMA_RESV_USAGE_BOOKKEEP

/* How many fences keep an array within so many pages. */
#define RIG_ARRAY(order) \
	(((PAGE_SIZE << (order)) - sizeof(struct dma_fence_array)) / \
	 sizeof(struct dma_fence_array_cb))

/**
 * struct dma_resv_rig - an idle reservation object, and what a test made
 */
struct dma_resv_rig {
	/** @resv: the object under test */
	struct dma_resv resv;
	/** @fences: all fences, one reference held on each until the end */
	struct list_head fences;
};

struct dma_resv_many;

/* An entry of a reservation object. */
struct resv_entry {
	struct dma_fence *fence;
	enum dma_resv_usage usage;
};

int dma_resv_rig_init(struct kunit *test);

/* The object under test. */
static inline struct dma_resv *rig_resv(struct kunit *test)
{
	return &((struct dma_resv_rig *)test->priv)->resv;
}

struct dma_fence *rig_fence(struct kunit *test, u64 context, u64 seqno);
struct dma_fence *rig_new(struct kunit *test);
struct dma_fence **rig_many(struct kunit *test, unsigned int count);
struct dma_resv *rig_another_resv(struct kunit *test);

struct dma_fence *rig_keep(struct kunit *test, struct dma_fence *fence);
struct dma_fence *rig_array(struct kunit *test, struct dma_fence **fences,
			    unsigned int count);
struct dma_fence *rig_link_at(struct kunit *test, struct dma_fence *prev,
			      struct dma_fence *fence, u64 seqno);
struct dma_fence *rig_nested(struct kunit *test, struct dma_fence *container);
struct dma_fence *rig_link(struct kunit *test, struct dma_fence *prev,
			   struct dma_fence *fence);
struct dma_fence *rig_export(struct kunit *test, enum dma_resv_usage usage);
struct dma_fence *rig_export_many(struct dma_resv_many *many);

void rig_add_to(struct kunit *test, struct dma_resv *resv,
		struct dma_fence *fence, enum dma_resv_usage usage);
void rig_add(struct kunit *test, struct dma_fence *fence,
	     enum dma_resv_usage usage);
void rig_import(struct kunit *test, struct dma_fence *fence,
		enum dma_resv_usage usage);

bool rig_is_none(struct dma_fence *fence, enum dma_resv_usage usage);
unsigned int rig_entries(struct dma_resv *resv, struct resv_entry *entries,
			 unsigned int room);
void rig_expect_entries(struct kunit *test, struct dma_resv *resv,
			const struct resv_entry *entries, unsigned int count);
void rig_expect_fences(struct kunit *test, struct dma_fence *fence,
		       struct dma_fence **fences, unsigned int count);

/* { fence, usage }, as a list of them is written. */
#define E(f, u)		{ (f), (u) }

/* The object under test has these entries, in any order, and no other. */
#define EXPECT_ENTRIES(test, ...) \
do { \
	const struct resv_entry __entries[] = { __VA_ARGS__ }; \
	struct kunit *__test = (test); \
\
	rig_expect_entries(__test, rig_resv(__test), __entries, \
			   ARRAY_SIZE(__entries)); \
} while (0)

/* @fence stands for these fences, in any order, and for no other. */
#define EXPECT_FENCES(test, fence, ...) \
do { \
	struct dma_fence *__fences[] = { __VA_ARGS__ }; \
	rig_expect_fences(test, fence, __fences, ARRAY_SIZE(__fences)); \
} while (0)

#endif /* __DMA_RESV_RIG_H */

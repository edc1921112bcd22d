/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reservation object of one exclusive fence and a list of shared ones
 *
 * Promises: dma-resv-legacy*.c are the only places that know it; they implement
 * <linux/dma-resv-export.h> for kernels before Linux 5.19, whose headers show
 * the layout, so that it needs no proof.
 */
#ifndef __DMA_RESV_LEGACY_H
#define __DMA_RESV_LEGACY_H

#include <linux/dma-fence-set.h>
#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>
#include <linux/errno.h>

/* No object waits for more fences than this. */
#define DMA_RESV_LIST_MAX	0x20000U

/* Nothing is changed in place here: what dma-resv-many.c asks for is not there. */
#define DMA_RESV_PLACE_MAX	16
#define dma_resv_list_known	false

static inline struct dma_resv_list *dma_resv_list_of(struct dma_resv *resv)
{
	return dma_resv_get_list(resv);
}

static inline bool dma_resv_list_is_just(struct dma_resv_list *list,
					 struct dma_fence *fence,
					 enum dma_resv_usage usage)
{
	return false;
}

static inline bool dma_resv_place_fits(struct dma_resv_list *list,
				       unsigned int count)
{
	return false;
}

static inline bool dma_resv_place_few(struct dma_resv_list *list,
				      struct dma_fence **few,
				      unsigned int count,
				      enum dma_resv_usage usage)
{
	return false;
}

static inline void dma_resv_list_init(void)
{
}

static inline int
dma_resv_place_take_apart(struct dma_fence *fence,
			  struct dma_fence *few[DMA_RESV_PLACE_MAX])
{
	return -EAGAIN;
}

/* Whether readers, who wait for the exclusive fence only, wait for @usage. */
static inline bool dma_resv_legacy_is_exclusive(enum dma_resv_usage usage)
{
	return usage <= DMA_RESV_USAGE_WRITE;
}

int dma_resv_legacy_collect(struct dma_resv *resv, bool all,
			    struct dma_fence_set *set, unsigned int *seq);
int dma_resv_try_prune(struct dma_resv *resv);

#endif /* __DMA_RESV_LEGACY_H */

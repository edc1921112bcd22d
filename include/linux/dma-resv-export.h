/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Move fences between a dma_resv and the explicit world.
 */
#ifndef __LINUX_DMA_RESV_EXPORT_H
#define __LINUX_DMA_RESV_EXPORT_H

#include <linux/dma-resv.h>
#include <linux/dma-resv-usage.h>

struct dma_fence;
struct dma_fence_set;
struct dma_resv_import;

struct dma_fence *dma_resv_export_fence(struct dma_resv *resv,
					enum dma_resv_usage usage);
int dma_resv_export_add(struct dma_resv *resv, enum dma_resv_usage usage,
			struct dma_fence_set *set);
int dma_resv_export_locked(struct dma_resv *resv, enum dma_resv_usage usage,
			   struct dma_fence_set *set);
int dma_resv_import_fence(struct dma_resv *resv, struct dma_fence *fence,
			  enum dma_resv_usage usage);
int dma_resv_prune(struct dma_resv *resv);

struct dma_resv_import *dma_resv_import_prepare(struct dma_resv *resv,
						struct dma_fence *fence,
						enum dma_resv_usage usage);
int dma_resv_import_reserve(struct dma_resv_import *import, unsigned int extra);
void dma_resv_import_commit(struct dma_resv_import *import);
void dma_resv_import_cancel(struct dma_resv_import *import);

#endif /* __LINUX_DMA_RESV_EXPORT_H */

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_RESV_IMPORT_H
#define __DMA_RESV_IMPORT_H

struct dma_resv;
struct dma_resv_merge;

int dma_resv_import_make_room(struct dma_resv_merge *merge,
			      struct dma_resv *resv);
void dma_resv_import_commit_or_wait(struct dma_resv_merge *merge,
				    struct dma_resv *resv);
int dma_resv_try_prune(struct dma_resv *resv);

#endif /* __DMA_RESV_IMPORT_H */

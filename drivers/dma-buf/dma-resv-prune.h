/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_RESV_PRUNE_H
#define __DMA_RESV_PRUNE_H

struct dma_resv;

int dma_resv_try_prune(struct dma_resv *resv);

#endif /* __DMA_RESV_PRUNE_H */

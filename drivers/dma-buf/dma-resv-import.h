/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_RESV_IMPORT_H
#define __DMA_RESV_IMPORT_H

struct dma_resv_import;

bool dma_resv_import_end(struct dma_resv_import *import);

#endif /* __DMA_RESV_IMPORT_H */

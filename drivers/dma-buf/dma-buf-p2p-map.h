/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA addresses for ranges of a BAR that have been checked. There are two: on the
 * functions of Linux 6.19 and later in dma-buf-p2p-vec.c, and for kernels before
 * that in dma-buf-p2p-map.c; the Makefile looks which it is.
 */
#ifndef _DMA_BUF_P2P_MAP_H
#define _DMA_BUF_P2P_MAP_H

#include <linux/dma-buf-p2p.h>

int p2p_init(struct pci_dev *provider);
struct sg_table *p2p_map(struct dma_buf_attachment *attach,
			 struct pci_dev *provider, int bar,
			 const struct dma_buf_p2p_range *ranges,
			 unsigned int count, enum dma_data_direction dir);
void p2p_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
	       enum dma_data_direction dir);

#endif

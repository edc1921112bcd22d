/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers in the memory of a PCI device: DMA addresses of ranges of a BAR, for an
 * importer that is another device. How drivers use it:
 * Documentation/driver-api/dma-buf-p2p.rst
 */
#ifndef _LINUX_DMA_BUF_P2P_H
#define _LINUX_DMA_BUF_P2P_H

#include <linux/dma-direction.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

struct dma_buf_attachment;
struct pci_dev;

/**
 * struct dma_buf_p2p_range - a part of a BAR
 * @addr: as the CPU sees it, as pci_resource_start() does; page aligned
 * @len: in bytes, page aligned, not zero; may exceed 4 GiB
 */
struct dma_buf_p2p_range {
	phys_addr_t addr;
	u64 len;
};

int dma_buf_p2p_init(struct pci_dev *provider);
bool dma_buf_p2p_reaches(struct dma_buf_attachment *attach,
			 struct pci_dev *provider);
struct sg_table *dma_buf_p2p_map(struct dma_buf_attachment *attach,
				 struct pci_dev *provider, int bar,
				 const struct dma_buf_p2p_range *ranges,
				 unsigned int count,
				 enum dma_data_direction dir);
void dma_buf_p2p_unmap(struct dma_buf_attachment *attach,
		       struct sg_table *sgt, enum dma_data_direction dir);

/**
 * dma_buf_p2p_is_table - tell what dma_buf_p2p_map() made from other tables
 * @sgt: a table that the exporter itself has made
 *
 * For an exporter whose buffers move: it takes down tables of device memory and
 * of system memory.
 *
 * Context: Any.
 * Return: whether dma_buf_p2p_unmap() takes it down.
 */
static inline bool dma_buf_p2p_is_table(const struct sg_table *sgt)
{
	/* There is no list for the CPU. */
	return !sgt->orig_nents;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ranges of a BAR: which are right, where they are on the PCI bus, and how those of
 * any length become entries of a table, whose lengths have 32 bits. An entry is at
 * most 2 GiB: the next one is aligned as the first one is, which page tables of large
 * pages need.
 */
#ifndef _DMA_BUF_P2P_ENTRIES_H
#define _DMA_BUF_P2P_ENTRIES_H

#include <linux/dma-buf-p2p.h>
#include <linux/math64.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/sizes.h>

#define P2P_ENTRY_MAX	SZ_2G

static inline bool p2p_is_memory(struct pci_dev *pci, int bar)
{
	return bar >= 0 && bar < PCI_STD_NUM_BARS &&
	       pci_resource_flags(pci, bar) & IORESOURCE_MEM;
}

/* Whole pages, all of them of the BAR. */
static inline bool p2p_is_inside(struct pci_dev *pci, int bar,
				 const struct dma_buf_p2p_range *range)
{
	phys_addr_t start = pci_resource_start(pci, bar);
	u64 size = pci_resource_len(pci, bar);

	if (!range->len || !IS_ALIGNED(range->addr | range->len, PAGE_SIZE))
		return false;
	return range->addr >= start && range->len <= size &&
	       range->addr - start <= size - range->len;
}

/* A device that has fewer address bits than the bus has would miss. */
static inline bool p2p_is_in_mask(struct sg_table *sgt, u64 mask)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(sgt, sg, i)
		if (sg_dma_address(sg) + sg_dma_len(sg) - 1 > mask)
			return false;
	return true;
}

/* The number of entries; 0 if that is too many for a table. */
static inline unsigned int
p2p_count_entries(const struct dma_buf_p2p_range *ranges, unsigned int count)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < count; i++)
		if (check_add_overflow(sum, DIV_ROUND_UP_ULL(ranges[i].len,
							     P2P_ENTRY_MAX),
				       &sum))
			return 0;
	return sum <= UINT_MAX ? sum : 0;
}

/* Entries for one range, from @sg on; returns the entry that follows. */
static inline struct scatterlist *p2p_fill(struct scatterlist *sg,
					   dma_addr_t addr, u64 len)
{
	u64 part;

	for (; len; addr += part, len -= part, sg = sg_next(sg)) {
		part = min_t(u64, len, P2P_ENTRY_MAX);
		sg_set_page(sg, NULL, 0, 0);
		sg_dma_address(sg) = addr;
		sg_dma_len(sg) = part;
	}
	return sg;
}

/* A host bridge may have an offset between the CPU's addresses and those of the bus. */
static inline dma_addr_t p2p_bus_address(struct pci_dev *pci, int bar,
					 phys_addr_t addr)
{
	return pci_bus_address(pci, bar) + (addr - pci_resource_start(pci, bar));
}

#endif

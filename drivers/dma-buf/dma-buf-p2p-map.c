// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA addresses of ranges of a BAR, on kernels whose DMA API knows device memory
 * by its pages only.
 *
 * Promises: the right one of three kinds of address; a table without pages; every
 * entry but a range's last is 2 GiB, so that the next one is aligned as the range
 * is; taking it down gives back all that was mapped.
 *
 * Does not: check ranges, or whether there is a way at all: dma-buf-p2p.c does.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "dma-buf-p2p-entries.h"
#include "dma-buf-p2p-map.h"

/* What the DMA API has mapped for one range. */
struct p2p_mapped {
	dma_addr_t addr;
	u64 len;
	bool pages;
};

struct p2p_table {
	struct sg_table sgt;
	unsigned int count;
	struct p2p_mapped mapped[];
};

/* A port that sends requests of one device to another up to the host bridge. */
static bool redirects(struct pci_dev *port)
{
	u16 ctrl;

	if (!port->acs_cap)
		return false;
	pci_read_config_word(port, port->acs_cap + PCI_ACS_CTRL, &ctrl);
	return ctrl & (PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_EC);
}

/* From @dev up to @top: does a port redirect? */
static bool path_redirects(struct pci_dev *dev, struct pci_dev *top)
{
	while (dev != top && !redirects(dev))
		dev = pci_upstream_bridge(dev);
	return redirects(dev);
}

static bool is_above(struct pci_dev *bridge, struct pci_dev *dev)
{
	while (dev && dev != bridge)
		dev = pci_upstream_bridge(dev);
	return dev;
}

/*
 * pci_p2pdma_distance() has said that there is a way; this tells which. The two
 * devices meet below a host bridge, or they do not.
 */
static bool by_bus_address(struct pci_dev *provider, struct device *importer)
{
	struct pci_dev *client, *meet;

	while (importer && !dev_is_pci(importer))
		importer = importer->parent;
	if (!importer)
		return false;
	client = to_pci_dev(importer);
	for (meet = provider; meet; meet = pci_upstream_bridge(meet))
		if (is_above(meet, client))
			break;
	return meet && !path_redirects(provider, meet) &&
	       !path_redirects(client, meet);
}

/* For a device behind a host bridge, or behind an IOMMU. */
static int map_range(struct device *dev, const struct dma_buf_p2p_range *range,
		     enum dma_data_direction dir, struct p2p_mapped *mapped)
{
	bool pages = pfn_valid(PHYS_PFN(range->addr));
	dma_addr_t addr;

	if (pages != pfn_valid(PHYS_PFN(range->addr + range->len - 1)))
		return -EINVAL;
	/* Neither of the two takes what the other is for. */
	if (pages)
		addr = dma_map_page_attrs(dev,
					  pfn_to_page(PHYS_PFN(range->addr)),
					  0, range->len, dir,
					  DMA_ATTR_SKIP_CPU_SYNC);
	else
		addr = dma_map_resource(dev, range->addr, range->len, dir,
					DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(dev, addr))
		return -EIO;
	*mapped = (struct p2p_mapped){ addr, range->len, pages };
	return 0;
}

static void unmap_ranges(struct device *dev, struct p2p_table *table,
			 enum dma_data_direction dir)
{
	struct p2p_mapped *mapped;

	while (table->count) {
		mapped = &table->mapped[--table->count];
		if (mapped->pages)
			dma_unmap_page_attrs(dev, mapped->addr, mapped->len,
					     dir, DMA_ATTR_SKIP_CPU_SYNC);
		else
			dma_unmap_resource(dev, mapped->addr, mapped->len,
					   dir, DMA_ATTR_SKIP_CPU_SYNC);
	}
}

/* Nothing: it is the address that matters. */
int p2p_init(struct pci_dev *provider)
{
	return 0;
}

struct sg_table *p2p_map(struct dma_buf_attachment *attach,
			 struct pci_dev *pci, int bar,
			 const struct dma_buf_p2p_range *ranges,
			 unsigned int count, enum dma_data_direction dir)
{
	bool bus = by_bus_address(pci, attach->dev);
	unsigned int entries, i;
	struct p2p_table *table;
	struct scatterlist *sg;
	int ret;

	entries = p2p_count_entries(ranges, count);
	if (!entries)
		return ERR_PTR(-EOVERFLOW);
	table = kvzalloc(struct_size(table, mapped, bus ? 0 : count),
			 GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table(&table->sgt, entries, GFP_KERNEL);
	if (ret)
		goto free_table;

	sg = table->sgt.sgl;
	for (i = 0; i < count; i++) {
		if (bus) {
			sg = p2p_fill(sg, p2p_bus_address(pci, bar,
							  ranges[i].addr),
				      ranges[i].len);
			continue;
		}
		ret = map_range(attach->dev, &ranges[i], dir,
				&table->mapped[i]);
		if (ret)
			goto unmap;
		table->count++;
		sg = p2p_fill(sg, table->mapped[i].addr, ranges[i].len);
	}
	/* Nobody shall look for pages. */
	table->sgt.orig_nents = 0;
	return &table->sgt;

unmap:
	unmap_ranges(attach->dev, table, dir);
	sg_free_table(&table->sgt);
free_table:
	kvfree(table);
	return ERR_PTR(ret);
}

void p2p_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
	       enum dma_data_direction dir)
{
	struct p2p_table *table = container_of(sgt, struct p2p_table, sgt);

	unmap_ranges(attach->dev, table, dir);
	sgt->orig_nents = sgt->nents;
	sg_free_table(sgt);
	kvfree(table);
}

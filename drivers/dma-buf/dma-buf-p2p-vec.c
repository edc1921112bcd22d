// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA addresses of ranges of a BAR, by dma_buf_phys_vec_to_sgt().
 *
 * Promises: ranges stay apart and in order; taking them down frees all of them.
 *
 * Does not: give it more than one range. In Linux 7.3, behind an IOMMU, each range
 * after the first is mapped over the first one, which fails with -EADDRINUSE.
 */
#include <linux/dma-buf-mapping.h>
#include <linux/overflow.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

#include "dma-buf-p2p-map.h"

struct p2p_table {
	struct sg_table sgt;
	unsigned int count;
	struct sg_table *parts[];
};

int p2p_init(struct pci_dev *provider)
{
	return pcim_p2pdma_init(provider);
}

static void unmap_parts(struct dma_buf_attachment *attach,
			struct p2p_table *table, enum dma_data_direction dir)
{
	struct sg_table *part;

	while (table->count) {
		part = table->parts[--table->count];
		/* It hides its list from the CPU, and then does not free it. */
		part->orig_nents = part->nents;
		dma_buf_free_sgt(attach, part, dir);
	}
}

static int map_parts(struct dma_buf_attachment *attach,
		     struct p2pdma_provider *provider, struct p2p_table *table,
		     const struct dma_buf_p2p_range *ranges, unsigned int count,
		     enum dma_data_direction dir)
{
	struct sg_table *part;
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct phys_vec vec = { ranges[i].addr, ranges[i].len };

		part = dma_buf_phys_vec_to_sgt(attach, provider, &vec, 1,
					       vec.len, dir);
		if (IS_ERR(part))
			return PTR_ERR(part);
		table->parts[table->count++] = part;
	}
	return 0;
}

/* The entries of all parts, one after the other. */
static int join_parts(struct p2p_table *table)
{
	struct scatterlist *to, *from;
	unsigned int entries = 0, i, j;
	int ret;

	for (i = 0; i < table->count; i++)
		if (check_add_overflow(entries, table->parts[i]->nents,
				       &entries))
			return -EOVERFLOW;
	ret = sg_alloc_table(&table->sgt, entries, GFP_KERNEL);
	if (ret)
		return ret;
	to = table->sgt.sgl;
	for (i = 0; i < table->count; i++) {
		for_each_sgtable_dma_sg(table->parts[i], from, j) {
			sg_dma_address(to) = sg_dma_address(from);
			sg_dma_len(to) = sg_dma_len(from);
			to = sg_next(to);
		}
	}
	/* Nobody shall look for pages. */
	table->sgt.orig_nents = 0;
	return 0;
}

struct sg_table *p2p_map(struct dma_buf_attachment *attach,
			 struct pci_dev *pci, int bar,
			 const struct dma_buf_p2p_range *ranges,
			 unsigned int count, enum dma_data_direction dir)
{
	struct p2pdma_provider *provider = pcim_p2pdma_provider(pci, bar);
	struct p2p_table *table;
	int ret;

	if (!provider)
		return ERR_PTR(-EINVAL);
	table = kvzalloc(struct_size(table, parts, count), GFP_KERNEL);
	if (!table)
		return ERR_PTR(-ENOMEM);
	ret = map_parts(attach, provider, table, ranges, count, dir);
	if (!ret)
		ret = join_parts(table);
	if (!ret)
		return &table->sgt;
	unmap_parts(attach, table, dir);
	kvfree(table);
	return ERR_PTR(ret);
}

void p2p_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
	       enum dma_data_direction dir)
{
	struct p2p_table *table = container_of(sgt, struct p2p_table, sgt);

	unmap_parts(attach, table, dir);
	sgt->orig_nents = sgt->nents;
	sg_free_table(sgt);
	kvfree(table);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA addresses for ranges of a BAR that have been checked: Linux 6.19 and later
 * have functions for that, for the others there is dma-buf-p2p-map.c.
 */
#ifndef _COMPAT_DMA_BUF_PHYS_VEC_H
#define _COMPAT_DMA_BUF_PHYS_VEC_H

#include <linux/dma-buf-p2p.h>
#include <linux/pci-p2pdma.h>

#if __has_include(<linux/dma-buf-mapping.h>)

#include <linux/dma-buf-mapping.h>

static inline int p2p_init(struct pci_dev *provider)
{
	return pcim_p2pdma_init(provider);
}

static inline struct sg_table *
p2p_map(struct dma_buf_attachment *attach, struct pci_dev *pci, int bar,
	const struct dma_buf_p2p_range *ranges, unsigned int count, u64 size,
	enum dma_data_direction dir)
{
	struct p2pdma_provider *provider = pcim_p2pdma_provider(pci, bar);
	struct phys_vec *vec;
	struct sg_table *sgt;
	unsigned int i;

	if (!provider)
		return ERR_PTR(-EINVAL);
	vec = kvmalloc_array(count, sizeof(*vec), GFP_KERNEL);
	if (!vec)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		vec[i].paddr = ranges[i].addr;
		vec[i].len = ranges[i].len;
	}
	sgt = dma_buf_phys_vec_to_sgt(attach, provider, vec, count, size, dir);
	kvfree(vec);
	return sgt;
}

static inline void p2p_unmap(struct dma_buf_attachment *attach,
			     struct sg_table *sgt, enum dma_data_direction dir)
{
	/* Linux 7.3 hides the list from the CPU, and then does not free it. */
	sgt->orig_nents = sgt->nents;
	dma_buf_free_sgt(attach, sgt, dir);
}

#else

static inline int p2p_init(struct pci_dev *provider)
{
	return 0;
}

struct sg_table *p2p_map(struct dma_buf_attachment *attach,
			 struct pci_dev *pci, int bar,
			 const struct dma_buf_p2p_range *ranges,
			 unsigned int count, u64 size,
			 enum dma_data_direction dir);
void p2p_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
	       enum dma_data_direction dir);

#endif

#endif

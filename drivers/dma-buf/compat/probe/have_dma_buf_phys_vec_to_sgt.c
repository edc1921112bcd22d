// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-buf-mapping.h>
#include <linux/dma-buf.h>

struct sg_table *probe(struct dma_buf_attachment *attach,
		       struct p2pdma_provider *provider, struct phys_vec *vec);

struct sg_table *probe(struct dma_buf_attachment *attach,
		       struct p2pdma_provider *provider, struct phys_vec *vec)
{
	return dma_buf_phys_vec_to_sgt(attach, provider, vec, 1, vec->len,
				       DMA_BIDIRECTIONAL);
}

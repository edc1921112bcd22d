// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-buf.h>

void probe(struct dma_buf *dmabuf, struct dma_buf_attach_ops *ops,
	   void (*callback)(struct dma_buf_attachment *attach));

void probe(struct dma_buf *dmabuf, struct dma_buf_attach_ops *ops,
	   void (*callback)(struct dma_buf_attachment *attach))
{
	ops->invalidate_mappings = callback;
	dma_buf_invalidate_mappings(dmabuf);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-fence.h>

void probe(struct dma_fence *fence);

void probe(struct dma_fence *fence)
{
	dma_fence_set_deadline(fence, 0);
}

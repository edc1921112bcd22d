// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-fence.h>

ktime_t probe(struct dma_fence *fence);

ktime_t probe(struct dma_fence *fence)
{
	return dma_fence_timestamp(fence);
}

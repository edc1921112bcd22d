// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>

struct dma_fence **dma_fence_is_container(void);

/* That is another function than the kernel's, if it has one. */
struct dma_fence **dma_fence_is_container(void)
{
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-fence-array.h>
#include <linux/overflow.h>

size_t probe(struct dma_fence_array *array, struct dma_fence **fences);

size_t probe(struct dma_fence_array *array, struct dma_fence **fences)
{
	dma_fence_array_init(array, 1, fences, 1, 1, false);
	return struct_size(array, callbacks, 1);
}

// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-fence-array.h>
#include <linux/overflow.h>

size_t probe(struct dma_fence_array *array);

/* Where an array ends with its callbacks, it can be allocated and initialized. */
size_t probe(struct dma_fence_array *array)
{
	(void)&dma_fence_array_init;
	return struct_size(array, callbacks, 1);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An array of fences whose memory the caller's cgroup pays for: since Linux
 * 6.12 an array can be initialized in memory of our own. Before, the kernel
 * allocates it, and nobody pays. Later, arrays that signal with their first
 * fence went away, and with them the last argument.
 */
#ifndef __COMPAT_DMA_FENCE_ARRAY_H
#define __COMPAT_DMA_FENCE_ARRAY_H

#include <linux/dma-fence-array.h>
#include <linux/mmzone.h>
#include <linux/slab.h>

#ifdef HAVE_DMA_FENCE_ARRAY_SIGNAL_ON_ANY
#define compat_array_init(array, count, fences, context) \
	dma_fence_array_init(array, count, fences, context, 1, false)
#define compat_array_create(count, fences, context) \
	dma_fence_array_create(count, fences, context, 1, false)
#else
#define compat_array_init(array, count, fences, context) \
	dma_fence_array_init(array, count, fences, context, 1)
#define compat_array_create(count, fences, context) \
	dma_fence_array_create(count, fences, context, 1)
#endif

/*
 * The size of the largest array. Where the kernel hands a chain on as if it were
 * one fence, there had better be none: 800 fences before it comes to that.
 */
#ifdef HAVE_NO_DMA_FENCE_IS_CONTAINER
#define COMPAT_ARRAY_SIZE	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)
#else
#define COMPAT_ARRAY_SIZE	PAGE_SIZE
#endif

static inline struct dma_fence_array *
compat_dma_fence_array_create(unsigned int count, struct dma_fence **fences)
{
	u64 context = dma_fence_context_alloc(1);
#ifdef HAVE_DMA_FENCE_ARRAY_INIT
	struct dma_fence_array *array;

	array = kzalloc(struct_size(array, callbacks, count),
			GFP_KERNEL_ACCOUNT);
	if (array)
		compat_array_init(array, count, fences, context);
	return array;
#else
	return compat_array_create(count, fences, context);
#endif
}

#endif /* __COMPAT_DMA_FENCE_ARRAY_H */

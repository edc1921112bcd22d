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

/* Whether we allocate it, so that the kernel does not try hard. */
#ifdef HAVE_DMA_FENCE_ARRAY_INIT
#define COMPAT_ARRAY_IS_OURS	true
#else
#define COMPAT_ARRAY_IS_OURS	false
#endif

static inline struct dma_fence_array *
compat_dma_fence_array_create(unsigned int count, struct dma_fence **fences,
			      gfp_t gfp)
{
	u64 context = dma_fence_context_alloc(1);
#ifdef HAVE_DMA_FENCE_ARRAY_INIT
	struct dma_fence_array *array;

	array = kzalloc(struct_size(array, callbacks, count), gfp);
	if (array)
		compat_array_init(array, count, fences, context);
	return array;
#else
	/* The kernel would try hard: see whether it has to. */
	size_t size = sizeof(struct dma_fence_array) +
		      count * sizeof(struct dma_fence_array_cb);
	void *trial = kmalloc(size, gfp);

	kfree(trial);
	return trial ? compat_array_create(count, fences, context) : NULL;
#endif
}

#endif /* __COMPAT_DMA_FENCE_ARRAY_H */

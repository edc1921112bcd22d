// SPDX-License-Identifier: GPL-2.0-only
/* Fences for measurements, and the kernel's own import. */

#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "bench.h"

atomic_t bench_alive;

static DEFINE_SPINLOCK(bench_lock);

static const char *bench_name(struct dma_fence *fence)
{
	return "bench";
}

static void bench_release(struct dma_fence *fence)
{
	atomic_dec(&bench_alive);
	dma_fence_free(fence);
}

static const struct dma_fence_ops bench_ops = {
	.get_driver_name = bench_name,
	.get_timeline_name = bench_name,
	.release = bench_release,
};

struct dma_fence *bench_fence(void)
{
	struct dma_fence *fence = kzalloc(FENCE_SIZE,
					  GFP_KERNEL | __GFP_NOFAIL);

	atomic_inc(&bench_alive);

	dma_fence_init(fence, &bench_ops, &bench_lock,
		       dma_fence_context_alloc(1), 1);
	return fence;
}

void bench_disperse(struct dma_fence **fences, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
}

/* As the ioctl of the kernel does it. */
void kernel_import(struct dma_resv *resv, struct dma_fence *fence)
{
	struct dma_fence_unwrap iter;
	unsigned int count = 0;
	struct dma_fence *f;

	dma_fence_unwrap_for_each(f, &iter, fence)
		count++;
	dma_resv_lock(resv, NULL);
	if (!dma_resv_reserve_fences(resv, count))
		dma_fence_unwrap_for_each(f, &iter, fence)
			dma_resv_add_fence(resv, f, DMA_RESV_USAGE_READ);
	dma_resv_unlock(resv);
}

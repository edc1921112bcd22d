/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _BENCH_H
#define _BENCH_H

#include <linux/atomic.h>

struct dma_fence;
struct dma_resv;

/* Fences are parts of requests: one for each cache line would be too kind. */
#define FENCE_SIZE	256

/* Fences that somebody holds. */
extern atomic_t bench_alive;

struct dma_fence *bench_fence(void);
void bench_disperse(struct dma_fence **fences, unsigned int count);
void kernel_import(struct dma_resv *resv, struct dma_fence *fence);

int bench_hostile(void);
int bench_memory(void);

#endif /* _BENCH_H */

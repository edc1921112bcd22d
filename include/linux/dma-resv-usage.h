/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who waits for a fence, by the names of Linux 5.19, for kernels that have an
 * exclusive fence and shared ones instead: there, KERNEL and WRITE are exclusive,
 * READ and BOOKKEEP are shared. Define HAVE_DMA_RESV_EXCLUSIVE to compile a
 * driver against such a kernel.
 */
#ifndef __LINUX_DMA_RESV_USAGE_H
#define __LINUX_DMA_RESV_USAGE_H

#ifdef HAVE_DMA_RESV_EXCLUSIVE

#include <linux/types.h>

enum dma_resv_usage {
	DMA_RESV_USAGE_KERNEL,
	DMA_RESV_USAGE_WRITE,
	DMA_RESV_USAGE_READ,
	DMA_RESV_USAGE_BOOKKEEP
};

/* What has to be waited for before the buffer is written, or read only. */
static inline enum dma_resv_usage dma_resv_usage_rw(bool write)
{
	return write ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE;
}

#endif /* HAVE_DMA_RESV_EXCLUSIVE */

#endif /* __LINUX_DMA_RESV_USAGE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a reservation object stores its fences: a list with a usage for each since
 * Linux 5.19; before, one exclusive fence and a list of shared ones.
 */
#ifndef __COMPAT_DMA_RESV_STORE_H
#define __COMPAT_DMA_RESV_STORE_H

#ifdef HAVE_DMA_RESV_EXCLUSIVE
#include "../dma-resv-legacy.h"
#else
#include "../dma-resv-merge.h"
#endif

#endif /* __COMPAT_DMA_RESV_STORE_H */

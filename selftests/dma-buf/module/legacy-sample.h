/* SPDX-License-Identifier: GPL-2.0-only */
/* What the sample driver has to say on a kernel with an exclusive fence. */
#define HAVE_DMA_RESV_EXCLUSIVE	1

#include <linux/dma-resv.h>

#define dma_resv_test_signaled(resv, usage) \
	dma_resv_test_signaled_rcu(resv, (usage) > DMA_RESV_USAGE_WRITE)

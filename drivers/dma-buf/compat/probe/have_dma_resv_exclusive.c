// SPDX-License-Identifier: GPL-2.0-only
#include <linux/dma-resv.h>

u32 probe(struct dma_resv *resv, unsigned int *seq);

/* One exclusive fence and a list of shared ones: the layout is public. */
u32 probe(struct dma_resv *resv, unsigned int *seq)
{
	*seq = read_seqcount_begin(&resv->seq);
	if (rcu_access_pointer(resv->fence_excl))
		dma_resv_add_excl_fence(resv, NULL);
	return dma_resv_get_list(resv)->shared_count <
	       dma_resv_get_list(resv)->shared_max;
}

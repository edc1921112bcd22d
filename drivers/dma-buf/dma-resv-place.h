/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_RESV_PLACE_H
#define __DMA_RESV_PLACE_H

#include "dma-resv-list.h"

/* Past so many entries a list is not worked on in place. */
#define DMA_RESV_PLACE_MAX	16

/* Is @list short, and will it be with @count more, for which it has room? */
static inline bool dma_resv_place_fits(struct dma_resv_list *list,
				       unsigned int count)
{
	return count <= dma_resv_list_room(list) &&
	       count + dma_resv_list_count(list) <= DMA_RESV_PLACE_MAX;
}

int dma_resv_place_take_apart(struct dma_fence *fence,
			      struct dma_fence *few[DMA_RESV_PLACE_MAX]);
unsigned int dma_resv_place(struct dma_resv_list *list,
			    struct dma_fence **fences, unsigned int count,
			    enum dma_resv_usage usage);
/* Is most of the memory of @list for entries that are gone? */
static inline bool dma_resv_list_is_loose(struct dma_resv_list *list)
{
	return list && list->max_fences > 2 * DMA_RESV_PLACE_MAX &&
	       list->num_fences < list->max_fences / 4;
}

bool dma_resv_list_is_untidy(struct dma_resv_list *list);

#endif /* __DMA_RESV_PLACE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __DMA_RESV_PLACE_H
#define __DMA_RESV_PLACE_H

#include "dma-resv-entry.h"
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

/* Is most of the memory of @list for entries that are gone? */
static inline bool dma_resv_list_is_loose(struct dma_resv_list *list)
{
	return list && list->max_fences > 2 * DMA_RESV_PLACE_MAX &&
	       list->num_fences < list->max_fences / 4;
}

/* Is @fence all that there is to wait for, and @list in good order? */
static inline bool dma_resv_list_is_just(struct dma_resv_list *list,
					 struct dma_fence *fence,
					 enum dma_resv_usage usage)
{
	return dma_resv_list_count(list) == 1 &&
	       dma_resv_list_entry(list, 0) == dma_resv_entry(fence, usage) &&
	       !dma_resv_list_is_loose(list);
}

int dma_resv_place_take_apart(struct dma_fence *fence,
			      struct dma_fence *few[DMA_RESV_PLACE_MAX]);
unsigned int dma_resv_place(struct dma_resv_list *list,
			    struct dma_fence **fences, unsigned int count,
			    enum dma_resv_usage usage);
bool __dma_resv_place_few(struct dma_resv_list *list, struct dma_fence **few,
			  unsigned int count, enum dma_resv_usage usage);
bool dma_resv_list_is_untidy(struct dma_resv_list *list);

/**
 * dma_resv_place_few - put few fences in their place, and look at the rest
 * @list: the list of a reservation object, whose lock the caller holds
 * @few: fences that are no containers; the caller keeps its references
 * @count: how many; there must be room for as many
 * @usage: the usage of each
 *
 * Return: as dma_resv_list_is_untidy().
 */
static inline bool dma_resv_place_few(struct dma_resv_list *list,
				      struct dma_fence **few,
				      unsigned int count,
				      enum dma_resv_usage usage)
{
	/* The same once more, as for each plane of a frame. */
	if (count == 1 && dma_resv_list_is_just(list, *few, usage))
		return false;
	return __dma_resv_place_few(list, few, count, usage);
}

#endif /* __DMA_RESV_PLACE_H */

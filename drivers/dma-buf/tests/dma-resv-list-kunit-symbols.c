// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only the tests call where the kernel has lists of entries with a usage
 */

#include <linux/export.h>

#include "../compat/kunit.h"
#include "../dma-resv-list.h"
#include "../dma-resv-merge.h"
#include "../dma-resv-place.h"

EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_known);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_create);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_init);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_prepare);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_fits);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_commit);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_place);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_fini);

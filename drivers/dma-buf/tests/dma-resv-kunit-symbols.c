// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests call and no driver may, for tests that are a module
 */

#include <kunit/visibility.h>
#include <linux/dma-fence-index.h>
#include <linux/export.h>

#include "../dma-resv-list.h"
#include "../dma-resv-merge.h"
#include "../dma-resv-place.h"

EXPORT_SYMBOL_IF_KUNIT(dma_fence_table_init);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_table_fini);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_index_init);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_index_fini);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_index_secret);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_known);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_create);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_init);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_prepare);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_fits);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_commit);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_place);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_merge_fini);

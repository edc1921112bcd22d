// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests call and no driver may, for tests that are a module
 */

#include <linux/dma-fence-index.h>
#include <linux/export.h>

#include "../compat/kunit.h"

EXPORT_SYMBOL_IF_KUNIT(dma_fence_table_init);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_table_fini);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_index_init);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_index_fini);
EXPORT_SYMBOL_IF_KUNIT(dma_fence_index_secret);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests call and no driver may, for tests that are a module, where the
 * kernel has lists of entries with a usage
 */

#include <linux/export.h>

#include "../compat/kunit.h"
#include "../dma-resv-store.h"

EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_known);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_stub);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_stubs);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_create);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_prepare);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_reserve);
EXPORT_SYMBOL_IF_KUNIT(dma_resv_list_commit);

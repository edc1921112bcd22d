// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests and what they test in one module, for kernels without it
 */

#include <linux/module.h>

#include "../dma-resv-store.h"

static int __init dma_resv_kunit_init(void)
{
	dma_resv_store_init();
	return 0;
}
module_init(dma_resv_kunit_init);

static void __exit dma_resv_kunit_exit(void)
{
	dma_resv_store_fini();
}
module_exit(dma_resv_kunit_exit);

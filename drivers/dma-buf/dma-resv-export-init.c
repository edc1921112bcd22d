// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inside a kernel tree: prove the layout of a dma_resv while booting
 *
 * Promises: done before the first driver that could call us.
 *
 * Does not: belong to the module, which has dma-buf-ioctl-redirect.c.
 */

#include <linux/init.h>

#include "dma-resv-store.h"

/* After the fences and reservation objects that it uses have been set up. */
static int __init dma_resv_export_init(void)
{
	dma_resv_store_init();
	return 0;
}
subsys_initcall_sync(dma_resv_export_init);

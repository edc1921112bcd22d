/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an importer is told when a buffer moves has a new name since Linux 7.0.
 */
#ifndef _IMPORTER_OPS_H
#define _IMPORTER_OPS_H

#include <linux/dma-buf.h>

#ifdef HAVE_INVALIDATE_MAPPINGS
#define dma_buf_move_notify	dma_buf_invalidate_mappings
#define move_notify		invalidate_mappings
#endif

#endif

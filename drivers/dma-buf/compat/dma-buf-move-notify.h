/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an importer is told when a buffer moves has a new name since Linux 7.0.
 */
#ifndef __COMPAT_DMA_BUF_MOVE_NOTIFY_H
#define __COMPAT_DMA_BUF_MOVE_NOTIFY_H

#include <linux/dma-buf.h>

#ifdef HAVE_DMA_BUF_INVALIDATE_MAPPINGS
#define dma_buf_move_notify	dma_buf_invalidate_mappings
#define move_notify		invalidate_mappings
#endif

#endif /* __COMPAT_DMA_BUF_MOVE_NOTIFY_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device, its memory, and the buffers in it.
 */
#ifndef _IVSHMEM_MEMORY_H
#define _IVSHMEM_MEMORY_H

#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/genalloc.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>

#include "ivshmem-p2p.h"

#define IVSHMEM_BAR_NUMBER	2

struct ivshmem {
	struct pci_dev *pci;
	struct miscdevice misc;
	struct kref ref;		/* of the driver, files and buffers */
	void __iomem *bar;
	u64 paged;			/* so much of the BAR has struct pages */
	struct gen_pool *pageless;	/* allocates the rest */
	struct rw_semaphore alive;	/* held by who uses the device */
	bool gone;			/* written with both locks held */
	spinlock_t lock;		/* of the list */
	struct list_head buffers;
	struct workqueue_struct *frees;
};

/*
 * Memory is handed out in pieces as small as this, as if it were fragmented; but for
 * %IVSHMEM_WHOLE, which is one piece.
 */
#define IVSHMEM_CHUNK		PAGE_SIZE

/* Room for a whole buffer: so many chunks, in the BAR or in system memory. */
struct ivshmem_store {
	enum ivshmem_place place;
	u64 *offsets;			/* into the BAR */
	struct page **pages;		/* of the system */
};

struct ivshmem_buffer {
	struct ivshmem *ivs;
	struct kref ref;		/* of the dma-buf, and of the list */
	struct list_head node;
	struct dma_resv resv;		/* guards all below */
	struct dma_buf *dmabuf;		/* NULL once it is closed */
	u64 size;
	u64 chunk;			/* size of each */
	u64 chunks;
	bool pageless;
	struct ivshmem_store store;
	struct ivshmem_store kept;	/* system memory of a revoked buffer */
	u64 first;			/* where it begins, if in the BAR */
	unsigned int pins;
	unsigned int mappings;
	unsigned int bar_mappings;	/* of these, in the BAR */
	unsigned int moves;
	wait_queue_head_t unmapped;	/* there are no bar_mappings */
	struct work_struct free;
};

int ivshmem_store_get(struct ivshmem_buffer *buffer, enum ivshmem_place place,
		      struct ivshmem_store *store);
void ivshmem_store_put(struct ivshmem_buffer *buffer,
		       struct ivshmem_store *store);
void ivshmem_store_copy(struct ivshmem_buffer *buffer,
			const struct ivshmem_store *to,
			const struct ivshmem_store *from);
void ivshmem_store_access(struct ivshmem_buffer *buffer, void *data, u64 offset,
			  size_t len, bool write);

int ivshmem_buffer_create(struct ivshmem *ivs, u64 size, u32 flags);
struct ivshmem_buffer *ivshmem_buffer_of(struct dma_buf *dmabuf);
int ivshmem_buffer_move(struct ivshmem_buffer *buffer, enum ivshmem_place to);
void ivshmem_buffer_revoke(struct ivshmem_buffer *buffer);
void ivshmem_buffer_put(struct kref *ref);

void ivshmem_free(struct kref *ref);

#endif

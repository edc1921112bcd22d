/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the reference importer: engine, imported buffers, jobs.
 */
#ifndef _EDU_DEVICE_H
#define _EDU_DEVICE_H

#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/kref.h>
#include <linux/miscdevice.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>

#include "edu-p2p.h"

/* The engine. */

struct edu {
	struct pci_dev *pci;
	void __iomem *regs;
	struct miscdevice misc;
	int number;
	char name[16];
	struct kref ref;		/* of the driver and of files */
	struct rw_semaphore alive;	/* held by who uses the device */
	bool gone;
	bool broken;			/* an operation has not ended */
	struct completion done;		/* of one operation */
	struct dma_fence *last;		/* signaled with the running operation */
	struct mutex submit;		/* jobs start in the order of their seqnos */
	u64 context;
	u64 seqno;
	struct workqueue_struct *run;	/* one job after the other */
	struct workqueue_struct *clean;	/* takes locks, so nobody waits for it */
	struct mutex lock;		/* of the list */
	struct list_head imports;
	atomic_t jobs;
	atomic_t in_hardirq;
	atomic_t errors;
};

struct edu_client {
	struct edu *edu;
	struct mutex lock;		/* of the list */
	struct list_head imports;
};

int edu_run(struct edu *edu, dma_addr_t addr, u32 len, bool to_device,
	    struct dma_fence *last);

/* Buffers. */

struct edu_mapping {
	struct edu_import *import;
	struct sg_table *sgt;
	unsigned int users;		/* guarded by the dma_resv */
};

struct edu_import {
	struct edu *edu;
	struct kref ref;
	struct dma_buf *dmabuf;
	struct dma_buf_attachment *attach; /* NULL when the device is gone */
	struct edu_mapping *mapping;	/* NULL, or where the buffer is now */
	bool pinned;			/* guarded by the dma_resv */
	struct list_head of_client;
	struct list_head of_device;
};

struct edu_import *edu_import_get(struct edu_client *client, int fd);
void edu_import_put(struct edu_import *import);
void edu_imports_drop(struct edu_client *client);
void edu_imports_detach(struct edu *edu);
struct edu_mapping *edu_mapping_get(struct edu_import *import);
void edu_mapping_put(struct edu_mapping *mapping);
int edu_mapping_find(struct edu_mapping *mapping, u64 offset, u32 *len,
		     dma_addr_t *addr);

/* Jobs. */

int edu_job_submit(struct edu_client *client, struct edu_copy *copy);

#endif

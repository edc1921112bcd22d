// SPDX-License-Identifier: GPL-2.0-only
/*
 * An importer of buffers that move: the pattern.
 *
 * Promises: a mapping lives as long as a job uses it, and not longer than until
 * the next job if the buffer has moved; a buffer that was taken away is unmapped as
 * soon as its last job has ended.
 *
 * Does not: wait for fences; jobs do.
 */
#include <linux/slab.h>

#include "../../compat/dma-buf-move-notify.h"
#include "edu-device.h"

/* The dma_resv is held; no job uses the mapping. */
static void mapping_free(struct edu_mapping *mapping)
{
	dma_buf_unmap_attachment(mapping->import->attach, mapping->sgt,
				 DMA_BIDIRECTIONAL);
	kfree(mapping);
}

/* The same mapping is no longer handed out; jobs that have it go on. */
static void forget_mapping(struct edu_import *import)
{
	struct edu_mapping *mapping = import->mapping;

	import->mapping = NULL;
	if (mapping)
		edu_mapping_put(mapping);
}

/*
 * Jobs that have begun may go on: the exporter waits for their fences, which are
 * in the dma_resv. The next job asks for a new mapping.
 */
static void buffer_moves(struct dma_buf_attachment *attach)
{
	dma_resv_assert_held(attach->dmabuf->resv);
	forget_mapping(attach->importer_priv);
}

static const struct dma_buf_attach_ops attach_ops = {
	.allow_peer2peer = true,
	.move_notify = buffer_moves,
};

/**
 * edu_mapping_get - DMA addresses of a buffer, for one job
 * @import: the buffer, whose dma_resv the caller holds
 *
 * Return: what edu_mapping_put() gives back, or an ERR_PTR() of the exporter's.
 */
struct edu_mapping *edu_mapping_get(struct edu_import *import)
{
	struct edu_mapping *mapping = import->mapping;

	dma_resv_assert_held(import->dmabuf->resv);
	if (mapping) {
		mapping->users++;
		return mapping;
	}
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->import = import;
	mapping->sgt = dma_buf_map_attachment(import->attach,
					      DMA_BIDIRECTIONAL);
	if (IS_ERR(mapping->sgt)) {
		void *error = ERR_CAST(mapping->sgt);

		kfree(mapping);
		return error;
	}
	/* One for the job, one until the buffer moves. */
	mapping->users = 2;
	import->mapping = mapping;
	return mapping;
}

/* The caller holds the dma_resv. */
void edu_mapping_put(struct edu_mapping *mapping)
{
	dma_resv_assert_held(mapping->import->dmabuf->resv);
	if (!--mapping->users)
		mapping_free(mapping);
}

/*
 * Where the byte at @offset is for DMA; *@len becomes less if the buffer does not
 * go on there. -EINVAL if the mapping ends before.
 */
int edu_mapping_find(struct edu_mapping *mapping, u64 offset, u32 *len,
		     dma_addr_t *addr)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(mapping->sgt, sg, i) {
		if (offset < sg_dma_len(sg)) {
			*addr = sg_dma_address(sg) + offset;
			*len = min_t(u64, *len, sg_dma_len(sg) - offset);
			return 0;
		}
		offset -= sg_dma_len(sg);
	}
	return -EINVAL;
}

/* Once; later calls find that it is done. */
static void detach(struct edu_import *import)
{
	dma_resv_lock(import->dmabuf->resv, NULL);
	forget_mapping(import);
	if (import->pinned)
		dma_buf_unpin(import->attach);
	import->pinned = false;
	dma_resv_unlock(import->dmabuf->resv);
	dma_buf_detach(import->dmabuf, import->attach);
	import->attach = NULL;
}

static void import_free(struct kref *ref)
{
	struct edu_import *import = container_of(ref, struct edu_import, ref);
	struct edu *edu = import->edu;

	mutex_lock(&edu->lock);
	list_del(&import->of_device);
	if (import->attach)
		detach(import);
	mutex_unlock(&edu->lock);
	dma_buf_put(import->dmabuf);
	kfree(import);
}

/* Not with a dma_resv held. */
void edu_import_put(struct edu_import *import)
{
	kref_put(&import->ref, import_free);
}

/* The device is going; no job is left. */
void edu_imports_detach(struct edu *edu)
{
	struct edu_import *import;

	mutex_lock(&edu->lock);
	list_for_each_entry(import, &edu->imports, of_device)
		if (import->attach)
			detach(import);
	mutex_unlock(&edu->lock);
}

/* The client is going; its jobs keep what they use. */
void edu_imports_drop(struct edu_client *client)
{
	struct edu_import *import, *next;

	list_for_each_entry_safe(import, next, &client->imports, of_client) {
		list_del(&import->of_client);
		edu_import_put(import);
	}
}

/* Takes the reference to @dmabuf over, unless it fails. */
static struct edu_import *import_create(struct edu_client *client,
					struct dma_buf *dmabuf)
{
	struct edu *edu = client->edu;
	struct edu_import *import;

	import = kzalloc(sizeof(*import), GFP_KERNEL);
	if (!import)
		return ERR_PTR(-ENOMEM);
	kref_init(&import->ref);
	import->edu = edu;
	import->dmabuf = dmabuf;
	import->attach = dma_buf_dynamic_attach(dmabuf, &edu->pci->dev,
						&attach_ops, import);
	if (IS_ERR(import->attach)) {
		void *error = ERR_CAST(import->attach);

		kfree(import);
		return error;
	}
	mutex_lock(&edu->lock);
	list_add(&import->of_device, &edu->imports);
	mutex_unlock(&edu->lock);
	list_add(&import->of_client, &client->imports);
	return import;
}

/**
 * edu_import_get - the import of a dma-buf, made at its first use
 * @client: who uses it
 * @fd: descriptor of the dma-buf
 *
 * Return: what edu_import_put() gives back; -EBADF, -EINVAL, -ENOMEM, or why the
 * exporter does not let the device attach.
 */
struct edu_import *edu_import_get(struct edu_client *client, int fd)
{
	struct dma_buf *dmabuf = dma_buf_get(fd);
	struct edu_import *import;

	if (IS_ERR(dmabuf))
		return ERR_CAST(dmabuf);
	mutex_lock(&client->lock);
	list_for_each_entry(import, &client->imports, of_client) {
		if (import->dmabuf == dmabuf) {
			dma_buf_put(dmabuf);
			goto found;
		}
	}
	import = import_create(client, dmabuf);
	if (IS_ERR(import))
		dma_buf_put(dmabuf);
found:
	if (!IS_ERR(import))
		kref_get(&import->ref);
	mutex_unlock(&client->lock);
	return import;
}

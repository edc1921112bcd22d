// SPDX-License-Identifier: GPL-2.0-only
/*
 * An exporter whose buffers are in device memory and move: the pattern.
 *
 * Promises: an importer that cannot reach the device gets system memory; before a
 * place is given up, every fence of the dma_resv has signaled, whoever added it,
 * and nothing is written there after that; a revoked buffer stays revoked.
 *
 * Does not: bring a buffer back by itself, nor pipeline moves: it waits with the
 * dma_resv held, as an exporter without a copy engine has to.
 */
#include <linux/dma-buf-p2p.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "../../compat/dma-buf-move-notify.h"
#include "ivshmem-memory.h"

/*
 * Moving
 */

/*
 * Importers are told first, so that nobody starts new work on the old place; then
 * all work that was there before has to end. %DMA_RESV_USAGE_BOOKKEEP is all
 * fences: those of explicit clients, and what user space has imported.
 */
static long leave_place(struct ivshmem_buffer *buffer, bool interruptible)
{
	dma_resv_assert_held(&buffer->resv);
	if (buffer->dmabuf)
		dma_buf_move_notify(buffer->dmabuf);
	return dma_resv_wait_timeout(&buffer->resv, DMA_RESV_USAGE_BOOKKEEP,
				     interruptible, MAX_SCHEDULE_TIMEOUT);
}

/**
 * ivshmem_buffer_move - put a buffer elsewhere
 * @buffer: the buffer, whose dma_resv the caller holds
 * @to: %IVSHMEM_BAR or %IVSHMEM_SYSTEM
 *
 * Return: 0; on an error the buffer is where it was: -EBUSY if it is pinned,
 * -ENODEV if it is revoked, -ENOMEM, -ERESTARTSYS.
 */
int ivshmem_buffer_move(struct ivshmem_buffer *buffer, enum ivshmem_place to)
{
	struct ivshmem_store store;
	long ret;

	dma_resv_assert_held(&buffer->resv);
	if (buffer->store.place == IVSHMEM_REVOKED)
		return -ENODEV;
	if (buffer->store.place == to)
		return 0;
	if (buffer->pins)
		return -EBUSY;
	ret = ivshmem_store_get(buffer, to, &store);
	if (ret)
		return ret;
	ret = leave_place(buffer, true);
	if (ret < 0) {
		ivshmem_store_put(buffer, &store);
		return ret;
	}
	ivshmem_store_copy(buffer, &store, &buffer->store);
	swap(buffer->store, store);
	ivshmem_store_put(buffer, &store);
	buffer->first = to == IVSHMEM_BAR ? buffer->store.offsets[0] : 0;
	buffer->moves++;
	return 0;
}

/**
 * ivshmem_buffer_revoke - take the memory away for good
 * @buffer: the buffer, whose dma_resv the caller does not hold
 *
 * Fences tell that nothing is written any more. An importer's device may still
 * read ahead, and an IOMMU still lets it, until the importer has unmapped: it does
 * so soon after it was told. Not so one that knows of no moves, and has pinned the
 * buffer in system memory: that is nobody else's before the buffer is closed.
 */
void ivshmem_buffer_revoke(struct ivshmem_buffer *buffer)
{
	struct ivshmem_store store;

	dma_resv_lock(&buffer->resv, NULL);
	store = buffer->store;
	buffer->store.place = IVSHMEM_REVOKED;
	if (store.place != IVSHMEM_REVOKED)
		leave_place(buffer, false);
	if (store.place == IVSHMEM_SYSTEM)
		swap(buffer->kept, store);
	dma_resv_unlock(&buffer->resv);
	wait_event(buffer->unmapped, !READ_ONCE(buffer->bar_mappings));
	ivshmem_store_put(buffer, &store);
}

/*
 * What the importer asks for
 */

static bool reaches(struct dma_buf_attachment *attach)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;

	return dma_buf_p2p_reaches(attach, buffer->ivs->pci);
}

/* To where this importer's device can reach it. */
static int move_for(struct dma_buf_attachment *attach)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;

	if (buffer->store.place == IVSHMEM_REVOKED)
		return -ENODEV;
	/* The way does not change, but is not asked for without need. */
	if (buffer->store.place == IVSHMEM_SYSTEM || reaches(attach))
		return 0;
	return ivshmem_buffer_move(buffer, IVSHMEM_SYSTEM);
}

static int buffer_pin(struct dma_buf_attachment *attach)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;
	int ret;

	dma_resv_assert_held(&buffer->resv);
	ret = move_for(attach);
	if (!ret)
		buffer->pins++;
	return ret;
}

static void buffer_unpin(struct dma_buf_attachment *attach)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;

	dma_resv_assert_held(&buffer->resv);
	buffer->pins--;
}

static struct sg_table *map_bar(struct dma_buf_attachment *attach,
				enum dma_data_direction dir)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;
	struct pci_dev *pci = buffer->ivs->pci;
	struct dma_buf_p2p_range *ranges;
	struct sg_table *sgt;
	u64 i;

	ranges = kvmalloc_array(buffer->chunks, sizeof(*ranges), GFP_KERNEL);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < buffer->chunks; i++) {
		ranges[i].addr = pci_resource_start(pci, IVSHMEM_BAR_NUMBER) +
				 buffer->store.offsets[i];
		ranges[i].len = buffer->chunk;
	}
	sgt = dma_buf_p2p_map(attach, pci, IVSHMEM_BAR_NUMBER, ranges,
			      buffer->chunks, dir);
	kvfree(ranges);
	return sgt;
}

static struct sg_table *map_pages(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt)
		return ERR_PTR(-ENOMEM);
	ret = sg_alloc_table_from_pages(sgt, buffer->store.pages,
					buffer->chunks, 0, buffer->size,
					GFP_KERNEL);
	if (ret)
		goto free_sgt;
	ret = dma_map_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret)
		goto free_table;
	return sgt;

free_table:
	sg_free_table(sgt);
free_sgt:
	kfree(sgt);
	return ERR_PTR(ret);
}

static struct sg_table *buffer_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;
	struct sg_table *sgt;
	int ret;

	dma_resv_assert_held(&buffer->resv);
	ret = move_for(attach);
	if (ret)
		return ERR_PTR(ret);
	if (buffer->store.place == IVSHMEM_BAR)
		sgt = map_bar(attach, dir);
	else
		sgt = map_pages(attach, dir);
	if (IS_ERR(sgt))
		return sgt;
	buffer->mappings++;
	if (dma_buf_p2p_is_table(sgt))
		WRITE_ONCE(buffer->bar_mappings, buffer->bar_mappings + 1);
	return sgt;
}

/* The table may be older than the place where the buffer is now. */
static void buffer_unmap(struct dma_buf_attachment *attach,
			 struct sg_table *sgt, enum dma_data_direction dir)
{
	struct ivshmem_buffer *buffer = attach->dmabuf->priv;

	dma_resv_assert_held(&buffer->resv);
	if (dma_buf_p2p_is_table(sgt)) {
		dma_buf_p2p_unmap(attach, sgt, dir);
		WRITE_ONCE(buffer->bar_mappings, buffer->bar_mappings - 1);
		wake_up(&buffer->unmapped);
	} else {
		dma_unmap_sgtable(attach->dev, sgt, dir,
				  DMA_ATTR_SKIP_CPU_SYNC);
		sg_free_table(sgt);
		kfree(sgt);
	}
	buffer->mappings--;
}

/*
 * From the beginning to the end
 */

void ivshmem_buffer_put(struct kref *ref)
{
	struct ivshmem_buffer *buffer =
		container_of(ref, struct ivshmem_buffer, ref);
	struct ivshmem *ivs = buffer->ivs;

	ivshmem_store_put(buffer, &buffer->kept);
	dma_resv_fini(&buffer->resv);
	kfree(buffer);
	kref_put(&ivs->ref, ivshmem_free);
}

/* Who has imported a fence may have closed the buffer: the device has not ended. */
static void buffer_free(struct work_struct *work)
{
	struct ivshmem_buffer *buffer =
		container_of(work, struct ivshmem_buffer, free);
	struct ivshmem *ivs = buffer->ivs;

	dma_resv_wait_timeout(&buffer->resv, DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
	ivshmem_store_put(buffer, &buffer->store);
	spin_lock(&ivs->lock);
	list_del_init(&buffer->node);
	spin_unlock(&ivs->lock);
	kref_put(&buffer->ref, ivshmem_buffer_put);
}

static void buffer_release(struct dma_buf *dmabuf)
{
	struct ivshmem_buffer *buffer = dmabuf->priv;
	struct ivshmem *ivs = buffer->ivs;

	dma_resv_lock(&buffer->resv, NULL);
	buffer->dmabuf = NULL;
	dma_resv_unlock(&buffer->resv);

	/* Else the driver frees what is on the list. Closing waits for nobody. */
	spin_lock(&ivs->lock);
	if (!ivs->gone)
		queue_work(ivs->frees, &buffer->free);
	spin_unlock(&ivs->lock);
	kref_put(&buffer->ref, ivshmem_buffer_put);
}

static const struct dma_buf_ops buffer_ops = {
	.pin = buffer_pin,
	.unpin = buffer_unpin,
	.map_dma_buf = buffer_map,
	.unmap_dma_buf = buffer_unmap,
	.release = buffer_release,
};

/* The buffer of a dma-buf of ours, or NULL. */
struct ivshmem_buffer *ivshmem_buffer_of(struct dma_buf *dmabuf)
{
	return dmabuf->ops == &buffer_ops ? dmabuf->priv : NULL;
}

static struct ivshmem_buffer *buffer_alloc(struct ivshmem *ivs, u64 size,
					   u32 flags)
{
	struct ivshmem_buffer *buffer;
	int ret;

	buffer = kzalloc(sizeof(*buffer), GFP_KERNEL);
	if (!buffer)
		return ERR_PTR(-ENOMEM);
	buffer->ivs = ivs;
	buffer->size = size;
	buffer->chunk = flags & IVSHMEM_WHOLE ? size : IVSHMEM_CHUNK;
	buffer->chunks = size / buffer->chunk;
	buffer->pageless = flags & IVSHMEM_PAGELESS;
	buffer->pins = flags & IVSHMEM_WHOLE ? 1 : 0;
	buffer->kept.place = IVSHMEM_REVOKED;
	ret = ivshmem_store_get(buffer, IVSHMEM_BAR, &buffer->store);
	if (ret) {
		kfree(buffer);
		return ERR_PTR(ret);
	}
	buffer->first = buffer->store.offsets[0];
	kref_init(&buffer->ref);
	kref_get(&ivs->ref);
	dma_resv_init(&buffer->resv);
	init_waitqueue_head(&buffer->unmapped);
	INIT_WORK(&buffer->free, buffer_free);
	return buffer;
}

/**
 * ivshmem_buffer_create - make a buffer in the BAR
 * @ivs: the device, which the caller keeps alive
 * @size: in bytes, a multiple of the page size
 * @flags: %IVSHMEM_PAGELESS, %IVSHMEM_WHOLE
 *
 * Return: a descriptor of its dma-buf; -EINVAL, -ENOMEM, or why there is no
 * descriptor.
 */
int ivshmem_buffer_create(struct ivshmem *ivs, u64 size, u32 flags)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct ivshmem_buffer *buffer;
	struct dma_buf *dmabuf;
	int fd;

	if (!size || !IS_ALIGNED(size, IVSHMEM_CHUNK))
		return -EINVAL;
	if (size > pci_resource_len(ivs->pci, IVSHMEM_BAR_NUMBER))
		return -ENOMEM;
	buffer = buffer_alloc(ivs, size, flags);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);

	info.ops = &buffer_ops;
	info.size = size;
	info.flags = O_RDWR | O_CLOEXEC;
	info.resv = &buffer->resv;
	info.priv = buffer;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		ivshmem_store_put(buffer, &buffer->store);
		kref_put(&buffer->ref, ivshmem_buffer_put);
		return PTR_ERR(dmabuf);
	}
	buffer->dmabuf = dmabuf;
	kref_get(&buffer->ref);
	spin_lock(&ivs->lock);
	list_add(&buffer->node, &ivs->buffers);
	spin_unlock(&ivs->lock);
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an exporter of device memory needs: DMA addresses for an importer.
 *
 * Promises: an address is handed out only if the hardware carries the importer's
 * accesses from there to the BAR; nothing outside the BAR is ever mapped; the
 * table has DMA addresses and no pages.
 *
 * Does not: allocate or move memory, wait for fences, or keep a BAR alive. An
 * exporter revokes its buffers before its driver lets go of the device.
 */
#include <linux/dma-buf.h>
#include <linux/dma-buf-p2p.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/pci-p2pdma.h>

#include "dma-buf-p2p-entries.h"
#include "dma-buf-p2p-map.h"

/**
 * dma_buf_p2p_init - prepare a device whose memory is to be exported
 * @provider: the device
 *
 * Call it once in the driver's probe function, which must not fail without
 * giving back what it has got by devres. Where pages of the BAR are added, do
 * that afterwards.
 *
 * Context: Process context; may sleep.
 * Return: 0, -EOPNOTSUPP if the device's BARs cannot be mapped, -ENOMEM.
 */
int dma_buf_p2p_init(struct pci_dev *provider)
{
	return p2p_init(provider);
}
EXPORT_SYMBOL_GPL(dma_buf_p2p_init);

/**
 * dma_buf_p2p_reaches - tell whether an importer can have device memory
 * @attach: an attachment
 * @provider: the device whose memory it is
 *
 * That is so if the importer has set &dma_buf_attach_ops.allow_peer2peer, and if
 * there is a way from its device to @provider's: a switch, or a host bridge that
 * is known to carry such accesses. The answer does not change while both devices
 * are bound. Where it is no, the exporter moves the buffer to system memory, or
 * refuses the attachment.
 *
 * Context: Process context.
 * Return: whether dma_buf_p2p_map() has a way.
 */
bool dma_buf_p2p_reaches(struct dma_buf_attachment *attach,
			 struct pci_dev *provider)
{
	return attach->peer2peer &&
	       pci_p2pdma_distance(provider, attach->dev, false) >= 0;
}
EXPORT_SYMBOL_GPL(dma_buf_p2p_reaches);

/**
 * dma_buf_p2p_map - DMA addresses of device memory
 * @attach: for whom
 * @provider: the device whose memory it is, see dma_buf_p2p_init()
 * @bar: which of its BARs
 * @ranges: parts of that BAR, in the order in which they make up the buffer
 * @count: how many
 * @dir: what the importer is going to do
 *
 * Below one switch these are addresses on the PCI bus; if accesses go by way of a
 * host bridge, they are what the bridge takes, which an IOMMU may translate. A
 * range may have struct pages or none; on kernels before 6.19 it must not be half
 * and half. Ranges that do not fit into the length of a scatterlist entry are
 * split.
 *
 * Context: Process context; may sleep; the caller holds the dma_resv of the
 * buffer, as it does in &dma_buf_ops.map_dma_buf.
 * Return: a table that dma_buf_p2p_unmap() takes down, or an ERR_PTR():
 * -EREMOTEIO if dma_buf_p2p_reaches() says no, -EINVAL if @bar is no memory, if a
 * range is not a part of it or is not page aligned, or if there is none, -ERANGE
 * if the addresses are beyond the importer's DMA mask, -EOVERFLOW if they are too
 * many, -EIO or -ENOMEM if the IOMMU does not map them, -ENOMEM.
 */
struct sg_table *dma_buf_p2p_map(struct dma_buf_attachment *attach,
				 struct pci_dev *provider, int bar,
				 const struct dma_buf_p2p_range *ranges,
				 unsigned int count,
				 enum dma_data_direction dir)
{
	struct sg_table *sgt;
	unsigned int i;
	u64 size = 0;

	dma_resv_assert_held(attach->dmabuf->resv);
	if (!count || !p2p_is_memory(provider, bar))
		return ERR_PTR(-EINVAL);
	for (i = 0; i < count; i++) {
		if (!p2p_is_inside(provider, bar, &ranges[i]))
			return ERR_PTR(-EINVAL);
		if (check_add_overflow(size, ranges[i].len, &size))
			return ERR_PTR(-EOVERFLOW);
	}
	if (!dma_buf_p2p_reaches(attach, provider))
		return ERR_PTR(-EREMOTEIO);

	sgt = p2p_map(attach, provider, bar, ranges, count, dir);
	if (!IS_ERR(sgt) && !p2p_is_in_mask(sgt, dma_get_mask(attach->dev))) {
		p2p_unmap(attach, sgt, dir);
		return ERR_PTR(-ERANGE);
	}
	return sgt;
}
EXPORT_SYMBOL_GPL(dma_buf_p2p_map);

/**
 * dma_buf_p2p_unmap - take down what dma_buf_p2p_map() has set up
 * @attach: as it was there
 * @sgt: what it returned, which is freed
 * @dir: as it was there
 *
 * All accesses have to be over.
 *
 * Context: Process context; the caller holds the dma_resv of the buffer, as it
 * does in &dma_buf_ops.unmap_dma_buf.
 */
void dma_buf_p2p_unmap(struct dma_buf_attachment *attach,
		       struct sg_table *sgt, enum dma_data_direction dir)
{
	dma_resv_assert_held(attach->dmabuf->resv);
	p2p_unmap(attach, sgt, dir);
}
EXPORT_SYMBOL_GPL(dma_buf_p2p_unmap);

/* Not MODULE_IMPORT_NS(): its argument became a string in Linux 6.13. */
MODULE_INFO(import_ns, "DMA_BUF");
MODULE_DESCRIPTION("DMA addresses of device memory for other devices");
MODULE_LICENSE("GPL");

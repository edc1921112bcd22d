// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the bytes of a buffer are: in the BAR, with struct pages or without, or in
 * system memory.
 *
 * Promises: what is handed out holds zeroes.
 * Does not: know of importers or fences; who frees has waited for them.
 */
#include <linux/dma-buf-p2p.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

#include "ivshmem-memory.h"

static int bar_get(struct ivshmem_buffer *buffer, struct ivshmem_store *store)
{
	struct ivshmem *ivs = buffer->ivs;
	void *addr;

	if (buffer->pageless) {
		/* The pool counts from where the pages end, never from 0. */
		store->offset = gen_pool_alloc(ivs->pageless, buffer->size);
		if (!store->offset)
			return -ENOMEM;
	} else {
		addr = pci_alloc_p2pmem(ivs->pci, buffer->size);
		if (!addr)
			return -ENOMEM;
		store->offset = pci_p2pmem_virt_to_bus(ivs->pci, addr) -
				pci_bus_address(ivs->pci, IVSHMEM_BAR_NUMBER);
	}
	memset_io(ivs->bar + store->offset, 0, buffer->size);
	return 0;
}

static void bar_put(struct ivshmem_buffer *buffer, struct ivshmem_store *store)
{
	struct ivshmem *ivs = buffer->ivs;
	phys_addr_t addr;

	if (buffer->pageless) {
		gen_pool_free(ivs->pageless, store->offset, buffer->size);
		return;
	}
	addr = pci_resource_start(ivs->pci, IVSHMEM_BAR_NUMBER) + store->offset;
	pci_free_p2pmem(ivs->pci, page_address(pfn_to_page(PHYS_PFN(addr))),
			buffer->size);
}

static void pages_put(struct ivshmem_buffer *buffer, struct page **pages)
{
	u64 i;

	for (i = 0; i < buffer->size >> PAGE_SHIFT && pages[i]; i++)
		__free_page(pages[i]);
	kvfree(pages);
}

static int pages_get(struct ivshmem_buffer *buffer, struct ivshmem_store *store)
{
	u64 count = buffer->size >> PAGE_SHIFT, i;

	store->pages = kvcalloc(count, sizeof(*store->pages), GFP_KERNEL);
	if (!store->pages)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		store->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!store->pages[i]) {
			pages_put(buffer, store->pages);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Room for the whole buffer; -ENOMEM. */
int ivshmem_store_get(struct ivshmem_buffer *buffer, enum ivshmem_place place,
		      struct ivshmem_store *store)
{
	store->place = place;
	switch (place) {
	case IVSHMEM_BAR:
		return bar_get(buffer, store);
	case IVSHMEM_SYSTEM:
		return pages_get(buffer, store);
	default:
		return 0;
	}
}

void ivshmem_store_put(struct ivshmem_buffer *buffer,
		       struct ivshmem_store *store)
{
	if (store->place == IVSHMEM_BAR)
		bar_put(buffer, store);
	else if (store->place == IVSHMEM_SYSTEM)
		pages_put(buffer, store->pages);
	store->place = IVSHMEM_REVOKED;
}

static void access_store(struct ivshmem_buffer *buffer,
			 const struct ivshmem_store *store, void *data,
			 u64 offset, size_t len, bool write)
{
	void __iomem *io = buffer->ivs->bar + store->offset + offset;
	size_t part;
	void *page;

	if (store->place == IVSHMEM_BAR && write)
		return (void)memcpy_toio(io, data, len);
	if (store->place == IVSHMEM_BAR)
		return memcpy_fromio(data, io, len);
	if (store->place != IVSHMEM_SYSTEM)
		return;
	for (; len; len -= part, offset += part, data += part) {
		part = min_t(size_t, len, PAGE_SIZE - offset_in_page(offset));
		page = page_address(store->pages[offset >> PAGE_SHIFT]) +
		       offset_in_page(offset);
		memcpy(write ? page : data, write ? data : page, part);
	}
}

/* The CPU reads or writes the buffer; the caller has checked the range. */
void ivshmem_store_access(struct ivshmem_buffer *buffer, void *data, u64 offset,
			  size_t len, bool write)
{
	access_store(buffer, &buffer->store, data, offset, len, write);
}

/* One of the two is system memory. */
void ivshmem_store_copy(struct ivshmem_buffer *buffer,
			const struct ivshmem_store *to,
			const struct ivshmem_store *from)
{
	bool out = to->place == IVSHMEM_SYSTEM;
	struct page **pages = out ? to->pages : from->pages;
	u64 i;

	for (i = 0; i < buffer->size >> PAGE_SHIFT; i++)
		access_store(buffer, out ? from : to, page_address(pages[i]),
			     i << PAGE_SHIFT, PAGE_SIZE, !out);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the bytes of a buffer are: in the BAR, with struct pages or without, or in
 * system memory.
 *
 * Promises: what is handed out holds zeroes, unless it is one piece of any size.
 * Does not: know of importers or fences; who frees has waited for them.
 */
#include <linux/dma-buf-p2p.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pci-p2pdma.h>
#include <linux/slab.h>

#include "ivshmem-memory.h"

/* A chunk of the BAR: its offset. */
static int chunk_get(struct ivshmem_buffer *buffer, u64 *offset)
{
	struct ivshmem *ivs = buffer->ivs;
	void *addr;

	if (buffer->pageless) {
		/* The pool counts from where the pages end: 0 is none. */
		*offset = gen_pool_alloc(ivs->pageless, buffer->chunk);
		if (!*offset)
			return -ENOMEM;
	} else {
		addr = pci_alloc_p2pmem(ivs->pci, buffer->chunk);
		if (!addr)
			return -ENOMEM;
		*offset = pci_p2pmem_virt_to_bus(ivs->pci, addr) -
			  pci_bus_address(ivs->pci, IVSHMEM_BAR_NUMBER);
	}
	if (buffer->chunk == IVSHMEM_CHUNK)
		memset_io(ivs->bar + *offset, 0, IVSHMEM_CHUNK);
	return 0;
}

static void chunk_put(struct ivshmem_buffer *buffer, u64 offset)
{
	struct ivshmem *ivs = buffer->ivs;
	phys_addr_t addr;

	if (buffer->pageless) {
		gen_pool_free(ivs->pageless, offset, buffer->chunk);
		return;
	}
	addr = pci_resource_start(ivs->pci, IVSHMEM_BAR_NUMBER) + offset;
	pci_free_p2pmem(ivs->pci, page_address(pfn_to_page(PHYS_PFN(addr))),
			buffer->chunk);
}

/* Chunks from number @i on are there. */
static void bar_put(struct ivshmem_buffer *buffer, u64 *offsets, u64 i)
{
	for (; i < buffer->chunks; i++)
		chunk_put(buffer, offsets[i]);
	kvfree(offsets);
}

static int bar_get(struct ivshmem_buffer *buffer, struct ivshmem_store *store)
{
	u64 i;

	store->offsets = kvcalloc(buffer->chunks, sizeof(*store->offsets),
				  GFP_KERNEL);
	if (!store->offsets)
		return -ENOMEM;
	/* The last one first: neighbours in a buffer are none in the BAR. */
	for (i = buffer->chunks; i; i--) {
		if (chunk_get(buffer, &store->offsets[i - 1])) {
			bar_put(buffer, store->offsets, i);
			return -ENOMEM;
		}
	}
	return 0;
}

static void pages_put(struct ivshmem_buffer *buffer, struct page **pages)
{
	u64 i;

	for (i = 0; i < buffer->chunks; i++)
		if (pages[i])
			__free_page(pages[i]);
	kvfree(pages);
}

static int pages_get(struct ivshmem_buffer *buffer, struct ivshmem_store *store)
{
	u64 i;

	store->pages = kvcalloc(buffer->chunks, sizeof(*store->pages),
				GFP_KERNEL);
	if (!store->pages)
		return -ENOMEM;
	for (i = 0; i < buffer->chunks; i++) {
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
		bar_put(buffer, store->offsets, 0);
	else if (store->place == IVSHMEM_SYSTEM)
		pages_put(buffer, store->pages);
	store->place = IVSHMEM_REVOKED;
}

/* A part of one chunk. */
static void access_chunk(struct ivshmem_buffer *buffer,
			 const struct ivshmem_store *store, void *data,
			 u64 offset, size_t len, bool write)
{
	u64 i = offset / buffer->chunk, in = offset % buffer->chunk;
	void *page;

	if (store->place == IVSHMEM_BAR && write) {
		memcpy_toio(buffer->ivs->bar + store->offsets[i] + in, data,
			    len);
	} else if (store->place == IVSHMEM_BAR) {
		memcpy_fromio(data, buffer->ivs->bar + store->offsets[i] + in,
			      len);
	} else if (store->place == IVSHMEM_SYSTEM) {
		page = page_address(store->pages[i]) + in;
		memcpy(write ? page : data, write ? data : page, len);
	}
}

/* The CPU reads or writes the buffer; the caller has checked the range. */
void ivshmem_store_access(struct ivshmem_buffer *buffer, void *data, u64 offset,
			  size_t len, bool write)
{
	size_t part;

	for (; len; len -= part, offset += part, data += part) {
		part = min_t(u64, len, buffer->chunk - offset % buffer->chunk);
		access_chunk(buffer, &buffer->store, data, offset, part, write);
	}
}

/* One of the two is system memory. */
void ivshmem_store_copy(struct ivshmem_buffer *buffer,
			const struct ivshmem_store *to,
			const struct ivshmem_store *from)
{
	bool out = to->place == IVSHMEM_SYSTEM;
	struct page **pages = out ? to->pages : from->pages;
	u64 i;

	for (i = 0; i < buffer->chunks; i++)
		access_chunk(buffer, out ? from : to, page_address(pages[i]),
			     i * IVSHMEM_CHUNK, IVSHMEM_CHUNK, !out);
}

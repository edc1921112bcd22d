/* SPDX-License-Identifier: GPL-2.0-only */
/* What udmabuf.c sees of a kernel that exports less than it wants. */

/* Functions for huge pages are not for modules, and no test has such pages. */
#undef CONFIG_HUGETLBFS
#undef CONFIG_HUGETLB_PAGE

#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/shmem_fs.h>

/* Where there is no DMA, nothing can map the pages, and nothing has to. */
#ifndef CONFIG_HAS_DMA
#define dma_coerce_mask_and_coherent(dev, mask)	((void)(dev), (void)(mask), 0)
#define dma_map_sgtable(dev, sgt, dir, attrs) \
	((void)(dev), (void)(sgt), (void)(dir), (void)(attrs), 0)
#endif

#define memfd_fcntl		udmabuf_memfd_fcntl
#define shmem_mapping(mapping) \
	((mapping)->host->i_sb->s_magic == TMPFS_MAGIC)

/* SPDX-License-Identifier: GPL-2.0-only */
/* What udmabuf.c sees of a kernel that exports less than it wants. */

/* Functions for huge pages are not for modules, and no test has such pages. */
#undef CONFIG_HUGETLBFS
#undef CONFIG_HUGETLB_PAGE

#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/shmem_fs.h>

#define memfd_fcntl		udmabuf_memfd_fcntl
#define shmem_mapping(mapping) \
	((mapping)->host->i_sb->s_magic == TMPFS_MAGIC)

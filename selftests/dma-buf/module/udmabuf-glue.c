// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own udmabuf.c becomes a module for kernels that were built
 * without CONFIG_UDMABUF. What they lack for that is here.
 */

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/memfd.h>
#include <linux/module.h>
#include <linux/shmem_fs.h>

/* udmabuf asks for the seals of a memfd. */
long memfd_fcntl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd != F_GET_SEALS || !shmem_mapping(file->f_mapping))
		return -EINVAL;
	return SHMEM_I(file_inode(file))->seals;
}

MODULE_DESCRIPTION("udmabuf of the kernel's source, as a module");
MODULE_INFO(import_ns, "DMA_BUF");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sync-file ioctls of a dma-buf
 *
 * Promises: the numbers, structures and errno values of Linux 6.0; a failed
 * call leaves no file descriptor behind.
 *
 * Does not: know how fences are stored or merged. Needs no attachment, no
 * mapping and no pin, so the memory behind the buffer does not matter.
 */

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include <uapi/linux/dma-buf.h>

#include "dma-buf-sync-file.h"

/* A sync_file that waits for what @usage has to wait for. */
static struct sync_file *sync_file_from_resv(struct dma_resv *resv,
					     enum dma_resv_usage usage)
{
	struct sync_file *sync_file;
	struct dma_fence *fence;

	fence = dma_resv_export_fence(resv, usage);
	if (IS_ERR(fence))
		return ERR_CAST(fence);

	sync_file = sync_file_create(fence);
	dma_fence_put(fence);
	return sync_file ?: ERR_PTR(-ENOMEM);
}

static long export_sync_file(struct dma_buf *dmabuf, void __user *user_arg)
{
	struct dma_buf_export_sync_file arg;
	struct sync_file *sync_file;
	int fd, ret;

	if (copy_from_user(&arg, user_arg, sizeof(arg)))
		return -EFAULT;
	if (!dma_buf_sync_flags_valid(arg.flags))
		return -EINVAL;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;

	sync_file = sync_file_from_resv(dmabuf->resv,
					dma_resv_usage_rw(arg.flags &
							  DMA_BUF_SYNC_WRITE));
	if (IS_ERR(sync_file)) {
		ret = PTR_ERR(sync_file);
		goto err_fd;
	}

	arg.fd = fd;
	if (copy_to_user(user_arg, &arg, sizeof(arg))) {
		ret = -EFAULT;
		goto err_file;
	}

	fd_install(fd, sync_file->file);
	return 0;

err_file:
	fput(sync_file->file);
err_fd:
	put_unused_fd(fd);
	return ret;
}

static long import_sync_file(struct dma_buf *dmabuf, void __user *user_arg)
{
	struct dma_buf_import_sync_file arg;
	struct dma_fence *fence;
	int ret;

	if (copy_from_user(&arg, user_arg, sizeof(arg)))
		return -EFAULT;
	if (!dma_buf_sync_flags_valid(arg.flags))
		return -EINVAL;

	fence = sync_file_get_fence(arg.fd);
	if (!fence)
		return -EINVAL;

	ret = dma_resv_import_fence(dmabuf->resv, fence,
				    arg.flags & DMA_BUF_SYNC_WRITE ?
				    DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ);
	dma_fence_put(fence);
	return ret;
}

/**
 * dma_buf_sync_file_ioctl - serve one of the sync-file ioctls of a dma-buf
 * @dmabuf: the buffer, on which the caller holds a reference
 * @cmd: the ioctl command
 * @arg: the user's argument; the same for 32 and 64 bit callers
 *
 * Context: process; may sleep, takes the lock of the buffer's reservation
 * object.
 *
 * Return: 0, or the error that user space gets: -EFAULT for memory that cannot
 * be read or written; -EINVAL for flags other than READ, WRITE or both, or for
 * an import of what is no sync_file; -EMFILE without a free descriptor;
 * -ENOMEM; -EINTR for a caller that was killed; what dma_buf_sync_many_ioctl()
 * returns for any other command.
 */
long dma_buf_sync_file_ioctl(struct dma_buf *dmabuf, unsigned int cmd,
			     void __user *arg)
{
	switch (cmd) {
	case DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
		return export_sync_file(dmabuf, arg);
	case DMA_BUF_IOCTL_IMPORT_SYNC_FILE:
		return import_sync_file(dmabuf, arg);
	default:
		return dma_buf_sync_many_ioctl(dmabuf, cmd, arg);
	}
}

/* Also where this is built in: /sys/module/dma_resv_export/version tells. */
MODULE_VERSION("0.1.0");

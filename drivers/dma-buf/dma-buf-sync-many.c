// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls for many dma-bufs at once
 *
 * Promises: an import goes into every buffer or into none; a failed call leaves
 * no file descriptor behind and tells which entry it failed at.
 *
 * Does not: know how fences are stored, merged or locked.
 */

#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "compat/dma-fence-deadline.h"
#include "dma-buf-sync-file.h"
#include "dma-resv-list.h"

#define ENTRIES_MAX	1024

/* Entries that are read at a time, where they are not kept. */
#define ENTRIES_BATCH	16

/* The structures as they were first. */
#define QUERY_SIZE_MIN	16
#define MANY_SIZE_MIN	40

static_assert(sizeof(struct dma_buf_sync_query) == QUERY_SIZE_MIN);
static_assert(sizeof(struct dma_buf_sync_many) == MANY_SIZE_MIN);

static const struct dma_buf_sync_entry __user *
many_entries(const struct dma_buf_sync_many *arg)
{
	return u64_to_user_ptr(arg->entries);
}

/* The buffer of an entry, with a reference, if the entry is good. */
static struct dma_buf *entry_get(const struct dma_buf_sync_entry *entry)
{
	if (!dma_buf_sync_flags_valid(entry->flags))
		return ERR_PTR(-EINVAL);
	return dma_buf_get(entry->dmabuf);
}

/* Collect what all buffers wait for. After an error, @arg->failed is set. */
static int many_collect(struct dma_buf_sync_many *arg,
			struct dma_fence_set *set)
{
	struct dma_buf_sync_entry batch[ENTRIES_BATCH] __uninitialized;
	unsigned int i, count;
	int ret;

	for (arg->failed = 0; arg->failed < arg->count; arg->failed++) {
		struct dma_buf_sync_entry *entry;
		struct dma_buf *dmabuf;

		i = arg->failed % ENTRIES_BATCH;
		count = min_t(unsigned int, ENTRIES_BATCH,
			      arg->count - arg->failed);
		if (!i && copy_from_user(batch,
					 many_entries(arg) + arg->failed,
					 count * sizeof(*batch))) {
			arg->failed = arg->count;
			return -EFAULT;
		}

		/* Each buffer may carry many fences, and come often. */
		cond_resched();
		if (fatal_signal_pending(current))
			return -EINTR;

		entry = &batch[i];
		dmabuf = entry_get(entry);
		if (IS_ERR(dmabuf))
			return PTR_ERR(dmabuf);
		ret = dma_resv_export_add(dmabuf->resv,
					  dma_resv_usage_rw(entry->flags &
							    DMA_BUF_SYNC_WRITE),
					  set);
		dma_buf_put(dmabuf);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * A sync_file of all fences of @set, which is emptied, with the deadline of @arg.
 * NULL if there are none and @arg asks for none.
 */
static struct sync_file *many_sync_file(struct dma_buf_sync_many *arg,
					struct dma_fence_set *set)
{
	struct sync_file *sync_file;
	struct dma_fence *fence;

	if (!set->count && (arg->flags & DMA_BUF_SYNC_MANY_NO_IDLE_FD))
		return NULL;

	if (set->count && (arg->flags & DMA_BUF_SYNC_MANY_DEADLINE) &&
	    !compat_dma_fence_has_deadline())
		arg->answer = DMA_BUF_SYNC_MANY_NO_DEADLINE;
	fence = dma_fence_set_merge(set);
	if (IS_ERR(fence))
		return ERR_CAST(fence);
	if (arg->flags & DMA_BUF_SYNC_MANY_DEADLINE)
		compat_dma_fence_set_deadline(fence,
					      ns_to_ktime(arg->deadline_ns));
	sync_file = sync_file_create(fence);
	dma_fence_put(fence);
	return sync_file ?: ERR_PTR(-ENOMEM);
}

/* Give user space @arg, and with it @sync_file, which may be NULL. */
static int many_answer(void __user *user, size_t size,
		       struct dma_buf_sync_many *arg,
		       struct sync_file *sync_file)
{
	int fd = -1;

	if (sync_file) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0) {
			fput(sync_file->file);
			return fd;
		}
	}

	arg->export_fd = fd;
	if (copy_to_user(user, arg, size)) {
		if (sync_file) {
			put_unused_fd(fd);
			fput(sync_file->file);
		}
		return -EFAULT;
	}
	if (sync_file)
		fd_install(fd, sync_file->file);
	return 0;
}

static int export_many(struct dma_buf_sync_many *arg, void __user *user,
		       size_t size)
{
	struct dma_fence_set set __uninitialized;
	struct sync_file *sync_file;
	int ret;

	if (arg->import_fd)
		return -EINVAL;

	dma_fence_set_init(&set);
	ret = many_collect(arg, &set);
	sync_file = ret ? ERR_PTR(ret) : many_sync_file(arg, &set);
	dma_fence_set_fini(&set);
	if (IS_ERR(sync_file))
		return PTR_ERR(sync_file);
	return many_answer(user, size, arg, sync_file);
}

/* Buffers with a reference on each, and what becomes of them. */
struct targets {
	struct dma_buf **dmabufs;
	struct dma_resv_many_entry *entries;
	unsigned int count;
};

static void targets_put(struct targets *targets)
{
	while (targets->count)
		dma_buf_put(targets->dmabufs[--targets->count]);
	kvfree(targets->entries);
}

/* After an error there is nothing to put, and @arg->failed is set. */
static int targets_get(struct targets *targets, struct dma_buf_sync_many *arg)
{
	struct dma_buf_sync_entry *batch;
	size_t each = sizeof(*targets->entries) + sizeof(*targets->dmabufs) +
		      sizeof(*batch);
	unsigned int i;
	int ret = 0;

	targets->count = 0;
	targets->entries = kvmalloc_array(arg->count, each, GFP_KERNEL_ACCOUNT);
	if (!targets->entries)
		return -ENOMEM;
	targets->dmabufs = (void *)(targets->entries + arg->count);
	batch = (void *)(targets->dmabufs + arg->count);
	if (copy_from_user(batch, many_entries(arg),
			   arg->count * sizeof(*batch)))
		ret = -EFAULT;

	for (i = 0; i < arg->count && !ret; i++) {
		struct dma_buf *dmabuf = entry_get(&batch[i]);

		if (IS_ERR(dmabuf)) {
			arg->failed = i;
			ret = PTR_ERR(dmabuf);
			break;
		}
		targets->dmabufs[targets->count++] = dmabuf;
		targets->entries[i].resv = dmabuf->resv;
		targets->entries[i].usage = batch[i].flags & DMA_BUF_SYNC_WRITE ?
			DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ;
	}
	if (ret)
		targets_put(targets);
	return ret;
}

/*
 * Import, and export before it if @out is given. What can fail comes first, all
 * of it: the commit is the last step.
 */
static int targets_import(struct targets *targets,
			  struct dma_buf_sync_many *arg,
			  struct dma_fence *fence, struct sync_file **out)
{
	struct dma_resv_many many __uninitialized;
	struct dma_fence_set set __uninitialized;
	int ret;

	ret = dma_resv_many_lock(&many, targets->entries, targets->count,
				 fence);
	if (ret)
		goto out;

	if (out) {
		dma_fence_set_init(&set);
		ret = dma_resv_many_export(&many, &set);
		*out = ret ? NULL : many_sync_file(arg, &set);
		dma_fence_set_fini(&set);
		if (IS_ERR(*out))
			ret = PTR_ERR(*out);
	}
	if (!ret)
		dma_resv_many_commit(&many);
	dma_resv_many_unlock(&many);
out:
	if (ret)
		arg->failed = many.failed;
	return ret;
}

static int import_many(struct dma_buf_sync_many *arg)
{
	struct targets targets;
	struct dma_fence *fence;
	int ret;

	if (arg->flags)
		return -EINVAL;
	fence = sync_file_get_fence(arg->import_fd);
	if (!fence)
		return -EINVAL;

	ret = targets_get(&targets, arg);
	if (!ret) {
		ret = targets_import(&targets, arg, fence, NULL);
		targets_put(&targets);
	}
	dma_fence_put(fence);
	return ret;
}

/*
 * User space must have the descriptor before the fence is left behind: after
 * that nothing may fail, and before that the file does not exist. So the number
 * is reserved and told first.
 */
static int exchange(struct dma_buf_sync_many *arg, void __user *user,
		    size_t size)
{
	struct sync_file *sync_file = NULL;
	struct targets targets;
	struct dma_fence *fence;
	int fd, ret;

	fence = sync_file_get_fence(arg->import_fd);
	if (!fence)
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto out_fence;
	}
	arg->export_fd = fd;
	if (copy_to_user(user, arg, size)) {
		ret = -EFAULT;
		goto out_fd;
	}

	ret = targets_get(&targets, arg);
	if (ret)
		goto out_fd;
	ret = targets_import(&targets, arg, fence, &sync_file);
	targets_put(&targets);
	if (ret)
		goto out_fd;

	if (sync_file) {
		fd_install(fd, sync_file->file);
		fd = -1;
	} else {
		arg->export_fd = -1;
	}
	/* It could be written a moment ago; who unmaps it meanwhile is alone. */
	if ((!sync_file || arg->answer) && copy_to_user(user, arg, size))
		ret = -EFAULT;
out_fd:
	if (fd >= 0)
		put_unused_fd(fd);
out_fence:
	dma_fence_put(fence);
	return ret;
}

static int sync_query(void __user *user, size_t size)
{
	struct dma_buf_sync_query arg = {
		.features = DMA_BUF_SYNC_FEATURE_EXPORT_MANY |
			    DMA_BUF_SYNC_FEATURE_IMPORT_MANY |
			    DMA_BUF_SYNC_FEATURE_EXCHANGE,
		.entries_max = ENTRIES_MAX,
		.fences_max = DMA_RESV_LIST_MAX,
	};

	if (size < QUERY_SIZE_MIN)
		return -EINVAL;
	if (compat_dma_fence_has_deadline())
		arg.features |= DMA_BUF_SYNC_FEATURE_DEADLINE;
	/* What is not known here is answered with 0. */
	if (copy_to_user(user, &arg, sizeof(arg)) ||
	    clear_user(user + sizeof(arg), size - sizeof(arg)))
		return -EFAULT;
	return 0;
}

static int many_check(const struct dma_buf_sync_many *arg)
{
	if (!arg->count ||
	    (arg->flags & ~(DMA_BUF_SYNC_MANY_NO_IDLE_FD |
			    DMA_BUF_SYNC_MANY_DEADLINE)) ||
	    (arg->deadline_ns && !(arg->flags & DMA_BUF_SYNC_MANY_DEADLINE)))
		return -EINVAL;
	return arg->count > ENTRIES_MAX ? -E2BIG : 0;
}

/**
 * dma_buf_sync_many_ioctl - serve one of the ioctls for many dma-bufs
 * @cmd: the ioctl command
 * @user: the user's argument; the same for 32 and 64 bit callers
 *
 * Context: process; may sleep, takes the locks of the buffers' reservation
 * objects.
 *
 * Return: 0, or the error that user space gets: -EINVAL for no entries, for
 * flags that are not known or fields that have no meaning in this call, for an
 * entry that has flags other than READ, WRITE or both, or is no dma-buf, or for
 * an import of what is no sync_file; -E2BIG for too many entries, or for a
 * larger structure with what is not known; -EBADF for an entry that is no file;
 * -EFAULT for memory that cannot be read or written; -EMFILE without a free
 * descriptor; -ENOMEM; -EINTR after a signal; -ENOTTY for any other command.
 */
long dma_buf_sync_many_ioctl(unsigned int cmd, void __user *user)
{
	struct dma_buf_sync_many arg;
	size_t size = _IOC_SIZE(cmd);
	int ret;

	if (!dma_buf_sync_file_serves(cmd))
		return -ENOTTY;
	if (_IOC_NR(cmd) == _IOC_NR(DMA_BUF_IOCTL_SYNC_QUERY))
		return sync_query(user, size);

	if (size < MANY_SIZE_MIN)
		return -EINVAL;
	ret = copy_struct_from_user(&arg, sizeof(arg), user, size);
	if (ret)
		return ret;
	size = sizeof(arg);

	arg.export_fd = -1;
	arg.failed = arg.count;
	arg.answer = 0;
	ret = many_check(&arg);
	if (ret)
		goto failed;
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(DMA_BUF_IOCTL_EXPORT_MANY):
		ret = export_many(&arg, user, size);
		break;
	case _IOC_NR(DMA_BUF_IOCTL_IMPORT_MANY):
		ret = import_many(&arg);
		break;
	case _IOC_NR(DMA_BUF_IOCTL_EXCHANGE):
		ret = exchange(&arg, user, size);
		break;
	}
	if (!ret)
		return 0;

failed:
	/* For what it is worth: the error is the answer. */
	arg.export_fd = -1;
	if (copy_to_user(user, &arg, size))
		return -EFAULT;
	return ret;
}

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
#include "compat/file-descriptor.h"
#include "dma-buf-sync-file.h"
#include "dma-resv-store.h"

#define ENTRIES_MAX	1024

/* Entries that are read at a time. */
#define ENTRIES_BATCH	32

/* So many buffers take no memory but the stack. */
#define TARGETS_INLINE	32

/* The structures as they were first. */
#define QUERY_SIZE_MIN	16
#define MANY_SIZE_MIN	40

static_assert(sizeof(struct dma_buf_sync_query) == QUERY_SIZE_MIN);
static_assert(sizeof(struct dma_buf_sync_many) == MANY_SIZE_MIN);

/* Entries of a call, read from user space as they are needed. */
struct batch {
	struct dma_buf_sync_entry entries[ENTRIES_BATCH];
	unsigned int count;
};

/* Those that come after the first @done: 0; -EFAULT, which is about none. */
static int batch_read(struct batch *batch, struct dma_buf_sync_many *arg,
		      unsigned int done)
{
	const struct dma_buf_sync_entry __user *user =
		u64_to_user_ptr(arg->entries);

	batch->count = min_t(unsigned int, ENTRIES_BATCH, arg->count - done);
	if (!copy_from_user(batch->entries, user + done,
			    batch->count * sizeof(*user)))
		return 0;
	arg->failed = arg->count;
	return -EFAULT;
}

/*
 * Get the buffer of an entry, if the entry is good: it stays until fdput(). All
 * dma-bufs have the same operations, @fops, and no other file has them.
 */
static __always_inline int entry_get(const struct dma_buf_sync_entry *entry,
				     const struct file_operations *fops,
				     struct fd *fd)
{
	if (!dma_buf_sync_flags_valid(entry->flags))
		return -EINVAL;
	*fd = fdget(entry->dmabuf);
	if (!fd_file(*fd))
		return -EBADF;
	if (fd_file(*fd)->f_op == fops)
		return 0;
	fdput(*fd);
	return -EINVAL;
}

static struct dma_resv *fd_resv(struct fd fd)
{
	struct dma_buf *dmabuf = fd_file(fd)->private_data;

	return dmabuf->resv;
}

/* What the buffer of an entry waits for. */
static int entry_collect(const struct dma_buf_sync_entry *entry,
			 const struct file_operations *fops,
			 struct dma_fence_set *set)
{
	struct fd fd;
	int ret;

	/* Each buffer may carry many fences, and come often. */
	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;

	ret = entry_get(entry, fops, &fd);
	if (ret)
		return ret;
	ret = dma_resv_export_add(fd_resv(fd),
				  dma_resv_usage_rw(entry->flags &
						    DMA_BUF_SYNC_WRITE), set);
	fdput(fd);
	return ret;
}

/* Collect what all buffers wait for. After an error, @arg->failed is set. */
static int many_collect(struct dma_buf_sync_many *arg,
			const struct dma_buf *vehicle,
			struct dma_fence_set *set)
{
	struct batch batch __uninitialized;
	unsigned int i, done;
	int ret;

	for (done = 0; done < arg->count; done += batch.count) {
		ret = batch_read(&batch, arg, done);
		if (ret)
			return ret;
		for (i = 0; i < batch.count; i++) {
			ret = entry_collect(&batch.entries[i],
					    vehicle->file->f_op, set);
			if (!ret)
				continue;
			arg->failed = done + i;
			return ret;
		}
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

	if (!dma_fence_set_count(set) &&
	    (arg->flags & DMA_BUF_SYNC_MANY_NO_IDLE_FD))
		return NULL;

	if (dma_fence_set_count(set) &&
	    (arg->flags & DMA_BUF_SYNC_MANY_DEADLINE) &&
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

static int export_many(struct dma_buf_sync_many *arg,
		       const struct dma_buf *vehicle, void __user *user,
		       size_t size)
{
	struct dma_fence_set set __uninitialized;
	struct sync_file *sync_file;
	int ret;

	if (arg->import_fd)
		return -EINVAL;

	dma_fence_set_init(&set);
	ret = many_collect(arg, vehicle, &set);
	sync_file = ret ? ERR_PTR(ret) : many_sync_file(arg, &set);
	dma_fence_set_fini(&set);
	if (IS_ERR(sync_file))
		return PTR_ERR(sync_file);
	return many_answer(user, size, arg, sync_file);
}

/* Buffers that stay, and what becomes of them. */
struct targets {
	struct dma_resv_many_entry *entries;
	struct fd *fds;
	unsigned int count;
	struct dma_resv_many_entry few_entries[TARGETS_INLINE];
	struct fd few_fds[TARGETS_INLINE];
};

static void targets_put(struct targets *targets)
{
	struct fd *fd = targets->fds + targets->count;

	while (fd > targets->fds)
		fdput(*--fd);
	if (targets->entries != targets->few_entries)
		kvfree(targets->entries);
}

static int targets_alloc(struct targets *targets, unsigned int count)
{
	targets->count = 0;
	targets->entries = targets->few_entries;
	targets->fds = targets->few_fds;
	if (count <= TARGETS_INLINE)
		return 0;
	targets->entries = kvmalloc_array(count, sizeof(*targets->entries) +
						 sizeof(*targets->fds),
					  GFP_KERNEL_ACCOUNT);
	if (!targets->entries)
		return -ENOMEM;
	targets->fds = (void *)(targets->entries + count);
	return 0;
}

/* Add the buffers of @batch, up to the first that is not good. */
static int targets_add(struct targets *targets, const struct batch *batch,
		       const struct file_operations *fops)
{
	struct dma_resv_many_entry *target = targets->entries + targets->count;
	struct fd *fd = targets->fds + targets->count;
	const struct dma_buf_sync_entry *entry = batch->entries;
	const struct dma_buf_sync_entry *end = entry + batch->count;
	int ret = 0;

	for (; entry < end; entry++, fd++, target++) {
		ret = entry_get(entry, fops, fd);
		if (ret)
			break;
		*target = (struct dma_resv_many_entry) {
			.resv = fd_resv(*fd),
			.usage = entry->flags & DMA_BUF_SYNC_WRITE ?
				 DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ,
		};
	}
	targets->count = target - targets->entries;
	return ret;
}

/* After an error there is nothing to put, and @arg->failed is set. */
static int targets_get(struct targets *targets, struct dma_buf_sync_many *arg,
		       const struct dma_buf *vehicle)
{
	struct batch batch __uninitialized;
	int ret;

	ret = targets_alloc(targets, arg->count);
	while (!ret && targets->count < arg->count) {
		ret = batch_read(&batch, arg, targets->count);
		if (ret)
			break;
		ret = targets_add(targets, &batch, vehicle->file->f_op);
		if (ret)
			arg->failed = targets->count;
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
	if (ret) {
		dma_resv_many_cancel(&many);
		goto out;
	}
	dma_resv_many_commit(&many);
	dma_resv_many_end(&many);
out:
	if (ret)
		arg->failed = many.failed;
	return ret;
}

static int import_many(struct dma_buf_sync_many *arg,
		       const struct dma_buf *vehicle)
{
	struct targets targets __uninitialized;
	struct dma_fence *fence;
	int ret;

	if (arg->flags)
		return -EINVAL;
	fence = sync_file_get_fence(arg->import_fd);
	if (!fence)
		return -EINVAL;

	ret = targets_get(&targets, arg, vehicle);
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
static int exchange(struct dma_buf_sync_many *arg,
		    const struct dma_buf *vehicle, void __user *user,
		    size_t size)
{
	struct targets targets __uninitialized;
	struct sync_file *sync_file = NULL;
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

	ret = targets_get(&targets, arg, vehicle);
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
 * @dmabuf: the buffer that the call came on, which may be any
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
long dma_buf_sync_many_ioctl(struct dma_buf *dmabuf, unsigned int cmd,
			     void __user *user)
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
		ret = export_many(&arg, dmabuf, user, size);
		break;
	case _IOC_NR(DMA_BUF_IOCTL_IMPORT_MANY):
		ret = import_many(&arg, dmabuf);
		break;
	case _IOC_NR(DMA_BUF_IOCTL_EXCHANGE):
		ret = exchange(&arg, dmabuf, user, size);
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

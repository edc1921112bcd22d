// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/dma_resv_test: play the driver in a test
 *
 * Uses the kernel's public functions only, so it works alike with and without
 * dma_resv_export.ko.
 */

#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "dma-resv-test.h"

#if __has_include("linux/dma-fence-unwrap.h")
#include <linux/dma-fence-unwrap.h>
#else
#include "legacy.h"
#endif

#define TEST_SYNC_FILES_MAX	1024
/* Whether an array signals with its first fence was an argument once. */
typedef struct dma_fence_array *create_fn(int, struct dma_fence **, u64,
					  unsigned int);
typedef struct dma_fence_array *create_any_fn(int, struct dma_fence **, u64,
					      unsigned int, bool);

static struct dma_fence_array *array_create(unsigned int count,
					    struct dma_fence **fences)
{
	u64 context = dma_fence_context_alloc(1);

	if (__builtin_types_compatible_p(typeof(dma_fence_array_create),
					 create_fn))
		return ((create_fn *)dma_fence_array_create)(count, fences,
							     context, 1);
	return ((create_any_fn *)dma_fence_array_create)(count, fences,
							 context, 1, false);
}

/* Fences in each array of a crowd. */
#define TEST_ARRAY		100
#define TEST_ENTRIES_MAX	65536

static int add_fences(struct dma_resv *resv, struct dma_fence *fence,
		      enum dma_resv_usage usage)
{
	struct dma_fence_unwrap iter;
	struct dma_fence *f;
	int ret = 0;

	dma_resv_lock(resv, NULL);
	dma_fence_unwrap_for_each(f, &iter, fence) {
		ret = ret ?: dma_resv_reserve_fences(resv, 1);
		if (!ret)
			dma_resv_add_fence(resv, f, usage);
	}
	dma_resv_unlock(resv);
	return ret;
}

static long test_add(struct dma_resv_test_add *arg)
{
	struct dma_fence *fence;
	struct dma_buf *dmabuf;
	long ret;

	if (arg->usage > DMA_RESV_USAGE_BOOKKEEP)
		return -EINVAL;

	dmabuf = dma_buf_get(arg->dmabuf);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	fence = sync_file_get_fence(arg->sync_file);
	ret = fence ? add_fences(dmabuf->resv, fence, arg->usage) : -EINVAL;
	dma_fence_put(fence);
	dma_buf_put(dmabuf);
	return ret;
}

#ifdef _LEGACY_H

#define list_of		dma_resv_get_list
#define list_bytes	legacy_bytes
#define list_entries	legacy_entries
/* There is no fence that nobody waits for, and no such iterator. */
#define LIST_NEEDS_KEEPING	false

#else

#define LIST_NEEDS_KEEPING	true

/* The list is private to the kernel. */
static void *list_of(struct dma_resv *resv)
{
	return rcu_dereference_protected(resv->fences, dma_resv_held(resv));
}

/* Its allocator knows the size. */
static u64 list_bytes(struct dma_resv *resv)
{
	void *list = list_of(resv);

	return is_vmalloc_addr(list) ? ~0ULL : ksize(list);
}

/*
 * A slot without a fence holds one that signaled before anybody had it. No timeline
 * of a test counts from 0.
 */
static bool is_stub(struct dma_fence *fence, enum dma_resv_usage usage)
{
	return !fence->seqno && usage == DMA_RESV_USAGE_BOOKKEEP &&
	       dma_fence_is_signaled(fence);
}

/* Up to @room entries; returns how many there are. */
static u32 list_entries(struct dma_resv *resv,
			struct dma_resv_test_entry *entries, u32 room)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	u32 count = 0;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence) {
		if (is_stub(fence, dma_resv_iter_usage(&cursor)))
			continue;
		if (count < room)
			entries[count] = (struct dma_resv_test_entry) {
				.context = fence->context,
				.seqno = fence->seqno,
				.usage = dma_resv_iter_usage(&cursor),
				.signaled = dma_fence_is_signaled(fence),
			};
		count++;
	}
	return count;
}

#endif /* _LEGACY_H */

static long test_list(struct dma_resv_test_list *arg)
{
	struct dma_resv_test_entry *entries;
	struct dma_buf *dmabuf;
	u32 room = arg->count;
	long ret = 0;

	if (room > TEST_ENTRIES_MAX)
		return -EINVAL;
	dmabuf = dma_buf_get(arg->dmabuf);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	entries = kvcalloc(max(room, 1U), sizeof(*entries), GFP_KERNEL);
	if (!entries) {
		dma_buf_put(dmabuf);
		return -ENOMEM;
	}

	dma_resv_lock(dmabuf->resv, NULL);
	arg->count = list_entries(dmabuf->resv, entries, room);
	arg->bytes = list_bytes(dmabuf->resv);
	arg->list = (uintptr_t)list_of(dmabuf->resv);
	dma_resv_unlock(dmabuf->resv);

	/* Not under the lock, which nests inside that of the memory map. */
	if (copy_to_user(u64_to_user_ptr(arg->entries), entries,
			 min(room, arg->count) * sizeof(*entries)))
		ret = -EFAULT;
	kvfree(entries);
	dma_buf_put(dmabuf);
	return ret;
}

static long test_hold(struct dma_resv_test_hold *arg)
{
	struct dma_buf *dmabuf = dma_buf_get(arg->dmabuf);

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	dma_resv_lock(dmabuf->resv, NULL);
	msleep_interruptible(arg->ms);
	dma_resv_unlock(dmabuf->resv);
	dma_buf_put(dmabuf);
	return 0;
}

static struct dma_fence *make_array(struct dma_fence **fences, u32 count)
{
	struct dma_fence_array *array;
	struct dma_fence **copy;
	u32 i;

	copy = kmemdup(fences, count * sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return NULL;
	array = array_create(count, copy);
	if (!array) {
		kfree(copy);
		return NULL;
	}
	for (i = 0; i < count; i++)
		dma_fence_get(copy[i]);
	return &array->base;
}

static struct dma_fence *make_chain(struct dma_resv_test_chain *arg,
				    struct dma_fence **fences)
{
	struct dma_fence *head = NULL;
	u32 i;

	for (i = 0; i < arg->links; i++) {
		struct dma_fence_chain *link = dma_fence_chain_alloc();
		struct dma_fence *fence = NULL;

		if (link && arg->arrays)
			fence = make_array(fences, arg->count);
		else if (link)
			fence = dma_fence_get(fences[i % arg->count]);
		if (!fence || signal_pending(current)) {
			dma_fence_put(fence);
			dma_fence_chain_free(link);
			dma_fence_put(head);
			return NULL;
		}
		dma_fence_chain_init(link, head, fence, i + 1);
		head = &link->base;
		cond_resched();
	}
	return head;
}

static long install_sync_file(struct dma_fence *fence, __s32 *fd)
{
	struct sync_file *sync_file = sync_file_create(fence);

	if (!sync_file)
		return -ENOMEM;
	*fd = get_unused_fd_flags(O_CLOEXEC);
	if (*fd < 0)
		fput(sync_file->file);
	else
		fd_install(*fd, sync_file->file);
	return min(*fd, 0);
}

static DEFINE_SPINLOCK(test_lock);

static const char *test_name(struct dma_fence *fence)
{
	return "dma_resv_test";
}

static const struct dma_fence_ops test_ops = {
	.get_driver_name = test_name,
	.get_timeline_name = test_name,
};

static struct dma_fence *make_fence(u64 context)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (fence)
		dma_fence_init(fence, &test_ops, &test_lock, context, 0);
	return fence;
}

/*
 * An object that loses its list while somebody walks it without the lock lets the
 * iterator of Linux 5.19 to 7.3 stand still, and dma_resv_get_fences() writes past
 * its array. No driver does that; a fence that nobody waits for keeps a list there.
 */
static struct dma_fence *keep_list(struct dma_resv *resv)
{
	struct dma_fence *fence = make_fence(dma_fence_context_alloc(1));

	if (fence && LIST_NEEDS_KEEPING &&
	    add_fences(resv, fence, DMA_RESV_USAGE_BOOKKEEP)) {
		dma_fence_put(fence);
		fence = NULL;
	}
	return fence;
}

static long churn(struct dma_resv *resv, u32 ms)
{
	unsigned long end = jiffies + msecs_to_jiffies(ms);
	struct dma_fence *fence = keep_list(resv);
	long ret = fence ? 0 : -ENOMEM;

	while (!ret && time_before(jiffies, end) && !signal_pending(current)) {
		dma_resv_lock(resv, NULL);
		ret = dma_resv_copy_fences(resv, resv);
		dma_resv_unlock(resv);
		cond_resched();
	}
	if (fence)
		dma_fence_signal(fence);
	dma_fence_put(fence);
	return ret;
}

static long test_churn(struct dma_resv_test_hold *arg)
{
	struct dma_buf *dmabuf = dma_buf_get(arg->dmabuf);
	long ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);

	ret = churn(dmabuf->resv, arg->ms);
	dma_buf_put(dmabuf);
	return ret;
}

/* As some drivers do for work that has no timeline. */
static long test_unordered(struct dma_resv_test_unordered *arg)
{
	struct dma_fence *fence = make_fence(0);
	long ret;

	if (!fence)
		return -ENOMEM;
	ret = install_sync_file(fence, &arg->fd);
	dma_fence_put(fence);
	return ret;
}

/* An array of fences with contexts of their own. */
static struct dma_fence *make_crowd(unsigned int count)
{
	struct dma_fence **fences = kcalloc(count, sizeof(*fences), GFP_KERNEL);
	struct dma_fence *array = NULL;
	unsigned int got = 0;

	while (fences && got < count) {
		fences[got] = make_fence(dma_fence_context_alloc(1));
		if (!fences[got])
			break;
		got++;
	}
	if (got == count)
		array = make_array(fences, count);
	while (got--)
		dma_fence_put(fences[got]);
	kfree(fences);
	return array;
}

/* A chain of arrays, so that no allocation is large. */
static long test_crowd(struct dma_resv_test_crowd *arg)
{
	struct dma_fence *head = NULL;
	u32 done, seqno = 0;
	long ret = 0;

	for (done = 0; done < arg->count && !ret; done += TEST_ARRAY) {
		u32 count = min_t(u32, arg->count - done, TEST_ARRAY);
		struct dma_fence_chain *link = dma_fence_chain_alloc();
		struct dma_fence *array = link ? make_crowd(count) : NULL;

		if (!array || signal_pending(current)) {
			dma_fence_put(array);
			dma_fence_chain_free(link);
			ret = -ENOMEM;
			break;
		}
		dma_fence_chain_init(link, head, array, ++seqno);
		head = &link->base;
		cond_resched();
	}
	if (!ret)
		ret = head ? install_sync_file(head, &arg->fd) : -EINVAL;
	dma_fence_put(head);
	return ret;
}

/* No device sees its memory: it has none. */
static struct sg_table *share_map(struct dma_buf_attachment *attach,
				  enum dma_data_direction dir)
{
	return ERR_PTR(-ENODEV);
}

static void share_unmap(struct dma_buf_attachment *attach,
			struct sg_table *table, enum dma_data_direction dir)
{
}

/* The reservation object belongs to the other buffer. */
static void share_release(struct dma_buf *dmabuf)
{
	dma_buf_put(dmabuf->priv);
}

static const struct dma_buf_ops share_ops = {
	.map_dma_buf = share_map,
	.unmap_dma_buf = share_unmap,
	.release = share_release,
};

static long test_share(struct dma_resv_test_share *arg)
{
	struct dma_buf *owner = dma_buf_get(arg->dmabuf), *dmabuf;
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	if (IS_ERR(owner))
		return PTR_ERR(owner);

	info.ops = &share_ops;
	info.size = PAGE_SIZE;
	info.flags = O_RDWR;
	info.resv = owner->resv;
	info.priv = owner;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		dma_buf_put(owner);
		return PTR_ERR(dmabuf);
	}
	arg->fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (arg->fd < 0)
		dma_buf_put(dmabuf);
	return min(arg->fd, 0);
}

static long test_signal(__s32 fd)
{
	struct dma_fence *fence = sync_file_get_fence(fd), *one;
	struct dma_fence_unwrap cursor;

	if (!fence)
		return -EINVAL;
	dma_fence_unwrap_for_each(one, &cursor, fence) {
		if (one->ops == &test_ops)
			dma_fence_signal(one);
		cond_resched();
	}
	dma_fence_put(fence);
	return 0;
}

static long test_keep(__s32 fd)
{
#ifdef _LEGACY_H
	return legacy_keep(fd);
#else
	return -ENOTTY;
#endif
}

static long test_naive(struct dma_resv_test_add *arg)
{
#ifdef _LEGACY_H
	struct dma_buf *dmabuf = dma_buf_get(arg->dmabuf);
	struct dma_fence *fence;
	long ret;

	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	fence = sync_file_get_fence(arg->sync_file);
	dma_resv_lock(dmabuf->resv, NULL);
	ret = fence ? legacy_naive_import(dmabuf->resv, fence) : -EINVAL;
	dma_resv_unlock(dmabuf->resv);
	dma_fence_put(fence);
	dma_buf_put(dmabuf);
	return ret;
#else
	return -ENOTTY;
#endif
}

static long test_chain(struct dma_resv_test_chain *arg)
{
	__s32 __user *user = u64_to_user_ptr(arg->sync_files);
	struct dma_fence **fences, *chain;
	long ret = 0;
	u32 i, got;
	__s32 fd;

	if (!arg->count || arg->count > TEST_SYNC_FILES_MAX || !arg->links)
		return -EINVAL;

	fences = kcalloc(arg->count, sizeof(*fences), GFP_KERNEL);
	if (!fences)
		return -ENOMEM;

	for (got = 0; got < arg->count && !ret; got++) {
		if (get_user(fd, user + got)) {
			ret = -EFAULT;
			break;
		}
		fences[got] = sync_file_get_fence(fd);
		if (!fences[got])
			ret = -EINVAL;
	}

	if (!ret) {
		chain = make_chain(arg, fences);
		ret = chain ? install_sync_file(chain, &arg->fd) : -ENOMEM;
		dma_fence_put(chain);
	}

	for (i = 0; i < got; i++)
		dma_fence_put(fences[i]);
	kfree(fences);
	return ret;
}

static long test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	union {
		struct dma_resv_test_add add;
		struct dma_resv_test_list list;
		struct dma_resv_test_hold hold;
		struct dma_resv_test_chain chain;
		struct dma_resv_test_unordered unordered;
		struct dma_resv_test_crowd crowd;
		struct dma_resv_test_share share;
		__s32 sync_file;
	} u;
	long ret;

	if (_IOC_SIZE(cmd) > sizeof(u) ||
	    copy_from_user(&u, user, _IOC_SIZE(cmd)))
		return -EFAULT;

	switch (cmd) {
	case DMA_RESV_TEST_ADD:
		return test_add(&u.add);
	case DMA_RESV_TEST_LIST:
		ret = test_list(&u.list);
		break;
	case DMA_RESV_TEST_HOLD:
		return test_hold(&u.hold);
	case DMA_RESV_TEST_UNORDERED:
		ret = test_unordered(&u.unordered);
		break;
	case DMA_RESV_TEST_CROWD:
		ret = test_crowd(&u.crowd);
		break;
	case DMA_RESV_TEST_SHARE:
		ret = test_share(&u.share);
		break;
	case DMA_RESV_TEST_NAIVE:
		return test_naive(&u.add);
	case DMA_RESV_TEST_KEEP:
		return test_keep(u.sync_file);
	case DMA_RESV_TEST_SIGNAL:
		return test_signal(u.sync_file);
	case DMA_RESV_TEST_CHURN:
		return test_churn(&u.hold);
	case DMA_RESV_TEST_CHAIN:
		ret = test_chain(&u.chain);
		break;
	default:
		return -ENOTTY;
	}

	if (!ret && copy_to_user(user, &u, _IOC_SIZE(cmd)))
		ret = -EFAULT;
	return ret;
}

static const struct file_operations test_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = test_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice test_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "dma_resv_test",
	.fops = &test_fops,
	.mode = 0600,
};
module_misc_device(test_device);

MODULE_DESCRIPTION("plays the driver in tests of dma_resv_export");
MODULE_LICENSE("GPL");
/* Not MODULE_IMPORT_NS(): its argument became a string in Linux 6.13. */
MODULE_INFO(import_ns, "DMA_BUF");

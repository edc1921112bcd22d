// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a driver uses <linux/dma-resv-export.h> and <linux/dma-fence-set.h>
 *
 * The "driver" has a job that reads one buffer and writes another, and does all
 * of it when the module is loaded. Loading fails if a step does not do what its
 * documentation says.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>

/* Two buffers of one job, locked under one ticket. */
#define BUFFERS	2

static DEFINE_SPINLOCK(sample_lock);

static const char *sample_name(struct dma_fence *fence)
{
	return "sample";
}

static const struct dma_fence_ops sample_ops = {
	.get_driver_name = sample_name,
	.get_timeline_name = sample_name,
};

static struct dma_fence *sample_fence(u64 context, u64 seqno)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (fence)
		dma_fence_init(fence, &sample_ops, &sample_lock, context,
			       seqno);
	return fence;
}

/* Lock both buffers, in whatever order avoids a deadlock. */
static int lock_buffers(struct dma_resv *resv, struct ww_acquire_ctx *ticket)
{
	int contended = -1, ret, i;

	ww_acquire_init(ticket, &reservation_ww_class);
retry:
	if (contended >= 0)
		dma_resv_lock_slow(&resv[contended], ticket);
	for (i = 0; i < BUFFERS; i++) {
		if (i == contended)
			continue;
		ret = dma_resv_lock(&resv[i], ticket);
		if (!ret)
			continue;

		if (contended > i)
			dma_resv_unlock(&resv[contended]);
		contended = i;
		while (i--)
			dma_resv_unlock(&resv[i]);
		if (ret == -EDEADLK)
			goto retry;
		ww_acquire_fini(ticket);
		return ret;
	}
	ww_acquire_done(ticket);
	return 0;
}

static void unlock_buffers(struct dma_resv *resv, struct ww_acquire_ctx *ticket)
{
	int i;

	for (i = 0; i < BUFFERS; i++)
		dma_resv_unlock(&resv[i]);
	ww_acquire_fini(ticket);
}

/*
 * Submit a job that reads the first buffer and writes the second: what can fail
 * comes first, then the locks, and nothing fails once the job runs.
 */
static int submit(struct dma_resv *resv, struct dma_fence *done)
{
	static const enum dma_resv_usage usage[BUFFERS] = {
		DMA_RESV_USAGE_READ, DMA_RESV_USAGE_WRITE,
	};
	struct dma_resv_import *import[BUFFERS];
	struct ww_acquire_ctx ticket;
	int ret, i, n;

	for (n = 0; n < BUFFERS; n++) {
		import[n] = dma_resv_import_prepare(&resv[n], done, usage[n]);
		if (IS_ERR(import[n])) {
			ret = PTR_ERR(import[n]);
			goto cancel;
		}
	}

	ret = lock_buffers(resv, &ticket);
	if (ret)
		goto cancel;

	for (i = 0; i < BUFFERS && !ret; i++)
		ret = dma_resv_import_reserve(import[i], 0);
	if (ret) {
		unlock_buffers(resv, &ticket);
		goto cancel;
	}

	/* Here the hardware would get the job. */
	for (i = 0; i < BUFFERS; i++)
		dma_resv_import_commit(import[i]);
	unlock_buffers(resv, &ticket);
	return 0;

cancel:
	while (n--)
		dma_resv_import_cancel(import[n]);
	return ret;
}

/* Does somebody with @usage have to wait for @resv? */
static bool busy(struct dma_resv *resv, enum dma_resv_usage usage)
{
	return !dma_resv_test_signaled(resv, usage);
}

static int play(struct dma_resv *resv, struct dma_fence *job,
		struct dma_fence *other)
{
	struct dma_resv_import *import;
	struct dma_fence *wait, *both;
	int ret;

	ret = submit(resv, job);
	if (ret)
		return ret;
	if (busy(&resv[0], DMA_RESV_USAGE_WRITE) ||
	    !busy(&resv[0], DMA_RESV_USAGE_READ) ||
	    !busy(&resv[1], DMA_RESV_USAGE_WRITE))
		return -EINVAL;

	/* A job that is given up before it runs leaves no trace. */
	import = dma_resv_import_prepare(&resv[0], other, DMA_RESV_USAGE_WRITE);
	if (IS_ERR(import))
		return PTR_ERR(import);
	dma_resv_import_cancel(import);
	if (busy(&resv[0], DMA_RESV_USAGE_WRITE))
		return -EINVAL;

	/* What another driver must wait for, plus a fence of its own. */
	wait = dma_resv_export_fence(&resv[1], DMA_RESV_USAGE_WRITE);
	if (IS_ERR(wait))
		return PTR_ERR(wait);
	both = dma_fence_set_merge_two(wait, other);
	dma_fence_put(wait);
	if (IS_ERR(both))
		return PTR_ERR(both);

	/* In one call, where nothing has to be locked together. */
	ret = dma_resv_import_fence(&resv[0], both, DMA_RESV_USAGE_WRITE);
	dma_fence_signal(job);
	if (!ret && (dma_fence_is_signaled(both) ||
		     !busy(&resv[0], DMA_RESV_USAGE_WRITE)))
		ret = -EINVAL;
	dma_fence_signal(other);
	/* Of older kernels, an array shows that only to those who wait. */
	if (!ret && (dma_fence_wait_timeout(both, false, HZ) <= 0 ||
		     busy(&resv[0], DMA_RESV_USAGE_BOOKKEEP)))
		ret = -EINVAL;
	dma_fence_put(both);

	/* The buffer will be idle for long: give its list back. */
	return ret ?: dma_resv_prune(&resv[0]);
}

static int __init sample_init(void)
{
	struct dma_fence *job, *other;
	struct dma_resv *resv;
	int ret = -ENOMEM, i;

	resv = kcalloc(BUFFERS, sizeof(*resv), GFP_KERNEL);
	job = sample_fence(dma_fence_context_alloc(1), 1);
	other = sample_fence(dma_fence_context_alloc(1), 1);
	if (resv && job && other) {
		for (i = 0; i < BUFFERS; i++)
			dma_resv_init(&resv[i]);
		ret = play(resv, job, other);
		for (i = 0; i < BUFFERS; i++)
			dma_resv_fini(&resv[i]);
	}
	if (job)
		dma_fence_signal(job);
	if (other)
		dma_fence_signal(other);
	dma_fence_put(job);
	dma_fence_put(other);
	/* Freed fences may still be looked at under RCU, by their operations. */
	synchronize_rcu();
	kfree(resv);
	if (ret)
		pr_err("did not go as documented: %d\n", ret);
	else
		pr_info("went as documented\n");
	return ret;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
}
module_exit(sample_exit);

MODULE_DESCRIPTION("how a driver uses dma_resv_export");
MODULE_LICENSE("GPL");

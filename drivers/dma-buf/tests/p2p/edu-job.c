// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs with implicit and explicit fences: the pattern.
 *
 * Promises: a job starts when what it must wait for has signaled: the fences of
 * its buffers, or an in-fence instead; its own fence is in the dma_resv of each
 * buffer before anyone else can lock it, for those who move the buffer in any case;
 * nothing is allocated and no lock is taken between then and its signaling.
 *
 * An in-fence with an error cancels the job. The error of a fence in a dma_resv
 * does not: whose buffer it is must not fail because of who wrote it before.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "edu-device.h"

/* Each operation goes through 4 KiB inside the device. */
#define EDU_CHUNK	2048

/* Fences that a job may have to wait for: of each buffer, and the in-fence. */
#define EDU_DEPS	3

/*
 * The fence
 */

struct edu_fence {
	struct dma_fence base;
	/* Its own: waiters come with this lock, and the engine's inside others. */
	spinlock_t lock;
};

static const char *fence_driver_name(struct dma_fence *fence)
{
	return "edu-p2p";
}

static const char *fence_timeline_name(struct dma_fence *fence)
{
	return "copies";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_driver_name,
	.get_timeline_name = fence_timeline_name,
};

struct edu_end {
	struct edu_import *import;
	struct edu_mapping *mapping;
	u64 offset;
};

struct edu_job {
	struct edu *edu;
	struct work_struct run;
	struct work_struct clean;
	struct edu_fence *unborn;	/* memory for the fence */
	struct dma_fence *fence;
	struct dma_fence *deps[EDU_DEPS];
	struct dma_fence *in_fence;	/* one of them, or NULL */
	struct edu_end src;
	struct edu_end dst;
	u32 len;
};

/*
 * Running
 */

/* One piece of @end, from or to the device. */
static int run_chunk(struct edu *edu, const struct edu_end *end, u32 done,
		     u32 len, bool to_device, struct dma_fence *last)
{
	dma_addr_t addr;
	u32 part = len;
	int ret;

	ret = edu_mapping_find(end->mapping, end->offset + done, &part, &addr);
	if (ret)
		return ret;
	/* Entries are whole pages, and so are the pieces parts of one page. */
	return part == len ? edu_run(edu, addr, len, to_device, last) : -EINVAL;
}

/* What fits into the device, and into one page of either buffer. */
static u32 chunk_of(const struct edu_job *job, u32 done)
{
	u32 len = min_t(u32, job->len - done, EDU_CHUNK);

	len = min_t(u64, len, PAGE_SIZE - offset_in_page(job->src.offset + done));
	return min_t(u64, len,
		     PAGE_SIZE - offset_in_page(job->dst.offset + done));
}

static int run_job(struct edu_job *job)
{
	struct dma_fence *last;
	u32 done, len;
	int ret = 0;

	for (done = 0; !ret && done < job->len; done += len) {
		len = chunk_of(job, done);
		last = done + len == job->len ? job->fence : NULL;
		ret = run_chunk(job->edu, &job->src, done, len, true, NULL);
		if (!ret)
			ret = run_chunk(job->edu, &job->dst, done, len, false,
					last);
	}
	return ret;
}

static void job_run(struct work_struct *work)
{
	struct edu_job *job = container_of(work, struct edu_job, run);
	struct edu *edu = job->edu;
	bool cookie = dma_fence_begin_signalling();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < EDU_DEPS; i++)
		if (job->deps[i])
			dma_fence_wait(job->deps[i], false);
	if (job->in_fence && dma_fence_get_status(job->in_fence) < 0)
		ret = -ECANCELED;
	if (!ret)
		ret = run_job(job);
	/* Else the interrupt handler has done that. */
	if (ret) {
		atomic_inc(&edu->errors);
		dma_fence_set_error(job->fence, ret);
		dma_fence_signal(job->fence);
	}
	atomic_inc(&edu->jobs);
	dma_fence_end_signalling(cookie);
	queue_work(edu->clean, &job->clean);
}

static void end_put(struct edu_end *end)
{
	struct dma_resv *resv;

	if (!end->import)
		return;
	if (end->mapping) {
		resv = end->import->dmabuf->resv;
		dma_resv_lock(resv, NULL);
		edu_mapping_put(end->mapping);
		dma_resv_unlock(resv);
	}
	edu_import_put(end->import);
}

static void job_free(struct edu_job *job)
{
	unsigned int i;

	for (i = 0; i < EDU_DEPS; i++)
		dma_fence_put(job->deps[i]);
	dma_fence_put(job->fence);
	kfree(job->unborn);
	end_put(&job->src);
	end_put(&job->dst);
	kfree(job);
}

/*
 * Apart from the running of jobs: it needs a dma_resv, which somebody may hold who
 * waits for the next job.
 */
static void job_clean(struct work_struct *work)
{
	job_free(container_of(work, struct edu_job, clean));
}

/*
 * Submitting
 */

static bool is_explicit_in(const struct edu_copy *copy)
{
	return copy->flags & EDU_EXPLICIT_IN;
}

static bool is_explicit_out(const struct edu_copy *copy)
{
	return copy->flags & EDU_EXPLICIT_OUT;
}

/* Everything that needs no lock. */
static int job_prepare(struct edu_job *job, struct edu_client *client,
		       const struct edu_copy *copy)
{
	struct edu_import *import;

	job->unborn = kzalloc(sizeof(*job->unborn), GFP_KERNEL);
	if (!job->unborn)
		return -ENOMEM;
	import = edu_import_get(client, copy->src);
	if (IS_ERR(import))
		return PTR_ERR(import);
	job->src.import = import;
	import = edu_import_get(client, copy->dst);
	if (IS_ERR(import))
		return PTR_ERR(import);
	job->dst.import = import;
	if (copy->src_offset > job->src.import->dmabuf->size ||
	    copy->len > job->src.import->dmabuf->size - copy->src_offset ||
	    copy->dst_offset > job->dst.import->dmabuf->size ||
	    copy->len > job->dst.import->dmabuf->size - copy->dst_offset)
		return -EINVAL;
	if (is_explicit_in(copy) && copy->in_fence != -1) {
		job->in_fence = sync_file_get_fence(copy->in_fence);
		if (!job->in_fence)
			return -EINVAL;
		job->deps[EDU_DEPS - 1] = job->in_fence;
	}
	return 0;
}

static struct dma_resv *resv_of(const struct edu_end *end)
{
	return end->import->dmabuf->resv;
}

/* Both, in whichever order does not deadlock. */
static int lock_ends(struct edu_job *job, struct ww_acquire_ctx *ctx)
{
	struct dma_resv *one = resv_of(&job->src), *two = resv_of(&job->dst);
	int ret;

	ww_acquire_init(ctx, &reservation_ww_class);
	ret = dma_resv_lock_interruptible(one, ctx);
	while (!ret && one != two) {
		ret = dma_resv_lock_interruptible(two, ctx);
		if (!ret)
			break;
		dma_resv_unlock(one);
		if (ret != -EDEADLK)
			break;
		swap(one, two);
		ret = dma_resv_lock_slow_interruptible(one, ctx);
	}
	if (ret)
		ww_acquire_fini(ctx);
	else
		ww_acquire_done(ctx);
	return ret;
}

/* As soon as one is unlocked, a job that has been submitted may be gone. */
static void unlock_ends(struct edu_job *job, struct ww_acquire_ctx *ctx)
{
	struct dma_resv *one = resv_of(&job->src), *two = resv_of(&job->dst);

	dma_resv_unlock(one);
	if (two != one)
		dma_resv_unlock(two);
	ww_acquire_fini(ctx);
}

/*
 * One buffer of the job. It is mapped first: that may move it. Moves of the kernel
 * (%DMA_RESV_USAGE_KERNEL) are waited for by explicit clients, too.
 */
static int end_prepare(struct edu_end *end, bool write, bool explicit,
		       struct dma_fence **dep)
{
	struct edu_mapping *mapping;
	int ret;

	mapping = edu_mapping_get(end->import);
	if (IS_ERR(mapping))
		return PTR_ERR(mapping);
	end->mapping = mapping;
	/* Two, for the other end may be the same buffer. */
	ret = dma_resv_reserve_fences(resv_of(end), 2);
	if (ret)
		return ret;
	return dma_resv_get_singleton(resv_of(end),
				      explicit ? DMA_RESV_USAGE_KERNEL :
				      dma_resv_usage_rw(write), dep);
}

/* From here on nothing fails, and the fence signals. */
static void job_publish(struct edu_job *job, const struct edu_copy *copy)
{
	bool explicit = is_explicit_out(copy);

	/* An explicit job is in nobody's way, but for those who move the buffer. */
	dma_resv_add_fence(resv_of(&job->src), job->fence,
			   explicit ? DMA_RESV_USAGE_BOOKKEEP :
			   DMA_RESV_USAGE_READ);
	dma_resv_add_fence(resv_of(&job->dst), job->fence,
			   explicit ? DMA_RESV_USAGE_BOOKKEEP :
			   DMA_RESV_USAGE_WRITE);
	queue_work(job->edu->run, &job->run);
}

/* The caller holds the dma_resv of each buffer. */
static int job_commit(struct edu_job *job, const struct edu_copy *copy,
		      struct sync_file **out)
{
	struct edu *edu = job->edu;
	int ret;

	ret = end_prepare(&job->src, false, is_explicit_in(copy),
			  &job->deps[0]);
	if (!ret)
		ret = end_prepare(&job->dst, true, is_explicit_in(copy),
				  &job->deps[1]);
	if (ret)
		return ret;

	/* Jobs run in the order of their numbers. */
	mutex_lock(&edu->submit);
	spin_lock_init(&job->unborn->lock);
	dma_fence_init(&job->unborn->base, &fence_ops, &job->unborn->lock,
		       edu->context, ++edu->seqno);
	job->fence = &job->unborn->base;
	job->unborn = NULL;
	if (is_explicit_out(copy))
		*out = sync_file_create(job->fence);
	if (is_explicit_out(copy) && !*out)
		ret = -ENOMEM;
	else
		job_publish(job, copy);
	mutex_unlock(&edu->submit);
	return ret;
}

static int submit(struct edu_client *client, const struct edu_copy *copy,
		  struct sync_file **out)
{
	struct ww_acquire_ctx ctx;
	struct edu_job *job;
	int ret;

	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	INIT_WORK(&job->run, job_run);
	INIT_WORK(&job->clean, job_clean);
	job->edu = client->edu;
	job->len = copy->len;
	job->src.offset = copy->src_offset;
	job->dst.offset = copy->dst_offset;
	ret = job_prepare(job, client, copy);
	if (!ret)
		ret = lock_ends(job, &ctx);
	if (ret)
		goto free;
	ret = job_commit(job, copy, out);
	unlock_ends(job, &ctx);
	if (!ret)
		return 0;
free:
	job_free(job);
	return ret;
}

/**
 * edu_job_submit - have the device copy
 * @client: who wants that
 * @copy: what; gets the out-fence
 *
 * Return: 0; on an error nothing happens and no fence is left: -EINVAL, -EBADF,
 * -ENOMEM, -ERESTARTSYS, -ENODEV if a buffer was revoked, -EBUSY if the device
 * cannot reach a buffer that is pinned.
 */
int edu_job_submit(struct edu_client *client, struct edu_copy *copy)
{
	struct sync_file *out = NULL;
	int fd = -1, ret;

	if (copy->flags & ~(EDU_EXPLICIT_IN | EDU_EXPLICIT_OUT) || !copy->len)
		return -EINVAL;
	if (is_explicit_out(copy)) {
		fd = get_unused_fd_flags(O_CLOEXEC);
		if (fd < 0)
			return fd;
	}
	ret = submit(client, copy, &out);
	if (ret) {
		if (fd >= 0)
			put_unused_fd(fd);
		return ret;
	}
	if (out)
		fd_install(fd, out->file);
	copy->out_fence = fd;
	return 0;
}

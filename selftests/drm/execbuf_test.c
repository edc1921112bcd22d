// SPDX-License-Identifier: GPL-2.0-only
/*
 * E5: a GPU's driver starts no commands before all of what was exported is over: given
 * as a sync_file, or by way of a syncobj. Needs a virtio-gpu that takes commands.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <virtgpu_drm.h>

#include "devices.h"

enum end { FIRST, LAST };

/* Since Linux 6.6; the headers of libdrm may be older. */
struct execbuf_args {
	struct drm_virtgpu_execbuffer old;
	__u32 ring_idx;
	__u32 syncobj_stride;
	__u32 num_in_syncobjs;
	__u32 num_out_syncobjs;
	__u64 in_syncobjs;
	__u64 out_syncobjs;
};

struct execbuf_syncobj {
	__u32 handle;
	__u32 flags;
	__u64 point;
};

#define EXECBUF	DRM_IOWR(DRM_COMMAND_BASE + DRM_VIRTGPU_EXECBUFFER, \
			 struct execbuf_args)

FIXTURE(execbuf) {
	int drm;
	int test;
	int timeline;		/* of the fence at one end of the buffer's list */
	int crowd;		/* all others */
	int all;		/* the export of all of it */
	__u32 binary;		/* has taken it in */
};

FIXTURE_VARIANT(execbuf) {
	__u32 contexts;
	enum end end;
};

#define CONTEXTS(name, count, which) \
	FIXTURE_VARIANT_ADD(execbuf, name) { .contexts = count, .end = which }

CONTEXTS(few_first, 3, FIRST);
CONTEXTS(few_last, 3, LAST);
CONTEXTS(array_first, 300, FIRST);
CONTEXTS(array_last, 300, LAST);
CONTEXTS(chain_first, 2500, FIRST);
CONTEXTS(chain_last, 2500, LAST);

static bool takes_commands(int drm_fd)
{
	int value = 0;
	struct drm_virtgpu_getparam param = {
		.param = VIRTGPU_PARAM_3D_FEATURES, .value = (uintptr_t)&value,
	};

	return !drmIoctl(drm_fd, DRM_IOCTL_VIRTGPU_GETPARAM, &param) && value;
}

FIXTURE_SETUP(execbuf)
{
	int dmabuf;

	prctl(PR_SET_NAME, "t");
	self->drm = device_open("virtio_gpu");
	if (self->drm < 0 || !takes_commands(self->drm))
		SKIP(return, "no device that takes commands");
	dmabuf = FD(udmabuf_create(4096));
	self->test = FD(xopen("/dev/dma_resv_test"));
	self->timeline = FD(timeline_open());
	self->crowd = FD(make_crowd(self->test, variant->contexts - 1));
	if (variant->end == FIRST)
		OK(import_fence(dmabuf, self->timeline, 1, WRITE));
	OK(dmabuf_import(dmabuf, self->crowd, WRITE));
	if (variant->end == LAST)
		OK(import_fence(dmabuf, self->timeline, 1, WRITE));
	self->all = FD(dmabuf_export(dmabuf, READ));
	ASSERT_EQ((int)variant->contexts, sync_count(self->all));
	close(dmabuf);
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->binary)));
	OK(drm(drmSyncobjImportSyncFile(self->drm, self->binary, self->all)));
}

FIXTURE_TEARDOWN(execbuf)
{
	drmSyncobjDestroy(self->drm, self->binary);
	close(self->all);
	close(self->crowd);
	close(self->timeline);
	close(self->test);
	close(self->drm);
}

/* A command that does nothing; what it waits for is in @args. */
struct job {
	int drm;
	struct execbuf_args args;
	atomic_int thread;
	int ret;
};

static int submit(struct job *job)
{
	__u32 nothing = 0;

	job->args.old.size = sizeof(nothing);
	job->args.old.command = (uintptr_t)&nothing;
	job->args.old.flags |= VIRTGPU_EXECBUF_FENCE_FD_OUT;
	return drm(drmIoctl(job->drm, EXECBUF, &job->args));
}

static void *submit_in_thread(void *arg)
{
	struct job *job = arg;

	job->thread = gettid();
	job->ret = submit(job);
	return NULL;
}

#define EXECBUF_DATA	FIXTURE_DATA(execbuf)

/* The job is not submitted before the last fence, and then it is done at once. */
static void expect_job_after_all(struct __test_metadata *_metadata,
				 EXECBUF_DATA *self, struct job *job)
{
	pthread_t thread;

	job->drm = self->drm;
	OK(pthread_create(&thread, NULL, submit_in_thread, job));
	while (!job->thread)
		sleep_ms(1);
	ASSERT_TRUE(wait_asleep(job->thread));
	OK(signal_all(self->test, self->crowd));
	sleep_ms(50);
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, NULL));
	OK(timeline_inc(self->timeline, 1));
	OK(pthread_join(thread, NULL));
	OK(job->ret);
	EXPECT_EQ(1, wait_for(job->args.old.fence_fd, POLLIN, 5000));
	close(job->args.old.fence_fd);
}

TEST_F(execbuf, e5_in_fence_holds_the_job)
{
	struct job job = {
		.args.old = {
			.flags = VIRTGPU_EXECBUF_FENCE_FD_IN,
			.fence_fd = self->all,
		},
	};

	expect_job_after_all(_metadata, self, &job);
}

TEST_F(execbuf, e5_syncobj_holds_the_job)
{
	struct execbuf_syncobj in = { .handle = self->binary };
	struct job job = {
		.args = {
			.syncobj_stride = sizeof(in), .num_in_syncobjs = 1,
			.in_syncobjs = (uintptr_t)&in,
		},
	};

	expect_job_after_all(_metadata, self, &job);
}

/* A syncobj that has taken an export in has no point that a job could wait for. */
TEST_F(execbuf, e5_job_finds_no_point)
{
	struct execbuf_syncobj in = { .handle = self->binary, .point = 1 };
	struct job job = {
		.drm = self->drm,
		.args = {
			.syncobj_stride = sizeof(in), .num_in_syncobjs = 1,
			.in_syncobjs = (uintptr_t)&in,
		},
	};

	OK(signal_all(self->test, self->crowd));
	OK(timeline_inc(self->timeline, 1));
	EXPECT_EQ(-EINVAL, submit(&job));
}

TEST_HARNESS_MAIN

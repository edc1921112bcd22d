// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-buf, sync_file, syncobj, binary and timeline, and back: a fence that has
 * made the whole way is waited for like one that has not.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "devices.h"

FIXTURE(syncobj) {
	int drm;
	int dmabuf;
	int other;
	int one;
	int two;
	int test;
	__u32 binary;
	__u32 timeline;
};

FIXTURE_SETUP(syncobj)
{
	prctl(PR_SET_NAME, "t");
	self->drm = device_open("virtio_gpu");
	if (self->drm == -ENODEV)
		SKIP(return, "no device that has syncobjs");
	self->dmabuf = FD(buffer_of(self->drm));
	self->other = FD(udmabuf_create(4096));
	self->one = FD(timeline_open());
	self->two = FD(timeline_open());
	self->test = FD(xopen("/dev/dma_resv_test"));
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->binary)));
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->timeline)));
}

FIXTURE_TEARDOWN(syncobj)
{
	drmSyncobjDestroy(self->drm, self->timeline);
	drmSyncobjDestroy(self->drm, self->binary);
	close(self->test);
	close(self->two);
	close(self->one);
	close(self->other);
	close(self->dmabuf);
	close(self->drm);
}

/* What the buffer has to wait for, into point @point of a timeline. */
static int export_to_point(int drm_fd, int dmabuf, __u32 flags, __u32 binary,
			   __u32 timeline, __u64 point)
{
	int fd = dmabuf_export(dmabuf, flags), ret;

	if (fd < 0)
		return fd;
	ret = syncobj_import(drm_fd, binary, fd);
	return ret ? ret : drm(drmSyncobjTransfer(drm_fd, timeline, point,
						  binary, 0, 0));
}

/* A point of a timeline, into the buffer. */
static int import_from_point(int drm_fd, int dmabuf, __u32 flags, __u32 binary,
			     __u32 timeline, __u64 point)
{
	int ret = drm(drmSyncobjTransfer(drm_fd, binary, 0, timeline, point,
					 0));
	int fd;

	if (ret)
		return ret;
	fd = syncobj_export(drm_fd, binary);
	if (fd < 0)
		return fd;
	ret = dmabuf_import(dmabuf, fd, flags);
	close(fd);
	return ret;
}

#define EXPORT_TO_POINT(dmabuf, flags, point) \
	OK(export_to_point(self->drm, dmabuf, flags, self->binary, \
			   self->timeline, point))
#define IMPORT_FROM_POINT(dmabuf, flags, point) \
	OK(import_from_point(self->drm, dmabuf, flags, self->binary, \
			     self->timeline, point))

/* E1: a binary syncobj signals when what was exported does. */
TEST_F(syncobj, e1_export_into_a_binary_syncobj)
{
	OK(import_fence(self->dmabuf, self->one, 1, WRITE));
	OK(syncobj_import(self->drm, self->binary,
			  FD(dmabuf_export(self->dmabuf, READ))));
	EXPECT_EQ(0, syncobj_wait(self->drm, self->binary, 0, 20));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 0, 5000));
}

/* E1: readers are in an export for a writer, and in no other. */
TEST_F(syncobj, e1_readers_are_only_in_an_export_for_a_writer)
{
	OK(import_fence(self->dmabuf, self->one, 1, READ));
	OK(syncobj_import(self->drm, self->binary,
			  FD(dmabuf_export(self->dmabuf, READ))));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 0, 0));
	OK(syncobj_import(self->drm, self->binary,
			  FD(dmabuf_export(self->dmabuf, WRITE))));
	EXPECT_EQ(0, syncobj_wait(self->drm, self->binary, 0, 20));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 0, 5000));
}

/* E4: an idle buffer gives a syncobj that has signaled. */
TEST_F(syncobj, e4_idle_buffer_gives_a_signaled_syncobj)
{
	OK(syncobj_import(self->drm, self->binary,
			  FD(dmabuf_export(self->dmabuf, RW))));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 0, 0));
	EXPORT_TO_POINT(self->dmabuf, RW, 7);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 7, 0));
}

/* I1: a binary syncobj's fence is what users of the buffer wait for. */
TEST_F(syncobj, i1_import_from_a_binary_syncobj)
{
	int fd;

	OK(syncobj_import(self->drm, self->binary,
			  FD(timeline_fence(self->one, 1))));
	fd = FD(syncobj_export(self->drm, self->binary));
	OK(dmabuf_import(self->dmabuf, fd, WRITE));
	close(fd);
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	/* The syncobj moves on; the buffer does not. */
	OK(drm(drmSyncobjReset(self->drm, &self->binary, 1)));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* E1, I1: points one after the other, each with its buffer's state. */
TEST_F(syncobj, e1_exports_into_points_of_a_timeline)
{
	uint64_t reached;

	OK(import_fence(self->dmabuf, self->one, 1, WRITE));
	EXPORT_TO_POINT(self->dmabuf, READ, 1);
	OK(import_fence(self->dmabuf, self->two, 1, WRITE));
	EXPORT_TO_POINT(self->dmabuf, READ, 2);
	EXPECT_EQ(0, syncobj_wait(self->drm, self->timeline, 1, 20));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 1, 5000));
	EXPECT_EQ(0, syncobj_wait(self->drm, self->timeline, 2, 20));
	OK(drm(drmSyncobjQuery(self->drm, &self->timeline, &reached, 1)));
	EXPECT_EQ(1, reached);
	OK(timeline_inc(self->two, 1));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 2, 5000));
	OK(drm(drmSyncobjQuery(self->drm, &self->timeline, &reached, 1)));
	EXPECT_EQ(2, reached);
}

/* I1, I6: a point stands for all that came before it, and is taken apart. */
TEST_F(syncobj, i6_point_of_a_timeline_into_a_buffer)
{
	int fd;

	OK(import_fence(self->dmabuf, self->one, 1, WRITE));
	EXPORT_TO_POINT(self->dmabuf, READ, 1);
	OK(import_fence(self->dmabuf, self->two, 1, WRITE));
	EXPORT_TO_POINT(self->dmabuf, READ, 2);
	IMPORT_FROM_POINT(self->other, WRITE, 2);
	fd = FD(dmabuf_export(self->other, READ));
	EXPECT_EQ(2, sync_count(fd));
	OK(timeline_inc(self->two, 1));
	EXPECT_FALSE(is_ready(self->other, POLLIN));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->other, POLLOUT, 5000));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
	close(fd);
}

/* I1: with READ, only writers wait for what came out of a timeline. */
TEST_F(syncobj, i1_point_as_a_reader)
{
	OK(syncobj_import(self->drm, self->binary,
			  FD(timeline_fence(self->one, 1))));
	OK(drm(drmSyncobjTransfer(self->drm, self->timeline, 5, self->binary, 0,
				  0)));
	IMPORT_FROM_POINT(self->other, READ, 5);
	EXPECT_TRUE(is_ready(self->other, POLLIN));
	EXPECT_FALSE(is_ready(self->other, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->other, POLLOUT, 5000));
}

/* E5: whatever shape an export has, a timeline takes it, and gives all of it. */
TEST_F(syncobj, e5_many_contexts_through_a_timeline_and_back)
{
	static const __u32 counts[] = { 1, 2, 15, 16, 17, 64, 500, 2000 };
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		int crowd = FD(make_crowd(self->test, counts[i]));
		int here = FD(udmabuf_create(4096));
		int there = FD(udmabuf_create(4096)), fd;

		OK(dmabuf_import(here, crowd, WRITE));
		EXPORT_TO_POINT(here, READ, i + 1);
		EXPECT_EQ(0, syncobj_wait(self->drm, self->timeline, i + 1,
					  1));
		IMPORT_FROM_POINT(there, WRITE, i + 1);
		fd = FD(dmabuf_export(there, READ));
		EXPECT_EQ(counts[i], sync_count(fd));
		OK(signal_all(self->test, crowd));
		EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
		EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, i + 1,
					  5000));
		close(fd);
		close(there);
		close(here);
		close(crowd);
	}
}

struct waiter {
	int drm;
	__u32 timeline;
	atomic_int thread;
	int ret;
};

static void *wait_for_submit(void *arg)
{
	struct waiter *waiter = arg;
	int64_t until = (int64_t)now_ns() + 30000000000;
	__u32 flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT;
	uint64_t point = 3;

	waiter->thread = gettid();
	waiter->ret = drmSyncobjTimelineWait(waiter->drm, &waiter->timeline,
					     &point, 1, until, flags, NULL);
	return NULL;
}

/* Somebody waits for a point that an export fills later. */
TEST_F(syncobj, waiter_comes_before_the_export)
{
	struct waiter waiter = { .drm = self->drm, .timeline = self->timeline };
	pthread_t thread;

	OK(import_fence(self->dmabuf, self->one, 1, WRITE));
	OK(pthread_create(&thread, NULL, wait_for_submit, &waiter));
	while (!waiter.thread)
		sleep_ms(1);
	ASSERT_TRUE(wait_asleep(waiter.thread));
	EXPORT_TO_POINT(self->dmabuf, READ, 3);
	/* Now it has a fence to wait for. */
	sleep_ms(50);
	ASSERT_TRUE(wait_asleep(waiter.thread));
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, NULL));
	OK(timeline_inc(self->one, 1));
	OK(pthread_join(thread, NULL));
	EXPECT_EQ(0, waiter.ret);
}

/* I3: a syncobj is none that can be imported; the buffer stays as it was. */
TEST_F(syncobj, i3_syncobj_itself_is_no_fence_to_import)
{
	int fd;

	OK(import_fence(self->other, self->one, 1, READ));
	OK(drm(drmSyncobjHandleToFD(self->drm, self->binary, &fd)));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->other, fd, WRITE));
	close(fd);
	EXPECT_EQ(1, resv_list(self->test, self->other, NULL, 0));
	EXPECT_TRUE(is_ready(self->other, POLLIN));
	EXPECT_FALSE(is_ready(self->other, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->other, POLLOUT, 5000));
}

/* The syncobjs and their device go while a buffer has their fence. */
TEST_F(syncobj, device_closed_in_the_middle)
{
	OK(syncobj_import(self->drm, self->binary,
			  FD(timeline_fence(self->one, 1))));
	OK(drm(drmSyncobjTransfer(self->drm, self->timeline, 1, self->binary, 0,
				  0)));
	IMPORT_FROM_POINT(self->other, WRITE, 1);
	drmSyncobjDestroy(self->drm, self->timeline);
	drmSyncobjDestroy(self->drm, self->binary);
	close(self->drm);
	self->drm = -1;
	EXPECT_FALSE(is_ready(self->other, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->other, POLLIN, 5000));
}

/* A fence that ends with an error is over all the same, on every side. */
TEST_F(syncobj, timeline_closed_in_the_middle)
{
	OK(import_fence(self->dmabuf, self->one, 1, WRITE));
	EXPORT_TO_POINT(self->dmabuf, READ, 1);
	IMPORT_FROM_POINT(self->other, WRITE, 1);
	EXPECT_FALSE(is_ready(self->other, POLLIN));
	close(self->one);
	self->one = -1;
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 1, 5000));
	EXPECT_EQ(1, wait_for(self->other, POLLIN, 5000));
}

TEST_HARNESS_MAIN

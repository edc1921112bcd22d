// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls that Mesa makes for a buffer which it shares, in their order: its
 * Vulkan window system at acquire and present, and its GL driver for Intel, iris,
 * for each shared buffer of a batch. The work of a GPU is a fence of sw_sync,
 * which is put where a GPU's driver puts its own: into a syncobj.
 */
#include "devices.h"

#define IMAGES	3

FIXTURE(wsi) {
	int drm;		/* of the Vulkan and the GL driver */
	int vgem;		/* a driver that knows of implicit fences only */
	int images[IMAGES];
	__u32 handles[IMAGES];	/* of vgem */
	__u32 acquired;		/* semaphores, which are syncobjs */
	__u32 rendered;
	int gpu;
	int gl;
	int test;
};

FIXTURE_SETUP(wsi)
{
	prctl(PR_SET_NAME, "t");
	self->drm = device_open("virtio_gpu");
	if (self->drm == -ENODEV)
		SKIP(return, "no device that has syncobjs");
	self->vgem = FD(vgem_open());
	for (int i = 0; i < IMAGES; i++) {
		self->images[i] = FD(buffer_of(self->drm));
		OK(prime_import(self->vgem, self->images[i],
				&self->handles[i]));
	}
	self->gpu = FD(timeline_open());
	self->gl = FD(timeline_open());
	self->test = FD(xopen("/dev/dma_resv_test"));
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->acquired)));
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->rendered)));
}

FIXTURE_TEARDOWN(wsi)
{
	drmSyncobjDestroy(self->drm, self->rendered);
	drmSyncobjDestroy(self->drm, self->acquired);
	close(self->test);
	close(self->gl);
	close(self->gpu);
	for (int i = 0; i < IMAGES; i++)
		close(self->images[i]);
	close(self->vgem);
	close(self->drm);
}

/* Vulkan's acquire: the semaphore signals when nobody uses the image any more. */
static int acquire(int drm_fd, int image, __u32 semaphore)
{
	int fd = dmabuf_export(image, RW);

	return fd < 0 ? fd : syncobj_import(drm_fd, semaphore, fd);
}

/* Vulkan's present: the image is busy until the semaphore signals. */
static int present(int drm_fd, int image, __u32 semaphore)
{
	int fd = syncobj_export(drm_fd, semaphore), ret;

	if (fd < 0)
		return fd;
	ret = dmabuf_import(image, fd, RW);
	close(fd);
	return ret;
}

/* A job of the GPU: its fence, as the driver's submit leaves it in a syncobj. */
static int submit(int drm_fd, __u32 syncobj, int timeline, __u32 seqno)
{
	int fd = timeline_fence(timeline, seqno);

	return fd < 0 ? fd : syncobj_import(drm_fd, syncobj, fd);
}

#define SUBMIT(seqno) \
	OK(submit(self->drm, self->rendered, self->gpu, seqno))

/*
 * A batch of iris with so many shared buffers: first a syncobj to wait for from
 * each, then one fence of the batch into all of them.
 */
static int iris_batch(int drm_fd, const int *bos, int count, __u32 *waits,
		      int timeline, __u32 seqno)
{
	__u32 done;
	int i, fd, ret = 0;

	for (i = 0; i < count; i++) {
		ret = drm(drmSyncobjCreate(drm_fd, 0, &waits[i]));
		if (!ret)
			ret = acquire(drm_fd, bos[i], waits[i]);
		if (ret)
			return ret;
	}
	ret = drm(drmSyncobjCreate(drm_fd, 0, &done));
	if (ret)
		return ret;
	ret = submit(drm_fd, done, timeline, seqno);
	fd = ret ? ret : syncobj_export(drm_fd, done);
	for (i = 0; i < count && fd >= 0 && !ret; i++)
		ret = dmabuf_import(bos[i], fd, WRITE);
	close(fd);
	drmSyncobjDestroy(drm_fd, done);
	return fd < 0 ? fd : ret;
}

/* An implicit reader of the image holds Vulkan's next frame back. */
TEST_F(wsi, acquire_waits_for_an_implicit_reader)
{
	__u32 fence;

	OK(vgem_attach(self->vgem, self->handles[0], false, &fence));
	OK(acquire(self->drm, self->images[0], self->acquired));
	EXPECT_EQ(0, syncobj_wait(self->drm, self->acquired, 0, 20));
	OK(vgem_signal(self->vgem, fence));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->acquired, 0, 5000));
}

/* E2: what is attached after an acquire does not hold that acquire back. */
TEST_F(wsi, acquire_does_not_wait_for_what_comes_later)
{
	__u32 before, later;

	OK(vgem_attach(self->vgem, self->handles[0], true, &before));
	OK(acquire(self->drm, self->images[0], self->acquired));
	OK(vgem_signal(self->vgem, before));
	OK(vgem_attach(self->vgem, self->handles[0], true, &later));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->acquired, 0, 5000));
	EXPECT_FALSE(is_ready(self->images[0], POLLIN));
	OK(vgem_signal(self->vgem, later));
}

/* An implicit reader waits for the frame that Vulkan has presented. */
TEST_F(wsi, present_holds_an_implicit_reader)
{
	__u32 fence;

	OK(acquire(self->drm, self->images[0], self->acquired));
	SUBMIT(1);
	OK(present(self->drm, self->images[0], self->rendered));
	EXPECT_FALSE(is_ready(self->images[0], POLLIN));
	EXPECT_EQ(-EBUSY, vgem_attach(self->vgem, self->handles[0], false,
				      &fence));
	OK(timeline_inc(self->gpu, 1));
	EXPECT_EQ(1, wait_for(self->images[0], POLLIN, 5000));
	OK(vgem_attach(self->vgem, self->handles[0], false, &fence));
	OK(vgem_signal(self->vgem, fence));
}

/* Presenting does not take away the fence of somebody who still reads. */
TEST_F(wsi, present_keeps_an_implicit_reader)
{
	__u32 fence;

	OK(vgem_attach(self->vgem, self->handles[0], false, &fence));
	SUBMIT(1);
	OK(present(self->drm, self->images[0], self->rendered));
	OK(timeline_inc(self->gpu, 1));
	EXPECT_EQ(1, wait_for(self->images[0], POLLIN, 5000));
	EXPECT_FALSE(is_ready(self->images[0], POLLOUT));
	OK(acquire(self->drm, self->images[0], self->acquired));
	EXPECT_EQ(0, syncobj_wait(self->drm, self->acquired, 0, 20));
	OK(vgem_signal(self->vgem, fence));
	EXPECT_EQ(1, syncobj_wait(self->drm, self->acquired, 0, 5000));
}

/* A batch of iris waits for each of its buffers, and all wait for the batch. */
TEST_F(wsi, iris_batch_with_several_buffers)
{
	__u32 waits[IMAGES], fence;

	SUBMIT(1);
	OK(present(self->drm, self->images[0], self->rendered));
	OK(vgem_attach(self->vgem, self->handles[1], true, &fence));
	OK(iris_batch(self->drm, self->images, IMAGES, waits, self->gl, 1));
	EXPECT_EQ(0, syncobj_wait(self->drm, waits[0], 0, 20));
	EXPECT_EQ(0, syncobj_wait(self->drm, waits[1], 0, 20));
	EXPECT_EQ(1, syncobj_wait(self->drm, waits[2], 0, 0));
	OK(timeline_inc(self->gpu, 1));
	EXPECT_EQ(1, syncobj_wait(self->drm, waits[0], 0, 5000));
	OK(vgem_signal(self->vgem, fence));
	EXPECT_EQ(1, syncobj_wait(self->drm, waits[1], 0, 5000));
	for (int i = 0; i < IMAGES; i++) {
		EXPECT_FALSE(is_ready(self->images[i], POLLIN));
		drmSyncobjDestroy(self->drm, waits[i]);
	}
	OK(timeline_inc(self->gl, 1));
	for (int i = 0; i < IMAGES; i++)
		EXPECT_EQ(1, wait_for(self->images[i], POLLOUT, 5000));
}

/*
 * I4: 300 frames: Vulkan renders an image, iris reads it. Each waits for the other,
 * and for nothing else; the list of an image stays as short as at the start.
 */
TEST_F(wsi, i4_frames_between_vulkan_and_iris)
{
	for (__u32 frame = 1; frame <= 300; frame++) {
		int image = self->images[frame % IMAGES];
		__u32 wait;

		OK(acquire(self->drm, image, self->acquired));
		ASSERT_EQ(1, syncobj_wait(self->drm, self->acquired, 0, 0));
		SUBMIT(frame);
		OK(present(self->drm, image, self->rendered));

		OK(iris_batch(self->drm, &image, 1, &wait, self->gl, frame));
		ASSERT_EQ(0, syncobj_wait(self->drm, wait, 0, 0));
		OK(timeline_inc(self->gpu, 1));
		ASSERT_EQ(1, syncobj_wait(self->drm, wait, 0, 5000));
		drmSyncobjDestroy(self->drm, wait);

		OK(acquire(self->drm, image, self->acquired));
		ASSERT_EQ(0, syncobj_wait(self->drm, self->acquired, 0, 0));
		OK(timeline_inc(self->gl, 1));
		ASSERT_GE(2, resv_list(self->test, image, NULL, 0));
	}
}

/* The window's client dies with an image that it has presented. */
TEST_F(wsi, client_dies_after_present)
{
	int status;
	pid_t pid;

	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(submit(self->drm, self->rendered, self->gpu, 1) ||
		      present(self->drm, self->images[0], self->rendered));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_FALSE(is_ready(self->images[0], POLLIN));
	OK(timeline_inc(self->gpu, 1));
	EXPECT_EQ(1, wait_for(self->images[0], POLLOUT, 5000));
}

TEST_HARNESS_MAIN

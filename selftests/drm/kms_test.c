// SPDX-License-Identifier: GPL-2.0-only
/*
 * A display shows a buffer when those who write it are done: told by a fence that
 * was exported (IN_FENCE_FD), or by the buffer itself. What says that the display
 * has changed (OUT_FENCE_PTR) goes back into a buffer.
 */
#include "display.h"

FIXTURE(kms) {
	struct display display;
	int one;
	int two;
	int test;
	int back;		/* the picture that is not shown: its dma-buf */
	int front;
};

FIXTURE_VARIANT(kms) {
	const char *driver;
};

FIXTURE_VARIANT_ADD(kms, vkms) { .driver = "vkms" };
FIXTURE_VARIANT_ADD(kms, virtio_gpu) { .driver = "virtio_gpu" };

FIXTURE_SETUP(kms)
{
	int ret;

	prctl(PR_SET_NAME, "t");
	ret = display_open(&self->display, variant->driver);
	if (ret == -ENODEV)
		SKIP(return, "no such display here");
	ASSERT_EQ(0, ret);
	self->front = self->display.pictures[0].dmabuf;
	self->back = self->display.pictures[1].dmabuf;
	self->one = FD(timeline_open());
	self->two = FD(timeline_open());
	self->test = FD(xopen("/dev/dma_resv_test"));
}

FIXTURE_TEARDOWN(kms)
{
	close(self->test);
	close(self->one);
	close(self->two);
	close(self->front);
	close(self->back);
	close(self->display.fd);
}

#define SHOWN(ms)	flips(&self->display, ms)
#define SHOW(...)	OK(show(&self->display, __VA_ARGS__))

/* E1: an exported fence holds a flip back until the writer is done. */
TEST_F(kms, e1_export_as_in_fence_holds_the_flip)
{
	int fd;

	OK(import_fence(self->back, self->one, 1, WRITE));
	fd = FD(dmabuf_export(self->back, READ));
	SHOW(1, fd, NULL);
	close(fd);
	EXPECT_EQ(0, SHOWN(100));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, SHOWN(5000));
}

/*
 * E5: whatever shape the export has, and wherever in it the fence is that signals
 * last: @flip imports it before a crowd of so many contexts and the next time behind.
 */
TEST_F(kms, e5_export_of_many_contexts_as_in_fence)
{
	static const __u32 counts[] = { 2, 17, 500, 2500 };

	for (int flip = 0; flip < 8; flip++) {
		__u32 count = counts[flip / 2], seqno = (__u32)flip + 1;
		int crowd = FD(make_crowd(self->test, count)), fd;

		if (flip % 2 == 0)
			OK(import_fence(self->back, self->one, seqno, WRITE));
		OK(dmabuf_import(self->back, crowd, WRITE));
		if (flip % 2 == 1)
			OK(import_fence(self->back, self->one, seqno, WRITE));
		fd = FD(dmabuf_export(self->back, READ));
		ASSERT_EQ(count + 1, sync_count(fd));
		SHOW(1, fd, NULL);
		OK(signal_all(self->test, crowd));
		EXPECT_EQ(flip, SHOWN(100));
		OK(timeline_inc(self->one, 1));
		EXPECT_EQ(flip + 1, SHOWN(5000));
		close(fd);
		close(crowd);
	}
}

/* I1: without IN_FENCE_FD, the display's driver waits for the imported writer. */
TEST_F(kms, i1_imported_writer_holds_the_flip)
{
	OK(import_fence(self->back, self->one, 1, WRITE));
	SHOW(1, -1, NULL);
	EXPECT_EQ(0, SHOWN(100));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, SHOWN(5000));
}

/* I1: a display reads: it does not wait for other readers. */
TEST_F(kms, i1_imported_reader_does_not_hold_the_flip)
{
	OK(import_fence(self->back, self->one, 1, READ));
	SHOW(1, -1, NULL);
	EXPECT_EQ(1, SHOWN(5000));
	OK(timeline_inc(self->one, 1));
}

/* I2: the second writer does not make the display forget the first. */
TEST_F(kms, i2_both_writers_hold_the_flip)
{
	OK(import_fence(self->back, self->one, 1, WRITE));
	OK(import_fence(self->back, self->two, 1, WRITE));
	SHOW(1, -1, NULL);
	OK(timeline_inc(self->two, 1));
	EXPECT_EQ(0, SHOWN(100));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, SHOWN(5000));
}

/* I1: the display's own fence, imported, holds the next producer back. */
TEST_F(kms, i1_out_fence_imported_back)
{
	int out = -1, in, next;

	OK(import_fence(self->back, self->one, 1, WRITE));
	in = FD(dmabuf_export(self->back, READ));
	SHOW(1, in, &out);
	close(in);
	ASSERT_GE(out, 0);
	/* The old picture is on the screen until then. */
	OK(dmabuf_import(self->front, out, READ));
	next = FD(dmabuf_export(self->front, RW));
	EXPECT_FALSE(is_ready(next, POLLIN));
	EXPECT_TRUE(is_ready(self->front, POLLIN));
	EXPECT_FALSE(is_ready(self->front, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, SHOWN(5000));
	EXPECT_EQ(1, wait_for(next, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(self->front, POLLOUT, 5000));
	close(next);
	close(out);
}

/* I4: two buffers in turn: producer and display wait for each other. */
TEST_F(kms, i4_frames_of_two_buffers)
{
	for (int frame = 1; frame <= 30; frame++) {
		int back = self->display.pictures[frame % 2].dmabuf;
		int front = self->display.pictures[(frame + 1) % 2].dmabuf;
		int acquired = FD(dmabuf_export(back, RW)), out = -1, in;
		int render = FD(timeline_fence(self->one, (__u32)frame));

		/* The flip before has put its fence here. */
		ASSERT_EQ(1, wait_for(acquired, POLLIN, 5000));
		OK(dmabuf_import(back, render, WRITE));
		in = FD(dmabuf_export(back, READ));
		SHOW(frame % 2, in, &out);
		OK(dmabuf_import(front, FD(out), READ));
		ASSERT_FALSE(is_ready(out, POLLIN));
		ASSERT_FALSE(is_ready(front, POLLOUT));
		OK(timeline_inc(self->one, 1));
		ASSERT_EQ(frame, SHOWN(5000));
		ASSERT_EQ(1, wait_for(out, POLLIN, 5000));
		ASSERT_GE(2, resv_list(self->test, back, NULL, 0));
		close(acquired);
		close(render);
		close(in);
		close(out);
	}
}

/* The producer dies without signaling: the flip comes, and nothing hangs. */
TEST_F(kms, timeline_closed_in_the_middle)
{
	int in;

	OK(import_fence(self->back, self->one, 1, WRITE));
	in = FD(dmabuf_export(self->back, READ));
	SHOW(1, in, NULL);
	close(in);
	EXPECT_EQ(0, SHOWN(50));
	close(self->one);
	self->one = -1;
	EXPECT_EQ(1, SHOWN(5000));
}

TEST_HARNESS_MAIN

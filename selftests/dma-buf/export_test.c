// SPDX-License-Identifier: GPL-2.0-only
/* DMA_BUF_IOCTL_EXPORT_SYNC_FILE: promises E1 to E4. */

#include <pthread.h>

#include "harness.h"

/* E1: a reader waits for writers, not for other readers. */
TEST_F(buffer, e1_read_export_waits_for_writers_only)
{
	int reader = FD(timeline_fence(self->one, 1));
	int writer = FD(timeline_fence(self->two, 1));
	int fd;

	OK(dmabuf_import(self->dmabuf, reader, READ));
	OK(dmabuf_import(self->dmabuf, writer, WRITE));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->two, 1));
	EXPECT_TRUE(is_ready(fd, POLLIN));
	EXPECT_FALSE(is_ready(reader, POLLIN));
}

/* E1: a writer waits for everybody, however it spells the flags. */
TEST_F(buffer, e1_write_export_waits_for_readers_and_writers)
{
	int reader = FD(timeline_fence(self->one, 1));
	int writer = FD(timeline_fence(self->two, 1));
	int write, rw;

	OK(dmabuf_import(self->dmabuf, reader, READ));
	OK(dmabuf_import(self->dmabuf, writer, WRITE));
	write = FD(dmabuf_export(self->dmabuf, WRITE));
	rw = FD(dmabuf_export(self->dmabuf, RW));
	OK(timeline_inc(self->two, 1));
	EXPECT_FALSE(is_ready(write, POLLIN));
	EXPECT_FALSE(is_ready(rw, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_TRUE(is_ready(write, POLLIN));
	EXPECT_TRUE(is_ready(rw, POLLIN));
}

/* E1: KERNEL fences count for every user, BOOKKEEP fences for none. */
TEST_F(buffer, e1_kernel_is_exported_and_bookkeep_is_not)
{
	int kernel = FD(timeline_fence(self->one, 1));
	int bookkeep = FD(timeline_fence(self->two, 1));
	int read, write;

	NEEDS_USAGES(EXCLUSIVE);
	OK(resv_add(self->test, self->dmabuf, kernel, DMA_RESV_TEST_KERNEL));
	OK(resv_add(self->test, self->dmabuf, bookkeep,
		    DMA_RESV_TEST_BOOKKEEP));
	read = FD(dmabuf_export(self->dmabuf, READ));
	write = FD(dmabuf_export(self->dmabuf, WRITE));
	EXPECT_FALSE(is_ready(read, POLLIN));
	EXPECT_FALSE(is_ready(write, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_TRUE(is_ready(read, POLLIN));
	EXPECT_TRUE(is_ready(write, POLLIN));
}

/* E1: the same answer as poll() on the buffer, for a driver's own fence. */
TEST(e1_export_of_a_driver_fence_agrees_with_poll)
{
	int vgem, dmabuf, read, write;
	__u32 handle, fence;

	NEEDS_DRM();
	vgem = FD(vgem_open());
	dmabuf = FD(vgem_create(vgem, &handle));
	OK(vgem_attach(vgem, handle, false, &fence));
	read = FD(dmabuf_export(dmabuf, READ));
	write = FD(dmabuf_export(dmabuf, WRITE));
	EXPECT_TRUE(is_ready(read, POLLIN));
	EXPECT_TRUE(is_ready(dmabuf, POLLIN));
	EXPECT_FALSE(is_ready(write, POLLIN));
	EXPECT_FALSE(is_ready(dmabuf, POLLOUT));
	OK(vgem_signal(vgem, fence));
	EXPECT_EQ(1, wait_for(write, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(dmabuf, POLLOUT, 5000));
}

/* E2: what comes after the call is not part of the snapshot. */
TEST_F(buffer, e2_export_is_a_snapshot)
{
	int before = FD(timeline_fence(self->one, 1));
	int after = FD(timeline_fence(self->two, 1));
	int fd;

	OK(dmabuf_import(self->dmabuf, before, WRITE));
	fd = FD(dmabuf_export(self->dmabuf, RW));
	OK(dmabuf_import(self->dmabuf, after, WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_TRUE(is_ready(fd, POLLIN));
}

struct importer {
	int dmabuf;
	int timeline;
	int last;
	int done;
	int error;
};

static void *import_many(void *data)
{
	struct importer *job = data;
	int i, fd;

	for (i = 1; i <= job->last && !job->error; i++) {
		fd = timeline_fence(job->timeline, (__u32)i);
		job->error = fd < 0 ? fd : dmabuf_import(job->dmabuf, fd, WRITE);
		close(fd);
		__atomic_store_n(&job->done, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* E2: an import that has returned is part of every later export. */
TEST_F(buffer, e2_export_holds_every_import_that_has_returned)
{
	struct importer job = { self->dmabuf, self->one, 2000, 0, 0 };
	int reader = FD(timeline_fence(self->two, 1));
	int done = 0, exports = 0;
	pthread_t thread;

	/* A first entry, so that the fence in question is not the first. */
	OK(dmabuf_import(self->dmabuf, reader, READ));
	OK(pthread_create(&thread, NULL, import_many, &job));
	while (done < job.last && !job.error) {
		int all, fd;

		done = __atomic_load_n(&job.done, __ATOMIC_ACQUIRE);
		fd = FD(dmabuf_export(self->dmabuf, READ));
		all = FD(dmabuf_export(self->dmabuf, RW));
		if (done) {
			ASSERT_GE(sync_seqno(fd), done);
			ASSERT_EQ(2, sync_count(all));
		}
		close(all);
		close(fd);
		exports++;
	}
	OK(pthread_join(thread, NULL));
	EXPECT_EQ(0, job.error);
	EXPECT_GT(exports, 0);
}

struct holder {
	int test;
	int dmabuf;
	int holds;
	int released;
};

static void *hold_lock(void *data)
{
	struct holder *job = data;

	__atomic_store_n(&job->holds, 1, __ATOMIC_RELEASE);
	resv_hold(job->test, job->dmabuf, 3000);
	return NULL;
}

/* E3: an export does not wait for whoever holds the lock; an import does. */
TEST_F(buffer, e3_export_does_not_wait_for_the_lock)
{
	struct holder job = { self->test, self->dmabuf, 0, 0 };
	int fence = FD(timeline_fence(self->one, 1));
	pthread_t thread;
	uint64_t start;
	int i;

	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	OK(pthread_create(&thread, NULL, hold_lock, &job));
	while (!__atomic_load_n(&job.holds, __ATOMIC_ACQUIRE))
		sleep_ms(1);
	sleep_ms(500);
	start = now_ns();
	for (i = 0; i < 10; i++)
		close(FD(dmabuf_export(self->dmabuf, RW)));
	EXPECT_LT(now_ns() - start, 1500 * 1000000ULL);
	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	EXPECT_GE(now_ns() - start, 1500 * 1000000ULL);
	OK(pthread_join(thread, NULL));
}

static void *churn_list(void *data)
{
	struct holder *job = data;

	resv_churn(job->test, job->dmabuf, 3000);
	__atomic_store_n(&job->released, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* E3: a reader that writers keep overtaking still finishes, with all of it. */
TEST_F_TIMEOUT(buffer, e3_export_finishes_among_writers, 120)
{
	enum { COUNT = 32 };
	struct holder job = { self->test, self->dmabuf, 0, 0 };
	int exports = 0;
	pthread_t thread;

	for (int i = 0; i < COUNT; i++)
		OK(dmabuf_import(self->dmabuf,
				 FD(timeline_fence(FD(timeline_open()), 1)),
				 READ));
	OK(pthread_create(&thread, NULL, churn_list, &job));
	while (!__atomic_load_n(&job.released, __ATOMIC_ACQUIRE)) {
		int fd = FD(dmabuf_export(self->dmabuf, RW));

		ASSERT_EQ(COUNT, sync_count(fd));
		close(fd);
		exports++;
	}
	OK(pthread_join(thread, NULL));
	EXPECT_GT(exports, 10);
}

/* E4: a writer and a later reader of one context make one fence. */
TEST_F(buffer, e4_one_fence_for_each_context)
{
	int fd;

	NEEDS_MODULE("the kernel's own export keeps both fences of a context");
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)),
			 READ));
	fd = FD(dmabuf_export(self->dmabuf, WRITE));
	EXPECT_EQ(1, sync_count(fd));
	EXPECT_EQ(2, sync_seqno(fd));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(1, sync_seqno(fd));
}

/* E4: fences that have signaled are not exported. */
TEST_F(buffer, e4_signaled_fences_are_left_out)
{
	int fd;

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->two, 1)),
			 WRITE));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(2, sync_count(fd));
	OK(timeline_inc(self->one, 1));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(1, sync_count(fd));
}

/* E4: an idle buffer gives a signaled sync_file. */
TEST_F(buffer, e4_idle_buffer_exports_signaled)
{
	int fd = FD(dmabuf_export(self->dmabuf, RW));

	EXPECT_TRUE(is_ready(fd, POLLIN));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	OK(timeline_inc(self->one, 1));
	fd = FD(dmabuf_export(self->dmabuf, RW));
	EXPECT_TRUE(is_ready(fd, POLLIN));
}

/* E1, at size: a result of many contexts still waits for each of them. */
TEST_F(buffer, e1_export_of_many_contexts_waits_for_the_last)
{
	enum { COUNT = 300 };
	int timelines[COUNT], i, fd;

	for (i = 0; i < COUNT; i++) {
		int fence;

		timelines[i] = FD(timeline_open());
		fence = FD(timeline_fence(timelines[i], 1));
		OK(dmabuf_import(self->dmabuf, fence, READ));
		close(fence);
	}
	fd = FD(dmabuf_export(self->dmabuf, WRITE));
	EXPECT_EQ(COUNT, sync_count(fd));
	for (i = 0; i < COUNT; i++) {
		EXPECT_FALSE(is_ready(fd, POLLIN));
		OK(timeline_inc(timelines[(i * 7) % COUNT], 1));
	}
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_HARNESS_MAIN

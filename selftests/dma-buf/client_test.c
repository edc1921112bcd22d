// SPDX-License-Identifier: GPL-2.0-only
/*
 * dma-buf-sync.h: the same answers with the calls for many buffers and without.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "harness.h"
#include "../../include/dma-buf-sync.h"

#define COUNT	6
#define IDLE	DMA_BUF_SYNC_MANY_NO_IDLE_FD

/* Buffers in a row, as entries, and a timeline for each. */
FIXTURE(frame) {
	struct dma_buf_sync_entry entries[COUNT];
	struct dma_buf_sync_many many;
	struct dma_buf_sync_query can;
	int timelines[COUNT];
	int fds;
};

/* As the kernel says, as if it had no calls for many, or as if it had. */
FIXTURE_VARIANT(frame) {
	bool ask;
	__u64 features;
};

FIXTURE_VARIANT_ADD(frame, kernel) { .ask = true };
FIXTURE_VARIANT_ADD(frame, fallback) { .features = 0 };
FIXTURE_VARIANT_ADD(frame, gone_since) { .features = 7 };

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

FIXTURE_SETUP(frame)
{
	prctl(PR_SET_NAME, "t");
	for (int i = 0; i < COUNT; i++) {
		self->entries[i].dmabuf = FD(udmabuf_create(4096));
		self->entries[i].flags = READ;
		self->timelines[i] = FD(timeline_open());
	}
	OK(dma_buf_sync_probe(self->entries[0].dmabuf, &self->can));
	if (!variant->ask)
		self->can.features = variant->features;
	self->many = dma_buf_sync_many_of(self->entries, COUNT);
	self->fds = open_fds();
}

FIXTURE_TEARDOWN(frame)
{
	/* Whatever a test has done, the calls have left nothing open. */
	EXPECT_EQ(self->fds, open_fds());
	for (int i = 0; i < COUNT; i++) {
		close(self->timelines[i]);
		close(self->entries[i].dmabuf);
	}
}

/* Attach fence number @seqno of its timeline to a buffer. */
static int make_busy(const struct dma_buf_sync_entry *entries,
		     const int *timelines, int i, __u32 seqno, __u32 flags)
{
	int fence = timeline_fence(timelines[i], seqno), ret;

	if (fence < 0)
		return fence;
	ret = dma_buf_sync_import(entries[i].dmabuf, flags, fence);
	close(fence);
	return ret;
}

#define BUSY(...) \
	OK(make_busy(self->entries, self->timelines, __VA_ARGS__))

TEST_F(frame, probe_tells_what_is_there)
{
	struct dma_buf_sync_query can;

	OK(dma_buf_sync_probe(self->entries[0].dmabuf, &can));
	ASSERT_EQ(module_serves(), !!can.features);
	ASSERT_GE(can.entries_max, 1024);
	ASSERT_EQ(-EBADF, dma_buf_sync_probe(-1, &can));
	ASSERT_EQ(0, can.features);
	OK(dma_buf_sync_probe(self->timelines[0], &can));
	ASSERT_EQ(0, can.features);
}

TEST_F(frame, export_many_waits_for_every_buffer)
{
	int fd;

	for (int i = 0; i < COUNT; i++)
		BUSY(i, 1, WRITE);
	OK(dma_buf_sync_export_many(&self->can, &self->many));
	fd = FD(self->many.export_fd);
	ASSERT_EQ(COUNT, sync_count(fd));
	for (int i = 0; i < COUNT; i++) {
		ASSERT_FALSE(is_ready(fd, POLLIN));
		OK(timeline_inc(self->timelines[i], 1));
	}
	ASSERT_TRUE(is_ready(fd, POLLIN));
	close(fd);
}

TEST_F(frame, export_many_looks_at_the_flags_of_each)
{
	BUSY(0, 1, READ);
	BUSY(1, 1, READ);
	self->entries[1].flags = WRITE;
	OK(dma_buf_sync_export_many(&self->can, &self->many));
	ASSERT_EQ(1, sync_count(self->many.export_fd));
	OK(timeline_inc(self->timelines[1], 1));
	ASSERT_TRUE(is_ready(self->many.export_fd, POLLIN));
	close(self->many.export_fd);
}

TEST_F(frame, idle_buffers_need_no_fd)
{
	self->many.flags = IDLE;
	OK(dma_buf_sync_export_many(&self->can, &self->many));
	ASSERT_EQ(-1, self->many.export_fd);
	self->many.flags = 0;
	OK(dma_buf_sync_export_many(&self->can, &self->many));
	ASSERT_TRUE(is_ready(FD(self->many.export_fd), POLLIN));
	close(self->many.export_fd);

	/* One that is busy, wherever it stands, is enough. */
	for (int i = 0; i < COUNT; i++) {
		BUSY(i, 1, WRITE);
		self->many.flags = IDLE;
		OK(dma_buf_sync_export_many(&self->can, &self->many));
		ASSERT_FALSE(is_ready(FD(self->many.export_fd), POLLIN));
		close(self->many.export_fd);
		OK(timeline_inc(self->timelines[i], 1));
	}
}

TEST_F(frame, deadline_is_set_or_told)
{
	int fence = FD(timeline_fence(self->timelines[0], 2));
	bool deadlines = has_deadlines(self->timelines[0], fence);

	close(fence);
	self->many.flags = DMA_BUF_SYNC_MANY_DEADLINE;
	self->many.deadline_ns = now_ns() + 1000000;
	OK(dma_buf_sync_export_many(&self->can, &self->many));
	close(self->many.export_fd);
	ASSERT_EQ(0, self->many.answer);
	BUSY(0, 1, WRITE);
	OK(dma_buf_sync_export_many(&self->can, &self->many));
	close(self->many.export_fd);
	ASSERT_EQ(deadlines ? 0 : DMA_BUF_SYNC_MANY_NO_DEADLINE,
		  self->many.answer);
}

TEST_F(frame, import_many_goes_into_every_buffer)
{
	int fence = FD(timeline_fence(self->timelines[0], 1));

	self->entries[1].flags = WRITE;
	self->many.import_fd = fence;
	OK(dma_buf_sync_import_many(&self->can, &self->many));
	ASSERT_EQ(-1, self->many.export_fd);
	close(fence);
	for (int i = 0; i < COUNT; i++) {
		ASSERT_EQ(i != 1, is_ready(self->entries[i].dmabuf, POLLIN));
		ASSERT_FALSE(is_ready(self->entries[i].dmabuf, POLLOUT));
	}
	OK(timeline_inc(self->timelines[0], 1));
	for (int i = 0; i < COUNT; i++)
		ASSERT_TRUE(is_ready(self->entries[i].dmabuf, POLLOUT));
}

TEST_F(frame, exchange_waits_for_the_others_only)
{
	int fence = FD(timeline_fence(self->timelines[0], 1)), fd;
	struct dma_buf_sync_entry other = self->entries[2];

	BUSY(1, 1, WRITE);
	self->entries[0].flags = WRITE;
	/* Twice the same: its own fence is not what it waits for. */
	self->entries[2] = self->entries[1];
	self->many.import_fd = fence;
	OK(dma_buf_sync_exchange(&self->can, &self->many));
	fd = FD(self->many.export_fd);
	ASSERT_EQ(1, sync_count(fd));
	OK(timeline_inc(self->timelines[1], 1));
	ASSERT_TRUE(is_ready(fd, POLLIN));
	close(fd);
	for (int i = 0; i < COUNT; i++)
		ASSERT_FALSE(is_ready(self->entries[i].dmabuf, POLLOUT));
	self->many.flags = IDLE;
	OK(timeline_inc(self->timelines[0], 1));
	OK(dma_buf_sync_exchange(&self->can, &self->many));
	ASSERT_EQ(-1, self->many.export_fd);
	close(fence);
	self->entries[2] = other;
}

TEST_F(frame, errors_are_the_same_and_leave_nothing)
{
	const struct dma_buf_sync_query *can = &self->can;
	struct dma_buf_sync_many *many = &self->many;
	int fence = FD(timeline_fence(self->timelines[0], 1)), good;

	for (int i = 0; i < COUNT; i++)
		BUSY(i, 1, READ);
	many->count = 0;
	ASSERT_EQ(-EINVAL, dma_buf_sync_export_many(can, many));
	many->count = can->entries_max + 1;
	ASSERT_EQ(-E2BIG, dma_buf_sync_export_many(can, many));
	many->count = COUNT;
	many->flags = 4;
	ASSERT_EQ(-EINVAL, dma_buf_sync_exchange(can, many));
	many->import_fd = fence;
	many->flags = IDLE;
	ASSERT_EQ(-EINVAL, dma_buf_sync_import_many(can, many));
	many->flags = 0;
	many->import_fd = self->timelines[0];
	ASSERT_EQ(-EINVAL, dma_buf_sync_import_many(can, many));
	ASSERT_EQ(-EINVAL, dma_buf_sync_exchange(can, many));
	ASSERT_EQ(-1, many->export_fd);
	many->import_fd = 0;
	many->deadline_ns = 1;
	ASSERT_EQ(-EINVAL, dma_buf_sync_export_many(can, many));
	many->deadline_ns = 0;
	many->import_fd = fence;
	ASSERT_EQ(-EINVAL, dma_buf_sync_export_many(can, many));

	for (__u32 i = 0; i < COUNT; i++) {
		self->entries[i].flags = 0;
		many->import_fd = 0;
		ASSERT_EQ(-EINVAL, dma_buf_sync_export_many(can, many));
		ASSERT_EQ(i, many->failed);
		many->import_fd = fence;
		ASSERT_EQ(-EINVAL, dma_buf_sync_exchange(can, many));
		ASSERT_EQ(i, many->failed);
		ASSERT_EQ(-1, many->export_fd);
		self->entries[i].flags = READ;

		good = self->entries[i].dmabuf;
		self->entries[i].dmabuf = 1023;
		ASSERT_EQ(-EBADF, dma_buf_sync_import_many(can, many));
		ASSERT_EQ(i, many->failed);
		self->entries[i].dmabuf = good;
	}
	close(fence);
}

/* The limit of descriptors that leaves so many free. */
static rlim_t limit_for(int room)
{
	rlim_t limit = 0;

	for (; room >= 0; limit++)
		room -= fcntl((int)limit, F_GETFD) < 0;
	return limit - 1;
}

/* Without a free descriptor, at whatever step. */
TEST_F(frame, no_descriptor_left)
{
	int fence = FD(timeline_fence(self->timelines[0], 2)), failed = 0;
	struct rlimit old, few;

	for (int i = 0; i < COUNT; i++)
		BUSY(i, 1, WRITE);
	OK(getrlimit(RLIMIT_NOFILE, &old));
	self->many.import_fd = fence;
	for (int room = 0; room < 4; room++) {
		int before = open_fds(), ret;

		few = old;
		few.rlim_cur = limit_for(room);
		OK(setrlimit(RLIMIT_NOFILE, &few));
		ret = dma_buf_sync_exchange(&self->can, &self->many);
		OK(setrlimit(RLIMIT_NOFILE, &old));
		if (ret) {
			ASSERT_EQ(-EMFILE, ret);
			failed++;
		} else {
			close(FD(self->many.export_fd));
		}
		ASSERT_EQ(before, open_fds());
	}
	/* One is enough for the kernel, three for what is done without it. */
	ASSERT_EQ(module_serves() && self->can.features ? 1 : 3, failed);
	close(fence);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A signal comes while the call waits for a lock that somebody holds. */
TEST_F(frame, signals_do_not_end_a_call)
{
	struct itimerval often = { { 0, 500 }, { 0, 500 } }, never = { 0 };
	int fence = FD(timeline_fence(self->timelines[0], 1)), status;
	struct sigaction action = { .sa_handler = on_signal };
	int test = FD(xopen("/dev/dma_resv_test"));
	uint64_t start;
	pid_t pid;

	OK(sigaction(SIGALRM, &action, NULL));
	pid = fork();
	ASSERT_GE(pid, 0);
	if (!pid)
		_exit(!!resv_hold(test, self->entries[3].dmabuf, 1500));
	sleep_ms(100);
	self->many.import_fd = fence;
	start = now_ns();
	OK(setitimer(ITIMER_REAL, &often, NULL));
	EXPECT_EQ(0, dma_buf_sync_import_many(&self->can, &self->many));
	OK(setitimer(ITIMER_REAL, &never, NULL));
	EXPECT_GE(now_ns() - start, 50000000);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	for (int i = 0; i < COUNT; i++)
		ASSERT_FALSE(is_ready(self->entries[i].dmabuf, POLLOUT));
	close(test);
	close(fence);
}

TEST_HARNESS_MAIN

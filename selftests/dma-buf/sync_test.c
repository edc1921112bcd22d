// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA_BUF_IOCTL_SYNC while the fences of the buffer change: promise I8.
 *
 * A sleeper is woken by one fence and goes on at the slot behind it, if the list is
 * at the same address as before. So each test changes the list until it is there
 * again, which one change does where a list never moves. If anything else moved, the
 * fence that all have to wait for is in front of their slot now, or they still know
 * slots that the list has no more: calls return early, or the kernel dies.
 *
 * The fence of "wake" is the one at which all sleep. That of "held" signals last.
 * Those of "other" and of the crowd come and go.
 */

#include <sched.h>

#include "many.h"
#include "sleepers.h"

enum { SLEEPERS = 32, CROWD = 16, CHANGES = 2000 };

FIXTURE(sync) {
	bool many;
	int dmabuf;
	int test;
	int wake;
	int held;
	__u32 held_seqno;
	int other;
	__u32 other_seqno;
	/* They signal together. */
	int crowd[CROWD];
	__u32 crowd_seqno;
	struct sleeper sleepers[SLEEPERS];
};

/* How fences are imported: into one buffer, or into many. */
FIXTURE_VARIANT(sync) {
	bool many;
};

FIXTURE_VARIANT_ADD(sync, import) { .many = false };
FIXTURE_VARIANT_ADD(sync, import_many) { .many = true };

#define TEST_DATA	FIXTURE_DATA(sync)

FIXTURE_SETUP(sync)
{
	cpu_set_t cpus;

	if (variant->many)
		NEEDS_MODULE("the kernel has no calls for many buffers");
	self->many = variant->many;
	prctl(PR_SET_NAME, "t");
	self->dmabuf = FD(udmabuf_create(4096));
	self->test = FD(xopen("/dev/dma_resv_test"));
	self->wake = FD(timeline_open());
	self->held = FD(timeline_open());
	self->other = FD(timeline_open());
	for (int i = 0; i < CROWD; i++)
		self->crowd[i] = FD(timeline_open());
	self->crowd_seqno = 1;
	/* Memory that is given away on a processor comes back there. */
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	OK(sched_setaffinity(0, sizeof(cpus), &cpus));
	/* The first call of all maps the pages. */
	OK(dmabuf_sync(self->dmabuf, READ));
}

FIXTURE_TEARDOWN(sync)
{
	for (int i = 0; i < CROWD; i++)
		close(self->crowd[i]);
	close(self->other);
	close(self->held);
	close(self->wake);
	close(self->test);
	close(self->dmabuf);
}

static int import(TEST_DATA *self, int fence, __u32 flags)
{
	if (!self->many)
		return dmabuf_import(self->dmabuf, fence, flags);
	return import_many(self->dmabuf, ENTRIES({ self->dmabuf, flags }),
			   fence);
}

/* 0, or what is wrong; @fence is closed. */
static int import_close(TEST_DATA *self, int fence, __u32 flags)
{
	int ret = fence < 0 ? fence : import(self, fence, flags);

	if (fence >= 0)
		close(fence);
	return ret;
}

static int import_next(TEST_DATA *self, int timeline, __u32 *seqno)
{
	return import_close(self, timeline_fence(timeline, ++*seqno), WRITE);
}

static int import_wake(TEST_DATA *self)
{
	return import_close(self, timeline_fence(self->wake, 1), WRITE);
}

static int import_held(TEST_DATA *self)
{
	return import_next(self, self->held, &self->held_seqno);
}

/* A fence once more when it has signaled: all that this does is to clear away. */
static int import_signaled(TEST_DATA *self)
{
	int fence = timeline_fence(self->other, ++self->other_seqno), ret;

	ret = fence < 0 ? fence : import(self, fence, WRITE);
	ret = ret ?: timeline_inc(self->other, 1);
	return ret ?: import_close(self, fence, WRITE);
}

/* Some of the crowd, in one file. */
static int import_crowd(TEST_DATA *self, int first, int count, __u32 flags)
{
	int all = timeline_fence(self->crowd[first], self->crowd_seqno), i;

	for (i = first + 1; i < first + count && all >= 0; i++) {
		int one = timeline_fence(self->crowd[i], self->crowd_seqno);
		int merged = sync_merge(all, one);

		close(one);
		close(all);
		all = merged;
	}
	return import_close(self, all, flags);
}

/* All of the crowd, whether they have a fence in the list or not. */
static int crowd_signal(TEST_DATA *self)
{
	int ret = 0, i;

	for (i = 0; i < CROWD && !ret; i++)
		ret = timeline_inc(self->crowd[i], 1);
	self->crowd_seqno++;
	return ret;
}

/* All sleep at the same fence, half of them to write. */
static int count_started(TEST_DATA *self)
{
	int count = 0, i;

	for (i = 0; i < SLEEPERS; i++)
		count += sleeper_start(&self->sleepers[i], dmabuf_sync,
				       self->dmabuf, i % 2 ? WRITE : READ);
	return count;
}

static int count_sleeping(TEST_DATA *self)
{
	int count = 0, i;

	for (i = 0; i < SLEEPERS; i++)
		count += sleeper_sleeps(&self->sleepers[i]);
	return count;
}

static int count_answered(TEST_DATA *self)
{
	int count = 0, i;

	for (i = 0; i < SLEEPERS; i++)
		count += !sleeper_end(&self->sleepers[i], 10);
	return count;
}

typedef int change_fn(TEST_DATA *self);

/* Until the list is where it was when all fell asleep: how often it was changed. */
static int change_back(TEST_DATA *self, change_fn *change)
{
	uint64_t where = resv_where(self->test, self->dmabuf);
	int count = 0, ret;

	do {
		ret = change(self);
		if (ret)
			return ret;
		if (count % 100 == 0)
			free_lists();
	} while (++count < CHANGES &&
		 resv_where(self->test, self->dmabuf) != where);
	return count;
}

#define CHANGE_BACK(change) \
	do { \
		int __changes = change_back(self, change); \
		ASSERT_GT(__changes, 0); \
		TH_LOG("%d changes", __changes); \
	} while (0)

/* All are woken, and sleep again; with the last fence all calls return. */
#define EXPECT_NONE_IS_EARLY() \
	do { \
		OK(timeline_inc(self->wake, 1)); \
		EXPECT_EQ(SLEEPERS, count_sleeping(self)); \
		EXPECT_FALSE(is_ready(self->dmabuf, POLLIN)); \
		OK(timeline_inc(self->held, self->held_seqno)); \
		EXPECT_EQ(SLEEPERS, count_answered(self)); \
		EXPECT_TRUE(is_ready(self->dmabuf, POLLOUT)); \
	} while (0)

/* What is in front goes; behind is as much as before again. */
TEST_F(sync, i8_sleepers_keep_their_slot_when_few_are_pruned)
{
	OK(import_crowd(self, 0, 1, WRITE));
	OK(import_wake(self));
	OK(import_held(self));
	OK(crowd_signal(self));
	ASSERT_EQ(SLEEPERS, count_started(self));
	CHANGE_BACK(import_signaled);
	OK(import_crowd(self, 0, 1, WRITE));
	OK(crowd_signal(self));
	EXPECT_NONE_IS_EARLY();
}

/* The list shrinks to two, is filled up, and grows. */
static int shrink_and_grow(TEST_DATA *self)
{
	int ret = crowd_signal(self);

	ret = ret ?: import_signaled(self);
	ret = ret ?: import_crowd(self, 0, 3, WRITE);
	return ret ?: import_crowd(self, 3, 9, WRITE);
}

TEST_F(sync, i8_sleepers_keep_their_slot_when_a_list_grows)
{
	OK(import_wake(self));
	OK(import_held(self));
	OK(import_crowd(self, 0, 12, WRITE));
	OK(crowd_signal(self));
	ASSERT_EQ(SLEEPERS, count_started(self));
	CHANGE_BACK(shrink_and_grow);
	OK(crowd_signal(self));
	EXPECT_NONE_IS_EARLY();
}

/* A fence makes room for a later one of its timeline, among many. */
TEST_F(sync, i8_sleepers_wait_for_a_later_fence_among_many)
{
	OK(import_crowd(self, 0, CROWD, READ));
	OK(import_held(self));
	OK(import_wake(self));
	ASSERT_EQ(SLEEPERS, count_started(self));
	CHANGE_BACK(import_held);
	OK(crowd_signal(self));
	EXPECT_NONE_IS_EARLY();
}

/* Sleepers know of more slots than are in use. */
TEST_F(sync, i8_slots_behind_the_last_of_few_are_fences)
{
	OK(import_crowd(self, 0, 1, WRITE));
	OK(import_wake(self));
	OK(import_held(self));
	OK(import_crowd(self, 1, 1, WRITE));
	OK(crowd_signal(self));
	ASSERT_EQ(SLEEPERS, count_started(self));
	CHANGE_BACK(import_signaled);
	EXPECT_NONE_IS_EARLY();
}

TEST_F(sync, i8_slots_behind_the_last_of_many_are_fences)
{
	OK(import_crowd(self, 0, CROWD, READ));
	OK(import_held(self));
	OK(import_wake(self));
	OK(import_next(self, self->other, &self->other_seqno));
	OK(timeline_inc(self->other, 1));
	ASSERT_EQ(SLEEPERS, count_started(self));
	CHANGE_BACK(import_signaled);
	OK(crowd_signal(self));
	EXPECT_NONE_IS_EARLY();
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * E5: what others see of an export, whatever its shape: when its last fence signaled
 * and whether one ended with an error, as SYNC_IOC_FILE_INFO tells, and all of it
 * where it is merged or imported.
 */
#include <stdlib.h>

#include "harness.h"

enum end { FIRST, LAST };

FIXTURE(shape) {
	int dmabuf;
	int test;
	int ends[2];		/* timelines of the buffer's first and last fence */
	int crowd;		/* all that is between them */
	int all;		/* the export of all of it */
	struct sync_fence_info *fences;
};

FIXTURE_VARIANT(shape) {
	__u32 contexts;
	enum end end;		/* which signals after all others */
};

#define CONTEXTS(name, count, which) \
	FIXTURE_VARIANT_ADD(shape, name) { .contexts = count, .end = which }

/* An array of one page holds 124, one that the allocator still likes some 1,000. */
CONTEXTS(few_first, 3, FIRST);
CONTEXTS(few_last, 3, LAST);
CONTEXTS(page_first, 124, FIRST);
CONTEXTS(page_last, 124, LAST);
CONTEXTS(past_a_page_first, 125, FIRST);
CONTEXTS(past_a_page_last, 125, LAST);
CONTEXTS(array_first, 300, FIRST);
CONTEXTS(array_last, 300, LAST);
CONTEXTS(past_an_array_first, 2500, FIRST);
CONTEXTS(past_an_array_last, 2500, LAST);

/*
 * Past the array this is a chain, of which links that have signaled are not told,
 * with their times, and which has no errors. The kernel's own export has none.
 */
#define IS_CHAIN()	(variant->contexts > 1100 && module_serves())
#define ERROR()		(IS_CHAIN() ? 1 : -ENOENT)

FIXTURE_SETUP(shape)
{
	prctl(PR_SET_NAME, "t");
	self->dmabuf = FD(udmabuf_create(4096));
	self->test = FD(xopen("/dev/dma_resv_test"));
	self->crowd = FD(make_crowd(self->test, variant->contexts - 2));
	for (int i = 0; i < 2; i++) {
		int fence;

		self->ends[i] = FD(timeline_open());
		fence = FD(timeline_fence(self->ends[i], 1));
		OK(dmabuf_import(self->dmabuf, fence, WRITE));
		close(fence);
		if (i == FIRST)
			OK(dmabuf_import(self->dmabuf, self->crowd, WRITE));
	}
	self->all = FD(dmabuf_export(self->dmabuf, READ));
	ASSERT_EQ(TOLD(variant->contexts), sync_count(self->all));
	self->fences = calloc(variant->contexts, sizeof(*self->fences));
	ASSERT_TRUE(self->fences);
}

FIXTURE_TEARDOWN(shape)
{
	free(self->fences);
	close(self->all);
	close(self->ends[LAST]);
	close(self->ends[FIRST]);
	close(self->crowd);
	close(self->test);
	close(self->dmabuf);
}

/* How many fences it tells of, in @fences; their status goes to @status. */
static int file_info(int fd, struct sync_fence_info *fences, __u32 room,
		     int *status)
{
	struct sync_file_info info = {
		.num_fences = room, .sync_fence_info = (uintptr_t)fences,
	};
	int ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);

	*status = info.status;
	return ret ? ret : (int)info.num_fences;
}

/* The time of the last of these. */
static uint64_t last_time(const struct sync_fence_info *fences, int count)
{
	uint64_t last = 0;

	while (count-- > 0)
		if (fences[count].timestamp_ns > last)
			last = fences[count].timestamp_ns;
	return last;
}

/* Signal the other end and all that is between. */
#define SIGNAL_ALL_BUT(end) \
	do { \
		OK(timeline_inc(self->ends[!(end)], 1)); \
		OK(signal_all(self->test, self->crowd)); \
	} while (0)

/* A window system shows when a frame was done: that is when the last fence was. */
TEST_F(shape, e5_time_of_the_last_signal)
{
	uint64_t before, after, last;
	int count, status;

	SIGNAL_ALL_BUT(variant->end);
	sleep_ms(50);
	EXPECT_FALSE(is_ready(self->all, POLLIN));
	before = now_ns();
	OK(timeline_inc(self->ends[variant->end], 1));
	after = now_ns();
	ASSERT_EQ(1, wait_for(self->all, POLLIN, 5000));
	count = file_info(self->all, self->fences, variant->contexts, &status);
	EXPECT_EQ(1, status);
	last = last_time(self->fences, count);
	if (IS_CHAIN()) {
		/* When it was noticed, which may be later. */
		EXPECT_LE(last, now_ns());
		EXPECT_LT(count, (int)variant->contexts);
	} else {
		EXPECT_LE(last, after);
		EXPECT_EQ(count, (int)variant->contexts);
		EXPECT_GE(last, before);
	}
}

/* Whoever waits for the whole learns of an error of one of them. */
TEST_F(shape, e5_error_of_the_last_to_signal_shows)
{
	int status;

	EXPECT_FALSE(is_ready(self->all, POLLIN));
	SIGNAL_ALL_BUT(variant->end);
	EXPECT_FALSE(is_ready(self->all, POLLIN));
	/* What a timeline has not signaled when it goes ends with this. */
	close(self->ends[variant->end]);
	self->ends[variant->end] = -1;
	ASSERT_EQ(1, wait_for(self->all, POLLIN, 5000));
	file_info(self->all, NULL, 0, &status);
	EXPECT_EQ(ERROR(), status);
	file_info(self->all, self->fences, variant->contexts, &status);
	if (!IS_CHAIN())
		EXPECT_EQ(-ENOENT, status);
}

/* An error that comes first shows in the end as well. */
TEST_F(shape, e5_error_of_the_first_to_signal_shows)
{
	int status;

	EXPECT_FALSE(is_ready(self->all, POLLIN));
	close(self->ends[!variant->end]);
	self->ends[!variant->end] = -1;
	OK(signal_all(self->test, self->crowd));
	EXPECT_FALSE(is_ready(self->all, POLLIN));
	OK(timeline_inc(self->ends[variant->end], 1));
	ASSERT_EQ(1, wait_for(self->all, POLLIN, 5000));
	file_info(self->all, NULL, 0, &status);
	EXPECT_EQ(ERROR(), status);
	file_info(self->all, self->fences, variant->contexts, &status);
	if (!IS_CHAIN())
		EXPECT_EQ(-ENOENT, status);
}

/* Merged with another, and imported into another buffer, it is still all of it. */
TEST_F(shape, e5_merged_and_imported_it_is_all)
{
	int other = FD(udmabuf_create(4096));
	int timeline = FD(timeline_open());
	int fence = FD(timeline_fence(timeline, 1));
	int merged = FD(sync_merge(self->all, fence));
	int again;

	EXPECT_EQ(TOLD(variant->contexts) + 1, sync_count(merged));
	OK(dmabuf_import(other, merged, WRITE));
	again = FD(dmabuf_export(other, READ));
	if (!has_exclusive(self->test))
		EXPECT_EQ((int)variant->contexts + 1, sync_count(again));
	OK(timeline_inc(timeline, 1));
	SIGNAL_ALL_BUT(variant->end);
	EXPECT_EQ(0, wait_for(merged, POLLIN, 20));
	EXPECT_EQ(0, wait_for(again, POLLIN, 20));
	EXPECT_FALSE(is_ready(other, POLLIN));
	OK(timeline_inc(self->ends[variant->end], 1));
	EXPECT_EQ(1, wait_for(merged, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(again, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(other, POLLIN, 5000));
	close(again);
	close(merged);
	close(fence);
	close(timeline);
	close(other);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promises I1 to I4 on a kernel with an exclusive fence and shared ones, by the
 * eyes of those who wait: the kernel's own poll(), and export. With NAIVE=1 in the
 * environment imports for all are done as a backport in the field does them, and
 * these tests fail.
 */

#include <stdlib.h>

#include "harness.h"

#define TEST_DATA	FIXTURE_DATA(buffer)

static int import_write(TEST_DATA *self, int fence)
{
	if (getenv("NAIVE"))
		return naive_import(self->test, self->dmabuf, fence);
	return dmabuf_import(self->dmabuf, fence, WRITE);
}

#define NEEDS_EXCLUSIVE() \
	do { \
		if (!has_exclusive(self->test)) \
			SKIP(return, "this kernel has usages"); \
	} while (0)

/* I2: whoever reads the buffer is still waited for. */
TEST_F(buffer, i2_write_import_keeps_shared_fences)
{
	int reader = FD(timeline_fence(self->one, 1)), fd;
	int writer = FD(timeline_fence(self->two, 1));

	NEEDS_EXCLUSIVE();
	OK(dmabuf_import(self->dmabuf, reader, READ));
	OK(import_write(self, writer));
	fd = FD(dmabuf_export(self->dmabuf, RW));
	EXPECT_EQ(2, sync_count(fd));
	OK(timeline_inc(self->two, 1));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

/* I2: the kernel's writers look at shared fences alone, if there are any. */
TEST_F(buffer, i2_read_import_hides_no_exclusive_fence)
{
	int writer = FD(timeline_fence(self->one, 1));
	int reader = FD(timeline_fence(self->two, 1));

	NEEDS_EXCLUSIVE();
	OK(import_write(self, writer));
	OK(dmabuf_import(self->dmabuf, reader, READ));
	OK(timeline_inc(self->two, 1));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* I2: a later shared fence stays where an earlier one of its context comes. */
TEST_F(buffer, i2_earlier_shared_fence_replaces_none)
{
	int late = FD(timeline_fence(self->one, 2));

	NEEDS_EXCLUSIVE();
	OK(dmabuf_import(self->dmabuf, late, READ));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), READ));
	OK(timeline_inc(self->one, 1));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* I4: no array in an array, whatever was imported for all before. */
TEST_F(buffer, i4_write_imports_nest_no_arrays)
{
	int three = FD(timeline_open());

	NEEDS_EXCLUSIVE();
	for (__u32 i = 1; i <= 3; i++) {
		OK(import_write(self, FD(timeline_fence(self->one, i))));
		OK(import_write(self, FD(timeline_fence(self->two, i))));
		OK(import_write(self, FD(timeline_fence(three, i))));
		EXPECT_EQ(3, resv_list(self->test, self->dmabuf, NULL, 0));
	}
}

/* I4: nothing gathers, however often a buffer goes round. */
TEST_F(buffer, i4_exclusive_fence_stays_flat)
{
	NEEDS_EXCLUSIVE();
	for (__u32 i = 1; i <= (getenv("NAIVE") ? 20 : 300); i++) {
		int one = FD(timeline_fence(self->one, i)), fd;
		int two = FD(timeline_fence(self->two, i));

		OK(import_write(self, one));
		OK(dmabuf_import(self->dmabuf, two, READ));
		OK(import_write(self, two));
		fd = FD(dmabuf_export(self->dmabuf, RW));
		ASSERT_EQ(2, sync_count(fd));
		ASSERT_EQ(2, resv_list(self->test, self->dmabuf, NULL, 0));
		close(fd);
		close(two);
		close(one);
	}
	EXPECT_LE(resv_bytes(self->test, self->dmabuf), 1024);
}

/* I1: what a driver of the kernel finds in the buffer it waits for. */
TEST_F(buffer, i1_import_is_seen_by_the_kernel)
{
	int fence = FD(timeline_fence(self->one, 1));

	NEEDS_EXCLUSIVE();
	OK(import_write(self, fence));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN | POLLOUT, 5000));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promise I2: the numbered merge rules of
 * Documentation/driver-api/dma-resv-export.rst, each on a short list, which is
 * changed in place, and on a long one, which is built anew.
 */

#include "harness.h"

#define UPSTREAM	"the kernel's own import adds it beside the covering one"

enum { LONG_LIST = 40, ROOM = 64 };

FIXTURE(merge) {
	int dmabuf;
	int timeline;
	int test;
	int padding;
};

FIXTURE_VARIANT(merge) {
	int padding;
};

FIXTURE_VARIANT_ADD(merge, short_list) { .padding = 0 };
FIXTURE_VARIANT_ADD(merge, long_list) { .padding = LONG_LIST };

FIXTURE_SETUP(merge)
{
	int i;

	prctl(PR_SET_NAME, "t");
	self->dmabuf = FD(udmabuf_create(4096));
	self->timeline = FD(timeline_open());
	self->test = FD(xopen("/dev/dma_resv_test"));
	self->padding = variant->padding;
	for (i = 0; i < variant->padding; i++)
		ASSERT_EQ(0, dmabuf_import(self->dmabuf,
					   FD(timeline_fence(FD(timeline_open()),
							     1000)), READ));
}

FIXTURE_TEARDOWN(merge)
{
	close(self->dmabuf);
}

#define MERGE_DATA	FIXTURE_DATA(merge)

/* Put fence @seqno of the timeline there as a driver does. */
static int had(MERGE_DATA *self, __u32 seqno, __u32 usage)
{
	return resv_add(self->test, self->dmabuf,
			timeline_fence(self->timeline, seqno), usage);
}

static int import(MERGE_DATA *self, __u32 seqno, __u32 flags)
{
	return dmabuf_import(self->dmabuf,
			     timeline_fence(self->timeline, seqno), flags);
}

/* The unsignaled entries but for the padding, as "seqno usage" of each. */
static const char *entries(MERGE_DATA *self)
{
	struct dma_resv_test_entry list[ROOM];
	static char text[256];
	int count, usage, i, n = 0;
	size_t at = 0;

	count = resv_list(self->test, self->dmabuf, list, ROOM);
	text[0] = '\0';
	for (usage = 0; usage < 4; usage++)
		for (i = 0; i < count && i < ROOM; i++) {
			if (list[i].seqno == 1000) {
				n += !usage;
				continue;
			}
			if (list[i].usage != (__u32)usage || list[i].signaled)
				continue;
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       "%s%d%c", at ? " " : "",
					       (int)list[i].seqno,
					       "KWRB"[usage]);
		}
	return n == self->padding ? text : "padding lost";
}

TEST_F(merge, i2_case_1_first_of_its_context)
{
	OK(import(self, 2, WRITE));
	EXPECT_STREQ("2W", entries(self));
}

TEST_F(merge, i2_case_2_later_and_as_strict)
{
	OK(had(self, 1, DMA_RESV_TEST_READ));
	OK(import(self, 2, READ));
	EXPECT_STREQ("2R", entries(self));
}

TEST_F(merge, i2_case_3_later_and_stricter)
{
	OK(had(self, 1, DMA_RESV_TEST_READ));
	OK(import(self, 2, WRITE));
	EXPECT_STREQ("2W", entries(self));
}

TEST_F(merge, i2_case_4_later_and_weaker)
{
	OK(had(self, 1, DMA_RESV_TEST_WRITE));
	OK(import(self, 2, READ));
	EXPECT_STREQ("1W 2R", entries(self));
}

TEST_F(merge, i2_case_5_earlier_and_as_strict)
{
	NEEDS_MODULE(UPSTREAM);
	OK(had(self, 2, DMA_RESV_TEST_WRITE));
	OK(import(self, 1, WRITE));
	EXPECT_STREQ("2W", entries(self));
}

TEST_F(merge, i2_case_6_same_and_weaker)
{
	NEEDS_MODULE(UPSTREAM);
	OK(had(self, 2, DMA_RESV_TEST_WRITE));
	OK(import(self, 2, READ));
	EXPECT_STREQ("2W", entries(self));
}

TEST_F(merge, i2_case_7_earlier_and_stricter)
{
	OK(had(self, 2, DMA_RESV_TEST_READ));
	OK(import(self, 1, WRITE));
	EXPECT_STREQ("1W 2R", entries(self));
}

TEST_F(merge, i2_case_8_kernel_is_never_touched)
{
	NEEDS_USAGES(EXCLUSIVE);
	OK(had(self, 1, DMA_RESV_TEST_KERNEL));
	OK(import(self, 2, WRITE));
	EXPECT_STREQ("1K 2W", entries(self));
}

TEST_F(merge, i2_case_9_signaled_makes_room)
{
	OK(had(self, 1, DMA_RESV_TEST_WRITE));
	OK(timeline_inc(self->timeline, 1));
	OK(import(self, 2, READ));
	EXPECT_STREQ("2R", entries(self));
}

TEST_F(merge, i2_case_10_signaled_adds_nothing)
{
	OK(had(self, 2, DMA_RESV_TEST_WRITE));
	OK(timeline_inc(self->timeline, 1));
	OK(import(self, 1, WRITE));
	EXPECT_STREQ("2W", entries(self));
}

/* More than one entry of the context: each is settled on its own. */
TEST_F(merge, i2_writer_and_reader_of_one_context)
{
	NEEDS_USAGES(EXCLUSIVE);
	OK(had(self, 1, DMA_RESV_TEST_WRITE));
	OK(had(self, 2, DMA_RESV_TEST_READ));
	OK(had(self, 4, DMA_RESV_TEST_BOOKKEEP));
	OK(import(self, 3, READ));
	EXPECT_STREQ("1W 3R 4B", entries(self));
}

TEST_F(merge, i2_two_kernel_fences_of_one_context_stay)
{
	NEEDS_USAGES(EXCLUSIVE);
	OK(had(self, 3, DMA_RESV_TEST_KERNEL));
	OK(had(self, 1, DMA_RESV_TEST_WRITE));
	OK(import(self, 2, READ));
	EXPECT_NE(NULL, strstr(entries(self), "3K"));
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/* DMA_BUF_IOCTL_IMPORT_SYNC_FILE: promises I1 to I3. */

#include "harness.h"

/* Is there an unsignaled entry of that number, at least as strict? */
static bool has_entry(const struct dma_resv_test_entry *entries, int count,
		      __u64 seqno, __u32 usage)
{
	for (int i = 0; i < count; i++)
		if (!entries[i].signaled && entries[i].seqno >= seqno &&
		    entries[i].usage <= usage)
			return true;
	return false;
}

/* I1: implicit readers and writers wait for an explicit writer. */
TEST_F(buffer, i1_poll_waits_for_an_imported_writer)
{
	int fence = FD(timeline_fence(self->one, 1));

	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* I1: implicit writers wait for an explicit reader, readers do not. */
TEST_F(buffer, i1_poll_of_a_writer_waits_for_an_imported_reader)
{
	int fence = FD(timeline_fence(self->one, 1));

	OK(dmabuf_import(self->dmabuf, fence, READ));
	EXPECT_TRUE(is_ready(self->dmabuf, POLLIN));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* I1: a real driver, vgem, refuses to go on before the imported fence. */
TEST_F(buffer, i1_driver_waits_for_an_imported_fence)
{
	int vgem, dmabuf;
	__u32 handle, fence;

	NEEDS_DRM();
	vgem = FD(vgem_open());
	dmabuf = FD(vgem_create(vgem, &handle));
	OK(dmabuf_import(dmabuf, FD(timeline_fence(self->one, 1)), WRITE));
	EXPECT_EQ(-EBUSY, vgem_attach(vgem, handle, false, &fence));
	EXPECT_EQ(-EBUSY, vgem_attach(vgem, handle, true, &fence));
	OK(timeline_inc(self->one, 1));
	OK(vgem_attach(vgem, handle, true, &fence));
	OK(vgem_signal(vgem, fence));
}

/* I1: every fence of a merged sync_file counts. */
TEST_F(buffer, i1_all_fences_of_a_merged_file_are_imported)
{
	int a = FD(timeline_fence(self->one, 1));
	int b = FD(timeline_fence(self->two, 1));
	int fd;

	OK(dmabuf_import(self->dmabuf, FD(sync_merge(a, b)), WRITE));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(2, sync_count(fd));
	OK(timeline_inc(self->one, 1));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->two, 1));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

/* I1: a signaled sync_file is a valid import that changes nothing. */
TEST_F(buffer, i1_signaled_file_is_imported_without_a_trace)
{
	int fence = FD(timeline_fence(self->one, 1));

	OK(timeline_inc(self->one, 1));
	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	EXPECT_TRUE(is_ready(self->dmabuf, POLLOUT));
	/* The kernel's own code adds it, to no effect. */
	if (module_serves())
		EXPECT_EQ(0, resv_list(self->test, self->dmabuf, NULL, 0));
}

/* I2: a WRITE import does not drop the readers that are there. */
TEST_F(buffer, i2_write_import_keeps_readers)
{
	int reader = FD(timeline_fence(self->one, 1));
	int writer = FD(timeline_fence(self->two, 2));

	OK(dmabuf_import(self->dmabuf, reader, READ));
	OK(dmabuf_import(self->dmabuf, writer, WRITE));
	OK(timeline_inc(self->two, 2));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* I2: an earlier fence does not replace a later one of its context. */
TEST_F(buffer, i2_earlier_fence_does_not_replace_a_later_one)
{
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)),
			 WRITE));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
}

/* I2: a later reader does not replace a writer of its context. */
TEST_F(buffer, i2_later_reader_does_not_weaken_a_writer)
{
	int fd;

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)),
			 READ));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	EXPECT_EQ(1, sync_seqno(fd));
}

/* I2: a later writer takes the place of a reader of its context. */
TEST_F(buffer, i2_later_writer_replaces_a_reader)
{
	struct dma_resv_test_entry entries[4];
	int count;

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 READ));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)),
			 WRITE));
	count = resv_list(self->test, self->dmabuf, entries, 4);
	ASSERT_EQ(1, count);
	EXPECT_EQ(2, entries[0].seqno);
	EXPECT_EQ(DMA_RESV_TEST_WRITE, entries[0].usage);
}

/* I2: an earlier writer does not replace a later reader of its context. */
TEST_F(buffer, i2_earlier_writer_keeps_a_later_reader)
{
	struct dma_resv_test_entry entries[4];
	int count;

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)),
			 READ));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	count = resv_list(self->test, self->dmabuf, entries, 4);
	ASSERT_EQ(2, count);
	EXPECT_TRUE(has_entry(entries, count, 2, DMA_RESV_TEST_READ));
	EXPECT_TRUE(has_entry(entries, count, 1, DMA_RESV_TEST_WRITE));
}

/* I2: no import touches what the kernel itself waits for. */
TEST_F(buffer, i2_kernel_fence_is_never_touched)
{
	struct dma_resv_test_entry entries[4];
	int count;

	NEEDS_USAGES(EXCLUSIVE);
	OK(resv_add(self->test, self->dmabuf,
		    FD(timeline_fence(self->one, 1)), DMA_RESV_TEST_KERNEL));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)),
			 WRITE));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 3)),
			 READ));
	count = resv_list(self->test, self->dmabuf, entries, 4);
	ASSERT_GE(count, 2);
	EXPECT_TRUE(has_entry(entries, count, 1, DMA_RESV_TEST_KERNEL));
	EXPECT_TRUE(has_entry(entries, count, 2, DMA_RESV_TEST_WRITE));
	EXPECT_TRUE(has_entry(entries, count, 3, DMA_RESV_TEST_READ));
}

/* I2: nor what a driver keeps for itself. */
TEST_F(buffer, i2_bookkeep_fence_of_another_context_stays)
{
	struct dma_resv_test_entry entries[4];
	int count;

	OK(resv_add(self->test, self->dmabuf,
		    FD(timeline_fence(self->one, 1)), DMA_RESV_TEST_BOOKKEEP));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->two, 2)),
			 WRITE));
	count = resv_list(self->test, self->dmabuf, entries, 4);
	ASSERT_EQ(2, count);
	EXPECT_TRUE(has_entry(entries, count, 1, DMA_RESV_TEST_BOOKKEEP));
}

/* I2: twice the same fence is one entry. */
TEST_F(buffer, i2_same_fence_again_adds_nothing)
{
	int fence = FD(timeline_fence(self->one, 1)), i;

	for (i = 0; i < 100; i++)
		OK(dmabuf_import(self->dmabuf, fence, WRITE));
	EXPECT_EQ(1, resv_list(self->test, self->dmabuf, NULL, 0));
}

/* I2: a fence that a stricter entry covers adds nothing. */
TEST_F(buffer, i2_covered_reader_adds_nothing)
{
	int fence = FD(timeline_fence(self->one, 1));

	NEEDS_MODULE("the kernel's own import adds the reader again");
	OK(dmabuf_import(self->dmabuf, fence, WRITE));
	OK(dmabuf_import(self->dmabuf, fence, READ));
	EXPECT_EQ(1, resv_list(self->test, self->dmabuf, NULL, 0));
}

/* I2: many fences, half of them known already, in one import. */
TEST_F(buffer, i2_merged_import_onto_its_own_contexts)
{
	enum { COUNT = 64 };
	int timelines[COUNT], merged = -1, i, next;
	struct dma_resv_test_entry entries[COUNT * 2];

	for (i = 0; i < COUNT; i++) {
		int fence;

		timelines[i] = FD(timeline_open());
		if (i % 2)
			OK(dmabuf_import(self->dmabuf,
					 FD(timeline_fence(timelines[i], 1)),
					 READ));
		fence = FD(timeline_fence(timelines[i], 2));
		next = merged < 0 ? fence : FD(sync_merge(merged, fence));
		if (merged >= 0)
			close(merged);
		merged = next;
	}
	OK(dmabuf_import(self->dmabuf, merged, READ));
	ASSERT_EQ(COUNT, resv_list(self->test, self->dmabuf, entries,
				   COUNT * 2));
	for (i = 0; i < COUNT; i++)
		EXPECT_EQ(2, entries[i].seqno);
}

/* I2: fences of one context and number, which signal in no order, all stay. */
TEST_F(buffer, i2_fences_that_have_no_order_are_all_kept)
{
	int other = FD(udmabuf_create(4096)), all, i;
	__s32 fences[20];

	for (i = 0; i < 20; i++) {
		fences[i] = FD(unordered_fence(self->test));
		OK(dmabuf_import(self->dmabuf, fences[i], WRITE));
		OK(dmabuf_import(self->dmabuf, fences[i], WRITE));
	}
	EXPECT_EQ(20, resv_list(self->test, self->dmabuf, NULL, 0));
	all = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(20, sync_count(all));
	OK(dmabuf_import(other, FD(make_chain(self->test, fences, 20, 20,
					      false)), READ));
	OK(dmabuf_import(other, all, READ));
	EXPECT_EQ(20, resv_list(self->test, other, NULL, 0));
}

/* I3: a call that fails leaves the entries as they were. */
TEST_F(buffer, i3_failed_import_changes_nothing)
{
	struct dma_resv_test_entry before[4], after[4];
	int fence = FD(timeline_fence(self->two, 1));

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	ASSERT_EQ(1, resv_list(self->test, self->dmabuf, before, 4));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, fence, 0));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, fence, 4));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, -1, WRITE));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, self->dmabuf, WRITE));
	ASSERT_EQ(1, resv_list(self->test, self->dmabuf, after, 4));
	EXPECT_EQ(0, memcmp(before, after, sizeof(before[0])));
}

TEST_HARNESS_MAIN

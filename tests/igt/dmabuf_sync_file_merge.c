// SPDX-License-Identifier: MIT

#include "dmabuf_sync_file_common.h"

IGT_TEST_DESCRIPTION("What becomes of the fences of a dma-buf when more of "
		     "them are imported: none may be lost or weakened");

/**
 * TEST: dmabuf_sync_file_merge
 * Category: Core
 * Mega feature: General Core features
 * Sub-category: dmabuf
 * Functionality: dmabuf test
 * Description: Imports onto a buffer that has fences already
 *
 * SUBTEST: write-after-read
 * Description: A later write fence of one timeline holds readers back as well.
 *
 * SUBTEST: read-after-write
 * Description: A later read fence does not weaken a write fence.
 *
 * SUBTEST: write-read-write
 * Description: Going from write to read and back loses no fence.
 *
 * SUBTEST: earlier-after-later
 * Description: An earlier fence of a timeline does not replace a later one.
 *
 * SUBTEST: stricter-but-earlier
 * Description: An earlier write fence and a later read fence both stay.
 *
 * SUBTEST: same-timeline-replaces
 * Description: The fences of one timeline count as one.
 *
 * SUBTEST: export-names-a-timeline-once
 * Description: An export has one fence, the last, of each timeline.
 *
 * SUBTEST: same-fence-again
 * Description: Importing one fence again and again counts as one.
 *
 * SUBTEST: other-timeline-stays
 * Description: A write fence does not drop the read fences of others.
 *
 * SUBTEST: merged-file
 * Description: Each fence of a merged sync_file holds the buffer back.
 *
 * SUBTEST: merged-onto-busy
 * Description: A merged sync_file joins the fences that are there.
 *
 * SUBTEST: merged-in-part-signaled
 * Description: What is left of a merged sync_file holds the buffer back.
 *
 * SUBTEST: driver-fences-travel
 * Description: Fences of a driver move from one buffer to another.
 *
 * SUBTEST: many-timelines
 * Description: Hundreds of timelines survive export, import and a merge.
 */

#define FEW	4
#define MANY	400

static void test_write_after_read(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create();

	dmabuf_import_timeline_fence(dmabuf, READ, timeline, 1);
	assert_waits(dmabuf, false, true);
	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 2);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	close(timeline);
	close(dmabuf);
}

static void test_read_after_write(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create(), both;

	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	dmabuf_import_timeline_fence(dmabuf, READ, timeline, 2);
	both = dmabuf_export_sync_file(dmabuf, WRITE);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, true);
	igt_assert(sync_file_busy(both));
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	igt_assert(!sync_file_busy(both));
	close(both);
	close(timeline);
	close(dmabuf);
}

static void test_write_read_write(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int writer = sw_sync_timeline_create();
	int reader = sw_sync_timeline_create();

	dmabuf_import_timeline_fence(dmabuf, WRITE, writer, 1);
	dmabuf_import_timeline_fence(dmabuf, READ, reader, 1);
	dmabuf_import_timeline_fence(dmabuf, WRITE, writer, 2);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(writer, 1);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(writer, 1);
	assert_waits(dmabuf, false, true);
	sw_sync_timeline_inc(reader, 1);
	assert_waits(dmabuf, false, false);
	close(reader);
	close(writer);
	close(dmabuf);
}

static void test_earlier_after_later(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create();

	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 2);
	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	close(timeline);
	close(dmabuf);
}

static void test_stricter_but_earlier(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create(), both;

	dmabuf_import_timeline_fence(dmabuf, READ, timeline, 2);
	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	both = dmabuf_export_sync_file(dmabuf, WRITE);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, true);
	igt_assert(sync_file_busy(both));
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	igt_assert(!sync_file_busy(both));
	close(both);
	close(timeline);
	close(dmabuf);
}

static void test_same_timeline(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create();

	for (uint32_t seqno = 1; seqno <= MANY; seqno++)
		dmabuf_import_timeline_fence(dmabuf, READ, timeline, seqno);
	igt_assert_eq(writer_count(dmabuf), 1);
	sw_sync_timeline_inc(timeline, MANY - 1);
	assert_waits(dmabuf, false, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	close(timeline);
	close(dmabuf);
}

static void test_export_once(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create();

	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	dmabuf_import_timeline_fence(dmabuf, READ, timeline, 2);
	igt_assert_eq(writer_count(dmabuf), 1);
	close(timeline);
	close(dmabuf);
}

static void test_same_fence(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);

	for (int i = 0; i < MANY; i++)
		dmabuf_import_sync_file(dmabuf, WRITE, fence);
	igt_assert_eq(writer_count(dmabuf), 1);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	close(fence);
	close(timeline);
	close(dmabuf);
}

static void test_other_timeline(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	int writer = sw_sync_timeline_create();
	int readers[FEW];

	for (int i = 0; i < FEW; i++) {
		readers[i] = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(dmabuf, READ, readers[i], 1);
	}
	dmabuf_import_timeline_fence(dmabuf, WRITE, writer, 1);
	igt_assert_eq(writer_count(dmabuf), FEW + 1);
	sw_sync_timeline_inc(writer, 1);
	for (int i = 0; i < FEW; i++) {
		assert_waits(dmabuf, false, true);
		sw_sync_timeline_inc(readers[i], 1);
		close(readers[i]);
	}
	assert_waits(dmabuf, false, false);
	close(writer);
	close(dmabuf);
}

/* One sync_file of fence number @seqno of each timeline. */
static int merge_fences(const int *timelines, int count, uint32_t seqno)
{
	int merged = sw_sync_timeline_create_fence(timelines[0], seqno);

	for (int i = 1; i < count; i++) {
		int fence = sw_sync_timeline_create_fence(timelines[i], seqno);
		int both = sync_fence_merge(merged, fence);

		igt_assert_fd(both);
		close(fence);
		close(merged);
		merged = both;
	}
	return merged;
}

static void create_timelines(int *timelines, int count)
{
	for (int i = 0; i < count; i++)
		timelines[i] = sw_sync_timeline_create();
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

static void test_merged_file(int vgem)
{
	int dmabuf, timelines[FEW], merged;

	create_timelines(timelines, FEW);
	/* Whichever of them signals last, the buffer has to wait for it. */
	for (int last = 0; last < FEW; last++) {
		dmabuf = create_dmabuf(vgem);
		merged = merge_fences(timelines, FEW, (uint32_t)last + 1);
		dmabuf_import_sync_file(dmabuf, WRITE, merged);
		igt_assert_eq(writer_count(dmabuf), FEW);
		for (int i = 0; i < FEW; i++)
			if (i != last)
				sw_sync_timeline_inc(timelines[i], 1);
		assert_waits(dmabuf, true, true);
		igt_assert_eq(writer_count(dmabuf), 1);
		sw_sync_timeline_inc(timelines[last], 1);
		assert_waits(dmabuf, false, false);
		close(merged);
		close(dmabuf);
	}
	close_all(timelines, FEW);
}

static void test_merged_onto_busy(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timelines[FEW], merged;

	create_timelines(timelines, FEW);
	/* Two of the four are there: one earlier, one later and stricter. */
	dmabuf_import_timeline_fence(dmabuf, READ, timelines[0], 1);
	dmabuf_import_timeline_fence(dmabuf, WRITE, timelines[1], 3);
	merged = merge_fences(timelines, FEW, 2);
	dmabuf_import_sync_file(dmabuf, READ, merged);
	close(merged);

	for (int i = 0; i < FEW; i++)
		sw_sync_timeline_inc(timelines[i], i ? 2 : 1);
	/* Left are number 2 of the first and number 3 of the second. */
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timelines[1], 1);
	assert_waits(dmabuf, false, true);
	sw_sync_timeline_inc(timelines[0], 1);
	assert_waits(dmabuf, false, false);
	close_all(timelines, FEW);
	close(dmabuf);
}

static void test_merged_in_part_signaled(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timelines[FEW], merged;

	create_timelines(timelines, FEW);
	merged = merge_fences(timelines, FEW, 1);
	for (int i = 0; i < FEW - 1; i++)
		sw_sync_timeline_inc(timelines[i], 1);
	dmabuf_import_sync_file(dmabuf, WRITE, merged);
	igt_assert_eq(writer_count(dmabuf), 1);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timelines[FEW - 1], 1);
	assert_waits(dmabuf, false, false);
	close(merged);
	close_all(timelines, FEW);
	close(dmabuf);
}

static void test_driver_fences_travel(int vgem)
{
	struct vgem_bo bo = { .width = 1, .height = 1, .bpp = 32 };
	int source, target = create_dmabuf(vgem), all;
	uint32_t fences[FEW];

	vgem_create(vgem, &bo);
	source = prime_handle_to_fd(vgem, bo.handle);
	for (int i = 0; i < FEW; i++)
		fences[i] = vgem_fence_attach(vgem, &bo, 0);
	all = dmabuf_export_sync_file(source, WRITE);
	dmabuf_import_sync_file(target, WRITE, all);
	close(all);
	close(source);
	gem_close(vgem, bo.handle);

	igt_assert_eq(writer_count(target), FEW);
	for (int i = FEW - 1; i >= 0; i--) {
		assert_waits(target, true, true);
		vgem_fence_signal(vgem, fences[i]);
	}
	assert_waits(target, false, false);
	close(target);
}

static void test_many_timelines(int vgem)
{
	int one = create_dmabuf(vgem), two = create_dmabuf(vgem);
	int timelines[MANY], half, all, again;

	create_timelines(timelines, MANY);
	half = merge_fences(timelines, MANY / 2, 1);
	dmabuf_import_sync_file(one, READ, half);
	for (int i = 0; i < MANY; i++)
		dmabuf_import_timeline_fence(one, READ, timelines[i], 1);
	igt_assert_eq(writer_count(one), MANY);

	all = dmabuf_export_sync_file(one, WRITE);
	again = sync_fence_merge(all, half);
	igt_assert_fd(again);
	igt_assert_eq(sync_fence_count(again), MANY);
	dmabuf_import_sync_file(two, WRITE, again);
	dmabuf_import_sync_file(two, WRITE, all);
	igt_assert_eq(writer_count(two), MANY);

	/* In an order that is neither that of import nor its reverse. */
	for (int i = 0; i < MANY; i++) {
		igt_assert(sync_file_busy(all));
		igt_assert(dmabuf_busy(two, READ));
		sw_sync_timeline_inc(timelines[i * 171 % MANY], 1);
	}
	igt_assert(!sync_file_busy(all));
	assert_waits(one, false, false);
	assert_waits(two, false, false);
	close(again);
	close(all);
	close(half);
	close_all(timelines, MANY);
	close(two);
	close(one);
}

int igt_main()
{
	static int vgem;

	igt_fixture()
		vgem = open_vgem();

	igt_describe("A later write fence of one timeline holds readers back "
		     "as well.");
	igt_subtest("write-after-read")
		test_write_after_read(vgem);

	igt_describe("A later read fence does not weaken a write fence.");
	igt_subtest("read-after-write")
		test_read_after_write(vgem);

	igt_describe("Going from write to read and back loses no fence.");
	igt_subtest("write-read-write")
		test_write_read_write(vgem);

	igt_describe("An earlier fence of a timeline does not replace a later "
		     "one.");
	igt_subtest("earlier-after-later")
		test_earlier_after_later(vgem);

	igt_describe("An earlier write fence and a later read fence of one "
		     "timeline both stay.");
	igt_subtest("stricter-but-earlier")
		test_stricter_but_earlier(vgem);

	igt_describe("The fences of one timeline count as one, the last.");
	igt_subtest("same-timeline-replaces")
		test_same_timeline(vgem);

	igt_describe("An export has one fence, the last, of each timeline, "
		     "though a writer and a reader of it are known.");
	igt_subtest("export-names-a-timeline-once")
		test_export_once(vgem);

	igt_describe("Importing one fence again and again counts as one.");
	igt_subtest("same-fence-again")
		test_same_fence(vgem);

	igt_describe("A write fence does not drop the read fences of others.");
	igt_subtest("other-timeline-stays")
		test_other_timeline(vgem);

	igt_describe("Each fence of a merged sync_file holds the buffer back, "
		     "whichever is last.");
	igt_subtest("merged-file")
		test_merged_file(vgem);

	igt_describe("A merged sync_file joins the fences that are there, and "
		     "weakens none of them.");
	igt_subtest("merged-onto-busy")
		test_merged_onto_busy(vgem);

	igt_describe("What is left of a merged sync_file holds the buffer "
		     "back.");
	igt_subtest("merged-in-part-signaled")
		test_merged_in_part_signaled(vgem);

	igt_describe("Fences of a driver move from one buffer to another, and "
		     "outlive the first.");
	igt_subtest("driver-fences-travel")
		test_driver_fences_travel(vgem);

	igt_describe("Hundreds of timelines survive export, import and a "
		     "merge with some of themselves.");
	igt_subtest("many-timelines")
		test_many_timelines(vgem);

	igt_fixture()
		drm_close_driver(vgem);
}

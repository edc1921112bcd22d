// SPDX-License-Identifier: MIT

#include "dmabuf_sync_file_common.h"

IGT_TEST_DESCRIPTION("How long a dma-buf keeps fences that have signaled");

/**
 * TEST: dmabuf_sync_file_retain
 * Category: Core
 * Mega feature: General Core features
 * Sub-category: dmabuf
 * Functionality: dmabuf test
 * Description: How long a dma-buf keeps fences that have signaled
 *
 * SUBTEST: rounds-are-bounded
 * Description: Import after import keeps no more than is busy at a time.
 *
 * SUBTEST: import-drops-signaled
 * Description: One import lets go of all that has signaled.
 *
 * SUBTEST: own-export-imported
 * Description: A buffer that takes its own export does not grow.
 *
 * SUBTEST: buffer-closed
 * Description: A buffer that is closed lets go of busy fences.
 */

#define INFO	"/sys/kernel/debug/sync/info"
#define BATCH	64
#define ROUNDS	100

/* A fence keeps its timeline, even a closed one: how many are there? */
static int count_timelines(void)
{
	FILE *info = fopen(INFO, "r");
	bool in_section = false;
	int count = 0;
	char line[256];

	igt_assert(info);
	while (fgets(line, sizeof(line), info)) {
		if (!strncmp(line, "fences:", 7))
			break;
		if (!strncmp(line, "-----", 5))
			in_section = true;
		else if (in_section && line[0] != ' ' && line[0] != '\n')
			count++;
	}
	fclose(info);
	return count;
}

/* The kernel may let go a little later than the call returns. */
static void assert_timelines(int most)
{
	for (int i = 0; i < 30 && count_timelines() > most; i++)
		usleep(100 * 1000);
	igt_assert_lte(count_timelines(), most);
}

/* Import a fence of each of some timelines, which then signal and close. */
static void import_batch(int dmabuf, uint32_t flags, int count)
{
	int timelines[BATCH];

	for (int i = 0; i < count; i++) {
		timelines[i] = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(dmabuf, flags, timelines[i], 1);
	}
	for (int i = 0; i < count; i++) {
		sw_sync_timeline_inc(timelines[i], 1);
		close(timelines[i]);
	}
}

static void test_rounds(int vgem)
{
	int dmabuf = create_dmabuf(vgem), before = count_timelines();

	for (int i = 0; i < ROUNDS; i++)
		import_batch(dmabuf, i % 2 ? READ : WRITE, BATCH);
	/* All of the last batch may still be there, and of the one before. */
	assert_timelines(before + 2 * BATCH);
	close(dmabuf);
	assert_timelines(before);
}

static void test_import_drops(int vgem)
{
	for (int count = 4; count <= BATCH; count *= 4) {
		int dmabuf = create_dmabuf(vgem), before = count_timelines();
		int timeline;

		import_batch(dmabuf, READ, count);
		timeline = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(dmabuf, READ, timeline, 1);
		assert_timelines(before + 1);
		close(timeline);
		close(dmabuf);
	}
}

static void test_own_export(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timelines[BATCH], file;

	for (int i = 0; i < BATCH; i++) {
		timelines[i] = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(dmabuf, READ, timelines[i], 1);
	}
	for (int i = 0; i < 10 * ROUNDS; i++) {
		file = dmabuf_export_sync_file(dmabuf, WRITE);
		dmabuf_import_sync_file(dmabuf, READ, file);
		close(file);
	}
	igt_assert_eq(writer_count(dmabuf), BATCH);
	for (int i = 0; i < BATCH; i++) {
		assert_waits(dmabuf, false, true);
		sw_sync_timeline_inc(timelines[i], 1);
		close(timelines[i]);
	}
	assert_waits(dmabuf, false, false);
	close(dmabuf);
}

static void test_buffer_closed(int vgem)
{
	int before = count_timelines(), dmabuf = create_dmabuf(vgem);
	int timeline = sw_sync_timeline_create(), file;

	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	file = dmabuf_export_sync_file(dmabuf, READ);
	close(dmabuf);

	/* The export lives on alone. */
	igt_assert(sync_file_busy(file));
	sw_sync_timeline_inc(timeline, 1);
	igt_assert(!sync_file_busy(file));
	close(file);
	close(timeline);
	assert_timelines(before);
}

int igt_main()
{
	static int vgem;

	igt_fixture() {
		vgem = open_vgem();
		igt_require(!access(INFO, R_OK));
	}

	igt_describe("Import after import keeps no more fences than are busy "
		     "at a time.");
	igt_subtest("rounds-are-bounded")
		test_rounds(vgem);

	igt_describe("One import lets go of all fences that have signaled.");
	igt_subtest("import-drops-signaled")
		test_import_drops(vgem);

	igt_describe("A buffer that takes its own export, again and again, "
		     "does not grow.");
	igt_subtest("own-export-imported")
		test_own_export(vgem);

	igt_describe("A buffer that is closed lets go of its fences; what was "
		     "exported lives on.");
	igt_subtest("buffer-closed")
		test_buffer_closed(vgem);

	igt_fixture()
		drm_close_driver(vgem);
}

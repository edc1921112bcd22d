// SPDX-License-Identifier: MIT

#include <sys/ioctl.h>
#include <sys/resource.h>

#include "dmabuf_sync_file_common.h"

IGT_TEST_DESCRIPTION("Export from, import into and exchange with many dma-bufs "
		     "in one call");

/**
 * TEST: dmabuf_sync_file_many
 * Category: Core
 * Mega feature: General Core features
 * Sub-category: dmabuf
 * Functionality: dmabuf test
 * Description: The sync_file ioctls for many dma-bufs, where the kernel has them
 *
 * SUBTEST: query
 * Description: The kernel tells which of the calls it has.
 *
 * SUBTEST: export-waits-for-all
 * Description: One sync_file signals when the last of the buffers is ready.
 *
 * SUBTEST: export-flags-of-each
 * Description: Each buffer is looked at as its own flags say.
 *
 * SUBTEST: export-names-a-timeline-once
 * Description: A timeline that is on many buffers is in the sync_file once.
 *
 * SUBTEST: no-fd-when-idle
 * Description: Idle buffers need no sync_file, if that is asked for.
 *
 * SUBTEST: import-into-all
 * Description: One fence goes into all buffers, as the flags of each say.
 *
 * SUBTEST: import-all-or-none
 * Description: After an error at any entry, all buffers are as they were.
 *
 * SUBTEST: same-buffer-twice
 * Description: A buffer that occurs twice gets the union of its flags.
 *
 * SUBTEST: exchange-in-a-row
 * Description: Each exchange waits for the one before, and not for itself.
 *
 * SUBTEST: opposite-orders
 * Description: Processes that lock the same buffers in any order all get through.
 *
 * SUBTEST: bad-arguments
 * Description: What the calls refuse.
 *
 * SUBTEST: no-descriptor-left
 * Description: Without a free descriptor, an exchange leaves nothing behind.
 */

#define COUNT	8
#define PROCS	4
#define ROUNDS	3000

/* Names of our own: the system's header does not have these calls. */
struct query_arg {
	uint64_t features;
	uint32_t entries_max;
	uint32_t fences_max;
};

struct many_entry {
	int32_t dmabuf;
	uint32_t flags;
};

struct many_arg {
	uint64_t entries;
	uint32_t count;
	uint32_t flags;
	uint64_t deadline_ns;
	int32_t import_fd;
	int32_t export_fd;
	uint32_t failed;
	uint32_t answer;
};

#define QUERY		_IOWR(DMA_BUF_BASE, 0x60, struct query_arg)
#define EXPORT_MANY	_IOWR(DMA_BUF_BASE, 0x61, struct many_arg)
#define IMPORT_MANY	_IOWR(DMA_BUF_BASE, 0x62, struct many_arg)
#define EXCHANGE	_IOWR(DMA_BUF_BASE, 0x63, struct many_arg)

#define ALL_FEATURES	7
#define NO_IDLE_FD	1

static struct many_entry entries[COUNT];

/* The errno of the call, or 0. */
static int call(unsigned long request, struct many_arg *arg)
{
	int ret;

	arg->entries = (uintptr_t)entries;
	do {
		ret = ioctl(entries[0].dmabuf, request, arg);
	} while (ret && errno == EINTR);
	return ret ? errno : 0;
}

static int export_many(uint32_t flags)
{
	struct many_arg arg = { .count = COUNT, .flags = flags };

	igt_assert_eq(call(EXPORT_MANY, &arg), 0);
	return arg.export_fd;
}

static void import_many(int fence)
{
	struct many_arg arg = { .count = COUNT, .import_fd = fence };

	igt_assert_eq(call(IMPORT_MANY, &arg), 0);
}

static int exchange(int fence)
{
	struct many_arg arg = { .count = COUNT, .import_fd = fence };

	igt_assert_eq(call(EXCHANGE, &arg), 0);
	igt_assert_fd(arg.export_fd);
	return arg.export_fd;
}

static void test_query(void)
{
	struct query_arg query = { .features = 0 };

	igt_assert_eq(ioctl(entries[0].dmabuf, QUERY, &query), 0);
	igt_assert_eq(query.features & ALL_FEATURES, ALL_FEATURES);
	igt_assert_lte(1024, query.entries_max);
	igt_assert_lte(1, query.fences_max);
}

static void test_export(void)
{
	int timelines[COUNT], fence;

	for (int i = 0; i < COUNT; i++) {
		timelines[i] = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(entries[i].dmabuf, WRITE,
					     timelines[i], 1);
	}
	fence = export_many(NO_IDLE_FD);
	igt_assert_fd(fence);
	igt_assert_eq(sync_fence_count(fence), COUNT);
	for (int i = 0; i < COUNT; i++) {
		igt_assert(sync_file_busy(fence));
		sw_sync_timeline_inc(timelines[i], 1);
		close(timelines[i]);
	}
	igt_assert(!sync_file_busy(fence));
	close(fence);
}

static void test_export_flags(void)
{
	int readers[COUNT], fence;

	for (int i = 0; i < COUNT; i++) {
		readers[i] = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(entries[i].dmabuf, READ,
					     readers[i], 1);
	}
	/* Readers wait for no reader; the one writer waits for one. */
	igt_assert_eq(export_many(NO_IDLE_FD), -1);
	entries[2].flags = WRITE;
	fence = export_many(NO_IDLE_FD);
	igt_assert_eq(sync_fence_count(fence), 1);
	sw_sync_timeline_inc(readers[2], 1);
	igt_assert(!sync_file_busy(fence));
	close(fence);
	for (int i = 0; i < COUNT; i++) {
		sw_sync_timeline_inc(readers[i], 1);
		close(readers[i]);
	}
}

static void test_export_once(void)
{
	int timeline = sw_sync_timeline_create(), fence;

	for (int i = 0; i < COUNT; i++)
		dmabuf_import_timeline_fence(entries[i].dmabuf, WRITE,
					     timeline, i + 1);
	fence = export_many(0);
	igt_assert_eq(sync_fence_count(fence), 1);
	sw_sync_timeline_inc(timeline, COUNT - 1);
	igt_assert(sync_file_busy(fence));
	sw_sync_timeline_inc(timeline, 1);
	igt_assert(!sync_file_busy(fence));
	close(fence);
	close(timeline);
}

static void test_idle(void)
{
	int timeline = sw_sync_timeline_create(), fence;

	igt_assert_eq(export_many(NO_IDLE_FD), -1);
	fence = export_many(0);
	igt_assert_fd(fence);
	igt_assert(!sync_file_busy(fence));
	close(fence);

	dmabuf_import_timeline_fence(entries[COUNT - 1].dmabuf, WRITE,
				     timeline, 1);
	fence = export_many(NO_IDLE_FD);
	igt_assert_fd(fence);
	igt_assert(sync_file_busy(fence));
	sw_sync_timeline_inc(timeline, 1);
	igt_assert(!sync_file_busy(fence));
	igt_assert_eq(export_many(NO_IDLE_FD), -1);
	close(fence);
	close(timeline);
}

static void test_import(void)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);

	entries[1].flags = WRITE;
	entries[2].flags = READ | WRITE;
	import_many(fence);
	close(fence);
	for (int i = 0; i < COUNT; i++)
		assert_waits(entries[i].dmabuf, i == 1 || i == 2, true);
	sw_sync_timeline_inc(timeline, 1);
	for (int i = 0; i < COUNT; i++)
		assert_waits(entries[i].dmabuf, false, false);
	close(timeline);
}

static void test_all_or_none(void)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);
	const unsigned long requests[] = { IMPORT_MANY, EXCHANGE };

	for (int i = 0; i < 2 * COUNT; i++) {
		struct many_arg arg = { .count = COUNT, .import_fd = fence };
		int bad = i / 2;

		entries[bad].flags = 0;
		igt_assert_eq(call(requests[i % 2], &arg), EINVAL);
		igt_assert_eq(arg.failed, bad);
		igt_assert_eq(arg.export_fd, -1);
		entries[bad].flags = READ;
		for (int k = 0; k < COUNT; k++)
			assert_waits(entries[k].dmabuf, false, false);
	}
	close(fence);
	close(timeline);
}

static void test_twice(void)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);
	struct many_entry other = entries[1];

	entries[1].dmabuf = entries[0].dmabuf;
	entries[1].flags = WRITE;
	import_many(fence);
	entries[1] = other;
	assert_waits(entries[0].dmabuf, true, true);
	assert_waits(entries[1].dmabuf, false, false);
	assert_waits(entries[2].dmabuf, false, true);
	sw_sync_timeline_inc(timeline, 1);
	close(fence);
	close(timeline);
}

static void test_exchange(void)
{
	int timelines[COUNT], waits[COUNT];

	for (int i = 0; i < COUNT; i++)
		entries[i].flags = WRITE;
	for (int i = 0; i < COUNT; i++) {
		int fence;

		timelines[i] = sw_sync_timeline_create();
		fence = sw_sync_timeline_create_fence(timelines[i], 1);
		waits[i] = exchange(fence);
		close(fence);
	}
	for (int i = 0; i < COUNT; i++) {
		/* All before have had their turn, this one comes now. */
		igt_assert(!sync_file_busy(waits[i]));
		igt_assert(i + 1 == COUNT || sync_file_busy(waits[i + 1]));
		sw_sync_timeline_inc(timelines[i], 1);
	}
	for (int i = 0; i < COUNT; i++) {
		assert_waits(entries[i].dmabuf, false, false);
		close(timelines[i]);
		close(waits[i]);
	}
}

static void test_orders(void)
{
	igt_fork(child, PROCS) {
		int timeline = sw_sync_timeline_create();

		/* Forth, back, and from the middle. */
		for (int i = 0; i < COUNT; i++) {
			int step = child % 2 ? i : COUNT - 1 - i;
			int from = (step + child / 2 * COUNT / 2) % COUNT;
			struct many_entry swap = entries[i];

			entries[i] = entries[from];
			entries[from] = swap;
		}
		for (int i = 1; i <= ROUNDS; i++) {
			int fence = sw_sync_timeline_create_fence(timeline, i);

			import_many(fence);
			close(exchange(fence));
			close(fence);
			sw_sync_timeline_inc(timeline, 1);
		}
		close(timeline);
	}
	igt_waitchildren();
	for (int i = 0; i < COUNT; i++)
		assert_waits(entries[i].dmabuf, false, false);
}

static void test_bad(void)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);
	struct many_arg none = { .count = 0 }, most = { .count = UINT32_MAX };
	struct many_arg flags = { .count = 1, .flags = 1u << 31 };
	struct many_arg given = { .count = 1, .import_fd = fence };
	struct many_arg early = { .count = 1, .deadline_ns = 1 };
	struct many_arg alien = { .count = 1, .import_fd = timeline };
	struct many_arg unread = { .count = 1 };

	igt_assert_eq(call(EXPORT_MANY, &none), EINVAL);
	igt_assert_eq(call(EXPORT_MANY, &most), E2BIG);
	igt_assert_eq(call(EXPORT_MANY, &flags), EINVAL);
	igt_assert_eq(call(EXPORT_MANY, &given), EINVAL);
	igt_assert_eq(call(EXPORT_MANY, &early), EINVAL);
	igt_assert_eq(call(IMPORT_MANY, &alien), EINVAL);
	igt_assert_eq(call(EXCHANGE, &alien), EINVAL);
	igt_assert_eq(ioctl(entries[0].dmabuf, EXPORT_MANY, &unread), -1);
	igt_assert_eq(errno, EFAULT);
	igt_assert_eq(ioctl(entries[0].dmabuf, EXPORT_MANY, NULL), -1);
	igt_assert_eq(errno, EFAULT);
	for (int i = 0; i < COUNT; i++)
		assert_waits(entries[i].dmabuf, false, false);
	close(fence);
	close(timeline);
}

static void test_no_descriptor(void)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1), err;
	struct many_arg arg = { .count = COUNT, .import_fd = fence };
	struct rlimit old, none;

	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = call(EXCHANGE, &arg);
	setrlimit(RLIMIT_NOFILE, &old);
	igt_assert_eq(err, EMFILE);
	igt_assert_eq(arg.export_fd, -1);
	for (int i = 0; i < COUNT; i++)
		assert_waits(entries[i].dmabuf, false, false);
	close(fence);
	close(timeline);
}

static void with_buffers(int vgem, void (*test)(void))
{
	for (int i = 0; i < COUNT; i++) {
		entries[i].dmabuf = create_dmabuf(vgem);
		entries[i].flags = READ;
	}
	test();
	for (int i = 0; i < COUNT; i++)
		close(entries[i].dmabuf);
}

static bool has_query(int vgem)
{
	int dmabuf = create_dmabuf(vgem);
	struct query_arg query;
	int ret = ioctl(dmabuf, QUERY, &query);

	close(dmabuf);
	return !ret;
}

int igt_main()
{
	static int vgem;

	igt_fixture() {
		vgem = open_vgem();
		igt_require(has_query(vgem));
	}

	igt_describe("The kernel tells which of the calls it has.");
	igt_subtest("query")
		with_buffers(vgem, test_query);

	igt_describe("One sync_file signals when the last of the buffers is "
		     "ready.");
	igt_subtest("export-waits-for-all")
		with_buffers(vgem, test_export);

	igt_describe("Each buffer is looked at as its own flags say.");
	igt_subtest("export-flags-of-each")
		with_buffers(vgem, test_export_flags);

	igt_describe("A timeline that is on many buffers is in the sync_file "
		     "once.");
	igt_subtest("export-names-a-timeline-once")
		with_buffers(vgem, test_export_once);

	igt_describe("Idle buffers need no sync_file, if that is asked for.");
	igt_subtest("no-fd-when-idle")
		with_buffers(vgem, test_idle);

	igt_describe("One fence goes into all buffers, as the flags of each "
		     "say.");
	igt_subtest("import-into-all")
		with_buffers(vgem, test_import);

	igt_describe("After an error at any entry, all buffers are as they "
		     "were.");
	igt_subtest("import-all-or-none")
		with_buffers(vgem, test_all_or_none);

	igt_describe("A buffer that occurs twice gets the union of its flags.");
	igt_subtest("same-buffer-twice")
		with_buffers(vgem, test_twice);

	igt_describe("Each exchange waits for the one before, and not for "
		     "itself.");
	igt_subtest("exchange-in-a-row")
		with_buffers(vgem, test_exchange);

	igt_describe("Processes that lock the same buffers in any order all get "
		     "through.");
	igt_subtest("opposite-orders")
		with_buffers(vgem, test_orders);

	igt_describe("What the calls refuse.");
	igt_subtest("bad-arguments")
		with_buffers(vgem, test_bad);

	igt_describe("Without a free descriptor, an exchange leaves nothing "
		     "behind.");
	igt_subtest("no-descriptor-left")
		with_buffers(vgem, test_no_descriptor);

	igt_fixture()
		drm_close_driver(vgem);
}

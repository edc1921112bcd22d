// SPDX-License-Identifier: MIT

#include <fcntl.h>

#include "dmabuf_sync_file_common.h"

IGT_TEST_DESCRIPTION("Sync_files of a dma-buf whose exporter moves its memory");

/**
 * TEST: dmabuf_sync_file_kernel
 * Category: Core
 * Mega feature: General Core features
 * Sub-category: dmabuf
 * Functionality: dmabuf test
 * Description: Sync_files of a dma-buf whose exporter moves its memory
 *
 * SUBTEST: everybody-waits
 * Description: Readers, writers and a driver wait until the memory is in place.
 *
 * SUBTEST: import-keeps-move
 * Description: No import takes the place of the fence of a move.
 *
 * SUBTEST: move-while-in-use
 * Description: A move waits beside the fences of those who use the buffer.
 *
 * SUBTEST: move-after-move
 * Description: Moves that follow each other are one fence to wait for.
 *
 * SUBTEST: move-fails
 * Description: A move that ends with an error is over.
 */

#define DEVICE	"/dev/dma_resv_test"

/* Of a module that does to a buffer what the driver does which has made it. */
struct test_add {
	int32_t dmabuf;
	int32_t sync_file;
	uint32_t usage;
	uint32_t pad;
};

#define TEST_ADD	_IOW('r', 0, struct test_add)
#define USAGE_KERNEL	0

/* The exporter moves the memory: it is there when the fence signals. */
static void move(int device, int dmabuf, int timeline, uint32_t seqno)
{
	struct test_add add = {
		.dmabuf = dmabuf,
		.sync_file = sw_sync_timeline_create_fence(timeline, seqno),
		.usage = USAGE_KERNEL,
	};

	igt_assert_eq(ioctl(device, TEST_ADD, &add), 0);
	close(add.sync_file);
}

/* Of vgem; libigt attaches only where it succeeds. */
struct fence_attach {
	uint32_t handle;
	uint32_t flags;
	uint32_t out_fence;
	uint32_t pad;
};

#define FENCE_ATTACH	_IOWR('d', 0x41, struct fence_attach)

/* Does the driver of the buffer refuse a job, since it would have to wait? */
static bool driver_waits(int vgem, struct vgem_bo *bo, unsigned int flags)
{
	struct fence_attach attach = { .handle = bo->handle, .flags = flags };

	if (ioctl(vgem, FENCE_ATTACH, &attach)) {
		igt_assert_eq(errno, EBUSY);
		return true;
	}
	vgem_fence_signal(vgem, attach.out_fence);
	return false;
}

static void test_everybody_waits(int device, int vgem)
{
	int timeline = sw_sync_timeline_create(), dmabuf, file;
	struct vgem_bo bo = { .width = 1, .height = 1, .bpp = 32 };

	vgem_create(vgem, &bo);
	dmabuf = prime_handle_to_fd(vgem, bo.handle);
	move(device, dmabuf, timeline, 1);
	assert_waits(dmabuf, true, true);
	file = dmabuf_export_sync_file(dmabuf, READ);
	igt_assert(sync_file_busy(file));
	igt_assert(driver_waits(vgem, &bo, 0));
	igt_assert(driver_waits(vgem, &bo, VGEM_FENCE_WRITE));

	sw_sync_timeline_inc(timeline, 1);
	igt_assert(!sync_file_busy(file));
	assert_waits(dmabuf, false, false);
	igt_assert(!driver_waits(vgem, &bo, 0));
	igt_assert(!driver_waits(vgem, &bo, VGEM_FENCE_WRITE));
	close(file);
	close(dmabuf);
	gem_close(vgem, bo.handle);
	close(timeline);
}

static void test_import_keeps_move(int device, int vgem)
{
	int timeline = sw_sync_timeline_create(), dmabuf;
	struct vgem_bo bo = { .width = 1, .height = 1, .bpp = 32 };

	vgem_create(vgem, &bo);
	dmabuf = prime_handle_to_fd(vgem, bo.handle);
	move(device, dmabuf, timeline, 2);
	/* An earlier writer of the same timeline, and a later reader. */
	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	dmabuf_import_timeline_fence(dmabuf, READ, timeline, 3);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, true, true);
	igt_assert(driver_waits(vgem, &bo, 0));
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, true);
	igt_assert(!driver_waits(vgem, &bo, 0));
	igt_assert(driver_waits(vgem, &bo, VGEM_FENCE_WRITE));
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	igt_assert(!driver_waits(vgem, &bo, VGEM_FENCE_WRITE));
	close(dmabuf);
	gem_close(vgem, bo.handle);
	close(timeline);
}

static void test_move_while_in_use(int device, int vgem)
{
	int user = sw_sync_timeline_create(), mover = sw_sync_timeline_create();
	int dmabuf = create_dmabuf(vgem), before, after;

	dmabuf_import_timeline_fence(dmabuf, READ, user, 1);
	before = dmabuf_export_sync_file(dmabuf, WRITE);
	move(device, dmabuf, mover, 1);
	after = dmabuf_export_sync_file(dmabuf, WRITE);
	igt_assert_eq(sync_fence_count(before), 1);
	igt_assert_eq(sync_fence_count(after), 2);

	sw_sync_timeline_inc(user, 1);
	igt_assert(!sync_file_busy(before));
	igt_assert(sync_file_busy(after));
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(mover, 1);
	igt_assert(!sync_file_busy(after));
	assert_waits(dmabuf, false, false);
	close(before);
	close(after);
	close(dmabuf);
	close(user);
	close(mover);
}

static void test_move_after_move(int device, int vgem)
{
	int timeline = sw_sync_timeline_create(), dmabuf = create_dmabuf(vgem);

	for (uint32_t seqno = 1; seqno <= 50; seqno++) {
		move(device, dmabuf, timeline, seqno);
		igt_assert_eq(writer_count(dmabuf), 1);
	}
	sw_sync_timeline_inc(timeline, 49);
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	close(dmabuf);
	close(timeline);
}

static void test_move_fails(int device, int vgem)
{
	int timeline = sw_sync_timeline_create(), dmabuf = create_dmabuf(vgem);
	int file;

	move(device, dmabuf, timeline, 1);
	file = dmabuf_export_sync_file(dmabuf, READ);
	igt_assert(sync_file_busy(file));
	close(timeline);
	igt_assert(!sync_file_busy(file));
	close(file);
	assert_waits(dmabuf, false, false);
	close(dmabuf);
}

int igt_main()
{
	static int device, vgem;

	igt_fixture() {
		vgem = open_vgem();
		device = open(DEVICE, O_RDWR);
		igt_require(device >= 0);
	}

	igt_describe("Readers, writers and a driver wait until the memory is "
		     "in place.");
	igt_subtest("everybody-waits")
		test_everybody_waits(device, vgem);

	igt_describe("No import takes the place of the fence of a move.");
	igt_subtest("import-keeps-move")
		test_import_keeps_move(device, vgem);

	igt_describe("A move waits beside the fences of those who use the "
		     "buffer.");
	igt_subtest("move-while-in-use")
		test_move_while_in_use(device, vgem);

	igt_describe("Moves that follow each other are one fence to wait for.");
	igt_subtest("move-after-move")
		test_move_after_move(device, vgem);

	igt_describe("A move that ends with an error is over.");
	igt_subtest("move-fails")
		test_move_fails(device, vgem);

	igt_fixture() {
		close(device);
		drm_close_driver(vgem);
	}
}

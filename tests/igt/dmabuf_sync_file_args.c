// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "dmabuf_sync_file_common.h"

IGT_TEST_DESCRIPTION("What the sync_file ioctls of a dma-buf refuse, and that "
		     "a refused call leaves nothing behind");

/**
 * TEST: dmabuf_sync_file_args
 * Category: Core
 * Mega feature: General Core features
 * Sub-category: dmabuf
 * Functionality: dmabuf test
 * Description: What the sync_file ioctls of a dma-buf refuse
 *
 * SUBTEST: bad-flags
 * Description: Only READ, WRITE or both are flags.
 *
 * SUBTEST: bad-sync-file
 * Description: Only a sync_file can be imported.
 *
 * SUBTEST: bad-pointer
 * Description: Memory that cannot be read or written fails the call.
 *
 * SUBTEST: other-ioctls
 * Description: The other ioctls of a dma-buf work as before.
 *
 * SUBTEST: no-descriptor-left
 * Description: An export without a free descriptor fails, and works later.
 *
 * SUBTEST: refused-import-changes-nothing
 * Description: A refused import of a busy fence leaves the buffer idle.
 *
 * SUBTEST: close-on-exec
 * Description: An exported descriptor does not survive exec.
 *
 * SUBTEST: signaled-import
 * Description: A fence that has signaled makes nobody wait.
 */

/* Names of our own: the system's header may be older than the ioctls. */
struct sync_file_arg {
	uint32_t flags;
	int32_t fd;
};

#define EXPORT	_IOWR(DMA_BUF_BASE, 2, struct sync_file_arg)
#define IMPORT	_IOW(DMA_BUF_BASE, 3, struct sync_file_arg)

/* The errno of the call, or 0. */
static int call(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret && errno == EINTR);
	return ret ? errno : 0;
}

static int export(int dmabuf, uint32_t flags, int *fd)
{
	struct sync_file_arg arg = { .flags = flags, .fd = -1 };
	int err = call(dmabuf, EXPORT, &arg);

	*fd = arg.fd;
	return err;
}

static int import(int dmabuf, uint32_t flags, int fd)
{
	struct sync_file_arg arg = { .flags = flags, .fd = fd };

	return call(dmabuf, IMPORT, &arg);
}

/* Descriptors that are taken, even if they lead to no file yet, are skipped. */
static int lowest_free_descriptor(int fd)
{
	int lowest = dup(fd);

	igt_assert_fd(lowest);
	close(lowest);
	return lowest;
}

static void test_bad_flags(int dmabuf)
{
	const uint32_t bad[] = { 0, 4, READ | 4, WRITE | 4, 1u << 31, ~0u };
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1), fd;

	for (int i = 0; i < ARRAY_SIZE(bad); i++) {
		igt_assert_eq(export(dmabuf, bad[i], &fd), EINVAL);
		igt_assert_eq(fd, -1);
		igt_assert_eq(import(dmabuf, bad[i], fence), EINVAL);
	}
	for (uint32_t good = READ; good <= (READ | WRITE); good++) {
		igt_assert_eq(export(dmabuf, good, &fd), 0);
		close(fd);
		igt_assert_eq(import(dmabuf, good, fence), 0);
	}
	close(fence);
	close(timeline);
}

static void test_bad_sync_file(int dmabuf)
{
	int event = eventfd(0, EFD_CLOEXEC);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int timeline = sw_sync_timeline_create();

	igt_assert_fd(event);
	igt_assert_fd(null);
	igt_assert_eq(import(dmabuf, READ, event), EINVAL);
	igt_assert_eq(import(dmabuf, READ, null), EINVAL);
	igt_assert_eq(import(dmabuf, READ, dmabuf), EINVAL);
	igt_assert_eq(import(dmabuf, READ, timeline), EINVAL);
	igt_assert_eq(import(dmabuf, READ, -1), EINVAL);
	close(timeline);
	close(event);
	close(null);
	igt_assert_eq(import(dmabuf, READ, null), EINVAL);
}

static void test_bad_pointer(int dmabuf)
{
	struct sync_file_arg *arg;
	int before;

	arg = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	igt_assert(arg != MAP_FAILED);
	arg->flags = READ;
	igt_assert_eq(mprotect(arg, 4096, PROT_READ), 0);

	before = lowest_free_descriptor(dmabuf);
	for (int i = 0; i < 100; i++)
		igt_assert_eq(call(dmabuf, EXPORT, arg), EFAULT);
	igt_assert_eq(lowest_free_descriptor(dmabuf), before);

	igt_assert_eq(munmap(arg, 4096), 0);
	igt_assert_eq(call(dmabuf, EXPORT, arg), EFAULT);
	igt_assert_eq(call(dmabuf, IMPORT, arg), EFAULT);
	igt_assert_eq(call(dmabuf, EXPORT, NULL), EFAULT);
	igt_assert_eq(call(dmabuf, IMPORT, NULL), EFAULT);
}

static void test_other_ioctls(int dmabuf)
{
	struct dma_buf_sync begin = {
		.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ,
	}, end = {
		.flags = DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ,
	}, bad = { .flags = ~0ull };
	struct sync_file_arg arg = { .flags = READ, .fd = -1 };

	igt_assert_eq(call(dmabuf, DMA_BUF_IOCTL_SYNC, &begin), 0);
	igt_assert_eq(call(dmabuf, DMA_BUF_IOCTL_SYNC, &end), 0);
	igt_assert_eq(call(dmabuf, DMA_BUF_IOCTL_SYNC, &bad), EINVAL);
	/* The right number with another direction is another ioctl. */
	igt_assert_eq(call(dmabuf, _IOR(DMA_BUF_BASE, 2, struct sync_file_arg),
			   &arg), ENOTTY);
	igt_assert_eq(call(dmabuf, _IOWR(DMA_BUF_BASE, 3, struct sync_file_arg),
			   &arg), ENOTTY);
}

static void test_no_descriptor_left(int dmabuf)
{
	struct rlimit old, none;
	int err, fd;

	igt_assert_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	igt_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	err = export(dmabuf, READ, &fd);
	setrlimit(RLIMIT_NOFILE, &old);
	igt_assert_eq(err, EMFILE);
	igt_assert_eq(fd, -1);

	igt_assert_eq(export(dmabuf, READ, &fd), 0);
	close(fd);
}

static void test_refused_import(int dmabuf)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);

	igt_assert_eq(import(dmabuf, 0, fence), EINVAL);
	igt_assert_eq(import(dmabuf, WRITE | 4, fence), EINVAL);
	assert_waits(dmabuf, false, false);
	close(fence);
	close(timeline);
}

static void test_close_on_exec(int dmabuf)
{
	int fence = dmabuf_export_sync_file(dmabuf, READ);

	igt_assert(fcntl(fence, F_GETFD) & FD_CLOEXEC);
	close(fence);
}

static void test_signaled_import(int dmabuf)
{
	int timeline = sw_sync_timeline_create();
	int fence = sw_sync_timeline_create_fence(timeline, 1);

	sw_sync_timeline_inc(timeline, 1);
	dmabuf_import_sync_file(dmabuf, WRITE, fence);
	assert_waits(dmabuf, false, false);
	close(fence);
	close(timeline);
}

static void with_dmabuf(int vgem, void (*test)(int dmabuf))
{
	int dmabuf = create_dmabuf(vgem);

	test(dmabuf);
	close(dmabuf);
}

int igt_main()
{
	static int vgem;

	igt_fixture()
		vgem = open_vgem();

	igt_describe("Only READ, WRITE or both are flags.");
	igt_subtest("bad-flags")
		with_dmabuf(vgem, test_bad_flags);

	igt_describe("Only a sync_file can be imported.");
	igt_subtest("bad-sync-file")
		with_dmabuf(vgem, test_bad_sync_file);

	igt_describe("Memory that cannot be read or written fails the call, "
		     "and leaves no descriptor behind.");
	igt_subtest("bad-pointer")
		with_dmabuf(vgem, test_bad_pointer);

	igt_describe("The other ioctls of a dma-buf work as before.");
	igt_subtest("other-ioctls")
		with_dmabuf(vgem, test_other_ioctls);

	igt_describe("An export without a free descriptor fails, and works "
		     "when there is one again.");
	igt_subtest("no-descriptor-left")
		with_dmabuf(vgem, test_no_descriptor_left);

	igt_describe("A refused import of a busy fence leaves the buffer idle.");
	igt_subtest("refused-import-changes-nothing")
		with_dmabuf(vgem, test_refused_import);

	igt_describe("An exported descriptor does not survive exec.");
	igt_subtest("close-on-exec")
		with_dmabuf(vgem, test_close_on_exec);

	igt_describe("A fence that has signaled makes nobody wait.");
	igt_subtest("signaled-import")
		with_dmabuf(vgem, test_signaled_import);

	igt_fixture()
		drm_close_driver(vgem);
}

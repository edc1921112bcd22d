/* SPDX-License-Identifier: MIT */
/* What the dmabuf_sync_file_* tests share: a buffer, and who has to wait. */
#ifndef DMABUF_SYNC_FILE_COMMON_H
#define DMABUF_SYNC_FILE_COMMON_H

#include <sys/ioctl.h>

#include "igt.h"
#include "igt_vgem.h"
#include "sw_sync.h"
#include "dmabuf_sync_file.h"

#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE

/*
 * Signal all fences of all timelines that are open. A poll() that is pending
 * may hold the last reference to a fence; when sw_sync signals that fence for
 * the reason that its timeline is closed, it locks up. A subtest that fails
 * leaves such fences to the end of the program.
 */
static inline void signal_all(int sig)
{
	uint32_t count = INT32_MAX;
	int fd;

	(void)sig;
	for (fd = 3; fd < 1024; fd++)
		ioctl(fd, _IOW('W', 1, uint32_t), &count);
}

/* What every program here starts with: the device. */
static inline int open_vgem(void)
{
	int vgem = drm_open_driver(DRIVER_VGEM);

	igt_require(has_dmabuf_export_sync_file(vgem));
	igt_require(has_dmabuf_import_sync_file(vgem));
	igt_require_sw_sync();
	igt_install_exit_handler(signal_all);
	return vgem;
}

/* A small buffer of vgem, which only the dma-buf keeps. */
static inline int create_dmabuf(int vgem)
{
	struct vgem_bo bo = { .width = 1, .height = 1, .bpp = 32 };
	int dmabuf;

	vgem_create(vgem, &bo);
	dmabuf = prime_handle_to_fd(vgem, bo.handle);
	gem_close(vgem, bo.handle);
	return dmabuf;
}

/* Do poll() and an export agree that a reader and a writer have to wait? */
static inline void assert_waits(int dmabuf, bool reader, bool writer)
{
	igt_assert_eq(dmabuf_busy(dmabuf, READ), reader);
	igt_assert_eq(dmabuf_sync_file_busy(dmabuf, READ), reader);
	igt_assert_eq(dmabuf_busy(dmabuf, WRITE), writer);
	igt_assert_eq(dmabuf_sync_file_busy(dmabuf, WRITE), writer);
}

/* How many fences does a writer have to wait for? */
static inline int writer_count(int dmabuf)
{
	int fence = dmabuf_export_sync_file(dmabuf, WRITE);
	int count = sync_fence_count(fence);

	close(fence);
	return count;
}

#endif /* DMABUF_SYNC_FILE_COMMON_H */

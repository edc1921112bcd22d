/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DRM devices, their buffers and syncobjs by way of libdrm, with the errors of
 * buffers.h: every function returns a descriptor, a count or 0, or a negative
 * errno. Nothing here knows what is tested.
 */
#ifndef _DEVICES_H
#define _DEVICES_H

#include "../dma-buf/harness.h"

#include <drm_fourcc.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

/* Some calls of libdrm return -1, others the negative errno. */
static inline int drm(int ret)
{
	return ret < 0 ? -errno : ret;
}

/* The device of a driver, by its name. */
static inline int device_open(const char *driver)
{
	char path[32];
	int i, fd;

	for (i = 0; i < 16; i++) {
		drmVersionPtr version;
		bool found;

		snprintf(path, sizeof(path), DRM_DEV_NAME, DRM_DIR_NAME, i);
		fd = xopen(path);
		if (fd < 0)
			continue;
		version = drmGetVersion(fd);
		found = version && !strcmp(version->name, driver);
		drmFreeVersion(version);
		if (found)
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/* A buffer that a CPU can write, of 32 bits a pixel. */
static inline int dumb_create(int fd, __u32 width, __u32 height, __u32 *handle,
			      __u32 *pitch)
{
	struct drm_mode_create_dumb create = {
		.width = width, .height = height, .bpp = 32,
	};
	int ret = drm(drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create));

	*handle = create.handle;
	if (pitch)
		*pitch = create.pitch;
	return ret;
}

static inline int prime_export(int fd, __u32 handle)
{
	int dmabuf, ret = drm(drmPrimeHandleToFD(fd, handle,
						 DRM_CLOEXEC | DRM_RDWR,
						 &dmabuf));

	return ret ? ret : dmabuf;
}

static inline int prime_import(int fd, int dmabuf, __u32 *handle)
{
	return drm(drmPrimeFDToHandle(fd, dmabuf, handle));
}

static inline int handle_close(int fd, __u32 handle)
{
	struct drm_gem_close close = { .handle = handle };

	return drm(drmIoctl(fd, DRM_IOCTL_GEM_CLOSE, &close));
}

/* What a driver without fences of its own makes: a dma-buf of this device. */
static inline int buffer_of(int fd)
{
	__u32 handle;
	int ret = dumb_create(fd, 64, 16, &handle, NULL);
	int dmabuf;

	if (ret)
		return ret;
	dmabuf = prime_export(fd, handle);
	ret = handle_close(fd, handle);
	return dmabuf < 0 || !ret ? dmabuf : ret;
}

/*
 * Import number @seqno of a timeline of sw_sync. No sync_file stays: the buffer
 * alone keeps the fence.
 */
static inline int import_fence(int dmabuf, int timeline, __u32 seqno,
			       __u32 flags)
{
	int fence = timeline_fence(timeline, seqno), ret;

	if (fence < 0)
		return fence;
	ret = dmabuf_import(dmabuf, fence, flags);
	close(fence);
	return ret;
}

/* The fence of a binary syncobj as a sync_file. */
static inline int syncobj_export(int fd, __u32 syncobj)
{
	int sync_file, ret = drm(drmSyncobjExportSyncFile(fd, syncobj,
							  &sync_file));

	return ret ? ret : sync_file;
}

/* Take over the sync_file: a driver keeps no descriptor of it either. */
static inline int syncobj_import(int fd, __u32 syncobj, int sync_file)
{
	int ret = drm(drmSyncobjImportSyncFile(fd, syncobj, sync_file));

	close(sync_file);
	return ret;
}

/* 1 if @point of a syncobj (0: a binary one) has signaled within @ms, 0 if not. */
static inline int syncobj_wait(int fd, __u32 syncobj, uint64_t point, int ms)
{
	int64_t until = (int64_t)now_ns() + (int64_t)ms * 1000000;
	int ret;

	if (point)
		ret = drmSyncobjTimelineWait(fd, &syncobj, &point, 1, until, 0,
					     NULL);
	else
		ret = drmSyncobjWait(fd, &syncobj, 1, until, 0, NULL);
	if (ret == -ETIME)
		return 0;
	return ret ? ret : 1;
}

#endif /* _DEVICES_H */

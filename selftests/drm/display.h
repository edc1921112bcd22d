/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One display of a DRM device, with two pictures to show in turn, by atomic
 * commits with explicit fences or without. Errors as in devices.h.
 */
#ifndef _DISPLAY_H
#define _DISPLAY_H

#include "devices.h"

struct picture {
	int dmabuf;
	__u32 handle;
	__u32 fb;
};

struct display {
	int fd;
	__u32 connector;
	__u32 crtc;
	__u32 plane;
	__u32 mode;
	__u32 width;
	__u32 height;
	struct picture pictures[2];
	int flips;
};

/* The number of the property of an object that has this name, or 0. */
static inline __u32 prop_id(int fd, __u32 object, __u32 type, const char *name,
			    __u64 *value)
{
	drmModeObjectPropertiesPtr all;
	__u32 found = 0;

	all = drmModeObjectGetProperties(fd, object, type);
	for (__u32 i = 0; all && i < all->count_props && !found; i++) {
		drmModePropertyPtr prop = drmModeGetProperty(fd, all->props[i]);

		if (prop && !strcmp(prop->name, name)) {
			found = prop->prop_id;
			if (value)
				*value = all->prop_values[i];
		}
		drmModeFreeProperty(prop);
	}
	drmModeFreeObjectProperties(all);
	return found;
}

static inline int put(drmModeAtomicReq *req, int fd, __u32 object, __u32 type,
		      const char *name, __u64 value)
{
	__u32 id = prop_id(fd, object, type, name, NULL);

	if (!id)
		return -ENOENT;
	return drmModeAtomicAddProperty(req, object, id, value);
}

#define PUT_PLANE(name, value) \
	put(req, display->fd, display->plane, DRM_MODE_OBJECT_PLANE, name, value)
#define PUT_CRTC(name, value) \
	put(req, display->fd, display->crtc, DRM_MODE_OBJECT_CRTC, name, value)
#define PUT_CONNECTOR(name, value) \
	put(req, display->fd, display->connector, DRM_MODE_OBJECT_CONNECTOR, \
	    name, value)

static inline int picture_create(struct display *display,
				 struct picture *picture)
{
	__u32 handles[4] = { 0 }, pitches[4] = { 0 }, offsets[4] = { 0 };
	int ret = dumb_create(display->fd, display->width, display->height,
			      &picture->handle, &pitches[0]);

	if (ret)
		return ret;
	handles[0] = picture->handle;
	picture->dmabuf = prime_export(display->fd, picture->handle);
	if (picture->dmabuf < 0)
		return picture->dmabuf;
	return drm(drmModeAddFB2(display->fd, display->width, display->height,
				 DRM_FORMAT_XRGB8888, handles, pitches, offsets,
				 &picture->fb, 0));
}

static inline int mode_blob(struct display *display,
			    const drmModeModeInfo *mode)
{
	return drm(drmModeCreatePropertyBlob(display->fd, mode, sizeof(*mode),
					     &display->mode));
}

/* The first connector that has something at its end, and its preferred mode. */
static inline int find_connector(struct display *display, drmModeResPtr res)
{
	int ret = -ENODEV;

	for (int i = 0; i < res->count_connectors && ret == -ENODEV; i++) {
		drmModeConnectorPtr c = drmModeGetConnector(display->fd,
							    res->connectors[i]);

		if (c && c->connection == DRM_MODE_CONNECTED &&
		    c->count_modes) {
			display->connector = c->connector_id;
			display->width = c->modes[0].hdisplay;
			display->height = c->modes[0].vdisplay;
			ret = mode_blob(display, &c->modes[0]);
		}
		drmModeFreeConnector(c);
	}
	return ret;
}

/* The primary plane of the first display controller. */
static inline int find_plane(struct display *display)
{
	drmModePlaneResPtr res = drmModeGetPlaneResources(display->fd);

	for (__u32 i = 0; res && i < res->count_planes && !display->plane; i++) {
		drmModePlanePtr plane = drmModeGetPlane(display->fd,
							res->planes[i]);
		__u64 type = DRM_PLANE_TYPE_OVERLAY;

		prop_id(display->fd, res->planes[i], DRM_MODE_OBJECT_PLANE,
			"type", &type);
		if (plane && type == DRM_PLANE_TYPE_PRIMARY &&
		    (plane->possible_crtcs & 1))
			display->plane = res->planes[i];
		drmModeFreePlane(plane);
	}
	drmModeFreePlaneResources(res);
	return display->plane ? 0 : -ENODEV;
}

/*
 * Show a picture: without waiting, the flip is told later. @in_fence is a
 * sync_file to wait for, or -1 for what the buffer itself has; @out_fence, unless
 * NULL, becomes a sync_file of the flip.
 */
static inline int show(struct display *display, int number, int in_fence,
		       int *out_fence)
{
	drmModeAtomicReq *req = drmModeAtomicAlloc();
	int ret;

	if (!req)
		return -ENOMEM;
	ret = PUT_PLANE("FB_ID", display->pictures[number].fb);
	if (ret >= 0)
		ret = PUT_PLANE("IN_FENCE_FD", (__u64)in_fence);
	if (ret >= 0 && out_fence)
		ret = PUT_CRTC("OUT_FENCE_PTR", (uintptr_t)out_fence);
	if (ret >= 0)
		ret = drm(drmModeAtomicCommit(display->fd, req,
					      DRM_MODE_ATOMIC_NONBLOCK |
					      DRM_MODE_PAGE_FLIP_EVENT,
					      display));
	drmModeAtomicFree(req);
	return ret;
}

/* Switch the display on, with its first picture. */
static inline int switch_on(struct display *display)
{
	drmModeAtomicReq *req = drmModeAtomicAlloc();
	__u32 width = display->width, height = display->height;
	int ret = 0;

	if (!req)
		return -ENOMEM;
	if (PUT_CONNECTOR("CRTC_ID", display->crtc) < 0 ||
	    PUT_CRTC("MODE_ID", display->mode) < 0 ||
	    PUT_CRTC("ACTIVE", 1) < 0 ||
	    PUT_PLANE("FB_ID", display->pictures[0].fb) < 0 ||
	    PUT_PLANE("CRTC_ID", display->crtc) < 0 ||
	    PUT_PLANE("SRC_X", 0) < 0 || PUT_PLANE("SRC_Y", 0) < 0 ||
	    PUT_PLANE("SRC_W", (__u64)width << 16) < 0 ||
	    PUT_PLANE("SRC_H", (__u64)height << 16) < 0 ||
	    PUT_PLANE("CRTC_X", 0) < 0 || PUT_PLANE("CRTC_Y", 0) < 0 ||
	    PUT_PLANE("CRTC_W", width) < 0 || PUT_PLANE("CRTC_H", height) < 0)
		ret = -ENOENT;
	if (!ret)
		ret = drm(drmModeAtomicCommit(display->fd, req,
					      DRM_MODE_ATOMIC_ALLOW_MODESET,
					      NULL));
	drmModeAtomicFree(req);
	return ret;
}

static inline int display_open(struct display *display, const char *driver)
{
	drmModeResPtr res;
	int ret;

	memset(display, 0, sizeof(*display));
	display->fd = device_open(driver);
	if (display->fd < 0)
		return display->fd;
	ret = drm(drmSetClientCap(display->fd, DRM_CLIENT_CAP_ATOMIC, 1));
	if (ret)
		return ret;
	res = drmModeGetResources(display->fd);
	ret = -ENODEV;
	if (res && res->count_crtcs) {
		display->crtc = res->crtcs[0];
		ret = find_connector(display, res);
	}
	drmModeFreeResources(res);
	if (!ret)
		ret = find_plane(display);
	for (int i = 0; i < 2 && !ret; i++)
		ret = picture_create(display, &display->pictures[i]);
	return ret ? ret : switch_on(display);
}

static inline void on_flip(int fd, unsigned int sequence, unsigned int seconds,
			   unsigned int us, void *data)
{
	struct display *display = data;

	(void)fd;
	(void)sequence;
	(void)seconds;
	(void)us;
	display->flips++;
}

/* How many flips have been told of, waiting @ms for the first. */
static inline int flips(struct display *display, int ms)
{
	drmEventContext context = {
		.version = 2, .page_flip_handler = on_flip,
	};
	int ret = wait_for(display->fd, POLLIN, ms);

	if (ret > 0)
		ret = drm(drmHandleEvent(display->fd, &context));
	return ret < 0 ? ret : display->flips;
}

#endif /* _DISPLAY_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Real buffers and real fences for the tests and the demo. Every function
 * returns a descriptor, a count or 0, or a negative errno.
 */
#ifndef _BUFFERS_H
#define _BUFFERS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <libdrm/drm.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>
#include <linux/udmabuf.h>

#include "module/dma-resv-test.h"

/* Neither libdrm nor Debian's linux-libc-dev has the kernel's vgem_drm.h. */
#define VGEM_FENCE_WRITE 1

struct drm_vgem_fence_attach {
	__u32 handle;
	__u32 flags;
	__u32 out_fence;
	__u32 pad;
};

struct drm_vgem_fence_signal {
	__u32 fence;
	__u32 flags;
};

#define DRM_IOCTL_VGEM_FENCE_ATTACH \
	DRM_IOWR(DRM_COMMAND_BASE + 1, struct drm_vgem_fence_attach)
#define DRM_IOCTL_VGEM_FENCE_SIGNAL \
	DRM_IOW(DRM_COMMAND_BASE + 2, struct drm_vgem_fence_signal)

/* The kernel keeps these two to itself: drivers/dma-buf/sw_sync.c. */
struct sw_sync_create_fence_data {
	__u32 value;
	char name[32];
	__s32 fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC		 _IOW('W', 1, __u32)

struct sw_sync_get_deadline {
	__u64 deadline_ns;
	__u32 pad;
	__s32 fence_fd;
};

#define SW_SYNC_GET_DEADLINE	 _IOWR('W', 2, struct sw_sync_get_deadline)

static inline int xioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret < 0 ? -errno : ret;
}

static inline int xopen(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static inline void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

/* poll() for @events, at most @ms: 1 if one came, 0 if the time is over. */
/*
 * Kernels before Linux 5.16 die if a buffer goes away that somebody has polled and
 * that is still busy. There, the test module holds it for so long.
 */
static inline void keep_polled(int fd)
{
	static bool unneeded;
	int test;

	if (unneeded)
		return;
	test = open("/dev/dma_resv_test", O_RDWR | O_CLOEXEC);
	unneeded = ioctl(test, DMA_RESV_TEST_KEEP, &fd) && errno != EINVAL;
	close(test);
}

static inline int wait_for(int fd, short events, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	int ret = poll(&pfd, 1, ms);

	keep_polled(fd);
	return ret < 0 ? -errno : ret && (pfd.revents & events);
}

static inline bool is_ready(int fd, short events)
{
	return wait_for(fd, events, 0) == 1;
}

/* udmabuf: a dma-buf made of a memfd. */
static inline int udmabuf_create(size_t size)
{
	struct udmabuf_create create = {
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};
	int memfd, dev, ret;

	memfd = memfd_create("buffer", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (memfd < 0)
		return -errno;
	if (ftruncate(memfd, (off_t)size) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)) {
		ret = -errno;
		close(memfd);
		return ret;
	}
	dev = xopen("/dev/udmabuf");
	create.memfd = (__u32)memfd;
	ret = dev < 0 ? dev : xioctl(dev, UDMABUF_CREATE, &create);
	if (dev >= 0)
		close(dev);
	close(memfd);
	return ret;
}

/* vgem: a DRM device whose fences user space signals. */
static inline int vgem_open(void)
{
	char name[8], path[32];
	struct drm_version version;
	int i, fd;

	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		fd = xopen(path);
		if (fd < 0)
			continue;
		memset(&version, 0, sizeof(version));
		memset(name, 0, sizeof(name));
		version.name = name;
		version.name_len = sizeof(name) - 1;
		if (!xioctl(fd, DRM_IOCTL_VERSION, &version) &&
		    !strcmp(name, "vgem"))
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/* A buffer of vgem: its dma-buf; the GEM handle goes to @handle. */
static inline int vgem_create(int vgem, __u32 *handle)
{
	struct drm_mode_create_dumb create = {
		.width = 64, .height = 16, .bpp = 32,
	};
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = xioctl(vgem, DRM_IOCTL_MODE_CREATE_DUMB, &create);

	*handle = create.handle;
	if (ret)
		return ret;
	prime.handle = create.handle;
	ret = xioctl(vgem, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	return ret ? ret : prime.fd;
}

/* Attach a fence as a driver does; -EBUSY if it would have had to wait. */
static inline int vgem_attach(int vgem, __u32 handle, bool write, __u32 *fence)
{
	struct drm_vgem_fence_attach attach = {
		.handle = handle,
		.flags = write ? VGEM_FENCE_WRITE : 0,
	};
	int ret = xioctl(vgem, DRM_IOCTL_VGEM_FENCE_ATTACH, &attach);

	*fence = attach.out_fence;
	return ret;
}

static inline int vgem_signal(int vgem, __u32 fence)
{
	struct drm_vgem_fence_signal signal = { .fence = fence };

	return xioctl(vgem, DRM_IOCTL_VGEM_FENCE_SIGNAL, &signal);
}

/* sw_sync: a timeline; closing it signals its fences with an error. */
static inline int timeline_open(void)
{
	return xopen("/sys/kernel/debug/sync/sw_sync");
}

/* A sync_file of the timeline's fence number @seqno. */
static inline int timeline_fence(int timeline, __u32 seqno)
{
	struct sw_sync_create_fence_data data = { .value = seqno };
	int ret = xioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &data);

	return ret ? ret : data.fence;
}

/* Signal the next @count fence numbers. */
static inline int timeline_inc(int timeline, __u32 count)
{
	return xioctl(timeline, SW_SYNC_IOC_INC, &count);
}

/* By when somebody wants a fence of the timeline; -ENOENT if nobody does. */
static inline int64_t timeline_deadline(int timeline, int fence)
{
	struct sw_sync_get_deadline data = { .fence_fd = fence };
	int ret = xioctl(timeline, SW_SYNC_GET_DEADLINE, &data);

	return ret ? ret : (int64_t)data.deadline_ns;
}

/* Whether the kernel's fences have deadlines, which came with Linux 6.4. */
static inline bool has_deadlines(int timeline, int fence)
{
	return timeline_deadline(timeline, fence) != -ENOTTY;
}

static inline int sync_merge(int a, int b)
{
	struct sync_merge_data data = { .name = "merged", .fd2 = b };
	int ret = xioctl(a, SYNC_IOC_MERGE, &data);

	return ret ? ret : data.fence;
}

/* How many fences a sync_file stands for. */
static inline int sync_count(int fd)
{
	struct sync_file_info info = { .num_fences = 0 };
	int ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);

	return ret ? ret : (int)info.num_fences;
}

/* Sequence number of the single fence of a sync_file, from its name. */
static inline long sync_seqno(int fd)
{
	struct sync_file_info info = { .num_fences = 0 };
	int ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);
	const char *dash = strrchr(info.name, '-');
	long seqno;

	if (ret)
		return ret;
	if (strnlen(info.name, sizeof(info.name)) >= sizeof(info.name) - 1)
		return -ENAMETOOLONG;
	return dash && sscanf(dash + 1, "%ld", &seqno) == 1 ? seqno : -EINVAL;
}

/* A sync_file with a snapshot of the buffer's fences. */
static inline int dmabuf_export(int dmabuf, __u32 flags)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };
	int ret = xioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg);

	return ret ? ret : arg.fd;
}

static inline int dmabuf_import(int dmabuf, int sync_file, __u32 flags)
{
	struct dma_buf_import_sync_file arg = {
		.flags = flags, .fd = sync_file,
	};

	return xioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

/* Wait until the CPU may read or write the buffer, as a program with a mapping does. */
static inline int dmabuf_sync(int dmabuf, __u32 flags)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_START | flags };

	return xioctl(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

/* Add a fence as a driver does, with any usage. */
static inline int resv_add(int test, int dmabuf, int sync_file, __u32 usage)
{
	struct dma_resv_test_add arg = {
		.dmabuf = dmabuf, .sync_file = sync_file, .usage = usage,
	};

	return xioctl(test, DMA_RESV_TEST_ADD, &arg);
}

/* Import for all as a careless backport does. */
static inline int naive_import(int test, int dmabuf, int sync_file)
{
	struct dma_resv_test_add arg = {
		.dmabuf = dmabuf, .sync_file = sync_file,
	};

	return xioctl(test, DMA_RESV_TEST_NAIVE, &arg);
}

/* Does the kernel know exclusive and shared fences only, and no usages? */
static inline bool has_exclusive(int test)
{
	return naive_import(test, -1, -1) != -ENOTTY;
}

/* List the entries; returns how many there are. */
static inline int resv_list(int test, int dmabuf,
			    struct dma_resv_test_entry *entries, __u32 room)
{
	struct dma_resv_test_list arg = {
		.dmabuf = dmabuf, .count = room,
		.entries = (uintptr_t)entries,
	};
	int ret = xioctl(test, DMA_RESV_TEST_LIST, &arg);

	return ret ? ret : (int)arg.count;
}

/* Memory of the list of entries, in bytes; large if not known. */
static inline uint64_t resv_bytes(int test, int dmabuf)
{
	struct dma_resv_test_list arg = { .dmabuf = dmabuf };

	return xioctl(test, DMA_RESV_TEST_LIST, &arg) ? UINT64_MAX : arg.bytes;
}

/* Where the list is, to be compared with where it was; 0 if there is none. */
static inline uint64_t resv_where(int test, int dmabuf)
{
	struct dma_resv_test_list arg = { .dmabuf = dmabuf };

	return xioctl(test, DMA_RESV_TEST_LIST, &arg) ? 0 : arg.list;
}

static inline int resv_hold(int test, int dmabuf, __u32 ms)
{
	struct dma_resv_test_hold arg = { .dmabuf = dmabuf, .ms = ms };

	return xioctl(test, DMA_RESV_TEST_HOLD, &arg);
}

static inline int resv_churn(int test, int dmabuf, __u32 ms)
{
	struct dma_resv_test_hold arg = { .dmabuf = dmabuf, .ms = ms };

	return xioctl(test, DMA_RESV_TEST_CHURN, &arg);
}

static inline int unordered_fence(int test)
{
	struct dma_resv_test_unordered arg = { .fd = -1 };
	int ret = xioctl(test, DMA_RESV_TEST_UNORDERED, &arg);

	return ret ? ret : arg.fd;
}

/* A sync_file of so many contexts. */
static inline int make_crowd(int test, __u32 count)
{
	struct dma_resv_test_crowd arg = { .count = count, .fd = -1 };
	int ret = xioctl(test, DMA_RESV_TEST_CROWD, &arg);

	return ret ? ret : arg.fd;
}

/* A second dma-buf of the reservation object of @dmabuf. */
static inline int share_resv(int test, int dmabuf)
{
	struct dma_resv_test_share arg = { .dmabuf = dmabuf, .fd = -1 };
	int ret = xioctl(test, DMA_RESV_TEST_SHARE, &arg);

	return ret ? ret : arg.fd;
}

static inline int signal_all(int test, __s32 fd)
{
	return xioctl(test, DMA_RESV_TEST_SIGNAL, &fd);
}

/* A sync_file of a chain that holds the fences of @fds again and again. */
static inline int make_chain(int test, const __s32 *fds, __u32 count,
			     __u32 links, bool arrays)
{
	struct dma_resv_test_chain arg = {
		.sync_files = (uintptr_t)fds, .count = count,
		.links = links, .arrays = arrays,
	};
	int ret = xioctl(test, DMA_RESV_TEST_CHAIN, &arg);

	return ret ? ret : arg.fd;
}

/* Whether a boolean parameter of dma_resv_export.ko is there and set. */
static inline bool module_param(const char *name)
{
	char value = 'N', path[96];
	int fd;

	snprintf(path, sizeof(path),
		 "/sys/module/dma_resv_export/parameters/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, &value, 1) != 1)
		value = 'N';
	close(fd);
	return value == 'Y';
}

/*
 * Whether this project serves the ioctls, not the kernel's own code: a loaded
 * module that is enabled, or the code inside the kernel, which has no switch.
 */
static inline bool module_serves(void)
{
	return module_param("enabled") ||
	       (!access("/sys/module/dma_resv_export", F_OK) &&
		access("/sys/module/dma_resv_export/parameters/enabled", F_OK));
}

#endif /* _BUFFERS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device memory and two devices that copy, for the tests. Functions return a
 * descriptor, a count or 0, or a negative errno.
 */
#ifndef _P2P_H
#define _P2P_H

#include <pthread.h>
#include <stdlib.h>

#include "../dma-buf/harness.h"
#include "../../drivers/dma-buf/tests/p2p/edu-p2p.h"
#include "../../drivers/dma-buf/tests/p2p/ivshmem-p2p.h"

/* Of a buffer, and of what a job moves: it takes the device 200 ms. */
#define SIZE	8192
#define LEN	1024
#define JOB_MS	200

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* For a job that must have ended by then, on a machine that is slow. */
#define SOON_MS	10000

#define HOST_FILE	"/run/vm/p2pmem"

static inline char profile(void)
{
	const char *name = getenv("P2P_PROFILE");

	return name ? *name : 'B';
}

/* Whether edu0 or edu1 has a way to the memory. */
static inline bool reaches(int edu)
{
	return edu == 0 || profile() != 'A';
}

static inline int p2p_create(int ivs, __u32 flags)
{
	struct ivshmem_create arg = { .size = SIZE, .flags = flags, .fd = -1 };
	int ret = xioctl(ivs, IVSHMEM_IOC_CREATE, &arg);

	return ret ? ret : arg.fd;
}

/* Of any size, and when memory is short: what was closed is freed a little later. */
static inline int p2p_create_soon(int ivs, __u64 size, __u32 flags)
{
	struct ivshmem_create arg = { .size = size, .flags = flags, .fd = -1 };
	int ret = -ENOMEM, i;

	for (i = 0; i < 500 && ret == -ENOMEM; i++) {
		if (i)
			sleep_ms(10);
		ret = xioctl(ivs, IVSHMEM_IOC_CREATE, &arg);
	}
	return ret ? ret : arg.fd;
}

static inline struct ivshmem_info p2p_info(int ivs, int fd)
{
	struct ivshmem_info info = { .fd = fd };

	if (xioctl(ivs, IVSHMEM_IOC_INFO, &info))
		info.place = ~0U;
	return info;
}

static inline int p2p_move(int ivs, int fd, __u32 place)
{
	struct ivshmem_move arg = { .fd = fd, .place = place };

	return xioctl(ivs, IVSHMEM_IOC_MOVE, &arg);
}

static inline int p2p_access(int ivs, int fd, bool write, __u64 offset,
			     void *data, size_t len)
{
	struct ivshmem_access arg = {
		.fd = fd, .write = write, .offset = offset, .len = len,
		.data = (uintptr_t)data,
	};

	return xioctl(ivs, IVSHMEM_IOC_ACCESS, &arg);
}

/* @len bytes at the beginning of a buffer become @value. */
static inline int p2p_fill(int ivs, int fd, unsigned char value)
{
	unsigned char data[LEN];

	memset(data, value, sizeof(data));
	return p2p_access(ivs, fd, true, 0, data, sizeof(data));
}

static inline int all_are(const unsigned char *data, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (data[i] != data[0])
			return -EILSEQ;
	return data[0];
}

/* What all bytes are that p2p_fill() or a job has written; -EILSEQ if mixed. */
static inline int p2p_value(int ivs, int fd)
{
	unsigned char data[LEN];
	int ret = p2p_access(ivs, fd, false, 0, data, sizeof(data));

	return ret ? ret : all_are(data, sizeof(data));
}

/* The same of a place in the BAR, by the guest's CPU and by the host's file. */
static inline int bar_fill(int ivs, __u64 offset, unsigned char value)
{
	unsigned char data[LEN];

	memset(data, value, sizeof(data));
	return p2p_access(ivs, -1, true, offset, data, sizeof(data));
}

static inline int bar_value(int ivs, __u64 offset)
{
	unsigned char inside[LEN], outside[LEN];
	int ret = p2p_access(ivs, -1, false, offset, inside, sizeof(inside));
	int fd;

	if (ret)
		return ret;
	fd = open(HOST_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = pread(fd, outside, sizeof(outside), (off_t)offset) ==
	      sizeof(outside) ? 0 : -EIO;
	close(fd);
	if (ret)
		return ret;
	if (memcmp(inside, outside, sizeof(inside)))
		return -EILSEQ;
	return all_are(inside, sizeof(inside));
}

/*
 * A job: copy the beginning of @src to the beginning of @dst. With
 * EDU_EXPLICIT_OUT it returns the job's fence.
 */
static inline int edu_copy(int edu, int src, int dst, __u32 flags, int in_fence)
{
	struct edu_copy arg = {
		.src = src, .dst = dst, .len = LEN, .flags = flags,
		.in_fence = in_fence, .out_fence = -1,
	};
	int ret = xioctl(edu, EDU_IOC_COPY, &arg);

	if (ret)
		return ret;
	return flags & EDU_EXPLICIT_OUT ? arg.out_fence : 0;
}

static inline int edu_pin(int edu, int fd, bool pin)
{
	struct edu_pin arg = { .fd = fd, .pin = pin };

	return xioctl(edu, EDU_IOC_PIN, &arg);
}

static inline int edu_map(int edu, int fd, __u64 *address)
{
	struct edu_map_info arg = { .fd = fd };
	int ret = xioctl(edu, EDU_IOC_MAP, &arg);

	*address = arg.address;
	return ret ? ret : (int)arg.entries;
}

static inline struct edu_stat edu_stat(int edu)
{
	struct edu_stat stat = { .imports = ~0U };

	xioctl(edu, EDU_IOC_STAT, &stat);
	return stat;
}

/* An import; selftests/p2p/controls has kernels that do it wrong. */
static inline int p2p_import(int dmabuf, int fence, __u32 flags)
{
	return dmabuf_import(dmabuf, fence, flags);
}

/* Wait for the buffer, as a reader does, with what user space has for that. */
static inline int p2p_wait(int dmabuf, int ms)
{
	int fence = dmabuf_export(dmabuf, READ), ret;

	if (fence < 0)
		return fence;
	ret = wait_for(fence, POLLIN, ms);
	close(fence);
	return ret == 1 ? 0 : ret ? ret : -ETIME;
}

/* How a sync_file has ended: 1, or a negative error; 0 if it has not. */
static inline int sync_status(int fd)
{
	struct sync_file_info info = { .num_fences = 0 };
	int ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);

	return ret ? ret : info.status;
}

/* A move that somebody else asks for, and that may take its time. */
struct mover {
	pthread_t thread;
	int ivs;
	int fd;
	__u32 place;
	int ret;
	volatile bool done;
};

static inline void *mover_main(void *arg)
{
	struct mover *mover = arg;

	mover->ret = p2p_move(mover->ivs, mover->fd, mover->place);
	mover->done = true;
	return NULL;
}

static inline int mover_start(struct mover *mover, int ivs, int fd, __u32 place)
{
	*mover = (struct mover){ .ivs = ivs, .fd = fd, .place = place };
	return -pthread_create(&mover->thread, NULL, mover_main, mover);
}

static inline int mover_join(struct mover *mover)
{
	pthread_join(mover->thread, NULL);
	return mover->ret;
}

/*
 * Two buffers in device memory, with struct pages or without, two devices that
 * copy, and fences that the test signals. OLD is what a buffer has that nobody has
 * written yet.
 */
#define OLD	0x11
#define NEW	0x77
#define POISON	0x6b

FIXTURE(p2p) {
	int ivs;
	int edu[2];
	int src;
	int dst;
	int line;
};

typedef FIXTURE_DATA(p2p) p2p_t;

FIXTURE_VARIANT(p2p) {
	__u32 flags;
};

FIXTURE_VARIANT_ADD(p2p, pages) { .flags = 0 };
FIXTURE_VARIANT_ADD(p2p, pageless) { .flags = IVSHMEM_PAGELESS };

FIXTURE_SETUP(p2p)
{
	prctl(PR_SET_NAME, "t");
	self->ivs = FD(xopen("/dev/ivshmem-p2p"));
	self->edu[0] = FD(xopen("/dev/edu0"));
	self->edu[1] = FD(xopen("/dev/edu1"));
	self->line = FD(timeline_open());
	self->src = FD(p2p_create(self->ivs, variant->flags));
	self->dst = FD(p2p_create(self->ivs, variant->flags));
	OK(p2p_fill(self->ivs, self->src, OLD));
	OK(p2p_fill(self->ivs, self->dst, OLD));
}

FIXTURE_TEARDOWN(p2p)
{
	close(self->dst);
	close(self->src);
	close(self->line);
	close(self->edu[1]);
	close(self->edu[0]);
	close(self->ivs);
}

#endif /* _P2P_H */

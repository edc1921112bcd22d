/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls for many buffers, and what their tests start from.
 */
#ifndef _MANY_H
#define _MANY_H

#include "harness.h"

#define NO_IDLE_FD	DMA_BUF_SYNC_MANY_NO_IDLE_FD
#define DEADLINE	DMA_BUF_SYNC_MANY_DEADLINE

/* Buffers of a fixture. */
#define BUFFERS		4

/* So many entries a call takes. */
#define ENTRIES_MAX	1024

typedef struct dma_buf_sync_entry entry_t;

/* As a caller may write it down: an array and how many there are. */
#define ENTRIES(...) \
	(entry_t[]){ __VA_ARGS__ }, \
	sizeof((entry_t[]){ __VA_ARGS__ }) / sizeof(entry_t)

static inline struct dma_buf_sync_many many_arg(const entry_t *entries,
						__u32 count)
{
	return (struct dma_buf_sync_many){
		.entries = (uintptr_t)entries, .count = count,
		.export_fd = -77, .failed = 0x77777777, .answer = 0x77777777,
	};
}

/* One sync_file for all; -1 for none, a negative errno below that is an error. */
#define NO_FD	(-10000)

static inline int export_many(int on, const entry_t *entries, __u32 count,
			      __u32 flags)
{
	struct dma_buf_sync_many arg = many_arg(entries, count);
	int ret;

	arg.flags = flags;
	ret = xioctl(on, DMA_BUF_IOCTL_EXPORT_MANY, &arg);
	if (!ret && arg.export_fd == -1)
		return NO_FD;
	return ret ? ret : arg.export_fd;
}

static inline int import_many(int on, const entry_t *entries, __u32 count,
			      int fence)
{
	struct dma_buf_sync_many arg = many_arg(entries, count);

	arg.import_fd = fence;
	return xioctl(on, DMA_BUF_IOCTL_IMPORT_MANY, &arg);
}

static inline int exchange_many(int on, const entry_t *entries, __u32 count,
				int fence, __u32 flags)
{
	struct dma_buf_sync_many arg = many_arg(entries, count);
	int ret;

	arg.import_fd = fence;
	arg.flags = flags;
	ret = xioctl(on, DMA_BUF_IOCTL_EXCHANGE, &arg);
	if (!ret && arg.export_fd == -1)
		return NO_FD;
	return ret ? ret : arg.export_fd;
}

/* Some idle buffers, two timelines, and the way into reservation objects. */
FIXTURE(many) {
	int buffer[BUFFERS];
	int one;
	int two;
	int test;
};

FIXTURE_SETUP(many)
{
	NEEDS_MODULE("the kernel has no calls for many buffers");
	prctl(PR_SET_NAME, "t");
	for (int i = 0; i < BUFFERS; i++)
		self->buffer[i] = FD(udmabuf_create(4096));
	self->one = FD(timeline_open());
	self->two = FD(timeline_open());
	self->test = FD(xopen("/dev/dma_resv_test"));
}

FIXTURE_TEARDOWN(many)
{
	close(self->test);
	close(self->two);
	close(self->one);
	for (int i = 0; i < BUFFERS; i++)
		close(self->buffer[i]);
}

/* How many entries each of the buffers has. */
#define EXPECT_LENGTHS(...) \
	do { \
		const int __want[BUFFERS] = { __VA_ARGS__ }; \
		for (int __i = 0; __i < BUFFERS; __i++) { \
			EXPECT_EQ(__want[__i], \
				  resv_list(self->test, self->buffer[__i], \
					    NULL, 0)) \
				TH_LOG("buffer %d", __i); \
		} \
	} while (0)

#endif /* _MANY_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whole ioctl calls, in nanoseconds of CLOCK_MONOTONIC: on a machine where one of
 * them is an instruction, that many instructions. Prints a line for each call, of
 * tab separated values: bench, calls, what, CODE, value. Work on many buffers is
 * done in one call where the kernel has it, and as it is done today elsewhere.
 *
 * calls CODE
 */
#include <stdio.h>

#include "buffers.h"

#define LOOPS	400
#define FRAMES	40
#define FRAME	32

static const char *code;
static int failed;
/* What the calls return, to be closed when the time has been taken. */
static int fds[LOOPS];

typedef int (*call_fn)(const int *dmabufs);

static void check(int ret)
{
	failed |= ret < 0;
}

/* The best of five loops is the one with the fewest timer interrupts. */
static void measure(const char *what, int loops, call_fn call,
		    const int *dmabufs)
{
	uint64_t best = UINT64_MAX, took;

	for (int round = 0; round < 5; round++) {
		uint64_t start = now_ns();

		for (int i = 0; i < loops; i++)
			fds[i] = call(dmabufs);
		took = now_ns() - start;
		if (took < best)
			best = took;
		for (int i = 0; i < loops; i++)
			close(fds[i]);
	}
	printf("bench\tcalls\t%s\t%s\t%.1f\n", what, code,
	       (double)best / loops);
	fflush(stdout);
}

static int call_refused(const int *dmabufs)
{
	return ioctl(dmabufs[0], _IO('b', 99));
}

static int call_sync(const int *dmabufs)
{
	struct dma_buf_sync start = { DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ };

	check(ioctl(dmabufs[0], DMA_BUF_IOCTL_SYNC, &start));
	return -1;
}

static int call_export(const int *dmabufs)
{
	int fd = dmabuf_export(dmabufs[0], DMA_BUF_SYNC_READ);

	check(fd);
	return fd;
}

/* Into the first buffer, the fence that comes second. */
static int call_import(const int *dmabufs)
{
	check(dmabuf_import(dmabufs[0], dmabufs[1], DMA_BUF_SYNC_WRITE));
	return -1;
}

/* One fence for the buffers of a frame, as it is done without a call for it. */
static int call_frame(const int *dmabufs)
{
	int all = dmabuf_export(dmabufs[0], DMA_BUF_SYNC_READ);

	for (int i = 1; i < FRAME; i++) {
		int one = dmabuf_export(dmabufs[i], DMA_BUF_SYNC_READ);
		int both = sync_merge(all, one);

		check(both);
		close(all);
		close(one);
		all = both;
	}
	return all;
}

/* The last fence goes into the buffers of a frame, which come first. */
static int call_frame_import(const int *dmabufs)
{
	for (int i = 0; i < FRAME; i++)
		check(dmabuf_import(dmabufs[i], dmabufs[FRAME],
				    DMA_BUF_SYNC_WRITE));
	return -1;
}

/* What the frame waits for, before its own fence goes in. */
static int call_frame_exchange(const int *dmabufs)
{
	int all = call_frame(dmabufs);

	call_frame_import(dmabufs);
	return all;
}

static int call_many(const int *dmabufs, unsigned int count, unsigned long cmd,
		     struct dma_buf_sync_many *arg)
{
	struct dma_buf_sync_entry entries[FRAME];

	for (unsigned int i = 0; i < count; i++) {
		entries[i].dmabuf = dmabufs[i];
		entries[i].flags = cmd == DMA_BUF_IOCTL_EXPORT_MANY ?
			DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE;
	}
	arg->entries = (uintptr_t)entries;
	arg->count = count;
	check(ioctl(dmabufs[0], cmd, arg));
	return arg->export_fd;
}

static int call_export_many_of(const int *dmabufs, unsigned int count)
{
	struct dma_buf_sync_many arg = {
		.flags = DMA_BUF_SYNC_MANY_NO_IDLE_FD,
	};

	return call_many(dmabufs, count, DMA_BUF_IOCTL_EXPORT_MANY, &arg);
}

static int call_export_many(const int *dmabufs)
{
	return call_export_many_of(dmabufs, FRAME);
}

static int call_export_many_of_one(const int *dmabufs)
{
	return call_export_many_of(dmabufs, 1);
}

static int call_import_many(const int *dmabufs)
{
	struct dma_buf_sync_many arg = {
		.import_fd = dmabufs[FRAME], .export_fd = -1,
	};

	return call_many(dmabufs, FRAME, DMA_BUF_IOCTL_IMPORT_MANY, &arg);
}

static int call_import_many_of_one(const int *dmabufs)
{
	struct dma_buf_sync_many arg = {
		.import_fd = dmabufs[1], .export_fd = -1,
	};

	return call_many(dmabufs, 1, DMA_BUF_IOCTL_IMPORT_MANY, &arg);
}

static int call_exchange(const int *dmabufs)
{
	struct dma_buf_sync_many arg = {
		.import_fd = dmabufs[FRAME], .export_fd = -1,
	};

	return call_many(dmabufs, FRAME, DMA_BUF_IOCTL_EXCHANGE, &arg);
}

static bool has_many(int dmabuf)
{
	struct dma_buf_sync_query query;

	return !ioctl(dmabuf, DMA_BUF_IOCTL_SYNC_QUERY, &query);
}

/* A buffer with an unsignaled fence of a writer. */
static int busy_buffer(int vgem)
{
	__u32 handle, fence;
	int dmabuf = vgem_create(vgem, &handle);

	check(dmabuf);
	check(vgem_attach(vgem, handle, true, &fence));
	return dmabuf;
}

static void measure_idle(const int *idle, bool many)
{
	measure("refused ioctl", LOOPS, call_refused, idle);
	measure("SYNC", LOOPS, call_sync, idle);
	measure("EXPORT of an idle buffer", LOOPS, call_export, idle);
	measure("EXPORT, MERGE, close: 32 idle buffers", FRAMES, call_frame, idle);
	measure("EXPORT_MANY of 32 idle, no fd; kernel: the above", FRAMES,
		many ? call_export_many : call_frame, idle);
}

static void measure_busy(const int *busy, bool many)
{
	measure("EXPORT of a busy buffer", LOOPS, call_export, busy);
	measure("EXPORT_MANY of 1 busy; kernel: EXPORT", LOOPS,
		many ? call_export_many_of_one : call_export, busy);
	measure("EXPORT, MERGE, close: 32 busy buffers", FRAMES, call_frame, busy);
	measure("EXPORT_MANY of 32 busy; kernel: the above", FRAMES,
		many ? call_export_many : call_frame, busy);
}

/* The last of each is a fence. */
static void measure_import(const int *idle, const int *busy, bool many)
{
	int import[] = { idle[0], idle[FRAME] };

	measure("IMPORT of one fence", LOOPS, call_import, import);
	measure("IMPORT_MANY into 1; kernel: IMPORT", LOOPS,
		many ? call_import_many_of_one : call_import, import);
	measure("IMPORT of one fence into 32, one by one", FRAMES,
		call_frame_import, idle);
	measure("IMPORT_MANY into 32; kernel: the above", FRAMES,
		many ? call_import_many : call_frame_import, idle);
	measure("IMPORT_MANY into 32 busy; kernel: IMPORT", FRAMES,
		many ? call_import_many : call_frame_import, busy);
	measure("EXCHANGE with 32 busy; kernel: all of these", FRAMES,
		many ? call_exchange : call_frame_exchange, busy);
}

int main(int argc, char **argv)
{
	int vgem = vgem_open(), idle[FRAME + 1], busy[FRAME + 1], i;
	bool many;

	if (argc != 2) {
		fprintf(stderr, "usage: calls CODE\n");
		return 2;
	}
	code = argv[1];
	check(vgem);
	for (i = 0; i < FRAME; i++) {
		idle[i] = udmabuf_create(4096);
		check(idle[i]);
	}
	many = has_many(idle[0]);
	measure_idle(idle, many);

	/* vgem's fences give up after ten seconds, so they are made late. */
	for (i = 0; i <= FRAME; i++)
		busy[i] = busy_buffer(vgem);
	measure_busy(busy, many);
	/* The fence of a frame that has used them all. */
	idle[FRAME] = dmabuf_export(busy[FRAME], DMA_BUF_SYNC_READ);
	check(idle[FRAME]);
	busy[FRAME] = idle[FRAME];
	measure_import(idle, busy, many);
	if (failed)
		fprintf(stderr, "calls: a call failed\n");
	return failed;
}

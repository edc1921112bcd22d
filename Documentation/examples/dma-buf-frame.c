// SPDX-License-Identifier: GPL-2.0-only
/*
 * A compositor's frame: wait for all windows at once, and tell all of them at
 * once when the frame is done with them. Also good C++.
 * Prints TAP: one line for each thing that must be so.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include <dma-buf-sync.h>
#include <linux/udmabuf.h>

#define WINDOWS	8

/* A buffer, in place of one that a client or a GPU driver would have given us. */
static int some_buffer(void)
{
	int memfd = memfd_create("example", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC), ret = -1;
	struct udmabuf_create create;

	memset(&create, 0, sizeof(create));
	create.memfd = (__u32)memfd;
	create.flags = UDMABUF_FLAGS_CLOEXEC;
	create.size = 4096;
	if (memfd >= 0 && udmabuf >= 0 && !ftruncate(memfd, 4096) &&
	    !fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		ret = ioctl(udmabuf, UDMABUF_CREATE, &create);
	close(udmabuf);
	close(memfd);
	return ret;
}

/*
 * Draw the windows, once @wait has signaled, or at once if it is -1: a sync_file
 * that signals when that is done. A GPU would make one; here it is one of an idle
 * buffer.
 */
static int draw(int wait, int output)
{
	if (wait >= 0)
		close(wait);
	return dma_buf_sync_export(output, DMA_BUF_SYNC_WRITE);
}

static int frame(const struct dma_buf_sync_query *can,
		 const struct dma_buf_sync_entry *entries, uint32_t count)
{
	struct dma_buf_sync_many many = dma_buf_sync_many_of(entries, count);
	int ret, done;

	/* What the windows' owners still draw, and who still reads the output. */
	many.flags = DMA_BUF_SYNC_MANY_NO_IDLE_FD;
	ret = dma_buf_sync_export_many(can, &many);
	if (ret)
		return ret;
	done = draw(many.export_fd, entries[count - 1].dmabuf);
	if (done < 0)
		return done;

	/* The owners must not draw, and nobody may read the output, before that. */
	many = dma_buf_sync_many_of(entries, count);
	many.import_fd = done;
	ret = dma_buf_sync_import_many(can, &many);
	close(done);
	return ret;
}

static void check(int number, const char *what, int is_so)
{
	printf("%sok %d example: %s\n", is_so ? "" : "not ", number, what);
}

int main(void)
{
	struct dma_buf_sync_entry entries[WINDOWS + 1];
	struct dma_buf_sync_query can;
	uint32_t i;

	for (i = 0; i <= WINDOWS; i++) {
		entries[i].dmabuf = some_buffer();
		entries[i].flags = DMA_BUF_SYNC_READ;
	}
	/* The last one is what the frame is drawn to. */
	entries[WINDOWS].flags = DMA_BUF_SYNC_WRITE;

	puts("TAP version 13\n1..3");
	check(1, "buffers", entries[WINDOWS].dmabuf >= 0);
	/* Once for a program, not for a frame. */
	check(2, "asked", !dma_buf_sync_probe(entries[0].dmabuf, &can));
	printf("# in one call each: %s\n",
	       can.features & DMA_BUF_SYNC_FEATURE_IMPORT_MANY ? "yes" : "no");
	check(3, "a frame", !frame(&can, entries, WINDOWS + 1));
	for (i = 0; i <= WINDOWS; i++)
		close(entries[i].dmabuf);
	return 0;
}

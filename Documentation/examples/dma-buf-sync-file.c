// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pass fences between an implicitly and an explicitly synchronised world.
 * Prints TAP: one line for each thing that must be so.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/udmabuf.h>

/* ioctl() may be interrupted by a signal: start again then. */
static int retry_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));
	return ret;
}

/*
 * Acquire, for an explicit API: a sync_file that signals when the buffer may
 * be read, or with DMA_BUF_SYNC_WRITE, when it may be written. The caller
 * closes it. -1 with ENOTTY: the kernel has no such ioctl; wait with poll().
 */
static int acquire_fence(int dmabuf, unsigned int flags)
{
	struct dma_buf_export_sync_file arg = { .flags = flags, .fd = -1 };

	if (retry_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg))
		return -1;
	return arg.fd;
}

/*
 * Release, for an explicit API: from now on, implicit users of the buffer wait
 * for the work behind @sync_file. The caller still owns @sync_file.
 */
static int release_fence(int dmabuf, int sync_file, unsigned int flags)
{
	struct dma_buf_import_sync_file arg = {
		.flags = flags, .fd = sync_file,
	};

	return retry_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

/* Has the sync_file signaled, or may the dma-buf be read? */
static int is_ready(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

/* A buffer, in place of one that a GPU driver would have given us. */
static int some_buffer(void)
{
	int memfd = memfd_create("example", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	int udmabuf = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);
	struct udmabuf_create create = {
		.memfd = memfd, .flags = UDMABUF_FLAGS_CLOEXEC, .size = 4096,
	};

	if (memfd < 0 || udmabuf < 0 || ftruncate(memfd, 4096) ||
	    fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -1;
	return retry_ioctl(udmabuf, UDMABUF_CREATE, &create);
}

static void check(int number, const char *what, int is_so)
{
	printf("%sok %d example: %s\n", is_so ? "" : "not ", number, what);
}

int main(void)
{
	int source = some_buffer(), target = some_buffer(), fence;

	puts("TAP version 13\n1..4");
	check(1, "two buffers", source >= 0 && target >= 0);

	fence = acquire_fence(source, DMA_BUF_SYNC_READ);
	check(2, "acquired", fence >= 0);
	check(3, "nobody writes the source", is_ready(fence));

	/* A copy from source to target would wait for fence and make another. */
	check(4, "released",
	      !release_fence(target, fence, DMA_BUF_SYNC_WRITE));
	close(fence);
	return 0;
}

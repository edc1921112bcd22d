// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promise B1: what the two ioctls refuse, with which errno, and that a refused
 * call leaves neither a descriptor nor an entry behind.
 */

#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "harness.h"

static void *page(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST(b1_numbers_and_layouts)
{
	EXPECT_EQ(0x40086200, DMA_BUF_IOCTL_SYNC);
	EXPECT_EQ(0x40046201, DMA_BUF_SET_NAME_A);
	EXPECT_EQ(0x40086201, DMA_BUF_SET_NAME_B);
	EXPECT_EQ(0xc0086202, DMA_BUF_IOCTL_EXPORT_SYNC_FILE);
	EXPECT_EQ(0x40086203, DMA_BUF_IOCTL_IMPORT_SYNC_FILE);
	EXPECT_EQ(8, sizeof(struct dma_buf_export_sync_file));
	EXPECT_EQ(4, offsetof(struct dma_buf_export_sync_file, fd));
	EXPECT_EQ(8, sizeof(struct dma_buf_import_sync_file));
	EXPECT_EQ(4, offsetof(struct dma_buf_import_sync_file, fd));
}

TEST_F(buffer, b1_flags_must_be_read_or_write_or_both)
{
	const __u32 bad[] = { 0, 4, 8, 4 | RW, 0x80000000, ~0U };
	int fence = FD(timeline_fence(self->one, 1)), fds = count_fds();

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, dmabuf_export(self->dmabuf, bad[i]));
		EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, fence, bad[i]));
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(0, resv_list(self->test, self->dmabuf, NULL, 0));
}

TEST_F(buffer, b1_unmapped_argument_is_efault)
{
	const unsigned long cmds[] = {
		DMA_BUF_IOCTL_EXPORT_SYNC_FILE, DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
	};
	int fds = count_fds();

	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-EFAULT, xioctl(self->dmabuf, cmds[i], NULL));
		EXPECT_EQ(-EFAULT, xioctl(self->dmabuf, cmds[i],
					  page(PROT_NONE)));
		EXPECT_EQ(-EFAULT, xioctl(self->dmabuf, cmds[i],
					  (void *)(uintptr_t)-8));
	}
	EXPECT_EQ(fds, count_fds());
}

/* The argument can be read, but the new descriptor cannot be told. */
TEST_F(buffer, b1_export_to_read_only_memory_leaks_no_fd)
{
	struct dma_buf_export_sync_file *arg = page(PROT_READ | PROT_WRITE);
	int fds = count_fds();

	arg->flags = RW;
	OK(mprotect(arg, 4096, PROT_READ));
	for (int i = 0; i < 100; i++)
		EXPECT_EQ(-EFAULT, xioctl(self->dmabuf,
					  DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg));
	EXPECT_EQ(fds, count_fds());
}

/* An argument that ends where the mapping ends, and one that crosses it. */
TEST_F(buffer, b1_argument_at_the_end_of_a_mapping)
{
	char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dma_buf_export_sync_file *arg = (void *)(two + 4096 - 8);

	OK(munmap(two + 4096, 4096));
	arg->flags = RW;
	OK(xioctl(self->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, arg));
	EXPECT_TRUE(is_ready(arg->fd, POLLIN));
	EXPECT_EQ(-EFAULT, xioctl(self->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
				  (char *)arg + 4));
}

TEST_F(buffer, b1_import_of_what_is_no_sync_file)
{
	int closed = FD(dup(self->dmabuf)), null = FD(open("/dev/null", O_RDWR));
	int fds;

	close(closed);
	fds = count_fds();
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, -1, WRITE));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, closed, WRITE));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, null, WRITE));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, self->one, WRITE));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, self->dmabuf, WRITE));
	EXPECT_EQ(-EINVAL, dmabuf_import(self->dmabuf, 0x7fffffff, WRITE));
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(0, resv_list(self->test, self->dmabuf, NULL, 0));
}

TEST_F(buffer, b1_export_at_the_descriptor_limit_is_emfile)
{
	struct rlimit limit;
	int fds = count_fds(), next = FD(dup(self->dmabuf));

	close(next);
	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = (rlim_t)next;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, dmabuf_export(self->dmabuf, RW));
	limit.rlim_cur = limit.rlim_max;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(fds, count_fds());
	close(FD(dmabuf_export(self->dmabuf, RW)));
}

TEST_F(buffer, b1_exported_fd_is_close_on_exec)
{
	int fd = FD(dmabuf_export(self->dmabuf, RW));

	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

TEST_F(buffer, b1_unknown_commands_are_enotty)
{
	struct dma_buf_export_sync_file arg = { .flags = RW };
	char big[64] = { 0 };

	EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, _IO('b', 2), &arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, _IOC(_IOC_READ | _IOC_WRITE,
						     'b', 2, 16), big));
	EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, _IOC(_IOC_WRITE, 'b', 3, 4),
				  big));
	EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, _IOC(_IOC_READ, 'b', 3, 8),
				  big));
	EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, _IOWR('b', 0x7f, char[8]),
				  big));
	EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, 0, big));
}

/* The other ioctls of a dma-buf work as ever. */
TEST_F(buffer, b1_other_commands_are_the_kernels)
{
	struct dma_buf_sync sync = { DMA_BUF_SYNC_START | RW };

	OK(xioctl(self->dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	sync.flags = DMA_BUF_SYNC_END | RW;
	OK(xioctl(self->dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	sync.flags = 1 << 5;
	EXPECT_EQ(-EINVAL, xioctl(self->dmabuf, DMA_BUF_IOCTL_SYNC, &sync));
	OK(xioctl(self->dmabuf, DMA_BUF_SET_NAME, "a name"));
}

TEST_F(buffer, b1_commands_on_other_files_are_theirs)
{
	int fence = FD(timeline_fence(self->one, 1));

	EXPECT_EQ(-ENOTTY, dmabuf_export(fence, RW));
	EXPECT_EQ(-ENOTTY, dmabuf_import(fence, fence, RW));
	EXPECT_EQ(-EBADF, dmabuf_export(-1, RW));
}

/* I3, for the descriptors: ten thousand round trips leave none. */
TEST_F_TIMEOUT(buffer, b1_round_trips_leak_nothing, 120)
{
	int fence = FD(timeline_fence(self->one, 1)), fds = count_fds();

	for (int i = 0; i < 10000; i++) {
		int fd = FD(dmabuf_export(self->dmabuf, RW));

		OK(dmabuf_import(self->dmabuf, fd, WRITE));
		OK(dmabuf_import(self->dmabuf, fence, READ));
		close(fd);
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LE(resv_list(self->test, self->dmabuf, NULL, 0), 2);
}

TEST_HARNESS_MAIN

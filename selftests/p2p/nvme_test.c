// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device memory with struct pages, without a driver of ours in between: a disk reads
 * and writes it, and has some itself.
 */
#include <glob.h>

#include "p2p.h"

/* A piece of the p2pmem of the device that a driver has, mapped. */
static void *map_p2pmem(const char *driver)
{
	char pattern[96];
	void *mem = NULL;
	glob_t found;
	int fd;

	snprintf(pattern, sizeof(pattern),
		 "/sys/bus/pci/drivers/%s/0000:*/p2pmem/allocate", driver);
	if (!glob(pattern, 0, NULL, &found)) {
		fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
		mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
		if (mem == MAP_FAILED)
			mem = NULL;
		close(fd);
	}
	globfree(&found);
	return mem;
}

static void fill(volatile unsigned char *mem, unsigned char value)
{
	for (int i = 0; i < 4096; i++)
		mem[i] = value;
}

static int value_of(const volatile unsigned char *mem)
{
	for (int i = 1; i < 4096; i++)
		if (mem[i] != mem[0])
			return -EILSEQ;
	return mem[0];
}

/* The disk with that serial number. */
static int open_disk(const char *serial)
{
	char path[32], text[32] = "";
	int i, fd;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/sys/class/nvme/nvme%d/serial", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
		if (strncmp(text, serial, strlen(serial)))
			continue;
		snprintf(path, sizeof(path), "/dev/nvme%dn1", i);
		fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	return -ENODEV;
}

/* What the disk holds, as the host sees it. */
static int host_value(const char *serial)
{
	unsigned char data[4096];
	char path[32];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/run/vm/nvme-%s", serial);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	len = pread(fd, data, sizeof(data), 0);
	close(fd);
	return len == sizeof(data) ? value_of(data) : -EIO;
}

/* From one memory to the disk, and from there to the other. */
static int through_disk(const char *serial, void *from, void *to)
{
	int fd = open_disk(serial), ret = 0;

	if (fd < 0)
		return fd;
	if (pwrite(fd, from, 4096, 0) != 4096 || fsync(fd) ||
	    pread(fd, to, 4096, 0) != 4096)
		ret = -errno;
	close(fd);
	return ret;
}

static void there_and_back(struct __test_metadata *_metadata, const char *serial,
			   unsigned char *one, unsigned char *two)
{
	fill(one, NEW);
	fill(two, OLD);
	OK(through_disk(serial, one, two));
	EXPECT_EQ(NEW, value_of(two));
	EXPECT_EQ(NEW, host_value(serial));
	fill(two, POISON);
	OK(through_disk(serial, two, one));
	EXPECT_EQ(POISON, value_of(one));
	EXPECT_EQ(POISON, host_value(serial));
}

TEST(a_disk_writes_and_reads_the_exporters_memory)
{
	unsigned char *mem = map_p2pmem("ivshmem-p2p");
	unsigned char *sys = aligned_alloc(4096, 4096);

	ASSERT_NE(NULL, mem);
	ASSERT_NE(NULL, sys);
	there_and_back(_metadata, "plain", sys, mem);
	munmap(mem, 4096);
	free(sys);
}

/* From device to device, both ways: the disk's memory is written by another disk. */
TEST(another_disk_writes_and_reads_a_disks_memory)
{
	unsigned char *cmb = map_p2pmem("nvme");
	unsigned char *sys = aligned_alloc(4096, 4096);

	ASSERT_NE(NULL, cmb);
	ASSERT_NE(NULL, sys);
	there_and_back(_metadata, "plain", cmb, sys);
	munmap(cmb, 4096);
	free(sys);
}

TEST(a_disks_own_memory_and_the_exporters)
{
	unsigned char *cmb = map_p2pmem("nvme");
	unsigned char *mem = map_p2pmem("ivshmem-p2p");

	ASSERT_NE(NULL, cmb);
	ASSERT_NE(NULL, mem);
	there_and_back(_metadata, "cmb", cmb, mem);
	there_and_back(_metadata, "plain", cmb, mem);
	munmap(cmb, 4096);
	munmap(mem, 4096);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own exporter of device memory, vfio-pci, and our importer. It revokes
 * its buffers when user space switches the memory of the device off.
 */
#include <glob.h>

#include "p2p.h"

/* Of a linux/vfio.h that is newer than the one of most systems. */
#define VFIO_FEATURE	_IO(';', 100 + 17)
#define VFIO_BIND	_IO(';', 100 + 18)
#define VFIO_GET_DMA_BUF	((1 << 16) | 11)
#define VFIO_REGION(n)	((off_t)(n) << 40)
#define VFIO_CONFIG	VFIO_REGION(7)
#define VFIO_BAR	VFIO_REGION(2)

struct vfio_bind {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 devid;
	__u64 token;
};

struct vfio_get_dma_buf {
	__u32 argsz;
	__u32 feature;
	__u32 region;
	__u32 open_flags;
	__u32 flags;
	__u32 count;
	__u64 offset;		/* of the only range */
	__u64 length;
};

#define PCI_COMMAND		4
#define PCI_COMMAND_MEMORY	2

static int vfio_open(int iommu)
{
	struct vfio_bind bind = { .argsz = sizeof(bind), .iommufd = iommu };
	glob_t found;
	int fd = -ENODEV, ret;

	if (!glob("/dev/vfio/devices/vfio*", 0, NULL, &found))
		fd = xopen(found.gl_pathv[0]);
	globfree(&found);
	if (fd < 0)
		return fd;
	ret = xioctl(fd, VFIO_BIND, &bind);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

/* A part of the BAR as a buffer. */
static int vfio_export(int vfio, __u64 offset)
{
	struct vfio_get_dma_buf arg = {
		.argsz = sizeof(arg), .feature = VFIO_GET_DMA_BUF, .region = 2,
		.open_flags = O_RDWR | O_CLOEXEC, .count = 1,
		.offset = offset, .length = 4096,
	};

	return xioctl(vfio, VFIO_FEATURE, &arg);
}

static int vfio_memory(int vfio, bool on)
{
	__u16 command;

	if (pread(vfio, &command, 2, VFIO_CONFIG + PCI_COMMAND) != 2)
		return -errno;
	command &= (__u16)~PCI_COMMAND_MEMORY;
	if (on)
		command |= PCI_COMMAND_MEMORY;
	return pwrite(vfio, &command, 2, VFIO_CONFIG + PCI_COMMAND) == 2 ?
	       0 : -errno;
}

/* The memory itself: as the host sees it. */
static int host_rw(bool write, __u64 offset, unsigned char *data)
{
	int fd = open(HOST_FILE, O_RDWR | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = write ? pwrite(fd, data, LEN, (off_t)offset) :
	      pread(fd, data, LEN, (off_t)offset);
	close(fd);
	return ret == LEN ? 0 : -EIO;
}

static int host_fill(__u64 offset, unsigned char value)
{
	unsigned char data[LEN];

	memset(data, value, sizeof(data));
	return host_rw(true, offset, data);
}

static int host_value(__u64 offset)
{
	unsigned char data[LEN];
	int ret = host_rw(false, offset, data);

	return ret ? ret : all_are(data, sizeof(data));
}

/* Where the buffer is. */
#define PLACE	0x2000000

FIXTURE(vfio) {
	int iommu;
	int vfio;
	int edu[2];
	int p2p;
	int sys;
	unsigned char *mem;
	int line;
};

FIXTURE_SETUP(vfio)
{
	struct udmabuf_create create = { .size = 4096 };
	int memfd, dev;

	prctl(PR_SET_NAME, "t");
	self->iommu = FD(xopen("/dev/iommu"));
	self->vfio = FD(vfio_open(self->iommu));
	OK(vfio_memory(self->vfio, true));
	self->edu[0] = FD(xopen("/dev/edu0"));
	self->edu[1] = FD(xopen("/dev/edu1"));
	self->line = FD(timeline_open());
	self->p2p = FD(vfio_export(self->vfio, PLACE));

	memfd = FD(memfd_create("sys", MFD_ALLOW_SEALING));
	OK(ftruncate(memfd, 4096));
	OK(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	dev = FD(xopen("/dev/udmabuf"));
	create.memfd = (__u32)memfd;
	self->sys = FD(xioctl(dev, UDMABUF_CREATE, &create));
	self->mem = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			 memfd, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	close(dev);
	close(memfd);
	memset(self->mem, NEW, 4096);
	OK(host_fill(PLACE, OLD));
}

FIXTURE_TEARDOWN(vfio)
{
	munmap(self->mem, 4096);
	close(self->sys);
	close(self->p2p);
	close(self->line);
	close(self->edu[1]);
	close(self->edu[0]);
	close(self->vfio);
	close(self->iommu);
}

TEST_F(vfio, b2_import_and_export_need_no_attachment)
{
	int fence = FD(timeline_fence(self->line, 1));

	OK(p2p_import(self->p2p, fence, WRITE));
	EXPECT_EQ(-ETIME, p2p_wait(self->p2p, 0));
	OK(timeline_inc(self->line, 1));
	OK(p2p_wait(self->p2p, 0));
	close(fence);
}

TEST_F(vfio, e1_data_has_landed_when_an_exported_fence_signals)
{
	for (int i = 0; i < 2; i++) {
		memset(self->mem, NEW + i, 4096);
		OK(edu_copy(self->edu[i], self->sys, self->p2p, 0, -1));
		EXPECT_EQ(-ETIME, p2p_wait(self->p2p, 0));
		OK(p2p_wait(self->p2p, SOON_MS));
		EXPECT_EQ(NEW + i, host_value(PLACE));
	}
}

TEST_F(vfio, i1_an_imported_write_holds_back_a_job_that_reads)
{
	int fence = FD(timeline_fence(self->line, 1));

	OK(p2p_import(self->p2p, fence, WRITE));
	OK(edu_copy(self->edu[1], self->p2p, self->sys, 0, -1));
	sleep_ms(2 * JOB_MS);
	OK(host_fill(PLACE, POISON));
	OK(timeline_inc(self->line, 1));
	OK(p2p_wait(self->sys, SOON_MS));
	EXPECT_EQ(POISON, all_are(self->mem, LEN));
	close(fence);
}

TEST_F(vfio, a_revoke_waits_for_a_job_in_flight)
{
	int out;

	out = FD(edu_copy(self->edu[0], self->sys, self->p2p,
			  EDU_EXPLICIT_OUT, -1));
	EXPECT_FALSE(is_ready(out, POLLIN));
	OK(vfio_memory(self->vfio, false));
	OK(host_fill(PLACE, POISON));
	EXPECT_TRUE(is_ready(out, POLLIN));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(POISON, host_value(PLACE));
	EXPECT_EQ(-ENODEV, edu_copy(self->edu[0], self->sys, self->p2p, 0, -1));

	/* vfio gives it back. */
	OK(vfio_memory(self->vfio, true));
	OK(edu_copy(self->edu[0], self->sys, self->p2p, 0, -1));
	OK(p2p_wait(self->p2p, SOON_MS));
	EXPECT_EQ(NEW, host_value(PLACE));
	close(out);
}

struct revoker {
	pthread_t thread;
	int vfio;
	int ret;
	volatile bool done;
};

static void *revoker_main(void *arg)
{
	struct revoker *revoker = arg;

	revoker->ret = vfio_memory(revoker->vfio, false);
	revoker->done = true;
	return NULL;
}

TEST_F(vfio, a_revoke_waits_for_an_import)
{
	struct revoker revoker = { .vfio = self->vfio };
	int fence = FD(timeline_fence(self->line, 1));

	OK(p2p_import(self->p2p, fence, READ));
	OK(pthread_create(&revoker.thread, NULL, revoker_main, &revoker));
	sleep_ms(JOB_MS);
	EXPECT_FALSE(revoker.done);
	OK(timeline_inc(self->line, 1));
	OK(pthread_join(revoker.thread, NULL));
	OK(revoker.ret);
	close(fence);
}

/* The device is closed; the buffer is not. */
TEST_F(vfio, closing_the_device_waits_for_a_job_in_flight)
{
	int out;

	out = FD(edu_copy(self->edu[0], self->sys, self->p2p,
			  EDU_EXPLICIT_OUT, -1));
	close(self->vfio);
	EXPECT_TRUE(is_ready(out, POLLIN));
	OK(host_fill(PLACE, POISON));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(POISON, host_value(PLACE));
	EXPECT_EQ(-ENODEV, edu_copy(self->edu[0], self->sys, self->p2p, 0, -1));
	self->vfio = FD(dup(self->iommu));
	close(out);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device that goes away, or does not answer, while others have to do with it:
 * exporter and importer.
 */
#include <glob.h>
#include <sys/syscall.h>

#include "p2p.h"

#define IVSHMEM	"ivshmem-p2p"
#define EDU	"edu-p2p"
#define TIMEOUT	"/sys/module/edu_p2p_test/parameters/write_timeout_ms"

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* The first device that a driver has: its name, like 0000:03:00.0, or "". */
static void device_of(const char *driver, char *name, size_t size)
{
	char pattern[96];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/drivers/%s/0000:*",
		 driver);
	*name = 0;
	if (!glob(pattern, 0, NULL, &found))
		snprintf(name, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
}

struct binder {
	pthread_t thread;
	char path[96];
	char name[32];
	int ret;
	volatile bool done;
};

static void *binder_main(void *arg)
{
	struct binder *binder = arg;

	binder->ret = write_file(binder->path, binder->name);
	binder->done = true;
	return NULL;
}

static int unbind_start(struct binder *binder, const char *driver)
{
	memset(binder, 0, sizeof(*binder));
	device_of(driver, binder->name, sizeof(binder->name));
	snprintf(binder->path, sizeof(binder->path),
		 "/sys/bus/pci/drivers/%s/unbind", driver);
	return -pthread_create(&binder->thread, NULL, binder_main, binder);
}

static int unbind_join(struct binder *binder)
{
	pthread_join(binder->thread, NULL);
	return binder->ret;
}

static int bind_again(const struct binder *binder, const char *driver)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s/bind", driver);
	return write_file(path, binder->name);
}

TEST_F(p2p, unbinding_the_exporter_waits_for_jobs_and_imports)
{
	int fence = FD(timeline_fence(self->line, 1)), out;
	struct binder binder;

	OK(p2p_fill(self->ivs, self->src, NEW));
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_OUT, -1));
	OK(p2p_import(self->dst, fence, READ));
	OK(unbind_start(&binder, IVSHMEM));
	EXPECT_EQ(1, wait_for(out, POLLIN, SOON_MS));
	sleep_ms(JOB_MS);
	EXPECT_FALSE(binder.done);
	OK(timeline_inc(self->line, 1));
	OK(unbind_join(&binder));

	/* The buffer is a dma-buf still; memory it has none. */
	EXPECT_EQ(-ENODEV, edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	EXPECT_EQ(-ENODEV, p2p_create(self->ivs, variant->flags));
	OK(p2p_import(self->dst, fence, WRITE));
	OK(p2p_wait(self->dst, 0));
	close(fence);
	fence = FD(timeline_fence(self->line, 2));
	OK(p2p_import(self->dst, fence, WRITE));
	EXPECT_EQ(-ETIME, p2p_wait(self->dst, 0));
	close(self->dst);
	close(self->src);
	close(fence);
	close(out);

	/* And what was closed, or not, is all there when it comes back. */
	close(self->ivs);
	OK(bind_again(&binder, IVSHMEM));
	self->ivs = FD(xopen("/dev/ivshmem-p2p"));
	self->src = FD(p2p_create(self->ivs, variant->flags));
	self->dst = FD(p2p_create(self->ivs, variant->flags));
	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
}

TEST_F(p2p, unbinding_the_importer_waits_for_its_jobs)
{
	int fence = FD(timeline_fence(self->line, 1)), edu;
	struct binder binder;

	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(edu_pin(self->edu[0], self->src, true));
	OK(p2p_import(self->src, fence, WRITE));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	OK(unbind_start(&binder, EDU));
	sleep_ms(JOB_MS);
	EXPECT_FALSE(binder.done);
	OK(timeline_inc(self->line, 1));
	OK(unbind_join(&binder));
	OK(p2p_wait(self->dst, 0));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	EXPECT_EQ(0, p2p_info(self->ivs, self->src).mappings);
	EXPECT_EQ(0, p2p_info(self->ivs, self->src).pins);
	EXPECT_EQ(-ENODEV, edu_copy(self->edu[0], self->src, self->dst, 0, -1));

	/* The old descriptor stays dead; the device is another one. */
	OK(bind_again(&binder, EDU));
	EXPECT_EQ(-ENODEV, edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	edu = FD(xopen("/dev/edu0"));
	OK(edu_copy(edu, self->src, self->dst, 0, -1));
	OK(p2p_wait(self->dst, SOON_MS));
	close(edu);
	close(fence);
}

struct closer {
	pthread_t thread;
	int fd;
	volatile bool done;
};

static void *closer_main(void *arg)
{
	struct closer *closer = arg;

	close(closer->fd);
	closer->done = true;
	return NULL;
}

/* Else who signals the fence of the one could be the one that closes the other. */
TEST_F(p2p, closing_a_buffer_does_not_wait_for_an_unbind)
{
	int fence = FD(timeline_fence(self->line, 1));
	struct closer closer = { .fd = self->src };
	struct binder binder;
	struct mover mover;

	OK(p2p_import(self->dst, fence, READ));
	OK(mover_start(&mover, self->ivs, self->dst, IVSHMEM_REVOKED));
	sleep_ms(100);
	OK(unbind_start(&binder, IVSHMEM));
	sleep_ms(100);
	EXPECT_FALSE(binder.done);
	OK(pthread_create(&closer.thread, NULL, closer_main, &closer));
	sleep_ms(JOB_MS);
	EXPECT_TRUE(closer.done);
	OK(timeline_inc(self->line, 1));
	OK(pthread_join(closer.thread, NULL));
	OK(mover_join(&mover));
	OK(unbind_join(&binder));
	close(fence);
	OK(bind_again(&binder, IVSHMEM));
	self->src = FD(dup(self->dst));
}

/* It pins what it has, for as long as it likes: in system memory, for it is no peer. */
TEST_F(p2p, unbinding_does_not_wait_for_who_knows_no_moves)
{
	struct drm_prime_handle prime = { .fd = self->dst };
	int vgem = vgem_open(), i;
	struct binder binder;

	if (vgem < 0)
		SKIP(return, "this kernel has no vgem");
	OK(xioctl(vgem, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
	OK(unbind_start(&binder, IVSHMEM));
	for (i = 0; !binder.done && i < 300; i++)
		sleep_ms(10);
	EXPECT_TRUE(binder.done);
	close(vgem);
	OK(unbind_join(&binder));
	OK(bind_again(&binder, IVSHMEM));
}

/* Who waits for the fence gives the memory to somebody else. */
TEST_F(p2p, a_device_that_does_not_answer_writes_no_more)
{
	__u64 at = p2p_info(self->ivs, self->dst).offset;
	struct binder binder;
	int out, after, edu;

	OK(write_file(TIMEOUT, "20"));
	OK(p2p_fill(self->ivs, self->src, NEW));
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_OUT, -1));
	EXPECT_EQ(1, wait_for(out, POLLIN, SOON_MS));
	OK(bar_fill(self->ivs, at, POISON));
	EXPECT_EQ(-ETIMEDOUT, sync_status(out));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(POISON, bar_value(self->ivs, at));
	after = FD(edu_copy(self->edu[0], self->src, self->dst,
			    EDU_EXPLICIT_OUT, -1));
	EXPECT_EQ(1, wait_for(after, POLLIN, SOON_MS));
	EXPECT_EQ(-EIO, sync_status(after));
	OK(write_file(TIMEOUT, "20000"));

	/* It works again after a new probe. */
	OK(unbind_start(&binder, EDU));
	OK(unbind_join(&binder));
	OK(bind_again(&binder, EDU));
	edu = FD(xopen("/dev/edu0"));
	OK(edu_copy(edu, self->src, self->dst, 0, -1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	close(edu);
	close(after);
	close(out);
}

static int module_remove(const char *name)
{
	return syscall(__NR_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

static int module_insert(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(__NR_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* A fence of the importer's may live for ever; a buffer until it is closed. */
TEST_F(p2p, modules_stay_while_somebody_needs_their_code)
{
	const char *exporter = getenv("P2P_EXPORTER");

	ASSERT_NE(NULL, exporter);
	EXPECT_EQ(-EBUSY, module_remove("edu_p2p_test"));
	close(self->ivs);
	EXPECT_EQ(-EAGAIN, module_remove("ivshmem_p2p_test"));
	EXPECT_EQ(-EAGAIN, module_remove("dma_buf_p2p"));
	close(self->src);
	close(self->dst);
	sleep_ms(100);
	OK(module_remove("ivshmem_p2p_test"));
	OK(module_insert(exporter));
	self->ivs = FD(xopen("/dev/ivshmem-p2p"));
	self->src = FD(p2p_create(self->ivs, variant->flags));
	self->dst = FD(p2p_create(self->ivs, variant->flags));
}

TEST_HARNESS_MAIN

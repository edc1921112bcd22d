// SPDX-License-Identifier: GPL-2.0-only
/*
 * E5: whatever shape an export has, for a syncobj that takes it in it is one fence.
 * A syncobj calls every chain a timeline, and the number of each link a point of it;
 * an export has no points, however many contexts there are.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "devices.h"

#define AVAILABLE	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define FOR_SUBMIT	DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT

/* Of Linux 6.6 and of 7.3; the headers of libdrm may be older. */
struct eventfd_args {
	__u32 handle;
	__u32 flags;
	__u64 point;
	__s32 fd;
	__u32 pad;
};

struct fd_to_point_args {
	__u32 handle;
	__u32 flags;
	__s32 fd;
	__u32 pad;
	__u64 point;
};

#define SYNCOBJ_EVENTFD		DRM_IOWR(0xCF, struct eventfd_args)
#define SYNCOBJ_FD_TO_POINT	DRM_IOWR(0xC2, struct fd_to_point_args)
#define FD_IS_FOR_A_POINT	2

enum end { FIRST, LAST };

FIXTURE(shape) {
	int drm;
	int dmabuf;
	int test;
	int ends[2];		/* timelines of the buffer's first and last fence */
	int crowds[2];		/* halves of all that is between them */
	int all;		/* the export of all of it */
	__u32 binary;		/* has taken it in */
	__u32 timeline;		/* has not */
};

FIXTURE_VARIANT(shape) {
	__u32 contexts;
	bool past_the_array;
};

FIXTURE_VARIANT_ADD(shape, few) { .contexts = 4 };
FIXTURE_VARIANT_ADD(shape, array) { .contexts = 300 };
FIXTURE_VARIANT_ADD(shape, chain) { .contexts = 2500, .past_the_array = true };

FIXTURE_SETUP(shape)
{
	prctl(PR_SET_NAME, "t");
	self->drm = device_open("virtio_gpu");
	if (self->drm == -ENODEV)
		SKIP(return, "no device that has syncobjs");
	self->dmabuf = FD(buffer_of(self->drm));
	self->test = FD(xopen("/dev/dma_resv_test"));
	self->ends[FIRST] = FD(timeline_open());
	self->ends[LAST] = FD(timeline_open());
	OK(import_fence(self->dmabuf, self->ends[FIRST], 1, WRITE));
	for (int i = 0; i < 2; i++) {
		self->crowds[i] = FD(make_crowd(self->test,
						variant->contexts / 2 - 1));
		OK(dmabuf_import(self->dmabuf, self->crowds[i], WRITE));
	}
	OK(import_fence(self->dmabuf, self->ends[LAST], 1, WRITE));
	self->all = FD(dmabuf_export(self->dmabuf, READ));
	ASSERT_EQ((int)variant->contexts, sync_count(self->all));
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->binary)));
	OK(drm(drmSyncobjCreate(self->drm, 0, &self->timeline)));
	OK(drm(drmSyncobjImportSyncFile(self->drm, self->binary, self->all)));
}

FIXTURE_TEARDOWN(shape)
{
	drmSyncobjDestroy(self->drm, self->timeline);
	drmSyncobjDestroy(self->drm, self->binary);
	close(self->all);
	close(self->crowds[1]);
	close(self->crowds[0]);
	close(self->ends[LAST]);
	close(self->ends[FIRST]);
	close(self->test);
	close(self->dmabuf);
	close(self->drm);
}

#define SHAPE	FIXTURE_DATA(shape)

static int signal_end(SHAPE *self, enum end end)
{
	return timeline_inc(self->ends[end], 1);
}

/* The half that the end belongs to, without it. */
static int signal_crowd(SHAPE *self, enum end end)
{
	return signal_all(self->test, self->crowds[end]);
}

static int signal_all_but(SHAPE *self, enum end end)
{
	int ret = signal_end(self, !end);

	if (!ret)
		ret = signal_crowd(self, FIRST);
	return ret ? ret : signal_crowd(self, LAST);
}

#define SIGNAL_ALL_BUT(end)	OK(signal_all_but(self, end))
#define SIGNAL(end)		OK(signal_end(self, end))

/* Signal the half that begins or ends with @half, then all but the end, then that. */
enum { STAGES = 4 };

static int next_stage(SHAPE *self, int stage, enum end half)
{
	int ret;

	switch (stage) {
	case 0:
		ret = signal_end(self, half);
		return ret ? ret : signal_crowd(self, half);
	case 1:
		return signal_crowd(self, !half);
	case 2:
		return signal_end(self, !half);
	default:
		return 0;
	}
}

/* What a syncobj says that it has reached, or was given. */
static int64_t query(int fd, __u32 syncobj, __u32 flags)
{
	uint64_t point = 0;
	int ret = drm(drmSyncobjQuery2(fd, &syncobj, &point, 1, flags));

	return ret ? ret : (int64_t)point;
}

#define REACHED(syncobj)	query(self->drm, syncobj, 0)
#define SUBMITTED(syncobj) \
	query(self->drm, syncobj, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED)

/* Wait for a point for a moment: 0 if it came, -ETIME if not, -EINVAL if there is none. */
static int wait_point(int fd, __u32 syncobj, uint64_t point, __u32 flags)
{
	int64_t until = (int64_t)now_ns() + 10000000;

	return drmSyncobjTimelineWait(fd, &syncobj, &point, 1, until, flags,
				      NULL);
}

#define WAIT(syncobj, point, flags) \
	wait_point(self->drm, syncobj, point, flags)

/* An eventfd for a point, -EINVAL where the kernel has no such thing. */
static int point_eventfd(int drm_fd, __u32 syncobj, __u64 point, __u32 flags)
{
	struct eventfd_args args = {
		.handle = syncobj, .flags = flags, .point = point,
		.fd = eventfd(0, EFD_CLOEXEC),
	};
	int ret = drm(drmIoctl(drm_fd, SYNCOBJ_EVENTFD, &args));

	if (!ret)
		return args.fd;
	close(args.fd);
	return ret;
}

#define EVENTFD(syncobj, point, flags) \
	FD(point_eventfd(self->drm, syncobj, point, flags))
#define HAS_EVENTFDS() \
	(point_eventfd(self->drm, self->timeline, 0, 0) != -EINVAL)

/* A sync_file as a point of a timeline: what Linux 7.3 has and others refuse. */
static int import_as_point(int drm_fd, __u32 syncobj, __u64 point, int sync_file)
{
	struct fd_to_point_args args = {
		.handle = syncobj, .fd = sync_file, .point = point,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE |
			 FD_IS_FOR_A_POINT,
	};

	return drm(drmIoctl(drm_fd, SYNCOBJ_FD_TO_POINT, &args));
}

#define IMPORT_AS_A_POINT(point) \
	import_as_point(self->drm, self->timeline, point, self->all)
/* Whoever knows the flag looks for the syncobj, of which there is none. */
#define IMPORTS_POINTS() \
	(import_as_point(self->drm, 0, 1, self->all) == -ENOENT)

/* Has the syncobj a chain, though it came by a sync_file? */
static bool holds_a_chain(int drm_fd, __u32 syncobj)
{
	int fd = syncobj_export(drm_fd, syncobj);
	struct sync_file_info info = { .num_fences = 0 };
	int ret = xioctl(fd, SYNC_IOC_FILE_INFO, &info);

	close(fd);
	return !ret && !strncmp(info.name, "dma_fence_chain", 15);
}

/* How many fences a point of a timeline stands for. */
static int point_count(int drm_fd, __u32 syncobj, __u64 point)
{
	int ret, fd;
	__u32 copy;

	ret = drm(drmSyncobjCreate(drm_fd, 0, &copy));
	if (!ret)
		ret = drm(drmSyncobjTransfer(drm_fd, copy, 0, syncobj, point,
					     0));
	fd = ret ? ret : syncobj_export(drm_fd, copy);
	ret = fd < 0 ? fd : sync_count(fd);
	close(fd);
	drmSyncobjDestroy(drm_fd, copy);
	return ret;
}

/* A syncobj without points has reached 0, and 0 is what it was given. */
TEST_F(shape, e5_query_says_0)
{
	for (int stage = 0; stage < STAGES; stage++) {
		EXPECT_EQ(0, REACHED(self->binary));
		EXPECT_EQ(0, SUBMITTED(self->binary));
		OK(next_stage(self, stage, FIRST));
	}
}

static void expect_no_point(struct __test_metadata *_metadata, SHAPE *self,
			    enum end half)
{
	for (int stage = 0; stage < STAGES; stage++) {
		EXPECT_EQ(-EINVAL, WAIT(self->binary, 1, 0));
		EXPECT_EQ(-ETIME, WAIT(self->binary, 1, AVAILABLE));
		EXPECT_EQ(-ETIME, WAIT(self->binary, 1, FOR_SUBMIT));
		EXPECT_EQ(-ETIME, WAIT(self->binary, 1,
				       FOR_SUBMIT | AVAILABLE));
		OK(next_stage(self, stage, half));
	}
}

/* Nobody who waits for point 1 is told that it is there, whatever has signaled. */
TEST_F(shape, e5_wait_finds_no_point_after_the_first_half)
{
	expect_no_point(_metadata, self, FIRST);
}

TEST_F(shape, e5_wait_finds_no_point_after_the_last_half)
{
	expect_no_point(_metadata, self, LAST);
}

/* Without a point, all of it is waited for, whichever fence signals last. */
TEST_F(shape, e5_wait_is_for_the_last)
{
	EXPECT_EQ(-ETIME, WAIT(self->binary, 0, 0));
	EXPECT_EQ(0, WAIT(self->binary, 0, AVAILABLE));
	SIGNAL_ALL_BUT(LAST);
	EXPECT_EQ(0, syncobj_wait(self->drm, self->binary, 0, 20));
	EXPECT_EQ(-ETIME, WAIT(self->binary, 0, FOR_SUBMIT));
	SIGNAL(LAST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 0, 5000));
}

TEST_F(shape, e5_wait_is_for_the_first)
{
	SIGNAL_ALL_BUT(FIRST);
	EXPECT_EQ(0, syncobj_wait(self->drm, self->binary, 0, 20));
	EXPECT_EQ(-ETIME, WAIT(self->binary, 0, FOR_SUBMIT));
	SIGNAL(FIRST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 0, 5000));
}

struct waiter {
	int drm;
	__u32 syncobj;
	atomic_int thread;
	int ret;
};

static void *wait_for_point_1(void *arg)
{
	struct waiter *waiter = arg;
	int64_t until = (int64_t)now_ns() + 1000000000;
	uint64_t point = 1;

	waiter->thread = gettid();
	waiter->ret = drmSyncobjTimelineWait(waiter->drm, &waiter->syncobj,
					     &point, 1, until, FOR_SUBMIT,
					     NULL);
	return NULL;
}

/* An import of many does not wake who waits for a point that is to come. */
TEST_F(shape, e5_waiter_before_the_import_finds_no_point)
{
	struct waiter waiter = { .drm = self->drm, .syncobj = self->timeline };
	pthread_t thread;

	OK(pthread_create(&thread, NULL, wait_for_point_1, &waiter));
	while (!waiter.thread)
		sleep_ms(1);
	ASSERT_TRUE(wait_asleep(waiter.thread));
	OK(drm(drmSyncobjImportSyncFile(self->drm, self->timeline, self->all)));
	SIGNAL_ALL_BUT(LAST);
	SIGNAL(LAST);
	OK(pthread_join(thread, NULL));
	EXPECT_EQ(-ETIME, waiter.ret);
}

/* An eventfd for a point stays silent, whether it came before the import or not. */
TEST_F(shape, e5_eventfd_of_a_point_does_not_fire)
{
	int fds[4];

	if (!HAS_EVENTFDS())
		SKIP(return, "this kernel has no eventfds for points");
	fds[0] = EVENTFD(self->timeline, 1, 0);
	fds[1] = EVENTFD(self->timeline, 1, AVAILABLE);
	fds[2] = EVENTFD(self->binary, 1, 0);
	fds[3] = EVENTFD(self->binary, 1, AVAILABLE);
	OK(drm(drmSyncobjImportSyncFile(self->drm, self->timeline, self->all)));
	for (int stage = 0; stage < STAGES; stage++) {
		for (int i = 0; i < 4; i++)
			EXPECT_EQ(0, wait_for(fds[i], POLLIN, 5));
		OK(next_stage(self, stage, FIRST));
	}
	for (int i = 0; i < 4; i++)
		close(fds[i]);
}

/* That of the whole fires with the last fence, or at once if that was asked for. */
TEST_F(shape, e5_eventfd_fires_with_the_last)
{
	int done, there;

	if (!HAS_EVENTFDS())
		SKIP(return, "this kernel has no eventfds for points");
	done = EVENTFD(self->binary, 0, 0);
	there = EVENTFD(self->binary, 0, AVAILABLE);
	EXPECT_TRUE(is_ready(there, POLLIN));
	SIGNAL_ALL_BUT(FIRST);
	EXPECT_EQ(0, wait_for(done, POLLIN, 20));
	SIGNAL(FIRST);
	EXPECT_EQ(1, wait_for(done, POLLIN, 5000));
	close(there);
	close(done);
}

/* There is no point 1 to transfer from, to a point or to a binary syncobj. */
TEST_F(shape, e5_transfer_finds_no_point)
{
	EXPECT_EQ(-EINVAL, drm(drmSyncobjTransfer(self->drm, self->timeline, 4,
						  self->binary, 1, 0)));
	EXPECT_EQ(-EINVAL, drm(drmSyncobjTransfer(self->drm, self->timeline, 0,
						  self->binary, 1, 0)));
	SIGNAL_ALL_BUT(LAST);
	EXPECT_EQ(-EINVAL, drm(drmSyncobjTransfer(self->drm, self->timeline, 4,
						  self->binary, 1, 0)));
	SIGNAL(LAST);
}

/* A point that it is transferred to is all of it, and waits for each. */
TEST_F(shape, e5_transfer_takes_all)
{
	OK(drm(drmSyncobjTransfer(self->drm, self->timeline, 4, self->binary, 0,
				  0)));
	EXPECT_EQ((int)variant->contexts,
		  point_count(self->drm, self->timeline, 4));
	EXPECT_EQ(0, REACHED(self->timeline));
	EXPECT_EQ(4, SUBMITTED(self->timeline));
	SIGNAL_ALL_BUT(FIRST);
	EXPECT_EQ(-ETIME, WAIT(self->timeline, 4, 0));
	EXPECT_EQ(-ETIME, WAIT(self->timeline, 1, 0));
	EXPECT_EQ(0, REACHED(self->timeline));
	SIGNAL(FIRST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 4, 5000));
	EXPECT_EQ(4, REACHED(self->timeline));
}

/* From one binary syncobj to another, it stays what it is. */
TEST_F(shape, e5_transfer_without_a_point_takes_all)
{
	OK(drm(drmSyncobjTransfer(self->drm, self->timeline, 0, self->binary, 0,
				  0)));
	EXPECT_EQ((int)variant->contexts,
		  point_count(self->drm, self->timeline, 0));
	EXPECT_EQ(0, SUBMITTED(self->timeline));
	EXPECT_EQ(-EINVAL, WAIT(self->timeline, 1, 0));
	SIGNAL_ALL_BUT(LAST);
	EXPECT_EQ(0, syncobj_wait(self->drm, self->timeline, 0, 20));
	SIGNAL(LAST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 0, 5000));
}

/* A point that user space signals comes after all of what was there. */
TEST_F(shape, e5_signaled_point_waits_for_what_was_there)
{
	uint64_t point = 5;

	OK(drm(drmSyncobjTimelineSignal(self->drm, &self->binary, &point, 1)));
	EXPECT_EQ(0, REACHED(self->binary));
	EXPECT_EQ(5, SUBMITTED(self->binary));
	SIGNAL_ALL_BUT(LAST);
	for (point = 1; point <= 5; point++)
		EXPECT_EQ(-ETIME, WAIT(self->binary, point, 0));
	EXPECT_EQ(0, REACHED(self->binary));
	SIGNAL(LAST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 5, 5000));
	EXPECT_EQ(5, REACHED(self->binary));
}

/* However low the number of the point is. */
TEST_F(shape, e5_point_1_can_be_signaled)
{
	uint64_t point = 1;

	OK(drm(drmSyncobjTimelineSignal(self->drm, &self->binary, &point, 1)));
	EXPECT_EQ(1, SUBMITTED(self->binary));
	SIGNAL_ALL_BUT(LAST);
	EXPECT_EQ(-ETIME, WAIT(self->binary, 1, 0));
	EXPECT_EQ(0, REACHED(self->binary));
	SIGNAL(LAST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->binary, 1, 5000));
	EXPECT_EQ(1, REACHED(self->binary));
}

/* Linux 7.3 takes a sync_file in as a point, without a transfer. */
TEST_F(shape, e5_import_as_a_point_takes_all)
{
	if (!IMPORTS_POINTS())
		SKIP(return, "this kernel imports no sync_file as a point");
	if (variant->past_the_array && holds_a_chain(self->drm, self->binary))
		SKIP(return, "this kernel warns of each chain that becomes a point");
	OK(IMPORT_AS_A_POINT(4));
	EXPECT_EQ((int)variant->contexts,
		  point_count(self->drm, self->timeline, 4));
	EXPECT_EQ(0, REACHED(self->timeline));
	EXPECT_EQ(4, SUBMITTED(self->timeline));
	SIGNAL_ALL_BUT(FIRST);
	EXPECT_EQ(-ETIME, WAIT(self->timeline, 4, 0));
	EXPECT_EQ(-ETIME, WAIT(self->timeline, 1, 0));
	SIGNAL(FIRST);
	EXPECT_EQ(1, syncobj_wait(self->drm, self->timeline, 4, 5000));
	EXPECT_EQ(4, REACHED(self->timeline));
}

TEST_HARNESS_MAIN

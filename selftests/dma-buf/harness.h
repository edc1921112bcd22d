/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own test harness, and the fixture that most tests start from.
 */
#ifndef _HARNESS_H
#define _HARNESS_H

#include <dirent.h>
#include <kselftest_harness.h>
#include <linux/membarrier.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "buffers.h"

#define READ	DMA_BUF_SYNC_READ
#define WRITE	DMA_BUF_SYNC_WRITE
#define RW	DMA_BUF_SYNC_RW

/* For what the kernel's own code is known not to do. */
#define NEEDS_MODULE(why) \
	do { \
		if (!module_serves()) \
			SKIP(return, why); \
	} while (0)

/* For what needs a list of our own making. */
#define NEEDS_LIST(why) \
	do { \
		if (!module_serves() || module_param("public_api")) \
			SKIP(return, why); \
	} while (0)

/* For what an exclusive fence and shared ones cannot tell apart. */
#define EXCLUSIVE	"an exclusive fence and shared ones are two usages, not four"
#define NEEDS_USAGES(why) \
	do { \
		if (has_exclusive(self->test)) \
			SKIP(return, why); \
	} while (0)

/* For what is about a driver of the kernel's: vgem. */
#define NEEDS_DRM() \
	do { \
		if (access("/sys/class/drm", F_OK)) \
			SKIP(return, "this kernel has no DRM"); \
	} while (0)

/*
 * How many fences SYNC_IOC_FILE_INFO tells of, out of @count: a kernel with
 * exclusive fences does not look into the chain that very many make.
 */
#define TOLD(count) \
	((count) > 800 && has_exclusive(self->test) ? 1 : (int)(count))

/* One idle buffer, two timelines, and the way into its reservation object. */
FIXTURE(buffer) {
	int dmabuf;
	int one;
	int two;
	int test;
};

FIXTURE_SETUP(buffer)
{
	/* sw_sync names a timeline after us; leave room for the numbers. */
	prctl(PR_SET_NAME, "t");
	self->dmabuf = udmabuf_create(4096);
	self->one = timeline_open();
	self->two = timeline_open();
	self->test = xopen("/dev/dma_resv_test");
	ASSERT_GE(self->dmabuf, 0);
	ASSERT_GE(self->one, 0);
	ASSERT_GE(self->two, 0);
	ASSERT_GE(self->test, 0);
}

FIXTURE_TEARDOWN(buffer)
{
	close(self->test);
	close(self->two);
	close(self->one);
	close(self->dmabuf);
}

#define OK(expr)	ASSERT_EQ(0, expr)
#define FD(expr)	({ int __fd = (expr); ASSERT_GE(__fd, 0); __fd; })

/* What /proc says of a process or thread: 'S' if it sleeps, 0 if it is gone. */
static inline char task_state(pid_t pid)
{
	char path[32], line[128], *state = NULL;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	stat = fopen(path, "re");
	if (stat && fgets(line, sizeof(line), stat))
		state = strrchr(line, ')');
	if (stat)
		fclose(stat);
	return state ? state[2] : '\0';
}

/*
 * Until a process or thread sleeps, as it does where it waits for a lock; not for
 * ever. Whether it sleeps.
 */
static inline bool wait_asleep(pid_t pid)
{
	int ms;

	for (ms = 0; ms < 10000; ms += 10) {
		char state;

		sleep_ms(10);
		state = task_state(pid);
		if (state == 'S' || state == 'D')
			return true;
	}
	return false;
}

/*
 * Have the kernel give away at once what it frees when all readers are done with it, as
 * lists of fences are: it does so every five seconds, or for some hundreds.
 */
static inline void free_lists(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	/* Without a line in the log; then the slabs. */
	if (fd >= 0 && write(fd, "4", 1) == 1 && write(fd, "2", 1) == 1)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	if (fd >= 0)
		close(fd);
	sleep_ms(10);
}

/*
 * How many descriptors this process has, and which it would get next: a number
 * that was taken and never given back does not show among the open ones.
 */
static inline int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	count = count * 10000 + dirfd(dir);
	closedir(dir);
	return count;
}

#endif /* _HARNESS_H */

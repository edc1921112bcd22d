// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fails in the middle: memory, descriptors, patience. Promises I3 and B1.
 *
 * The kernel makes one allocation of a call fail, then the next one in the next
 * call, by /proc/thread-self/fail-nth: only a kernel that is built for that
 * has it.
 */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "many.h"

/* No call makes so many allocations. */
#define FAULTS_MAX	500
#define FENCES		40

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Allocations that may sleep fail too, and those of single pages, quietly. */
static int faults_prepare(void)
{
	static const char * const knobs[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
	};
	char path[96];
	unsigned int i;
	int ret = access("/proc/thread-self/fail-nth", W_OK) ? -errno : 0;

	for (i = 0; i < sizeof(knobs) / sizeof(*knobs) && !ret; i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s",
			 knobs[i][0]);
		ret = write_to(path, knobs[i][1]);
	}
	return ret;
}

#define NEEDS_FAULTS() \
	do { \
		if (faults_prepare()) \
			SKIP(return, "the kernel has no fault injection"); \
	} while (0)

/*
 * ioctl() with its @nth allocation failing: the errno, and whether one did. @file
 * is /proc/thread-self/fail-nth, and stays open: a descriptor that came and went
 * here would hide the one behind it.
 */
static int faulty_ioctl(int file, int fd, unsigned long cmd, void *arg, int nth,
			bool *hit)
{
	char text[16], left[16] = "";
	int ret;

	snprintf(text, sizeof(text), "%d", nth);
	if (write(file, text, strlen(text)) < 0)
		return -EIO;
	ret = ioctl(fd, cmd, arg) < 0 ? -errno : 0;
	if (pread(file, left, sizeof(left) - 1, 0) < 0)
		ret = -EIO;
	*hit = atoi(left) == 0;
	if (write(file, "0", 1) != 1)
		ret = -EIO;
	return ret;
}

/*
 * The lowest descriptor that is free: /proc/self/fd does not show one that was
 * reserved and never given back.
 */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* A sync_file of @count fences, each of another timeline. */
static int many_fences(int count)
{
	int i, fence, both, merged = timeline_fence(timeline_open(), 1);

	for (i = 1; i < count && merged >= 0; i++) {
		fence = timeline_fence(timeline_open(), 1);
		both = sync_merge(merged, fence);
		close(fence);
		close(merged);
		merged = both;
	}
	return merged;
}

TEST_F(buffer, i3_an_import_without_memory_changes_nothing)
{
	struct dma_resv_test_entry before[ENTRIES_MAX], now[ENTRIES_MAX];
	struct dma_buf_import_sync_file arg = { .flags = WRITE };
	int file, nth, ret, free, count, errors = 0;
	bool hit = true;

	NEEDS_FAULTS();
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), READ));
	arg.fd = FD(many_fences(FENCES));
	file = FD(xopen("/proc/thread-self/fail-nth"));
	free = next_fd();
	for (nth = 1; hit && nth < FAULTS_MAX; nth++) {
		count = resv_list(self->test, self->dmabuf, before, ENTRIES_MAX);
		ret = faulty_ioctl(file, self->dmabuf,
				   DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg, nth, &hit);
		EXPECT_EQ(free, next_fd());
		if (!ret)
			continue;
		errors++;
		EXPECT_EQ(-ENOMEM, ret);
		EXPECT_TRUE(hit);
		ASSERT_EQ(count, resv_list(self->test, self->dmabuf, now,
					   ENTRIES_MAX));
		EXPECT_EQ(0, memcmp(before, now,
				    (size_t)count * sizeof(*now)));
	}
	EXPECT_FALSE(hit);
	EXPECT_GT(errors, 0);
	EXPECT_EQ(1 + FENCES, resv_list(self->test, self->dmabuf, now,
					ENTRIES_MAX));
}

TEST_F(buffer, b1_an_export_without_memory_leaks_no_fd)
{
	struct dma_buf_export_sync_file arg;
	int file, nth, ret, free, errors = 0;
	bool hit = true;

	NEEDS_FAULTS();
	OK(dmabuf_import(self->dmabuf, FD(many_fences(FENCES)), WRITE));
	file = FD(xopen("/proc/thread-self/fail-nth"));
	free = next_fd();
	for (nth = 1; hit && nth < FAULTS_MAX; nth++) {
		arg = (struct dma_buf_export_sync_file){
			.flags = READ, .fd = -77,
		};
		ret = faulty_ioctl(file, self->dmabuf,
				   DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg, nth, &hit);
		if (ret) {
			errors++;
			EXPECT_EQ(-ENOMEM, ret);
			EXPECT_TRUE(hit);
			EXPECT_EQ(-77, arg.fd);
		} else {
			EXPECT_EQ(FENCES, sync_count(arg.fd));
			close(arg.fd);
		}
		EXPECT_EQ(free, next_fd());
	}
	EXPECT_FALSE(hit);
	EXPECT_GT(errors, 0);
}

/* The entries of all buffers, one after the other. */
struct snapshot {
	struct dma_resv_test_entry entries[BUFFERS][2 * FENCES];
	int counts[BUFFERS];
};

static void snapshot_take(struct snapshot *snapshot, int test, const int *buffer)
{
	int i;

	memset(snapshot, 0, sizeof(*snapshot));
	for (i = 0; i < BUFFERS; i++)
		snapshot->counts[i] = resv_list(test, buffer[i],
						snapshot->entries[i],
						2 * FENCES);
}

/*
 * Call @cmd for all buffers with the first, the second, each allocation failing,
 * until it makes no more. How often it failed, after which nothing had changed;
 * negative if something was wrong.
 */
static int fail_many(const int *buffer, int test, unsigned long cmd, int fence)
{
	int file = xopen("/proc/thread-self/fail-nth"), free = next_fd();
	int nth, ret, i, errors = 0;
	struct snapshot before, now;
	entry_t entries[BUFFERS];
	bool hit = true;

	for (i = 0; i < BUFFERS; i++)
		entries[i] = (entry_t){ buffer[i], i % 2 ? READ : WRITE };
	for (nth = 1; hit && nth < FAULTS_MAX; nth++) {
		struct dma_buf_sync_many arg = many_arg(entries, BUFFERS);

		arg.import_fd = fence;
		snapshot_take(&before, test, buffer);
		ret = faulty_ioctl(file, buffer[0], cmd, &arg, nth, &hit);
		if (!ret) {
			close(arg.export_fd);
			continue;
		}
		errors++;
		snapshot_take(&now, test, buffer);
		if (ret != -ENOMEM || !hit || arg.export_fd != -1 ||
		    free != next_fd() || memcmp(&before, &now, sizeof(now))) {
			printf("# allocation %d: %d, %d, %s\n", nth, ret,
			       arg.export_fd, hit ? "it failed" : "none failed");
			errors = -1;
			break;
		}
	}
	close(file);
	return hit ? -1 : errors;
}

TEST_F(many, i3_an_import_into_many_without_memory_changes_nothing)
{
	NEEDS_FAULTS();
	OK(dmabuf_import(self->buffer[0], FD(timeline_fence(self->one, 1)),
			 READ));
	EXPECT_GT(fail_many(self->buffer, self->test, DMA_BUF_IOCTL_IMPORT_MANY,
			    FD(many_fences(FENCES))), 0);
	EXPECT_LENGTHS(FENCES + 1, FENCES, FENCES, FENCES);
}

TEST_F(many, i3_an_exchange_without_memory_changes_nothing)
{
	NEEDS_FAULTS();
	OK(dmabuf_import(self->buffer[1], FD(many_fences(FENCES)), WRITE));
	EXPECT_GT(fail_many(self->buffer, self->test, DMA_BUF_IOCTL_EXCHANGE,
			    FD(timeline_fence(self->one, 1))), 0);
	EXPECT_LENGTHS(1, FENCES + 1, 1, 1);
}

TEST_F(many, b1_an_export_of_many_without_memory_leaks_no_fd)
{
	NEEDS_FAULTS();
	OK(dmabuf_import(self->buffer[0], FD(many_fences(FENCES)), WRITE));
	OK(dmabuf_import(self->buffer[1], FD(timeline_fence(self->two, 1)),
			 READ));
	EXPECT_GT(fail_many(self->buffer, self->test, DMA_BUF_IOCTL_EXPORT_MANY,
			    0), 0);
	EXPECT_LENGTHS(FENCES, 1, 0, 0);
}

TEST_F(buffer, b1_export_without_a_free_fd_is_emfile)
{
	struct dma_buf_export_sync_file arg = { .flags = READ, .fd = -77 };
	struct rlimit old, none;
	int free = next_fd(), ret;

	OK(getrlimit(RLIMIT_NOFILE, &old));
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	OK(setrlimit(RLIMIT_NOFILE, &none));
	ret = ioctl(self->dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg) ?
	      -errno : 0;
	OK(setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(-EMFILE, ret);
	EXPECT_EQ(-77, arg.fd);
	EXPECT_EQ(free, next_fd());
}

/* Somebody else holds the lock of the buffer for a while. */
#define HOLD_MS	3000

static pid_t hold_lock(int test, int dmabuf)
{
	pid_t pid = fork();

	if (!pid)
		_exit(resv_hold(test, dmabuf, HOLD_MS) ? 1 : 0);
	return wait_asleep(pid) ? pid : -1;
}

/* Import in a child, which then tells how it went. */
static pid_t import_in_child(int dmabuf, int fence)
{
	pid_t pid = fork();

	if (!pid)
		_exit(dmabuf_import(dmabuf, fence, WRITE) ? 1 : 0);
	return wait_asleep(pid) ? pid : -1;
}

/* An import that waits for the lock is done all the same after a signal. */
static void on_signal(int signum)
{
	(void)signum;
}

TEST_F(buffer, i3_an_interrupted_import_is_done_or_not)
{
	int fence = FD(timeline_fence(self->one, 1)), status;
	struct sigaction action = { .sa_handler = on_signal };
	pid_t holder, importer;

	OK(sigaction(SIGINT, &action, NULL));
	holder = hold_lock(self->test, self->dmabuf);
	ASSERT_GT(holder, 0);
	importer = import_in_child(self->dmabuf, fence);
	ASSERT_GT(importer, 0);
	/* Still held: there is something to interrupt. */
	EXPECT_EQ(0, waitpid(holder, &status, WNOHANG));
	OK(kill(importer, SIGINT));
	ASSERT_EQ(importer, waitpid(importer, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
	ASSERT_EQ(holder, waitpid(holder, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(buffer, i3_a_killed_import_leaves_the_buffer_in_order)
{
	int fence = FD(timeline_fence(self->one, 1)), status, fd;
	pid_t holder, importer;

	holder = hold_lock(self->test, self->dmabuf);
	ASSERT_GT(holder, 0);
	importer = import_in_child(self->dmabuf, fence);
	ASSERT_GT(importer, 0);
	/* Still held: there is something to interrupt. */
	EXPECT_EQ(0, waitpid(holder, &status, WNOHANG));
	OK(kill(importer, SIGKILL));
	ASSERT_EQ(importer, waitpid(importer, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_EQ(holder, waitpid(holder, &status, 0));
	EXPECT_EQ(0, status);

	/* Done or not, never half: whoever comes next is served. */
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->two, 1)),
			 WRITE));
	OK(timeline_inc(self->one, 1));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(1, sync_count(fd));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(timeline_inc(self->two, 1));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_HARNESS_MAIN

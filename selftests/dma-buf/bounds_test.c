// SPDX-License-Identifier: GPL-2.0-only
/* Memory: promises E5, E6, I4 and I7. */

#include <limits.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "harness.h"

#define KEEPS	"the kernel's own import keeps what has signaled"
#define TRACING	"/sys/kernel/tracing/"
/* Of a list, in bytes, whatever the bits of this program. */
#define SLOT	8

/* Many timelines, each with its fence number 1. */
struct crowd {
	int count;
	int *timelines;
	int *fences;
};

static int crowd_gather(struct crowd *crowd, int count)
{
	int i;

	crowd->count = count;
	crowd->timelines = calloc((size_t)count, sizeof(int));
	crowd->fences = calloc((size_t)count, sizeof(int));
	for (i = 0; i < count; i++) {
		crowd->timelines[i] = timeline_open();
		crowd->fences[i] = timeline_fence(crowd->timelines[i], 1);
		if (crowd->fences[i] < 0)
			return crowd->fences[i];
	}
	return 0;
}

static int crowd_import(struct crowd *crowd, int dmabuf, __u32 flags)
{
	int i, ret = 0;

	for (i = 0; i < crowd->count && !ret; i++)
		ret = dmabuf_import(dmabuf, crowd->fences[i], flags);
	return ret;
}

static int crowd_signal(struct crowd *crowd, int from, int to)
{
	int ret = 0;

	for (; from < to && !ret; from++)
		ret = timeline_inc(crowd->timelines[from], 1);
	return ret;
}

#define BUFFER_DATA	FIXTURE_DATA(buffer)

static int entries(BUFFER_DATA *self)
{
	return resv_list(self->test, self->dmabuf, NULL, 0);
}

/* I4: what has signaled is gone after the next import, on a short list. */
TEST_F(buffer, i4_signaled_entries_of_a_short_list_go)
{
	struct crowd crowd;

	NEEDS_LIST(KEEPS);
	OK(crowd_gather(&crowd, 8));
	OK(crowd_import(&crowd, self->dmabuf, READ));
	EXPECT_EQ(8, entries(self));
	OK(crowd_signal(&crowd, 0, 5));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), READ));
	EXPECT_EQ(4, entries(self));
	OK(crowd_signal(&crowd, 5, 8));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
}

/* I4: and on a long one, whose own memory is for twice the peak. */
TEST_F(buffer, i4_signaled_entries_of_a_long_list_go)
{
	struct crowd crowd;
	uint64_t bytes;

	NEEDS_LIST(KEEPS);
	OK(crowd_gather(&crowd, 300));
	OK(crowd_import(&crowd, self->dmabuf, READ));
	EXPECT_EQ(300, entries(self));
	bytes = resv_bytes(self->test, self->dmabuf);
	EXPECT_GE(bytes, 300 * SLOT);
	EXPECT_LE(bytes, 4 * 300 * SLOT);
	OK(crowd_signal(&crowd, 0, 299));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), READ));
	EXPECT_EQ(2, entries(self));
	EXPECT_LE(resv_bytes(self->test, self->dmabuf),
		  4 * 300 * SLOT);
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
}

/* A sync_file of the whole crowd, by way of a buffer. */
static int crowd_merge(struct crowd *crowd)
{
	int dmabuf = udmabuf_create(4096), fd;

	fd = crowd_import(crowd, dmabuf, READ);
	if (!fd)
		fd = dmabuf_export(dmabuf, WRITE);
	close(dmabuf);
	return fd;
}

/*
 * I2: sets around the size up to which a list is changed in place, onto a list
 * of few entries and much room.
 */
TEST_F(buffer, i2_sets_of_any_size_onto_a_list_with_room)
{
	static const int sizes[] = { 1, 7, 8, 9, 10, 12, 13, 14, 16, 17 };
	struct crowd old, new;

	NEEDS_USAGES("a list of shared fences is made anew");
	NEEDS_LIST(KEEPS);
	for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
		int dmabuf = FD(udmabuf_create(4096));

		OK(crowd_gather(&old, 20));
		OK(dmabuf_import(dmabuf, FD(crowd_merge(&old)), READ));
		OK(crowd_signal(&old, 2, 20));
		OK(dmabuf_import(dmabuf, FD(timeline_fence(self->one, 1)),
				 READ));
		ASSERT_EQ(3, resv_list(self->test, dmabuf, NULL, 0));
		ASSERT_GE(resv_bytes(self->test, dmabuf), 256);

		OK(crowd_gather(&new, sizes[n]));
		OK(dmabuf_import(dmabuf, FD(crowd_merge(&new)), WRITE));
		EXPECT_EQ(3 + sizes[n],
			  resv_list(self->test, dmabuf, NULL, 0));
		for (int i = 0; i < sizes[n]; i++) {
			EXPECT_FALSE(is_ready(dmabuf, POLLIN));
			OK(crowd_signal(&new, i, i + 1));
		}
		EXPECT_EQ(1, wait_for(dmabuf, POLLIN, 5000));
		EXPECT_FALSE(is_ready(dmabuf, POLLOUT));
		OK(crowd_signal(&old, 0, 2));
		close(dmabuf);
	}
}

/*
 * I4: two entries of one context and usage, as a driver can leave them, do not
 * become three: both stay in their slots, until they signal.
 */
TEST_F(buffer, i4_double_entries_do_not_grow)
{
	int signaled = FD(timeline_open());

	NEEDS_LIST("the kernel's own import keeps double entries");
	OK(resv_add(self->test, self->dmabuf, FD(timeline_fence(signaled, 1)),
		    DMA_RESV_TEST_READ));
	OK(resv_add(self->test, self->dmabuf,
		    FD(timeline_fence(self->one, 1)), DMA_RESV_TEST_READ));
	OK(timeline_inc(signaled, 1));
	OK(resv_add(self->test, self->dmabuf,
		    FD(timeline_fence(self->one, 2)), DMA_RESV_TEST_READ));
	if (entries(self) == 1)
		SKIP(return, "CONFIG_DEBUG_MUTEXES leaves no room, so the driver tidies up");
	EXPECT_EQ(2, entries(self));
	for (__u32 i = 3; i < 9; i++) {
		OK(dmabuf_import(self->dmabuf,
				 FD(timeline_fence(self->one, i)), READ));
		/* A list that is made anew has none. */
		EXPECT_EQ(has_exclusive(self->test) ? 1 : 2, entries(self));
	}
	OK(timeline_inc(self->one, 2));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->two, 1)), READ));
	EXPECT_EQ(2, entries(self));
	OK(timeline_inc(self->two, 1));
	OK(timeline_inc(self->one, 6));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
}

/* I4: a buffer that is only exported forgets what has signaled, too. */
TEST_F_TIMEOUT(buffer, i4_export_gives_memory_back, 120)
{
	enum { BUFFERS = 64, CONTEXTS = 1024 };
	int dmabufs[BUFFERS], crowd, i;
	uint64_t bytes = 0;

	NEEDS_LIST(KEEPS);
	for (i = 0; i < BUFFERS; i++) {
		dmabufs[i] = FD(udmabuf_create(4096));
		crowd = FD(make_crowd(self->test, CONTEXTS));
		OK(dmabuf_import(dmabufs[i], crowd, i % 2 ? READ : WRITE));
		EXPECT_EQ(CONTEXTS, resv_list(self->test, dmabufs[i], NULL, 0));
		OK(signal_all(self->test, crowd));
		close(crowd);
	}
	for (i = 0; i < BUFFERS; i++) {
		close(FD(dmabuf_export(dmabufs[i], RW)));
		EXPECT_EQ(0, resv_list(self->test, dmabufs[i], NULL, 0));
		bytes += resv_bytes(self->test, dmabufs[i]);
		close(dmabufs[i]);
	}
	/* Of the kernel's own code, 17 MB; the list is for twice the peak. */
	EXPECT_LE(bytes, BUFFERS * 2 * CONTEXTS * SLOT);
}

/* I4: an import tidies up even if there is nothing to add. */
TEST_F(buffer, i4_import_of_a_signaled_fence_tidies_up)
{
	int signaled = FD(timeline_fence(self->one, 1));
	int crowd = FD(make_crowd(self->test, 300));
	int few = FD(udmabuf_create(4096));

	NEEDS_LIST(KEEPS);
	OK(timeline_inc(self->one, 1));
	OK(dmabuf_import(self->dmabuf, crowd, READ));
	OK(dmabuf_import(few, FD(timeline_fence(self->two, 1)), READ));
	OK(timeline_inc(self->two, 1));
	OK(signal_all(self->test, crowd));
	OK(dmabuf_import(self->dmabuf, signaled, WRITE));
	EXPECT_EQ(0, entries(self));
	OK(dmabuf_import(few, signaled, WRITE));
	EXPECT_EQ(0, resv_list(self->test, few, NULL, 0));
}

/* I4: an endless loop stays as small as what is unsignaled. */
TEST_F_TIMEOUT(buffer, i4_endless_loop_is_bounded, 120)
{
	enum { ROUNDS = 3000 };

	NEEDS_LIST(KEEPS);
	for (int i = 0; i < ROUNDS; i++) {
		int timeline = FD(timeline_open());
		int fence = FD(timeline_fence(timeline, 1)), fd;

		OK(dmabuf_import(self->dmabuf, fence, i % 2 ? READ : WRITE));
		fd = FD(dmabuf_export(self->dmabuf, RW));
		ASSERT_EQ(1, sync_count(fd));
		ASSERT_EQ(1, entries(self));
		close(fence);
		close(fd);
		close(timeline);
	}
	EXPECT_LE(resv_bytes(self->test, self->dmabuf), 256);
}

/* E5: a result of many contexts can be merged, told about and imported. */
TEST_F(buffer, e5_large_export_is_taken_apart_by_all)
{
	int other = FD(udmabuf_create(4096)), big, merged, small;
	struct crowd crowd;

	OK(crowd_gather(&crowd, 400));
	OK(crowd_import(&crowd, self->dmabuf, READ));
	big = FD(dmabuf_export(self->dmabuf, WRITE));
	EXPECT_EQ(400, sync_count(big));
	merged = FD(sync_merge(big, FD(timeline_fence(self->one, 1))));
	EXPECT_EQ(401, sync_count(merged));
	OK(dmabuf_import(other, merged, WRITE));
	EXPECT_EQ(401, resv_list(self->test, other, NULL, 0));
	OK(crowd_signal(&crowd, 0, 400));
	EXPECT_EQ(1, wait_for(big, POLLIN, 5000));
	small = FD(dmabuf_export(other, READ));
	EXPECT_EQ(1, sync_count(small));
	EXPECT_FALSE(is_ready(other, POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(other, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(merged, POLLIN, 5000));
}

/* E4: the time of the last signal is that of an idle buffer's fence. */
TEST_F(buffer, e4_idle_export_has_the_time_of_the_last_signal)
{
	struct sync_fence_info fence = { .status = 0 };
	struct sync_file_info info = {
		.num_fences = 1, .sync_fence_info = (uintptr_t)&fence,
	};
	uint64_t before, after;

	NEEDS_USAGES("an idle fence of this kernel has no time");
	NEEDS_LIST("the kernel's own export gives a fence without it");
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)),
			 WRITE));
	before = now_ns();
	OK(timeline_inc(self->one, 1));
	after = now_ns();
	sleep_ms(20);
	OK(xioctl(FD(dmabuf_export(self->dmabuf, RW)), SYNC_IOC_FILE_INFO,
		  &info));
	EXPECT_EQ(1, fence.status);
	EXPECT_GE(fence.timestamp_ns, before);
	EXPECT_LE(fence.timestamp_ns, after);
}

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/* Number of lines of a file that contain @word. */
static int count_lines(const char *path, const char *word)
{
	FILE *file = fopen(path, "r");
	char line[512];
	int count = 0;

	while (file && fgets(line, sizeof(line), file))
		count += !!strstr(line, word);
	if (file)
		fclose(file);
	return count;
}

/* Number of allocations in a trace of more than @min bytes, at most @max. */
static int count_allocations(const char *path, size_t min, size_t max)
{
	FILE *file = fopen(path, "r");
	char line[512], *word;
	int count = 0;
	size_t bytes;

	while (file && fgets(line, sizeof(line), file)) {
		word = strstr(line, " bytes_req=");
		if (word && sscanf(word, " bytes_req=%zu", &bytes) == 1)
			count += bytes > min && bytes <= max;
	}
	if (file)
		fclose(file);
	return count;
}

/* E6: no allocation of an export is larger than eight pages, and few are so large. */
TEST_F_TIMEOUT(buffer, e6_export_allocates_eight_pages_at_most, 120)
{
	enum { COUNT = 8192 };
	int crowd = FD(make_crowd(self->test, COUNT)), fd;
	char pid[16];

	NEEDS_LIST("the kernel's own export allocates one array of all");
	OK(dmabuf_import(self->dmabuf, crowd, READ));
	snprintf(pid, sizeof(pid), "%d", getpid());
	OK(put(TRACING "set_event_pid", pid));
	OK(put(TRACING "trace", ""));
	OK(put(TRACING "events/kmem/kmalloc/enable", "1"));
	fd = FD(dmabuf_export(self->dmabuf, WRITE));
	OK(put(TRACING "events/kmem/kmalloc/enable", "0"));
	EXPECT_EQ(TOLD(COUNT), sync_count(fd));
	/* Each array shows up, with its table of fences. */
	EXPECT_GE(count_allocations(TRACING "trace", 8192, 32768), COUNT / 1024);
	EXPECT_LE(count_allocations(TRACING "trace", 4096, 32768), COUNT / 256);
	EXPECT_EQ(0, count_allocations(TRACING "trace", 32768, SIZE_MAX));
	OK(signal_all(self->test, crowd));
}

/* What @fd, imported into @dmabuf, or refused there, makes the kernel allocate. */
static int import_allocations(int dmabuf, int fd)
{
	int ret = put(TRACING "trace", "");

	if (!ret)
		ret = put(TRACING "events/kmem/enable", "1");
	dmabuf_import(dmabuf, fd, READ);
	if (!ret)
		ret = put(TRACING "events/kmem/enable", "0");
	return ret ?: count_lines(TRACING "trace", " kmalloc:") +
		      count_lines(TRACING "trace", " kmem_cache_alloc:") +
		      count_lines(TRACING "trace", " mm_page_alloc:");
}

/*
 * I5: an import into a list that has room allocates nothing, however long that is.
 * Switching the events costs the same each time.
 */
TEST_F_TIMEOUT(buffer, i5_an_import_into_a_list_with_room_allocates_nothing, 120)
{
	static const int sizes[] = { 1, 10, 300, 5000 };
	__u32 seqno = 0;
	char pid[16];

	NEEDS_USAGES("a list of shared fences is made anew");
	NEEDS_LIST("the kernel's own import allocates");
	if (access("/proc/lockdep", F_OK) == 0)
		SKIP(return, "CONFIG_DEBUG_MUTEXES leaves no room");
	snprintf(pid, sizeof(pid), "%d", getpid());
	OK(put(TRACING "set_event_pid", pid));
	for (size_t n = 0; n < ARRAY_SIZE(sizes); n++) {
		int one = INT_MAX, many = INT_MAX;

		/* An interrupt counts as well: afresh, until there was none. */
		for (int tries = 0; tries < 4 && (one || many); tries++) {
			int dmabuf = FD(udmabuf_create(4096)), none;
			int crowd = FD(make_crowd(self->test, sizes[n]));
			int few = FD(make_crowd(self->test, 16));
			int two = FD(timeline_fence(self->two, ++seqno));
			int fence = FD(timeline_fence(self->one, seqno));

			/* Its list becomes twice as long, and one half signals. */
			OK(dmabuf_import(dmabuf, crowd, READ));
			OK(dmabuf_import(dmabuf, two, READ));
			OK(signal_all(self->test, crowd));
			none = import_allocations(dmabuf, -1);
			ASSERT_LE(0, none);
			one = import_allocations(dmabuf, fence) - none;
			many = 0;
			if (sizes[n] > 16)
				many = import_allocations(dmabuf, few) - none;
			OK(signal_all(self->test, few));
			close(fence);
			close(two);
			close(few);
			close(crowd);
			close(dmabuf);
		}
		EXPECT_EQ(0, one);
		EXPECT_EQ(0, many);
	}
}

/* The tracepoint of an import tells what became of it. */
TEST_F(buffer, trace_of_an_import_has_its_counts)
{
	struct crowd crowd;
	char pid[16];

	NEEDS_LIST("the kernel's own import has no tracepoint");
	OK(crowd_gather(&crowd, 20));
	OK(crowd_import(&crowd, self->dmabuf, READ));
	OK(crowd_signal(&crowd, 0, 15));
	snprintf(pid, sizeof(pid), "%d", getpid());
	OK(put(TRACING "set_event_pid", pid));
	OK(put(TRACING "trace", ""));
	OK(put(TRACING "events/dma_resv_export/dma_resv_import/enable", "1"));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), READ));
	OK(put(TRACING "events/dma_resv_export/dma_resv_import/enable", "0"));
	EXPECT_EQ(1, count_lines(TRACING "trace",
				 " usage=2 walked=1 distinct=1 kept=6 pruned=15 retries=0 "));
}

/* I5: what is long about an import is not done under the lock. */
TEST_F_TIMEOUT(buffer, i5_the_walk_is_not_under_the_lock, 120)
{
	__s32 fence = FD(timeline_fence(self->one, 1));
	int chain = FD(make_chain(self->test, &fence, 1, 300000, false));
	unsigned long long locked = ~0ULL;
	char pid[16], line[512];
	uint64_t start, time;
	FILE *trace;

	NEEDS_LIST("the kernel's own import has no tracepoint");
	snprintf(pid, sizeof(pid), "%d", getpid());
	OK(put(TRACING "set_event_pid", pid));
	OK(put(TRACING "trace", ""));
	OK(put(TRACING "events/dma_resv_export/dma_resv_import/enable", "1"));
	start = now_ns();
	OK(dmabuf_import(self->dmabuf, chain, WRITE));
	time = now_ns() - start;
	OK(put(TRACING "events/dma_resv_export/dma_resv_import/enable", "0"));

	trace = fopen(TRACING "trace", "r");
	ASSERT_TRUE(trace);
	while (fgets(line, sizeof(line), trace))
		if (strstr(line, " walked=300000 distinct=1 "))
			sscanf(strstr(line, " locked_ns="), " locked_ns=%llu",
			       &locked);
	fclose(trace);
	EXPECT_LT(locked, time / 20);
}

static long read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (file && fscanf(file, "%ld", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

/* I7: the memory cgroup of the caller pays for the lists. */
TEST_F_TIMEOUT(buffer, i7_caller_is_charged, 120)
{
	enum { BUFFERS = 64, CONTEXTS = 400 };
	int dmabufs[BUFFERS], big, i;
	struct crowd crowd;
	long before, after;

	NEEDS_LIST("the kernel's own lists are charged to nobody");
	OK(mkdir("/tmp/cgroup", 0755) && errno != EEXIST);
	OK(mount("cgroup2", "/tmp/cgroup", "cgroup2", 0, NULL) &&
	   errno != EBUSY);
	OK(put("/tmp/cgroup/cgroup.subtree_control", "+memory"));
	OK(mkdir("/tmp/cgroup/caller", 0755) && errno != EEXIST);
	OK(crowd_gather(&crowd, CONTEXTS));
	OK(crowd_import(&crowd, self->dmabuf, READ));
	big = FD(dmabuf_export(self->dmabuf, WRITE));
	for (i = 0; i < BUFFERS; i++)
		dmabufs[i] = FD(udmabuf_create(4096));

	OK(put("/tmp/cgroup/caller/cgroup.procs", "0"));
	before = read_number("/tmp/cgroup/caller/memory.current");
	for (i = 0; i < BUFFERS; i++)
		OK(dmabuf_import(dmabufs[i], big, WRITE));
	after = read_number("/tmp/cgroup/caller/memory.current");
	OK(put("/tmp/cgroup/cgroup.procs", "0"));
	ASSERT_GE(before, 0);
	EXPECT_GE(after - before, (long)(BUFFERS * CONTEXTS * sizeof(void *)));
}

TEST_HARNESS_MAIN

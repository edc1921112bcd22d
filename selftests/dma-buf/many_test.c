// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the calls for many buffers do: one sync_file out of all, one into all, and
 * both in one step. Promises E1 to E5, I1, I2 and I4.
 */

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "many.h"

/* Nothing but these two: each in turn is the last that the file waits for. */
static bool waits_for(int file, int timeline)
{
	bool waits = !is_ready(file, POLLIN);

	return !timeline_inc(timeline, 1) && waits;
}

TEST_F(many, e1_export_waits_for_all_buffers)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), WRITE));
	OK(dmabuf_import(b[2], FD(timeline_fence(self->two, 1)), WRITE));
	fd = FD(export_many(b[0], ENTRIES({ b[0], READ }, { b[1], READ },
					  { b[2], READ }), 0));
	EXPECT_EQ(2, sync_count(fd));
	EXPECT_TRUE(waits_for(fd, self->one));
	EXPECT_TRUE(waits_for(fd, self->two));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

/* Its own fences do not count, unless it is an entry. */
TEST_F(many, e1_the_buffer_that_is_called_has_no_part)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), WRITE));
	fd = FD(export_many(b[0], ENTRIES({ b[1], RW }, { b[2], RW }), 0));
	EXPECT_TRUE(is_ready(fd, POLLIN));
	fd = FD(export_many(b[1], ENTRIES({ b[0], RW }), 0));
	EXPECT_FALSE(is_ready(fd, POLLIN));
}

/* Readers wait for writers only, writers for all: entry by entry. */
TEST_F(many, e1_each_entry_has_its_own_flags)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), READ));
	OK(dmabuf_import(b[1], FD(timeline_fence(self->two, 1)), READ));
	fd = FD(export_many(b[0], ENTRIES({ b[0], READ }, { b[1], READ }), 0));
	EXPECT_TRUE(is_ready(fd, POLLIN));
	fd = FD(export_many(b[0], ENTRIES({ b[0], READ }, { b[1], WRITE }),
			    0));
	EXPECT_EQ(1, sync_count(fd));
	OK(timeline_inc(self->one, 1));
	EXPECT_TRUE(waits_for(fd, self->two));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_F(many, e1_flags_of_a_buffer_that_occurs_twice_add_up)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), READ));
	OK(dmabuf_import(b[0], FD(timeline_fence(self->two, 1)), WRITE));
	fd = FD(export_many(b[0], ENTRIES({ b[0], READ }, { b[0], WRITE },
					  { b[0], READ }), 0));
	EXPECT_EQ(2, sync_count(fd));
}

TEST_F(many, e1_bookkeeping_is_nobodys_business)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));

	NEEDS_USAGES(EXCLUSIVE);
	OK(resv_add(self->test, b[1], fence, DMA_RESV_TEST_BOOKKEEP));
	EXPECT_EQ(NO_FD, export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }),
				     NO_IDLE_FD));
	OK(resv_add(self->test, b[1], fence, DMA_RESV_TEST_KERNEL));
	EXPECT_FALSE(is_ready(FD(export_many(b[0], ENTRIES({ b[1], READ }),
					     NO_IDLE_FD)), POLLIN));
}

TEST_F(many, e2_fences_that_come_later_are_not_in_it)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), WRITE));
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), 0));
	OK(dmabuf_import(b[1], FD(timeline_fence(self->two, 1)), WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_F(many, e3_export_does_not_wait_for_a_lock)
{
	int *b = self->buffer, fd, status;
	uint64_t start;
	pid_t pid;

	OK(dmabuf_import(b[1], FD(timeline_fence(self->one, 1)), WRITE));
	pid = fork();
	if (!pid)
		_exit(resv_hold(self->test, b[1], 20000) ? 1 : 0);
	EXPECT_TRUE(wait_asleep(pid));
	start = now_ns();
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), 0));
	EXPECT_LT(now_ns() - start, 10000000000ULL);
	EXPECT_EQ(1, sync_count(fd));
	OK(waitpid(pid, &status, WNOHANG));
	OK(kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

/* The latest of a context, wherever it is. */
TEST_F(many, e4_one_fence_for_each_context_over_all)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 2)), WRITE));
	OK(dmabuf_import(b[1], FD(timeline_fence(self->one, 3)), WRITE));
	OK(dmabuf_import(b[2], FD(timeline_fence(self->one, 1)), WRITE));
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW },
					  { b[2], RW }), 0));
	EXPECT_EQ(1, sync_count(fd));
	EXPECT_EQ(3, sync_seqno(fd));
	OK(timeline_inc(self->one, 2));
	EXPECT_TRUE(waits_for(fd, self->one));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_F(many, e4_idle_buffers_give_a_signaled_file)
{
	int *b = self->buffer, fd;

	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), 0));
	EXPECT_TRUE(is_ready(fd, POLLIN));

	OK(dmabuf_import(b[1], FD(timeline_fence(self->one, 1)), WRITE));
	OK(timeline_inc(self->one, 1));
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), 0));
	EXPECT_TRUE(is_ready(fd, POLLIN));
}

/* Not even where there is none left. */
TEST_F(many, e4_idle_buffers_need_no_fd_if_told)
{
	int *b = self->buffer, fds, ret;
	struct rlimit old, none;

	OK(dmabuf_import(b[1], FD(timeline_fence(self->one, 1)), WRITE));
	OK(timeline_inc(self->one, 1));
	fds = count_fds();
	OK(getrlimit(RLIMIT_NOFILE, &old));
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	OK(setrlimit(RLIMIT_NOFILE, &none));
	ret = export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }),
			  NO_IDLE_FD);
	OK(setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(NO_FD, ret);
	EXPECT_EQ(fds, count_fds());
}

TEST_F(many, e4_a_busy_buffer_gives_an_fd_though_told)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[1], FD(timeline_fence(self->one, 1)), READ));
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }),
			    NO_IDLE_FD));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
}

/* More contexts than a page of pointers, spread over two buffers. */
TEST_F(many, e5_contexts_without_number)
{
	int *b = self->buffer, one, two, fd;

	one = FD(make_crowd(self->test, 700));
	two = FD(make_crowd(self->test, 800));
	OK(dmabuf_import(b[0], one, WRITE));
	OK(dmabuf_import(b[1], two, WRITE));
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW },
					  { b[0], RW }), 0));
	EXPECT_EQ(TOLD(1500), sync_count(fd));
	OK(signal_all(self->test, two));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(signal_all(self->test, one));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_F(many, e1_a_thousand_buffers)
{
	entry_t *entries = calloc(ENTRIES_MAX, sizeof(*entries));
	int *fences = calloc(ENTRIES_MAX, sizeof(*fences)), fd;
	struct rlimit limit;

	OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	OK(setrlimit(RLIMIT_NOFILE, &limit));
	if (limit.rlim_max < 2 * ENTRIES_MAX)
		SKIP(return, "too few descriptors");
	for (int i = 0; i < ENTRIES_MAX; i++)
		entries[i] = (entry_t){ FD(udmabuf_create(4096)), RW };
	OK(import_many(self->buffer[0], entries, ENTRIES_MAX,
		       FD(timeline_fence(self->one, 1))));
	for (int i = 0; i < ENTRIES_MAX; i++) {
		ASSERT_EQ(1, resv_list(self->test, entries[i].dmabuf, NULL, 0));
		if (i % 8)
			continue;
		fences[i] = FD(timeline_open());
		OK(dmabuf_import(entries[i].dmabuf,
				 FD(timeline_fence(fences[i], 1)), READ));
	}
	fd = FD(export_many(self->buffer[0], entries, ENTRIES_MAX, 0));
	EXPECT_EQ(1 + ENTRIES_MAX / 8, sync_count(fd));
	fd = FD(exchange_many(self->buffer[0], entries, ENTRIES_MAX,
			      FD(timeline_fence(self->two, 1)), 0));
	EXPECT_EQ(1 + ENTRIES_MAX / 8, sync_count(fd));
	OK(timeline_inc(self->one, 1));
	for (int i = 0; i < ENTRIES_MAX; i += 8)
		ASSERT_TRUE(waits_for(fd, fences[i]));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
	fd = FD(export_many(self->buffer[0], entries, ENTRIES_MAX, 0));
	EXPECT_EQ(1, sync_count(fd));
	EXPECT_TRUE(waits_for(fd, self->two));
}

TEST_F(many, i1_import_into_each_with_its_flags)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	struct dma_resv_test_entry entry;

	OK(import_many(b[3], ENTRIES({ b[0], READ }, { b[1], WRITE },
				     { b[2], RW }), fence));
	EXPECT_LENGTHS(1, 1, 1, 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, resv_list(self->test, b[i], &entry, 1));
		EXPECT_EQ(i ? DMA_RESV_TEST_WRITE : DMA_RESV_TEST_READ,
			  entry.usage);
		EXPECT_EQ(1, entry.seqno);
	}
	/* Who polls for reading waits for writers only. */
	EXPECT_TRUE(is_ready(b[0], POLLIN));
	EXPECT_FALSE(is_ready(b[0], POLLOUT));
	EXPECT_FALSE(is_ready(b[1], POLLIN));
	EXPECT_FALSE(is_ready(b[2], POLLIN));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(b[0], POLLOUT, 5000));
	EXPECT_EQ(1, wait_for(b[1], POLLIN, 5000));
	EXPECT_EQ(1, wait_for(b[2], POLLIN, 5000));
}

/* READ first or WRITE first. */
TEST_F(many, i1_import_of_a_buffer_that_occurs_twice_is_the_union)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	struct dma_resv_test_entry entry;

	OK(import_many(b[0], ENTRIES({ b[0], READ }, { b[1], WRITE },
				     { b[0], WRITE }, { b[1], READ },
				     { b[2], READ }, { b[2], READ }), fence));
	EXPECT_LENGTHS(1, 1, 1, 0);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, resv_list(self->test, b[i], &entry, 1));
		EXPECT_EQ(i == 2 ? DMA_RESV_TEST_READ : DMA_RESV_TEST_WRITE,
			  entry.usage);
	}
}

/* The same, where lists have no room and where the import is long. */
TEST_F(many, i1_a_long_import_of_a_buffer_that_occurs_twice)
{
	int *b = self->buffer, fence = FD(make_crowd(self->test, 100));
	struct dma_resv_test_entry entries[100];

	OK(import_many(b[0], ENTRIES({ b[0], READ }, { b[1], READ },
				     { b[0], WRITE }), fence));
	EXPECT_LENGTHS(100, 100, 0, 0);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(100, resv_list(self->test, b[i], entries, 100));
		for (int j = 0; j < 100; j++)
			ASSERT_EQ(i ? DMA_RESV_TEST_READ : DMA_RESV_TEST_WRITE,
				  entries[j].usage);
	}
	OK(signal_all(self->test, fence));
}

/* As the buffers of a VM have it. */
TEST_F(many, i1_two_buffers_of_one_reservation_object)
{
	int *b = self->buffer, shared = FD(share_resv(self->test, b[0])), fd;
	struct dma_resv_test_entry entry;

	OK(import_many(b[0], ENTRIES({ b[0], READ }, { b[1], READ },
				     { shared, WRITE }),
		       FD(timeline_fence(self->one, 1))));
	EXPECT_LENGTHS(1, 1, 0, 0);
	ASSERT_EQ(1, resv_list(self->test, b[0], &entry, 1));
	EXPECT_EQ(DMA_RESV_TEST_WRITE, entry.usage);

	fd = FD(exchange_many(shared, ENTRIES({ shared, READ }, { b[0], READ }),
			      FD(timeline_fence(self->two, 1)), 0));
	EXPECT_EQ(1, sync_count(fd));
	EXPECT_LENGTHS(2, 1, 0, 0);
	close(shared);
	fd = FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), 0));
	EXPECT_EQ(2, sync_count(fd));
}

TEST_F(many, i1_all_fences_of_a_merged_file)
{
	int *b = self->buffer, fence;

	fence = FD(sync_merge(FD(timeline_fence(self->one, 1)),
			      FD(timeline_fence(self->two, 1))));
	OK(import_many(b[0], ENTRIES({ b[0], WRITE }, { b[1], READ }), fence));
	EXPECT_LENGTHS(2, 2, 0, 0);
	OK(timeline_inc(self->one, 1));
	EXPECT_FALSE(is_ready(b[0], POLLIN));
	EXPECT_FALSE(is_ready(b[1], POLLOUT));
	OK(timeline_inc(self->two, 1));
	EXPECT_EQ(1, wait_for(b[0], POLLIN, 5000));
	EXPECT_EQ(1, wait_for(b[1], POLLOUT, 5000));
}

TEST_F(many, i2_import_keeps_what_was_there)
{
	const __u32 there[] = {
		DMA_RESV_TEST_KERNEL, DMA_RESV_TEST_WRITE, DMA_RESV_TEST_READ,
		DMA_RESV_TEST_BOOKKEEP,
	};
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));

	NEEDS_USAGES(EXCLUSIVE);
	for (int i = 0; i < BUFFERS; i++)
		OK(resv_add(self->test, b[i], fence, there[i]));
	OK(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }, { b[2], RW },
				     { b[3], RW }),
		       FD(timeline_fence(self->two, 1))));
	EXPECT_LENGTHS(2, 2, 2, 2);
	for (int i = 0; i < BUFFERS; i++) {
		struct dma_resv_test_entry e[2];
		int old;

		ASSERT_EQ(2, resv_list(self->test, b[i], e, 2));
		old = e[0].usage == there[i] ? 0 : 1;
		EXPECT_EQ(there[i], e[old].usage);
		EXPECT_EQ(DMA_RESV_TEST_WRITE, e[!old].usage);
	}
}

TEST_F(many, i4_an_endless_loop_leaves_one_entry)
{
	int *b = self->buffer, fence;

	for (__u32 i = 1; i <= 500; i++) {
		fence = FD(timeline_fence(self->one, i));
		OK(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], READ }),
			       fence));
		close(fence);
	}
	EXPECT_LENGTHS(1, 1, 0, 0);
}

/* Nothing to add, but something to forget: as with a single import. */
TEST_F(many, i4_import_tidies_up_all_buffers)
{
	int *b = self->buffer, crowd = FD(make_crowd(self->test, 200));
	int more = FD(make_crowd(self->test, 30));

	NEEDS_LIST("the kernel's public functions cannot remove entries");
	OK(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), crowd));
	EXPECT_LENGTHS(200, 200, 0, 0);
	OK(signal_all(self->test, crowd));
	OK(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), crowd));
	EXPECT_LENGTHS(0, 0, 0, 0);

	crowd = FD(make_crowd(self->test, 200));
	OK(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), crowd));
	OK(signal_all(self->test, crowd));
	OK(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), more));
	EXPECT_LENGTHS(30, 30, 0, 0);
	OK(signal_all(self->test, more));
}

TEST_F(many, i1_exchange_returns_what_was_there_and_leaves_the_new)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), WRITE));
	fd = FD(exchange_many(b[0], ENTRIES({ b[0], RW }, { b[1], READ }),
			      FD(timeline_fence(self->two, 1)), 0));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(1, sync_count(fd));
	EXPECT_LENGTHS(2, 1, 0, 0);
	/* Only the old is in the file, only the new in the other buffer. */
	EXPECT_TRUE(waits_for(fd, self->one));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
	EXPECT_FALSE(is_ready(b[0], POLLIN));
	EXPECT_FALSE(is_ready(b[1], POLLOUT));
	EXPECT_TRUE(is_ready(b[1], POLLIN));
	OK(timeline_inc(self->two, 1));
	EXPECT_EQ(1, wait_for(b[0], POLLIN, 5000));
	EXPECT_EQ(1, wait_for(b[1], POLLOUT, 5000));
}

TEST_F(many, e1_exchange_waits_as_its_flags_say)
{
	int *b = self->buffer, fd;

	OK(dmabuf_import(b[0], FD(timeline_fence(self->one, 1)), READ));
	OK(dmabuf_import(b[1], FD(timeline_fence(self->two, 1)), READ));
	fd = FD(exchange_many(b[0], ENTRIES({ b[0], READ }, { b[1], WRITE }),
			      FD(timeline_fence(self->one, 2)), 0));
	EXPECT_EQ(1, sync_count(fd));
	OK(timeline_inc(self->one, 1));
	EXPECT_TRUE(waits_for(fd, self->two));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

TEST_F(many, e4_exchange_of_idle_buffers)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1)), fds;
	int fd;

	fd = FD(exchange_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), fence,
			      0));
	EXPECT_TRUE(is_ready(fd, POLLIN));
	fds = count_fds();
	EXPECT_EQ(NO_FD, exchange_many(b[0], ENTRIES({ b[2], RW },
						     { b[3], RW }),
				       fence, NO_IDLE_FD));
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(1, 1, 1, 1);
}

/* Each of a queue of jobs waits for the one before, and for nothing else. */
TEST_F(many, i1_a_queue_of_exchanges)
{
	int *b = self->buffer, fd[20], fence;

	for (__u32 i = 0; i < 20; i++) {
		fence = FD(timeline_fence(self->one, i + 1));
		fd[i] = FD(exchange_many(b[0], ENTRIES({ b[0], RW },
						       { b[1], RW }),
					 fence, 0));
		close(fence);
		EXPECT_TRUE(i ? sync_seqno(fd[i]) == (long)i :
				is_ready(fd[i], POLLIN));
	}
	for (int i = 1; i < 20; i++) {
		EXPECT_TRUE(waits_for(fd[i], self->one));
		EXPECT_EQ(1, wait_for(fd[i], POLLIN, 5000));
	}
}

static int with_deadline(int on, unsigned long cmd, const entry_t *entries,
			 __u32 count, int fence, __u32 *answer)
{
	struct dma_buf_sync_many arg = many_arg(entries, count);
	int ret;

	arg.flags = DEADLINE;
	arg.deadline_ns = 123456789;
	arg.import_fd = fence;
	ret = xioctl(on, cmd, &arg);
	*answer = arg.answer;
	return ret ? ret : arg.export_fd;
}

TEST_F(many, e1_a_deadline_reaches_each_fence)
{
	int *b = self->buffer, one = FD(timeline_fence(self->one, 1));
	int two = FD(timeline_fence(self->two, 1)), later, fd;
	__u32 answer;

	OK(dmabuf_import(b[0], one, WRITE));
	OK(dmabuf_import(b[1], two, WRITE));
	if (!has_deadlines(self->one, one)) {
		FD(with_deadline(b[0], DMA_BUF_IOCTL_EXPORT_MANY,
				 ENTRIES({ b[0], RW }), 0, &answer));
		EXPECT_EQ(DMA_BUF_SYNC_MANY_NO_DEADLINE, answer);
		return;
	}
	FD(export_many(b[0], ENTRIES({ b[0], RW }, { b[1], RW }), 0));
	EXPECT_EQ(-ENOENT, timeline_deadline(self->one, one));
	fd = FD(with_deadline(b[0], DMA_BUF_IOCTL_EXPORT_MANY,
			      ENTRIES({ b[0], RW }, { b[1], RW }), 0,
			      &answer));
	EXPECT_EQ(2, sync_count(fd));
	EXPECT_EQ(0, answer);
	EXPECT_EQ(123456789, timeline_deadline(self->one, one));
	EXPECT_EQ(123456789, timeline_deadline(self->two, two));

	/* What is waited for has one, not what is left behind. */
	later = FD(timeline_fence(self->one, 2));
	OK(dmabuf_import(b[2], later, WRITE));
	two = FD(timeline_fence(self->two, 2));
	FD(with_deadline(b[0], DMA_BUF_IOCTL_EXCHANGE, ENTRIES({ b[2], RW }),
			 two, &answer));
	EXPECT_EQ(123456789, timeline_deadline(self->one, later));
	EXPECT_EQ(-ENOENT, timeline_deadline(self->two, two));
}

TEST_F(many, b1_query_tells_what_there_is)
{
	int fence = FD(timeline_fence(self->one, 1));
	bool deadlines = has_deadlines(self->one, fence);
	struct dma_buf_sync_query query;
	struct {
		struct dma_buf_sync_query query;
		__u64 more;
	} larger;

	memset(&query, 0xff, sizeof(query));
	OK(xioctl(self->buffer[0], DMA_BUF_IOCTL_SYNC_QUERY, &query));
	EXPECT_EQ(DMA_BUF_SYNC_FEATURE_EXPORT_MANY |
		  DMA_BUF_SYNC_FEATURE_IMPORT_MANY |
		  DMA_BUF_SYNC_FEATURE_EXCHANGE |
		  (deadlines ? DMA_BUF_SYNC_FEATURE_DEADLINE : 0),
		  query.features);
	EXPECT_EQ(ENTRIES_MAX, query.entries_max);
	EXPECT_EQ(0x20000, query.fences_max);

	/* A caller who knows more finds that the kernel does not. */
	memset(&larger, 0xff, sizeof(larger));
	OK(xioctl(self->buffer[0], _IOWR('b', 0x60, larger), &larger));
	OK(memcmp(&larger.query, &query, sizeof(query)));
	EXPECT_EQ(0, larger.more);
	EXPECT_EQ(-EINVAL, xioctl(self->buffer[0], _IOWR('b', 0x60, __u64),
				  &query));
	EXPECT_EQ(-EFAULT, xioctl(self->buffer[0], DMA_BUF_IOCTL_SYNC_QUERY,
				  NULL));
}

TEST_HARNESS_MAIN

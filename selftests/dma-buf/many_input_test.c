// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the calls for many buffers refuse, with which errno and at which entry:
 * promise B1; and that a refused call leaves neither a descriptor nor an entry
 * behind, in any of the buffers: promise I3.
 */

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "many.h"

static const unsigned long calls[] = {
	DMA_BUF_IOCTL_EXPORT_MANY, DMA_BUF_IOCTL_IMPORT_MANY,
	DMA_BUF_IOCTL_EXCHANGE,
};

/* The same call with a structure of another size. */
static unsigned long resized(unsigned long cmd, size_t size)
{
	return _IOC(_IOC_DIR(cmd), _IOC_TYPE(cmd), _IOC_NR(cmd), size);
}

static void *page(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* An argument that each of the calls takes. */
static struct dma_buf_sync_many good(unsigned long cmd, const entry_t *entries,
				     __u32 count, int fence)
{
	struct dma_buf_sync_many arg = many_arg(entries, count);

	arg.import_fd = cmd == DMA_BUF_IOCTL_EXPORT_MANY ? 0 : fence;
	return arg;
}

TEST(b1_many_numbers_and_layouts)
{
	EXPECT_EQ(0xc0106260, DMA_BUF_IOCTL_SYNC_QUERY);
	EXPECT_EQ(0xc0286261, DMA_BUF_IOCTL_EXPORT_MANY);
	EXPECT_EQ(0xc0286262, DMA_BUF_IOCTL_IMPORT_MANY);
	EXPECT_EQ(0xc0286263, DMA_BUF_IOCTL_EXCHANGE);
	EXPECT_EQ(16, sizeof(struct dma_buf_sync_query));
	EXPECT_EQ(0, offsetof(struct dma_buf_sync_query, features));
	EXPECT_EQ(8, offsetof(struct dma_buf_sync_query, entries_max));
	EXPECT_EQ(12, offsetof(struct dma_buf_sync_query, fences_max));
	EXPECT_EQ(8, sizeof(struct dma_buf_sync_entry));
	EXPECT_EQ(4, offsetof(struct dma_buf_sync_entry, flags));
	EXPECT_EQ(40, sizeof(struct dma_buf_sync_many));
	EXPECT_EQ(0, offsetof(struct dma_buf_sync_many, entries));
	EXPECT_EQ(8, offsetof(struct dma_buf_sync_many, count));
	EXPECT_EQ(12, offsetof(struct dma_buf_sync_many, flags));
	EXPECT_EQ(16, offsetof(struct dma_buf_sync_many, deadline_ns));
	EXPECT_EQ(24, offsetof(struct dma_buf_sync_many, import_fd));
	EXPECT_EQ(28, offsetof(struct dma_buf_sync_many, export_fd));
	EXPECT_EQ(32, offsetof(struct dma_buf_sync_many, failed));
	EXPECT_EQ(36, offsetof(struct dma_buf_sync_many, answer));
}

/* How a program finds out that it is on a kernel without this project. */
TEST_F(buffer, b1_the_kernels_own_code_answers_enotty)
{
	entry_t entry = { self->dmabuf, RW };
	struct dma_buf_sync_query query = { 0 };

	/* With the module nothing may be skipped: there the answer is another. */
	ASSERT_EQ(module_serves() ? 0 : -ENOTTY,
		  xioctl(self->dmabuf, DMA_BUF_IOCTL_SYNC_QUERY, &query));
	if (module_serves())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct dma_buf_sync_many arg = good(calls[i], &entry, 1, -1);

		EXPECT_EQ(-ENOTTY, xioctl(self->dmabuf, calls[i], &arg));
	}
}

/* Only on a dma-buf, and under no number next to it. */
TEST_F(many, b1_other_files_and_other_numbers_are_enotty)
{
	int fence = FD(timeline_fence(self->one, 1));
	entry_t entry = { self->buffer[0], RW };
	struct dma_buf_sync_many arg = good(calls[1], &entry, 1, fence);

	EXPECT_EQ(-ENOTTY, xioctl(fence, calls[1], &arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->one, calls[1], &arg));
	EXPECT_EQ(-EBADF, xioctl(-1, calls[1], &arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buffer[0],
				  _IOWR('b', 0x5f, struct dma_buf_sync_many),
				  &arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buffer[0],
				  _IOWR('b', 0x64, struct dma_buf_sync_many),
				  &arg));
	EXPECT_EQ(-ENOTTY, xioctl(self->buffer[0],
				  _IOW('b', 0x62, struct dma_buf_sync_many),
				  &arg));
	EXPECT_LENGTHS(0, 0, 0, 0);
}

/* A refused call: this error at this entry, and -1 for a descriptor. */
#define EXPECT_REFUSED(error, at, on, cmd, arg) \
	do { \
		EXPECT_EQ(error, xioctl(on, cmd, &(arg))) \
			TH_LOG("call %#lx", cmd); \
		EXPECT_EQ((__u32)(at), (arg).failed) \
			TH_LOG("call %#lx", cmd); \
		EXPECT_EQ(-1, (arg).export_fd); \
	} while (0)

TEST_F(many, b1_no_entries_is_einval_and_too_many_e2big)
{
	int fence = FD(timeline_fence(self->one, 1)), fds = count_fds();
	entry_t *entries = calloc(ENTRIES_MAX + 1, sizeof(*entries));

	for (__u32 i = 0; i <= ENTRIES_MAX; i++)
		entries[i] = (entry_t){ self->buffer[i % BUFFERS], RW };
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		struct dma_buf_sync_many arg;

		arg = good(calls[i], entries, 0, fence);
		EXPECT_REFUSED(-EINVAL, 0, self->buffer[0], calls[i], arg);
		arg = good(calls[i], entries, ENTRIES_MAX + 1, fence);
		EXPECT_REFUSED(-E2BIG, ENTRIES_MAX + 1, self->buffer[0],
			       calls[i], arg);
		arg = good(calls[i], entries, ~0U, fence);
		EXPECT_REFUSED(-E2BIG, ~0U, self->buffer[0], calls[i], arg);
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(0, 0, 0, 0);
	OK(import_many(self->buffer[0], entries, ENTRIES_MAX, fence));
	EXPECT_LENGTHS(1, 1, 1, 1);
}

/* Nowhere, without a mapping, and beginning or ending where one ends. */
TEST_F(many, b1_entries_that_cannot_be_read_are_efault)
{
	int fence = FD(timeline_fence(self->one, 1)), fds;
	char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	entry_t *entries = (void *)(two + 4096);
	const void *bad[] = {
		NULL, page(PROT_NONE), (void *)(uintptr_t)-16, entries,
		entries - 40,
	};

	OK(munmap(two + 4096, 4096));
	for (int i = 1; i <= 40; i++)
		entries[-i] = (entry_t){ self->buffer[i % BUFFERS], RW };
	fds = count_fds();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			struct dma_buf_sync_many arg =
				good(calls[i], bad[j], 41, fence);

			EXPECT_REFUSED(-EFAULT, 41, self->buffer[0], calls[i],
				       arg);
		}
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(0, 0, 0, 0);
	OK(import_many(self->buffer[0], entries - 40, 40, fence));
	EXPECT_LENGTHS(1, 1, 1, 1);
}

/* All 64 bits of it count. */
TEST_F(many, b1_the_address_has_64_bits)
{
	int fence = FD(timeline_fence(self->one, 1));
	entry_t entry = { self->buffer[0], RW };
	struct dma_buf_sync_many arg;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		arg = good(calls[i], &entry, 1, fence);
		arg.entries |= 1ULL << 63;
		EXPECT_REFUSED(-EFAULT, 1, self->buffer[0], calls[i], arg);
	}
	EXPECT_LENGTHS(0, 0, 0, 0);
}

static const __u32 bad_flags[] = { 0, 4, 4 | RW, 0x80000000, ~0U };

/* First, last and in between: nothing before it is done, nor after it. */
TEST_F(many, i3_a_bad_entry_spoils_all)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	int closed = FD(dup(b[0])), null = FD(open("/dev/null", O_RDWR)), fds;
	const struct { entry_t entry; int error; } bad[] = {
		{ { -1, RW }, -EBADF },
		{ { closed, RW }, -EBADF },
		{ { 0x7fffffff, RW }, -EBADF },
		{ { null, RW }, -EINVAL },
		{ { fence, RW }, -EINVAL },
		{ { self->one, RW }, -EINVAL },
		{ { b[0], bad_flags[0] }, -EINVAL },
		{ { b[0], bad_flags[1] }, -EINVAL },
		{ { b[0], bad_flags[2] }, -EINVAL },
		{ { b[0], bad_flags[3] }, -EINVAL },
		{ { b[0], bad_flags[4] }, -EINVAL },
	};
	const __u32 at[] = { 0, 1, 15, 16, 38, 39 };
	entry_t entries[40];

	close(closed);
	fds = count_fds();
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bad) * ARRAY_SIZE(at); j++) {
			__u32 k = at[j % ARRAY_SIZE(at)];
			struct dma_buf_sync_many arg;

			for (int n = 0; n < 40; n++)
				entries[n] = (entry_t){ b[n % BUFFERS], RW };
			entries[k] = bad[j / ARRAY_SIZE(at)].entry;
			arg = good(calls[i], entries, 40, fence);
			EXPECT_REFUSED(bad[j / ARRAY_SIZE(at)].error, k, b[0],
				       calls[i], arg);
		}
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(0, 0, 0, 0);
}

TEST_F(many, b1_fields_without_a_meaning_are_zero)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	entry_t entry = { b[0], RW };
	int fds = count_fds();
	struct dma_buf_sync_many arg;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		for (__u32 bit = 2; bit < 32; bit++) {
			arg = good(calls[i], &entry, 1, fence);
			arg.flags = 1U << bit;
			EXPECT_REFUSED(-EINVAL, 1, b[0], calls[i], arg);
		}
		arg = good(calls[i], &entry, 1, fence);
		arg.deadline_ns = 1;
		EXPECT_REFUSED(-EINVAL, 1, b[0], calls[i], arg);
	}
	arg = good(calls[0], &entry, 1, fence);
	arg.import_fd = fence;
	EXPECT_REFUSED(-EINVAL, 1, b[0], calls[0], arg);
	for (__u32 flag = 1; flag <= 2; flag++) {
		arg = good(calls[1], &entry, 1, fence);
		arg.flags = flag;
		EXPECT_REFUSED(-EINVAL, 1, b[0], calls[1], arg);
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(0, 0, 0, 0);
}

TEST_F(many, b1_import_of_what_is_no_sync_file)
{
	int *b = self->buffer, null = FD(open("/dev/null", O_RDWR));
	int bad[] = { -1, 0x7fffffff, null, b[0], self->one }, fds;
	entry_t entry = { b[0], RW };

	fds = count_fds();
	for (size_t i = 1; i < ARRAY_SIZE(calls); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
			struct dma_buf_sync_many arg =
				good(calls[i], &entry, 1, bad[j]);

			EXPECT_REFUSED(-EINVAL, 1, b[0], calls[i], arg);
		}
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(0, 0, 0, 0);
}

/* A caller of tomorrow, whose structure is larger; one of yesterday has none. */
TEST_F(many, b1_structures_grow_at_their_end)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	entry_t entry = { b[0], RW };
	struct {
		struct dma_buf_sync_many arg;
		char more[1000];
	} larger = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		unsigned long cmd = resized(calls[i], sizeof(larger));

		larger.arg = good(calls[i], &entry, 1, fence);
		OK(xioctl(b[0], cmd, &larger));
		larger.arg = good(calls[i], &entry, 1, fence);
		OK(xioctl(b[0], resized(calls[i], 41), &larger));
		larger.arg = good(calls[i], &entry, 1, fence);
		larger.more[999] = 1;
		EXPECT_EQ(-E2BIG, xioctl(b[0], cmd, &larger));
		/* It is not looked at further than the number says. */
		OK(xioctl(b[0], resized(calls[i], 1000), &larger));
		larger.more[999] = 0;
		EXPECT_EQ(-EINVAL, xioctl(b[0], resized(calls[i], 39),
					  &larger));
		EXPECT_EQ(-EINVAL, xioctl(b[0], resized(calls[i], 0),
					  &larger));
	}
}

TEST_F(many, b1_an_argument_that_cannot_be_read_is_efault)
{
	int fds = count_fds();

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		EXPECT_EQ(-EFAULT, xioctl(self->buffer[0], calls[i], NULL));
		EXPECT_EQ(-EFAULT, xioctl(self->buffer[0], calls[i],
					  page(PROT_NONE)));
		EXPECT_EQ(-EFAULT, xioctl(self->buffer[0], calls[i],
					  (void *)(uintptr_t)-8));
	}
	EXPECT_EQ(fds, count_fds());
}

/* The new descriptor cannot be told: it is not left, and nothing is imported. */
TEST_F(many, i3_an_answer_that_cannot_be_written_undoes_all)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	entry_t entries[] = { { b[0], RW }, { b[1], RW } };
	struct dma_buf_sync_many *arg = page(PROT_READ | PROT_WRITE);
	int fds = count_fds();

	for (int i = 0; i < 100; i++) {
		unsigned long cmd = calls[i % 2 * 2];

		OK(mprotect(arg, 4096, PROT_READ | PROT_WRITE));
		*arg = good(cmd, entries, 2, fence);
		OK(mprotect(arg, 4096, PROT_READ));
		EXPECT_EQ(-EFAULT, xioctl(b[0], cmd, arg));
	}
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(0, 0, 0, 0);

	/* An import has nothing to tell. */
	OK(mprotect(arg, 4096, PROT_READ | PROT_WRITE));
	*arg = good(calls[1], entries, 2, fence);
	OK(mprotect(arg, 4096, PROT_READ));
	OK(xioctl(b[0], calls[1], arg));
	EXPECT_LENGTHS(1, 1, 0, 0);
}

/* At the limit of descriptors: nothing is left behind that nobody waits for. */
TEST_F(many, i3_no_free_descriptor_is_emfile)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1)), fds;
	entry_t entries[] = { { b[0], RW }, { b[1], RW } };
	struct dma_buf_sync_many arg;
	struct rlimit old, none;
	int ret[2];

	OK(dmabuf_import(b[0], FD(timeline_fence(self->two, 1)), WRITE));
	fds = count_fds();
	OK(getrlimit(RLIMIT_NOFILE, &old));
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	OK(setrlimit(RLIMIT_NOFILE, &none));
	for (int i = 0; i < 2; i++) {
		arg = good(calls[2 * i], entries, 2, fence);
		ret[i] = xioctl(b[0], calls[2 * i], &arg);
	}
	OK(setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(-EMFILE, ret[0]);
	EXPECT_EQ(-EMFILE, ret[1]);
	EXPECT_EQ(2, arg.failed);
	EXPECT_EQ(-1, arg.export_fd);
	EXPECT_EQ(fds, count_fds());
	EXPECT_LENGTHS(1, 0, 0, 0);
}

/* One buffer that is full, somewhere among others that are not. */
TEST_F_TIMEOUT(many, i3_a_full_buffer_spoils_all, 240)
{
	int *b = self->buffer, full, more;

	NEEDS_LIST("with the kernel's public functions the limit is another");
	full = FD(make_crowd(self->test, 0x20000));
	more = FD(make_crowd(self->test, 30));
	OK(dmabuf_import(b[2], full, READ));
	for (size_t i = 1; i < ARRAY_SIZE(calls); i++) {
		entry_t entries[] = { { b[0], RW }, { b[1], READ },
				      { b[2], READ }, { b[3], RW } };
		struct dma_buf_sync_many arg =
			good(calls[i], entries, 4, more);

		EXPECT_REFUSED(-ENOMEM, 2, b[0], calls[i], arg);
	}
	EXPECT_LENGTHS(0, 0, 0x20000, 0);
	OK(signal_all(self->test, full));
	OK(signal_all(self->test, more));
}

static void on_signal(int signum)
{
	(void)signum;
}

/* In a child that is interrupted once: 0 if it was refused as it should. */
static pid_t interrupted(int on, unsigned long cmd, const entry_t *entries,
			 __u32 count, int fence)
{
	struct dma_buf_sync_many arg = good(cmd, entries, count, fence);
	pid_t pid = fork();
	int next;

	if (pid)
		return pid;
	next = count_fds();
	if (!ioctl(on, cmd, &arg) || errno != EINTR)
		_exit(1);
	if (count_fds() != next || arg.export_fd != -1)
		_exit(2);
	_exit(arg.failed == count - 1 ? 0 : 3);
}

/* Its status: a signal that came before the call ends nothing, so there are more. */
static int interrupt(pid_t pid)
{
	int status = -1, ms;

	for (ms = 0; ms < 10000; ms += 100) {
		kill(pid, SIGINT);
		sleep_ms(100);
		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
	}
	return status;
}

/*
 * A signal ends the wait for a lock, and what was locked before is free again. A
 * slow kernel may still be freeing what the test before has made.
 */
TEST_F_TIMEOUT(many, i3_a_signal_while_it_waits_is_eintr, 120)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1)), status;
	entry_t entries[] = { { b[0], RW }, { b[1], READ }, { b[2], RW } };
	struct sigaction action = { .sa_handler = on_signal };
	pid_t holder, pid;

	OK(sigaction(SIGINT, &action, NULL));
	holder = fork();
	if (!holder)
		_exit(resv_hold(self->test, b[2], 60000) ? 1 : 0);
	wait_asleep(holder);
	for (size_t i = 1; i < ARRAY_SIZE(calls); i++) {
		pid = interrupted(b[0], calls[i], entries, 3, fence);
		wait_asleep(pid);
		status = interrupt(pid);
		EXPECT_TRUE(WIFEXITED(status));
		EXPECT_EQ(0, WEXITSTATUS(status));
		EXPECT_EQ(0, resv_list(self->test, b[0], NULL, 0));
		EXPECT_EQ(0, resv_list(self->test, b[1], NULL, 0));
	}
	/* It is still held, or there would have been nothing to interrupt. */
	EXPECT_EQ(0, waitpid(holder, &status, WNOHANG));
	OK(kill(holder, SIGKILL));
	ASSERT_EQ(holder, waitpid(holder, &status, 0));
	EXPECT_LENGTHS(0, 0, 0, 0);
	OK(import_many(b[0], entries, 3, fence));
	EXPECT_LENGTHS(1, 1, 1, 0);
}

TEST_HARNESS_MAIN

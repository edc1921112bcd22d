// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many callers of the calls for many buffers at once. Promises E2, I1 and I3: what
 * one step does, nobody gets in between; and whoever waits gets his turn.
 */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "many.h"

/* Exchanges of each task; the fences of all are in one file at the end. */
#define ROUNDS	60
#define TASKS	2
#define FENCES	(TASKS * ROUNDS)

/* One exchange: the fence it left behind, and the file that it returned. */
struct exchange {
	int timeline;
	int fence;
	int file;
	/* which of all fences are in the file */
	bool saw[FENCES];
};

struct task {
	pthread_t thread;
	struct exchange *exchanges;
	entry_t entries[BUFFERS];
	pthread_barrier_t *barrier;
};

static void *run_exchanges(void *data)
{
	struct task *task = data;

	for (int i = 0; i < ROUNDS; i++) {
		struct exchange *exchange = &task->exchanges[i];

		pthread_barrier_wait(task->barrier);
		exchange->file = exchange_many(task->entries[0].dmabuf,
					       task->entries, BUFFERS,
					       exchange->fence, 0);
	}
	return NULL;
}

/* Timelines have the names of who opened them: "x" and a number. */
static int look_into(struct exchange *exchange)
{
	struct sync_fence_info infos[FENCES + 1];
	struct sync_file_info info = {
		.num_fences = FENCES + 1,
		.sync_fence_info = (uintptr_t)infos,
	};
	int ret = xioctl(exchange->file, SYNC_IOC_FILE_INFO, &info), number;

	if (ret)
		return ret;
	for (__u32 i = 0; i < info.num_fences; i++)
		if (sscanf(infos[i].obj_name, "x%d-", &number) == 1 &&
		    number < FENCES)
			exchange->saw[number] = true;
	return 0;
}

/*
 * Of two exchanges one comes first: the other one's file has its fence, and not
 * the other way round. With a gap between export and import both could be
 * missing, with one between buffers both could be there.
 */
TEST_F_TIMEOUT(many, i1_exchanges_are_one_step, 120)
{
	struct exchange *exchanges = calloc(FENCES, sizeof(*exchanges));
	struct task tasks[TASKS];
	pthread_barrier_t barrier;
	int missed = 0, crossed = 0, turns = 0;
	char name[16];

	ASSERT_NE(NULL, exchanges);
	for (int i = 0; i < FENCES; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		prctl(PR_SET_NAME, name);
		exchanges[i].timeline = FD(timeline_open());
		exchanges[i].fence = FD(timeline_fence(exchanges[i].timeline,
						       1));
	}
	OK(pthread_barrier_init(&barrier, NULL, TASKS));
	for (int i = 0; i < TASKS; i++) {
		tasks[i].exchanges = exchanges + i * ROUNDS;
		tasks[i].barrier = &barrier;
		for (int j = 0; j < BUFFERS; j++)
			tasks[i].entries[i ? BUFFERS - 1 - j : j] =
				(entry_t){ self->buffer[j], RW };
		OK(pthread_create(&tasks[i].thread, NULL, run_exchanges,
				  &tasks[i]));
	}
	for (int i = 0; i < TASKS; i++)
		OK(pthread_join(tasks[i].thread, NULL));

	for (int i = 0; i < FENCES; i++) {
		ASSERT_GE(exchanges[i].file, 0);
		OK(look_into(&exchanges[i]));
		EXPECT_FALSE(exchanges[i].saw[i]);
	}
	for (int i = 0; i < ROUNDS; i++) {
		for (int j = ROUNDS; j < FENCES; j++) {
			missed += !exchanges[i].saw[j] && !exchanges[j].saw[i];
			crossed += exchanges[i].saw[j] && exchanges[j].saw[i];
		}
		turns += exchanges[i].saw[ROUNDS + i];
	}
	EXPECT_EQ(0, missed);
	EXPECT_EQ(0, crossed);
	/* All that was there before, its own too: nothing was taken away. */
	for (int i = 1; i < FENCES; i++)
		missed += i % ROUNDS && !exchanges[i].saw[i - 1];
	EXPECT_EQ(0, missed);
	TH_LOG("of %d races one task won %d", ROUNDS, turns);
	EXPECT_EQ(FENCES, resv_list(self->test, self->buffer[0], NULL, 0));
}

/* Overlapping sets in random order; twice the same buffer now and then. */
static int play(int *b, int timeline, unsigned int seed, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		int fence = timeline_fence(timeline, (__u32)i + 1), ret;
		entry_t entries[BUFFERS];

		for (int j = 0; j < BUFFERS; j++)
			entries[j] = (entry_t){
				b[rand_r(&seed) % BUFFERS],
				1 + (__u32)rand_r(&seed) % 3,
			};
		if (i % 2)
			ret = import_many(b[0], entries, BUFFERS, fence);
		else
			ret = exchange_many(b[0], entries, BUFFERS, fence, 0);
		if (ret < 0)
			return 1;
		if (!(i % 2))
			close(ret);
		close(fence);
	}
	return 0;
}

#define PLAYERS		6
#define GAMES		300

TEST_F_TIMEOUT(many, i3_opposite_orders_always_finish, 200)
{
	int *b = self->buffer, status, left;
	pid_t pids[PLAYERS];

	for (unsigned int i = 0; i < PLAYERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			/* A timeline of its own outlives none of the others. */
			alarm(150);
			_exit(play(b, timeline_open(), i + 1, GAMES));
		}
	}
	for (int i = 0; i < PLAYERS; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], &status, 0));
		EXPECT_TRUE(WIFEXITED(status));
		EXPECT_EQ(0, WEXITSTATUS(status));
	}
	/* All timelines are gone, and with them what was waited for. */
	for (int i = 0; i < BUFFERS; i++) {
		EXPECT_EQ(1, wait_for(b[i], POLLOUT, 5000));
		left = resv_list(self->test, b[i], NULL, 0);
		/* No more than each player's, once for each usage. */
		EXPECT_LE(left, 2 * PLAYERS);
	}
}

/* Players who are killed at any point leave no lock behind and nothing half. */
TEST_F_TIMEOUT(many, i3_killed_callers_leave_all_in_order, 120)
{
	int *b = self->buffer, status;
	entry_t all[BUFFERS];
	pid_t pid;

	for (unsigned int i = 0; i < 40; i++) {
		pid = fork();
		if (!pid)
			_exit(play(b, timeline_open(), i, 1 << 30));
		sleep_ms(5 + i % 7 * 3);
		OK(kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	for (int i = 0; i < BUFFERS; i++)
		all[i] = (entry_t){ b[i], RW };
	OK(import_many(b[0], all, BUFFERS, FD(timeline_fence(self->one, 1))));
	for (int i = 0; i < BUFFERS; i++)
		EXPECT_FALSE(is_ready(b[i], POLLIN));
	OK(timeline_inc(self->one, 1));
	for (int i = 0; i < BUFFERS; i++)
		EXPECT_EQ(1, wait_for(b[i], POLLOUT, 5000));
}

struct closer {
	pthread_t thread;
	int buffer;
	int number;
	int stop;
};

/* The last entry's descriptor comes and goes, and with it, at times, its buffer. */
static void *open_and_close(void *data)
{
	struct closer *closer = data;

	while (!__atomic_load_n(&closer->stop, __ATOMIC_RELAXED)) {
		int fd = udmabuf_create(4096);

		dup2(fd, closer->number);
		close(fd);
		dup2(closer->buffer, closer->number);
		close(closer->number);
	}
	return NULL;
}

/* One of the calls with an entry that may be gone: 0, or the error. */
static int call_anyhow(int *b, int number, int fence, int which, __u32 *failed)
{
	static const unsigned long calls[] = {
		DMA_BUF_IOCTL_EXPORT_MANY, DMA_BUF_IOCTL_IMPORT_MANY,
		DMA_BUF_IOCTL_EXCHANGE,
	};
	entry_t entries[] = { { b[0], RW }, { b[1], RW }, { number, RW } };
	struct dma_buf_sync_many arg = many_arg(entries, 3);
	int ret;

	arg.import_fd = which ? fence : 0;
	ret = xioctl(b[0], calls[which], &arg);
	if (!ret && which != 1)
		close(arg.export_fd);
	*failed = arg.failed;
	return ret;
}

TEST_F_TIMEOUT(many, i3_descriptors_that_are_closed_meanwhile, 120)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1));
	struct closer closer = { .buffer = b[3], .number = 500 };
	int good[3] = { 0 }, bad[3] = { 0 }, enough = 0, ret;
	__u32 failed;

	OK(pthread_create(&closer.thread, NULL, open_and_close, &closer));
	for (int i = 0; i < 300000 && (i < 3000 || enough < 6); i++) {
		ret = call_anyhow(b, closer.number, fence, i % 3, &failed);
		enough += !(ret ? bad : good)[i % 3]++;
		if (!ret)
			continue;
		ASSERT_EQ(-EBADF, ret);
		ASSERT_EQ(2, failed);
	}
	__atomic_store_n(&closer.stop, 1, __ATOMIC_RELAXED);
	OK(pthread_join(closer.thread, NULL));
	/* Each of the calls has met it open, and closed. */
	EXPECT_EQ(6, enough);
	ret = resv_list(self->test, b[3], NULL, 0);
	EXPECT_LE(ret, 1);
	EXPECT_LENGTHS(1, 1, 0, ret);
}

/* The child's descriptors are its own; the buffers and the fences are not. */
TEST_F(many, i1_a_child_shares_the_buffers)
{
	int *b = self->buffer, fence = FD(timeline_fence(self->one, 1)), status;
	pid_t pid = fork();

	if (!pid)
		_exit(import_many(b[0], ENTRIES({ b[0], RW }, { b[1], READ }),
				  fence) ? 1 : 0);
	close(fence);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(1, sync_count(FD(export_many(b[2], ENTRIES({ b[0], RW },
							     { b[1], RW }),
					       0))));
	EXPECT_LENGTHS(1, 1, 0, 0);
}

TEST_HARNESS_MAIN

// SPDX-License-Identifier: MIT

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

#include "dmabuf_sync_file_common.h"

IGT_TEST_DESCRIPTION("Imports and exports of one buffer by several threads and "
		     "processes at a time, while fences signal and files are "
		     "closed");

/**
 * TEST: dmabuf_sync_file_race
 * Category: Core
 * Mega feature: General Core features
 * Sub-category: dmabuf
 * Functionality: dmabuf test
 * Description: Imports and exports of one buffer by many at a time
 *
 * SUBTEST: import-against-signal
 * Description: No fence is lost while those of another timeline signal.
 *
 * SUBTEST: import-against-import
 * Description: No import is lost to that of another thread.
 *
 * SUBTEST: signal-wakes-waiter
 * Description: A waiter sleeps until the imported fence signals.
 *
 * SUBTEST: timeline-closed
 * Description: A timeline that is closed makes nobody wait forever.
 *
 * SUBTEST: import-in-child
 * Description: What a child has imported holds its parent back.
 *
 * SUBTEST: import-by-many-children
 * Description: The imports of several processes all hold the buffer back.
 *
 * SUBTEST: child-killed
 * Description: A process that is killed leaves a working buffer behind.
 */

#define ROUNDS		10000
#define THREADS		4

struct worker {
	pthread_t thread;
	int dmabuf;
	uint32_t flags;
	atomic_bool *stop;
	atomic_int rounds;
	int lost;
};

/* Import a fence, see that it holds the buffer back, signal it. */
static bool round_trip(int dmabuf, int timeline, uint32_t flags, uint32_t seqno)
{
	bool held;
	int file;

	dmabuf_import_timeline_fence(dmabuf, flags, timeline, seqno);
	file = dmabuf_export_sync_file(dmabuf, WRITE);
	held = sync_file_busy(file) && dmabuf_busy(dmabuf, WRITE);
	sw_sync_timeline_inc(timeline, 1);
	close(file);
	return held;
}

static void *work(void *data)
{
	struct worker *worker = data;
	int timeline = sw_sync_timeline_create();

	for (uint32_t seqno = 1; !*worker->stop; seqno++) {
		worker->lost += !round_trip(worker->dmabuf, timeline,
					    worker->flags, seqno);
		worker->rounds++;
	}
	close(timeline);
	return NULL;
}

static void start(struct worker *worker, int dmabuf, uint32_t flags,
		  atomic_bool *stop)
{
	worker->dmabuf = dmabuf;
	worker->flags = flags;
	worker->stop = stop;
	igt_assert_eq(pthread_create(&worker->thread, NULL, work, worker), 0);
}

static void finish(struct worker *worker)
{
	*worker->stop = true;
	pthread_join(worker->thread, NULL);
	igt_assert_eq(worker->lost, 0);
}

/* The worker signals its own fences; one of ours has to outlast them all. */
static void test_import_against_signal(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timeline = sw_sync_timeline_create();
	int missed = 0, late = 0, file;
	atomic_bool stop = false;
	struct worker worker = { 0 };

	start(&worker, dmabuf, READ, &stop);
	for (uint32_t seqno = 1; seqno <= ROUNDS || worker.rounds < ROUNDS;
	     seqno++) {
		dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, seqno);
		file = dmabuf_export_sync_file(dmabuf, READ);
		missed += !sync_file_busy(file);
		sw_sync_timeline_inc(timeline, 1);
		/* Readers wait for this timeline alone. */
		late += sync_file_busy(file);
		close(file);
	}
	finish(&worker);
	igt_assert_eq(missed, 0);
	igt_assert_eq(late, 0);
	assert_waits(dmabuf, false, false);
	close(timeline);
	close(dmabuf);
}

static void test_import_against_import(int vgem)
{
	struct worker workers[THREADS] = { 0 };
	int dmabuf = create_dmabuf(vgem);
	atomic_bool stop = false;

	for (int i = 0; i < THREADS; i++)
		start(&workers[i], dmabuf, i % 2 ? READ : WRITE, &stop);
	for (int i = 0; i < THREADS; i++)
		while (workers[i].rounds < ROUNDS / THREADS)
			usleep(1000);
	for (int i = 0; i < THREADS; i++)
		finish(&workers[i]);
	assert_waits(dmabuf, false, false);
	close(dmabuf);
}

static void *signal_later(void *data)
{
	usleep(100 * 1000);
	sw_sync_timeline_inc(*(int *)data, 1);
	return NULL;
}

/* How long does poll() wait for the next fence of @timeline to signal? */
static int wait_ms(int fd, int timeline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec from, to;
	pthread_t thread;
	int ready;

	igt_assert_eq(pthread_create(&thread, NULL, signal_later, &timeline),
		      0);
	clock_gettime(CLOCK_MONOTONIC, &from);
	ready = poll(&pfd, 1, 10 * 1000);
	clock_gettime(CLOCK_MONOTONIC, &to);
	pthread_join(thread, NULL);
	igt_assert_eq(ready, 1);
	return (int)((to.tv_sec - from.tv_sec) * 1000 +
		     (to.tv_nsec - from.tv_nsec) / 1000000);
}

static void test_signal_wakes_waiter(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timeline = sw_sync_timeline_create();
	int file;

	/* By poll() of the buffer, then by a wait for what it exports. */
	dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
	igt_assert_lte(50, wait_ms(dmabuf, timeline));

	dmabuf_import_timeline_fence(dmabuf, READ, timeline, 2);
	file = dmabuf_export_sync_file(dmabuf, WRITE);
	igt_assert_lte(50, wait_ms(file, timeline));
	close(file);
	close(timeline);
	close(dmabuf);
}

static void test_timeline_closed(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timelines[THREADS], file;

	for (int i = 0; i < THREADS; i++) {
		timelines[i] = sw_sync_timeline_create();
		dmabuf_import_timeline_fence(dmabuf, WRITE, timelines[i], 1);
	}
	file = dmabuf_export_sync_file(dmabuf, READ);
	for (int i = 0; i < THREADS; i++) {
		igt_assert(sync_file_busy(file));
		assert_waits(dmabuf, true, true);
		close(timelines[i]);
	}
	igt_assert(!sync_file_busy(file));
	assert_waits(dmabuf, false, false);
	close(file);
	close(dmabuf);
}

static void test_import_in_child(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timeline = sw_sync_timeline_create();

	igt_fork(child, 1) {
		dmabuf_import_timeline_fence(dmabuf, WRITE, timeline, 1);
		close(timeline);
		close(dmabuf);
	}
	igt_waitchildren();
	assert_waits(dmabuf, true, true);
	sw_sync_timeline_inc(timeline, 1);
	assert_waits(dmabuf, false, false);
	close(timeline);
	close(dmabuf);
}

static void test_import_by_children(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timelines[THREADS];

	for (int i = 0; i < THREADS; i++)
		timelines[i] = sw_sync_timeline_create();
	igt_fork(child, THREADS)
		for (uint32_t seqno = 1; seqno <= 100; seqno++)
			dmabuf_import_timeline_fence(dmabuf, READ,
						     timelines[child], seqno);
	igt_waitchildren();
	igt_assert_eq(writer_count(dmabuf), THREADS);
	for (int i = 0; i < THREADS; i++) {
		sw_sync_timeline_inc(timelines[i], 99);
		assert_waits(dmabuf, false, true);
		sw_sync_timeline_inc(timelines[i], 1);
		close(timelines[i]);
	}
	assert_waits(dmabuf, false, false);
	close(dmabuf);
}

static void churn(int dmabuf)
{
	int timeline = sw_sync_timeline_create();

	for (uint32_t seqno = 1; ; seqno++)
		round_trip(dmabuf, timeline, WRITE, seqno);
}

static void test_child_killed(int vgem)
{
	int dmabuf = create_dmabuf(vgem), timeline = sw_sync_timeline_create();

	for (int i = 0; i < 20; i++) {
		pid_t child = fork();
		int status;

		igt_assert(child >= 0);
		if (!child)
			churn(dmabuf);
		usleep(20 * 1000 + i * 1000);
		kill(child, SIGKILL);
		igt_assert_eq(waitpid(child, &status, 0), child);
		igt_assert(WIFSIGNALED(status));

		/* Its timeline died with it, so no fence of it is left. */
		assert_waits(dmabuf, false, false);
		igt_assert(round_trip(dmabuf, timeline, WRITE,
				      (uint32_t)i + 1));
		assert_waits(dmabuf, false, false);
	}
	close(timeline);
	close(dmabuf);
}

int igt_main()
{
	static int vgem;

	igt_fixture()
		vgem = open_vgem();

	igt_describe("No fence is lost while those of another timeline signal "
		     "and are replaced.");
	igt_subtest("import-against-signal")
		test_import_against_signal(vgem);

	igt_describe("No import is lost to that of another thread.");
	igt_subtest("import-against-import")
		test_import_against_import(vgem);

	igt_describe("A waiter sleeps until the imported fence signals, and "
		     "no longer.");
	igt_subtest("signal-wakes-waiter")
		test_signal_wakes_waiter(vgem);

	igt_describe("A timeline that is closed makes nobody wait forever.");
	igt_subtest("timeline-closed")
		test_timeline_closed(vgem);

	igt_describe("What a child has imported holds its parent back when "
		     "the child is gone.");
	igt_subtest("import-in-child")
		test_import_in_child(vgem);

	igt_describe("The imports of several processes all hold the buffer "
		     "back.");
	igt_subtest("import-by-many-children")
		test_import_by_children(vgem);

	igt_describe("A process that is killed in the middle of its calls "
		     "leaves a working buffer behind.");
	igt_subtest("child-killed")
		test_child_killed(vgem);

	igt_fixture()
		drm_close_driver(vgem);
}

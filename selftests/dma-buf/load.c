// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load: N processes export and import until SIGINT, on buffers that they
 * share, and check that no answer is wrong. Says how many calls there were.
 *
 * Each process has timelines of its own: what it imported must hold back what
 * it exports until it signals, whoever else uses the buffer and whichever code
 * serves the calls.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "buffers.h"

enum { BUFFERS = 3, PROCESSES_MAX = 64 };

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int fail(const char *what, long value)
{
	printf("%s: %ld\n", what, value);
	fflush(stdout);
	return 1;
}

/* One import and the exports that must and must not wait for it. */
static int round_trip(int dmabuf, int timeline, __u32 seqno)
{
	int fence = timeline_fence(timeline, seqno), ret, before, after;

	if (fence < 0)
		return fail("no fence", fence);
	ret = dmabuf_import(dmabuf, fence, seqno % 2 ? DMA_BUF_SYNC_WRITE
						     : DMA_BUF_SYNC_READ);
	if (ret)
		return fail("import failed", ret);
	before = dmabuf_export(dmabuf, DMA_BUF_SYNC_RW);
	if (before < 0)
		return fail("export failed", before);
	if (is_ready(before, POLLIN))
		return fail("lost fence", seqno);
	ret = timeline_inc(timeline, 1);
	after = dmabuf_export(dmabuf, DMA_BUF_SYNC_READ);
	if (ret || after < 0)
		return fail("export after signal failed", after);
	close(after);
	close(before);
	close(fence);
	return 0;
}

static int work(const int *dmabufs, unsigned long *calls)
{
	int timeline = timeline_open();
	__u32 i;

	if (timeline < 0)
		return fail("no timeline", timeline);
	for (i = 1; !stop; i++) {
		if (round_trip(dmabufs[i % BUFFERS], timeline, i))
			return 1;
		*calls += 3;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int processes = argc > 1 ? atoi(argv[1]) : 4, status, failed = 0, i;
	struct sigaction action = { .sa_handler = on_signal };
	pid_t pids[PROCESSES_MAX];
	unsigned long *calls, sum = 0;
	int dmabufs[BUFFERS];

	if (processes < 1 || processes > PROCESSES_MAX)
		return 2;
	calls = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < BUFFERS; i++)
		dmabufs[i] = udmabuf_create(4096);
	sigaction(SIGINT, &action, NULL);

	for (i = 0; i < processes; i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(work(dmabufs, &calls[i]));
	}
	while (!stop)
		sleep_ms(100);
	for (i = 0; i < processes; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGINT);
	while (wait(&status) > 0)
		failed += !WIFEXITED(status) || WEXITSTATUS(status);
	for (i = 0; i < processes; i++)
		sum += calls[i];
	printf("%d processes, %lu calls, %d failed\n", processes, sum, failed);
	return failed || !sum;
}

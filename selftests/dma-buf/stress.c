// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stress: threads of several processes do all that can be done to a few buffers,
 * at once, while processes are killed and the module is switched off and on.
 *
 * No wait may end before its fence, every wait has to end, no call may fail, and
 * nothing may be left. stress-log.h tells how it is known what a wait is for,
 * stress-timelines.h where the fences come from, stress-ops.h what is done.
 */

#include <dirent.h>
#include <getopt.h>

#include "stress-ops.h"

enum { PROCESSES_MAX = 8, WORKERS = 3, SLEEPERS = 6 };

#define ENABLED		"/sys/module/dma_resv_export/parameters/enabled"

/* Of a process. */
static atomic_int workers_over;

static void *work(void *seed)
{
	random_state = (uintptr_t)seed;
	while (!stopped())
		one_op();
	return NULL;
}

/* They do nothing else: what they look at changes while they sleep. */
static void *keep_sleeping(void *seed)
{
	random_state = (uintptr_t)seed;
	while (!stopped())
		do_sync();
	return NULL;
}

/* Advance timelines, sometimes far, sometimes not at all. */
static void *keep_signaling(void *seed)
{
	random_state = (uintptr_t)seed;
	while (!atomic_load(&workers_over)) {
		unsigned int dice = rnd(60);

		usleep(rnd(1000));
		if (dice < 20)
			advance(rnd(16) ? fast_timeline() : &timelines[SLOW],
				dice < 3 ? ~0U : 1 + rnd(8));
	}
	return NULL;
}

static int open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count;
}

static int process(uint64_t seed)
{
	pthread_t threads[WORKERS + SLEEPERS], signaler;
	int before = open_descriptors(), i;

	pthread_create(&signaler, NULL, keep_signaling, (void *)(seed * 31 + 7));
	for (i = 0; i < WORKERS + SLEEPERS; i++)
		pthread_create(&threads[i], NULL,
			       i < WORKERS ? work : keep_sleeping,
			       (void *)(seed * 31 + (uint64_t)i));
	for (i = 0; i < WORKERS + SLEEPERS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&workers_over, 1);
	pthread_join(signaler, NULL);
	for (i = 0; i < TIMELINES; i++)
		advance(&timelines[i], ~0U);

	close(RACING_FD);
	i = open_descriptors();
	if (i != before)
		violation("%d descriptors left", i - before);
	return 0;
}

struct child {
	pid_t pid;
	struct timeline timelines[TIMELINES];
};

static void start(struct child *child, unsigned int number, uint64_t seed)
{
	unsigned int i;

	timelines = child->timelines;
	for (i = 0; i < TIMELINES; i++)
		timeline_begin(&timelines[i], number * TIMELINES + i);
	child->pid = fork();
	if (!child->pid)
		_exit(process(seed));
	good(child->pid, "fork");
}

static void end(struct child *child)
{
	int i;

	for (i = 0; i < TIMELINES; i++)
		timeline_end(&child->timelines[i]);
}

/* Whatever it is doing, it does not end that. */
static void kill_process(struct child *child)
{
	int status;

	/* From here on, its fences have signaled when they are made. */
	end(child);
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, &status, 0);
	}
}

static void toggle(void)
{
	static bool on = true;
	int fd = open(ENABLED, O_WRONLY | O_CLOEXEC);

	on = !on;
	if (fd < 0 || write(fd, on ? "1" : "0", 1) != 1)
		violation("the module cannot be switched");
	if (fd >= 0)
		close(fd);
	did(OP_TOGGLE);
}

/* There has to be something that serves instead: with an exclusive fence, nothing. */
static bool can_switch(void)
{
	int fd;

	if (access(ENABLED, W_OK))
		return false;
	toggle();
	fd = dmabuf_export(dmabufs[0], READ);
	toggle();
	if (fd >= 0)
		close(fd);
	return fd != -ENOTTY || !has_exclusive(test);
}

/* One process that has ended, 0 if none has; -1: there is no process. */
static pid_t reap(void)
{
	int status;
	pid_t pid = waitpid(-1, &status, WNOHANG);

	if (pid > 0 && (!WIFEXITED(status) || WEXITSTATUS(status)) &&
	    !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
		violation("a process died: status %#x", (unsigned int)status);
	return pid;
}

/* A list comes back to where an older one was, while somebody may still look there. */
static void *keep_freeing(void *unused)
{
	while (!stopped())
		free_lists();
	return unused;
}

/* Once in a while, until the time is over. */
static void disturb(struct child *children, unsigned int processes, int seconds)
{
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000, said = now_ns();
	pthread_t freer;

	pthread_create(&freer, NULL, keep_freeing, NULL);
	while (now_ns() < end && !stopped()) {
		unsigned int victim = rnd(processes);

		sleep_ms(50 + rnd(300));
		if (toggles)
			toggle();
		if (!rnd(3)) {
			kill_process(&children[victim]);
			start(&children[victim], victim, rnd(1U << 30));
			did(OP_RESTART);
		}
		/* Children of those that were killed. */
		while (reap() > 0)
			;
		if (now_ns() - said > 10000000000ULL) {
			said = now_ns();
			printf("# %d s left, %lu fences checked\n",
			       (int)((int64_t)(end - said) / 1000000000),
			       atomic_load(&stress->count[OP_CHECKED]));
			fflush(stdout);
		}
	}
	atomic_store(&stress->stop, 1);
	pthread_join(freer, NULL);
}

/* All have to end, which also means that each of their waits does. */
static void join(void)
{
	uint64_t end = now_ns() + 2 * WAIT_MS * 1000000ULL;
	pid_t pid;

	while ((pid = reap()) >= 0) {
		if (pid)
			continue;
		if (now_ns() > end) {
			violation("a process does not end");
			return;
		}
		sleep_ms(10);
	}
}

/* Timelines of ours that live: their fences do. */
static int timelines_left(void)
{
	FILE *info = fopen("/sys/kernel/debug/sync/info", "re");
	char line[256];
	int count = 0;

	while (info && fgets(line, sizeof(line), info) &&
	       strncmp(line, "fences:", 7))
		count += line[0] == 's' && line[1] == 't' && line[2] >= '0' &&
			 line[2] <= '9';
	if (info)
		fclose(info);
	return info ? count : -1;
}

static void nothing_left(void)
{
	uint64_t end = now_ns() + 10000000000ULL;
	struct letter letter;
	int i, fd;

	while (transfer(post[1], &letter, &fd, false) > 0)
		close(fd);
	for (i = 0; i < BUFFERS; i++) {
		fd = dmabuf_export(dmabufs[i], RW);
		if (good(fd, "the last export") && !is_ready(fd, POLLIN))
			violation("a fence has not signaled though its timeline is closed");
		close(fd);
		close(dmabufs[i]);
	}
	while (timelines_left() && now_ns() < end)
		sleep_ms(50);
	if (timelines_left())
		violation("%d timelines have a fence that nobody uses",
			  timelines_left());
}

static int report(unsigned int seed)
{
	int op;

	for (op = 0; op < OPS; op++)
		printf("# %-16s %lu\n", op_names[op],
		       atomic_load(&stress->count[op]));
	if (atomic_load(&stress->violated))
		printf("not ok 1 seed %u: %s\n1..1\n", seed, stress->why);
	else
		printf("ok 1 no wait ended early, all ended, nothing is left\n1..1\n");
	return atomic_load(&stress->violated);
}

static int usage(int code)
{
	printf("Usage: stress [--seconds N] [--seed N] [--processes N]\n\n"
	       "Answers in TAP. With a seed, each thread makes the same choices again;\n"
	       "how they meet is another matter.\n");
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "processes", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ },
	};
	unsigned int seed = (unsigned int)now_ns(), processes = 3, i;
	static struct child children[PROCESSES_MAX];
	struct dma_buf_sync_query query = { 0 };
	int seconds = 10, option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option == 's')
			seconds = atoi(optarg);
		else if (option == 'r')
			seed = (unsigned int)strtoul(optarg, NULL, 0);
		else if (option == 'p')
			processes = (unsigned int)atoi(optarg);
		else
			return usage(option == 'h' ? 0 : 2);
	}
	if (seconds < 1 || processes < 1 || processes > PROCESSES_MAX ||
	    optind < argc)
		return usage(2);

	stress = mmap(NULL, sizeof(*stress), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	test = xopen("/dev/dma_resv_test");
	for (i = 0; i < BUFFERS; i++)
		dmabufs[i] = udmabuf_create(4096);
	if (stress == MAP_FAILED || test < 0 || dmabufs[BUFFERS - 1] < 0 ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, post)) {
		printf("Bail out! no buffers, or no /dev/dma_resv_test\n");
		return 1;
	}
	exclusive = has_exclusive(test);
	many = !xioctl(dmabufs[0], DMA_BUF_IOCTL_SYNC_QUERY, &query);
	toggles = can_switch();
	random_state = seed;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	printf("TAP version 13\n# %d s, seed %u, %u processes%s%s\n", seconds,
	       seed, processes, many ? ", many buffers at once" : "",
	       toggles ? ", the module switched" : "");
	fflush(stdout);

	for (i = 0; i < processes; i++)
		start(&children[i], i, rnd(1U << 30));
	disturb(children, processes, seconds);
	join();
	for (i = 0; i < processes; i++)
		end(&children[i]);
	if (toggles && !module_param("enabled"))
		toggle();
	nothing_left();
	return report(seed);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stress: threads of several processes do all that can be done to a few buffers,
 * at once, while processes are killed and the module is switched off and on.
 *
 * No wait may end before its fence, every wait has to end, no call may fail, and
 * nothing may be left. stress-log.h tells how it is known what a wait is for.
 */

#include <dirent.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "stress-log.h"

enum { PROCESSES_MAX = 8, THREADS = 3, TIMELINES = 4, RACING_FD = 900 };
enum { KEEP = 64 };

#define ENABLED		"/sys/module/dma_resv_export/parameters/enabled"

/*
 * One for the threads of a process. sw_sync cannot bear it if a fence that has
 * not signaled is freed while its timeline advances or is closed: it counts up a
 * reference from 0, or takes a lock twice. So each fence is kept until it has
 * signaled, and who is killed has none that has not.
 */
struct timeline {
	pthread_mutex_t lock;
	int fd;
	unsigned int slot;
	unsigned int generation;
	unsigned int next;
	unsigned int value;
	int kept[KEEP];
};

static int dmabufs[BUFFERS], test, post[2];
static bool many, toggles;

/* Of a process. */
static struct timeline *timelines;
static atomic_int workers_over;

/* Of a thread. */
static __thread uint64_t random_state;
static __thread struct snapshot seen;

static unsigned int rnd(unsigned int below)
{
	random_state = random_state * 6364136223846793005ULL +
		       1442695040888963407ULL;
	return (unsigned int)(random_state >> 33) % below;
}

static __u32 rnd_flags(void)
{
	return 1 + rnd(3);
}

static bool stopped(void)
{
	return atomic_load_explicit(&stress->stop, memory_order_relaxed);
}

/* Whether a call did what it should; @what is told if not. */
static bool good(int ret, const char *what)
{
	if (ret < 0)
		violation("%s failed: %s", what, strerror(-ret));
	return ret >= 0;
}

/* Where the module is switched off at times, a call for many may be unknown. */
static bool many_good(int ret, const char *what)
{
	if (ret == -ENOTTY && toggles)
		return false;
	return good(ret, what);
}

/* A wait for what @seen holds. */
static void wait_checked(int fd, short events, const char *what)
{
	int ret = wait_for(fd, events, WAIT_MS);

	if (!ret)
		violation("%s did not end in %d s", what, WAIT_MS / 1000);
	else if (good(ret, what))
		snapshot_over(&seen, what);
}

static void timeline_begin(struct timeline *timeline, unsigned int slot)
{
	uint64_t start = POS(timeline->generation, 0);
	char name[16];

	timeline->slot = slot;
	pthread_mutex_init(&timeline->lock, NULL);
	atomic_store(&stress->done[slot], start);
	timeline->next = 1;
	timeline->value = 0;
	/* The timeline takes its name from us. */
	timeline_name(name, sizeof(name), ITEM(slot, start));
	prctl(PR_SET_NAME, name);
	timeline->fd = timeline_open();
	good(timeline->fd, "a new timeline");
}

/* Signal all fences that there may be. */
static void timeline_end(struct timeline *timeline)
{
	timeline->generation++;
	atomic_store(&stress->done[timeline->slot],
		     POS(timeline->generation, 0));
	good(timeline_inc(timeline->fd, INT32_MAX), "the last signal");
	close(timeline->fd);
}

/* Signal @count fences, or as many as there are; with the lock. */
static void advance_locked(struct timeline *timeline, unsigned int count)
{
	if (count > timeline->next - 1 - timeline->value)
		count = timeline->next - 1 - timeline->value;
	if (!count)
		return;
	atomic_fetch_add(&stress->done[timeline->slot], count);
	good(timeline_inc(timeline->fd, count), "signal");
	while (count--)
		close(timeline->kept[++timeline->value % KEEP]);
}

static void advance(struct timeline *timeline, unsigned int count)
{
	pthread_mutex_lock(&timeline->lock);
	advance_locked(timeline, count);
	pthread_mutex_unlock(&timeline->lock);
	did(OP_SIGNAL);
}

/* A new fence: its sync_file, which is @item to the log. */
static int new_fence(item_t *item)
{
	struct timeline *timeline = &timelines[rnd(TIMELINES)];
	int fd;

	pthread_mutex_lock(&timeline->lock);
	if (timeline->next - 1 - timeline->value == KEEP)
		advance_locked(timeline, KEEP / 2);
	*item = ITEM(timeline->slot, POS(timeline->generation, timeline->next));
	fd = timeline_fence(timeline->fd, timeline->next);
	timeline->kept[timeline->next++ % KEEP] = dup(fd);
	pthread_mutex_unlock(&timeline->lock);
	good(fd, "a new fence");
	return fd;
}

static int kind_of(__u32 flags)
{
	return flags & WRITE ? FOR_ALL : FOR_WRITERS;
}

static void import_item(int dmabuf, int buffer, int fd, item_t item)
{
	__u32 flags = rnd_flags();

	if (good(dmabuf_import(dmabuf, fd, flags), "import"))
		log_import(buffer, kind_of(flags), item);
}

static void do_import(void)
{
	int buffer = (int)rnd(BUFFERS);
	item_t item;
	int fd = new_fence(&item);

	import_item(dmabufs[buffer], buffer, fd, item);
	close(fd);
	did(OP_IMPORT);
}

/* @dmabuf is that buffer. */
static void export_from(int dmabuf, int buffer)
{
	__u32 flags = rnd_flags();
	int fd;

	seen.count = 0;
	snapshot_add(&seen, buffer, flags);
	fd = dmabuf_export(dmabuf, flags);
	if (!good(fd, "export"))
		return;
	snapshot_inside(&seen, fd, "export");
	if (!rnd(4))
		wait_checked(fd, POLLIN, "the wait for an export");
	close(fd);
}

static void do_export(void)
{
	int buffer = (int)rnd(BUFFERS);

	export_from(dmabufs[buffer], buffer);
	did(OP_EXPORT);
}

static void do_poll(void)
{
	int buffer = (int)rnd(BUFFERS);
	__u32 flags = rnd(2) ? READ : WRITE;

	seen.count = 0;
	snapshot_add(&seen, buffer, flags);
	wait_checked(dmabufs[buffer], flags == READ ? POLLIN : POLLOUT,
		     "poll of a buffer");
	did(OP_POLL);
}

/* Two exports become one sync_file, which goes into a third buffer. */
static void do_merge(void)
{
	int a = (int)rnd(BUFFERS), b = (int)rnd(BUFFERS), to = (int)rnd(BUFFERS);
	unsigned int i;
	int one, two, both;

	seen.count = 0;
	snapshot_add(&seen, a, RW);
	snapshot_add(&seen, b, RW);
	one = dmabuf_export(dmabufs[a], RW);
	two = dmabuf_export(dmabufs[b], RW);
	both = one < 0 || two < 0 ? -EBADF : sync_merge(one, two);
	if (good(both, "merge")) {
		snapshot_inside(&seen, both, "merge");
		if (good(dmabuf_import(dmabufs[to], both, WRITE),
			 "import of a merge"))
			for (i = 0; i < seen.count && i < LOG / 8; i++)
				log_import(to, FOR_ALL, seen.items[i]);
	}
	close(both);
	close(two);
	close(one);
	did(OP_MERGE);
}

static void do_add(void)
{
	int buffer = (int)rnd(BUFFERS);
	__u32 usage = rnd(DMA_RESV_TEST_BOOKKEEP + 1);
	item_t item;
	int fd = new_fence(&item);

	if (good(resv_add(test, dmabufs[buffer], fd, usage), "driver add") &&
	    usage != DMA_RESV_TEST_BOOKKEEP)
		log_import(buffer, usage == DMA_RESV_TEST_READ ? FOR_WRITERS
							       : FOR_ALL, item);
	close(fd);
	did(OP_ADD);
}

static void do_signal(void)
{
	advance(&timelines[rnd(TIMELINES)], 1 + rnd(4));
}

static void do_churn(void)
{
	good(resv_churn(test, dmabufs[rnd(BUFFERS)], 1), "copy of a list");
	did(OP_CHURN);
}

static void do_hold(void)
{
	good(resv_hold(test, dmabufs[rnd(BUFFERS)], 1), "hold");
	did(OP_HOLD);
}

/* A descriptor that others replace and close while it is used. */
static void do_dup_close(void)
{
	item_t item;
	int fd, ret;

	dup2(dmabufs[rnd(BUFFERS)], RACING_FD);
	fd = new_fence(&item);
	ret = dmabuf_import(RACING_FD, fd, rnd_flags());
	if (ret != -EBADF)
		good(ret, "import");
	close(fd);
	fd = dmabuf_export(RACING_FD, rnd_flags());
	if (fd >= 0)
		close(fd);
	else if (fd != -EBADF)
		good(fd, "export");
	if (rnd(2))
		close(RACING_FD);
	did(OP_DUP_CLOSE);
}

static void do_fork(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		do_export();
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	did(OP_FORK);
}

/* Kill a child in the middle of its imports and exports. */
static void do_kill(void)
{
	item_t item;
	int fd = new_fence(&item), status;
	pid_t pid = fork();

	if (!pid) {
		/* If we are killed first, nobody kills the child. */
		while (!stopped()) {
			dmabuf_import(dmabufs[rnd(BUFFERS)], fd, rnd_flags());
			close(dmabuf_export(dmabufs[rnd(BUFFERS)], rnd_flags()));
		}
		_exit(0);
	}
	if (pid > 0) {
		usleep(rnd(3000));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	close(fd);
	did(OP_KILL);
}

/* What goes with a descriptor: a fence, or a buffer if there is none. */
struct letter {
	item_t item;
	int buffer;
};

static ssize_t transfer(int sock, struct letter *letter, int *fd, bool out)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { letter, sizeof(*letter) };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	ssize_t ret;

	if (out) {
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), fd, sizeof(int));
		return sendmsg(sock, &msg, MSG_DONTWAIT);
	}
	ret = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (ret > 0 && cmsg)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(int));
	return cmsg ? ret : -1;
}

static void do_send(void)
{
	struct letter letter = { .buffer = (int)rnd(BUFFERS) };
	int fd = rnd(2) ? new_fence(&letter.item) : dup(dmabufs[letter.buffer]);

	transfer(post[0], &letter, &fd, true);
	close(fd);
	did(OP_SEND);
}

static void do_receive(void)
{
	struct letter letter;
	int fd;

	if (transfer(post[1], &letter, &fd, false) < 0)
		return;
	if (letter.item)
		import_item(dmabufs[letter.buffer], letter.buffer, fd, letter.item);
	else
		export_from(fd, letter.buffer);
	close(fd);
	did(OP_RECEIVE);
}

/* EXPORT_MANY, IMPORT_MANY or EXCHANGE of buffers, some of them twice. */
static void do_many(unsigned long cmd)
{
	struct dma_buf_sync_entry entries[2 * BUFFERS];
	int buffers[2 * BUFFERS], ret;
	struct dma_buf_sync_many arg = {
		.entries = (uintptr_t)entries,
		.count = 1 + rnd(2 * BUFFERS),
		.export_fd = -1,
	};
	item_t item = 0;
	unsigned int i;

	seen.count = 0;
	for (i = 0; i < arg.count; i++) {
		buffers[i] = (int)rnd(BUFFERS);
		entries[i].dmabuf = dmabufs[buffers[i]];
		entries[i].flags = rnd_flags();
		if (cmd != DMA_BUF_IOCTL_IMPORT_MANY)
			snapshot_add(&seen, buffers[i], entries[i].flags);
	}
	if (cmd != DMA_BUF_IOCTL_EXPORT_MANY) {
		arg.import_fd = new_fence(&item);
		if (arg.import_fd < 0)
			return;
	}

	ret = xioctl(dmabufs[0], cmd, &arg);
	if (many_good(ret, "a call for many buffers")) {
		for (i = 0; i < arg.count && item; i++)
			log_import(buffers[i], kind_of(entries[i].flags), item);
		if (arg.export_fd >= 0) {
			snapshot_inside(&seen, arg.export_fd, "export of many");
			if (!rnd(4))
				wait_checked(arg.export_fd, POLLIN,
					     "the wait for many");
			close(arg.export_fd);
		}
	}
	if (item)
		close(arg.import_fd);
}

static void do_export_many(void)
{
	do_many(DMA_BUF_IOCTL_EXPORT_MANY);
	did(OP_EXPORT_MANY);
}

static void do_import_many(void)
{
	do_many(DMA_BUF_IOCTL_IMPORT_MANY);
	did(OP_IMPORT_MANY);
}

static void do_exchange(void)
{
	do_many(DMA_BUF_IOCTL_EXCHANGE);
	did(OP_EXCHANGE);
}

/* How often each is done; those for many buffers come last. */
static const struct {
	void (*run)(void);
	unsigned int weight;
} ops[] = {
	{ do_import, 60 }, { do_export, 80 }, { do_poll, 10 },
	{ do_merge, 10 }, { do_add, 20 }, { do_signal, 20 }, { do_churn, 1 },
	{ do_hold, 1 }, { do_dup_close, 10 }, { do_fork, 1 }, { do_kill, 1 },
	{ do_send, 6 }, { do_receive, 8 },
	{ do_export_many, 15 }, { do_import_many, 15 }, { do_exchange, 15 },
};

enum { OPS_FOR_ONE = sizeof(ops) / sizeof(*ops) - 3 };

static void *work(void *seed)
{
	unsigned int count = many ? sizeof(ops) / sizeof(*ops) : OPS_FOR_ONE;
	unsigned int sum = 0, i, dice;

	random_state = (uintptr_t)seed;
	for (i = 0; i < count; i++)
		sum += ops[i].weight;
	while (!stopped()) {
		dice = rnd(sum);
		for (i = 0; dice >= ops[i].weight; i++)
			dice -= ops[i].weight;
		ops[i].run();
	}
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
			advance(&timelines[rnd(TIMELINES)],
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
	pthread_t threads[THREADS], signaler;
	int before = open_descriptors(), i;

	pthread_create(&signaler, NULL, keep_signaling, (void *)(seed * 31 + 7));
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work,
			       (void *)(seed * 31 + (uint64_t)i));
	for (i = 0; i < THREADS; i++)
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

/* Once in a while, until the time is over. */
static void disturb(struct child *children, unsigned int processes, int seconds)
{
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000, said = now_ns();

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
	many = !xioctl(dmabufs[0], DMA_BUF_IOCTL_SYNC_QUERY, &query);
	toggles = !access(ENABLED, W_OK);
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

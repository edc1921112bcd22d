// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach a fence to the dma-bufs of another program, from outside, and see whether
 * a command ends before the fence signals.
 *
 *	hold PID read|write[,...] COMMAND...
 *
 * Runs COMMAND some times to know how long it takes, and takes the time in the
 * middle: four times that and a second are the limit. Then, for each usage, takes
 * every dma-buf of process PID, imports into each a fence that has not signaled and
 * runs COMMAND again. If that ends within the limit, it is free. If not, the fence
 * signals; COMMAND is held if it ends within the limit after that, and late if it
 * does not. Prints a line for each usage: usage, verdict, times. Exit code 0 if
 * there was a verdict for each, whatever it is.
 *
 * Does not: tell a command that is held from one that would have taken so long by
 * itself just this once. The same without the compositor's calls does.
 */
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../selftests/dma-buf/buffers.h"

#define ROOM	256
#define SAMPLES	5
#define PATIENCE_MS 60000

struct buffers {
	int fds[ROOM];
	int count;
};

static void die(const char *what, int err)
{
	fprintf(stderr, "hold: %s: %s\n", what, strerror(-err));
	exit(1);
}

static bool is_dmabuf(pid_t pid, const char *fd)
{
	char path[288], target[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, fd);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = 0;
	return !strncmp(target, "/dmabuf:", strlen("/dmabuf:"));
}

/* A buffer of which the process has several descriptors counts once. */
static bool is_known(const struct buffers *buffers, int fd)
{
	struct stat one, other;

	if (fstat(fd, &one))
		return true;
	for (int i = 0; i < buffers->count; i++)
		if (!fstat(buffers->fds[i], &other) &&
		    one.st_ino == other.st_ino)
			return true;
	return false;
}

/* Descriptors of our own for the dma-bufs of a process. */
static int take_buffers(pid_t pid, struct buffers *buffers)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct dirent *entry;
	char path[64];
	DIR *dir;

	buffers->count = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (pidfd < 0 || !dir)
		return -errno;
	while ((entry = readdir(dir)) && buffers->count < ROOM) {
		int fd;

		if (!is_dmabuf(pid, entry->d_name))
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name),
				  0);
		/* It may have been closed since. */
		if (fd < 0)
			continue;
		if (is_known(buffers, fd))
			close(fd);
		else
			buffers->fds[buffers->count++] = fd;
	}
	closedir(dir);
	close(pidfd);
	return buffers->count ? 0 : -ENOENT;
}

static void drop_buffers(struct buffers *buffers)
{
	while (buffers->count)
		close(buffers->fds[--buffers->count]);
}

static unsigned int ms_since(uint64_t start)
{
	return (unsigned int)((now_ns() - start) / 1000000);
}

static pid_t run(char **command)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork", -errno);
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(command[0], command);
		_exit(127);
	}
	return pid;
}

/* Did the command end within @ms? It has to end well. */
static bool ended(pid_t pid, unsigned int ms)
{
	uint64_t start = now_ns();
	int status;

	do {
		if (waitpid(pid, &status, WNOHANG) == pid) {
			if (status) {
				fprintf(stderr, "hold: the command failed, %d\n",
					status);
				exit(1);
			}
			return true;
		}
		sleep_ms(5);
	} while (ms_since(start) < ms);
	return false;
}

/* The flags of an import for this usage. */
static uint32_t flags_of(const char *usage)
{
	if (!strcmp(usage, "write"))
		return DMA_BUF_SYNC_WRITE;
	if (strcmp(usage, "read"))
		die(usage, -EINVAL);
	return DMA_BUF_SYNC_READ;
}

static int by_size(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

/* How long the command takes as a rule: the median. */
static unsigned int usual_ms(char **command)
{
	unsigned int took[SAMPLES];

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now_ns();

		if (!ended(run(command), PATIENCE_MS))
			die("without a fence", -ETIME);
		took[i] = ms_since(start);
	}
	qsort(took, SAMPLES, sizeof(took[0]), by_size);
	return took[SAMPLES / 2];
}

/* Hold the buffers by a fence of this usage, and see what the command does. */
static void hold(pid_t compositor, const char *usage, char **command,
		 unsigned int limit)
{
	int timeline = timeline_open(), fence;
	unsigned int before, after = 0;
	struct buffers buffers;
	const char *verdict;
	uint64_t start;
	pid_t pid;
	int ret;

	fence = timeline < 0 ? timeline : timeline_fence(timeline, 1);
	if (fence < 0)
		die("sw_sync", fence);
	ret = take_buffers(compositor, &buffers);
	if (ret)
		die("dma-bufs", ret);
	for (int i = 0; i < buffers.count; i++) {
		ret = dmabuf_import(buffers.fds[i], fence, flags_of(usage));
		if (ret)
			die("import", ret);
	}

	start = now_ns();
	pid = run(command);
	verdict = ended(pid, limit) ? "free" : "held";
	before = ms_since(start);
	timeline_inc(timeline, 1);
	if (!strcmp(verdict, "held")) {
		start = now_ns();
		if (!ended(pid, limit))
			verdict = "late";
		after = ms_since(start);
		if (!strcmp(verdict, "late") && !ended(pid, PATIENCE_MS))
			die("after the fence", -ETIME);
	}
	printf("%s %s: %d buffers, %u ms before the fence signals, %u after, limit %u\n",
	       usage, verdict, buffers.count, before, after, limit);
	drop_buffers(&buffers);
	close(fence);
	close(timeline);
}

int main(int argc, char **argv)
{
	unsigned int usual;
	char *usage;

	if (argc < 4) {
		fprintf(stderr, "Usage: hold PID read|write[,...] COMMAND...\n");
		return 1;
	}
	usual = usual_ms(argv + 3);
	printf("without a fence: %u ms\n", usual);
	for (usage = strtok(argv[2], ","); usage; usage = strtok(NULL, ","))
		hold(atoi(argv[1]), usage, argv + 3, 4 * usual + 1000);
	return 0;
}

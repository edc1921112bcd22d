// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attach a fence to the dma-bufs of another program, from outside, and see whether
 * a command ends before the fence signals.
 *
 *	hold read|write PID COMMAND...
 *
 * Runs COMMAND once to know how long it takes, takes every dma-buf of process PID,
 * imports into each a fence that has not signaled, as a reader or a writer, and runs
 * COMMAND again. If it takes four times as long and a second more, it is held: then
 * the fence signals, and COMMAND has to end. Prints one line, "held" or "free", and
 * the times. Exit code 0 for either, 1 for anything else.
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
#define PATIENCE_MS 60000

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
static bool is_known(const int *fds, int count, int fd)
{
	struct stat one, other;

	if (fstat(fd, &one))
		return true;
	for (int i = 0; i < count; i++)
		if (!fstat(fds[i], &other) && one.st_ino == other.st_ino)
			return true;
	return false;
}

/* Descriptors of our own for the dma-bufs of a process. */
static int take_buffers(pid_t pid, int *fds)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), count = 0;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (pidfd < 0 || !dir)
		return -errno;
	while ((entry = readdir(dir)) && count < ROOM) {
		int fd;

		if (!is_dmabuf(pid, entry->d_name))
			continue;
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name),
				  0);
		/* It may have been closed since. */
		if (fd < 0)
			continue;
		if (is_known(fds, count, fd))
			close(fd);
		else
			fds[count++] = fd;
	}
	closedir(dir);
	close(pidfd);
	return count;
}

static unsigned int ms_since(uint64_t start)
{
	return (unsigned int)((now_ns() - start) / 1000000);
}

static pid_t run(char **command)
{
	pid_t pid = fork();

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

int main(int argc, char **argv)
{
	int timeline, fence, count, fds[ROOM];
	unsigned int usual, limit, total;
	uint64_t start = now_ns();
	bool free;
	pid_t pid;

	if (argc < 4) {
		fprintf(stderr, "Usage: hold read|write PID COMMAND...\n");
		return 1;
	}
	if (!ended(run(argv + 3), PATIENCE_MS))
		die("without a fence", -ETIME);
	usual = ms_since(start);
	limit = 4 * usual + 1000;

	count = take_buffers(atoi(argv[2]), fds);
	if (count <= 0)
		die("no dma-buf", count);
	timeline = timeline_open();
	fence = timeline < 0 ? timeline : timeline_fence(timeline, 1);
	if (fence < 0)
		die("sw_sync", fence);
	for (int i = 0; i < count; i++) {
		int ret = dmabuf_import(fds[i], fence,
					strcmp(argv[1], "write") ?
					DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE);

		if (ret)
			die("import", ret);
	}

	start = now_ns();
	pid = run(argv + 3);
	free = ended(pid, limit);
	total = ms_since(start);
	timeline_inc(timeline, 1);
	if (!free && !ended(pid, PATIENCE_MS))
		die("after the fence", -ETIME);
	if (free)
		printf("free: %d buffers, it took %u ms, and %u ms without\n",
		       count, total, usual);
	else
		printf("held: %d buffers, %u ms, end %u ms after the fence; %u ms without\n",
		       count, total, ms_since(start) - total, usual);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a thread of the stress program does to the buffers, again and again
 *
 * What a wait is for is read from the log before the call, what went into a
 * buffer is logged after it.
 */
#ifndef _STRESS_OPS_H
#define _STRESS_OPS_H

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "stress-timelines.h"

enum { RACING_FD = 900 };

static int dmabufs[BUFFERS], test, post[2];
static bool many, toggles;

/* Of a thread. */
static __thread struct snapshot seen;

static __u32 rnd_flags(void)
{
	return 1 + rnd(3);
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

/*
 * A sleep in the kernel; that it ends is for join() to see. Where there is one exclusive
 * fence, the kernel does not wait for what a driver adds for writers, if a fence of the
 * same timeline is there for all.
 */
static void do_sync(void)
{
	int buffer = (int)rnd(BUFFERS - 1);
	__u32 flags = rnd_flags();
	int kinds = exclusive ? FOR_WRITERS_BY_DRIVER : KINDS;

	seen.count = 0;
	snapshot_add_kinds(&seen, buffer, flags & WRITE ? kinds : 1);
	if (!seen.count) {
		usleep(1000);
		return;
	}
	if (good(dmabuf_sync(dmabufs[buffer], flags), "sync"))
		snapshot_over(&seen, "sync of a buffer");
	did(OP_SYNC);
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
	int fd = driver_fence(&item);

	if (good(resv_add(test, dmabufs[buffer], fd, usage), "driver add") &&
	    usage != DMA_RESV_TEST_BOOKKEEP)
		log_import(buffer, usage == DMA_RESV_TEST_READ ?
				   FOR_WRITERS_BY_DRIVER : FOR_ALL, item);
	close(fd);
	did(OP_ADD);
}

static void do_signal(void)
{
	advance(fast_timeline(), 1 + rnd(4));
}

/* A copy may be where an older one was, which nobody who sleeps in the kernel sees. */
static void do_churn(void)
{
	good(resv_churn(test, dmabufs[BUFFERS - 1], 1), "copy of a list");
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

/* One of them, as often as its weight says. */
static void one_op(void)
{
	unsigned int count = many ? sizeof(ops) / sizeof(*ops) : OPS_FOR_ONE;
	unsigned int sum = 0, i, dice;

	for (i = 0; i < count; i++)
		sum += ops[i].weight;
	dice = rnd(sum);
	for (i = 0; dice >= ops[i].weight; i++)
		dice -= ops[i].weight;
	ops[i].run();
}

#endif /* _STRESS_OPS_H */

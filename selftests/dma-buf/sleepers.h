/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that sleep until a buffer may be read or written, each in a call of the
 * kernel, and a look at which of them still do.
 */
#ifndef _SLEEPERS_H
#define _SLEEPERS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "harness.h"

/* Wait until a buffer may be read or written, as @flags say: dmabuf_sync() does. */
typedef int wait_fn(int dmabuf, __u32 flags);

struct sleeper {
	pthread_t thread;
	wait_fn *wait;
	int dmabuf;
	__u32 flags;
	atomic_int tid;
	/* What the call answered; EAGAIN while there is no answer. */
	int ret;
};

static inline int wait_by_poll(int dmabuf, __u32 flags)
{
	int ret = wait_for(dmabuf, flags & WRITE ? POLLOUT : POLLIN, 60000);

	return ret == 1 ? 0 : -ETIME;
}

static inline int wait_by_epoll(int dmabuf, __u32 flags)
{
	struct epoll_event event = {
		.events = flags & WRITE ? EPOLLOUT : EPOLLIN,
	};
	int epoll = epoll_create1(EPOLL_CLOEXEC), ret;

	ret = epoll_ctl(epoll, EPOLL_CTL_ADD, dmabuf, &event);
	ret = ret ?: epoll_wait(epoll, &event, 1, 60000);
	keep_polled(dmabuf);
	close(epoll);
	return ret == 1 ? 0 : -ETIME;
}

static void *sleeper_run(void *data)
{
	struct sleeper *sleeper = data;

	atomic_store(&sleeper->tid, (int)gettid());
	sleeper->ret = sleeper->wait(sleeper->dmabuf, sleeper->flags);
	return NULL;
}

/*
 * Until the thread sleeps, or is gone, be it that its call has returned or that the
 * kernel has killed it. Whether it sleeps.
 */
static inline bool sleeper_sleeps(struct sleeper *sleeper)
{
	int ms;

	for (ms = 0; ms < 10000; ms++) {
		int tid = atomic_load(&sleeper->tid);
		char state = tid ? task_state(tid) : 'R';

		if (state != 'R')
			return state == 'S' || state == 'D';
		sleep_ms(1);
	}
	return false;
}

/* Whether it sleeps now, as it should where there is something to wait for. */
static inline bool sleeper_start(struct sleeper *sleeper, wait_fn *wait,
				 int dmabuf, __u32 flags)
{
	sleeper->wait = wait;
	sleeper->dmabuf = dmabuf;
	sleeper->flags = flags;
	sleeper->ret = -EAGAIN;
	atomic_store(&sleeper->tid, 0);
	return !pthread_create(&sleeper->thread, NULL, sleeper_run, sleeper) &&
	       sleeper_sleeps(sleeper);
}

/* What its call answers within so many seconds; -ETIME: nothing. */
static inline int sleeper_end(struct sleeper *sleeper, int seconds)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += seconds;
	if (pthread_timedjoin_np(sleeper->thread, NULL, &ts))
		return -ETIME;
	return sleeper->ret;
}

#endif /* _SLEEPERS_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timelines of a process of the stress program: its threads take fences from
 * them, and signal them.
 */
#ifndef _STRESS_TIMELINES_H
#define _STRESS_TIMELINES_H

#include <pthread.h>

#include "stress-log.h"

/* Of these, the first one is slow. */
enum { SLOW, DRIVER = 3, TIMELINES, KEEP = 64 };

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

/* Of a process. */
static struct timeline *timelines;

/* Does the kernel know one exclusive fence for each buffer, and no usages? */
static bool exclusive;

/* Of a thread. */
static __thread uint64_t random_state;

static unsigned int rnd(unsigned int below)
{
	random_state = random_state * 6364136223846793005ULL +
		       1442695040888963407ULL;
	return (unsigned int)(random_state >> 33) % below;
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

static struct timeline *fast_timeline(void)
{
	return &timelines[SLOW + 1 + rnd(TIMELINES - 1)];
}

/* A new fence: its sync_file, which is @item to the log. */
static int fence_of(struct timeline *timeline, item_t *item)
{
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

/*
 * To import. Where there is one exclusive fence, fences that a driver adds have a
 * timeline of their own, as the kernel drops one for another one of its timeline,
 * whoever waits for which.
 */
static int new_fence(item_t *item)
{
	return fence_of(&timelines[rnd(exclusive ? DRIVER : TIMELINES)], item);
}

static int driver_fence(item_t *item)
{
	return fence_of(&timelines[exclusive ? DRIVER : rnd(TIMELINES)], item);
}

#endif /* _STRESS_TIMELINES_H */

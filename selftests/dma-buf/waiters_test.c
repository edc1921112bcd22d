// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who waits for what: promises I1 and I2 by the eyes of those who sleep in
 * DMA_BUF_IOCTL_SYNC, poll() and epoll.
 *
 * A reader waits for what was imported for WRITE, a writer for that and for what was
 * imported for READ; neither for more, on whatever kernel. poll() is asked for one
 * event at a time: for two, kernels with one exclusive fence report the first early.
 */

#include "sleepers.h"

#define TEST_DATA	FIXTURE_DATA(buffer)

#define EXPECT_ASLEEP(sleeper)	EXPECT_TRUE(sleeper_sleeps(sleeper))
#define EXPECT_ENDS(sleeper)	EXPECT_EQ(0, sleeper_end(sleeper, 5))

/* I2: of one timeline, the reader is the later one. */
TEST_F(buffer, i2_sync_waits_for_a_reader_behind_a_writer)
{
	struct sleeper writer;

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), WRITE));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)), READ));
	EXPECT_TRUE(sleeper_start(&writer, dmabuf_sync, self->dmabuf, WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_ASLEEP(&writer);
	OK(timeline_inc(self->one, 1));
	EXPECT_ENDS(&writer);
}

/* I2: the same where the writer is one of two, and the other one is done. */
TEST_F(buffer, i2_sync_waits_for_a_reader_behind_one_of_two_writers)
{
	int one = FD(timeline_fence(self->one, 1));
	int two = FD(timeline_fence(self->two, 1));
	struct sleeper writer;

	OK(dmabuf_import(self->dmabuf, FD(sync_merge(one, two)), WRITE));
	OK(timeline_inc(self->two, 1));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 2)), READ));
	EXPECT_TRUE(sleeper_start(&writer, dmabuf_sync, self->dmabuf, WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_ASLEEP(&writer);
	OK(timeline_inc(self->one, 1));
	EXPECT_ENDS(&writer);
}

/* I1: nor is anybody else in the way of a reader. */
TEST_F(buffer, i1_readers_wait_for_no_reader)
{
	wait_fn * const ways[] = { dmabuf_sync, wait_by_poll, wait_by_epoll };
	struct sleeper readers[ARRAY_SIZE(ways)];

	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->one, 1)), READ));
	OK(dmabuf_import(self->dmabuf, FD(timeline_fence(self->two, 1)), WRITE));
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_TRUE(sleeper_start(&readers[i], ways[i], self->dmabuf,
					  READ));
	OK(timeline_inc(self->two, 1));
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++)
		EXPECT_ENDS(&readers[i]);
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(timeline_inc(self->one, 1));
}

/* I1: a driver sees that two writers are done, though nobody has waited. */
TEST_F(buffer, i1_driver_waits_for_no_writers_that_are_done)
{
	int one = FD(timeline_fence(self->one, 1));
	int two = FD(timeline_fence(self->two, 1));
	__u32 handle, fence;
	int vgem, dmabuf;

	NEEDS_DRM();
	vgem = FD(vgem_open());
	dmabuf = FD(vgem_create(vgem, &handle));
	OK(dmabuf_import(dmabuf, FD(sync_merge(one, two)), WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(-EBUSY, vgem_attach(vgem, handle, false, &fence));
	OK(timeline_inc(self->two, 1));
	OK(vgem_attach(vgem, handle, false, &fence));
	OK(vgem_signal(vgem, fence));
}

/*
 * Random rounds beside a model. The fences of a timeline signal in their order, so
 * the model is how far each timeline is, and how far each kind of waiter needs it.
 */
enum { LINES = 4, DRIVER = LINES - 1, SLEEPERS = 18, STEPS = 60 };

struct line {
	int timeline;
	/* the last that has signaled */
	__u32 value;
	/* the last that readers wait for, and writers */
	__u32 reader, writer;
};

struct waiter {
	struct sleeper sleeper;
	bool waits, late;
	/* of each timeline */
	__u32 needs[LINES];
};

struct round {
	unsigned int seed;
	/* how many timelines are imported from, and whether there is a driver */
	unsigned int width;
	bool driver;
	int test;
	int dmabuf;
	struct line lines[LINES];
	struct waiter waiters[SLEEPERS];
	int waiter_count;
	int fences[STEPS * 4];
	int fence_count;
	/* what must not be */
	int early, late, failed;
};

static unsigned int rnd(struct round *round, unsigned int below)
{
	round->seed = round->seed * 1664525 + 1013904223;
	return (round->seed >> 16) % below;
}

/* What a waiter who comes now has to wait for. */
static __u32 line_needs(const struct line *line, __u32 flags)
{
	return flags & WRITE ? line->writer : line->reader;
}

/* Is all over that @waiter has found? */
static bool may_end(const struct round *round, const struct waiter *waiter)
{
	for (int i = 0; i < LINES; i++)
		if (round->lines[i].value < waiter->needs[i])
			return false;
	return true;
}

/* And all that came later? */
static bool has_to_end(const struct round *round, const struct waiter *waiter)
{
	for (int i = 0; i < LINES; i++)
		if (round->lines[i].value <
		    line_needs(&round->lines[i], waiter->sleeper.flags))
			return false;
	return true;
}

/* Whoever is late counts once, and has until the end of the round. */
static void look_at(struct round *round, struct waiter *waiter)
{
	bool over = has_to_end(round, waiter), early = !may_end(round, waiter);
	int ret;

	if ((!over || waiter->late) && sleeper_sleeps(&waiter->sleeper))
		return;
	ret = sleeper_end(&waiter->sleeper, 2);
	if (ret == -ETIME) {
		waiter->late = true;
		round->late++;
		return;
	}
	waiter->waits = false;
	round->early += early;
	round->failed += !!ret;
}

static void look_at_all(struct round *round)
{
	for (int i = 0; i < round->waiter_count; i++)
		if (round->waiters[i].waits)
			look_at(round, &round->waiters[i]);
}

static void start_waiter(struct round *round)
{
	static wait_fn * const ways[] = {
		dmabuf_sync, wait_by_poll, wait_by_epoll,
	};
	struct waiter *waiter = &round->waiters[round->waiter_count];
	__u32 flags = rnd(round, 2) ? READ : WRITE;

	if (round->waiter_count == SLEEPERS)
		return;
	for (int i = 0; i < LINES; i++)
		waiter->needs[i] = line_needs(&round->lines[i], flags);
	sleeper_start(&waiter->sleeper, ways[rnd(round, ARRAY_SIZE(ways))],
		      round->dmabuf, flags);
	waiter->waits = true;
	round->waiter_count++;
	look_at(round, waiter);
}

/* Until the end: poll() holds no reference on the fence that it waits for. */
static int keep(struct round *round, int fence)
{
	round->fences[round->fence_count++] = fence;
	round->failed += fence < 0;
	return fence;
}

/* A fence that has not signaled, be it the next one of its timeline or not. */
static int new_fence(struct round *round, int line, __u32 flags)
{
	struct line *l = &round->lines[line];
	__u32 seqno = l->value + 1 + rnd(round, 4);

	/* A driver adds them in their order. */
	if (line == DRIVER)
		seqno = (l->writer > l->value ? l->writer : l->value) + 1;
	if (seqno > l->writer)
		l->writer = seqno;
	if (flags & WRITE && seqno > l->reader)
		l->reader = seqno;
	return keep(round, timeline_fence(l->timeline, seqno));
}

static void import_some(struct round *round)
{
	__u32 flags = 1 + rnd(round, 3);
	int all = new_fence(round, (int)rnd(round, round->width), flags), more;

	if (!rnd(round, 3)) {
		more = new_fence(round, (int)rnd(round, round->width), flags);
		all = keep(round, sync_merge(all, more));
	}
	round->failed += !!dmabuf_import(round->dmabuf, all, flags);
}

/* A driver that reads. */
static void driver_adds(struct round *round)
{
	round->failed += !!resv_add(round->test, round->dmabuf,
				    new_fence(round, DRIVER, READ),
				    DMA_RESV_TEST_READ);
}

static void signal_one(struct round *round)
{
	struct line *line = &round->lines[rnd(round, LINES)];

	line->value++;
	round->failed += !!timeline_inc(line->timeline, 1);
	look_at_all(round);
}

static bool is_busy(const struct round *round)
{
	for (int i = 0; i < LINES; i++)
		if (round->lines[i].value < round->lines[i].writer)
			return true;
	return false;
}

static void play(struct round *round)
{
	for (int i = 0; i < STEPS; i++) {
		unsigned int dice = rnd(round, 10);

		if (dice < 3)
			import_some(round);
		else if (dice < 4 && round->driver)
			driver_adds(round);
		else if (dice < 7)
			signal_one(round);
		else
			start_waiter(round);
	}
	while (is_busy(round))
		signal_one(round);
	look_at_all(round);
}

static void begin(struct round *round)
{
	round->test = xopen("/dev/dma_resv_test");
	round->dmabuf = udmabuf_create(4096);
	for (int i = 0; i < LINES; i++)
		round->lines[i].timeline = timeline_open();
}

static void end(struct round *round)
{
	for (int i = 0; i < round->fence_count; i++)
		close(round->fences[i]);
	for (int i = 0; i < LINES; i++)
		close(round->lines[i].timeline);
	keep_polled(round->dmabuf);
	close(round->dmabuf);
	close(round->test);
}

/* I1, I2: nobody goes on early, and nobody waits for more. */
TEST_F_TIMEOUT(buffer, i1_random_waiters_wait_for_what_they_must, 300)
{
	unsigned int rounds = has_exclusive(self->test) ? 120 : 30, i;
	int early = 0, late = 0, waiters = 0;

	for (i = 0; i < rounds; i++) {
		/* Not on the stack, where a waiter may be left. */
		static struct round round;

		memset(&round, 0, sizeof(round));
		round.seed = i;
		round.width = 1 + i % DRIVER;
		round.driver = i / DRIVER % 2;
		begin(&round);
		play(&round);
		end(&round);
		ASSERT_EQ(0, round.failed) TH_LOG("round %u", i);
		EXPECT_EQ(0, round.early) TH_LOG("round %u", i);
		EXPECT_EQ(0, round.late) TH_LOG("round %u", i);
		waiters += round.waiter_count;
		early += round.early;
		late += round.late;
	}
	TH_LOG("%d waiters, %d early, %d late", waiters, early, late);
}

TEST_HARNESS_MAIN

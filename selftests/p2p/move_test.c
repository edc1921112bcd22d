// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers that move, are taken away or closed while somebody has to do with them:
 * nobody writes into a place that is somebody else's.
 */
#include <signal.h>

#include "p2p.h"

/* A peer gets an address in the BAR if it has a way, else the buffer moves. */
TEST_F(p2p, each_peer_gets_the_address_that_it_can_reach)
{
	struct ivshmem_info info;
	__u64 address;

	for (int i = 0; i < 2; i++) {
		ASSERT_GE(edu_map(self->edu[i], self->dst, &address), 1);
		info = p2p_info(self->ivs, self->dst);
		EXPECT_EQ(reaches(i) ? IVSHMEM_BAR : IVSHMEM_SYSTEM,
			  info.place);
		/* An IOMMU has addresses of its own. */
		if (info.place == IVSHMEM_BAR)
			EXPECT_EQ(profile() < 'C', info.bus_address == address);
		EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
	}
}

/* Its job is submitted as soon as the buffer may move, and reads what came by then. */
static void *copy_on_edu1(void *arg)
{
	p2p_t *self = arg;

	return (void *)(intptr_t)edu_copy(self->edu[1], self->src, self->dst,
					  0, -1);
}

TEST_F(p2p, a_refused_peer_has_system_memory_and_fences_hold)
{
	int fence = FD(timeline_fence(self->line, 1));
	__u64 at = p2p_info(self->ivs, self->src).offset;
	pthread_t thread;
	void *ret;

	if (reaches(1))
		SKIP(return, "every peer has a way");
	OK(p2p_import(self->src, fence, WRITE));
	OK(pthread_create(&thread, NULL, copy_on_edu1, self));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(IVSHMEM_BAR, p2p_info(self->ivs, self->src).place);
	OK(bar_fill(self->ivs, at, NEW));
	OK(timeline_inc(self->line, 1));
	OK(pthread_join(thread, &ret));
	EXPECT_EQ(0, (intptr_t)ret);
	EXPECT_EQ(IVSHMEM_SYSTEM, p2p_info(self->ivs, self->src).place);
	EXPECT_EQ(IVSHMEM_SYSTEM, p2p_info(self->ivs, self->dst).place);
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	close(fence);
}

/* An importer that knows nothing of peers, or of buffers that move; it may map late. */
TEST_F(p2p, an_importer_without_p2p_has_system_memory)
{
	struct drm_prime_handle prime = { .fd = self->dst };
	struct ivshmem_info info;
	int vgem = vgem_open();

	if (vgem < 0)
		SKIP(return, "this kernel has no vgem");
	OK(xioctl(vgem, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime));
	info = p2p_info(self->ivs, self->dst);
	EXPECT_TRUE(info.place == IVSHMEM_SYSTEM || !info.mappings);
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
	close(vgem);
}

TEST_F(p2p, a_pinned_buffer_stays_where_it_is)
{
	__u64 address;

	OK(edu_pin(self->edu[0], self->dst, true));
	EXPECT_EQ(1, p2p_info(self->ivs, self->dst).pins);
	EXPECT_EQ(-EBUSY, p2p_move(self->ivs, self->dst, IVSHMEM_SYSTEM));
	EXPECT_EQ(IVSHMEM_BAR, p2p_info(self->ivs, self->dst).place);
	if (!reaches(1))
		EXPECT_EQ(-EBUSY, edu_map(self->edu[1], self->dst, &address));
	OK(edu_pin(self->edu[0], self->dst, false));
	EXPECT_EQ(0, p2p_move(self->ivs, self->dst, IVSHMEM_SYSTEM));
}

/* For whom there is no way, the buffer is pinned in system memory. */
TEST_F(p2p, a_pin_is_where_the_peer_can_reach_it)
{
	OK(edu_pin(self->edu[1], self->dst, true));
	EXPECT_EQ(reaches(1) ? IVSHMEM_BAR : IVSHMEM_SYSTEM,
		  p2p_info(self->ivs, self->dst).place);
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
}

TEST_F(p2p, contents_move_with_the_buffer)
{
	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(p2p_move(self->ivs, self->src, IVSHMEM_SYSTEM));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->src));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	OK(p2p_move(self->ivs, self->src, IVSHMEM_BAR));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->src));
	EXPECT_EQ(2, p2p_info(self->ivs, self->src).moves);
	/* The importer has noticed both. */
	OK(p2p_fill(self->ivs, self->src, OLD));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
}

/*
 * How a buffer can lose its place while a job writes into it: afterwards the place
 * is poisoned, and has to stay so for longer than a job takes.
 */
static void lose_place(struct __test_metadata *_metadata,
		       p2p_t *self, __u32 place)
{
	__u64 at = p2p_info(self->ivs, self->dst).offset;
	int out;

	OK(p2p_fill(self->ivs, self->src, NEW));
	/* Explicit: nothing that an implicit client would wait for. */
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_OUT, -1));
	OK(p2p_move(self->ivs, self->dst, place));
	OK(bar_fill(self->ivs, at, POISON));
	EXPECT_TRUE(is_ready(out, POLLIN));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(POISON, bar_value(self->ivs, at));
	close(out);
}

TEST_F(p2p, a_move_waits_for_a_job_in_flight)
{
	lose_place(_metadata, self, IVSHMEM_SYSTEM);
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
}

TEST_F(p2p, a_revoke_waits_for_a_job_in_flight)
{
	lose_place(_metadata, self, IVSHMEM_REVOKED);
	EXPECT_EQ(-ENODEV, p2p_value(self->ivs, self->dst));
	EXPECT_EQ(0, p2p_info(self->ivs, self->dst).mappings);
	EXPECT_EQ(-ENODEV, edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	EXPECT_EQ(-ENODEV, p2p_move(self->ivs, self->dst, IVSHMEM_BAR));
}

/* The uAPI has to do with fences, not with memory. */
TEST_F(p2p, b2_import_and_export_on_a_revoked_buffer)
{
	int fence = FD(timeline_fence(self->line, 1));

	OK(p2p_move(self->ivs, self->dst, IVSHMEM_REVOKED));
	OK(p2p_import(self->dst, fence, WRITE));
	EXPECT_EQ(-ETIME, p2p_wait(self->dst, 0));
	OK(timeline_inc(self->line, 1));
	OK(p2p_wait(self->dst, 0));
	close(fence);
}

/* Whatever the fence was imported for. */
static void wait_for_import(struct __test_metadata *_metadata,
			    p2p_t *self, __u32 place, __u32 flags)
{
	int fence = FD(timeline_fence(self->line, 1));
	struct mover mover;

	OK(p2p_import(self->dst, fence, flags));
	OK(mover_start(&mover, self->ivs, self->dst, place));
	sleep_ms(JOB_MS);
	EXPECT_FALSE(mover.done);
	OK(timeline_inc(self->line, 1));
	OK(mover_join(&mover));
	EXPECT_EQ(place, p2p_info(self->ivs, self->dst).place);
	close(fence);
}

TEST_F(p2p, a_move_waits_for_an_imported_write)
{
	wait_for_import(_metadata, self, IVSHMEM_SYSTEM, WRITE);
}

TEST_F(p2p, a_move_waits_for_an_imported_read)
{
	wait_for_import(_metadata, self, IVSHMEM_SYSTEM, READ);
}

TEST_F(p2p, a_revoke_waits_for_an_imported_write)
{
	wait_for_import(_metadata, self, IVSHMEM_REVOKED, WRITE);
}

TEST_F(p2p, a_revoke_waits_for_an_imported_read)
{
	wait_for_import(_metadata, self, IVSHMEM_REVOKED, READ);
}

/*
 * An explicit client's job, known to this buffer by an import alone: it waits for
 * a fence of user space, then writes. The move waits for both.
 */
TEST_F(p2p, a_move_waits_for_a_job_that_waits_for_an_import)
{
	int fence = FD(timeline_fence(self->line, 1));
	__u64 at = p2p_info(self->ivs, self->dst).offset;
	struct mover mover;

	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(p2p_import(self->dst, fence, WRITE));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	OK(mover_start(&mover, self->ivs, self->dst, IVSHMEM_SYSTEM));
	sleep_ms(JOB_MS);
	EXPECT_FALSE(mover.done);
	OK(timeline_inc(self->line, 1));
	OK(mover_join(&mover));
	OK(bar_fill(self->ivs, at, POISON));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(POISON, bar_value(self->ivs, at));
	close(fence);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST_F(p2p, a_move_that_a_signal_ends_changes_nothing)
{
	struct sigaction action = { .sa_handler = on_alarm };
	int fence = FD(timeline_fence(self->line, 1));
	struct ivshmem_move arg = {
		.fd = self->dst, .place = IVSHMEM_SYSTEM,
	};
	struct ivshmem_info before, after;

	before = p2p_info(self->ivs, self->dst);
	OK(p2p_import(self->dst, fence, READ));
	sigaction(SIGALRM, &action, NULL);
	ualarm(200000, 0);
	EXPECT_EQ(-1, ioctl(self->ivs, IVSHMEM_IOC_MOVE, &arg));
	EXPECT_EQ(EINTR, errno);
	after = p2p_info(self->ivs, self->dst);
	EXPECT_EQ(IVSHMEM_BAR, after.place);
	EXPECT_EQ(before.offset, after.offset);
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
	OK(timeline_inc(self->line, 1));
	OK(p2p_move(self->ivs, self->dst, IVSHMEM_SYSTEM));
	close(fence);
}

/* The device whose fence was imported does not know that the buffer is closed. */
TEST_F(p2p, a_closed_buffer_keeps_its_place_until_imports_signal)
{
	int fence = FD(timeline_fence(self->line, 1)), again;
	__u64 at = p2p_info(self->ivs, self->dst).offset;

	OK(p2p_import(self->dst, fence, READ));
	close(self->dst);
	sleep_ms(100);
	again = FD(p2p_create(self->ivs, variant->flags));
	EXPECT_NE(at, p2p_info(self->ivs, again).offset);
	close(again);
	OK(timeline_inc(self->line, 1));
	sleep_ms(100);
	/* The first free place is the one that was given back. */
	again = FD(p2p_create(self->ivs, variant->flags));
	EXPECT_EQ(at, p2p_info(self->ivs, again).offset);
	close(again);
	self->dst = FD(dup(self->src));
	close(fence);
}

/* A job keeps what it uses. */
TEST_F(p2p, a_buffer_closed_in_flight_is_written_to_the_end)
{
	__u64 at = p2p_info(self->ivs, self->dst).offset;
	int out;

	OK(p2p_fill(self->ivs, self->src, NEW));
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_OUT, -1));
	close(self->dst);
	close(self->edu[0]);
	EXPECT_FALSE(is_ready(out, POLLIN));
	EXPECT_EQ(1, wait_for(out, POLLIN, SOON_MS));
	EXPECT_EQ(NEW, bar_value(self->ivs, at));
	self->edu[0] = FD(xopen("/dev/edu0"));
	self->dst = FD(dup(self->src));
	close(out);
}

/* What a client leaves behind that is killed. */
TEST_F(p2p, a_killed_clients_jobs_end_and_leave_nothing)
{
	int fence = FD(timeline_fence(self->line, 1)), edu, status, i;
	pid_t child;

	OK(p2p_fill(self->ivs, self->src, NEW));
	child = fork();
	ASSERT_GE(child, 0);
	if (!child) {
		edu = xopen("/dev/edu0");
		if (edu < 0 || p2p_import(self->src, fence, WRITE) ||
		    edu_copy(edu, self->src, self->dst, 0, -1))
			_exit(1);
		kill(getpid(), SIGKILL);
		_exit(2);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(-ETIME, p2p_wait(self->dst, JOB_MS));
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
	OK(timeline_inc(self->line, 1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	for (i = 0; edu_stat(self->edu[0]).imports && i < 100; i++)
		sleep_ms(10);
	EXPECT_EQ(0, edu_stat(self->edu[0]).imports);
	EXPECT_EQ(0, p2p_info(self->ivs, self->dst).mappings);
	close(fence);
}

TEST_HARNESS_MAIN

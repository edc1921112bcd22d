// SPDX-License-Identifier: GPL-2.0-only
/* Containers that a hostile client can build: promise I6. */

#include <signal.h>
#include <sys/wait.h>

#include "harness.h"

#define UPSTREAM \
	"the kernel's own import asks for one slot per link, and warns"

enum { CONTEXTS = 64 };

/* One sync_file for each of CONTEXTS contexts. */
static int many_contexts(int timelines[CONTEXTS], __s32 fences[CONTEXTS])
{
	for (int i = 0; i < CONTEXTS; i++) {
		timelines[i] = timeline_open();
		if (timelines[i] < 0)
			return timelines[i];
		fences[i] = timeline_fence(timelines[i], 1);
		if (fences[i] < 0)
			return fences[i];
	}
	return 0;
}

/* I6: a million links over a few contexts become a few entries. */
TEST_F_TIMEOUT(buffer, i6_chain_of_a_million_links, 120)
{
	int timelines[CONTEXTS], chain, i;
	__s32 fences[CONTEXTS];

	NEEDS_MODULE(UPSTREAM);
	OK(many_contexts(timelines, fences));
	chain = FD(make_chain(self->test, fences, CONTEXTS, 1000000, false));
	OK(dmabuf_import(self->dmabuf, chain, WRITE));
	EXPECT_EQ(CONTEXTS, resv_list(self->test, self->dmabuf, NULL, 0));
	for (i = 0; i < CONTEXTS; i++) {
		EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
		OK(timeline_inc(timelines[i], 1));
	}
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
}

/* I6: one context a million times is one entry. */
TEST_F_TIMEOUT(buffer, i6_one_context_a_million_times, 120)
{
	__s32 fence = FD(timeline_fence(self->one, 1));
	int chain;

	NEEDS_MODULE(UPSTREAM);
	chain = FD(make_chain(self->test, &fence, 1, 1000000, false));
	OK(dmabuf_import(self->dmabuf, chain, WRITE));
	EXPECT_EQ(1, resv_list(self->test, self->dmabuf, NULL, 0));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
}

/* I6: a chain of a thousand arrays. */
TEST_F_TIMEOUT(buffer, i6_chain_of_a_thousand_arrays, 120)
{
	int timelines[CONTEXTS], chain;
	__s32 fences[CONTEXTS];

	OK(many_contexts(timelines, fences));
	chain = FD(make_chain(self->test, fences, CONTEXTS, 1000, true));
	OK(dmabuf_import(self->dmabuf, chain, READ));
	EXPECT_EQ(CONTEXTS, resv_list(self->test, self->dmabuf, NULL, 0));
}

/* I6: time grows with the links, not with their square. */
TEST_F_TIMEOUT(buffer, i6_time_is_linear_in_the_links, 240)
{
	int timelines[CONTEXTS], chain, step;
	__s32 fences[CONTEXTS];
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX };

	NEEDS_MODULE(UPSTREAM);
	OK(many_contexts(timelines, fences));
	for (step = 0; step < 2; step++) {
		__u32 links = step ? 160000 : 10000;

		chain = FD(make_chain(self->test, fences, CONTEXTS, links,
				      false));
		for (int i = 0; i < 5; i++) {
			uint64_t start = now_ns(), time;

			OK(dmabuf_import(self->dmabuf, chain, WRITE));
			time = now_ns() - start;
			if (time < best[step])
				best[step] = time;
		}
		close(chain);
	}
	/* 16 times the links: a square would be 256 times the time. */
	EXPECT_LT(best[1], best[0] * 64);
}

/* I6: a caller that walks a long chain can be killed in the middle of it. */
TEST_F_TIMEOUT(buffer, i6_import_can_be_killed, 120)
{
	__s32 fence = FD(timeline_fence(self->one, 1));
	int chain, status, soon = 0, i;
	uint64_t start, walk = UINT64_MAX;

	NEEDS_MODULE(UPSTREAM);
	chain = FD(make_chain(self->test, &fence, 1, 2000000, false));
	for (i = 0; i < 3; i++) {
		start = now_ns();
		OK(dmabuf_import(self->dmabuf, chain, WRITE));
		if (now_ns() - start < walk)
			walk = now_ns() - start;
	}

	for (i = 0; i < 12; i++) {
		pid_t pid = fork();

		ASSERT_GE(pid, 0);
		if (!pid)
			for (;;)
				dmabuf_import(self->dmabuf, chain, WRITE);
		sleep_ms((unsigned int)(walk / 1000000 * (4 + i) / 10));
		start = now_ns();
		OK(kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		soon += now_ns() - start < walk / 4;
	}
	/* Without a look at signals, one in four would end so soon. */
	EXPECT_GE(soon, 8);
}

/* I6: thousands of contexts from unprivileged vgem, out and in again. */
TEST_F_TIMEOUT(buffer, i6_thousands_of_contexts, 120)
{
	enum { COUNT = 2000 };
	int vgem, dmabuf, fd;
	__u32 handle, fence[COUNT];

	NEEDS_DRM();
	vgem = FD(vgem_open());
	dmabuf = FD(vgem_create(vgem, &handle));
	for (int i = 0; i < COUNT; i++)
		OK(vgem_attach(vgem, handle, false, &fence[i]));
	fd = FD(dmabuf_export(dmabuf, WRITE));
	EXPECT_EQ(TOLD(COUNT), sync_count(fd));
	OK(dmabuf_import(self->dmabuf, fd, WRITE));
	EXPECT_EQ(COUNT, resv_list(self->test, self->dmabuf, NULL, 0));
	for (int i = 0; i < COUNT - 1; i++)
		vgem_signal(vgem, fence[i]);
	EXPECT_FALSE(is_ready(self->dmabuf, POLLIN));
	vgem_signal(vgem, fence[COUNT - 1]);
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
}

/* I6: more contexts than any application has been seen with. */
TEST_F_TIMEOUT(buffer, i6_a_hundred_thousand_contexts, 240)
{
	enum { COUNT = 100000 };
	int crowd = FD(make_crowd(self->test, COUNT)), fd;

	NEEDS_LIST("the kernel's own import is quadratic");
	OK(dmabuf_import(self->dmabuf, crowd, WRITE));
	EXPECT_EQ(COUNT, resv_list(self->test, self->dmabuf, NULL, 0));
	OK(dmabuf_import(self->dmabuf, crowd, READ));
	EXPECT_EQ(COUNT, resv_list(self->test, self->dmabuf, NULL, 0));
	fd = FD(dmabuf_export(self->dmabuf, READ));
	EXPECT_EQ(TOLD(COUNT), sync_count(fd));
	EXPECT_FALSE(is_ready(fd, POLLIN));
	OK(signal_all(self->test, crowd));
	EXPECT_EQ(1, wait_for(fd, POLLIN, 5000));
	close(FD(dmabuf_export(self->dmabuf, READ)));
	EXPECT_EQ(0, resv_list(self->test, self->dmabuf, NULL, 0));
}

/* I3: past the limit of a list, an import fails and changes nothing. */
TEST_F_TIMEOUT(buffer, i3_import_past_the_limit_changes_nothing, 240)
{
	enum { LIMIT = 131072 };
	int crowd = FD(make_crowd(self->test, LIMIT));
	int small = FD(timeline_fence(self->one, 1));

	NEEDS_MODULE("the kernel's own import is quadratic");
	OK(dmabuf_import(self->dmabuf, small, READ));
	EXPECT_EQ(-ENOMEM, dmabuf_import(self->dmabuf, crowd, WRITE));
	EXPECT_EQ(1, resv_list(self->test, self->dmabuf, NULL, 0));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLIN, 0));
	EXPECT_FALSE(is_ready(self->dmabuf, POLLOUT));
	OK(dmabuf_import(self->dmabuf, small, WRITE));
	OK(timeline_inc(self->one, 1));
	EXPECT_EQ(1, wait_for(self->dmabuf, POLLOUT, 5000));
	OK(signal_all(self->test, crowd));
}

TEST_HARNESS_MAIN

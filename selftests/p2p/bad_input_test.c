// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the reference drivers refuse: nothing happens then, and nothing is left.
 */
#include "p2p.h"

TEST_F(p2p, a_range_outside_a_buffer_is_refused)
{
	static const struct {
		__u64 src, dst;
		__u32 len;
	} bad[] = {
		{ SIZE, 0, 1 }, { 0, SIZE, 1 }, { SIZE - 1, 0, 2 },
		{ 0, SIZE - 1, 2 }, { ~0ULL, 0, 2 }, { 0, ~0ULL - 1, 4 },
		{ 0, 0, SIZE + 1 }, { 0, 0, ~0U }, { 0, 0, 0 },
	};

	for (unsigned int i = 0; i < COUNT(bad); i++) {
		struct edu_copy arg = {
			.src = self->src, .dst = self->dst, .in_fence = -1,
			.src_offset = bad[i].src, .dst_offset = bad[i].dst,
			.len = bad[i].len,
		};

		EXPECT_EQ(-EINVAL, xioctl(self->edu[0], EDU_IOC_COPY, &arg))
			TH_LOG("case %u", i);
	}
	OK(p2p_wait(self->dst, 0));
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
}

TEST_F(p2p, what_is_no_buffer_or_fence_is_refused)
{
	int fds = count_fds(), fence = FD(timeline_fence(self->line, 1));

	EXPECT_EQ(-EBADF, edu_copy(self->edu[0], -1, self->dst, 0, -1));
	EXPECT_EQ(-EINVAL, edu_copy(self->edu[0], self->src, fence, 0, -1));
	EXPECT_EQ(-EINVAL, edu_copy(self->edu[0], self->src, self->dst,
				    EDU_EXPLICIT_IN | EDU_EXPLICIT_OUT,
				    self->src));
	EXPECT_EQ(-EINVAL, edu_copy(self->edu[0], self->src, self->dst,
				    1U << 31, -1));
	EXPECT_EQ(-EINVAL, p2p_move(self->ivs, fence, IVSHMEM_SYSTEM));
	EXPECT_EQ(-EINVAL, p2p_move(self->ivs, self->src, 3));
	EXPECT_EQ(-EINVAL, edu_pin(self->edu[0], self->src, false));
	EXPECT_EQ(-ENOTTY, xioctl(self->ivs, EDU_IOC_STAT, &fence));
	close(fence);
	EXPECT_EQ(fds, count_fds());
	OK(p2p_wait(self->dst, 0));
}

TEST_F(p2p, a_size_that_is_not_whole_pages_is_refused)
{
	static const __u64 bad[] = { 0, 1, 4095, 4097, ~0ULL };

	for (unsigned int i = 0; i < COUNT(bad); i++) {
		struct ivshmem_create arg = {
			.size = bad[i], .flags = variant->flags,
		};

		EXPECT_EQ(-EINVAL,
			  xioctl(self->ivs, IVSHMEM_IOC_CREATE, &arg));
	}
}

/* More than there is; what there is can be had afterwards. */
TEST_F(p2p, memory_that_is_all_used_is_enomem)
{
	struct ivshmem_create big = {
		.size = 1ULL << 40, .flags = variant->flags,
	};
	int fds[3], i;

	EXPECT_EQ(-ENOMEM, xioctl(self->ivs, IVSHMEM_IOC_CREATE, &big));
	big.size = 15 << 20;
	for (i = 0; i < 3; i++) {
		fds[i] = xioctl(self->ivs, IVSHMEM_IOC_CREATE, &big) ?: big.fd;
		EXPECT_EQ(i == 2, fds[i] == -ENOMEM);
	}
	close(fds[0]);
	close(fds[1]);
	close(FD(p2p_create_soon(self->ivs, big.size, variant->flags)));
	OK(p2p_move(self->ivs, self->dst, IVSHMEM_SYSTEM));
	OK(p2p_move(self->ivs, self->dst, IVSHMEM_BAR));
}

/* Any length and place, in pieces that the device can do. */
TEST_F(p2p, a_job_of_several_pieces)
{
	unsigned char in[SIZE], out[SIZE];
	struct edu_copy arg = {
		.src = self->src, .dst = self->dst, .in_fence = -1,
		.src_offset = 3000, .dst_offset = 1001, .len = 4500,
	};

	for (size_t i = 0; i < SIZE; i++)
		in[i] = (unsigned char)(i * 7 + i / 256);
	OK(p2p_access(self->ivs, self->src, true, 0, in, SIZE));
	memset(out, OLD, SIZE);
	OK(p2p_access(self->ivs, self->dst, true, 0, out, SIZE));
	OK(xioctl(self->edu[0], EDU_IOC_COPY, &arg));
	OK(p2p_wait(self->dst, SOON_MS));
	OK(p2p_access(self->ivs, self->dst, false, 0, out, SIZE));
	EXPECT_EQ(0, memcmp(out + 1001, in + 3000, 4500));
	EXPECT_EQ(OLD, out[1000]);
	EXPECT_EQ(OLD, out[1001 + 4500]);
}

/* Within one buffer: it is locked once. */
TEST_F(p2p, a_job_within_one_buffer)
{
	struct edu_copy arg = {
		.src = self->src, .dst = self->src, .in_fence = -1,
		.dst_offset = 4096, .len = LEN,
	};
	unsigned char out[LEN];

	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(xioctl(self->edu[0], EDU_IOC_COPY, &arg));
	OK(p2p_wait(self->src, SOON_MS));
	OK(p2p_access(self->ivs, self->src, false, 4096, out, LEN));
	EXPECT_EQ(NEW, all_are(out, LEN));
}

/* Memory that was somebody's does not tell. */
TEST_F(p2p, new_buffers_hold_zeroes)
{
	__u64 at = p2p_info(self->ivs, self->dst).offset;
	unsigned int i;
	int fds[64];
	bool same = false;

	close(self->dst);
	sleep_ms(100);
	/* Other places may be free by now, too: the test before was in some. */
	for (i = 0; i < COUNT(fds) && !same; i++) {
		fds[i] = FD(p2p_create(self->ivs, variant->flags));
		EXPECT_EQ(0, p2p_value(self->ivs, fds[i]));
		same = p2p_info(self->ivs, fds[i]).offset == at;
	}
	EXPECT_TRUE(same);
	while (--i)
		close(fds[i]);
	self->dst = fds[0];
}

TEST_HARNESS_MAIN

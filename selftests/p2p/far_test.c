// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers of more than 4 GiB in one piece, in a device of 16 GiB, whose file at the
 * host is sparse: what is written at their ends, and where their table is split, is
 * in the right place of that file, and nowhere else.
 */
#include "p2p.h"

#define GIB	(1ULL << 30)
#define FAR	(4 * GIB + (2 << 20))

FIXTURE(far) {
	int ivs;
	int edu[2];
	int near;
	int far;
	__u64 at;
};

FIXTURE_VARIANT(far) {
	__u32 flags;
	int edu;
};

FIXTURE_VARIANT_ADD(far, pages_edu0) { .flags = 0, .edu = 0 };
FIXTURE_VARIANT_ADD(far, pages_edu1) { .flags = 0, .edu = 1 };
FIXTURE_VARIANT_ADD(far, pageless_edu0)
{
	.flags = IVSHMEM_PAGELESS, .edu = 0,
};

FIXTURE_VARIANT_ADD(far, pageless_edu1)
{
	.flags = IVSHMEM_PAGELESS, .edu = 1,
};

FIXTURE_SETUP(far)
{
	self->ivs = FD(xopen("/dev/ivshmem-p2p"));
	self->edu[0] = FD(xopen("/dev/edu0"));
	self->edu[1] = FD(xopen("/dev/edu1"));
	self->near = FD(p2p_create(self->ivs, variant->flags));
	self->far = FD(p2p_create_soon(self->ivs, FAR,
				       variant->flags | IVSHMEM_WHOLE));
	self->at = p2p_info(self->ivs, self->far).offset;
}

FIXTURE_TEARDOWN(far)
{
	close(self->far);
	close(self->near);
	close(self->edu[1]);
	close(self->edu[0]);
	close(self->ivs);
}

/* At the beginning, on both sides of where entries may end, at the end. */
static const __u64 places[] = {
	0, 2 * GIB - 4096, 2 * GIB, 4 * GIB - 8192, 4 * GIB - 4096, 4 * GIB,
	FAR - LEN,
};

static int copy(int edu, int src, __u64 from, int dst, __u64 to)
{
	struct edu_copy arg = {
		.src = src, .src_offset = from, .dst = dst, .dst_offset = to,
		.len = LEN, .in_fence = -1,
	};

	return xioctl(edu, EDU_IOC_COPY, &arg) ?: p2p_wait(dst, SOON_MS);
}

TEST_F(far, every_part_is_where_it_belongs)
{
	int edu = self->edu[variant->edu];
	__u64 address;
	size_t i;

	/* More than one entry, each of which has a length of 32 bits. */
	EXPECT_GE(edu_map(edu, self->far, &address), 2);
	for (i = 0; i < COUNT(places); i++)
		OK(bar_fill(self->ivs, self->at + places[i], OLD));
	for (i = 0; i < COUNT(places); i++) {
		OK(p2p_fill(self->ivs, self->near, (unsigned char)(NEW + i)));
		OK(copy(edu, self->near, 0, self->far, places[i]));
	}
	for (i = 0; i < COUNT(places); i++)
		EXPECT_EQ(NEW + (int)i,
			  bar_value(self->ivs, self->at + places[i]))
			TH_LOG("at %llx", places[i]);
}

TEST_F(far, every_part_is_read_from_where_it_is)
{
	int edu = self->edu[variant->edu];
	size_t i;

	for (i = 0; i < COUNT(places); i++)
		OK(bar_fill(self->ivs, self->at + places[i],
			    (unsigned char)(POISON + i)));
	for (i = 0; i < COUNT(places); i++) {
		OK(copy(edu, self->far, places[i], self->near, 0));
		EXPECT_EQ(POISON + (int)i, p2p_value(self->ivs, self->near))
			TH_LOG("at %llx", places[i]);
	}
}

/* There is no room for it elsewhere. */
TEST_F(far, it_stays_where_it_is)
{
	EXPECT_EQ(-EBUSY, p2p_move(self->ivs, self->far, IVSHMEM_SYSTEM));
	EXPECT_EQ(IVSHMEM_BAR, p2p_info(self->ivs, self->far).place);
}

TEST_HARNESS_MAIN

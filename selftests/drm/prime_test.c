// SPDX-License-Identifier: GPL-2.0-only
/*
 * One buffer, two devices: what is imported on one side is what the driver on the
 * other side waits for, and the other way round.
 */
#include "devices.h"

struct shared {
	int source;		/* the device that has made the buffer, or -1 */
	int target;		/* the device that it was given to */
	int dmabuf;		/* as the source gave it away */
	int imported;		/* as the target gives it away in turn */
	__u32 handle;		/* of the target */
	int one;
	int two;
	int test;
};

static int make_shared(struct shared *self, const char *source,
		       const char *target)
{
	__u32 made;
	int ret;

	memset(self, 0xff, sizeof(*self));
	prctl(PR_SET_NAME, "t");
	self->target = device_open(target);
	if (self->target < 0)
		return self->target;
	if (!strcmp(source, "udmabuf")) {
		self->dmabuf = udmabuf_create(4096);
	} else {
		self->source = device_open(source);
		if (self->source < 0)
			return self->source;
		ret = dumb_create(self->source, 64, 16, &made, NULL);
		if (ret)
			return ret;
		self->dmabuf = prime_export(self->source, made);
	}
	if (self->dmabuf < 0)
		return self->dmabuf;
	ret = prime_import(self->target, self->dmabuf, &self->handle);
	if (ret)
		return ret;
	self->imported = prime_export(self->target, self->handle);
	self->one = timeline_open();
	self->two = timeline_open();
	self->test = xopen("/dev/dma_resv_test");
	return self->imported < 0 || self->one < 0 || self->two < 0 ||
	       self->test < 0 ? -EIO : 0;
}

static void drop_buffer(struct shared *self)
{
	close(self->imported);
	close(self->dmabuf);
	close(self->target);
	close(self->source);
	self->imported = -1;
	self->dmabuf = -1;
	self->target = -1;
	self->source = -1;
}

static void drop_shared(struct shared *self)
{
	drop_buffer(self);
	close(self->one);
	close(self->two);
	close(self->test);
}

/* Any two devices. */
FIXTURE(shared) {
	struct shared s;
};

FIXTURE_VARIANT(shared) {
	const char *source;
	const char *target;
};

/* To vgem, which lets user space attach and signal a driver's fence. */
FIXTURE(driven) {
	struct shared s;
};

FIXTURE_VARIANT(driven) {
	const char *source;
};

#define PAIR(from, to) \
	FIXTURE_VARIANT_ADD(shared, from##_to_##to) { \
		.source = #from, .target = #to }
#define FROM(from) \
	FIXTURE_VARIANT_ADD(driven, from##_to_vgem) { .source = #from }

PAIR(udmabuf, vgem);
PAIR(udmabuf, vkms);
PAIR(vgem, vgem);
PAIR(vgem, vkms);
PAIR(vkms, vgem);
PAIR(vkms, vkms);
PAIR(virtio_gpu, vgem);
PAIR(virtio_gpu, vkms);

FROM(udmabuf);
FROM(vgem);
FROM(vkms);
FROM(virtio_gpu);

FIXTURE_SETUP(shared)
{
	int ret = make_shared(&self->s, variant->source, variant->target);

	if (ret == -ENODEV)
		SKIP(return, "one of the two devices is not here");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(shared)
{
	drop_shared(&self->s);
}

FIXTURE_SETUP(driven)
{
	int ret = make_shared(&self->s, variant->source, "vgem");

	if (ret == -ENODEV)
		SKIP(return, "one of the two devices is not here");
	ASSERT_EQ(0, ret);
}

FIXTURE_TEARDOWN(driven)
{
	drop_shared(&self->s);
}

/* I1: across devices a buffer has one reservation object. */
TEST_F(shared, i1_writer_is_seen_through_the_other_device)
{
	int before;

	OK(import_fence(self->s.dmabuf, self->s.one, 1, WRITE));
	EXPECT_FALSE(is_ready(self->s.imported, POLLIN));
	before = FD(dmabuf_export(self->s.imported, READ));
	EXPECT_FALSE(is_ready(before, POLLIN));
	OK(timeline_inc(self->s.one, 1));
	EXPECT_EQ(1, wait_for(before, POLLIN, 5000));
	EXPECT_EQ(1, wait_for(self->s.imported, POLLOUT, 5000));
	close(before);
}

/* I1: the same the other way, and only writers wait for a reader. */
TEST_F(shared, i1_reader_of_the_other_device_holds_writers_only)
{
	int reads, writes;

	OK(import_fence(self->s.imported, self->s.one, 1, READ));
	reads = FD(dmabuf_export(self->s.dmabuf, READ));
	writes = FD(dmabuf_export(self->s.dmabuf, WRITE));
	EXPECT_TRUE(is_ready(reads, POLLIN));
	EXPECT_FALSE(is_ready(writes, POLLIN));
	OK(timeline_inc(self->s.one, 1));
	EXPECT_EQ(1, wait_for(writes, POLLIN, 5000));
	close(writes);
	close(reads);
}

/* I1: the driver of the other device refuses to go on before the fence. */
TEST_F(driven, i1_driver_waits_for_what_was_imported_elsewhere)
{
	__u32 fence;

	OK(import_fence(self->s.dmabuf, self->s.one, 1, WRITE));
	EXPECT_EQ(-EBUSY, vgem_attach(self->s.target, self->s.handle, false,
				      &fence));
	OK(timeline_inc(self->s.one, 1));
	OK(vgem_attach(self->s.target, self->s.handle, false, &fence));
	OK(vgem_signal(self->s.target, fence));
}

/* E1, E2: what the other device's driver attaches is in an export here. */
TEST_F(driven, e1_fence_of_the_other_driver_is_exported)
{
	int reads, writes;
	__u32 fence;

	OK(vgem_attach(self->s.target, self->s.handle, true, &fence));
	reads = FD(dmabuf_export(self->s.dmabuf, READ));
	EXPECT_FALSE(is_ready(reads, POLLIN));
	OK(vgem_signal(self->s.target, fence));
	EXPECT_EQ(1, wait_for(reads, POLLIN, 5000));
	close(reads);

	OK(vgem_attach(self->s.target, self->s.handle, false, &fence));
	reads = FD(dmabuf_export(self->s.dmabuf, READ));
	writes = FD(dmabuf_export(self->s.dmabuf, WRITE));
	EXPECT_TRUE(is_ready(reads, POLLIN));
	EXPECT_FALSE(is_ready(writes, POLLIN));
	OK(vgem_signal(self->s.target, fence));
	EXPECT_EQ(1, wait_for(writes, POLLIN, 5000));
	close(writes);
	close(reads);
}

/* I2: a driver's fence and imports of both sides stand beside each other. */
TEST_F(driven, i2_import_keeps_the_fence_of_the_other_driver)
{
	__u32 fence;
	int all;

	OK(vgem_attach(self->s.target, self->s.handle, true, &fence));
	OK(import_fence(self->s.dmabuf, self->s.one, 1, WRITE));
	OK(import_fence(self->s.imported, self->s.two, 1, WRITE));
	all = FD(dmabuf_export(self->s.dmabuf, READ));
	EXPECT_EQ(3, sync_count(all));
	OK(timeline_inc(self->s.one, 1));
	OK(timeline_inc(self->s.two, 1));
	EXPECT_FALSE(is_ready(all, POLLIN));
	OK(vgem_signal(self->s.target, fence));
	EXPECT_EQ(1, wait_for(all, POLLIN, 5000));
	close(all);
}

/* The source goes away while a fence is pending: the buffer lives on. */
TEST_F(shared, source_closed_in_the_middle)
{
	int after;

	OK(import_fence(self->s.dmabuf, self->s.one, 1, WRITE));
	close(self->s.dmabuf);
	close(self->s.source);
	self->s.dmabuf = -1;
	self->s.source = -1;
	after = FD(dmabuf_export(self->s.imported, READ));
	EXPECT_FALSE(is_ready(after, POLLIN));
	OK(timeline_inc(self->s.one, 1));
	EXPECT_EQ(1, wait_for(after, POLLIN, 5000));
	close(after);
}

/* All descriptors of the buffer go; an export that was made before stays. */
TEST_F(shared, buffer_closed_in_the_middle)
{
	int before;

	OK(import_fence(self->s.dmabuf, self->s.one, 1, WRITE));
	before = FD(dmabuf_export(self->s.imported, WRITE));
	OK(handle_close(self->s.target, self->s.handle));
	drop_buffer(&self->s);
	EXPECT_FALSE(is_ready(before, POLLIN));
	OK(timeline_inc(self->s.one, 1));
	EXPECT_EQ(1, wait_for(before, POLLIN, 5000));
	close(before);
}

/* I4: both sides again and again, and the list stays as short as it was. */
TEST_F(shared, i4_imports_of_both_sides_stay_bounded)
{
	for (__u32 i = 1; i <= 200; i++) {
		OK(import_fence(self->s.dmabuf, self->s.one, i, WRITE));
		OK(import_fence(self->s.imported, self->s.two, i, READ));
	}
	EXPECT_EQ(2, resv_list(self->s.test, self->s.dmabuf, NULL, 0));
	EXPECT_EQ(2, resv_list(self->s.test, self->s.imported, NULL, 0));
}

TEST_HARNESS_MAIN

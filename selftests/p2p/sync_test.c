// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences and data: what a device writes into another device's memory is there when
 * the fence says so, and not before it may be.
 */
#include "p2p.h"

TEST_F(p2p, b2_import_and_export_need_no_attachment)
{
	int fence = FD(timeline_fence(self->line, 1)), out;
	struct ivshmem_info info;

	OK(p2p_import(self->dst, fence, WRITE));
	out = FD(dmabuf_export(self->dst, READ));
	EXPECT_FALSE(is_ready(out, POLLIN));
	OK(timeline_inc(self->line, 1));
	EXPECT_TRUE(is_ready(out, POLLIN));

	info = p2p_info(self->ivs, self->dst);
	EXPECT_EQ(IVSHMEM_BAR, info.place);
	EXPECT_EQ(0, info.mappings);
	EXPECT_EQ(0, info.pins);
	EXPECT_EQ(0, info.moves);
	EXPECT_EQ(0, edu_stat(self->edu[0]).imports);
	close(out);
	close(fence);
}

TEST_F(p2p, b2_import_and_export_on_a_pinned_buffer)
{
	int fence = FD(timeline_fence(self->line, 1)), out;

	OK(edu_pin(self->edu[0], self->dst, true));
	OK(p2p_import(self->dst, fence, WRITE));
	out = FD(dmabuf_export(self->dst, READ));
	EXPECT_FALSE(is_ready(out, POLLIN));
	OK(timeline_inc(self->line, 1));
	EXPECT_TRUE(is_ready(out, POLLIN));
	OK(edu_pin(self->edu[0], self->dst, false));
	close(out);
	close(fence);
}

/* What is there at the very moment at which the fence has signaled. */
TEST_F(p2p, e1_data_has_landed_when_an_exported_fence_signals)
{
	struct edu_stat before = edu_stat(self->edu[0]), after;
	int fence, value;
	__u64 at;

	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	at = p2p_info(self->ivs, self->dst).offset;
	fence = FD(dmabuf_export(self->dst, READ));
	EXPECT_FALSE(is_ready(fence, POLLIN));
	EXPECT_EQ(1, wait_for(fence, POLLIN, SOON_MS));
	value = p2p_value(self->ivs, self->dst);
	EXPECT_EQ(NEW, value);
	EXPECT_EQ(IVSHMEM_BAR, p2p_info(self->ivs, self->dst).place);
	EXPECT_EQ(NEW, bar_value(self->ivs, at));

	after = edu_stat(self->edu[0]);
	EXPECT_EQ(before.in_hardirq + 1, after.in_hardirq);
	EXPECT_EQ(before.errors, after.errors);
	close(fence);
}

/* A reader of the source does not wait for a job that reads it, a writer does. */
TEST_F(p2p, e1_a_job_that_reads_is_in_the_way_of_writers_alone)
{
	int reader, writer;

	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	reader = FD(dmabuf_export(self->src, READ));
	writer = FD(dmabuf_export(self->src, WRITE));
	EXPECT_TRUE(is_ready(reader, POLLIN));
	EXPECT_FALSE(is_ready(writer, POLLIN));
	EXPECT_EQ(1, wait_for(writer, POLLIN, SOON_MS));
	close(reader);
	close(writer);
}

/* A job that did not wait would have read, and written, what is there before. */
TEST_F(p2p, i1_an_imported_write_holds_back_a_job_that_reads)
{
	int fence = FD(timeline_fence(self->line, 1));

	OK(p2p_import(self->src, fence, WRITE));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	sleep_ms(2 * JOB_MS);
	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(timeline_inc(self->line, 1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	close(fence);
}

TEST_F(p2p, i1_an_imported_read_holds_back_a_job_that_writes)
{
	int fence = FD(timeline_fence(self->line, 1));

	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(p2p_import(self->dst, fence, READ));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	sleep_ms(2 * JOB_MS);
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
	OK(timeline_inc(self->line, 1));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	close(fence);
}

/* An explicit job leaves implicit clients alone. */
TEST_F(p2p, e1_an_explicit_job_is_not_in_the_way_of_implicit_clients)
{
	int out, fence;

	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_IN | EDU_EXPLICIT_OUT, -1));
	fence = FD(dmabuf_export(self->dst, RW));
	EXPECT_TRUE(is_ready(fence, POLLIN));
	EXPECT_FALSE(is_ready(out, POLLIN));
	EXPECT_EQ(1, wait_for(out, POLLIN, SOON_MS));
	close(fence);
	close(out);
}

/*
 * A fence with an error: of a timeline that was closed. An in-fence cancels the
 * job, one in the dma_resv does not.
 */
TEST_F(p2p, errors_of_an_in_fence_cancel_the_job)
{
	int line = FD(timeline_open()), fence = FD(timeline_fence(line, 1));
	int out;

	OK(p2p_fill(self->ivs, self->src, NEW));
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_IN | EDU_EXPLICIT_OUT, fence));
	close(line);
	EXPECT_EQ(1, wait_for(out, POLLIN, SOON_MS));
	EXPECT_EQ(-ECANCELED, sync_status(out));
	EXPECT_EQ(OLD, p2p_value(self->ivs, self->dst));
	close(out);
	close(fence);
}

TEST_F(p2p, errors_of_an_imported_fence_do_not_cancel_jobs)
{
	int line = FD(timeline_open()), fence = FD(timeline_fence(line, 1));

	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(p2p_import(self->src, fence, WRITE));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	close(line);
	EXPECT_EQ(-ENOENT, sync_status(fence));
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	close(fence);
}

TEST_F(p2p, many_p2p_and_system_buffers_in_one_call)
{
	int sys = FD(udmabuf_create(SIZE)), fence, all, out;
	struct dma_buf_sync_entry entries[] = {
		{ .dmabuf = self->dst, .flags = READ },
		{ .dmabuf = sys, .flags = READ },
	};
	struct dma_buf_sync_many arg = {
		.entries = (uintptr_t)entries, .count = 2, .export_fd = -1,
	};

	/* Both, each with a fence of its own. */
	fence = FD(timeline_fence(self->line, 1));
	OK(p2p_fill(self->ivs, self->src, NEW));
	OK(edu_copy(self->edu[0], self->src, self->dst, 0, -1));
	OK(p2p_import(sys, fence, WRITE));
	OK(xioctl(self->dst, DMA_BUF_IOCTL_EXPORT_MANY, &arg));
	all = FD(arg.export_fd);
	OK(p2p_wait(self->dst, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	EXPECT_FALSE(is_ready(all, POLLIN));
	OK(timeline_inc(self->line, 1));
	EXPECT_TRUE(is_ready(all, POLLIN));
	close(all);

	/* And the fence of a job, into both. */
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_OUT, -1));
	entries[0].flags = WRITE;
	entries[1].flags = WRITE;
	arg = (struct dma_buf_sync_many){
		.entries = (uintptr_t)entries, .count = 2, .import_fd = out,
		.export_fd = -1,
	};
	OK(xioctl(sys, DMA_BUF_IOCTL_IMPORT_MANY, &arg));
	EXPECT_EQ(-ETIME, p2p_wait(sys, 0));
	EXPECT_EQ(-ETIME, p2p_wait(self->dst, 0));
	OK(p2p_wait(sys, SOON_MS));
	EXPECT_EQ(1, sync_status(out));
	close(out);
	close(fence);
	close(sys);
}

/*
 * A producer on one device, a consumer on the other, each of them with fences of
 * its own (explicit) or with those of the buffer (implicit).
 */
FIXTURE(pair) {
	int ivs;
	int producer;
	int consumer;
	int first;
	int shared;
	int last;
};

FIXTURE_VARIANT(pair) {
	int producer;
	bool out;
	bool in;
	__u32 flags;
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_implicit_implicit)
{
	.producer = 0, .out = false, .in = false,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_implicit_implicit_pageless)
{
	.producer = 0, .out = false, .in = false, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_implicit_explicit)
{
	.producer = 0, .out = false, .in = true,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_implicit_explicit_pageless)
{
	.producer = 0, .out = false, .in = true, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_explicit_implicit)
{
	.producer = 0, .out = true, .in = false,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_explicit_implicit_pageless)
{
	.producer = 0, .out = true, .in = false, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_explicit_explicit)
{
	.producer = 0, .out = true, .in = true,
};

FIXTURE_VARIANT_ADD(pair, edu0_to_edu1_explicit_explicit_pageless)
{
	.producer = 0, .out = true, .in = true, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_implicit_implicit)
{
	.producer = 1, .out = false, .in = false,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_implicit_implicit_pageless)
{
	.producer = 1, .out = false, .in = false, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_implicit_explicit)
{
	.producer = 1, .out = false, .in = true,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_implicit_explicit_pageless)
{
	.producer = 1, .out = false, .in = true, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_explicit_implicit)
{
	.producer = 1, .out = true, .in = false,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_explicit_implicit_pageless)
{
	.producer = 1, .out = true, .in = false, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_explicit_explicit)
{
	.producer = 1, .out = true, .in = true,
};

FIXTURE_VARIANT_ADD(pair, edu1_to_edu0_explicit_explicit_pageless)
{
	.producer = 1, .out = true, .in = true, .flags = IVSHMEM_PAGELESS,
};

FIXTURE_SETUP(pair)
{
	self->ivs = FD(xopen("/dev/ivshmem-p2p"));
	self->producer = FD(xopen(variant->producer ? "/dev/edu1" :
				  "/dev/edu0"));
	self->consumer = FD(xopen(variant->producer ? "/dev/edu0" :
				  "/dev/edu1"));
	self->first = FD(p2p_create(self->ivs, variant->flags));
	self->shared = FD(p2p_create(self->ivs, variant->flags));
	self->last = FD(p2p_create(self->ivs, variant->flags));
	OK(p2p_fill(self->ivs, self->first, NEW));
	OK(p2p_fill(self->ivs, self->shared, OLD));
	OK(p2p_fill(self->ivs, self->last, OLD));
}

FIXTURE_TEARDOWN(pair)
{
	close(self->last);
	close(self->shared);
	close(self->first);
	close(self->consumer);
	close(self->producer);
	close(self->ivs);
}

TEST_F(pair, the_consumer_reads_what_the_producer_wrote)
{
	int fence = -1;

	fence = edu_copy(self->producer, self->first, self->shared,
			 variant->out ? EDU_EXPLICIT_OUT : 0, -1);
	ASSERT_GE(fence, 0);
	if (variant->out && !variant->in)
		OK(p2p_import(self->shared, fence, WRITE));
	if (!variant->out && variant->in)
		fence = FD(dmabuf_export(self->shared, READ));
	OK(edu_copy(self->consumer, self->shared, self->last,
		    variant->in ? EDU_EXPLICIT_IN : 0,
		    variant->in ? fence : -1));
	OK(p2p_wait(self->last, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->last));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->shared));
}

/* Else the tests above would say nothing: the consumer overtakes the producer. */
TEST_F(p2p, nothing_but_fences_orders_the_devices)
{
	int fence = FD(timeline_fence(self->line, 1)), out, ahead;

	if (!reaches(1))
		SKIP(return, "the buffer moves, and that waits");
	OK(p2p_fill(self->ivs, self->src, NEW));
	ahead = FD(p2p_create(self->ivs, variant->flags));
	out = FD(edu_copy(self->edu[0], self->src, self->dst,
			  EDU_EXPLICIT_IN | EDU_EXPLICIT_OUT, fence));
	OK(edu_copy(self->edu[1], self->dst, ahead, EDU_EXPLICIT_IN, -1));
	OK(p2p_wait(ahead, SOON_MS));
	EXPECT_EQ(OLD, p2p_value(self->ivs, ahead));
	EXPECT_FALSE(is_ready(out, POLLIN));
	OK(timeline_inc(self->line, 1));
	EXPECT_EQ(1, wait_for(out, POLLIN, SOON_MS));
	EXPECT_EQ(NEW, p2p_value(self->ivs, self->dst));
	close(out);
	close(ahead);
	close(fence);
}

TEST_HARNESS_MAIN

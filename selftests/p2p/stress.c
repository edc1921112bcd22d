// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs of two devices, moves, imports and closed buffers at random, for some
 * seconds. Every buffer's content is known at any time: whatever the devices do,
 * implicit fences make it as if one thing had come after the other.
 */
#include "p2p.h"

#define BUFFERS		5
#define SECONDS		6

struct buffer {
	int fd;
	int value;
};

struct rig {
	int ivs;
	int edu[2];
	int line;
	__u32 signaled;
	struct buffer buffer[BUFFERS];
	struct mover mover;
	bool moving;
	unsigned int jobs, moves, imports, checks;
};

static int failed;

#define CHECK(expr, ...) \
	do { \
		if (!(expr)) { \
			printf("# %s:%d: %s: ", __FILE__, __LINE__, #expr); \
			printf(__VA_ARGS__); \
			printf("\n"); \
			failed = 1; \
		} \
	} while (0)

static void create(struct rig *rig, int i)
{
	struct buffer *buffer = &rig->buffer[i];

	buffer->fd = p2p_create(rig->ivs, rand() % 2 ? IVSHMEM_PAGELESS : 0);
	CHECK(buffer->fd >= 0, "%d", buffer->fd);
	buffer->value = rand() % 256;
	p2p_fill(rig->ivs, buffer->fd, (unsigned char)buffer->value);
}

/* The buffer may move, or be written, at the same time. */
static void copy(struct rig *rig)
{
	struct buffer *src = &rig->buffer[rand() % BUFFERS];
	struct buffer *dst = &rig->buffer[rand() % BUFFERS];
	int ret;

	if (src == dst)
		return;
	ret = edu_copy(rig->edu[rand() % 2], src->fd, dst->fd, 0, -1);
	CHECK(!ret, "%d", ret);
	dst->value = src->value;
	rig->jobs++;
}

/* An explicit job in between: its fence is imported, as a compositor does. */
static void explicit_copy(struct rig *rig)
{
	struct buffer *src = &rig->buffer[rand() % BUFFERS];
	struct buffer *dst = &rig->buffer[rand() % BUFFERS];
	int in, out, ret;

	if (src == dst)
		return;
	/* Before the job: it waits for one fence, of both buffers. */
	in = dmabuf_export(src->fd, READ);
	ret = dmabuf_export(dst->fd, WRITE);
	CHECK(in >= 0 && ret >= 0, "%d %d", in, ret);
	out = sync_merge(in, ret);
	close(in);
	close(ret);
	in = out;
	out = edu_copy(rig->edu[rand() % 2], src->fd, dst->fd,
		       EDU_EXPLICIT_IN | EDU_EXPLICIT_OUT, in);
	CHECK(out >= 0, "%d", out);
	close(in);
	ret = dmabuf_import(src->fd, out, READ);
	CHECK(!ret, "%d", ret);
	ret = p2p_import(dst->fd, out, WRITE);
	CHECK(!ret, "%d", ret);
	close(out);
	dst->value = src->value;
	rig->jobs++;
	rig->imports++;
}

static void join_mover(struct rig *rig)
{
	if (!rig->moving)
		return;
	mover_join(&rig->mover);
	CHECK(!rig->mover.ret || rig->mover.ret == -ENOMEM, "%d",
	      rig->mover.ret);
	rig->moving = false;
}

static void move(struct rig *rig)
{
	join_mover(rig);
	mover_start(&rig->mover, rig->ivs, rig->buffer[rand() % BUFFERS].fd,
		    rand() % 2 ? IVSHMEM_BAR : IVSHMEM_SYSTEM);
	rig->moving = true;
	rig->moves++;
}

/* A fence of user space that signals at the next step but one. */
static void import(struct rig *rig)
{
	int fence = timeline_fence(rig->line, rig->signaled + 2), ret;

	ret = dmabuf_import(rig->buffer[rand() % BUFFERS].fd, fence,
			    rand() % 2 ? WRITE : READ);
	CHECK(!ret, "%d", ret);
	close(fence);
	rig->imports++;
}

static void check(struct rig *rig, int i)
{
	struct buffer *buffer = &rig->buffer[i];
	int ret;

	/* No fence of ours is left that the buffer's jobs may wait for. */
	timeline_inc(rig->line, 2);
	rig->signaled += 2;
	ret = p2p_wait(buffer->fd, 60000);
	CHECK(!ret, "%d", ret);
	ret = p2p_value(rig->ivs, buffer->fd);
	CHECK(ret == buffer->value, "buffer %d is %d, not %d", i, ret,
	      buffer->value);
	rig->checks++;
}

static void again(struct rig *rig)
{
	int i = rand() % BUFFERS;

	/* A mover may have its descriptor. */
	join_mover(rig);
	close(rig->buffer[i].fd);
	create(rig, i);
}

static void step(struct rig *rig)
{
	/*
	 * Imports hold back moves, which hold back submits: signal before
	 * anything that may wait.
	 */
	timeline_inc(rig->line, 2);
	rig->signaled += 2;
	switch (rand() % 8) {
	case 0:
	case 1:
	case 2:
		return copy(rig);
	case 3:
		return explicit_copy(rig);
	case 4:
		return move(rig);
	case 5:
		return import(rig);
	case 6:
		return check(rig, rand() % BUFFERS);
	default:
		return again(rig);
	}
}

int main(int argc, char **argv)
{
	unsigned int seed = argc > 1 ? (unsigned int)atoi(argv[1]) :
			    (unsigned int)now_ns();
	struct rig rig = {
		.ivs = xopen("/dev/ivshmem-p2p"),
		.edu = { xopen("/dev/edu0"), xopen("/dev/edu1") },
		.line = timeline_open(),
	};
	uint64_t end = now_ns() + SECONDS * 1000000000ULL;
	int i;

	printf("TAP version 13\n# seed %u\n", seed);
	srand(seed);
	for (i = 0; i < BUFFERS; i++)
		create(&rig, i);
	while (!failed && now_ns() < end)
		step(&rig);
	timeline_inc(rig.line, 2);
	rig.signaled += 2;
	join_mover(&rig);
	for (i = 0; i < BUFFERS; i++)
		check(&rig, i);
	CHECK(rig.jobs && rig.checks, "nothing was done");
	CHECK(!edu_stat(rig.edu[0]).errors && !edu_stat(rig.edu[1]).errors,
	      "jobs failed");
	printf("# %u jobs, %u moves, %u imports, %u checks\n", rig.jobs,
	       rig.moves, rig.imports, rig.checks);
	printf("%sok 1 two devices, moves and imports at random\n1..1\n",
	       failed ? "not " : "");
	return failed;
}

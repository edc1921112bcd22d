// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's side of the demo of device memory: edu0 passes a buffer in ivshmem's
 * BAR to edu1. Usage: p2p EVENTS. Says what happens, and appends it to EVENTS for
 * timeline.py.
 */
#include "../selftests/p2p/p2p.h"

#define PRODUCER	"producer edu0"
#define CONSUMER	"consumer edu1"
#define MOVER		"consumer: move"

static FILE *events;
static int scene;

static void event(const char *lane, const char *what, uint64_t begin,
		  uint64_t end)
{
	fprintf(events, "device memory\t%d\t%s\t%s\t%llu\t%llu\n", scene, lane,
		what, (unsigned long long)begin, (unsigned long long)end);
}

static int check(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "p2p: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static void say_data(int ivs, int buffer, __u64 at)
{
	printf("   data: %#x by the guest's CPU, %#x in the host's file\n",
	       (unsigned int)check(p2p_value(ivs, buffer), "read the buffer"),
	       (unsigned int)check(bar_value(ivs, at), "read the file"));
}

/* edu0 writes, and leaves its fence behind in the buffer: that as a sync_file. */
static int produce(const int *edu, int first, int shared, __u32 flags)
{
	int out = check(edu_copy(edu[0], first, shared, EDU_EXPLICIT_OUT, -1),
			"edu0's job");

	check(dmabuf_import(shared, out, flags), "import");
	event(PRODUCER, "IMPORT", now_ns(), now_ns());
	return out;
}

/* One producer with a sync_file, one consumer that relies on the buffer. */
static void pass(int ivs, const int *edu, int first, int shared, int last)
{
	uint64_t begin, written, read;
	int out;

	printf("1. edu0 writes into ivshmem's memory, edu1 reads from there\n");
	begin = now_ns();
	out = produce(edu, first, shared, WRITE);
	check(edu_copy(edu[1], shared, last, 0, -1), "edu1's job");
	printf("   both jobs are submitted after %.1f ms, nobody has waited\n",
	       ms(now_ns() - begin));
	check(wait_for(out, POLLIN, SOON_MS) - 1, "wait for edu0");
	written = now_ns();
	check(p2p_wait(last, SOON_MS), "wait for edu1");
	read = now_ns();
	printf("   edu0 has written after %.0f ms, edu1 has read after %.0f ms\n",
	       ms(written - begin), ms(read - begin));
	say_data(ivs, last, p2p_info(ivs, last).offset);
	event(PRODUCER, "rendering", begin, written);
	event("buffer", "WRITE fence", begin, written);
	event(CONSUMER, "wait", begin, written);
	event(CONSUMER, "reading", written, read);
	close(out);
}

static void move_in_flight(int ivs, const int *edu, int first, int shared)
{
	__u64 at = p2p_info(ivs, shared).offset;
	uint64_t begin, moved;
	int out;

	printf("2. the buffer moves to system memory while edu0 writes into it\n");
	begin = now_ns();
	out = produce(edu, first, shared, READ);
	check(p2p_move(ivs, shared, IVSHMEM_SYSTEM), "move");
	moved = now_ns();
	check(bar_fill(ivs, at, POISON), "poison");
	printf("   the move has waited %.0f ms for edu0's fence\n",
	       ms(moved - begin));
	sleep_ms(2 * JOB_MS);
	printf("   the old place is somebody else's: %#x, and stays so\n",
	       (unsigned int)check(bar_value(ivs, at), "read the old place"));
	printf("   data: %#x in system memory\n",
	       (unsigned int)check(p2p_value(ivs, shared), "read the buffer"));
	event(PRODUCER, "rendering", begin, moved);
	event("buffer", "READ fence", begin, moved);
	event(MOVER, "wait", begin, moved);
	close(out);
}

int main(int argc, char **argv)
{
	int edu[2], ivs, first, shared, last;

	if (argc != 2)
		return 2;
	events = fopen(argv[1], "a");
	check(events ? 0 : -errno, argv[1]);
	ivs = check(xopen("/dev/ivshmem-p2p"), "ivshmem");
	edu[0] = check(xopen("/dev/edu0"), "edu0");
	edu[1] = check(xopen("/dev/edu1"), "edu1");
	first = check(p2p_create(ivs, 0), "create");
	shared = check(p2p_create(ivs, IVSHMEM_PAGELESS), "create");
	last = check(p2p_create(ivs, 0), "create");
	check(p2p_fill(ivs, first, NEW), "fill");

	pass(ivs, edu, first, shared, last);
	scene++;
	move_in_flight(ivs, edu, first, shared);
	return fclose(events) ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demo's guest side: two processes, real buffers, real fences.
 *
 * Usage: demo MODE EVENTS. Plays the scenes, says who waited for whom and how
 * long, and appends what happened to the file EVENTS for timeline.py.
 */

#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "buffers.h"
#include "dma-buf-sync.h"

#define FRAMES		1000
#define FIRST_DRAWN	500
#define LAST_DRAWN	503
#define EVENTS_MAX	4096
#define WINDOWS		32
#define REPEATS		50

/* One bar or arrow of the picture. */
struct event {
	char lane[24];
	char what[24];
	uint64_t begin;
	uint64_t end;
	int scene;
};

/* Shared by both processes. */
static struct {
	unsigned int count;
	struct event events[EVENTS_MAX];
	uint64_t waited[2];
	uint64_t took;
} *shared;

static int scene;

static void check(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "demo: %s: %s\n", what, strerror(-ret));
	exit(1);
}

static void event(const char *lane, const char *what, uint64_t begin,
		  uint64_t end)
{
	unsigned int i = __atomic_fetch_add(&shared->count, 1,
					    __ATOMIC_RELAXED);
	struct event *e = &shared->events[i];

	if (i >= EVENTS_MAX)
		return;
	snprintf(e->lane, sizeof(e->lane), "%s", lane);
	snprintf(e->what, sizeof(e->what), "%s", what);
	e->begin = begin;
	e->end = end;
	e->scene = scene;
}

/* A buffer of vgem, through which a fence is made, used and signaled. */
struct bo {
	int vgem;
	__u32 handle;
	int dmabuf;
};

static struct bo bo_create(void)
{
	struct bo bo = { .vgem = vgem_open() };

	check(bo.vgem, "open vgem");
	bo.dmabuf = vgem_create(bo.vgem, &bo.handle);
	check(bo.dmabuf, "create a vgem buffer");
	return bo;
}

/* Start work on @bo: returns its fence's number. */
static __u32 work_begin(struct bo *bo, bool write)
{
	__u32 fence;

	check(vgem_attach(bo->vgem, bo->handle, write, &fence),
	      "attach a fence");
	return fence;
}

static void work_end(struct bo *bo, __u32 fence)
{
	check(vgem_signal(bo->vgem, fence), "signal a fence");
}

/* Start work that only a sync_file tells of, as an explicit API has it. */
static int explicit_work_begin(struct bo *job, __u32 *fence)
{
	int fd;

	*fence = work_begin(job, true);
	fd = dmabuf_export(job->dmabuf, DMA_BUF_SYNC_READ);
	check(fd, "export a job's fence");
	return fd;
}

/* Wait, and say for how long. */
static uint64_t timed_wait(int fd, short events)
{
	uint64_t start = now_ns();

	check(wait_for(fd, events, 10000) == 1 ? 0 : -ETIMEDOUT, "wait");
	return now_ns() - start;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

static pid_t child(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	check(pid < 0 ? -errno : 0, "fork");
	return pid;
}

static void finish(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	if (status)
		exit(1);
}

/* IMPORT makes an implicit consumer, who just polls, wait for an explicit job. */
static void explicit_to_implicit(void)
{
	int buffer = udmabuf_create(4096), fence;
	uint64_t begin, now, signaled;
	struct bo job = bo_create();
	__u32 number;
	pid_t pid;

	check(buffer, "create a udmabuf");
	begin = now_ns();
	fence = explicit_work_begin(&job, &number);
	now = now_ns();
	check(dmabuf_import(buffer, fence, DMA_BUF_SYNC_WRITE), "import");
	event("producer (explicit)", "IMPORT", now, now_ns());
	pid = child();
	if (!pid) {
		now = now_ns();
		timed_wait(buffer, POLLIN);
		event("consumer (implicit)", "poll()", now, now_ns());
		shared->waited[0] = now_ns();
		exit(0);
	}
	sleep_ms(300);
	signaled = now_ns();
	work_end(&job, number);
	event("producer (explicit)", "rendering", begin, signaled);
	event("buffer", "WRITE fence", begin, signaled);
	finish(pid);
	printf("  the producer's fence signaled after %.1f ms;\n"
	       "  the consumer's poll() on the buffer returned %.1f ms later\n",
	       ms(signaled - begin), ms(shared->waited[0] - signaled));
}

/* EXPORT lets an explicit consumer wait for an implicit producer's job. */
static void implicit_to_explicit(void)
{
	struct bo bo = bo_create();
	uint64_t begin, now, signaled;
	__u32 number;
	pid_t pid;

	begin = now_ns();
	number = work_begin(&bo, true);
	pid = child();
	if (!pid) {
		int fence;

		now = now_ns();
		fence = dmabuf_export(bo.dmabuf, DMA_BUF_SYNC_READ);
		check(fence, "export");
		event("consumer (explicit)", "EXPORT", now, now_ns());
		now = now_ns();
		timed_wait(fence, POLLIN);
		event("consumer (explicit)", "wait", now, now_ns());
		shared->waited[0] = now_ns();
		exit(0);
	}
	sleep_ms(300);
	signaled = now_ns();
	work_end(&bo, number);
	event("producer (implicit)", "rendering", begin, signaled);
	event("buffer", "WRITE fence", begin, signaled);
	finish(pid);
	printf("  the producer's fence signaled after %.1f ms;\n"
	       "  the consumer's sync_file signaled %.1f ms later\n",
	       ms(signaled - begin), ms(shared->waited[0] - signaled));
}

/* The two ends of the conversation that goes beside the buffer. */
struct talk {
	int from;
	int to;
};

static void tell(const struct talk *talk)
{
	check(write(talk->to, "", 1) == 1 ? 0 : -EPIPE, "tell");
}

static void listen(const struct talk *talk)
{
	char byte;

	check(read(talk->from, &byte, 1) == 1 ? 0 : -EPIPE, "listen");
}

/* Explicit producer: waits for the readers by EXPORT, tells of its own IMPORT. */
static void produce(struct bo *bo, volatile uint32_t *pixel,
		    const struct talk *talk)
{
	struct bo job = bo_create();
	uint32_t frame;

	for (frame = 1; frame <= FRAMES; frame++) {
		bool draw = frame >= FIRST_DRAWN && frame <= LAST_DRAWN;
		uint64_t start = now_ns(), now;
		int acquire, release;
		__u32 number;

		acquire = dmabuf_export(bo->dmabuf, DMA_BUF_SYNC_WRITE);
		check(acquire, "export");
		if (draw)
			event("producer (explicit)", "EXPORT", start, now_ns());
		release = explicit_work_begin(&job, &number);
		now = now_ns();
		check(dmabuf_import(bo->dmabuf, release, DMA_BUF_SYNC_WRITE),
		      "import");
		if (draw)
			event("producer (explicit)", "IMPORT", now, now_ns());
		tell(talk);

		now = now_ns();
		shared->waited[0] += timed_wait(acquire, POLLIN);
		if (draw)
			event("producer (explicit)", "wait", now, now_ns());
		now = now_ns();
		usleep(200);
		*pixel = frame;
		work_end(&job, number);
		if (draw) {
			event("producer (explicit)", "rendering", now,
			      now_ns());
			event("buffer", "WRITE fence", start, now_ns());
		}
		close(acquire);
		close(release);
		listen(talk);
	}
}

/* Implicit consumer: polls the buffer, reads, has a fence while it does. */
static void consume(struct bo *bo, volatile uint32_t *pixel,
		    const struct talk *talk)
{
	uint32_t frame;

	for (frame = 1; frame <= FRAMES; frame++) {
		bool draw = frame >= FIRST_DRAWN && frame <= LAST_DRAWN;
		uint64_t now;
		__u32 number;

		listen(talk);
		now = now_ns();
		shared->waited[1] += timed_wait(bo->dmabuf, POLLIN);
		if (draw)
			event("consumer (implicit)", "poll()", now, now_ns());
		now = now_ns();
		number = work_begin(bo, false);
		tell(talk);
		if (*pixel != frame) {
			fprintf(stderr, "demo: read frame %u, wanted %u\n",
				*pixel, frame);
			exit(1);
		}
		usleep(200);
		if (*pixel != frame) {
			fprintf(stderr, "demo: frame %u was overwritten\n",
				frame);
			exit(1);
		}
		work_end(bo, number);
		if (draw) {
			event("consumer (implicit)", "reading", now, now_ns());
			event("buffer", "READ fence", now, now_ns());
		}
	}
}

/* Both directions, a thousand times: the pixel shows if anybody was too soon. */
static void ping_pong(void)
{
	struct bo bo = bo_create();
	volatile uint32_t *pixel;
	int there[2], back[2];
	struct talk talk;
	uint64_t start;
	pid_t pid;

	pixel = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, bo.dmabuf,
		     0);
	check(pixel == MAP_FAILED ? -errno : 0, "map the buffer");
	check(pipe(there) ? -errno : 0, "pipe");
	check(pipe(back) ? -errno : 0, "pipe");
	memset(shared->waited, 0, sizeof(shared->waited));

	start = now_ns();
	pid = child();
	if (!pid) {
		talk = (struct talk){ .from = there[0], .to = back[1] };
		close(there[1]);
		close(back[0]);
		consume(&bo, pixel, &talk);
		exit(0);
	}
	talk = (struct talk){ .from = back[0], .to = there[1] };
	close(there[0]);
	close(back[1]);
	produce(&bo, pixel, &talk);
	finish(pid);
	shared->took = now_ns() - start;
	printf("  %d frames in %.2f s, each read whole, none overwritten;\n"
	       "  per frame the consumer waited %.2f ms for the producer,\n"
	       "  the producer %.2f ms for the consumer\n",
	       FRAMES, ms(shared->took) / 1e3, ms(shared->waited[1]) / FRAMES,
	       ms(shared->waited[0]) / FRAMES);
}

/* A frame: what it reads, what it draws to, and the fence of that job. */
struct frame {
	struct dma_buf_sync_query can;
	struct dma_buf_sync_entry entries[WINDOWS + 1];
	int done;
};

typedef void (*frame_fn)(const struct frame *frame, int *acquire);

/* What the frame waits for, a call for each buffer and for each two fences. */
static int acquire_each(const struct frame *frame)
{
	int all = -1, one, both, i;

	for (i = 0; i < WINDOWS; i++) {
		one = dmabuf_export(frame->entries[i].dmabuf, DMA_BUF_SYNC_READ);
		check(one, "export");
		if (all < 0) {
			all = one;
			continue;
		}
		both = sync_merge(all, one);
		check(both, "merge");
		close(all);
		close(one);
		all = both;
	}
	return all;
}

static void frame_each(const struct frame *frame, int *acquire)
{
	int i;

	*acquire = acquire_each(frame);
	for (i = 0; i <= WINDOWS; i++)
		check(dmabuf_import(frame->entries[i].dmabuf, frame->done,
				    frame->entries[i].flags), "import");
}

static void frame_many(const struct frame *frame, int *acquire)
{
	struct dma_buf_sync_many many;

	many = dma_buf_sync_many_of(frame->entries, WINDOWS);
	check(dma_buf_sync_export_many(&frame->can, &many), "export of many");
	*acquire = many.export_fd;
	many = dma_buf_sync_many_of(frame->entries, WINDOWS + 1);
	many.import_fd = frame->done;
	check(dma_buf_sync_import_many(&frame->can, &many), "import into many");
}

/* Let a child do a frame, and look at its system calls. */
static void count_calls(const struct frame *frame, frame_fn way,
			uint64_t *calls, uint64_t *closed)
{
	struct __ptrace_syscall_info info;
	int status, acquire;
	pid_t pid = child();

	*calls = 0;
	*closed = 0;
	if (!pid) {
		check(ptrace(PTRACE_TRACEME) ? -errno : 0, "trace");
		kill(getpid(), SIGSTOP);
		way(frame, &acquire);
		close(acquire);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	check(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD) ?
	      -errno : 0, "trace");
	while (WIFSTOPPED(status)) {
		ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info);
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		    info.entry.nr != SYS_exit_group) {
			++*calls;
			*closed += info.entry.nr == SYS_close;
		}
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		waitpid(pid, &status, 0);
	}
	check(status ? -ECHILD : 0, "frame");
}

static void time_frame(const struct frame *frame, frame_fn way, uint64_t *took)
{
	uint64_t start = now_ns();
	int acquire, i;

	for (i = 0; i < REPEATS; i++) {
		way(frame, &acquire);
		close(acquire);
	}
	*took = (now_ns() - start) / REPEATS;
}

static void show_frame(const struct frame *frame, frame_fn way,
		       const char *name)
{
	uint64_t calls, closed, took;

	count_calls(frame, way, &calls, &closed);
	time_frame(frame, way, &took);
	printf("  %-17s %3llu system calls, descriptors: %2llu, %4llu us\n", name,
	       (unsigned long long)calls, (unsigned long long)closed,
	       (unsigned long long)took / 1000);
	event("system calls", name, 0, calls);
	event("descriptors", name, 0, closed);
	event("microseconds", name, 0, took / 1000);
}

/* The frame has to wait for all windows, whichever way it asked. */
static void check_frame(const struct frame *frame, frame_fn way,
			struct bo *windows, const __u32 *fences)
{
	int acquire, i;

	way(frame, &acquire);
	for (i = 0; i < WINDOWS; i++) {
		check(is_ready(acquire, POLLIN) ? -EBUSY : 0, "wait for all");
		work_end(&windows[i], fences[i]);
	}
	timed_wait(acquire, POLLIN);
	close(acquire);
}

/* The buffers of a compositor's frame, one by one and all at once. */
static void compositor(void)
{
	struct bo job = bo_create(), windows[WINDOWS];
	__u32 fences[WINDOWS], number;
	struct frame frame;
	int i;

	for (i = 0; i < WINDOWS; i++) {
		windows[i] = bo_create();
		fences[i] = work_begin(&windows[i], true);
		frame.entries[i].dmabuf = windows[i].dmabuf;
		frame.entries[i].flags = DMA_BUF_SYNC_READ;
	}
	frame.entries[WINDOWS].dmabuf = udmabuf_create(4096);
	check(frame.entries[WINDOWS].dmabuf, "create a udmabuf");
	frame.entries[WINDOWS].flags = DMA_BUF_SYNC_WRITE;
	frame.done = explicit_work_begin(&job, &number);
	check(dma_buf_sync_probe(job.dmabuf, &frame.can), "query");

	show_frame(&frame, frame_each, "a call for each:");
	if (!frame.can.features) {
		printf("  %-17s not in this kernel\n", "a call for many:");
		check_frame(&frame, frame_each, windows, fences);
	} else {
		show_frame(&frame, frame_many, "a call for many:");
		check_frame(&frame, frame_many, windows, fences);
	}
	work_end(&job, number);
}

static void write_events(const char *path, const char *mode)
{
	FILE *file = fopen(path, "a");
	unsigned int i;

	check(file ? 0 : -errno, path);
	for (i = 0; i < shared->count && i < EVENTS_MAX; i++) {
		struct event *e = &shared->events[i];

		fprintf(file, "%s\t%d\t%s\t%s\t%llu\t%llu\n", mode, e->scene,
			e->lane, e->what, (unsigned long long)e->begin,
			(unsigned long long)e->end);
	}
	fprintf(file, "%s\t%d\ttotal\t%d frames\t0\t%llu\n", mode, scene, FRAMES,
		(unsigned long long)shared->took);
	fclose(file);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *title;
		void (*play)(void);
	} scenes[] = {
		{ "explicit producer, implicit consumer: IMPORT, then poll()",
		  explicit_to_implicit },
		{ "implicit producer, explicit consumer: EXPORT, then a sync_file",
		  implicit_to_explicit },
		{ "both, taking turns on one buffer", ping_pong },
		{ "a compositor's frame: 32 busy windows, one output",
		  compositor },
	};

	if (argc != 3)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(shared == MAP_FAILED ? -errno : 0, "mmap");
	printf("served by %s\n", argv[1]);
	for (scene = 0; scene < 4; scene++) {
		printf(" %d. %s\n", scene + 1, scenes[scene].title);
		scenes[scene].play();
	}
	scene = 2;
	write_events(argv[2], argv[1]);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile client, and a bystander whose buffer has nothing to do with it.
 *
 * The client makes the kernel hold and walk as much as it lets it. What needs
 * root, /dev/dma_resv_test, it does first; then it is nobody and goes on.
 */

#include <stdlib.h>
#include <sys/resource.h>

#include "harness.h"

enum { BATCH = 500, NOBODY = 65534 };

static int failed(const char *what, long ret)
{
	printf("%s: %s\n", what, strerror((int)-ret));
	return ret == -ENOMEM ? 3 : 1;
}

static void become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		exit(failed("setresuid", -errno));
}

/* As many descriptors as may be, or @count. */
static void limit_fds(rlim_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = count ? count : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Many buffers, each with that many fences. */
static int fill(unsigned long buffers, unsigned long fences)
{
	int crowd = make_crowd(xopen("/dev/dma_resv_test"), (__u32)fences);
	unsigned long i;

	if (crowd < 0)
		return failed("crowd", crowd);
	limit_fds(0);
	become_nobody();
	for (i = 0; i < buffers; i++) {
		int dmabuf = udmabuf_create(4096), ret;

		ret = dmabuf < 0 ? dmabuf : dmabuf_import(dmabuf, crowd, WRITE);
		if (ret)
			return failed("filling a buffer", ret);
	}
	printf("filled %lu buffers with %lu fences each\n", buffers, fences);
	return 0;
}

/* Fences of vgem, each with a context of its own, from many buffers into one. */
static int mix_contexts(unsigned long count)
{
	int vgem, dmabuf, ret;
	unsigned long done, i;

	become_nobody();
	vgem = vgem_open();
	dmabuf = udmabuf_create(4096);
	if (vgem < 0 || dmabuf < 0)
		return failed("vgem", vgem < 0 ? vgem : dmabuf);
	for (done = 0; done < count; done += BATCH) {
		__u32 handle, fence;
		int source = vgem_create(vgem, &handle), fd;

		if (source < 0)
			return failed("buffer of vgem", source);
		for (i = 0; i < BATCH; i++) {
			ret = vgem_attach(vgem, handle, false, &fence);
			if (ret)
				return failed("fence of vgem", ret);
		}
		fd = dmabuf_export(source, RW);
		ret = fd < 0 ? fd : dmabuf_import(dmabuf, fd, WRITE);
		if (ret)
			return failed("import", ret);
		close(fd);
		close(dmabuf_export(dmabuf, RW));
		close(source);
	}
	printf("%lu contexts went into a buffer\n", done);
	return 0;
}

/* Import a chain of @links links, and a crowd of @count fences, for a while. */
static int containers(unsigned long links, unsigned long count,
		      unsigned long seconds)
{
	int test = xopen("/dev/dma_resv_test"), chain, crowd, dmabuf, ret, fd;
	__s32 one = timeline_fence(timeline_open(), 1);
	uint64_t end = now_ns() + seconds * 1000000000ULL;
	unsigned long rounds = 0;

	chain = make_chain(test, &one, 1, (__u32)links, false);
	crowd = make_crowd(test, (__u32)count);
	if (chain < 0 || crowd < 0)
		return failed("containers", chain < 0 ? chain : crowd);
	become_nobody();
	do {
		dmabuf = udmabuf_create(4096);
		ret = dmabuf_import(dmabuf, chain, WRITE);
		if (!ret)
			ret = dmabuf_import(dmabuf, crowd, READ);
		fd = ret ? ret : dmabuf_export(dmabuf, RW);
		if (fd < 0)
			return failed("containers", fd);
		close(fd);
		close(dmabuf);
		rounds++;
	} while (now_ns() < end);
	printf("%lu rounds of %lu links and %lu contexts\n", rounds, links,
	       count);
	return 0;
}

/* The last descriptor has to be usable again, however often it was refused. */
static int use_up_descriptors(unsigned long count)
{
	int dmabuf, fd, first = -1, round;
	unsigned long got;

	become_nobody();
	/* Who started this may have left some. */
	for (fd = 3; fd < (int)count; fd++)
		close(fd);
	limit_fds(count);
	dmabuf = udmabuf_create(4096);
	for (round = 0; round < 3; round++) {
		for (got = 0; (fd = dmabuf_export(dmabuf, RW)) >= 0; got++)
			;
		if (fd != -EMFILE)
			return failed("export", fd);
		if (first < 0)
			first = (int)got;
		if (!got || got != (unsigned long)first) {
			printf("%lu descriptors, not %d\n", got, first);
			return 1;
		}
		for (fd = 3; fd < (int)count; fd++)
			if (fd != dmabuf)
				close(fd);
	}
	printf("%d descriptors each time\n", first);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, two = *(const uint64_t *)b;

	return (one > two) - (one < two);
}

/* How long an export of a buffer with a few fences takes, in ns. */
static int bystander(unsigned long seconds)
{
	uint64_t end = now_ns() + seconds * 1000000000ULL, start;
	uint64_t *times = calloc(seconds * 1000 + 1, sizeof(*times));
	int dmabuf = udmabuf_create(4096), fd, i;
	size_t count = 0;

	for (i = 0; i < 4 && dmabuf >= 0; i++)
		dmabuf_import(dmabuf, timeline_fence(timeline_open(), 1), WRITE);
	while (times && now_ns() < end && count < seconds * 1000) {
		start = now_ns();
		fd = dmabuf_export(dmabuf, RW);
		times[count++] = now_ns() - start;
		if (fd < 0 || is_ready(fd, POLLIN))
			return failed("export", fd < 0 ? fd : -EPROTO);
		close(fd);
		usleep(1000);
	}
	if (!count)
		return 1;
	qsort(times, count, sizeof(*times), by_value);
	printf("%zu %llu %llu %llu\n", count,
	       (unsigned long long)times[count / 2],
	       (unsigned long long)times[count * 99 / 100],
	       (unsigned long long)times[count - 1]);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long number[3] = { 0 };
	const char *mode = argc > 1 ? argv[1] : "";
	int i;

	for (i = 2; i < argc && i < 5; i++)
		number[i - 2] = strtoul(argv[i], NULL, 0);
	if (!strcmp(mode, "fill"))
		return fill(number[0], number[1]);
	if (!strcmp(mode, "contexts"))
		return mix_contexts(number[0]);
	if (!strcmp(mode, "containers"))
		return containers(number[0], number[1], number[2]);
	if (!strcmp(mode, "descriptors"))
		return use_up_descriptors(number[0]);
	if (!strcmp(mode, "bystander"))
		return bystander(number[0]);
	printf("Usage: hostile-client fill BUFFERS FENCES\n"
	       "       hostile-client contexts COUNT\n"
	       "       hostile-client containers LINKS CONTEXTS SECONDS\n"
	       "       hostile-client descriptors LIMIT\n"
	       "       hostile-client bystander SECONDS\n\n"
	       "bystander prints how many exports, their median, 99th percentile\n"
	       "and maximum in ns. Exit code 3: ENOMEM.\n");
	return strcmp(mode, "--help") ? 2 : 0;
}

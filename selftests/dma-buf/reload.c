// SPDX-License-Identifier: GPL-2.0-only
/*
 * Load and unload a module again and again: reload MODULE.ko NAME CYCLES.
 * A module in use may refuse to go; any other error ends the program.
 */

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "buffers.h"

static int load(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = syscall(SYS_finit_module, fd, "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* Returns how often it was refused. */
static int unload(const char *name)
{
	int refused = 0;

	while (syscall(SYS_delete_module, name, O_NONBLOCK)) {
		if (errno != EAGAIN)
			return -errno;
		refused++;
		usleep(200);
	}
	return refused;
}

int main(int argc, char **argv)
{
	int cycles = argc == 4 ? atoi(argv[3]) : 0, i, ret = 0;
	unsigned long refused = 0;
	uint64_t start = now_ns();

	if (cycles < 1)
		return 2;
	/* The load would otherwise leave little of the processors. */
	setpriority(PRIO_PROCESS, 0, -20);

	for (i = 0; i < cycles && ret >= 0; i++) {
		ret = load(argv[1]);
		if (!ret)
			ret = unload(argv[2]);
		if (ret > 0)
			refused += (unsigned long)ret;
		if ((i + 1) % 50 == 0)
			fprintf(stderr, "# %d of %d cycles, %d s\n", i + 1,
				cycles, (int)((now_ns() - start) / 1000000000));
	}
	printf("# %d cycles in %d s, unloading refused %lu times: %s\n", i,
	       (int)((now_ns() - start) / 1000000000), refused,
	       ret < 0 ? strerror(-ret) : "done");
	return ret < 0;
}

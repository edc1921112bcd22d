/* SPDX-License-Identifier: MIT */
/*
 * The sync_file ioctls of a dma-buf, for programs: one source for every kernel.
 *
 * Needs libc and the kernel's headers, old or new; C99 or C++. Keeps no state:
 * what the kernel can do is asked once and kept by the caller::
 *
 *	struct dma_buf_sync_query can;
 *	struct dma_buf_sync_many many;
 *
 *	dma_buf_sync_probe(some_dmabuf, &can);
 *	...
 *	many = dma_buf_sync_many_of(entries, count);
 *	many.flags = DMA_BUF_SYNC_MANY_NO_IDLE_FD;
 *	err = dma_buf_sync_export_many(&can, &many);
 *	if (!err && many.export_fd >= 0)
 *		wait for many.export_fd, close it
 *
 * Promises: a call that a signal interrupts starts again; after an error no descriptor is open that
 * was not before. Errors are negative errno values; errno itself means nothing.
 *
 * Where the kernel has no calls for many buffers, they are made of those for one
 * and of SYNC_IOC_MERGE. That cannot promise what the kernel does:
 *
 * - An import is not all or nothing: after an error the buffers before
 *   &dma_buf_sync_many.failed have the fence. Nothing is lost by that; somebody
 *   may wait for longer.
 * - An exchange is not one step: what another client attaches between its export
 *   and its import is neither waited for nor replaced.
 * - An export of many is a snapshot of one buffer after the other.
 *
 * Where the kernel has not even those for one buffer, before 6.0 as a rule, all
 * of them return -ENOTTY: wait with poll() then.
 */
#ifndef DMA_BUF_SYNC_H
#define DMA_BUF_SYNC_H

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/dma-buf.h>
#include <linux/sync_file.h>

/* What the header of the system may be too old for, or never have. */
#ifndef DMA_BUF_IOCTL_EXPORT_SYNC_FILE
struct dma_buf_export_sync_file {
	__u32 flags;
	__s32 fd;
};

#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE \
	_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)
#endif

#ifndef DMA_BUF_IOCTL_IMPORT_SYNC_FILE
struct dma_buf_import_sync_file {
	__u32 flags;
	__s32 fd;
};

#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE \
	_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)
#endif

#ifndef DMA_BUF_IOCTL_SYNC_QUERY
struct dma_buf_sync_query {
	__u64 features;
	__u32 entries_max;
	__u32 fences_max;
};

struct dma_buf_sync_entry {
	__s32 dmabuf;
	__u32 flags;
};

struct dma_buf_sync_many {
	__u64 entries;
	__u32 count;
	__u32 flags;
	__u64 deadline_ns;
	__s32 import_fd;
	__s32 export_fd;
	__u32 failed;
	__u32 answer;
};

#define DMA_BUF_SYNC_FEATURE_EXPORT_MANY	(1ULL << 0)
#define DMA_BUF_SYNC_FEATURE_IMPORT_MANY	(1ULL << 1)
#define DMA_BUF_SYNC_FEATURE_EXCHANGE		(1ULL << 2)
#define DMA_BUF_SYNC_FEATURE_DEADLINE		(1ULL << 3)
#define DMA_BUF_SYNC_MANY_NO_IDLE_FD		(1 << 0)
#define DMA_BUF_SYNC_MANY_DEADLINE		(1 << 1)
#define DMA_BUF_SYNC_MANY_NO_DEADLINE		(1 << 0)

#define DMA_BUF_IOCTL_SYNC_QUERY \
	_IOWR(DMA_BUF_BASE, 0x60, struct dma_buf_sync_query)
#define DMA_BUF_IOCTL_EXPORT_MANY \
	_IOWR(DMA_BUF_BASE, 0x61, struct dma_buf_sync_many)
#define DMA_BUF_IOCTL_IMPORT_MANY \
	_IOWR(DMA_BUF_BASE, 0x62, struct dma_buf_sync_many)
#define DMA_BUF_IOCTL_EXCHANGE \
	_IOWR(DMA_BUF_BASE, 0x63, struct dma_buf_sync_many)
#endif

#ifndef SYNC_IOC_SET_DEADLINE
struct sync_set_deadline {
	__u64 deadline_ns;
	__u64 pad;
};

#define SYNC_IOC_SET_DEADLINE _IOW(SYNC_IOC_MAGIC, 5, struct sync_set_deadline)
#endif

/* Largest count where the kernel has no limit of its own to tell. */
#define DMA_BUF_SYNC_ENTRIES_MAX	1024

/* ioctl() until no signal comes between: 0, or a negative errno. */
static inline int dma_buf_sync_ioctl(int fd, unsigned long cmd, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, cmd, arg);
	} while (ret == -1 && (errno == EINTR || errno == EAGAIN));
	return ret == -1 ? -errno : 0;
}

/*
 * What the kernel can do, asked of any dma-buf. Without calls for many buffers,
 * or without permission to call them, there are no features, and that is no
 * error. -EBADF if @dmabuf is closed.
 */
static inline int dma_buf_sync_probe(int dmabuf, struct dma_buf_sync_query *can)
{
	int ret;

	memset(can, 0, sizeof(*can));
	ret = dma_buf_sync_ioctl(dmabuf, DMA_BUF_IOCTL_SYNC_QUERY, can);
	if (ret) {
		memset(can, 0, sizeof(*can));
		can->entries_max = DMA_BUF_SYNC_ENTRIES_MAX;
	}
	return ret == -ENOTTY || ret == -EPERM || ret == -EACCES ? 0 : ret;
}

/*
 * A sync_file, to be closed by the caller, that signals once the buffer can be
 * used as @flags, DMA_BUF_SYNC_READ, _WRITE or both, say.
 */
static inline int dma_buf_sync_export(int dmabuf, uint32_t flags)
{
	struct dma_buf_export_sync_file arg;
	int ret;

	arg.flags = flags;
	arg.fd = -1;
	ret = dma_buf_sync_ioctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &arg);
	return ret ? ret : arg.fd;
}

/* Let others wait for @sync_file, behind which the buffer is used as @flags say. */
static inline int dma_buf_sync_import(int dmabuf, uint32_t flags, int sync_file)
{
	struct dma_buf_import_sync_file arg;

	arg.flags = flags;
	arg.fd = sync_file;
	return dma_buf_sync_ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &arg);
}

/* To be filled in where it is not 0: flags, deadline_ns, import_fd. */
static inline struct dma_buf_sync_many
dma_buf_sync_many_of(const struct dma_buf_sync_entry *entries, uint32_t count)
{
	struct dma_buf_sync_many many;

	memset(&many, 0, sizeof(many));
	many.entries = (uintptr_t)entries;
	many.count = count;
	many.export_fd = -1;
	return many;
}

/* From here to the calls for many: what they are made of where there are none. */

static inline const struct dma_buf_sync_entry *
dma_buf_sync_entry_at(const struct dma_buf_sync_many *many, uint32_t i)
{
	return (const struct dma_buf_sync_entry *)(uintptr_t)many->entries + i;
}

static inline int dma_buf_sync_check(const struct dma_buf_sync_query *can,
				     struct dma_buf_sync_many *many)
{
	many->export_fd = -1;
	many->failed = many->count;
	many->answer = 0;
	if (!many->count ||
	    many->flags & ~(uint32_t)(DMA_BUF_SYNC_MANY_NO_IDLE_FD |
				      DMA_BUF_SYNC_MANY_DEADLINE) ||
	    (many->deadline_ns && !(many->flags & DMA_BUF_SYNC_MANY_DEADLINE)))
		return -EINVAL;
	return many->count > can->entries_max ? -E2BIG : 0;
}

/* 1 if it has yet to signal; unlike poll(), this asks no driver to tell us. */
static inline int dma_buf_sync_pending(int sync_file)
{
	struct sync_file_info info;
	int ret;

	memset(&info, 0, sizeof(info));
	ret = dma_buf_sync_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info);
	return ret ? ret : info.status == 0;
}

/* One sync_file of two, which are closed; after an error as well. */
static inline int dma_buf_sync_merge(int a, int b)
{
	struct sync_merge_data arg;
	int ret;

	memset(&arg, 0, sizeof(arg));
	memcpy(arg.name, "dma-buf-sync", sizeof("dma-buf-sync"));
	arg.fd2 = b;
	arg.fence = -1;
	ret = dma_buf_sync_ioctl(a, SYNC_IOC_MERGE, &arg);
	close(a);
	close(b);
	return ret ? ret : arg.fence;
}

static inline int dma_buf_sync_set_deadline(struct dma_buf_sync_many *many,
					    int sync_file)
{
	struct sync_set_deadline arg;
	int ret;

	memset(&arg, 0, sizeof(arg));
	arg.deadline_ns = many->deadline_ns;
	ret = dma_buf_sync_ioctl(sync_file, SYNC_IOC_SET_DEADLINE, &arg);
	if (ret != -ENOTTY)
		return ret;
	many->answer = DMA_BUF_SYNC_MANY_NO_DEADLINE;
	return 0;
}

/*
 * Add @fd, which is taken, to @all: a sync_file of what is pending, or the last
 * one that was not. @pending tells which.
 */
static inline int dma_buf_sync_gather(int *all, int *pending, int fd)
{
	int adds = dma_buf_sync_pending(fd);

	if (adds < 0 || (!adds && *all >= 0)) {
		close(fd);
		return adds;
	}
	if (*pending) {
		*all = dma_buf_sync_merge(*all, fd);
		return *all < 0 ? *all : 0;
	}
	if (*all >= 0)
		close(*all);
	*all = fd;
	*pending = adds;
	return 0;
}

static inline int dma_buf_sync_export_each(struct dma_buf_sync_many *many)
{
	const struct dma_buf_sync_entry *entry;
	int all = -1, pending = 0, ret = 0;
	uint32_t i;

	for (i = 0; i < many->count; i++) {
		entry = dma_buf_sync_entry_at(many, i);
		ret = dma_buf_sync_export(entry->dmabuf, entry->flags);
		if (ret >= 0)
			ret = dma_buf_sync_gather(&all, &pending, ret);
		if (ret < 0) {
			many->failed = i;
			goto err_close;
		}
	}
	if (pending && (many->flags & DMA_BUF_SYNC_MANY_DEADLINE)) {
		ret = dma_buf_sync_set_deadline(many, all);
		if (ret)
			goto err_close;
	}
	if (!pending && (many->flags & DMA_BUF_SYNC_MANY_NO_IDLE_FD)) {
		close(all);
		all = -1;
	}
	many->export_fd = all;
	return 0;

err_close:
	if (all >= 0)
		close(all);
	return ret;
}

static inline int dma_buf_sync_import_each(struct dma_buf_sync_many *many)
{
	const struct dma_buf_sync_entry *entry;
	uint32_t i;
	int ret;

	for (i = 0; i < many->count; i++) {
		entry = dma_buf_sync_entry_at(many, i);
		ret = dma_buf_sync_import(entry->dmabuf, entry->flags,
					  many->import_fd);
		if (ret) {
			many->failed = i;
			return ret;
		}
	}
	return 0;
}

/* The kernel's answer, -ENOTTY if it has none. */
static inline int dma_buf_sync_in_kernel(const struct dma_buf_sync_query *can,
					 uint64_t feature, unsigned long cmd,
					 struct dma_buf_sync_many *many)
{
	int ret;

	if (!(can->features & feature))
		return -ENOTTY;
	ret = dma_buf_sync_ioctl(dma_buf_sync_entry_at(many, 0)->dmabuf, cmd,
				 many);
	/* The call is made on the first buffer: if it is closed, nobody tells. */
	if (ret == -EBADF && many->failed == many->count)
		many->failed = 0;
	return ret;
}

/*
 * The calls for many buffers: 0, or a negative errno, as their manual pages have
 * it, with &dma_buf_sync_many.failed. An export_fd is -1 or the caller's.
 */

static inline int
dma_buf_sync_export_many(const struct dma_buf_sync_query *can,
			 struct dma_buf_sync_many *many)
{
	int ret = dma_buf_sync_check(can, many);

	if (ret || many->import_fd)
		return ret ? ret : -EINVAL;
	ret = dma_buf_sync_in_kernel(can, DMA_BUF_SYNC_FEATURE_EXPORT_MANY,
				     DMA_BUF_IOCTL_EXPORT_MANY, many);
	return ret == -ENOTTY ? dma_buf_sync_export_each(many) : ret;
}

static inline int
dma_buf_sync_import_many(const struct dma_buf_sync_query *can,
			 struct dma_buf_sync_many *many)
{
	int ret = dma_buf_sync_check(can, many);

	if (ret || many->flags)
		return ret ? ret : -EINVAL;
	ret = dma_buf_sync_in_kernel(can, DMA_BUF_SYNC_FEATURE_IMPORT_MANY,
				     DMA_BUF_IOCTL_IMPORT_MANY, many);
	return ret == -ENOTTY ? dma_buf_sync_import_each(many) : ret;
}

static inline int dma_buf_sync_exchange(const struct dma_buf_sync_query *can,
					struct dma_buf_sync_many *many)
{
	int ret = dma_buf_sync_check(can, many);

	if (ret)
		return ret;
	ret = dma_buf_sync_in_kernel(can, DMA_BUF_SYNC_FEATURE_EXCHANGE,
				     DMA_BUF_IOCTL_EXCHANGE, many);
	if (ret != -ENOTTY)
		return ret;

	ret = dma_buf_sync_export_each(many);
	if (!ret)
		ret = dma_buf_sync_import_each(many);
	if (ret && many->export_fd >= 0)
		close(many->export_fd);
	if (ret)
		many->export_fd = -1;
	return ret;
}

#endif /* DMA_BUF_SYNC_H */

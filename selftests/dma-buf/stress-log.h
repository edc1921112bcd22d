/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What every process of the stress program knows: which fences went into which
 * buffer, and which of them may have signaled.
 *
 * A fence is a timeline's slot, how often that was opened, and the sequence
 * number, in one word. Before a timeline advances, or is closed, it says so in
 * done[]: a fence that is not done has not signaled. An import is logged after
 * it has returned: an export that begins later has to wait for it.
 */
#ifndef _STRESS_LOG_H
#define _STRESS_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "harness.h"

enum { BUFFERS = 3, SLOTS = 64, LOG = 64, NAMES = 1024, WAIT_MS = 60000 };

/* Who waits: everybody, or writers only, for an import or for what a driver added. */
enum { FOR_ALL, FOR_WRITERS, FOR_WRITERS_BY_DRIVER, KINDS };

enum op {
	OP_IMPORT, OP_EXPORT, OP_POLL, OP_SYNC, OP_MERGE, OP_ADD, OP_SIGNAL,
	OP_CHURN, OP_HOLD, OP_DUP_CLOSE, OP_FORK, OP_KILL, OP_SEND, OP_RECEIVE,
	OP_EXPORT_MANY, OP_IMPORT_MANY, OP_EXCHANGE, OP_TOGGLE, OP_RESTART,
	OP_CHECKED, OPS
};

static const char * const op_names[OPS] = {
	"import", "export", "poll", "sync", "merge", "driver adds", "signal",
	"copy list", "hold lock", "dup and close", "fork", "kill a child",
	"send", "receive", "export many", "import many", "exchange", "toggle",
	"kill and restart", "fences checked",
};

typedef uint64_t item_t;

#define ITEM_POS		((1ULL << 56) - 1)
#define ITEM(slot, pos)		((item_t)(slot) << 56 | (pos))
#define POS(generation, seqno)	((uint64_t)(generation) << 32 | (seqno))

struct stress {
	atomic_int stop;
	atomic_int violated;
	char why[160];
	atomic_ullong done[SLOTS];
	struct {
		atomic_uint head;
		atomic_ullong items[LOG];
	} log[BUFFERS][KINDS];
	atomic_ulong count[OPS];
};

static struct stress *stress;

/* The first one counts; all others end soon. */
static void violation(const char *how, ...)
{
	va_list args;

	if (!atomic_exchange(&stress->violated, 1)) {
		va_start(args, how);
		vsnprintf(stress->why, sizeof(stress->why), how, args);
		va_end(args);
	}
	atomic_store(&stress->stop, 1);
}

static void did(enum op op)
{
	atomic_fetch_add_explicit(&stress->count[op], 1, memory_order_relaxed);
}

static bool item_done(item_t item)
{
	return (item & ITEM_POS) <= atomic_load(&stress->done[item >> 56]);
}

static void log_import(int buffer, int kind, item_t item)
{
	unsigned int i = atomic_fetch_add(&stress->log[buffer][kind].head, 1);

	atomic_store(&stress->log[buffer][kind].items[i % LOG], item);
}

/* What an export that begins now has to wait for. */
struct snapshot {
	unsigned int count;
	item_t items[BUFFERS * KINDS * LOG];
};

static void snapshot_add_kinds(struct snapshot *snapshot, int buffer, int kinds)
{
	int kind, i;

	for (kind = 0; kind < kinds; kind++) {
		for (i = 0; i < LOG; i++) {
			item_t item = atomic_load(&stress->log[buffer][kind].items[i]);

			if (item && !item_done(item) &&
			    snapshot->count < sizeof(snapshot->items) / sizeof(item_t))
				snapshot->items[snapshot->count++] = item;
		}
	}
}

static void snapshot_add(struct snapshot *snapshot, int buffer, __u32 flags)
{
	snapshot_add_kinds(snapshot, buffer, flags & WRITE ? KINDS : 1);
}

/* Every fence of it may have signaled, now that the wait has ended. */
static void snapshot_over(const struct snapshot *snapshot, const char *what)
{
	unsigned int i;

	for (i = 0; i < snapshot->count; i++) {
		item_t item = snapshot->items[i];

		did(OP_CHECKED);
		if (!item_done(item))
			violation("%s ended before fence %u of timeline %u.%u",
				  what, (unsigned int)item,
				  (unsigned int)(item >> 56),
				  (unsigned int)(item >> 32) & 0xffffff);
	}
}

static void timeline_name(char *name, size_t size, item_t item)
{
	snprintf(name, size, "st%u.%u", (unsigned int)(item >> 56),
		 (unsigned int)(item >> 32) & 0xffffff);
}

/* Each timeline with a fence that has not signaled has to be in the sync_file. */
static void snapshot_inside(const struct snapshot *snapshot, int fd,
			    const char *what)
{
	static __thread struct sync_fence_info names[NAMES];
	struct sync_file_info info = {
		.num_fences = NAMES, .sync_fence_info = (uintptr_t)names,
	};
	unsigned int i, j;

	if (xioctl(fd, SYNC_IOC_FILE_INFO, &info))
		return;
	for (i = 0; i < snapshot->count; i++) {
		char name[32];

		timeline_name(name, sizeof(name), snapshot->items[i]);
		for (j = 0; j < info.num_fences; j++)
			if (!strcmp(names[j].obj_name, name))
				break;
		if (j == info.num_fences && !item_done(snapshot->items[i]))
			violation("%s lacks timeline %s", what, name);
	}
}

#endif /* _STRESS_LOG_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's own sw_sync.c and sync_debug.c become a module for kernels that
 * were built without CONFIG_SW_SYNC. What they lack for that is here.
 */

#include <linux/module.h>
#include <linux/string.h>
#include <linux/sync_file.h>

/* Not exported by the kernel; debugfs prints names of merged sync_files. */
char *sync_file_get_name(struct sync_file *sync_file, char *buf, int len)
{
	strscpy(buf, sync_file->user_name, len);
	return buf;
}

MODULE_DESCRIPTION("sw_sync of the kernel's source, as a module");
MODULE_LICENSE("GPL");

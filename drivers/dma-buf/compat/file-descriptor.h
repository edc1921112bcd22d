/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file behind a struct fd: a member of it up to Linux 6.11.
 */
#ifndef __COMPAT_FILE_DESCRIPTOR_H
#define __COMPAT_FILE_DESCRIPTOR_H

#include <linux/file.h>

#ifndef fd_file
#define fd_file(f)	((f).file)
#endif

#endif /* __COMPAT_FILE_DESCRIPTOR_H */

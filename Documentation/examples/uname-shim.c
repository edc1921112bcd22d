// SPDX-License-Identifier: GPL-2.0-only
/*
 * Let a program that asks uname() for a version find the ioctls: LD_PRELOAD this
 * for it alone, where the module serves them on a kernel older than 5.20.
 *
 *	cc -shared -fPIC -o uname-shim.so uname-shim.c -ldl
 *	LD_PRELOAD=./uname-shim.so sway
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <sys/utsname.h>

int uname(struct utsname *name)
{
	int (*real)(struct utsname *name) = dlsym(RTLD_NEXT, "uname");
	int major, minor, ret;

	ret = real ? real(name) : -1;
	if (!ret && sscanf(name->release, "%d.%d", &major, &minor) == 2 &&
	    (major < 5 || (major == 5 && minor < 20)))
		snprintf(name->release, sizeof(name->release), "5.20.0");
	return ret;
}

/* SPDX-License-Identifier: MIT */
/*
 * What the tests here use of libigt, for a build without IGT's sources: Debian
 * ships the library and no header. Declarations are of our own; the ABI is that
 * of libigt.so.0 in 2.5. Inside an IGT checkout this
 * folder is not used.
 */
#ifndef IGT_SHIM_H
#define IGT_SHIM_H

#include <errno.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Drivers are asked for by a bit each. */
#define DRIVER_VGEM	(1 << 2)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define IGT_PASTE2(a, b) a##b
#define IGT_PASTE(a, b) IGT_PASTE2(a, b)
#define IGT_NAME(stem)	IGT_PASTE(igt_shim_##stem, __LINE__)

/* Subtests end, in whatever way, with a jump here. */
extern jmp_buf igt_subtest_jmpbuf;

int igt_subtest_init_parse_opts(int *argc, char **argv,
				const char *short_opts,
				const struct option *long_opts,
				const char *help,
				int (*handler)(int opt, int index, void *data),
				void *data);
bool __igt_fixture(void);
void __igt_fixture_complete(void);
bool __igt_run_subtest(const char *name, const char *file, const int line);
bool __igt_fork(void);
void igt_waitchildren(void);
void igt_install_exit_handler(void (*handler)(int sig));
void igt_success(void);
void igt_exit(void) __attribute__((noreturn));
void igt_describe_f(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void __igt_skip_check(const char *file, const int line, const char *func,
		      const char *check, const char *format, ...)
	__attribute__((noreturn, format(printf, 5, 6)));
void __igt_fail_assert(const char *domain, const char *file, const int line,
		       const char *func, const char *assertion,
		       const char *format, ...)
	__attribute__((noreturn, format(printf, 6, 7)));

int drm_open_driver(int chipset);
int drm_close_driver(int fd);
int prime_handle_to_fd(int fd, uint32_t handle);
void gem_close(int fd, uint32_t handle);

#define IGT_TEST_DESCRIPTION(text) \
	const char *__igt_test_description = text

/* 'int igt_main() { ... }' is a program: its block runs between these two. */
#define igt_main() \
	main(int argc, char **argv); \
	static void igt_shim_main(void); \
	int main(int argc, char **argv) \
	{ \
		igt_subtest_init_parse_opts(&argc, argv, NULL, NULL, NULL, \
					    NULL, NULL); \
		igt_shim_main(); \
		igt_exit(); \
	} \
	static void igt_shim_main(void)

#define igt_fixture() \
	for (volatile int IGT_NAME(once) = 0; \
	     !IGT_NAME(once) && __igt_fixture() && \
	     !sigsetjmp(igt_subtest_jmpbuf, 1); \
	     IGT_NAME(once) = 1, __igt_fixture_complete())

#define igt_describe(text) igt_describe_f("%s", text)

#define igt_subtest(name) \
	for (; __igt_run_subtest(name, __FILE__, __LINE__) && \
	       !sigsetjmp(igt_subtest_jmpbuf, 1); igt_success())

#define igt_fork(child, count) \
	for (int child = 0; child < (count); child++) \
		for (; __igt_fork(); exit(0))

#define igt_require(expr) \
	do { \
		if (!(expr)) \
			__igt_skip_check(__FILE__, __LINE__, __func__, \
					 #expr, NULL); \
	} while (0)

#define IGT_FAIL(expr, ...) \
	__igt_fail_assert(NULL, __FILE__, __LINE__, __func__, expr, __VA_ARGS__)

#define igt_assert(expr) \
	do { \
		if (!(expr)) \
			IGT_FAIL(#expr, NULL); \
	} while (0)

#define igt_assert_f(expr, ...) \
	do { \
		if (!(expr)) \
			IGT_FAIL(#expr, __VA_ARGS__); \
	} while (0)

#define IGT_COMPARE(a, op, not_op, b) \
	do { \
		int left = (a), right = (b); \
		if (!(left op right)) \
			IGT_FAIL(#a " " #op " " #b, \
				 "error: %d " #not_op " %d\n", left, right); \
	} while (0)

#define igt_assert_eq(a, b)	IGT_COMPARE(a, ==, !=, b)
#define igt_assert_lte(a, b)	IGT_COMPARE(a, <=, >, b)
#define igt_assert_fd(fd) \
	igt_assert_f((fd) >= 0, "file descriptor " #fd " failed\n")

#endif /* IGT_SHIM_H */

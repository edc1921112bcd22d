/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KUnit by the names that it has had since Linux 6.7.
 *
 * Does not: bring parameters of a case, or a mark for what was skipped; there,
 * "SKIP" and the reason are a line of the log.
 */
#ifndef __COMPAT_KUNIT_H
#define __COMPAT_KUNIT_H

#include <kunit/test.h>

#if __has_include("kunit/visibility.h")
#include <kunit/visibility.h>
#else
#define EXPORT_SYMBOL_IF_KUNIT(symbol)	EXPORT_SYMBOL_GPL(symbol)
#endif

#ifdef HAVE_NO_KUNIT_ADD_ACTION

struct compat_kunit_action {
	void (*run)(void *context);
	void *context;
};

static inline int compat_kunit_action_init(struct kunit_resource *resource,
					   void *action)
{
	resource->data = action;
	return 0;
}

static inline void compat_kunit_action_run(struct kunit_resource *resource)
{
	struct compat_kunit_action *action = resource->data;

	action->run(action->context);
	kfree(action);
}

static inline int kunit_add_action_or_reset(struct kunit *test,
					    void (*run)(void *context),
					    void *context)
{
	struct compat_kunit_action *action = kmalloc(sizeof(*action),
						     GFP_KERNEL);

	if (action) {
		action->run = run;
		action->context = context;
		if (kunit_alloc_resource(test, compat_kunit_action_init,
					 compat_kunit_action_run, GFP_KERNEL,
					 action))
			return 0;
	}
	kfree(action);
	run(context);
	return -ENOMEM;
}

#endif /* HAVE_NO_KUNIT_ADD_ACTION */

#ifndef KUNIT_CASE_SLOW
#define KUNIT_CASE_SLOW	KUNIT_CASE
#endif

#ifndef KUNIT_ASSERT_NOT_NULL
#define KUNIT_ASSERT_NOT_NULL(test, pointer) \
	KUNIT_ASSERT_TRUE(test, (pointer) != NULL)
#define KUNIT_EXPECT_NULL(test, pointer) \
	KUNIT_EXPECT_TRUE(test, (pointer) == NULL)
#define KUNIT_EXPECT_NOT_NULL(test, pointer) \
	KUNIT_EXPECT_TRUE(test, (pointer) != NULL)
#endif

/* Since Linux 5.14, as are comparisons of numbers whose types differ. */
#ifndef kunit_skip

#define kunit_skip(test, why) \
do { \
	struct kunit *__skipped = (test); \
\
	kunit_info(__skipped, "SKIP " why "\n"); \
	kunit_try_catch_throw(&__skipped->try_catch); \
} while (0)

#define kunit_kcalloc(test, n, size, gfp) \
	kunit_kzalloc(test, array_size(n, size), gfp)

#undef __typecheck
#define __typecheck(x, y)	(sizeof(x) && sizeof(y))

/* Each would be the module's init function: dma-resv-kunit-suites.c has one. */
#undef kunit_test_suite
#define kunit_test_suite(suite) \
	extern struct kunit_suite suite##_of_module __alias(suite)

#endif /* kunit_skip */

#endif /* __COMPAT_KUNIT_H */

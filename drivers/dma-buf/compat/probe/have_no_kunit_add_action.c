// SPDX-License-Identifier: GPL-2.0-only
#include <kunit/test.h>

struct kunit **kunit_add_action_or_reset(void);

/* That is another function than the kernel's, if it has one. */
struct kunit **kunit_add_action_or_reset(void)
{
	return NULL;
}

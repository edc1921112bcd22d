/* SPDX-License-Identifier: MIT */
/* What the tests here use of libigt for sync_files; see igt.h. */
#ifndef IGT_SHIM_SW_SYNC_H
#define IGT_SHIM_SW_SYNC_H

#include <stdint.h>

void igt_require_sw_sync(void);
int sw_sync_timeline_create(void);
int sw_sync_timeline_create_fence(int timeline, uint32_t seqno);
void sw_sync_timeline_inc(int timeline, uint32_t count);
int sync_fence_merge(int fence1, int fence2);
int sync_fence_wait(int fence, int timeout);
int sync_fence_count(int fence);

#endif /* IGT_SHIM_SW_SYNC_H */

/* SPDX-License-Identifier: MIT */
/* What the tests here use of libigt for vgem; see igt.h. */
#ifndef IGT_SHIM_VGEM_H
#define IGT_SHIM_VGEM_H

#include <stdint.h>

#define VGEM_FENCE_WRITE	1

struct vgem_bo {
	uint32_t handle;
	uint32_t width, height;
	uint32_t bpp, pitch;
	uint64_t size;
};

void vgem_create(int fd, struct vgem_bo *bo);
uint32_t vgem_fence_attach(int fd, struct vgem_bo *bo, unsigned int flags);
void vgem_fence_signal(int fd, uint32_t fence);

#endif /* IGT_SHIM_VGEM_H */

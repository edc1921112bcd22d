/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A list of steps, run on real reservation objects and on their model.
 */
#ifndef __DMA_RESV_MODEL_RUN_H
#define __DMA_RESV_MODEL_RUN_H

#include <linux/types.h>

/* &model_step.what is below. */
#define MODEL_WEIGHTS	100

/* A step means something in any state: numbers are taken modulo what there is. */
struct model_step {
	u32 what;
	u32 a;
	u32 b;
	u32 c;
};

const char *model_run(const struct model_step *steps, unsigned int count,
		      unsigned int *at, bool telling);

#endif /* __DMA_RESV_MODEL_RUN_H */

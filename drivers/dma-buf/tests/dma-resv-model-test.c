// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random steps on reservation objects, and the model beside them
 *
 * The steps are made before they are run and mean something whatever the state,
 * so that a run that fails can be repeated with some of them left out, until
 * there is none that could be. Runs are short and each starts afresh; run number
 * n of a seed is the first one of seed + n.
 */

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/prandom.h>
#include <linux/random.h>

#include "../compat/kunit.h"
#include "dma-resv-model-run.h"

/* Steps of a run. */
#define RUN_STEPS	500

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "what the random steps are made from (default: random)");

static unsigned int steps = 200000;
module_param(steps, uint, 0444);
MODULE_PARM_DESC(steps, "how many random steps (default: 200000)");

static void make_steps(struct rnd_state *state, struct model_step *step,
		       unsigned int count)
{
	for (; count--; step++) {
		step->what = prandom_u32_state(state) % MODEL_WEIGHTS;
		step->a = prandom_u32_state(state);
		step->b = prandom_u32_state(state);
		step->c = prandom_u32_state(state);
	}
}

/*
 * Leave out what is not needed to fail, in ever smaller pieces. The number of
 * steps that are left.
 */
static unsigned int shrink(struct model_step *step, struct model_step *copy,
			   unsigned int count)
{
	unsigned int piece, pos, n;

	for (piece = count / 2; piece; piece /= 2) {
		for (pos = 0; pos + piece <= count;) {
			n = count - piece;
			memcpy(copy, step, pos * sizeof(*step));
			memcpy(copy + pos, step + pos + piece,
			       (n - pos) * sizeof(*step));
			if (model_run(copy, n, NULL, false)) {
				memcpy(step, copy, n * sizeof(*step));
				count = n;
			} else {
				pos += piece;
			}
			cond_resched();
		}
	}
	return count;
}

/* Run, and if it fails, shrink and tell. */
static bool run_one(struct kunit *test, struct model_step *step,
		    unsigned int count, unsigned int run_seed)
{
	struct model_step *copy;
	unsigned int at, left;
	const char *what;

	what = model_run(step, count, &at, false);
	if (!what)
		return true;

	kunit_info(test, "seed=%u steps=%u: step %u: %s\n", run_seed, count,
		   at, what);
	copy = kvmalloc_array(count, sizeof(*copy), GFP_KERNEL);
	left = copy ? shrink(step, copy, min(at + 1, count)) : count;
	kvfree(copy);
	what = model_run(step, left, NULL, true);
	KUNIT_FAIL(test, "seed=%u steps=%u fails with these %u steps: %s",
		   run_seed, count, left, what ?: "not any more");
	return false;
}

/* I1, I2, I4, E1, E4 and E5, whatever happens in whatever order. */
static void i2_random_steps_agree_with_the_model(struct kunit *test)
{
	unsigned int run_seed = seed ?: get_random_u32(), done, count;
	struct model_step *step;
	struct rnd_state state;

	step = kvmalloc_array(RUN_STEPS, sizeof(*step), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, step);
	kunit_info(test, "seed=%u steps=%u\n", run_seed, steps);
	for (done = 0; done < steps; done += count, run_seed++) {
		count = min(RUN_STEPS, steps - done);
		prandom_seed_state(&state, run_seed);
		make_steps(&state, step, count);
		if (!run_one(test, step, count, run_seed))
			break;
		cond_resched();
	}
	kvfree(step);
}

static struct kunit_case dma_resv_model_cases[] = {
	KUNIT_CASE_SLOW(i2_random_steps_agree_with_the_model),
	{}
};

static struct kunit_suite dma_resv_model_suite = {
	.name = "dma_resv_model",
	.test_cases = dma_resv_model_cases,
};

kunit_test_suite(dma_resv_model_suite);

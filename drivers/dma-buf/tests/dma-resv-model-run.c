// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list of steps, run on real reservation objects and on their model
 *
 * Each step does the same to both, then both are compared.
 */

#define pr_fmt(fmt) "dma_resv_model: " fmt

#include <linux/dma-fence.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "dma-resv-model-state.h"

/* What a step did, for somebody who has to understand why it fails. */
static void tell(struct run *run, unsigned int i, const struct model_step *step)
{
	unsigned int object, j;
	char text[256];
	int len;

	pr_info("%3u: %s, %u %u %u\n", i, run_step_name(step),
		step->a % SLOTS, step->b % OBJECTS, step->c % 4);
	for (object = 0; object < OBJECTS; object++) {
		if (!(run->touched & BIT(object)))
			continue;
		run_list_entries(run, object, &run->after);
		len = 0;
		for (j = 0; j < run->after.count; j++) {
			struct entry *entry = &run->after.list[j];
			struct model_fence *fence;

			fence = &run->world.fences[entry->number];
			len += scnprintf(text + len, sizeof(text) - len,
					 " %u:%u%s %c", fence->context,
					 fence->seqno,
					 fence->signaled ? " signaled" : "",
					 "KWRB"[entry->usage]);
		}
		pr_info("     object %u has%s\n", object, len ? text : " nothing");
	}
}

static struct run *start(void)
{
	struct run *run = kvzalloc(sizeof(*run), GFP_KERNEL);
	unsigned int i;
	u64 context;

	if (!run)
		return NULL;
	run->next_context = 1 + BUSY_CONTEXTS;
	context = dma_fence_context_alloc(MODEL_CONTEXTS);
	for (i = 1; i < MODEL_CONTEXTS; i++)
		run->contexts[i] = context + i;
	run->contexts[MODEL_UNORDERED] = 0;
	for (i = 0; i < OBJECTS; i++)
		dma_resv_init(&run->resv[i]);
	run_slots_start(run);
	return run;
}

/* Only the run's own references may be left, and none after those. */
static const char *finish(struct run *run)
{
	const char *failed;
	unsigned int i;

	run_readers_end(run);
	for (i = 0; i < SLOTS; i++)
		run_slot_clear(&run->slots[i]);
	for (i = 0; i < OBJECTS; i++)
		dma_resv_fini(&run->resv[i]);
	run_slots_finish(run);
	for_each_set_bit(i, run->held.has, MODEL_FENCES) {
		if (kref_read(&run->fences[i]->refcount) != 1)
			run_fail(run, "a reference was left");
		dma_fence_put(run->fences[i]);
	}
	if (atomic_read(&run->live))
		run_fail(run, "a fence was left");
	failed = run->failed;
	/* Fences that are left know the run: then it stays, too. */
	if (!atomic_read(&run->live))
		kvfree(run);
	return failed;
}

/*
 * Run steps from a fresh start, perhaps telling of each in the log. What went
 * wrong, and at which step in @at if that is not NULL; NULL if all was well.
 */
const char *model_run(const struct model_step *steps, unsigned int count,
		      unsigned int *at, bool telling)
{
	struct run *run = start();
	unsigned int i;

	if (!run)
		return "no memory";
	for (i = 0; i < count && !run->failed; i++) {
		run_step(run, &steps[i]);
		if (telling)
			tell(run, i, &steps[i]);
		if (!run->failed)
			run_check(run);
		if (run->failed)
			break;
	}
	if (at)
		*at = i;
	return finish(run);
}

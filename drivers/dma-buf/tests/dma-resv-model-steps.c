// SPDX-License-Identifier: GPL-2.0-only
/*
 * Steps: each changes the real thing and the model alike
 */

#include <linux/dma-fence-set.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>

#include "dma-resv-model-state.h"
#include "dma-resv-rig.h"

/* More than there are objects. */
#define MANY	4

static void step_bare(struct run *run, const struct model_step *step)
{
	struct model_set set = { };
	int number = run_some_fence(run, step->b);

	if (number < 0)
		return;
	__set_bit(number, set.has);
	run_slot_fill(run_slot(run, step->a),
		      dma_fence_get(run->fences[number]), &set);
}

static void fill_with_array(struct run *run, const struct model_step *step,
			    unsigned int count, bool wide)
{
	struct model_set set = { };
	u32 random = step->b;
	struct dma_fence *fence;

	fence = run_make_array(run, count, wide, &random, &set);
	run_slot_fill(run_slot(run, step->a), fence, &set);
}

static void step_array(struct run *run, const struct model_step *step)
{
	fill_with_array(run, step, 2 + step->c % 8, false);
}

static void step_wide(struct run *run, const struct model_step *step)
{
	if (step->b % 8 == 0)
		fill_with_array(run, step, 10 + step->c % 280, true);
}

static void fill_with_chain(struct run *run, const struct model_step *step,
			    unsigned int links, unsigned int width)
{
	struct model_set set = { };
	u32 random = step->b;
	struct dma_fence *fence;

	fence = run_make_chain(run, links, width, &random, &set);
	run_slot_fill(run_slot(run, step->a), fence, &set);
}

static void step_chain(struct run *run, const struct model_step *step)
{
	fill_with_chain(run, step, 1 + step->c % 5, 1);
}

static void step_chain_of_arrays(struct run *run, const struct model_step *step)
{
	fill_with_chain(run, step, 1 + step->c % 4, 3);
}

static void step_export(struct run *run, const struct model_step *step)
{
	unsigned int object = step->b % OBJECTS, usage = step->c % 4;
	struct dma_fence *fence;
	struct model_set set;

	fence = dma_resv_export_fence(&run->resv[object], usage);
	if (IS_ERR(fence))
		return run_fail(run, "export failed");
	run_wait(run, object, usage, &set);
	run_slot_fill(run_slot(run, step->a), fence, &set);
}

static void step_merge_two(struct run *run, const struct model_step *step)
{
	struct slot *one = run_slot(run, step->a), *two = run_slot(run, step->b);
	struct dma_fence *fence;
	struct model_set set;

	if (!one->fence || !two->fence)
		return;
	fence = dma_fence_set_merge_two(one->fence, two->fence);
	if (IS_ERR(fence))
		return run_fail(run, "merge_two failed");
	bitmap_or(set.has, one->set.has, two->set.has, MODEL_FENCES);
	run_slot_fill(run_slot(run, step->c), fence, &set);
}

static bool all_signaled(struct run *run, const struct model_set *set)
{
	unsigned int i;

	for_each_set_bit(i, set->has, MODEL_FENCES)
		if (!run->world.fences[i].signaled)
			return false;
	return true;
}

static void promise(struct run *run, unsigned int object, unsigned int usage,
		    const struct model_set *set)
{
	unsigned long *added = run->model[object].added[usage].has;

	bitmap_or(added, added, set->has, MODEL_FENCES);
}

/* The kernel's public functions leave things behind, where there is a list. */
static bool tidies(void)
{
	return dma_resv_list_known || !DRIVER_HAS_USAGES;
}

static void step_import(struct run *run, const struct model_step *step)
{
	unsigned int object = step->b % OBJECTS, usage = 1 + step->c % 3;
	struct slot *slot = run_slot(run, step->a);

	if (!slot->fence)
		return;
	run_list_entries(run, object, &run->before);
	if (dma_resv_import_fence(&run->resv[object], slot->fence, usage))
		return run_fail(run, "import failed");
	promise(run, object, usage, &slot->set);
	run->touched |= BIT(object);
	run_list_entries(run, object, &run->after);
	run_check_i2(run);
	if (!tidies() || all_signaled(run, &slot->set))
		return;
	run_check_i4(run);
	run_slots_check_i4(run, object);
}

/* Objects of a step for many, some of them twice, each with a usage. */
static unsigned int choose_many(struct run *run, const struct model_step *step,
				struct dma_resv_many_entry *entries)
{
	unsigned int i, object, count = 1 + step->c % MANY;
	u32 random = step->c;

	for (i = 0; i < count; i++) {
		object = i ? run_next_random(&random) % OBJECTS :
			     step->b % OBJECTS;
		entries[i] = (struct dma_resv_many_entry) {
			.resv = &run->resv[object],
			.usage = run_next_random(&random) % 2 ?
				 DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ,
		};
	}
	return count;
}

static unsigned int object_of(struct run *run,
			      const struct dma_resv_many_entry *entry)
{
	return entry->resv - run->resv;
}

/* What the work on all of @entries waits for, the strictest usage of each. */
static void wait_many(struct run *run,
		      const struct dma_resv_many_entry *entries,
		      unsigned int count, struct model_set *wait)
{
	struct model_set one;
	unsigned int i;

	bitmap_zero(wait->has, MODEL_FENCES);
	for (i = 0; i < count; i++) {
		bool write = entries[i].usage == DMA_RESV_USAGE_WRITE;

		run_wait(run, object_of(run, &entries[i]),
			 dma_resv_usage_rw(write), &one);
		bitmap_or(wait->has, wait->has, one.has, MODEL_FENCES);
	}
	model_latest(&run->world, wait);
}

static void export_locked(struct run *run, struct dma_resv_many *many,
			  const struct model_set *want)
{
	struct dma_fence *fence = rig_export_many(many);

	if (IS_ERR(fence))
		return run_fail(run, "export of many failed");
	run_check_export(run, fence, want);
	dma_fence_put(fence);
}

/* Into many at once, or an exchange, or neither in the end. */
static void step_many(struct run *run, const struct model_step *step)
{
	struct dma_resv_many_entry entries[MANY], wanted[MANY];
	unsigned int i, count, first = step->b % OBJECTS;
	struct slot *slot = run_slot(run, step->a);
	struct dma_resv_many many;
	struct model_set want;

	if (!slot->fence)
		return;
	count = choose_many(run, step, entries);
	/* The usages of an object that comes twice are swapped at times. */
	memcpy(wanted, entries, sizeof(wanted));
	run_list_entries(run, first, &run->before);
	if (dma_resv_many_lock(&many, entries, count, slot->fence))
		return run_fail(run, "lock of many failed");
	wait_many(run, wanted, count, &want);
	if (step->c & BIT(8))
		export_locked(run, &many, &want);
	if (step->c & BIT(9)) {
		dma_resv_many_commit(&many);
		dma_resv_many_end(&many);
		for (i = 0; i < count; i++) {
			unsigned int object = object_of(run, &wanted[i]);

			promise(run, object, wanted[i].usage, &slot->set);
		}
	} else {
		dma_resv_many_cancel(&many);
	}
	for (i = 0; i < count; i++)
		run->touched |= BIT(object_of(run, &wanted[i]));
	run_list_entries(run, first, &run->after);
	run_check_i2(run);
	if (!dma_resv_list_known || !(step->c & BIT(9)))
		return;
	for (i = 0; i < count; i++)
		run_slots_check_i4(run, object_of(run, &wanted[i]));
	if (!all_signaled(run, &slot->set))
		run_check_i4(run);
}

/* A driver's own fence, for which there is room. */
static void add_own(struct run *run, unsigned int object, u32 random)
{
	unsigned int usage = random % 4;
	int number = run_some_fence(run, random / 4);

	if (number < 0)
		return;
	dma_resv_add_fence(&run->resv[object], run->fences[number], usage);
	run_slots_changed(run);
	__set_bit(number, run->model[object].added[usage].has);
}

/* Prepare, reserve, commit or not, with a driver's own fences in between. */
static void step_import_steps(struct run *run, const struct model_step *step)
{
	unsigned int object = step->b % OBJECTS, usage = 1 + step->c % 3;
	struct dma_resv *resv = &run->resv[object];
	struct slot *slot = run_slot(run, step->a);
	struct dma_resv_import *import;
	bool room = step->c & BIT(8);

	if (!slot->fence)
		return;
	/* With room made under the lock, it can go in place. */
	if (room) {
		dma_resv_lock(resv, NULL);
		if (dma_resv_reserve_fences(resv, 12))
			run_fail(run, "no memory");
		run_slots_changed(run);
	}
	import = dma_resv_import_prepare(resv, slot->fence, usage);
	if (IS_ERR(import)) {
		if (room)
			dma_resv_unlock(resv);
		return run_fail(run, "prepare failed");
	}
	if (!room)
		dma_resv_lock(resv, NULL);
	if (dma_resv_import_reserve(import, 2 * DRIVER_ADD_ROOM)) {
		run_fail(run, "reserve failed");
		dma_resv_import_cancel(import);
	} else if (step->c & BIT(9)) {
		/* What has been ours so far, and will be from here on. */
		run_slots_check(run, step);
		add_own(run, object, step->b / OBJECTS);
		dma_resv_import_commit(import);
		promise(run, object, usage, &slot->set);
		run_slots_check(run, step);
		add_own(run, object, step->c >> 10);
	} else {
		dma_resv_import_cancel(import);
	}
	dma_resv_unlock(resv);
	run->touched |= BIT(object);
}

static void step_add(struct run *run, const struct model_step *step)
{
	unsigned int object = step->a % OBJECTS;
	struct dma_resv *resv = &run->resv[object];

	dma_resv_lock(resv, NULL);
	if (dma_resv_reserve_fences(resv, 1 + step->c % 3))
		run_fail(run, "no memory");
	else
		add_own(run, object, step->b);
	run_slots_changed(run);
	dma_resv_unlock(resv);
	run->touched |= BIT(object);
}

/* Signal a fence, and those before it on its context. */
static void signal_number(struct run *run, unsigned int number, int error)
{
	u16 context = run->world.fences[number].context;
	unsigned int i;

	model_signal(&run->world, number);
	for (i = 0; i < run->world.count; i++) {
		struct dma_fence *fence = run->fences[i];

		if (!fence || run->world.fences[i].context != context ||
		    !run->world.fences[i].signaled ||
		    test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
			continue;
		if (error)
			dma_fence_set_error(fence, error);
		dma_fence_signal(fence);
	}
	run->touched = BIT(OBJECTS) - 1;
}

static void step_signal(struct run *run, const struct model_step *step)
{
	int number = run_old_fence(run, run_busy_context(step->a), step->c % 3);

	if (number >= 0)
		signal_number(run, number, step->b % 4 ? 0 : -EIO);
}

/* All but a few: as if time had passed. */
static void step_signal_most(struct run *run, const struct model_step *step)
{
	u32 random = step->a;
	unsigned int i;

	if (step->b % 4)
		return;
	for (i = 0; i < run->world.count; i++)
		if (!run->world.fences[i].signaled && run_next_random(&random) % 8)
			signal_number(run, i, 0);
}

static void step_prune(struct run *run, const struct model_step *step)
{
	unsigned int object = step->a % OBJECTS;

	run_list_entries(run, object, &run->before);
	if (dma_resv_prune(&run->resv[object]))
		return run_fail(run, "prune failed");
	run_list_entries(run, object, &run->after);
	run_check_i2(run);
	if (tidies()) {
		run_check_i4(run);
		run_slots_check_i4(run, object);
	}
	run->touched |= BIT(object);
}

static void step_copy(struct run *run, const struct model_step *step)
{
	unsigned int to = step->a % OBJECTS;
	unsigned int from = (to + 1 + step->b % (OBJECTS - 1)) % OBJECTS;
	int ret;

	dma_resv_lock(&run->resv[to], NULL);
	ret = dma_resv_copy_fences(&run->resv[to], &run->resv[from]);
	run_slots_changed(run);
	dma_resv_unlock(&run->resv[to]);
	if (ret)
		return run_fail(run, "copy failed");
	run->model[to] = run->model[from];
	run->touched |= BIT(to);
}

static void step_replace(struct run *run, const struct model_step *step)
{
	unsigned int object = step->a % OBJECTS, usage = step->c % 4;
	u16 context = 1 + step->b % BUSY_CONTEXTS;
	int number;

	/* A dead entry would be replaced too: the model knows of none. */
	if (!DRIVER_HAS_USAGES || !model_has_context(&run->world, &run->model[object], context))
		return;
	number = run_new_fence(run, run_busy_context(step->b / 16));
	if (number < 0)
		return;
	dma_resv_lock(&run->resv[object], NULL);
	dma_resv_replace_fences(&run->resv[object], run->contexts[context],
				run->fences[number], usage);
	/* The driver's word is what counts from here on: nobody walks on. */
	run_readers_end(run);
	run_slots_changed(run);
	dma_resv_unlock(&run->resv[object]);
	model_replace(&run->world, &run->model[object], context, number, usage);
	run->touched |= BIT(object);
}

/* From here on only others hold the fence, if anybody does. */
static void step_drop(struct run *run, const struct model_step *step)
{
	int number = run_old_fence(run, run_busy_context(step->a), step->b % 4);

	if (number < 0)
		return;
	__clear_bit(number, run->held.has);
	dma_fence_put(run->fences[number]);
}

static void step_clear(struct run *run, const struct model_step *step)
{
	run_slot_clear(run_slot(run, step->a));
}

/* What the steps are, and how many of MODEL_WEIGHTS each gets. */
static const struct {
	const char *name;
	void (*run)(struct run *run, const struct model_step *step);
	unsigned int weight;
} kinds[] = {
	{ "bare fence into slot", step_bare, 8 },
	{ "array into slot", step_array, 8 },
	{ "wide array into slot", step_wide, 2 },
	{ "chain into slot", step_chain, 5 },
	{ "chain of arrays into slot", step_chain_of_arrays, 4 },
	{ "export into slot", step_export, 4 },
	{ "merge two into slot", step_merge_two, 3 },
	{ "import", step_import, 14 },
	{ "import in steps", step_import_steps, 8 },
	{ "import into many, exchange", step_many, 6 },
	{ "driver adds", step_add, 9 },
	{ "signal", step_signal, 9 },
	{ "signal most", step_signal_most, 2 },
	{ "prune", step_prune, 2 },
	{ "reader walks", run_step_reader, 6 },
	{ "copy", step_copy, 2 },
	{ "replace", step_replace, 3 },
	{ "drop", step_drop, 3 },
	{ "clear slot", step_clear, 2 },
};

static unsigned int kind_of(const struct model_step *step)
{
	unsigned int kind = 0, what = step->what;

	while (what >= kinds[kind].weight)
		what -= kinds[kind++].weight;
	return kind;
}

void run_step(struct run *run, const struct model_step *step)
{
	run_slots_note(run);
	kinds[kind_of(step)].run(run, step);
	run_slots_check(run, step);
}

const char *run_step_name(const struct model_step *step)
{
	return kinds[kind_of(step)].name;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A list of steps, run on real reservation objects and on their model
 *
 * Each step does the same to both. Then what a waiter of each usage has to wait
 * for is asked of the model, of an export and of the kernel's own iterators.
 */

#define pr_fmt(fmt) "dma_resv_model: " fmt

#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-set.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv-export.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "../compat/dma-fence-array.h"
#include "../dma-resv-list.h"
#include "dma-resv-model.h"
#include "dma-resv-model-run.h"

#define OBJECTS		3
#define SLOTS		8
/* Contexts that are used again and again; all others once. */
#define BUSY_CONTEXTS	10
#define ENTRIES_MAX	(4 * MODEL_FENCES)

/* A sync_file, so to speak. */
struct slot {
	struct dma_fence *fence;
	struct model_set set;
};

struct entry {
	u16 number;
	u16 usage;
};

struct entries {
	struct entry list[ENTRIES_MAX];
	unsigned int count;
};

struct run {
	struct model_world world;
	/* Real fences by number while they live, and which of them are held. */
	struct dma_fence *fences[MODEL_FENCES];
	struct model_set held;
	u64 contexts[MODEL_CONTEXTS];
	u16 next_context;
	atomic_t live;
	struct slot slots[SLOTS];
	struct dma_resv resv[OBJECTS];
	struct model_resv model[OBJECTS];
	struct entries before;
	struct entries after;
	/* The objects that the last step could have changed, as bits. */
	unsigned int touched;
	const char *failed;
};

struct run_fence {
	struct dma_fence base;
	/* of this fence alone */
	spinlock_t lock;
	struct run *run;
	u16 number;
};

static const char *run_fence_name(struct dma_fence *fence)
{
	return "model";
}

static void run_fence_release(struct dma_fence *base)
{
	struct run_fence *fence = container_of(base, struct run_fence, base);

	fence->run->fences[fence->number] = NULL;
	atomic_dec(&fence->run->live);
	dma_fence_free(base);
}

static const struct dma_fence_ops run_fence_ops = {
	.get_driver_name = run_fence_name,
	.get_timeline_name = run_fence_name,
	.release = run_fence_release,
};

static void fail(struct run *run, const char *why)
{
	if (!run->failed)
		run->failed = why;
}

/* The number of a fence, or -1 if it is none of the run's. */
static int number_of(struct dma_fence *fence)
{
	if (fence->ops != &run_fence_ops)
		return -1;
	return container_of(fence, struct run_fence, base)->number;
}

/* A new fence on @context; -1 if there are enough. */
static int new_fence(struct run *run, u16 context)
{
	struct run_fence *fence;

	if (run->world.count == MODEL_FENCES)
		return -1;
	fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	if (!fence)
		return -1;
	fence->run = run;
	fence->number = model_fence_new(&run->world, context);
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &run_fence_ops, &fence->lock,
		       run->contexts[context],
		       run->world.fences[fence->number].seqno);
	run->fences[fence->number] = &fence->base;
	__set_bit(fence->number, run->held.has);
	atomic_inc(&run->live);
	return fence->number;
}

/* A busy context, or now and then the one without order. */
static u16 busy_context(u32 random)
{
	return random % 16 ? 1 + random / 16 % BUSY_CONTEXTS : MODEL_UNORDERED;
}

static u16 fresh_context(struct run *run)
{
	if (run->next_context == MODEL_CONTEXTS)
		return 1;
	return run->next_context++;
}

static u32 next_random(u32 *random)
{
	*random = *random * 1664525 + 1013904223;
	return *random >> 8;
}

/*
 * The last fence of a context that is held, or one before it, or -1. What it
 * gives does not change with what happens to other contexts, so that steps keep
 * their meaning when others are left out.
 */
static int old_fence(struct run *run, u16 context, unsigned int back)
{
	int number, found = -1;

	for (number = run->world.count; number-- > 0;) {
		if (run->world.fences[number].context != context ||
		    !test_bit(number, run->held.has))
			continue;
		found = number;
		if (!back--)
			break;
	}
	return found;
}

/* Mostly a new fence, at times an old one; -1: none. */
static int some_fence(struct run *run, u32 random)
{
	u16 context = busy_context(random >> 8);

	if (random % 4)
		return new_fence(run, context);
	return old_fence(run, context, random / 4 % 4);
}

static void slot_clear(struct slot *slot)
{
	dma_fence_put(slot->fence);
	slot->fence = NULL;
	bitmap_zero(slot->set.has, MODEL_FENCES);
}

/* Takes over the reference on @fence. */
static void slot_fill(struct slot *slot, struct dma_fence *fence,
		      const struct model_set *set)
{
	slot_clear(slot);
	slot->fence = fence;
	slot->set = *set;
}

static struct slot *slot_of(struct run *run, u32 number)
{
	return &run->slots[number % SLOTS];
}

/* An array of new and old fences, or one fence if there is no more than one. */
static struct dma_fence *make_array(struct run *run, unsigned int count,
				    bool wide, u32 *random,
				    struct model_set *set)
{
	struct dma_fence **fences = kcalloc(count, sizeof(*fences), GFP_KERNEL);
	struct dma_fence_array *array;
	unsigned int i, n = 0;
	int number;

	for (i = 0; fences && i < count; i++) {
		u32 r = next_random(random);

		number = wide ? new_fence(run, fresh_context(run))
			      : some_fence(run, r);
		if (number < 0)
			continue;
		__set_bit(number, set->has);
		fences[n++] = dma_fence_get(run->fences[number]);
	}
	if (n > 1) {
		array = compat_dma_fence_array_create(n, fences);
		if (array)
			return &array->base;
	}
	while (n > 1)
		dma_fence_put(fences[--n]);
	if (n == 1) {
		struct dma_fence *fence = fences[0];

		kfree(fences);
		return fence;
	}
	kfree(fences);
	return NULL;
}

static struct dma_fence *make_chain(struct run *run, unsigned int links,
				    unsigned int width, u32 *random,
				    struct model_set *set)
{
	struct dma_fence *head = NULL, *fence;
	struct dma_fence_chain *link;
	unsigned int i;

	for (i = 0; i < links; i++) {
		fence = make_array(run, width, false, random, set);
		link = fence ? dma_fence_chain_alloc() : NULL;
		if (!link) {
			dma_fence_put(fence);
			continue;
		}
		dma_fence_chain_init(link, head, fence, i + 1);
		head = &link->base;
	}
	return head;
}

/* Steps: each changes the real thing and the model alike. */

static void step_bare(struct run *run, const struct model_step *step)
{
	struct model_set set = { };
	int number = some_fence(run, step->b);

	if (number < 0)
		return;
	__set_bit(number, set.has);
	slot_fill(slot_of(run, step->a), dma_fence_get(run->fences[number]),
		  &set);
}

static void step_array(struct run *run, const struct model_step *step)
{
	struct model_set set = { };
	u32 random = step->b;
	struct dma_fence *fence;

	fence = make_array(run, 2 + step->c % 8, false, &random, &set);
	slot_fill(slot_of(run, step->a), fence, &set);
}

static void step_wide(struct run *run, const struct model_step *step)
{
	struct model_set set = { };
	u32 random = step->b;
	struct dma_fence *fence;

	if (step->b % 8)
		return;
	fence = make_array(run, 10 + step->c % 280, true, &random, &set);
	slot_fill(slot_of(run, step->a), fence, &set);
}

static void step_chain(struct run *run, const struct model_step *step)
{
	struct model_set set = { };
	u32 random = step->b;
	struct dma_fence *fence;

	fence = make_chain(run, 1 + step->c % 5, 1, &random, &set);
	slot_fill(slot_of(run, step->a), fence, &set);
}

static void step_chain_of_arrays(struct run *run, const struct model_step *step)
{
	struct model_set set = { };
	u32 random = step->b;
	struct dma_fence *fence;

	fence = make_chain(run, 1 + step->c % 4, 3, &random, &set);
	slot_fill(slot_of(run, step->a), fence, &set);
}

static void step_export(struct run *run, const struct model_step *step)
{
	unsigned int object = step->b % OBJECTS, usage = step->c % 4;
	struct dma_fence *fence;
	struct model_set set;

	fence = dma_resv_export_fence(&run->resv[object], usage);
	if (IS_ERR(fence))
		return fail(run, "export failed");
	model_wait(&run->world, &run->model[object], usage, &set);
	slot_fill(slot_of(run, step->a), fence, &set);
}

static void step_merge_two(struct run *run, const struct model_step *step)
{
	struct slot *one = slot_of(run, step->a), *two = slot_of(run, step->b);
	struct dma_fence *fence;
	struct model_set set;

	if (!one->fence || !two->fence)
		return;
	fence = dma_fence_set_merge_two(one->fence, two->fence);
	if (IS_ERR(fence))
		return fail(run, "merge_two failed");
	bitmap_or(set.has, one->set.has, two->set.has, MODEL_FENCES);
	slot_fill(slot_of(run, step->c), fence, &set);
}

static void list_entries(struct run *run, unsigned int object,
			 struct entries *entries)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	entries->count = 0;
	dma_resv_lock(&run->resv[object], NULL);
	dma_resv_for_each_fence(&cursor, &run->resv[object],
				DMA_RESV_USAGE_BOOKKEEP, fence) {
		struct entry *entry = &entries->list[entries->count];

		if (number_of(fence) < 0) {
			fail(run, "an entry is no fence of ours");
			break;
		}
		if (++entries->count == ENTRIES_MAX) {
			fail(run, "too many entries");
			break;
		}
		entry->number = number_of(fence);
		entry->usage = dma_resv_iter_usage(&cursor);
	}
	dma_resv_unlock(&run->resv[object]);
}

/* Does @a do for everybody who relied on @b? */
static bool entry_does_for(struct run *run, struct entry *a, struct entry *b)
{
	struct model_fence *fa = &run->world.fences[a->number];
	struct model_fence *fb = &run->world.fences[b->number];

	if (b->usage == DMA_RESV_USAGE_KERNEL ||
	    fb->context == MODEL_UNORDERED)
		return a->number == b->number && a->usage <= b->usage;
	return fa->context == fb->context && fa->seqno >= fb->seqno &&
	       a->usage <= b->usage;
}

static bool entry_signaled(struct run *run, struct entry *entry)
{
	return run->world.fences[entry->number].signaled;
}

/* I2: nothing that was there and has not signaled is lost or weakened. */
static void check_i2(struct run *run)
{
	unsigned int i, j;

	for (i = 0; i < run->before.count; i++) {
		struct entry *entry = &run->before.list[i];

		if (entry_signaled(run, entry))
			continue;
		/* Mostly it is where it was. */
		if (i < run->after.count &&
		    entry_does_for(run, &run->after.list[i], entry))
			continue;
		for (j = 0; j < run->after.count; j++)
			if (entry_does_for(run, &run->after.list[j], entry))
				break;
		if (j == run->after.count)
			fail(run, entry->usage == DMA_RESV_USAGE_KERNEL ?
			     "I2: a KERNEL entry was touched" :
			     "I2: an entry was lost or weakened");
	}
}

static u16 entry_context(struct run *run, struct entry *entry)
{
	return run->world.fences[entry->number].context;
}

/* I4: no entry is signaled, and none is superfluous, but in KERNEL. */
static void check_i4(struct run *run)
{
	unsigned int i, j;

	for (i = 0; i < run->after.count; i++) {
		struct entry *entry = &run->after.list[i];
		u16 context = entry_context(run, entry);

		if (entry_signaled(run, entry))
			fail(run, "I4: a signaled entry is left");
		if (entry->usage == DMA_RESV_USAGE_KERNEL)
			continue;
		for (j = 0; j < i; j++)
			if (entry_context(run, &run->after.list[j]) == context &&
			    run->after.list[j].usage == entry->usage &&
			    (context != MODEL_UNORDERED ||
			     run->after.list[j].number == entry->number))
				fail(run, "I4: two entries of a context and usage");
	}
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

static void step_import(struct run *run, const struct model_step *step)
{
	unsigned int object = step->b % OBJECTS, usage = 1 + step->c % 3;
	struct slot *slot = slot_of(run, step->a);

	if (!slot->fence)
		return;
	list_entries(run, object, &run->before);
	if (dma_resv_import_fence(&run->resv[object], slot->fence, usage))
		return fail(run, "import failed");
	promise(run, object, usage, &slot->set);
	run->touched |= BIT(object);
	list_entries(run, object, &run->after);
	check_i2(run);
	if (dma_resv_list_known && !all_signaled(run, &slot->set))
		check_i4(run);
}

/* A driver's own fence, for which there is room. */
static void add_own(struct run *run, unsigned int object, u32 random)
{
	unsigned int usage = random % 4;
	int number = some_fence(run, random / 4);

	if (number < 0)
		return;
	dma_resv_add_fence(&run->resv[object], run->fences[number], usage);
	__set_bit(number, run->model[object].added[usage].has);
}

/* Prepare, reserve, commit or not, with a driver's own fences in between. */
static void step_import_steps(struct run *run, const struct model_step *step)
{
	unsigned int object = step->b % OBJECTS, usage = 1 + step->c % 3;
	struct dma_resv *resv = &run->resv[object];
	struct slot *slot = slot_of(run, step->a);
	struct dma_resv_import *import;
	bool room = step->c & BIT(8);

	if (!slot->fence)
		return;
	/* With room made under the lock, it can go in place. */
	if (room) {
		dma_resv_lock(resv, NULL);
		if (dma_resv_reserve_fences(resv, 12))
			fail(run, "no memory");
	}
	import = dma_resv_import_prepare(resv, slot->fence, usage);
	if (IS_ERR(import)) {
		if (room)
			dma_resv_unlock(resv);
		return fail(run, "prepare failed");
	}
	if (!room)
		dma_resv_lock(resv, NULL);
	if (dma_resv_import_reserve(import, 2)) {
		fail(run, "reserve failed");
		dma_resv_import_cancel(import);
	} else if (step->c & BIT(9)) {
		add_own(run, object, step->b / OBJECTS);
		dma_resv_import_commit(import);
		promise(run, object, usage, &slot->set);
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
		fail(run, "no memory");
	else
		add_own(run, object, step->b);
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
	int number = old_fence(run, busy_context(step->a), step->c % 3);

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
		if (!run->world.fences[i].signaled && next_random(&random) % 8)
			signal_number(run, i, 0);
}

static void step_prune(struct run *run, const struct model_step *step)
{
	unsigned int object = step->a % OBJECTS;

	list_entries(run, object, &run->before);
	if (dma_resv_prune(&run->resv[object]))
		return fail(run, "prune failed");
	list_entries(run, object, &run->after);
	check_i2(run);
	if (dma_resv_list_known)
		check_i4(run);
	run->touched |= BIT(object);
}

static void step_copy(struct run *run, const struct model_step *step)
{
	unsigned int to = step->a % OBJECTS;
	unsigned int from = (to + 1 + step->b % (OBJECTS - 1)) % OBJECTS;
	int ret;

	dma_resv_lock(&run->resv[to], NULL);
	ret = dma_resv_copy_fences(&run->resv[to], &run->resv[from]);
	dma_resv_unlock(&run->resv[to]);
	if (ret)
		return fail(run, "copy failed");
	run->model[to] = run->model[from];
	run->touched |= BIT(to);
}

static void step_replace(struct run *run, const struct model_step *step)
{
	unsigned int object = step->a % OBJECTS, usage = step->c % 4;
	u16 context = 1 + step->b % BUSY_CONTEXTS;
	int number;

	/* A dead entry would be replaced too: the model knows of none. */
	if (!model_has_context(&run->world, &run->model[object], context))
		return;
	number = new_fence(run, busy_context(step->b / 16));
	if (number < 0)
		return;
	dma_resv_lock(&run->resv[object], NULL);
	dma_resv_replace_fences(&run->resv[object], run->contexts[context],
				run->fences[number], usage);
	dma_resv_unlock(&run->resv[object]);
	model_replace(&run->world, &run->model[object], context, number, usage);
	run->touched |= BIT(object);
}

/* From here on only others hold the fence, if anybody does. */
static void step_drop(struct run *run, const struct model_step *step)
{
	int number = old_fence(run, busy_context(step->a), step->b % 4);

	if (number < 0)
		return;
	__clear_bit(number, run->held.has);
	dma_fence_put(run->fences[number]);
}

static void step_clear(struct run *run, const struct model_step *step)
{
	slot_clear(slot_of(run, step->a));
}

/* What the steps are, and how many of MODEL_WEIGHTS each gets. */
static const struct {
	const char *name;
	void (*run)(struct run *run, const struct model_step *step);
	unsigned int weight;
} kinds[] = {
	{ "bare fence into slot", step_bare, 10 },
	{ "array into slot", step_array, 8 },
	{ "wide array into slot", step_wide, 2 },
	{ "chain into slot", step_chain, 5 },
	{ "chain of arrays into slot", step_chain_of_arrays, 4 },
	{ "export into slot", step_export, 4 },
	{ "merge two into slot", step_merge_two, 3 },
	{ "import", step_import, 22 },
	{ "import in steps", step_import_steps, 8 },
	{ "driver adds", step_add, 10 },
	{ "signal", step_signal, 10 },
	{ "signal most", step_signal_most, 2 },
	{ "prune", step_prune, 2 },
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

/* What a step did, for somebody who has to understand why it fails. */
static void tell(struct run *run, unsigned int i, const struct model_step *step)
{
	unsigned int object, j;
	char text[256];
	int len;

	pr_info("%3u: %s, %u %u %u\n", i, kinds[kind_of(step)].name,
		step->a % SLOTS, step->b % OBJECTS, step->c % 4);
	for (object = 0; object < OBJECTS; object++) {
		if (!(run->touched & BIT(object)))
			continue;
		list_entries(run, object, &run->after);
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

/* Note a fence that is waited for; no fence but a signaled one is a stranger. */
static void note(struct run *run, struct dma_fence *fence,
		 struct model_set *set, bool once)
{
	int number = number_of(fence);

	if (number < 0) {
		if (!dma_fence_is_signaled(fence))
			fail(run, "E1: waits for a stranger");
		return;
	}
	if (__test_and_set_bit(number, set->has) && once)
		fail(run, "E4: a fence is there twice");
}

static void note_array(struct run *run, struct dma_fence *fence,
		       struct model_set *set)
{
	struct dma_fence_array *array = to_dma_fence_array(fence);
	unsigned int i;

	if (!array) {
		note(run, fence, set, true);
		return;
	}
	for (i = 0; i < array->num_fences; i++) {
		if (dma_fence_is_container(array->fences[i]))
			fail(run, "E5: a container in an array");
		else
			note(run, array->fences[i], set, true);
	}
	if (ksize(array) > PAGE_SIZE)
		fail(run, "E6: an array larger than a page");
}

/* What an exported fence stands for, by the shapes that it may have. */
static void note_export(struct run *run, struct dma_fence *fence,
			struct model_set *set)
{
	struct dma_fence_chain *link = to_dma_fence_chain(fence);

	if (!link)
		return note_array(run, fence, set);
	for (; link; link = to_dma_fence_chain(fence)) {
		if (to_dma_fence_chain(link->fence))
			return fail(run, "E5: a chain in a chain");
		note_array(run, link->fence, set);
		fence = rcu_dereference_protected(link->prev, true);
		if (!fence)
			return;
	}
	fail(run, "E5: a chain ends in something else");
}

/* The same by the kernel's iterators, where what is covered may be there too. */
static void note_iterators(struct run *run, unsigned int object,
			   unsigned int usage, struct model_set *locked,
			   struct model_set *unlocked)
{
	struct dma_resv *resv = &run->resv[object];
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_lock(resv, NULL);
	dma_resv_for_each_fence(&cursor, resv, usage, fence)
		note(run, fence, locked, false);
	dma_resv_unlock(resv);

	dma_resv_iter_begin(&cursor, resv, usage);
	dma_resv_for_each_fence_unlocked(&cursor, fence)
		note(run, fence, unlocked, false);
	dma_resv_iter_end(&cursor);
}

/* Is what a waiter of @usage waits for what it was promised? */
static void check_usage(struct run *run, unsigned int object,
			unsigned int usage)
{
	struct model_set want, exported = { }, locked = { }, unlocked = { };
	struct dma_fence *fence;

	model_wait(&run->world, &run->model[object], usage, &want);

	fence = dma_resv_export_fence(&run->resv[object], usage);
	if (IS_ERR(fence))
		return fail(run, "export failed");
	note_export(run, fence, &exported);
	if (dma_fence_is_signaled(fence) !=
	    bitmap_empty(want.has, MODEL_FENCES))
		fail(run, "E1: the export is signaled and should not, or is not and should");
	dma_fence_put(fence);
	if (!bitmap_equal(want.has, exported.has, MODEL_FENCES))
		fail(run, "E1: the export waits for something else");

	note_iterators(run, object, usage, &locked, &unlocked);
	model_latest(&run->world, &locked);
	model_latest(&run->world, &unlocked);
	if (!bitmap_equal(want.has, locked.has, MODEL_FENCES) ||
	    !bitmap_equal(want.has, unlocked.has, MODEL_FENCES))
		fail(run, "I1: a driver waits for something else");
	if (dma_resv_test_signaled(&run->resv[object], usage) !=
	    bitmap_empty(want.has, MODEL_FENCES))
		fail(run, "I1: dma_resv_test_signaled() is wrong");
}

static void check(struct run *run)
{
	unsigned int object, usage;

	for (object = 0; object < OBJECTS; object++)
		if (run->touched & BIT(object))
			for (usage = 0; usage < 4 && !run->failed; usage++)
				check_usage(run, object, usage);
	run->touched = 0;
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
	return run;
}

/* Only the run's own references may be left, and none after those. */
static const char *finish(struct run *run)
{
	const char *failed;
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		slot_clear(&run->slots[i]);
	for (i = 0; i < OBJECTS; i++)
		dma_resv_fini(&run->resv[i]);
	for_each_set_bit(i, run->held.has, MODEL_FENCES) {
		if (kref_read(&run->fences[i]->refcount) != 1)
			fail(run, "a reference was left");
		dma_fence_put(run->fences[i]);
	}
	if (atomic_read(&run->live))
		fail(run, "a fence was left");
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
		kinds[kind_of(&steps[i])].run(run, &steps[i]);
		if (telling)
			tell(run, i, &steps[i]);
		if (!run->failed)
			check(run);
		if (run->failed)
			break;
	}
	if (at)
		*at = i;
	return finish(run);
}

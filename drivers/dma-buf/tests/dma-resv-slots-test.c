// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the slots of a list: readers who walk it without the lock, and sleep
 * on the way, miss nothing and meet nothing that is no fence
 *
 * The kernel's iterator goes on at its old place, to its old end, if the object's
 * list has the address that it had. A list that is freed may be followed by one
 * at its address, so here each list is taken for the one before.
 */

#include <linux/delay.h>
#include <linux/dma-resv-export.h>
#include <linux/dma-resv-many.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "../compat/dma-resv-slots.h"
#include "dma-resv-rig.h"

/* Entries of a short object and of a long one, and what is added to either. */
#define SHORT		4
#define LONG		80
#define FENCES_MAX	(LONG + 300)

/* An object that a reader is on. */
struct scene {
	struct dma_resv resv;
	/* what is in it, slot by slot at first, then what was added */
	struct dma_fence *fences[FENCES_MAX];
	unsigned int count, all;
	bool by_driver;
	/* references on the stub before */
	unsigned int stub_refs;
	/* the list, before it may be another one */
	struct dma_resv_list *list;
	unsigned int capacity;
	/* the reader, and what it has met */
	struct dma_resv_iter cursor;
	struct dma_fence *met[2 * FENCES_MAX];
	unsigned int met_count;
};

static int dma_resv_slots_test_init(struct kunit *test)
{
	if (!dma_resv_list_known)
		kunit_skip(test, "only with a list of our own making");
	return dma_resv_rig_init(test);
}

/* Of what was there first. Nobody imports for KERNEL. */
static enum dma_resv_usage usage_of(const struct scene *scene,
				    unsigned int slot)
{
	return scene->by_driver ? (slot + 1) % 4 : 1 + slot % 3;
}

/* A fence more that the scene knows. */
static struct dma_fence *scene_keep(struct kunit *test, struct scene *scene,
				    struct dma_fence *fence)
{
	KUNIT_ASSERT_LT(test, scene->all, FENCES_MAX);
	scene->fences[scene->all++] = fence;
	return fence;
}

static struct dma_fence *scene_array(struct kunit *test, struct scene *scene,
				     unsigned int count)
{
	struct dma_fence **fences = rig_many(test, count);
	unsigned int i;

	for (i = 0; i < count; i++)
		scene_keep(test, scene, fences[i]);
	return rig_array(test, fences, count);
}

/* By a driver, in a list of the kernel's, or by imports, in one of ours. */
static void scene_start(struct kunit *test, struct scene *scene,
			unsigned int count, bool by_driver)
{
	unsigned int i;

	memset(scene, 0, sizeof(*scene));
	scene->stub_refs = dma_resv_slot_refs(&scene->resv);
	scene->by_driver = by_driver;
	dma_resv_init(&scene->resv);
	for (i = 0; i < count; i++) {
		struct dma_fence *fence;
		int ret = 0;

		fence = scene_keep(test, scene, rig_new(test));
		if (by_driver)
			rig_add_to(test, &scene->resv, fence,
				   usage_of(scene, i));
		else
			ret = dma_resv_import_fence(&scene->resv, fence,
						    usage_of(scene, i));
		KUNIT_EXPECT_EQ(test, 0, ret);
	}
	scene->count = count;
}

/* Whether @fence is one that the object can have, or the stub. */
static bool scene_knows(struct scene *scene, struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < scene->all; i++)
		if (scene->fences[i] == fence)
			return true;
	return dma_resv_slot_is_free(&scene->resv,
				     dma_resv_entry(fence, BOOKKEEP));
}

/* Does @fence stand for @old, which was there? */
static bool stands_for(struct dma_fence *fence, struct dma_fence *old)
{
	return fence == old || (fence->context == old->context &&
				fence->seqno > old->seqno);
}

/* The first @count slots hold fences; else whoever reads them is lost. */
static bool expect_fences(struct kunit *test, struct scene *scene,
			  unsigned int count)
{
	struct dma_resv_list *list;
	unsigned int i, strange = 0;

	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	KUNIT_EXPECT_LE(test, count, dma_resv_list_slots(list));
	count = min(count, dma_resv_list_slots(list));
	for (i = 0; i < count; i++) {
		unsigned long entry = dma_resv_list_entry(list, i);

		strange += !scene_knows(scene, dma_resv_entry_fence(entry));
	}
	dma_resv_unlock(&scene->resv);
	KUNIT_EXPECT_EQ(test, strange, 0);
	return !strange;
}

/* What was there first and has not signaled has its slot, or what covers it. */
static void expect_slots(struct kunit *test, struct scene *scene)
{
	struct dma_resv_list *list;
	unsigned int i, moved = 0, weakened = 0;

	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	for (i = 0; i < scene->count; i++) {
		unsigned long entry = i < dma_resv_list_count(list) ?
				      dma_resv_list_entry(list, i) : 0;

		if (dma_fence_is_signaled(scene->fences[i]))
			continue;
		if (!entry || !stands_for(dma_resv_entry_fence(entry),
					  scene->fences[i]))
			moved++;
		else
			weakened += dma_resv_entry_usage(entry) >
				    usage_of(scene, i);
	}
	dma_resv_unlock(&scene->resv);
	KUNIT_EXPECT_EQ(test, moved, 0);
	KUNIT_EXPECT_EQ(test, weakened, 0);
}

static void note_list(struct scene *scene)
{
	dma_resv_lock(&scene->resv, NULL);
	scene->list = dma_resv_list_of(&scene->resv);
	scene->capacity = dma_resv_list_capacity(scene->list);
	dma_resv_unlock(&scene->resv);
}

/* It is the same list, or one of at least twice its capacity. */
static void expect_list(struct kunit *test, struct scene *scene)
{
	struct dma_resv_list *list;

	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	if (list != scene->list)
		KUNIT_EXPECT_GE(test, dma_resv_list_slots(list),
				2 * scene->capacity);
	dma_resv_unlock(&scene->resv);
}

/* Each slot in front of the count owns what it holds, no slot behind it does. */
static void expect_stub_refs(struct kunit *test, struct scene *scene)
{
	unsigned int i, wanted = scene->stub_refs;
	struct dma_resv_list *list;

	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	for (i = 0; i < dma_resv_list_count(list); i++)
		wanted += dma_resv_list_entry(list, i) ==
			  dma_resv_entry_none(&scene->resv);
	dma_resv_unlock(&scene->resv);
	KUNIT_EXPECT_EQ(test, dma_resv_slot_refs(&scene->resv), wanted);
}

static void scene_end(struct kunit *test, struct scene *scene)
{
	unsigned int i;

	expect_stub_refs(test, scene);
	dma_resv_fini(&scene->resv);
	KUNIT_EXPECT_EQ(test, dma_resv_slot_refs(&scene->resv),
			scene->stub_refs);
	for (i = 0; i < scene->all; i++)
		dma_fence_signal(scene->fences[i]);
}

static void note_met(struct kunit *test, struct scene *scene,
		     struct dma_fence *fence)
{
	if (!fence)
		return;
	KUNIT_ASSERT_LT(test, scene->met_count, ARRAY_SIZE(scene->met));
	KUNIT_EXPECT_TRUE(test, scene_knows(scene, fence));
	scene->met[scene->met_count++] = fence;
}

/* A reader waits for the @at-th fence. */
static void reader_start(struct kunit *test, struct scene *scene,
			 unsigned int at)
{
	dma_resv_iter_begin(&scene->cursor, &scene->resv, BOOKKEEP);
	note_met(test, scene, dma_resv_iter_first_unlocked(&scene->cursor));
	while (--at)
		note_met(test, scene,
			 dma_resv_iter_next_unlocked(&scene->cursor));
}

/* It goes on, and whatever list there is has the address of the one before. */
static struct dma_fence *reader_next(struct kunit *test, struct scene *scene)
{
	struct dma_fence *fence;

	if (!expect_fences(test, scene, scene->cursor.num_fences))
		return NULL;
	rcu_read_lock();
	scene->cursor.fences = rcu_dereference(scene->resv.fences);
	rcu_read_unlock();
	fence = dma_resv_iter_next_unlocked(&scene->cursor);
	KUNIT_EXPECT_FALSE(test, dma_resv_iter_is_restarted(&scene->cursor));
	note_met(test, scene, fence);
	return fence;
}

/* To the end: has it met each fence that was there and has not signaled? */
static void reader_end(struct kunit *test, struct scene *scene)
{
	unsigned int i, j, missed = 0;

	while (reader_next(test, scene))
		;
	dma_resv_iter_end(&scene->cursor);
	for (i = 0; i < scene->count; i++) {
		if (dma_fence_is_signaled(scene->fences[i]))
			continue;
		for (j = 0; j < scene->met_count; j++)
			if (stands_for(scene->met[j], scene->fences[i]))
				break;
		missed += j == scene->met_count;
	}
	KUNIT_EXPECT_EQ(test, missed, 0);
}

/* What changes lists, or has changed them once. */
struct way {
	const char *name;
	void (*run)(struct kunit *test, struct scene *scene);
};

static void import(struct kunit *test, struct scene *scene,
		   struct dma_fence *fence, enum dma_resv_usage usage)
{
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_fence(&scene->resv, fence,
						       usage));
}

static void way_one(struct kunit *test, struct scene *scene)
{
	import(test, scene, scene_keep(test, scene, rig_new(test)), WRITE_);
}

/* A later fence of a context that is there, in front, and a weaker one behind. */
static void way_later(struct kunit *test, struct scene *scene)
{
	struct dma_fence *first = scene->fences[1];
	struct dma_fence *last = scene->fences[scene->count - 2];

	import(test, scene,
	       scene_keep(test, scene, rig_fence(test, first->context,
						 1 + scene->all)), WRITE_);
	import(test, scene,
	       scene_keep(test, scene, rig_fence(test, last->context,
						 1 + scene->all)), BOOKKEEP);
}

static void way_few(struct kunit *test, struct scene *scene)
{
	import(test, scene, scene_array(test, scene, 3), READ_);
}

static void way_many(struct kunit *test, struct scene *scene)
{
	import(test, scene, scene_array(test, scene, 30), READ_);
}

/* The list gets longer, and longer again. */
static void way_grow_twice(struct kunit *test, struct scene *scene)
{
	unsigned int i, room;

	for (i = 0; i < 2; i++) {
		dma_resv_lock(&scene->resv, NULL);
		room = dma_resv_list_capacity(dma_resv_list_of(&scene->resv)) -
		       dma_resv_list_count(dma_resv_list_of(&scene->resv));
		dma_resv_unlock(&scene->resv);
		if (room > 130)
			break;
		import(test, scene, scene_array(test, scene, room + 1),
		       BOOKKEEP);
	}
}

static void way_prune(struct kunit *test, struct scene *scene)
{
	KUNIT_EXPECT_EQ(test, 0, dma_resv_prune(&scene->resv));
}

static void way_signaled(struct kunit *test, struct scene *scene)
{
	struct dma_fence *fence = rig_new(test);

	dma_fence_signal(fence);
	import(test, scene, fence, WRITE_);
}

static void way_steps(struct kunit *test, struct scene *scene)
{
	struct dma_resv_import *import;

	import = dma_resv_import_prepare(&scene->resv,
					 scene_array(test, scene, 5), WRITE_);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	dma_resv_lock(&scene->resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import, 2));
	dma_resv_add_fence(&scene->resv,
			   scene_keep(test, scene, rig_new(test)), READ_);
	dma_resv_import_commit(import);
	dma_resv_add_fence(&scene->resv,
			   scene_keep(test, scene, rig_new(test)), KERNEL);
	dma_resv_unlock(&scene->resv);
}

/* Of many objects this is one, twice. */
static void way_of_many(struct kunit *test, struct scene *scene)
{
	struct dma_resv other;
	struct dma_resv_many_entry entries[] = {
		{ .resv = &scene->resv, .usage = READ_ },
		{ .resv = &other, .usage = READ_ },
		{ .resv = &scene->resv, .usage = WRITE_ },
	};
	struct dma_resv_many many;

	dma_resv_init(&other);
	KUNIT_ASSERT_EQ(test, 0,
			dma_resv_many_lock(&many, entries, 3,
					   scene_array(test, scene, 3)));
	dma_resv_many_commit(&many);
	dma_resv_many_end(&many);
	dma_resv_fini(&other);
}

/* It prunes where most has signaled. */
static void way_export(struct kunit *test, struct scene *scene)
{
	struct dma_fence *fence;

	fence = dma_resv_export_fence(&scene->resv, BOOKKEEP);
	KUNIT_ASSERT_FALSE(test, IS_ERR(fence));
	dma_fence_put(fence);
}

static const struct way ways[] = {
	{ "import of one", way_one },
	{ "import of later ones", way_later },
	{ "import of few", way_few },
	{ "import of many", way_many },
	{ "growth twice", way_grow_twice },
	{ "prune", way_prune },
	{ "import of a signaled fence", way_signaled },
	{ "import in steps", way_steps },
	{ "import into many objects", way_of_many },
	{ "export", way_export },
};

static void name_way(const struct way *way, char *name)
{
	strscpy(name, way->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(way, ways, name_way);

/* Bit n of @mask: each fourth fence from the n-th on signals. */
static void signal_some(struct scene *scene, unsigned int mask)
{
	unsigned int i;

	for (i = 0; i < scene->count; i++)
		if (mask & BIT(i % 4))
			dma_fence_signal(scene->fences[i]);
}

/* One way to fail is enough: tell which. */
static bool scene_failed(struct kunit *test, const char *kind, unsigned int at,
			 unsigned int mask)
{
	if (READ_ONCE(test->status) != KUNIT_FAILURE)
		return false;
	kunit_info(test, "%s, reader at %u, %x signal\n", kind, at, mask);
	return true;
}

static struct scene *new_scene(struct kunit *test)
{
	struct scene *scene = kunit_kzalloc(test, sizeof(*scene), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, scene);
	return scene;
}

/* Wherever the reader is, whatever has signaled meanwhile. */
static bool run_all(struct kunit *test, unsigned int count, bool by_driver)
{
	const struct way *way = test->param_value;
	struct scene *scene = new_scene(test);
	unsigned int at, mask;

	for (at = 1; at <= SHORT; at++) {
		for (mask = 0; mask < 16; mask++) {
			scene_start(test, scene, count, by_driver);
			reader_start(test, scene, at);
			signal_some(scene, mask);
			note_list(scene);
			way->run(test, scene);
			expect_list(test, scene);
			expect_slots(test, scene);
			reader_end(test, scene);
			scene_end(test, scene);
			if (scene_failed(test, by_driver ? "a driver's list" :
					 "a list of ours", at, mask))
				return false;
		}
	}
	return true;
}

static void i8_a_reader_misses_nothing(struct kunit *test)
{
	if (run_all(test, SHORT, false))
		run_all(test, SHORT, true);
}

static void i8_a_reader_of_many_misses_nothing(struct kunit *test)
{
	if (run_all(test, LONG, false))
		run_all(test, LONG, true);
}

/* The list changes once, the reader goes on by one, and it changes again. */
static void run_two(struct kunit *test, struct scene *scene,
		    const struct way *one, const struct way *two,
		    unsigned int mask)
{
	scene_start(test, scene, mask & 1 ? SHORT : LONG, mask & 2);
	reader_start(test, scene, 1 + mask % 3);
	signal_some(scene, mask & 15);
	one->run(test, scene);
	reader_next(test, scene);
	signal_some(scene, mask / 16);
	two->run(test, scene);
	expect_slots(test, scene);
	reader_end(test, scene);
	scene_end(test, scene);
}

static void i8_a_reader_misses_nothing_of_two_changes(struct kunit *test)
{
	const struct way *way = test->param_value;
	struct scene *scene = new_scene(test);
	unsigned int i, mask;

	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		for (mask = 0; mask < 256; mask += 23) {
			run_two(test, scene, way, &ways[i], mask);
			if (scene_failed(test, ways[i].name, 1 + mask % 3,
					 mask))
				return;
		}
	}
}

/* Also behind the count, where only the stub can be. */
static void i8_all_slots_hold_a_fence_or_the_stub(struct kunit *test)
{
	const struct way *way = test->param_value;
	struct scene *scene = new_scene(test);
	struct dma_resv_list *list;
	unsigned int i, mask, strange;

	for (mask = 0; mask < 16; mask++) {
		scene_start(test, scene, SHORT, false);
		signal_some(scene, mask);
		way->run(test, scene);
		dma_resv_lock(&scene->resv, NULL);
		list = dma_resv_list_of(&scene->resv);
		strange = 0;
		for (i = dma_resv_list_count(list);
		     i < dma_resv_list_slots(list); i++)
			strange += dma_resv_list_entry(list, i) !=
				   dma_resv_entry_behind();
		dma_resv_unlock(&scene->resv);
		KUNIT_EXPECT_EQ(test, strange, 0);
		expect_fences(test, scene, i);
		scene_end(test, scene);
		if (scene_failed(test, "a list of ours", 0, mask))
			return;
	}
}

/* Is it the list that was, or one of twice the room, in which nothing moved? */
static bool look_for_growth(struct kunit *test, struct dma_resv *resv,
			    struct dma_resv_list *before, unsigned int capacity,
			    struct dma_fence **fences, unsigned int count)
{
	struct dma_resv_list *list;
	unsigned int i, moved = 0;

	dma_resv_lock(resv, NULL);
	list = dma_resv_list_of(resv);
	/* Of a long one, a debugging kernel does not tell. */
	if (list != before && (!IS_ENABLED(CONFIG_DEBUG_MUTEXES) ||
			       dma_resv_list_slots(list) > count))
		KUNIT_EXPECT_GE(test, dma_resv_list_slots(list), 2 * capacity);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), count);
	for (i = 0; i < count; i++)
		moved += dma_resv_list_entry(list, i) !=
			 dma_resv_entry(fences[i], READ_);
	dma_resv_unlock(resv);
	KUNIT_EXPECT_EQ(test, moved, 0);
	return list != before;
}

/* By one, where the allocator rounds up, and past that by more. */
static void i8_growth_doubles_and_keeps_slots(struct kunit *test)
{
	struct dma_fence **fences = rig_many(test, 3000);
	unsigned int count = 0, step, capacity, grown = 0;
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_list *before;

	for (; count < 3000; count += step) {
		step = count < 40 ? 1 : 74;
		dma_resv_lock(resv, NULL);
		before = dma_resv_list_of(resv);
		capacity = dma_resv_list_capacity(before);
		dma_resv_unlock(resv);
		rig_import(test, rig_array(test, fences + count, step), READ_);
		grown += look_for_growth(test, resv, before, capacity, fences,
					 count + step);
	}
	/* Where unused room is taken away, each import doubles what is left. */
	if (IS_ENABLED(CONFIG_DEBUG_MUTEXES))
		KUNIT_EXPECT_GT(test, grown, 70);
	else
		KUNIT_EXPECT_LE(test, grown, 11);
}

/* A slot of what has signaled is the first to be used again. */
static void i8_a_dead_slot_is_used_again(struct kunit *test)
{
	struct scene *scene = new_scene(test);
	struct dma_resv_list *list;
	struct dma_fence *new;

	scene_start(test, scene, SHORT, false);
	dma_fence_signal(scene->fences[1]);
	dma_fence_signal(scene->fences[2]);
	new = scene_keep(test, scene, rig_new(test));
	import(test, scene, new, READ_);
	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), SHORT);
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, 1),
			dma_resv_entry(new, READ_));
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, 2),
			dma_resv_entry_none(&scene->resv));
	dma_resv_unlock(&scene->resv);
	/* And the other one, which has held the stub for a while. */
	new = scene_keep(test, scene, rig_new(test));
	import(test, scene, new, BOOKKEEP);
	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), SHORT);
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, 2),
			dma_resv_entry(new, BOOKKEEP));
	dma_resv_unlock(&scene->resv);
	scene_end(test, scene);
}

static void expect_count(struct kunit *test, struct scene *scene,
			 unsigned int count)
{
	dma_resv_lock(&scene->resv, NULL);
	KUNIT_EXPECT_EQ(test, count,
			dma_resv_list_count(dma_resv_list_of(&scene->resv)));
	dma_resv_unlock(&scene->resv);
	expect_stub_refs(test, scene);
}

/*
 * The count ends at the last that has not signaled, and goes up again. Not where
 * the kernel takes off what is behind it: nobody would know any more how many
 * slots readers may have seen.
 */
static void i4_the_count_goes_down_and_up(struct kunit *test)
{
	bool keeps = IS_ENABLED(CONFIG_DEBUG_MUTEXES);
	struct scene *scene = new_scene(test);
	unsigned int i;

	scene_start(test, scene, 12, false);
	expect_count(test, scene, 12);
	for (i = 7; i < 12; i++)
		dma_fence_signal(scene->fences[i]);
	dma_fence_signal(scene->fences[3]);
	way_prune(test, scene);
	expect_count(test, scene, keeps ? 12 : 7);
	/* One fills the gap, the others come behind. */
	way_few(test, scene);
	expect_count(test, scene, keeps ? 12 : 9);
	expect_slots(test, scene);
	for (i = 0; i < scene->all; i++)
		dma_fence_signal(scene->fences[i]);
	way_prune(test, scene);
	expect_count(test, scene, keeps ? 12 : 0);
	way_prune(test, scene);
	expect_count(test, scene, keeps ? 12 : 0);
	way_few(test, scene);
	expect_count(test, scene, keeps ? 12 : 3);
	scene_end(test, scene);
}

/* One fence covers two entries: it takes one place, the other stays. */
static void i8_what_covers_two_takes_one_place(struct kunit *test)
{
	struct scene *scene = new_scene(test);
	struct dma_fence *first, *new;
	struct dma_resv_list *list;

	scene_start(test, scene, SHORT, false);
	/* Slot 0 has WRITE, slot 1 READ; slot 4 READ of the context of slot 0. */
	first = scene->fences[0];
	KUNIT_ASSERT_EQ(test, usage_of(scene, 0), WRITE_);
	rig_add_to(test, &scene->resv,
		   scene_keep(test, scene,
			      rig_fence(test, first->context, 0)), READ_);
	new = scene_keep(test, scene, rig_fence(test, first->context, 7));
	import(test, scene, new, WRITE_);
	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), SHORT + 1);
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, 0),
			dma_resv_entry(new, WRITE_));
	KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, SHORT),
			dma_resv_entry(scene->fences[SHORT], READ_));
	dma_resv_unlock(&scene->resv);
	scene_end(test, scene);
}

/*
 * The references on a stub are one number for many objects. If it comes to be
 * large, what has signaled stays where it is, and no more of them are taken.
 */
static void i4_a_stub_with_many_references_is_not_used(struct kunit *test)
{
	struct scene *scene = new_scene(test);
	struct dma_resv_list *list;
	struct dma_fence *stub;
	refcount_t *refs;
	unsigned int i;

	scene_start(test, scene, SHORT, false);
	stub = dma_resv_entry_fence(dma_resv_entry_none(&scene->resv));
	refs = &stub->refcount.refcount;
	dma_fence_signal(scene->fences[1]);
	dma_fence_signal(scene->fences[3]);

	refcount_add(1 << 30, refs);
	way_one(test, scene);
	way_prune(test, scene);
	KUNIT_EXPECT_EQ(test, dma_resv_slot_refs(&scene->resv),
			scene->stub_refs + (1 << 30));
	KUNIT_EXPECT_FALSE(test, refcount_sub_and_test(1 << 30, refs));

	dma_resv_lock(&scene->resv, NULL);
	list = dma_resv_list_of(&scene->resv);
	KUNIT_EXPECT_EQ(test, dma_resv_list_count(list), SHORT + 1);
	for (i = 0; i <= SHORT && i < dma_resv_list_count(list); i++)
		KUNIT_EXPECT_PTR_EQ(test, scene->fences[i],
				    dma_resv_entry_fence(dma_resv_list_entry(list, i)));
	dma_resv_unlock(&scene->resv);
	expect_slots(test, scene);

	way_prune(test, scene);
	KUNIT_EXPECT_EQ(test, dma_resv_slot_refs(&scene->resv),
			scene->stub_refs + 2);
	scene_end(test, scene);
}

/* Fences that signal after a while. */
struct late {
	struct delayed_work work;
	struct dma_fence **fences;
	unsigned int count;
};

static void late_signal(struct work_struct *work)
{
	struct late *late = container_of(to_delayed_work(work), struct late,
					 work);
	unsigned int i;

	for (i = 0; i < late->count; i++)
		dma_fence_signal(late->fences[i]);
}

/* As a driver that has reserved too little: no slot is left in @resv, locked. */
static void use_up(struct dma_resv *resv, struct dma_fence **own)
{
	struct dma_resv_list *list = dma_resv_list_of(resv);

	while (dma_resv_list_count(list) < dma_resv_list_capacity(list))
		dma_resv_add_fence(resv, *own++, WRITE_);
}

/* What nobody will wait for later has to be over when the commit returns. */
static void i1_a_commit_without_room_waits(struct kunit *test)
{
	struct dma_fence **own = rig_many(test, 64);
	struct late late = { .fences = rig_many(test, 3), .count = 3 };
	struct dma_resv *resv = rig_resv(test);
	struct dma_resv_import *import;
	struct dma_resv_list *list;
	unsigned int i;

	import = dma_resv_import_prepare(resv, rig_array(test, late.fences, 3),
					 WRITE_);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, import);
	INIT_DELAYED_WORK_ONSTACK(&late.work, late_signal);
	dma_resv_lock(resv, NULL);
	KUNIT_EXPECT_EQ(test, 0, dma_resv_import_reserve(import, 0));
	use_up(resv, own);
	list = dma_resv_list_of(resv);
	schedule_delayed_work(&late.work, HZ / 20);
	dma_resv_import_commit(import);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(late.fences[i]));
	KUNIT_EXPECT_PTR_EQ(test, list, dma_resv_list_of(resv));
	for (i = 0; i < dma_resv_list_count(list); i++)
		KUNIT_EXPECT_EQ(test, dma_resv_list_entry(list, i),
				dma_resv_entry(own[i], WRITE_));
	dma_resv_unlock(resv);
	flush_delayed_work(&late.work);
	destroy_delayed_work_on_stack(&late.work);
}

/* The same of one of many objects, and the others get the fence. */
static void i1_a_commit_of_many_without_room_waits(struct kunit *test)
{
	struct dma_resv *resv = rig_resv(test), *other = rig_another_resv(test);
	struct dma_resv_many_entry entries[] = {
		{ .resv = other, .usage = WRITE_ },
		{ .resv = resv, .usage = WRITE_ },
	};
	struct late late = { .fences = rig_many(test, 3), .count = 3 };
	struct dma_fence **own = rig_many(test, 64);
	struct dma_resv_many many;
	unsigned int i;

	INIT_DELAYED_WORK_ONSTACK(&late.work, late_signal);
	KUNIT_ASSERT_EQ(test, 0,
			dma_resv_many_lock(&many, entries, 2,
					   rig_array(test, late.fences, 3)));
	use_up(resv, own);
	schedule_delayed_work(&late.work, HZ / 20);
	dma_resv_many_commit(&many);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, dma_fence_is_signaled(late.fences[i]));
	dma_resv_many_end(&many);
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(resv));
	KUNIT_EXPECT_FALSE(test, dma_resv_is_locked(other));
	KUNIT_EXPECT_EQ(test, 3, rig_entries(other, NULL, 0));
	flush_delayed_work(&late.work);
	destroy_delayed_work_on_stack(&late.work);
}

static struct kunit_case dma_resv_slots_cases[] = {
	KUNIT_CASE_PARAM(i8_a_reader_misses_nothing, way_gen_params),
	KUNIT_CASE_PARAM(i8_a_reader_of_many_misses_nothing, way_gen_params),
	KUNIT_CASE_PARAM(i8_a_reader_misses_nothing_of_two_changes,
			 way_gen_params),
	KUNIT_CASE_PARAM(i8_all_slots_hold_a_fence_or_the_stub, way_gen_params),
	KUNIT_CASE(i8_growth_doubles_and_keeps_slots),
	KUNIT_CASE(i8_a_dead_slot_is_used_again),
	KUNIT_CASE(i8_what_covers_two_takes_one_place),
	KUNIT_CASE(i4_the_count_goes_down_and_up),
	KUNIT_CASE(i4_a_stub_with_many_references_is_not_used),
	KUNIT_CASE(i1_a_commit_without_room_waits),
	KUNIT_CASE(i1_a_commit_of_many_without_room_waits),
	{}
};

static struct kunit_suite dma_resv_slots_suite = {
	.name = "dma_resv_slots",
	.init = dma_resv_slots_test_init,
	.test_cases = dma_resv_slots_cases,
};

kunit_test_suite(dma_resv_slots_suite);

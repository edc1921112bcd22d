// SPDX-License-Identifier: GPL-2.0-only
/*
 * I8 after each step: what has not signaled keeps its slot, and whoever walks the
 * list without the lock, with steps of others in between, misses nothing
 *
 * The kernel's own functions move entries when they replace a list, and leave
 * slots behind the count as they come; what they change is noted afresh.
 */

#include <linux/dma-fence.h>

#include "dma-resv-model-state.h"
#include "dma-resv-rig.h"

static struct dma_resv_list *list_of(struct run *run, unsigned int object)
{
	return rcu_dereference_protected(run->resv[object].fences, true);
}

static bool is_entry(unsigned long value)
{
	return !dma_resv_fence_is_stub(dma_resv_entry_fence(value));
}

/* Whether it is one of the run's; the stub and a stranger have no number. */
static bool entry_of(unsigned long value, struct entry *entry)
{
	int number = is_entry(value) ?
		     run_number_of(dma_resv_entry_fence(value)) : -1;

	entry->number = number < 0 ? NO_NUMBER : number;
	entry->usage = dma_resv_entry_usage(value);
	return number >= 0;
}

static void note(struct run *run, unsigned int object)
{
	struct dma_resv_list *list = list_of(run, object);
	struct run_list *noted = &run->lists[object];
	unsigned int i;

	if (noted->address != list) {
		noted->ours = false;
		noted->seen = 0;
	}
	noted->address = list;
	noted->capacity = dma_resv_list_capacity(list);
	noted->count = min_t(u32, dma_resv_list_count(list), ENTRIES_MAX);
	noted->seen = max(noted->seen, noted->count);
	for (i = 0; i < noted->count; i++)
		entry_of(dma_resv_list_entry(list, i), &noted->entries[i]);
}

/* Before a step. */
void run_slots_note(struct run *run)
{
	unsigned int object;

	for (object = 0; object < OBJECTS && dma_resv_list_known; object++)
		note(run, object);
}

static void reader_end(struct run_reader *reader)
{
	if (reader->open)
		dma_resv_iter_end(&reader->cursor);
	reader->open = false;
}

/* Nobody walks on. */
void run_readers_end(struct run *run)
{
	unsigned int i;

	for (i = 0; i < READERS; i++)
		reader_end(&run->readers[i]);
}

/* The kernel's own functions have changed something: where lists are new, all. */
void run_slots_changed(struct run *run)
{
	unsigned int i;

	for (i = 0; i < READERS && dma_resv_list_known; i++) {
		struct run_reader *reader = &run->readers[i];

		if (run->lists[reader->object].address !=
		    list_of(run, reader->object))
			reader_end(reader);
	}
	run_slots_note(run);
}

/* A new list of ours may have the address of the old one, sooner or later. */
static void take_for_old(struct run *run, unsigned int object,
			 struct dma_resv_list *list)
{
	unsigned int i;

	for (i = 0; i < READERS; i++) {
		struct run_reader *reader = &run->readers[i];

		if (reader->open && reader->object == object &&
		    reader->cursor.fences == run->lists[object].address)
			reader->cursor.fences = list;
	}
}

static void check_list(struct run *run, unsigned int object,
		       const struct model_step *step)
{
	struct dma_resv_list *list = list_of(run, object);
	struct run_list *noted = &run->lists[object];

	if (noted->address == list)
		return;
	/* Of a long one, a debugging kernel does not tell. */
	if (dma_resv_list_slots(list) < 2 * noted->capacity &&
	    (!IS_ENABLED(CONFIG_DEBUG_MUTEXES) ||
	     dma_resv_list_slots(list) > dma_resv_list_count(list)))
		run_fail(run, "I8: a list was replaced that is not twice as long");
	if (step->c & BIT(20))
		take_for_old(run, object, list);
	noted->ours = true;
	noted->address = list;
}

/* Each slot that a reader can see, or can have seen, holds a fence. */
static void check_valid(struct run *run, unsigned int object)
{
	struct dma_resv_list *list = list_of(run, object);
	struct run_list *noted = &run->lists[object];
	unsigned int i;

	if (noted->ours)
		noted->seen = dma_resv_list_slots(list);
	for (i = 0; i < noted->seen; i++) {
		unsigned long value = dma_resv_list_entry(list, i);
		struct entry entry;

		if (is_entry(value) && !entry_of(value, &entry))
			run_fail(run, "I8: a slot holds what is no fence");
		if (is_entry(value) && noted->ours &&
		    i >= dma_resv_list_count(list))
			run_fail(run, "I8: not the stub behind the count");
	}
}

/* What was there and has not signaled has its slot, or what covers it. */
static void check_slots(struct run *run, unsigned int object)
{
	struct dma_resv_list *list = list_of(run, object);
	struct run_list *noted = &run->lists[object];
	struct entry after;
	unsigned int i;

	for (i = 0; i < noted->count; i++) {
		struct entry *before = &noted->entries[i];

		if (before->number == NO_NUMBER ||
		    run->world.fences[before->number].signaled)
			continue;
		if (i >= dma_resv_list_count(list) ||
		    !entry_of(dma_resv_list_entry(list, i), &after) ||
		    !run_entry_does_for(run, &after, before))
			run_fail(run, "I8: an entry has lost its slot");
	}
}

/* After a step, or a part of it, that was none of the kernel's own. */
void run_slots_check(struct run *run, const struct model_step *step)
{
	unsigned int object;

	for (object = 0; object < OBJECTS && dma_resv_list_known; object++) {
		if (!list_of(run, object))
			continue;
		check_slots(run, object);
		check_list(run, object, step);
		check_valid(run, object);
		note(run, object);
	}
}

/* I4 of the slots: what has signaled is the stub, and not at the end. */
void run_slots_check_i4(struct run *run, unsigned int object)
{
	struct dma_resv_list *list = list_of(run, object);
	unsigned int i, count = dma_resv_list_count(list);

	if (!dma_resv_list_known)
		return;
	for (i = 0; i < count; i++) {
		unsigned long value = dma_resv_list_entry(list, i);

		if (is_entry(value) &&
		    dma_fence_is_signaled(dma_resv_entry_fence(value)))
			run_fail(run, "I4: a slot holds what has signaled");
	}
	if (!IS_ENABLED(CONFIG_DEBUG_MUTEXES) && count &&
	    !is_entry(dma_resv_list_entry(list, count - 1)))
		run_fail(run, "I4: the count goes on behind the last");
}

/* What a reader that starts now has to meet. */
static void reader_want(struct run *run, struct run_reader *reader)
{
	struct dma_resv_list *list = list_of(run, reader->object);
	unsigned int i;

	bitmap_zero(reader->want.has, MODEL_FENCES);
	bitmap_zero(reader->met.has, MODEL_FENCES);
	for (i = 0; i < dma_resv_list_count(list); i++) {
		unsigned long value = dma_resv_list_entry(list, i);
		struct entry entry;

		if (entry_of(value, &entry) && entry.usage <= reader->usage)
			__set_bit(entry.number, reader->want.has);
	}
}

static bool has_met(struct run *run, struct run_reader *reader,
		    unsigned int number)
{
	struct model_fence *fence = &run->world.fences[number];
	unsigned int i;

	for_each_set_bit(i, reader->met.has, MODEL_FENCES) {
		struct model_fence *other = &run->world.fences[i];

		if (i == number || (fence->context != MODEL_UNORDERED &&
				    other->context == fence->context &&
				    other->seqno > fence->seqno))
			return true;
	}
	return false;
}

/* It has come to @fence, or to its end. */
static void reader_comes_to(struct run *run, struct run_reader *reader,
			    struct dma_fence *fence)
{
	unsigned int i;

	if (dma_resv_iter_is_restarted(&reader->cursor))
		reader_want(run, reader);
	if (fence) {
		if (run_number_of(fence) < 0)
			return run_fail(run, "I8: a reader met a stranger");
		__set_bit(run_number_of(fence), reader->met.has);
		return;
	}
	for_each_set_bit(i, reader->want.has, MODEL_FENCES)
		if (!run->world.fences[i].signaled && !has_met(run, reader, i))
			run_fail(run, "I8: a reader missed a fence");
	reader_end(reader);
}

/* A reader starts, or goes on by some fences. */
void run_step_reader(struct run *run, const struct model_step *step)
{
	struct run_reader *reader = &run->readers[step->a % READERS];
	unsigned int i;

	if (!dma_resv_list_known)
		return;
	if (!reader->open) {
		reader->open = true;
		reader->object = step->b % OBJECTS;
		reader->usage = step->c % 4;
		dma_resv_iter_begin(&reader->cursor, &run->resv[reader->object],
				    reader->usage);
		reader_comes_to(run, reader,
				dma_resv_iter_first_unlocked(&reader->cursor));
		return;
	}
	for (i = 0; i <= step->b % 4 && reader->open; i++)
		reader_comes_to(run, reader,
				dma_resv_iter_next_unlocked(&reader->cursor));
}

void run_slots_start(struct run *run)
{
	if (dma_resv_list_known)
		run->stub_refs = dma_resv_stub_refs();
}

/* After the last object has gone. */
void run_slots_finish(struct run *run)
{
	if (dma_resv_list_known &&
	    dma_resv_stub_refs() != run->stub_refs)
		run_fail(run, "references on the stub do not add up");
}

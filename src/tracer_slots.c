// SPDX-License-Identifier: GPL-2.0-or-later
/* Slots: handing them out, taking them back, and running our programs over them. See bpf/maps.h. */
#include "tracer_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_SLOT 1U /* 0 is nobody's */
#define CELLS_AT_ONCE 512U /* looked at in one run, which cannot be preempted: less than 0.1 ms */
_Static_assert(CELLS_AT_ONCE >= MAX_CPUS, "one slot at least");

static int hand_out(struct tracer *t, uint32_t n)
{
	return bpf_map_update_elem(bpf_map__fd(t->skel->maps.free_slots), NULL, &n, BPF_ANY);
}

static size_t living_bytes(const struct tracer *t)
{
	size_t page = (size_t)getpagesize(), bytes = t->slots * sizeof(*t->living);

	return (bytes + page - 1) / page * page;
}

int tracer_open_slots(struct tracer *t)
{
	void *living = mmap(NULL, living_bytes(t), PROT_READ, MAP_SHARED,
			    bpf_map__fd(t->skel->maps.living), 0);
	int err = 0;

	if (living == MAP_FAILED)
		return -errno;
	t->living = living;
	for (uint32_t n = FIRST_SLOT; n < t->slots && !err; n++)
		err = hand_out(t, n);
	return err;
}

void tracer_close_slots(struct tracer *t)
{
	if (t->living)
		munmap((void *)t->living, living_bytes(t));
	free(t->lingering);
}

/* ---- taking them back ---- */

/* A slot goes back as all zeroes, its cells too: the kernel side relies on it. */
static int give_back(struct tracer *t, uint32_t n)
{
	static const struct slot zero_slot;
	static const struct cell zero_cell;
	int err = bpf_map_update_elem(bpf_map__fd(t->skel->maps.slots), &n, &zero_slot, BPF_ANY);

	for (uint32_t cpu = 0; !err && cpu < t->cpus; cpu++) {
		uint32_t at = cpu * t->slots + n;

		err = bpf_map_update_elem(bpf_map__fd(t->skel->maps.cells), &at, &zero_cell,
					  BPF_ANY);
	}
	return err ? err : hand_out(t, n);
}

/* Does the kernel side still work on the slot of a process that has ended? */
static bool in_use(const struct slot *slot)
{
	return slot->mm || slot->starting;
}

int tracer_take_back(struct tracer *t, uint32_t n, const struct slot *slot)
{
	uint32_t *more;

	if (!in_use(slot))
		return give_back(t, n);
	more = realloc(t->lingering, (t->n_lingering + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	t->lingering = more;
	t->lingering[t->n_lingering++] = n;
	return 0;
}

int tracer_reap_lingering(struct tracer *t)
{
	size_t kept = 0;
	int err = 0;

	for (size_t i = 0; i < t->n_lingering; i++) {
		uint32_t n = t->lingering[i];
		struct slot slot;

		err = err ? err : bpf_map_lookup_elem(bpf_map__fd(t->skel->maps.slots), &n, &slot);
		if (err || in_use(&slot))
			t->lingering[kept++] = n;
		else
			err = give_back(t, n);
	}
	t->n_lingering = kept;
	return err;
}

/* ---- running over them ---- */

static int run_picked(struct tracer *t, struct bpf_program *program, after_run_fn after)
{
	int err = t->skel->bss->n_picked ? tracer_run(program) : 0;

	if (!err && after && t->skel->bss->n_picked)
		err = after(t);
	t->skel->bss->n_picked = 0;
	return err;
}

int tracer_run_over(struct tracer *t, struct bpf_program *program, enum which_slots which,
		    after_run_fn after)
{
	uint32_t at_once = t->cpus > CELLS_AT_ONCE / PICKS ? CELLS_AT_ONCE / t->cpus : PICKS;
	int err = 0;

	for (uint32_t n = FIRST_SLOT; !err && n < t->slots; n++) {
		if (which == SLOTS_LIVING && !t->living[n])
			continue;
		t->skel->bss->picked[t->skel->bss->n_picked++] = n;
		if (t->skel->bss->n_picked == at_once)
			err = run_picked(t, program, after);
	}
	return err ? err : run_picked(t, program, after);
}

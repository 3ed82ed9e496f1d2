// SPDX-License-Identifier: GPL-2.0-or-later
#include "check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reach.h"

/* What one check needs while it lasts. */
struct work {
	struct check *check;
	const struct object *object;
	const struct kernel *kernel;
	struct bpf_insn *insns; /* relocated */
	bool *poisoned;
	bool *zero; /* per external: weak and absent */
	bool *reached;
	uint32_t *relocation_at; /* per instruction, NOWHERE = none */
};

static int add_problem(struct check *check, enum problem_kind kind, uint32_t at, uint32_t index,
		       uint32_t program)
{
	struct problem *more;

	check->programs[program] = kind == PROBLEM_HOOK ? PROGRAM_NO_HOOK : PROGRAM_BAD;
	for (uint32_t i = 0; i < check->n_problems; i++) {
		struct problem *p = &check->problems[i];

		if (p->kind == kind && p->at == at && p->index == index) {
			p->others++;
			return 0;
		}
	}
	more = reallocarray(check->problems, check->n_problems + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	check->problems = more;
	more[check->n_problems++] = (struct problem){ kind, at, index, program, 0 };
	return 0;
}

bool check_is_unresolved(const struct check *check, uint32_t relocation)
{
	const struct core_result *result = &check->results[relocation];

	/* the size or id of a type that is not there is 0, which nobody can mean */
	return check->patches[relocation].change == CORE_POISON ||
	       check->patches[relocation].change == CORE_NOT_POSSIBLE ||
	       (!result->found &&
		!core_is_question(check->object->relocations[relocation].core.kind));
}

static void relocate(struct work *w)
{
	struct check *check = w->check;
	const struct object *o = w->object;

	for (uint32_t i = 0; i < o->n_relocations; i++) {
		const struct relocation *r = &o->relocations[i];
		struct core_patch *patch = &check->patches[i];

		core_resolve(o->btf, &r->core, w->kernel, &check->results[i]);
		core_patch(&w->insns[r->at], o->n_insns - r->at, &check->results[i], patch);
		w->poisoned[r->at] = patch->change == CORE_POISON ||
				     patch->change == CORE_NOT_POSSIBLE;
		w->relocation_at[r->at] = i;
		check->unresolved += check_is_unresolved(check, i);
	}
}

static bool has_external(const struct kernel *kernel, const struct external *e)
{
	/* libbpf looks up a setting elsewhere, and a variable without a type among the symbols */
	return e->setting || !e->function || kernel_has_function(kernel, e->name);
}

static void look_up_externals(struct work *w)
{
	for (uint32_t i = 0; i < w->object->n_externals; i++) {
		const struct external *e = &w->object->externals[i];

		w->check->absent[i] = !has_external(w->kernel, e);
		w->zero[i] = e->weak && w->check->absent[i];
	}
}

/* A number that is read through a helper is read in the size that our types give it. */
static bool is_read_wrong(const struct check *check, uint32_t relocation)
{
	const struct core_result *result = &check->results[relocation];

	return result->scalar && result->bytes_before != result->bytes_after &&
	       (check->patches[relocation].change == CORE_IMM ||
		check->patches[relocation].change == CORE_IMM64);
}

static int judge_relocation(struct work *w, uint32_t at, uint32_t relocation, uint32_t program)
{
	struct check *check = w->check;

	if (check_is_unresolved(check, relocation)) {
		check->unresolved_met += !check->met[relocation];
		check->met[relocation] = true;
		return add_problem(check,
				   check->patches[relocation].change == CORE_NOT_POSSIBLE ?
					   PROBLEM_REFUSED :
					   PROBLEM_UNRESOLVED,
				   at, relocation, program);
	}
	if (is_read_wrong(check, relocation))
		return add_problem(check, PROBLEM_SIZE, at, relocation, program);
	return 0;
}

/* What an instruction that the verifier comes to asks of the kernel. */
static int judge(struct work *w, uint32_t at, uint32_t program)
{
	const struct object *o = w->object;
	const struct bpf_insn *insn = &o->insns[at];
	const struct reference *ref = &o->references[at];
	uint32_t relocation = w->relocation_at[at];
	bool is_call = insn->code == (BPF_JMP | BPF_CALL);

	if (relocation != NOWHERE)
		return judge_relocation(w, at, relocation, program);
	if (ref->what == REF_EXTERNAL) {
		/* the address of a weak one may be asked for */
		if (!w->check->absent[ref->index] || (!is_call && w->zero[ref->index]))
			return 0;
		return add_problem(w->check, PROBLEM_EXTERNAL, at, ref->index, program);
	}
	if (is_call && !insn->src_reg && ref->what == REF_NONE &&
	    kernel_has_helper(w->kernel, insn->imm) == 0)
		return add_problem(w->check, PROBLEM_HELPER, at, (uint32_t)insn->imm, program);
	return 0;
}

/* libbpf stops at a relocation that it refuses, reachable or not, in what belongs to a program. */
static int judge_refused(struct work *w, uint32_t program)
{
	const struct object *o = w->object;
	int err = 0;

	for (uint32_t i = 0; i < o->n_relocations && !err; i++) {
		uint32_t at = o->relocations[i].at, owner = o->owners[at];

		if (w->check->patches[i].change == CORE_NOT_POSSIBLE && !w->reached[at] &&
		    (owner == program || owner == NOWHERE || !o->functions[owner].program))
			err = judge_relocation(w, at, i, program);
	}
	return err;
}

static int check_program(struct work *w, uint32_t program, enum hook_state hook)
{
	const struct reach reach = { w->object, w->insns, w->poisoned, w->zero };
	uint32_t broken = 0;
	int err;

	w->check->programs[program] = hook == HOOK_UNKNOWN ? PROGRAM_UNSURE : PROGRAM_GOOD;
	err = reach_program(&reach, program, w->reached, &broken);
	if (err == -EINVAL)
		return add_problem(w->check, PROBLEM_JUMP, broken, 0, program);
	for (uint32_t at = 0; !err && at < w->object->n_insns; at++)
		if (w->reached[at])
			err = judge(w, at, program);
	return err ? err : judge_refused(w, program);
}

static int check_programs(struct work *w, struct rules *rules)
{
	const struct object *o = w->object;
	struct check *check = w->check;
	int err = 0;

	for (uint32_t f = 0; f < o->n_functions && !err; f++) {
		enum hook_state hook;

		if (!o->functions[f].program)
			continue;
		hook = hook_state(o->functions[f].section, w->kernel);
		if (!rules_loaded(rules, o->name, o->functions[f].name, w->kernel))
			check->programs[f] = PROGRAM_OFF;
		else if (hook != HOOK_MISSING)
			err = check_program(w, f, hook);
		else if (rules)
			err = add_problem(check, PROBLEM_HOOK, o->functions[f].at, 0, f);
		else
			check->programs[f] = PROGRAM_NO_HOOK;
	}
	return err;
}

int check_object(const struct object *object, const struct kernel *kernel, struct rules *rules,
		 struct check *check)
{
	/* one more than there are: none is no error */
	size_t relocations = object->n_relocations + 1UL, insns = object->n_insns + 1UL;
	struct work w = { .check = check, .object = object, .kernel = kernel };
	int err = -ENOMEM;

	memset(check, 0, sizeof(*check));
	check->object = object;
	check->programs = calloc(object->n_functions + 1UL, sizeof(*check->programs));
	check->results = calloc(relocations, sizeof(*check->results));
	check->patches = calloc(relocations, sizeof(*check->patches));
	check->met = calloc(relocations, sizeof(*check->met));
	check->absent = calloc(object->n_externals + 1UL, sizeof(*check->absent));
	w.insns = malloc(insns * sizeof(*w.insns));
	w.poisoned = calloc(insns, sizeof(*w.poisoned));
	w.zero = calloc(object->n_externals + 1UL, sizeof(*w.zero));
	w.reached = calloc(insns, sizeof(*w.reached));
	w.relocation_at = malloc(insns * sizeof(*w.relocation_at));
	if (check->programs && check->results && check->patches && check->met && check->absent &&
	    w.insns && w.poisoned && w.zero && w.reached && w.relocation_at) {
		memcpy(w.insns, object->insns, object->n_insns * sizeof(*w.insns));
		memset(w.relocation_at, 0xff, insns * sizeof(*w.relocation_at));
		look_up_externals(&w);
		relocate(&w);
		err = check_programs(&w, rules);
	}
	free(w.insns);
	free(w.poisoned);
	free(w.zero);
	free(w.reached);
	free(w.relocation_at);
	if (err)
		check_finish(check);
	return err;
}

void check_finish(struct check *check)
{
	free(check->programs);
	free(check->results);
	free(check->patches);
	free(check->met);
	free(check->absent);
	free(check->problems);
	memset(check, 0, sizeof(*check));
}

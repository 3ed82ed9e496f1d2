/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One object against one kernel. */
#ifndef CORE_CHECK_CHECK_H
#define CORE_CHECK_CHECK_H

#include "hooks.h"
#include "object.h"
#include "patch.h"

enum program_state {
	PROGRAM_NONE, /* the function is no program */
	PROGRAM_OFF, /* user space does not load it there, by the rules */
	PROGRAM_NO_HOOK, /* what it attaches to is missing */
	PROGRAM_GOOD,
	PROGRAM_UNSURE, /* good, as far as BTF tells: whether its hook exists it does not */
	PROGRAM_BAD,
};

enum problem_kind {
	PROBLEM_UNRESOLVED, /* the verifier comes to an instruction whose relocation failed */
	PROBLEM_REFUSED, /* libbpf would not load the object */
	PROBLEM_SIZE, /* a number is read in another size than the kernel's */
	PROBLEM_HELPER, /* the kernel lacks a helper that is called */
	PROBLEM_EXTERNAL, /* … or a function or variable that is not weak, or is called */
	PROBLEM_HOOK, /* … or what a program attaches to that is loaded there, by the rules */
	PROBLEM_JUMP, /* the object is damaged */
};

struct problem {
	enum problem_kind kind;
	uint32_t at; /* the instruction; of PROBLEM_HOOK, the program's first */
	uint32_t index; /* of the relocation or external; the helper's number */
	uint32_t program; /* the first that meets it */
	uint32_t others; /* how many more do */
};

struct check {
	const struct object *object;
	enum program_state *programs; /* per function */
	struct core_result *results; /* per relocation */
	struct core_patch *patches;
	bool *met; /* per relocation: it is a problem of some program */
	bool *absent; /* per external: the kernel lacks it */
	uint32_t unresolved, unresolved_met; /* relocations */
	struct problem *problems;
	uint32_t n_problems;
};

/* `rules` may be NULL: then a missing hook is no problem. Returns 0 or -ENOMEM. */
int check_object(const struct object *object, const struct kernel *kernel, struct rules *rules,
		 struct check *check);
void check_finish(struct check *check);

/* Is the relocation one that found nothing, or whose instruction libbpf makes invalid? */
bool check_is_unresolved(const struct check *check, uint32_t relocation);

#endif

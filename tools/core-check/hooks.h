/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program is attached to, by the name of its section, and whether a kernel has it. */
#ifndef CORE_CHECK_HOOKS_H
#define CORE_CHECK_HOOKS_H

#include "kernel.h"

enum hook_state {
	HOOK_NONE, /* the program is attached to nothing: user space runs it */
	HOOK_THERE,
	HOOK_MISSING,
	HOOK_UNKNOWN, /* BTF cannot tell: kprobes also take functions that it does not list */
};

enum hook_state hook_state(const char *section, const struct kernel *kernel);

/* A helper's name without "bpf_", NULL where this build's headers do not know it. */
const char *helper_name(int number);

/*
 * Which programs user space loads where: a file of lines "OBJECT PROGRAM… : CONDITION…", with # before
 * comments. A program is asked for only on kernels where all its conditions hold, [!]KIND:NAME with the
 * kinds struct, func, trace (a tracepoint), iter, helper and hook (any section's name).
 */
struct rules;

int rules_read(const char *path, struct rules **out, char *why, size_t why_len);
void rules_destroy(struct rules *rules);

/* Is the program loaded on that kernel? Yes, where no rule speaks of it. */
bool rules_loaded(struct rules *rules, const char *object, const char *program,
		  const struct kernel *kernel);

/* The first "OBJECT PROGRAM" of the rules for `object` that is not among the programs seen; NULL = none. */
const char *rules_unused(const struct rules *rules, const char *object);

#endif

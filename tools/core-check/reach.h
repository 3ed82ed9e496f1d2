/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which instructions of a program the kernel's verifier comes to. It drops branches whose condition it
 * knows; what stands behind "if (bpf_core_field_exists(…))" is such a branch where there is no field.
 *
 * The answer errs on one side only: what is said to be unreachable is; of what is said to be reachable
 * the verifier may know better, as only constants in registers are followed, not those on the stack, nor
 * ranges, nor the values of settings (.rodata).
 */
#ifndef CORE_CHECK_REACH_H
#define CORE_CHECK_REACH_H

#include "object.h"

struct reach {
	const struct object *object;
	const struct bpf_insn *insns; /* the object's, with the relocations of a kernel applied */
	const bool *poisoned; /* per instruction: libbpf made it invalid */
	const bool
		*absent; /* per external: weak, and the kernel does not have it; its address is 0 */
};

/*
 * Sets `reached`, one per instruction of the object, for a program and all that it calls. Returns 0 or
 * a negative errno: -EINVAL for a jump out of its function, with the instruction in `*at`.
 */
int reach_program(const struct reach *reach, uint32_t function, bool *reached, uint32_t *at);

#endif

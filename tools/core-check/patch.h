/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a resolved relocation does to its instruction. */
#ifndef CORE_CHECK_PATCH_H
#define CORE_CHECK_PATCH_H

#include "core.h"

/* What happened to an instruction. */
enum core_change { CORE_IMM, CORE_IMM64, CORE_OFF, CORE_POISON, CORE_NOT_POSSIBLE };

struct core_patch {
	enum core_change change;
	uint64_t before, after;
	uint32_t bytes_before, bytes_after; /* of CORE_OFF: the memory size, where it changed too */
	const char *why; /* of CORE_NOT_POSSIBLE, and of CORE_POISON where the field exists */
};

/* Changes an instruction as libbpf does; `room` is how many there are from `insn` on. */
void core_patch(struct bpf_insn *insn, size_t room, const struct core_result *result,
		struct core_patch *patch);

#endif

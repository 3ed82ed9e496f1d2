// SPDX-License-Identifier: GPL-2.0-or-later
#include "patch.h"

#include <limits.h>
#include <string.h>

static void poison(struct core_patch *patch, const char *why)
{
	patch->change = CORE_POISON;
	patch->why = why;
}

static void impossible(struct core_patch *patch, const char *why)
{
	patch->change = CORE_NOT_POSSIBLE;
	patch->why = why;
}

static uint32_t access_bytes(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_DW:
		return 8;
	case BPF_W:
		return 4;
	case BPF_H:
		return 2;
	default:
		return 1;
	}
}

static int size_code(uint32_t bytes)
{
	switch (bytes) {
	case 8:
		return BPF_DW;
	case 4:
		return BPF_W;
	case 2:
		return BPF_H;
	case 1:
		return BPF_B;
	default:
		return -1;
	}
}

static void patch_access(struct bpf_insn *insn, const struct core_result *result,
			 struct core_patch *patch)
{
	int code = size_code(result->bytes_after);

	patch->change = CORE_OFF;
	patch->before = (uint64_t)(int64_t)insn->off;
	patch->after = result->after;
	if (result->checked && patch->before != result->before) {
		impossible(patch, "the instruction has another offset than the object's types say");
		return;
	}
	if (result->after > SHRT_MAX) {
		impossible(patch, "the offset does not fit into a load or store");
		return;
	}
	if (result->bytes_before == result->bytes_after) {
		insn->off = (int16_t)result->after;
		return;
	}
	if (!result->resizable) {
		poison(patch, "a number with a sign, or a struct, has another size");
		return;
	}
	if (access_bytes(insn) != result->bytes_before || code < 0) {
		impossible(patch,
			   "the instruction accesses another size than the object's types say");
		return;
	}
	insn->off = (int16_t)result->after;
	insn->code = (uint8_t)(BPF_MODE(insn->code) | code | BPF_CLASS(insn->code));
	patch->bytes_before = result->bytes_before;
	patch->bytes_after = result->bytes_after;
}

static void patch_number(struct bpf_insn *insn, const struct core_result *result,
			 struct core_patch *patch)
{
	patch->change = CORE_IMM;
	patch->before = (uint64_t)(int64_t)insn->imm;
	patch->after = result->after;
	if (BPF_SRC(insn->code) != BPF_K)
		impossible(patch, "the instruction has no number in it");
	else if (result->checked && patch->before != result->before)
		impossible(patch, "the instruction has another number than the object's types say");
	else
		insn->imm = (int32_t)result->after;
}

static void patch_load(struct bpf_insn *insn, size_t room, const struct core_result *result,
		       struct core_patch *patch)
{
	patch->change = CORE_IMM64;
	patch->after = result->after;
	if (room < 2 || insn->code != (BPF_LD | BPF_IMM | BPF_DW) || insn->src_reg || insn->off ||
	    insn[1].code || insn[1].dst_reg || insn[1].src_reg || insn[1].off) {
		impossible(patch, "it is not a plain load of a number");
		return;
	}
	patch->before = (uint32_t)insn->imm | (uint64_t)(uint32_t)insn[1].imm << 32;
	if (result->checked && patch->before != result->before) {
		impossible(patch, "the instruction has another number than the object's types say");
		return;
	}
	insn[0].imm = (int32_t)(uint32_t)result->after;
	insn[1].imm = (int32_t)(uint32_t)(result->after >> 32);
}

void core_patch(struct bpf_insn *insn, size_t room, const struct core_result *result,
		struct core_patch *patch)
{
	memset(patch, 0, sizeof(*patch));
	if (result->outcome == CORE_REFUSED) {
		impossible(patch, result->why);
		return;
	}
	if (result->outcome == CORE_MISSING) {
		poison(patch, NULL);
		return;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		patch_number(insn, result, patch);
		break;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		patch_access(insn, result, patch);
		break;
	case BPF_LD:
		patch_load(insn, room, result, patch);
		break;
	default:
		impossible(patch, "it is no instruction that can be relocated");
	}
}

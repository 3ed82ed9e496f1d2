// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Propagation of constants over the instructions of a program and its functions. What a register holds
 * before an instruction is what it holds on all ways to it; an instruction is looked at again when that
 * changes, which it does at most once per register.
 */
#include "reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REGISTERS 11

struct registers {
	uint64_t value[REGISTERS];
	uint16_t known; /* bit n: value[n] is it */
};

struct walk {
	const struct reach *reach;
	bool *reached;
	struct registers *before; /* per instruction, where reached */
	bool *queued;
	uint32_t *queue;
	uint32_t n_queued;
	uint32_t broken; /* where a jump leaves its function, else NOWHERE */
};

static bool knows(const struct registers *r, unsigned int n)
{
	return n < REGISTERS && (r->known >> n & 1);
}

static void forget(struct registers *r, unsigned int n)
{
	if (n < REGISTERS)
		r->known &= (uint16_t) ~(1U << n);
}

static void set(struct registers *r, unsigned int n, uint64_t value)
{
	if (n >= REGISTERS)
		return;
	r->known |= (uint16_t)(1U << n);
	r->value[n] = value;
}

/* The instruction `to` is reached with these registers. */
static void flow(struct walk *w, uint32_t to, const struct registers *r)
{
	struct registers *before = &w->before[to];

	if (!w->reached[to]) {
		w->reached[to] = true;
		*before = *r;
	} else {
		uint16_t still = before->known & r->known;

		for (unsigned int n = 0; n < REGISTERS; n++)
			if ((still >> n & 1) && before->value[n] != r->value[n])
				still &= (uint16_t) ~(1U << n);
		if (still == before->known)
			return;
		before->known = still;
	}
	if (!w->queued[to]) {
		w->queued[to] = true;
		w->queue[w->n_queued++] = to;
	}
}

/* The same within the function of `from`. */
static void flow_within(struct walk *w, uint32_t from, int64_t to, const struct registers *r)
{
	const struct object *o = w->reach->object;

	if (to < 0 || to >= o->n_insns || o->owners[to] != o->owners[from]) {
		if (w->broken == NOWHERE)
			w->broken = from;
		return;
	}
	flow(w, (uint32_t)to, r);
}

static void enter(struct walk *w, uint32_t function, const struct registers *r)
{
	flow(w, w->reach->object->functions[function].at, r);
}

static const struct registers nothing_known;

/* ---- arithmetic -------------------------------------------------------------------------------- */

/* False where the result is not worth knowing. */
static bool compute(unsigned int op, uint64_t a, uint64_t b, unsigned int width, uint64_t *result)
{
	unsigned int shift = (unsigned int)b & (width - 1);

	switch (op) {
	case BPF_MOV:
		*result = b;
		return true;
	case BPF_ADD:
		*result = a + b;
		return true;
	case BPF_SUB:
		*result = a - b;
		return true;
	case BPF_MUL:
		*result = a * b;
		return true;
	case BPF_AND:
		*result = a & b;
		return true;
	case BPF_OR:
		*result = a | b;
		return true;
	case BPF_XOR:
		*result = a ^ b;
		return true;
	case BPF_LSH:
		*result = a << shift;
		return true;
	case BPF_RSH:
		*result = (width == 32 ? (uint32_t)a : a) >> shift;
		return true;
	case BPF_ARSH:
		*result = width == 32 ? (uint64_t)((int64_t)(int32_t)a >> shift) :
					(uint64_t)((int64_t)a >> shift);
		return true;
	default:
		return false;
	}
}

static void do_arithmetic(struct registers *r, const struct bpf_insn *insn)
{
	unsigned int width = BPF_CLASS(insn->code) == BPF_ALU ? 32 : 64, op = BPF_OP(insn->code);
	bool immediate = BPF_SRC(insn->code) == BPF_K;
	uint64_t a, b, result;

	/* with an offset: a move that extends the sign, a division with sign */
	if (insn->off || op == BPF_NEG || op == BPF_END ||
	    (!immediate && !knows(r, insn->src_reg)) ||
	    (op != BPF_MOV && !knows(r, insn->dst_reg)) || insn->dst_reg >= REGISTERS) {
		forget(r, insn->dst_reg);
		return;
	}
	a = r->value[insn->dst_reg];
	b = immediate ? (uint64_t)(int64_t)insn->imm : r->value[insn->src_reg];
	if (compute(op, a, b, width, &result))
		set(r, insn->dst_reg, width == 32 ? (uint32_t)result : result);
	else
		forget(r, insn->dst_reg);
}

/* ---- jumps ------------------------------------------------------------------------------------- */

/* 1 = taken, 0 = not taken, -1 = no comparison. */
static int compare(unsigned int op, uint64_t a, uint64_t b, bool narrow)
{
	int64_t x = narrow ? (int32_t)a : (int64_t)a, y = narrow ? (int32_t)b : (int64_t)b;

	if (narrow) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return (a & b) != 0;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	default:
		return -1;
	}
}

static void do_condition(struct walk *w, uint32_t at, const struct bpf_insn *insn,
			 const struct registers *r)
{
	bool immediate = BPF_SRC(insn->code) == BPF_K;
	int taken = -1;

	if (knows(r, insn->dst_reg) && (immediate || knows(r, insn->src_reg)))
		taken = compare(BPF_OP(insn->code), r->value[insn->dst_reg],
				immediate ? (uint64_t)(int64_t)insn->imm : r->value[insn->src_reg],
				BPF_CLASS(insn->code) == BPF_JMP32);
	if (taken != 0)
		flow_within(w, at, (int64_t)at + 1 + insn->off, r);
	if (taken != 1)
		flow_within(w, at, (int64_t)at + 1, r);
}

/* A static function is verified with what its callers pass, a global one with anything. */
static void do_call(struct walk *w, uint32_t at, struct registers *r)
{
	const struct object *o = w->reach->object;
	const struct reference *ref = &o->references[at];

	if (ref->what == REF_FUNCTION && !o->functions[ref->index].global) {
		struct registers passed = *r;

		passed.known &= 0x3e; /* r1 to r5 */
		enter(w, ref->index, &passed);
	}
	r->known &= 0x7c0; /* r6 to r9 are kept, and r10, which is not known anyway */
	flow_within(w, at, (int64_t)at + 1, r);
}

static void do_jump(struct walk *w, uint32_t at, const struct bpf_insn *insn, struct registers *r)
{
	bool wide = BPF_CLASS(insn->code) == BPF_JMP;

	if (BPF_OP(insn->code) == BPF_JA)
		flow_within(w, at, (int64_t)at + 1 + (wide ? insn->off : insn->imm), r);
	else if (wide && BPF_OP(insn->code) == BPF_CALL)
		do_call(w, at, r);
	else if (!wide || BPF_OP(insn->code) != BPF_EXIT)
		do_condition(w, at, insn, r);
}

/* ---- loads and stores -------------------------------------------------------------------------- */

static void do_load64(struct walk *w, uint32_t at, const struct bpf_insn *insn, struct registers *r)
{
	const struct object *o = w->reach->object;
	const struct reference *ref = &o->references[at];

	forget(r, insn->dst_reg);
	if (ref->what == REF_NONE && !insn->src_reg && at + 1 < o->n_insns)
		set(r, insn->dst_reg, (uint32_t)insn->imm | (uint64_t)(uint32_t)insn[1].imm << 32);
	else if (ref->what == REF_EXTERNAL && w->reach->absent[ref->index])
		set(r, insn->dst_reg, 0);
	else if (ref->what == REF_FUNCTION && !o->functions[ref->index].global)
		enter(w, ref->index, &nothing_known); /* it is called back */
	flow_within(w, at, (int64_t)at + 2, r);
}

static void do_store(struct registers *r, const struct bpf_insn *insn)
{
	if (BPF_CLASS(insn->code) != BPF_STX || BPF_MODE(insn->code) != BPF_ATOMIC)
		return;
	/* which of them takes what was there depends on the operation, and there come new ones */
	forget(r, 0);
	forget(r, insn->src_reg);
	forget(r, insn->dst_reg);
}

static void step(struct walk *w, uint32_t at)
{
	const struct bpf_insn *insn = &w->reach->insns[at];
	struct registers r = w->before[at];
	uint32_t next = 1;

	/* the verifier stops at it; what would follow is of interest too */
	if (w->reach->poisoned[at]) {
		insn = &w->reach->object->insns[at];
		if (BPF_CLASS(insn->code) == BPF_LD)
			next = 2;
		forget(&r, insn->dst_reg);
		flow_within(w, at, (int64_t)at + next, &r);
		return;
	}
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		do_arithmetic(&r, insn);
		break;
	case BPF_JMP:
	case BPF_JMP32:
		do_jump(w, at, insn, &r);
		return;
	case BPF_LD:
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			do_load64(w, at, insn, &r);
			return;
		}
		forget(&r, 0); /* a load from a packet */
		break;
	case BPF_LDX:
		forget(&r, insn->dst_reg);
		break;
	default:
		do_store(&r, insn);
	}
	flow_within(w, at, (int64_t)at + next, &r);
}

/*
 * Before 6.8 the kernel verified every global function that comes with a program, whether the calls of
 * it can be reached or not; what comes with it are the functions that it names anywhere.
 */
static int enter_globals(struct walk *w, uint32_t program)
{
	const struct object *o = w->reach->object;
	uint32_t *todo = malloc(o->n_functions * sizeof(*todo)), n = 0;
	bool *seen = calloc(o->n_functions, sizeof(*seen));

	if (!todo || !seen) {
		free(todo);
		free(seen);
		return -ENOMEM;
	}
	seen[program] = true;
	todo[n++] = program;
	while (n) {
		const struct function *f = &o->functions[todo[--n]];

		if (f->global && f != &o->functions[program])
			flow(w, f->at, &nothing_known);
		for (uint32_t at = f->at; at < f->at + f->n; at++) {
			const struct reference *ref = &o->references[at];

			if (ref->what != REF_FUNCTION || seen[ref->index])
				continue;
			seen[ref->index] = true;
			todo[n++] = ref->index;
		}
	}
	free(todo);
	free(seen);
	return 0;
}

int reach_program(const struct reach *reach, uint32_t function, bool *reached, uint32_t *at)
{
	uint32_t n = reach->object->n_insns;
	struct walk w = { .reach = reach, .reached = reached, .broken = NOWHERE };
	int err = 0;

	memset(reached, 0, n * sizeof(*reached));
	w.before = calloc(n, sizeof(*w.before));
	w.queued = calloc(n, sizeof(*w.queued));
	w.queue = malloc(n * sizeof(*w.queue));
	if (!w.before || !w.queued || !w.queue)
		err = -ENOMEM;
	if (!err) {
		enter(&w, function, &nothing_known);
		err = enter_globals(&w, function);
	}
	while (!err && w.n_queued) {
		uint32_t next = w.queue[--w.n_queued];

		w.queued[next] = false;
		step(&w, next);
	}
	if (!err && w.broken != NOWHERE) {
		*at = w.broken;
		err = -EINVAL;
	}
	free(w.before);
	free(w.queued);
	free(w.queue);
	return err;
}

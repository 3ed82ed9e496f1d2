// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "util/escape.h"

const char *safe(const char *text)
{
	static char ring[8][1024];
	static unsigned int next;
	char *out = ring[next++ % 8];

	escape_bytes(out, sizeof(ring[0]), text, strlen(text));
	return out;
}

/* ---- what is wrong ----------------------------------------------------------------------------- */

/* "on_delete and 2 more: bpf/shm_trace.bpf.h:123: " */
static void print_place(const struct object *o, uint32_t at, uint32_t program, uint32_t others)
{
	uint32_t owner = o->owners[at], number;
	const char *file = object_line(o, at, &number);

	printf("%s", safe(o->functions[program].name));
	if (others)
		printf(" and %u more", others);
	if (owner != NOWHERE && owner != program)
		printf(", in %s()", safe(o->functions[owner].name));
	printf(": ");
	if (*file)
		printf("%s:%u: ", safe(file), number);
	else if (owner != NOWHERE)
		printf("instruction %u: ", at - o->functions[owner].at);
}

static void print_relocation(const struct check *check, uint32_t relocation)
{
	const struct core_relocation *core = &check->object->relocations[relocation].core;
	const struct core_result *result = &check->results[relocation];
	const char *why = check->patches[relocation].why;
	char text[512];

	core_describe(check->object->btf, core, text, sizeof(text));
	printf("%s (%s): %s\n", safe(text), core_kind_name(core->kind),
	       why ? safe(why) : safe(result->why));
}

static void print_problem(const struct check *check, const struct problem *p)
{
	const struct object *o = check->object;
	const struct core_result *result = &check->results[p->index];
	const char *helper;
	char text[512];

	print_place(o, p->at, p->program, p->others);
	switch (p->kind) {
	case PROBLEM_REFUSED:
		printf("libbpf would refuse the object: ");
		print_relocation(check, p->index);
		break;
	case PROBLEM_UNRESOLVED:
		print_relocation(check, p->index);
		break;
	case PROBLEM_SIZE:
		core_describe(o->btf, &o->relocations[p->index].core, text, sizeof(text));
		printf("%s has %u bytes, %u are read\n", safe(text), result->bytes_after,
		       result->bytes_before);
		break;
	case PROBLEM_HELPER:
		helper = helper_name((int)p->index);
		if (helper)
			printf("the kernel has no bpf_%s()\n", helper);
		else
			printf("the kernel has no helper number %u\n", p->index);
		break;
	case PROBLEM_EXTERNAL:
		printf("the kernel has no %s()\n", safe(o->externals[p->index].name));
		break;
	case PROBLEM_HOOK:
		printf("the kernel has no %s, and no rule says that it may lack it\n",
		       safe(o->functions[p->program].section));
		break;
	case PROBLEM_JUMP:
		printf("a jump leaves its function: the object is damaged\n");
		break;
	}
}

void report_check(const struct check *check, const char *label, bool verbose)
{
	const struct object *o = check->object;
	uint32_t resolved = o->n_relocations - check->unresolved;

	printf("%s on %s: %u of %u CO-RE relocations resolved", safe(o->name), label, resolved,
	       o->n_relocations);
	if (check->unresolved)
		printf(", %u not, of which the verifier comes to %u", check->unresolved,
		       check->unresolved_met);
	printf("\n");
	for (uint32_t i = 0; i < check->n_problems; i++) {
		printf("    ");
		print_problem(check, &check->problems[i]);
	}
	for (uint32_t i = 0; verbose && i < o->n_relocations; i++) {
		uint32_t at = o->relocations[i].at;

		if (!check_is_unresolved(check, i) || check->met[i] || o->owners[at] == NOWHERE)
			continue;
		printf("    not reached: ");
		print_place(o, at, o->owners[at], 0);
		print_relocation(check, i);
	}
}

/* ---- what becomes of each relocation ----------------------------------------------------------- */

void report_relocations(const struct check *check)
{
	const struct object *o = check->object;

	for (uint32_t i = 0; i < o->n_relocations; i++) {
		uint32_t at = o->relocations[i].at, owner = o->owners[at], n;
		const struct core_patch *patch = &check->patches[i];
		unsigned long long before = patch->before, after = patch->after;
		const char *name;

		if (owner == NOWHERE)
			continue;
		name = safe(o->functions[owner].name);
		n = at - o->functions[owner].at;
		switch (patch->change) {
		case CORE_IMM:
			printf("%s %u imm %llu %llu\n", name, n, before, after);
			break;
		case CORE_IMM64:
			printf("%s %u imm64 %llu %llu\n", name, n, before, after);
			break;
		case CORE_OFF:
			printf("%s %u off %llu %llu\n", name, n, before, after);
			if (patch->bytes_before != patch->bytes_after)
				printf("%s %u mem_sz %u %u\n", name, n, patch->bytes_before,
				       patch->bytes_after);
			break;
		case CORE_POISON:
			printf("%s %u invalid\n", name, n);
			if (o->insns[at].code == (BPF_LD | BPF_IMM | BPF_DW))
				printf("%s %u invalid\n", name, n + 1);
			break;
		case CORE_NOT_POSSIBLE:
			printf("%s %u refused: %s\n", name, n, safe(patch->why));
			break;
		}
	}
}

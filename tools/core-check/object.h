/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A BPF object file, as far as it matters for what a kernel makes of it: instructions, who calls whom,
 * CO-RE relocations, source lines, and what is expected from the kernel by name.
 *
 * The instructions of all sections stand in one row, and "at" below means an index into it.
 */
#ifndef CORE_CHECK_OBJECT_H
#define CORE_CHECK_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>

#include "core.h"

#define NOWHERE UINT32_MAX

struct function {
	const char *name;
	const char *section;
	uint32_t at, n;
	bool program; /* libbpf loads it by itself; else others call it */
	bool global; /* the kernel verifies it by itself, whatever its arguments are */
};

/* A function or variable of the kernel that the object declares: extern … __ksym. */
struct external {
	const char *name;
	bool weak;
	bool function;
	bool setting; /* of the kernel's configuration (__kconfig): libbpf knows a value for each */
};

/* What an instruction refers to. */
struct reference {
	enum { REF_NONE, REF_DATA, REF_FUNCTION, REF_EXTERNAL } what;
	uint32_t index; /* of the function or external */
};

struct line {
	uint32_t at; /* the first instruction of the line */
	uint32_t file; /* offset of its name */
	uint32_t number;
};

struct relocation {
	uint32_t at;
	struct core_relocation core;
};

struct object {
	char name[64]; /* of the file, without directories and ".bpf.o" */
	struct btf *btf;
	struct bpf_insn *insns;
	struct reference *references; /* per instruction */
	uint32_t *owners; /* per instruction: the function, or NOWHERE */
	uint32_t n_insns;
	struct function *functions; /* ordered by `at` */
	uint32_t n_functions;
	struct external *externals;
	uint32_t n_externals;
	struct relocation *relocations;
	uint32_t n_relocations;
	struct line *lines; /* ordered by `at` */
	uint32_t n_lines;
	/* what the names above are part of */
	void *data;
	size_t bytes;
	void *elf;
};

/* Returns 0 or a negative errno with the reason in `why`. */
int object_read(const char *path, struct object **out, char *why, size_t why_len);

/* The same of bytes, which become the object's (also on an error). */
int object_parse(const char *name, void *data, size_t bytes, struct object **out, char *why,
		 size_t why_len);

void object_destroy(struct object *object);

/* The file ("" = not known) and line of an instruction. */
const char *object_line(const struct object *object, uint32_t at, uint32_t *number);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A BPF object and a kernel's types, neither of which need be what it says: four bytes of the object's
 * length, the object, and what is left is a file with the kernel's BTF.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "../../tools/core-check/check.h"
#include "../../tools/core-check/header.h"
#include "../../tools/core-check/image.h"

#define REQUIRE(condition)                \
	do {                              \
		if (!(condition))         \
			__builtin_trap(); \
	} while (0)

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static void check_all(const struct object *o, const struct kernel *kernel)
{
	struct header header;
	struct check check;
	char text[512];
	uint32_t line;

	REQUIRE(!check_object(o, kernel, NULL, &check));
	REQUIRE(check.unresolved <= o->n_relocations && check.unresolved_met <= check.unresolved);
	for (uint32_t i = 0; i < o->n_relocations; i++) {
		REQUIRE(o->relocations[i].at < o->n_insns);
		core_describe(o->btf, &o->relocations[i].core, text, sizeof(text));
		REQUIRE(strlen(text) < sizeof(text));
		object_line(o, o->relocations[i].at, &line);
		/* what is missing does not become a number, nor the other way round */
		REQUIRE(check.results[i].outcome != CORE_MISSING ||
			check.patches[i].change == CORE_POISON);
		REQUIRE(check.results[i].outcome != CORE_REFUSED ||
			check.patches[i].change == CORE_NOT_POSSIBLE);
	}
	for (uint32_t i = 0; i < check.n_problems; i++)
		REQUIRE(check.problems[i].at < o->n_insns &&
			check.problems[i].program < o->n_functions);
	check_finish(&check);
	if (!header_init(&header, o->btf, 1)) {
		header_look(&header, 0, kernel);
		header_finish(&header);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kernel kernel;
	struct object *o;
	size_t btf_bytes;
	const void *btf;
	uint32_t length;
	char why[256];
	void *copy;

	libbpf_set_print(quiet);
	if (size < sizeof(length))
		return 0;
	memcpy(&length, data, sizeof(length));
	data += sizeof(length);
	size -= sizeof(length);
	if (length > size || !length)
		return 0;
	btf = image_find_btf(data + length, size - length, &btf_bytes);
	if (!btf || kernel_init(&kernel, btf, btf_bytes, why, sizeof(why)))
		return 0;
	copy = malloc(length);
	REQUIRE(copy);
	memcpy(copy, data, length);
	if (!object_parse("fuzzed.bpf.o", copy, length, &o, why, sizeof(why))) {
		check_all(o, &kernel);
		object_destroy(o);
	} else {
		REQUIRE(*why);
	}
	kernel_finish(&kernel);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libbpf_says OBJECT BTF: what libbpf makes of the object's CO-RE relocations on a kernel with that BTF,
 * one line each, as `core-check --relocations` prints it. libbpf tells only when it loads the object, as
 * root, before the kernel looks at the programs: what the kernel says to them does not matter here.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

static unsigned long told;

static int listen(enum libbpf_print_level level, const char *format, va_list args)
{
	unsigned long long before, after;
	char text[1024], program[128], what[16];
	unsigned int relocation, insn;

	(void)level;
	vsnprintf(text, sizeof(text), format, args);
	if (sscanf(text,
		   "libbpf: prog '%127[^']': relo #%u: patched insn #%u (%*[^)]) %15s %llu -> %llu",
		   program, &relocation, &insn, what, &before, &after) == 6) {
		printf("%s %u %s %llu %llu\n", program, insn, what, before, after);
		told++;
	} else if (sscanf(text, "libbpf: prog '%127[^']': relo #%u: substituting insn #%u w/ %15s",
			  program, &relocation, &insn, what) == 4) {
		printf("%s %u %s\n", program, insn, what);
		told++;
	} else if (strstr(text, "relo #") && level == LIBBPF_WARN) {
		fputs(text, stderr);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_program *program;
	struct bpf_object *object;
	int err;

	if (argc != 3) {
		fprintf(stderr, "usage: libbpf_says OBJECT BTF\n");
		return 2;
	}
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = argv[2]);
	libbpf_set_print(listen);
	object = bpf_object__open_file(argv[1], &opts);
	if (!object) {
		perror(argv[1]);
		return 1;
	}
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, true);
	err = bpf_object__load(object);
	fprintf(stderr, "%lu told, bpf_object__load: %s\n", told, strerror(-err));
	bpf_object__close(object);
	return told ? 0 : 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libbpf_says OBJECT BTF: what libbpf makes of the object's CO-RE relocations on a kernel with that BTF,
 * one line each, as `core-check --relocations` prints it. libbpf tells only when it loads the object, as
 * root, before the kernel looks at the programs: what the kernel says to them does not matter here.
 *
 * libbpf_says OBJECT BTF PROGRAM: whether this kernel's verifier comes to an instruction of the program
 * that libbpf made invalid: "invalid", "taken", or "refused" for another reason.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

static unsigned long told;
static bool invalid;

/* As the kernel puts it (0xbad2310 is the helper that there is not), or libbpf in its place. */
static int listen_to_verifier(enum libbpf_print_level level, const char *format, va_list args)
{
	static char text[1 << 16];

	(void)level;
	vsnprintf(text, sizeof(text), format, args);
	if (strstr(text, "unknown#195896080") || strstr(text, "<invalid CO-RE relocation>"))
		invalid = true;
	return 0;
}

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

static int load(const char *path, const char *btf, const char *only)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .btf_custom_path = btf);
	struct bpf_object *object = bpf_object__open_file(path, &opts);
	struct bpf_program *program;
	int err;

	if (!object) {
		perror(path);
		return 1;
	}
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(
		program, !only || !strcmp(only, bpf_program__name(program)));
	err = bpf_object__load(object);
	bpf_object__close(object);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: libbpf_says OBJECT BTF [PROGRAM]\n");
		return 2;
	}
	libbpf_set_print(argc == 4 ? listen_to_verifier : listen);
	err = load(argv[1], argv[2], argc == 4 ? argv[3] : NULL);
	if (argc == 4) {
		printf("%s\n", invalid ? "invalid" : err ? "refused" : "taken");
		return 0;
	}
	fprintf(stderr, "%lu told, bpf_object__load: %s\n", told, strerror(-err));
	return told ? 0 : 1;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * core-check: what would kernels make of BPF objects? Neither the kernels run nor the objects: CO-RE
 * relocations are resolved against the kernels' BTF, and what the verifier would come to is followed.
 *
 * Exits with 0 where all is well, 1 where a kernel would not take what it should, 2 where something
 * could not be read.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "check.h"
#include "header.h"
#include "image.h"
#include "report.h"

#define WHY_LEN 512
#define LABEL_LEN 32

/* A kernel of the command line, and what is left of it when its types are gone. */
struct target {
	const char *path;
	char label[LABEL_LEN];
	char release[RELEASE_LEN];
	uint32_t types;
	bool *present; /* per external of all objects in a row: does it have it? */
	enum program_state **programs; /* per object and function */
};

struct tool {
	struct object **objects;
	size_t n_objects;
	struct target *targets;
	size_t n_targets;
	struct rules *rules;
	struct object *header_object;
	struct header header;
	bool dead; /* what no kernel has is a problem */
	bool relocations; /* print nothing but these */
	bool verbose;
	unsigned long problems;
	int status;
};

static void __attribute__((format(printf, 2, 3))) fail(struct tool *t, const char *format, ...)
{
	char text[2 * WHY_LEN];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "core-check: %s\n", safe(text));
	t->status = 2;
}

/* ---- tables ------------------------------------------------------------------------------------ */

/* Columns 0 and 1 are names, the rest is one per kernel. */
typedef const char *(*cell_fn)(const struct tool *t, size_t row, size_t column);
typedef bool (*row_fn)(const struct tool *t, size_t row);

static void print_table(const struct tool *t, const char *const heads[2], size_t rows,
			row_fn wanted, cell_fn cell)
{
	size_t columns = t->n_targets + 2, *widths = calloc(columns, sizeof(*widths));
	const char *text;
	bool any = false;

	if (!widths)
		return;
	for (size_t c = 0; c < columns; c++) {
		widths[c] = strlen(c < 2 ? heads[c] : t->targets[c - 2].label);
		for (size_t r = 0; r < rows; r++) {
			if (!wanted(t, r))
				continue;
			any = true;
			text = cell(t, r, c);
			if (strlen(text) > widths[c])
				widths[c] = strlen(text);
		}
	}
	for (size_t c = 0; any && c < columns; c++)
		printf("%s%*s", c ? "  " : "\n", c == columns - 1 ? 0 : -(int)widths[c],
		       c < 2 ? heads[c] : t->targets[c - 2].label);
	for (size_t r = 0; any && r < rows; r++) {
		if (!wanted(t, r))
			continue;
		for (size_t c = 0; c < columns; c++)
			printf("%s%*s", c ? "  " : "\n", c == columns - 1 ? 0 : -(int)widths[c],
			       cell(t, r, c));
	}
	if (any)
		printf("\n");
	free(widths);
}

/* Finds the `row`-th function of all objects in a row. */
static const struct function *function_of(const struct tool *t, size_t row, size_t *object,
					  size_t *function)
{
	for (*object = 0; row >= t->objects[*object]->n_functions; ++*object)
		row -= t->objects[*object]->n_functions;
	*function = row;
	return &t->objects[*object]->functions[row];
}

static bool is_program(const struct tool *t, size_t row)
{
	size_t object, function;

	return function_of(t, row, &object, &function)->program;
}

static const char *program_cell(const struct tool *t, size_t row, size_t column)
{
	static const char *const words[] = {
		[PROGRAM_NONE] = "",    [PROGRAM_OFF] = "off",  [PROGRAM_NO_HOOK] = "no hook",
		[PROGRAM_GOOD] = "yes", [PROGRAM_UNSURE] = "?", [PROGRAM_BAD] = "NO",
	};
	size_t object, n;
	const struct function *f = function_of(t, row, &object, &n);
	char name[256];

	if (column == 0) {
		snprintf(name, sizeof(name), "%s %s", t->objects[object]->name, f->name);
		return safe(name);
	}
	if (column == 1)
		return safe(f->section);
	return words[t->targets[column - 2].programs[object][n]];
}

static const struct external *external_of(const struct tool *t, size_t row)
{
	size_t object = 0;

	for (; row >= t->objects[object]->n_externals; object++)
		row -= t->objects[object]->n_externals;
	return &t->objects[object]->externals[row];
}

static bool every_row(const struct tool *t, size_t row)
{
	(void)t;
	(void)row;
	return true;
}

static const char *external_cell(const struct tool *t, size_t row, size_t column)
{
	const struct external *e = external_of(t, row);

	if (column == 0)
		return safe(e->name);
	if (column == 1)
		return e->weak ? "weak" : "needed";
	if (!e->function)
		return "?";
	return t->targets[column - 2].present[row] ? "yes" : "no";
}

static bool differs(const struct tool *t, size_t row)
{
	return !t->header.rows[row].plain;
}

static const char *header_cell(const struct tool *t, size_t row, size_t column)
{
	const struct header_row *r = &t->header.rows[row];

	if (column == 0)
		return safe(r->name);
	if (column == 1)
		return t->dead && !r->found ? "DEAD" : "";
	return r->cells[column - 2];
}

static void print_tables(struct tool *t)
{
	static const char *const program_heads[] = { "PROGRAM", "HOOK" },
				 *const external_heads[] = { "EXTERN", "" },
				 *const header_heads[] = { "FIELD OR VALUE", "" };
	size_t functions = 0, externals = 0, dead = 0, plain = 0;

	for (size_t i = 0; i < t->n_objects; i++) {
		functions += t->objects[i]->n_functions;
		externals += t->objects[i]->n_externals;
	}
	print_table(t, program_heads, functions, is_program, program_cell);
	print_table(t, external_heads, externals, every_row, external_cell);
	if (!t->header_object)
		return;
	for (size_t i = 0; i < t->header.n_rows; i++) {
		dead += !t->header.rows[i].found;
		plain += t->header.rows[i].plain;
	}
	print_table(t, header_heads, t->header.n_rows, differs, header_cell);
	printf("\nheader: %zu fields and values, %zu the same on all these kernels, %zu on none\n",
	       t->header.n_rows, plain, dead);
	if (t->dead)
		t->problems += dead;
}

/* ---- the run ----------------------------------------------------------------------------------- */

static int keep(struct target *target, size_t object, size_t *externals, const struct check *check)
{
	const struct object *o = check->object;

	target->programs[object] =
		malloc((o->n_functions + 1UL) * sizeof(*target->programs[object]));
	if (!target->programs[object])
		return -ENOMEM;
	memcpy(target->programs[object], check->programs,
	       o->n_functions * sizeof(*target->programs[object]));
	for (uint32_t i = 0; i < o->n_externals; i++)
		target->present[(*externals)++] = !check->absent[i];
	return 0;
}

static int check_target(struct tool *t, struct target *target, const struct kernel *kernel)
{
	size_t externals = 0;
	struct check check;
	int err;

	for (size_t i = 0; i < t->n_objects; i++) {
		err = check_object(t->objects[i], kernel, t->rules, &check);
		if (err)
			return err;
		if (t->relocations)
			report_relocations(&check);
		else
			report_check(&check, target->label, t->verbose);
		t->problems += check.n_problems;
		err = keep(target, i, &externals, &check);
		check_finish(&check);
		if (err)
			return err;
	}
	return 0;
}

static int look_at(struct tool *t, size_t n)
{
	struct target *target = &t->targets[n];
	struct kernel kernel;
	struct image image;
	char why[WHY_LEN];
	int err = image_read(target->path, &image, why, sizeof(why));

	if (err) {
		fail(t, "%s", why);
		return err;
	}
	err = kernel_init(&kernel, image.btf, image.btf_bytes, why, sizeof(why));
	snprintf(target->release, sizeof(target->release), "%s", image.release);
	image_finish(&image);
	if (err) {
		fail(t, "'%s': %s", target->path, why);
		return err;
	}
	target->types = btf__type_cnt(kernel.btf) - 1;
	if (!t->relocations)
		printf("%s: %s%s%u types, %s\n", target->label, safe(target->release),
		       *target->release ? ", " : "", target->types, safe(target->path));
	err = check_target(t, target, &kernel);
	if (err)
		fail(t, "'%s': %s", target->path, strerror(-err));
	else if (t->header_object)
		header_look(&t->header, n, &kernel);
	kernel_finish(&kernel);
	return err;
}

/* "LABEL=FILE" or "FILE" */
static void set_target(struct target *target, const char *word)
{
	size_t label = strcspn(word, "=/");
	const char *name;

	target->path = word;
	if (word[label] == '=') {
		target->path = word + label + 1;
		snprintf(target->label, sizeof(target->label), "%.*s",
			 (int)(label < LABEL_LEN ? label : LABEL_LEN - 1), safe(word));
		return;
	}
	name = strrchr(word, '/');
	snprintf(target->label, sizeof(target->label), "%.*s", LABEL_LEN - 1,
		 safe(name ? name + 1 : word));
}

static int read_object(struct tool *t, const char *path, struct object **out)
{
	char why[WHY_LEN];
	int err = object_read(path, out, why, sizeof(why));

	if (err)
		fail(t, "%s", why);
	return err;
}

static int set_up(struct tool *t, char **objects, char **targets, const char *rules,
		  const char *header)
{
	char why[WHY_LEN] = "out of memory";
	size_t externals = 0;
	int err = 0;

	t->objects = calloc(t->n_objects + 1, sizeof(*t->objects));
	t->targets = calloc(t->n_targets + 1, sizeof(*t->targets));
	if (!t->objects || !t->targets)
		err = -ENOMEM;
	else if (rules)
		err = rules_read(rules, &t->rules, why, sizeof(why));
	if (err) {
		fail(t, "%s", why);
		return err;
	}
	for (size_t i = 0; i < t->n_objects && !err; i++) {
		err = read_object(t, objects[i], &t->objects[i]);
		if (!err)
			externals += t->objects[i]->n_externals;
	}
	if (!err && header)
		err = read_object(t, header, &t->header_object);
	if (err)
		return err;
	if (t->header_object) {
		err = header_init(&t->header, t->header_object->btf, t->n_targets);
		if (err) {
			fail(t, "'%s' has no types: %s", header, strerror(-err));
			return err;
		}
	}
	for (size_t i = 0; i < t->n_targets; i++) {
		set_target(&t->targets[i], targets[i]);
		t->targets[i].present = calloc(externals + 1, sizeof(bool));
		t->targets[i].programs = calloc(t->n_objects + 1, sizeof(*t->targets[i].programs));
		if (!t->targets[i].present || !t->targets[i].programs) {
			fail(t, "out of memory");
			return -ENOMEM;
		}
	}
	return 0;
}

static void finish(struct tool *t)
{
	for (size_t i = 0; t->objects && i < t->n_objects; i++)
		object_destroy(t->objects[i]);
	for (size_t i = 0; t->targets && i < t->n_targets; i++) {
		for (size_t j = 0; t->targets[i].programs && j < t->n_objects; j++)
			free(t->targets[i].programs[j]);
		free(t->targets[i].programs);
		free(t->targets[i].present);
	}
	free(t->objects);
	free(t->targets);
	header_finish(&t->header);
	object_destroy(t->header_object);
	rules_destroy(t->rules);
}

/* A rule for a program that is gone would hide nothing, and mislead. */
static void complain_about_rules(struct tool *t)
{
	for (size_t i = 0; i < t->n_objects; i++) {
		const char *unused = rules_unused(t->rules, t->objects[i]->name);

		if (unused)
			fail(t, "there is a rule for '%s', which does not exist", unused);
	}
}

/* No column of guesses: the tables are of the kernels that could be read. */
static void drop_target(struct tool *t, size_t n)
{
	for (size_t i = 0; i < t->n_objects; i++)
		free(t->targets[n].programs[i]);
	free(t->targets[n].programs);
	free(t->targets[n].present);
	t->n_targets--;
	memmove(&t->targets[n], &t->targets[n + 1], (t->n_targets - n) * sizeof(*t->targets));
}

static int run(struct tool *t)
{
	for (size_t i = 0; i < t->n_targets;) {
		if (look_at(t, i))
			drop_target(t, i);
		else
			i++;
	}
	if (t->n_targets)
		complain_about_rules(t);
	if (t->relocations)
		return t->status;
	if (t->n_targets)
		print_tables(t);
	if (t->problems)
		printf("\n%lu problem%s\n", t->problems, t->problems == 1 ? "" : "s");
	else if (!t->status)
		printf("\nno problems\n");
	return t->status ? t->status : t->problems > 0;
}

static int extract(const char *path)
{
	struct image image;
	char why[WHY_LEN];
	int err = image_read(path, &image, why, sizeof(why));

	if (err) {
		fprintf(stderr, "core-check: %s\n", safe(why));
		return 2;
	}
	err = fwrite(image.btf, 1, image.btf_bytes, stdout) != image.btf_bytes || fflush(stdout);
	if (err)
		fprintf(stderr, "core-check: cannot write: %s\n", strerror(errno));
	image_finish(&image);
	return err ? 2 : 0;
}

static int usage(FILE *out)
{
	fprintf(out,
		"usage: core-check [OPTION…] OBJECT.bpf.o… -- [LABEL=]KERNEL…\n"
		"       core-check --extract KERNEL >BTF\n"
		"Would kernels take BPF objects? Nothing is run; exits with 1 where one would not.\n"
		"KERNEL is BTF (/sys/kernel/btf/vmlinux), a vmlinux with it, or an image (vmlinuz).\n"
		"\n"
		"  --rules FILE      which programs are loaded where: they must be taken there\n"
		"  --header OBJECT   check the types of this object, made from vmlinux.h\n"
		"  --dead            a type or field of it that no kernel has is a problem\n"
		"  --relocations     print what becomes of each relocation, and nothing else\n"
		"  --extract KERNEL  print its BTF\n"
		"  -v, --verbose     list the unresolved relocations that are not reached, too\n");
	return 2;
}

/* libbpf's own words go nowhere: ours name the file. */
static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "rules", required_argument, NULL, 'r' },
		{ "header", required_argument, NULL, 'H' },
		{ "dead", no_argument, NULL, 'd' },
		{ "relocations", no_argument, NULL, 'R' },
		{ "extract", required_argument, NULL, 'x' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *rules = NULL, *header = NULL;
	struct tool t = { 0 };
	char **words, **dashes = NULL;
	int option, status;

	/* the second "--" is ours: getopt would take the first for its own */
	for (words = argv + 1; *words && !dashes; words++)
		if (!strcmp(*words, "--"))
			dashes = words;
	libbpf_set_print(quiet);
	while ((option = getopt_long(dashes ? (int)(dashes - argv) : argc, argv, "+vh", options,
				     NULL)) >= 0) {
		switch (option) {
		case 'r':
			rules = optarg;
			break;
		case 'H':
			header = optarg;
			break;
		case 'd':
			t.dead = true;
			break;
		case 'R':
			t.relocations = true;
			break;
		case 'x':
			return optind == argc ? extract(optarg) : usage(stderr);
		case 'v':
			t.verbose = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			return usage(stderr);
		}
	}
	if (!dashes || dashes <= argv + optind || !dashes[1])
		return usage(stderr);
	t.n_objects = (size_t)(dashes - (argv + optind));
	t.n_targets = (size_t)(argc - (dashes + 1 - argv));
	status = set_up(&t, argv + optind, dashes + 1, rules, header) ? 2 : run(&t);
	finish(&t);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "core-check: cannot write: %s\n", strerror(errno));
		status = 2;
	}
	return status;
}

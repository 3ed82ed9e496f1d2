// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * argp parses; the help is written by hand, as in options.c, and a test holds the two against each
 * other.
 */
#include "shm_options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/escape.h"

static const char help_text[] =
	"Usage: memmon-bpf shm [OPTION…]\n"
	"Shows all shared memory of the machine: every /dev/shm and other tmpfs, those of containers too,\n"
	"with limit, fill and files; System V segments; memfds; and who hit the wall of a full one.\n"
	"\n"
	"      --watch         stay, trace charges and failures; a live screen on a terminal\n"
	"  -d, --duration SEC  stay that long, then print\n"
	"  -i, --interval SEC  between looks (1), with --watch or -d\n"
	"      --files         the files of each mount: size, creator, holders, state\n"
	"  -c, --container CONTAINER[,…]  only what these have mounted: names or starts of ids\n"
	"      --json FILE     the ledger as JSON            --csv FILE   a row per mount and look\n"
	"      --fail-if EXPR  exit with 3 when it held: 'shm.used>80%', 'shm.full>0 || shm.orphans>9'\n"
	"      --unit UNIT     B KiB MiB GiB KB MB GB        --no-color   plain text\n"
	"      --btf FILE      type information of the kernel, where /sys does not show it\n"
	"  -v, --verbose       say what happens              -h, --help\n"
	"FILE may be -. See memmon-bpf(8) for the columns, the keys and the exit status.\n"
	"\n"
	"Examples: sudo memmon-bpf shm                              one table, at once\n"
	"          sudo memmon-bpf shm --files -c web               what fills this container's /dev/shm\n"
	"          sudo memmon-bpf shm --watch                      live, until q or Ctrl-C\n"
	"          sudo memmon-bpf shm -d 60 --json shm.json        a minute, with peaks and failures\n"
	"          sudo memmon-bpf shm --fail-if 'shm.used>80%'     for a health check\n";

enum {
	OPT_WATCH = 256,
	OPT_FILES,
	OPT_JSON,
	OPT_CSV,
	OPT_UNIT,
	OPT_FAIL_IF,
	OPT_BTF,
	OPT_NO_COLOR,
	OPT_USAGE,
};

/* argp itself names --usage in its messages. */
static const struct argp_option rows[] = {
	{ "watch", OPT_WATCH, NULL, 0, NULL, 0 },
	{ "files", OPT_FILES, NULL, 0, NULL, 0 },
	{ "container", 'c', "CONTAINER[,CONTAINER…]", 0, NULL, 0 },
	{ "interval", 'i', "SEC", 0, NULL, 0 },
	{ "duration", 'd', "SEC", 0, NULL, 0 },
	{ "json", OPT_JSON, "FILE", 0, NULL, 0 },
	{ "csv", OPT_CSV, "FILE", 0, NULL, 0 },
	{ "unit", OPT_UNIT, "UNIT", 0, NULL, 0 },
	{ "fail-if", OPT_FAIL_IF, "EXPR", 0, NULL, 0 },
	{ "btf", OPT_BTF, "FILE", 0, NULL, 0 },
	{ "no-color", OPT_NO_COLOR, NULL, 0, NULL, 0 },
	{ "verbose", 'v', NULL, 0, NULL, 0 },
	{ "help", 'h', NULL, 0, NULL, 0 },
	{ "usage", OPT_USAGE, NULL, 0, NULL, 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

struct parsing {
	struct shm_options *o;
	bool interval; /* -i was given */
};

/* Bad usage: says what is wrong, harmless to the terminal whatever the user typed, and exits with 2. */
static void __attribute__((format(printf, 2, 3)))
refuse(struct argp_state *state, const char *format, ...)
{
	char message[1024], shown[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	escape_bytes(shown, sizeof(shown), message, strlen(message));
	argp_error(state, "%s", shown);
}

static double parse_seconds(struct argp_state *state, const char *option, const char *text,
			    double least)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value))
		refuse(state, "%s: '%s' is not a number of seconds", option, text);
	if (value < least || value > 1e9)
		refuse(state, "%s: '%s' is out of range; give %g to 1000000000 seconds", option,
		       text, least);
	return value;
}

/* Cuts `list`, which is argv's own, at its commas. */
static void add_containers(struct argp_state *state, struct shm_options *o, char *list)
{
	size_t len = strlen(list);
	char *rest;

	if (!len || list[0] == ',' || list[len - 1] == ',' || strstr(list, ",,"))
		refuse(state, "-c: '%s' is not a container; give names or ids, as in -c web,4f5e6d",
		       list);
	for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (o->n_containers == SHM_MAX_CONTAINERS)
			refuse(state, "-c: more than %d containers; leave it out to see all",
			       SHM_MAX_CONTAINERS);
		o->containers[o->n_containers++] = name;
	}
}

static void parse_fail_if(struct argp_state *state, struct shm_options *o, const char *text)
{
	char why[512];
	int err;

	expr_destroy(o->fail_if);
	o->fail_if = NULL;
	err = expr_parse(text, &o->fail_if, why, sizeof(why));
	if (err == -ENOMEM)
		argp_failure(state, 1, ENOMEM, "--fail-if");
	else if (err)
		refuse(state, "--fail-if: %s", why);
}

static void check(struct argp_state *state, const struct parsing *p)
{
	const struct shm_options *o = p->o;

	if (p->interval && !shm_options_stays(o))
		refuse(state, "-i needs --watch or -d: without them it looks once");
	if (o->json && o->csv && strcmp(o->json, "-") == 0 && strcmp(o->csv, "-") == 0)
		refuse(state, "--json - and --csv - exclude each other: both are standard output");
}

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct parsing *p = state->input;
	struct shm_options *o = p->o;

	switch (key) {
	case OPT_WATCH:
		o->watch = true;
		break;
	case OPT_FILES:
		o->files = true;
		break;
	case 'c':
		add_containers(state, o, arg);
		break;
	case 'i':
		p->interval = true;
		o->interval_s = parse_seconds(state, "-i", arg, 0.1);
		break;
	case 'd':
		o->duration_s = parse_seconds(state, "-d", arg, 0.001);
		break;
	case OPT_JSON:
		o->json = arg;
		break;
	case OPT_CSV:
		o->csv = arg;
		break;
	case OPT_UNIT:
		o->unit = unit_find(arg);
		if (!o->unit)
			refuse(state,
			       "--unit: '%s' is not a unit; give B, KiB, MiB, GiB, KB, MB or GB",
			       arg);
		break;
	case OPT_FAIL_IF:
		parse_fail_if(state, o, arg);
		break;
	case OPT_BTF:
		o->btf = arg;
		break;
	case OPT_NO_COLOR:
		o->no_color = true;
		break;
	case 'v':
		o->verbose++;
		break;
	case 'h':
	case OPT_USAGE:
		fputs(help_text, stdout);
		exit(ferror(stdout) || fflush(stdout) ? 1 : 0);
	case ARGP_KEY_ARG:
		refuse(state, "'%s': shm takes options only; for a container give -c %s", arg, arg);
		break;
	case ARGP_KEY_END:
		check(state, p);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void shm_options_parse(struct shm_options *o, int argc, char **argv)
{
	static const struct argp argp = { .options = rows, .parser = take };
	static char name[] = "memmon-bpf shm"; /* as messages begin */
	struct parsing p = { .o = o };

	*o = (struct shm_options){ .interval_s = 1 };
	argp_err_exit_status = 2;
	argv[0] = name;
	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &p);
}

void shm_options_finish(struct shm_options *o)
{
	expr_destroy(o->fail_if);
	*o = (struct shm_options){ 0 };
}

bool shm_options_stays(const struct shm_options *o)
{
	return o->watch || o->duration_s > 0;
}

const char *const *shm_options_names(void)
{
	static const char *names[sizeof(rows) / sizeof(rows[0])];

	for (size_t i = 0; rows[i].name; i++)
		names[i] = rows[i].name;
	return names;
}

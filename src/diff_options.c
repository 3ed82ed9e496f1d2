// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * argp parses; the help is written by hand, as in options.c, and a test holds the two against each
 * other.
 */
#include "diff_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/side.h"
#include "util/usage.h"

static const char help_text[] =
	"Usage: memmon-bpf diff [OPTION…] A B\n"
	"Compares two watches: peaks, growth, page faults, shared memory, processes by name. A and B are\n"
	"recordings (-o) or JSON summaries (--json) of memmon-bpf, in any mixture; - is standard input.\n"
	"\n"
	"      --json FILE     the comparison as JSON; FILE may be -\n"
	"      --fail-if EXPR  exit with 3 when it holds of B: 'peak.rss>2GiB', or of the change from A\n"
	"                      to B: 'peak.rss>+5%', 'peak.rss>+20MiB && faults.minor>+10%'\n"
	"      --unit UNIT     B KiB MiB GiB KB MB GB        --no-color   plain text\n"
	"  -h, --help\n"
	"What is not known of a watch is n/a; a comparison with it does not hold, and is named. The fields and\n"
	"the conditions are listed in memmon-bpf(8).\n"
	"\n"
	"Examples: memmon-bpf diff before.memmon after.memmon\n"
	"          memmon-bpf diff --fail-if 'peak.rss>+5%' base.json now.json      in CI\n"
	"          memmon-bpf diff --json - base.json now.json | jq .fields\n";

enum {
	OPT_JSON = 256,
	OPT_FAIL_IF,
	OPT_UNIT,
	OPT_NO_COLOR,
	OPT_USAGE,
};

/* argp itself names --usage in its messages. */
static const struct argp_option rows[] = {
	{ "json", OPT_JSON, "FILE", 0, NULL, 0 },
	{ "fail-if", OPT_FAIL_IF, "EXPR", 0, NULL, 0 },
	{ "unit", OPT_UNIT, "UNIT", 0, NULL, 0 },
	{ "no-color", OPT_NO_COLOR, NULL, 0, NULL, 0 },
	{ "help", 'h', NULL, 0, NULL, 0 },
	{ "usage", OPT_USAGE, NULL, 0, NULL, 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static void parse_fail_if(struct argp_state *state, struct diff_options *o, const char *text)
{
	char why[512];
	int err;

	expr_destroy(o->fail_if);
	o->fail_if = NULL;
	err = expr_parse_diff(text, &o->fail_if, why, sizeof(why));
	if (err == -ENOMEM)
		argp_failure(state, 1, ENOMEM, "--fail-if");
	else if (err)
		usage_refuse(state, "--fail-if: %s", why);
	for (size_t i = 0; o->fail_if && i < expr_parts(o->fail_if); i++) {
		const struct field *f = expr_part(o->fail_if, i).field;

		if (!side_has(f))
			usage_refuse(
				state,
				"--fail-if: '%s' is of a moment, and no summary has it; take a field of the whole watch, such as peak.rss",
				f->name);
	}
}

static void check(struct argp_state *state, const struct diff_options *o)
{
	if (!o->a)
		usage_refuse(
			state,
			"nothing to compare: give two recordings or summaries, as in diff before.memmon after.memmon");
	else if (!o->b)
		usage_refuse(state, "'%s' is compared with nothing: give a second file", o->a);
	else if (strcmp(o->a, "-") == 0 && strcmp(o->b, "-") == 0)
		usage_refuse(state, "A and B are both -: there is one standard input");
}

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct diff_options *o = state->input;

	switch (key) {
	case OPT_JSON:
		o->json = arg;
		break;
	case OPT_FAIL_IF:
		parse_fail_if(state, o, arg);
		break;
	case OPT_UNIT:
		o->unit = usage_unit(state, arg);
		break;
	case OPT_NO_COLOR:
		o->no_color = true;
		break;
	case 'h':
	case OPT_USAGE:
		usage_help(help_text);
	case ARGP_KEY_ARG:
		if (o->b)
			usage_refuse(state, "'%s' is too many: diff compares two files", arg);
		*(o->a ? &o->b : &o->a) = arg;
		break;
	case ARGP_KEY_END:
		check(state, o);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void diff_options_parse(struct diff_options *o, int argc, char **argv)
{
	static const struct argp argp = { .options = rows, .parser = take };
	static char name[] = "memmon-bpf diff"; /* as messages begin */

	*o = (struct diff_options){ .a = NULL };
	argp_err_exit_status = 2;
	argv[0] = name;
	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, o);
}

void diff_options_finish(struct diff_options *o)
{
	expr_destroy(o->fail_if);
	*o = (struct diff_options){ .a = NULL };
}

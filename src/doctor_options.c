// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * argp parses; the help is written by hand, as in options.c, and a test holds the two against each
 * other.
 */
#include "doctor_options.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/escape.h"

static const char help_text[] =
	"Usage: memmon-bpf doctor [OPTION…]\n"
	"Shows what this kernel and these privileges allow: each hook and each feature, on, degraded or off,\n"
	"what is lost without it, and how to get it. The programs are loaded and attached for a moment to\n"
	"see that they can be; nothing stays.\n"
	"\n"
	"      --json FILE     the findings as JSON; FILE may be -\n"
	"      --btf FILE      type information of the kernel, where /sys does not show it\n"
	"      --no-color      plain text\n"
	"  -v, --verbose       say what happens while the programs are loaded\n"
	"  -h, --help\n"
	"\n"
	"Exit status: 0  -p, shm and -c all work, be it with less\n"
	"             1  at least one of them does not, or the findings could not be written\n"
	"             2  bad usage\n"
	"\n"
	"Examples: sudo memmon-bpf doctor\n"
	"          sudo memmon-bpf doctor --json - | jq '.features | map_values(.state)'\n";

enum { OPT_JSON = 256, OPT_BTF, OPT_NO_COLOR, OPT_USAGE };

/* argp itself names --usage in its messages. */
static const struct argp_option rows[] = {
	{ "json", OPT_JSON, "FILE", 0, NULL, 0 },
	{ "btf", OPT_BTF, "FILE", 0, NULL, 0 },
	{ "no-color", OPT_NO_COLOR, NULL, 0, NULL, 0 },
	{ "verbose", 'v', NULL, 0, NULL, 0 },
	{ "help", 'h', NULL, 0, NULL, 0 },
	{ "usage", OPT_USAGE, NULL, 0, NULL, 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct doctor_options *o = state->input;
	char shown[512];

	switch (key) {
	case OPT_JSON:
		o->json = arg;
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
		/* harmless to the terminal whatever the user typed */
		escape_bytes(shown, sizeof(shown), arg, strlen(arg));
		argp_error(state, "'%s': doctor takes options only", shown);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void doctor_options_parse(struct doctor_options *o, int argc, char **argv)
{
	static const struct argp argp = { .options = rows, .parser = take };
	static char name[] = "memmon-bpf doctor"; /* as messages begin */

	*o = (struct doctor_options){ 0 };
	argp_err_exit_status = 2;
	argv[0] = name;
	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, o);
}

const char *const *doctor_options_names(void)
{
	static const char *names[sizeof(rows) / sizeof(rows[0])];

	for (size_t i = 0; rows[i].name; i++)
		names[i] = rows[i].name;
	return names;
}

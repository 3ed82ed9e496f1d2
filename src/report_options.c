// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * argp parses; the help is written by hand, as in options.c, and a test holds the two against each
 * other.
 */
#include "report_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/usage.h"

static const char help_text[] =
	"Usage: memmon-bpf report [OPTION…] RECORDING\n"
	"Shows what was recorded with -o: the summary as text, as the watch printed it, or what is asked for\n"
	"here, several at once. No root is needed. A recording that is still being written may be read.\n"
	"\n"
	"      --html FILE         one page with charts and tables, to look at in a browser, without network\n"
	"      --svg FILE          the charts as a picture   --png FILE     the same, as a bitmap\n"
	"      --json FILE         the summary               --csv FILE     the timeline\n"
	"      --perfetto FILE     for ui.perfetto.dev: the timeline and the events of each process\n"
	"      --openmetrics FILE  the last figures and the peaks, for Prometheus and its kind\n"
	"      --unit UNIT         B KiB MiB GiB KB MB GB    --from-zero    figures less their first\n"
	"      --max-processes N   in JSON and the summary   --no-color     plain text\n"
	"      --fail-if EXPR      exit with 3 when it held: 'peak.rss>2GiB || system.available<512MiB'\n"
	"  -h, --help\n"
	"FILE may be -. An existing file is replaced. See memmon-bpf(8).\n"
	"\n"
	"Examples: sudo memmon-bpf -o build.memmon -- make          record\n"
	"          memmon-bpf report build.memmon                   the summary\n"
	"          memmon-bpf report build.memmon --html build.html --png build.png\n"
	"          memmon-bpf report build.memmon --csv - | head    the timeline\n";

#define OPT_FORMATS 256 /* and one for each format */
enum {
	OPT_UNIT = OPT_FORMATS + REPORT_FORMATS,
	OPT_FROM_ZERO,
	OPT_MAX_PROCESSES,
	OPT_FAIL_IF,
	OPT_NO_COLOR,
	OPT_USAGE,
};

/* argp itself names --usage in its messages. */
static const struct argp_option rows[] = {
	{ "html", OPT_FORMATS + REPORT_HTML, "FILE", 0, NULL, 0 },
	{ "svg", OPT_FORMATS + REPORT_SVG, "FILE", 0, NULL, 0 },
	{ "png", OPT_FORMATS + REPORT_PNG, "FILE", 0, NULL, 0 },
	{ "json", OPT_FORMATS + REPORT_JSON, "FILE", 0, NULL, 0 },
	{ "csv", OPT_FORMATS + REPORT_CSV, "FILE", 0, NULL, 0 },
	{ "perfetto", OPT_FORMATS + REPORT_PERFETTO, "FILE", 0, NULL, 0 },
	{ "openmetrics", OPT_FORMATS + REPORT_OPENMETRICS, "FILE", 0, NULL, 0 },
	{ "unit", OPT_UNIT, "UNIT", 0, NULL, 0 },
	{ "from-zero", OPT_FROM_ZERO, NULL, 0, NULL, 0 },
	{ "max-processes", OPT_MAX_PROCESSES, "N", 0, NULL, 0 },
	{ "fail-if", OPT_FAIL_IF, "EXPR", 0, NULL, 0 },
	{ "no-color", OPT_NO_COLOR, NULL, 0, NULL, 0 },
	{ "help", 'h', NULL, 0, NULL, 0 },
	{ "usage", OPT_USAGE, NULL, 0, NULL, 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

const char *report_option(enum report_format format)
{
	static const char *const options[REPORT_FORMATS] = {
		[REPORT_JSON] = "--json",         [REPORT_CSV] = "--csv",
		[REPORT_PERFETTO] = "--perfetto", [REPORT_OPENMETRICS] = "--openmetrics",
		[REPORT_SVG] = "--svg",           [REPORT_PNG] = "--png",
		[REPORT_HTML] = "--html",
	};

	return options[format];
}

bool report_options_has_files(const struct report_options *o)
{
	for (int i = 0; i < REPORT_FORMATS; i++)
		if (o->files[i])
			return true;
	return false;
}

static void parse_fail_if(struct argp_state *state, struct report_options *o, const char *text)
{
	char why[512];
	int err;

	expr_destroy(o->fail_if);
	o->fail_if = NULL;
	err = expr_parse(text, &o->fail_if, why, sizeof(why));
	if (err == -ENOMEM)
		argp_failure(state, 1, ENOMEM, "--fail-if");
	else if (err)
		usage_refuse(state, "--fail-if: %s", why);
}

static size_t parse_count(struct argp_state *state, const char *text)
{
	char *end;
	long count;

	errno = 0;
	count = strtol(text, &end, 10);
	if (end == text || *end || errno || count < 1 || count > 1000000)
		usage_refuse(state, "--max-processes: '%s' is not a number from 1 to 1000000",
			     text);
	return (size_t)count;
}

/* Devices, /dev/null say, may be given twice; a file would hold one output on the other. */
static void check_files(struct argp_state *state, const struct report_options *o)
{
	for (int i = 0; i < REPORT_FORMATS; i++)
		for (int j = 0; o->files[i] && j < i; j++)
			if (o->files[j] && strcmp(o->files[i], o->files[j]) == 0 &&
			    strncmp(o->files[i], "/dev/", 5) != 0)
				usage_refuse(state, "%s and %s exclude each other: both are %s",
					     report_option(j), report_option(i),
					     strcmp(o->files[i], "-") == 0 ? "standard output" :
									     "the same file");
	if (o->files[REPORT_PNG] && strcmp(o->files[REPORT_PNG], "-") == 0 && isatty(STDOUT_FILENO))
		usage_refuse(state, "--png -: a picture is nothing for a terminal; name a file");
}

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct report_options *o = state->input;

	switch (key) {
	case OPT_FORMATS ... OPT_FORMATS + REPORT_FORMATS - 1:
		o->files[key - OPT_FORMATS] = arg;
		break;
	case OPT_UNIT:
		o->unit = usage_unit(state, arg);
		break;
	case OPT_FROM_ZERO:
		o->from_zero = true;
		break;
	case OPT_MAX_PROCESSES:
		o->max_processes = parse_count(state, arg);
		break;
	case OPT_FAIL_IF:
		parse_fail_if(state, o, arg);
		break;
	case OPT_NO_COLOR:
		o->no_color = true;
		break;
	case 'h':
	case OPT_USAGE:
		usage_help(help_text);
	case ARGP_KEY_ARG:
		if (o->recording)
			usage_refuse(
				state,
				"'%s' is too many: report reads one recording; diff compares two",
				arg);
		o->recording = arg;
		break;
	case ARGP_KEY_END:
		if (o->recording && strcmp(o->recording, "-") == 0)
			usage_refuse(state, "a recording is no stream; give its name instead of -");
		if (!o->recording)
			usage_refuse(
				state,
				"nothing to report: give a recording, which memmon-bpf -o FILE makes");
		check_files(state, o);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void report_options_parse(struct report_options *o, int argc, char **argv)
{
	static const struct argp argp = { .options = rows, .parser = take };
	static char name[] = "memmon-bpf report"; /* as messages begin */

	*o = (struct report_options){ .recording = NULL };
	argp_err_exit_status = 2;
	argv[0] = name;
	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, o);
}

void report_options_finish(struct report_options *o)
{
	expr_destroy(o->fail_if);
	*o = (struct report_options){ .recording = NULL };
}

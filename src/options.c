// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * argp parses; the help is written by hand, because it has to fit a screen and show examples. A test
 * holds the two against each other.
 */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/recorder.h"
#include "util/escape.h"

const char *argp_program_version = "memmon-bpf " MEMMON_VERSION;

static const char help_text[] =
	"Usage: memmon-bpf [OPTION…] -p PID[,PID…]     watch running processes and their children\n"
	"       memmon-bpf [OPTION…] -- COMMAND [ARG…] run a command and watch it\n"
	"       memmon-bpf [OPTION…] -c CONTAINER[,…]  watch containers: names or starts of ids\n"
	"       memmon-bpf [OPTION…] -g CGROUP         watch a cgroup subtree\n"
	"       memmon-bpf [OPTION…] -a                watch the whole machine\n"
	"       memmon-bpf shm [OPTION…]               show all shared memory, or watch it: see shm --help\n"
	"       memmon-bpf report RECORDING [OPTION…]  what -o recorded, as text, HTML, pictures, exports\n"
	"       memmon-bpf diff [OPTION…] A B          compare two recordings or JSON summaries\n"
	"       memmon-bpf doctor [OPTION…]            what this kernel and these privileges allow\n"
	"Shows from inside the kernel where memory goes: RSS by kind, exact peaks, available memory.\n"
	"\n"
	"      --no-children      without their children     --wait              for containers (-c) to run\n"
	"      --scope            run the command in a cgroup of its own; shows what it is charged\n"
	"  -i, --interval SEC     between lines (0.1)        -d, --duration SEC  end the watch after SEC\n"
	"      --lines            a line per interval, also with a command or on a terminal\n"
	"      --json FILE        the summary as JSON        --csv FILE          the timeline as CSV\n"
	"  -o, --record FILE      a recording to query       --max-size SIZE     of it, thinned to fit (1GiB)\n"
	"      --log-dir DIR      as NNCF's memory monitor   --mprof FILE        the timeline for mprof plot\n"
	"      --unit UNIT        B KiB MiB GiB KB MB GB     --from-zero         figures less their first\n"
	"      --pss              also PSS (takes the target's mmap lock once a second)\n"
	"      --vma              mmap, munmap and brk volumes where only a costly hook has them\n"
	"      --fail-if EXPR     exit with 3 when it held: 'peak.rss>2GiB || system.available<512MiB'\n"
	"      --strict           exit with 4 on lost records --fields           list the fields of EXPR, CSV\n"
	"      --budget PERCENT   of a core for the hooks, beyond which RSS is sampled (5; COMMAND: 0, any)\n"
	"      --sample           sample RSS from the start: no hook on it; peaks have wider bounds\n"
	"      --max-processes N  in JSON, summary (1000)    --btf FILE          where the kernel has no BTF\n"
	"  -q, --quiet            print nothing              -v, --verbose       say what happens\n"
	"      --no-color         plain text                 -V, --version       -h, --help\n"
	"FILE may be -. See memmon-bpf(8) for the keys of the live screen and the exit status.\n"
	"\n"
	"Examples: sudo memmon-bpf -p 4711                  live, until q or Ctrl-C\n"
	"          sudo memmon-bpf --json s.json -- make    a command's peak, as `time` does\n"
	"          sudo memmon-bpf -a -d 10 --lines         the machine for ten seconds\n"
	"          sudo memmon-bpf --fail-if 'peak.rss>2GiB' -- ./test.sh\n";

enum {
	OPT_NO_CHILDREN = 256,
	OPT_SCOPE,
	OPT_WAIT,
	OPT_JSON,
	OPT_CSV,
	OPT_UNIT,
	OPT_FROM_ZERO,
	OPT_PSS,
	OPT_VMA,
	OPT_LINES,
	OPT_MAX_PROCESSES,
	OPT_STRICT,
	OPT_FAIL_IF,
	OPT_NO_COLOR,
	OPT_BTF,
	OPT_USAGE,
	OPT_FIELDS,
	OPT_BUDGET,
	OPT_SAMPLE,
	OPT_LOG_DIR,
	OPT_MPROF,
	OPT_MAX_SIZE,
};

#define DEFAULT_BUDGET 0.05 /* without a command, where exactness comes first */

/* argp itself names --usage in its messages. */
static const struct argp_option rows[] = {
	{ "pid", 'p', "PID[,PID…]", 0, NULL, 0 },
	{ "container", 'c', "CONTAINER[,CONTAINER…]", 0, NULL, 0 },
	{ "cgroup", 'g', "CGROUP", 0, NULL, 0 },
	{ "all", 'a', NULL, 0, NULL, 0 },
	{ "interval", 'i', "SEC", 0, NULL, 0 },
	{ "duration", 'd', "SEC", 0, NULL, 0 },
	{ "no-children", OPT_NO_CHILDREN, NULL, 0, NULL, 0 },
	{ "scope", OPT_SCOPE, NULL, 0, NULL, 0 },
	{ "wait", OPT_WAIT, NULL, 0, NULL, 0 },
	{ "json", OPT_JSON, "FILE", 0, NULL, 0 },
	{ "csv", OPT_CSV, "FILE", 0, NULL, 0 },
	{ "log-dir", OPT_LOG_DIR, "DIR", 0, NULL, 0 },
	{ "mprof", OPT_MPROF, "FILE", 0, NULL, 0 },
	{ "record", 'o', "FILE", 0, NULL, 0 },
	{ "max-size", OPT_MAX_SIZE, "SIZE", 0, NULL, 0 },
	{ "unit", OPT_UNIT, "UNIT", 0, NULL, 0 },
	{ "from-zero", OPT_FROM_ZERO, NULL, 0, NULL, 0 },
	{ "pss", OPT_PSS, NULL, 0, NULL, 0 },
	{ "vma", OPT_VMA, NULL, 0, NULL, 0 },
	{ "lines", OPT_LINES, NULL, 0, NULL, 0 },
	{ "max-processes", OPT_MAX_PROCESSES, "N", 0, NULL, 0 },
	{ "fail-if", OPT_FAIL_IF, "EXPR", 0, NULL, 0 },
	{ "strict", OPT_STRICT, NULL, 0, NULL, 0 },
	{ "budget", OPT_BUDGET, "PERCENT", 0, NULL, 0 },
	{ "sample", OPT_SAMPLE, NULL, 0, NULL, 0 },
	{ "btf", OPT_BTF, "FILE", 0, NULL, 0 },
	{ "quiet", 'q', NULL, 0, NULL, 0 },
	{ "verbose", 'v', NULL, 0, NULL, 0 },
	{ "no-color", OPT_NO_COLOR, NULL, 0, NULL, 0 },
	{ "help", 'h', NULL, 0, NULL, 0 },
	{ "fields", OPT_FIELDS, NULL, 0, NULL, 0 },
	{ "usage", OPT_USAGE, NULL, 0, NULL, 0 },
	{ "version", 'V', NULL, 0, NULL, 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static void print_fields(void)
{
	static const char *const unit_names[] = {
		[FIELD_BYTES] = "bytes", [FIELD_COUNT] = "count", [FIELD_SECONDS] = "s",
		[FIELD_NS] = "ns",       [FIELD_RATIO] = "ratio",
	};

	puts("Of the whole watch (--fail-if, CSV, JSON):");
	for (size_t i = 0; i < n_snapshot_fields; i++)
		printf("  %-30s %-6s %s\n", snapshot_fields[i].name,
		       unit_names[snapshot_fields[i].unit], snapshot_fields[i].help);
	puts("Of each process (CSV, JSON):");
	for (size_t i = 0; i < n_process_fields; i++)
		printf("  %-30s %-6s %s\n", process_fields[i].name,
		       unit_names[process_fields[i].unit], process_fields[i].help);
}

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

static double parse_budget(struct argp_state *state, const char *text)
{
	char *end;
	double percent = strtod(text, &end);

	if (*end == '%' && end > text)
		end++;
	if (end == text || *end || !isfinite(percent))
		refuse(state, "--budget: '%s' is not a number of percent", text);
	if (percent < 0 || percent > 100 || (percent > 0 && percent < 0.01))
		refuse(state,
		       "--budget: '%s' is out of range; give 0.01 to 100 percent of one core, or 0 for any",
		       text);
	return percent / 100;
}

static void add_pids(struct argp_state *state, struct options *o, const char *text)
{
	for (;;) {
		char *end;
		long pid;

		errno = 0;
		pid = strtol(text, &end, 10);
		if (end == text || (*end && *end != ',') || errno || pid <= 0 || pid > INT_MAX)
			refuse(state, "-p: '%s' is not a pid; give numbers, as in -p 4711,4712",
			       text);
		if (o->n_pids == MAX_PIDS)
			refuse(state,
			       "-p: more than %d pids; watch their cgroup with -g, or all with -a",
			       MAX_PIDS);
		o->pids[o->n_pids++] = (pid_t)pid;
		if (!*end)
			break;
		text = end + 1;
	}
}

static void __attribute__((noreturn)) no_memory(void)
{
	fprintf(stderr, "memmon-bpf: %s\n", strerror(ENOMEM));
	exit(125);
}

/* Cuts `list`, which is argv's own, at its commas. */
static void add_containers(struct argp_state *state, struct options *o, char *list)
{
	size_t len = strlen(list);
	char *rest;

	if (!len || list[0] == ',' || list[len - 1] == ',' || strstr(list, ",,"))
		refuse(state, "-c: '%s' is not a container; give names or ids, as in -c web,4f5e6d",
		       list);
	for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (o->n_containers == MAX_CONTAINERS)
			refuse(state,
			       "-c: more than %d containers; watch a cgroup above them with -g, or all with -a",
			       MAX_CONTAINERS);
		o->containers[o->n_containers++] = name;
	}
}

static void parse_fail_if(struct argp_state *state, struct options *o, const char *text)
{
	char why[512];
	int err;

	expr_destroy(o->fail_if);
	o->fail_if = NULL;
	err = expr_parse(text, &o->fail_if, why, sizeof(why));
	if (err == -ENOMEM)
		argp_failure(state, 125, ENOMEM, "--fail-if");
	else if (err)
		refuse(state, "--fail-if: %s", why);
}

static uint64_t parse_max_size(struct argp_state *state, const char *text)
{
	const char *rest;
	uint64_t bytes;

	if (parse_bytes(text, &bytes, &rest) || *rest)
		refuse(state, "--max-size: '%s' is not a size; give one like 200MiB or 2GiB", text);
	if (bytes < RECORDER_MIN_BYTES || bytes > 1ULL << 43)
		refuse(state, "--max-size: '%s' is out of range; give %llu MiB to 8 TiB", text,
		       RECORDER_MIN_BYTES >> 20);
	return bytes;
}

static size_t parse_count(struct argp_state *state, const char *text)
{
	char *end;
	long count;

	errno = 0;
	count = strtol(text, &end, 10);
	if (end == text || *end || errno || count < 1 || count > 1000000)
		refuse(state, "--max-processes: '%s' is not a number from 1 to 1000000", text);
	return (size_t)count;
}

static void check_outputs(struct argp_state *state, const struct options *o)
{
	const struct {
		const char *option, *file;
	} files[] = {
		{ "--json", o->json },
		{ "--csv", o->csv },
		{ "--mprof", o->mprof },
		{ "-o", o->record },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		for (size_t j = 0; files[i].file && j < i; j++)
			if (files[j].file && strcmp(files[i].file, files[j].file) == 0 &&
			    strncmp(files[i].file, "/dev/", 5) != 0)
				refuse(state, "%s and %s exclude each other: both are %s",
				       files[j].option, files[i].option,
				       strcmp(files[i].file, "-") == 0 ? "standard output" :
									 "the same file");
}

/* NNCF's monitor takes a whole command line as one word too, for the shell. */
static void take_command_line(struct options *o)
{
	if (!o->log_dir || !o->command || o->command[1] ||
	    !strpbrk(o->command[0], " \t\n|&;<>()$`\\\"'*?[#~"))
		return;
	o->shell[0] = (char *)"sh";
	o->shell[1] = (char *)"-c";
	o->shell[2] = o->command[0];
	o->command = o->shell;
}

static void check_targets(struct argp_state *state, const struct options *o)
{
	const char *given[5];
	int n = 0;

	if (o->n_pids)
		given[n++] = "-p";
	if (o->command)
		given[n++] = "a command";
	if (o->n_containers)
		given[n++] = "-c";
	if (o->cgroup)
		given[n++] = "-g";
	if (o->all)
		given[n++] = "-a";
	if (n == 0)
		refuse(state,
		       "nothing to watch: give -p PID, -- COMMAND, -c CONTAINER, -g CGROUP or -a");
	if (n > 1)
		refuse(state, "%s and %s exclude each other: watch one at a time", given[0],
		       given[1]);
	if (o->scope && !o->command)
		refuse(state, "--scope needs a command: memmon-bpf --scope -- COMMAND");
	if (o->wait && !o->n_containers)
		refuse(state, "--wait needs a container: memmon-bpf -c CONTAINER --wait");
	if (o->sample && o->budget >= 0)
		refuse(state, "--sample and --budget exclude each other: sampling costs the least");
}

static error_t take(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'p':
		add_pids(state, o, arg);
		break;
	case 'c':
		add_containers(state, o, arg);
		break;
	case 'g':
		o->cgroup = arg;
		break;
	case 'a':
		o->all = true;
		break;
	case 'i':
		o->interval_s = parse_seconds(state, "-i", arg, 0.01);
		break;
	case 'd':
		o->duration_s = parse_seconds(state, "-d", arg, 0.001);
		break;
	case OPT_NO_CHILDREN:
		o->no_children = true;
		break;
	case OPT_SCOPE:
		o->scope = true;
		break;
	case OPT_WAIT:
		o->wait = true;
		break;
	case OPT_JSON:
		o->json = arg;
		break;
	case OPT_CSV:
		o->csv = arg;
		break;
	case OPT_LOG_DIR:
		o->log_dir = arg;
		break;
	case OPT_MPROF:
		o->mprof = arg;
		break;
	case 'o':
		if (!strcmp(arg, "-"))
			refuse(state,
			       "-o: a recording cannot be written to standard output; name a file");
		o->record = arg;
		break;
	case OPT_MAX_SIZE:
		o->max_bytes = parse_max_size(state, arg);
		break;
	case OPT_UNIT:
		o->unit = unit_find(arg);
		if (!o->unit)
			refuse(state,
			       "--unit: '%s' is not a unit; give B, KiB, MiB, GiB, KB, MB or GB",
			       arg);
		break;
	case OPT_FROM_ZERO:
		o->from_zero = true;
		break;
	case OPT_PSS:
		o->pss = true;
		break;
	case OPT_VMA:
		o->vma = true;
		break;
	case OPT_LINES:
		o->lines = true;
		break;
	case OPT_MAX_PROCESSES:
		o->max_processes = parse_count(state, arg);
		break;
	case OPT_FAIL_IF:
		parse_fail_if(state, o, arg);
		break;
	case OPT_STRICT:
		o->strict = true;
		break;
	case OPT_BUDGET:
		o->budget = parse_budget(state, arg);
		break;
	case OPT_SAMPLE:
		o->sample = true;
		break;
	case OPT_BTF:
		o->btf = arg;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'v':
		o->verbose++;
		break;
	case OPT_NO_COLOR:
		o->no_color = true;
		break;
	case 'h':
	case OPT_USAGE:
		fputs(help_text, stdout);
		exit(ferror(stdout) || fflush(stdout) ? 1 : 0);
	case OPT_FIELDS:
		print_fields();
		exit(ferror(stdout) || fflush(stdout) ? 1 : 0);
	case 'V':
		puts(argp_program_version);
		exit(0);
	case ARGP_KEY_ARG:
		if (strcmp(state->argv[state->next - 2], "--") != 0)
			refuse(state,
			       "'%s': no such subcommand; to run a command put -- before it: memmon-bpf -- %s",
			       arg, arg);
		o->command = &state->argv[state->next - 1];
		state->next = state->argc;
		break;
	case ARGP_KEY_END:
		if (!o->command && strcmp(state->argv[state->argc - 1], "--") == 0)
			refuse(state, "no command after --");
		check_targets(state, o);
		check_outputs(state, o);
		take_command_line(o);
		if (o->budget < 0)
			o->budget = o->command || o->sample ? 0 : DEFAULT_BUDGET;
		if (o->max_bytes && !o->record)
			refuse(state, "--max-size needs a recording: -o FILE");
		if (!o->max_bytes)
			o->max_bytes = RECORDER_MAX_BYTES;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *o, int argc, char **argv)
{
	static const struct argp argp = { .options = rows, .parser = take };

	*o = (struct options){ .interval_s = 0.1, .max_processes = 1000, .budget = -1 };
	argp_err_exit_status = 2;
	o->pids = calloc(MAX_PIDS, sizeof(*o->pids));
	o->containers = calloc(MAX_CONTAINERS, sizeof(*o->containers));
	if (!o->pids || !o->containers)
		no_memory();
	argv[0] = (char *)"memmon-bpf"; /* as all our messages begin */
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL, o);
}

void options_finish(struct options *o)
{
	expr_destroy(o->fail_if);
	free(o->pids);
	free(o->containers);
	*o = (struct options){ 0 };
}

const char *const *options_names(void)
{
	static const char *names[sizeof(rows) / sizeof(rows[0])];

	for (size_t i = 0; rows[i].name; i++)
		names[i] = rows[i].name;
	return names;
}

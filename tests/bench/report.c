// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <jansson.h>

static const char *const load_names[LOADS] = {
	[LOAD_FILE] = "file page",
	[LOAD_THREADS] = "two threads",
	[LOAD_GROWTH] = "growth",
};

static const char *const variant_names[VARIANTS] = {
	[UNTRACED] = "untraced",
	[EMPTY] = "empty program",
	[WATCHED] = "watched",
	[UNWATCHED] = "unwatched",
	[WATCHED_OTHER] = "watched, other build",
	[UNWATCHED_OTHER] = "unwatched, other build",
};

/* The middle and the ends of a row of numbers. */
struct spread {
	double median, low, high;
};

/* Each of these is a number of one round. */
typedef double (*figure_fn)(const struct bench *b, enum load load, enum variant v, int round);

static double per_event(const struct bench *b, enum load load, enum variant v, int round)
{
	return b->ns[load][v][round];
}

static double added(const struct bench *b, enum load load, enum variant v, int round)
{
	return b->ns[load][v][round] - b->ns[load][UNTRACED][round];
}

static double cpu_ratio(const struct bench *b, enum load load, enum variant v, int round)
{
	return b->ns[load][v][round] / b->ns[load][UNTRACED][round];
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct spread spread_of(const struct bench *b, enum load load, enum variant v,
			       figure_fn figure)
{
	static double values[MAX_ROUNDS];
	int n = b->rounds;

	for (int round = 0; round < n; round++)
		values[round] = figure(b, load, v, round);
	qsort(values, (size_t)n, sizeof(values[0]), by_value);
	return (struct spread){ .median = (values[(n - 1) / 2] + values[n / 2]) / 2,
				.low = values[0],
				.high = values[n - 1] };
}

/*
 * What a variant adds, against what the empty program adds: the ratio of the two medians, as the
 * ratios of single rounds lean upwards when the noise is of the floor's own size. 0 = the floor is
 * lost in the noise: in some round it was not above zero.
 */
static double times_empty(const struct bench *b, enum load load, enum variant v)
{
	struct spread floor = spread_of(b, load, EMPTY, added);

	return floor.low > 0 ? spread_of(b, load, v, added).median / floor.median : 0;
}

static void cpu_model(char *model, size_t len)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *at;

	snprintf(model, len, "n/a");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "model name", 10) || !(at = strchr(line, ':')))
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(model, len, "%s", at + 1 + strspn(at + 1, " \t"));
		break;
	}
	if (file)
		fclose(file);
}

static void print_machine(const struct bench *b, FILE *to)
{
	struct utsname kernel;
	char model[256];

	uname(&kernel);
	cpu_model(model, sizeof(model));
	fprintf(to, "%s %s %s, %ld CPUs, %s\n", kernel.sysname, kernel.release, kernel.machine,
		sysconf(_SC_NPROCESSORS_ONLN), model);
	if (b->cpu >= 0)
		fprintf(to, "worker on CPU %d, memmon-bpf and the second of two threads on CPU %d",
			b->cpu, b->tool_cpu);
	else
		fprintf(to, "one CPU: the worker and memmon-bpf share it");
	fprintf(to, "; %d rounds\n\n", b->rounds);
}

static void print_row(const struct bench *b, FILE *to, enum load load, enum variant v)
{
	struct spread each = spread_of(b, load, v, per_event), more = spread_of(b, load, v, added);
	double times = times_empty(b, load, v);

	fprintf(to, "%-12s %-22s %8.1f", load_names[load], variant_names[v], each.median);
	if (v == UNTRACED) {
		fprintf(to, "\n");
		return;
	}
	fprintf(to, " %+8.1f  %+7.1f .. %+7.1f", more.median, more.low, more.high);
	if (times > 0)
		fprintf(to, "  %7.2f", times);
	else
		fprintf(to, "  %7s", "n/a");
	fprintf(to, "  %9.3f\n", spread_of(b, load, v, cpu_ratio).median);
}

void report_table(const struct bench *b, FILE *to)
{
	print_machine(b, to);
	fprintf(to, "%-12s %-22s %8s %8s  %7s    %7s  %7s  %9s\n", "load", "variant", "ns/event",
		"+ ns", "min", "max", "x empty", "CPU ratio");
	for (int load = 0; load < LOADS; load++)
		for (int v = 0; v < VARIANTS; v++)
			if (b->measured[load][v])
				print_row(b, to, (enum load)load, (enum variant)v);
	fprintf(to,
		"\nCPU time of the worker per rss_stat event, median of the rounds; + ns over the untraced run of\n"
		"the same round, its lowest and highest; its median against the empty program's; CPU time\n"
		"against the untraced run's.\n\n"
		"memmon-bpf itself, one idle process at 10 Hz: first line after %.0f ms, RSS %.1f MiB, CPU %.2f %%\n",
		b->start_ms, b->tool_rss_bytes / (1 << 20), b->tool_cpu_percent);
}

static json_t *json_spread(const struct bench *b, enum load load, enum variant v, figure_fn figure)
{
	struct spread s = spread_of(b, load, v, figure);

	return json_pack("{s:f,s:f,s:f}", "median", s.median, "min", s.low, "max", s.high);
}

static json_t *json_variant(const struct bench *b, enum load load, enum variant v)
{
	double times = times_empty(b, load, v);
	json_t *rounds = json_array();

	for (int round = 0; round < b->rounds; round++)
		json_array_append_new(rounds, json_real(b->ns[load][v][round]));
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o}", "load", load_names[load], "variant",
			 variant_names[v], "ns_per_event", json_spread(b, load, v, per_event),
			 "added_ns", json_spread(b, load, v, added), "times_empty",
			 times > 0 ? json_real(times) : json_null(), "cpu_ratio",
			 json_spread(b, load, v, cpu_ratio), "rounds_ns", rounds);
}

int report_json(const struct bench *b, const char *path)
{
	json_t *root, *variants = json_array();
	struct utsname kernel;
	char model[256];
	int err;

	uname(&kernel);
	cpu_model(model, sizeof(model));
	for (int load = 0; load < LOADS; load++)
		for (int v = 0; v < VARIANTS; v++)
			if (b->measured[load][v])
				json_array_append_new(variants, json_variant(b, (enum load)load,
									     (enum variant)v));
	root = json_pack("{s:s,s:{s:s,s:s,s:I,s:s},s:i,s:b,s:o,s:{s:f,s:f,s:f}}", "schema",
			 "memmon-bpf/bench/1", "machine", "kernel", kernel.release, "architecture",
			 kernel.machine, "cpus", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "model",
			 model, "rounds", b->rounds, "pinned", b->cpu >= 0, "variants", variants,
			 "tool", "first_line_ms", b->start_ms, "rss_bytes", b->tool_rss_bytes,
			 "cpu_percent", b->tool_cpu_percent);
	errno = EIO;
	err = root && json_dump_file(root, path, JSON_INDENT(2)) == 0 ? 0 : -errno;
	json_decref(root);
	return err;
}

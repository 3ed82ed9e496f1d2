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

/* The middle and the ends of a row of numbers; n = 0 where too many rounds have none to say anything. */
struct spread {
	int n;
	double median, low, high;
};

/* Each of these is a number of one round; false = it has none. */
typedef bool (*figure_fn)(const struct bench *b, enum load load, enum variant v, int round,
			  double *out);

static bool per_event(const struct bench *b, enum load load, enum variant v, int round, double *out)
{
	*out = b->ns[load][v][round];
	return true;
}

static bool added(const struct bench *b, enum load load, enum variant v, int round, double *out)
{
	*out = b->ns[load][v][round] - b->ns[load][UNTRACED][round];
	return true;
}

static bool against_empty(const struct bench *b, enum load load, enum variant v, int round,
			  double *out)
{
	double floor;

	added(b, load, EMPTY, round, &floor);
	added(b, load, v, round, out);
	*out /= floor;
	return floor > 0; /* else the noise was larger than the floor */
}

static bool cpu_ratio(const struct bench *b, enum load load, enum variant v, int round, double *out)
{
	*out = b->ns[load][v][round] / b->ns[load][UNTRACED][round];
	return true;
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
	struct spread s = { 0 };

	for (int round = 0; round < b->rounds; round++)
		if (figure(b, load, v, round, &values[s.n]))
			s.n++;
	if (s.n < b->rounds * 3 / 4 || !s.n)
		return (struct spread){ 0 };
	qsort(values, (size_t)s.n, sizeof(values[0]), by_value);
	s.median = (values[(s.n - 1) / 2] + values[s.n / 2]) / 2;
	s.low = values[0];
	s.high = values[s.n - 1];
	return s;
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
	struct spread floors = spread_of(b, load, v, against_empty),
		      cpu = spread_of(b, load, v, cpu_ratio);

	fprintf(to, "%-12s %-22s %8.1f", load_names[load], variant_names[v], each.median);
	if (v == UNTRACED) {
		fprintf(to, "\n");
		return;
	}
	fprintf(to, " %+8.1f  %+7.1f .. %+7.1f", more.median, more.low, more.high);
	if (floors.n)
		fprintf(to, "  %7.2f", floors.median);
	else
		fprintf(to, "  %7s", "n/a");
	fprintf(to, "  %9.3f\n", cpu.median);
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
		"the same round, its lowest and highest; that against the same of the empty program; CPU time\n"
		"against the untraced run's.\n\n"
		"memmon-bpf itself, one idle process at 10 Hz: first line after %.0f ms, RSS %.1f MiB, CPU %.2f %%\n",
		b->start_ms, b->tool_rss_bytes / (1 << 20), b->tool_cpu_percent);
}

static json_t *json_spread(const struct bench *b, enum load load, enum variant v, figure_fn figure)
{
	struct spread s = spread_of(b, load, v, figure);

	if (!s.n)
		return json_null();
	return json_pack("{s:f,s:f,s:f}", "median", s.median, "min", s.low, "max", s.high);
}

static json_t *json_variant(const struct bench *b, enum load load, enum variant v)
{
	json_t *rounds = json_array();

	for (int round = 0; round < b->rounds; round++)
		json_array_append_new(rounds, json_real(b->ns[load][v][round]));
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o}", "load", load_names[load], "variant",
			 variant_names[v], "ns_per_event", json_spread(b, load, v, per_event),
			 "added_ns", json_spread(b, load, v, added), "times_empty",
			 json_spread(b, load, v, against_empty), "cpu_ratio",
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

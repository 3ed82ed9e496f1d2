// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measures what watching costs the watched, beside the floor that any program on rss_stat costs, and
 * what memmon-bpf costs itself. It prints, and judges no time: absolute figures drift with the
 * machine, the ratios hold.
 *
 * Every round runs every variant, in random order, and each figure is taken against the untraced run
 * of the same round. What can be wrong is checked: memmon-bpf must have booked just the events that
 * the worker fired.
 */
#include <getopt.h>
#include <time.h>

#include "../workloads/workload.h"
#include "observer.h"
#include "report.h"

#define START_RUNS 10
#define TOOL_SECONDS 10

static const struct job file_job = { .slices = 16, .turns = 2500 },
			warm_up = { .slices = 1, .turns = 2500 };

static void shuffle(int *order, int n)
{
	for (int i = n - 1; i > 0; i--) {
		int j = (int)(random() % (i + 1)), kept = order[i];

		order[i] = order[j];
		order[j] = kept;
	}
}

static void check_events(enum variant v, uint64_t fired, uint64_t booked)
{
	bool watched = v == WATCHED || v == WATCHED_OTHER;
	uint64_t expected = watched ? fired : 0,
		 off = booked > expected ? booked - expected : expected - booked;

	if (off <= fired / 50)
		return;
	fprintf(stderr,
		"bench: the worker fired %llu events, memmon-bpf booked %llu instead of about %llu\n",
		(unsigned long long)fired, (unsigned long long)booked,
		(unsigned long long)expected);
	exit(1);
}

static double visit(const struct bench *b, const char *memmon, enum load load, enum variant v,
		    const struct worker *workers)
{
	bool foreign = v == UNWATCHED || v == UNWATCHED_OTHER;
	struct observer observer = { .lines = -1 };
	struct result result, before = { 0 };
	uint64_t booked;

	if (v == EMPTY)
		observer_start_empty(&observer);
	else if (v != UNTRACED)
		observer_start_memmon(
			&observer, v == WATCHED_OTHER || v == UNWATCHED_OTHER ? b->other : memmon,
			workers[foreign ? LOAD_IDLE : load].pid, b->tool_cpu);
	if (load != LOAD_GROWTH) /* whose pages are peaks the first time only */
		before = worker_run(&workers[load], warm_up);
	result = worker_run(&workers[load], file_job);
	booked = observer_stop(&observer);
	if (v != UNTRACED && v != EMPTY)
		check_events(v, before.events + result.events, booked);
	return result.ns_per_event;
}

static void run_rounds(struct bench *b, const char *memmon, const struct worker *workers)
{
	for (int round = 0; round < b->rounds; round++) {
		int loads[] = { LOAD_FILE, LOAD_THREADS, LOAD_GROWTH };

		shuffle(loads, 3);
		for (int i = 0; i < 3; i++) {
			enum load load = (enum load)loads[i];
			int variants[VARIANTS], n = 0;

			for (int v = 0; v < VARIANTS; v++)
				if (b->measured[load][v])
					variants[n++] = v;
			shuffle(variants, n);
			for (int at = 0; at < n; at++)
				b->ns[load][variants[at]][round] =
					visit(b, memmon, load, (enum variant)variants[at], workers);
		}
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\rround %d of %d ", round + 1, b->rounds);
	}
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r                    \r");
}

static double cpu_of(clockid_t clock)
{
	struct timespec used;

	if (clock_gettime(clock, &used))
		die("CPU time of memmon-bpf");
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static double rss_of(pid_t pid)
{
	char path[64], line[128], *resident;
	FILE *file;
	double bytes;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file) || !(resident = strchr(line, ' ')))
		die(path);
	bytes = (double)strtoul(resident, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
	fclose(file);
	return bytes;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void measure_tool(struct bench *b, const char *memmon, pid_t idle)
{
	struct timespec span = { .tv_sec = TOOL_SECONDS };
	double start_ms[START_RUNS], from;
	struct observer observer;
	clockid_t clock;

	for (int i = 0; i < START_RUNS; i++) {
		observer_start_memmon(&observer, memmon, idle, b->tool_cpu);
		start_ms[i] = observer.first_line_ms;
		observer_stop(&observer);
	}
	qsort(start_ms, START_RUNS, sizeof(start_ms[0]), by_value);
	b->start_ms = (start_ms[START_RUNS / 2 - 1] + start_ms[START_RUNS / 2]) / 2;

	observer_start_memmon(&observer, memmon, idle, b->tool_cpu);
	if (clock_getcpuclockid(observer.pid, &clock))
		die("clock_getcpuclockid");
	from = cpu_of(clock);
	nanosleep(&span, NULL);
	b->tool_cpu_percent = (cpu_of(clock) - from) * 100 / TOOL_SECONDS;
	b->tool_rss_bytes = rss_of(observer.pid);
	observer_stop(&observer);
}

static void plan(struct bench *b)
{
	static const bool basic[LOADS][VARIANTS] = {
		[LOAD_FILE] = { [UNTRACED] = true,
				[EMPTY] = true,
				[WATCHED] = true,
				[UNWATCHED] = true },
		[LOAD_THREADS] = { [UNTRACED] = true, [EMPTY] = true, [WATCHED] = true },
		[LOAD_GROWTH] = { [UNTRACED] = true, [EMPTY] = true, [WATCHED] = true },
	};

	memcpy(b->measured, basic, sizeof(basic));
	for (int load = 0; b->other && load < LOADS; load++) {
		b->measured[load][WATCHED_OTHER] = b->measured[load][WATCHED];
		b->measured[load][UNWATCHED_OTHER] = b->measured[load][UNWATCHED];
	}
	b->cpu = b->tool_cpu = -1;
	if (sysconf(_SC_NPROCESSORS_ONLN) >= 2) {
		b->cpu = 1;
		b->tool_cpu = 0;
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "rounds", required_argument, NULL, 'r' },
						 { "json", required_argument, NULL, 'j' },
						 { "compare", required_argument, NULL, 'c' },
						 { 0 } };
	static struct bench bench = { .rounds = 15 };
	struct worker workers[LOADS];
	const char *json = NULL;
	int option, err = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'r':
			bench.rounds = (int)strtol(optarg, NULL, 10);
			break;
		case 'j':
			json = optarg;
			break;
		case 'c':
			bench.other = optarg;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 1 || bench.rounds < 1 || bench.rounds > MAX_ROUNDS) {
		fprintf(stderr,
			"usage: bench [--rounds 1..%d] [--json FILE] [--compare OTHER-MEMMON] MEMMON\n",
			MAX_ROUNDS);
		return 2;
	}
	srandom((unsigned int)time(NULL));
	plan(&bench);
	for (int load = 0; load < LOADS; load++)
		worker_start(&workers[load], (enum load)load, bench.cpu, bench.tool_cpu);
	measure_tool(&bench, argv[optind], workers[LOAD_IDLE].pid);
	run_rounds(&bench, argv[optind], workers);
	for (int load = 0; load < LOADS; load++)
		worker_stop(&workers[load]);
	report_table(&bench, stdout);
	if (json)
		err = report_json(&bench, json);
	if (err)
		fprintf(stderr, "bench: cannot write '%s': %s\n", json, strerror(-err));
	return err ? 1 : 0;
}

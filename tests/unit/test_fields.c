/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The field tables: well formed, complete against the summary's schema, and true to the snapshot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>

#include "model/fields.h"
#include "records.h"

static const char *at(size_t i, bool process)
{
	return process ? process_fields[i].name : snapshot_fields[i].name;
}

static const char *json_at(size_t i, bool process)
{
	return process ? process_fields[i].json : snapshot_fields[i].json;
}

/* `b` is `a`, or inside the object that `a` would have to be. */
static bool clash(const char *a, const char *b)
{
	size_t len = strlen(a);

	return !strncmp(a, b, len) && (!b[len] || b[len] == '.');
}

static void check_table(size_t n, bool process)
{
	for (size_t i = 0; i < n; i++) {
		const char *help = process ? process_fields[i].help : snapshot_fields[i].help;

		for (const char *c = at(i, process); *c; c++)
			assert_true(islower(*c) || *c == '_' || *c == '.');
		assert_true(strlen(help) > 10 && strlen(help) < 90 && !strchr(help, '\n'));
		assert_true(process ? !!process_fields[i].get : !!snapshot_fields[i].get);
		for (size_t j = 0; j < n; j++) {
			if (i == j)
				continue;
			assert_string_not_equal(at(i, process), at(j, process));
			if (json_at(i, process) && json_at(j, process))
				assert_false(clash(json_at(i, process), json_at(j, process)));
		}
	}
}

static void test_tables_are_well_formed(void **state)
{
	(void)state;
	check_table(n_snapshot_fields, false);
	check_table(n_process_fields, true);
}

/* A field's name for its unit in JSON: bytes end in _bytes, times in _s. */
static void check_unit(const char *json, enum field_unit unit)
{
	size_t len = strlen(json);
	const char *ending = unit == FIELD_SECONDS ? "_s" : "bytes";

	if (unit == FIELD_SECONDS || unit == FIELD_BYTES)
		assert_string_equal(json + len - strlen(ending), ending);
	else
		assert_true(strcmp(json + len - 2, "_s") && strcmp(json + len - 5, "bytes"));
}

static void test_json_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_snapshot_fields; i++)
		if (snapshot_fields[i].json)
			check_unit(snapshot_fields[i].json, snapshot_fields[i].unit);
	for (size_t i = 0; i < n_process_fields; i++)
		if (process_fields[i].json)
			check_unit(process_fields[i].json, process_fields[i].unit);
}

static void has_json(const char *json, bool process)
{
	size_t n = process ? n_process_fields : n_snapshot_fields;

	for (size_t i = 0; i < n; i++)
		if (json_at(i, process) && !strcmp(json_at(i, process), json))
			return;
	fail_msg("no field has the JSON path %s", json);
}

static void test_schema_is_covered(void **state)
{
	static const char *const tree[] = {
		"target.processes",
		"target.peak_processes",
		"target.peak.at_s",
		"target.peak.error_bytes",
		"target.faults.minor",
		"target.faults.major",
		"system.total_bytes",
		"system.available.first_bytes",
		"system.available.last_bytes",
		"system.available.min_bytes",
		"system.available.min_at_s",
		"system.used_peak_bytes",
		"system.used_peak_from_zero_bytes",
		"overhead.events",
		"overhead.bpf_ns_per_event",
		"overhead.bpf_cpu_s",
		"overhead.tool_cpu_s",
		"overhead.tool_rss_bytes",
		"overhead.lost_records",
		"overhead.missed_runs.rss",
		"overhead.missed_runs.processes",
		"overhead.missed_runs.volumes",
		"overhead.share_of_target_cpu",
	};
	static const char *const instants[] = { "peak", "first", "last" };
	static const char *const kinds[] = { "rss", "footprint", "anon", "file", "shmem", "swap" };
	static const char *const charged[] = { "current", "peak",  "limit", "anon",
					       "file",    "shmem", "kernel" };
	static const char *const rss[] = { "rss.first_bytes", "rss.last_bytes",  "rss.peak_bytes",
					   "rss.peak_at_s",   "rss.error_bytes", "start_s",
					   "end_s",           "faults.minor",    "faults.major" };
	static const char *const calls[] = { "mmap", "munmap", "brk" };
	char json[64];

	(void)state;
	for (size_t i = 0; i < N_OF(tree); i++)
		has_json(tree[i], false);
	for (size_t i = 0; i < N_OF(instants); i++)
		for (size_t j = 0; j < N_OF(kinds); j++) {
			snprintf(json, sizeof(json), "target.%s.%s_bytes", instants[i], kinds[j]);
			has_json(json, false);
		}
	for (size_t i = 0; i < N_OF(charged); i++) {
		snprintf(json, sizeof(json), "target.charged.%s_bytes", charged[i]);
		has_json(json, false);
	}
	for (size_t i = 0; i < N_OF(rss); i++)
		has_json(rss[i], true);
	for (size_t j = 2; j < N_OF(kinds); j++) {
		snprintf(json, sizeof(json), "at_peak.%s_bytes", kinds[j]);
		has_json(json, true);
		snprintf(json, sizeof(json), "peak.%s_bytes", kinds[j]);
		has_json(json, true);
	}
	for (size_t i = 0; i < N_OF(calls); i++) {
		snprintf(json, sizeof(json), "target.%s.calls", calls[i]);
		has_json(json, false);
		has_json(json + strlen("target."), true);
		snprintf(json, sizeof(json), "target.%s.bytes", calls[i]);
		has_json(json, false);
		has_json(json + strlen("target."), true);
	}
}

static void test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_snapshot_fields; i++)
		assert_ptr_equal(field_find(snapshot_fields[i].name), &snapshot_fields[i]);
	for (size_t i = 0; i < n_process_fields; i++)
		assert_ptr_equal(process_field_find(process_fields[i].name), &process_fields[i]);
	assert_null(field_find("peak.rs"));
	assert_null(field_find(""));
	assert_null(process_field_find("peak"));
}

static void test_nothing_is_known(void **state)
{
	struct model *m = model_create(PAGE, 1);
	const struct snapshot *s;
	struct rec_start start = start_rec(7, SEC, 90, "a");

	(void)state;
	APPLY(m, start);
	s = model_snapshot(m);
	for (size_t i = 0; i < n_snapshot_fields; i++)
		assert_int_equal(snapshot_fields[i].get(s).known,
				 !strcmp(snapshot_fields[i].name, "duration"));
	for (size_t i = 0; i < n_process_fields; i++)
		assert_int_equal(process_fields[i].get(s, s->processes[0]).known,
				 !strcmp(process_fields[i].name, "start_s"));
	model_destroy(m);
}

/* Every figure different, so that a getter of the wrong one shows. */
static struct model *example(void)
{
	struct model *m = model_create(PAGE, 1);
	struct rec_tree tree = tree_rec(10 * SEC, 0, 3);
	struct rec_reading r = reading_rec(7, 12 * SEC, 11 * SEC, 0);
	struct rec_charge charge = { .head = HEAD(REC_CHARGE, rec_charge, 0, 12 * SEC, 0) };
	struct rec_cost cost = { .head = HEAD(REC_COST, rec_cost, 0, 12 * SEC, 0) };
	struct rec_bpf_time time = { .head = HEAD(REC_BPF_TIME, rec_bpf_time, 0, 12 * SEC, 0),
				     .span_ns = 2 * SEC,
				     .run_ns = SEC / 2,
				     .runs = 2000 };
	struct rec_shm_full full = shm_full_rec(12 * SEC, 2, 70, SHM_FULL_OPEN, 0);

	tree.now = pages(1, 2, 4, 8);
	APPLY(m, tree);
	tree.now = pages(16, 32, 64, 128);
	tree.at_peak = pages(100, 200, 300, 400);
	tree.peak = pages(1000, 2000, 3000, 4000);
	tree.peak_ns = 11 * SEC + SEC / 2;
	tree.error_pages = 9;
	tree.processes_live = 2;
	tree.processes_peak = 5;
	tree.processes_untracked = 1;
	APPLY(m, tree);

	r.first = pages(1, 2, 3, 4);
	r.now = pages(10, 20, 30, -1);
	r.at_peak = pages(11, 21, 31, 41);
	r.peak = pages(12, 22, 32, 42);
	r.peak_ns = 11 * SEC + SEC / 4;
	r.error_pages = 2;
	r.threads_peak = 6;
	r.minor_faults = 51;
	r.major_faults = 52;
	r.cpu_ns = 2 * SEC;
	r.volume[VM_MMAP] = (struct vm_volume){ .calls = 54, .bytes = 55 };
	r.volume[VM_BRK] = (struct vm_volume){ .calls = 56, .bytes = 57 };
	APPLY(m, r);
	PSS(m, 7, 12 * SEC, 11 * SEC, 777);
	TICK(m, 12 * SEC);
	PSS(m, 7, 12 * SEC, 11 * SEC, 770);

	SYSTEM(m, 10 * SEC, 10000, 7000);
	SYSTEM(m, 11 * SEC, 10000, 4000);
	SYSTEM(m, 12 * SEC, 10000, 6000);
	charge.current_bytes = 61;
	charge.peak_bytes = 62;
	charge.limit_bytes = UNKNOWN_U64;
	charge.anon_bytes = 64;
	charge.file_bytes = 65;
	charge.shmem_bytes = 66;
	charge.kernel_bytes = 67;
	APPLY(m, charge);
	cost.events = 1000000;
	cost.event_ns = 80500;
	cost.tool_cpu_ns = SEC / 10;
	cost.tool_rss_bytes = 71;
	cost.lost_records = 72;
	cost.missed_runs[MISSED_RSS] = 73;
	cost.missed_runs[MISSED_PROCESSES] = 74;
	cost.missed_runs[MISSED_VOLUMES] = UNKNOWN_U64;
	APPLY(m, cost);
	MODE(m, 10 * SEC, MODE_FULL, MODE_STARTED);
	MODE(m, 10 * SEC + SEC / 2, MODE_LEAN, MODE_OVER_BUDGET);
	MODE(m, 10 * SEC + SEC * 3 / 4, MODE_SAMPLE, MODE_OVER_BUDGET);
	APPLY(m, time);
	SHM_MOUNT(m, 12 * SEC, 1, 2000, 1600, HOST_DEV_SHM);
	SHM_FILE(m, 12 * SEC, 1, 7, 81, 0, "orphan");
	SHM_MOUNT(m, 12 * SEC, 2, 1000, 500, TEXTS("/run\0\0\0"));
	SHM_SURVEY(m, 12 * SEC);
	SHM_MOUNT(m, 13 * SEC, 1, 2000, 1500, HOST_DEV_SHM);
	SHM_MOUNT(m, 13 * SEC, 2, 1000, 600, TEXTS("/run\0\0\0"));
	full.used_bytes = full.limit_bytes = 1000;
	full.how = SHM_FULL_OPEN;
	APPLY(m, full);
	APPLY(m, full);
	TICK(m, 13 * SEC);
	return m;
}

struct expected {
	const char *name;
	double value; /* -1: not known */
};

static void check(const char *name, struct field_value v, enum field_unit unit, double expected)
{
	bool whole = unit == FIELD_BYTES || unit == FIELD_COUNT;
	double value = whole ? (double)v.whole : v.real;

	if (v.known != (expected != -1))
		fail_msg("%s is %sknown", name, v.known ? "" : "not ");
	if (v.known && (value < expected - 1e-9 || value > expected + 1e-9))
		fail_msg("%s is %f, not %f", name, value, expected);
}

static void test_snapshot_values(void **state)
{
	static const struct expected cases[] = {
		{ "duration", 3 },
		{ "processes", 3 },
		{ "peak_processes", 5 },
		{ "processes.live", 2 },
		{ "processes.untracked", 1 },
		{ "rss", (16 + 32 + 64) * PAGE },
		{ "anon", 16 * PAGE },
		{ "file", 32 * PAGE },
		{ "shmem", 64 * PAGE },
		{ "swap", 128 * PAGE },
		{ "footprint", 770 },
		{ "peak.rss", 600 * PAGE },
		{ "peak.anon", 100 * PAGE },
		{ "peak.file", 200 * PAGE },
		{ "peak.shmem", 300 * PAGE },
		{ "peak.swap", 400 * PAGE },
		{ "peak.footprint", 777 },
		{ "peak.at", 1.5 },
		{ "peak.error", 9 * PAGE },
		{ "interval.peak", 60 * PAGE },
		{ "first.rss", 7 * PAGE },
		{ "first.footprint", 777 },
		{ "first.anon", PAGE },
		{ "first.file", 2 * PAGE },
		{ "first.shmem", 4 * PAGE },
		{ "first.swap", 8 * PAGE },
		{ "last.rss", (16 + 32 + 64) * PAGE },
		{ "last.footprint", 770 },
		{ "last.anon", 16 * PAGE },
		{ "last.file", 32 * PAGE },
		{ "last.shmem", 64 * PAGE },
		{ "last.swap", 128 * PAGE },
		{ "max.anon", 1000 * PAGE },
		{ "max.file", 2000 * PAGE },
		{ "max.shmem", 3000 * PAGE },
		{ "max.swap", 4000 * PAGE },
		{ "faults.minor", 51 },
		{ "faults.major", 52 },
		{ "cpu", 2 },
		{ "mmap.calls", 54 },
		{ "mmap.bytes", 55 },
		{ "munmap.calls", -1 },
		{ "munmap.bytes", -1 },
		{ "brk.calls", 56 },
		{ "brk.bytes", 57 },
		{ "charged.current", 61 },
		{ "charged.peak", 62 },
		{ "charged.limit", -1 },
		{ "charged.anon", 64 },
		{ "charged.file", 65 },
		{ "charged.shmem", 66 },
		{ "charged.kernel", 67 },
		{ "system.total", 10000 },
		{ "system.available", 6000 },
		{ "system.available.first", 7000 },
		{ "system.available.min", 4000 },
		{ "system.available.min_at", 1 },
		{ "system.used", 4000 },
		{ "system.used.peak", 6000 },
		{ "system.used.from_zero", 3000 },
		{ "system.pressure.some", -1 },
		{ "system.pressure.full", -1 },
		{ "shm.used", 0.75 },
		{ "shm.bytes", 2100 },
		{ "shm.free", 400 },
		{ "shm.peak", 1600 },
		{ "shm.inodes", 0.003 },
		{ "shm.full_in", -1 },
		{ "shm.full", 2 },
		{ "shm.orphans", 1 },
		{ "shm.orphan_bytes", 81 },
		{ "overhead.events", 1000000 },
		{ "overhead.bpf_ns_per_event", 80.5 },
		{ "overhead.bpf_cpu_s", 0.0805 },
		{ "overhead.tool_cpu_s", 0.1 },
		{ "overhead.tool_rss_bytes", 71 },
		{ "overhead.lost_records", 72 },
		{ "overhead.missed_runs.rss", 73 },
		{ "overhead.missed_runs.processes", 74 },
		{ "overhead.missed_runs.volumes", -1 },
		{ "overhead.share_of_target_cpu", 0.04025 },
		{ "overhead.bpf_share_of_core", 0.25 },
		{ "overhead.bpf_runs", 3000 },
		{ "sampled", 1 },
		{ "mode.full", 0.5 },
		{ "mode.lean", 0.25 },
		{ "mode.sample", 2.25 },
	};
	struct model *m = example();
	const struct snapshot *s = model_snapshot(m);

	(void)state;
	assert_int_equal(N_OF(cases), n_snapshot_fields); /* a new field needs its row here */
	for (size_t i = 0; i < N_OF(cases); i++) {
		const struct field *f = field_find(cases[i].name);

		assert_non_null(f);
		check(f->name, f->get(s), f->unit, cases[i].value);
	}
	model_destroy(m);
}

static void test_process_values(void **state)
{
	static const struct expected cases[] = {
		{ "start_s", 1 },
		{ "end_s", -1 },
		{ "rss", 60 * PAGE },
		{ "anon", 10 * PAGE },
		{ "file", 20 * PAGE },
		{ "shmem", 30 * PAGE },
		{ "swap", 0 }, /* momentarily negative */
		{ "pss", 770 },
		{ "peak.rss", 63 * PAGE },
		{ "peak.at", 1.25 },
		{ "error", 2 * PAGE },
		{ "at_peak.anon", 11 * PAGE },
		{ "at_peak.file", 21 * PAGE },
		{ "at_peak.shmem", 31 * PAGE },
		{ "at_peak.swap", 41 * PAGE },
		{ "peak.anon", 12 * PAGE },
		{ "peak.file", 22 * PAGE },
		{ "peak.shmem", 32 * PAGE },
		{ "peak.swap", 42 * PAGE },
		{ "first", 6 * PAGE },
		{ "first.anon", PAGE },
		{ "first.file", 2 * PAGE },
		{ "first.shmem", 3 * PAGE },
		{ "first.swap", 4 * PAGE },
		{ "faults.minor", 51 },
		{ "faults.major", 52 },
		{ "cpu", 2 },
		{ "threads", 6 },
		{ "mmap.calls", 54 },
		{ "mmap.bytes", 55 },
		{ "munmap.calls", -1 },
		{ "munmap.bytes", -1 },
		{ "brk.calls", 56 },
		{ "brk.bytes", 57 },
	};
	struct model *m = example();
	const struct snapshot *s = model_snapshot(m);

	(void)state;
	assert_int_equal(N_OF(cases), n_process_fields);
	for (size_t i = 0; i < N_OF(cases); i++) {
		const struct process_field *f = process_field_find(cases[i].name);

		assert_non_null(f);
		check(f->name, f->get(s, s->processes[0]), f->unit, cases[i].value);
	}
	EXIT(m, 7, 13 * SEC, 11 * SEC, 0);
	s = model_snapshot(m);
	check("end_s", process_field_find("end_s")->get(s, s->processes[0]), FIELD_SECONDS, 3);
	model_destroy(m);
}

/* Shares its parent's memory: none of its own, while faults and CPU time are its own. */
static void test_no_mm(void **state)
{
	static const char *const none[] = { "rss",     "anon",  "swap",         "peak.rss",
					    "peak.at", "error", "at_peak.file", "peak.shmem",
					    "first",   "pss" };
	struct model *m = model_create(PAGE, 1);
	struct rec_reading r = reading_rec(7, SEC, 90, 100);
	const struct snapshot *s;

	(void)state;
	r.flags = READING_NO_MM;
	r.minor_faults = 5;
	APPLY(m, r);
	PSS(m, 7, SEC, 90, 500);
	s = model_snapshot(m);
	for (size_t i = 0; i < N_OF(none); i++)
		assert_false(process_field_find(none[i])->get(s, s->processes[0]).known);
	assert_int_equal(process_field_find("faults.minor")->get(s, s->processes[0]).whole, 5);
	model_destroy(m);
}

/* Before 6.16 the exit is told when the memory is gone: the peak stays known, the end may not be. */
static void test_no_now(void **state)
{
	static const char *const none[] = { "rss", "anon", "file", "shmem", "swap" };
	struct model *m = model_create(PAGE, 1);
	struct rec_reading r = reading_rec(7, SEC, 90, 100);
	const struct snapshot *s;

	(void)state;
	r.flags = READING_ENDED | READING_NO_NOW;
	r.at_peak.kind[MEM_ANON] = 3;
	APPLY(m, r);
	s = model_snapshot(m);
	for (size_t i = 0; i < N_OF(none); i++)
		assert_false(process_field_find(none[i])->get(s, s->processes[0]).known);
	assert_true(process_field_find("peak.rss")->get(s, s->processes[0]).known);
	assert_int_equal(process_field_find("at_peak.anon")->get(s, s->processes[0]).whole,
			 3 * PAGE);
	assert_true(process_field_find("first")->get(s, s->processes[0]).known);
	model_destroy(m);
}

static void test_first(void **state)
{
	static const struct {
		const char *name, *first;
	} cases[] = {
		{ "rss", "first.rss" },
		{ "peak.rss", "first.rss" },
		{ "last.rss", "first.rss" },
		{ "anon", "first.anon" },
		{ "max.anon", "first.anon" },
		{ "peak.file", "first.file" },
		{ "shmem", "first.shmem" },
		{ "max.swap", "first.swap" },
		{ "footprint", "first.footprint" },
		{ "peak.footprint", "first.footprint" },
	};
	struct model *m = example();
	const struct snapshot *s = model_snapshot(m);
	const struct process *p = s->processes[0];

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++)
		assert_int_equal(field_first(s, field_find(cases[i].name)).whole,
				 field_find(cases[i].first)->get(s).whole);
	assert_int_equal(field_first(s, field_find("system.used")).whole, 3000);
	assert_int_equal(field_first(s, field_find("system.used.peak")).whole, 3000);
	assert_int_equal(process_field_first(s, p, process_field_find("rss")).whole, 6 * PAGE);
	assert_int_equal(process_field_first(s, p, process_field_find("at_peak.file")).whole,
			 2 * PAGE);
	/* just the fields with the flag have one */
	for (size_t i = 0; i < n_snapshot_fields; i++)
		assert_int_equal(field_first(s, &snapshot_fields[i]).known,
				 !!(snapshot_fields[i].flags & FIELD_FROM_ZERO));
	for (size_t i = 0; i < n_process_fields; i++)
		assert_int_equal(process_field_first(s, p, &process_fields[i]).known,
				 !!(process_fields[i].flags & FIELD_FROM_ZERO));
	model_destroy(m);
}

static void test_extremes(void **state)
{
	struct model *m = model_create(65536, 1);
	struct rec_tree tree = tree_rec(10 * SEC, INT64_MAX, 2);
	struct rec_cost cost = { .head = HEAD(REC_COST, rec_cost, 0, SEC, 0) };
	const struct snapshot *s;

	(void)state;
	tree.now.kind[MEM_FILE] = INT64_MIN;
	tree.error_pages = UINT64_MAX - 1;
	tree.peak_ns = SEC; /* before the watch */
	APPLY(m, tree);
	SYSTEM(m, 10 * SEC, 100, 200); /* more available than there is */
	cost.event_ns = UNKNOWN_U64;
	cost.missed_runs[MISSED_VOLUMES] = UNKNOWN_U64 - 1;
	APPLY(m, cost);
	s = model_snapshot(m);
	assert_true(field_find("anon")->get(s).whole == INT64_MAX);
	assert_int_equal(field_find("file")->get(s).whole, 0);
	assert_true(field_find("peak.error")->get(s).whole == INT64_MAX);
	assert_true(field_find("peak.at")->get(s).real == 0);
	assert_int_equal(field_find("system.used")->get(s).whole, 0);
	assert_true(field_find("overhead.missed_runs.volumes")->get(s).whole == INT64_MAX);
	assert_false(field_find("overhead.bpf_ns_per_event")->get(s).known);
	assert_false(field_find("overhead.bpf_cpu_s")->get(s).known);
	assert_false(field_find("overhead.share_of_target_cpu")->get(s).known);
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables_are_well_formed),
		cmocka_unit_test(test_json_units),
		cmocka_unit_test(test_schema_is_covered),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_nothing_is_known),
		cmocka_unit_test(test_snapshot_values),
		cmocka_unit_test(test_process_values),
		cmocka_unit_test(test_no_mm),
		cmocka_unit_test(test_no_now),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

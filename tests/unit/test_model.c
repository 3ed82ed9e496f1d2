/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model: what a stream of records amounts to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "model/fields.h"
#include "records.h"

#define MAX_ENDED 3

static int setup(void **state)
{
	*state = model_create(PAGE, MAX_ENDED);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	model_destroy(*state);
	return 0;
}

static void test_empty(void **state)
{
	const struct snapshot *s = model_snapshot(*state);

	assert_false(s->tree.known);
	assert_false(s->system.known);
	assert_false(s->charge.known);
	assert_false(s->cost.known);
	assert_true(s->tree.minor_faults == UNKNOWN_U64);
	assert_true(s->tree.volume[VM_BRK].calls == UNKNOWN_U64);
	assert_true(s->tree.footprint_bytes == UNKNOWN_U64);
	assert_int_equal(s->n_processes, 0);
	assert_int_equal(s->page_bytes, PAGE);
	model_destroy(NULL);
}

static void test_rss_pages(void **state)
{
	struct mem_pages p = pages(5, 3, 2, 100);

	(void)state;
	assert_int_equal(rss_pages(&p), 10); /* without swap */
	p = pages(-5, 3, 1, 0);
	assert_int_equal(rss_pages(&p), 0); /* never below 0 */
	p = pages(-5, 3, 4, 0);
	assert_int_equal(rss_pages(&p), 2);
	p = pages(INT64_MAX, INT64_MAX, INT64_MAX, 0);
	assert_true(rss_pages(&p) > 1ULL << 40);
	p = pages(INT64_MIN, INT64_MIN, INT64_MIN, 0);
	assert_int_equal(rss_pages(&p), 0);
}

static void test_bad_records(void **state)
{
	struct model *m = *state;
	struct rec_start r = start_rec(7, 100, 90, "a");

	assert_int_equal(model_apply(m, &r.head, sizeof(r) - 1), -EINVAL); /* not rec->size */
	assert_int_equal(model_apply(m, &r.head, sizeof(r.head) - 1), -EINVAL);
	r.head.size = sizeof(r) - 8;
	assert_int_equal(model_apply(m, &r.head, sizeof(r) - 8), -EINVAL); /* short for its type */
	r.head.type = REC_TYPES;
	assert_int_equal(model_apply(m, &r.head, sizeof(r) - 8), 0); /* a newer recording */
	r.head.type = REC_NONE;
	assert_int_equal(model_apply(m, &r.head, sizeof(r) - 8), 0);
	assert_int_equal(model_snapshot(m)->n_processes, 0);
	assert_int_equal(model_snapshot(m)->start_ns, 0); /* none of them began the watch */
}

/* A newer recording may append fields to a record. */
static void test_longer_record(void **state)
{
	struct {
		struct rec_start start;
		uint64_t more;
	} r = { .start = start_rec(7, 100, 90, "a") };

	r.start.head.size = sizeof(r);
	assert_int_equal(model_apply(*state, &r.start.head, sizeof(r)), 0);
	assert_int_equal(model_snapshot(*state)->n_processes, 1);
}

static void test_life_of_a_process(void **state)
{
	struct model *m = *state;
	struct rec_start exec = start_rec(7, 3 * SEC, 90, "python3");
	const struct process *p;

	START(m, 7, SEC, 90, "bash");
	p = model_snapshot(m)->processes[0];
	assert_string_equal(p->comm, "bash");
	assert_false(p->has_reading);
	assert_int_equal(p->watched_ns, SEC);
	assert_true(p->pss_bytes == UNKNOWN_U64);
	assert_null(p->cmdline);

	assert_int_equal(model_set_cmdline(m, 7, 90, "bash -c x"), 0);
	assert_int_equal(model_set_cmdline(m, 7, 91, "other"), -ENOENT);
	assert_int_equal(model_set_container(m, 7, 90, "web"), 0);
	READING(m, 7, 2 * SEC, 90, 50);
	p = model_snapshot(m)->processes[0];
	assert_true(p->has_reading);
	assert_string_equal(p->cmdline, "bash -c x");

	exec.head.type = REC_EXEC;
	APPLY(m, exec);
	p = model_snapshot(m)->processes[0];
	assert_string_equal(p->comm, "python3");
	assert_null(p->cmdline); /* another program's */
	assert_string_equal(p->container, "web");
	assert_int_equal(p->watched_ns, SEC);
	assert_int_equal(p->end_ns, 0);

	EXIT(m, 7, 5 * SEC, 90, 7 << 8);
	p = model_snapshot(m)->processes[0];
	assert_int_equal(p->end_ns, 5 * SEC);
	assert_true(p->has_status);
	assert_int_equal(p->wait_status, 7 << 8);
	assert_int_equal(model_snapshot(m)->n_live, 0);
	assert_int_equal(model_snapshot(m)->n_processes, 1);
	assert_int_equal(model_snapshot(m)->start_ns, SEC);
	assert_int_equal(model_snapshot(m)->now_ns, 5 * SEC);
}

static void test_comm_is_terminated(void **state)
{
	struct rec_start r = start_rec(7, 100, 90, "");

	memset(r.comm, 'x', sizeof(r.comm));
	APPLY((struct model *)*state, r);
	assert_int_equal(strlen(model_snapshot(*state)->processes[0]->comm), COMM_LEN - 1);
}

static void test_reading_replaces(void **state)
{
	struct model *m = *state;
	struct rec_reading last = reading_rec(7, 4 * SEC, 90, 30);
	const struct process *p;

	START(m, 7, SEC, 90, "a");
	READING(m, 7, 2 * SEC, 90, 50);
	READING(m, 7, 3 * SEC, 90, 40);
	p = model_snapshot(m)->processes[0];
	assert_int_equal(p->reading.now.kind[MEM_ANON], 40);

	last.flags = READING_ENDED;
	APPLY(m, last);
	READING(m, 7, 5 * SEC, 90, 0); /* what comes after the last one is of a dying mm */
	p = model_snapshot(m)->processes[0];
	assert_int_equal(p->reading.now.kind[MEM_ANON], 30);
	assert_int_equal(p->end_ns, 4 * SEC);
	assert_false(p->has_status); /* how it ended was not told yet */
	EXIT(m, 7, 3 * SEC + 1, 90, 9);
	p = model_snapshot(m)->processes[0];
	assert_int_equal(p->end_ns, 3 * SEC + 1);
	assert_true(p->has_status);
}

static void test_reading_without_start(void **state)
{
	struct model *m = *state;
	const struct process *p;

	TICK(m, 10 * SEC);
	READING(m, 7, 20 * SEC, 15 * SEC, 50);
	READING(m, 8, 20 * SEC, 5 * SEC, 40);
	p = model_snapshot(m)->processes[0];
	assert_int_equal(p->pid, 7);
	assert_string_equal(p->comm, "proc7");
	assert_int_equal(p->watched_ns, 15 * SEC); /* since it was forked */
	p = model_snapshot(m)->processes[1];
	assert_int_equal(p->watched_ns, 10 * SEC); /* not before the watch */
}

static void test_unknown_process_is_ignored(void **state)
{
	struct model *m = *state;

	EXIT(m, 7, SEC, 90, 0);
	LEVEL(m, 7, SEC, 90, 100);
	PSS(m, 7, SEC, 90, 100);
	assert_int_equal(model_snapshot(m)->n_processes, 0);
}

static void test_level_updates_now(void **state)
{
	struct model *m = *state;

	READING(m, 7, 2 * SEC, 90, 50);
	LEVEL(m, 7, 3 * SEC, 90, 500);
	assert_int_equal(model_snapshot(m)->processes[0]->reading.now.kind[MEM_ANON], 500);
	LEVEL(m, 7, 1 * SEC, 90, 20); /* older than what is known */
	assert_int_equal(model_snapshot(m)->processes[0]->reading.now.kind[MEM_ANON], 500);
}

static void test_pid_reuse(void **state)
{
	struct model *m = *state;
	const struct snapshot *s;

	READING(m, 7, 2 * SEC, 90, 50);
	EXIT(m, 7, 3 * SEC, 90, 0);
	READING(m, 7, 5 * SEC, 4 * SEC, 60);
	s = model_snapshot(m);
	assert_int_equal(s->n_processes, 2);
	assert_int_equal(s->n_live, 1);
	assert_int_equal(s->processes[0]->start_ns, 4 * SEC);
	assert_int_equal(s->processes[1]->start_ns, 90);
}

/* A pid that starts anew tells that its former process is gone, though its exit was lost. */
static void test_lost_exit(void **state)
{
	struct model *m = *state;
	const struct snapshot *s;

	READING(m, 7, 2 * SEC, 90, 50);
	START(m, 7, 5 * SEC, 4 * SEC, "new");
	s = model_snapshot(m);
	assert_int_equal(s->n_live, 1);
	assert_string_equal(s->processes[0]->comm, "new");
	assert_int_equal(s->processes[1]->end_ns, 4 * SEC);
	assert_false(s->processes[1]->has_status);

	READING(m, 7, 6 * SEC, 3 * SEC, 10); /* late, of one that came between */
	s = model_snapshot(m);
	assert_int_equal(s->n_processes, 3);
	assert_int_equal(s->n_live, 1);
	assert_string_equal(s->processes[0]->comm, "new");
}

static void test_sums(void **state)
{
	struct model *m = *state;
	struct rec_reading a = reading_rec(1, SEC, 1, 10), b = reading_rec(2, SEC, 2, 10);
	struct rec_reading c = reading_rec(3, SEC, 3, 10);
	const struct snapshot *s;

	a.minor_faults = 5;
	a.cpu_ns = 0;
	b.minor_faults = 6;
	b.volume[VM_MMAP] = (struct vm_volume){ .calls = 2, .bytes = 8192 };
	c.volume[VM_MMAP] = (struct vm_volume){ .calls = 1, .bytes = 4096 };
	APPLY(m, a);
	APPLY(m, b);
	APPLY(m, c);
	s = model_snapshot(m);
	assert_int_equal(s->tree.minor_faults, 11); /* c's are not known: 11 of those known */
	assert_true(s->tree.major_faults == UNKNOWN_U64); /* nobody's */
	assert_int_equal(s->tree.cpu_ns, 0); /* known to be 0 */
	assert_int_equal(s->tree.volume[VM_MMAP].calls, 3);
	assert_int_equal(s->tree.volume[VM_MMAP].bytes, 12288);
	assert_true(s->tree.volume[VM_BRK].calls == UNKNOWN_U64);
	assert_true(s->tree.volume[VM_BRK].bytes == UNKNOWN_U64);

	b.minor_faults = 7;
	APPLY(m, b); /* absolute: replaces, does not add */
	assert_int_equal(model_snapshot(m)->tree.minor_faults, 12);
	a.minor_faults = UINT64_MAX - 1;
	APPLY(m, a);
	assert_true(model_snapshot(m)->tree.minor_faults == UNKNOWN_U64 - 1); /* saturated, known */
}

/* One short-lived process after the other. Their contributions outlive them. */
static void test_pruning(void **state)
{
	struct model *m = *state;
	const struct snapshot *s;
	const uint32_t n = 10000;

	for (uint32_t pid = 1; pid <= n; pid++) {
		/* 7919 is prime to 10000: each peak from 1 to 10000 once, in no order */
		struct rec_reading r = reading_rec(pid, pid * SEC, pid, 1 + pid * 7919 % n);

		START(m, pid, pid * SEC, pid, "true");
		assert_int_equal(model_set_cmdline(m, pid, pid, "/bin/true"), 0);
		r.minor_faults = pid;
		r.flags = READING_ENDED;
		APPLY(m, r);
		EXIT(m, pid, pid * SEC, pid, 0);
		if (pid % 1000 == 0)
			assert_true(model_snapshot(m)->n_processes <= MAX_ENDED);
	}
	READING(m, n + 1, n * SEC, 1, 3);
	TREE(m, n * SEC, 3, n + 1);
	s = model_snapshot(m);
	assert_int_equal(s->n_live, 1);
	assert_int_equal(s->n_processes, MAX_ENDED + 1);
	for (int i = 0; i < MAX_ENDED; i++)
		assert_int_equal(rss_pages(&s->processes[1 + i]->reading.at_peak), n - i);
	assert_int_equal(s->tree.minor_faults, (uint64_t)n * (n + 1) / 2);
	assert_int_equal(s->processes_omitted, n - MAX_ENDED);
	assert_int_equal(s->tree.at_peak.kind[MEM_ANON], n);
}

static void test_order(void **state)
{
	struct model *m = *state;
	static const uint32_t expected[] = { 4, 2, 3, 1, 6, 5 };
	const struct snapshot *s;

	READING(m, 1, SEC, 1, 10);
	READING(m, 2, SEC, 1, 30);
	READING(m, 3, SEC, 1, 30);
	READING(m, 4, SEC, 1, 40);
	READING(m, 5, SEC, 1, 50);
	READING(m, 6, SEC, 1, 60);
	EXIT(m, 5, SEC, 1, 0);
	EXIT(m, 6, SEC, 1, 0);
	s = model_snapshot(m);
	assert_int_equal(s->n_live, 4);
	assert_int_equal(s->n_processes, N_OF(expected));
	for (size_t i = 0; i < N_OF(expected); i++)
		assert_int_equal(s->processes[i]->pid, expected[i]);
}

static void test_tree_first_and_now(void **state)
{
	struct model *m = *state;

	TREE(m, SEC, 100, 2);
	TREE(m, 2 * SEC, 300, 2);
	TREE(m, 3 * SEC, 50, 2);
	assert_int_equal(model_snapshot(m)->tree.first.kind[MEM_ANON], 100);
	assert_int_equal(model_snapshot(m)->tree.now.kind[MEM_ANON], 50);
	assert_int_equal(model_snapshot(m)->tree.processes, 2);
	assert_int_equal(model_snapshot(m)->processes_omitted, 2);
}

static void test_tree_peak_is_lifted(void **state)
{
	struct model *m = *state;
	struct rec_tree tree = tree_rec(9 * SEC, 100, 2);
	struct rec_reading a = reading_rec(1, SEC, 1, 80);
	const struct snapshot *s;

	tree.error_pages = 64;
	tree.peak_ns = 3 * SEC;
	a.peak = pages(80, 5, 0, 0);
	APPLY(m, tree);
	APPLY(m, a);
	READING(m, 2, SEC, 1, 10);
	s = model_snapshot(m);
	assert_int_equal(rss_pages(&s->tree.at_peak), 100); /* more than any one process */
	assert_int_equal(s->tree.peak_ns, 3 * SEC);
	assert_int_equal(s->tree.peak.kind[MEM_FILE], 5); /* one process alone had that */
	assert_int_equal(s->tree.peak.kind[MEM_ANON], 100);

	a.at_peak = pages(70, 40, 1, 2);
	a.peak_ns = 5 * SEC;
	APPLY(m, a);
	EXIT(m, 1, 6 * SEC, 1, 0);
	s = model_snapshot(m);
	assert_int_equal(rss_pages(&s->tree.at_peak), 111);
	assert_int_equal(s->tree.at_peak.kind[MEM_SWAP], 2); /* with its breakdown and time */
	assert_int_equal(s->tree.peak_ns, 5 * SEC);
	assert_int_equal(s->tree.error_pages,
			 64); /* another process may have held more beside it */
}

static void test_tree_of_one_process(void **state)
{
	struct model *m = *state;
	struct rec_tree tree = tree_rec(9 * SEC, 120, 1);
	struct rec_reading a = reading_rec(1, SEC, 1, 100);

	tree.error_pages = 64;
	APPLY(m, tree);
	APPLY(m, a);
	/* the kernel's batches overshot; the one process was counted exactly */
	assert_int_equal(rss_pages(&model_snapshot(m)->tree.at_peak), 100);
	assert_int_equal(model_snapshot(m)->tree.peak.kind[MEM_ANON], 100);
	assert_int_equal(model_snapshot(m)->tree.error_pages, 0);
	a.error_pages = 3;
	APPLY(m, a);
	assert_int_equal(model_snapshot(m)->tree.error_pages, 3);

	tree.processes_seen = 2; /* one was never read */
	APPLY(m, tree);
	assert_int_equal(rss_pages(&model_snapshot(m)->tree.at_peak), 120);
	assert_int_equal(model_snapshot(m)->tree.error_pages, 64);
}

static void test_no_mm(void **state)
{
	struct model *m = *state;
	struct rec_reading child = reading_rec(2, SEC, 2, 500);

	child.flags = READING_NO_MM;
	child.minor_faults = 4;
	TREE(m, SEC, 10, 2);
	READING(m, 1, SEC, 1, 10);
	APPLY(m, child);
	PSS(m, 1, SEC, 1, 1000);
	PSS(m, 2, SEC, 2, 1000);
	TICK(m, SEC);
	assert_int_equal(rss_pages(&model_snapshot(m)->tree.at_peak), 10);
	assert_int_equal(model_snapshot(m)->tree.level_peak_pages, 10);
	assert_int_equal(model_snapshot(m)->tree.footprint_bytes, 1000); /* once */
	assert_int_equal(model_snapshot(m)->tree.minor_faults, 4); /* its own all the same */
	assert_int_equal(model_snapshot(m)->processes[0]->pid,
			 1); /* by RSS: the one that has some */
}

static void test_level_peak(void **state)
{
	struct model *m = *state;

	START(m, 1, SEC, 1, "a");
	READING(m, 1, SEC, 1, 100);
	READING(m, 2, SEC, 2, 50);
	TICK(m, SEC);
	assert_int_equal(model_snapshot(m)->tree.level_peak_pages, 150);

	LEVEL(m, 1, 2 * SEC, 1, 400); /* a spike within the interval */
	LEVEL(m, 1, 2 * SEC, 1, 90);
	/* 2 grew by what 1 gave up: half-way through these readings the sum was never held */
	READING(m, 2, 3 * SEC, 2, 460);
	READING(m, 1, 3 * SEC, 1, 10);
	TICK(m, 3 * SEC);
	assert_int_equal(model_snapshot(m)->tree.level_peak_pages, 470);

	LEVEL(m, 2, 4 * SEC, 2, 100); /* the first record of the next interval resets it */
	assert_int_equal(model_snapshot(m)->tree.level_peak_pages, 470); /* it began with that */
	TICK(m, 4 * SEC);
	EXIT(m, 2, 5 * SEC, 2, 0);
	TICK(m, 5 * SEC);
	TICK(m, 6 * SEC);
	assert_int_equal(model_snapshot(m)->tree.level_peak_pages, 10); /* without the ended one */
}

static void test_footprint(void **state)
{
	struct model *m = *state;

	READING(m, 1, SEC, 1, 100);
	READING(m, 2, SEC, 2, 100);
	TICK(m, SEC);
	assert_true(model_snapshot(m)->tree.footprint_bytes == UNKNOWN_U64);
	PSS(m, 1, 2 * SEC, 1, 1000);
	TICK(m, 2 * SEC);
	PSS(m, 2, 3 * SEC, 2, 500);
	TICK(m, 3 * SEC);
	EXIT(m, 1, 4 * SEC, 1, 0);
	TICK(m, 4 * SEC);
	assert_int_equal(model_snapshot(m)->tree.footprint_first_bytes, 1000);
	assert_int_equal(model_snapshot(m)->tree.footprint_peak_bytes, 1500);
	assert_int_equal(model_snapshot(m)->tree.footprint_bytes, 500);
	EXIT(m, 2, 5 * SEC, 2, 0);
	TICK(m, 5 * SEC);
	assert_int_equal(model_snapshot(m)->tree.footprint_bytes, 500); /* the last known */
}

static void test_system(void **state)
{
	struct model *m = *state;
	struct rec_system r = system_rec(SEC, 1000, 700);
	const struct snapshot *s;

	APPLY(m, r);
	assert_true(model_snapshot(m)->system.pressure_some_us == UNKNOWN_U64);
	r = system_rec(2 * SEC, 1000, 300);
	r.pressure_some_us = 5000; /* the first known */
	APPLY(m, r);
	assert_int_equal(model_snapshot(m)->system.pressure_some_us, 0);
	r = system_rec(3 * SEC, 1000, 300);
	r.pressure_some_us = 5600;
	APPLY(m, r);
	s = model_snapshot(m);
	assert_int_equal(s->system.available_first_bytes, 700);
	assert_int_equal(s->system.available_min_bytes, 300);
	assert_int_equal(s->system.available_min_ns, 2 * SEC); /* when it was first that low */
	assert_int_equal(s->system.pressure_some_us, 600);
	assert_true(s->system.pressure_full_us == UNKNOWN_U64);
}

static void test_charge(void **state)
{
	struct model *m = *state;
	struct rec_charge r = { .head = HEAD(REC_CHARGE, rec_charge, 0, SEC, 0) };

	r.current_bytes = r.peak_bytes = UNKNOWN_U64;
	APPLY(m, r);
	assert_true(model_snapshot(m)->charge.peak_bytes == UNKNOWN_U64);
	r.current_bytes = 500;
	APPLY(m, r);
	r.current_bytes = 300;
	APPLY(m, r);
	assert_int_equal(model_snapshot(m)->charge.peak_bytes, 500); /* the highest seen */
	r.peak_bytes = 900;
	APPLY(m, r);
	assert_int_equal(model_snapshot(m)->charge.peak_bytes, 900); /* the cgroup knows better */
	assert_int_equal(model_snapshot(m)->charge.last.current_bytes, 300);
}

static void test_cost(void **state)
{
	struct model *m = *state;
	struct rec_cost r = { .head = HEAD(REC_COST, rec_cost, 0, SEC, 0), .lost_records = 3 };

	APPLY(m, r);
	assert_true(model_snapshot(m)->cost.known);
	assert_int_equal(model_snapshot(m)->cost.last.lost_records, 3);
}

/* Streams from before missed_runs end before it, in memory too. */
static void test_older_cost(void **state)
{
	struct model *m = *state;
	struct rec_cost r = { .head = HEAD(REC_COST, rec_cost, 0, SEC, 0), .tool_rss_bytes = 5 };
	const size_t older = offsetof(struct rec_cost, missed_runs);
	struct rec_head *cut = malloc(older);
	const struct snapshot *s;

	assert_non_null(cut);
	r.missed_runs[MISSED_RSS] = 7;
	APPLY(m, r);
	assert_int_equal(snapshot_missed(model_snapshot(m), MISSED_RSS), 7);
	r.head.size = (uint16_t)older;
	memcpy(cut, &r, older);
	assert_int_equal(model_apply(m, cut, older), 0);
	s = model_snapshot(m);
	assert_int_equal(s->cost.last.tool_rss_bytes, 5);
	for (int i = 0; i < MISSED_KINDS; i++) {
		assert_true(s->cost.last.missed_runs[i] == UNKNOWN_U64);
		assert_int_equal(snapshot_missed(s, i), 0);
	}
	cut->size--;
	assert_int_equal(model_apply(m, cut, older - 1), -EINVAL);
	free(cut);
}

static void test_what_is_lost(void **state)
{
	struct model *m = *state;
	struct rec_cost r = { .head = HEAD(REC_COST, rec_cost, 0, SEC, 0) };

	TICK(m, SEC);
	assert_false(snapshot_lost(model_snapshot(m))); /* nothing is known yet */
	APPLY(m, r);
	assert_false(snapshot_lost(model_snapshot(m)));
	r.lost_records = 1;
	APPLY(m, r);
	assert_true(snapshot_lost(model_snapshot(m)));
	r.lost_records = 0;
	for (int i = 0; i < MISSED_KINDS; i++) {
		r.missed_runs[i] = 1;
		APPLY(m, r);
		assert_int_equal(snapshot_lost(model_snapshot(m)), i == MISSED_PROCESSES);
		r.missed_runs[i] = UNKNOWN_U64;
		APPLY(m, r);
		assert_false(snapshot_lost(model_snapshot(m)));
	}
}

static void test_modes(void **state)
{
	struct model *m = *state;
	const struct snapshot *s;

	TICK(m, SEC);
	assert_false(model_snapshot(m)->mode.known);
	MODE(m, SEC, MODE_FULL, MODE_STARTED);
	MODE(m, 3 * SEC, MODE_SAMPLE, MODE_OVER_BUDGET);
	assert_true(model_snapshot(m)->mode.ever_sampled);
	/* of a newer recording: left aside */
	MODE(m, 4 * SEC, WATCH_MODES, MODE_CALM);
	MODE(m, 4 * SEC, MODE_LEAN, MODE_WHYS);
	TICK(m, 8 * SEC);
	s = model_snapshot(m);
	assert_int_equal(s->mode.n_steps, 2);
	assert_int_equal(s->mode.lasted_ns[MODE_FULL], 2 * SEC);
	assert_int_equal(s->mode.lasted_ns[MODE_SAMPLE], 5 * SEC);
	/* asking does not add anything */
	assert_int_equal(model_snapshot(m)->mode.lasted_ns[MODE_SAMPLE], 5 * SEC);
	for (uint64_t i = 0; i < 100; i++)
		MODE(m, (10 + i) * SEC, i % 2 ? MODE_SAMPLE : MODE_FULL, MODE_CALM);
	s = model_snapshot(m);
	assert_int_equal(s->mode.n_steps + s->mode.steps_omitted, 102);
	assert_int_equal(s->mode.steps[s->mode.n_steps - 1].number, 102);
	assert_int_equal(s->mode.steps[0].number, s->mode.steps_omitted + 1);
	assert_int_equal(s->mode.lasted_ns[MODE_FULL] + s->mode.lasted_ns[MODE_SAMPLE], 108 * SEC);
}

/* A sampled process: no kinds of a peak that nobody saw, and the bound is the tree's where it is alone. */
static void test_sampled_peak(void **state)
{
	struct model *m = *state;
	struct rec_tree tree = tree_rec(SEC, 10, 1);
	struct rec_reading r = reading_rec(7, SEC, SEC, 10);
	const struct snapshot *s;

	tree.error_pages = UNKNOWN_U64;
	APPLY(m, tree);
	r.at_peak = pages(100, 0, 0, 0);
	r.flags = READING_SAMPLED | READING_NO_KINDS;
	r.error_pages = 30;
	APPLY(m, r);
	s = model_snapshot(m);
	assert_true(s->tree.no_kinds);
	assert_int_equal(s->tree.error_pages, 30);
	assert_int_equal(rss_pages(&s->tree.at_peak), 100);
	assert_false(field_find("peak.anon")->get(s).known);
	assert_false(process_field_find("at_peak.anon")->get(s, s->processes[0]).known);
	assert_int_equal(process_field_find("peak.rss")->get(s, s->processes[0]).whole, 100 * PAGE);
	/* a higher one that was seen */
	r = reading_rec(7, 2 * SEC, SEC, 200);
	r.flags = READING_SAMPLED;
	APPLY(m, r);
	s = model_snapshot(m);
	assert_false(s->tree.no_kinds);
	assert_int_equal(s->tree.error_pages, 0);
	assert_int_equal(field_find("peak.anon")->get(s).whole, 200 * PAGE);
	/* a second process: the sum of two has no bound */
	r = reading_rec(8, 2 * SEC, 2 * SEC, 1);
	APPLY(m, r);
	tree.processes_seen = 2;
	APPLY(m, tree);
	assert_true(model_snapshot(m)->tree.error_pages == UNKNOWN_U64);
}

static void test_history(void **state)
{
	struct model *m = *state;
	const struct snapshot *s;

	TICK(m, 1);
	assert_true(model_snapshot(m)->history[0].available_bytes == UNKNOWN_U64);
	for (uint64_t i = 2; i <= HISTORY_POINTS + 10; i++) {
		TREE(m, i, (int64_t)i, 1);
		SYSTEM(m, i, 1000, i);
		TICK(m, i);
	}
	s = model_snapshot(m);
	assert_int_equal(s->n_history, HISTORY_POINTS);
	for (size_t i = 0; i < HISTORY_POINTS; i++) {
		assert_int_equal(s->history[i].ts_ns, 11 + i);
		assert_int_equal(s->history[i].rss_bytes, (11 + i) * PAGE);
		assert_int_equal(s->history[i].available_bytes, 11 + i);
	}
}

static void test_oom(void **state)
{
	struct model *m = *state;
	static const uint32_t expected[] = { 9, 2, 4, 5, 7 };
	const struct oom_kill *kill;
	struct rec_oom victim = oom_rec(9, 2 * SEC, 9, "hog");

	READING(m, 1, SEC, 1, 10);
	READING(m, 2, SEC, 2, 90);
	READING(m, 3, SEC, 3, 999);
	READING(m, 4, SEC, 4, 80);
	READING(m, 5, SEC, 5, 70);
	READING(m, 6, SEC, 6, 60);
	READING(m, 7, SEC, 7, 60);
	LEVEL(m, 7, SEC, 7, 65);
	READING(m, 9, SEC, 9, 1);
	EXIT(m, 3, SEC, 3, 0); /* the dead hold nothing */
	victim.now = pages(5000, 0, 0, 1);
	APPLY(m, victim);
	assert_int_equal(model_set_oom_cgroup(m, 9, 2 * SEC, "/docker/x"), 0);
	assert_int_equal(model_set_oom_cgroup(m, 9, 3 * SEC, "/docker/x"), -ENOENT);
	kill = model_snapshot(m)->oom;
	assert_int_equal(model_snapshot(m)->n_oom, 1);
	assert_int_equal(kill->pid, 9);
	assert_string_equal(kill->comm, "hog");
	assert_string_equal(kill->cgroup, "/docker/x");
	assert_int_equal(kill->pages.kind[MEM_SWAP], 1);
	for (size_t i = 0; i < N_OF(expected); i++)
		assert_int_equal(kill->top[i].pid, expected[i]);
	assert_int_equal(kill->top[0].rss_bytes, 5000 * PAGE); /* as the killer saw it */
	assert_string_equal(kill->top[1].comm, "proc2");
}

static void test_oom_top_may_be_short(void **state)
{
	struct model *m = *state;

	READING(m, 1, SEC, 1, 10);
	OOM(m, 77, SEC, 0, "stranger");
	assert_int_equal(model_snapshot(m)->oom[0].top[0].pid, 1);
	assert_int_equal(model_snapshot(m)->oom[0].top[1].pid, 0);
}

static void test_oom_is_bounded(void **state)
{
	struct model *m = *state;

	for (uint32_t i = 1; i <= 100; i++) {
		OOM(m, i, i * SEC, 0, "x");
		assert_int_equal(model_set_oom_cgroup(m, i, i * SEC, "/cg"), 0);
	}
	assert_int_equal(model_snapshot(m)->n_oom, 64);
	assert_int_equal(model_snapshot(m)->oom[0].pid, 37);
	assert_int_equal(model_snapshot(m)->oom[63].pid, 100);
	assert_string_equal(model_snapshot(m)->oom[0].cgroup, "/cg");
}

/* What ran as a record was made may have been higher than what the kernel side saw by then, and by the next. */
static void test_tree_peak_does_not_fall(void **state)
{
	struct rec_tree tree = { .head = HEAD(REC_TREE, rec_tree, 0, 2 * SEC, 0) };
	struct model *m = *state;
	const struct snapshot *s;

	tree.now = tree.at_peak = pages(70, 5, 0, 1);
	tree.peak = pages(60, 9, 0, 2);
	tree.peak_ns = 2 * SEC;
	APPLY(m, tree);
	tree.head.ts_ns = 3 * SEC;
	tree.now = pages(1, 0, 0, 0);
	tree.at_peak = pages(68, 6, 0, 3);
	tree.peak = pages(68, 8, 0, 3);
	tree.peak_ns = 1 * SEC;
	APPLY(m, tree);
	s = model_snapshot(m);
	assert_int_equal(rss_pages(&s->tree.at_peak), 75);
	assert_int_equal(s->tree.at_peak.kind[MEM_SWAP], 1);
	assert_int_equal(s->tree.peak_ns, 2 * SEC);
	assert_int_equal(s->tree.peak.kind[MEM_ANON], 68);
	assert_int_equal(s->tree.peak.kind[MEM_FILE], 9);
	tree.at_peak = pages(80, 0, 0, 0);
	APPLY(m, tree);
	assert_int_equal(rss_pages(&model_snapshot(m)->tree.at_peak), 80);
	assert_int_equal(model_snapshot(m)->tree.peak_ns, 1 * SEC);
}

/* A command's watch begins at its exec, not at the first reading some time later. */
static void test_first_of_a_command(void **state)
{
	struct model *m = model_create(PAGE, 10);
	struct rec_start root = start_rec(10, 1 * SEC, 1 * SEC, "make"), child;
	struct rec_tree tree = { .head = HEAD(REC_TREE, rec_tree, 0, 2 * SEC, 0) };

	(void)state;
	root.how = START_COMMAND;
	root.now = pages(3, 1, 0, 0);
	APPLY(m, root);
	child = start_rec(11, 1 * SEC, 1 * SEC, "cc");
	child.now = pages(50, 0, 0, 0);
	APPLY(m, child);
	tree.now = pages(70, 5, 0, 0);
	APPLY(m, tree);
	assert_int_equal(rss_pages(&model_snapshot(m)->tree.first), 4);
	assert_int_equal(rss_pages(&model_snapshot(m)->tree.now), 75);
	model_destroy(m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_rss_pages),
		TEST(test_bad_records),
		TEST(test_longer_record),
		TEST(test_life_of_a_process),
		TEST(test_comm_is_terminated),
		TEST(test_reading_replaces),
		TEST(test_reading_without_start),
		TEST(test_unknown_process_is_ignored),
		TEST(test_level_updates_now),
		TEST(test_pid_reuse),
		TEST(test_lost_exit),
		TEST(test_sums),
		TEST(test_pruning),
		TEST(test_order),
		TEST(test_tree_first_and_now),
		TEST(test_tree_peak_is_lifted),
		TEST(test_tree_peak_does_not_fall),
		TEST(test_tree_of_one_process),
		TEST(test_no_mm),
		TEST(test_level_peak),
		TEST(test_footprint),
		TEST(test_system),
		TEST(test_charge),
		TEST(test_cost),
		TEST(test_older_cost),
		TEST(test_what_is_lost),
		TEST(test_modes),
		TEST(test_sampled_peak),
		TEST(test_history),
		TEST(test_oom),
		TEST(test_oom_top_may_be_short),
		TEST(test_oom_is_bounded),
		TEST(test_first_of_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scripted streams of records, and the runs they belong to, for the tests of the sinks. Include
 * cmocka first.
 */
#ifndef MEMMON_TEST_SCRIPTS_H
#define MEMMON_TEST_SCRIPTS_H

#include <string.h>

#include "sinks/sink.h"

#define PAGE 4096
#define MIB_PAGES 256
#define SECOND 1000000000ULL
#define BEGIN (1000 * SECOND) /* the machine's uptime when the watch begins */

/* ---- records ---------------------------------------------------------------------------------- */

static inline struct rec_head head(enum rec_type type, size_t size, uint32_t pid, double at_s)
{
	return (struct rec_head){
		.type = (uint16_t)type,
		.size = (uint16_t)size,
		.pid = pid,
		.ts_ns = BEGIN + (uint64_t)(at_s * 1e9 + 0.5),
		.start_ns = pid ? 900 * SECOND + pid : 0,
	};
}

static inline void apply(struct model *m, const void *rec)
{
	const struct rec_head *h = rec;

	assert_int_equal(model_apply(m, h, h->size), 0);
}

static inline struct mem_pages mib(double anon, double file, double shmem, double swap)
{
	struct mem_pages p;

	p.kind[MEM_ANON] = (int64_t)(anon * MIB_PAGES);
	p.kind[MEM_FILE] = (int64_t)(file * MIB_PAGES);
	p.kind[MEM_SHMEM] = (int64_t)(shmem * MIB_PAGES);
	p.kind[MEM_SWAP] = (int64_t)(swap * MIB_PAGES);
	return p;
}

static inline void set_comm(char *dst, const char *comm)
{
	size_t len = strlen(comm);

	/* as the kernel cuts it */
	if (len > COMM_LEN - 1)
		len = COMM_LEN - 1;
	memcpy(dst, comm, len);
	dst[len] = '\0';
}

static inline void start(struct model *m, double at_s, uint32_t pid, uint32_t ppid,
			 enum start_how how, const char *comm, struct mem_pages now)
{
	struct rec_start r = {
		.head = head(REC_START, sizeof(r), pid, at_s), .ppid = ppid, .how = how, .now = now
	};

	set_comm(r.comm, comm);
	apply(m, &r);
}

struct figures {
	uint32_t pid, ppid;
	enum start_how how;
	const char *comm;
	struct mem_pages first, now, at_peak, peak;
	double peak_s;
	uint64_t minor, major;
	uint32_t flags, error_pages;
};

static inline void reading(struct model *m, double at_s, const struct figures *f)
{
	struct rec_reading r = {
		.head = head(REC_READING, sizeof(r), f->pid, at_s),
		.ppid = f->ppid,
		.how = f->how,
		.flags = f->flags,
		.threads_peak = 1,
		.first = f->first,
		.now = f->now,
		.at_peak = f->at_peak,
		.peak = f->peak,
		.peak_ns = BEGIN + (uint64_t)(f->peak_s * 1e9 + 0.5),
		.error_pages = f->error_pages,
		.minor_faults = f->minor,
		.major_faults = f->major,
		.cpu_ns = 250000000,
	};

	for (int i = 0; i < VM_CALLS; i++)
		r.volume[i].calls = UNKNOWN_U64;
	set_comm(r.comm, f->comm);
	apply(m, &r);
}

static inline void ended(struct model *m, double at_s, uint32_t pid, int wait_status)
{
	struct rec_exit r = { .head = head(REC_EXIT, sizeof(r), pid, at_s),
			      .wait_status = wait_status };

	apply(m, &r);
}

static inline void tree(struct model *m, double at_s, struct mem_pages now,
			struct mem_pages at_peak, double peak_s, uint64_t error_pages,
			uint64_t seen, uint64_t live, uint64_t most)
{
	struct rec_tree r = {
		.head = head(REC_TREE, sizeof(r), 0, at_s),
		.now = now,
		.at_peak = at_peak,
		.peak = at_peak,
		.peak_ns = BEGIN + (uint64_t)(peak_s * 1e9 + 0.5),
		.error_pages = error_pages,
		.processes_seen = seen,
		.processes_live = live,
		.processes_peak = most,
	};

	apply(m, &r);
}

static inline void machine(struct model *m, double at_s, uint64_t available_mib)
{
	struct rec_system r = { .head = head(REC_SYSTEM, sizeof(r), 0, at_s),
				.total_bytes = 16384ULL << 20,
				.available_bytes = available_mib << 20,
				.pressure_some_us = 5000000 + (uint64_t)(at_s * 1000),
				.pressure_full_us = UNKNOWN_U64 };

	apply(m, &r);
}

static inline void cost_and_missed(struct model *m, double at_s, uint64_t events, uint64_t lost,
				   uint64_t rss, uint64_t processes, uint64_t volumes)
{
	struct rec_cost r = { .head = head(REC_COST, sizeof(r), 0, at_s),
			      .events = events,
			      .event_ns = 76250,
			      .tool_cpu_ns = 4200000,
			      .tool_rss_bytes = 5 << 20,
			      .lost_records = lost,
			      .missed_runs = { [MISSED_RSS] = rss,
					       [MISSED_PROCESSES] = processes,
					       [MISSED_VOLUMES] = volumes } };

	apply(m, &r);
}

/* On a kernel that does not count what it skips. */
static inline void cost(struct model *m, double at_s, uint64_t events, uint64_t lost)
{
	cost_and_missed(m, at_s, events, lost, UNKNOWN_U64, UNKNOWN_U64, UNKNOWN_U64);
}

static inline void mode(struct model *m, double at_s, enum watch_mode mode, enum mode_why why,
			uint64_t share_ppm)
{
	struct rec_mode r = { .head = head(REC_MODE, sizeof(r), 0, at_s),
			      .mode = mode,
			      .why = why,
			      .share_ppm = share_ppm,
			      .budget_ppm = 5000 };

	apply(m, &r);
}

static inline void tick(struct model *m, double at_s, struct sink *sink)
{
	struct rec_head r = head(REC_TICK, sizeof(r), 0, at_s);

	apply(m, &r);
	if (sink)
		assert_int_equal(sink->ops->tick(sink, model_snapshot(m)), 0);
}

/* ---- scripts ---------------------------------------------------------------------------------- */

#define HOSTILE "e\033[2Jv\"i,l\n\xff"

/*
 * A training job that was attached to: three processes, one of which the OOM killer takes and one
 * of which has a hostile name; two CPUs that had something outstanding; records were lost.
 */
static inline void train(struct model *m, struct sink *sink)
{
	struct figures python = {
		.pid = 4711,
		.ppid = 1,
		.how = START_ADOPTED,
		.comm = "python3",
		.first = mib(10, 8, 0, 0),
		.now = mib(10, 8, 0, 0),
		.at_peak = mib(10, 8, 0, 0),
		.peak = mib(10, 8, 0, 0),
		.minor = 100,
	};
	struct figures worker = {
		.pid = 4800,
		.ppid = 4711,
		.how = START_FORKED,
		.comm = "python3",
		.first = mib(10, 8, 0, 0),
		.now = mib(500, 9, 64, 0),
		.at_peak = mib(900, 9, 64, 1),
		.peak = mib(900, 9.5, 64, 2),
		.peak_s = 0.14,
		.minor = 230000,
		.major = 3,
		.error_pages = 32,
	};
	struct figures evil = {
		.pid = 4801,
		.ppid = 4711,
		.how = START_FORKED,
		.comm = HOSTILE,
		.first = mib(1, 1, 0, 0),
		.now = mib(1, 1, 0, 0),
		.at_peak = mib(1, 1, 0, 0),
		.peak = mib(1, 1, 0, 0),
		.peak_s = 0.06,
		.minor = 42,
		.major = UNKNOWN_U64,
	};
	struct rec_oom oom = { .head = head(REC_OOM, sizeof(oom), 4800, 0.15),
			       .now = mib(900, 9, 64, 1) };

	start(m, 0, 4711, 1, START_ADOPTED, "python3", mib(10, 8, 0, 0));
	assert_int_equal(model_set_cmdline(m, 4711, 900 * SECOND + 4711, "python3 train.py"), 0);
	reading(m, 0, &python);
	tree(m, 0, mib(10, 8, 0, 0), mib(10, 8, 0, 0), 0, 0, 1, 1, 1);
	machine(m, 0, 12288);
	cost(m, 0, 0, 0);
	tick(m, 0, sink);

	start(m, 0.05, 4800, 4711, START_FORKED, "python3", mib(10, 8, 0, 0));
	start(m, 0.06, 4801, 4711, START_FORKED, HOSTILE, mib(1, 1, 0, 0));
	python.minor = 400;
	reading(m, 0.1, &python);
	reading(m, 0.1, &worker);
	reading(m, 0.1, &evil);
	tree(m, 0.1, mib(511, 18, 64, 0), mib(511, 18, 64, 0), 0.09, 64, 3, 3, 3);
	machine(m, 0.1, 11700);
	cost(m, 0.1, 200000, 0);
	tick(m, 0.1, sink);

	set_comm(oom.comm, "python3");
	apply(m, &oom);
	assert_int_equal(model_set_oom_cgroup(m, 4800, oom.head.ts_ns, "/docker/0123\nabc"), 0);
	worker.now = worker.at_peak;
	worker.flags = READING_ENDED;
	reading(m, 0.16, &worker);
	ended(m, 0.16, 4800, 9);
	evil.flags = READING_ENDED;
	reading(m, 0.17, &evil);
	ended(m, 0.17, 4801, 3 << 8);
	reading(m, 0.2, &python);
	tree(m, 0.2, mib(10, 8, 0, 0), mib(911, 18, 64, 1), 0.14, 64, 3, 1, 3);
	machine(m, 0.2, 12200);
	cost(m, 0.2, 1234567, 17);
	tick(m, 0.2, sink);
}

/* A command that ended before the first interval, on a machine that tells nothing else. */
static inline void small_command(struct model *m, struct sink *sink)
{
	struct figures true_ = {
		.pid = 300,
		.ppid = 299,
		.how = START_COMMAND,
		.comm = "true",
		.first = mib(0.125, 0.5, 0, 0),
		.now = mib(0.25, 1.5, 0, 0),
		.at_peak = mib(0.25, 1.5, 0, 0),
		.peak = mib(0.25, 1.5, 0, 0),
		.peak_s = 0.001,
		.minor = UNKNOWN_U64,
		.major = UNKNOWN_U64,
		.flags = READING_ENDED,
	};

	(void)sink;
	start(m, 0, 300, 299, START_COMMAND, "true", mib(0.125, 0.5, 0, 0));
	reading(m, 0.002, &true_);
	ended(m, 0.002, 300, 0);
	tree(m, 0.002, mib(0, 0, 0, 0), mib(0.25, 1.5, 0, 0), 0.001, 0, 1, 0, 1);
}

/* Everything that may be known: footprint, charge, volumes, a vfork child, a start without figures. */
static inline void everything(struct model *m, struct sink *sink)
{
	struct figures shell = {
		.pid = 70,
		.ppid = 1,
		.how = START_COMMAND,
		.comm = "build.sh",
		.first = mib(1, 2, 0, 0),
		.now = mib(2, 2, 0, 0),
		.at_peak = mib(2, 2, 0, 0),
		.peak = mib(2, 2, 0, 0),
		.peak_s = 1.5,
		.minor = 1000000,
		.major = 12,
	};
	struct rec_charge charge = { .head = head(REC_CHARGE, sizeof(charge), 0, 90),
				     .current_bytes = 300 << 20,
				     .peak_bytes = 512 << 20,
				     .limit_bytes = UNKNOWN_U64,
				     .anon_bytes = 200 << 20,
				     .file_bytes = 90 << 20,
				     .shmem_bytes = 0,
				     .kernel_bytes = UNKNOWN_U64 };
	struct rec_pss pss = { .head = head(REC_PSS, sizeof(pss), 70, 1), .pss_bytes = 3 << 20 };
	struct rec_reading vfork = { .head = head(REC_READING, sizeof(vfork), 71, 90),
				     .ppid = 70,
				     .how = START_FORKED,
				     .flags = READING_NO_MM,
				     .minor_faults = 5,
				     .major_faults = 0,
				     .cpu_ns = 1000,
				     .volume = { { 1, PAGE }, { 0, 0 }, { 2, 2 * PAGE } },
				     .comm = "build.sh" };

	start(m, 0, 70, 1, START_COMMAND, "build.sh", mib(1, 2, 0, 0));
	machine(m, 0, 100);
	apply(m, &pss);
	reading(m, 1, &shell);
	tree(m, 1, mib(1, 2, 0, 0), mib(1, 2, 0, 0), 0, 0, 1, 1, 1);
	tick(m, 1, sink);
	start(m, 80, 71, 70, START_FORKED, "build.sh", mib(0, 0, 0, 0));
	apply(m, &vfork);
	start(m, 85, 72, 70, START_FORKED, "日本語の名前", mib(0.5, 0, 0, 0));
	reading(m, 90, &shell);
	tree(m, 90, mib(2, 2, 0, 0), mib(2, 2, 0, 0), 1.5, 0, 3, 3, 3);
	machine(m, 90, 8192);
	apply(m, &charge);
	cost(m, 90, 12, 0);
	tick(m, 90, sink);
}

/*
 * A process that costs more than the budget allows, and a peak that only the kernel's mark knows of; the
 * kernel skipped runs, but none that makes a process or an end be missing.
 */
static inline void governed(struct model *m, struct sink *sink)
{
	struct figures storm = {
		.pid = 90,
		.ppid = 1,
		.how = START_ADOPTED,
		.comm = "storm",
		.first = mib(1, 1, 0, 0),
		.now = mib(3, 1, 0, 0),
		.at_peak = mib(3, 1, 0, 0),
		.peak = mib(3, 1, 0, 0),
		.peak_s = 0.5,
		.minor = 1000,
		.major = 0,
	};
	struct rec_bpf_time time = { .head = head(REC_BPF_TIME, sizeof(time), 0, 9),
				     .span_ns = 4 * SECOND,
				     .run_ns = SECOND / 100,
				     .runs = 400000 };

	start(m, 0, 90, 1, START_ADOPTED, "storm", mib(1, 1, 0, 0));
	mode(m, 0, MODE_FULL, MODE_STARTED, UNKNOWN_U64);
	reading(m, 1, &storm);
	tree(m, 1, mib(3, 1, 0, 0), mib(3, 1, 0, 0), 0.5, 0, 1, 1, 1);
	tick(m, 1, sink);
	mode(m, 2, MODE_LEAN, MODE_OVER_BUDGET, 17000);
	mode(m, 3.2, MODE_SAMPLE, MODE_OVER_BUDGET, 8250);
	storm.now = mib(2, 1, 0, 0);
	storm.at_peak = mib(20, 0, 0, 0);
	storm.peak_s = 3.9;
	storm.flags = READING_SAMPLED | READING_NO_KINDS;
	storm.error_pages = 186;
	reading(m, 4, &storm);
	tree(m, 4, mib(2, 1, 0, 0), mib(3, 1, 0, 0), 0.5, UNKNOWN_U64, 1, 1, 1);
	cost_and_missed(m, 4, 50000, 0, 5, 0, 0);
	tick(m, 4, sink);
	mode(m, 8.25, MODE_LEAN, MODE_CALM, 0);
	apply(m, &time);
	cost_and_missed(m, 9, 100000, 0, 379, 0, 12);
	tick(m, 10, sink);
}

/* Two processes on a kernel that skips runs: no record was lost, but the peak of both has no bound. */
static inline void skipped(struct model *m, struct sink *sink)
{
	struct figures shell = {
		.pid = 80,
		.ppid = 1,
		.how = START_ADOPTED,
		.comm = "sh",
		.first = mib(1, 1, 0, 0),
		.now = mib(1, 1, 0, 0),
		.at_peak = mib(1, 1, 0, 0),
		.peak = mib(1, 1, 0, 0),
		.error_pages = 64,
	};
	struct figures child = shell;

	child.pid = 81;
	child.ppid = 80;
	child.comm = "child";
	for (unsigned int i = 0; i < 4; i++) {
		/* the same as before at the last look */
		static const uint64_t rss[] = { 0, 5, 379, 379 }, processes[] = { 0, 1, 3, 3 };

		reading(m, i, &shell);
		reading(m, i, &child);
		tree(m, i, mib(2, 2, 0, 0), mib(2, 2, 0, 0), 0, i ? UNKNOWN_U64 : 0, 2, 2, 2);
		cost_and_missed(m, i, 1000, 0, rss[i], processes[i], i / 3);
		tick(m, i, sink);
	}
}

typedef void script_fn(struct model *m, struct sink *sink);

/* ---- runs -------------------------------------------------------------------------------------- */

static char *const build_command[] = { "./build.sh", "-j4", "na\xc3\xafve\xff", NULL };
static char *const true_command[] = { "true", NULL };
static const struct feature_state features[] = {
	{ "rss_stat", "on", NULL },
	{ "vma", "off", "no cheap hook here; --vma collects mmap, munmap and brk at a cost" },
};

static inline struct run train_run(void)
{
	return (struct run){ .version = "0.1.0",
			     .kernel_release = "6.1.0-18-amd64",
			     .started = "2026-11-21T04:36:00+00:00",
			     .target = "pid 4711 (python3) and its children",
			     .features = features,
			     .n_features = 2,
			     .max_processes = 1000,
			     .interval_s = 0.1,
			     .ended_by = "interrupted" };
}

static inline struct run true_run(void)
{
	struct run run = train_run();

	run.command = true_command;
	run.target = "true";
	run.has_exit = true;
	run.wait_status = 0;
	run.ended_by = "the command ended";
	return run;
}

static inline struct run build_run(void)
{
	struct run run = train_run();

	run.command = build_command;
	run.target = "./build.sh -j4";
	run.has_exit = true;
	run.wait_status = 7 << 8;
	run.ended_by = "the command ended";
	run.fail_if = "peak.rss>2MiB";
	return run;
}

#endif

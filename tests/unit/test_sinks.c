/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sinks against golden files: a scripted stream of records goes through the model, and what each
 * sink writes of it is compared byte by byte. UPDATE_GOLDEN=1 rewrites the files; look at every
 * difference before it is committed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "sinks/sink.h"
#include "sinks/show.h"

#define PAGE 4096
#define MIB_PAGES 256
#define SECOND 1000000000ULL
#define BEGIN (1000 * SECOND) /* the machine's uptime when the watch begins */

/* ---- records ---------------------------------------------------------------------------------- */

static struct rec_head head(enum rec_type type, size_t size, uint32_t pid, double at_s)
{
	return (struct rec_head){
		.type = (uint16_t)type,
		.size = (uint16_t)size,
		.pid = pid,
		.ts_ns = BEGIN + (uint64_t)(at_s * 1e9 + 0.5),
		.start_ns = pid ? 900 * SECOND + pid : 0,
	};
}

static void apply(struct model *m, const void *rec)
{
	const struct rec_head *h = rec;

	assert_int_equal(model_apply(m, h, h->size), 0);
}

static struct mem_pages mib(double anon, double file, double shmem, double swap)
{
	struct mem_pages p;

	p.kind[MEM_ANON] = (int64_t)(anon * MIB_PAGES);
	p.kind[MEM_FILE] = (int64_t)(file * MIB_PAGES);
	p.kind[MEM_SHMEM] = (int64_t)(shmem * MIB_PAGES);
	p.kind[MEM_SWAP] = (int64_t)(swap * MIB_PAGES);
	return p;
}

static void set_comm(char *dst, const char *comm)
{
	strncpy(dst, comm, COMM_LEN - 1);
	dst[COMM_LEN - 1] = '\0';
}

static void start(struct model *m, double at_s, uint32_t pid, uint32_t ppid, enum start_how how,
		  const char *comm, struct mem_pages now)
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

static void reading(struct model *m, double at_s, const struct figures *f)
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
		.events = 1000,
	};

	for (int i = 0; i < VM_CALLS; i++)
		r.volume[i].calls = UNKNOWN_U64;
	set_comm(r.comm, f->comm);
	apply(m, &r);
}

static void ended(struct model *m, double at_s, uint32_t pid, int wait_status)
{
	struct rec_exit r = { .head = head(REC_EXIT, sizeof(r), pid, at_s),
			      .wait_status = wait_status };

	apply(m, &r);
}

static void tree(struct model *m, double at_s, struct mem_pages now, struct mem_pages at_peak,
		 double peak_s, uint64_t error_pages, uint64_t seen, uint64_t live, uint64_t most)
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

static void machine(struct model *m, double at_s, uint64_t available_mib)
{
	struct rec_system r = { .head = head(REC_SYSTEM, sizeof(r), 0, at_s),
				.total_bytes = 16384ULL << 20,
				.available_bytes = available_mib << 20,
				.pressure_some_us = 5000000 + (uint64_t)(at_s * 1000),
				.pressure_full_us = UNKNOWN_U64 };

	apply(m, &r);
}

static void cost(struct model *m, double at_s, uint64_t events, uint64_t lost)
{
	struct rec_cost r = { .head = head(REC_COST, sizeof(r), 0, at_s),
			      .events = events,
			      .event_ns = 76250,
			      .tool_cpu_ns = 4200000,
			      .tool_rss_bytes = 5 << 20,
			      .lost_records = lost };

	apply(m, &r);
}

static void tick(struct model *m, double at_s, struct sink *sink)
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
static void train(struct model *m, struct sink *sink)
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
static void small_command(struct model *m, struct sink *sink)
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
static void everything(struct model *m, struct sink *sink)
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

typedef void script_fn(struct model *m, struct sink *sink);

/* ---- golden files ----------------------------------------------------------------------------- */

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t len = 0;
	FILE *to;
	int c;

	if (!f)
		return NULL;
	to = open_memstream(&text, &len);
	assert_non_null(to);
	while ((c = fgetc(f)) != EOF)
		fputc(c, to);
	fclose(to);
	fclose(f);
	return text;
}

/* What a sink writes of a script; free() it. */
static char *output(struct sink *(*create)(const struct run *run, FILE *out), const struct run *run,
		    script_fn *script)
{
	struct model *m = model_create(PAGE, 1000);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink;

	assert_non_null(m);
	assert_non_null(out);
	sink = create(run, out);
	assert_non_null(sink);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
	fclose(out);
	return text;
}

static void check(const char *name, struct sink *(*create)(const struct run *run, FILE *out),
		  const struct run *run, script_fn *script)
{
	char *is = output(create, run, script), *should;
	char path[128];

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN")) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(is, f);
		assert_int_equal(fclose(f), 0);
	}
	should = slurp(path);
	if (!should)
		fail_msg("no %s: UPDATE_GOLDEN=1 writes it", path);
	if (strcmp(is, should))
		print_error("%s differs; this is what was written:\n%s", path, is);
	assert_string_equal(is, should);
	free(should);
	free(is);
}

static char *const build_command[] = { "./build.sh", "-j4", "na\xc3\xafve\xff", NULL };
static char *const true_command[] = { "true", NULL };
static const struct feature_state features[] = {
	{ "rss_stat", "on", NULL },
	{ "vma", "off", "no cheap hook here; --vma collects mmap, munmap and brk at a cost" },
};

static struct run train_run(void)
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

static struct run true_run(void)
{
	struct run run = train_run();

	run.command = true_command;
	run.target = "true";
	run.has_exit = true;
	run.wait_status = 0;
	run.ended_by = "the command ended";
	return run;
}

static struct run build_run(void)
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

static void test_lines(void **state)
{
	struct run run = train_run();

	(void)state;
	check("lines-train.txt", lines_create, &run, train);
	run.unit = unit_find("B");
	run.from_zero = true;
	check("lines-from-zero.txt", lines_create, &run, train);
	run = true_run();
	check("lines-true.txt", lines_create, &run, small_command);
}

/* awk must be able to rely on it. */
static void test_lines_have_one_number_of_columns(void **state)
{
	struct run run = train_run();
	char *text = output(lines_create, &run, train), *at = text, *line;
	int lines = 0;

	(void)state;
	while ((line = strsep(&at, "\n"))) {
		int columns = 0;

		if (!*line || *line == '#')
			continue;
		lines++;
		for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
			columns++;
		assert_int_equal(columns, 12);
	}
	assert_int_equal(lines, 3);
	free(text);
}

static void test_csv(void **state)
{
	struct run run = train_run();

	(void)state;
	check("timeline-train.csv", csv_create, &run, train);
	run = true_run();
	check("timeline-true.csv", csv_create, &run, small_command);
	run = build_run();
	run.from_zero = true;
	check("timeline-from-zero.csv", csv_create, &run, everything);
}

static void test_json(void **state)
{
	struct run run = train_run();

	(void)state;
	check("summary-train.json", json_create, &run, train);
	run.max_processes = 1;
	check("summary-omitted.json", json_create, &run, train);
	run = true_run();
	check("summary-true.json", json_create, &run, small_command);
	run = build_run();
	check("summary-everything.json", json_create, &run, everything);
}

/* What the schema promises, whatever the golden files say. */
static void test_json_holds_the_schema(void **state)
{
	static const char *const members[] = { "schema",
					       "version",
					       "started",
					       "duration_s",
					       "kernel",
					       "command",
					       "exit",
					       "target",
					       "processes",
					       "system",
					       "processes_omitted",
					       "shm",
					       "oom",
					       "overhead" };
	struct run run = train_run();
	char *text = output(json_create, &run, train);
	json_t *root = json_loads(text, 0, NULL), *process;

	(void)state;
	assert_non_null(root);
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_non_null(json_object_get(root, members[i]));
	process = json_array_get(json_object_get(root, "processes"), 0);
	/* the largest peak first, though it has ended */
	assert_int_equal(json_integer_value(json_object_get(process, "pid")), 4800);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(process, "exit"), "signal")), 9);
	assert_true(json_is_null(json_object_get(json_object_get(process, "exit"), "code")));
	assert_true(json_is_null(json_object_get(root, "command")));
	json_decref(root);
	free(text);
}

static void test_summary(void **state)
{
	struct run run = train_run();

	(void)state;
	check("summary-train.txt", summary_create, &run, train);
	run.color = true;
	run.unit = unit_find("KiB");
	check("summary-color.txt", summary_create, &run, train);
	run = true_run();
	check("summary-true.txt", summary_create, &run, small_command);
	run = build_run();
	check("summary-everything.txt", summary_create, &run, everything);
}

static void no_records(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

static void test_nothing_was_read(void **state)
{
	struct run run = train_run();

	(void)state;
	check("nothing.txt", summary_create, &run, no_records);
	check("nothing.json", json_create, &run, no_records);
	check("nothing.csv", csv_create, &run, no_records);
	check("nothing-lines.txt", lines_create, &run, no_records);
}

/* ---- failures --------------------------------------------------------------------------------- */

static void test_a_full_device_is_told(void **state)
{
	static struct sink *(*const creators[])(const struct run *run,
						FILE *out) = { lines_create, csv_create,
							       json_create, summary_create };
	struct run run = train_run();

	(void)state;
	for (size_t i = 0; i < sizeof(creators) / sizeof(creators[0]); i++) {
		FILE *full = fopen("/dev/full", "w");
		struct model *m = model_create(PAGE, 10);
		struct sink *sink;

		assert_non_null(full);
		sink = creators[i](&run, full);
		assert_non_null(sink);
		train(m, NULL);
		assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), -ENOSPC);
		sink->ops->destroy(sink);
		model_destroy(m);
		fclose(full);
	}
}

/* ---- text ------------------------------------------------------------------------------------- */

static void test_text(void **state)
{
	char text[SHOW_LEN], name[64];
	int used;

	(void)state;
	assert_string_equal(show_count(text, 0), "0");
	assert_string_equal(show_count(text, 999), "999");
	assert_string_equal(show_count(text, 1234567), "1,234,567");
	assert_string_equal(show_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(show_duration(text, 0.0016), "0.002 s");
	assert_string_equal(show_duration(text, 61.9), "1 min 01 s");
	assert_string_equal(show_duration(text, 3661), "1 h 01 min");
	assert_string_equal(show_duration(text, 90000), "1 d 01 h");
	assert_string_equal(show_value(text, (struct field_value){ .known = true, .real = 1e-6 },
				       FIELD_RATIO, NULL),
			    "<0.01 %");
	assert_string_equal(
		show_value(text, (struct field_value){ .known = true }, FIELD_RATIO, NULL),
		"0.00 %");
	assert_string_equal(show_exit(text, 7 << 8), "exit 7");
	assert_string_equal(show_exit(text, 11), "SIGSEGV");
	assert_string_equal(show_exit(text, 40), "signal 40");
	assert_string_equal(show_name(name, sizeof(name), ""), "?");
	assert_string_equal(show_name(name, sizeof(name), "日本"), "日本");
	assert_int_equal(show_columns("日本"), 4);
	assert_int_equal(show_clip("日本", 3, &used), 3);
	assert_int_equal(used, 2);
}

static void test_ascii_where_the_locale_has_no_more(void **state)
{
	char name[64];

	(void)state;
	setlocale(LC_CTYPE, "C");
	assert_string_equal(show_name(name, sizeof(name), "n\xc3\xaf"), "n\\xc3\\xaf");
	/* cut between escapes */
	assert_string_equal(show_name(name, 6, "n\xc3\xaf"), "n\\xc3");
	setlocale(LC_CTYPE, "C.UTF-8");
}

/* ---- the live screen -------------------------------------------------------------------------- */

static void set_size(int fd, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
}

/* Throws away what the screen wrote, so that it never blocks; returns whether `text` was in it. */
static bool drain(int master, const char *text)
{
	static char all[1 << 20];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(all) - 1 && (n = read(master, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	all[len] = '\0';
	return text && memmem(all, len, text, strlen(text));
}

static void key(int master, const char *text)
{
	assert_int_equal(write(master, text, strlen(text)), strlen(text));
}

static void live_in(const char *locale, const char *terminal, bool color)
{
	static const char *const keys[] = { "u",      "uuuuuuu", "r", "<", ">",    ">>>>>>>>>>>>",
					    "e",      "c",       "?", "?", "p",    "j",
					    "\033[B", "G",       "g", "k", "\x0c", "p",
					    "M",      "N",       "C" };
	struct model *m = model_create(PAGE, 100);
	struct run run = train_run();
	const struct snapshot *s;
	struct termios before, after;
	struct sink *live;
	int master, tty;

	assert_non_null(setlocale(LC_CTYPE, locale));
	setenv("TERM", terminal, 1);
	run.color = color;
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	set_size(tty, 24, 80);
	assert_int_equal(tcgetattr(tty, &before), 0);
	assert_int_equal(live_create(&run, tty, &live), 0);
	train(m, live);
	s = model_snapshot(m);
	assert_true(drain(master, "memmon-bpf: pid 4711"));

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		key(master, keys[i]);
		assert_int_equal(live_input(live, s), 0);
		drain(master, NULL);
	}
	for (unsigned short rows = 1; rows <= 60; rows += rows < 12 ? 1 : 16) {
		for (unsigned short columns = 1; columns <= 300; columns += columns / 4 + 1) {
			set_size(tty, rows, columns);
			assert_int_equal(live_input(live, s), 0);
			drain(master, NULL);
		}
	}
	set_size(tty, 4, 39);
	assert_int_equal(live_input(live, s), 0);
	assert_true(drain(master, "too small: 39x4, needs 40x8"));
	key(master, "q");
	assert_int_equal(live_input(live, s), 1);
	assert_int_equal(live->ops->finish(live, s), 0);
	live->ops->destroy(live);
	assert_int_equal(tcgetattr(tty, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(after.c_iflag, before.c_iflag);
	assert_int_equal(after.c_oflag, before.c_oflag);
	close(tty);
	close(master);
	model_destroy(m);
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void test_live(void **state)
{
	(void)state;
	live_in("C.UTF-8", "xterm-256color", true);
	live_in("C", "vt100", true);
	live_in("C.UTF-8", "linux", false);
}

/* The screen never shows a hostile name as it is. */
static void test_live_escapes(void **state)
{
	struct model *m = model_create(PAGE, 100);
	struct run run = train_run();
	struct sink *live;
	int master, tty;

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	set_size(tty, 40, 120);
	assert_int_equal(live_create(&run, tty, &live), 0);
	drain(master, NULL);
	train(m, NULL);
	assert_int_equal(live->ops->tick(live, model_snapshot(m)), 0);
	assert_true(drain(master, "e\\x1b[2Jv\"i,l\\n\\xff"));
	live->ops->destroy(live);
	close(tty);
	close(master);
	model_destroy(m);
}

static void test_live_refuses(void **state)
{
	struct run run = train_run();
	struct sink *live = NULL;
	int fd = open("/dev/null", O_RDWR), master, tty;

	(void)state;
	assert_int_equal(live_create(&run, fd, &live), -ENOTTY);
	close(fd);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	setenv("TERM", "no-such-terminal", 1);
	assert_int_equal(live_create(&run, tty, &live), -ENOTSUP);
	setenv("TERM", "dumb", 1);
	assert_int_equal(live_create(&run, tty, &live), -ENOTSUP);
	assert_null(live);
	close(tty);
	close(master);
}

/* A terminal that went away ends the screen instead of being readable for ever. */
static void test_live_hangup(void **state)
{
	struct model *m = model_create(PAGE, 100);
	struct run run = train_run();
	struct sink *live;
	int master, tty;

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(live_create(&run, tty, &live), 0);
	train(m, NULL);
	close(master);
	assert_int_equal(live_input(live, model_snapshot(m)), -EIO);
	live->ops->destroy(live);
	close(tty);
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_have_one_number_of_columns),
		cmocka_unit_test(test_csv),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_holds_the_schema),
		cmocka_unit_test(test_summary),
		cmocka_unit_test(test_nothing_was_read),
		cmocka_unit_test(test_a_full_device_is_told),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_ascii_where_the_locale_has_no_more),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_live_escapes),
		cmocka_unit_test(test_live_refuses),
		cmocka_unit_test(test_live_hangup),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

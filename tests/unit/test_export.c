/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is made of a recording: scripted streams of records are recorded, read again and written as the
 * timeline, as a trace and by the sinks. Golden files for a person to look at (UPDATE_GOLDEN=1 rewrites
 * them), and the rules of the trace format, whatever they hold.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#ifdef WITHOUT_SQLITE

#include <errno.h>

#include "recording/recording.h"

static void test_without_recordings(void **state)
{
	struct recording *r;
	char why[256];

	(void)state;
	assert_int_equal(recording_open("/dev/null", &r, why, sizeof(why)), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_without_recordings) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"
#include "recording/recorder.h"
#include "report/export.h"
#include "report/timeline.h"
#include "scripts.h"

/* ---- recordings ------------------------------------------------------------------------------- */

struct recorded {
	char path[64];
	struct run run;
	struct recording *r;
	const struct snapshot *s;
};

static void record(struct recorded *rec, const struct run *run, script_fn *script)
{
	struct recorder_config config = { .path = rec->path, .max_bytes = RECORDER_MIN_BYTES };
	struct model *m = model_create(PAGE, 1000);
	struct recorder_file *file;
	struct sink *sink;
	char why[256] = "";
	int fd;

	strcpy(rec->path, "/tmp/memmon-export-XXXXXX");
	fd = mkstemp(rec->path);
	assert_true(fd >= 0);
	close(fd);
	rec->run = *run;
	if (recorder_open(&config, &file, why, sizeof(why)))
		fail_msg("%s", why);
	sink = recorder_create(&rec->run, file);
	assert_non_null(sink);
	assert_non_null(m);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
	if (recording_open(rec->path, &rec->r, why, sizeof(why)))
		fail_msg("%s", why);
	if (recording_snapshot(rec->r, &rec->s, why, sizeof(why)))
		fail_msg("%s", why);
}

static void forget(struct recorded *rec)
{
	recording_close(rec->r);
	unlink(rec->path);
}

typedef int write_fn(struct recording *r, const struct run *run, FILE *out);

static char *written(const struct recorded *rec, write_fn *write)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(write(rec->r, recording_run(rec->r), out), 0);
	fclose(out);
	return text;
}

/* Takes the text. */
static void check(const char *name, char *is)
{
	char path[128];

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	check_golden(path, is);
	free(is);
}

static void no_records(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

/* A pid that is used again, a name that is one of its arguments, and a wall that was hit. */
static void reused(struct model *m, struct sink *sink)
{
	struct {
		struct rec_shm_mount r;
		char texts[sizeof("/dev/shm\0\0\0")];
	} mount = { .r = { .head = head(REC_SHM_MOUNT, sizeof(mount), 0, 0),
			   .dev = SHM_DEV(0, 52),
			   .flags = SHM_MOUNT_DEV_SHM | SHM_MOUNT_TARGET | SHM_MOUNT_TRACED,
			   .limit_bytes = 64 << 20,
			   .used_bytes = 1 << 20,
			   .limit_inodes = 100,
			   .used_inodes = 2,
			   .peak_bytes = 1 << 20,
			   .peak_ns = BEGIN },
		    .texts = "/dev/shm\0\0\0" };
	struct rec_shm_full full = { .head = head(REC_SHM_FULL, sizeof(full), 50, 0.4),
				     .dev = SHM_DEV(0, 52),
				     .how = SHM_FULL_WRITE,
				     .error = 28,
				     .wanted_bytes = 1 << 20,
				     .limit_bytes = 64 << 20,
				     .used_bytes = 64 << 20,
				     .tid = 50,
				     .comm = "\033[2J",
				     .name = "data\"\n" };
	struct figures first = { .pid = 50,
				 .ppid = 1,
				 .how = START_FORKED,
				 .comm = "\033[2J",
				 .first = mib(1, 0, 0, 0),
				 .now = mib(1, 0, 0, 0),
				 .at_peak = mib(3, 0, 0, 0),
				 .peak = mib(3, 0, 0, 0),
				 .peak_s = 0.15 };
	struct rec_head survey = head(REC_SHM_SURVEY, sizeof(survey), 0, 0);

	start(m, 0, 50, 1, START_ADOPTED, "\033[2J", mib(1, 0, 0, 0));
	reading(m, 0.1, &first);
	tree(m, 0.1, mib(1, 0, 0, 0), mib(3, 0, 0, 0), 0.05, 0, 1, 1, 1);
	machine(m, 0.1, 100);
	survey.start_ns = BEGIN;
	apply(m, &mount);
	survey.ts_ns = mount.r.head.ts_ns = BEGIN + SECOND / 10;
	apply(m, &survey);
	tick(m, 0.1, sink);
	ended(m, 0.15, 50, 9);
	machine(m, 0.2, 90);
	tick(m, 0.2, sink);
	/* as start() with another identity */
	{
		struct rec_start r = { .head = head(REC_START, sizeof(r), 50, 0.25),
				       .ppid = 1,
				       .how = START_FORKED,
				       .now = mib(2, 0, 0, 0),
				       .comm = "again" };
		struct rec_reading again = { .head = head(REC_READING, sizeof(again), 50, 0.3),
					     .ppid = 1,
					     .how = START_FORKED,
					     .first = mib(2, 0, 0, 0),
					     .now = mib(2, 0, 0, 0),
					     .at_peak = mib(2, 0, 0, 0),
					     .peak = mib(2, 0, 0, 0),
					     .peak_ns = BEGIN + SECOND / 4,
					     .comm = "again" };

		r.head.start_ns = again.head.start_ns = BEGIN + SECOND / 4;
		apply(m, &r);
		apply(m, &again);
	}
	tree(m, 0.3, mib(2, 0, 0, 0), mib(3, 0, 0, 0), 0.05, 0, 2, 1, 1);
	tick(m, 0.3, sink);
	apply(m, &full);
	mount.r.head.ts_ns = BEGIN + SECOND / 2;
	mount.r.used_bytes = mount.r.peak_bytes = 64 << 20;
	mount.r.peak_ns = BEGIN + SECOND * 4 / 10;
	apply(m, &mount);
	tick(m, 0.5, sink);
}

static const struct {
	const char *name;
	struct run (*run)(void);
	script_fn *script;
} scripts[] = {
	{ "train", train_run, train },           { "small_command", true_run, small_command },
	{ "everything", build_run, everything }, { "governed", train_run, governed },
	{ "reused", train_run, reused },         { "no_records", train_run, no_records },
};
#define N_SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

/* ---- the timeline ----------------------------------------------------------------------------- */

static void test_timeline(void **state)
{
	struct recorded rec;

	(void)state;
	for (size_t i = 0; i < N_SCRIPTS; i++) {
		struct run run = scripts[i].run();
		char name[64];

		record(&rec, &run, scripts[i].script);
		snprintf(name, sizeof(name), "report-%s.csv", scripts[i].name);
		check(name, written(&rec, timeline_csv_write));
		forget(&rec);
	}
}

/* Moments are in order, each process lives in its own time, and peaks only rise. */
static void test_snapshots_of_the_timeline(void **state)
{
	struct recorded rec;
	struct timeline *t;
	const struct snapshot *s;
	struct run run = train_run();
	uint64_t before = 0, peak = 0;
	int n = 0, err;

	(void)state;
	record(&rec, &run, reused);
	assert_int_equal(timeline_open(rec.r, rec.s, &t), 0);
	while ((err = timeline_next(t, &s)) == 1) {
		n++;
		assert_true(s->now_ns > before || n == 1);
		before = s->now_ns;
		assert_true(rss_pages(&s->tree.at_peak) >= peak);
		peak = rss_pages(&s->tree.at_peak);
		for (size_t i = 0; i < s->n_live; i++)
			assert_true(s->processes[i]->watched_ns <= s->now_ns);
		/* 0.1: the first; 0.2: nobody; 0.3: the second */
		if (n == 1 || n == 3) {
			assert_int_equal(s->n_live, 1);
			assert_string_equal(s->processes[0]->comm, n == 1 ? "\033[2J" : "again");
		} else {
			assert_int_equal(s->n_live, n == 2 ? 0 : 1);
		}
	}
	assert_int_equal(err, 0);
	assert_true(n >= 3);
	assert_int_equal(peak, 3 * MIB_PAGES);
	timeline_close(t);
	forget(&rec);
}

static char *of_the_sink(struct sink *(*create)(const struct run *run, FILE *out),
			 const struct run *run, const struct snapshot *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink = create(run, out);

	assert_non_null(sink);
	assert_int_equal(sink->ops->finish(sink, s), 0);
	sink->ops->destroy(sink);
	fclose(out);
	return text;
}

/* The summary, its JSON and the metrics of a recording are those of the watch. */
static void test_sinks_show_the_same(void **state)
{
	static struct sink *(*const creators[])(const struct run *run,
						FILE *out) = { summary_create, json_create,
							       openmetrics_create };

	(void)state;
	for (size_t i = 0; i < N_SCRIPTS; i++) {
		struct run run = scripts[i].run();
		struct model *m = model_create(PAGE, 1000);
		struct recorded rec;

		record(&rec, &run, scripts[i].script);
		scripts[i].script(m, NULL);
		for (size_t j = 0; j < 3; j++) {
			char *live = of_the_sink(creators[j], &run, model_snapshot(m));
			char *later = of_the_sink(creators[j], recording_run(rec.r), rec.s);

			if (strcmp(live, later))
				print_error("%s:\n%s\nlater:\n%s", scripts[i].name, live, later);
			assert_string_equal(live, later);
			free(live);
			free(later);
		}
		model_destroy(m);
		forget(&rec);
	}
}

/* ---- the trace -------------------------------------------------------------------------------- */

static void test_trace(void **state)
{
	struct recorded rec;

	(void)state;
	for (size_t i = 0; i < N_SCRIPTS; i++) {
		struct run run = scripts[i].run();
		char name[64];

		record(&rec, &run, scripts[i].script);
		snprintf(name, sizeof(name), "trace-%s.json", scripts[i].name);
		check(name, written(&rec, perfetto_write));
		forget(&rec);
	}
}

static const char *text_of(json_t *event, const char *member)
{
	const char *text = json_string_value(json_object_get(event, member));

	assert_non_null(text);
	return text;
}

/* An event as the format wants it; *last is the time of the one before. */
static void check_event(json_t *event, double *last)
{
	const char *ph = text_of(event, "ph"), *key;
	json_t *args = json_object_get(event, "args"), *value;
	double ts = json_number_value(json_object_get(event, "ts"));

	assert_true(*text_of(event, "name"));
	assert_true(json_is_number(json_object_get(event, "ts")) && ts >= 0);
	assert_true(json_is_integer(json_object_get(event, "pid")));
	assert_true(json_is_integer(json_object_get(event, "tid")));
	assert_true(json_integer_value(json_object_get(event, "pid")) <= INT32_MAX);
	assert_true(json_is_object(args));
	assert_int_equal(strlen(ph), 1);
	switch (*ph) {
	case 'M':
		assert_int_equal(json_object_size(args), 1);
		return;
	case 'C':
		assert_true(json_object_size(args) > 0);
		json_object_foreach(args, key, value) {
			assert_true(json_is_integer(value));
		}
		break;
	case 'i':
		assert_true(strchr("gp", *text_of(event, "s")) != NULL);
		break;
	default:
		fail_msg("unexpected ph '%s'", ph);
	}
	assert_true(ts >= *last);
	*last = ts;
}

/* Every track has a name, and only one. */
static void check_names(json_t *events)
{
	json_t *names = json_object(), *event;
	char pid[32];
	size_t i;

	json_array_foreach(events, i, event) {
		snprintf(pid, sizeof(pid), "%lld",
			 (long long)json_integer_value(json_object_get(event, "pid")));
		if (!strcmp(text_of(event, "name"), "process_name")) {
			assert_null(json_object_get(names, pid));
			json_object_set_new(names, pid, json_true());
		}
		assert_non_null(json_object_get(names, pid));
	}
	json_decref(names);
}

static json_t *trace_of(const struct recorded *rec)
{
	char *text = written(rec, perfetto_write);
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	assert_non_null(root);
	assert_null(strchr(text, '\033'));
	free(text);
	return root;
}

static void test_the_trace_is_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SCRIPTS; i++) {
		struct run run = scripts[i].run();
		double last = 0;
		struct recorded rec;
		json_t *root, *events, *event;
		size_t j;

		record(&rec, &run, scripts[i].script);
		root = trace_of(&rec);
		events = json_object_get(root, "traceEvents");
		assert_true(json_array_size(events) > 0);
		json_array_foreach(events, j, event) {
			check_event(event, &last);
		}
		check_names(events);
		json_decref(root);
		forget(&rec);
	}
}

/* The largest value of a member of a counter. */
static int64_t most(json_t *events, int64_t pid, const char *name, const char *member)
{
	int64_t largest = -1;
	json_t *event;
	size_t i;

	json_array_foreach(events, i, event) {
		json_t *value = json_object_get(json_object_get(event, "args"), member);

		if (json_integer_value(json_object_get(event, "pid")) == pid &&
		    !strcmp(text_of(event, "name"), name) && json_integer_value(value) > largest)
			largest = json_integer_value(value);
	}
	return largest;
}

static void test_peaks_are_in_the_trace(void **state)
{
	struct run run = train_run();
	struct recorded rec;
	json_t *root, *events;

	(void)state;
	record(&rec, &run, reused);
	root = trace_of(&rec);
	events = json_object_get(root, "traceEvents");
	assert_int_equal(most(events, 50, "RSS", "total"), 3 << 20);
	assert_int_equal(most(events, 50, "RSS", "anon"), 3 << 20);
	/* the other one of that pid is another track */
	assert_int_equal(most(events, 10000050, "RSS", "total"), 2 << 20);
	assert_int_equal(most(events, 2000000001, "RSS", "total"), 3 << 20);
	assert_int_equal(most(events, 2000000010, "shm", "used"), 64 << 20);
	assert_int_equal(most(events, 2000000010, "shm", "limit"), 64 << 20);
	json_decref(root);
	forget(&rec);
}

static void test_a_full_device_is_told(void **state)
{
	static write_fn *const writers[] = { timeline_csv_write, perfetto_write };
	struct run run = train_run();
	struct recorded rec;

	(void)state;
	record(&rec, &run, train);
	for (size_t i = 0; i < 2; i++) {
		FILE *full = fopen("/dev/full", "w");

		assert_non_null(full);
		assert_int_equal(writers[i](rec.r, recording_run(rec.r), full), -ENOSPC);
		fclose(full);
	}
	forget(&rec);
}

/* A small generator of our own: the same damage on every machine. */
static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Overwrites bytes behind SQLite's header, which alone says that it is a database. */
static void damage(char *bytes, size_t size, uint32_t seed)
{
	static const int amounts[] = { 1, 3, 20, 400 };
	uint32_t random = seed * 2654435761U + 1;

	for (int i = 0; i < amounts[seed % 4]; i++) {
		size_t at = 100 + next_random(&random) % (size - 100);

		bytes[at] = (char)next_random(&random);
	}
}

static size_t read_file(const char *path, char **bytes)
{
	FILE *f = fopen(path, "r");
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size > 4096);
	rewind(f);
	*bytes = malloc((size_t)size);
	assert_non_null(*bytes);
	assert_int_equal(fread(*bytes, 1, (size_t)size, f), size);
	fclose(f);
	return (size_t)size;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* False where it is refused. */
static bool show_damaged(struct recorded *rec, FILE *out)
{
	static write_fn *const writers[] = { timeline_csv_write, perfetto_write };
	static struct sink *(*const creators[])(const struct run *run,
						FILE *out) = { summary_create, json_create,
							       openmetrics_create };
	char why[256] = "";

	if (recording_open(rec->path, &rec->r, why, sizeof(why)) ||
	    recording_snapshot(rec->r, &rec->s, why, sizeof(why))) {
		assert_true(*why);
		return false;
	}
	for (size_t i = 0; i < 2; i++) {
		int err = writers[i](rec->r, recording_run(rec->r), out);

		assert_true(err == 0 || err == -EINVAL);
	}
	for (size_t i = 0; i < 3; i++) {
		struct sink *sink = creators[i](recording_run(rec->r), out);

		assert_non_null(sink);
		assert_int_equal(sink->ops->finish(sink, rec->s), 0);
		sink->ops->destroy(sink);
	}
	return true;
}

/* Whatever a file says, it is refused or shown. */
static void test_damaged_recordings(void **state)
{
	int shown = 0, refused = 0;
	FILE *out = fopen("/dev/null", "w");

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < N_SCRIPTS; i++) {
		struct run run = scripts[i].run();
		struct recorded rec;
		char *whole;
		size_t size;

		record(&rec, &run, scripts[i].script);
		recording_close(rec.r);
		size = read_file(rec.path, &whole);
		for (uint32_t seed = 1; seed <= 80; seed++) {
			char *bytes = malloc(size);

			assert_non_null(bytes);
			memcpy(bytes, whole, size);
			damage(bytes, size, seed);
			write_file(rec.path, bytes, size);
			free(bytes);
			rec.r = NULL;
			if (show_damaged(&rec, out))
				shown++;
			else
				refused++;
			recording_close(rec.r);
		}
		free(whole);
		unlink(rec.path);
	}
	fclose(out);
	assert_true(shown > 20 && refused > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeline),
		cmocka_unit_test(test_snapshots_of_the_timeline),
		cmocka_unit_test(test_sinks_show_the_same),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_the_trace_is_one),
		cmocka_unit_test(test_peaks_are_in_the_trace),
		cmocka_unit_test(test_a_full_device_is_told),
		cmocka_unit_test(test_damaged_recordings),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif

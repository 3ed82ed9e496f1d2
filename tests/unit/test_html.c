/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTML report as bytes: what is embedded decodes to what was recorded, and no name gets out of its
 * place. What a browser makes of it is the matter of tests/html/check.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#ifdef WITHOUT_SQLITE

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

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "recording/recorder.h"
#include "recording/recording.h"
#include "report/chart_load.h"
#include "report/html.h"
#include "scripts.h"
#undef PAGE
#include "records.h"

#define MIB 1048576.0

/* ---- a page of a script ----------------------------------------------------------------------- */

struct page {
	char path[64];
	struct recording *recording;
	char *text;
	size_t len;
	json_t *facts;
};

static void record(const char *path, struct run run, script_fn *script)
{
	struct recorder_config config = { .path = path,
					  .max_bytes = RECORDER_MIN_BYTES,
					  .now_ns = (int64_t)BEGIN };
	struct model *m = model_create(PAGE, 1000);
	struct recorder_file *file;
	struct sink *sink;
	char why[256];

	assert_non_null(m);
	assert_int_equal(recorder_open(&config, &file, why, sizeof(why)), 0);
	sink = recorder_create(&run, file);
	assert_non_null(sink);
	script(m, sink);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
}

static void open_page(struct page *p, struct run run, script_fn *script)
{
	char why[256];
	FILE *out;
	int fd;

	strcpy(p->path, "/tmp/memmon-html-XXXXXX");
	fd = mkstemp(p->path);
	assert_true(fd >= 0);
	close(fd);
	record(p->path, run, script);
	assert_int_equal(recording_open(p->path, &p->recording, why, sizeof(why)), 0);
	out = open_memstream(&p->text, &p->len);
	assert_non_null(out);
	assert_int_equal(html_write(p->recording, recording_run(p->recording), out), 0);
	assert_int_equal(fclose(out), 0);
	p->facts = NULL;
}

static void close_page(struct page *p)
{
	json_decref(p->facts);
	free(p->text);
	recording_close(p->recording);
	assert_int_equal(unlink(p->path), 0);
}

/* The text of the element with this id; free() it. */
static char *element(const struct page *p, const char *id)
{
	char open[64];
	char *begin, *end;

	snprintf(open, sizeof(open), " id=\"%s\">", id);
	begin = strstr(p->text, open);
	assert_non_null(begin);
	assert_null(strstr(begin + 1, open));
	begin += strlen(open);
	end = strstr(begin, "</script>");
	assert_non_null(end);
	return strndup(begin, (size_t)(end - begin));
}

static json_t *facts(struct page *p)
{
	char *text = element(p, "facts");

	for (const char *c = text; *c; c++)
		assert_true(*c != '<' && *c != '>' && *c != '&' && (unsigned char)*c < 0x80);
	p->facts = json_loads(text, 0, NULL);
	assert_non_null(p->facts);
	free(text);
	return p->facts;
}

/* ---- rows, unpacked as html_data.c says that they are packed ---------------------------------- */

struct rows {
	size_t n, width;
	double at[600], values[600][3];
};

static int digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = strchr(digits, c);

	assert_true(c && at);
	return (int)(at - digits);
}

static size_t decode(const char *text, unsigned char *bytes, size_t cap)
{
	size_t n = 0;

	assert_int_equal(strlen(text) % 4, 0);
	for (; *text; text += 4) {
		int last = text[2] == '=' ? 1 : text[3] == '=' ? 2 : 3;
		int word = digit(text[0]) << 18 | digit(text[1]) << 12 |
			   (last > 1 ? digit(text[2]) << 6 : 0) | (last > 2 ? digit(text[3]) : 0);

		for (int i = 0; i < last; i++) {
			assert_true(n < cap);
			bytes[n++] = (unsigned char)(word >> (16 - 8 * i));
		}
	}
	return n;
}

static uint64_t varint(const unsigned char **at, const unsigned char *end)
{
	uint64_t v = 0;

	for (int shift = 0;; shift += 7) {
		assert_true(*at < end && shift < 64);
		v |= (uint64_t)(**at & 127) << shift;
		if (!(*(*at)++ & 128))
			return v;
	}
}

static void read_rows(struct page *p, size_t panel, size_t layer, struct rows *out)
{
	static unsigned char bytes[1 << 16];
	json_t *fact = json_array_get(
		json_object_get(json_array_get(json_object_get(p->facts, "panels"), panel),
				"layers"),
		layer);
	char *text = element(p, json_string_value(json_object_get(fact, "rows")));
	const unsigned char *at = bytes, *end = bytes + decode(text, bytes, sizeof(bytes));
	int64_t kib[3] = { 0 };
	uint64_t us = 0;

	*out = (struct rows){ .n = (size_t)json_integer_value(json_object_get(fact, "n")),
			      .width = json_array_size(json_object_get(fact, "names")) };
	assert_true(out->n <= 600 && out->width <= 3);
	for (size_t i = 0; i < out->n; i++) {
		us += varint(&at, end);
		out->at[i] = (double)us / 1e6;
		for (size_t j = 0; j < out->width; j++) {
			uint64_t code = varint(&at, end);

			if (code)
				kib[j] += code % 2 ? (1 - (int64_t)code) / 2 : (int64_t)code / 2;
			out->values[i][j] = code ? (double)kib[j] * 1024 : NAN;
		}
	}
	assert_ptr_equal(at, end);
	free(text);
}

static bool has(const struct rows *r, double at_s, double first, double second, double third)
{
	const double wanted[] = { first, second, third };

	for (size_t i = 0; i < r->n; i++) {
		bool found = fabs(r->at[i] - at_s) < 1e-6;

		for (size_t j = 0; j < r->width; j++)
			found = found && r->values[i][j] == wanted[j] * MIB;
		if (found)
			return true;
	}
	return false;
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void test_rows(void **state)
{
	static struct rows rows;
	double highest = 0;
	struct page p;

	(void)state;
	open_page(&p, train_run(), train);
	facts(&p);
	read_rows(&p, 0, 0, &rows);
	assert_int_equal(rows.width, 3);
	assert_true(has(&rows, 0, 10, 8, 0));
	assert_true(has(&rows, 0.1, 511, 18, 64));
	assert_true(has(&rows, 0.14, 911, 18, 64)); /* the peak, at its own time */
	assert_true(has(&rows, 0.2, 10, 8, 0));
	for (size_t i = 0; i < rows.n; i++) {
		assert_true(!i || rows.at[i] >= rows.at[i - 1]);
		highest = fmax(highest, rows.values[i][0] + rows.values[i][1] + rows.values[i][2]);
	}
	assert_true(highest == 993 * MIB);
	read_rows(&p, 1, 0, &rows);
	assert_int_equal(rows.width, 1);
	assert_true(has(&rows, 0.14, 993, 0, 0));
	read_rows(&p, 2, 0, &rows);
	assert_true(has(&rows, 0.1, 11700, 0, 0));
	close_page(&p);
}

/* The marks are those of the summary, in bytes and in words. */
static void test_facts(void **state)
{
	json_t *panels, *mark;
	struct page p;

	(void)state;
	open_page(&p, train_run(), train);
	panels = json_object_get(facts(&p), "panels");
	assert_int_equal(json_array_size(panels), 3);
	mark = json_object_get(json_array_get(panels, 0), "mark");
	assert_true(json_number_value(json_object_get(mark, "bytes")) == 993 * MIB);
	assert_true(json_number_value(json_object_get(mark, "at_s")) == 0.14);
	assert_string_equal(json_string_value(json_object_get(mark, "text")),
			    "peak 993.0 MiB at 0.140 s");
	assert_non_null(strstr(p.text, "\nPeak RSS 993.0 MiB at 0.140 s"));
	assert_true(json_is_null(json_object_get(json_array_get(panels, 0), "limit")));
	assert_true(json_number_value(json_object_get(p.facts, "duration_s")) == 0.2);
	assert_true(json_is_null(json_object_get(p.facts, "unit")));
	assert_int_equal(json_array_size(json_object_get(p.facts, "events")), 7);
	close_page(&p);
}

static void quiet(struct model *m, struct sink *sink)
{
	struct figures f = { .pid = 50,
			     .ppid = 1,
			     .how = START_ADOPTED,
			     .comm = "quiet",
			     .first = mib(10, 0, 0, 0),
			     .now = mib(10, 0, 0, 0),
			     .at_peak = mib(10, 0, 0, 0),
			     .peak = mib(10, 0, 0, 0) };

	start(m, 0, 50, 1, START_ADOPTED, "quiet", mib(10, 0, 0, 0));
	for (int i = 0; i <= 100; i++) {
		/* nothing changes for five seconds, then once, and then not for another five */
		if (i == 50)
			f.now = f.at_peak = f.peak = mib(30, 0, 0, 0);
		if (i >= 50)
			f.peak_s = 4.95;
		reading(m, i / 10.0, &f);
		tree(m, i / 10.0, f.now, f.peak, f.peak_s, 0, 1, 1, 1);
		tick(m, i / 10.0, sink);
	}
}

/* Between two rows of a recording nothing changed: no slope over five seconds. */
static void test_what_is_held_goes_on(void **state)
{
	static struct rows rows;
	struct page p;

	(void)state;
	open_page(&p, train_run(), quiet);
	facts(&p);
	read_rows(&p, 1, 0, &rows);
	assert_in_range(rows.n, 4, 8);
	assert_true(has(&rows, 0, 10, 0, 0));
	for (size_t i = 0; i < rows.n; i++) {
		assert_true(rows.at[i] >= 4.8 || rows.values[i][0] == 10 * MIB);
		assert_true(rows.at[i] <= 5 || rows.values[i][0] == 30 * MIB);
	}
	assert_true(has(&rows, 4.95, 30, 0, 0));
	assert_true(rows.at[rows.n - 1] == 10);
	assert_true(rows.values[rows.n - 1][0] == 30 * MIB);
	close_page(&p);
}

/* What was higher before the first row is told, but not at a time when there was nothing. */
static void test_no_needle_before_the_first_row(void **state)
{
	static struct rows kinds, total;
	struct page p;

	(void)state;
	open_page(&p, build_run(), everything);
	facts(&p);
	read_rows(&p, 0, 0, &kinds);
	read_rows(&p, 1, 0, &total);
	assert_true(total.n > 1 && total.values[0][0] > total.values[1][0]);
	assert_true(kinds.n > 0 && total.at[0] == kinds.at[0]);
	close_page(&p);
}

/* Two processes: at a tick more is counted than at the peak, by less than the peak's bound. */
static void above(struct model *m, struct sink *sink)
{
	start(m, 0, 50, 1, START_ADOPTED, "one", mib(10, 0, 0, 0));
	start(m, 0, 51, 1, START_ADOPTED, "two", mib(10, 0, 0, 0));
	for (int i = 1; i <= 5; i++) {
		tree(m, i, mib(i < 3 ? 15 : 20 + (i == 3), 10, 0, 0),
		     i < 3 ? mib(15, 10, 0, 0) : mib(20, 10, 0, 0), i < 3 ? 1 : 2.5, 300, 2, 2, 2);
		tick(m, i, sink);
	}
}

static void test_nothing_is_above_the_peak(void **state)
{
	static struct rows rows;
	struct page p;

	(void)state;
	open_page(&p, train_run(), above);
	facts(&p);
	read_rows(&p, 0, 0, &rows);
	assert_true(has(&rows, 2.5, 20, 10, 0));
	for (size_t i = 0; i < rows.n; i++)
		assert_true(rows.values[i][0] <= 20 * MIB && rows.values[i][1] == 10 * MIB);
	read_rows(&p, 1, 0, &rows);
	assert_true(has(&rows, 2.5, 30, 0, 0));
	for (size_t i = 0; i < rows.n; i++)
		assert_true(rows.values[i][0] <= 30 * MIB);
	close_page(&p);
}

#define EVIL "</script><script>x</script><!-- \"'& \xe2\x80\xa8\xff\033[2J"

static void evil(struct model *m, struct sink *sink)
{
	struct figures f = { .pid = 50,
			     .ppid = 1,
			     .how = START_ADOPTED,
			     .comm = "</script><i>",
			     .now = mib(1, 0, 0, 0),
			     .at_peak = mib(1, 0, 0, 0),
			     .peak = mib(1, 0, 0, 0) };
	struct rec_oom oom = { .head = head(REC_OOM, sizeof(oom), 50, 0.5),
			       .now = mib(1, 0, 0, 0) };

	start(m, 0, 50, 1, START_ADOPTED, "</script><i>", mib(1, 0, 0, 0));
	assert_int_equal(model_set_cmdline(m, 50, 900 * SECOND + 50, EVIL), 0);
	assert_int_equal(model_set_container(m, 50, 900 * SECOND + 50, EVIL), 0);
	reading(m, 0.5, &f);
	tree(m, 0.5, f.now, f.now, 0.5, 0, 1, 1, 1);
	set_comm(oom.comm, "</script><i>");
	apply(m, &oom);
	assert_int_equal(model_set_oom_cgroup(m, 50, oom.head.ts_ns, EVIL), 0);
	tick(m, 0.5, sink);
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (text = strstr(text, what); text; text = strstr(text + 1, what))
		n++;
	return n;
}

static void test_names_stay_text(void **state)
{
	struct run run = train_run();
	struct page p, plain;
	json_t *events, *event;
	size_t i;

	(void)state;
	run.target = EVIL;
	open_page(&p, run, evil);
	open_page(&plain, train_run(), quiet);
	/* as many scripts as elsewhere, but for the rows of each layer */
	assert_int_equal(count(p.text, "<script"), count(p.text, "</script>"));
	assert_int_equal(count(p.text, "<script>"), 2);
	assert_int_equal(count(p.text, "<!--"), count(plain.text, "<!--"));
	assert_int_equal(count(p.text, "<i>"), 0);
	assert_null(memchr(p.text, '\033', p.len));
	assert_int_equal(strlen(p.text), p.len);
	assert_non_null(strstr(p.text, "<h1>&lt;/script&gt;&lt;script&gt;x&lt;/script&gt;&lt;!-- "
				       "&quot;&#39;&amp; \\xe2\\x80\\xa8\\xff\\x1b[2J</h1>"));
	assert_non_null(strstr(p.text, "<td class=\"text\">&lt;/script&gt;&lt;i&gt;</td>"));
	events = json_object_get(facts(&p), "events");
	assert_int_equal(json_array_size(events), 2);
	json_array_foreach(events, i, event) {
		if (!strcmp(json_string_value(json_object_get(event, "kind")), "oom"))
			assert_non_null(strstr(json_string_value(json_object_get(event, "text")),
					       "</script><i> (50): killed by the OOM killer"));
	}
	close_page(&plain);
	close_page(&p);
}

/* What may be missing stands at the top, not only in the summary. */
static void test_alarms(void **state)
{
	struct page p;

	(void)state;
	open_page(&p, train_run(), skipped);
	assert_non_null(strstr(p.text,
			       "<div class=\"alarm\"><dt>Runs skipped by the kernel</dt><dd>3 "
			       "<small>at most so many "));
	assert_null(strstr(p.text, "Records lost"));
	close_page(&p);
	open_page(&p, train_run(), train);
	assert_non_null(strstr(p.text, "<div class=\"alarm\"><dt>Records lost</dt><dd>17 "));
	assert_null(strstr(p.text, "Runs skipped"));
	close_page(&p);
}

static void no_records(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

static void test_nothing_was_read(void **state)
{
	struct page p;

	(void)state;
	open_page(&p, train_run(), no_records);
	assert_non_null(strstr(p.text, "no samples"));
	assert_non_null(strstr(p.text, "<dt>Processes</dt><dd>n/a</dd>"));
	assert_non_null(strstr(p.text, "<caption>No process was seen.</caption>"));
	assert_int_equal(json_array_size(json_object_get(facts(&p), "panels")), 2);
	assert_int_equal(strcmp(p.text + p.len - 8, "</html>\n"), 0);
	close_page(&p);
}

/* One file: nothing in it is fetched from elsewhere. */
static void test_nothing_is_fetched(void **state)
{
	static const char *const ways[] = { " src=\"",          "@import", "url(",
					    "sourceMappingURL", "<base",   "<iframe" };
	struct page p;

	(void)state;
	open_page(&p, train_run(), train);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		assert_null(strstr(p.text, ways[i]));
	assert_int_equal(count(p.text, "<link "), 1);
	assert_non_null(strstr(p.text, "<link rel=\"icon\" href=\"data:,\">"));
	assert_non_null(strstr(p.text, "content=\"default-src 'none'; script-src 'sha256-"));
	close_page(&p);
}

static void test_a_full_device_is_told(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct page p;

	(void)state;
	assert_non_null(full);
	open_page(&p, train_run(), train);
	assert_int_equal(html_write(p.recording, recording_run(p.recording), full), -ENOSPC);
	fclose(full);
	close_page(&p);
}

/* ---- what charts are made of ------------------------------------------------------------------ */

static void test_plan(void **state)
{
	static const char *const titles[] = { "RSS by kind", "All processes together",
					      "Available of the machine's 16.00 GiB",
					      "Charged to the cgroup" };
	struct chart_plan plan;
	struct page p;
	size_t n;

	(void)state;
	/* every figure that the charts name is one that recordings have */
	for (int i = 0; i < ENTITIES; i++)
		assert_non_null(recording_figures((enum entity)i, &n));
	open_page(&p, build_run(), everything);
	assert_int_equal(chart_plan_create(p.recording, recording_run(p.recording), 16, &plan), 0);
	assert_int_equal(plan.chart->n_panels, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(plan.chart->panels[i].title, titles[i]);
	assert_int_equal(plan.chart->panels[1].n_layers, 2); /* no swap */
	for (size_t i = 0; i < plan.chart->n_panels; i++)
		for (size_t j = 0; j < plan.chart->panels[i].n_layers; j++) {
			const struct chart_layer *l = &plan.chart->panels[i].layers[j];
			const struct chart_source *s = &plan.sources[i][j];
			const char *const *names = recording_figures(s->entity, &n);

			for (size_t k = 0; k < l->rows.width; k++) {
				assert_true(s->figures[k] < n);
				/* called what they are, but for three that people know otherwise */
				if (strcmp(l->names[k], "RSS") != 0 &&
				    strcmp(l->names[k], "charge") != 0)
					assert_string_equal(names[s->figures[k]], l->names[k]);
			}
		}
	assert_int_equal(plan.sources[1][0].figures[0], 0);
	chart_plan_finish(&plan);
	close_page(&p);
}

static void mounts(struct model *m, struct sink *sink)
{
	start(m, 0, 50, 1, START_ADOPTED, "one", mib(10, 0, 0, 0));
	for (uint32_t i = 1; i <= 3; i++) {
		struct rec_shm_mount rec = shm_mount_rec(BEGIN + SECOND, SHM_DEV(0, 50 + i),
							 64 * 1048576, i * 1048576);

		rec.flags |= SHM_MOUNT_TRACED | SHM_MOUNT_TARGET;
		rec.peak_bytes = i * 1048576;
		rec.peak_ns = BEGIN + SECOND / 2;
		SHM_APPLY(m, rec, TEXTS("/dev/shm\0\0\0"));
	}
	SHM_SURVEY(m, BEGIN + SECOND);
	tick(m, 1, sink);
}

/* Of three mounts those of the largest peaks, with limit and mark; that one is missing is told. */
static void test_mounts(void **state)
{
	struct chart_plan plan;
	struct page p;

	(void)state;
	open_page(&p, train_run(), mounts);
	assert_int_equal(chart_plan_create(p.recording, recording_run(p.recording), 2, &plan), 0);
	assert_int_equal(plan.chart->n_panels, 4);
	for (size_t i = 0; i < 2; i++) {
		const struct chart_panel *mount = &plan.chart->panels[2 + i];

		assert_string_equal(mount->title, "/dev/shm (64.0 MiB)");
		assert_true(mount->limit == 64 * MIB);
		assert_string_equal(mount->limit_text, "limit 64.0 MiB");
		assert_true(mount->has_mark && mount->mark == (3 - (double)i) * MIB);
		assert_true(mount->mark_s == 0.5);
	}
	assert_non_null(
		strstr(plan.chart->note, "; mounts of smaller peaks that are not drawn: 1"));
	chart_plan_finish(&plan);
	assert_int_equal(chart_plan_create(p.recording, recording_run(p.recording), 20, &plan), 0);
	assert_int_equal(plan.chart->n_panels, 5);
	assert_null(strstr(plan.chart->note, "not drawn"));
	chart_plan_finish(&plan);
	close_page(&p);
}

static void test_events_in_words(void **state)
{
	static const struct {
		struct recorded_event event;
		const char *text;
	} cases[] = {
		{ { .kind = "exit", .pid = 5, .comm = "sh\n", .text = "exited with 0" },
		  "sh\\n (5): exited with 0" },
		{ { .kind = "oom", .pid = 5, .text = "killed" }, "pid (5): killed" },
		{ { .kind = "shm_full", .pid = 5, .comm = "sh", .text = "1.500 s pid 5 (sh) hit" },
		  "pid 5 (sh) hit" },
		{ { .kind = "mode", .text = "at 3.2 s over the budget" }, "over the budget" },
		{ { .kind = "mode", .text = "at s" }, "at s" },
		{ { .kind = "lost", .text = "3 records were lost" }, "3 records were lost" },
	};
	char text[CHART_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(chart_event_text(text, &cases[i].event), cases[i].text);
	assert_true(chart_event_alarms("oom"));
	assert_false(chart_event_alarms("mode"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_what_is_held_goes_on),
		cmocka_unit_test(test_no_needle_before_the_first_row),
		cmocka_unit_test(test_nothing_is_above_the_peak),
		cmocka_unit_test(test_names_stay_text),
		cmocka_unit_test(test_alarms),
		cmocka_unit_test(test_nothing_was_read),
		cmocka_unit_test(test_nothing_is_fetched),
		cmocka_unit_test(test_a_full_device_is_told),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_events_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two watches beside each other: what is read of a summary and refused, how sides are joined, and the
 * text and JSON of a comparison against golden files. UPDATE_GOLDEN=1 rewrites them; look at every
 * difference before it is committed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "report/compare.h"
#include "scripts.h"
#include "sinks/json_value.h"

#define MIB (1LL << 20)
#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- summaries -------------------------------------------------------------------------------- */

/* The summary that a watch of the script writes, to be changed before it is read. */
static json_t *summary_of(const struct run *run, script_fn *script)
{
	struct model *m = model_create(PAGE, 1000);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct sink *sink = json_create(run, out);
	json_t *root;

	assert_non_null(m);
	assert_non_null(sink);
	script(m, NULL);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	model_destroy(m);
	fclose(out);
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	free(text);
	return root;
}

static void put(json_t *root, const char *path, json_t *value)
{
	assert_int_equal(json_put(root, path, value), 0);
}

static int read_json(struct side *side, json_t *root, char *why, size_t why_len)
{
	char *text = json_dumps(root, 0);
	int err;

	assert_non_null(text);
	err = side_read(side, text, strlen(text), why, why_len);
	free(text);
	return err;
}

/* Takes the summary. */
static struct side side_of(json_t *root, const char *name)
{
	struct side side;
	char why[256] = "";

	if (read_json(&side, root, why, sizeof(why)))
		fail_msg("%s: %s", name, why);
	json_decref(root);
	side.name = name;
	return side;
}

static void no_records(struct model *m, struct sink *sink)
{
	(void)m;
	(void)sink;
}

/* {"mount": …} with what a comparison reads */
static json_t *mount_json(const char *point, const char *container, int64_t limit, int64_t used,
			  int64_t peak, int times)
{
	json_t *m = json_object(), *full = json_array();

	put(m, "mount", json_string(point));
	put(m, "container", json_text(container));
	put(m, "target", json_true());
	put(m, "limited", json_boolean(limit != 0));
	put(m, "limit_bytes", limit ? json_integer(limit) : json_null());
	put(m, "used_bytes", json_integer(used));
	put(m, "peak_bytes", json_integer(peak));
	for (int i = 0; i < times; i++)
		json_array_append_new(full, json_pack("{s:i}", "times", i + 1));
	put(m, "full", full);
	put(m, "full_omitted", json_integer(0));
	return m;
}

static json_t *before(void)
{
	struct run run = train_run();
	json_t *root = summary_of(&run, train);
	json_t *shm = json_array();

	json_array_append_new(shm, mount_json("/dev/shm", "web", 64 * MIB, 10 * MIB, 40 * MIB, 0));
	json_array_append_new(shm, mount_json("/dev/shm", NULL, 0, MIB, 2 * MIB, 0));
	put(root, "shm", shm);
	return root;
}

/* The same, later: more in one worker, another process, a wall that was hit, another kernel. */
static json_t *after(void)
{
	json_t *root = before(), *shm = json_array(), *processes;

	put(root, "kernel.release", json_string("6.12.9-amd64"));
	put(root, "command", json_pack("[s,s]", "./train.py", "--fast"));
	put(root, "exit", json_pack("{s:n,s:i}", "code", "signal", 9));
	put(root, "target.peak.rss_bytes", json_integer(1050 * MIB));
	put(root, "target.peak.error_bytes", json_null());
	put(root, "target.last.rss_bytes", json_integer(48 * MIB));
	put(root, "target.faults.minor", json_integer(230000));
	put(root, "system.available.min_bytes", json_integer(9000 * MIB));
	put(root, "overhead.modes", json_pack("[{s:s},{s:s}]", "mode", "full", "mode", "sample"));
	processes = json_object_get(root, "processes");
	put(json_array_get(processes, 0), "rss.peak_bytes", json_integer(1030 * MIB));
	json_array_append_new(processes, json_pack("{s:s,s:{s:i}}", "comm", "helper", "rss",
						   "peak_bytes", (int)(3 * MIB)));
	put(root, "processes_omitted", json_integer(12));
	json_array_append_new(shm, mount_json("/dev/shm", "web", 64 * MIB, 60 * MIB, 64 * MIB, 2));
	json_array_append_new(shm, mount_json("/mnt", NULL, 0, MIB, 3 * MIB, 0));
	put(root, "shm", shm);
	return root;
}

/* ---- what is read ----------------------------------------------------------------------------- */

static struct field_value value(const struct side *side, const char *name)
{
	const struct field *f = field_find(name);

	assert_non_null(f);
	assert_true(side_has(f));
	return side->fields[f - snapshot_fields];
}

static void expect_whole(const struct side *side, const char *name, int64_t whole)
{
	struct field_value v = value(side, name);

	if (!v.known || v.whole != whole)
		fail_msg("%s: %s %lld, expected %lld", name, v.known ? "known" : "n/a",
			 (long long)v.whole, (long long)whole);
}

static void test_a_summary_is_read(void **state)
{
	struct side side = side_of(after(), "b");

	(void)state;
	expect_whole(&side, "peak.rss", 1050 * MIB);
	expect_whole(&side, "rss", 48 * MIB);
	expect_whole(&side, "last.rss", 48 * MIB);
	expect_whole(&side, "system.used", (16384 - 12200) * MIB);
	expect_whole(&side, "faults.major", 3);
	assert_false(value(&side, "peak.error").known);
	assert_false(value(&side, "footprint").known);
	assert_true(value(&side, "duration").real > 0.199 && value(&side, "duration").real < 0.201);
	assert_string_equal(side.kernel, "6.12.9-amd64");
	assert_string_equal(side.command[1], "--fast");
	assert_true(side.has_exit && side.killed && side.exit_code == 9 && side.sampled);
	assert_int_equal(side.oom_kills.whole, 1);
	side_finish(&side);
}

static void test_shared_memory(void **state)
{
	json_t *root = after(), *other = mount_json("/other", NULL, MIB, MIB, 99 * MIB, 0);
	struct side side;

	(void)state;
	put(other, "target",
	    json_false()); /* somebody else's wall that was hit: listed, not counted */
	json_array_append_new(json_object_get(root, "shm"), other);
	side = side_of(root, "b");
	expect_whole(&side, "shm.bytes", 61 * MIB);
	expect_whole(&side, "shm.peak", 64 * MIB);
	expect_whole(&side, "shm.free", 4 * MIB);
	expect_whole(&side, "shm.full", 3);
	assert_true(value(&side, "shm.used").real > 0.93 && value(&side, "shm.used").real < 0.94);
	assert_false(value(&side, "shm.orphans").known); /* no mount tells */
	assert_int_equal(side.n_mounts, 3);
	/* in their order, whatever that of the summary was */
	assert_string_equal(side.mounts[0].point, "/dev/shm");
	assert_string_equal(side.mounts[2].point, "/other");
	assert_true(side.mounts[1].unlimited && !side.mounts[1].limit.known);
	side_finish(&side);
	/* without any mount nothing is known, not 0 */
	root = after();
	put(root, "shm", json_array());
	side = side_of(root, "b");
	assert_false(value(&side, "shm.full").known || value(&side, "shm.bytes").known);
	side_finish(&side);
}

/* A field that cannot be compared must not pass for one that is not known. */
static void test_which_fields_a_summary_has(void **state)
{
	size_t without = 0;

	(void)state;
	for (size_t i = 0; i < n_snapshot_fields; i++)
		without += !side_has(&snapshot_fields[i]);
	assert_false(side_has(field_find("interval.peak")));
	assert_false(side_has(field_find("sampled")));
	assert_int_equal(without, 2);
}

static void test_groups(void **state)
{
	struct run run = build_run();
	struct side side = side_of(summary_of(&run, everything), "a");

	(void)state;
	/* a vfork child has no RSS: it counts, and adds nothing */
	assert_int_equal(side.n_groups, 2);
	assert_string_equal(side.groups[0].comm, "build.sh");
	assert_int_equal(side.groups[0].count, 2);
	assert_int_equal(side.groups[0].peak_sum.whole, 4 * MIB);
	assert_int_equal(side.groups[0].peak_max.whole, 4 * MIB);
	assert_false(side.groups[1].peak_sum.known || side.groups[1].peak_max.known);
	side_finish(&side);
}

static void test_whole_numbers_that_others_wrote_as_real(void **state)
{
	json_t *root = before();
	struct side side;

	(void)state;
	put(root, "target.peak.rss_bytes", json_real(1e9));
	put(root, "duration_s", json_integer(7));
	side = side_of(root, "a");
	expect_whole(&side, "peak.rss", 1000000000);
	assert_true(value(&side, "duration").real > 6.9 && value(&side, "duration").real < 7.1);
	side_finish(&side);
}

static void refused(const char *path, json_t *to, const char *says)
{
	json_t *root = before();
	struct side side;
	char why[256] = "";
	int err;

	put(root, path, to);
	err = read_json(&side, root, why, sizeof(why));
	if (err != -EINVAL || !strstr(why, says))
		fail_msg("%s: %d, '%s', expected '%s'", path, err, why, says);
	assert_null(side.document);
	side_finish(&side);
	json_decref(root);
}

static void test_malformed_summaries_are_refused(void **state)
{
	(void)state;
	refused("target.peak.rss_bytes", json_string("1"),
		"'target.peak.rss_bytes' is not a number");
	refused("target.peak.rss_bytes", json_integer(-1), "'target.peak.rss_bytes' is negative");
	refused("target.peak.rss_bytes", json_real(1.5), "is not a whole number");
	refused("target.peak.rss_bytes", json_real(1e19), "is not a whole number");
	refused("duration_s", json_true(), "'duration_s' is not a number");
	refused("duration_s", json_real(-0.1), "'duration_s' is negative");
	refused("target", json_integer(1), "is not an object");
	refused("target.peak", json_array(), "is not an object");
	refused("processes", json_object(), "'processes' is not a list");
	refused("processes", json_pack("[i]", 1), "'processes[0]' is not an object");
	refused("processes", json_pack("[{s:i}]", "comm", 1), "'comm' is not a string");
	refused("shm", json_pack("[{s:{}}]", "mount"), "'mount' is not a string");
	refused("shm", json_pack("[{s:i}]", "target", 1), "'target' is neither true nor false");
	refused("shm", json_pack("[{s:[i]}]", "full", 1), "'full[0]' is not an object");
	refused("command", json_string("x"), "'command' is not a list");
	refused("command", json_pack("[i]", 1), "'command[0]' is not a string");
	refused("exit", json_pack("{s:i}", "code", 256), "status of a process");
	refused("version", json_integer(1), "'version' is not a string");
	refused("schema", json_string("memmon-bpf/summary/2"), "a newer one");
	refused("schema", json_string("memmon-bpf/shm/1"), "what 'memmon-bpf shm' wrote");
	refused("schema", json_string("\033[2J"), "'\\x1b[2J' is no summary's");
	refused("schema", json_null(), "has no 'schema'");
}

static void test_what_is_no_summary_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "it is no JSON" },
		{ "x", "it is no JSON: line 1" },
		{ "[]", "no JSON object" },
		{ "{}", "has no 'schema'" },
		{ "{\"schema\":\"memmon-bpf/summary/1\"", "it is no JSON" },
		{ "{\"schema\":\"a\",\"schema\":\"b\"}", "duplicate" },
		{ "{\"a\033\":1}", "it is no JSON" },
	};
	struct side side;
	char why[256];

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		why[0] = '\0';
		assert_int_equal(
			side_read(&side, cases[i].text, strlen(cases[i].text), why, sizeof(why)),
			-EINVAL);
		if (!strstr(why, cases[i].says) || strchr(why, '\033'))
			fail_msg("%s: '%s', expected '%s'", cases[i].text, why, cases[i].says);
	}
}

/* Only the schema: everything else is not known, and nothing is wrong. */
static void test_an_almost_empty_summary(void **state)
{
	static const char text[] = "{\"schema\":\"memmon-bpf/summary/1\"}";
	struct side side;
	char why[256];

	(void)state;
	assert_int_equal(side_read(&side, text, strlen(text), why, sizeof(why)), 0);
	for (size_t i = 0; i < n_snapshot_fields; i++)
		assert_false(side.fields[i].known);
	assert_true(!side.n_groups && !side.n_mounts && !side.command && !side.has_exit);
	side_finish(&side);
}

/* ---- both sides ------------------------------------------------------------------------------- */

struct two {
	struct side a, b;
	struct comparison c;
	struct expr *fail_if;
};

static void make(struct two *t, json_t *a, json_t *b, const char *fail_if)
{
	char why[256] = "";

	*t = (struct two){ .a = side_of(a, "before.json"), .b = side_of(b, "after.json") };
	if (fail_if && expr_parse_diff(fail_if, &t->fail_if, why, sizeof(why)))
		fail_msg("%s: %s", fail_if, why);
	assert_int_equal(comparison_make(&t->c, &t->a, &t->b, t->fail_if), 0);
}

static void finish(struct two *t)
{
	comparison_finish(&t->c);
	side_finish(&t->a);
	side_finish(&t->b);
	expr_destroy(t->fail_if);
}

static void test_pairs(void **state)
{
	static const struct {
		int64_t before, after, change;
	} cases[] = {
		{ 1, 3, 2 },
		{ 3, 1, -2 },
		{ 0, INT64_MAX, INT64_MAX },
		{ INT64_MIN, INT64_MAX, INT64_MAX },
		{ INT64_MAX, INT64_MIN, INT64_MIN },
	};
	struct field_pair p = { .before = { .known = true }, .after = { .known = true } };

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		p.before.whole = cases[i].before;
		p.after.whole = cases[i].after;
		assert_int_equal(pair_change(p, FIELD_BYTES).whole, cases[i].change);
	}
	assert_false(pair_share((struct field_pair){ .before.known = true,
						     .after = { .known = true, .whole = 5 } },
				FIELD_BYTES)
			     .known);
	p.before.known = false;
	assert_false(pair_change(p, FIELD_BYTES).known || pair_share(p, FIELD_BYTES).known);
}

static bool warns(const struct comparison *c, const char *text)
{
	for (size_t i = 0; i < c->n_warnings; i++)
		if (strstr(c->warnings[i], text))
			return true;
	return false;
}

static void test_warnings(void **state)
{
	struct two t;

	(void)state;
	make(&t, before(), before(), NULL);
	assert_int_equal(t.c.n_warnings, 0);
	finish(&t);

	make(&t, before(), after(), NULL);
	assert_true(warns(&t.c, "different kernels: 6.1.0-18-amd64 and 6.12.9-amd64"));
	assert_true(warns(&t.c, "different commands: none and './train.py --fast'"));
	assert_true(warns(&t.c, "the peak of B has no bound, as RSS was sampled"));
	assert_true(warns(&t.c, "B does not list 12 of its processes"));
	assert_int_equal(t.c.n_warnings, 4); /* A's end is not known: it did not end otherwise */
	finish(&t);
}

static void test_warnings_of_machines(void **state)
{
	json_t *other = before();
	struct side a, b;
	struct comparison c;

	(void)state;
	put(other, "system.total_bytes", json_integer(8192 * MIB));
	put(other, "exit", json_pack("{s:i,s:n}", "code", 3, "signal"));
	a = side_of(before(), "a");
	b = side_of(other, "b");
	assert_int_equal(comparison_make(&c, &a, &b, NULL), 0);
	assert_true(warns(&c, "seem to be of different machines: 16.00 GiB and 8.00 GiB"));
	comparison_finish(&c);
	/* what recordings know is not guessed */
	a.machine = b.machine = "one";
	assert_int_equal(comparison_make(&c, &a, &b, NULL), 0);
	assert_int_equal(c.n_warnings, 0);
	comparison_finish(&c);
	b.machine = "two";
	b.incomplete = true;
	assert_int_equal(comparison_make(&c, &a, &b, NULL), 0);
	assert_true(warns(&c, "A and B are of different machines"));
	assert_true(warns(&c, "B breaks off"));
	comparison_finish(&c);
	side_finish(&a);
	side_finish(&b);
}

static void test_groups_and_mounts_are_joined(void **state)
{
	const struct compare_group *g;
	struct two t;

	(void)state;
	make(&t, before(), after(), NULL);
	assert_int_equal(t.c.n_groups, 3); /* python3, helper and the hostile one */
	g = &t.c.groups[0];
	assert_string_equal(g->comm, "python3");
	assert_int_equal(g->a->peak_max.whole, 973 * MIB);
	assert_int_equal(g->b->peak_max.whole, 1030 * MIB);
	g = &t.c.groups[1];
	assert_string_equal(g->comm, "helper");
	assert_null(g->a);
	assert_true(comparison_count(&t.c, g).before.known);
	assert_int_equal(comparison_count(&t.c, g).before.whole, 0);
	assert_int_equal(t.c.n_mounts, 3);
	assert_string_equal(t.c.mounts[0].container, "web");
	assert_int_equal(t.c.mounts[0].b->full.whole, 3);
	assert_true(!t.c.mounts[1].a && !strcmp(t.c.mounts[1].point, "/mnt"));
	assert_null(t.c.mounts[2].b);
	finish(&t);
	/* the other way round: B does not list all of its processes, so it may have had a helper */
	make(&t, after(), before(), NULL);
	g = &t.c.groups[1];
	assert_true(g->a && !g->b && comparison_count(&t.c, g).after.known);
	finish(&t);
	{
		json_t *b = before();

		put(b, "processes_omitted", json_integer(1));
		make(&t, after(), b, NULL);
	}
	assert_false(comparison_count(&t.c, &t.c.groups[1]).after.known);
	finish(&t);
}

static void test_doubt(void **state)
{
	static const struct {
		int64_t error_a, error_b, by;
		bool doubt;
	} cases[] = {
		{ 2, 3, 5, true },  { 2, 3, -5, true }, { 2, 3, 6, false },
		{ 0, 0, 1, false }, { 0, 0, 0, false }, { 9, 9, 0, false },
	};
	struct two t;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		json_t *a = before(), *b = before();

		put(a, "target.peak.error_bytes", json_integer(cases[i].error_a));
		put(b, "target.peak.error_bytes", json_integer(cases[i].error_b));
		put(b, "target.peak.rss_bytes", json_integer(993 * MIB + cases[i].by));
		make(&t, a, b, NULL);
		assert_int_equal(comparison_doubt(&t.c).known, cases[i].doubt);
		finish(&t);
	}
}

static void test_conditions(void **state)
{
	static const struct {
		const char *text;
		bool holds;
	} cases[] = {
		{ "peak.rss>+5%", true },
		{ "peak.rss>+6%", false },
		{ "peak.rss>+57MiB", false },
		{ "peak.rss>=+57MiB", true },
		{ "faults.minor>+0", false },
		{ "faults.minor<-0.1%", true },
		{ "system.available.min<-10%", true },
		{ "shm.full>+0", true },
		{ "shm.peak>+50% && shm.used>90%", true },
		{ "last.rss>+100% || footprint>0", true },
		{ "peak.error>0", false }, /* n/a in B */
		{ "peak.footprint>+0", false },
	};
	struct two t;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		make(&t, before(), after(), cases[i].text);
		if (t.c.failed != cases[i].holds)
			fail_msg("%s: expected %s", cases[i].text,
				 cases[i].holds ? "true" : "false");
		finish(&t);
	}
}

/* ---- golden files ----------------------------------------------------------------------------- */

typedef int write_fn(const struct comparison *c, const struct compare_style *style, FILE *out);

static void check(const char *name, write_fn *write, const struct comparison *c,
		  const struct compare_style *style)
{
	char path[128], *is = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&is, &len);

	assert_non_null(out);
	assert_int_equal(write(c, style, out), 0);
	fclose(out);
	snprintf(path, sizeof(path), "tests/golden/%s", name);
	check_golden(path, is);
	free(is);
}

static void test_golden(void **state)
{
	static const char condition[] =
		"(peak.rss>+5% && faults.minor>+1%) || footprint>+0 || shm.full>+0";
	struct compare_style style = { .version = "0.1.0" };
	struct two t;

	(void)state;
	make(&t, before(), after(), condition);
	t.a.is_recording = t.a.incomplete = true;
	t.a.machine = "4f5e";
	comparison_finish(&t.c);
	assert_int_equal(comparison_make(&t.c, &t.a, &t.b, t.fail_if), 0);
	check("diff.txt", compare_text_write, &t.c, &style);
	check("diff.json", compare_json_write, &t.c, &style);
	style.color = true;
	style.unit = unit_find("KiB");
	check("diff-color.txt", compare_text_write, &t.c, &style);
	finish(&t);
}

static void test_golden_of_little(void **state)
{
	struct compare_style style = { .version = "0.1.0" };
	struct run run = train_run();
	struct two t;

	(void)state;
	make(&t, summary_of(&run, no_records), before(), "peak.rss>+5% || peak.rss>2GiB");
	check("diff-nothing.txt", compare_text_write, &t.c, &style);
	finish(&t);
	make(&t, before(), before(), NULL);
	check("diff-same.txt", compare_text_write, &t.c, &style);
	finish(&t);
}

/* Names come from anybody. */
static void test_no_name_reaches_the_terminal(void **state)
{
	struct compare_style style = { .version = "0.1.0" };
	json_t *a = before(), *b = after();
	char *text = NULL, *rows;
	size_t len = 0;
	struct two t;
	FILE *out;

	(void)state;
	put(a, "kernel.release", json_string("\033[31m6"));
	put(a, "started", json_string("\n\033]0;x\007"));
	put(a, "command", json_pack("[s]", "\033[2J\n"));
	json_array_append_new(json_object_get(a, "shm"),
			      mount_json("/\033c", "\033[5m", MIB, MIB, MIB, 0));
	make(&t, a, b, NULL);
	t.a.name = "\033[2J.json";
	for (int i = 0; i < 2; i++) {
		out = open_memstream(&text, &len);
		assert_non_null(out);
		assert_int_equal((i ? compare_json_write : compare_text_write)(&t.c, &style, out),
				 0);
		fclose(out);
		assert_null(strchr(text, '\033'));
		assert_null(strchr(text, '\007'));
		rows = strstr(text, i ? "\\u001B[2J" : "\\x1b[2J");
		assert_non_null(rows);
		free(text);
	}
	finish(&t);
}

static void test_a_full_device_is_told(void **state)
{
	struct compare_style style = { .version = "0.1.0" };
	struct two t;

	(void)state;
	make(&t, before(), after(), NULL);
	for (int i = 0; i < 2; i++) {
		FILE *full = fopen("/dev/full", "w");

		assert_non_null(full);
		assert_int_equal((i ? compare_json_write : compare_text_write)(&t.c, &style, full),
				 -ENOSPC);
		fclose(full);
	}
	finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_summary_is_read),
		cmocka_unit_test(test_shared_memory),
		cmocka_unit_test(test_which_fields_a_summary_has),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_whole_numbers_that_others_wrote_as_real),
		cmocka_unit_test(test_malformed_summaries_are_refused),
		cmocka_unit_test(test_what_is_no_summary_is_refused),
		cmocka_unit_test(test_an_almost_empty_summary),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_warnings_of_machines),
		cmocka_unit_test(test_groups_and_mounts_are_joined),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_golden_of_little),
		cmocka_unit_test(test_no_name_reaches_the_terminal),
		cmocka_unit_test(test_a_full_device_is_told),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thinning: whatever the rows are, the least, the most and the last of every stretch of time survive, at
 * any moment of it; and a recording of much more than fits stays below its size.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#ifdef WITHOUT_SQLITE

static void test_nothing(void **state)
{
	(void)state;
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_nothing) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "records.h"
#include "recording/recorder.h"
#include "recording/schema.h"
#include "recording/thin.h"

#define INTERVAL 100000000LL
#define IDS 7

static uint64_t seed;

static uint64_t dice(uint64_t sides)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (seed >> 33) % sides;
}

/* ---- rows, as they were written --------------------------------------------------------------- */

struct rows {
	struct sample *list;
	size_t n;
};

static sqlite3 *database(void)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, schema_sql, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static struct rows read_rows(sqlite3 *db, enum entity e)
{
	sqlite3_stmt *stmt;
	struct rows rows = { NULL, 0 };

	assert_int_equal(samples_prepare_select(db, e, "ORDER BY at_ns", &stmt), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		rows.list = realloc(rows.list, (rows.n + 1) * sizeof(*rows.list));
		assert_non_null(rows.list);
		assert_int_equal(samples_read(stmt, e, &rows.list[rows.n++]), 0);
	}
	sqlite3_finalize(stmt);
	return rows;
}

/* Rows with gaps, figures that are not known, peaks above what any row ends with. */
static void write_rows(sqlite3 *db, enum entity e, int64_t until_ns)
{
	const struct sample_table *t = &sample_tables[e];
	sqlite3_stmt *insert;

	assert_int_equal(samples_prepare_insert(db, e, &insert), SQLITE_OK);
	for (int64_t at = 0; at < until_ns; at += INTERVAL - 5000000 + (int64_t)dice(10000000)) {
		for (int64_t id = t->many; id <= (t->many ? IDS : 0); id++) {
			struct sample s = { .at_ns = at, .id = id };

			if (dice(3) == 0)
				continue;
			for (size_t f = 0; f < SAMPLE_FIGURES; f++) {
				s.last[f] = f < t->n && dice(20) ? (int64_t)dice(1000) :
								   SAMPLE_UNKNOWN;
				s.min[f] = s.max[f] = s.last[f];
				if (s.last[f] != SAMPLE_UNKNOWN && f < t->ranged && !dice(10))
					s.max[f] += (int64_t)dice(100000);
			}
			assert_int_equal(samples_insert(insert, e, &s), SQLITE_OK);
		}
	}
	sqlite3_finalize(insert);
}

struct extent {
	int64_t min, max, last;
};

/* Of one figure within [from, to). */
static struct extent extent_of(const struct rows *rows, int64_t id, size_t f, int64_t from,
			       int64_t to)
{
	struct extent x = { SAMPLE_UNKNOWN, SAMPLE_UNKNOWN, SAMPLE_UNKNOWN };

	for (size_t i = 0; i < rows->n; i++) {
		const struct sample *s = &rows->list[i];

		if (s->id != id || s->at_ns < from || s->at_ns >= to)
			continue;
		x.last = s->last[f];
		if (s->max[f] > x.max)
			x.max = s->max[f];
		if (s->min[f] != SAMPLE_UNKNOWN && (x.min == SAMPLE_UNKNOWN || s->min[f] < x.min))
			x.min = s->min[f];
	}
	return x;
}

/* Stretches that thinning must not blur: of the longest bucket so far. */
static void check_same(const struct rows *before, const struct rows *after, enum entity e,
		       int64_t until_ns, int64_t stretch)
{
	const struct sample_table *t = &sample_tables[e];

	for (int64_t id = t->many; id <= (t->many ? IDS : 0); id++) {
		for (size_t f = 0; f < t->ranged; f++) {
			for (int64_t from = 0; from < until_ns; from += stretch) {
				struct extent a = extent_of(before, id, f, from, from + stretch);
				struct extent b = extent_of(after, id, f, from, from + stretch);

				if (a.min != b.min || a.max != b.max || a.last != b.last)
					fail_msg("%s %s of %lld in %lld + %lld", t->name,
						 t->figures[f], (long long)id, (long long)from,
						 (long long)stretch);
			}
		}
	}
}

static void check_regions(const struct thinner *t)
{
	assert_in_range(t->n, 1, 40);
	assert_int_equal(t->regions[0].from_ns, 0);
	for (size_t i = 1; i < t->n; i++) {
		assert_true(t->regions[i].from_ns > t->regions[i - 1].from_ns);
		assert_true(t->regions[i].bucket_ns < t->regions[i - 1].bucket_ns);
	}
}

static void test_what_survives(void **state)
{
	const int64_t until = 90 * 1000000000LL;

	(void)state;
	for (seed = 1; seed <= 5; seed++) {
		sqlite3 *db = database();
		struct rows before[ENTITIES], after;
		struct thinner t;

		thin_init(&t, db, 1000, INTERVAL);
		t.used_bytes = 999; /* for ever too large */
		for (int e = 0; e < ENTITIES; e++) {
			write_rows(db, e, until);
			before[e] = read_rows(db, e);
		}
		for (int step = 0; step < 40; step++) {
			int changes = sqlite3_total_changes(db);

			assert_int_equal(thin_step(&t, until, 0), SQLITE_OK);
			/* a little at a time: each row is removed and perhaps put back, and a bucket
			 * may go beyond what is asked for */
			assert_true(sqlite3_total_changes(db) - changes <= 2 * 8 * 256 + 4096);
			check_regions(&t);
			if (step % 8)
				continue;
			for (int e = 0; e < ENTITIES; e++) {
				int64_t stretch = t.pass.bucket_ns > t.bucket_ns ?
							  t.pass.bucket_ns :
							  t.bucket_ns;

				after = read_rows(db, e);
				check_same(&before[e], &after, e, until, stretch);
				free(after.list);
			}
		}
		for (int e = 0; e < ENTITIES; e++) {
			after = read_rows(db, e);
			assert_true(after.n < before[e].n / 2);
			/* the newest seconds are as they were */
			for (size_t i = before[e].n, j = after.n;
			     i-- > 0 && before[e].list[i].at_ns >= until - 29 * 1000000000LL;) {
				assert_true(j-- > 0);
				assert_memory_equal(&before[e].list[i], &after.list[j],
						    sizeof(before[e].list[i]));
			}
			free(after.list);
			free(before[e].list);
		}
		thin_finish(&t);
		sqlite3_close(db);
	}
}

static bool is_odd(void *ctx, int64_t process)
{
	(void)ctx;
	return process % 2;
}

static void test_rows_of_nobody_go(void **state)
{
	sqlite3 *db = database();
	struct thinner t;
	struct rows rows;

	(void)state;
	seed = 42;
	write_rows(db, ENTITY_PROCESS, 60 * 1000000000LL);
	thin_init(&t, db, 1000, INTERVAL);
	t.used_bytes = 999;
	t.is_kept = is_odd;
	while (t.bucket_ns < 4 * INTERVAL)
		assert_int_equal(thin_step(&t, 120 * 1000000000LL, 0), SQLITE_OK);
	rows = read_rows(db, ENTITY_PROCESS);
	assert_true(rows.n > 0);
	for (size_t i = 0; i < rows.n; i++)
		assert_true(rows.list[i].id % 2);
	free(rows.list);
	thin_finish(&t);
	sqlite3_close(db);
}

static void test_enough_room_means_nothing(void **state)
{
	sqlite3 *db = database();
	struct thinner t;

	(void)state;
	write_rows(db, ENTITY_TREE, 60 * 1000000000LL);
	thin_init(&t, db, 1000, INTERVAL);
	t.used_bytes = 800;
	for (int i = 0; i < 100; i++)
		assert_int_equal(thin_step(&t, 120 * 1000000000LL, 1000), SQLITE_OK);
	assert_int_equal(t.until_ns, 0);
	thin_finish(&t);
	sqlite3_close(db);
}

/* ---- a whole recording ------------------------------------------------------------------------ */

static char path[64];

/* A quarter of an hour of 60 busy processes at 10 Hz, in a file for a fraction of it: a peak in the first minute stays. */
static void test_the_file_stays_small(void **state)
{
	char dir[] = "/tmp/memmon-test-XXXXXX", command[64], why[256];
	struct run run = { .version = "0.1.0",
			   .started = "2026-11-21T04:36:00+00:00",
			   .max_processes = 100,
			   .interval_s = 0.1 };
	struct recorder_config config = { .path = path, .max_bytes = RECORDER_MIN_BYTES };
	struct model *m = model_create(PAGE, 100);
	struct recorder_file *file;
	struct recording *r;
	struct series series;
	struct sink *sink;
	double most = 0;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/run.memmon", dir);
	assert_int_equal(recorder_open(&config, &file, why, sizeof(why)), 0);
	sink = recorder_create(&run, file);
	for (int i = 0; i < 9000; i++) {
		uint64_t ts = SEC + (uint64_t)i * SEC / 10;

		for (uint32_t pid = 1; pid <= 60; pid++) {
			struct rec_reading rec =
				reading_rec(pid, ts, pid, (int64_t)dice(100000) + 1000);

			rec.at_peak = rec.peak = pages(i < 300 ? 100000 : 9999999, 0, 0, 0);
			if (i == 300 && pid == 30)
				rec.now = pages(9999990, 0, 0, 0); /* nearly */
			APPLY(m, rec);
		}
		TREE(m, ts, 5000 + (int64_t)dice(1000), 60);
		SYSTEM(m, ts, 16ULL << 30, (8ULL << 30) + dice(1000000));
		TICK(m, ts);
		assert_int_equal(sink->ops->tick(sink, model_snapshot(m)), 0);
		if (i % 900 == 0 && stat(path, &st) == 0)
			assert_true(st.st_size <= (off_t)RECORDER_MIN_BYTES);
	}
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size <= (off_t)RECORDER_MIN_BYTES);
	assert_true(st.st_size > (off_t)RECORDER_MIN_BYTES / 4 * 3); /* and it is used */

	assert_int_equal(recording_open(path, &r, why, sizeof(why)), 0);
	assert_true(recording_info(r)->thinned_until_s > 600);
	{
		const struct snapshot *s;
		int64_t id = 0;

		assert_int_equal(recording_snapshot(r, &s, why, sizeof(why)), 0);
		for (size_t i = 0; i < s->n_processes; i++)
			if (s->processes[i]->pid == 30)
				id = recording_process_id(r, s->processes[i]);
		assert_int_equal(recording_series(r, ENTITY_PROCESS, id, "rss", 1000, &series), 0);
	}
	for (size_t i = 0; i < series.n; i++)
		if (series.points[i].max > most)
			most = series.points[i].max;
	assert_true(fabs(most - 9999999.0 * PAGE) < 0.5);
	/* all of it is there, about equally well */
	assert_true(series.n > 200);
	for (size_t i = 1; i < series.n; i++)
		assert_true(series.points[i].at_s - series.points[i - 1].at_s < 60);
	series_finish(&series);
	recording_close(r);
	model_destroy(m);
	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_survives),
		cmocka_unit_test(test_rows_of_nobody_go),
		cmocka_unit_test(test_enough_room_means_nothing),
		cmocka_unit_test(test_the_file_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif

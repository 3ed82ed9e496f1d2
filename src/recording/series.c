/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows as cursors, series and events. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "../model/fields.h"
#include "reader.h"
#include "samples.h"
#include "schema.h"

const char *const *recording_figures(enum entity entity, size_t *n)
{
	*n = sample_tables[entity].n;
	return sample_tables[entity].figures;
}

/* ---- cursors ---------------------------------------------------------------------------------- */

struct recording_cursor {
	sqlite3_stmt *stmt;
	enum entity entity;
};

int recording_cursor_open(struct recording *r, enum entity entity, struct recording_cursor **out)
{
	struct recording_cursor *c = calloc(1, sizeof(*c));
	int err;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->entity = entity;
	err = reader_error(samples_prepare_select(
		r->db, entity, sample_tables[entity].many ? "ORDER BY at_ns, id" : "ORDER BY at_ns",
		&c->stmt));
	if (err)
		recording_cursor_close(c);
	else
		*out = c;
	return err;
}

int recording_cursor_next(struct recording_cursor *c, struct sample *out)
{
	int err = reader_step(c->stmt);

	if (err == 1) {
		err = samples_read(c->stmt, c->entity, out);
		return err ? err : 1;
	}
	return err;
}

void recording_cursor_close(struct recording_cursor *c)
{
	if (!c)
		return;
	sqlite3_finalize(c->stmt);
	free(c);
}

/* ---- series ----------------------------------------------------------------------------------- */

/* One of the wanted ids. */
struct wanted {
	int64_t id;
	struct series *to;
	size_t cap;
	double held; /* by the newest row; NAN = not known, or none yet */
	int64_t at_ns, bucket; /* of the newest row; -1 = none yet */
	struct point open; /* the bucket that is being filled */
	UT_hash_handle hh;
};

struct wish {
	struct recording *r;
	enum entity entity;
	const char *figure;
	size_t index; /* of the figure */
	int64_t width_ns; /* of a bucket; 0 = all rows */
};

void series_finish(struct series *s)
{
	free(s->points);
	*s = (struct series){ .n = 0 };
}

static int push(struct wanted *w, struct point p)
{
	if (w->to->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct point *more = realloc(w->to->points, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->to->points = more;
		w->cap = cap;
	}
	w->to->points[w->to->n++] = p;
	return 0;
}

static double real_of(int64_t v)
{
	return v == SAMPLE_UNKNOWN ? NAN : (double)v;
}

static double lower(double a, double b)
{
	return isnan(a) || b < a ? b : a;
}

static double higher(double a, double b)
{
	return isnan(a) || b > a ? b : a;
}

static struct point flat(int64_t at_ns, double v)
{
	return (struct point){ .at_s = (double)at_ns / 1e9, .last = v, .min = v, .max = v };
}

/* What a field of the process says, of which figures are made: "rss", "first", "peak.rss". */
static double process_figure(const struct wish *w, const struct process *p, const char *name)
{
	const struct process_field *f = process_field_find(name);
	const struct snapshot *s;
	struct field_value v = { .known = false };
	char why[8];

	if (f && recording_snapshot(w->r, &s, why, sizeof(why)) == 0)
		v = f->get(s, p);
	return v.known ? (double)v.whole : NAN;
}

/* The three moments of which a process's own row tells: -1 where it does not. */
struct moments {
	int64_t begin_ns, peak_ns, end_ns;
	double first, peak, last;
};

static int64_t since(const struct wish *w, uint64_t ts_ns)
{
	uint64_t clock = w->r->units.clock_ns;

	return ts_ns > clock && ts_ns - clock <= INT64_MAX ? (int64_t)(ts_ns - clock) : 0;
}

static struct moments moments_of(const struct wish *w, int64_t id)
{
	struct moments m = { -1, -1, w->r->duration_ns, NAN, NAN, NAN };
	const struct process *p;
	char name[64];

	if (w->entity != ENTITY_PROCESS)
		return m;
	p = loaded_process(w->r, id);
	if (!p)
		return m;
	m.begin_ns = since(w, p->watched_ns);
	if (p->end_ns)
		m.end_ns = since(w, p->end_ns);
	if (w->index > 4)
		return m; /* only rss and its kinds are known of all three */
	m.peak_ns = since(w, p->reading.peak_ns);
	snprintf(name, sizeof(name), w->index ? "first.%s" : "first", w->figure);
	m.first = process_figure(w, p, name);
	snprintf(name, sizeof(name), w->index ? "at_peak.%s" : "peak.%s", w->figure);
	m.peak = process_figure(w, p, name);
	m.last = process_figure(w, p, w->figure);
	return m;
}

static int begin_series(const struct wish *wish, struct wanted *w, int64_t at_ns)
{
	struct moments m = moments_of(wish, w->id);

	/* a process is sampled from the first look on, which may be late */
	return m.begin_ns >= 0 && m.begin_ns < at_ns && !isnan(m.first) ?
		       push(w, flat(m.begin_ns, m.first)) :
		       0;
}

static int add_row(const struct wish *wish, struct wanted *w, int64_t at_ns, double last,
		   double min, double max)
{
	int64_t bucket = wish->width_ns ? at_ns / wish->width_ns : at_ns;
	int err = 0;

	if (w->at_ns < 0)
		err = begin_series(wish, w, at_ns);
	else if (bucket != w->bucket)
		err = push(w, w->open);
	if (w->at_ns < 0 || bucket != w->bucket) {
		w->open = flat(at_ns, NAN);
		if (wish->width_ns)
			w->open.min = w->open.max = w->held;
	}
	w->open.at_s = (double)at_ns / 1e9;
	w->open.last = last;
	w->open.min = lower(w->open.min, min);
	w->open.max = higher(w->open.max, max);
	w->bucket = bucket;
	w->at_ns = at_ns;
	w->held = last;
	return err;
}

static int end_series(const struct wish *wish, struct wanted *w)
{
	struct moments m = moments_of(wish, w->id);
	int err = 0;

	if (w->at_ns >= 0) {
		err = push(w, w->open);
		if (!err && m.end_ns > w->at_ns && !isnan(w->held))
			err = push(w, flat(m.end_ns, w->held));
		return err;
	}
	/* too short for a row: what is known of it all the same */
	if (m.begin_ns < 0)
		return 0;
	if (!isnan(m.first))
		err = push(w, flat(m.begin_ns, m.first));
	if (!err && !isnan(m.peak) && m.peak_ns >= m.begin_ns && m.peak_ns <= m.end_ns)
		err = push(w, flat(m.peak_ns, m.peak));
	if (!err && !isnan(m.last) && m.end_ns > m.begin_ns)
		err = push(w, flat(m.end_ns, m.last));
	return err;
}

static int prepare_figure(const struct wish *w, bool one, int64_t id, sqlite3_stmt **stmt)
{
	const struct sample_table *t = &sample_tables[w->entity];
	bool ranged = w->index < t->ranged;
	char range[96] = "NULL, NULL", sql[512];
	int rc;

	if (ranged)
		snprintf(range, sizeof(range), "%s_min, %s_max", w->figure, w->figure);
	snprintf(sql, sizeof(sql), "SELECT at_ns, %s, \"%s\", %s FROM %s %s ORDER BY at_ns",
		 t->many ? "id" : "0", w->figure, range, t->name,
		 t->many && one ? "WHERE id = ?1" : "");
	rc = sqlite3_prepare_v2(w->r->db, sql, -1, stmt, NULL);
	if (!rc && t->many && one)
		rc = sqlite3_bind_int64(*stmt, 1, id);
	return reader_error(rc);
}

static int read_figure(const struct wish *wish, sqlite3_stmt *stmt, struct wanted *all)
{
	int64_t at = 0, id = 0, last = 0, min = 0, max = 0;
	struct wanted *w;
	int err;

	err = read_integer(stmt, 0, 0, INT64_MAX, 0, &at);
	err = err ? err : read_integer(stmt, 1, 0, INT64_MAX, 0, &id);
	err = err ? err : read_integer(stmt, 2, 0, INT64_MAX, SAMPLE_UNKNOWN, &last);
	err = err ? err : read_integer(stmt, 3, 0, INT64_MAX, last, &min);
	err = err ? err : read_integer(stmt, 4, 0, INT64_MAX, last, &max);
	if (err)
		return err;
	HASH_FIND(hh, all, &id, sizeof(id), w);
	if (!w)
		return 0;
	return add_row(wish, w, at, real_of(last), real_of(min), real_of(max));
}

static int find_figure(enum entity entity, const char *figure, size_t *index)
{
	const struct sample_table *t = &sample_tables[entity];

	for (*index = 0; *index < t->n; ++*index)
		if (!strcmp(t->figures[*index], figure))
			return 0;
	return -ENOENT;
}

int recording_series_of(struct recording *r, enum entity entity, const int64_t *ids, size_t n,
			const char *figure, size_t buckets, struct series *out)
{
	struct wish wish = { .r = r, .entity = entity, .figure = figure };
	struct wanted *list = calloc(n + 1, sizeof(*list)), *all = NULL;
	sqlite3_stmt *stmt = NULL;
	int err = find_figure(entity, figure, &wish.index);

	memset(out, 0, n * sizeof(*out));
	if (buckets)
		wish.width_ns = r->duration_ns / (int64_t)buckets + 1;
	if (!err && !list)
		err = -ENOMEM;
	if (!err && entity == ENTITY_PROCESS)
		err = recording_load(r);
	for (size_t i = 0; !err && i < n; i++) {
		size_t before = HASH_COUNT(all);

		list[i] = (struct wanted){ .id = ids[i], .to = &out[i], .held = NAN, .at_ns = -1 };
		HASH_ADD(hh, all, id, sizeof(list[i].id), &list[i]);
		if (HASH_COUNT(all) == before)
			err = -ENOMEM;
	}
	if (!err)
		err = prepare_figure(&wish, n == 1, n ? ids[0] : 0, &stmt);
	while (!err && (err = reader_step(stmt)) == 1)
		err = read_figure(&wish, stmt, all);
	sqlite3_finalize(stmt);
	for (size_t i = 0; !err && i < n; i++)
		err = end_series(&wish, &list[i]);
	HASH_CLEAR(hh, all);
	free(list);
	for (size_t i = 0; err && i < n; i++)
		series_finish(&out[i]);
	return err;
}

int recording_series(struct recording *r, enum entity entity, int64_t id, const char *figure,
		     size_t buckets, struct series *out)
{
	return recording_series_of(r, entity, &id, 1, figure, buckets, out);
}

/* ---- events ----------------------------------------------------------------------------------- */

static int read_event(struct recording *r, sqlite3_stmt *stmt, struct recorded_event *e)
{
	int64_t at = 0, pid = 0;
	int err = read_integer(stmt, 0, INT64_MIN, INT64_MAX, 0, &at);

	*e = (struct recorded_event){ 0 };
	err = err ? err : read_text(stmt, 1, &r->texts, &e->kind);
	err = err ? err : read_integer(stmt, 2, 0, UINT32_MAX, 0, &pid);
	err = err ? err : read_name(stmt, 3, &r->texts, &e->comm);
	err = err ? err : read_text(stmt, 5, &r->texts, &e->text);
	e->at_s = at > 0 ? (double)at / 1e9 : 0;
	e->pid = (uint32_t)pid;
	if (!e->text)
		e->text = "";
	return err ? err : e->kind ? 0 : -EINVAL;
}

static int load_events(struct recording *r)
{
	sqlite3_stmt *stmt = NULL;
	size_t cap = 0, n = 0;
	struct recorded_event *list = NULL;
	int err = reader_error(sqlite3_prepare_v2(r->db, EVENTS_SQL " ORDER BY at_ns DESC LIMIT ?1",
						  -1, &stmt, NULL));

	if (!err)
		err = reader_error(sqlite3_bind_int64(stmt, 1, RECORDING_EVENTS));
	while (!err && (err = reader_step(stmt)) == 1) {
		if (n == cap) {
			struct recorded_event *more =
				realloc(list, (cap ? cap * 2 : 64) * sizeof(*list));

			if (!more) {
				err = -ENOMEM;
				break;
			}
			list = more;
			cap = cap ? cap * 2 : 64;
		}
		err = read_event(r, stmt, &list[n++]);
	}
	sqlite3_finalize(stmt);
	for (size_t i = 0; !err && i < n / 2; i++) {
		struct recorded_event e = list[i];

		list[i] = list[n - 1 - i];
		list[n - 1 - i] = e;
	}
	if (err) {
		free(list);
		return err;
	}
	r->events = list ? list : calloc(1, sizeof(*list));
	r->n_events = n;
	return r->events ? 0 : -ENOMEM;
}

int recording_events(struct recording *r, const struct recorded_event **out, size_t *n)
{
	int err = r->events ? 0 : load_events(r);

	*out = r->events;
	*n = err ? 0 : r->n_events;
	return err;
}

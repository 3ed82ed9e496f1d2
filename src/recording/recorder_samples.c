/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The series: which field of the snapshot is which figure of a row, and when there is a row.
 *
 * In a storm of short processes the rows of each would be most of the file, and tell nothing: a process
 * that was over within a second is told of by its row in `processes` alone, once many were seen.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "recorder_state.h"

#define DETAILED_PROCESSES 256 /* so many have rows from the first tick on */
#define YOUNG_NS 1000000000ULL
#define EXECS_MAX 64 /* of one process */

static const char *const tree_fields[SAMPLE_FIGURES] = {
	"rss",
	"anon",
	"file",
	"shmem",
	"swap",
	"footprint",
	"processes.live",
	"faults.minor",
	"faults.major",
	"cpu",
	"overhead.lost_records",
	"sampled",
};
static const char *const tree_peaks[SAMPLE_FIGURES] = {
	"peak.rss", "max.anon",       "max.file",       "max.shmem",
	"max.swap", "peak.footprint", "peak_processes",
};
static const char *const system_fields[SAMPLE_FIGURES] = {
	"system.available",
	"system.pressure.some",
	"system.pressure.full",
};
static const char *const charge_fields[SAMPLE_FIGURES] = {
	"charged.current", "charged.anon",   "charged.file",
	"charged.shmem",   "charged.kernel", "charged.limit",
};
static const char *const charge_peaks[SAMPLE_FIGURES] = { "charged.peak" };
static const char *const no_peaks[SAMPLE_FIGURES];
static const char *const process_names[SAMPLE_FIGURES] = {
	"rss", "anon", "file", "shmem", "swap", "pss", "faults.minor", "faults.major", "cpu",
};
static const char *const process_peaks[SAMPLE_FIGURES] = {
	"peak.rss", "peak.anon", "peak.file", "peak.shmem", "peak.swap",
};

/* A change of these makes a row; the others only grow, and go with it. */
static bool makes_row(enum entity entity, size_t figure)
{
	return figure < sample_tables[entity].ranged || (entity == ENTITY_TREE && figure >= 10);
}

static int64_t figure_of(struct field_value v, enum field_unit unit, const char *figure)
{
	if (!v.known)
		return SAMPLE_UNKNOWN;
	if (unit == FIELD_SECONDS) {
		double scale = strstr(figure, "pressure") ? 1e6 : 1e9;

		return v.real > 0 && v.real < 9e9 ? (int64_t)llround(v.real * scale) : 0;
	}
	return v.whole > 0 ? v.whole : 0;
}

static void clear(struct look *look)
{
	for (size_t i = 0; i < SAMPLE_FIGURES; i++)
		look->now[i] = look->peak[i] = look->within[i] = SAMPLE_UNKNOWN;
}

static int64_t get(const struct snapshot *s, const char *name)
{
	const struct field *f = name ? field_find(name) : NULL;

	return f ? figure_of(f->get(s), f->unit, name) : SAMPLE_UNKNOWN;
}

static void look_at(struct look *look, const struct snapshot *s, const char *const *fields,
		    const char *const *peaks)
{
	clear(look);
	for (size_t i = 0; i < SAMPLE_FIGURES; i++) {
		look->now[i] = get(s, fields[i]);
		look->peak[i] = get(s, peaks[i]);
	}
}

/* Looked up once: there may be many processes. */
static const struct process_field *process_fields_of[SAMPLE_FIGURES];
static const struct process_field *process_peaks_of[SAMPLE_FIGURES];

bool recorder_fields_known(void)
{
	static const char *const *const lists[] = { tree_fields, tree_peaks, system_fields,
						    charge_fields, charge_peaks };
	bool known = true;

	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++)
		for (size_t i = 0; i < SAMPLE_FIGURES; i++)
			known = known && (!lists[l][i] || field_find(lists[l][i]));
	for (size_t i = 0; i < SAMPLE_FIGURES; i++) {
		if (process_names[i])
			process_fields_of[i] = process_field_find(process_names[i]);
		if (process_peaks[i])
			process_peaks_of[i] = process_field_find(process_peaks[i]);
		known = known && !process_names[i] == !process_fields_of[i];
		known = known && !process_peaks[i] == !process_peaks_of[i];
	}
	return known;
}

static void look_at_process(struct look *look, const struct snapshot *s, const struct process *p)
{
	clear(look);
	for (size_t i = 0; i < sample_tables[ENTITY_PROCESS].n; i++) {
		const struct process_field *f = process_fields_of[i], *peak = process_peaks_of[i];

		look->now[i] = figure_of(f->get(s, p), f->unit, f->name);
		if (peak)
			look->peak[i] = figure_of(peak->get(s, p), peak->unit, peak->name);
	}
}

/* ---- rows ------------------------------------------------------------------------------------- */

static bool fill_row(struct sample *row, enum entity entity, const struct look *look,
		     const struct track *before)
{
	bool worth = false;

	for (size_t i = 0; i < SAMPLE_FIGURES; i++) {
		int64_t last = look->now[i], max = last;

		if (look->within[i] > max)
			max = look->within[i];
		/* a peak that is new has been since the last look */
		if (look->peak[i] > max && (!before->any || look->peak[i] > before->peak[i]))
			max = look->peak[i];
		row->last[i] = last;
		row->min[i] = last;
		row->max[i] = max;
		if (makes_row(entity, i) && (max > last || last != before->last[i]))
			worth = true;
	}
	return worth;
}

static bool is_nothing(const struct look *look)
{
	for (size_t i = 0; i < SAMPLE_FIGURES; i++)
		if (look->now[i] != SAMPLE_UNKNOWN || look->peak[i] != SAMPLE_UNKNOWN)
			return false;
	return true;
}

int recorder_take(struct recorder *r, enum entity entity, int64_t id, int64_t at_ns,
		  const struct look *look, struct track *track)
{
	struct sample row = { .at_ns = at_ns, .id = id };
	int rc = SQLITE_OK;

	if (!track->any) {
		if (is_nothing(look))
			return SQLITE_OK;
		for (size_t i = 0; i < SAMPLE_FIGURES; i++)
			track->last[i] = track->peak[i] = SAMPLE_UNKNOWN;
	}
	if (!fill_row(&row, entity, look, track))
		return SQLITE_OK;
	if (!r->inserts[entity])
		rc = samples_prepare_insert(r->db, entity, &r->inserts[entity]);
	if (!rc)
		rc = samples_insert(r->inserts[entity], entity, &row);
	if (rc)
		return rc;
	r->rows++;
	track->any = true;
	memcpy(track->last, look->now, sizeof(track->last));
	memcpy(track->peak, look->peak, sizeof(track->peak));
	return SQLITE_OK;
}

/* ---- processes -------------------------------------------------------------------------------- */

struct recorded_process *recorder_process(struct recorder *r, const struct process *p, bool add)
{
	const struct process_key key = { .start_ns = p->start_ns, .pid = p->pid };
	size_t before = HASH_COUNT(r->processes);
	struct recorded_process *e;

	HASH_FIND(hh, r->processes, &key, sizeof(key), e);
	if (e || !add)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->key = key;
	e->id = ++r->newest_process;
	e->at_ns = -1;
	memcpy(e->comm, p->comm, COMM_LEN);
	HASH_ADD(hh, r->processes, key, sizeof(e->key), e);
	if (HASH_COUNT(r->processes) == before) {
		free(e);
		return NULL;
	}
	HASH_ADD(by_id, r->by_id, id, sizeof(e->id), e);
	if (HASH_CNT(by_id, r->by_id) == before) {
		HASH_DELETE(hh, r->processes, e);
		free(e);
		return NULL;
	}
	return e;
}

static int put_exec(struct recorder *r, struct recorded_process *e, const struct process *p,
		    int64_t at_ns)
{
	sqlite3_stmt *put;
	int rc;

	if (!memcmp(e->comm, p->comm, COMM_LEN) || e->execs == EXECS_MAX)
		return SQLITE_OK;
	memcpy(e->comm, p->comm, COMM_LEN);
	e->execs++;
	put = recorder_statement(r, PUT_EXEC);
	if (!put)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, e->id);
	sqlite3_bind_int64(put, 2, at_ns);
	sqlite3_bind_int64(put, 3, p->pid);
	rc = bind_name(put, 4, p->comm, strnlen(p->comm, COMM_LEN));
	return rc ? rc : recorder_run(put);
}

static int sample_process(struct recorder *r, const struct snapshot *s, const struct process *p,
			  int64_t now_ns)
{
	bool young = s->tree.processes > DETAILED_PROCESSES &&
		     s->now_ns - p->watched_ns < YOUNG_NS && p->how != START_COMMAND;
	struct recorded_process *e = recorder_process(r, p, !p->end_ns && !young);
	struct look look;
	int rc;

	if (!e || e->ended)
		return SQLITE_OK; /* without memory for it, it has no series */
	if (p->end_ns) {
		/* its last row says what came between the last look and the end */
		e->ended = true;
		if (e->at_ns < 0)
			return SQLITE_OK;
		now_ns = recorder_time(r, p->end_ns);
		if (now_ns <= e->at_ns)
			now_ns = e->at_ns + 1;
	} else if (e->at_ns >= 0 && e->reading_ns == p->reading.head.ts_ns &&
		   e->pss_bytes == p->pss_bytes) {
		return put_exec(r, e, p, now_ns);
	}
	e->reading_ns = p->reading.head.ts_ns;
	e->pss_bytes = p->pss_bytes;
	look_at_process(&look, s, p);
	rc = recorder_take(r, ENTITY_PROCESS, e->id, now_ns, &look, &e->track);
	e->at_ns = now_ns;
	return rc ? rc : put_exec(r, e, p, now_ns);
}

static int put_loss(struct recorder *r, const struct snapshot *s, int64_t now_ns)
{
	uint64_t lost = s->cost.known ? s->cost.last.lost_records : 0;
	sqlite3_stmt *put;

	if (lost <= r->lost)
		return SQLITE_OK;
	put = recorder_statement(r, PUT_LOSS);
	if (!put)
		return sqlite3_errcode(r->db);
	sqlite3_bind_int64(put, 1, now_ns);
	sqlite3_bind_int64(put, 2, (int64_t)(lost - r->lost));
	r->lost = lost;
	return recorder_run(put);
}

int recorder_sample(struct recorder *r, const struct snapshot *s)
{
	int64_t now_ns = recorder_time(r, s->now_ns);
	struct look look;
	int rc;

	look_at(&look, s, tree_fields, tree_peaks);
	/*
	 * Crossing the buckets of each process tells of peaks between two looks; as these are heard of one
	 * after the other, their sum may be a little more than what was ever held at once.
	 */
	look.within[0] = get(s, "interval.peak");
	if (look.within[0] > look.peak[0])
		look.within[0] = look.peak[0];
	rc = recorder_take(r, ENTITY_TREE, 0, now_ns, &look, &r->tree);
	if (!rc) {
		look_at(&look, s, system_fields, no_peaks);
		rc = recorder_take(r, ENTITY_SYSTEM, 0, now_ns, &look, &r->system);
	}
	if (!rc) {
		look_at(&look, s, charge_fields, charge_peaks);
		rc = recorder_take(r, ENTITY_CHARGE, 0, now_ns, &look, &r->charge);
	}
	for (size_t i = 0; !rc && i < s->n_processes; i++)
		rc = sample_process(r, s, s->processes[i], now_ns);
	return rc ? rc : put_loss(r, s, now_ns);
}

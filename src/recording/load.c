/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last snapshot, rebuilt from the state tables; what tables.c does not describe, lists and what hangs
 * on them, is here. Values that a sink uses as an index are checked; the others only have to be numbers.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"
#include "tables.h"

#define PROCESSES_MAX 1100000 /* --max-processes, and the live ones */
#define STEPS_MAX 64 /* as many as the model keeps: see model/state.h */
#define KILLS_MAX 64
#define HOLDERS_MAX 1024 /* of one file */

struct loaded {
	struct snapshot snap;
	struct loaded_process *processes;
	const struct process **order;
	struct mode_step steps[STEPS_MAX];
	struct oom_kill kills[KILLS_MAX];
	struct shm_view shm;
	struct loaded_mount *mounts;
	const struct shm_mount **mount_order;
	struct shm_file *files; /* of all mounts, as the following */
	const struct shm_file **file_order;
	struct shm_holder *holders;
	struct shm_charger *chargers;
	struct shm_full *fulls;
};

void loaded_destroy(struct loaded *l)
{
	if (!l)
		return;
	free(l->processes);
	free(l->order);
	free(l->mounts);
	free(l->mount_order);
	free(l->files);
	free(l->file_order);
	free(l->holders);
	free(l->chargers);
	free(l->fulls);
	free(l);
}

/* A growing array: room for one more element. */
static int make_room(void **list, size_t n, size_t size, size_t most)
{
	void *more;

	if (n >= most)
		return -EINVAL;
	if (n & (n - 1)) /* room is a power of two */
		return 0;
	more = realloc(*list, (n ? n * 2 : 1) * size);
	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

static int prepare(struct recording *r, const struct table *t, const char *rest,
		   sqlite3_stmt **stmt)
{
	return reader_error(table_prepare_get(r->db, t, rest, stmt));
}

/* ---- the whole watch -------------------------------------------------------------------------- */

static int load_totals(struct recording *r, struct loaded *l, bool *shm_known)
{
	struct snapshot *s = &l->snap;
	int64_t known = 0, survey = 0, full = 0;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &totals_table, "", &stmt), more;

	*shm_known = false;
	if (!err)
		err = reader_step(stmt);
	if (err != 1)
		goto out; /* an empty run has none */
	err = table_read(stmt, &totals_table, &r->units, &r->texts, s, &more);
	/* NULL = the watch had nothing to do with shared memory */
	if (!err && sqlite3_column_type(stmt, more) != SQLITE_NULL) {
		err = read_integer(stmt, more, 0, 1, 0, &known);
		err = err ? err : read_integer(stmt, more + 1, INT64_MIN, INT64_MAX, 0, &survey);
		err = err ? err : read_integer(stmt, more + 2, 0, INT64_MAX, 0, &full);
		l->shm.known = known;
		l->shm.survey_ns = r->units.clock_ns + (uint64_t)survey;
		l->shm.full = (uint64_t)full;
		*shm_known = true;
	}
out:
	sqlite3_finalize(stmt);
	return err;
}

/* ---- processes -------------------------------------------------------------------------------- */

static uint64_t order_weight(const struct process *p)
{
	if (!p->has_reading || p->reading.flags & READING_NO_MM)
		return 0;
	return rss_pages(p->end_ns ? &p->reading.at_peak : &p->reading.now);
}

/* The order of a snapshot: see model.h. */
static int compare_processes(const void *left, const void *right)
{
	const struct process *p = *(const struct process *const *)left;
	const struct process *q = *(const struct process *const *)right;

	if (!p->end_ns != !q->end_ns)
		return p->end_ns ? 1 : -1;
	if (order_weight(p) != order_weight(q))
		return order_weight(p) < order_weight(q) ? 1 : -1;
	if (p->pid != q->pid)
		return p->pid < q->pid ? -1 : 1;
	return (p->start_ns > q->start_ns) - (p->start_ns < q->start_ns);
}

static int load_process(struct recording *r, sqlite3_stmt *stmt, struct loaded_process *to)
{
	struct process *p = &to->p;
	int err;

	memset(to, 0, sizeof(*to));
	err = table_read(stmt, &processes_table, &r->units, &r->texts, p, NULL);
	err = err ? err : read_integer(stmt, 0, 1, INT64_MAX, 0, &to->id);
	if (p->watched_ns < r->units.clock_ns)
		p->watched_ns = r->units.clock_ns;
	p->reading.head.type = REC_READING;
	p->reading.head.size = sizeof(p->reading);
	p->reading.head.pid = p->pid;
	p->reading.head.start_ns = p->start_ns;
	p->reading.ppid = p->ppid;
	p->reading.how = p->how;
	memcpy(p->reading.comm, p->comm, COMM_LEN);
	return err;
}

static int load_processes(struct recording *r, struct loaded *l)
{
	struct snapshot *s = &l->snap;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &processes_table, "ORDER BY id", &stmt);

	while (!err && (err = reader_step(stmt)) == 1) {
		err = make_room((void **)&l->processes, s->n_processes, sizeof(*l->processes),
				PROCESSES_MAX);
		if (!err)
			err = load_process(r, stmt, &l->processes[s->n_processes]);
		if (!err && !l->processes[s->n_processes].p.end_ns)
			s->n_live++;
		s->n_processes++;
	}
	sqlite3_finalize(stmt);
	l->order = calloc(s->n_processes + 1, sizeof(*l->order));
	if (!err && !l->order)
		err = -ENOMEM;
	if (err)
		return err;
	for (size_t i = 0; i < s->n_processes; i++)
		l->order[i] = &l->processes[i].p;
	if (s->n_processes)
		qsort(l->order, s->n_processes, sizeof(*l->order), compare_processes);
	s->processes = l->order;
	return 0;
}

/* ---- what has a moment ------------------------------------------------------------------------ */

static int load_steps(struct recording *r, struct loaded *l)
{
	struct snapshot *s = &l->snap;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &mode_steps_table,
			  "WHERE number > (SELECT coalesce(max(number), 0) FROM mode_steps) - 64 "
			  "ORDER BY number",
			  &stmt);

	while (!err && (err = reader_step(stmt)) == 1) {
		struct mode_step *step = &l->steps[s->mode.n_steps];
		int64_t number = 0;

		if (s->mode.n_steps == STEPS_MAX) {
			err = -EINVAL;
			break;
		}
		err = table_read(stmt, &mode_steps_table, &r->units, &r->texts, step, NULL);
		err = err ? err : read_integer(stmt, 0, 1, INT64_MAX, 0, &number);
		step->number = (uint64_t)number;
		if (!err && ((unsigned int)step->mode >= WATCH_MODES ||
			     (unsigned int)step->why >= MODE_WHYS))
			err = -EINVAL;
		s->mode.n_steps++;
	}
	s->mode.steps = l->steps;
	sqlite3_finalize(stmt);
	return err;
}

static int load_largest(struct recording *r, int64_t number, struct oom_kill *kill)
{
	const size_t n = sizeof(kill->top) / sizeof(kill->top[0]);
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &oom_largest_table, "WHERE kill = ?1 ORDER BY position", &stmt);

	if (!err)
		err = reader_error(sqlite3_bind_int64(stmt, 1, number));
	for (size_t i = 0; !err && i < n && (err = reader_step(stmt)) == 1; i++)
		err = table_read(stmt, &oom_largest_table, &r->units, &r->texts, &kill->top[i],
				 NULL);
	sqlite3_finalize(stmt);
	return err;
}

static int load_kills(struct recording *r, struct loaded *l)
{
	struct snapshot *s = &l->snap;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &oom_kills_table,
			  "WHERE number > (SELECT coalesce(max(number), 0) FROM oom_kills) - 64 "
			  "ORDER BY number",
			  &stmt);

	while (!err && (err = reader_step(stmt)) == 1) {
		struct oom_kill *kill = &l->kills[s->n_oom];
		int64_t number = 0;

		if (s->n_oom == KILLS_MAX) {
			err = -EINVAL;
			break;
		}
		err = table_read(stmt, &oom_kills_table, &r->units, &r->texts, kill, NULL);
		err = err ? err : read_integer(stmt, 0, 1, INT64_MAX, 0, &number);
		err = err ? err : load_largest(r, number, kill);
		s->n_oom++;
	}
	s->oom = l->kills;
	sqlite3_finalize(stmt);
	return err;
}

/* ---- shared memory ---------------------------------------------------------------------------- */

static struct loaded_mount *find_mount(struct loaded *l, int64_t id)
{
	for (size_t i = 0; i < l->shm.n_mounts; i++)
		if (l->mounts[i].id == id)
			return &l->mounts[i];
	return NULL;
}

static int load_mounts(struct recording *r, struct loaded *l)
{
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &shm_mounts_table, "WHERE position IS NOT NULL ORDER BY position, id",
			  &stmt);

	while (!err && (err = reader_step(stmt)) == 1) {
		int64_t omitted = 0, bytes = 0;
		struct loaded_mount *m;

		err = make_room((void **)&l->mounts, l->shm.n_mounts, sizeof(*l->mounts),
				2 * SHM_MOUNTS);
		if (err)
			break;
		m = &l->mounts[l->shm.n_mounts++];
		memset(m, 0, sizeof(*m));
		err = table_read(stmt, &shm_mounts_table, &r->units, &r->texts, &m->m, NULL);
		err = err ? err : read_integer(stmt, 0, 1, INT64_MAX, 0, &m->id);
		err = err ? err : read_integer(stmt, 2, 0, INT64_MAX, 0, &omitted);
		err = err ? err : read_integer(stmt, 3, 0, INT64_MAX, 0, &bytes);
		m->m.files_omitted = (uint64_t)omitted;
		m->m.files_omitted_bytes = (uint64_t)bytes;
		m->m.rec.head.type = REC_SHM_MOUNT;
		m->m.rec.head.size = sizeof(m->m.rec);
		if (!m->m.point || !m->m.container_id || !m->m.container || !m->m.runtime)
			err = err ? err : -EINVAL;
	}
	sqlite3_finalize(stmt);
	l->mount_order = calloc(l->shm.n_mounts + 1, sizeof(*l->mount_order));
	if (!err && !l->mount_order)
		err = -ENOMEM;
	if (err)
		return err;
	for (size_t i = 0; i < l->shm.n_mounts; i++)
		l->mount_order[i] = &l->mounts[i].m;
	l->shm.mounts = l->mount_order;
	return 0;
}

/* "[4711, 4712]" */
static int parse_holders(struct loaded *l, const char *text, size_t *all, struct shm_file *f)
{
	const char *at = text;

	if (!text || *at++ != '[')
		return text ? -EINVAL : 0;
	while (*at && *at != ']') {
		char *end;
		unsigned long pid = strtoul(at, &end, 10);
		int err;

		if (end == at || pid > UINT32_MAX || f->n_holders >= HOLDERS_MAX)
			return -EINVAL;
		err = make_room((void **)&l->holders, *all, sizeof(*l->holders), SHM_HOLDERS);
		if (err)
			return err;
		l->holders[(*all)++] = (struct shm_holder){ .pid = (uint32_t)pid };
		f->n_holders++;
		at = *end == ',' ? end + 1 : end;
	}
	return 0;
}

/* The files of all mounts, in their order; what points at them is set when none moves any more. */
static int load_files(struct recording *r, struct loaded *l)
{
	size_t n = 0, holders = 0;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &shm_files_table, "ORDER BY mount, position", &stmt), more;

	while (!err && (err = reader_step(stmt)) == 1) {
		struct loaded_mount *m = find_mount(l, sqlite3_column_int64(stmt, 0));
		struct shm_file *f;

		if (!m) {
			err = 0;
			continue;
		}
		err = make_room((void **)&l->files, n, sizeof(*l->files), SHM_FILES);
		if (err)
			break;
		f = &l->files[n++];
		memset(f, 0, sizeof(*f));
		err = table_read(stmt, &shm_files_table, &r->units, &r->texts, f, &more);
		if (!err && (f->rec.kind > SHM_ANON || (unsigned int)f->state > SHM_ORPHAN))
			err = -EINVAL;
		if (!f->path)
			f->path = "";
		f->rec.dev = m->m.rec.dev;
		if (!err && sqlite3_column_type(stmt, more) == SQLITE_TEXT)
			err = parse_holders(l, (const char *)sqlite3_column_text(stmt, more),
					    &holders, f);
		m->m.n_files++;
	}
	sqlite3_finalize(stmt);
	l->file_order = calloc(n + 1, sizeof(*l->file_order));
	if (!err && !l->file_order)
		err = -ENOMEM;
	for (size_t i = 0, at = 0; !err && i < n; i++) {
		l->file_order[i] = &l->files[i];
		if (l->files[i].n_holders)
			l->files[i].holders = l->holders + at;
		at += l->files[i].n_holders;
	}
	return err;
}

static int load_chargers(struct recording *r, struct loaded *l)
{
	size_t n = 0;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &shm_chargers_table, "ORDER BY mount, position", &stmt);

	while (!err && (err = reader_step(stmt)) == 1) {
		struct loaded_mount *m = find_mount(l, sqlite3_column_int64(stmt, 0));

		if (!m) {
			err = 0;
			continue;
		}
		err = make_room((void **)&l->chargers, n, sizeof(*l->chargers), SHM_CHARGERS);
		if (err)
			break;
		memset(&l->chargers[n], 0, sizeof(l->chargers[n]));
		err = table_read(stmt, &shm_chargers_table, &r->units, &r->texts, &l->chargers[n++],
				 NULL);
		m->m.n_chargers++;
	}
	sqlite3_finalize(stmt);
	return err;
}

static int load_full_largest(struct recording *r, struct shm_full *full)
{
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &shm_full_largest_table, "WHERE number = ?1 ORDER BY position", &stmt);

	if (!err)
		err = reader_error(sqlite3_bind_int64(stmt, 1, (int64_t)full->number));
	for (size_t i = 0; !err && i < SHM_FULL_LARGEST && (err = reader_step(stmt)) == 1; i++)
		err = table_read(stmt, &shm_full_largest_table, &r->units, &r->texts,
				 &full->largest[i], NULL);
	sqlite3_finalize(stmt);
	return err;
}

static int load_fulls(struct recording *r, struct loaded *l)
{
	size_t n = 0;
	sqlite3_stmt *stmt = NULL;
	int err = prepare(r, &shm_full_table,
			  "WHERE position IS NOT NULL ORDER BY mount, position, number", &stmt);

	while (!err && (err = reader_step(stmt)) == 1) {
		struct loaded_mount *m = find_mount(l, sqlite3_column_int64(stmt, 1));
		struct shm_full *full;
		int64_t number = 0;

		if (!m) {
			err = 0;
			continue;
		}
		err = make_room((void **)&l->fulls, n, sizeof(*l->fulls), SHM_FULLS);
		if (err)
			break;
		full = &l->fulls[n++];
		memset(full, 0, sizeof(*full));
		err = table_read(stmt, &shm_full_table, &r->units, &r->texts, full, NULL);
		err = err ? err : read_integer(stmt, 0, 1, INT64_MAX, 0, &number);
		full->number = (uint64_t)number;
		full->rec.head.type = REC_SHM_FULL;
		full->rec.head.size = sizeof(full->rec);
		err = err ? err : load_full_largest(r, full);
		m->m.n_full++;
	}
	sqlite3_finalize(stmt);
	return err;
}

static int compare_ids(const void *left, const void *right)
{
	const struct loaded_mount *a = *(struct loaded_mount *const *)left;
	const struct loaded_mount *b = *(struct loaded_mount *const *)right;

	return (a->id > b->id) - (a->id < b->id);
}

/* The lists are in the order of the mounts' ids. */
static int hang_up(struct loaded *l)
{
	size_t files = 0, chargers = 0, fulls = 0, n = l->shm.n_mounts;
	struct loaded_mount **order = calloc(n + 1, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = &l->mounts[i];
	qsort(order, n, sizeof(*order), compare_ids);
	for (size_t i = 0; i < n; i++) {
		struct shm_mount *m = &order[i]->m;

		if (m->n_files)
			m->files = l->file_order + files;
		if (m->n_chargers)
			m->chargers = l->chargers + chargers;
		if (m->n_full)
			m->full = l->fulls + fulls;
		files += m->n_files;
		chargers += m->n_chargers;
		fulls += m->n_full;
	}
	free(order);
	return 0;
}

static int load_shm(struct recording *r, struct loaded *l)
{
	int err = load_mounts(r, l);

	err = err ? err : load_files(r, l);
	err = err ? err : load_chargers(r, l);
	err = err ? err : load_fulls(r, l);
	err = err ? err : hang_up(l);
	l->snap.shm = &l->shm;
	return err;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static void begin(struct recording *r, struct snapshot *s)
{
	s->page_bytes = r->units.page_bytes;
	s->start_ns = s->now_ns = r->units.clock_ns;
	s->tree.minor_faults = s->tree.major_faults = s->tree.cpu_ns = UNKNOWN_U64;
	for (int i = 0; i < VM_CALLS; i++)
		s->tree.volume[i].calls = s->tree.volume[i].bytes = UNKNOWN_U64;
	s->tree.footprint_first_bytes = UNKNOWN_U64;
	s->tree.footprint_bytes = s->tree.footprint_peak_bytes = UNKNOWN_U64;
}

int recording_load(struct recording *r)
{
	struct loaded *l = calloc(1, sizeof(*l));
	bool shm_known = false;
	int err = l ? 0 : -ENOMEM;

	if (r->loaded) {
		free(l);
		return 0;
	}
	if (!err) {
		begin(r, &l->snap);
		err = load_totals(r, l, &shm_known);
	}
	err = err ? err : load_processes(r, l);
	err = err ? err : load_steps(r, l);
	err = err ? err : load_kills(r, l);
	if (!err && shm_known)
		err = load_shm(r, l);
	if (!err)
		r->loaded = l;
	else
		loaded_destroy(l);
	return err;
}

int recording_snapshot(struct recording *r, const struct snapshot **out, char *why, size_t why_len)
{
	int err = recording_load(r);

	if (err)
		return reader_why(r, err, why, why_len);
	*out = &r->loaded->snap;
	return 0;
}

/* ---- ids -------------------------------------------------------------------------------------- */

int64_t recording_process_id(const struct recording *r, const struct process *p)
{
	const struct loaded_process *first = r->loaded ? r->loaded->processes : NULL;
	const struct loaded_process *is = (const struct loaded_process *)p;

	return first && is >= first && is < first + r->loaded->snap.n_processes ? is->id : 0;
}

int64_t recording_mount_id(const struct recording *r, const struct shm_mount *m)
{
	const struct loaded_mount *first = r->loaded ? r->loaded->mounts : NULL;
	const struct loaded_mount *is = (const struct loaded_mount *)m;

	return first && is >= first && is < first + r->loaded->shm.n_mounts ? is->id : 0;
}

const struct process *loaded_process(const struct recording *r, int64_t id)
{
	size_t low = 0, high = r->loaded ? r->loaded->snap.n_processes : 0;

	while (low < high) { /* they were read in the order of their ids */
		size_t mid = low + (high - low) / 2;

		if (r->loaded->processes[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	if (!r->loaded || low == r->loaded->snap.n_processes || r->loaded->processes[low].id != id)
		return NULL;
	return &r->loaded->processes[low].p;
}

const struct shm_mount *loaded_mount(const struct recording *r, int64_t id)
{
	struct loaded_mount *m = r->loaded ? find_mount(r->loaded, id) : NULL;

	return m ? &m->m : NULL;
}

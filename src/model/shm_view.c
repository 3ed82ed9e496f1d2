/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shm_ledger_view(): what the records amount to. The mounts are put in order at each call; files,
 * chargers and segments only after a record about them, as there may be many.
 */
#include <math.h>
#include <stdlib.h>

#include "shm_ledger.h"

static void add_bytes(uint64_t *sum, uint64_t bytes)
{
	if (bytes != UNKNOWN_U64 && (__builtin_add_overflow(*sum, bytes, sum) || *sum > INT64_MAX))
		*sum = INT64_MAX;
}

/* ---- growth ---- */

/* The first look that the growth is taken from. */
static size_t first_look(const struct shm_mount_entry *m)
{
	uint64_t newest = m->looks[m->n_looks - 1].ts_ns;
	size_t first = m->n_looks > SHM_GROWTH_LOOKS ? m->n_looks - SHM_GROWTH_LOOKS : 0;

	while (first && newest - m->looks[first - 1].ts_ns <= SHM_GROWTH_NS)
		first--;
	return first;
}

static void find_growth(struct shm_mount_entry *m)
{
	double largest = -1, change = 0, seconds = 0, largest_change = 0, largest_s = 0;
	uint64_t limit = m->m.rec.limit_bytes, used = m->m.rec.used_bytes;

	m->m.growth_bytes_s = m->m.full_in_s = NAN;
	if (m->m.gone || m->n_looks < 3)
		return;
	for (size_t i = first_look(m) + 1; i < m->n_looks; i++) {
		double by = (double)m->looks[i].used_bytes - (double)m->looks[i - 1].used_bytes;
		double in = (double)(m->looks[i].ts_ns - m->looks[i - 1].ts_ns) / 1e9;

		change += by;
		seconds += in;
		if (fabs(by) > largest) {
			largest = fabs(by);
			largest_change = by;
			largest_s = in;
		}
	}
	if (seconds - largest_s <= 0)
		return;
	m->m.growth_bytes_s = (change - largest_change) / (seconds - largest_s);
	if (used == UNKNOWN_U64 || limit == UNKNOWN_U64)
		return;
	m->m.full_in_s = -1;
	if (limit && m->m.growth_bytes_s > 0)
		m->m.full_in_s = used < limit ? (double)(limit - used) / m->m.growth_bytes_s : 0;
}

/* ---- files, chargers, segments ---- */

/* By superblock, then the largest. The internal one's and those of no mount come last. */
static int compare_files(const void *left, const void *right)
{
	const struct rec_shm_file *a = &(*(const struct shm_file *const *)left)->rec;
	const struct rec_shm_file *b = &(*(const struct shm_file *const *)right)->rec;
	uint64_t a_bytes = a->bytes == UNKNOWN_U64 ? 0 : a->bytes;
	uint64_t b_bytes = b->bytes == UNKNOWN_U64 ? 0 : b->bytes;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a_bytes != b_bytes)
		return a_bytes > b_bytes ? -1 : 1;
	if (a->ino != b->ino)
		return a->ino < b->ino ? -1 : 1;
	return (a->key > b->key) - (a->key < b->key);
}

/* The same without the superblock. */
static int compare_anonymous(const void *left, const void *right)
{
	struct shm_file a = **(const struct shm_file *const *)left;
	struct shm_file b = **(const struct shm_file *const *)right;
	const struct shm_file *pa = &a, *pb = &b;

	a.rec.dev = b.rec.dev = 0;
	return compare_files(&pa, &pb);
}

static int compare_holders(const void *left, const void *right)
{
	const struct shm_holder *a = left, *b = right;

	return (a->pid > b->pid) - (a->pid < b->pid);
}

static struct shm_mount_entry *mount_of(struct shm_ledger *l, const struct shm_file *f)
{
	return f->rec.kind == SHM_TMPFS ? ledger_mount_find(l, f->rec.dev) : NULL;
}

/* Room for all: first those of mounts, then the anonymous ones. Segments' files are in neither. */
static int list_files(struct shm_ledger *l)
{
	size_t n = HASH_COUNT(l->files), on_mounts = 0, other = n;
	struct shm_file_entry *e;

	free(l->file_order);
	l->file_order = calloc(n + 1, sizeof(*l->file_order));
	if (!l->file_order)
		return -1;
	for (e = l->files; e; e = e->hh.next) {
		if (!e->holders_sorted && e->f.n_holders)
			qsort(e->holders, e->f.n_holders, sizeof(*e->holders), compare_holders);
		e->holders_sorted = true;
		e->f.state = ledger_file_state(l, e);
		if (mount_of(l, &e->f))
			l->file_order[on_mounts++] = &e->f;
		else if (e->f.rec.kind != SHM_SYSV)
			l->file_order[--other] = &e->f;
	}
	qsort(l->file_order, on_mounts, sizeof(*l->file_order), compare_files);
	qsort(l->file_order + other, n - other, sizeof(*l->file_order), compare_anonymous);
	l->view.anonymous = l->file_order + other;
	l->view.n_anonymous = n - other;
	for (size_t i = 0; i < on_mounts; i++) {
		const struct shm_file *f = l->file_order[i];
		struct shm_mount_entry *m = mount_of(l, f);

		if (!m->m.n_files)
			m->m.files = l->file_order + i;
		m->m.n_files++;
		if (f->state != SHM_ORPHAN)
			continue;
		m->m.orphans++;
		add_bytes(&m->m.orphan_bytes, f->rec.bytes);
	}
	return 0;
}

struct charger_order {
	struct shm_charger c;
	uint32_t dev;
};

static int compare_chargers(const void *left, const void *right)
{
	const struct charger_order *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	if (a->c.held_bytes != b->c.held_bytes)
		return a->c.held_bytes > b->c.held_bytes ? -1 : 1;
	if (a->c.charged_bytes != b->c.charged_bytes)
		return a->c.charged_bytes > b->c.charged_bytes ? -1 : 1;
	return (a->c.pid > b->c.pid) - (a->c.pid < b->c.pid);
}

static void sum_held(struct shm_ledger *l)
{
	struct shm_charger_entry *c;
	struct shm_file_entry *e;

	for (c = l->chargers; c; c = c->hh.next)
		c->c.held_bytes = 0;
	for (e = l->files; e; e = e->hh.next) {
		const struct shm_charger_key key = { e->f.rec.head.start_ns, e->f.rec.dev,
						     e->f.rec.head.pid };

		if (!(e->f.rec.flags & SHM_FILE_CREATOR))
			continue;
		HASH_FIND(hh, l->chargers, &key, sizeof(key), c);
		if (c)
			add_bytes(&c->c.held_bytes, e->f.rec.bytes);
	}
}

static int list_chargers(struct shm_ledger *l)
{
	size_t n = 0, all = HASH_COUNT(l->chargers);
	struct charger_order *order = calloc(all + 1, sizeof(*order));
	struct shm_charger_entry *c;

	free(l->charger_order);
	l->charger_order = calloc(all + 1, sizeof(*l->charger_order));
	if (!order || !l->charger_order) {
		free(order);
		return -1;
	}
	sum_held(l);
	for (c = l->chargers; c; c = c->hh.next) {
		order[n++] = (struct charger_order){ c->c, c->key.dev };
	}
	qsort(order, n, sizeof(*order), compare_chargers);
	for (size_t i = 0; i < n; i++) {
		struct shm_mount_entry *m = ledger_mount_find(l, order[i].dev);

		l->charger_order[i] = order[i].c;
		if (!m)
			continue;
		if (!m->m.n_chargers)
			m->m.chargers = l->charger_order + i;
		m->m.n_chargers++;
	}
	free(order);
	return 0;
}

static int compare_segments(const void *left, const void *right)
{
	const struct rec_shm_segment *a = &((const struct shm_segment *)left)->rec;
	const struct rec_shm_segment *b = &((const struct shm_segment *)right)->rec;
	uint32_t a_other = a->flags & SHM_SEGMENT_NAMESPACE;
	uint32_t b_other = b->flags & SHM_SEGMENT_NAMESPACE;

	if (a_other != b_other)
		return a_other ? 1 : -1; /* our own first */
	if (a->ipc_namespace != b->ipc_namespace)
		return a->ipc_namespace < b->ipc_namespace ? -1 : 1;
	return (a->shmid > b->shmid) - (a->shmid < b->shmid);
}

static int list_segments(struct shm_ledger *l)
{
	size_t n = 0, all = HASH_COUNT(l->segments);
	struct shm_segment_entry *s;

	free(l->segment_order);
	l->segment_order = calloc(all + 1, sizeof(*l->segment_order));
	if (!l->segment_order)
		return -1;
	for (s = l->segments; s; s = s->hh.next)
		l->segment_order[n++] = s->s;
	qsort(l->segment_order, n, sizeof(*l->segment_order), compare_segments);
	l->view.segments = l->segment_order;
	l->view.n_segments = n;
	return 0;
}

static int list_contents(struct shm_ledger *l)
{
	struct shm_mount_entry *m;

	for (m = l->mounts; m; m = m->hh.next) {
		m->m.files = NULL;
		m->m.chargers = NULL;
		m->m.n_files = m->m.n_chargers = 0;
		m->m.orphans = m->m.orphan_bytes = 0;
	}
	l->view.n_anonymous = l->view.n_segments = 0;
	for (m = l->gone; m; m = m->next_gone) {
		m->m.files = NULL;
		m->m.chargers = NULL;
		m->m.n_files = m->m.n_chargers = 0;
		m->m.orphans = m->m.orphan_bytes = 0;
	}
	if (list_files(l) || list_chargers(l) || list_segments(l))
		return -1;
	l->changed = false;
	return 0;
}

/* ---- mounts ---- */

static double fill(const struct shm_mount *m)
{
	if (m->rec.used_bytes == UNKNOWN_U64)
		return -1;
	if (!m->rec.limit_bytes || m->rec.limit_bytes == UNKNOWN_U64)
		return 0;
	return (double)m->rec.used_bytes / (double)m->rec.limit_bytes;
}

static int compare_mounts(const void *left, const void *right)
{
	const struct shm_mount *a = *(const struct shm_mount *const *)left;
	const struct shm_mount *b = *(const struct shm_mount *const *)right;
	double a_fill = fill(a), b_fill = fill(b);

	if (a->gone != b->gone)
		return a->gone ? 1 : -1;
	if (a_fill < b_fill || a_fill > b_fill)
		return a_fill > b_fill ? -1 : 1;
	if (a->rec.used_bytes != b->rec.used_bytes && a_fill >= 0)
		return a->rec.used_bytes > b->rec.used_bytes ? -1 : 1;
	if (a->rec.dev != b->rec.dev)
		return a->rec.dev < b->rec.dev ? -1 : 1;
	return (a->rec.head.ts_ns < b->rec.head.ts_ns) - (a->rec.head.ts_ns > b->rec.head.ts_ns);
}

static int list_mounts(struct shm_ledger *l)
{
	size_t n = 0, all = HASH_COUNT(l->mounts);
	struct shm_mount_entry *m;

	for (m = l->gone; m; m = m->next_gone)
		all++;
	free(l->mount_order);
	l->mount_order = calloc(all + 1, sizeof(*l->mount_order));
	if (!l->mount_order)
		return -1;
	for (m = l->mounts; m; m = m->hh.next) {
		find_growth(m);
		m->m.full = m->fulls;
		l->mount_order[n++] = &m->m;
	}
	for (m = l->gone; m; m = m->next_gone) {
		m->m.full = m->fulls;
		l->mount_order[n++] = &m->m;
	}
	qsort(l->mount_order, n, sizeof(*l->mount_order), compare_mounts);
	l->view.mounts = l->mount_order;
	l->view.n_mounts = n;
	return 0;
}

static void sum(struct shm_ledger *l)
{
	struct shm_view *v = &l->view;

	v->used_bytes = v->files = v->orphans = v->orphan_bytes = 0;
	for (size_t i = 0; i < v->n_mounts; i++) {
		const struct shm_mount *m = v->mounts[i];

		add_bytes(&v->used_bytes, m->rec.used_bytes);
		v->files += m->n_files + m->files_omitted;
		v->orphans += m->orphans;
		add_bytes(&v->orphan_bytes, m->orphan_bytes);
	}
	for (size_t i = 0; i < v->n_segments; i++) {
		add_bytes(&v->used_bytes, v->segments[i].rec.resident_bytes);
		add_bytes(&v->used_bytes, v->segments[i].rec.swapped_bytes);
	}
	for (size_t i = 0; i < v->n_anonymous; i++)
		add_bytes(&v->used_bytes, v->anonymous[i]->rec.bytes);
	v->full = l->full;
	v->omitted = l->omitted_before;
}

const struct shm_view *shm_ledger_view(struct shm_ledger *l, uint64_t now_ns)
{
	(void)now_ns; /* all times are the records' own */
	if ((l->changed && list_contents(l)) || list_mounts(l))
		return NULL;
	sum(l);
	return &l->view;
}

void ledger_view_finish(struct shm_ledger *l)
{
	free(l->mount_order);
	free(l->file_order);
	free(l->charger_order);
	free(l->segment_order);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shm_ledger_apply(): one function per record type. Mounts, chargers and segments are kept here;
 * files in shm_ledger_files.c, failures in shm_full.c.
 *
 * Every table is bounded: what a hostile machine has beyond that is counted and left out.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "shm_ledger.h"

#define GONE_MOUNTS 64 /* the newest are kept */

struct shm_ledger *shm_ledger_create(void)
{
	struct shm_ledger *l = calloc(1, sizeof(*l));

	if (l)
		l->survey = 1;
	return l;
}

/* ---- mounts ---- */

static void mount_destroy(struct shm_ledger *l, struct shm_mount_entry *m)
{
	if (!m)
		return;
	ledger_full_finish(l, m);
	free(m->texts);
	free(m);
}

struct shm_mount_entry *ledger_mount_find(struct shm_ledger *l, uint32_t dev)
{
	struct shm_mount_entry *m;

	HASH_FIND(hh, l->mounts, &dev, sizeof(dev), m);
	return m;
}

/* Of which only the device number is known so far. */
struct shm_mount_entry *ledger_mount_get(struct shm_ledger *l, uint32_t dev)
{
	struct shm_mount_entry *m = ledger_mount_find(l, dev);
	size_t before = HASH_COUNT(l->mounts);

	if (m || before >= SHM_MOUNTS)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->dev = dev;
	m->m.rec.dev = dev;
	m->m.rec.used_bytes = m->m.rec.limit_bytes = UNKNOWN_U64;
	m->m.rec.used_inodes = m->m.rec.limit_inodes = UNKNOWN_U64;
	m->m.rec.peak_bytes = m->m.rec.charged_bytes = m->m.rec.uncharged_bytes = UNKNOWN_U64;
	m->m.rec.flags = SHM_MOUNT_NO_FILES;
	m->m.peak_bytes = UNKNOWN_U64;
	m->m.growth_bytes_s = m->m.full_in_s = NAN;
	m->m.point = m->m.container_id = m->m.container = m->m.runtime = "";
	HASH_ADD(hh, l->mounts, dev, sizeof(m->dev), m);
	if (HASH_COUNT(l->mounts) == before) {
		free(m);
		return NULL;
	}
	return m;
}

void shm_ledger_add_target(struct shm_ledger *l, uint32_t dev)
{
	struct shm_mount_entry *m = ledger_mount_find(l, dev);

	if (m)
		m->m.rec.flags |= SHM_MOUNT_TARGET;
}

bool shm_ledger_is_target(struct shm_ledger *l, uint32_t dev)
{
	struct shm_mount_entry *m = ledger_mount_find(l, dev);

	return m && m->m.rec.flags & SHM_MOUNT_TARGET;
}

static void add_look(struct shm_mount_entry *m, uint64_t used_bytes, uint64_t ts_ns)
{
	if (m->n_looks && ts_ns < m->looks[m->n_looks - 1].ts_ns + SHM_LOOK_NS)
		return;
	if (m->n_looks == SHM_LOOKS)
		memmove(m->looks, m->looks + 1, --m->n_looks * sizeof(*m->looks));
	m->looks[m->n_looks++] = (struct shm_look){ ts_ns, used_bytes };
}

void ledger_mount_saw(struct shm_mount_entry *m, uint64_t used_bytes, uint64_t ts_ns)
{
	if (used_bytes == UNKNOWN_U64)
		return;
	if (m->m.peak_bytes == UNKNOWN_U64 || used_bytes > m->m.peak_bytes) {
		m->m.peak_bytes = used_bytes;
		m->m.peak_ns = ts_ns;
	}
	add_look(m, used_bytes, ts_ns);
}

/* Copies the four texts. Returns 0, -EINVAL when they do not end within the record, -ENOMEM. */
static int set_texts(struct shm_mount_entry *m, const char *texts, size_t len)
{
	const char **const names[] = { &m->m.point, &m->m.container_id, &m->m.container,
				       &m->m.runtime };
	const char *at = texts, *end = texts + len;
	char *copy;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *nul = memchr(at, '\0', (size_t)(end - at));

		if (!nul)
			return -EINVAL;
		at = nul + 1;
	}
	if (m->texts && !memcmp(m->texts, texts, (size_t)(at - texts)))
		return 0;
	/* room for the short id in place of a name that is not known */
	copy = malloc((size_t)(at - texts) + 13);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, texts, (size_t)(at - texts));
	free(m->texts);
	m->texts = copy;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		*names[i] = copy;
		copy += strlen(copy) + 1;
	}
	if (!*m->m.container && *m->m.container_id) {
		size_t n = strnlen(m->m.container_id, 12);

		memcpy(copy, m->m.container_id, n);
		copy[n] = '\0';
		m->m.container = copy;
	}
	return 0;
}

/* Keeps a mount that is gone for its failures or as it was watched; drops any other. */
static void retire(struct shm_ledger *l, struct shm_mount_entry *m, uint64_t ts_ns)
{
	struct shm_mount_entry **at = &l->gone;
	size_t n = 0;

	HASH_DELETE(hh, l->mounts, m);
	l->changed = true; /* its files are nobody's now */
	if (!m->m.n_full && !(m->m.rec.flags & SHM_MOUNT_TARGET)) {
		mount_destroy(l, m);
		return;
	}
	m->m.gone = true;
	m->gone_ns = ts_ns;
	m->m.rec.used_bytes = m->m.rec.used_inodes = UNKNOWN_U64;
	m->m.growth_bytes_s = m->m.full_in_s = NAN;
	m->m.attributed = false;
	m->next_gone = l->gone;
	l->gone = m;
	while (*at && n++ < GONE_MOUNTS)
		at = &(*at)->next_gone;
	mount_destroy(l, *at);
	*at = NULL;
}

/* The container that a mount's record names; "" = none or not valid. */
static const char *id_of(const char *texts, size_t len)
{
	const char *nul = memchr(texts, '\0', len), *id = nul ? nul + 1 : NULL;

	return id && memchr(id, '\0', len - (size_t)(id - texts)) ? id : "";
}

/* A device number that is in use again, by another superblock. */
static bool is_another(const struct shm_mount_entry *m, const struct rec_shm_mount *r,
		       const char *texts, size_t len)
{
	const char *id = id_of(texts, len);

	if (r->flags & SHM_MOUNT_ANOTHER)
		return true;
	return *m->m.container_id && *id && strcmp(m->m.container_id, id) != 0;
}

/*
 * What one CPU frees is booked a moment after another could charge it anew, so that the sum of the
 * charges may peak some pages too high; but never was more used than the limit allows.
 */
static void saw_traced_peak(struct shm_mount_entry *m, const struct rec_shm_mount *r)
{
	uint64_t peak = r->peak_bytes;

	if (!r->limit_bytes || r->limit_bytes > m->wall_bytes)
		m->wall_bytes = r->limit_bytes ? r->limit_bytes : UNKNOWN_U64;
	if (!(r->flags & SHM_MOUNT_TRACED) || peak == UNKNOWN_U64)
		return;
	if (peak > m->wall_bytes)
		peak = m->wall_bytes;
	if (m->m.peak_bytes == UNKNOWN_U64 || peak > m->m.peak_bytes) {
		m->m.peak_bytes = peak;
		m->m.peak_ns = r->peak_ns;
	}
}

static int apply_mount(struct shm_ledger *l, const struct rec_head *rec, const char *text,
		       size_t len)
{
	const struct rec_shm_mount *r = (const struct rec_shm_mount *)rec;
	struct shm_mount_entry *m = ledger_mount_find(l, r->dev);
	uint64_t before = m ? m->m.rec.used_bytes : UNKNOWN_U64;
	uint64_t limit = m ? m->m.rec.limit_bytes : UNKNOWN_U64;
	uint32_t target = m ? m->m.rec.flags & SHM_MOUNT_TARGET : 0;
	int err;

	if (m && m->texts && is_another(m, r, text, len)) {
		retire(l, m, r->head.ts_ns);
		m = NULL;
		before = UNKNOWN_U64;
		target = 0;
	}
	if (!m) {
		if (HASH_COUNT(l->mounts) >= SHM_MOUNTS) {
			l->omitted++;
			return 0;
		}
		m = ledger_mount_get(l, r->dev);
		if (m)
			m->since_ns = r->head.ts_ns;
		l->changed = true; /* it may have files already */
	}
	if (!m)
		return -ENOMEM;
	err = set_texts(m, text, len);
	if (err)
		return err;
	m->survey = l->survey;
	m->m.rec = *r;
	m->m.rec.comm[sizeof(m->m.rec.comm) - 1] = '\0';
	m->m.rec.flags &= ~SHM_MOUNT_ANOTHER;
	m->m.rec.flags |= target; /* once a target's, always of interest */
	saw_traced_peak(m, r);
	ledger_mount_saw(m, r->used_bytes, rec->ts_ns);
	/* something was freed, or the wall moved: who fails from now on fails anew */
	if ((before != UNKNOWN_U64 && r->used_bytes < before) || r->limit_bytes != limit)
		m->fulls_closed = m->m.n_full;
	return 0;
}

/* ---- the other records ---- */

static int apply_file(struct shm_ledger *l, const struct rec_head *rec, const char *text,
		      size_t len)
{
	if (!memchr(text, '\0', len))
		return -EINVAL;
	l->changed = true;
	return ledger_file_apply(l, (const struct rec_shm_file *)rec, text);
}

static int apply_holder(struct shm_ledger *l, const struct rec_head *rec, const char *text,
			size_t len)
{
	(void)text;
	(void)len;
	l->changed = true;
	return ledger_file_hold(l, (const struct rec_shm_holder *)rec);
}

static int apply_charger(struct shm_ledger *l, const struct rec_head *rec, const char *text,
			 size_t len)
{
	const struct rec_shm_charger *r = (const struct rec_shm_charger *)rec;
	const struct shm_charger_key key = { rec->start_ns, r->dev, rec->pid };
	size_t before = HASH_COUNT(l->chargers);
	struct shm_charger_entry *e;

	(void)text;
	(void)len;
	HASH_FIND(hh, l->chargers, &key, sizeof(key), e);
	if (!e && before >= SHM_CHARGERS) {
		l->omitted++;
		return 0;
	}
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->key = key;
		HASH_ADD(hh, l->chargers, key, sizeof(e->key), e);
		if (HASH_COUNT(l->chargers) == before) {
			free(e);
			return -ENOMEM;
		}
	}
	e->survey = l->survey;
	e->c.pid = rec->pid;
	e->c.alive = r->alive;
	memcpy(e->c.comm, r->comm, COMM_LEN);
	e->c.comm[COMM_LEN - 1] = '\0';
	e->c.charged_bytes = r->charged_bytes;
	e->c.uncharged_bytes = r->uncharged_bytes;
	l->changed = true;
	return 0;
}

static int apply_segment(struct shm_ledger *l, const struct rec_head *rec, const char *text,
			 size_t len)
{
	const struct rec_shm_segment *r = (const struct rec_shm_segment *)rec;
	const struct shm_segment_key key = { r->ipc_namespace, r->shmid };
	size_t before = HASH_COUNT(l->segments);
	struct shm_segment_entry *e;

	(void)text;
	(void)len;
	HASH_FIND(hh, l->segments, &key, sizeof(key), e);
	if (!e && before >= SHM_SEGMENTS) {
		l->omitted++;
		return 0;
	}
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->key = key;
		HASH_ADD(hh, l->segments, key, sizeof(e->key), e);
		if (HASH_COUNT(l->segments) == before) {
			free(e);
			return -ENOMEM;
		}
	}
	e->survey = l->survey;
	e->s.rec = *r;
	l->changed = true;
	return 0;
}

static int apply_limits(struct shm_ledger *l, const struct rec_head *rec, const char *text,
			size_t len)
{
	size_t n = l->n_next_limits;

	(void)text;
	(void)len;
	if (n == SHM_LIMITS)
		return 0;
	if (!(n & (n - 1))) { /* room is a power of two */
		struct rec_shm_limits *larger =
			realloc(l->next_limits, (n ? n * 2 : 1) * sizeof(*larger));

		if (!larger)
			return -ENOMEM;
		l->next_limits = larger;
	}
	l->next_limits[l->n_next_limits++] = *(const struct rec_shm_limits *)rec;
	return 0;
}

static void change_limits(struct shm_ledger *l)
{
	free(l->limits);
	l->view.limits = l->limits = l->next_limits;
	l->view.n_limits = l->n_next_limits;
	l->next_limits = NULL;
	l->n_next_limits = 0;
}

static int apply_survey(struct shm_ledger *l, const struct rec_head *rec, const char *text,
			size_t len)
{
	/* NULL, as cppcheck does not see that the loops begin with setting them */
	struct shm_mount_entry *m = NULL, *m_next;
	struct shm_charger_entry *c = NULL, *c_next;
	struct shm_segment_entry *s = NULL, *s_next;

	(void)text;
	(void)len;
	ledger_files_survey(l);
	HASH_ITER(hh, l->mounts, m, m_next) {
		/* one that was looked at since, but before this one began, may be gone */
		if (m->survey != l->survey || m->m.rec.head.ts_ns < rec->start_ns)
			retire(l, m, rec->ts_ns);
	}
	HASH_ITER(hh, l->chargers, c, c_next) {
		if (c->survey == l->survey)
			continue;
		HASH_DELETE(hh, l->chargers, c);
		free(c);
	}
	HASH_ITER(hh, l->segments, s, s_next) {
		if (s->survey == l->survey)
			continue;
		HASH_DELETE(hh, l->segments, s);
		free(s);
	}
	change_limits(l);
	l->survey++;
	l->omitted_before = l->omitted;
	l->omitted = 0;
	l->view.known = true;
	l->view.survey_ns = rec->ts_ns;
	l->changed = true;
	return 0;
}

static int apply_full(struct shm_ledger *l, const struct rec_head *rec, const char *text,
		      size_t len)
{
	(void)text;
	(void)len;
	return ledger_full_apply(l, (const struct rec_shm_full *)rec);
}

int shm_ledger_apply(struct shm_ledger *l, const struct rec_head *rec, size_t size)
{
	static const struct {
		size_t size;
		int (*apply)(struct shm_ledger *l, const struct rec_head *rec, const char *text,
			     size_t len);
	} handlers[REC_TYPES] = {
		[REC_SHM_MOUNT] = { sizeof(struct rec_shm_mount), apply_mount },
		[REC_SHM_FILE] = { sizeof(struct rec_shm_file), apply_file },
		[REC_SHM_HOLDER] = { sizeof(struct rec_shm_holder), apply_holder },
		[REC_SHM_CHARGER] = { sizeof(struct rec_shm_charger), apply_charger },
		[REC_SHM_SEGMENT] = { sizeof(struct rec_shm_segment), apply_segment },
		[REC_SHM_SURVEY] = { sizeof(struct rec_head), apply_survey },
		[REC_SHM_FULL] = { sizeof(struct rec_shm_full), apply_full },
		[REC_SHM_LIMITS] = { sizeof(struct rec_shm_limits), apply_limits },
	};
	size_t fixed;

	if (size < sizeof(*rec) || rec->size != size)
		return -EINVAL;
	if (rec->type >= REC_TYPES || !handlers[rec->type].apply)
		return 0;
	fixed = handlers[rec->type].size;
	if (size < fixed)
		return -EINVAL;
	return handlers[rec->type].apply(l, rec, (const char *)rec + fixed, size - fixed);
}

void shm_ledger_destroy(struct shm_ledger *l)
{
	struct shm_mount_entry *m = NULL, *m_next;
	struct shm_charger_entry *c = NULL, *c_next;
	struct shm_segment_entry *s = NULL, *s_next;

	if (!l)
		return;
	ledger_view_finish(l);
	ledger_files_finish(l);
	HASH_ITER(hh, l->mounts, m, m_next) {
		HASH_DELETE(hh, l->mounts, m);
		mount_destroy(l, m);
	}
	for (m = l->gone; m; m = m_next) {
		m_next = m->next_gone;
		mount_destroy(l, m);
	}
	HASH_ITER(hh, l->chargers, c, c_next) {
		HASH_DELETE(hh, l->chargers, c);
		free(c);
	}
	HASH_ITER(hh, l->segments, s, s_next) {
		HASH_DELETE(hh, l->segments, s);
		free(s);
	}
	free(l->limits);
	free(l->next_limits);
	free(l);
}

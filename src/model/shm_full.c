/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The failures: who hit the wall of which superblock, and what filled it at that moment as far as
 * the ledger knows. A process that fails again in the same way before anything was freed has not
 * met something new: that is counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm_ledger.h"

static void remove_first(struct shm_ledger *l, struct shm_mount_entry *m)
{
	free((char *)m->fulls[0].container);
	m->m.n_full--;
	m->m.full_omitted++;
	memmove(m->fulls, m->fulls + 1, m->m.n_full * sizeof(*m->fulls));
	if (m->fulls_closed)
		m->fulls_closed--;
	l->n_full--;
}

void ledger_full_finish(struct shm_ledger *l, struct shm_mount_entry *m)
{
	for (size_t i = 0; i < m->m.n_full; i++)
		free((char *)m->fulls[i].container);
	l->n_full -= m->m.n_full;
	free(m->fulls);
	m->fulls = NULL;
	m->m.n_full = 0;
}

static void older(struct shm_mount_entry **oldest, struct shm_mount_entry *m)
{
	if (m->m.n_full &&
	    (!*oldest || m->fulls[0].rec.head.ts_ns < (*oldest)->fulls[0].rec.head.ts_ns))
		*oldest = m;
}

static void make_room(struct shm_ledger *l)
{
	struct shm_mount_entry *oldest = NULL, *m;

	for (m = l->mounts; m; m = m->hh.next)
		older(&oldest, m);
	for (m = l->gone; m; m = m->next_gone)
		older(&oldest, m);
	if (oldest)
		remove_first(l, oldest);
}

static bool is_repeated(const struct rec_shm_full *a, const struct rec_shm_full *b)
{
	return a->head.pid == b->head.pid && a->head.start_ns == b->head.start_ns &&
	       a->how == b->how && a->ino == b->ino;
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void add_largest(struct shm_full *full, const struct shm_file_entry *e)
{
	uint64_t bytes = e->f.rec.bytes;
	size_t i = SHM_FULL_LARGEST;
	const char *name = name_of(e->path);
	size_t len;

	if (!bytes || bytes == UNKNOWN_U64)
		return;
	while (i > 0 && (!full->largest[i - 1].name[0] || full->largest[i - 1].bytes < bytes))
		i--;
	if (i == SHM_FULL_LARGEST)
		return;
	memmove(&full->largest[i + 1], &full->largest[i],
		(SHM_FULL_LARGEST - 1 - i) * sizeof(full->largest[0]));
	memset(&full->largest[i], 0, sizeof(full->largest[i]));
	if (!*name)
		name = "?"; /* "" would end the list */
	len = strnlen(name, sizeof(full->largest[i].name) - 1);
	memcpy(full->largest[i].name, name, len);
	full->largest[i].bytes = bytes;
	if (e->f.rec.flags & SHM_FILE_CREATOR) {
		full->largest[i].creator_pid = e->f.rec.head.pid;
		memcpy(full->largest[i].comm, e->f.rec.comm, COMM_LEN);
	}
}

/* What fills the superblock at this moment. */
static void look_around(struct shm_ledger *l, struct shm_full *full)
{
	struct shm_file_entry *e;

	for (e = l->files; e; e = e->hh.next) {
		if (e->key.dev != full->rec.dev)
			continue;
		add_largest(full, e);
		if (ledger_file_state(l, e) != SHM_ORPHAN)
			continue;
		full->orphans++;
		if (e->f.rec.bytes != UNKNOWN_U64 &&
		    __builtin_add_overflow(full->orphan_bytes, e->f.rec.bytes, &full->orphan_bytes))
			full->orphan_bytes = UNKNOWN_U64 - 1;
	}
}

static int make_entry(struct shm_mount_entry *m)
{
	size_t cap = m->fulls_cap ? m->fulls_cap * 2 : 4;
	struct shm_full *more;

	if (m->m.n_full < m->fulls_cap)
		return 0;
	more = realloc(m->fulls, cap * sizeof(*more));
	if (!more)
		return -ENOMEM;
	m->fulls = more;
	m->fulls_cap = cap;
	return 0;
}

/*
 * Which superblock it was: when a failure becomes known its mount may be gone, as a container dies of
 * it, and the device number may be another's.
 */
static struct shm_mount_entry *mount_of(struct shm_ledger *l, const struct rec_shm_full *r)
{
	struct shm_mount_entry *m = ledger_mount_find(l, r->dev);

	if (m && m->since_ns <= r->head.ts_ns)
		return m;
	for (m = l->gone; m; m = m->next_gone)
		if (m->dev == r->dev && m->since_ns <= r->head.ts_ns && m->gone_ns >= r->head.ts_ns)
			return m;
	return ledger_mount_get(l, r->dev);
}

int ledger_full_apply(struct shm_ledger *l, const struct rec_shm_full *r)
{
	struct shm_mount_entry *m = mount_of(l, r);
	struct shm_full *full;
	int err;

	l->full++;
	if (!m)
		return HASH_COUNT(l->mounts) < SHM_MOUNTS ? -ENOMEM : 0;
	if (m->m.rec.limit_bytes == UNKNOWN_U64)
		m->m.rec.limit_bytes = r->limit_bytes; /* no survey has seen it yet */
	if (r->how != SHM_FULL_OPEN && r->used_bytes != UNKNOWN_U64 &&
	    (!r->limit_bytes || r->used_bytes <= r->limit_bytes))
		ledger_mount_saw(m, r->used_bytes, r->head.ts_ns);
	for (size_t i = m->fulls_closed; i < m->m.n_full; i++) {
		if (is_repeated(&m->fulls[i].rec, r)) {
			m->fulls[i].times++;
			return 0;
		}
	}
	if (l->n_full >= SHM_FULLS)
		make_room(l);
	err = make_entry(m);
	if (err)
		return err;
	full = &m->fulls[m->m.n_full++];
	l->n_full++;
	memset(full, 0, sizeof(*full));
	full->rec = *r;
	full->rec.comm[COMM_LEN - 1] = '\0';
	full->rec.name[SHM_FULL_NAME - 1] = '\0';
	full->number = l->full;
	full->times = 1;
	look_around(l, full);
	return 0;
}

static int name_in(struct shm_mount_entry *m, uint32_t pid, uint64_t ts_ns, const char *name)
{
	for (size_t i = m->m.n_full; i-- > 0;) {
		struct shm_full *full = &m->fulls[i];
		char *copy = NULL;

		if (full->rec.head.pid != pid || full->rec.head.ts_ns != ts_ns)
			continue;
		if (name) {
			copy = strdup(name);
			if (!copy)
				return -ENOMEM;
		}
		free((char *)full->container);
		full->container = copy;
		return 0;
	}
	return -ENOENT;
}

int shm_ledger_set_container(struct shm_ledger *l, uint32_t pid, uint64_t ts_ns, const char *name)
{
	struct shm_mount_entry *m;
	int err = -ENOENT;

	for (m = l->mounts; m; m = m->hh.next) {
		err = name_in(m, pid, ts_ns, name);
		if (err != -ENOENT)
			return err;
	}
	for (m = l->gone; m; m = m->next_gone) {
		err = name_in(m, pid, ts_ns, name);
		if (err != -ENOENT)
			return err;
	}
	return err;
}

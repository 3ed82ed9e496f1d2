/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger's files and who holds them. A survey may mention a file twice, once as the kernel side
 * knows it and once as its directory does: what only one of them knows is kept.
 *
 * The largest SHM_FILES are kept. The table may grow to twice that; then the smaller half goes, and
 * until the survey ends files no larger than those are not taken any more. Pruning so costs a sort
 * per SHM_FILES files, however many there are.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shm_ledger.h"

#define HOLDERS_PER_FILE 1024

static struct shm_file_entry *find(struct shm_ledger *l, uint32_t dev, uint64_t ino, uint64_t key)
{
	const struct shm_file_key k = { .ino = ino, .key = key, .dev = dev };
	struct shm_file_entry *e;

	HASH_FIND(hh, l->files, &k, sizeof(k), e);
	return e;
}

static void drop_holders(struct shm_ledger *l, struct shm_file_entry *e)
{
	l->n_holders -= e->f.n_holders;
	e->f.n_holders = 0;
	e->f.holders_omitted = 0;
}

static void drop(struct shm_ledger *l, struct shm_file_entry *e)
{
	drop_holders(l, e);
	HASH_DELETE(hh, l->files, e);
	free(e->path);
	free(e->holders);
	free(e);
}

/* A file that is mentioned and not kept. */
static void omit(struct shm_ledger *l, const struct rec_shm_file *r)
{
	struct shm_mount_entry *m = ledger_mount_find(l, r->dev);

	l->omitted++;
	if (!m)
		return;
	if (m->files_survey != l->survey) {
		m->files_survey = l->survey;
		m->m.files_omitted = m->m.files_omitted_bytes = 0;
	}
	m->m.files_omitted++;
	if (r->bytes != UNKNOWN_U64 &&
	    __builtin_add_overflow(m->m.files_omitted_bytes, r->bytes, &m->m.files_omitted_bytes))
		m->m.files_omitted_bytes = UNKNOWN_U64 - 1;
}

static uint64_t weight(const struct shm_file_entry *e)
{
	return e->f.rec.bytes == UNKNOWN_U64 ? 0 : e->f.rec.bytes;
}

static int smaller_first(const void *left, const void *right)
{
	const struct shm_file_entry *a = *(struct shm_file_entry *const *)left;
	const struct shm_file_entry *b = *(struct shm_file_entry *const *)right;

	if (weight(a) != weight(b))
		return weight(a) < weight(b) ? -1 : 1;
	return (a->key.ino > b->key.ino) - (a->key.ino < b->key.ino);
}

/* Drops the smallest beyond SHM_FILES, and says so of those that exist for certain. */
static int prune(struct shm_ledger *l)
{
	size_t n = 0, surplus = HASH_COUNT(l->files) - SHM_FILES;
	struct shm_file_entry **order = calloc(HASH_COUNT(l->files), sizeof(*order)), *e;

	if (!order)
		return -ENOMEM;
	for (e = l->files; e; e = e->hh.next)
		order[n++] = e;
	qsort(order, n, sizeof(*order), smaller_first);
	for (size_t i = 0; i < surplus; i++) {
		if (order[i]->survey == l->survey)
			omit(l, &order[i]->f.rec);
		if (weight(order[i]) > l->floor_bytes)
			l->floor_bytes = weight(order[i]);
		drop(l, order[i]);
	}
	free(order);
	return 0;
}

static int add(struct shm_ledger *l, const struct rec_shm_file *r, struct shm_file_entry **out)
{
	size_t before = HASH_COUNT(l->files);
	struct shm_file_entry *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->key = (struct shm_file_key){ .ino = r->ino, .key = r->key, .dev = r->dev };
	e->path = strdup("");
	if (e->path)
		HASH_ADD(hh, l->files, key, sizeof(e->key), e);
	if (HASH_COUNT(l->files) == before) {
		free(e->path);
		free(e);
		return -ENOMEM;
	}
	*out = e;
	return 0;
}

/* The second mention within one survey. */
static void merge(struct rec_shm_file *new, const struct rec_shm_file *old)
{
	if (!(new->flags &SHM_FILE_CREATOR) && old->flags & SHM_FILE_CREATOR) {
		new->flags |= old->flags &(SHM_FILE_CREATOR | SHM_FILE_CREATOR_ALIVE);
		new->head.pid = old->head.pid;
		new->head.start_ns = old->head.start_ns;
		memcpy(new->comm, old->comm, COMM_LEN);
	}
	if (!(old->flags & SHM_FILE_HELD_UNKNOWN))
		new->flags &= ~SHM_FILE_HELD_UNKNOWN;
	if (new->size_bytes == UNKNOWN_U64)
		new->size_bytes = old->size_bytes;
	if (new->bytes == UNKNOWN_U64)
		new->bytes = old->bytes;
	if (new->peak_bytes == UNKNOWN_U64 ||
	    (old->peak_bytes != UNKNOWN_U64 && old->peak_bytes > new->peak_bytes))
		new->peak_bytes = old->peak_bytes;
}

int ledger_file_apply(struct shm_ledger *l, const struct rec_shm_file *r, const char *path)
{
	struct shm_file_entry *e = find(l, r->dev, r->ino, r->key);
	struct rec_shm_file rec = *r;
	char *copy;
	int err;

	if (!e && l->floor_bytes && (r->bytes == UNKNOWN_U64 || r->bytes <= l->floor_bytes)) {
		omit(l, r);
		return 0;
	}
	if (!e) {
		if (HASH_COUNT(l->files) >= 2 * SHM_FILES) {
			err = prune(l);
			if (err)
				return err;
		}
		err = add(l, r, &e);
		if (err)
			return err;
	}
	rec.comm[COMM_LEN - 1] = '\0';
	if (e->survey == l->survey)
		merge(&rec, &e->f.rec);
	else
		drop_holders(l, e);
	e->survey = l->survey;
	e->f.rec = rec;
	if (*path && strcmp(path, e->path) != 0) {
		copy = strdup(path);
		if (!copy)
			return -ENOMEM;
		free(e->path);
		e->path = copy;
	}
	e->f.path = e->path;
	return 0;
}

static int grow_holders(struct shm_file_entry *e)
{
	size_t cap = e->holders_cap ? e->holders_cap * 2 : 4;
	struct shm_holder *more = realloc(e->holders, cap * sizeof(*more));

	if (!more)
		return -ENOMEM;
	e->holders = more;
	e->holders_cap = cap;
	e->f.holders = more;
	return 0;
}

int ledger_file_hold(struct shm_ledger *l, const struct rec_shm_holder *r)
{
	struct shm_file_entry *e = find(l, r->dev, r->ino, r->key);
	struct shm_holder *h;

	if (!e || e->survey != l->survey)
		return 0; /* of a file too small to be kept */
	for (size_t i = e->f.n_holders; i-- > 0;) {
		if (e->holders[i].pid == r->head.pid) {
			e->holders[i].flags |= r->flags;
			return 0;
		}
	}
	if (e->f.n_holders >= HOLDERS_PER_FILE || l->n_holders >= SHM_HOLDERS) {
		e->f.holders_omitted++;
		return 0;
	}
	if (e->f.n_holders == e->holders_cap && grow_holders(e))
		return -ENOMEM;
	h = &e->holders[e->f.n_holders++];
	l->n_holders++;
	e->holders_sorted = false;
	h->pid = r->head.pid;
	h->flags = r->flags;
	memcpy(h->comm, r->comm, COMM_LEN);
	h->comm[COMM_LEN - 1] = '\0';
	return 0;
}

enum shm_state ledger_file_state(const struct shm_ledger *l, const struct shm_file_entry *e)
{
	const struct rec_shm_file *r = &e->f.rec;
	struct shm_mount_entry *m;

	if (r->flags & SHM_FILE_UNLINKED)
		return SHM_UNLINKED;
	if (r->kind != SHM_TMPFS || e->f.n_holders || e->f.holders_omitted ||
	    r->flags & SHM_FILE_HELD_UNKNOWN)
		return SHM_LINKED;
	if (r->flags & SHM_FILE_CREATOR)
		return r->flags & SHM_FILE_CREATOR_ALIVE ? SHM_LINKED : SHM_ORPHAN;
	m = ledger_mount_find((struct shm_ledger *)l, r->dev);
	return m && m->m.rec.flags & SHM_MOUNT_DEV_SHM ? SHM_ORPHAN : SHM_LINKED;
}

static void attribute(struct shm_ledger *l)
{
	struct shm_mount_entry *m;

	for (m = l->mounts; m; m = m->hh.next) {
		uint64_t used = m->m.rec.used_bytes, files = m->files_bytes;

		if (m->files_survey != l->survey)
			m->m.files_omitted = m->m.files_omitted_bytes = 0;
		if (__builtin_add_overflow(files, m->m.files_omitted_bytes, &files))
			files = INT64_MAX;
		m->m.attributed = used <= INT64_MAX && files <= INT64_MAX &&
				  !(m->m.rec.flags & SHM_MOUNT_NO_FILES);
		m->m.unattributed_bytes = m->m.attributed ? (int64_t)used - (int64_t)files : 0;
	}
}

void ledger_files_survey(struct shm_ledger *l)
{
	struct shm_mount_entry *m;
	struct shm_file_entry *e = NULL, *next;

	HASH_ITER(hh, l->files, e, next) {
		if (e->survey != l->survey)
			drop(l, e);
	}
	if (HASH_COUNT(l->files) > SHM_FILES)
		prune(l); /* without memory for it the table stays larger for a while */
	for (m = l->mounts; m; m = m->hh.next)
		m->files_bytes = 0;
	for (e = l->files; e; e = e->hh.next) {
		m = ledger_mount_find(l, e->key.dev);
		if (m && e->f.rec.bytes != UNKNOWN_U64 &&
		    __builtin_add_overflow(m->files_bytes, e->f.rec.bytes, &m->files_bytes))
			m->files_bytes = UNKNOWN_U64 - 1;
	}
	attribute(l);
	l->floor_bytes = 0;
}

void ledger_files_finish(struct shm_ledger *l)
{
	struct shm_file_entry *e = NULL, *next;

	HASH_ITER(hh, l->files, e, next) {
		drop(l, e);
	}
}

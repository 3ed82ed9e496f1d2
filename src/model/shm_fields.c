/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A figure of many mounts is that of the worst of them where it is a share, a rest or a time, and
 * their sum where it is bytes or a count. Mounts of which it is not known are left out; with none
 * left it is not known.
 */
#include <math.h>

#include "shm_fields.h"
#include "value.h"

/* Where a watch has targets, other people's mounts are not its business. */
static bool has_targets(const struct shm_view *v)
{
	for (size_t i = 0; i < v->n_mounts; i++)
		if (v->mounts[i]->rec.flags & SHM_MOUNT_TARGET)
			return true;
	return false;
}

typedef struct field_value part_fn(const struct shm_mount *m);

enum fold { FOLD_MOST, FOLD_LEAST, FOLD_SUM };

static struct field_value join(struct field_value a, struct field_value b, enum fold fold)
{
	if (!a.known || !b.known)
		return a.known ? a : b;
	if (fold == FOLD_SUM) {
		if (__builtin_add_overflow(a.whole, b.whole, &a.whole))
			a.whole = INT64_MAX;
		return a;
	}
	if (fold == FOLD_MOST)
		return a.real > b.real || a.whole > b.whole ? a : b;
	return a.real < b.real || a.whole < b.whole ? a : b;
}

static struct field_value over_mounts(const struct snapshot *s, part_fn *part, enum fold fold)
{
	struct field_value all = value_unknown();
	bool targets;

	if (!s->shm)
		return all;
	targets = has_targets(s->shm);
	for (size_t i = 0; i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];

		if (!targets || m->rec.flags & SHM_MOUNT_TARGET)
			all = join(all, part(m), fold);
	}
	return all;
}

static struct field_value share(uint64_t used, uint64_t limit)
{
	bool known = used != UNKNOWN_U64 && limit != UNKNOWN_U64 && limit;

	return value_real(known, known ? (double)used / (double)limit : 0);
}

static struct field_value used_share(const struct shm_mount *m)
{
	return share(m->rec.used_bytes, m->rec.limit_bytes);
}

static struct field_value inode_share(const struct shm_mount *m)
{
	return share(m->rec.used_inodes, m->rec.limit_inodes);
}

static struct field_value used_bytes(const struct shm_mount *m)
{
	return value_whole(true, m->rec.used_bytes);
}

static struct field_value peak_bytes(const struct shm_mount *m)
{
	return value_whole(true, m->peak_bytes);
}

static struct field_value free_bytes(const struct shm_mount *m)
{
	uint64_t used = m->rec.used_bytes, limit = m->rec.limit_bytes;

	if (used == UNKNOWN_U64 || !limit)
		return value_unknown();
	return value_whole(limit != UNKNOWN_U64, limit > used ? limit - used : 0);
}

static struct field_value full_in(const struct shm_mount *m)
{
	return value_real(isfinite(m->full_in_s) && m->full_in_s >= 0, m->full_in_s);
}

static struct field_value full_times(const struct shm_mount *m)
{
	uint64_t n = m->full_omitted;

	for (size_t i = 0; i < m->n_full; i++)
		n += m->full[i].times;
	return value_whole(true, n);
}

static struct field_value orphans(const struct shm_mount *m)
{
	return value_whole(true, m->orphans);
}

static struct field_value orphan_bytes(const struct shm_mount *m)
{
	return value_whole(true, m->orphan_bytes);
}

struct field_value shm_field_used(const struct snapshot *s)
{
	return over_mounts(s, used_share, FOLD_MOST);
}

struct field_value shm_field_used_bytes(const struct snapshot *s)
{
	return over_mounts(s, used_bytes, FOLD_SUM);
}

struct field_value shm_field_free_bytes(const struct snapshot *s)
{
	return over_mounts(s, free_bytes, FOLD_LEAST);
}

struct field_value shm_field_peak_bytes(const struct snapshot *s)
{
	return over_mounts(s, peak_bytes, FOLD_MOST);
}

struct field_value shm_field_inodes(const struct snapshot *s)
{
	return over_mounts(s, inode_share, FOLD_MOST);
}

struct field_value shm_field_full_in(const struct snapshot *s)
{
	return over_mounts(s, full_in, FOLD_LEAST);
}

struct field_value shm_field_full(const struct snapshot *s)
{
	return over_mounts(s, full_times, FOLD_SUM);
}

struct field_value shm_field_orphans(const struct snapshot *s)
{
	return over_mounts(s, orphans, FOLD_SUM);
}

struct field_value shm_field_orphan_bytes(const struct snapshot *s)
{
	return over_mounts(s, orphan_bytes, FOLD_SUM);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger for people, below the mounts: System V segments, memfds and anonymous memory, the
 * failures with their remedy, and the orphans, which are named and never touched.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "remedy.h"
#include "shm_table.h"

#define ANONYMOUS_SHOWN 20
#define FAILURES_SHOWN 16 /* of one mount, the newest */
#define ORPHANS_SHOWN 8

/* ---- System V segments ---- */

static const char *count_cell(char *dst, unsigned long long n)
{
	snprintf(dst, SHOW_LEN, "%llu", n);
	return dst;
}

static const char *bytes_cell(const struct shm_page *pg, char *dst, uint64_t bytes)
{
	return show_value(dst, shm_bytes(bytes), FIELD_BYTES, pg->run->unit);
}

#define SEGMENT_CELL(name, expression)                                                     \
	static const char *name(const struct shm_page *pg, char *dst, const void *row)     \
	{                                                                                  \
		const struct rec_shm_segment *r = &((const struct shm_segment *)row)->rec; \
                                                                                           \
		(void)pg;                                                                  \
		return expression;                                                         \
	}

static const char *key_cell(char *dst, int32_t key)
{
	snprintf(dst, SHOW_LEN, "0x%08x", (unsigned int)key);
	return dst;
}

static const char *mode_cell(char *dst, uint32_t mode)
{
	snprintf(dst, SHOW_LEN, "%03o", mode & 07777);
	return dst;
}

/* 0 = it belongs to a pid namespace that ours does not contain */
static const char *pid_cell(char *dst, uint32_t pid, bool dead)
{
	if (!pid)
		return strcpy(dst, "-");
	snprintf(dst, SHOW_LEN, "%u%s", pid, dead ? " (dead)" : "");
	return dst;
}

static const char *status_cell(char *dst, uint32_t flags)
{
	snprintf(dst, SHOW_LEN, "%s%s%s", flags & SHM_SEGMENT_DEST ? "dest" : "",
		 flags & SHM_SEGMENT_DEST && flags & SHM_SEGMENT_LOCKED ? " " : "",
		 flags & SHM_SEGMENT_LOCKED ? "locked" : "");
	return *dst ? dst : NULL;
}

static const char *namespace_cell(char *dst, const struct rec_shm_segment *r)
{
	return r->flags & SHM_SEGMENT_NAMESPACE ? count_cell(dst, r->ipc_namespace) : NULL;
}

static const char *time_cell(char *dst, uint64_t s)
{
	time_t when = (time_t)s;
	struct tm local;

	if (!s || !localtime_r(&when, &local))
		return NULL;
	return strftime(dst, SHOW_LEN, "%Y-%m-%d %H:%M:%S", &local) ? dst : NULL;
}

SEGMENT_CELL(cell_key, key_cell(dst, r->key))
SEGMENT_CELL(cell_shmid, (snprintf(dst, SHOW_LEN, "%d", r->shmid), dst))
SEGMENT_CELL(cell_owner, count_cell(dst, r->uid))
SEGMENT_CELL(cell_mode, mode_cell(dst, r->mode))
SEGMENT_CELL(cell_size, bytes_cell(pg, dst, r->bytes))
SEGMENT_CELL(cell_resident, bytes_cell(pg, dst, r->resident_bytes))
SEGMENT_CELL(cell_swapped, r->swapped_bytes ? bytes_cell(pg, dst, r->swapped_bytes) : NULL)
SEGMENT_CELL(cell_attached, count_cell(dst, r->attached))
SEGMENT_CELL(cell_creator, pid_cell(dst, r->head.pid, r->flags &SHM_SEGMENT_CREATOR_DEAD))
SEGMENT_CELL(cell_last, pid_cell(dst, r->last_pid, false))
SEGMENT_CELL(cell_status, status_cell(dst, r->flags))
SEGMENT_CELL(cell_namespace, namespace_cell(dst, r))
SEGMENT_CELL(cell_attach, pg->files ? time_cell(dst, r->attach_s) : NULL)
SEGMENT_CELL(cell_detach, pg->files ? time_cell(dst, r->detach_s) : NULL)
SEGMENT_CELL(cell_change, pg->files ? time_cell(dst, r->change_s) : NULL)

/* A column of which no row knows anything is hidden, so "n/a" there means none. */
static const struct shm_column segment_columns[] = {
	{ "SHMID", cell_shmid, 0, 0 },        { "KEY", cell_key, 3, 0 },
	{ "UID", cell_owner, 4, 0 },          { "MODE", cell_mode, 6, 0 },
	{ "SIZE", cell_size, 0, 0 },          { "RESIDENT", cell_resident, 0, 0 },
	{ "SWAPPED", cell_swapped, 2, 0 },    { "ATTACHED", cell_attached, 0, 0 },
	{ "CREATOR", cell_creator, 0, 0 },    { "LAST", cell_last, 5, 0 },
	{ "STATUS", cell_status, 1, 0 },      { "IPC NS", cell_namespace, 1, 0 },
	{ "ATTACHED AT", cell_attach, 7, 0 }, { "DETACHED AT", cell_detach, 8, 0 },
	{ "CHANGED AT", cell_change, 9, 0 },
};

/* As ipcs -l: of our own namespace. */
static void print_limits(const struct shm_page *pg)
{
	char count[SHOW_LEN], bytes[SHOW_LEN];

	for (size_t i = 0; i < pg->v->n_limits; i++) {
		const struct rec_shm_limits *r = &pg->v->limits[i];

		if (r->flags & SHM_SEGMENT_NAMESPACE)
			continue;
		fprintf(pg->out, "  %sat most %s segments", pg->dim,
			show_count(count, r->segments));
		if (r->most_bytes <= INT64_MAX)
			fprintf(pg->out, ", %s each", bytes_cell(pg, bytes, r->most_bytes));
		if (r->total_bytes <= INT64_MAX)
			fprintf(pg->out, ", %s in all", bytes_cell(pg, bytes, r->total_bytes));
		fprintf(pg->out, "%s\n", pg->plain);
	}
}

int shm_print_segments(const struct shm_page *pg)
{
	size_t n = pg->v->n_segments;
	const void **rows;
	char *text;

	if (!n)
		return 0;
	rows = calloc(n, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		rows[i] = &pg->v->segments[i];
	text = shm_fit(pg, segment_columns, sizeof(segment_columns) / sizeof(segment_columns[0]),
		       rows, n, "  ");
	free(rows);
	if (!text)
		return -ENOMEM;
	fprintf(pg->out, "\n%sSystem V segments%s\n%s", pg->bold, pg->plain, text);
	free(text);
	print_limits(pg);
	return 0;
}

/* ---- memfds and anonymous memory ---- */

static const char *cell_kind(const struct shm_page *pg, char *dst, const void *row)
{
	(void)pg;
	return strcpy(dst, shm_kind_name(((const struct shm_file *)row)->rec.kind));
}

static const char *cell_name(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_file *f = row;

	return *f->path ? shm_cell_name(pg, dst, row) : strcpy(dst, "-");
}

static const struct shm_column anonymous_columns[] = {
	{ "KIND", cell_kind, 0, 5 },           { "SIZE", shm_cell_size, 2, 0 },
	{ "BYTES", shm_cell_bytes, 0, 0 },     { "CREATOR", shm_cell_creator, 1, 10 },
	{ "HOLDERS", shm_cell_holders, 0, 8 }, { "NAME", cell_name, 0, 12 },
};

int shm_print_anonymous(const struct shm_page *pg)
{
	size_t n = pg->v->n_anonymous,
	       shown = pg->files || n < ANONYMOUS_SHOWN ? n : ANONYMOUS_SHOWN;
	char count[SHOW_LEN], *text;

	if (!n)
		return 0;
	text = shm_fit(pg, anonymous_columns,
		       sizeof(anonymous_columns) / sizeof(anonymous_columns[0]),
		       (const void *const *)pg->v->anonymous, shown, "  ");
	if (!text)
		return -ENOMEM;
	fprintf(pg->out, "\n%smemfd and anonymous shared memory%s\n%s", pg->bold, pg->plain, text);
	free(text);
	if (shown < n)
		fprintf(pg->out, "  and %s smaller ones\n", show_count(count, n - shown));
	return 0;
}

/* ---- failures ---- */

static void print_largest(const struct shm_page *pg, const struct shm_full *full)
{
	char bytes[SHOW_LEN];

	for (size_t i = 0; i < SHM_FULL_LARGEST && full->largest[i].name[0]; i++) {
		fputs(i ? ", " : "    largest then: ", pg->out);
		show_print_name(pg->out, full->largest[i].name, 40);
		fprintf(pg->out, " %s", bytes_cell(pg, bytes, full->largest[i].bytes));
		if (!full->largest[i].creator_pid)
			continue;
		fprintf(pg->out, " (%u ", full->largest[i].creator_pid);
		show_print_name(pg->out, full->largest[i].comm, COMM_LEN);
		fputc(')', pg->out);
	}
	if (full->largest[0].name[0])
		fputc('\n', pg->out);
	if (full->orphans)
		fprintf(pg->out, "    %llu orphaned file%s held %s then\n",
			(unsigned long long)full->orphans, full->orphans == 1 ? "" : "s",
			bytes_cell(pg, bytes, full->orphan_bytes));
}

static void print_failure(const struct shm_page *pg, const struct shm_mount *m,
			  const struct shm_full *full)
{
	char text[SHM_TEXT_LEN];

	fprintf(pg->out, "  %s%s%s\n", pg->alarm,
		shm_show_full(text, sizeof(text), pg->s, m, full, pg->run->unit), pg->plain);
	print_largest(pg, full);
	*text = '\0';
	remedy_write(text, sizeof(text), m, full);
	if (*text)
		fprintf(pg->out, "    remedy: %s\n", text);
}

void shm_print_failures(const struct shm_page *pg)
{
	bool headed = false;

	for (size_t i = 0; i < pg->v->n_mounts; i++) {
		const struct shm_mount *m = pg->v->mounts[i];
		size_t skipped = m->n_full > FAILURES_SHOWN ? m->n_full - FAILURES_SHOWN : 0;

		if (m->n_full && !headed)
			fprintf(pg->out, "\n%sFailures%s\n", pg->bold, pg->plain);
		headed |= m->n_full;
		if (skipped + m->full_omitted)
			fprintf(pg->out, "  %llu earlier ones are left out\n",
				(unsigned long long)(skipped + m->full_omitted));
		for (size_t j = skipped; j < m->n_full; j++)
			print_failure(pg, m, &m->full[j]);
	}
}

/* ---- orphans ---- */

void shm_print_orphans(const struct shm_page *pg)
{
	char count[SHOW_LEN], bytes[SHOW_LEN], mount[512];

	if (!pg->v->orphans)
		return;
	fprintf(pg->out,
		"\n%sOrphans%s %s file%s with %s that nobody holds and whose creator is dead or unknown\n",
		pg->bold, pg->plain, show_count(count, pg->v->orphans),
		pg->v->orphans == 1 ? "" : "s", bytes_cell(pg, bytes, pg->v->orphan_bytes));
	for (size_t i = 0; i < pg->v->n_mounts; i++) {
		const struct shm_mount *m = pg->v->mounts[i];
		size_t shown = 0;

		if (!m->orphans)
			continue;
		fprintf(pg->out, "  %s in %s:", bytes_cell(pg, bytes, m->orphan_bytes),
			shm_show_mount(mount, sizeof(mount), m, pg->run->unit));
		for (size_t j = 0; j < m->n_files && shown < ORPHANS_SHOWN; j++) {
			if (m->files[j]->state != SHM_ORPHAN)
				continue;
			fputs(shown++ ? ", " : " ", pg->out);
			show_print_name(pg->out, m->files[j]->path, 40);
		}
		if (m->orphans > shown)
			fprintf(pg->out, " and %s more", show_count(count, m->orphans - shown));
		fputc('\n', pg->out);
	}
	fputs("  they could be removed; memmon-bpf removes nothing\n", pg->out);
}

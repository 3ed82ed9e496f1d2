/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger of shared memory for people: a line per superblock, with its files below it where they
 * are asked for, then System V segments, memfds and anonymous memory, failures and orphans.
 *
 * The columns of all mounts line up, and those of all their files: both tables are made whole, and
 * their lines are then printed alternately.
 */
#include "shm_table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILES_SHOWN 20 /* of one mount; JSON has all */

struct shm_table {
	struct sink sink;
	FILE *out;
	bool files;
	int columns;
};

/* ---- cells of a mount ---- */

static const char *bytes_cell(const struct shm_page *pg, char *dst, uint64_t bytes)
{
	return bytes == UNKNOWN_U64 ? NULL :
				      show_value(dst, shm_bytes(bytes), FIELD_BYTES, pg->run->unit);
}

static const char *cell_point(const struct shm_page *pg, char *dst, const void *row)
{
	(void)pg;
	return shm_show_point(dst, SHM_TEXT_LEN, row);
}

static const char *cell_container(const struct shm_page *pg, char *dst, const void *row)
{
	(void)pg;
	return shm_show_owner(dst, SHM_TEXT_LEN, row);
}

static const char *cell_limit(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_mount *m = row;

	return m->rec.limit_bytes ? bytes_cell(pg, dst, m->rec.limit_bytes) : strcpy(dst, "none");
}

static const char *cell_used(const struct shm_page *pg, char *dst, const void *row)
{
	return bytes_cell(pg, dst, ((const struct shm_mount *)row)->rec.used_bytes);
}

static const char *cell_share(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_mount *m = row;
	struct field_value share = shm_share(m->rec.used_bytes, m->rec.limit_bytes);

	(void)pg;
	if (m->rec.used_bytes == UNKNOWN_U64)
		return NULL;
	if (!share.known)
		return strcpy(dst, "-");
	snprintf(dst, SHOW_LEN, "%.1f", share.real * 100);
	return dst;
}

static const char *cell_peak(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_mount *m = row;

	/* the only look is no peak */
	if (!(m->rec.flags & SHM_MOUNT_TRACED) && isnan(m->growth_bytes_s) && !m->n_full)
		return NULL;
	return bytes_cell(pg, dst, m->peak_bytes);
}

static const char *cell_growth(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_mount *m = row;

	shm_show_growth(dst, m, pg->run->unit);
	return strcmp(dst, "n/a") != 0 ? dst : NULL;
}

static const char *cell_full_in(const struct shm_page *pg, char *dst, const void *row)
{
	(void)pg;
	shm_show_full_in(dst, row);
	return strcmp(dst, "n/a") != 0 ? dst : NULL;
}

static const char *cell_files(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_mount *m = row;

	(void)pg;
	if (m->gone || m->rec.flags & SHM_MOUNT_NO_FILES)
		return NULL;
	return show_count(dst, m->n_files + m->files_omitted);
}

static const char *cell_inodes(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_mount *m = row;
	struct field_value share = shm_share(m->rec.used_inodes, m->rec.limit_inodes);

	(void)pg;
	if (m->rec.used_inodes == UNKNOWN_U64)
		return NULL;
	show_count(dst, m->rec.used_inodes);
	if (share.known && share.real >= 0.5) /* else nobody needs to know */
		snprintf(dst + strlen(dst), SHOW_LEN - strlen(dst), " (%.0f %%)", share.real * 100);
	return dst;
}

static const struct shm_column mount_columns[] = {
	{ "MOUNT", cell_point, 0, 10 },  { "CONTAINER", cell_container, 0, 9 },
	{ "LIMIT", cell_limit, 0, 0 },   { "USED", cell_used, 0, 0 },
	{ "%", cell_share, 0, 0 },       { "PEAK", cell_peak, 3, 0 },
	{ "GROWTH", cell_growth, 2, 0 }, { "FULL IN", cell_full_in, 1, 0 },
	{ "FILES", cell_files, 4, 0 },   { "INODES", cell_inodes, 5, 0 },
};
#define N_MOUNT_COLUMNS (sizeof(mount_columns) / sizeof(mount_columns[0]))

/* ---- cells of a file ---- */

const char *shm_cell_size(const struct shm_page *pg, char *dst, const void *row)
{
	return bytes_cell(pg, dst, ((const struct shm_file *)row)->rec.size_bytes);
}

const char *shm_cell_bytes(const struct shm_page *pg, char *dst, const void *row)
{
	return bytes_cell(pg, dst, ((const struct shm_file *)row)->rec.bytes);
}

const char *shm_cell_creator(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_file *f = row;

	(void)pg;
	if (!(f->rec.flags & SHM_FILE_CREATOR))
		return NULL;
	return shm_show_creator(dst, SHM_TEXT_LEN, &f->rec);
}

const char *shm_cell_holders(const struct shm_page *pg, char *dst, const void *row)
{
	(void)pg;
	return shm_show_holders(dst, SHM_TEXT_LEN, row);
}

const char *shm_cell_name(const struct shm_page *pg, char *dst, const void *row)
{
	(void)pg;
	return shm_show_file(dst, SHM_TEXT_LEN, row);
}

static const char *cell_state(const struct shm_page *pg, char *dst, const void *row)
{
	const struct shm_file *f = row;

	(void)pg;
	/* its first pages were charged before anybody looked */
	snprintf(dst, SHOW_LEN, "%s%s", shm_state_name(f->state),
		 f->rec.flags & SHM_FILE_BEFORE ? ", older" : "");
	return dst;
}

static const struct shm_column file_columns[] = {
	{ "SIZE", shm_cell_size, 2, 0 },        { "BYTES", shm_cell_bytes, 0, 0 },
	{ "STATE", cell_state, 0, 8 },          { "CREATOR", shm_cell_creator, 1, 16 },
	{ "HOLDERS", shm_cell_holders, 0, 16 }, { "FILE", shm_cell_name, 0, 16 },
};
#define N_FILE_COLUMNS (sizeof(file_columns) / sizeof(file_columns[0]))

/* ---- mounts with their files ---- */

static size_t shown_files(const struct shm_page *pg, const struct shm_mount *m)
{
	if (!pg->files)
		return 0;
	return m->n_files < FILES_SHOWN ? m->n_files : FILES_SHOWN;
}

/* All files that will be shown, in that order. */
static char *files_text(const struct shm_page *pg)
{
	const void **rows;
	size_t n = 0;
	char *text;

	for (size_t i = 0; i < pg->v->n_mounts; i++)
		n += shown_files(pg, pg->v->mounts[i]);
	rows = calloc(n + 1, sizeof(*rows));
	if (!rows)
		return NULL;
	n = 0;
	for (size_t i = 0; i < pg->v->n_mounts; i++)
		for (size_t j = 0; j < shown_files(pg, pg->v->mounts[i]); j++)
			rows[n++] = pg->v->mounts[i]->files[j];
	text = shm_fit(pg, file_columns, N_FILE_COLUMNS, rows, n, "    ");
	free(rows);
	return text;
}

static const char *look_of(const struct shm_page *pg, const struct shm_mount *m)
{
	struct field_value share = shm_share(m->rec.used_bytes, m->rec.limit_bytes);

	if (m->gone)
		return pg->dim;
	return m->n_full || (share.known && share.real >= 0.95) ? pg->alarm : "";
}

static void print_unattributed(const struct shm_page *pg, const struct shm_mount *m)
{
	char bytes[SHOW_LEN];
	int64_t by = m->unattributed_bytes;

	if (!m->attributed || !by)
		return;
	show_value(bytes, shm_bytes((uint64_t)(by < 0 ? -by : by)), FIELD_BYTES, pg->run->unit);
	fprintf(pg->out, "    %sunattributed: %s %s%s\n", pg->dim, bytes,
		by < 0 ? "less are used than its files have" : "are used by no file", pg->plain);
}

static void print_more_files(const struct shm_page *pg, const struct shm_mount *m)
{
	uint64_t n = m->files_omitted, sum = m->files_omitted_bytes;
	char count[SHOW_LEN], bytes[SHOW_LEN];

	for (size_t i = shown_files(pg, m); pg->files && i < m->n_files; i++) {
		n++;
		if (m->files[i]->rec.bytes <= INT64_MAX && sum <= INT64_MAX)
			sum += m->files[i]->rec.bytes;
	}
	if (!pg->files || !n)
		return;
	fprintf(pg->out, "    and %s more files with %s\n", show_count(count, n),
		show_value(bytes, shm_bytes(sum), FIELD_BYTES, pg->run->unit));
}

/* Prints the next line of a text; false when there is none left. */
static bool print_line(const struct shm_page *pg, char **text, const char *look)
{
	char *line = strsep(text, "\n");

	if (!line || (!*line && !*text))
		return false;
	fprintf(pg->out, "%s%s%s\n", look, line, *look ? pg->plain : "");
	return true;
}

static void print_mount(const struct shm_page *pg, const struct shm_mount *m, char **mounts,
			char **files, const char *heading)
{
	size_t n = shown_files(pg, m);

	print_line(pg, mounts, look_of(pg, m));
	if (n && heading)
		fprintf(pg->out, "%s\n", heading);
	for (size_t i = 0; i < n; i++)
		print_line(pg, files, m->files[i]->state == SHM_ORPHAN ? pg->bold : "");
	print_more_files(pg, m);
	print_unattributed(pg, m);
}

static int print_mounts(const struct shm_page *pg)
{
	char *mounts = shm_fit(pg, mount_columns, N_MOUNT_COLUMNS,
			       (const void *const *)pg->v->mounts, pg->v->n_mounts, "");
	char *files = files_text(pg), *mounts_at = mounts, *files_at = files, *heading = NULL;
	int err = 0;

	if (!mounts || !files) {
		err = -ENOMEM;
		goto out;
	}
	print_line(pg, &mounts_at, "");
	heading = strsep(&files_at, "\n");
	for (size_t i = 0; i < pg->v->n_mounts; i++) {
		const struct shm_mount *m = pg->v->mounts[i];

		print_mount(pg, m, &mounts_at, &files_at, heading);
		if (shown_files(pg, m))
			heading = NULL; /* once is enough */
	}
out:
	free(mounts);
	free(files);
	return err;
}

static void print_notes(const struct shm_page *pg)
{
	char count[SHOW_LEN];

	if (pg->v->omitted)
		fprintf(pg->out,
			"\n%s%s small files, mounts or segments are left out: there are too many%s\n",
			pg->alarm, show_count(count, pg->v->omitted), pg->plain);
	if (pg->run->shm_gaps && *pg->run->shm_gaps) {
		fprintf(pg->out, "\n%snot seen: ", pg->dim);
		show_print_name(pg->out, pg->run->shm_gaps, 1000);
		fprintf(pg->out, "%s\n", pg->plain);
	}
}

static int shm_table_tick(struct sink *sink, const struct snapshot *s)
{
	(void)sink;
	(void)s;
	return 0;
}

static int shm_table_finish(struct sink *sink, const struct snapshot *s)
{
	struct shm_table *table = (struct shm_table *)sink;
	bool color = sink->run->color;
	struct shm_page pg = {
		.out = table->out,
		.run = sink->run,
		.s = s,
		.v = s->shm,
		.files = table->files,
		.columns = table->columns,
		.bold = color ? "\033[1m" : "",
		.alarm = color ? "\033[1;31m" : "",
		.dim = color ? "\033[2m" : "",
		.plain = color ? "\033[0m" : "",
	};
	int err;

	errno = 0;
	if (!s->shm || !s->shm->known) {
		fputs("nothing was read\n", table->out);
		return show_flush(table->out);
	}
	err = print_mounts(&pg);
	if (!err)
		err = shm_print_segments(&pg);
	if (!err)
		err = shm_print_anonymous(&pg);
	shm_print_failures(&pg);
	shm_print_orphans(&pg);
	print_notes(&pg);
	if (sink->run->fail_if)
		fprintf(table->out, "\n%sfailed: %s%s\n", pg.alarm, sink->run->fail_if, pg.plain);
	return err ? err : show_flush(table->out);
}

static void shm_table_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops shm_table_ops = {
	.name = "table",
	.tick = shm_table_tick,
	.finish = shm_table_finish,
	.destroy = shm_table_destroy,
};

struct sink *shm_table_create(const struct run *run, FILE *out, bool files, int columns)
{
	struct shm_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->sink = (struct sink){ .ops = &shm_table_ops, .run = run };
	table->out = out;
	table->files = files;
	table->columns = columns;
	return &table->sink;
}

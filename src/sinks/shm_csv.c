/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger as CSV (RFC 4180, LF line ends): at each tick one row per mount. Figures are plain
 * bytes, counts and seconds; empty = not known, for `limit_bytes` also none, for `full_in_s` also
 * never. Each tick is flushed, so that a run that is killed leaves whole rows.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../util/escape.h"
#include "shm_show.h"

struct shm_csv {
	struct sink sink;
	FILE *out;
	bool headed;
	uint64_t written_ns; /* of the newest rows */
};

static void print_count(FILE *out, uint64_t n)
{
	fputc(',', out);
	if (n != UNKNOWN_U64)
		fprintf(out, "%llu", (unsigned long long)n);
}

static void print_real(FILE *out, bool known, double real)
{
	fputc(',', out);
	if (known && isfinite(real))
		fprintf(out, "%.3f", real);
}

static void print_text(FILE *out, const char *raw)
{
	size_t len = strlen(raw), cap = len * ESCAPE_MAX_GROWTH + 1;
	char *text = malloc(cap);

	fputc(',', out);
	if (!text)
		return;
	escape_bytes(text, cap, raw, len);
	if (strpbrk(text, ",\"")) {
		fputc('"', out);
		for (const char *c = text; *c; c++)
			fprintf(out, "%s%c", *c == '"' ? "\"" : "", *c);
		fputc('"', out);
	} else {
		fputs(text, out);
	}
	free(text);
}

static void print_header(FILE *out)
{
	fputs("time_s,device,mount,container,container_id,runtime,limit_bytes,used_bytes,"
	      "peak_bytes,growth_bytes_s,full_in_s,limit_inodes,used_inodes,files,orphans,"
	      "orphan_bytes,unattributed_bytes,charged_bytes,uncharged_bytes,full\n",
	      out);
}

static void print_mount(FILE *out, const struct snapshot *s, const struct shm_mount *m)
{
	uint64_t failures = m->full_omitted;
	char device[SHOW_LEN];

	for (size_t i = 0; i < m->n_full; i++)
		failures += m->full[i].times;
	fprintf(out, "%.6f,%s", show_since_s(s, s->now_ns), shm_device(device, m->rec.dev));
	print_text(out, m->point);
	print_text(out, m->container);
	print_text(out, m->container_id);
	print_text(out, m->runtime);
	print_count(out, m->rec.limit_bytes ? m->rec.limit_bytes : UNKNOWN_U64);
	print_count(out, m->rec.used_bytes);
	print_count(out, m->peak_bytes);
	print_real(out, true, m->growth_bytes_s);
	print_real(out, m->full_in_s >= 0, m->full_in_s);
	print_count(out, m->rec.limit_inodes ? m->rec.limit_inodes : UNKNOWN_U64);
	print_count(out, m->rec.used_inodes);
	print_count(out, m->rec.flags & SHM_MOUNT_NO_FILES ? UNKNOWN_U64 :
							     m->n_files + m->files_omitted);
	print_count(out, m->orphans);
	print_count(out, m->orphan_bytes);
	fputc(',', out);
	if (m->attributed)
		fprintf(out, "%lld", (long long)m->unattributed_bytes);
	print_count(out, m->rec.charged_bytes);
	print_count(out, m->rec.uncharged_bytes);
	print_count(out, failures);
	fputc('\n', out);
}

static int shm_csv_tick(struct sink *sink, const struct snapshot *s)
{
	struct shm_csv *csv = (struct shm_csv *)sink;

	errno = 0;
	if (!csv->headed)
		print_header(csv->out);
	csv->headed = true;
	for (size_t i = 0; s->shm && i < s->shm->n_mounts; i++)
		print_mount(csv->out, s, s->shm->mounts[i]);
	csv->written_ns = s->now_ns;
	return show_flush(csv->out);
}

static int shm_csv_finish(struct sink *sink, const struct snapshot *s)
{
	struct shm_csv *csv = (struct shm_csv *)sink;

	return csv->headed && csv->written_ns == s->now_ns ? 0 : shm_csv_tick(sink, s);
}

static void shm_csv_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops shm_csv_ops = {
	.name = "csv",
	.tick = shm_csv_tick,
	.finish = shm_csv_finish,
	.destroy = shm_csv_destroy,
};

struct sink *shm_csv_create(const struct run *run, FILE *out)
{
	struct shm_csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return NULL;
	csv->sink = (struct sink){ .ops = &shm_csv_ops, .run = run };
	csv->out = out;
	return &csv->sink;
}

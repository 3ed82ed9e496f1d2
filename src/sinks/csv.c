/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timeline as CSV (RFC 4180, LF line ends as Unix tools expect): at each tick one row for the
 * tree and one for each live process. The columns are the FIELD_TIMELINE fields of both tables; a
 * field that both have by the same name shares one column. Figures are plain bytes, counts and
 * seconds; empty = not known or not a figure of that kind of row. Under --from-zero those that have
 * a first value are the difference to it.
 *
 * Each tick is flushed, so that a run that is killed leaves whole rows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../util/escape.h"
#include "show.h"

struct csv {
	struct sink sink;
	FILE *out;
	bool headed;
	uint64_t written_ns; /* of the newest rows */
};

static bool in_snapshot_fields(const char *name)
{
	const struct field *f = field_find(name);

	return f && f->flags & FIELD_TIMELINE;
}

static void print_value(FILE *out, struct field_value v, enum field_unit unit)
{
	fputc(',', out);
	if (!v.known)
		return;
	if (unit == FIELD_BYTES || unit == FIELD_COUNT)
		fprintf(out, "%lld", (long long)v.whole);
	else
		fprintf(out, "%.6f", v.real);
}

static void print_text(FILE *out, const char *raw)
{
	char text[SHOW_COMM_LEN];

	fputc(',', out);
	if (!raw || !*raw)
		return;
	escape_bytes(text, sizeof(text), raw, strlen(raw));
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (const char *c = text; *c; c++) {
		if (*c == '"')
			fputc('"', out);
		fputc(*c, out);
	}
	fputc('"', out);
}

static void print_header(FILE *out)
{
	fputs("time_s,kind,pid,comm", out);
	for (size_t i = 0; i < n_snapshot_fields; i++) {
		if (snapshot_fields[i].flags & FIELD_TIMELINE)
			fprintf(out, ",%s", snapshot_fields[i].name);
	}
	for (size_t i = 0; i < n_process_fields; i++) {
		const struct process_field *f = &process_fields[i];

		if (f->flags & FIELD_TIMELINE && !in_snapshot_fields(f->name))
			fprintf(out, ",%s", f->name);
	}
	fputc('\n', out);
}

static void print_tree(FILE *out, const struct run *run, const struct snapshot *s)
{
	fprintf(out, "%.6f,tree,,", show_since_s(s, s->now_ns));
	for (size_t i = 0; i < n_snapshot_fields; i++) {
		const struct field *f = &snapshot_fields[i];

		if (f->flags & FIELD_TIMELINE)
			print_value(out, show_from_zero(run, s, f), f->unit);
	}
	for (size_t i = 0; i < n_process_fields; i++) {
		const struct process_field *f = &process_fields[i];

		if (f->flags & FIELD_TIMELINE && !in_snapshot_fields(f->name))
			fputc(',', out);
	}
	fputc('\n', out);
}

static void print_process(FILE *out, const struct run *run, const struct snapshot *s,
			  const struct process *p)
{
	fprintf(out, "%.6f,process,%u", show_since_s(s, s->now_ns), p->pid);
	print_text(out, p->comm);
	for (size_t i = 0; i < n_snapshot_fields; i++) {
		const struct process_field *f;

		if (!(snapshot_fields[i].flags & FIELD_TIMELINE))
			continue;
		f = process_field_find(snapshot_fields[i].name);
		if (f)
			print_value(out, show_process_from_zero(run, s, p, f), f->unit);
		else
			fputc(',', out);
	}
	for (size_t i = 0; i < n_process_fields; i++) {
		const struct process_field *f = &process_fields[i];

		if (f->flags & FIELD_TIMELINE && !in_snapshot_fields(f->name))
			print_value(out, show_process_from_zero(run, s, p, f), f->unit);
	}
	fputc('\n', out);
}

static int csv_tick(struct sink *sink, const struct snapshot *s)
{
	struct csv *csv = (struct csv *)sink;

	errno = 0;
	if (!csv->headed)
		print_header(csv->out);
	csv->headed = true;
	print_tree(csv->out, sink->run, s);
	for (size_t i = 0; i < s->n_live; i++)
		print_process(csv->out, sink->run, s, s->processes[i]);
	csv->written_ns = s->now_ns;
	return show_flush(csv->out);
}

/* The last state: of a command shorter than one interval it is the only one. */
static int csv_finish(struct sink *sink, const struct snapshot *s)
{
	struct csv *csv = (struct csv *)sink;

	return csv->headed && csv->written_ns == s->now_ns ? 0 : csv_tick(sink, s);
}

static void csv_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops csv_ops = {
	.name = "csv",
	.tick = csv_tick,
	.finish = csv_finish,
	.destroy = csv_destroy,
};

struct sink *csv_create(const struct run *run, FILE *out)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return NULL;
	csv->sink = (struct sink){ .ops = &csv_ops, .run = run };
	csv->out = out;
	return &csv->sink;
}

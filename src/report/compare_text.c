/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A comparison for people: what is compared and what to beware of, the figures of the whole watch, shared
 * memory, processes by name, and which parts of the condition hold. At most 100 columns wide unless a
 * name is long. Colour says better or worse, and only where it is 1 % or more.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../model/value.h"
#include "../sinks/show.h"
#include "compare.h"

#define TOP_GROUPS 20
#define TOP_MOUNTS 20
#define NOTABLE 0.01

struct page {
	FILE *out;
	const struct comparison *c;
	const struct compare_style *style;
	const char *bold, *worse, *better, *dim, *plain;
};

enum good { NEITHER, LESS_IS_BETTER, MORE_IS_BETTER };

/* "+16.7 %", "0.0 %", "-" from 0, "n/a" */
static const char *share_text(char *dst, struct field_pair p, enum field_unit unit)
{
	struct field_value share = pair_share(p, unit), by = pair_change(p, unit);
	double percent = share.real * 100;

	if (!by.known)
		snprintf(dst, SHOW_LEN, "n/a");
	else if (!share.known)
		snprintf(dst, SHOW_LEN, "%s", by.whole || by.real != 0 ? "-" : "0.0 %");
	else if (percent != 0 && fabs(percent) < 0.05)
		snprintf(dst, SHOW_LEN, "%c<0.1 %%", percent < 0 ? '-' : '+');
	else if (percent == 0)
		snprintf(dst, SHOW_LEN, "0.0 %%");
	else
		snprintf(dst, SHOW_LEN, fabs(percent) < 1000 ? "%+.1f %%" : "%+.0f %%", percent);
	return dst;
}

/* "+200.0 MiB", "-3", "0 B" */
static const char *change_text(char *dst, struct field_pair p, enum field_unit unit,
			       const struct unit *bytes)
{
	struct field_value by = pair_change(p, unit);

	if (by.known && (by.whole > 0 || by.real > 0)) {
		char text[SHOW_LEN];

		snprintf(dst, SHOW_LEN, "+%.*s", SHOW_LEN - 2, show_value(text, by, unit, bytes));
		return dst;
	}
	return show_value(dst, by, unit, bytes);
}

static const char *row_color(const struct page *pg, struct field_pair p, enum field_unit unit,
			     enum good good)
{
	struct field_value by = pair_change(p, unit), share = pair_share(p, unit);
	double sign = by.known ? (double)by.whole + by.real : 0;

	if (good == NEITHER || sign == 0 || (share.known && fabs(share.real) < NOTABLE))
		return "";
	return (sign > 0) == (good == LESS_IS_BETTER) ? pg->worse : pg->better;
}

/* ---- the head ---- */

static void print_side(const struct page *pg, const char *letter, const struct side *side)
{
	const struct field_value duration = letter[0] == 'A' ?
						    comparison_find(pg->c, "duration").before :
						    comparison_find(pg->c, "duration").after;
	char text[SHOW_LEN];
	bool more = false;

	fprintf(pg->out, "  %s%s%s  ", pg->bold, letter, pg->plain);
	show_print_name(pg->out, side->name, 60);
	fputs(side->is_recording ? " (recording)" : " (summary)", pg->out);
	if (side->started) {
		fputs(", ", pg->out);
		show_print_name(pg->out, side->started, 30);
	}
	if (duration.known)
		fprintf(pg->out, ", %s", show_duration(text, duration.real));
	if (side->has_exit)
		fprintf(pg->out, ", %s",
			show_exit(text,
				  side->killed ? side->exit_code & 0x7f : side->exit_code << 8));
	if (side->command && side->command[0]) {
		fputs("\n     ", pg->out);
		for (size_t i = 0; i < 8 && side->command[i]; i++) {
			fputs(i ? " " : "", pg->out);
			show_print_name(pg->out, side->command[i], 60);
			more = i == 7 && side->command[8];
		}
		if (more)
			fputs(show_utf8() ? " …" : " ...", pg->out);
	}
	fputc('\n', pg->out);
}

static void print_head(const struct page *pg)
{
	char bound[SHOW_LEN], text[COMPARE_WARNING_LEN];
	struct field_value doubt = comparison_doubt(pg->c);

	fprintf(pg->out, "%smemmon-bpf diff%s: from A to B\n", pg->bold, pg->plain);
	print_side(pg, "A", pg->c->a);
	print_side(pg, "B", pg->c->b);
	for (size_t i = 0; i < pg->c->n_warnings; i++)
		fprintf(pg->out, "  %swarning: %s%s\n", pg->worse,
			show_name(text, sizeof(text), pg->c->warnings[i]), pg->plain);
	if (doubt.known)
		fprintf(pg->out,
			"  the peaks of RSS may be the same: they differ by no more than their bounds, %s%s\n",
			show_utf8() ? "±" : "+-",
			show_value(bound, doubt, FIELD_BYTES, pg->style->unit));
}

/* ---- the figures of the whole watch ---- */

static const struct {
	const char *title;
	const char *field; /* or */
	const char *growth; /* of this kind */
	enum good good;
	bool always; /* also where neither side knows it */
} rows[] = {
	{ "Peak RSS", "peak.rss", NULL, LESS_IS_BETTER, true },
	{ "  anon then", "peak.anon", NULL, LESS_IS_BETTER, false },
	{ "  file then", "peak.file", NULL, LESS_IS_BETTER, false },
	{ "  shmem then", "peak.shmem", NULL, LESS_IS_BETTER, false },
	{ "  swap then", "peak.swap", NULL, LESS_IS_BETTER, false },
	{ "Own peak of anon", "max.anon", NULL, LESS_IS_BETTER, false },
	{ "  file", "max.file", NULL, LESS_IS_BETTER, false },
	{ "  shmem", "max.shmem", NULL, LESS_IS_BETTER, false },
	{ "  swap", "max.swap", NULL, LESS_IS_BETTER, false },
	{ "Growth of RSS", NULL, "rss", LESS_IS_BETTER, true },
	{ "  anon", NULL, "anon", LESS_IS_BETTER, false },
	{ "  file", NULL, "file", LESS_IS_BETTER, false },
	{ "  shmem", NULL, "shmem", LESS_IS_BETTER, false },
	{ "  swap", NULL, "swap", LESS_IS_BETTER, false },
	{ "Footprint, peak", "peak.footprint", NULL, LESS_IS_BETTER, false },
	{ "  growth", NULL, "footprint", LESS_IS_BETTER, false },
	{ "Charged, peak", "charged.peak", NULL, LESS_IS_BETTER, false },
	{ "Page faults, minor", "faults.minor", NULL, LESS_IS_BETTER, true },
	{ "  major", "faults.major", NULL, LESS_IS_BETTER, true },
	{ "mmap", "mmap.bytes", NULL, NEITHER, false },
	{ "munmap", "munmap.bytes", NULL, NEITHER, false },
	{ "brk", "brk.bytes", NULL, NEITHER, false },
	{ "CPU time", "cpu", NULL, LESS_IS_BETTER, false },
	{ "Duration", "duration", NULL, NEITHER, false },
	{ "Processes", "processes", NULL, NEITHER, false },
	{ "  most at once", "peak_processes", NULL, NEITHER, false },
	{ "Available, lowest", "system.available.min", NULL, MORE_IS_BETTER, false },
	{ "Used from zero", "system.used.from_zero", NULL, LESS_IS_BETTER, false },
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Prints a table with a colour for each row below the heading. */
static int print_colored(const struct page *pg, const struct table *t, const char *const *colors)
{
	char *text = NULL, *line, *rest;
	size_t len = 0, row = 0;
	FILE *to = open_memstream(&text, &len);
	int err;

	if (!to)
		return -ENOMEM;
	err = table_print(t, to, "  ", "", "");
	if (fclose(to))
		err = err ? err : -ENOMEM;
	rest = err ? NULL : text;
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *color = row ? colors[row - 1] : pg->dim;

		fprintf(pg->out, "%s%s%s\n", color, line, *color ? pg->plain : "");
		row++;
	}
	free(text);
	return err;
}

static void figure_cells(const struct page *pg, struct table *t, struct field_pair p,
			 enum field_unit unit)
{
	char text[SHOW_LEN];

	table_cell(t, show_value(text, p.before, unit, pg->style->unit));
	table_cell(t, show_value(text, p.after, unit, pg->style->unit));
	table_cell(t, change_text(text, p, unit, pg->style->unit));
	table_cell(t, share_text(text, p, unit));
}

static int print_figures(const struct page *pg)
{
	const char *colors[N_ROWS];
	struct field_pair kills = { pg->c->a->oom_kills, pg->c->b->oom_kills };
	struct table *t = table_create(5);
	size_t n = 0;
	int err;

	if (!t)
		return -ENOMEM;
	table_left(t, 0);
	for (size_t i = 0; i < 5; i++)
		table_cell(t, (const char *const[]){ "", "A", "B", "change", "%" }[i]);
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct field *f = rows[i].field ? field_find(rows[i].field) : NULL;
		enum field_unit unit = f ? f->unit : FIELD_BYTES;
		struct field_pair p = f ? comparison_field(pg->c, f) :
					  comparison_growth(pg->c, rows[i].growth);

		if (!rows[i].always && !p.before.known && !p.after.known)
			continue;
		table_cell(t, rows[i].title);
		figure_cells(pg, t, p, unit);
		table_row(t);
		colors[n++] = row_color(pg, p, unit, rows[i].good);
	}
	fputc('\n', pg->out);
	err = print_colored(pg, t, colors);
	table_destroy(t);
	if (!err && (kills.before.whole || kills.after.whole))
		fprintf(pg->out, "  %sOOM kills: %lld in A, %lld in B%s\n", pg->worse,
			(long long)kills.before.whole, (long long)kills.after.whole, pg->plain);
	return err;
}

/* ---- lists: bytes in one unit, without its name ---- */

static const struct unit *list_unit(const struct page *pg)
{
	return pg->style->unit ? pg->style->unit : unit_find("MiB");
}

static const char *in_unit(const struct page *pg, char *dst, struct field_value v, bool sign)
{
	char text[SHOW_LEN];

	if (!v.known) {
		snprintf(dst, SHOW_LEN, "n/a");
		return dst;
	}
	snprintf(dst, SHOW_LEN, "%s%.*s", sign && v.whole > 0 ? "+" : "", SHOW_LEN - 2,
		 show_in_unit(text, v.whole, list_unit(pg)));
	return dst;
}

static void bytes_cells(const struct page *pg, struct table *t, struct field_pair p)
{
	char text[SHOW_LEN];

	table_cell(t, in_unit(pg, text, p.before, false));
	table_cell(t, in_unit(pg, text, p.after, false));
	table_cell(t, in_unit(pg, text, pair_change(p, FIELD_BYTES), true));
}

static void count_cells(struct table *t, struct field_pair p)
{
	char text[SHOW_LEN];

	table_cell(t, show_value(text, p.before, FIELD_COUNT, NULL));
	table_cell(t, show_value(text, p.after, FIELD_COUNT, NULL));
}

/* A name in at most `columns`. */
static void name_cell(struct table *t, const char *raw, int columns)
{
	char text[256];
	int used;

	show_name(text, sizeof(text), raw);
	text[show_clip(text, columns, &used)] = '\0';
	table_cell(t, text);
}

static struct field_value unknown_or(const struct field_value *v)
{
	return v ? *v : value_unknown();
}

#define PAIR(of, figure)                                                     \
	((struct field_pair){ unknown_or((of)->a ? &(of)->a->figure : NULL), \
			      unknown_or((of)->b ? &(of)->b->figure : NULL) })

static void print_more(const struct page *pg, size_t all, size_t shown, const char *what)
{
	char text[SHOW_LEN];

	if (all > shown)
		fprintf(pg->out, "  and %s more %s; --json has them all\n",
			show_count(text, all - shown), what);
}

static void limit_cell(const struct page *pg, struct table *t, const struct side_mount *m)
{
	char text[SHOW_LEN];

	if (m && m->unlimited)
		table_cell(t, "none");
	else
		table_cell(t, in_unit(pg, text, unknown_or(m ? &m->limit : NULL), false));
}

static int print_mounts(const struct page *pg)
{
	static const char *const titles[] = { "MOUNT", "CONTAINER", "LIMIT A", "B",      "PEAK A",
					      "B",     "change",    "%",       "FULL A", "B" };
	size_t n = pg->c->n_mounts < TOP_MOUNTS ? pg->c->n_mounts : TOP_MOUNTS;
	const char *colors[TOP_MOUNTS];
	char text[SHOW_LEN];
	struct table *t;
	int err;

	if (!n)
		return 0;
	t = table_create(10);
	if (!t)
		return -ENOMEM;
	table_left(t, 0);
	table_left(t, 1);
	for (size_t i = 0; i < 10; i++)
		table_cell(t, titles[i]);
	for (size_t i = 0; i < n; i++) {
		const struct compare_mount *m = &pg->c->mounts[i];
		struct field_pair peak = PAIR(m, peak);

		name_cell(t, m->point, 24);
		name_cell(t, *m->container ? m->container : "-", 20);
		limit_cell(pg, t, m->a);
		limit_cell(pg, t, m->b);
		bytes_cells(pg, t, peak);
		table_cell(t, share_text(text, peak, FIELD_BYTES));
		count_cells(t, PAIR(m, full));
		table_row(t);
		colors[i] = row_color(pg, peak, FIELD_BYTES, LESS_IS_BETTER);
	}
	fprintf(pg->out, "\n%sShared memory%s in %s; full: how often somebody hit the wall\n",
		pg->bold, pg->plain, list_unit(pg)->name);
	err = print_colored(pg, t, colors);
	table_destroy(t);
	print_more(pg, pg->c->n_mounts, n, "mounts");
	return err;
}

static int print_groups(const struct page *pg)
{
	static const char *const titles[] = { "COMMAND", "COUNT A",   "B", "SUM A",  "B",
					      "change",  "LARGEST A", "B", "change", "%" };
	size_t n = pg->c->n_groups < TOP_GROUPS ? pg->c->n_groups : TOP_GROUPS;
	const char *colors[TOP_GROUPS];
	char text[SHOW_LEN];
	struct table *t;
	int err;

	if (!n)
		return 0;
	t = table_create(10);
	if (!t)
		return -ENOMEM;
	table_left(t, 0);
	for (size_t i = 0; i < 10; i++)
		table_cell(t, titles[i]);
	for (size_t i = 0; i < n; i++) {
		const struct compare_group *g = &pg->c->groups[i];
		struct field_pair largest = PAIR(g, peak_max);

		name_cell(t, g->comm, COMM_LEN);
		count_cells(t, comparison_count(pg->c, g));
		bytes_cells(pg, t, PAIR(g, peak_sum));
		bytes_cells(pg, t, largest);
		table_cell(t, share_text(text, largest, FIELD_BYTES));
		table_row(t);
		colors[i] = row_color(pg, largest, FIELD_BYTES, LESS_IS_BETTER);
	}
	fprintf(pg->out, "\n%sProcesses by name%s: peaks of RSS in %s, their sum and the largest\n",
		pg->bold, pg->plain, list_unit(pg)->name);
	err = print_colored(pg, t, colors);
	table_destroy(t);
	print_more(pg, pg->c->n_groups, n, "names");
	return err;
}

/* ---- the condition ---- */

static const char *missing_text(const struct comparison *c, const struct expr_part *part)
{
	struct field_pair p = comparison_field(c, part->field);

	if (part->is_change && !p.before.known)
		return p.after.known ? "n/a in A" : "n/a in A and in B";
	return "n/a in B";
}

const char *compare_part_text(char *dst, const struct comparison *c, size_t i,
			      const struct compare_style *style)
{
	struct expr_part part = expr_part(c->fail_if, i);
	struct field_pair p = comparison_field(c, part.field);
	enum field_unit unit = part.field->unit;
	char before[SHOW_LEN], after[SHOW_LEN], change[SHOW_LEN], share[SHOW_LEN];
	int len = part.len < 200 ? (int)part.len : 200;

	if (expr_part_holds(c->fail_if, i, p) == EXPR_UNKNOWN)
		snprintf(dst, COMPARE_PART_LEN, "%.*s: %s, so it does not hold", len, part.text,
			 missing_text(c, &part));
	else if (!part.is_change)
		snprintf(dst, COMPARE_PART_LEN, "%.*s: %s", len, part.text,
			 show_value(after, p.after, unit, style->unit));
	else
		snprintf(dst, COMPARE_PART_LEN, "%.*s: %s, then %s (%s, %s)", len, part.text,
			 show_value(before, p.before, unit, style->unit),
			 show_value(after, p.after, unit, style->unit),
			 change_text(change, p, unit, style->unit), share_text(share, p, unit));
	return dst;
}

static void print_condition(const struct page *pg)
{
	static const char *const verdicts[] = {
		[EXPR_FALSE] = "no", [EXPR_TRUE] = "yes", [EXPR_UNKNOWN] = "n/a"
	};
	const struct comparison *c = pg->c;
	char text[COMPARE_PART_LEN], shown[COMPARE_PART_LEN];

	if (!c->fail_if)
		return;
	fprintf(pg->out, "\n%sCondition%s %s\n", pg->bold, pg->plain,
		c->failed ? "holds: failed" : "does not hold");
	for (size_t i = 0; i < expr_parts(c->fail_if); i++) {
		struct expr_part part = expr_part(c->fail_if, i);
		enum expr_verdict verdict =
			expr_part_holds(c->fail_if, i, comparison_field(c, part.field));

		compare_part_text(text, c, i, pg->style);
		fprintf(pg->out, "  %s%-4s%s%s\n", verdict == EXPR_TRUE ? pg->worse : "",
			verdicts[verdict], show_name(shown, sizeof(shown), text),
			verdict == EXPR_TRUE ? pg->plain : "");
	}
}

int compare_text_write(const struct comparison *c, const struct compare_style *style, FILE *out)
{
	bool color = style->color;
	struct page pg = {
		.out = out,
		.c = c,
		.style = style,
		.bold = color ? "\033[1m" : "",
		.worse = color ? "\033[31m" : "",
		.better = color ? "\033[32m" : "",
		.dim = color ? "\033[2m" : "",
		.plain = color ? "\033[0m" : "",
	};
	int err;

	errno = 0;
	print_head(&pg);
	err = print_figures(&pg);
	if (!err)
		err = print_mounts(&pg);
	if (!err)
		err = print_groups(&pg);
	print_condition(&pg);
	return err ? err : show_flush(out);
}

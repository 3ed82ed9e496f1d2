// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What NNCF's memory monitor leaves behind, for its users and their scripts: for the RSS and for the
 * memory in use on the machine a text of `<time> <value>` lines and a plot, each also less its first
 * value, and a table at the end. Unlike there the highest value is the exact peak: it has a line of its
 * own, at its time, and so has a level between two ticks that was higher than both, in their middle.
 *
 * Lines are written as they come. Of the plots only so many rows are kept as a picture can show.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../report/picture.h"
#include "show.h"

const char *const log_dir_names[LOG_DIR_FILES] = {
	"rss_memory_usage.txt",    "rss_memory_usage_from-zero.txt",
	"rss_memory_usage.png",    "rss_memory_usage_from-zero.png",
	"system_memory_usage.txt", "system_memory_usage_from-zero.txt",
	"system_memory_usage.png", "system_memory_usage_from-zero.png",
};

#define OF_TYPE (LOG_DIR_FILES / 2) /* files: two texts, then two pictures */
#define COLUMNS 1000 /* of a picture */

/* RSS or the machine's memory. */
struct log {
	const char *type;
	FILE *const *files;
	const struct unit *unit;
	struct chart_rows rows;
	bool begun;
	double first, last_s, last, most; /* bytes, seconds */
};

struct log_dir {
	struct sink sink;
	FILE *files[LOG_DIR_FILES];
	FILE *table; /* NULL = none */
	struct log rss, system;
	uint64_t tick_ns; /* of the newest tick */
};

static double in_unit(const struct log *l, double bytes)
{
	return bytes / (double)l->unit->bytes;
}

static int add(struct log *l, double at_s, double bytes)
{
	if (!l->begun)
		l->first = bytes;
	if (!l->begun || bytes > l->most)
		l->most = bytes;
	l->begun = true;
	l->last_s = fmax(at_s, l->last_s);
	l->last = bytes;
	fprintf(l->files[0], "%.6f %.3f\n", l->last_s, in_unit(l, bytes));
	fprintf(l->files[1], "%.6f %.3f\n", l->last_s, in_unit(l, bytes - l->first));
	/* thinning leaves 5 rows per column at most: it is done seldom, and memory stays bounded */
	if (l->rows.n >= COLUMNS * 16)
		chart_rows_thin(&l->rows, 0, l->last_s, COLUMNS);
	return chart_rows_add(&l->rows, l->last_s, &bytes);
}

static double value(const struct snapshot *s, const char *name)
{
	const struct field *f = field_find(name);
	struct field_value v = { .known = false };

	if (f)
		v = f->get(s);
	if (!v.known)
		return NAN;
	return f->unit == FIELD_SECONDS ? v.real : (double)v.whole;
}

/* What was between the last tick and this one: the peak, or else the highest level. */
static int add_between(struct log *l, const struct snapshot *s, double now_s, double now)
{
	double peak = value(s, "peak.rss"), level = value(s, "interval.peak");

	if (peak > l->most && peak > now)
		return add(l, fmin(value(s, "peak.at"), now_s), peak);
	if (level > l->last && level > now && level <= peak)
		return add(l, (l->last_s + now_s) / 2, level);
	return 0;
}

/* What is counted in pieces may be off by the bound of the peak, which nothing exceeds. */
static double rss(const struct snapshot *s, const char *name)
{
	double bytes = value(s, name), peak = value(s, "peak.rss");

	return bytes > peak ? peak : bytes;
}

static int add_rss(struct log *l, const struct snapshot *s, double now_s, bool last)
{
	double first = rss(s, "first.rss"), now = rss(s, "rss");
	int err = 0;

	if (isnan(now))
		return 0;
	if (!l->begun && !isnan(first))
		err = add(l, 0, first);
	if (!err)
		err = add_between(l, s, now_s, now);
	/* when all have ended there is nothing left to measure, and 0 would be taken for a measurement */
	if (err || (last && !s->tree.processes_live) || (l->last_s == now_s && l->last == now))
		return err;
	return add(l, now_s, now);
}

static int add_system(struct log *l, const struct snapshot *s, double now_s)
{
	double first = value(s, "system.total") - value(s, "system.available.first"),
	       now = value(s, "system.used");
	int err = 0;

	if (isnan(now))
		return 0;
	if (!l->begun && !isnan(first))
		err = add(l, 0, first);
	if (err || (l->last_s == now_s && l->last == now))
		return err;
	return add(l, now_s, now);
}

static int write_texts(struct log_dir *d)
{
	int err = 0;

	for (size_t i = 0; !err && i < LOG_DIR_FILES; i++)
		if (i % OF_TYPE < 2)
			err = show_flush(d->files[i]);
	return err;
}

static int take(struct log_dir *d, const struct snapshot *s, bool last)
{
	double now_s = show_since_s(s, s->now_ns);
	int err;

	errno = 0;
	err = add_rss(&d->rss, s, now_s, last);
	if (!err)
		err = add_system(&d->system, s, now_s);
	d->tick_ns = s->now_ns;
	return err ? err : write_texts(d);
}

static int log_dir_tick(struct sink *sink, const struct snapshot *s)
{
	return take((struct log_dir *)sink, s, false);
}

static int draw(struct log *l, bool from_zero)
{
	struct chart *c = chart_create();
	struct chart_layer *layer;
	double most = l->most - (from_zero ? l->first : 0);
	int err = 0;

	if (!c)
		return -ENOMEM;
	c->plain_seconds = true;
	c->to_s = l->last_s;
	if (l->begun)
		snprintf(c->title, sizeof(c->title), "Max_%s: %.2f %s", l->type, in_unit(l, most),
			 l->unit->name);
	snprintf(c->x_title, sizeof(c->x_title), "Time (seconds)");
	snprintf(c->y_title, sizeof(c->y_title), "Memory Usage (%s, %s)", l->type, l->unit->name);
	layer = chart_add_layer(chart_add_panel(c, ""), 1);
	layer->inks[0] = INK_AVAILABLE;
	layer->names[0] = l->type;
	for (size_t i = 0; !err && i < l->rows.n; i++) {
		double bytes = *chart_row(&l->rows, i) - (from_zero ? l->first : 0);

		err = chart_rows_add(&layer->rows, chart_row_at(&l->rows, i), &bytes);
	}
	if (!err)
		err = picture_plot_draw(c, l->unit, l->files[2 + from_zero]);
	chart_destroy(c);
	errno = 0;
	return err ? err : show_flush(l->files[2 + from_zero]);
}

static void write_end(struct log *l, bool from_zero)
{
	FILE *out = l->files[from_zero];

	if (l->begun)
		fprintf(out, "Total time: %.6f\nMax memory: %.3f (%s)\n", l->last_s,
			in_unit(l, l->most - (from_zero ? l->first : 0)), l->unit->name);
	else
		/* two lines too, as whoever reads these files leaves out the last two */
		fprintf(out, "No measurements recorded.\n"
			     "The watch ended before anything could be read.\n");
}

static void print_row(FILE *out, const struct log *l, bool from_zero)
{
	char most[SHOW_LEN] = "n/a";

	if (l->begun)
		snprintf(most, sizeof(most), "%.0f %s",
			 trunc(in_unit(l, l->most - (from_zero ? l->first : 0))), l->unit->name);
	fprintf(out, "%-13s  %-11s  %s\n", l->type, from_zero ? "True" : "False", most);
}

static int print_table(const struct log_dir *d)
{
	if (!d->table)
		return 0;
	fputs("\nMemory summary:\n"
	      "Memory type    From zero    Peak value\n"
	      "-------------  -----------  ------------\n",
	      d->table);
	print_row(d->table, &d->rss, true);
	print_row(d->table, &d->rss, false);
	print_row(d->table, &d->system, true);
	print_row(d->table, &d->system, false);
	return show_flush(d->table);
}

/* Pictures that cannot be drawn are told once; the texts are whole all the same. */
static int log_dir_finish(struct sink *sink, const struct snapshot *s)
{
	struct log_dir *d = (struct log_dir *)sink;
	int err = d->tick_ns == s->now_ns ? 0 : take(d, s, true), drawn = 0;

	errno = 0;
	for (int from_zero = 0; !err && from_zero < 2; from_zero++) {
		write_end(&d->rss, from_zero);
		write_end(&d->system, from_zero);
	}
	if (!err)
		err = write_texts(d);
	errno = 0;
	if (!err)
		err = print_table(d);
	for (int from_zero = 0; !err && !drawn && from_zero < 2; from_zero++) {
		drawn = draw(&d->rss, from_zero);
		if (!drawn)
			drawn = draw(&d->system, from_zero);
	}
	return err ? err : drawn;
}

static void log_dir_destroy(struct sink *sink)
{
	struct log_dir *d = (struct log_dir *)sink;

	chart_rows_finish(&d->rss.rows);
	chart_rows_finish(&d->system.rows);
	free(d);
}

/* Where only the pictures failed it may be cairo. */
static const char *log_dir_reason(const struct sink *sink, int err)
{
	(void)sink;
	return picture_reason(err);
}

static const struct sink_ops log_dir_ops = {
	.name = "log_dir",
	.tick = log_dir_tick,
	.finish = log_dir_finish,
	.destroy = log_dir_destroy,
	.reason = log_dir_reason,
};

struct sink *log_dir_create(const struct run *run, FILE *const files[LOG_DIR_FILES], FILE *table)
{
	struct log_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->sink = (struct sink){ .ops = &log_dir_ops, .run = run };
	memcpy(d->files, files, sizeof(d->files));
	d->table = table;
	d->rss = (struct log){ .type = "rss", .files = d->files };
	d->system = (struct log){ .type = "system", .files = &d->files[OF_TYPE] };
	d->rss.unit = d->system.unit = run->unit ? run->unit : unit_find("MiB");
	d->rss.rows.width = d->system.rows.width = 1;
	return &d->sink;
}

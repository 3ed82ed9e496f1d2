/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line per interval, for pipes, logs and awk: a fixed number of columns, figures without unit
 * names (the header's first line says the unit), "n/a" where a figure is not known. Lines that
 * start with # are for people: the header, losses, skipped runs, OOM kills, and with #! who hit a full
 * /dev/shm and changes of the way of watching.
 * Where the target has a /dev/shm with a limit, its use follows the last column: "shm 12.0/64.0 MiB".
 *
 * Under --from-zero the columns that have a first value show the difference to it. Faults and
 * delta are those of the interval.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remedy.h"
#include "shm_show.h"

#define HEADER_EVERY 40 /* lines, on a terminal: less than a screen */

enum shows { SHOW_VALUE, SHOW_CHANGE };

static const struct column {
	const char *title;
	const char *field;
	enum shows shows;
	int width;
} columns[] = {
	{ "rss", "rss", SHOW_VALUE, 8 },
	{ "anon", "anon", SHOW_VALUE, 8 },
	{ "file", "file", SHOW_VALUE, 8 },
	{ "shmem", "shmem", SHOW_VALUE, 8 },
	{ "swap", "swap", SHOW_VALUE, 8 },
	{ "peak", "peak.rss", SHOW_VALUE, 8 },
	{ "delta", "rss", SHOW_CHANGE, 8 },
	{ "avail", "system.available", SHOW_VALUE, 9 },
	{ "procs", "processes.live", SHOW_VALUE, 5 },
	{ "minflt", "faults.minor", SHOW_CHANGE, 8 },
	{ "majflt", "faults.major", SHOW_CHANGE, 6 },
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct lines {
	struct sink sink;
	FILE *out;
	bool tty;
	const struct unit *unit; /* one for all lines: figures below each other compare */
	uint64_t printed;
	uint64_t printed_ns; /* time of the newest line */
	uint64_t lost;
	uint64_t missed; /* runs on processes that the kernel skipped, as far as that was told */
	bool missed_rss_told;
	uint64_t oom_ns; /* of the newest kill that was told */
	uint64_t step_told; /* number of the newest change of the way of watching that was told */
	uint64_t full_told; /* number of the newest failure of shared memory that was told */
	struct field_value before[N_COLUMNS]; /* of SHOW_CHANGE */
};

static int column_width(const struct lines *l, const struct column *c)
{
	const struct field *f = field_find(c->field);

	/* "107374182400" needs more room than "102400.0" */
	return f && f->unit == FIELD_BYTES && l->unit->bytes < 1000000 ? c->width + 6 : c->width;
}

static void print_header(const struct lines *l)
{
	if (!l->printed)
		fprintf(l->out,
			"# memory in %s%s, times in seconds, delta and faults of the interval\n",
			l->unit->name, l->sink.run->from_zero ? " from zero" : "");
	fprintf(l->out, "#%8s", "time");
	for (size_t i = 0; i < N_COLUMNS; i++)
		fprintf(l->out, " %*s", column_width(l, &columns[i]), columns[i].title);
	fputc('\n', l->out);
}

/* Those on RSS hide nothing that the bounds do not allow for: that there are some is told once. */
static void print_missed(struct lines *l, const struct snapshot *s)
{
	uint64_t processes = snapshot_missed(s, MISSED_PROCESSES);
	uint64_t rss = snapshot_missed(s, MISSED_RSS);
	char text[SHOW_SKIPPED_LEN];

	if (processes > l->missed) {
		fprintf(l->out, "# %s\n",
			show_skipped(text, s, MISSED_PROCESSES, processes - l->missed));
		l->missed = processes;
	}
	if (rss && !l->missed_rss_told) {
		fprintf(l->out, "# %s (told once)\n", show_skipped(text, s, MISSED_RSS, rss));
		l->missed_rss_told = true;
	}
}

static void print_notes(struct lines *l, const struct snapshot *s)
{
	if (s->cost.known && s->cost.last.lost_records > l->lost) {
		fprintf(l->out,
			"# LOST %llu records: starts, ends or OOM kills may be missing; figures are right\n",
			(unsigned long long)(s->cost.last.lost_records - l->lost));
		l->lost = s->cost.last.lost_records;
	}
	print_missed(l, s);
	for (size_t i = 0; i < s->n_oom; i++) {
		const struct oom_kill *oom = &s->oom[i];
		char name[SHOW_COMM_LEN];

		if (oom->ts_ns <= l->oom_ns)
			continue;
		l->oom_ns = oom->ts_ns;
		fprintf(l->out, "# OOM killed %u (%s) at %.3f s\n", oom->pid,
			show_name(name, sizeof(name), oom->comm), show_since_s(s, oom->ts_ns));
	}
}

static void print_steps(struct lines *l, const struct snapshot *s)
{
	char text[SHOW_STEP_LEN];

	for (size_t i = 0; i < s->mode.n_steps; i++) {
		const struct mode_step *step = &s->mode.steps[i];

		if (step->number <= l->step_told)
			continue;
		l->step_told = step->number;
		if (step->why != MODE_STARTED) /* as is to be expected */
			fprintf(l->out, "#! %s\n", show_step(text, s, step));
	}
}

static void print_failures(struct lines *l, const struct snapshot *s)
{
	uint64_t newest = l->full_told;
	char text[SHM_TEXT_LEN];

	for (size_t i = 0; s->shm && i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];

		if (!m->n_full || !shm_is_of_watch(s, m))
			continue;
		for (size_t j = 0; j < m->n_full; j++) {
			const struct shm_full *full = &m->full[j];

			if (full->number <= l->full_told)
				continue;
			if (full->number > newest)
				newest = full->number;
			fprintf(l->out, "#! %s",
				shm_show_full(text, sizeof(text), s, m, full, l->sink.run->unit));
			remedy_write(text, sizeof(text), m, full);
			fprintf(l->out, "%s%s\n", *text ? "; remedy: " : "", text);
		}
	}
	l->full_told = newest;
}

/* "shm 12.0/64.0 MiB" */
static void print_shm(const struct lines *l, const struct snapshot *s)
{
	const struct shm_mount *m = shm_of_target(s);
	char used[SHOW_LEN], limit[SHOW_LEN];

	if (m)
		fprintf(l->out, " shm %s/%s %s",
			show_in_unit(used, shm_bytes(m->rec.used_bytes).whole, l->unit),
			show_in_unit(limit, shm_bytes(m->rec.limit_bytes).whole, l->unit),
			l->unit->name);
}

/* The change since the line before; the first line's is since the watch began. */
static struct field_value change(struct lines *l, size_t i, const struct snapshot *s,
				 const struct field *f)
{
	struct field_value now = f->get(s), before = l->before[i], diff = now;

	if (!l->printed) {
		before = field_first(s, f);
		if (!before.known && f->unit == FIELD_COUNT)
			before = (struct field_value){ .known = true };
	}
	l->before[i] = now;
	diff.known = now.known && before.known;
	diff.whole = now.whole - before.whole;
	return diff;
}

static void print_column(struct lines *l, size_t i, const struct snapshot *s)
{
	const struct column *c = &columns[i];
	const struct field *f = field_find(c->field);
	struct field_value v = { .known = false };
	char text[SHOW_LEN] = "n/a", in_unit[SHOW_LEN];

	if (f && c->shows == SHOW_CHANGE)
		v = change(l, i, s, f);
	else if (f)
		v = show_from_zero(l->sink.run, s, f);
	if (v.known && f->unit == FIELD_BYTES) {
		bool sign = c->shows == SHOW_CHANGE && v.whole > 0;

		show_in_unit(in_unit, v.whole, l->unit);
		snprintf(text, sizeof(text), "%s%.40s", sign ? "+" : "", in_unit);
	} else if (v.known) {
		snprintf(text, sizeof(text), "%lld", (long long)v.whole);
	}
	fprintf(l->out, " %*s", column_width(l, c), text);
}

static int lines_tick(struct sink *sink, const struct snapshot *s)
{
	struct lines *l = (struct lines *)sink;

	errno = 0;
	if (!l->printed || (l->tty && l->printed % HEADER_EVERY == 0))
		print_header(l);
	print_notes(l, s);
	print_steps(l, s);
	print_failures(l, s);
	fprintf(l->out, "%9.3f", show_since_s(s, s->now_ns));
	for (size_t i = 0; i < N_COLUMNS; i++)
		print_column(l, i, s);
	print_shm(l, s);
	fputc('\n', l->out);
	l->printed++;
	l->printed_ns = s->now_ns;
	return show_flush(l->out);
}

/* The last state: of a command shorter than one interval it is the only line. */
static int lines_finish(struct sink *sink, const struct snapshot *s)
{
	const struct lines *l = (const struct lines *)sink;

	return l->printed && l->printed_ns == s->now_ns ? 0 : lines_tick(sink, s);
}

static void lines_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops lines_ops = {
	.name = "lines",
	.tick = lines_tick,
	.finish = lines_finish,
	.destroy = lines_destroy,
};

struct sink *lines_create(const struct run *run, FILE *out)
{
	struct lines *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->sink = (struct sink){ .ops = &lines_ops, .run = run };
	l->out = out;
	l->tty = isatty(fileno(out));
	l->unit = run->unit ? run->unit : unit_find("MiB");
	return &l->sink;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The tables of the HTML report. They need no script; page.js makes them sortable, by data-value where
 * a cell has it ("" = not known), else by text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../sinks/remedy.h"
#include "../sinks/shm_show.h"
#include "html_page.h"

#define MOST_EVENTS 2000 /* rows; the charts flag more */

struct column {
	const char *title;
	bool text; /* flush left, sorted as text */
};

static void begin_table(FILE *out, const char *id, const char *heading, const char *caption,
			const struct column *columns, size_t n)
{
	fprintf(out,
		"<section aria-labelledby=\"%s-heading\">\n<h2 id=\"%s-heading\">%s</h2>\n"
		"<div class=\"wide\" role=\"region\" aria-labelledby=\"%s-heading\" tabindex=\"0\">"
		"<table class=\"sortable\" id=\"%s\">\n<caption>%s</caption>\n<thead><tr>",
		id, id, heading, id, id, caption);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "<th scope=\"col\"%s>%s</th>",
			columns[i].text ? " class=\"text\"" : "", columns[i].title);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void end_table(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

/* A number, sorted by its value. */
static void put_value(const struct html_page *pg, struct field_value v, enum field_unit unit)
{
	char text[SHOW_LEN];

	if (!v.known)
		fputs("<td data-value=\"\">", pg->out);
	else if (unit == FIELD_BYTES || unit == FIELD_COUNT)
		fprintf(pg->out, "<td data-value=\"%" PRId64 "\">", v.whole);
	else
		fprintf(pg->out, "<td data-value=\"%.9g\">", v.real);
	markup_text(pg->out, show_value(text, v, unit, pg->run->unit));
	fputs("</td>", pg->out);
}

static struct field_value whole(uint64_t v)
{
	return (struct field_value){ .known = v != UNKNOWN_U64, .whole = (int64_t)v };
}

static struct field_value seconds(double s)
{
	return (struct field_value){ .known = true, .real = s };
}

/* ---- processes -------------------------------------------------------------------------------- */

static int put_raw(const struct html_page *pg, const char *class, const char *raw)
{
	int err;

	fprintf(pg->out, "<td class=\"%s\">", class);
	err = markup_name(pg->out, raw ? raw : "");
	fputs("</td>", pg->out);
	return err;
}

static int put_process(const struct html_page *pg, const struct process *p)
{
	static const char *const fields[] = {
		"peak.rss",      "peak.at",      "at_peak.anon", "at_peak.file",
		"at_peak.shmem", "at_peak.swap", "first.rss",    "rss",
		"faults.minor",  "faults.major", "cpu"
	};
	char ending[SHOW_LEN];
	int err;

	fprintf(pg->out, "<tr><td data-value=\"%u\">%u</td>", p->pid, p->pid);
	err = put_raw(pg, "text", p->comm);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct process_field *f = process_field_find(fields[i]);
		struct field_value v = { .known = false };

		if (f)
			v = f->get(pg->s, p);
		put_value(pg, v, f ? f->unit : FIELD_COUNT);
	}
	put_value(pg, seconds(show_since_s(pg->s, p->watched_ns)), FIELD_SECONDS);
	if (p->end_ns)
		put_value(pg, seconds(show_since_s(pg->s, p->end_ns)), FIELD_SECONDS);
	else
		fputs("<td data-value=\"\"></td>", pg->out);
	fprintf(pg->out, "<td class=\"text\">%s</td><td data-value=\"%u\">%u</td>",
		show_ending(ending, p), p->ppid, p->ppid);
	if (!err)
		err = put_raw(pg, "text", p->container);
	if (!err)
		err = put_raw(pg, "text long", p->cmdline);
	fputs("</tr>\n", pg->out);
	return err;
}

int html_processes(const struct html_page *pg)
{
	static const struct column columns[] = {
		{ "PID", false },         { "Name", true },          { "Peak RSS", false },
		{ "at", false },          { "anon", false },         { "file", false },
		{ "shmem", false },       { "swap", false },         { "First RSS", false },
		{ "Last RSS", false },    { "Minor faults", false }, { "Major faults", false },
		{ "CPU time", false },    { "From", false },         { "To", false },
		{ "End", true },          { "Parent", false },       { "Container", true },
		{ "Command line", true },
	};
	const struct process **order = show_by_peak(pg->s);
	size_t n = pg->s->n_processes;
	char caption[256] = "No process was seen.", shown[SHOW_LEN], seen[SHOW_LEN];
	int err = 0;

	if (!order)
		return -ENOMEM;
	if (n > pg->run->max_processes)
		n = pg->run->max_processes;
	if (n)
		snprintf(
			caption, sizeof(caption),
			"%s of %s processes, those of the largest peaks; anon to swap are what a process "
			"held at the instant of its peak. A heading sorts.",
			show_count(shown, n),
			show_count(seen, pg->s->n_processes + pg->s->processes_omitted));
	begin_table(pg->out, "processes", "Processes", caption, columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; !err && i < n; i++)
		err = put_process(pg, order[i]);
	end_table(pg->out);
	fputs("</section>\n", pg->out);
	free(order);
	return err;
}

/* ---- events ----------------------------------------------------------------------------------- */

static int put_event(const struct html_page *pg, const struct recorded_event *e)
{
	static const struct {
		const char *kind, *name;
	} names[] = {
		{ "start", "start" },
		{ "exec", "exec" },
		{ "exit", "end" },
		{ "oom", "OOM kill" },
		{ "shm_full", "shared memory full" },
		{ "mode", "way of watching" },
		{ "lost", "records lost" },
	};
	const char *kind = e->kind;
	int err;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i].kind, kind))
			kind = names[i].name;
	fprintf(pg->out, "<tr%s>", chart_event_alarms(e->kind) ? " class=\"alarm\"" : "");
	put_value(pg, seconds(e->at_s), FIELD_SECONDS);
	fputs("<td class=\"text\">", pg->out);
	markup_text(pg->out, kind);
	if (e->pid)
		fprintf(pg->out, "</td><td data-value=\"%u\">%u</td>", e->pid, e->pid);
	else
		fputs("</td><td data-value=\"\"></td>", pg->out);
	err = put_raw(pg, "text", e->comm);
	fputs("<td class=\"text long\">", pg->out);
	markup_text(pg->out, chart_event_what(e));
	fputs("</td></tr>\n", pg->out);
	return err;
}

int html_events(const struct html_page *pg)
{
	static const struct column columns[] = {
		{ "Time", false }, { "Event", true }, { "PID", false },
		{ "Name", true },  { "What", true },
	};
	const struct recorded_event *events;
	char caption[256], count[SHOW_LEN], all[SHOW_LEN];
	size_t n, weighty = 0, ordinary, shown = 0;
	int err = recording_events(pg->recording, &events, &n);

	if (err || !n)
		return err;
	for (size_t i = 0; i < n; i++)
		weighty += !chart_event_is_ordinary(events[i].kind);
	/* the weighty ones first, then as many comings and goings as there is room for */
	ordinary = weighty < MOST_EVENTS ? MOST_EVENTS - weighty : 0;
	if (ordinary > n - weighty)
		ordinary = n - weighty;
	if (weighty > MOST_EVENTS)
		weighty = MOST_EVENTS;
	snprintf(caption, sizeof(caption), "%s of %s events, in the order of time",
		 show_count(count, weighty + ordinary), show_count(all, n));
	begin_table(pg->out, "events", "Events", caption, columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; !err && i < n && shown < MOST_EVENTS; i++) {
		size_t *left = chart_event_is_ordinary(events[i].kind) ? &ordinary : &weighty;

		if (!*left)
			continue;
		(*left)--;
		shown++;
		err = put_event(pg, &events[i]);
	}
	end_table(pg->out);
	fputs("</section>\n", pg->out);
	return err;
}

/* ---- shared memory ---------------------------------------------------------------------------- */

static void put_mount(const struct html_page *pg, const struct shm_mount *m)
{
	char text[512];
	struct field_value peak_at = seconds(show_since_s(pg->s, m->peak_ns));

	fprintf(pg->out, "<tr%s><td class=\"text\">",
		m->n_full || m->full_omitted ? " class=\"alarm\"" : "");
	markup_text(pg->out, shm_show_point(text, sizeof(text), m));
	fputs("</td><td class=\"text\">", pg->out);
	markup_text(pg->out, shm_show_owner(text, sizeof(text), m));
	fputs("</td>", pg->out);
	/* a mount without a limit says 0 */
	put_value(pg, m->rec.limit_bytes ? whole(m->rec.limit_bytes) : whole(UNKNOWN_U64),
		  FIELD_BYTES);
	put_value(pg, whole(m->peak_bytes), FIELD_BYTES);
	put_value(pg, shm_share(m->peak_bytes, m->rec.limit_bytes), FIELD_RATIO);
	peak_at.known = m->peak_bytes != UNKNOWN_U64;
	put_value(pg, peak_at, FIELD_SECONDS);
	put_value(pg, m->gone ? whole(UNKNOWN_U64) : whole(m->rec.used_bytes), FIELD_BYTES);
	put_value(pg, whole(m->n_full + m->full_omitted), FIELD_COUNT);
	put_value(pg, whole(m->orphans), FIELD_COUNT);
	put_value(pg, whole(m->orphan_bytes), FIELD_BYTES);
	fputs("</tr>\n", pg->out);
}

static void put_failures(const struct html_page *pg)
{
	char text[SHM_TEXT_LEN];
	bool begun = false;

	for (size_t i = 0; i < pg->s->shm->n_mounts; i++) {
		const struct shm_mount *m = pg->s->shm->mounts[i];

		for (size_t j = 0; shm_is_of_watch(pg->s, m) && j < m->n_full; j++) {
			fputs(begun ? "" :
				      "<h3>What hit a wall, and what to do about it</h3>\n<ul>\n",
			      pg->out);
			begun = true;
			fputs("<li>", pg->out);
			markup_text(pg->out, shm_show_full(text, sizeof(text), pg->s, m,
							   &m->full[j], pg->run->unit));
			remedy_write(text, sizeof(text), m, &m->full[j]);
			if (*text) {
				fputs("<br>remedy: ", pg->out);
				markup_text(pg->out, text);
			}
			fputs("</li>\n", pg->out);
		}
	}
	fputs(begun ? "</ul>\n" : "", pg->out);
}

int html_mounts(const struct html_page *pg)
{
	static const struct column columns[] = {
		{ "Mount", true },       { "Whose", true },         { "Limit", false },
		{ "Peak", false },       { "of the limit", false }, { "at", false },
		{ "Last", false },       { "Was full", false },     { "Orphans", false },
		{ "in orphans", false },
	};
	bool begun = false;

	for (size_t i = 0; pg->s->shm && i < pg->s->shm->n_mounts; i++) {
		const struct shm_mount *m = pg->s->shm->mounts[i];

		if (!shm_is_of_watch(pg->s, m))
			continue;
		if (!begun)
			begin_table(pg->out, "mounts", "Shared memory",
				    "The /dev/shm of the watched processes, and other tmpfs that "
				    "they filled. Orphans are files that nobody holds.",
				    columns, sizeof(columns) / sizeof(columns[0]));
		begun = true;
		put_mount(pg, m);
	}
	if (!begun)
		return 0;
	end_table(pg->out);
	put_failures(pg);
	fputs("</section>\n", pg->out);
	return 0;
}

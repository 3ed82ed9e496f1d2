// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * page.html is the page with {{names}} in it; this file walks over it and writes what each name stands
 * for. The files become C arrays by tools/embed-page.
 */
#include "html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "html_page.h"
#include "page_files.h"

static struct field_value field_of(const struct snapshot *s, const char *name)
{
	const struct field *f = field_find(name);

	return f ? f->get(s) : (struct field_value){ .known = false };
}

const char *html_field(const struct html_page *pg, char *dst, const char *name)
{
	const struct field *f = field_find(name);

	return show_value(dst, field_of(pg->s, name), f ? f->unit : FIELD_COUNT, pg->run->unit);
}

/* ---- what the names in page.html stand for ---------------------------------------------------- */

static int put_title(const struct html_page *pg)
{
	markup_text(pg->out, pg->plan.chart->title);
	return 0;
}

static int put_about(const struct html_page *pg)
{
	char ending[SHOW_LEN];

	markup_text(pg->out, pg->plan.chart->subtitle);
	if (pg->run->has_exit)
		fprintf(pg->out, "; %s%s", WIFSIGNALED(pg->run->wait_status) ? "killed by " : "",
			show_exit(ending, pg->run->wait_status));
	else if (pg->run->ended_by)
		fprintf(pg->out, "; ");
	if (!pg->run->has_exit && pg->run->ended_by)
		markup_text(pg->out, pg->run->ended_by);
	return 0;
}

static int put_version(const struct html_page *pg)
{
	return markup_name(pg->out, pg->run->version);
}

static int put_note(const struct html_page *pg)
{
	markup_text(pg->out, pg->plan.chart->note);
	return 0;
}

static void put_figure(const struct html_page *pg, bool alarm, const char *what, const char *value,
		       const char *more)
{
	fprintf(pg->out, "<div%s><dt>", alarm ? " class=\"alarm\"" : "");
	markup_text(pg->out, what);
	fputs("</dt><dd>", pg->out);
	markup_text(pg->out, value);
	if (*more) {
		fputs(" <small>", pg->out);
		markup_text(pg->out, more);
		fputs("</small>", pg->out);
	}
	fputs("</dd></div>\n", pg->out);
}

static void put_peak(const struct html_page *pg)
{
	char peak[SHOW_LEN], at[SHOW_LEN], bound[SHOW_LEN], more[3 * SHOW_LEN] = "";

	if (pg->s->tree.known && pg->s->tree.error_pages == UNKNOWN_U64)
		snprintf(more, sizeof(more), "at %s, without a bound",
			 html_field(pg, at, "peak.at"));
	else if (pg->s->tree.known && pg->s->tree.error_pages)
		snprintf(more, sizeof(more), "at %s, ±%s", html_field(pg, at, "peak.at"),
			 html_field(pg, bound, "peak.error"));
	else if (pg->s->tree.known)
		snprintf(more, sizeof(more), "at %s, exact", html_field(pg, at, "peak.at"));
	put_figure(pg, false, "Peak RSS", html_field(pg, peak, "peak.rss"), more);
}

/* A figure with another behind it in small: "at most 3 at once", "of 16.0 GiB". */
static void put_pair(const struct html_page *pg, const char *what, const char *name,
		     const char *before, const char *second, const char *behind)
{
	char value[SHOW_LEN], other[SHOW_LEN], more[3 * SHOW_LEN] = "";

	if (field_of(pg->s, second).known)
		snprintf(more, sizeof(more), "%s%s%s", before, html_field(pg, other, second),
			 behind);
	put_figure(pg, false, what, html_field(pg, value, name), more);
}

static int put_figures(const struct html_page *pg)
{
	const struct snapshot *s = pg->s;
	char value[SHOW_LEN], more[2 * SHOW_LEN];

	put_peak(pg);
	put_pair(pg, "RSS at the end", "last.rss", "at first ", "first.rss", "");
	if (s->tree.footprint_peak_bytes != UNKNOWN_U64)
		put_pair(pg, "Peak footprint", "peak.footprint", "shared pages once; last ",
			 "last.footprint", "");
	if (s->tree.known && s->tree.peak.kind[MEM_SWAP] > 0)
		put_pair(pg, "Most swapped out", "max.swap", "last ", "last.swap", "");
	if (s->charge.known)
		put_pair(pg, "Peak charge of the cgroup", "charged.peak", "limit ", "charged.limit",
			 "");
	if (s->system.known)
		put_pair(pg, "Lowest available memory", "system.available.min", "of ",
			 "system.total", "");
	put_pair(pg, "Processes", "processes", "at most ", "peak_processes", " at once");
	put_pair(pg, "Page faults", "faults.minor", "", "faults.major", " more waited for I/O");
	if (s->shm && s->shm->full)
		put_figure(pg, true, "Times shared memory was full",
			   show_count(value, s->shm->full), "see the events");
	if (s->n_oom)
		put_figure(pg, true, "OOM kills", show_count(value, s->n_oom), "see the events");
	if (s->cost.known && s->cost.last.lost_records)
		put_figure(pg, true, "Records lost", show_count(value, s->cost.last.lost_records),
			   "names or times may be missing; figures are whole");
	if (snapshot_missed(s, MISSED_PROCESSES))
		put_figure(pg, true, "Runs skipped by the kernel",
			   show_count(value, snapshot_missed(s, MISSED_PROCESSES)),
			   "at most so many starts, ends or OOM kills are missing");
	if (s->cost.known) {
		snprintf(more, sizeof(more), "CPU time; in the hooks %s",
			 html_field(pg, value, "overhead.bpf_cpu_s"));
		put_figure(pg, false, "Watching cost", html_field(pg, value, "overhead.tool_cpu_s"),
			   more);
	}
	return 0;
}

/* What the watch itself printed at its end. */
static int put_summary(const struct html_page *pg)
{
	struct run run = *pg->run;
	struct sink *sink;
	char *text = NULL;
	size_t len;
	FILE *memory = open_memstream(&text, &len);
	int err;

	if (!memory)
		return -ENOMEM;
	run.color = false;
	sink = summary_create(&run, memory);
	err = sink ? sink->ops->finish(sink, pg->s) : -ENOMEM;
	if (sink)
		sink->ops->destroy(sink);
	if (fclose(memory) && !err)
		err = -ENOMEM;
	if (!err)
		markup_text(pg->out, text);
	free(text);
	return err;
}

static int put_bytes(const struct html_page *pg, const unsigned char *bytes, size_t len)
{
	fwrite(bytes, 1, len, pg->out);
	return 0; /* html_write() asks the stream in the end */
}

static int put_style(const struct html_page *pg)
{
	return put_bytes(pg, page_style, sizeof(page_style));
}

static int put_library(const struct html_page *pg)
{
	return put_bytes(pg, page_library, sizeof(page_library));
}

static int put_script(const struct html_page *pg)
{
	return put_bytes(pg, page_script, sizeof(page_script));
}

static int put_script_hashes(const struct html_page *pg)
{
	fputs("'" PAGE_HASH_library "' '" PAGE_HASH_script "'", pg->out);
	return 0;
}

static int put_style_hash(const struct html_page *pg)
{
	fputs("'" PAGE_HASH_style "'", pg->out);
	return 0;
}

/* ---- the page --------------------------------------------------------------------------------- */

static int put_part(const struct html_page *pg, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*put)(const struct html_page *pg);
	} parts[] = {
		{ "title", put_title },
		{ "about", put_about },
		{ "version", put_version },
		{ "figures", put_figures },
		{ "events", html_events },
		{ "processes", html_processes },
		{ "mounts", html_mounts },
		{ "summary", put_summary },
		{ "note", put_note },
		{ "data", html_data },
		{ "style", put_style },
		{ "style-hash", put_style_hash },
		{ "library", put_library },
		{ "script", put_script },
		{ "script-hashes", put_script_hashes },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strlen(parts[i].name) == len && !memcmp(parts[i].name, name, len))
			return parts[i].put(pg);
	return -EINVAL; /* the unit tests go through all of page.html */
}

static int put_page(const struct html_page *pg)
{
	const char *at = (const char *)page_html, *end = at + sizeof(page_html);
	int err = 0;

	while (!err && at < end) {
		const char *open = memmem(at, (size_t)(end - at), "{{", 2), *close;

		if (!open)
			open = end;
		fwrite(at, 1, (size_t)(open - at), pg->out);
		if (open == end)
			break;
		close = memmem(open, (size_t)(end - open), "}}", 2);
		if (!close)
			return -EINVAL;
		err = put_part(pg, open + 2, (size_t)(close - open) - 2);
		at = close + 2;
	}
	return err;
}

int html_write(struct recording *r, const struct run *run, FILE *out)
{
	struct html_page pg = { .out = out, .recording = r, .run = run };
	char why[256];
	int err;

	errno = 0;
	err = recording_snapshot(r, &pg.s, why, sizeof(why));
	if (!err)
		err = chart_plan_create(r, run, CHART_PANELS, &pg.plan);
	if (err)
		return err;
	err = put_page(&pg);
	chart_plan_finish(&pg.plan);
	return err ? err : show_flush(out);
}

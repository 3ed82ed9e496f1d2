// SPDX-License-Identifier: GPL-2.0-or-later
#include "chart_load.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sinks/shm_show.h"
#include "../util/escape.h"

/* ---- titles and flags ------------------------------------------------------------------------- */

static void copy_text(char *dst, size_t cap, const char *raw)
{
	escape_bytes(dst, cap, raw, strlen(raw));
}

/* A text that is harmless already, cut between characters. */
static void copy_clean(char *dst, size_t cap, const char *text)
{
	utf8_sanitize(dst, cap, text, strlen(text));
}

static void add_titles(struct chart *c, const struct recording *r, const struct run *run,
		       const struct snapshot *s)
{
	const struct recording_info *info = recording_info(r);
	char duration[SHOW_LEN], seen[SHOW_LEN], line[CHART_TEXT * 2];

	copy_text(c->title, sizeof(c->title), run->target ? run->target : "memory");
	snprintf(line, sizeof(line), "%s; %s%s%s", run->started,
		 show_duration(duration, info->duration_s),
		 info->complete ? "" : ", of a watch that did not end by itself",
		 info->samples ? "" : "; no samples");
	if (s->tree.known && s->tree.processes > 1)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "; %s processes",
			 show_count(seen, s->tree.processes));
	copy_text(c->subtitle, sizeof(c->subtitle), line);
	snprintf(line, sizeof(line), "memmon-bpf %s, Linux %s%s", run->version,
		 run->kernel_release ? run->kernel_release : "n/a",
		 info->thinned_until_s > 0 ?
			 "; older parts are thinned: lowest, highest and last of each span" :
			 "");
	copy_text(c->note, sizeof(c->note), line);
	snprintf(c->x_title, sizeof(c->x_title), "time since the watch began");
	c->to_s = info->duration_s;
}

bool chart_event_alarms(const char *kind)
{
	return !strcmp(kind, "oom") || !strcmp(kind, "shm_full") || !strcmp(kind, "lost");
}

bool chart_event_is_ordinary(const char *kind)
{
	return !strcmp(kind, "start") || !strcmp(kind, "exec") || !strcmp(kind, "exit");
}

const char *chart_event_what(const struct recorded_event *e)
{
	static const char unit[] = " s ";
	const char *number = e->text, *end;

	if (!strncmp(number, "at ", 3))
		number += 3;
	end = number + strspn(number, "0123456789.");
	return end > number && !strncmp(end, unit, 3) ? end + 3 : e->text;
}

const char *chart_event_text(char *dst, const struct recorded_event *e)
{
	char name[SHOW_COMM_LEN] = "", line[2 * CHART_TEXT];
	const char *what = chart_event_what(e);

	if (e->comm)
		escape_bytes(name, sizeof(name), e->comm, strlen(e->comm));
	/* what failed in shared memory says itself whose failure it was */
	if (e->pid && strcmp(e->kind, "shm_full") != 0)
		snprintf(line, sizeof(line), "%s (%u): %s", *name ? name : "pid", e->pid, what);
	else
		snprintf(line, sizeof(line), "%s", what);
	copy_clean(dst, CHART_TEXT, line);
	return dst;
}

bool chart_event_is_start(const struct recorded_event *e)
{
	/* what changed says "from now on" */
	return !strcmp(e->kind, "mode") && !strstr(e->text, "from now on");
}

static int add_flags(struct chart *c, struct recording *r)
{
	const struct recorded_event *events;
	size_t n, alarms = 0, others;
	int err = recording_events(r, &events, &n);

	for (size_t i = 0; !err && i < n; i++)
		alarms += chart_event_alarms(events[i].kind);
	others = alarms < CHART_FLAGS ? CHART_FLAGS - alarms : 0;
	for (size_t i = 0; !err && i < n; i++) {
		struct chart_flag *flag = &c->flags[c->n_flags];
		bool alarm = chart_event_alarms(events[i].kind);

		if (chart_event_is_start(&events[i]) ||
		    (chart_event_is_ordinary(events[i].kind) && n > CHART_FLAGS / 2))
			continue;
		if (c->n_flags == CHART_FLAGS || (!alarm && !others)) {
			c->flags_omitted++;
			continue;
		}
		others -= !alarm;
		flag->at_s = events[i].at_s;
		flag->alarm = alarm;
		chart_event_text(flag->text, &events[i]);
		c->n_flags++;
	}
	return err;
}

/* ---- panels ----------------------------------------------------------------------------------- */

/* A figure's place in struct sample. */
static size_t figure_of(enum entity entity, const char *name)
{
	size_t n;
	const char *const *names = recording_figures(entity, &n);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return i;
	return 0; /* all names here are constants, which the unit tests go through */
}

static struct chart_source *source_of(struct chart_plan *plan)
{
	size_t panel = plan->chart->n_panels - 1;

	return &plan->sources[panel][plan->chart->panels[panel].n_layers - 1];
}

/* A line in the newest panel. */
static struct chart_source *add_line(struct chart_plan *plan, enum chart_ink ink, const char *name,
				     enum entity entity, int64_t id, const char *figure)
{
	struct chart_panel *p = &plan->chart->panels[plan->chart->n_panels - 1];
	struct chart_layer *l = chart_add_layer(p, 1);
	struct chart_source *source = source_of(plan);

	if (l) {
		l->inks[0] = ink;
		l->names[0] = name;
	}
	*source = (struct chart_source){ .entity = entity,
					 .id = id,
					 .figures = { figure_of(entity, figure) },
					 .needles = true,
					 .exact = { NAN } };
	return source;
}

static void set_mark(struct chart_panel *p, const char *what, double at_s, double bytes,
		     const struct unit *unit)
{
	char text[SHOW_LEN];

	p->has_mark = true;
	p->mark_s = at_s;
	p->mark = bytes;
	snprintf(p->mark_text, sizeof(p->mark_text), "%s %s at %.3f s", what,
		 format_bytes(text, sizeof(text), (int64_t)bytes, unit), at_s);
}

static double field_bytes(const struct snapshot *s, const char *name)
{
	const struct field *f = field_find(name);
	struct field_value v = { .known = false };

	if (f)
		v = f->get(s);
	if (!v.known)
		return NAN;
	return f->unit == FIELD_BYTES || f->unit == FIELD_COUNT ? (double)v.whole : v.real;
}

static void add_kinds(struct chart_plan *plan, const struct run *run, const struct snapshot *s)
{
	static const char *const names[CHART_STACK] = { "anon", "file", "shmem" };
	static const char *const peaks[CHART_STACK] = { "peak.anon", "peak.file", "peak.shmem" };
	struct chart_panel *p = chart_add_panel(plan->chart, "RSS by kind");
	struct chart_layer *l = chart_add_layer(p, CHART_STACK);
	struct chart_source *source = source_of(plan);

	*source = (struct chart_source){ .entity = ENTITY_TREE,
					 .exact_s = field_bytes(s, "peak.at"),
					 .exact_bound = field_bytes(s, "peak.error") };
	for (size_t i = 0; i < CHART_STACK; i++) {
		l->inks[i] = INK_ANON + i;
		l->names[i] = names[i];
		source->figures[i] = figure_of(ENTITY_TREE, names[i]);
		source->exact[i] = field_bytes(s, peaks[i]);
	}
	/* what is told of the kinds may not add up to the peak: then only the sum is known */
	if (source->exact[0] + source->exact[1] + source->exact[2] != field_bytes(s, "peak.rss"))
		source->exact[0] = NAN;
	if (s->tree.known)
		set_mark(p, "peak", field_bytes(s, "peak.at"), field_bytes(s, "peak.rss"),
			 run->unit);
}

static void add_total(struct chart_plan *plan, const struct run *run, const struct snapshot *s)
{
	struct chart_panel *p = chart_add_panel(plan->chart, "All processes together");
	struct chart_source *source = add_line(plan, INK_TOTAL, "RSS", ENTITY_TREE, 0, "rss");

	source->exact_s = field_bytes(s, "peak.at");
	source->exact[0] = field_bytes(s, "peak.rss");
	source->exact_bound = field_bytes(s, "peak.error");
	if (s->tree.footprint_peak_bytes != UNKNOWN_U64)
		add_line(plan, INK_FOOTPRINT, "footprint", ENTITY_TREE, 0, "footprint");
	if (s->tree.peak.kind[MEM_SWAP] > 0)
		add_line(plan, INK_SWAP, "swap", ENTITY_TREE, 0, "swap");
	if (s->tree.known)
		set_mark(p, "peak", field_bytes(s, "peak.at"), field_bytes(s, "peak.rss"),
			 run->unit);
}

static void add_available(struct chart_plan *plan, const struct run *run, const struct snapshot *s)
{
	char title[CHART_TEXT], total[SHOW_LEN];
	struct chart_panel *p;

	if (!s->system.known)
		return;
	snprintf(title, sizeof(title), "Available of the machine's %s",
		 format_bytes(total, sizeof(total), (int64_t)s->system.total_bytes, run->unit));
	p = chart_add_panel(plan->chart, title);
	add_line(plan, INK_AVAILABLE, "available", ENTITY_SYSTEM, 0, "available");
	set_mark(p, "lowest", field_bytes(s, "system.available.min_at"),
		 field_bytes(s, "system.available.min"), run->unit);
	p->mark_below = true;
}

static void set_limit(struct chart_panel *p, uint64_t bytes, const struct unit *unit)
{
	char text[SHOW_LEN];

	if (bytes == UNKNOWN_U64 || !bytes)
		return;
	p->limit = (double)bytes;
	snprintf(p->limit_text, sizeof(p->limit_text), "limit %s",
		 format_bytes(text, sizeof(text), bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes,
			      unit));
}

static void add_charge(struct chart_plan *plan, const struct run *run, const struct snapshot *s)
{
	struct chart_panel *p;

	if (!s->charge.known)
		return;
	p = chart_add_panel(plan->chart, "Charged to the cgroup");
	add_line(plan, INK_CHARGE, "charge", ENTITY_CHARGE, 0, "current");
	set_limit(p, s->charge.last.limit_bytes, run->unit);
}

static void add_mount(struct chart_plan *plan, const struct run *run, const struct snapshot *s,
		      const struct shm_mount *m, int64_t id)
{
	char mount[2 * CHART_TEXT], title[CHART_TEXT];
	struct chart_source *source;
	struct chart_panel *p;

	shm_show_mount(mount, sizeof(mount), m, run->unit);
	copy_clean(title, sizeof(title), mount);
	p = chart_add_panel(plan->chart, title);
	source = add_line(plan, INK_USED, "used", ENTITY_SHM, id, "used");
	set_limit(p, m->rec.limit_bytes, run->unit);
	if (m->peak_bytes == UNKNOWN_U64)
		return;
	source->exact_s = show_since_s(s, m->peak_ns);
	source->exact[0] = (double)m->peak_bytes;
	source->exact_bound = INFINITY;
	set_mark(p, "peak", source->exact_s, source->exact[0], run->unit);
}

static int compare_mounts(const void *left, const void *right)
{
	const struct shm_mount *a = *(const struct shm_mount *const *)left;
	const struct shm_mount *b = *(const struct shm_mount *const *)right;
	uint64_t x = a->peak_bytes == UNKNOWN_U64 ? 0 : a->peak_bytes,
		 y = b->peak_bytes == UNKNOWN_U64 ? 0 : b->peak_bytes;

	if (x != y)
		return x < y ? 1 : -1;
	return a->rec.dev < b->rec.dev ? -1 : a->rec.dev > b->rec.dev;
}

/* Was there anything to see? An empty /dev/shm is not worth a panel. */
static bool was_used(const struct shm_mount *m)
{
	return m->n_full || m->full_omitted || (m->peak_bytes && m->peak_bytes != UNKNOWN_U64);
}

static void add_note(struct chart *c, size_t omitted)
{
	size_t len = strlen(c->note);

	snprintf(c->note + len, sizeof(c->note) - len,
		 "; mounts of smaller peaks that are not drawn: %zu", omitted);
}

static int add_mounts(struct chart_plan *plan, struct recording *r, const struct run *run,
		      const struct snapshot *s, size_t most)
{
	const struct shm_mount **order;
	size_t n = 0;

	if (!s->shm || !s->shm->n_mounts)
		return 0;
	order = calloc(s->shm->n_mounts, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];

		if (shm_is_of_watch(s, m) && was_used(m) && recording_mount_id(r, m))
			order[n++] = m;
	}
	qsort(order, n, sizeof(*order), compare_mounts);
	if (most > CHART_PANELS - plan->chart->n_panels)
		most = CHART_PANELS - plan->chart->n_panels;
	for (size_t i = 0; i < n && i < most; i++)
		add_mount(plan, run, s, order[i], recording_mount_id(r, order[i]));
	if (n > most)
		add_note(plan->chart, n - most);
	free(order);
	return 0;
}

int chart_plan_create(struct recording *r, const struct run *run, size_t mounts,
		      struct chart_plan *plan)
{
	const struct snapshot *s;
	char why[256];
	int err;

	*plan = (struct chart_plan){ .chart = NULL };
	err = recording_snapshot(r, &s, why, sizeof(why));
	if (err)
		return err;
	plan->chart = chart_create();
	if (!plan->chart)
		return -ENOMEM;
	add_titles(plan->chart, r, run, s);
	add_kinds(plan, run, s);
	add_total(plan, run, s);
	add_available(plan, run, s);
	add_charge(plan, run, s);
	err = add_mounts(plan, r, run, s, mounts);
	if (!err)
		err = add_flags(plan->chart, r);
	if (err)
		chart_plan_finish(plan);
	return err;
}

void chart_plan_finish(struct chart_plan *plan)
{
	chart_destroy(plan->chart);
	plan->chart = NULL;
}

/* ---- a picture's rows ------------------------------------------------------------------------- */

struct loading {
	struct chart *chart;
	size_t columns;
};

static int add_row(void *ctx, size_t panel, size_t layer, double at_s, const double *values)
{
	struct loading *to = ctx;
	struct chart_rows *r = &to->chart->panels[panel].layers[layer].rows;

	/* thinning leaves at most 5 rows per column: it is done seldom, and memory stays bounded */
	if (r->n >= to->columns * 16)
		chart_rows_thin(r, to->chart->from_s, to->chart->to_s, to->columns);
	return chart_rows_add(r, at_s, values);
}

int chart_load(struct recording *r, const struct run *run, size_t mounts, size_t columns,
	       struct chart **out)
{
	struct chart_plan plan;
	struct loading to = { .columns = columns };
	int err = chart_plan_create(r, run, mounts, &plan);

	*out = NULL;
	if (err)
		return err;
	to.chart = plan.chart;
	err = chart_feed(r, &plan, add_row, &to);
	for (size_t i = 0; !err && i < plan.chart->n_panels; i++)
		for (size_t j = 0; j < plan.chart->panels[i].n_layers; j++)
			chart_rows_thin(&plan.chart->panels[i].layers[j].rows, plan.chart->from_s,
					plan.chart->to_s, columns);
	if (err)
		chart_plan_finish(&plan);
	else
		*out = plan.chart;
	return err;
}

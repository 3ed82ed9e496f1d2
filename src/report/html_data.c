// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of the HTML report, as page_rows.js and page_panel.js read it.
 *
 * Rows of charts are packed, so that a million of them is some megabytes of text: of each row the time
 * and the values are steps from the row before, as varints of 7 bits, the lowest first, in base64.
 * Times are steps in microseconds. A value is a step in KiB: 2n for n > 0, 1 - 2n for n <= 0, and 0
 * says that it is not known.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../sinks/json_value.h"
#include "html_page.h"

#define MOST_EVENTS 20000

/* ---- base64 of varints ------------------------------------------------------------------------ */

/* One layer's rows on their way into memory. */
struct pack {
	FILE *out;
	char *text;
	size_t len, n; /* bytes of text, rows */
	unsigned char bytes[3];
	unsigned int n_bytes;
	uint64_t at_us;
	int64_t last[CHART_STACK]; /* KiB */
};

static void put_bytes(struct pack *p)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *b = p->bytes;

	fputc(digits[b[0] >> 2], p->out);
	fputc(digits[(b[0] & 3) << 4 | b[1] >> 4], p->out);
	fputc(p->n_bytes > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=', p->out);
	fputc(p->n_bytes > 2 ? digits[b[2] & 63] : '=', p->out);
	memset(p->bytes, 0, sizeof(p->bytes));
	p->n_bytes = 0;
}

static void put_byte(struct pack *p, unsigned char byte)
{
	p->bytes[p->n_bytes++] = byte;
	if (p->n_bytes == sizeof(p->bytes))
		put_bytes(p);
}

static void put_varint(struct pack *p, uint64_t v)
{
	for (; v > 127; v >>= 7)
		put_byte(p, (unsigned char)(v & 127) | 128);
	put_byte(p, (unsigned char)v);
}

#define MOST_KIB (1LL << 52) /* what a double, and so JavaScript, holds exactly */

static void put_value(struct pack *p, size_t i, double bytes)
{
	int64_t kib, step;

	if (isnan(bytes)) {
		put_varint(p, 0);
		return;
	}
	kib = llround(fmax(-(double)MOST_KIB, fmin((double)MOST_KIB, bytes / 1024)));
	step = kib - p->last[i];
	p->last[i] = kib;
	put_varint(p, step > 0 ? (uint64_t)step * 2 : (uint64_t)-step * 2 + 1);
}

static void put_row(struct pack *p, size_t width, double at_s, const double *values)
{
	double us = fmax(0, fmin(9e15, round(at_s * 1e6)));
	uint64_t at_us = us > (double)p->at_us ? (uint64_t)us : p->at_us;

	put_varint(p, at_us - p->at_us);
	p->at_us = at_us;
	for (size_t i = 0; i < width; i++)
		put_value(p, i, values[i]);
	p->n++;
}

static int end_pack(struct pack *p)
{
	int err;

	if (!p->out)
		return 0;
	if (p->n_bytes)
		put_bytes(p);
	err = fclose(p->out) ? -ENOMEM : 0;
	p->out = NULL;
	return err;
}

/* ---- rows ------------------------------------------------------------------------------------- */

struct packing {
	const struct chart *chart;
	struct pack packs[CHART_PANELS][CHART_LAYERS];
};

static int take_row(void *ctx, size_t panel, size_t layer, double at_s, const double *values)
{
	struct packing *all = ctx;
	struct pack *p = &all->packs[panel][layer];

	put_row(p, all->chart->panels[panel].layers[layer].rows.width, at_s, values);
	return ferror(p->out) ? -ENOMEM : 0;
}

static int pack_rows(const struct html_page *pg, struct packing *all)
{
	const struct chart *c = pg->plan.chart;
	int err = 0, ended = 0;

	all->chart = c;
	for (size_t i = 0; i < c->n_panels; i++)
		for (size_t j = 0; !err && j < c->panels[i].n_layers; j++) {
			struct pack *p = &all->packs[i][j];

			p->out = open_memstream(&p->text, &p->len);
			if (!p->out)
				err = -ENOMEM;
		}
	if (!err)
		err = chart_feed(pg->recording, &pg->plan, take_row, all);
	for (size_t i = 0; i < c->n_panels; i++)
		for (size_t j = 0; j < c->panels[i].n_layers; j++) {
			int one = end_pack(&all->packs[i][j]);

			ended = ended ? ended : one;
		}
	return err ? err : ended;
}

static void free_rows(struct packing *all)
{
	for (size_t i = 0; i < CHART_PANELS; i++)
		for (size_t j = 0; j < CHART_LAYERS; j++)
			free(all->packs[i][j].text);
	free(all);
}

static void put_rows(const struct html_page *pg, const struct packing *all)
{
	const struct chart *c = all->chart;

	for (size_t i = 0; i < c->n_panels; i++)
		for (size_t j = 0; j < c->panels[i].n_layers; j++)
			fprintf(pg->out,
				"<script type=\"text/plain\" id=\"rows-%zu-%zu\">%s</script>\n", i,
				j, all->packs[i][j].text);
}

/* ---- facts ------------------------------------------------------------------------------------ */

static const char *const inks[CHART_INKS] = {
	[INK_ANON] = "anon",           [INK_FILE] = "file",     [INK_SHMEM] = "shmem",
	[INK_SWAP] = "swap",           [INK_TOTAL] = "total",   [INK_FOOTPRINT] = "footprint",
	[INK_AVAILABLE] = "available", [INK_CHARGE] = "charge", [INK_USED] = "used",
};

static json_t *layer_json(const struct chart_layer *l, const struct pack *p, size_t i, size_t j)
{
	json_t *layer = json_object(), *names = json_array(), *colours = json_array();
	char id[64];
	int err = !layer || !names || !colours ? -ENOMEM : 0;

	for (size_t k = 0; !err && k < l->rows.width; k++) {
		err = json_add(names, json_text(l->names[k]));
		if (!err)
			err = json_add(colours, json_text(inks[l->inks[k]]));
	}
	snprintf(id, sizeof(id), "rows-%zu-%zu", i, j);
	if (err) {
		json_decref(names);
		json_decref(colours);
		return json_done(layer, err);
	}
	err = json_put(layer, "names", names);
	err = err ? (json_decref(colours), err) : json_put(layer, "inks", colours);
	if (!err)
		err = json_put(layer, "rows", json_text(id));
	if (!err)
		err = json_put(layer, "n", json_count(p->n));
	return json_done(layer, err);
}

static json_t *mark_json(const struct chart_panel *p)
{
	json_t *mark;
	int err;

	if (!p->has_mark)
		return json_null();
	mark = json_object();
	if (!mark)
		return NULL;
	err = json_put(mark, "at_s", json_number_of(p->mark_s));
	if (!err)
		err = json_put(mark, "bytes", json_number_of(p->mark));
	if (!err)
		err = json_put(mark, "text", json_text(p->mark_text));
	if (!err)
		err = json_put(mark, "below", json_boolean(p->mark_below));
	return json_done(mark, err);
}

static json_t *panel_json(const struct packing *all, size_t i)
{
	const struct chart_panel *p = &all->chart->panels[i];
	json_t *panel = json_object(), *layers = json_array();
	int err = !panel || !layers ? -ENOMEM : 0;

	for (size_t j = 0; !err && j < p->n_layers; j++)
		err = json_add(layers, layer_json(&p->layers[j], &all->packs[i][j], i, j));
	if (err) {
		json_decref(layers);
		return json_done(panel, err);
	}
	err = json_put(panel, "layers", layers);
	if (!err)
		err = json_put(panel, "title", json_text(p->title));
	if (!err)
		err = json_put(panel, "limit", json_number_of(p->limit));
	if (!err)
		err = json_put(panel, "limit_text", json_text(p->limit_text));
	if (!err)
		err = json_put(panel, "mark", mark_json(p));
	return json_done(panel, err);
}

static json_t *event_json(const struct recorded_event *e)
{
	json_t *event = json_object();
	char text[CHART_TEXT];
	int err = event ? json_put(event, "at_s", json_number_of(e->at_s)) : -ENOMEM;

	if (!err)
		err = json_put(event, "kind", json_text(e->kind));
	if (!err)
		err = json_put(event, "alarm", json_boolean(chart_event_alarms(e->kind)));
	if (!err)
		err = json_put(event, "ordinary", json_boolean(chart_event_is_ordinary(e->kind)));
	if (!err)
		err = json_put(event, "text", json_text(chart_event_text(text, e)));
	return json_done(event, err);
}

/* Those that alarm whatever happens, others as long as they are few. */
static int add_events(const struct html_page *pg, json_t *facts)
{
	const struct recorded_event *events;
	json_t *list = json_array();
	size_t n, left = MOST_EVENTS;
	int err = recording_events(pg->recording, &events, &n);

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n && left; i++) {
		if (chart_event_is_start(&events[i]) ||
		    (n > MOST_EVENTS && !chart_event_alarms(events[i].kind)))
			continue;
		err = json_add(list, event_json(&events[i]));
		left--;
	}
	if (err) {
		json_decref(list);
		return err;
	}
	return json_put(facts, "events", list);
}

static json_t *facts_json(const struct html_page *pg, const struct packing *all)
{
	json_t *facts = json_object(), *panels = json_array();
	int err = !facts || !panels ? -ENOMEM : 0;

	for (size_t i = 0; !err && i < all->chart->n_panels; i++)
		err = json_add(panels, panel_json(all, i));
	if (err) {
		json_decref(panels);
		return json_done(facts, err);
	}
	err = json_put(facts, "panels", panels);
	if (!err)
		err = json_put(facts, "limit_worth", json_number_of(CHART_LIMIT_WORTH));
	if (!err)
		err = json_put(facts, "duration_s", json_number_of(all->chart->to_s));
	if (!err)
		err = json_put(facts, "unit",
			       json_text(pg->run->unit ? pg->run->unit->name : NULL));
	if (!err)
		err = add_events(pg, facts);
	return json_done(facts, err);
}

/* JSON as it must stand in a <script>: nothing in it can end the element or begin a comment. */
static int put_json(const char *text, size_t len, void *ctx)
{
	FILE *out = ctx;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '<' || text[i] == '>' || text[i] == '&')
			fprintf(out, "\\u%04x", (unsigned int)text[i]); /* only ever in a string */
		else
			fputc(text[i], out);
	}
	return ferror(out) ? -1 : 0;
}

int html_data(const struct html_page *pg)
{
	struct packing *all = calloc(1, sizeof(*all));
	json_t *facts = NULL;
	int err = all ? pack_rows(pg, all) : -ENOMEM;

	if (!all)
		return err;
	if (!err) {
		facts = facts_json(pg, all);
		err = facts ? 0 : -ENOMEM;
	}
	if (!err) {
		fputs("<script type=\"application/json\" id=\"facts\">", pg->out);
		/* what could not be written html_write() will find */
		json_dump_callback(facts, put_json, pg->out, JSON_COMPACT | JSON_ENSURE_ASCII);
		fputs("</script>\n", pg->out);
		put_rows(pg, all);
	}
	json_decref(facts);
	free_rows(all);
	return err;
}

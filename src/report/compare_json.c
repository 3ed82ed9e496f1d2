/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A comparison for programs: schema memmon-bpf/diff/1. A figure is an object of both values, the change
 * from a to b, and that as a share of a; what is not known is null.
 */
#include <errno.h>
#include <string.h>

#include "../model/value.h"
#include "../sinks/json_value.h"
#include "../sinks/show.h"
#include "compare.h"

#define SCHEMA "memmon-bpf/diff/1"

static json_t *pair_json(struct field_pair p, enum field_unit unit)
{
	json_t *pair = json_object();
	int err;

	err = json_put(pair, "a", json_value(p.before, unit));
	err |= json_put(pair, "b", json_value(p.after, unit));
	err |= json_put(pair, "change", json_value(pair_change(p, unit), unit));
	err |= json_put(pair, "change_share", json_value(pair_share(p, unit), FIELD_RATIO));
	return json_done(pair, err);
}

static json_t *command_json(const char *const *command)
{
	json_t *argv;
	int err = 0;

	if (!command)
		return json_null();
	argv = json_array();
	for (; !err && *command; command++)
		err = json_add(argv, json_text(*command));
	return json_done(argv, err);
}

static json_t *exit_json(const struct side *side)
{
	json_t *ending;
	int err;

	if (!side->has_exit)
		return json_null();
	ending = json_object();
	err = json_put(ending, "code", side->killed ? json_null() : json_integer(side->exit_code));
	err |= json_put(ending, "signal",
			side->killed ? json_integer(side->exit_code) : json_null());
	return json_done(ending, err);
}

static json_t *side_json(const struct side *side)
{
	json_t *json = json_object();
	int err;

	err = json_put(json, "file", json_text(side->name));
	err |= json_put(json, "kind", json_string(side->is_recording ? "recording" : "summary"));
	err |= json_put(json, "complete",
			side->is_recording ? json_boolean(!side->incomplete) : json_null());
	err |= json_put(json, "version", json_text(side->version));
	err |= json_put(json, "started", json_text(side->started));
	err |= json_put(json, "kernel", json_text(side->kernel));
	err |= json_put(json, "machine", json_text(side->machine));
	err |= json_put(json, "command", command_json(side->command));
	err |= json_put(json, "exit", exit_json(side));
	err |= json_put(json, "processes_omitted",
			json_value(side->processes_omitted, FIELD_COUNT));
	return json_done(json, err);
}

static json_t *warnings_json(const struct comparison *c)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < c->n_warnings; i++)
		err = json_add(list, json_text(c->warnings[i]));
	return json_done(list, err);
}

static json_t *fields_json(const struct comparison *c)
{
	json_t *fields = json_object();
	int err = 0;

	for (size_t i = 0; !err && i < n_snapshot_fields; i++) {
		const struct field *f = &snapshot_fields[i];

		/* not json_put(): a field's name is no path */
		if (side_has(f) && json_object_set_new(fields, f->name,
						       pair_json(comparison_field(c, f), f->unit)))
			err = -ENOMEM;
	}
	return json_done(fields, err);
}

static int put_growth(json_t *root, const struct comparison *c)
{
	static const char *const kinds[] = { "rss", "anon", "file", "shmem", "swap", "footprint" };
	char path[64];
	int err = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(path, sizeof(path), "growth.%s_bytes", kinds[i]);
		err |= json_put(root, path, pair_json(comparison_growth(c, kinds[i]), FIELD_BYTES));
	}
	return err;
}

#define OF(of, figure) ((of) ? (of)->figure : value_unknown())
#define PAIR(of, figure) ((struct field_pair){ OF((of)->a, figure), OF((of)->b, figure) })

static json_t *shm_json(const struct comparison *c)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < c->n_mounts; i++) {
		const struct compare_mount *m = &c->mounts[i];
		json_t *mount = json_object();

		err = json_put(mount, "mount", json_text(m->point));
		err |= json_put(mount, "container", json_text(*m->container ? m->container : NULL));
		err |= json_put(mount, "limit_bytes", pair_json(PAIR(m, limit), FIELD_BYTES));
		err |= json_put(mount, "used_bytes", pair_json(PAIR(m, used), FIELD_BYTES));
		err |= json_put(mount, "peak_bytes", pair_json(PAIR(m, peak), FIELD_BYTES));
		err |= json_put(mount, "full", pair_json(PAIR(m, full), FIELD_COUNT));
		err |= json_add(list, mount);
	}
	return json_done(list, err);
}

static json_t *processes_json(const struct comparison *c)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < c->n_groups; i++) {
		const struct compare_group *g = &c->groups[i];
		json_t *group = json_object();

		err = json_put(group, "comm", json_text(g->comm));
		err |= json_put(group, "count", pair_json(comparison_count(c, g), FIELD_COUNT));
		err |= json_put(group, "peak_sum_bytes", pair_json(PAIR(g, peak_sum), FIELD_BYTES));
		err |= json_put(group, "peak_max_bytes", pair_json(PAIR(g, peak_max), FIELD_BYTES));
		err |= json_add(list, group);
	}
	return json_done(list, err);
}

static json_t *part_json(const struct comparison *c, size_t i)
{
	struct expr_part part = expr_part(c->fail_if, i);
	enum expr_verdict verdict = expr_part_holds(c->fail_if, i, comparison_field(c, part.field));
	char text[256];
	json_t *json = json_object();
	int err;

	snprintf(text, sizeof(text), "%.*s", (int)(part.len < 255 ? part.len : 255), part.text);
	err = json_put(json, "text", json_text(text));
	err |= json_put(json, "field", json_text(part.field->name));
	err |= json_put(json, "holds",
			verdict == EXPR_UNKNOWN ? json_null() : json_boolean(verdict == EXPR_TRUE));
	return json_done(json, err);
}

static json_t *condition_json(const struct comparison *c)
{
	json_t *json, *parts;
	int err;

	if (!c->fail_if)
		return json_null();
	json = json_object();
	parts = json_array();
	err = json_put(json, "text", json_text(expr_text(c->fail_if)));
	err |= json_put(json, "holds", json_boolean(c->failed));
	for (size_t i = 0; !err && i < expr_parts(c->fail_if); i++)
		err = json_add(parts, part_json(c, i));
	err |= json_put(json, "parts", parts);
	return json_done(json, err);
}

static int fill(json_t *root, const struct comparison *c, const struct compare_style *style)
{
	int err;

	err = json_put(root, "schema", json_string(SCHEMA));
	err |= json_put(root, "version", json_text(style->version));
	err |= json_put(root, "a", side_json(c->a));
	err |= json_put(root, "b", side_json(c->b));
	err |= json_put(root, "warnings", warnings_json(c));
	err |= json_put(root, "doubt_bytes", json_value(comparison_doubt(c), FIELD_BYTES));
	err |= json_put(root, "fields", fields_json(c));
	err |= put_growth(root, c);
	err |= json_put(
		root, "oom_kills",
		pair_json((struct field_pair){ c->a->oom_kills, c->b->oom_kills }, FIELD_COUNT));
	err |= json_put(root, "shm", shm_json(c));
	err |= json_put(root, "processes", processes_json(c));
	err |= json_put(root, "fail_if", condition_json(c));
	return err ? -ENOMEM : 0;
}

int compare_json_write(const struct comparison *c, const struct compare_style *style, FILE *out)
{
	json_t *root = json_object();
	int err = fill(root, c, style);

	if (err)
		goto out;
	errno = 0;
	/* its own failures are the stream's, which show_flush() reports */
	json_dumpf(root, out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	fputc('\n', out);
	err = show_flush(out);
out:
	json_decref(root);
	return err;
}

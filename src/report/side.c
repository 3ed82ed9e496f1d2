/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where each figure lies in a summary stands in the field table. What the table has no place for,
 * because it is a list there (shm[]) or is called otherwise at the end (last), is worked out here as
 * the fields' getters work it out of a snapshot.
 */
#include "side.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../model/expr.h"
#include "../model/value.h"
#include "../util/escape.h"

#define SCHEMA_STEM "memmon-bpf/summary/"
#define SCHEMA SCHEMA_STEM "1"

/* The first error stays; later reads give what they can. */
struct reader {
	struct side *side;
	int err;
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 2, 3))) static void refuse(struct reader *r, const char *format, ...)
{
	char message[512];
	va_list args;

	if (r->err)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	escape_bytes(r->why, r->why_len, message, strlen(message));
	r->err = -EINVAL;
}

/* What is at a dotted path; NULL where there is nothing or null. */
static json_t *at(struct reader *r, json_t *in, const char *path)
{
	const char *rest = path;
	char name[64];

	while (in && !json_is_null(in)) {
		size_t len = strcspn(rest, ".");

		if (!json_is_object(in)) {
			refuse(r, "what holds '%s' is not an object", path);
			return NULL;
		}
		snprintf(name, sizeof(name), "%.*s", (int)len, rest);
		in = json_object_get(in, name);
		if (!rest[len])
			break;
		rest += len + 1;
	}
	return json_is_null(in) ? NULL : in;
}

static struct field_value number(struct reader *r, json_t *in, const char *path,
				 enum field_unit unit)
{
	json_t *v = at(r, in, path);
	double real;

	if (!v)
		return value_unknown();
	real = json_number_value(v);
	if (!json_is_number(v) || !isfinite(real))
		refuse(r, "'%s' is not a number", path);
	else if (real < 0)
		refuse(r, "'%s' is negative", path);
	else if (!unit_is_whole(unit))
		return value_real(true, real);
	else if (json_is_integer(v))
		return value_whole(true, (uint64_t)json_integer_value(v));
	else if (real >= 0x1p63 || real != trunc(real)) /* some programs write 1e9 for it */
		refuse(r, "'%s' is not a whole number of 63 bits", path);
	else
		return value_whole(true, (uint64_t)real);
	return value_unknown();
}

static const char *text(struct reader *r, json_t *in, const char *path)
{
	json_t *v = at(r, in, path);

	if (v && !json_is_string(v))
		refuse(r, "'%s' is not a string", path);
	return json_string_value(v);
}

static bool flag(struct reader *r, json_t *in, const char *path)
{
	json_t *v = at(r, in, path);

	if (v && !json_is_boolean(v))
		refuse(r, "'%s' is neither true nor false", path);
	return json_is_true(v);
}

/* An array whose elements are objects; NULL where there is none. */
static json_t *list(struct reader *r, json_t *in, const char *path)
{
	json_t *v = at(r, in, path), *element;
	size_t i;

	if (v && !json_is_array(v)) {
		refuse(r, "'%s' is not a list", path);
		return NULL;
	}
	json_array_foreach(v, i, element) {
		if (!json_is_object(element)) {
			refuse(r, "'%s[%zu]' is not an object", path, i);
			return NULL;
		}
	}
	return v;
}

static struct field_value plus(struct field_value a, struct field_value b)
{
	if (!a.known || !b.known)
		return a.known ? a : b;
	if (__builtin_add_overflow(a.whole, b.whole, &a.whole))
		a.whole = INT64_MAX;
	return a;
}

static struct field_value most(struct field_value a, struct field_value b)
{
	if (!a.known || !b.known)
		return a.known ? a : b;
	return a.real > b.real || a.whole > b.whole ? a : b;
}

static struct field_value least(struct field_value a, struct field_value b)
{
	if (!a.known || !b.known)
		return a.known ? a : b;
	return a.real < b.real || a.whole < b.whole ? a : b;
}

/* ---- shared memory ---- */

static struct field_value mount_share(struct reader *r, json_t *mount, const char *used_path,
				      const char *limit_path)
{
	struct field_value used = number(r, mount, used_path, FIELD_COUNT);
	struct field_value limit = number(r, mount, limit_path, FIELD_COUNT);
	bool known = used.known && limit.known && limit.whole;

	return value_real(known, known ? (double)used.whole / (double)limit.whole : 0);
}

static struct field_value mount_used(struct reader *r, json_t *mount)
{
	return mount_share(r, mount, "used_bytes", "limit_bytes");
}

static struct field_value mount_inodes(struct reader *r, json_t *mount)
{
	return mount_share(r, mount, "inodes.used", "inodes.limit");
}

static struct field_value mount_bytes(struct reader *r, json_t *mount)
{
	return number(r, mount, "used_bytes", FIELD_BYTES);
}

static struct field_value mount_free(struct reader *r, json_t *mount)
{
	struct field_value used = mount_bytes(r, mount);
	struct field_value limit = number(r, mount, "limit_bytes", FIELD_BYTES);

	if (!used.known || !limit.known)
		return value_unknown();
	return value_whole(true,
			   limit.whole > used.whole ? (uint64_t)(limit.whole - used.whole) : 0);
}

static struct field_value mount_peak(struct reader *r, json_t *mount)
{
	return number(r, mount, "peak_bytes", FIELD_BYTES);
}

static struct field_value mount_full_in(struct reader *r, json_t *mount)
{
	return number(r, mount, "full_in_s", FIELD_SECONDS);
}

static struct field_value mount_full(struct reader *r, json_t *mount)
{
	struct field_value sum = number(r, mount, "full_omitted", FIELD_COUNT);
	json_t *fulls = list(r, mount, "full"), *full;
	size_t i;

	if (!fulls)
		return value_unknown();
	sum = plus(sum, value_whole(true, 0));
	json_array_foreach(fulls, i, full) {
		struct field_value times = number(r, full, "times", FIELD_COUNT);

		sum = plus(sum, times.known ? times : value_whole(true, 1));
	}
	return sum;
}

static struct field_value mount_orphans(struct reader *r, json_t *mount)
{
	return number(r, mount, "orphans", FIELD_COUNT);
}

static struct field_value mount_orphan_bytes(struct reader *r, json_t *mount)
{
	return number(r, mount, "orphan_bytes", FIELD_BYTES);
}

typedef struct field_value mount_fn(struct reader *r, json_t *mount);
typedef struct field_value fold_fn(struct field_value a, struct field_value b);

static const struct {
	const char *field;
	mount_fn *of;
	fold_fn *fold;
} over_mounts[] = {
	{ "shm.used", mount_used, most },
	{ "shm.bytes", mount_bytes, plus },
	{ "shm.free", mount_free, least },
	{ "shm.peak", mount_peak, most },
	{ "shm.inodes", mount_inodes, most },
	{ "shm.full_in", mount_full_in, least },
	{ "shm.full", mount_full, plus },
	{ "shm.orphans", mount_orphans, plus },
	{ "shm.orphan_bytes", mount_orphan_bytes, plus },
};
#define N_OVER_MOUNTS (sizeof(over_mounts) / sizeof(over_mounts[0]))

static struct field_value *value_of(const struct side *side, const char *field)
{
	const struct field *f = field_find(field);

	return &side->fields[f ? f - snapshot_fields : 0];
}

int side_mount_order(const struct side_mount *a, const struct side_mount *b)
{
	int order = strcmp(a->point, b->point);

	return order ? order : strcmp(a->container, b->container);
}

static int compare_mounts(const void *left, const void *right)
{
	return side_mount_order(left, right);
}

static void read_mount(struct reader *r, json_t *mount, struct side_mount *m)
{
	const char *point = text(r, mount, "mount"), *container = text(r, mount, "container");

	m->point = point ? point : "";
	m->container = container ? container : "";
	m->limit = number(r, mount, "limit_bytes", FIELD_BYTES);
	m->unlimited = !m->limit.known && at(r, mount, "limited") && !flag(r, mount, "limited");
	m->used = mount_bytes(r, mount);
	m->peak = mount_peak(r, mount);
	m->full = mount_full(r, mount);
}

static void read_mounts(struct reader *r, json_t *root)
{
	json_t *mounts = list(r, root, "shm"), *mount;
	struct side *side = r->side;
	bool targets = false;
	size_t i;

	if (r->err || !mounts)
		return;
	side->mounts = calloc(json_array_size(mounts) + 1, sizeof(*side->mounts));
	if (!side->mounts) {
		r->err = -ENOMEM;
		return;
	}
	json_array_foreach(mounts, i, mount) {
		targets |= flag(r, mount, "target");
		read_mount(r, mount, &side->mounts[side->n_mounts++]);
	}
	json_array_foreach(mounts, i, mount) {
		if (targets && !flag(r, mount, "target"))
			continue;
		for (size_t j = 0; j < N_OVER_MOUNTS; j++) {
			struct field_value *v = value_of(side, over_mounts[j].field);

			*v = over_mounts[j].fold(*v, over_mounts[j].of(r, mount));
		}
	}
	qsort(side->mounts, side->n_mounts, sizeof(*side->mounts), compare_mounts);
}

/* ---- processes ---- */

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct side_group *)left)->comm,
		      ((const struct side_group *)right)->comm);
}

/* At first each process is a group. */
static void read_processes(struct reader *r, json_t *root)
{
	json_t *processes = list(r, root, "processes"), *process;
	struct side *side = r->side;
	size_t i, n = 0;

	side->processes_omitted = number(r, root, "processes_omitted", FIELD_COUNT);
	if (r->err || !processes)
		return;
	side->groups = calloc(json_array_size(processes) + 1, sizeof(*side->groups));
	if (!side->groups) {
		r->err = -ENOMEM;
		return;
	}
	json_array_foreach(processes, i, process) {
		struct side_group *g = &side->groups[i];
		const char *comm = text(r, process, "comm");

		g->comm = comm ? comm : "";
		g->count = 1;
		g->peak_sum = g->peak_max = number(r, process, "rss.peak_bytes", FIELD_BYTES);
	}
	side->n_groups = json_array_size(processes);
	qsort(side->groups, side->n_groups, sizeof(*side->groups), compare_names);
	for (i = 0; i < side->n_groups; i++) {
		struct side_group *g = &side->groups[i], *into = &side->groups[n ? n - 1 : 0];

		if (!n || strcmp(into->comm, g->comm) != 0) {
			side->groups[n++] = *g;
			continue;
		}
		into->count++;
		into->peak_sum = plus(into->peak_sum, g->peak_sum);
		into->peak_max = most(into->peak_max, g->peak_max);
	}
	side->n_groups = n;
}

/* ---- the rest ---- */

/* Fields of "now", which at the end is the last figure. */
static const struct {
	const char *field, *last;
} lasts[] = {
	{ "rss", "last.rss" },     { "anon", "last.anon" }, { "file", "last.file" },
	{ "shmem", "last.shmem" }, { "swap", "last.swap" }, { "footprint", "last.footprint" },
};
#define N_LASTS (sizeof(lasts) / sizeof(lasts[0]))

bool side_has(const struct field *f)
{
	if (f->json || !strcmp(f->name, "system.used"))
		return true;
	for (size_t i = 0; i < N_LASTS; i++)
		if (!strcmp(lasts[i].field, f->name))
			return true;
	for (size_t i = 0; i < N_OVER_MOUNTS; i++)
		if (!strcmp(over_mounts[i].field, f->name))
			return true;
	return false;
}

static void read_fields(struct reader *r, json_t *root)
{
	struct side *side = r->side;
	struct field_value total, available;

	for (size_t i = 0; i < n_snapshot_fields; i++) {
		const struct field *f = &snapshot_fields[i];

		if (f->json)
			side->fields[i] = number(r, root, f->json, f->unit);
	}
	for (size_t i = 0; i < N_LASTS; i++)
		*value_of(side, lasts[i].field) = *value_of(side, lasts[i].last);
	total = *value_of(side, "system.total");
	available = *value_of(side, "system.available");
	if (total.known && available.known && total.whole >= available.whole)
		*value_of(side, "system.used") =
			value_whole(true, (uint64_t)(total.whole - available.whole));
}

static void read_command(struct reader *r, json_t *root)
{
	json_t *argv = at(r, root, "command"), *word;
	struct side *side = r->side;
	size_t i;

	if (!argv)
		return;
	if (!json_is_array(argv)) {
		refuse(r, "'command' is not a list");
		return;
	}
	side->command = calloc(json_array_size(argv) + 1, sizeof(*side->command));
	if (!side->command) {
		r->err = -ENOMEM;
		return;
	}
	json_array_foreach(argv, i, word) {
		if (!json_is_string(word)) {
			refuse(r, "'command[%zu]' is not a string", i);
			return;
		}
		side->command[i] = json_string_value(word);
	}
}

static void read_run(struct reader *r, json_t *root)
{
	struct field_value code = number(r, root, "exit.code", FIELD_COUNT);
	struct field_value signal = number(r, root, "exit.signal", FIELD_COUNT);
	json_t *kills = list(r, root, "oom"), *steps = list(r, root, "overhead.modes"), *step;
	struct side *side = r->side;
	size_t i;

	side->version = text(r, root, "version");
	side->started = text(r, root, "started");
	side->kernel = text(r, root, "kernel.release");
	side->killed = signal.known;
	if (signal.known)
		code = signal;
	side->has_exit = code.known;
	if (code.whole > 255)
		refuse(r, "'exit' has no status of a process");
	else
		side->exit_code = (int)code.whole;
	if (kills)
		side->oom_kills = value_whole(true, json_array_size(kills));
	json_array_foreach(steps, i, step) {
		const char *mode = text(r, step, "mode");

		side->sampled |= mode && !strcmp(mode, "sample");
	}
}

static void check_schema(struct reader *r, json_t *root)
{
	const char *schema = text(r, root, "schema");

	if (r->err || (schema && !strcmp(schema, SCHEMA)))
		return;
	if (!schema)
		refuse(r,
		       "it is no summary: it has no 'schema'; give what --json of a watch wrote");
	else if (!strncmp(schema, SCHEMA_STEM, strlen(SCHEMA_STEM)))
		refuse(r,
		       "its schema '%.64s' is not the one that this memmon-bpf knows (" SCHEMA
		       "); use the memmon-bpf that wrote it, or a newer one",
		       schema);
	else if (!strcmp(schema, "memmon-bpf/shm/1"))
		refuse(r, "it is what 'memmon-bpf shm' wrote; give what --json of a watch wrote");
	else
		refuse(r, "its schema '%.64s' is no summary's; give what --json of a watch wrote",
		       schema);
}

int side_read(struct side *side, const char *json, size_t len, char *why, size_t why_len)
{
	struct reader r = { .side = side, .why = why, .why_len = why_len };
	json_error_t error;
	json_t *root;

	*side = (struct side){ 0 };
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	side->document = root;
	side->fields = calloc(n_snapshot_fields, sizeof(*side->fields));
	if (!side->fields || (!root && json_error_code(&error) == json_error_out_of_memory)) {
		r.err = -ENOMEM;
	} else if (!root) {
		refuse(&r,
		       "it is no JSON: line %d: %s; give a recording, or what --json of a watch wrote",
		       error.line, error.text);
	} else if (!json_is_object(root)) {
		refuse(&r, "it is no summary: no JSON object; give what --json of a watch wrote");
	} else {
		check_schema(&r, root);
		if (!r.err) {
			read_run(&r, root);
			read_command(&r, root);
			read_fields(&r, root);
			read_mounts(&r, root);
			read_processes(&r, root);
		}
	}
	if (r.err)
		side_finish(side);
	return r.err;
}

void side_finish(struct side *side)
{
	free(side->command);
	free(side->fields);
	free(side->groups);
	free(side->mounts);
	json_decref(side->document);
	*side = (struct side){ 0 };
}

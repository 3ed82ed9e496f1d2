/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compare.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../model/value.h"
#include "../sinks/show.h"

struct field_value pair_change(struct field_pair p, enum field_unit unit)
{
	__int128 by;

	if (!p.before.known || !p.after.known)
		return value_unknown();
	if (!unit_is_whole(unit))
		return value_real(true, p.after.real - p.before.real);
	by = (__int128)p.after.whole - p.before.whole;
	if (by > INT64_MAX)
		by = INT64_MAX;
	if (by < INT64_MIN)
		by = INT64_MIN;
	return (struct field_value){ .known = true, .whole = (int64_t)by };
}

struct field_value pair_share(struct field_pair p, enum field_unit unit)
{
	struct field_value by = pair_change(p, unit);
	double base;

	if (!by.known)
		return by;
	base = fabs(unit_is_whole(unit) ? (double)p.before.whole : p.before.real);
	if (base <= 0)
		return value_unknown();
	return value_real(true, (unit_is_whole(unit) ? (double)by.whole : by.real) / base);
}

struct field_pair comparison_field(const struct comparison *c, const struct field *f)
{
	size_t i = (size_t)(f - snapshot_fields);

	return (struct field_pair){ c->a->fields[i], c->b->fields[i] };
}

struct field_pair comparison_find(const struct comparison *c, const char *name)
{
	const struct field *f = field_find(name);

	return f ? comparison_field(c, f) : (struct field_pair){ .before.known = false };
}

struct field_pair comparison_growth(const struct comparison *c, const char *kind)
{
	struct field_pair first, last;
	char name[64];

	snprintf(name, sizeof(name), "first.%s", kind);
	first = comparison_find(c, name);
	snprintf(name, sizeof(name), "last.%s", kind);
	last = comparison_find(c, name);
	return (struct field_pair){
		pair_change((struct field_pair){ first.before, last.before }, FIELD_BYTES),
		pair_change((struct field_pair){ first.after, last.after }, FIELD_BYTES),
	};
}

static struct field_value count_of(const struct side *side, const struct side_group *g)
{
	if (g)
		return value_whole(true, g->count);
	return value_whole(side->processes_omitted.known && !side->processes_omitted.whole, 0);
}

struct field_pair comparison_count(const struct comparison *c, const struct compare_group *g)
{
	return (struct field_pair){ count_of(c->a, g->a), count_of(c->b, g->b) };
}

struct field_value comparison_doubt(const struct comparison *c)
{
	struct field_pair error = comparison_find(c, "peak.error");
	struct field_value by = pair_change(comparison_find(c, "peak.rss"), FIELD_BYTES);
	int64_t both;

	if (!by.known || !by.whole || !error.before.known || !error.after.known)
		return value_unknown();
	if (__builtin_add_overflow(error.before.whole, error.after.whole, &both))
		both = INT64_MAX;
	return value_whole(by.whole <= both && by.whole >= -both, (uint64_t)both);
}

/* ---- groups and mounts: both lists are sorted, and merged ---- */

static int64_t larger(struct field_value a, struct field_value b)
{
	int64_t x = a.known ? a.whole : -1, y = b.known ? b.whole : -1;

	return x > y ? x : y;
}

static int64_t group_peak(const struct compare_group *g)
{
	return larger(g->a ? g->a->peak_max : value_unknown(),
		      g->b ? g->b->peak_max : value_unknown());
}

static int64_t mount_peak(const struct compare_mount *m)
{
	return larger(m->a ? m->a->peak : value_unknown(), m->b ? m->b->peak : value_unknown());
}

static int by_group_peak(const void *left, const void *right)
{
	const struct compare_group *a = left, *b = right;
	int64_t x = group_peak(a), y = group_peak(b);

	return x != y ? (x < y) - (x > y) : strcmp(a->comm, b->comm);
}

static int by_mount_peak(const void *left, const void *right)
{
	const struct compare_mount *a = left, *b = right;
	int64_t x = mount_peak(a), y = mount_peak(b);
	int order = (x < y) - (x > y);

	if (!order)
		order = strcmp(a->point, b->point);
	return order ? order : strcmp(a->container, b->container);
}

/* Those of the same name; one side may have none. */
static void add_group(struct comparison *c, const char *comm, const struct side_group *a,
		      const struct side_group *b)
{
	c->groups[c->n_groups++] = (struct compare_group){ .comm = comm, .a = a, .b = b };
}

static int merge_groups(struct comparison *c)
{
	const struct side *a = c->a, *b = c->b;
	size_t i = 0, j = 0;

	c->groups = calloc(a->n_groups + b->n_groups + 1, sizeof(*c->groups));
	if (!c->groups)
		return -ENOMEM;
	while (i < a->n_groups && j < b->n_groups) {
		const struct side_group *x = &a->groups[i], *y = &b->groups[j];
		int order = strcmp(x->comm, y->comm);

		if (order <= 0)
			i++;
		if (order >= 0)
			j++;
		add_group(c, order <= 0 ? x->comm : y->comm, order <= 0 ? x : NULL,
			  order >= 0 ? y : NULL);
	}
	for (; i < a->n_groups; i++)
		add_group(c, a->groups[i].comm, &a->groups[i], NULL);
	for (; j < b->n_groups; j++)
		add_group(c, b->groups[j].comm, NULL, &b->groups[j]);
	qsort(c->groups, c->n_groups, sizeof(*c->groups), by_group_peak);
	return 0;
}

static void add_mount(struct comparison *c, const struct side_mount *which,
		      const struct side_mount *a, const struct side_mount *b)
{
	c->mounts[c->n_mounts++] = (struct compare_mount){
		.point = which->point, .container = which->container, .a = a, .b = b
	};
}

static int merge_mounts(struct comparison *c)
{
	const struct side *a = c->a, *b = c->b;
	size_t i = 0, j = 0;

	c->mounts = calloc(a->n_mounts + b->n_mounts + 1, sizeof(*c->mounts));
	if (!c->mounts)
		return -ENOMEM;
	while (i < a->n_mounts && j < b->n_mounts) {
		const struct side_mount *x = &a->mounts[i], *y = &b->mounts[j];
		int order = side_mount_order(x, y);

		if (order <= 0)
			i++;
		if (order >= 0)
			j++;
		add_mount(c, order <= 0 ? x : y, order <= 0 ? x : NULL, order >= 0 ? y : NULL);
	}
	for (; i < a->n_mounts; i++)
		add_mount(c, &a->mounts[i], &a->mounts[i], NULL);
	for (; j < b->n_mounts; j++)
		add_mount(c, &b->mounts[j], NULL, &b->mounts[j]);
	qsort(c->mounts, c->n_mounts, sizeof(*c->mounts), by_mount_peak);
	return 0;
}

/* ---- warnings ---- */

__attribute__((format(printf, 2, 3))) static void warn(struct comparison *c, const char *format,
						       ...)
{
	va_list args;

	if (c->n_warnings == COMPARE_WARNINGS)
		return;
	va_start(args, format);
	vsnprintf(c->warnings[c->n_warnings++], COMPARE_WARNING_LEN, format, args);
	va_end(args);
}

static bool differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

static bool commands_differ(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a || b;
	while (*a && *b && !strcmp(*a, *b))
		a++, b++;
	return *a || *b;
}

/* "'./build.sh -j4'", or "none" */
static const char *command_text(char *dst, size_t cap, const char *const *command)
{
	size_t at = 1;

	if (!command) {
		snprintf(dst, cap, "none");
		return dst;
	}
	snprintf(dst, cap, "'");
	for (; *command; command++) {
		int n = snprintf(dst + at, cap - at, "%s%s", at > 1 ? " " : "", *command);

		if (n < 0 || (size_t)n + 5 > cap - at) {
			strcpy(dst + cap - 5, "...'"); /* the end would not fit */
			return dst;
		}
		at += (size_t)n;
	}
	snprintf(dst + at, cap - at, "'");
	return dst;
}

static const char *ending_text(char *dst, const struct side *side)
{
	/* as waitpid(2) has them */
	return show_exit(dst, side->killed ? side->exit_code & 0x7f : side->exit_code << 8);
}

static void warn_of_machines(struct comparison *c)
{
	struct field_pair total = comparison_find(c, "system.total");
	char before[SHOW_LEN], after[SHOW_LEN];

	/* of the same machine too a little differs from boot to boot */
	if (differ(c->a->machine, c->b->machine))
		warn(c, "A and B are of different machines");
	else if (!(c->a->machine && c->b->machine) &&
		 fabs(pair_share(total, FIELD_BYTES).real) > 0.01)
		warn(c, "A and B seem to be of different machines: %s and %s of memory",
		     show_value(before, total.before, FIELD_BYTES, NULL),
		     show_value(after, total.after, FIELD_BYTES, NULL));
	if (differ(c->a->kernel, c->b->kernel))
		warn(c, "different kernels: %.64s and %.64s", c->a->kernel, c->b->kernel);
}

static bool known(const struct comparison *c, const struct side *side, const char *field)
{
	struct field_pair p = comparison_find(c, field);

	return side == c->a ? p.before.known : p.after.known;
}

static void warn_of_side(struct comparison *c, const struct side *side, const char *letter)
{
	char omitted[SHOW_LEN];

	if (side->incomplete)
		warn(c, "%s breaks off: its memmon-bpf was killed, or still runs", letter);
	if (!known(c, side, "peak.rss"))
		warn(c, "%s is empty: it has no peak of RSS", letter);
	else if (!known(c, side, "peak.error"))
		warn(c, "the peak of %s has no bound%s: it may have been higher", letter,
		     side->sampled ? ", as RSS was sampled" : "");
	if (side->processes_omitted.known && side->processes_omitted.whole)
		warn(c, "%s does not list %s of its processes, those of the smallest peaks", letter,
		     show_count(omitted, (uint64_t)side->processes_omitted.whole));
}

static void find_warnings(struct comparison *c)
{
	char before[160], after[160];

	warn_of_machines(c);
	if (commands_differ(c->a->command, c->b->command))
		warn(c, "different commands: %s and %s",
		     command_text(before, sizeof(before), c->a->command),
		     command_text(after, sizeof(after), c->b->command));
	if (c->a->has_exit && c->b->has_exit &&
	    (c->a->killed != c->b->killed || c->a->exit_code != c->b->exit_code))
		warn(c, "the commands ended differently: %s and %s", ending_text(before, c->a),
		     ending_text(after, c->b));
	warn_of_side(c, c->a, "A");
	warn_of_side(c, c->b, "B");
}

static struct field_pair get_pair(const void *ctx, const struct field *f)
{
	return comparison_field(ctx, f);
}

int comparison_make(struct comparison *c, const struct side *a, const struct side *b,
		    const struct expr *fail_if)
{
	int err;

	*c = (struct comparison){ .a = a, .b = b, .fail_if = fail_if };
	err = merge_groups(c);
	if (!err)
		err = merge_mounts(c);
	if (err) {
		comparison_finish(c);
		return err;
	}
	find_warnings(c);
	c->failed = fail_if && expr_diff_holds(fail_if, get_pair, c);
	return 0;
}

void comparison_finish(struct comparison *c)
{
	free(c->groups);
	free(c->mounts);
	*c = (struct comparison){ .a = NULL };
}

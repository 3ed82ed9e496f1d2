/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every field, once: its name, unit, place in the JSON summary, help and getter. The text lines,
 * the live screen, CSV, JSON, the human summary, --fail-if, --help fields and the man page's list
 * all read these two tables; a new field is a new row here.
 */
#ifndef MEMMON_FIELDS_H
#define MEMMON_FIELDS_H

#include "model.h"

enum field_unit {
	FIELD_BYTES,
	FIELD_COUNT,
	FIELD_SECONDS, /* since the watch began, or a length of time */
	FIELD_NS, /* nanoseconds, a rate per event */
	FIELD_RATIO, /* 0..1 */
};

/* `known` false means n/a: null in JSON, empty in CSV, "n/a" in text. */
struct field_value {
	bool known;
	double real; /* of FIELD_SECONDS, FIELD_NS, FIELD_RATIO */
	int64_t whole; /* of FIELD_BYTES, FIELD_COUNT */
};

/* A field of the whole snapshot. */
struct field {
	const char *name; /* as --fail-if and CSV spell it: "peak.rss" */
	/* dotted path in the summary: "target.peak.rss_bytes"; NULL = not there */
	const char *json;
	enum field_unit unit;
	unsigned int flags; /* FIELD_* below */
	const char *help; /* one line: what it is and where it comes from */
	struct field_value (*get)(const struct snapshot *s);
};

/* A field of one process. */
struct process_field {
	const char *name;
	const char *json; /* dotted path in an element of processes[] */
	enum field_unit unit;
	unsigned int flags;
	const char *help;
	struct field_value (*get)(const struct snapshot *s, const struct process *p);
};

#define FIELD_TIMELINE 1U /* a column of the CSV timeline */
#define FIELD_FROM_ZERO 2U /* --from-zero subtracts the first value (fields that have one) */

extern const struct field snapshot_fields[];
extern const size_t n_snapshot_fields;
extern const struct process_field process_fields[];
extern const size_t n_process_fields;

/* By name; NULL when there is none. */
const struct field *field_find(const char *name);
const struct process_field *process_field_find(const char *name);

/*
 * The field's first value, for --from-zero, as `field_value` of the same unit; not known for a
 * field without FIELD_FROM_ZERO.
 */
struct field_value field_first(const struct snapshot *s, const struct field *f);
struct field_value process_field_first(const struct snapshot *s, const struct process *p,
				       const struct process_field *f);

#endif

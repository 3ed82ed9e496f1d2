/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of our JSON documents, for the sinks that write them. Each function that returns a value
 * gives it to the caller, NULL when memory is exhausted; those that take one take it over, and
 * pass such a NULL on as -ENOMEM.
 */
#ifndef MEMMON_JSON_VALUE_H
#define MEMMON_JSON_VALUE_H

#include <jansson.h>

#include "../model/fields.h"

/* Names from the kernel and from command lines are bytes; JSON holds Unicode only. NULL: null. */
json_t *json_text(const char *raw);
json_t *json_number_of(double real); /* null where it is not finite */
json_t *json_count(uint64_t n); /* null for UNKNOWN_U64 */
json_t *json_value(struct field_value v, enum field_unit unit);

/* Puts `value` at a path such as "target.peak.rss_bytes". Returns 0 or -ENOMEM. */
int json_put(json_t *root, const char *path, json_t *value);
/* Appends it. Returns 0 or -ENOMEM. */
int json_add(json_t *list, json_t *value);
/* `value`, or NULL and `value` freed where there was an error in filling it. */
json_t *json_done(json_t *value, int err);

#endif

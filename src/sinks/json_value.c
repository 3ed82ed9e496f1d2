/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "json_value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../util/escape.h"

json_t *json_text(const char *raw)
{
	json_t *text;
	char *clean;
	size_t len, cap;

	if (!raw)
		return json_null();
	len = strlen(raw);
	cap = len * ESCAPE_MAX_GROWTH + 1;
	clean = malloc(cap);
	if (!clean)
		return NULL;
	utf8_sanitize(clean, cap, raw, len);
	text = json_string(clean);
	free(clean);
	return text;
}

json_t *json_number_of(double real)
{
	if (!isfinite(real))
		return json_null();
	/* nanoseconds are all we know: 0.1, not 0.10000000000000001 */
	return json_real(round(real * 1e9) / 1e9);
}

json_t *json_value(struct field_value v, enum field_unit unit)
{
	if (!v.known)
		return json_null();
	if (unit == FIELD_BYTES || unit == FIELD_COUNT)
		return json_integer(v.whole);
	return json_number_of(v.real);
}

int json_put(json_t *root, const char *path, json_t *value)
{
	json_t *at = root;
	const char *dot;
	char name[64];

	while (at && (dot = strchr(path, '.'))) {
		json_t *next;

		snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
		next = json_object_get(at, name);
		if (!json_is_object(next)) {
			next = json_object();
			if (json_object_set_new(at, name, next))
				next = NULL;
		}
		at = next;
		path = dot + 1;
	}
	if (!at) {
		json_decref(value);
		return -ENOMEM;
	}
	return json_object_set_new(at, path, value) ? -ENOMEM : 0;
}

json_t *json_count(uint64_t n)
{
	if (n == UNKNOWN_U64)
		return json_null();
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

int json_add(json_t *list, json_t *value)
{
	return json_array_append_new(list, value) ? -ENOMEM : 0;
}

json_t *json_done(json_t *value, int err)
{
	if (!err)
		return value;
	json_decref(value);
	return NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the model's own units (pages, nanoseconds, UNKNOWN_U64) to field values: for the getters of
 * fields.c and process_fields.c only. What is momentarily negative while CPUs race is shown as 0;
 * what does not fit is shown as the largest value.
 */
#ifndef MEMMON_VALUE_H
#define MEMMON_VALUE_H

#include "fields.h"

#define KIND_RSS MEM_KINDS /* file + anon + shmem, beside the members of enum mem_kind */

static inline struct field_value value_unknown(void)
{
	return (struct field_value){ .known = false };
}

static inline struct field_value value_whole(bool known, uint64_t v)
{
	if (!known || v == UNKNOWN_U64)
		return value_unknown();
	return (struct field_value){ .known = true,
				     .whole = v > INT64_MAX ? INT64_MAX : (int64_t)v };
}

static inline struct field_value value_real(bool known, double v)
{
	return (struct field_value){ .known = known, .real = known ? v : 0 };
}

static inline struct field_value value_pages(bool known, uint64_t pages, uint64_t page_bytes)
{
	uint64_t bytes;

	if (pages == UNKNOWN_U64)
		return value_unknown();
	if (__builtin_mul_overflow(pages, page_bytes, &bytes))
		bytes = INT64_MAX;
	return value_whole(known, bytes);
}

static inline struct field_value value_kind(bool known, const struct mem_pages *p, int kind,
					    uint64_t page_bytes)
{
	if (kind == KIND_RSS)
		return value_pages(known, rss_pages(p), page_bytes);
	return value_pages(known, p->kind[kind] > 0 ? (uint64_t)p->kind[kind] : 0, page_bytes);
}

/* Seconds from the beginning of the watch; what was before it, a peak say, was at 0. */
static inline struct field_value value_since_start(bool known, const struct snapshot *s,
						   uint64_t ts_ns)
{
	return value_real(known, ts_ns > s->start_ns ? (double)(ts_ns - s->start_ns) / 1e9 : 0);
}

static inline struct field_value value_length(bool known, uint64_t ns)
{
	return value_real(known && ns != UNKNOWN_U64, (double)ns / 1e9);
}

#endif

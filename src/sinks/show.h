/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sinks for people share: values, names and endings as text, and tables that line up. */
#ifndef MEMMON_SHOW_H
#define MEMMON_SHOW_H

#include "sink.h"

/* Room for any value, ending or time below. */
#define SHOW_LEN 48
/* Room for a comm with every byte escaped. */
#define SHOW_COMM_LEN (4 * COMM_LEN)

/* True where the locale's characters are UTF-8 (setlocale() is the caller's). */
bool show_utf8(void);

/* The value, or under --from-zero its difference to the field's first value, where it has one. */
struct field_value show_from_zero(const struct run *run, const struct snapshot *s,
				  const struct field *f);
struct field_value show_process_from_zero(const struct run *run, const struct snapshot *s,
					  const struct process *p, const struct process_field *f);

/* Each writes into dst (SHOW_LEN bytes) and returns it. */

/* "512.3 MiB", "1,234,567", "3.402 s", "76.2 ns", "0.8 %", "n/a"; `bytes` NULL = by size. */
const char *show_value(char *dst, struct field_value v, enum field_unit unit,
		       const struct unit *bytes);
/* "512.3": bytes in `unit`, without its name, so that columns of one unit line up. */
const char *show_in_unit(char *dst, int64_t bytes, const struct unit *unit);
/* "1,234,567" */
const char *show_count(char *dst, uint64_t n);
/* "9.125 s", "12 min 05 s", "3 h 07 min", "2 d 04 h": a length of time */
const char *show_duration(char *dst, double seconds);
/* "exit 0", "SIGKILL" */
const char *show_exit(char *dst, int wait_status);
/* The same of a process; "alive", or "ended" where nobody saw how. */
const char *show_ending(char *dst, const struct process *p);

/* What the modes are called: "full", "lean", "sample". */
const char *show_mode(enum watch_mode mode);
/*
 * "at 3.2 s over the budget of 0.5 % of one core (1.7 %): from now on sampled; …": a change of the way
 * of watching, in SHOW_STEP_LEN bytes; returns dst.
 */
#define SHOW_STEP_LEN 256
const char *show_step(char *dst, const struct snapshot *s, const struct mode_step *step);

/*
 * "skipped by the kernel: 379 runs on changes of RSS; …": what so many runs that it skipped may have hidden,
 * in SHOW_SKIPPED_LEN bytes; returns dst.
 */
#define SHOW_SKIPPED_LEN 192
const char *show_skipped(char *dst, const struct snapshot *s, enum missed which, uint64_t runs);

/* When: seconds since the watch began; 0 for what was before. */
double show_since_s(const struct snapshot *s, uint64_t ts_ns);

/* All processes, largest peak RSS first; free() it. NULL when memory is exhausted. */
const struct process **show_by_peak(const struct snapshot *s);

/* Flushes what was printed since errno was set to 0. Returns 0 or the negative errno of a failure. */
int show_flush(FILE *out);

/* Hostile bytes as printable text; "?" where there are none. Cut to fit. Returns dst. */
const char *show_name(char *dst, size_t cap, const char *raw);
/* The same, printed, and cut with "..." beyond `columns`. */
void show_print_name(FILE *out, const char *raw, int columns);
/* Terminal columns of printable text in the locale's encoding. */
int show_columns(const char *text);
/* The longest start of `text` that fits `columns`, in bytes; *used = the columns it takes. */
size_t show_clip(const char *text, int columns, int *used);

/*
 * A table of cells whose columns are as wide as their widest cell. Cells are added row by row and
 * copied. Memory that runs out is remembered and reported by table_print().
 */
struct table;
struct table *table_create(int columns); /* NULL when memory is exhausted */
void table_destroy(struct table *t); /* NULL is fine */
void table_left(struct table *t, int column); /* this column is flush left; the others right */
void table_cell(struct table *t, const char *text);
/* Columns of the widest row as table_print() would print it, without the indent. */
int table_width(const struct table *t);
void table_row(struct table *t); /* ends a row; missing cells are empty */
/*
 * Prints the rows, `indent` before each and two blanks between columns, `heading` around the
 * first and `plain` after it (escape sequences, "" for none). Returns 0 or -ENOMEM.
 */
int table_print(const struct table *t, FILE *out, const char *indent, const char *heading,
		const char *plain);

#endif

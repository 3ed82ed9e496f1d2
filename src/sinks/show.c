/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people. Whatever a person reads is made here once, so that a figure looks the same in
 * the lines, the summary and the live screen. What is not known is "n/a"; names from the kernel are
 * escaped before anything measures or prints them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <wchar.h>

#include "../util/escape.h"
#include "show.h"

bool show_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static struct field_value difference(struct field_value v, struct field_value first)
{
	v.known = v.known && first.known;
	v.whole -= first.whole;
	v.real -= first.real;
	return v;
}

struct field_value show_from_zero(const struct run *run, const struct snapshot *s,
				  const struct field *f)
{
	if (!run->from_zero || !(f->flags & FIELD_FROM_ZERO))
		return f->get(s);
	return difference(f->get(s), field_first(s, f));
}

struct field_value show_process_from_zero(const struct run *run, const struct snapshot *s,
					  const struct process *p, const struct process_field *f)
{
	if (!run->from_zero || !(f->flags & FIELD_FROM_ZERO))
		return f->get(s, p);
	return difference(f->get(s, p), process_field_first(s, p, f));
}

const char *show_value(char *dst, struct field_value v, enum field_unit unit,
		       const struct unit *bytes)
{
	if (!v.known) {
		snprintf(dst, SHOW_LEN, "n/a");
		return dst;
	}
	switch (unit) {
	case FIELD_BYTES:
		format_bytes(dst, SHOW_LEN, v.whole, bytes);
		break;
	case FIELD_COUNT:
		if (v.whole < 0)
			snprintf(dst, SHOW_LEN, "%lld", (long long)v.whole);
		else
			show_count(dst, (uint64_t)v.whole);
		break;
	case FIELD_SECONDS:
		snprintf(dst, SHOW_LEN, "%.3f s", v.real);
		break;
	case FIELD_NS:
		snprintf(dst, SHOW_LEN, "%.1f ns", v.real);
		break;
	case FIELD_RATIO:
		if (v.real > 0 && v.real < 0.0001)
			snprintf(dst, SHOW_LEN, "<0.01 %%"); /* little is not nothing */
		else
			snprintf(dst, SHOW_LEN, v.real < 0.01 ? "%.2f %%" : "%.1f %%",
				 v.real * 100);
		break;
	}
	return dst;
}

const char *show_in_unit(char *dst, int64_t bytes, const struct unit *unit)
{
	if (unit->bytes == 1)
		snprintf(dst, SHOW_LEN, "%lld", (long long)bytes);
	else
		snprintf(dst, SHOW_LEN, "%.*f", unit->decimals,
			 (double)bytes / (double)unit->bytes);
	/* a little less than nothing is nothing */
	if (dst[0] == '-' && strspn(dst + 1, "0.") == strlen(dst + 1))
		memmove(dst, dst + 1, strlen(dst));
	return dst;
}

const char *show_count(char *dst, uint64_t n)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *to = dst;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return dst;
}

const char *show_duration(char *dst, double seconds)
{
	unsigned long long whole = (unsigned long long)seconds;

	if (seconds < 60)
		snprintf(dst, SHOW_LEN, "%.3f s", seconds);
	else if (whole < 3600)
		snprintf(dst, SHOW_LEN, "%llu min %02llu s", whole / 60, whole % 60);
	else if (whole < 86400)
		snprintf(dst, SHOW_LEN, "%llu h %02llu min", whole / 3600, whole / 60 % 60);
	else
		snprintf(dst, SHOW_LEN, "%llu d %02llu h", whole / 86400, whole / 3600 % 24);
	return dst;
}

const char *show_exit(char *dst, int wait_status)
{
	const char *name;

	if (!WIFSIGNALED(wait_status)) {
		snprintf(dst, SHOW_LEN, "exit %d", WEXITSTATUS(wait_status));
		return dst;
	}
	name = sigabbrev_np(WTERMSIG(wait_status));
	if (name)
		snprintf(dst, SHOW_LEN, "SIG%s", name);
	else
		snprintf(dst, SHOW_LEN, "signal %d", WTERMSIG(wait_status));
	return dst;
}

const char *show_ending(char *dst, const struct process *p)
{
	if (p->end_ns && p->has_status)
		return show_exit(dst, p->wait_status);
	snprintf(dst, SHOW_LEN, "%s", p->end_ns ? "ended" : "alive");
	return dst;
}

double show_since_s(const struct snapshot *s, uint64_t ts_ns)
{
	return ts_ns > s->start_ns ? (double)(ts_ns - s->start_ns) / 1e9 : 0;
}

static uint64_t peak_pages(const struct process *p)
{
	return p->has_reading ? rss_pages(&p->reading.at_peak) : 0;
}

static int compare_peaks(const void *left, const void *right)
{
	const struct process *a = *(const struct process *const *)left;
	const struct process *b = *(const struct process *const *)right;

	if (peak_pages(a) != peak_pages(b))
		return peak_pages(a) < peak_pages(b) ? 1 : -1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->start_ns < b->start_ns ? -1 : a->start_ns > b->start_ns;
}

const struct process **show_by_peak(const struct snapshot *s)
{
	const struct process **order = calloc(s->n_processes + 1, sizeof(*order));

	if (!order)
		return NULL;
	for (size_t i = 0; i < s->n_processes; i++)
		order[i] = s->processes[i];
	qsort(order, s->n_processes, sizeof(*order), compare_peaks);
	return order;
}

int show_flush(FILE *out)
{
	if (fflush(out) == 0 && !ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}

const char *show_name(char *dst, size_t cap, const char *raw)
{
	size_t at = 0;

	if (!raw || !*raw)
		snprintf(dst, cap, "?");
	else if (show_utf8())
		escape_bytes(dst, cap, raw, strlen(raw));
	else
		/* byte by byte: half a character is no UTF-8, so only ASCII passes */
		for (; *raw && at + ESCAPE_MAX_GROWTH < cap; raw++)
			at += escape_bytes(dst + at, cap - at, raw, 1);
	return dst;
}

size_t show_clip(const char *text, int columns, int *used)
{
	size_t len = strlen(text), at = 0;
	mbstate_t state = { 0 };

	*used = 0;
	while (at < len) {
		wchar_t wc;
		size_t n = mbrtowc(&wc, text + at, len - at, &state);
		int width = 1;

		if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
			/* not of this locale: the byte will take some column */
			memset(&state, 0, sizeof(state));
			n = 1;
		} else {
			width = wcwidth(wc);
			if (width < 0)
				width = 1;
		}
		if (*used + width > columns)
			break;
		*used += width;
		at += n;
	}
	return at;
}

int show_columns(const char *text)
{
	int used;

	show_clip(text, 1 << 20, &used);
	return used;
}

void show_print_name(FILE *out, const char *raw, int columns)
{
	char text[1024];
	int used;

	show_name(text, sizeof(text), raw);
	if (show_columns(text) <= columns)
		fputs(text, out);
	else
		fprintf(out, "%.*s...", (int)show_clip(text, columns - 3, &used), text);
}

const char *show_mode(enum watch_mode mode)
{
	static const char *const names[WATCH_MODES] = {
		[MODE_FULL] = "full",
		[MODE_LEAN] = "lean",
		[MODE_SAMPLE] = "sample",
	};

	return names[mode];
}

static const char *share_text(char *dst, uint64_t share_ppm)
{
	return show_value(dst,
			  (struct field_value){ .known = share_ppm != UNKNOWN_U64,
						.real = (double)share_ppm / 1e6 },
			  FIELD_RATIO, NULL);
}

const char *show_step(char *dst, const struct snapshot *s, const struct mode_step *step)
{
	static const char *const now[WATCH_MODES] = {
		[MODE_FULL] = "every event counts",
		[MODE_LEAN] = "every event counts; shared memory is not traced",
		[MODE_SAMPLE] = "sampled; peaks are bounded by the kernel's own high-water mark",
	};
	char share[SHOW_LEN], budget[SHOW_LEN], why[3 * SHOW_LEN] = "";

	if (step->why == MODE_OVER_BUDGET)
		snprintf(why, sizeof(why), "over the budget of %s of one core (%s): from now on ",
			 share_text(budget, step->budget_ppm), share_text(share, step->share_ppm));
	else if (step->why == MODE_CALM)
		snprintf(why, sizeof(why), "another try: from now on ");
	snprintf(dst, SHOW_STEP_LEN, "at %.1f s %s%s", show_since_s(s, step->ts_ns), why,
		 now[step->mode]);
	return dst;
}

const char *show_skipped(char *dst, const struct snapshot *s, enum missed which, uint64_t runs)
{
	static const char *const hidden[MISSED_KINDS] = {
		[MISSED_RSS] = " on changes of RSS; the bounds of the peaks allow for that",
		[MISSED_PROCESSES] = "; at most so many starts, ends or OOM kills are missing",
		[MISSED_VOLUMES] =
			" on mmap, munmap and brk; at most so many calls are not counted",
	};
	bool no_bound = s->tree.known && s->tree.error_pages == UNKNOWN_U64;
	char count[SHOW_LEN];

	snprintf(dst, SHOW_SKIPPED_LEN, "%s by the kernel: %s run%s%s",
		 which == MISSED_PROCESSES ? "SKIPPED" : "skipped", show_count(count, runs),
		 runs == 1 ? "" : "s",
		 which == MISSED_RSS && no_bound ? " on changes of RSS; bounds of processes "
						   "allow for that, the tree has none" :
						   hidden[which]);
	return dst;
}

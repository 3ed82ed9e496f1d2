// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The .dat of mprof (memory_profiler), as `mprof run --include-children --multiprocess` writes it:
 *   CMDLINE <command>
 *   MEM <MiB of all processes together> <Unix time>
 *   CHLD <pid> <MiB> <Unix time>       of each process but the first
 * Lines need not be in the order of time there. So peaks, of all together and of each process, have
 * lines of their own, and `mprof peak` tells them exactly. FUNC lines are those of Python functions,
 * which we do not know of.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../util/escape.h"
#include "show.h"

struct mprof {
	struct sink sink;
	FILE *out;
	bool begun;
	double started_s; /* Unix time */
	uint64_t peak_pages; /* told so far */
	uint64_t tick_ns;
	uint64_t
		told_ns; /* of the tick before it: what was later may have been read after tick_ns only */
	uint32_t main_pid; /* whose MEM is that of the tree; 0 = none */
	uint64_t main_start_ns;
};

static double unix_time(const struct mprof *m, const struct snapshot *s, uint64_t ts_ns)
{
	return m->started_s + show_since_s(s, ts_ns);
}

static double mib(const struct snapshot *s, uint64_t pages)
{
	return (double)pages * (double)s->page_bytes / 1048576;
}

/* "2026-11-21T04:36:00+01:00"; 0 where it is none. */
static double parse_started(const char *text)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S%z", &tm);
	long offset_s;

	if (!rest || *rest)
		return 0;
	offset_s = tm.tm_gmtoff; /* which timegm() sets anew */
	return (double)(timegm(&tm) - offset_s);
}

/* One line, whatever is in the words. */
static int print_words(FILE *out, const char *word)
{
	size_t cap = strlen(word) * ESCAPE_MAX_GROWTH + 1;
	char *text = malloc(cap);

	if (!text)
		return -ENOMEM;
	escape_bytes(text, cap, word, strlen(word));
	fprintf(out, " %s", text);
	free(text);
	return 0;
}

static int print_head(struct mprof *m)
{
	const struct run *run = m->sink.run;
	int err = 0;

	fputs("CMDLINE", m->out);
	for (size_t i = 0; !err && run->command && run->command[i]; i++)
		err = print_words(m->out, run->command[i]);
	if (!run->command)
		err = print_words(m->out, run->target ? run->target : "?");
	fputc('\n', m->out);
	return err;
}

static bool is_watched(const struct snapshot *s, uint32_t pid)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i]->pid == pid)
			return true;
	return false;
}

/* The command, or the only process whose parent is not watched. */
static void find_main(struct mprof *m, const struct snapshot *s)
{
	const struct process *found = NULL;

	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process *p = s->processes[i];

		if (p->how != START_COMMAND && is_watched(s, p->ppid))
			continue;
		if (found && p->how != START_COMMAND)
			return;
		found = p;
		if (p->how == START_COMMAND)
			break;
	}
	if (!found)
		return;
	m->main_pid = found->pid;
	m->main_start_ns = found->start_ns;
}

static void print_tree(struct mprof *m, const struct snapshot *s)
{
	uint64_t peak = rss_pages(&s->tree.at_peak), now = rss_pages(&s->tree.now);

	if (!s->tree.known)
		return;
	if (peak > m->peak_pages) {
		m->peak_pages = peak;
		fprintf(m->out, "MEM %.6f %.4f\n", mib(s, peak), unix_time(m, s, s->tree.peak_ns));
	} else if (s->tree.level_peak_pages > now && s->tree.level_peak_pages <= peak) {
		/* somewhere between the ticks */
		fprintf(m->out, "MEM %.6f %.4f\n", mib(s, s->tree.level_peak_pages),
			unix_time(m, s, m->tick_ns + (s->now_ns - m->tick_ns) / 2));
	}
	/* what is counted in pieces may be off by the bound of the peak, which nothing exceeds */
	if (s->tree.processes_live)
		fprintf(m->out, "MEM %.6f %.4f\n", mib(s, now < peak ? now : peak),
			unix_time(m, s, s->now_ns));
}

static void print_processes(const struct mprof *m, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_processes; i++) {
		const struct process *p = s->processes[i];
		const struct rec_reading *r = &p->reading;

		if (!p->has_reading || r->flags & READING_NO_MM ||
		    (p->pid == m->main_pid && p->start_ns == m->main_start_ns))
			continue;
		if (r->peak_ns > m->told_ns || p->end_ns > m->told_ns || !m->begun)
			fprintf(m->out, "CHLD %u %.6f %.4f\n", p->pid,
				mib(s, rss_pages(&r->at_peak)), unix_time(m, s, r->peak_ns));
		if (!p->end_ns)
			fprintf(m->out, "CHLD %u %.6f %.4f\n", p->pid, mib(s, rss_pages(&r->now)),
				unix_time(m, s, s->now_ns));
	}
}

static int mprof_tick(struct sink *sink, const struct snapshot *s)
{
	struct mprof *m = (struct mprof *)sink;
	int err = 0;

	errno = 0;
	if (!m->begun) {
		err = print_head(m);
		find_main(m, s);
		m->tick_ns = s->start_ns;
	}
	print_tree(m, s);
	print_processes(m, s);
	m->begun = true;
	m->told_ns = m->tick_ns;
	m->tick_ns = s->now_ns;
	return err ? err : show_flush(m->out);
}

static int mprof_finish(struct sink *sink, const struct snapshot *s)
{
	struct mprof *m = (struct mprof *)sink;

	return m->begun && m->tick_ns == s->now_ns ? 0 : mprof_tick(sink, s);
}

static void mprof_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops mprof_ops = {
	.name = "mprof",
	.tick = mprof_tick,
	.finish = mprof_finish,
	.destroy = mprof_destroy,
};

struct sink *mprof_create(const struct run *run, FILE *out)
{
	struct mprof *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->sink = (struct sink){ .ops = &mprof_ops, .run = run };
	m->out = out;
	m->started_s = parse_started(run->started);
	return &m->sink;
}

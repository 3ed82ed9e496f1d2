/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The summary for people when the watch has ended: what was watched and how it ended, the memory of
 * the tree and of the machine, the processes with the largest peaks, OOM kills, and the receipt of
 * what watching cost. It says of every figure how exact it is, and of losses that they happened.
 *
 * At most 100 columns wide with units chosen by size; the width of the terminal is not asked for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "remedy.h"
#include "shm_show.h"

#define TOP_PROCESSES 20 /* a screen; the JSON summary lists more */
#define NEWEST_KILLS 8
#define NEWEST_STEPS 8
#define NEWEST_FAILURES 8 /* of one mount */
#define START_UP_COUNTS_S 1.0 /* in a shorter watch our CPU time is that of loading */
#define N_TOP (sizeof(((struct oom_kill *)0)->top) / sizeof(((struct oom_kill *)0)->top[0]))

struct summary {
	struct sink sink;
	FILE *out;
};

/* What one function needs to print: the stream, the snapshot and how. */
struct page {
	FILE *out;
	const struct run *run;
	const struct snapshot *s;
	const char *bold, *alarm, *dim, *plain;
};

/* A field's value for people; "n/a" where it is not known. */
static const char *get(const struct page *pg, char *dst, const char *name)
{
	const struct field *f = field_find(name);
	struct field_value v = { .known = false };

	if (f)
		v = f->get(pg->s);
	return show_value(dst, v, f ? f->unit : FIELD_COUNT, pg->run->unit);
}

static const char *bytes_text(const struct page *pg, char *dst, uint64_t bytes)
{
	struct field_value v = { .known = bytes != UNKNOWN_U64, .whole = (int64_t)bytes };

	return show_value(dst, v, FIELD_BYTES, pg->run->unit);
}

static const char *seconds_text(const struct page *pg, char *dst, uint64_t ts_ns)
{
	snprintf(dst, SHOW_LEN, "%.3f s", show_since_s(pg->s, ts_ns));
	return dst;
}

static void print_section(const struct page *pg, const char *title)
{
	fprintf(pg->out, "\n%s%s%s\n", pg->bold, title, pg->plain);
}

static void print_head(const struct page *pg)
{
	char duration[SHOW_LEN], seen[SHOW_LEN], most[SHOW_LEN], ending[SHOW_LEN];
	const struct run *run = pg->run;
	const struct snapshot *s = pg->s;

	fprintf(pg->out, "%smemmon-bpf%s %s: ", pg->bold, pg->plain, run->version);
	if (run->target)
		show_print_name(pg->out, run->target, 80);
	fputs("\n  ", pg->out);
	if (run->has_exit)
		fprintf(pg->out, "%s%s", WIFSIGNALED(run->wait_status) ? "killed by " : "",
			show_exit(ending, run->wait_status));
	else
		fprintf(pg->out, "%s", run->ended_by ? run->ended_by : "the watch ended");
	fprintf(pg->out, " after %s", show_duration(duration, show_since_s(s, s->now_ns)));
	if (!s->tree.known)
		fprintf(pg->out, "; nothing was read");
	else if (s->tree.processes == 1)
		fprintf(pg->out, "; 1 process");
	else
		fprintf(pg->out, "; %s processes, at most %s at once",
			show_count(seen, s->tree.processes),
			show_count(most, s->tree.processes_peak));
	fputc('\n', pg->out);
	if (run->fail_if)
		fprintf(pg->out, "  %sfailed: %s%s\n", pg->alarm, run->fail_if, pg->plain);
	if (s->tree.processes_untracked)
		fprintf(pg->out,
			"  %s%s processes are without figures: more lived at once than fit%s\n",
			pg->alarm, show_count(seen, s->tree.processes_untracked), pg->plain);
}

static void fill_memory(const struct page *pg, struct table *t)
{
	static const struct {
		const char *title, *at_peak, *own_peak, *first, *last;
	} rows[] = {
		{ "RSS", "peak.rss", "peak.rss", "first.rss", "last.rss" },
		{ "  anon", "peak.anon", "max.anon", "first.anon", "last.anon" },
		{ "  file", "peak.file", "max.file", "first.file", "last.file" },
		{ "  shmem", "peak.shmem", "max.shmem", "first.shmem", "last.shmem" },
		{ "swap", "peak.swap", "max.swap", "first.swap", "last.swap" },
		{ "footprint", NULL, "peak.footprint", "first.footprint", "last.footprint" },
	};
	char text[SHOW_LEN];

	table_left(t, 0);
	table_cell(t, "");
	table_cell(t, "at the peak");
	table_cell(t, "own peak");
	table_cell(t, "first");
	table_cell(t, "last");
	table_row(t);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!rows[i].at_peak && pg->s->tree.footprint_peak_bytes == UNKNOWN_U64)
			continue;
		table_cell(t, rows[i].title);
		table_cell(t, rows[i].at_peak ? get(pg, text, rows[i].at_peak) : "");
		table_cell(t, get(pg, text, rows[i].own_peak));
		table_cell(t, get(pg, text, rows[i].first));
		table_cell(t, get(pg, text, rows[i].last));
		table_row(t);
	}
}

static int print_memory(const struct page *pg)
{
	char peak[SHOW_LEN], when[SHOW_LEN], bound[SHOW_LEN];
	struct table *t;
	int err;

	fprintf(pg->out, "\n%sPeak RSS %s%s", pg->bold, get(pg, peak, "peak.rss"), pg->plain);
	if (!pg->s->tree.known) {
		fputc('\n', pg->out);
		return 0;
	}
	fprintf(pg->out, " at %s", get(pg, when, "peak.at"));
	if (pg->s->tree.error_pages == UNKNOWN_U64)
		fprintf(pg->out, ", %s\n",
			pg->s->mode.ever_sampled ? "sampled: it may have been higher" :
						   "without a bound");
	else if (pg->s->tree.error_pages)
		fprintf(pg->out, ", %s%s\n", show_utf8() ? "±" : "+-",
			get(pg, bound, "peak.error"));
	else
		fputs(", exact\n", pg->out);
	t = table_create(5);
	if (!t)
		return -ENOMEM;
	fill_memory(pg, t);
	err = table_print(t, pg->out, "  ", pg->dim, pg->plain);
	table_destroy(t);
	if (!err && pg->s->mode.ever_sampled)
		fputs("  own peaks are the highest that was seen: RSS was sampled for a while\n",
		      pg->out);
	if (!err && pg->s->tree.footprint_peak_bytes != UNKNOWN_U64)
		fputs("  the footprint counts a shared page once; it was sampled\n", pg->out);
	return err;
}

static void print_charge(const struct page *pg)
{
	char peak[SHOW_LEN], last[SHOW_LEN], limit[SHOW_LEN], anon[SHOW_LEN], file[SHOW_LEN],
		shmem[SHOW_LEN], kernel[SHOW_LEN];
	bool limited = pg->s->charge.last.limit_bytes != UNKNOWN_U64;

	if (!pg->s->charge.known)
		return;
	fprintf(pg->out, "  charged to the cgroup: peak %s, last %s, limit %s\n",
		get(pg, peak, "charged.peak"), get(pg, last, "charged.current"),
		limited ? get(pg, limit, "charged.limit") : "none");
	fprintf(pg->out, "    of the last: anon %s, file %s, shmem %s, kernel %s\n",
		get(pg, anon, "charged.anon"), get(pg, file, "charged.file"),
		get(pg, shmem, "charged.shmem"), get(pg, kernel, "charged.kernel"));
}

static void print_activity(const struct page *pg)
{
	static const char *const names[VM_CALLS] = { "mmap", "munmap", "brk" };
	char minor[SHOW_LEN], major[SHOW_LEN], cpu[SHOW_LEN], calls[SHOW_LEN], bytes[SHOW_LEN];
	const struct vm_volume *volume = pg->s->tree.volume;
	bool any = false;

	if (!pg->s->tree.known)
		return;
	fprintf(pg->out, "  page faults: %s minor, %s major; CPU time %s\n",
		get(pg, minor, "faults.minor"), get(pg, major, "faults.major"),
		get(pg, cpu, "cpu"));
	for (int i = 0; i < VM_CALLS; i++) {
		if (volume[i].calls == UNKNOWN_U64)
			continue;
		fprintf(pg->out, "%s%s %s in %s call%s", any ? ", " : "  address space: ", names[i],
			bytes_text(pg, bytes, volume[i].bytes), show_count(calls, volume[i].calls),
			volume[i].calls == 1 ? "" : "s");
		any = true;
	}
	if (any)
		fputc('\n', pg->out);
}

static void print_machine(const struct page *pg)
{
	char total[SHOW_LEN], first[SHOW_LEN], last[SHOW_LEN], least[SHOW_LEN], when[SHOW_LEN],
		used[SHOW_LEN], some[SHOW_LEN], full[SHOW_LEN];
	const struct snapshot *s = pg->s;

	fprintf(pg->out, "\n%sMachine%s %s\n", pg->bold, pg->plain, get(pg, total, "system.total"));
	if (!s->system.known)
		return;
	fprintf(pg->out, "  available: lowest %s at %s, first %s, last %s\n",
		get(pg, least, "system.available.min"), get(pg, when, "system.available.min_at"),
		get(pg, first, "system.available.first"), get(pg, last, "system.available"));
	fprintf(pg->out, "  used from zero: at most %s\n", get(pg, used, "system.used.from_zero"));
	if (s->system.pressure_some_us != UNKNOWN_U64)
		fprintf(pg->out, "  waiting for memory: some tasks %s, all tasks %s\n",
			get(pg, some, "system.pressure.some"),
			get(pg, full, "system.pressure.full"));
}

static void process_cells(const struct page *pg, struct table *t, const struct process *p,
			  const struct unit *unit)
{
	static const char *const names[] = { "peak.rss",     "peak.at",       "at_peak.anon",
					     "at_peak.file", "at_peak.shmem", "at_peak.swap",
					     "rss" };
	char text[SHOW_LEN], name[SHOW_COMM_LEN];
	int used;

	snprintf(text, sizeof(text), "%u", p->pid);
	table_cell(t, text);
	show_name(name, sizeof(name), p->comm);
	name[show_clip(name, COMM_LEN, &used)] = '\0';
	table_cell(t, name);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct process_field *f = process_field_find(names[i]);
		struct field_value v = { .known = false };

		if (f)
			v = f->get(pg->s, p);
		if (!v.known)
			snprintf(text, sizeof(text), "n/a");
		else if (f->unit == FIELD_BYTES)
			show_in_unit(text, v.whole, unit);
		else
			snprintf(text, sizeof(text), "%.3f", v.real);
		table_cell(t, text);
	}
	table_cell(t, show_ending(text, p));
	table_row(t);
}

static int fill_processes(const struct page *pg, struct table *t, size_t n, const struct unit *unit)
{
	static const char *const titles[] = { "PID",  "COMMAND", "PEAK", "AT",   "ANON",
					      "FILE", "SHMEM",   "SWAP", "LAST", "END" };
	const struct process **order = show_by_peak(pg->s);

	if (!order)
		return -ENOMEM;
	table_left(t, 1);
	table_left(t, 9);
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		table_cell(t, titles[i]);
	for (size_t i = 0; i < n; i++)
		process_cells(pg, t, order[i], unit);
	free(order);
	return 0;
}

static int print_processes(const struct page *pg)
{
	const struct unit *unit = pg->run->unit ? pg->run->unit : unit_find("MiB");
	size_t n = pg->s->n_processes;
	uint64_t more;
	char text[SHOW_LEN];
	struct table *t;
	int err;

	if (n > pg->run->max_processes)
		n = pg->run->max_processes;
	if (n > TOP_PROCESSES)
		n = TOP_PROCESSES;
	if (!n)
		return 0;
	t = table_create(10);
	if (!t)
		return -ENOMEM;
	fprintf(pg->out, "\n%sProcesses%s by peak RSS, in %s; anon to swap at that instant\n",
		pg->bold, pg->plain, unit->name);
	err = fill_processes(pg, t, n, unit);
	if (!err)
		err = table_print(t, pg->out, "  ", pg->dim, pg->plain);
	table_destroy(t);
	more = pg->s->n_processes - n + pg->s->processes_omitted;
	if (more)
		fprintf(pg->out, "  and %s more with smaller peaks\n", show_count(text, more));
	return err;
}

static void print_oom(const struct page *pg)
{
	size_t skipped = pg->s->n_oom > NEWEST_KILLS ? pg->s->n_oom - NEWEST_KILLS : 0;
	char when[SHOW_LEN], bytes[SHOW_LEN];

	if (pg->s->n_oom)
		print_section(pg, "OOM kills");
	if (skipped)
		fprintf(pg->out, "  %zu earlier ones are left out\n", skipped);
	for (size_t i = skipped; i < pg->s->n_oom; i++) {
		const struct oom_kill *oom = &pg->s->oom[i];

		fprintf(pg->out, "  %sat %s pid %u (", pg->alarm,
			seconds_text(pg, when, oom->ts_ns), oom->pid);
		show_print_name(pg->out, oom->comm, COMM_LEN);
		fprintf(pg->out, ")%s held RSS %s", pg->plain,
			bytes_text(pg, bytes, rss_pages(&oom->pages) * pg->s->page_bytes));
		if (oom->cgroup) {
			fputs("\n    in cgroup ", pg->out);
			show_print_name(pg->out, oom->cgroup, 80);
		}
		fputs(oom->top[0].pid ? "\n    largest of the watched then:\n" : "\n", pg->out);
		for (size_t j = 0; j < N_TOP && oom->top[j].pid; j++) {
			fprintf(pg->out, "    %12s  %u (",
				bytes_text(pg, bytes, oom->top[j].rss_bytes), oom->top[j].pid);
			show_print_name(pg->out, oom->top[j].comm, COMM_LEN);
			fputs(")\n", pg->out);
		}
	}
}

static void print_mount(const struct page *pg, const struct shm_mount *m)
{
	char mount[512], used[SHOW_LEN], peak[SHOW_LEN], when[SHOW_LEN], share[SHOW_LEN];
	struct field_value peak_share = shm_share(m->peak_bytes, m->rec.limit_bytes);

	fprintf(pg->out, "  %s: peak %s", shm_show_mount(mount, sizeof(mount), m, pg->run->unit),
		bytes_text(pg, peak, m->peak_bytes));
	if (peak_share.known)
		fprintf(pg->out, " (%s)", show_value(share, peak_share, FIELD_RATIO, NULL));
	if (m->peak_bytes != UNKNOWN_U64)
		fprintf(pg->out, " at %s", seconds_text(pg, when, m->peak_ns));
	if (m->gone)
		fputs(", gone now\n", pg->out);
	else
		fprintf(pg->out, ", last %s\n", bytes_text(pg, used, m->rec.used_bytes));
	if (m->orphans)
		fprintf(pg->out, "    %s in orphaned files that nobody holds: %s\n",
			bytes_text(pg, used, m->orphan_bytes), show_count(share, m->orphans));
}

static void print_failures(const struct page *pg, const struct shm_mount *m)
{
	size_t skipped = m->n_full > NEWEST_FAILURES ? m->n_full - NEWEST_FAILURES : 0;
	char text[SHM_TEXT_LEN], count[SHOW_LEN];

	if (skipped + m->full_omitted)
		fprintf(pg->out, "    %s earlier failures are left out\n",
			show_count(count, skipped + m->full_omitted));
	for (size_t i = skipped; i < m->n_full; i++) {
		const struct shm_full *full = &m->full[i];

		fprintf(pg->out, "    %s%s%s\n", pg->alarm,
			shm_show_full(text, sizeof(text), pg->s, m, full, pg->run->unit),
			pg->plain);
		remedy_write(text, sizeof(text), m, full);
		if (*text)
			fprintf(pg->out, "      remedy: %s\n", text);
	}
}

static void print_shm(const struct page *pg)
{
	bool headed = false;

	for (size_t i = 0; pg->s->shm && i < pg->s->shm->n_mounts; i++) {
		const struct shm_mount *m = pg->s->shm->mounts[i];

		if (!shm_is_of_watch(pg->s, m))
			continue;
		if (!headed)
			print_section(pg, "Shared memory");
		headed = true;
		print_mount(pg, m);
		print_failures(pg, m);
	}
}

/* What our programs took from everybody, and how the watch was done. */
static void print_modes(const struct page *pg)
{
	char share[SHOW_LEN], runs[SHOW_LEN], text[SHOW_STEP_LEN];
	const struct snapshot *s = pg->s;
	size_t skipped = s->mode.n_steps > NEWEST_STEPS ? s->mode.n_steps - NEWEST_STEPS : 0;

	if (s->bpf_time.known)
		fprintf(pg->out,
			"  all our programs: about %s of one core, %s runs (estimates%s)\n",
			get(pg, share, "overhead.bpf_share_of_core"),
			get(pg, runs, "overhead.bpf_runs"),
			s->bpf_time.last.flags & BPF_TIME_OWN ?
				"; without what processes that are not watched pay" :
				"");
	if (!s->mode.n_steps || (s->mode.n_steps == 1 && s->mode.steps[0].why == MODE_STARTED))
		return;
	fputs("  in each mode:", pg->out);
	for (int i = 0; i < WATCH_MODES; i++)
		if (s->mode.lasted_ns[i])
			fprintf(pg->out, " %s %s", show_mode(i),
				show_duration(share, (double)s->mode.lasted_ns[i] / 1e9));
	fputc('\n', pg->out);
	if (skipped + s->mode.steps_omitted)
		fprintf(pg->out, "    %s earlier steps are left out\n",
			show_count(runs, skipped + s->mode.steps_omitted));
	for (size_t i = skipped; i < s->mode.n_steps; i++)
		if (s->mode.steps[i].why != MODE_STARTED)
			fprintf(pg->out, "    %s\n", show_step(text, s, &s->mode.steps[i]));
}

/* Records that were lost, and runs that the kernel skipped: the latter may have hidden whole processes. */
static void print_losses(const struct page *pg)
{
	const struct snapshot *s = pg->s;
	uint64_t lost = s->cost.last.lost_records, processes = snapshot_missed(s, MISSED_PROCESSES);
	char text[SHOW_SKIPPED_LEN];

	if (lost)
		fprintf(pg->out,
			"  %sLOST %s records: starts, ends or OOM kills may be missing above%s\n",
			pg->alarm, show_count(text, lost), pg->plain);
	if (processes)
		fprintf(pg->out,
			"  %s%s%s\n"
			"  %sa process whose start is missing is in no figure%s\n",
			pg->alarm, show_skipped(text, s, MISSED_PROCESSES, processes), pg->plain,
			pg->dim, pg->plain);
	else if (lost)
		fprintf(pg->out,
			"  %smemory figures come from counters in the kernel and are right%s\n",
			pg->dim, pg->plain);
	else
		fprintf(pg->out, "  no record lost\n");
	for (int i = 0; i < MISSED_KINDS; i++)
		if (i != MISSED_PROCESSES && snapshot_missed(s, i))
			fprintf(pg->out, "  %s\n", show_skipped(text, s, i, snapshot_missed(s, i)));
}

static void print_cost(const struct page *pg)
{
	char events[SHOW_LEN], each[SHOW_LEN], share[SHOW_LEN], rss[SHOW_LEN], own[SHOW_LEN];
	const struct snapshot *s = pg->s;
	double cpu_s, span_s = show_since_s(s, s->now_ns);

	if (!s->cost.known) {
		fprintf(pg->out, "\n%sWatching cost%s n/a\n", pg->bold, pg->plain);
		return;
	}
	print_section(pg, "Watching cost");
	fprintf(pg->out, "  kernel: %s events, %s each, %s of the target's CPU time\n",
		show_count(events, s->cost.last.events), get(pg, each, "overhead.bpf_ns_per_event"),
		get(pg, share, "overhead.share_of_target_cpu"));
	print_modes(pg);
	cpu_s = (double)s->cost.last.tool_cpu_ns / 1e9;
	fprintf(pg->out, "  memmon-bpf: %.3f s of CPU time", cpu_s);
	if (span_s >= START_UP_COUNTS_S) {
		show_value(own, (struct field_value){ .known = true, .real = cpu_s / span_s },
			   FIELD_RATIO, NULL);
		fprintf(pg->out, ", %s of one core", own);
	}
	fprintf(pg->out, ", RSS %s\n", bytes_text(pg, rss, s->cost.last.tool_rss_bytes));
	print_losses(pg);
}

static int summary_tick(struct sink *sink, const struct snapshot *s)
{
	(void)sink;
	(void)s;
	return 0;
}

static int summary_finish(struct sink *sink, const struct snapshot *s)
{
	struct summary *summary = (struct summary *)sink;
	bool color = sink->run->color;
	struct page pg = {
		.out = summary->out,
		.run = sink->run,
		.s = s,
		.bold = color ? "\033[1m" : "",
		.alarm = color ? "\033[1;31m" : "",
		.dim = color ? "\033[2m" : "",
		.plain = color ? "\033[0m" : "",
	};
	int err;

	errno = 0;
	print_head(&pg);
	err = print_memory(&pg);
	print_charge(&pg);
	print_activity(&pg);
	print_machine(&pg);
	if (!err)
		err = print_processes(&pg);
	print_shm(&pg);
	print_oom(&pg);
	print_cost(&pg);
	return err ? err : show_flush(summary->out);
}

static void summary_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops summary_ops = {
	.name = "summary",
	.tick = summary_tick,
	.finish = summary_finish,
	.destroy = summary_destroy,
};

struct sink *summary_create(const struct run *run, FILE *out)
{
	struct summary *summary = calloc(1, sizeof(*summary));

	if (!summary)
		return NULL;
	summary->sink = (struct sink){ .ops = &summary_ops, .run = run };
	summary->out = out;
	return &summary->sink;
}

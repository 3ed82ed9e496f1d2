/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of the live screen. Each block above the table has a rank; a terminal that is not tall
 * enough for all leaves out the highest ranks, so that the table always keeps some rows.
 */
#include <curses.h>
#include <errno.h>

#include "live.h"
#include "shm_show.h"

#define BAR_COLUMNS 40 /* at most: longer bars say nothing more */
#define NARROW_COLUMNS 60 /* below this the kinds start at the left edge */

static struct field_value known_bytes(uint64_t bytes)
{
	return (struct field_value){ .known = bytes != UNKNOWN_U64, .whole = (int64_t)bytes };
}

static uint64_t kind_bytes(const struct snapshot *s, const struct mem_pages *p, enum mem_kind kind)
{
	return p->kind[kind] > 0 ? (uint64_t)p->kind[kind] * s->page_bytes : 0;
}

/* A figure of the tree, from zero where that is asked for. */
static const char *tree_text(const struct live_view *v, const struct snapshot *s, const char *name,
			     char *dst)
{
	const struct field *f = field_find(name);
	struct field_value value = { .known = false };

	if (f)
		value = show_from_zero(v->run, s, f);
	return show_value(dst, value, f ? f->unit : FIELD_COUNT, v->unit);
}

static bool is_sampled(const struct snapshot *s)
{
	return s->mode.n_steps && s->mode.steps[s->mode.n_steps - 1].mode == MODE_SAMPLE;
}

static void draw_title(struct live_view *v, const struct snapshot *s)
{
	unsigned long long seconds = (unsigned long long)show_since_s(s, s->now_ns);
	char target[512], right[64];
	int width, used;

	width = snprintf(right, sizeof(right), " %s%s%s%llu:%02llu:%02llu ",
			 v->paused ? "[paused] " : "", is_sampled(s) ? "[sampled] " : "",
			 v->run->from_zero ? "[from zero] " : "", seconds / 3600, seconds / 60 % 60,
			 seconds % 60);
	show_name(target, sizeof(target), v->run->target);
	target[show_clip(target, v->columns - width - 13, &used)] = '\0';
	live_at(v, 0, 0);
	live_put(v, LOOK_BAR, " memmon-bpf: %s", target);
	live_fill(v, LOOK_BAR);
	live_at(v, 0, v->columns - width);
	live_put(v, v->paused ? LOOK_SORTED : LOOK_BAR, "%s", right);
}

/* Each part ends where the sum of the shares so far ends, so that rounding never adds up. */
void live_bar(struct live_view *v, const struct live_part *parts, int n, uint64_t full)
{
	int width = v->columns / 4 - 2, done = 0;
	uint64_t sum = 0;

	if (width > BAR_COLUMNS)
		width = BAR_COLUMNS;
	live_put(v, LOOK_STRONG, "[");
	for (int i = 0; i < n; i++) {
		int end;

		sum += parts[i].bytes;
		end = full ? (int)((double)sum / (double)full * width + 0.5) : 0;
		for (end = end > width ? width : end; done < end; done++)
			live_put(v, parts[i].look, "%c", parts[i].sign);
	}
	live_put(v, LOOK_PLAIN, "%*s", width - done, "");
	live_put(v, LOOK_STRONG, "]");
}

static void draw_rss(struct live_view *v, const struct snapshot *s, int row, int height)
{
	const struct live_part parts[] = {
		{ kind_bytes(s, &s->tree.now, MEM_ANON), LOOK_ANON, '|' },
		{ kind_bytes(s, &s->tree.now, MEM_FILE), LOOK_FILE, ':' },
		{ kind_bytes(s, &s->tree.now, MEM_SHMEM), LOOK_SHMEM, '#' },
	};
	uint64_t error_bytes = s->tree.error_pages * s->page_bytes;
	char rss[SHOW_LEN], peak[SHOW_LEN], bound[SHOW_LEN];

	(void)height;
	live_at(v, row, 0);
	live_put(v, LOOK_LABEL, "RSS       ");
	live_bar(v, parts, 3, rss_pages(&s->tree.at_peak) * s->page_bytes);
	live_put(v, LOOK_STRONG, " %s", tree_text(v, s, "rss", rss));
	if (!s->tree.known)
		return;
	live_put_whole(v, LOOK_PLAIN, "  peak %s", tree_text(v, s, "peak.rss", peak));
	live_put_whole(v, LOOK_PLAIN, " at %.1f s", show_since_s(s, s->tree.peak_ns));
	if (s->tree.error_pages == UNKNOWN_U64)
		live_put_whole(v, LOOK_DIM, "%s",
			       s->mode.ever_sampled ? " or higher" : " no bound");
	else if (error_bytes)
		live_put_whole(v, LOOK_DIM, " %s%s", v->utf8 ? "±" : "+-",
			       live_bytes(v, bound, known_bytes(error_bytes)));
	else
		live_put_whole(v, LOOK_DIM, " exact");
}

static void draw_kinds(struct live_view *v, const struct snapshot *s, int row, int height)
{
	static const struct {
		const char *sign, *name;
		enum look look;
	} kinds[] = {
		{ "|", "anon", LOOK_ANON },
		{ ":", "file", LOOK_FILE },
		{ "#", "shmem", LOOK_SHMEM },
		{ " ", "swap", LOOK_SWAP },
	};
	char text[SHOW_LEN];

	(void)height;
	live_at(v, row, v->columns < NARROW_COLUMNS ? 0 : 10);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		tree_text(v, s, kinds[i].name, text);
		if (v->at_column + show_columns(kinds[i].name) + 2 + show_columns(text) >
		    v->columns)
			break;
		live_put(v, kinds[i].look, "%s%s", kinds[i].sign, kinds[i].name);
		live_put(v, LOOK_PLAIN, " %s", text);
		live_put(v, LOOK_PLAIN, "  ");
	}
}

static void draw_memory(struct live_view *v, const struct snapshot *s, int row, int height)
{
	char total[SHOW_LEN], available[SHOW_LEN], least[SHOW_LEN];
	struct live_part used = { 0, LOOK_LABEL, '|' };

	(void)height;
	live_at(v, row, 0);
	live_put(v, LOOK_LABEL, "Machine   ");
	if (!s->system.known) {
		live_put(v, LOOK_PLAIN, "n/a");
		return;
	}
	if (s->system.available_bytes < s->system.total_bytes)
		used.bytes = s->system.total_bytes - s->system.available_bytes;
	live_bar(v, &used, 1, s->system.total_bytes);
	live_put(v, LOOK_STRONG, " %s",
		 live_bytes(v, available, known_bytes(s->system.available_bytes)));
	live_put_whole(v, LOOK_PLAIN, " available of %s",
		       live_bytes(v, total, known_bytes(s->system.total_bytes)));
	live_put_whole(v, LOOK_PLAIN, ", lowest %s",
		       live_bytes(v, least, known_bytes(s->system.available_min_bytes)));
	live_put_whole(v, LOOK_PLAIN, " at %.1f s", show_since_s(s, s->system.available_min_ns));
}

/* The target's /dev/shm against its limit. */
static void draw_shm(struct live_view *v, const struct snapshot *s, int row, int height)
{
	const struct shm_mount *m = shm_of_target(s);
	struct live_part used = { 0, LOOK_SHMEM, '#' };
	char bytes[SHOW_LEN], mount[512], peak[SHOW_LEN], full_in[SHOW_LEN];

	(void)height;
	if (!m)
		return;
	used.bytes = m->rec.used_bytes;
	if (used.bytes >= m->rec.limit_bytes / 20 * 19)
		used.look = LOOK_ALARM;
	live_at(v, row, 0);
	live_put(v, LOOK_LABEL, "Shm       ");
	live_bar(v, &used, 1, m->rec.limit_bytes);
	live_put(v, LOOK_STRONG, " %s", live_bytes(v, bytes, known_bytes(m->rec.used_bytes)));
	live_put_whole(v, LOOK_PLAIN, " of %s", shm_show_mount(mount, sizeof(mount), m, v->unit));
	live_put_whole(v, LOOK_PLAIN, ", peak %s", live_bytes(v, peak, known_bytes(m->peak_bytes)));
	if (m->full_in_s >= 0)
		live_put_whole(v, LOOK_ALARM, " full in %s ", shm_show_full_in(full_in, m));
}

static void draw_tasks(struct live_view *v, const struct snapshot *s, int row, int height)
{
	char live[SHOW_LEN], seen[SHOW_LEN], most[SHOW_LEN], minor[SHOW_LEN], major[SHOW_LEN];
	char bytes[SHOW_LEN];

	(void)height;
	live_at(v, row, 0);
	live_put(v, LOOK_LABEL, "Processes ");
	if (!s->tree.known) {
		live_put(v, LOOK_PLAIN, "n/a");
		return;
	}
	live_put(v, LOOK_STRONG, "%s", show_count(live, s->tree.processes_live));
	live_put_whole(v, LOOK_PLAIN, " live, %s seen, at most %s at once",
		       show_count(seen, s->tree.processes),
		       show_count(most, s->tree.processes_peak));
	live_put_whole(v, LOOK_PLAIN, "; faults %s minor, %s major",
		       tree_text(v, s, "faults.minor", minor),
		       tree_text(v, s, "faults.major", major));
	if (s->tree.footprint_bytes != UNKNOWN_U64)
		live_put_whole(v, LOOK_PLAIN, "; footprint %s",
			       live_bytes(v, bytes, known_bytes(s->tree.footprint_bytes)));
	if (s->charge.known)
		live_put_whole(v, LOOK_PLAIN, "; charged %s",
			       live_bytes(v, bytes, known_bytes(s->charge.last.current_bytes)));
}

static void draw_rss_chart(struct live_view *v, const struct snapshot *s, int row, int height)
{
	live_chart_draw(v, s, LIVE_RSS, row, height);
}

static void draw_available_chart(struct live_view *v, const struct snapshot *s, int row, int height)
{
	live_chart_draw(v, s, LIVE_AVAILABLE, row, height);
}

/* What must not be overlooked: losses, skipped runs, processes without figures, OOM kills. */
static void draw_alarm(struct live_view *v, const struct snapshot *s, int row, int height)
{
	char count[SHOW_LEN], name[SHOW_COMM_LEN], text[SHM_TEXT_LEN];
	const struct shm_full *full;
	const struct shm_mount *m;

	(void)height;
	live_at(v, row, 0);
	if (s->cost.known && s->cost.last.lost_records)
		live_put(v, LOOK_ALARM, " LOST %s records ",
			 show_count(count, s->cost.last.lost_records));
	if (snapshot_missed(s, MISSED_PROCESSES))
		live_put(v, LOOK_ALARM, " SKIPPED runs on processes: %s ",
			 show_count(count, snapshot_missed(s, MISSED_PROCESSES)));
	if (s->tree.processes_untracked)
		live_put(v, LOOK_ALARM, " %s without figures ",
			 show_count(count, s->tree.processes_untracked));
	full = shm_newest_full(s, &m);
	if (full)
		live_put(v, LOOK_ALARM, " %s ",
			 shm_show_full(text, sizeof(text), s, m, full, v->unit));
	if (s->n_oom) {
		const struct oom_kill *oom = &s->oom[s->n_oom - 1];

		live_put(v, LOOK_ALARM, " OOM kills: %zu ", s->n_oom);
		live_put_whole(v, LOOK_ALARM, " newest %u (%s) at %.1f s ", oom->pid,
			       show_name(name, sizeof(name), oom->comm),
			       show_since_s(s, oom->ts_ns));
	}
}

static bool has_alarm(const struct snapshot *s)
{
	const struct shm_mount *m;

	return shm_newest_full(s, &m) || (s->cost.known && s->cost.last.lost_records) ||
	       snapshot_missed(s, MISSED_PROCESSES) || s->tree.processes_untracked || s->n_oom;
}

static void draw_keys(struct live_view *v)
{
	static const char *const keys[][2] = {
		{ "q", "quit" },    { "?", "help" }, { "p", "pause" }, { "< >", "sort" },
		{ "r", "reverse" }, { "u", "unit" }, { "e", "ended" }, { "c", "command" },
	};

	live_at(v, v->rows - 1, 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		live_put(v, LOOK_STRONG, " %s ", keys[i][0]);
		live_put(v, LOOK_BAR, "%s", keys[i][1]);
	}
	live_put(v, LOOK_BAR, " ");
	live_put_whole(v, LOOK_DIM, " unit %s", v->unit ? v->unit->name : "by size");
}

static void draw_help(struct live_view *v, int row)
{
	static const char *const lines[] = {
		"q F10        quit: the summary follows",
		"p space      pause; sorting and scrolling go on",
		"< > Left Right   sort by the column before, after",
		"M K T A F S W    sort by RSS, peak, its time, anon, file, shmem, swap",
		"N C I J          sort by pid, command, minor, major faults",
		"r            reverse the order",
		"u            next unit: by size, B, KiB, MiB, GiB, KB, MB, GB",
		"e            hide or show ended processes",
		"c            command line or only the name",
		"Up Down PgUp PgDn Home End   scroll",
		"",
		"RSS counts a shared page once per process. The bar is full at the",
		"tree's peak: | anon, : file, # shmem. Ended processes are dimmed.",
		"Any key closes this.",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && row + (int)i < v->rows; i++) {
		live_at(v, row + (int)i, 1);
		live_put(v, LOOK_PLAIN, "%s", lines[i]);
	}
}

#define SHM_RANK 2 /* where the target has a limited one, that is why somebody looks */

static const struct block {
	void (*draw)(struct live_view *v, const struct snapshot *s, int row, int height);
	int rank; /* 1 is left out last */
	bool grows; /* worth up to 3 rows more */
} blocks[] = {
	{ draw_rss, 1, false },
	{ draw_kinds, 3, false },
	{ draw_memory, 2, false },
	{ draw_shm, SHM_RANK, false },
	{ draw_tasks, 7, false },
	{ draw_rss_chart, 5, true },
	{ draw_available_chart, 6, true },
};
#define N_BLOCKS ((int)(sizeof(blocks) / sizeof(blocks[0])))
#define KEYS_RANK 4
#define MAX_RANK 7
#define GROWN_ROWS 3

/* How many rows each block gets; returns whether the keys are shown. */
static bool plan(const struct live_view *v, bool alarm, bool shm, int heights[N_BLOCKS])
{
	/* the title, the table's head, and a third of the screen for processes */
	int left = v->rows - 2 - (alarm ? 1 : 0) - (v->rows > 9 ? v->rows / 3 : 3);
	bool keys = false;

	for (int rank = 1; rank <= MAX_RANK && left > 0; rank++) {
		if (rank == KEYS_RANK) {
			keys = true;
			left--;
			continue;
		}
		for (int i = 0; i < N_BLOCKS; i++) {
			if (blocks[i].rank == rank && (shm || blocks[i].draw != draw_shm)) {
				heights[i] = 1;
				left--;
			}
		}
	}
	for (int i = 0; i < N_BLOCKS; i++) {
		if (blocks[i].grows && heights[i] && left >= 2 * GROWN_ROWS) {
			heights[i] += GROWN_ROWS - 1;
			left -= GROWN_ROWS - 1;
		}
	}
	return keys;
}

static void draw_too_small(struct live_view *v)
{
	live_at(v, 0, 0);
	live_put(v, LOOK_PLAIN, "too small: %dx%d, needs %dx%d", v->columns, v->rows,
		 LIVE_MIN_COLUMNS, LIVE_MIN_ROWS);
}

int live_screen_draw(struct live_view *v, const struct snapshot *s)
{
	int heights[N_BLOCKS] = { 0 }, row = 1, err = 0;
	bool alarm = has_alarm(s), keys;

	if (v->rows < LIVE_MIN_ROWS || v->columns < LIVE_MIN_COLUMNS) {
		draw_too_small(v);
		return 0;
	}
	keys = plan(v, alarm, shm_of_target(s) != NULL, heights);
	draw_title(v, s);
	for (int i = 0; i < N_BLOCKS; i++) {
		if (heights[i])
			blocks[i].draw(v, s, row, heights[i]);
		row += heights[i];
	}
	if (alarm)
		draw_alarm(v, s, row++, 1);
	if (v->help)
		draw_help(v, row);
	else if (live_table_draw(v, s, row, v->rows - row - 1 - (keys ? 1 : 0)))
		err = -ENOMEM;
	if (keys && !v->help)
		draw_keys(v);
	return err;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen of `memmon-bpf shm --watch`: its keys, and the rows it draws. A row is a mount, or
 * with `f` one of its files; the failures stay at the bottom, the newest last.
 */
#include <curses.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live.h"
#include "remedy.h"
#include "shm_show.h"

#define FAILURE_ROWS 6 /* at most: two for each failure */
#define FILES_SHOWN 10 /* of each mount */
#define POINT_COLUMNS 18
#define CONTAINER_COLUMNS 14

enum sort { SORT_FILL, SORT_USED, SORT_GROWTH, SORT_NAME, SORTS };

static const char *const sort_names[SORTS] = { "fill", "used", "growth", "name" };

struct row {
	const struct shm_mount *m;
	const struct shm_file *f; /* NULL: the mount itself */
};

struct shm_live {
	struct sink sink;
	struct live_view view;
	struct live_terminal terminal;
	bool files;
	enum sort sort;
};

/* ---- order ---- */

static double growth(const struct shm_mount *m)
{
	return isfinite(m->growth_bytes_s) ? m->growth_bytes_s : -INFINITY;
}

static uint64_t used(const struct shm_mount *m)
{
	return m->rec.used_bytes == UNKNOWN_U64 ? 0 : m->rec.used_bytes;
}

static int by_used(const void *left, const void *right)
{
	const struct shm_mount *a = *(const struct shm_mount *const *)left;
	const struct shm_mount *b = *(const struct shm_mount *const *)right;

	return (used(a) < used(b)) - (used(a) > used(b));
}

static int by_growth(const void *left, const void *right)
{
	const struct shm_mount *a = *(const struct shm_mount *const *)left;
	const struct shm_mount *b = *(const struct shm_mount *const *)right;

	if (growth(a) < growth(b) || growth(a) > growth(b))
		return growth(a) < growth(b) ? 1 : -1;
	return by_used(left, right);
}

static int by_name(const void *left, const void *right)
{
	const struct shm_mount *a = *(const struct shm_mount *const *)left;
	const struct shm_mount *b = *(const struct shm_mount *const *)right;
	int diff = strcmp(a->container, b->container);

	return diff ? diff : strcmp(a->point, b->point);
}

/* The rows that there are, *n of them; free() it. NULL when memory is exhausted. */
static struct row *rows_of(const struct shm_live *live, const struct shm_view *v, size_t *n)
{
	static int (*const orders[SORTS])(const void *left, const void *right) = {
		[SORT_USED] = by_used, [SORT_GROWTH] = by_growth, [SORT_NAME] = by_name
	};
	size_t most = v->n_mounts * (live->files ? 1 + FILES_SHOWN : 1);
	const struct shm_mount **mounts = calloc(v->n_mounts + 1, sizeof(*mounts));
	struct row *rows = calloc(most + 1, sizeof(*rows));

	*n = 0;
	if (!mounts || !rows) {
		free(mounts);
		free(rows);
		return NULL;
	}
	memcpy(mounts, v->mounts, v->n_mounts * sizeof(*mounts));
	if (orders[live->sort]) /* the view is in the order of fill */
		qsort(mounts, v->n_mounts, sizeof(*mounts), orders[live->sort]);
	for (size_t i = 0; i < v->n_mounts; i++) {
		rows[(*n)++].m = mounts[i];
		for (size_t j = 0; live->files && j < mounts[i]->n_files && j < FILES_SHOWN; j++) {
			rows[*n].m = mounts[i];
			rows[(*n)++].f = mounts[i]->files[j];
		}
	}
	free(mounts);
	return rows;
}

/* ---- drawing ---- */

/* Text in a column of its own width, cut. */
static void put_cut(struct live_view *v, enum look look, const char *text, int columns)
{
	int width = 0;
	size_t len = show_clip(text, columns, &width);

	live_put(v, look, "%.*s%*s ", (int)len, text, columns - width, "");
}

static const char *short_bytes(const struct live_view *v, char *dst, uint64_t bytes)
{
	return live_short_bytes(v, dst, shm_bytes(bytes));
}

static int figure_columns(const struct live_view *v)
{
	return v->unit ? 12 : 8;
}

static void draw_head(const struct shm_live *live, struct live_view *v, int row)
{
	int w = figure_columns(v);

	live_at(v, row, 0);
	live_put(v, LOOK_BAR, "%-*s %-*s %*s %*s %6s %*s ", POINT_COLUMNS, "MOUNT",
		 CONTAINER_COLUMNS, "CONTAINER", w, "LIMIT", w, "USED", "%", w, "PEAK");
	live_put(v, LOOK_BAR, "%12s %8s %6s %6s", "GROWTH", "FULL IN", "FILES", "ORPHAN");
	live_fill(v, LOOK_BAR);
	live_at(v, row, v->columns - 16);
	if (v->columns > 120)
		live_put(v, LOOK_SORTED, " by %s ", sort_names[live->sort]);
}

static enum look look_of(const struct shm_mount *m)
{
	struct field_value share = shm_share(m->rec.used_bytes, m->rec.limit_bytes);

	if (m->gone)
		return LOOK_DIM;
	if (share.known && share.real >= 0.95)
		return LOOK_ALARM;
	return m->n_full ? LOOK_SWAP : LOOK_PLAIN;
}

static void draw_mount(struct live_view *v, const struct shm_mount *m)
{
	struct field_value share = shm_share(m->rec.used_bytes, m->rec.limit_bytes);
	char text[1024], limit[SHOW_LEN], bytes[SHOW_LEN], peak[SHOW_LEN], percent[SHOW_LEN] = "-";
	enum look look = look_of(m);
	int w = figure_columns(v);

	put_cut(v, look, shm_show_point(text, sizeof(text), m), POINT_COLUMNS);
	put_cut(v, look, shm_show_owner(text, sizeof(text), m), CONTAINER_COLUMNS);
	if (share.known)
		snprintf(percent, sizeof(percent), "%.1f", share.real * 100);
	live_put(v, look, "%*s %*s %6s %*s ", w,
		 m->rec.limit_bytes ? short_bytes(v, limit, m->rec.limit_bytes) : "none", w,
		 short_bytes(v, bytes, m->rec.used_bytes), percent, w,
		 short_bytes(v, peak, m->peak_bytes));
	live_put_whole(v, look, "%12s ", shm_show_growth(text, m, v->unit));
	live_put_whole(v, look, "%8s ", shm_show_full_in(text, m));
	live_put_whole(v, look, "%6llu ", (unsigned long long)(m->n_files + m->files_omitted));
	live_put_whole(v, look, "%6llu", (unsigned long long)m->orphans);
}

static void draw_file(struct live_view *v, const struct shm_file *f)
{
	enum look look = f->state == SHM_ORPHAN ? LOOK_SHMEM : LOOK_DIM;
	char text[1024], bytes[SHOW_LEN];

	live_put(v, look, "  %*s %-8s ", figure_columns(v), short_bytes(v, bytes, f->rec.bytes),
		 shm_state_name(f->state));
	put_cut(v, look, shm_show_file(text, sizeof(text), f), 28);
	live_put(v, look, "by %s", shm_show_creator(text, sizeof(text), &f->rec));
	live_put_whole(v, look, "  held by %s", shm_show_holders(text, sizeof(text), f));
}

static void draw_title(const struct shm_live *live, struct live_view *v, const struct snapshot *s)
{
	unsigned long long seconds = (unsigned long long)show_since_s(s, s->now_ns);
	char sum[SHOW_LEN], orphans[SHOW_LEN], count[SHOW_LEN];

	live_at(v, 0, 0);
	live_put(v, LOOK_BAR, " memmon-bpf shm: %s",
		 live_bytes(v, sum, shm_bytes(s->shm ? s->shm->used_bytes : UNKNOWN_U64)));
	if (s->shm)
		live_put_whole(v, LOOK_BAR, "  orphans %s in %s",
			       live_bytes(v, orphans, shm_bytes(s->shm->orphan_bytes)),
			       show_count(count, s->shm->orphans));
	if (s->shm && s->shm->full)
		live_put_whole(v, LOOK_ALARM, "  failures %s ", show_count(count, s->shm->full));
	live_put_whole(v, LOOK_BAR, "  charges %s",
		       live->sink.run->shm_chain ? live->sink.run->shm_chain : "not traced");
	live_fill(v, LOOK_BAR);
	live_at(v, 0, v->columns - 11);
	live_put(v, LOOK_BAR, " %llu:%02llu:%02llu ", seconds / 3600, seconds / 60 % 60,
		 seconds % 60);
}

struct failure {
	const struct shm_mount *m;
	const struct shm_full *full;
};

/* The newest ones, at most `most`, in `list`, newest first. */
static size_t newest_failures(const struct shm_view *v, struct failure *list, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < v->n_mounts; i++) {
		for (size_t j = 0; j < v->mounts[i]->n_full; j++) {
			const struct shm_full *full = &v->mounts[i]->full[j];
			size_t at = n;

			while (at > 0 && list[at - 1].full->number < full->number)
				at--;
			if (at == most)
				continue;
			if (n == most)
				n--;
			memmove(&list[at + 1], &list[at], (n - at) * sizeof(*list));
			list[at] = (struct failure){ v->mounts[i], full };
			n++;
		}
	}
	return n;
}

/* Returns the rows that it took, counted from the bottom. */
static int draw_failures(struct live_view *v, const struct snapshot *s)
{
	struct failure list[FAILURE_ROWS / 2 + 1];
	size_t most = v->rows >= 16 ? FAILURE_ROWS / 2 : 1;
	size_t n = newest_failures(s->shm, list, most);
	char text[SHM_TEXT_LEN];
	int row = v->rows - 1 - 2 * (int)n;

	for (size_t i = n; i-- > 0; row += 2) {
		live_at(v, row, 0);
		live_put(v, LOOK_ALARM, "%s",
			 shm_show_full(text, sizeof(text), s, list[i].m, list[i].full, v->unit));
		live_at(v, row + 1, 2);
		remedy_write(text, sizeof(text), list[i].m, list[i].full);
		live_put(v, LOOK_PLAIN, "%s", text);
	}
	return 2 * (int)n;
}

static void draw_keys(const struct shm_live *live, struct live_view *v)
{
	static const char *const keys[][2] = {
		{ "q", "quit" }, { "s", "sort" },         { "f", "files" },
		{ "u", "unit" }, { "Up Down", "scroll" },
	};

	live_at(v, v->rows - 1, 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		live_put(v, LOOK_STRONG, " %s ", keys[i][0]);
		live_put(v, LOOK_BAR, "%s", keys[i][1]);
	}
	live_put_whole(v, LOOK_DIM, "  by %s, unit %s", sort_names[live->sort],
		       v->unit ? v->unit->name : "by size");
}

static int draw_rows(const struct shm_live *live, struct live_view *v, const struct shm_view *view,
		     int row, int height)
{
	size_t n;
	struct row *rows = rows_of(live, view, &n);

	if (!rows)
		return -ENOMEM;
	v->page = (size_t)(height > 0 ? height : 0);
	if (n <= v->page)
		v->top = 0;
	else if (v->top > n - v->page)
		v->top = n - v->page;
	for (size_t i = 0; i < v->page && v->top + i < n; i++) {
		live_at(v, row + (int)i, 0);
		if (rows[v->top + i].f)
			draw_file(v, rows[v->top + i].f);
		else if (rows[v->top + i].m)
			draw_mount(v, rows[v->top + i].m);
	}
	free(rows);
	return 0;
}

static int draw_all(const struct shm_live *live, struct live_view *v, const struct snapshot *s)
{
	int bottom;

	if (v->rows < LIVE_MIN_ROWS || v->columns < LIVE_MIN_COLUMNS) {
		live_at(v, 0, 0);
		live_put(v, LOOK_PLAIN, "too small: %dx%d, needs %dx%d", v->columns, v->rows,
			 LIVE_MIN_COLUMNS, LIVE_MIN_ROWS);
		return 0;
	}
	draw_title(live, v, s);
	draw_head(live, v, 1);
	draw_keys(live, v);
	if (!s->shm)
		return 0;
	bottom = draw_failures(v, s);
	return draw_rows(live, v, s->shm, 2, v->rows - 3 - bottom);
}

static int draw(struct shm_live *live, const struct snapshot *s)
{
	int err;

	live_terminal_size(&live->terminal, &live->view);
	erase();
	err = draw_all(live, &live->view, s);
	refresh();
	return err;
}

/* ---- keys ---- */

static void scroll_by(struct live_view *v, long by)
{
	/* the end of the list is draw_rows()'s to know: it cuts what is too far */
	if (by < 0 && v->top < (size_t)-by)
		v->top = 0;
	else
		v->top += (size_t)by;
}

/* 1 = quit */
static int handle_key(struct shm_live *live, int key)
{
	struct live_view *v = &live->view;
	long page = v->page > 1 ? (long)v->page - 1 : 1;

	switch (key) {
	case 'q':
	case 'Q':
	case KEY_F(10):
		return 1;
	case 's':
		live->sort = (live->sort + 1) % SORTS;
		break;
	case 'f':
		live->files = !live->files;
		break;
	case 'u':
		live_next_unit(v);
		break;
	case KEY_UP:
	case 'k':
		scroll_by(v, -1);
		break;
	case KEY_DOWN:
	case 'j':
		scroll_by(v, 1);
		break;
	case KEY_PPAGE:
		scroll_by(v, -page);
		break;
	case KEY_NPAGE:
	case ' ':
		scroll_by(v, page);
		break;
	case KEY_HOME:
	case 'g':
		v->top = 0;
		break;
	case KEY_END:
	case 'G':
		v->top = (size_t)1 << 40;
		break;
	case 'L' & 0x1f: /* Ctrl-L: something else wrote on our screen */
		clearok(curscr, TRUE);
		break;
	default:
		break;
	}
	return 0;
}

int shm_live_input(struct sink *sink, const struct snapshot *s)
{
	struct shm_live *live = (struct shm_live *)sink;
	int key, ret = 0;

	if (!live_terminal_use(&live->terminal))
		return 0;
	while (!ret && (key = getch()) != ERR)
		ret = handle_key(live, key);
	if (ret)
		return ret;
	if (live_terminal_gone(&live->terminal))
		return -EIO;
	return draw(live, s);
}

static int shm_live_tick(struct sink *sink, const struct snapshot *s)
{
	struct shm_live *live = (struct shm_live *)sink;

	return live_terminal_use(&live->terminal) ? draw(live, s) : 0;
}

static int shm_live_finish(struct sink *sink, const struct snapshot *s)
{
	(void)s;
	live_terminal_leave(&((struct shm_live *)sink)->terminal);
	return 0;
}

static void shm_live_destroy(struct sink *sink)
{
	struct shm_live *live = (struct shm_live *)sink;

	if (!live)
		return;
	live_terminal_close(&live->terminal);
	free(live);
}

static const struct sink_ops shm_live_ops = {
	.name = "live",
	.tick = shm_live_tick,
	.finish = shm_live_finish,
	.destroy = shm_live_destroy,
};

int shm_live_create(const struct run *run, int tty_fd, bool files, struct sink **out)
{
	struct shm_live *live;
	int err;

	if (!isatty(tty_fd))
		return -ENOTTY;
	live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	live->sink = (struct sink){ .ops = &shm_live_ops, .run = run };
	live->view.run = run;
	live->view.unit = run->unit;
	live->view.utf8 = show_utf8();
	live->files = files;
	err = live_terminal_enter(&live->terminal, tty_fd, &live->view);
	if (err) {
		shm_live_destroy(&live->sink);
		return err;
	}
	*out = &live->sink;
	return 0;
}

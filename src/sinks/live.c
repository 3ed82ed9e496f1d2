/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen: its keys. The terminal is live_terminal.c's; what is drawn is in live_screen.c and
 * live_table.c.
 */
#include <curses.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "live.h"
#include "show.h"

struct live {
	struct sink sink;
	struct live_view view;
	struct live_terminal terminal;
	struct live_copy *frozen; /* while paused */
};

static int draw(struct live *live, const struct snapshot *s)
{
	int err;

	live_terminal_size(&live->terminal, &live->view);
	erase();
	err = live_screen_draw(&live->view, live->frozen ? live_copy_snapshot(live->frozen) : s);
	refresh();
	return err;
}

static int live_tick(struct sink *sink, const struct snapshot *s)
{
	struct live *live = (struct live *)sink;

	if (!live_terminal_use(&live->terminal))
		return 0;
	return live->view.paused ? 0 : draw(live, s);
}

static int pause_or_go_on(struct live *live, const struct snapshot *s)
{
	if (live->view.paused) {
		live_copy_destroy(live->frozen);
		live->frozen = NULL;
	} else {
		live->frozen = live_copy_create(s);
		if (!live->frozen)
			return -ENOMEM;
	}
	live->view.paused = !live->view.paused;
	return 0;
}

static void scroll_by(struct live_view *v, long by)
{
	/* the end of the list is the table's to know: it cuts what is too far */
	if (by < 0 && v->top < (size_t)-by)
		v->top = 0;
	else
		v->top += (size_t)by;
}

static void scroll_key(struct live_view *v, int key)
{
	long page = v->page > 1 ? (long)v->page - 1 : 1;

	switch (key) {
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
	default:
		live_table_sort_key(v, key);
		break;
	}
}

/* 1 = quit, 0, or a negative errno. */
static int handle_key(struct live *live, const struct snapshot *s, int key)
{
	struct live_view *v = &live->view;

	if (key == 'q' || key == 'Q' || key == KEY_F(10))
		return 1;
	if (v->help) {
		v->help = key == KEY_RESIZE;
		return 0;
	}
	switch (key) {
	case '?':
	case 'h':
	case KEY_F(1):
		v->help = true;
		break;
	case 'p':
	case ' ':
		return pause_or_go_on(live, s);
	case 'u':
		live_next_unit(v);
		break;
	case 'r':
		v->reverse = !v->reverse;
		break;
	case 'e':
		v->hide_ended = !v->hide_ended;
		break;
	case 'c':
		v->only_comm = !v->only_comm;
		break;
	case '<':
	case ',':
	case KEY_LEFT:
		live_table_sort_step(v, -1);
		break;
	case '>':
	case '.':
	case KEY_RIGHT:
		live_table_sort_step(v, 1);
		break;
	case 'L' & 0x1f: /* Ctrl-L: something else wrote on our screen */
		clearok(curscr, TRUE);
		break;
	default:
		scroll_key(v, key);
		break;
	}
	return 0;
}

int live_input(struct sink *sink, const struct snapshot *s)
{
	struct live *live = (struct live *)sink;
	int key, ret = 0;

	if (!live_terminal_use(&live->terminal))
		return 0;
	while (!ret && (key = getch()) != ERR)
		ret = handle_key(live, s, key);
	if (ret)
		return ret;
	/* a terminal that is gone is readable for ever */
	if (live_terminal_gone(&live->terminal))
		return -EIO;
	return draw(live, s);
}

static int live_finish(struct sink *sink, const struct snapshot *s)
{
	(void)s;
	live_terminal_leave(&((struct live *)sink)->terminal);
	return 0;
}

static void live_destroy(struct sink *sink)
{
	struct live *live = (struct live *)sink;

	if (!live)
		return;
	live_terminal_close(&live->terminal);
	live_copy_destroy(live->frozen);
	free(live);
}

static const struct sink_ops live_ops = {
	.name = "live",
	.tick = live_tick,
	.finish = live_finish,
	.destroy = live_destroy,
};

int live_create(const struct run *run, int tty_fd, struct sink **out)
{
	struct live *live;
	int err;

	if (!isatty(tty_fd))
		return -ENOTTY;
	live = calloc(1, sizeof(*live));
	if (!live)
		return -ENOMEM;
	live->sink = (struct sink){ .ops = &live_ops, .run = run };
	live->view.run = run;
	live->view.unit = run->unit;
	live->view.utf8 = show_utf8();
	live_table_sort_key(&live->view, 'M');
	err = live_terminal_enter(&live->terminal, tty_fd, &live->view);
	if (err) {
		live_destroy(&live->sink);
		return err;
	}
	*out = &live->sink;
	return 0;
}

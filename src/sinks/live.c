/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live screen: the terminal, its size and its keys. What is drawn is in live_screen.c and
 * live_table.c.
 *
 * The terminal is in curses mode from live_create() until live_finish() or destroy, whichever comes
 * first, and is then as it was. Signals are the caller's: the handlers that curses installs for
 * SIGINT, SIGTERM and SIGWINCH are taken out again, so that an end by signal passes through destroy.
 */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <term.h>
#undef columns /* term.h makes plain words its macros */

#include "live.h"
#include "show.h"

struct live {
	struct sink sink;
	struct live_view view;
	int tty_fd;
	FILE *in, *out;
	SCREEN *screen;
	bool open; /* in curses mode */
	struct live_copy *frozen; /* while paused */
};

static void follow_size(struct live *live)
{
	struct winsize size;

	if (ioctl(live->tty_fd, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
	    is_term_resized(size.ws_row, size.ws_col))
		resizeterm(size.ws_row, size.ws_col);
	getmaxyx(stdscr, live->view.rows, live->view.columns);
}

static int draw(struct live *live, const struct snapshot *s)
{
	int err;

	follow_size(live);
	erase();
	err = live_screen_draw(&live->view, live->frozen ? live_copy_snapshot(live->frozen) : s);
	refresh();
	return err;
}

static int live_tick(struct sink *sink, const struct snapshot *s)
{
	struct live *live = (struct live *)sink;

	if (!live->open)
		return 0;
	set_term(live->screen);
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

static void next_unit(struct live_view *v)
{
	v->unit = v->unit ? v->unit + 1 : units;
	if (!v->unit->name)
		v->unit = NULL;
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
		next_unit(v);
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
	struct pollfd terminal = { .fd = live->tty_fd, .events = POLLIN };
	int key, ret = 0;

	if (!live->open)
		return 0;
	set_term(live->screen);
	while (!ret && (key = getch()) != ERR)
		ret = handle_key(live, s, key);
	if (ret)
		return ret;
	/* a terminal that is gone is readable for ever */
	if (poll(&terminal, 1, 0) > 0 && terminal.revents & (POLLHUP | POLLERR | POLLNVAL))
		return -EIO;
	return draw(live, s);
}

static void leave(struct live *live)
{
	if (!live->open)
		return;
	set_term(live->screen);
	endwin();
	live->open = false;
}

static int live_finish(struct sink *sink, const struct snapshot *s)
{
	(void)s;
	leave((struct live *)sink);
	return 0;
}

static void live_destroy(struct sink *sink)
{
	struct live *live = (struct live *)sink;

	if (!live)
		return;
	leave(live);
	if (live->screen)
		delscreen(live->screen);
	if (live->in)
		fclose(live->in);
	if (live->out)
		fclose(live->out);
	live_copy_destroy(live->frozen);
	free(live);
}

static const struct sink_ops live_ops = {
	.name = "live",
	.tick = live_tick,
	.finish = live_finish,
	.destroy = live_destroy,
};

static FILE *duplicate(int fd, const char *mode)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, mode);

	if (!stream && copy >= 0)
		close(copy);
	return stream;
}

/*
 * Can $TERM move the cursor? Asked before newterm(), which leaks when it fails, writes to the
 * terminal when it succeeds, and takes a terminal that has no cursor motion at all.
 */
static bool is_usable(int fd)
{
	const char *motion;
	int why;

	if (setupterm(NULL, fd, &why) != OK)
		return false;
	motion = tigetstr("cup");
	del_curterm(cur_term);
	return motion && motion != (const char *)-1;
}

/* Enters curses mode. */
static int enter(struct live *live)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGWINCH };
	struct sigaction before[sizeof(signals) / sizeof(signals[0])];
	const size_t n = sizeof(signals) / sizeof(signals[0]);

	if (!is_usable(live->tty_fd))
		return -ENOTSUP;
	live->in = duplicate(live->tty_fd, "r");
	live->out = duplicate(live->tty_fd, "w");
	if (!live->in || !live->out)
		return -errno;
	for (size_t i = 0; i < n; i++)
		sigaction(signals[i], NULL, &before[i]);
	live->screen = newterm(NULL, live->out, live->in);
	for (size_t i = 0; i < n; i++)
		sigaction(signals[i], &before[i], NULL);
	if (!live->screen)
		return -ENOTSUP;
	live->open = true;
	set_term(live->screen);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	live->view.color = live->sink.run->color && has_colors();
	if (live->view.color)
		live_looks_init();
	return 0;
}

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
	live->tty_fd = tty_fd;
	live->view.run = run;
	live->view.unit = run->unit;
	live->view.utf8 = show_utf8();
	live_table_sort_key(&live->view, 'M');
	err = enter(live);
	if (err) {
		live_destroy(&live->sink);
		return err;
	}
	*out = &live->sink;
	return 0;
}

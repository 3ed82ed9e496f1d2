/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The terminal of a live screen, in curses mode from live_terminal_enter() until
 * live_terminal_leave(), and then as it was. Signals are the caller's: the handlers that curses
 * installs for SIGINT, SIGTERM and SIGWINCH are taken out again, so that an end by signal passes
 * through leave.
 */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <term.h>
#undef columns /* term.h makes plain words its macros */

#include "live.h"

void live_terminal_size(const struct live_terminal *t, struct live_view *v)
{
	struct winsize size;

	if (ioctl(t->fd, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
	    is_term_resized(size.ws_row, size.ws_col))
		resizeterm(size.ws_row, size.ws_col);
	getmaxyx(stdscr, v->rows, v->columns);
}

bool live_terminal_use(const struct live_terminal *t)
{
	if (t->open)
		set_term(t->screen);
	return t->open;
}

bool live_terminal_gone(const struct live_terminal *t)
{
	struct pollfd terminal = { .fd = t->fd, .events = POLLIN };

	return poll(&terminal, 1, 0) > 0 && terminal.revents & (POLLHUP | POLLERR | POLLNVAL);
}

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

static int open_screen(struct live_terminal *t)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGWINCH };
	struct sigaction before[sizeof(signals) / sizeof(signals[0])];
	const size_t n = sizeof(signals) / sizeof(signals[0]);

	if (!is_usable(t->fd))
		return -ENOTSUP;
	t->in = duplicate(t->fd, "r");
	t->out = duplicate(t->fd, "w");
	if (!t->in || !t->out)
		return -errno;
	for (size_t i = 0; i < n; i++)
		sigaction(signals[i], NULL, &before[i]);
	t->screen = newterm(NULL, t->out, t->in);
	for (size_t i = 0; i < n; i++)
		sigaction(signals[i], &before[i], NULL);
	return t->screen ? 0 : -ENOTSUP;
}

int live_terminal_enter(struct live_terminal *t, int fd, struct live_view *v)
{
	int err;

	*t = (struct live_terminal){ .fd = fd };
	err = open_screen(t);
	if (err)
		return err;
	t->open = true;
	set_term(t->screen);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	v->color = v->run->color && has_colors();
	if (v->color)
		live_looks_init();
	return 0;
}

void live_terminal_leave(struct live_terminal *t)
{
	if (!live_terminal_use(t))
		return;
	endwin();
	t->open = false;
}

void live_terminal_close(struct live_terminal *t)
{
	live_terminal_leave(t);
	if (t->screen)
		delscreen(t->screen);
	if (t->in)
		fclose(t->in);
	if (t->out)
		fclose(t->out);
	*t = (struct live_terminal){ .fd = -1 };
}

void live_next_unit(struct live_view *v)
{
	v->unit = v->unit ? v->unit + 1 : units;
	if (!v->unit->name)
		v->unit = NULL;
}

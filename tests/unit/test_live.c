/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live screen on a pty: every size, every key, hostile names, and terminals it must refuse. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "scripts.h"

static void set_size(int fd, unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	assert_int_equal(ioctl(fd, TIOCSWINSZ, &size), 0);
}

/* Throws away what the screen wrote, so that it never blocks; returns whether `text` was in it. */
static bool drain(int master, const char *text)
{
	static char all[1 << 20];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(all) - 1 && (n = read(master, all + len, sizeof(all) - 1 - len)) > 0)
		len += (size_t)n;
	all[len] = '\0';
	return text && memmem(all, len, text, strlen(text));
}

static void key(int master, const char *text)
{
	assert_int_equal(write(master, text, strlen(text)), strlen(text));
}

static void live_in(const char *locale, const char *terminal, bool color)
{
	static const char *const keys[] = { "u",      "uuuuuuu", "r", "<", ">",    ">>>>>>>>>>>>",
					    "e",      "c",       "?", "?", "p",    "j",
					    "\033[B", "G",       "g", "k", "\x0c", "p",
					    "M",      "N",       "C" };
	struct model *m = model_create(PAGE, 100);
	struct run run = train_run();
	const struct snapshot *s;
	struct termios before, after;
	struct sink *live;
	int master, tty;

	assert_non_null(setlocale(LC_CTYPE, locale));
	setenv("TERM", terminal, 1);
	run.color = color;
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	set_size(tty, 24, 80);
	assert_int_equal(tcgetattr(tty, &before), 0);
	assert_int_equal(live_create(&run, tty, &live), 0);
	train(m, live);
	s = model_snapshot(m);
	assert_true(drain(master, "memmon-bpf: pid 4711"));

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		key(master, keys[i]);
		assert_int_equal(live_input(live, s), 0);
		drain(master, NULL);
	}
	for (unsigned short rows = 1; rows <= 60; rows += rows < 12 ? 1 : 16) {
		for (unsigned short columns = 1; columns <= 300; columns += columns / 4 + 1) {
			set_size(tty, rows, columns);
			assert_int_equal(live_input(live, s), 0);
			drain(master, NULL);
		}
	}
	set_size(tty, 4, 39);
	assert_int_equal(live_input(live, s), 0);
	assert_true(drain(master, "too small: 39x4, needs 40x8"));
	key(master, "q");
	assert_int_equal(live_input(live, s), 1);
	assert_int_equal(live->ops->finish(live, s), 0);
	live->ops->destroy(live);
	assert_int_equal(tcgetattr(tty, &after), 0);
	assert_int_equal(after.c_lflag, before.c_lflag);
	assert_int_equal(after.c_iflag, before.c_iflag);
	assert_int_equal(after.c_oflag, before.c_oflag);
	close(tty);
	close(master);
	model_destroy(m);
	setlocale(LC_CTYPE, "C.UTF-8");
}

static void test_live(void **state)
{
	(void)state;
	live_in("C.UTF-8", "xterm-256color", true);
	live_in("C", "vt100", true);
	live_in("C.UTF-8", "linux", false);
}

/* Does the screen show `text` after the script? */
static void live_shows(void (*script)(struct model *m, struct sink *sink), const char *text)
{
	struct model *m = model_create(PAGE, 100);
	struct run run = train_run();
	struct sink *live;
	int master, tty;

	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	set_size(tty, 40, 120);
	assert_int_equal(live_create(&run, tty, &live), 0);
	drain(master, NULL);
	script(m, NULL);
	assert_int_equal(live->ops->tick(live, model_snapshot(m)), 0);
	assert_true(drain(master, text));
	live->ops->destroy(live);
	close(tty);
	close(master);
	model_destroy(m);
}

/* The screen never shows a hostile name as it is. */
static void test_live_escapes(void **state)
{
	(void)state;
	live_shows(train, "e\\x1b[2Jv\"i,l\\n\\xff");
}

/* What may be missing is an alarm, where nothing else is. */
static void test_live_alarm(void **state)
{
	(void)state;
	live_shows(skipped, " SKIPPED runs on processes: 3 ");
}

static void test_live_refuses(void **state)
{
	struct run run = train_run();
	struct sink *live = NULL;
	int fd = open("/dev/null", O_RDWR), master, tty;

	(void)state;
	assert_int_equal(live_create(&run, fd, &live), -ENOTTY);
	close(fd);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	setenv("TERM", "no-such-terminal", 1);
	assert_int_equal(live_create(&run, tty, &live), -ENOTSUP);
	setenv("TERM", "dumb", 1);
	assert_int_equal(live_create(&run, tty, &live), -ENOTSUP);
	assert_null(live);
	close(tty);
	close(master);
}

/* A terminal that went away ends the screen instead of being readable for ever. */
static void test_live_hangup(void **state)
{
	struct model *m = model_create(PAGE, 100);
	struct run run = train_run();
	struct sink *live;
	int master, tty;

	(void)state;
	setenv("TERM", "xterm", 1);
	assert_int_equal(openpty(&master, &tty, NULL, NULL, NULL), 0);
	assert_int_equal(live_create(&run, tty, &live), 0);
	train(m, NULL);
	close(master);
	assert_int_equal(live_input(live, model_snapshot(m)), -EIO);
	live->ops->destroy(live);
	close(tty);
	model_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),        cmocka_unit_test(test_live_escapes),
		cmocka_unit_test(test_live_alarm),  cmocka_unit_test(test_live_refuses),
		cmocka_unit_test(test_live_hangup),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output files: what is written to, what is refused, and errors that come late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/util/outfile.h"

/* Each test runs in a directory of its own. */
struct place {
	char dir[64];
	int home;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->dir, "/tmp/memmon-outfile-XXXXXX");
	p->home = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = p;
	return p->home < 0 || !mkdtemp(p->dir) || chdir(p->dir) ? -1 : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct place *p = *state;
	int err = fchdir(p->home) || nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	close(p->home);
	free(p);
	return err;
}

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void expect_content(const char *path, const char *text)
{
	char buf[256] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(buf, text);
}

static void write_out(const char *path, const char *text)
{
	struct outfile f;

	assert_int_equal(outfile_open(&f, path), 0);
	assert_true(fputs(text, f.file) >= 0);
	assert_int_equal(outfile_close(&f), 0);
	assert_null(f.file);
	assert_int_equal(outfile_close(&f), 0);
}

static void expect_refusal(const char *path, enum outfile_refusal refusal, const char *word)
{
	struct outfile f;

	assert_int_equal(outfile_open(&f, path), -EPERM);
	assert_int_equal(f.refusal, refusal);
	assert_null(f.file);
	assert_non_null(strstr(outfile_reason(&f, -EPERM), word));
	assert_int_equal(outfile_close(&f), 0);
}

static void expect_errno(const char *path, int err)
{
	struct outfile f;

	assert_int_equal(outfile_open(&f, path), err);
	assert_int_equal(f.refusal, OUTFILE_OK);
	assert_string_equal(outfile_reason(&f, err), strerror(-err));
	assert_int_equal(outfile_close(&f), 0);
}

static void test_create_and_overwrite(void **state)
{
	struct place *p = *state;
	char absolute[128];
	struct stat st;
	mode_t mask = umask(027);

	write_out("a", "first, and long\n");
	umask(mask);
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	expect_content("a", "first, and long\n");
	write_out("a", "second\n");
	expect_content("a", "second\n");
	snprintf(absolute, sizeof(absolute), "%s/a", p->dir);
	write_out(absolute, "third\n");
	expect_content("a", "third\n");
}

static void test_links_of_ones_own(void **state)
{
	(void)state;
	make_file("target", "old");
	assert_int_equal(symlink("target", "link"), 0);
	write_out("link", "new");
	expect_content("target", "new");
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	write_out("dangling", "made");
	expect_content("nowhere", "made");
}

static void test_shared_directory(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(mkdir("shared", 0777), 0);
	assert_int_equal(chmod("shared", 01777), 0);
	write_out("shared/own", "new and longer");
	write_out("shared/own", "newer");
	expect_content("shared/own", "newer");

	make_file("target", "precious");
	assert_int_equal(symlink("../target", "shared/link"), 0);
	expect_refusal("shared/link", OUTFILE_LINK, "symbolic link");
	assert_int_equal(symlink("../made", "shared/dangling"), 0);
	expect_refusal("shared/dangling", OUTFILE_LINK, "symbolic link");
	assert_int_equal(stat("made", &st), -1);
	assert_int_equal(link("target", "shared/hard"), 0);
	expect_refusal("shared/hard", OUTFILE_HARD_LINK, "hard link");
	expect_content("target", "precious");
}

static void test_foreign_files(void **state)
{
	(void)state;
	if (geteuid())
		skip(); /* only root can make a file that is somebody else's */
	assert_int_equal(mkdir("shared", 0777), 0);
	assert_int_equal(chmod("shared", 01777), 0);
	make_file("shared/theirs", "theirs");
	assert_int_equal(chown("shared/theirs", 65534, 65534), 0);
	expect_refusal("shared/theirs", OUTFILE_FOREIGN, "another user");
	expect_content("shared/theirs", "theirs");
	/* must not wait for a reader of somebody's FIFO either */
	assert_int_equal(mkfifo("shared/fifo", 0666), 0);
	assert_int_equal(chown("shared/fifo", 65534, 65534), 0);
	expect_refusal("shared/fifo", OUTFILE_FOREIGN, "another user");
	/* in a directory of one's own that is nobody's trap */
	make_file("theirs", "theirs");
	assert_int_equal(chown("theirs", 65534, 65534), 0);
	write_out("theirs", "ours");
	expect_content("theirs", "ours");
}

static void test_kinds_of_files(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_true(sock >= 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	expect_refusal("socket", OUTFILE_TYPE, "neither");
	close(sock);
	write_out("/dev/null", "gone");
	expect_errno(".", -EISDIR);
	expect_errno("/", -EISDIR);
	expect_errno("new/", -EISDIR);
	expect_errno("", -ENOENT);
	expect_errno("no/such", -ENOENT);
	make_file("file", "");
	expect_errno("file/x", -ENOTDIR);
	assert_int_equal(symlink("loop", "loop"), 0);
	expect_errno("loop", -ELOOP);
}

static void test_fifo(void **state)
{
	struct outfile f;
	char buf[16] = "";
	int reader;

	(void)state;
	assert_int_equal(mkfifo("fifo", 0600), 0);
	reader = open("fifo", O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(outfile_open(&f, "fifo"), 0);
	fputs("through", f.file);
	assert_int_equal(outfile_close(&f), 0);
	assert_int_equal(read(reader, buf, sizeof(buf)), 7);
	assert_string_equal(buf, "through");
	close(reader);
}

static void test_long_names(void **state)
{
	char path[8192];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	expect_errno(path, -ENAMETOOLONG);
	for (size_t i = 100; i < sizeof(path) - 1; i += 100)
		path[i] = '/';
	expect_errno(path, -ENAMETOOLONG);
}

static void test_full(void **state)
{
	char block[70000];
	struct outfile f;

	(void)state;
	/* found at close */
	assert_int_equal(outfile_open(&f, "/dev/full"), 0);
	assert_true(fputs("x", f.file) >= 0);
	assert_int_equal(outfile_close(&f), -ENOSPC);
	/* found before, and nobody looked */
	memset(block, 'x', sizeof(block));
	assert_int_equal(outfile_open(&f, "/dev/full"), 0);
	fwrite(block, 1, sizeof(block), f.file);
	fputs("more", f.file);
	assert_int_equal(outfile_close(&f), -ENOSPC);
	/* found before by fflush(), which forgets what it could not write */
	assert_int_equal(outfile_open(&f, "/dev/full"), 0);
	fputs("x", f.file);
	assert_int_not_equal(fflush(f.file), 0);
	assert_true(outfile_close(&f) < 0);
}

static void test_standard_output(void **state)
{
	struct outfile f;

	(void)state;
	assert_int_equal(outfile_open(&f, "-"), 0);
	assert_ptr_equal(f.file, stdout);
	assert_int_equal(outfile_close(&f), 0);
	assert_true(fcntl(STDOUT_FILENO, F_GETFD) >= 0);
	assert_int_equal(outfile_close(&f), 0);
}

static void test_the_same_file(void **state)
{
	(void)state;
	make_file("one", "1");
	make_file("two", "1");
	assert_int_equal(link("one", "hard"), 0);
	assert_int_equal(symlink("one", "soft"), 0);
	assert_true(outfile_is("one", "./one"));
	assert_true(outfile_is("hard", "one"));
	assert_true(outfile_is("soft", "one"));
	assert_false(outfile_is("one", "two"));
	assert_false(outfile_is("one", "none"));
	assert_false(outfile_is("none", "none"));
	assert_false(outfile_is("/dev/null", "/dev/null")); /* writing to it destroys nothing */
	assert_false(outfile_is(".", "."));
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_PLACE(test_create_and_overwrite), IN_PLACE(test_links_of_ones_own),
		IN_PLACE(test_shared_directory),     IN_PLACE(test_foreign_files),
		IN_PLACE(test_kinds_of_files),       IN_PLACE(test_fifo),
		IN_PLACE(test_long_names),           IN_PLACE(test_the_same_file),
		cmocka_unit_test(test_full),         cmocka_unit_test(test_standard_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --scope: where the cgroup is made under v2's rules (on a tree that looks like cgroupfs), and the
 * real thing where this machine lets us.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/os/charge.h"
#include "../../src/os/scope.h"

/* ---- v2 on a tree of ordinary files ----------------------------------------------------------- */

struct place {
	char dir[64];
	char old[PATH_MAX];
	struct cgroup_mounts mounts;
};

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void expect_content(const char *path, const char *text)
{
	char buf[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
	fclose(f);
	assert_string_equal(buf, text);
}

/* One cgroup; `procs` NULL makes it the true root. */
static void make_cgroup(const char *dir, const char *controllers, const char *subtree,
			const char *procs)
{
	char path[PATH_MAX];

	assert_true(!mkdir(dir, 0755) || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/cgroup.controllers", dir);
	make_file(path, controllers);
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);
	make_file(path, subtree);
	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	make_file(path, procs ? procs : "1\n2\n");
	if (!procs)
		return;
	snprintf(path, sizeof(path), "%s/cgroup.type", dir);
	make_file(path, "domain\n");
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char text[256];

	if (!p)
		return -1;
	*state = p;
	strcpy(p->dir, "/tmp/memmon-scope-XXXXXX");
	if (!getcwd(p->old, sizeof(p->old)) || !mkdtemp(p->dir) || chdir(p->dir))
		return -1;
	snprintf(text, sizeof(text), "41 31 0:38 / %s rw - cgroup2 cgroup2 rw\n", p->dir);
	return cgroup_mounts_parse(&p->mounts, text, strlen(text)) || p->mounts.n != 1 ? -1 : 0;
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
	int err = chdir(p->old) || nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	cgroup_mounts_finish(&p->mounts);
	free(p);
	return err;
}

static struct scope scope; /* large: three paths */

/* The scope of a process in `own` is made in the directory `parent` ("" = the root). */
static void expect_made_in(const struct place *p, const char *own, const char *parent)
{
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(scope_create_near(&scope, &p->mounts, 2, own), 0);
	snprintf(path, sizeof(path), "%s%s/memmon-bpf-%d", p->dir, parent, (int)getpid());
	assert_string_equal(scope.cgroup.path, path);
	assert_int_equal(scope.cgroup.version, 2);
	snprintf(path, sizeof(path), "%s/memmon-bpf-%d", parent, (int)getpid());
	assert_string_equal(scope.cgroup.name, path);
	assert_int_equal(stat(scope.cgroup.path, &st), 0);
	assert_true(st.st_ino == scope.cgroup.id);
	snprintf(path, sizeof(path), "%s%s", p->dir, strcmp(own, "/") ? own : "");
	assert_string_equal(scope.origin, path);
}

static void expect_removed(void)
{
	char path[PATH_MAX];

	strcpy(path, scope.cgroup.path);
	assert_int_equal(scope_destroy(&scope), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(scope_destroy(&scope), 0);
}

/* Our cgroup has processes (us), its parent gives memory already: a sibling, nothing is changed. */
static void test_sibling(void **state)
{
	make_cgroup(".", "cpu memory\n", "cpu memory\n", NULL);
	make_cgroup("user.slice", "cpu memory\n", "cpu memory\n", "");
	make_cgroup("user.slice/own.scope", "cpu memory\n", "\n", "4711\n");
	expect_made_in(*state, "/user.slice/own.scope", "/user.slice");
	assert_string_equal(scope.enabled, "");
	expect_removed();
	expect_content("user.slice/cgroup.subtree_control", "cpu memory\n");
}

/* The parent could give memory, but does not yet: it is enabled, and disabled again. */
static void test_enables(void **state)
{
	make_cgroup(".", "cpu memory\n", "cpu memory\n", NULL);
	make_cgroup("a", "cpu memory pids\n", "cpu\n", "");
	make_cgroup("a/own", "cpu\n", "\n", "4711\n");
	expect_made_in(*state, "/a/own", "/a");
	expect_content("a/cgroup.subtree_control", "+memory");
	expect_removed();
	/* "-memory" over "+memory" in an ordinary file */
	expect_content("a/cgroup.subtree_control", "-memory");
}

/* An ancestor with processes of its own, and one without the controller, are passed over. */
static void test_no_internal_processes(void **state)
{
	make_cgroup(".", "cpu memory\n", "cpu memory\n", NULL);
	make_cgroup("a", "cpu memory\n", "\n", "17\n");
	make_cgroup("a/b", "cpu memory_x\n", "memory_x\n", "");
	make_cgroup("a/b/own", "\n", "\n", "4711\n");
	expect_made_in(*state, "/a/b/own", "");
	expect_content("a/cgroup.subtree_control", "\n");
	expect_removed();
}

/* The true root may have processes and children with controllers. */
static void test_root(void **state)
{
	make_cgroup(".", "cpu memory\n", "\n", NULL);
	expect_made_in(*state, "/", "");
	expect_content("cgroup.subtree_control", "+memory");
	expect_removed();
}

static void test_name_taken(void **state)
{
	struct place *p = *state;
	char path[PATH_MAX];

	make_cgroup(".", "memory\n", "memory\n", NULL);
	snprintf(path, sizeof(path), "memmon-bpf-%d", (int)getpid());
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(scope_create_near(&scope, &p->mounts, 2, "/"), 0);
	snprintf(path, sizeof(path), "/memmon-bpf-%d-1", (int)getpid());
	assert_string_equal(scope.cgroup.name, path);
	expect_removed();
}

static void test_impossible(void **state)
{
	struct place *p = *state;
	struct cgroup_mounts none = { 0 };

	make_cgroup(".", "cpu\n", "cpu\n", NULL);
	make_cgroup("own", "\n", "\n", "4711\n");
	assert_int_equal(scope_create_near(&scope, &p->mounts, 2, "/own"), -EOPNOTSUPP);
	assert_int_equal(scope_enter(&scope, 0), -ENODEV);
	assert_int_equal(scope_destroy(&scope), 0);
	assert_int_equal(scope_create_near(&scope, &p->mounts, 1, "/own"), -ENODEV);
	assert_int_equal(scope_create_near(&scope, &p->mounts, 2, "/../own"), -ENOENT);
	assert_int_equal(scope_create(&scope, &none), -ENODEV);
	assert_int_equal(scope_destroy(&scope), 0);
	assert_int_equal(scope_destroy(NULL), 0);
}

/* ---- the real thing --------------------------------------------------------------------------- */

#define CHILD_BYTES (32U << 20)

/* Enters the scope, touches memory, says so, and lives until it is killed. */
static pid_t start_child(int *ready)
{
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		char *memory = mmap(NULL, CHILD_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		char byte = (char)-scope_enter(&scope, 0);

		if (!byte && memory != MAP_FAILED)
			memset(memory, 1, CHILD_BYTES);
		if (write(fds[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	*ready = fds[0];
	return pid;
}

static void test_real_scope(void **state)
{
	static struct cgroup before, during, after;
	struct cgroup_mounts m;
	struct rec_charge c;
	char path[PATH_MAX], byte = 1;
	int ready, err;
	pid_t pid;

	(void)state;
	assert_int_equal(cgroup_mounts_read(&m), 0);
	err = scope_create(&scope, &m);
	if (err == -EACCES || err == -EPERM || err == -EROFS || err == -ENODEV ||
	    err == -EOPNOTSUPP) {
		cgroup_mounts_finish(&m);
		skip(); /* no cgroup file system that we may write to */
	}
	assert_int_equal(err, 0);
	strcpy(path, scope.cgroup.path);
	assert_int_equal(cgroup_of_pid(&m, 0, scope.cgroup.version, &before), 0);

	pid = start_child(&ready);
	assert_int_equal(read(ready, &byte, 1), 1);
	assert_int_equal(byte, 0);
	assert_int_equal(cgroup_of_pid(&m, pid, scope.cgroup.version, &during), 0);
	assert_true(during.id == scope.cgroup.id);
	assert_string_equal(during.name, scope.cgroup.name);

	memset(&c, 0, sizeof(c));
	assert_int_equal(charge_read(&scope.cgroup, &c), 0);
	assert_in_range(c.current_bytes, CHILD_BYTES, CHILD_BYTES + (16U << 20));
	if (c.peak_bytes != UNKNOWN_U64)
		assert_in_range(c.peak_bytes, CHILD_BYTES, CHILD_BYTES + (16U << 20));
	/* the kernel folds memory.stat at the latest every two seconds */
	for (int tries = 0; c.anon_bytes < CHILD_BYTES - (1U << 20) && tries < 500; tries++) {
		usleep(10000);
		assert_int_equal(charge_read(&scope.cgroup, &c), 0);
	}
	assert_in_range(c.anon_bytes, CHILD_BYTES - (1U << 20), CHILD_BYTES + (16U << 20));
	assert_true(c.limit_bytes == UNKNOWN_U64);

	/* what the command leaves behind lives on in our cgroup */
	assert_int_equal(scope_destroy(&scope), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(cgroup_of_pid(&m, pid, before.version, &after), 0);
	assert_true(after.id == before.id);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready);
	cgroup_mounts_finish(&m);
}

/* A cgroup below ours that is in use cannot be removed; the caller hears of it, in bounded time. */
static void test_real_scope_busy(void **state)
{
	struct cgroup_mounts m;
	char nested[PATH_MAX + 16];
	int err;

	(void)state;
	assert_int_equal(cgroup_mounts_read(&m), 0);
	err = scope_create(&scope, &m);
	cgroup_mounts_finish(&m);
	if (err)
		skip();
	snprintf(nested, sizeof(nested), "%s/nested", scope.cgroup.path);
	assert_int_equal(mkdir(nested, 0755), 0);
	assert_int_equal(scope_destroy(&scope), -EBUSY);
	assert_int_equal(rmdir(nested), 0);
	assert_int_equal(scope_destroy(&scope), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		IN_PLACE(test_sibling),
		IN_PLACE(test_enables),
		IN_PLACE(test_no_internal_processes),
		IN_PLACE(test_root),
		IN_PLACE(test_name_taken),
		IN_PLACE(test_impossible),
		cmocka_unit_test(test_real_scope),
		cmocka_unit_test(test_real_scope_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

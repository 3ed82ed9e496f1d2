/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /proc/sysvipc/shm, in our own IPC namespace and in another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <time.h>

#include "../../src/os/namespaces.h"
#include "../../src/os/shm_segments.h"
#include "../../src/os/sysvipc.h"
#include "elsewhere.h"

#define HEADING                                                                                   \
	"       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid " \
	" cgid      atime      dtime      ctime                   rss                  swap\n"
#define LINE "1607386753 3 644 8000000 7377 12 2 1 2 3 4 5 0 1795266164 4096 8192\n"

static int parse(const char *text, struct sysv_segments *out)
{
	size_t len = strlen(text);
	char *exact = malloc(len + !len);
	int err;

	assert_non_null(exact);
	memcpy(exact, text, len);
	err = sysvipc_parse(out, exact, len);
	free(exact);
	return err;
}

static void test_parse(void **state)
{
	struct sysv_segments s;

	(void)state;
	assert_int_equal(parse(HEADING LINE
			       "-2147483648 2147483647 3600 0 0 0 0 0 0 0 0 0 0 0\n" LINE "cut off",
			       &s),
			 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.items[0].key, 1607386753);
	assert_int_equal(s.items[0].shmid, 3);
	assert_int_equal(s.items[0].mode, 0644);
	assert_int_equal(s.items[0].flags, 0);
	assert_int_equal(s.items[0].bytes, 8000000);
	assert_int_equal(s.items[0].creator_pid, 7377);
	assert_int_equal(s.items[0].last_pid, 12);
	assert_int_equal(s.items[0].attached, 2);
	assert_int_equal(s.items[0].uid, 1);
	assert_int_equal(s.items[0].gid, 2);
	assert_int_equal(s.items[0].creator_uid, 3);
	assert_int_equal(s.items[0].creator_gid, 4);
	assert_int_equal(s.items[0].attach_s, 5);
	assert_int_equal(s.items[0].detach_s, 0);
	assert_int_equal(s.items[0].change_s, 1795266164);
	assert_int_equal(s.items[0].resident_bytes, 4096);
	assert_int_equal(s.items[0].swapped_bytes, 8192);
	assert_int_equal(s.items[1].key, INT32_MIN);
	assert_int_equal(s.items[1].mode, 0600);
	assert_int_equal(s.items[1].flags, SHM_SEGMENT_DEST | SHM_SEGMENT_LOCKED);
	assert_true(s.items[1].resident_bytes == UNKNOWN_U64);
	assert_true(s.items[1].swapped_bytes == UNKNOWN_U64);
	sysvipc_finish(&s);
	assert_int_equal(parse(HEADING, &s), 0);
	assert_int_equal(s.n, 0);
	sysvipc_finish(&s);
	sysvipc_finish(NULL);
}

static void test_wrong(void **state)
{
	static const char *const texts[] = {
		"",
		"key",
		LINE,
		HEADING "\n",
		HEADING "1 2 3\n",
		HEADING "2147483648 3 644 1 1 1 1 1 2 3 4 5 0 1\n",
		HEADING "1 -2147483649 644 1 1 1 1 1 2 3 4 5 0 1\n",
		HEADING "1 3 648 1 1 1 1 1 2 3 4 5 0 1\n",
		HEADING "1 3 7777777 1 1 1 1 1 2 3 4 5 0 1\n",
		HEADING "1 3 644 -1 1 1 1 1 2 3 4 5 0 1\n",
		HEADING "1 3 644 1 4294967296 1 1 1 2 3 4 5 0 1\n",
		HEADING LINE "x\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct sysv_segments s;

		assert_int_equal(parse(texts[i], &s), -EINVAL);
		assert_int_equal(s.n, 0);
		assert_null(s.items);
	}
}

/* ---- real ones -------------------------------------------------------------------------------- */

#define BYTES 123456

static bool make_segment(const char *arg)
{
	int id = shmget(IPC_PRIVATE, BYTES, IPC_CREAT | 0640);
	char *at;

	(void)arg;
	at = id < 0 ? (void *)-1 : shmat(id, NULL, 0);
	if (at == (void *)-1)
		return false;
	at[0] = at[4096] = at[8192] = 1;
	return !shmctl(id, IPC_RMID, NULL);
}

static void check_theirs(const struct sysv_segment *s, pid_t pid)
{
	assert_int_equal(s->bytes, BYTES);
	assert_int_equal(s->mode, 0640);
	assert_int_equal(s->flags, SHM_SEGMENT_DEST);
	assert_int_equal(s->creator_pid, pid);
	assert_int_equal(s->last_pid, pid);
	assert_int_equal(s->attached, 1);
	assert_int_equal(s->resident_bytes + s->swapped_bytes, 3 * 4096);
	assert_int_equal(s->uid, geteuid());
	assert_int_equal(s->detach_s, 0);
	assert_true(s->attach_s && s->change_s);
}

static void test_another_namespace(void **state)
{
	uint32_t own = namespace_of(0, "ipc");
	struct sysvipc_look looks[3] = { 0 };
	struct elsewhere child;

	(void)state;
	if (!elsewhere_begin(&child, CLONE_NEWIPC, make_segment, NULL, ""))
		skip();
	looks[1].pid = child.pid;
	looks[2] = (struct sysvipc_look){ .pid = INT32_MAX, .spare = child.pid };
	assert_int_equal(sysvipc_read(looks, 3), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(looks[i].err, 0);
	for (size_t i = 0; i < looks[0].segments.n; i++)
		assert_int_not_equal(looks[0].segments.items[i].creator_pid, child.pid);
	for (int i = 1; i < 3; i++) {
		assert_int_equal(looks[i].segments.n, 1);
		check_theirs(&looks[i].segments.items[0], child.pid);
	}
	assert_int_equal(namespace_of(0, "ipc"), own);
	for (int i = 0; i < 3; i++)
		sysvipc_finish(&looks[i].segments);
	elsewhere_end(&child);
	looks[1] = (struct sysvipc_look){ .pid = child.pid };
	assert_int_equal(sysvipc_read(looks, 2), 0);
	assert_int_equal(looks[1].err, -ESRCH);
	assert_int_equal(looks[1].segments.n, 0);
	sysvipc_finish(&looks[0].segments);
}

struct found {
	size_t limits;
	pid_t creator;
	size_t n;
	struct rec_shm_segment rec;
};

static int take(void *ctx, const struct rec_head *head)
{
	const struct rec_shm_segment *rec = (const struct rec_shm_segment *)head;
	struct found *f = ctx;

	if (head->type == REC_SHM_LIMITS) {
		const struct rec_shm_limits *limits = (const struct rec_shm_limits *)head;

		assert_int_equal(head->size, sizeof(*limits));
		assert_true(limits->segments && limits->least_bytes && limits->most_bytes &&
			    limits->total_bytes);
		f->limits++;
		return 0;
	}
	assert_int_equal(head->type, REC_SHM_SEGMENT);
	assert_int_equal(head->size, sizeof(*rec));
	if (rec->head.pid != (uint32_t)f->creator)
		return 0;
	f->rec = *rec;
	f->n++;
	return 0;
}

/* A segment of a process that lives, then of one that ended. */
static void test_records(void **state)
{
	struct elsewhere child;
	struct namespaces ns;
	struct found f = { 0 };
	size_t refused;

	(void)state;
	if (!elsewhere_begin(&child, CLONE_NEWIPC, make_segment, NULL, ""))
		skip();
	f.creator = child.pid;
	assert_int_equal(namespaces_find(&ns), 0);
	assert_int_equal(shm_segments_read(&ns.ipc, take, &f, &refused), 0);
	assert_int_equal(f.n, 1);
	assert_true(f.limits >= 2); /* ours and the child's */
	assert_int_equal(f.rec.ipc_namespace, namespace_of(child.pid, "ipc"));
	assert_int_equal(f.rec.flags,
			 SHM_SEGMENT_DEST | SHM_SEGMENT_NAMESPACE | SHM_SEGMENT_CREATOR_ALIVE);
	elsewhere_end(&child);
	f.n = 0; /* the list is older than the end: no error */
	assert_int_equal(shm_segments_read(&ns.ipc, take, &f, &refused), 0);
	assert_int_equal(f.n, 0);
	namespaces_finish(&ns);
}

static bool fork_a_maker(const char *arg)
{
	pid_t maker = fork();
	int status;

	(void)arg;
	if (!maker)
		_exit(shmget(IPC_PRIVATE, BYTES, IPC_CREAT | 0600) < 0);
	return waitpid(maker, &status, 0) == maker && !status;
}

static int take_any_dead(void *ctx, const struct rec_head *head)
{
	const struct rec_shm_segment *rec = (const struct rec_shm_segment *)head;
	size_t *n = ctx;

	if (head->type != REC_SHM_SEGMENT)
		return 0;
	*n += rec->flags & SHM_SEGMENT_NAMESPACE && rec->flags & SHM_SEGMENT_CREATOR_DEAD &&
	      !(rec->flags & SHM_SEGMENT_CREATOR_ALIVE) && rec->bytes == BYTES && !rec->attached;
	return *n ? -ECANCELED : 0;
}

static void test_dead_creator(void **state)
{
	struct elsewhere child;
	struct namespaces ns;
	size_t refused, n = 0;

	(void)state;
	if (!elsewhere_begin(&child, CLONE_NEWIPC, fork_a_maker, NULL, ""))
		skip();
	assert_int_equal(namespaces_find(&ns), 0);
	assert_int_equal(shm_segments_read(&ns.ipc, take_any_dead, &n, &refused), -ECANCELED);
	assert_int_equal(n, 1);
	namespaces_finish(&ns);
	elsewhere_end(&child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_another_namespace),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_dead_creator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

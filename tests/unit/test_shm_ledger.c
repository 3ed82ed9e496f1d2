/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ledger of shared memory: surveys, files and holders, growth, failures, bounds, hostile records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>

#include "model/expr.h"
#include "records.h"

#define MIB (1ULL << 20)
#define WEB_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WEB TEXTS("/dev/shm\0" WEB_ID "\0web\0docker")

static struct model *m;

static int set_up(void **state)
{
	(void)state;
	m = model_create(PAGE, 10);
	return m ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	model_destroy(m);
	return 0;
}

static const struct shm_view *view(void)
{
	const struct shm_view *v = model_snapshot(m)->shm;

	assert_non_null(v);
	return v;
}

static const struct shm_mount *mount_of(uint32_t dev)
{
	const struct shm_view *v = view();

	for (size_t i = 0; i < v->n_mounts; i++)
		if (v->mounts[i]->rec.dev == dev && !v->mounts[i]->gone)
			return v->mounts[i];
	return NULL;
}

static void test_no_record_no_ledger(void **state)
{
	struct field_value used = field_find("shm.used")->get(model_snapshot(m));

	(void)state;
	assert_null(model_snapshot(m)->shm);
	assert_false(used.known);
	TICK(m, SEC);
	assert_null(model_snapshot(m)->shm);
	assert_int_equal(model_set_shm_container(m, 1, SEC, "web"), -ENOENT);
}

static void test_a_survey(void **state)
{
	const struct shm_mount *host, *web;
	const struct shm_view *v;

	(void)state;
	SHM_MOUNT(m, SEC, 20, 0, 5 * MIB, HOST_DEV_SHM);
	assert_false(view()->known);
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 16 * MIB, WEB);
	SHM_FILE(m, SEC, 21, 7, 4 * MIB, 40, "small");
	SHM_FILE(m, SEC, 21, 8, 11 * MIB, 41, "big");
	SHM_HOLDER(m, SEC, 21, 8, 60, SHM_HOLDS_OPEN);
	SHM_HOLDER(m, SEC, 21, 8, 50, SHM_HOLDS_MAP);
	SHM_HOLDER(m, SEC, 21, 8, 50, SHM_HOLDS_OPEN);
	SHM_SURVEY(m, 2 * SEC);
	v = view();
	assert_true(v->known);
	assert_int_equal(v->survey_ns, 2 * SEC);
	assert_int_equal(v->n_mounts, 2);
	web = v->mounts[0]; /* 25 % of its limit; the host's has none */
	host = v->mounts[1];
	assert_int_equal(web->rec.dev, 21);
	assert_string_equal(web->point, "/dev/shm");
	assert_string_equal(web->container_id, WEB_ID);
	assert_string_equal(web->container, "web");
	assert_string_equal(web->runtime, "docker");
	assert_string_equal(host->container, "");
	assert_int_equal(web->n_files, 2);
	assert_int_equal(web->files[0]->rec.ino, 8);
	assert_string_equal(web->files[0]->path, "big");
	assert_int_equal(web->files[0]->n_holders, 2);
	assert_int_equal(web->files[0]->holders[0].pid, 50);
	assert_int_equal(web->files[0]->holders[0].flags, SHM_HOLDS_MAP | SHM_HOLDS_OPEN);
	assert_string_equal(web->files[0]->holders[1].comm, "proc60");
	assert_true(web->attributed);
	assert_int_equal(web->unattributed_bytes, MIB);
	assert_int_equal(host->unattributed_bytes, 5 * MIB);
	assert_int_equal(host->n_files, 0);
	assert_int_equal(web->peak_bytes, 16 * MIB);
	assert_true(isnan(web->growth_bytes_s));
	assert_int_equal(v->used_bytes, 21 * MIB);
	assert_int_equal(v->files, 2);

	/* what the next survey does not mention is gone */
	SHM_MOUNT(m, 3 * SEC, 21, 64 * MIB, 4 * MIB, WEB);
	SHM_FILE(m, 3 * SEC, 21, 7, 4 * MIB, 40, "small");
	SHM_SURVEY(m, 3 * SEC);
	v = view();
	assert_int_equal(v->n_mounts, 1);
	assert_int_equal(v->mounts[0]->n_files, 1);
	assert_int_equal(v->mounts[0]->unattributed_bytes, 0);
	assert_int_equal(v->mounts[0]->peak_bytes, 16 * MIB);
	assert_int_equal(v->mounts[0]->peak_ns, SEC);
}

/* A look between two surveys is no mention in the second: the mount may be gone since. */
static void test_a_look_is_no_survey(void **state)
{
	struct rec_tick survey = { .head = HEAD(REC_SHM_SURVEY, rec_head, 0, 4 * SEC, 3 * SEC) };

	(void)state;
	SHM_MOUNT(m, SEC, 20, 0, 5 * MIB, HOST_DEV_SHM);
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 16 * MIB, WEB);
	SHM_SURVEY(m, SEC);
	SHM_MOUNT(m, 2 * SEC, 20, 0, 5 * MIB, HOST_DEV_SHM);
	SHM_MOUNT(m, 2 * SEC, 21, 64 * MIB, 16 * MIB, WEB);
	SHM_MOUNT(m, 3 * SEC, 21, 64 * MIB, 16 * MIB, WEB);
	assert_int_equal(view()->n_mounts, 2);
	APPLY(m, survey);
	assert_int_equal(view()->n_mounts, 1);
	assert_int_equal(view()->mounts[0]->rec.dev, 21);
}

/* Those of the last survey, and none from before. */
static void test_limits(void **state)
{
	struct rec_shm_limits limits = { .head = HEAD(REC_SHM_LIMITS, rec_shm_limits, 0, SEC, 0),
					 .segments = 4096,
					 .most_bytes = UINT64_MAX };

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		limits.ipc_namespace = 100 + i;
		APPLY(m, limits);
	}
	assert_int_equal(view()->n_limits, 0);
	SHM_SURVEY(m, SEC);
	assert_int_equal(view()->n_limits, 5);
	assert_int_equal(view()->limits[4].ipc_namespace, 104);
	APPLY(m, limits);
	assert_int_equal(view()->n_limits, 5);
	SHM_SURVEY(m, 2 * SEC);
	assert_int_equal(view()->n_limits, 1);
	for (uint32_t i = 0; i < SHM_LIMITS + 2; i++)
		APPLY(m, limits);
	SHM_SURVEY(m, 3 * SEC);
	assert_int_equal(view()->n_limits, SHM_LIMITS);
	SHM_SURVEY(m, 4 * SEC);
	assert_int_equal(view()->n_limits, 0);
}

static void test_unknown_is_not_zero(void **state)
{
	struct rec_shm_mount r = shm_mount_rec(SEC, 21, 64 * MIB, 16 * MIB);

	(void)state;
	r.flags |= SHM_MOUNT_NO_FILES;
	SHM_APPLY(m, r, WEB);
	SHM_SURVEY(m, SEC);
	assert_false(mount_of(21)->attributed);
	r.flags &= ~SHM_MOUNT_NO_FILES;
	r.used_bytes = r.limit_bytes = UNKNOWN_U64;
	SHM_APPLY(m, r, WEB);
	SHM_SURVEY(m, 2 * SEC);
	assert_false(mount_of(21)->attributed);
	assert_false(field_find("shm.used")->get(model_snapshot(m)).known);
	assert_false(field_find("shm.free")->get(model_snapshot(m)).known);
	assert_int_equal(mount_of(21)->peak_bytes, 16 * MIB);
}

/* A container without a name goes by its short id. */
static void test_short_id(void **state)
{
	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 0, TEXTS("/dev/shm\0" WEB_ID "\0\0containerd"));
	SHM_SURVEY(m, SEC);
	assert_string_equal(mount_of(21)->container, "0123456789ab");
	assert_string_equal(mount_of(21)->runtime, "containerd");
}

static void test_states(void **state)
{
	struct rec_shm_file dead = shm_file_rec(SEC, 21, 2, MIB, 41);
	struct rec_shm_file unlinked = shm_file_rec(SEC, 21, 3, MIB, 42);
	struct rec_shm_file unheard = shm_file_rec(SEC, 21, 4, MIB, 0);
	struct rec_shm_file held = shm_file_rec(SEC, 21, 5, MIB, 41);
	struct rec_shm_mount run = shm_mount_rec(SEC, 22, 0, MIB);
	static const enum shm_state expected[] = { SHM_LINKED, SHM_ORPHAN, SHM_UNLINKED,
						   SHM_LINKED, SHM_LINKED, SHM_ORPHAN };
	const struct shm_mount *web;

	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 6 * MIB, WEB);
	run.flags = 0;
	SHM_APPLY(m, run, TEXTS("/run\0\0\0"));
	SHM_FILE(m, SEC, 21, 1, MIB, 40, "alive");
	dead.flags = SHM_FILE_CREATOR;
	SHM_APPLY(m, dead, TEXTS("dead"));
	unlinked.flags |= SHM_FILE_UNLINKED;
	SHM_APPLY(m, unlinked, TEXTS("unlinked"));
	unheard.flags = SHM_FILE_HELD_UNKNOWN;
	SHM_APPLY(m, unheard, TEXTS("not looked at"));
	held.flags = SHM_FILE_CREATOR;
	SHM_APPLY(m, held, TEXTS("held"));
	SHM_HOLDER(m, SEC, 21, 5, 70, SHM_HOLDS_MAP);
	SHM_FILE(m, SEC, 21, 6, MIB, 0, "nobody's");
	SHM_FILE(m, SEC, 22, 6, MIB, 0, "some.pid");
	SHM_SURVEY(m, SEC);
	web = mount_of(21);
	assert_int_equal(web->n_files, 6);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(web->files[i]->state, expected[i]);
	assert_int_equal(web->orphans, 2);
	assert_int_equal(web->orphan_bytes, 2 * MIB);
	/* /run is full of files that nobody holds */
	assert_int_equal(mount_of(22)->orphans, 0);
	assert_int_equal(view()->orphans, 2);
}

/* The kernel side knows creator and holders, the directory the name. */
static void test_two_mentions_are_merged(void **state)
{
	struct rec_shm_file walked = shm_file_rec(SEC, 21, 7, 2 * MIB, 0);
	const struct shm_file *f;

	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 2 * MIB, WEB);
	SHM_FILE(m, SEC, 21, 7, 2 * MIB, 40, "");
	SHM_HOLDER(m, SEC, 21, 7, 70, SHM_HOLDS_MAP);
	walked.flags = SHM_FILE_HELD_UNKNOWN;
	walked.peak_bytes = UNKNOWN_U64;
	SHM_APPLY(m, walked, TEXTS("named"));
	SHM_SURVEY(m, SEC);
	assert_int_equal(mount_of(21)->n_files, 1);
	f = mount_of(21)->files[0];
	assert_string_equal(f->path, "named");
	assert_int_equal(f->rec.head.pid, 40);
	assert_string_equal(f->rec.comm, "proc40");
	assert_int_equal(f->rec.flags, SHM_FILE_CREATOR | SHM_FILE_CREATOR_ALIVE);
	assert_int_equal(f->rec.peak_bytes, 2 * MIB);
	assert_int_equal(f->n_holders, 1);
	assert_int_equal(mount_of(21)->unattributed_bytes, 0);
}

/* One inode number in two IPC namespaces: the key tells them apart. */
static void test_anonymous(void **state)
{
	struct rec_shm_file f = shm_file_rec(SEC, 1, 7, MIB, 40);
	struct rec_shm_segment s = { .head = HEAD(REC_SHM_SEGMENT, rec_shm_segment, 40, SEC, 0),
				     .shmid = 3,
				     .ipc_namespace = 9,
				     .resident_bytes = MIB,
				     .swapped_bytes = PAGE };

	(void)state;
	f.kind = SHM_MEMFD;
	f.key = 1;
	SHM_APPLY(m, f, TEXTS("cache"));
	f.key = 2;
	f.bytes = 3 * MIB;
	f.kind = SHM_ANON;
	SHM_APPLY(m, f, TEXTS(""));
	f.kind = SHM_SYSV;
	f.key = 3;
	SHM_APPLY(m, f, TEXTS("SYSV00000000"));
	SHM_FILE(m, SEC, 99, 7, 2 * MIB, 40, "of a tmpfs that was unmounted");
	APPLY(m, s);
	s.flags = SHM_SEGMENT_NAMESPACE;
	s.ipc_namespace = 2;
	s.shmid = 1;
	APPLY(m, s);
	SHM_SURVEY(m, SEC);
	assert_int_equal(view()->n_anonymous, 3);
	assert_int_equal(view()->anonymous[0]->rec.kind, SHM_ANON);
	assert_int_equal(view()->anonymous[1]->rec.dev, 99);
	assert_string_equal(view()->anonymous[2]->path, "cache");
	assert_int_equal(view()->n_segments, 2);
	assert_int_equal(view()->segments[0].rec.shmid, 3); /* our own namespace first */
	assert_int_equal(view()->used_bytes, 6 * MIB + 2 * (MIB + PAGE));
}

static void test_chargers(void **state)
{
	struct rec_shm_charger c = { .head = HEAD(REC_SHM_CHARGER, rec_shm_charger, 40, SEC,
						  40 * SEC),
				     .dev = 21,
				     .alive = 1,
				     .charged_bytes = 9 * MIB,
				     .uncharged_bytes = MIB };

	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 10 * MIB, WEB);
	APPLY(m, c);
	c.head.pid = 41;
	c.head.start_ns = 41 * SEC;
	c.charged_bytes = 4 * MIB;
	c.alive = 0;
	APPLY(m, c);
	SHM_FILE(m, SEC, 21, 7, 2 * MIB, 40, "a");
	SHM_FILE(m, SEC, 21, 8, 3 * MIB, 41, "b");
	SHM_SURVEY(m, SEC);
	assert_int_equal(mount_of(21)->n_chargers, 2);
	assert_int_equal(mount_of(21)->chargers[0].pid, 41);
	assert_int_equal(mount_of(21)->chargers[0].held_bytes, 3 * MIB);
	assert_false(mount_of(21)->chargers[0].alive);
	assert_int_equal(mount_of(21)->chargers[1].charged_bytes, 9 * MIB);
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 10 * MIB, WEB);
	SHM_SURVEY(m, 2 * SEC);
	assert_int_equal(mount_of(21)->n_chargers, 0);
}

static void test_peak(void **state)
{
	struct rec_shm_mount r = shm_mount_rec(SEC, 21, 64 * MIB, 4 * MIB);

	(void)state;
	r.flags |= SHM_MOUNT_TRACED;
	r.peak_bytes = 30 * MIB;
	r.peak_ns = SEC / 2;
	SHM_APPLY(m, r, WEB);
	assert_int_equal(mount_of(21)->peak_bytes, 30 * MIB);
	assert_int_equal(mount_of(21)->peak_ns, SEC / 2);
	/* a look that saw more than was traced is the truth too */
	r.head.ts_ns = 2 * SEC;
	r.used_bytes = 31 * MIB;
	SHM_APPLY(m, r, WEB);
	assert_int_equal(mount_of(21)->peak_bytes, 31 * MIB);
	assert_int_equal(mount_of(21)->peak_ns, 2 * SEC);
	/* charges that overlapped sum up to more than there can be: the highest limit so far */
	r.peak_bytes = 65 * MIB;
	SHM_APPLY(m, r, WEB);
	assert_int_equal(mount_of(21)->peak_bytes, 64 * MIB);
	r.limit_bytes = 128 * MIB;
	SHM_APPLY(m, r, WEB);
	assert_int_equal(mount_of(21)->peak_bytes, 65 * MIB);
	r.peak_bytes = 127 * MIB;
	r.limit_bytes = 64 * MIB;
	SHM_APPLY(m, r, WEB);
	assert_int_equal(mount_of(21)->peak_bytes, 127 * MIB);
	r.peak_bytes = 200 * MIB;
	r.limit_bytes = 0; /* without */
	SHM_APPLY(m, r, WEB);
	assert_int_equal(mount_of(21)->peak_bytes, 200 * MIB);
}

static void looks(uint32_t dev, size_t n, const uint64_t *mib)
{
	for (size_t i = 0; i < n; i++)
		SHM_MOUNT(m, (10 + i) * SEC, dev, 64 * MIB, mib[i] * MIB, WEB);
}

static void test_growth(void **state)
{
	static const uint64_t steady[] = { 10, 12, 14, 16, 18, 20 };
	static const uint64_t step[] = { 10, 10, 10, 30, 30, 30 };
	static const uint64_t shrinking[] = { 30, 28, 26, 24, 22, 20 };
	static const uint64_t full[] = { 60, 61, 62, 63, 64, 64 };

	(void)state;
	looks(1, 2, steady);
	assert_true(isnan(mount_of(1)->growth_bytes_s));
	assert_true(isnan(mount_of(1)->full_in_s));
	looks(2, 6, steady);
	assert_true(fabs(mount_of(2)->growth_bytes_s - 2.0 * MIB) < 1);
	assert_true(fabs(mount_of(2)->full_in_s - 22) < 0.001);
	looks(3, 6, step);
	assert_true(fabs(mount_of(3)->growth_bytes_s) < 1);
	assert_true(mount_of(3)->full_in_s < 0);
	looks(4, 6, shrinking);
	assert_true(fabs(mount_of(4)->growth_bytes_s + 2.0 * MIB) < 1);
	assert_true(mount_of(4)->full_in_s < 0);
	looks(5, 6, full);
	assert_true(mount_of(5)->full_in_s >= 0 && mount_of(5)->full_in_s < 0.001);
	assert_true(field_find("shm.full_in")->get(model_snapshot(m)).known);
}

/* Growth long ago is none now; at 10 looks a second too. */
static void test_growth_has_a_window(void **state)
{
	uint64_t used = 0;

	(void)state;
	for (uint64_t ms = 1000; ms < 20000; ms += 100) {
		if (ms < 10000)
			used += MIB / 10;
		SHM_MOUNT(m, ms * (SEC / 1000), 21, 64 * MIB, used, WEB);
		if (ms == 9000)
			assert_true(fabs(mount_of(21)->growth_bytes_s - MIB) < 0.01 * MIB);
	}
	assert_true(fabs(mount_of(21)->growth_bytes_s) < 1);
}

static void test_failures(void **state)
{
	const struct shm_full *full;

	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 60 * MIB, WEB);
	for (uint64_t i = 1; i <= 7; i++) {
		struct rec_shm_file f = shm_file_rec(SEC, 21, i, i * MIB, 40);
		char name[16];
		size_t len = (size_t)snprintf(name, sizeof(name), "dir/f%u", (unsigned int)i);

		if (i == 2)
			f.flags = SHM_FILE_CREATOR; /* an orphan */
		SHM_APPLY(m, f, name, len + 1);
	}
	SHM_FILE(m, SEC, 22, 99, 50 * MIB, 40, "of another superblock");
	SHM_SURVEY(m, SEC);
	SHM_FULL(m, 2 * SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full, 1);
	full = mount_of(21)->full;
	assert_int_equal(full->times, 1);
	assert_string_equal(full->largest[0].name, "f7");
	assert_int_equal(full->largest[4].bytes, 3 * MIB);
	assert_string_equal(full->largest[0].comm, "proc40");
	assert_int_equal(full->orphans, 1);
	assert_int_equal(full->orphan_bytes, 2 * MIB);
	assert_int_equal(mount_of(21)->peak_bytes, 64 * MIB); /* the wall was reached */

	assert_int_equal(model_set_shm_container(m, 70, 2 * SEC, "web"), 0);
	assert_string_equal(mount_of(21)->full->container, "web");
	assert_int_equal(model_set_shm_container(m, 71, 2 * SEC, "web"), -ENOENT);

	/* the same again; another way; another file; another process */
	SHM_FULL(m, 3 * SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full, 1);
	assert_int_equal(mount_of(21)->full->times, 2);
	SHM_FULL(m, 3 * SEC, 21, 70, SHM_FULL_FAULT, 7);
	SHM_FULL(m, 3 * SEC, 21, 70, SHM_FULL_WRITE, 6);
	SHM_FULL(m, 3 * SEC, 21, 71, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full, 4);
	assert_int_equal(view()->full, 5);
	/* after something was freed it is a new one */
	SHM_MOUNT(m, 4 * SEC, 21, 64 * MIB, 64 * MIB, WEB);
	SHM_FULL(m, 4 * SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full, 4);
	SHM_MOUNT(m, 5 * SEC, 21, 64 * MIB, 50 * MIB, WEB);
	SHM_MOUNT(m, 6 * SEC, 21, 64 * MIB, 64 * MIB, WEB);
	SHM_FULL(m, 6 * SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full, 5);
	/* and after a remount with another size */
	SHM_MOUNT(m, 7 * SEC, 21, 128 * MIB, 64 * MIB, WEB);
	SHM_FULL(m, 8 * SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full, 6);
	assert_int_equal(field_find("shm.full")->get(model_snapshot(m)).whole, 8);
}

/* A failure on a superblock that no survey has seen yet. */
static void test_failure_first(void **state)
{
	(void)state;
	SHM_FULL(m, SEC, 21, 70, SHM_FULL_FAULT, 7);
	assert_int_equal(mount_of(21)->n_full, 1);
	assert_int_equal(mount_of(21)->rec.limit_bytes, 64 * MIB);
	assert_true(mount_of(21)->rec.used_bytes == UNKNOWN_U64);
	SHM_MOUNT(m, 2 * SEC, 21, 64 * MIB, 64 * MIB, WEB);
	SHM_SURVEY(m, 2 * SEC);
	assert_string_equal(mount_of(21)->container, "web");
	assert_int_equal(mount_of(21)->n_full, 1);
}

static void test_gone_mounts(void **state)
{
	struct rec_shm_mount target = shm_mount_rec(SEC, 23, 64 * MIB, MIB);
	const struct shm_view *v;

	(void)state;
	target.flags |= SHM_MOUNT_TARGET;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, MIB, WEB);
	SHM_FILE(m, SEC, 21, 7, MIB, 40, "a");
	SHM_MOUNT(m, SEC, 22, 64 * MIB, MIB, WEB);
	SHM_APPLY(m, target, WEB);
	SHM_SURVEY(m, SEC);
	SHM_FULL(m, 2 * SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_int_equal(view()->n_mounts, 3);
	SHM_SURVEY(m, 2 * SEC);
	v = view();
	assert_int_equal(v->n_mounts, 2); /* the one with a failure, and the target's */
	for (size_t i = 0; i < 2; i++) {
		assert_true(v->mounts[i]->gone);
		assert_true(v->mounts[i]->rec.used_bytes == UNKNOWN_U64);
		assert_int_equal(v->mounts[i]->n_files, 0);
		assert_int_equal(v->mounts[i]->peak_bytes, v->mounts[i]->n_full ? 64 * MIB : MIB);
	}
	/* a failure from before, which becomes known only now: no mount that nobody has seen */
	SHM_FULL(m, 3 * SEC / 2, 23, 71, SHM_FULL_FAULT, 9);
	v = view();
	assert_int_equal(v->n_mounts, 2);
	assert_int_equal(v->mounts[0]->n_full, 1);
	assert_int_equal(v->mounts[1]->n_full, 1);
	/* its device number, in use again: another superblock */
	SHM_MOUNT(m, 3 * SEC, 21, 32 * MIB, 2 * MIB, HOST_DEV_SHM);
	SHM_SURVEY(m, 3 * SEC);
	assert_int_equal(view()->n_mounts, 3);
	SHM_FULL(m, 2 * SEC, 21, 72, SHM_FULL_FAULT, 9);
	assert_int_equal(mount_of(21)->n_full, 0);
	assert_int_equal(mount_of(21)->peak_bytes, 2 * MIB);
	SHM_FULL(m, 4 * SEC, 21, 72, SHM_FULL_FAULT, 9);
	assert_int_equal(mount_of(21)->n_full, 1);
	assert_int_equal(view()->n_mounts, 3);
	/* the name of who failed still finds it */
	assert_int_equal(model_set_shm_container(m, 70, 2 * SEC, "web"), 0);
}

/* Between two surveys a container went and another one got its device number. */
static void test_a_device_number_of_another_container(void **state)
{
	static const char other[] =
		"/dev/shm\0ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\0db\0docker";

	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 50 * MIB, WEB);
	SHM_FULL(m, SEC, 21, 70, SHM_FULL_WRITE, 7);
	SHM_MOUNT(m, 2 * SEC, 21, 64 * MIB, MIB, other, sizeof(other));
	SHM_SURVEY(m, 2 * SEC);
	assert_int_equal(view()->n_mounts, 2);
	assert_string_equal(mount_of(21)->container, "db");
	assert_int_equal(mount_of(21)->peak_bytes, MIB);
	assert_int_equal(mount_of(21)->n_full, 0);
}

/* The survey says so of a number that the host itself took again. */
static void test_a_device_number_told_to_be_anothers(void **state)
{
	struct rec_shm_mount r = shm_mount_rec(3 * SEC, 21, 64 * MIB, MIB);

	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 50 * MIB, HOST_DEV_SHM);
	SHM_FILE(m, SEC, 21, 7, 50 * MIB, 40, "a");
	SHM_SURVEY(m, 2 * SEC);
	assert_int_equal(mount_of(21)->n_files, 1);
	r.flags |= SHM_MOUNT_ANOTHER;
	SHM_APPLY(m, r, HOST_DEV_SHM);
	assert_int_equal(mount_of(21)->peak_bytes, MIB);
	SHM_SURVEY(m, 3 * SEC);
	assert_int_equal(view()->n_mounts, 1);
	assert_int_equal(mount_of(21)->n_files, 0);
	/* but not of a failure that came before the record */
	SHM_FULL(m, 4 * SEC, 30, 70, SHM_FULL_WRITE, 7);
	r.dev = 30;
	SHM_APPLY(m, r, HOST_DEV_SHM);
	assert_int_equal(mount_of(30)->n_full, 1);
}

static void test_many_files(void **state)
{
	const uint64_t n = 3 * SHM_FILES;

	(void)state;
	for (int survey = 0; survey < 2; survey++) {
		SHM_MOUNT(m, SEC, 21, 0, n * (n + 1) / 2, WEB);
		for (uint64_t i = 0; i < n; i++)
			SHM_FILE(m, SEC, 21, i + 1, (i * 7919) % n + 1, 0, "f");
		SHM_SURVEY(m, SEC);
		assert_int_equal(mount_of(21)->n_files, SHM_FILES);
		assert_int_equal(mount_of(21)->files[0]->rec.bytes, n);
		assert_int_equal(mount_of(21)->files[SHM_FILES - 1]->rec.bytes, n - SHM_FILES + 1);
		assert_int_equal(mount_of(21)->files_omitted, n - SHM_FILES);
		assert_int_equal(mount_of(21)->unattributed_bytes, 0);
		assert_int_equal(view()->files, n);
		assert_int_equal(view()->omitted, n - SHM_FILES);
	}
}

static void test_many_of_all(void **state)
{
	struct rec_shm_charger c = { .head = HEAD(REC_SHM_CHARGER, rec_shm_charger, 1, SEC, 1),
				     .dev = 1 };
	struct rec_shm_segment s = { .head = HEAD(REC_SHM_SEGMENT, rec_shm_segment, 1, SEC, 1) };

	(void)state;
	SHM_FILE(m, SEC, 1, 1, MIB, 1, "held");
	for (uint32_t i = 1; i <= SHM_SEGMENTS + 5; i++) {
		if (i <= SHM_MOUNTS + 5)
			SHM_MOUNT(m, SEC, i, 0, MIB, WEB);
		if (i <= SHM_CHARGERS + 5) {
			c.head.pid = i;
			APPLY(m, c);
		}
		if (i <= 2000)
			SHM_HOLDER(m, SEC, 1, 1, i, SHM_HOLDS_MAP);
		s.shmid = (int32_t)i;
		APPLY(m, s);
	}
	SHM_SURVEY(m, SEC);
	assert_int_equal(view()->n_mounts, SHM_MOUNTS);
	assert_int_equal(view()->n_segments, SHM_SEGMENTS);
	assert_int_equal(mount_of(1)->n_chargers, SHM_CHARGERS);
	assert_int_equal(view()->omitted, 15);
	assert_int_equal(mount_of(1)->files[0]->n_holders + mount_of(1)->files[0]->holders_omitted,
			 2000);
}

static void test_many_failures(void **state)
{
	(void)state;
	SHM_MOUNT(m, SEC, 21, 64 * MIB, MIB, WEB);
	SHM_MOUNT(m, SEC, 22, 64 * MIB, MIB, WEB);
	for (uint32_t i = 1; i <= SHM_FULLS + 10; i++)
		SHM_FULL(m, i * SEC, i % 2 ? 21 : 22, i, SHM_FULL_WRITE, 7);
	assert_int_equal(mount_of(21)->n_full + mount_of(22)->n_full, SHM_FULLS);
	assert_int_equal(mount_of(21)->full_omitted + mount_of(22)->full_omitted, 10);
	assert_int_equal(mount_of(21)->full[0].rec.head.pid, 11);
	assert_int_equal(view()->full, SHM_FULLS + 10);
}

static void test_bad_records(void **state)
{
	struct rec_shm_mount mount = shm_mount_rec(SEC, 21, 64 * MIB, MIB);
	struct rec_shm_file file = shm_file_rec(SEC, 21, 1, MIB, 40);
	struct rec_shm_full full = shm_full_rec(SEC, 21, 70, SHM_FULL_WRITE, 7);

	(void)state;
	assert_int_equal(shm_apply_texts(m, &mount, sizeof(mount), "/dev/shm\0\0", 10), -EINVAL);
	assert_int_equal(shm_apply_texts(m, &mount, sizeof(mount), "", 0), -EINVAL);
	assert_int_equal(shm_apply_texts(m, &mount, sizeof(mount) - 1, "", 0), -EINVAL);
	assert_int_equal(shm_apply_texts(m, &file, sizeof(file), "abc", 3), -EINVAL);
	assert_int_equal(shm_apply_texts(m, &full, sizeof(full) - 1, "", 0), -EINVAL);
	assert_int_equal(shm_apply_texts(m, &mount, sizeof(mount), "/dev/shm\0\0\0\0beyond", 18),
			 0);
	/* names without their NUL */
	memset(file.comm, 'x', sizeof(file.comm));
	SHM_APPLY(m, file, TEXTS("a\nb\033[2J"));
	memset(full.comm, 'x', sizeof(full.comm));
	memset(full.name, 'x', sizeof(full.name));
	APPLY(m, full);
	SHM_SURVEY(m, SEC);
	assert_int_equal(strlen(mount_of(21)->files[0]->rec.comm), COMM_LEN - 1);
	assert_int_equal(strlen(mount_of(21)->full->rec.name), SHM_FULL_NAME - 1);
}

static bool holds(const char *text)
{
	struct expr *e;
	char why[256];
	bool yes;

	if (expr_parse(text, &e, why, sizeof(why)))
		fail_msg("%s: %s", text, why);
	yes = expr_holds(e, model_snapshot(m));
	expr_destroy(e);
	return yes;
}

static void test_conditions(void **state)
{
	struct rec_shm_mount target = shm_mount_rec(SEC, 22, 100 * MIB, 50 * MIB);

	(void)state;
	assert_false(holds("shm.used>0%"));
	assert_false(holds("shm.used<=100%"));
	SHM_MOUNT(m, SEC, 20, 0, 900 * MIB, HOST_DEV_SHM);
	SHM_MOUNT(m, SEC, 21, 64 * MIB, 54 * MIB, WEB);
	SHM_SURVEY(m, SEC);
	assert_true(holds("shm.used>80%"));
	assert_false(holds("shm.used>85%"));
	assert_true(holds("shm.bytes==954MiB && shm.free==10MiB && shm.peak==900MiB"));
	assert_true(holds("shm.full==0 && shm.orphans==0 && shm.inodes<1%"));
	/* with a target it is about its mounts */
	target.flags |= SHM_MOUNT_TARGET;
	SHM_APPLY(m, target, WEB);
	assert_true(holds("shm.used==50% && shm.bytes==50MiB && shm.free==50MiB"));
	SHM_FULL(m, SEC, 21, 70, SHM_FULL_WRITE, 7);
	assert_true(holds("shm.full==0"));
	SHM_FULL(m, SEC, 22, 70, SHM_FULL_WRITE, 7);
	assert_true(holds("shm.full==1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_record_no_ledger),
		TEST(test_a_survey),
		TEST(test_a_look_is_no_survey),
		TEST(test_limits),
		TEST(test_unknown_is_not_zero),
		TEST(test_short_id),
		TEST(test_states),
		TEST(test_two_mentions_are_merged),
		TEST(test_anonymous),
		TEST(test_chargers),
		TEST(test_peak),
		TEST(test_growth),
		TEST(test_growth_has_a_window),
		TEST(test_failures),
		TEST(test_failure_first),
		TEST(test_gone_mounts),
		TEST(test_a_device_number_of_another_container),
		TEST(test_a_device_number_told_to_be_anothers),
		TEST(test_many_files),
		TEST(test_many_of_all),
		TEST(test_many_failures),
		TEST(test_bad_records),
		TEST(test_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

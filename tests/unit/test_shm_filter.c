/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `memmon-bpf shm -c`: which records pass. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "records.h"
#include "shm_filter.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct container_target target = { .is = { .id = A } };

/* What the filter asks for; the containers themselves are not needed here. */
size_t containers_count(const struct containers *c)
{
	(void)c;
	return 1;
}

const struct container_target *containers_get(const struct containers *c, size_t i)
{
	(void)c;
	return i ? NULL : &target;
}

static bool passes_texts(struct shm_filter *f, struct rec_shm_mount r, const char *texts,
			 size_t len)
{
	struct rec_head *whole = malloc(sizeof(r) + len);
	bool passes;

	assert_non_null(whole);
	r.head.size = (uint16_t)(sizeof(r) + len);
	memcpy(whole, &r, sizeof(r));
	memcpy((char *)whole + sizeof(r), texts, len);
	passes = shm_filter_passes(f, whole);
	free(whole);
	return passes;
}

static void test_without_containers_all_pass(void **state)
{
	struct shm_filter f = { 0 };
	struct rec_shm_holder h = shm_holder_rec(SEC, 9, 1, 7, 0);

	(void)state;
	assert_true(shm_filter_passes(&f, &h.head));
	shm_filter_finish(&f);
}

static void test_only_what_it_mounts(void **state)
{
	struct shm_filter f = { 0 };
	struct rec_shm_mount r = shm_mount_rec(SEC, 5, 0, 0);
	struct rec_shm_file file = shm_file_rec(SEC, 5, 1, 1, 0);
	struct rec_shm_full full = shm_full_rec(SEC, 5, 7, SHM_FULL_WRITE, 1);
	struct rec_shm_segment segment = { .head = HEAD(REC_SHM_SEGMENT, rec_shm_segment, 1, SEC,
							1) };
	struct rec_tick survey = { .head = HEAD(REC_SHM_SURVEY, rec_head, 0, SEC, 0) };

	(void)state;
	assert_int_equal(shm_filter_add(&f, NULL), 0);
	assert_false(shm_filter_passes(&f, &file.head));
	assert_false(passes_texts(&f, r, TEXTS("/dev/shm\0" B "\0b\0docker")));
	assert_false(passes_texts(&f, r, TEXTS("/dev/shm\0\0\0")));
	assert_true(passes_texts(&f, r, TEXTS("/dev/shm\0" A "\0a\0docker")));
	assert_true(shm_filter_passes(&f, &file.head));
	assert_true(shm_filter_passes(&f, &full.head));
	assert_false(shm_filter_passes(&f, &segment.head));
	assert_true(shm_filter_passes(&f, &survey.head));
	/* its number is another container's now */
	assert_false(passes_texts(&f, r, TEXTS("/dev/shm\0" B "\0b\0docker")));
	assert_false(shm_filter_passes(&f, &file.head));
	/* the host's /dev/shm, which it uses with --ipc=host */
	r.flags |= SHM_MOUNT_TARGET;
	assert_true(passes_texts(&f, r, TEXTS("/dev/shm\0\0\0")));
	shm_filter_finish(&f);
}

/* Texts that do not end within the record. */
static void test_bad_texts(void **state)
{
	static const char texts[] = "/dev/shm\0" A;
	struct rec_shm_mount r = shm_mount_rec(SEC, 5, 0, 0);
	struct shm_filter f = { 0 };

	(void)state;
	assert_int_equal(shm_filter_add(&f, NULL), 0);
	for (size_t len = 0; len < sizeof(texts) - 1; len++)
		assert_false(passes_texts(&f, r, texts, len));
	shm_filter_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_containers_all_pass),
		cmocka_unit_test(test_only_what_it_mounts),
		cmocka_unit_test(test_bad_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

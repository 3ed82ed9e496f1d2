/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Surveys of real mounts in a namespace of their own, with a kernel side that says what we want. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>

#include "../../src/shm_survey.h"
#include "elsewhere.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PAGE 4096U

/* ---- a kernel side ---------------------------------------------------------------------------- */

struct shm_tracer {
	struct shm_charges charges;
	int charges_err;
	struct {
		struct rec_shm_file rec;
		char name[32];
	} files[4];
	size_t n_files;
	struct rec_shm_holder holders[4]; /* each follows its file */
	size_t n_holders;
	struct rec_shm_charger charger;
};

enum shm_chain shm_tracer_chain(const struct shm_tracer *t)
{
	(void)t;
	return SHM_CHAIN_TRACEPOINTS;
}

int shm_tracer_charges(struct shm_tracer *t, uint32_t dev, struct shm_charges *out)
{
	if (t->charges_err || dev != t->charges.dev)
		return t->charges_err ? t->charges_err : -ENOENT;
	*out = t->charges;
	return 0;
}

int shm_tracer_chargers(struct shm_tracer *t, record_fn fn, void *ctx)
{
	return t->charger.head.type ? fn(ctx, &t->charger.head, sizeof(t->charger)) : 0;
}

int shm_tracer_files(struct shm_tracer *t, record_fn fn, void *ctx)
{
	int err = 0;

	for (size_t i = 0; i < t->n_files && !err; i++) {
		struct rec_shm_file *rec = &t->files[i].rec;

		rec->head.type = REC_SHM_FILE;
		rec->head.size = (uint16_t)(sizeof(*rec) + strlen(t->files[i].name) + 1);
		err = fn(ctx, &rec->head, rec->head.size);
		for (size_t j = 0; j < t->n_holders && !err; j++) {
			struct rec_shm_holder *h = &t->holders[j];

			h->head.type = REC_SHM_HOLDER;
			h->head.size = sizeof(*h);
			if (h->ino == rec->ino && h->key == rec->key)
				err = fn(ctx, &h->head, sizeof(*h));
		}
	}
	return err;
}

/* ---- what a survey says ----------------------------------------------------------------------- */

#define TAKEN_MAX 64

struct taken {
	uint32_t dev; /* records of others are passed over */
	char *recs[TAKEN_MAX];
	size_t n;
	bool ended; /* by REC_SHM_SURVEY, after which there is nothing */
	int result;
};

static uint32_t dev_of(const struct rec_head *head)
{
	switch (head->type) {
	case REC_SHM_MOUNT:
		return ((const struct rec_shm_mount *)head)->dev;
	case REC_SHM_FILE:
		return ((const struct rec_shm_file *)head)->dev;
	case REC_SHM_HOLDER:
		return ((const struct rec_shm_holder *)head)->dev;
	case REC_SHM_CHARGER:
		return ((const struct rec_shm_charger *)head)->dev;
	default:
		return 0;
	}
}

static int take(void *ctx, const struct rec_head *rec, size_t size)
{
	struct taken *t = ctx;

	assert_int_equal(rec->size, size);
	assert_false(t->ended);
	t->ended = rec->type == REC_SHM_SURVEY;
	if (dev_of(rec) == t->dev && t->dev) {
		assert_true(t->n < TAKEN_MAX);
		t->recs[t->n] = malloc(size);
		assert_non_null(t->recs[t->n]);
		memcpy(t->recs[t->n++], rec, size);
	}
	return t->result;
}

static void forget(struct taken *t)
{
	while (t->n)
		free(t->recs[--t->n]);
	t->ended = false;
}

static const struct rec_shm_mount *mount_at(const struct taken *t, size_t i)
{
	assert_true(i < t->n);
	assert_int_equal(((const struct rec_head *)(void *)t->recs[i])->type, REC_SHM_MOUNT);
	return (const void *)t->recs[i];
}

static const char *text_at(const struct rec_shm_mount *rec, int n)
{
	const char *text = (const char *)(rec + 1);

	while (n--)
		text += strlen(text) + 1;
	return text;
}

/* The index of the only file record with this name. */
static size_t file_index(const struct taken *t, const char *name)
{
	size_t found = t->n;

	for (size_t i = 0; i < t->n; i++) {
		const struct rec_shm_file *rec = (const void *)t->recs[i];

		if (rec->head.type != REC_SHM_FILE || strcmp((const char *)(rec + 1), name) != 0)
			continue;
		assert_int_equal(found, t->n);
		found = i;
	}
	return found;
}

static const struct rec_shm_file *file_of(const struct taken *t, const char *name)
{
	size_t i = file_index(t, name);

	assert_true(i < t->n);
	return (const void *)t->recs[i];
}

static size_t count(const struct taken *t, int type)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += ((const struct rec_head *)(void *)t->recs[i])->type == type;
	return n;
}

/* ---- a tmpfs elsewhere ------------------------------------------------------------------------ */

struct fixture {
	char dir[64];
	struct elsewhere child;
	bool runs;
	struct taken taken;
	struct shm_survey *survey;
};

static bool make_file(const char *dir, const char *name, size_t pages)
{
	char path[128];
	int fd;
	bool ok;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_RDWR, 0600);
	ok = fd >= 0 && (!pages || !posix_fallocate(fd, 0, (off_t)pages * PAGE));
	close(fd);
	return ok;
}

static bool fill(const char *dir)
{
	char a[128], b[128];

	if (mount("t", dir, "tmpfs", 0, "size=1m,nr_inodes=50,mode=700"))
		return false;
	snprintf(a, sizeof(a), "%s/a", dir);
	snprintf(b, sizeof(b), "%s/sub", dir);
	if (!make_file(dir, "a", 2) || mkdir(b, 0700))
		return false;
	strcat(b, "/again");
	return !link(a, b) && make_file(dir, "held", 3) && make_file(dir, "new\nline", 0);
}

static bool add_one(const char *dir)
{
	return make_file(dir, "more", 10);
}

static bool umount_it(const char *dir)
{
	return !umount(dir);
}

static bool mount_another(const char *dir)
{
	return !umount(dir) && !mount("t", dir, "tmpfs", 0, "size=2m");
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/test-survey-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	if (f->runs)
		elsewhere_end(&f->child);
	shm_survey_destroy(f->survey);
	forget(&f->taken);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void look_there(const struct fixture *f, const char *path, struct stat *st)
{
	char where[256];

	snprintf(where, sizeof(where), "/proc/%d/root/%s/%s", (int)f->child.pid, f->dir, path);
	assert_int_equal(stat(where, st), 0);
}

static const char *name_of(void *ctx, const char *id)
{
	assert_null(ctx);
	return strcmp(id, ID) ? "" : "web\n1";
}

static void begin(struct fixture *f, elsewhere_fn prepare, elsewhere_fn then,
		  struct shm_tracer *tracer, bool files)
{
	const struct shm_survey_config config = {
		.tracer = tracer, .files = files, .fn = take, .ctx = &f->taken, .name = name_of
	};
	struct stat st;

	f->runs = elsewhere_begin(&f->child, CLONE_NEWNS, prepare, then, f->dir);
	if (!f->runs)
		skip();
	look_there(f, "", &st);
	f->taken.dev = SHM_DEV(major(st.st_dev), minor(st.st_dev));
	assert_int_equal(shm_survey_create(&config, &f->survey), 0);
	assert_int_equal(shm_survey_due_ns(f->survey), 0);
}

static void run(struct fixture *f)
{
	forget(&f->taken);
	assert_int_equal(shm_survey_run(f->survey), 0);
	assert_true(f->taken.ended);
}

/* ---- tests ------------------------------------------------------------------------------------ */

static void test_alone(void **state)
{
	struct fixture *f = *state;
	const struct rec_shm_mount *m;
	const struct rec_shm_file *a;
	struct stat st;

	begin(f, fill, NULL, NULL, true);
	run(f);
	m = mount_at(&f->taken, 0);
	assert_int_equal(m->flags, 0);
	assert_int_equal(m->limit_bytes, 1 << 20);
	assert_int_equal(m->used_bytes, 5 * PAGE);
	assert_int_equal(m->limit_inodes, 50);
	assert_true(m->used_inodes >= 5 && m->used_inodes <= 6); /* hard links may count */
	assert_true(m->peak_bytes == UNKNOWN_U64 && m->charged_bytes == UNKNOWN_U64);
	assert_string_equal(text_at(m, 0), f->dir);
	for (int i = 1; i <= 3; i++)
		assert_string_equal(text_at(m, i), "");
	assert_int_equal(f->taken.n, 4);
	look_there(f, "a", &st);
	a = file_of(&f->taken, file_index(&f->taken, "a") < 4 ? "a" : "sub/again");
	assert_int_equal(a->ino, st.st_ino);
	assert_int_equal(a->flags, SHM_FILE_HELD_UNKNOWN);
	assert_int_equal(a->kind, SHM_TMPFS);
	assert_int_equal(a->bytes, 2 * PAGE);
	assert_int_equal(a->size_bytes, 2 * PAGE);
	assert_int_equal(a->uid, geteuid());
	assert_int_equal(a->head.pid, 0);
	assert_true(a->peak_bytes == UNKNOWN_U64);
	assert_int_equal(file_of(&f->taken, "held")->bytes, 3 * PAGE);
	assert_int_equal(file_of(&f->taken, "new\nline")->bytes, 0);
	assert_true(shm_survey_due_ns(f->survey) >= 1000000000);
}

static void fill_tracer(const struct fixture *f, struct shm_tracer *t, uint64_t ino)
{
	const uint32_t dev = f->taken.dev;

	t->charges = (struct shm_charges){ dev, 4 * PAGE, 77, 100, 50 };
	t->files[0].rec = (struct rec_shm_file){ .head = { .pid = 12, .start_ns = 5 },
						 .dev = dev,
						 .ino = ino,
						 .flags = SHM_FILE_CREATOR | SHM_FILE_UNLINKED,
						 .bytes = 1,
						 .peak_bytes = 9 * PAGE,
						 .comm = "maker" };
	t->files[1].rec = (struct rec_shm_file){
		.dev = dev, .ino = 999999, .flags = SHM_FILE_UNLINKED, .bytes = PAGE
	};
	strcpy(t->files[1].name, "gone (deleted)");
	/* the same numbers on the internal superblock are another file */
	t->files[2].rec = (struct rec_shm_file){ .dev = 1, .ino = ino, .key = 3 };
	t->n_files = 3;
	t->holders[0] = (struct rec_shm_holder){
		.head.pid = 12, .dev = dev, .ino = ino, .flags = SHM_HOLDS_MAP
	};
	t->holders[1] = (struct rec_shm_holder){
		.head.pid = 13, .dev = dev, .ino = 999999, .flags = SHM_HOLDS_OPEN
	};
	t->holders[2] = (struct rec_shm_holder){ .head.pid = 14, .dev = dev, .ino = ino };
	t->n_holders = 3;
	t->charger = (struct rec_shm_charger){
		.head = { .type = REC_SHM_CHARGER, .size = sizeof(t->charger) }, .dev = dev
	};
}

static void test_joined(void **state)
{
	struct shm_tracer tracer = { 0 };
	struct fixture *f = *state;
	const struct rec_shm_holder *h;
	const struct rec_shm_file *file;
	const struct rec_shm_mount *m;
	struct stat st;
	size_t i;

	begin(f, fill, NULL, &tracer, true);
	look_there(f, "held", &st);
	fill_tracer(f, &tracer, st.st_ino);
	run(f);
	m = mount_at(&f->taken, 0);
	assert_int_equal(m->flags, SHM_MOUNT_TRACED);
	assert_int_equal(m->peak_bytes, 5 * PAGE); /* what is there now is no less than the peak */
	assert_int_equal(m->charged_bytes, 100);
	assert_int_equal(m->uncharged_bytes, 50);
	i = file_index(&f->taken, "held");
	file = file_of(&f->taken, "held");
	assert_int_equal(file->head.pid, 12);
	assert_string_equal(file->comm, "maker");
	assert_int_equal(file->flags, SHM_FILE_CREATOR);
	assert_int_equal(file->bytes, 3 * PAGE);
	assert_int_equal(file->peak_bytes, 9 * PAGE);
	for (uint32_t pid = 12; pid <= 14; pid += 2) {
		h = (const void *)f->taken.recs[++i];
		assert_int_equal(h->head.type, REC_SHM_HOLDER);
		assert_int_equal(h->head.pid, pid);
	}
	file = file_of(&f->taken, file_index(&f->taken, "a") < f->taken.n ? "a" : "sub/again");
	assert_int_equal(file->flags, SHM_FILE_BEFORE);
	assert_int_equal(file->peak_bytes, 2 * PAGE);
	assert_int_equal(file_of(&f->taken, "new\nline")->flags, 0);
	file = file_of(&f->taken, "gone (deleted)");
	assert_int_equal(file->flags, SHM_FILE_UNLINKED);
	assert_int_equal(file->bytes, PAGE);
	assert_int_equal(count(&f->taken, REC_SHM_FILE), 4);
	assert_int_equal(count(&f->taken, REC_SHM_HOLDER), 3);
	assert_int_equal(count(&f->taken, REC_SHM_CHARGER), 1);

	tracer.charges.peak_bytes = 20 * PAGE;
	run(f);
	assert_int_equal(mount_at(&f->taken, 0)->peak_bytes, 20 * PAGE);
	assert_int_equal(mount_at(&f->taken, 0)->peak_ns, 77);
	tracer.charges.dev = 0; /* nothing was charged to it */
	run(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_TRACED);
	assert_int_equal(mount_at(&f->taken, 0)->peak_bytes, 5 * PAGE);
	assert_int_equal(mount_at(&f->taken, 0)->charged_bytes, 0);
	tracer.charges_err = -EIO;
	run(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, 0);
	assert_true(mount_at(&f->taken, 0)->peak_bytes == UNKNOWN_U64);
}

static void read_again(struct fixture *f)
{
	forget(&f->taken);
	assert_int_equal(shm_survey_read(f->survey), 0);
	assert_false(f->taken.ended);
}

static void test_read(void **state)
{
	struct fixture *f = *state;

	begin(f, fill, add_one, NULL, true);
	read_again(f);
	assert_int_equal(f->taken.n, 0);
	run(f);
	assert_true(elsewhere_do(&f->child));
	read_again(f);
	assert_int_equal(f->taken.n, 1);
	assert_int_equal(mount_at(&f->taken, 0)->used_bytes, 15 * PAGE);
	assert_string_equal(text_at(mount_at(&f->taken, 0), 0), f->dir);
}

/* We are in nobody's way, and what is gone is not shown. */
static void test_umount(void **state)
{
	struct fixture *f = *state;

	begin(f, fill, umount_it, NULL, true);
	run(f);
	read_again(f);
	assert_int_equal(f->taken.n, 1);
	assert_true(elsewhere_do(&f->child));
	read_again(f);
	assert_int_equal(f->taken.n, 0);
	run(f);
	if (f->taken.n) /* another one of that number, of somebody else */
		assert_string_not_equal(text_at(mount_at(&f->taken, 0), 0), f->dir);
}

static void test_another(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	begin(f, fill, mount_another, NULL, true);
	run(f);
	assert_true(elsewhere_do(&f->child));
	look_there(f, "", &st);
	/* the kernel gives the lowest free number, unless somebody else was quicker */
	if (SHM_DEV(major(st.st_dev), minor(st.st_dev)) != f->taken.dev)
		skip();
	read_again(f);
	if (f->taken.n)
		skip(); /* a kernel that cannot tell them apart */
	run(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_ANOTHER);
	assert_int_equal(mount_at(&f->taken, 0)->limit_bytes, 2 << 20);
	read_again(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, 0);
	run(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, 0);
}

static void test_without_files(void **state)
{
	struct fixture *f = *state;

	begin(f, fill, NULL, NULL, false);
	run(f);
	assert_int_equal(f->taken.n, 1);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_NO_FILES);
}

/* A directory of it, mounted on a directory: the superblock's root cannot be reached. */
static bool show_a_part(const char *dir)
{
	char part[128];

	snprintf(part, sizeof(part), "%s/sub", dir);
	return fill(dir) && !mount(part, dir, NULL, MS_BIND, NULL);
}

static void test_part(void **state)
{
	struct fixture *f = *state;

	begin(f, show_a_part, NULL, NULL, true);
	run(f);
	assert_int_equal(f->taken.n, 1);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_NO_FILES);
	assert_int_equal(mount_at(&f->taken, 0)->used_bytes, 5 * PAGE);
	assert_non_null(strstr(shm_survey_gaps(f->survey), "whose files no path leads to"));
}

static bool bury(const char *dir)
{
	return fill(dir) && !mount("t", dir, "ramfs", 0, NULL);
}

/* No path leads to it any more, but its number does (not on arm64). */
static void test_buried(void **state)
{
	struct fixture *f = *state;
	char line[512], point[256];
	unsigned int high, low;
	FILE *mounts;

	begin(f, bury, NULL, NULL, true);
	snprintf(line, sizeof(line), "/proc/%d/mountinfo", (int)f->child.pid);
	mounts = fopen(line, "r");
	assert_non_null(mounts);
	while (fgets(line, sizeof(line), mounts))
		if (sscanf(line, "%*u %*u %u:%u %*s %255s", &high, &low, point) == 3 &&
		    !strcmp(point, f->dir) && strstr(line, " - tmpfs "))
			f->taken.dev = SHM_DEV(high, low);
	fclose(mounts);
	run(f);
	assert_int_equal(f->taken.n, 1);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_NO_FILES | SHM_MOUNT_HIDDEN);
	assert_int_equal(mount_at(&f->taken, 0)->head.pid, f->child.pid);
	assert_int_equal(mount_at(&f->taken, 0)->limit_bytes, 1 << 20);
	if (mount_at(&f->taken, 0)->used_bytes != UNKNOWN_U64)
		assert_int_equal(mount_at(&f->taken, 0)->used_bytes, 5 * PAGE);
	read_again(f);
	assert_int_equal(f->taken.n, 0); /* whose the number is now nobody knows */
}

static bool mount_dev_shm(const char *dir)
{
	(void)dir;
	return !mount("t", "/dev/shm", "tmpfs", 0, "size=1m");
}

static void test_target(void **state)
{
	struct fixture *f = *state;
	char path[64];
	struct stat st;

	begin(f, mount_dev_shm, NULL, NULL, true);
	snprintf(path, sizeof(path), "/proc/%d/root/dev/shm", (int)f->child.pid);
	assert_int_equal(stat(path, &st), 0);
	f->taken.dev = SHM_DEV(major(st.st_dev), minor(st.st_dev));
	run(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_DEV_SHM);
	assert_string_equal(text_at(mount_at(&f->taken, 0), 0), "/dev/shm");
	assert_int_equal(shm_survey_add_target(f->survey, (uint32_t)f->child.pid), 0);
	assert_int_equal(shm_survey_add_target(f->survey, (uint32_t)f->child.pid), 0);
	read_again(f);
	assert_int_equal(mount_at(&f->taken, 0)->flags, SHM_MOUNT_DEV_SHM | SHM_MOUNT_TARGET);
	elsewhere_end(&f->child);
	f->runs = false;
	assert_int_equal(shm_survey_add_target(f->survey, (uint32_t)f->child.pid), -ESRCH);
}

static bool mount_for_container(const char *dir)
{
	char path[256];

	if (mount("t", dir, "tmpfs", 0, NULL))
		return false;
	snprintf(path, sizeof(path), "%s/containers", dir);
	if (mkdir(path, 0700))
		return false;
	strcat(path, "/" ID);
	if (mkdir(path, 0700))
		return false;
	strcat(path, "/mounts");
	if (mkdir(path, 0700))
		return false;
	strcat(path, "/shm");
	return !mkdir(path, 0700) && !mount("t", path, "tmpfs", 0, "size=64m");
}

/* Docker's mount for a container whose own namespace is not seen. */
static void test_claim(void **state)
{
	const struct rec_shm_mount *m;
	struct fixture *f = *state;
	struct stat st;

	begin(f, mount_for_container, NULL, NULL, true);
	look_there(f, "containers/" ID "/mounts/shm", &st);
	f->taken.dev = SHM_DEV(major(st.st_dev), minor(st.st_dev));
	run(f);
	m = mount_at(&f->taken, 0);
	assert_int_equal(m->limit_bytes, 64 << 20);
	assert_string_equal(text_at(m, 0), "/dev/shm");
	assert_string_equal(text_at(m, 1), ID);
	assert_string_equal(text_at(m, 2), "web\n1");
	assert_string_equal(text_at(m, 3), "docker");
}

static void test_callback_refuses(void **state)
{
	struct fixture *f = *state;

	begin(f, fill, NULL, NULL, true);
	run(f);
	forget(&f->taken);
	f->taken.result = -ECANCELED;
	assert_int_equal(shm_survey_run(f->survey), -ECANCELED);
	assert_int_equal(shm_survey_read(f->survey), -ECANCELED);
	shm_survey_destroy(NULL);
}

int main(void)
{
#define SURVEY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SURVEY_TEST(test_alone),
		SURVEY_TEST(test_joined),
		SURVEY_TEST(test_read),
		SURVEY_TEST(test_umount),
		SURVEY_TEST(test_another),
		SURVEY_TEST(test_without_files),
		SURVEY_TEST(test_part),
		SURVEY_TEST(test_buried),
		SURVEY_TEST(test_target),
		SURVEY_TEST(test_claim),
		SURVEY_TEST(test_callback_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

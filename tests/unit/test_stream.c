/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams of real watches (tests/replay/NAME.events; stream.h says how one is made) go through the model once
 * more, and what each sink makes of them is compared with the files beside them, byte by byte: what is shown
 * of the same records must not change unnoticed. UPDATE_GOLDEN=1 rewrites those files; look at every
 * difference before it is committed. A recording of each must give back the same summaries.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "golden.h"
#include "recording/recorder.h"
#include "recording/recording.h"
#include "sinks/sink.h"
#include "stream.h"

#define DIR_NAME "tests/replay"

/* ---- playing ---------------------------------------------------------------------------------- */

struct player {
	FILE *in;
	struct model *model;
	uint64_t page_bytes;
	union { /* a record in memory that is aligned for it */
		struct rec_head head;
		struct stream_text text;
		char bytes[1 << 16];
	} item;
	size_t size;
	struct stream_item what;
};

static void open_player(struct player *p, const char *path)
{
	char magic[STREAM_MAGIC_LEN];

	p->in = fopen(path, "r");
	if (!p->in)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fread(magic, sizeof(magic), 1, p->in), 1);
	assert_memory_equal(magic, STREAM_MAGIC, sizeof(magic));
	assert_int_equal(fread(&p->page_bytes, sizeof(p->page_bytes), 1, p->in), 1);
	p->model = model_create(p->page_bytes, 1000);
	assert_non_null(p->model);
}

static void close_player(struct player *p)
{
	fclose(p->in);
	model_destroy(p->model);
}

/* False at the end, which is only between two items. */
static bool next_item(struct player *p)
{
	size_t got = fread(&p->what, 1, sizeof(p->what), p->in);

	if (!got && feof(p->in))
		return false;
	assert_int_equal(got, sizeof(p->what));
	assert_true(p->what.size < sizeof(p->item));
	memset(&p->item, 0, sizeof(p->item.text));
	if (p->what.size)
		assert_int_equal(fread(p->item.bytes, p->what.size, 1, p->in), 1);
	p->item.bytes[p->what.size] = '\0';
	return true;
}

static void set_text(struct player *p)
{
	const struct stream_text *t = &p->item.text;
	const char *text = p->what.flags & STREAM_NULL ? NULL : p->item.bytes + sizeof(*t);

	assert_true(p->what.size >= sizeof(*t));
	switch (t->which) {
	case TEXT_CMDLINE:
		model_set_cmdline(p->model, t->pid, t->at_ns, text);
		break;
	case TEXT_CONTAINER:
		model_set_container(p->model, t->pid, t->at_ns, text);
		break;
	case TEXT_OOM_CGROUP:
		model_set_oom_cgroup(p->model, t->pid, t->at_ns, text);
		break;
	case TEXT_SHM_CONTAINER:
		model_set_shm_container(p->model, t->pid, t->at_ns, text);
		break;
	default:
		fail_msg("a text of kind %u", t->which);
	}
}

/* Every tick but the last one is a tick of the sink; the last is its end, as in a watch. */
static void play(const char *path, struct sink **sinks, size_t n)
{
	struct player p;
	bool ticked = false;

	open_player(&p, path);
	while (next_item(&p)) {
		if (ticked)
			for (size_t i = 0; i < n; i++)
				assert_int_equal(
					sinks[i]->ops->tick(sinks[i], model_snapshot(p.model)), 0);
		ticked = false;
		if (p.what.is_text) {
			set_text(&p);
			continue;
		}
		assert_true(p.what.size >= sizeof(p.item.head));
		model_apply(p.model, &p.item.head, p.what.size);
		ticked = p.item.head.type == REC_TICK;
	}
	assert_true(ticked);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(sinks[i]->ops->finish(sinks[i], model_snapshot(p.model)), 0);
	close_player(&p);
}

/* ---- comparing -------------------------------------------------------------------------------- */

static struct run run_of(const char *name)
{
	return (struct run){ .version = "0.1.0",
			     .kernel_release = "of the stream",
			     .started = "2026-11-21T04:36:00+00:00",
			     .target = name,
			     .max_processes = 1000,
			     .interval_s = 0.2,
			     .ended_by = "the stream ended" };
}

typedef struct sink *create_fn(const struct run *run, FILE *out);

static const struct {
	create_fn *create;
	const char *ends; /* the golden file's name */
} kinds[] = {
	{ lines_create, "lines.txt" },   { csv_create, "csv" },
	{ json_create, "json" },         { summary_create, "summary.txt" },
	{ shm_json_create, "shm.json" }, { shm_csv_create, "shm.csv" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void compare(const char *stem, const char *ends, const char *is)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s.%s", stem, ends);
	check_golden(path, is);
}

#ifndef WITHOUT_SQLITE

/* What a recording of the stream gives back: of the sinks that say it all at the end. */
static void check_recording(const char *stem, const char *path, const char *name)
{
	char dir[] = "/tmp/memmon-test-XXXXXX", file_name[64], why[256] = "";
	struct run run = run_of(name);
	struct recorder_config config = { .path = file_name, .max_bytes = RECORDER_MAX_BYTES };
	const struct snapshot *s;
	struct recorder_file *file;
	struct recording *r;
	struct sink *sink;

	assert_non_null(mkdtemp(dir));
	snprintf(file_name, sizeof(file_name), "%s/run.memmon", dir);
	if (recorder_open(&config, &file, why, sizeof(why)))
		fail_msg("%s: %s", file_name, why);
	sink = recorder_create(&run, file);
	assert_non_null(sink);
	play(path, &sink, 1);
	sink->ops->destroy(sink);
	if (recording_open(file_name, &r, why, sizeof(why)) ||
	    recording_snapshot(r, &s, why, sizeof(why)))
		fail_msg("%s: %s", file_name, why);
	for (size_t i = 2; i < 4; i++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		sink = kinds[i].create(recording_run(r), out);
		assert_int_equal(sink->ops->finish(sink, s), 0);
		sink->ops->destroy(sink);
		fclose(out);
		compare(stem, kinds[i].ends, text);
		free(text);
	}
	recording_close(r);
	unlink(file_name);
	rmdir(dir);
}

#else

static void check_recording(const char *stem, const char *path, const char *name)
{
	(void)stem;
	(void)path;
	(void)name;
}

#endif

static void check_stream(const char *name)
{
	char path[512], stem[512];
	struct run run = run_of(name);
	struct sink *sinks[KINDS];
	char *texts[KINDS];
	size_t lens[KINDS];
	FILE *outs[KINDS];

	snprintf(path, sizeof(path), DIR_NAME "/%s.events", name);
	snprintf(stem, sizeof(stem), DIR_NAME "/%s", name);
	for (size_t i = 0; i < KINDS; i++) {
		outs[i] = open_memstream(&texts[i], &lens[i]);
		assert_non_null(outs[i]);
		sinks[i] = kinds[i].create(&run, outs[i]);
		assert_non_null(sinks[i]);
	}
	play(path, sinks, KINDS);
	for (size_t i = 0; i < KINDS; i++) {
		sinks[i]->ops->destroy(sinks[i]);
		fclose(outs[i]);
		compare(stem, kinds[i].ends, texts[i]);
		free(texts[i]);
	}
	check_recording(stem, path, name);
}

static void test_streams(void **state)
{
	struct dirent **names;
	int n = scandir(DIR_NAME, &names, NULL, alphasort), played = 0;

	(void)state;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		char *end = strstr(names[i]->d_name, ".events");

		if (end && !end[strlen(".events")]) {
			*end = '\0';
			check_stream(names[i]->d_name);
			played++;
		}
		free(names[i]);
	}
	free(names);
	assert_true(played >= 4);
}

/* What is stored is what was applied, texts too, and it plays to the same numbers. */
static void test_what_is_stored(void **state)
{
	char path[] = "/tmp/memmon-test-XXXXXX", *once = NULL, *twice = NULL;
	int fd = mkstemp(path);
	struct stream stream = { .out = { 0 } };
	struct model *m = model_create(4096, 10);
	struct rec_oom oom = { .head = { .type = REC_OOM,
					 .size = sizeof(oom),
					 .pid = 7,
					 .ts_ns = 2000000000,
					 .start_ns = 1 },
			       .comm = "python3" };
	struct rec_start start = { .head = { .type = REC_START,
					     .size = sizeof(start),
					     .pid = 7,
					     .ts_ns = 1000000000,
					     .start_ns = 1 },
				   .how = START_ADOPTED };
	struct rec_head tick = { .type = REC_TICK, .size = sizeof(tick), .ts_ns = 3000000000 };
	struct run run = run_of("stored");
	struct sink *sink;
	size_t len;
	FILE *out;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(stream_open(&stream, path, m, 4096), 0);
	assert_int_equal(model_apply(m, &start.head, sizeof(start)), 0);
	assert_int_equal(model_set_cmdline(m, 7, 1, "python3 \xff train.py"), 0);
	assert_int_equal(model_set_container(m, 7, 1, ""), 0);
	assert_int_equal(model_set_container(m, 7, 1, NULL), 0);
	assert_int_equal(model_apply(m, &oom.head, sizeof(oom)), 0);
	assert_int_equal(model_set_oom_cgroup(m, 7, oom.head.ts_ns, "/a"), 0);
	assert_int_equal(model_apply(m, &tick, sizeof(tick)), 0);
	assert_int_equal(stream_close(&stream), 0);

	out = open_memstream(&once, &len);
	sink = json_create(&run, out);
	assert_int_equal(sink->ops->finish(sink, model_snapshot(m)), 0);
	sink->ops->destroy(sink);
	fclose(out);
	out = open_memstream(&twice, &len);
	sink = json_create(&run, out);
	play(path, &sink, 1);
	sink->ops->destroy(sink);
	fclose(out);
	assert_string_equal(once, twice);
	assert_non_null(strstr(once, "train.py"));
	assert_non_null(strstr(once, "\"/a\""));
	free(once);
	free(twice);
	model_destroy(m);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_stored),
		cmocka_unit_test(test_streams),
	};

	setlocale(LC_ALL, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

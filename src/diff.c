// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two inputs, each a recording or a JSON summary: told apart by how the file begins. A recording becomes
 * the summary that its watch would have written.
 */
#include "diff.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording/recording.h"
#include "report/compare.h"
#include "util/escape.h"
#include "util/outfile.h"

#define EXIT_FAILED 1
#define EXIT_CONDITION 3

struct input {
	struct side side;
	struct recording *recording; /* NULL for a summary */
};

static int say(const char *name, const char *why)
{
	char shown[512];

	escape_bytes(shown, sizeof(shown), name, strlen(name));
	fprintf(stderr, "memmon-bpf diff: '%s': %s\n", shown, why);
	return -EIO;
}

/* All that there is to read, at most SUMMARY_MAX_BYTES; free() it. */
static int read_all(int fd, char **text, size_t *len)
{
	size_t cap = 0;
	char *grown;
	ssize_t n;

	*text = NULL;
	*len = 0;
	for (;;) {
		if (*len == cap) {
			if (cap > SUMMARY_MAX_BYTES)
				return -EFBIG;
			cap = cap ? 2 * cap : 64 << 10;
			grown = realloc(*text, cap);
			if (!grown)
				return -ENOMEM;
			*text = grown;
		}
		n = read(fd, *text + *len, cap - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*len += (size_t)n;
	}
}

/* SQLite's file format, 1.3: the first 16 bytes. */
static bool is_recording(int fd)
{
	char magic[16];
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, "SQLite format 3", sizeof(magic)) == 0;
}

/* The summary of a recording, in memory; free() it. */
static int summarize(struct recording *r, char **text, size_t *len, char *why, size_t why_len)
{
	const struct snapshot *s;
	struct sink *json;
	FILE *out;
	int err = recording_snapshot(r, &s, why, why_len);

	if (err)
		return err;
	out = open_memstream(text, len);
	json = out ? json_create(recording_run(r), out) : NULL;
	err = json ? json->ops->finish(json, s) : -ENOMEM;
	if (json)
		json->ops->destroy(json);
	if (out && fclose(out) && !err)
		err = -ENOMEM;
	return err;
}

static int load_recording(struct input *in, const char *name)
{
	char why[512] = "", *text = NULL;
	size_t len = 0;
	int err = recording_open(name, &in->recording, why, sizeof(why));

	if (!err)
		err = summarize(in->recording, &text, &len, why, sizeof(why));
	if (!err)
		err = side_read(&in->side, text, len, why, sizeof(why));
	free(text);
	if (err)
		return say(name, *why ? why : strerror(-err));
	in->side.is_recording = true;
	in->side.incomplete = !recording_info(in->recording)->complete;
	in->side.machine = recording_info(in->recording)->machine;
	return 0;
}

static int load_summary(struct input *in, const char *name, int fd)
{
	char why[512] = "", *text = NULL;
	size_t len = 0;
	int err = read_all(fd, &text, &len);

	if (err == -EFBIG)
		snprintf(why, sizeof(why), "is larger than any summary (%u MiB)",
			 SUMMARY_MAX_BYTES >> 20);
	else if (!err && !len)
		err = say(name, "it is empty; give a recording, or what --json of a watch wrote");
	else if (!err)
		err = side_read(&in->side, text, len, why, sizeof(why));
	free(text);
	if (err && err != -EIO)
		say(name, *why ? why : strerror(-err));
	return err;
}

static int load(struct input *in, const char *name)
{
	int fd = STDIN_FILENO, err;

	if (strcmp(name, "-") != 0)
		fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return say(name, strerror(errno));
	if (is_recording(fd))
		err = fd == STDIN_FILENO ?
			      say(name, "a recording is no stream; give its name instead of -") :
			      load_recording(in, name);
	else
		err = load_summary(in, name, fd);
	if (fd != STDIN_FILENO)
		close(fd);
	in->side.name = strcmp(name, "-") == 0 ? "standard input" : name;
	return err;
}

static int write_json(const struct diff_options *o, const struct comparison *c,
		      const struct compare_style *style, struct outfile *file)
{
	char name[256];
	int err, closed;

	if (!o->json)
		return 0;
	err = compare_json_write(c, style, file->file);
	closed = outfile_close(file);
	if (!err)
		err = closed;
	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), o->json, strlen(o->json));
	fprintf(stderr, "memmon-bpf diff: --json: cannot write %s: %s\n",
		strcmp(o->json, "-") == 0 ? "standard output" : name, strerror(-err));
	return err;
}

/* The text, or where JSON has taken its place what of the condition holds. */
static int write_text(const struct diff_options *o, const struct comparison *c,
		      const struct compare_style *style)
{
	char text[COMPARE_PART_LEN], shown[COMPARE_PART_LEN];
	int err = 0;

	if (!o->json || strcmp(o->json, "-") != 0) {
		err = compare_text_write(c, style, stdout);
		if (err)
			fprintf(stderr, "memmon-bpf diff: cannot write standard output: %s\n",
				strerror(-err));
		return err;
	}
	for (size_t i = 0; o->fail_if && i < expr_parts(o->fail_if); i++) {
		struct expr_part part = expr_part(o->fail_if, i);

		if (expr_part_holds(o->fail_if, i, comparison_field(c, part.field)) == EXPR_FALSE)
			continue;
		compare_part_text(text, c, i, style);
		escape_bytes(shown, sizeof(shown), text, strlen(text));
		fprintf(stderr, "memmon-bpf diff: %s\n", shown);
	}
	return 0;
}

static int open_json(const struct diff_options *o, struct outfile *file)
{
	char name[256];
	int err;

	if (!o->json)
		return 0;
	err = outfile_open(file, o->json);
	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), o->json, strlen(o->json));
	fprintf(stderr, "memmon-bpf diff: --json: cannot write '%s': %s; name another file\n", name,
		outfile_reason(file, err));
	return err;
}

static int refuse_input_as_output(const struct diff_options *o)
{
	if (!o->json || (!outfile_is(o->json, o->a) && !outfile_is(o->json, o->b)))
		return 0;
	return say(o->json, "--json would overwrite what is compared; name another file");
}

static int compare(const struct diff_options *o, struct input *a, struct input *b,
		   struct comparison *c)
{
	struct compare_style style = {
		.version = MEMMON_VERSION,
		.unit = o->unit,
		.color = !o->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO),
	};
	struct outfile json = { .file = NULL };
	int err = load(a, o->a);

	if (!err)
		err = load(b, o->b);
	if (!err)
		err = refuse_input_as_output(o);
	if (!err)
		err = open_json(o, &json);
	if (err)
		return err;
	err = comparison_make(c, &a->side, &b->side, o->fail_if);
	if (err) {
		fprintf(stderr, "memmon-bpf diff: %s\n", strerror(-err));
		outfile_close(&json);
		return err;
	}
	err = write_json(o, c, &style, &json);
	return write_text(o, c, &style) ? -EIO : err;
}

int diff_run(const struct diff_options *o)
{
	struct input a = { .recording = NULL }, b = { .recording = NULL };
	struct comparison c = { .a = NULL };
	int status;

	signal(SIGPIPE, SIG_IGN); /* a reader that went away is told of */
	if (compare(o, &a, &b, &c))
		status = EXIT_FAILED;
	else
		status = c.failed ? EXIT_CONDITION : 0;
	comparison_finish(&c);
	side_finish(&a.side);
	side_finish(&b.side);
	recording_close(a.recording);
	recording_close(b.recording);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A recording is opened and its last snapshot made, the condition is asked, and each output is
 * written by a function of its own: the sinks of a watch, fed with that snapshot, and the exports and
 * pictures, which read the series. An output that fails is told of, and the others go on.
 */
#include "report.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/export.h"
#include "report/html.h"
#include "report/picture.h"
#include "report/timeline.h"
#include "util/escape.h"
#include "util/outfile.h"

#define EXIT_FAILED 1
#define EXIT_CONDITION 3

#define NAME_LEN 512

struct report {
	const struct report_options *o;
	struct recording *recording;
	struct run run; /* of the recording, shown as the options say */
	const struct snapshot *s;
	struct outfile files[REPORT_FORMATS];
	bool failed;
};

static const char *shown(char *dst, const char *name)
{
	if (strcmp(name, "-") == 0)
		snprintf(dst, NAME_LEN, "standard output");
	else
		escape_bytes(dst, NAME_LEN, name, strlen(name));
	return dst;
}

static int say(const struct report *rp, const char *what)
{
	char name[NAME_LEN];

	fprintf(stderr, "memmon-bpf report: '%s': %s\n", shown(name, rp->o->recording), what);
	return -EIO;
}

/* ---- what the outputs are made by ---- */

static int sink_write(const struct report *rp,
		      struct sink *(*create)(const struct run *run, FILE *out), FILE *out)
{
	struct sink *sink = create(&rp->run, out);
	int err;

	if (!sink)
		return -ENOMEM;
	err = sink->ops->finish(sink, rp->s);
	sink->ops->destroy(sink);
	return err;
}

static int json_write(const struct report *rp, FILE *out)
{
	return sink_write(rp, json_create, out);
}

static int openmetrics_write(const struct report *rp, FILE *out)
{
	return sink_write(rp, openmetrics_create, out);
}

static int csv_write(const struct report *rp, FILE *out)
{
	return timeline_csv_write(rp->recording, &rp->run, out);
}

static int trace_write(const struct report *rp, FILE *out)
{
	return perfetto_write(rp->recording, &rp->run, out);
}

static int svg_write(const struct report *rp, FILE *out)
{
	return picture_svg_write(rp->recording, &rp->run, out);
}

static int png_write(const struct report *rp, FILE *out)
{
	return picture_png_write(rp->recording, &rp->run, out);
}

static int page_write(const struct report *rp, FILE *out)
{
	return html_write(rp->recording, &rp->run, out);
}

typedef int write_fn(const struct report *rp, FILE *out);

static write_fn *const writers[REPORT_FORMATS] = {
	[REPORT_JSON] = json_write,      [REPORT_CSV] = csv_write,
	[REPORT_PERFETTO] = trace_write, [REPORT_OPENMETRICS] = openmetrics_write,
	[REPORT_SVG] = svg_write,        [REPORT_PNG] = png_write,
	[REPORT_HTML] = page_write,
};

/* ---- the recording ---- */

static int open_recording(struct report *rp)
{
	const struct report_options *o = rp->o;
	char why[512] = "";
	int err = recording_open(o->recording, &rp->recording, why, sizeof(why));

	if (!err)
		err = recording_snapshot(rp->recording, &rp->s, why, sizeof(why));
	if (err)
		return say(rp, *why ? why : strerror(-err));
	rp->run = *recording_run(rp->recording);
	if (o->unit)
		rp->run.unit = o->unit;
	if (o->from_zero)
		rp->run.from_zero = true;
	if (o->max_processes)
		rp->run.max_processes = o->max_processes;
	if (!recording_info(rp->recording)->complete && !rp->run.ended_by)
		rp->run.ended_by =
			"the recording breaks off (memmon-bpf was killed, or still runs)";
	return 0;
}

/* Of a moment in the series only their fields are known. */
static struct field_pair field_then(const void *ctx, const struct field *f)
{
	struct field_pair p = { .after.known = false };

	if (f->flags & FIELD_TIMELINE)
		p.after = f->get(ctx);
	return p;
}

/* As the watch asks it: at each interval, and at the end. */
static int ask_condition(struct report *rp)
{
	const struct expr *condition = rp->o->fail_if;
	const struct snapshot *s;
	struct timeline *t = NULL;
	bool holds;
	int err;

	if (!condition)
		return 0;
	holds = expr_holds(condition, rp->s);
	err = holds ? 0 : timeline_open(rp->recording, rp->s, &t);
	while (!err && !holds) {
		err = timeline_next(t, &s);
		if (err != 1)
			break;
		err = 0;
		holds = expr_diff_holds(condition, field_then, s);
	}
	timeline_close(t);
	if (err < 0)
		return say(rp, strerror(-err));
	rp->run.fail_if = holds ? expr_text(condition) : NULL;
	return 0;
}

/* ---- the outputs ---- */

/* Nothing is replaced by what cannot be made. */
static int check_pictures(const struct report_options *o)
{
	int err = o->files[REPORT_SVG] || o->files[REPORT_PNG] ? picture_check() : 0;

	if (err)
		fprintf(stderr, "memmon-bpf report: %s: %s\n",
			report_option(o->files[REPORT_SVG] ? REPORT_SVG : REPORT_PNG),
			picture_reason(err));
	return err;
}

/* Its newest part may lie beside it. */
static bool is_recording(const struct report_options *o, const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[PATH_MAX];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", o->recording, suffixes[i]);
		if (outfile_is(path, name))
			return true;
	}
	return false;
}

static int open_files(struct report *rp)
{
	char name[NAME_LEN];
	int err = check_pictures(rp->o);

	if (err)
		return err;
	for (int i = 0; i < REPORT_FORMATS; i++) {
		const char *path = rp->o->files[i];

		if (!path)
			continue;
		if (is_recording(rp->o, path)) {
			fprintf(stderr,
				"memmon-bpf report: %s: '%s' is the recording itself; name another file\n",
				report_option(i), shown(name, path));
			return -EINVAL;
		}
		err = outfile_open(&rp->files[i], path);
		if (!err)
			continue;
		fprintf(stderr, "memmon-bpf report: %s: cannot write '%s': %s; name another file\n",
			report_option(i), shown(name, path), outfile_reason(&rp->files[i], err));
		return err;
	}
	return 0;
}

static void fail(struct report *rp, const char *option, const char *path, int err)
{
	char name[NAME_LEN];

	rp->failed = true;
	fprintf(stderr, "memmon-bpf report: %s%scannot write %s: %s\n", option, *option ? ": " : "",
		shown(name, path), picture_reason(err));
}

static void write_files(struct report *rp)
{
	for (int i = 0; i < REPORT_FORMATS; i++) {
		int err, closed;

		if (!rp->files[i].file)
			continue;
		err = writers[i](rp, rp->files[i].file);
		closed = outfile_close(&rp->files[i]);
		if (!err)
			err = closed;
		if (err == -EINVAL)
			rp->failed = say(rp, "it is damaged: rows cannot be read") != 0;
		else if (err)
			fail(rp, report_option(i), rp->o->files[i], err);
	}
}

static void write_text(struct report *rp)
{
	int err;

	rp->run.color = !rp->o->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO);
	err = sink_write(rp, summary_create, stdout);
	if (err)
		fail(rp, "", "-", err);
}

/* What only the text would have told. */
static void tell(const struct report *rp)
{
	if (!recording_info(rp->recording)->complete)
		say(rp, rp->run.ended_by);
	if (!recording_info(rp->recording)->samples)
		say(rp, "it is empty: nothing was read");
	if (rp->run.fail_if)
		fprintf(stderr, "memmon-bpf report: failed: %s\n", rp->run.fail_if);
}

static int write_all(struct report *rp)
{
	int err = open_recording(rp);

	if (!err)
		err = ask_condition(rp);
	if (!err)
		err = open_files(rp);
	if (err)
		return err;
	if (report_options_has_files(rp->o)) {
		write_files(rp);
		tell(rp);
	} else {
		write_text(rp);
	}
	return rp->failed ? -EIO : 0;
}

int report_run(const struct report_options *o)
{
	struct report rp = { .o = o };
	int status;

	signal(SIGPIPE, SIG_IGN); /* a reader that went away is told of, and ends no other output */
	if (write_all(&rp))
		status = EXIT_FAILED;
	else
		status = o->fail_if && rp.run.fail_if ? EXIT_CONDITION : 0;
	for (int i = 0; i < REPORT_FORMATS; i++)
		outfile_close(&rp.files[i]);
	recording_close(rp.recording);
	return status;
}

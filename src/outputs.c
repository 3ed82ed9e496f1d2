// SPDX-License-Identifier: GPL-2.0-or-later
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os/machine.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/outdir.h"

FILE *outputs_text(const struct options *o)
{
	bool taken = o->command || (o->json && strcmp(o->json, "-") == 0) ||
		     (o->csv && strcmp(o->csv, "-") == 0) ||
		     (o->mprof && strcmp(o->mprof, "-") == 0);

	return taken ? stderr : stdout;
}

static int add(struct outputs *outs, struct sink *sink, const char *name)
{
	struct output *out = &outs->list[outs->n];

	if (strcmp(name, "-") == 0)
		name = "standard output";
	if (!sink) {
		fprintf(stderr, "memmon-bpf: %s: %s\n", name, strerror(ENOMEM));
		return -ENOMEM;
	}
	out->sink = sink;
	escape_bytes(out->name, sizeof(out->name), name, strlen(name));
	outs->n++;
	return 0;
}

static int open_file(struct outfile *file, const char *option, const char *path)
{
	char name[256];
	int err = outfile_open(file, path);

	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), path, strlen(path));
	fprintf(stderr, "memmon-bpf: %s: cannot write '%s': %s; name another file\n", option, name,
		outfile_reason(file, err));
	return err;
}

/* All files at once: when they are written, we may no longer be allowed to create them. */
static int open_log_dir(struct outputs *outs, const char *dir)
{
	const char *why = NULL;
	char name[256], path[128];
	int fd = outdir_open(dir, &why), err = fd < 0 ? fd : 0;

	if (err) {
		escape_bytes(name, sizeof(name), dir, strlen(dir));
		fprintf(stderr,
			"memmon-bpf: --log-dir: cannot use '%s': %s; name another directory\n",
			name, why ? why : strerror(-err));
		return err;
	}
	for (int i = 0; !err && i < LOG_DIR_FILES; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, log_dir_names[i]);
		err = outfile_open(&outs->log_dir[i], path);
		if (!err)
			continue;
		escape_bytes(name, sizeof(name), dir, strlen(dir));
		fprintf(stderr,
			"memmon-bpf: --log-dir: cannot write '%s' in '%s': %s; name another directory\n",
			log_dir_names[i], name, outfile_reason(&outs->log_dir[i], err));
	}
	close(fd);
	return err;
}

static struct sink *make_log_dir(const struct outputs *outs, const struct run *run, FILE *table)
{
	FILE *files[LOG_DIR_FILES];

	for (int i = 0; i < LOG_DIR_FILES; i++)
		files[i] = outs->log_dir[i].file;
	return log_dir_create(run, files, table);
}

static int open_record(struct outputs *outs, const struct options *o)
{
	char name[256], why[256], machine[MACHINE_ID_LEN];
	struct recorder_config config = {
		.path = o->record,
		.max_bytes = o->max_bytes,
		.now_ns = (int64_t)monotonic_ns(),
		.machine = machine_id(machine) ? machine : NULL,
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct timespec now;
	int err;

	clock_gettime(CLOCK_REALTIME, &now);
	config.realtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - config.now_ns;
	if (cpus > 0)
		config.cpus = (uint64_t)cpus;
	err = recorder_open(&config, &outs->record, why, sizeof(why));
	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), o->record, strlen(o->record));
	fprintf(stderr, "memmon-bpf: -o: cannot record to '%s': %s\n", name, why);
	return err;
}

bool outputs_need_override(const struct outputs *outs)
{
	return outs->needs_override;
}

/* The live screen, where it is wanted and the terminal can show it. */
static bool add_live(struct outputs *outs, const struct options *o, const struct run *run,
		     FILE *text)
{
	if (o->command || o->lines || o->quiet || text != stdout || !isatty(STDOUT_FILENO) ||
	    !isatty(STDIN_FILENO))
		return false;
	if (live_create(run, STDIN_FILENO, &outs->live))
		return false;
	outs->live_fd = STDIN_FILENO;
	return add(outs, outs->live, "the live screen") == 0;
}

int outputs_open(struct outputs *outs, const struct options *o)
{
	int err = 0;

	*outs = (struct outputs){ .live_fd = -1 };
	if (o->json)
		err = open_file(&outs->json, "--json", o->json);
	if (!err && o->csv)
		err = open_file(&outs->csv, "--csv", o->csv);
	if (!err && o->mprof)
		err = open_file(&outs->mprof, "--mprof", o->mprof);
	if (!err && o->log_dir)
		err = open_log_dir(outs, o->log_dir);
	if (!err && o->record)
		err = open_record(outs, o);
	if (outs->record)
		outs->needs_override = recorder_needs_override(outs->record);
	return err;
}

int outputs_start(struct outputs *outs, const struct options *o, const struct run *run)
{
	FILE *text = outputs_text(o);
	int err = 0;

	if (o->json)
		err = add(outs, json_create(run, outs->json.file), o->json);
	if (!err && o->csv)
		err = add(outs, csv_create(run, outs->csv.file), o->csv);
	if (!err && o->mprof)
		err = add(outs, mprof_create(run, outs->mprof.file), o->mprof);
	if (!err && outs->record) {
		err = add(outs, recorder_create(run, outs->record), o->record);
		outs->record = NULL;
	}
	if (!err && !o->quiet && !add_live(outs, o, run, text) && (!o->command || o->lines))
		err = add(outs, lines_create(run, text), "the lines");
	if (!err && !o->quiet)
		err = add(outs, summary_create(run, text), "the summary");
	/* its table stands below the summary */
	if (!err && o->log_dir)
		err = add(outs, make_log_dir(outs, run, o->quiet ? NULL : text), o->log_dir);
	return err;
}

static void destroy(struct outputs *outs, struct output *out)
{
	if (out->sink == outs->live)
		outs->live = NULL;
	if (out->sink)
		out->sink->ops->destroy(out->sink);
	out->sink = NULL;
}

static void give_up(struct outputs *outs, struct output *out, int err)
{
	const struct sink_ops *ops = out->sink->ops;
	bool text = strcmp(ops->name, "lines") == 0;
	char why[256];

	snprintf(why, sizeof(why), "%s",
		 ops->reason ? ops->reason(out->sink, err) : strerror(-err));
	destroy(outs, out);
	outs->failed = true;
	if (text && err == -EPIPE)
		outs->text_closed = true;
	if (outs->text_closed && !text)
		return; /* the same pipe: it was said */
	fprintf(stderr, "memmon-bpf: cannot write %s: %s%s\n", out->name, why,
		outs->text_closed ? "; the watch ends" : "");
}

void outputs_tick(struct outputs *outs, const struct snapshot *s)
{
	for (size_t i = 0; i < outs->n; i++) {
		struct output *out = &outs->list[i];
		int err = out->sink && out->sink->ops->tick ? out->sink->ops->tick(out->sink, s) :
							      0;

		if (err)
			give_up(outs, out, err);
	}
}

static void close_file(struct outputs *outs, struct outfile *file, const char *option)
{
	int err = file->file ? outfile_close(file) : 0;

	if (!err)
		return;
	if (!outs->failed)
		fprintf(stderr, "memmon-bpf: %s: %s\n", option, strerror(-err));
	outs->failed = true;
}

void outputs_finish(struct outputs *outs, const struct snapshot *s)
{
	/* the terminal is the shell's again before the summary is printed on it */
	for (size_t i = 0; i < outs->n; i++)
		if (outs->live && outs->list[i].sink == outs->live)
			destroy(outs, &outs->list[i]);
	for (size_t i = 0; i < outs->n; i++) {
		struct output *out = &outs->list[i];
		int err = out->sink && out->sink->ops->finish ?
				  out->sink->ops->finish(out->sink, s) :
				  0;

		if (err)
			give_up(outs, out, err);
	}
	outputs_abandon(outs);
}

void outputs_abandon(struct outputs *outs)
{
	for (size_t i = 0; i < outs->n; i++)
		destroy(outs, &outs->list[i]);
	outs->n = 0;
	recorder_close(outs->record);
	outs->record = NULL;
	close_file(outs, &outs->json, "--json");
	close_file(outs, &outs->csv, "--csv");
	close_file(outs, &outs->mprof, "--mprof");
	for (int i = 0; i < LOG_DIR_FILES; i++)
		close_file(outs, &outs->log_dir[i], "--log-dir");
}

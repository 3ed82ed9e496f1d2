// SPDX-License-Identifier: GPL-2.0-or-later
#include "shm_outputs.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sinks/remedy.h"
#include "sinks/shm_show.h"
#include "util/escape.h"

static bool is_stdout(const char *file)
{
	return file && strcmp(file, "-") == 0;
}

static int open_file(struct outfile *file, const char *option, const char *path)
{
	char name[256];
	int err = path ? outfile_open(file, path) : 0;

	if (!err)
		return 0;
	escape_bytes(name, sizeof(name), path, strlen(path));
	fprintf(stderr, "memmon-bpf: %s: cannot write '%s': %s; name another file\n", option, name,
		outfile_reason(file, err));
	return err;
}

int shm_outputs_open(struct shm_outputs *outs, const struct shm_options *o)
{
	int err;

	*outs = (struct shm_outputs){ 0 };
	err = open_file(&outs->json, "--json", o->json);
	return err ? err : open_file(&outs->csv, "--csv", o->csv);
}

static int add(struct shm_outputs *outs, struct sink *sink, const char *name)
{
	if (is_stdout(name))
		name = "standard output";
	if (!sink) {
		fprintf(stderr, "memmon-bpf: %s: %s\n", name, strerror(ENOMEM));
		return -ENOMEM;
	}
	outs->list[outs->n].sink = sink;
	escape_bytes(outs->list[outs->n].name, sizeof(outs->list[outs->n].name), name,
		     strlen(name));
	outs->n++;
	return 0;
}

/* 0 = any: a pipe or a file has no edge. */
static int width_of(FILE *text)
{
	struct winsize size;

	if (!isatty(fileno(text)) || ioctl(fileno(text), TIOCGWINSZ, &size) || !size.ws_col)
		return 0;
	return size.ws_col;
}

int shm_outputs_start(struct shm_outputs *outs, const struct shm_options *o, const struct run *run)
{
	int err = 0;

	if (o->json)
		err = add(outs, shm_json_create(run, outs->json.file), o->json);
	if (!err && o->csv)
		err = add(outs, shm_csv_create(run, outs->csv.file), o->csv);
	if (err || is_stdout(o->json) || is_stdout(o->csv))
		return err;
	outs->text = stdout;
	if (o->watch && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) &&
	    shm_live_create(run, STDIN_FILENO, o->files, &outs->live))
		outs->live = NULL; /* a terminal that cannot show it */
	return add(outs, shm_table_create(run, stdout, o->files, width_of(stdout)), "the table");
}

static void give_up(struct shm_outputs *outs, size_t i, int err)
{
	outs->list[i].sink->ops->destroy(outs->list[i].sink);
	outs->list[i].sink = NULL;
	outs->failed = true;
	fprintf(stderr, "memmon-bpf: cannot write %s: %s\n", outs->list[i].name, strerror(-err));
}

/* Told at once, where no screen shows them. */
static void tell_failures(struct shm_outputs *outs, const struct snapshot *s)
{
	FILE *out = outs->text ? outs->text : stderr;
	uint64_t newest = outs->told;
	char text[SHM_TEXT_LEN];

	for (size_t i = 0; s->shm && i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];

		for (size_t j = 0; j < m->n_full; j++) {
			const struct shm_full *full = &m->full[j];

			if (full->number <= outs->told)
				continue;
			if (full->number > newest)
				newest = full->number;
			fprintf(out, "! %s", shm_show_full(text, sizeof(text), s, m, full, NULL));
			remedy_write(text, sizeof(text), m, full);
			fprintf(out, "%s%s\n", *text ? "; remedy: " : "", text);
		}
	}
	outs->told = newest;
	fflush(out);
}

void shm_outputs_tick(struct shm_outputs *outs, const struct snapshot *s)
{
	for (size_t i = 0; i < outs->n; i++) {
		struct sink *sink = outs->list[i].sink;
		int err = sink ? sink->ops->tick(sink, s) : 0;

		if (err)
			give_up(outs, i, err);
	}
	if (outs->live)
		outs->live->ops->tick(outs->live, s);
	else
		tell_failures(outs, s);
}

static void leave_screen(struct shm_outputs *outs)
{
	if (outs->live)
		outs->live->ops->destroy(outs->live);
	outs->live = NULL;
}

static void close_file(struct shm_outputs *outs, struct outfile *file, const char *option)
{
	int err = file->file ? outfile_close(file) : 0;

	if (!err)
		return;
	if (!outs->failed)
		fprintf(stderr, "memmon-bpf: %s: %s\n", option, strerror(-err));
	outs->failed = true;
}

void shm_outputs_finish(struct shm_outputs *outs, const struct snapshot *s)
{
	/* the terminal is the shell's again before the table is printed on it */
	leave_screen(outs);
	for (size_t i = 0; i < outs->n; i++) {
		struct sink *sink = outs->list[i].sink;
		int err = sink ? sink->ops->finish(sink, s) : 0;

		if (err)
			give_up(outs, i, err);
	}
	shm_outputs_abandon(outs);
}

void shm_outputs_abandon(struct shm_outputs *outs)
{
	leave_screen(outs);
	for (size_t i = 0; i < outs->n; i++)
		if (outs->list[i].sink)
			outs->list[i].sink->ops->destroy(outs->list[i].sink);
	outs->n = 0;
	close_file(outs, &outs->json, "--json");
	close_file(outs, &outs->csv, "--csv");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last state and the peaks as gauges, in the text format of OpenMetrics 1.0, which Prometheus and
 * its textfile collectors read too. Names and helps come from the field tables: memmon_, the field's
 * name with _ for its dots, its unit. All samples of a name stand together, as the format asks for;
 * what is not known has no sample.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../util/escape.h"
#include "shm_show.h"

#define NAME_LEN 96
#define LABELS_LEN 2048

struct openmetrics {
	struct sink sink;
	FILE *out;
};

/* ---- names and values ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && !strcmp(text + len - end_len, end);
}

static const char *unit_name(enum field_unit unit)
{
	switch (unit) {
	case FIELD_BYTES:
		return "bytes";
	case FIELD_SECONDS:
	case FIELD_NS:
		return "seconds";
	case FIELD_RATIO:
		return "ratio";
	case FIELD_COUNT:
		break;
	}
	return NULL;
}

/* "peak.rss", bytes: "memmon_peak_rss_bytes" */
static const char *metric_name(char *dst, const char *prefix, const char *field,
			       enum field_unit unit)
{
	char suffix[16];
	size_t len;

	snprintf(dst, NAME_LEN - sizeof(suffix), "memmon_%s%s", prefix, field);
	for (char *c = dst; *c; c++)
		if (*c == '.')
			*c = '_';
	if (!unit_name(unit))
		return dst;
	/* the field's name may say its unit already: overhead.tool_cpu_s */
	if (unit != FIELD_BYTES && ends_with(dst, "_s"))
		dst[strlen(dst) - 2] = '\0';
	snprintf(suffix, sizeof(suffix), "_%s", unit_name(unit));
	len = strlen(dst);
	if (!ends_with(dst, suffix))
		snprintf(dst + len, NAME_LEN - len, "%s", suffix);
	return dst;
}

/* Quotes, backslashes and line ends, as the format has them; harmless to a terminal too. */
static void print_escaped(FILE *out, const char *raw)
{
	char shown[LABELS_LEN];

	escape_bytes(shown, sizeof(shown), raw, strlen(raw));
	for (const char *c = shown; *c; c++) {
		if (*c == '\\' || *c == '"')
			fputc('\\', out);
		fputc(*c, out);
	}
}

static void print_head(FILE *out, const char *name, enum field_unit unit, const char *help)
{
	fprintf(out, "# TYPE %s gauge\n", name);
	if (unit_name(unit))
		fprintf(out, "# UNIT %s %s\n", name, unit_name(unit));
	fprintf(out, "# HELP %s ", name);
	print_escaped(out, help);
	fputc('\n', out);
}

static void print_value(FILE *out, struct field_value v, enum field_unit unit)
{
	if (unit == FIELD_BYTES || unit == FIELD_COUNT)
		fprintf(out, " %lld\n", (long long)v.whole);
	else if (unit == FIELD_NS)
		fprintf(out, " %.15g\n", round(v.real * 1e3) / 1e12);
	else
		fprintf(out, " %.15g\n", round(v.real * 1e9) / 1e9);
}

static void print_label(FILE *out, bool *any, const char *name, const char *raw)
{
	fprintf(out, "%s%s=\"", *any ? "," : "{", name);
	print_escaped(out, raw);
	fputc('"', out);
	*any = true;
}

/* ---- the whole watch ---- */

static void print_number(FILE *out, const char *name, const char *help, long long value)
{
	print_head(out, name, FIELD_COUNT, help);
	fprintf(out, "%s %lld\n", name, value);
}

static void print_run(FILE *out, const struct run *run)
{
	bool any = false;

	print_head(out, "memmon_run_info", FIELD_COUNT, "what was watched, by which memmon-bpf");
	fputs("memmon_run_info", out);
	print_label(out, &any, "version", run->version);
	print_label(out, &any, "started", run->started);
	if (run->kernel_release)
		print_label(out, &any, "kernel", run->kernel_release);
	if (run->target)
		print_label(out, &any, "target", run->target);
	if (run->ended_by)
		print_label(out, &any, "ended_by", run->ended_by);
	fputs("} 1\n", out);
	if (!run->has_exit)
		return;
	if (WIFSIGNALED(run->wait_status))
		print_number(out, "memmon_run_exit_signal", "the signal that ended the command",
			     WTERMSIG(run->wait_status));
	else
		print_number(out, "memmon_run_exit_code", "how the command exited",
			     WEXITSTATUS(run->wait_status));
}

static void print_fields(FILE *out, const struct snapshot *s)
{
	char name[NAME_LEN];

	for (size_t i = 0; i < n_snapshot_fields; i++) {
		const struct field *f = &snapshot_fields[i];
		struct field_value v = f->get(s);

		/* last.rss is rss by another name */
		if (!v.known || !strncmp(f->name, "last.", 5))
			continue;
		metric_name(name, "", f->name, f->unit);
		print_head(out, name, f->unit, f->help);
		fputs(name, out);
		print_value(out, v, f->unit);
	}
	print_number(out, "memmon_oom_kills", "processes that the OOM killer chose",
		     (long long)s->n_oom);
}

/* ---- processes ---- */

/* pid and start are the identity: pids are used again. */
static void print_process_labels(FILE *out, const struct process *p)
{
	char text[32];
	bool any = false;

	snprintf(text, sizeof(text), "%u", p->pid);
	print_label(out, &any, "pid", text);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)p->start_ns);
	print_label(out, &any, "start_ns", text);
	print_label(out, &any, "comm", p->comm);
	if (p->container && *p->container)
		print_label(out, &any, "container", p->container);
	fputc('}', out);
}

static int print_processes(FILE *out, const struct run *run, const struct snapshot *s)
{
	const struct process **order = show_by_peak(s);
	size_t n = s->n_processes < run->max_processes ? s->n_processes : run->max_processes;
	char name[NAME_LEN];

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n_process_fields; i++) {
		const struct process_field *f = &process_fields[i];
		bool headed = false;

		metric_name(name, "process_", f->name, f->unit);
		for (size_t j = 0; j < n; j++) {
			struct field_value v = f->get(s, order[j]);

			if (!v.known)
				continue;
			if (!headed)
				print_head(out, name, f->unit, f->help);
			headed = true;
			fputs(name, out);
			print_process_labels(out, order[j]);
			print_value(out, v, f->unit);
		}
	}
	free(order);
	return 0;
}

/* ---- shared memory ---- */

static struct field_value mount_limit(const struct shm_mount *m)
{
	return shm_bytes(m->rec.limit_bytes ? m->rec.limit_bytes : UNKNOWN_U64);
}

static struct field_value mount_used(const struct shm_mount *m)
{
	return shm_bytes(m->rec.used_bytes);
}

static struct field_value mount_peak(const struct shm_mount *m)
{
	return shm_bytes(m->peak_bytes);
}

static struct field_value mount_inodes(const struct shm_mount *m)
{
	return shm_bytes(m->rec.used_inodes);
}

static struct field_value mount_orphan_bytes(const struct shm_mount *m)
{
	return shm_bytes(m->orphan_bytes);
}

static struct field_value mount_full(const struct shm_mount *m)
{
	uint64_t n = m->full_omitted;

	for (size_t i = 0; i < m->n_full; i++)
		n += m->full[i].times;
	return shm_bytes(n);
}

static const struct {
	const char *name;
	enum field_unit unit;
	struct field_value (*get)(const struct shm_mount *m);
	const char *help;
} mount_metrics[] = {
	{ "shm_mount.limit", FIELD_BYTES, mount_limit, "limit of the tmpfs; none without one" },
	{ "shm_mount.used", FIELD_BYTES, mount_used, "what the tmpfs uses now, from statfs" },
	{ "shm_mount.peak", FIELD_BYTES, mount_peak, "highest use of the tmpfs since watching" },
	{ "shm_mount.inodes", FIELD_COUNT, mount_inodes, "inodes that it uses now, from statfs" },
	{ "shm_mount.orphan_bytes", FIELD_BYTES, mount_orphan_bytes,
	  "what files take that nobody holds and whose creator is dead" },
	{ "shm_mount.full", FIELD_COUNT, mount_full, "how often processes hit its wall" },
};

/* A device number is used again after a mount is gone; the newest stands first. */
static bool was_before(const struct snapshot *s, size_t i)
{
	const struct shm_mount *m = s->shm->mounts[i];

	for (size_t j = 0; j < i; j++)
		if (s->shm->mounts[j]->rec.dev == m->rec.dev)
			return true;
	return false;
}

static void print_mounts(FILE *out, const struct snapshot *s)
{
	char name[NAME_LEN], device[SHOW_LEN];

	for (size_t k = 0; s->shm && k < sizeof(mount_metrics) / sizeof(mount_metrics[0]); k++) {
		bool headed = false;

		metric_name(name, "", mount_metrics[k].name, mount_metrics[k].unit);
		for (size_t i = 0; i < s->shm->n_mounts; i++) {
			const struct shm_mount *m = s->shm->mounts[i];
			struct field_value v = mount_metrics[k].get(m);
			bool any = false;

			if (!v.known || !shm_is_of_watch(s, m) || was_before(s, i))
				continue;
			if (!headed)
				print_head(out, name, mount_metrics[k].unit, mount_metrics[k].help);
			headed = true;
			fputs(name, out);
			print_label(out, &any, "device", shm_device(device, m->rec.dev));
			print_label(out, &any, "mount", m->point);
			if (*m->container)
				print_label(out, &any, "container", m->container);
			fputc('}', out);
			print_value(out, v, mount_metrics[k].unit);
		}
	}
}

/* ---- the sink ---- */

static int openmetrics_tick(struct sink *sink, const struct snapshot *s)
{
	(void)sink;
	(void)s;
	return 0;
}

static int openmetrics_finish(struct sink *sink, const struct snapshot *s)
{
	FILE *out = ((struct openmetrics *)sink)->out;
	int err;

	errno = 0;
	print_run(out, sink->run);
	print_fields(out, s);
	err = print_processes(out, sink->run, s);
	print_mounts(out, s);
	fputs("# EOF\n", out);
	return err ? err : show_flush(out);
}

static void openmetrics_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops openmetrics_ops = {
	.name = "openmetrics",
	.tick = openmetrics_tick,
	.finish = openmetrics_finish,
	.destroy = openmetrics_destroy,
};

struct sink *openmetrics_create(const struct run *run, FILE *out)
{
	struct openmetrics *om = calloc(1, sizeof(*om));

	if (!om)
		return NULL;
	om->sink = (struct sink){ .ops = &openmetrics_ops, .run = run };
	om->out = out;
	return &om->sink;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The summary for programs: schema memmon-bpf/summary/1.
 *
 * Every figure comes from the field tables and is put where its dotted `json` path says, so that a
 * field is described once. What has no figure (names, endings, lists) is written here. The order of
 * members is the order in which this file creates them; a figure that is not known is null.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "json_value.h"
#include "shm_json.h"
#include "show.h"

#define SCHEMA "memmon-bpf/summary/1"

struct json {
	struct sink sink;
	FILE *out;
};

static json_t *exit_json(int wait_status)
{
	json_t *ending = json_object();
	bool killed = WIFSIGNALED(wait_status);
	int err;

	err = json_put(ending, "code",
		       killed ? json_null() : json_integer(WEXITSTATUS(wait_status)));
	err |= json_put(ending, "signal",
			killed ? json_integer(WTERMSIG(wait_status)) : json_null());
	if (!err)
		return ending;
	json_decref(ending);
	return NULL;
}

static int put_command(json_t *root, const struct run *run)
{
	json_t *argv;
	int err = 0;

	if (!run->command)
		return json_put(root, "command", json_null());
	argv = json_array();
	for (size_t i = 0; !err && run->command[i]; i++)
		err = json_array_append_new(argv, json_text(run->command[i])) ? -ENOMEM : 0;
	return json_put(root, "command", argv) ? -ENOMEM : err;
}

static int put_kernel(json_t *root, const struct run *run)
{
	json_t *features = json_object();
	int err = json_put(root, "kernel.release", json_text(run->kernel_release));

	for (size_t i = 0; !err && i < run->n_features; i++) {
		const struct feature_state *f = &run->features[i];
		json_t *feature = json_object();

		err = json_put(feature, "state", json_text(f->state));
		err |= json_put(feature, "why", json_text(f->why));
		/* not json_put(): a feature's name is no path */
		if (json_object_set_new(features, f->name, feature))
			err = -ENOMEM;
	}
	return json_put(root, "kernel.features", features) ? -ENOMEM : err;
}

static json_t *process_json(const struct snapshot *s, const struct process *p)
{
	json_t *process = json_object();
	int err;

	err = json_put(process, "pid", json_integer(p->pid));
	err |= json_put(process, "ppid", json_integer(p->ppid));
	err |= json_put(process, "comm", json_text(p->comm));
	err |= json_put(process, "cmdline", json_text(p->cmdline));
	err |= json_put(process, "container", json_text(p->container));
	err |= json_put(process, "exit", p->has_status ? exit_json(p->wait_status) : json_null());
	for (size_t i = 0; !err && i < n_process_fields; i++) {
		const struct process_field *f = &process_fields[i];

		if (f->json)
			err = json_put(process, f->json, json_value(f->get(s, p), f->unit));
	}
	if (!err)
		return process;
	json_decref(process);
	return NULL;
}

static int put_processes(json_t *root, const struct run *run, const struct snapshot *s)
{
	const struct process **order = show_by_peak(s);
	size_t n = s->n_processes < run->max_processes ? s->n_processes : run->max_processes;
	json_t *list = json_array();
	int err = order ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++)
		err = json_array_append_new(list, process_json(s, order[i])) ? -ENOMEM : 0;
	free(order);
	err = json_put(root, "processes", list) ? -ENOMEM : err;
	if (err)
		return err;
	return json_put(root, "processes_omitted",
			json_integer((json_int_t)(s->processes_omitted + (s->n_processes - n))));
}

static json_t *oom_json(const struct snapshot *s, const struct oom_kill *kill)
{
	json_t *oom = json_object(), *top = json_array();
	int err;

	err = json_put(oom, "at_s", json_number_of(show_since_s(s, kill->ts_ns)));
	err |= json_put(oom, "pid", json_integer(kill->pid));
	err |= json_put(oom, "comm", json_text(kill->comm));
	err |= json_put(oom, "cgroup", json_text(kill->cgroup));
	err |= json_put(oom, "rss_bytes",
			json_integer((json_int_t)(rss_pages(&kill->pages) * s->page_bytes)));
	for (size_t i = 0; !err && i < sizeof(kill->top) / sizeof(kill->top[0]); i++) {
		json_t *big;

		if (!kill->top[i].pid)
			break;
		big = json_object();
		err = json_put(big, "pid", json_integer(kill->top[i].pid));
		err |= json_put(big, "comm", json_text(kill->top[i].comm));
		err |= json_put(big, "rss_bytes", json_integer((json_int_t)kill->top[i].rss_bytes));
		err |= json_array_append_new(top, big);
	}
	err |= json_put(oom, "top", top);
	if (!err)
		return oom;
	json_decref(oom);
	return NULL;
}

static int put_oom(json_t *root, const struct snapshot *s)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < s->n_oom; i++)
		err = json_array_append_new(list, oom_json(s, &s->oom[i])) ? -ENOMEM : 0;
	return json_put(root, "oom", list) ? -ENOMEM : err;
}

static json_t *step_json(const struct snapshot *s, const struct mode_step *step)
{
	static const char *const whys[MODE_WHYS] = {
		[MODE_STARTED] = "start",
		[MODE_ASKED] = "--sample",
		[MODE_OVER_BUDGET] = "over budget",
		[MODE_CALM] = "another try",
	};
	json_t *json = json_object();
	bool measured = step->share_ppm != UNKNOWN_U64;
	int err;

	err = json_put(json, "mode", json_text(show_mode(step->mode)));
	err |= json_put(json, "at_s", json_number_of(show_since_s(s, step->ts_ns)));
	err |= json_put(json, "why", json_text(whys[step->why]));
	err |= json_put(json, "share_of_core",
			measured ? json_number_of((double)step->share_ppm / 1e6) : json_null());
	if (!err)
		return json;
	json_decref(json);
	return NULL;
}

static int put_steps(json_t *root, const struct snapshot *s)
{
	json_t *list = json_array();
	uint64_t budget_ppm = s->mode.n_steps ? s->mode.steps[s->mode.n_steps - 1].budget_ppm : 0;
	int err = 0;

	for (size_t i = 0; !err && i < s->mode.n_steps; i++)
		err = json_array_append_new(list, step_json(s, &s->mode.steps[i])) ? -ENOMEM : 0;
	err |= json_put(root, "overhead.modes", list);
	err |= json_put(root, "overhead.modes_omitted",
			json_integer((json_int_t)s->mode.steps_omitted));
	/* without CAP_SYS_ADMIN: what processes that are not watched pay is not in the estimates */
	err |= json_put(root, "overhead.watched_only",
			s->bpf_time.known ? json_boolean(s->bpf_time.last.flags & BPF_TIME_OWN) :
					    json_null());
	return err | json_put(root, "overhead.budget_share_of_core",
			      budget_ppm ? json_number_of((double)budget_ppm / 1e6) : json_null());
}

static int put_fields(json_t *root, const struct snapshot *s)
{
	int err = 0;

	for (size_t i = 0; !err && i < n_snapshot_fields; i++) {
		const struct field *f = &snapshot_fields[i];

		if (f->json)
			err = json_put(root, f->json, json_value(f->get(s), f->unit));
	}
	return err;
}

/* An object of which nothing is known is null itself: no cgroup, no pressure information. */
static int put_null_for_nothing(json_t *root, const char *parent, const char *name)
{
	json_t *in = json_object_get(root, parent), *member;
	const char *key;

	json_object_foreach(json_object_get(in, name), key, member) {
		if (!json_is_null(member))
			return 0;
	}
	return json_object_set_new(in, name, json_null()) ? -ENOMEM : 0;
}

/* The members in the order in which a reader wants them; put_fields() then fills in the figures. */
static int fill(json_t *root, const struct run *run, const struct snapshot *s)
{
	int err;

	err = json_put(root, "schema", json_string(SCHEMA));
	err |= json_put(root, "version", json_text(run->version));
	err |= json_put(root, "started", json_text(run->started));
	err |= json_put(root, "duration_s", json_null());
	err |= put_kernel(root, run);
	err |= put_command(root, run);
	err |= json_put(root, "exit", run->has_exit ? exit_json(run->wait_status) : json_null());
	err |= json_put(root, "target", json_object());
	err |= put_processes(root, run, s);
	err |= json_put(root, "system", json_object());
	err |= json_put(root, "shm", shm_json_of_watch(s));
	err |= put_oom(root, s);
	err |= json_put(root, "overhead", json_object());
	err |= put_fields(root, s);
	err |= put_steps(root, s);
	err |= put_null_for_nothing(root, "target", "charged");
	err |= put_null_for_nothing(root, "system", "pressure");
	return err ? -ENOMEM : 0;
}

static int json_tick(struct sink *sink, const struct snapshot *s)
{
	(void)sink;
	(void)s;
	return 0;
}

static int json_finish(struct sink *sink, const struct snapshot *s)
{
	struct json *json = (struct json *)sink;
	json_t *root = json_object();
	int err = fill(root, sink->run, s);

	if (err)
		goto out;
	errno = 0;
	/* its own failures are the stream's, which show_flush() reports */
	json_dumpf(root, json->out, JSON_INDENT(2) | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
	fputc('\n', json->out);
	err = show_flush(json->out);
out:
	json_decref(root);
	return err;
}

static void json_destroy(struct sink *sink)
{
	free(sink);
}

static const struct sink_ops json_ops = {
	.name = "json",
	.tick = json_tick,
	.finish = json_finish,
	.destroy = json_destroy,
};

struct sink *json_create(const struct run *run, FILE *out)
{
	struct json *json = calloc(1, sizeof(*json));

	if (!json)
		return NULL;
	json->sink = (struct sink){ .ops = &json_ops, .run = run };
	json->out = out;
	return &json->sink;
}

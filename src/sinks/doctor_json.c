// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doctor's findings for programs: schema memmon-bpf/doctor/1. `features` is what the summary has as
 * kernel.features; `hooks` has all, also those that stand in for each other.
 */
#include <errno.h>
#include <string.h>

#include "doctor.h"
#include "json_value.h"
#include "show.h"

#define SCHEMA "memmon-bpf/doctor/1"

static json_t *text_or_null(const char *text)
{
	return json_text(text && *text ? text : NULL);
}

static json_t *facts_json(const struct doctor_fact *facts, size_t n)
{
	json_t *all = json_object();
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		json_t *fact = json_object();

		err = json_put(fact, "value", text_or_null(facts[i].value));
		err |= json_put(fact, "ok", json_boolean(!facts[i].bad));
		err |= json_put(fact, "note", text_or_null(facts[i].note));
		err |= json_put(all, facts[i].key, json_done(fact, err));
	}
	return json_done(all, err);
}

static json_t *capabilities_json(const struct doctor *d)
{
	json_t *all = json_object();
	int err = 0;

	for (size_t i = 0; !err && i < d->n_capabilities; i++) {
		json_t *c = json_object();

		err = json_put(c, "has", json_boolean(d->capabilities[i].has));
		err |= json_put(c, "lost", json_text(d->capabilities[i].lost));
		err |= json_put(all, d->capabilities[i].name, json_done(c, err));
	}
	return json_done(all, err);
}

static json_t *features_json(const struct doctor *d)
{
	json_t *all = json_object();
	int err = 0;

	for (size_t i = 0; !err && i < d->n_features; i++) {
		json_t *feature = json_object();

		err = json_put(feature, "state", json_text(d->features[i].state));
		err |= json_put(feature, "why", json_text(d->features[i].why));
		err |= json_put(all, d->features[i].name, json_done(feature, err));
	}
	return json_done(all, err);
}

static json_t *hooks_json(const struct doctor *d)
{
	json_t *list = json_array();
	int err = 0;

	for (size_t i = 0; !err && i < d->n_hooks; i++) {
		const struct doctor_hook *h = &d->hooks[i];
		json_t *hook = json_object();

		err = json_put(hook, "hook", json_text(h->section));
		err |= json_put(hook, "object", json_text(h->object));
		err |= json_put(hook, "feature", json_text(h->feature));
		err |= json_put(hook, "state", json_text(h->state));
		err |= json_put(hook, "gives", json_text(h->gives));
		err |= json_put(hook, "why", text_or_null(h->why));
		err |= json_add(list, json_done(hook, err));
	}
	return json_done(list, err);
}

static json_t *ways_json(const struct doctor *d)
{
	static const char *const names[DOCTOR_WAYS] = {
		[DOCTOR_PID] = "p",
		[DOCTOR_SHM] = "shm",
		[DOCTOR_CONTAINER] = "c",
	};
	json_t *all = json_object();
	int err = 0;

	for (int w = 0; !err && w < DOCTOR_WAYS; w++) {
		json_t *way = json_object();

		err = json_put(way, "state", json_text(d->ways[w].state));
		err |= json_put(way, "why", text_or_null(d->ways[w].why));
		err |= json_put(all, names[w], json_done(way, err));
	}
	return json_done(all, err);
}

static int fill(json_t *root, const struct doctor *d)
{
	int err = json_put(root, "schema", json_string(SCHEMA));

	err |= json_put(root, "version", json_text(d->version));
	err |= json_put(root, "kernel.release", json_text(d->release));
	err |= json_put(root, "kernel.machine", json_text(d->machine));
	err |= json_put(root, "kernel.btf.state", json_text(d->btf.state));
	err |= json_put(root, "kernel.btf.from", json_text(d->btf.from));
	err |= json_put(root, "kernel.btf.bytes", json_count(d->btf.bytes));
	err |= json_put(root, "kernel.btf.why", json_text(d->btf.why));
	err |= json_put(root, "facts", facts_json(d->facts, d->n_facts));
	err |= json_put(root, "limits", facts_json(d->limits, d->n_limits));
	err |= json_put(root, "capabilities", capabilities_json(d));
	err |= json_put(root, "features", features_json(d));
	err |= json_put(root, "hooks", hooks_json(d));
	err |= json_put(root, "works", ways_json(d));
	return err;
}

int doctor_json(const struct doctor *d, FILE *out)
{
	json_t *root = json_object();
	int err = fill(root, d);

	if (!err) {
		errno = 0;
		/* its own failures are the stream's, which show_flush() reports */
		json_dumpf(root, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
		fputc('\n', out);
		err = show_flush(out);
	}
	json_decref(root);
	return err;
}

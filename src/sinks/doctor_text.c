// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doctor's findings for people. Of the hooks that can stand in for each other only one is shown: the
 * best that can be used, or the best there is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "show.h"

struct style {
	const char *bold, *good, *bad, *plain;
};

static const char *paint(const struct style *s, const char *state)
{
	return strcmp(state, "on") ? s->bad : s->good;
}

static void heading(FILE *out, const struct style *s, const char *text)
{
	fprintf(out, "\n%s%s%s\n", s->bold, text, s->plain);
}

static void print_fact(FILE *out, const struct style *s, const struct doctor_fact *fact)
{
	char value[4 * sizeof(fact->value)];

	show_name(value, sizeof(value), *fact->value ? fact->value : "not known");
	fprintf(out, "  %-22s%s%s%s%s%s\n", fact->name, fact->bad ? s->bad : "", value,
		fact->bad ? s->plain : "", *fact->note ? "; " : "", fact->note);
}

static void print_kernel(const struct doctor *d, FILE *out, const struct style *s)
{
	char from[1024], size[SHOW_LEN];
	struct field_value bytes = { .known = d->btf.bytes != UNKNOWN_U64,
				     .whole = (int64_t)d->btf.bytes };

	heading(out, s, "Kernel");
	fprintf(out, "  %-22s", "BTF");
	if (bytes.known)
		fprintf(out, "%s, %s\n", show_name(from, sizeof(from), d->btf.from),
			show_value(size, bytes, FIELD_BYTES, NULL));
	else
		fprintf(out, "%snone%s; see btf below\n", s->bad, s->plain);
	for (size_t i = 0; i < d->n_facts; i++)
		print_fact(out, s, &d->facts[i]);
}

static void print_rights(const struct doctor *d, FILE *out, const struct style *s)
{
	heading(out, s, "Capabilities");
	for (size_t i = 0; i < d->n_capabilities; i++) {
		const struct doctor_capability *c = &d->capabilities[i];

		if (c->has)
			fprintf(out, "  %-22s%syes%s\n", c->name, s->good, s->plain);
		else
			fprintf(out, "  %-22s%sno%s; without it: %s\n", c->name, s->bad, s->plain,
				c->lost);
	}
	heading(out, s, "Limits");
	for (size_t i = 0; i < d->n_limits; i++)
		print_fact(out, s, &d->limits[i]);
}

/* At the left margin: these are what people look for, and what scripts cut out. */
static void print_features(const struct doctor *d, FILE *out, const struct style *s)
{
	char why[2 * DOCTOR_WHY_LEN];

	heading(out, s, "Features");
	for (size_t i = 0; i < d->n_features; i++) {
		const struct feature_state *f = &d->features[i];

		fprintf(out, "%s%-9s%s %s\n", paint(s, f->state), f->state, s->plain, f->name);
		if (f->why)
			fprintf(out, "          %s\n", show_name(why, sizeof(why), f->why));
	}
}

static const char *function_of(const struct doctor_hook *h)
{
	const char *slash = strchr(h->section, '/');

	return slash ? slash + 1 : h->section;
}

static bool is_better(const struct doctor_hook *a, const struct doctor_hook *b)
{
	bool a_on = strcmp(a->state, "on") == 0, b_on = strcmp(b->state, "on") == 0;

	/* a kprobe costs most; else they come in the order in which they are preferred */
	if (a_on == b_on && (a->section[0] == 'k') != (b->section[0] == 'k'))
		return b->section[0] == 'k';
	return a_on != b_on ? a_on : a < b;
}

static bool is_shown(const struct doctor *d, const struct doctor_hook *h)
{
	for (size_t i = 0; i < d->n_hooks; i++) {
		const struct doctor_hook *other = &d->hooks[i];

		if (other != h && !strcmp(other->object, h->object) &&
		    !strcmp(function_of(other), function_of(h)) && is_better(other, h))
			return false;
	}
	return true;
}

static void print_hooks(const struct doctor *d, FILE *out, const struct style *s,
			const char *object, const char *title)
{
	heading(out, s, title);
	for (size_t i = 0; i < d->n_hooks; i++) {
		const struct doctor_hook *h = &d->hooks[i];

		if (strcmp(h->object, object) || !is_shown(d, h))
			continue;
		fprintf(out, "  %-42s %s%-9s%s %s%s%s\n", h->section, paint(s, h->state), h->state,
			s->plain, h->gives ? h->gives : "", *h->why ? ": " : "", h->why);
	}
}

int doctor_text(const struct doctor *d, FILE *out, bool color)
{
	static const char *const names[DOCTOR_WAYS] = {
		[DOCTOR_PID] = "-p",
		[DOCTOR_SHM] = "shm",
		[DOCTOR_CONTAINER] = "-c",
	};
	static const char *const words[] = { "works", "works, with less", "does not work" };
	const struct style s = {
		.bold = color ? "\033[1m" : "",
		.good = color ? "\033[32m" : "",
		.bad = color ? "\033[33m" : "",
		.plain = color ? "\033[0m" : "",
	};
	char why[2 * DOCTOR_WHY_LEN];

	errno = 0;
	fprintf(out, "memmon-bpf %s on Linux %s %s\n", d->version, d->release, d->machine);
	print_kernel(d, out, &s);
	print_rights(d, out, &s);
	print_features(d, out, &s);
	print_hooks(d, out, &s, "watch", "Hooks of a watch");
	print_hooks(d, out, &s, "shm", "Hooks of shared memory");
	fputc('\n', out);
	for (int w = 0; w < DOCTOR_WAYS; w++) {
		const char *state = d->ways[w].state;
		int word = !strcmp(state, "on") ? 0 : !strcmp(state, "degraded") ? 1 : 2;

		fprintf(out, "%-5s %s%s%s%s%s\n", names[w], paint(&s, state), words[word], s.plain,
			*d->ways[w].why ? ": " : "",
			*d->ways[w].why ? show_name(why, sizeof(why), d->ways[w].why) : "");
	}
	return show_flush(out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `memmon-bpf doctor` found, and its two forms. Pure data: whoever fills it has probed; here it is
 * only shown. Texts from outside may be hostile; NULL is "not known", or nothing to say.
 */
#ifndef MEMMON_SINKS_DOCTOR_H
#define MEMMON_SINKS_DOCTOR_H

#include "sink.h"

#define DOCTOR_WHY_LEN 1024

/* Something about the machine or the process that is neither a feature nor a hook. */
struct doctor_fact {
	const char *key, *name; /* in JSON and for people: "cpus", "possible CPUs" */
	char value[256]; /* "none"; "" = not known */
	char note[256]; /* what that means for us; "" = nothing */
	bool bad; /* it is in our way */
};

struct doctor_capability {
	const char *name;
	bool has;
	const char *lost; /* without it */
};

struct doctor_hook {
	const char *object; /* "watch" or "shm" */
	char section[128]; /* "fexit/shmem_fault" */
	const char *feature; /* that it serves; NULL = none in the table */
	const char *state; /* "on"; "degraded": another does its work; "off" */
	const char *gives;
	char why[512]; /* "" where on */
};

enum doctor_way { DOCTOR_PID, DOCTOR_SHM, DOCTOR_CONTAINER, DOCTOR_WAYS };

struct doctor {
	const char *version, *release, *machine;
	struct {
		const char *state, *why; /* as the feature's */
		const char *from; /* the file */
		uint64_t bytes; /* UNKNOWN_U64 = it could not be read */
	} btf;
	const struct doctor_fact *facts, *limits;
	size_t n_facts, n_limits;
	const struct doctor_capability *capabilities;
	size_t n_capabilities;
	const struct feature_state *features;
	size_t n_features;
	const struct doctor_hook *hooks;
	size_t n_hooks;
	struct {
		const char *state; /* "on", "degraded" or "off" */
		char why[DOCTOR_WHY_LEN]; /* "" = nothing to say */
	} ways[DOCTOR_WAYS];
};

/* Each returns 0 or a negative errno. */
int doctor_text(const struct doctor *d, FILE *out, bool color);
int doctor_json(const struct doctor *d, FILE *out); /* schema memmon-bpf/doctor/1 */

#endif

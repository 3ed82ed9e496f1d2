/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks over all shared memory of the machine and turns it into records: the tmpfs superblocks of
 * every mount namespace, their files, the System V segments of every IPC namespace, and, from the
 * shm tracer where there is one, creators, holders, memfds and anonymous memory.
 *
 * It keeps one O_PATH descriptor per superblock, so that a figure can be read after the process that
 * led to it has ended. Nothing outside is ever changed or removed.
 */
#ifndef MEMMON_SHM_SURVEY_H
#define MEMMON_SHM_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm_tracer.h"

struct shm_survey;

/* Names a container for its id (64 digits): "" where not known. The result is copied. */
typedef const char *(*container_name_fn)(void *ctx, const char *id);

struct shm_survey_config {
	struct shm_tracer *tracer; /* NULL = none */
	bool files; /* walk the directories too */
	record_fn fn;
	void *ctx;
	container_name_fn name; /* NULL = none */
	void *name_ctx;
};

int shm_survey_create(const struct shm_survey_config *config, struct shm_survey **out);
void shm_survey_destroy(struct shm_survey *s); /* NULL is fine */

/* A whole survey, ended by REC_SHM_SURVEY. Returns 0 or a negative errno; what vanishes meanwhile is no error. */
int shm_survey_run(struct shm_survey *s);

/* The figures of the superblocks found by the last survey, one REC_SHM_MOUNT each. Cheap. */
int shm_survey_read(struct shm_survey *s);

/*
 * When the next survey is due so that surveys take at most 1/300 of the time of a core: the end of
 * the last one + 300 times what it took, at least 1 s and at most 60 s later.
 */
uint64_t shm_survey_due_ns(const struct shm_survey *s);

/* Marks the superblock that is /dev/shm for this process as SHM_MOUNT_TARGET. */
int shm_survey_add_target(struct shm_survey *s, uint32_t pid);

/* What could not be seen, for people: "3 mount namespaces cannot be entered"; "" = nothing. */
const char *shm_survey_gaps(const struct shm_survey *s);

#endif

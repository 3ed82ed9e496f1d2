/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks over all shared memory of the machine and turns it into records: the tmpfs superblocks of
 * every mount namespace, their files, the System V segments of every IPC namespace, and, from the
 * shm tracer where there is one, creators, holders, memfds and anonymous memory.
 *
 * It keeps no descriptor of a mount between two calls. One that is kept, even an O_PATH one, makes
 * umount(8) fail with EBUSY, and a container's tmpfs outlives the container, memory and all, as long
 * as it is kept (both measured). So each look opens the superblock anew, for a few microseconds and
 * with no more effect than df(1), through a process in a mount namespace that shows it; or through
 * another one, should that have ended. Where none is left there is no figure until the next survey,
 * which then comes early. While a directory is walked it is held as find(1) would hold it. Nothing
 * outside is ever changed or removed.
 *
 * Needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH, and for the segments of other IPC namespaces
 * CAP_SYS_ADMIN; what is refused is told by shm_survey_gaps().
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

/*
 * A whole survey: each superblock followed by its files and their holders, then what the kernel side
 * knows and no directory, chargers, segments, REC_SHM_SURVEY. A superblock whose directories turn out
 * to be too many is told once more, with SHM_MOUNT_NO_FILES. Returns 0, or a negative errno: the
 * callback's, -ENOMEM, or why /proc cannot be read. What vanishes meanwhile is no error.
 */
int shm_survey_run(struct shm_survey *s);

/*
 * The figures of the superblocks found by the last survey, one REC_SHM_MOUNT each. Cheap. Those that
 * cannot be reached now are left out.
 */
int shm_survey_read(struct shm_survey *s);

/*
 * When the next survey is due so that surveys take at most 1/300 of the time of a core: the end of
 * the last one + 300 times what it took, at least 1 s and at most 60 s later. Ten times as early once
 * shm_survey_read() has missed a superblock, as it may have moved to other processes or be gone.
 */
uint64_t shm_survey_due_ns(const struct shm_survey *s);

/*
 * Marks the superblock that is /dev/shm for this process as SHM_MOUNT_TARGET, from the next record
 * on, until it is gone. -ENOENT: its /dev/shm is no tmpfs, or there is none; -ESRCH: it has ended.
 */
int shm_survey_add_target(struct shm_survey *s, uint32_t pid);

/* What could not be seen, for people: "3 mount namespaces cannot be entered"; "" = nothing. */
const char *shm_survey_gaps(const struct shm_survey *s);

#endif

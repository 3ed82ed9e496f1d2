/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One watch as `memmon-bpf diff` sees it: what a JSON summary says. A recording is made into a summary
 * first, so that both kinds are read by the same code. The text may be anybody's: types and ranges
 * are checked here, once, and strings stay hostile.
 */
#ifndef MEMMON_SIDE_H
#define MEMMON_SIDE_H

#include "../model/fields.h"

/* The listed processes of one name. */
struct side_group {
	const char *comm;
	uint64_t count;
	struct field_value peak_sum, peak_max; /* of the peak RSS of each, where it is known */
};

/* A tmpfs mount of the target. */
struct side_mount {
	const char *point, *container; /* "" = not known, the host's */
	bool unlimited;
	struct field_value limit, used, peak; /* bytes */
	struct field_value full; /* how often its wall was hit */
};

struct side {
	/* the caller's, set by the caller after side_read() */
	const char *name; /* as the user named it */
	bool is_recording;
	bool incomplete; /* a recording that breaks off */
	const char *machine; /* tells machines apart; NULL = not known */

	const char *version, *started, *kernel; /* NULL = not known */
	const char **command; /* NULL-terminated; NULL = none */
	bool has_exit, killed;
	int exit_code; /* or the signal */
	bool sampled; /* RSS was, for a while */
	struct field_value *fields; /* by index of snapshot_fields */
	struct field_value oom_kills;
	struct side_group *groups; /* by name */
	size_t n_groups;
	struct field_value processes_omitted;
	struct side_mount *mounts; /* by side_mount_order() */
	size_t n_mounts;
	void *document; /* owns the strings */
};

#define SUMMARY_MAX_BYTES (256U << 20) /* of a summary; a thousand processes make 2 MiB */

/*
 * Reads a summary (schema memmon-bpf/summary/1) of `len` bytes. Returns 0; or -EINVAL and in `why` what
 * is wrong with it, printable; or -ENOMEM.
 */
int side_read(struct side *side, const char *json, size_t len, char *why, size_t why_len);
void side_finish(struct side *side); /* fine on one that is zeroed */

/* By point, then by container, as strcmp(3). */
int side_mount_order(const struct side_mount *a, const struct side_mount *b);

/* Is there such a figure in a summary? Those of a moment, such as interval.peak, are not. */
bool side_has(const struct field *f);

#endif

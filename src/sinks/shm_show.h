/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sinks say about shared memory in words. Everything is escaped; it is cut to fit. */
#ifndef MEMMON_SHM_SHOW_H
#define MEMMON_SHM_SHOW_H

#include "show.h"

/* Room for a failure in words and for its remedy. */
#define SHM_TEXT_LEN 2048

/* "linked", "write", "memfd": as JSON and people read them. */
const char *shm_state_name(enum shm_state state);
const char *shm_how_name(uint32_t how);
const char *shm_kind_name(uint32_t kind);

/* "0:52"; dst of SHOW_LEN bytes. */
const char *shm_device(char *dst, uint32_t dev);

/* used / limit, as a value of FIELD_RATIO; not known without a limit. */
struct field_value shm_share(uint64_t used, uint64_t limit);
struct field_value shm_bytes(uint64_t bytes); /* UNKNOWN_U64 = not known */

/* "/dev/shm", "/dev/shm (gone)", "/dev/shm (hidden)": below another mount */
const char *shm_show_point(char *dst, size_t cap, const struct shm_mount *m);
/* "web", a container; "ns of 4711 sh": only in that process's mount namespace; "-": in our own */
const char *shm_show_owner(char *dst, size_t cap, const struct shm_mount *m);
/*
 * "/dev/shm (64.0 MiB) of container web", "/dev/shm (no limit)", "/dev/shm (64.0 MiB) in the mount
 * namespace of pid 4711 (sh)"
 */
const char *shm_show_mount(char *dst, size_t cap, const struct shm_mount *m,
			   const struct unit *unit);
/* "4711 python3", "4711 python3 (dead)", "n/a" */
const char *shm_show_creator(char *dst, size_t cap, const struct rec_shm_file *r);
/* "4711 python3, 4712 python3, 9 sh +3": at most three; "nobody"; "n/a" */
const char *shm_show_holders(char *dst, size_t cap, const struct shm_file *f);
/* "name", or what an anonymous one is called */
const char *shm_show_file(char *dst, size_t cap, const struct shm_file *f);
/* "+1.2 MiB/s", "steady", "n/a"; dst of SHOW_LEN bytes, as of the next */
const char *shm_show_growth(char *dst, const struct shm_mount *m, const struct unit *unit);
/* "12 s", "3 min", "2 h", "5 d"; "-" = never; "n/a" */
const char *shm_show_full_in(char *dst, const struct shm_mount *m);

/*
 * "12.345 s pid 4711 (python3) hit the wall of /dev/shm (64.0 MiB) of container web: write of 1.0
 * MiB to 'data' failed (ENOSPC)"; without the remedy.
 */
const char *shm_show_full(char *dst, size_t cap, const struct snapshot *s,
			  const struct shm_mount *m, const struct shm_full *full,
			  const struct unit *unit);

/* A watched process hit its wall, or it is /dev/shm of one, or was charged by one. */
bool shm_is_of_watch(const struct snapshot *s, const struct shm_mount *m);

/* The fullest /dev/shm with a limit that a target has; NULL = none. */
const struct shm_mount *shm_of_target(const struct snapshot *s);

/* The failure of the highest number that concerns the watch, and its mount; NULL = none. */
const struct shm_full *shm_newest_full(const struct snapshot *s, const struct shm_mount **mount);

#endif

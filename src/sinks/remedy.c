// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why: a full /dev/shm shows as a SIGBUS or "No space left on device" in a program that never heard
 * of tmpfs. Who reads it then needs a line to copy, for the runtime that made the mount.
 *
 * The line may end up in a shell: a mount point that a shell would take for more than a word is not
 * repeated in it.
 */
#include "remedy.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../util/units.h"

/* Beyond it, what was wanted was a mistake or an attack, and is no measure. */
#define SENSIBLE_BYTES (1ULL << 50)

struct line {
	char *dst;
	size_t cap, len;
};

static void __attribute__((format(printf, 2, 3))) put(struct line *l, const char *format, ...)
{
	va_list args;
	int n;

	if (l->len + 1 >= l->cap)
		return;
	va_start(args, format);
	n = vsnprintf(l->dst + l->len, l->cap - l->len, format, args);
	va_end(args);
	if (n > 0)
		l->len += (size_t)n < l->cap - l->len ? (size_t)n : l->cap - l->len - 1;
}

/* ---- sizes ------------------------------------------------------------------------------------ */

static uint64_t power_above(uint64_t limit, uint64_t least)
{
	uint64_t power = 4096;

	while (power && (power <= limit || power < least))
		power <<= 1;
	return power;
}

uint64_t remedy_bytes(const struct shm_full *full)
{
	const struct rec_shm_full *r = &full->rec;
	uint64_t least;

	if (!r->limit_bytes || r->limit_bytes == UNKNOWN_U64)
		return 0;
	if (r->used_bytes == UNKNOWN_U64 || r->wanted_bytes == UNKNOWN_U64 ||
	    r->done_bytes > r->wanted_bytes ||
	    __builtin_add_overflow(r->used_bytes, r->wanted_bytes - r->done_bytes, &least) ||
	    least > SENSIBLE_BYTES)
		least = 0;
	return power_above(r->limit_bytes, least);
}

struct units {
	const char *names[5]; /* of 1024^0, 1024^1, … */
};

static const struct units mount_units = { { "", "K", "M", "G", "T" } },
			  docker_units = { { "b", "k", "m", "g", "t" } },
			  kubernetes_units = { { "", "Ki", "Mi", "Gi", "Ti" } };

/* "128m"; "SIZE" where no size can be said. */
static const char *size(char dst[32], uint64_t bytes, const struct units *u)
{
	size_t i = 0;

	while (i < 4 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		i++;
	}
	if (bytes)
		snprintf(dst, 32, "%llu%s", (unsigned long long)bytes, u->names[i]);
	else
		snprintf(dst, 32, "SIZE");
	return dst;
}

/* ---- words ------------------------------------------------------------------------------------ */

static const char *safe_point(const struct shm_mount *m)
{
	const char *point = m->point ? m->point : "";
	size_t len = strlen(point);

	return *point == '/' && len < 128 &&
			       strspn(point, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789/_.-") == len ?
		       point :
		       "MOUNTPOINT";
}

static bool is_in_container(const struct shm_mount *m)
{
	return m->container_id && *m->container_id;
}

static bool has_runtime(const struct shm_mount *m, const char *runtime)
{
	return m->runtime && !strcmp(m->runtime, runtime);
}

/* mount(8), where it sees what is to be changed */
static void put_mount(struct line *l, const struct shm_mount *m)
{
	if (m->rec.head.pid)
		put(l, "nsenter -t %u -m ", m->rec.head.pid);
	put(l, "mount");
}

/* Docker and Podman have an option of its own for /dev/shm. */
static void put_run(struct line *l, const char *runtime, const struct shm_mount *m, uint64_t bytes)
{
	const char *point = safe_point(m);
	char text[32];

	size(text, bytes, &docker_units);
	if (!strcmp(point, "/dev/shm"))
		put(l, "%s run --shm-size=%s, or shm_size: %s in the Compose file", runtime, text,
		    text);
	else
		put(l, "%s run --tmpfs %s:size=%s, or tmpfs: %s:size=%s in the Compose file",
		    runtime, point, text, point, text);
}

static void put_kubernetes(struct line *l, const struct shm_mount *m, uint64_t bytes)
{
	char text[32];

	put(l,
	    "a volume with emptyDir: {medium: Memory, sizeLimit: %s}, mounted at %s (Kubernetes)",
	    size(text, bytes, &kubernetes_units), safe_point(m));
}

static void put_larger(struct line *l, const struct shm_mount *m, uint64_t bytes)
{
	char text[32];

	put(l, "make it larger: ");
	if (!is_in_container(m)) {
		put_mount(l, m);
		put(l, " -o remount,size=%s %s", size(text, bytes, &mount_units), safe_point(m));
	} else if (has_runtime(m, "docker") || has_runtime(m, "podman")) {
		put_run(l, m->runtime, m, bytes);
	} else if (has_runtime(m, "containerd") || has_runtime(m, "cri-o")) {
		put_kubernetes(l, m, bytes);
	} else {
		put_run(l, "docker", m, bytes);
		put(l, "; or ");
		put_kubernetes(l, m, bytes);
	}
}

/* No --shm-size helps where inodes are used up; only some have a way to say how many. */
static void put_more_inodes(struct line *l, const struct shm_mount *m)
{
	uint64_t limit = m->rec.limit_inodes, inodes = 0;
	const char *point = safe_point(m);
	char text[32] = "N";

	if (limit && limit < SENSIBLE_BYTES)
		inodes = power_above(limit, 0);
	if (inodes)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)inodes);
	put(l, "its inodes are used up, not its bytes: ");
	if (!is_in_container(m)) {
		put_mount(l, m);
		put(l, " -o remount,nr_inodes=%s %s", text, point);
	} else if (has_runtime(m, "docker") || has_runtime(m, "podman")) {
		put(l, "%s run --tmpfs %s:nr_inodes=%s, or remove files from it", m->runtime, point,
		    text);
	} else {
		put(l, "remove files from it, or nr_inodes=%s in the options of its mount", text);
	}
}

static void put_orphans(struct line *l, const struct shm_mount *m, const struct shm_full *full)
{
	uint64_t n = full->orphans ? full->orphans : m->orphans;
	uint64_t bytes = full->orphans ? full->orphan_bytes : m->orphan_bytes;
	char text[48];

	if (!n || n == UNKNOWN_U64)
		return;
	put(l, "; %llu orphaned %s", (unsigned long long)n, n == 1 ? "file" : "files");
	if (bytes <= INT64_MAX)
		put(l, " (%s)", format_bytes(text, sizeof(text), (int64_t)bytes, NULL));
	put(l, " could be removed from it");
}

const char *remedy_write(char *dst, size_t cap, const struct shm_mount *mount,
			 const struct shm_full *full)
{
	struct line l = { .dst = dst, .cap = cap };

	if (cap)
		*dst = '\0';
	if (!mount)
		return dst;
	if (full->rec.how == SHM_FULL_OPEN)
		put_more_inodes(&l, mount);
	else if (!full->rec.limit_bytes)
		put(&l, "it has no limit: the kernel would not commit more memory "
			"(vm.overcommit_memory)");
	else
		put_larger(&l, mount, remedy_bytes(full));
	put_orphans(&l, mount, full);
	return dst;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared memory in words, once, so that the table, the lines, the summary and the screens say the
 * same of the same thing.
 */
#define _GNU_SOURCE
#include "shm_show.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#define HOLDERS_SHOWN 3
#define NAME_COLUMNS 60 /* of a file in a sentence */

const char *shm_state_name(enum shm_state state)
{
	return state == SHM_UNLINKED ? "unlinked" : state == SHM_ORPHAN ? "orphan" : "linked";
}

const char *shm_how_name(uint32_t how)
{
	static const char *const names[] = {
		[SHM_FULL_WRITE] = "write",
		[SHM_FULL_FAULT] = "fault",
		[SHM_FULL_FALLOCATE] = "fallocate",
		[SHM_FULL_OPEN] = "open",
	};

	return how && how < sizeof(names) / sizeof(names[0]) ? names[how] : "unknown";
}

const char *shm_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[SHM_TMPFS] = "tmpfs",
		[SHM_MEMFD] = "memfd",
		[SHM_SYSV] = "sysv",
		[SHM_ANON] = "anonymous",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

const char *shm_device(char *dst, uint32_t dev)
{
	snprintf(dst, SHOW_LEN, "%u:%u", dev >> 20, dev & 0xfffff);
	return dst;
}

struct field_value shm_share(uint64_t used, uint64_t limit)
{
	bool known = used != UNKNOWN_U64 && limit != UNKNOWN_U64 && limit;

	return (struct field_value){ .known = known,
				     .real = known ? (double)used / (double)limit : 0 };
}

struct field_value shm_bytes(uint64_t bytes)
{
	return (struct field_value){ .known = bytes != UNKNOWN_U64,
				     .whole = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes };
}

/* Appends within `cap`; never beyond. */
static void __attribute__((format(printf, 3, 4)))
add(char *dst, size_t cap, const char *format, ...)
{
	size_t len = strnlen(dst, cap);
	va_list args;

	if (len + 1 >= cap)
		return;
	va_start(args, format);
	vsnprintf(dst + len, cap - len, format, args);
	va_end(args);
}

static void add_name(char *dst, size_t cap, const char *raw, int columns)
{
	char text[1024];
	int used;

	show_name(text, sizeof(text), raw);
	if (show_columns(text) <= columns)
		add(dst, cap, "%s", text);
	else
		add(dst, cap, "%.*s...", (int)show_clip(text, columns - 3, &used), text);
}

const char *shm_show_point(char *dst, size_t cap, const struct shm_mount *m)
{
	*dst = '\0';
	add_name(dst, cap, m->point, NAME_COLUMNS);
	if (m->gone)
		add(dst, cap, " (gone)");
	else if (m->rec.flags & SHM_MOUNT_HIDDEN)
		add(dst, cap, " (hidden)");
	return dst;
}

const char *shm_show_owner(char *dst, size_t cap, const struct shm_mount *m)
{
	*dst = '\0';
	if (*m->container) {
		add_name(dst, cap, m->container, NAME_COLUMNS);
	} else if (m->rec.head.pid) {
		add(dst, cap, "ns of %u ", m->rec.head.pid);
		add_name(dst, cap, m->rec.comm, COMM_LEN);
	} else {
		add(dst, cap, "-");
	}
	return dst;
}

static void add_mount(char *dst, size_t cap, const struct shm_mount *m, const char *size)
{
	add_name(dst, cap, *m->point ? m->point : "a tmpfs", NAME_COLUMNS);
	add(dst, cap, " (%s)", size);
	if (*m->container) {
		add(dst, cap, " of container ");
		add_name(dst, cap, m->container, NAME_COLUMNS);
	} else if (m->rec.head.pid) {
		add(dst, cap, " in the mount namespace of pid %u (", m->rec.head.pid);
		add_name(dst, cap, m->rec.comm, COMM_LEN);
		add(dst, cap, ")");
	}
}

static const char *limit_text(char *dst, uint64_t limit, const struct unit *unit)
{
	if (limit)
		return show_value(dst, shm_bytes(limit), FIELD_BYTES, unit);
	snprintf(dst, SHOW_LEN, "no limit");
	return dst;
}

const char *shm_show_mount(char *dst, size_t cap, const struct shm_mount *m,
			   const struct unit *unit)
{
	char limit[SHOW_LEN];

	*dst = '\0';
	add_mount(dst, cap, m, limit_text(limit, m->rec.limit_bytes, unit));
	return dst;
}

const char *shm_show_creator(char *dst, size_t cap, const struct rec_shm_file *r)
{
	char name[SHOW_COMM_LEN];

	if (!(r->flags & SHM_FILE_CREATOR))
		snprintf(dst, cap, "n/a");
	else
		snprintf(dst, cap, "%u %s%s", r->head.pid, show_name(name, sizeof(name), r->comm),
			 r->flags & SHM_FILE_CREATOR_ALIVE ? "" : " (dead)");
	return dst;
}

const char *shm_show_holders(char *dst, size_t cap, const struct shm_file *f)
{
	uint64_t all = f->n_holders + f->holders_omitted;

	*dst = '\0';
	if (!all) {
		snprintf(dst, cap, f->rec.flags & SHM_FILE_HELD_UNKNOWN ? "n/a" : "nobody");
		return dst;
	}
	for (size_t i = 0; i < f->n_holders && i < HOLDERS_SHOWN; i++) {
		add(dst, cap, "%s%u ", i ? ", " : "", f->holders[i].pid);
		add_name(dst, cap, f->holders[i].comm, COMM_LEN);
	}
	if (all > HOLDERS_SHOWN)
		add(dst, cap, " +%llu", (unsigned long long)(all - HOLDERS_SHOWN));
	return dst;
}

const char *shm_show_file(char *dst, size_t cap, const struct shm_file *f)
{
	return show_name(dst, cap, f->path);
}

const char *shm_show_growth(char *dst, const struct shm_mount *m, const struct unit *unit)
{
	char bytes[SHOW_LEN];

	if (!isfinite(m->growth_bytes_s)) {
		snprintf(dst, SHOW_LEN, "n/a");
	} else if (fabs(m->growth_bytes_s) < 1) {
		snprintf(dst, SHOW_LEN, "steady");
	} else {
		double by = m->growth_bytes_s;

		by = by > 9e18 ? 9e18 : by < -9e18 ? -9e18 : by;
		format_bytes(bytes, sizeof(bytes), (int64_t)by, unit);
		snprintf(dst, SHOW_LEN, "%s%.40s/s", by > 0 ? "+" : "", bytes);
	}
	return dst;
}

const char *shm_show_full_in(char *dst, const struct shm_mount *m)
{
	double s = m->full_in_s;

	if (!isfinite(s))
		snprintf(dst, SHOW_LEN, "n/a");
	else if (s < 0 || s >= 1000 * 86400.0) /* nobody waits for that */
		snprintf(dst, SHOW_LEN, "-");
	else if (s < 120)
		snprintf(dst, SHOW_LEN, "%.0f s", s);
	else if (s < 7200)
		snprintf(dst, SHOW_LEN, "%.0f min", s / 60);
	else if (s < 48 * 3600)
		snprintf(dst, SHOW_LEN, "%.0f h", s / 3600);
	else
		snprintf(dst, SHOW_LEN, "%.0f d", s / 86400);
	return dst;
}

static const char *error_name(uint32_t error)
{
	const char *name = strerrorname_np((int)error);

	return name ? name : "an error";
}

static void add_file(char *dst, size_t cap, const char *before, const struct rec_shm_full *r)
{
	if (!r->name[0])
		return;
	add(dst, cap, "%s'", before);
	add_name(dst, cap, r->name, NAME_COLUMNS);
	add(dst, cap, "'");
}

static void add_call(char *dst, size_t cap, const char *call, const char *before,
		     const struct rec_shm_full *r, const struct unit *unit)
{
	char wanted[SHOW_LEN], done[SHOW_LEN];

	add(dst, cap, "%s of %s", call,
	    show_value(wanted, shm_bytes(r->wanted_bytes), FIELD_BYTES, unit));
	add_file(dst, cap, before, r);
	if (r->done_bytes && r->done_bytes != UNKNOWN_U64)
		add(dst, cap, " stopped after %s",
		    show_value(done, shm_bytes(r->done_bytes), FIELD_BYTES, unit));
	else
		add(dst, cap, " failed (%s)", error_name(r->error));
}

static void add_what(char *dst, size_t cap, const struct rec_shm_full *r, const struct unit *unit)
{
	const char *signal_name = sigabbrev_np((int)r->signal);

	switch (r->how) {
	case SHM_FULL_WRITE:
		add_call(dst, cap, "write", " to ", r, unit);
		break;
	case SHM_FULL_FALLOCATE:
		add_call(dst, cap, "fallocate", " of ", r, unit);
		break;
	case SHM_FULL_FAULT:
		if (r->signal) {
			add(dst, cap, "touching a mapped page");
			add_file(dst, cap, " of ", r);
			add(dst, cap, " got SIG%s", signal_name ? signal_name : "?");
		} else {
			add(dst, cap, "a system call could not touch a mapped page");
			add_file(dst, cap, " of ", r);
			add(dst, cap, " (%s)", error_name(r->error));
		}
		break;
	case SHM_FULL_OPEN:
		add(dst, cap, "no inode was left");
		add_file(dst, cap, " to make ", r);
		add(dst, cap, " (%s)", error_name(r->error));
		break;
	default:
		add(dst, cap, "it failed (%s)", error_name(r->error));
	}
}

const char *shm_show_full(char *dst, size_t cap, const struct snapshot *s,
			  const struct shm_mount *m, const struct shm_full *full,
			  const struct unit *unit)
{
	const struct rec_shm_full *r = &full->rec;
	char limit[SHOW_LEN], count[SHOW_LEN];

	*dst = '\0';
	add(dst, cap, "%.3f s pid %u (", show_since_s(s, r->head.ts_ns), r->head.pid);
	add_name(dst, cap, r->comm, COMM_LEN);
	add(dst, cap, ")");
	if (full->container && strcmp(full->container, m->container) != 0) {
		add(dst, cap, " of container ");
		add_name(dst, cap, full->container, NAME_COLUMNS);
	}
	add(dst, cap, " hit the wall of ");
	if (r->how == SHM_FULL_OPEN && m->rec.limit_inodes != UNKNOWN_U64) {
		char inodes[SHOW_LEN];

		snprintf(inodes, sizeof(inodes), "%.30s inodes",
			 show_count(count, m->rec.limit_inodes));
		add_mount(dst, cap, m, inodes);
	} else {
		add_mount(dst, cap, m, limit_text(limit, r->limit_bytes, unit));
	}
	add(dst, cap, ": ");
	add_what(dst, cap, r, unit);
	if (full->times > 1)
		add(dst, cap, ", %s times", show_count(count, full->times));
	return dst;
}

static bool is_watched(const struct snapshot *s, const struct rec_head *who)
{
	for (size_t i = 0; i < s->n_processes; i++)
		if (s->processes[i]->pid == who->pid &&
		    (!who->start_ns || s->processes[i]->start_ns == who->start_ns))
			return true;
	return false;
}

bool shm_is_of_watch(const struct snapshot *s, const struct shm_mount *m)
{
	if (m->rec.flags & SHM_MOUNT_TARGET)
		return true;
	for (size_t i = 0; i < m->n_full; i++)
		if (is_watched(s, &m->full[i].rec.head))
			return true;
	return false;
}

const struct shm_mount *shm_of_target(const struct snapshot *s)
{
	const uint32_t both = SHM_MOUNT_TARGET | SHM_MOUNT_DEV_SHM;

	/* the list has the fullest first */
	for (size_t i = 0; s->shm && i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];

		if ((m->rec.flags & both) == both && !m->gone &&
		    shm_share(m->rec.used_bytes, m->rec.limit_bytes).known)
			return m;
	}
	return NULL;
}

const struct shm_full *shm_newest_full(const struct snapshot *s, const struct shm_mount **mount)
{
	const struct shm_full *newest = NULL;

	for (size_t i = 0; s->shm && i < s->shm->n_mounts; i++) {
		const struct shm_mount *m = s->shm->mounts[i];

		if (!m->n_full || (newest && newest->number > m->full[m->n_full - 1].number) ||
		    !shm_is_of_watch(s, m))
			continue;
		newest = &m->full[m->n_full - 1];
		*mount = m;
	}
	return newest;
}

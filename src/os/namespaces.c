/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: a mount table or a table of segments belongs to a namespace; reading it for every process of
 * the machine would cost a second. Two readlinks per process tell which share one.
 */
#include "namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Without this uthash ends the program when memory is exhausted. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "text.h"

/* Where a namespace stands in its list. */
struct place {
	uint32_t ino; /* key */
	size_t index;
	UT_hash_handle hh;
};

struct search {
	struct namespaces *out;
	struct place *mnt, *ipc;
	int proc; /* /proc */
};

uint32_t namespace_parse(const char *link, size_t len)
{
	struct text t = text_of(link, len), part;
	uint64_t ino;

	if (!text_until(&t, '[', &part) || t.at == t.end || t.end[-1] != ']')
		return 0;
	t.end--;
	return text_u64(t, &ino) && ino <= UINT32_MAX ? (uint32_t)ino : 0;
}

/* 0 with errno, or where the link has no number. */
static uint32_t read_link(int proc, const char *path)
{
	char target[64];
	ssize_t n = readlinkat(proc, path, target, sizeof(target));

	return n < 0 ? 0 : namespace_parse(target, (size_t)n);
}

uint32_t namespace_of(pid_t pid, const char *kind)
{
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	else
		snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return read_link(AT_FDCWD, path);
}

/* Its root is "/", in its own namespace as in ours. */
static bool is_rooted(const struct search *s, pid_t pid)
{
	char path[32], target[2];

	snprintf(path, sizeof(path), "%d/root", (int)pid);
	return readlinkat(s->proc, path, target, sizeof(target)) == 1 && target[0] == '/';
}

static int append(struct namespace_list *l, struct place **places, uint32_t ino, pid_t pid)
{
	struct place *place = calloc(1, sizeof(*place)), *found;
	struct namespace *larger;

	if (!place)
		return -ENOMEM;
	*place = (struct place){ .ino = ino, .index = l->n };
	HASH_ADD(hh, *places, ino, sizeof(place->ino), place);
	HASH_FIND(hh, *places, &ino, sizeof(ino), found);
	if (!found) { /* not added: memory */
		free(place);
		return -ENOMEM;
	}
	if (!(l->n & (l->n - 1))) { /* room is a power of two */
		larger = realloc(l->items, (l->n ? l->n * 2 : 1) * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		l->items = larger;
	}
	l->items[l->n++] = (struct namespace){ .ino = ino, .pid = pid };
	return 0;
}

/* The namespace's entry, made for `pid` where it is new. */
static struct namespace *enter(struct namespace_list *l, struct place **places, uint32_t ino,
			       pid_t pid)
{
	struct place *place;

	HASH_FIND(hh, *places, &ino, sizeof(ino), place);
	if (place)
		return &l->items[place->index];
	return append(l, places, ino, pid) ? NULL : &l->items[l->n - 1];
}

static int take_mnt(struct search *s, uint32_t ino, pid_t pid)
{
	struct namespace *ns = enter(&s->out->mnt, &s->mnt, ino, pid);

	if (!ns)
		return -ENOMEM;
	if (!ns->rooted && is_rooted(s, pid)) {
		ns->rooted = true;
		if (ns->pid != pid)
			ns->spare = ns->pid;
		ns->pid = pid;
	} else if (ns->pid != pid) {
		ns->spare = pid;
	}
	return 0;
}

static int take_ipc(struct search *s, uint32_t ino, pid_t pid)
{
	struct namespace *ns = enter(&s->out->ipc, &s->ipc, ino, pid);

	if (!ns)
		return -ENOMEM;
	if (ns->pid != pid)
		ns->spare = pid;
	return 0;
}

static int take_process(struct search *s, pid_t pid)
{
	uint32_t ino;
	char path[32];
	int err;

	s->out->processes++;
	snprintf(path, sizeof(path), "%d/ns/mnt", (int)pid);
	errno = 0;
	ino = read_link(s->proc, path);
	if (!ino) { /* refused; or ended, or a zombie */
		s->out->refused += errno == EACCES || errno == EPERM;
		return 0;
	}
	err = take_mnt(s, ino, pid);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%d/ns/ipc", (int)pid);
	ino = read_link(s->proc, path);
	return ino ? take_ipc(s, ino, pid) : 0; /* 0: a kernel without them, or it ended */
}

static void forget(struct place **places)
{
	struct place *place, *tmp;

	HASH_ITER(hh, *places, place, tmp) {
		HASH_DELETE(hh, *places, place);
		free(place);
	}
}

int namespaces_find(struct namespaces *out)
{
	struct search s = { .out = out };
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	uint64_t pid;
	int err = 0;

	*out = (struct namespaces){ 0 };
	if (!dir)
		return -errno;
	s.proc = dirfd(dir);
	// cppcheck-suppress readdirCalled // the stream is ours alone
	while (!err && (entry = readdir(dir)))
		if (text_u64(text_of(entry->d_name, strlen(entry->d_name)), &pid) &&
		    pid <= INT32_MAX)
			err = take_process(&s, (pid_t)pid);
	closedir(dir);
	forget(&s.mnt);
	forget(&s.ipc);
	if (err)
		namespaces_finish(out);
	return err;
}

void namespaces_finish(struct namespaces *n)
{
	if (!n)
		return;
	free(n->mnt.items);
	free(n->ipc.items);
	*n = (struct namespaces){ 0 };
}

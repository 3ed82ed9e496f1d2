/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a thread: setns(2) moves the calling thread, and there is no way to ask for another
 * namespace's segments from outside. The thread keeps our pid namespace, so that pids stay the
 * host's, and dies with the namespace it entered last.
 */
#include "sysvipc.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <unistd.h>

#include "readfile.h"
#include "text.h"

/* ---- parsing ---------------------------------------------------------------------------------- */

static bool word_i32(struct text *t, int32_t *value)
{
	struct text word;
	uint64_t number;
	bool negative;

	if (!text_word(t, &word))
		return false;
	negative = text_skip(&word, "-");
	if (!text_u64(word, &number) || number > (uint64_t)INT32_MAX + negative)
		return false;
	*value = (int32_t)(negative ? -(int64_t)number : (int64_t)number);
	return true;
}

static bool word_u32(struct text *t, uint32_t *value)
{
	uint64_t number;

	if (!text_word_u64(t, &number) || number > UINT32_MAX)
		return false;
	*value = (uint32_t)number;
	return true;
}

/* Permissions in octal, with SHM_DEST and SHM_LOCKED of include/linux/shm.h above them. */
static bool word_mode(struct text *t, struct sysv_segment *s)
{
	struct text word;
	uint32_t mode = 0;

	if (!text_word(t, &word) || word.end - word.at > 6)
		return false;
	for (; word.at < word.end; word.at++) {
		if (*word.at < '0' || *word.at > '7')
			return false;
		mode = mode << 3 | (uint32_t)(*word.at - '0');
	}
	s->mode = mode & 0777;
	s->flags = (mode & 01000 ? SHM_SEGMENT_DEST : 0) | (mode & 02000 ? SHM_SEGMENT_LOCKED : 0);
	return true;
}

static bool parse_segment(struct text t, struct sysv_segment *s)
{
	/* the key is printed with a sign, pids of foreign namespaces as 0 */
	if (!word_i32(&t, &s->key) || !word_i32(&t, &s->shmid) || !word_mode(&t, s) ||
	    !text_word_u64(&t, &s->bytes) || !word_u32(&t, &s->creator_pid) ||
	    !word_u32(&t, &s->last_pid) || !text_word_u64(&t, &s->attached) ||
	    !word_u32(&t, &s->uid) || !word_u32(&t, &s->gid) || !word_u32(&t, &s->creator_uid) ||
	    !word_u32(&t, &s->creator_gid) || !text_word_u64(&t, &s->attach_s) ||
	    !text_word_u64(&t, &s->detach_s) || !text_word_u64(&t, &s->change_s))
		return false;
	/* figures the oldest kernels do not have */
	if (!text_word_u64(&t, &s->resident_bytes) || !text_word_u64(&t, &s->swapped_bytes))
		s->resident_bytes = s->swapped_bytes = UNKNOWN_U64;
	return true;
}

static int append(struct sysv_segments *out, struct text line)
{
	struct sysv_segment s = { 0 }, *larger;

	if (!parse_segment(line, &s))
		return -EINVAL;
	if (!(out->n & (out->n - 1))) { /* room is a power of two */
		larger = realloc(out->items, (out->n ? out->n * 2 : 1) * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		out->items = larger;
	}
	out->items[out->n++] = s;
	return 0;
}

int sysvipc_parse(struct sysv_segments *out, const char *text, size_t len)
{
	struct text t = text_of(text, len), line, word;
	int err = 0;

	*out = (struct sysv_segments){ 0 };
	if (!text_line(&t, &line) || !text_word(&line, &word) || !text_is(word, "key"))
		return -EINVAL;
	while (!err && text_line(&t, &line))
		err = append(out, line);
	if (err)
		sysvipc_finish(out);
	return err;
}

void sysvipc_finish(struct sysv_segments *s)
{
	if (!s)
		return;
	free(s->items);
	*s = (struct sysv_segments){ 0 };
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* Of the thread's namespace. */
static int read_here(struct sysv_segments *out)
{
	char *text;
	size_t len;
	int err = readfile_all("/proc/sysvipc/shm", &text, &len);

	if (err)
		return err;
	err = sysvipc_parse(out, text, len);
	free(text);
	return err;
}

static void read_limits_here(struct sysv_limits *out)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct shminfo info;

	*out = (struct sysv_limits){ 0 };
	/* the type of the argument is that of other commands */
	if (shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&info) < 0)
		return;
	*out = (struct sysv_limits){
		.segments = info.shmmni,
		.least_bytes = info.shmmin,
		.most_bytes = info.shmmax,
		.total_bytes = info.shmall > UINT64_MAX / page ? UINT64_MAX : info.shmall * page,
	};
}

static int look_here(struct sysvipc_look *look)
{
	read_limits_here(&look->limits);
	return read_here(&look->segments);
}

static int enter(pid_t pid)
{
	char path[64];
	int fd, err = 0;

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : errno == EACCES ? -EPERM : -errno;
	if (setns(fd, CLONE_NEWIPC))
		err = -errno;
	close(fd);
	return err;
}

struct visit {
	struct sysvipc_look *looks;
	size_t n;
};

static void *visit_others(void *arg)
{
	struct visit *v = arg;

	for (size_t i = 0; i < v->n; i++) {
		struct sysvipc_look *look = &v->looks[i];

		if (!look->pid)
			continue;
		look->err = enter(look->pid);
		if (look->err == -ESRCH && look->spare)
			look->err = enter(look->spare);
		if (!look->err)
			look->err = look_here(look);
	}
	return NULL;
}

static int in_thread(struct visit *v)
{
	sigset_t all, before;
	pthread_t thread;
	int err;

	sigfillset(&all); /* signals are the main thread's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&thread, NULL, visit_others, v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? -err : -pthread_join(thread, NULL);
}

int sysvipc_read(struct sysvipc_look *looks, size_t n)
{
	struct visit v = { looks, n };
	bool others = false;

	for (size_t i = 0; i < n; i++) {
		looks[i].segments = (struct sysv_segments){ 0 };
		looks[i].limits = (struct sysv_limits){ 0 };
		looks[i].err = looks[i].pid ? -EAGAIN : look_here(&looks[i]);
		others = others || looks[i].pid;
	}
	return others ? in_thread(&v) : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: no hook tells what existed before, what a limit is, or whose a mount is. A survey asks those
 * who know (mount tables, directories, statfs, sysvipc, the shm tracer) and joins their answers.
 *
 * Invariants: a file comes once, however many names it has; the directory's word counts for its path
 * and size, the kernel side's for its creator and holders. A figure that was read from something whose
 * number or identity had changed meanwhile is dropped, not shown.
 */
#include "shm_survey.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "os/beneath.h"
#include "os/procfs.h"
#include "os/shm_files.h"
#include "os/shm_segments.h"
#include "os/shmdir.h"
#include "os/superblocks.h"
#include "os/tmpfs.h"
#include "util/clock.h"

#define FILES_MAX 100000 /* names read in all directories of a survey */
#define FILES_NS 500000000ULL /* and the time for that */
#define NAME_MAX_BYTES 256 /* of a container's name, with the NUL */

/* What is kept of a superblock from one look to the next (superblock.user). */
struct figures {
	uint64_t identity; /* as tmpfs_statfs() has it */
	uint64_t highest_bytes, highest_ns; /* of all looks at this superblock */
	uint32_t flags; /* SHM_MOUNT_*, but for the target */
	pid_t pid; /* see rec_shm_mount */
	char comm[COMM_LEN];
	bool told; /* the last survey mentioned it */
	bool reached; /* and a path led to it */
	uint64_t inodes; /* in use, roughly */
	char id[CONTAINER_ID_DIGITS + 1];
	char name[NAME_MAX_BYTES];
};

struct target {
	uint32_t dev;
	uint64_t identity;
};

struct gaps {
	size_t mnt, ipc, processes, unreachable, cut, mounts, files;
};

struct shm_survey {
	struct shm_survey_config config;
	struct superblocks superblocks;
	struct target *targets;
	size_t n_targets;
	uint64_t began_ns, ended_ns; /* the last survey */
	bool missed; /* shm_survey_read() did not reach one since */
	bool uncharged; /* charges are not traced */
	struct shmdir_limits limits; /* what is left of the survey's bounds */
	struct gaps gaps;
	char text[512]; /* the gaps, in words */
	/* a record while it is made */
	_Alignas(8) char buf[sizeof(struct rec_shm_mount) + 2 * PATH_MAX + NAME_MAX_BYTES];
};

int shm_survey_create(const struct shm_survey_config *config, struct shm_survey **out)
{
	struct shm_survey *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->uncharged = !config->tracer || shm_tracer_chain(config->tracer) < SHM_CHAIN_TRACEPOINTS;
	*out = s;
	return 0;
}

void shm_survey_destroy(struct shm_survey *s)
{
	if (!s)
		return;
	superblocks_finish(&s->superblocks);
	free(s->targets);
	free(s);
}

/* Hands `head`, the start of s->buf, on with the texts that begin `at` in it. */
static int emit_texts(struct shm_survey *s, struct rec_head *head, size_t at,
		      const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(texts[i]) + 1;

		if (len > sizeof(s->buf) - at)
			return 0; /* no kernel has a path so long */
		memcpy(s->buf + at, texts[i], len);
		at += len;
	}
	head->size = (uint16_t)at;
	return s->config.fn(s->config.ctx, head, at);
}

/* ---- superblocks ------------------------------------------------------------------------------ */

static bool is_target(const struct shm_survey *s, uint32_t dev, uint64_t identity)
{
	for (size_t i = 0; i < s->n_targets; i++)
		if (s->targets[i].dev == dev && s->targets[i].identity == identity)
			return true;
	return false;
}

/* Peak and volumes from the kernel side; the peak is no lower than what was seen. */
static void add_charges(const struct shm_survey *s, const struct figures *f,
			struct rec_shm_mount *rec)
{
	struct shm_charges charges = { 0 };
	int err = s->uncharged ? -ENOTSUP :
				 shm_tracer_charges(s->config.tracer, rec->dev, &charges);

	rec->peak_bytes = rec->peak_ns = UNKNOWN_U64;
	rec->charged_bytes = rec->uncharged_bytes = UNKNOWN_U64;
	if (err && err != -ENOENT) /* ENOENT: nothing was charged yet */
		return;
	rec->flags |= SHM_MOUNT_TRACED;
	rec->charged_bytes = charges.charged_bytes;
	rec->uncharged_bytes = charges.uncharged_bytes;
	if (!err) {
		rec->peak_bytes = charges.peak_bytes;
		rec->peak_ns = charges.peak_ns;
	}
	if (f->highest_ns && (err || f->highest_bytes > charges.peak_bytes)) {
		rec->peak_bytes = f->highest_bytes;
		rec->peak_ns = f->highest_ns;
	}
}

static int emit_mount(struct shm_survey *s, const struct superblock *sb,
		      const struct tmpfs_figures *now)
{
	struct superblock_owner owner = superblock_owner(sb);
	struct rec_shm_mount *rec = (void *)s->buf;
	struct figures *f = sb->user;
	const char *const texts[] = { owner.point, owner.id, f->name, owner.runtime };

	*rec = (struct rec_shm_mount){
		.head = { .type = REC_SHM_MOUNT, .pid = (uint32_t)f->pid, .ts_ns = monotonic_ns() },
		.dev = sb->dev,
		.flags = f->flags | (is_target(s, sb->dev, f->identity) ? SHM_MOUNT_TARGET : 0),
		.limit_bytes = now->limit_bytes,
		.used_bytes = now->used_bytes,
		.limit_inodes = now->limit_inodes,
		.used_inodes = now->used_inodes,
	};
	if (now->used_bytes != UNKNOWN_U64 &&
	    (!f->highest_ns || now->used_bytes > f->highest_bytes)) {
		f->highest_bytes = now->used_bytes;
		f->highest_ns = rec->head.ts_ns;
	}
	memcpy(rec->comm, f->comm, sizeof(rec->comm));
	add_charges(s, f, rec);
	return emit_texts(s, &rec->head, sizeof(*rec), texts, 4);
}

/* Targets that are mounted nowhere any more must not mark who gets their numbers next. */
static void prune_targets(struct shm_survey *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_targets; i++) {
		const struct superblock *sb;

		HASH_FIND(hh, s->superblocks.all, &s->targets[i].dev, sizeof(sb->dev), sb);
		if (sb)
			s->targets[n++] = s->targets[i];
	}
	s->n_targets = n;
}

/* Through whom it is seen. */
static void note_process(struct figures *f, pid_t pid)
{
	struct proc_stat stat;

	f->pid = 0;
	f->comm[0] = '\0';
	if (!pid || procfs_read_stat(pid, &stat))
		return;
	f->pid = pid;
	snprintf(f->comm, sizeof(f->comm), "%.15s", stat.comm);
}

/* Who owns it now, and whether it is the one that had this number at the last look. */
static void bring_up_to_date(struct shm_survey *s, const struct superblock *sb, uint64_t identity)
{
	struct superblock_owner owner = superblock_owner(sb);
	struct figures *f = sb->user;
	bool another = identity && f->identity && identity != f->identity;
	const char *name;

	if (!identity && !f->identity) /* kernels without one: go by the owner */
		another = *f->id && *owner.id && strcmp(f->id, owner.id) != 0;
	if (another)
		*f = (struct figures){ 0 };
	if (identity) /* else it is hidden for now */
		f->identity = identity;
	f->flags = (sb->dev_shm ? SHM_MOUNT_DEV_SHM : 0) | (another ? SHM_MOUNT_ANOTHER : 0) |
		   (owner.hidden ? SHM_MOUNT_HIDDEN : 0);
	note_process(f, owner.pid);
	snprintf(f->id, sizeof(f->id), "%s", owner.id);
	f->name[0] = '\0';
	name = *owner.id && s->config.name ? s->config.name(s->config.name_ctx, owner.id) : NULL;
	if (name)
		snprintf(f->name, sizeof(f->name), "%s", name);
}

/* ---- files ------------------------------------------------------------------------------------ */

struct joining {
	struct shm_survey *s;
	struct shm_files *known;
	uint32_t dev;
};

static int emit_holders(const struct shm_survey *s, const struct shm_known *k)
{
	int err = 0;

	for (const struct shm_held *h = k->first; h && !err; h = h->next)
		err = s->config.fn(s->config.ctx, &h->rec.head, sizeof(h->rec));
	return err;
}

static void fill_file(const struct joining *j, const struct shmdir_file *file,
		      const struct shm_known *k, struct rec_shm_file *rec)
{
	const struct shm_survey *s = j->s;

	*rec = (struct rec_shm_file){
		.head = { .type = REC_SHM_FILE },
		.flags = s->config.tracer ? 0 : SHM_FILE_HELD_UNKNOWN,
		/* what no charge was seen of did not change */
		.peak_bytes = s->uncharged ? UNKNOWN_U64 : file->bytes,
	};
	if (k)
		*rec = k->rec;
	else if (s->config.tracer && file->bytes)
		rec->flags |= SHM_FILE_BEFORE;
	rec->head.ts_ns = monotonic_ns();
	rec->flags &= ~SHM_FILE_UNLINKED;
	rec->dev = j->dev;
	rec->ino = file->ino;
	rec->kind = SHM_TMPFS;
	rec->uid = file->uid;
	rec->size_bytes = file->size_bytes;
	rec->bytes = file->bytes;
	if (rec->peak_bytes != UNKNOWN_U64 && rec->peak_bytes < rec->bytes)
		rec->peak_bytes = rec->bytes;
}

static int take_file(void *ctx, const struct shmdir_file *file)
{
	struct joining *j = ctx;
	struct shm_known *k = shm_files_find(j->known, j->dev, file->ino);
	struct rec_shm_file *rec = (void *)j->s->buf;
	int err;

	if (k || file->links > 1) {
		err = shm_files_see(j->known, j->dev, file->ino);
		if (err) /* 1: another name of it was seen */
			return err < 0 ? err : 0;
	}
	fill_file(j, file, k, rec);
	err = emit_texts(j->s, &rec->head, sizeof(*rec), &file->path, 1);
	return !err && k ? emit_holders(j->s, k) : err;
}

static int walk(struct shm_survey *s, const struct superblock *sb, int fd, struct shm_files *known)
{
	struct joining j = { s, known, sb->dev };
	struct figures *f = sb->user;
	int err = shmdir_walk(fd, &s->limits, take_file, &j);

	if (!s->limits.cut)
		return err;
	f->flags |= SHM_MOUNT_NO_FILES;
	s->gaps.cut++;
	return err;
}

/* What no directory has: unlinked files, memfds, anonymous memory, files of lost superblocks. */
static int emit_rest(struct shm_survey *s, const struct shm_files *known)
{
	const struct shm_known *k;
	int err = 0;

	for (k = known->all; k && !err; k = k->hh.next) {
		struct rec_shm_file *rec = (void *)s->buf;
		const char *name = k->name;

		if (!k->from_kernel || k->seen)
			continue;
		*rec = k->rec;
		err = emit_texts(s, &rec->head, sizeof(*rec), &name, 1);
		if (!err)
			err = emit_holders(s, k);
	}
	return err;
}

/* ---- one superblock in a survey --------------------------------------------------------------- */

/* Without a path: what its number and options tell. -EINVAL: it is gone. */
static int figures_unseen(const struct superblock *sb, struct tmpfs_figures *now)
{
	int err = tmpfs_ustat(sb->dev, sb->limit_bytes, sb->limit_inodes, now);

	if (!err || err == -EINVAL)
		return err;
	*now = (struct tmpfs_figures){
		.limit_bytes = sb->limit_bytes,
		.limit_inodes = sb->limit_inodes,
		.used_bytes = UNKNOWN_U64,
		.used_inodes = UNKNOWN_U64,
	};
	return 0;
}

static int survey_reached(struct shm_survey *s, const struct superblock *sb, int fd, bool whole,
			  const struct tmpfs_figures *now, struct shm_files *known)
{
	struct figures *f = sb->user;
	int err;

	f->told = true;
	f->reached = fd >= 0;
	if (fd < 0 || !whole || !s->config.files)
		f->flags |= SHM_MOUNT_NO_FILES;
	err = emit_mount(s, sb, now);
	if (err || f->flags & SHM_MOUNT_NO_FILES)
		return err;
	err = walk(s, sb, fd, known);
	if (!err && f->flags & SHM_MOUNT_NO_FILES)
		err = emit_mount(s, sb, now);
	return err;
}

static int survey_superblock(struct shm_survey *s, const struct superblock *sb,
			     struct superblock_view *view, struct shm_files *known)
{
	struct tmpfs_figures now;
	bool whole = false;
	int fd, err;

	fd = superblock_open(sb, view, &whole);
	err = fd < 0 ? fd : tmpfs_statfs(fd, &now);
	if (err && fd >= 0) {
		close(fd);
		fd = -1;
	}
	if (err)
		err = figures_unseen(sb, &now);
	if (err) { /* it is gone */
		*(struct figures *)sb->user = (struct figures){ 0 };
		return 0;
	}
	s->gaps.unreachable += s->config.files && (fd < 0 || !whole);
	bring_up_to_date(s, sb, now.identity);
	err = survey_reached(s, sb, fd, whole, &now, known);
	((struct figures *)sb->user)->flags &= ~SHM_MOUNT_ANOTHER;
	if (fd >= 0)
		close(fd);
	return err;
}

/*
 * The fewest files first, so that whoever fills his /dev/shm with names only takes room from those
 * who have as many.
 */
static int by_inodes(const struct superblock *a, const struct superblock *b)
{
	const struct figures *fa = a->user, *fb = b->user;

	return fa->inodes < fb->inodes ? -1 : fa->inodes > fb->inodes;
}

static int order_superblocks(struct shm_survey *s, struct superblock_view *view)
{
	struct superblock *sb;

	for (sb = s->superblocks.all; sb; sb = sb->hh.next) {
		struct tmpfs_figures now = { .used_inodes = UNKNOWN_U64 };
		bool whole;
		int fd;

		if (!sb->user)
			sb->user = calloc(1, sizeof(struct figures));
		if (!sb->user)
			return -ENOMEM;
		fd = superblock_open(sb, view, &whole);
		if (fd >= 0) {
			tmpfs_statfs(fd, &now);
			close(fd);
		}
		((struct figures *)sb->user)->inodes = now.used_inodes;
	}
	HASH_SORT(s->superblocks.all, by_inodes);
	return 0;
}

static int survey_superblocks(struct shm_survey *s, struct shm_files *known)
{
	struct superblock_view view = { 0 };
	struct superblock *sb;
	int err = order_superblocks(s, &view);

	s->limits = (struct shmdir_limits){
		.entries = FILES_MAX,
		.deadline_ns = monotonic_ns() + FILES_NS,
	};
	for (sb = s->superblocks.all; sb && !err; sb = sb->hh.next)
		err = survey_superblock(s, sb, &view, known);
	superblock_view_close(&view);
	return err;
}

/* ---- the survey ------------------------------------------------------------------------------- */

static void add_gap(struct shm_survey *s, size_t n, const char *one, const char *many)
{
	size_t len = strlen(s->text);

	if (n)
		snprintf(s->text + len, sizeof(s->text) - len, "%s%zu %s", len ? "; " : "", n,
			 n == 1 ? one : many);
}

static void put_gaps_in_words(struct shm_survey *s)
{
	const struct gaps *g = &s->gaps;

	s->text[0] = '\0';
	add_gap(s, g->processes, "process cannot be looked into",
		"processes cannot be looked into");
	add_gap(s, g->mnt, "mount namespace cannot be entered",
		"mount namespaces cannot be entered");
	add_gap(s, g->ipc, "IPC namespace cannot be entered", "IPC namespaces cannot be entered");
	add_gap(s, g->mounts, "tmpfs mount beyond what is kept",
		"tmpfs mounts beyond what is kept");
	add_gap(s, g->unreachable, "tmpfs whose files no path leads to",
		"tmpfs whose files no path leads to");
	add_gap(s, g->cut, "tmpfs with files that were not all looked at",
		"tmpfs with files that were not all looked at");
	add_gap(s, g->files, "file or holder beyond what is kept",
		"files and holders beyond what is kept");
}

static int take_segment(void *ctx, const struct rec_head *rec)
{
	const struct shm_survey *s = ctx;

	return s->config.fn(s->config.ctx, rec, rec->size);
}

static int survey(struct shm_survey *s, const struct namespaces *namespaces,
		  struct shm_files *known)
{
	struct shm_tracer *tracer = s->config.tracer;
	int err;

	s->gaps.processes = namespaces->refused;
	err = superblocks_scan(&s->superblocks, namespaces);
	if (err)
		return err;
	prune_targets(s);
	s->gaps.mnt = s->superblocks.refused;
	s->gaps.mounts = s->superblocks.omitted;
	err = tracer ? shm_tracer_files(tracer, shm_files_take, known) : 0;
	if (!err)
		err = survey_superblocks(s, known);
	s->gaps.files = known->omitted;
	if (!err)
		err = emit_rest(s, known);
	if (!err && tracer)
		err = shm_tracer_chargers(tracer, s->config.fn, s->config.ctx);
	return err ? err : shm_segments_read(&namespaces->ipc, take_segment, s, &s->gaps.ipc);
}

int shm_survey_run(struct shm_survey *s)
{
	struct rec_head end = { .type = REC_SHM_SURVEY, .size = sizeof(end) };
	struct shm_files known = { 0 };
	struct namespaces namespaces;
	int err;

	s->began_ns = end.start_ns = monotonic_ns();
	s->missed = false;
	s->gaps = (struct gaps){ 0 };
	err = namespaces_find(&namespaces);
	if (!err)
		err = survey(s, &namespaces, &known);
	namespaces_finish(&namespaces);
	shm_files_finish(&known);
	put_gaps_in_words(s);
	end.ts_ns = monotonic_ns();
	if (!err)
		err = s->config.fn(s->config.ctx, &end, sizeof(end));
	s->ended_ns = monotonic_ns();
	return err;
}

int shm_survey_read(struct shm_survey *s)
{
	struct superblock_view view = { 0 };
	struct superblock *sb;
	int err = 0;

	for (sb = s->superblocks.all; sb && !err; sb = sb->hh.next) {
		const struct figures *f = sb->user;
		struct tmpfs_figures now;
		bool whole;
		int fd;

		if (!f || !f->told)
			continue;
		fd = superblock_open(sb, &view, &whole);
		if (fd >= 0 && !tmpfs_statfs(fd, &now) && now.identity == f->identity)
			err = emit_mount(s, sb, &now);
		else
			s->missed = s->missed || f->reached;
		if (fd >= 0)
			close(fd);
	}
	superblock_view_close(&view);
	return err;
}

uint64_t shm_survey_due_ns(const struct shm_survey *s)
{
	const uint64_t least = 1000000000, most = 60 * least;
	uint64_t wait = (s->ended_ns - s->began_ns) * (s->missed ? 30 : 300);

	if (!s->ended_ns)
		return 0;
	return s->ended_ns + (wait < least ? least : wait > most ? most : wait);
}

/* ---- targets ---------------------------------------------------------------------------------- */

/*
 * A descriptor of what is /dev/shm below `root`. Only where that cannot be told at once, the process's
 * mount table is asked whether one would wait for somebody's file server.
 */
static int open_dev_shm(uint32_t pid, int root)
{
	int fd = beneath_open(root, "/dev/shm", O_PATH, BENEATH_NO_WAIT);
	struct tmpfs_mounts mounts;

	if (fd != -EAGAIN || tmpfs_read(&mounts, (pid_t)pid))
		return fd;
	for (size_t i = 0; i < mounts.n && fd < 0; i++) {
		const struct tmpfs_mount *m = &mounts.mounts[i];

		if (!m->hidden && !strcmp(m->point, "/dev/shm"))
			fd = tmpfs_open(root, m->point, m->dev, m->remote);
	}
	tmpfs_finish(&mounts);
	return fd;
}

static int find_dev_shm(uint32_t pid, int root, struct target *out)
{
	struct tmpfs_figures figures;
	struct stat st;
	int fd = open_dev_shm(pid, root), err;

	if (fd < 0)
		return -ENOENT;
	err = tmpfs_statfs(fd, &figures) || fstat(fd, &st);
	close(fd);
	if (err)
		return -ENOENT;
	*out = (struct target){ SHM_DEV(major(st.st_dev), minor(st.st_dev)), figures.identity };
	return 0;
}

int shm_survey_add_target(struct shm_survey *s, uint32_t pid)
{
	struct target target, *larger;
	int root = tmpfs_root((pid_t)pid), err;

	if (root < 0)
		return root == -ENOENT ? -ESRCH : root;
	err = find_dev_shm(pid, root, &target);
	close(root);
	if (err || is_target(s, target.dev, target.identity))
		return err;
	larger = realloc(s->targets, (s->n_targets + 1) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	s->targets = larger;
	s->targets[s->n_targets++] = target;
	return 0;
}

const char *shm_survey_gaps(const struct shm_survey *s)
{
	return s->text;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: a tmpfs is one superblock, seen through any number of mounts in any number of namespaces,
 * some of them on top of each other. Only the superblock has a limit and a fill.
 *
 * Invariants: `hidden` goes by parents (a mount at the same point whose parent is this one), since
 * the order of lines is no order of time from Linux 6.8 on. A path from mountinfo is a hint; what was
 * opened is believed only after its device number has been compared.
 */
#include "tmpfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "beneath.h"
#include "readfile.h"
#include "text.h"

/* ---- parsing ---------------------------------------------------------------------------------- */

/* The fields of a mountinfo line that matter here, still escaped. */
struct line {
	uint64_t id, parent;
	uint32_t dev;
	struct text root, point, type, super_options;
};

static bool parse_dev(struct text t, uint32_t *dev)
{
	uint64_t major_number, minor_number;
	struct text part;

	if (!text_until(&t, ':', &part) || !text_u64(part, &major_number) ||
	    !text_u64(t, &minor_number) || major_number >= 1U << 12 || minor_number >= 1U << 20)
		return false;
	*dev = SHM_DEV(major_number, minor_number);
	return true;
}

/* "30 25 0:27 / /dev/shm rw,relatime shared:9 - tmpfs tmpfs rw,size=65536k" */
static bool split(struct text t, struct line *l)
{
	struct text part;

	if (!text_until(&t, ' ', &part) || !text_u64(part, &l->id) || !text_until(&t, ' ', &part) ||
	    !text_u64(part, &l->parent) || !text_until(&t, ' ', &part) ||
	    !parse_dev(part, &l->dev) || !text_until(&t, ' ', &l->root) ||
	    !text_until(&t, ' ', &l->point) || l->point.at == l->point.end || *l->point.at != '/')
		return false;
	do /* the mount's options, and any number of optional fields up to a lone "-" */
		if (!text_until(&t, ' ', &part))
			return false;
	while (!text_is(part, "-"));
	if (!text_until(&t, ' ', &l->type))
		return false;
	l->super_options = text_of(NULL, 0);
	if (text_until(&t, ' ', &part)) /* the source, which may be empty */
		text_until(&t, ' ', &l->super_options);
	return true;
}

/* "64k", "0"; the kernel writes sizes in KiB. */
static bool parse_size(struct text t, uint64_t *value)
{
	bool kib = t.at != t.end && t.end[-1] == 'k';

	t.end -= kib;
	return text_u64(t, value) && !__builtin_mul_overflow(*value, kib ? 1024 : 1, value);
}

static void parse_options(struct text t, struct tmpfs_mount *m)
{
	struct text option;
	uint64_t value;

	m->limit_bytes = m->limit_inodes = UNKNOWN_U64;
	while (text_until(&t, ',', &option)) {
		if (text_skip(&option, "size=") && parse_size(option, &value))
			m->limit_bytes = value;
		else if (text_skip(&option, "nr_inodes=") && parse_size(option, &value))
			m->limit_inodes = value;
	}
}

static bool is_octal(const char *o)
{
	return o[0] >= '0' && o[0] <= '3' && o[1] >= '0' && o[1] <= '7' && o[2] >= '0' &&
	       o[2] <= '7';
}

/* Undoes \040 and the like. NULL: memory is exhausted, or (`*wrong`) no kernel writes that. */
static char *unescape(struct text t, bool *wrong)
{
	char *dst = malloc((size_t)(t.end - t.at) + 1);
	size_t len = 0;

	*wrong = false;
	if (!dst)
		return NULL;
	while (t.at < t.end && !*wrong) {
		unsigned int c = (unsigned char)*t.at++;

		if (c == '\\' && t.end - t.at >= 3 && is_octal(t.at)) {
			c = (unsigned int)((t.at[0] - '0') << 6 | (t.at[1] - '0') << 3 |
					   (t.at[2] - '0'));
			t.at += 3;
		}
		*wrong = !c || len + 1 >= PATH_MAX;
		dst[len++] = (char)c;
	}
	if (*wrong) {
		free(dst);
		return NULL;
	}
	dst[len] = '\0';
	return dst;
}

/* What only the parser needs to know of a mount. */
struct origin {
	uint64_t id;
	struct text point;
};

struct parser {
	struct tmpfs_mounts *out;
	struct origin *origins; /* of each of out->mounts */
	size_t n, cap;
};

static int grow(struct parser *p)
{
	size_t cap = p->cap ? p->cap * 2 : 32;
	void *larger;

	if (p->out->n < p->cap)
		return 0;
	larger = realloc(p->out->mounts, cap * sizeof(*p->out->mounts));
	if (!larger)
		return -ENOMEM;
	p->out->mounts = larger;
	larger = realloc(p->origins, cap * sizeof(*p->origins));
	if (!larger)
		return -ENOMEM;
	p->origins = larger;
	p->cap = cap;
	return 0;
}

static int take(struct parser *p, const struct line *l)
{
	struct tmpfs_mount m = { .dev = l->dev, .whole = text_is(l->root, "/") };
	bool wrong;

	if (p->out->n == TMPFS_MOUNTS_MAX) {
		p->out->omitted++;
		return 0;
	}
	if (grow(p))
		return -ENOMEM;
	m.point = unescape(l->point, &wrong);
	if (!m.point)
		return wrong ? 0 : -ENOMEM;
	parse_options(l->super_options, &m);
	p->origins[p->n++] = (struct origin){ l->id, l->point };
	p->out->mounts[p->out->n++] = m;
	return 0;
}

static bool is_remote(struct text type)
{
	static const char *const names[] = { "nfs",  "nfs4", "cifs",   "smb3", "9p",
					     "ceph", "afs",  "autofs", "fuse", "virtiofs" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_is(type, names[i]))
			return true;
	return text_skip(&type, "fuse.");
}

static bool same(struct text a, struct text b)
{
	size_t len = (size_t)(a.end - a.at);

	return len == (size_t)(b.end - b.at) && !memcmp(a.at, b.at, len);
}

/* `path` is the directory `prefix` or lies below it. */
static bool lies_in(struct text path, struct text prefix)
{
	size_t len = (size_t)(prefix.end - prefix.at);

	if (len == 1) /* "/" */
		return true;
	return (size_t)(path.end - path.at) >= len && !memcmp(path.at, prefix.at, len) &&
	       (path.at + len == path.end || path.at[len] == '/');
}

/* What a mount of any type means for the tmpfs mounts. */
static void relate(struct parser *p, const struct line *l)
{
	bool remote = is_remote(l->type);

	for (size_t i = 0; i < p->n; i++) {
		if (l->parent == p->origins[i].id && l->id != l->parent &&
		    same(l->point, p->origins[i].point))
			p->out->mounts[i].hidden = true;
		if (remote && lies_in(p->origins[i].point, l->point))
			p->out->mounts[i].remote = true;
	}
}

int tmpfs_parse(struct tmpfs_mounts *out, const char *text, size_t len)
{
	struct parser p = { .out = out };
	struct text t = text_of(text, len), at;
	struct line l;
	int err = 0;

	*out = (struct tmpfs_mounts){ 0 };
	while (!err && text_line(&t, &at))
		if (split(at, &l) && text_is(l.type, "tmpfs"))
			err = take(&p, &l);
	t = text_of(text, len); /* a second time, as mounts may stand before their parents */
	while (!err && out->n && text_line(&t, &at))
		if (split(at, &l))
			relate(&p, &l);
	free(p.origins);
	if (err)
		tmpfs_finish(out);
	return err;
}

int tmpfs_read(struct tmpfs_mounts *out, pid_t pid)
{
	char path[64], *text;
	size_t len;
	int err;

	*out = (struct tmpfs_mounts){ 0 };
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	err = readfile_all(path, &text, &len);
	/* EINVAL: a zombie, which has no namespace any more */
	if (err == -ENOENT || err == -EINVAL)
		return -ESRCH;
	if (err)
		return err;
	err = tmpfs_parse(out, text, len);
	free(text);
	return err;
}

void tmpfs_finish(struct tmpfs_mounts *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->mounts[i].point);
	free(m->mounts);
	*m = (struct tmpfs_mounts){ 0 };
}

/* ---- reaching one ----------------------------------------------------------------------------- */

int tmpfs_root(pid_t pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int tmpfs_open(int root, const char *point, uint32_t dev, bool remote)
{
	struct stat st;
	int fd = beneath_open(root, point, O_PATH, remote ? BENEATH_NO_WAIT : 0);

	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && SHM_DEV(major(st.st_dev), minor(st.st_dev)) == dev)
		return fd;
	close(fd);
	return -ESTALE;
}

/* ---- its figures ------------------------------------------------------------------------------ */

static uint64_t used_of(uint64_t limit, uint64_t free_ones)
{
	if (!limit)
		return UNKNOWN_U64;
	return free_ones < limit ? limit - free_ones : 0;
}

int tmpfs_statfs(int fd, struct tmpfs_figures *out)
{
	struct statfs fs;
	uint64_t block;

	if (fstatfs(fd, &fs))
		return -errno;
	if (fs.f_type != TMPFS_MAGIC)
		return -ESTALE;
	block = (uint64_t)fs.f_bsize;
	*out = (struct tmpfs_figures){
		.limit_bytes = fs.f_blocks * block,
		.limit_inodes = fs.f_files,
		.used_bytes = used_of(fs.f_blocks * block, fs.f_bfree * block),
		.used_inodes = used_of(fs.f_files, fs.f_ffree),
		.identity = (uint64_t)(uint32_t)fs.f_fsid.__val[0] << 32 |
			    (uint32_t)fs.f_fsid.__val[1],
	};
	return 0;
}

#ifdef SYS_ustat

/* struct ustat of include/linux/types.h, which user space headers do not have any more */
struct free_blocks {
	int blocks; /* of a page */
	unsigned long inodes;
	char names[12];
};

/* The kernel's default limit, of bytes in pages and of inodes: half of the memory in pages. */
static uint64_t default_pages(uint64_t page)
{
	struct sysinfo si;

	return sysinfo(&si) ? 0 : (uint64_t)si.totalram * si.mem_unit / page / 2;
}

int tmpfs_ustat(uint32_t dev, uint64_t limit_bytes, uint64_t limit_inodes,
		struct tmpfs_figures *out)
{
	uint32_t number = (dev & 0xff) | dev >> 20 << 8 | (dev & 0xfff00) << 12;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages = default_pages(page);
	struct free_blocks f = { 0 };

	if (syscall(SYS_ustat, number, &f))
		return -errno;
	if (!pages)
		return -ENOSYS;
	if (limit_bytes == UNKNOWN_U64)
		limit_bytes = pages * page;
	if (limit_inodes == UNKNOWN_U64)
		limit_inodes = pages;
	*out = (struct tmpfs_figures){
		.limit_bytes = limit_bytes,
		.limit_inodes = limit_inodes,
		/* the field is an int: 8 TiB of free pages do not fit */
		.used_bytes = f.blocks < 0 || limit_bytes / page > INT_MAX ?
				      UNKNOWN_U64 :
				      used_of(limit_bytes, (uint64_t)f.blocks * page),
		.used_inodes = used_of(limit_inodes, f.inodes),
	};
	return 0;
}

#else

int tmpfs_ustat(uint32_t dev, uint64_t limit_bytes, uint64_t limit_inodes,
		struct tmpfs_figures *out)
{
	(void)dev, (void)limit_bytes, (void)limit_inodes, (void)out;
	return -ENOSYS;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: the RSS of a tree counts a shared page once per process; a cgroup's charge counts it once,
 * and includes page cache and the kernel's own memory. Only cgroupfs tells it.
 *
 * Two vocabularies for the same things (Documentation/admin-guide/cgroup-v1/memory.rst and
 * cgroup-v2.rst). In both the file figure includes shmem, which is subtracted here, so that anon,
 * file and shmem add up as they do in a process's RSS.
 */
#include "charge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "readfile.h"
#include "text.h"

/* The lines of memory.stat, and the files, of a version; NULL = it has none. */
struct vocabulary {
	const char *anon, *file, *shmem, *kernel;
	const char *current_file, *peak_file, *limit_file, *kernel_file;
};

static const struct vocabulary v1 = {
	.anon = "total_rss ", /* includes rss_huge */
	.file = "total_cache ",
	.shmem = "total_shmem ",
	.current_file = "memory.usage_in_bytes",
	.peak_file = "memory.max_usage_in_bytes",
	.limit_file = "memory.limit_in_bytes",
	.kernel_file = "memory.kmem.usage_in_bytes",
};

static const struct vocabulary v2 = {
	.anon = "anon ",
	.file = "file ",
	.shmem = "shmem ",
	.kernel = "kernel ", /* since Linux 5.18 */
	.current_file = "memory.current",
	.peak_file = "memory.peak",
	.limit_file = "memory.max",
};

static const struct vocabulary *words_of(int version)
{
	return version == 2 ? &v2 : &v1;
}

void charge_parse_stat(const char *text, size_t len, int version, struct rec_charge *out)
{
	const struct vocabulary *words = words_of(version);
	struct text t = text_of(text, len), line;
	uint64_t cache = UNKNOWN_U64;

	out->anon_bytes = out->file_bytes = out->shmem_bytes = out->kernel_bytes = UNKNOWN_U64;
	while (text_line(&t, &line)) {
		uint64_t value;

		if (text_value(line, words->anon, &value))
			out->anon_bytes = value;
		else if (text_value(line, words->file, &value))
			cache = value;
		else if (text_value(line, words->shmem, &value))
			out->shmem_bytes = value;
		else if (words->kernel && text_value(line, words->kernel, &value))
			out->kernel_bytes = value;
	}
	/* the two are not read at one instant: shmem may be ahead by some pages */
	if (cache != UNKNOWN_U64 && out->shmem_bytes != UNKNOWN_U64)
		out->file_bytes = cache > out->shmem_bytes ? cache - out->shmem_bytes : 0;
}

static uint64_t parse_number(const char *text, size_t len)
{
	struct text t = text_of(text, len), line;
	uint64_t value;

	return text_line(&t, &line) && text_u64(line, &value) ? value : UNKNOWN_U64;
}

uint64_t charge_parse_limit(const char *text, size_t len)
{
	uint64_t limit = parse_number(text, len);

	return limit < 1ULL << 62 ? limit : UNKNOWN_U64;
}

static ssize_t read_in(const struct cgroup *cgroup, const char *file, char *buf, size_t cap)
{
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", cgroup->path, file);
	return readfile(path, buf, cap);
}

/* A file that is absent leaves *value unknown and is no error. */
static int read_value(const struct cgroup *cgroup, const char *file,
		      uint64_t (*parse)(const char *text, size_t len), __u64 *value)
{
	char buf[64];
	ssize_t n;

	*value = UNKNOWN_U64;
	if (!file)
		return 0;
	n = read_in(cgroup, file, buf, sizeof(buf));
	if (n < 0)
		/* without kernel memory accounting v1 has the kmem files and refuses to read them */
		return n == -ENOENT || n == -EOPNOTSUPP ? 0 : (int)n;
	*value = parse(buf, (size_t)n);
	return 0;
}

int charge_read(const struct cgroup *cgroup, struct rec_charge *out)
{
	const struct vocabulary *words = words_of(cgroup->version);
	struct rec_charge c = { .head = out->head };
	char stat_text[16384];
	struct stat st;
	ssize_t n;
	int err;

	if (stat(cgroup->path, &st))
		return errno == ENOENT ? -ENODEV : -errno;
	/* the id, not the name: that may be another cgroup's by now */
	if (cgroup->id && st.st_ino != cgroup->id)
		return -ENODEV;

	n = read_in(cgroup, "memory.stat", stat_text, sizeof(stat_text));
	if (n < 0 && n != -ENOENT)
		return (int)n;
	charge_parse_stat(stat_text, n < 0 ? 0 : (size_t)n, cgroup->version, &c);
	if (words->kernel_file) {
		err = read_value(cgroup, words->kernel_file, parse_number, &c.kernel_bytes);
		if (err)
			return err;
	}
	err = read_value(cgroup, words->current_file, parse_number, &c.current_bytes);
	if (!err)
		err = read_value(cgroup, words->peak_file, parse_number, &c.peak_bytes);
	if (!err)
		err = read_value(cgroup, words->limit_file, charge_parse_limit, &c.limit_bytes);
	if (err)
		return err;
	if (c.current_bytes == UNKNOWN_U64 && c.anon_bytes == UNKNOWN_U64)
		return -ENODATA;
	*out = c;
	return 0;
}

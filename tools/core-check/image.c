// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A compressed kernel is a loader with the real one somewhere in it. The loader's headers tell where,
 * each architecture's in its own way; looking for what compressed data begins with works for all. What
 * comes out is judged by whether there is BTF in it, so a wrong guess costs a child and no more.
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/btf.h>

#define MAX_FILE (1UL << 30)
#define MAX_UNPACKED (512UL << 20)
#define MAX_GUESSES 32 /* signatures that are tried: three bytes of gzip's turn up by chance */
#define MIN_SCANNED \
	(256 << 10) /* a kernel's types take megabytes, those of BPF programs in it less */

int file_read(const char *path, void **data, size_t *bytes, char *why, size_t why_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = 0;
	size_t have = 0, room = 0;
	char *buf = NULL, *more;
	struct stat st = { 0 };
	ssize_t got;

	if (fd < 0 || fstat(fd, &st)) {
		err = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
	}
	while (!err) {
		if (have == room) {
			/* one byte more than the size tells, to see the end without another round */
			room = room ? room * 2 : (size_t)st.st_size + 1;
			more = room > MAX_FILE ? NULL : realloc(buf, room);
			if (!more) {
				err = room > MAX_FILE ? -EFBIG : -ENOMEM;
				break;
			}
			buf = more;
		}
		got = read(fd, buf + have, room - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	if (fd >= 0)
		close(fd);
	if (!err && !have)
		err = -ENODATA;
	if (err) {
		snprintf(why, why_len, "cannot read '%s': %s", path,
			 err == -EINVAL  ? "not a regular file" :
			 err == -ENODATA ? "the file is empty" :
					   strerror(-err));
		free(buf);
		return err;
	}
	*data = buf;
	*bytes = have;
	return 0;
}

/* ---- BTF in bytes ------------------------------------------------------------------------------ */

/* The length of the BTF that begins at `data`, 0 if none does. Of its contents libbpf judges later. */
static size_t btf_at(const unsigned char *data, size_t bytes)
{
	struct btf_header h;
	uint64_t types_end, strings_end, end;

	if (bytes < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (h.magic != BTF_MAGIC || h.version != BTF_VERSION || h.hdr_len < sizeof(h) ||
	    h.hdr_len > 4096)
		return 0;
	types_end = (uint64_t)h.hdr_len + h.type_off + h.type_len;
	strings_end = (uint64_t)h.hdr_len + h.str_off + h.str_len;
	end = types_end > strings_end ? types_end : strings_end;
	if (end > bytes || !h.type_len || !h.str_len || h.type_off % 4)
		return 0;
	/* the strings begin with the empty one */
	if (data[strings_end - h.str_len] || data[strings_end - 1])
		return 0;
	return (size_t)end;
}

static const void *btf_of_elf(const void *data, size_t bytes, size_t *btf_bytes)
{
	const void *found = NULL;
	size_t names, length;
	Elf_Scn *scn = NULL;
	GElf_Ehdr header;
	GElf_Shdr sh;
	const char *name;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	/* libelf takes what it does not change */
	elf = elf_memory((char *)(uintptr_t)data, bytes);
	if (!elf)
		return NULL;
	if (gelf_getehdr(elf, &header) && header.e_ident[EI_CLASS] == ELFCLASS64 &&
	    header.e_ident[EI_DATA] == ELFDATA2LSB && !elf_getshdrstrndx(elf, &names)) {
		while (!found && (scn = elf_nextscn(elf, scn))) {
			if (!gelf_getshdr(scn, &sh) || sh.sh_type == SHT_NOBITS)
				continue;
			name = elf_strptr(elf, names, sh.sh_name);
			if (!name || strcmp(name, ".BTF") || sh.sh_offset > bytes ||
			    sh.sh_size > bytes - sh.sh_offset)
				continue;
			length = btf_at((const unsigned char *)data + sh.sh_offset, sh.sh_size);
			if (length) {
				found = (const char *)data + sh.sh_offset;
				*btf_bytes = length;
			}
		}
	}
	elf_end(elf);
	return found;
}

/* The largest there is: BPF programs within the kernel carry some of their own. */
static const void *btf_by_scan(const void *data, size_t bytes, size_t *btf_bytes)
{
	static const unsigned char magic[] = { 0x9f, 0xeb, BTF_VERSION };
	const unsigned char *at = data, *end = at + bytes, *best = NULL;
	size_t length, longest = MIN_SCANNED - 1;

	while ((at = memmem(at, (size_t)(end - at), magic, sizeof(magic)))) {
		length = btf_at(at, (size_t)(end - at));
		if (length > longest) {
			best = at;
			longest = length;
		}
		at++;
	}
	*btf_bytes = best ? longest : 0;
	return best;
}

const void *image_find_btf(const void *data, size_t bytes, size_t *btf_bytes)
{
	const void *found;

	*btf_bytes = btf_at(data, bytes);
	if (*btf_bytes)
		return data;
	found = bytes >= SELFMAG && !memcmp(data, ELFMAG, SELFMAG) ?
			btf_of_elf(data, bytes, btf_bytes) :
			NULL;
	return found ? found : btf_by_scan(data, bytes, btf_bytes);
}

/* ---- decompression ----------------------------------------------------------------------------- */

struct packer {
	const char *magic;
	size_t magic_len;
	const char *argv[4];
};

static const struct packer packers[] = {
	{ "\xfd"
	  "7zXZ\0",
	  6,
	  { "xz", "-dc", "--single-stream", NULL } },
	{ "\x28\xb5\x2f\xfd", 4, { "zstd", "-dc", NULL } },
	{ "\x1f\x8b\x08", 3, { "gzip", "-dc", NULL } },
	{ "\x02\x21\x4c\x18", 4, { "lz4", "-dc", NULL } },
};

#define PACKERS (sizeof(packers) / sizeof(packers[0]))

/* What packs the data that begins here; NULL = nothing known. */
static const struct packer *packer_at(const unsigned char *at, size_t bytes)
{
	for (size_t i = 0; i < PACKERS; i++)
		if (bytes >= packers[i].magic_len &&
		    !memcmp(at, packers[i].magic, packers[i].magic_len))
			return &packers[i];
	return NULL;
}

/* Starts the packer's program with `in` as its standard input; its output comes from `*out`. */
static int start(const struct packer *packer, int in, pid_t *pid, int *out)
{
	posix_spawn_file_actions_t actions;
	int ends[2], err;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	err = -posix_spawn_file_actions_init(&actions);
	if (err)
		goto out;
	err = -posix_spawn_file_actions_adddup2(&actions, in, 0);
	if (!err)
		err = -posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (!err)
		err = -posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (!err)
		err = -posix_spawnp(pid, packer->argv[0], &actions, NULL,
				    (char *const *)(uintptr_t)packer->argv, environ);
	posix_spawn_file_actions_destroy(&actions);
out:
	close(ends[1]);
	if (err)
		close(ends[0]);
	else
		*out = ends[0];
	return err;
}

/* All that comes, up to MAX_UNPACKED; NULL = nothing, or more than that. */
static char *drain(int fd, size_t *bytes)
{
	size_t have = 0, room = 0;
	char *buf = NULL, *more;
	ssize_t got;

	for (;;) {
		if (have == room) {
			room = room ? room * 2 : 16UL << 20;
			more = room > MAX_UNPACKED ? NULL : realloc(buf, room);
			if (!more) {
				free(buf);
				return NULL;
			}
			buf = more;
		}
		got = read(fd, buf + have, room - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	if (!have) {
		free(buf);
		return NULL;
	}
	*bytes = have;
	return buf;
}

/*
 * What the packed data at `offset` of the file becomes. The exit status does not matter: the loader
 * that follows is garbage to the packer, and what came out before that is good or is not.
 */
static int unpack(const char *path, off_t offset, const struct packer *packer, char **data,
		  size_t *bytes)
{
	int in = open(path, O_RDONLY | O_CLOEXEC), from = -1, err = 0;
	pid_t pid = 0;

	*data = NULL;
	if (in < 0 || lseek(in, offset, SEEK_SET) < 0)
		err = -errno;
	if (!err)
		err = start(packer, in, &pid, &from);
	if (in >= 0)
		close(in);
	if (err)
		return err;
	*data = drain(from, bytes);
	close(from);
	kill(pid, SIGKILL); /* it may have more to say than we want to hear */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return *data ? 0 : -ENODATA;
}

/* ---- an image ---------------------------------------------------------------------------------- */

/* The release out of "Linux version 6.1.0-35-cloud-amd64 (…". */
static void find_release(const void *data, size_t bytes, char *release)
{
	static const char banner[] = "Linux version ";
	const char *at = data, *end = at + bytes;
	size_t n;

	*release = '\0';
	while ((at = memmem(at, (size_t)(end - at), banner, sizeof(banner) - 1))) {
		at += sizeof(banner) - 1;
		for (n = 0; n < RELEASE_LEN - 1 && at + n < end && at[n] > ' ' && at[n] < 0x7f; n++)
			release[n] = at[n];
		release[n] = '\0';
		/* the format that such lines are printed by has no number */
		if (n && *release >= '0' && *release <= '9')
			return;
		*release = '\0';
	}
}

/* Keeps the BTF of these bytes. 0, -ENOENT = there is none. */
static int take(struct image *image, const void *data, size_t bytes)
{
	size_t length;
	const void *found = image_find_btf(data, bytes, &length);

	if (!found)
		return -ENOENT;
	image->btf = malloc(length);
	if (!image->btf)
		return -ENOMEM;
	memcpy(image->btf, found, length);
	image->btf_bytes = length;
	find_release(data, bytes, image->release);
	return 0;
}

/* Tries what looks as if it were packed. `lacking` gets the name of a program that is not here. */
static int take_unpacked(struct image *image, const char *path, const unsigned char *data,
			 size_t bytes, const char **lacking, bool *unpacked)
{
	int guesses = 0, err;
	size_t plain_bytes;
	char *plain;

	for (size_t at = 0; at < bytes && guesses < MAX_GUESSES; at++) {
		const struct packer *packer = packer_at(data + at, bytes - at);

		if (!packer)
			continue;
		guesses++;
		err = unpack(path, (off_t)at, packer, &plain, &plain_bytes);
		if (err == -ENOENT)
			*lacking = packer->argv[0];
		if (err)
			continue;
		if (plain_bytes > 1 << 20)
			*unpacked = true;
		err = take(image, plain, plain_bytes);
		free(plain);
		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

int image_read(const char *path, struct image *image, char *why, size_t why_len)
{
	const char *lacking = NULL;
	bool unpacked = false;
	size_t bytes;
	void *data;
	int err;

	memset(image, 0, sizeof(*image));
	err = file_read(path, &data, &bytes, why, why_len);
	if (err)
		return err;
	err = take(image, data, bytes);
	if (err == -ENOENT)
		err = take_unpacked(image, path, data, bytes, &lacking, &unpacked);
	free(data);
	if (err == -ENOENT && lacking)
		snprintf(why, why_len,
			 "'%s' holds no BTF, unless it is packed with %s, which is not installed",
			 path, lacking);
	else if (err == -ENOENT)
		snprintf(
			why, why_len, "'%s' holds no BTF: %s", path,
			unpacked ?
				"the kernel was built without CONFIG_DEBUG_INFO_BTF" :
				"it is neither BTF, an ELF file with .BTF, nor a kernel image packed with "
				"xz, zstd, gzip or lz4, or it is damaged");
	else if (err)
		snprintf(why, why_len, "'%s': %s", path, strerror(-err));
	return err;
}

void image_finish(struct image *image)
{
	free(image->btf);
	image->btf = NULL;
}

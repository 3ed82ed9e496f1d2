// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes are compared before libbpf parses any: what is equal to the kernel's own is as well-formed as
 * that.
 */
#include "kernel_btf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gelf.h>

#include "os/readfile.h"
#include "util/escape.h"

#define MOST_BYTES (64U << 20) /* the kernel itself refuses more than 16 MiB */
#define MOST_OBJECTS 4096 /* BTF objects of the kernel that are looked through for its own */
#define SAMPLES 64 /* types that the verifier is asked about */

struct bytes {
	char *at; /* NULL = none */
	size_t len;
};

/* ---- a file ---- */

static int read_raw(int fd, size_t len, struct bytes *out)
{
	size_t got = 0;
	ssize_t n = 1;

	out->at = malloc(len);
	if (!out->at)
		return -ENOMEM;
	while (got < len && n > 0) {
		n = pread(fd, out->at + got, len - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			got += (size_t)n;
	}
	out->len = got;
	return n < 0 ? -errno : got < len ? -EIO : 0;
}

/* The section .BTF of an ELF file, such as vmlinux. */
static int read_section(int fd, struct bytes *out)
{
	Elf_Scn *section = NULL;
	Elf_Data *data = NULL;
	size_t names;
	int err = -ENODATA;
	Elf *elf;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENODATA;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf || elf_getshdrstrndx(elf, &names))
		goto out;
	while (!data && (section = elf_nextscn(elf, section))) {
		const char *name;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header))
			break;
		name = elf_strptr(elf, names, header.sh_name);
		if (name && !strcmp(name, ".BTF"))
			data = elf_rawdata(section, NULL);
	}
	if (!data || !data->d_buf || !data->d_size || data->d_size > MOST_BYTES)
		goto out;
	out->at = malloc(data->d_size);
	err = out->at ? 0 : -ENOMEM;
	if (out->at) {
		memcpy(out->at, data->d_buf, data->d_size);
		out->len = data->d_size;
	}
out:
	elf_end(elf);
	return err;
}

/* What is wrong with a file before anything is made of its content; NULL = nothing. */
static const char *objection(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "it is a directory";
	if (!S_ISREG(st->st_mode))
		return "it is not a regular file";
	if (st->st_size == 0)
		return "it is empty";
	return NULL;
}

/* 0, or a negative errno with `*what` is wrong where strerror() would not say it. */
static int read_types(const char *path, struct bytes *out, const char **what)
{
	/* a FIFO must not make us wait */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;
	unsigned char magic[4] = { 0 };
	struct stat st;

	*what = NULL;
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
		goto out;
	}
	err = -EINVAL;
	*what = objection(&st);
	if (*what)
		goto out;
	if (pread(fd, magic, sizeof(magic), 0) < 0) {
		err = -errno;
	} else if (!memcmp(magic,
			   "\x7f"
			   "ELF",
			   4)) {
		err = read_section(fd, out);
		*what = err == -ENODATA ? "it is an ELF file without type information (.BTF)" :
					  NULL;
	} else if (magic[0] != 0x9f || magic[1] != 0xeb) {
		*what = "it is not BTF";
	} else if (st.st_size > MOST_BYTES) {
		*what = "it is too large to be the type information of a kernel";
	} else {
		err = read_raw(fd, (size_t)st.st_size, out);
	}
out:
	close(fd);
	return err;
}

/* ---- what the verifier says ---- */

/*
 * Asks for a program on the tracepoint whose type has this number. The verifier refuses all other types
 * and says which it met.
 */
static void ask(uint32_t id, char *said, size_t len)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP,
		    .attach_btf_id = id, .log_level = 1, .log_buf = said,
		    .log_size = (uint32_t)len);
	int fd;

	said[0] = '\0';
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "memmon_probe", "GPL", insns, 2, &opts);
	if (fd < 0)
		return;
	snprintf(said, len, "loaded");
	close(fd);
}

/* Does the verifier know the type `id` as what `btf` says? */
static bool is_known(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const char *name = btf__name_by_offset(btf, type->name_off);
	char said[1024], expected[512];

	ask(id, said, sizeof(said));
	if (!strncmp(name, "btf_trace_", strlen("btf_trace_")))
		return !strcmp(said, "loaded");
	snprintf(expected, sizeof(expected), "attach_btf_id %u points to wrong type name %s\n", id,
		 name);
	return strstr(said, expected);
}

/* Has the kernel as many types, and the same names at some of their numbers? -ENODATA: it has none. */
static int ask_verifier(const struct btf *btf)
{
	uint32_t end = btf__type_cnt(btf), typedefs = 0, step, met = 0;
	char said[1024];

	ask(end, said, sizeof(said));
	if (!strstr(said, "attach_btf_id"))
		return !strcmp(said, "loaded") ? -ESTALE : -ENODATA;
	if (!strstr(said, " is invalid"))
		return -ESTALE;
	ask(end - 1, said, sizeof(said));
	if (strstr(said, " is invalid"))
		return -ESTALE;
	for (uint32_t id = 1; id < end; id++)
		typedefs += btf_is_typedef(btf__type_by_id(btf, id));
	step = typedefs / SAMPLES + 1;
	for (uint32_t id = 1; id < end; id++)
		if (btf_is_typedef(btf__type_by_id(btf, id)) && met++ % step == 0 &&
		    !is_known(btf, id))
			return -ESTALE;
	return typedefs ? 0 : -ESTALE;
}

/* ---- what the kernel says of itself ---- */

/* Its own BTF among the objects that it holds, since 5.11 and with CAP_SYS_ADMIN. */
static int find_own(void)
{
	uint32_t id = 0;
	char said[64];

	ask(1, said, sizeof(said)); /* it makes the object when somebody needs it first */
	for (int i = 0; i < MOST_OBJECTS && bpf_btf_get_next_id(id, &id) == 0; i++) {
		int fd = bpf_btf_get_fd_by_id(id);
		char name[16] = "";
		struct bpf_btf_info info = { .name = (uintptr_t)name, .name_len = sizeof(name) };
		uint32_t len = sizeof(info);

		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.kernel_btf &&
		    !strcmp(name, "vmlinux"))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int read_from_kernel(struct bytes *out)
{
	struct bpf_btf_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = find_own(), err;

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err && (!info.btf_size || info.btf_size > MOST_BYTES))
		err = -ENODATA;
	if (!err) {
		out->len = info.btf_size;
		out->at = malloc(out->len);
		info = (struct bpf_btf_info){ .btf = (uintptr_t)out->at,
					      .btf_size = (uint32_t)out->len };
		len = sizeof(info);
		err = out->at ? bpf_obj_get_info_by_fd(fd, &info, &len) : -ENOMEM;
	}
	close(fd);
	return err;
}

/* ---- both ---- */

static int __attribute__((format(printf, 4, 5)))
refuse(int err, char *why, size_t why_len, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_len, format, args);
	va_end(args);
	return err;
}

static int parse(struct kernel_btf *k, const struct bytes *types)
{
	k->btf = btf__new(types->at, (uint32_t)types->len);
	k->bytes = types->len;
	return k->btf ? 0 : -errno;
}

static int refuse_stale(const char *name, char *why, size_t why_len)
{
	struct utsname kernel;

	uname(&kernel);
	return refuse(
		-ESTALE, why, why_len,
		"--btf: '%s' is not the type information of the running kernel (Linux %s); with it "
		"figures would be wrong; give that kernel's own, or leave --btf out",
		name, kernel.release);
}

static int open_file(struct kernel_btf *k, const char *path, char *why, size_t why_len)
{
	struct bytes file = { 0 }, own = { 0 };
	char name[256];
	const char *what;
	int err = read_types(path, &file, &what);

	escape_bytes(name, sizeof(name), path, strlen(path));
	if (err) {
		err = refuse(err, why, why_len,
			     "--btf: cannot read type information from '%s': %s; give the running "
			     "kernel's BTF, or leave --btf out",
			     name, what ? what : strerror(-err));
		goto out;
	}
	if (readfile_all(KERNEL_BTF_PATH, &own.at, &own.len) == 0 || read_from_kernel(&own) == 0) {
		if (!file.at || file.len != own.len || memcmp(file.at, own.at, own.len))
			err = refuse_stale(name, why, why_len);
		else
			err = parse(k, &file);
		goto out;
	}
	err = parse(k, &file);
	if (err) {
		refuse(err, why, why_len,
		       "--btf: cannot read type information from '%s': %s; give the running kernel's "
		       "BTF, or leave --btf out",
		       name, strerror(-err));
		goto out;
	}
	err = ask_verifier(k->btf);
	if (err == -ESTALE)
		refuse_stale(name, why, why_len);
	else if (err)
		refuse(err, why, why_len,
		       "--btf: '%s' cannot replace the kernel's own type information, which it was built "
		       "without, or which cannot be asked for; boot a kernel with "
		       "CONFIG_DEBUG_INFO_BTF=y",
		       name);
	else
		k->unchecked =
			"the number of types and the names of some were compared with the running "
			"kernel, their layout was not, as " KERNEL_BTF_PATH " is not there";
out:
	free(file.at);
	free(own.at);
	return err;
}

/* Where /sys does not show it the kernel is asked; see kernel_btf_call() for what libbpf then needs. */
static int open_own(struct kernel_btf *k, char *why, size_t why_len)
{
	struct bytes own = { 0 };
	int err = readfile_all(KERNEL_BTF_PATH, &own.at, &own.len);

	if (err == -ENOENT && read_from_kernel(&own) == 0) {
		k->from = "the kernel, through bpf(2)";
		err = 0;
	}
	if (!err)
		err = parse(k, &own);
	free(own.at);
	if (!err)
		return 0;
	return refuse(err, why, why_len,
		      "cannot read type information from '" KERNEL_BTF_PATH
		      "': %s; boot a kernel with "
		      "CONFIG_DEBUG_INFO_BTF=y, or mount sysfs on /sys; in a container share "
		      "/sys/kernel/btf with it",
		      strerror(-err));
}

int kernel_btf_read(const char *path, char **out, size_t *len)
{
	struct bytes types = { 0 };
	const char *what;
	int err = path ? read_types(path, &types, &what) : read_from_kernel(&types);

	if (err)
		free(types.at);
	else
		*out = types.at;
	*len = types.len;
	return err;
}

int kernel_btf_open(struct kernel_btf *out, const char *path, char *why, size_t why_len)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL); /* what is wrong is said in `why` */
	int err;

	*out = (struct kernel_btf){ .from = path ? path : KERNEL_BTF_PATH };
	err = path ? open_file(out, path, why, why_len) : open_own(out, why, why_len);
	libbpf_set_print(before);
	if (err)
		kernel_btf_close(out);
	return err;
}

void kernel_btf_close(struct kernel_btf *k)
{
	btf__free(k->btf);
	k->btf = NULL;
}

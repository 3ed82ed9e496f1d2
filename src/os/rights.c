// SPDX-License-Identifier: GPL-2.0-or-later
#include "rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cap-ng.h>

#include "readfile.h"
#include "text.h"

#define INITIAL_USER_NAMESPACE 0xEFFFFFFDU /* PROC_USER_INIT_INO, include/linux/proc_ns.h */

static const struct {
	unsigned int cap;
	const char *name, *lost;
} table[RIGHTS] = {
	[RIGHT_BPF] = { CAP_BPF, "CAP_BPF", "nothing can be watched" },
	[RIGHT_PERFMON] = { CAP_PERFMON, "CAP_PERFMON", "nothing can be watched" },
	[RIGHT_SYS_PTRACE] = { CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
			       "no PSS of other users' processes, and no mounts that only they have" },
	[RIGHT_DAC_READ_SEARCH] = { CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
				    "no files in other users' directories of a tmpfs, and no cgroups "
				    "of OOM kills" },
	[RIGHT_SYS_ADMIN] = { CAP_SYS_ADMIN, "CAP_SYS_ADMIN",
			      "no System V segments of other IPC namespaces, and no estimate of what "
			      "processes pay that are not watched" },
	[RIGHT_SYS_RESOURCE] = { CAP_SYS_RESOURCE, "CAP_SYS_RESOURCE",
				 "RLIMIT_MEMLOCK cannot be raised, where the kernel still asks for it" },
};

const char *right_name(enum right right)
{
	return table[right].name;
}

const char *right_lost(enum right right)
{
	return table[right].lost;
}

bool rights_allow(const struct rights *r, enum right right)
{
	return r->has[right] ||
	       (r->has[RIGHT_SYS_ADMIN] && (right == RIGHT_BPF || right == RIGHT_PERFMON));
}

static const char *const lockdowns[] = {
	[LOCKDOWN_NONE] = "[none]",
	[LOCKDOWN_INTEGRITY] = "[integrity]",
	[LOCKDOWN_CONFIDENTIALITY] = "[confidentiality]",
};

enum lockdown lockdown_parse(const char *text, size_t len)
{
	struct text t = text_of(text, len), line, word;

	if (!text_line(&t, &line))
		return LOCKDOWN_UNKNOWN;
	while (text_word(&line, &word))
		for (int l = LOCKDOWN_NONE; l <= LOCKDOWN_CONFIDENTIALITY; l++)
			if (text_is(word, lockdowns[l]))
				return l;
	return LOCKDOWN_UNKNOWN;
}

const char *lockdown_name(enum lockdown lockdown)
{
	static const char *const names[] = {
		[LOCKDOWN_UNKNOWN] = NULL,
		[LOCKDOWN_NONE] = "none",
		[LOCKDOWN_INTEGRITY] = "integrity",
		[LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
	};

	return names[lockdown];
}

static enum lockdown read_lockdown(void)
{
	char text[256];
	ssize_t len = readfile("/sys/kernel/security/lockdown", text, sizeof(text));

	return len < 0 ? LOCKDOWN_UNKNOWN : lockdown_parse(text, (size_t)len);
}

static bool read_seccomp(void)
{
	char bytes[8192];
	ssize_t len = readfile("/proc/self/status", bytes, sizeof(bytes));
	struct text text = text_of(bytes, len < 0 ? 0 : (size_t)len), line;
	uint64_t mode;

	while (text_line(&text, &line))
		if (text_value(line, "Seccomp:", &mode))
			return mode == 2; /* SECCOMP_MODE_FILTER */
	return false;
}

void rights_read(struct rights *out)
{
	struct stat st;

	*out = (struct rights){ .seccomp = read_seccomp(), .lockdown = read_lockdown() };
	if (capng_get_caps_process() == 0)
		for (int r = 0; r < RIGHTS; r++)
			out->has[r] = capng_have_capability(CAPNG_EFFECTIVE, table[r].cap);
	/* without /proc, or namespaces, nothing says otherwise */
	out->initial_user_namespace = stat("/proc/self/ns/user", &st) ||
				      st.st_ino == INITIAL_USER_NAMESPACE;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw": the fifth word, if it is of the type. */
static bool takes_point(struct text line, const char *type, struct text *point)
{
	struct text word;

	for (int i = 0; i < 5; i++)
		if (!text_word(&line, point))
			return false;
	while (text_word(&line, &word))
		if (text_is(word, "-"))
			return text_word(&line, &word) && text_is(word, type);
	return false;
}

int mount_point_parse(const char *text, size_t len, const char *type, char *point, size_t cap)
{
	struct text t = text_of(text, len), line, at;
	int err = -ENOENT;

	while (text_line(&t, &line)) {
		if (!takes_point(line, type, &at) || *at.at != '/')
			continue;
		if ((size_t)(at.end - at.at) >= cap)
			return -ENAMETOOLONG;
		memcpy(point, at.at, (size_t)(at.end - at.at));
		point[at.end - at.at] = '\0';
		err = 0;
	}
	return err;
}

int mount_point_of(const char *type, char *point, size_t cap)
{
	size_t len;
	char *text;
	int err = readfile_all("/proc/self/mountinfo", &text, &len);

	if (err)
		return err;
	err = mount_point_parse(text, len, type, point, cap);
	free(text);
	return err;
}

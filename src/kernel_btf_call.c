// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A place where libbpf finds the kernel's types although this mount namespace does not show them, as in
 * many a container. Descriptors are the whole process's, so that what is loaded there stays; the
 * namespace ends with its thread, and nobody else ever sees it.
 */
#include "kernel_btf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct call {
	int (*fn)(void *ctx);
	void *ctx;
	const char *types;
	size_t len;
	int result;
};

/* A directory of our own as high as it must be: sysfs lets nobody make one in it. */
static int make_directory(void)
{
	static const char *const at[] = { "/sys/kernel/btf", "/sys/kernel", "/sys" };
	size_t i = 0;

	while (i < 3 && mount("tmpfs", at[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
		if (errno != ENOENT || ++i == 3)
			return -errno;
	while (i-- > 0)
		if (mkdir(at[i], 0755))
			return -errno;
	return 0;
}

static int write_types(const struct call *c)
{
	int fd = open(KERNEL_BTF_PATH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (done < c->len) {
		n = write(fd, c->types + done, c->len - done);
		if (n < 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	return done == c->len ? 0 : -EIO;
}

static void *run(void *arg)
{
	struct call *c = arg;

	/* nothing of what is mounted from here on may reach the others */
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    make_directory() == 0)
		write_types(c);
	/* should that not have worked, libbpf says so */
	c->result = c->fn(c->ctx);
	return NULL;
}

int kernel_btf_call(const char *path, int (*fn)(void *ctx), void *ctx)
{
	struct call c = { .fn = fn, .ctx = ctx };
	pthread_t thread;
	char *types = NULL;
	bool alone;

	if (access(KERNEL_BTF_PATH, R_OK) == 0 || kernel_btf_read(path, &types, &c.len))
		return fn(ctx);
	c.types = types;
	alone = pthread_create(&thread, NULL, run, &c) == 0;
	if (alone)
		pthread_join(thread, NULL);
	free(types);
	return alone ? c.result : fn(ctx);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: readings are taken at every interval, for every process. Three system calls and a buffer on
 * the stack cost a few microseconds; stdio would add an allocation and a second read each.
 */
#include "readfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_ALL_MAX (64U << 20)

static ssize_t read_once(int fd, char *buf, size_t cap)
{
	ssize_t n;

	do
		n = read(fd, buf, cap);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t readfile(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read_once(fd, buf, cap);
	close(fd);
	return n;
}

int readfile_all(const char *path, char **out, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	size_t cap = 16384, used = 0;
	char *buf, *larger;
	ssize_t n;

	if (fd < 0)
		return -errno;
	buf = malloc(cap);
	err = buf ? 0 : -ENOMEM;
	while (!err) {
		n = read_once(fd, buf + used, cap - used);
		if (n <= 0) {
			err = (int)n;
			break;
		}
		used += (size_t)n;
		if (used < cap)
			continue;
		cap *= 2;
		larger = cap <= READ_ALL_MAX ? realloc(buf, cap) : NULL;
		if (larger)
			buf = larger;
		else
			err = cap <= READ_ALL_MAX ? -ENOMEM : -EFBIG;
	}
	close(fd);
	if (err) {
		free(buf);
		return err;
	}
	*out = buf;
	*len = used;
	return 0;
}

int writefile(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

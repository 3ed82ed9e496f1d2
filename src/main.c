// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "options.h"
#include "shm.h"
#include "watch.h"

static int doctor(int argc, char **argv)
{
	struct doctor_options options;

	doctor_options_parse(&options, argc, argv);
	return doctor_run(&options);
}

/* A file that we open must not become descriptor 0, 1 or 2, where messages and the command write. */
static bool open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int shm(int argc, char **argv)
{
	struct shm_options options;
	int status;

	shm_options_parse(&options, argc, argv);
	status = shm_run(&options);
	shm_options_finish(&options);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (!open_standard_files())
		return 125;
	setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: a decimal comma would break CSV */
	if (argc > 1 && strcmp(argv[1], "shm") == 0)
		return shm(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "doctor") == 0)
		return doctor(argc - 1, argv + 1);
	options_parse(&options, argc, argv);
	status = watch_run(&options);
	options_finish(&options);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "diff.h"
#include "doctor.h"
#include "options.h"
#include "report.h"
#include "shm.h"
#include "watch.h"

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

static int doctor(int argc, char **argv)
{
	struct doctor_options options;

	doctor_options_parse(&options, argc, argv);
	return doctor_run(&options);
}

static int report(int argc, char **argv)
{
	struct report_options options;
	int status;

	report_options_parse(&options, argc, argv);
	status = report_run(&options);
	report_options_finish(&options);
	return status;
}

static int diff(int argc, char **argv)
{
	struct diff_options options;
	int status;

	diff_options_parse(&options, argc, argv);
	status = diff_run(&options);
	diff_options_finish(&options);
	return status;
}

/* Those that have options of their own. */
static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} subcommands[] = {
	{ "shm", shm },
	{ "doctor", doctor },
	{ "report", report },
	{ "diff", diff },
};

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (!open_standard_files())
		return 125;
	setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: a decimal comma would break CSV */
	for (size_t i = 0; argc > 1 && i < sizeof(subcommands) / sizeof(subcommands[0]); i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].run(argc - 1, argv + 1);
	options_parse(&options, argc, argv);
	status = watch_run(&options);
	options_finish(&options);
	return status;
}

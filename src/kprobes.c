// SPDX-License-Identifier: GPL-2.0-or-later
#include "kprobes.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "forbid.h"
#include "os/readfile.h"

#define PMU_TYPE "/sys/bus/event_source/devices/kprobe/type"

/* No kernel has it, so that nothing is ever armed: text that is patched stops every CPU. */
#define NO_FUNCTION "memmon_bpf_asks_for_a_function_that_is_not_there"

int kprobes_probe(void)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr), .config1 = (uintptr_t)NO_FUNCTION, /* kprobe_func */
	};
	char type[32] = "";
	int fd;

	if (hook_forbidden("kprobe"))
		return -EPERM;
	if (readfile(PMU_TYPE, type, sizeof(type) - 1) <= 0)
		return -ENODEV;
	attr.type = (uint32_t)strtoul(type, NULL, 10);
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	/* all that is asked of us was looked at before the function was looked for */
	return errno == ENOENT ? 0 : -errno;
}

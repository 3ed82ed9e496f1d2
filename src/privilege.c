// SPDX-License-Identifier: GPL-2.0-or-later
#include "privilege.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>

#include <cap-ng.h>

int privilege_drop(unsigned int more)
{
	struct {
		unsigned int cap;
		bool keep;
	} needed[] = {
		{ CAP_BPF, true },
		{ CAP_PERFMON, true },
		{ CAP_SYS_PTRACE, true },
		{ CAP_DAC_READ_SEARCH, true },
		{ CAP_KILL, more & PRIVILEGE_COMMAND },
		{ CAP_DAC_OVERRIDE, more & PRIVILEGE_FILES },
		{ CAP_SYS_ADMIN, more & PRIVILEGE_IPC },
	};
	const size_t n = sizeof(needed) / sizeof(needed[0]);

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (capng_get_caps_process())
		return -EIO;
	for (size_t i = 0; i < n; i++)
		needed[i].keep = needed[i].keep &&
				 capng_have_capability(CAPNG_EFFECTIVE, needed[i].cap);
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < n; i++)
		if (needed[i].keep)
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, needed[i].cap);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

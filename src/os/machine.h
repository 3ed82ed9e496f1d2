/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which machine this is, without telling anybody more than that. */
#ifndef MEMMON_MACHINE_H
#define MEMMON_MACHINE_H

#include <stdbool.h>

#define MACHINE_ID_LEN 17 /* 16 digits and a NUL */

/*
 * A number that is the same at every call on one installation, and another on any other. It is half as
 * long as the secret that it is made from (/etc/machine-id, see machine-id(5)), which it does not tell.
 * False where the machine has none, as in most containers.
 */
bool machine_id(char *dst);

#endif

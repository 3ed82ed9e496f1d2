/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc tells of a process and of the machine, see proc(5).
 *
 * Each file has a parser, a pure function over bytes that returns 0, or -EINVAL for text that the
 * kernel would not have written or that was cut off; and a reader, which returns 0 or a negative
 * errno, -ESRCH for a process that is gone. `out` is written only on success. Figures that a
 * kernel does not have are UNKNOWN_U64.
 */
#ifndef MEMMON_PROCFS_H
#define MEMMON_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../bpf/events.h"

/* of include/linux/sched.h */
#define PROC_FLAG_EXITING 0x00000004U /* PF_EXITING: this thread is on its way out */
#define PROC_FLAG_KTHREAD 0x00200000U /* PF_KTHREAD */

/* /proc/PID/stat */
struct proc_stat {
	pid_t pid, ppid;
	char state; /* R S D T t I, Z = zombie, X = dead */
	char comm[64]; /* hostile bytes; a kernel thread's may be longer than COMM_LEN */
	uint32_t flags; /* PF_* */
	uint64_t minor_faults, major_faults; /* of all threads, also of those that ended */
	uint64_t user_ticks, system_ticks; /* in 1 / sysconf(_SC_CLK_TCK) s */
	uint64_t threads;
	uint64_t start_ticks; /* since boot, suspended time included */
};

/* /proc/PID/status */
struct proc_status {
	pid_t tgid;
	pid_t ns_pid; /* the pid in the innermost namespace; 0 = not known */
	unsigned int ns_depth; /* pid namespaces below ours it lives in; 0 = ours, or not known */
	int kthread; /* 1, 0; -1 = not known, before Linux 6.8 */
};

/* /proc/PID/statm */
struct proc_statm {
	uint64_t size_pages, resident_pages;
	uint64_t shared_pages; /* of the resident ones: file and shmem */
};

/* /proc/PID/smaps_rollup; reading it takes the process's mmap lock */
struct proc_smaps {
	uint64_t rss_bytes, pss_bytes;
	uint64_t anonymous_bytes, swap_bytes; /* UNKNOWN_U64 where the kernel has no such line */
};

/* /proc/meminfo */
struct proc_meminfo {
	uint64_t total_bytes;
	uint64_t available_bytes; /* UNKNOWN_U64 where the kernel has no MemAvailable */
};

/* /proc/pressure/memory: total stall times since boot; each UNKNOWN_U64 where there is none */
struct proc_pressure {
	uint64_t some_us, full_us;
};

#define PROC_CMDLINE_MAX 4096 /* bytes of a command line that are kept, with the NUL */

int procfs_parse_stat(const char *text, size_t len, struct proc_stat *out);
int procfs_parse_status(const char *text, size_t len, struct proc_status *out);
int procfs_parse_statm(const char *text, size_t len, struct proc_statm *out);
int procfs_parse_smaps(const char *text, size_t len, struct proc_smaps *out);
int procfs_parse_meminfo(const char *text, size_t len, struct proc_meminfo *out);
int procfs_parse_pressure(const char *text, size_t len, struct proc_pressure *out);
/*
 * The arguments joined by spaces, at most cap - 1 bytes and PROC_CMDLINE_MAX - 1, always
 * NUL-terminated unless cap is 0. The bytes stay hostile. Returns the length; 0 for a kernel
 * thread or a zombie.
 */
size_t procfs_parse_cmdline(const char *text, size_t len, char *dst, size_t cap);

/* User and system time so far, in ns, to a clock tick. */
uint64_t procfs_cpu_ns(const struct proc_stat *stat);

int procfs_read_stat(pid_t pid, struct proc_stat *out);
int procfs_read_status(pid_t pid, struct proc_status *out);
int procfs_read_statm(pid_t pid, struct proc_statm *out);
/* -ESRCH also for a process without memory of its own: a kernel thread, a zombie. */
int procfs_read_smaps(pid_t pid, struct proc_smaps *out);
/* Returns the length as procfs_parse_cmdline(), or a negative errno. */
ssize_t procfs_read_cmdline(pid_t pid, char *dst, size_t cap);
int procfs_read_meminfo(struct proc_meminfo *out);
/* A kernel without PSI, or with PSI switched off, is no error: both figures are unknown. */
int procfs_read_pressure(struct proc_pressure *out);

#endif

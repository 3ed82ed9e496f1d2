/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one vocabulary that kernel programs, model, recordings and tests share.
 *
 * Every record starts with `struct rec_head`. Records come from two places: transitions from the
 * BPF programs through the ring buffer, and absolute readings that the tracer takes out of maps,
 * /proc and cgroupfs. Both kinds are plain bytes of the sizes asserted below, so that a stored
 * stream of them replays to the same numbers.
 *
 * Rules: fixed-width types, explicit padding, zeroed before they are filled, no pointers. Types
 * and fields are appended, never renumbered. A reader checks `size` before it casts.
 */
#ifndef MEMMON_EVENTS_H
#define MEMMON_EVENTS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define COMM_LEN 16 /* TASK_COMM_LEN: 15 bytes and a NUL, any byte but NUL inside */

/* The members of mm->rss_stat in the kernel's own order (include/linux/mm_types_task.h). */
enum mem_kind {
	MEM_FILE, /* MM_FILEPAGES: page cache mapped, not shmem */
	MEM_ANON, /* MM_ANONPAGES: heap, stack, private copies */
	MEM_SWAP, /* MM_SWAPENTS: swapped out, not part of RSS */
	MEM_SHMEM, /* MM_SHMEMPAGES: tmpfs, /dev/shm, memfd, SysV, shared anonymous */
	MEM_KINDS,
};

/* Pages by kind at one instant. Momentarily negative values are possible while CPUs race. */
struct mem_pages {
	__s64 kind[MEM_KINDS];
};

/* "Not known", for unsigned counters that are n/a and not 0. */
#define UNKNOWN_U64 (~0ULL)

enum rec_type {
	REC_NONE,
	/* transitions, from the ring buffer */
	REC_START, /* struct rec_start: a process is watched from now on */
	REC_EXEC, /* struct rec_start: a watched process became another program */
	REC_LEVEL, /* struct rec_level: RSS crossed a bucket of LEVEL_PAGES */
	REC_OOM, /* struct rec_oom: the OOM killer chose a victim */
	/* absolute readings, made in user space */
	REC_READING, /* struct rec_reading: one process's numbers out of the maps */
	REC_EXIT, /* struct rec_exit: a watched process ended; its last reading came before */
	REC_TREE, /* struct rec_tree: the watched tree's numbers out of the maps */
	REC_SYSTEM, /* struct rec_system: the machine's memory */
	REC_CHARGE, /* struct rec_charge: what a cgroup charges */
	REC_PSS, /* struct rec_pss: one process's proportional set size */
	REC_COST, /* struct rec_cost: what watching cost so far, and what was lost */
	REC_TICK, /* struct rec_head: an interval ends; every reading of it came before */
	/* shared memory; texts follow the struct, each ended by a NUL */
	REC_SHM_MOUNT, /* struct rec_shm_mount, texts: one tmpfs superblock */
	REC_SHM_FILE, /* struct rec_shm_file, text: one file, memfd or anonymous mapping */
	REC_SHM_HOLDER, /* struct rec_shm_holder: who maps or opens a file */
	REC_SHM_CHARGER, /* struct rec_shm_charger: what one process charged to one superblock */
	REC_SHM_SEGMENT, /* struct rec_shm_segment: one System V segment */
	REC_SHM_SURVEY, /* struct rec_head: a survey, begun at start_ns, ends; what it did not
			   mention is gone */
	REC_SHM_FULL, /* struct rec_shm_full: a process hit a full tmpfs; from the ring buffer */
	REC_SHM_LIMITS, /* struct rec_shm_limits: of System V segments, in one IPC namespace */
	/* how the watch is done */
	REC_MODE, /* struct rec_mode: from now on in this way */
	REC_BPF_TIME, /* struct rec_bpf_time: what our programs cost everybody, as estimated so far */
	REC_TYPES,
};

/*
 * A process is identified by (pid, start_ns): pids are reused, start times are not. `pid` is the
 * thread group id as the pid namespace of memmon-bpf sees it; 0 where the record is about no
 * process. All times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns).
 */
struct rec_head {
	__u16 type; /* enum rec_type */
	__u16 size; /* bytes of the whole record */
	__u32 pid;
	__u64 ts_ns;
	__u64 start_ns; /* when the process started (task->start_time) */
};

enum start_how {
	START_FORKED = 1, /* a watched process forked it */
	START_ADOPTED = 2, /* it ran already when we attached */
	START_COMMAND = 3, /* the command after `--`, from its exec on */
	START_JOINED = 4, /* it moved into the watched cgroup */
};

struct rec_start {
	struct rec_head head;
	__u32 ppid;
	__u32 how; /* enum start_how; of a REC_EXEC the way it started once */
	struct mem_pages now; /* the baseline, or at exec the new image */
	char comm[COMM_LEN];
};

struct rec_level {
	struct rec_head head;
	struct mem_pages now;
};

#define LEVEL_PAGES 256 /* a bucket of REC_LEVEL: 1 MiB of 4 KiB pages */

struct rec_oom {
	struct rec_head head; /* the victim; start_ns 0 where it is not watched */
	struct mem_pages now; /* the victim's, as the killer saw it */
	__u64 cgroup_id; /* of its memory cgroup */
	char comm[COMM_LEN];
};

/* Calls that succeeded, and the bytes they mapped, unmapped, or moved the break up by (brk: calls that did). */
struct vm_volume {
	__u64 calls;
	__u64 bytes;
};

enum vm_call { VM_MMAP, VM_MUNMAP, VM_BRK, VM_CALLS };

#define READING_NO_MM \
	1U /* shares its parent's memory (vfork) or has not exec'ed yet: no RSS of its own */
#define READING_ENDED 2U /* the process has ended: `now` is what it held when it began to exit */
#define READING_NO_NOW 4U /* … and that is not known: the kernel told of the end too late */
#define READING_SAMPLED 8U /* not every event was seen: each kind's own peak is a lower bound */
#define READING_NO_KINDS \
	16U /* of at_peak only the sum of the kinds is known; it stands in MEM_ANON */

struct rec_reading {
	struct rec_head head;
	__u32 ppid;
	__u32 how; /* enum start_how */
	__u32 flags; /* READING_* */
	__u32 threads_peak; /* most threads at once since we watch */
	struct mem_pages first; /* at the baseline */
	struct mem_pages now;
	struct mem_pages at_peak; /* all kinds at the instant of the highest RSS */
	struct mem_pages peak; /* each kind's own highest value */
	__u64 peak_ns; /* when RSS was highest; to one kernel tick */
	__u64 error_pages; /* bound of at_peak and peak; 0 = exact, UNKNOWN_U64 = none */
	__u64 minor_faults; /* since watching; UNKNOWN_U64 where not read yet */
	__u64 major_faults;
	__u64 cpu_ns; /* user + system time since watching; UNKNOWN_U64 where not read yet */
	struct vm_volume volume[VM_CALLS]; /* calls UNKNOWN_U64 where not collected */
	char comm[COMM_LEN];
};

struct rec_exit {
	struct rec_head head;
	__s32 wait_status; /* as waitpid(2) gives it */
	__u32 pad;
};

struct rec_tree {
	struct rec_head head; /* no process */
	struct mem_pages now;
	struct mem_pages at_peak; /* the kinds at the instant when their RSS sum was highest */
	struct mem_pages peak;
	__u64 peak_ns;
	__u64 error_pages; /* bound of at_peak where several processes were watched; UNKNOWN_U64 = none */
	__u64 processes_seen; /* every process that was ever watched */
	__u64 processes_live;
	__u64 processes_peak; /* most at once */
	__u64 processes_untracked; /* of processes_seen: without numbers, as the map was full */
};

struct rec_system {
	struct rec_head head; /* no process */
	__u64 total_bytes; /* MemTotal */
	__u64 available_bytes; /* MemAvailable */
	__u64 pressure_some_us; /* /proc/pressure/memory "some total"; UNKNOWN_U64 without PSI */
	__u64 pressure_full_us;
};

struct rec_charge {
	struct rec_head head; /* no process */
	__u64 current_bytes; /* each UNKNOWN_U64 where the cgroup has no such figure */
	__u64 peak_bytes;
	__u64 limit_bytes;
	__u64 anon_bytes;
	__u64 file_bytes;
	__u64 shmem_bytes;
	__u64 kernel_bytes;
};

struct rec_pss {
	struct rec_head head;
	__u64 pss_bytes;
};

/*
 * What a run of our programs that the kernel skipped would have done. Where it can preempt a program
 * (fexit everywhere, tracepoints since Linux 7.0) it skips the same one on that CPU until the first ends.
 */
enum missed {
	MISSED_RSS, /* a change of RSS, of any process of the machine: see rec_reading.error_pages */
	MISSED_PROCESSES, /* a start, an end or an OOM kill, at most: what is found later counts too */
	MISSED_VOLUMES, /* a call of mmap, munmap or brk */
	MISSED_KINDS,
};

struct rec_cost {
	struct rec_head head; /* no process */
	__u64 events; /* rss_stat events of watched processes */
	__u64 event_ns; /* mean time of our program per event, in 1/1000 ns; UNKNOWN_U64 = none timed */
	__u64 tool_cpu_ns; /* user + system time of memmon-bpf itself */
	__u64 tool_rss_bytes;
	__u64 lost_records; /* ring buffer was full */
	__u64 missed_runs[MISSED_KINDS]; /* each UNKNOWN_U64 where the kernel does not count them */
};

/*
 * Shared memory. A tmpfs superblock is known by its device number, `major << 20 | minor` (the
 * kernel's s_dev); a file in it by (dev, ino). System V segments, memfds and shared anonymous memory
 * lie on one internal superblock whose inode numbers repeat across IPC namespaces: there `key`, an
 * opaque number, tells them apart; elsewhere it is 0. Figures that are not known are UNKNOWN_U64.
 */
#define SHM_DEV(major, minor) ((__u32)(major) << 20 | (__u32)(minor))

#define SHM_MOUNT_DEV_SHM 1U /* it is the /dev/shm of some mount namespace */
#define SHM_MOUNT_TARGET 2U /* … of a watched process, or a watched process charged it */
#define SHM_MOUNT_TRACED 4U /* charges are traced: peak, charged and uncharged are known */
#define SHM_MOUNT_NO_FILES \
	8U /* its directories were not walked, or not all: files may be missing */
#define SHM_MOUNT_ANOTHER \
	16U /* another superblock had this number until now: forget what was known */

#define SHM_MOUNT_HIDDEN 32U /* other mounts lie on it wherever it is mounted */

struct rec_shm_mount {
	/* the pid: a process whose mount namespace shows it, where ours does not; 0 = ours does */
	struct rec_head head;
	__u32 dev;
	__u32 flags; /* SHM_MOUNT_* */
	__u64 limit_bytes; /* 0 = no limit */
	__u64 used_bytes; /* as statfs has it */
	__u64 limit_inodes; /* 0 = no limit */
	__u64 used_inodes;
	__u64 peak_bytes; /* highest used since watching, between any two looks */
	__u64 peak_ns;
	__u64 charged_bytes; /* since watching */
	__u64 uncharged_bytes;
	char comm[COMM_LEN]; /* of that process */
	/* texts: mount point as its owner sees it, container id ("" = host), container name ("" =
	 * not known), runtime ("docker", "podman", "containerd", "cri-o", "" = none) */
};

enum shm_kind {
	SHM_TMPFS, /* a file on a mounted tmpfs */
	SHM_MEMFD, /* memfd_create(2) */
	SHM_SYSV, /* shmget(2); the segment itself is a REC_SHM_SEGMENT */
	SHM_ANON, /* mmap(2) of MAP_SHARED | MAP_ANONYMOUS, or /dev/zero */
};

#define SHM_FILE_UNLINKED 1U /* no name leads to it any more */
#define SHM_FILE_BEFORE 2U /* it had pages before charges were traced */
#define SHM_FILE_CREATOR 4U /* the creator is known: who charged its first page while traced */
#define SHM_FILE_CREATOR_ALIVE 8U
#define SHM_FILE_HELD_UNKNOWN 16U /* holders could not be looked up */

struct rec_shm_file {
	struct rec_head head; /* the creator's pid and start_ns; 0 = not known */
	__u32 dev;
	__u32 flags; /* SHM_FILE_* */
	__u64 ino;
	__u64 key;
	__u32 kind; /* enum shm_kind */
	__u32 uid; /* owner, as the host sees it */
	__u64 size_bytes; /* st_size */
	__u64 bytes; /* charged: resident or swapped */
	__u64 peak_bytes; /* highest `bytes` while traced */
	char comm[COMM_LEN]; /* the creator's */
	/* text: path below the mount, or the memfd's name */
};

#define SHM_HOLDS_MAP 1U
#define SHM_HOLDS_OPEN 2U

struct rec_shm_holder {
	struct rec_head head; /* the holder */
	__u32 dev;
	__u32 flags; /* SHM_HOLDS_* */
	__u64 ino;
	__u64 key;
	char comm[COMM_LEN];
};

struct rec_shm_charger {
	struct rec_head head; /* the process */
	__u32 dev;
	__u32 alive; /* 1 = it lives */
	__u64 charged_bytes; /* since watching */
	__u64 uncharged_bytes;
	char comm[COMM_LEN];
};

#define SHM_SEGMENT_DEST 1U /* removed once nobody is attached (SHM_DEST) */
#define SHM_SEGMENT_LOCKED 2U /* SHM_LOCKED */
#define SHM_SEGMENT_NAMESPACE 4U /* of another IPC namespace than ours */
#define SHM_SEGMENT_CREATOR_ALIVE 8U /* the process that made it lives */
#define SHM_SEGMENT_CREATOR_DEAD 16U /* it does not; neither flag = not known */

struct rec_shm_segment {
	struct rec_head
		head; /* the creator's pid as our pid namespace sees it, 0 = not from there */
	__s32 shmid;
	__s32 key;
	__u32 ipc_namespace; /* inode number of the namespace */
	__u32 mode; /* permission bits */
	__u32 flags; /* SHM_SEGMENT_* */
	__u32 uid, gid, creator_uid, creator_gid;
	__u32 last_pid; /* of the last shmat or shmdt; 0 = none */
	__u64 bytes, resident_bytes, swapped_bytes;
	__u64 attached; /* nattch */
	__u64 attach_s, detach_s, change_s; /* wall clock; 0 = never */
};

/* As shmctl(2) has them with IPC_INFO: far beyond any memory where there is no limit. */
struct rec_shm_limits {
	struct rec_head head; /* no process */
	__u32 ipc_namespace;
	__u32 flags; /* SHM_SEGMENT_NAMESPACE */
	__u64 segments;
	__u64 least_bytes, most_bytes; /* of one segment */
	__u64 total_bytes; /* of all */
};

enum shm_full_how {
	SHM_FULL_WRITE = 1, /* write(2) and the like, splice, sendfile */
	SHM_FULL_FAULT, /* a touched mapping: SIGBUS, or EFAULT inside a system call */
	SHM_FULL_FALLOCATE,
	SHM_FULL_OPEN, /* no inode left */
};

#define SHM_FULL_NAME 256

struct rec_shm_full {
	struct rec_head head; /* who hit the wall */
	__u32 dev;
	__u32 how; /* enum shm_full_how */
	__u32 error; /* the errno that the process saw, or would have; 0 = a signal */
	__u32 signal; /* SIGBUS, or 0 */
	__u64 ino; /* 0 = no file */
	__u64 wanted_bytes; /* what the call wanted in all; a page for a fault */
	__u64 done_bytes; /* what it got of that: a short write */
	__u64 limit_bytes;
	__u64 used_bytes;
	__u64 cgroup_id; /* of its memory cgroup, or of its unified one */
	__u32 tid; /* as our pid namespace sees it */
	__u32 pad;
	char comm[COMM_LEN];
	char name[SHM_FULL_NAME]; /* the last part of the file's path */
};

/* From what costs most to what costs least. */
enum watch_mode {
	MODE_FULL, /* every event, and all that is optional */
	MODE_LEAN, /* every event, without the hooks on every system call that shared memory may need */
	MODE_SAMPLE, /* no hook on RSS: looks at the counters, once per interval */
	WATCH_MODES,
};

enum mode_why {
	MODE_STARTED, /* the watch began so */
	MODE_ASKED, /* … as it was asked to, and stays so */
	MODE_OVER_BUDGET,
	MODE_CALM, /* stepped up again, to see what that costs now */
	MODE_WHYS,
};

struct rec_mode {
	struct rec_head head; /* no process */
	__u32 mode; /* enum watch_mode */
	__u32 why; /* enum mode_why */
	__u64 share_ppm; /* of one core, measured; UNKNOWN_U64 = nothing was yet */
	__u64 budget_ppm; /* 0 = none */
};

#define BPF_TIME_OWN 1U /* timed by the hook on RSS itself: only what watched processes pay */

struct rec_bpf_time {
	struct rec_head head; /* no process */
	__u32 flags; /* BPF_TIME_* */
	__u32 pad;
	__u64 span_ns; /* the length of time that the estimates are of */
	__u64 run_ns; /* in our attached programs, on behalf of every process of the machine */
	__u64 runs;
};

_Static_assert(sizeof(struct rec_head) == 24, "rec_head");
_Static_assert(sizeof(struct rec_start) == 24 + 8 + 32 + 16, "rec_start");
_Static_assert(sizeof(struct rec_level) == 24 + 32, "rec_level");
_Static_assert(sizeof(struct rec_oom) == 24 + 32 + 8 + 16, "rec_oom");
_Static_assert(sizeof(struct rec_reading) == 24 + 16 + 4 * 32 + 5 * 8 + 3 * 16 + 16, "rec_reading");
_Static_assert(sizeof(struct rec_exit) == 32, "rec_exit");
_Static_assert(sizeof(struct rec_tree) == 24 + 3 * 32 + 6 * 8, "rec_tree");
_Static_assert(sizeof(struct rec_system) == 24 + 32, "rec_system");
_Static_assert(sizeof(struct rec_charge) == 24 + 56, "rec_charge");
_Static_assert(sizeof(struct rec_pss) == 32, "rec_pss");
_Static_assert(sizeof(struct rec_cost) == 24 + 40 + 8 * MISSED_KINDS, "rec_cost");
_Static_assert(sizeof(struct rec_shm_mount) == 24 + 8 + 8 * 8 + 16, "rec_shm_mount");
_Static_assert(sizeof(struct rec_shm_file) == 24 + 8 + 2 * 8 + 8 + 3 * 8 + 16, "rec_shm_file");
_Static_assert(sizeof(struct rec_shm_holder) == 24 + 8 + 2 * 8 + 16, "rec_shm_holder");
_Static_assert(sizeof(struct rec_shm_charger) == 24 + 8 + 2 * 8 + 16, "rec_shm_charger");
_Static_assert(sizeof(struct rec_shm_segment) == 24 + 10 * 4 + 7 * 8, "rec_shm_segment");
_Static_assert(sizeof(struct rec_shm_limits) == 24 + 8 + 4 * 8, "rec_shm_limits");
_Static_assert(sizeof(struct rec_mode) == 24 + 24, "rec_mode");
_Static_assert(sizeof(struct rec_bpf_time) == 24 + 32, "rec_bpf_time");
_Static_assert(sizeof(struct rec_shm_full) == 24 + 16 + 6 * 8 + 8 + 16 + SHM_FULL_NAME,
	       "rec_shm_full");

#endif

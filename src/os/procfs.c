/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why: names, parents, faults, CPU time, the machine's available memory and PSS are what no hook
 * tells at a price worth paying; they are read here when a line is due.
 *
 * Invariants: a parser trusts no byte (the comm in stat is chosen by the process and may hold
 * parentheses, blanks and newlines) and never guesses: a line that is missing or cut off is
 * unknown or an error, not 0.
 */
#include "procfs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "readfile.h"
#include "text.h"

/* ---- parsers ---------------------------------------------------------------------------------- */

static bool word_pid(struct text *t, pid_t *pid)
{
	uint64_t value;

	if (!text_word_u64(t, &value) || value > INT_MAX)
		return false;
	*pid = (pid_t)value;
	return true;
}

static bool skip_words(struct text *t, int n)
{
	struct text word;

	while (n--)
		if (!text_word(t, &word))
			return false;
	return true;
}

/* The fields after the comm, from the state (field 3 of proc(5)) to starttime (field 22). */
static bool parse_stat_fields(struct text t, struct proc_stat *s)
{
	struct text state;
	uint64_t flags;

	if (!text_word(&t, &state) || state.end - state.at != 1)
		return false;
	s->state = *state.at;
	if (!word_pid(&t, &s->ppid) || !skip_words(&t, 4) || /* pgrp session tty_nr tpgid */
	    !text_word_u64(&t, &flags) || flags > UINT32_MAX ||
	    !text_word_u64(&t, &s->minor_faults) || !skip_words(&t, 1) || /* cminflt */
	    !text_word_u64(&t, &s->major_faults) || !skip_words(&t, 1) || /* cmajflt */
	    !text_word_u64(&t, &s->user_ticks) || !text_word_u64(&t, &s->system_ticks) ||
	    !skip_words(&t, 4) || /* cutime cstime priority nice */
	    !text_word_u64(&t, &s->threads) || !skip_words(&t, 1) || /* itrealvalue */
	    !text_word_u64(&t, &s->start_ticks))
		return false;
	s->flags = (uint32_t)flags;
	return t.at != t.end; /* something ends the number: it was not cut off */
}

int procfs_parse_stat(const char *text, size_t len, struct proc_stat *out)
{
	const char *open, *close;
	struct proc_stat s = { 0 };
	struct text before;
	size_t comm_len;

	/* no field after the comm holds a parenthesis, so the last one ends the comm */
	open = len ? memchr(text, '(', len) : NULL;
	close = open ? memrchr(open, ')', (size_t)(text + len - open)) : NULL;
	if (!close)
		return -EINVAL;
	before = text_of(text, (size_t)(open - text));
	if (!word_pid(&before, &s.pid))
		return -EINVAL;

	comm_len = (size_t)(close - open - 1);
	if (comm_len >= sizeof(s.comm))
		comm_len = sizeof(s.comm) - 1;
	memcpy(s.comm, open + 1, comm_len);

	if (!parse_stat_fields(text_of(close + 1, (size_t)(text + len - close - 1)), &s))
		return -EINVAL;
	*out = s;
	return 0;
}

/* "NSpid: 4711 12 1": our namespace's pid first, the innermost one's last. */
static void parse_ns_pids(struct text t, struct proc_status *s)
{
	unsigned int n = 0;
	pid_t pid;

	for (; word_pid(&t, &pid); n++)
		s->ns_pid = pid;
	s->ns_depth = n ? n - 1 : 0;
}

int procfs_parse_status(const char *text, size_t len, struct proc_status *out)
{
	struct proc_status s = { .kthread = -1 };
	struct text t = text_of(text, len), line;
	bool has_tgid = false;
	uint64_t value;

	while (text_line(&t, &line)) {
		if (text_skip(&line, "Tgid:"))
			has_tgid = word_pid(&line, &s.tgid);
		else if (text_skip(&line, "NSpid:"))
			parse_ns_pids(line, &s);
		else if (text_value(line, "Kthread:", &value) && value <= 1)
			s.kthread = (int)value;
	}
	if (!has_tgid)
		return -EINVAL;
	*out = s;
	return 0;
}

int procfs_parse_statm(const char *text, size_t len, struct proc_statm *out)
{
	struct text t = text_of(text, len), line;
	struct proc_statm s;

	if (!text_line(&t, &line) || !text_word_u64(&line, &s.size_pages) ||
	    !text_word_u64(&line, &s.resident_pages) || !text_word_u64(&line, &s.shared_pages))
		return -EINVAL;
	*out = s;
	return 0;
}

int procfs_parse_smaps(const char *text, size_t len, struct proc_smaps *out)
{
	struct proc_smaps s = { UNKNOWN_U64, UNKNOWN_U64, UNKNOWN_U64, UNKNOWN_U64 };
	struct text t = text_of(text, len), line;

	while (text_line(&t, &line)) {
		if (text_value(line, "Rss:", &s.rss_bytes) ||
		    text_value(line, "Pss:", &s.pss_bytes) ||
		    text_value(line, "Anonymous:", &s.anonymous_bytes))
			continue;
		text_value(line, "Swap:", &s.swap_bytes);
	}
	if (s.rss_bytes == UNKNOWN_U64 || s.pss_bytes == UNKNOWN_U64)
		return -EINVAL;
	*out = s;
	return 0;
}

int procfs_parse_meminfo(const char *text, size_t len, struct proc_meminfo *out)
{
	struct proc_meminfo s = { UNKNOWN_U64, UNKNOWN_U64 };
	struct text t = text_of(text, len), line;

	while (text_line(&t, &line))
		if (!text_value(line, "MemTotal:", &s.total_bytes))
			text_value(line, "MemAvailable:", &s.available_bytes);
	if (s.total_bytes == UNKNOWN_U64)
		return -EINVAL;
	*out = s;
	return 0;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345" */
static uint64_t parse_stall(struct text line)
{
	struct text word;
	uint64_t value;

	while (text_word(&line, &word))
		if (text_skip(&word, "total="))
			return text_u64(word, &value) ? value : UNKNOWN_U64;
	return UNKNOWN_U64;
}

int procfs_parse_pressure(const char *text, size_t len, struct proc_pressure *out)
{
	struct proc_pressure s = { UNKNOWN_U64, UNKNOWN_U64 };
	struct text t = text_of(text, len), line;

	while (text_line(&t, &line)) {
		if (text_skip(&line, "some "))
			s.some_us = parse_stall(line);
		else if (text_skip(&line, "full "))
			s.full_us = parse_stall(line);
	}
	if (s.some_us == UNKNOWN_U64)
		return -EINVAL;
	*out = s;
	return 0;
}

size_t procfs_parse_cmdline(const char *text, size_t len, char *dst, size_t cap)
{
	if (!cap)
		return 0;
	if (cap > PROC_CMDLINE_MAX)
		cap = PROC_CMDLINE_MAX;
	while (len && !text[len - 1])
		len--;
	if (len > cap - 1)
		len = cap - 1;
	for (size_t i = 0; i < len; i++)
		dst[i] = text[i] ? text[i] : ' ';
	dst[len] = '\0';
	return len;
}

/* ---- readers ---------------------------------------------------------------------------------- */

static ssize_t read_of_pid(pid_t pid, const char *name, char *buf, size_t cap)
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = readfile(path, buf, cap);
	/* gone before the open, or between open and read: one and the same to the caller */
	return n == -ENOENT ? -ESRCH : n;
}

int procfs_read_stat(pid_t pid, struct proc_stat *out)
{
	char buf[2048]; /* 52 fields of at most 20 digits, and a comm of 64 */
	ssize_t n = read_of_pid(pid, "stat", buf, sizeof(buf));

	return n < 0 ? (int)n : procfs_parse_stat(buf, (size_t)n, out);
}

int procfs_read_status(pid_t pid, struct proc_status *out)
{
	char buf[8192]; /* a list of many groups pushes NSpid and Kthread out: not known */
	ssize_t n = read_of_pid(pid, "status", buf, sizeof(buf));

	return n < 0 ? (int)n : procfs_parse_status(buf, (size_t)n, out);
}

int procfs_read_statm(pid_t pid, struct proc_statm *out)
{
	char buf[256];
	ssize_t n = read_of_pid(pid, "statm", buf, sizeof(buf));

	return n < 0 ? (int)n : procfs_parse_statm(buf, (size_t)n, out);
}

int procfs_read_smaps(pid_t pid, struct proc_smaps *out)
{
	char buf[4096];
	ssize_t n = read_of_pid(pid, "smaps_rollup", buf, sizeof(buf));

	return n < 0 ? (int)n : procfs_parse_smaps(buf, (size_t)n, out);
}

ssize_t procfs_read_cmdline(pid_t pid, char *dst, size_t cap)
{
	char buf[PROC_CMDLINE_MAX];
	ssize_t n = read_of_pid(pid, "cmdline", buf, sizeof(buf));

	return n < 0 ? n : (ssize_t)procfs_parse_cmdline(buf, (size_t)n, dst, cap);
}

int procfs_read_meminfo(struct proc_meminfo *out)
{
	char buf[8192];
	ssize_t n = readfile("/proc/meminfo", buf, sizeof(buf));

	return n < 0 ? (int)n : procfs_parse_meminfo(buf, (size_t)n, out);
}

int procfs_read_pressure(struct proc_pressure *out)
{
	char buf[512];
	ssize_t n = readfile("/proc/pressure/memory", buf, sizeof(buf));

	if (n == -ENOENT || n == -EOPNOTSUPP) {
		*out = (struct proc_pressure){ UNKNOWN_U64, UNKNOWN_U64 };
		return 0;
	}
	return n < 0 ? (int)n : procfs_parse_pressure(buf, (size_t)n, out);
}

uint64_t procfs_cpu_ns(const struct proc_stat *stat)
{
	return (stat->user_ticks + stat->system_ticks) *
	       (1000000000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

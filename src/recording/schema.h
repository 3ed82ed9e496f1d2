/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The schema of a recording; docs/RECORDING.md explains it to people who query one.
 *
 * Two kinds of tables: *_samples hold series, a row where something changed; the others hold the state
 * that the summary is made from, as of the last commit, one column per figure (columns.c says which
 * member of which struct it is). A column is added at the end of its table, never renamed or given
 * another meaning: then the version stays, and readers take a column that is missing for NULL.
 *
 * Everywhere: sizes are bytes; times are integer nanoseconds since the watch began, by the monotonic
 * clock, and may be negative; NULL is "not known" (or "none", where said). Text is escaped, so that
 * printing it harms no terminal; where that changed it, NAME_raw has the bytes.
 */
#ifndef MEMMON_SCHEMA_H
#define MEMMON_SCHEMA_H

#define RECORDING_APPLICATION_ID 0x4d4d4f4e /* "MMON" */
#define RECORDING_VERSION 1 /* user_version */

/* The figures of a sample row that have a least and a most in its interval: NULL = as the value itself. */
#define SCHEMA_RANGE(figure) figure "_min INTEGER, " figure "_max INTEGER"

/* All events, unordered: the reader runs it itself, as the view of a file may be anybody's. */
#define SCHEMA_EVENTS                                                                                   \
	"  SELECT * FROM (\n"                                                                           \
	"    SELECT max(watched_ns, 0) AS at_ns, 'start' AS kind, pid, comm, comm_raw, CASE how\n"      \
	"      WHEN 1 THEN 'forked by ' || ppid WHEN 2 THEN 'ran already'\n"                            \
	"      WHEN 3 THEN 'the command' WHEN 4 THEN 'moved into the cgroup' END AS text\n"             \
	"    FROM processes\n"                                                                          \
	"    UNION ALL SELECT at_ns, 'exec', pid, comm, comm_raw,\n"                                    \
	"      'is called ' || comm || ' from now on' FROM execs\n"                                     \
	"    UNION ALL SELECT end_ns, 'exit', pid, comm, comm_raw, CASE\n"                              \
	"      WHEN wait_status IS NULL THEN 'ended'\n"                                                 \
	"      WHEN wait_status & 127 THEN 'killed by signal ' || (wait_status & 127)\n"                \
	"      ELSE 'exited with ' || (wait_status >> 8 & 255) END\n"                                   \
	"    FROM processes WHERE end_ns IS NOT NULL\n"                                                 \
	"    UNION ALL SELECT at_ns, 'oom', pid, comm, comm_raw, 'killed by the OOM killer, with '\n"   \
	"      || round(max(file + anon + shmem, 0) / 1048576.0, 1) || ' MiB of RSS'\n"                 \
	"      || coalesce(', in cgroup ' || cgroup, '') FROM oom_kills\n"                              \
	"    UNION ALL SELECT at_ns, 'shm_full', pid, comm, comm_raw, text FROM shm_full\n"             \
	"    UNION ALL SELECT at_ns, 'mode', 0, NULL, NULL, text FROM mode_steps\n"                     \
	"    UNION ALL SELECT at_ns, 'lost', 0, NULL, NULL, lost || ' records were lost' FROM losses\n" \
	"  )"

static const char schema_sql[] =
	"-- The run: one row.\n"
	"CREATE TABLE run (\n"
	"  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
	"  version TEXT NOT NULL, -- of memmon-bpf\n"
	"  started TEXT NOT NULL, -- RFC 3339\n"
	"  started_us INTEGER NOT NULL, -- Unix time of time 0, in microseconds\n"
	"  duration_ns INTEGER NOT NULL, -- as of the last commit\n"
	"  complete INTEGER NOT NULL, -- 1 = the watch has ended by itself\n"
	"  ended_by TEXT, -- how it ended, or why the recording did\n"
	"  target TEXT, target_raw BLOB,\n"
	"  command TEXT, -- a JSON array; NULL = none\n"
	"  wait_status INTEGER, -- of the command, as waitpid(2); NULL = none, or it goes on\n"
	"  fail_if TEXT, -- the condition of --fail-if that held\n"
	"  interval_ns INTEGER NOT NULL,\n"
	"  unit TEXT, -- of --unit\n"
	"  from_zero INTEGER NOT NULL,\n"
	"  max_processes INTEGER NOT NULL,\n"
	"  machine TEXT, -- the same for all recordings of one machine, and tells nothing else\n"
	"  kernel TEXT, -- release\n"
	"  cpus INTEGER,\n"
	"  page_bytes INTEGER NOT NULL,\n"
	"  clock_ns INTEGER NOT NULL, -- CLOCK_MONOTONIC at time 0\n"
	"  shm_chain TEXT, shm_gaps TEXT, -- how charges of shared memory are known; what could not be seen\n"
	"  thinned_until_ns INTEGER NOT NULL, -- what is older is not in full resolution any more\n"
	"  thinned_bucket_ns INTEGER NOT NULL -- the longest stretch of time that became one row\n"
	");\n"

	"-- What this kernel and the privileges allowed.\n"
	"CREATE TABLE features (\n"
	"  position INTEGER PRIMARY KEY,\n"
	"  name TEXT NOT NULL, state TEXT NOT NULL, why TEXT\n"
	");\n"

	"-- Of the whole watch: the tree (the watched processes together), the machine, the cgroup, and the\n"
	"-- receipt of what watching cost: one row.\n"
	"CREATE TABLE totals (\n"
	"  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
	"  now_ns INTEGER, -- of the newest record\n"
	"  tree_known INTEGER,\n"
	"  first_file INTEGER, first_anon INTEGER, first_swap INTEGER, first_shmem INTEGER,\n"
	"  last_file INTEGER, last_anon INTEGER, last_swap INTEGER, last_shmem INTEGER,\n"
	"  at_peak_file INTEGER, at_peak_anon INTEGER, at_peak_swap INTEGER, at_peak_shmem INTEGER,\n"
	"  peak_file INTEGER, peak_anon INTEGER, peak_swap INTEGER, peak_shmem INTEGER, -- each one's own\n"
	"  peak_ns INTEGER, error INTEGER, -- when at_peak was, and its bound; 0 = exact\n"
	"  no_kinds INTEGER, -- 1 = of at_peak only the sum is known, in at_peak_anon\n"
	"  processes INTEGER, processes_live INTEGER, processes_peak INTEGER,\n"
	"  processes_untracked INTEGER, -- without figures, as the BPF map was full\n"
	"  processes_omitted INTEGER, -- that are not in table processes\n"
	"  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER,\n"
	"  mmap_calls INTEGER, mmap_bytes INTEGER, munmap_calls INTEGER, munmap_bytes INTEGER,\n"
	"  brk_calls INTEGER, brk_bytes INTEGER,\n"
	"  footprint_first INTEGER, footprint_last INTEGER, footprint_peak INTEGER, -- with --pss\n"
	"  interval_peak INTEGER,\n"
	"  system_known INTEGER,\n"
	"  total INTEGER, available_first INTEGER, available_last INTEGER,\n"
	"  available_min INTEGER, available_min_ns INTEGER,\n"
	"  pressure_some_us INTEGER, pressure_full_us INTEGER,\n"
	"  charge_known INTEGER, charge_peak INTEGER, -- of the cgroup of -g, -c or --scope\n"
	"  charge_current INTEGER, charge_own_peak INTEGER, charge_limit INTEGER,\n"
	"  charge_anon INTEGER, charge_file INTEGER, charge_shmem INTEGER, charge_kernel INTEGER,\n"
	"  cost_known INTEGER, events INTEGER, event_pns INTEGER, -- per event, in 1/1000 ns\n"
	"  tool_cpu_ns INTEGER, tool_rss INTEGER, lost_records INTEGER,\n"
	"  bpf_time_known INTEGER, bpf_time_flags INTEGER,\n"
	"  bpf_span_ns INTEGER, bpf_run_ns INTEGER, bpf_runs INTEGER,\n"
	"  mode_known INTEGER, ever_sampled INTEGER,\n"
	"  mode_full_ns INTEGER, mode_lean_ns INTEGER, mode_sample_ns INTEGER,\n"
	"  modes_omitted INTEGER,\n"
	"  shm_known INTEGER, shm_survey_ns INTEGER, shm_full INTEGER\n"
	");\n"

	"-- Processes: those that lived at the last commit, and of the ended ones the largest peaks.\n"
	"-- rss_* = file + anon + shmem.\n"
	"CREATE TABLE processes (\n"
	"  id INTEGER PRIMARY KEY,\n"
	"  pid INTEGER NOT NULL, ppid INTEGER NOT NULL,\n"
	"  how INTEGER, -- 1 forked, 2 ran already, 3 the command, 4 moved into the cgroup\n"
	"  start_ns INTEGER, -- of the process; with pid the identity\n"
	"  watched_ns INTEGER, end_ns INTEGER, -- NULL while it lives\n"
	"  wait_status INTEGER,\n"
	"  comm TEXT, comm_raw BLOB, cmdline TEXT, cmdline_raw BLOB, container TEXT, container_raw BLOB,\n"
	"  reading_ns INTEGER, -- of the figures below; NULL = there are none\n"
	"  flags INTEGER, -- READING_* of bpf/events.h\n"
	"  threads_peak INTEGER,\n"
	"  first_file INTEGER, first_anon INTEGER, first_swap INTEGER, first_shmem INTEGER,\n"
	"  last_file INTEGER, last_anon INTEGER, last_swap INTEGER, last_shmem INTEGER,\n"
	"  at_peak_file INTEGER, at_peak_anon INTEGER, at_peak_swap INTEGER, at_peak_shmem INTEGER,\n"
	"  peak_file INTEGER, peak_anon INTEGER, peak_swap INTEGER, peak_shmem INTEGER, -- each one's own\n"
	"  peak_ns INTEGER, error INTEGER, -- when at_peak was, and its bound; 0 = exact\n"
	"  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER,\n"
	"  mmap_calls INTEGER, mmap_bytes INTEGER, munmap_calls INTEGER, munmap_bytes INTEGER,\n"
	"  brk_calls INTEGER, brk_bytes INTEGER,\n"
	"  pss INTEGER,\n"
	"  rss_first INTEGER AS (max(first_file + first_anon + first_shmem, 0)),\n"
	"  rss_last INTEGER AS (max(last_file + last_anon + last_shmem, 0)),\n"
	"  rss_peak INTEGER AS (max(at_peak_file + at_peak_anon + at_peak_shmem, 0))\n"
	");\n"

	"-- A process's later names.\n"
	"CREATE TABLE execs (\n"
	"  process INTEGER NOT NULL, at_ns INTEGER NOT NULL, -- processes.id\n"
	"  pid INTEGER, comm TEXT, comm_raw BLOB,\n"
	"  PRIMARY KEY (process, at_ns)\n"
	") WITHOUT ROWID;\n"

	"-- Changes of the way of watching.\n"
	"CREATE TABLE mode_steps (\n"
	"  number INTEGER PRIMARY KEY, at_ns INTEGER, mode INTEGER, why INTEGER, share_ppm INTEGER,\n"
	"  budget_ppm INTEGER, text TEXT\n"
	");\n"

	"CREATE TABLE oom_kills (\n"
	"  number INTEGER PRIMARY KEY, at_ns INTEGER, pid INTEGER, comm TEXT, comm_raw BLOB,\n"
	"  cgroup TEXT, cgroup_raw BLOB, file INTEGER, anon INTEGER, swap INTEGER, shmem INTEGER\n"
	");\n"

	"-- The largest watched processes when the OOM killer came.\n"
	"CREATE TABLE oom_largest (\n"
	"  kill INTEGER NOT NULL, position INTEGER NOT NULL,\n"
	"  pid INTEGER, comm TEXT, comm_raw BLOB, rss INTEGER,\n"
	"  PRIMARY KEY (kill, position)\n"
	") WITHOUT ROWID;\n"

	"-- Records that the ring buffer had no room for, at the time when that was seen.\n"
	"CREATE TABLE losses (at_ns INTEGER PRIMARY KEY, lost INTEGER NOT NULL);\n"

	"-- Each tmpfs that is /dev/shm of a watched process, or that one charged or found full.\n"
	"CREATE TABLE shm_mounts (\n"
	"  id INTEGER PRIMARY KEY, position INTEGER, -- in the summary\n"
	"  dev INTEGER NOT NULL, -- major << 20 | minor\n"
	"  point TEXT, point_raw BLOB, container_id TEXT, container_id_raw BLOB,\n"
	"  container TEXT, container_raw BLOB, runtime TEXT, runtime_raw BLOB,\n"
	"  pid INTEGER, start_ns INTEGER, comm TEXT, comm_raw BLOB, -- in whose mount namespace it is\n"
	"  seen_ns INTEGER, flags INTEGER, -- SHM_MOUNT_* of bpf/events.h\n"
	"  gone INTEGER,\n"
	"  size INTEGER, used INTEGER, -- the limit, 0 = none, and what is used\n"
	"  inodes_limit INTEGER, inodes INTEGER,\n"
	"  traced_peak INTEGER, traced_peak_ns INTEGER, charged INTEGER, uncharged INTEGER,\n"
	"  peak INTEGER, peak_ns INTEGER,\n"
	"  attributed INTEGER, unattributed INTEGER,\n"
	"  growth REAL, full_in_s REAL, -- bytes per second; negative = never\n"
	"  orphans INTEGER, orphan_bytes INTEGER,\n"
	"  files_omitted INTEGER, files_omitted_bytes INTEGER, full_omitted INTEGER\n"
	");\n"

	"-- The largest files of each of them.\n"
	"CREATE TABLE shm_files (\n"
	"  mount INTEGER NOT NULL, position INTEGER NOT NULL, -- shm_mounts.id\n"
	"  path TEXT, path_raw BLOB, ino INTEGER, key INTEGER, kind INTEGER, flags INTEGER, uid INTEGER,\n"
	"  state INTEGER, -- 0 linked, 1 unlinked, 2 orphan\n"
	"  size INTEGER, bytes INTEGER, peak INTEGER,\n"
	"  creator_pid INTEGER, creator_start_ns INTEGER, creator TEXT, creator_raw BLOB,\n"
	"  holders TEXT, holders_omitted INTEGER, -- a JSON array of pids\n"
	"  PRIMARY KEY (mount, position)\n"
	") WITHOUT ROWID;\n"

	"-- Who charged each of them.\n"
	"CREATE TABLE shm_chargers (\n"
	"  mount INTEGER NOT NULL, position INTEGER NOT NULL, -- shm_mounts.id\n"
	"  pid INTEGER, alive INTEGER, comm TEXT, comm_raw BLOB,\n"
	"  charged INTEGER, uncharged INTEGER, held INTEGER,\n"
	"  PRIMARY KEY (mount, position)\n"
	") WITHOUT ROWID;\n"

	"-- Who hit the wall of which of them.\n"
	"CREATE TABLE shm_full (\n"
	"  number INTEGER PRIMARY KEY,\n"
	"  mount INTEGER NOT NULL, position INTEGER, -- shm_mounts.id; NULL = too old for the summary\n"
	"  at_ns INTEGER, pid INTEGER, tid INTEGER, start_ns INTEGER, comm TEXT, comm_raw BLOB,\n"
	"  container TEXT, container_raw BLOB, name TEXT, name_raw BLOB,\n"
	"  dev INTEGER, how INTEGER, -- 1 write, 2 fault, 3 fallocate, 4 open\n"
	"  error INTEGER, signal INTEGER, ino INTEGER,\n"
	"  wanted INTEGER, done INTEGER, size INTEGER, used INTEGER, cgroup_id INTEGER,\n"
	"  times INTEGER, orphans INTEGER, orphan_bytes INTEGER,\n"
	"  text TEXT, remedy TEXT\n"
	");\n"

	"-- The largest files at that moment.\n"
	"CREATE TABLE shm_full_largest (\n"
	"  number INTEGER NOT NULL, position INTEGER NOT NULL,\n"
	"  name TEXT, name_raw BLOB, bytes INTEGER, creator_pid INTEGER, comm TEXT, comm_raw BLOB,\n"
	"  PRIMARY KEY (number, position)\n"
	") WITHOUT ROWID;\n"

	"-- The series. A row is there where something changed; what it says goes on until the next.\n"
	"-- FIGURE is the last value; FIGURE_min and FIGURE_max are of the time since the row before, NULL =\n"
	"-- as FIGURE itself. Thinned rows stand for a longer time.\n"
	"CREATE TABLE tree_samples (\n"
	"  at_ns INTEGER PRIMARY KEY,\n"
	"  rss INTEGER, anon INTEGER, file INTEGER, shmem INTEGER, swap INTEGER, footprint INTEGER,\n"
	"  processes INTEGER,\n"
	"  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER, lost_records INTEGER,\n"
	"  sampled INTEGER,\n"
	"  " SCHEMA_RANGE("rss") ", " SCHEMA_RANGE(
		"anon") ",\n"
			"  " SCHEMA_RANGE("file") ", " SCHEMA_RANGE(
				"shmem") ",\n"
					 "  " SCHEMA_RANGE("swap") ", " SCHEMA_RANGE(
						 "footprint") ",\n"
							      "  " SCHEMA_RANGE(
								      "processes") "\n"
										   ");\n"

										   "CREATE TABLE process_samples (\n"
										   "  at_ns INTEGER NOT NULL, id INTEGER NOT NULL, -- processes.id\n"
										   "  rss INTEGER, anon INTEGER, file INTEGER, shmem INTEGER, swap INTEGER, pss INTEGER,\n"
										   "  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER,\n"
										   "  " SCHEMA_RANGE(
											   "rss") ", " SCHEMA_RANGE("anon") ",\n"
															    "  " SCHEMA_RANGE("file") ", " SCHEMA_RANGE("shmem") ",\n"
																						 "  " SCHEMA_RANGE("swap") ", " SCHEMA_RANGE("pss") ",\n"
																												    "  PRIMARY KEY (at_ns, id)\n"
																												    ") WITHOUT ROWID;\n"

																												    "CREATE TABLE system_samples (\n"
																												    "  at_ns INTEGER PRIMARY KEY,\n"
																												    "  available INTEGER, pressure_some_us INTEGER, pressure_full_us INTEGER,\n"
																												    "  " SCHEMA_RANGE("available") "\n"
																																   ");\n"

																																   "CREATE TABLE charge_samples (\n"
																																   "  at_ns INTEGER PRIMARY KEY,\n"
																																   "  current INTEGER, anon INTEGER, file INTEGER, shmem INTEGER, kernel INTEGER, \"limit\" INTEGER,\n"
																																   "  " SCHEMA_RANGE("current") ", " SCHEMA_RANGE(
																																	   "anon") ",\n"
																																		   "  " SCHEMA_RANGE("file") ", " SCHEMA_RANGE("shmem") ",\n"
																																									"  " SCHEMA_RANGE("kernel") ", " SCHEMA_RANGE(
																																										"limit") "\n"
																																											 ");\n"

																																											 "CREATE TABLE shm_samples (\n"
																																											 "  at_ns INTEGER NOT NULL, id INTEGER NOT NULL, -- shm_mounts.id\n"
																																											 "  used INTEGER, \"limit\" INTEGER, inodes INTEGER,\n"
																																											 "  " SCHEMA_RANGE("used") ", " SCHEMA_RANGE("limit") ", " SCHEMA_RANGE("inodes") ",\n"
																																																					  "  PRIMARY KEY (at_ns, id)\n"
																																																					  ") WITHOUT ROWID;\n"

																																																					  "-- For people. Sizes in MiB, times in seconds since the watch began.\n"
																																																					  "CREATE VIEW peaks AS\n"
																																																					  "  SELECT pid, coalesce(comm, '?') AS comm, round(rss_peak / 1048576.0, 1) AS rss_peak_mib,\n"
																																																					  "    round(max(peak_ns, 0) / 1e9, 3) AS at_s,\n"
																																																					  "    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_anon / 1048576.0, 1) END AS anon_mib,\n"
																																																					  "    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_file / 1048576.0, 1) END AS file_mib,\n"
																																																					  "    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_shmem / 1048576.0, 1) END AS shmem_mib,\n"
																																																					  "    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_swap / 1048576.0, 1) END AS swap_mib,\n"
																																																					  "    round(rss_last / 1048576.0, 1) AS rss_last_mib,\n"
																																																					  "    round(max(watched_ns, 0) / 1e9, 3) AS start_s, round(end_ns / 1e9, 3) AS end_s, cmdline\n"
																																																					  "  FROM processes WHERE reading_ns IS NOT NULL AND NOT flags & 1\n"
																																																					  "  ORDER BY rss_peak DESC, pid;\n"

																																																					  "CREATE VIEW timeline AS\n"
																																																					  "  SELECT round(at_ns / 1e9, 3) AS at_s, round(rss / 1048576.0, 1) AS rss_mib,\n"
																																																					  "    round(coalesce(rss_max, rss) / 1048576.0, 1) AS rss_max_mib,\n"
																																																					  "    round(anon / 1048576.0, 1) AS anon_mib, round(file / 1048576.0, 1) AS file_mib,\n"
																																																					  "    round(shmem / 1048576.0, 1) AS shmem_mib, round(swap / 1048576.0, 1) AS swap_mib,\n"
																																																					  "    round(footprint / 1048576.0, 1) AS footprint_mib, processes\n"
																																																					  "  FROM tree_samples ORDER BY at_ns;\n"

																																																					  "CREATE VIEW process_timeline AS\n"
																																																					  "  SELECT round(s.at_ns / 1e9, 3) AS at_s, p.pid, coalesce(p.comm, '?') AS comm,\n"
																																																					  "    round(s.rss / 1048576.0, 1) AS rss_mib,\n"
																																																					  "    round(coalesce(s.rss_max, s.rss) / 1048576.0, 1) AS rss_max_mib,\n"
																																																					  "    round(s.anon / 1048576.0, 1) AS anon_mib, round(s.file / 1048576.0, 1) AS file_mib,\n"
																																																					  "    round(s.shmem / 1048576.0, 1) AS shmem_mib, round(s.swap / 1048576.0, 1) AS swap_mib\n"
																																																					  "  FROM process_samples s JOIN processes p ON p.id = s.id ORDER BY s.at_ns, p.pid;\n"

																																																					  "CREATE VIEW available AS\n"
																																																					  "  SELECT round(at_ns / 1e9, 3) AS at_s, round(available / 1048576.0, 1) AS available_mib,\n"
																																																					  "    round(coalesce(available_min, available) / 1048576.0, 1) AS available_min_mib\n"
																																																					  "  FROM system_samples ORDER BY at_ns;\n"

																																																					  "CREATE VIEW charged AS\n"
																																																					  "  SELECT round(at_ns / 1e9, 3) AS at_s, round(current / 1048576.0, 1) AS current_mib,\n"
																																																					  "    round(coalesce(current_max, current) / 1048576.0, 1) AS current_max_mib,\n"
																																																					  "    round(\"limit\" / 1048576.0, 1) AS limit_mib\n"
																																																					  "  FROM charge_samples ORDER BY at_ns;\n"

																																																					  "CREATE VIEW shm AS\n"
																																																					  "  SELECT dev >> 20 || ':' || (dev & 1048575) AS device, point AS mount,\n"
																																																					  "    nullif(container, '') AS container, round(nullif(size, 0) / 1048576.0, 1) AS limit_mib,\n"
																																																					  "    round(used / 1048576.0, 1) AS used_mib, round(peak / 1048576.0, 1) AS peak_mib,\n"
																																																					  "    round(max(peak_ns, 0) / 1e9, 3) AS peak_at_s, orphans\n"
																																																					  "  FROM shm_mounts ORDER BY position;\n"

																																																					  "CREATE VIEW shm_timeline AS\n"
																																																					  "  SELECT round(s.at_ns / 1e9, 3) AS at_s, m.point AS mount, nullif(m.container, '') AS container,\n"
																																																					  "    round(s.used / 1048576.0, 1) AS used_mib,\n"
																																																					  "    round(coalesce(s.used_max, s.used) / 1048576.0, 1) AS used_max_mib,\n"
																																																					  "    round(nullif(s.\"limit\", 0) / 1048576.0, 1) AS limit_mib\n"
																																																					  "  FROM shm_samples s JOIN shm_mounts m ON m.id = s.id ORDER BY s.at_ns;\n"

																																																					  "-- Everything that has a moment; text is for people.\n"
																																																					  "CREATE VIEW events AS\n" SCHEMA_EVENTS " ORDER BY at_ns;\n";

#endif

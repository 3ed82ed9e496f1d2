-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- What a recording is made with; docs/RECORDING.md explains it to people who query one.
--
-- Two kinds of tables: *_samples hold series, a row where something changed; the others hold the state
-- that the summary is made from, as of the last commit, one column per figure (columns.c says which
-- member of which struct it is). A column is added at the end of its table, never renamed or given
-- another meaning: then the version stays, and readers take a column that is missing for NULL.
--
-- Everywhere: sizes are bytes; times are integer nanoseconds since the watch began, by the monotonic
-- clock, and may be negative; NULL is "not known" (or "none", where said). Text is escaped, so that
-- printing it harms no terminal; where that changed it, NAME_raw has the bytes.

-- The run: one row.
CREATE TABLE run (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  version TEXT NOT NULL, -- of memmon-bpf
  started TEXT NOT NULL, -- RFC 3339
  started_us INTEGER NOT NULL, -- Unix time of time 0, in microseconds
  duration_ns INTEGER NOT NULL, -- as of the last commit
  complete INTEGER NOT NULL, -- 1 = the watch has ended by itself
  ended_by TEXT, -- how it ended, or why the recording did
  target TEXT, target_raw BLOB,
  command TEXT, -- a JSON array; NULL = none
  wait_status INTEGER, -- of the command, as waitpid(2); NULL = none, or it goes on
  fail_if TEXT, -- the condition of --fail-if that held
  interval_ns INTEGER NOT NULL,
  unit TEXT, -- of --unit
  from_zero INTEGER NOT NULL,
  max_processes INTEGER NOT NULL,
  machine TEXT, -- the same for all recordings of one machine, and tells nothing else
  kernel TEXT, -- release
  cpus INTEGER,
  page_bytes INTEGER NOT NULL,
  clock_ns INTEGER NOT NULL, -- CLOCK_MONOTONIC at time 0
  shm_chain TEXT, shm_gaps TEXT, -- how charges of shared memory are known; what could not be seen
  thinned_until_ns INTEGER NOT NULL, -- what is older is not in full resolution any more
  thinned_bucket_ns INTEGER NOT NULL -- the longest stretch of time that became one row
);

-- What this kernel and the privileges allowed.
CREATE TABLE features (
  position INTEGER PRIMARY KEY,
  name TEXT NOT NULL, state TEXT NOT NULL, why TEXT
);

-- Of the whole watch: the tree (the watched processes together), the machine, the cgroup, and the
-- receipt of what watching cost: one row.
CREATE TABLE totals (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  now_ns INTEGER, -- of the newest record
  tree_known INTEGER,
  first_file INTEGER, first_anon INTEGER, first_swap INTEGER, first_shmem INTEGER,
  last_file INTEGER, last_anon INTEGER, last_swap INTEGER, last_shmem INTEGER,
  at_peak_file INTEGER, at_peak_anon INTEGER, at_peak_swap INTEGER, at_peak_shmem INTEGER,
  peak_file INTEGER, peak_anon INTEGER, peak_swap INTEGER, peak_shmem INTEGER, -- each one's own
  peak_ns INTEGER, error INTEGER, -- when at_peak was, and its bound; 0 = exact
  no_kinds INTEGER, -- 1 = of at_peak only the sum is known, in at_peak_anon
  processes INTEGER, processes_live INTEGER, processes_peak INTEGER,
  processes_untracked INTEGER, -- without figures, as the BPF map was full
  processes_omitted INTEGER, -- that are not in table processes
  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER,
  mmap_calls INTEGER, mmap_bytes INTEGER, munmap_calls INTEGER, munmap_bytes INTEGER,
  brk_calls INTEGER, brk_bytes INTEGER,
  footprint_first INTEGER, footprint_last INTEGER, footprint_peak INTEGER, -- with --pss
  interval_peak INTEGER,
  system_known INTEGER,
  total INTEGER, available_first INTEGER, available_last INTEGER,
  available_min INTEGER, available_min_ns INTEGER,
  pressure_some_us INTEGER, pressure_full_us INTEGER,
  charge_known INTEGER, charge_peak INTEGER, -- of the cgroup of -g, -c or --scope
  charge_current INTEGER, charge_own_peak INTEGER, charge_limit INTEGER,
  charge_anon INTEGER, charge_file INTEGER, charge_shmem INTEGER, charge_kernel INTEGER,
  cost_known INTEGER, events INTEGER, event_pns INTEGER, -- per event, in 1/1000 ns
  tool_cpu_ns INTEGER, tool_rss INTEGER, lost_records INTEGER,
  bpf_time_known INTEGER, bpf_time_flags INTEGER,
  bpf_span_ns INTEGER, bpf_run_ns INTEGER, bpf_runs INTEGER,
  mode_known INTEGER, ever_sampled INTEGER,
  mode_full_ns INTEGER, mode_lean_ns INTEGER, mode_sample_ns INTEGER,
  modes_omitted INTEGER,
  shm_known INTEGER, shm_survey_ns INTEGER, shm_full INTEGER,
  -- runs of our programs that the kernel skipped; NULL = it does not count them
  missed_rss INTEGER, missed_processes INTEGER, missed_volumes INTEGER
);

-- Processes: those that lived at the last commit, and of the ended ones the largest peaks.
-- rss_* = file + anon + shmem.
CREATE TABLE processes (
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL, ppid INTEGER NOT NULL,
  how INTEGER, -- 1 forked, 2 ran already, 3 the command, 4 moved into the cgroup
  start_ns INTEGER, -- of the process; with pid the identity
  watched_ns INTEGER, end_ns INTEGER, -- NULL while it lives
  wait_status INTEGER,
  comm TEXT, comm_raw BLOB, cmdline TEXT, cmdline_raw BLOB, container TEXT, container_raw BLOB,
  reading_ns INTEGER, -- of the figures below; NULL = there are none
  flags INTEGER, -- READING_* of bpf/events.h
  threads_peak INTEGER,
  first_file INTEGER, first_anon INTEGER, first_swap INTEGER, first_shmem INTEGER,
  last_file INTEGER, last_anon INTEGER, last_swap INTEGER, last_shmem INTEGER,
  at_peak_file INTEGER, at_peak_anon INTEGER, at_peak_swap INTEGER, at_peak_shmem INTEGER,
  peak_file INTEGER, peak_anon INTEGER, peak_swap INTEGER, peak_shmem INTEGER, -- each one's own
  peak_ns INTEGER, error INTEGER, -- when at_peak was, and its bound; 0 = exact
  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER,
  mmap_calls INTEGER, mmap_bytes INTEGER, munmap_calls INTEGER, munmap_bytes INTEGER,
  brk_calls INTEGER, brk_bytes INTEGER,
  pss INTEGER,
  rss_first INTEGER AS (max(first_file + first_anon + first_shmem, 0)),
  rss_last INTEGER AS (max(last_file + last_anon + last_shmem, 0)),
  rss_peak INTEGER AS (max(at_peak_file + at_peak_anon + at_peak_shmem, 0))
);

-- A process's later names.
CREATE TABLE execs (
  process INTEGER NOT NULL, at_ns INTEGER NOT NULL, -- processes.id
  pid INTEGER, comm TEXT, comm_raw BLOB,
  PRIMARY KEY (process, at_ns)
) WITHOUT ROWID;

-- Changes of the way of watching.
CREATE TABLE mode_steps (
  number INTEGER PRIMARY KEY, at_ns INTEGER, mode INTEGER, why INTEGER, share_ppm INTEGER,
  budget_ppm INTEGER, text TEXT
);

CREATE TABLE oom_kills (
  number INTEGER PRIMARY KEY, at_ns INTEGER, pid INTEGER, comm TEXT, comm_raw BLOB,
  cgroup TEXT, cgroup_raw BLOB, file INTEGER, anon INTEGER, swap INTEGER, shmem INTEGER
);

-- The largest watched processes when the OOM killer came.
CREATE TABLE oom_largest (
  kill INTEGER NOT NULL, position INTEGER NOT NULL,
  pid INTEGER, comm TEXT, comm_raw BLOB, rss INTEGER,
  PRIMARY KEY (kill, position)
) WITHOUT ROWID;

-- Records that the ring buffer had no room for, at the time when that was seen.
CREATE TABLE losses (at_ns INTEGER PRIMARY KEY, lost INTEGER NOT NULL);

-- Each tmpfs that is /dev/shm of a watched process, or that one charged or found full.
CREATE TABLE shm_mounts (
  id INTEGER PRIMARY KEY, position INTEGER, -- in the summary
  dev INTEGER NOT NULL, -- major << 20 | minor
  point TEXT, point_raw BLOB, container_id TEXT, container_id_raw BLOB,
  container TEXT, container_raw BLOB, runtime TEXT, runtime_raw BLOB,
  pid INTEGER, start_ns INTEGER, comm TEXT, comm_raw BLOB, -- in whose mount namespace it is
  seen_ns INTEGER, flags INTEGER, -- SHM_MOUNT_* of bpf/events.h
  gone INTEGER,
  size INTEGER, used INTEGER, -- the limit, 0 = none, and what is used
  inodes_limit INTEGER, inodes INTEGER,
  traced_peak INTEGER, traced_peak_ns INTEGER, charged INTEGER, uncharged INTEGER,
  peak INTEGER, peak_ns INTEGER,
  attributed INTEGER, unattributed INTEGER,
  growth REAL, full_in_s REAL, -- bytes per second; negative = never
  orphans INTEGER, orphan_bytes INTEGER,
  files_omitted INTEGER, files_omitted_bytes INTEGER, full_omitted INTEGER
);

-- The largest files of each of them.
CREATE TABLE shm_files (
  mount INTEGER NOT NULL, position INTEGER NOT NULL, -- shm_mounts.id
  path TEXT, path_raw BLOB, ino INTEGER, key INTEGER, kind INTEGER, flags INTEGER, uid INTEGER,
  state INTEGER, -- 0 linked, 1 unlinked, 2 orphan
  size INTEGER, bytes INTEGER, peak INTEGER,
  creator_pid INTEGER, creator_start_ns INTEGER, creator TEXT, creator_raw BLOB,
  holders TEXT, holders_omitted INTEGER, -- a JSON array of pids
  PRIMARY KEY (mount, position)
) WITHOUT ROWID;

-- Who charged each of them.
CREATE TABLE shm_chargers (
  mount INTEGER NOT NULL, position INTEGER NOT NULL, -- shm_mounts.id
  pid INTEGER, alive INTEGER, comm TEXT, comm_raw BLOB,
  charged INTEGER, uncharged INTEGER, held INTEGER,
  PRIMARY KEY (mount, position)
) WITHOUT ROWID;

-- Who hit the wall of which of them.
CREATE TABLE shm_full (
  number INTEGER PRIMARY KEY,
  mount INTEGER NOT NULL, position INTEGER, -- shm_mounts.id; NULL = too old for the summary
  at_ns INTEGER, pid INTEGER, tid INTEGER, start_ns INTEGER, comm TEXT, comm_raw BLOB,
  container TEXT, container_raw BLOB, name TEXT, name_raw BLOB,
  dev INTEGER, how INTEGER, -- 1 write, 2 fault, 3 fallocate, 4 open
  error INTEGER, signal INTEGER, ino INTEGER,
  wanted INTEGER, done INTEGER, size INTEGER, used INTEGER, cgroup_id INTEGER,
  times INTEGER, orphans INTEGER, orphan_bytes INTEGER,
  text TEXT, remedy TEXT
);

-- The largest files at that moment.
CREATE TABLE shm_full_largest (
  number INTEGER NOT NULL, position INTEGER NOT NULL,
  name TEXT, name_raw BLOB, bytes INTEGER, creator_pid INTEGER, comm TEXT, comm_raw BLOB,
  PRIMARY KEY (number, position)
) WITHOUT ROWID;

-- The series. A row is there where something changed; what it says goes on until the next.
-- FIGURE is the last value; FIGURE_min and FIGURE_max are of the time since the row before, NULL =
-- as FIGURE itself. Thinned rows stand for a longer time.
CREATE TABLE tree_samples (
  at_ns INTEGER PRIMARY KEY,
  rss INTEGER, anon INTEGER, file INTEGER, shmem INTEGER, swap INTEGER, footprint INTEGER,
  processes INTEGER,
  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER, lost_records INTEGER,
  sampled INTEGER,
  rss_min INTEGER, rss_max INTEGER, anon_min INTEGER, anon_max INTEGER,
  file_min INTEGER, file_max INTEGER, shmem_min INTEGER, shmem_max INTEGER,
  swap_min INTEGER, swap_max INTEGER, footprint_min INTEGER, footprint_max INTEGER,
  processes_min INTEGER, processes_max INTEGER
);

CREATE TABLE process_samples (
  at_ns INTEGER NOT NULL, id INTEGER NOT NULL, -- processes.id
  rss INTEGER, anon INTEGER, file INTEGER, shmem INTEGER, swap INTEGER, pss INTEGER,
  faults_minor INTEGER, faults_major INTEGER, cpu_ns INTEGER,
  rss_min INTEGER, rss_max INTEGER, anon_min INTEGER, anon_max INTEGER,
  file_min INTEGER, file_max INTEGER, shmem_min INTEGER, shmem_max INTEGER,
  swap_min INTEGER, swap_max INTEGER, pss_min INTEGER, pss_max INTEGER,
  PRIMARY KEY (at_ns, id)
) WITHOUT ROWID;

CREATE TABLE system_samples (
  at_ns INTEGER PRIMARY KEY,
  available INTEGER, pressure_some_us INTEGER, pressure_full_us INTEGER,
  available_min INTEGER, available_max INTEGER
);

CREATE TABLE charge_samples (
  at_ns INTEGER PRIMARY KEY,
  current INTEGER, anon INTEGER, file INTEGER, shmem INTEGER, kernel INTEGER, "limit" INTEGER,
  current_min INTEGER, current_max INTEGER, anon_min INTEGER, anon_max INTEGER,
  file_min INTEGER, file_max INTEGER, shmem_min INTEGER, shmem_max INTEGER,
  kernel_min INTEGER, kernel_max INTEGER, limit_min INTEGER, limit_max INTEGER
);

CREATE TABLE shm_samples (
  at_ns INTEGER NOT NULL, id INTEGER NOT NULL, -- shm_mounts.id
  used INTEGER, "limit" INTEGER, inodes INTEGER,
  used_min INTEGER, used_max INTEGER, limit_min INTEGER, limit_max INTEGER,
  inodes_min INTEGER, inodes_max INTEGER,
  PRIMARY KEY (at_ns, id)
) WITHOUT ROWID;

-- For people. Sizes in MiB, times in seconds since the watch began.
CREATE VIEW peaks AS
  SELECT pid, coalesce(comm, '?') AS comm, round(rss_peak / 1048576.0, 1) AS rss_peak_mib,
    round(max(peak_ns, 0) / 1e9, 3) AS at_s,
    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_anon / 1048576.0, 1) END AS anon_mib,
    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_file / 1048576.0, 1) END AS file_mib,
    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_shmem / 1048576.0, 1) END AS shmem_mib,
    CASE WHEN flags & 16 THEN NULL ELSE round(at_peak_swap / 1048576.0, 1) END AS swap_mib,
    round(rss_last / 1048576.0, 1) AS rss_last_mib,
    round(max(watched_ns, 0) / 1e9, 3) AS start_s, round(end_ns / 1e9, 3) AS end_s, cmdline
  FROM processes WHERE reading_ns IS NOT NULL AND NOT flags & 1
  ORDER BY rss_peak DESC, pid;

CREATE VIEW timeline AS
  SELECT round(at_ns / 1e9, 3) AS at_s, round(rss / 1048576.0, 1) AS rss_mib,
    round(coalesce(rss_max, rss) / 1048576.0, 1) AS rss_max_mib,
    round(anon / 1048576.0, 1) AS anon_mib, round(file / 1048576.0, 1) AS file_mib,
    round(shmem / 1048576.0, 1) AS shmem_mib, round(swap / 1048576.0, 1) AS swap_mib,
    round(footprint / 1048576.0, 1) AS footprint_mib, processes
  FROM tree_samples ORDER BY at_ns;

CREATE VIEW process_timeline AS
  SELECT round(s.at_ns / 1e9, 3) AS at_s, p.pid, coalesce(p.comm, '?') AS comm,
    round(s.rss / 1048576.0, 1) AS rss_mib,
    round(coalesce(s.rss_max, s.rss) / 1048576.0, 1) AS rss_max_mib,
    round(s.anon / 1048576.0, 1) AS anon_mib, round(s.file / 1048576.0, 1) AS file_mib,
    round(s.shmem / 1048576.0, 1) AS shmem_mib, round(s.swap / 1048576.0, 1) AS swap_mib
  FROM process_samples s JOIN processes p ON p.id = s.id ORDER BY s.at_ns, p.pid;

CREATE VIEW available AS
  SELECT round(at_ns / 1e9, 3) AS at_s, round(available / 1048576.0, 1) AS available_mib,
    round(coalesce(available_min, available) / 1048576.0, 1) AS available_min_mib
  FROM system_samples ORDER BY at_ns;

CREATE VIEW charged AS
  SELECT round(at_ns / 1e9, 3) AS at_s, round(current / 1048576.0, 1) AS current_mib,
    round(coalesce(current_max, current) / 1048576.0, 1) AS current_max_mib,
    round("limit" / 1048576.0, 1) AS limit_mib
  FROM charge_samples ORDER BY at_ns;

CREATE VIEW shm AS
  SELECT dev >> 20 || ':' || (dev & 1048575) AS device, point AS mount,
    nullif(container, '') AS container, round(nullif(size, 0) / 1048576.0, 1) AS limit_mib,
    round(used / 1048576.0, 1) AS used_mib, round(peak / 1048576.0, 1) AS peak_mib,
    round(max(peak_ns, 0) / 1e9, 3) AS peak_at_s, orphans
  FROM shm_mounts ORDER BY position;

CREATE VIEW shm_timeline AS
  SELECT round(s.at_ns / 1e9, 3) AS at_s, m.point AS mount, nullif(m.container, '') AS container,
    round(s.used / 1048576.0, 1) AS used_mib,
    round(coalesce(s.used_max, s.used) / 1048576.0, 1) AS used_max_mib,
    round(nullif(s."limit", 0) / 1048576.0, 1) AS limit_mib
  FROM shm_samples s JOIN shm_mounts m ON m.id = s.id ORDER BY s.at_ns;

-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- Everything that has a moment, unordered; text is for people. The view `events` of a recording is this,
-- and the reader asks this itself, as the view of a file may be anybody's.
SELECT * FROM (
  SELECT max(watched_ns, 0) AS at_ns, 'start' AS kind, pid, comm, comm_raw, CASE how
    WHEN 1 THEN 'forked by ' || ppid WHEN 2 THEN 'ran already'
    WHEN 3 THEN 'the command' WHEN 4 THEN 'moved into the cgroup' END AS text
  FROM processes
  UNION ALL SELECT at_ns, 'exec', pid, comm, comm_raw,
    'is called ' || comm || ' from now on' FROM execs
  UNION ALL SELECT end_ns, 'exit', pid, comm, comm_raw, CASE
    WHEN wait_status IS NULL THEN 'ended'
    WHEN wait_status & 127 THEN 'killed by signal ' || (wait_status & 127)
    ELSE 'exited with ' || (wait_status >> 8 & 255) END
  FROM processes WHERE end_ns IS NOT NULL
  UNION ALL SELECT at_ns, 'oom', pid, comm, comm_raw, 'killed by the OOM killer, with '
    || round(max(file + anon + shmem, 0) / 1048576.0, 1) || ' MiB of RSS'
    || coalesce(', in cgroup ' || cgroup, '') FROM oom_kills
  UNION ALL SELECT at_ns, 'shm_full', pid, comm, comm_raw, text FROM shm_full
  UNION ALL SELECT at_ns, 'mode', 0, NULL, NULL, text FROM mode_steps
  UNION ALL SELECT at_ns, 'lost', 0, NULL, NULL, lost || ' records were lost' FROM losses
)

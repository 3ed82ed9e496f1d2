#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Recordings (-o FILE): what is in them after an ordinary end, after kill -9 at any moment, on a disk that
# is full; and where they are made.

load helpers

setup() {
	begin
	"$MEMMON" --help | grep -q -- --record
	REC=$BATS_TEST_TMPDIR/run.memmon
}
teardown() {
	finish_all
	umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || :
}

# q SQL: of the recording
q() {
	sqlite3 -readonly "${2:-$REC}" "$1"
}

# whole [FILE]: no page of it is damaged.
whole() {
	same integrity "$(sqlite3 "${1:-$REC}" 'PRAGMA integrity_check')" ok
}

@test "a command: one file, with what the summary says" {
	start_workload w alternate
	hear w start
	watch -p "$w_pid" -o "$REC" --json "$JSON"
	go_on w
	hear w 'done'
	stop_watch
	whole
	same complete "$(q 'SELECT complete FROM run')" 1
	for beside in "$REC"-{wal,shm,journal}; do
		[ ! -e "$beside" ]
	done
	same journal "$(q 'PRAGMA journal_mode')" delete
	same 'its processes' "$(q 'SELECT count(*) FROM processes')" "$(j '.processes | length')"
	same peaks "$(q 'SELECT pid, rss_peak FROM processes ORDER BY pid')" \
		"$(j '[.processes[] | "\(.pid)|\(.rss.peak_bytes)"] | sort_by(split("|")[0] | tonumber) | .[]')"
	same 'peak of the tree' \
		"$(q 'SELECT at_peak_file + at_peak_anon + at_peak_shmem FROM totals')" \
		"$(j .target.peak.rss_bytes)"
	# … and it is in the series, though no look may have seen it
	same 'highest of the series' "$(q 'SELECT max(coalesce(rss_max, rss)) FROM tree_samples')" \
		"$(j .target.peak.rss_bytes)"
	same 'lowest available' "$(q 'SELECT min(coalesce(available_min, available)) FROM system_samples')" \
		"$(j .system.available.min_bytes)"
	q 'SELECT * FROM peaks' | grep -q alternate
}

@test "it can be read while it is written" {
	start_workload w idle 5
	hear w ready
	watch -p "$w_pid" -i 0.05 -o "$REC"
	until_true test "$(q 'SELECT duration_ns > 500000000 FROM run')" = 1 ||
		until_true grows
	whole
	same complete "$(q 'SELECT complete FROM run')" 0
	same pid "$(q 'SELECT pid FROM processes')" "$w_pid"
	stop_watch
	same complete "$(q 'SELECT complete FROM run')" 1
	same 'how it ended' "$(q 'SELECT ended_by FROM run')" interrupted
}
grows() {
	[ "$(q 'SELECT duration_ns > 500000000 FROM run')" = 1 ]
}

# missing CSV: how many rows of the timeline that were older than a second the recording does not have.
missing() {
	sqlite3 "$REC" <<-EOF2
		.mode csv
		.import $1 csv
		CREATE TEMP TABLE old AS SELECT kind, pid, CAST(round(time_s * 1e9) AS INTEGER) AS at, CAST(rss AS INTEGER) AS rss
			FROM csv WHERE rss <> '' AND time_s + 0 < (SELECT max(time_s + 0) - 1.0 FROM csv);
		.mode list
		SELECT (SELECT count(*) FROM old WHERE kind = 'tree') || ' ' ||
			(SELECT count(*) FROM old WHERE kind = 'tree' AND rss IS NOT (SELECT rss FROM tree_samples
				WHERE at_ns <= old.at + 500 ORDER BY at_ns DESC LIMIT 1)) || ' ' ||
			(SELECT count(*) FROM old WHERE kind = 'process' AND rss IS NOT (SELECT s.rss FROM process_samples s
				JOIN processes p ON p.id = s.id AND p.pid = old.pid
				WHERE s.at_ns <= old.at + 500 ORDER BY s.at_ns DESC LIMIT 1)) || ' ' ||
			(SELECT count(*) FROM run WHERE duration_ns < (SELECT max(at) FROM old) - 500);
	EOF2
}

# killed N OLD: a watch with a recording of its own, killed at some moment. With OLD=1 something is old enough
# to be there for certain. Run beside others of its kind, so whatever is wrong must be its status.
killed() {
	local rows tree processes late OUT=$PWD/$1.out ERR=$PWD/$1.err
	REC=$PWD/$1.memmon
	TIMELINE=$PWD/$1.csv
	rm -f "$REC" "$TIMELINE"
	# shellcheck disable=SC2154 # watch() sets it
	trap 'kill -KILL "$watch_pid" 2>/dev/null || :' EXIT
	watch -p "$w_pid" -i 0.05 -o "$REC" --csv "$TIMELINE" || return
	[ "$2" -eq 0 ] || until_true told_after_a_second || return
	sleep "$(printf '0.%03d' $((RANDOM % 1000)))"
	kill -KILL "$watch_pid"
	wait "$watch_pid" || :
	# the row under way may be cut off
	sed -i '$!b; /\n/!d' "$TIMELINE"
	whole || return
	same complete "$(q 'SELECT complete FROM run')" 0 || return
	read -r rows tree processes late < <(missing "$TIMELINE")
	echo "$rows rows; missing: $tree of the tree, $processes of processes; late: $late"
	[ "$tree" -eq 0 ] && [ "$processes" -eq 0 ] && [ "$late" -eq 0 ] || return
	[ "$2" -eq 0 ] || [ "$rows" -gt 0 ]
}
@test "kill -9 at 50 moments: the file is whole, and nothing older than a second is missing" {
	local i k pids failed
	start_workload w storm 6 5
	hear w ready
	go_on w
	hear w storm
	for ((i = 0; i < 50; i += 5)); do
		pids=()
		for k in {0..4}; do
			killed "$k" $(((i + k) % 2)) >"$k.told" 2>&1 3>&- 4>&- &
			pids+=("$!")
		done
		failed=
		for k in {0..4}; do
			wait "${pids[k]}" || failed="$failed $k"
		done
		for k in $failed; do
			echo "round $((i + k)):"
			cat "$k.told"
		done
		[ -z "$failed" ]
	done
}
told_after_a_second() {
	awk -F, 'END { exit !(NR > 1 && $1 > 1.3) }' "$TIMELINE"
}

@test "a full disk ends the recording, not the watch" {
	local rows
	mkdir small
	mount -t tmpfs -o size=4m none small || skip 'tmpfs cannot be mounted'
	start_workload w storm 8 5
	hear w ready
	go_on w
	hear w storm
	watch -p "$w_pid" -i 0.02 -o small/run.memmon --csv timeline.csv --json "$JSON"
	until_true test -s small/run.memmon-wal
	cat /dev/zero >small/rest 2>/dev/null || :
	until_true grep -q 'ends here' "$ERR"
	rows=$(wc -l <timeline.csv)
	until_true more_rows "$rows"
	kill -INT "$watch_pid"
	ended "$watch_pid"
	show
	same status "$status" 1
	same 'one message' "$(cat "$ERR")" \
		'memmon-bpf: cannot write small/run.memmon: No space left on device; the recording ends here, and can be read up to here'
	# the others went on to the end
	grep -q 'Peak RSS' "$OUT"
	same processes "$(j .target.live_processes)" 9
	# and what was committed can be read
	whole small/run.memmon
	same complete "$(q 'SELECT complete FROM run' small/run.memmon)" 0
	within 'rows of the tree' "$(q 'SELECT count(*) FROM tree_samples' small/run.memmon)" 1 100000
}
more_rows() {
	[ "$(wc -l <timeline.csv)" -gt $(($1 + 50)) ]
}

@test "a full disk and a command: 125, and the command's output is its own" {
	mkdir small
	mount -t tmpfs -o size=128k none small || skip 'tmpfs cannot be mounted'
	memmon -i 0.01 -o small/run.memmon --json "$JSON" -- "$WORKLOADS/spike" 32 100
	[ "$status" -eq 125 ]
	grep -q "small/run.memmon.*No space left" "$ERR"
}

@test "a directory that root may only write to by capability" {
	mkdir theirs
	chown 12345:12345 theirs
	chmod 755 theirs
	memmon -o theirs/run.memmon -q -- true
	[ "$status" -eq 0 ]
	same files "$(ls theirs)" run.memmon
	whole theirs/run.memmon
	same complete "$(q 'SELECT complete FROM run' theirs/run.memmon)" 1
	# and nothing more than that is kept
	chown 0:0 theirs
	start_workload w idle 5
	hear w ready
	watch -p "$w_pid" -o theirs/run.memmon
	same 'CAP_DAC_OVERRIDE (2)' \
		$(($(awk '/^CapEff/ { print "0x" $2 }' "/proc/$watch_pid/status") & 2)) 0
	stop_watch
}

@test "where a recording is made: ordinary files only, and no traps" {
	local sticky=$BATS_TEST_TMPDIR/sticky
	echo 'something else' >"$REC"
	# nothing is lost by a name that was mistyped
	memmon -o "$REC" --json "$REC.json" -p 4194304
	same status "$status" 1
	memmon -o "$REC" -g /no/such/cgroup
	same status "$status" 1
	same content "$(cat "$REC")" 'something else'
	[ ! -e "$REC.json" ]
	memmon -o "$REC" -q -- true
	[ "$status" -eq 0 ]
	whole
	# a link of one's own is followed
	ln -s run.memmon link
	memmon -o link -q -- true
	[ "$status" -eq 0 ]
	[ -L link ]
	whole
	refused "$BATS_TEST_TMPDIR" 'it is a directory'
	mkfifo fifo
	refused fifo 'no ordinary file'
	refused /dev/null 'no ordinary file'
	refused none/run.memmon 'No such file or directory'
	memmon -o - -- touch ran
	same status "$status" 2
	grep -q 'cannot be written to standard output' "$ERR"
	mkdir "$sticky"
	chmod 1777 "$sticky"
	ln -s "$REC" "$sticky/link"
	refused "$sticky/link" 'symbolic link'
	touch "$sticky/theirs"
	chown 12345 "$sticky/theirs"
	refused "$sticky/theirs" 'belongs to another user'
	ln -s "$BATS_TEST_TMPDIR/ran" "$sticky/run.memmon-wal"
	refused "$sticky/run.memmon" '-wal'
	rm "$sticky/run.memmon-wal"
	chmod 0777 "$sticky"
	refused "$sticky/run.memmon" 'everybody can rename'
	[ ! -e ran ]
}
# refused FILE WHY: nothing was run
refused() {
	memmon -o "$1" -- touch ran
	same status "$status" 125
	grep -q -- "cannot record to.*$2" "$ERR"
	[ ! -e ran ]
}

@test "two recordings to one file: the second is refused" {
	start_workload w idle 5
	hear w ready
	watch -p "$w_pid" -o "$REC"
	memmon -o "$REC" -- true
	same status "$status" 125
	grep -q "process $watch_pid has it open" "$ERR"
	stop_watch
	whole
	same complete "$(q 'SELECT complete FROM run')" 1
}

@test "who hit the wall of a /dev/shm is in the recording" {
	# shellcheck disable=SC2016 # for the shell that is started
	memmon -o "$REC" --json "$JSON" -- unshare -m sh -c 'mount -t tmpfs -o size=1m shm /dev/shm
		dd if=/dev/zero of=/dev/shm/large bs=1M count=3 2>/dev/null; true'
	[ "$status" -eq 0 ]
	whole
	within failures "$(j '[.shm[].full[]] | length')" 1 10
	same 'in the recording' "$(q 'SELECT pid, wanted, name, error FROM shm_full ORDER BY number')" \
		"$(j '.shm[].full[] | "\(.pid)|\(.wanted_bytes)|\(.file)|\(.errno)"')"
	q "SELECT text FROM events WHERE kind = 'shm_full'" | grep -q 'hit the wall of'
	same 'highest of the series' "$(q 'SELECT max(coalesce(used_max, used)) FROM shm_samples')" \
		"$(j '[.shm[].peak_bytes] | max')"
}

@test "churn: thousands of short processes stay small" {
	# shellcheck disable=SC2016 # for the shell that is started
	memmon -o "$REC" -q -- sh -c 'i=0; while [ $i -lt 3000 ]; do /bin/true; i=$((i+1)); done'
	[ "$status" -eq 0 ]
	whole
	same 'processes seen' "$(q 'SELECT processes FROM totals')" 3001
	within 'processes kept' "$(q 'SELECT count(*) FROM processes')" 900 1100
	within size "$(stat -c %s "$REC")" 1 2000000
}

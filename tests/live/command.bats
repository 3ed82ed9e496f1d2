#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# memmon-bpf -- COMMAND: whose exit status, whose output, and what the summary says of a command.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
}

@test "true: status 0, one process, a peak above 0" {
	memmon --json "$JSON" -- true
	[ "$status" -eq 0 ]
	[ ! -s "$OUT" ]
	same schema "$(j .schema)" memmon-bpf/summary/1
	same command "$(j '.command | join(" ")')" true
	same exit "$(j .exit.code)" 0
	same processes "$(j .target.processes)" 1
	same 'at most' "$(j .target.peak_processes)" 1
	same 'in the list' "$(j '.processes | length')" 1
	same comm "$(j '.processes[0].comm')" true
	same 'exit of the process' "$(j '.processes[0].exit.code')" 0
	same 'most threads' "$(j '.processes[0].threads_peak')" 1
	within 'peak of the tree' "$(j .target.peak.rss_bytes)" 100000 $((20 * MIB))
	within 'peak of the process' "$(j '.processes[0].rss.peak_bytes')" 100000 $((20 * MIB))
	same lost "$(j .overhead.lost_records)" 0
	within 'our own RSS' "$(j .overhead.tool_rss_bytes)" 100000 $((10 * MIB))
}

@test "the command's own status, after a second of running" {
	memmon --json "$JSON" -- sh -c 'sleep 1; exit 7'
	[ "$status" -eq 7 ]
	same exit "$(j .exit.code)" 7
	same signal "$(j .exit.signal)" null
	jq -e '.duration_s >= 1' "$JSON"
}

@test "the first figures of a command are those at its exec" {
	memmon --json "$JSON" -- "$WORKLOADS/idle" 200
	[ "$status" -eq 0 ]
	within 'first of the process' "$(j '.processes[0].rss.first_bytes')" 0 "$MIB"
	within 'first of the tree' "$(j .target.first.rss_bytes)" 0 "$MIB"
	within start "$(j '.processes[0].start_s * 1000 | floor')" 0 100
}

@test "killed by SIGKILL: 137" {
	memmon --json "$JSON" -- sh -c 'kill -KILL $$'
	[ "$status" -eq 137 ]
	same signal "$(j .exit.signal)" 9
	same code "$(j .exit.code)" null
	same 'signal of the process' "$(j '.processes[0].exit.signal')" 9
}

@test "killed by SIGSEGV: 139" {
	memmon -- sh -c 'kill -SEGV $$'
	[ "$status" -eq 139 ]
}

@test "not found: 127, and a message" {
	memmon -- /no/such/program
	[ "$status" -eq 127 ]
	grep -q "'/no/such/program': No such file or directory" "$ERR"
}

@test "not executable: 126, and a message" {
	touch plain
	memmon -- ./plain
	[ "$status" -eq 126 ]
	grep -q "'./plain': Permission denied" "$ERR"
	memmon -- "$BATS_TEST_TMPDIR"
	[ "$status" -eq 126 ]
}

@test "standard output belongs to the command" {
	memmon -- echo hello
	[ "$status" -eq 0 ]
	[ "$(cat "$OUT")" = hello ]
	grep -q 'Peak RSS' "$ERR"
}

@test "--json - is a JSON document and nothing else" {
	memmon --json - -- true
	[ "$status" -eq 0 ]
	jq -e '.target.processes == 1' "$OUT"
	grep -q 'Peak RSS' "$ERR"
}

@test "-q prints nothing" {
	memmon -q -- true
	[ "$status" -eq 0 ]
	[ ! -s "$OUT" ]
	[ ! -s "$ERR" ]
}

@test "no lines with a command unless --lines" {
	memmon -i 0.05 -- sleep 0.3
	run ! grep '^#' "$ERR"
	memmon -i 0.05 --lines -- sleep 0.3
	grep -c '^ *[0-9]' "$ERR"
	has_line "$ERR"
	grep -q '^# memory in MiB' "$ERR"
	[ ! -s "$OUT" ]
}

@test "standard input is the command's" {
	status=0
	echo hello | timeout "$LIMIT" "$MEMMON" -q -- cat >"$OUT" || status=$?
	[ "$status" -eq 0 ]
	[ "$(cat "$OUT")" = hello ]
}

@test "no descriptor of ours is left open in the command" {
	timeout "$LIMIT" ls /proc/self/fd </dev/null >expected 2>"$ERR" 3>&- 4>&-
	memmon -q --json "$JSON" --csv timeline.csv -- ls /proc/self/fd
	[ "$status" -eq 0 ]
	diff expected "$OUT"
}

@test "no signal is left blocked or ignored in the command" {
	# some ancestors ignore the two signals that libc keeps for itself, and env cannot reset those
	env --default-signal timeout "$LIMIT" grep -E '^Sig(Blk|Ign)' /proc/self/status >expected
	env --default-signal timeout "$LIMIT" "$MEMMON" -q -- grep -E '^Sig(Blk|Ign)' /proc/self/status >"$OUT"
	cat "$OUT"
	diff expected "$OUT"
	same blocked "$(awk '/SigBlk/ { print $2 }' "$OUT")" 0000000000000000
}

@test "no privilege is taken from the command" {
	grep -E '^(Cap|NoNewPrivs)' /proc/self/status >expected
	memmon -q -- grep -E '^(Cap|NoNewPrivs)' /proc/self/status
	diff expected "$OUT"
}

@test "--fail-if: 3 when it held, 0 when not, the command's own status first" {
	memmon --fail-if 'peak.rss>1KiB' -- true
	[ "$status" -eq 3 ]
	grep -q 'peak.rss>1KiB' "$ERR"
	memmon --fail-if 'peak.rss>100GiB' -- true
	[ "$status" -eq 0 ]
	memmon --fail-if 'peak.rss>100GiB || system.available>1KiB' -- true
	[ "$status" -eq 3 ]
	memmon --fail-if 'peak.rss>1KiB && system.available<1KiB' -- true
	[ "$status" -eq 0 ]
	memmon --fail-if 'peak.rss>1KiB' -- false
	[ "$status" -eq 1 ]
}

@test "-d ends the watch and still waits for the command and gives its status" {
	memmon -d 0.2 --json "$JSON" -- sh -c 'sleep 0.6; exit 9'
	[ "$status" -eq 9 ]
	jq -e '.duration_s < 0.6' "$JSON"
	same exit "$(j .exit)" null
}

@test "a command that leaves a child behind: the watch ends with the command" {
	memmon --json "$JSON" -- sh -c 'sleep 30 >/dev/null 2>&1 & echo $!'
	[ "$status" -eq 0 ]
	STARTED+=("$(cat "$OUT")")
	kill -0 "$(cat "$OUT")"
	same processes "$(j .target.processes)" 2
	same 'its end' "$(figure "$(cat "$OUT")" '.end_s | tostring')" null
}

@test "the timeline as CSV: a header and whole rows" {
	memmon -i 0.02 --csv timeline.csv -- "$WORKLOADS/spike" 16 40
	[ "$status" -eq 0 ]
	head -n 3 timeline.csv
	# every row has as many fields as the header
	same 'widths of the rows' "$(awk -F, '{ print NF }' timeline.csv | sort -u | wc -l)" 1
	grep -q ',tree,' timeline.csv
	grep -q ',process,.*,spike,' timeline.csv
}

@test "--from-zero and --unit" {
	start_workload w idle 20
	hear w ready
	watch -p "$w_pid" --from-zero --unit KiB
	stop_watch
	grep -q '^# memory in KiB from zero' "$OUT"
	# the RSS of a process that does nothing, from zero
	awk '/^ *[0-9]/ && $2 + 0 != 0 { bad = 1 } END { exit bad }' "$OUT"
}

@test "mmap, munmap and brk volumes: null, or counted with --vma" {
	memmon --json "$JSON" --vma -- "$WORKLOADS/spike" 16 8
	[ "$status" -eq 0 ]
	within 'mmap bytes' "$(j .target.mmap.bytes)" $((8 * 16 * MIB)) $((8 * 16 * MIB + 40 * MIB))
	within 'mmap calls' "$(j .target.mmap.calls)" 8 60
	within 'munmap bytes' "$(j .target.munmap.bytes)" $((8 * 16 * MIB)) $((8 * 16 * MIB + 40 * MIB))
	within 'munmap calls' "$(j .target.munmap.calls)" 8 60
	memmon --json "$JSON" -- "$WORKLOADS/spike" 16 8
	if [ "$(j '.kernel.features.volumes.state')" = off ]; then
		same 'mmap bytes' "$(j .target.mmap.bytes)" null
		same 'brk calls' "$(j .target.brk.calls)" null
	else
		within 'mmap bytes' "$(j .target.mmap.bytes)" $((8 * 16 * MIB)) $((8 * 16 * MIB + 40 * MIB))
	fi
}

@test "faults are the kernel's own" {
	memmon --json "$JSON" -- "$WORKLOADS/idle" 40
	[ "$status" -eq 0 ]
	# a fault per touched page, and those of the program's start; with huge pages there are fewer
	within 'minor faults' "$(j .target.faults.minor)" $((40 * MIB / PAGE)) $((40 * MIB / PAGE + 500))
}

@test "--max-processes cuts the list, not the count" {
	memmon --json "$JSON" --max-processes 3 -- sh -c 'for i in 1 2 3 4 5 6; do /bin/true; done'
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 7
	same listed "$(j '.processes | length')" 3
	same omitted "$(j .processes_omitted)" 4
}

# blinded OPTION… -- SCRIPT: runs the script while its watcher is stopped, so that what is handed over
# to user space overflows for certain.
blinded() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	status=0
	# timeout is the parent of memmon-bpf and of nobody else
	timeout -k 5 "$LIMIT" "$MEMMON" "${options[@]}" --json "$JSON" -- \
		sh -c "kill -STOP \$PPID; $2; kill -CONT \$PPID" </dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- || status=$?
	show
}

@test "lost records are counted, shown, and change the status under --strict only" {
	# each MiB up or down is a record of 64 bytes in a ring of 1 MiB
	blinded --strict -- "'$WORKLOADS/spike' 192 100 huge"
	[ "$status" -eq 4 ]
	within lost "$(j .overhead.lost_records)" 1 1000000
	grep -q LOST "$ERR"
	# no figure depends on them
	same processes "$(j .target.processes)" 2
	within anon "$(j '.processes[] | select(.comm == "spike") | .peak.anon_bytes')" $((192 * MIB)) $((193 * MIB))
	blinded -- "'$WORKLOADS/spike' 192 100 huge"
	[ "$status" -eq 0 ]
	within lost "$(j .overhead.lost_records)" 1 1000000
}

@test "more processes than there is room for: counted all the same, and said" {
	# shellcheck disable=SC2016
	local script='i=0; while [ $i -lt 5000 ]; do /bin/true; i=$((i+1)); done'
	blinded --strict -- "$script"
	[ "$status" -eq 4 ]
	same processes "$(j .target.processes)" 5001
	within untracked "$(j .target.untracked_processes)" 1 5000
	grep -q 'processes are without figures' "$ERR"
	same "listed and left out" $(($(j ".processes | length") + $(j .processes_omitted))) 5001
}

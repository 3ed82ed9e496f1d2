#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What happens to processes while they are watched: thousands of short ones, exec, vfork, pids that are
# used again, other users' and other namespaces' programs, memory that somebody else changes, OOM.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
	[ -z "${dir:-}" ] || rm -rf "$dir" 2>/dev/null || rmdir "$dir" 2>/dev/null || :
}

@test "10,000 times /bin/true under one shell: 10,001 processes, none lost, our RSS flat" {
	local samples child
	# shellcheck disable=SC2016
	start w "$MEMMON" --json "$JSON" -i 0.1 -q -- \
		sh -c 'i=0; while [ $i -lt 10000 ]; do /bin/true; i=$((i+1)); done'
	until_true has_child "$w_pid"
	until_true runs "$child" sh
	# while the command runs; what set-up and summary take is another matter
	while ! has_state "$child" Z-; do
		statm_bytes "$w_pid" >>rss
		sleep 0.1
	done
	ended "$w_pid"
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 10001
	same untracked "$(j .target.untracked_processes)" 0
	same lost "$(j .overhead.lost_records)" 0
	same listed "$(j '.processes | length')" 1000
	same omitted "$(j .processes_omitted)" 9001
	within 'our RSS at the end' "$(j .overhead.tool_rss_bytes)" 100000 $((10 * MIB))
	samples=$(grep -cv '^0$' rss)
	within samples "$samples" 10 100000
	# flat: from a fifth of the run on, when 1,000 processes are listed, to its end
	awk -v from=$((samples / 5 + 1)) -v mib="$MIB" '
		$1 == 0 { next }
		{ n++; if ($1 > max) max = $1 }
		n == from { first = $1 }
		{ last = $1 }
		END {
			printf "our RSS: %.0f at a fifth, %.0f at the end, %.0f at most\n", first, last, max
			exit !(max < 10 * mib && last - first < mib)
		}' rss
}

has_child() {
	child=$(child_of "$1")
	[ -n "$child" ]
}

runs() {
	grep -qx "$2" "/proc/$1/comm"
}

@test "after thousands of processes, two at a time, the tree holds what its shell holds" {
	# shellcheck disable=SC2016
	start w sh -c '
		loop() {
			i=0
			while [ $i -lt 1000 ]; do
				/bin/true
				i=$((i + 1))
			done
		}
		echo ready
		read line
		loop & loop & loop & loop
		wait
		echo over
		read line'
	hear w ready
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w over
	stop_watch
	same processes "$(j .target.processes)" 4004
	same lost "$(j .overhead.lost_records)" 0
	same live "$(j .target.live_processes)" 1
	as_proc "$w_pid" last
	same 'rss of the tree' "$(j .target.last.rss_bytes)" "$(statm_bytes "$w_pid")"
	same 'anon of the tree' "$(j .target.last.anon_bytes)" "$(status_bytes "$w_pid" RssAnon)"
	same 'file of the tree' "$(j .target.last.file_bytes)" "$(status_bytes "$w_pid" RssFile)"
}

@test "exec of another program: the same process, its old peak kept, its new figures right" {
	start_workload w execs 60 "$WORKLOADS/idle" 4
	hear w start
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w grown
	go_on w
	hear w ready # the new program
	stop_watch
	same processes "$(j .target.processes)" 1
	same comm "$(figure "$w_pid" .comm)" idle
	same cmdline "$(figure "$w_pid" .cmdline)" "$WORKLOADS/idle 4"
	as_proc "$w_pid" last
	within 'anon at the peak' "$(figure "$w_pid" .at_peak.anon_bytes)" $((60 * MIB)) $((61 * MIB))
	within 'last anon' "$(figure "$w_pid" .last.anon_bytes)" $((4 * MIB)) $((5 * MIB))
	same 'last of the tree' "$(j .target.last.rss_bytes)" "$(statm_bytes "$w_pid")"
	within 'peak of the tree' "$(j .target.peak.anon_bytes)" $((60 * MIB)) $((61 * MIB))
}

@test "exec by a thread that is not the leader" {
	start_workload w execs -t 60 "$WORKLOADS/idle" 4
	hear w start
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w grown
	go_on w
	hear w ready
	stop_watch
	same processes "$(j .target.processes)" 1
	same comm "$(figure "$w_pid" .comm)" idle
	as_proc "$w_pid" last
	within 'anon at the peak' "$(figure "$w_pid" .at_peak.anon_bytes)" $((60 * MIB)) $((61 * MIB))
	same ended "$(figure "$w_pid" '.end_s | tostring')" null
}

@test "exec under a command, to the end" {
	memmon --json "$JSON" -- "$WORKLOADS/execs" 60 "$WORKLOADS/spike" 20 1
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 1
	within 'anon at the peak' "$(j '.processes[0].at_peak.anon_bytes')" $((60 * MIB)) $((61 * MIB))
}

@test "vfork: a child that borrows its parent's memory counts it once" {
	memmon --json "$JSON" -- "$WORKLOADS/vforks" 64 20
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 21
	same 'at most' "$(j .target.peak_processes)" 2
	# 64 MiB in the parent, and one child that has executed a program of its own
	within 'peak of the tree' "$(j .target.peak.rss_bytes)" $((64 * MIB)) $((72 * MIB))
	within 'pages that children wrote' "$(j '[.processes[] | select(.comm == "vforks")] | .[0].peak.anon_bytes')" \
		$((64 * MIB + 20 * PAGE)) $((65 * MIB))
	same 'children that became true' "$(j '[.processes[] | select(.comm == "true")] | length')" 20
	within 'peak of the largest child' \
		"$(j '[.processes[] | select(.comm == "true") | .rss.peak_bytes] | max')" 100000 $((5 * MIB))
}

@test "a pid that is used again is another process" {
	local pid
	start_workload w pidreuse 40 10
	hear w start
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w first
	pid=${HEARD[1]}
	go_on w
	hear w second || skip "this kernel gives no pid away twice: ${HEARD[*]}"
	same pid "${HEARD[1]}" "$pid"
	stop_watch
	same processes "$(j .target.processes)" 3
	jq -c --argjson pid "$pid" '[.processes[] | select(.pid == $pid) | {start_s, end_s, peak}] | sort_by(.start_s)' "$JSON" >both
	cat both
	same entries "$(jq length both)" 2
	within 'first peak' "$(jq '.[0].peak.anon_bytes' both)" $((40 * MIB)) $((41 * MIB))
	within 'second peak' "$(jq '.[1].peak.anon_bytes' both)" $((10 * MIB)) $((11 * MIB))
	jq -e '.[0].end_s != null and .[1].end_s == null and .[0].end_s <= .[1].start_s' both
}

@test "the watch of a pid is not the watch of who gets it next" {
	local pid
	start_workload w pidreuse 40 90
	hear w start
	go_on w
	hear w first
	pid=${HEARD[1]}
	watch -p "$pid" --json "$JSON"
	kill -STOP "$watch_pid" # it notices nothing until the pid is used again
	until_true has_state "$watch_pid" T
	go_on w
	hear w second || skip "this kernel gives no pid away twice: ${HEARD[*]}"
	kill -CONT "$watch_pid"
	ended "$watch_pid"
	show
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 1
	within peak "$(figure "$pid" .peak.anon_bytes)" $((40 * MIB)) $((41 * MIB))
	same ended "$(figure "$pid" '.end_s != null')" true
}

@test "a setuid program, started by a user without privileges" {
	local pid
	# a directory that nobody can enter
	dir=$(mktemp -d "${TMPDIR:-/tmp}/memmon-test.XXXXXX")
	chmod 755 "$dir"
	if findmnt -no OPTIONS -T "$dir" | grep -qw nosuid; then
		skip "$dir is mounted nosuid"
	fi
	cp "$WORKLOADS/idle" "$dir/suid"
	chown 12345 "$dir/suid"
	chmod 4755 "$dir/suid"
	start w "$MEMMON" --json "$JSON" -q -- \
		setpriv --reuid=nobody --regid=nogroup --clear-groups "$dir/suid" 30
	hear w ready
	pid=$(child_of "$w_pid")
	same uids "$(awk '/^Uid:/ { print $2, $3 }' "/proc/$pid/status")" "$(id -u nobody) 12345"
	go_on w
	hear w awake
	go_on w
	ended "$w_pid"
	same status "$status" 0
	same processes "$(j .target.processes)" 1
	same comm "$(figure "$pid" .comm)" suid
	within anon "$(figure "$pid" .peak.anon_bytes)" $((30 * MIB)) $((31 * MIB))
}

@test "a process inside a pid namespace, watched from outside" {
	local inside
	start w unshare -p -f --mount-proc --kill-child "$WORKLOADS/idle" 22
	hear w ready
	inside=$(child_of "$w_pid")
	watch -p "$w_pid" --json "$JSON"
	stop_watch
	same processes "$(j .target.processes)" 2
	as_proc "$inside" last
	watch -p "$inside" --json "$JSON"
	stop_watch
	as_proc "$inside" first
}

@test "a pid namespace that the command makes" {
	memmon --json "$JSON" -- unshare -p -f "$WORKLOADS/forks" 30000000 3
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 5
	within 'largest peak' "$(j '[.processes[].rss.peak_bytes] | max')" 30000000 35000000
	same 'pids are known' "$(j '[.processes[] | select(.pid > 0)] | length')" 5
}

@test "memmon-bpf itself inside a pid namespace" {
	status=0
	timeout "$LIMIT" unshare -p -f --mount-proc --kill-child "$MEMMON" --json "$JSON" -- \
		"$WORKLOADS/spike" 40 2 </dev/null >"$OUT" 2>"$ERR" || status=$?
	show
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 1
	same pid "$(j '.processes[0].pid')" "$(j '.processes[0].pid | if . < 50 then . else "small" end')"
	within anon "$(j '.processes[0].peak.anon_bytes')" $((40 * MIB)) $((41 * MIB))
	# by the pid that this namespace knows
	status=0
	# shellcheck disable=SC2016
	timeout "$LIMIT" unshare -p -f --mount-proc --kill-child sh -c '
		sleep 60 &
		"$0" -p $! -d 0.2 -q --json "$1"
		echo $!' "$MEMMON" "$JSON" >"$OUT" 2>"$ERR" || status=$?
	show
	[ "$status" -eq 0 ]
	same pid "$(j '.processes[0].pid')" "$(cat "$OUT")"
	same comm "$(j '.processes[0].comm')" sleep
}

@test "memory that another process writes is booked on its owner" {
	local child first
	start_workload w remote 32
	hear w ready
	child=${HEARD[2]}
	first=$(statm_bytes "$child")
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w written
	stop_watch
	same processes "$(j .target.processes)" 2
	same first "$(figure "$child" .rss.first_bytes)" "$first"
	as_proc "$child" last
	as_proc "$w_pid" last
	within 'gain of the owner' $(($(figure "$child" .last.anon_bytes) - $(figure "$child" .first.anon_bytes))) \
		$((32 * MIB)) $((32 * MIB + 8 * PAGE))
	within 'gain of the writer' $(($(figure "$w_pid" .last.anon_bytes) - $(figure "$w_pid" .first.anon_bytes))) \
		0 $((32 * PAGE))
	same 'its threads never faulted' "$(figure "$child" .faults.minor)" 0
}

@test "memory that another process pages out is booked on its owner" {
	local child
	swap_on || skip "no swap here, and none can be made: $why"
	start_workload w remote 32
	hear w ready
	child=${HEARD[2]}
	watch -p "$child" --no-children --json "$JSON"
	go_on w
	hear w written
	go_on w
	hear w paged_out
	stop_watch
	same processes "$(j .target.processes)" 1
	as_proc "$child" last
	within 'anon at the peak' "$(figure "$child" .at_peak.anon_bytes)" $((32 * MIB)) $((33 * MIB))
	within 'swap at the end' "$(figure "$child" .last.swap_bytes)" $((16 * MIB)) $((33 * MIB))
	same 'swap, its own peak' "$(figure "$child" .peak.swap_bytes)" "$(figure "$child" .last.swap_bytes)"
	same 'swap of the tree' "$(j .target.last.swap_bytes)" "$(figure "$child" .last.swap_bytes)"
	within 'last rss' "$(figure "$child" .rss.last_bytes)" 0 $((18 * MIB))
}

@test "the OOM killer's victim, and how its command ended" {
	local pid
	dir=$(cgroup_make "memmon-test-oom-$$") || skip "no memory cgroup can be made here: $dir"
	cgroup_limit "$dir" $((32 * MIB))
	memmon --json "$JSON" -- "$WORKLOADS/hungry" "$dir" 128
	[ "$status" -eq 137 ]
	pid=$(awk '/^ready/ { print $2 }' "$OUT")
	same kills "$(j '.oom | length')" 1
	same victim "$(j '.oom[0].pid')" "$pid"
	same comm "$(j '.oom[0].comm')" hungry
	within 'held by the victim' "$(j '.oom[0].rss_bytes')" $((28 * MIB)) $((36 * MIB))
	# null where the victim was gone before anybody could look
	[[ $(j '.oom[0].cgroup') == @(null|"/memmon-test-oom-$$") ]]
	same largest "$(j '.oom[0].top[0].pid')" "$pid"
	same signal "$(j .exit.signal)" 9
	within anon "$(figure "$pid" .peak.anon_bytes)" $((28 * MIB)) $((33 * MIB))
	grep -q "OOM kill" "$ERR"
}

@test "-g of a cgroup at its limit: charge, limit, victim" {
	dir=$(cgroup_make "memmon-test-g-$$") || skip "no memory cgroup can be made here: $dir"
	cgroup_limit "$dir" $((32 * MIB))
	start_workload keeps idle 2
	hear keeps ready
	echo "$keeps_pid" >"$dir/cgroup.procs"
	watch -g "$dir" --json "$JSON"
	start_workload w hungry "$dir" 128
	hear w ready
	go_on w
	ended "$w_pid"
	same status "$status" 137
	stop_watch
	same limit "$(j .target.charged.limit_bytes)" $((32 * MIB))
	within 'charged peak' "$(j .target.charged.peak_bytes)" $((31 * MIB)) $((32 * MIB))
	same victim "$(j '.oom[0].pid')" "$w_pid"
	same signal "$(figure "$w_pid" .exit.signal)" 9
	same kept "$(figure "$keeps_pid" '.exit | tostring')" null
}

sleeps() {
	[ "$(state_of "$1")" = S ]
}
@test "attached between vfork and exec: the memory counts once, and is the parent's" {
	local parent child
	start_workload w vforkwait 100
	hear w borrowing
	child=${HEARD[1]} parent=${HEARD[2]}
	watch -p "$parent" --json "$JSON"
	go_on w
	hear w own
	# sleep(1) is loaded, and sleeps
	until_true sleeps "$child"
	stop_watch INT
	within 'peak of the tree' "$(j .target.peak.rss_bytes)" $((100 * MIB)) $((106 * MIB))
	within 'peak of the parent' "$(figure "$parent" .rss.peak_bytes)" $((100 * MIB)) $((105 * MIB))
	within 'peak of the child' "$(j '[.processes[] | select(.comm == "sleep")][0].rss.peak_bytes')" $((MIB / 2)) $((4 * MIB))
}

@test "threads that end together: no faults are lost, 200 of 200" {
	memmon -q --json "$JSON" -- sh -c 'i=0; while [ $i -lt 200 ]; do "$0" 8 1000; i=$((i+1)); done' "$WORKLOADS/endtogether"
	[ "$status" -eq 0 ]
	same processes "$(j '[.processes[] | select(.comm == "endtogether")] | length')" 200
	same 'with all of their faults' \
		"$(j '[.processes[] | select(.comm == "endtogether") | select(.faults.minor >= 8000 and .faults.minor < 8500)] | length')" 200
}

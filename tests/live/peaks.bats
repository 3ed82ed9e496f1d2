#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Peaks of workloads with known totals: short spikes, threads, trees, PSS, charges.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
}

@test "eight rounds of 192 MiB: within 0.6 MiB, and 1 MiB of ru_maxrss, 20 of 20 times" {
	local run anon rss maxrss
	for run in {1..20}; do
		memmon -q --json "$JSON" -- "$WORKLOADS/spike" 192 8 >/dev/null
		[ "$status" -eq 0 ]
		anon=$(j '.processes[0].at_peak.anon_bytes')
		rss=$(j '.processes[0].rss.peak_bytes')
		maxrss=$(($(awk '/maxrss_kib/ { print $2 }' "$OUT") * 1024))
		within "run $run, anon" "$anon" $((192 * MIB)) $((192 * MIB + 6 * MIB / 10))
		within "run $run, rss less ru_maxrss" $((rss - maxrss)) "-$MIB" "$MIB"
		within "run $run, anon's own peak" "$(j '.processes[0].peak.anon_bytes')" "$anon" $((anon + PAGE * 4))
		same "run $run, anon of the tree" "$(j .target.peak.anon_bytes)" "$anon"
		same "run $run, bound" "$(j '.processes[0].rss.error_bytes')" 0
		same "run $run, sum of the kinds" \
			"$(j '.processes[0].at_peak | .anon_bytes + .file_bytes + .shmem_bytes')" "$rss"
	done
}

@test "spikes of huge pages" {
	grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled && skip 'no huge pages here'
	memmon -q --json "$JSON" -- "$WORKLOADS/spike" 192 8 huge
	[ "$status" -eq 0 ]
	within anon "$(j '.processes[0].at_peak.anon_bytes')" $((192 * MIB)) $((192 * MIB + 6 * MIB / 10))
	within 'minor faults' "$(j .target.faults.minor)" 0 $((8 * 192 + 500))
}

@test "a spike of 3 ms, watched once a second, to the page" {
	local base
	start_workload w spike3ms 2
	hear w ready
	watch -i 1 -p "$w_pid" --json "$JSON"
	go_on w
	hear w spike_bytes || skip "this machine is too slow for a spike of 3 ms: ${HEARD[*]}"
	echo "spike: ${HEARD[*]}"
	stop_watch
	base=$((HEARD[1] + HEARD[5]))
	# the page that the workload's stack may have grown by
	within anon "$(figure "$w_pid" .peak.anon_bytes)" "$base" $((base + 2 * PAGE))
	within 'anon of the tree' "$(j .target.kind_peak.anon_bytes)" "$base" $((base + 2 * PAGE))
}

@test "threads: their memory is the process's, and there is one process" {
	start_workload w threads 8 16
	hear w ready
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w touched
	go_on w
	ended "$watch_pid" # with its last process
	show
	[ "$status" -eq 0 ]
	same processes "$(j .target.processes)" 1
	same 'threads at once' "$(j '.processes[0].threads_peak')" 9
	local bound error
	error=$(figure "$w_pid" .rss.error_bytes)
	echo "bound $error"
	bound=$((error + MIB))
	within anon "$(figure "$w_pid" .peak.anon_bytes)" $((128 * MIB - bound)) $((128 * MIB + bound))
}

@test "threads under a command: peak within its bound of ru_maxrss" {
	local peak bound
	memmon --json "$JSON" -- "$WORKLOADS/threads" 8 16
	[ "$status" -eq 0 ]
	peak=$(j '.processes[0].at_peak.anon_bytes')
	bound=$(($(j '.processes[0].rss.error_bytes') + MIB))
	within anon "$peak" $((128 * MIB - bound)) $((128 * MIB + bound))
}

@test "a leader that exits first: watched from the start" {
	start_workload w threads 4 16 leader-exits
	hear w ready
	until_true has_state "$w_pid" Z
	watch -p "$w_pid" --json "$JSON"
	# what /proc says of a living thread; the leader has no memory any more
	local tid=${HEARD[1]} first
	first=$(awk -v page="$PAGE" '{ printf "%.0f\n", $2 * page }' "/proc/$w_pid/task/$tid/statm")
	go_on w
	hear w touched
	go_on w
	ended "$watch_pid"
	show
	[ "$status" -eq 0 ]
	same first "$(figure "$w_pid" .rss.first_bytes)" "$first"
	local bound
	bound=$(($(figure "$w_pid" .rss.error_bytes) + MIB))
	within anon "$(figure "$w_pid" .peak.anon_bytes)" $((64 * MIB - bound)) $((64 * MIB + bound))
	same code "$(figure "$w_pid" .exit.code)" 0
}

@test "a leader that exits first, under a command" {
	memmon --json "$JSON" -- "$WORKLOADS/threads" 4 16 leader-exits
	[ "$status" -eq 0 ]
	local bound
	bound=$(($(j '.processes[0].rss.error_bytes') + MIB))
	same processes "$(j .target.processes)" 1
	within anon "$(j '.processes[0].peak.anon_bytes')" $((64 * MIB - bound)) $((64 * MIB + bound))
	same code "$(j '.processes[0].exit.code')" 0
}

# The parent and its children, from "ready" on: sums over /proc.
sum_of() {
	local what=$1 sum=0 pid
	shift
	for pid in "$@"; do
		sum=$((sum + $(rollup_bytes "$pid" "$what")))
	done
	echo "$sum"
}

@test "a 200 MB array and four children: five processes, RSS and PSS as /proc sums them" {
	local rss pss
	start_workload w forks 200000000 4
	hear w start
	watch -p "$w_pid" --pss --json "$JSON"
	go_on w
	hear w ready
	local pids=("$w_pid" "${HEARD[@]:1}")
	same pids ${#pids[@]} 5
	rss=$(sum_of Rss "${pids[@]}")
	pss=$(sum_of Pss "${pids[@]}")
	stop_watch
	same processes "$(j .target.processes)" 5
	same 'at most' "$(j .target.peak_processes)" 5
	within 'rss at the end' "$(j .target.last.rss_bytes)" $((rss - 5 * MIB)) $((rss + 5 * MIB))
	within 'rss at the peak' "$(j .target.peak.rss_bytes)" $((rss - 5 * MIB)) $((rss + 5 * MIB))
	within footprint "$(j .target.last.footprint_bytes)" $((pss - 5 * MIB)) $((pss + 5 * MIB))
	within 'highest footprint' "$(j .target.peak.footprint_bytes)" $((pss - 5 * MIB)) $((pss + 5 * MIB))
}

@test "four children that ran already are adopted, or not with --no-children" {
	local rss
	start_workload w forks 100000000 4
	hear w start
	go_on w
	hear w ready
	local pids=("$w_pid" "${HEARD[@]:1}")
	rss=$(sum_of Rss "${pids[@]}")
	watch -p "$w_pid" --json "$JSON"
	stop_watch
	same processes "$(j .target.processes)" 5
	same 'rss of the tree' "$(j .target.last.rss_bytes)" "$rss"
	same 'peak of the tree' "$(j .target.peak.rss_bytes)" "$rss"
	same footprint "$(j .target.peak.footprint_bytes)" null
	watch -p "$w_pid" --no-children --json "$JSON"
	stop_watch
	same processes "$(j .target.processes)" 1
	same 'rss of the tree' "$(j .target.last.rss_bytes)" "$(rollup_bytes "$w_pid" Rss)"
}

@test "--no-children: what is forked later is not watched" {
	start_workload w forks 50000000 4
	hear w start
	watch -p "$w_pid" --no-children --json "$JSON"
	go_on w
	hear w ready
	stop_watch
	same processes "$(j .target.processes)" 1
	within 'peak of the tree' "$(j .target.peak.rss_bytes)" 50000000 60000000
}

@test "two pids at once" {
	start_workload a idle 30
	start_workload b idle 50
	hear a ready
	hear b ready
	watch -p "$a_pid,$b_pid" --json "$JSON"
	stop_watch
	same processes "$(j .target.processes)" 2
	same 'rss of the tree' "$(j .target.last.rss_bytes)" \
		$(($(statm_bytes "$a_pid") + $(statm_bytes "$b_pid")))
	as_proc "$a_pid" last
	as_proc "$b_pid" last
}

@test "processes that peak at different times: the peak of the sum, not the sum of the peaks" {
	local bound left right base
	start_workload w alternate
	hear w start
	watch -p "$w_pid" --json "$JSON"
	base=$(status_bytes "$w_pid" RssAnon)
	go_on w
	hear w 'done'
	left=${HEARD[1]} right=${HEARD[2]}
	stop_watch
	same processes "$(j .target.processes)" 3
	within 'left' "$(figure "$left" .peak.anon_bytes)" $((100 * MIB)) $((101 * MIB))
	within 'right' "$(figure "$right" .peak.anon_bytes)" $((60 * MIB)) $((61 * MIB))
	bound=$(j .target.peak.error_bytes)
	within 'bound of the tree' "$bound" 0 $((4 * MIB))
	# 120 MiB in the children, what the workload itself holds in three processes, and the bound
	within 'tree' "$(j .target.peak.anon_bytes)" $((120 * MIB - bound)) $((120 * MIB + 3 * base + MIB + bound))
}

@test "--scope: the charged peak is the cgroup's own" {
	local dir peak
	# the workload's shell reads the figure of the cgroup that it is in
	cat >in-scope <<-'END'
		"$WORKLOADS/spike" 100 3 </dev/null >/dev/null
		sed 's/^/cgroup /' /proc/self/cgroup
		path=$(awk -F: '$2 == "memory" { print $3 }' /proc/self/cgroup)
		if [ -n "$path" ]; then
			file=/sys/fs/cgroup/memory$path/memory.max_usage_in_bytes
		else
			file=/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)/memory.peak
		fi
		echo "dir ${file%/*}"
		echo "peak $(cat "$file")"
	END
	export WORKLOADS
	memmon --scope --json "$JSON" -- bash ./in-scope
	[ "$status" -eq 0 ]
	grep -q 'cgroup .*memmon-bpf' "$OUT"
	peak=$(awk '/^peak/ { print $2 }' "$OUT")
	dir=$(awk '/^dir/ { print $2 }' "$OUT")
	within 'charged peak' "$peak" $((100 * MIB)) $((120 * MIB))
	same 'charged peak' "$(j .target.charged.peak_bytes)" "$peak"
	within 'charged now' "$(j .target.charged.current_bytes)" 0 "$peak"
	same limit "$(j .target.charged.limit_bytes)" null
	[ ! -e "$dir" ] # removed at the end
}

@test "without --scope or -g nothing is said to be charged" {
	memmon --json "$JSON" -- true
	same charged "$(j .target.charged)" null
}

@test "the machine: available memory has a minimum while a command holds much" {
	memmon -i 0.02 --json "$JSON" -- "$WORKLOADS/idle" 400
	[ "$status" -eq 0 ]
	same total "$(j .system.total_bytes)" "$(awk '/^MemTotal/ { printf "%.0f\n", $2 * 1024 }' /proc/meminfo)"
	jq -e '.system | .available.min_bytes <= .available.first_bytes and .available.min_bytes <= .available.last_bytes' "$JSON"
	jq -e '.system | .used_peak_bytes == .total_bytes - .available.min_bytes' "$JSON"
	jq -e '.system | .used_peak_from_zero_bytes == .available.first_bytes - .available.min_bytes' "$JSON"
}

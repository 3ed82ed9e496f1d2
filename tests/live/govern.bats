#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The sample mode and its bound, and the governor that enters and leaves it. A storm of eight processes
# takes several percent of a core from our programs, on any machine.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
}

# VmHWM of a process, in bytes; off by the kernel's own approximation, which is the slack.
hwm() {
	status_bytes "$1" VmHWM
}

# The slack in bytes: three kinds, CPUs, the kernel's batch.
slack() {
	local cpus batch
	cpus=$(getconf _NPROCESSORS_CONF)
	batch=$((2 * $(getconf _NPROCESSORS_ONLN)))
	[ $batch -ge 32 ] || batch=32
	echo $((3 * cpus * (batch - 1) * PAGE))
}

# bounded PID WHAT TRUTH: the peak of the process and its bound hold what was.
bounded() {
	local peak error
	peak=$(figure "$1" .rss.peak_bytes)
	error=$(figure "$1" .rss.error_bytes)
	within "$2: peak $peak, bound $error, truth" "$3" $((peak - error)) $((peak + error))
}

@test "--sample: the peak of a short spike is within its bound of the exact run" {
	local run exact peak error
	memmon -q --json "$JSON" -- "$WORKLOADS/spike" 192 8
	exact=$(j '.processes[0].rss.peak_bytes')
	same 'bound of the exact run' "$(j '.processes[0].rss.error_bytes')" 0
	for run in {1..5}; do
		memmon -q -i 1 --sample --json "$JSON" -- "$WORKLOADS/spike" 192 8
		[ "$status" -eq 0 ]
		peak=$(j '.processes[0].rss.peak_bytes')
		error=$(j '.processes[0].rss.error_bytes')
		same 'events' "$(j .overhead.events)" 0
		within "run $run: bound" "$error" 1 $((2 * $(slack)))
		# two runs of the program differ by some pages of files and stack
		within "run $run: peak less exact" $((peak - exact)) $((-error - 64 * PAGE)) $((error + 64 * PAGE))
		same 'bound of the tree' "$(j .target.peak.error_bytes)" "$error"
		same 'modes' "$(j '.overhead.modes | map(.mode + " " + .why) | join(",")')" 'sample --sample'
	done
}

@test "--sample: what is held is exact, and a peak that ended before the watch is not excluded" {
	start_workload w spike 100 1
	hear w ready
	go_on w
	hear w maxrss_kib
	watch --sample -p "$w_pid" --json "$JSON"
	stop_watch
	as_proc "$w_pid" last
	same 'rss of the tree' "$(j .target.last.rss_bytes)" "$(statm_bytes "$w_pid")"
	bounded "$w_pid" 'the old peak' "$(hwm "$w_pid")"
	within 'the peak is that of the watch' "$(figure "$w_pid" .rss.peak_bytes)" 0 $((8 * MIB))
}

@test "--sample: a mark that somebody reset leaves no bound" {
	start_workload w spike 100 1
	hear w ready
	watch --sample -i 0.05 -p "$w_pid" --json "$JSON"
	go_on w
	hear w maxrss_kib
	until_true has_peak 90
	echo 5 >"/proc/$w_pid/clear_refs"
	watch_lines 3
	stop_watch
	same bound "$(figure "$w_pid" '.rss.error_bytes | tostring')" null
	within peak "$(figure "$w_pid" .rss.peak_bytes)" $((100 * MIB - $(slack))) $((110 * MIB))
}
# has_peak MIB: the newest line's peak
has_peak() {
	awk -v least="$1" '/^ *[0-9]/ { peak = $7 } END { exit !(peak >= least) }' "$OUT"
}
# watch_lines N: waits for so many more
watch_lines() {
	local target=$(($(grep -c '^ *[0-9]' "$OUT") + $1))
	until_true has_lines "$target"
}
has_lines() {
	[ "$(grep -c '^ *[0-9]' "$OUT")" -ge "$1" ]
}

@test "--sample: a program that execs another keeps the peak of both" {
	# shellcheck disable=SC2016 # the shell under test expands it
	memmon -q -i 1 --sample --json "$JSON" -- bash -c \
		'x=$(head -c 60000000 /dev/zero | tr "\0" x); exec "$0" 10 1' "$WORKLOADS/spike"
	[ "$status" -eq 0 ]
	local pid
	pid=$(j '.processes | max_by(.rss.peak_bytes + .rss.error_bytes) | .pid')
	within 'what the shell held is within the bound' \
		"$(figure "$pid" '.rss.peak_bytes + .rss.error_bytes')" 60000000 $((1024 * MIB))
}

# storm_begins [ARG…]: eight children in a storm, and a watch over all of them; CHILDREN are their pids.
storm_begins() {
	start_workload w storm 8 4
	hear w ready
	watch -p "$w_pid" --json "$JSON" "$@"
	go_on w
	hear w storm
	CHILDREN=("${HEARD[@]:1}")
}
told() {
	grep -q "^#! .*$1" "$OUT"
}
# The mode and when it was entered, of the summary.
first_at() {
	j "[.overhead.modes[] | select(.mode == \"$1\")][0].at_s * 1000 | floor"
}

@test "a storm of 8 processes with --budget 0.5: sampled within three seconds, the numbers stay right" {
	local pid began
	storm_begins --budget 0.5 --csv timeline.csv
	began=$(awk '/^ *[0-9]/ { at = $1 * 1000 } END { printf "%d", at }' "$OUT")
	until_true told 'from now on sampled'
	watch_lines 20
	go_on w
	hear w calm
	watch_lines 3
	stop_watch
	within 'sampled after ms' $(($(first_at sample) - began)) 0 4000
	same 'sampled rows' "$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "sampled") at = i }
		NR > 1 && $2 == "tree" { n[$at]++ } END { print (n[0] > 0), (n[1] > 0) }' timeline.csv)" '1 1'
	for pid in "${CHILDREN[@]}"; do
		bounded "$pid" "$pid" "$(hwm "$pid")"
		same "$pid last" "$(figure "$pid" .rss.last_bytes)" "$(rollup_bytes "$pid" Rss)"
	done
	same 'last of the tree' "$(j .target.last.rss_bytes)" "$(sum_of_rss "$w_pid" "${CHILDREN[@]}")"
	same 'bound of the tree' "$(j .target.peak.error_bytes)" null
	jq -e '.overhead.bpf_share_of_core > 0 and .overhead.bpf_runs > 0' "$JSON"
	grep -q 'from now on sampled' "$OUT"
}
sum_of_rss() {
	local sum=0 pid
	for pid in "$@"; do
		sum=$((sum + $(rollup_bytes "$pid" Rss)))
	done
	echo "$sum"
}

@test "when it is calm again every event counts again, and the numbers are right from then on" {
	local pid
	storm_begins --budget 2
	until_true told 'from now on sampled'
	go_on w
	hear w calm
	until_true told 'another try: from now on every event counts'
	watch_lines 1
	stop_watch
	# whoever else is busy on this machine pays too: what was tried may have been given up again
	jq -e '[.overhead.modes[] | .mode + " " + .why] as $modes | ($modes | index("sample over budget"))
		as $at | $modes[$at + 1] | test("^(full|lean) another try")' "$JSON"
	for pid in "${CHILDREN[@]}"; do
		same "$pid last" "$(figure "$pid" .rss.last_bytes)" "$(rollup_bytes "$pid" Rss)"
	done
	# what the tree books by differences is right again, without a storm that would heal it
	same 'last of the tree' "$(j .target.last.rss_bytes)" "$(sum_of_rss "$w_pid" "${CHILDREN[@]}")"
	jq -e '.overhead.mode | .full_s > 0 and .sample_s > 0' "$JSON"
}

@test "--budget 0: every event counts, whatever it costs" {
	storm_begins --budget 0 -i 0.05
	watch_lines 60
	stop_watch
	same modes "$(j '.overhead.modes | map(.mode) | join(",")')" full
	same 'bound of the tree' "$(j '.target.peak.error_bytes | type')" number
	jq -e '.overhead.bpf_share_of_core > 0.005' "$JSON"
}

@test "nothing is left of the statistics, nor of the child that turns them on, whatever ends the watch" {
	local child
	start_workload w idle 10
	hear w ready
	watch -i 0.05 -p "$w_pid"
	child=$(pgrep -P "$watch_pid" -x memmon-stats)
	same 'its one capability' "$(awk '$1 == "CapPrm:" { print $2 }' "/proc/$child/status")" 0000000000200000
	same 'no new privileges' "$(awk '$1 == "NoNewPrivs:" { print $2 }' "/proc/$child/status")" 1
	# its socket, and the statistics while a window is open
	within descriptors "$(find "/proc/$child/fd" -mindepth 1 | wc -l)" 1 2
	kill -KILL "$watch_pid"
	until_true has_state "$child" -
}

@test "without CAP_SYS_ADMIN the hook times itself, and the receipt says so" {
	command -v capsh >/dev/null || skip 'no capsh'
	start_workload w storm 2 1
	hear w ready
	go_on w
	hear w storm
	memmon_as='capsh --drop=cap_sys_admin --'
	status=0
	# shellcheck disable=SC2086
	timeout -k 5 $LIMIT $memmon_as -c "exec '$MEMMON' --lines -d 2 -p $w_pid --budget 0 --json '$JSON'" \
		</dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- || status=$?
	show
	[ "$status" -eq 0 ]
	same 'watched only' "$(j .overhead.watched_only)" true
	jq -e '.overhead.bpf_share_of_core > 0' "$JSON"
}

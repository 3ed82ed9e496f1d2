#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# memmon-bpf -p: figures of processes that run already, equal to /proc's; targets that cannot be
# watched; and that a target is left alone.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
}

@test "a process that does nothing: first, last and peak equal /proc" {
	start_workload w idle 33
	hear w ready
	watch -p "$w_pid" --json "$JSON"
	stop_watch
	as_proc "$w_pid" first
	as_proc "$w_pid" last
	same peak "$(figure "$w_pid" .rss.peak_bytes)" "$(statm_bytes "$w_pid")"
	same 'anon at the peak' "$(figure "$w_pid" .at_peak.anon_bytes)" "$(status_bytes "$w_pid" RssAnon)"
	same bound "$(figure "$w_pid" .rss.error_bytes)" 0
	same 'peak of the tree' "$(j .target.peak.rss_bytes)" "$(statm_bytes "$w_pid")"
	same 'first of the tree' "$(j .target.first.rss_bytes)" "$(statm_bytes "$w_pid")"
	same 'last of the tree' "$(j .target.last.rss_bytes)" "$(statm_bytes "$w_pid")"
	same 'minor faults' "$(figure "$w_pid" .faults.minor)" 0
	same cmdline "$(figure "$w_pid" .cmdline)" "$WORKLOADS/idle 33"
	same ended "$(figure "$w_pid" '.exit | tostring')" null
	same command "$(j .command)" null
}

# stopped_as_proc THREADS: watched while it touches memory of all kinds, then compared.
stopped_as_proc() {
	head -c 3000001 /dev/urandom >mapped
	start_workload w stopped mapped "$1"
	hear w ready
	watch -p "$w_pid" --json "$JSON"
	go_on w
	until_true has_state "$w_pid" T
	same threads "$(awk '/^Threads:/ { print $2 }' "/proc/$w_pid/status")" "$1"
	stop_watch
	as_proc "$w_pid" last
	same 'last of the tree' "$(j .target.last.rss_bytes)" "$(statm_bytes "$w_pid")"
	same 'threads at once' "$(figure "$w_pid" .threads_peak)" "$1"
	within anon "$(status_bytes "$w_pid" RssAnon)" $((5003 * PAGE)) $((6500 * PAGE))
	same shmem "$(status_bytes "$w_pid" RssShmem)" $((1009 * PAGE))
	local bound
	bound=$(figure "$w_pid" .rss.error_bytes)
	# the peak is at least what is held now, and below it with what was given back before
	within 'rss at the peak' "$(figure "$w_pid" .rss.peak_bytes)" \
		$(($(statm_bytes "$w_pid") - bound)) $(($(statm_bytes "$w_pid") + $1 * 777 * PAGE + bound))
	# the same again, attached while it is stopped: nothing faults any more
	watch -p "$w_pid" --json "$JSON"
	stop_watch
	as_proc "$w_pid" first
	as_proc "$w_pid" last
	same peak "$(figure "$w_pid" .rss.peak_bytes)" "$(statm_bytes "$w_pid")"
	same 'still stopped' "$(state_of "$w_pid")" T
}

@test "a stopped process of one thread equals smaps_rollup and statm, to the page" {
	stopped_as_proc 1
	same bound "$(figure "$w_pid" .rss.error_bytes)" 0
}

@test "a stopped process of eight threads equals smaps_rollup and statm, to the page" {
	stopped_as_proc 8
}

@test "memory that is swapped out when we attach" {
	swap_on || skip "no swap here, and none can be made: $why"
	start_workload w remote 32
	hear w ready
	local child=${HEARD[2]}
	go_on w
	hear w written
	go_on w
	hear w paged_out
	watch -p "$child" --no-children --json "$JSON"
	stop_watch
	as_proc "$child" first
	as_proc "$child" last
	within swap "$(figure "$child" .first.swap_bytes)" $((16 * MIB)) $((33 * MIB))
	swap_off
}

# What must not change in a target: everything of /proc/PID/status but what time changes, and SigQ,
# which counts its user's signals.
untouched() {
	grep -vE '^(voluntary|nonvoluntary)_ctxt_switches|^SigQ:' "/proc/$1/status"
	find "/proc/$1/fd" -type l -printf '%f %l\n'
	cat "/proc/$1/maps" "/proc/$1/wchan"
}

@test "attach, detach, attach again: the target is as before" {
	local switches
	start_workload w idle 10
	hear w ready
	until_true has_state "$w_pid" S
	untouched "$w_pid" >before
	grep -E '^(TracerPid|SigPnd|ShdPnd)' before
	switches=$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$w_pid/status")
	for _ in 1 2 3; do
		watch -p "$w_pid" -i 0.02 --json "$JSON"
		untouched "$w_pid" >during
		diff before during
		stop_watch
		as_proc "$w_pid" first
		as_proc "$w_pid" last
		untouched "$w_pid" >after
		diff before after
	done
	same 'context switches' "$(awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$w_pid/status")" "$switches"
	go_on w
	hear w awake
	go_on w
	ended "$w_pid"
	[ "$status" -eq 0 ]
}

@test "the watch ends by itself, with 0, when every process has ended" {
	start_workload a idle 5
	start_workload b idle 6
	hear a ready
	hear b ready
	watch -p "$a_pid,$b_pid" --json "$JSON"
	go_on a
	go_on a
	ended "$a_pid"
	kill -0 "$watch_pid"
	kill -KILL "$b_pid"
	ended "$watch_pid"
	show
	[ "$status" -eq 0 ]
	same 'exit of a' "$(figure "$a_pid" .exit.code)" 0
	same 'signal of b' "$(figure "$b_pid" .exit.signal)" 9
	same 'last of b' "$(figure "$b_pid" '.rss | .last_bytes == .peak_bytes')" true
}

@test "lines and summary on standard output, the summary as JSON beside them" {
	start_workload w idle 5
	hear w ready
	memmon -p "$w_pid" -d 0.5 -i 0.1 --json "$JSON"
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	within lines "$(grep -c '^ *[0-9.]* .*\.[0-9]' "$OUT")" 4 20
	grep -q 'Peak RSS' "$OUT"
	jq -e '.duration_s > 0.4 and .duration_s < 5' "$JSON"
	memmon -p "$w_pid" -d 0.2 --json -
	[ "$status" -eq 0 ]
	jq -e .schema "$OUT"
	has_line "$ERR"
	grep -q 'Peak RSS' "$ERR"
}

@test "several watchers at once see the same" {
	start_workload w idle 12
	hear w ready
	watch -p "$w_pid" --json first.json
	local first=$watch_pid
	OUT=second.out ERR=second.err
	watch -p "$w_pid" --json "$JSON"
	go_on w
	hear w awake
	stop_watch
	watch_pid=$first
	stop_watch
	same peaks "$(j .target.peak.rss_bytes)" "$(j .target.peak.rss_bytes first.json)"
	as_proc "$w_pid" last
}

# ---- targets that cannot be watched -------------------------------------------------------------

# refused WHAT…: status 1, nothing on standard output, and a message that says all of it
refused() {
	local what
	[ "$status" -eq 1 ]
	[ ! -s "$OUT" ]
	for what; do
		grep -q -- "$what" "$ERR"
	done
}

@test "no such pid" {
	memmon -p 99999999
	refused '99999999' 'no such process'
}

@test "one of several pids is missing" {
	start_workload w idle 1
	hear w ready
	memmon -p "$w_pid,99999999"
	refused '99999999' 'no such process'
}

@test "a kernel thread" {
	memmon -p 2
	refused '-p 2' 'kernel thread'
}

@test "a zombie" {
	start_workload w zombie
	hear w ready
	same state "$(state_of "${HEARD[1]}")" Z
	memmon -p "${HEARD[1]}"
	refused "-p ${HEARD[1]}" zombie
}

@test "a pid that has just ended" {
	local pid
	sh -c 'exit 0' &
	pid=$!
	wait "$pid"
	memmon -p "$pid"
	refused "-p $pid" 'no such process'
}

@test "pids that end while we attach: 0 with a summary or 1 with a message, never anything else" {
	local i pid all=' '
	for i in {1..24}; do
		# from nearly at once to beyond the end of the attach
		sleep "0.$(printf %02d $((i * 2)))" 3>&- 4>&- &
		pid=$!
		memmon -p "$pid" --json "$JSON"
		if [ "$status" -eq 0 ]; then
			grep -q 'Peak RSS' "$OUT"
			same processes "$(j .target.processes)" 1
			same code "$(figure "$pid" .exit.code)" 0
		else
			same status "$status" 1
			grep -qE "memmon-bpf: .*(no such process|ended|zombie)" "$ERR"
		fi
		all+="$status "
		wait "$pid"
	done
	echo "statuses:$all"
	[[ $all == *' 0 '* ]]
}

@test "pids that end while we attach, and that nobody reaps: it is said that they ended" {
	local i said=''
	for i in {1..30}; do
		# shellcheck disable=SC2016 # for that shell
		start "parent$i" sh -c 'sleep "$0" & echo child $!; exec sleep 60' "0.$(printf %02d "$i")"
		hear "parent$i" child
		memmon -p "${HEARD[1]}"
		if [ "$status" -ne 0 ]; then
			same status "$status" 1
			grep -qE 'memmon-bpf: .*(it ended before it could be watched|zombie)' "$ERR"
			said+=$(<"$ERR")
		fi
	done
	[[ $said == *'it ended before it could be watched'* ]]
}

@test "a thread's id stands for its process" {
	start_workload w threads 2 4
	hear w ready
	local tid
	for tid in /proc/"$w_pid"/task/*; do
		tid=${tid##*/}
	done
	[ "$tid" != "$w_pid" ]
	watch -p "$tid" --json "$JSON"
	stop_watch
	grep -q "$tid is a thread of $w_pid" "$ERR"
	as_proc "$w_pid" last
}

@test "itself, and the shell that started it" {
	status=0
	# shellcheck disable=SC2016
	timeout "$LIMIT" sh -c 'exec "$0" -p $$ -d 0.3 --json "$1"' "$MEMMON" "$JSON" >"$OUT" 2>"$ERR" || status=$?
	show
	[ "$status" -eq 0 ]
	same processes "$(j '.processes | map(.comm) | sort | join(" ")')" 'memmon-bpf memmon-stats'
	watch -p $$ --no-children --json "$JSON"
	stop_watch
	same comm "$(figure $$ .comm)" bash
}

# The processes that have memory of their own and have not just been started.
with_memory() {
	local dir
	for dir in /proc/[0-9]*; do
		# not the kernel's threads, nor zombies, nor what the kernel hides from root as well
		if head -c 1 "$dir/maps" 2>/dev/null | grep -q .; then
			echo "${dir#/proc/}"
		fi
	done
}

@test "-a: the whole machine, with those that ran before and those that start" {
	start_workload w idle 25
	hear w ready
	with_memory >ran
	watch -a --json "$JSON"
	start_workload later idle 15
	hear later ready
	stop_watch
	as_proc "$w_pid" first
	as_proc "$w_pid" last
	as_proc "$later_pid" last
	figure "$watch_pid" .comm # itself too
	# those that ran before and still do
	comm -12 <(sort ran) <(with_memory | sort) >run_on
	same missing "$(comm -13 <(j '.processes[].pid' | sort) run_on)" ''
}

@test "-g: the members of a cgroup, those that move in, and their charge" {
	local dir
	dir=$(cgroup_make "memmon-test-$$") || skip "no memory cgroup can be made here: $dir"
	start_workload before idle 12
	start_workload joins idle 34
	start_workload stranger idle 56
	hear before ready
	hear joins ready
	hear stranger ready
	echo "$before_pid" >"$dir/cgroup.procs"
	watch -g "$dir" --json "$JSON"
	echo "$joins_pid" >"$dir/cgroup.procs"
	stop_watch
	same processes "$(j .target.processes)" 2
	as_proc "$before_pid" first
	as_proc "$before_pid" last
	as_proc "$joins_pid" last
	jq -e '.target.charged.current_bytes != null' "$JSON"
	finish_all
	rmdir "$dir"
	memmon -g "$dir"
	refused "$dir" 'No such\|no such'
}

#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a watch ends: signals to memmon-bpf, signals of the terminal, kill -9.

load helpers

setup() {
	begin
}
teardown() {
	[ -z "${TMUX_SOCKET:-}" ] || tmux -S "$TMUX_SOCKET" kill-server 2>/dev/null || :
	finish_all
}

# ends_well SIGNAL: the watch of a pid, ended by it
ends_well() {
	start_workload w idle 5
	hear w ready
	watch -p "$w_pid" --json "$JSON" --csv timeline.csv
	stop_watch "$1"
	grep -q 'Peak RSS' "$OUT"
	as_proc "$w_pid" last
	jq -e '.duration_s > 0' "$JSON"
	same 'widths of the rows' "$(awk -F, '{ print NF }' timeline.csv | sort -u | wc -l)" 1
	same 'the target lives on' "$(state_of "$w_pid")" S
}

@test "SIGINT ends the watch, with summary and JSON" {
	ends_well INT
}

@test "SIGTERM ends the watch, with summary and JSON" {
	ends_well TERM
}

@test "SIGHUP ends the watch, with summary and JSON" {
	ends_well HUP
}

@test "the target of a watch that ends goes on and gets no signal" {
	start_workload w signalled
	hear w ready
	watch -p "$w_pid"
	stop_watch INT
	go_on w
	ended "$w_pid"
	same 'SIGINTs of the target' "$status" 0
}

@test "SIGTERM with a command is passed on: its end is the watch's end" {
	start w "$MEMMON" -q --json "$JSON" -- "$WORKLOADS/idle" 5
	hear w ready
	kill -TERM "$w_pid"
	ended "$w_pid"
	same status "$status" 143
	same signal "$(j .exit.signal)" 15
	within peak "$(j .target.peak.rss_bytes)" $((5 * MIB)) $((8 * MIB))
}

@test "a second SIGINT ends the watch at once, though its command goes on" {
	local child
	start w "$MEMMON" -q --json "$JSON" -- "$WORKLOADS/signalled"
	hear w ready
	child=${HEARD[1]}
	STARTED+=("$child")
	kill -INT "$w_pid"
	until_true none_pending "$w_pid" # two at once are one to the kernel
	kill -0 "$w_pid"
	kill -INT "$w_pid"
	ended "$w_pid"
	same status "$status" 130
	kill -0 "$child"
	jq -e .schema "$JSON"
}

none_pending() {
	grep -q '^ShdPnd:.*0000000000000000' "/proc/$1/status"
}

# Everything of ours that the kernel would still run.
@test "kill -9 leaves no program and no link behind" {
	bpf_ids >before
	start_workload w idle 5
	hear w ready
	watch -p "$w_pid"
	bpf_ids >during
	grep -q on_rss_stat during
	kill -KILL "$watch_pid"
	ended "$watch_pid"
	[ "$status" -eq 137 ]
	until_true no_more_than before
	kill -0 "$w_pid"
}

@test "a normal end leaves no program and no link behind, nor does a failure" {
	bpf_ids >before
	memmon -q -- true
	until_true no_more_than before
	memmon -p 2
	memmon -- /no/such/program
	until_true no_more_than before
}

# Programs go in an RCU grace period after their last user.
no_more_than() {
	! comm -13 <(sort "$1") <(bpf_ids | sort) |
		grep -qE ' (on_|adopt_tasks|read_process|set_up|settle|memmon)'
}

@test "kill -9 with --scope: the command lives on, its cgroup can be removed when it ends" {
	local child dir
	start w "$MEMMON" -q --scope -- "$WORKLOADS/idle" 5
	hear w ready
	child=$(child_of "$w_pid")
	STARTED+=("$child")
	dir=$(cgroup_of "$child")
	[[ $dir == *memmon-bpf* ]]
	kill -KILL "$w_pid"
	ended "$w_pid"
	kill -0 "$child"
	kill -KILL "$child"
	until_true has_state "$child" -Z
	until_true rmdir "$dir"
}
cgroup_of() {
	if [ -d /sys/fs/cgroup/memory ]; then
		echo "/sys/fs/cgroup/memory$(awk -F: '$2 == "memory" { print $3 }' "/proc/$1/cgroup")"
	else
		echo "/sys/fs/cgroup$(awk -F: '$1 == 0 { print $3 }' "/proc/$1/cgroup")"
	fi
}

@test "a command on a terminal gets Ctrl-C itself, once, and decides" {
	command -v tmux >/dev/null || skip 'tmux is not installed'
	TMUX_SOCKET=$BATS_TEST_TMPDIR/tmux
	mkfifo go
	tmux -S "$TMUX_SOCKET" -f /dev/null new-session -d -x 100 -y 30 \
		"exec 2>&1; '$MEMMON' --json '$JSON' -- sh -c 'exec \"$WORKLOADS/signalled\" <>go'; echo status \$? >status.tmp; mv status.tmp status; cat" 3>&- 4>&-
	until_true screen_has '^ready'
	tmux -S "$TMUX_SOCKET" send-keys C-c
	until_true screen_has '^.*SIGINT'
	echo >go
	until_true [ -e status ]
	same status "$(cat status)" 'status 5'
	same exit "$(j .exit.code)" 5
	until_true screen_has 'Peak RSS'
}
screen_has() {
	tmux -S "$TMUX_SOCKET" capture-pane -p | grep -q "$1"
}

@test "a command that Ctrl-C ends: 130" {
	command -v tmux >/dev/null || skip 'tmux is not installed'
	TMUX_SOCKET=$BATS_TEST_TMPDIR/tmux
	tmux -S "$TMUX_SOCKET" -f /dev/null new-session -d -x 100 -y 30 \
		"'$MEMMON' --json '$JSON' -- '$WORKLOADS/idle' 5; echo status \$? >status.tmp; mv status.tmp status; cat" 3>&- 4>&-
	until_true screen_has '^ready'
	tmux -S "$TMUX_SOCKET" send-keys C-c
	until_true [ -e status ]
	same status "$(cat status)" 'status 130'
	same signal "$(j .exit.signal)" 2
}

@test "started with SIGCHLD ignored: the command's end and status are known, and it inherits that" {
	status=0
	timeout "$LIMIT" env --ignore-signal=CHLD "$MEMMON" -q -- sh -c 'exit 7' || status=$?
	same status "$status" 7
	timeout "$LIMIT" env --ignore-signal=CHLD "$MEMMON" -q -- grep SigIgn /proc/self/status >"$OUT"
	timeout "$LIMIT" env --ignore-signal=CHLD grep SigIgn /proc/self/status >expected
	diff expected "$OUT"
}

@test "SIGQUIT is the command's, as a terminal sends it to both" {
	start w "$MEMMON" -q --json "$JSON" -- "$WORKLOADS/idle" 5
	hear w ready
	kill -QUIT "$w_pid"
	until_true none_pending "$w_pid"
	kill -0 "$w_pid"
	go_on w
	hear w awake
	go_on w
	ended "$w_pid"
	same status "$status" 0
	jq -e .schema "$JSON"
}

@test "a watch that ended before its command still passes signals on" {
	start w "$MEMMON" -q -d 0.1 --json "$JSON" -- "$WORKLOADS/idle" 5
	hear w ready
	until_true test -s "$JSON"
	kill -TERM "$w_pid"
	ended "$w_pid"
	same status "$status" 143
}

@test "SIGTERM during the set-up leaves no cgroup behind" {
	local delay before
	before=$(find /sys/fs/cgroup -name 'memmon-bpf-*' | wc -l)
	for delay in 0.02 0.03 0.04 0.05 0.06; do
		timeout --preserve-status -s TERM "$delay" "$MEMMON" -q --scope -- sleep 1 || :
	done
	same 'cgroups of ours' "$(find /sys/fs/cgroup -name 'memmon-bpf-*' | wc -l)" "$before"
}

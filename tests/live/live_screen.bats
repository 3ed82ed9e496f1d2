#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The live screen in a real terminal (tmux): what is on it, what the keys do, sizes, and that the
# terminal is as before when it ends.

load helpers

setup() {
	begin
	command -v tmux >/dev/null || skip 'tmux is not installed'
	TMUX_SOCKET=$BATS_TEST_TMPDIR/tmux
}
teardown() {
	[ -z "${TMUX_SOCKET:-}" ] || tmux -S "$TMUX_SOCKET" kill-server 2>/dev/null || :
	finish_all
}

in_tmux() {
	tmux -S "$TMUX_SOCKET" -f /dev/null "$@" 3>&- 4>&-
}
screen() {
	in_tmux capture-pane -p
}
screen_has() {
	screen | grep -q -- "$1"
}
screen_lacks() {
	! screen_has "$1"
}
press() {
	in_tmux send-keys "$@"
}

# open_screen COLUMNS ROWS ARG…: a shell in a terminal that runs memmon-bpf and then says its status
open_screen() {
	local size=(-x "$1" -y "$2")
	shift 2
	printf '%q ' "$MEMMON" "$@" >run-it
	echo >>run-it
	# shellcheck disable=SC2016
	echo 'echo "status $?"; stty -a >tty.after; touch ended; exec cat' >>run-it
	LC_ALL=C.UTF-8 in_tmux new-session -d "${size[@]}" "stty -a >tty.before; exec bash ./run-it"
	in_tmux set-option -g status off
	in_tmux resize-window "${size[@]}"
}

# Two processes to look at; the pids in the order of their memory.
two_processes() {
	start_workload big idle 60
	start_workload small idle 20
	hear big ready
	hear small ready
}

# The pids on the screen, top down.
pids_shown() {
	screen | grep -oE "^ *($big_pid|$small_pid) " | tr -d ' ' | tr '\n' ' '
}
shows() {
	[ "$(pids_shown)" = "$* " ]
}

@test "starts, shows the tree, the machine and its processes, quits with q, leaves a summary" {
	two_processes
	open_screen 120 30 -p "$small_pid,$big_pid" --json "$JSON"
	until_true shows "$big_pid" "$small_pid"
	screen
	screen_has 'memmon-bpf: pid'
	screen_has '^RSS .*MiB.*peak'
	screen_has 'anon .*file .*shmem .*swap'
	screen_has '^Machine .*available'
	screen_has '2 live, 2 seen'
	screen_has 'q quit'
	screen_has 'PID .*RSS.*COMMAND'
	press q
	until_true [ -e ended ]
	until_true screen_has '^status 0'
	screen_has 'Watching cost'
	screen_lacks 'q quit'
	diff tty.before tty.after
	as_proc "$big_pid" last
	as_proc "$small_pid" last
}

@test "sorts: by pid, reversed, by memory again" {
	two_processes
	open_screen 120 30 -p "$small_pid,$big_pid"
	until_true shows "$big_pid" "$small_pid"
	press r
	until_true shows "$small_pid" "$big_pid"
	press r
	until_true shows "$big_pid" "$small_pid"
	press N
	until_true shows "$(printf '%s\n' "$big_pid" "$small_pid" | sort -n | head -n 1)" \
		"$(printf '%s\n' "$big_pid" "$small_pid" | sort -n | tail -n 1)"
	press r
	until_true shows "$(printf '%s\n' "$big_pid" "$small_pid" | sort -n | tail -n 1)" \
		"$(printf '%s\n' "$big_pid" "$small_pid" | sort -n | head -n 1)"
	press r M
	until_true shows "$big_pid" "$small_pid"
	press '<'
	until_true screen_has 'PID[▾v]'
	press '>'
	until_true screen_has 'RSS[▾v]'
}

@test "pauses: the screen stands still, the figures go on" {
	start_workload w spike 100 1
	hear w ready
	open_screen 120 30 -p "$w_pid" --json "$JSON"
	until_true screen_has '1 live'
	press p
	until_true screen_has paused
	screen >before
	go_on w
	hear w maxrss_kib
	sleep 0.5 # as long as the screen would have needed to change
	screen >after
	diff before after
	press p
	until_true screen_lacks paused
	until_true screen_has 'peak 10[0-9]\.[0-9] MiB'
	press q
	until_true [ -e ended ]
	within anon "$(figure "$w_pid" .peak.anon_bytes)" $((100 * MIB)) $((101 * MIB))
}

@test "toggles units" {
	two_processes
	open_screen 120 30 -p "$small_pid,$big_pid"
	until_true screen_has 'unit by size'
	press u
	until_true screen_has 'unit B'
	until_true screen_has "$(statm_bytes "$big_pid")"
	press u
	until_true screen_has 'unit KiB'
	press u u u u u u
	until_true screen_has 'unit by size'
}

@test "help, and back" {
	two_processes
	open_screen 120 30 -p "$small_pid,$big_pid"
	until_true shows "$big_pid" "$small_pid"
	press '?'
	until_true screen_has 'Any key closes this'
	press x
	until_true screen_lacks 'Any key closes this'
	until_true shows "$big_pid" "$small_pid"
}

@test "resizes, down to a terminal that is too small, and back" {
	two_processes
	open_screen 120 30 -p "$small_pid,$big_pid"
	until_true shows "$big_pid" "$small_pid"
	in_tmux resize-window -x 60 -y 15
	until_true shows "$big_pid" "$small_pid"
	until_true screen_lacks MAJFLT
	in_tmux resize-window -x 30 -y 5
	until_true screen_has 'too small'
	in_tmux resize-window -x 160 -y 40
	until_true screen_lacks 'too small'
	until_true screen_has MAJFLT
	until_true shows "$big_pid" "$small_pid"
	press q
	until_true screen_has '^status 0'
}

@test "starts in a terminal that is too small" {
	two_processes
	open_screen 20 4 -p "$small_pid,$big_pid"
	until_true screen_has 'too small'
	press q
	until_true [ -e ended ]
	until_true screen_has 'status 0'
}

@test "Ctrl-C and SIGTERM leave the terminal as it was" {
	two_processes
	open_screen 120 30 -p "$small_pid,$big_pid" --json "$JSON"
	until_true shows "$big_pid" "$small_pid"
	press C-c
	until_true [ -e ended ]
	until_true screen_has '^status 0'
	diff tty.before tty.after
	as_proc "$big_pid" last
	in_tmux kill-server
	rm ended
	open_screen 120 30 -p "$small_pid,$big_pid"
	until_true shows "$big_pid" "$small_pid"
	kill -TERM "$(pgrep -x memmon-bpf -P "$(in_tmux display-message -p '#{pane_pid}')")"
	until_true [ -e ended ]
	until_true screen_has '^status 0'
	diff tty.before tty.after
}

@test "the watch ends by itself when its process does" {
	start_workload w idle 5
	hear w ready
	open_screen 120 30 -p "$w_pid"
	until_true screen_has '1 live'
	kill "$w_pid"
	until_true screen_has '^status 0'
}

@test "--lines on a terminal prints lines" {
	start_workload w idle 5
	hear w ready
	open_screen 120 30 -p "$w_pid" --lines -d 0.5
	until_true screen_has '^status 0'
	screen_lacks 'q quit'
}

@test "a terminal that cannot show it, and no terminal at all: lines" {
	start_workload w idle 5
	hear w ready
	in_tmux new-session -d -x 120 -y 50 \
		"TERM=no-such-terminal '$MEMMON' -p $w_pid -d 0.5 | cat; TERM=no-such-terminal '$MEMMON' -p $w_pid -d 0.5; echo status \$?; cat"
	until_true screen_has '^status 0'
	screen_has 'Peak RSS'
}

@test "children that come and go while it is shown" {
	start_workload w forks 30000000 4
	hear w start
	open_screen 120 30 -p "$w_pid"
	until_true screen_has '1 live, 1 seen'
	go_on w
	hear w ready
	until_true screen_has '5 live, 5 seen'
	kill "${HEARD[1]}"
	until_true screen_has '4 live, 5 seen'
	until_true screen_has SIGTERM
	press e
	until_true screen_lacks SIGTERM
}

@test "the terminal goes away: the watch ends, and with it its program" {
	start_workload w idle 5
	hear w ready
	bpf_ids >before
	open_screen 120 30 -p "$w_pid" --json "$JSON"
	until_true screen_has '1 live'
	local pid
	pid=$(pgrep -x memmon-bpf -P "$(in_tmux display-message -p '#{pane_pid}')")
	in_tmux kill-server
	until_true has_state "$pid" -
	as_proc "$w_pid" last # the summary was written
}

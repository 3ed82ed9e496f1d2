#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the checks share: workloads that say where they are and wait, memmon-bpf beside them, and
# comparisons that print what they compared.
#
# Emulation is slow: a new process takes 10 to 50 ms, jq 400, memmon-bpf two seconds. So what is waited
# for is asked without processes, and a summary is read once, for a whole table of figures.
# shellcheck disable=SC2034,SC2086,SC2154 # what is set is for the checks, $kernel by run; pids and numbers
# have no blanks

MIB=1048576
PAGE=$(stat -f -c %S /dev/shm) # a tmpfs has blocks of a page
LIMIT=120 # seconds that anything may take
JSON=/tmp/summary.json
OUT=/tmp/out
ERR=/tmp/err
DOCTOR=/tmp/doctor.json

# What the kernel lets us do with its functions: arm64 had no fexit before 6.4.
case $kernel in
5.10-arm64 | 6.1-arm64) chain=kprobe by=kprobes by_fexit=degraded ;;
*) chain=fexit by=fexit by_fexit=on ;;
esac

# ---- waiting ------------------------------------------------------------------------------------

# until_true COMMAND…: a try may take long, so it is the clock that counts. Each is a fork, too.
POLL_US=20000
until_true() {
	read -r until _ </proc/uptime
	until=$((${until%.*} + LIMIT))
	until "$@"; do
		read -r uptime _ </proc/uptime
		if [ "${uptime%.*}" -ge $until ]; then
			echo "gave up after $LIMIT s waiting for: $*"
			return 1
		fi
		usleep $POLL_US
	done
}

# state_is PID LETTERS: the process's state in /proc; Z and - (none such) both mean that it ended.
state_is() {
	read -r stat 2>/dev/null <"/proc/$1/stat" || stat=') -'
	stat=${stat##*) }
	case $2 in
	*"${stat%% *}"*) return 0 ;;
	esac
	return 1
}

# line_with FILE WORD: some line of it begins with the word; the rest of the line is in $heard.
line_with() {
	while read -r word heard; do
		[ "$word" != "$2" ] || return 0
	done <"$1"
	return 1
}

# pages small|huge: what a process gets, where it asks for nothing.
pages() {
	case $1 in
	small) echo madvise ;;
	huge) echo always ;;
	esac >/sys/kernel/mm/transparent_hugepage/enabled
}

# ---- workloads ----------------------------------------------------------------------------------

# start NAME WORKLOAD [ARG…]: in the background; $pid.
start() {
	name=$1
	program=$2
	shift 2
	rm -f "/tmp/$name.in"
	mkfifo "/tmp/$name.in"
	: >"/tmp/$name.said"
	# open for both, so that nobody waits for the other end
	"/workloads/$program" "$@" <>"/tmp/$name.in" >"/tmp/$name.said" &
	pid=$!
	STARTED="$STARTED $pid"
}
# hear NAME WORD: waits until it has said so; the rest of the line is in $heard.
hear() {
	until_true line_with "/tmp/$1.said" "$2"
}
# go_on NAME
go_on() {
	echo >"/tmp/$1.in"
}
# begin NAME WORKLOAD [ARG…]: which says "ready" or "start" when it is.
begin() {
	begun=$1
	start "$@"
	until_true begins
}
begins() {
	line_with "/tmp/$begun.said" ready || line_with "/tmp/$begun.said" start
}

# ---- memmon-bpf ---------------------------------------------------------------------------------

# memmon ARG…: runs it to its end; $status.
memmon() {
	rm -f $JSON
	status=0
	timeout $LIMIT memmon-bpf "$@" </dev/null >$OUT 2>$ERR || status=$?
	show
}
show() {
	echo "status $status; standard output and error:"
	head -n 20 $OUT $ERR
}

# watch ARG…: runs it beside the test until its first line of figures; stop_watch ends it. Every event
# counts, unless an argument says otherwise.
watch() {
	rm -f $JSON
	: >$OUT
	case $* in
	*--sample* | *--budget*) ;;
	*) set -- --budget 0 "$@" ;;
	esac
	memmon-bpf --lines --json $JSON "$@" </dev/null >$OUT 2>$ERR &
	watch_pid=$!
	STARTED="$watch_pid $STARTED"
	until_true watch_speaks
	if state_is $watch_pid Z-; then
		cat $ERR
	fi
}
watch_speaks() {
	lines $OUT
	[ $lines -gt 0 ] || state_is $watch_pid Z-
}
# lines FILE: sets $lines to the number of its lines of figures
lines() {
	lines=0
	while read -r word _; do
		case $word in
		[0-9]*) lines=$((lines + 1)) ;;
		esac
	done <"$1"
}
# watch_on N: waits for so many more lines
watch_on() {
	lines $OUT
	target=$((lines + $1))
	until_true watch_has $target
}
watch_has() {
	lines $OUT
	[ $lines -ge $1 ]
}
stop_watch() {
	# not INT, which a shell has background commands ignore
	kill -TERM $watch_pid
	watch_ends
}
watch_ends() {
	until_true state_is $watch_pid Z-
	status=0
	wait $watch_pid || status=$?
	show
	[ $status -eq 0 ]
}

# ---- comparing ----------------------------------------------------------------------------------

# p(PID): the only entry of a process. m(DEVICE): the only one of a mount, as memmon-bpf shm has them.
# bound(PROCESS; BYTES): its bound, or these where the kernel skipped runs on RSS, so that it is wider.
# shellcheck disable=SC2016 # jq's variables
DEFINITIONS='def only: if length == 1 then .[0] else error("\(length) entries") end;
	def p($pid): [.processes[] | select(.pid == $pid)] | only;
	def m($device): [.shm[] | select(.device == $device and (.gone | not))] | only;
	def bound(process; $bytes): if (.overhead.missed_runs.rss // 0) > 0 then $bytes else process | .rss.error_bytes end;'

# same WHAT A B
same() {
	echo "$1: $2, expected $3"
	[ "$2" = "$3" ]
}

# within WHAT VALUE LOWEST HIGHEST: integers
within() {
	echo "$1: $2, expected $3 to $4"
	[ "$2" -ge "$3" ] && [ "$2" -le "$4" ]
}

# j FILTER: of the summary
j() {
	jq -er "$DEFINITIONS $1" $JSON
}

# figures <<END: compares figures of the summary with what they should be, each a line of
#   WHAT EXPECTED FILTER
# where EXPECTED is a word, or LOWEST..HIGHEST for an integer.
figures() {
	cat >/tmp/figures
	filters=
	while read -r what expected filter; do
		filters="$filters${filters:+,}
			(try ([$filter] | only) catch \"error: \\(.)\")"
	done </tmp/figures
	jq -r "$DEFINITIONS $filters | tostring" $JSON >/tmp/values || return
	wrong=0
	exec 5</tmp/figures 6</tmp/values
	while read -r what expected filter <&5; do
		read -r value <&6 || value='not there'
		echo "$what: $value, expected $expected"
		case $expected in
		[0-9-]*..*[0-9])
			if ! [ "$value" -ge "${expected%..*}" ] || ! [ "$value" -le "${expected#*..}" ]; then
				wrong=1
			fi
			;;
		*) [ "$value" = "$expected" ] || wrong=1 ;;
		esac
	done
	exec 5<&- 6<&-
	return $wrong
}

# truth PID: what /proc says of a process that does nothing now, in bytes: $walked, what smaps_rollup
# finds in its page tables, $walked_anon of it, $pss; and $statm, $rss_anon, $rss_file, $rss_shmem, $swap,
# $hwm, the kernel's counters.
truth() {
	while read -r key value _; do
		case $key in
		Rss:) walked=$((value * 1024)) ;;
		Pss:) pss=$((value * 1024)) ;;
		Anonymous:) walked_anon=$((value * 1024)) ;;
		esac
	done <"/proc/$1/smaps_rollup"
	while read -r key value _; do
		case $key in
		RssAnon:) rss_anon=$((value * 1024)) ;;
		RssFile:) rss_file=$((value * 1024)) ;;
		RssShmem:) rss_shmem=$((value * 1024)) ;;
		VmSwap:) swap=$((value * 1024)) ;;
		VmHWM:) hwm=$((value * 1024)) ;;
		esac
	done <"/proc/$1/status"
	read -r _ value _ <"/proc/$1/statm"
	statm=$((value * PAGE))
}

# as_proc PID WHICH: rows for figures, that its WHICH ("first", "last") is what /proc says now. Before 6.2
# /proc's counters and ours lack the same: what threads keep for themselves, within our bound. From 6.2
# on ours are exact, as smaps_rollup is, while /proc's counters were approximate until 6.16.
as_proc() {
	truth "$1"
	if [ $percpu ]; then
		cat <<-END
			$2-and-smaps_rollup $walked p($1).rss.$2_bytes
			$2-anon $walked_anon p($1).$2.anon_bytes
			$2-file-and-shmem $((walked - walked_anon)) p($1).$2 | .file_bytes + .shmem_bytes
			$2-swap $swap p($1).$2.swap_bytes
		END
	else
		cat <<-END
			$2-and-statm $statm p($1).rss.$2_bytes
			$2-anon $rss_anon p($1).$2.anon_bytes
			$2-file $rss_file p($1).$2.file_bytes
			$2-shmem $rss_shmem p($1).$2.shmem_bytes
			$2-swap $swap p($1).$2.swap_bytes
			$2-within-bound true p($1).rss | .$2_bytes <= $walked and .$2_bytes + .error_bytes >= $walked
		END
	fi
}

# bound THREADS: what error_bytes must be of a process of so many threads that still runs. From 6.2 on a
# fold of the batch (32 pages) in flight on each other CPU; before, what each thread keeps for itself.
bound() {
	if [ ! $percpu ]; then
		bound=$(($1 * 66 * 16 * PAGE))
	elif [ $1 -gt 1 ]; then
		bound=$((32 * PAGE))
	else
		bound=0
	fi
}

# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the live tests share: workloads that say where they are and wait (tests/workloads), memmon-bpf
# running beside them, and comparisons that print what they compared.
#
# Nothing sleeps in the hope of being in time: a test waits for a line, for a state in /proc, or for a
# process, each with a limit. Every process that a test starts is ended by finish_all, also when the test failed.

bats_require_minimum_version 1.5.0

ROOT=$(realpath "$BATS_TEST_DIRNAME/../..")
MEMMON=${MEMMON:-$ROOT/build/memmon-bpf}
WORKLOADS=${WORKLOADS:-$ROOT/build/tests}
PATH="$PATH:/usr/sbin:/sbin"
LIMIT=60 # seconds that anything may take
MIB=1048576
PAGE=$(getconf PAGESIZE)

# To be called by each file's setup().
begin() {
	[ "$(id -u)" = 0 ] || skip 'needs root'
	JSON=$BATS_TEST_TMPDIR/summary.json
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
	STARTED=()
	cd "$BATS_TEST_TMPDIR"
}

# To be called by each file's teardown(): ends what is left, newest first.
finish_all() {
	local i pid
	for ((i = ${#STARTED[@]} - 1; i >= 0; i--)); do
		pid=${STARTED[i]}
		if kill -CONT "$pid" 2>/dev/null; then
			kill -KILL "$pid" 2>/dev/null || :
		fi
		wait "$pid" 2>/dev/null || :
	done
	STARTED=()
	swap_off
}

# ---- waiting ------------------------------------------------------------------------------------

# until_true COMMAND…: asks again and again, at most LIMIT seconds.
until_true() {
	local end=$((SECONDS + LIMIT))
	until "$@"; do
		if [ $SECONDS -ge $end ]; then
			echo "gave up after $LIMIT s waiting for: $*"
			return 1
		fi
		sleep 0.02
	done
}

# The one letter of /proc/PID/stat; "-" when there is no such process.
state_of() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || {
		echo -
		return
	}
	stat=${stat##*) }
	echo "${stat:0:1}"
}
has_state() {
	[[ $2 == *"$(state_of "$1")"* ]]
}

# ended PID: waits for a process that this test started; its exit status is in $status.
ended() {
	until_true has_state "$1" Z- || return 1
	status=0
	wait "$1" || status=$?
}

# ---- workloads ----------------------------------------------------------------------------------

# start NAME COMMAND…: runs it in the background, with pipes for go_on and hear. NAME_pid is its pid.
start() {
	local name=$1 in out
	shift
	mkfifo "$BATS_TEST_TMPDIR/$name.in" "$BATS_TEST_TMPDIR/$name.out"
	# opened for both, so that opening waits for nobody
	exec {in}<>"$BATS_TEST_TMPDIR/$name.in" {out}<>"$BATS_TEST_TMPDIR/$name.out"
	env --default-signal=INT,QUIT "$@" <"$BATS_TEST_TMPDIR/$name.in" >"$BATS_TEST_TMPDIR/$name.out" \
		3>&- 4>&- {in}>&- {out}>&- &
	declare -g "${name}_pid=$!" "${name}_in=$in" "${name}_out=$out"
	STARTED+=("$!")
}

# start_workload NAME WORKLOAD [ARG…]
start_workload() {
	local name=$1 program=$2
	shift 2
	start "$name" "$WORKLOADS/$program" "$@"
}

# hear NAME WORD: waits for its next line, which must begin with WORD; its words are in HEARD.
hear() {
	local out=${1}_out line
	if ! read -rt $LIMIT line <&"${!out}"; then
		echo "$1 said nothing for $LIMIT s where '$2' was expected"
		return 1
	fi
	read -ra HEARD <<<"$line"
	if [ "${HEARD[0]}" != "$2" ]; then
		echo "$1 said '$line' where '$2' was expected"
		return 1
	fi
}

# go_on NAME
go_on() {
	local in=${1}_in
	echo >&"${!in}"
}

# ---- memmon-bpf ---------------------------------------------------------------------------------

# memmon ARG…: runs it to its end; $status, $OUT, $ERR. Its standard input is empty.
memmon() {
	status=0
	timeout -k 5 $LIMIT "$MEMMON" "$@" </dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- || status=$?
	show
}

# What is printed when the test fails.
show() {
	echo "status $status; standard output and error:"
	head -n 30 "$OUT" "$ERR"
}

# watch ARG…: runs it beside the test until its first line says that it is attached. watch_pid.
watch() {
	: >"$OUT"
	env --default-signal=INT,QUIT,HUP "$MEMMON" --lines "$@" </dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- &
	watch_pid=$!
	STARTED+=("$!")
	until_true attached "$OUT" "$watch_pid"
	if ! has_line "$OUT"; then
		echo 'the watch did not begin'
		cat "$OUT" "$ERR"
		return 1
	fi
}
attached() {
	has_line "$1" || has_state "$2" Z-
}
# A line of figures, not a comment.
has_line() {
	grep -q '^ *[0-9]' "$1"
}

# child_of PID: the command that this memmon-bpf runs; its own child, memmon-stats, is not meant.
child_of() {
	local child
	for child in $(pgrep -P "$1"); do
		[ "$(cat "/proc/$child/comm" 2>/dev/null)" = memmon-stats ] || echo "$child"
	done
}

# stop_watch [SIGNAL]: ends it; it must have ended well.
stop_watch() {
	kill -"${1:-INT}" "$watch_pid"
	ended "$watch_pid"
	show
	[ "$status" -eq 0 ]
}

# ---- reading and comparing ----------------------------------------------------------------------

# j FILTER: of the summary
j() {
	jq -r "$1" "${2:-$JSON}"
}

# figure PID FILTER: of the process's entry; exactly one must be there.
figure() {
	jq -er --argjson pid "$1" \
		"[.processes[] | select(.pid == \$pid)] | if length == 1 then .[0] else error(\"\(length) entries\") end | $2" "$JSON"
}

# same WHAT A B
same() {
	echo "$1: $2, expected $3"
	[ "$2" = "$3" ]
}

# within WHAT VALUE LOWEST HIGHEST: integers
within() {
	echo "$1: $2, expected $3 to $4"
	[[ $2 =~ ^-?[0-9]+$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]
}

# status_bytes PID FIELD: a line of /proc/PID/status, in bytes
status_bytes() {
	awk -v field="$2:" '$1 == field { printf "%.0f\n", $2 * 1024; found = 1 } END { exit !found }' "/proc/$1/status"
}
# statm_bytes PID: the resident set
statm_bytes() {
	awk -v page="$PAGE" '{ printf "%.0f\n", $2 * page }' "/proc/$1/statm"
}
# rollup_bytes PID FIELD: of smaps_rollup
rollup_bytes() {
	awk -v field="$2:" '$1 == field { printf "%.0f\n", $2 * 1024; found = 1 } END { exit !found }' "/proc/$1/smaps_rollup"
}

# as_proc PID WHICH: the summary's WHICH ("first", "last") of a process that does nothing now equals
# what /proc says, each kind and the sum, to the byte.
as_proc() {
	same "$2 rss and statm" "$(figure "$1" ".rss.$2_bytes")" "$(statm_bytes "$1")"
	same "$2 rss and smaps_rollup" "$(figure "$1" ".rss.$2_bytes")" "$(rollup_bytes "$1" Rss)"
	same "$2 anon" "$(figure "$1" ".$2.anon_bytes")" "$(status_bytes "$1" RssAnon)"
	same "$2 file" "$(figure "$1" ".$2.file_bytes")" "$(status_bytes "$1" RssFile)"
	same "$2 shmem" "$(figure "$1" ".$2.shmem_bytes")" "$(status_bytes "$1" RssShmem)"
	same "$2 swap" "$(figure "$1" ".$2.swap_bytes")" "$(status_bytes "$1" VmSwap)"
}

# The ids of all BPF programs and links now, sorted.
bpf_ids() {
	bpftool -j prog list | jq -r '.[] | "prog \(.id) \(.name)"'
	bpftool -j link list | jq -r '.[] | "link \(.id)"'
}

# ---- what some machines lack --------------------------------------------------------------------

# shellcheck disable=SC2034
# swap_on: some swap, existing or made of a zram device; otherwise false and a reason in $why.
swap_on() {
	why='no zram device'
	SWAP_MADE=
	if [ "$(wc -l </proc/swaps)" -gt 1 ]; then
		return 0
	fi
	[ -b /dev/zram0 ] || return 1
	why='/dev/zram0 is in use'
	[ "$(cat /sys/block/zram0/disksize)" = 0 ] || return 1
	why='zram refuses'
	{ echo $((256 * MIB)) >/sys/block/zram0/disksize; } 2>/dev/null || return 1
	SWAP_MADE=1
	if ! { mkswap /dev/zram0 && swapon /dev/zram0; } >/dev/null 2>&1; then
		swap_off
		return 1
	fi
}
swap_off() {
	[ -n "${SWAP_MADE:-}" ] || return 0
	swapoff /dev/zram0 2>/dev/null || :
	echo 1 >/sys/block/zram0/reset
	SWAP_MADE=
}

# cgroup_make NAME: prints the directory of a new cgroup with memory figures; false where there is no
# memory controller to be had.
cgroup_make() {
	local dir
	if [ -d /sys/fs/cgroup/memory ]; then
		dir=/sys/fs/cgroup/memory/$1
	elif grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
		dir=/sys/fs/cgroup/$1
	else
		echo 'no memory controller'
		return 1
	fi
	mkdir "$dir" 2>&1 || return 1
	echo "$dir"
}
# cgroup_limit DIR BYTES
cgroup_limit() {
	if [ -e "$1/memory.max" ]; then
		echo "$2" >"$1/memory.max"
	else
		echo "$2" >"$1/memory.limit_in_bytes"
	fi
}

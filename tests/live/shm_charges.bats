#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The kernel side of the shared-memory ledger by itself, on the chain of hooks that this kernel allows:
# what it books against what statfs(2) says, and the failures that it tells.

load helpers

LEDGER=$WORKLOADS/ledger_dump

setup() {
	begin
	TMPFS=$BATS_TEST_TMPDIR/tmpfs
	mkdir "$TMPFS"
}
teardown() {
	finish_all
	while mountpoint -q "$TMPFS"; do
		umount "$TMPFS"
	done
}

# mount_tmpfs [OPTION]: $dev is its number.
mount_tmpfs() {
	mount -t tmpfs -o "size=16m,nr_inodes=64$1" none "$TMPFS"
	dev=$(stat -c %d "$TMPFS")
}

# ledger CHAIN: the tracer, at its best but not beyond CHAIN; $chain is the one that it has.
ledger() {
	start ledger "$LEDGER" "$1"
	hear ledger ready
	chain=${HEARD[1]}
	echo "chain: $chain, ${HEARD[*]:2}"
}

# ask COMMAND: the answer is in $answer, line by line.
ask() {
	local line
	answer=()
	echo "$*" >&"$ledger_in"
	while read -rt $LIMIT line <&"$ledger_out" && [ "$line" != end ]; do
		answer+=("$line")
		echo "$line"
	done
	[ "$line" = end ]
}

# answered PATTERN: how many lines of the answer match.
answered() {
	printf '%s\n' "${answer[@]}" | grep -c -- "$1" || :
}

# charges: sets $charged, $uncharged, $peak.
charges() {
	local line
	charged=0 uncharged=0 peak=0
	ask "charges $dev"
	for line in "${answer[@]}"; do
		if [[ $line =~ ^charges\ charged=([0-9]+)\ uncharged=([0-9]+)\ peak=([0-9]+)\ lost=0$ ]]; then
			charged=${BASH_REMATCH[1]} uncharged=${BASH_REMATCH[2]} peak=${BASH_REMATCH[3]}
		fi
	done
}

used() {
	stat -f -c '%b %f %S' "$TMPFS" | awk '{ printf "%.0f", ($1 - $2) * $3 }'
}

best_chain() {
	"$LEDGER" fexit </dev/null | awk '{ print $2 }'
}

compare() {
	"$ROOT/tests/shm/compare" "$1" "$TMPFS" "$LEDGER" "$WORKLOADS/shm_steps"
}

@test 'after every step what is booked is what statfs says, each failure is told once' {
	mount_tmpfs
	compare "$(best_chain)"
}

@test 'the same with huge pages' {
	mount_tmpfs ,huge=always
	compare "$(best_chain)"
}

@test 'the chain of tracepoints, also where there is a better one' {
	mount_tmpfs
	compare tracepoints
}

@test 'signals alone: SIGBUS on a full tmpfs is told once, one beyond the end of a file is not' {
	mount_tmpfs
	ledger signals
	[ "$chain" = signals ]
	start_workload steps shm_steps "$TMPFS"
	while read -rt $LIMIT -a HEARD <&"$steps_out"; do
		ask "charges $dev" >/dev/null
		if [ "${HEARD[0]}" = full-touch ]; then
			[ "$(answered '^full .* how=fault errno=0 signal=7 .* name=full$')" = 1 ]
			[ "$(answered '^full ')" = 1 ]
		else
			[ "$(answered '^full ')" = 0 ]
		fi
		go_on steps
		[ "${HEARD[0]}" != end ] || break
	done
	[ "${HEARD[0]}" = end ]
}

@test 'files from before are known, marked, and freed with the rest' {
	mount_tmpfs
	head -c 3000000 /dev/zero >"$TMPFS/before"
	ledger fexit
	ask files
	before=$(stat -c %i "$TMPFS/before")
	# 2 = from before, 4 and 8 = the creator is known, and alive
	[ "$(answered "^file dev=$dev ino=$before kind=tmpfs flags=2 .* bytes=3002368 .* creator=0 ")" = 1 ]
	head -c 1000000 /dev/zero >"$TMPFS/after"
	after=$(stat -c %i "$TMPFS/after")
	ask files
	[ "$(answered "^file dev=$dev ino=$after kind=tmpfs flags=4 .* bytes=1003520 .* comm=head ")" = 1 ]
	charges
	[ "$charged $uncharged" = '1003520 0' ]
	[ "$peak" = 4005888 ]
	rm "$TMPFS/before"
	charges
	[ "$charged $uncharged" = '1003520 3002368' ]
	ask files
	[ "$(answered "^file dev=$dev ino=$before ")" = 0 ]
}

@test 'many processes at once: nothing is booked twice, nothing is left' {
	mount_tmpfs
	ledger fexit
	for i in 1 2 3 4; do
		# shellcheck disable=SC2016 # for the shell that is started
		start "writer$i" bash -c 'for n in {1..40}; do
			head -c 500000 /dev/zero >"$1/$2"; head -c 300000 /dev/zero >>"$1/shared"
			truncate -s 0 "$1/shared"; rm "$1/$2"; done' _ "$TMPFS" "$i"
	done
	for i in 1 2 3 4; do
		pid=writer${i}_pid
		ended "${!pid}"
		[ "$status" = 0 ]
	done
	ask files >/dev/null # what tracepoints do not see is found now
	charges
	[ "$((charged - uncharged))" = "$(used)" ]
	[ "$charged" -ge $((4 * 40 * 500000)) ]
	[ "$peak" -le $((16 * MIB)) ]
}

@test 'another size and another tmpfs in its place are seen' {
	mount_tmpfs
	ledger fexit
	mount -o remount,size=4m "$TMPFS"
	run -1 sh -c 'exec head -c 5000000 /dev/zero >"$1"' _ "$TMPFS/full"
	charges
	if [ "$chain" = signals ] || [ "$chain" = none ]; then
		skip "the chain $chain does not see writes"
	fi
	[ "$(answered '^full .* how=write errno=28 .* limit=4194304 used=4194304 .* comm=head name=full$')" = 1 ]
	[ "$peak" = 4194304 ]
	umount "$TMPFS"
	mount_tmpfs
	head -c 5000 /dev/zero >"$TMPFS/new"
	charges
	# the number of the device may be the old one: then its figures begin anew
	[ "$charged $uncharged $peak" = '8192 0 8192' ]
}

#!/usr/bin/env bats
# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of `memmon-bpf shm`: nothing here needs root or BPF. Bad usage ends with 2, says
# what is wrong, and says what would be right.

bats_require_minimum_version 1.5.0

setup() {
	MEMMON=${MEMMON:-$BATS_TEST_DIRNAME/../../build/memmon-bpf}
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
}

shm() {
	status=0
	timeout -k 5 20 "$MEMMON" shm "$@" </dev/null >"$OUT" 2>"$ERR" || status=$?
	echo "memmon-bpf shm $*: status $status"
	cat "$OUT" "$ERR"
}

# bad WORD ARG…: refused with 2, nothing on standard output, WORD on standard error
bad() {
	local word=$1
	shift
	shm "$@"
	[ "$status" -eq 2 ]
	[ ! -s "$OUT" ]
	grep -qF -- "$word" "$ERR"
	# one short message, not a page
	[ "$(wc -l <"$ERR")" -le 3 ]
}

@test "shm --help: on one screen, on standard output, with every option" {
	shm --help
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	[ "$(wc -l <"$OUT")" -le 40 ]
	[ "$(LC_ALL=C.UTF-8 awk '{ if (length($0) > max) max = length($0) } END { print max }' "$OUT")" -le 110 ]
	local option options
	options=$(sed -nE 's/^\t\{ "([a-z-]+)", .*/--\1/p' "$BATS_TEST_DIRNAME/../../src/shm_options.c")
	[ "$(wc -w <<<"$options")" -ge 12 ]
	for option in $options -i -d -c -v -h; do
		[ "$option" != --usage ] || continue
		grep -qE -- "(^|[ ,[])$option([ ,=]|\$)" "$OUT"
	done
	cp "$OUT" "$OUT.long"
	shm -h
	diff "$OUT.long" "$OUT"
}

@test "shm --help into a full device fails" {
	status=0
	"$MEMMON" shm --help >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
}

@test "shm: unknown options and words" {
	bad '--no-such-option' --no-such-option
	bad "'x'" -x
	bad '-c web' web
}

@test "shm: numbers of seconds" {
	bad '-i needs --watch or -d' -i 1
	bad '0.1 to' -d 1 -i 0.01
	bad "'x' is not a number" -d x
	bad "'inf'" -d inf
}

@test "shm: units, containers, conditions" {
	bad "'furlong'" --unit furlong
	bad 'not a container' -c ,
	bad 'did you mean' --fail-if 'shm.usd>80%'
	bad 'a share such as' --fail-if 'shm.used>1MiB'
}

@test "shm: one standard output for one format" {
	bad 'exclude each other' --json - --csv -
}

@test "shm: a file that cannot be written ends with 1 and says so" {
	shm --json "$BATS_TEST_TMPDIR/no/such/directory"
	[ "$status" -eq 1 ]
	grep -qF -- '--json: cannot write' "$ERR"
	[ ! -s "$OUT" ]
}

@test "shm: what is typed is never acted on by the terminal" {
	shm --unit $'\033[2J'
	[ "$status" -eq 2 ]
	run ! grep -q $'\033' "$ERR"
}

#!/usr/bin/env bats
# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line itself: nothing here needs root or BPF. Bad usage ends with 2, says what is wrong,
# and says what would be right.

bats_require_minimum_version 1.5.0

setup() {
	MEMMON=${MEMMON:-$BATS_TEST_DIRNAME/../../build/memmon-bpf}
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
}

memmon() {
	status=0
	timeout -k 5 20 "$MEMMON" "$@" </dev/null >"$OUT" 2>"$ERR" || status=$?
	echo "memmon-bpf $*: status $status"
	cat "$OUT" "$ERR"
}

# bad WORD ARG…: refused with 2, nothing on standard output, WORD on standard error
bad() {
	local word=$1
	shift
	memmon "$@"
	[ "$status" -eq 2 ]
	[ ! -s "$OUT" ]
	grep -qF -- "$word" "$ERR"
	# one short message, not a page
	[ "$(wc -l <"$ERR")" -le 3 ]
}

@test "--help: on one screen, on standard output, with every option" {
	memmon --help
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	[ "$(wc -l <"$OUT")" -le 40 ]
	[ "$(LC_ALL=C.UTF-8 awk '{ if (length($0) > max) max = length($0) } END { print max }' "$OUT")" -le 110 ]
	local option
	for option in -p -c -g -a --no-children --scope --wait -i --interval -d --duration --lines --json --csv --unit \
		--from-zero --pss --vma --fail-if --strict --max-processes -q -v --no-color -V -h doctor; do
		grep -qE -- "(^|[ ,[])$option([ ,=]|\$)" "$OUT"
	done
	cp "$OUT" "$OUT.long"
	memmon -h
	diff "$OUT.long" "$OUT"
}

@test "--version" {
	memmon --version
	[ "$status" -eq 0 ]
	grep -qE '^memmon-bpf [0-9]+\.[0-9]+\.[0-9]+$' "$OUT"
	cp "$OUT" "$OUT.long"
	memmon -V
	diff "$OUT.long" "$OUT"
}

@test "--help into a full device fails" {
	run "$MEMMON" --help
	[ "$status" -eq 0 ]
	status=0
	"$MEMMON" --help >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
}

@test "nothing to watch" {
	bad 'nothing to watch'
	bad 'nothing to watch' --lines
	bad 'no command after --' --
}

@test "an unknown option, subcommand" {
	bad '--no-such-option' --no-such-option
	bad "'x'" -x
	bad "'true'" true
	bad "'true'" -q true
	bad "'now'" doctor now
	bad '--csv' doctor --csv x
}

@test "doctor --help: on one screen, with its exit status" {
	memmon doctor --help
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	[ "$(wc -l <"$OUT")" -le 40 ]
	[ "$(LC_ALL=C.UTF-8 awk '{ if (length($0) > max) max = length($0) } END { print max }' "$OUT")" -le 110 ]
	grep -q '^Exit status: 0 ' "$OUT"
	cp "$OUT" "$OUT.long"
	memmon doctor -h
	diff "$OUT.long" "$OUT"
	status=0
	"$MEMMON" doctor --help >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
}

@test "an ambiguous option" {
	bad '--no' --no -p 1
}

@test "a missing argument" {
	bad 'p' -p
	bad 'json' --json
}

@test "pids that are none" {
	local text
	for text in '' abc 0 -1 1x '1 2' 99999999999 1,,2 ',1' '1,' ' ' 0x10 1.5; do
		bad '-p' -p "$text"
	done
}

@test "intervals that are none" {
	local text
	for text in 0 0.0 -1 abc '' 1s nan inf -inf 1e99 0.001; do
		bad '-i' -p 1 -i "$text"
	done
	bad '0.01' -p 1 -i 0 # what the least is
}

@test "durations that are none" {
	local text
	for text in 0 -1 abc '' nan inf; do
		bad '-d' -p 1 -d "$text"
	done
}

@test "units that are none, with those that are" {
	local text
	for text in '' mib MIB Mib M kB TB 7; do
		bad '--unit' -p 1 --unit "$text"
		grep -q 'B, KiB, MiB, GiB, KB, MB or GB' "$ERR"
	done
}

@test "counts of processes that are none" {
	local text
	for text in 0 -1 abc '' 1e3 9999999999; do
		bad '--max-processes' -p 1 --max-processes "$text"
	done
}

@test "sizes of a recording that are none" {
	local text
	for text in '' 0 -1 lots 1MiB 7.9MiB 9TiB 1XiB '1GiB 2'; do
		bad '--max-size' -p 1 -o run.memmon --max-size "$text"
	done
	bad 'needs a recording' -p 1 --max-size 1GiB
	bad 'cannot be written to standard output' -p 1 -o -
	[ ! -e run.memmon ]
}

@test "conditions that are none" {
	local text
	for text in '' 'peak.rss' 'peak.rss>' 'peak.rss>2XiB' 'no.such.field>1' 'peak.rss=1' 'peak.rss>1 &&' \
		'(peak.rss>1' 'peak.rss>1)' 'peak.rss>1 peak.rss>2' '>1' 'peak.rss>-'; do
		bad '--fail-if' -p 1 --fail-if "$text"
	done
}

@test "containers that are none" {
	local text
	for text in '' ',' a,,b ',a' 'a,'; do
		bad '-c' -c "$text"
	done
	bad '--wait' --wait -p 1
	bad '64' -c "$(seq -s, 1 65)"
}

@test "targets that exclude each other" {
	bad exclude -p 1 -a
	bad exclude -p 1 -g /
	bad exclude -a -g /
	bad exclude -a -- true
	bad exclude -p 1 -- true
	bad exclude -g / -- true
	bad exclude -c web -p 1
	bad exclude -c web -g /
	bad exclude -c web -a
	bad exclude -c web -- true
}

@test "--scope without a command" {
	bad '--scope' --scope -p 1
}

@test "two outputs on standard output" {
	bad exclude --json - --csv - -p 1
}

@test "options after -- are the command's" {
	memmon -p 1 -i 0 -- true
	[ "$status" -eq 2 ]
	# argp may not permute: this is the command `sh -c 'exit 3' --no-such-option`
	memmon -q -- sh -c 'exit 3' --no-such-option
	[ "$status" -eq 3 ] || [ "$status" -eq 125 ] # 125 without root
}

@test "what a refusal says to try exists" {
	local option
	memmon --no-such-option
	grep -oE -- '--(help|usage|version)' "$ERR" >"$OUT.hints"
	while read -r option; do
		memmon "$option"
		[ "$status" -eq 0 ]
		[ -s "$OUT" ]
	done <"$OUT.hints"
}

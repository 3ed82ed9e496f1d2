#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The counting of test results itself: a crash, a hang or a short run must never look like success.

# counted STATUS: what tests/tap.awk makes of the TAP on stdin, as "passed/failed/skipped".
counted() {
	awk -v status="$1" -v limit=9 -f "$BATS_TEST_DIRNAME/../tap.awk" |
		awk '{n[$1]++} END {printf "%d/%d/%d\n", n["PASSED"], n["FAILED"], n["SKIPPED"]}'
}

expect() {
	local result
	result=$(printf "%b" "$2" | counted "$1")
	echo "got $result, expected $3"
	[ "$result" = "$3" ]
}

@test "passed, failed and skipped tests are counted" {
	expect 1 '1..3\nok 1 - a\nnot ok 2 - b\n# why\nok 3 c # skip not here\n' 1/1/1
}

@test "cmocka's way to say skipped, and its one plan per group" {
	expect 0 '1..2\nok 1 - a\nnot ok 2 # SKIP b\n# ok - first\n1..1\nok 1 - c\n# ok - second\n' 2/0/1
}

@test "a plan after the tests" {
	expect 0 'ok 1 a\nok 2 b\n1..2\n' 2/0/0
}

@test "a program that prints no plan failed" {
	expect 0 '' 0/1/0
	expect 139 'Segmentation fault\n' 0/1/0
}

@test "a program that stops before its plan is done failed" {
	expect 0 '1..3\nok 1 - a\n' 1/1/0
	expect 0 '1..3\nok 1 - a\n1..1\nok 1 - b\n' 2/1/0
}

@test "more tests than planned failed" {
	expect 0 '1..1\nok 1 - a\nok 2 - b\n' 2/1/0
}

@test "a status that says failure where no test did failed" {
	expect 1 '1..1\nok 1 - a\n' 1/1/0
}

@test "a program that was ended for taking too long failed" {
	expect 124 '1..1\nok 1 - a\n' 1/1/0
}

@test "a bats file whose set-up fails failed" {
	printf '%s\n' 'setup_file() { false; }' '@test "a" { true; }' '@test "b" { true; }' \
		>"$BATS_TEST_TMPDIR/broken.bats"
	run bats --tap "$BATS_TEST_TMPDIR/broken.bats"
	[ "$status" -ne 0 ]
	result=$(counted "$status" <<<"$output")
	echo "$result"
	[[ $result == 0/[1-9]*/0 ]]
}

@test "a bats file that is no bash failed" {
	printf '%s\n' '@test "a" {' '  if' '}' >"$BATS_TEST_TMPDIR/broken.bats"
	run bats --tap "$BATS_TEST_TMPDIR/broken.bats"
	[ "$status" -ne 0 ]
	[ "$(counted "$status" <<<"$output" | cut -d/ -f1)" = 0 ]
	[ "$(counted "$status" <<<"$output" | cut -d/ -f2)" != 0 ]
}

@test "a whole suite that cannot run is one skipped test" {
	expect 0 '1..0 # SKIP needs root\n' 0/0/1
}

@test "an unknown suite is refused" {
	run "$BATS_TEST_DIRNAME/../run" nonsense
	[ "$status" -eq 2 ]
	[[ $output == *"no suite 'nonsense'"* ]]
}

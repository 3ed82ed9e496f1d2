#!/usr/bin/env bats
# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# memmon-bpf diff of JSON summaries: nothing here needs root or BPF. The figures are those of the golden
# files; what is read of hostile ones is the unit tests' and the fuzzer's business.

bats_require_minimum_version 1.5.0

setup() {
	MEMMON=${MEMMON:-$BATS_TEST_DIRNAME/../../build/memmon-bpf}
	GOLDEN=$(realpath "$BATS_TEST_DIRNAME/../golden")
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
	cd "$BATS_TEST_TMPDIR"
	cp "$GOLDEN/summary-train.json" a.json
	jq '.target.peak.rss_bytes = 1100000000 | .target.faults.minor = null | .kernel.release = "6.12.0"' \
		a.json >b.json
}

# compare ARG…: its standard input is that of the caller
compare() {
	status=0
	timeout -k 5 20 "$MEMMON" diff "$@" >"$OUT" 2>"$ERR" || status=$?
	echo "memmon-bpf diff $*: status $status"
	cat "$OUT" "$ERR"
}

# failed WORD ARG…: ends with 1, one line that has WORD
failed() {
	local word=$1
	shift
	compare "$@" </dev/null
	[ "$status" -eq 1 ]
	[ ! -s "$OUT" ]
	[ "$(wc -l <"$ERR")" -eq 1 ]
	grep -qF -- "$word" "$ERR"
}

@test "diff --help: on one screen, on standard output" {
	compare --help
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	[ "$(wc -l <"$OUT")" -le 40 ]
	[ "$(LC_ALL=C.UTF-8 awk '{ if (length($0) > max) max = length($0) } END { print max }' "$OUT")" -le 110 ]
	cp "$OUT" "$OUT.long"
	compare -h
	diff "$OUT.long" "$OUT"
	status=0
	"$MEMMON" diff --help >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
}

@test "diff: bad usage ends with 2 and says what would be right" {
	local line
	for line in '' 'a.json' 'a.json b.json a.json' '- -' '--no-such a.json b.json' \
		'a.json b.json --unit furlong' 'a.json b.json --fail-if peak.rss' \
		'a.json b.json --fail-if peak.rss>+5X' 'a.json b.json --fail-if interval.peak>1'; do
		# shellcheck disable=SC2086
		compare $line </dev/null
		[ "$status" -eq 2 ]
		[ ! -s "$OUT" ]
		[ "$(wc -l <"$ERR")" -le 3 ]
	done
	compare a.json b.json --fail-if 'peak.rs>+5%' </dev/null
	grep -qF "did you mean 'peak.rss'" "$ERR"
}

@test "diff: two summaries, as text without colours and as JSON" {
	compare a.json b.json --json c.json
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	grep -qE '^  Peak RSS +993\.0 MiB +1\.02 GiB +\+56\.0 MiB +\+5\.6 %$' "$OUT"
	grep -qE '^  Page faults, minor +230,442 +n/a +n/a +n/a$' "$OUT"
	grep -qF 'warning: different kernels: 6.1.0-18-amd64 and 6.12.0' "$OUT"
	run ! grep -q $'\e' "$OUT"
	[ "$(jq -r .schema c.json)" = memmon-bpf/diff/1 ]
	[ "$(jq -c '.fields["peak.rss"]' c.json)" = '{"a":1041235968,"b":1100000000,"change":58764032,"change_share":0.056436806}' ]
	[ "$(jq -c '.fields["faults.minor"]' c.json)" = '{"a":230442,"b":null,"change":null,"change_share":null}' ]
	[ "$(jq -c '[.processes[] | select(.comm == "python3") | .count.a, .peak_max_bytes.a]' c.json)" = '[2,1020264448]' ]
}

@test "diff: a figure that is not known is null or n/a, and none is 0 that is not 0 in the summary" {
	compare a.json "$GOLDEN/nothing.json" --json c.json
	[ "$status" -eq 0 ]
	[ "$(jq '[.fields[] | select(.b == 0)] | length' c.json)" -eq 1 ] # the duration
	jq -e '.fields.duration.b == 0' c.json
	grep -qF 'B is empty' "$OUT"
}

@test "diff --fail-if: 3 when it holds, 0 when not, and says why" {
	compare --fail-if 'peak.rss>+5%' a.json b.json
	[ "$status" -eq 3 ]
	grep -qF 'yes peak.rss>+5%: 993.0 MiB, then 1.02 GiB (+56.0 MiB, +5.6 %)' "$OUT"
	compare --fail-if 'peak.rss>+6%' a.json b.json
	[ "$status" -eq 0 ]
	compare --fail-if 'peak.rss>+57MiB' a.json b.json
	[ "$status" -eq 0 ]
	compare --fail-if 'peak.rss>+56MiB || peak.rss>4GiB' a.json b.json
	[ "$status" -eq 3 ]
	compare --fail-if 'peak.rss>+0' a.json a.json
	[ "$status" -eq 0 ]
	# the other way round it fell
	compare --fail-if 'peak.rss>+0' b.json a.json
	[ "$status" -eq 0 ]
	compare --fail-if 'peak.rss<-5%' b.json a.json
	[ "$status" -eq 3 ]
}

@test "diff --fail-if: what is not known does not hold, and is named" {
	local op
	for op in '>' '<' '>=' '<=' '==' '!='; do
		compare --fail-if "faults.minor${op}+0" a.json b.json
		[ "$status" -eq 0 ]
		grep -qF "n/a faults.minor${op}+0: n/a in B, so it does not hold" "$OUT"
	done
}

@test "diff --json -: only JSON on standard output; the condition on standard error" {
	compare --json - --fail-if 'peak.rss>+5%||faults.minor>+1||swap>+1' a.json b.json
	[ "$status" -eq 3 ]
	[ "$(jq -s length "$OUT")" -eq 1 ]
	[ "$(jq -c '[.fail_if.holds, (.fail_if.parts[] | .holds)]' "$OUT")" = '[true,true,null,false]' ]
	[ "$(wc -l <"$ERR")" -eq 2 ]
	grep -qF 'peak.rss>+5%: 993.0 MiB, then 1.02 GiB' "$ERR"
	grep -qF 'faults.minor>+1: n/a in B' "$ERR"
}

@test "diff: a summary on standard input, or out of a pipe" {
	compare a.json - <b.json
	[ "$status" -eq 0 ]
	grep -qF 'standard input (summary)' "$OUT"
	compare - b.json < <(cat a.json)
	[ "$status" -eq 0 ]
	compare a.json <(cat b.json)
	[ "$status" -eq 0 ]
	grep -qF '+5.6 %' "$OUT"
}

@test "diff: files that are none, cannot be read, or are something else" {
	failed "'none.json': No such file" none.json b.json
	failed "'none.json': No such file" a.json none.json
	failed 'Is a directory' a.json .
	: >empty
	failed "'empty': it is empty" a.json empty
	echo '{"schema":"memmon-bpf/summary/1"' >torn
	failed "'torn': it is no JSON: line 2" a.json torn
	head -c 100000 /dev/urandom >noise
	failed "'noise': it is no JSON" a.json noise
	echo '{"schema":"memmon-bpf/summary/2"}' >newer
	failed "'newer': its schema 'memmon-bpf/summary/2' is not the one" a.json newer
	failed "it is what 'memmon-bpf shm' wrote" a.json "$GOLDEN/shm.json"
	jq '.target.peak.rss_bytes = "much"' a.json >odd
	failed "'target.peak.rss_bytes' is not a number" a.json odd
	head -c 4096 a.json >half
	failed 'it is no JSON' half b.json
	printf 'SQLite format 3\0and no more' >cut.memmon
	failed "'cut.memmon'" cut.memmon b.json
	printf 'SQLite format 3\0and no more' >cut.memmon
	compare a.json - <cut.memmon
	[ "$status" -eq 1 ]
	grep -qF 'a recording is no stream' "$ERR"
}

@test "diff: an endless input is given up" {
	failed 'larger than any summary' a.json /dev/zero
}

@test "diff: outputs that cannot be written" {
	compare a.json b.json --json /no/such/dir/c.json
	[ "$status" -eq 1 ]
	grep -qF -- "--json: cannot write '/no/such/dir/c.json'" "$ERR"
	compare a.json b.json --json /dev/full
	[ "$status" -eq 1 ]
	grep -qF 'No space left' "$ERR"
	grep -qF 'Peak RSS' "$OUT" # the other output is whole
	status=0
	"$MEMMON" diff a.json b.json >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
	grep -qF 'No space left' "$ERR"
	# a reader that goes away
	{ "$MEMMON" diff a.json b.json --json - 2>"$ERR" && echo 0 >status || echo $? >status; } | true
	[ "$(cat status)" -le 1 ]
}

@test "diff: what is compared is not overwritten" {
	cp b.json copy
	ln -s b.json link
	for file in b.json ./b.json link; do
		compare a.json b.json --json "$file"
		[ "$status" -eq 1 ]
		grep -qF 'would overwrite' "$ERR"
		cmp b.json copy
	done
	echo old >c.json
	compare a.json b.json --json c.json
	[ "$status" -eq 0 ]
	[ "$(jq -s length c.json)" -eq 1 ]
}

@test "diff: colours on a terminal only, and not against NO_COLOR" {
	# script(1) gives it a terminal
	command -v script >/dev/null || skip 'script is not installed'
	script -qec "'$MEMMON' diff a.json b.json" /dev/null >"$OUT" </dev/null
	grep -q $'\e\[31m' "$OUT"
	script -qec "NO_COLOR=1 '$MEMMON' diff a.json b.json" /dev/null >"$OUT" </dev/null
	run ! grep -q $'\e' "$OUT"
	script -qec "'$MEMMON' diff --no-color a.json b.json" /dev/null >"$OUT" </dev/null
	run ! grep -q $'\e' "$OUT"
}

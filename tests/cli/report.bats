#!/usr/bin/env bats
# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The command line of `memmon-bpf report`, and what is no recording: nothing here needs root or BPF.
# tests/live/report.bats records and reports.

bats_require_minimum_version 1.5.0

setup() {
	MEMMON=${MEMMON:-$BATS_TEST_DIRNAME/../../build/memmon-bpf}
	GOLDEN=$(realpath "$BATS_TEST_DIRNAME/../golden")
	OUT=$BATS_TEST_TMPDIR/out
	ERR=$BATS_TEST_TMPDIR/err
	cd "$BATS_TEST_TMPDIR"
}

report() {
	status=0
	timeout -k 5 20 "$MEMMON" report "$@" </dev/null >"$OUT" 2>"$ERR" || status=$?
	echo "memmon-bpf report $*: status $status"
	cat "$OUT" "$ERR"
}

# bad WORD ARG…: refused with 2, nothing on standard output, WORD on standard error
bad() {
	local word=$1
	shift
	report "$@"
	[ "$status" -eq 2 ]
	[ ! -s "$OUT" ]
	grep -qF -- "$word" "$ERR"
	[ "$(wc -l <"$ERR")" -le 3 ]
}

@test "report --help: on one screen, on standard output" {
	report --help
	[ "$status" -eq 0 ]
	[ ! -s "$ERR" ]
	[ "$(wc -l <"$OUT")" -le 40 ]
	[ "$(LC_ALL=C.UTF-8 awk '{ if (length($0) > max) max = length($0) } END { print max }' "$OUT")" -le 110 ]
	cp "$OUT" "$OUT.long"
	report -h
	diff "$OUT.long" "$OUT"
	status=0
	"$MEMMON" report --help >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
}

@test "report: bad usage" {
	bad 'nothing to report'
	bad "'b' is too many" a b
	bad 'is no stream' -
	bad '--no-such' a --no-such
	bad "'furlong'" a --unit furlong
	bad '1 to 1000000' a --max-processes 0
	bad 'which only diff knows' a --fail-if 'peak.rss>+5%'
	bad 'exclude each other' a --json - --csv -
	bad 'the same file' a --html x --json x
}

@test "report: what is typed is never acted on by the terminal" {
	report $'\033[2J'
	[ "$status" -eq 1 ]
	run ! grep -q $'\033' "$ERR"
	report a --unit $'\033[2J'
	[ "$status" -eq 2 ]
	run ! grep -q $'\033' "$ERR"
}

@test "report: what is no recording; no output is touched" {
	local file
	: >empty
	head -c 100000 /dev/urandom >noise
	printf 'SQLite format 3\0and no more' >torn
	mkfifo fifo
	for file in none empty noise torn fifo . "$GOLDEN/summary-train.json" /dev/null; do
		echo old >out.json
		report "$file" --json out.json
		[ "$status" -eq 1 ]
		[ ! -s "$OUT" ]
		[ "$(wc -l <"$ERR")" -eq 1 ]
		grep -qF "memmon-bpf report: '$file': " "$ERR"
		[ "$(cat out.json)" = old ]
	done
}

@test "report: another program's database, and one of a newer memmon-bpf" {
	command -v python3 >/dev/null || skip 'python3 is not installed'
	python3 - <<-'END'
		import sqlite3
		c = sqlite3.connect("other.db")
		c.execute("CREATE TABLE t (x)")
		c.commit()
		c = sqlite3.connect("newer.db")
		c.execute("CREATE TABLE run (x)")
		c.execute("PRAGMA application_id = 0x4d4d4f4e")
		c.execute("PRAGMA user_version = 1000")
		c.commit()
	END
	report other.db
	[ "$status" -eq 1 ]
	grep -qF 'not a recording of memmon-bpf' "$ERR"
	report newer.db
	[ "$status" -eq 1 ]
	grep -qF 'its schema is 1000' "$ERR"
}

@test "OpenMetrics: the golden files pass the parsers of Prometheus" {
	# the distribution's module is the distribution's python3's
	/usr/bin/python3 -c 'import prometheus_client' || skip 'python3-prometheus-client is not installed'
	/usr/bin/python3 - "$GOLDEN"/*openmetrics*.txt <<-'END'
		import sys
		from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
		from prometheus_client.parser import text_string_to_metric_families as classic
		assert len(sys.argv) > 3
		for name in sys.argv[1:]:
		    text = open(name, newline="").read()
		    families = list(strict(text))
		    assert [f.name for f in families] == [f.name for f in classic(text)], name
		    samples = [(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples]
		    assert len(samples) == len(set(samples)), name
		    assert all(f.type == "gauge" and f.documentation and f.samples for f in families), name
		    assert all(not f.unit or f.name.endswith("_" + f.unit) for f in families), name
	END
}

@test "--help names report and diff" {
	"$MEMMON" --help >"$OUT"
	grep -qE '^ +memmon-bpf report RECORDING ' "$OUT"
	grep -qE '^ +memmon-bpf diff .*A B ' "$OUT"
}

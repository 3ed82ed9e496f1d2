#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real watches, recorded and reported: every form has the figures that the watch itself gave, and what is
# broken, empty or unwritable is told of.

load helpers

setup() {
	begin
	RUN=$BATS_TEST_TMPDIR/run.memmon
}
teardown() {
	finish_all
	umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || :
}

# record ARG…: a watch with a recording, its JSON and CSV; its summary is in $ERR
record() {
	memmon -o "$RUN" --json "$JSON" --csv live.csv -i 0.02 "$@"
	cp "$ERR" live.txt
}

# report ARG…: as memmon, of the recording
report() {
	memmon report "$RUN" "$@"
}

# counter NAME MEMBER: the largest value of a counter of the trace, by "PID VALUE"
counter() {
	jq -r --arg name "$1" --arg member "$2" '[.traceEvents[] | select(.ph == "C" and .name == $name and .args[$member])]
		| group_by(.pid)[] | "\(.[0].pid) \([.[].args[$member]] | max)"' trace.json
}

@test "the text and the JSON of a recording are those that the watch printed" {
	record -- sh -c "'$WORKLOADS/spike' 24 2; '$WORKLOADS/forks' 3; exit 5"
	[ "$status" -eq 5 ]
	report
	[ "$status" -eq 0 ]
	diff "$OUT" <(grep -v '^ready\|^maxrss\|^done' live.txt)
	report --json report.json
	[ "$status" -eq 0 ]
	[ ! -s "$OUT" ] && [ ! -s "$ERR" ]
	diff report.json "$JSON"
	report --json -
	diff "$OUT" "$JSON"
	# asked for otherwise
	report --unit KiB --max-processes 1
	grep -qE '^Peak RSS [0-9.]+ KiB' "$OUT"
	report --max-processes 1 --json report.json
	same processes "$(jq '.processes | length' report.json)" 1
	same 'seen in all' "$(jq '.processes_omitted + 1' report.json)" "$(j '.processes | length')"
}

@test "the timeline has the columns, moments and figures of the watch" {
	record -- sh -c "'$WORKLOADS/spike' 24 5; sleep 0.2"
	[ "$status" -eq 0 ]
	report --csv report.csv
	[ "$status" -eq 0 ]
	python3 - <<-'END'
		import csv
		live, later = (list(csv.DictReader(open(n))) for n in ("live.csv", "report.csv"))
		assert list(live[0]) == list(later[0])
		key = lambda r: (r["time_s"], r["kind"], r["pid"])
		was = {key(r): r for r in live}
		assert later and len(set(map(key, later))) == len(later)
		missing = [key(r) for r in later if key(r) not in was]
		assert not missing, missing[:5]
		compared = 0
		for row in later:
		    for name, value in row.items():
		        # empty where nothing was recorded; a peak that is known exactly may be more
		        if value == "" or name == "interval.peak":
		            continue
		        assert value == was[key(row)][name], (key(row), name, value, was[key(row)][name])
		        compared += 1
		assert compared > 100
		trees = [r for r in later if r["kind"] == "tree"]
		peaks = [int(r["peak.rss"]) for r in trees]
		assert peaks == sorted(peaks)
		assert all(int(r["interval.peak"]) >= int(r["rss"]) for r in trees)
		assert max(int(r["interval.peak"]) for r in trees) == peaks[-1]
	END
	report --csv zero.csv --from-zero
	python3 - <<-'END'
		import csv, json
		first = json.load(open("summary.json"))["target"]["first"]
		plain, zero = (list(csv.DictReader(open(n))) for n in ("report.csv", "zero.csv"))
		assert len(plain) == len(zero)
		for p, z in zip(plain, zero):
		    if p["kind"] == "tree" and p["rss"]:
		        assert int(z["rss"]) == int(p["rss"]) - first["rss_bytes"]
		        assert int(z["anon"]) == int(p["anon"]) - first["anon_bytes"]
	END
	report --csv -
	diff "$OUT" report.csv
}

@test "the trace follows the format, and its peaks are those of the summary" {
	record -- sh -c "'$WORKLOADS/spike' 24 3; '$WORKLOADS/forks' 3"
	[ "$status" -eq 0 ]
	report --perfetto trace.json
	[ "$status" -eq 0 ]
	python3 - <<-'END'
		import json
		trace = json.load(open("trace.json"))
		events = trace["traceEvents"]
		assert isinstance(events, list) and len(events) > 20
		last, named = 0, set()
		for e in events:
		    assert {"name", "ph", "ts", "pid", "tid", "args"} <= set(e), e
		    assert e["ph"] in "MCi" and isinstance(e["name"], str) and e["name"]
		    assert isinstance(e["ts"], (int, float)) and e["ts"] >= 0
		    assert isinstance(e["pid"], int) and 0 <= e["pid"] < 2**31
		    if e["ph"] == "M":
		        if e["name"] == "process_name":
		            assert e["pid"] not in named and isinstance(e["args"]["name"], str)
		            named.add(e["pid"])
		        continue
		    assert e["ts"] >= last and e["pid"] in named, e
		    last = e["ts"]
		    if e["ph"] == "C":
		        assert e["args"] and all(type(v) is int for v in e["args"].values()), e
		    else:
		        assert e["s"] in ("g", "p", "t")
		assert abs(last / 1e6 - json.load(open("summary.json"))["duration_s"]) < 1e-6
	END
	j '.processes[] | select(.rss.peak_bytes) | "\(.pid) \(.rss.peak_bytes)"' | sort >peaks
	counter RSS total | sort >counters
	comm -23 peaks counters
	[ -z "$(comm -23 peaks counters)" ]
	grep -qx "2000000001 $(j .target.peak.rss_bytes)" counters
	same 'starts' "$(jq '[.traceEvents[] | select(.ph == "i" and .name == "start")] | length' trace.json)" "$(j .target.processes)"
	same 'ends' "$(jq '[.traceEvents[] | select(.ph == "i" and .name == "exit")] | length' trace.json)" "$(j .target.processes)"
}

@test "OpenMetrics: valid, and its gauges are the figures of the summary" {
	/usr/bin/python3 -c 'import prometheus_client' || skip 'python3-prometheus-client is not installed'
	record -- "$WORKLOADS/spike" 24 2
	report --openmetrics metrics.txt
	[ "$status" -eq 0 ]
	/usr/bin/python3 - <<-'END'
		import json
		from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
		s = json.load(open("summary.json"))
		samples = {}
		for family in parse(open("metrics.txt", newline="").read()):
		    for sample in family.samples:
		        key = (sample.name, sample.labels.get("pid"))
		        assert key not in samples
		        samples[key] = sample.value
		for name, value in (("peak_rss_bytes", s["target"]["peak"]["rss_bytes"]),
		                    ("rss_bytes", s["target"]["last"]["rss_bytes"]),
		                    ("duration_seconds", s["duration_s"]),
		                    ("faults_minor", s["target"]["faults"]["minor"]),
		                    ("run_exit_code", 0),
		                    ("system_available_min_bytes", s["system"]["available"]["min_bytes"])):
		    assert samples[("memmon_" + name, None)] == value, name
		for p in s["processes"]:
		    assert samples[("memmon_process_peak_rss_bytes", str(p["pid"]))] == p["rss"]["peak_bytes"]
		assert not any(n.startswith("memmon_footprint") for n, _ in samples) # not known: not there
	END
}

@test "shared memory: its counters, and the wall that was hit" {
	mkdir small
	mount -t tmpfs -o size=4m none small || skip 'tmpfs cannot be mounted'
	record -- "$WORKLOADS/shm_wall" "$PWD/small" write
	report --perfetto trace.json --json report.json
	diff report.json "$JSON"
	if [ "$(j '[.shm[].full[]] | length')" -gt 0 ]; then
		same 'walls' "$(jq '[.traceEvents[] | select(.name == "shm_full")] | length' trace.json)" "$(j '[.shm[].full[]] | length')"
	fi
	report
	diff "$OUT" <(sed -n '/^memmon-bpf /,$p' live.txt)
}

@test "several outputs at once, and pictures" {
	record -- "$WORKLOADS/spike" 8 2
	report --json a.json --csv a.csv --perfetto a.trace --openmetrics a.om --svg a.svg --png a.png --html a.html
	[ "$status" -eq 0 ]
	[ ! -s "$OUT" ] && [ ! -s "$ERR" ]
	jq -e .schema a.json
	head -n 1 a.csv | grep -q ^time_s
	jq -e .traceEvents a.trace
	same 'last line' "$(tail -n 1 a.om)" '# EOF'
	grep -q '<svg' a.svg
	[ "$(head -c 4 a.png | tail -c 3)" = PNG ]
	grep -qi '<!doctype html>' a.html
}

@test "a watch that was killed: its recording breaks off, which is told" {
	start_workload w idle 16
	hear w ready
	watch -o "$RUN" -i 0.02 -p "$w_pid"
	# the second commit is there when the first is a second old
	until_true eval '[ "$("$MEMMON" report "$RUN" --json - 2>/dev/null | jq ".duration_s > 1")" = true ]'
	# while it runs
	report
	[ "$status" -eq 0 ]
	grep -q 'breaks off (memmon-bpf was killed, or still runs)' "$OUT"
	grep -q 'Peak RSS' "$OUT"
	kill -KILL "$watch_pid"
	ended "$watch_pid"
	report
	[ "$status" -eq 0 ]
	grep -q 'breaks off' "$OUT"
	# its newest part lies beside it, and is no output
	[ -s "$RUN-wal" ]
	report --csv "$RUN-wal"
	[ "$status" -eq 1 ]
	grep -q 'is the recording itself' "$ERR"
	[ -s "$RUN-wal" ]
	report --json report.json --perfetto trace.json
	[ "$status" -eq 0 ]
	grep -q 'breaks off' "$ERR"
	same 'peak' "$(jq ".processes[] | select(.pid == $w_pid) | .rss.last_bytes" report.json)" "$(statm_bytes "$w_pid")"
	jq -e '.traceEvents[-1].name == "the recording breaks off"' trace.json
	# as one side of a comparison it is told of too
	memmon diff "$RUN" "$RUN"
	[ "$status" -eq 0 ]
	grep -q 'warning: A breaks off' "$OUT"
}

@test "an empty recording is told of, and is no failure" {
	memmon -o "$RUN" -- /no/such/command
	[ "$status" -eq 127 ]
	report
	[ "$status" -eq 0 ]
	grep -q 'the command could not be run after 0.000 s; nothing was read' "$OUT"
	same complete "$(sqlite3 "$RUN" 'SELECT complete FROM run')" 1
	report --json a.json --csv a.csv --perfetto a.trace --openmetrics a.om --svg a.svg --png a.png --html a.html
	[ "$status" -eq 0 ]
	grep -q 'empty' "$ERR"
	jq -e '.target.peak.rss_bytes == null' a.json
	jq -e .traceEvents a.trace
	memmon diff "$RUN" "$RUN" --fail-if 'peak.rss>+0'
	[ "$status" -eq 0 ]
	grep -q 'warning: A is empty' "$OUT"
	grep -q 'n/a in A and in B' "$OUT"
}

@test "broken recordings: told of or read, never a crash" {
	record -- sh -c "'$WORKLOADS/spike' 8 2; '$WORKLOADS/forks' 20"
	local size i
	size=$(stat -c %s "$RUN")
	for i in 1 100 4096 $((size / 2)) $((size - 4096)); do
		head -c "$i" "$RUN" >cut.memmon
		memmon report cut.memmon --json a.json --csv a.csv --perfetto a.trace --openmetrics a.om --html a.html
		[ "$status" -le 1 ]
		memmon diff cut.memmon "$JSON"
		[ "$status" -le 1 ]
	done
	for i in $(seq 40); do
		cp "$RUN" bad.memmon
		python3 - "$i" <<-'END'
			import random, sys
			random.seed(int(sys.argv[1]))
			data = bytearray(open("bad.memmon", "rb").read())
			for _ in range(random.choice((1, 10, 1000))):
			    data[random.randrange(100, len(data))] = random.randrange(256)
			open("bad.memmon", "wb").write(data)
		END
		memmon report bad.memmon --json a.json --csv a.csv --perfetto a.trace --openmetrics a.om --html a.html --svg a.svg
		[ "$status" -le 1 ]
		[ "$status" -eq 0 ] || [ -s "$ERR" ]
		run ! grep -q $'\e' "$ERR"
		memmon report bad.memmon
		[ "$status" -le 1 ]
	done
}

@test "conditions: at the end of the watch, and in its intervals" {
	record -- "$WORKLOADS/spike" 64 20
	report --fail-if 'peak.rss>64MiB'
	[ "$status" -eq 3 ]
	grep -q 'failed: peak.rss>64MiB' "$OUT"
	report --fail-if 'peak.rss>640MiB'
	[ "$status" -eq 0 ]
	report --json report.json --fail-if 'peak.rss>64MiB'
	[ "$status" -eq 3 ]
	grep -q 'failed: peak.rss>64MiB' "$ERR"
	# at the end nothing was left of it
	report --fail-if 'interval.peak>64MiB'
	[ "$status" -eq 3 ]
	report --fail-if 'footprint<1'
	[ "$status" -eq 0 ]
	# the condition that held in the watch is in its recording
	memmon -o "$RUN" --fail-if 'peak.rss>1MiB' -- true
	[ "$status" -eq 3 ]
	report
	[ "$status" -eq 0 ]
	grep -q 'failed: peak.rss>1MiB' "$OUT"
}

@test "outputs that cannot be written; a reader that goes away; the recording itself" {
	record -- "$WORKLOADS/spike" 8 20
	cp "$RUN" copy
	report --json /no/such/dir/a.json --csv a.csv
	[ "$status" -eq 1 ]
	grep -qF -- "--json: cannot write '/no/such/dir/a.json'" "$ERR"
	[ ! -e a.csv ]
	report --json a.json --perfetto /dev/full --csv a.csv
	[ "$status" -eq 1 ]
	grep -q -- '--perfetto: cannot write /dev/full: No space left' "$ERR"
	diff a.json "$JSON" # the others are whole
	[ -s a.csv ]
	mkdir small
	mount -t tmpfs -o size=8k none small || skip 'tmpfs cannot be mounted'
	head -c 8192 /dev/zero >small/fill
	report --csv small/a.csv
	[ "$status" -eq 1 ]
	grep -q 'small/a.csv: No space left' "$ERR"
	status=0
	timeout -k 5 "$LIMIT" "$MEMMON" report "$RUN" >/dev/full 2>"$ERR" || status=$?
	[ "$status" -eq 1 ]
	grep -q 'cannot write standard output: No space left' "$ERR"
	{ timeout -k 5 "$LIMIT" "$MEMMON" report "$RUN" --csv - --json b.json 2>"$ERR" 3>&- 4>&- && echo 0 >code || echo $? >code; } | head -n 1 >"$OUT"
	[ "$(cat code)" -le 1 ]
	diff b.json "$JSON"
	ln -s "$RUN" link
	ln "$RUN" hard
	for file in "$RUN" link hard; do
		report --csv "$file"
		[ "$status" -eq 1 ]
		grep -q 'is the recording itself' "$ERR"
	done
	cmp "$RUN" copy
	mkdir -m 1777 open
	echo precious >victim
	ln -s ../victim open/link
	chown -h nobody open/link
	report --html open/link
	[ "$status" -eq 1 ]
	same content "$(cat victim)" precious
}

@test "two recordings compared: what grew, by how much, and for CI" {
	record -- "$WORKLOADS/spike" 16 2
	cp "$RUN" before.memmon
	cp "$JSON" before.json
	record -- "$WORKLOADS/spike" 48 2
	memmon diff before.memmon "$RUN" --json diff.json
	[ "$status" -eq 0 ]
	same before "$(jq '.fields["peak.rss"].a' diff.json)" "$(j .target.peak.rss_bytes before.json)"
	same after "$(jq '.fields["peak.rss"].b' diff.json)" "$(j .target.peak.rss_bytes)"
	within change "$(jq '.fields["peak.rss"].change' diff.json)" $((31 * MIB)) $((33 * MIB))
	same 'largest of the name' "$(jq '.processes[] | select(.comm == "spike") | .peak_max_bytes.b' diff.json)" "$(j '.processes[0].rss.peak_bytes')"
	same machine "$(jq '.a.machine == .b.machine and .a.machine != null' diff.json)" true
	grep -q 'warning: different commands' "$OUT"
	run ! grep -q 'different machines' "$OUT"
	memmon diff before.memmon "$RUN" --fail-if 'peak.rss>+20MiB'
	[ "$status" -eq 3 ]
	memmon diff before.memmon "$RUN" --fail-if 'peak.rss>+40MiB'
	[ "$status" -eq 0 ]
	# in any mixture the same
	for pair in "before.json $RUN" "before.memmon $JSON" "before.json $JSON"; do
		# shellcheck disable=SC2086
		memmon diff $pair --json other.json
		[ "$status" -eq 0 ]
		diff <(jq .fields,.growth,.processes,.shm diff.json) <(jq .fields,.growth,.processes,.shm other.json)
	done
	# nothing changed between a recording and the summary of the same watch
	memmon diff "$RUN" "$JSON" --json same.json
	same changes "$(jq -c '[.fields[], .growth[] | .change | select(. != null and . != 0)]' same.json)" '[]'
	same warnings "$(jq -c .warnings same.json)" '[]'
}

@test "reports need no root" {
	record -- "$WORKLOADS/spike" 8 2
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_FILE_TMPDIR" 2>/dev/null || :
	chmod 644 "$RUN"
	command -v setpriv >/dev/null || skip 'setpriv is not installed'
	cp "$MEMMON" ./memmon-copy
	status=0
	setpriv --reuid 65534 --regid 65534 --clear-groups ./memmon-copy report "$RUN" >"$OUT" 2>"$ERR" || status=$?
	show
	[ "$status" -eq 0 ]
	grep -q 'Peak RSS' "$OUT"
}

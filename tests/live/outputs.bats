#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Outputs that cannot be written, fill up, or are closed: a message, the right status, nothing lost.

load helpers

setup() {
	begin
}
teardown() {
	finish_all
	umount "$BATS_TEST_TMPDIR/small" 2>/dev/null || :
}

@test "a closed pipe ends the watch" {
	start_workload w idle 5
	hear w ready
	# no limit of its own: it must end because nobody reads
	timeout -k 5 "$LIMIT" "$MEMMON" -p "$w_pid" -i 0.02 --json "$JSON" 2>"$ERR" 3>&- 4>&- | head -n 1 >"$OUT"
	status=${PIPESTATUS[0]}
	show
	[ "$status" -ne 124 ]
	[ "$status" -le 1 ]
	[ -s "$OUT" ]
	as_proc "$w_pid" last # the summary was written all the same
}

@test "a closed pipe does not end a command" {
	timeout -k 5 "$LIMIT" "$MEMMON" --lines -i 0.02 --json "$JSON" -- sh -c 'sleep 0.5; exit 6' 2> >(head -n 1 >"$OUT") 3>&- 4>&- || status=$?
	same status "$status" 6
	same exit "$(j .exit.code)" 6
}

@test "a full device: 1, or 125 with a command, and a message that names it" {
	start_workload w idle 5
	hear w ready
	memmon -p "$w_pid" -d 0.2 --json /dev/full
	[ "$status" -eq 1 ]
	grep -q '/dev/full.*No space left' "$ERR"
	grep -q 'Peak RSS' "$OUT"
	memmon --json /dev/full -- true
	[ "$status" -eq 125 ]
	grep -q '/dev/full.*No space left' "$ERR"
	grep -q 'Peak RSS' "$ERR"
	memmon --csv /dev/full -- true
	[ "$status" -eq 125 ]
	grep -q '/dev/full.*No space left' "$ERR"
	# the command's own failure says more
	memmon --json /dev/full -- sh -c 'exit 8'
	[ "$status" -eq 8 ]
}

@test "standard output is full" {
	start_workload w idle 5
	hear w ready
	status=0
	timeout -k 5 "$LIMIT" "$MEMMON" -p "$w_pid" -d 0.3 --json "$JSON" >/dev/full 2>"$ERR" || status=$?
	echo "status $status"
	cat "$ERR"
	[ "$status" -eq 1 ]
	grep -q 'No space left' "$ERR"
	as_proc "$w_pid" last
}

@test "a file system that fills up while the timeline is written" {
	mkdir small
	mount -t tmpfs -o size=8k none small || skip 'tmpfs cannot be mounted'
	memmon -i 0.01 --csv small/timeline.csv --json "$JSON" -- "$WORKLOADS/spike" 32 100
	[ "$status" -eq 125 ]
	grep -q 'small/timeline.csv.*No space left' "$ERR"
	# the other outputs are whole, and what was written of this one begins as it should
	same exit "$(j .exit.code)" 0
	grep -q 'Peak RSS' "$ERR"
	head -n 1 small/timeline.csv | grep -q '^time_s,'
}

@test "outputs that cannot be opened: refused before anything is watched or run" {
	local file
	for file in /no/such/dir/file.json "$BATS_TEST_TMPDIR"; do
		memmon --json "$file" -- touch ran
		[ "$status" -eq 125 ]
		grep -qF -- "--json: cannot write '$file'" "$ERR"
		[ ! -e ran ]
		memmon --csv "$file" -p $$
		[ "$status" -eq 1 ]
		grep -qF -- "--csv: cannot write '$file'" "$ERR"
	done
}

@test "an existing JSON file is replaced, not appended to" {
	head -c 100000 /dev/zero >"$JSON"
	memmon --json "$JSON" -- true
	[ "$status" -eq 0 ]
	same documents "$(jq -s length "$JSON")" 1
}

@test "closed standard descriptors: what belongs there ends up in no other file" {
	timeout -k 5 "$LIMIT" "$MEMMON" --lines -i 0.01 --json "$JSON" --csv timeline.csv -- \
		sleep 0.1 <&- >&- 2>&- 3>&- 4>&- || echo "status $?"
	head -c 300 "$JSON"
	jq -e '.exit.code == 0' "$JSON"
	same documents "$(jq -s length "$JSON")" 1
	head -n 3 timeline.csv
	same 'widths of the rows' "$(awk -F, '{ print NF }' timeline.csv | sort -u | wc -l)" 1
}

@test "links in a world-writable directory are not followed" {
	mkdir -m 1777 open
	echo precious >victim
	ln -s ../victim open/link
	chown -h nobody open/link
	memmon --json open/link -- true
	[ "$status" -eq 125 ]
	grep -q "open/link" "$ERR"
	same content "$(cat victim)" precious
}

@test "hostile names of processes reach no terminal and no parser" {
	# an escape sequence, quotes, a comma, a line end, bytes that are no UTF-8
	local name=$'e\e[2J"\',\n\xff\xfe'
	cp /bin/true "./$name"
	memmon --json "$JSON" --csv timeline.csv -i 0.01 --lines -- "./$name"
	[ "$status" -eq 0 ]
	run ! grep -q $'\e' "$ERR"
	grep -qF ': ./e\x1b[2J"' "$ERR" # escaped once
	jq -e '.processes[0].comm | test("2J")' "$JSON"
	iconv -f UTF-8 -t UTF-8 "$JSON" >/dev/null
	python3 - timeline.csv <<-'END'
		import csv, sys
		rows = list(csv.reader(open(sys.argv[1], newline="")))
		assert len({len(row) for row in rows}) == 1, rows
	END
}

#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --log-dir and --mprof, for those who come from NNCF's memory monitor and from memory_profiler.

load helpers

setup() {
	begin
	LOGS=$BATS_TEST_TMPDIR/logs
}
teardown() {
	finish_all
}

# read_log FILE WHAT: what NNCF's own reader makes of it, which takes all lines but the last two for
# pairs of numbers: n, first, max, last_time; and what the last two say: total, said.
read_log() {
	python3 - "$LOGS/$1" "$2" <<'END'
import re, sys
with open(sys.argv[1]) as f:
    lines = f.readlines()
times, values = [], []
for line in lines[:-2]:
    time, value = tuple(map(float, line.split(" ")))
    assert re.fullmatch(r"\d+\.\d+ -?\d+\.\d{3}\n", line), line
    times.append(time)
    values.append(value)
assert times == sorted(times) and times[0] == 0
total = float(re.fullmatch(r"Total time: ([\d.]+)\n", lines[-2]).group(1))
said = float(re.fullmatch(r"Max memory: (-?[\d.]+) \(MiB\)\n?", lines[-1]).group(1))
assert abs(total - (times[-1] - times[0])) < 1e-6
assert abs(said - max(values)) < 0.0006
print({"n": len(values), "first": values[0], "max": max(values), "last_time": times[-1]}[sys.argv[2]])
END
}

# in_mib BYTES: as the files have it
in_mib() {
	awk -v bytes="$1" 'BEGIN { printf "%.3f\n", bytes / 1048576 }'
}

all_files() {
	local type suffix
	for type in rss system; do
		for suffix in '' _from-zero; do
			echo "${type}_memory_usage$suffix.png"
			echo "${type}_memory_usage$suffix.txt"
		done
	done | sort
}

# A build without cairo writes the texts, says that there are no pictures, and fails.
needs_cairo() {
	case " ${WITHOUT:-} " in
	*" cairo "*) skip 'built without cairo' ;;
	esac
}

@test "a command: eight files, the exact peak as maximum, the table, the command's status" {
	memmon --log-dir "$LOGS" --json "$JSON" -- python3 -c '
import time
keep = bytearray(30 << 20)
time.sleep(0.25)
spike = bytearray(64 << 20)
del spike
time.sleep(0.25)
exit(7)'
	[ "$status" -eq 7 ]
	same files "$(ls "$LOGS")" "$(all_files)"
	same 'the maximum' "$(printf %.3f "$(read_log rss_memory_usage.txt max)")" "$(in_mib "$(j .target.peak.rss_bytes)")"
	same 'the first' "$(printf %.3f "$(read_log rss_memory_usage.txt first)")" "$(in_mib "$(j .target.first.rss_bytes)")"
	same 'from zero' "$(printf %.3f "$(read_log rss_memory_usage_from-zero.txt first)")" 0.000
	same 'the maximum from zero' "$(printf %.3f "$(read_log rss_memory_usage_from-zero.txt max)")" \
		"$(in_mib "$(j '.target.peak.rss_bytes - .target.first.rss_bytes')")"
	same 'the machine' "$(printf %.3f "$(read_log system_memory_usage.txt max)")" "$(in_mib "$(j .system.used_peak_bytes)")"
	within lines "$(read_log rss_memory_usage.txt n)" 5 100
	# what is printed of the command is its own
	[ ! -s "$OUT" ]
	grep -qx 'Memory summary:' "$ERR"
	grep -qx 'Memory type    From zero    Peak value' "$ERR"
	same row "$(grep '^rss *False' "$ERR" | awk '{print $3}')" "$(in_mib "$(j .target.peak.rss_bytes)" | cut -d. -f1)"
	needs_cairo
	for picture in "$LOGS"/*.png; do
		file_type=$(head -c 24 "$picture" | od -An -tx1 -w24 | tr -d ' \n')
		# PNG, 1000 x 600
		[[ $file_type == 89504e470d0a1a0a0000000d49484452000003e800000258 ]]
	done
}

@test "one quoted string is run by the shell, words are not" {
	needs_cairo
	memmon --log-dir "$LOGS" -- 'echo "$((6 * 7))" && exit 3'
	[ "$status" -eq 3 ]
	same output "$(cat "$OUT")" 42
	memmon --log-dir "$LOGS" -- echo 'a && b' '$HOME'
	[ "$status" -eq 0 ]
	same output "$(cat "$OUT")" 'a && b $HOME'
	# one word that is no command line: as without --log-dir
	memmon --log-dir "$LOGS" -- true
	[ "$status" -eq 0 ]
	memmon --log-dir "$LOGS" -- nosuchprogram
	[ "$status" -eq 127 ]
	memmon -- 'exit 3'
	[ "$status" -eq 127 ]
}

@test "killed by a signal: 128 and its number; a command of no time has its peak too" {
	needs_cairo
	memmon --log-dir "$LOGS" -- 'kill -KILL $$'
	[ "$status" -eq 137 ]
	memmon --log-dir "$LOGS" --json "$JSON" -- true
	[ "$status" -eq 0 ]
	same 'the maximum' "$(printf %.3f "$(read_log rss_memory_usage.txt max)")" "$(in_mib "$(j .target.peak.rss_bytes)")"
}

@test "a running process, and -q" {
	needs_cairo
	start_workload idle idle
	hear idle ready
	memmon -q --log-dir "$LOGS" --json "$JSON" -d 0.5 -p "$idle_pid"
	[ "$status" -eq 0 ]
	[ ! -s "$OUT" ]
	[ ! -s "$ERR" ]
	same 'the maximum' "$(printf %.3f "$(read_log rss_memory_usage.txt max)")" "$(in_mib "$(j .target.peak.rss_bytes)")"
	same 'the last' "$(tail -n 3 "$LOGS/rss_memory_usage.txt" | awk 'NR == 1 {print $2}')" "$(in_mib "$(status_bytes "$idle_pid" VmRSS)")"
}

@test "in another unit" {
	needs_cairo
	memmon --log-dir "$LOGS" --unit KiB --json "$JSON" -- true
	[ "$status" -eq 0 ]
	same 'the maximum' "$(tail -n 1 "$LOGS/rss_memory_usage.txt")" \
		"Max memory: $(awk -v b="$(j .target.peak.rss_bytes)" 'BEGIN { printf "%.3f", b / 1024 }') (KiB)"
}

@test "the directory is made, with those above it; what cannot be written is told before anything runs" {
	needs_cairo
	memmon --log-dir a/b/c/ -- true
	[ "$status" -eq 0 ]
	same files "$(ls a/b/c)" "$(all_files)"
	touch plain
	memmon --log-dir plain -- touch ran
	[ "$status" -eq 125 ]
	grep -q "^memmon-bpf: --log-dir: cannot use 'plain': Not a directory; name another directory$" "$ERR"
	mkdir -p taken/rss_memory_usage.png
	memmon --log-dir taken -- touch ran
	[ "$status" -eq 125 ]
	grep -q "^memmon-bpf: --log-dir: cannot write 'rss_memory_usage.png' in 'taken': Is a directory" "$ERR"
	# a trap in a directory that everybody can write to
	mkdir -m 1777 shared
	mkdir mine
	ln -s ../mine shared/logs
	memmon --log-dir shared/logs -- touch ran
	[ "$status" -eq 125 ]
	grep -q 'it is a symbolic link in a directory that everybody can write to' "$ERR"
	[ ! -e ran ]
	[ -z "$(ls mine)" ]
}

@test "a disk that fills up is told, and the command's status is kept" {
	mkdir "$LOGS"
	mount -t tmpfs -o size=16k,nr_inodes=20 none "$LOGS"
	memmon --log-dir "$LOGS" -- 'head -c 1M /dev/zero >"'"$LOGS"'/filler" 2>/dev/null; sleep 0.5; exit 5'
	umount "$LOGS"
	[ "$status" -eq 5 ]
	grep -q "^memmon-bpf: cannot write $LOGS: No space left on device$" "$ERR"
}

@test "mprof peak of memory_profiler finds the same peaks" {
	command -v python3-mprof >/dev/null || skip 'memory_profiler is not installed'
	memmon --mprof profile.dat --json "$JSON" -- sh -c '
		python3 -c "x = bytearray(50 << 20)"
		python3 -c "x = bytearray(20 << 20)"
		:'
	[ "$status" -eq 0 ]
	head -n 1 profile.dat | grep -q '^CMDLINE sh -c '
	python3-mprof peak profile.dat >peaks
	cat peaks
	same 'the peak of all' "$(awk 'NR == 1 {print $2}' peaks)" "$(in_mib "$(j .target.peak.rss_bytes)")"
	# each child's own
	while read -r _ pid peak _; do
		same "the peak of $pid" "$peak" "$(in_mib "$(figure "$pid" .rss.peak_bytes)")"
	done < <(tail -n +2 peaks)
	same children "$(tail -n +2 peaks | wc -l)" "$(j '[.processes[] | select(.comm != "sh")] | length')"
}

@test "mprof plot of memory_profiler draws it" {
	command -v python3-mprof >/dev/null || skip 'memory_profiler is not installed'
	/usr/bin/python3 -c 'import matplotlib' 2>/dev/null || skip 'matplotlib is not installed'
	memmon --mprof profile.dat -- sh -c 'python3 -c "x = bytearray(50 << 20)"; :'
	MPLBACKEND=Agg python3-mprof plot -o plot.png profile.dat
	[ -s plot.png ]
}

@test "--mprof - is the profile and nothing else" {
	start_workload idle idle
	hear idle ready
	memmon --mprof - -d 0.3 -p "$idle_pid"
	[ "$status" -eq 0 ]
	run ! grep -vE '^(CMDLINE .*|MEM [0-9.]+ [0-9.]+|CHLD [0-9]+ [0-9.]+ [0-9.]+)$' "$OUT"
	within lines "$(grep -c '^MEM' "$OUT")" 3 20
	# a process that was asked for is not a child
	run ! grep '^CHLD' "$OUT"
	grep -q 'Peak RSS' "$ERR"
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks of shared memory.
# shellcheck disable=SC2086,SC2154 # pids, numbers and paths of our own: no blanks in them; see lib.sh

# ---- shared memory ------------------------------------------------------------------------------

# tmpfs [OPTION]: one of 16 MiB and 64 inodes, or as the options say. $device, as memmon-bpf shows it.
tmpfs() {
	mkdir -p /tmp/tmpfs
	mount -t tmpfs -o "size=16m,nr_inodes=64$1" none /tmp/tmpfs
	device=0:$(stat -c %d /tmp/tmpfs)
}

# What the shm tracer books is what statfs says, after every step; with another size of pages too.
shm_steps() {
	tmpfs "$2"
	status=0
	timeout $((LIMIT * 4)) sh /compare "$1" /tmp/tmpfs /workloads/ledger_dump /workloads/shm_steps ||
		status=$?
	same 'status of the comparison' $status 0
}
test_shm() {
	shm_steps $chain ''
}
test_shm_huge() {
	shm_steps $chain ',huge=always'
}

# The chains that are left where a better one is refused.
test_shm_kprobe() {
	export MEMMON_FORBID=fexit
	shm_steps kprobe ''
}
test_shm_kprobe_huge() {
	export MEMMON_FORBID=fexit
	shm_steps kprobe ',huge=always'
}
test_shm_tracepoints() {
	export MEMMON_FORBID='fexit kprobe'
	shm_steps tracepoints ''
}
test_shm_tracepoints_huge() {
	export MEMMON_FORBID='fexit kprobe'
	shm_steps tracepoints ',huge=always'
}

# The table, with files from before and made meanwhile, against statfs.
test_shm_table() {
	tmpfs ''
	head -c 1000000 /dev/zero >/tmp/tmpfs/before
	shm_watch --files
	head -c 300000 /dev/zero >/tmp/tmpfs/after
	rm /tmp/tmpfs/before
	stop_watch
	used=$(stat -f -c '%b %f %S' /tmp/tmpfs | awk '{ print ($1 - $2) * $3 }')
	figures <<-END
		used $used m("$device").used_bytes
		limit $((16 * MIB)) m("$device").limit_bytes
		inodes 64 m("$device").inodes.limit
		files after m("$device").files | map(.path) | join(" ")
		file $used m("$device").files[0].bytes
		creator head m("$device").files[0].creator.comm
		charged $used m("$device").charged_bytes
		uncharged 1003520 m("$device").uncharged_bytes
		peak $((1003520 + used)) m("$device").peak_bytes
	END
	# at once, when nothing was watched
	memmon shm --files --json $JSON
	same status $status 0
	figures <<-END
		used $used m("$device").used_bytes
		files $used [m("$device").files[].bytes] | add
	END
}

# shm_watch ARG…: memmon-bpf shm beside the test, from its first look on
shm_watch() {
	rm -f $JSON /tmp/csv
	memmon-bpf shm --watch --csv /tmp/csv --json $JSON "$@" </dev/null >$OUT 2>$ERR &
	watch_pid=$!
	STARTED="$watch_pid $STARTED"
	until_true shm_speaks
	if state_is $watch_pid Z-; then
		cat $ERR
	fi
}
shm_speaks() {
	rows=0
	[ ! -e /tmp/csv ] || while read -r _; do
		rows=$((rows + 1))
	done </tmp/csv
	[ $rows -gt 1 ] || state_is $watch_pid Z-
}

WALLS='short blocks pwritev fallocate fallocate-large touch copy inodes'
unseen=''

# walls: the failures in $JSON are those that shm_wall saw (/tmp/walls), each once and in its own words:
# pid, how, errno, signal, bytes wanted, bytes done.
#
# By tracepoints it is only the page that leaves the cache again, as it could not be charged, that tells
# of a system call which got EFAULT for it; before 6.7 the charge came first.
walls() {
	sed "$unseen; s/^[^ ]* //" /tmp/walls >/tmp/expected
	j "m(\"$device\").full[] | [.pid, .how, .errno // \"-\", .signal // \"-\", .wanted_bytes // \"-\",
		.done_bytes // \"-\"] | map(tostring) | join(\" \")" >/tmp/told
	diff /tmp/expected /tmp/told
	names=short_blocks_vectors_allocated_allocated_touched
	[ "$unseen" ] || names=${names}_copied
	figures <<-END
		each-once 1 m("$device").full | map(.times) | unique | map(tostring) | join(" ")
		limit $((4 * MIB)) m("$device").full | map(select(.how != "open") | .limit_bytes) | unique | only
		names $names m("$device").full | map(select(.how != "open") | .file) | join("_")
	END
}
test_wall_watch() {
	tmpfs ',size=4m'
	shm_watch
	/workloads/shm_wall /tmp/tmpfs $WALLS </dev/null >/tmp/walls
	stop_watch
	same chain "$(j .charges)" "traced by $by"
	walls
}
test_wall_kprobe() {
	export MEMMON_FORBID=fexit
	by=kprobes
	test_wall_watch
}
# 5.10 has no bpf_find_vma(), without which a touched page has no file: nothing is traced, and said so.
test_wall_tracepoints() {
	export MEMMON_FORBID='fexit kprobe'
	by=tracepoints
	case $kernel in
	5.10*) test_wall_untraced ;;
	6.1 | 6.1-*) unseen='/^copy /d' test_wall_watch ;;
	*) test_wall_watch ;;
	esac
}
test_wall_untraced() {
	tmpfs ',size=4m'
	shm_watch
	/workloads/shm_wall /tmp/tmpfs $WALLS </dev/null
	stop_watch
	grep -q 'not seen:.*what is charged, and who hits a wall' $OUT
	figures <<-END
		charges not_traced .charges | sub(" "; "_")
		charged null m("$device").charged_bytes
		told 0 m("$device").full | length
		limit $((4 * MIB)) m("$device").limit_bytes
	END
}
test_wall_command() {
	tmpfs ',size=4m'
	# shellcheck disable=SC2016 # for the shell that is killed
	memmon --json $JSON -- sh -c '"$@"; kill -KILL $$' _ /workloads/shm_wall /tmp/tmpfs $WALLS
	same status $status 137
	same signal 9 "$(j .exit.signal)"
	cp $OUT /tmp/walls
	walls
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks of commands and processes: RSS, its peaks and bounds, who is counted.
# shellcheck disable=SC2086,SC2154 # pids, numbers and paths of our own: no blanks in them; see lib.sh

# ---- a command ----------------------------------------------------------------------------------

test_true() {
	memmon --json $JSON -- true
	same status $status 0
	figures <<-END
		processes 1 .target.processes
		at-once 1 .target.peak_processes
		comm true .processes[0].comm
		exit 0 .processes[0].exit.code
		peak-of-the-tree 100000..$((20 * MIB)) .target.peak.rss_bytes
		peak-of-the-process 100000..$((20 * MIB)) .processes[0].rss.peak_bytes
		bound-of-the-process 0 bound(.processes[0]; 0)
		held-at-the-end 100000..$((20 * MIB)) .processes[0].rss.last_bytes
		left-in-the-tree 0 .target.last.rss_bytes
		lost 0 .overhead.lost_records
	END
}

test_not_found() {
	memmon --json $JSON -- /no/such/program
	same status $status 127
	grep -q "'/no/such/program'" $ERR
}

# spike MIB: once, as where a round were missed, another would hide it.
spike() {
	memmon --json $JSON -- /workloads/spike $1 1
	same status $status 0
	line_with $OUT maxrss_kib
	maxrss=$((heard * 1024))
	figures <<-END
		anon $(($1 * MIB))..$(($1 * MIB + 629145)) .processes[0].peak.anon_bytes
		anon-at-the-peak $(($1 * MIB))..$(($1 * MIB + 629145)) .processes[0].at_peak.anon_bytes
		rss-and-ru_maxrss $((maxrss - MIB))..$((maxrss + MIB)) .processes[0].rss.peak_bytes
		bound 0 bound(.processes[0]; 0)
		sum-of-the-kinds true .processes[0] | .rss.peak_bytes == (.at_peak | .anon_bytes + .file_bytes + .shmem_bytes)
		tree-and-process true .processes[0].rss.peak_bytes == .target.peak.rss_bytes
	END
}
test_spike() {
	pages small
	spike 64
	j '.processes[0].rss.peak_bytes' >/tmp/exact # for test_sample
	within 'minor faults' "$(j .target.faults.minor)" $((64 * MIB / PAGE)) $((64 * MIB / PAGE + 1000))
}
test_spike_huge() {
	spike 192
}

# The tracepoint of the exit comes too late for this before 6.16.
test_last() {
	pages small
	memmon --json $JSON -- sh -c 'exec sh -c "exec /workloads/idle 20"'
	same status $status 0
	figures <<-END
		processes 1 .target.processes
		comm idle .processes[0].comm
		first-of-the-process 0..$MIB .processes[0].rss.first_bytes
		held-at-the-end $((20 * MIB))..$((23 * MIB)) .processes[0].rss.last_bytes
		anon-of-it $((20 * MIB))..$((21 * MIB)) .processes[0].last.anon_bytes
		the-peak-too true .processes[0].rss | .peak_bytes == .last_bytes
		minor-faults $((20 * MIB / PAGE))..$((20 * MIB / PAGE + 1000)) .target.faults.minor
	END
}

# One watch of a shell, for several checks: each process that it ran is counted, ends with a status, and
# leaves nothing in the tree.
script() {
	JSON=/tmp/script.json
	[ ! -e $JSON ] || return 0
	rm -f /tmp/faults
	# shellcheck disable=SC2016 # for the shell that is watched
	memmon --json $JSON --max-processes 1000 -- sh -c '
		i=0
		while [ $i -lt 300 ]; do
			/bin/true
			i=$((i + 1))
		done
		unshare -p -f /workloads/forks 4000000 3
		/workloads/vforks 32 10
		for i in 1 2 3 4 5 6 7 8 9 10; do
			time -f %R -o /tmp/faults -a /workloads/endtogether 8 200
		done
		exit 7'
	same status $status 7
}
test_many() {
	script
	figures <<-END
		processes 337 .target.processes
		at-once 6 .target.peak_processes
		exit 7 .exit.code
		listed 337 .processes | length
		without-a-status [] [.processes[] | select(.exit == null)]
		without-a-peak [] [.processes[] | select(.rss.peak_bytes == null)]
		without-an-end [] [.processes[] | select(.rss.last_bytes == null)]
		left-in-the-tree 0 .target.last.rss_bytes
		lost 0 .overhead.lost_records
	END
}

test_pid_namespace() {
	script
	forks='[.processes[] | select(.comm == "forks")]'
	figures <<-END
		processes 4 $forks | length
		largest-peak 4000000..9000000 $forks | map(.rss.peak_bytes) | max
		smallest-peak 1..9000000 $forks | map(.rss.peak_bytes) | min
		pids-of-ours 4 $forks | map(.pid) | unique | map(select(. > 300)) | length
	END
}

# The faults of a process whose threads end together are what its parent is told of it. How many there are
# is up to the kernel, as a stack may be one huge page. They are not known where a thread is on its way from
# the list to the sum for too long: here the emulator may turn to the other CPU just then.
test_end_together() {
	script
	# shellcheck disable=SC2016 # jq's variables
	told='[.processes[] | select(.comm == "endtogether")] | sort_by(.start_s) | map(.faults.minor)'
	truth=$(paste -sd , /tmp/faults)
	figures <<-END
		processes 10 $told | length
		faults [$truth] $told | . as \$told | [$truth] | to_entries | map(\$told[.key] // .value)
		not-known 0..2 $told | map(select(. == null)) | length
	END
}

# A child that borrows its parent's memory counts it once: 32 MiB, a shell, and one program.
test_vfork() {
	script
	# shellcheck disable=SC2016 # jq's variable
	children='(.processes[] | select(.comm == "vforks").pid) as $parent | [.processes[] | select(.ppid == $parent)]'
	figures <<-END
		peak-of-the-tree $((32 * MIB))..$((42 * MIB)) .target.peak.rss_bytes
		written-by-children $((32 * MIB + 10 * PAGE))..$((33 * MIB)) [.processes[] | select(.comm == "vforks")] | only | .peak.anon_bytes
		became-true 10 $children | map(select(.comm == "true")) | length
		largest-child 100000..$((5 * MIB)) $children | map(.rss.peak_bytes) | max
	END
}

# ---- more than there are CPUs for ----------------------------------------------------------------

# Six shells that fork all the time, on two CPUs: where the kernel skips a hook that it has preempted, it
# does it here. $seen, $missed, and $without, which have no status.
crowd() {
	# shellcheck disable=SC2016 # for the shell that is watched
	memmon --json $JSON --max-processes 1000 -- sh -c '
		for each in 1 2 3 4 5 6; do
			(
				i=0
				while [ $i -lt 100 ]; do
					/bin/true
					i=$((i + 1))
				done
			) &
		done
		wait'
	same status $status 0
	seen=$(j .target.processes)
	missed=$(j .overhead.missed_runs.processes)
	without=$(j '[.processes[] | select(.exit == null)] | length')
	echo "skipped: $(j '.overhead.missed_runs | tostring')"
	within processes $seen $((607 - missed)) 607
	within 'without a status' $without 0 $missed
	figures <<-END
		listed $seen .processes | length
		without-a-peak 0..$missed [.processes[] | select(.rss.peak_bytes == null)] | length
		without-an-end [] [.processes[] | select(.end_s == null)]
		live 0 .target.live_processes
		left-in-the-tree 0 .target.last.rss_bytes
		brk-from-one-program true .target.brk | .bytes == null or .bytes <= .calls * $MIB
		lost 0 .overhead.lost_records
	END
}
# All programs of a hook seldom miss something together; one alone misses dozens here.
test_crowd() {
	crowd
	within 'starts and ends that were skipped, at most' $missed 0 15
	[ $preempted ] || same 'and where nothing is preempted' $missed 0
}
test_crowd_healed() {
	export MEMMON_FORBID=stand-ins
	crowd
}

# 16 MiB each, on two CPUs.
test_crowd_grows() {
	pages small
	# shellcheck disable=SC2016 # for the shell that is watched
	memmon --json $JSON -- sh -c '
		for each in 1 2 3 4 5 6; do
			/workloads/spike 16 1 &
		done
		wait'
	same status $status 0
	echo "skipped: $(j '.overhead.missed_runs | tostring')"
	spikes='[.processes[] | select(.comm == "spike") | .rss]'
	figures <<-END
		spikes 6 $spikes | length
		low [] $spikes | map(select(.peak_bytes + .error_bytes < $((16 * MIB))))
		high [] $spikes | map(select(.peak_bytes - .error_bytes > $((19 * MIB))))
		left-in-the-tree 0 .target.last.rss_bytes
	END
}

# ---- a process that runs already ----------------------------------------------------------------

test_idle() {
	begin w idle 33
	watch -p $pid
	stop_watch
	bound 1
	figures <<-END
		$(as_proc $pid first)
		$(as_proc $pid last)
		peak true p($pid).rss | .peak_bytes == .last_bytes
		tree true .target as \$tree | p($pid).rss.last_bytes | . == \$tree.first.rss_bytes and . == \$tree.last.rss_bytes
		anon-at-the-peak true p($pid) | .at_peak.anon_bytes == .last.anon_bytes
		bound $bound bound(p($pid); $bound)
		minor-faults 0 p($pid).faults.minor
		exit null p($pid).exit
	END
}

# Watched from before, and attached to when they have stopped.
test_stopped() {
	pages small
	begin one stopped /bin/busybox 1
	one=$pid
	begin eight stopped /bin/busybox 8
	watch -p $one,$pid
	go_on one
	go_on eight
	until_true state_is $one T
	until_true state_is $pid T
	stop_watch
	figures <<-END
		$(stopped $one 1)
		$(stopped $pid 8)
	END
	watch -p $one,$pid
	stop_watch
	figures <<-END
		$(as_proc $one first)
		$(as_proc $one last)
		$(as_proc $pid first)
		$(as_proc $pid last)
	END
	state_is $one T
	state_is $pid T
}
# stopped PID THREADS: rows. The peak is at least what is held now, and below it with what was given back.
stopped() {
	as_proc $1 last
	truth $1
	bound $2
	cat <<-END
		threads-$2 $2 p($1).threads_peak
		bound-$2 $bound bound(p($1); $bound)
		peak-$2 $((walked - bound))..$((walked + $2 * 777 * PAGE + bound)) p($1).rss.peak_bytes
		anon-$2 $((5003 * PAGE - bound))..$((6500 * PAGE)) p($1).last.anon_bytes
	END
}

test_volumes() {
	begin w volumes 100
	watch -p $pid
	go_on w
	hear w mmap
	go_on w
	watch_ends
	# shellcheck disable=SC2086 # eight words
	set -- $heard
	figures <<-END
		feature $by_fexit .kernel.features.volumes.state
		mmap-calls $1 p($pid).mmap.calls
		mmap-bytes $2 p($pid).mmap.bytes
		munmap-calls $4 p($pid).munmap.calls
		munmap-bytes $5 p($pid).munmap.bytes
		brk-calls $7 p($pid).brk.calls
		brk-bytes $8 p($pid).brk.bytes
	END
}

# The same where trampolines are refused; and what a process held when it ended.
test_kprobes() {
	export MEMMON_FORBID='fexit fentry'
	by_fexit=degraded
	test_volumes
	test_last
}

# ---- threads ------------------------------------------------------------------------------------

# Nine threads; and five whose leader exits first: then /proc/PID is that of the leader, which has no
# memory any more, and a living thread's is what counts.
test_threads() {
	pages small
	begin all threads 8 8
	all=$pid
	begin led threads 4 8 leader-exits
	until_true state_is $pid Z
	watch -p $all,$pid
	read -r _ first _ <"/proc/$pid/task/$heard/statm"
	for each in all led; do
		go_on $each
		hear $each touched
		go_on $each
	done
	watch_ends
	figures <<-END
		processes 2 .target.processes
		first-$pid $((first * PAGE)) p($pid).rss.first_bytes
		$(threads $all 9 64)
		$(threads $pid 5 32)
	END
}
# threads PID THREADS MIB: rows
threads() {
	bound $2
	cat <<-END
		threads-$2 $2 p($1).threads_peak
		bound-$2 0..$bound bound(p($1); $bound)
		anon-$2 true p($1) | (.peak.anon_bytes - $(($3 * MIB))) as \$off | \$off <= $MIB and \$off + .rss.error_bytes >= 0
		exit-$2 0 p($1).exit.code
	END
}

# ---- exec, fork, vfork, pids --------------------------------------------------------------------

# The same process, its old peak kept, its new figures right; also where a thread does the exec.
test_exec() {
	pages small
	begin leader execs 20 /workloads/idle 4
	leader=$pid
	begin thread execs -t 30 /workloads/idle 6
	watch -p $leader,$pid
	for each in leader thread; do
		go_on $each
		hear $each grown
		go_on $each
		hear $each ready
	done
	stop_watch
	figures <<-END
		processes 2 .target.processes
		tree-and-sum true .target.last.rss_bytes == ([.processes[].rss.last_bytes] | add)
		$(execed $leader 20 4)
		$(execed $pid 30 6)
	END
}
# execed PID MIB MIB: rows
execed() {
	as_proc $1 last
	cat <<-END
		comm-$1 idle p($1).comm
		anon-at-the-peak-$1 $(($2 * MIB))..$((($2 + 1) * MIB)) p($1).at_peak.anon_bytes
		last-anon-$1 true p($1) | .last.anon_bytes <= $((($3 + 1) * MIB)) and .last.anon_bytes + .rss.error_bytes >= $(($3 * MIB))
		ended-$1 null p($1).end_s
	END
}

test_fork_tree() {
	begin w forks 64000000 4
	watch -p $pid --pss
	go_on w
	hear w ready
	set -- $pid $heard
	sum=0 shared=0
	for each; do
		truth "$each"
		sum=$((sum + walked)) shared=$((shared + pss))
	done
	stop_watch
	figures <<-END
		processes 5 .target.processes
		at-once 5 .target.peak_processes
		sum-of-smaps_rollup $((sum - 5 * MIB))..$((sum + 5 * MIB)) .target.last.rss_bytes
		peak $((sum - 5 * MIB))..$((sum + 5 * MIB)) .target.peak.rss_bytes
		footprint $((shared - 5 * MIB))..$((shared + 5 * MIB)) .target.last.footprint_bytes
		each-of-five 5 [.processes[].rss.last_bytes | select(. >= $((sum / 5 - 5 * MIB)) and . <= $((sum / 5 + 5 * MIB)))] | length
	END
	# those that run already are adopted
	watch -p $pid
	stop_watch
	figures <<-END
		processes 5 .target.processes
		tree-and-sum true .target.last.rss_bytes == ([.processes[].rss.last_bytes] | add)
		peak true .target.peak.rss_bytes == .target.last.rss_bytes
		$(for each; do as_proc "$each" first; done)
	END
}

# 100 and 60 MiB in turn, once 70 and 50 together. Before 6.2 the tree has no bound; what its three
# processes may keep for themselves stands for it.
test_alternate() {
	tree=null
	if [ $percpu ]; then
		tree=0..$((4 * MIB))
	fi
	bound 1
	begin w alternate
	watch -p $pid
	truth $pid
	go_on w
	hear w 'done'
	stop_watch
	figures <<-END
		processes 3 .target.processes
		left $((100 * MIB))..$((101 * MIB)) p(${heard% *}).peak.anon_bytes
		right $((60 * MIB))..$((61 * MIB)) p(${heard#* }).peak.anon_bytes
		bound $tree bound({rss: .target.peak}; 0)
		low true .target.peak | .anon_bytes + (.error_bytes // $((3 * bound))) >= $((120 * MIB))
		high true .target.peak | .anon_bytes - (.error_bytes // 0) <= $((121 * MIB + 3 * rss_anon))
	END
}

# Attached between vfork and exec: the memory is the parent's. The parent goes on in the middle of the
# child's exec, which is over when the new program sleeps.
test_vfork_attach() {
	start w vforkwait 64
	hear w borrowing
	child=${heard%% *}
	watch -p "${heard#* }"
	go_on w
	hear w own
	until_true sleeps "$child"
	stop_watch
	figures <<-END
		peak-of-the-tree $((64 * MIB))..$((70 * MIB)) .target.peak.rss_bytes
		peak-of-the-child true [.processes[] | select(.comm == "sleep")] | only | .rss | .peak_bytes <= $((4 * MIB)) and .peak_bytes + .error_bytes >= $((MIB / 8))
	END
}

# sleeps PID: it is sleep(1), and asleep
sleeps() {
	read -r stat 2>/dev/null <"/proc/$1/stat" || stat=
	case $stat in
	*'(sleep) S'*) return 0 ;;
	esac
	return 1
}

test_pid_reuse() {
	begin w pidreuse 40 10
	watch -p $pid
	go_on w
	hear w first
	again=$heard
	go_on w
	hear w second
	same pid "$heard" "$again"
	stop_watch
	both="[.processes[] | select(.pid == $again)] | sort_by(.start_s)"
	figures <<-END
		processes 3 .target.processes
		entries 2 $both | length
		first-peak $((40 * MIB))..$((41 * MIB)) $both | .[0].peak.anon_bytes
		second-peak $((10 * MIB))..$((11 * MIB)) $both | .[1].peak.anon_bytes
		one-after-the-other true $both | .[0].end_s != null and .[1].end_s == null and .[0].end_s <= .[1].start_s
	END
}

# ---- memory of others ---------------------------------------------------------------------------

test_remote() {
	pages small
	start w remote 16
	hear w ready
	child=${heard#* }
	watch -p $pid
	go_on w
	hear w written
	stop_watch
	figures <<-END
		$(as_proc $child last)
		$(as_proc $pid last)
		processes 2 .target.processes
		gain-of-the-owner $((16 * MIB))..$((16 * MIB + 8 * PAGE)) p($child) | .last.anon_bytes - .first.anon_bytes
		gain-of-the-writer 0..$((32 * PAGE)) p($pid) | .last.anon_bytes - .first.anon_bytes
		its-threads-never-faulted 0 p($child).faults.minor
	END
}

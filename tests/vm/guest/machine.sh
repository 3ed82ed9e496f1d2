#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks of what the kernel allows, cgroups, and watching without a hook.
# shellcheck disable=SC2086,SC2154 # pids, numbers and paths of our own: no blanks in them; see lib.sh

# ---- what the kernel and the program allow ------------------------------------------------------

# What these kernels are known to allow; a hook or feature that goes missing is a fault of our probes. Where
# a hook is not, what does its work is named. $DOCTOR was written before the first check.
test_doctor() {
	JSON=$DOCTOR
	cat $DOCTOR.text
	same status "$(cat $DOCTOR.status)" 0
	features='' hooks='' shm="charges_are_traced_by_$by"
	case $kernel in
	5.10 | 6.1) features=percpu_rss hooks=fexit/shmem_file_write_iter ;;
	5.10-arm64 | 6.1-arm64)
		features=percpu_rss,shm,volumes
		# no trampolines, so that every fexit has a kprobe in its place
		hooks=$(jq -r '[.hooks[].hook | select(startswith("fexit/") or startswith("fentry/"))] | join(",")' $JSON)
		;;
	esac
	case $kernel in
	5.10* | 6.1 | 6.1-*) hooks=$hooks,kprobe/shmem_file_write_iter,kretprobe/shmem_file_write_iter ;; # since 6.6
	esac
	case $kernel in
	5.10*) hooks=$hooks,iter/task_vma,tp_btf/exit_mmap,syscall ;;
	esac
	case $kernel in
	*-arm64) hooks=$hooks,tp_btf/page_fault_user,tp_btf/page_fault_kernel ;; # of x86 alone
	esac
	[ ! "$preempted" ] || features=every_event
	hooks=$(echo "$hooks" | tr , '\n' | grep . | sort -u | paste -sd ,)
	figures <<-END
		features-that-are-not-on ,$features [.features | to_entries[] | select(.value.state != "on").key] | sort | "," + join(",")
		degraded-without-a-reason 0 [.features[], .hooks[] | select(.state != "on" and .why == null)] | length
		hooks-that-are-not-on ,$hooks [.hooks[] | select(.state != "on").hook] | unique | "," + join(",")
		hooks-without-another ,$(echo "$hooks" | grep -oE 'iter/task_vma|syscall' | sort | paste -sd , || true) [.hooks[] | select(.state == "off").hook] | unique | "," + join(",")
		what-does-their-work true [.hooks[] | select(.state == "degraded").why | contains("its work is done by")] | all
		works-p true .works.p.state != "off"
		works-shm $shm .works.shm.why | gsub(" "; "_")
		works-c true .works.c.state != "off"
	END
}

# Without the hook on which all rests there is no watch, and it says so before the command begins.
test_refused() {
	export MEMMON_FORBID='tp_btf'
	memmon -- touch /tmp/it-ran
	same status $status 125
	grep -q 'tp_btf/rss_stat is forbidden by MEMMON_FORBID' $ERR
	[ ! -e /tmp/it-ran ]
}

test_kernel_log() {
	if dmesg | grep -E 'BUG|Oops|WARNING|general protection|stack guard|[Bb]ad rss'; then
		return 1
	fi
}

# ---- cgroups ------------------------------------------------------------------------------------

# group NAME [LIMIT]: a cgroup with memory figures, of v2; $group is its directory.
group() {
	group=/sys/fs/cgroup/$1
	mkdir -p $group
	echo "${2:-max}" >$group/memory.max
}

test_oom() {
	pages small
	group hungry $((32 * MIB))
	begin w hungry $group 64
	watch -p $pid
	go_on w
	watch_ends
	figures <<-END
		victims 1 .oom | length
		victim $pid .oom[0].pid
		signal 9 p($pid).exit.signal
		peak $((28 * MIB))..$((36 * MIB)) p($pid).rss.peak_bytes
	END
}

# Who is in the cgroup, who moves in and out, and what all of it is charged.
test_cgroup() {
	group moves $((200 * MIB))
	begin before idle 12
	before=$pid
	echo $before >$group/cgroup.procs
	begin stranger idle 3
	begin joins idle 24
	watch -g $group
	echo $pid >$group/cgroup.procs
	begin w forks 10000000 1 # a child of nobody who is watched, until it moves in
	echo $pid >$group/cgroup.procs
	go_on w
	hear w ready
	watch_on 2
	read -r charged <$group/memory.current
	stop_watch
	figures <<-END
		$(as_proc $before first)
		$(as_proc $before last)
		$(as_proc $heard last)
		processes 4 .target.processes
		limit $((200 * MIB)) .target.charged.limit_bytes
		charged $((charged - MIB))..$((charged + MIB)) .target.charged.current_bytes
		peak true .target.charged | .peak_bytes >= .current_bytes
	END
}

# The kernel keeps the peak of a charge since 5.19; before, it is sampled.
test_scope() {
	# shellcheck disable=SC2016 # for the shell that is watched
	memmon --scope --json $JSON -- sh -c '/workloads/spike 100 1 >/dev/null
		read -r group </proc/self/cgroup
		group=/sys/fs/cgroup${group#0::}
		echo "dir $group"
		echo "peak $(cat $group/memory.peak 2>/dev/null || echo none)"'
	same status $status 0
	line_with $OUT dir
	[ ! -e "$heard" ] # removed at the end
	line_with $OUT peak
	if [ "$heard" = none ]; then
		figures <<-END
			sampled 1..$((120 * MIB)) .target.charged.peak_bytes
		END
		case $kernel in
		5.10*) return ;;
		*) same 'memory.peak of this kernel' none there ;;
		esac
	fi
	figures <<-END
		the-cgroups-own $heard .target.charged.peak_bytes
		as-known $((100 * MIB))..$((120 * MIB)) .target.charged.peak_bytes
	END
}

# ---- the sample mode ----------------------------------------------------------------------------

# Figures without a hook: what the iterator finds, and what the kernel's high-water mark bounds, which lacks
# what CPUs (from 6.2 on) or threads keep for themselves. It is told where a look was lower by as much, so
# that the bound is twice that at most (bpf/sample.bpf.h).
test_sample() {
	pages small
	if [ $percpu ]; then
		slack=$((3 * 2 * 31 * PAGE))
	else
		slack=$((66 * 16 * PAGE))
	fi
	[ -e /tmp/exact ] || test_spike
	read -r exact </tmp/exact
	memmon -q -i 1 --sample --json $JSON -- /workloads/spike 64 1
	same status $status 0
	figures <<-END
		events 0 .overhead.events
		bound 1..$((2 * slack)) .processes[0].rss.error_bytes
		peak true .processes[0].rss | (.error_bytes + $((64 * PAGE))) as \$bound | .peak_bytes - $exact | . <= \$bound and . >= -\$bound
		bound-of-the-tree true .processes[0].rss.error_bytes == .target.peak.error_bytes
		modes sample .overhead.modes | map(.mode) | join(",")
	END
	begin w idle 30
	watch --sample -p $pid
	stop_watch
	truth $pid
	figures <<-END
		$(as_proc $pid first)
		$(as_proc $pid last)
		hwm true p($pid).rss | .peak_bytes - .error_bytes <= $hwm and .peak_bytes + .error_bytes >= $hwm
	END
}

# Over the budget it samples, in a calm every event counts again; the figures are right in the end. Before
# 6.2 there is one event per 64 faults, which cost hardly more than 0.5 %. Small pages, as khugepaged would
# fill what the storm gave back, between the last look and ours.
test_budget() {
	budget=0.5
	[ $percpu ] || budget=0.2
	# shellcheck disable=SC2034 # until_true() takes it
	POLL_US=1000000 # more forks of our own would be over that budget by themselves, emulated
	pages small
	begin w storm 1 4
	watch -p $pid --budget $budget
	go_on w
	hear w storm
	until_true told 'from now on sampled'
	watch_on 5
	go_on w
	hear w calm
	until_true told 'another try: from now on every event counts'
	watch_on 2
	stop_watch
	truth $heard
	figures <<-END
		$(as_proc $heard last)
		hwm true p($heard).rss | .peak_bytes - .error_bytes <= $hwm and .peak_bytes + .error_bytes >= $hwm
		tree-and-sum true .target.last.rss_bytes == ([.processes[].rss.last_bytes] | add)
		both-ways true .overhead.mode | .full_s > 0 and .sample_s > 0
	END
}
told() {
	while read -r line; do
		case $line in
		'#!'*"$1"*) return 0 ;;
		esac
	done <$OUT
	return 1
}

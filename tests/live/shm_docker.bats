#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The shared memory of containers of a real Docker Engine: who fills a /dev/shm of 64 MiB and who hits
# its wall, whose is which, what is charged, and limits that change.
#
# The programs in a container are this machine's own, mounted read-only: any python3, fallocate and dd
# that runs here runs there.

load helpers
load docker

LIMIT_64M=67108864
# What the container's programs need of this machine; /bin is the image's.
HOST_FILES=()

setup_file() {
	docker_begin
}
teardown_file() {
	docker_finish
}
setup() {
	begin
	docker_needed
	host_files
	WATCHES=()
}
teardown() {
	finish_all
	docker_remove_all
}

host_files() {
	local path
	read -r PYTHON prefix < <(python3 -c 'import sys; print(sys.executable, sys.base_prefix)')
	HOST_FILES=(-v "$(realpath "$WORKLOADS"):/workloads:ro" -v "$BATS_TEST_TMPDIR:/test")
	for path in /usr /lib /lib64; do
		[ ! -e "$path" ] || HOST_FILES+=(-v "$path:$path:ro")
	done
	case $prefix in
	/usr | /usr/*) ;;
	*) HOST_FILES+=(-v "$prefix:$prefix:ro") ;;
	esac
	PYTHON=$(realpath "$PYTHON")
}

# ---- containers and what runs in them ------------------------------------------------------------

of() {
	docker inspect -f "$2" "$1"
}
init_pid() {
	of "$1" '{{.State.Pid}}'
}

# A container with this machine's programs. machine_box NAME [OPTION…] [-- COMMAND…]
machine_box() {
	local name=$1
	shift
	box "$name" "${HOST_FILES[@]}" "$@" >/dev/null
}

# The pid that a process of the container has on the host. host_pid NAME PID
host_pid() {
	local pid
	docker top "$1" -eo pid | awk 'NR > 1' | while read -r pid; do
		if awk -v pid="$2" '$1 == "NSpid:" && $NF == pid {found = 1} END {exit !found}' "/proc/$pid/status"; then
			echo "$pid"
		fi
	done
}

# worker WORKER CONTAINER COMMAND…: a process in the container that will be the command at go_on;
# WORKER_host is its pid on the host.
worker() {
	local worker=$1 container=$2
	shift 2
	# shellcheck disable=SC2016 # for the shell in the container
	start "$worker" docker exec -i "$container" sh -c 'echo ready $$; read -r line; exec "$@" 2>/test/worker.err' sh "$@"
	hear "$worker" ready
	declare -g "${worker}_host=$(host_pid "$container" "${HEARD[1]}")"
	local host=${worker}_host
	[[ ${!host} =~ ^[0-9]+$ ]]
}
# work WORKER: lets it go on to its end; $status as docker has it
work() {
	local pid=$1_pid
	go_on "$1"
	ended "${!pid}"
}

# ---- watches --------------------------------------------------------------------------------------

# Several at once, as each must see the same. begin_watch NAME TRACED ARG…: beside the test; TRACED
# says from its output when charges are traced.
begin_watch() {
	local name=$1 traced=$2 out=$BATS_TEST_TMPDIR/$1.out
	shift 2
	: >"$out"
	: >"$BATS_TEST_TMPDIR/$name.csv"
	env --default-signal=INT,QUIT,HUP "$MEMMON" "$@" --json "$BATS_TEST_TMPDIR/$name.json" </dev/null \
		>"$out" 2>&1 3>&- 4>&- &
	STARTED+=("$!")
	declare -g "${name}_watch=$!"
	WATCHES+=("$name")
	until_true "$traced" "$name"
	if has_state "$!" Z-; then
		cat "$out"
		return 1
	fi
}
begin_ledger() { # NAME CONTAINER[,…]
	begin_watch "$1" ledger_traced shm --watch -i 0.1 -c "$2" --csv "$BATS_TEST_TMPDIR/$1.csv"
}
# Without a budget: others load the machine, and what is over budget is not traced.
begin_container() { # NAME CONTAINER[,…] [ARG…]
	begin_watch "$1" lines_traced --lines --budget 0 -c "$2" "${@:3}"
}
begin_process() { # NAME PID
	begin_watch "$1" lines_traced --lines --budget 0 -p "$2"
}
# Its first row comes after the tracer.
ledger_traced() {
	local pid=$1_watch
	grep -q ',/dev/shm,' "$BATS_TEST_TMPDIR/$1.csv" || has_state "${!pid}" Z-
}
# The /dev/shm of a container is traced when it has been in a line before.
lines_traced() {
	local pid=$1_watch
	[ "$(grep -c '^ *[0-9].* shm ' "$BATS_TEST_TMPDIR/$1.out")" -ge 2 ] || has_state "${!pid}" Z-
}
# has_told WATCH: a failure
has_told() {
	grep -q '^\(#\)\{0,1\}! .* hit the wall of ' "$BATS_TEST_TMPDIR/$1.out"
}
# Ends all of them; a watch of processes may have ended with these.
end_watches() {
	local name pid
	for name in "${WATCHES[@]}"; do
		pid=${name}_watch
		kill -INT "${!pid}" 2>/dev/null || :
		ended "${!pid}"
		echo "$name ended with $status"
		[ "$status" -eq 0 ]
	done
}

# of_shm WATCH FILTER: of the only /dev/shm that it lists
of_shm() {
	jq -er '[.shm[] | select(.mount == "/dev/shm")] | if length == 1 then .[0] else error("\(length) /dev/shm") end | '"$2" \
		"$BATS_TEST_TMPDIR/$1.json"
}

# told WATCH KEY=VALUE…: exactly one failure was told, with these values.
told() {
	local watch=$1 pair
	shift
	same "$watch: failures" "$(jq '[.shm[].full[]] | length' "$BATS_TEST_TMPDIR/$watch.json")" 1
	for pair; do
		same "$watch: ${pair%%=*}" "$(of_shm "$watch" ".full[0].${pair%%=*} | tostring")" "${pair#*=}"
	done
	of_shm "$watch" '.full[0].remedy' | grep -q -- '--shm-size=128m'
	same "$watch: times" "$(of_shm "$watch" '.full[0].times')" 1
	within "$watch: at_s" "$(of_shm "$watch" '.full[0].at_s * 1000000 | floor')" 0 \
		"$(j '.duration_s * 1000000 | floor' "$BATS_TEST_TMPDIR/$watch.json")"
	same "$watch: limit" "$(of_shm "$watch" .limit_bytes)" $LIMIT_64M
	same "$watch: container" "$(of_shm "$watch" .container)" web
	same "$watch: runtime" "$(of_shm "$watch" .runtime)" docker
	same "$watch: told in text" "$(grep -c 'hit the wall of /dev/shm (64.0 MiB) of container web' "$BATS_TEST_TMPDIR/$watch.out")" \
		"$(grep -c 'hit the wall' "$BATS_TEST_TMPDIR/$watch.out")"
	has_told "$watch"
}

# fills STATUS COMMAND… -- KEY=VALUE…: a worker of the container `web` does COMMAND, of which all three
# kinds of watch tell the same.
fills() {
	local expected=$1 command=() watch
	shift
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	machine_box web --shm-size=64m
	worker filler web "${command[@]}"
	begin_ledger ledger web
	begin_container container web
	begin_process process "$filler_host"
	work filler
	same 'exit status' "$status" "$expected"
	for watch in "${WATCHES[@]}"; do
		until_true has_told "$watch"
	done
	end_watches
	for watch in "${WATCHES[@]}"; do
		told "$watch" pid="$filler_host" container=web limit_bytes=$LIMIT_64M "$@"
	done
}

# ---- the wall -------------------------------------------------------------------------------------

@test 'dd fills it: ENOSPC of write, told once by each watch' {
	fills 1 dd if=/dev/zero of=/dev/shm/big bs=1M count=80 -- comm=dd file=big how=write errno=28 signal=null \
		wanted_bytes=1048576 done_bytes=0 used_bytes=$LIMIT_64M 'largest[0].name=big' \
		"largest[0].bytes=$LIMIT_64M"
	for watch in "${WATCHES[@]}"; do
		same "$watch: used" "$(of_shm "$watch" .used_bytes)" $LIMIT_64M
		same "$watch: peak" "$(of_shm "$watch" .peak_bytes)" $LIMIT_64M
		same "$watch: file" "$(of_shm "$watch" '.files[] | "\(.path) \(.bytes) \(.creator.pid) \(.creator.alive)"')" \
			"big $LIMIT_64M $filler_host false"
	done
}

@test 'dd with blocks that cross the limit: the short write and the failure after it are one event' {
	fills 1 dd if=/dev/zero of=/dev/shm/big bs=3M count=80 -- comm=dd file=big how=write errno=28 signal=null \
		wanted_bytes=$((3 * MIB)) done_bytes=$MIB used_bytes=$LIMIT_64M
}

@test 'a C program fills a mapping: SIGBUS, told once by each watch' {
	fills 135 /workloads/shm_touch /dev/shm/big 80 -- comm=shm_touch file=big how=fault errno=null signal=7 \
		wanted_bytes="$PAGE" used_bytes=$LIMIT_64M 'largest[0].name=big'
}

@test 'fallocate of more than there is: told once, and nothing was used' {
	fills 1 fallocate -l 80M /dev/shm/big -- comm=fallocate file=big how=fallocate errno=28 signal=null \
		wanted_bytes=$((80 * MIB)) used_bytes=0
}

@test 'fallocate of more than is left: told once' {
	# shellcheck disable=SC2016
	fills 1 sh -c 'fallocate -l 64M /dev/shm/big && exec fallocate -l 16M /dev/shm/more' -- comm=fallocate \
		file=more how=fallocate errno=28 signal=null wanted_bytes=$((16 * MIB)) used_bytes=$LIMIT_64M \
		'largest[0].name=big'
}

# Writes how many pages it could have to $1 as it goes.
python_shared_memory() {
	cat <<-'EOF'
		import mmap, struct, sys
		from multiprocessing import shared_memory
		with open(sys.argv[1], "w+b") as f:
		    f.truncate(8)
		    told = mmap.mmap(f.fileno(), 8)
		block = shared_memory.SharedMemory("psm_test", True, 80 << 20)
		for i in range(0, 80 << 20, mmap.PAGESIZE):
		    block.buf[i] = 1
		    told[:] = struct.pack("Q", i // mmap.PAGESIZE + 1)
	EOF
}

@test "Python's shared_memory of 80 MiB: SIGBUS after 16384 pages, told once by each watch" {
	python_shared_memory >fill.py
	fills 135 "$PYTHON" /test/fill.py /test/pages -- comm="$(comm_of "$PYTHON")" file=psm_test how=fault errno=null \
		signal=7 wanted_bytes="$PAGE" used_bytes=$LIMIT_64M # its resource tracker unlinks the file soon
	same pages "$(od -An -t u8 pages | tr -d ' ')" $((LIMIT_64M / PAGE))
	for watch in "${WATCHES[@]}"; do
		same "$watch: peak" "$(of_shm "$watch" .peak_bytes)" $LIMIT_64M
	done
	for watch in container process; do
		same "$watch: resident shared memory" "$(jq --argjson pid "$filler_host" \
			'.processes[] | select(.pid == $pid) | .peak.shmem_bytes' $watch.json)" $LIMIT_64M
	done
}
comm_of() {
	local name=${1##*/}
	echo "${name:0:15}"
}

@test 'the container dies of it with its /dev/shm: told once all the same' {
	python_shared_memory >fill.py
	mkfifo go
	# shellcheck disable=SC2016
	machine_box web --shm-size=64m -- sh -c 'read -r line </test/go; exec "$@"' sh "$PYTHON" /test/fill.py /test/pages
	pid=$(init_pid web)
	begin_ledger ledger web
	begin_container container web
	begin_process process "$pid"
	echo >go
	same 'exit status' "$(timeout $LIMIT docker wait web)" 135
	for watch in "${WATCHES[@]}"; do
		until_true has_told "$watch"
	done
	end_watches
	for watch in "${WATCHES[@]}"; do
		told "$watch" pid="$pid" container=web limit_bytes=$LIMIT_64M used_bytes=$LIMIT_64M \
			file=psm_test how=fault signal=7
		same "$watch: peak" "$(of_shm "$watch" .peak_bytes)" $LIMIT_64M
	done
}

@test 'a process that fills it outside of the watch is not told by -p of another' {
	machine_box web --shm-size=64m
	machine_box other --shm-size=64m
	worker filler other dd if=/dev/zero of=/dev/shm/big bs=1M count=80
	begin_ledger ledger web
	begin_container container web
	begin_process process "$(init_pid web)"
	begin_ledger all other
	work filler
	until_true has_told all
	end_watches
	for watch in ledger container process; do
		same "$watch: failures" "$(jq '[.shm[].full[]] | length' $watch.json)" 0
		same "$watch: peak" "$(of_shm $watch .peak_bytes)" 0
		run ! has_told "$watch"
	done
	same 'the other: peak' "$(of_shm all .peak_bytes)" $LIMIT_64M
}

# ---- limits that change ---------------------------------------------------------------------------

# csv WATCH COLUMN: of the newest row of /dev/shm
csv() {
	awk -F, -v column="$2" 'NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next}
		$at["mount"] == "/dev/shm" {value = $at[column]} END {print value}' "$BATS_TEST_TMPDIR/$1.csv"
}
csv_is() {
	[ "$(csv "$1" "$2")" = "$3" ]
}
# line_says WATCH TEXT
line_says() {
	grep -qF -- "$2" "$BATS_TEST_TMPDIR/$1.out"
}

@test 'mount -o remount,size=256M inside is seen live, and there is room again' {
	machine_box web --shm-size=64m
	worker filler web dd if=/dev/zero of=/dev/shm/big bs=1M count=80
	begin_ledger ledger web
	begin_container container web
	csv_is ledger limit_bytes $LIMIT_64M
	nsenter -t "$(init_pid web)" -m mount -o remount,size=256M /dev/shm
	until_true csv_is ledger limit_bytes $((256 * MIB))
	until_true line_says container ' shm 0.0/256.0 MiB'
	work filler
	[ "$status" -eq 0 ]
	until_true csv_is ledger used_bytes $((80 * MIB))
	until_true line_says container ' shm 80.0/256.0 MiB'
	end_watches
	for watch in ledger container; do
		same "$watch: limit" "$(of_shm $watch .limit_bytes)" $((256 * MIB))
		same "$watch: used" "$(of_shm $watch .used_bytes)" $((80 * MIB))
		same "$watch: failures" "$(of_shm $watch '.full | length')" 0
	done
}

@test 'docker update --memory is seen live' {
	machine_box web --memory=256m --memory-swap=256m
	begin_container before web
	begin_container after web --fail-if 'charged.limit<200MiB'
	kill -INT "$before_watch"
	ended "$before_watch"
	same 'limit before' "$(j .target.charged.limit_bytes before.json)" $((256 * MIB))
	docker update --memory=128m --memory-swap=256m web
	until_true more_lines after $(($(wc -l <after.out) + 2))
	kill -INT "$after_watch"
	ended "$after_watch"
	same 'the condition' "$status" 3
	same 'limit after' "$(j .target.charged.limit_bytes after.json)" $((128 * MIB))
}
more_lines() {
	[ "$(wc -l <"$BATS_TEST_TMPDIR/$1.out")" -ge "$2" ]
}

# ---- whose is which -------------------------------------------------------------------------------

@test 'two containers with a shm of their own never mix' {
	machine_box one --shm-size=32m
	machine_box two --shm-size=64m
	docker exec one dd if=/dev/zero of=/dev/shm/first bs=1M count=7
	docker exec two dd if=/dev/zero of=/dev/shm/second bs=1M count=9
	for of in 'one 32 7 first' 'two 64 9 second'; do
		read -r name limit used file <<<"$of"
		memmon shm -c "$name" --json shm.json
		memmon -c "$name" -d 0.3 -q --json container.json
		for watch in shm container; do
			same "$watch: $name" "$(of_shm $watch '"\(.container) \(.limit_bytes) \(.used_bytes) \([.files[].path] | join(","))"')" \
				"$name $((limit * MIB)) $((used * MIB)) $file"
		done
		same "$name: mounts of others" "$(j "[.shm[] | select(.container != \"$name\")] | length" shm.json)" 0
	done
	memmon -c one,two -d 0.3 -q --json both.json
	same 'both' "$(j '[.shm[] | "\(.container) \(.used_bytes)"] | sort | join(",")' both.json)" \
		"one $((7 * MIB)),two $((9 * MIB))"
	same 'processes of both' "$(j '[.processes[].pid] | sort | map(tostring) | join(" ")' both.json)" \
		"$(printf '%s\n' "$(init_pid one)" "$(init_pid two)" | sort -n | paste -sd ' ')"
}

# shm_of CONTAINER: what `shm -c` and -c show as its /dev/shm, which must be the same
shm_of() {
	local both
	memmon shm -c "$1" --json shm.json >&2
	[ "$status" -eq 0 ]
	memmon -c "$1" -d 0.3 -q --json container.json >&2
	[ "$status" -eq 0 ]
	both=$(for file in shm.json container.json; do
		jq -r '[.shm[] | select(.mount == "/dev/shm") | "\(.container) \(.device) \(.limit_bytes)"] | join(",")' $file
	done | sort -u)
	echo "$both"
}

@test 'private, shareable, container:X, host and none are told apart' {
	machine_box private --shm-size=32m
	machine_box shareable --ipc=shareable --shm-size=16m
	machine_box joined --ipc=container:shareable
	machine_box host --ipc=host
	machine_box none --ipc=none
	read -r owner device limit <<<"$(shm_of private)"
	same private "$owner $limit" "private $((32 * MIB))"
	private=$device
	read -r owner device limit <<<"$(shm_of shareable)"
	same shareable "$owner $limit" "shareable $((16 * MIB))"
	[ "$device" != "$private" ]
	same 'joined: the same' "$(shm_of joined)" "shareable $device $limit"
	read -r owner device limit <<<"$(shm_of host)"
	same "the host's own" "$owner $device" "null $(awk '$5 == "/dev/shm" {device = $3} END {print device}' /proc/self/mountinfo)"
	same none "$(shm_of none)" ''
}

@test 'who joined the shm of another fills it: told with his name, the mount with its owner' {
	machine_box owner --ipc=shareable --shm-size=64m
	machine_box guest --ipc=container:owner
	worker filler guest dd if=/dev/zero of=/dev/shm/big bs=1M count=80
	begin_ledger ledger owner
	begin_container container guest
	work filler
	until_true has_told ledger
	until_true has_told container
	end_watches
	for watch in ledger container; do
		same "$watch: failures" "$(of_shm $watch '.full | length')" 1
		same "$watch: owner" "$(of_shm $watch .container)" owner
		same "$watch: who" "$(of_shm $watch '.full[0] | "\(.container) \(.pid)"')" "guest $filler_host"
	done
}

# ---- -c -------------------------------------------------------------------------------------------

# charge NAME V1 V2: a figure of the memory cgroup of a container's process
charge() {
	local path
	path=$(awk -F: '$2 ~ /(^|,)memory(,|$)/ {print $3}' "/proc/$(init_pid "$1")/cgroup")
	if [ -n "$path" ]; then
		cat "/sys/fs/cgroup/memory$path/$2"
	else
		path=$(awk -F: '$1 == 0 {print $3}' "/proc/$(init_pid "$1")/cgroup")
		cat "/sys/fs/cgroup$path/$3"
	fi
}

@test "target.charged is what the cgroup has" {
	machine_box web --memory=300m --memory-swap=300m --shm-size=64m
	docker exec web dd if=/dev/zero of=/dev/shm/big bs=1M count=20
	docker pause web # nothing changes any more
	memmon -c web -d 0.3 -q --json "$JSON"
	same limit "$(j .target.charged.limit_bytes)" "$((300 * MIB))"
	same limit "$(j .target.charged.limit_bytes)" "$(charge web memory.limit_in_bytes memory.max)"
	same current "$(j .target.charged.current_bytes)" "$(charge web memory.usage_in_bytes memory.current)"
	# memory.peak came with Linux 5.19
	if peak=$(charge web memory.max_usage_in_bytes memory.peak); then
		same peak "$(j .target.charged.peak_bytes)" "$peak"
	fi
	same shmem "$(j .target.charged.shmem_bytes)" $((20 * MIB))
	docker unpause web
}

@test 'the peak of a container is that of one instant: not the sum of its peaks, and charged as such' {
	machine_box web
	worker w web /workloads/alternate
	begin_container container web
	go_on w
	hear w start
	go_on w
	hear w 'done'
	go_on w
	ended "$w_pid"
	end_watches
	error=$(j .target.peak.error_bytes container.json)
	within 'error in KiB' $((error / 1024)) 0 $((4 * MIB / 1024))
	# both children's 120 MiB, and what a few small processes have beside it
	within anon "$(j .target.peak.anon_bytes container.json)" $((120 * MIB - error)) $((126 * MIB + error))
	sum=$(j '[.processes[].peak.anon_bytes] | add' container.json)
	within 'sum of the peaks' "$sum" $((160 * MIB)) $((170 * MIB))
	within 'peak of the charge' "$(j .target.charged.peak_bytes container.json)" $((120 * MIB)) $((160 * MIB))
	same 'the peak of the cgroup' "$(j .target.charged.peak_bytes container.json)" \
		"$(charge web memory.max_usage_in_bytes memory.peak)"
	within 'anon against the charge' "$(j .target.peak.anon_bytes container.json)" 0 \
		$(($(j .target.charged.peak_bytes container.json) + error))
}

# has_process WATCH N: its newest line has N processes
has_processes() {
	local procs
	procs=$(awk '/^ *[0-9]/ {n = $10} END {print n}' "$BATS_TEST_TMPDIR/$1.out")
	[ "$procs" = "$2" ]
}

@test '--wait, a restart and a stop are followed, with the /dev/shm of each time' {
	begin_watch later has_first_line --lines --budget 0 -c later --wait
	machine_box later --shm-size=64m
	first=$(init_pid later)
	until_true has_processes later 1
	until_true line_says later ' shm 0.0/64.0 MiB'
	docker exec later dd if=/dev/zero of=/dev/shm/big bs=1M count=30
	until_true line_says later ' shm 30.0/64.0 MiB'
	docker restart -t 0 later
	second=$(init_pid later)
	until_true has_processes later 1
	worker filler later dd if=/dev/zero of=/dev/shm/big bs=1M count=80
	until_true filler_is_watched
	work filler
	until_true has_told later
	docker stop -t 0 later
	until_true has_processes later 0
	end_watches
	same 'both times' "$(j "[.processes[].pid | select(. == $first or . == $second)] | sort | map(tostring) | join(\" \")" later.json)" \
		"$(printf '%s\n' "$first" "$second" | sort -n | paste -sd ' ')"
	same failures "$(j '[.shm[].full[]] | length' later.json)" 1
	same who "$(j '.shm[].full[] | "\(.pid) \(.container) \(.file)"' later.json)" "$filler_host later big"
}
has_first_line() {
	local pid=$1_watch
	has_line "$BATS_TEST_TMPDIR/$1.out" || has_state "${!pid}" Z-
}
filler_is_watched() {
	has_processes later 2
}

@test "--fail-if 'shm.used>80%': 3 when it held, with -c and with shm" {
	machine_box web --shm-size=64m
	docker exec web dd if=/dev/zero of=/dev/shm/big bs=1M count=51
	memmon -c web -d 0.3 -q --fail-if 'shm.used>80%'
	[ "$status" -eq 0 ]
	memmon shm -c web --fail-if 'shm.used>80%'
	[ "$status" -eq 0 ]
	docker exec web dd if=/dev/zero of=/dev/shm/more bs=1M count=1
	memmon -c web -d 0.3 -q --fail-if 'shm.used>80%'
	[ "$status" -eq 3 ]
	memmon shm -c web --fail-if 'shm.used>80%'
	[ "$status" -eq 3 ]
}

# ---- bad input ------------------------------------------------------------------------------------

# refused TEXT… -- NAME: by -c and by shm -c, with status 1, a message and no JSON of nothing
refused() {
	local texts=() text
	while [ "$1" != -- ]; do
		texts+=("$1")
		shift
	done
	for how in '-d 1' shm; do
		# shellcheck disable=SC2086
		memmon $how -c "$2"
		[ "$status" -eq 1 ]
		[ ! -s "$OUT" ]
		for text in "${texts[@]}"; do
			grep -qF -- "$text" "$ERR"
		done
		# shellcheck disable=SC2314
		! grep -q $'\033' "$ERR"
	done
}

@test 'none such, one that does not run, an ambiguous one: refused with what there is' {
	local seen=' ' id digit='' i
	machine_box web
	refused "-c 'nosuch': no such container" '  web ' -- nosuch
	refused "-c 'a\\nb\\x1b[2J'" -- $'a\nb\033[2J'
	docker stop -t 0 web
	refused 'does not run (exited)' '`docker start web`' -- web
	# 17 ids begin with 16 digits: two are the same
	for i in {1..17}; do
		id=$(docker create --network=none --name "n$i" box true)
		if [[ $seen == *" ${id:0:1} "* ]]; then
			digit=${id:0:1}
			break
		fi
		seen+="${id:0:1} "
	done
	[ -n "$digit" ]
	refused "-c '$digit' fits " "  ${id:0:12}  n$i" -- "$digit"
}

@test 'a socket that is missing, hangs or talks nonsense: goes on by id' {
	local good=$DOCKER_HOST id behaviour
	id=$(box web "${HOST_FILES[@]}" --shm-size=64m)
	docker exec web dd if=/dev/zero of=/dev/shm/big bs=1M count=5
	for behaviour in missing hang nonsense huge; do
		BAD=/nonexistent/sock
		if [ $behaviour != missing ]; then
			BAD=$DOCKER_DIR/bad.$behaviour
			start "bad_$behaviour" python3 "$BATS_TEST_DIRNAME/badsocket.py" "$BAD" $behaviour
			hear "bad_$behaviour" ready
		fi
		export DOCKER_HOST=unix://$BAD
		memmon shm -c "${id:0:12}" --json shm.json
		[ "$status" -eq 0 ]
		memmon -c "${id:0:12}" -d 0.3 -q --json container.json
		[ "$status" -eq 0 ]
		for watch in shm container; do
			same "$watch, $behaviour" "$(of_shm $watch '"\(.container) \(.container_id) \(.used_bytes)"')" \
				"${id:0:12} $id $((5 * MIB))"
		done
		refused "$BAD" -- web
		export DOCKER_HOST=$good
	done
}

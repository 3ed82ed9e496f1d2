#!/usr/bin/env bats
# shellcheck shell=bats disable=SC2154 # NAME_pid: start() in helpers.bash sets it
# SPDX-License-Identifier: GPL-2.0-or-later
#
# -c against a real Docker Engine: what names and ids mean, and containers that start, restart, stop and
# are made anew; sockets that are missing, hang or talk nonsense. `resolve` is src/containers.c alone.

load helpers
load docker

setup_file() {
	docker_begin
}
teardown_file() {
	docker_finish
}
setup() {
	begin
	docker_needed
	RESOLVE=$WORKLOADS/resolve
}
teardown() {
	finish_all
	docker_remove_all
}

# resolve ARG…: $OUT has a line for each container: state id name image runtime ipc shm limit pid cgroup
resolve() {
	status=0
	timeout -k 5 $LIMIT "$RESOLVE" "$@" </dev/null >"$OUT" 2>"$ERR" 3>&- 4>&- || status=$?
	show
}
# word N [LINE]: of the output
word() {
	awk -v n="$1" -v line="${2:-1}" 'NR == line {print $n}' "$OUT"
}
# refused WORD… -- ARG…: resolve fails and says all of this
refused() {
	local words=() word
	while [ "$1" != -- ]; do
		words+=("$1")
		shift
	done
	shift
	resolve "$@"
	[ "$status" -eq 1 ]
	[ ! -s "$OUT" ]
	for word in "${words[@]}"; do
		grep -qF -- "$word" "$ERR"
	done
}
# of NAME FORMAT
of() {
	docker inspect -f "$2" "$1"
}
# A socket that does as tests/live/badsocket.py says. bad_socket BEHAVIOUR
bad_socket() {
	BAD=$DOCKER_DIR/bad.$BATS_TEST_NUMBER.$1
	start "bad_$1" python3 "$BATS_TEST_DIRNAME/badsocket.py" "$BAD" "$1"
	hear "bad_$1" ready
}

@test "a name, a whole id and the start of an id are the same container" {
	id=$(box web --shm-size=64m)
	for wanted in web /web "$id" "${id:0:12}" "${id:0:7}"; do
		resolve "$wanted"
		[ "$status" -eq 0 ]
		same state "$(word 1)" running
		same id "$(word 2)" "$id"
		same name "$(word 3)" web
		same image "$(word 4)" box
		same runtime "$(word 5)" docker
		same shm "$(word 7)" 67108864
		same limit "$(word 8)" -1
		same pid "$(word 9)" "$(of web '{{.State.Pid}}')"
		[[ $(word 10) == */"$id" || $(word 10) == */docker-"$id".scope ]]
	done
	resolve web "$id" "${id:0:9}"
	same 'lines for one container' "$(wc -l <"$OUT")" 1
}

@test "the kinds of --ipc are told apart, and whose shm has which size" {
	box private --shm-size=32m
	box shareable --ipc=shareable --shm-size=128m
	box joined --ipc="container:shareable"
	box host --ipc=host
	box none --ipc=none
	resolve private shareable joined host none
	[ "$status" -eq 0 ]
	same private "$(word 6 1) $(word 7 1)" 'private 33554432'
	same shareable "$(word 6 2) $(word 7 2)" 'shareable 134217728'
	same joined "$(word 6 3) $(word 7 3)" "container:$(of shareable '{{.Id}}') -1"
	same host "$(word 6 4) $(word 7 4)" 'host -1'
	same none "$(word 6 5) $(word 7 5)" 'none -1'
}

@test "the limit is that of the cgroup, also after docker update" {
	box web --memory=256m --memory-swap=256m
	resolve web
	same limit "$(word 8)" 268435456
	docker update --memory=128m --memory-swap=256m web
	resolve web
	same limit "$(word 8)" 134217728
}

@test "an ambiguous start of an id: refused with the candidates, and no other" {
	local seen=' ' id digit='' i
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
	refused "-c '$digit' fits 2 containers" "  ${id:0:12}  n$i" '(not running)' -- "$digit"
	same candidates "$(grep -c '^  ' "$ERR")" 2
	[ -z "$(grep '^  ' "$ERR" | grep -v "^  $digit")" ]
}

@test "one that does not run: says how to start it, or to wait" {
	docker create --network=none --name off box sleep 100000
	refused "does not run (created)" '`docker start off`' --wait -- off
	docker start off
	resolve off
	[ "$status" -eq 0 ]
	docker stop -t 0 off
	refused "does not run (exited)" -- off
	docker start off
	docker pause off
	resolve off
	same 'a paused one runs' "$(word 1)" running
	docker unpause off
}

@test "none such: a list of those that run, ten at most" {
	local i
	refused "-c 'web': no such container" 'none runs' -- web
	box web
	docker create --network=none --name off box true
	refused 'these run:' "$(of web '{{printf "%.12s" .Id}}')  web" -- nosuch
	[ -z "$(grep off "$ERR")" ]
	refused "-c 'a\\nb\\x1b[2J'" -- $'a\nb\033[2J'
	for i in {1..10}; do
		box "n$i" >/dev/null
	done
	refused 'and 1 more' -- nosuch
	same lines "$(grep -c '^  ' "$ERR")" 11
}

@test "a restart, a stop, a start and a new one of the same name are followed" {
	box web
	start r "$RESOLVE" --follow web
	hear r running
	same pid "${HEARD[8]}" "$(of web '{{.State.Pid}}')"
	docker restart -t 0 web
	hear r stopped
	# both in one look, or one after the other
	if [ "${HEARD[1]}" != started ]; then
		hear r started
	fi
	same 'pid after the restart' "${HEARD[*]: -2:1}" "$(of web '{{.State.Pid}}')"
	docker stop -t 0 web
	hear r stopped
	same state "${HEARD[1]}" stopped
	docker start web
	hear r started
	same 'pid after the start' "${HEARD[9]}" "$(of web '{{.State.Pid}}')"
	docker rm -f web
	hear r stopped
	id=$(box web)
	hear r started
	same 'id of the new one' "${HEARD[2]}" "$id"
	same 'pid of the new one' "${HEARD[9]}" "$(of web '{{.State.Pid}}')"
}

@test "without a pid namespace of its own: its process is the engine's" {
	local i
	docker create --network=none --pid=host --name web box sleep 100000
	docker start web
	start r "$RESOLVE" --follow web
	hear r running
	same pid "${HEARD[8]}" "$(of web '{{.State.Pid}}')"
	for i in 1 2 3; do
		docker restart -t 0 web
		hear r stopped
		if [ "${HEARD[1]}" != started ]; then
			hear r started
		fi
		same "pid after restart $i" "${HEARD[*]: -2:1}" "$(of web '{{.State.Pid}}')"
	done
}

@test "--wait: one that does not exist yet, and one that does not run yet" {
	docker create --network=none --name made box sleep 100000
	start r "$RESOLVE" --follow --wait later made
	hear r awaited
	hear r awaited
	id=$(box later)
	hear r started
	same id "${HEARD[2]}" "$id"
	docker start made
	hear r started
	same id "${HEARD[2]}" "$(of made '{{.Id}}')"
}

@test "one that is removed: the watch is over" {
	box web
	start r "$RESOLVE" --follow web
	hear r running
	docker rm -f web
	hear r stopped
	hear r removed
	hear r over
	ended "$r_pid"
	[ "$status" -eq 0 ]
}

@test "no socket: ids work, names do not, and the message says why" {
	id=$(box web)
	export DOCKER_HOST=unix:///nonexistent/sock
	resolve "${id:0:10}"
	same id "$(word 2)" "$id"
	same runtime "$(word 5)" docker
	same pid "$(word 9)" "$(DOCKER_HOST=unix://$DOCKER_DIR/sock docker inspect -f '{{.State.Pid}}' web)"
	refused /nonexistent/sock 'No such file' "  ${id:0:12}" -- web
	DOCKER_HOST=tcp://127.0.0.1:1 refused tcp://127.0.0.1:1 'not a unix:// socket' -- web
	DOCKER_HOST=unix:///etc/passwd refused /etc/passwd -- web
	DOCKER_HOST=unix:///$(printf 'x%.0s' {1..200}) refused 'too long' -- web
	export DOCKER_HOST=unix://$DOCKER_DIR/sock
}

@test "no socket: a restart is followed by id" {
	id=$(box web)
	start r env DOCKER_HOST=unix:///nonexistent "$RESOLVE" --follow "$id"
	hear r running
	docker stop -t 0 web
	hear r stopped
	docker start web
	hear r started
	# what was seen then may be the runtime itself, about to become the container
	DOCKER_HOST=unix:///nonexistent resolve "$id"
	same pid "$(word 9)" "$(of web '{{.State.Pid}}')"
}

@test "a socket that hangs, drips, is full, huge or talks nonsense: the cgroups do, in time" {
	local behaviour good=$DOCKER_HOST
	id=$(box web)
	for behaviour in hang full drip nonsense html wrong status redirect close huge brackets headers; do
		bad_socket "$behaviour"
		export DOCKER_HOST=unix://$BAD
		resolve "${id:0:10}"
		same "id, $behaviour" "$(word 2)" "$id"
		# a second, and what a busy machine adds
		within "milliseconds, $behaviour" "$(awk '/^milliseconds/ {print $2}' "$ERR")" 0 20000
		refused "$BAD" -- web
		export DOCKER_HOST=$good
	done
}

@test "memmon-bpf -c refuses what cannot be watched, and watches what can" {
	box web
	memmon -c nosuch -d 1
	[ "$status" -eq 1 ]
	grep -q "^memmon-bpf: -c 'nosuch': no such container" "$ERR"
	grep -q '  web ' "$ERR"
	memmon -c web -d 0.3 -q --json "$JSON"
	[ "$status" -eq 0 ]
	same pid "$(j '.processes[0].pid')" "$(of web '{{.State.Pid}}')"
}

# shellcheck shell=bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Docker Engine of the test's own: one per test file, with its data, its socket and its containerd under
# a directory of the test, without networks, and with an image made of busybox here. A machine's own
# Docker is neither used nor disturbed.
#
# setup_file() calls docker_begin, setup() docker_needed and teardown_file() docker_finish, which ends everything also after a
# failure half-way: the daemons, the containers' processes, mounts, cgroups and what was made outside the
# directory.

# docker_begin: starts it. Exports DOCKER_HOST and DOCKER_DIR, or DOCKER_WHY where it cannot be had.
docker_begin() {
	local program
	PATH="$PATH:/usr/sbin:/sbin"
	export DOCKER_WHY=
	[ "$(id -u)" = 0 ] || DOCKER_WHY='needs root'
	for program in dockerd docker containerd runc busybox; do
		command -v "$program" >/dev/null || DOCKER_WHY="$program is not installed"
	done
	[ -z "$DOCKER_WHY" ] || return 0
	# a short path: that of a socket has room for 107 bytes
	DOCKER_DIR=$(mktemp -d "/tmp/memmon-docker.XXXXXX")
	DOCKER_HOST=unix://$DOCKER_DIR/sock
	# not what the user who runs the test has set up
	DOCKER_CONFIG=$DOCKER_DIR/config
	export DOCKER_DIR DOCKER_HOST DOCKER_CONFIG
	unset DOCKER_CONTEXT
	docker_outside >"$DOCKER_DIR/outside"
	setsid dockerd --config-file "$(docker_empty_config)" --bridge=none --iptables=false --ip6tables=false \
		--data-root "$DOCKER_DIR/data" --exec-root "$DOCKER_DIR/exec" --pidfile "$DOCKER_DIR/pid" \
		-H "$DOCKER_HOST" </dev/null >"$DOCKER_DIR/log" 2>&1 3>&- 4>&- &
	echo $! >"$DOCKER_DIR/daemon"
	if ! docker_answers || ! docker_image; then
		tail -n 5 "$DOCKER_DIR/log" >&2
		docker_finish
		DOCKER_WHY='the Docker Engine does not work here'
	fi
}

# To be called by each test's setup().
docker_needed() {
	[ -z "${DOCKER_WHY:-}" ] || skip "$DOCKER_WHY"
}

docker_answers() {
	local end=$((SECONDS + 60)) daemon
	daemon=$(cat "$DOCKER_DIR/daemon")
	until docker version >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ] || docker_gone "$daemon"; then
			return 1
		fi
		sleep 0.05
	done
}

docker_empty_config() {
	echo '{}' >"$DOCKER_DIR/daemon.json"
	echo "$DOCKER_DIR/daemon.json"
}

# The image `box`: busybox with all its programs, and nothing else.
docker_image() {
	local root=$DOCKER_DIR/image
	mkdir -p "$root"/{bin,proc,sys,dev,tmp,etc} &&
		cp "$(command -v busybox)" "$root/bin/busybox" &&
		chroot "$root" /bin/busybox --install -s /bin && # fails where it is not static
		tar -c -C "$root" . | docker import - box >/dev/null
}

# What dockerd makes outside its directories, as far as it exists.
docker_outside() {
	local path
	for path in /run/docker /run/containerd /opt/containerd /etc/docker /etc/docker/key.json \
		/sys/fs/cgroup/docker /sys/fs/cgroup/*/docker; do
		[ ! -e "$path" ] || echo "$path"
	done
}

# Removes of it what was not there before: empty directories, cgroups without processes, the key.
docker_remove_outside() {
	local path
	docker_outside | grep -vxFf "$DOCKER_DIR/outside" | sort -r | while read -r path; do
		if [ -d "$path" ]; then
			find "$path" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} \; || :
		else
			rm -f "$path"
		fi
	done
}

# box NAME [OPTION…] [-- COMMAND…]: runs a container of that name; prints its id.
box() {
	local name=$1 options=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	[ $# -gt 0 ] || set -- sleep 100000
	docker run -d --network=none --name "$name" "${options[@]}" box "$@" 3>&- 4>&-
}

# To be called by each test's teardown().
docker_remove_all() {
	local all
	[ -n "${DOCKER_DIR:-}" ] || return 0
	mapfile -t all < <(docker ps -aq 2>/dev/null)
	[ ${#all[@]} -eq 0 ] || docker rm -f "${all[@]}" >/dev/null
}

# docker_gone: the daemon has ended; a zombie is nobody's business here
docker_gone() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	stat=${stat##*) }
	[ "${stat:0:1}" = Z ]
}

# Daemons and shims that belong to our directory: by program and by directory, as neither alone is enough.
docker_left() {
	local dir
	for dir in /proc/[0-9]*; do
		case $(cat "$dir/comm" 2>/dev/null) in
		dockerd | containerd* | runc*) ;;
		*) continue ;;
		esac
		if tr '\0' ' ' 2>/dev/null <"$dir/cmdline" | grep -qF -- "$DOCKER_DIR/"; then
			echo "${dir#/proc/}"
		fi
	done
}

docker_finish() {
	local daemon pid path end
	if [ -z "${DOCKER_DIR:-}" ] || ! [ -d "$DOCKER_DIR" ]; then
		return 0
	fi
	docker_remove_all || :
	daemon=$(cat "$DOCKER_DIR/daemon" 2>/dev/null) || daemon=
	if [ -n "$daemon" ]; then
		kill -TERM "$daemon" 2>/dev/null || :
		end=$((SECONDS + 30))
		until docker_gone "$daemon" || [ $SECONDS -ge $end ]; do
			sleep 0.05
		done
		kill -KILL "$daemon" 2>/dev/null || :
	fi
	for pid in $(docker_left); do
		kill -KILL "$pid" 2>/dev/null || :
	done
	# the innermost first
	awk -v dir="$DOCKER_DIR/" 'index($5, dir) == 1 {print $5}' /proc/self/mountinfo | sort -r |
		while read -r path; do
			umount -l "$path" || :
		done
	docker_remove_outside
	rm -rf --one-file-system "$DOCKER_DIR"
	unset DOCKER_DIR DOCKER_HOST
}

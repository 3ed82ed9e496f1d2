# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# bash completion for memmon-bpf(8). After `--` it completes the command and its arguments as if
# memmon-bpf were not there; running processes, containers, cgroups, units and files where an option
# takes them.

# The last of a comma-separated list of pids; the ones before it stay.
_memmon_bpf_pids() {
	local head="" pid
	case $1 in
	*,*) head=${1%,*}, ;;
	esac
	while read -r pid; do
		COMPREPLY+=("$head$pid")
	done < <(compgen -W "$(command ps -A -o pid= 2>/dev/null)" -- "${1##*,}")
	compopt -o nospace
}

# The last of a comma-separated list of containers: names that Docker or Podman knows, running or not.
_memmon_bpf_containers() {
	local head="" name
	case $1 in
	*,*) head=${1%,*}, ;;
	esac
	while read -r name; do
		COMPREPLY+=("$head$name")
	done < <(compgen -W "$(
		for engine in docker podman; do
			timeout 2 "$engine" ps -a --format '{{.Names}}' 2>/dev/null
		done
	)" -- "${1##*,}")
	compopt -o nospace
}

_memmon_bpf_files() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_memmon_bpf_directories() {
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -d -- "$1")
}

_memmon_bpf_words() {
	mapfile -t COMPREPLY < <(compgen -W "$2" -- "$1")
}

_memmon_bpf() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local i options='-p --pid -c --container -g --cgroup -a --all -- --no-children --scope --wait -i --interval -d --duration
		--lines --json --csv -o --record --max-size --log-dir --mprof --unit --from-zero --pss --vma --fail-if --strict
		--budget --sample --max-processes --btf
		-q --quiet -v --verbose --no-color --fields -h --help --usage -V --version'
	local subcommand=

	COMPREPLY=()
	if ((COMP_CWORD > 1)); then
		subcommand=${COMP_WORDS[1]}
	fi
	case $subcommand in
	doctor) options='--json --btf --no-color -v --verbose -h --help --usage' ;;
	shm) options='--watch --files -c --container -i --interval -d --duration --json --csv --unit --fail-if
		--btf --no-color -v --verbose -h --help --usage' ;;
	report) options='--html --svg --png --json --csv --perfetto --openmetrics --unit --from-zero --max-processes
		--fail-if --no-color -h --help --usage' ;;
	diff) options='--json --fail-if --unit --no-color -h --help --usage' ;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			case $subcommand in
			shm | report | diff | doctor) return ;; # they run no command
			esac
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif ((COMP_CWORD == i + 1)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$current")
			else
				_memmon_bpf_files "$current"
			fi
			return
		fi
	done

	# --option=value: bash splits at `=`, which is then a word of its own.
	if [ "$current" = = ]; then
		current=
	elif [ "$previous" = = ] && ((COMP_CWORD > 1)); then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi

	case $previous in
	-p | --pid) _memmon_bpf_pids "$current" ;;
	-c | --container) _memmon_bpf_containers "$current" ;;
	-g | --cgroup | --log-dir) _memmon_bpf_directories "$current" ;;
	--json | --csv | -o | --record | --mprof | --btf | --html | --svg | --png | --perfetto | --openmetrics)
		_memmon_bpf_files "$current"
		;;
	--unit) _memmon_bpf_words "$current" 'B KiB MiB GiB KB MB GB' ;;
	-i | --interval | -d | --duration | --max-processes | --max-size | --fail-if | --budget) ;;
	*)
		case $current in
		-*) _memmon_bpf_words "$current" "$options" ;;
		*)
			case $subcommand in
			report | diff) _memmon_bpf_files "$current" ;;
			*) ((COMP_CWORD != 1)) || _memmon_bpf_words "$current" 'diff doctor report shm' ;;
			esac
			;;
		esac
		;;
	esac
}

complete -F _memmon_bpf memmon-bpf

# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Asks the bash completion the way bash asks it: words in COMP_WORDS, answers in COMPREPLY.

# complete_words WORD…: prints what completes the last word.
complete_words() {
	bash -c '
		source "$1"
		shift
		compopt() { :; }
		COMP_WORDS=(memmon-bpf "$@") COMP_CWORD=$#
		_memmon_bpf
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$BATS_TEST_DIRNAME/../../completion/memmon-bpf.bash" "$@"
}

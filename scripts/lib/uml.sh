# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # from base.sh
# Sourced after base.sh: what User-Mode Linux needs of this machine.

# uml_preload: what LD_PRELOAD has to be for it, if anything.
uml_preload() {
	local object=$build/uml-xstate.so source=$top/scripts/lib/uml-xstate.c

	grep -qw amx_tile /proc/cpuinfo || return 0
	if [ ! "$object" -nt "$source" ]; then
		mkdir -p "$build"
		gcc -O2 -Wall -Wextra -Werror -shared -fPIC -o "$object.$$" \
			"$source"
		mv "$object.$$" "$object"
	fi
	printf '%s\n' "$object"
}

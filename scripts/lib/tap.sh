# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # from base.sh
# Sourced after base.sh: each check on this machine is one line of TAP.

tap_number=0

# check NAME COMMAND...: one line of TAP
check() {
	local name=$1 start=$SECONDS code out
	shift
	tap_number=$((tap_number + 1))
	out=$(mktemp)
	printf '%s: %s ...' "$me" "$name" >&2
	run_strict "$@" >"$out" 2>&1
	if [ "$code" = 0 ]; then
		printf 'ok %d %s\n' "$tap_number" "$name"
	else
		sed 's/^/# /' "$out"
		printf 'not ok %d %s\n' "$tap_number" "$name"
		printf ' FAILED,' >&2
	fi
	rm -f "$out"
	printf ' %d s\n' $((SECONDS - start)) >&2
}

tap_end() {
	printf '1..%d\n' "$tap_number"
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced by the scripts here: where things are, and how to say what happens.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck disable=SC2034 # for the scripts that source this file
build=$top/build
# shellcheck disable=SC2034
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}/dma-resv-export
me=${0##*/}

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# run_strict COMMAND...: run it, leave its exit code in $code. Inside a condition,
# the shell would ignore set -e.
run_strict() {
	set +e
	(set -e; "$@")
	code=$?
	set -e
}

# log_run LOG WHAT COMMAND...: run quietly; time it; on failure show the end of
# the log and say where it is.
log_run() {
	local log=$1 what=$2 start=$SECONDS code
	shift 2

	mkdir -p "$(dirname "$log")"
	printf '%s: %s ...' "$me" "$what" >&2
	run_strict "$@" >"$log" 2>&1
	if [ "$code" = 0 ]; then
		printf ' %d s\n' $((SECONDS - start)) >&2
	else
		printf ' failed after %d s\n' $((SECONDS - start)) >&2
		tail -n 20 "$log" >&2
		die "$what failed, log: $log"
	fi
}

# as_root COMMAND...: run it as root, by sudo if need be.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root or sudo for: $*"
	fi
}

# debian_mirror: the one that this machine uses.
debian_mirror() {
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
		grep -m 1 '/debian/*$' || echo http://deb.debian.org/debian
}

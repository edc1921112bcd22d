# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154 # from base.sh
# Sourced after base.sh: packages of another suite of Debian than this machine's.

# use_suite SUITE: have apt see that suite of the same mirror, and nothing else; what
# it needs for that is in the cache, the machine's own apt does not change.
use_suite() {
	local apt=$cache/apt/$1 mirror

	mirror=$(debian_mirror)
	[ "$1" = "${1%-security}" ] || mirror=${mirror%/}-security
	mkdir -p "$apt/lists/partial" "$apt/archives/partial"
	printf 'deb [signed-by=%s] %s %s main\n' \
		/usr/share/keyrings/debian-archive-keyring.gpg "$mirror" "$1" \
		>"$apt/sources.list"
	cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt";
APT::Sandbox::User "";
CONF
	export APT_CONFIG=$apt/apt.conf
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after base.sh: run commands in a folder with a Debian in it.

# in_root ROOT FOLDER COMMAND...: run it in ROOT as its root, without a network,
# with FOLDER at /mnt. Mounts and processes end with it. Of ROOT's environment it
# has what a service has: no HOME.
in_root() {
	# shellcheck disable=SC2016 # for the inner shell
	as_root unshare --mount --net --pid --fork --kill-child sh -euc '
		root=$1
		mount --bind "$2" "$root/mnt"
		mount -t proc proc "$root/proc"
		mount -t tmpfs tmp "$root/tmp"
		shift 2
		exec env -i DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			chroot "$root" "$@"' sh "$@" </dev/null
}

# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Sourced after base.sh: put the module's sources where a kernel's build system finds them.

# release_of KDIR: what uname -r says on the kernel of these headers.
release_of() {
	sed -n 's/^#define UTS_RELEASE "\(.*\)"$/\1/p' \
		"$1/include/generated/utsrelease.h"
}

# is_uml KDIR, has_intree KDIR: what kind of kernel it is.
is_uml() {
	grep -q '^CONFIG_UML=y' "$1/.config"
}

has_intree() {
	grep -q '^CONFIG_DMA_RESV_EXPORT=y' "$1/.config"
}

# kernel_make KDIR ARGUMENT...: make with the build system of that kernel.
kernel_make() {
	local kdir=$1 suite gcc
	shift

	if is_uml "$kdir"; then
		make -C "$kdir" ARCH=um "$@"
		return
	fi
	# BTF would need pahole, and nothing here reads it.
	set -- -C "$kdir" CONFIG_DEBUG_INFO_BTF_MODULES= "$@"
	gcc=$(sed -n 's/^CC = .*gcc-\([0-9]*\)$/\1/p' \
		"$kdir/.kernelvariables" 2>/dev/null) || :
	suite=$(cat "$kdir/../../../suite" 2>/dev/null) || :
	if [ -n "$gcc" ] && ! command -v "gcc-$gcc" >/dev/null; then
		# An older Debian's compiler: this machine's does as well.
		if [ "$gcc" -lt "$(gcc -dumpversion)" ]; then
			set -- "$@" CC=gcc
		elif [ -n "$suite" ]; then
			# shellcheck disable=SC2154 # from base.sh
			"$top/scripts/build-root" "${suite%-*}" make "$@"
			return
		fi
	fi
	make "$@"
}

# stage_module KDIR FOLDER: copy the sources to FOLDER, newer ones only, and ask
# the headers in KDIR what they have.
stage_module() {
	local kdir=$1 folder=$2 probe name

	mkdir -p "$folder"
	# shellcheck disable=SC2154 # from base.sh
	cp -Rup "$top/Kbuild" "$top/drivers" "$top/include" "$folder"
	probe=$folder/drivers/dma-buf/compat/probe
	[ ! -e "$folder/probed.h" ] ||
		[ -n "$(find "$probe" -name '*.c' -newer "$folder/probed.h")" ] ||
		return 0

	# Those that do not compile are the answer, not a failure.
	kernel_make "$kdir" -k M="$probe" modules >"$probe/log" 2>&1 || :
	for name in "$probe"/have_*.c; do
		name=$(basename "$name" .c)
		[ ! -e "$probe/$name.o" ] || echo "#define ${name^^} 1"
	done >"$folder/probed.h.tmp"
	mv "$folder/probed.h.tmp" "$folder/probed.h"
}

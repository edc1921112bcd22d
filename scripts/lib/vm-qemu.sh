# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034 # variables of scripts/vm
# Sourced by scripts/vm: a machine of QEMU's.

# Does KVM run code, and soon? Some machines have the device and no more.
kvm_works() {
	local code

	[ -w /dev/kvm ] || return 1
	mkdir -p "$cache"
	if [ ! -e "$cache/kvm-$(</proc/sys/kernel/random/boot_id)" ]; then
		# A boot sector that tells isa-debug-exit to end with code 99.
		printf '\xb0\x31\xba\xf4\x00\xee\xf4%0503d\x55\xaa' 0 |
			tr 0 '\0' >"$run/kvm.bin"
		code=0
		timeout 2 qemu-system-x86_64 -accel kvm -nodefaults -no-reboot \
			-display none -drive "file=$run/kvm.bin,format=raw" \
			-device isa-debug-exit,iobase=0xf4,iosize=4 \
			>/dev/null 2>&1 || code=$?
		rm -f "$cache"/kvm-*
		[ "$code" = 99 ] && code=yes || code=no
		printf '%s' "$code" \
			>"$cache/kvm-$(</proc/sys/kernel/random/boot_id)"
	fi
	grep -q yes "$cache/kvm-$(</proc/sys/kernel/random/boot_id)"
}

# machine_prepare IMAGE INITRAMFS PARAMS: all but the guest's terminal or pipes.
machine_prepare() {
	local accel=tcg,thread=$thread cpu=max

	if [ "$icount" = yes ]; then
		accel=tcg,thread=single cpus=1
	elif kvm_works; then
		accel=kvm cpu=host
	fi
	machine=() p2p_append=
	if [ -n "$profile" ]; then
		# shellcheck source=scripts/lib/vm-p2p.sh
		. "$top/scripts/lib/vm-p2p.sh"
		p2p_prepare
	fi
	# A machine that is slow to run is no machine without a timer.
	# shellcheck disable=SC2054 # QEMU wants these commas
	machine=(qemu-system-x86_64 -accel "$accel" -M q35 -cpu "$cpu"
		-smp "$cpus" -m "$mem" -nodefaults -no-user-config -display none
		-no-reboot -serial "file:$run/console"
		-kernel "$1" -initrd "$2"
		-append "console=ttyS0 loglevel=5 log_buf_len=4M panic=-1 tsc=reliable
			random.trust_cpu=on mitigations=off net.ifnames=0
			no_timer_check $3$p2p_append"
		-fsdev "local,id=root,path=$root,security_model=none,readonly=on,multidevs=remap"
		-device virtio-9p-pci,fsdev=root,mount_tag=root
		-fsdev "local,id=vm,path=$run,security_model=none"
		-device virtio-9p-pci,fsdev=vm,mount_tag=vm
		-device virtio-rng-pci -device virtio-serial-pci
		"${machine[@]}")
	[ "$icount" = no ] || machine+=(-icount "shift=0,sleep=off")
	[ ${#devices[@]} = 0 ] || machine+=(-device virtio-gpu-pci)
	if [ -n "$write" ]; then
		# shellcheck disable=SC2054
		machine+=(-fsdev "local,id=write,path=$write,security_model=none"
			-device virtio-9p-pci,fsdev=write,mount_tag=write)
	fi
	stop=TERM
	terminal=(-chardev "stdio,id=tty,signal=off" -device "virtconsole,chardev=tty")
	pipes=(-chardev "file,id=out,path=$run/out"
		-device "virtserialport,chardev=out,name=out"
		-chardev "file,id=err,path=$run/err"
		-device "virtserialport,chardev=err,name=err")
}

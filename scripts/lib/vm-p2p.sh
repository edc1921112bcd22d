# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154,SC2034 # variables of scripts/vm
# Sourced by scripts/vm: PCI topologies for peer-to-peer DMA. One switch holds
# ivshmem, whose memory is a file of the host's that the guest finds as
# /run/vm/p2pmem, edu0, and two NVMe disks, one with a memory buffer; edu1 is behind
# another root port.
#
#   A	edu1 has no way to the switch: nothing says that the host bridge has one
#   B	edu1 goes through the host bridge, of a processor that is known to do so
#   C	an IOMMU translates, and the switch sends everything up to it
#   D	as C; for vfio-pci as the exporter
#
# QEMU itself brings no request from port to port of a switch, whatever the
# address: it carries all of them to the top. To the guest it looks the same.

# p2p_prepare: set $machine, and $p2p_append for the kernel's command line
p2p_prepare() {
	local port=xio3130-downstream cpu=qemu64,vendor=AuthenticAMD

	truncate -s "$p2p_memory" "$run/p2pmem"
	truncate -s 16M "$run/nvme-cmb" "$run/nvme-plain"
	case $profile in
	A) cpu+=,family=15 ;;
	*) cpu+=,family=23 ;;
	esac
	case $profile in
	C | D)
		# Its ports can redirect, which QEMU's switch cannot.
		port=pcie-root-port
		machine+=(-device intel-iommu)
		p2p_append+=' intel_iommu=on'
		;;
	esac
	# shellcheck disable=SC2054 # QEMU wants these commas
	machine+=(-cpu "$cpu"
		-object "memory-backend-file,id=p2pmem,share=on,mem-path=$run/p2pmem,size=$p2p_memory"
		-device pcie-root-port,id=rp0,bus=pcie.0,chassis=1,slot=0,addr=10.0
		-device x3130-upstream,id=up0,bus=rp0
		-device "$port,id=dn0,bus=up0,chassis=2,slot=1"
		-device "$port,id=dn1,bus=up0,chassis=2,slot=2"
		-device "$port,id=dn2,bus=up0,chassis=2,slot=3"
		-device "$port,id=dn3,bus=up0,chassis=2,slot=4"
		-device pcie-root-port,id=rp1,bus=pcie.0,chassis=3,slot=0,addr=11.0
		-device ivshmem-plain,bus=dn0,memdev=p2pmem,master=on
		-device edu,bus=dn1,dma_mask=0xffffffffffffffff
		-device edu,bus=rp1,dma_mask=0xffffffffffffffff
		-drive "if=none,id=cmb,format=raw,file=$run/nvme-cmb"
		-drive "if=none,id=plain,format=raw,file=$run/nvme-plain"
		-device nvme,bus=dn2,drive=cmb,serial=cmb,cmb_size_mb=16
		-device nvme,bus=dn3,drive=plain,serial=plain)
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh VER: prepares a kernel for tests and prints its folder (in the cache, made once).
#
#   6.1   Debian 12's stock kernel; modules are built with this machine's compiler and headers
#   7.3   the newest 7.3 of Debian 13 backports; its headers' tools need Debian 13's libc, so
#         they live in a chroot, where modules are built with its own compiler
#   uml   Debian's 6.1 source as a debug kernel in User Mode Linux (uml.sh)
#
# The folder holds: release (a file with what uname -r says), vmlinux, lib/modules/RELEASE,
# kdir (a link to the headers), and for 7.3 root/ (the chroot that kdir points into).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# The ELF image inside a bzImage, at the place its header tells (Documentation/arch/x86/boot.rst).
# QEMU boots it directly (PVH): decompression in an emulated guest would take half of the boot.
extract_vmlinux() { # VMLINUZ
	local sectors offset length unpack=xz
	sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	offset=$(od -An -tu4 -j $((0x248)) -N 4 "$1")
	length=$(od -An -tu4 -j $((0x24c)) -N 4 "$1")
	offset=$((offset + (sectors + 1) * 512))
	[ "$(od -An -tx4 -j $offset -N 4 "$1")" != ' fd2fb528' ] || unpack=zstd
	# The image's size follows the compressed data, so the last 4 bytes are none of theirs.
	dd if="$1" bs=1M iflag=skip_bytes,count_bytes status=none \
		skip=$offset count=$((length - 4)) | $unpack -dc
}

# Runs a command and shows what it printed only if it failed.
quietly() { # COMMAND...
	"$@" >"$folder.log" 2>&1 || { cat "$folder.log" >&2; die "failed: $*"; }
}

# Puts the kernel in these packages into FOLDER. Drivers of hardware that no guest has are three
# quarters of them.
install_kernel() { # FOLDER RELEASE PACKAGE...
	local dir=$1 release=$2 deb
	mkdir -p "$dir/debs" "$dir/image" "$dir/lib/modules"
	say "fetching ${*:3}"
	(cd "$dir/debs" && quietly apt-get -q download "${@:3}")
	for deb in "$dir"/debs/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/image" \
			--exclude='kernel/sound' --exclude='kernel/drivers/gpu' \
			--exclude='kernel/drivers/media' --exclude='kernel/drivers/staging' \
			--exclude='kernel/drivers/infiniband' --exclude='kernel/drivers/iio' \
			--exclude='kernel/drivers/net/wireless' --exclude='kernel/drivers/hwmon' \
			--exclude='kernel/drivers/scsi' --exclude='kernel/drivers/input'
	done
	extract_vmlinux "$(find "$dir/image" -name 'vmlinuz*' -type f)" >"$dir/vmlinux"
	mv "$(find "$dir/image" -path "*lib/modules/$release" -type d)" "$dir/lib/modules/"
	rm -f "$dir/lib/modules/$release/vmlinuz"
	rm -r "$dir/image" "$dir/debs"
	find "$dir/lib/modules" -name '*.ko.xz' -exec xz -d {} +
	depmod -b "$dir" "$release"
	echo "$release" >"$dir/release"
}

stock_6_1() { # FOLDER
	local release
	release=$(dpkg-query -W -f '${Depends}' linux-headers-amd64 |
		sed -n 's/.*linux-headers-\(6\.1[^ ,]*\).*/\1/p')
	[ "$release" ] || die "linux-headers-amd64 of this machine is not 6.1: need Debian 12"
	apt-cache show "linux-image-$release" >/dev/null 2>&1 || quietly apt-get -q update
	install_kernel "$1" "$release" "linux-image-$release"
	ln -s "/usr/src/linux-headers-$release" "$1/kdir"
}

backports_7_3() { # FOLDER
	local dir=$1 mirror release
	mirror=$(debian_mirror) || die "no Debian mirror in this machine's apt sources"
	mkdir -p "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial" "$dir/apt/empty"
	touch "$dir/apt/status"
	cat >"$dir/apt/sources.list" <<-EOF
		deb [signed-by=$debian_keys] $mirror trixie main
		deb [signed-by=$debian_keys] $mirror trixie-backports main
	EOF
	# The machine's own apt settings (proxies and so on), with a state apart from its own.
	cat >"$dir/apt/apt.conf" <<-EOF
		Dir::State "$dir/apt";
		Dir::State::status "$dir/apt/status";
		Dir::Cache "$dir/apt/cache";
		Dir::Etc::sourcelist "$dir/apt/sources.list";
		Dir::Etc::sourceparts "$dir/apt/empty";
		Dir::Etc::preferencesparts "$dir/apt/empty";
		APT::Sandbox::User "root";
	EOF
	export APT_CONFIG=$dir/apt/apt.conf
	quietly apt-get -q update
	release=$(apt-cache search --names-only '^linux-headers-7\.3\.[0-9.]+(\+deb13|-[0-9]+)*-amd64$' |
		sed 's/^linux-headers-\([^ ]*\).*/\1/' | sort -V | tail -n 1)
	[ "$release" ] || die "trixie-backports has no 7.3 kernel (any more)"
	install_kernel "$dir" "$release" "linux-binary-$release" "linux-modules-$release" \
		"linux-base-$release"
	unset APT_CONFIG
	say "making a trixie chroot with linux-headers-$release and a compiler"
	quietly nice mmdebstrap --quiet --mode=root --variant=apt --format=directory \
		--include="gcc,make,linux-headers-$release" trixie "$dir/root" \
		"$dir/apt/sources.list"
	ln -s "root/usr/src/linux-headers-$release" "$dir/kdir"
	rm -r "$dir/apt"
}

[ $# -eq 1 ] || die "usage: kernel.sh 6.1|7.3|uml"
case $1 in
6.1) make=stock_6_1 ;;
7.3) make=backports_7_3 ;;
uml) exec "$vm_dir/uml.sh" ;;
*) die "no such kernel: $1 (there are: 6.1 7.3 uml)" ;;
esac
"$vm_dir/deps.sh" build vm
folder=$cache/kernel-$1
if [ ! -e "$folder/kdir/Makefile" ]; then
	lock "$1"
	if [ ! -e "$folder/kdir/Makefile" ]; then
		rm -rf "$folder" "$folder.new"
		mkdir -p "$folder.new"
		$make "$folder.new"
		rm -f "$folder.log"
		mv "$folder.new" "$folder"
	fi
fi
echo "$folder"

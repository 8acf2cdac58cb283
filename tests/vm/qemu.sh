#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# qemu.sh: prepares QEMU (in the cache, fetched once) and prints its program.
#
# Debian 13's: that of Debian 12 (7.2) may go on executing code which another processor has just
# changed, so guests die where the kernel patches itself (static keys, "Oops: int3"); QEMU 8.1 mended
# that. Its program runs beside its own libraries, nothing of this machine is replaced.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

fetch() { # FOLDER
	local mirror usr=$folder/root/usr
	mirror=$(debian_mirror) || die "no Debian mirror in this machine's apt sources"
	say "fetching QEMU"
	mmdebstrap --quiet --mode=root --variant=extract --format=directory --include=qemu-system-x86 \
		trixie "$1/root" "deb [signed-by=$debian_keys] $mirror trixie main" >"$1/log" 2>&1 ||
		{ cat "$1/log" >&2; die "Debian 13's qemu-system-x86 cannot be had"; }
	cat >"$1/qemu-system-x86_64" <<-END
		#!/bin/sh
		exec $usr/lib64/ld-linux-x86-64.so.2 --library-path $usr/lib/x86_64-linux-gnu \\
			$usr/bin/qemu-system-x86_64 -L $usr/share/qemu -L $usr/share/seabios "\$@"
	END
	chmod +x "$1/qemu-system-x86_64"
}

"$vm_dir/deps.sh" vm
folder=$cache/qemu
if [ ! -x "$folder/qemu-system-x86_64" ]; then
	lock qemu
	if [ ! -x "$folder/qemu-system-x86_64" ]; then
		rm -rf "$folder" "$folder.new"
		mkdir -p "$folder.new"
		fetch "$folder.new"
		mv "$folder.new" "$folder"
	fi
fi
echo "$folder/qemu-system-x86_64"

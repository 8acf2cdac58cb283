#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# uml.sh: builds the debug kernel, Debian's 6.1 source as User Mode Linux with uml.config, and
# prints its folder (in the cache, made once for each source version and configuration). Like
# those of kernel.sh it holds release, lib/modules/RELEASE and kdir; the kernel is the program
# linux. To build a module: make -C FOLDER/kdir ARCH=um M=... modules (build.sh does).
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

export ARCH=um

build() { # FOLDER
	local dir=$1 option value
	mkdir -p "$dir/kdir"
	tar -xf /usr/src/linux-source-6.1.tar.xz -C "$dir/kdir" --strip-components=1
	cd "$dir/kdir"
	# UML is not preemptible, but counts what PREEMPT_COUNT counts, so it can check sleeping.
	sed -i '/^config DEBUG_ATOMIC_SLEEP$/,/^$/ { /ARCH_NO_PREEMPT/d }' lib/Kconfig.debug
	# UML 6.1 walks the memory map of a new process, before it can sleep, outside of RCU, of which
	# PROVE_RCU would complain.
	sed -i '/^void force_flush_all/,/^}/ {
		s/^\tfor_each_vma/\trcu_read_lock();\n&/
		s/^}/\trcu_read_unlock();\n&/
	}' arch/um/kernel/tlb.c
	make -s defconfig
	scripts/kconfig/merge_config.sh -m .config "$vm_dir/uml.config"
	make -s olddefconfig
	while IFS='=' read -r option value; do
		grep -qxF "$option=$value" .config || die "uml.config: this kernel has no $option=$value"
	done < <(grep '^CONFIG_' "$vm_dir/uml.config")
	nice make -s "-j$(nproc)" linux modules
	make -s INSTALL_MOD_PATH="$dir" modules_install
	rm "$dir"/lib/modules/*/{build,source}
	cp linux "$dir/linux"
	make -s kernelrelease >"$dir/release"
	# Modules are built against no more than this.
	find . -mindepth 1 -maxdepth 1 -type d \
		! -name arch ! -name include ! -name scripts -exec rm -r {} +
	find arch -mindepth 1 -maxdepth 1 -type d ! -name um ! -name x86 -exec rm -r {} +
	rm -f vmlinux* linux .tmp*
}

"$vm_dir/deps.sh" uml
version=$(dpkg-query -W -f '${Version}' linux-source-6.1)
key=$({ echo "$version"; declare -f build; cat "$vm_dir/uml.config"; } | sha256sum | cut -c 1-12)
folder=$cache/kernel-uml-$key
if [ ! -e "$folder" ]; then
	lock uml
	if [ ! -e "$folder" ]; then
		rm -rf "$folder.new"
		mkdir -p "$folder.new"
		say "building the debug kernel from linux-source-6.1 $version (some minutes)"
		set +e # in a condition, -e would not hold inside of build
		(set -e; build "$folder.new") >"$folder.log" 2>&1
		status=$?
		set -e
		[ $status -eq 0 ] || { tail -n 40 "$folder.log" >&2; die "the debug kernel does not build"; }
		mv "$folder.new" "$folder"
		rm "$folder.log"
	fi
fi
echo "$folder"

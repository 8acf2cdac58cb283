#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh VER [OUTDIR [SRC [MAKE-ARGUMENT...]]]: builds the module of SRC (default: this
# repository) for kernel VER (see kernel.sh) and puts it into OUTDIR (default: SRC/build/VER).
#
# Sources are copied to SRC/build/VER first, so that builds for several kernels do not disturb
# each other; only what changed is built again. Any warning is an error, those of modpost too.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

[ $# -ge 1 ] || die "usage: build.sh VER [OUTDIR [SRC [MAKE-ARGUMENT...]]]"
kernel=$1
src=$(realpath -e "${3:-$repo}")
out=$(realpath -m "${2:-$src/build/$kernel}")
folder=$("$vm_dir/kernel.sh" "$kernel")
kdir=$(realpath "$folder/kdir")
objects=$src/build/$kernel
run=()
make=(make -C "$kdir" "M=$objects" KCFLAGS=-Werror "-j$(nproc)" "${@:4}" modules)
case $kernel in
7.3)
	# objtool asks /proc for the size of its stack.
	run=(unshare --root="$folder/root" --mount-proc
		/usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8)
	make[2]=${kdir#"$folder/root"}
	objects=$folder/root$objects
	;;
uml) make+=(ARCH=um) ;;
esac

lock "build-$kernel"
mkdir -p "$objects" "$out"
cd "$src"
find . -path ./build -prune -o -path ./tests -prune -o -path ./tools -prune -o \
	-type f \( -name Kbuild -o -name '*.[chS]' \) ! -name '*.mod.c' -print |
	sort >"$objects/.sources.new"
if [ -e "$objects/.sources" ]; then
	comm -23 "$objects/.sources" "$objects/.sources.new" | (cd "$objects" && xargs -r rm -f)
fi
mv "$objects/.sources.new" "$objects/.sources"
tar -c --format=posix -T "$objects/.sources" | tar -x -C "$objects"

# Messages name the file to edit rather than its copy.
log=$objects/.log
status=0
nice "${run[@]}" "${make[@]}" 2>&1 | sed -u "s#$src/build/$kernel/#$src/#g" >"$log" || status=$?
grep -v 'warning: the compiler differs' "$log" | grep -qi 'warning' && status=1
if [ $status -ne 0 ]; then
	rm -f "$objects"/*.ko "$objects/Module.symvers"
	grep -vE '^make|^  [A-Z]+ ' "$log" >&2 || cat "$log" >&2
	die "the module does not build for $kernel without errors and warnings"
fi
for module in "$objects"/*.ko; do
	cmp -s "$module" "$out/${module##*/}" || cp "$module" "$out/"
	echo "$out/${module##*/}"
done

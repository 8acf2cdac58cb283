#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# generate.sh [--check]: writes the uapi header and the module's netlink policies and operations
# from dvpnet.yaml. With --check it writes nothing, shows how they differ from what dvpnet.yaml
# says, and exits with 1 if they do.
#
# The generator is the kernel's own, from the newest kernel source of Debian 13 backports. That
# is a download of 170 MB, made once; only the generator stays, in the cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../../tests/vm/lib.sh
. "$here/../../tests/vm/lib.sh"

# The Python of Debian, whatever comes first in PATH, is the one that has Debian's modules.
python=/usr/bin/python3

install_deps() {
	local package missing=()
	for package in python3 python3-yaml python3-jsonschema patch xz-utils; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing ${missing[*]}"
	{
		apt-get -q -o DPkg::Lock::Timeout=600 update &&
		DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 install \
			--no-install-recommends "${missing[@]}"
	} >"$tmp/log" 2>&1 </dev/null || { cat "$tmp/log" >&2; die "cannot install ${missing[*]}"; }
}

# Puts pyynl/ and the schemas of specs into FOLDER.
fetch_generator() { # FOLDER
	local mirror package keys=/usr/share/keyrings/debian-archive-keyring.gpg
	mirror=$(debian_mirror) || die "no Debian mirror in this machine's apt sources"
	mkdir -p "$tmp/apt/lists/partial" "$tmp/apt/cache/archives/partial" "$tmp/apt/empty" "$1"
	touch "$tmp/apt/status"
	echo "deb [signed-by=$keys] $mirror trixie-backports main" >"$tmp/apt/sources.list"
	# The machine's own apt settings (proxies and so on), with a state of our own.
	cat >"$tmp/apt/apt.conf" <<-EOF
		Dir::State "$tmp/apt";
		Dir::State::status "$tmp/apt/status";
		Dir::Cache "$tmp/apt/cache";
		Dir::Etc::sourcelist "$tmp/apt/sources.list";
		Dir::Etc::sourceparts "$tmp/apt/empty";
		Dir::Etc::preferencesparts "$tmp/apt/empty";
		APT::Sandbox::User "root";
	EOF
	export APT_CONFIG=$tmp/apt/apt.conf
	apt-get -q update >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; die "cannot read $mirror"; }
	package=$(apt-cache search --names-only '^linux-source-[0-9.]+$' | cut -d ' ' -f 1 |
		sort -V | tail -n 1)
	[ "$package" ] || die "trixie-backports has no kernel source"
	say "fetching the generator from $package"
	(cd "$tmp" && apt-get -q download "$package") >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log" >&2; die "cannot fetch $package"; }
	unset APT_CONFIG
	dpkg-deb --fsys-tarfile "$tmp/$package"_*.deb | tar -xO "./usr/src/$package.tar.xz" |
		nice tar -xJ -C "$1" --strip-components=1 --wildcards \
			'*/Documentation/netlink/genetlink*.yaml' '*/tools/net/ynl/pyynl'
}

# Writes one of the files into the tree below $tmp/root.
generate() { # FILE MODE --header|--source
	mkdir -p "$tmp/root/${1%/*}"
	"$python" "$tmp/pyynl/ynl_gen_c.py" --spec "$tmp/root/docs/netlink/dvpnet.yaml" \
		--mode "$2" "$3" -o "$tmp/root/$1" || die "the generator refuses dvpnet.yaml"
	sed -i 's,tools/net/ynl/ynl-regen.sh,docs/netlink/generate.sh,' "$tmp/root/$1"
}

case $* in
'' | --check) ;;
*) die "usage: generate.sh [--check]" ;;
esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
install_deps
generator=$cache/ynl
if [ ! -e "$generator" ]; then
	lock ynl
	if [ ! -e "$generator" ]; then
		rm -rf "$generator.new"
		fetch_generator "$generator.new"
		mv "$generator.new" "$generator"
	fi
fi

cp -r "$generator/tools/net/ynl/pyynl" "$tmp/"
patch -s -d "$tmp/pyynl" -p1 <"$here/ynl-per-op.patch" ||
	die "the generator has changed: adapt ynl-per-op.patch to $generator"
# The generator takes the folder with MAINTAINERS above the spec for the root of a kernel tree,
# and looks for the schema in the folder above that of the spec.
mkdir -p "$tmp/root/docs/netlink"
touch "$tmp/root/MAINTAINERS"
cp "$generator"/Documentation/netlink/genetlink*.yaml "$tmp/root/docs/"
cp "$here/dvpnet.yaml" "$tmp/root/docs/netlink/"

generate include/uapi/linux/dvpnet.h uapi --header
generate kmod/netlink_gen.h kernel --header
generate kmod/netlink_gen.c kernel --source
stale=0
for file in include/uapi/linux/dvpnet.h kmod/netlink_gen.h kmod/netlink_gen.c; do
	if [ "$*" ]; then
		diff -uN --label "a/$file" --label "b/$file" "$repo/$file" "$tmp/root/$file" || stale=1
	elif ! cmp -s "$tmp/root/$file" "$repo/$file"; then
		mkdir -p "$repo/${file%/*}"
		cp "$tmp/root/$file" "$repo/$file"
	fi
done
[ $stale -eq 0 ] || say "these files are stale: run docs/netlink/generate.sh"
exit $stale

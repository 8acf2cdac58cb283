# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by the scripts beside it: the cache, messages, and where Debian packages come from.

vm_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repo=$(cd "$vm_dir/../.." && pwd)
cache=${DVP_CACHE:-$HOME/.cache/dvpnet}

say() { echo "${0##*/}: $*" >&2; }
die() { say "$*"; exit 125; }

# Several runs may want the same kernel or QEMU at once: the first makes it, the others wait for it.
lock() {
	mkdir -p "$cache"
	exec {lock_fd}>"$cache/.lock-$1"
	flock -n "$lock_fd" || { say "waiting for another run to prepare $1"; flock "$lock_fd"; }
}

debian_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# The Debian mirror which this machine itself uses.
debian_mirror() {
	local codename
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --no-release-info --format '$(REPO_URI)' "Release: $codename" \
		'Component: main' | sort -u | grep -m 1 debian
}

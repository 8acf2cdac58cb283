#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh [GROUP...]: installs the Debian packages of these groups (default: all of them).
# When everything is installed already, it does nothing, and does not ask the network.
set -euo pipefail

declare -A packages=(
	[build]="gcc libc6-dev make pkg-config linux-headers-amd64 libnl-3-dev libnl-genl-3-dev libyaml-dev
		libjansson-dev libnftables-dev libcurl4-openssl-dev libsystemd-dev libmicrohttpd-dev"
	[unit]="libcmocka-dev iproute2 nftables iptables"
	[static]="sparse cppcheck shellcheck"
	[deploy]="prometheus python3 python3-yaml systemd"
	[vm]="busybox-static kmod xz-utils zstd mmdebstrap debian-archive-keyring"
	[uml]="linux-source-6.1 gcc libc6-dev make bc bison flex xz-utils kmod busybox-static"
	[e2e]="python3 python3-pytest python3-yaml iproute2 iputils-ping iputils-tracepath iperf3
		nftables conntrack ethtool tcpdump curl socat procps containernetworking-plugins iptables
		prometheus openssl"
	[bench]="iproute2 ethtool nftables iptables ipset ipvsadm conntrack curl python3"
	[cluster]="curl openssl ca-certificates git"
)

groups=("$@")
[ $# -gt 0 ] || mapfile -t groups < <(printf '%s\n' "${!packages[@]}" | sort)

wanted=()
for group in "${groups[@]}"; do
	[ -v "packages[$group]" ] || {
		echo "deps.sh: no such group: $group (there are: ${!packages[*]})" >&2
		exit 1
	}
	read -ra words -d '' <<<"${packages[$group]}" || true
	wanted+=("${words[@]}")
done

mapfile -t missing < <(
	printf '%s\n' "${wanted[@]}" | sort -u |
		grep -vxF -f <(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${wanted[@]}" 2>/dev/null |
			sed -n 's/ installed$//p'))
[ ${#missing[@]} -gt 0 ] || exit 0

echo "deps.sh: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Debian starts a Prometheus that is installed; the programs are all that is wanted of it. On a host
# that has one already, it is left alone.
masked=''
if [[ " ${missing[*]} " == *' prometheus '* && -d /run/systemd/system ]]; then
	masked=prometheus.service
	systemctl mask --quiet --runtime $masked
fi
{
	apt-get -q -o DPkg::Lock::Timeout=600 update &&
	apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends "${missing[@]}"
} >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
[ -z "$masked" ] || {
	systemctl disable --quiet $masked
	systemctl unmask --quiet --runtime $masked
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: a cluster of three nodes at work, in one guest; needs root on Debian 12 and nothing else.
# With DEMO=here the nodes are network namespaces of this machine, whose kernel must take modules.
set -euo pipefail
cd "$(dirname "$0")/../.."

log=build/demo.log
mkdir -p build
step() {
	printf '[ %-28s ] ' "$1"
	shift
	local begin=$SECONDS
	"$@" >"$log" 2>&1 </dev/null || { echo "failed"; tail -n 30 "$log"; exit 1; }
	echo "$((SECONDS - begin)) s"
}

colour=
[ ! -t 1 ] || colour=--colour
echo "dvpnet: three nodes, pods, Services. Everything here is real but the hardware."
if [ "${DEMO:-}" = here ]; then
	step "installing packages" tests/vm/deps.sh build e2e
	step "building module and tool" make -s module tool
	if ! grep -q '^dvpnet ' /proc/modules; then
		modprobe -aq udp_tunnel ip6_udp_tunnel nf_defrag_ipv4 nf_defrag_ipv6 || true
		step "loading the module" insmod ./dvpnet.ko
		trap 'rmmod dvpnet' EXIT
	fi
	python3 tests/demo/demo.py $colour
else
	step "installing packages" tests/vm/deps.sh build e2e vm
	step "preparing a 6.1 kernel" tests/vm/kernel.sh 6.1
	step "building the module" tests/vm/build.sh 6.1
	step "building dvpnetctl" make -s tool
	echo "[ booting a guest, emulated    ] stock Debian kernel, 2 CPUs"
	tests/vm/run.sh --kernel 6.1 --smp 2 --module build/6.1/dvpnet.ko --timeout 900 -- \
		env PYTHONPYCACHEPREFIX="$PWD/build/pycache" python3 -u tests/demo/demo.py $colour
fi

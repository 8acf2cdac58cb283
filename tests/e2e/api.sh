#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# api.sh KERNEL [PYTEST-ARGUMENT...]: tests of agents that follow a real API server; without a file
# among the arguments test_agent.py.
#
# Starts one with the objects of tests/cluster on this machine (tests/cluster-api), then run.sh; the
# guest reaches it, and control.py, which kills it when a test wants that, through QEMU's user network.
set -euo pipefail
e2e=$(realpath "$(dirname "$0")")
api=$e2e/../cluster-api
[ $# -gt 0 ] || { echo "usage: api.sh 6.1|7.3 [PYTEST-ARGUMENT...]" >&2; exit 1; }

mkdir -p "$e2e/../../build"
folder=$(realpath "$(mktemp -d -p "$e2e/../../build")")
control=''
finish() {
	[ -z "$control" ] || kill "$control"
	"$api/down.sh" "$folder/api"
	rm -rf "$folder"
}
trap finish EXIT
kubeconfig=$("$api/up.sh" "$folder/api")
"$api/populate.sh" "$kubeconfig"
programs=$("$api/build.sh")
export DVPNET_API=$folder/api DVPNET_KUBECTL=$programs/kubectl NETWORK=user
DVPNET_API_HOST=127.0.0.1 "$api/control.py" "$DVPNET_API" &
control=$!
kernel=$1
shift
files=(test_agent.py)
[[ " $* " != *.py[\ :]* ]] || files=()
if [[ "$*" == *test_agent_peer* ]]; then
	DVPNET_KUBE_PROXY=$("$api/build.sh" kube-proxy)/kube-proxy
	export DVPNET_KUBE_PROXY
fi
"$e2e/run.sh" "$kernel" -m api "${files[@]}" "$@"

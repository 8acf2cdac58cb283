#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Prints the objects of a cluster made for it into ../cluster, as kubectl does.
set -euo pipefail
here=$(dirname "$(realpath "$0")")

# A network and processes of its own: the usual port is free, and nothing
# outlives this script.
[ "${1-}" = --inside ] || {
	"$here/build.sh" >/dev/null
	exec unshare --net --pid --fork --kill-child --mount-proc "$here/capture.sh" --inside
}
ip link set lo up
programs=$("$here/build.sh")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# capture NAME KIND,...
capture() {
	"$programs/kubectl" get -A -o yaml --show-managed-fields "$2" >"$scratch/$1.yaml"
}

export KUBECONFIG
KUBECONFIG=$("$here/up.sh" "$scratch/cluster" 127.0.0.1 6443)
"$here/populate.sh" "$KUBECONFIG"

capture nodes nodes
capture services services
capture endpointslices endpointslices
capture moduleconfig moduleconfigs
capture rest "namespaces,pods,configmaps,serviceaccounts,endpoints,customresourcedefinitions,\
clusterrolebindings,roles,servicecidrs,ipaddresses,priorityclasses"
mv "$scratch"/*.yaml "$here/../cluster/"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cluster.sh DIR: writes the Kubernetes objects of the benchmark's cluster to DIR:
#
#   nodes.json            node-1 (10.1.0.0/16) and node-2 (10.2.0.0/16)
#   vxlan.json            ModuleConfig: pods talk through VXLAN
#   classic.json          ModuleConfig: directly
#   one.json              service 1 of the 10 000, at 10.96.0.1
#   thousand.json         those that make it 1000, to 10.96.3.232
#   many.json             all the others, to 10.96.39.16; changed.json: with one endpoint less
#   remote.json           a service at 10.97.0.1, its endpoints on node-2
#
# A service has one UDP port and two endpoints, addresses of its own, on node-1.
set -euo pipefail

list() { # the items, each with a comma behind it, on standard input
	printf '{"apiVersion": "v1", "kind": "List", "items": [\n'
	sed '$ s/,$//'
	printf ']}\n'
}

node() { # NUMBER
	cat <<-END
		{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-$1"},
		 "spec": {"podCIDR": "10.$1.0.0/16", "podCIDRs": ["10.$1.0.0/16"]},
		 "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.$1"}]}},
	END
}

tunnel_mode() { # MODE
	cat <<-END
		{"apiVersion": "deckhouse.io/v1alpha1", "kind": "ModuleConfig",
		 "metadata": {"name": "cni-cilium"},
		 "spec": {"enabled": true, "version": 1, "settings": {"tunnelMode": "$1"}}}
	END
}

# Services FIRST to LAST, with endpoints 2i and 2i + 1 of 10.NODE.128.0; one less for service SHORT.
services() { # NETWORK NODE FIRST LAST [SHORT]
	awk -v network="$1" -v node="$2" -v first="$3" -v last="$4" -v short="${5:-0}" '
	function address(i) {
		return sprintf("10.%d.%d.%d", node, 128 + int(i / 256), i % 256)
	}
	function endpoint(i) {
		return sprintf("{\"addresses\": [\"%s\"], \"conditions\": {\"ready\": true, " \
			"\"serving\": true, \"terminating\": false}, \"nodeName\": \"node-%d\"}",
			address(i), node)
	}
	BEGIN {
		for (i = first; i <= last; i++) {
			name = sprintf("service-%s-%d", network, i)
			ip = sprintf("10.%d.%d.%d", network, int(i / 256), i % 256)
			printf "{\"apiVersion\": \"v1\", \"kind\": \"Service\", " \
				"\"metadata\": {\"name\": \"%s\", \"namespace\": \"bench\"}, " \
				"\"spec\": {\"type\": \"ClusterIP\", \"clusterIP\": \"%s\", " \
				"\"clusterIPs\": [\"%s\"], \"ipFamilies\": [\"IPv4\"], " \
				"\"ports\": [{\"port\": 80, \"targetPort\": 8080, " \
				"\"protocol\": \"UDP\"}]}},\n", name, ip, ip
			printf "{\"apiVersion\": \"discovery.k8s.io/v1\", \"kind\": \"EndpointSlice\", " \
				"\"metadata\": {\"name\": \"%s-x\", \"namespace\": \"bench\", \"labels\": " \
				"{\"kubernetes.io/service-name\": \"%s\"}}, \"addressType\": \"IPv4\", " \
				"\"ports\": [{\"name\": \"\", \"port\": 8080, \"protocol\": \"UDP\"}], " \
				"\"endpoints\": [%s", name, name, endpoint(2 * i)
			if (i != short)
				printf ", %s", endpoint(2 * i + 1)
			print "]},"
		}
	}'
}

namespace='{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system",
 "uid": "6a0fd4b8-1f0a-4a43-9a3c-2b3d7c1f5e90"}},'

mkdir -p "$1"
cd "$1"
{ echo "$namespace"; node 1; node 2; } | list >nodes.json
tunnel_mode VXLAN >vxlan.json
tunnel_mode Disabled >classic.json
services 96 1 1 1 | list >one.json
services 96 1 2 1000 | list >thousand.json
services 96 1 2 10000 | list >many.json
services 96 1 2 10000 5000 | list >changed.json
services 97 2 1 1 | list >remote.json

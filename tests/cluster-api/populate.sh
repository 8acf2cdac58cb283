#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Creates the objects of ../cluster/README.md in the cluster of KUBECONFIG,
# playing the kubelets' part, and waits until the controllers did theirs.
set -euo pipefail
here=$(dirname "$(realpath "$0")")

[ $# -eq 1 ] || {
	echo "Usage: populate.sh KUBECONFIG" >&2
	exit 1
}
export KUBECONFIG=$1
PATH=$("$here/build.sh"):$PATH
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
readonly TIMEOUT=60

declare -A node4=([n1]=192.168.1.11 [n2]=192.168.1.12 [n3]=192.168.2.13)
declare -A node6=([n1]=fd00:1::11 [n2]=fd00:1::12 [n3]=fd00:2::13)

# await DESCRIPTION COMMAND...: until COMMAND succeeds
await() {
	local deadline=$((SECONDS + TIMEOUT))

	until "${@:2}" >/dev/null 2>&1; do
		((SECONDS < deadline)) || {
			echo "populate.sh: no $1 after $TIMEOUT s" >&2
			exit 1
		}
		sleep 0.1
	done
}

# report OBJECT: gives it the status on stdin, as a kubelet does
report() {
	kubectl patch "$1" --namespace demo --subresource status --field-manager kubelet \
		--patch-file /dev/stdin >/dev/null
}

digest() {
	printf %s "$1" | sha256sum | cut -c1-64
}

# node_condition TYPE STATUS REASON MESSAGE
node_condition() {
	cat <<-EOF
	  - type: $1
	    status: "$2"
	    reason: $3
	    message: kubelet $4
	    lastHeartbeatTime: $now
	    lastTransitionTime: $now
	EOF
}

# node NAME ZONE [ADDRESS...]: the ADDRESSes are external ones
node() {
	local name=$1 number=${1#n}

	kubectl create --field-manager kubelet --filename - >/dev/null <<-EOF
	apiVersion: v1
	kind: Node
	metadata:
	  name: $name
	  labels:
	    kubernetes.io/arch: amd64
	    kubernetes.io/hostname: $name
	    kubernetes.io/os: linux
	    node.deckhouse.io/group: worker
	    topology.kubernetes.io/region: lab
	    topology.kubernetes.io/zone: $2
	spec:
	  podCIDRs: [10.111.$number.0/24, "fd00:111:0:$number::/64"]
	EOF
	report "node/$name" <<-EOF
	status:
	  addresses:
	$(printf '  - {type: InternalIP, address: "%s"}\n' "${node4[$name]}" "${node6[$name]}"
	  [ $# -eq 2 ] || printf '  - {type: ExternalIP, address: "%s"}\n' "${@:3}")
	  - {type: Hostname, address: $name}
	  capacity: &resources
	    cpu: "8"
	    memory: 32781640Ki
	    ephemeral-storage: 102624184Ki
	    hugepages-2Mi: "0"
	    pods: "110"
	  allocatable: *resources
	  conditions:
	$(node_condition MemoryPressure False KubeletHasSufficientMemory 'has sufficient memory available'
	  node_condition DiskPressure False KubeletHasNoDiskPressure 'has no disk pressure'
	  node_condition PIDPressure False KubeletHasSufficientPID 'has sufficient PID available'
	  node_condition Ready True KubeletReady 'is posting ready status')
	  daemonEndpoints:
	    kubeletEndpoint: {Port: 10250}
	  nodeInfo:
	    architecture: amd64
	    operatingSystem: linux
	    osImage: Debian GNU/Linux 12 (bookworm)
	    kernelVersion: 6.1.0-42-amd64
	    containerRuntimeVersion: containerd://2.1.4
	    kubeletVersion: v1.36.3
	    kubeProxyVersion: ""
	    machineID: "$(digest "$name" | cut -c1-32)"
	    systemUUID: $(cat /proc/sys/kernel/random/uuid)
	    bootID: $(cat /proc/sys/kernel/random/uuid)
	EOF
}

# pod NAME HOST-NETWORK IPV4 IPV6 PORTS: NAME is its app, its node and what it likes
pod() {
	local name=$1 app node

	IFS=- read -r app node _ <<<"$name"
	kubectl create --namespace demo --filename - >/dev/null <<-EOF
	apiVersion: v1
	kind: Pod
	metadata:
	  name: $name
	  labels: {app: $app}
	spec:
	  nodeName: $node
	  hostNetwork: $2
	  containers:
	  - name: $app
	    image: registry.example.org/$app:1.0
	    ports: [$5]
	    resources:
	      requests: {cpu: 50m, memory: 64Mi}
	EOF
	report "pod/$name" <<-EOF
	status:
	  phase: Running
	  startTime: $now
	  hostIP: ${node4[$node]}
	  hostIPs: [{ip: ${node4[$node]}}, {ip: "${node6[$node]}"}]
	  podIP: $3
	  podIPs: [{ip: $3}, {ip: "$4"}]
	  conditions:
	$(printf '  - {type: %s, status: "True", lastTransitionTime: %s}\n' \
		PodReadyToStartContainers "$now" Initialized "$now" Ready "$now" \
		ContainersReady "$now" PodScheduled "$now")
	  containerStatuses:
	  - name: $app
	    image: registry.example.org/$app:1.0
	    imageID: registry.example.org/$app@sha256:$(digest "$app")
	    containerID: containerd://$(digest "$name")
	    ready: true
	    started: true
	    restartCount: 0
	    state: {running: {startedAt: $now}}
	EOF
}

# cluster_pod NAME NUMBER PORTS: with the addresses NUMBER of its node's ranges
cluster_pod() {
	local node

	IFS=- read -r _ node _ <<<"$1"
	pod "$1" false "10.111.${node#n}.$2" "fd00:111:0:${node#n}::$2" "$3"
}

# A line a slice: its Service and family, and whether each endpoint is ready.
# The slice made by hand leaves that open.
slices_are_complete() {
	local line='{.metadata.labels.kubernetes\.io/service-name} {.addressType} {.endpoints[*].conditions.ready}'

	kubectl get endpointslices --namespace demo \
		--output "jsonpath={range .items[*]}$line{\"\n\"}{end}" |
		sed 's/ *$//' | LC_ALL=C sort | diff - <(cat <<-EOF
		db IPv4
		dns IPv4 true true
		dns IPv6 true true
		dns-nodeport IPv4 true true
		dns-nodeport IPv6 true true
		hostweb IPv4 true
		hostweb IPv6 true
		nobody IPv4
		nobody IPv6
		web IPv4 true true true true
		web IPv6 true true true true
		web-headless IPv4 true true true true
		web-headless IPv6 true true true true
		web-nodeport IPv4 true true true true
		web-nodeport IPv6 true true true true
		EOF
		)
}

# A new node is tainted until the controller manager has seen it ready.
nodes_are_free() {
	[ -z "$(kubectl get nodes --output 'jsonpath={.items[*].spec.taints}')" ]
}

readonly HTTP='{name: http, containerPort: 8080}'
readonly DNS='{name: dns, containerPort: 5353, protocol: UDP}, {name: dns-tcp, containerPort: 5353}'

kubectl apply --filename "$here/objects/base.yaml" --filename "$here/../../deploy/rbac.yaml" >/dev/null
kubectl wait --for condition=Established crd/moduleconfigs.deckhouse.io \
	crd/virtualmachines.virtualization.deckhouse.io >/dev/null
await "service account in demo" kubectl get serviceaccount default --namespace demo

node n1 zone-a 203.0.113.11
node n2 zone-a
node n3 zone-b

kubectl apply --filename "$here/objects" >/dev/null

cluster_pod web-n1-a 10 "$HTTP"
cluster_pod web-n2-a 10 "$HTTP"
cluster_pod web-n2-b 11 "$HTTP"
cluster_pod web-n3-a 10 "$HTTP"
for node in n1 n2 n3; do
	cluster_pod "client-$node" 20 ''
done
cluster_pod dns-n1 30 "$DNS"
cluster_pod dns-n3 30 "$DNS"
pod hostweb-n2 true "${node4[n2]}" "${node6[n2]}" '{name: http, containerPort: 9090}'

await "nodes without taints" nodes_are_free
await "complete EndpointSlices" slices_are_complete

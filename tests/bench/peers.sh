# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # guest.sh has the variables
# Sourced by guest.sh: what others do. Each leaves nothing behind.

measure_redirect() {
	tc qdisc add dev cl0 clsact
	tc filter add dev cl0 ingress matchall action mirred egress redirect dev sv0
	row 'tc mirred redirect (the limit)' same 10.1.0.3 server eth0
	tc qdisc del dev cl0 clsact
}

measure_conntrack() {
	nft 'table ip bench { chain forward { type filter hook forward priority 0; ct state invalid drop; }; }'
	row 'forwarding and conntrack' same 10.1.0.3 server eth0
	nft delete table ip bench
}

measure_ipvs() {
	modprobe ip_vs conn_tab_bits=16
	ip address add $vip/32 dev lo
	ipvsadm -A -u $vip:80 -s rr
	ipvsadm -a -u $vip:80 -r $backends:8080 -m
	row 'IPVS masquerading, established' same $vip server eth0 $length $backends $backends 1
	row 'IPVS masquerading, new flow' new $vip server eth0
	ipvsadm -C
	ip address del $vip/32 dev lo
}

# ---- kube-proxy ----

api_port=8001 metrics_port=10249

# kube-proxy makes its rules once it has the objects, all at once.
has_synced() { # NUMBER
	in_ns "node-$1" curl -sf --max-time 60 http://127.0.0.1:$metrics_port/metrics |
		grep '^kubeproxy_sync_proxy_rules_last_timestamp_seconds.*IPv4.* [1-9]' >/dev/null
}

# The real kube-proxy makes its rules of these objects on node NUMBER, and goes; they stay. Sets
# $proxy_cost to million instructions of it and the commands it ran.
kube_proxy() { # NUMBER MODE OBJECTS...
	local file files=() api proxy times
	for file in nodes "${@:3}"; do
		files+=("$objects/$file.json")
	done
	# Not in_ns: $! would be the shell's.
	ip netns exec "node-$1" python3 "$bench/api.py" $api_port "${files[@]}" &
	api=$!
	# Legacy iptables: the other ones are nftables in disguise, and ten times as slow for it.
	PATH=$work/legacy:$PATH ip netns exec "node-$1" "$kube_programs/kube-proxy" \
		--master http://127.0.0.1:$api_port --kube-api-content-type application/json \
		--hostname-override "node-$1" --proxy-mode "$2" --cluster-cidr 10.0.0.0/14 \
		--healthz-bind-address '' --metrics-bind-address 127.0.0.1:$metrics_port \
		--conntrack-max-per-core 0 >"$work/kube-proxy.log" 2>&1 &
	proxy=$!
	until has_synced "$1"; do
		kill -0 $proxy || die "kube-proxy: $(tail -n 20 "$work/kube-proxy.log")"
		sleep 1
	done
	# user and system time, its own and its children's, in hundredths of a second
	read -ra times < <(sed 's/.*) //' /proc/$proxy/stat)
	proxy_cost=$(((times[11] + times[12] + times[13] + times[14]) * 10))
	kill $proxy $api
	wait $proxy $api || true
}

measure_kube_proxy_nftables() {
	kube_proxy 1 nftables one
	printf 'command\tkube-proxy (nftables) from its start, 1 service\t%s\n' $proxy_cost
	row 'kube-proxy nftables, established' same $vip server eth0 $length $backends 10.1.128.3 2
	row 'kube-proxy nftables, new flow' new $vip server eth0
	nft flush ruleset
	kube_proxy 1 nftables remote
	kube_proxy 2 nftables remote
	flannel_up
	row 'kube-proxy nftables and flannel, established, encapsulating node only' same $remote_vip \
		node-2 un0 $vxlan_length
	row 'kube-proxy nftables and flannel, established, both nodes' same $remote_vip pod eth0
	flannel_down
	in_ns node-2 nft flush ruleset
	nft flush ruleset
	kube_proxy 1 nftables one thousand
	printf 'command\tkube-proxy (nftables) from its start, 1000 services\t%s\n' $proxy_cost
	row 'kube-proxy nftables, new flow, 1000 services' new $thousandth_vip server eth0
	nft flush ruleset
}

# What nf_flowtable does for kube-proxy's flows.
measure_flowtable() {
	kube_proxy 1 nftables one
	nft -f - <<-END
		table ip bench {
			flowtable fast {
				hook ingress priority 0
				devices = { cl0, sv0 }
			}
			chain forward {
				type filter hook forward priority 0
				ct state established flow add @fast
			}
		}
	END
	row 'nf_flowtable and kube-proxy nftables, established' same $vip server eth0 \
		$length $backends 10.1.128.3 2
	conntrack -L 2>/dev/null | grep -q OFFLOAD || die "nf_flowtable has no flow"
	nft flush ruleset
}

measure_kube_proxy_iptables() {
	local program table
	mkdir -p "$work/legacy"
	for program in ip{,6}tables{,-save,-restore}; do
		ln -sf "$(command -v xtables-legacy-multi)" "$work/legacy/$program"
	done
	# iptables gives up when the kernel is slow to load them by itself.
	modprobe -a iptable_nat iptable_mangle iptable_filter
	kube_proxy 1 iptables one
	row 'kube-proxy iptables, established' same $vip server eth0 $length $backends 10.1.128.3 2
	row 'kube-proxy iptables, new flow' new $vip server eth0
	# Tables stay in the way of packets, rules or not, until their modules are gone; rules keep those.
	for table in nat mangle filter; do
		iptables-legacy -t $table -F
		iptables-legacy -t $table -X
	done
	timeout 60 sh -c 'until modprobe -r iptable_nat iptable_mangle iptable_filter; do sleep 1; done'
}

# ---- flannel ----

flannel() { # NODE-NETNS NUMBER PEER-NUMBER
	ip -n "$1" link add flannel.1 address "02:00:00:00:00:0$2" type vxlan id 1 dev un0 \
		local "192.168.0.$2" dstport 8472 nolearning
	ip -n "$1" link set flannel.1 up
	ip -n "$1" neighbour add "10.$3.0.0" lladdr "02:00:00:00:00:0$3" dev flannel.1 nud permanent
	bridge -n "$1" fdb add "02:00:00:00:00:0$3" dev flannel.1 dst "192.168.0.$3"
	ip -n "$1" route add "10.$3.0.0/16" via "10.$3.0.0" dev flannel.1 onlink
}

flannel_up() {
	flannel node-1 1 2
	flannel node-2 2 1
}

flannel_down() {
	ip -n node-1 link del flannel.1
	ip -n node-2 link del flannel.1
}

measure_flannel() {
	flannel_up
	row 'vxlan device as flannel has it, encapsulating node only' same 10.2.0.2 \
		node-2 un0 $vxlan_length
	row 'vxlan device as flannel has it, both nodes' same 10.2.0.2 pod eth0
	flannel_down
}

measure_peers() {
	measure_redirect
	measure_conntrack
	measure_ipvs
	measure_flannel
	measure_flowtable
	measure_kube_proxy_nftables
	measure_kube_proxy_iptables
}

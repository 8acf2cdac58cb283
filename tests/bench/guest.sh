#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# guest.sh DIR KUBE-DIR: measures, in a guest whose clock counts instructions (run.sh calls it).
#
#     client               node-1 (the guest itself)          node-2            pod
#     eth0 ----------- cl0                  un0 ----------- un0    pod0 ------- eth0
#     10.1.0.2                       192.168.0.1     192.168.0.2                10.2.0.2
#                      sv0 ------- eth0 10.1.0.3
#                                  server
#
# A packet is a UDP datagram in a frame of 128 bytes, its checksum left to the device, as a pod
# sends it. pktgen sends them from client (or server); a rule drops them at the ingress of a
# device, the sink, where each packet must have arrived, with the length that it should have.
# The floor is what generator, first hop and sink cost alone: with the sink at the node's ingress.
#
# dvpnet's rows are here, those of others in peers.sh.
#
# Prints lines of fields, separated by tabs: the word "row", the name, the kind of traffic, total
# instructions a packet, the floor; or "command", the name, million instructions of
# the whole command (its processor time: the clock runs on while it waits for the host's files).
set -euo pipefail

work=$1
kube_programs=$2
objects=$work/objects
dvpnetctl=$work/dvpnetctl
bench=$(cd "$(dirname "$0")" && pwd)
length=114		# without the Ethernet header
vxlan_length=$((length + 50))
client=10.1.0.2
vip=10.96.0.1 thousandth_vip=10.96.3.232 last_vip=10.96.39.16 services=10000 remote_vip=10.97.0.1
backends=10.1.128.2 last_backend=10.1.206.33
sport=1000
declare -A floors

# shellcheck source-path=SCRIPTDIR
. "$bench/peers.sh"

die() { echo "guest.sh: $*" >&2; exit 1; }
in_ns() { ip netns exec "$@"; }

# ---- topology ----

wire() { # NETNS DEVICE PEER-NETNS PEER
	ip -n "$1" link add "$2" address "$(mac_of "$1" "$2")" type veth \
		peer name "$4" address "$(mac_of "$3" "$4")" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

mac_of() { # NETNS DEVICE
	printf '02:%s\n' "$(md5sum <<<"$1 $2" | sed 's/\(..\)/\1:/g; s/^\(.\{14\}\).*/\1/')"
}

# Neighbours are permanent, so that nothing but the packets that we count is on the way.
neighbour() { # NETNS DEVICE ADDRESS PEER-NETNS PEER
	ip -n "$1" neighbour add "$3" lladdr "$(mac_of "$4" "$5")" dev "$2" nud permanent
}

make_topology() {
	local ns
	ip netns attach node-1 $$
	for ns in client server node-2 pod; do
		ip netns add $ns
		ip -n $ns link set lo up
	done
	for ns in client server node-1 node-2 pod; do
		in_ns $ns sysctl -qw net.ipv6.conf.{all,default}.disable_ipv6=1 \
			net.ipv4.ip_forward=1
	done
	# While ksoftirqd has the packets, pktgen goes on.
	sysctl -qw net.core.netdev_max_backlog=100000
	wire client eth0 node-1 cl0
	wire server eth0 node-1 sv0
	wire node-1 un0 node-2 un0
	wire node-2 pod0 pod eth0

	ip -n client address add $client/16 dev eth0
	ip -n server address add 10.1.0.3/16 dev eth0
	ip -n pod address add 10.2.0.2/16 dev eth0

	ip address add 10.1.0.1/32 dev cl0
	ip route add $client dev cl0
	ip route add 10.1.0.3 dev sv0
	ip route add 10.1.128.0/17 via 10.1.0.3 dev sv0 onlink
	ip address add 192.168.0.1/24 dev un0
	neighbour node-1 cl0 $client client eth0
	neighbour node-1 sv0 10.1.0.3 server eth0
	neighbour node-1 un0 192.168.0.2 node-2 un0

	ip -n node-2 address add 192.168.0.2/24 dev un0
	ip -n node-2 address add 10.2.0.1/32 dev pod0
	ip -n node-2 route add 10.2.0.2 dev pod0
	ip -n node-2 route add 10.2.128.0/17 via 10.2.0.2 dev pod0 onlink
	neighbour node-2 un0 192.168.0.1 node-1 un0
	neighbour node-2 pod0 10.2.0.2 pod eth0

	# Nobody shall reply to what we do not count.
	sink client eth0
	sink server eth0
}

# ---- counting ----

sink() { # NETNS DEVICE
	in_ns "$1" nft -f - <<-END
		table netdev sink
		delete table netdev sink
		table netdev sink {
			chain ingress {
				type filter hook ingress device $2 priority -500
				counter drop
			}
		}
	END
}

no_sink() { # NETNS
	in_ns "$1" nft delete table netdev sink
}

sunk() { # NETNS: packets and bytes
	in_ns "$1" nft list table netdev sink |
		sed -n 's/.*counter packets \([0-9]*\) bytes \([0-9]*\).*/\1 \2/p'
}

# Sends COUNT packets. Sets $cost to the instructions of one, and $disturbed if other tasks ran for
# more than 0.5 % of the time.
send() { # NETNS COUNT OPTION...
	local gateway times busy idle
	case $1 in
	client) gateway=$(mac_of node-1 cl0) ;;
	server) gateway=$(mac_of node-1 sv0) ;;
	esac
	# What the commands before have left to the background shall be over. Waiting costs nothing.
	sleep 2
	times=$(in_ns "$1" "$bench/pktgen.sh" "$2" 'pkt_size 128' 'flag UDPCSUM' \
		"dst_mac $gateway" 'udp_dst_min 80' 'udp_dst_max 80' "${@:3}")
	read -r busy idle <<<"$times"
	cost=$(((busy * 1000 + $2 / 2) / $2))
	disturbed=$((idle * 200 > busy))
}

# The same with a sink: all packets must arrive there.
send_counted() { # SINK-NETNS SINK-DEVICE LENGTH NETNS COUNT OPTION...
	local arrived
	sink "$1" "$2"
	send "${@:4}"
	arrived=$(sunk "$1")
	[ "$arrived" = "$5 $(($5 * $3))" ] ||
		die "$1 $2 saw '$arrived' packets and bytes, not '$5 $(($5 * $3))'"
	case $1 in node-*) in_ns "$1" nft delete table netdev sink ;; esac
}

# Backends FIRST to LAST reply once, so that the client's connections to them are established.
answer() { # FIRST LAST COUNT
	send server "$3" "src_min $1" "src_max $2" "dst_min $client" "dst_max $client" \
		'udp_src_min 8080' 'udp_src_max 8080' "udp_dst_min $sport" "udp_dst_max $sport"
}

# Measures packets of a KIND, after some that warm up, and their answers if any. Sets $cost:
#   same      they do not differ
#   spread    one to each of the services in turn
#   new       each from a source port that was not used before
#   reply     they do not differ, and go from backend DESTINATION to the client
# With "floor" for a sink, the sink is where they enter the node.
#
# $cost is the least of three measurements that nothing disturbed: where skbs and their data happen
# to lie in the slabs decides whether freeing them is quick, and what is done in between shuffles
# that.
measure() { # KIND DESTINATION SINK-NETNS SINK-DEVICE [LENGTH [ANSWER...]]
	local from=client ingress=cl0 warm=1000 count=5000 last_to=$2
	local first=$sport last=$sport options
	local best=0 good=0 try
	case $1 in
	spread)
		warm=$services count=$services last_to=$last_vip
		;;
	new)
		warm=20000 first=2000 last=$((first + warm))
		;;
	reply)
		from=server ingress=sv0
		;;
	esac
	options=("dst_min $2" "dst_max $last_to" "udp_src_min $first" "udp_src_max $last")
	[ "$1" != reply ] || options=(
		"src_min $2" "src_max $2" 'udp_src_min 8080' 'udp_src_max 8080'
		"dst_min $client" "dst_max $client" "udp_dst_min $sport" "udp_dst_max $sport")
	send $from $warm "${options[@]}"
	[ $# -lt 6 ] || answer "${@:6}"
	[ "$3" != floor ] || set -- "$1" "$2" node-1 $ingress
	for try in 1 2 3 4 5 6; do
		if [ "$1" = new ]; then
			# pktgen takes all but the last port.
			options+=("udp_src_min $last" "udp_src_max $((last + count + 1))")
			last=$((last + count + 1))
		fi
		send_counted "$3" "$4" "${5:-$length}" $from $count "${options[@]}"
		[ "$disturbed" -eq 0 ] || continue
		[ $best -gt 0 ] && [ $best -lt "$cost" ] || best=$cost
		[ $((++good)) -lt 3 ] || break
	done
	[ $good -eq 3 ] || die "after $try tries: other tasks get in the way"
	cost=$best
	# Flows of many ports or destinations shall end, and be gone, before anything else.
	case $1 in new | spread) sleep 60 ;; esac
}

row() { # NAME KIND... as measure() has it
	if [ ! -v "floors[$2]" ]; then
		measure "$2" "$3" floor
		floors[$2]=$cost
	fi
	measure "${@:2}"
	printf 'row\t%s\t%s\t%s\t%s\n' "$1" "$2" "$cost" "${floors[$2]}"
}

plain_forwarding() { # NAME
	row "$1" same 10.1.0.3 server eth0
}

# ---- dvpnet ----

# Node NUMBER as the OBJECTS describe it.
apply() { # NUMBER OBJECTS...
	local file files=()
	for file in nodes "${@:2}"; do
		files+=(-f "$objects/$file.json")
	done
	in_ns "node-$1" "$dvpnetctl" apply --node "node-$1" "${files[@]}"
}

command_cost() { # NAME COMMAND...
	local TIMEFORMAT='%3U %3S' seconds
	{ seconds=$({ time "${@:2}" >&3; } 2>&1); } 3>&1
	printf 'command\t%s\t%s\n' "$1" "$(awk '{ print ($1 + $2) * 1000 }' <<<"$seconds")"
}

# The backend of the client's connection to the first service.
chosen_backend() {
	"$dvpnetctl" flow show |
		sed -n "s/^udp $client:$sport to $vip:80 backend \([0-9.]*\):.*/\1/p"
}

measure_dvpnet() {
	apply 1 vxlan
	apply 2 vxlan
	plain_forwarding 'plain forwarding, dvpnet configured'
	row 'dvpnet VXLAN, encapsulating node only' same 10.2.0.2 node-2 un0 $vxlan_length
	row 'dvpnet VXLAN, both nodes' same 10.2.0.2 pod eth0
	apply 1 vxlan remote
	row 'dvpnet ClusterIP and VXLAN, established, encapsulating node only' same $remote_vip \
		node-2 un0 $vxlan_length
	row 'dvpnet ClusterIP and VXLAN, established, both nodes' same $remote_vip pod eth0
	apply 1 classic
	row 'dvpnet classic, sending node only' same 10.2.0.2 node-2 un0
	row 'dvpnet classic, both nodes' same 10.2.0.2 pod eth0

	apply 1 vxlan one
	row 'dvpnet ClusterIP, established' same $vip server eth0 \
		$length $backends 10.1.128.3 2
	row 'dvpnet ClusterIP, established, reply' reply "$(chosen_backend)" client eth0
	row 'dvpnet ClusterIP, established (again)' same $vip server eth0 \
		$length $backends 10.1.128.3 2
	row 'dvpnet ClusterIP, new flow' new $vip server eth0

	command_cost 'dvpnetctl apply of 10 000 services with 2 endpoints' \
		apply 1 vxlan one many
	command_cost 'the same again: nothing changes' apply 1 vxlan one many
	command_cost 'one endpoint less' apply 1 vxlan one changed
	plain_forwarding 'plain forwarding, dvpnet with 10 000 services'
	row 'dvpnet ClusterIP, established, 10 000 services, a flow to each' \
		spread $vip server eth0 $length $backends $last_backend $((2 * services))
	row 'dvpnet ClusterIP, new flow, 10 000 services' new $last_vip server eth0
}

main() {
	modprobe pktgen
	make_topology
	plain_forwarding 'plain forwarding'
	measure_peers
	plain_forwarding 'plain forwarding (again)'
	# dvpnet has one. It is measured alone as well, and last: a network namespace that has had a
	# rule of its own never takes the short way without rules again.
	ip rule add priority 1130 from 10.1.0.0/16 lookup 113
	plain_forwarding 'plain forwarding, with a rule (ip rule)'
	ip rule del priority 1130
	measure_dvpnet
}

main

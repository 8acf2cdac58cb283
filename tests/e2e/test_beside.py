# SPDX-License-Identifier: GPL-2.0
"""dvpnet beside what else hosts have: it works, or apply says what is in the way."""

import contextlib

import pytest

from lab import ECHO_PORT, Connection, apply, ask, ip, run, sysctl
from lab.services import node_source, route_vips, service, vip

CLIENT = "client-n1"
MODES = ["vxlan", "auto"]

# Docker's rules, as iptables makes them.
DOCKER = """
table ip filter {
    chain DOCKER { }
    chain DOCKER-USER { counter return; }
    chain DOCKER-ISOLATION-STAGE-1 {
        iifname "docker0" oifname != "docker0" counter jump DOCKER-ISOLATION-STAGE-2
        counter return
    }
    chain DOCKER-ISOLATION-STAGE-2 {
        oifname "docker0" counter drop
        counter return
    }
    chain FORWARD {
        type filter hook forward priority filter; policy drop;
        counter jump DOCKER-USER
        counter jump DOCKER-ISOLATION-STAGE-1
        oifname "docker0" ct state related,established counter accept
        oifname "docker0" counter jump DOCKER
        iifname "docker0" oifname != "docker0" counter accept
        iifname "docker0" oifname "docker0" counter accept
    }
}
table ip nat {
    chain POSTROUTING {
        type nat hook postrouting priority srcnat; policy accept;
        oifname != "docker0" ip saddr 172.17.0.0/16 counter masquerade
    }
}
"""

# What kube-proxy leaves behind: Services at addresses that are nobody's now.
KUBE_PROXY = """
table ip kube-proxy {
    map service-ips {
        type ipv4_addr . inet_proto . inet_service : verdict
        elements = { 10.222.7.7 . tcp . 80 : goto service-old }
    }
    chain service-old { meta l4proto tcp dnat to 10.111.2.10:7; }
    chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
    chain nat-prerouting {
        type nat hook prerouting priority dstnat; policy accept;
        jump services
    }
    chain nat-output {
        type nat hook output priority -100; policy accept;
        jump services
    }
    chain nat-postrouting {
        type nat hook postrouting priority srcnat; policy accept;
        meta mark & 0x4000 == 0x4000 masquerade fully-random
    }
    chain filter-forward {
        type filter hook forward priority -110; policy accept;
        ct state new ip daddr 10.222.7.8 reject
    }
}
"""

# What firewalld does to packets that it trusts: first conntrack's opinion, then the zones; and its
# IPv6_rpfilter=strict.
FIREWALLD = """
table inet firewalld {
    chain raw_PREROUTING {
        type filter hook prerouting priority raw + 10; policy accept;
        icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
        meta nfproto ipv6 fib saddr . mark . iif oif missing counter drop
    }
    chain filter_PREROUTING {
        type filter hook prerouting priority filter + 10; policy accept;
        icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
        meta nfproto ipv6 fib saddr . mark . iif oif missing counter drop
    }
    chain filter_INPUT {
        type filter hook input priority filter + 10; policy accept;
        ct state { established, related } accept
        iifname "lo" accept
        ct state invalid counter drop
    }
    chain zones {
        iifname "dvp0" goto trusted
        goto trusted
    }
    chain trusted { accept; }
    chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname "lo" accept
        ct state invalid counter drop
        jump zones
        reject with icmpx admin-prohibited
    }
    chain filter_OUTPUT {
        type filter hook output priority filter + 10; policy accept;
        oifname "lo" accept
    }
}
"""

FLOWTABLE = """
table inet filter {
    flowtable fast {
        hook ingress priority filter
        devices = { %s }
    }
    chain forward {
        type filter hook forward priority filter; policy accept;
        %s
    }
}
"""


def objects(cluster, mode):
    """Objects of the cluster with a Service, near and far."""
    ports = [(80, ECHO_PORT, "TCP", 30062), (80, ECHO_PORT, "UDP", 30062)]
    return [*cluster.objects(mode), *service("far", 62, ports, [cluster["web-n3-a"]]),
            *service("near", 61, [(80, ECHO_PORT, "TCP", 30061), (80, ECHO_PORT, "UDP", 30061)],
                     [cluster["web-n1-a"]])]


@pytest.fixture(name="nodes", params=MODES)
def fixture_nodes(request, cluster):
    """The nodes, configured, in either mode."""
    route_vips(cluster)
    cluster.mode = request.param
    cluster.apply(objects(cluster, request.param))
    return cluster


def warnings(cluster, node="n1"):
    """What apply warns of."""
    done = apply(node, objects(cluster, cluster.mode))
    return [line for line in done.stderr.splitlines() if line.startswith("warning: ")]


@contextlib.contextmanager
def rules(cluster, text, nodes=None):
    """For the length of the block nodes have these rules."""
    for node in nodes or cluster.nodes:
        run("nft", "-f", "-", ns=node, stdin=text)
    try:
        yield
    finally:
        for node in nodes or cluster.nodes:
            run("nft", "flush", "ruleset", ns=node)


def check_traffic(cluster, families=(4, 6)):
    """Pods and Services work, from pods, nodes and outside."""
    for family in families:
        for kind in ("tcp", "udp"):
            for pod in ("web-n1-a", "web-n2-a", "web-n3-a"):
                answer = ask(CLIENT, cluster[pod].ip(family), ECHO_PORT, kind)
                assert (answer.server, answer.source) == (pod, cluster[CLIENT].ip(family))
            for number, server in ((61, "web-n1-a"), (62, "web-n3-a")):
                answer = ask(CLIENT, vip(number, family), 80, kind)
                assert (answer.server, answer.source) == (server, cluster[CLIENT].ip(family))
                for client in ("n1", "outside"):
                    for address, port in ((vip(number, family), 80),
                                          (cluster["n1"].ip(family), 30000 + number)):
                        answer = ask(client, address, port, kind)
                        source = node_source(cluster, "n1", cluster[server], family)
                        assert (answer.server, answer.source) == (server, source)


def test_healthy(nodes):
    """Nothing is said of nodes where nothing is in the way."""
    for node in nodes.nodes:
        assert not warnings(nodes, node)
    check_traffic(nodes)


def test_docker(nodes):
    """Docker's policy of FORWARD is named; where the user lets pods pass, all works, in silence."""
    with rules(nodes, DOCKER):
        told = warnings(nodes)
        assert len(told) == 1 and "nftables chain ip filter FORWARD (policy drop) drops" in told[0]
        assert "10.111.1.0/24" in told[0]
        with pytest.raises(TimeoutError):
            ask(CLIENT, nodes["web-n2-a"].ip4, ECHO_PORT, timeout=1)
        for node in nodes.nodes.values():
            for word in ("iifname dvp0", "oifname dvp0", f"ip saddr {node.pods4}",
                         f"ip daddr {node.pods4}"):
                run("nft", f"insert rule ip filter DOCKER-USER {word} accept", ns=node.name)
        assert not warnings(nodes)
        check_traffic(nodes)


def test_kube_proxy_leftovers(nodes):
    """Leftovers at other addresses are named, and do not matter to our Services."""
    with rules(nodes, KUBE_PROXY):
        told = warnings(nodes)
        assert len(told) == 1 and "nftables table ip kube-proxy" in told[0]
        check_traffic(nodes)


def test_firewalld(nodes):
    """Rules that drop what conntrack or a reverse lookup does not like drop nothing of ours."""
    with rules(nodes, FIREWALLD):
        assert not warnings(nodes)
        check_traffic(nodes)


def test_strict_rp_filter(nodes):
    """Strict reverse path filtering on every device."""
    devices = {node: run("ls", "/proc/sys/net/ipv4/conf", ns=node).stdout.split()
               for node in nodes.nodes}
    for node, names in devices.items():
        sysctl(node, **{f"ipv4.conf.{name}.rp_filter": 1 for name in names
                        if name not in ("all", "default") and "." not in name})
    assert not warnings(nodes)
    check_traffic(nodes)


def test_flowtable(nodes):
    """A flowtable that takes pods' packets is named; beside one that does not, all works."""
    pods = [p.name for p in nodes.pods.values() if p.node == "n1"]
    devices = ", ".join(["eth0", "dvp0", *pods])
    rule = "ct state established flow add @fast"
    with rules(nodes, FLOWTABLE % (devices, rule), ["n1"]):
        told = warnings(nodes)
        assert len(told) == 1 and "nftables flowtable inet filter fast takes packets" in told[0]
        assert all(name in told[0] for name in ("dvp0", *pods))
        # It says the truth: time-outs, or errors of whoever gets an untranslated packet.
        with pytest.raises(OSError), \
                Connection(CLIENT, vip(62, 4), 80, timeout=5) as connection:
            for _ in range(10):
                connection.echo(b"to and fro")
    with rules(nodes, FLOWTABLE % ("eth0", rule), ["n1"]):
        # Without VXLAN pods' packets come to eth0.
        assert ["takes packets from eth0" in line for line in warnings(nodes)] == \
            ([True] if nodes.mode == "auto" else [])
        if nodes.mode == "vxlan":
            check_traffic(nodes)
    with rules(nodes, FLOWTABLE % (devices, ""), ["n1"]):
        # No rule uses it: it is named all the same, and all works.
        assert len(warnings(nodes)) == 1
        check_traffic(nodes)


def test_forwarding_off(nodes, family):
    """A host that does not forward is told so."""
    name = "ipv6.conf.all.forwarding" if family == 6 else "ipv4.ip_forward"
    sysctl("n1", **{name: 0})
    try:
        told = warnings(nodes)
        assert len(told) == 1 and f"sysctl net.{name} is 0" in told[0]
    finally:
        sysctl("n1", **{name: 1})
        # Routes over IPv6 to the router of the lab are not touched by it.
        assert not warnings(nodes)


@pytest.mark.parametrize("device, words", [
    ("kube-ipvs0", "device kube-ipvs0, as of kube-proxy"),
    ("cilium_host", "device cilium_host: Cilium runs, or left it"),
])
def test_devices_of_others(nodes, device, words):
    """Devices that kube-proxy or Cilium have left are named."""
    ip(f"link add {device} type dummy", ns="n1")
    try:
        told = warnings(nodes)
        assert len(told) == 1 and words in told[0]
    finally:
        ip(f"link del {device}", ns="n1")

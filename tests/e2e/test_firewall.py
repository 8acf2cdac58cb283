# SPDX-License-Identifier: GPL-2.0
"""Services beside conntrack, beside somebody's masquerading, and without both."""

import pathlib
import re
import socket

import pytest

from lab import ECHO_PORT, Capture, Connection, TcpStream, ask, netns, run, wait_until
from lab import packet as pkt
from lab.services import (apply_with_files, echo_datagram, meet, node_source, route_vips, service,
                          vip)

WEB = ["web-n1-a", "web-n2-a", "web-n2-b", "web-n3-a"]
CLIENT = "client-n1"

# Redirects that Linux sends about hairpin packets are always invalid to conntrack.
STATEFUL = """
table inet test {
    chain forward {
        type filter hook forward priority 0; policy drop;
        ct state invalid counter drop
        ct state established,related accept
        ct state new accept
    }
    chain output {
        type filter hook output priority 0;
        icmpv6 type nd-redirect accept
        ct state invalid counter drop
    }
    chain input {
        type filter hook input priority 0;
        ct state invalid counter drop
    }
}
"""

MASQUERADE = """
table inet test {
    chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "eth0" ip saddr 10.111.0.0/16 counter masquerade
        oifname "eth0" ip6 saddr fd00:111::/48 counter masquerade
    }
}
"""


def loaded_modules():
    """Those of conntrack and nftables among the kernel's modules, and all that use them."""
    lines = pathlib.Path("/proc/modules").read_text(encoding="ascii").splitlines()
    users = {name: used.split(",") for name, _, _, used, *_ in map(str.split, lines)}
    found = [name for name in users
             if name.startswith(("nf_conntrack", "nf_tables", "nf_nat", "nft_", "ip_tables"))]
    for name in found:
        found += [user for user in users[name] if user in users and user not in found]
    return found


def unload():
    """Remove all of them; they go one after the other, as soon as nobody uses them."""
    for name in loaded_modules():
        run("rmmod", name, check=False)
    return not loaded_modules()


@pytest.fixture(scope="module", params=["without", "stateful", "masquerade"])
def firewall(request, cluster):
    """What each node's firewall is. "without" means no conntrack and no nftables in the kernel."""
    route_vips(cluster)
    apply_with_files(cluster, [
        *service("one", 61, [(80, ECHO_PORT, "TCP", 30061), (80, ECHO_PORT, "UDP", 30061)],
                 [cluster["web-n1-a"]]),
        *service("far", 62, [(80, ECHO_PORT, "TCP", 30062), (80, ECHO_PORT, "UDP", 30062)],
                 [cluster["web-n3-a"]]),
        *service("closed", 63, [(80, 99, "UDP")], [cluster["web-n3-a"]]),
    ])
    rules = {"without": None, "stateful": STATEFUL, "masquerade": MASQUERADE}[request.param]
    if not rules:
        # Namespaces of the tests before, with conntrack in them, may still be on their way out.
        wait_until(unload, 60, f"conntrack and nftables can be unloaded, but for {loaded_modules()}")
        yield request.param
        assert not loaded_modules()
        return
    for node in cluster.nodes:
        run("nft", "-f", "-", ns=node, stdin=rules)
    assert {"nf_conntrack", "nf_tables"} <= set(loaded_modules())
    yield request.param
    for node in cluster.nodes:
        run("nft", "flush", "ruleset", ns=node)


KINDS = ["tcp", "udp"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_cluster_ip(cluster, firewall, family, client, kind):
    """ClusterIPs answer, seen as the client or the node, endpoints near and far."""
    for number, server in ((61, "web-n1-a"), (62, "web-n3-a")):
        answer = ask(client, vip(number, family), 80, kind)
        assert answer.server == server
        source = cluster[client].ip(family) if client == CLIENT else \
            node_source(cluster, "n1", cluster[server], family)
        assert answer.source == source


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_node_port(cluster, firewall, family, client, kind):
    """NodePorts answer, endpoints near and far."""
    for port, server in ((30061, "web-n1-a"), (30062, "web-n3-a")):
        answer = ask(client, cluster["n1"].ip(family), port, kind)
        assert answer.server == server
        assert answer.source == node_source(cluster, "n1", cluster[server], family)


def test_spread(firewall, family):
    """All endpoints of a Service are reached."""
    meet(CLIENT, vip(10, family), 80, "tcp", WEB)


@pytest.mark.parametrize("kind", KINDS)
def test_hairpin(cluster, firewall, family, kind):
    """A pod reaches itself through its Service."""
    answer = ask("web-n1-a", vip(61, family), 80, kind)
    assert (answer.server, answer.source) == ("web-n1-a", cluster["n1"].ip(family))


def test_outside_the_pod_network(cluster, firewall, family):
    """An endpoint on another node's own address sees the pod, one outside the cluster the node."""
    answer = ask(CLIENT, vip(12, family), 80)
    assert (answer.server, answer.source) == ("hostweb-n2", cluster[CLIENT].ip(family))
    answer = ask(CLIENT, vip(14, 4), 5432)
    assert (answer.server, answer.source) == ("db", cluster["n1"].ip4)


@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_refused(firewall, family, client):
    """No endpoint, unused port, closed port of the endpoint: refused, not timed out."""
    for number, port, kind in ((13, 80, "tcp"), (13, 80, "udp"), (61, 81, "tcp"), (61, 81, "udp"),
                               (63, 80, "udp")):
        with pytest.raises(ConnectionRefusedError):
            ask(client, vip(number, family), port, kind)


@pytest.mark.parametrize("client", [CLIENT, "n1", "outside"])
def test_stream(cluster, firewall, family, client):
    """Long streams and long datagrams go through, by ClusterIP and by NodePort."""
    for address, port in ((vip(62, family), 80), (cluster["n1"].ip(family), 30062)):
        with TcpStream(client, address, port, limit=1 << 20) as stream:
            stream.finish()
        echo_datagram(client, address, port, b"x" * 20000)


def test_without_service(cluster, firewall, family):
    """Pods reach pods directly, as themselves."""
    for pod in ("web-n1-a", "web-n2-a", "web-n3-a"):
        assert ask(CLIENT, cluster[pod].ip(family), ECHO_PORT).source == cluster[CLIENT].ip(family)


def test_masqueraded(cluster, firewall, family):
    """The masquerading of pods that leave the cluster works beside the Services."""
    if firewall != "masquerade":
        pytest.skip("nothing masquerades")
    cluster.serve(cluster["neighbour"], ECHO_PORT, families=[family])
    answer = ask(CLIENT, cluster["neighbour"].ip(family), ECHO_PORT)
    assert (answer.server, answer.source) == ("neighbour", cluster["n1"].ip(family))


def test_nothing_invalid(cluster, firewall):
    """Of all this conntrack has called no packet invalid."""
    if firewall != "stateful":
        pytest.skip("nobody asks conntrack")
    for node in cluster.nodes:
        rules = run("nft", "list", "ruleset", ns=node).stdout
        assert re.findall(r"invalid counter packets (\d+)", rules) == ["0"] * 3, rules


def test_stray_segment(cluster, firewall, family):
    """A segment out of the window never shows the client the endpoint, nor breaks the connection."""
    backend = cluster["web-n3-a"]
    with Connection(CLIENT, vip(62, family), 80) as connection, Capture(CLIENT, "eth0") as wire:
        port = connection.sock.getsockname()[1]
        source, target = backend.ip(family), cluster[CLIENT].ip(family)
        segment = pkt.tcp(source, target, ECHO_PORT, port, "A", seq=0xDEAD0000, ack=0xBEEF0000)
        with netns(backend.name), socket.socket(
                socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_RAW,
                socket.IPPROTO_RAW) as raw:
            raw.sendto(pkt.ip(source, target, pkt.TCP, segment), (target, 0))
        assert connection.echo(b"goes on") == b"goes on"
        assert not wire.packets(lambda p: p.src == source or "R" in p.flags)

# SPDX-License-Identifier: GPL-2.0
"""Where a Service answers: addresses of each kind, ports, families; and where it does not."""

import contextlib
import socket

import pytest

from lab import Capture, Connection, CounterWatch, Host, ip, netns
from lab import objects
from lab import packet as pkt
from lab.crowd import REFUSED, SILENT, who
from lab.services import (balanced, check_checksums, embedded, external_ip, lb_ip, places,
                          route_frontends, service, vip)

CLIENT = "client-n1"
CLIENTS = [CLIENT, "n1", "outside"]
KINDS = ["tcp", "udp"]
A, B, C = "web-n1-a", "web-n2-a", "web-n3-a"
FRONTENDS = ["cluster-ip", "node-port", "load-balancer", "external-ip"]
# On an interface of n1, and of a Service of its own.
LOCAL = 212
# The same address for two Services, on different ports.
SHARED = 213


def slice_of(name, hosts, ports, family, suffix=""):
    """A slice of these hosts with other ports than service() would give it."""
    return objects.endpoint_slice(name, [objects.endpoint(h.ip(family), h.node) for h in hosts],
                                  ports, suffix=suffix)


def services(cluster):
    """Services for the tests of this file; the numbers are those of their addresses."""
    a, b, c = (cluster[name] for name in (A, B, C))
    both = [a, b]
    proxy = [{"ip": lb_ip(203, f), "ipMode": "Proxy"} for f in (4, 6)]
    plain = [{"ip": lb_ip(204, f)} for f in (4, 6)]
    several = [{"ip": lb_ip(n, f), "ipMode": "VIP"} for n in (205, 206) for f in (4, 6)]
    name = [{"hostname": "lb.example.org"}]
    items = [
        *balanced("all", 200, both),
        *balanced("none", 201, []),
        *balanced("proxy", 203, both, ingress=proxy),
        *balanced("plain", 204, both, ingress=plain),
        *balanced("several", 205, both, ingress=several + name),
        *balanced("pending", 207, both, ingress=[]),
        *balanced("no-node-port", 208, both, allocateLoadBalancerNodePorts=False,
                  ports=[(80, 7, "TCP"), (80, 7, "UDP")]),
        *balanced("asked", 209, both, allocateLoadBalancerNodePorts=False),
        *balanced("ignored", 210, both, ingress=[], loadBalancerIP=lb_ip(210, 4),
                  loadBalancerClass="example.org/other"),
        *balanced("local", LOCAL, [a], externalIPs=[], ports=[(80, 7, "TCP"), (80, 7, "UDP")]),
        # Its NodePort is the port of "local".
        *service("catcher", 211, [(81, 7, "TCP", 30211), (81, 7, "UDP", 30211)], [b]),
        *balanced("shared-80", SHARED, [a], externalIPs=[external_ip(SHARED, f) for f in (4, 6)]),
        *balanced("shared-81", 214, [b], ports=[(81, 7, "TCP"), (81, 7, "UDP")],
                  externalIPs=[external_ip(SHARED, f) for f in (4, 6)],
                  ingress=[{"ip": lb_ip(SHARED, f)} for f in (4, 6)]),
        # One number, two protocols, two targets.
        *service("same", 215, [(53, 5353, "TCP"), (53, 7, "UDP")], [cluster["dns-n1"]]),
        # Ports by name: numbers of the Service's targetPort are not read.
        *service("named", 216, [(80, 1, "TCP"), (443, 2, "TCP"), (53, 3, "UDP")], []),
    ]
    for port in items[-1]["spec"]["ports"]:
        port.update(targetPort="nothing-of-that-name", appProtocol="example.org/other")
    for family in (4, 6):
        items += [
            slice_of("named", [a], [("tcp-80", 8080, "TCP"), ("tcp-443", 7, "TCP"),
                                    ("udp-53", 8080, "UDP")], family),
            slice_of("named", [c], [("tcp-80", 7, "TCP"), ("tcp-443", 8080, "TCP"),
                                    ("udp-53", 7, "UDP"), ("tcp-53", 9, "TCP")], family, "-more"),
        ]
    return items


def give(cluster, items, nodes=("n1",), **options):
    """Give nodes and the ServiceCIDR, and these, to nodes."""
    cluster.apply([*cluster.objects(**options),
                   objects.service_cidr("10.222.0.0/16", "fd00:222::/112"), *items], nodes)


@pytest.fixture(scope="module", autouse=True)
def fixture_services(cluster):
    """All nodes have the Services; LOCAL's load balancer address is one of n1's, of lo."""
    route_frontends(cluster)
    ip(*(f"address add {lb_ip(LOCAL, f)}/{32 if f == 4 else 128} dev lo" for f in (4, 6)),
       ns="n1")
    give(cluster, services(cluster), cluster.nodes)


def check(cluster, family, number, expected, clients=CLIENTS, kind="udp"):
    """Who is met at each frontend of a Service: {frontend: servers}."""
    for place, servers in expected.items():
        address, port = places(cluster, number, family)[place]
        for client in clients:
            met = who(client, address, port, kind, 4 if servers & {REFUSED, SILENT} else 24)
            assert met == servers, f"{client} at {place} {address} {port}"


@pytest.mark.parametrize("kind", KINDS)
def test_all(cluster, family, kind):
    """All frontends answer everybody, with all endpoints; addresses are on no interface."""
    check(cluster, family, 200, dict.fromkeys(FRONTENDS, {A, B}), kind=kind)


@pytest.mark.parametrize("kind", KINDS)
def test_data(cluster, family, kind):
    """What is sent to a load balancer or an external address comes back unchanged."""
    for client in CLIENTS:
        for place in FRONTENDS[2:]:
            with Connection(client, *places(cluster, 200, family)[place], kind) as connection:
                data = bytes(range(256)) * (5 if kind == "udp" else 500)
                got = connection.echo(data)
                assert (got if kind == "tcp" else got.payload) == data


@pytest.mark.parametrize("kind", KINDS)
def test_none(cluster, family, kind):
    """Without endpoints all frontends refuse."""
    check(cluster, family, 201, dict.fromkeys(FRONTENDS, {REFUSED}), kind=kind)


@pytest.mark.parametrize("place", FRONTENDS)
@pytest.mark.parametrize("client", [CLIENT, "outside"])
def test_refusal_of_syn_with_data(cluster, family, client, place):
    """A SYN that carries data is refused by ICMP from the frontend, whose checksum is right."""
    source = cluster[client].ip(family)
    address, port = places(cluster, 201, family)[place]
    segment = pkt.tcp(source, address, 47000, port, "S", payload=b"early data")
    with Capture(client, "eth0") as wire:
        send_ip(client, pkt.ip(source, address, pkt.TCP, segment), address)
        error = wire.wait(lambda p: p.icmp == ((3, 3) if family == 4 else (1, 4)))
    assert (error.src, error.dst) == (address, source)
    check_checksums(error)
    about = embedded(error)
    assert (about.src, about.dst, about.sport, about.dport) == (source, address, 47000, port)


def send_ip(ns, packet, address):
    """Send a whole IP packet from a namespace."""
    with netns(ns), socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                                  socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(packet, (address, 0))


# ---- ports ----

def test_protocols_apart(family):
    """One number as TCP and as UDP leads to different ports."""
    assert who(CLIENT, vip(215, family), 53, "tcp") == {"dns-n1"}
    assert who(CLIENT, vip(215, family), 53, "udp") == {"dns-n1"}


def test_protocol_targets(cluster, family):
    """The two targets are two servers: without one, the other protocol goes on."""
    a = cluster["dns-n1"]
    for port, kind, other in ((5353, "tcp", "udp"), (7, "udp", "tcp")):
        items = service("same", 215, [(53, 9 if kind == "tcp" else 5353, "TCP"),
                                      (53, 9 if kind == "udp" else 7, "UDP")], [a])
        give(cluster, items)
        assert port
        assert who(CLIENT, vip(215, family), 53, kind, 2) == {REFUSED}
        assert who(CLIENT, vip(215, family), 53, other, 2) == {"dns-n1"}
    give(cluster, services(cluster))


def test_ports_by_name(family):
    """Endpoint ports go by name and protocol; two slices have different numbers for one name."""
    for port, kind in ((80, "tcp"), (443, "tcp"), (53, "udp")):
        assert who(CLIENT, vip(216, family), port, kind, 24) == {A, C}


@pytest.mark.parametrize("client", CLIENTS)
def test_unused_port(cluster, family, client):
    """
    A port, or a protocol, which no Service has at a ClusterIP is refused; so is one at a load
    balancer's address when the world asks, which has it from us. Shared addresses have more ports.
    """
    watch = CounterWatch("n1")
    assert who(client, vip(200, family), 81, count=2) == {REFUSED}
    assert who(client, vip(215, family), 80, count=2) == {REFUSED}
    assert watch.risen()["service_unused_port"] == 4
    if client == "outside":
        assert who(client, lb_ip(200, family), 81, count=2) == {REFUSED}
        assert watch.risen()["service_unused_port"] == 6
    assert who(client, cluster["n1"].ip(family), 30299, count=2) == {REFUSED}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("client", CLIENTS)
def test_unused_protocol(family, client, kind):
    """Port 53 of Service "named" is UDP alone, its port 80 TCP alone."""
    port = 53 if kind == "tcp" else 80
    assert who(client, vip(216, family), port, kind, 2) == {REFUSED}


@pytest.mark.parametrize("client", CLIENTS)
def test_unallocated(family, client):
    """An address of the ServiceCIDR that no Service has is silent, and does not go round in circles."""
    watch = CounterWatch("n1")
    with Capture("r1", "lan") as wire:
        assert who(client, vip(250, family), 80, count=2, patience=0.4) == {SILENT}
        assert not wire.packets(lambda p: p.dst == vip(250, family) and not p.outgoing)
    assert watch.risen("service_") == {"service_unallocated": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_shared_address(family, kind):
    """Two Services share a load balancer's and an external address on different ports."""
    for client in CLIENTS:
        for address in (lb_ip(SHARED, family), external_ip(SHARED, family)):
            assert who(client, address, 80, kind, 8) == {A}
            assert who(client, address, 81, kind, 8) == {B}


# ---- NodePorts ----

def test_node_port_is_optional(cluster, family):
    """
    A Service of type LoadBalancer without NodePorts has none; one that is asked for counts although
    allocateLoadBalancerNodePorts is false.
    """
    check(cluster, family, 208, {"load-balancer": {A, B}, "node-port": {REFUSED}})
    check(cluster, family, 209, {"load-balancer": {A, B}, "node-port": {A, B}})


def test_second_internal_ip(cluster, family):
    """Of several InternalIPs the first of each family has the NodePorts."""
    second = {4: "192.168.1.211", 6: "fd00:1::211"}[family]
    ip(f"address add {second}/{24 if family == 4 else 64} dev eth0 "
       f"{'nodad' if family == 6 else ''}", ns="n1")
    n1 = cluster["n1"].object()
    n1["status"]["addresses"].append({"type": "InternalIP", "address": second})
    others = [o for o in cluster.objects() if o["metadata"]["name"] != "n1"]
    try:
        cluster.apply([n1, *others, *services(cluster)], ["n1"])
        for client in CLIENTS:
            assert who(client, second, 30200, count=2) == {REFUSED}
            assert who(client, cluster["n1"].ip(family), 30200) == {A, B}
    finally:
        ip(f"address del {second}/{24 if family == 4 else 64} dev eth0", ns="n1")
        give(cluster, services(cluster))


# ---- addresses of load balancers ----

@contextlib.contextmanager
def proxy(cluster, number):
    """The router has the addresses, and answers as "proxy", as a cloud's load balancer would."""
    host = Host("r1", lb_ip(number, 4), lb_ip(number, 6))
    lengths = {4: 32, 6: 128}
    for family, length in lengths.items():
        ip(f"address add {host.ip(family)}/{length} dev lo", ns="r1")
    sockets = cluster.serve(host, 80, name="proxy")
    try:
        yield host
    finally:
        cluster.servers.remove(sockets)
        for family, length in lengths.items():
            ip(f"address del {host.ip(family)}/{length} dev lo", ns="r1")


def test_ip_mode_proxy(cluster, family):
    """
    With ipMode Proxy a packet to the address leaves the node, and its NodePort and the others work.
    """
    with proxy(cluster, 203) as host:
        assert who("n1", host.ip(family), 80) == {"proxy"}
        with Capture("n1", "eth0") as wire:
            who(CLIENT, host.ip(family), 80, count=2, patience=0.3)
            wire.wait(lambda p: (p.dst, p.dport) == (host.ip(family), 80))
    check(cluster, family, 203, {p: {A, B} for p in FRONTENDS if p != "load-balancer"})


def test_ip_mode_nil(cluster, family):
    """Without ipMode the node takes it."""
    check(cluster, family, 204, {"load-balancer": {A, B}})


def test_several_addresses(cluster, family):
    """All addresses of a load balancer answer; one that is a name only is passed over."""
    for number in (205, 206):
        for client in CLIENTS:
            assert who(client, lb_ip(number, family), 80) == {A, B}
    check(cluster, family, 207, {"node-port": {A, B}, "cluster-ip": {A, B}})


def test_load_balancer_fields_ignored(cluster):
    """spec.loadBalancerIP is no address of the Service; loadBalancerClass changes nothing."""
    with proxy(cluster, 210) as host:
        assert who("n1", host.ip4, 80) == {"proxy"}
    check(cluster, 4, 210, {p: {A, B} for p in FRONTENDS if p != "load-balancer"})


@pytest.mark.parametrize("kind", KINDS)
def test_local_load_balancer_address(cluster, family, kind):
    """
    A load balancer's address that the node has itself serves its Service, and is not taken for an
    address of the node on which another Service's NodePort is; even if all its addresses are.
    """
    address = lb_ip(LOCAL, family)
    for annotations in ({}, {"node.deckhouse.io/nodeport-bind-internal-ip": "false"}):
        others = [o for o in cluster.objects() if o["metadata"]["name"] != "n1"]
        cluster.apply([cluster["n1"].object(annotations=annotations), *others,
                       *services(cluster)], ["n1"])
        for client in CLIENTS:
            assert who(client, address, 80, kind) == {A}
            assert who(client, address, 30211, kind, 2) == {REFUSED}
            assert who(client, cluster["n1"].ip(family), 30211, kind) == {B}
    give(cluster, services(cluster))


# ---- families ----

class TestFamilies:
    """Each family of a Service lives on its own."""

    @staticmethod
    def items(cluster, families):
        """A Service of these families; its endpoints have both."""
        result = [objects.service("dual", [vip(220, f) for f in families], [
            objects.port(80, 7, "tcp-80", "TCP", 30220), objects.port(80, 7, "udp-80", "UDP", 30220)])]
        return result + [item for item in service("dual", 220, [(80, 7, "TCP"), (80, 7, "UDP")],
                                                  [cluster[A], cluster[B]])[1:]]

    @pytest.mark.parametrize("lone", [4, 6], ids=["v4", "v6"])
    def test_come_and_go(self, cluster, lone):
        """A family is added and removed live; the other one's connections do not notice."""
        other = 10 - lone
        give(cluster, self.items(cluster, [lone]))
        with Connection(CLIENT, vip(220, lone), 80) as tcp, \
                Connection(CLIENT, vip(220, lone), 80, "udp") as udp:
            for families in ([lone, other], [lone], [other, lone], [lone]):
                give(cluster, self.items(cluster, families))
                for target in ((vip(220, other), 80), (cluster["n1"].ip(other), 30220)):
                    met = who(CLIENT, *target, count=16, patience=0.4)
                    if other in families:
                        assert met == {A, B}
                    else:
                        assert met <= {REFUSED, SILENT}
                assert who(CLIENT, cluster["n1"].ip(lone), 30220) == {A, B}
                assert tcp.echo(b"on") == b"on"
                assert udp.echo(b"on").server == udp.answer.server

    def test_endpoints_of_the_other(self, cluster, family):
        """Endpoints of the other family do not serve: there is no translation between them."""
        items = self.items(cluster, [family])
        ips = [item for item in items if item["kind"] == "Service" or
               item["addressType"] == ("IPv6" if family == 4 else "IPv4")]
        assert len(ips) == 2
        give(cluster, ips)
        assert who(CLIENT, vip(220, family), 80, count=4) == {REFUSED}

    def test_order(self, cluster, family):
        """Which family comes first does not matter."""
        for families in ([4, 6], [6, 4]):
            give(cluster, self.items(cluster, families))
            assert who("outside", vip(220, family), 80) == {A, B}

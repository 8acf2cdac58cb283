# SPDX-License-Identifier: GPL-2.0
"""Pods and the world outside: who is masqueraded, and who must not be."""

import contextlib
import socket

import pytest

from lab import (ECHO_PORT, Capture, Connection, CounterWatch, TcpStream, ask, ctl, ctl_json, ip,
                 netns, ping, question, run, wait_until)
from lab import packet as pkt
from lab.genl import ATTR, Genl, address, attribute, attributes, u8, u32
from lab.services import check_checksums, echo_datagram, embedded, service, vip

KINDS = ["tcp", "udp", "sctp"]
CLIENT = "client-n1"
NODE_PORTS = range(30000, 32768)
CLOSED_PORT = 99        # nothing listens there
HOP_MTU = 1280
ECHO_REQUEST = {4: (8, 0), 6: (128, 0)}
TIME_EXCEEDED = {4: (11, 0), 6: (3, 0)}
INSIDE = 1              # of the kinds of ranges


@pytest.fixture(scope="module", autouse=True)
def servers(cluster):
    """Servers outside of the cluster."""
    for name in ("neighbour", "outside"):
        cluster.serve(cluster[name], ECHO_PORT, ["tcp", "udp", "sctp"])


@pytest.fixture(name="masqueraded", scope="module", params=["vxlan", "auto"])
def fixture_masqueraded(request, cluster):
    """All nodes masquerade; a Service of pods, and one whose endpoint is outside."""
    cluster.apply([*cluster.objects(request.param),
                   *service("far", 62, [(80, ECHO_PORT, kind.upper(), 30062)
                                        for kind in ("tcp", "udp")], [cluster["web-n2-a"]]),
                   *service("world", 63, [(80, ECHO_PORT, kind.upper())
                                          for kind in ("tcp", "udp")], [cluster["outside"]])])
    assert ctl_json("n1", "config", "show")["masquerade"]
    return cluster


def flows(*words):
    """Flows of node n1."""
    return ctl_json("n1", "flow", "show", *words)


def set_config(node, **values):
    """Settings of a node, as attributes."""
    with Genl(node) as genl:
        genl.request("CONFIG_SET", attributes("CONFIG", **values))


@contextlib.contextmanager
def route_to_pod(cluster, pod, family, node="n1"):
    """The world outside has a route to a pod."""
    route = f"{pod.ip(family)} via {cluster[node].ip(family)}"
    ip(f"route add {route}", ns="r1")
    try:
        yield
    finally:
        ip(f"route del {route}", ns="r1")


def open_to(cluster, client, server, family, kind, **options):
    """A connection between two hosts of the lab, from the client's one address."""
    return Connection(client, cluster[server].ip(family), ECHO_PORT, kind,
                      source=cluster[client].ip(family), **options)


# ---- masqueraded ----

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server", ["neighbour", "outside"])
def test_to_the_outside(masqueraded, family, server, kind):
    """What is outside sees the node, with a port that nothing of the node has."""
    ctl("n1", "flush", "flow")
    watch = CounterWatch("n1")
    with open_to(masqueraded, CLIENT, server, family, kind) as connection:
        answer = connection.answer
        assert (answer.server, answer.source) == (server, masqueraded["n1"].ip(family))
        assert answer.sport not in NODE_PORTS
        connection.echo(b"and back")
        flow, = flows("client", masqueraded[CLIENT].ip(family))
        assert set(flow["flags"]) == {"masquerade", "egress"}
        assert (flow["client"], flow["frontend"], flow["frontend_port"]) == \
            (masqueraded[CLIENT].ip(family), masqueraded[server].ip(family), ECHO_PORT)
        assert (flow["source"], flow["source_port"]) == (answer.source, answer.sport)
        assert flow["state"] == "established"
    assert watch.risen("egress") == {"egress_masqueraded": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_many_pods_one_port(masqueraded, family, kind):
    """Pods with the same port get their own answers."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(open_to(masqueraded, pod, "outside", family, kind, sport=23000))
                  for pod in (CLIENT, "web-n1-a", "dns-n1")]
        assert len({c.answer.sport for c in opened}) == 3
        for number, connection in enumerate(opened):
            back = connection.echo(str(number).encode())
            assert (back.payload if kind == "udp" else back) == str(number).encode()


def test_ping(masqueraded, family):
    """Echo requests of two pods with one identifier are told apart."""
    server = masqueraded["outside"]
    with Capture("outside", "eth0") as wire:
        for pod in (CLIENT, "dns-n1", CLIENT):
            ping(pod, server.ip(family), "-e", "777")
        requests = wire.packets(lambda p: p.icmp == ECHO_REQUEST[family])
    assert {p.src for p in requests} == {masqueraded["n1"].ip(family)}
    assert len({p.raw[14 + (24 if family == 4 else 44):][:2] for p in requests}) >= 2
    flow, = (f for f in flows("client", masqueraded[CLIENT].ip(family), "frontend",
                              server.ip(family)) if f["client_port"] == 777)
    assert "egress" in flow["flags"]


def test_long_datagrams(masqueraded, family):
    """Fragments are of one connection."""
    echo_datagram(CLIENT, masqueraded["outside"].ip(family), ECHO_PORT, bytes(4000))
    ping(CLIENT, masqueraded["outside"].ip(family), "-s", "4000")


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_endpoint_outside(masqueraded, family, kind):
    """A Service's endpoint outside of the cluster sees the node, be pods masqueraded or not."""
    try:
        for masquerade in (1, 0):
            set_config("n1", masquerade=u8(masquerade))
            answer = ask(CLIENT, vip(63, family), 80, kind)
            assert (answer.server, answer.source) == ("outside", masqueraded["n1"].ip(family))
    finally:
        set_config("n1", masquerade=u8(1))


def test_tcp_without_flow(masqueraded, family):
    """After a flush the node's address is all that is seen outside; a reset stays inside."""
    server = masqueraded["outside"]
    with open_to(masqueraded, CLIENT, "outside", family, "tcp") as connection, \
            Capture("outside", "eth0") as wire:
        ctl("n1", "flush", "flow")
        connection.sock.send(b"stray")
        wire.wait(lambda p: p.payload == b"stray")
        watch = CounterWatch("n1")
        reset = pkt.tcp(masqueraded[CLIENT].ip(family), server.ip(family), 46000, ECHO_PORT, "R")
        pkt.send_ip(CLIENT, pkt.ip(masqueraded[CLIENT].ip(family), server.ip(family), pkt.TCP,
                                   reset))
        wait_until(lambda: watch.risen("egress").get("egress_stray") == 1)
        assert not wire.packets(lambda p: p.src == masqueraded[CLIENT].ip(family))


# ---- errors ----

def test_traceroute(masqueraded, family):
    """Routers' answers reach the pod, about the packet that it sent."""
    source, target = masqueraded[CLIENT].ip(family), masqueraded["outside"].ip(family)
    routers = {1: None, 2: "192.168.1.1" if family == 4 else "fd00:1::1"}
    for proto in (pkt.UDP, pkt.TCP, pkt.SCTP, pkt.ICMP if family == 4 else pkt.ICMPV6):
        for ttl, router in routers.items():
            segment = {
                pkt.UDP: lambda: pkt.udp(source, target, 47000, 33434, b"probe"),
                pkt.TCP: lambda: pkt.tcp(source, target, 47000, 33434, "S"),
                pkt.SCTP: lambda: pkt.sctp(47000, 33434, [(1, bytes(16))]),
            }.get(proto, lambda: pkt.echo_request(source, target, 47000))()
            with Capture(CLIENT, "eth0") as wire:
                pkt.send_ip(CLIENT, pkt.ip(source, target, proto, segment, ttl=ttl))
                error = wire.wait(lambda p: p.icmp == TIME_EXCEEDED[family])
            assert error.dst == source
            assert router in (None, error.src)
            check_checksums(error)
            about = embedded(error)
            assert (about.src, about.dst) == (source, target)
            quoted = error.payload[20 if family == 4 else 40:]
            assert quoted[:8] == segment[:8], (proto, ttl)


def test_path_mtu(masqueraded, family):
    """A router beyond the node says that a packet is too long for it: the pod obeys."""
    # The server knows how narrow the link is, which drops what is longer, and does not say so.
    ways = ("route change default via 198.51.100.1{}", "route change default via 2001:db8:51::1{}")
    run("ip", "link", "set", "outside", "mtu", str(HOP_MTU), ns="r1")
    ip(*(way.format(f" mtu {HOP_MTU} advmss 1440") for way in ways), ns="outside")
    try:
        with Capture(CLIENT, "eth0") as wire, \
                open_to(masqueraded, CLIENT, "outside", family, "tcp") as connection:
            sport = connection.sock.getsockname()[1]
            data = bytes(100_000)
            assert connection.echo(data) == data
            error = wire.wait(lambda p: p.mtu == HOP_MTU)
        about = embedded(error)
        assert (about.src, about.sport, about.dst, about.dport) == \
            (masqueraded[CLIENT].ip(family), sport, masqueraded["outside"].ip(family), ECHO_PORT)
        check_checksums(error)
    finally:
        run("ip", "link", "set", "outside", "mtu", "1500", ns="r1")
        ip(*(way.format("") for way in ways), ns="outside")
        masqueraded.forget_path_mtu(CLIENT)


def test_pod_refuses_late_answer(masqueraded, family):
    """A pod's own ICMP error about an answer leaves as the node, about what was sent to the node."""
    server = masqueraded["outside"].ip(family)
    with netns("outside"), socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                                         socket.SOCK_DGRAM) as answers:
        answers.bind((server, 7777))
        answers.settimeout(5)
        with netns(CLIENT), socket.socket(answers.family, socket.SOCK_DGRAM) as asks:
            asks.sendto(b"?", (server, 7777))
            _, peer = answers.recvfrom(100)
        with Capture("outside", "eth0") as wire:
            answers.sendto(b"too late", peer)
            error = wire.wait(lambda p: p.icmp == ((3, 3) if family == 4 else (1, 4)))
    node = masqueraded["n1"].ip(family)
    assert peer[0] == node and (error.src, error.dst) == (node, server)
    about = embedded(error)
    assert (about.src, about.sport, about.dst, about.dport) == (server, 7777, node, peer[1])
    check_checksums(error)


# ---- not masqueraded ----

@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_not_to_the_inside(masqueraded, family, kind):
    """Pods and nodes, near and far, see the pod; and so it is by a Service."""
    for server in ("web-n1-a", "web-n2-a", "web-n3-a", "n1", "n2", "n3"):
        answer = ask(CLIENT, masqueraded[server].ip(family), ECHO_PORT, kind)
        assert (answer.server, answer.source) == (server, masqueraded[CLIENT].ip(family))
    answer = ask(CLIENT, vip(62, family), 80, kind)
    assert (answer.server, answer.source) == ("web-n2-a", masqueraded[CLIENT].ip(family))
    ping(CLIENT, masqueraded["n2"].ip(family))
    ping(CLIENT, masqueraded["web-n3-a"].ip(family))


def test_not_to_ranges(masqueraded, family):
    """What is configured as inside sees the pod, and so does all when masquerading is off."""
    server, source = masqueraded["outside"].ip(family), masqueraded[CLIENT].ip(family)
    with Genl("n1") as genl:
        before = genl.request("CONFIG_GET")[0].get(ATTR["CONFIG"]["RANGES"])
    one = attribute(ATTR["RANGES"]["RANGE"], [attributes(
        "RANGE", addr=address(server), len=u8(32 if family == 4 else 128), kind=u32(INSIDE))])
    try:
        for settings, expected in (({"ranges": [one]}, source), ({"ranges": []}, None),
                                   ({"masquerade": u8(0)}, source), ({"masquerade": u8(1)}, None)):
            ctl("n1", "flush", "flow")
            set_config("n1", **settings)
            with Capture("outside", "eth0") as wire:
                pkt.send_ip(CLIENT, pkt.udp_packet(source, server, 48000, 9, b"who am I"))
                seen = wire.wait(lambda p: p.payload == b"who am I")
            assert seen.src == (expected or masqueraded["n1"].ip(family))
    finally:
        set_config("n1", masquerade=u8(1),
                   ranges=[before] if before else [])


@pytest.mark.parametrize("kind", KINDS)
def test_host_is_not(masqueraded, family, kind):
    """The node's own connections are none of ours."""
    watch = CounterWatch("n1")
    with open_to(masqueraded, "n1", "outside", family, kind, sport=27000) as connection:
        assert (connection.answer.source, connection.answer.sport) == \
            (masqueraded["n1"].ip(family), 27000)
    assert not watch.risen("flow_created")


def test_multicast_is_not(masqueraded, family):
    """Nor is what no router passes on, or what is many: nobody would answer it."""
    source = masqueraded[CLIENT].ip(family), 5353
    for group in ("ff02::fb", "ff0e::fb", "fe80::1") if family == 6 else \
            ("224.0.0.251", "239.1.2.3", "255.255.255.255", "169.254.0.1"):
        said = ctl_json("n1", *question("udp", source, (group, 5353)))
        assert said["verdict"] == "none" and "multicast" in said["reason"]


def test_stray_reset(masqueraded, family):
    """A pod's reset of nothing that is known stays here: outside, its address means nothing."""
    server, source = masqueraded["outside"].ip(family), masqueraded[CLIENT].ip(family)
    watch = CounterWatch("n1")
    with Capture("outside", "eth0") as wire:
        pkt.send_ip(CLIENT, pkt.ip(source, server, pkt.TCP,
                                   pkt.tcp(source, server, 48001, 9, "RA")),
                    pkt.udp_packet(source, server, 48002, 9, b"behind it"))
        wire.wait(lambda p: p.payload == b"behind it")
        assert not wire.packets(lambda p: p.proto == pkt.TCP)
    assert watch.risen("egress")["egress_stray"] == 1


# ---- begun outside ----

@pytest.mark.parametrize("kind", KINDS)
def test_begun_outside(masqueraded, family, kind):
    """Who connects to a pod's own address gets its answer from there."""
    pod = masqueraded["web-n1-a"]
    port = 17 + family
    served = masqueraded.serve(pod, port, [kind], [family])
    ctl("n1", "flush", "flow")
    watch = CounterWatch("n1")
    source = masqueraded["outside"].ip(family)
    # A connected socket takes answers from nowhere else.
    with route_to_pod(masqueraded, pod, family), \
            Connection("outside", pod.ip(family), port, kind, source=source) as connection:
        assert (connection.answer.server, connection.answer.source) == ("web-n1-a", source)
        connection.echo(b"again")
        flow, = flows()
        assert flow["flags"] == ["direct"] and flow["state"] == "established"
        assert (flow["client"], flow["frontend"]) == (source, pod.ip(family))
    masqueraded.servers.remove(served)
    assert not watch.risen("egress")


def test_ping_from_outside(masqueraded, family):
    """An echo reply, too, and it is no echo of the pod's own."""
    pod = masqueraded["web-n1-a"]
    with route_to_pod(masqueraded, pod, family), Capture("outside", "eth0") as wire:
        ping("outside", pod.ip(family))
        replies = wire.packets(lambda p: p.icmp == ((0, 0) if family == 4 else (129, 0)))
    assert len(replies) == 3 and {p.src for p in replies} == {pod.ip(family)}


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_refused_outside(masqueraded, family, kind):
    """A pod's refusal comes from the pod, so that the client believes it."""
    pod = masqueraded["web-n1-a"]
    with route_to_pod(masqueraded, pod, family), pytest.raises(ConnectionRefusedError):
        ask("outside", pod.ip(family), CLOSED_PORT, kind)


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_pod_asks_back(masqueraded, family, kind):
    """What the pod begins with the same client is masqueraded all the same."""
    pod = masqueraded["web-n1-a"]
    with route_to_pod(masqueraded, pod, family), \
            open_to(masqueraded, "outside", "web-n1-a", family, kind) as there, \
            open_to(masqueraded, "web-n1-a", "outside", family, kind) as back:
        assert there.answer.source == masqueraded["outside"].ip(family)
        assert back.answer.source == masqueraded["n1"].ip(family)
        there.echo(b"1")
        back.echo(b"2")


# ---- beside others ----

RULES = """
table inet beside {
    chain forward {
        type filter hook forward priority filter; policy drop;
        ct state invalid counter drop
        ct state established,related accept
        iifname { "client-n1", "dns-n1" } ct state new accept
    }
    chain postrouting {
        type nat hook postrouting priority srcnat;
        %s
    }
}
"""


@pytest.mark.parametrize("rule", ["", "oifname eth0 masquerade", "ip saddr 10.0.0.0/8 masquerade"],
                         ids=["conntrack", "masquerade", "masquerade-v4"])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_beside_nft(masqueraded, family, kind, rule):
    """Conntrack sees a pod and the world; a rule that masquerades as well is no harm."""
    run("nft", "-f", "-", ns="n1", stdin=RULES % rule)
    try:
        with open_to(masqueraded, CLIENT, "outside", family, kind) as connection:
            assert connection.answer.source == masqueraded["n1"].ip(family)
            connection.echo(b"established")
        ping(CLIENT, masqueraded["outside"].ip(family))
        if kind == "tcp":
            with TcpStream(CLIENT, masqueraded["outside"].ip(family), ECHO_PORT,
                           limit=1 << 20) as stream:
                stream.finish()
        listed = run("nft", "list", "table", "inet", "beside", ns="n1").stdout
        assert "counter packets 0 bytes 0" in listed, listed
    finally:
        run("nft", "delete", "table", "inet", "beside", ns="n1")


# ---- one client port, a Service and its endpoint ----

@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("client,place", [(CLIENT, "cluster-ip"), ("n1", "cluster-ip"),
                                          (CLIENT, "node-port")])
def test_service_then_direct(masqueraded, family, kind, client, place):
    """A client whose port is in use through a Service may use it to the endpoint itself."""
    target, port = (vip(62, family), 80) if place == "cluster-ip" else \
        (masqueraded["n1"].ip(family), 30062)
    source = masqueraded[client].ip(family)
    ctl("n1", "flush", "flow")
    with Connection(client, target, port, kind, source=source, sport=28100) as by_service, \
            open_to(masqueraded, client, "web-n2-a", family, kind, sport=28100) as direct:
        assert by_service.answer.server == direct.answer.server == "web-n2-a"
        for text in (b"one", b"two"):
            for connection in (by_service, direct):
                back = connection.echo(text)
                assert (back.payload if kind == "udp" else back) == text
        found = [f for f in flows("client", source) if "direct" in f["flags"]]
        assert len(found) == 1 and "port-moved" in found[0]["flags"]
        assert found[0]["frontend"] == masqueraded["web-n2-a"].ip(family)


# ---- explained ----

def test_explained(masqueraded, family):
    """`get` says what happens, and why."""
    source, server = masqueraded[CLIENT].ip(family), masqueraded["outside"].ip(family)

    def get(src, dst):
        return ctl_json("n1", *question("tcp", (src, 51000), (dst, 9)))

    said = get(source, server)
    assert said["verdict"] == "masquerade"
    assert said["source"] == masqueraded["n1"].ip(family)
    assert "world outside" in said["reason"]
    for target in ("web-n2-a", "n2", "web-n1-a"):
        said = get(source, masqueraded[target].ip(family))
        assert said["verdict"] == "none" and said["reason"].startswith("to a"), said
    assert get(masqueraded["web-n2-a"].ip(family), server)["verdict"] == "none"
    with Connection(CLIENT, server, ECHO_PORT, sport=29001) as connection:
        said = ctl_json("n1", *question("tcp", (source, 29001), (server, ECHO_PORT)))
        assert said["verdict"] == "flow"
        assert said["source_port"] == connection.answer.sport


def test_reply_explained(masqueraded, family):
    """Of a reply `get` says to whom it goes, and as whose; nobody masquerades it."""
    pod, outside = masqueraded[CLIENT], masqueraded["outside"].ip(family)
    with route_to_pod(masqueraded, pod, family), \
            Connection("outside", pod.ip(family), ECHO_PORT, sport=29002) as connection:
        assert connection.answer.source == outside
        said = ctl_json("n1", *question("tcp", (pod.ip(family), ECHO_PORT), (outside, 29002)))
        assert (said["verdict"], said["masquerade"]) == ("flow", False)
        assert (said["source"], said["source_port"]) == (pod.ip(family), ECHO_PORT)
        assert (said["target"], said["target_port"]) == (outside, 29002)


def test_flush(masqueraded, family):
    """Flows are found by client and by what was asked for."""
    server = masqueraded["outside"].ip(family)
    ctl("n1", "flush", "flow")
    for pod in (CLIENT, "dns-n1"):
        ask(pod, server, ECHO_PORT, "udp")
    ask(CLIENT, masqueraded["neighbour"].ip(family), ECHO_PORT, "udp")
    assert len(flows()) == 3
    ctl("n1", "flush", "flow", "client", masqueraded["dns-n1"].ip(family))
    assert {f["client"] for f in flows()} == {masqueraded[CLIENT].ip(family)}
    ctl("n1", "flush", "flow", "frontend", server)
    assert [f["frontend"] for f in flows()] == [masqueraded["neighbour"].ip(family)]


def test_service_of_the_world(cluster, family):
    """
    In classic mode, too, an endpoint outside of the cluster sees the node, by one flow; `get` says so.
    """
    cluster.apply([*cluster.objects("classic", ["n1"]),
                   *service("world", 63, [(80, ECHO_PORT, "TCP")], [cluster["outside"]])], ["n1"])
    source, node = cluster[CLIENT].ip(family), cluster["n1"].ip(family)
    said = ctl_json("n1", *question("tcp", (source, 29003), (vip(63, family), 80)))
    assert (said["verdict"], said["masquerade"], said["source"]) == ("forward", True, node)
    ctl("n1", "flush", "flow")
    with Connection(CLIENT, vip(63, family), 80, sport=29003) as connection:
        assert (connection.answer.server, connection.answer.source) == ("outside", node)
        flow, = flows()
        assert (flow["source"], flow["source_port"]) == (node, connection.answer.sport)

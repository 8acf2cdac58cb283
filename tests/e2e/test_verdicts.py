# SPDX-License-Identifier: GPL-2.0
"""
What the kernel decides about new connections, as it explains it and as it does: addresses and ports
of Services that no Service uses, source ranges, session affinity, algorithms, the end of endpoints.

Services are set on n1 alone, by hand, beside the real cluster's.
"""

import contextlib
import socket
import struct

import pytest

from lab import Capture, Connection, CounterWatch, ask, ip, packet, try_ping, wait_until
from lab.genl import (ATTR, Genl, Refused, address, attributes, backend, frontend, ranges, service,
                      text_of, u8, u16, u32)
from lab.services import route_vips, vip

PORT = 7
CLUSTER_IP, NODE_PORT, LOAD_BALANCER, EXTERNAL_IP = range(4)
NONE, FLOW, FORWARD, REJECT, DROP, MASQUERADE, ANSWER = range(7)
MAGLEV, RANDOM, LEAST_CONN = range(3)
EXTERNAL_LOCAL, RANGES_ALL = 2, 4
IN_BOTH = 0xB       # backend flags: cluster, local, ready
NAME = "test/verdicts:x"


@pytest.fixture(scope="module", autouse=True)
def configured(cluster):
    """All nodes have the real objects, outside has a route to addresses of Services."""
    cluster.apply_files()
    route_vips(cluster)


@pytest.fixture
def genl():
    """A socket in n1; the service and the settings of a test go with it."""
    with Genl("n1") as sock:
        yield sock
        for number in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(Refused):
                sock.request("SERVICE_DEL", attributes("SERVICE", name=NAME, family=u8(number)))
        sock.request("CONFIG_SET", ranges() + attributes("CONFIG", vip_echo=u8(0),
                                                         reset_removed=u8(0)))
        sock.request("FLOW_FLUSH")


def af(family):
    """AF_INET or AF_INET6."""
    return socket.AF_INET if family == 4 else socket.AF_INET6


def put(genl, family, frontends, backends, **rules):
    """The test's service."""
    genl.request("SERVICE_SET", service(NAME, frontends, backends, family=af(family), **rules))


def pods(cluster, family, *names, **fields):
    """Backends of a service: these pods' echo servers."""
    return [backend(cluster[name].ip(family), PORT, IN_BOTH, **fields) for name in names]


def explain(genl, src, dst, dport, proto=socket.IPPROTO_TCP, sport=40000):
    """What route-get says, by name; numbers as such."""
    reply = genl.request("ROUTE_GET", attributes(
        "ROUTE", proto=u8(proto), src=address(src), sport=u16(sport), dst=address(dst),
        dport=u16(dport)))[0]
    result = {}
    for name, number in ATTR["ROUTE"].items():
        data = reply.get(number)
        if data is None:
            continue
        if name in ("REASON", "SERVICE", "NODE"):
            result[name] = text_of(data)
        elif name in ("SRC", "DST", "BACKEND", "SOURCE", "UNDERLAY"):
            result[name] = socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6,
                                            data)
        else:
            result[name] = int.from_bytes(data, "little")
    return result


def dropped(client, target, port=PORT, kind="tcp"):
    """Nothing comes back."""
    with pytest.raises(TimeoutError):
        ask(client, target, port, kind, timeout=0.7)


def refused(client, target, port=PORT, kind="tcp"):
    """A connection is refused."""
    with pytest.raises(ConnectionRefusedError):
        ask(client, target, port, kind, timeout=5)


# ---- addresses and ports without a Service ----

def test_unallocated(cluster, genl, family):
    """Inside a range of Services, an address that no Service has is silent, a node's is not."""
    block = vip(0, family), 112 if family == 6 else 24
    genl.request("CONFIG_SET", ranges((*block, 0), (cluster["n2"].ip(family), 128 if family == 6
                                                    else 32, 0)))
    assert explain(genl, cluster["client-n1"].ip(family), vip(250, family), 80)["VERDICT"] == DROP
    watch = CounterWatch("n1")
    dropped("client-n1", vip(250, family))
    dropped("outside", vip(250, family), kind="udp")
    assert watch.risen()["service_unallocated"] >= 2
    assert ask("client-n1", cluster["n2"].ip(family), PORT).server == "n2"
    # A narrower range of another kind is an exception.
    genl.request("CONFIG_SET", ranges((*block, 0), (vip(250, family), 128 if family == 6 else 32, 1)))
    assert explain(genl, cluster["client-n1"].ip(family), vip(250, family), 80)["VERDICT"] == NONE


@pytest.mark.parametrize("kind", [CLUSTER_IP, LOAD_BALANCER, EXTERNAL_IP],
                         ids=["cluster-ip", "load-balancer", "external-ip"])
def test_unused_port(cluster, genl, family, kind):
    """
    Of a ClusterIP it is refused, of a load balancer's address to those outside. Else it leaves as what
    is sent to any address: a pod's as the node's.
    """
    target = vip(240, family)
    put(genl, family, [frontend(target, PORT, kind)], pods(cluster, family, "web-n1-a"))
    for client in ("client-n1", "outside"):
        assert ask(client, target, PORT).server == "web-n1-a"
        expected = kind == CLUSTER_IP or kind == LOAD_BALANCER and client == "outside"
        verdict = explain(genl, cluster[client].ip(family), target, 99)
        assert verdict["VERDICT"] == (REJECT if expected else
                                      NONE if client == "outside" else MASQUERADE), verdict
        if expected:
            watch = CounterWatch("n1")
            refused(client, target, 99)
            assert watch.risen()["service_unused_port"] >= 1
            assert explain(genl, cluster[client].ip(family), target, PORT,
                           socket.IPPROTO_SCTP)["VERDICT"] == REJECT


def test_local_address_is_no_node_port(cluster, genl, family):
    """An address of a Service that this host has is not another Service's NodePort."""
    target = vip(241, family)
    ip(f"address add {target}/{32 if family == 4 else 128} dev lo", ns="n1")
    try:
        genl.request("CONFIG_SET", attributes("CONFIG", nodeport_any=u8(1)))
        assert explain(genl, cluster["outside"].ip(family), target, 30080)["VERDICT"] == FORWARD
        put(genl, family, [frontend(target, PORT, LOAD_BALANCER)],
            pods(cluster, family, "web-n1-a"))
        assert explain(genl, cluster["outside"].ip(family), target, 30080)["VERDICT"] == NONE
        assert explain(genl, cluster["outside"].ip(family), target, PORT)["VERDICT"] == FORWARD
        node = cluster["n1"].ip(family)
        put(genl, family, [frontend(node, 99, EXTERNAL_IP)], pods(cluster, family, "web-n1-a"))
        assert explain(genl, cluster["outside"].ip(family), node, 30080)["VERDICT"] == FORWARD
        assert ask("outside", node, 99).server == "web-n1-a"
    finally:
        genl.request("CONFIG_SET", attributes("CONFIG", nodeport_any=u8(0)))
        ip(f"address del {target}/{32 if family == 4 else 128} dev lo", ns="n1")


def test_echo(cluster, genl, family):
    """Ping of a Service's address is dropped, or answered for it; other addresses are as ever."""
    target = vip(242, family)
    icmp = socket.IPPROTO_ICMP if family == 4 else socket.IPPROTO_ICMPV6
    put(genl, family, [frontend(target, PORT, EXTERNAL_IP)], pods(cluster, family, "web-n1-a"))
    watch = CounterWatch("n1")
    for client in ("client-n1", "outside"):
        assert explain(genl, cluster[client].ip(family), target, 0, icmp)["VERDICT"] == DROP
        assert not try_ping(client, target)
    assert watch.risen()["service_echo_dropped"] == 2
    genl.request("CONFIG_SET", attributes("CONFIG", vip_echo=u8(1)))
    for client in ("client-n1", "outside", "n1"):
        assert explain(genl, cluster[client].ip(family), target, 0, icmp)["VERDICT"] == ANSWER
        for size in (0, 56, 1400, 4000):
            assert try_ping(client, target, "-s", str(size)), (client, size)
    assert watch.risen()["service_echo"] == 12
    assert try_ping("client-n1", cluster["web-n2-a"].ip(family))
    assert try_ping("outside", cluster["n1"].ip(family))


def test_echo_of_a_node(cluster, genl, family):
    """A node answers ping itself, though its address is one of a Service as well."""
    target = cluster["n2"].ip(family)
    put(genl, family, [frontend(target, 99, EXTERNAL_IP)], pods(cluster, family, "web-n1-a"))
    watch = CounterWatch("n1")
    for answered in (0, 1):
        genl.request("CONFIG_SET", attributes("CONFIG", vip_echo=u8(answered)))
        for client in ("client-n1", "n1"):
            assert try_ping(client, target)
    assert not watch.risen("service_echo")


def test_no_answer_to_many(cluster, genl):
    """Whose source is no single host's is not answered, neither refused nor with an echo."""
    target, neighbour = vip(243, 4), cluster["neighbour"].ip4
    put(genl, 4, [frontend(target, PORT, CLUSTER_IP)], pods(cluster, 4, "web-n1-a"))
    genl.request("CONFIG_SET", attributes("CONFIG", vip_echo=u8(1)))
    watch = CounterWatch("n1")
    macs = packet.device_mac("n1", "eth0"), packet.device_mac("neighbour", "eth0")
    with Capture("neighbour", "eth0") as wire:
        for source in ("192.168.1.255", "255.255.255.255", "224.0.0.1", neighbour):
            packet.send_frames("neighbour", "eth0", *(
                packet.ether(*macs, data) for data in (
                    packet.udp_packet(source, target, 40000, 99), packet.ping_packet(source, target))))
        wire.wait(lambda p: p.src == target and p.icmp == (3, 3))
        wire.wait(lambda p: p.src == target and p.icmp == (0, 0))
        assert {p.dst for p in wire.packets(lambda p: p.src == target)} == {neighbour}
    risen = watch.risen()
    assert risen["service_unused_port"] == risen["service_echo"] == 4


# ---- whose clients may come ----

def test_source_ranges(cluster, genl, family):
    """They hold for load balancers, with a flag for all; the rest comes to nothing."""
    length = 32 if family == 4 else 128
    target, inside = vip(243, family), vip(244, family)
    frontends = [frontend(target, PORT, LOAD_BALANCER), frontend(inside, PORT, CLUSTER_IP),
                 frontend(None, 31500)]
    members = pods(cluster, family, "web-n1-a")
    allowed = [(cluster["client-n1"].ip(family), length)]
    put(genl, family, frontends, members, sources=allowed)
    watch = CounterWatch("n1")
    assert ask("client-n1", target, PORT).server == "web-n1-a"
    with Connection("client-n1", target, PORT) as established:
        dropped("outside", target)
        assert watch.risen()["service_source_range"] >= 1
        for place, port in ((inside, PORT), (cluster["n1"].ip(family), 31500)):
            assert ask("outside", place, port).server == "web-n1-a"
        put(genl, family, frontends, members, sources=allowed, flags=RANGES_ALL)
        for place, port in ((inside, PORT), (cluster["n1"].ip(family), 31500)):
            dropped("outside", place, port)
        put(genl, family, frontends, members, sources=[(cluster["outside"].ip(family), length)])
        dropped("client-n1", target)
        established.echo(b"still there")
    assert ask("outside", target, PORT).server == "web-n1-a"


def test_sources_are_told(cluster, genl, family):
    """All that is set is read back, over several messages if need be."""
    zero = "10.1.{}.{}" if family == 4 else "fd00:{:x}::{:x}"
    sources = [(zero.format(i // 256, i % 256), 32 if family == 4 else 128) for i in range(256)]
    rules = {"affinity": 77, "algorithm": 2, "cluster_why": 1, "local_why": 3, "flags": 7}
    put(genl, family, [frontend(vip(245, family), PORT)],
        pods(cluster, family, "web-n1-a", weight=50), sources=sources[::-1], **rules)
    generation = genl.generation()
    put(genl, family, [frontend(vip(245, family), PORT)],
        pods(cluster, family, "web-n1-a", weight=50), sources=sources, **rules)
    assert genl.generation() == generation
    told, members = [], []
    for message in genl.dump("SERVICE_GET"):
        if text_of(message.get(ATTR["SERVICE"]["NAME"])) != NAME:
            continue
        for rule, value in rules.items():
            assert message.get(ATTR["SERVICE"][rule.upper()]) == u32(value)
        told += message.all(ATTR["SERVICE"]["SOURCE"])
        members += message.all(ATTR["SERVICE"]["BACKEND"])
    assert len(set(told)) == len(told) == 256 and len(members) == 1
    assert u32(50) in members[0]


# ---- the choice ----

def test_affinity(cluster, genl, family):
    """A client stays with its backend as long as that is in the list, and learns of a new one."""
    target = vip(246, family)
    names = ["web-n1-a", "web-n2-a", "web-n2-b", "web-n3-a"]
    frontends = [frontend(target, PORT), frontend(None, 31501)]
    put(genl, family, frontends, pods(cluster, family, *names), affinity=100)
    client = cluster["client-n1"].ip(family)
    first = explain(genl, client, target, PORT)
    assert "AFFINITY" not in first
    met = {ask("client-n1", target, PORT).server for _ in range(15)}
    assert len(met) == 1 and cluster[met.copy().pop()].ip(family) == first["BACKEND"]
    assert 90 <= explain(genl, client, target, PORT)["AFFINITY"] <= 100
    # Whichever frontend was used; not shared with another client.
    assert {ask("client-n1", cluster["n1"].ip(family), 31501).server} == met
    assert "AFFINITY" not in explain(genl, cluster["outside"].ip(family), target, PORT)

    rest = [name for name in names if name not in met]
    put(genl, family, frontends, pods(cluster, family, *rest), affinity=100)
    second = {ask("client-n1", target, PORT).server for _ in range(5)}
    assert len(second) == 1 and not second & met
    put(genl, family, frontends, pods(cluster, family, *names), affinity=100)
    assert {ask("client-n1", target, PORT).server for _ in range(5)} == second
    # Gone with the time, or with the service.
    put(genl, family, frontends, pods(cluster, family, *names), affinity=3)
    wait_until(lambda: "AFFINITY" not in explain(genl, client, target, PORT), 10)
    third = explain(genl, client, target, PORT)["BACKEND"]
    assert cluster[ask("client-n1", target, PORT).server].ip(family) == third
    assert explain(genl, client, target, PORT)["BACKEND"] == third


def test_no_affinity(cluster, genl, family):
    """Without it, all answer one client."""
    target = vip(247, family)
    names = {"web-n1-a", "web-n2-a", "web-n2-b", "web-n3-a"}
    for algorithm in (MAGLEV, RANDOM, LEAST_CONN):
        put(genl, family, [frontend(target, PORT)], pods(cluster, family, *names),
            algorithm=algorithm)
        assert explain(genl, cluster["client-n1"].ip(family), target, PORT)["ALGORITHM"] == algorithm
        assert {ask("client-n1", target, PORT).server for _ in range(60)} == names


@pytest.mark.parametrize("algorithm", [MAGLEV, RANDOM, LEAST_CONN],
                         ids=["maglev", "random", "least-conn"])
def test_weights(cluster, genl, algorithm):
    """Connections are shared out by weight."""
    target = vip(248, 4)
    put(genl, 4, [frontend(target, PORT)], pods(cluster, 4, "web-n1-a", weight=90) +
        pods(cluster, 4, "web-n2-a", weight=10), algorithm=algorithm)
    servers = [ask("client-n1", target, PORT).server for _ in range(200)]
    assert 160 <= servers.count("web-n1-a") <= 198


def test_random(cluster, genl, family):
    """At random, one connection may go anywhere; by hashing it goes to one endpoint alone."""
    target, source = vip(248, family), cluster["client-n1"].ip(family)
    for algorithm, many in ((RANDOM, True), (MAGLEV, False)):
        put(genl, family, [frontend(target, PORT)],
            pods(cluster, family, "web-n1-a", "web-n2-a", "web-n3-a"), algorithm=algorithm)
        chosen = {explain(genl, source, target, PORT)["BACKEND"] for _ in range(40)}
        assert (len(chosen) > 1) == many


def test_least_conn(cluster, genl):
    """A new connection goes where the fewest are."""
    target = vip(248, 4)
    names = ["web-n1-a", "web-n2-a", "web-n3-a"]
    put(genl, 4, [frontend(target, PORT)], pods(cluster, 4, *names), algorithm=LEAST_CONN)
    connections = [Connection("client-n1", target, PORT) for _ in range(30)]
    servers = [connection.answer.server for connection in connections]
    for connection in connections:
        connection.close()
    assert [servers.count(name) for name in names] == [10, 10, 10]


# ---- the end of an endpoint ----

@pytest.mark.parametrize("client", ["client-n1", "n1", "outside"])
def test_reset_removed(cluster, genl, family, client):
    """A TCP connection to an endpoint that was removed goes on, or is reset with its next packet."""
    target = vip(249, family)
    frontends = [frontend(target, PORT)]
    for reset in (0, 1):
        genl.request("CONFIG_SET", attributes("CONFIG", reset_removed=u8(reset)))
        put(genl, family, frontends, pods(cluster, family, "web-n1-a"))
        with Connection(client, target, PORT, timeout=5) as connection:
            put(genl, family, frontends, pods(cluster, family, "web-n2-a"))
            watch = CounterWatch("n1")
            if not reset:
                assert connection.echo(b"left to end") == b"left to end"
                continue
            with pytest.raises((ConnectionResetError, BrokenPipeError)):
                connection.echo(b"reset me")
            assert watch.risen()["flow_reset"] == 1
    assert ask(client, target, PORT).server == "web-n2-a"


def test_why(cluster, genl, family):
    """The reasons that a service comes with are told with the list that they are about."""
    target = vip(249, family)
    put(genl, family, [frontend(target, PORT, EXTERNAL_IP)], pods(cluster, family, "web-n1-a"),
        flags=EXTERNAL_LOCAL, cluster_why=1, local_why=3)
    assert explain(genl, cluster["client-n1"].ip(family), target, PORT)["LIST_WHY"] == 1
    assert explain(genl, cluster["outside"].ip(family), target, PORT)["LIST_WHY"] == 3


def test_ranges_are_told(genl):
    """All ranges are read back, sorted, and an unchanged set is no change."""
    blocks = [(f"10.{i}.0.0", 16, i % 2) for i in range(255)] + [("::", 0, 1)]
    genl.request("CONFIG_SET", ranges(*blocks[::-1]))
    generation = genl.generation()
    genl.request("CONFIG_SET", ranges(*blocks))
    assert genl.generation() == generation
    reply = genl.request("CONFIG_GET")[0]
    assert len(reply.get(ATTR["CONFIG"]["RANGES"])) > 256 * 24
    genl.request("CONFIG_SET", attributes("CONFIG", reset_removed=u8(0)))
    assert struct.unpack("=I", genl.request("CONFIG_GET")[0].get(
        ATTR["CONFIG"]["GENERATION"]))[0] == generation

# SPDX-License-Identifier: GPL-2.0
"""The mode is changed under traffic, and nobody notices."""

import pytest

from lab import ECHO_PORT, CounterWatch, TcpStream, UdpExchange
from lab.genl import ATTR, Genl, address, attribute, attributes, u8, u32

FLIPS = 20
PREFIXES, REPLACEMENTS = 5000, 100
RATE = 4 << 20     # bytes a second; a stream at full speed makes emulated machines slow


def check(streams, exchanges):
    """Nothing broke, nothing was lost."""
    for stream in streams:
        assert stream.failure is None
    for exchange in exchanges:
        print(f"{exchange.sent} requests, {len(exchange.lost)} lost, "
              f"{exchange.duplicates} twice, errors {exchange.errors}")
    assert all(e.lost == [] and e.errors == [] and e.failure is None for e in exchanges)


def test_vxlan_classic(cluster, family):
    """20 switches vxlan <-> classic, one node after the other: no reset, no UDP packet lost."""
    nodes = ("n1", "n2")
    configs = [cluster.objects(mode, nodes) for mode in ("classic", "vxlan")]
    cluster.apply(configs[1], nodes)
    watch = CounterWatch("n1")
    there, back = cluster["web-n2-a"].ip(family), cluster["web-n1-a"].ip(family)
    with TcpStream("client-n1", there, ECHO_PORT, rate=RATE) as stream, \
            UdpExchange("client-n1", there, ECHO_PORT) as exchange, \
            UdpExchange("client-n2", back, ECHO_PORT) as reverse:
        for flip in range(FLIPS):
            for node in nodes:
                cluster.apply(configs[flip % 2], [node])
                stream.wait_for(1 << 17)
                exchange.wait_for(3)
                reverse.wait_for(3)
    check([stream], [exchange, reverse])
    risen = watch.risen()
    assert min(risen[f"{way}_{mode}"] for way in ("tx", "rx")
               for mode in ("vxlan", "classic")) > 100
    assert not [name for name in risen if name.startswith("rx_") and
                name not in ("rx_vxlan", "rx_classic")], risen


def test_auto(cluster, family):
    """The same between vxlan and auto, with nodes near and behind a router, changed at once."""
    configs = [cluster.objects(mode) for mode in ("auto", "vxlan")]
    cluster.apply(configs[1])
    pods = ("web-n2-a", "web-n3-a")
    streams = [TcpStream("client-n1", cluster[pod].ip(family), ECHO_PORT, rate=RATE)
               for pod in pods]
    exchanges = [UdpExchange("client-n1", cluster[pod].ip(family), ECHO_PORT) for pod in pods]
    with streams[0], streams[1], exchanges[0], exchanges[1]:
        for flip in range(6):
            cluster.apply(configs[flip % 2])
            for traffic in (*streams, *exchanges):
                traffic.wait_for(1 << 17 if traffic in streams else 3)
    check(streams, exchanges)


@pytest.fixture
def many_prefixes(cluster):
    """At n1, node n2 has thousands of prefixes in front of its own; a socket of n1."""
    cluster.configure("vxlan")
    with Genl("n1") as genl:
        for number in range(PREFIXES):
            genl.request("PREFIX_SET", attributes(
                "PREFIX", addr=address(f"10.7.{number >> 8}.{number & 255}"), len=u8(32), node="n2"))
        yield genl
    cluster.configure("vxlan")


def test_many_prefixes(cluster, many_prefixes):
    """While a node with many prefixes is replaced, what comes from it is from it all the time."""
    genl = many_prefixes
    reply = genl.request("NODE_GET", attributes("NODE", name="n2"))[0]
    bare = b"".join(attribute(ATTR["NODE"][name], reply.get(ATTR["NODE"][name]))
                    for name in ("NAME", "UNDERLAY4", "UNDERLAY6", "MAC"))
    nodes = [bare + attributes("NODE", mode=u32(0)), bare]
    watch = CounterWatch("n1")
    with UdpExchange("client-n2", cluster["web-n1-a"].ip4, ECHO_PORT, rate=500) as exchange:
        for flip in range(REPLACEMENTS):
            genl.request("NODE_SET", nodes[flip % 2])
            if flip % 10 == 0:
                exchange.wait_for(1)
    check([], [exchange])
    risen = watch.risen("rx_")
    assert set(risen) == {"rx_vxlan"} and risen["rx_vxlan"] >= exchange.sent, risen

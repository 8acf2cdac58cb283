# SPDX-License-Identifier: GPL-2.0
"""What is no TCP, UDP or SCTP to addresses of Services: never forwarded on, dropped or answered."""

import struct

import pytest

from lab import Capture, CounterWatch, ip, objects, packet, run
from lab.services import balanced, external_ip, lb_ip, route_frontends, vip

CLIENTS = ["client-n1", "n1", "outside"]
NUMBER = 200
# On an interface of n1.
LOCAL = 212
VIPS = {"cluster-ip": vip, "load-balancer": lb_ip, "external-ip": external_ip}


def give(cluster, nodes=("n1",), **options):
    """Give nodes two Services, of which one has an address of n1's."""
    hosts = [cluster["web-n1-a"], cluster["web-n2-a"]]
    cluster.apply([*cluster.objects(**options),
                   objects.service_cidr("10.222.0.0/16", "fd00:222::/112"),
                   *balanced("all", NUMBER, hosts), *balanced("local", LOCAL, hosts)], nodes)


@pytest.fixture(scope="module", autouse=True)
def fixture_services(cluster):
    """All nodes have the Services."""
    route_frontends(cluster)
    ip(*(f"address add {lb_ip(LOCAL, f)}/{32 if f == 4 else 128} dev lo" for f in (4, 6)),
       ns="n1")
    give(cluster, cluster.nodes)


def echoes(client, address, count=2):
    """How many of so many echo requests are answered."""
    said = run("ping", "-n", "-c", str(count), "-i", "0.05", "-W", "1", address, ns=client,
               check=False).stdout
    return int(said.split(" received")[0].split()[-1])


@pytest.mark.parametrize("place", VIPS)
def test_echo_dropped(family, place):
    """An echo request to a Service's address that no interface has goes nowhere, and no circles."""
    address = VIPS[place](NUMBER, family)
    for client in CLIENTS:
        watch = CounterWatch("n1")
        with Capture("r1", "lan") as wire:
            assert echoes(client, address, 1) == 0
            # The world's own request passes the router once.
            seen = wire.packets(lambda p: p.dst == address)
            assert len(seen) == (client == "outside")
        assert watch.risen()["service_echo_dropped"] == 1


@pytest.mark.parametrize("place", VIPS)
def test_echo_answered(cluster, family, place):
    """With vip-echo the node answers it, for everybody."""
    address = VIPS[place](NUMBER, family)
    give(cluster, vip_echo=True)
    for client in CLIENTS:
        assert echoes(client, address) == 2
    give(cluster)


def test_echo_between_addresses(cluster, family):
    """A forged request from one address of Services to another is answered once, and that is all."""
    give(cluster, vip_echo=True)
    watch = CounterWatch("n1")
    forged = packet.ping_packet(vip(NUMBER, family), lb_ip(NUMBER, family), ident=0)
    packet.send_frames("neighbour", "eth0", packet.ether(
        packet.device_mac("n1", "eth0"), packet.device_mac("neighbour", "eth0"), forged))
    assert echoes("outside", lb_ip(NUMBER, family)) == 2
    assert 3 <= watch.risen()["service_echo"] <= 4
    give(cluster)


def icmp(src, dst, kind, body=bytes(4)):
    """An ICMP or ICMPv6 message without code, as the payload of a packet."""
    header = struct.pack("!BBH", kind, 0, 0)
    pseudo = packet._pseudo(src, dst, packet.ICMPV6, 4 + len(body)) if ":" in dst else b""
    check = packet.checksum(pseudo + header + body)
    return header[:2] + struct.pack("!H", check) + body


def strays(src, dst):
    """What no Service can take, or belongs to no connection; each a whole packet of TTL 64."""
    quoted = packet.udp_packet(dst, src, 53, 53, b"stray")
    if ":" in dst:
        messages = [(129, b"\0\1\0\1"), (1, bytes(4) + quoted), (139, bytes(12))]
        proto = packet.ICMPV6
    else:
        messages = [(0, b"\0\1\0\1"), (3, bytes(4) + quoted), (13, bytes(16))]
        proto = packet.ICMP
    yield from (packet.ip(src, dst, proto, icmp(src, dst, *message)) for message in messages)
    # GRE; UDP that is shorter than its header.
    yield packet.ip(src, dst, 47, struct.pack("!HH", 0, 0x0800) + bytes(20))
    yield packet.ip(src, dst, packet.UDP, bytes(4))


@pytest.mark.parametrize("place, counter", [
    (vip, "service_other_dropped"), (lb_ip, "service_other_dropped"),
    (lambda number, family: vip(number + 1, family), "service_unallocated")],
    ids=["cluster-ip", "load-balancer", "unallocated"])
def test_strays_dropped(cluster, family, place, counter):
    """What no Service can take goes nowhere, and no circles, when it comes to an address of Services."""
    address = place(NUMBER, family)
    sent = list(strays(cluster["outside"].ip(family), address))
    watch = CounterWatch("n1")
    with Capture("r1", "lan") as wire:
        packet.send_ip("outside", *sent)
        packet.send_ip("outside", packet.ping_packet(cluster["outside"].ip(family),
                                                     cluster["n1"].ip(family)))
        wire.wait(lambda p: p.src == cluster["n1"].ip(family) and p.icmp in ((0, 0), (129, 0)))
        seen = wire.packets(lambda p: p.dst == address)
    assert len(seen) == len(sent), seen[:20]
    assert watch.risen()[counter] == len(sent)


def test_strays_local(cluster, family):
    """An address that the node has is the node's own stack's to judge."""
    watch = CounterWatch("n1")
    packet.send_ip("outside", *strays(cluster["outside"].ip(family), lb_ip(LOCAL, family)))
    assert echoes("outside", cluster["n1"].ip(family)) == 2
    assert "service_other_dropped" not in watch.risen()


def test_echo_local(family):
    """An address that the node has is answered by the node's own stack."""
    for client in CLIENTS:
        assert echoes(client, lb_ip(LOCAL, family)) == 2

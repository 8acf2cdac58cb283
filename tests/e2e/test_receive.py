# SPDX-License-Identifier: GPL-2.0
"""Only what the cluster's nodes send gets in; all else is dropped, and counted by its name."""

import json
import random

import pytest

from lab import (ECHO_PORT, Capture, CounterWatch, UdpExchange, ctl_json, ping, run, wait_until)
from lab.packet import (UDP, device_mac, ether, ping_packet, send_frames, udp, udp_packet, vxlan)
from lab.packet import ip as ip_packet

MARK = b"must not arrive"
PORT, VNI = 4298, 1
COUNT = 3


class Attacker:
    """
    On the underlay, as the host neighbour. By default a packet from it is what n2 would send to n1:
    a ping of client-n2 to client-n1.
    """

    def __init__(self, cluster):
        self.cluster = cluster
        self.mac = device_mac("neighbour", "eth0")
        self.target_mac = device_mac("n1", "eth0")
        self.tunnel = {n["name"]: n["mac"] for n in ctl_json("n1", "node", "show")}

    def inner(self, family=4, src=None, payload=MARK):
        """The packet of a pod."""
        return ping_packet(src or self.cluster["client-n2"].ip(family),
                           self.cluster["client-n1"].ip(family), payload=payload)

    def inner_frame(self, packet=None, dst=None, **fields):
        """The frame in the tunnel."""
        return ether(dst or self.tunnel["n1"], self.tunnel["n2"], packet or self.inner(), **fields)

    def outer_frame(self, payload, src=None, dst=None, port=PORT, tos=0, family=4):
        """The frame on the underlay with a UDP payload."""
        src = src or self.cluster["n2"].ip(family)
        dst = dst or self.cluster["n1"].ip(family)
        return self.plain_frame(ip_packet(src, dst, UDP, udp(src, dst, 55555, port, payload),
                                          tos=tos))

    def plain_frame(self, packet, dst=None):
        """The frame on the underlay with an IP packet."""
        return ether(dst or self.target_mac, self.mac, packet)

    def send(self, *frames):
        """Out of neighbour's eth0."""
        send_frames("neighbour", "eth0", *frames)


@pytest.fixture(scope="module")
def attacker(cluster):
    """An attacker on a cluster in vxlan mode."""
    cluster.configure("vxlan")
    return Attacker(cluster)


@pytest.fixture(autouse=True)
def undisturbed(attacker):
    """All the while pods talk to each other and lose nothing; nothing forged arrives."""
    with Capture("client-n1", "eth0") as pod, \
            UdpExchange("client-n1", attacker.cluster["client-n2"].ip4, ECHO_PORT) as exchange:
        yield
        exchange.wait_for(5)
    assert exchange.lost == [] and exchange.errors == []
    assert not pod.packets(lambda p: MARK in p.raw and not p.outgoing)


def dropped(watch):
    """Counters of dropped packets that have risen."""
    return {name: n for name, n in watch.risen().items() if name not in ("tx_vxlan", "rx_vxlan")}


def check(attacker, counter, *frames):
    """All of these frames are dropped under this name, and nothing else is."""
    watch = CounterWatch("n1")
    before = device_drops()
    attacker.send(*frames)
    wait_until(lambda: dropped(watch).get(counter, 0) >= len(frames), 5,
               f"{counter} risen by {len(frames)}, but: {dropped(watch)}")
    assert dropped(watch) == {counter: len(frames)}
    assert device_drops() - before == len(frames)


def device_drops():
    """Dropped packets, as `ip -s link show dvp0` tells."""
    shown = run("ip", "-j", "-s", "link", "show", "dvp0", ns="n1").stdout
    return json.loads(shown)[0]["stats64"]["rx"]["dropped"]


def test_honest(attacker):
    """What the other tests send is dropped for its one fault: without one it arrives."""
    packet = attacker.inner(payload=b"honest")
    with Capture("client-n1", "eth0") as pod:
        attacker.send(attacker.outer_frame(vxlan(VNI, attacker.inner_frame(packet))))
        pod.wait(lambda p: b"honest" in p.raw and not p.outgoing)


def test_spoofed_source(attacker):
    """A node that sends with the address of another node, its pods, our pods, or anybody."""
    sources = ["10.111.3.20", "10.111.1.30", "192.168.2.13", "8.8.8.8", "0.0.0.0", "127.0.0.1",
               "fd00:111:0:3::20", "fd00:111:0:1::30", "fd00:2::13", "2001:db8::1", "::", "::1"]
    packets = [attacker.inner(6 if ":" in src else 4, src=src) for src in sources]
    check(attacker, "rx_spoofed",
          *(attacker.outer_frame(vxlan(VNI, attacker.inner_frame(p))) for p in packets))


def test_unknown_node(attacker):
    """Somebody who is no node of the cluster."""
    payload = vxlan(VNI, attacker.inner_frame())
    check(attacker, "rx_unknown_node",
          *(attacker.outer_frame(payload, src=src, family=6 if ":" in src else 4)
            for src in ("192.168.1.100", "192.168.2.99", "198.51.100.1", "fd00:1::100")))


def test_wrong_vni(attacker):
    """Another virtual network."""
    check(attacker, "rx_wrong_vni",
          *(attacker.outer_frame(vxlan(vni, attacker.inner_frame()))
            for vni in (0, 2, 0x100, 0x10000, 0x10001, 0xFFFFFF)))


def test_bad_flags(attacker):
    """No valid VNI, or reserved bits set."""
    headers = [(0, 0), (0x48000000, 0), (0x88000000, 0), (0x08000001, 0), (0x0C000000, 0),
               (0x08000000, 1)]
    check(attacker, "rx_bad_flags",
          *(attacker.outer_frame(vxlan(VNI, attacker.inner_frame(), flags, reserved))
            for flags, reserved in headers))


def test_truncated(attacker, family):
    """A VXLAN packet that ends early, at each length there is."""
    whole = vxlan(VNI, attacker.inner_frame(attacker.inner(family)))
    check(attacker, "rx_truncated",
          *[attacker.outer_frame(whole[:length]) for length in range(len(whole))])


def test_malformed_inner(attacker):
    """An inner IP header that contradicts itself or the frame."""
    frames = []
    for family, changes in ((4, ((0, 0x55), (0, 0x44), (0, 0x40), (0, 0x65), (2, 0xFF), (2, 1))),
                            (6, ((0, 0x45), (0, 0x00), (4, 0xFF), (4, 1)))):
        for offset, value in changes:
            packet = bytearray(attacker.inner(family))
            packet[offset] = value
            frame = attacker.inner_frame(bytes(packet),
                                         ethertype=0x0800 if family == 4 else 0x86DD)
            frames.append(attacker.outer_frame(vxlan(VNI, frame)))
    check(attacker, "rx_truncated", *frames)


def test_not_ip(attacker):
    """A frame in the tunnel that is neither IPv4 nor IPv6."""
    check(attacker, "rx_not_ip",
          *(attacker.outer_frame(vxlan(VNI, attacker.inner_frame(ethertype=ethertype)))
            for ethertype in (0x0806, 0x8100, 0x88CC, 0x0000, 0x0801, 0x86DE)))


def test_other_host(attacker):
    """A frame in the tunnel for another Ethernet address, broadcasts among them."""
    check(attacker, "rx_other_host",
          *(attacker.outer_frame(vxlan(VNI, attacker.inner_frame(dst=mac)))
            for mac in ("02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01")))


def test_impossible_ecn(attacker):
    """Congestion marked outside though the inner packet cannot carry the mark (RFC 6040)."""
    check(attacker, "rx_bad_ecn",
          attacker.outer_frame(vxlan(VNI, attacker.inner_frame()), tos=3))


def test_not_our_port(attacker):
    """
    VXLAN to another port, or another address of the node, is none of our business: the stack drops it,
    counts it as a datagram that no port wants, and says so.
    """
    watch = CounterWatch("n1")
    before = unwanted_datagrams()
    payload = vxlan(VNI, attacker.inner_frame())
    for address, port in (("192.168.1.11", 4299), ("192.168.1.11", 8472), ("203.0.113.11", PORT),
                          ("fd00:1::11", 4789)):
        with Capture("n1", "eth0") as wire:
            attacker.send(attacker.outer_frame(payload, dst=address, port=port,
                                               family=6 if ":" in address else 4))
            wire.wait(lambda p: p.outgoing and p.icmp in ((3, 3), (1, 4)) and MARK in p.raw)
    assert dropped(watch) == {}
    assert unwanted_datagrams() - before == 4


def unwanted_datagrams():
    """Datagrams to n1 at ports where nobody listens."""
    counted = json.loads(run("nstat", "-a", "-s", "-z", "-j", "UdpNoPorts", "Udp6NoPorts",
                             ns="n1").stdout)["kernel"]
    return sum(counted.values())


def test_plain_from_neighbour(attacker):
    """A plain packet with a remote pod's address that another host of the segment sends."""
    packets = [attacker.inner(6 if ":" in src else 4, src=src)
               for src in ("10.111.2.20", "10.111.3.20", "fd00:111:0:2::20", "fd00:111:0:3::20")]
    packets.append(udp_packet("10.111.2.20", "10.111.1.20", 1000, ECHO_PORT, MARK))
    check(attacker, "rx_spoofed_plain", *map(attacker.plain_frame, packets))


def test_plain_broadcast(attacker, family):
    """A plain packet with a remote pod's address that comes as a broadcast."""
    check(attacker, "rx_spoofed_plain",
          attacker.plain_frame(attacker.inner(family), dst="ff:ff:ff:ff:ff:ff"))


def test_plain_from_router(attacker, family):
    """A plain packet with a remote pod's address that comes from beyond the router."""
    watch = CounterWatch("n1")
    packet = attacker.inner(family, src=attacker.cluster["client-n3"].ip(family))
    send_frames("r1", "lan", *[ether(attacker.target_mac, device_mac("r1", "lan"), packet)] * COUNT)
    wait_until(lambda: dropped(watch) == {"rx_spoofed_plain": COUNT}, 5)


def test_plain_from_pod(attacker, family):
    """A pod that sends with the address of another node's pod."""
    watch = CounterWatch("n1")
    frame = ether(device_mac("n1", "web-n1-a"), device_mac("web-n1-a", "eth0"),
                  attacker.inner(family))
    send_frames("web-n1-a", "eth0", *[frame] * COUNT)
    wait_until(lambda: dropped(watch) == {"rx_spoofed_plain": COUNT}, 5)


def test_noise(attacker):
    """5000 packets, good ones changed at random: dropped by a name, or good still."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    good = vxlan(VNI, attacker.inner_frame(attacker.inner(payload=b"noise")))
    frames = []
    for _ in range(5000):
        packet = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        if chance.random() < 0.3:
            del packet[chance.randrange(len(packet)):]
        packet += chance.randbytes(chance.choice((0, 0, 0, 40, 1000)))
        frames.append(attacker.outer_frame(bytes(packet)))
    watch = CounterWatch("n1")
    for i in range(0, len(frames), 100):
        attacker.send(*frames[i:i + 100])
    ping("client-n1", attacker.cluster["client-n2"].ip4)
    risen = dropped(watch)
    assert sum(n for name, n in risen.items() if name.startswith("rx_")) > 1000, risen
    assert set(risen) <= {"rx_truncated", "rx_bad_flags", "rx_wrong_vni", "rx_not_ip",
                          "rx_other_host", "rx_spoofed", "rx_bad_ecn"}

# SPDX-License-Identifier: GPL-2.0
"""Packets fit the way they go, or their senders are told."""

import json

import pytest

from lab import (ECHO_PORT, Capture, CounterWatch, TcpStream, ask, ctl_json, ip, ping, run,
                 try_ping, wait_until)
from lab.genl import Genl, attributes, node, u32

HEADER = {4: 20, 6: 40}
OVERHEAD = {4: 50, 6: 70}


def size(length, family):
    """Argument of ping -s for packets of a length."""
    return str(length - HEADER[family] - 8)


def device_mtu(node):
    """MTU of a node's dvp0."""
    return json.loads(run("ip", "-j", "link", "show", "dvp0", ns=node).stdout)[0]["mtu"]


def node_mtu(node):
    """MTU from n1 to a node, as the tool tells it."""
    return ctl_json("n1", "node", "show", node)[0]["mtu"]


@pytest.fixture(autouse=True)
def fresh_paths(cluster):
    """No test knows path MTUs from another."""
    cluster.forget_path_mtu("client-n1", "client-n2", "client-n3", "web-n2-a")


@pytest.fixture
def narrow():
    """Between the routers only packets of 1280 bytes fit."""
    for router in ("r1", "r2"):
        ip("link set wan mtu 1280", ns=router)
    yield
    for router in ("r1", "r2"):
        ip("link set wan mtu 1500", ns=router)


@pytest.fixture(params=[4, 6], ids=["over-v4", "over-v6"])
def underlay(request):
    """Family of the underlay."""
    return request.param


def test_device_follows(cluster):
    """The device's MTU is the underlay's, less what the mode adds, and changes with both."""
    cluster.configure("vxlan")
    assert device_mtu("n1") == 1450
    cluster.configure("vxlan", families=(6,))
    assert device_mtu("n1") == 1430
    cluster.configure("auto")
    assert device_mtu("n1") == 1500
    ip("link set eth0 mtu 1400", ns="n1")
    wait_until(lambda: device_mtu("n1") == 1400)
    cluster.configure("vxlan")
    assert device_mtu("n1") == 1350
    ip("link set eth0 mtu 1500", ns="n1")
    wait_until(lambda: device_mtu("n1") == 1450)


@pytest.fixture
def alone():
    """A namespace whose node is m1, on an Ethernet of its own; its name."""
    ip("netns add alone")
    ip("link add eth0 up type veth peer name other", "link set other up",
       "address add 192.0.2.1/24 dev eth0", "link add dvp0 up type dvpnet", ns="alone")
    yield "alone"
    ip("netns del alone")


@pytest.mark.parametrize("how", ["del", "sync"])
def test_device_follows_nodes(alone, how):
    """When the last node that is reached plainly goes, what fits is what fits into VXLAN."""
    others = [node("m1", "192.0.2.1", local=b""), node("m3", "192.0.2.3", mode=u32(0))]
    with Genl(alone) as genl:
        for payload in (*others, node("m2", "192.0.2.2", mode=u32(1))):
            genl.request("NODE_SET", payload)
        assert device_mtu(alone) == 1500
        if how == "del":
            genl.request("NODE_DEL", attributes("NODE", name="m2"))
        else:
            token = genl.begin(1)
            for payload in others:
                genl.request("NODE_SET", payload)
            genl.commit(token)
        assert genl.names("NODE") == {"m1", "m3"}
        assert device_mtu(alone) == 1450


@pytest.mark.parametrize("sender", ["client-n1", "n1"])
def test_too_long(cluster, family, sender):
    """A packet one byte too long that must not be fragmented is refused, with the length to use."""
    cluster.configure("vxlan")
    target = cluster["client-n2"].ip(family)
    ping(sender, target, "-M", "do", "-s", size(1450, family))
    watch = CounterWatch("n1")
    refused = run("ping", "-n", "-c", "2", "-i", "0.05", "-W", "1", "-M", "do", "-s",
                  size(1451, family), target, ns=sender, check=False)
    assert refused.returncode == 1
    said = (refused.stdout + refused.stderr).lower()
    assert "mtu=1450" in said or "mtu = 1450" in said or "mtu: 1450" in said, said
    risen = watch.risen()
    assert "tx_vxlan" not in risen
    # A pod is told by dvp0 or by the stack before it; a host's socket knows the route's MTU.
    assert risen.get("tx_too_long", 0) <= 1


def test_error_for_pods(cluster, family):
    """The pod gets an ICMP error that has the MTU in it."""
    cluster.configure("vxlan")
    with Capture("client-n1", "eth0") as wire:
        try_ping("client-n1", cluster["client-n2"].ip(family), "-M", "do",
                 "-s", size(1500, family))
        error = wire.wait(lambda p: p.mtu is not None)
    assert error.mtu == 1450
    assert error.dst == cluster["client-n1"].ip(family)


def test_fragmented(cluster, family):
    """What may be fragmented arrives, though too long: IPv4 cut by the node, IPv6 by the sender."""
    cluster.configure("vxlan")
    target = cluster["client-n2"].ip(family)
    if family == 6:     # both have to learn first
        wait_until(lambda: try_ping("client-n1", target, "-s", size(1500, family)))
    with Capture("n1", "dvp0") as wire:
        ping("client-n1", target, "-M", "dont", "-s", size(1500, family))
        ping("client-n1", target, "-M", "dont", "-s", size(8000, family))
        assert len(wire.packets(lambda p: p.fragment and p.src == target)) >= 3 * (2 + 6)


def test_mss(cluster, family):
    """TCP handshakes announce segments that fit, in both directions."""
    for mode, mtu in (("vxlan", 1450), ("classic", 1500)):
        cluster.configure(mode, ("n1", "n2"))
        with Capture("client-n1", "eth0") as near, Capture("client-n2", "eth0") as far:
            ask("client-n1", cluster["client-n2"].ip(family), ECHO_PORT)
            syn = far.wait(lambda p: p.flags == "S")
            answer = near.wait(lambda p: p.flags == "SA")
        assert (syn.mss, answer.mss) == (mtu - HEADER[family] - 20,) * 2


def test_tcp_goes_on(cluster, family):
    """A TCP connection from classic times goes on when the way gets narrower, and wider again."""
    nodes = ("n1", "n2")
    cluster.configure("classic", nodes)
    with TcpStream("client-n1", cluster["web-n2-a"].ip(family), ECHO_PORT) as stream:
        for mode in ("vxlan", "classic", "vxlan"):
            stream.wait_for(1 << 19)
            cluster.configure(mode, nodes)
        stream.wait_for(1 << 19)
    assert stream.failure is None


@pytest.mark.usefixtures("narrow")
class TestNarrow:
    """Path MTU discovery over a hop of 1280 bytes in the underlay."""

    def test_tcp(self, cluster, underlay, family):
        """TCP between pods gets through a narrow underlay, and the node knows how narrow."""
        cluster.configure("vxlan", families=(underlay,))
        pod = cluster["client-n3"]
        assert node_mtu("n3") == 1500 - OVERHEAD[underlay]
        with TcpStream("client-n1", pod.ip(family), ECHO_PORT, limit=1 << 20) as stream:
            stream.finish()
        assert node_mtu("n3") == 1280 - OVERHEAD[underlay]
        # A new connection begins with segments that fit.
        with Capture(pod.name, "eth0") as far:
            ask("client-n1", pod.ip(family), ECHO_PORT)
            assert far.wait(lambda p: p.flags == "S").mss == \
                1280 - OVERHEAD[underlay] - HEADER[family] - 20

    def test_datagrams(self, cluster, underlay, family):
        """Pings of any length get through, once the path is known."""
        cluster.configure("vxlan", families=(underlay,))
        target = cluster["client-n3"].ip(family)

        # Both nodes have to learn how narrow it is, each from a packet that is lost.
        wait_until(lambda: try_ping("client-n1", target, "-s", size(1400, family)))
        assert node_mtu("n3") == 1280 - OVERHEAD[underlay]
        for length in (1200, 1230, 1280, 1281, 1450, 1500, 5000):
            if family == 6:
                wait_until(lambda n=length: try_ping("client-n1", target, "-s", size(n, 6)))
            ping("client-n1", target, "-M", "dont", "-s", size(length, family), count=2)

    def test_told(self, cluster, underlay, family):
        """A pod's packet that must not be fragmented is refused with the narrow path's MTU."""
        cluster.configure("vxlan", families=(underlay,))
        target = cluster["client-n3"].ip(family)
        # IPv6 promises 1280 to everybody: what that leaves too long is fragmented outside.
        mtu = 1280 if family == 6 else 1280 - OVERHEAD[underlay]

        def told():
            with Capture("client-n1", "eth0") as wire:
                try_ping("client-n1", target, "-M", "do", "-s", size(1400, family))
                return wire.packets(lambda p: p.mtu == mtu)

        wait_until(told)
        # The answer's node may have to learn, too.
        wait_until(lambda: try_ping("client-n1", target, "-M", "do", "-s", size(mtu, family)))
        ping("client-n1", target, "-M", "do", "-s", size(mtu, family))

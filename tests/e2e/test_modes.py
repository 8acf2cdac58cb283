# SPDX-License-Identifier: GPL-2.0
"""Pods of different nodes reach each other, in each mode."""

import json
import subprocess

import pytest

from lab import (ECHO_PORT, Capture, Connection, CounterWatch, TcpStream, ask, ctl, ctl_json, ip,
                 netns, ping, run, try_ping, wait_until)
from lab.ctl import apply
from lab.packet import device_mac

MODES = {"vxlan": ("n1", "n2", "n3"), "classic": ("n1", "n2"), "auto": ("n1", "n2", "n3")}


@pytest.fixture(scope="module", params=MODES)
def mode(request, cluster):
    """A mode; the cluster's nodes are configured for it."""
    cluster.configure(request.param, MODES[request.param])
    return request.param


@pytest.fixture
def remote(cluster, mode):
    """Pods of the other nodes than n1."""
    return [cluster[f"client-{node}"] for node in MODES[mode] if node != "n1"]


def test_ping(cluster, remote, family):
    """Pods ping pods of other nodes, and nodes do."""
    for pod in remote:
        ping("client-n1", pod.ip(family))
        ping(pod.name, cluster["web-n1-a"].ip(family))
        ping("n1", pod.ip(family))


def test_sees_pod(cluster, remote, family):
    """A pod sees the address of the pod that talks to it, untranslated."""
    for pod in remote:
        for kind in ("tcp", "udp"):
            answer = ask("client-n1", pod.ip(family), ECHO_PORT, kind)
            assert (answer.server, answer.source) == (pod.name, cluster["client-n1"].ip(family))


def test_host_to_pod(remote, family):
    """A node talks to a pod of another node, with its own address in the pod network."""
    tunnel = ctl_json("n1", "node", "show", "n1")[0][f"tunnel{family}"]
    for pod in remote:
        for kind in ("tcp", "udp"):
            answer = ask("n1", pod.ip(family), ECHO_PORT, kind)
            assert (answer.server, answer.source) == (pod.name, tunnel)


def test_pod_to_host(cluster, remote, family):
    """A pod talks to another node itself, at its InternalIP."""
    for pod in remote:
        for kind in ("tcp", "udp"):
            answer = ask("client-n1", cluster[pod.node].ip(family), ECHO_PORT, kind)
            assert answer.server == pod.node


def test_long_datagrams(remote, family):
    """UDP datagrams of up to 64 KB, so fragmented, arrive as they were, and come back."""
    data = bytes(i * 7 & 0xFF for i in range(251)) * 262
    for pod in remote:
        for size in (1400, 3000, 65400, 65507):
            # The first one each way may be needed to learn the path's MTU; UDP does not send again.
            for attempt in range(3):
                try:
                    with Connection("client-n1", pod.ip(family), ECHO_PORT, "udp",
                                    timeout=2) as exchange:
                        payload = exchange.echo(data[:size]).payload
                    break
                except OSError as error:    # time-out; for IPv6, "message too long"
                    assert attempt < 2, f"{size} bytes never came back: {error}"
            # The answer has a line more, and 65507 is as long as it can be.
            assert len(payload) >= min(size, 65400)
            assert data.startswith(payload)


def test_tcp_content(remote, family):
    """A long TCP stream arrives as it was sent, both ways."""
    for pod in remote:
        with TcpStream("client-n1", pod.ip(family), ECHO_PORT, limit=4 << 20) as stream:
            stream.finish()


def test_super_packets(mode, remote, family):
    """TCP goes through device and underlay in packets far longer than the MTU (GSO)."""
    pod = remote[0]
    with Capture("n1", "dvp0") as inside, Capture("n1", "eth0") as wire:
        with TcpStream("client-n1", pod.ip(family), ECHO_PORT, limit=1 << 20) as stream:
            stream.finish()
        for capture in (inside, wire):
            sent = [p.length for p in capture.packets(lambda p: p.outgoing and p.length)]
            came = [p.length for p in capture.packets(lambda p: not p.outgoing and p.length)]
            assert max(sent) > 5000, f"sent in {mode}: at most {max(sent)}"
            assert max(came) > 5000, f"received in {mode}: at most {max(came)}"


def test_iperf(remote, family):
    """iperf3 runs between pods; the rate is for people to see, no target."""
    pod = remote[0]
    with netns(pod.name):
        server = subprocess.Popen(["iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    with server:
        wait_until(lambda: run("ss", "-Hlnt", "sport", "=", ":5201", ns=pod.name).stdout)
        result = json.loads(run("iperf3", "-c", pod.ip(family), "-t", "1", "-J",
                                ns="client-n1").stdout)
        server.wait(20)
    received = result["end"]["sum_received"]
    print(f"{received['bits_per_second'] / 1e6:.0f} Mbit/s")
    assert received["bytes"] > 100_000


def test_link_tells(mode):
    """`ip -d link show` tells mode, VNI, port; the MTU is the widest of the mode."""
    shown = run("ip", "-d", "link", "show", "dvp0", ns="n1").stdout
    assert f"dvpnet mode {mode} vni 1 port 4298" in shown
    assert f" mtu {1450 if mode == 'vxlan' else 1500} " in shown


def test_wire(cluster, mode, remote, family):
    """To each node, packets travel as its mode says: plain, or in VXLAN; the tool says the same."""
    nodes = {n["name"]: n for n in ctl_json("n1", "node", "show")}
    with Capture("n1", "eth0") as wire:
        for pod in remote:
            address = pod.ip(family)
            plain = mode == "classic" or (mode == "auto" and pod.node == "n2")
            watch = CounterWatch("n1")
            ping("client-n1", address)
            for way in ("src", "dst"):
                seen = wire.packets(lambda p, w=way: address in (
                    getattr(p, w), getattr(p.inner, w) if p.inner else None))
                assert len(seen) == 3
                assert all((p.vni is None) == plain for p in seen), seen
            assert watch.risen() == ({"tx_classic": 3, "rx_classic": 3} if plain else
                                     {"tx_vxlan": 3, "rx_vxlan": 3})
            assert nodes[pod.node]["active_mode"] == ("classic" if plain else "vxlan")
            assert nodes[pod.node]["mtu"] == (1500 if plain else 1450)


@pytest.mark.parametrize("underlay_mode", ["vxlan", "classic"])
def test_underlay_v6(cluster, underlay_mode, family):
    """Where nodes have IPv6 addresses only, pods reach each other all the same, by IPv4, too."""
    cluster.configure(underlay_mode, ("n1", "n2"), families=(6,))
    pod = cluster["client-n2"]
    with Capture("n1", "eth0") as wire:
        ping("client-n1", pod.ip(family))
        assert ask("client-n1", pod.ip(family), ECHO_PORT).server == pod.name
        seen = wire.packets(lambda p: p.vni is not None)
        assert bool(seen) == (underlay_mode == "vxlan")
        assert all(p.family == 6 and p.udp_checksum for p in seen)
    with TcpStream("client-n1", pod.ip(family), ECHO_PORT, limit=1 << 20) as stream:
        stream.finish()
    mtu = ctl_json("n1", "node", "show", "n2")[0]["mtu"]
    assert mtu == (1430 if underlay_mode == "vxlan" else 1500)


def test_port_and_vni(cluster, family):
    """UDP port, VNI and the outer checksum are what the ModuleConfig's annotations say."""
    for port, vni, csum in ((8472, 0xABCDEF, True), (4298, 0, False)):
        cluster.configure(nodes=("n1", "n2"), vxlan_port=port, vni=vni, udp_csum=csum)
        with Capture("n1", "eth0", vxlan_port=port) as wire:
            ping("client-n1", cluster["client-n2"].ip(family))
            seen = wire.packets(lambda p: p.inner and p.inner.proto in (1, 58))
        assert len(seen) == 6
        assert all(p.vni == vni and bool(p.udp_checksum) == csum for p in seen), seen
        assert f"vni {vni} port {port}" in run("ip", "-d", "link", "show", "dvp0", ns="n1").stdout


def test_mode_of_a_node(cluster):
    """A Node's annotation dvpnet.io/mode decides for packets to that node alone."""
    cluster.configure("vxlan")
    cluster.apply(cluster.objects("vxlan", node_modes={"n2": "classic"}), ["n1"])
    watch = CounterWatch("n1")
    ping("client-n1", cluster["client-n2"].ip4)
    ping("client-n1", cluster["client-n3"].ip4)
    # n2 has not heard of it, and sends to n1 in VXLAN.
    assert watch.risen() == {"tx_classic": 3, "tx_vxlan": 3, "rx_vxlan": 6}


def test_sender_not_known_yet(cluster, family):
    """
    In classic mode the sender's link-layer address has to be known: where it is not, the first
    packet is dropped, counted, and the address is asked for.
    """
    cluster.configure("classic", ("n1", "n2"))
    ping("client-n2", cluster["client-n1"].ip(family))
    # n2 must not ask for n1 meanwhile, which would make it known.
    ip(f"neigh replace 192.168.1.11 lladdr {device_mac('n1', 'eth0')} dev eth0", ns="n2")
    ip("neigh flush dev eth0", ns="n1")
    watch = CounterWatch("n1")
    try_ping("client-n2", cluster["client-n1"].ip(family))
    assert watch.risen() == {"rx_unverified": 1}
    ip("neigh del 192.168.1.11 dev eth0", ns="n2")
    ping("client-n2", cluster["client-n1"].ip(family))


def test_classic_behind_router(cluster):
    """Classic mode to a node behind a router is refused, says why, and changes nothing."""
    cluster.configure("vxlan")
    before = [ctl_json("n1", kind, "show") for kind in ("config", "node", "prefix")]
    for objects in (cluster.objects("classic"),
                    cluster.objects("vxlan", node_modes={"n3": "classic"})):
        refused = apply("n1", objects, check=False)
        assert refused.returncode == 1
        assert "n3: classic mode needs a node on a connected subnet" in refused.stderr
        assert "192.168.2.13 is behind a router" in refused.stderr
        assert "n2" not in refused.stderr
    assert [ctl_json("n1", kind, "show") for kind in ("config", "node", "prefix")] == before
    ping("client-n1", cluster["client-n3"].ip4)


def test_classic_behind_router_kernel(cluster):
    """The kernel itself refuses it, too."""
    cluster.configure("vxlan")
    refused = ctl("n1", "config", "set", "mode", "classic", check=False)
    assert refused.returncode == 1
    assert "n3" in refused.stderr and "router" in refused.stderr
    assert ctl_json("n1", "config", "show")["mode"] == "vxlan"


def test_trusted_underlay(cluster, family):
    """Classic mode crosses routers that carry pod addresses, if the ModuleConfig says they may."""
    with cluster.routers_carry_pods():
        cluster.configure("classic", trust_underlay=True)
        pod = cluster["client-n3"]
        watch = CounterWatch("n1")
        ping("client-n1", pod.ip(family))
        assert watch.risen() == {"tx_classic": 3, "rx_classic": 3}
        assert ask("client-n1", pod.ip(family), ECHO_PORT).source == cluster["client-n1"].ip(family)
        cluster.configure("vxlan")

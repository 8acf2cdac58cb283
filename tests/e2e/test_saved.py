# SPDX-License-Identifier: GPL-2.0
"""
Flows that were saved at one node are taken over at another: as they were, or not at all; and what
their addresses may do meanwhile.
"""

import errno
import json

import pytest

from lab import Capture, TcpStream, ask, counters, ctl, ctl_json, question, wait_until
from lab import objects as o
from lab import packet as pkt
from lab.genl import Genl, Refused, address, attributes, u8, u16, u32
from lab.pair import SERVICE4, Pair

VIP = {4: "10.99.0.2", 6: "fd00:99::2"}
PODS = {4: ("10.9.1.0", 24), 6: ("fd00:109:0:1::", 64)}     # of the left node


def far(pair):
    """Service "far" of the right node's pod."""
    pod = pair.pods["right-pod"]
    return [o.service("far", VIP.values(), [o.port(7, name="tcp")]),
            *(o.endpoint_slice("far", [o.endpoint(pod.ip(f), pod.node)], [("tcp", 7, "TCP")])
              for f in VIP)]


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes, and Service "far" of the right one's pod at VIP: no connection to oneself."""
    with Pair() as pair:
        pair.apply(more=far(pair))
        yield pair


@pytest.fixture(autouse=True)
def no_flows(pair):
    """Without flows of the tests before."""
    assert pair
    ctl("left", "flush", "flow")


def flows():
    """What identifies the flows of the left node."""
    keys = ("client", "client_port", "frontend", "backend", "backend_port", "source_port", "state")
    return sorted(tuple(f[key] for key in keys) for f in ctl_json("left", "flow", "show"))


def hold(family, milliseconds):
    """Flows of the left node's pods are awaited for so long; 0 = they have come."""
    addr, length = PODS[family]
    with Genl("left") as genl:
        genl.request("PREFIX_SET", attributes("PREFIX", addr=address(addr), len=u8(length),
                                              node="left", hold=u32(milliseconds)))


def held(family):
    """For how many milliseconds more they are."""
    prefix = f"{PODS[family][0]}/{PODS[family][1]}"
    return next(p.get("hold", 0) for p in ctl_json("left", "prefix", "show")
                if p["prefix"] == prefix)


def save(pair, family):
    """Flows of the left node's pod, as text."""
    return ctl("left", "flow", "save", "--addr", pair.pods["left-pod"].ip(family)).stdout


def restore(text, check=True):
    """Take them over at the left node."""
    return ctl("left", "flow", "restore", stdin=text, check=check)


def test_round_trip(pair, family):
    """
    Saved, flushed and restored, they are the same, and the connection goes on; between, when they are
    awaited, as while a machine moves.
    """
    with TcpStream("left-pod", VIP[family], 7, rate=1 << 19) as stream:
        stream.wait_for(1 << 15)
        before = flows()
        hold(family, 10000)
        text = save(pair, family)
        assert len(json.loads(text)) == len(before) == 1
        ctl("left", "flush", "flow")
        assert restore(text).stdout == "flows: 1 restored, 0 refused\n"
        assert flows() == before
        hold(family, 0)
        stream.wait_for(1 << 15)
        # Once more it changes nothing.
        assert restore(text).stdout == "flows: 1 restored, 0 refused\n"
        assert flows() == before
    assert stream.failure is None


def test_awaited(family):
    """
    While flows are awaited, what goes on makes none, and the client's resets of what it does not
    understand are dropped; what begins does.
    """
    with TcpStream("left-pod", VIP[family], 7, rate=1 << 18) as stream:
        stream.wait_for(1 << 12)
        port = flows()[0][1]
        hold(family, 10000)
        assert 0 < held(family) <= 10000
        before = counters("left")["flow_awaited"]
        ctl("left", "flush", "flow")
        wait_until(lambda: counters("left")["flow_awaited"] > before, 5, "a packet was dropped")
        ask("left-pod", VIP[family], 7)
        assert port not in {flow[1] for flow in flows()}
        hold(family, 0)
        assert held(family) == 0
        stream.wait_for(1 << 12)
        assert port in {flow[1] for flow in flows()}
    assert stream.failure is None


def test_awaited_is_told(pair, family):
    """`get` says that flows are awaited, in words and in JSON, while it is so."""
    ends = (pair.pods["left-pod"].ip(family), 50000), (VIP[family], 7)
    packet = question("tcp", *ends)
    assert ctl_json("left", *packet)["awaited"] is False
    hold(family, 10000)
    told = ctl_json("left", *packet)
    assert (told["verdict"], told["awaited"]) == ("forward", True)
    assert "until the client's flows have come from another node" in ctl("left", *packet).stdout
    # The port is none of the Service's: refused whatever comes.
    assert ctl_json("left", *question("udp", *ends))["awaited"] is False
    hold(family, 0)
    assert "have come from another node" not in ctl("left", *packet).stdout


def test_strangers_reset(pair, family):
    """
    A reset without ACK, as of what the client does not know, and without flow is dropped while its
    flows are awaited, and after it came from another node. One with ACK, which refuses or ends what
    it does know, passes.
    """
    left, right = (pair.pods[f"{name}-pod"].ip(family) for name in ("left", "right"))

    def resets(*flags):
        """The pod sends resets from ports 50000 on, and an end that must arrive behind them."""
        numbered = [*enumerate((*flags, "FA"), 50000)]
        with Capture("right-pod", "eth0") as wire:
            pkt.send_ip("left-pod", *(
                pkt.ip(left, right, pkt.TCP, pkt.tcp(left, right, port, 9, flag))
                for port, flag in numbered))
            wire.wait(lambda p: p.src == left and p.sport == numbered[-1][0])
            return {p.sport for p in wire.packets(lambda p: p.src == left)} & \
                {port for port, _ in numbered[:-1]}

    place = {"addr": address(PODS[family][0]), "len": u8(PODS[family][1])}
    with Genl("left") as genl:
        # As one that was never anywhere else, whatever the tests before did with it.
        genl.request("PREFIX_DEL", attributes("PREFIX", **place))
        genl.request("PREFIX_SET", attributes("PREFIX", **place, node="left"))
        assert resets("R", "RA") == {50000, 50001}
        hold(family, 10000)
        before = counters("left")["flow_awaited"]
        assert resets("R", "RA") == {50001}
        assert counters("left")["flow_awaited"] == before + 1
        # As one that has come from another node, though nobody holds it.
        for node in ("left", "right", "left"):
            genl.request("PREFIX_SET", attributes("PREFIX", **place, node=node, hold=u32(0)))
        assert not held(family) and resets("R", "RA") == {50001}


def test_hold_ends(pair, family):
    """By itself; applying the same does not end it, nor is it a change."""
    hold(family, 10000)
    with Genl("left") as genl:
        before = genl.generation()
        pair.apply(more=far(pair))
        assert genl.generation() == before
    assert held(family)
    hold(family, 200)
    wait_until(lambda: not held(family), 5, "it is over")
    with pytest.raises(Refused) as refusal:
        hold(family, 10001)
    assert refusal.value.code == errno.ERANGE


def test_others_stay(pair):
    """Those of other addresses are not saved."""
    with TcpStream("left-pod", VIP[4], 7, rate=1 << 18) as stream:
        stream.wait_for(1 << 12)
        assert json.loads(ctl("left", "flow", "save", "--addr", "10.9.1.99").stdout) == []
        assert json.loads(save(pair, 6)) == []


def flow(**changed):
    """Attributes of a flow that would be taken, but for what is changed; None leaves one out."""
    fields = {"proto": u8(6), "client": address("10.9.1.10"), "client_port": u16(40000),
              "frontend": address(SERVICE4), "frontend_port": u16(7),
              "backend": address("10.9.2.10"), "backend_port": u16(7), "source_port": u16(40000),
              "state": u32(1), "flags": u32(0), "expires": u32(100)}
    fields.update(changed)
    return attributes("FLOW", **{key: value for key, value in fields.items() if value is not None})


WRONG = {
    **{f"no {key}": ({key: None}, errno.EINVAL)
       for key in ("proto", "client", "client_port", "frontend", "frontend_port", "backend",
                   "backend_port", "source_port", "state", "expires")},
    **{f"{key} 0": ({key: u16(0)}, errno.EINVAL)
       for key in ("client_port", "frontend_port", "backend_port", "source_port")},
    "family": ({"client": address("fd00::1")}, errno.EINVAL),
    "backend family": ({"backend": address("fd00::1")}, errno.EINVAL),
    "address": ({"client": bytes(7)}, errno.EINVAL),
    "state": ({"state": u32(3)}, errno.ERANGE),
    "flags": ({"flags": u32(16)}, errno.EINVAL),
    "icmp": ({"proto": u8(1)}, errno.EPROTONOSUPPORT),
    "masquerade": ({"flags": u32(1)}, errno.EOPNOTSUPP),
    "egress": ({"flags": u32(4)}, errno.EOPNOTSUPP),
    "direct": ({"flags": u32(8)}, errno.EINVAL),
    "no service": ({"frontend": address("10.99.0.77")}, errno.ENOENT),
    "no backend": ({"backend": address("10.9.2.77")}, errno.ENOENT),
    "backend port": ({"backend_port": u16(8)}, errno.ENOENT),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(case):
    """It is refused with a text, and nothing is there."""
    changed, code = WRONG[case]
    with Genl("left") as genl:
        with pytest.raises(Refused) as refusal:
            genl.request("FLOW_NEW", flow(**changed))
        assert refusal.value.code == code and refusal.value.message
        assert not flows()
        genl.request("FLOW_NEW", flow())
    assert len(flows()) == 1


def test_place_is_taken():
    """The client's port is another flow's, here or as the backend sees it; the first stays."""
    with Genl("left") as genl:
        genl.request("FLOW_NEW", flow())
        before = flows()
        for changed in ({"backend": address("10.9.1.10")}, {"client_port": u16(40001)},
                        {"source_port": u16(40002)}):
            with pytest.raises(Refused, match="another flow has"):
                genl.request("FLOW_NEW", flow(**changed))
        assert flows() == before
        # One frontend, one backend, and another port: there is room for it.
        genl.request("FLOW_NEW", flow(client_port=u16(40001), source_port=u16(40003), flags=u32(2)))
    assert len(flows()) == 2


def test_bounded():
    """No more than max-flows, as all flows."""
    ctl("left", "config", "set", "max-flows", 16)
    try:
        with Genl("left") as genl:
            for number in range(16):
                genl.request("FLOW_NEW", flow(client_port=u16(41000 + number),
                                              source_port=u16(41000 + number)))
            with pytest.raises(Refused, match="table is full") as refusal:
                genl.request("FLOW_NEW", flow())
            assert refusal.value.code == errno.ENOSPC
        assert len(flows()) == 16
    finally:
        ctl("left", "config", "set", "max-flows", 524288)


def test_bad_text(pair):
    """What is no list of flows changes nothing, and the flow and field are named."""
    assert pair
    good = {"protocol": "tcp", "client": "10.9.1.10", "client_port": 40000, "frontend": SERVICE4,
            "frontend_port": 7, "backend": "10.9.2.10", "backend_port": 7, "source": "10.9.1.10",
            "source_port": 40000, "state": "established", "flags": [], "expires": 100}
    done = restore(json.dumps([good, {**good, "state": "odd"}]), check=False)
    assert done.returncode == 1 and "flow 2: state: must be new" in done.stderr
    assert not flows()
    done = restore(json.dumps([good, {**good, "backend": "10.9.2.99", "client_port": 5}]),
                   check=False)
    assert done.returncode == 1 and "flows: 1 restored, 1 refused" in done.stdout
    assert "tcp 10.9.1.10:5 to 10.99.0.1:7: the Service has no such backend" in done.stderr
    assert len(flows()) == 1

# SPDX-License-Identifier: GPL-2.0
"""Virtual machines: single addresses that move from node to node while they are in use."""

import contextlib
import json

import pytest

from lab import ECHO_PORT, TcpStream, UdpExchange, apply, ask, ctl, ctl_json, run, wait_until
from lab.machine import Machine, virtualization
from lab.services import PORTS, service, vip

RATE = 1 << 20      # bytes a second; a stream at full speed makes emulated machines slow
NODE_PORT = 30066


@pytest.fixture(name="machine", scope="module")
def fixture_machine(cluster):
    """The machine of the lab, on n1."""
    with Machine(cluster) as machine:
        yield machine


def objects(cluster, machine, *more, mode="vxlan"):
    """
    The cluster, ranges for machines, Service "web" of two pods of n3, and Service "vm" of the
    machine, whose slices name both of its nodes.
    """
    ports = [(*PORTS[0], NODE_PORT), (*PORTS[1], NODE_PORT)]
    doubled = service("vm", 66, ports, [machine])
    for item in doubled[1:]:
        item["endpoints"] += [{**item["endpoints"][0], "nodeName": machine.nodes[1]}]
    return [*cluster.objects(mode), virtualization(), *doubled,
            *service("web", 67, PORTS, [cluster["client-n3"], cluster["web-n3-a"]]), *more]


def holder(node, address):
    """Which node has an address, as a node sees it."""
    return {p["prefix"].rsplit("/", 1)[0]: p["node"]
            for p in ctl_json(node, "prefix", "show")}.get(address)


def steps(machine, order):
    """
    What the cluster says during a migration from n1 to n2: lists of objects; None is where the
    machine itself changes sides.
    """
    waiting = [machine.pod("a", "n1", 1), machine.pod("b", "n2", 2)]
    switched = [machine.pod("a", "n1", 1), machine.pod("b", "n2", 0)]
    before, after = machine.object("n1", target="n2"), machine.object("n2")
    middle = {"label": [before, *switched], "status": [after, *waiting]}[order]
    return [[machine.object("n1"), waiting[0]], [before, *waiting], middle, None,
            [after, *switched], [after, switched[1]]]


@pytest.mark.parametrize("mode", ["vxlan", "classic"])
def test_reachable(cluster, machine, family, mode):
    """From pods of its node and of others, from a node; and it reaches pods and Services."""
    nodes = ("n1", "n2") if mode == "classic" else None
    machine.use(0)
    items = objects(cluster, machine, machine.object("n1"), machine.pod("a", "n1", 1), mode=mode)
    if nodes:
        items = [i for i in items if i["kind"] != "Node" or i["metadata"]["name"] in nodes]
        run("ip", "link", "del", "dvp0", ns="n3", check=False)
    cluster.apply(items, nodes)
    assert holder("n2", machine.ip(family)) == "n1"
    for client in ("client-n1", "client-n2", "n2"):
        ask(client, machine.ip(family), ECHO_PORT)
    ask("client-n2", vip(66, family), 80)
    ask("vm", cluster["web-n2-a"].ip(family), ECHO_PORT)
    if not nodes:
        ask("client-n3", machine.ip(family), ECHO_PORT)
        ask("vm", vip(67, family), 80)


@pytest.mark.parametrize("order", ["label", "status"])
def test_migration(cluster, machine, family, order):
    """
    It moves under traffic: streams to it, from it to a Service, and from outside through a NodePort
    survive, whether label or status says first that it has moved. What is lost is counted.
    """
    machine.use(0)
    plan = steps(machine, order)
    cluster.apply(objects(cluster, machine, *plan[0]))
    address = machine.ip(family)
    traffic = [TcpStream("client-n1", address, ECHO_PORT, rate=RATE),
               TcpStream("client-n3", address, ECHO_PORT, rate=RATE),
               TcpStream("vm", vip(67, family), 80, rate=RATE),
               TcpStream("outside", cluster["n1"].ip(family), NODE_PORT, rate=RATE)]
    with traffic[0], traffic[1], traffic[2], traffic[3], \
            UdpExchange("client-n3", address, ECHO_PORT) as exchange:
        for step in plan[1:]:
            # Between the two halves of the move nothing gets through.
            if step is None:
                machine.use(1)
            else:
                cluster.apply(objects(cluster, machine, *step))
            if step is plan[1]:
                for stream in traffic:
                    stream.wait_for(1 << 16)
        for stream in traffic:
            stream.wait_for(1 << 17)
        assert {holder(node, address) for node in cluster.nodes} == {"n2"}
        exchange.wait_for(10)
    print(f"{exchange.sent} requests, {len(exchange.lost)} lost, errors {exchange.errors}")
    assert [stream.failure for stream in traffic] == [None] * 4
    assert exchange.answered and max(exchange.answered) >= exchange.sent - 5


def test_aborted(cluster, machine, family):
    """The migration is aborted: nothing moves, no packet is lost."""
    machine.use(0)
    source, target = machine.pod("a", "n1", 1), machine.pod("b", "n2", 2)
    plan = [[machine.object("n1")], [machine.object("n1"), source],
            [machine.object("n1", target="n2"), source, target],
            [machine.object("n1", target="n2"), source], [machine.object("n1")]]
    if family == 6:
        # Its status has one address; the others are its pods'.
        plan = plan[1:-1]
    cluster.apply(objects(cluster, machine, *plan[0]))
    with UdpExchange("client-n3", machine.ip(family), ECHO_PORT) as exchange:
        exchange.wait_for(5)
        for step in plan[1:]:
            cluster.apply(objects(cluster, machine, *step))
            assert holder("n3", machine.ip(family)) == "n1"
            exchange.wait_for(5)
    assert exchange.lost == [] and exchange.errors == []


def test_endpoint_is_the_owners(cluster, machine):
    """An address that slices name on two nodes is an endpoint of the one that has it."""
    for where, pods in (("n1", [machine.pod("a", "n1", 1), machine.pod("b", "n2", 2)]),
                        ("n2", [machine.pod("a", "n1", 1), machine.pod("b", "n2", 0)])):
        cluster.apply(objects(cluster, machine, machine.object("n1", target="n2"), *pods))
        for node in ("n1", "n2"):
            shown = ctl_json(node, "service", "show", "test/vm")
            assert shown and all(("on-node" in backend["flags"]) == (node == where)
                                 for item in shown for backend in item["backends"])


def test_flows_move(cluster, machine, family):
    """
    What it has begun with a Service whose backends are chosen at random goes on at the other node by
    "flow save" and "flow restore" alone: each connection keeps its backend.
    """
    machine.use(0)
    backends = [cluster[name] for name in ("web-n3-a", "client-n3", "web-n2-a", "web-n2-b")]
    chosen = service("dice", 68, PORTS, backends)
    chosen[0]["metadata"]["annotations"] = {"service.cilium.io/lb-algorithm": "random"}
    source, target = machine.pod("a", "n1", 1), machine.pod("b", "n2", 2)
    cluster.apply(objects(cluster, machine, machine.object("n1", target="n2"), source, target,
                          *chosen))
    streams = [TcpStream("vm", vip(68, family), 80, rate=RATE // 8) for _ in range(8)]
    with contextlib.ExitStack() as stack:
        for stream in streams:
            stack.enter_context(stream)
            stream.wait_for(1 << 13)
        saved = ctl("n1", "flow", "save", "--addr", machine.ip(family)).stdout
        assert sum(f["frontend"] == vip(68, family) for f in json.loads(saved)) == 8
        said = ctl("n2", "flow", "restore", stdin=saved).stdout
        assert " restored, 0 refused" in said
        machine.use(1)
        cluster.apply(objects(cluster, machine, machine.object("n2"),
                              machine.pod("b", "n2", 0), *chosen))
        for stream in streams:
            stream.wait_for(1 << 14)
    assert [stream.failure for stream in streams] == [None] * 8


def way(node, address):
    """What becomes of a packet: the device, or what is wrong."""
    done = run("ip", "route", "get", address, ns=node, check=False)
    return done.stdout.split(" dev ")[1].split()[0] if done.returncode == 0 else done.stderr


def test_nowhere(cluster, machine, family):
    """
    Addresses for machines that none has go nowhere, instead of out by the default route; until
    there are no such ranges any more, or no dvpnet.
    """
    nobody = {4: "10.66.9.9", 6: "fd00:66::99"}[family]
    cluster.apply(objects(cluster, machine, machine.object("n1"), machine.pod("a", "n1", 1)))
    assert "Invalid argument" in way("n1", nobody)
    assert way("n1", machine.ip(family)) == "vm" and way("n2", machine.ip(family)) == "dvp0"
    with pytest.raises(OSError):
        ask("client-n1", nobody, ECHO_PORT, timeout=2)
    apply("n1", cluster.objects())
    assert way("n1", nobody) == "eth0"
    apply("n1", objects(cluster, machine))
    assert "Invalid argument" in way("n1", nobody)
    ctl("n1", "uninstall")
    assert way("n1", nobody) == "eth0"
    wait_until(lambda: "113" not in run("ip", "rule", "show", ns="n1").stdout, 5, "no rules of ours")


def test_stopped(cluster, machine):
    """A machine that is stopped has its address nowhere."""
    cluster.apply(objects(cluster, machine, machine.object("n1")))
    assert holder("n2", machine.ip4) == "n1"
    cluster.apply(objects(cluster, machine, machine.object("")))
    assert holder("n2", machine.ip4) is None

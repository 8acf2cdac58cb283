# SPDX-License-Identifier: GPL-2.0
"""
A virtual machine that moves while agents follow a real API server: tests/e2e/api.sh KERNEL
test_agent_vm.py.
"""

import contextlib

import pytest

from lab import ECHO_PORT, TcpStream, UdpExchange, ctl_json, wait_until
from lab.api import FOLDER
from lab.machine import PRIORITY, Machine, virtualization
from lab.services import PORTS, service, vip

# Fixtures; pylint: disable=unused-import,redefined-outer-name
from test_agent import agents, api, doors

pytestmark = [
    pytest.mark.api,
    pytest.mark.skipif(not FOLDER.exists(), reason="no API server: tests/e2e/api.sh starts one"),
]

RATE = 1 << 20
PARCELS = "/api/v1/namespaces/dvpnet/configmaps?labelSelector=dvpnet.io%2Fflows-for"
NODE_PORT = 30066
VM_PATH = "/apis/virtualization.deckhouse.io/v1alpha2/namespaces/test/virtualmachines/vm"
POD_PATH = "/api/v1/namespaces/test/pods/vm-{}"


def holder(node, address):
    """Which node has an address, as a node sees it."""
    return {p["prefix"].rsplit("/", 1)[0]: p["node"]
            for p in ctl_json(node, "prefix", "show")}.get(address)


class Script:
    """What the platform does to the machine's objects, an event each."""

    def __init__(self, server, machine):
        self.api, self.machine = server, machine

    def pod(self, name, node, priority):
        """A Pod comes to be, and runs."""
        item = self.machine.pod(name, node, priority)
        status = item.pop("status")
        item["spec"].update(containers=[{"name": "vm", "image": "none"}],
                            automountServiceAccountToken=False)
        self.api.create(item)
        self.api.patch(POD_PATH.format(name) + "/status", {"status": status})

    def label(self, name, priority):
        """It gets another priority."""
        self.api.patch(POD_PATH.format(name),
                       {"metadata": {"labels": {PRIORITY: str(priority)}}})

    def gone(self, *names):
        """Pods are deleted, at once."""
        for name in names:
            self.api.request("DELETE", POD_PATH.format(name) + "?gracePeriodSeconds=0",
                             allowed=(404,))

    def move(self):
        """From n1, where pod a is, to n2, where b is: the label says so first."""
        self.label("b", 0)
        self.machine.use(1)
        self.status("n2")

    def status(self, node, target=None):
        """The machine's own status."""
        change = self.machine.object(node, target)["status"]
        self.api.patch(VM_PATH, {"status": {"migrationState": None, **change}})


@pytest.fixture(name="script")
def fixture_script(cluster, api, agents):
    """The machine on n1, known to all nodes; a Service of it, and one for it."""
    with Machine(cluster) as machine:
        items = [virtualization(), *service("vm", 66, [(*p, NODE_PORT) for p in PORTS], [machine]),
                 *service("web", 67, PORTS, [cluster["client-n3"], cluster["web-n3-a"]])]
        api.create(*items, machine.object("n1"))
        script = Script(api, machine)
        # The namespace's service account comes some time after it.
        wait_until(lambda: script.pod("a", "n1", 1) or True, 30)
        for node in agents:
            wait_until(lambda node=node: holder(node, machine.ip6) == "n1", 60,
                       f"{node} knows the machine")
        yield script
        script.gone("a", "b")
        api.delete(machine.object("n1"), *items)


@pytest.mark.parametrize("order", ["label", "status"])
def test_migration(cluster, script, order):
    """Streams survive; every node moves the address once, when the target's label says so."""
    machine = script.machine
    address = machine.ip4
    streams = [TcpStream("client-n1", address, ECHO_PORT, rate=RATE),
               TcpStream("client-n3", address, ECHO_PORT, rate=RATE),
               TcpStream("vm", vip(67, 4), 80, rate=RATE),
               TcpStream("outside", cluster["n1"].ip4, NODE_PORT, rate=RATE)]
    with streams[0], streams[1], streams[2], streams[3], \
            UdpExchange("client-n3", address, ECHO_PORT) as exchange:
        script.pod("b", "n2", 2)
        script.status("n1", target="n2")
        for stream in streams:
            stream.wait_for(1 << 16)
        assert {holder(node, address) for node in cluster.nodes} == {"n1"}
        first, second = lambda: script.label("b", 0), lambda: script.status("n2")
        if order == "status":
            first, second = second, first
        first()
        machine.use(1)
        second()
        for node in cluster.nodes:
            wait_until(lambda node=node: holder(node, address) == "n2", 20)
        script.gone("a")
        for stream in streams:
            stream.wait_for(1 << 17)
        exchange.wait_for(10)
    print(f"{exchange.sent} requests, {len(exchange.lost)} lost, errors {exchange.errors}")
    assert [stream.failure for stream in streams] == [None] * 4
    assert max(exchange.answered) >= exchange.sent - 5


@pytest.fixture(name="dice")
def fixture_dice(cluster, api, script):
    """Service "dice" of four pods, which are chosen at random; its address is vip(68, 4)."""
    del script
    items = service("dice", 68, PORTS, [cluster[name] for name in
                                        ("web-n3-a", "client-n3", "web-n2-a", "web-n2-b")])
    items[0]["metadata"]["annotations"] = {"service.cilium.io/lb-algorithm": "random"}
    api.create(*items)
    for node in ("n1", "n2"):
        wait_until(lambda node=node: len(ctl_json(node, "service", "show", "test/dice")) == 4, 30,
                   f"{node} knows the Service")
    yield vip(68, 4)
    api.delete(*items)


def backends(node, frontend):
    """Which backend each of a node's flows to a frontend has, by the client's port."""
    return {flow["client_port"]: flow["backend"] for flow in ctl_json(node, "flow", "show")
            if flow["frontend"] == frontend}


def test_handover(script, dice, api, agents):
    """
    Each of its connections to a Service keeps the backend that chance has given it: the flows come
    with the machine, what the agents wrote for that is deleted, and nothing is held any more.
    """
    address = script.machine.ip4
    script.pod("b", "n2", 2)
    script.status("n1", target="n2")
    streams = [TcpStream("vm", dice, 80, rate=RATE // 16) for _ in range(12)]
    with contextlib.ExitStack() as stack:
        for stream in streams:
            stack.enter_context(stream)
            stream.wait_for(1 << 13)
        before = backends("n1", dice)
        assert len(before) == 12
        script.move()
        agents["n2"].await_log(f"machine {address}: flows: ", timeout=20)
        wait_until(lambda: not any("hold" in p for p in ctl_json("n2", "prefix", "show")), 5)
        for stream in streams:
            stream.wait_for(1 << 14)
        assert backends("n2", dice) == before
    assert [stream.failure for stream in streams] == [None] * 12
    wait_until(lambda: not api.request("GET", PARCELS)["items"], 10, "all parcels are deleted")


def test_no_handover(script, doors):
    """
    The node that it leaves hears nothing from the API server: its connections are held for a while,
    and go on then, as their backends are found by the same hash.
    """
    script.pod("b", "n2", 2)
    script.status("n1", target="n2")
    with TcpStream("vm", vip(67, 4), 80, rate=RATE) as stream:
        stream.wait_for(1 << 16)
        doors["n1"].shut()
        try:
            script.move()
            wait_until(lambda: holder("n2", script.machine.ip4) == "n2", 20)
            stream.wait_for(1 << 16)
        finally:
            doors["n1"].open()
    assert stream.failure is None
    wait_until(lambda: holder("n1", script.machine.ip4) == "n2", 60)


def test_aborted(cluster, script):
    """The target goes without having taken over: nobody moves anything, nothing is lost."""
    address = script.machine.ip4
    with UdpExchange("client-n3", address, ECHO_PORT) as exchange:
        script.pod("b", "n2", 2)
        script.status("n1", target="n2")
        exchange.wait_for(50)
        script.gone("b")
        script.status("n1")
        exchange.wait_for(50)
        assert {holder(node, address) for node in cluster.nodes} == {"n1"}
    assert exchange.lost == [] and exchange.errors == []

# SPDX-License-Identifier: GPL-2.0
"""Agents on three nodes that follow a real API server: see api.sh."""

import contextlib
import os
import signal
import time

import pytest

from lab import ECHO_PORT, CounterWatch, TcpStream, UdpExchange, ask, ctl, ctl_json, run, wait_until
from lab.api import FOLDER, Agent, Api, Door, port
from lab.crowd import SILENT, who
from lab.monitor import Monitor
from lab.services import route_vips, service, vip

pytestmark = [
    pytest.mark.api,
    pytest.mark.skipif(not FOLDER.exists(), reason="no API server: tests/e2e/api.sh starts one"),
]

CLIENT = "client-n1"
NUMBER = 200
RATE = 1 << 20
MODULE_CONFIG = "/apis/deckhouse.io/v1alpha1/moduleconfigs/cni-cilium"
NODEPORT_ANNOTATION = "node.deckhouse.io/nodeport-bind-internal-ip"


@pytest.fixture(scope="module")
def api():
    """The API server."""
    server = Api()
    server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "test"}})
    return server


@pytest.fixture(scope="module")
def doors(cluster):
    """Each node's way to the API server."""
    found = {name: Door(name) for name in cluster.nodes}
    yield found
    for door in found.values():
        door.shut()


@pytest.fixture(scope="module")
def agents(cluster, doors, tmp_path_factory):
    """An agent on each node, which has all."""
    route_vips(cluster)
    folder = tmp_path_factory.mktemp("agents")
    found = {name: Agent(name, folder) for name in cluster.nodes}
    for agent in found.values():
        agent.start("--verbose")
    for name in found:
        wait_until(lambda name=name: has_service(name, "demo/web:http"), 60,
                   f"the agent of {name} has done its work: {found[name].said()[-3000:]}")
    yield found
    for name, agent in found.items():
        print(f"--- agent of {name}:\n{agent.said()[-4000:]}")
        assert agent.stop() == 0


def has_service(node, name):
    """Does the node's kernel know it?"""
    return run("ip", "link", "show", "dvp0", ns=node, check=False).returncode == 0 and \
        any(s["name"] == name for s in ctl_json(node, "service", "show"))


def mode(node):
    """The node's mode."""
    return ctl_json(node, "config", "show")["mode"]


def web(cluster, *names, number=NUMBER, **spec):
    """Service test/live at vip(number) of these pods."""
    return service("live", number, [(80, ECHO_PORT, "TCP"), (80, ECHO_PORT, "UDP")],
                   [cluster[name] for name in names], **spec)


@pytest.fixture
def live(api, cluster, agents):
    """That Service, on all nodes; it goes with the test."""
    del agents
    items = web(cluster, "web-n1-a", "web-n2-a", "web-n3-a")
    api.create(*items)
    for node in cluster.nodes:
        wait_until(lambda node=node: has_service(node, "test/live:udp-80"), 20)
    yield items
    api.delete(*items)
    for node in cluster.nodes:
        wait_until(lambda node=node: not has_service(node, "test/live:udp-80"), 20)


@contextlib.contextmanager
def traffic(targets):
    """TCP and UDP from a pod to these addresses and ports; nothing breaks, nothing is lost."""
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(TcpStream(CLIENT, *t, rate=RATE)) for t in targets]
        # An answer is lost when it does not come, not when the guest stood still meanwhile.
        exchanges = [stack.enter_context(UdpExchange(CLIENT, *t, drain=15)) for t in targets]
        yield streams, exchanges
    for stream in streams:
        assert stream.failure is None
    for exchange in exchanges:
        print(f"{exchange.sent} requests, {len(exchange.lost)} lost, errors {exchange.errors}, "
              f"servers {set(exchange.answered.values())}")
        assert exchange.lost == [] and exchange.errors == []
        assert len(set(exchange.answered.values())) == 1


def test_same_as_kubectl(agents):
    """What the agent has made is what `apply` makes of `kubectl get -o yaml`: nothing is left to do."""
    del agents
    kinds = "nodes,services,endpointslices,moduleconfigs,namespaces,servicecidrs"
    text = run(os.environ["DVPNET_KUBECTL"], "--kubeconfig", str(FOLDER / "admin.conf"),
               "--server", f"https://127.0.0.1:{port()}", "get", kinds, "-A", "-o", "yaml",
               ns="n1", timeout=300).stdout
    with Monitor("n1") as monitor:
        said = ctl("n1", "apply", "--node", "n1", "-f", "-", stdin=text)
        assert monitor.events() == [], said.stdout


def test_real_cluster(cluster, agents, family):
    """The cluster's Services work on each node, as its endpoints' controller has them."""
    del agents
    addresses = [frontend["address"] for shown in ctl_json("n1", "service", "show", "demo/web:http")
                 for frontend in shown["frontends"]]
    address = next(a for a in addresses if (":" in a) == (family == 6))
    for node in cluster.nodes:
        assert who(f"client-{node}", address, 80, "tcp", count=40) == \
            {"web-n1-a", "web-n2-a", "web-n2-b", "web-n3-a"}


def test_service_comes_and_goes(api, cluster, agents, family):
    """A Service and its slices: reachable soon after they are created, gone soon after deletion."""
    del agents
    items = web(cluster, "web-n2-a", "web-n3-a")
    times = []
    for _ in range(5):
        api.create(*items)
        start = time.monotonic()
        wait_until(lambda: who(CLIENT, vip(NUMBER, family), 80, count=24, patience=0.3) ==
                   {"web-n2-a", "web-n3-a"}, 20)
        times.append(time.monotonic() - start)
        api.delete(*items)
        wait_until(lambda: who(CLIENT, vip(NUMBER, family), 80, count=2, patience=0.3) ==
                   {SILENT}, 20)
    print("reachable after", [f"{t:.2f}" for t in times], "s")
    assert sorted(times)[2] < 5


def test_endpoints_follow(api, cluster, live, family):
    """An endpoint that leaves its slice is not chosen, one that comes is."""
    address = vip(NUMBER, family)
    for names in (["web-n2-a"], ["web-n2-a", "dns-n3"], ["web-n1-a", "web-n2-a", "web-n3-a"]):
        api.replace(*web(cluster, *names)[1:])
        wait_until(lambda names=names: who(CLIENT, address, 80, count=30) == set(names), 20)
    del live


def test_killed(cluster, agents, live, family):
    """Agents are killed and started again 20 times: no connection notices, the kernel is not changed."""
    del live
    targets = [(vip(NUMBER, family), 80), (cluster["web-n3-a"].ip(family), ECHO_PORT)]
    agent = agents["n1"]
    with Monitor("n1") as monitor, traffic(targets) as (streams, exchanges):
        for _ in range(10):
            count = agent.said().count("all: ")
            agent.stop(signal.SIGKILL)
            agent.start("--verbose")
            agent.await_log("all: ", count + 1)
            for each in (*streams, *exchanges):
                each.wait_for(1 << 14 if each in streams else 3)
        assert monitor.events() == []


def test_away(api, cluster, agents, doors, live, family):
    """
    The API server is away: all goes on; when it is back, what has changed in between is changed, and
    nothing else.
    """
    del live
    targets = [(vip(NUMBER, family), 80), (cluster["web-n3-a"].ip(family), ECHO_PORT)]
    other = service("meanwhile", NUMBER + 1, [(80, ECHO_PORT, "UDP")], [cluster["web-n2-a"]])
    with Monitor("n1") as monitor, traffic(targets) as (streams, exchanges):
        doors["n1"].shut()
        try:
            api.create(*other)
            for exchange in exchanges:
                exchange.wait_for(500)
            assert ask(CLIENT, vip(NUMBER, family), 80).server
            assert monitor.events() == []
        finally:
            doors["n1"].open()
        try:
            wait_until(lambda: who(CLIENT, vip(NUMBER + 1, family), 80, count=4, patience=0.3) ==
                       {"web-n2-a"}, 60)
            events = monitor.events()
            assert {(kind, name) for _, kind, name in events} == \
                {("service", "test/meanwhile:udp-80")}, (events, agents["n1"].said()[-2000:])
        finally:
            api.delete(*other)
        assert all(stream.failure is None for stream in streams)


def test_tunnel_mode(api, cluster, agents, live, family):
    """tunnelMode patched both ways under traffic: all nodes follow, nobody notices."""
    del live, agents
    targets = [(vip(NUMBER, family), 80), (cluster["web-n2-a"].ip(family), ECHO_PORT)]
    # n3 is behind a router, which knows no pods: it keeps the tunnel, and says so.
    near = ("n1", "n2")
    watch = CounterWatch("n1")
    with traffic(targets) as (_, exchanges):
        for value, expected in (("Disabled", "classic"), ("VXLAN", "vxlan")) * 2:
            api.patch(MODULE_CONFIG, {"spec": {"settings": {"tunnelMode": value}}})
            for node in near:
                wait_until(lambda node=node, expected=expected: mode(node) == expected, 20)
            for exchange in exchanges:
                exchange.wait_for(50)
    risen = watch.risen()
    assert risen["tx_classic"] > 0 and risen["tx_vxlan"] > 0, risen


def test_node_ports(api, cluster, agents, family):
    """The Node's annotation opens NodePorts on its other addresses, and closes them, live."""
    del agents
    items = web(cluster, "web-n1-a", number=NUMBER + 2)
    items[0]["spec"]["type"] = "NodePort"
    items[0]["spec"]["ports"][1]["nodePort"] = 30202
    api.create(*items)
    own, other = cluster["n1"].ip(family), {4: "203.0.113.11", 6: None}[family]
    try:
        wait_until(lambda: who("outside", own, 30202, count=4) == {"web-n1-a"}, 20)
        with UdpExchange("outside", own, 30202) as exchange:
            for value, open_ in (("false", True), (None, False), ("false", True), ("true", False)):
                api.patch("/api/v1/nodes/n1",
                          {"metadata": {"annotations": {NODEPORT_ANNOTATION: value}}})
                if other:
                    wait_until(lambda open_=open_: ("web-n1-a" in who(
                        "outside", other, 30202, count=4, patience=0.3)) == open_, 20)
                exchange.wait_for(20)
        assert exchange.lost == [] and exchange.errors == []
    finally:
        api.patch("/api/v1/nodes/n1", {"metadata": {"annotations": {NODEPORT_ANNOTATION: None}}})
        api.delete(*items)

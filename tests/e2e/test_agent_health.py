# SPDX-License-Identifier: GPL-2.0
"""
dvpnetctl agent at work: with a kernel, as a daemon of a node, beside an API server of our own (see
tests/agent). What it tells over HTTP, and pods that CNI plugins connect as it has written.
"""

import json
import pathlib
import shutil
import signal
import sys

import pytest

from lab import ask, counters, ctl, ctl_json, ip, netns, ping, run, sysctl, wait_until
from lab.cni import PLUGINS, Pod
from lab.echo import EchoServers
from lab.objects import endpoint, endpoint_slice, module_config, port, service
from lab.pair import NODE_PORT, SERVICE4, Pair

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "agent"))

# pylint: disable=wrong-import-position,import-error
from agent import Agent, kubeconfig  # noqa: E402
from fake_api import FakeApi  # noqa: E402
from prometheus import Prometheus  # noqa: E402
from test_health import RULES, Answer, is_open  # noqa: E402

PROBES, METRICS, HEALTH = 10256, 10249, 31999
TIMEOUT = 60
EVERYWHERE = {"node.deckhouse.io/nodeport-bind-internal-ip": "false"}


class Node:
    """Node "left" of a pair, with an agent of its own."""

    def __init__(self, pair, folder):
        self.pair, self.cni = pair, folder / "net.d"
        ip("link set lo up", ns="left")
        with netns("left"):
            self.api = FakeApi()
        self.api.missing = {"ServiceCIDR"}
        self.config = kubeconfig(folder / "config", self.api.url)
        self.api.set(*pair.objects())
        self.agent = None
        self.start()

    def start(self):
        """Start the agent, and wait until it has done all."""
        with netns("left"):
            self.agent = Agent(self.config, "--cni-conf-dir", str(self.cni), node="left",
                               dry_run=False)
            wait_until(lambda: any("all: " in line for line in self.agent.log), TIMEOUT,
                       "the first sync")
            wait_until(lambda: is_open(PROBES) and is_open(METRICS), TIMEOUT, "its ports")

    def close(self):
        """End all of it."""
        self.agent.end()
        self.api.close()

    def answer(self, number, path="/", address="127.0.0.1", ns="left"):
        """What it answers at a port."""
        with netns(ns):
            return Answer(number, path, address=address)

    def is_open(self, number, address, ns="left"):
        """Whether it listens there."""
        with netns(ns):
            return is_open(number, address)

    def metrics(self):
        """Metrics by name with labels."""
        lines = [line for line in self.answer(METRICS, "/metrics").text.splitlines()
                 if not line.startswith("#")]
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}

    @property
    def conflist(self):
        """The CNI configuration, or None."""
        file = self.cni / "10-dvpnet.conflist"
        return json.loads(file.read_text()) if file.exists() else None


@pytest.fixture(name="node", scope="module")
def fixture_node(tmp_path_factory):
    """The node, its neighbour configured by apply."""
    with Pair() as pair:
        pair.apply()
        node = Node(pair, tmp_path_factory.mktemp("agent"))
        yield node
        node.close()


@pytest.fixture(autouse=True)
def fixture_as_before(node):
    """The cluster is what it was before the test, and the node has followed."""
    yield
    for _, name in list(node.api.objects["Service"]):
        if name != "echo":
            node.api.delete("Service", name)
    node.api.set(*node.pair.objects())
    wait_until(lambda: node.metrics().get("dvpnet_services") == 4 and node.conflist and
               node.conflist["plugins"][0]["mtu"] == 1450, TIMEOUT, "all as before")


def balancer(node, **spec):
    """A Service whose load balancer asks each node; both pods serve it."""
    pods = node.pair.pods.values()
    node.api.set(service("lb", ("10.99.0.9", "fd00:99::9"), [port(7, name="tcp")],
                         **{"type": "LoadBalancer", "externalTrafficPolicy": "Local",
                            "healthCheckNodePort": HEALTH, **spec}),
                 *(endpoint_slice("lb", [endpoint(p.ip(f), p.node) for p in pods],
                                  [("tcp", 7, "TCP")]) for f in (4, 6)))
    wait_until(lambda: [len(s["backends"]) for s in ctl_json("left", "service", "show", "test/lb")]
               == [2, 2], TIMEOUT, "the Service with its endpoints")


# ---- health ----

def test_probes(node):
    """Healthy, at all addresses."""
    assert node.answer(PROBES, "/healthz").json["nodeEligible"]
    for family in (4, 6):
        assert node.answer(PROBES, "/livez", node.pair.nodes["left"].ip(family),
                           "right").status == 200


def test_health_node_port(node, family):
    """Load balancers ask the InternalIPs, no other address; with the annotation, all."""
    address = node.pair.nodes["left"].ip(family)
    balancer(node)
    wait_until(lambda: node.is_open(HEALTH, address), TIMEOUT, "open")
    answer = node.answer(HEALTH, "/", address, "right")
    assert answer.status == 200 and answer.json["localEndpoints"] == 1
    assert not node.is_open(HEALTH, "127.0.0.1")
    node.api.set(node.pair.nodes["left"].object(annotations=EVERYWHERE))
    wait_until(lambda: node.is_open(HEALTH, "127.0.0.1") and node.is_open(HEALTH, address), TIMEOUT,
               "open everywhere")
    assert node.answer(HEALTH, "/", address, "right").status == 200
    node.api.set(node.pair.nodes["left"].object())
    wait_until(lambda: not node.is_open(HEALTH, "127.0.0.1") and node.is_open(HEALTH, address),
               TIMEOUT, "closed elsewhere")
    assert node.answer(HEALTH, "/", address, "right").status == 200
    node.api.delete("Service", "lb")
    wait_until(lambda: not node.is_open(HEALTH, address), TIMEOUT, "closed")


def test_device_is_lost(node):
    """Somebody removes the device: it is said, and with the next change all is there again."""
    def is_lost():
        # A change that was still to be followed brings it back before it is asked for.
        run("ip", "link", "del", "dvp0", ns="left", check=False)
        return node.metrics()["dvpnet_module_up"] == 0
    wait_until(is_lost, TIMEOUT, "the device is missed")
    node.api.set(service("more", ("10.99.0.8",), [port(80)]))
    wait_until(lambda: "test/more" in ctl("left", "service", "show").stdout, TIMEOUT,
               "the device is back, with all")
    assert node.metrics()["dvpnet_module_up"] == 1
    assert node.answer(PROBES, "/healthz").status == 200


def test_begins_beside_a_refused_service(node):
    """
    On a fresh node, with a Service that the module refuses, as its nodePort is another's: that is
    said, also to its load balancer, and all else is served.
    """
    node.agent.end()
    ip("link del dvp0", ns="left")
    node.api.set(service("twin", ("10.99.0.7",), [port(7, name="tcp", node_port=NODE_PORT)],
                         type="LoadBalancer", externalTrafficPolicy="Local",
                         healthCheckNodePort=HEALTH),
                 endpoint_slice("twin", [endpoint(node.pair.pods["left-pod"].ip4, "left")],
                                [("tcp", 7, "TCP")]))
    node.start()
    said, = [line for line in node.agent.log if "test/twin" in line and "error" in line]
    assert f"Service test/twin:tcp: dvpnet: port {NODE_PORT} is taken by test/echo:tcp" in said
    assert node.metrics()["dvpnet_sync_incomplete"] == 1
    assert node.answer(HEALTH, "/", node.pair.nodes["left"].ip4).status == 503
    routes = run("ip", "route", "show", "dev", "dvp0", ns="left").stdout
    assert node.pair.nodes["right"].pods4 in routes
    assert ask("left-pod", SERVICE4, 7).server in ("left-pod", "right-pod")
    assert ask("right", node.pair.nodes["left"].ip4, NODE_PORT).server in ("left-pod", "right-pod")


# ---- metrics ----

def test_metrics_of_the_module(node):
    """What it counts has its names and values."""
    assert ask("left-pod", SERVICE4, 7).server in ("left-pod", "right-pod")
    # The counters go on between two looks.
    counted = counters("left")
    values = node.metrics()
    assert values["dvpnet_module_up"] == 1 and values["dvpnet_api_server_up"] == 1
    assert values["dvpnet_services"] == 4 and values["dvpnet_nodes"] == 2
    assert values["dvpnet_generation"] == ctl_json("left", "config", "show")["generation"]
    assert values["dvpnet_flows_limit"] > values["dvpnet_flows"] >= 1
    assert values["dvpnet_flow_created_total"] >= counted["flow_created"] >= 1
    for name, value in counted.items():
        drop = f'dvpnet_dropped_packets_total{{reason="{name}"}}'
        assert values.get(drop, values.get(f"dvpnet_{name}_total")) >= value, name
    assert values["kubeproxy_sync_full_proxy_rules_duration_seconds_count"] >= 1


def test_metrics_are_clean(node):
    """As Prometheus wants them, the module's included."""
    if not shutil.which("promtool"):
        pytest.skip("no promtool here: apt-get install prometheus")
    said = run("promtool", "check", "metrics", stdin=node.answer(METRICS, "/metrics").text)
    assert not said.stdout + said.stderr


KUBE_PROXY_METRICS = """
kubeproxy_sync_proxy_rules_duration_seconds_bucket
kubeproxy_sync_full_proxy_rules_duration_seconds_count
kubeproxy_sync_proxy_rules_last_timestamp_seconds
kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds
kubeproxy_sync_proxy_rules_endpoint_changes_total
kubeproxy_sync_proxy_rules_endpoint_changes_pending
kubeproxy_sync_proxy_rules_service_changes_total
kubeproxy_sync_proxy_rules_service_changes_pending
kubeproxy_sync_proxy_rules_no_local_endpoints_total
kubeproxy_network_programming_duration_seconds_count
kubeproxy_proxy_healthz_total
kubeproxy_proxy_livez_total
""".split()


def test_prometheus_scrapes(node, tmp_path):
    """
    A real one, on the node, finds the target up, and by its own query interface the metrics: those
    with kube-proxy's names, ours, and each counter of the module; what it has moves with the kernel.
    """
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus here: apt-get install prometheus")
    assert node.answer(PROBES, "/healthz").status == node.answer(PROBES, "/livez").status == 200
    with netns("left"), Prometheus(tmp_path, f"127.0.0.1:{METRICS}", 9090, RULES) as prometheus:
        def is_up():
            assert prometheus.ask('up{job="dvpnet"} == 1'), prometheus.said()
            return True

        wait_until(is_up, 3 * TIMEOUT)
        target, = prometheus.get("targets")["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
        names = set(prometheus.get("label/__name__/values"))
        assert set(KUBE_PROXY_METRICS) <= names, set(KUBE_PROXY_METRICS) - names
        wanted = {line.split("{")[0].split(" ")[0] for line in node.metrics()}
        assert wanted <= names, wanted - names

        def value(expression):
            found = prometheus.ask(expression)
            return found and float(found[0]["value"][1])

        assert value("dvpnet_module_up") == value("dvpnet_api_server_up") == 1
        assert value('count(dvpnet_dropped_packets_total{instance="n1"})') > 10
        before = value("dvpnet_flow_created_total")
        assert ask("left-pod", SERVICE4, 7).server
        wait_until(lambda: value("dvpnet_flow_created_total") > before, TIMEOUT, "the flow is counted")
        assert value("dvpnet_services") == 4
        node.api.set(service("more", ("10.99.0.8",), [port(80)]))
        wait_until(lambda: value("dvpnet_services") == 5, TIMEOUT, "the Service is counted")
        wait_until(lambda: value("sum(dvpnet_dropped_packets_total)") is not None and
                   prometheus.ask("ALERTS{alertstate='firing'}") == [], TIMEOUT, "no alert")


# ---- CNI ----

def test_mtu_follows_the_mode(node):
    """The file is replaced when it changes, and only then."""
    file = node.cni / "10-dvpnet.conflist"
    assert node.conflist["plugins"][0]["mtu"] == 1450
    inode = file.stat().st_ino
    node.agent.process.send_signal(signal.SIGHUP)
    node.api.set(module_config("classic"))
    wait_until(lambda: node.conflist["plugins"][0]["mtu"] == 1500, TIMEOUT, "MTU of classic mode")
    assert file.stat().st_ino != inode
    node.api.set(node.pair.nodes["right"].object(annotations={"dvpnet.io/mode": "vxlan"}))
    wait_until(lambda: node.conflist["plugins"][0]["mtu"] == 1450, TIMEOUT, "MTU of the narrowest")
    assert [f.name for f in node.cni.iterdir()] == [file.name]


def test_restart_changes_nothing(node):
    """Killed and started again: same file, same ports, same generation."""
    file = node.cni / "10-dvpnet.conflist"
    balancer(node)
    address = node.pair.nodes["left"].ip4
    wait_until(lambda: node.is_open(HEALTH, address), TIMEOUT, "open")
    before = file.stat().st_ino, ctl_json("left", "config", "show")["generation"]
    node.agent.process.kill()
    node.agent.process.wait()
    node.start()
    wait_until(lambda: node.is_open(HEALTH, address), TIMEOUT, "open again")
    assert (file.stat().st_ino, ctl_json("left", "config", "show")["generation"]) == before


@pytest.fixture(name="pods")
def fixture_pods(node):
    """Two pods on the left node, connected by the plugins; the first has hostPort 8080."""
    if not PLUGINS.exists():
        pytest.skip("no CNI plugins here: apt-get install containernetworking-plugins")
    names = ("cni-a", "cni-b")
    ip(*(f"netns add {name}" for name in names))
    pods, servers = [], EchoServers()
    try:
        if run("iptables", "-t", "nat", "-A", "OUTPUT", "-m", "comment", "--comment", "as portmap does",
               "-j", "MARK", "--set-xmark", "1/1", ns=names[0], check=False).returncode:
            pytest.skip("this kernel lacks what portmap asks iptables for")
        for name in names:
            sysctl(name, **{"ipv6.conf.all.accept_dad": 0, "ipv6.conf.default.accept_dad": 0})
            ip("link set lo up", ns=name)
            mappings = [{"hostPort": 8080, "containerPort": 7, "protocol": "tcp"}] * (name == "cni-a")
            pods.append(Pod("left", name, node.conflist, mappings))
            for address in pods[-1].addresses():
                servers.add(name, name, address, 7)
        yield pods
    finally:
        servers.close()
        for pod in pods:
            pod.close()
        ip(*(f"netns del {name}" for name in names))


def test_pods_of_the_plugins(node, pods):
    """They reach each other, pods of the other node, and Services; the MTU is what was written."""
    mtu = json.loads(run("ip", "-j", "link", "show", "eth0", ns="cni-a").stdout)[0]["mtu"]
    assert mtu == node.conflist["plugins"][0]["mtu"] == 1450
    for index, family in enumerate((4, 6)):
        own = [pod.addresses()[index] for pod in pods]
        assert len(set(own)) == 2
        ping("cni-a", own[1])
        assert ask("cni-a", own[1], 7).server == "cni-b"
        there = node.pair.pods["right-pod"].ip(family)
        assert ask("cni-a", there, 7).server == "right-pod"
        assert ask("right-pod", own[0], 7).server == "cni-a"
    assert ask("cni-a", SERVICE4, 7).server in ("left-pod", "right-pod")


def test_host_port(node, pods):
    """portmap has the pod answer at the node's port."""
    assert pods
    assert ask("right", node.pair.nodes["left"].ip4, 8080).server == "cni-a"


def test_uninstall_takes_the_file(node):
    """And nothing else in the folder. The agent writes it again."""
    other = node.cni / "99-other.conf"
    other.write_text("{}")
    node.agent.end()
    said = ctl_json("left", "uninstall", "--cni-conf-dir", node.cni)
    assert said["cni_changes"] == 1 and node.conflist is None
    assert other.exists()
    assert ctl_json("left", "uninstall", "--cni-conf-dir", node.cni)["cni_changes"] == 0
    node.start()
    assert wait_until(lambda: node.conflist, TIMEOUT, "the file")
    other.unlink()

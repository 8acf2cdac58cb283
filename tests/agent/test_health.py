# SPDX-License-Identifier: GPL-2.0
"""
What the agent tells over HTTP: health of the node and of Services, and metrics.

The agents here make a dry run: what needs the kernel, as the module's counters, is tested elsewhere.
"""

import datetime
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import time

import pytest

from agent import Agent, kubeconfig, wait_until
from fake_api import FakeApi, endpoint, endpoint_slice, namespace, node, service
from prometheus import Prometheus

TIMEOUT = int(os.environ.get("AGENT_TIMEOUT", "30"))
RULES = pathlib.Path(__file__).resolve().parents[2] / "deploy/prometheus/dvpnet.rules.yaml"
EVERYWHERE = {"node.deckhouse.io/nodeport-bind-internal-ip": "false"}


# Below those that connections get: one of the agent's own might have it a moment later.
NUMBERS = iter(random.sample(range(20000, 30000), 10000))


def free_port():
    """A port that nobody has, nor gets without asking for it."""
    for number in NUMBERS:
        with socket.socket() as sock:
            try:
                sock.bind(("0.0.0.0", number))
            except OSError:
                continue
            return number
    raise AssertionError("no port is free")


class Answer:
    """What came of a request."""

    def __init__(self, port, path="/", method="GET", address="127.0.0.1", body=None):
        connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT)
        connection.request(method, path, body=body)
        response = connection.getresponse()
        self.status, self.headers = response.status, dict(response.getheaders())
        self.text = response.read().decode()
        connection.close()

    @property
    def json(self):
        """The body."""
        return json.loads(self.text)


def is_open(port, address="127.0.0.1"):
    """Whether anybody listens there."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
        return sock.connect_ex((address, port)) == 0


def balancer(port, name="lb", ip="10.222.0.9", **spec):
    """A Service whose load balancer asks each node."""
    return service(name, ip, **{"type": "LoadBalancer", "externalTrafficPolicy": "Local",
                                "healthCheckNodePort": port, **spec})


@pytest.fixture
def api():
    """A small cluster whose node n1 opens NodePorts on all addresses."""
    server = FakeApi()
    server.missing = {"ModuleConfig"}
    server.set(node("n1", "192.168.1.1", "10.1.0.0/24", annotations=EVERYWHERE),
               node("n2", "192.168.1.2", "10.2.0.0/24"),
               namespace(), service("a", "10.222.0.1"), endpoint_slice("a-1", "a", "10.1.0.1"))
    yield server
    server.close()


@pytest.fixture
def config(api, tmp_path):
    """A kubeconfig."""
    return kubeconfig(tmp_path / "config", api.url)


@pytest.fixture
def agent(api, config):
    """An agent that has seen all of the cluster; `probes` and `metrics` are ports of it."""
    probes, metrics = free_port(), free_port()
    with Agent(config, "--healthz-bind-address", f"0.0.0.0:{probes}",
               "--metrics-bind-address", f"127.0.0.1:{metrics}") as running:
        running.probes, running.metrics = probes, metrics
        running.await_change("add service demo/a:http", TIMEOUT)
        wait_until(lambda: all(api.streams[kind] for kind in api.objects
                               if kind not in api.missing), TIMEOUT, "streams")
        yield running
        assert running.end() == 0, running.log[-30:]


def values(agent):
    """Metrics by name with labels."""
    text = Answer(agent.metrics, "/metrics").text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def await_status(port, status):
    """Until a port answers so; returns the answer."""
    return wait_until(lambda: is_open(port) and (answer := Answer(port)).status == status and answer,
                      TIMEOUT, lambda: f"status {status} at {port}")


# ---- health of the node ----

def test_node(agent):
    """All is well."""
    answer = Answer(agent.probes, "/healthz")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json["healthy"] and answer.json["nodeEligible"]
    assert answer.json["lastUpdated"] == answer.json["currentTime"]
    then = datetime.datetime.fromisoformat(answer.json["currentTime"].replace("Z", "+00:00"))
    assert abs(then.timestamp() - time.time()) < TIMEOUT
    answer = Answer(agent.probes, "/livez")
    assert answer.status == 200 and "nodeEligible" not in answer.json
    assert Answer(agent.probes, "/elsewhere").status == 404


def test_all_addresses(agent):
    """0.0.0.0 is all addresses of both families, as for kube-proxy."""
    assert Answer(agent.probes, "/livez").status == 200
    if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
        with open("/proc/net/if_inet6", encoding="ascii") as lines:
            if any(line.startswith("0" * 31 + "1 ") for line in lines):
                assert Answer(agent.probes, "/livez", address="::1").status == 200
    assert is_open(agent.metrics) and not is_open(agent.metrics, "127.0.0.2")


@pytest.mark.parametrize("leaving", [
    {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}]},
    {"deletionTimestamp": "2026-01-01T00:00:00Z"},
], ids=["taint", "deleted"])
def test_node_leaves(api, agent, leaving):
    """Load balancers are to leave a node alone that leaves; it lives, and so do its Services."""
    port = free_port()
    api.set(balancer(port), endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
    await_status(port, 200)
    item = node("n1", "192.168.1.1", "10.1.0.0/24", annotations=EVERYWHERE)
    item["spec"]["taints"] = leaving.get("taints", [])
    if "deletionTimestamp" in leaving:
        item["metadata"]["deletionTimestamp"] = leaving["deletionTimestamp"]
    api.set(item)
    wait_until(lambda: Answer(agent.probes, "/healthz").status == 503, TIMEOUT, "503")
    answer = Answer(agent.probes, "/healthz").json
    assert answer["healthy"] and not answer["nodeEligible"]
    assert Answer(agent.probes, "/livez").status == 200
    assert Answer(port).status == 200
    api.set(node("n1", "192.168.1.1", "10.1.0.0/24", annotations=EVERYWHERE))
    wait_until(lambda: Answer(agent.probes, "/healthz").status == 200, TIMEOUT, "200")


def test_healthy_while_starting(api, config):
    """No list of Services yet: it lives, but the node is not known to be eligible."""
    api.on_list["Node"] = lambda request, _: request.refuse(403, "forbidden") or True
    port = free_port()
    with Agent(config, "--healthz-bind-address", f"127.0.0.1:{port}") as running:
        running.await_log("nodes: HTTP status 403", TIMEOUT)
        assert Answer(port, "/livez").status == 200
        assert Answer(port, "/healthz").status == 503
        assert Answer(port, "/healthz").json["lastUpdated"] == "0001-01-01T00:00:00Z"


def test_api_server_away(api, agent):
    """The kernel goes on with what it has, so all is well."""
    assert values(agent)["dvpnet_api_server_up"] == 1
    api.close()
    agent.await_log("warning: API server: ", TIMEOUT)
    assert Answer(agent.probes, "/healthz").status == 200
    assert values(agent)["dvpnet_api_server_up"] == 0


# ---- health of Services ----

def test_service(api, agent):
    """Local ready endpoints count, each once; any path, any method."""
    port = free_port()
    two = balancer(port, ports=[{"name": "http", "port": 80}, {"name": "more", "port": 81}])
    slices = endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1"), endpoint("10.1.0.10", "n1"),
                            endpoint("10.1.0.11", "n1", ready=False), endpoint("10.2.0.9", "n2"),
                            endpoint("10.1.0.12"))
    slices["ports"].append({"name": "more", "port": 8081, "protocol": "TCP"})
    api.set(two, slices)
    answer = await_status(port, 200)
    assert answer.json == {"service": {"namespace": "demo", "name": "lb"}, "localEndpoints": 2,
                           "serviceProxyHealthy": True}
    assert answer.headers["X-Load-Balancing-Endpoint-Weight"] == "2"
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert Answer(port, "/any/path?at=all").status == 200
    assert Answer(port, method="HEAD").text == ""
    assert Answer(port, method="POST", body="x" * 100000).status == 200
    api.set(endpoint_slice("lb-1", "lb", endpoint("10.2.0.9", "n2")))
    answer = await_status(port, 503)
    assert answer.json["localEndpoints"] == 0
    assert answer.headers["X-Load-Balancing-Endpoint-Weight"] == "0"


def test_only_terminating(api, agent):
    """Terminating endpoints serve on, yet load balancers are to go elsewhere."""
    port = free_port()
    api.set(balancer(port), endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
    await_status(port, 200)
    api.set(endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1", ready=False, serving=True,
                                                  terminating=True)))
    assert await_status(port, 503).json["localEndpoints"] == 0
    assert agent.process.poll() is None


def test_unchanged_stays_open(api, agent):
    """What else changes of a Service or its slices disturbs nobody who is connected."""
    port = free_port()
    api.set(balancer(port), endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
    await_status(port, 200)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    connection.request("GET", "/")
    connection.getresponse().read()
    kept = connection.sock
    api.set(balancer(port, sessionAffinity="ClientIP"),
            endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1"), endpoint("10.1.0.8", "n1")))
    api.cut()
    wait_until(lambda: Answer(port).json["localEndpoints"] == 2, TIMEOUT, "two endpoints")
    connection.request("GET", "/")
    assert json.loads(connection.getresponse().read())["localEndpoints"] == 2
    assert connection.sock is kept
    connection.close()


def test_port_comes_and_goes(api, agent):
    """Another port, another policy, another type, no Service."""
    first, second = free_port(), free_port()
    api.set(balancer(first), endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
    await_status(first, 200)
    api.set(balancer(second))
    await_status(second, 200)
    assert not is_open(first)
    api.set(balancer(second, externalTrafficPolicy="Cluster"))
    wait_until(lambda: not is_open(second), TIMEOUT, "closed for policy Cluster")
    api.set(balancer(second))
    await_status(second, 200)
    api.set(balancer(second, type="NodePort"))
    wait_until(lambda: not is_open(second), TIMEOUT, "closed for type NodePort")
    api.set(balancer(second))
    await_status(second, 200)
    api.delete("Service", "lb")
    wait_until(lambda: not is_open(second), TIMEOUT, "closed without Service")
    assert not any("warning" in line for line in agent.log)


def test_node_port_addresses(api, agent):
    """Where NodePorts are: on the InternalIPs, unless the node's annotation says everywhere."""
    port = free_port()
    api.set(balancer(port), endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
    await_status(port, 200)
    api.set(node("n1", "192.168.1.1", "10.1.0.0/24"))
    agent.await_log(f"Service demo/lb: spec.healthCheckNodePort: cannot listen on "
                    f"192.168.1.1:{port}: Cannot assign requested address", TIMEOUT)
    assert not is_open(port)
    api.set(node("n1", "192.168.1.1", "10.1.0.0/24", annotations=EVERYWHERE))
    await_status(port, 200)


def test_port_is_taken(api, agent):
    """It is said once, with the reason, and tried again."""
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::", 0))
        other.listen()
        port = other.getsockname()[1]
        api.set(balancer(port), endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
        line = agent.await_log(f"cannot listen on port {port}: Address already in use", TIMEOUT)
        assert "warning: Service demo/lb: " in line
        wait_until(lambda: sum("cannot listen" in line for line in agent.log) > 1, TIMEOUT,
                   "another try")
    await_status(port, 200)
    assert sum("warning" in line for line in agent.log) == 1
    agent.await_log(f"Service demo/lb: spec.healthCheckNodePort: listens on port {port}")


def test_probes_port_is_taken(config):
    """An agent without its ports works all the same, and gets them when they are free."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with Agent(config, "--healthz-bind-address", f"127.0.0.1:{port}") as running:
            running.await_change("add service demo/a:http", TIMEOUT)
            running.await_log(f"health of the node: cannot listen on 127.0.0.1:{port}: Address "
                              "already in use", TIMEOUT)
            other.close()
            wait_until(lambda: is_open(port), TIMEOUT, "open")
            assert Answer(port, "/healthz").status == 200


# ---- strangers ----

def test_many_and_slow(agent):
    """Those who send nothing keep nobody else from an answer for long, nor from work."""
    idle = [socket.create_connection(("127.0.0.1", agent.probes)) for _ in range(20)]
    half = socket.create_connection(("127.0.0.1", agent.probes))
    half.send(b"GET /healthz HT")
    assert Answer(agent.probes, "/healthz").status == 200
    for sock in [*idle, half]:
        sock.close()
    with socket.create_connection(("127.0.0.1", agent.probes)) as sock:
        sock.send(b"\0\xff garbage\r\n\r\n" + b"x" * 100000)
    for _ in range(200):
        assert Answer(agent.probes, "/healthz").status == 200


def test_one_cannot_take_all(agent):
    """Who holds as many connections as may be keeps only himself out."""
    idle = []
    for _ in range(200):
        sock = socket.socket()
        sock.bind(("127.0.0.2", 0))
        sock.connect(("127.0.0.1", agent.probes))
        idle.append(sock)
    for _ in range(50):
        assert Answer(agent.probes, "/healthz").status == 200
    for sock in idle:
        sock.close()


# ---- metrics ----

def test_metrics(api, agent):
    """Changes are counted, what is pending is done."""
    before = values(agent)
    assert before['dvpnet_resource_followed{resource="services"}'] == 1
    assert before["kubeproxy_sync_proxy_rules_service_changes_total"] == 1
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    api.set(service("b", "10.222.0.2"), endpoint_slice("b-1", "b", "10.1.0.2", annotations={
        "endpoints.kubernetes.io/last-change-trigger-time": now}))
    agent.await_change("add service demo/b:http", TIMEOUT)
    count = "kubeproxy_network_programming_duration_seconds_count"
    wait_until(lambda: values(agent)[count] == 1, TIMEOUT, "a time from change to kernel")
    after = values(agent)
    assert after["kubeproxy_sync_proxy_rules_service_changes_total"] == 2
    assert after["kubeproxy_sync_proxy_rules_endpoint_changes_total"] == 2
    assert after["kubeproxy_sync_proxy_rules_service_changes_pending"] == 0
    assert after["kubeproxy_sync_proxy_rules_endpoint_changes_pending"] == 0
    assert after["kubeproxy_sync_proxy_rules_duration_seconds_count"] > \
        before["kubeproxy_sync_proxy_rules_duration_seconds_count"]
    assert abs(after["kubeproxy_sync_proxy_rules_last_timestamp_seconds"] - time.time()) < TIMEOUT
    assert after["kubeproxy_network_programming_duration_seconds_sum"] < TIMEOUT


def test_all_is_compared_while_nodes_beat(api, config):
    """A Node's heartbeat is a change like any other: it does not put off that all is compared."""
    full = "kubeproxy_sync_full_proxy_rules_duration_seconds_count"
    partial = "kubeproxy_sync_partial_proxy_rules_duration_seconds_count"

    def beat():
        item = node("n2", "192.168.1.2", "10.2.0.0/24")
        item["status"]["conditions"] = [{"type": "Ready", "lastHeartbeatTime": str(time.time())}]
        api.set(item)
        return values(running)

    with Agent(config, "--sync-period", "1000", "--metrics-bind-address",
               f"127.0.0.1:{(port := free_port())}") as running:
        running.metrics = port
        running.await_change("add service demo/a:http", TIMEOUT)
        wait_until(lambda: beat()[full] >= 4, TIMEOUT, lambda: values(running)[full])
        # And not more often than asked for.
        assert values(running)[partial] > values(running)[full]


def test_probes_are_counted(agent):
    """By status."""
    for path in ("/healthz", "/livez", "/livez"):
        Answer(agent.probes, path)
    after = values(agent)
    assert after['kubeproxy_proxy_healthz_total{code="200"}'] == 1
    assert after['kubeproxy_proxy_livez_total{code="200"}'] == 2
    assert after['kubeproxy_proxy_livez_total{code="503"}'] == 0


def test_no_local_endpoints(api, agent):
    """Services with a local policy that are served elsewhere only; not those served nowhere."""
    name = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="%s"}'
    assert values(agent)[name % "external"] == values(agent)[name % "internal"] == 0
    api.set(balancer(0), endpoint_slice("lb-1", "lb", endpoint("10.2.0.9", "n2")),
            balancer(0, "nobody", "10.222.0.10"),
            service("inside", "10.222.0.11", internalTrafficPolicy="Local"),
            endpoint_slice("inside-1", "inside", endpoint("10.2.0.9", "n2")))
    wait_until(lambda: values(agent)[name % "external"] == 1 and
               values(agent)[name % "internal"] == 1, TIMEOUT, lambda: values(agent))
    api.set(endpoint_slice("lb-1", "lb", endpoint("10.1.0.9", "n1")))
    wait_until(lambda: values(agent)[name % "external"] == 0, TIMEOUT, lambda: values(agent))


def test_metrics_are_clean(agent):
    """As Prometheus wants them."""
    answer = Answer(agent.metrics, "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert Answer(agent.metrics, "/").status == 404
    assert Answer(agent.metrics, "/proxyMode").text == "dvpnet"
    assert Answer(agent.metrics, "/healthz").text == "ok"
    if not shutil.which("promtool"):
        pytest.skip("no promtool here: apt-get install prometheus")
    said = subprocess.run(["promtool", "check", "metrics"], input=answer.text, text=True,
                          capture_output=True, check=False)
    assert said.returncode == 0 and not said.stdout + said.stderr


# ---- CNI configuration ----

def test_cni(api, config, tmp_path):
    """A dry run prints it, once, and writes nothing; another podCIDR changes it."""
    def printed(agent):
        return [change["file"] for change in agent.changes if "file" in change]

    with Agent(config, "--cni-conf-dir", str(tmp_path / "net.d")) as running:
        running.await_change(f"change file {tmp_path}/net.d/10-dvpnet.conflist", TIMEOUT)
        ptp = printed(running)[0]["content"]["plugins"][0]
        assert ptp["ipam"]["ranges"] == [[{"subnet": "10.1.0.0/24"}]]
        api.set(service("b", "10.222.0.2"), node("n2", "192.168.1.2", "10.3.0.0/24"))
        running.await_change("add prefix 10.3.0.0/24", TIMEOUT)
        item = node("n1", "192.168.1.1", "10.1.0.0/24", annotations=EVERYWHERE)
        item["spec"]["podCIDRs"].append("fd00::/64")
        api.set(item)
        wait_until(lambda: len(printed(running)) == 2, TIMEOUT, lambda: printed(running))
        ptp = printed(running)[1]["content"]["plugins"][0]
        assert ptp["ipam"]["routes"] == [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]
        assert not (tmp_path / "net.d").exists()


# ---- Prometheus ----

def test_prometheus_scrapes(agent, tmp_path):
    """A real one, with the alert rules that ship."""
    if not shutil.which("prometheus"):
        pytest.skip("no prometheus here: apt-get install prometheus")
    with Prometheus(tmp_path, f"127.0.0.1:{agent.metrics}", free_port(), RULES) as prometheus:
        found = wait_until(lambda: prometheus.ask('dvpnet_build_info{instance="n1"}'), 2 * TIMEOUT,
                           prometheus.said)
        assert found[0]["metric"]["job"] == "dvpnet"
        assert prometheus.ask("up")[0]["value"][1] == "1"
        wait_until(lambda: prometheus.ask('ALERTS{alertname="DvpnetModuleDown"}'), TIMEOUT,
                   "the alert, as a dry run has no module")
        assert prometheus.ask("scrape_samples_scraped")[0]["value"][1] != "0"

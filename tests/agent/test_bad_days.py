# SPDX-License-Identifier: GPL-2.0
"""What the agent makes of an API server that misbehaves: says so once, tries again, forgets nothing."""

import json
import os
import subprocess

import pytest

from agent import DVPNETCTL, Agent, following, kubeconfig, wait_until
from fake_api import (FakeApi, endpoint_slice, module_config, namespace, node, service)

TIMEOUT = int(os.environ.get("AGENT_TIMEOUT", "30"))
SECRET = "s3cr3t-token"


@pytest.fixture
def api():
    """A small cluster, without any of the platform's own kinds."""
    server = FakeApi()
    server.missing = {"ModuleConfig", "VirtualMachine"}
    server.set(node("n1", "192.168.1.1", "10.1.0.0/24"), node("n2", "192.168.1.2", "10.2.0.0/24"),
               namespace(), service("a", "10.222.0.1"), endpoint_slice("a-1", "a", "10.1.0.1"))
    yield server
    server.close()


@pytest.fixture
def config(api, tmp_path):
    """A kubeconfig with a token."""
    return kubeconfig(tmp_path / "config", api.url, {"token": SECRET})


@pytest.fixture
def agent(api, config):
    """An agent that has seen all of the cluster, and follows it."""
    with following(api, config, TIMEOUT) as running:
        yield running
    assert not any(SECRET in line for line in running.log)


def test_pages_make_a_list(api, config):
    """A list in pages of one is the same list."""
    api.page = 1
    with Agent(config) as running:
        running.await_change("add service demo/a:http", TIMEOUT)
        assert {"add node n1", "add node n2"} <= set(running.texts())


def test_a_change_is_one_change(api, agent):
    """What else is there is not touched."""
    before = len(agent.changes)
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    api.set(endpoint_slice("a-1", "a", "10.1.0.1", "10.2.0.1"))
    agent.await_change("change service demo/a:http", TIMEOUT)
    api.delete("Service", "b")
    agent.await_change("remove service demo/b:http", TIMEOUT)
    assert agent.texts(before) == ["add service demo/b:http", "change service demo/a:http",
                                   "remove service demo/b:http"]


def test_nothing_before_all_lists(api, config):
    """No rights for one resource: said, and nothing is done with the others alone."""
    api.on_list["EndpointSlice"] = lambda request, _: request.refuse(
        403, 'endpointslices is forbidden: User "x" cannot list resource') or True
    with Agent(config) as running:
        running.await_log("warning: endpointslices: HTTP status 403: endpointslices is forbidden",
                          TIMEOUT)
        wait_until(lambda: api.asked("list EndpointSlice") > 2, TIMEOUT, "more tries")
        assert not running.changes
        assert sum("warning: endpointslices" in line for line in running.log) == 1
        del api.on_list["EndpointSlice"]
        running.await_change("add service demo/a:http", TIMEOUT)
        running.await_log("endpointslices: works again", TIMEOUT)


def test_quiet_stream_works(api, agent):
    """A stream that was refused and then goes on works, though it has nothing to tell."""
    api.on_watch["Service"] = lambda request, _: request.refuse(403, "forbidden") or True
    api.cut("Service")
    agent.await_log("warning: services: HTTP status 403: forbidden", TIMEOUT)
    del api.on_watch["Service"]
    wait_until(lambda: api.streams["Service"], TIMEOUT, "the stream")
    agent.await_log("services: works again", TIMEOUT)


def test_connections_are_closed(api, agent):
    """As by a proxy whose servers are dead: said once, in whatever way it comes about."""
    api.closed = True
    api.cut()
    wait_until(lambda: sum("connection was closed" in line for line in agent.log) > 20, TIMEOUT,
               lambda: agent.log[-20:])
    assert sum("warning: API server" in line for line in agent.log) == 1
    api.closed = False
    agent.await_log("API server: answers again", 2 * TIMEOUT)


@pytest.mark.parametrize("kind, name", [("Namespace", "namespace kube-system"),
                                        ("ConfigMap", "configmap cilium-config")])
def test_dispensable(api, config, kind, name):
    """Where it has no rights for what it can do without, it says so and goes on."""
    api.on_list[kind] = lambda request, _: request.refuse(403, "forbidden") or True
    with Agent(config) as running:
        running.await_log(f"warning: {name}: HTTP status 403: forbidden; all goes on as if there "
                          "were none", TIMEOUT)
        running.await_change("add service demo/a:http", TIMEOUT)


def test_server_has_just_begun(api, config):
    """It refuses what it allows a moment later: nothing is done as if there were none."""
    api.on_list["Namespace"] = lambda request, _: api.asked("list Namespace") < 3 and (
        request.refuse(403, "forbidden") or True)
    with Agent(config) as running:
        running.await_log("namespace kube-system: works again", TIMEOUT)
        running.await_change("add service demo/a:http", TIMEOUT)
        assert not any("as if there were none" in line for line in running.log)


def test_streams_are_taken_up(api, agent):
    """A stream that ends is taken up where it was, without another list."""
    lists = api.asked("list Service")
    api.cut("Service")
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    assert api.asked("list Service") == lists


def test_gone_lists_again(api, agent):
    """410 in a stream: all is listed again; what is the same changes nothing."""
    before = len(agent.changes)
    lists = api.asked("list Service")
    api.send("Service", b'{"type":"ERROR","object":{"kind":"Status","code":410,'
                        b'"message":"too old resource version"}}\n')
    wait_until(lambda: api.asked("list Service") > lists, TIMEOUT, "another list")
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    assert agent.texts(before) == ["add service demo/b:http"]


def test_lost_while_gone(api, agent):
    """What was deleted while nobody looked is found by the list."""
    with api.lock:
        streams, api.streams["Service"] = api.streams["Service"], []
        api.delete("Service", "a")
        api.streams["Service"] = streams
    api.send("Service", b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n')
    agent.await_change("remove service demo/a:http", TIMEOUT)


def test_half_a_list(api, agent):
    """A list that breaks off half-way changes nothing; the whole one does, at once."""
    before = len(agent.changes)
    api.page = 1
    api.on_list["Service"] = lambda request, query: "continue" in query and (
        request.refuse(500, "etcd is down") or True)
    with api.lock:
        streams, api.streams["Service"] = api.streams["Service"], []
        api.delete("Service", "a")
        api.set(service("b", "10.222.0.2"), service("c", "10.222.0.3"))
        api.streams["Service"] = streams
    api.send("Service", b'{"type":"ERROR","object":{"kind":"Status","code":410}}\n')
    agent.await_log("services: HTTP status 500: etcd is down", TIMEOUT)
    # Others are followed all the while.
    api.set(node("n3", "192.168.1.3", "10.3.0.0/24"))
    agent.await_change("add node n3", TIMEOUT)
    assert not any("service" in text for text in agent.texts(before))
    del api.on_list["Service"]
    agent.await_change("add service demo/c:http", TIMEOUT)
    assert sorted(text for text in agent.texts(before) if "service" in text) == [
        "add service demo/b:http", "add service demo/c:http", "remove service demo/a:http"]


@pytest.mark.parametrize("line, problem", [
    (b"{]\n", "services: stream is not JSON"),
    (b'{"type":"ADDED"}\n', "services: stream has an event without type or object"),
    (b'{"type":"ADDED","object":{"metadata":{}}}\n', "without metadata.resourceVersion"),
    (b"x" * (17 << 20), "services: answer is too long"),
], ids=["no-json", "no-object", "no-version", "endless"])
def test_garbage(api, agent, line, problem):
    """It is said, and all is listed again."""
    before = len(agent.changes)
    api.send("Service", line)
    agent.await_log(problem, TIMEOUT)
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    assert agent.texts(before) == ["add service demo/b:http"]


def test_server_is_away(api, agent, config):
    """Nothing is changed while it is away; another one at its address goes on."""
    before = len(agent.changes)
    api.close()
    agent.await_log("warning: API server: ", TIMEOUT)
    other = FakeApi()
    other.version = 1000
    other.missing = api.missing
    for kind, objects in api.objects.items():
        other.objects[kind] = objects
    kubeconfig(config, other.url, {"token": SECRET})
    agent.await_log("API server: answers again", TIMEOUT)
    other.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    assert agent.texts(before) == ["add service demo/b:http"]
    other.close()


def test_wrong_token(api, tmp_path):
    """It is said once for all resources; a renewed token is taken up."""
    token = tmp_path / "token"
    token.write_text("old\n")
    config = kubeconfig(tmp_path / "config", api.url, {"tokenFile": "token"})

    def check(request, _):
        if request.headers["Authorization"] == "Bearer new":
            return False
        request.refuse(401, "Unauthorized")
        return True

    for kind in api.objects:
        api.on_list[kind] = check
    with Agent(config) as running:
        running.await_log("warning: API server: HTTP status 401: Unauthorized; the token", TIMEOUT)
        wait_until(lambda: api.asked("list Service") > 1, TIMEOUT, "another try")
        assert sum("warning" in line for line in running.log) == 1
        token.write_text("new\n")
        running.await_change("add service demo/a:http", TIMEOUT)


def test_too_many_requests(api, config):
    """Retry-After is obeyed."""
    api.on_list["Service"] = lambda request, _: api.asked("list Service") == 1 and (
        request.refuse(429, "too many requests", Retry_After="2") or True)
    with Agent(config) as running:
        running.await_log("services: HTTP status 429: too many requests", TIMEOUT)
        running.await_change("add service demo/a:http", TIMEOUT)


def test_what_is_wrong_keeps_what_was(api, agent):
    """A ModuleConfig that makes no sense changes nothing."""
    api.set(node("n1", "192.168.1.1", "10.1.0.0/24", annotations={"dvpnet.io/mode": "x"}))
    agent.await_log('must be vxlan, classic or auto, is "x"', TIMEOUT)
    before = len(agent.changes)
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    assert agent.texts(before) == ["add service demo/b:http"]


def balancer(name, ip, address, source):
    """A Service with a load balancer, open to some clients."""
    item = service(name, ip, type="LoadBalancer", loadBalancerSourceRanges=[source])
    return {**item, "status": {"loadBalancer": {"ingress": [{"ip": address}]}}}


def test_source_ranges(api, config):
    """
    Zeros that an API server lets pass make no octal numbers. A range that makes no sense does not
    open the load balancer to all: nothing of a Service that is new is served.
    """
    api.set(balancer("zeros", "10.222.0.3", "198.51.100.1", "010.0.0.0/8"),
            balancer("wrong", "10.222.0.4", "198.51.100.2", "10.0.0.0/8 or so"))
    done = subprocess.run([DVPNETCTL, "agent", "--once", "--dry-run", "--node-name", "n1",
                           "--kubeconfig", config], capture_output=True, text=True, check=True,
                          timeout=TIMEOUT)
    assert ('spec.loadBalancerSourceRanges[0]: must be a range of addresses like 203.0.113.0/24, is '
            '"10.0.0.0/8 or so"; nothing of it is served') in done.stderr
    services = {item["name"]: item["sources"] for item in json.loads(done.stdout)["services"]}
    assert services == {"demo/a:http": [], "demo/zeros:http": ["10.0.0.0/8"]}


@pytest.mark.parametrize("setting", ["svcSourceRangeCheck", "sctpEnabled",
                                     "extraLoadBalancerAlgorithmsEnabled"])
def test_setting_is_said_once(api, config, setting):
    """What a setting keeps from Services is one line, however many Services those are."""
    def affected(name, ip, address):
        item = balancer(name, ip, address, "10.0.0.0/8")
        item["metadata"]["annotations"] = {"service.cilium.io/lb-algorithm": "random"}
        item["spec"]["ports"].append({"name": "sctp", "port": 81, "protocol": "SCTP"})
        return item

    api.missing = set()
    mode = module_config("VXLAN")
    mode["spec"]["settings"][setting] = False
    api.set(mode, affected("b", "10.222.0.2", "198.51.100.2"),
            affected("c", "10.222.0.3", "198.51.100.3"))
    with Agent(config) as running:
        running.await_change("add service demo/c:http", TIMEOUT)
        api.set(affected("d", "10.222.0.4", "198.51.100.4"))
        running.await_change("add service demo/d:http", TIMEOUT)
    said, = [line for line in running.log if setting in line and "warning: " in line]
    assert f"ModuleConfig cni-cilium: spec.settings.{setting}: is false: " in said


def test_the_mode_follows(api, config):
    """tunnelMode is obeyed live."""
    api.missing = set()
    api.set(module_config("Disabled"))
    with Agent(config) as running:
        running.await_change("add service demo/a:http", TIMEOUT)
        before = len(running.changes)
        api.set(module_config("VXLAN"))
        wait_until(lambda: running.changes[before:], TIMEOUT, "a change")
        assert running.changes[before]["config"]["mode"] == "vxlan"


def test_end_signal(agent):
    """It ends at once, and well."""
    assert agent.end() == 0

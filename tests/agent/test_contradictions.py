# SPDX-License-Identifier: GPL-2.0
"""Objects that contradict each other, or make no sense: all others are served, and followed."""

import os
import signal

import pytest

from agent import Agent, kubeconfig, wait_until
from fake_api import (FakeApi, endpoint_slice, machine, module_config, namespace, node, secret,
                      service, timestamp)
from test_health import free_port, values

TIMEOUT = int(os.environ.get("AGENT_TIMEOUT", "30"))
INCOMPLETE = "dvpnet_sync_incomplete"
# n2 was installed anew under another name, and nobody has deleted its old Node.
ANEW = node("n2-anew", "192.168.1.2", "10.9.0.0/24", creationTimestamp=timestamp(10))
# What it had before is still somebody else's.
OVERLAPPING = node("n3", "192.168.1.3", "10.2.0.0/16", creationTimestamp=timestamp(10))
SAID = {
    "n2-anew": "Node n2-anew: InternalIP 192.168.1.2 is that of Node n2 too (cluster), ",
    "n3": "Node n3: spec.podCIDRs: 10.2.0.0/16 overlaps 10.2.0.0/24 of Node n2 (cluster), ",
}


@pytest.fixture(name="api")
def fixture_api():
    """A small cluster."""
    server = FakeApi()
    server.set(node("n1", "192.168.1.1", "10.1.0.0/24", creationTimestamp=timestamp(100)),
               node("n2", "192.168.1.2", "10.2.0.0/24", creationTimestamp=timestamp(100)),
               namespace(), service("a", "10.222.0.1"), endpoint_slice("a-1", "a", "10.1.0.1"))
    yield server
    server.close()


@pytest.fixture(name="start")
def fixture_start(api, tmp_path):
    """Starts agents that tell their metrics; each has added Service demo/a when it is there."""
    agents = []

    def start(**options):
        port = free_port()
        agent = Agent(kubeconfig(tmp_path / "config", api.url), "--metrics-bind-address",
                      f"127.0.0.1:{port}", **options)
        agents.append(agent)
        agent.metrics = port
        agent.await_change("add service demo/a:http", TIMEOUT)
        wait_until(api.is_followed, TIMEOUT, "streams")
        return agent

    yield start
    for agent in agents:
        agent.end()


def compare_all(agent):
    """Have all be built anew, and compared."""
    before = values(agent)["kubeproxy_sync_full_proxy_rules_duration_seconds_count"]
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: values(agent)["kubeproxy_sync_full_proxy_rules_duration_seconds_count"]
               > before, TIMEOUT, "a full comparison")


def follows(api, agent, number):
    """Whatever comes is followed: a Service, a node, a machine."""
    api.set(service(f"s{number}", f"10.222.1.{number}"),
            node(f"m{number}", f"192.168.2.{number}", f"10.20.{number}.0/24"),
            machine(f"vm{number}", f"10.66.0.{number}", "n2"))
    agent.await_change(f"add service demo/s{number}:http", TIMEOUT)
    agent.await_change(f"add node m{number}", TIMEOUT)
    agent.await_change(f"add prefix 10.66.0.{number}/32", TIMEOUT)


def is_incomplete(agent, expected):
    """Until the metric says so."""
    wait_until(lambda: values(agent)[INCOMPLETE] == expected, TIMEOUT, lambda: agent.log[-20:])


@pytest.mark.parametrize("other", [ANEW, OVERLAPPING], ids=["address", "prefix"])
def test_two_nodes_at_the_start(api, start, other):
    """The older keeps what both claim; that is said once, and what is left out comes at last."""
    api.set(other)
    agent = start()
    name = other["metadata"]["name"]
    line = agent.await_log(f"error: {SAID[name]}", TIMEOUT)
    assert "which is older and keeps it; delete the Node that is no more" in line
    assert line.endswith("; left out here")
    follows(api, agent, 1)
    compare_all(agent)
    follows(api, agent, 2)
    assert sum(f"error: {SAID[name]}" in line for line in agent.log) == 1
    assert values(agent)[INCOMPLETE] == 1
    cidr = other["spec"]["podCIDRs"][0]
    assert f"add prefix {cidr}" not in agent.texts()
    api.delete("Node", "n2")
    agent.await_change(f"add prefix {cidr}", TIMEOUT)
    assert f"add node {name}" in agent.texts()
    is_incomplete(agent, 0)


@pytest.mark.parametrize("other", [ANEW, OVERLAPPING], ids=["address", "prefix"])
def test_two_nodes_later(api, start, other):
    """The same where the agent is at work already."""
    agent = start()
    follows(api, agent, 1)
    assert values(agent)[INCOMPLETE] == 0
    api.set(other)
    agent.await_log(f"error: {SAID[other['metadata']['name']]}", TIMEOUT)
    is_incomplete(agent, 1)
    follows(api, agent, 2)
    compare_all(agent)
    follows(api, agent, 3)
    assert not any(text.startswith("remove") for text in agent.texts())


def test_this_node_is_younger(api, start):
    """The others leave it out; it serves its pods all the same, and says so."""
    api.set(node("n1-anew", "192.168.1.1", "10.9.0.0/24", creationTimestamp=timestamp(10)))
    agent = start(node="n1-anew")
    agent.await_log("error: Node n1: InternalIP 192.168.1.1 is that of Node n1-anew too ", TIMEOUT)
    agent.await_log("which is this node; the other nodes leave this one out, as it is younger; "
                    "delete the Node that is no more; left out here", TIMEOUT)
    assert {"add node n1-anew", "add node n2"} <= set(agent.texts())
    assert "add node n1" not in agent.texts()
    assert values(agent)[INCOMPLETE] == 1
    follows(api, agent, 1)


def modes(agent, since=0):
    """Modes that were set, in their order."""
    return [c["config"]["mode"] for c in agent.changes[since:] if "mode" in c.get("config", {})]


def wrong_module_config(mode="VXLAN"):
    """One whose bpfLBMode is misspelt."""
    config = module_config(mode)
    config["spec"]["settings"]["bpfLBMode"] = "Foo"
    return config


def test_wrong_settings_at_the_start(api, start):
    """What can be read of them is obeyed, where nothing was before; all else is followed."""
    api.set(wrong_module_config())
    agent = start()
    agent.await_log("error: ModuleConfig cni-cilium: spec.settings.bpfLBMode: must be", TIMEOUT)
    agent.await_log("; until it is mended, settings stay as they were; where there were none, they "
                    "are what can be read", TIMEOUT)
    assert modes(agent) == ["vxlan"]
    is_incomplete(agent, 1)
    follows(api, agent, 1)
    compare_all(agent)
    follows(api, agent, 2)
    # No other setting changes before it is mended.
    api.set(wrong_module_config("Disabled"))
    follows(api, agent, 3)
    compare_all(agent)
    assert modes(agent) == ["vxlan"]
    api.set(module_config("Disabled"))
    wait_until(lambda: modes(agent) == ["vxlan", "classic"], TIMEOUT, lambda: modes(agent))
    is_incomplete(agent, 0)


def test_wrong_settings_later(api, start):
    """Those before stay; and all of them, where the object is new."""
    api.set(module_config("VXLAN"))
    agent = start()
    is_incomplete(agent, 0)
    api.set(wrong_module_config("Disabled"))
    agent.await_log("error: ModuleConfig cni-cilium: spec.settings.bpfLBMode: must be", TIMEOUT)
    is_incomplete(agent, 1)
    follows(api, agent, 1)
    compare_all(agent)
    follows(api, agent, 2)
    api.set(module_config("VXLAN"))
    is_incomplete(agent, 0)
    wrong = secret("d8-cni-configuration", cni="cilium", cilium="{")
    api.set(wrong)
    agent.await_log("Secret kube-system/d8-cni-configuration: data.cilium: must be a JSON object",
                    TIMEOUT)
    follows(api, agent, 3)
    compare_all(agent)
    assert modes(agent) == ["vxlan"]
    api.delete("Secret", "d8-cni-configuration")
    is_incomplete(agent, 0)
    assert modes(agent) == ["vxlan"]


def test_node_that_is_wrong(api, start):
    """Its state before is kept, and the metric says so until it is mended."""
    agent = start()
    item = node("n2", "192.168.1.2", "10.2.0.0/24", annotations={"dvpnet.io/mode": "x"})
    api.set(item)
    is_incomplete(agent, 1)
    follows(api, agent, 1)
    api.delete("Node", "n2")
    is_incomplete(agent, 0)

# SPDX-License-Identifier: GPL-2.0
"""What the agent makes of the platform's own objects, as they change."""

import os

import pytest

from agent import following, kubeconfig
from fake_api import (FakeApi, endpoint_slice, machine, module_config, namespace, node, pod, secret,
                      service)

TIMEOUT = int(os.environ.get("AGENT_TIMEOUT", "30"))
VM = "10.66.0.5"


@pytest.fixture(name="api")
def fixture_api():
    """Three nodes, a Service, and a virtual machine that is an endpoint of it."""
    server = FakeApi()
    server.set(*(node(f"n{n}", f"192.168.1.{n}", f"10.{n}.0.0/24") for n in (1, 2, 3)),
               namespace(), module_config("Disabled"), machine("vm", VM, "n1"),
               service("a", "10.222.0.1"), endpoint_slice("a-1", "a", VM))
    yield server
    server.close()


@pytest.fixture(name="agent")
def fixture_agent(api, tmp_path):
    """An agent that has seen all of it."""
    with following(api, kubeconfig(tmp_path / "config", api.url), TIMEOUT) as running:
        yield running


def holder(agent):
    """The node that has the machine's address by now."""
    nodes = [c["prefix"]["node"] for c in agent.changes
             if c.get("prefix", {}).get("prefix") == f"{VM}/32"]
    return nodes[-1] if nodes else None


def test_migration(api, agent):
    """A machine moves: one change of its prefix, when the target's label says so."""
    assert holder(agent) == "n1"
    before = len(agent.changes)
    api.set(pod("vm-b", VM, "n2", 2), machine("vm", VM, "n1", target="n2"), pod("vm-a", VM, "n1", 1))
    api.set(pod("vm-b", VM, "n2", 0))
    agent.await_change(f"change prefix {VM}/32", TIMEOUT)
    assert holder(agent) == "n2"
    api.set(machine("vm", VM, "n2"))
    api.delete("Pod", "vm-a")
    # Whatever comes next comes after what all of this has changed.
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    prefixes = [text for text in agent.texts(before) if "prefix" in text]
    assert prefixes == [f"change prefix {VM}/32"]
    assert "change service demo/a:http" in agent.texts(before)


def test_aborted(api, agent):
    """A migration that is aborted moves nothing; other pods are not even looked at."""
    before = len(agent.changes)
    api.set(pod("vm-a", VM, "n1", 1), pod("vm-b", VM, "n2", 2), pod("other", VM, "n3"))
    api.set(machine("vm", VM, "n1", target="n2"))
    api.delete("Pod", "vm-b")
    api.set(machine("vm", VM, "n1"))
    api.set(service("b", "10.222.0.2"))
    agent.await_change("add service demo/b:http", TIMEOUT)
    assert agent.texts(before) == ["add service demo/b:http"]


def test_stopped(api, agent):
    """A machine that is stopped has its address nowhere."""
    api.set(machine("vm", VM, ""))
    agent.await_change(f"remove prefix {VM}/32", TIMEOUT)


def test_secret_decides(api, agent):
    """It is obeyed, and said, when it comes; and no more when it is annotated."""
    cni = secret("d8-cni-configuration", cni="cilium", cilium='{"mode":"VXLAN"}')
    agent.await_log("mode classic: ModuleConfig cni-cilium, tunnelMode Disabled: Direct", TIMEOUT)
    api.set(cni)
    agent.await_log("mode vxlan: Secret kube-system/d8-cni-configuration, mode VXLAN, as annotation",
                    TIMEOUT)
    agent.await_log("warning: ModuleConfig cni-cilium: tunnelMode Disabled is ignored", TIMEOUT)
    cni["metadata"]["annotations"] = {
        "network.deckhouse.io/cni-configuration-source-priority": "ModuleConfig"}
    api.set(cni)
    agent.await_log("mode classic: ModuleConfig cni-cilium, tunnelMode Disabled: Direct, as "
                    "annotation", TIMEOUT)
    modes = [c["config"]["mode"] for c in agent.changes if "mode" in c.get("config", {})]
    assert modes[-2:] == ["vxlan", "classic"]


def test_ranges_follow(api, agent):
    """Those of a ClusterConfiguration, which is another Secret of the same namespace."""
    api.set(secret("d8-cni-configuration", cni="flannel"))
    api.set(secret("d8-cluster-configuration", **{"cluster-configuration.yaml":
                   "apiVersion: deckhouse.io/v1\nkind: ClusterConfiguration\nclusterType: Static\n"
                   "podSubnetCIDR: 10.111.0.0/16\nserviceSubnetCIDR: 10.222.0.0/16\n"}))
    agent.await_change("change ranges", TIMEOUT)
    agent.await_log("mode classic: ModuleConfig cni-cilium, tunnelMode Disabled: "
                    "DirectWithNodeRoutes, by clusterType Static", TIMEOUT)

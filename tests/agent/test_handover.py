# SPDX-License-Identifier: GPL-2.0
"""
What an agent makes of flows that are handed to it, and of what looks like it. It changes no kernel
here: tests/e2e/test_handover.py has the rest.
"""

import os

import pytest

from agent import Agent, following, kubeconfig, wait_until
from fake_api import (FakeApi, endpoint_slice, flow, machine, namespace, node, parcel, service,
                      timestamp)

TIMEOUT = int(os.environ.get("AGENT_TIMEOUT", "30"))
VM, OTHER = "10.66.0.5", "10.66.0.6"


@pytest.fixture(name="api")
def fixture_api():
    """Two nodes, a Service, a machine here and one at the other node."""
    server = FakeApi()
    server.set(*(node(f"n{n}", f"192.168.1.{n}", f"10.{n}.0.0/24") for n in (1, 2)), namespace(),
               machine("here", VM, "n1"), machine("there", OTHER, "n2"),
               service("a", "10.222.0.1"), endpoint_slice("a-1", "a", "10.2.0.5"))
    yield server
    server.close()


@pytest.fixture(name="agent")
def fixture_agent(api, tmp_path):
    """An agent that has seen all of it."""
    with following(api, kubeconfig(tmp_path / "config", api.url), TIMEOUT) as running:
        yield running
        # It changes nothing, and takes nothing from the agent that does.
        assert not api.asked("POST Parcel") and not api.asked("DELETE Parcel")


def flows(agent):
    """Flows that would be taken over, by client and port."""
    return [(c["flow"]["client"], c["flow"]["client_port"]) for c in agent.changes if "flow" in c]


def hold(agent, address):
    """How long the prefix of a machine was held when it changed last."""
    return [c["prefix"].get("hold") for c in agent.changes
            if c.get("prefix", {}).get("prefix") == f"{address}/32"][-1]


def test_taken(api, agent):
    """Flows of a machine that is here."""
    api.set(parcel("p", VM, [flow(VM, 4000), flow(VM, 4001)]))
    agent.await_change(f"add flow {VM}:4001", TIMEOUT)
    assert flows(agent) == [(VM, 4000), (VM, 4001)]


def test_held(api, agent):
    """A machine that comes from another node is held, one that begins here is not."""
    assert hold(agent, VM) is None and hold(agent, OTHER) is None
    api.set(machine("there", OTHER, "n1"), machine("new", "10.66.0.7", "n1"))
    agent.await_change(f"change prefix {OTHER}/32", TIMEOUT)
    agent.await_change("add prefix 10.66.0.7/32", TIMEOUT)
    assert hold(agent, OTHER) == 3000 and hold(agent, "10.66.0.7") is None
    api.set(machine("there", OTHER, "n2"))
    wait_until(lambda: hold(agent, OTHER) is None, TIMEOUT, "it has moved on")


def test_early(api, agent):
    """The flows are faster than the news of the move: they wait, in their order."""
    api.set(parcel("z", OTHER, [flow(OTHER, 4000)], more="true"))
    api.set(parcel("a", OTHER, [flow(OTHER, 4001)]), parcel("p", VM, [flow(VM, 4002)]))
    agent.await_change(f"add flow {VM}:4002", TIMEOUT)
    assert len(flows(agent)) == 1
    api.set(machine("there", OTHER, "n1"))
    agent.await_change(f"add flow {OTHER}:4001", TIMEOUT)
    assert flows(agent)[1:] == [(OTHER, 4000), (OTHER, 4001)]
    assert agent.texts().index(f"change prefix {OTHER}/32") < \
        agent.texts().index(f"add flow {OTHER}:4000")


def test_withdrawn(api, agent):
    """What is deleted while it waits is not used."""
    api.set(parcel("p", OTHER, [flow(OTHER, 4000)]))
    api.delete("Parcel", "p")
    api.set(machine("there", OTHER, "n1"), parcel("q", VM, [flow(VM, 4001)]))
    agent.await_change(f"change prefix {OTHER}/32", TIMEOUT)
    agent.await_change(f"add flow {VM}:4001", TIMEOUT)
    assert flows(agent) == [(VM, 4001)]


def test_stale(api, agent):
    """What is older than a minute is not used."""
    api.set(parcel("p", VM, [flow(VM, 4000)], age=70), parcel("q", VM, [flow(VM, 4001)], age=5),
            parcel("future", VM, [flow(VM, 4002)], age=-3600))
    agent.await_change(f"add flow {VM}:4002", TIMEOUT)
    agent.await_log("parcel p: it is too old: it is not used", TIMEOUT)
    assert flows(agent) == [(VM, 4001), (VM, 4002)]


def test_never_comes(api, agent):
    """Nor what waits until then for its machine."""
    api.set(parcel("p", OTHER, [flow(OTHER, 4000)], age=58))
    agent.await_log("parcel p: its machine has not come in time", TIMEOUT)
    api.set(machine("there", OTHER, "n1"))
    agent.await_change(f"change prefix {OTHER}/32", TIMEOUT)
    assert not flows(agent)


def test_many_wait(api, agent):
    """Only so many wait; the oldest go first."""
    api.set(*(parcel(f"p{n}", OTHER, [flow(OTHER, 4000 + n)]) for n in range(70)))
    agent.await_log("parcel p5: too many wait", TIMEOUT)
    api.set(machine("there", OTHER, "n1"))
    agent.await_change(f"add flow {OTHER}:4069", TIMEOUT)
    assert flows(agent) == [(OTHER, 4000 + n) for n in range(6, 70)]


WRONG = {
    "not json": ({"flows": "[{"}, "line 1: not JSON"),
    "no list": ({"flows": "{}"}, "not a list of flows"),
    "no flows": ({"flows": None}, "line 1: not JSON"),
    "no address": ({"address": None}, "address: is none"),
    "bad address": ({"address": "10.66.0"}, "address: is none"),
    "other node": ({"node": "n2"}, "node: is not this one"),
    "other address": ({"flows": [flow(VM, 4000), flow(OTHER, 4000)]}, "flow 2: does not go with"),
    "masqueraded": ({"flows": [flow(VM, 4000, flags=["masquerade"])]}, "flow 1: does not go with"),
    "bad flow": ({"flows": [flow(VM, 4000, state="odd")]}, "flow 1: state: must be new"),
    "bad time": ({}, "it is too old"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong(api, agent, case):
    """What makes no sense is named and not used, and the next is."""
    changed, said = WRONG[case]
    item = parcel("p", VM, changed.pop("flows", [flow(VM, 4000)]) or "")
    item["data"].update(changed)
    item["data"] = {key: value for key, value in item["data"].items() if value is not None}
    if case == "bad time":
        item["metadata"]["creationTimestamp"] = "yesterday"
    api.set(item, parcel("q", VM, [flow(VM, 4001)]))
    agent.await_log(f"parcel p: {said}", TIMEOUT)
    agent.await_change(f"add flow {VM}:4001", TIMEOUT)
    assert flows(agent) == [(VM, 4001)]


def test_others_are_not_read(api, agent):
    """Those for another node do not even come."""
    api.set(parcel("p", VM, "[{", to="n2"), parcel("q", VM, [flow(VM, 4001)]))
    agent.await_change(f"add flow {VM}:4001", TIMEOUT)
    assert not any("parcel p" in line for line in agent.log)


@pytest.mark.parametrize("status", [403, 404])
def test_no_namespace(api, tmp_path, status):
    """Without the rights or the namespace all else goes on; nobody waits for what cannot come."""
    api.on_list["Parcel"] = lambda handler, query: handler.refuse(status, "no such thing") or True
    with Agent(kubeconfig(tmp_path / "config", api.url)) as agent:
        agent.await_change("add service demo/a:http", TIMEOUT)
        agent.await_log("flows for this node: ", TIMEOUT)
        api.set(machine("there", OTHER, "n1"))
        agent.await_change(f"change prefix {OTHER}/32", TIMEOUT)
        assert hold(agent, OTHER) is None


def test_long_name(tmp_path):
    """The name of a node may be longer than a label."""
    name = "n" * 50 + "." + "m" * 50
    api = FakeApi()
    label = ""

    def note(_, query):
        nonlocal label
        label = query["labelSelector"].split("=")[1]
        return False

    api.on_list["Parcel"] = note
    api.set(node(name, "192.168.1.1", "10.1.0.0/24"), namespace(), machine("here", VM, name))
    with Agent(kubeconfig(tmp_path / "config", api.url), node=name) as agent:
        agent.await_change(f"add prefix {VM}/32", TIMEOUT)
        wait_until(api.is_followed, TIMEOUT, "streams")
        assert len(label) <= 63 and label.startswith(name[:40] + "_")
        item = parcel("p", VM, [flow(VM, 4000)], to=name)
        item["metadata"].update(labels={"dvpnet.io/flows-for": label},
                                creationTimestamp=timestamp())
        api.set(item)
        agent.await_change(f"add flow {VM}:4000", TIMEOUT)
    api.close()

# SPDX-License-Identifier: GPL-2.0
"""
Agents hand over the flows of machines that move: a real agent and kernel, an API server that fails
when it is told to (tests/agent/fake_api.py). What makes no sense is in tests/agent/test_handover.py.
"""

import json
import pathlib
import sys
import time

import pytest

from lab import counters, ctl, ctl_json, netns, wait_until
from lab.genl import Genl, address, attributes, u8, u16, u32
from lab.pair import SERVICE4, Pair

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "agent"))
# pylint: disable=wrong-import-position
from agent import Agent, kubeconfig  # noqa: E402
from fake_api import FakeApi, machine, parcel  # noqa: E402

VM = "10.66.0.5"


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes; only the left one has an agent."""
    with Pair() as pair:
        yield pair


@pytest.fixture(name="api")
def fixture_api(pair):
    """An API server that the left node finds, with a machine at the left node."""
    with netns("left"):
        server = FakeApi()
    server.set(*({**item, "metadata": {"resourceVersion": "1", **item["metadata"]}}
                 for item in pair.objects()), machine("vm", VM, "left"))
    yield server
    server.close()


@pytest.fixture(name="agent")
def fixture_agent(api, tmp_path):
    """The left node's agent, which has all."""
    with netns("left"):
        agent = Agent(kubeconfig(tmp_path / "config", api.url), node="left", dry_run=False)
    with agent:
        agent.await_log("all: ", 60)
        wait_until(api.is_followed, 60)
        ctl("left", "flush", "flow")
        yield agent
        assert agent.end() == 0


def holder():
    """Which node has the machine, and how long it is held."""
    return next(((p["node"], p.get("hold", 0)) for p in ctl_json("left", "prefix", "show")
                 if p["prefix"] == f"{VM}/32"), None)


def move(api, node):
    """The machine is at this node now; until the left node knows."""
    api.set(machine("vm", VM, node))
    wait_until(lambda: holder()[0] == node, 30)


def connect(*ports, client=VM, flags=0):
    """Connections of the machine to the Service."""
    with Genl("left") as genl:
        for port in ports:
            genl.request("FLOW_NEW", attributes(
                "FLOW", proto=u8(6), client=address(client), client_port=u16(port),
                frontend=address(SERVICE4), frontend_port=u16(7), backend=address("10.9.2.10"),
                backend_port=u16(7), source_port=u16(port), state=u32(1), flags=u32(flags),
                expires=u32(1000)))


def ports_of(client=VM):
    """Client ports of its flows at the left node."""
    return sorted(f["client_port"] for f in ctl_json("left", "flow", "show")
                  if f["client"] == client)


def saved(*ports, client=VM):
    """Such connections as text, as another node would save them."""
    return [{"protocol": "tcp", "client": client, "client_port": port, "frontend": SERVICE4,
             "frontend_port": 7, "backend": "10.9.2.10", "backend_port": 7, "source": client,
             "source_port": port, "service": "test/echo:tcp", "state": "established", "flags": [],
             "expires": 500} for port in ports]


def parcels(api):
    """What is there for the right node: data, in the order in which it came."""
    items = sorted(api.objects["Parcel"].values(),
                   key=lambda item: int(item["metadata"]["resourceVersion"]))
    assert {item["metadata"]["labels"]["dvpnet.io/flows-for"] for item in items} <= {"right"}
    return [item["data"] for item in items]


# ---- it leaves ----

def test_leaves(api, agent):
    """Its flows are written for the node that it goes to, those of others are not."""
    connect(4000, 4001)
    connect(4002, client="10.9.1.77")
    move(api, "right")
    agent.await_log(f"machine {VM} goes to node right; flows: 2 go along, 0 cannot")
    wait_until(lambda: parcels(api), 30)
    (data,) = parcels(api)
    assert (data["address"], data["node"], data["more"]) == (VM, "right", "false")
    flows = json.loads(data["flows"])
    assert sorted(flow["client_port"] for flow in flows) == [4000, 4001]
    assert {key: flows[0][key] for key in ("backend", "state", "service")} == \
        {"backend": "10.9.2.10", "state": "established", "service": "test/echo:tcp"}
    name = next(iter(api.objects["Parcel"]))[1]
    assert name.startswith(f"flows-{VM}-")
    # What was written is what "flow restore" reads.
    ctl("left", "flush", "flow")
    assert "2 restored, 0 refused" in ctl("left", "flow", "restore", stdin=data["flows"]).stdout


def test_leaves_without(api, agent):
    """Without flows that is said, so that nobody waits; one that is stopped leaves nothing."""
    move(api, "right")
    agent.await_log(f"machine {VM} goes to node right; flows: 0 go along")
    wait_until(lambda: parcels(api), 30)
    assert parcels(api)[0]["flows"] == "[]"
    move(api, "left")
    api.set(machine("vm", VM, ""))
    wait_until(lambda: not holder(), 30)
    api.set(machine("vm", VM, "right"))
    wait_until(holder, 30)
    assert len(parcels(api)) == 1


def test_many(api, agent):
    """More than an object may hold goes in several, one after the other."""
    ports = range(10000, 13000)
    connect(*ports)
    move(api, "right")
    agent.await_log(f"machine {VM} goes to node right; flows: 3000 go along")
    wait_until(lambda: any(d["more"] == "false" for d in parcels(api)), 60)
    found = parcels(api)
    assert [d["more"] for d in found] == ["true"] * (len(found) - 1) + ["false"]
    assert len(found) > 1 and max(len(d["flows"]) for d in found) <= 500 << 10
    assert sorted(f["client_port"] for d in found for f in json.loads(d["flows"])) == list(ports)


def test_write_fails(api, agent):
    """It is tried again; a few times, then it is said, and all else goes on."""
    left = [2]

    def refuse(handler, method):
        if method == "POST" and left[0]:
            left[0] -= 1
            handler.refuse(500, "etcd is having a bad day")
            return True
        return False

    api.on_write = refuse
    connect(4000)
    move(api, "right")
    wait_until(lambda: parcels(api), 30)
    assert api.asked("POST Parcel") == 3
    assert not any("warning: flows of" in line for line in agent.log)
    move(api, "left")
    left[0] = 100
    move(api, "right")
    agent.await_log(f"warning: flows of {VM} could not be handed to node right: HTTP status 500: "
                    "etcd", 30)
    assert api.asked("POST Parcel") == 3 + 4 and len(parcels(api)) == 1
    move(api, "left")


def test_no_answer(api, agent):
    """The API server says nothing at all."""
    api.on_write = lambda handler, method: time.sleep(4) or True
    connect(4000)
    move(api, "right")
    agent.await_log(f"warning: flows of {VM} could not be handed to node right", 60)
    move(api, "left")


# ---- it comes ----

@pytest.fixture(name="away")
def fixture_away(api, agent):
    """The machine is at the right node; what the left one has written about that is gone."""
    move(api, "right")
    wait_until(lambda: parcels(api), 30)
    api.delete("Parcel", next(iter(api.objects["Parcel"]))[1])
    ctl("left", "flush", "flow")
    return agent


def test_comes(api, away):
    """It is held until its flows have come, and no longer; then what brought them is deleted."""
    move(api, "left")
    assert 0 < holder()[1] <= 3000
    api.set(parcel("p", VM, saved(4000, 4001), to="left"))
    wait_until(lambda: holder() == ("left", 0), 10)
    assert ports_of() == [4000, 4001]
    away.await_log(f"machine {VM}: flows: 2 taken over, 0 refused")
    wait_until(lambda: not api.objects["Parcel"], 10)
    # Nobody had to wait for the end of the hold.
    assert counters("left")["flow_awaited"] == 0


def test_comes_later(api, away):
    """The flows are there before the machine."""
    api.set(parcel("p", VM, saved(4000), to="left"))
    wait_until(lambda: not api.streams["Parcel"][0].qsize(), 10)
    assert ports_of() == []
    move(api, "left")
    wait_until(lambda: holder() == ("left", 0), 10)
    assert ports_of() == [4000]
    wait_until(lambda: not api.objects["Parcel"], 10)
    assert f"machine {VM}: flows: 1 taken over, 0 refused" in "".join(away.log)


def test_hold_ends(api, away):
    """Nothing comes, and it is held no longer than that."""
    move(api, "left")
    assert holder()[1]
    wait_until(lambda: holder() == ("left", 0), 10)
    # What comes now is better than nothing.
    api.set(parcel("p", VM, saved(4000), to="left"))
    away.await_log("flows: 1 taken over", 10)
    assert ports_of() == [4000]


def test_parts(api, away):
    """It is held until the last of several has come."""
    move(api, "left")
    api.set(parcel("p", VM, saved(4000), to="left", more="true"))
    away.await_log("flows: 1 taken over", 10)
    assert holder()[1]
    api.set(parcel("o", VM, saved(4001), to="left"))
    wait_until(lambda: holder() == ("left", 0), 2)
    assert ports_of() == [4000, 4001]


def test_twice(api, away):
    """The same once more changes nothing: by another object, by a change of it, by a new list."""
    move(api, "left")
    api.on_write = lambda handler, method: handler.refuse(500, "not now") or True
    api.set(parcel("p", VM, saved(4000), to="left"), parcel("q", VM, saved(4000), to="left"))
    away.await_log("warning: parcel p could not be deleted: HTTP status 500: not now", 30)
    assert ports_of() == [4000]
    api.on_write = lambda handler, method: False
    api.set(parcel("p", VM, saved(4000), to="left"))
    wait_until(lambda: ("dvpnet", "p") not in api.objects["Parcel"], 10)
    api.send("Parcel", b'{"type": "ERROR", "object": {"kind": "Status", "code": 410}}\n')
    wait_until(lambda: not api.objects["Parcel"], 30)
    assert ports_of() == [4000]
    assert not any("1 refused" in line for line in away.log)


def test_comes_back(api, agent):
    """What it had here before is no more: a port that it uses anew has another backend."""
    connect(4000, 4001)
    move(api, "right")
    wait_until(lambda: parcels(api), 30)
    move(api, "left")
    flows = saved(4000)
    flows[0]["backend"] = "10.9.1.10"
    api.set(parcel("p", VM, flows, to="left"))
    agent.await_log(f"machine {VM}: flows: 1 taken over, 0 refused", 10)
    assert ports_of() == [4000]
    assert next(f["backend"] for f in ctl_json("left", "flow", "show")
                if f["client"] == VM) == "10.9.1.10"


def test_refused(api, away):
    """What the kernel refuses is counted and said with the first reason; the rest comes."""
    move(api, "left")
    flows = saved(4000, 4001, 4002)
    flows[0]["backend"] = "10.9.2.99"
    flows[1]["frontend_port"] = 99
    api.set(parcel("p", VM, flows, to="left"))
    away.await_log(f"warning: machine {VM}: flows: 1 taken over, 2 refused: the Service has no such "
                   "backend", 10)
    assert ports_of() == [4002] and holder() == ("left", 0)
    wait_until(lambda: not api.objects["Parcel"], 10)


def test_deleted_by_others(api, away):
    """What is to be deleted is gone already: that is no failure."""
    move(api, "left")
    api.on_write = lambda handler, method: handler.refuse(404, "not found") or True
    api.set(parcel("p", VM, saved(4000), to="left"))
    wait_until(lambda: api.asked("DELETE Parcel"), 10)
    api.on_write = lambda handler, method: False
    api.set(parcel("q", VM, saved(4001), to="left"))
    wait_until(lambda: ("dvpnet", "q") not in api.objects["Parcel"], 10)
    assert api.asked("DELETE Parcel p") == 1
    assert not any("warning: parcel" in line for line in away.log)


def test_wrong(api, away):
    """Flows of others are not taken, whoever wrote them; it is deleted."""
    move(api, "left")
    api.set(parcel("p", VM, saved(4000, client="10.9.1.77"), to="left"))
    away.await_log("parcel p: flow 1: does not go with this address: it is not used", 10)
    wait_until(lambda: not api.objects["Parcel"], 10)
    assert ports_of("10.9.1.77") == []

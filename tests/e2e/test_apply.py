# SPDX-License-Identifier: GPL-2.0
"""dvpnetctl apply: nothing but what differs is changed, and all that differs is."""

import json
import signal
import subprocess

import pytest

from lab import TcpStream, UdpExchange, apply, ask, ctl, ctl_json, netns
from lab import objects as o
from lab.ctl import CLUSTER_FILES, DVPNETCTL
from lab.genl import ATTR, Genl, text_of
from lab.many import services
from lab.monitor import Monitor
from lab.pair import SERVICE4, SERVICE6, Pair
from lab.state import backends, generation, state


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes."""
    with Pair() as pair:
        yield pair


@pytest.fixture(name="node")
def fixture_node(pair):
    """The left node, configured, with a monitor."""
    pair.apply()
    with Monitor("left") as monitor:
        yield monitor


def extra_node(number=7, **fields):
    """A third node, which only exists on paper."""
    return o.node(f"n{number}", [f"192.168.9.{number}"], [f"10.9.{number}.0/24"], **fields)


def as_list(items):
    """The items as one JSON document."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def as_yaml(items):
    """The items as documents of YAML, of which JSON is a kind."""
    return "".join(f"---\n{json.dumps(item, indent=1)}\n" for item in items)


def test_same_again(pair, node):
    """A second, identical apply changes nothing: no event, no generation."""
    before = state("left"), generation("left")
    for _ in range(3):
        assert "0 added, 0 changed, 0 removed\n" in apply("left", pair.objects()).stdout
    assert (state("left"), generation("left")) == before
    assert not node.events()


@pytest.mark.parametrize("order", ["reversed", "sorted"])
def test_order_does_not_matter(pair, node, order):
    """The order of objects, endpoints and addresses' families is not a change."""
    items = pair.objects()
    items = items[::-1] if order == "reversed" else sorted(items, key=json.dumps)
    for item in items:
        if item["kind"] == "EndpointSlice":
            item["endpoints"].reverse()
            item["ports"].reverse()
    apply("left", items)
    assert not node.events()


def test_node_comes_changes_and_goes(pair, node):
    """A Node is one event, its prefix another; what is no longer described is removed."""
    apply("left", pair.objects(more=[extra_node()]))
    assert node.events() == [("set", "node", "n7"), ("set", "prefix", "10.9.7.0/24")]
    moved = extra_node(annotations={"dvpnet.io/mode": "classic"})
    apply("left", pair.objects(more=[moved]))
    assert node.events() == [("set", "node", "n7")]
    moved["spec"]["podCIDRs"] = ["10.9.8.0/24"]
    apply("left", pair.objects(more=[moved]))
    assert sorted(node.events()) == [("deleted", "prefix", "10.9.7.0/24"),
                                     ("set", "prefix", "10.9.8.0/24")]
    apply("left", pair.objects())
    gone = node.events()
    assert gone[-1] == ("deleted", "node", "n7") and len(gone) <= 2
    assert len(state("left")["nodes"]) == len(state("left")["prefixes"]) // 2 == 2


def test_prefix_moves(pair, node):
    """A prefix moves to another node in one step: it is set, never deleted."""
    first, second = extra_node(7), extra_node(8)
    apply("left", pair.objects(more=[first, second]))
    node.events()
    first["spec"]["podCIDRs"], second["spec"]["podCIDRs"] = [], ["10.9.7.0/24", "10.9.8.0/24"]
    del first["spec"]["podCIDR"]
    apply("left", pair.objects(more=[first, second]))
    assert node.events() == [("set", "prefix", "10.9.7.0/24")]


def test_addresses_change_hands(pair, node):
    """Two nodes which swap their addresses are two events."""
    first, second = extra_node(7), extra_node(8)
    apply("left", pair.objects(more=[first, second]))
    node.events()
    first["status"], second["status"] = second["status"], first["status"]
    apply("left", pair.objects(more=[first, second]))
    with Genl("left") as genl:
        nodes = {text_of(n.get(ATTR["NODE"]["NAME"])): n.get(ATTR["NODE"]["UNDERLAY4"])
                 for n in genl.dump("NODE_GET")}
    assert (nodes["n7"][3], nodes["n8"][3]) == (8, 7)
    assert {name for _, kind, name in node.events() if kind == "node"} == {"n7", "n8"}
    apply("left", pair.objects(more=[first, second]))
    assert not node.events()


def test_address_taken_over(pair, node):
    """A node which goes leaves its address to a new one, in one apply."""
    apply("left", pair.objects(more=[extra_node(7)]))
    node.events()
    heir = extra_node(8)
    heir["status"]["addresses"][0]["address"] = "192.168.9.7"
    apply("left", pair.objects(more=[heir]))
    assert {("set", "node", "n8"), ("set", "prefix", "10.9.8.0/24")} <= set(node.events())
    with Genl("left") as genl:
        assert genl.names("NODE") == {"left", "right", "n8"}
    apply("left", pair.objects(more=[heir]))
    assert not node.events()


def test_service_comes_changes_and_goes(pair, node):
    """A Service is as many events as it has ports and families."""
    more = services(1)
    apply("left", pair.objects(more=more))
    assert node.events() == [("set", "service", "many/s0")]
    more[1]["endpoints"].pop()
    apply("left", pair.objects(more=more))
    assert node.events() == [("set", "service", "many/s0")]
    apply("left", pair.objects())
    assert node.events() == [("deleted", "service", "many/s0")]


def test_restart_writes_the_difference(pair, node):
    """A start with two objects too many and one too few in the kernel writes those three alone."""
    more = services(4)
    apply("left", pair.objects(more=more))
    assert len(node.events()) == 4
    apply("left", pair.objects(more=[*services(2), *services(5)[-2:]]))
    assert sorted(node.events()) == [("deleted", "service", "many/s2"),
                                     ("deleted", "service", "many/s3"),
                                     ("set", "service", "many/s4")]


def test_mode_changes(pair, node):
    """Another tunnelMode is one event of the configuration, and none of nodes or services."""
    apply("left", pair.objects(mode="classic"))
    assert [event[:2] for event in node.events()] == [("set", "config")]
    apply("left", pair.objects(mode="vxlan"))
    assert [event[:2] for event in node.events()] == [("set", "config")]


def test_sources_are_equal(pair, node, tmp_path):
    """Standard input, a List, documents, several files, a directory: all say the same."""
    items = pair.objects()
    files = tmp_path / "files"
    files.mkdir()
    for number, item in enumerate(items):
        (files / f"{number}.{('yaml', 'json', 'yml')[number % 3]}").write_text(
            json.dumps(item), encoding="utf-8")
    (files / "README.txt").write_text("{ not for us", encoding="utf-8")
    (tmp_path / "list.json").write_text(as_list(items), encoding="utf-8")
    (tmp_path / "documents.yaml").write_text(as_yaml(items), encoding="utf-8")
    (tmp_path / "nested.yaml").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [json.loads(as_list(items))]}),
        encoding="utf-8")
    for words, stdin in ((["-"], as_list(items)), (["-"], as_yaml(items)), ([files], None),
                         ([f"{files}/"], None), ([tmp_path / "list.json"], None),
                         ([tmp_path / "documents.yaml"], None),
                         (sorted(p for p in files.iterdir() if p.suffix != ".txt"), None)):
        said = ctl("left", "apply", "--node", "left", "-f", *words, stdin=stdin).stdout
        assert "0 added, 0 changed, 0 removed\n" in said, words
    assert not node.events()


def test_unknown_kinds_are_skipped(pair, node):
    """All other objects of a cluster, in a dump of all of it, are passed over without a word."""
    others = [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
               "spec": {"nodeName": 5}},
              {"apiVersion": "example.com/v1", "kind": "Service", "metadata": {"name": "x"},
               "spec": "knative has such"},
              {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}]
    # The real cluster has its own Namespace kube-system, whose UID is the secret.
    items = [item for item in pair.objects(more=others) if item["kind"] != "Namespace"]
    for changed, events in ((1, 2), (0, 0)):
        done = ctl("left", "apply", "--node", "left", "-f", "-", CLUSTER_FILES / "rest.yaml",
                   stdin=as_list(items))
        # It has a ServiceCIDR; the secret, which nobody can read, is an event without a count.
        assert f"0 added, {changed} changed, 0 removed\n" in done.stdout and not done.stderr
        assert len(node.events()) == events


def test_ranges_come_and_go(pair):
    """Ranges of the cluster are those of the last apply, also when that has none."""
    cidr = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "a"},
            "spec": {"cidrs": ["10.99.0.0/16", "fd00:99::/112"]}}
    for more, count in (([cidr], 2), ([], 0), ([cidr], 2)):
        pair.apply(more=more)
        assert len(ctl_json("left", "config", "show")["ranges"]) == count
        done = ctl("left", "apply", "--node", "left", "-f", "-",
                   stdin=as_list(pair.objects(more=more)))
        assert "0 added, 0 changed, 0 removed\n" in done.stdout
    pair.apply()


def test_json_summary(pair):
    """-j tells the same as the summary, for programs."""
    pair.apply()
    done = ctl("left", "-j", "apply", "--node", "left", "-f", "-",
               stdin=as_list(pair.objects(more=services(3))))
    summary = json.loads(done.stdout)
    assert (summary["added"], summary["changed"], summary["removed"]) == (3, 0, 0)


# ---- killed half-way ----

def test_killed_half_way(pair):
    """
    kill -9 of an apply that changes 5000 services, after its first: each service is wholly as it
    was or as it ought to be, traffic goes on, the next apply finishes the work.
    """
    count = 5000
    pair.apply(more=services(count, backend=1))
    old = backends("left", "many")
    text = as_list(pair.objects(more=services(count, backend=2)))
    with Genl("left", timeout=300) as events, Genl("left") as genl, \
            TcpStream("left-pod", SERVICE4, 7) as stream, \
            UdpExchange("left-pod", SERVICE6, 7) as exchange:
        exchange.wait_for(10)
        before = genl.generation()
        events.subscribe()
        with netns("left"):
            process = subprocess.Popen([DVPNETCTL, "apply", "--node", "left", "-f", "-"],
                                       stdin=subprocess.PIPE, text=True)
        process.stdin.write(text)
        process.stdin.close()
        events.sock.recv(1)
        process.kill()
        assert process.wait(60) == -signal.SIGKILL

        # A dead socket's sync is abandoned: another one can begin, at once.
        genl.abort(genl.begin())
        # What it set is set, and readers can tell.
        assert genl.generation() > before
        found = backends("left", "many")
        ask("left-pod", SERVICE4, 7)
        stream.wait_for(1 << 16)
        exchange.wait_for(10)
    assert stream.failure is None
    assert exchange.lost == [] and exchange.errors == []

    done = apply("left", json.loads(text)["items"], timeout=300)
    new = backends("left", "many")
    assert len(old) == len(found) == len(new) == count
    assert all(old[name] != new[name] for name in new)
    assert all(found[name] in (old[name], new[name]) for name in new)
    changed = sum(found[name] == new[name] for name in new)
    print(f"{changed} of {count} services changed before it was killed")
    assert 0 < changed < count
    assert f"0 added, {count - changed} changed, 0 removed" in done.stdout
    pair.apply()


def test_dead_socket_sweeps_nothing(pair):
    """A sync that would replace everything, and whose socket dies, has removed nothing."""
    pair.apply()
    before = state("left")
    with Genl("left") as dying:
        dying.begin(1)
    assert state("left") == before
    with Genl("left") as genl:
        genl.abort(genl.begin())

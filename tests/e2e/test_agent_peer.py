# SPDX-License-Identifier: GPL-2.0
"""
dvpnet beside kube-proxy: one node each, the same API server, the same objects, the same questions.
Where answers differ, docs/differences.md says why. tests/e2e/api.sh KERNEL test_agent_peer.py
"""

import re

import pytest

from lab import ECHO_PORT, ip, wait_until
from lab.api import FOLDER, Agent
from lab.crowd import who
from lab.ctl import REPO
from lab.peer import (KUBE_PROXY, PAIR, KubeProxy, lift_limits, outcomes_of, probes, route_pods,
                      text)
from lab.services import balanced, external_ip, lb_ip, route_frontends, service, vip

# Fixtures; pylint: disable=unused-import,redefined-outer-name
from test_agent import MODULE_CONFIG, api, doors

pytestmark = [
    pytest.mark.api, pytest.mark.usefixtures("many_files"),
    pytest.mark.skipif(not FOLDER.exists(), reason="no API server: tests/e2e/api.sh starts one"),
    pytest.mark.skipif(not KUBE_PROXY, reason="no kube-proxy: tests/e2e/api.sh names it"),
]

SYNC_TIMEOUT = 180
SENTINEL = 149
EVERYWHERE = ["web-n1-a", "web-n2-a", "web-n3-a"]
BEYOND = ["web-n3-a"]
LOCAL = {"externalTrafficPolicy": "Local"}
INTERNAL = {"internalTrafficPolicy": "Local"}
READY_DRAINING = {"ready": True, "serving": True, "terminating": True}
DRAINING = {"ready": False, "serving": True, "terminating": True}
ENDED = {"ready": False, "serving": False, "terminating": True}
UNREADY = {"ready": False}
AFFINITY = {"sessionAffinity": "ClientIP"}


def shape(names, conditions=None, labels=None, ingress=None, some=None, **spec):
    """
    A Service: who serves, under what conditions, all or those named in `some`; `hint` of the conditions
    makes hints, "zone" or "node".
    """
    return {"names": names, "conditions": conditions or {}, "labels": labels, "ingress": ingress,
            "some": some, "spec": spec}


SHAPES = {
    "plain": shape(EVERYWHERE),
    "two-near": shape(["web-n1-a", "web-n2-a", "dns-n1", "web-n2-b"]),
    "itself": shape(["client-n1", "client-n2"]),
    "node-itself": shape(["n1", "n2"]),
    "external-local": shape(EVERYWHERE, **LOCAL),
    "external-local-none": shape(BEYOND, **LOCAL),
    "external-local-itself": shape(["client-n1", "client-n2"], **LOCAL),
    "internal-local": shape(EVERYWHERE, **INTERNAL),
    "internal-local-none": shape(BEYOND, **INTERNAL),
    "both-local": shape(EVERYWHERE, **LOCAL, **INTERNAL),
    "both-local-none": shape(BEYOND, **LOCAL, **INTERNAL),
    "nobody": shape([]),
    "nobody-local": shape([], **LOCAL, **INTERNAL),
    "unready": shape(EVERYWHERE, UNREADY),
    "unready-near": shape(EVERYWHERE, UNREADY, some=EVERYWHERE[:2]),
    "draining": shape(EVERYWHERE, DRAINING),
    "draining-near": shape(EVERYWHERE, DRAINING, some=EVERYWHERE[:2]),
    "draining-near-local": shape(EVERYWHERE, DRAINING, some=EVERYWHERE[:2], **LOCAL, **INTERNAL),
    "draining-but-ready": shape(EVERYWHERE, READY_DRAINING),
    "ended": shape(EVERYWHERE, ENDED),
    "ended-local": shape(EVERYWHERE, ENDED, **LOCAL),
    "affinity": shape(EVERYWHERE, **AFFINITY),
    "affinity-local": shape(["web-n1-a", "web-n2-a", "dns-n1", "web-n2-b"], **AFFINITY, **LOCAL),
    "ranges-outside": shape(EVERYWHERE, loadBalancerSourceRanges=[
        "198.51.100.0/24", "2001:db8:51::/64"]),
    "ranges-elsewhere": shape(EVERYWHERE, loadBalancerSourceRanges=[
        "192.0.2.0/24", "2001:db8:99::/64"]),
    "ranges-nodes": shape(EVERYWHERE, loadBalancerSourceRanges=["192.168.0.0/16", "fd00:1::/64"]),
    "ranges-local": shape(EVERYWHERE, loadBalancerSourceRanges=[
        "198.51.100.0/24", "2001:db8:51::/64"], **LOCAL),
    "zones": shape(EVERYWHERE, {"hint": "zone"}),
    "zones-one-without": shape(EVERYWHERE, {"hint": "zone"}, some=EVERYWHERE[:2]),
    "zones-not-this": shape(BEYOND, {"hint": "zone"}),
    "nodes": shape(EVERYWHERE, {"hint": "node"}),
    "nodes-one-without": shape(EVERYWHERE, {"hint": "node"}, some=EVERYWHERE[:2]),
    "zones-and-local": shape(EVERYWHERE, {"hint": "zone"}, **LOCAL),
    "proxy-mode": shape(EVERYWHERE, ingress="Proxy"),
    "no-node-port": shape(EVERYWHERE, allocateLoadBalancerNodePorts=False),
    "another-proxy": shape(EVERYWHERE, labels={"service.kubernetes.io/service-proxy-name": "x"}),
    "called-headless": shape(EVERYWHERE, labels={"service.kubernetes.io/headless": ""}),
}
NUMBERS = {name: 100 + number for number, name in enumerate(SHAPES)}


def objects_of(cluster, name):
    """A shape's objects."""
    of = SHAPES[name]
    hosts = []
    for host in of["names"]:
        conditions = dict(of["conditions"]) if host in (of["some"] or of["names"]) else {}
        hint = conditions.pop("hint", None)
        host = cluster[host]
        if hint == "zone":
            conditions["zones"] = [cluster[host.node].zone]
        elif hint == "node":
            conditions["nodes"] = [host.node]
        hosts.append((host, conditions))
    ingress = of["ingress"] and [{"ip": lb_ip(NUMBERS[name], family), "ipMode": of["ingress"]}
                                 for family in (4, 6)]
    spec = dict(of["spec"])
    if spec.get("externalTrafficPolicy") == "Local":
        # Else the API server chooses one, and perhaps the NodePort of another.
        spec["healthCheckNodePort"] = 31000 + NUMBERS[name]
    items = balanced(name, NUMBERS[name], hosts, ingress=ingress, **spec)
    if "allocateLoadBalancerNodePorts" in spec:
        for item in items[0]["spec"]["ports"]:
            del item["nodePort"]
    for item in items:
        item["metadata"].setdefault("labels", {}).update(of["labels"] or {})
    return items


def tell_zone(api, cluster, name):
    """
    A node's zone once more, by a change of it. kube-proxy 1.36 listens to its Node before it has
    registered who is to be told of the zone (NewNodeTopologyConfig), and may so miss it for ever.
    """
    for zone in ("another", cluster[name].zone):
        api.patch(f"/api/v1/nodes/{name}",
                  {"metadata": {"labels": {"topology.kubernetes.io/zone": zone}}})


@pytest.fixture(scope="module")
def pair(cluster, api, doors, tmp_path_factory):
    """n1 with dvpnet's agent, n2 with kube-proxy, each with all the Services, and pods routed."""
    del doors
    folder = tmp_path_factory.mktemp("peer")
    api.patch(MODULE_CONFIG, {"metadata": {"annotations": {"dvpnet.io/trust-underlay": "true"}},
                              "spec": {"settings": {"tunnelMode": "Disabled"}}})
    items = [item for name in SHAPES for item in objects_of(cluster, name)]
    items += service("sentinel", SENTINEL, [(80, ECHO_PORT, "UDP")], [cluster["web-n3-a"]])
    for item in items:
        status = item.pop("status", None)
        api.create(item)
        if status:
            api.patch(f"{api.path(item)}/{item['metadata']['name']}/status", {"status": status})
    lift_limits(cluster)
    route_pods(cluster, "n2")
    ip("address add 203.0.113.12/32 dev eth0", ns="n2")
    ip("route add 203.0.113.12 via 192.168.1.12", ns="r1")
    agent = Agent("n1", folder)
    agent.start("--verbose")
    proxy = KubeProxy("n2", folder)
    try:
        with cluster.routers_carry_pods():
            for node, log in (("n1", agent), ("n2", proxy)):
                for family in (4, 6):
                    wait_until(lambda node=node, family=family: who(
                        f"client-{node}", vip(SENTINEL, family), 80, count=2, patience=0.5) ==
                        {"web-n3-a"}, SYNC_TIMEOUT, f"{node} serves: {log.said()[-3000:]}")
            tell_zone(api, cluster, "n2")
            yield
    finally:
        print(f"--- agent:\n{agent.said()[-3000:]}\n--- kube-proxy:\n{proxy.said()[-3000:]}")
        assert agent.stop() == 0
        proxy.stop()
        ip("route del 203.0.113.12", ns="r1")
        api.delete(*items)
        api.patch(MODULE_CONFIG, {"metadata": {"annotations": {"dvpnet.io/trust-underlay": None}},
                                  "spec": {"settings": {"tunnelMode": "VXLAN"}}})


def one_of_many(found):
    """With affinity: how many servers, not which; the choice is free."""
    servers = {word.split(" sees ")[0] for word in found if " sees " in word}
    return {f"{len(servers)} server"} if servers else found


# Where the two differ: lines as of show(), and where docs/differences.md says why.
UDP_REFUSED = ("udp-refused-on-the-node",
               r"udp node (cluster-ip|load-balancer|external-ip): refused \| silent")
DIFFERENCES = {
    "node-itself": [("own-process-as-endpoint",
                     r"(tcp|udp) (pod|outside|pod of another node) [a-z-]+: "
                     r"other node sees node, this node sees node \| "
                     r"other node sees node, this node sees client")],
    "nobody": [UDP_REFUSED],
    "nobody-local": [UDP_REFUSED],
    "unready": [UDP_REFUSED],
    "ended": [UDP_REFUSED],
    "ended-local": [UDP_REFUSED],
    "called-headless": [("headless-by-label", r"(tcp|udp) .*: (silent|refused) \| (refused|silent)")],
    "elsewhere": [(UDP_REFUSED[0], r"udp node unused port of cluster-ip: refused \| silent"),
                  ("unused-port-of-a-load-balancer",
                   r"(tcp|udp) \w+ unused port of load-balancer: refused( or silent)? \| silent")],
}


def show(kind, name, ours, theirs):
    """A line that says what the two make of a probe."""
    return f"{kind} {' '.join(name)}: {text(ours)} | {text(theirs)}"


def compare(cluster, family, kind, questions, servers=3, summary=lambda found: found):
    """
    Ask both nodes; questions(node) are probes. Returns where they differ, as lines. What differs is asked
    again, with patience: a busy guest loses packets.
    """
    names, answers = None, {node: {} for node in PAIR}
    for patience in (2, 10):
        for node in PAIR:
            wanted = {name: probe for name, probe in questions(node).items()
                      if names is None or name in names}
            route_frontends(cluster, node)
            found = outcomes_of(cluster, node, wanted, family, kind, servers, patience)
            answers[node].update({name: summary(words) for name, words in found.items()})
        ours, theirs = (answers[node] for node in PAIR)
        names = [name for name in ours if ours[name] != theirs[name]]
        if not names:
            break
    with (REPO / "build/peer.txt").open("a", encoding="utf-8") as file:
        for name, found in ours.items():
            file.write(f"{'*' if name in names else ' '} v{family} "
                       f"{show(kind, name, found, theirs[name])}\n")
    return [show(kind, name, ours[name], theirs[name]) for name in names]


def check(shape_name, lines):
    """Each line is known for this shape, and all that is known for it has been seen."""
    known = DIFFERENCES.get(shape_name, [])
    unknown = [line for line in lines if not any(re.fullmatch(what, line) for _, what in known)]
    assert not unknown, "\n".join(unknown)
    missing = [name for name, what in known if not any(re.fullmatch(what, line) for line in lines)]
    assert not missing, f"not met: {missing}"


def heading(name):
    """Of a part of build/peer.txt, which has all answers."""
    with (REPO / "build/peer.txt").open("a", encoding="utf-8") as file:
        file.write(f"--- {name}\n")


@pytest.mark.parametrize("name", SHAPES)
def test_service(cluster, pair, family, name):
    """A Service of this shape, on all frontends, by TCP and UDP, from all around."""
    del pair
    heading(name)
    servers = 4 if "two-near" in name else 3
    options = {"summary": one_of_many} if "affinity" in name else {}
    check(name, [line for kind in ("tcp", "udp") for line in compare(
        cluster, family, kind, lambda node: probes(cluster, node, NUMBERS[name], family), servers,
        **options)])


def test_elsewhere(cluster, pair, family):
    """Addresses and ports that nobody serves, or that only one of the two serves."""
    del pair
    number = NUMBERS["plain"]
    second = {4: {"n1": "203.0.113.11", "n2": "203.0.113.12"}, 6: {}}[family]

    def questions(node):
        result = {}
        for client, ns in (("pod", f"client-{node}"), ("node", node), ("outside", "outside")):
            for place, address in (("cluster-ip", vip(number, family)),
                                   ("load-balancer", lb_ip(number, family)),
                                   ("external-ip", external_ip(number, family)),
                                   ("node-port", cluster[node].ip(family))):
                result[client, f"unused port of {place}"] = (ns, (address, 4711))
            result[client, "unallocated"] = (ns, (vip(253, family), 80))
            if second:
                result[client, "node-port at the second address"] = (
                    ns, (second[node], 30000 + number))
        result["node", "node-port at loopback"] = (
            node, ("127.0.0.1" if family == 4 else "::1", 30000 + number))
        return result

    heading("elsewhere")
    check("elsewhere", [line for kind in ("tcp", "udp")
                        for line in compare(cluster, family, kind, questions)])


def test_documented():
    """docs/differences.md names just these."""
    text_of_doc = (REPO / "docs/differences.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([a-z-]+)` \|", text_of_doc, re.M))
    assert named == {name for known in DIFFERENCES.values() for name, _ in known}

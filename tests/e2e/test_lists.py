# SPDX-License-Identifier: GPL-2.0
"""
Which endpoints serve whom: a table of Services, each with all four frontends.

Ready, serving and terminating endpoints, topology hints, both traffic policies and the short circuit,
and the verdict where the list is empty. All are seen by a pod and a process of node n1, and by the
world outside.
"""

import dataclasses

import pytest

from lab import CounterWatch, ctl, ctl_json, question
from lab import objects
from lab.crowd import REFUSED, SILENT, enough, who
from lab.services import PORTS, balanced, places, route_frontends

CLIENT = "client-n1"
REJECT, DROP = {REFUSED}, {SILENT}
INTERNAL = {"internalTrafficPolicy": "Local"}
EXTERNAL = {"externalTrafficPolicy": "Local"}
A, D, H = "web-n1-a", "dns-n1", "n1"            # on this node
B, C, E = "web-n2-a", "web-n2-b", "web-n3-a"    # on others; B and C are in this node's zone

STATES = {
    "ready": {"ready": True},
    "draining": {"ready": False, "serving": True, "terminating": True},
    "ended": {"ready": False, "serving": False, "terminating": True},
    "unready": {"ready": False, "serving": False},
    "ready-terminating": {"ready": True, "serving": True, "terminating": True},
}


@dataclasses.dataclass(frozen=True)
class Case:
    """
    Endpoints as "STATE [zone=Z,Z] [node=N,N] [nowhere | on=NODE]" by host, and who serves a ClusterIP,
    who the outside at the other frontends, and who the node and its pods there.
    """
    endpoints: dict
    internal: set
    outside: set = None
    inside: set = None
    spec: dict = dataclasses.field(default_factory=dict)

    def expected(self, client, place):
        """Who serves this client there."""
        if place == "cluster-ip":
            return self.internal
        outside = self.internal if self.outside is None else self.outside
        return outside if client == "outside" or self.inside is None else self.inside


CASES = {
    # ready, serving, terminating
    "ready": Case({A: "ready", B: "ready"}, {A, B}),
    "nobody": Case({}, REJECT),
    "nobody-local": Case({}, REJECT, spec={**INTERNAL, **EXTERNAL}),
    "unready": Case({A: "unready", B: "unready"}, REJECT),
    "evicted": Case({A: "unready"}, REJECT, spec={"publishNotReadyAddresses": True}),
    "ended": Case({A: "ended", B: "ended"}, REJECT),
    "ended-local": Case({A: "ended", B: "ended"}, REJECT, spec={**INTERNAL, **EXTERNAL}),
    "some-unready": Case({A: "unready", B: "ready", E: "ended"}, {B}),
    "all-draining": Case({A: "draining", B: "draining", E: "draining", C: "ended"}, {A, B, E}),
    "one-draining": Case({A: "draining", B: "ready"}, {B}),
    "ready-terminating": Case({A: "ready-terminating", B: "ready"}, {A, B}),
    # policies
    "internal-two": Case({A: "ready", D: "ready", B: "ready"}, {A, D}, {A, D, B}, spec=INTERNAL),
    "internal-one": Case({A: "ready", B: "ready", E: "ready"}, {A}, {A, B, E}, spec=INTERNAL),
    "internal-none": Case({B: "ready", E: "ready"}, DROP, {B, E}, spec=INTERNAL),
    "internal-host": Case({H: "ready", "n2": "ready"}, {H}, {H, "n2"}, spec=INTERNAL),
    "internal-draining": Case({A: "draining", B: "ready"}, {A}, {B}, spec=INTERNAL),
    "internal-elsewhere-draining": Case({B: "draining"}, DROP, {B}, spec=INTERNAL),
    "external": Case({A: "ready", B: "ready"}, {A, B}, {A}, {A, B}, EXTERNAL),
    "external-none": Case({B: "ready", E: "ready"}, {B, E}, DROP, {B, E}, EXTERNAL),
    "external-host": Case({H: "ready", "n3": "ready"}, {H, "n3"}, {H}, {H, "n3"}, EXTERNAL),
    "both": Case({A: "ready", B: "ready"}, {A}, {A}, {A, B}, {**INTERNAL, **EXTERNAL}),
    # case 13 of the contract, and what is left when its ready ones on this node are gone
    "mixed": Case({A: "ready", D: "ready", H: "draining", CLIENT: "unready", E: "ready"},
                  {A, D, E}, {A, D}, {A, D, E}, EXTERNAL),
    "mixed-later": Case({H: "draining", CLIENT: "unready", E: "ready"}, {E}, {H}, {E}, EXTERNAL),
    # topology; this node is in zone-a
    "zone": Case({A: "ready zone=zone-a", C: "ready zone=zone-b,zone-a", E: "ready zone=zone-b"},
                 {A, C}),
    "zone-one-without": Case({A: "ready zone=zone-a", E: "ready zone=zone-b", B: "ready"},
                             {A, B, E}),
    "zone-not-this": Case({A: "ready zone=zone-b", E: "ready zone=zone-c"}, {A, E}),
    "zone-unready-without": Case({A: "ready zone=zone-a", E: "ready zone=zone-b", B: "unready"},
                                 {A}),
    "zone-draining": Case({A: "draining zone=zone-b", B: "draining zone=zone-a"}, {A, B}),
    "zone-and-local": Case({A: "ready zone=zone-b", B: "ready zone=zone-a"}, {B}, {A}, {B},
                           EXTERNAL),
    "node": Case({A: "ready zone=zone-a node=n1", B: "ready zone=zone-a node=n2",
                  E: "ready zone=zone-b node=n1"}, {A, E}),
    "node-one-without": Case({A: "ready zone=zone-a node=n1", B: "ready zone=zone-a",
                              E: "ready zone=zone-b"}, {A, B}),
    "node-not-this": Case({A: "ready zone=zone-a node=n2", B: "ready zone=zone-b node=n3"}, {A}),
    "node-nor-zone": Case({A: "ready node=n2", B: "ready node=n3"}, {A, B}),
    # where an endpoint is
    "nowhere": Case({A: "ready nowhere", B: "ready"}, DROP, DROP, {A, B},
                    {**INTERNAL, **EXTERNAL}),
    "other-name": Case({A: "ready on=N1", B: "ready on=n1.example.org"}, {A, B}, DROP, {A, B},
                       EXTERNAL),
    "name-alone": Case({A: "ready on=n2", D: "ready"}, {A, D}, {D}, {A, D}, EXTERNAL),
}
NUMBERS = {name: 100 + number for number, name in enumerate(CASES)}

# What each frontend is asked by; one does for all where the list is the same.
ASKED = [("cluster-ip", CLIENT), ("cluster-ip", "n1"), ("cluster-ip", "outside"),
         ("node-port", "outside"), ("node-port", "n1"), ("load-balancer", "outside"),
         ("load-balancer", CLIENT), ("external-ip", "outside")]


def endpoint(cluster, host, text, family):
    """An endpoint from its words."""
    state, *words = text.split()
    node = cluster[host].node or host
    hints = {}
    for word in words:
        key, _, value = word.partition("=")
        if key == "nowhere":
            node = None
        elif key == "on":
            node = value
        else:
            hints[key + "s"] = value.split(",")
    return objects.endpoint(cluster[host].ip(family), node, **STATES[state], **hints)


def services(cluster):
    """The Services of the table."""
    items = []
    for name, case in CASES.items():
        items += balanced(name, NUMBERS[name], [], **case.spec)
        for family in (4, 6):
            endpoints = [endpoint(cluster, host, text, family)
                         for host, text in case.endpoints.items()]
            if endpoints:
                items.append(objects.endpoint_slice(
                    name, endpoints, [(f"{p[2].lower()}-{p[0]}", *p[1:]) for p in PORTS]))
    return items


def apply(cluster, zone="zone-a", nodes=("n1",)):
    """Give the Services to nodes; n1 is in that zone."""
    n1 = cluster["n1"].object()
    n1["metadata"]["labels"] = {"topology.kubernetes.io/zone": zone} if zone else {}
    others = [o for o in cluster.objects() if o["metadata"]["name"] != "n1"]
    cluster.apply([n1, *others, *services(cluster)], nodes)


@pytest.fixture(scope="module", autouse=True)
def fixture_services(cluster):
    """All nodes have the Services."""
    route_frontends(cluster)
    apply(cluster, nodes=cluster.nodes)


def check(cluster, family, name, asked, case=None):
    """Those asked are answered as the case says."""
    case = case or CASES[name]
    for place, client in asked:
        address, port = places(cluster, NUMBERS[name], family)[place]
        expected = case.expected(client, place)
        met = who(client, address, port, count=4 if expected in (REJECT, DROP) else
                  enough(case.endpoints))
        assert met == expected, f"{client} to the {place}"


@pytest.mark.parametrize("name", CASES)
def test_lists(cluster, family, name):
    """Each of those who should serves, nobody else; or refusal, or silence."""
    check(cluster, family, name, ASKED)


def test_verdicts_are_counted(cluster, family):
    """A refusal and a drop have counters of their own."""
    for name, place, counter in (("nobody", "load-balancer", "service_rejected"),
                                 ("external-none", "load-balancer", "service_dropped"),
                                 ("internal-none", "cluster-ip", "service_dropped")):
        watch = CounterWatch("n1")
        who("outside", *places(cluster, NUMBERS[name], family)[place], count=3)
        assert watch.risen("service_") == {counter: 3}


def get(ask, cluster, family, name, place, client):
    """What `dvpnetctl get` says of a connection of that client to that frontend, by this asker."""
    return ask("n1", *question("tcp", (cluster[client].ip(family), 51000),
                               places(cluster, NUMBERS[name], family)[place]))


@pytest.mark.parametrize("name", CASES)
def test_told(cluster, family, name):
    """`get` says of each list what happens."""
    for place, client in (("cluster-ip", CLIENT), ("load-balancer", "outside")):
        expected = CASES[name].expected(client, place)
        said = get(ctl_json, cluster, family, name, place, client)
        if expected in (REJECT, DROP):
            assert said["verdict"] == ("reject" if expected == REJECT else "drop")
            assert said["list_len"] == 0 and "backend" not in said
        else:
            assert said["verdict"] == "forward" and said["list_len"] == len(expected)
            assert said["backend"] in {cluster[host].ip(family) for host in expected}


WORDS = {
    ("nobody", "cluster-ip", CLIENT): [
        "refused with an ICMP error (no usable endpoint anywhere)",
        "frontend cluster-ip, internalTrafficPolicy Cluster",
        "cluster list of 0: no endpoint is ready, nor serves while it terminates"],
    ("external-none", "load-balancer", "outside"): [
        "dropped silently (traffic policy is Local and no usable endpoint is on this node)",
        "frontend load-balancer, externalTrafficPolicy Local", "client is outside of this node",
        "local list of 0: no endpoint of this node is ready, nor serves while it terminates"],
    ("external", "load-balancer", CLIENT): [
        "begins a flow", "client is a pod of this node", "cluster list of 2: all ready endpoints",
        "not the local list: what comes from this node is not external",
        "chosen by rendezvous hashing over the connection",
        "the client's own: externalTrafficPolicy Local keeps the client's address"],
    ("mixed-later", "node-port", "outside"): [
        "begins a flow", "frontend node-port, externalTrafficPolicy Local",
        "local list of 1: none of this node is ready; those that serve while they terminate",
        "the client's own: externalTrafficPolicy Local keeps the client's address"],
    ("internal-one", "cluster-ip", CLIENT): [
        "local list of 1: the ready endpoints of this node", "node n1, this one"],
    ("zone", "external-ip", "outside"): [
        "begins a flow", "frontend external-ip, externalTrafficPolicy Cluster",
        "cluster list of 2: the ready endpoints with a hint for this node's zone",
        "an address of this node: externalTrafficPolicy Cluster: answers have to come back here"],
    ("node", "cluster-ip", CLIENT): [
        "cluster list of 2: the ready endpoints with a hint for this node",
        "the client's own: a pod keeps its address towards a ClusterIP"],
}


@pytest.mark.parametrize("name, place, client", WORDS)
def test_told_in_words(cluster, family, name, place, client):
    """Frontend, policy, list and why it is that one, choice, source and verdict, for people."""
    said = get(lambda *command: ctl(*command).stdout, cluster, family, name, place, client)
    for words in WORDS[name, place, client]:
        assert words in said


ZONES = {
    None: {"zone": {A, C, E}, "zone-one-without": {A, B, E}, "zone-and-local": {A, B},
           "node": {A, E}, "node-not-this": {A, B}},
    "zone-b": {"zone": {C, E}, "zone-one-without": {A, B, E}, "zone-not-this": {A},
               "node": {A, E}, "node-not-this": {B}},
    "zone-x": {"zone": {A, C, E}, "zone-not-this": {A, E}},
    "zone-a": {"zone": {A, C}, "zone-not-this": {A, E}},
}


def test_zone_changes(cluster):
    """Another zone of the node, or none, is obeyed as soon as its label says so."""
    for zone, lists in ZONES.items():
        apply(cluster, zone)
        for name, internal in lists.items():
            for family in (4, 6):
                check(cluster, family, name, [("cluster-ip", CLIENT)],
                      dataclasses.replace(CASES[name], internal=internal))

# SPDX-License-Identifier: GPL-2.0
"""
The real kube-proxy on a node, and what a node makes of connections in words that are the same for
each node: compare(cluster, "n1", ...) is to be compare(cluster, "n2", ...).

    web-n1-a and web-n2-a       "near" for their own node, "far" for the other
    dns-n1 and web-n2-b         a second pod, "near2" and "far2"
    client-n1 and client-n2     "self" and "other"
    what is on n3               "beyond"
"""

import concurrent.futures
import contextlib
import os
import pathlib
import signal
import subprocess

from .api import FOLDER
from .crowd import REFUSED, SILENT, crowd, enough
from .ctl import ctl_json
from .netns import ip, netns, run, sysctl
from .services import places

KUBE_PROXY = os.environ.get("DVPNET_KUBE_PROXY", "")
PAIR = ("n1", "n2")
ROLES = {"web-n1-a": ("n1", ""), "web-n2-a": ("n2", ""), "dns-n1": ("n1", "2"),
         "web-n2-b": ("n2", "2")}


class KubeProxy:
    """kube-proxy on a node, by nftables."""

    def __init__(self, ns, folder):
        self.ns = ns
        self.log = pathlib.Path(folder, f"kube-proxy-{ns}.log")
        with netns(ns), self.log.open("wb") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [KUBE_PROXY, "--kubeconfig", str(FOLDER / "admin.conf"), "--hostname-override", ns,
                 "--proxy-mode", "nftables", "--detect-local-mode", "NodeCIDR",
                 "--healthz-bind-address", "", "--conntrack-max-per-core", "0"],
                stdout=log, stderr=log)

    def said(self):
        """What it logged."""
        return self.log.read_text(encoding="utf-8")

    def stop(self):
        """It goes, and its rules with it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        run("nft", "flush", "ruleset", ns=self.ns)


def lift_limits(cluster):
    """As many ICMP errors as there are refusals; older kernels have one limit for all namespaces."""
    for space in (None, *cluster.spaces):
        with contextlib.suppress(FileNotFoundError):
            sysctl(space, **{"ipv4.icmp_msgs_per_sec": 1000000, "ipv4.icmp_msgs_burst": 1000000})


def route_pods(cluster, node):
    """A node without dvpnet knows where pods of others are; the routers have to know as well."""
    for other in cluster.nodes.values():
        if other.name not in (node, "n3"):
            ip(f"route replace {other.pods4} via {other.ip4}",
               f"route replace {other.pods6} via {other.ip6}", ns=node)


def role(name, node):
    """Who this is for a node."""
    if name in ROLES:
        at, which = ROLES[name]
        return ("near" if at == node else "far") + which
    if name in PAIR:
        return "this node" if name == node else "other node"
    if name.startswith("client-n") and name[7:] in PAIR:
        return "self" if name[7:] == node else "other"
    return "beyond" if "n3" in name else name


def addresses(cluster, node, family):
    """A node's own addresses, as servers may see them."""
    result = {cluster[node].ip(family)}
    if run("ip", "link", "show", "dvp0", ns=node, check=False).returncode == 0:
        result.add(ctl_json(node, "node", "show", node)[0].get(f"tunnel{family}"))
    return result


def words(outcomes, node, client, own):
    """What has come of a crowd: "SERVER sees CLIENT", or refused, silent."""
    result = set()
    for outcome in outcomes:
        if outcome.server == "EADDRINUSE":
            # A port of the agent's, or of kube-proxy's own.
            continue
        if outcome.server == "EHOSTUNREACH":
            # What nobody takes may go round until its time is over; not all tell.
            result.add(SILENT)
        elif outcome.source is None:
            result.add(outcome.server)
        else:
            seen = "node" if outcome.source in own else \
                "client" if outcome.source == client else outcome.source
            result.add(f"{role(outcome.server, node)} sees {seen}")
    return result


def probes(cluster, node, number, family):
    """Who connects to what: namespace and address with port, by names."""
    frontends = places(cluster, number, family, node)
    clients = {"pod": f"client-{node}", "node": node, "outside": "outside"}
    result = {(client, place): (ns, where)
              for client, ns in clients.items() for place, where in frontends.items()}
    # Nothing on n3 knows the other addresses.
    result["pod of another node", "node-port"] = ("client-n3", frontends["node-port"])
    return result


def outcomes_of(cluster, node, wanted, family, kind, servers, patience):
    """
    What comes of connections: for each name of a probe, as in probes(), the set of words. Several
    probes are made at a time.
    """
    own = addresses(cluster, node, family)

    def look(probe):
        ns, (address, port) = probe
        met = crowd(ns, address, port, kind, enough(range(servers)), patience=patience)
        return words(met, node, cluster[ns].ip(family), own)

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        return dict(zip(wanted, pool.map(look, wanted.values())))


def text(found):
    """A set of words, to be read."""
    if found <= {REFUSED, SILENT}:
        return " or ".join(sorted(found))
    return ", ".join(sorted(found))

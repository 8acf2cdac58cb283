# SPDX-License-Identifier: GPL-2.0
"""dvpnetctl, the tool under test, and what it tells."""

import json
import os
import pathlib

from .netns import run

REPO = pathlib.Path(__file__).resolve().parents[3]
DVPNETCTL = os.environ.get("DVPNETCTL", str(REPO / "tools/dvpnetctl/dvpnetctl"))
CLUSTER_FILES = REPO / "tests/cluster"


def ctl(ns, *words, check=True, stdin=None, timeout=60):
    """Run dvpnetctl in a namespace; returns the CompletedProcess."""
    return run(DVPNETCTL, *map(str, words), ns=ns, check=check, stdin=stdin, timeout=timeout)


def ctl_json(ns, *words):
    """What `dvpnetctl -j ...` prints."""
    return json.loads(ctl(ns, "-j", *words).stdout)


def question(kind, source, target):
    """What `dvpnetctl get` is to be asked of a packet; its ends are addresses with ports."""
    source, target = (f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                      for host, port in (source, target))
    return "get", kind, source, "to", target


def apply(ns, objects, node=None, check=True, timeout=60):
    """Make the namespace a node (of its own name) of the cluster that the objects describe."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    return ctl(ns, "apply", "--node", node or ns, "-f", "-", check=check, stdin=text,
               timeout=timeout)


def counters(ns):
    """The counters of `dvpnetctl stats show`, by name."""
    return {c["name"]: c["value"] for c in ctl_json(ns, "stats", "show")}


class CounterWatch:
    """
    How far counters have risen since the beginning:

        watch = CounterWatch("n1")
        ...
        assert watch.risen() == {"rx_spoofed": 3}
    """

    def __init__(self, ns):
        self.ns = ns
        self.start = counters(ns)

    def risen(self, prefix=""):
        """By how much, for those that have, and whose name begins like this."""
        now = counters(self.ns)
        return {name: value - self.start[name] for name, value in now.items()
                if value != self.start[name] and name.startswith(prefix)}

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
What ships in deploy/ is what the code has: rights are those of what the agent reads and writes, metrics
are those that it writes. Ends with status 1 after saying what is not.
"""

import json
import pathlib
import re
import sys

import yaml

REPO = pathlib.Path(__file__).resolve().parents[2]
DEPLOY, TOOL = REPO / "deploy", REPO / "tools/dvpnetctl"


PARCELS = "dvpnet"      # namespace of what agents write


def asked():
    """What the agent lists: (group, resource, name or None)."""
    text = (TOOL / "agent.c").read_text()
    table = text[text.index("static const struct resource resources[]"):]
    table = table[:table.index("\n};")]
    for entry in re.findall(r"\{ (.*?) \}", table, re.S):
        path = re.search(r'"/(?:api|apis/([^/]+))/[^/]+/([^"]+)"', entry)
        name = re.search(r'metadata\.name%3D([^&"]+)', entry)
        yield path[1] or "", path[2].split("/")[-1], name[1] if name else None


def granted():
    """What rbac.yaml allows."""
    for item in yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text()):
        for rule in item.get("rules", []):
            if item["metadata"].get("namespace") == PARCELS:
                continue
            assert set(rule["verbs"]) <= {"get", "list", "watch"}, f"{item['kind']}: {rule}"
            assert {"list", "watch"} <= set(rule["verbs"]), f"{item['kind']}: {rule}"
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for name in rule.get("resourceNames", [None]):
                        yield group, resource, name


def parcel_verbs():
    """Verbs that handover.c needs, and those that rbac.yaml allows, of ConfigMaps in that namespace."""
    verbs = {"POST": "create", "DELETE": "delete", "PUT": "update", "PATCH": "patch"}
    text = (TOOL / "handover.c").read_text()
    used = {"list", "watch"} | {verb for method, verb in verbs.items() if f'"{method}"' in text}
    path = re.search(r'PARCEL_PATH "([^"]+)"', (TOOL / "parcel.h").read_text())[1]
    assert path == f"/api/v1/namespaces/{PARCELS}/configmaps", path
    roles = [item for item in yaml.safe_load_all((DEPLOY / "rbac.yaml").read_text())
             if item["kind"] == "Role" and item["metadata"]["namespace"] == PARCELS]
    (rule,) = roles[0]["rules"]
    assert (rule["apiGroups"], rule["resources"]) == ([""], ["configmaps"]), rule
    return used, set(rule["verbs"])


def metrics_written():
    """Names of all metrics of the tool and the module."""
    names = {"up", "ALERTS"}
    for file in TOOL.glob("*.c"):
        names |= set(re.findall(r'"((?:dvpnet|kubeproxy|process)_[a-z_]+)"', file.read_text()))
    for name, text in re.findall(r'\] = \{\s*"([a-z_]+)",\s*"([^"]+)', (REPO / "kmod/stats.c").read_text()):
        if not text.startswith(("dropped", "refused")):
            names.add(f"dvpnet_{name}_total")
    return names


def drop_reasons():
    """Names of the module's counters of drops."""
    return {name for name, text in
            re.findall(r'\] = \{\s*"([a-z_]+)",\s*"([^"]+)', (REPO / "kmod/stats.c").read_text())
            if text.startswith(("dropped", "refused"))}


def expressions():
    """Where metrics are used, and how."""
    for group in yaml.safe_load((DEPLOY / "prometheus/dvpnet.rules.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    dashboard = json.loads((DEPLOY / "grafana/dvpnet.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"dashboard, {panel['title']}", target["expr"]


def problems():
    """All that is wrong."""
    have, want = set(granted()), set(asked())
    for right in sorted(want - have, key=str):
        yield f"rbac.yaml: the agent reads {right}, which is not allowed"
    for right in sorted(have - want, key=str):
        yield f"rbac.yaml: {right} is allowed, but the agent does not read it"
    used, allowed = parcel_verbs()
    if used != allowed:
        yield f"rbac.yaml: of parcels {sorted(allowed)} is allowed, the agent needs {sorted(used)}"
    written, reasons = metrics_written(), drop_reasons()
    for where, expression in expressions():
        for name in re.findall(r"\b(?:dvpnet|kubeproxy|process)_[a-z_]+", expression):
            if re.sub(r"_(bucket|sum|count)$", "", name) not in written:
                yield f"{where}: nobody writes {name}"
        for pattern in re.findall(r'reason=~?"([^"]+)"', expression):
            for reason in pattern.split("|"):
                if not any(re.fullmatch(reason, known) for known in reasons):
                    yield f"{where}: the module has no drops named {reason}"
    for file in DEPLOY.rglob("*.yaml"):
        list(yaml.safe_load_all(file.read_text()))


said = list(problems())
print("\n".join(said) if said else "deploy/ is what the code has")
sys.exit(bool(said))

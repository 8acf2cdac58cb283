# SPDX-License-Identifier: GPL-2.0
"""Which of the platform's objects decides, and what is said of it."""

import base64

import pytest

from lab import apply, ctl, ctl_json
from lab import objects as o
from lab.pair import Pair

PRIORITY = "network.deckhouse.io/cni-configuration-source-priority"


@pytest.fixture(name="pair", scope="module")
def fixture_pair():
    """Two nodes."""
    with Pair() as pair:
        yield pair


def secret(mode, **annotations):
    """The Secret that may decide instead of the ModuleConfig."""
    data = {"cni": "cilium", "cilium": f'{{"mode":"{mode}"}}'}
    return {"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "d8-cni-configuration", "namespace": "kube-system",
                         "annotations": annotations},
            "data": {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}}


def shown():
    """What the left node says of its settings."""
    return ctl_json("left", "config", "show")


def test_module_config(pair):
    """It decides where there is nothing else, and what it does not get is told."""
    config = o.module_config("vxlan")
    config["spec"]["settings"]["bpfLBMode"] = "DSR"
    items = [config if item["kind"] == "ModuleConfig" else item for item in pair.objects()]
    apply("left", items)
    settings = shown()
    assert settings["mode_source"] == "ModuleConfig cni-cilium, tunnelMode VXLAN"
    assert settings["port_source"] == "default"
    assert len(settings["ignored"]) == 1 and "bpfLBMode DSR" in settings["ignored"][0]
    assert "mode-source ModuleConfig cni-cilium, tunnelMode VXLAN\n" in \
        ctl("left", "config", "show").stdout


@pytest.mark.parametrize("annotations, mode", [({}, "classic"), ({PRIORITY: "Secret"}, "classic"),
                                               ({PRIORITY: "ModuleConfig"}, "vxlan")])
def test_secret(pair, annotations, mode):
    """The Secret decides, with a warning, unless its annotation says that the ModuleConfig does."""
    done = apply("left", pair.objects(more=[secret("Direct", **annotations)]))
    settings = shown()
    assert settings["mode"] == mode and len(settings["ignored"]) == 1
    assert ("tunnelMode VXLAN is ignored" in done.stderr) == (mode == "classic")
    assert settings["mode_source"].startswith("Secret" if mode == "classic" else "ModuleConfig")


def test_nesting(pair):
    """In machines of another platform another port is used."""
    items = pair.objects()
    items[0]["metadata"]["labels"] = {"node.deckhouse.io/group": "master",
                                      "node.deckhouse.io/dvp-nesting-level": "1"}
    apply("left", items)
    assert shown()["port"] == 4297 and "nesting level" in shown()["port_source"]


def test_by_hand(pair):
    """What somebody sets by hand has no source."""
    pair.apply()
    assert "mode_source" in shown()
    ctl("left", "config", "set", "mode", "auto")
    assert "mode_source" not in shown()
    pair.apply()

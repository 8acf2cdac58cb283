# SPDX-License-Identifier: GPL-2.0
"""Pods that are connected as a container runtime does it: by CNI plugins, after a .conflist."""

import json
import os
import pathlib
import subprocess

from .netns import NETNS_DIR, netns

PLUGINS = pathlib.Path("/usr/lib/cni")


class Pod:
    """
    A pod on a node, both being network namespaces: `result` is what the plugins said. port_mappings
    are those of the runtime, as {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}.
    """

    def __init__(self, node, name, conflist, port_mappings=()):
        self.node, self.name, self.conflist = node, name, conflist
        self.port_mappings = list(port_mappings)
        self.result = None
        for plugin in conflist["plugins"]:
            self.result = self._call("ADD", plugin)

    def close(self):
        """Disconnect it."""
        for plugin in reversed(self.conflist["plugins"]):
            self._call("DEL", plugin)

    def _call(self, command, plugin):
        config = {**plugin, "name": self.conflist["name"],
                  "cniVersion": self.conflist["cniVersion"]}
        if self.result:
            config["prevResult"] = self.result
        if plugin.get("capabilities", {}).get("portMappings"):
            config["runtimeConfig"] = {"portMappings": self.port_mappings}
        environment = {**os.environ, "CNI_COMMAND": command, "CNI_CONTAINERID": self.name,
                       "CNI_NETNS": f"{NETNS_DIR}/{self.name}", "CNI_IFNAME": "eth0",
                       "CNI_PATH": str(PLUGINS)}
        with netns(self.node):
            done = subprocess.run([PLUGINS / plugin["type"]], input=json.dumps(config), text=True,
                                  capture_output=True, env=environment, timeout=60, check=False)
        assert done.returncode == 0, f"{plugin['type']} {command}: {done.stdout or done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def addresses(self):
        """Its addresses, without lengths."""
        return [entry["address"].split("/")[0] for entry in self.result["ips"]]

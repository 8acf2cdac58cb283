# SPDX-License-Identifier: GPL-2.0
"""
A real API server, which tests/e2e/api.sh has started on the host, and agents that follow it.

$DVPNET_API is its directory, see tests/cluster-api/up.sh; the guest finds the host at 10.0.2.2, where
control.py of that folder listens as well.
"""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading

import yaml

from .ctl import DVPNETCTL
from .netns import netns, wait_until

HOST = os.environ.get("DVPNET_API_HOST", "10.0.2.2")
FOLDER = pathlib.Path(os.environ.get("DVPNET_API", "/nonexistent"))
MERGE = "application/merge-patch+json"


def port():
    """Where it listens."""
    config = (FOLDER / "agent.conf").read_text(encoding="utf-8")
    return int(config.split("server: https://")[1].split("\n")[0].rsplit(":", 1)[1])


class Api:
    """The administrator at the API server."""

    def __init__(self):
        self.tls = ssl.create_default_context(cafile=str(FOLDER / "ca.crt"))
        self.tls.load_cert_chain(str(FOLDER / "admin.crt"), str(FOLDER / "admin.key"))
        # Its certificate does not know the host's address as guests see it.
        self.tls.check_hostname = False

    def connection(self):
        """A connection to it."""
        return http.client.HTTPSConnection(HOST, port(), context=self.tls, timeout=60)

    def request(self, method, path, body=None, kind="application/json", allowed=(), over=None):
        """
        One request, over a connection or a new one; the answer's object. Statuses of failure raise,
        unless allowed.
        """
        with contextlib.nullcontext(over) if over else contextlib.closing(self.connection()) as way:
            way.request(method, path, json.dumps(body) if body is not None else None,
                        {"Content-Type": kind})
            response = way.getresponse()
            text = response.read()
            assert response.status < 300 or response.status in allowed, \
                f"{method} {path}: {response.status} {text.decode()}"
            return json.loads(text)

    @staticmethod
    def path(item):
        """Of the collection that an object belongs to."""
        group = item["apiVersion"]
        namespace = item["metadata"].get("namespace")
        return (f"/api/{group}" if group == "v1" else f"/apis/{group}") + \
            (f"/namespaces/{namespace}" if namespace else "") + f"/{item['kind'].lower()}s"

    def create(self, *items):
        """Create objects; those that are there stay as they are."""
        for item in items:
            self.request("POST", self.path(item), item, allowed=(409,))

    def replace(self, *items):
        """Give objects that are there their new content."""
        for item in items:
            self.request("PATCH", f"{self.path(item)}/{item['metadata']['name']}", item, MERGE)

    def delete(self, *items):
        """Delete objects."""
        for item in items:
            self.request("DELETE", f"{self.path(item)}/{item['metadata']['name']}", allowed=(404,))

    def patch(self, path, change):
        """Change an object by a JSON merge patch."""
        return self.request("PATCH", path, change, MERGE)


class Control:
    """Who can kill the API server, and make it forget: control.py on the host."""

    def __init__(self, server):
        self.api = server
        self.port = int((FOLDER / "control.port").read_text(encoding="ascii"))

    def ask(self, path, body=None, timeout=60):
        """Have something done; returns what came of it, as text."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request("POST", path, json.dumps(body))
            response = connection.getresponse()
            text = response.read().decode()
            assert response.status == 200, f"control.py: {path}: {text}"
            return text

    def kill(self):
        """The API server is no more."""
        self.ask("/stop/kube-apiserver")

    def start(self):
        """It is there again, and ready."""
        self.ask("/start/kube-apiserver")
        wait_until(self.is_ready, 120, "the API server is ready")

    def is_ready(self):
        """Does it say so?"""
        try:
            return self.api.request("GET", "/version")["major"] and \
                self.api.request("GET", "/apis/discovery.k8s.io/v1/endpointslices?limit=1")
        except (OSError, http.client.HTTPException):
            return False

    def compact(self):
        """etcd forgets what was."""
        self.ask("/compact")


class Door:
    """The API server's port on the loopback of a namespace, which can be shut."""

    def __init__(self, ns):
        self.ns = ns
        self.listener = None
        self.open_sockets = set()
        self.open()

    def open(self):
        """From now on the API server can be reached."""
        with netns(self.ns):
            self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", port()))
        self.listener.listen()
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                inside, _ = listener.accept()
                try:
                    outside = socket.create_connection((HOST, port()))
                except OSError:
                    inside.close()
                    continue
                for pair in ((inside, outside), (outside, inside)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source, target):
        self.open_sockets.add(source)
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
        self.open_sockets.discard(source)
        source.close()

    def shut(self):
        """The API server is gone, and who was connected to it notices."""
        # Else accept() goes on in its thread.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.open_sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def identity(path, user=None, **cluster):
    """Write the agent's kubeconfig with another user, or other fields of the cluster; None is none."""
    config = yaml.safe_load((FOLDER / "agent.conf").read_text(encoding="utf-8"))
    for key, value in cluster.items():
        config["clusters"][0]["cluster"][key.replace("_", "-")] = value
        if value is None:
            del config["clusters"][0]["cluster"][key.replace("_", "-")]
    if user:
        config["users"][0]["user"] = user
    new = path.with_suffix(".new")
    new.write_text(json.dumps(config), encoding="utf-8")
    new.replace(path)


class Agent:
    """dvpnetctl agent on a node."""

    def __init__(self, ns, folder):
        self.ns = ns
        self.log = pathlib.Path(folder, f"agent-{ns}.log")
        self.config = FOLDER / "agent.conf"
        self.process = None

    def start(self, *options):
        """Run it."""
        with netns(self.ns), self.log.open("ab") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [DVPNETCTL, "agent", "--node-name", self.ns, "--kubeconfig",
                 str(self.config), "--cni-conf-dir", "", *options], stdout=log, stderr=log)

    def said(self):
        """What it logged."""
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def await_log(self, text, count=1, timeout=60):
        """Until it has said that so many times."""
        wait_until(lambda: self.said().count(text) >= count, timeout,
                   f"{count} times {text!r} in {self.said()[-2000:]}")

    def stop(self, number=signal.SIGTERM):
        """End it; returns its exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)

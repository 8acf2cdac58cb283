# SPDX-License-Identifier: GPL-2.0
"""
A real API server, which tests/e2e/api.sh has started on the host, and agents that follow it.

$DVPNET_API is its directory, see tests/cluster-api/up.sh; the guest finds the host at 10.0.2.2.
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

from .ctl import DVPNETCTL
from .netns import netns, wait_until

HOST = "10.0.2.2"
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

    def request(self, method, path, body=None, kind="application/json", allowed=()):
        """One request; the answer's object. Statuses of failure raise, unless allowed."""
        connection = http.client.HTTPSConnection(HOST, port(), context=self.tls, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": kind})
            response = connection.getresponse()
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
                outside = socket.create_connection((HOST, port()))
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


class Agent:
    """dvpnetctl agent on a node."""

    def __init__(self, ns, folder):
        self.ns = ns
        self.log = pathlib.Path(folder, f"agent-{ns}.log")
        self.process = None

    def start(self, *options):
        """Run it."""
        with netns(self.ns), self.log.open("ab") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                [DVPNETCTL, "agent", "--node-name", self.ns, "--kubeconfig",
                 str(FOLDER / "agent.conf"), "--cni-conf-dir", "", *options], stdout=log, stderr=log)

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

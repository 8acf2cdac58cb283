#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
control.py DIR: lets guests do to the cluster in DIR (see up.sh) what takes the host.

    POST /stop/NAME     kill a component
    POST /start/NAME    start it again, as it was; it need not be ready when the answer comes
    POST /compact       etcd forgets all versions but the last of each object
    POST /large         large.py with the arguments of the body, a JSON list; answers what it prints

Where it listens, a port of 127.0.0.1, is written to DIR/control.port. It ends when killed.
"""

import contextlib
import http.client
import http.server
import json
import pathlib
import socket
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager")


class Etcd(http.client.HTTPConnection):
    """etcd's own interface, over its socket."""

    def __init__(self, folder):
        super().__init__("localhost")
        self.path = str(folder / "etcd.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def ask(self, path, **body):
        """One request; the answer."""
        self.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = self.getresponse()
        text = response.read()
        if response.status != 200:
            raise RuntimeError(f"etcd: {path}: {response.status} {text.decode()}")
        return json.loads(text)


def compact(folder):
    """Forget all but the present; answers its version."""
    with contextlib.closing(Etcd(folder)) as etcd:
        # Keys are base64; this one is "a", and is not there.
        revision = etcd.ask("/v3/kv/range", key="YQ==")["header"]["revision"]
        etcd.ask("/v3/kv/compaction", revision=revision, physical=True)
    return revision


def run(*command):
    """Run a program of this folder; what it printed."""
    # Its children may live on with its output.
    return subprocess.run([HERE / command[0], *command[1:]], check=True, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE).stdout


def act(folder, path, body):
    """Do what is asked for; what to answer, or None if there is no such thing."""
    word, _, name = path.strip("/").partition("/")
    if word == "compact":
        return compact(folder)
    if word == "large":
        return run("large.py", *map(str, json.loads(body)))
    if name not in NAMES:
        return None
    if word == "stop":
        return run("down.sh", folder, name)
    if word == "start":
        return run("start.sh", folder, name)
    return None


def main():
    """Listen until killed."""
    folder = pathlib.Path(sys.argv[1]).resolve()

    class Handler(http.server.BaseHTTPRequestHandler):
        """A request."""

        def do_POST(self):  # pylint: disable=invalid-name
            """All there is."""
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                answer = act(folder, self.path, body)
                status = 404 if answer is None else 200
            except Exception as error:  # pylint: disable=broad-exception-caught
                status, answer = 500, f"{type(error).__name__}: {error}"
            self.send_response(status)
            self.end_headers()
            self.wfile.write((answer or "").encode())

        def log_message(self, *_):  # pylint: disable=arguments-differ
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    (folder / "control.port").write_text(f"{server.server_address[1]}\n")
    server.serve_forever()


if __name__ == "__main__":
    main()

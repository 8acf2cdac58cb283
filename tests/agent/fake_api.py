# SPDX-License-Identifier: GPL-2.0
"""An API server that does what a real one does on bad days only, when a test wants it to."""

import base64
import http.server
import json
import queue
import threading
import time
import urllib.parse

PATHS = {
    "Node": "/api/v1/nodes",
    "Service": "/api/v1/services",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices",
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/kube-system/secrets",
    "ServiceCIDR": "/apis/networking.k8s.io/v1/servicecidrs",
    "ConfigMap": "/api/v1/namespaces/d8-cni-cilium/configmaps",
    "Pod": "/api/v1/pods",
    "VirtualMachine": "/apis/virtualization.deckhouse.io/v1alpha2/virtualmachines",
    "ModuleConfig": "/apis/deckhouse.io/v1alpha1/moduleconfigs",
    # ConfigMaps that agents write for each other.
    "Parcel": "/api/v1/namespaces/dvpnet/configmaps",
}
KINDS = {path: kind for kind, path in PATHS.items()}


class Server(http.server.ThreadingHTTPServer):
    """With room for all the connections that an agent begins at once."""
    request_queue_size = 64


class FakeApi:
    """
    Objects by kind, served as lists and as streams of what set() and delete() do after.

    `on_list` and `on_watch` map a kind to a function that takes the handler and the query, and
    answers instead when it returns true; so does `on_write`, with the handler and the method.
    `requests` notes "list KIND", "watch KIND VERSION", "POST KIND" and "DELETE KIND NAME".
    """

    def __init__(self, address="127.0.0.1"):
        self.objects = {kind: {} for kind in PATHS}
        self.missing = set()
        self.on_list = {}
        self.on_watch = {}
        self.on_write = lambda handler, method: False
        self.requests = []
        self.version = 100
        self.page = None
        self.closed = False
        self.streams = {kind: [] for kind in PATHS}
        self.lock = threading.RLock()
        self.server = Server((address, 0), self.handler())
        self.server.daemon_threads = True
        self.url = f"http://{address}:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def is_followed(self):
        """Does somebody hold a stream of each kind that there is?"""
        return all(self.streams[kind] for kind in self.objects if kind not in self.missing)

    def close(self):
        """End it, streams and connections included."""
        self.closed = True
        self.cut()
        self.server.shutdown()
        self.server.server_close()

    def set(self, *objects):
        """Create or replace objects."""
        for item in objects:
            self.event(item, deleted=False)

    def delete(self, kind, name):
        """Delete the object of that name, in whatever namespace."""
        with self.lock:
            key = next(key for key in self.objects[kind] if key[1] == name)
            self.event(self.objects[kind][key], deleted=True)

    def event(self, item, deleted):
        """What happens to an object, and who learns of it."""
        kind, meta = kind_of(item), item["metadata"]
        key = (meta.get("namespace", ""), meta["name"])
        with self.lock:
            self.version += 1
            event = "DELETED" if deleted else "MODIFIED" if key in self.objects[kind] else "ADDED"
            item = {**item, "metadata": {**meta, "resourceVersion": str(self.version)}}
            if deleted:
                del self.objects[kind][key]
            else:
                self.objects[kind][key] = item
            for stream in self.streams[kind]:
                if selects(stream.query, item):
                    stream.put(json.dumps({"type": event, "object": item}).encode() + b"\n")

    def send(self, kind, line):
        """Send a line, as it is, to all that watch a kind."""
        with self.lock:
            for stream in self.streams[kind]:
                stream.put(line)

    def cut(self, *kinds):
        """End the streams of these kinds, or of all."""
        for kind in kinds or PATHS:
            self.send(kind, None)

    def asked(self, request):
        """How often it was asked for that, of whatever version."""
        return sum(r == request or r.startswith(f"{request} ") for r in self.requests)

    def handler(self):
        """The class that http.server wants."""
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """A request."""
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

            def do_GET(self):  # pylint: disable=invalid-name
                """GET, all there is."""
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                kind = KINDS.get(url.path)
                if api.closed:
                    self.close_connection = True
                    return
                try:
                    if not kind or kind in api.missing:
                        self.answer(404, b"404 page not found\n", "text/plain")
                    elif "watch" in query:
                        self.watch(kind, query)
                    else:
                        self.list(kind, query)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def do_POST(self):  # pylint: disable=invalid-name
                """A parcel comes; all that is written is one."""
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.requests.append("POST Parcel")
                if api.on_write(self, "POST"):
                    return
                assert self.path == PATHS["Parcel"], self.path
                assert self.headers["Content-Type"] == "application/json"
                with api.lock:
                    meta = body["metadata"]
                    meta.update(name=f"{meta['generateName']}{api.version}", namespace="dvpnet",
                                creationTimestamp=timestamp())
                    api.set(body)
                self.answer(201, body)

            def do_DELETE(self):  # pylint: disable=invalid-name
                """A parcel goes."""
                name = self.path.removeprefix(PATHS["Parcel"] + "/")
                api.requests.append(f"DELETE Parcel {name}")
                if api.on_write(self, "DELETE"):
                    return
                with api.lock:
                    there = ("dvpnet", name) in api.objects["Parcel"]
                    if there:
                        api.delete("Parcel", name)
                if there:
                    self.answer(200, {"kind": "Status", "status": "Success"})
                else:
                    self.refuse(404, f"configmaps {name} not found")

            def answer(self, status, body, content_type="application/json"):
                """A whole answer."""
                if not isinstance(body, bytes):
                    body = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def refuse(self, status, message, **headers):
                """A Status object."""
                self.send_response(status)
                body = json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                   "message": message, "code": status}).encode()
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def chunk(self, data):
                """A piece of a stream."""
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def begin_stream(self):
                """Header of an answer without end."""
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()

            def list(self, kind, query):
                """A page of a list."""
                api.requests.append(f"list {kind}")
                special = api.on_list.get(kind)
                if special and special(self, query):
                    return
                with api.lock:
                    items = [api.objects[kind][key] for key in sorted(api.objects[kind])]
                    items = [item for item in items if selects(query, item)]
                    version = str(api.version)
                items = [{k: v for k, v in i.items() if k not in ("kind", "apiVersion")}
                         for i in items]
                first = int(query.get("continue", 0))
                size = api.page or int(query["limit"])
                meta = {"resourceVersion": version}
                if first + size < len(items):
                    meta["continue"] = str(first + size)
                self.answer(200, {"kind": kind + "List", "apiVersion": api_version(kind),
                                  "metadata": meta, "items": items[first:first + size]})

            def watch(self, kind, query):
                """A stream, from now on: versions are only as old as the last list here."""
                api.requests.append(f"watch {kind} {query['resourceVersion']}")
                special = api.on_watch.get(kind)
                if special and special(self, query):
                    return
                lines = queue.Queue()
                lines.query = query
                with api.lock:
                    for item in api.objects[kind].values():
                        if selects(query, item) and int(item["metadata"]["resourceVersion"]) > int(query["resourceVersion"]):
                            lines.put(json.dumps({"type": "MODIFIED", "object": item}).encode()
                                      + b"\n")
                    api.streams[kind].append(lines)
                self.begin_stream()
                try:
                    while (line := lines.get()) is not None:
                        self.chunk(line)
                    self.wfile.write(b"0\r\n\r\n")
                finally:
                    with api.lock:
                        api.streams[kind].remove(lines)

        return Handler


def selects(query, item):
    """By the selectors that the agent uses: a name, and labels that are there, or not, or a value."""
    meta = item["metadata"]
    name = query.get("fieldSelector", "").removeprefix("metadata.name=")
    labels = meta.get("labels", {})
    return (not name or name == meta["name"]) and all(
        labels.get(label.split("=")[0]) == label.split("=")[1] if "=" in label else
        (label.lstrip("!") in labels) != label.startswith("!")
        for label in query.get("labelSelector", "").split(",") if label)


def kind_of(item):
    """Key of PATHS."""
    return "Parcel" if item["metadata"].get("namespace") == "dvpnet" else item["kind"]


def timestamp(age=0):
    """When something was created so many seconds ago."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age))


def api_version(kind):
    """What stands in objects of a kind."""
    path = PATHS[kind].split("/")
    return "v1" if path[1] == "api" else f"{path[2]}/{path[3]}"


def node(name, ip, cidr, **meta):
    """A Node."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, **meta},
            "spec": {"podCIDRs": [cidr]},
            "status": {"addresses": [{"type": "InternalIP", "address": ip}]}}


def namespace(name="kube-system", uid="5a3cb4d3-8a05-4b3c-9d3c-7f0f0a3d2c11"):
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": uid}}


def service(name, ip, port=80, **spec):
    """A Service with a port "http"."""
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"namespace": "demo", "name": name},
            "spec": {"type": "ClusterIP", "clusterIP": ip, "clusterIPs": [ip],
                     "ports": [{"name": "http", "port": port, "protocol": "TCP"}], **spec}}


def endpoint(address, at=None, **conditions):
    """An endpoint of a slice."""
    return {"addresses": [address], "conditions": {"ready": True, **conditions},
            **({"nodeName": at} if at else {})}


def endpoint_slice(name, of, *endpoints, **meta):
    """An EndpointSlice with a port "http", of addresses or endpoints."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"namespace": "demo", "name": name,
                         "labels": {"kubernetes.io/service-name": of}, **meta},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
            "endpoints": [endpoint(e) if isinstance(e, str) else e for e in endpoints]}


def module_config(mode, **meta):
    """ModuleConfig cni-cilium."""
    return {"apiVersion": "deckhouse.io/v1alpha1", "kind": "ModuleConfig",
            "metadata": {"name": "cni-cilium", **meta},
            "spec": {"version": 1, "enabled": True, "settings": {"tunnelMode": mode}}}


def secret(name, **data):
    """A Secret of namespace kube-system."""
    return {"apiVersion": "v1", "kind": "Secret",
            "metadata": {"namespace": "kube-system", "name": name},
            "data": {key: base64.b64encode(value.encode()).decode()
                     for key, value in data.items()}}


def machine(name, ip, on, target=None):
    """A VirtualMachine on a node, and perhaps on its way to another."""
    status = {"ipAddress": ip, "nodeName": on, "phase": "Migrating" if target else "Running"}
    if target:
        status["migrationState"] = {"source": {"node": on, "pod": f"{name}-a"},
                                    "target": {"node": target, "pod": f"{name}-b"}}
    return {"apiVersion": "virtualization.deckhouse.io/v1alpha2", "kind": "VirtualMachine",
            "metadata": {"namespace": "demo", "name": name}, "status": status}


def pod(name, ip, on, priority=None):
    """A Pod, perhaps one that shares its address."""
    labels = {} if priority is None else {
        "network.deckhouse.io/pod-common-ip-priority": str(priority)}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": "demo", "name": name, "labels": labels},
            "spec": {"nodeName": on},
            "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]}}


def flow(address, port, backend="10.2.0.5", **changed):
    """A connection of a machine to Service demo/a, as "flow save" prints it."""
    return {"protocol": "tcp", "client": address, "client_port": port, "frontend": "10.222.0.1",
            "frontend_port": 80, "backend": backend, "backend_port": 8080, "source": address,
            "source_port": port, "state": "established", "flags": [], "expires": 1000, **changed}


def parcel(name, address, flows, to="n1", age=0, **changed):
    """A ConfigMap by which an agent hands flows over; `flows` may be text."""
    text = flows if isinstance(flows, str) else json.dumps(flows)
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"namespace": "dvpnet", "name": name, "creationTimestamp": timestamp(age),
                         "labels": {"dvpnet.io/flows-for": to}},
            "data": {"address": address, "node": to, "more": "false", "flows": text, **changed}}

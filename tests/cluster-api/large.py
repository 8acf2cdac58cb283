#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
A large cluster in a real API server, written from the host: a guest would take hours.

    large.py make SERVICES ENDPOINTS NODES      create it, in namespace "large"
    large.py flap RATE SECONDS SERVICES         change so many slices a second, one after the other

$DVPNET_API is the directory of the API server, $DVPNET_API_HOST its host. Prints JSON.

Service sN is 10.222.(64 + N / 256).(N % 256), TCP port 80; node node-N is 172.16.(N / 256).(N % 256)
and has the pods 10.(128 + N / 256).(N % 256).0/24. A change makes a Service's first endpoint ready in
even rounds through all Services, and not ready in odd ones, beginning with an odd one.
"""

import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

# pylint: disable=wrong-import-position
from lab import objects  # noqa: E402
from lab.api import Api  # noqa: E402

NAMESPACE = "large"
THREADS = 24
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
JSON_PATCH = "application/json-patch+json"


def in_parallel(work, numbers):
    """Call work(number, connection) for each, by many threads with a connection each."""
    api, lock, failures = Api(), threading.Lock(), []
    numbers = iter(numbers)

    def worker():
        connection = api.connection()
        try:
            while not failures:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                work(number, api, connection)
        except Exception as error:  # pylint: disable=broad-exception-caught
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def node(number):
    """A Node."""
    high, low = divmod(number, 256)
    return objects.node(f"node-{number}", [f"172.16.{high}.{low}"], [f"10.{128 + high}.{low}.0/24"])


def service(number):
    """A Service."""
    high, low = divmod(number, 256)
    return objects.service(f"s{number}", [f"10.222.{64 + high}.{low}"],
                           [objects.port(80, 8080, "http")], NAMESPACE)


def endpoint_slice(number, size, nodes):
    """Its endpoints, on as many nodes."""
    endpoints = []
    for index in range(number * size, (number + 1) * size):
        on, nth = index % nodes, index // nodes
        high, low = divmod(on, 256)
        endpoints.append(objects.endpoint(f"10.{128 + high}.{low}.{1 + nth % 250}", f"node-{on}"))
    return objects.endpoint_slice(f"s{number}", endpoints, [("http", 8080, "TCP")], NAMESPACE)


def make(services, endpoints, nodes):
    """All objects."""
    start = time.monotonic()
    api = Api()
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    items = [node(number) for number in range(nodes)] + \
        [service(number) for number in range(services)] + \
        [endpoint_slice(number, endpoints // services, nodes) for number in range(services)]

    def create(item, server, connection):
        status = item.pop("status", None)
        path = server.path(item)
        server.request("POST", path, item, allowed=(409,), over=connection)
        if status:
            server.request("PATCH", f"{path}/{item['metadata']['name']}/status", {"status": status},
                           "application/merge-patch+json", over=connection)

    in_parallel(create, items)
    return {"objects": len(items), "seconds": time.monotonic() - start}


def flap(rate, seconds, services):
    """Changes of slices, at this rate if the API server takes them."""
    start = time.monotonic()
    latest = [0.0]

    def change(number, server, connection):
        due = start + number / rate
        time.sleep(max(0, due - time.monotonic()))
        ready = (number // services) % 2 == 1
        server.request("PATCH", f"{SLICES}/s{number % services}-ipv4",
                       [{"op": "replace", "path": "/endpoints/0/conditions/ready", "value": ready}],
                       JSON_PATCH, over=connection)
        latest[0] = max(latest[0], time.monotonic() - due)

    in_parallel(change, range(rate * seconds))
    return {"changes": rate * seconds, "seconds": time.monotonic() - start, "latest": latest[0]}


def main():
    """One command."""
    command = {"make": make, "flap": flap}[sys.argv[1]]
    print(json.dumps(command(*map(int, sys.argv[2:]))))


main()

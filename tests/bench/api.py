# SPDX-License-Identifier: GPL-2.0
"""
api.py PORT FILE...: for clients that want to see an API server, and cannot be given files.

It lists the objects of these files (JSON Lists), by resource and by name, and to those who watch
it never has anything new to tell.
"""

import collections
import http.server
import json
import sys
import urllib.parse

KINDS = {"services": "Service", "endpointslices": "EndpointSlice", "nodes": "Node",
         "servicecidrs": "ServiceCIDR"}


class Api(http.server.BaseHTTPRequestHandler):
    """A GET of /api/v1/RESOURCE, or of /apis/GROUP/VERSION/RESOURCE."""
    protocol_version = "HTTP/1.1"
    objects = collections.defaultdict(list)     # by kind

    def do_GET(self):  # pylint: disable=invalid-name
        """Answer, or keep waiting."""
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        *group, resource = url.path.removeprefix("/api").removeprefix("s").strip("/").split("/")
        # Those who want a list in the form of a watch ask for a list when refused.
        if resource not in KINDS or "sendInitialEvents" in query:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if query.get("watch") in ("1", "true"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.rfile.read(1)      # until it goes away
            self.close_connection = True
            return
        # Another selector is spec.clusterIP!=None, which all that we have pass.
        field, _, name = query.get("fieldSelector", "").partition("=")
        items = [item for item in self.objects[KINDS[resource]]
                 if field != "metadata.name" or name == item["metadata"]["name"]]
        body = json.dumps({"apiVersion": "/".join(group), "kind": KINDS[resource] + "List",
                           "metadata": {"resourceVersion": "1"}, "items": items}).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # pylint: disable=arguments-differ
        """Quiet."""


def main():
    """Serve until killed."""
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            for item in json.load(file)["items"]:
                Api.objects[item["kind"]].append(item)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Api).serve_forever()


main()

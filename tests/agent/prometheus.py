# SPDX-License-Identifier: GPL-2.0
"""A real Prometheus, for as long as a test wants it."""

import http.client
import json
import subprocess
import urllib.parse


class Prometheus:
    """
    It scrapes one target each second, as instance n1 of job dvpnet, with the alert rules of a file:

        with Prometheus(folder, "127.0.0.1:10249", 9090, rules) as prometheus:
            ... prometheus.ask("up")
    """

    def __init__(self, folder, target, port, rules):
        self.folder, self.port = folder, port
        self.process = None
        (folder / "prometheus.json").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [{"job_name": "dvpnet", "static_configs": [
                {"targets": [target], "labels": {"instance": "n1"}}]}]}))

    def __enter__(self):
        with open(self.folder / "prometheus.log", "wb") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={self.folder}/prometheus.json",
                 f"--storage.tsdb.path={self.folder}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def said(self):
        """The end of its log."""
        return (self.folder / "prometheus.log").read_text()[-2000:]

    def get(self, path, **query):
        """What its interface answers, or None while it does not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/api/v1/{path}?{urllib.parse.urlencode(query)}")
            response = connection.getresponse()
            text = response.read()
        except ConnectionError:
            return None
        finally:
            connection.close()
        return json.loads(text)["data"] if response.status == 200 else None

    def ask(self, expression):
        """What a query finds: dictionaries with `metric` and `value`."""
        found = self.get("query", query=expression)
        return found and found["result"]

# SPDX-License-Identifier: GPL-2.0
"""What dvpnet does, shown on the cluster of tests/cluster; run.sh runs it where the module is."""

import collections
import concurrent.futures
import http.server
import pathlib
import socket
import socketserver
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "e2e"))

# pylint: disable=wrong-import-position
from lab import Cluster, ctl, netns, ping, run  # noqa: E402
from lab.cluster import ECHO_PORT  # noqa: E402
from lab.ctl import CLUSTER_FILES, ctl_json  # noqa: E402
from lab.traffic import TcpStream, UdpExchange  # noqa: E402

WEB = {4: "10.222.0.10", 6: "fd00:222::10"}
NODE_PORT = 30080
REQUESTS = 24
# Bytes a second of a TCP transfer. It shall run through everything, not prevent it: an emulated
# processor is soon busy with the copying of data alone.
RATE = 1 << 20

COLOUR = "--colour" in sys.argv


def paint(text, code):
    """Coloured, if there is a terminal to see it."""
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Report:
    """Numbered steps with their results."""

    def __init__(self):
        self.number = 0
        self.failed = 0
        self.begin = time.monotonic()

    def seconds(self):
        """Since the beginning."""
        return f"{time.monotonic() - self.begin:.0f} s"

    def step(self, title):
        """A new step."""
        self.number += 1
        print(f"\n{paint(f'{self.number}. {title}', '1')}  ({self.seconds()})")

    def result(self, good, text):
        """What came out of it."""
        self.failed += not good
        print(f"   {paint('ok', '32') if good else paint('FAILED', '31')}  {text}")

    @staticmethod
    def show(command, text, most=10):
        """A command and the beginning of what it printed."""
        print(f"   {paint('$ ' + command, '36')}")
        lines = text.rstrip().splitlines()
        for line in lines[:most]:
            print(f"     {line}")
        if len(lines) > most:
            print(f"     ... {len(lines) - most} more lines")


class WebCluster(Cluster):
    """The cluster with real web servers in its web pods."""

    def _serve(self):
        for host in (*self.nodes.values(), *self.pods.values()):
            self.serve(host, ECHO_PORT)
        for pod in self.pods.values():
            if pod.name.startswith("web-"):
                for family in (4, 6):
                    self._serve_web(pod, family)

    @staticmethod
    def _serve_web(pod, family):
        class Page(http.server.BaseHTTPRequestHandler):
            """Says which pod it is, and whom it sees."""

            def do_GET(self):  # pylint: disable=invalid-name
                """Any page."""
                body = f"{pod.name} sees {self.client_address[0]}\n".encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):  # pylint: disable=arguments-differ
                """Quiet."""

        class Server(http.server.ThreadingHTTPServer):
            """Of that family."""
            address_family = socket.AF_INET6 if family == 6 else socket.AF_INET
            request_queue_size = 64

            def server_bind(self):
                """Without asking for the name of the address: nobody here knows it, which takes long."""
                socketserver.TCPServer.server_bind(self)

        with netns(pod.name):
            server = Server((pod.ip(family), 8080), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def curl(space, url, times=1):
    """Answers to that many requests, each over a connection of its own; "failed" is one, too."""
    # The servers close each connection, so one curl opens as many.
    done = run("curl", "-sS", "-g", "-m", "20", *[url] * times, ns=space, check=False, timeout=300)
    answers = collections.Counter(done.stdout.splitlines())
    missing = times - answers.total()
    if missing:
        answers["failed: " + (done.stderr.strip().splitlines() or ["no answer"])[-1]] = missing
    return answers


def show_spread(report, space, url, want_nodes, times=REQUESTS):
    """Ask a Service many times and tell who answered."""
    answers = curl(space, url, times)
    pods = collections.Counter()
    for answer, count in answers.items():
        pods[answer.split(" ")[0]] += count
    report.show(f"curl {url}    ({times} times, from {space})",
                "\n".join(f"{count:3}  {answer}" for answer, count in sorted(answers.items())))
    nodes = {pod.split("-")[1] for pod in pods if pod.startswith("web-")}
    failed = sum(count for answer, count in answers.items() if answer.startswith("failed"))
    report.result(not failed and nodes == want_nodes,
                  f"{failed} failed, answered by pods of {', '.join(sorted(nodes))}")


def at_once(function, arguments):
    """The results of function for each of the arguments, found side by side."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(function, arguments))


def show_reach(report, cluster):
    """Every client pod pings a pod on each other node."""
    def complaint(path):
        client, web, family = path
        try:
            ping(client, cluster[web].ip(family), count=2)
        except AssertionError as error:
            return f"{client} -> {web} IPv{family}: {error}"
        return None

    pairs = [(f"client-{a}", f"web-{b}-a") for a in cluster.nodes for b in cluster.nodes if a != b]
    complaints = [c for c in at_once(complaint, [(*pair, family) for pair in pairs
                                                 for family in (4, 6)]) if c]
    for line in complaints:
        print(f"     {line}")
    report.result(not complaints, f"{len(pairs)} pairs of pods on different nodes, ping over IPv4 "
                                  f"and IPv6: {len(complaints)} failed")


def show_switch(report, cluster):
    """Modes change under traffic, one node after the other."""
    def failures(request):
        return sum(n for answer, n in curl(*request).items() if answer.startswith("failed"))

    begin = time.monotonic()
    switches = requests = failed = 0
    with TcpStream("client-n1", cluster["client-n2"].ip4, ECHO_PORT, rate=RATE) as near, \
         TcpStream("client-n1", cluster["client-n3"].ip4, ECHO_PORT, rate=RATE) as far, \
         UdpExchange("client-n2", cluster["client-n1"].ip4, ECHO_PORT, rate=50) as datagrams:
        for mode in ("auto", "vxlan"):
            for node in cluster.nodes:
                ctl(node, "apply", "--node", node, "--mode", mode, "-f", CLUSTER_FILES)
                switches += 1
                near.wait_for(1 << 16)
                far.wait_for(1 << 16)
                wanted = [(f"client-{node}", f"http://{WEB[4]}/"),
                          ("outside", f"http://{cluster[node].ip4}:{NODE_PORT}/")]
                requests += len(wanted)
                failed += sum(at_once(failures, wanted))
            ways = {n["name"]: n.get("active_mode") for n in ctl_json("n1", "node", "show")
                    if not n.get("local")}
            print(f"     {mode:5}: n1 sends to " +
                  ", ".join(f"{name} by {way}" for name, way in ways.items()))
        datagrams.wait_for(20)
    broken = [s.failure for s in (near, far) if s.failure]
    print(f"     {switches} switches in {time.monotonic() - begin:.0f} s; meanwhile "
          f"{(near.received + far.received) >> 20} MiB came back over 2 TCP connections, "
          "compared byte by byte,")
    print(f"     {datagrams.sent} datagrams were sent, and {requests} new connections opened to "
          "ClusterIP and NodePort")
    for failure in broken:
        print(f"     {failure}")
    report.result(not broken and not datagrams.lost and not failed,
                  f"{len(broken) + failed} failed, {len(datagrams.lost)} lost")


def show_apply(report, nodes):
    """The nodes are told what the cluster is."""
    def apply(node):
        return ctl(node, "apply", "--node", node, "-f", CLUSTER_FILES).stdout

    for node, said in zip(nodes, at_once(apply, nodes)):
        report.show(f"dvpnetctl apply --node {node} -f tests/cluster", said)
    report.show("dvpnetctl node show", ctl("n1", "node", "show").stdout)


def main():
    """The show."""
    report = Report()
    cluster = WebCluster()
    report.step("Three nodes, n3 on another subnet behind a router, with pods (network namespaces)")
    try:
        cluster.build()
        report.result(True, f"{len(cluster.nodes)} nodes, {len(cluster.pods)} pods, 2 routers, "
                            "a client outside")
        report.step("Each becomes a node of the cluster that a real API server described")
        show_apply(report, cluster.nodes)
        report.step("Pods of different nodes reach each other (VXLAN)")
        show_reach(report, cluster)
        report.step("A ClusterIP, spread over the endpoints of three nodes")
        show_spread(report, "client-n1", f"http://{WEB[4]}/", {"n1", "n2", "n3"})
        show_spread(report, "client-n3", f"http://[{WEB[6]}]/", {"n1", "n2", "n3"})
        report.step("A NodePort, from a client outside the cluster")
        show_spread(report, "outside", f"http://{cluster['n1'].ip4}:{NODE_PORT}/",
                    {"n1", "n2", "n3"})
        report.step("vxlan -> auto -> vxlan, node by node, while transfers run")
        show_switch(report, cluster)
        report.step("What an operator sees")
        report.show("dvpnetctl service show demo/web:http",
                    ctl("n1", "service", "show", "demo/web:http").stdout, 6)
        report.show("dvpnetctl flow show", ctl("n1", "flow", "show").stdout, 4)
        question = ("tcp", f"{cluster['client-n1'].ip4}:40000", "to", f"{WEB[4]}:80")
        report.show("dvpnetctl get " + " ".join(question), ctl("n1", "get", *question).stdout)
        report.show("dvpnetctl stats show", ctl("n1", "stats", "show").stdout, 12)
    finally:
        cluster.destroy()
    if report.failed:
        print(f"\n{paint('dvpnet demo: something FAILED', '1;31')}: {report.failed} of the "
              f"results above ({report.seconds()})")
        return 1
    print(f"\n{paint('dvpnet demo: all of it worked', '1;32')}: pods, ClusterIP, NodePort, live mode "
          f"switch, nothing failed, nothing lost ({report.seconds()})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

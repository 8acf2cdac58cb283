# SPDX-License-Identifier: GPL-2.0
"""
What the end-to-end tests are written with:

    netns.py    namespaces; programs and polling
    cluster.py  the topology: Cluster
    objects.py  Kubernetes objects as dictionaries
    ctl.py      dvpnetctl: apply, counters
    echo.py     servers which say who they are, clients: ask(), Connection
    crowd.py    many connections at once: crowd(), who()
    burst.py    traffic faster than Python makes it, by burst.c
    flapper.py  a Service whose endpoints change all the time
    traffic.py  background traffic which counts its losses: TcpStream, UdpExchange
    packet.py   building, sending, capturing packets: Capture
    genl.py     generic netlink by hand: Genl
    monitor.py  dvpnetctl monitor: Monitor
    state.py    all that is configured, to be compared: state()
    services.py Services of the lab's pods, and who sees whom through them
    machine.py  a virtual machine that moves: Machine
    pair.py     a smaller topology, to be broken: Pair
    cni.py      pods that are connected as a container runtime does it
    many.py     many Services: services()
    api.py      a real API server, and agents that follow it
    peer.py     kube-proxy on a node, and what is comparable of its answers and ours
"""

from .cluster import ECHO_PORT, Cluster, Host, Node
from .ctl import CounterWatch, apply, counters, ctl, ctl_json, question
from .echo import Answer, Connection, ask
from .netns import ip, netns, ping, run, sysctl, try_ping, wait_until
from .packet import Capture
from .traffic import TcpStream, UdpExchange

__all__ = [
    "ECHO_PORT", "Cluster", "Host", "Node", "CounterWatch", "apply", "counters", "ctl", "ctl_json",
    "question", "Answer", "Connection", "ask", "ip", "netns", "ping", "run", "sysctl", "try_ping",
    "wait_until", "Capture", "TcpStream", "UdpExchange",
]

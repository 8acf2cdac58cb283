# SPDX-License-Identifier: GPL-2.0
"""
Generic netlink by hand, so that a test can say what dvpnetctl never would.

Commands and attributes have the names of the specification, docs/netlink/dvpnet.yaml, in the way of
include/uapi/linux/dvpnet.h: CMD["NODE_SET"], ATTR["NODE"]["NAME"].
"""

import contextlib
import dataclasses
import errno
import re
import select
import socket
import struct

from .ctl import REPO
from .netns import netns

NETLINK_GENERIC = 16
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, NETLINK_CAP_ACK, NETLINK_EXT_ACK = 270, 1, 10, 11
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLM_F_DUMP_INTR, NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x10, 0x100, 0x200
NLA_F_NESTED, NLA_TYPE_MASK = 0x8000, 0x3FFF
NLMSGERR_ATTR_MSG = 1
GENL_ID_CTRL, CTRL_CMD_GETFAMILY = 16, 3
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_MCAST_GROUPS = 1, 2, 7
CTRL_ATTR_MCAST_GRP_NAME, CTRL_ATTR_MCAST_GRP_ID = 1, 2


def _read_header():
    """Numbers of commands and attributes, from the header that the module is built with."""
    text = (REPO / "include/uapi/linux/dvpnet.h").read_text(encoding="ascii")
    commands, attributes = {}, {}
    for body in re.findall(r"enum\s*\w*\s*{(.*?)}", text, re.S):
        number = -1
        for name, value in re.findall(r"^\t(DVPNET_\w+)(?:\s*=\s*(\d+))?,", body, re.M):
            number = int(value) if value else number + 1
            if name.startswith("DVPNET_CMD_"):
                commands[name[11:]] = number
            elif name.startswith("DVPNET_A_"):
                group, attribute = name[9:].split("_", 1)
                attributes.setdefault(group, {})[attribute] = number
    return commands, attributes


CMD, ATTR = _read_header()
WRITES = [name for name in CMD
          if name.endswith(("_SET", "_DEL", "_NEW", "_FLUSH", "_BEGIN", "_COMMIT", "_ABORT"))]
DUMPS = ["NODE_GET", "PREFIX_GET", "SERVICE_GET", "FLOW_GET"]
READS = ["CONFIG_GET", "NODE_GET", "SERVICE_GET", "STATS_GET", "ROUTE_GET"]


def attribute(kind, data=b""):
    """An attribute: data is bytes, a list of attributes, or a string."""
    if isinstance(data, list):
        kind, data = kind | NLA_F_NESTED, b"".join(data)
    elif isinstance(data, str):
        data = data.encode() + b"\0"
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def u8(value):
    """Data of an attribute."""
    return struct.pack("=B", value)


def u16(value):
    """Data of an attribute."""
    return struct.pack("=H", value)


def u32(value):
    """Data of an attribute."""
    return struct.pack("=I", value)


def address(text):
    """Data of an attribute."""
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def attributes(group, **values):
    """Attributes of one set: attributes("NODE", name="n1", mode=u32(2)); None is left out."""
    return b"".join(attribute(ATTR[group][name.upper()], value)
                    for name, value in values.items() if value is not None)


def parse(data):
    """Attributes as pairs of number and data."""
    result = []
    offset = 0
    while offset + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, offset)
        result.append((kind & NLA_TYPE_MASK, data[offset + 4:offset + length]))
        offset += (length + 3) & ~3
    return result


def text_of(data):
    """What a string attribute says."""
    return data.rstrip(b"\0").decode()


class Refused(Exception):
    """The kernel's answer is an error."""

    def __init__(self, code, message):
        super().__init__(f"{errno.errorcode.get(code, code)}: {message}")
        self.code = code
        self.message = message


@dataclasses.dataclass(frozen=True)
class Message:
    """One answer or event of the family."""
    command: int
    flags: int
    attributes: list

    def get(self, kind):
        """Data of the first such attribute, or None."""
        return next((data for k, data in self.attributes if k == kind), None)

    def all(self, kind):
        """Data of each such attribute."""
        return [data for k, data in self.attributes if k == kind]


class Genl:
    """A socket that talks to dvpnet in a namespace; answers are read in pages of so many bytes."""

    def __init__(self, ns=None, timeout=30, page=1 << 16):
        self.page = page
        with netns(ns) if ns else contextlib.nullcontext():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.sock.bind((0, 0))
        self.sock.settimeout(timeout)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
        self.sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sequence = 0
        self.family = GENL_ID_CTRL
        reply = self.request(CTRL_CMD_GETFAMILY, attribute(CTRL_ATTR_FAMILY_NAME, "dvpnet"))[0]
        self.family = struct.unpack("=H", reply.get(CTRL_ATTR_FAMILY_ID))[0]
        self.groups = {}
        for _, group in parse(reply.get(CTRL_ATTR_MCAST_GROUPS)):
            fields = dict(parse(group))
            self.groups[text_of(fields[CTRL_ATTR_MCAST_GRP_NAME])] = \
                struct.unpack("=I", fields[CTRL_ATTR_MCAST_GRP_ID])[0]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """The socket is gone, for the kernel as well."""
        self.sock.close()

    # ---- plain bytes ----

    def pack(self, command, payload=b"", flags=NLM_F_REQUEST | NLM_F_ACK):
        """A whole message."""
        self.sequence += 1
        return struct.pack("=IHHIIBBH", 20 + len(payload), self.family, flags, self.sequence, 0,
                           command, 1, 0) + payload

    def send(self, data):
        """Send it as it is."""
        self.sock.send(data)

    def drain(self):
        """Throw away what has come."""
        while select.select([self.sock], [], [], 0)[0]:
            try:
                self.sock.recv(1 << 16)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise

    # ---- messages ----

    @staticmethod
    def _extack(data, flags, skip):
        """The text of an error message's payload, behind skip bytes."""
        if not flags & NLM_F_ACK_TLVS:
            return ""
        fields = dict(parse(data[skip:]))
        return text_of(fields.get(NLMSGERR_ATTR_MSG, b""))

    def _receive(self):
        data = self.sock.recv(self.page)
        while len(data) >= 16:
            length, kind, flags, sequence = struct.unpack_from("=IHHI", data)
            yield kind, flags, sequence, data[16:length]
            data = data[(length + 3) & ~3:]

    def request(self, command, payload=b"", flags=NLM_F_REQUEST | NLM_F_ACK):
        """Send, and wait for the end of the answer; raises Refused."""
        if isinstance(command, str):
            command = CMD[command]
        self.send(self.pack(command, payload, flags))
        return list(self.answer())

    def answer(self):
        """Messages that answer the last request, as they come."""
        while True:
            for kind, flags, sequence, data in self._receive():
                if sequence != self.sequence:
                    continue
                if kind == NLMSG_DONE:
                    code, = struct.unpack_from("=i", data)
                    if code:
                        raise Refused(-code, self._extack(data, flags, 4))
                    return
                if kind == NLMSG_ERROR:
                    # The request's header, or all of it, stands between code and text.
                    code, length = struct.unpack_from("=iI", data)
                    if code:
                        raise Refused(-code, self._extack(
                            data, flags, 20 if flags & NLM_F_CAPPED else 4 + length))
                    return
                yield Message(data[0], flags, parse(data[4:]))

    def dump(self, command):
        """All messages of a dump."""
        return self.request(command, flags=NLM_F_REQUEST | NLM_F_DUMP)

    def subscribe(self):
        """From here on events come."""
        self.sock.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, self.groups["config"])

    def events(self):
        """Commands of the events that have come, by name."""
        names = {number: name for name, number in CMD.items()}
        result = []
        while select.select([self.sock], [], [], 0)[0]:
            result += [names[data[0]] for kind, _, sequence, data in self._receive()
                       if kind == self.family and not sequence]
        return result

    # ---- dvpnet ----

    def begin(self, mode=0):
        """Open a sync: 0 patch, 1 replace. Returns the token."""
        reply = self.request("SYNC_BEGIN", attributes("SYNC", mode=u32(mode)))[0]
        return struct.unpack("=I", reply.get(ATTR["SYNC"]["TOKEN"]))[0]

    def commit(self, token):
        """Close it. Returns the generation."""
        reply = self.request("SYNC_COMMIT", attributes("SYNC", token=u32(token)))[0]
        return struct.unpack("=I", reply.get(ATTR["SYNC"]["GENERATION"]))[0]

    def abort(self, token):
        """Give it up."""
        self.request("SYNC_ABORT", attributes("SYNC", token=u32(token)))

    def generation(self):
        """Of the configuration."""
        reply = self.request("CONFIG_GET")[0]
        return struct.unpack("=I", reply.get(ATTR["CONFIG"]["GENERATION"]))[0]

    def names(self, group):
        """Names of all nodes, or of all services."""
        return {text_of(message.get(ATTR[group]["NAME"]))
                for message in self.dump(f"{group}_GET")}


def node(name, underlay4="192.0.2.1", mac=b"\x02\0\0\0\0\1", **more):
    """Attributes of a node."""
    return attributes("NODE", name=name, underlay4=underlay4 and address(underlay4), mac=mac,
                      **more)


def frontend(text, port, kind=0):
    """Data of a frontend: an address, or None for a NodePort."""
    return [attributes("FRONTEND", type=u32(kind if text else 1), addr=text and address(text),
                       port=u16(port))]


def backend(text, port, flags=9, weight=None):
    """Data of a backend, by default a ready one for cluster traffic."""
    return [attributes("BACKEND", addr=address(text), port=u16(port), flags=u32(flags),
                       weight=None if weight is None else u32(weight))]


def block(text, length, kind=None):
    """Data of a range: an address and how many bits count; None is left out."""
    return [attributes("RANGE", addr=address(text), len=None if length is None else u8(length),
                       kind=None if kind is None else u32(kind))]


def ranges(*blocks):
    """Attributes of a configuration with these ranges, each an address, a length and a kind."""
    return attributes("CONFIG", ranges=[attributes("RANGES", range=block(*b)) for b in blocks])


def service(name, frontends=(), backends=(), family=socket.AF_INET, proto=socket.IPPROTO_TCP,
            more=False, sources=(), **rules):
    """Attributes of a service; sources are addresses with lengths, rules are numbers."""
    numbers = ATTR["SERVICE"]
    return attributes("SERVICE", name=name, family=u8(family), proto=u8(proto),
                      **{rule: u32(value) for rule, value in rules.items()}) + \
        b"".join([attribute(numbers["FRONTEND"], f) for f in frontends] +
                 [attribute(numbers["SOURCE"], block(*s)) for s in sources] +
                 [attribute(numbers["BACKEND"], b) for b in backends]) + \
        (attribute(numbers["MORE"]) if more else b"")

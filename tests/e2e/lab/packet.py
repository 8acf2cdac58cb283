# SPDX-License-Identifier: GPL-2.0
"""Packets: build them, send them raw, capture and read them."""

import dataclasses
import ipaddress
import select
import socket
import struct
import time

from .netns import SO_RCVBUFFORCE, netns

ETH_P_ALL = 0x0003
ETH_P_IP = 0x0800
ETH_P_IPV6 = 0x86DD
TCP, UDP, SCTP, ICMP, ICMPV6, FRAGMENT = 6, 17, 132, 1, 58, 44
VXLAN_VALID_VNI = 0x08
SOL_PACKET, PACKET_STATISTICS = 263, 6


def mac_bytes(mac):
    """Bytes of a MAC address."""
    return bytes.fromhex(mac.replace(":", ""))


def device_mac(ns, device):
    """MAC address of a device."""
    with netns(ns), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        return sock.getsockname()[4].hex(":")


# ---- building ----

def checksum(data):
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _pseudo(src, dst, protocol, length):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    return src.packed + dst.packed + struct.pack("!II", length, protocol)


def udp(src, dst, sport, dport, payload=b"", zero_checksum=False):
    """UDP datagram between two addresses; they are only needed for the checksum."""
    length = 8 + len(payload)
    header = struct.pack("!HHHH", sport, dport, length, 0)
    check = checksum(_pseudo(src, dst, UDP, length) + header + payload) or 0xFFFF
    return header[:6] + struct.pack("!H", 0 if zero_checksum else check) + payload


def tcp(src, dst, sport, dport, flags, seq=0, ack=0, payload=b"", options=b"", window=65535):
    """TCP segment; flags as letters of FSRPAU, options padded to words by the caller."""
    bits = sum(1 << "FSRPAU".index(flag) for flag in flags)
    header = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, (20 + len(options)) // 4 << 4,
                         bits, window, 0, 0) + options
    length = len(header) + len(payload)
    check = checksum(_pseudo(src, dst, TCP, length) + header + payload)
    return header[:16] + struct.pack("!H", check) + header[18:] + payload


def crc32c(data):
    """The checksum of SCTP (RFC 9260, appendix A)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(sport, dport, chunks, tag=0):
    """SCTP packet of these chunks, each a type and what follows its header."""
    data = b"".join(struct.pack("!BBH", kind, 0, 4 + len(body)) + body + bytes(-len(body) % 4)
                    for kind, body in chunks)
    header = struct.pack("!HHI", sport, dport, tag)
    return header + struct.pack("<I", crc32c(header + bytes(4) + data)) + data


def sctp_error(data):
    """The difference between an SCTP packet's checksum and what it ought to be: 0 if it is right."""
    return struct.unpack_from("<I", data, 8)[0] ^ crc32c(data[:8] + bytes(4) + data[12:])


def echo_request(src, dst, ident=1, seq=1, payload=b"dvpnet"):
    """ICMP or ICMPv6 echo request, by the family of the addresses."""
    is_v6 = ":" in dst
    header = struct.pack("!BBHHH", 128 if is_v6 else 8, 0, 0, ident, seq)
    pseudo = _pseudo(src, dst, ICMPV6, 8 + len(payload)) if is_v6 else b""
    check = checksum(pseudo + header + payload)
    return header[:2] + struct.pack("!H", check) + header[4:] + payload


def ip(src, dst, protocol, payload, ttl=64, df=False, ident=0, tos=0):
    """IPv4 or IPv6 packet, by the family of the addresses."""
    if ":" in src:
        return struct.pack("!IHBB", 6 << 28 | tos << 20, len(payload), protocol, ttl) + \
            socket.inet_pton(socket.AF_INET6, src) + \
            socket.inet_pton(socket.AF_INET6, dst) + payload
    header = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), ident,
                         0x4000 if df else 0, ttl, protocol, 0,
                         socket.inet_aton(src), socket.inet_aton(dst))
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def ping_packet(src, dst, **fields):
    """A whole echo request."""
    return ip(src, dst, ICMPV6 if ":" in dst else ICMP, echo_request(src, dst, **fields))


def udp_packet(src, dst, sport, dport, payload=b""):
    """A whole UDP packet."""
    return ip(src, dst, UDP, udp(src, dst, sport, dport, payload))


def fragments(src, dst, datagram, ident, step=1280):
    """A UDP datagram as the IP packets of its fragments."""
    parts = [(offset, datagram[offset:offset + step]) for offset in range(0, len(datagram), step)]
    for offset, part in parts:
        more = offset + len(part) < len(datagram)
        if ":" in src:
            header = struct.pack("!BBHI", UDP, 0, offset | more, ident)
            yield ip(src, dst, FRAGMENT, header + part)
        else:
            whole = bytearray(ip(src, dst, UDP, part, ident=ident))
            struct.pack_into("!H", whole, 6, offset >> 3 | more << 13)
            struct.pack_into("!H", whole, 10, 0)
            struct.pack_into("!H", whole, 10, checksum(bytes(whole[:20])))
            yield bytes(whole)


def ether(dst, src, payload, ethertype=None):
    """Ethernet frame; the type is taken from the IP packet in it if not given."""
    if ethertype is None:
        ethertype = ETH_P_IPV6 if payload[0] >> 4 == 6 else ETH_P_IP
    return mac_bytes(dst) + mac_bytes(src) + struct.pack("!H", ethertype) + payload


def vxlan(vni, frame, flags=VXLAN_VALID_VNI << 24, reserved=0):
    """VXLAN header (RFC 7348, 5) and the frame in it."""
    return struct.pack("!II", flags, vni << 8 | reserved) + frame


# ---- sending ----

def send_frames(ns, device, *frames):
    """Put Ethernet frames on a device's wire."""
    with netns(ns), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((device, 0))
        for frame in frames:
            sock.send(frame)


def send_ip(ns, *packets):
    """Send whole IP packets from a host, routed as usual; the checksum of the IPv4 header is made."""
    with netns(ns):
        for packet in packets:
            is_v6 = packet[0] >> 4 == 6
            family = socket.AF_INET6 if is_v6 else socket.AF_INET
            dst = socket.inet_ntop(family, packet[24:40] if is_v6 else packet[16:20])
            with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
                sock.sendto(packet, (dst, 0))


def send_udp(ns, src, dst, sport, dport, payload):
    """
    Send one datagram from an address which need not be the host's, and a port which may be in use.
    Routed as usual.
    """
    family = socket.AF_INET6 if ":" in dst else socket.AF_INET
    with netns(ns), socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW) as sock:
        sock.sendto(ip(src, dst, UDP, udp(src, dst, sport, dport, payload)), (dst, 0))


# ---- reading ----

@dataclasses.dataclass
class Packet:
    """A packet as seen on a wire. Fields that it does not have are None."""
    raw: bytes
    eth_src: str = None
    eth_dst: str = None
    ethertype: int = None
    family: int = None          # 4 or 6
    src: str = None
    dst: str = None
    length: int = None          # of the IP packet, as received: more than the MTU for GSO
    ttl: int = None
    tos: int = None
    df: bool = None
    fragment: bool = False
    proto: int = None
    sport: int = None
    dport: int = None
    payload: bytes = b""        # of UDP, TCP and ICMP; of SCTP the packet with its header
    flags: str = ""             # of TCP, letters of FSRPAU
    seq: int = None
    mss: int = None
    icmp: tuple = None          # type, code
    mtu: int = None             # of "fragmentation needed" and "packet too big"
    udp_checksum: int = None
    vni: int = None
    inner: "Packet" = None      # in VXLAN
    outgoing: bool = False      # sent by the host that captures

    def __str__(self):
        text = f"{self.src}:{self.sport} > {self.dst}:{self.dport} proto {self.proto} " \
               f"len {self.length} {self.flags}{self.icmp or ''}"
        return f"{text} vxlan {self.vni} [{self.inner}]" if self.inner else text

    __repr__ = __str__


def _parse_transport(packet, data, vxlan_port):
    if packet.proto == UDP and len(data) >= 8:
        packet.sport, packet.dport, _, packet.udp_checksum = struct.unpack_from("!HHHH", data)
        packet.payload = data[8:]
        if packet.dport == vxlan_port and len(data) >= 16:
            packet.vni = struct.unpack_from("!I", data, 12)[0] >> 8
            packet.inner = parse_frame(data[16:])
    elif packet.proto == TCP and len(data) >= 20:
        packet.sport, packet.dport, packet.seq, _, offset, bits = \
            struct.unpack_from("!HHIIBB", data)
        packet.flags = "".join(f for i, f in enumerate("FSRPAU") if bits & 1 << i)
        header = (offset >> 4) * 4
        options = data[20:header]
        while options and options[0]:
            if options[0] == 1:
                options = options[1:]
                continue
            if options[0] == 2:
                packet.mss = struct.unpack_from("!H", options, 2)[0]
            options = options[max(options[1], 2):]
        packet.payload = data[header:]
    elif packet.proto == SCTP and len(data) >= 12:
        packet.sport, packet.dport = struct.unpack_from("!HH", data)
        packet.payload = data
    elif packet.proto in (ICMP, ICMPV6) and len(data) >= 8:
        packet.icmp = (data[0], data[1])
        if (packet.proto, *packet.icmp) == (ICMP, 3, 4):
            packet.mtu = struct.unpack_from("!H", data, 6)[0]
        elif (packet.proto, *packet.icmp) == (ICMPV6, 2, 0):
            packet.mtu = struct.unpack_from("!I", data, 4)[0]
        packet.payload = data[8:]


def parse_ip(packet, data, vxlan_port=None):
    """Fill in what an IP packet tells."""
    if len(data) < 20:
        return
    packet.length = len(data)
    packet.family = data[0] >> 4
    if packet.family == 4:
        packet.tos = data[1]
        total, _, frag, packet.ttl, packet.proto = struct.unpack_from("!HHHBB", data, 2)
        packet.src, packet.dst = (str(ipaddress.IPv4Address(data[i:i + 4])) for i in (12, 16))
        packet.df = bool(frag & 0x4000)
        packet.fragment = bool(frag & 0x3FFF)
        offset = (data[0] & 15) * 4
        # Short frames are padded; the length of a GSO packet may not be a number that fits.
        end = total if total and total >= offset else len(data)
        packet.length = max(total, len(data) if len(data) > 1600 else total)
        first = not frag & 0x1FFF
    elif packet.family == 6 and len(data) >= 40:
        packet.tos = struct.unpack_from("!I", data)[0] >> 20 & 0xFF
        _, packet.proto, packet.ttl = struct.unpack_from("!HBB", data, 4)
        packet.src, packet.dst = (str(ipaddress.IPv6Address(data[i:i + 16])) for i in (8, 24))
        offset, end, first = 40, len(data), True
        while packet.proto in (FRAGMENT, 0, 43, 60) and len(data) >= offset + 8:
            if packet.proto == FRAGMENT:
                packet.fragment = True
                first = first and not struct.unpack_from("!H", data, offset + 2)[0] & 0xFFF8
                length = 8
            else:
                length = 8 + data[offset + 1] * 8
            packet.proto = data[offset]
            offset += length
    else:
        return
    if first:
        _parse_transport(packet, data[offset:end], vxlan_port)


def parse_frame(raw, vxlan_port=None):
    """Read an Ethernet frame."""
    packet = Packet(raw)
    if len(raw) >= 14:
        packet.eth_dst, packet.eth_src = raw[:6].hex(":"), raw[6:12].hex(":")
        packet.ethertype = struct.unpack_from("!H", raw, 12)[0]
        if packet.ethertype in (ETH_P_IP, ETH_P_IPV6):
            parse_ip(packet, raw[14:], vxlan_port)
    return packet


class Capture:
    """
    All packets of a device, from the begin of the with block:

        with Capture("n1", "eth0") as capture:
            ...
            capture.wait(lambda p: p.icmp == (3, 4))
        assert not any(p.src == "10.111.1.10" for p in capture.packets())

    VXLAN is recognised by its port. Checksums may be unfinished, as devices do that. A device's own
    fast stream fills the buffer: not every packet of it is seen then.
    """

    def __init__(self, ns, device, vxlan_port=4298, buffer=32 << 20):
        self.vxlan_port = vxlan_port
        self.seen = []
        self.lost = 0       # for want of buffer space
        with netns(ns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer)
            self.sock.bind((device, ETH_P_ALL))
        self.sock.setblocking(False)
        self.has_ethernet = self.sock.getsockname()[3] in (1, 772)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._read()
        self.sock.close()

    def _read(self):
        if self.sock.fileno() < 0:
            return
        # What comes meanwhile is for the next time, or this would never end.
        came, dropped = struct.unpack(
            "II", self.sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.lost += dropped
        for _ in range(came - dropped):
            raw, address = self.sock.recvfrom(1 << 17)
            if self.has_ethernet:
                packet = parse_frame(raw, self.vxlan_port)
            else:
                packet = Packet(raw, ethertype=address[1])
                parse_ip(packet, raw, self.vxlan_port)
            packet.outgoing = address[2] == socket.PACKET_OUTGOING
            self.seen.append(packet)

    def packets(self, condition=lambda packet: True):
        """Those so far for which the condition holds."""
        self._read()
        return [p for p in self.seen if condition(p)]

    def wait(self, condition, timeout=5):
        """The first packet for which the condition holds; waits for it."""
        deadline = time.monotonic() + timeout
        done = 0
        while True:
            self._read()
            for packet in self.seen[done:]:
                if condition(packet):
                    return packet
            done = len(self.seen)
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no such packet; the last ones: {self.seen[-10:]}")
            select.select([self.sock], [], [], left)

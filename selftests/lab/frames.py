# SPDX-License-Identifier: GPL-2.0
"""Ethernet frames by hand: tags, ARP, IPv4, IPv6, and what a socket in the victim's namespace catches.

It builds exactly what it is told, sound or not; it must never ask a stack to build a frame.
"""
import ipaddress
import socket
import struct

from probe import checksum

ETH_P_ALL = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ip(text):
    return socket.inet_aton(text)


def eth(dst, src, ethertype, payload, tags=()):
    """tags: (tpid, vlan id) from the outside in."""
    head = mac(dst) + mac(src)
    for tpid, vlan in tags:
        head += struct.pack("!HH", tpid, vlan)
    frame = head + struct.pack("!H", ethertype) + payload
    return frame + b"\0" * max(0, 60 - len(frame))


def arp(op, sender_mac, sender, target_mac, target):
    return struct.pack("!HHBBH", 1, 0x800, 6, 4, op) + mac(sender_mac) + ip(sender) + mac(target_mac) + ip(target)


def ipv4(src, dst, proto, payload, ttl=64, frag=0, ident=4711):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, frag, ttl, proto, 0, ip(src), ip(dst))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def _l4(src, dst, proto, segment, offset):
    pseudo = ip(src) + ip(dst) + struct.pack("!BBH", 0, proto, len(segment))
    value = checksum(pseudo + segment) or 0xffff
    return segment[:offset] + struct.pack("!H", value) + segment[offset + 2:]


def udp(src, dst, sport, dport, data, **more):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return ipv4(src, dst, 17, _l4(src, dst, 17, segment, 6), **more)


def tcp(src, dst, sport, dport, flags, data=b"", **more):
    segment = struct.pack("!HHIIBBHHH", sport, dport, 1000, 2000, 0x50, flags, 512, 0, 0) + data
    return ipv4(src, dst, 6, _l4(src, dst, 6, segment, 16), **more)


def icmp(src, dst, kind, data, code=0, ident=99, **more):
    body = struct.pack("!BBHHH", kind, code, 0, ident, 1) + data
    return ipv4(src, dst, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:], **more)


def ipv6_udp(src, dst, dport, data):
    s, d = ipaddress.IPv6Address(src).packed, ipaddress.IPv6Address(dst).packed
    segment = struct.pack("!HHHH", 4000, dport, 8 + len(data), 0) + data
    pseudo = s + d + struct.pack("!II", len(segment), 17)
    segment = segment[:6] + struct.pack("!H", checksum(pseudo + segment) or 0xffff) + segment[8:]
    return struct.pack("!IHBB", 6 << 28, len(segment), 17, 64) + s + d + segment


def router_advertisement(src, data):
    """A neighbour that says: I am your IPv6 router."""
    s, d = ipaddress.IPv6Address(src).packed, ipaddress.IPv6Address("ff02::1").packed
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + data
    pseudo = s + d + struct.pack("!II", len(body), 58)
    body = body[:2] + struct.pack("!H", checksum(pseudo + body)) + body[4:]
    return struct.pack("!IHBB", 6 << 28, len(body), 58, 255) + s + d + body


class Port:
    """A raw socket on `eth0` of a namespace: sends frames, and catches what comes in."""

    def __init__(self, namespaces, name, interface="eth0"):
        with namespaces.inside(name):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.sock.bind((interface, ETH_P_ALL))
            self.mac = ":".join(f"{b:02x}" for b in self.sock.getsockname()[4])
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.setblocking(False)

    def send(self, frame):
        self.sock.send(frame)

    def caught(self):
        """Frames that came in since the last call: (vlan or None, bytes); own ones are left out."""
        frames = []
        while True:
            try:
                data, aux, _, address = self.sock.recvmsg(2048, 256)
            except BlockingIOError:
                return frames
            if address[2] == socket.PACKET_OUTGOING:
                continue
            vlan = None
            for level, kind, value in aux:
                if level == SOL_PACKET and kind == PACKET_AUXDATA:
                    status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", value[:20])
                    if status & 0x10:  # TP_STATUS_VLAN_VALID
                        vlan = tci & 0xfff
            frames.append((vlan, data))

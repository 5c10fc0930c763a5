#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""exchange.py CLIENT-NETNS SERVER-NETNS ADDRESS PORT SERVER-PORT FLOWS [VLAN INTERFACE MAC]: a question and an answer of
each flow that the generator will send, so that whoever keeps connections has seen both directions; with VLAN in frames
with that tag, out of the client's INTERFACE to MAC. Fails if an answer does not come.
"""
import ctypes
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
FIRST_PORT = 1024  # as in live.bpf.c
libc = ctypes.CDLL(None, use_errno=True)


def enter(netns):
    with open("/run/netns/" + netns, "rb") as f:
        if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + netns)


class Tagged:
    """Asks as a socket would, from behind a VLAN."""

    def __init__(self, netns, vlan, interface, mac):
        enter(netns)
        self.end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        self.end.bind((interface, 0))
        self.end.settimeout(2)
        self.head = bytes.fromhex(mac.replace(":", "")) + self.end.getsockname()[4] + struct.pack(
            "!HHH", 0x8100, int(vlan), 0x0800)

    def ask(self, port, address):
        ip = bytearray(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 29, 0, 0, 64, 17, 0, socket.inet_aton("10.99.0.2"),
                                   socket.inet_aton(address[0])))
        struct.pack_into("!H", ip, 10, 0xffff - sum(struct.unpack("!10H", ip)) % 0xffff)
        self.end.send(self.head + bytes(ip) + struct.pack("!HHHHs", port, address[1], 9, 0, b"?"))

    def answer(self, port):
        while True:
            got = self.end.recv(2048)
            if len(got) > 42 and got[23] == 17 and got[36:38] == struct.pack("!H", port):
                return got[42:43], (socket.inet_ntoa(got[26:30]), struct.unpack("!H", got[34:36])[0])


def udp_in(netns, address):
    """A socket that stands in another network namespace."""
    enter(netns)
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(2)
    made.bind(address)
    return made


class Plain:
    """Asks by a socket for each flow."""

    def __init__(self, netns):
        self.netns, self.end = netns, None

    def ask(self, port, address):
        self.end = udp_in(self.netns, ("10.99.0.2", port))
        self.end.sendto(b"?", address)

    def answer(self, _):
        with self.end as end:
            return end.recvfrom(16)


def main():
    client, server, address, port, server_port, flows = sys.argv[1:7]
    answers, address = udp_in(server, ("", int(server_port))), (address, int(port))
    asks = Tagged(client, *sys.argv[7:]) if sys.argv[7:] else Plain(client)
    for i in range(int(flows)):
        asks.ask(FIRST_PORT + i, address)
        _, who = answers.recvfrom(16)
        answers.sendto(b"!", who)
        got = asks.answer(FIRST_PORT + i)
        if got != (b"!", address):
            print("exchange: from %s:%d came %s" % (*address, got), file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TimeoutError:
        print("exchange: nothing came", file=sys.stderr)
        sys.exit(1)

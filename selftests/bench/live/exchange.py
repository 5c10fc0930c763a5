#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""exchange.py CLIENT-NETNS SERVER-NETNS ADDRESS PORT SERVER-PORT FLOWS: a question and an answer of each flow that the
generator will send, so that whoever keeps connections has seen both directions. Fails if an answer does not come.
"""
import ctypes
import socket
import sys

CLONE_NEWNET = 0x40000000
FIRST_PORT = 1024  # as in live.bpf.c
libc = ctypes.CDLL(None, use_errno=True)


def udp_in(netns, address):
    """A socket that stands in another network namespace."""
    with open("/run/netns/" + netns, "rb") as f:
        if libc.setns(f.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + netns)
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.settimeout(2)
    made.bind(address)
    return made


def main():
    client, server, address, port, server_port, flows = sys.argv[1:]
    answers = udp_in(server, ("", int(server_port)))
    for i in range(int(flows)):
        with udp_in(client, ("10.99.0.2", FIRST_PORT + i)) as asks:
            asks.sendto(b"?", (address, int(port)))
            _, who = answers.recvfrom(16)
            answers.sendto(b"!", who)
            got = asks.recvfrom(16)
            if got != (b"!", (address, int(port))):
                print("exchange: from %s:%d came %s" % (address, int(port), got), file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TimeoutError:
        print("exchange: nothing came", file=sys.stderr)
        sys.exit(1)

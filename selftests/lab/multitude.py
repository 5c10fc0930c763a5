# SPDX-License-Identifier: GPL-2.0
"""multitude.py serve PORT | multitude.py ask ADDRESS PORT FLOWS SECONDS

Datagrams of many flows that are all as busy as each other: every flow asks once a second, and each question is answered.
`ask` prints how many were asked and how many answers came.
"""
import selectors
import socket
import sys
import time


def serve(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    sock.bind(("", port))
    while True:
        data, peer = sock.recvfrom(64)
        sock.sendto(data, peer)


def collect(ready, until):
    """Answers that come before then."""
    answers = 0
    while True:
        left = until - time.monotonic()
        for key, _ in ready.select(max(left, 0)):
            key.fileobj.recv(64)
            answers += 1
        if left <= 0:
            return answers


def ask(address, port, flows, seconds):
    ready = selectors.DefaultSelector()
    socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(flows)]
    asked = answers = 0
    for sock in socks:
        sock.connect((address, port))
        ready.register(sock, selectors.EVENT_READ)
    begin = time.monotonic()
    while time.monotonic() < begin + seconds:
        second = time.monotonic()
        for i, sock in enumerate(socks):
            sock.send(b"?")
            asked += 1
            if i % 16 == 15:  # spread over the second, as clients are
                answers += collect(ready, second + (i + 1) / flows)
    answers += collect(ready, time.monotonic() + 1)
    print(asked, answers)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))

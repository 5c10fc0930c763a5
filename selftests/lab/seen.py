# SPDX-License-Identifier: GPL-2.0
"""Whom a real server saw: one question by TCP, UDP, ping or a protocol of no ports, and its answer.

Servers are servers.py's. A question whose first packet is spent on finding a neighbour is asked again. It must never
decide what is right: it reports what it saw.
"""
import collections
import errno
import hashlib
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from servers import CHUNK, HELLO, SEEN, bulk, digest  # noqa: E402
from stage import PATIENT, SLOW  # noqa: E402

Seen = collections.namedtuple("Seen", "name address port")
NOTHING = Seen(None, None, None)


class Connection:
    """tcp/HELLO or another port that means it: what the server said at once; held until close()."""

    def __init__(self, s, who, to, port=0, patience=None):
        self.seen, self.error = NOTHING, None
        with s.ns.inside(who):
            self.sock = socket.socket()
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.settimeout(patience or PATIENT)
        try:
            self.sock.bind(("", port))
            self.sock.connect(to if isinstance(to, tuple) else (to, HELLO))
            name, address, said = self.sock.recv(200).decode().split()
            self.seen = Seen(name, address, int(said))
        except (OSError, ValueError) as e:
            self.error = errno.errorcode.get(getattr(e, "errno", None), type(e).__name__)

    def speaks(self, text=b"are you there"):
        """Trouble or None."""
        try:
            self.sock.send(text)
            got = self.sock.recv(200)
            return None if got == text else f"it said {got!r}"
        except OSError as e:
            return errno.errorcode.get(e.errno, type(e).__name__)

    def close(self):
        self.sock.close()


def tcp(s, who, to, port=0, patience=None):
    """(Seen, error)"""
    c = Connection(s, who, to, port, patience)
    c.close()
    return c.seen, c.error


class Datagrams:
    """A socket that asks udp/SEEN of any number of servers from one port."""

    def __init__(self, s, who, port=0):
        with s.ns.inside(who):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("", port))
        self.port = self.sock.getsockname()[1]
        self.asked, self.error = set(), None

    def ask(self, to, data=b"who am I"):
        """Seen; with NOTHING, `error` tells why."""
        to = to if isinstance(to, tuple) else (to, SEEN)
        self.sock.settimeout(1 * SLOW)
        self.asked.add(to)
        self.error = "no answer"
        for _ in range(int(PATIENT / SLOW)):
            try:
                self.sock.sendto(data, to)
                end = time.monotonic() + 1 * SLOW
                while time.monotonic() < end:
                    answer, sender = self.sock.recvfrom(65535)
                    name, address, port, size, sha = answer.decode().split()
                    if sender != to:
                        self.error = f"answered by {sender[0]}:{sender[1]}"
                        if sender in self.asked:
                            continue  # late, to a question asked twice
                        return NOTHING
                    if int(size) == len(data) and sha == hashlib.sha256(data).hexdigest():
                        return Seen(name, address, int(port))
                    self.error = "the bytes are others"
            except (OSError, ValueError) as e:
                self.error = errno.errorcode.get(getattr(e, "errno", None), type(e).__name__)
        return NOTHING

    def close(self):
        self.sock.close()


def udp(s, who, to, port=0, **more):
    """(Seen, error)"""
    d = Datagrams(s, who, port)
    seen = d.ask(to, **more)
    d.close()
    return seen, None if seen.name else d.error


class Listener:
    """Raw sockets of one protocol in a namespace: what arrives there, headers and all."""

    def __init__(self, s, where, proto):
        with s.ns.inside(where):
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
        self.sock.setblocking(False)

    def heard(self, wait=0.0, enough=None):
        """Payloads with their senders, [(address, bytes)]; until `enough` does, or the time is over."""
        found, end = [], time.monotonic() + wait
        while True:
            try:
                data, sender = self.sock.recvfrom(65535)
                found.append((sender[0], data[(data[0] & 15) * 4:]))
                if enough and enough(*found[-1]):
                    return found
            except BlockingIOError:
                if time.monotonic() > end:
                    return found
                time.sleep(0.01)

    def close(self):
        self.sock.close()


def ping(s, who, to, observer=None, count=2):
    """(whether every ping was answered, sources that the observer's stack saw of them)"""
    listener = Listener(s, observer, socket.IPPROTO_ICMP) if observer else None
    size = str(100 + os.getpid() % 100)
    for _ in range(4):  # the first may be spent on a neighbour, and others late
        run = s.inside(who, "ping", "-q", "-c", str(count), "-i", "0.2", "-W", str(int(2 * SLOW)), "-s", size, to)
        if not run.returncode and " 0% packet loss" in run.stdout:
            break
    sources = {a for a, data in listener.heard() if data[0] == 8 and len(data) == int(size) + 8} if listener else set()
    if listener:
        listener.close()
    return not run.returncode, sources


def raw(s, who, to, proto, data, where, tries=int(PATIENT / 0.3 / SLOW)):
    """Sources from which `where` got `data` as the payload of protocol `proto`."""
    listener = Listener(s, where, proto)
    with s.ns.inside(who):
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, proto)
    found = []
    for _ in range(tries):
        sock.sendto(data, (to, 0))
        found += listener.heard(0.3 * SLOW, lambda _, got: got == data)
        if any(got == data for _, got in found):
            break
    sock.close()
    listener.close()
    return {a for a, got in found if got == data}


def transfer(s, who, to, verb, size, seconds=60.0):
    """Trouble or None: `size` bytes to or from the bulk server at (address, port)."""
    with s.ns.inside(who):
        sock = socket.socket()
    sock.settimeout(PATIENT)
    try:
        sock.connect(to)
        sock.settimeout(seconds)
        sock.sendall(f"{verb} {size}\n".encode())
        if verb == "put":
            for part in bulk(size):
                sock.sendall(part)
            said = sock.recv(200).decode().split()
            return None if said == [digest(size), "0"] else f"the server's sha256 is another: {said}"
        total, left = hashlib.sha256(), size
        while left:
            data = sock.recv(CHUNK)
            if not data:
                return f"{left} bytes are missing"
            total.update(data)
            left -= len(data)
        return None if total.hexdigest() == digest(size) else "the sha256 is another"
    except OSError as e:
        return f"{type(e).__name__} {e}"
    finally:
        sock.close()

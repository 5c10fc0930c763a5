# SPDX-License-Identifier: GPL-2.0
"""Real clients and servers in many network namespaces, in one process.

A socket stays in the namespace it was made in, so one process can be everybody at once: it opens
listeners in every namespace, then makes thousands of attempts side by side and watches both ends.
An attempt has *arrived* when the victim's kernel handed the first packet up, and is *answered* when the
answer came back and named the right host. Forbidden traffic must not even arrive.

Standard library only. It must never decide what is right: it reports what it saw.
"""
import ctypes
import errno
import os
import resource
import select
import socket
import struct
import time

CLONE_NEWNET = 0x40000000
SO_ATTACH_FILTER = 26
_libc = ctypes.CDLL(None, use_errno=True)


def setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def many_files():
    """As many descriptors as this machine lets a process have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for limit in (max(hard, 65536), hard):
        try:
            return resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (ValueError, OSError):
            continue
    return None


class Namespaces:
    """`with ns.inside(NAME):` makes sockets in that namespace."""

    def __init__(self, prefix):
        self.prefix, self.fds = prefix, {}
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)

    def inside(self, name):
        return _Inside(self, name)

    def fd(self, name):
        if name not in self.fds:
            self.fds[name] = os.open(f"/run/netns/{self.prefix}-{name}", os.O_RDONLY)
        return self.fds[name]


class _Inside:
    def __init__(self, namespaces, name):
        self.namespaces, self.name = namespaces, name

    def __enter__(self):
        setns(self.namespaces.fd(self.name))

    def __exit__(self, *_):
        setns(self.namespaces.home)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def resent(sock):
    """tcpi_total_retrans of struct tcp_info, less tcpi_dsack_dups: what the other side then had twice was only late."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 220)
    again = struct.unpack_from("=I", info, 100)[0]
    return max(0, again - struct.unpack_from("=I", info, 216)[0]) if len(info) >= 220 else again


class Attempt:
    __slots__ = ("src", "dst", "kind", "port", "expected", "index", "sock", "sport", "arrived",
                 "answered", "refused", "wrong", "sent", "next_try")

    def __init__(self, src, dst, kind, port, expected):
        self.src, self.dst, self.kind, self.port, self.expected = src, dst, kind, port, expected
        self.index = self.sport = self.sent = 0
        self.sock = None
        self.arrived = self.answered = self.refused = False
        self.wrong = None
        self.next_try = 0.0

    def what(self):
        return self.kind if self.kind == "icmp" else f"{self.kind}/{self.port}"

    def problem(self):
        """Why this attempt contradicts what was expected, or None."""
        if self.wrong:
            return f"answered by {self.wrong}"
        if self.expected is None or self.expected == self.answered and self.expected >= self.arrived:
            return None
        if self.expected:
            if self.refused:
                return "refused by a reset"
            return "promised, but no answer came back" if self.arrived else "promised, but it never arrived"
        return "forbidden, but answered" if self.answered else "forbidden, but it arrived (no answer came back)"


class Probe:
    """hosts: name → address; ports: [(kind, port)] listened on everywhere."""

    def __init__(self, prefix, hosts, ports, forbidden_s=1.3, allowed_s=8.0):
        self.ns, self.hosts = Namespaces(prefix), hosts
        self.forbidden_s, self.allowed_s = forbidden_s, allowed_s
        self.retry_s = max(0.45, forbidden_s * 0.35)
        self.names = {}
        self.poll = select.epoll()
        self.handlers = {}
        self.by_tuple, self.attempts = {}, []
        self.icmp = {}
        self.resent = 0  # segments that either end of an answered TCP attempt had to send again
        self.token = os.getpid() & 0xffff
        many_files()
        for name, address in hosts.items():
            with self.ns.inside(name):
                self._open(name, address, ports)

    def _watch(self, sock, events, handler):
        sock.setblocking(False)
        self.poll.register(sock.fileno(), events)
        self.handlers[sock.fileno()] = (sock, handler)

    def _forget(self, sock):
        if sock is None or sock.fileno() < 0:
            return
        self.poll.unregister(sock.fileno())
        del self.handlers[sock.fileno()]
        sock.close()

    def _open(self, name, address, ports):
        for kind, port in ports:
            if f"{name}:{port}" == os.environ.get("IPERF"):
                continue  # somebody else listens there
            if kind == "tcp":
                s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.bind((address, port))
                s.listen(1024)
                self._watch(s, select.EPOLLIN, lambda sock, ev, n=name: self._accept(sock, n))
            else:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind((address, port))
                self._watch(s, select.EPOLLIN, lambda sock, ev, n=name: self._udp_server(sock, n))
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.icmp[name] = s
        self._watch(s, select.EPOLLIN, lambda sock, ev, n=name: self._icmp_in(sock, n))
        # SYNs as the victim's kernel got them. cBPF on a raw socket starts at the IP header:
        # x = header length; flags & (SYN|ACK) == SYN
        code = struct.pack("HBBIHBBIHBBIHBBIHBBIHBBI",
                           0xb1, 0, 0, 0,  # ldx 4*([0]&0xf)
                           0x50, 0, 0, 13,  # ldb [x + 13]
                           0x54, 0, 0, 0x12,  # and #0x12
                           0x15, 0, 1, 0x02,  # jeq #2, keep, drop
                           0x06, 0, 0, 64,  # keep
                           0x06, 0, 0, 0)
        # ldb [x+k] is BPF_LD|BPF_B|BPF_IND = 0x50
        buf = ctypes.create_string_buffer(code)
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
        s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 6, ctypes.addressof(buf)))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._watch(s, select.EPOLLIN, lambda sock, ev, n=name: self._syn_in(sock, n))

    # --- the victims' side
    def _accept(self, sock, name):
        while True:
            try:
                client, _ = sock.accept()
            except OSError:
                return
            try:
                client.send(name.encode() + b"\n")
            except OSError:
                pass
            self._watch(client, select.EPOLLIN, lambda sock, ev: self._end_served(sock))

    def _end_served(self, sock):
        """The client has closed: its data has arrived."""
        self.resent += resent(sock)
        self._forget(sock)

    def _udp_server(self, sock, name):
        while True:
            try:
                data, peer = sock.recvfrom(256)
            except OSError:
                return
            self._arrived(data, name)
            try:
                sock.sendto(data[:8] + name.encode(), peer)
            except OSError:
                pass

    def _arrived(self, data, name):
        """`data` begins with what an attempt sent."""
        if len(data) < 8:
            return
        index, token = struct.unpack("!II", data[:8])
        if token == self.token and index < len(self.attempts):
            attempt = self.attempts[index]
            attempt.arrived = True
            if attempt.dst != name:
                attempt.wrong = name

    def _icmp_in(self, sock, name):
        while True:
            try:
                data, peer = sock.recvfrom(512)
            except OSError:
                return
            head = (data[0] & 15) * 4
            if len(data) < head + 16:
                continue
            if data[head] == 8:
                self._arrived(data[head + 8:], name)
            elif data[head] == 0:
                index, token = struct.unpack("!II", data[head + 8:head + 16])
                if token == self.token and index < len(self.attempts):
                    attempt = self.attempts[index]
                    if attempt.src == name and peer[0] == self.hosts[attempt.dst]:
                        attempt.answered = True
                    else:
                        attempt.wrong = f"{peer[0]} (at {name})"

    def _syn_in(self, sock, name):
        while True:
            try:
                data, peer = sock.recvfrom(128)
            except OSError:
                return
            head = (data[0] & 15) * 4
            sport, dport = struct.unpack("!HH", data[head:head + 4])
            attempt = self.by_tuple.get((peer[0], sport, socket.inet_ntoa(data[16:20]), dport))
            if attempt:
                attempt.arrived = True
                if attempt.dst != name:
                    attempt.wrong = name

    # --- the clients' side
    def _start(self, attempt):
        attempt.sent = 1
        if attempt.kind == "icmp":
            self._ping(attempt)
            return
        s = socket.socket(socket.AF_INET,
                          socket.SOCK_STREAM if attempt.kind == "tcp" else socket.SOCK_DGRAM)
        s.setblocking(False)
        attempt.sock = s
        peer = (self.hosts[attempt.dst], attempt.port)
        if attempt.kind == "udp":
            s.connect(peer)
            self._send(attempt)
            self._watch(s, select.EPOLLIN, lambda sock, ev, a=attempt: self._udp_client(sock, a))
            return
        s.bind((self.hosts[attempt.src], 0))
        attempt.sport = s.getsockname()[1]
        self.by_tuple[(self.hosts[attempt.src], attempt.sport) + peer] = attempt
        error = s.connect_ex(peer)
        if error not in (0, errno.EINPROGRESS):
            attempt.refused = error == errno.ECONNREFUSED
            s.close()
            attempt.sock = None
            return
        self._watch(s, select.EPOLLIN, lambda sock, ev, a=attempt: self._tcp_client(sock, ev, a))

    def _payload(self, attempt):
        return struct.pack("!II", attempt.index, self.token)

    def _send(self, attempt):
        try:
            attempt.sock.send(self._payload(attempt))
        except OSError:
            pass

    def _ping(self, attempt):
        ident = (attempt.index + 1) & 0xffff
        body = self._payload(attempt) + b"sluice-probe-----"
        head = struct.pack("!BBHHH", 8, 0, 0, ident, attempt.sent & 0xffff)
        head = struct.pack("!BBHHH", 8, 0, checksum(head + body), ident, attempt.sent & 0xffff)
        try:
            self.icmp[attempt.src].sendto(head + body, (self.hosts[attempt.dst], 0))
        except OSError:
            pass

    def _udp_client(self, sock, attempt):
        try:
            data = sock.recv(256)
        except ConnectionRefusedError:
            attempt.refused = True
            return
        except OSError:
            return
        if data[:8] == self._payload(attempt):
            name = data[8:].decode(errors="replace")
            if name == attempt.dst:
                attempt.answered = True
            else:
                attempt.wrong = name

    def _tcp_client(self, sock, events, attempt):
        try:
            data = sock.recv(256)
        except ConnectionRefusedError:
            attempt.refused = attempt.arrived = True
            data = None
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = None
        if data:
            name = data.decode(errors="replace").strip()
            if name == attempt.dst:
                attempt.answered = True
            else:
                attempt.wrong = name
            self.resent += resent(sock)
        self._forget(sock)
        attempt.sock = None

    def _turn(self, wait):
        for fd, events in self.poll.poll(wait, 512):
            entry = self.handlers.get(fd)
            if entry:
                entry[1](entry[0], events)

    def run(self, attempts, at_once=4000):
        """Makes every attempt; fills in what happened to each. What arrives late counts as well."""
        self.attempts, self.by_tuple = attempts, {}
        for index, attempt in enumerate(attempts):
            attempt.index = index
        for first in range(0, len(attempts), at_once):
            self._batch(attempts[first:first + at_once])
        self._turn(0)
        return attempts

    def late(self):
        """What arrived since the last run, of the same attempts."""
        self._turn(0)

    def _batch(self, batch):
        by_source = {}
        for attempt in batch:
            by_source.setdefault(attempt.src, []).append(attempt)
        for src, mine in by_source.items():
            with self.ns.inside(src):
                for i, attempt in enumerate(mine):
                    self._start(attempt)
                    attempt.next_try = time.monotonic() + self.retry_s
            self._turn(0)
        begin = time.monotonic()
        while True:
            now = time.monotonic()
            waiting = [a for a in batch if not a.answered and not a.wrong]
            hopeful = [a for a in waiting if a.expected and not a.refused]
            if now - begin > self.allowed_s or not waiting:
                break
            if now - begin > self.forbidden_s and not hopeful:
                break
            # TCP asks again by itself; the others are asked again here: a first packet may become
            # the question for a neighbour.
            for attempt in waiting:
                if attempt.kind != "tcp" and now >= attempt.next_try:
                    attempt.sent += 1
                    attempt.next_try = now + self.retry_s
                    if attempt.kind == "icmp":
                        self._ping(attempt)
                    elif attempt.sock:
                        self._send(attempt)
            end = now + 0.1
            while time.monotonic() < end:
                self._turn(0.05)
                if len(waiting) < 50 and all(a.answered or a.wrong for a in waiting):
                    break  # a few are not worth a turn's rest when they have all been answered
        for attempt in batch:
            self._forget(attempt.sock)
            attempt.sock = None

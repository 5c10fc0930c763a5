# SPDX-License-Identifier: GPL-2.0
"""Many real TCP connections from one namespace to one port, opened side by side, held or let go.

The server says its name and whom it saw at once (servers.py, tcp/9000), so a connection is *answered* when that
line is here. Each may have a source port of its own, so that the same connections can be made again. It must
never decide what is right: it reports what it saw.
"""
import errno
import itertools
import select
import socket
import struct
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST, no TIME_WAIT
TCP_REPAIR = 19


class Connection:
    __slots__ = ("sock", "port", "name", "seen", "seen_port", "error", "stuck")

    def __init__(self, sock, port):
        self.sock, self.port = sock, port
        self.name = self.seen = self.seen_port = self.error = None
        self.stuck = ""

    def close(self):
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def vanish(self):
        """Gone without a word to the other end, as a client whose power went."""
        self.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.close()
        return True


class Crowd:
    """Clients in one namespace, with the address `sources`, or with each of several in turn."""

    witness = None  # asked what it knows of the port of a connection that is stuck, while it is

    def __init__(self, namespaces, namespace, *sources):
        self.ns, self.namespace, self.sources = namespaces, namespace, itertools.cycle(sources or ("",))

    def connect(self, to, ports, seconds=60.0, hold=False, width=400, patience=None, enough=None):
        """One connection from each of `ports` (0: any) to `to`; all of them, answered or with an error.

        patience: give each so long, instead of `seconds` for all; time in which this machine did not let us look
        does not count. enough: when so many have been answered the others get a moment more.
        """
        poll, waiting, done = select.epoll(), {}, []
        ports = iter(ports)
        turn = time.monotonic()
        end, stolen = turn + seconds, 0.0
        with self.ns.inside(self.namespace):
            more = True
            while more or waiting:
                while more and len(waiting) < width:
                    port = next(ports, None)
                    if port is None:
                        more = False
                        break
                    c = self.start(to, port)
                    if c.error:
                        done.append(c)
                        continue
                    waiting[c.sock.fileno()] = (c, time.monotonic() - stolen)
                    poll.register(c.sock.fileno(), select.EPOLLIN)
                for fd, _ in poll.poll(0.05):
                    c, _ = waiting[fd]
                    if self.finish(c):
                        poll.unregister(fd)
                        del waiting[fd]
                        done.append(c)
                        if not hold or c.error:
                            c.close()
                now = time.monotonic()
                stolen += max(0.0, now - turn - 0.2) if patience else 0.0
                turn = now
                if enough is not None and sum(not c.error for c in done) >= enough:
                    end, enough = min(end, now + 3.0), None
                if now > end:
                    more = False
                for fd, (c, begun) in list(waiting.items()) if now > end or patience else []:
                    if now > end or now - stolen - begun > patience:
                        if not self.finish(c):  # it may have come while nobody could look
                            many = sum(bool(other.stuck) for other in done) > 2
                            c.error, c.stuck = "ETIMEDOUT", stuck(c.sock, not many and self.witness)
                        poll.unregister(fd)
                        del waiting[fd]
                        done.append(c)
                        if not hold or c.error:
                            c.close()
        poll.close()
        return done

    def start(self, to, port):
        sock = socket.socket()
        c = Connection(sock, port)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            source = next(self.sources)
            if port or source:
                sock.bind((source, port))
            sock.connect(to)
        except BlockingIOError:
            pass
        except OSError as e:
            c.error = errno.errorcode.get(e.errno, str(e))
            c.close()
        return c

    @staticmethod
    def finish(c):
        """Whether the server's line, or an error, is there."""
        try:
            line = c.sock.recv(200)
        except BlockingIOError:
            return False
        except OSError as e:
            c.error = errno.errorcode.get(e.errno, str(e))
            return True
        parts = line.decode().split()
        if len(parts) == 3:
            c.name, c.seen, c.seen_port = parts[0], parts[1], int(parts[2])
        else:
            c.error = "closed" if not line else f"said {line!r}"
        return True


def speak(connections, seconds=30.0, width=1000):
    """A byte to each and the same back: those that broke, with `error` set."""
    broken = []
    for at in range(0, len(connections), width):
        poll, waiting = select.epoll(), {}
        for c in connections[at:at + width]:
            try:
                c.sock.send(b"x")
            except OSError as e:
                c.error = errno.errorcode.get(e.errno, str(e))
                broken.append(c)
                continue
            waiting[c.sock.fileno()] = c
            poll.register(c.sock.fileno(), select.EPOLLIN)
        end = time.monotonic() + seconds
        while waiting and time.monotonic() < end:
            for fd, _ in poll.poll(0.1):
                c = waiting.pop(fd)
                poll.unregister(fd)
                try:
                    if c.sock.recv(10) != b"x":
                        c.error = "closed"
                except OSError as e:
                    c.error = errno.errorcode.get(e.errno, str(e))
                if c.error:
                    broken.append(c)
        for c in waiting.values():
            c.error = "ETIMEDOUT"
            broken.append(c)
        poll.close()
    return broken


def stuck(sock, witness):
    """How far a connection has come that has waited too long, and what the nodes say of it."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)
    said = {1: "connected, no word from the server", 2: "no answer to its SYN"}.get(info[0], f"state {info[0]}")
    if len(info) >= 144:
        went, came, again = *struct.unpack_from("=II", info, 136), *struct.unpack_from("=I", info, 100)
        said += f"; {came} segments came, {went} went, {again} again"
    port = sock.getsockname()[1]
    return f" of port {port} ({said}{'; ' + witness(port) if witness else ''})"


def errors(connections):
    """How often each error, as text."""
    count = {}
    for c in connections:
        if c.error:
            text = c.error + c.stuck
            count[text] = count.get(text, 0) + 1
    return ", ".join(f"{n} {e}" for e, n in sorted(count.items())) or "none"

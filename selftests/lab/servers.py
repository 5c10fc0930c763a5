# SPDX-License-Identifier: GPL-2.0
"""Servers of the services and NAT labs: every workload of a plan answers with its own name and the client it saw.

    servers.py LAB PLAN FOLDER

tcp/9000  "NAME CLIENT PORT\\n" at once, then whatever comes is sent back, as long as the client likes
tcp/9002  "put BYTES\\n" and the bytes: their sha256; "get BYTES\\n": that many bytes of bulk()
udp/9001  "NAME CLIENT LENGTH SHA256"; to "later": the same half a second later, from a connected socket, twice, and
          what the socket heard by then goes to FOLDER/NAME.later
udp/9003  "NAME CLIENT PORT LENGTH SHA256"
tcp/7443  TLS, HTTP; FOLDER/NAME.tls.log gets "CLIENT 7443" for each request. FOLDER/{cert,key}.pem

Says "ready" when all listen. One process: a socket stays in the namespace that it was made in. It must never
decide what is right: it tells what it saw.
"""
import errno
import hashlib
import json
import os
import select
import socket
import ssl
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from probe import Namespaces, many_files  # noqa: E402

HELLO, DATAGRAM, BULK, SEEN, TLS = 9000, 9001, 9002, 9003, 7443
IP_PKTINFO = 8
BLOCK = bytes((i * 7 + (i >> 8) * 13 + (i >> 16) * 31) & 0xff for i in range(1 << 20))
CHUNK = 1 << 18


def bulk(count):
    """The bytes that "get" gives and "put" should bring, in chunks."""
    at = 0
    while at < count:
        offset = at % len(BLOCK)
        size = min(CHUNK, count - at, len(BLOCK) - offset)
        yield BLOCK[offset:offset + size]
        at += size


def digest(count):
    total = hashlib.sha256()
    for part in bulk(count):
        total.update(part)
    return total.hexdigest()


def read_line(sock):
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            raise ConnectionError("closed before a line")
        line += byte
    return line.decode().split()


def transfer(sock):
    try:
        sock.settimeout(120)
        verb, count = read_line(sock)
        if verb == "put":
            left, total = int(count), hashlib.sha256()
            while left:
                data = sock.recv(min(left, CHUNK))
                if not data:
                    break
                left -= len(data)
                total.update(data)
            sock.sendall(f"{total.hexdigest()} {left}\n".encode())
        else:
            for part in bulk(int(count)):
                sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)
    except OSError:
        pass  # the client has seen the same and says so
    finally:
        sock.close()


def http(sock, context, log, client):
    try:
        sock.settimeout(30)
        tls = context.wrap_socket(sock, server_side=True)
        data = b""
        while b"\r\n\r\n" not in data:
            part = tls.recv(4096)
            if not part:
                return
            data += part
        log.write(f"{client} {TLS}\n")
        tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
        tls.unwrap()
    except OSError:
        pass  # a client that goes without goodbye; curl counts what it got
    finally:
        sock.close()


def later(sock, text, path):
    """Two answers from a connected socket, which hears of port unreachable; then what it heard."""
    heard = "nothing"
    for _ in range(2):
        time.sleep(0.5)
        try:
            sock.send(text)
        except OSError as e:
            heard = errno.errorcode[e.errno]
    for _ in range(300 if heard == "nothing" else 0):
        time.sleep(0.1)
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            heard = errno.errorcode[error]
            break
    sock.close()
    with open(path, "w", encoding="ascii") as f:
        f.write(heard + "\n")


class Servers:
    def __init__(self, lab, plan, folder):
        self.ns, self.folder = Namespaces(lab), folder
        self.poll, self.handlers = select.epoll(), {}
        self.context = None
        if os.path.exists(f"{folder}/cert.pem"):
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
        for w in plan["workloads"]:
            with self.ns.inside(w["name"]):
                self.open(w["name"])

    def watch(self, sock, events, handler):
        self.handlers[sock.fileno()] = (sock, handler)
        self.poll.register(sock.fileno(), events)

    def listen(self, port, handler):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("", port))
        sock.listen(65535)
        sock.setblocking(False)
        self.watch(sock, select.EPOLLIN, handler)

    def open(self, name):
        def thread(target, *before):
            def handler(listener, _):
                sock, client = listener.accept()
                sock.setblocking(True)
                threading.Thread(target=target, args=(sock, *before, *([client[0]] if before else [])), daemon=True).start()
            return handler
        self.listen(HELLO, self.hello(name))
        self.listen(BULK, thread(transfer))
        if "envoy" in name and self.context:
            log = open(f"{self.folder}/{name}.tls.log", "a", buffering=1, encoding="ascii")  # pylint: disable=R1732
            self.listen(TLS, thread(http, self.context, log))
        for port, handler in ((DATAGRAM, self.datagram(name)), (SEEN, self.seen(name))):
            sock = self.datagram_socket(port)
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, port == SEEN)
            sock.setblocking(False)
            self.watch(sock, select.EPOLLIN, handler)

    def hello(self, name):
        def handler(listener, _):
            for _ in range(64):
                try:
                    sock, client = listener.accept()
                except BlockingIOError:
                    return
                except OSError:
                    continue
                sock.setblocking(False)
                try:
                    sock.send(f"{name} {client[0]} {client[1]}\n".encode())
                except OSError:
                    sock.close()
                    continue
                self.watch(sock, select.EPOLLIN, self.echo)
        return handler

    def echo(self, sock, _):
        try:
            data = sock.recv(4096)
            if data:
                sock.send(data)
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.poll.unregister(sock.fileno())
        del self.handlers[sock.fileno()]
        sock.close()

    @staticmethod
    def datagram_socket(port=DATAGRAM):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(("", port))
        return sock

    @staticmethod
    def seen(name):
        """From the address that was asked, of a host that has several."""
        def handler(sock, _):
            data, told, _, client = sock.recvmsg(65535, 64)
            text = f"{name} {client[0]} {client[1]} {len(data)} {hashlib.sha256(data).hexdigest()}".encode()
            sock.sendmsg([text], [(*c[:2], b"\0\0\0\0" + c[2][4:8] + b"\0\0\0\0") for c in told], 0, client)
        return handler

    def datagram(self, name):
        def handler(sock, _):
            data, client = sock.recvfrom(65535)
            text = f"{name} {client[0]} {len(data)} {hashlib.sha256(data).hexdigest()}".encode()
            if data == b"later":
                with self.ns.inside(name):
                    other = self.datagram_socket()
                other.connect(client)
                threading.Thread(target=later, args=(other, text, f"{self.folder}/{name}.later"), daemon=True).start()
            elif data.startswith(b"same"):  # as long as what came
                sock.sendto(text.ljust(len(data)), client)
            else:
                sock.sendto(text, client)
        return handler

    def run(self):
        while True:
            for fd, event in self.poll.poll():
                if fd in self.handlers:
                    sock, handler = self.handlers[fd]
                    try:
                        handler(sock, event)
                    except OSError as e:
                        print(f"server: {e}", file=sys.stderr, flush=True)


def main():
    lab, plan, folder = sys.argv[1:4]
    many_files()
    with open(plan, encoding="utf-8") as f:
        servers = Servers(lab, json.load(f), folder)
    print("ready", flush=True)
    servers.run()


if __name__ == "__main__":
    main()

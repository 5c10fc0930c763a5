# SPDX-License-Identifier: GPL-2.0
"""ICMP through outside addresses: traceroute, path MTU, unreachable ports, both ways.

    nat_icmp.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR

The ways out are SNAT by an EIP of this node and of another one, FIPs likewise, and the node's own address. Prints
"ok" and "not ok" lines.
"""
import errno
import os
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from seen import Datagrams, transfer, udp  # noqa: E402
from stage import FAST, PATIENT, QUIET, SLOW, Stage, until  # noqa: E402

OUT, CLIENT, DEV, BOHDAN, IVAN = "203.0.113.10", "88.99.218.47", "168.119.17.51", "168.119.17.57", "168.119.17.58"
IP_RECVERR, IP_MTU_DISCOVER, IP_MTU, DO, MSG_ERRQUEUE = 11, 10, 14, 2, 0x2000
# workload, the gateway that sluice plays, the router's address there
WAYS = (("dev-1", "10.1.0.1", "168.119.17.49", "SNAT"), ("dev-2", "10.1.0.1", "168.119.17.49", "SNAT by another node's EIP"),
        ("demo-5", "10.0.10.1", "100.65.0.1", "SNAT"), ("envoy", "10.100.0.1", "100.65.0.1", "SNAT by an EIP of both nodes"),
        ("bohdan", "10.1.0.1", "168.119.17.49", "a FIP"), ("ivan", "10.1.0.1", "168.119.17.49", "a FIP of another node"),
        ("plain-2", "10.110.0.1", "88.99.29.193", "the node's own address"))
SMALLER = 1300


def error_of(sock, seconds):
    """(type, code, who said it, mtu or 0) of the next error that the socket's stack matched to it, or None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            _, told, _, _ = sock.recvmsg(512, 512, MSG_ERRQUEUE)
        except BlockingIOError:
            time.sleep(0.02)
            continue
        for level, kind, data in told:
            if (level, kind) == (socket.IPPROTO_IP, IP_RECVERR):
                _, _, kind, code, _, info, _ = struct.unpack("=IBBBBII", data[:16])
                return kind, code, socket.inet_ntoa(data[20:24]), info
    return None


def hop(s, who, to, ttl, port=33434):
    """Who answers a datagram of that TTL, as traceroute asks."""
    with s.ns.inside(who):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
    sock.setblocking(False)
    found = None
    for _ in range(int(PATIENT / 0.7 / SLOW)):  # the first may be spent on a neighbour, some wait for a second's worth of answers
        try:
            sock.sendto(b"traceroute", (to, port + ttl))
        except OSError:
            pass  # what came for the one before
        found = error_of(sock, 0.7 * SLOW)
        if found:
            break
    sock.close()
    return found


def traceroute(s):
    for who, gateway, router, text in WAYS:
        wanted = [(11, 0, gateway), (11, 0, router), (3, 3, OUT)]
        got = [(found := hop(s, who, OUT, ttl)) and found[:3] for ttl in (1, 2, 3)]
        s.say(f"traceroute by datagrams through {text}: {who}", got != wanted and f"{got}")
        said = []
        for ttl in (1, 2):
            for _ in range(4):
                run = s.inside(who, "ping", "-c", "2", "-i", "0.3", "-W", str(int(2 * SLOW)), "-t", str(ttl), OUT)
                told = sorted(set(re.findall(r"From (\S+).*Time to live exceeded", run.stdout)))
                if told:
                    break
            said += told
        s.say(f"traceroute by pings through {text}: {who}", said != [gateway, router] and f"{said}")


def path_mtu(s):
    """A smaller MTU behind the router: whoever sends too much is told, and goes on."""
    run = s.inside("router", "ip", "link", "set", "out", "mtu", str(SMALLER))
    if run.returncode:
        raise RuntimeError(run.stderr)
    try:
        for who, _, _, text in WAYS:
            with s.ns.inside(who):
                sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DO)
            sock.connect((OUT, 9003))
            sock.settimeout(1 * SLOW)
            said, trouble = None, None
            for _ in range(int(PATIENT / SLOW)):
                try:
                    sock.send(bytes(1372))
                    sock.recv(500)
                    trouble = "a packet of 1400 bytes got through"
                    break
                except TimeoutError:
                    continue
                except OSError as e:
                    said = e.errno
                    break
            mtu = sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
            s.say(f"path MTU through {text}: {who} is told {SMALLER}", trouble or (said, mtu) != (errno.EMSGSIZE, SMALLER) and
                  f"{errno.errorcode.get(said)}, MTU {mtu}")
            sock.settimeout(PATIENT)
            try:
                sock.send(bytes(SMALLER - 28))
                got = sock.recv(500).split()
                trouble = int(got[3]) != SMALLER - 28 and f"{got[3]} bytes arrived"
            except OSError as e:
                trouble = f"{type(e).__name__} {e}"
            s.say(f"path MTU through {text}: {who} goes on with what fits", trouble)
            sock.close()
            s.inside(who, "ip", "route", "flush", "cache")
            size = 1 << 17 if FAST else 2 << 20
            s.say(f"path MTU through {text}: {size >> 10} KiB up", transfer(s, who, (OUT, 9002), "put", size, 20 * SLOW))
            s.inside(who, "ip", "route", "flush", "cache")
    finally:
        s.inside("router", "ip", "link", "set", "out", "mtu", "1500")


def from_inside(s):
    """What a workload's own stack says of a packet from outside reaches the sender as from the outside address."""
    for who, eip in (("bohdan", BOHDAN), ("ivan", IVAN)):
        with s.ns.inside("client"):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        sock.setblocking(False)
        found = None
        for _ in range(int(PATIENT / 0.7 / SLOW)):
            try:
                # policy lets the world speak to bohdan's udp/9003 alone, where somebody listens
                sock.sendto(b"anybody", (eip, 9009 if who == "ivan" else 9003))
            except OSError:
                pass
            found = error_of(sock, 0.7 * SLOW)
            if found or who == "bohdan":
                break
        wanted = (3, 3, eip) if who == "ivan" else None
        s.say(f"unreachable port behind the FIP of {who}: " + ("the sender is told, by the FIP" if wanted else "an open one says nothing"),
              (found and found[:3]) != wanted and f"{found}")
        sock.close()
    for who, eip, text in (("dev-1", DEV, "this node's EIP"), ("dev-2", DEV, "another node's EIP")):
        sock = Datagrams(s, who)
        sock.ask(OUT)
        # The server answers later, when nobody is there any more: udp/9001 of servers.py.
        path = f"{s.folder}/servers/out.later"
        if os.path.exists(path):
            os.unlink(path)
        sock.sock.sendto(b"later", (OUT, 9001))
        sock.close()
        heard = until(lambda: os.path.exists(path) and open(path, encoding="ascii").read().strip()) or "no datagram at all"
        s.say(f"unreachable port behind SNAT, {text}: the server is told", heard != "ECONNREFUSED" and heard)


def from_outside(s):
    """A server's port that is closed: the workload's socket hears of it, and the mapping lives on."""
    for who, _, _, text in WAYS:
        sock = Datagrams(s, who)
        before = sock.ask(OUT)
        refused = "nothing"
        with s.ns.inside(who):
            probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.connect((OUT, 9))
        probe.settimeout(QUIET)
        for _ in range(int(PATIENT / QUIET)):
            try:
                probe.send(b"x")
                probe.recv(10)
            except OSError as e:
                refused = errno.errorcode.get(e.errno, type(e).__name__)
                if refused == "ECONNREFUSED":
                    break
        s.say(f"port unreachable from outside through {text}: {who} hears of it", refused != "ECONNREFUSED" and refused)
        after = sock.ask(OUT)
        s.say(f"port unreachable from outside through {text}: {who} keeps its mapping", (not before.port or before != after) and
              f"{before} {after}")
        probe.close()
        sock.close()


def fragments(s):
    """Datagrams of 8 KiB in fragments, there and (half of them) back."""
    for who, _, _, text in WAYS:
        data = bytes(i & 0xff for i in range(8000))
        _, error = udp(s, who, OUT, data=data)
        s.say(f"8 KiB in fragments through {text}: {who}", error)


def main():
    stage = Stage(sys.argv, "nat")
    only = os.environ.get("LAB_ONLY", "").split()
    for scenario in (traceroute, path_mtu, from_inside, from_outside, fragments):
        if not only or scenario.__name__ in only:
            stage.scenario(scenario)
    return stage.failed


sys.exit(main())

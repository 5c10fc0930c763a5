# SPDX-License-Identifier: GPL-2.0
"""What the plan talos opens between two clusters on one segment, and what it keeps apart.

    talos.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR     LAB_ONLY names the scenarios

Real clients and servers in the namespaces of talos.sh. Prints "ok" and "not ok" lines.
"""
import errno
import os
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from stage import PATIENT, QUIET, SLOW, Stage, until  # noqa: E402
from streams import BUSY, Meter, calmly, run, seen_on  # noqa: E402

INFRA, APPS = ("infra-mesh", "infra-web"), ("apps-mesh", "apps-web")
VIPS = {"infra-mesh": "10.25.11.100", "apps-mesh": "10.25.11.150"}
AT = {"infra-mesh": "10.25.11.11", "infra-web": "10.25.11.12", "apps-mesh": "10.25.11.14", "apps-web": "10.25.11.15"}
NAS, STRANGER = "10.25.11.20", "203.0.113.200"
MESH = (4143, 4191)
PORTS = [("tcp", p) for p in (80, 443, 2049, *MESH)] + [("udp", p) for p in (53, *MESH)]
CS1, LIMIT = 0x20, 200
SO_RCVBUFFORCE = 33


def pods(s):
    return {w["name"]: w["address"] for w in s.plan["workloads"]}


def across(expected):
    """Every pod to every one of the other cluster."""
    return [Attempt(a, b, kind, port, expected) for one, other in ((INFRA, APPS), (APPS, INFRA))
            for a in one for b in other for kind, port in [("icmp", 0), *PORTS]]


def tried(s, made, counted=None):
    """counted: says whether what should not arrive has all been dropped; what is late until then is looked at as well."""
    if not hasattr(s, "probe"):
        s.probe = Probe(s.lab, pods(s), PORTS, forbidden_s=QUIET, allowed_s=PATIENT)
    s.probe.run(made)
    if counted and not counted():
        until(counted)
        time.sleep(QUIET)
    s.probe.late()
    return [f"{a.src} to {a.dst} {a.what()}: {a.problem()}" for a in made if a.problem()]


def close(s):
    """The ports are wanted by others."""
    for sock, _ in list(s.probe.handlers.values()):
        sock.close()
    del s.probe


def more(s, before, *nodes):
    after = s.dropped(*nodes)
    return {r: after[r] - before[r] for r in after if after[r] > before[r]}


def told(counts):
    return ", ".join(f"{r} {n}" for r, n in sorted(counts.items())) or "nothing"


def watched(s, made, counted=None):
    """(what went wrong with them, packets between pods that the segment saw meanwhile)"""
    ports, own = [f.Port(s.ns, "switch", f"p-{node}-eth0") for node in s.nodes], set(pods(s).values())
    trouble = tried(s, made, counted)
    seen = [w for port in ports for w in seen_on(port) if w.src in own and w.dst in own]
    for port in ports:
        port.sock.close()
    return "; ".join(trouble[:3]), seen


def control(s):
    """Without sluice they all reach each other, and a node's stream to the NAS is as fast as this machine."""
    trouble, seen = watched(s, across(True))
    s.say(f"without sluice the pods of both clusters reach each other ({len(across(True))} attempts, "
          f"{len(seen)} packets on the segment)", trouble or not seen and "the segment saw none of them")
    close(s)
    with open(f"{s.folder}/free", "w", encoding="ascii") as file:
        file.write(str(rate(s, "infra-2", 1)))


def apart(s):
    made, before = across(False), s.dropped()

    def count():
        counts = more(s, before)
        return sum(counts.get(r, 0) for r in ("route_leak", "plaintext_wan"))
    trouble, seen = watched(s, made, lambda: count() >= len(made))
    s.say(f"apart: pods never reach the other cluster's, both ways, ping, TCP and UDP ({len(made)} attempts)", trouble)
    s.say("apart: the segment sees none of it", seen and f"{len(seen)} packets, {seen[0]}")
    s.say(f"apart: counted ({told(more(s, before))})", count() < len(made) and f"{count()} of {len(made)}")
    inside = [Attempt(a, b, kind, port, True) for a, b in (INFRA, INFRA[::-1], APPS, APPS[::-1])
              for kind, port in (("icmp", 0), ("tcp", 443), ("udp", 53))]
    s.say(f"apart: inside of each cluster they do, on two nodes ({len(inside)} attempts)",
          "; ".join(tried(s, inside)[:3]))
    close(s)


class Server:
    """One port of a namespace: whom it saw."""

    def __init__(self, s, where, port, kind=socket.SOCK_STREAM):
        with s.ns.inside(where):
            self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("", port))
        if kind == socket.SOCK_STREAM:
            self.sock.listen(16)

    def saw(self, patience=PATIENT):
        self.sock.settimeout(patience)
        try:
            served, client = self.sock.accept()
            served.close()
            return client[0]
        except TimeoutError:
            return None

    def arrived(self):
        """What came, if anything."""
        self.sock.settimeout(0)
        try:
            if self.sock.type == socket.SOCK_DGRAM:
                return self.sock.recvfrom(100) and "datagram"
            return self.sock.accept() and f"port ({self.sock.getsockname()[1]})"
        except BlockingIOError:
            return None

    def close(self):
        self.sock.close()


def connect(s, who, to, patience, source=""):
    """None or why not."""
    with s.ns.inside(who):
        client = socket.socket()
    client.settimeout(patience)
    try:
        if source:
            client.bind((source, 0))
        client.connect(to)
        return None
    except OSError as e:
        return errno.errorcode.get(e.errno, type(e).__name__)
    finally:
        client.close()


def mesh(s):
    """The other side's gateway by its VIP, on two ports; the client is its node, as nat_outgoing says."""
    for clients, to in ((INFRA, "apps-mesh"), (APPS, "infra-mesh")):
        for port in MESH:
            server, trouble = Server(s, to, port), []
            for who in clients:
                why = connect(s, who, (VIPS[to], port), PATIENT)
                client = None if why else server.saw()
                if why or client != AT[who]:
                    trouble.append(f"{who}: {why or f'the server saw {client}'}")
            server.close()
            s.say(f"mesh: pods reach {to} at {VIPS[to]}:{port}, seen as their nodes", "; ".join(trouble))
        nothing_else(s, clients, to)


def nothing_else(s, clients, to):
    """No other port of the VIP, and none of the pod behind it."""
    other, before = (22, 80, 2049, 4142, 4144), s.dropped()
    servers = [Server(s, to, port) for port in (*other, *MESH)] + [Server(s, to, MESH[0], socket.SOCK_DGRAM)]
    where = [(VIPS[to], port) for port in other] + [(pods(s)[to], port) for port in (*other, *MESH)]
    socks = []
    for who in clients:
        with s.ns.inside(who):
            streams = [(socket.socket(), address) for address in where]
            datagrams = [(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), (a, MESH[0]))
                         for a in (VIPS[to], pods(s)[to])]
        for sock, address in streams:
            sock.setblocking(False)
            sock.connect_ex(address)
        for sock, address in datagrams:
            sock.sendto(b"who is there", address)
        socks += streams + datagrams
    time.sleep(QUIET)
    answered = [f"{address[0]}:{address[1]} is answered" for sock, address in socks
                if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[0] == 1]
    arrived = [f"a {what} of {to} is reached" for what in map(Server.arrived, servers) if what]
    for sock, _ in socks:
        sock.close()
    for server in servers:
        server.close()
    s.say(f"mesh: nothing else of {to} is reached ({len(socks)} attempts; dropped: {told(more(s, before))})",
          "; ".join((answered + arrived)[:3]))


def sources(s):
    """Who may use the VIPs, and as whom the gateways see them."""
    for to, vip in VIPS.items():
        server = Server(s, to, MESH[0])
        why = connect(s, "nas", (vip, MESH[0]), PATIENT)
        client = None if why else server.saw()
        s.say(f"sources: a host of the segment reaches {to} and is seen as itself",
              why or client != NAS and f"seen as {client}")
        before = s.dropped()
        why = connect(s, "wan", (vip, MESH[0]), QUIET, STRANGER)
        until(lambda: more(s, before))
        client, counts = server.saw(QUIET), more(s, before)
        s.say(f"sources: {STRANGER} does not reach {to} (dropped: {told(counts)})",
              not why and "it was answered" or client and f"it arrived from {client}" or
              not counts and "nothing is counted")
        server.close()


def backup(s):
    """Pods to the NAS: CS1 on the wire, the rate of their class, nothing but its port."""
    server = Server(s, "nas", 2049)
    for who in (*INFRA, *APPS):
        why = connect(s, who, (NAS, 2049), PATIENT)
        client = None if why else server.saw()
        s.say(f"backup: {who} reaches the NAS as its node", why or client != AT[who] and f"the NAS saw {client}")
    server.close()
    free = 1e9  # LAB_ONLY left it out
    if os.path.exists(f"{s.folder}/free"):
        with open(f"{s.folder}/free", encoding="ascii") as file:
            free = float(file.read())
    for who, node in (("infra-web", "infra-2"), ("apps-web", "apps-2")):
        port = f.Port(s.ns, "switch", f"p-{node}-eth0")
        port.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        # What a rate promises is over ten seconds.
        mbit = calmly(s, lambda who=who: rate(s, who, 10), lambda mbit: 0.95 * LIMIT <= mbit <= 1.02 * LIMIT or free < 1.2 * LIMIT)
        seen = [w for w in seen_on(port) if w.dst == NAS and w.proto == 6 and w.dport == 2049]
        port.sock.close()
        wrong = [w for w in seen if w.tos & 0xfc != CS1]
        s.say(f"backup: all frames of {who}'s stream on the wire carry CS1 ({len(seen)})",
              len(seen) < 50 and "too few" or wrong and f"{len(wrong)} do not: {wrong[0].tos:#x}")
        name = f"backup: {who} gets 0.95 to 1.02 of its class's {LIMIT} Mbit/s"
        if free < 1.2 * LIMIT:
            s.skip(name, f"this machine carries {free:.0f} without sluice")
            continue
        if mbit < 0.95 * LIMIT and s.taken > BUSY:
            s.skip(name, f"{mbit:.0f}; this machine is too busy to tell: {100 * s.taken:.0f} % of the time was taken")
            continue
        s.say(f"{name} ({mbit:.0f}; {free:.0f} without sluice)", not 0.95 * LIMIT <= mbit <= 1.02 * LIMIT and "not that")
    before, server = s.dropped(), Server(s, "nas", 2050)
    why = [connect(s, who, (NAS, 2050), 0.3 * SLOW) for who in (*INFRA, *APPS)]
    s.say(f"backup: no other port of the NAS (dropped: {told(more(s, before))})",
          None in why and "it was answered" or server.saw(QUIET) and "it arrived")
    server.close()


def rate(s, who, seconds):
    """Mbit/s of IP bytes of one TCP stream, as they arrive at the NAS."""
    meter, sender = Meter(s, "nas", [2049]), run(s, who, "send", "tcp", NAS, 2049, seconds, 0)
    try:
        sender.communicate(timeout=seconds + PATIENT)
    except subprocess.TimeoutExpired:
        sender.kill()  # nobody lets it connect
    arrived = meter.arrived()
    return sum(a.mbit for a in arrived.values())


def bare_node(s):
    """infra-2 has no sluice: its pod's packets come to the other cluster's nodes, and go no further."""
    made = [Attempt("infra-web", b, kind, port, False) for b in APPS for kind, port in [("icmp", 0), *PORTS]]
    before = s.dropped("apps-1", "apps-2")
    trouble = tried(s, made, lambda: more(s, before, "apps-1", "apps-2").get("plaintext_wan", 0) >= len(made))
    s.say(f"a node without sluice: the other cluster lets nothing in ({len(made)} attempts)", "; ".join(trouble[:3]))
    counts = more(s, before, "apps-1", "apps-2")
    s.say(f"a node without sluice: counted as plaintext_wan there ({told(counts)})",
          counts.get("plaintext_wan", 0) < len(made) and "too few")


SCENARIOS = {fn.__name__: fn for fn in (control, apart, mesh, sources, backup, bare_node)}


def main():
    stage = Stage(sys.argv, "talos")
    for name in os.environ["LAB_ONLY"].split():
        stage.scenario(SCENARIOS[name])
    return stage.failed


sys.exit(main())

# SPDX-License-Identifier: GPL-2.0
"""What the routes between two clusters open and what fits the tunnel, with it, without it, and what is told of it all.

    wan.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR     LAB_ONLY names the scenarios

Real clients and servers (probe.py, servers.py) in the namespaces of wan.sh. Prints "ok" and "not ok" lines.
"""
import errno
import json
import os
import re
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from seen import Connection, tcp, transfer  # noqa: E402
from stage import FAST, PATIENT, QUIET, SLOW, Stage, until  # noqa: E402

W1, E1 = "192.0.2.10", "198.51.100.10"
ROOM = 1420
IP_MTU_DISCOVER, IP_MTU, DO = 10, 14, 2
PORTS = [("tcp", p) for p in (443, 5432, 7000, 7001, 7002, 8080)] + [("udp", 9101), ("udp", 9200)]
SYN = 2


def addresses(s):
    return {w["name"]: w["address"] for w in s.plan["workloads"]}


def probe(s):
    if not hasattr(s, "probe"):
        s.probe = Probe(s.lab, addresses(s), PORTS, forbidden_s=QUIET, allowed_s=PATIENT)
    return s.probe


def tried(s, text, reason, attempts):
    """attempts: (from, to, "tcp/443"); reason None: all are answered, else none arrives and each is counted as that."""
    before = s.dropped()
    made = []
    for src, dst, what in attempts:
        kind, _, port = what.partition("/")
        made.append(Attempt(src, dst, kind, int(port or 0), reason is None))
    probe(s).run(made)
    count = s.grown(before, reason, len(made)) if reason else 0
    probe(s).late()
    trouble = [f"{a.src} to {a.dst} {a.what()}: {a.problem()}" for a in made if a.problem()]
    s.say(f"{text} ({len(made)} attempts)", "; ".join(trouble[:3]))
    if reason:
        s.say(f"{text}: counted as {reason}", count < len(made) and f"{count} of {len(made)}")


def routes(s):
    """What is listed works, in its direction; a route needs a policy and a policy a route."""
    tried(s, "routes: what is listed works", None, [
        ("w-in", "e-plat", "tcp/443"), ("w-in", "e-plat", "icmp"), ("w-db", "e-db", "tcp/5432"), ("w-db2", "e-db", "tcp/5432"),
        ("w-db", "e-db", "udp/9101"), ("w-db", "e-db", "icmp"), ("e-db", "w-db", "tcp/5432"), ("e-db", "w-db2", "udp/9101")])
    tried(s, "routes: as far as the overlay's other node", None, [("w-in", "e-far", "tcp/443"), ("w-in", "e-far", "icmp"), ("w-db", "e-db2", "tcp/5432"), ("w-db", "e-db2", "icmp"),
                                                                 ("e-db2", "w-db", "tcp/5432"), ("e-db2", "w-db2", "udp/9101")])
    tried(s, "routes: the reverse direction does not open", "route_leak", [
        ("e-plat", "w-in", "tcp/443"), ("e-plat", "w-in", "icmp"), ("e-far", "w-in", "tcp/443"), ("e-in", "w-plat", "tcp/443"),
        ("e-in", "w-plat", "icmp"), ("e-db", "w-db", "icmp")])
    tried(s, "routes: ports that are not listed", "route_leak", [
        ("w-in", "e-plat", "tcp/8080"), ("w-in", "e-plat", "udp/9101"), ("w-db", "e-db", "tcp/443"), ("w-db", "e-db", "udp/9200"),
        ("e-db", "w-db", "tcp/443"), ("e-db", "w-db", "udp/9200")])
    tried(s, "routes: networks that are not listed", "route_leak", [
        ("w-plat", "e-plat", "tcp/443"), ("w-osd", "e-db", "tcp/5432"), ("w-in", "e-db", "tcp/5432"), ("w-db", "e-plat", "tcp/443"),
        ("e-db", "w-osd", "tcp/5432"), ("e-plat", "w-plat", "tcp/443"), ("e-far", "w-db", "tcp/5432"), ("e-in", "w-in", "tcp/443")])
    tried(s, "routes: a policy without a route opens nothing", "route_leak", [
        ("w-plat", "e-in", "tcp/7001"), ("e-plat", "w-in", "tcp/7001"), ("e-far", "w-in", "tcp/7001")])
    tried(s, "routes: a route without a policy opens nothing", "policy", [
        ("w-in", "e-plat", "tcp/7000"), ("w-in", "e-plat", "tcp/7002"), ("w-in", "e-far", "tcp/7000")])
    tried(s, "routes: from a node without a tunnel and without an overlay", "no_interface", [("w-near", "e-db", "tcp/5432")])


def seen(s):
    """Nobody is translated on the way."""
    at = addresses(s)
    for who, to in (("w-db", "e-db"), ("e-db", "w-db")):
        got, error = tcp(s, who, at[to])
        s.say(f"seen: {to} sees {who} as itself", error or got[:2] != (to, at[who]) and f"{got}")


def mss_of(frame):
    """Of a SYN over IPv4 in an untagged frame, else None."""
    head = 14 + (frame[14] & 15) * 4
    if frame[12:14] != b"\x08\0" or frame[23] != 6 or not frame[head + 13] & SYN:
        return None
    options = frame[head + 20:head + (frame[head + 12] >> 4) * 4]
    while options and options[0]:
        if options[0] == 2:
            return struct.unpack("!H", options[2:4])[0]
        options = options[1 if options[0] == 1 else options[1]:]
    return None


def clamp(s):
    at = addresses(s)
    for who, to in (("w-db", "e-db"), ("e-db", "w-db")):
        ports = {name: f.Port(s.ns, name) for name in (who, to)}
        _, error = tcp(s, who, at[to])
        for name, port, what in ((to, ports[to], "SYN"), (who, ports[who], "answer")):
            found = until(lambda port=port: {mss_of(data) for _, data in port.caught()} - {None})
            s.say(f"clamp: MSS of the {what} from {who} to {to}, as {name} gets it", error or
                  (not found or max(found) > ROOM - 40) and f"{found or 'none seen'}, {ROOM - 40} fits")
            port.sock.close()


def fragments(s):
    return sum(s.snmp(n, "Ip.FragCreates", "Ip.ReasmReqds") for n in ["wan", *s.nodes, *addresses(s)])


def bulk(s):
    size, before, at = 1 << 20 if FAST else 32 << 20, fragments(s), addresses(s)
    for who, to in (("w-db", "e-db"), ("e-db", "w-db")):
        for verb in ("put", "get"):
            begin = time.monotonic()
            trouble = transfer(s, who, (at[to], 9002), verb, size, 60 * SLOW)
            rate = size * 8 / max(0.001, time.monotonic() - begin) / 1e6
            s.say(f"bulk: {size >> 20} MB {verb} by {who} with {to}" + ("" if trouble else f" ({rate:.0f} Mbit/s)"), trouble)
    made = fragments(s) - before
    s.say("bulk: no fragment in any of them", made and f"{made} fragments")


def too_big(s):
    """Who may not fragment is told what fits, and what fits arrives."""
    at = addresses(s)
    for who, to in (("w-db", "e-db"), ("e-db", "w-db")):
        with s.ns.inside(who):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DO)
        sock.settimeout(SLOW)
        sock.connect((at[to], 9001))
        trouble = "no error came"
        for _ in range(int(PATIENT / SLOW)):
            try:
                sock.send(b"x" * 1472)
                sock.recv(200)
                trouble = "it was answered"
                break
            except TimeoutError:
                continue
            except OSError as e:
                trouble = e.errno != errno.EMSGSIZE and str(e)
                break
        room = sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
        s.say(f"too big: {who} to {to} is told {ROOM}", trouble or room != ROOM and f"told {room}")
        got = None
        for _ in range(int(PATIENT / SLOW)):
            try:
                sock.send(b"x" * (ROOM - 28))
                got = sock.recv(200)
                break
            except OSError:
                continue
        s.say(f"too big: {ROOM} bytes from {who} to {to} arrive", not got and "no answer")
        sock.close()


def metrics(s, node):
    """{name: [(labels, value)]} of the node's exporter."""
    found = {}
    for line in s.inside(node, "curl", "-sf", "http://127.0.0.1:9477/metrics").stdout.splitlines():
        made = re.fullmatch(r'([a-z_]+)(?:\{(.*)\})? (\S+)', line)
        if made:
            found.setdefault(made[1], []).append((dict(re.findall(r'([a-z_]+)="([^"]*)"', made[2] or "")), float(made[3])))
    return found


def told(s):
    """What `show wan` and the metrics say of all this; and never a client's address."""
    clients = [a for a in addresses(s).values() if a not in (W1, E1)]
    for node, own, other in (("w1", "west", "east"), ("e1", "east", "west"))[:1 if FAST else 2]:
        run = s.on_node(node, s.sluice, "show", "wan", "--json")
        said = json.loads(run.stdout) if not run.returncode else {"dropped": {}, "tunnel": {}}
        s.say(f"told: show wan on {node}: gateway, tunnel, peers, routes", run.stderr.strip() or not (
            said["gateway"] and said["tunnel"]["attached"] and other in said["tunnel"]["peers"] and len(said["routes"]) == 3) and run.stdout[:300])
        for reason in ("plaintext_wan", "wan_peer", "route_leak"):
            s.say(f"told: show wan on {node} counts {reason}", not said["dropped"].get(reason, {}).get("packets") and f"{said['dropped']}")
        pairs = [r for r in said.get("round_trips", []) if other in json.dumps(r)]
        s.say(f"told: show wan on {node} has round trips to {other}", not pairs and f"{said.get('round_trips')}")
        text = s.inside(node, "curl", "-sf", "http://127.0.0.1:9477/metrics").stdout
        found = metrics(s, node)
        reasons = {labels.get("reason") for labels, _ in found.get("sluice_last_offender_info", []) if labels["src_port"] != "0" or labels["dst_port"] != "0"}
        s.say(f"told: metrics of {node} have an example of each, with ports", not {"plaintext_wan", "wan_peer", "route_leak"} <= reasons and f"{reasons}")
        count = [v for labels, v in found.get("sluice_handshake_rtt_seconds_count", []) if (labels["src_cluster"], labels["dst_cluster"]) == (own, other)]
        s.say(f"told: metrics of {node} have handshakes from {own} to {other}", not sum(count) and f"{count}")
        limits = [v for labels, v in found.get("sluice_slo_max_seconds", []) if (labels["src_cluster"], labels["dst_cluster"]) == ("west", "east")]
        s.say(f"told: metrics of {node} have the plan's limit", limits != [0.2] and f"{limits}")
        named = [a for a in clients if a in text or a in run.stdout]
        s.say(f"told: neither show wan nor the metrics of {node} name a client", named and f"{named}")


def distance(s):
    """A WAN of 30 ms: the histogram of the two clusters says so."""
    if s.inside("wan", "tc", "qdisc", "add", "dev", "east", "root", "netem", "delay", "30ms").returncode:
        s.skip("distance: round trips over a WAN of 30 ms", "the kernel has no netem")
        return
    def buckets():
        rows = [(float(labels["le"]), v) for labels, v in metrics(s, "w1").get("sluice_handshake_rtt_seconds_bucket", [])
                if (labels["src_cluster"], labels["dst_cluster"]) == ("west", "east")]
        return {le: sum(v for at, v in rows if at == le) for le, _ in rows}
    before, at = buckets(), addresses(s)
    for _ in range(10):
        tcp(s, "w-db", at["e-db"])
    s.inside("wan", "tc", "qdisc", "del", "dev", "east", "root")
    until(lambda: buckets().get(float("inf"), 0) - before.get(float("inf"), 0) >= 10)
    after = buckets()
    new = {le: after[le] - before.get(le, 0) for le in sorted(after)}
    s.say("distance: ten handshakes over a WAN of 30 ms are above 20 ms", new.get(0.02, 0) and f"{new}")
    s.say("distance: and in the histogram", new.get(float("inf"), 0) < 10 and f"{new}")


def keep_trying(s, seconds, held=()):
    """Pings, SYNs and datagrams of new flows, and what `held` connections send, as clients do who do not give up."""
    at, socks = addresses(s), []
    pairs = (("w-in", "e-plat", 443), ("w-db", "e-db", 5432), ("e-db", "w-db", 5432), ("e-db2", "w-db", 5432), ("w-in", "e-far", 443), ("w-near", "e-db", 5432))
    for who, to, port in pairs:
        with s.ns.inside(who):
            for kind, target in ((socket.SOCK_STREAM, (at[to], port)), (socket.SOCK_DGRAM, (at[to], 9101)), (socket.SOCK_RAW, (at[to], 0))):
                sock = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP if kind == socket.SOCK_RAW else 0)
                sock.setblocking(False)
                socks.append((sock, kind, target))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for sock, kind, to in socks:
            try:
                if kind == socket.SOCK_STREAM:
                    sock.connect(to)
                else:
                    sock.sendto(b"is anybody there" if kind == socket.SOCK_DGRAM else f.icmp("0.0.0.0", to[0], 8, b"is anybody there")[20:], to)
            except OSError:
                pass  # in progress, unreachable: the watch tells what left
        for c in held:
            try:
                c.sock.send(b"still here", socket.MSG_DONTWAIT)
            except OSError:
                pass
        time.sleep(0.1)
    for sock, _, _ in socks:
        sock.close()


def nobody(s, text, held=()):
    """Nobody gets through, what is dropped is counted; wan.sh sees that nothing left."""
    at, before = addresses(s), s.dropped()
    keep_trying(s, 1.5 if FAST else 3, held)
    for who, to in (("w-db", "e-db"), ("e-db", "w-db"), ("e-db2", "w-db")):
        got, error = tcp(s, who, at[to], patience=QUIET)
        s.say(f"{text}: {who} does not reach {to}", not error and f"answered: {got}")
    s.grown(before, "plaintext_wan", 1)
    after = s.dropped()
    more = {r: after[r] - before[r] for r in after if after[r] > before[r]}
    s.say(f"{text}: what the doors dropped is counted ({', '.join(f'{r} {n}' for r, n in sorted(more.items()))})",
          not more.get("plaintext_wan") and f"{more}")


def down(s):
    """The device goes down under flows that were there."""
    at = addresses(s)
    held = [Connection(s, who, at[to]) for who, to in (("w-db", "e-db"), ("e-db", "w-db"), ("e-db2", "w-db"))]
    s.say("tunnel down: connections before", ", ".join(str(c.error) for c in held if c.error))
    for node in ("w1", "e1"):
        s.inside(node, "ip", "link", "set", "wg0", "down")
    nobody(s, "tunnel down", held)
    for c in held:
        c.close()


def gone(s):
    nobody(s, "tunnel gone")


def again(s):
    """The tunnel has just been made anew; the agent puts the doors on."""
    begin = time.monotonic()
    for who, to in (("w-db", "e-db"), ("e-db", "w-db")):
        trouble = "no answer"
        while trouble and time.monotonic() < begin + 2 * PATIENT:
            c = Connection(s, who, addresses(s)[to], patience=0.5 * SLOW)
            trouble = c.error
            c.close()
        s.say(f"again: {who} reaches {to}" + ("" if trouble else f" after {time.monotonic() - begin:.1f} s"), trouble)
    for node in ("w1", "e1"):
        doors = until(lambda node=node: [d for d in s.status(node).get("doors", []) if d.get("interface") == "wg0"])
        s.say(f"again: {node} guards its tunnel", not doors and "status shows no door of wg0")


SCENARIOS = {fn.__name__: fn for fn in (
    routes, seen, clamp, bulk, too_big, told, distance, down, gone, again)}


def main():
    stage = Stage(sys.argv, "wan")
    for name in os.environ["LAB_ONLY"].split():
        stage.scenario(SCENARIOS[name])
    return stage.failed


sys.exit(main())

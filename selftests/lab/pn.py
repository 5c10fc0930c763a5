# SPDX-License-Identifier: GPL-2.0
"""What the fabric pn promises between its clusters, tried by every pair of workloads in both directions.

    pn.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR     LAB_ONLY names the scenarios

Whether an attempt may succeed is worked out here a second time, from the plan's routes and rules; the promises that
the fabric's documents make are looked at by name. TUNNEL=real where the tunnel is WireGuard. Prints "ok", "not ok" and
"skip" lines.
"""
import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from expect import PROTOCOLS, Plan  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from stage import FAST, PATIENT, QUIET, Stage, until  # noqa: E402
from streams import Meter, run, seen_on  # noqa: E402

# What a route names, the neighbours of that, what a rule names without a route, and what must never cross.
PORTS = [("tcp", p) for p in (22, 80, 443, 2379, 2380, 5432, 6800, 8200, 9000, 9091, 9092, 9094, 9095)] + \
    [("udp", p) for p in (53, 443, 5432)]
CLASSES = {5432: 0x68, 9092: 0x48, 9000: 0x20}  # AF31, AF21, CS1
CEPH = 0x28  # AF11
WIREGUARD = 51820
SECONDS = 2 if FAST else 1
SO_RCVBUFFORCE = 33


class Fabric(Plan):
    """The plan, and what its routes add between clusters."""

    def crosses(self, src, dst, proto, port):
        def at(text, host):
            return text == f"network:{host.network}@{host.cluster}"
        routed = any(at(r["from"], src) and at(r["to"], dst) and self.covers(r["ports"], proto, port)
                     for r in self.json["routes"])
        rules = [r["action"] for r in self.json["policy"]
                 if self.any_selects(r["from"], src, dst) and self.any_selects(r["to"], dst, src)
                 and self.covers(r["ports"], proto, port)]
        return routed and bool(rules) and "deny" not in rules


def fabric(s):
    if not hasattr(s, "fabric"):
        s.fabric = Fabric(sys.argv[2])
    return s.fabric


def workloads(s, **wanted):
    return [h for h in fabric(s).hosts.values()
            if not h.is_node and all(getattr(h, k) == v for k, v in wanted.items())]


def attempts(s, sources, destinations, ports=None):
    made = []
    for a in sources:
        for b in destinations:
            if a is not b:
                for kind, port in [("icmp", 0)] + (ports or PORTS):
                    judge = fabric(s).crosses if a.cluster != b.cluster else fabric(s).judge
                    made.append(Attempt(a.name, b.name, kind, port, judge(a, b, PROTOCOLS[kind], port)))
    return made


def probed(s, made):
    if not hasattr(s, "probe"):
        s.probe = Probe(s.lab, {h.name: h.address for h in workloads(s)}, PORTS,
                        forbidden_s=QUIET, allowed_s=PATIENT)
    s.probe.run(made)


def held(s, text, made, expected):
    """All of these were as expected, and there were some."""
    trouble = [f"{a.src} to {a.dst} {a.what()}: {a.problem() or 'the plan does not mean that'}" for a in made
               if a.problem() or a.expected != expected]
    s.say(f"{text} ({len(made)} attempts)", "; ".join(trouble[:3]) if made else "nothing was tried")


def crossing(s):
    """Every pair of workloads of two clusters."""
    everybody = workloads(s)
    made = []
    for a in everybody:
        made += attempts(s, [a], [b for b in everybody if b.cluster != a.cluster])
    return made


def dropped_more(s, before):
    after = s.dropped()
    return {r: after[r] - before[r] for r in after if after[r] > before[r]}


def promises(s, made):
    """The forbidden ones of them, by what the fabric's documents say."""
    at = {h.name: h for h in workloads(s)}
    of = [(at[a.src], at[a.dst], a) for a in made]
    never = (
        ("an edge never opens pn-main's net-platform",
         [a for x, y, a in of if x.cluster != "pn-main" and y.cluster == "pn-main" and y.network == "net-platform"]),
        ("net-storage-cluster never crosses",
         [a for x, y, a in of if "net-storage-cluster" in (x.network, y.network)]),
        ("tenants and their vClusters never cross", [a for x, y, a in of if x.labels or y.labels]),
        ("net-tenant-saas and net-mgmt never cross",
         [a for x, y, a in of if {x.network, y.network} & {"net-tenant-saas", "net-mgmt"}]),
        ("etcd never crosses", [a for _, _, a in of if a.port in (2379, 2380)]),
        ("the edges have no route to each other",
         [a for x, y, a in of if "pn-main" not in (x.cluster, y.cluster)]),
    )
    for text, found in never:
        held(s, f"promise: {text}", found, False)


def pairs(s):
    """Routes open what they list, and nothing else crosses; inside of pn-main tenants are apart."""
    before, made = s.dropped(), crossing(s)
    closed = [a for a in made if not a.expected]
    probed(s, made)
    s.grown(before, "route_leak", len(closed))
    s.probe.late()
    at = {h.name: h for h in workloads(s)}
    for route in s.plan["routes"]:
        ends = [tuple(route[k].removeprefix("network:").split("@")) for k in ("from", "to")]
        open_ = [a for a in made if a.expected and
                 [(h.network, h.cluster) for h in (at[a.src], at[a.dst])] == ends]
        if not open_ and any(not workloads(s, network=n, cluster=c) for n, c in ends):
            s.skip(f"route {route['name']}", "no workload at one of its ends on this site")
            continue
        held(s, f"route {route['name']}: works", open_, True)
    held(s, "pairs: nothing else crosses, both ways, ping, TCP and UDP", closed, False)
    promises(s, made)
    more = dropped_more(s, before)
    count, all_ = more.get("route_leak", 0), ", ".join(f"{r} {n}" for r, n in sorted(more.items()))
    s.say(f"pairs: what does not cross is counted as route_leak ({all_})",
          count < len(closed) and f"{count} of {len(closed)}")
    tenants(s)


def tenants(s):
    """Inside of pn-main, on two nodes."""
    mine = workloads(s, network="net-vcluster-eastwest", cluster="pn-main")
    made, before = attempts(s, mine, mine, [("tcp", 443), ("tcp", 9000), ("udp", 443)]), s.dropped()
    tenant = {h.name: h.labels["tenant"] for h in mine}
    apart = [a for a in made if tenant[a.src] != tenant[a.dst]]
    probed(s, made)
    s.grown(before, "policy", len(apart))
    s.probe.late()
    for one in ("a", "b"):
        together = [a for a in made if tenant[a.src] == tenant[a.dst] == one]
        if not together:
            s.skip(f"tenant {one} reaches itself", "one workload of it on this site")
            continue
        held(s, f"tenant {one} reaches itself", together, True)
    held(s, "tenants a and b never reach each other", apart, False)
    count = dropped_more(s, before).get("policy", 0)
    s.say("tenants: counted as policy", count < len(apart) and f"{count} of {len(apart)}")


def tunnelled(s):
    """Packets that came to pn-main through its tunnels."""
    links = [s.inside(node, "ip", "-s", "-j", "link", "show", "wg0").stdout for node in ("node1", "node2")]
    return sum(json.loads(link)[0]["stats64"]["rx"]["packets"] for link in links)


def bare_edge(s):
    """contabo-1 has no sluice: its pods send what they like into the tunnel, and pn-main still holds."""
    edge = [h for h in workloads(s) if h.node == "contabo-1"]
    main = workloads(s, cluster="pn-main")
    before, came, made = s.dropped("node1", "node2"), tunnelled(s), attempts(s, edge, main)
    probed(s, made)
    until(lambda: s.dropped("node1", "node2")["route_leak"] - before["route_leak"] >= max(tunnelled(s) - came - 10, 0.7 * len(made)))
    s.probe.late()
    held(s, "an edge without sluice: pn-main lets none of it in", made, False)
    after = s.dropped("node1", "node2")
    count, came = after["route_leak"] - before["route_leak"], tunnelled(s) - came
    # A tunnel may lose some of so many at once, and WireGuard counts its handshakes as well.
    s.say(f"an edge without sluice: all that comes to pn-main is counted as route_leak ({count} packets)",
          not came - 10 <= count <= came and f"{came} packets came" or count < 0.7 * len(made) and "few came")


def histogram(seen):
    return {tos: sum(w.tos & 0xfc == tos for w in seen) for tos in sorted({w.tos & 0xfc for w in seen})}


def said(count):
    return ", ".join(f"{tos:#04x}: {n}" for tos, n in count.items())


def streams(s, who, to, ports, place):
    """A stream for each port side by side; what passed by `place` meanwhile."""
    at = {h.name: h.address for h in workloads(s)}
    meter, port = Meter(s, to, ports), f.Port(s.ns, "switch", place)
    port.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)  # room for all of them
    senders = [run(s, who, "send", "tcp", at[to], p, SECONDS, 2, 1000) for p in ports]
    for sender in senders:
        try:
            sender.communicate(timeout=2 * PATIENT)
        except subprocess.TimeoutExpired:
            sender.kill()  # nobody lets it connect
    seen, arrived = seen_on(port), meter.arrived()
    port.sock.close()
    return seen, {p: a.packets for (_, p, _), a in arrived.items()}


def marks(s):
    """WAL, Kafka and object sync side by side, Ceph on its own VLAN: the DSCP that the wire carries."""
    if workloads(s, name="w106-2"):
        for who, to, vlan, classes in (("w106-1", "w106-2", 106, CLASSES), ("w102-1", "w102-2", 102, {6800: CEPH})):
            seen, arrived = streams(s, who, to, list(classes), "p-node1-eth0")
            for number, tos in classes.items():
                count = histogram([w for w in seen if w.vlan == vlan and w.proto == 6 and w.dport == number])
                s.say(f"marks: VLAN {vlan}, tcp/{number} from {who} to {to}: {tos:#04x} ({said(count)})",
                      number not in arrived and "no stream arrived" or
                      (set(count) != {tos} or count[tos] < 20) and said(count))
    else:
        s.skip("marks: on the VLANs of pn-main", "LAB_SMALL leaves one of its nodes out")
    if os.environ.get("TUNNEL") != "real":
        s.skip("marks: outer packets of the tunnel", "the kernel has no WireGuard; tried in the guests")
        return
    seen, arrived = streams(s, "w106-1", "contabo-pg", list(CLASSES), "p-node1-eth0")
    outer = [w for w in seen if w.proto == socket.IPPROTO_UDP and w.dport == WIREGUARD and w.length > 500]
    count = histogram(outer)
    s.say(f"marks: WAL, Kafka and object sync through one tunnel at once carry 0x68, 0x48 and 0x20 ({said(count)})",
          (set(count) != set(CLASSES.values()) or min(count.values()) < 20) and f"arrived by port: {arrived}")


SCENARIOS = {fn.__name__: fn for fn in (marks, pairs, bare_edge)}


def main():
    stage = Stage(sys.argv, "pn")
    for name in os.environ["LAB_ONLY"].split():
        stage.scenario(SCENARIOS[name])
    return stage.failed


sys.exit(main())

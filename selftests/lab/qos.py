# SPDX-License-Identifier: GPL-2.0
"""Marks on the wire, and rates where they arrive.

    qos.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR     LAB_ONLY names the scenarios

PACING=fq|bucket: how the uplinks pace. TUNNEL=real where the tunnel is WireGuard. Prints "ok" and "not ok" lines,
with the figures.
"""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from stage import FAST, PATIENT, SLOW, Stage, until  # noqa: E402
from streams import BUSY, Meter, calmly, run, seen_on, settle, together  # noqa: E402

NEAR, FAR, OSD2, WORLD = "192.168.106.13", "10.17.16.11", "192.168.102.12", "203.0.113.200"
CLASSES = {"c1": ("AF31", 0x68), "c2": ("AF21", 0x48), "c3": ("CS1", 0x20), "c4": ("EF", 0xb8), "c5": ("AF11", 0x28),
           "c6": ("CS6", 0xc0), "c7": ("AF43", 0x98)}
FIRST = 9101  # c1's port; the others follow
OWN = 0xb8 | 2  # what the workloads write themselves: EF, and ECN's ECT(0)
HANDSHAKE = 0x88  # WireGuard's own
LOW, HIGH = 0.95, 1.02
SECONDS = 10
PACING, REAL = os.environ.get("PACING", "auto"), os.environ.get("TUNNEL") == "real"


def with_classes(s, classes, ports, trust=False, **qos):
    """A plan with these classes, each for its ports of the replication network; ceph for the storage network."""
    plan = s.variant()
    plan["qos"] = {"classes": classes, "rules": [
        {"class": name, "from": ["network:net-storage" if name == "ceph" else "network:net-replication"], "to": ["any"],
         "ports": ["any"] if name == "ceph" else ports[name]} for name in classes], **qos}
    for cluster in plan["clusters"].values():
        for node in cluster["nodes"].values():
            for uplink in node["uplinks"].values():
                uplink["pacing"] = PACING
    if trust:
        plan["networks"]["net-replication"]["trust_dscp"] = True
    return plan


def marked(s, trust=False):
    classes = {name: {"priority": i + 1, "dscp": dscp} for i, (name, (dscp, _)) in enumerate(CLASSES.items())}
    s.apply(with_classes(s, classes, {name: [f"tcp/{FIRST + i}", f"udp/{FIRST + i}"] for i, name in enumerate(CLASSES)}, trust), "w1", "w2", "e1")


def udp_socket(s, who, port=0, address=""):
    with s.ns.inside(who):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, port))
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, OWN)
    sock.settimeout(2 * SLOW)
    return sock


def talk_udp(s, who, to, address, port, size):
    """A datagram there and one back; the first may be spent on a neighbour."""
    server, client = udp_socket(s, to, port, address), udp_socket(s, who)
    for sock in (server, client):
        sock.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: fragments are wanted
    trouble = "no answer"
    for _ in range(int(PATIENT / SLOW)):
        try:
            client.sendto(b"q" * size, (address, port))
            data, peer = server.recvfrom(65535)
            server.sendto(data, peer)
            trouble = client.recv(65535) != data and "the bytes are others"
            break
        except OSError as e:
            trouble = str(e)
    server.close()
    client.close()
    return trouble


def talk_tcp(s, who, to, address, port):
    with s.ns.inside(to):
        server = socket.create_server(("", port))
    server.settimeout(PATIENT)
    server.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, OWN & 0xfc)
    with s.ns.inside(who):
        client = socket.socket()
    client.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, OWN & 0xfc)
    client.settimeout(PATIENT)
    trouble = None
    try:
        client.connect((address, port))
        served, _ = server.accept()
        served.settimeout(PATIENT)
        served.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, OWN & 0xfc)
        for a, b in ((client, served), (served, client)):
            a.sendall(b"d" * 5000)
            got = 0
            while got < 5000:
                got += len(b.recv(5000))
        served.close()
    except OSError as e:
        trouble = str(e)
    client.close()
    server.close()
    return trouble


def on_the_wire(s, text, who, to, address, watches, classes):
    """Every packet of every class, there and back, at each watched place; watches: {name: (Port, vlan)}."""
    trouble = {}
    for i, name in enumerate(classes):
        port = FIRST + i
        wanted = 0 if name == "none" else OWN & 0xfc if name == "own" else CLASSES[name][1]
        for kind in ("tcp", "udp", "fragments"):
            for port_, _ in watches.values():
                port_.caught()
            said = talk_tcp(s, who, to, address, port) if kind == "tcp" else talk_udp(s, who, to, address, port, 200 if kind == "udp" else 4000)
            if said:
                trouble[name, kind] = said
            caught = {place: [] for place in watches}

            def all_there(port=port, kind=kind, caught=caught):
                for place, (port_, vlan) in watches.items():
                    caught[place] += [w for w in seen_on(port_) if w.vlan == vlan and address in (w.src, w.dst) and w.proto == (6 if kind == "tcp" else 17)
                                      and (w.sport is None or port in (w.sport, w.dport))]  # others are those before, late
                return all(seen and (kind != "fragments" or sum(w.sport is None for w in seen) >= 2) for seen in caught.values())
            time.sleep(0.02 * SLOW)
            until(all_there, 0 if said else PATIENT)
            for place, seen in caught.items():
                wrong = [w for w in seen if w.tos & 0xfc != wanted or kind != "tcp" and w.tos & 3 != 2]
                later = [w for w in seen if w.sport is None]
                if not seen or wrong or kind == "fragments" and len(later) < 2:
                    trouble[name, kind] = f"at {place}: {wrong[0] if wrong else f'{len(seen)} seen, {len(later)} of them later fragments'}, wanted {wanted:#x}"
    s.say(text, "; ".join(f"{k[0]} {k[1]}: {v}" for k, v in list(trouble.items())[:2]))


def marks(s):
    """DSCP of every packet: all classes and none, VLAN and untagged, TCP, UDP, fragments, both ways."""
    marked(s)
    watches = {"w1's wire": (f.Port(s.ns, "switch", "p-w1-eth0"), 106), "w2's wire": (f.Port(s.ns, "switch", "p-w2-eth0"), 106)}
    on_the_wire(s, "marks: VLAN 106, every class and none: tcp, udp and fragments, both ways", "w-db", "w-near", NEAR, watches, [*CLASSES, "none"])
    watches = {"e1's wire": (f.Port(s.ns, "switch", "p-e1-eth0"), None)}
    on_the_wire(s, "marks: untagged to the world, every class and none: tcp, udp and fragments", "e-db", "wan", WORLD, watches, [*CLASSES, "none"])
    if REAL:
        watches = {"the far workload": (f.Port(s.ns, "e-db"), None), "the near workload": (f.Port(s.ns, "w-db"), None)}
        on_the_wire(s, "marks: inside the tunnel, every class and none", "w-db", "e-db", FAR, watches, [*CLASSES, "none"][:3 if FAST else 8])
    else:
        s.skip("marks: inside the tunnel", "the kernel has no WireGuard; wan.sh's stand-in is seen from outside only")
    marked(s, True)
    watches = {"w1's wire": (f.Port(s.ns, "switch", "p-w1-eth0"), 106), "w2's wire": (f.Port(s.ns, "switch", "p-w2-eth0"), 106)}
    on_the_wire(s, "marks: trust_dscp: the workloads' own stays where no class speaks", "w-db", "w-near", NEAR, watches, [*CLASSES, "own"])


def through(s):
    """Two streams at once through one tunnel: what the WAN sees of each, both ways of the flow."""
    if not REAL:
        return s.skip("tunnel: the outer packets carry the class of the inner ones", "the kernel has no WireGuard; tried in the guests")
    marked(s)
    names = {"c1": CLASSES["c1"][1], "c3": CLASSES["c3"][1]}
    meter = Meter(s, "e-db", [FIRST, FIRST + 2])
    watch = {"out": f.Port(s.ns, "switch", "p-w1-eth0"), "back": f.Port(s.ns, "switch", "p-e1-eth0")}
    few = {"out": 10, "back": 3}  # acknowledgements: a slow machine sends one for many
    seen = {way: [] for way in watch}
    end = time.monotonic() + 2 * PATIENT
    senders = [run(s, "w-db", "send", "tcp", FAR, port, 3 * PATIENT, 4) for port in (FIRST, FIRST + 2)]
    while True:
        time.sleep(1)
        for way, port in watch.items():
            seen[way] += [w.tos & 0xfc for w in seen_on(port) if w.proto == 17 and 51820 in (w.sport, w.dport) and w.length > 96]
        if all(seen[way].count(tos) >= few[way] for way in watch for tos in names.values()) or time.monotonic() > end:
            break
    for p in senders:
        p.terminate()
        p.communicate()
    rates = meter.arrived()
    for way, port in watch.items():
        count = {tos: seen[way].count(tos) for tos in set(seen[way])}
        text = ", ".join(f"{tos:#x}: {n}" for tos, n in sorted(count.items()))
        s.say(f"tunnel: outer packets {way} carry 0x68 and 0x20 of two streams at once ({text})",
              any(count.get(tos, 0) < few[way] for tos in names.values()) and text or set(count) - set(names.values()) - {0, HANDSHAKE} and text)
        port.sock.close()
    s.say("tunnel: both streams arrive", len(rates) != 2 and f"{rates}")
    return None


def within(rate, mbit):
    return LOW * mbit <= rate <= HIGH * mbit


def judged(s, text, mbit, rate, proof=None):
    """One figure against its limit. What is too low while more was taken from every try than it may be off is not judged."""
    if rate < LOW * mbit and getattr(s, "taken", 0) > BUSY:
        s.skip(f"{text} ({PACING})", f"{rate:.2f} of {mbit} Mbit/s; this machine is too busy to tell: {100 * s.taken:.0f} % of the time was taken")
        return
    s.say(f"{text} ({PACING}): {rate:.2f} of {mbit} Mbit/s, {100 * rate / mbit:.1f} %",
          not within(rate, mbit) and f"not within {LOW * 100:.0f}-{HIGH * 100:.0f} %" + (f"; {proof}" if proof else ""))


def figures(found):
    return ", ".join(f"{proto} {port} {a.mbit:.1f}" for (proto, port, _), a in sorted(found.items()))


def limited(s, limits, seconds, to, address, qos=None, asked=0):
    """[(who, proto, port, mbit)], each in a class of that rate, or with what `qos` says; what arrives.

    TCP sends `asked` times its rate, 0: all it can.
    """
    classes, ports = {"none": {"priority": 1, "dscp": "EF"}}, {"none": ["tcp/1"]}
    if qos is None:
        for i, (_, proto, port, mbit) in enumerate(limits):
            name = f"{proto}{mbit}"
            classes[name] = {"priority": 1 + i % 3, "dscp": "EF", "rate_mbit": mbit}
            ports[name] = [f"{proto}/{port}"]
    s.apply(with_classes(s, classes, ports, **(qos or {})), "w1")
    settle(s)
    return together(s, seconds, [(who, proto, port, mbit * asked if proto == "tcp" else mbit * 1.4) for who, proto, port, mbit in limits],
                    [port for _, _, port, _ in limits], to, address)


def carried(s, limits, to="w-near", address=NEAR):
    """Those of them that the machine carries without limit, side by side; and what it carried."""
    found = limited(s, limits, 2, to, address, {}, 1.4)
    return [x for x in limits if found.get((x[1], x[2], x[0])) and found[x[1], x[2], x[0]].mbit > 1.25 * x[3]], figures(found)


def rate_of(found, limit):
    who, proto, port, _ = limit
    got = found.get((proto, port, who))
    return got.mbit if got else 0.0


def tried(s, limits):
    """Rates side by side; a machine that does not carry them even without limit is told from a rate that is wrong."""
    able, proof = carried(s, limits)
    for _, proto, _, mbit in [x for x in limits if x not in able]:
        s.skip(f"rates: {proto} of {mbit} Mbit/s ({PACING})", f"this machine carries too little without limit: {proof}")
    if not able:
        return
    found = limited(s, able, SECONDS, "w-near", NEAR)
    for limit in able:
        _, proto, _, mbit = limit
        rate = rate_of(found, limit)
        if not within(rate, mbit) and len(able) > 1 or rate < LOW * mbit:
            still, proof = carried(s, [limit])
            if not still:
                s.skip(f"rates: {proto} of {mbit} Mbit/s ({PACING})", f"{rate:.2f}; this machine no longer carries it: {proof}")
                continue
            rate = calmly(s, lambda limit=limit: rate_of(limited(s, [limit], SECONDS, "w-near", NEAR), limit),
                          lambda rate, mbit=mbit: within(rate, mbit))
        judged(s, f"rates: {proto} in a class of its own", mbit, rate, f"without limit: {proof}")


def rates(s):
    """1, 10 and 100 Mbit/s by TCP and by UDP, side by side."""
    limits = [("w-db", proto, FIRST + i, n) for i, (n, proto) in enumerate((n, p) for n in (1, 10, 100) for p in ("tcp", "udp"))]
    if FAST:
        tried(s, [x for x in limits if x[3] == 10])
        s.skip(f"rates: 1 and 100 Mbit/s ({PACING})", "an emulated processor")
    else:
        tried(s, limits)


def ceph(s):
    """A rate on a pair of networks inside one cluster, VLAN 102."""
    mbit = 20
    s.apply(with_classes(s, {"ceph": {"priority": 4, "dscp": "AF11", "rate_mbit": mbit}}, {}), "w1")
    settle(s)
    rate = calmly(s, lambda: rate_of(together(s, SECONDS / 2, [("w-osd", "tcp", 6800, 0)], [6800], "w-osd2", OSD2), ("w-osd", "tcp", 6800, mbit)),
                  lambda rate: within(rate, mbit))
    judged(s, "rates: the Ceph throttle on VLAN 102, tcp", mbit, rate)


def fastest(s):
    """1,000 Mbit/s, if the machine carries it; else half of it."""
    for proto in ("tcp", "udp"):
        able, proof = [], ""
        for mbit in (1000, 500):
            able, proof = carried(s, [("w-db", proto, FIRST, mbit)])
            if able:
                break
            s.skip(f"rates: {proto} of {mbit} Mbit/s ({PACING})", f"this machine carries too little without limit: {proof}")
        if able:
            tried(s, able)


def shares(s):
    """Through the tunnel: two tenants limited alike get alike; and all that goes to a cluster stays below its rate."""
    if not REAL:
        return s.skip("shares: tenants and clusters through the tunnel", "the kernel has no WireGuard; tried in the guests")
    label = 2
    both = [("w-db", "tcp", FIRST, label), ("w-db2", "tcp", FIRST, label)]
    able, proof = carried(s, both, "e-db", FAR)
    if len(able) < 2:
        return s.skip(f"shares ({PACING})", f"this machine carries too little through the tunnel: {proof}")
    found = calmly(s, lambda: limited(s, both, SECONDS, "e-db", FAR, {"per_label": {"tenant": {"rate_mbit": label, "to": "tunnel"}}}),
                   lambda found: all(within(rate_of(found, limit), label) for limit in both))
    for limit in both:
        judged(s, f"shares: a tenant's limit through the tunnel, {limit[0]}", label, rate_of(found, limit), proof)
    got = sorted(rate_of(found, limit) for limit in both)
    s.say(f"shares: two tenants limited alike get alike ({PACING}): {got[0]:.2f} and {got[1]:.2f} Mbit/s", got[0] < 0.95 * got[1] and "they do not")
    found = calmly(s, lambda: limited(s, [("w-db", "udp", FIRST, label), ("w-db2", "udp", FIRST + 1, label)], SECONDS, "e-db", FAR,
                                      {"per_cluster": {"east": {"rate_mbit": label}}}),
                   lambda found: within(sum(a.mbit for a in found.values()), label))
    judged(s, "shares: all that goes to a cluster, two senders", label, sum(a.mbit for a in found.values()), figures(found))
    return None


def other_shaper(s):
    """Somebody else shapes the uplink: sluice marks only, and says so."""
    s.inside("w1", "tc", "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", "50mbit", "burst", "100k", "latency", "50ms")
    try:
        plan = with_classes(s, {"c": {"priority": 1, "dscp": "EF", "rate_mbit": 2}}, {"c": [f"udp/{FIRST}"]})
        for node in plan["clusters"]["west"]["nodes"].values():
            for uplink in node["uplinks"].values():
                uplink["pacing"] = "auto"
        path = f"{s.folder}/variant.json"
        s.apply(plan, "w1")
        done = s.on_node("w1", s.sluice, "apply", "--plan", path, "--node", "w1")
        said = done.stderr + done.stdout
        s.say("another shaper: apply names it", "tbf" not in said and (said.strip() or "nothing was said"))
        found = calmly(s, lambda: together(s, 2, [("w-db", "udp", FIRST, 10)], [FIRST], "w-near", NEAR).get(("udp", FIRST, "w-db")),
                       lambda found: found and found.mbit >= 8)
        s.say("another shaper: nothing is shaped twice", (not found or found.mbit < 8) and f"{found}")
    finally:
        s.inside("w1", "tc", "qdisc", "del", "dev", "eth0", "root")


SCENARIOS = {fn.__name__: fn for fn in (marks, through, rates, ceph, fastest, shares, other_shaper)}


def main():
    stage = Stage(sys.argv, "qos")
    for name in os.environ["LAB_ONLY"].split():
        stage.scenario(SCENARIOS[name])
    return stage.failed


sys.exit(main())

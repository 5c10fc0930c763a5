# SPDX-License-Identifier: GPL-2.0
"""Who is seen outside as whom, who reaches whom by an outside address, and who must not.

    nat.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR

Real clients and servers (seen.py, servers.py) in the namespaces of nat.sh. Prints "ok" and "not ok" lines.
"""
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from crowd import Crowd, errors  # noqa: E402
from probe import many_files  # noqa: E402
from seen import Connection, Datagrams, Seen, ping, raw, tcp, transfer, udp  # noqa: E402
from stage import FAST, PATIENT, QUIET, SLOW, Stage, until  # noqa: E402

OUT, OTHER, CLOUD, CLIENT = "203.0.113.10", "203.0.113.11", "100.65.0.50", "88.99.218.47"
MANAGEMENT, DEMO, TWIN, DEV, DEV_CLOUD = "100.65.0.101", "100.65.0.102", "100.65.0.104", "168.119.17.51", "100.65.0.103"
EDGE, BOHDAN, IVAN, HTTP = "168.119.17.52", "168.119.17.57", "168.119.17.58", "100.65.0.112"
# workload, whom the world sees, what is tried
LEAVERS = (("demo-5", DEMO, "beside the EIP's node"), ("demo-6", DEMO, "on another node than the EIP's"),
           ("twin-5", TWIN, "on another node than the EIP's"), ("dev-1", DEV, "by ext-public"),
           ("dev-2", DEV, "by ext-public, on another node"), ("edge", EDGE, "by ext-public"),
           ("nginx", MANAGEMENT, "an EIP of both nodes"), ("envoy", MANAGEMENT, "an EIP of both nodes"),
           ("bohdan", BOHDAN, "a FIP"), ("ivan", IVAN, "a FIP of another node"),
           ("plain-1", "88.99.29.249", "the node's own address"), ("plain-2", "88.99.29.250", "the node's own address"))
GRE, SCTP = 47, 132
# SCTP's INIT: ports 5000 and 5001; nobody looks at its checksum on the way.
INIT = bytes.fromhex("13881389000000000000000001000014000000010000ffff0001000100000001")


def one_word(got, wanted, error=None):
    """Trouble or None: what the server saw is what was to be seen."""
    return error or (got != wanted and f"seen as {got}")


def leaves(s, who, eip, to, text):
    got, error = tcp(s, who, to)
    s.say(f"{who} is seen as {eip}, {text}: tcp", one_word(got.address, eip, error))
    got, error = udp(s, who, to)
    s.say(f"{who} is seen as {eip}, {text}: udp", one_word(got.address, eip, error))
    answered, seen = ping(s, who, to, "out" if to == OUT else "cloud")
    s.say(f"{who} is seen as {eip}, {text}: ping", one_word(seen, {eip}, not answered and "no answer"))


def projects(s):
    for who, eip, text in LEAVERS[::3] if FAST and os.environ.get("LAB_NOTE") else LEAVERS:
        leaves(s, who, eip, OUT, text)
    leaves(s, "dev-1", DEV_CLOUD, CLOUD, "to a host of ext-cloud")
    leaves(s, "dev-2", DEV_CLOUD, CLOUD, "to a host of ext-cloud, on another node")
    leaves(s, "bohdan", BOHDAN, CLOUD, "a FIP, to a host of ext-cloud")
    for who in ("plain-1", "plain-2"):
        ports = {udp(s, who, OUT)[0].port for _ in range(10)}
        s.say(f"{who}: ports of nat_outgoing only", not all(p and 61000 <= p <= 65535 for p in ports) and f"{ports}")
    mac = {n: s.mac(n, "enp0s31f6") for n in s.nodes}
    for eip, interface, owner in ((DEMO, "cloud", "worker-1"), (TWIN, "cloud", "worker-2"), (EDGE, "public", "worker-2"),
                                  (IVAN, "public", "worker-1"), (MANAGEMENT, "cloud", "worker-1")):
        row = s.inside("router", "ip", "neigh", "show", eip, "dev", interface).stdout
        s.say(f"arp: {owner} speaks for {eip}", mac[owner] not in row and (row.strip() or "nobody"))


def overlap(s):
    """Two projects' 10.0.10.5, on one node, from the same port to the same server, at the same time."""
    held = [Connection(s, who, OUT, 41000) for who in ("demo-5", "twin-5")]
    s.say("overlap: both 10.0.10.5 are connected from the same port at once",
          ", ".join(str(c.error) for c in held if c.error))
    s.say("overlap: each is seen as its own EIP", one_word([c.seen.address for c in held], [DEMO, TWIN]))
    s.say("overlap: both speak", ", ".join(filter(None, (c.speaks(f"I am number {i}".encode()) for i, c in enumerate(held)))))
    for c in held:
        c.close()
    both = [Datagrams(s, who, 41001) for who in ("demo-5", "twin-5")]
    got = [d.ask(to).address for _ in range(5) for d in both for to in (OUT, OTHER)]
    s.say("overlap: datagrams of both, by turns", one_word(got, [DEMO, DEMO, TWIN, TWIN] * 5))
    for d in both:
        d.close()


def forwarded(s):
    return sum(s.stats(n)["eip_forwarded"] for n in s.nodes)


def shared(s):
    """An EIP of two nodes: whichever of them the replies are sent to, all arrive."""
    count, blocks = 15 if FAST else 300, {}
    before = forwarded(s)
    for node in (None, "worker-2", "worker-1"):
        if node:
            run = s.inside("router", "ip", "neigh", "replace", MANAGEMENT, "lladdr", s.mac(node, "enp0s31f6"), "dev", "cloud",
                           "nud", "permanent")
            if run.returncode:
                raise RuntimeError(run.stderr)
        where = f"all sent to {node}" if node else "sent to the owner"
        for who in ("nginx", "envoy"):
            made = Crowd(s.ns, who).connect((OUT, 9000), [0] * count, 2 * PATIENT)
            bad = [c for c in made if c.error]
            s.say(f"shared EIP: replies for {who} {where}: {count} connections", bad and errors(bad) or
                  {c.seen for c in made} != {MANAGEMENT} and f"seen as { {c.seen for c in made} }")
            asked = Datagrams(s, who)
            got = [asked.ask(to) for _ in range(10) for to in (OUT, OTHER)]
            asked.close()
            s.say(f"shared EIP: replies for {who} {where}: datagrams", {g[:2] for g in got} != {("out", MANAGEMENT)} and f"{set(got)}")
            blocks.setdefault(who, set()).update(g.port >> 10 for g in got if g.port)
            answered, _ = ping(s, who, OUT)
            s.say(f"shared EIP: replies for {who} {where}: ping", not answered and "no answer")
            size = 1 << 18 if FAST else 8 << 20
            s.say(f"shared EIP: replies for {who} {where}: {size >> 10} KiB down", transfer(s, who, (OUT, 9002), "get", size, 30 * SLOW))
    s.inside("router", "ip", "neigh", "del", MANAGEMENT, "dev", "cloud")
    s.say("shared EIP: each node hands out blocks of its own", blocks["nginx"] & blocks["envoy"] and f"{blocks}")
    grown = forwarded(s) - before
    s.say("shared EIP: what came to the wrong node is counted as eip_forwarded", grown < 2 * count and f"{grown}")


def floating(s):
    """FIPs both ways: all ports and protocols, but for what policy says of the inside address."""
    for fip, name, text in ((BOHDAN, "bohdan", "beside its EIP's node"), (IVAN, "ivan", "on another node")):
        got, error = tcp(s, "client", fip)
        s.say(f"fip: {name} is reached by it, {text}: tcp", one_word(got[:2], (name, CLIENT), error))
        got, error = udp(s, "client", fip)
        s.say(f"fip: {name} is reached by it, {text}: udp", one_word(got[:2], (name, CLIENT), error))
        answered, seen = ping(s, "client", fip, name)
        s.say(f"fip: {name} is reached by it, {text}: ping", one_word(seen, {CLIENT}, not answered and "no answer"))
        for port in (999, 2222, 40123):
            got, error = tcp(s, name, OUT, port)
            s.say(f"fip: {name} keeps its port {port}", one_word(got, Seen("out", fip, port), error))
    size = 1 << 18 if FAST else 8 << 20
    for verb in ("get", "put"):
        s.say(f"fip: {size >> 10} KiB {verb} by ivan", transfer(s, "ivan", (OUT, 9002), verb, size, 30 * SLOW))
        s.say(f"fip: {size >> 10} KiB {verb} from ivan", transfer(s, "client", (IVAN, 9002), verb, size, 30 * SLOW))
    for proto, name, data in ((GRE, "gre", bytes.fromhex("00000800") + b"tunnelled"), (SCTP, "sctp", INIT)):
        seen = raw(s, "ivan", OUT, proto, data, "out")
        s.say(f"fip: {name} goes out", one_word(seen, {IVAN}))
        seen = raw(s, "client", IVAN, proto, data, "ivan")
        s.say(f"fip: {name} comes in", one_word(seen, {CLIENT}))
        before = s.dropped()
        seen = raw(s, "dev-1", OUT, proto, data, "out", 1)
        s.say(f"snat: {name} is refused", seen and f"seen as {seen}")
        s.say(f"snat: {name} is counted as nat_protocol", not s.grown(before, "nat_protocol", 1) and "it is not")
    before = s.dropped()
    _, error = tcp(s, "client", (BOHDAN, 9002), patience=QUIET)
    s.say("fip: what policy does not allow to the inside address stays out", error != "TimeoutError" and f"{error}")
    s.say("fip: and is counted as policy", not s.grown(before, "policy", 1) and "it is not")


def backend(s):
    """A FIP's workload as the backend of a service on another EIP."""
    got, error = tcp(s, "client", (DEV, 2222))
    s.say("a FIP's workload serves by another EIP", one_word(got[:2], ("bohdan", CLIENT), error))
    held = [Connection(s, "client", to, 42000 + i) for i, to in enumerate(((DEV, 2222), (BOHDAN, 9000), (DEV, 2222)))]
    s.say("and is reached by its FIP at the same time", ", ".join(filter(None, (c.error or c.speaks() for c in held))))
    for c in held:
        c.close()


def guests(s):
    """Envoy in the management VPC reaches what a project lets it, by VIP and only so."""
    for to, name in (((HTTP, 80), "app"), (("100.65.0.105", 6443), "cp-1"), (("100.65.0.108", 6443), "cp-2")):
        for who, where in (("envoy", "worker-2"), ("nginx", "worker-1")):
            made = Crowd(s.ns, who).connect(to, [0] * 20, PATIENT)
            bad = [c for c in made if c.error]
            s.say(f"from_vpcs: {who} on {where} reaches {name} by its VIP", bad and errors(bad) or
                  {c.name for c in made} != {name} and f"answered by { {c.name for c in made} }")
            s.say(f"from_vpcs: {name} sees {who}'s EIP", one_word({c.seen for c in made}, {MANAGEMENT}))
    got, error = udp(s, "envoy", (HTTP, 80))
    s.say("from_vpcs: udp", one_word(got[:2], ("app", MANAGEMENT), error))
    got, error = tcp(s, "client", (HTTP, 80))
    s.say("from_vpcs: the world is still served, as itself", one_word(got[:2], ("app", CLIENT), error))
    got, error = tcp(s, "demo-6", (HTTP, 80))
    s.say("from_vpcs: the own VPC is still served", one_word(got.name, "app", error))
    got, error = tcp(s, "demo-5", BOHDAN)
    s.say("from_vpcs: a FIP that lets a VPC in", one_word(got[:2], ("bohdan", DEMO), error))


def attempt(s, who, to, kind):
    """A socket that has begun to ask."""
    with s.ns.inside(who):
        sock = socket.socket(socket.AF_INET, kind)
    sock.setblocking(False)
    try:
        sock.connect(to if isinstance(to, tuple) else (to, 9000))
        sock.send(b"is anybody there")
    except OSError:
        pass  # not yet
    return sock


def heard(sock):
    try:
        return sock.recv(100).decode()
    except OSError:
        return None


def refused(s, reason, attempts):
    """attempts: [(text, who, to, kind)], side by side: none is answered, each is counted as `reason` if there is one."""
    before = s.dropped() if reason else None
    sockets = [attempt(s, who, to, kind) for _, who, to, kind in attempts]
    time.sleep(QUIET)
    for (text, *_), sock in zip(attempts, sockets):
        got = heard(sock)
        s.say(f"apart: {text}", got and f"answered: {got}")
        sock.close()  # nothing is sent again and counted for another
    if reason:
        grown = s.grown(before, reason, len(attempts))
        if grown < len(attempts):  # what found no neighbour in time is lost
            grown = sum(alone(s, reason, *how) for how in attempts)
        s.say(f"apart: these are counted as {reason}", grown < len(attempts) and f"{grown} of {len(attempts)}")


def alone(s, reason, _, who, to, kind):
    """Whether it is counted when nothing else is tried, however often its stack sends it, and not answered."""
    before, sock = s.dropped(), attempt(s, who, to, kind)
    counted = s.grown(before, reason, 1, patience=PATIENT / 3)
    answered = heard(sock)
    sock.close()
    return counted > 0 and not answered


def apart(s):
    """What must not be reached, and what the counters say of it."""
    stream, dgram = socket.SOCK_STREAM, socket.SOCK_DGRAM
    refused(s, None, [(f"{who} does not reach {to} of another VPC", who, to, stream) for who, to in (
        ("envoy", "10.0.10.28"), ("dev-1", "10.0.10.28"), ("edge", "10.1.0.40"), ("demo-5", "10.1.0.41"), ("app", "10.100.0.250"))])
    mapping = Datagrams(s, "demo-5")
    port = mapping.ask(OUT).port
    refused(s, "service_vpc", [("another project's service", "edge", (HTTP, 80), stream),
                               ("another project's service, by a node away", "twin-5", ("100.65.0.108", 6443), stream),
                               ("a service that lets no VPC in", "envoy", (DEMO, 2222), stream)])
    refused(s, "eip_vpc", [("another project's EIP", "dev-1", (DEMO, port), dgram), ("another project's EIP, tcp", "twin-5", (DEV, 40000), stream),
                           ("another project's FIP", "twin-5", (BOHDAN, 9000), stream),
                           ("a FIP that lets no VPC in", "demo-5", (IVAN, 9000), stream)])
    refused(s, "no_binding", [("a port of an EIP with nothing behind it", "client", (DEMO, 40001), stream)])
    refused(s, "nat_filtered", [("a mapping, by somebody it never spoke to", "client", (DEMO, port), dgram)])
    mapping.close()


def internet_side(s):
    """Cloud EIPs are not there on the Internet's VLAN, nor the other way round; both are where they stand."""
    ports = {name: f.Port(s.ns, "router", name) for name in ("public", "cloud")}
    cases = (("public", HTTP, 80, "cloud", "service_vpc"), ("public", DEMO, 2222, "cloud", "service_vpc"),
             ("cloud", DEV, 8443, "public", "service_vpc"), ("cloud", BOHDAN, 9000, "public", "eip_vpc"))
    mapping = Datagrams(s, "demo-5")
    to, seen = s.mac("worker-1", "enp0s31f6"), mapping.ask(OUT)
    before, answers = s.dropped(), {}
    for side in (0, 3):
        for port in ports.values():
            port.caught()
        for case in cases:
            port = ports[case[side]]
            port.send(f.eth(to, port.mac, 0x800, f.tcp("203.0.113.77", case[1], 50000 + side, case[2], 2)))
        found = answers[side] = set()

        def all_there():
            found.update(socket.inet_ntoa(d[26:30]) for port in ports.values() for _, d in port.caught() if d[12:14] == b"\x08\0")
            return found >= {case[1] for case in cases}
        if side == 0:  # none of them should come; what is counted tells that all have been judged
            time.sleep(QUIET)
            for reason in ("service_vpc", "eip_vpc"):
                s.grown(before, reason, sum(case[4] == reason for case in cases))
            all_there()
        else:
            until(all_there)
    for wrong, address, _, right, _ in cases:
        s.say(f"internet side: {address} is not there by {wrong}", address in answers[0] and "it answers")
        s.say(f"internet side: {address} is there by {right}", address not in answers[3] and "it does not answer")
    port = ports["public"]
    port.send(f.eth(to, port.mac, 0x800, f.udp(OUT, DEMO, 9003, seen.port, b"by the other way")))
    time.sleep(QUIET)
    for reason, wanted in (("service_vpc", 3), ("eip_vpc", 2)):
        grown = s.grown(before, reason, wanted)
        s.say(f"internet side: counted as {reason}", grown != wanted and f"{grown} of {wanted}")
    s.say("internet side: a mapping is not reached by the other network", heard(mapping.sock))
    s.say("internet side: it still works by its own", one_word(mapping.ask(OUT), seen))
    mapping.close()
    for port in ports.values():
        port.sock.close()


def two_networks(s):
    """Replies leave by the network that the request came in by, whatever the client's address would choose."""
    public, cloud = f.Port(s.ns, "router", "public"), f.Port(s.ns, "router", "cloud")
    for eip, mine, other in ((DEV, public, cloud), (DEV_CLOUD, cloud, public)):
        for _ in range(2):
            public.caught(), cloud.caught()
            got, error = tcp(s, "client", (eip, 8443))
        s.say(f"two networks: dev-2 serves by {eip}", one_word(got[:2], ("dev-2", CLIENT), error))
        source = socket.inet_aton(eip)
        here = sum(d[26:30] == source for _, d in mine.caught())
        there = sum(d[26:30] == source for _, d in other.caught())
        s.say(f"two networks: answers of {eip} leave by its own network only", (not here or there) and f"{here} and {there}")
    public.sock.close()
    cloud.sock.close()


def hairpin(s):
    """To outside addresses of one's own VPC: the source is an outside address as well (RFC 4787 REQ-9)."""
    for who, mate, text in (("dev-1", "dev-2", "of another node"), ("dev-2", "dev-1", "of another node"), ("dev-1", "dev-1", "its own")):
        a, b = Datagrams(s, who), Datagrams(s, mate)
        mine, its = a.ask(OUT), b.ask(OUT)
        got, error = exchange(a, b, its)
        s.say(f"hairpin: {who} to the mapping of {mate}, {text}", one_word(got, (DEV, mine.port), error))
        a.close()
        b.close()
    for who, to, name, seen, text in (
            ("bohdan", (IVAN, 9000), "ivan", BOHDAN, "between two FIPs"), ("ivan", (BOHDAN, 9000), "bohdan", IVAN, "between two FIPs"),
            ("bohdan", (BOHDAN, 9000), "bohdan", BOHDAN, "to its own FIP"), ("ivan", (IVAN, 9000), "ivan", IVAN, "to its own FIP"),
            ("dev-1", (BOHDAN, 9000), "bohdan", DEV, "an EIP to a FIP"), ("dev-2", (IVAN, 9000), "ivan", DEV, "an EIP to a FIP"),
            ("dev-2", (BOHDAN, 9000), "bohdan", DEV, "an EIP to a FIP of another node")):
        got, error = tcp(s, who, to)
        s.say(f"hairpin: {text}, {who}: tcp", one_word(got[:2], (name, seen), error))
        got, error = udp(s, who, to[0])
        s.say(f"hairpin: {text}, {who}: udp", one_word(got[:2], (name, seen), error))
        answered, sources = ping(s, who, to[0], name if who != name else None)
        s.say(f"hairpin: {text}, {who}: ping", one_word(sources, {seen} if who != name else set(), not answered and "no answer"))
    for who, to, name in (("app", (HTTP, 80), "app"), ("demo-6", (HTTP, 80), "app"), ("vm", (DEMO, 2222), "vm"), ("demo-5", (DEMO, 2222), "vm"),
                          ("dev-2", (DEV, 8443), "dev-2"), ("bohdan", (DEV, 2222), "bohdan")):
        got, error = tcp(s, who, to)
        s.say(f"hairpin: {who} by the VIP to {'itself' if who == name else name}", one_word(got.name, name, error))


def exchange(a, b, mapping):
    """((address, port) that b saw of what a sent to its mapping, trouble); b's answer reaches a from the mapping."""
    b.sock.settimeout(1 * SLOW)
    a.sock.settimeout(PATIENT)
    try:
        for _ in range(int(PATIENT / SLOW)):
            a.sock.sendto(b"hello", (mapping.address, mapping.port))
            try:
                data, sender = b.sock.recvfrom(100)
                break
            except TimeoutError:
                continue
        else:
            return None, "it never arrived"
        if data != b"hello":
            return None, f"it got {data!r}"
        b.sock.sendto(b"and to you", sender)
        data, back = a.sock.recvfrom(100)
        return sender, (data, back) != (b"and to you", (mapping.address, mapping.port)) and f"answered by {back}" or None
    except OSError as e:
        return None, f"{type(e).__name__} {e}"


def main():
    many_files()
    stage = Stage(sys.argv, "nat")
    Crowd.witness = stage.flows_of
    only = os.environ.get("LAB_ONLY", "").split()
    for scenario in (projects, overlap, shared, floating, backend, guests, apart, internet_side, two_networks, hairpin):
        if not only or scenario.__name__ in only:
            stage.scenario(scenario)
    return stage.failed


sys.exit(main())

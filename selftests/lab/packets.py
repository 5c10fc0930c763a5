# SPDX-License-Identifier: GPL-2.0
"""What VIPs do to single packets: sizes, fragments, ICMP, ARP.

    packets.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR

tcp and udp 9201 of the VIP have a backend beside it ("near"), 9202 one on the other node ("far"). Prints "ok" and
"not ok" lines.
"""
import errno
import hashlib
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from crowd import Crowd  # noqa: E402
from seen import transfer  # noqa: E402
from stage import CLIENT, FAST, PATIENT, QUIET, SLOW, VIP, Stage, until  # noqa: E402

SIZE = 4 << 20 if FAST else 100 << 20
IP_MTU_DISCOVER, IP_MTU, DONT, DO = 10, 14, 0, 2
PLACES = (("local", 9201, "web-1"), ("remote", 9202, "web-2"))
TUNNEL_BYTES = 44
EXT_VLAN, ALL, NOBODY = 4013, "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"


def fragments(s):
    """Fragments that any stack of the lab made or put together."""
    return sum(s.snmp(n, "Ip.FragCreates", "Ip.ReasmReqds")
               for n in ["client", "router", *s.nodes, *(w["name"] for w in s.plan["workloads"])])


def large(s):
    names = {"put": "to the backend", "get": "from the backend"}
    before, mebi = fragments(s), SIZE >> 20
    for who, ways in (("client", PLACES), ("envoy-1", PLACES[1:])):
        for where, port, _ in ways:
            size = SIZE if where == "remote" and who == "client" else SIZE // 4
            for verb, way in names.items():
                begin = time.monotonic()
                trouble = transfer(s, who, (VIP, port), verb, size, 60 * SLOW)
                took = max(0.001, time.monotonic() - begin)
                s.say(f"{size >> 20} MB from {who}, {way}, {where}: byte-identical"
                      + ("" if trouble else f" ({size * 8 / took / 1e6:.0f} Mbit/s)"), trouble)
    made = fragments(s) - before
    s.say(f"no fragment in any of them ({mebi} MB)", made and f"{made} fragments")


def datagram_socket(s, who, port, discover, source=""):
    with s.ns.inside(who):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discover)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if source:
        sock.bind(source)
    sock.connect((VIP, port))
    sock.settimeout(PATIENT)
    return sock


def ask(sock, size):
    """The server's words on a datagram of `size` bytes whose answer has the same size."""
    data = b"same" + bytes(i & 0xff for i in range(size - 4))
    sock.send(data)
    answer = sock.recv(65535)
    if len(answer) != size:
        raise ValueError(f"the answer has {len(answer)} bytes instead of {size}")
    name, client, length, sha = answer.split()
    if int(length) != size or sha.decode() != hashlib.sha256(data).hexdigest():
        raise ValueError(f"{name.decode()} got something else: {length.decode()} bytes")
    return name.decode(), client.decode()


def dont_fragment(s):
    """A datagram with DF that the way to the other node does not take: one word about it, then it goes on."""
    sock = datagram_socket(s, "client", 9202, DO)
    before, refused = s.snmp("client", "Icmp.InDestUnreachs"), None
    try:
        ask(sock, 1472)
        trouble = "a packet of 1500 bytes got through"
    except OSError as e:
        refused, trouble = e.errno, None if e.errno == errno.EMSGSIZE else f"{type(e).__name__} {e}"
    mtu = sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
    s.say("udp: DF and too large for remote delivery is told so",
          trouble or mtu != 1500 - TUNNEL_BYTES and f"MTU {mtu} instead of {1500 - TUNNEL_BYTES}")
    try:
        name, _ = ask(sock, mtu - 28)
        trouble = name != "web-2" and f"answered by {name}"
    except (OSError, ValueError) as e:
        trouble = f"{type(e).__name__} {e}"
    s.say("udp: and goes on with what fits", trouble or refused is None and "it was never told")
    told = s.snmp("client", "Icmp.InDestUnreachs") - before
    s.say("udp: by one ICMP error", told != 1 and f"{told}")
    sock.close()
    # The client's kernel must not remember it for what follows.
    s.inside("client", "ip", "route", "flush", "cache")


def whole(s):
    """Datagrams of 8 KiB, in fragments both ways."""
    for what, port, rounds, wanted in (("local", 9201, 5, {"web-1"}), ("remote", 9202, 5, {"web-2"}),
                                       ("any", 9001, 30, {"web-1", "web-2", "web-3"})):
        found, trouble = set(), None
        try:
            for _ in range(rounds):
                sock = datagram_socket(s, "client", port, DONT)
                name, client = ask(sock, 8192)
                found.add(name)
                sock.close()
                if client != CLIENT:
                    trouble = f"{name} saw {client}"
        except (OSError, ValueError) as e:
            trouble = f"{type(e).__name__} {e}"
        s.say(f"udp: 8 KiB in fragments reach one backend whole, {what}",
              trouble or not wanted <= found and f"only {sorted(found)} answered")


def smaller_mtu(s):
    """The client's router has a smaller MTU than both ends know: the answers' sender must be told."""
    change = s.inside("router", "ip", "link", "set", "eth1", "mtu", "1300")
    if change.returncode:
        raise RuntimeError(change.stderr)
    try:
        for where, port, name in PLACES:
            before = s.snmp("router", "Icmp.OutDestUnreachs"), s.snmp(name, "Icmp.InDestUnreachs")
            trouble = transfer(s, "client", (VIP, port), "get", SIZE // 8, 30 * SLOW)
            told = s.snmp("router", "Icmp.OutDestUnreachs") - before[0]
            heard = s.snmp(name, "Icmp.InDestUnreachs") - before[1]
            s.say(f"icmp: a smaller MTU behind the router, {where}: the download completes", trouble)
            s.say(f"icmp: {name} heard of it ({heard} of {told})", not (told and heard) and "nothing")
    finally:
        s.inside("router", "ip", "link", "set", "eth1", "mtu", "1500")
        for name in ("web-1", "web-2"):
            s.inside(name, "ip", "route", "flush", "cache")


def unreachable(s):
    """A client that has gone: its port unreachable reaches the backend's own socket."""
    for where, port, name in PLACES:
        path = f"{s.folder}/servers/{name}.later"
        sock = datagram_socket(s, "client", port, DONT)
        sock.send(b"later")
        sock.close()
        heard = until(lambda: os.path.exists(path) and open(path, encoding="ascii").read().strip()) or "no datagram at all"
        s.say(f"icmp: port unreachable from the client reaches {name}, {where}", heard != "ECONNREFUSED" and heard)


def echo(s):
    for what, who, to in (("the shared address, by the node", "client", VIP),
                          ("an EIP, by sluice", "ext", "100.65.0.112"),
                          ("a VIP that is nobody's own address", "client", "88.99.29.240")):
        run = s.inside(who, "ping", "-q", "-c", "3", "-i", "0.2", "-W", str(int(2 * SLOW)), to)
        s.say(f"icmp: ping of {what}", run.returncode and run.stdout.strip().splitlines()[-2:][0])


def tunnel(s):
    """Deliveries between nodes come from nodes only; Kube-OVN's Geneve is the host's."""
    for what, port, passes in (("Kube-OVN's port is the host's", 6081, True),
                               ("a stranger's delivery is dropped as tunnel_peer", 6083, False)):
        with s.ns.inside("worker-2"):
            host = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        host.bind((VIP, port))
        host.settimeout(PATIENT if passes else QUIET)
        with s.ns.inside("client"):
            client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        before = s.dropped("worker-2")
        for _ in range(5):
            client.sendto(b"\x02\x00\x08\x00\x00\x00\x01\x00" + b"\0" * 64, (VIP, port))
        try:
            got = bool(host.recv(200))
        except TimeoutError:
            got = False
        dropped = s.grown(before, "tunnel_peer", 0 if passes else 5, "worker-2")
        s.say(f"tunnel: {what}", (got, dropped) != (passes, 0 if passes else 5) and
              f"{'received' if got else 'not received'}, {dropped} of 5 counted as tunnel_peer")
        client.close()
        host.close()


def arps(port):
    """(vlan, operation, sender's MAC, sender) of every ARP caught on the wire."""
    found = []
    for vlan, data in port.caught():
        if data[12:14] == b"\x08\x06":
            found.append((vlan, data[21], data[22:28].hex(":"), socket.inet_ntoa(data[28:32])))
    return found


def listen(port, wanted=None):
    """The ARPs caught from now on: patiently until one is as wanted, then all that still come in a moment."""
    found = []

    def heard():
        found.extend(arps(port))
        return any(map(wanted, found))
    if wanted:
        until(heard)
    time.sleep(QUIET)
    return found + arps(port)


def who_has(port, address, sender, tags, answered=True):
    def answer(arp):
        return arp[1] == 2 and arp[3] == address

    port.caught()
    port.send(f.eth(ALL, port.mac, 0x806, f.arp(1, port.mac, sender, NOBODY, address), tags))
    return [arp[2] for arp in listen(port, answer if answered else None) if answer(arp)]


def owner(s):
    """Who speaks for an address on the wire, and who may not."""
    port, tags = f.Port(s.ns, "wire"), ((0x8100, EXT_VLAN),)
    mac = {n: s.mac(n, "enp0s31f6") for n in s.nodes}
    for what, address, sender, at, wanted in (
            ("an EIP", "100.65.0.112", "100.65.0.77", tags, ["worker-1"]),
            ("an EIP of several nodes", "100.65.0.120", "100.65.0.77", tags, ["worker-1"]),
            ("a VIP on the untagged segment", "88.99.29.240", "88.99.29.201", (), ["worker-1"]),
            ("an address nobody has", "100.65.0.200", "100.65.0.77", tags, []),
            ("an EIP, asked for without its VLAN", "100.65.0.112", "88.99.29.201", (), [])):
        got = who_has(port, address, sender, at, bool(wanted))
        s.say(f"arp: {what} is answered by {wanted or 'nobody'} only", got != [mac[n] for n in wanted] and f"{got}")

    # The owner changes: the new one says so unasked, and nobody is lost who believes it.
    ext = Crowd(s.ns, "ext")
    ext.connect(("100.65.0.120", 9000), [0])
    plan = s.variant()
    plan["eips"]["moving"]["nodes"] = ["worker-2", "worker-1"]
    port.caught()
    s.apply(plan)
    said = until(lambda: [m for vlan, _, m, who in arps(port) if who == "100.65.0.120" and vlan == EXT_VLAN])
    s.say("arp: the new owner says so unasked", set(said) != {mac["worker-2"]} and f"{said}")
    got = who_has(port, "100.65.0.120", "100.65.0.77", tags)
    s.say("arp: from then on only the new owner answers", got != [mac["worker-2"]] and f"{got}")
    neighbour = s.inside("ext", "ip", "neigh", "show", "100.65.0.120").stdout
    s.say("arp: a host with the old one's MAC has the new one's", mac["worker-2"] not in neighbour and neighbour.strip())
    new = ext.connect(("100.65.0.120", 9000), [0] * 20, PATIENT)
    s.say("arp: connections to the new owner", any(c.error for c in new) and "not all answered")
    s.apply(s.plan)
    time.sleep(0.5)

    # Others claim what is not theirs.
    before = s.dropped("worker-1")
    for _ in range(5):  # to the owner alone: the lab's other hosts would believe it
        port.send(f.eth(mac["worker-1"], port.mac, 0x806, f.arp(2, port.mac, "100.65.0.112", ALL, "100.65.0.112"), tags))
    dropped = s.grown(before, "arp_spoofed", 5, "worker-1")
    s.say("arp: a claim from the wire is dropped by the owner", dropped != 5 and f"{dropped} of 5 counted as arp_spoofed")
    stack = f.Port(s.ns, "worker-2", "enp0s31f6")
    port.caught()
    for address, at in ((VIP, ()), ("88.99.29.240", ()), ("100.65.0.112", tags)):
        try:
            stack.send(f.eth(ALL, stack.mac, 0x806, f.arp(1, stack.mac, address, NOBODY, address), at))
        except OSError as e:
            if e.errno != errno.ENOBUFS:  # that is what a drop on the way out looks like
                raise
    seen = {who for _, _, m, who in listen(port, lambda arp: arp[2:] == (mac["worker-2"], VIP)) if m == mac["worker-2"]}
    s.say("arp: a node's own stack does not claim what the node does not own",
          VIP not in seen and "not even its own address was seen" or
          seen & {"88.99.29.240", "100.65.0.112"} and f"the wire saw {sorted(seen)}")
    port.sock.close()
    stack.sock.close()


def main():
    stage = Stage(sys.argv)
    only = os.environ.get("LAB_ONLY", "").split()
    for scenario in (large, dont_fragment, whole, smaller_mtu, unreachable, echo, tunnel, owner):
        if not only or scenario.__name__ in only:
            stage.scenario(scenario)
    return stage.failed


sys.exit(main())

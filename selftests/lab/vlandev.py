# SPDX-License-Identifier: GPL-2.0
"""Hosts with VLAN devices on the trunk, tried for real, against what the plan promises to members of a network.

    vlandev.py LAB PLAN < HOSTS      a line each: "name address network", network "-": nobody may hear it
                                     a network's name and an address the plan gives a node: that node itself

Tries ping, TCP and UDP on every port of interest between each of them and the workloads and nodes of its
network, both ways, and between the nodes. Prints "ok" or "not ok" for each host and way.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from expect import PROTOCOLS, Host, Plan  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from stage import PATIENT, SLOW  # noqa: E402


def main():
    lab, plan = sys.argv[1], Plan(sys.argv[2])
    tags = os.environ.get("TAGS", "frame")
    cluster = next(iter(plan.json["clusters"]))
    ports = plan.ports()
    nodes = {h.address: h for h in plan.hosts.values() if h.is_node}
    guests, nobodies, own = [], [], []
    for line in sys.stdin:
        name, address, network = line.split()
        if address in nodes:
            own.append(nodes[address])
        elif network == "-":
            # Whoever it claims to be, the plan's members of that network are who it is tried on.
            nobodies.append(Host(name, address, cluster, None, "default", plan.network_of(address, "default", cluster),
                                 {}, False))
        else:
            vpc = plan.json["networks"][network].get("vpc", "default")
            guests.append(Host(name, address, cluster, None, vpc, network, {}, False))

    members = {}
    for h in plan.hosts.values():
        if not h.is_node and os.path.exists(f"/run/netns/{lab}-{h.name}"):
            members.setdefault(h.network, []).append(h)
    for h in own:
        members.setdefault(h.network, []).append(h)

    attempts, ways = [], []

    def way(name, src, dst, promised):
        mine = [Attempt(src.name, dst.name, kind, port, promised(src, dst, PROTOCOLS[kind], port))
                for kind, port in [("icmp", 0)] + ports]
        ways.append((name, mine))
        attempts.extend(mine)

    def never(*_):
        return False

    for guest in guests + nobodies:
        rule = never if guest in nobodies else plan.allows
        for other in members.get(guest.network, []):
            way(f"{guest.name} to {other.name} ({guest.network})", guest, other, rule)
            way(f"{other.name} to {guest.name} ({guest.network})", other, guest, rule)
    for a in own:
        for b in own:
            if a is not b:
                way(f"{a.name} to {b.name}, each on a VLAN device of its own", a, b, plan.allows)

    everybody = guests + nobodies + [h for hosts in members.values() for h in hosts]
    probe = Probe(lab, {h.name: h.address for h in everybody}, ports, 1.0 + 0.3 * SLOW, PATIENT)
    probe.run(attempts)
    failed = False
    for name, mine in ways:
        bad = [f"{a.what()}: {a.problem()}" for a in mine if a.problem()]
        passed = sum(a.answered for a in mine)
        failed |= bool(bad)
        print(f"not ok vlandev (tag in the {tags}) {name}: {'; '.join(bad[:4])}" if bad else
              f"ok vlandev (tag in the {tags}) {name}: {passed} of {len(mine)} pass, as promised")
    print(f"{len(attempts)} attempts, {sum(bool(a.expected) for a in attempts)} promised")
    return failed or not any(a.expected for a in attempts)


sys.exit(main())

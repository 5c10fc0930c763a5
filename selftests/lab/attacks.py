# SPDX-License-Identifier: GPL-2.0
"""Raw frames that must not get through, each against a victim that goes on working.

    attacks.py LAB PLAN SLUICE PINS_PREFIX

For every attack: the victim's own namespace catches nothing of it, exactly one drop reason has grown on
the node that must stop it, by exactly the number of frames sent, and an allowed connection to the victim
still works. Prints "ok NAME" or "not ok NAME: why".
"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from expect import PROTOCOLS, Plan, within, number  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from stage import PATIENT, QUIET, SLOW, until  # noqa: E402

LAB, PLAN, SLUICE, PINS = sys.argv[1:5]
FRAMES = 5
ALL = "ff:ff:ff:ff:ff:ff"
failed = False


def say(name, why=None):
    global failed
    failed |= why is not None
    print(f"ok {name}" if why is None else f"not ok {name}: {why}", flush=True)


def on_node(node, *command):
    env = dict(os.environ, SLUICE_PINS=f"{PINS}-{node}")
    return subprocess.run(["nsenter", f"--net=/run/netns/{LAB}-{node}", *command], env=env,
                          capture_output=True, text=True, check=False)


def rows(value):
    """Every object with a reason and a count, wherever it stands in the answer."""
    if isinstance(value, dict):
        if "reason" in value and "packets" in value:
            yield value
        for v in value.values():
            yield from rows(v)
    elif isinstance(value, list):
        for v in value:
            yield from rows(v)


def drops(node):
    run = on_node(node, SLUICE, "show", "drops", "--json")
    if run.returncode:
        sys.exit(f"not ok attacks: sluice show drops on {node}: {run.stderr.strip()}")
    total = {}
    for row in rows(json.loads(run.stdout)):
        if row.get("outcome", "dropped") == "dropped":
            total[row["reason"]] = total.get(row["reason"], 0) + row["packets"]
    return total


class Scene:
    """Who plays whom: worked out from the plan, so that the same attacks run against any plan."""

    def __init__(self, plan):
        self.plan = plan
        workloads = [plan.hosts[w["name"]] for w in plan.json["workloads"]
                     if "interface" in w and os.path.exists(f"/run/netns/{LAB}-{w['name']}")]
        self.port = ("tcp", 8099)
        best = None
        for victim in workloads:
            friends = [(w, p) for w in workloads for p in plan.ports()
                       if w.network == victim.network and w.node != victim.node
                       and plan.allows(w, victim, PROTOCOLS[p[0]], p[1]) and p[0] == "tcp"]
            neighbours = [w for w in workloads if w.network == victim.network and w.node == victim.node
                          and w is not victim]
            if friends and (best is None or neighbours and not best[2]):
                best = (victim, friends[0], neighbours)
        if not best:
            sys.exit("not ok attacks: the plan has no victim with a friend on another node")
        self.victim, (self.friend, self.port), near = best
        self.neighbour = near[0] if near else None
        # A workload of another network on the victim's node, and one anywhere as a source to claim.
        self.stranger = next(w for w in workloads if w.network != self.victim.network and w.node == self.victim.node)
        self.macs = {w["name"]: w.get("mac") for w in plan.json["workloads"]}
        site = plan.json["networks"][self.victim.network]["sites"][self.victim.cluster]
        self.vlan, self.gateway = site["vlan"], site.get("gateway")
        self.prefix = site["cidrs"][0]
        used = {s.get("vlan") for n in plan.json["networks"].values()
                for c, s in n["sites"].items() if c == self.victim.cluster}
        managed = set()
        for text in plan.json["clusters"][self.victim.cluster]["managed_vlans"]:
            first, _, last = str(text).partition("-")
            managed |= set(range(int(first), int(last or first) + 1))
        self.unassigned = min(managed - used, default=None)
        # An address of the victim's network that nobody has.
        taken = {h.number for h in plan.hosts.values()}
        self.free = next(a for a in (self.prefix.rsplit(".", 1)[0] + f".{i}" for i in range(240, 200, -1))
                         if number(a) not in taken and within(number(a), self.prefix))


def attacks(s, wire, inside):
    """name, port to send from, frames, reason, node that must stop it. `inside`: the attacking workload's port."""
    v, friend = s.victim, s.friend
    vm, wm = s.macs[v.name], wire.mac
    node = v.node
    token = f.udp(friend.address, v.address, 5000, 9999, b"attack-token")
    tagged = [
        (f"vlan_{s.unassigned}_unassigned", ((0x8100, s.unassigned),), "vlan_unassigned"),
        ("vlan_4095", ((0x8100, 4095),), "vlan_reserved"),
        ("vlan_priority_tag", ((0x8100, 0),), "vlan_priority"),
        ("vlan_priority_tag_with_priority", ((0x8100, 7 << 13),), "vlan_priority"),
        ("vlan_double_8100_8100", ((0x8100, s.vlan), (0x8100, s.vlan)), "vlan_double"),
        ("vlan_double_88a8_8100", ((0x88a8, s.vlan), (0x8100, s.vlan)), "vlan_double"),
        ("vlan_double_unmanaged_outside", ((0x8100, 2000), (0x8100, s.vlan)), "vlan_double"),
        ("vlan_triple", ((0x8100, s.vlan), (0x8100, s.vlan), (0x8100, s.vlan)), "vlan_double"),
    ]
    for name, tags, reason in tagged:
        if s.unassigned is None and "unassigned" in name:
            continue
        yield name, wire, f.eth(vm, wm, 0x800, token, tags), reason, node
    on = ((0x8100, s.vlan),)

    def from_wire(src, data=b"attack-token", dst=v.address):
        return f.eth(vm, wm, 0x800, f.udp(src, dst, 5000, s.port[1], data), on)

    yield "wire_source_of_another_network", wire, from_wire(s.stranger.address), "spoofed_source", node
    yield "wire_source_of_the_world", wire, from_wire("198.51.100.7"), "spoofed_source", node
    if s.neighbour:
        yield "wire_source_of_a_local_workload", wire, from_wire(s.neighbour.address), "spoofed_source", node
    none = "00:00:00:00:00:00"
    yield ("wire_arp_claims_a_local_workload", wire,
           f.eth(ALL, wm, 0x806, f.arp(1, wm, v.address, none, v.address) + b"attack-token", on), "arp_spoofed", node)
    yield ("wire_arp_sender_and_frame_disagree", wire,
           f.eth(vm, wm, 0x806, f.arp(2, "02:de:ad:00:00:01", s.free, vm, v.address) + b"attack-token", on),
           "arp_spoofed", node)
    yield ("wire_arp_from_another_network", wire,
           f.eth(vm, wm, 0x806, f.arp(2, wm, s.stranger.address, vm, v.address) + b"attack-token", on),
           "arp_spoofed", node)
    if s.gateway:
        yield ("wire_arp_claims_the_gateway", wire,
               f.eth(vm, wm, 0x806, f.arp(2, wm, s.gateway, vm, v.address) + b"attack-token", on), "arp_spoofed", node)
    yield ("wire_ipv6", wire, f.eth(vm, wm, 0x86dd, f.ipv6_udp("fd00::7", "fd00::8", 9, b"attack-token"), on),
           "ipv6", node)
    yield ("wire_ipv6_router_advertisement", wire,
           f.eth("33:33:00:00:00:01", wm, 0x86dd, f.router_advertisement("fe80::7", b"attack-token"), on), "ipv6", node)
    yield "wire_other_ethertype", wire, f.eth(vm, wm, 0x88b5, b"attack-token" * 4, on), "ethertype", node
    yield ("wire_broadcast", wire, f.eth(ALL, wm, 0x800, f.udp(s.free, "255.255.255.255", 68, 67, b"attack-token"), on),
           "broadcast", node)
    yield ("wire_multicast", wire,
           f.eth("01:00:5e:00:00:fb", wm, 0x800, f.udp(s.free, "224.0.0.251", 5353, 5353, b"attack-token"), on),
           "multicast", node)

    # From a workload. The attacker stands in the victim's network on the victim's node if there is one.
    a = s.neighbour or s.stranger
    am = s.macs[a.name]

    def from_workload(src_mac=am, src=a.address, data=b"attack-token", dst=v.address, tags=()):
        return f.eth(vm, src_mac, 0x800, f.udp(src, dst, 5000, s.port[1], data), tags)

    yield "workload_vlan_tag", inside, from_workload(tags=on), "vlan_on_access", node
    yield "workload_priority_tag", inside, from_workload(tags=((0x8100, 0),)), "vlan_on_access", node
    yield "workload_double_tag", inside, from_workload(tags=on + on), "vlan_on_access|vlan_double", node
    yield "workload_anothers_address", inside, from_workload(src=friend.address), "spoofed_source", node
    yield "workload_free_address", inside, from_workload(src=s.free), "spoofed_source", node
    yield "workload_address_of_another_network", inside, from_workload(src=s.stranger.address
                                                                       if a is not s.stranger else friend.address), \
        "spoofed_source", node
    if s.macs.get(friend.name):
        yield "workload_anothers_mac", inside, from_workload(src_mac=s.macs[friend.name]), "spoofed_mac", node
    yield "workload_router_mac", inside, from_workload(src_mac="02:73:6c:75:69:63"), "spoofed_mac", node
    yield ("workload_arp_claims_a_neighbour", inside,
           f.eth(vm, am, 0x806, f.arp(2, am, friend.address, vm, v.address) + b"attack-token"), "arp_spoofed", node)
    yield ("workload_arp_claims_the_victim", inside,
           f.eth(ALL, am, 0x806, f.arp(1, am, v.address, none, v.address) + b"attack-token"), "arp_spoofed", node)
    if s.gateway:
        yield ("workload_gratuitous_arp_for_the_gateway", inside,
               f.eth(ALL, am, 0x806, f.arp(1, am, s.gateway, none, s.gateway) + b"attack-token"), "arp_spoofed", node)
    yield ("workload_ipv6", inside, f.eth(vm, am, 0x86dd, f.ipv6_udp("fd00::7", "fd00::8", 9, b"attack-token")),
           "ipv6", node)
    yield ("workload_ipv6_router_advertisement", inside,
           f.eth("33:33:00:00:00:01", am, 0x86dd, f.router_advertisement("fe80::7", b"attack-token")), "ipv6", node)
    yield "workload_other_ethertype", inside, f.eth(vm, am, 0x8847, b"attack-token" * 4), "ethertype", node
    yield ("workload_broadcast", inside,
           f.eth(ALL, am, 0x800, f.udp(a.address, "255.255.255.255", 68, 67, b"attack-token")), "broadcast", node)
    yield ("workload_multicast", inside,
           f.eth("01:00:5e:00:00:fb", am, 0x800, f.udp(a.address, "224.0.0.251", 5353, 5353, b"attack-token")),
           "multicast", node)
    # A lone ACK may open a flow where the policy allows it (mid-stream); these may not.
    for what, flags in (("syn_ack", 0x12), ("rst", 0x04), ("fin_ack", 0x11)):
        yield (f"workload_{what}_without_a_flow", inside,
               f.eth(vm, am, 0x800, f.tcp(a.address, v.address, 5001, s.port[1], flags, b"attack-token")),
               "tcp_state", node)
    yield ("workload_echo_reply_without_a_flow", inside,
           f.eth(vm, am, 0x800, f.icmp(a.address, v.address, 0, b"attack-token")), "icmp_no_flow", node)
    yield ("workload_fragment_without_a_first", inside,
           f.eth(vm, am, 0x800, f.ipv4(a.address, v.address, 17, b"attack-token" * 2, frag=100)), "frag_no_first", node)


def counted(node, before):
    """({reason: how many more than before}, all of them now), patiently until there is one for each frame."""
    def more():
        after.update(drops(node))
        return sum(after.values()) - sum(before.values()) >= FRAMES
    after = {}
    until(more)
    return {r: n - before.get(r, 0) for r, n in after.items() if n != before.get(r, 0)}, after


def strike(s, probe, victim, before, port, frame, reason, node):
    """What went wrong, or None. `before`: the drops of each node as they were last; a connection makes none."""
    victim.caught()
    if node not in before:
        before[node] = drops(node)
    for _ in range(FRAMES):
        port.send(frame)
    reasons = reason.split("|")
    grown, before[node] = counted(node, before[node])
    works = still_works(s, probe)
    got = [data for _, data in victim.caught() if b"attack-token" in data]
    if got:
        return f"the victim got {len(got)} of {FRAMES} frames"
    if len(grown) != 1 or next(iter(grown)) not in reasons or sum(grown.values()) != FRAMES:
        return f"{FRAMES} frames, expected {reason} to grow by {FRAMES}, saw {grown or 'no drop'}"
    return works


def still_works(s, probe):
    one = Attempt(s.friend.name, s.victim.name, *s.port, True)
    probe.run([one])
    return None if one.problem() is None else f"the victim is harmed: {one.problem()}"


def untagged(s, wire, victim):
    """Managed addresses without a tag, to a node that routes: the stack would carry them, the doors do not."""
    node, v = s.victim.node, s.victim
    interface = next(w["interface"] for w in s.plan.json["workloads"] if w["name"] == v.name)
    uplink = sorted(s.plan.json["clusters"][v.cluster]["nodes"][node]["uplinks"])[0]
    dmac = on_node(node, "sh", "-c", f"ip -o link show {uplink} | sed 's/.*ether //; s/ .*//'").stdout.strip()
    on_node(node, "sh", "-c", f"ip route replace {v.address} dev {interface}; "
            f"ip neigh replace {v.address} lladdr {s.macs[v.name]} dev {interface}; "
            "echo 1 >/proc/sys/net/ipv4/ip_forward")
    victim.caught()
    before = drops(node)
    for _ in range(FRAMES):
        wire.send(f.eth(dmac, wire.mac, 0x800, f.udp(s.friend.address, v.address, 5000, 9999, b"attack-token")))
    time.sleep(QUIET)
    grown, _ = counted(node, before)
    on_node(node, "sh", "-c", f"echo 0 >/proc/sys/net/ipv4/ip_forward; "
            f"ip neigh del {v.address} dev {interface}")
    got = [d for _, d in victim.caught() if b"attack-token" in d]
    if got:
        return f"the victim got {len(got)} of {FRAMES} frames"
    if len(grown) != 1 or sum(grown.values()) != FRAMES:
        return f"expected one reason to grow by {FRAMES}, saw {grown or 'no drop'}"
    return None


def main():
    s = Scene(Plan(PLAN))
    attacker = s.neighbour or s.stranger
    hosts = {h.name: h.address for h in (s.victim, s.friend)}
    probe = Probe(LAB, hosts, [s.port], 1.0 * SLOW, PATIENT)
    wire, inside = f.Port(probe.ns, "wire"), f.Port(probe.ns, attacker.name)
    victim = f.Port(probe.ns, s.victim.name)
    for h in (s.victim, s.friend, attacker):
        s.macs[h.name] = s.macs[h.name] or f.Port(probe.ns, h.name).mac
    trouble = still_works(s, probe)
    if trouble:
        say("attack before_the_first", trouble)
        return
    before = {}
    for name, port, frame, reason, node in attacks(s, wire, inside):
        say(f"attack {name}", strike(s, probe, victim, before, port, frame, reason, node))
    why = untagged(s, wire, victim)
    say("attack wire_untagged_with_managed_addresses", why or still_works(s, probe))


main()
sys.exit(1 if failed else 0)

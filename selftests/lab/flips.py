# SPDX-License-Identifier: GPL-2.0
"""Connections while plans flip: what both plans allow never waits, what both forbid never arrives.

    flips.py LAB PLAN_A PLAN_B DONE [CONNECTIONS]

Opens short connections, each a new flow, until the file DONE exists and CONNECTIONS of them have been made.
An allowed one whose kernel had to send a segment again has lost one, but for turns in which the machine stood still for
longer than TCP waits; if these are more than half of all, they count as well. Prints "ok" and "not ok" lines.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from expect import PROTOCOLS, Plan  # noqa: E402
from probe import Attempt, Probe  # noqa: E402
from stage import PATIENT, SLOW  # noqa: E402
from streams import Taken  # noqa: E402

STILL_S = 0.15  # a segment that is not acknowledged is sent again after 200 ms at the soonest


def main():
    lab, a, b, done = sys.argv[1:5]
    wanted = int(sys.argv[5]) if len(sys.argv) > 5 else 1000
    first, second = Plan(a), Plan(b)
    hosts = [first.hosts[w["name"]] for w in first.json["workloads"]
             if os.path.exists(f"/run/netns/{lab}-{w['name']}")]
    ports = first.ports()
    allowed, forbidden = [], []
    for src in hosts:
        for dst in hosts:
            for kind, port in ports if src is not dst else []:
                if f"{dst.name}:{port}" == os.environ.get("IPERF"):
                    continue
                both = {p.allows(p.hosts[src.name], p.hosts[dst.name], PROTOCOLS[kind], port) for p in (first, second)}
                if both == {True} and kind == "tcp":
                    allowed.append((src.name, dst.name, kind, port))
                elif both == {False}:
                    forbidden.append((src.name, dst.name, kind, port))
    probe = Probe(lab, {h.name: h.address for h in hosts}, ports, 0.2 + 0.1 * SLOW, PATIENT)
    # Once in peace: neighbours are found, so that no first packet is spent on a question.
    probe.run([Attempt(*x, True) for x in allowed])
    probe.resent = 0
    made = tried = stood = excused = 0
    lost, leaked = [], []
    turn = 0
    end = time.monotonic() + 240 * SLOW
    while (made < wanted or not os.path.exists(done)) and time.monotonic() < end:
        good = [Attempt(*allowed[(turn * 20 + i) % len(allowed)], True) for i in range(20)]
        bad = [Attempt(*forbidden[(turn * 37 + i) % len(forbidden)], False) for i in range(20)]
        turn += 1
        before = probe.resent
        with Taken() as taken:
            probe.run(good + bad)
        if taken.longest > STILL_S and probe.resent > before:
            stood, excused, probe.resent = stood + 1, excused + probe.resent - before, before
        made, tried = made + len(good), tried + len(bad)
        lost += [x for x in good if x.problem()]
        leaked += [x for x in bad if x.problem()]
    if 2 * stood > turn:
        probe.resent += excused
    for x in (lost + leaked)[:10]:
        print(f"difference: {x.src} -> {x.dst} {x.what()}: {x.problem()}")
    bad = 0

    def say(name, trouble):
        nonlocal bad
        bad |= bool(trouble)
        print(f"not ok {name}: {trouble}" if trouble else f"ok {name}")
    say(f"flips {wanted} short allowed connections",
        f"{len(lost)} of {made} failed" if lost else f"only {made} made" if made < wanted else None)
    say("flips no allowed connection had to send again",
        f"{probe.resent} segments of {made} connections" if probe.resent else None)
    say("flips nothing forbidden passed", f"{len(leaked)} of {tried} arrived" if leaked else None)
    print(f"{made} allowed and {tried} forbidden attempts; the machine stood still in {stood} of {turn} turns, "
          f"which sent {excused} segments again")
    return bad


sys.exit(main())

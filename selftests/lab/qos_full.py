# SPDX-License-Identifier: GPL-2.0
"""A link that is full: log shipping beside an object transfer and a flood, with sluice's quality of service and without.

    qos_full.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR     LAB_ONLY names the scenarios

The narrow place is at the other side of the wire, where sluice is not: LAB_LINK Mbit/s, 100 or what a slow machine
carries. A machine with all hands full delays whole bursts, and lets the packets of one flow overtake each other between
its CPUs; one whose clock counts instructions and nothing else (scripts/vm -i) has time enough. Prints "ok" and "not ok"
lines, with the figures of both runs.
"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from stage import FAST, Stage  # noqa: E402
from streams import Meter, asked, run, settle  # noqa: E402

NEAR, FAR = "192.168.106.13", "10.17.16.11"
WAL, OBJECT, FLOOD = 5432, 9000, 9101
RECORD = 8192
BUCKET_MS = 10  # without a queue of its own sluice lets so much stand in the next one
TRIES = 3  # a busy machine makes round trips longer, never shorter
PACING, REAL = os.environ.get("PACING", "auto"), os.environ.get("TUNNEL") == "real"
DELAY = os.environ.get("DELAY") == "yes"
LATE_MS = 25
LINK = int(os.environ.get("LAB_LINK", "0"))
QUIET_MS = (15 if not FAST else 45) + (12 if DELAY else 0)  # alone, on a machine that does nothing else


def variant(s, link):
    """link: Mbit/s of the uplinks, or 0: neither classes nor speeds."""
    plan = s.variant()
    if not link:
        del plan["qos"]
    for node in plan["clusters"]["west"]["nodes"].values():
        for uplink in node["uplinks"].values():
            uplink["pacing"] = PACING
            if link:
                uplink["mbit"] = link
    return plan


def narrow(s, place, interface, mbit):
    """From here on this side of a cable carries no more; what is too much waits 100 ms at the most."""
    done = s.inside(place, "tc", "qdisc", "replace", "dev", interface, "root", "tbf", "rate", f"{mbit}mbit", "burst",
                    str(int(max(5000, mbit * 250))), "latency", "100ms")
    if done.returncode:
        raise RuntimeError(done.stderr)


def delayed(s, place, interface):
    """Answers take 10 ms longer."""
    done = s.inside(place, "tc", "qdisc", "replace", "dev", interface, "root", "netem", "delay", "10ms", "limit", "10000")
    if done.returncode:
        raise RuntimeError(done.stderr)


def measured(s, to, address, ask, seconds, flood=0):
    """What log shipping gets, what the others do meanwhile, and how late, in ms, who slept was woken at worst."""
    meter = Meter(s, to, [WAL, OBJECT, FLOOD])
    others = []
    if flood:
        others = [run(s, "w-db", "send", "tcp", address, OBJECT, seconds + 2, 0),
                  run(s, "w-db2", "send", "udp", address, FLOOD, seconds + 2, flood)]
        settle(s)
        settle(s)
    late = 0
    wal = run(s, "w-db", "ask", address, WAL, seconds, ask, RECORD)
    try:
        while wal.poll() is None:
            begin = time.monotonic()
            time.sleep(0.01)
            late = max(late, (time.monotonic() - begin) * 1000 - 10)
        got = asked(wal)
    finally:
        for p in others:
            p.terminate()
            p.communicate()
        arrived = {(proto, port): a.mbit for (proto, port, _), a in meter.arrived().items()}
    return got, arrived, late


def text(got, arrived, late):
    more = ", ".join(f"{name} {arrived[key]:.1f}" for name, key in (("object", ("tcp", OBJECT)), ("flood", ("udp", FLOOD))) if key in arrived)
    times = ", ".join(f"{name} {f'{ms:.1f} ms' if ms < 60000 else 'never'}" for name, ms in (("p50", got.p50), ("p99", got.p99), ("longest", got.longest)))
    return f"{times}, {got.mbit:.2f} Mbit/s" + (f"; {more} Mbit/s" if more else "") + f"; woken {late:.0f} ms late at worst"


def full(s, name, to, address, link):
    """Over one path: without classes, then with them alone and with the others."""
    seconds, flood, ask = 5, link * 1.2, link * 0.3
    s.apply(variant(s, 0), "w1")
    bare_idle = measured(s, to, address, ask, 3)
    bare = measured(s, to, address, ask, seconds, flood)
    offered = sum(v for (_, port), v in bare[1].items() if port != WAL)
    starved = bare[0].p99 > 2 * bare_idle[0].p99 or bare[0].mbit < 0.95 * ask
    if not starved and offered < 0.8 * link:
        return s.skip(f"full {name}", f"this machine cannot fill the link: {text(*bare)}")
    s.say(f"full {name}: without classes log shipping starves: idle: {text(*bare_idle)}; full: {text(*bare)}", not starved and "it does not")
    settle(s)
    s.apply(variant(s, link), "w1")
    for left in reversed(range(TRIES)):
        idle = measured(s, to, address, ask, seconds)
        loaded = measured(s, to, address, ask, seconds, flood)
        most = 2 * idle[0].p99 if PACING == "fq" else max(2 * idle[0].p99, idle[0].p99 + 2 * BUCKET_MS)
        if not left or loaded[0].p99 < most and loaded[0].mbit >= 0.95 * ask:
            break
    limit = "twice its idle value" if PACING == "fq" else f"twice its idle value, or {2 * BUCKET_MS} ms more"
    s.say(f"full {name} ({PACING}): alone: {text(*idle)}", idle[0].mbit < 0.95 * ask and f"not even alone it gets {ask} Mbit/s")
    bad = (loaded[0].p99 >= most and f"p99 {loaded[0].p99:.1f} ms, alone {idle[0].p99:.1f} ms") or \
          (loaded[0].mbit < 0.95 * ask and f"{loaded[0].mbit:.2f} Mbit/s")
    told = f"full {name} ({PACING}): p99 below {limit}, and above 95 % of the {ask} Mbit/s asked for: {text(*loaded)}"
    # What should have left while nobody was woken leaves at once, and waits in the narrow place whoever it is.
    if bad and (idle[0].p99 > QUIET_MS or loaded[2] > LATE_MS):
        s.skip(told, "this machine is too busy to tell")
    else:
        s.say(told, bad)
    used = loaded[0].mbit + sum(v for (_, port), v in loaded[1].items() if port != WAL)
    s.say(f"full {name} ({PACING}): the link is used: {used:.1f} of {link} Mbit/s", used < 0.8 * link and "the others get too little")
    return None


def trunk(s):
    """Between two nodes of a cluster."""
    link = LINK or (5 if FAST else 100)
    narrow(s, "switch", "p-w2-eth0", link)
    if DELAY:
        delayed(s, "switch", "p-w1-eth0")
    full(s, f"{link} Mbit/s" + (", 10 ms away" if DELAY else ""), "w-near", NEAR, link)


def tunnel(s):
    """Everything in one tunnel: the router sees one stream."""
    link = LINK or (5 if FAST else 20)
    if not REAL:
        return s.skip("full: through the tunnel", "the kernel has no WireGuard; tried in the guests")
    narrow(s, "wan", "east", link)
    delayed(s, "wan", "west")
    return full(s, f"{link} Mbit/s through the tunnel, 10 ms away", "e-db", FAR, link)


SCENARIOS = {fn.__name__: fn for fn in (trunk, tunnel)}


def main():
    stage = Stage(sys.argv, "qos")
    for name in os.environ["LAB_ONLY"].split():
        stage.scenario(SCENARIOS[name])
    return stage.failed


sys.exit(main())

# SPDX-License-Identifier: GPL-2.0
"""Streams between workloads (stream.c), and what the wire saw of them.

It must never decide whether a rate or a mark is right: it reports what arrived.
"""
import collections
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from stage import SLOW  # noqa: E402

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/lab/stream")
Arrived = collections.namedtuple("Arrived", "mbit seconds packets")
TRIES, CALM_S = 5, 20
DISTURBED = 0.01  # a bucket keeps some ms: what is taken beyond that it does not get back
BUSY = 0.05  # more than a figure may be off: one that is too low tells nothing
Asked = collections.namedtuple("Asked", "records answered mbit p50 p99 longest")
Wire = collections.namedtuple("Wire", "vlan tos proto src dst sport dport fragment length")


def run(s, who, *words):
    return subprocess.Popen(["nsenter", f"--net=/run/netns/{s.lab}-{who}", TOOL, *map(str, words)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Taken:
    """How much of the time meanwhile was taken from who wanted to run: the share by which a sleeper woke late.

    A stream then had no time to be sent, or its queue none to let it go. Neither tells what a class gets.
    """

    def __enter__(self):
        self.late, self.longest, self.over, self.begin = 0.0, 0.0, False, time.monotonic()
        self.thread = threading.Thread(target=self.sleep, daemon=True)
        self.thread.start()
        return self

    def sleep(self):
        while not self.over:
            begin = time.monotonic()
            time.sleep(0.005)
            late = time.monotonic() - begin - 0.005
            self.late += late if late > 0.005 else 0.0
            self.longest = max(self.longest, late)

    def __exit__(self, *_):
        self.over = True
        self.thread.join()
        self.share = self.late / (time.monotonic() - self.begin)


def calmly(s, attempt, right):
    """attempt() once more as long as its result is not right() and time was taken meanwhile; the last of TRIES as it is.

    s.taken: the share that was taken from the one of them that was disturbed least.
    """
    s.taken = 1.0
    for left in reversed(range(TRIES)):
        with Taken() as taken:
            found = attempt()
        s.taken = min(s.taken, taken.share)
        if right(found) or taken.share < DISTURBED or not left:
            return found
        print(f"# {100 * taken.share:.0f} % of the time was taken: once more", flush=True)
        settle(s)
        for _ in range(CALM_S):  # what disturbs may pass
            with Taken() as taken:
                time.sleep(1)
            if taken.share < DISTURBED:
                break
    return None


class Meter:
    """Measures what comes to these ports of a workload, until arrived()."""

    def __init__(self, s, who, ports):
        self.process = run(s, who, "serve", *ports)
        said = self.process.stdout.readline().strip()
        if said != "ready":
            raise RuntimeError(f"stream serve at {who}: {said}")

    def arrived(self):
        """{(proto, port, peer): Arrived}, Mbit/s of IP bytes."""
        self.process.send_signal(signal.SIGTERM)
        found = {}
        for line in self.process.communicate()[0].splitlines():
            proto, port, peer, size, packets, seconds = line.split()
            rate = int(size) * 8 / float(seconds) / 1e6 if float(seconds) > 0 else 0.0
            found[proto, int(port), peer] = Arrived(rate, float(seconds), int(packets))
        return found


def together(s, seconds, sends, ports, to, address):
    """sends: (who, proto, port, mbit) side by side towards `to`; {(proto, port, who): Arrived}."""
    meter = Meter(s, to, sorted(set(ports)))
    at = {w["address"]: w["name"] for w in s.plan["workloads"]}
    senders = [run(s, who, "send", proto, address, port, seconds, mbit) for who, proto, port, mbit in sends]
    said = [p.communicate()[0].strip() for p in senders]
    failed = [text for p, text in zip(senders, said) if p.returncode]
    found = {(proto, port, at.get(peer, peer)): a for (proto, port, peer), a in meter.arrived().items()}
    if failed:
        raise RuntimeError("; ".join(failed))
    return found


def asked(process):
    """What `stream ask` said, milliseconds."""
    out = process.communicate()[0].split()
    if process.returncode or len(out) != 6:
        raise RuntimeError(f"stream ask: {' '.join(out)}")
    return Asked(int(out[0]), int(out[1]), float(out[2]), *(int(v) / 1000 for v in out[3:]))


def seen_on(port):
    """What a frames.Port caught, parsed: IPv4 only."""
    found = []
    for vlan, data in port.caught():
        at = 14
        if data[12:14] == b"\x81\0":
            vlan, at = int.from_bytes(data[14:16], "big") & 0xfff, 18
        if data[at - 2:at] != b"\x08\0":
            continue
        ip = data[at:]
        head, frag = (ip[0] & 15) * 4, int.from_bytes(ip[6:8], "big") & 0x3fff
        first = not frag & 0x1fff
        found.append(Wire(vlan, ip[1], ip[9], ".".join(map(str, ip[12:16])), ".".join(map(str, ip[16:20])),
                          int.from_bytes(ip[head:head + 2], "big") if first else None,
                          int.from_bytes(ip[head + 2:head + 4], "big") if first else None, bool(frag), int.from_bytes(ip[2:4], "big")))
    return found


def settle(s):
    """Queues and clocks of the run before are empty by then."""
    del s
    time.sleep(0.3 * SLOW)

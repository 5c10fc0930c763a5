# SPDX-License-Identifier: GPL-2.0
"""The kernel's tables of a node as bpftool dumps them, read by the layout of maps/nat.h, and changed as time would.

It must never be asked what is right; only what is there.
"""
import collections
import json
import socket
import struct

Outside = collections.namedtuple("Outside", "eip port proto inside inside_port vpc created seen state key value")
BOUND, RESTS = 0, 1
TICK = 1 << 20  # ns


def pinned(s, node, name):
    return f"{s.pins}-{node}/maps/{name}"


def dump(s, node, name):
    """[(key, value)] as bytes."""
    run = s.on_node(node, "bpftool", "-j", "map", "dump", "pinned", pinned(s, node, name))
    if run.returncode:
        raise RuntimeError(f"bpftool: {run.stdout.strip()} {run.stderr.strip()}")
    return [(octets(row["key"]), octets(row["value"])) for row in json.loads(run.stdout)]


def octets(words):
    return bytes(int(word, 16) for word in words)


def hexes(data):
    return "hex " + " ".join(f"{b:02x}" for b in data)


def batch(s, node, lines):
    path = f"{s.folder}/batch-{node}"
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))
    run = s.on_node(node, "bpftool", "batch", "file", path)
    if run.returncode:
        raise RuntimeError(f"bpftool batch: {run.stderr.strip()[-300:]}")


def outsides(s, node):
    """Every mapping of the node."""
    found = []
    for key, value in dump(s, node, "sl_outside"):
        eip, port, proto, _ = struct.unpack("!4sHBB", key)
        addr, _, _, inside_port, _ = struct.unpack("!4s4s4sHH", value[:16])
        vpc, _, _, created, seen, state = struct.unpack("=HBBIIB", value[16:29])
        found.append(Outside(socket.inet_ntoa(eip), port, proto, socket.inet_ntoa(addr), inside_port, vpc, created, seen,
                             state, key, value))
    return found


def older(s, node, rows, seconds):
    """As if these mappings had last been used, or given back, so much earlier."""
    lines = []
    for row in rows:
        value = row.value[:24] + struct.pack("=I", (row.seen - seconds * 1000000000 // TICK) & 0xffffffff) + row.value[28:]
        lines.append(f"map update pinned {pinned(s, node, 'sl_outside')} key {hexes(row.key)} value {hexes(value)} exist")
    batch(s, node, lines)


def lose_flows(s, node, wanted):
    """Takes away the flows whose key `wanted` says yes to; how many there were."""
    count = 0
    for name in ("sl_flow", "sl_unanswered"):
        keys = [key for key, _ in dump(s, node, name) if wanted(key)]
        count += len(keys)
        if keys:
            batch(s, node, [f"map delete pinned {pinned(s, node, name)} key {hexes(key)}" for key in keys])
    return count

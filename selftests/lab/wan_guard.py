# SPDX-License-Identifier: GPL-2.0
"""What must not be on a WAN in clear, and to whom the tunnel's port is open: frames by hand, in and out, every uplink.

    wan_guard.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR     LAB_ONLY names the scenarios

In the namespaces of wan.sh. Prints "ok" and "not ok" lines.
"""
import errno
import json
import os
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import frames as f  # noqa: E402
from seen import Listener  # noqa: E402
from stage import FAST, PATIENT, QUIET, Stage, until  # noqa: E402

W1, W1_SPARE, W2, E1, E2, STRANGER = "192.0.2.10", "198.18.0.10", "192.0.2.11", "198.51.100.10", "198.51.100.11", "203.0.113.200"
WIREGUARD, SYN = 51820, 2
# A node, its uplink, its address there, the segment; and an address of its own cluster and one of the other's.
UPLINKS = (("w1", "eth0", W1, "west"), ("w1", "eth1", W1_SPARE, "spare"), ("w2", "eth0", W2, "west"),
           ("e1", "eth0", E1, "east"), ("e2", "eth0", E2, "east"))
if FAST:  # a gateway's two, and a node that is none
    UPLINKS = UPLINKS[:2] + UPLINKS[4:]


def inject(s, segment, node, interface, packets):
    """From the router's place, to the node's MAC."""
    port = f.Port(s.ns, "wan", segment)
    for packet in packets:
        port.send(f.eth(s.mac(node, interface), port.mac, 0x800, packet))
    port.sock.close()


def abroad(node):
    """(own prefixes' addresses, the other cluster's) as the node sees it."""
    west = ("192.168.106.11", "192.168.102.11", "10.16.1.1", "10.233.0.10")
    east = ("10.17.16.11", "10.17.14.21", "10.17.200.1", "10.233.64.10")
    return (west, east) if node[0] == "w" else (east, west)


def clear_packets(node, address):
    own, other = abroad(node)
    return ([f.tcp(other[0], own[0], 40000, 5432, SYN), f.udp(other[1], own[0], 40000, 9101, b"in clear"),
             f.icmp(other[0], own[0], 8, b"in clear"), f.tcp(other[2], address, 40000, 22, SYN),
             f.udp(other[3], address, 40000, 53, b"in clear"), f.udp(STRANGER, other[0], 40000, 9101, b"to the other")])


def heard(listeners, wanted=0):
    """Senders that any of these raw sockets heard of our ports; waits for as many as there should be."""
    found = []

    def enough():
        for listener in listeners:
            found.extend(address for address, data in listener.heard() if len(data) > 8 and struct.unpack("!H", data[:2])[0] in (40000, 40001))
        return len(found) >= wanted
    until(enough)
    return found


def open_to_all(s):
    """Without sluice the same frames reach the node's stack: whoever listens hears them."""
    for node, interface, address, segment in UPLINKS:
        listeners = [Listener(s, node, p) for p in (6, 17)]
        inject(s, segment, node, interface, clear_packets(node, address)[3:5] + between(node, address)[:2])
        found = heard(listeners, 4)
        s.say(f"without sluice frames in clear reach {node} {interface}", len(found) < 4 and f"{len(found)} of 4 heard")
        for listener in listeners:
            listener.close()


def clear(s):
    """The clusters' prefixes in clear from the WAN, on every uplink of every node."""
    for node, interface, address, segment in UPLINKS:
        listeners = [Listener(s, node, p) for p in (6, 17)]
        packets, before = clear_packets(node, address), s.dropped(node)
        inject(s, segment, node, interface, packets)
        time.sleep(QUIET)
        count = s.grown(before, "plaintext_wan", len(packets), node)
        found = heard(listeners)
        s.say(f"clear: in on {node} {interface}, counted as plaintext_wan", count != len(packets) and f"{count} of {len(packets)}")
        s.say(f"clear: in on {node} {interface}, the stack hears nothing", found and f"from {found}")
        for listener in listeners:
            listener.close()
    for node, interface, address, segment in UPLINKS:
        port, before = f.Port(s.ns, node, interface), s.dropped(node)
        own, other = abroad(node)
        packets = [f.udp(own[0], other[0], 40000, 9101, b"out"), f.tcp(address, other[2], 40000, 22, SYN), f.icmp(address, other[3], 8, b"out")]
        for packet in packets:
            send_out(port, f.eth(s.mac("wan", segment), port.mac, 0x800, packet))
        port.sock.close()
        count = s.grown(before, "plaintext_wan", len(packets), node)
        s.say(f"clear: out of {node} {interface}, counted as plaintext_wan", count != len(packets) and f"{count} of {len(packets)}")


def send_out(port, frame):
    try:
        port.send(frame)
    except OSError as e:
        if e.errno != errno.ENOBUFS:  # that is what a drop on the way out looks like
            raise


def between(node, address):
    """Databases and tunnels between gateways, outside the tunnel, towards `address` of `node`."""
    peer = E1 if node[0] == "w" else W1
    return [f.udp(peer, address, 40000, 6081, b"geneve..")] + [f.tcp(peer, address, 40000, p, SYN) for p in (6645, 6646, 2379, 2380)] + \
        [f.tcp(peer, address, 6645, 40001, 0x12), f.udp(peer, address, 40000, 2379, b"database")]


def outside_tunnel(s):
    """OVN-IC, Geneve and etcd between the clusters' nodes: not in clear; their neighbours in number pass."""
    for node, interface, address, segment in UPLINKS:
        listeners = [Listener(s, node, p) for p in (6, 17)]
        packets, before = between(node, address), s.dropped(node)
        inject(s, segment, node, interface, packets)
        time.sleep(QUIET)
        count = s.grown(before, "plaintext_wan", len(packets), node)
        found = heard(listeners)
        s.say(f"between gateways: databases and Geneve in on {node} {interface}, counted as plaintext_wan", count != len(packets) and f"{count} of {len(packets)}")
        s.say(f"between gateways: databases and Geneve in on {node} {interface}, the stack hears nothing", found and f"from {found}")
        peer = E1 if node[0] == "w" else W1
        if interface == "eth0" and node in ("w1", "e1"):
            inject(s, segment, node, interface, [f.tcp(peer, address, 40000, 6644, SYN), f.udp(peer, address, 40000, 6082, b"other")])
            time.sleep(QUIET)
            found = heard(listeners, 2)
            s.say(f"between gateways: tcp/6644 and udp/6082 reach {node}", len(found) != 2 and f"{len(found)} of 2")
        for listener in listeners:
            listener.close()
    for node, interface, address, segment in UPLINKS:
        peer = E1 if node[0] == "w" else W1
        port, before = f.Port(s.ns, node, interface), s.dropped(node)
        packets = [f.udp(address, peer, 40000, 6081, b"geneve..")] + [f.tcp(address, peer, 40000, p, SYN) for p in (6645, 6646, 2379, 2380)]
        for packet in packets:
            send_out(port, f.eth(s.mac("wan", segment), port.mac, 0x800, packet))
        port.sock.close()
        count = s.grown(before, "plaintext_wan", len(packets), node)
        s.say(f"between gateways: databases and Geneve out of {node} {interface}, counted as plaintext_wan", count != len(packets) and f"{count} of {len(packets)}")


def ends(s):
    """The gateways' own addresses in the tunnel."""
    found = {}
    for node in ("w1", "e1"):
        run = s.inside(node, "ip", "-j", "-4", "address", "show", "wg0")
        found[node] = json.loads(run.stdout)[0]["addr_info"][0]["local"]
    return found


def inside_tunnel(s):
    """What joins the databases of the clusters goes through the tunnel."""
    at = ends(s)
    for who, to in (("w1", "e1"), ("e1", "w1")):
        for port in (6645, 6646):
            with s.ns.inside(to):
                server = socket.create_server((at[to], port))
            server.settimeout(PATIENT)
            trouble = None
            try:
                with s.ns.inside(who):
                    client = socket.create_connection((at[to], port), PATIENT)
                server.accept()[0].close()
                client.close()
            except OSError as e:
                trouble = str(e)
            s.say(f"inside the tunnel: {who} reaches tcp/{port} of {to}", trouble)
            server.close()


def peers(s):
    """The tunnel's port: gateways with their peers only."""
    data = b"\4" + b"\0" * 63
    for node, interface, address, segment in UPLINKS:
        peer = E1 if node[0] == "w" else W1
        sources = [STRANGER] if node in ("w1", "e1") else [STRANGER, peer]
        if interface == "eth1":
            sources = [STRANGER]
        listener = Listener(s, node, 17)
        before = s.dropped(node)
        inject(s, segment, node, interface, [f.udp(a, address, 40000, WIREGUARD, data) for a in sources])
        time.sleep(QUIET)
        count = s.grown(before, "wan_peer", len(sources), node)
        found = heard([listener])
        s.say(f"peers: in on {node} {interface} from {' and '.join(sources)}: wan_peer", count != len(sources) and f"{count} of {len(sources)}")
        s.say(f"peers: in on {node} {interface}, the stack hears nothing", found and f"from {found}")
        listener.close()
        port, before = f.Port(s.ns, node, interface), s.dropped(node)
        for a in sources:
            send_out(port, f.eth(s.mac("wan", segment), port.mac, 0x800, f.udp(address, a, WIREGUARD, 40000, data)))
        port.sock.close()
        count = s.grown(before, "wan_peer", len(sources), node)
        s.say(f"peers: out of {node} {interface} to {' and '.join(sources)}: wan_peer", count != len(sources) and f"{count} of {len(sources)}")
    for node, peer, segment in (("w1", E1, "west"), ("e1", W1, "east")):
        address = W1 if node == "w1" else E1
        listener = Listener(s, node, 17)
        inject(s, segment, node, "eth0", [f.udp(peer, address, 40000, WIREGUARD, data)])
        time.sleep(QUIET)
        found = heard([listener], 1)
        s.say(f"peers: in on {node} from its peer passes", len(found) != 1 and f"{len(found)} heard")
        listener.close()


SCENARIOS = {"open": open_to_all, **{fn.__name__: fn for fn in (clear, outside_tunnel, inside_tunnel, peers)}}


def main():
    stage = Stage(sys.argv, "wan")
    for name in os.environ["LAB_ONLY"].split():
        stage.scenario(SCENARIOS[name])
    return stage.failed


sys.exit(main())

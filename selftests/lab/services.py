# SPDX-License-Identifier: GPL-2.0
"""Connections through VIPs: who gets them, what changes of the plan do to them, who is let in.

    services.py LAB PLAN SLUICE PINS_PREFIX LAB_DIR

Real clients and servers (crowd.py, servers.py) in the namespaces of services.sh. Prints "ok" and "not ok" lines.
"""
import json
import os
import socket
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from crowd import Crowd, errors, speak  # noqa: E402
from probe import many_files  # noqa: E402
from stage import CLIENT, FAST, PATIENT, QUIET, SLOW, VIP, Stage  # noqa: E402

NEW, HELD, AGAIN, SYNS = (2000, 300, 500, 20000) if FAST else (30000, 10000, 5000, 2000000)
FIRST, FIRST_HELD = 10000, 42000  # source ports
HELLO = (VIP, 9000)
FAR = [f"203.0.113.{i}" for i in range(10, 26)]


def backends(s, service):
    address = {w["address"]: w["name"] for w in s.plan["workloads"]}
    return {address[b["address"]]: b.get("weight", 1) for b in s.plan["services"][service]["backends"]}


def strangers(connections):
    """Clients other than the real one that a backend has seen."""
    return sorted({c.seen for c in connections if c.seen and c.seen != CLIENT})


def count(connections):
    found = {}
    for c in connections:
        if c.name:
            found[c.name] = found.get(c.name, 0) + 1
    return found


def all_answered(connections, wanted):
    bad = [c for c in connections if c.error]
    return f"{len(bad)} of {len(connections)} failed: {errors(bad)}; answered by {count(connections)}" if bad else \
        None if len(connections) == wanted else f"only {len(connections)} of {wanted} tried"


def spread(s):
    """New connections by weight; removing a backend and putting it back breaks no other; then a flood."""
    crowd, weights = Crowd(s.ns, "client"), backends(s, "hello")
    everything = sum(weights.values())
    made = crowd.connect(HELLO, range(FIRST, FIRST + NEW), 60 * SLOW)
    s.say(f"{NEW} new connections answered", all_answered(made, NEW))
    s.say("every backend saw the client's own address", set(count(made)) != set(weights) and f"only {sorted(count(made))} answered"
          or ", ".join(strangers(made)))
    shares, off = count(made), 0.0
    for name, weight in weights.items():
        off = max(off, abs(shares.get(name, 0) / max(1, NEW) * everything / weight - 1))
    text = " ".join(f"{n}:{shares.get(n, 0)}" for n in weights)
    # Fewer connections have more chance in them: 5 % of the weight, as promised, needs all 30,000.
    s.say(f"shares within {12 if FAST else 5} % of the weights ({text}, off by {100 * off:.1f} %)",
          off > (0.12 if FAST else 0.05) and text)

    held = crowd.connect(HELLO, range(FIRST_HELD, FIRST_HELD + HELD), 60 * SLOW, hold=True)
    s.say(f"{HELD} long-lived connections", all_answered(held, HELD))
    held = [c for c in held if not c.error]
    broken = speak(held, PATIENT)
    s.say("all of them speak", errors(broken) if broken else not held and "none is there")
    held = [c for c in held if not c.error]

    gone, address = "web-2", "10.100.0.154"
    plan = s.variant()
    plan["services"]["hello"]["backends"] = [b for b in plan["services"]["hello"]["backends"] if b["address"] != address]
    datagrams = talk_to(s, gone)
    lost = [c.port for c in crowd.connect(HELLO, range(5000, 5300), 60 * SLOW, hold=True) if c.name == gone and c.vanish()]
    s.apply(plan)
    stay = [c for c in held if c.name != gone]
    broken = speak(stay, PATIENT)
    s.say(f"a backend is removed: none of the {len(stay)} connections to the others breaks", broken and errors(broken))
    cut = [c for c in held if c.name == gone]
    broken = speak(cut, PATIENT)
    right = sum(c.error in ("ECONNRESET", "EPIPE") for c in broken)
    s.say(f"a backend is removed: its {len(cut)} connections are reset at the next packet",
          (right != len(cut) or not cut) and f"{right} of {len(cut)}; {errors(cut)}")
    s.say("a backend is removed: its datagrams find another", moved(datagrams, gone))
    anew = crowd.connect(HELLO, lost, patience=PATIENT)
    s.say(f"a backend is removed: {len(lost)} clients that have lost their connections to it find another",
          not lost and "there was none" or all_answered(anew, len(lost)) or gone in count(anew) and f"{gone} still gets some")
    before = {c.port: c.name for c in made}
    again = crowd.connect(HELLO, range(FIRST, FIRST + AGAIN), 60 * SLOW)
    differ = sum(c.name != before[c.port] for c in again)
    s.say(f"a backend is removed: {100 * differ / AGAIN:.0f} % of new connections land differently (at most 40 %)",
          all_answered(again, AGAIN) or (gone in count(again) and f"{gone} still gets some") or
          (differ > 0.4 * AGAIN and f"{differ} of {AGAIN}"))
    for c in cut:
        c.close()
    s.apply(s.plan)
    broken = speak(stay, PATIENT)
    s.say(f"it is put back: none of {len(stay)} breaks", broken and errors(broken))
    again = crowd.connect(HELLO, range(FIRST, FIRST + AGAIN), 60 * SLOW)
    differ = sum(c.name != before[c.port] for c in again)
    s.say("it is put back: new connections land as before", all_answered(again, AGAIN) or differ and f"{differ} of {AGAIN}")
    held = [c for c in stay if not c.error]
    more = crowd.connect(HELLO, range(FIRST_HELD + HELD, FIRST_HELD + 2 * HELD - len(held)), 60 * SLOW, hold=True)
    held += [c for c in more if not c.error]
    flood(s, crowd, held)
    for c in held:
        c.close()


def talk_to(s, name):
    """A datagram socket whose VIP chose `name`."""
    for port in range(20000, 20100):
        with s.ns.inside("client"):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((CLIENT, port))
        sock.connect((VIP, 9001))
        sock.settimeout(PATIENT)
        sock.send(b"who")
        if sock.recv(200).decode().split()[0] == name:
            return sock
        sock.close()
    raise RuntimeError(f"no datagram of 100 went to {name}")


def moved(sock, name):
    for _ in range(3):  # the first may be spent on the change
        try:
            sock.send(b"who")
            answer = sock.recv(200).decode().split()
            return None if answer[0] != name else f"{name} still answers"
        except TimeoutError:
            continue
    return "no answer any more"


def flows(s, what):
    return json.loads(s.on_node("worker-2", s.sluice, "status", "--json").stdout)["stats"][f"flows_{what}"]


def flood(s, crowd, held):
    begin, promoted, met, mac = flows(s, "created"), flows(s, "promoted"), 0, s.mac("worker-2", "enp0s31f6")
    for _ in range(20):  # a slow machine loses some before anybody has judged them
        run = s.inside("router", f"{HERE}/../../build/lab/flood", "eth0", mac, VIP, str(HELLO[1]), str(SYNS - met))
        if run.returncode:
            raise RuntimeError(run.stderr.strip())
        met = flows(s, "created") - begin
        if met >= SYNS:
            break
    promoted = flows(s, "promoted") - promoted
    s.say(f"{SYNS} SYNs from random sources were judged", met < SYNS and f"only {met}")
    s.say("answered or not, they stay among the unanswered", promoted >= SYNS / 50 and f"{promoted} were promoted")
    broken = speak(held, PATIENT)
    s.say(f"{SYNS} SYNs from random sources: none of {len(held)} connections breaks",
          broken and errors(broken) or len(held) < HELD and f"only {len(held)} were left to be tried")
    wanted = 200 if FAST else 1000
    made = crowd.connect(HELLO, range(FIRST, FIRST + wanted), 2 * PATIENT)
    s.say(f"{wanted} new connections after them", all_answered(made, wanted))


def sources(s):
    to = (VIP, 9101)
    good = Crowd(s.ns, "client", CLIENT).connect(to, [0] * 20)
    s.say("sources: an allowed client", all_answered(good, 20))
    for what, source in (("denied inside an allowed prefix", "88.99.218.48"), ("outside the list", FAR[0])):
        before = s.dropped()
        bad = Crowd(s.ns, "client", source).connect(to, [0] * 5, patience=QUIET)
        grown = s.grown(before, "service_source", 5)
        s.say(f"sources: a client {what} does not get in", any(not c.error for c in bad) and "it was answered" or
              grown < 5 and f"only {grown} of 5 counted as service_source")
    other = Crowd(s.ns, "client", FAR[0]).connect(HELLO, [0] * 5)
    s.say("sources: other services do not mind", all_answered(other, 5))


def limits(s):
    # A second's worth at once, then what flows in while they try, however long that takes.
    def crowded(what, clients, port, tried, rate):
        begin = time.monotonic()
        got = Crowd(s.ns, "client", *clients).connect((VIP, port), [0] * tried, patience=0.7 * SLOW, width=tried)
        most = rate * (time.monotonic() - begin + 1) + 2
        passed = sum(not c.error for c in got)
        s.say(f"limit: {what}: {passed} of {tried} get in where {rate} a second are allowed",
              not 0.8 * rate <= passed <= most and f"{passed}, at most {most:.0f}")

    time.sleep(1.2)  # whoever came before
    crowded("one source", [CLIENT], 9102, 60, 10)
    before = sum(s.drops("service_limit").values())
    other = Crowd(s.ns, "client", FAR[1]).connect((VIP, 9102), [0] * 10, patience=PATIENT)
    refused = sum(s.drops("service_limit").values()) - before
    s.say("limit: another source has its own", all_answered(other, 10) or refused and f"{refused} counted as service_limit")
    crowded("six sources together", FAR[:6], 9103, 90, 20)
    time.sleep(1.2)
    calm = Crowd(s.ns, "client", CLIENT).connect((VIP, 9102), [0] * 5) + \
        Crowd(s.ns, "client", CLIENT).connect((VIP, 9103), [0] * 5)
    s.say("limit: after a second new ones are let in", all_answered(calm, 10))
    s.say("limit: drops are counted as service_limit", not sum(s.drops("service_limit").values()) and "none")


def drain(s):
    crowd, to = Crowd(s.ns, "client"), (VIP, 9105)
    held = crowd.connect(to, [0] * 100, hold=True)
    s.say("drain: 100 connections before", all_answered(held, 100))
    plan = s.variant()
    plan["services"]["draining"]["backends"][1]["state"] = "drain"
    s.apply(plan)
    on = sum(c.name == "web-2" for c in held)
    broken = speak([c for c in held if not c.error])
    s.say(f"drain: connections stay, {on} of them to the drained backend",
          broken and errors(broken) or not on and "none was there")
    new = crowd.connect(to, [0] * 100)
    s.say("drain: new ones go to the other", all_answered(new, 100) or count(new).get("web-2") and str(count(new)))
    s.apply(s.plan)
    for c in held:
        c.close()


def affinity(s):
    to, where = (VIP, 9104), {}
    for source in FAR:
        got = Crowd(s.ns, "client", source).connect(to, [0] * 10)
        trouble = all_answered(got, 10)
        if trouble or len(count(got)) != 1:
            return s.say("affinity: a client stays with its backend", trouble or f"{source}: {count(got)}")
        where[source] = got[0].name
    s.say("affinity: a client stays with its backend")
    return s.say("affinity: not all with the same", len(set(where.values())) < 2 and f"all 16 with {where[FAR[0]]}")


def reused(s):
    """One client port, one backend, two ports of VIPs that mean the same port of it, one after the other."""
    failed, pairs, alike = [], 0, []
    for port in range(63001, 63021):
        last = None
        for to in (9101, 9105, 9101):
            # Patient: the same port to the same port of the VIP again is the client's own doing. What meets a socket
            # that the backend's stack is just about to bury is lost on it, and sent again after a second.
            [c] = Crowd(s.ns, "client").connect((VIP, to), [port], patience=PATIENT)
            if c.error or c.seen != CLIENT:
                failed.append((port, to, c.error or c.seen))
            elif last and last.name == c.name and to == 9105:
                pairs += 1
                alike += [port] if c.seen_port == last.seen_port else []
            last = c
    s.say("a client's port is used again for another port of the VIP", failed and f"{len(failed)} of 60: {failed[:3]}")
    s.say(f"a client's port is used again: the backend can tell all {pairs} from those before",
          alike and f"not those from {alike}" or not pairs and "no backend was met twice")
    # And at the same time: half of these pairs have the same backend.
    ports = range(63101, 63121)
    held = Crowd(s.ns, "client").connect((VIP, 9101), ports, PATIENT, hold=True) + \
        Crowd(s.ns, "client").connect((VIP, 9105), ports, PATIENT, hold=True)
    s.say("a client's port is used for two ports of the VIP at once", all_answered(held, 40) or
          ", ".join(strangers(held)))
    broken = speak([c for c in held if not c.error])
    s.say("a client's port is used for two ports of the VIP at once: both speak", broken and errors(broken))
    for c in held:
        c.close()


def datagram_error(s, port, seconds):
    with s.ns.inside("client"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((VIP, port))
    sock.settimeout(seconds)
    try:
        sock.send(b"anybody")
        return f"answered {sock.recv(100)!r}"
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "nothing"
    finally:
        sock.close()


def empty(s):
    crowd, before = Crowd(s.ns, "client"), s.dropped("worker-2")
    got = crowd.connect((VIP, 9106), [0] * 10, patience=PATIENT)
    s.say("on_empty reset: refused at once", sum(c.error == "ECONNREFUSED" for c in got) != 10 and errors(got))
    answer = datagram_error(s, 9106, PATIENT)
    s.say("on_empty reset: a datagram is told port unreachable", answer != "refused" and answer)
    got = crowd.connect((VIP, 9107), [0] * 10, patience=QUIET)
    s.say("on_empty drop: silence", sum(c.error == "ETIMEDOUT" for c in got) != 10 and errors(got))
    answer = datagram_error(s, 9107, QUIET)
    s.say("on_empty drop: silence for datagrams", answer != "nothing" and answer)
    met = s.grown(before, "service_empty", 22, "worker-2")
    s.say("on_empty: all of it is counted as service_empty", met < 22 and f"only {met} of 22")


def elsewhere(s):
    """Clients that are no strangers: pods, the backend itself, the nodes, a host on ext-cloud; other VIPs."""
    address = {w["name"]: w["address"] for w in s.plan["workloads"]}
    node = {n: s.plan["clusters"]["kube-dc"]["nodes"][n]["addresses"][0] for n in s.nodes}
    hello, pair = set(backends(s, "hello")), {"web-1", "web-2"}
    for what, who, to, seen, wanted in (
            ("east-west: a pod beside the VIP's node", "envoy-1", HELLO, address["envoy-1"], hello),
            ("east-west: a pod of the other node", "envoy-2", HELLO, address["envoy-2"], hello),
            ("east-west: a pod of the VPC to its EIP", "app-2", ("100.65.0.112", 80), address["app-2"], {"app-1"}),
            ("east-west: a pod to a VIP of the other node", "envoy-1", ("88.99.29.240", 9000), address["envoy-1"], pair),
            ("a node as client of the other's VIP", "worker-1", HELLO, node["worker-1"], hello),
            ("a node as client of an EIP that it owns", "worker-1", ("100.65.0.120", 9000), node["worker-1"], pair),
            ("a node as client of an EIP of the other", "worker-2", ("100.65.0.120", 9000), node["worker-2"], pair),
            ("the outside to a VIP that is nobody's own address", "client", ("88.99.29.240", 9000), CLIENT, pair),
            ("ext-cloud to an EIP, backends of another VPC", "ext", ("100.65.0.112", 80), "100.65.0.1", {"app-1", "app-2"}),
            ("ext-cloud to an EIP of the default VPC", "ext", ("100.65.0.120", 9000), "100.65.0.1", pair)):
        got = Crowd(s.ns, who).connect(to, [0] * 60, PATIENT)
        # A client that is its own backend cannot be seen as itself: it would not take the packet.
        others = {c.seen for c in got if c.seen and c.name != who} - {seen}
        s.say(f"{what}", all_answered(got, 60) or others and f"seen as {others}" or
              not wanted <= set(count(got)) and f"only {sorted(count(got))} answered")
    for name in ("web-1", "web-2"):
        got = Crowd(s.ns, name).connect(HELLO, [0] * 60, PATIENT)
        s.say(f"hairpin: {name} through the VIP to itself and others", all_answered(got, 60) or
              not hello <= set(count(got)) and f"only {sorted(count(got))} answered")
    got = Crowd(s.ns, "app-1").connect(HELLO, [0] * 5, patience=QUIET)
    s.say("a pod of another VPC is kept out", any(not c.error for c in got) and "it was answered")


def host(s):
    """A port of the shared address that no service has is the node's."""
    with s.ns.inside("worker-2"):
        listener = socket.create_server((VIP, 2222))
    with s.ns.inside("client"):
        client = socket.create_connection((VIP, 2222), PATIENT)
    server, peer = listener.accept()
    server.sendall(b"host")
    said = client.recv(10)
    s.say("a port without a service is the node's own", (said != b"host" or peer[0] != CLIENT) and f"{said!r} {peer}")
    for sock in (client, server, listener):
        sock.close()


def datagrams(s, wanted, family=socket.AF_INET, connected=False):
    """Whoever answered a datagram of worker-2's to its own address, or what went wrong."""
    vip, answered = ("::ffff:" if family == socket.AF_INET6 else "") + VIP, set()
    for _ in range(wanted):
        with s.ns.inside("worker-2"):
            sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.settimeout(PATIENT)
        try:
            if connected:
                sock.connect((vip, 9001))
                sock.send(b"who")
                peer = sock.getpeername()
            else:
                sock.sendto(b"who", (vip, 9001))
            line, sender = sock.recvfrom(200)
        except OSError as e:
            return answered, f"{type(e).__name__} {e}"
        finally:
            sock.close()
        name, seen = line.decode().split()[:2]
        answered.add(name)
        if seen != VIP or sender[:2] != (vip, 9001) or (connected and peer[:2] != (vip, 9001)):
            return answered, f"seen as {seen}, from {sender}"
    return answered, None


def own(s):
    """A node as client of services on its own address: its sockets are led past its own stack."""
    hello = set(backends(s, "hello"))
    got = Crowd(s.ns, "worker-2").connect(HELLO, [0] * 60, PATIENT, hold=True)
    peers = {c.sock.getpeername() for c in got if not c.error}
    others = {c.seen for c in got if c.seen} - {VIP}
    s.say("a node as client of its own VIP", all_answered(got, 60) or others and f"seen as {others}" or
          not hello <= set(count(got)) and f"only {sorted(count(got))} answered")
    s.say("a node as client of its own VIP: the VIP is its peer", peers != {HELLO} and str(peers))
    broken = speak([c for c in got if not c.error])
    s.say("a node as client of its own VIP: connections speak", broken and errors(broken))
    for c in got:
        c.close()
    with s.ns.inside("worker-2"):
        sock = socket.socket(socket.AF_INET6)
    sock.settimeout(PATIENT)
    sock.connect((f"::ffff:{VIP}", 9000))
    peer, seen = sock.getpeername()[0], sock.recv(200).decode().split()[1]
    sock.close()
    s.say("a node as client of its own VIP: a socket of IPv6", (peer, seen) != (f"::ffff:{VIP}", VIP) and f"{peer} {seen}")
    for what, family, connected in (
            ("connected datagrams", socket.AF_INET, True), ("datagrams to an address", socket.AF_INET, False),
            ("connected datagrams of IPv6", socket.AF_INET6, True),
            ("datagrams to an address of IPv6", socket.AF_INET6, False)):
        answered, trouble = datagrams(s, 40, family, connected)
        s.say(f"a node as client of its own VIP: {what}", trouble or not hello <= answered and f"only {sorted(answered)}")
    got = Crowd(s.ns, "worker-2").connect((VIP, 9106), [0] * 5, patience=PATIENT)
    s.say("a node as client of its own VIP: no backend, refused", sum(c.error == "ECONNREFUSED" for c in got) != 5 and
          errors(got))
    got = Crowd(s.ns, "web-1").connect((alias(s), 9000), [0] * 3, patience=0.7 * SLOW) + \
        Crowd(s.ns, "client").connect((alias(s), 9000), [0] * 3, patience=0.7 * SLOW)
    s.say("the alias of a VIP is only for the node's own", any(not c.error for c in got) and "it was answered")
    with s.ns.inside("worker-2"):
        listener = socket.create_server((VIP, 2223))
        client = socket.create_connection((VIP, 2223), PATIENT)
        server, peer = listener.accept()
    s.say("a node as client of its own address: a port without a service is its own", peer[0] != VIP and str(peer))
    for sock in (client, server, listener):
        sock.close()


def itself(s):
    """A node as client of a service whose VIP and only backend are its own address."""
    plan = s.variant()
    plan["services"]["itself"] = {"vpc": "default", "address": VIP, "ports": [{"proto": "tcp", "port": 9301, "target": 2301}],
                                  "backends": [{"address": VIP, "node": "worker-2"}]}
    s.apply(plan)
    with s.ns.inside("worker-2"):
        listener = socket.create_server((VIP, 2301))
        client = socket.create_connection((VIP, 9301), PATIENT)
    listener.settimeout(PATIENT)
    server, _ = listener.accept()
    client.sendall(b"x" * 10000)
    client.shutdown(socket.SHUT_WR)
    got = 0
    while data := server.recv(65536):
        got += len(data)
    server.sendall(b"thanks")
    said = client.recv(10)
    s.say("a node as client of its own VIP and its own backend", (got != 10000 or said != b"thanks") and f"{got} {said!r}")
    for sock in (client, server, listener):
        sock.close()
    s.apply(s.plan)


def alias(s):
    """What worker-2's sockets call its address."""
    with s.ns.inside("worker-2"):
        sock = socket.create_connection(HELLO, PATIENT)
        run = s.inside("worker-2", "ss", "-Htn", f"sport = :{sock.getsockname()[1]}")
    sock.close()
    return run.stdout.split()[-1].rsplit(":", 1)[0]


def main():
    many_files()
    stage = Stage(sys.argv)
    only = os.environ.get("LAB_ONLY", "").split()
    for scenario in (spread, sources, limits, drain, affinity, reused, empty, elsewhere, own, itself, host):
        if not only or scenario.__name__ in only:
            stage.scenario(scenario)
    return stage.failed


sys.exit(main())

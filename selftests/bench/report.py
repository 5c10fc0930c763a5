#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""report.py FOLDER COMMAND: makes of FOLDER/lines/*.json a table on stdout, FOLDER/bench.json and plots.

Figures are ns a packet above the same wrapper around an empty program: the program's own, without driver and stack.
Packets per second are what one core could do if it did nothing else. ~: more than half of the runs were disturbed, by
what the empty program took.
"""
import datetime
import glob
import json
import os
import platform
import subprocess
import sys

import plot

GBE = 1.488  # Mpps of 64-byte frames on 1 Gbit/s
GBE10 = 14.88


def machine():
    """What the figures are of."""
    model = [line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8") if
             line.startswith("model name")]
    commit = subprocess.run(["git", "describe", "--tags", "--always", "--dirty"], capture_output=True, text=True,
                            check=False).stdout.strip()
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "kernel": platform.release(), "cpu": model[0] if model else "?", "cpus": os.cpu_count(), "commit": commit,
            "load": os.getloadavg()[0]}


def short(count):
    """1000 as 1 k."""
    return "%d M" % (count // 10**6) if count >= 10**6 else "%d k" % (count // 1000) if count >= 1000 else str(count)


def table(rows):
    """Lines as wide as they need to be; the first column to the left."""
    width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width[i]) if i == 0 else cell.rjust(width[i]) for i, cell in enumerate(row)).rstrip())


def figures(line):
    """The cells of a line of measurement."""
    net = line["net_ns"]
    mpps = 1000 / max(net["median"], 0.1)
    lookup = line.get("lookup_net_ns")
    noisy = "~" if 2 * line["disturbed"] > line["runs"] else ""
    return [noisy + "%.1f" % net["median"], "%.1f" % net["min"], "%.1f" % net["max"],
            "%.1f" % line["empty_ns"]["median"],
            "%.1f" % lookup["median"] if lookup else "-",
            "%.2f" % line["lookups"]["median"] if lookup else "-",
            "%.2f" % mpps, "%.1f" % (mpps / GBE), "%.2f" % (mpps / GBE10)]


HEAD = ["ns", "min", "max", "empty", "lookup ns", "lookups", "Mpps", "x 1.488", "x 14.88"]


def print_matrix(lines):
    """Paths by flows."""
    for kind, title in (("established", "established"), ("new", "first packets"), ("alone", "neither")):
        chosen = [line for line in lines if line["plan"] == "plain" and line.get("kind") == kind]
        if not chosen:
            continue
        print("\n%s" % title)
        names = list(dict.fromkeys(line["path"] for line in chosen))
        table([["path", "flows", "order"] + HEAD] +
              [[name + (" (one by one)" if line["single"] else ""), short(line["flows"]), line["traffic"]] + figures(line)
               for name in names for line in chosen if line["path"] == name])


def sized(lines, what):
    """Lines of plans WHAT-SIZE, as (size, line)."""
    found = []
    for line in lines:
        name, _, size = line["plan"].rpartition("-")
        if name == what and "path" in line:
            found.append((int(size), line))
    return sorted(found, key=lambda pair: pair[0])


def print_sizes(lines):
    """Paths by the size of the plan: one column a size."""
    for what in ("services", "networks", "prefixes", "workloads"):
        found = sized(lines, what)
        sizes = sorted({size for size, _ in found})
        if not sizes:
            continue
        print("\nns, by %s in the plan" % what)
        rows = [["path"] + [short(size) for size in sizes] + ["growth"]]
        for name in dict.fromkeys(line["path"] for _, line in found):
            of = {size: line["net_ns"]["median"] for size, line in found if line["path"] == name}
            rows.append([name] + ["%.1f" % of[size] if size in of else "-" for size in sizes] +
                        ["%.2f" % (of[sizes[-1]] / of[sizes[0]]) if len(of) > 1 and of[sizes[0]] > 0 else "-"])
        table(rows)


def print_other(lines):
    """The wrapper's own work, and the plan with quality of service."""
    wrapper = [line for line in lines if "wrapper" in line and line["plan"] == "plain"]
    if wrapper:
        print("\nthe wrapper: what it undoes after a path is part of that path's figure")
        table([["what", "ns", "above empty"]] +
              [[line["wrapper"], "%.1f" % line["ns"]["median"], "%.1f" % line["net_ns"]] for line in wrapper])
    chosen = [line for line in lines if line["plan"] == "qos" and "path" in line]
    if chosen:
        print("\na plan with quality of service, 1 k flows")
        table([["path"] + HEAD] + [[line["path"]] + figures(line) for line in chosen])


def draw(folder, lines):
    """Three plots."""
    plain = [line for line in lines if line["plan"] == "plain" and "path" in line]
    hot = [line for line in plain if line["flows"] == 1 and line["kind"] != "new" and not line["single"]]
    lookup = [line["lookup_net_ns"]["median"] for line in hot if "lookup_net_ns" in line]
    if hot:
        plot.bars(os.path.join(folder, "paths.svg"), "One flow: ns a packet above an empty program",
                  [(line["path"], line["net_ns"]) for line in hot],
                  [("67.2 ns: 10 GbE", 67.2)] + ([("one lookup", sorted(lookup)[len(lookup) // 2])] if lookup else []))
    for traffic in ("uniform", "zipf"):
        series = {}
        for line in plain:
            if line["kind"] != "established" or line["single"] or (line["flows"] > 1 and line["traffic"] != traffic):
                continue
            series.setdefault(line["path"], []).append((line["flows"], line["net_ns"]["median"]))
            if line["path"] == "isolation allow" and "lookup_net_ns" in line:
                series.setdefault("one hash lookup", []).append((line["flows"], line["lookup_net_ns"]["median"]))
        if series and max(len(points) for points in series.values()) > 1:
            plot.lines(os.path.join(folder, "flows-%s.svg" % traffic),
                       "Established, %s order: ns a packet by live flows" % traffic, "flows", series)
    for what in ("services", "networks", "prefixes", "workloads"):
        series = {}
        for size, line in sized(lines, what):
            if line["kind"] == "new":
                series.setdefault(line["path"], []).append((size, line["net_ns"]["median"]))
        if series and max(len(points) for points in series.values()) > 1:
            plot.lines(os.path.join(folder, "plan-%s.svg" % what), "First packets: ns by %s in the plan" % what, what,
                       series)


def main():
    folder, command = sys.argv[1], sys.argv[2]
    lines = []
    for name in sorted(glob.glob(os.path.join(folder, "lines", "*.json"))):
        with open(name, encoding="utf-8") as f:
            lines += [json.loads(text) for text in f]
    if not lines:
        print("report: nothing was measured", file=sys.stderr)
        return 1
    about = dict(machine(), command=command)
    print("%(date)s, %(commit)s, Linux %(kernel)s, %(cpu)s (%(cpus)d CPUs, load %(load).1f): %(command)s" % about)
    print_matrix(lines)
    print_other(lines)
    print_sizes(lines)
    with open(os.path.join(folder, "bench.json"), "w", encoding="utf-8") as f:
        json.dump({"about": about, "lines": lines}, f, indent=1)
        f.write("\n")
    draw(folder, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())

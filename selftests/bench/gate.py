#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""gate.py [--write] KERNEL MEASURED: instructions a packet, as `bench` has measured them where a nanosecond is an
instruction, against baseline-KERNEL.json beside this file.

A path that takes over 3 % more than its baseline fails; so does one that takes over 3 % less, until the baseline says
so: what was won is then held. --write makes MEASURED the baseline; figures that differ by less than half a per cent
stay as they were. Where the kernel or the compiler is another than the baseline's, the figures say nothing about the
paths: that is skipped.
"""
import argparse
import json
import os
import re
import subprocess
import sys

LIMIT = 0.03
STAYS = 0.005
ROUNDING = 2  # instructions: 3 % of the shortest paths is no more than what rounding makes of them

args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
args.add_argument("--write", action="store_true")
args.add_argument("kernel")
args.add_argument("measured", help="lines of JSON, among others")


def measured_of(path):
    """What was measured, by plan and path: the best run of the door less the best of the empty program."""
    found = {}
    with open(path, encoding="utf-8", errors="replace") as f:
        for text in f:
            if not text.startswith("{"):
                continue
            line = json.loads(text)
            if "path" in line:
                found.setdefault(line["plan"], {})[line["path"]] = round(line["least_net_ns"])
    return found


def made_by():
    """Who else has a say in the figures."""
    said = subprocess.run(["clang", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"version (\S+)", said)
    return "clang " + (version.group(1) if version else "?")


def about(kernel):
    """The same of this measurement."""
    package = subprocess.run(["scripts/vm", kernel], capture_output=True, text=True, check=False).stdout.strip()
    return {"kernel": package, "compiler": made_by()}


def read(path):
    """The baseline; empty where there is none."""
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def write(path, found, old, of):
    """One figure a line."""
    for plan, paths in found.items():
        for name, count in paths.items():
            was = old.get(plan, {}).get(name)
            if was and abs(count - was) <= max(STAYS * was, ROUNDING):
                paths[name] = was
    with open(path, "w", encoding="utf-8") as f:
        json.dump(dict(of, **found), f, indent=1)
        f.write("\n")


def compare(kernel, found, old):
    """A line for each path; whether all of them are good."""
    good = True
    for plan in sorted(set(found) | set(old) - {"kernel", "compiler"}):
        now, then = found.get(plan, {}), old.get(plan, {})
        for name in list(now) + [name for name in then if name not in now]:
            what = "bench-%s %s: %s" % (kernel, plan, name)
            if name not in now:
                print("not ok %s: not measured, but in the baseline" % what)
            elif name not in then:
                print("not ok %s: %d instructions, no baseline: scripts/bench --gate --write" % (what, now[name]))
            elif abs(now[name] - then[name]) <= max(LIMIT * then[name], ROUNDING):
                print("ok %s: %d instructions, baseline %d" % (what, now[name], then[name]))
                continue
            else:
                change = "%d instructions instead of %d (%+.1f %%)" % (
                    now[name], then[name], 100 * (now[name] / then[name] - 1))
                print("not ok %s: %s%s" % (what, change, "" if now[name] > then[name] else
                                           ": lower the baseline: scripts/bench --gate --write"))
            good = False
    return good


def main():
    a = args.parse_args()
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline-%s.json" % a.kernel)
    found, old, of = measured_of(a.measured), read(path), about(a.kernel)
    if not found:
        print("not ok bench-%s: nothing was measured" % a.kernel)
        return 1
    if a.write:
        write(path, found, old, of)
        print("ok bench-%s: %s written, %d figures" % (a.kernel, os.path.relpath(path), sum(map(len, found.values()))))
        return 0
    for key, value in of.items():
        if old and old.get(key) != value:
            print("skip bench-%s: the baseline is of %s %s, this is %s: scripts/bench --gate --write" % (
                a.kernel, key, old.get(key), value))
            return 0
    return not compare(a.kernel, found, old)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-2.0
"""Plots as SVG, from nothing but the standard library: bars with whiskers, and lines over a logarithmic axis."""
from html import escape
from math import log

COLOURS = ["#3366cc", "#dc3912", "#ff9900", "#109618", "#990099", "#0099c6", "#dd4477", "#66aa00", "#b82e2e", "#316395",
           "#994499", "#22aa99", "#aaaa11", "#6633cc", "#e67300", "#8b0707", "#651067", "#329262", "#5574a6", "#3b3eac"]
FONT = 'font-family="sans-serif" font-size="12"'


def step(most):
    """A round distance of at most ten marks."""
    size, factors = 1, (2, 2.5, 2)
    while most / size > 10:
        size *= factors[0]
        factors = factors[1:] + factors[:1]
    return size


def write(path, width, height, parts):
    """The file."""
    with open(path, "w", encoding="utf-8") as f:
        f.write('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" %s>\n'
                '<rect width="100%%" height="100%%" fill="white"/>\n%s\n</svg>\n' % (width, height, FONT, "\n".join(parts)))


def text(x, y, words, anchor="start", colour="black"):
    """A text."""
    return '<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>' % (x, y, anchor, colour, escape(words))


def line(x1, y1, x2, y2, colour, more=""):
    """A line."""
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" %s/>' % (x1, y1, x2, y2, colour, more)


def bars(path, title, items, marks):
    """items: (name, sample); marks: (name, value), drawn across."""
    left, wide, high = 240, 560, 20
    most = max([s["median"] for _, s in items] + [value for _, value in marks]) * 1.1
    bottom = 60 + high * len(items)
    parts = [text(10, 20, title)]

    def at(value):
        return left + min(value, most) * wide / most
    mark = 0
    while mark < most:
        parts += [line(at(mark), 40, at(mark), bottom, "#ddd"), text(at(mark), bottom + 16, "%g" % mark, "middle")]
        mark += step(most)
    for i, (name, s) in enumerate(items):
        y = 46 + high * i
        parts += [text(left - 6, y + 12, name, "end"),
                  '<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>' % (
                      left, y, max(at(s["median"]) - left, 0.5), high - 6, COLOURS[0]),
                  line(at(s["min"]), y + 7, at(s["max"]), y + 7, "black"),
                  text(at(s["median"]) + 4, y + 12, "%.0f" % s["median"])]
    for i, (name, value) in enumerate(marks):
        parts += [line(at(value), 40, at(value), bottom, COLOURS[1 + i], 'stroke-dasharray="4 3"'),
                  text(at(value), 36, name, "middle", COLOURS[1 + i])]
    write(path, left + wide + 60, bottom + 30, parts)


def lines(path, title, axis, series):
    """series: name to (x, y)s; x on a logarithmic axis."""
    left, wide, top, high = 60, 520, 40, 420
    xs = sorted({x for points in series.values() for x, _ in points})
    most = max(y for points in series.values() for _, y in points) * 1.1
    low, size = xs[0], step(most)

    def place(x):
        return left + wide * (log(x) - log(low)) / max(log(xs[-1]) - log(low), 1)

    def at(y):
        return top + high - max(y, 0) * high / most
    parts = [text(10, 20, title), line(left, top + high, left + wide, top + high, "black")]
    mark = 0
    while mark < most:
        parts += [line(left, at(mark), left + wide, at(mark), "#ddd"), text(left - 6, at(mark) + 4, "%g" % mark, "end")]
        mark += size
    for x in xs:
        parts += [line(place(x), top, place(x), top + high, "#ddd"), text(place(x), top + high + 16, "%d" % x, "middle")]
    parts.append(text(left + wide / 2, top + high + 34, axis, "middle"))
    for i, (name, points) in enumerate(sorted(series.items(), key=lambda item: -max(item[1])[1])):
        colour = COLOURS[i % len(COLOURS)]
        points = sorted(points)
        parts.append('<polyline fill="none" stroke="%s" stroke-width="2" points="%s"/>' % (
            colour, " ".join("%.1f,%.1f" % (place(x), at(y)) for x, y in points)))
        parts += ['<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (place(x), at(y), colour) for x, y in points]
        parts += [line(left + wide + 20, top + 10 + 16 * i, left + wide + 36, top + 10 + 16 * i, colour, 'stroke-width="2"'),
                  text(left + wide + 42, top + 14 + 16 * i, name)]
    write(path, left + wide + 280, top + high + 50, parts)

# SPDX-License-Identifier: GPL-2.0-only
"""Turn what was measured into tables, pictures and a page.

report.py [--log LOG]... JSON [--svg FOLDER] [--markdown PAGE]

With --log, reads every LOG and writes JSON, otherwise reads JSON. Prints the
tables.
"""
import argparse
import json
import math

COLOURS = {"kernel": "#7a8793", "ours": "#3d7a52", "lock": "#b58a1b",
           "floor": "#2f6db5"}
NAMES = {"kernel": "kernel", "ours": "this project", "lock": "its lock",
         "floor": "floor"}


def read_logs(paths):
    """Lines of: bench, work, size, code, value."""
    results = {}
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                fields = line.rstrip().split("\t")
                if fields[:1] != ["bench"] or len(fields) != 5:
                    continue
                work, size, code, value = fields[1:]
                results.setdefault(work, {}).setdefault(size, {})[code] = \
                    float(value)
    return results


def nanoseconds(value):
    if value >= 1e6:
        return f"{value / 1e6:.1f} ms"
    if value >= 1e4:
        return f"{value / 1e3:.0f} us"
    if value >= 1e3:
        return f"{value / 1e3:.1f} us"
    return f"{value:.0f} ns"


def markdown(lines):
    """A table in Markdown, which is also fit for a terminal."""
    widths = [max(len(str(line[i])) for line in lines)
              for i in range(len(lines[0]))]
    text = [" | ".join(str(cell).rjust(width)
                       for cell, width in zip(line, widths))
            for line in lines]
    text.insert(1, " | ".join("-" * (width - 1) + ":" for width in widths))
    return "\n".join(f"| {line} |" for line in text)


def times_table(work, rows):
    """Times by number of contexts."""
    codes = [c for c in NAMES if c in next(iter(rows.values()))]
    head = ["contexts"] + [NAMES[c] for c in codes] + ["kernel / ours"]
    lines = [head]
    for contexts, times in sorted(rows.items(), key=lambda r: int(r[0])):
        size = f"{contexts} + {contexts}" if work == "import" else contexts
        lines.append([size] + [nanoseconds(times[c]) for c in codes] +
                     [f"{times['kernel'] / times['ours']:.2f}"])
    return markdown(lines)


def size_text(value):
    return f"{value / 1024:,.0f} KiB"


def bounds_table(results):
    """What has to stay small, whatever clients do."""
    rows = results["import"]
    large = [n for n in sorted(rows, key=int) if int(n) >= 256]
    first, last = large[0], large[-1]
    slope = math.log(rows[last]["ours"] / rows[first]["ours"]) / \
        math.log(int(last) / int(first))
    floor = max(rows[n]["ours"] / rows[n]["floor"] for n in large)
    fences, lists = (results[f"kept_{what}"]["65536"]
                     for what in ("fences", "lists"))
    growth = results["growth"]["1000000"]
    return markdown([
        ["what", "kernel", "this project"],
        ["import of 100,000 contexts", "",
         nanoseconds(results["contexts"]["100000"]["ours"])],
        ["import of a chain of 1,000,000 links over 64 contexts", "",
         nanoseconds(results["links"]["1000000"]["ours"])],
        ["import from 256 contexts on, at most so many times the floor", "",
         f"{floor:.1f}"],
        [f"slope of its time from {first} to {last} contexts, log-log", "",
         f"{slope:.2f}"],
        ["fences kept by 64 buffers x 1024 fences, all signaled, after one "
         "export each", size_text(fences["kernel"]),
         size_text(fences["ours"])],
        ["lists kept by them", size_text(lists["kernel"]),
         size_text(lists["ours"])],
        ["growth of slabs in 1,000,000 imports and exports of one buffer",
         size_text(growth["kernel"]), size_text(growth["ours"])],
    ])


def calls_table(rows):
    """Whole calls, in instructions."""
    pairs = [("kernel", "module"), ("own kernel", "in-tree")]
    lines = [["call"] + [cell for base, code in pairs
                         for cell in (base, code, "ratio")]]
    for call, row in rows.items():
        lines.append([call] + [cell for base, code in pairs for cell in (
            f"{row[base]:,.0f}", f"{row[code]:,.0f}",
            f"{row[code] / row[base]:.2f}")])
    return markdown(lines)


def plot(work, rows):
    """Time against contexts, both logarithmic, as SVG."""
    left, top, width, height = 80, 50, 640, 400
    sizes = sorted(int(c) for c in rows)
    times = [t for row in rows.values() for t in row.values()]
    x_max = math.log2(sizes[-1])
    y_min = math.floor(math.log10(min(times)))
    y_max = math.ceil(math.log10(max(times)))

    def place(size, time):
        x = left + width * math.log2(size) / x_max
        y = top + height * (y_max - math.log10(time)) / (y_max - y_min)
        return f"{x:.1f},{y:.1f}"

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 130}"'
           f' height="{top + height + 60}" font-family="DejaVu Sans, sans-serif"'
           ' font-size="12" fill="#20262c">',
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           f'<text x="{left}" y="28" font-size="16" font-weight="bold">'
           f"{work} of N contexts"
           f'{" onto N others" if work == "import" else ""}</text>']
    for power in range(y_min, y_max + 1):
        y = top + height * (y_max - power) / (y_max - y_min)
        out.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" '
                   f'y2="{y:.1f}" stroke="#d5dbe0"/>')
        out.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">'
                   f"{nanoseconds(10 ** power)}</text>")
    for size in sizes[::2]:
        x = left + width * math.log2(size) / x_max
        out.append(f'<text x="{x:.1f}" y="{top + height + 20}" '
                   f'text-anchor="middle">{size}</text>')
    out.append(f'<text x="{left + width / 2}" y="{top + height + 44}" '
               'text-anchor="middle">N</text>')
    for code, colour in COLOURS.items():
        points = [(s, rows[str(s)][code]) for s in sizes
                  if rows[str(s)].get(code)]
        if not points:
            continue
        path = " ".join(place(*p) for p in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" '
                   'stroke-width="2.5"/>')
        out += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="3" '
                f'fill="{colour}"/>' for p in path.split()]
        x, y = place(*points[-1]).split(",")
        out.append(f'<text x="{float(x) + 10}" y="{float(y) + 4}" '
                   f'fill="{colour}">{NAMES[code]}</text>')
    return "\n".join(out + ["</svg>\n"])


PAGE = """# Benchmarks

Renewed by `make bench` and `make bench-publish`, on User-Mode Linux 6.12: kernel
code at native speed, one processor, no debugging options. Each figure is the
median of nine rounds in which the codes take turns; a round times a batch of
calls on fresh reservation objects.

- *kernel*: what the kernel's own ioctl does, with the kernel's own functions
- *its lock*: the part of an import, in steps, that holds the lock of the
  reservation object; reading the clock takes some 30 ns of it
- *floor*: ask each of the fences whether it has signaled, and take a reference on
  the new ones, in a loop

Fences are 256 bytes apart, as those of drm_sched are.

## Import of N contexts onto N others

![import](import.svg)

{import_table}

## Export of N contexts

![export](export.svg)

{export_table}

The kernel does not look for contexts that occur twice when it exports, and makes
one array of any size. On this one processor a reference costs next to nothing:
the kernel takes and drops three for each fence, this project one.

## What stays small

{bounds_table}

No fence is kept that has signaled. A list stays as long as its buffer, with room for
what was there at once: readers without the lock may be asleep on it, and a smaller one
would let them miss a fence (promise I8). That is 8 bytes for a fence, where the fence
itself took 256. An import into a list with room allocates nothing for it, at any size;
taking apart a fence of more than 16 contexts does, before the lock is taken.

## Whole calls

In instructions, on Debian's stock 6.12 under QEMU with `-icount shift=0`, where a
nanosecond of the guest is one instruction: exact, and the same on every machine.
*kernel* is a boot without the module; *own kernel* is a 6.12 of few options, and
*in-tree* the same with this code inside. The calls for many buffers do not exist
without it: what stands beside them is the way it is done today.

{calls_table}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", action="append")
    parser.add_argument("json")
    parser.add_argument("--svg")
    parser.add_argument("--markdown")
    args = parser.parse_args()

    if args.log:
        results = read_logs(args.log)
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    else:
        with open(args.json, encoding="utf-8") as source:
            results = json.load(source)

    tables = {work: times_table(work, results[work])
              for work in ("import", "export")}
    tables["bounds"] = bounds_table(results)
    tables["calls"] = calls_table(results["calls"])
    for name, text in tables.items():
        print(f"{name}\n{text}\n")
    for work in ("import", "export") if args.svg else ():
        with open(f"{args.svg}/{work}.svg", "w", encoding="utf-8") as out:
            out.write(plot(work, results[work]))
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as out:
            out.write(PAGE.format(**{f"{name}_table": text
                                     for name, text in tables.items()}))


main()

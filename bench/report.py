# SPDX-License-Identifier: GPL-2.0-only
"""Turn what the bench module printed into a table, pictures and a page.

report.py [--log LOG] JSON [--svg FOLDER] [--markdown PAGE]

With --log, reads LOG and writes JSON, otherwise reads JSON. Prints the table.
"""
import argparse
import json
import math

COLOURS = {"kernel": "#7a8793", "ours": "#3d7a52", "lock": "#b58a1b",
           "floor": "#2f6db5"}
NAMES = {"kernel": "kernel", "ours": "this project", "lock": "its lock",
         "floor": "floor"}


def read_log(path):
    """Lines of: bench, work, contexts, code, nanoseconds."""
    results = {}
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            fields = line.split()
            if fields[:1] != ["bench"] or len(fields) != 5:
                continue
            work, contexts, code, time = fields[1:]
            results.setdefault(work, {}).setdefault(contexts, {})[code] = \
                float(time)
    return results


def nanoseconds(value):
    if value >= 1e6:
        return f"{value / 1e6:.1f} ms"
    if value >= 1e4:
        return f"{value / 1e3:.0f} us"
    if value >= 1e3:
        return f"{value / 1e3:.1f} us"
    return f"{value:.0f} ns"


def table(work, rows):
    """A table in Markdown, which is also fit for a terminal."""
    codes = [c for c in NAMES if c in next(iter(rows.values()))]
    head = ["contexts"] + [NAMES[c] for c in codes] + ["kernel / ours"]
    lines = [head]
    for contexts, times in sorted(rows.items(), key=lambda r: int(r[0])):
        size = f"{contexts} + {contexts}" if work == "import" else contexts
        lines.append([size] + [nanoseconds(times[c]) for c in codes] +
                     [f"{times['kernel'] / times['ours']:.2f}"])
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    text = [" | ".join(cell.rjust(width) for cell, width in zip(line, widths))
            for line in lines]
    text.insert(1, " | ".join("-" * (width - 1) + ":" for width in widths))
    return "\n".join(f"| {line} |" for line in text)


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
- *floor*: touch each of the fences once, in a loop

## Import of N contexts onto N others

![import](import.svg)

{import_table}

## Export of N contexts

![export](export.svg)

{export_table}

The kernel does not look for contexts that occur twice when it exports, and makes
one array of any size.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log")
    parser.add_argument("json")
    parser.add_argument("--svg")
    parser.add_argument("--markdown")
    args = parser.parse_args()

    if args.log:
        results = read_log(args.log)
        with open(args.json, "w", encoding="utf-8") as out:
            json.dump(results, out, indent=1)
    else:
        with open(args.json, encoding="utf-8") as source:
            results = json.load(source)

    tables = {work: table(work, rows) for work, rows in results.items()}
    for work, text in tables.items():
        print(f"{work}\n{text}\n")
        if args.svg:
            with open(f"{args.svg}/{work}.svg", "w", encoding="utf-8") as out:
                out.write(plot(work, results[work]))
    if args.markdown:
        with open(args.markdown, "w", encoding="utf-8") as out:
            out.write(PAGE.format(import_table=tables["import"],
                                  export_table=tables["export"]))


main()

# SPDX-License-Identifier: GPL-2.0-only
"""Draw what the demo recorded: timeline.py EVENTS SVG.

One lane for each buffer and client: fences and work are bars, waiting is
hatched, IMPORT and EXPORT are arrows between a client and the buffer.
"""
import sys
from collections import namedtuple
from html import escape

Event = namedtuple("Event", "mode scene lane what begin end")

TITLES = [
    "1. Explicit producer, implicit consumer: IMPORT, then poll()",
    "2. Implicit producer, explicit consumer: EXPORT, then a sync_file",
    "3. Both, taking turns on one buffer: four of 1,000 frames",
]
P2P_TITLES = [
    "1. edu0 writes into ivshmem's memory, edu1 reads it: nobody waits but edu1",
    "2. The buffer moves while edu0 writes: the move waits for the fence",
]
WIDTH, LEFT, RIGHT = 1080, 170, 30
LANE, BAR, HEAD, FOOT = 62, 22, 44, 40
WAITS = ("poll()", "wait")
COLOURS = {
    "WRITE fence": "#c2413b",
    "READ fence": "#2f6db5",
    "rendering": "#7a8793",
    "reading": "#7a8793",
}
STYLE = """
text { font: 13px 'DejaVu Sans', 'Liberation Sans', sans-serif; fill: #20262c }
.title { font-size: 15px; font-weight: bold }
.head { font-size: 20px; font-weight: bold }
.small { font-size: 11px; fill: #5b6670 }
.bar { font-size: 12px; fill: #ffffff }
"""


def read_events(path):
    with open(path, encoding="utf-8") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    return [Event(mode, int(scene), lane, what, int(begin), int(end))
            for mode, scene, lane, what, begin, end in rows]


def tick_step(span):
    """A round step that gives about eight ticks over span ms."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        if span / step <= 9:
            return step
    return 500


class Panel:
    """One scene: three lanes over a common time axis."""

    def __init__(self, events, title, top):
        self.title, self.top, self.out = title, top, []
        self.events = sorted(events, key=lambda e: e.begin)
        clients = {e.lane for e in events if e.lane != "buffer"}
        first = [c for c in clients if c.startswith("producer")]
        second = [c for c in clients if c.startswith("consumer")]
        self.lanes = first + ["buffer"] + second
        self.start = min(e.begin for e in events)
        span = max(e.end for e in events) - self.start
        self.scale = (WIDTH - LEFT - RIGHT) / (span * 1.03)
        self.span_ms = span / 1e6
        self.height = HEAD + LANE * len(self.lanes) + FOOT

    def x(self, time):
        return LEFT + (time - self.start) * self.scale

    def middle(self, lane):
        return self.top + HEAD + LANE * self.lanes.index(lane) + LANE / 2

    def put(self, markup):
        self.out.append(markup)

    def frame(self):
        bottom = self.top + HEAD + LANE * len(self.lanes)
        self.put(f'<text class="title" x="20" y="{self.top + 24}">'
                 f"{escape(self.title)}</text>")
        for i, lane in enumerate(self.lanes):
            y = self.top + HEAD + LANE * i
            fill = "#eef1f4" if lane == "buffer" else "#ffffff"
            self.put(f'<rect x="{LEFT}" y="{y}" width="{WIDTH - LEFT - RIGHT}"'
                     f' height="{LANE}" fill="{fill}" stroke="#d5dbe0"/>')
            self.put(f'<text x="20" y="{y + LANE / 2 + 4}">'
                     f"{escape(lane)}</text>")
        step = tick_step(self.span_ms)
        for i in range(int(self.span_ms / step) + 1):
            x = self.x(self.start + i * step * 1e6)
            self.put(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" '
                     f'y2="{bottom + 5}" stroke="#5b6670"/>')
            self.put(f'<text class="small" text-anchor="middle" x="{x:.1f}" '
                     f'y="{bottom + 18}">{i * step:g} ms</text>')

    def bar(self, event):
        x, right = self.x(event.begin), self.x(event.end)
        width = max(right - x, 2)
        y = self.middle(event.lane) - BAR / 2
        if event.what == "WRITE fence":
            y -= BAR / 2 + 1
        elif event.what == "READ fence":
            y += BAR / 2 + 1
        waits = event.what in WAITS
        fill = "url(#wait)" if waits else COLOURS[event.what]
        stroke = ' stroke="#b58a1b"' if waits else ""
        self.put(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" rx="3"'
                 f' height="{BAR}" fill="{fill}"{stroke}/>')
        if width > 8 * len(event.what):
            style = "" if waits else ' class="bar"'
            label = f"waits in {event.what}" if event.what == "poll()" else \
                "waits for the sync_file" if waits else event.what
            if width < 8 * len(label):
                label = event.what
            self.put(f'<text{style} text-anchor="middle" '
                     f'x="{x + width / 2:.1f}" y="{y + 15:.1f}">'
                     f"{escape(label)}</text>")

    def arrow(self, event):
        """IMPORT goes from the client to the buffer, EXPORT comes from it."""
        x = self.x(event.begin)
        client, buffer = self.middle(event.lane), self.middle("buffer")
        if event.what == "EXPORT":
            client, buffer = buffer, client
        colour = "#b3261e" if event.what == "IMPORT" else "#1f5fae"
        tip = buffer - 6 if buffer > client else buffer + 6
        self.put(f'<line x1="{x:.1f}" y1="{client}" x2="{x:.1f}" y2="{tip}" '
                 f'stroke="{colour}" stroke-width="2.5" '
                 f'marker-end="url(#{event.what})"/>')
        if self.span_ms > 50 or event.what == "IMPORT":
            y = (client + buffer) / 2 + 4
            self.put(f'<text class="small" x="{x + 8:.1f}" y="{y:.1f}" '
                     f'style="fill:{colour}">{event.what}</text>')

    def draw(self):
        self.frame()
        arrows = ("IMPORT", "EXPORT")
        for event in self.events:
            if event.what not in arrows:
                self.bar(event)
        for event in self.events:
            if event.what in arrows:
                self.arrow(event)
        return "\n".join(self.out)


def frame_panel(events, top):
    """Scene 4: what a frame costs, a row of two bars for each measure."""
    out = [f'<text class="title" x="20" y="{top + 24}">4. A compositor\'s '
           "frame of 32 busy windows: a call for each buffer, or for many"
           "</text>"]
    y = top + HEAD
    for measure in dict.fromkeys(e.lane for e in events):
        pair = [e for e in events if e.lane == measure]
        longest = max(e.end for e in pair)
        out.append(f'<text x="20" y="{y + 16}">{escape(measure)}</text>')
        for event in pair:
            width = max((WIDTH - LEFT - RIGHT - 200) * event.end / longest, 2)
            colour = "#3d7a52" if "many" in event.what else "#7a8793"
            out.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" rx="3" '
                       f'height="{BAR}" fill="{colour}"/>')
            out.append(f'<text x="{LEFT + width + 8:.1f}" y="{y + 16}">'
                       f'{event.end:,} '
                       f'<tspan class="small">'
                       f"{escape(event.what.rstrip(':'))}</tspan></text>")
            y += BAR + 4
        y += 10
    return "\n".join(out), y


def comparison(totals, top):
    """Scene 5: how long the frames took, with the module and without."""
    out = [f'<text class="title" x="20" y="{top + 24}">5. Scene 3 with the '
           "module disabled: 1,000 frames</text>"]
    longest = max(e.end for e in totals)
    for i, event in enumerate(totals):
        y = top + HEAD + i * 32
        width = (WIDTH - LEFT - RIGHT - 80) * event.end / longest
        colour = "#3d7a52" if i == 0 else "#7a8793"
        out.append(f'<text x="20" y="{y + 16}">{escape(event.mode)}</text>')
        out.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" rx="3" '
                   f'height="{BAR}" fill="{colour}"/>')
        out.append(f'<text x="{LEFT + width + 8:.1f}" y="{y + 16}">'
                   f"{event.end / 1e9:.2f} s</text>")
    return "\n".join(out)


def marker(name, colour):
    return (f'<marker id="{name}" viewBox="0 0 10 10" refX="6" refY="5" '
            'markerWidth="10" markerHeight="10" orient="auto" '
            'markerUnits="userSpaceOnUse">'
            f'<path d="M0 0 L10 5 L0 10 z" fill="{colour}"/></marker>')


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    events = read_events(sys.argv[1])
    totals = [e for e in events if e.lane == "total"]
    mode = events[0].mode
    body, top = [], 50
    titles = TITLES if totals else P2P_TITLES
    for scene, title in enumerate(titles):
        panel = Panel([e for e in events if e.mode == mode and
                       e.scene == scene and e.lane != "total"], title, top)
        body.append(panel.draw())
        top += panel.height
    height = top
    if totals:
        panel, top = frame_panel([e for e in events if e.mode == mode and
                                  e.scene == len(TITLES)], top)
        body.append(panel)
        body.append(comparison(totals, top))
        height = top + HEAD + 32 * len(totals) + 20

    svg = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" \
height="{height}" viewBox="0 0 {WIDTH} {height}">
<style>{STYLE}</style>
<defs>
<pattern id="wait" width="6" height="6" patternUnits="userSpaceOnUse" \
patternTransform="rotate(45)"><rect width="6" height="6" fill="#fdf3d6"/>\
<rect width="2" height="6" fill="#ecd08a"/></pattern>
{marker("IMPORT", "#b3261e")}
{marker("EXPORT", "#1f5fae")}
</defs>
<rect width="100%" height="100%" fill="#ffffff"/>
<text class="head" x="20" y="34">Who waits for whom, \
{"served by " if totals else "in "}{escape(mode)}</text>
<text class="small" x="{WIDTH - RIGHT}" y="34" text-anchor="end">arrows: \
<tspan style="fill:#b3261e">IMPORT, fence into the buffer</tspan>; \
<tspan style="fill:#1f5fae">EXPORT, fence out of it</tspan></text>
{chr(10).join(body)}
</svg>
"""
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(svg)


main()

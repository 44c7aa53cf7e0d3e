"""Draws the stacks that `perf script` prints (standard input) as a flame graph in SVG.

A frame is as wide as the share of samples that it stands in; above it stand those it called.
Frames of the same name have the same colour in every graph. Names are text, for a browser to search,
and titles, for it to show.
"""
import argparse
import re
import sys
import zlib
from html import escape

WIDTH = 1200
ROW = 17
TOP = 44
CHARACTER = 6.6  # Width of one, about.


class Frame:
    def __init__(self):
        self.samples = 0
        self.callees = {}


def short_name(symbol):
    """Without arguments and template arguments: these fill lines and tell little."""
    symbol = re.sub(r"^\[unknown\]$", "?", symbol.strip())
    symbol = symbol.replace("(anonymous namespace)::", "")
    symbol = re.sub(r"operator(\(\)|<=>|<<|>>|<|>|->)", lambda m: "operator" + str(len(m[1])), symbol)
    out, depth = [], 0
    for c in symbol:
        if c in "<(":
            depth += 1
        elif c in ">)":
            depth = max(0, depth - 1)
        elif depth == 0:
            out.append(c)
    name = "".join(out)
    return re.sub(r"^.* (?=\S)", "", re.sub(r"( const| \[clone .*)$", "", name).strip()) or symbol


def read_stacks(lines):
    """Yields each sample's symbols, callers first."""
    stack = []
    for line in lines:
        if not line.strip():
            if stack:
                yield stack[::-1]
            stack = []
        elif frame := re.match(r"\s+[0-9a-f]{4,} (.+)", line):
            stack.append(frame[1].strip())
    if stack:
        yield stack[::-1]


def below(stack, pattern):
    """From the first caller that matches on; None: there is none."""
    for i, symbol in enumerate(stack):
        if pattern.search(symbol):
            return stack[i:]
    return None


def fold(stacks, pattern, without=None):
    """The tree of all stacks that `pattern` matches, but for those in which `without` does."""
    root = Frame()
    for stack in stacks:
        kept = below(stack, pattern)
        if kept is None or (without and any(map(without.search, kept))):
            continue
        frame = root
        frame.samples += 1
        for symbol in map(short_name, kept):
            frame = frame.callees.setdefault(symbol, Frame())
            frame.samples += 1
    return root


def colour(name):
    """Warm for Firn, green for the system and libraries; the shade is the name's."""
    shade = zlib.crc32(name.encode()) % 60
    if name.startswith("firn::"):
        return f"rgb({225 + shade // 2},{120 + shade},{60 + shade // 2})"
    return f"rgb({140 + shade // 2},{190 + shade // 2},{130 + shade // 2})"


def layout(root, least_share):
    """(depth, left share, share, name) of every frame that is wide enough."""
    boxes = []

    def place(frame, depth, left):
        for name, callee in sorted(frame.callees.items()):
            share = callee.samples / root.samples
            if share >= least_share:
                boxes.append((depth, left, share, name))
                place(callee, depth + 1, left)
            left += share

    if root.samples:
        place(root, 0, 0.0)
    return boxes


def draw(root, title, least_share):
    boxes = layout(root, least_share)
    height = TOP + ROW * (1 + max((depth for depth, *_ in boxes), default=0)) + 8
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" font-family="monospace" font-size="11">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="18" font-size="13">{escape(title)}</text>',
        f'<text x="8" y="34" fill="#666">{root.samples} samples; width is time; frames below '
        f'{least_share:.1%} are left out</text>',
    ]
    for depth, left, share, name in boxes:
        x, y, width = left * WIDTH, height - 8 - ROW * (depth + 1), share * WIDTH
        text = name.removeprefix("firn::internal::").removeprefix("firn::")
        room = int((width - 4) / CHARACTER)
        label = text if len(text) <= room else text[: max(0, room - 1)] + "…"
        out.append(
            f'<g><title>{escape(name)}: {share:.1%}</title><rect x="{x:.1f}" y="{y}" '
            f'width="{max(width - 0.4, 0.3):.1f}" height="{ROW - 1}" fill="{colour(name)}"/>'
            + (f'<text x="{x + 2:.1f}" y="{y + 12}">{escape(label)}</text>' if room >= 4 else "")
            + "</g>"
        )
    out.append("</svg>")
    return "\n".join(out) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--below", default="", help="draw from the first caller that matches on")
    parser.add_argument("--without", help="leave out samples with a frame that matches")
    parser.add_argument("--title", default="")
    parser.add_argument("--least-share", type=float, default=0.003)
    flags = parser.parse_args()
    without = re.compile(flags.without) if flags.without else None
    root = fold(read_stacks(sys.stdin), re.compile(flags.below), without)
    if not root.samples:
        sys.exit("no sample has a caller that matches " + flags.below)
    sys.stdout.write(draw(root, flags.title, flags.least_share))


if __name__ == "__main__":
    main()

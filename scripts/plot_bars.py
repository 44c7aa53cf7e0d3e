"""Turns firn_bars' JSON into commands for gnuplot (standard output): a chart for each group of rows.

A chart has a panel for each unit, with a bar for all that was measured in it, and one for the ratios
that are judged. A bar ends at the median, its whisker spans the quartiles, and a black stroke stands
where the row's limit is.
"""
import argparse
import json
import math
import pathlib
import re
from dataclasses import dataclass, field

WIDTH = 1000
BAR = 18  # Pixels of height.
AROUND = 58  # Pixels above and below a panel's bars.
LABELS = 0.36  # Of the width.


@dataclass
class Bar:
    label: str
    quartiles: dict
    is_firn: bool = False
    limit: float | None = None


@dataclass
class Panel:
    title: str
    bars: list = field(default_factory=list)

    def is_log(self):
        """Whether the smaller bars would vanish on a linear axis: some are over ten times others."""
        medians = [bar.quartiles["median"] for bar in self.bars]
        return min(medians) > 0 and max(medians) > 10 * min(medians)


def limit_of(row):
    """1.5 of ">= 1.50x"; None of a row without a bar."""
    found = re.match(r"[<>]= ([0-9.]+)", row.get("bar", ""))
    return float(found[1]) if found else None


def panels_of(rows):
    """The panels of one group. Rows that share measurements have them drawn once."""
    by_unit, ratios, drawn = {}, Panel("ratio of the rounds, and its limit"), set()
    for row in rows:
        is_figure = False  # Judged by one of the measurements, not by a ratio.
        for name, series in sorted(row["measured"].items(), key=lambda item: item[1]["median"]):
            is_judged = series["rounds"] == row["judged"]["rounds"]
            is_figure = is_figure or is_judged
            key = (name, row["unit"], *series["rounds"])
            if key in drawn:
                continue
            drawn.add(key)
            bar = Bar(f'{row["name"]}: {name}', series, name.startswith("firn"))
            bar.limit = limit_of(row) if is_judged else None
            by_unit.setdefault(row["unit"], Panel(row["unit"])).bars.append(bar)
        if not is_figure:
            ratios.bars.append(Bar(row["name"], row["judged"], True, limit_of(row)))
    return [panel for panel in [*by_unit.values(), ratios] if panel.bars]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def commands_for(panel, name, top, bottom):
    """gnuplot's for a panel between two heights of the picture, in shares of it."""
    count = len(panel.bars)
    data = []
    for place, bar in zip(range(count, 0, -1), panel.bars):
        q = bar.quartiles
        limit = "NaN" if bar.limit is None else f"{bar.limit:g}"
        data.append(
            f'{place} {q["q1"]:g} {q["median"]:g} {q["q3"]:g} {limit} {0xD9603B if bar.is_firn else 0x8FA8BF}'
        )
    shown = [v for bar in panel.bars for v in (*(bar.quartiles[k] for k in ("q1", "q3")), bar.limit)]
    shown = [v for v in shown if v is not None]
    left, right = (0, max(shown) * 1.1 or 1)
    if panel.is_log():
        left = 10 ** math.floor(math.log10(min(v for v in shown if v > 0)) - 0.01)
        right = max(shown) * 1.5
    tics = ", ".join(f"{quoted(bar.label)} {count - i}" for i, bar in enumerate(panel.bars))
    return [
        f"${name} << EOD",
        *data,
        "EOD",
        f"set tmargin at screen {top:.4f}; set bmargin at screen {bottom:.4f}",
        f"set title {quoted(panel.title)} noenhanced offset 0,-0.5",
        f"set ytics ({tics}) noenhanced",
        f"set yrange [0.3:{count + 0.7}]",
        "set logscale x" if panel.is_log() else "unset logscale x",
        f"set xrange [{left:g}:{right:g}]",
        f"plot ${name} using 3:1:({left:g}):3:($1-0.38):($1+0.38):6 with boxxyerror fill solid noborder "
        "linecolor rgb variable, "
        "'' using 3:1:2:4 with xerrorbars pointtype 0 linecolor rgb '#404040', "
        "'' using 5:($1-0.45):(0):(0.9) with vectors nohead linewidth 3 linecolor rgb '#000000'",
    ]


def chart(path, group, panels):
    heights = [AROUND + BAR * len(panel.bars) for panel in panels]
    total = sum(heights) + 24
    out = [
        f"set terminal svg size {WIDTH},{total} dynamic background '#ffffff' font 'sans-serif,11'",
        f"set output {quoted(str(path))}",
        f"set multiplot title {quoted(group)} noenhanced",
        "unset key; set grid x linecolor rgb '#dddddd'; set border 3 linecolor rgb '#888888'",
        "set tics nomirror out scale 0.4; set bars 0.5",
        f"set lmargin at screen {LABELS}; set rmargin at screen 0.97",
    ]
    top = 24
    for i, (panel, height) in enumerate(zip(panels, heights)):
        out += commands_for(panel, f"panel{i}", 1 - (top + 24) / total, 1 - (top + height - 28) / total)
        top += height
    return [*out, "unset multiplot; set output; reset"]


def groups_of(rows):
    """{"get": the rows whose names begin with "get."}, in their order."""
    groups = {}
    for row in rows:
        groups.setdefault(row["name"].split(".")[0], []).append(row)
    return groups


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("json", type=pathlib.Path)
    parser.add_argument("directory", type=pathlib.Path)
    flags = parser.parse_args()
    for group, rows in groups_of(json.loads(flags.json.read_text())["rows"]).items():
        print("\n".join(chart(flags.directory / f"{group}.svg", group, panels_of(rows))))


if __name__ == "__main__":
    main()

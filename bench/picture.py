"""The chart of growth: panels side by side, with the number of events on a logarithmic axis."""

import math
from html import escape
from typing import NamedTuple

COLOURS = ("#0b6e99", "#b8492f", "#4d7c0f", "#7c3aed", "#a16207", "#475569")
WIDTH, HEIGHT, GAP = 400, 300, 70
LEFT, TOP, BOTTOM = 60, 46, 46
LEGEND_LINE = 20
TICKS = 5


class Curve(NamedTuple):
    """A line of the chart: its name, and points of (events, milliseconds)."""

    name: str
    points: list[tuple[int, float]]


def drawn(panels: dict[str, list[Curve]]) -> str:
    """Return the chart as SVG."""
    names = list(dict.fromkeys(curve.name for curves in panels.values() for curve in curves))
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    width = LEFT + len(panels) * (WIDTH + GAP)
    below = TOP + HEIGHT + BOTTOM
    height = below + LEGEND_LINE * math.ceil(len(names) / 2) + 20
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13" fill="#1f2937">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, (title, curves) in enumerate(panels.items()):
        parts += panel(LEFT + place * (WIDTH + GAP), title, curves, colours)
    for place, name in enumerate(names):
        x, y = LEFT + place % 2 * (width // 2 - LEFT // 2), below + 12 + place // 2 * LEGEND_LINE
        parts.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 24}" y2="{y - 4}" {stroke(colours[name])}/>')
        parts.append(f'<text x="{x + 32}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def panel(left: int, title: str, curves: list[Curve], colours: dict[str, str]) -> list[str]:
    """Draw the axes and lines of one panel."""
    sizes = sorted({events for curve in curves for events, _ in curve.points})
    top = nice(max(value for curve in curves for _, value in curve.points))
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])
    breadth = (high - low) or 1.0

    def across(events: int) -> float:
        return left + 20 + (math.log10(events) - low) / breadth * (WIDTH - 40)

    def up(value: float) -> float:
        return TOP + HEIGHT - value / top * HEIGHT

    parts = [f'<text x="{left}" y="{TOP - 20}" font-size="15" font-weight="600">{escape(title)}</text>']
    for tick in range(TICKS + 1):
        value = top * tick / TICKS
        parts.append(
            f'<line x1="{left}" y1="{up(value):.1f}" x2="{left + WIDTH}" y2="{up(value):.1f}" stroke="#e5e7eb"/>'
        )
        parts.append(f'<text x="{left - 8}" y="{up(value) + 4:.1f}" text-anchor="end">{value:g}</text>')
    below = TOP + HEIGHT + 20
    parts += [f'<text x="{across(one):.1f}" y="{below}" text-anchor="middle">{short(one)}</text>' for one in sizes]
    parts.append(
        f'<text x="{left + WIDTH / 2}" y="{TOP + HEIGHT + 38}" text-anchor="middle" fill="#6b7280">events</text>'
    )
    for curve in curves:
        points = " ".join(f"{across(events):.1f},{up(value):.1f}" for events, value in curve.points)
        parts.append(f'<polyline points="{points}" {stroke(colours[curve.name])}/>')
        parts += [
            f'<circle cx="{across(events):.1f}" cy="{up(value):.1f}" r="3.5" fill="{colours[curve.name]}"/>'
            for events, value in curve.points
        ]
    return parts


def stroke(colour: str) -> str:
    """Return the style of a line."""
    return f'fill="none" stroke="{colour}" stroke-width="2.5"'


def short(number: int) -> str:
    """Format a number of events for reading."""
    for size, letter in ((1_000_000, " M"), (1_000, " k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return str(number)


def nice(value: float) -> float:
    """Return the next round number, where an axis may end."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if step * power >= value)

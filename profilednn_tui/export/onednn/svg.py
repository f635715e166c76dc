"""The paper's figure: a ring chart of primitives and directions by their share of the time, with a legend."""

from __future__ import annotations

from html import escape
from math import cos, pi, sin

from profilednn_tui import units
from profilednn_tui.export.onednn.facts import duration, milliseconds, note
from profilednn_tui.onednn.breakdown import By, Group, breakdown
from profilednn_tui.onednn.records import PrimitiveLog

COLOURS = ("#4269d0", "#efb118", "#3ca951", "#a463f2", "#6cc5b0", "#ff8ab7", "#9c6b4e", "#97bbf5", "#9498a0")
REORDER_COLOUR = "#ff725c"
SLICES = 12
"""Further slices are merged into one."""

_RADIUS, _HOLE, _CENTRE = 150.0, 82.0, 180.0
_LEGEND_X, _ROW_HEIGHT, _WIDTH = 370, 24, 860


def donut_svg(log: PrimitiveLog) -> str:
    """The chart as self-contained SVG on a white background."""
    slices = _slices(breakdown(log, By.DIRECTION))
    height = max(2 * _CENTRE, 60 + _ROW_HEIGHT * (len(slices) + 1))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="14">',
        f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
        f'<text x="{_CENTRE}" y="{_CENTRE - 4}" text-anchor="middle" font-size="20">{escape(duration(log.time_ms))}'
        f'</text><text x="{_CENTRE}" y="{_CENTRE + 18}" text-anchor="middle" fill="#555">'
        f"{log.calls:,} calls</text>",
    ]
    begin = 0.0
    for index, (name, share, time_ms, remark) in enumerate(slices):
        colour = REORDER_COLOUR if name == "reorder" else COLOURS[index % len(COLOURS)]
        parts.append(_slice(begin, begin + share, colour))
        begin += share
        y = 48 + _ROW_HEIGHT * index
        emphasis = ' font-weight="bold"' if remark else ""
        parts.append(
            f'<rect x="{_LEGEND_X}" y="{y - 12}" width="14" height="14" fill="{colour}"/>'
            f'<text x="{_LEGEND_X + 24}" y="{y}"{emphasis}>{escape(name)}{escape(f" ({remark})" if remark else "")}'
            f'</text><text x="{_WIDTH - 130}" y="{y}" text-anchor="end">{escape(units.share(share))}</text>'
            f'<text x="{_WIDTH - 20}" y="{y}" text-anchor="end">{milliseconds(time_ms)} ms</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _slices(groups: tuple[Group, ...]) -> list[tuple[str, float, float, str]]:
    shown = [(" ".join(group.label).strip(), group.share, group.execution.total_ms, note(group)) for group in groups]
    head, tail = shown[:SLICES], shown[SLICES:]
    if tail:
        head.append(("others", sum(one[1] for one in tail), sum(one[2] for one in tail), ""))
    return head


def _slice(begin: float, end: float, colour: str) -> str:
    if end - begin > 0.9999:
        middle = (_RADIUS + _HOLE) / 2
        return (
            f'<circle cx="{_CENTRE}" cy="{_CENTRE}" r="{middle}" fill="none" stroke="{colour}" '
            f'stroke-width="{_RADIUS - _HOLE}"/>'
        )
    large = int(end - begin > 0.5)
    outer, inner = [_point(at, _RADIUS) for at in (begin, end)], [_point(at, _HOLE) for at in (end, begin)]
    return (
        f'<path d="M{outer[0]} A{_RADIUS} {_RADIUS} 0 {large} 1 {outer[1]} '
        f'L{inner[0]} A{_HOLE} {_HOLE} 0 {large} 0 {inner[1]} Z" fill="{colour}" stroke="#ffffff"/>'
    )


def _point(at: float, radius: float) -> str:
    angle = 2 * pi * at - pi / 2
    return f"{_CENTRE + radius * cos(angle):.2f},{_CENTRE + radius * sin(angle):.2f}"

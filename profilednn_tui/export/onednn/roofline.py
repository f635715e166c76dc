"""Primitives on the roofline of this machine, for a terminal and as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

from profilednn_tui import units
from profilednn_tui.export.onednn.facts import milliseconds
from profilednn_tui.onednn.breakdown import configuration
from profilednn_tui.onednn.problem import compact
from profilednn_tui.onednn.records import PrimitiveLog, PrimitiveUse
from profilednn_tui.onednn.roofline import Bound, Peaks, RooflinePoint, locate
from profilednn_tui.onednn.work import work_of, work_of_uses
from profilednn_tui.tables import aligned

TOP_ROWS = 16
SLOW_GRADIENT = 0.6
"""A gradient below this fraction of the forward rate is reported."""
_CHART_ROWS = 14
_COLOURS = {Bound.COMPUTE: "#3ca951", Bound.MEMORY: "#4269d0", Bound.OVERHEAD: "#ff725c"}


@dataclass(frozen=True, slots=True)
class Point:
    """One primitive on the roofline."""

    use: PrimitiveUse
    placed: RooflinePoint

    @property
    def name(self) -> str:
        primitive = self.use.primitive
        return f"{primitive.name} {primitive.direction}".strip()


def points(log: PrimitiveLog, peaks: Peaks) -> list[Point]:
    """All primitives whose work is known, longest time first."""
    found = []
    for use in log.uses:
        work = work_of(use.primitive)
        mean_ms = use.execution.mean_ms
        if work is not None and mean_ms:
            placed = locate(work, mean_ms, peaks, configuration(use.primitive))
            if placed is not None:
                found.append(Point(use, placed))
    return found


def roofline_lines(log: PrimitiveLog, peaks: Peaks, width: int, contention: str | None = None) -> Iterator[str]:
    """The peaks, the known work, slow gradients, the chart, and the primitives.

    `contention` is a sentence about what disturbed the measurement of the peaks.
    """
    found = points(log, peaks)
    work, time_ms = work_of_uses(log.uses)
    yield (
        f"This machine: {peaks.float32_gflops:.0f} GFLOP/s in float32, {peaks.bfloat16_gflops:.0f} in bfloat16, "
        f"{peaks.bandwidth_gb_per_s:.1f} GB/s, {units.counted(peaks.threads, 'thread')}"
    )
    share = time_ms / log.time_ms if log.time_ms else 0.0
    if contention is not None:
        yield f"The peaks were measured beside other work and were not kept: {contention}."
    yield f"Work is known for {units.share(share)} of the time: {work.flops / 1e9:.1f} GFLOP, {work.bytes / 1e9:.2f} GB"
    yield from slow_gradients(log)
    yield from _doubts([point.placed for point in found])
    yield ""
    yield from _chart(found, peaks, min(width, 100))
    yield ""
    rows = [
        (
            point.name,
            compact(point.use.primitive.problem),
            milliseconds(point.use.execution.total_ms),
            units.fixed(point.placed.gflops or None, 1),
            units.share(point.placed.peak_share or None) + (" !" if point.placed.above_peak else ""),
            units.fixed(point.placed.gb_per_s, 1),
            units.fixed(point.placed.intensity or None, 1),
            units.share(point.placed.roof),
            "caches" if point.placed.from_caches else point.placed.bound.value,
        )
        for point in found[:TOP_ROWS]
    ]
    head = ("PRIMITIVE", "SHAPE", "time ms", "GFLOP/s", "of peak", "GB/s", "FLOP/byte", "of roof", "bound")
    yield from aligned([head, *rows], range(2, 8))


def _doubts(found: Sequence[RooflinePoint]) -> Iterator[str]:
    """What the figures themselves say against the peaks."""
    above = sum(point.above_peak for point in found)
    if above:
        primitives = f"{above} primitives run" if above > 1 else "1 primitive runs"
        yield (
            f"{primitives} above the arithmetic peak (!), which is therefore wrong: it was measured too low, or the "
            "log is of another machine or of more threads. Measure it again on the idle machine: --again."
        )


def slow_gradients(log: PrimitiveLog) -> Iterator[str]:
    """Sentences about gradients that run at a fraction of the forward rate, though they are as much arithmetic."""
    groups: dict[tuple[str, str], list[PrimitiveUse]] = {}
    for use in log.uses:
        groups.setdefault((use.primitive.name, use.primitive.direction), []).append(use)
    for (name, direction), uses in groups.items():
        forward = groups.get((name, "FWD_D")) or groups.get((name, "FWD_I"))
        if not direction.startswith("BWD") or forward is None:
            continue
        ratio = (_rate(uses) or 0.0) / (_rate(forward) or 1.0)
        if 0 < ratio < SLOW_GRADIENT:
            yield f"{name} {direction} runs at {units.ratio(ratio)} the forward rate ({_rate(uses):.0f} GFLOP/s)"


def roofline_svg(log: PrimitiveLog, peaks: Peaks) -> str:
    """The roofline as SVG: both axes are logarithmic, and a point's area is its time."""
    found = [point for point in points(log, peaks) if point.placed.intensity and point.placed.gflops]
    scale = _Scale(found, peaks, 820, 440)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 520" width="900" height="520" '
        'font-family="sans-serif" font-size="13"><rect width="900" height="520" fill="#ffffff"/>'
    ]
    for peak, label in ((peaks.float32_gflops, "float32"), (peaks.bfloat16_gflops, "bfloat16")):
        ridge = peak / peaks.bandwidth_gb_per_s
        path = " ".join(
            f"{60 + scale.x(intensity):.1f},{460 - scale.y(min(peak, intensity * peaks.bandwidth_gb_per_s)):.1f}"
            for intensity in (scale.least_x, min(max(ridge, scale.least_x), scale.most_x), scale.most_x)
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="#555" stroke-width="1.5"/>')
        parts.append(f'<text x="878" y="{454 - scale.y(peak):.1f}" text-anchor="end">{label} {peak:.0f} GFLOP/s</text>')
    for point in found:
        radius = 3 + 22 * (point.use.execution.total_ms / (log.time_ms or 1.0)) ** 0.5
        title = f"{point.name} {compact(point.use.primitive.problem)}: {point.placed.gflops:.1f} GFLOP/s"
        x, y = 60 + scale.x(point.placed.intensity or 1.0), 460 - scale.y(point.placed.gflops)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{_COLOURS[point.placed.bound]}" '
            f'fill-opacity="0.6"><title>{escape(title)}</title></circle>'
        )
    for index, (bound, colour) in enumerate(_COLOURS.items()):
        parts.append(
            f'<circle cx="{80 + 130 * index}" cy="24" r="7" fill="{colour}"/>'
            f'<text x="{94 + 130 * index}" y="29">{bound.value}</text>'
        )
    for power in range(floor(log10(scale.least_x)), floor(log10(scale.most_x)) + 1):
        if scale.least_x <= 10**power <= scale.most_x:
            x = 60 + scale.x(10.0**power)
            parts.append(f'<text x="{x:.1f}" y="480" text-anchor="middle">{10.0**power:g}</text>')
    for power in range(floor(log10(scale.least_y)), floor(log10(scale.most_y)) + 1):
        if scale.least_y <= 10**power <= scale.most_y:
            y = 464 - scale.y(10.0**power)
            parts.append(f'<text x="54" y="{y:.1f}" text-anchor="end">{10.0**power:g}</text>')
    parts.append('<text x="470" y="506" text-anchor="middle">FLOP/byte</text>')
    parts.append('<text x="18" y="260" text-anchor="middle" transform="rotate(-90 18 260)">GFLOP/s</text></svg>')
    return "\n".join(parts) + "\n"


class _Scale:
    """Logarithmic positions in a field of `width` by `height`."""

    def __init__(self, found: Sequence[Point], peaks: Peaks, width: float, height: float) -> None:
        top = max(peaks.float32_gflops, peaks.bfloat16_gflops)
        ridge = top / peaks.bandwidth_gb_per_s
        intensities = [point.placed.intensity or 1.0 for point in found] + [ridge]
        rates = [point.placed.gflops for point in found] + [top]
        self.least_x, self.most_x = min(intensities) / 2, max(intensities) * 2
        self.least_y, self.most_y = max(min(rates) / 2, top / 1e5), max(rates) * 1.5
        self._width, self._height = width, height

    def x(self, intensity: float) -> float:
        return self._width * log10(intensity / self.least_x) / log10(self.most_x / self.least_x)

    def y(self, gflops: float) -> float:
        return self._height * log10(max(gflops, self.least_y) / self.least_y) / log10(self.most_y / self.least_y)


def _chart(found: Sequence[Point], peaks: Peaks, width: int) -> Iterator[str]:
    """The roof as dots, primitives as the first letter of their bound; capitals take more than a tenth of the time."""
    shown = [point for point in found if point.placed.intensity and point.placed.gflops]
    if not shown:
        yield "No primitive does arithmetic."
        return
    columns = width - 10
    scale = _Scale(shown, peaks, columns - 1, _CHART_ROWS - 1)
    cells = [[" "] * columns for _ in range(_CHART_ROWS)]
    peak = max(peaks.gflops(configuration(point.use.primitive)) for point in shown)
    for column in range(columns):
        intensity = scale.least_x * (scale.most_x / scale.least_x) ** (column / (columns - 1))
        row = round(scale.y(min(peak, intensity * peaks.bandwidth_gb_per_s)))
        cells[row][column] = "·"
    whole = sum(point.use.execution.total_ms for point in shown)
    for point in reversed(shown):
        letter = point.placed.bound.value[0]
        large = point.use.execution.total_ms > 0.1 * whole
        row, column = round(scale.y(point.placed.gflops)), round(scale.x(point.placed.intensity or 1.0))
        cells[row][column] = letter.upper() if large else letter
    for row in range(_CHART_ROWS - 1, -1, -1):
        rate = scale.least_y * (scale.most_y / scale.least_y) ** (row / (_CHART_ROWS - 1))
        label = f"{rate:8.3g} " if row % 3 == 1 else " " * 9
        yield f"{label}{''.join(cells[row])}".rstrip()
    left, right = f"{scale.least_x:.2g}", f"{scale.most_x:.3g} FLOP/byte"
    yield f"{'GFLOP/s':>8} {left}{right.rjust(columns - len(left))}"
    yield "         c compute, m memory, o overhead (far below both); capitals: more than a tenth of the time; · roof"


def _rate(uses: Sequence[PrimitiveUse]) -> float | None:
    """GFLOP/s; None if the uses took no time."""
    work, time_ms = work_of_uses(uses)
    return work.flops / time_ms / 1e6 if time_ms else None

"""The distribution of step times over the whole run: a histogram, its quantiles, and the slowest steps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence
from itertools import zip_longest
from math import ceil

from profilednn_tui import units
from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.vocabulary import PHASES
from profilednn_tui.session.model.cores import OTHERS_LIMIT_PERCENT
from profilednn_tui.session.step_times import SlowStep, StepTimes, edge_ns
from profilednn_tui.session.view import Cores, SessionView
from profilednn_tui.tui.renderables.columns import stacked_columns
from profilednn_tui.tui.renderables.line import Line, Span, clip_line, fit_line, line_width
from profilednn_tui.tui.renderables.scale import axis, round_range

TITLE_NOTE = " · distribution"
_QUANTILES = (("median", 0.5), ("p95", 0.95), ("p99", 0.99), ("p5", 0.05))
"""Those that are marked below the histogram, the most important first."""
_LABEL = 7
_LIST_BELOW = 16
"""Height from which on the slowest steps are listed below the histogram."""
_LIST_BESIDE = 72
"""Width from which on there is room for them beside it."""
_LIST_WIDTH = 44
_FEWEST_BARS = 20
_FAR_OUT = 3.0
"""Tukey's far-out values: so many interquartile ranges above the upper quartile (Exploratory Data Analysis, 1977)."""
_LEAST_EXCESS = 1.2
"""Of the median: in a very even training, a step that is a little slower is no outlier."""
_FLAGS = (
    (StepsEvent.FIRST, "the first step"),
    (StepsEvent.WARM_UP, "warm-up of an optimization"),
    (StepsEvent.SWITCHED, "after a switch of settings"),
    (StepsEvent.LAST, "the last step"),
)


def distribution_lines(view: SessionView, width: int, height: int) -> tuple[Line, ...]:
    """The histogram of the plain steps, and the slowest steps beside or below it if there is room."""
    times = view.steps.times
    limit_ns = outlier_limit_ns(times)
    if limit_ns is None:
        return ((("No step yet that no operator window has slowed down.", "muted"),),)
    if height >= _LIST_BELOW:
        above = _histogram(times, limit_ns, width, height // 2)
        return (*above, (), *_slowest(view, limit_ns, width, height - len(above) - 1))
    if width < _LIST_BESIDE:
        return tuple(_histogram(times, limit_ns, width, height))[:height]
    left = width - max(_LIST_WIDTH, width // 3) - 2
    both = zip_longest(
        _histogram(times, limit_ns, left, height), _slowest(view, limit_ns, width - left - 2, height), fillvalue=()
    )
    return tuple((*fit_line(one, left), ("  ", ""), *other) for one, other in both)[:height]


def outlier_limit_ns(times: StepTimes) -> float | None:
    """The duration beyond which a step is an outlier; None as long as there is no plain step."""
    low, middle, high = (times.quantile_ns(fraction) for fraction in (0.25, 0.5, 0.75))
    if low is None or middle is None or high is None:
        return None
    return max(high + _FAR_OUT * (high - low), _LEAST_EXCESS * middle)


def subtitle(times: StepTimes) -> str:
    """Which steps are counted."""
    left_out = f", without {times.left_out:,} in or after an operator window" if times.left_out else ""
    return f"{units.counted(times.plain, 'step')} of the whole run{left_out}"


# ---------------------------------------------------------------- histogram


def _histogram(times: StepTimes, limit_ns: float, width: int, height: int) -> list[Line]:
    """Quantiles in figures, the steps by their time without the outliers, quantiles and times below."""
    usual = [number for number in times.counts if edge_ns(number) <= limit_ns]
    low, high, step = round_range(edge_ns(usual[0]), edge_ns(usual[-1] + 1))
    bar_width = _bar_width(times, high - low, max(1, width - _LABEL))
    columns = max(1, width - _LABEL) // bar_width * bar_width
    counts = _spread(times, low, high, columns // bar_width)
    rows = max(1, height - 3)
    most = max(counts)
    visible = [max(count, most / rows / 8) if count else 0.0 for count in counts]  # one step is a mark, too
    labels = [units.count(round(most)), "steps", *[""] * (rows - 2)][:rows]
    if rows > 2:
        labels[-1] = "0"
    bars = stacked_columns([(count,) for count in visible for _ in range(bar_width)], ("primary",), rows, most)
    cells = {name: _cell(times.quantile_ns(part), low, high, columns) for name, part in _QUANTILES}
    marks = [(cell, name) for name, cell in cells.items() if cell is not None]
    if outliers := times.beyond(limit_ns)[0]:
        marks.insert(1, (columns - 1, f"{units.count(outliers)} above ▸"))
    ticks = [low + number * step for number in range(round((high - low) / step) + 1)]
    values = [(round((tick - low) / (high - low) * columns), units.short(tick / 1e6)) for tick in ticks]
    return [
        _figures(times, width),
        *(((f"{label:>{_LABEL - 1}} ", "muted"), *bar) for label, bar in zip(labels, bars, strict=True)),
        ((" " * _LABEL, ""), *axis("─" * columns, marks)),
        ((f"{'ms':>{_LABEL - 1}} ", "muted"), *axis(" " * columns, [values[0], values[-1], *values[1:-1]])),
    ]


def _bar_width(times: StepTimes, span_ns: float, columns: int) -> int:
    """How many cells a bar takes, so that few steps make no comb: bars as wide as Freedman and Diaconis (1981) advise,
    but `_FEWEST_BARS` or more."""
    low, high = times.quantile_ns(0.25), times.quantile_ns(0.75)
    advised_ns = 2 * ((high or 0.0) - (low or 0.0)) / times.plain ** (1 / 3)
    bars = max(_FEWEST_BARS, span_ns / advised_ns if advised_ns else columns)
    return max(1, int(columns / bars))


def _spread(times: StepTimes, low: float, high: float, columns: int) -> list[float]:
    """The steps in each of the equally wide columns; a bin that lies in several columns is divided among them."""
    scale = columns / (high - low)
    counts = [0.0] * columns
    for number, count in times.counts.items():
        left, right = (edge_ns(number) - low) * scale, (edge_ns(number + 1) - low) * scale
        for column in range(max(0, int(left)), min(columns, ceil(right))):
            counts[column] += count * (min(right, column + 1) - max(left, column)) / (right - left)
    return counts


def _cell(time_ns: float | None, low: float, high: float, columns: int) -> int | None:
    """The column of a time; None beyond the ends."""
    if time_ns is None or not low <= time_ns <= high:
        return None
    return min(columns - 1, int((time_ns - low) / (high - low) * columns))


def _figures(times: StepTimes, width: int) -> Line:
    """The quantiles for which there is room."""
    spans: list[Span] = []
    for name, part in _QUANTILES:
        one: list[Span] = [(f"{name} ", "muted"), (f"{units.milliseconds(times.quantile_ns(part))}  ", "")]
        if line_width((*spans, *one)) <= width + 2:
            spans += one
    return clip_line(tuple(spans), width)


# ---------------------------------------------------------------- outliers


def _slowest(view: SessionView, limit_ns: float, width: int, height: int) -> list[Line]:
    """How many outliers there are and what they take, then the slowest steps and what is known of them."""
    times = view.steps.times
    count, share = times.beyond(limit_ns)
    limit = f"{units.milliseconds(limit_ns)} ms"
    title = f"{units.count(count)} outlier{'' if count == 1 else 's'} above {limit}" if count else "no outliers"
    taken = f": {units.share(share)} of time" if count else f": no plain step above {limit}; slowest:"
    shown = times.slowest[: height - 1]
    number_width = max((len(f"{step.number:,}") for step in shown), default=0)
    usual_ns = {phase.name: phase.median_ns for phase in view.phases}
    starts = frozenset(view.epoch_starts)
    lines: list[Line] = [((title, "bold" if count else "muted"), (taken, "muted"))]
    for step in shown:
        outlier = not step.flags and step.duration_ns > limit_ns
        lines.append((
            (f"step {step.number:>{number_width},} ", "muted"),
            (f"{units.milliseconds(step.duration_ns):>7}  ", "warning" if outlier else ""),
            ("; ".join(_known(step, usual_ns, starts, view.cores)), "" if outlier else "muted"),
        ))  # fmt: skip
    return [clip_line(line, width) for line in lines]


def _known(step: SlowStep, usual_ns: dict[str, float], starts: Container[int], cores: Cores) -> Sequence[str]:
    """What is known of a slow step: its place in the run, the phase that took longer than usual, and other programs."""
    known = [text for flag, text in _FLAGS if step.flags & flag]
    if step.number in starts:
        known.append("new epoch")
    excess = [(time - usual_ns.get(name, 0.0), name) for name, time in zip(PHASES, step.phases_ns, strict=False)]
    most_ns, name = max(excess, default=(0.0, ""))
    if most_ns > 0 and not step.flags:
        known.append(f"{name} +{units.duration(most_ns)}")
    sample = bisect_left(cores.history_unix_ns, step.end_unix_ns)
    if 0 < sample < len(cores.history_unix_ns) and cores.others_history[sample] >= OTHERS_LIMIT_PERCENT:
        known.append(f"others {units.percent(cores.others_history[sample])}")
    return known

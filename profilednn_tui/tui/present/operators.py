"""The operator table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.onednn.roofline import Bound, RooflinePoint
from profilednn_tui.session.operator_rows import RatedOperator
from profilednn_tui.session.view import Operator, OperatorKey, Operators
from profilednn_tui.session.words import change_words, gap_words, operator_name, operator_text, windows_words
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, clip
from profilednn_tui.tui.renderables.sparkline import blocks

NOTABLE_TREND = 0.05
"""Smaller changes between windows are noise and get no arrow."""

_ROOM_FOR_NAMESPACE = 32
_INNERMOST_LIST = re.compile(r"\[([\d, ]*)\]")


@dataclass(frozen=True, slots=True)
class OperatorRow:
    """One operator, with what its cells depend on in the other rows."""

    rated: RatedOperator
    bar: float
    """Self time as a fraction of the hottest operator's."""
    decimals: int
    """Decimals of all times of the table in ms."""

    @property
    def operator(self) -> Operator:
        return self.rated.operator

    @property
    def key(self) -> OperatorKey:
        return self.operator.key


def decimals_for(largest_ns: float) -> int:
    """Decimals of a column in ms: fewer for long times, the same for the whole column."""
    return 3 if largest_ns < 10e6 else 2 if largest_ns < 1e9 else 1


def note(operators: Operators, rows: int) -> str:
    """The text below the table: how much it shows; if step times have changed since the windows, first that."""
    stale = change_words(operators)
    count = len(operators.windows)
    windows = f"window {operators.windows[0]}" if count == 1 else f"median of {count} windows"
    top = "top " if operators.truncated else ""
    self_ms = units.milliseconds(operators.self_ns_per_step)
    gap = gap_words(operators)
    parts = (
        f"{windows_words(operators)}; {stale}" if stale else "",
        f"{top}{rows:,} operators",
        f"{self_ms} ms per step",
        windows if not stale else "",
        f"rows add up to {units.milliseconds(operators.self_ns_per_step - operators.gap_ns_per_step)}" if gap else "",
    )
    return " · ".join(filter(None, parts))


def operator_rows(rated: Sequence[RatedOperator]) -> tuple[OperatorRow, ...]:
    """The rows, with bars and decimals that fit all of them."""
    if not rated:
        return ()
    peak_ns = max(one.operator.self_ns_per_step for one in rated) or 1.0
    decimals = decimals_for(max(one.operator.total_ns_per_step for one in rated))
    return tuple(OperatorRow(one, one.operator.self_ns_per_step / peak_ns, decimals) for one in rated)


def compact_shapes(shapes: str) -> str:
    """``[[32, 3, 8, 8], [8, 3, 3, 3], []]`` as ``32×3×8×8  8×3×3×3``, without the scalars."""
    if not shapes.startswith("["):
        return shapes
    sizes = _INNERMOST_LIST.findall(shapes)
    return "  ".join(size.replace(", ", "×") for size in sizes if size.strip())


def name_line(name: str, width: int) -> Line:
    """An operator's name with its namespace dimmed; a narrow column leaves out the usual namespace."""
    name, kind = operator_name(name)
    if kind:
        return ((clip(name, max(1, width - len(kind) - 1)), ""), (f" {kind}", "faint"))
    namespace, separator, rest = name.partition("::")
    if not separator:
        return ((clip(name, width), ""),)
    if namespace == "aten" and width < _ROOM_FOR_NAMESPACE:
        return ((clip(rest, width), ""),)
    return ((f"{namespace}::", "muted"), (clip(rest, max(1, width - len(namespace) - 2)), ""))


def trend_line(trend: float | None) -> Line:
    """An arrow with the change of the newest window relative to the earlier ones."""
    if trend is None or abs(trend - 1) < NOTABLE_TREND:
        return ()
    arrow, role = ("▲", "warning") if trend > 1 else ("▼", "success")
    change = units.ratio(trend) if trend >= 2 else units.share(abs(trend - 1))
    return ((f"{arrow} {change}", role),)


def history_line(history: Sequence[int | None], width: int) -> Line:
    """The self time in the newest windows from zero up, relative to the longest; a blank where it is not known."""
    newest = history[-width:]
    longest = max((value for value in newest if value is not None), default=0)
    text = "".join(" " if value is None else blocks((value,), 1, longest) for value in newest)
    return ((text.rjust(width), "primary"),) if longest else ()


def modules_line(modules: Sequence[str], width: int) -> Line:
    if not modules:
        return ()
    more = f" +{len(modules) - 1}" if len(modules) > 1 else ""
    return ((clip(modules[0], max(1, width - len(more)), keep_end=True), "muted"), (more, "faint"))


def _ms(duration_ns: float, row: OperatorRow, role: str = "") -> Line:
    return ((units.fixed(duration_ns / 1e6, row.decimals), role),)


def _share(row: OperatorRow, width: int) -> Line:
    number = units.fixed(row.operator.share * 100, 1)
    bar_width = width - 6
    drawn = bar(row.bar, bar_width, "primary") if bar_width > 0 else ()
    return ((number.rjust(5), ""), (" ", ""), *drawn)


def _average_ns(row: OperatorRow) -> float:
    calls = row.operator.calls_per_step
    return row.operator.total_ns_per_step / calls if calls else 0.0


PASSES = {"data": "data", "forward": "fwd", "loss": "loss", "backward": "bwd", "optimizer": "opt", "inference": "eval"}
"""Short names of phases."""


def pass_phase(operator: Operator) -> str:
    """The phase that an operator belongs to: backward for what the autograd engine runs, wherever that is called.

    Recordings of early versions tell only that; there, the rest of a model's operators is taken for forward.
    """
    if operator.backward:
        return "backward"
    return operator.phase or ("forward" if operator.modules else "")


def _pass(row: OperatorRow, width: int) -> Line:
    phase = pass_phase(row.operator)
    return ((PASSES[phase], f"phase-{phase}"),) if phase in PASSES else ()


def _doubt(point: RooflinePoint) -> str:
    """The role of a figure that is wrong if it lies above the peak."""
    return "error" if point.above_peak else ""


def _rate(row: OperatorRow, width: int) -> Line:
    gflops = row.rated.gflops
    return ((units.fixed(gflops, 1), ""),) if gflops is not None else ()


def _peak(row: OperatorRow, width: int) -> Line:
    point = row.rated.point
    if point is None:
        return ()
    return ((units.fixed(point.peak_share * 100, 1) + ("!" if point.above_peak else ""), _doubt(point)),)


def _bound(row: OperatorRow, width: int) -> Line:
    point = row.rated.point
    if point is None:
        return ()
    if point.above_peak:
        return (("peak?", _doubt(point)),)
    bound = "caches" if point.from_caches else point.bound.value
    return ((bound, "warning" if point.bound is Bound.OVERHEAD else "muted"),)


COLUMNS: tuple[Column[OperatorRow], ...] = (
    Column("operator", 22, lambda row, width: name_line(row.key.name, width), lambda row: row.key.name,
           descending=False, right=False, grow=4, most=44),
    Column("input shapes", 16, lambda row, width: ((clip(compact_shapes(row.key.input_shapes), width), "muted"),),
           lambda row: row.key.input_shapes, descending=False, right=False, grow=3, most=56, drop=2),
    Column("pass", 4, _pass, lambda row: PASSES.get(pass_phase(row.operator), ""), right=False, drop=3),
    Column("self ms", 8, lambda row, width: _ms(row.operator.self_ns_per_step, row),
           lambda row: row.operator.self_ns_per_step),
    Column("share %", 12, _share, lambda row: row.operator.share, right=False, grow=1, most=22),
    Column("calls", 6, lambda row, width: ((units.count(row.operator.calls_per_step), ""),),
           lambda row: row.operator.calls_per_step, drop=1),
    Column("avg ms", 7, lambda row, width: _ms(_average_ns(row), row, "muted"), _average_ns, drop=6),
    Column("total ms", 9, lambda row, width: _ms(row.operator.total_ns_per_step, row, "muted"),
           lambda row: row.operator.total_ns_per_step, drop=5),
    Column("GFLOP/s", 8, _rate, lambda row: row.rated.gflops, drop=9),
    Column("peak %", 6, _peak, lambda row: row.rated.point.peak_share if row.rated.point else None, drop=10),
    Column("bound", 8, _bound, lambda row: row.rated.point.bound.value if row.rated.point else None, descending=False,
           right=False, drop=11),
    Column("trend", 7, lambda row, width: trend_line(row.operator.trend), lambda row: row.operator.trend, drop=7),
    Column("history", 8, lambda row, width: history_line(row.operator.history, width), grow=1, most=24, drop=4),
    Column("module", 16, lambda row, width: modules_line(row.operator.modules, width),
           lambda row: row.operator.modules[:1], descending=False, right=False, grow=2, most=48, drop=8),
)  # fmt: skip


def search_text(row: OperatorRow) -> str:
    """What `/` searches."""
    shapes, modules = compact_shapes(row.key.input_shapes), " ".join(row.operator.modules)
    return f"{operator_text(row.key.name)} {row.key.name} {shapes} {modules}"


def copy_text(row: OperatorRow) -> str:
    """What `y` copies: one line of tab-separated values."""
    operator = row.operator
    return "\t".join((
        operator.key.name, operator.key.input_shapes, f"{units.milliseconds(operator.self_ns_per_step)} ms self/step",
        units.share(operator.share), f"{units.counted(operator.calls_per_step, 'call')}/step",
    ))  # fmt: skip

"""A comparison as lines and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profilednn_tui import units
from profilednn_tui.compare.alignment import Aligned, Change, ModuleName, OperatorName, RankPart
from profilednn_tui.compare.certificate import Certificate, Sameness
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.compare.verdict import Outcome, Verdict
from profilednn_tui.export.comparison import words
from profilednn_tui.session.view import Steps
from profilednn_tui.session.words import operator_text
from profilednn_tui.tui.present.operators import compact_shapes, decimals_for, name_line
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.bars import bar
from profilednn_tui.tui.renderables.line import Line, Span, clip, clip_line, fit_line, wrap
from profilednn_tui.tui.renderables.sparkline import braille

STEPS, OPERATORS, PHASES, FIGURES, LOSSES, MODULES, NOTES = PARTS = (
    "step-times", "operator-changes", "phase-changes", "figures", "losses", "module-changes", "notes",
)  # fmt: skip
"""Part 1 to part 7 of the compare screen."""

OUTCOME_ROLES = {
    Outcome.FASTER: "bold success",
    Outcome.SLOWER: "bold error",
    Outcome.NO_DIFFERENCE: "bold",
    Outcome.NOT_JUDGED: "bold",
    Outcome.NOT_COMPARABLE: "bold warning",
}
_CHANGE_ROLES = {
    Change.ADDED: "warning",
    Change.GONE: "success",
    Change.GROWN: "warning",
    Change.NOT_JUDGED: "muted",
    Change.FEW_RUNS: "muted",
    Change.SHRUNK: "success",
    Change.UNCHANGED: "muted",
}
BASELINE_ROLE, CANDIDATE_ROLE = "secondary", "primary"

LONGEST_SHARE = 0.98
"""Share of the steps up to which the distribution is drawn: single outliers would squeeze the rest into one line."""
_LABEL_WIDTH = 9


def summary_lines(comparison: Comparison, width: int) -> tuple[Line, ...]:
    """Verdict, steps and losses, one line each."""
    verdict = comparison.verdict
    figures = words.whole_verdict_text(verdict).removeprefix(verdict.outcome.value)
    losses = comparison.losses
    role = "bold error" if losses.changes_training else ""
    rows: tuple[tuple[str, tuple[Span, ...]], ...] = (
        ("verdict", ((verdict.outcome.value, OUTCOME_ROLES[verdict.outcome]), (figures, ""))),
        ("steps", ((words.steps_text(comparison), ""),)),
        ("losses", ((words.losses_text(losses), role),)),
    )
    return tuple(fit_line(((f" {label:8}", "muted"), *spans), width) for label, spans in rows)


def distribution_lines(comparison: Comparison, width: int, height: int) -> tuple[Line, ...]:
    """The step times of both sides as two histograms over one axis, shortest on top; medians are marked."""
    sides = [_durations_ns(series) for series in (comparison.baseline_steps, comparison.candidate_steps)]
    both = np.concatenate(sides)
    if not len(both):
        return ((("No steps to show.", "muted"),),)
    low, high = float(both.min()), float(np.quantile(both, LONGEST_SHARE))
    bins = max(1, height - 1)
    edges = np.linspace(low, max(high, low * 1.001), bins + 1)
    counts = [np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] / max(1, len(side)) for side in sides]
    peak = max(float(count.max()) for count in counts) or 1.0
    medians = [
        int(np.clip(np.searchsorted(edges, np.median(s), "right") - 1, 0, bins - 1)) if len(s) else -1 for s in sides
    ]
    bar_width = max(1, (width - _LABEL_WIDTH - 4) // 2)
    names = (comparison.baseline.name, comparison.candidate.name)
    heads = [fit_line(((clip(name, bar_width), role),), bar_width)
             for name, role in zip(names, (BASELINE_ROLE, CANDIDATE_ROLE), strict=True)]  # fmt: skip
    lines: list[Line] = [((" " * (_LABEL_WIDTH + 2), ""), *heads[0], (" ", ""), *heads[1])]
    for index in range(bins):
        label = units.milliseconds((edges[index] + edges[index + 1]) / 2).rjust(_LABEL_WIDTH)
        spans: list[Span] = [(label, "muted")]
        for side, role in enumerate((BASELINE_ROLE, CANDIDATE_ROLE)):
            mark = "◆" if index == medians[side] else " "
            spans += [(mark, f"bold {role}"), *bar(float(counts[side][index]) / peak, bar_width, role)]
        lines.append(tuple(spans))
    return tuple(lines)


def loss_lines(comparison: Comparison, width: int, height: int) -> tuple[Line, ...]:
    """The loss curves, one above the other on the same steps."""
    losses = comparison.losses
    role = "bold error" if losses.changes_training else "bold"
    lines: list[Line] = list(wrap(words.losses_text(losses), width, role))
    sides = (comparison.baseline, BASELINE_ROLE), (comparison.candidate, CANDIDATE_ROLE)
    rows = max(1, (height - len(lines) - 2) // 2)
    for side, colour in sides:
        steps = side.runs[0].view.steps if side.runs else Steps()
        known = [loss for loss in steps.losses if loss is not None]
        ends = f"{units.loss(known[0])} -> {units.loss(known[-1])}" if known else "no losses"
        lines.append(((clip(side.name, max(4, width - len(ends) - 2)), colour), (f"  {ends}", "muted")))
        lines += [((text, colour),) for text in braille(_shortened(steps.losses, 2 * width), width, rows)]
    return tuple(lines[:height])


def figure_lines(comparison: Comparison, width: int) -> tuple[Line, ...]:
    """Memory, faults and processors of both sides."""
    lines = []
    for figure in comparison.figures:
        before, after = words.figure_texts(figure)
        lines.append(fit_line(((f"{clip(figure.name, 20):20} ", "muted"), (f"{before:>9}", ""), (" -> ", "faint"),
                               (f"{after:>9}", "")), width))  # fmt: skip
    return tuple(lines)


def note_lines(comparison: Comparison, width: int) -> tuple[Line, ...]:
    """What to know in addition to the verdict, reasons first."""
    texts = [(reason, "warning") for reason in comparison.verdict.reasons]
    texts += [*_certificate_note(comparison.certificate), *((note, "") for note in comparison.notes)]
    if not texts:
        return ((("Nothing to note.", "muted"),),)
    return tuple(line for text, role in texts for line in wrap(f"· {text}", width, role))


def _certificate_note(certificate: Certificate | None) -> tuple[tuple[str, str], ...]:
    if certificate is None:
        return ()
    role = "bold error" if certificate.sameness is Sameness.DIFFERENT else ""
    return ((f"training: {words.certificate_text(certificate)}", role),)


@dataclass(frozen=True, slots=True)
class PartRow:
    """One operator, module or phase on both sides."""

    name: str
    detail: str
    aligned: Aligned[object]
    bar: float
    """Its difference as a fraction of the largest one."""
    decimals: int

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.detail


def operator_rows(comparison: Comparison) -> tuple[PartRow, ...]:
    return _rows([(operator_text(row.key.name), row.key.input_shapes, row) for row in comparison.operators])


def module_rows(comparison: Comparison) -> tuple[PartRow, ...]:
    return _rows([(row.key.path, row.key.class_name, row) for row in comparison.modules])


def phase_rows(comparison: Comparison) -> tuple[PartRow, ...]:
    """The phases, and of each rank that changed what its step consists of."""
    return _rows([
        *((row.key, "", row) for row in comparison.phases),
        *((f"rank {row.key.rank}: {row.key.part}", "", row) for row in words.of_ranks(comparison)),
    ])  # fmt: skip


def _rows(
    parts: Sequence[tuple[str, str, Aligned[OperatorName] | Aligned[ModuleName] | Aligned[RankPart] | Aligned[str]]],
) -> tuple[PartRow, ...]:
    if not parts:
        return ()
    peak_ns = max(abs(row.difference_ns) for _, _, row in parts) or 1.0
    decimals = decimals_for(max(max(row.baseline_ns or 0.0, row.candidate_ns or 0.0) for _, _, row in parts))
    return tuple(
        PartRow(
            name, detail,
            Aligned(name, row.baseline_ns, row.candidate_ns, row.change, row.baseline_calls, row.candidate_calls),
            abs(row.difference_ns) / peak_ns, decimals,
        )
        for name, detail, row in parts
    )  # fmt: skip


def _ms(duration_ns: float | None, row: PartRow) -> Line:
    return ((units.fixed(None if duration_ns is None else duration_ns / 1e6, row.decimals), ""),)


def _difference(row: PartRow, width: int) -> Line:
    role = _CHANGE_ROLES[row.aligned.change]
    value = row.aligned.difference_ns / 1e6
    return ((f"{value:+.{row.decimals}f}", role),)


def _bar(row: PartRow, width: int) -> Line:
    return bar(row.bar, width, _CHANGE_ROLES[row.aligned.change])


_TIMES: tuple[Column[PartRow], ...] = (
    Column("base ms", 7, lambda row, width: _ms(row.aligned.baseline_ns, row), lambda row: row.aligned.baseline_ns),
    Column("now ms", 7, lambda row, width: _ms(row.aligned.candidate_ns, row), lambda row: row.aligned.candidate_ns),
    Column("diff ms", 8, _difference, lambda row: abs(row.aligned.difference_ns)),
    Column("change", 8, lambda row, width: ((words.change_text(row.aligned), _CHANGE_ROLES[row.aligned.change]),),
           lambda row: row.aligned.change.value, descending=False, drop=2),
)  # fmt: skip

PHASE_COLUMNS: tuple[Column[PartRow], ...] = (
    Column("phase", 9, lambda row, width: ((row.name, f"phase-{row.name}"),), right=False),
    *_TIMES,
)

OPERATOR_COLUMNS: tuple[Column[PartRow], ...] = (
    Column("operator", 18, lambda row, width: name_line(row.name, width), lambda row: row.name, descending=False,
           right=False, grow=3, most=40),
    Column("input shapes", 12, lambda row, width: ((clip(compact_shapes(row.detail), width), "muted"),),
           lambda row: row.detail, descending=False, right=False, grow=3, most=56, drop=1),
    *_TIMES,
    Column("", 8, _bar, right=False, grow=1, most=20, drop=3),
)  # fmt: skip

MODULE_COLUMNS: tuple[Column[PartRow], ...] = (
    Column("module", 20, lambda row, width: ((clip(row.name or row.detail, width, keep_end=True), ""),),
           lambda row: row.name, descending=False, right=False, grow=3, most=48),
    Column("class", 14, lambda row, width: ((clip(row.detail, width), "muted"),), lambda row: row.detail,
           descending=False, right=False, grow=1, most=28, drop=1),
    *_TIMES,
    Column("", 8, _bar, right=False, grow=1, most=20, drop=3),
)  # fmt: skip


def part_text(row: PartRow) -> str:
    """What `/` searches."""
    return f"{row.name} {row.detail} {row.aligned.change.value}"


def part_copy(row: PartRow) -> str:
    """What `y` copies: tab-separated values."""
    before, after = (units.milliseconds(ns) for ns in (row.aligned.baseline_ns, row.aligned.candidate_ns))
    return "\t".join((row.name, row.detail, f"{before} ms", f"{after} ms", words.change_text(row.aligned)))


@dataclass(frozen=True, slots=True)
class RunRow:
    """One line of the run list."""

    key: str
    name: str
    variant: str
    age: str
    verdict: Verdict | None = None
    """None until it is known."""
    losses: str = ""
    failure: str = ""
    """Why there is no comparison."""


def _run_verdict(row: RunRow, width: int) -> Line:
    if row.failure:
        return ((clip(row.failure, width), "warning"),)
    verdict = row.verdict
    if verdict is None:
        return (("reading …", "faint"),)
    interval = verdict.interval
    figures = f" {units.change(interval.ratio)} {words.interval_text(interval)}" if interval is not None else ""
    return clip_line(((verdict.outcome.value, OUTCOME_ROLES[verdict.outcome]), (figures, "muted")), width)


def run_columns(other: str) -> tuple[Column[RunRow], ...]:
    """The columns of the run list; `other` is the side whose median step is shown."""

    def median_ns(row: RunRow) -> float | None:
        verdict = row.verdict
        return None if verdict is None else verdict.baseline_ns if other == "baseline" else verdict.candidate_ns

    return (
        Column("run", 16, lambda row, width: ((clip(row.name, width), ""),), lambda row: row.name, descending=False,
               right=False, grow=1, most=36),
        Column("variant", 10, lambda row, width: ((clip(row.variant, width), "muted"),), lambda row: row.variant,
               descending=False, right=False, grow=2, most=48, drop=2),
        Column("age", 12, lambda row, width: ((row.age, "muted"),), drop=3),
        Column("median", 9, lambda row, width: ((units.duration(median_ns(row)), ""),), median_ns),
        Column("verdict", 48, _run_verdict, right=False, grow=2, most=60),
        Column("losses", 14, lambda row, width: ((clip(row.losses, width), "muted"),), right=False, grow=1, most=28,
               drop=1),
    )  # fmt: skip


def _durations_ns(series: Sequence[FairSteps]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.concatenate([steps.durations_ns for steps in series]) if series else np.empty(0)


def _shortened(values: Sequence[float | None], count: int) -> Sequence[float | None]:
    """At most `count` values, evenly chosen; non-finite values leave a gap."""
    finite = [value if value is not None and np.isfinite(value) else None for value in values]
    if len(finite) <= count:
        return finite
    return [finite[round(index * (len(finite) - 1) / (count - 1))] for index in range(count)]

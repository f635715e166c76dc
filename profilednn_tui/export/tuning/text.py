"""The result of a search for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from profilednn_tui import units
from profilednn_tui.compare.factorial import Effect
from profilednn_tui.compare.tuning import TuneReport
from profilednn_tui.export.comparison.words import whole_verdict_text
from profilednn_tui.export.tuning import words
from profilednn_tui.export.tuning.by_hand import by_hand_lines
from profilednn_tui.plain import plain
from profilednn_tui.tables import aligned

LABEL_WIDTH = 12


def tuning_text(report: TuneReport) -> str:
    """The winner, its proof, how to use it, and what each candidate did."""
    return "".join(f"{plain(line)}\n" for line in _lines(report))


def _lines(report: TuneReport) -> Iterator[str]:
    yield _labelled("fastest", words.result_text(report))
    if report.comparison is not None:
        compared = f"{report.comparison.candidate.name} against {report.comparison.baseline.name}"
        yield _labelled("proof", f"{compared}: {whole_verdict_text(report.comparison.verdict)}")
        yield _labelled("training", words.training_text(report))
    yield _labelled("time", f"{units.duration(report.duration_s * 1e9)}{_unfinished(report)}")
    if report.recipe:
        yield _labelled("recipe", report.recipe)
    for line in words.use_lines(report):
        yield _labelled("use it", line)
    if report.winner is not None:
        label = "by hand"
        for line in by_hand_lines(report.winner, report.words):
            yield _labelled(label, line)
            label = ""
    yield from _effects("Switched between steps, beside all others:", report.factors)
    yield from (f"  {words.pair_text(*pair)}" for pair in report.pairs)
    yield from _effects("In processes of their own:", report.raced)
    if report.eliminated:
        yield from ("", "Out:")
        yield from (f"  {one.name}: {one.reason}" for one in report.eliminated)


def _effects(title: str, effects: Sequence[Effect]) -> Iterator[str]:
    if effects:
        yield from ("", title)
        ordered = sorted(effects, key=lambda one: one.ratio)
        rows = [(*words.effect_cells(one)[:3], units.counted(one.steps, "step")) for one in ordered]
        yield from (f"  {line}" for line in aligned(rows, right=(1, 3)))


def _unfinished(report: TuneReport) -> str:
    return f", {report.unfinished}" if report.unfinished else ""


def _labelled(label: str, text: str) -> str:
    return f"{label:{LABEL_WIDTH}}{text}"

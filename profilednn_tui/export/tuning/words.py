"""The phrases common to all reports of a search."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from profilednn_tui import units
from profilednn_tui.compare.factorial import Effect
from profilednn_tui.compare.tuning import TuneReport, Winner
from profilednn_tui.export.comparison import words as comparison_words


def setting_text(winner: Winner) -> str:
    """``channels_last, OMP_NUM_THREADS=2``"""
    settings = (f"{name}={value}" for name, value in winner.environment.items())
    return ", ".join([*winner.optimizations, *settings])


def result_text(report: TuneReport) -> str:
    """The result in one sentence."""
    if report.winner is None or report.comparison is None:
        tried = report.factors or report.raced or report.comparison
        found = "nothing better than stock was proven" if tried else "unknown, as nothing was tried"
        return f"{found} before the search ended early" if report.unfinished else found
    interval = report.comparison.verdict.interval
    assert interval is not None
    speed = f"{units.ratio(1 / interval.ratio)} as fast ({1 / interval.high:.2f} to {1 / interval.low:.2f})"
    return f"{setting_text(report.winner)}: {speed}"


def effect_cells(effect: Effect) -> tuple[str, str, str, str]:
    """Name, change, interval and number of steps."""
    interval = f"({units.change(effect.low)} to {units.change(effect.high)})"
    return effect.name, units.change(effect.ratio), interval, units.count(effect.steps)


def pair_text(first: str, second: str, factor: float) -> str:
    """``bf16 and channels_last together: -4.0 % beside their own effects``"""
    return f"{first} and {second} together: {units.change(factor)} beside their own effects"


def training_text(report: TuneReport) -> str:
    """Whether the winner trains the same; empty if nothing was compared."""
    if report.comparison is None:
        return ""
    losses = f"losses {comparison_words.losses_text(report.comparison.losses)}"
    certificate = report.comparison.certificate
    return losses if certificate is None else f"{losses}; {comparison_words.certificate_text(certificate)}"


def threads_text(own: int, best: int, effects: Sequence[Effect]) -> str:
    """Which number of threads is best, and what each of the others does beside the program's own."""
    others = "; ".join(f"{name} {change} {interval}" for name, change, interval, _ in map(effect_cells, effects))
    if best == own:
        return f"best: {own} {_threads(own)}, as it is ({others})"
    return f"best: {best} {_threads(best)} instead of {own} ({others})"


def _threads(count: int) -> str:
    return "thread" if count == 1 else "threads"


def use_lines(report: TuneReport) -> Sequence[str]:
    """The commands that use the recipe."""
    if not report.recipe or not report.words:
        return ()
    recipe = shlex.quote(report.recipe)
    return (f"profilednn-tui run --recipe {recipe} {shlex.join(report.words)}",)

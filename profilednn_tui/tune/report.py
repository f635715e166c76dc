"""What a search has found so far, from its folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from profilednn_tui.compare.certificate import Sameness
from profilednn_tui.compare.comparison import Comparison, idle_in
from profilednn_tui.compare.factorial import Estimate
from profilednn_tui.compare.tuning import Eliminated, TuneReport, Winner
from profilednn_tui.compare.verdict import Outcome
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.sides import experiment_report
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.session.view import Optimization
from profilednn_tui.tune.record import SHOOTOUT_FOLDER, load_search


def report_of(folder: Path, unfinished: str = "") -> TuneReport:
    """What a search has found so far."""
    record = load_search(folder)
    comparisons = _comparisons(folder)
    proven = [one for one in comparisons if _is_proven(one)]
    winner, comparison = None, comparisons[0] if comparisons else None
    idle: tuple[Optimization, ...] = ()
    if proven:
        comparison = min(proven, key=_ratio)
        variant = next(one for one in record.finalists or () if one.name == comparison.candidate.name)
        idle = idle_in(comparison.candidate.runs, variant.optimizations)
        names = tuple(name for name in variant.optimizations if name not in {one.name for one in idle})
        winner = Winner(names, variant.environment) if names or variant.environment else None
    estimate = record.estimate or Estimate()
    return TuneReport(
        name=record.base.name,
        winner=winner,
        comparison=comparison,
        factors=estimate.effects,
        pairs=estimate.pairs,
        raced=record.raced,
        eliminated=(
            *record.left_out,
            *(Eliminated(one.name, f"in the shootout, {one.state} {one.text}".strip()) for one in idle),
            *_disproved(comparisons, record.finalists or (), unfinished),
        ),
        duration_s=record.duration_s,
        words=record.base.words,
        step_ns=None if record.plain is None else record.plain.step_ns,
        unfinished=unfinished,
    )


def uncertified_winner(folder: Path) -> str | None:
    """The candidate that will win if a certificate does not say that it trains differently; None if none has to."""
    faster = [one for one in _comparisons(folder) if one.verdict.outcome is Outcome.FASTER]
    for one in sorted(faster, key=_ratio):
        if one.certificate is None:
            return one.candidate.name
        if _is_proven(one):
            return None
    return None


def _ratio(comparison: Comparison) -> float:
    interval = comparison.verdict.interval
    return interval.ratio if interval is not None else math.inf


def _is_proven(comparison: Comparison) -> bool:
    """Whether a candidate is faster and trains the same."""
    certificate = comparison.certificate
    differs = certificate is not None and certificate.sameness is Sameness.DIFFERENT
    return comparison.verdict.outcome is Outcome.FASTER and not comparison.losses.changes_training and not differs


def _comparisons(folder: Path) -> tuple[Comparison, ...]:
    with suppress(ProfilerError):  # no shootout yet, or none of its runs
        return experiment_report(folder / SHOOTOUT_FOLDER).comparisons
    return ()


def _disproved(comparisons: Sequence[Comparison], finalists: Sequence[Variant], unfinished: str) -> list[Eliminated]:
    """The finalists that were not better than stock, or that train differently."""
    if unfinished:
        return []
    settings = {one.name: one.text for one in finalists}
    out = []
    for one in comparisons:
        certificate = one.certificate
        if one.losses.changes_training:
            out.append(Eliminated(one.candidate.name, f"it trains differently: losses {one.losses.text}"))
        elif certificate is not None and certificate.sameness is Sameness.DIFFERENT:
            out.append(Eliminated(one.candidate.name, f"it trains differently: {certificate.text}"))
        elif one.verdict.outcome is not Outcome.FASTER:
            setting = settings.get(one.candidate.name, one.candidate.name)
            out.append(Eliminated(one.candidate.name, f"{setting}, in the shootout: {one.verdict.outcome.value}"))
    return out

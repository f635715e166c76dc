"""Comparisons as JSON: schema ``profilednn.comparison/1`` for one, ``profilednn.experiment/1`` for several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from profilednn_tui.compare.ablation import Ablation
from profilednn_tui.compare.alignment import Aligned
from profilednn_tui.compare.certificate import Certificate
from profilednn_tui.compare.comparison import Comparison
from profilednn_tui.compare.intervals import CONFIDENCE, Interval
from profilednn_tui.compare.runs import Side
from profilednn_tui.compare.samples import FairSteps
from profilednn_tui.export.comparison import words
from profilednn_tui.export.comparison.report import Report

COMPARISON, EXPERIMENT = "profilednn.comparison/1", "profilednn.experiment/1"

_NS_PER_MS = 1e6


def json_text(report: Report) -> str:
    """A single comparison, or an object with a list of them; times are in ms, changes in percent of the baseline."""
    documents = [document(comparison, report.limit) for comparison in report.comparisons]
    body: dict[str, Any] = {
        "schema": EXPERIMENT,
        "name": report.name,
        "comparisons": documents,
        "ablation": None if report.ablation is None else _ablation(report.ablation),
        "notes": list(report.notes),
    }
    only = len(documents) == 1 and report.ablation is None
    return json.dumps(documents[0] if only else body, indent=1, allow_nan=False) + "\n"


def document(comparison: Comparison, limit: float) -> dict[str, Any]:
    """One comparison as JSON-compatible values."""
    verdict, losses = comparison.verdict, comparison.losses
    return {
        "schema": COMPARISON,
        "verdict": verdict.outcome.value,
        "reasons": list(verdict.reasons),
        "step_time": _interval(verdict.interval),
        "precision": _precision(verdict.interval, limit),
        "losses": {**asdict(losses), "agreement": losses.agreement.value},
        "certificate": None if comparison.certificate is None else certificate_values(comparison.certificate),
        "warm_up_steps": comparison.warm_up_steps,
        "baseline": _side(comparison.baseline, verdict.baseline_ns, comparison.baseline_steps),
        "candidate": _side(comparison.candidate, verdict.candidate_ns, comparison.candidate_steps),
        "phases": [{"name": row.key, **_times(row)} for row in comparison.phases],
        "ranks": [{**asdict(row.key), **_times(row)} for row in comparison.ranks],
        "operators": [{**asdict(row.key), **_times(row)} for row in comparison.operators],
        "modules": [{"path": row.key.path, "class": row.key.class_name, **_times(row)} for row in comparison.modules],
        "figures": [asdict(figure) for figure in comparison.figures],
        "notes": list(comparison.notes),
    }


def certificate_values(certificate: Certificate) -> dict[str, Any]:
    """The result of a certificate, without its figures for each step."""
    return {
        "sameness": certificate.sameness.value,
        "text": words.certificate_text(certificate),
        "steps": certificate.steps,
        "recorded_steps": certificate.recorded,
        "precision": None if certificate.precision is None else certificate.precision.name.lower(),
        "largest": None if certificate.largest is None else asdict(certificate.largest),
        "reasons": list(certificate.reasons),
    }


def _interval(interval: Interval | None) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {
        "ratio": interval.ratio,
        "change_percent": 100 * (interval.ratio - 1),
        "low_percent": 100 * (interval.low - 1),
        "high_percent": 100 * (interval.high - 1),
        "confidence": CONFIDENCE,
        "smallest_difference_percent": 100 * interval.smallest_difference,
        "spread_assumed": interval.assumed,
        "pairs": interval.pairs,
    }


def _precision(interval: Interval | None, limit: float) -> dict[str, Any] | None:
    if interval is None:
        return None
    return {
        "limit_percent": 100 * limit,
        "more_runs": interval.more_runs(limit),
        "spread_percent": None if interval.floor is None else 100 * interval.floor.deviation,
        "spread_degrees": None if interval.floor is None else interval.floor.degrees,
    }


def _side(side: Side, median_ns: float | None, series: Sequence[FairSteps]) -> dict[str, Any]:
    return {
        "name": side.name,
        "median_ms": None if median_ns is None else median_ns / _NS_PER_MS,
        "optimizations": list(side.runs[0].view.target.optimizations) if side.runs else [],
        "runs": [run.name for run in side.runs],
        "left_out_runs": [run.name for run in side.left_out],
        "steps": [len(steps) for steps in series],
        "run_medians_ms": [steps.median_ns / _NS_PER_MS for steps in series],
    }


def _times(row: Aligned[Any]) -> dict[str, Any]:
    return {
        "baseline_ms": None if row.baseline_ns is None else row.baseline_ns / _NS_PER_MS,
        "candidate_ms": None if row.candidate_ns is None else row.candidate_ns / _NS_PER_MS,
        "baseline_calls": row.baseline_calls,
        "candidate_calls": row.candidate_calls,
        "change": row.change.value,
    }


def _ablation(ablation: Ablation) -> dict[str, Any]:
    return {
        "total": _interval(ablation.total),
        "contributions": [
            {
                "optimization": row.optimization,
                "left_out": _interval(row.left_out),
                "alone": _interval(row.alone),
            }
            for row in ablation.rows
        ],
        "product_left_out": ablation.product_left_out,
        "product_alone": ablation.product_alone,
    }

"""The result of a search for programs: schema ``profilednn.tune/1``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from profilednn_tui.compare.factorial import Effect
from profilednn_tui.compare.tuning import TuneReport
from profilednn_tui.export.comparison.json_comparison import document
from profilednn_tui.export.comparison.words import LIMIT
from profilednn_tui.export.tuning.by_hand import by_hand_lines
from profilednn_tui.export.tuning.words import training_text

SCHEMA = "profilednn.tune/1"


def json_text(report: TuneReport) -> str:
    """The document; ``verdict`` is that of ``compare --json``, and null before there is one."""
    winner = report.winner
    body = {
        "schema": SCHEMA,
        "winner": None
        if winner is None
        else {"optimizations": list(winner.optimizations), "environment": dict(winner.environment)},
        "verdict": None if report.comparison is None else document(report.comparison, LIMIT),
        "losses": training_text(report),
        "step_ms": None if report.step_ns is None else report.step_ns / 1e6,
        "factors": _effects(report.factors),
        "pairs": [{"names": [first, second], "factor": factor} for first, second, factor in report.pairs],
        "raced": _effects(report.raced),
        "eliminated": [{"name": one.name, "reason": one.reason} for one in report.eliminated],
        "recipe": report.recipe or None,
        "by_hand": [] if winner is None else list(by_hand_lines(winner, report.words)),
        "duration_s": round(report.duration_s, 1),
        "unfinished": report.unfinished,
    }
    return json.dumps(body, indent=1, allow_nan=False) + "\n"


def _effects(effects: Sequence[Effect]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "ratio": one.ratio, "low": one.low, "high": one.high, "steps": one.steps} for one in effects
    ]

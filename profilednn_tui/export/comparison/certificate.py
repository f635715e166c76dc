"""Certificates with their figures for every step, as JSON (schema ``profilednn.certificate/1``) and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from profilednn_tui.compare.certificate import Certificate, GroupRecord
from profilednn_tui.export.comparison import words
from profilednn_tui.export.comparison.json_comparison import certificate_values
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.export.session.markdown import section
from profilednn_tui.tables import escape

SCHEMA = "profilednn.certificate/1"
COLUMNS = (", baseline", ", candidate", ", deviation")
Pair = tuple[float | None, float | None]


def certificate_json(report: Report) -> str:
    """Of each pair, the first figure is the baseline's; figures that are not finite are null."""
    body = {
        "schema": SCHEMA,
        "name": report.name,
        "certificates": [
            {
                "baseline": comparison.baseline.name,
                "candidate": comparison.candidate.name,
                **certificate_values(comparison.certificate),
                "losses": [list(map(_finite, pair)) for pair in comparison.certificate.losses],
                "groups": [_group(group) for group in comparison.certificate.groups],
            }
            for comparison in report.comparisons
            if comparison.certificate is not None
        ],
    }
    return json.dumps(body, indent=1, allow_nan=False) + "\n"


def _group(group: GroupRecord) -> dict[str, Any]:
    return {
        "optimizer": group.optimizer,
        "group": group.group,
        "parameters": group.parameters,
        "gradient_norms": [list(map(_finite, pair)) for pair in _gradients(group)],
        "movements": [list(map(_finite, pair)) for pair in _movements(group)],
    }


def certificate_markdown(report: Report) -> str:
    """One section for each candidate, with one table of losses and one for each parameter group."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# {escape(report.name)}", "")
    for comparison in report.comparisons:
        if comparison.certificate is None:
            continue
        yield from (f"## {escape(comparison.candidate.name)} against {escape(comparison.baseline.name)}", "")
        yield from (escape(words.certificate_text(comparison.certificate)), "")
        yield from _tables(comparison.certificate)


def _tables(certificate: Certificate) -> Iterator[str]:
    losses = [(str(step), *_cells(pair)) for step, pair in enumerate(certificate.losses, 1)]
    yield from section("Loss", ("step", "baseline", "candidate", "deviation"), losses, left=0)
    columns = ("step", *(f"{name}{what}" for name in ("gradient norm", "movement") for what in COLUMNS))
    for group in certificate.groups:
        both = zip(_gradients(group), _movements(group), strict=True)
        rows = [(str(step), *_cells(one), *_cells(other)) for step, (one, other) in enumerate(both, 1)]
        title = f"{group.optimizer}, group {group.group} ({group.parameters} parameters)"
        yield from section(escape(title), columns, rows, left=0)


def _gradients(group: GroupRecord) -> list[Pair]:
    return list(zip(group.baseline_gradients, group.candidate_gradients, strict=True))


def _movements(group: GroupRecord) -> list[Pair]:
    return list(zip(group.baseline_movements, group.candidate_movements, strict=True))


def _cells(pair: Pair) -> tuple[str, str, str]:
    first, second = pair
    texts = ["–" if value is None else f"{value:.9g}" for value in pair]
    known = first is not None and second is not None and isfinite(first) and isfinite(second) and first
    return texts[0], texts[1], f"{(second or 0.0) / (first or 1.0) - 1:+.1e}" if known else "–"


def _finite(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None

"""Primitives and templates as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from profilednn_tui.export.onednn.json_primitives import primitive_entry
from profilednn_tui.onednn.records import PrimitiveLog
from profilednn_tui.onednn.templates import FIELDS, templates


def primitives_csv(log: PrimitiveLog) -> str:
    """One row per distinct primitive: the cleaned fields of the log, with the statistics."""
    entries = [primitive_entry(use, log.time_ms) for use in log.uses]
    columns = list(entries[0]) if entries else ["primitive"]
    return _csv(columns, ([entry[column] for column in columns] for entry in entries))


def templates_csv(log: PrimitiveLog) -> str:
    """One row per template."""
    return _csv(FIELDS, ([getattr(one, field) for field in FIELDS] for one in templates(log)))


def _csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()

"""The operators as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping

from profilednn_tui.export.session.frames import called_from
from profilednn_tui.session.view import Operator, SessionView

COLUMNS: Mapping[str, Callable[[Operator], object]] = {
    "name": lambda row: row.key.name,
    "input_shapes": lambda row: row.key.input_shapes,
    "dtypes": lambda row: row.key.dtypes,
    "memory_format": lambda row: row.key.memory_format,
    "calls_per_step": lambda row: row.calls_per_step,
    "self_ms_per_step": lambda row: row.self_ns_per_step / 1e6,
    "total_ms_per_step": lambda row: row.total_ns_per_step / 1e6,
    "share": lambda row: row.share,
    "backward": lambda row: int(row.backward),
    "modules": lambda row: " ".join(row.modules),
}


def csv_text(view: SessionView) -> str:
    """One line per operator; the last column is the call site with most of its time."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, "called_from"])
    for row in view.operators.rows:
        writer.writerow([*(cell(row) for cell in COLUMNS.values()), called_from(row, view.target.working_directory)])
    return text.getvalue()

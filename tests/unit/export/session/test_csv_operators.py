"""Operators as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from profilednn_tui.export.session.csv_operators import csv_text
from profilednn_tui.session.view import SessionView


def test_csv_has_one_line_an_operator(view: SessionView) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(view))))
    assert len(rows) == 4
    assert rows[0]["name"] == "aten::convolution_backward"
    assert rows[0]["input_shapes"] == "[[32, 8, 6, 6], [32, 3, 8, 8], [8, 3, 3, 3]]"
    assert float(rows[0]["self_ms_per_step"]) == pytest.approx(9.0)
    assert rows[0]["called_from"] == "net.py:9 forward"
    assert rows[2]["called_from"] == "train.py:25 main"

"""Ranks of two distributed trainings next to each other."""

from __future__ import annotations

import json

import pytest

from profilednn_tui.compare.alignment import Change
from profilednn_tui.compare.comparison import Comparison, compare
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.export.comparison.json_comparison import document
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.export.comparison.text import report_text
from tests.unit.compare import sides as s
from tests.unit.ranks.records import MS, trained


def run(name: str, late_ms: float) -> Run:
    records = trained(40, [{}, {"backward": 10.0 + late_ms}])
    return Run(name, s.view([1.0 * value for value in records[0].durations], ranks=records))


@pytest.fixture
def mended() -> Comparison:
    """A late rank before, and none afterwards."""
    before = tuple(run(f"a{number}", 8.0) for number in range(4))
    return compare(Side("before", before), Side("after", tuple(run(f"b{number}", 0.0) for number in range(4))))


def test_the_waiting_for_a_late_rank_is_gone(mended: Comparison) -> None:
    changes = {(row.key.rank, row.key.part): row for row in mended.ranks}
    for key, difference_ms, change in (
        ((0, "waiting"), -8, Change.SHRUNK),
        ((1, "own work"), -8, Change.SHRUNK),
        ((0, "own work"), 0, Change.UNCHANGED),
    ):
        assert changes[key].difference_ns == pytest.approx(difference_ms * MS)
        assert changes[key].change is change


def test_reports_tell_it(mended: Comparison) -> None:
    rows = document(mended, 0.05)["ranks"]
    assert {(row["rank"], row["part"]) for row in rows} >= {(0, "waiting"), (1, "own work"), (0, "transfer")}
    assert json.dumps(rows)
    assert "rank 0, waiting" in report_text(Report("mended", (mended,)))


def test_a_side_with_one_rank_has_nothing_to_align() -> None:
    alone = Side("alone", (s.run("b", [20.0 * MS] * 40),))
    assert compare(Side("before", (run("a", 8.0),)), alone).ranks == ()

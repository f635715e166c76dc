"""Turning windows of oneDNN primitives into logs, in total and by operator."""

from __future__ import annotations

from typing import Any

import pytest

from profilednn_tui.session.model.primitives import PrimitiveSeries
from tests.unit.session import recordings as r


def test_primitives_belong_to_all_operators_around_them() -> None:
    series = PrimitiveSeries()
    series.add(r.primitives())
    seen = series.view([1])
    assert (seen.windows, seen.log.calls, seen.log.time_ms) == ((1,), 5, 4.0)
    assert seen.joined_share == pytest.approx(3.75 / 4)
    assert seen.by_operator[r.OUTER].time_ms == pytest.approx(3.75)
    assert seen.by_operator[r.INNER].time_ms == pytest.approx(3.5)
    assert [use.primitive.name for use in seen.by_operator[r.INNER].uses] == ["convolution", "reorder"]


def test_creations_stand_beside_executions() -> None:
    series = PrimitiveSeries()
    series.add(r.primitives(1, creations=[[0, 0, 1, 400_000]], creations_logged=True))
    series.add(r.primitives(2, creations=[[0, 0, 2, 800_000]], creations_logged=True))
    series.add(r.primitives(3))
    seen = series.view([1, 2])
    assert seen.creations_logged
    made = {use.primitive.name: use.creation for use in seen.by_operator[r.INNER].uses}
    assert made["convolution"].count == 3
    assert made["convolution"].total_ms == pytest.approx(1.2)
    assert made["reorder"].count == 0
    assert seen.log.calls == 10
    assert not series.view([1, 3]).creations_logged, "an early version did not record them"


def test_windows_add_up_and_can_be_looked_at_alone() -> None:
    series = PrimitiveSeries()
    for number in (1, 2, 3):
        series.add(r.primitives(number))
    assert series.view([2, 3]).log.calls == 10
    assert series.view([3]).windows == (3,)
    assert series.view([3]) is series.view([3])
    assert series.view([7]).windows == ()


def test_shapes_that_never_repeat_are_forgotten_and_still_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profilednn_tui.session.model.primitives._SITE_LIMIT", 1)
    series = PrimitiveSeries()
    for number in (1, 2, 3):
        series.add(r.primitives(number))
    seen = series.view([1, 2, 3])
    assert (seen.log.calls, len(seen.log.uses)) == (15, 2)
    assert seen.by_operator[r.INNER].time_ms == pytest.approx(3 * 3.5)


def test_lines_that_cannot_be_read_are_counted() -> None:
    series = PrimitiveSeries()
    series.add(r.primitives(strings=["what is this", r.REORDER, "", r.OUTER.name, "", r.INNER.name]))
    assert (series.view([1]).log.calls, series.view([1]).log.bad_lines) == (4, 1)


@pytest.mark.parametrize(
    "changes",
    [{"rows": [[5, 0, 1, 1]]}, {"rows": [[0, 9, 1, 1]]}, {"chains": [[7]]}, {"operators": [[99, 0, 0, 0]]},
     {"rows": [[0, -1, 1, 1]]}, {"rows": [[0]]}],
)  # fmt: skip
def test_tables_that_do_not_fit_together_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, IndexError)):
        PrimitiveSeries().add(r.primitives(**changes))

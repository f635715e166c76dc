"""How much runs on this machine have varied so far."""

from __future__ import annotations

import math
import stat
from pathlib import Path

import numpy as np
import pytest

from profilednn_tui.session.storage.spreads import (
    IN_TURN,
    LEDGER_FILE,
    MAX_GROUPS,
    MAX_RUNS,
    SESSIONS,
    add_runs,
    expected_spread,
)

HERE = "AMD EPYC, 2 cores"


def groups(home: Path, count: int, deviation: float, kind: str = IN_TURN) -> None:
    generator = np.random.default_rng(count)
    for number in range(count):
        level = math.log(1e7 * (number + 1))
        add_runs(home, HERE, kind, f"experiment {number}", generator.normal(level, deviation, 4).tolist())


def test_few_runs_tell_nothing(tmp_path: Path) -> None:
    assert expected_spread(tmp_path, HERE, IN_TURN) is None
    groups(tmp_path, 3, 0.05)
    assert expected_spread(tmp_path, HERE, IN_TURN) is None


def test_groups_are_pooled_whatever_their_level(tmp_path: Path) -> None:
    groups(tmp_path, 30, 0.05)
    found = expected_spread(tmp_path, HERE, IN_TURN)
    assert found is not None
    assert found.deviation == pytest.approx(0.05, rel=0.2)
    assert found.degrees == 90
    assert not found.assumed


def test_other_machines_and_kinds_have_their_own(tmp_path: Path) -> None:
    groups(tmp_path, 30, 0.05)
    assert expected_spread(tmp_path, "another", IN_TURN) is None
    assert expected_spread(tmp_path, HERE, SESSIONS) is None


def test_sessions_of_the_same_thing_come_one_by_one(tmp_path: Path) -> None:
    for number in range(12):
        add_runs(tmp_path, HERE, SESSIONS, "train.py", [math.log(1e7) + 0.01 * (number % 2)])
    found = expected_spread(tmp_path, HERE, SESSIONS)
    assert found is not None
    assert found.degrees == 11


def test_the_file_stays_small_and_private(tmp_path: Path) -> None:
    for number in range(MAX_GROUPS + 10):
        add_runs(tmp_path, HERE, IN_TURN, f"experiment {number}", [17.0] * (MAX_RUNS + 5))
    found = expected_spread(tmp_path, HERE, IN_TURN)
    assert found is not None
    assert found.degrees == MAX_GROUPS * (MAX_RUNS - 1)
    assert stat.S_IMODE((tmp_path / LEDGER_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9}', '{"machines": {"a": {"b": [{"name": 1}]}}}'])
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / LEDGER_FILE).write_text(text)
    assert expected_spread(tmp_path, HERE, IN_TURN) is None
    groups(tmp_path, 30, 0.05)
    assert expected_spread(tmp_path, HERE, IN_TURN) is not None


def test_a_home_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    add_runs(tmp_path / "gone", HERE, IN_TURN, "experiment", [17.0, 17.1])

"""Which combinations the matrix includes, and what it reports. The checks themselves run with `make matrix`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import matrix
from tests.matrix import CHECKS, Combination, MissingError, Row

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_only_combinations_with_a_wheel_are_taken() -> None:
    found = matrix.combinations()
    assert Combination("3.9", "2.4") in found
    assert Combination("3.9", "2.13") not in found
    assert Combination("3.13", "2.4") not in found
    assert {one.python for one in found} == set(matrix.PYTHONS)


def test_an_interpreter_may_be_named_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"PYTHON_{OURS.replace('.', '_')}", sys.executable)
    assert matrix.candidates(OURS)[0] == sys.executable


def test_a_python_that_is_not_here_is_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "PYENV_ROOT"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.delenv("PYTHON_3_9", raising=False)
    with pytest.raises(MissingError, match=r"^no Python 3\.9: .* nor in PYTHON_3_9$"):
        matrix.interpreter("3.9")


def test_the_newest_of_pyenv_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    monkeypatch.delenv("PYTHON_3_9", raising=False)
    for version in ("3.9.2", "3.9.18"):
        python = tmp_path / "versions" / version / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.touch(mode=0o755)
    assert [Path(found).parts[-3] for found in matrix.candidates("3.9")] == ["3.9.18", "3.9.2"]


def test_the_table_says_what_failed_and_what_was_missing() -> None:
    fine = Row(Combination("3.11", "2.14"), "Python 3.11.7, torch 2.14.1", outcomes=dict.fromkeys(CHECKS, ""))
    wrong = Row(Combination("3.11", "2.15"), "Python 3.11.7, torch 2.15.0", outcomes={"output": "another output"})
    fine.outcomes["remote_exec"] = None
    lines = matrix.table([fine, wrong, Row(Combination("3.14", "2.14"), missing="no Python 3.14")])
    assert lines[1].split() == ["3.11", "2.14", *["ok"] * (len(CHECKS) - 1), "-"]
    assert lines[2].split() == ["3.11", "2.15", "FAILED"]
    assert lines[-3:] == [
        "FAILED: Python 3.11.7, torch 2.15.0, output: another output",
        "not to be had: no Python 3.14",
        "1 of 2 passed, 1 not to be had",
    ]

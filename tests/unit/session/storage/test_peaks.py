"""The saved peaks of the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.peaks import CACHE_FILE, known_peaks
from tests.unit.session import recordings as r

FIRST = {
    "float32_gflops": 100.0, "bfloat16_gflops": 200.0, "bandwidth_gb_per_s": 10.0, "threads": 4, "torch": "2.14.1",
}  # fmt: skip
LATER = FIRST | {"threads": 2}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PROFILEDNN_HOME", str(home))
    return home


def test_the_newest_peaks_of_a_processor_are_known(tmp_path: Path) -> None:
    kept = {"A, 4 threads, python": FIRST, "A, 2 threads, python": LATER, "AB, all threads, python": FIRST}
    (tmp_path / CACHE_FILE).write_text(json.dumps(kept))
    assert known_peaks(tmp_path / CACHE_FILE, "A") == Peaks(**LATER)  # type: ignore[arg-type]
    assert known_peaks(tmp_path / CACHE_FILE, "B") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"A, x": 1}', '{"A, x": {"threads": 2}}'])
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / CACHE_FILE).write_text(text)
    assert known_peaks(tmp_path / CACHE_FILE, "A") is None
    assert known_peaks(tmp_path / "missing", "A") is None


def test_a_session_has_the_peaks_of_its_machine(home: Path, tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s", exit_code=0)
    view = r.caught_up(open_session(folder)).view()
    assert view.machine.cpu
    assert view.peaks is None
    (home / CACHE_FILE).write_text(json.dumps({f"{view.machine.cpu}, all threads, python": FIRST}))
    assert r.caught_up(open_session(folder)).view().peaks == Peaks(**FIRST)  # type: ignore[arg-type]
    home.chmod(0o777)
    assert r.caught_up(open_session(folder)).view().peaks is None, "anybody could have written them"

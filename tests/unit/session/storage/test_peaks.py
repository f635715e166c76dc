"""The saved peaks of the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.peaks import CACHE_FILE, PeaksKey, known_peaks
from tests.unit.session import recordings as r

FIRST = {
    "float32_gflops": 100.0, "bfloat16_gflops": 200.0, "bandwidth_gb_per_s": 10.0, "threads": 4, "torch": "2.14.1",
}  # fmt: skip
LATER = FIRST | {"threads": 2}
OTHER = FIRST | {"float32_gflops": 90.0}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PROFILEDNN_HOME", str(home))
    return home


A = PeaksKey("A", (0, 1, 2, 3), 4)


def test_peaks_are_those_of_the_cores_and_threads_in_use(tmp_path: Path) -> None:
    """Issue 18: those of the whole machine were shown for a target with one thread or fewer cores."""
    kept = {"A, CPUs 0-3, 4 threads, a": FIRST, "A, CPUs 0-1, 2 threads, a": LATER, "A, CPUs 0-3, 4 threads, b": OTHER}
    cache = tmp_path / CACHE_FILE
    cache.write_text(json.dumps(kept))
    assert known_peaks(cache, A) == Peaks(**OTHER), "the newest"  # type: ignore[arg-type]
    assert known_peaks(cache, PeaksKey("A", (0, 1), 2)) == Peaks(**LATER)  # type: ignore[arg-type]
    for other in (PeaksKey("A", (0, 1, 2, 3), 2), PeaksKey("A", (0, 2), 2), PeaksKey("B", (0, 1, 2, 3), 4)):
        assert known_peaks(cache, other) is None


def test_peaks_of_an_early_version_name_no_cores_and_are_measured_again(tmp_path: Path) -> None:
    (tmp_path / CACHE_FILE).write_text(json.dumps({"A, 4 threads, python": FIRST}))
    assert known_peaks(tmp_path / CACHE_FILE, A) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"A, CPUs 0-3, 4 threads, x": 1}'])
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / CACHE_FILE).write_text(text)
    assert known_peaks(tmp_path / CACHE_FILE, A) is None
    assert known_peaks(tmp_path / "missing", A) is None


def test_cores_are_named_in_ranges() -> None:
    assert PeaksKey("A", (0, 1, 2, 5, 8, 9), 3).text() == "A, CPUs 0-2,5,8-9, 3 threads"


def test_a_session_has_the_peaks_of_its_machine(home: Path, tmp_path: Path) -> None:
    folder = r.write_session(tmp_path / "s", exit_code=0)
    view = r.caught_up(open_session(folder)).view()
    assert view.machine.affinity
    assert view.target.intra_op_threads
    assert view.peaks is None
    key = PeaksKey(view.machine.cpu, tuple(range(view.machine.affinity)), view.target.intra_op_threads)
    (home / CACHE_FILE).write_text(json.dumps({f"{key.text()}, python": FIRST}))
    assert r.caught_up(open_session(folder)).view().peaks == Peaks(**FIRST)  # type: ignore[arg-type]
    home.chmod(0o777)
    assert r.caught_up(open_session(folder)).view().peaks is None, "anybody could have written them"

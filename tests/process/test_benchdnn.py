"""A projection by programs that stand in for oneDNN's and for an interpreter."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.onednn.roofline import roofline_lines
from profilednn_tui.onednn.roofline import Peaks
from profilednn_tui.project import peaks
from profilednn_tui.project.peaks import MeasuredPeaks
from profilednn_tui.project.projection import project
from profilednn_tui.session.storage.peaks import PeaksKey, known_peaks
from tests.unit.onednn.logs import CONVOLUTION, REORDER, lines, log_of

LOG = log_of(lines(CONVOLUTION, CONVOLUTION, REORDER, REORDER, REORDER))  # 2 x 7.25 ms and 3 x 0.5 ms


BENCHDNN = """#!PYTHON
import pathlib, sys
cold = "--cold-cache=all" in sys.argv
with pathlib.Path(sys.argv[0]).with_name("asked").open("a") as stream:
    print(*sys.argv[1:], file=stream)
if cold and not HAS_COLD:
    sys.exit(1)
print("onednn_verbose,v1,info,oneDNN v3.9.0")
print("onednn_verbose,v1,primitive,exec,cpu,reorder,simple:any,undef,src:f32::blocked:a::f0 dst:f32::blocked:a::f0,,,9,1")
for run in range(13):
    print("REPORT", 50 if run == 0 else 0.8 if cold else 0.2, sep=",")
print("tests:1 passed:0 skipped:0 mistrusted:0 unimplemented:0 invalid_arguments:0 failed:0 listed:0")
"""  # noqa: E501
"""Speaks as oneDNN's program does: its own lines, those of other reorders, and a first run that warms up."""


def install_benchdnn(folder: Path, monkeypatch: pytest.MonkeyPatch, cold: bool) -> Path:
    program = folder / "benchdnn"
    text = BENCHDNN.replace("PYTHON", sys.executable).replace("REPORT", REORDER.rpartition(",")[0])
    program.write_text(text.replace("HAS_COLD", str(cold)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "asked"


def test_benchdnn_runs_what_torch_has_no_call_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = install_benchdnn(tmp_path, monkeypatch, cold=True)
    found = project(log_of(lines(REORDER, REORDER)), sys.executable, threads=1)
    assert found.rounds == 12, "without the first"
    assert (found.projected.median_ms, found.warm_ms, found.cold_ms) == pytest.approx((1.6, 0.4, 1.6))
    knobs = (
        "--allow-enum-tags-only=0 --engine=cpu --sdt=f32 --ddt=f32 --stag=aBcd16b --dtag=abcd --strides=: "
        "--attr-scratchpad=user"
    )
    assert asked.read_text().splitlines() == [
        f"--reorder --mode=P --fix-times-per-prb=12 --cold-cache=all {knobs} 32x64x56x56",
        f"--reorder --mode=P --fix-times-per-prb=12 {knobs} 32x64x56x56",
    ]


def test_an_older_benchdnn_has_warm_caches_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_benchdnn(tmp_path, monkeypatch, cold=False)
    found = project(log_of(lines(REORDER)), sys.executable)
    assert (found.projected.median_ms, found.warm_ms, found.cold_ms) == pytest.approx((0.2, 0.2, 0.2))


def test_an_interpreter_without_torch_is_one_sentence(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ModuleNotFoundError: No module named torch' >&2\nexit 1\n")
    python.chmod(0o755)
    with pytest.raises(ProfilerError, match=r"failed: ModuleNotFoundError.*Name an interpreter with torch"):
        project(LOG, str(python))


PEAKS = Peaks(float32_gflops=100.0, bfloat16_gflops=200.0, bandwidth_gb_per_s=10.0, threads=2, torch="2.14.1")


KEY = PeaksKey("a processor", (0, 1), 2)


def interpreter(tmp_path: Path) -> tuple[str, Path]:
    """An interpreter that answers with `PEAKS`, and the file with a line for each time it was asked."""
    python, asked = tmp_path / "python", tmp_path / "asked"
    python.write_text(f"#!/bin/sh\necho x >> {asked}\necho '{json.dumps(asdict(PEAKS))}'\n")
    python.chmod(0o755)
    return str(python), asked


def neighbours(monkeypatch: pytest.MonkeyPatch, *sentences: str | None) -> None:
    """What disturbs one measurement after the other."""
    coming = iter(sentences)
    monkeypatch.setattr(peaks, "watch_neighbours", lambda: lambda: next(coming))


def test_peaks_are_measured_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (python, asked), cache = interpreter(tmp_path), tmp_path / "home" / "peaks.json"
    neighbours(monkeypatch, None, None, None)
    assert known_peaks(cache, KEY) is None
    for _ in range(2):
        assert peaks.measured_peaks(python, KEY, cache) == MeasuredPeaks(PEAKS)
    assert asked.read_text() == "x\n"
    assert known_peaks(cache, KEY) == PEAKS
    assert peaks.measured_peaks(python, KEY, cache, again=True) == MeasuredPeaks(PEAKS)
    assert asked.read_text() == "x\nx\n"
    cache.write_text("no json")
    assert peaks.measured_peaks(python, KEY, cache) == MeasuredPeaks(PEAKS)


def test_peaks_measured_beside_a_neighbour_are_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 18: a peak measured beside other work was kept for good."""
    (python, asked), cache = interpreter(tmp_path), tmp_path / "peaks.json"
    neighbours(monkeypatch, "others 90 %", None)
    assert peaks.measured_peaks(python, KEY, cache).contention is None
    assert asked.read_text() == "x\nx\n"


def test_peaks_that_are_always_disturbed_are_told_so_and_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (python, _), cache = interpreter(tmp_path), tmp_path / "peaks.json"
    neighbours(monkeypatch, *["others 90 %"] * 3)
    found = peaks.measured_peaks(python, KEY, cache)
    assert found == MeasuredPeaks(PEAKS, "others 90 %")
    assert known_peaks(cache, KEY) is None
    text = "\n".join(roofline_lines(LOG, found.peaks, 100, found.contention))
    assert "The peaks were measured beside other work and were not kept: others 90 %." in text

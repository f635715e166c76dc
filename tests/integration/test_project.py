"""Primitives of logs run again through torch, in a process of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from profilednn_tui.cli.projecting import project
from profilednn_tui.onednn.reader import LogReader
from tests.integration.harness import TARGET_PYTHON
from tests.unit.onednn.logs import recorded

pytest.importorskip("torch")


def observed_here(order: list[dict[str, object]]) -> str:
    """What oneDNN reports of some calls on this machine: its choice of implementation depends on the processor."""
    from profilednn_tui.onednn.projection import run_script

    return run_script(
        TARGET_PYTHON,
        {"calls": order, "rounds": 3, "least_rounds": 2, "seconds": 1, "repeats": 1, "threads": 2},
        threads=2,
    )


def test_every_primitive_that_torch_runs_is_run_again(tmp_path: Path) -> None:
    from profilednn_tui.onednn.calls import calls_of

    reader = LogReader()
    for model in ("lstm", "transformer", "resnet18"):
        reader.feed(recorded(f"{model}-torch-2.14"))
        reader.end_file()
    calls = calls_of(use.primitive for use in reader.log().uses)
    log = tmp_path / "observed.log"
    log.write_text(observed_here(calls))
    result = CliRunner().invoke(
        project, [str(log), "--on", TARGET_PYTHON, "--threads", "2", "--seconds", "1", "--json"], catch_exceptions=False
    )
    document = json.loads(result.stdout)
    assert {entry["primitive"] for entry in document["primitives"]} >= {"convolution", "matmul", "rnn", "reorder"}
    assert document["covered_ms"] >= 0.95 * document["observed_ms"] > 0
    assert document["rounds"] >= 8
    low, high = document["projected_interval_ms"]
    assert 0 < low <= document["projected_ms"] <= high
    timed = [entry for entry in document["primitives"] if entry["warm_ms"] and entry["cold_ms"]]
    assert len(timed) >= 0.5 * len(document["primitives"])
    text = CliRunner().invoke(project, [str(log), "--on", TARGET_PYTHON, "--seconds", "1"], catch_exceptions=False)
    assert "Efficiency" in text.stdout

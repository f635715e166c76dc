"""From a profiled training run to a projection, through the command line, with real primitives."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.process.launching import PROGRAM, ROOT, run

pytest.importorskip("torchvision")


def test_the_primitives_of_a_snapshot_run_again_without_the_model(tmp_path: Path) -> None:
    target = str(ROOT / "tests" / "targets" / "primitives.py")
    watched = run(
        (*PROGRAM, "--headless", "--overhead", "100%", "-o", "kept.pdnn", target, "resnet18", "8"),
        tmp_path,
        OMP_NUM_THREADS="2",  # with one thread, torch does not pass small convolutions to oneDNN
    )
    assert watched.exit_code == 0, watched.stderr.decode()

    done = run((*PROGRAM, "project", "kept.pdnn", "--on", sys.executable, "--seconds", "1", "--json"), tmp_path)
    assert done.exit_code == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    kinds = {(entry["primitive"], entry["direction"]) for entry in found["primitives"]}
    assert {("convolution", "FWD_D"), ("convolution", "BWD_W"), ("convolution", "BWD_D")} <= kinds
    low_ms, high_ms = found["projected_interval_ms"]
    assert 0 < low_ms <= found["projected_ms"] <= high_ms
    assert 0.5 * found["observed_ms"] <= found["covered_ms"] <= found["observed_ms"]
    assert found["efficiency"] == pytest.approx(found["projected_ms"] / found["covered_ms"])

    lines = run((*PROGRAM, "project", "kept.pdnn", "--on", sys.executable, "--seconds", "1"), tmp_path)
    assert b"Projected" in lines.stdout
    assert b"convolution" in lines.stdout


def test_a_session_of_another_machine_is_projected_on_this_one(tmp_path: Path) -> None:
    target = str(ROOT / "tests" / "targets" / "primitives.py")
    watched = run(
        (*PROGRAM, "--headless", "--overhead", "100%", "-o", "kept.pdnn", target, "resnet18", "8"),
        tmp_path,
        OMP_NUM_THREADS="2",
        ONEDNN_MAX_CPU_ISA="SSE41",
    )
    assert watched.exit_code == 0, watched.stderr.decode()
    done = run((*PROGRAM, "project", "kept.pdnn", "--on", sys.executable, "--seconds", "1", "--json"), tmp_path)
    assert done.exit_code == 0, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["covered_ms"] >= 0.5 * found["observed_ms"]
    convolutions = [entry for entry in found["primitives"] if entry["primitive"] == "convolution"]
    assert any(entry["implementation_here"] != entry["implementation"] for entry in convolutions)


def test_a_session_without_primitives_says_so(tmp_path: Path) -> None:
    target = str(ROOT / "profilednn_tui" / "examples" / "train_mlp.py")
    run((*PROGRAM, "--headless", "-o", "kept.pdnn", target, "--steps", "20"), tmp_path)
    done = run((*PROGRAM, "project", "kept.pdnn", "--on", sys.executable, "--json"), tmp_path)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1

"""The operation counts we derive from oneDNN's problems, compared with torch's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.onednn.reader import LogReader
from profilednn_tui.onednn.work import work_of_uses
from tests.process import launching
from tests.process.harness import ROOT, run

pytest.importorskip("torchvision")


def counted_by_torch(output: str) -> dict[str, int]:
    """The counts of torch's own counter, by operator."""
    found: dict[str, int] = json.loads(next(line for line in output.splitlines() if line.startswith("counted "))[8:])
    return found


def test_convolutions_of_resnet50_have_the_operations_that_torch_counts() -> None:
    ended = run(
        "flops.py", ONEDNN_VERBOSE="1", OMP_NUM_THREADS="2"
    )  # with one thread, torch does not pass small ones to oneDNN
    reader = LogReader()
    reader.feed(ended.stdout.encode())
    log = reader.log()
    counted = counted_by_torch(ended.stdout)
    forward, backward = (
        work_of_uses(
            use
            for use in log.uses
            if use.primitive.name == "convolution" and use.primitive.direction.startswith(direction)
        )[0].flops
        for direction in ("FWD", "BWD")
    )
    assert forward == counted["aten.convolution"] > 0
    assert backward == counted["aten.convolution_backward"] > 0


def test_operators_of_resnet50_in_a_session_have_the_operations_that_torch_counts(tmp_path: Path) -> None:
    target = str(ROOT / "tests" / "targets" / "flops.py")
    watched = launching.run(
        (*launching.PROGRAM, "--headless", "--overhead", "100%", "-o", "kept.pdnn", target, "6"),
        tmp_path,
        OMP_NUM_THREADS="2",
    )
    assert watched.exit_code == 0, watched.stderr.decode()
    exported = launching.run((*launching.PROGRAM, "export", "kept.pdnn", "--to", "json", "-o", "kept.json"), tmp_path)
    assert exported.exit_code == 0, exported.stderr.decode()
    session: dict[str, Any] = json.loads((tmp_path / "kept.json").read_text())
    counted = counted_by_torch(watched.stdout.decode())

    def flops(*names: str) -> float:
        return sum(entry["flops_per_step"] or 0.0 for entry in session["operators"] if entry["name"] in names)

    assert flops("aten::mkldnn_convolution") == counted["aten.convolution"] > 0
    assert flops("aten::convolution_backward") == counted["aten.convolution_backward"] > 0
    assert flops("aten::mm", "aten::addmm") == counted["aten.mm"] + counted["aten.addmm"] > 0
    assert session["flops_covered_share"] > 0.9

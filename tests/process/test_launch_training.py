"""A profiled training run, from the command line to the exported figures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.process.launching import PROGRAM, run, session_folder

TRAINS = """
import torch
model = torch.nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(1_000_000):
    model(torch.ones(4, 8)).pow(2).mean().backward()
    optimizer.step()
    optimizer.zero_grad()
"""


def test_a_training_ends_after_the_wanted_steps_and_its_figures_are_exported(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAINS)
    outcome = run((*PROGRAM, "--steps", "40", "-o", "run.pdnn", "train.py"), tmp_path)
    assert (outcome.exit_code, outcome.stdout) == (0, b"")
    assert b"steps      40, ended by optimizer" in outcome.stderr
    assert run((*PROGRAM, "export", "run.pdnn", "--to", "json", "-o", "run.json"), tmp_path).exit_code == 0
    figures = json.loads((tmp_path / "run.json").read_text())
    assert figures["steps"]["count"] == 40
    assert figures["target"]["exit_code"] == 0
    assert figures["agent"]["errors"] == []


def test_a_shell_command_that_ends_up_in_python_is_watched(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(TRAINS)
    (tmp_path / "launch.sh").write_text(f"#!/bin/sh\n{sys.executable} train.py\nexit 6\n")
    (tmp_path / "launch.sh").chmod(0o755)
    outcome = run((*PROGRAM, "run", "--steps", "10", "--", "./launch.sh"), tmp_path)
    assert outcome.exit_code == 6
    assert b"steps      10, ended by optimizer" in outcome.stderr
    assert len(list(session_folder(tmp_path).glob("agent-*.jsonl"))) == 1

"""``tune`` on a real training."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

from tests.process.harness import TARGETS
from tests.process.launching import PROGRAM, eventually, run, start
from tests.process.test_experiment import processes_of

TUNE = (*PROGRAM, "tune", "--in-place", "--steps", "20", "--minutes", "0.5")


def script(folder: Path) -> Path:
    """A training in a folder of its own that goes on until it is ended."""
    copy = folder / "train.py"
    shutil.copy(TARGETS / "experiment.py", copy)
    return copy


def test_a_search_ends_with_a_result_and_leaves_no_process(tmp_path: Path) -> None:
    script(tmp_path)
    outcome = run((*TUNE, "--over", "fused_optimizer,channels_last", "--to", "json", "train.py"), tmp_path)
    assert outcome.exit_code == 0, outcome.stderr
    document = json.loads(outcome.stdout)
    assert document["schema"] == "profilednn.tune/1"
    named = {one["name"] for one in (*document["factors"], *document["eliminated"])}
    assert {"fused_optimizer", "channels_last"} <= named
    assert b"Stage 1: " in outcome.stderr
    assert (document["winner"] is None) == (document["recipe"] is None)
    (search,) = (tmp_path / "home").glob("*-tune-*")
    assert oct(search.stat().st_mode & 0o777) == "0o700"
    assert all(path.stat().st_mode & 0o077 == 0 for path in search.rglob("*"))
    assert processes_of(tmp_path) == []


def test_ctrl_c_ends_at_once_and_the_search_goes_on_later(tmp_path: Path) -> None:
    script(tmp_path)
    with start((*TUNE, "train.py"), tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        eventually(lambda: any((tmp_path / "home").glob("*-tune-*/*-effects*/agent-*.jsonl")), "stage 1")
        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=60)
    assert command.returncode == 130
    assert b"before the search ended early" in out
    assert b"tune --resume" in err
    assert processes_of(tmp_path) == []
    assert os.listdir(tmp_path / "home") != []

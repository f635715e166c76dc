"""What a gate says of its groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from profilednn_tui.compare.gate import Answer
from profilednn_tui.experiment.gate import BASELINE, CANDIDATE, judge_groups
from profilednn_tui.experiment.runner import run_experiment
from profilednn_tui.experiment.variants import Variant
from tests.unit.experiment.test_runner import Observer, Starter, experiment


def test_disturbed_groups_decide_nothing_but_what_they_show_is_told(tmp_path: Path) -> None:
    """A new user found: nothing was said of a candidate that was 95 times slower, beside a busy process."""
    (tmp_path / "train.py").write_text("")
    folder = tmp_path / "gate"
    folder.mkdir()
    planned = replace(experiment(folder, 2, Variant(BASELINE), Variant(CANDIDATE)), lockstep=True)
    run_experiment(planned, folder, Observer(), Starter(disturbed={BASELINE: 100, CANDIDATE: 100}))
    assert judge_groups(folder, 0.05, last=False).reason == ""
    decision = judge_groups(folder, 0.05, last=True)
    assert (decision.answer, decision.groups) == (Answer.UNDECIDED, 0)
    assert decision.reason.startswith("all groups were disturbed (")
    assert decision.reason.endswith("; the step time in them was +0.0 %. Try again when the machine is quiet")

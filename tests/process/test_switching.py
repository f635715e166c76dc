"""Settings that are switched between the steps of a training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.protocol.events import StepsEvent
from profilednn_tui.protocol.files import SWITCHING_PLAN
from profilednn_tui.protocol.switching import Setting, SwitchingPlan, encode_plan
from tests.process.harness import Recording, run, watch

SWITCHED = ("channels_last", "fused_optimizer")
PLAN = SwitchingPlan(8, 4, (Setting((), 1), Setting(SWITCHED), Setting(("channels_last",), 1), Setting(SWITCHED[1:])))


def switched(folder: Path, plan: SwitchingPlan | None, **variables: str) -> tuple[dict[str, Any], Recording]:
    """What the program saw, and its recording."""
    if plan is not None:
        (folder / SWITCHING_PLAN).write_text(encode_plan(plan))
    ended, recordings = watch(
        folder, "switched.py", PROFILEDNN_WITH=",".join(SWITCHED), OMP_NUM_THREADS="2", PROFILEDNN_OVERHEAD="0",
        PROFILEDNN_SWITCHING="1", **variables,
    )  # fmt: skip
    assert ended.exit_code == 0, ended.stderr
    (recording,) = recordings
    assert recording.of("agent_error") == []
    return json.loads(ended.stdout), recording


def test_each_block_of_steps_has_the_setting_of_the_plan(tmp_path: Path) -> None:
    seen, recording = switched(tmp_path, PLAN)
    # Two calls are made as in a plain run before the optimizations begin.
    assert seen["layouts"][2:8] == [True] * 6
    settings = [PLAN.setting(block) for block in range(8) for _ in range(4)]
    assert seen["layouts"][8:] == ["channels_last" in setting.optimizations for setting in settings]
    assert seen["threads"][8:] == [setting.threads or 2 for setting in settings]
    flags = [row[-1] for row in recording.steps]
    assert [step for step, value in enumerate(flags, start=1) if value & StepsEvent.SWITCHED] == list(range(9, 41, 4))


def test_the_sizes_of_the_inputs_are_told_block_by_block(tmp_path: Path) -> None:
    _, recording = switched(tmp_path, PLAN)
    told = {
        event["first"] + place: size
        for event in recording.of("input_sizes")
        for place, size in enumerate(event["elements"])
    }
    assert told == {step: (8 - (step - 1) % 3) * 3 * 32 * 32 for step in range(1, 41)}


def test_what_is_learned_and_kept_is_as_without(tmp_path: Path) -> None:
    seen, recording = switched(tmp_path, PLAN)
    plain = json.loads(run("switched.py", OMP_NUM_THREADS="2").stdout)
    assert seen["losses"] == pytest.approx(plain["losses"], rel=1e-4)
    assert (seen["strides"], seen["state"]) == (plain["strides"], plain["state"])
    told = {event["name"]: event["state"] for event in recording.of("optimization")}
    assert told == {"channels_last": "on", "fused_optimizer": "on"}


def test_without_a_plan_everything_stays_on(tmp_path: Path) -> None:
    seen, recording = switched(tmp_path, None)
    assert seen["layouts"][2:] == [True] * 38
    assert not any(row[-1] & StepsEvent.SWITCHED for row in recording.steps)
    assert recording.of("input_sizes") == []

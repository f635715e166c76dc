"""A plan as text, Markdown and JSON."""

from __future__ import annotations

import json

from profilednn_tui.export.plan import plan_json, plan_markdown, plan_text
from profilednn_tui.plan.convergence import SameEpochs, named_curve
from profilednn_tui.plan.model import model_of
from profilednn_tui.plan.planner import Place, Plan, Training, make_plan, settings_to_plan
from tests.unit.plan.machines import CORNERS, measured

MANY = (8, 32, 64, 128, 256)


def plan(training: Training | None = None, cores: int = 2, notes: tuple[str, ...] = ()) -> Plan:
    points = measured(CORNERS, noise=0.02)
    settings, _ = settings_to_plan(points, cores, (1, 2, 4), (1, 2), MANY)
    training = training or Training(SameEpochs())
    return make_plan("train", model_of(points), Place(cores, 16_000_000_000), training, settings, notes)


WHOLE = Training(named_curve("ssd", 8), samples=50_000, epochs=4.0)


def test_measured_predicted_and_assumed_settings_are_told_apart() -> None:
    lines = plan_text(plan()).splitlines()
    assert lines[0] == "train: 15 settings, 6 measured, 3 predicted, 3 assumed, 3 unknown"
    assert lines[2].split() == [
        "ranks", "threads", "batch", "global", "step", "ms", "samples/s", "interval", "memory/rank", "against", "best",
        "known",
    ]  # fmt: skip
    assert [line.split()[-1] for line in lines[3:8]] == ["measured", "predicted", "measured", "assumed", "unknown"]
    assert lines[7].split()[4:] == ["–", "–", "–", "–", "–", "unknown"]


def test_the_best_is_named_with_what_it_rests_on() -> None:
    text = plan_text(plan(WHOLE))
    assert "Best: ranks" in text
    assert "Best local batch by ranks x threads: 1 x 1: " in text
    assert "Convergence, assumed: MLCommons" in text
    assert "with a global batch of 8 as its reference; beyond its end nothing is said." in text
    assert "Fitted to 6 points: a step is " in text
    assert "hold about 6 times in 7" in text
    assert ", assumed: beyond what was measured: between no gain and a perfect one over the nearest.\n" in text
    assert ", unknown: more than 2 times beyond what was measured.\n" in text
    assert "time to train" in text


def test_without_a_curve_the_assumption_is_said() -> None:
    assert "Convergence, assumed: every batch needs the same number of epochs." in plan_text(plan())


def test_what_may_be_faster_is_to_be_measured() -> None:
    assert "may be faster still, but that is only assumed: measure it." in plan_text(plan(cores=4))


def test_what_was_left_out_is_told() -> None:
    assert "Left out: run-1: disturbed.\n" in plan_text(plan(notes=("run-1: disturbed",)))


def test_markdown_is_a_table() -> None:
    lines = plan_markdown(plan(WHOLE)).splitlines()
    assert lines[0].startswith("## train: 15 settings")
    assert lines[2].startswith("| known | ranks | threads |")
    assert lines[4].startswith("| measured | 1 | 1 | 8 |")


def test_json_has_every_setting_with_its_units() -> None:
    found = json.loads(plan_json(plan(WHOLE)))
    assert found["schema"] == "profilednn.plan/1"
    assert found["convergence"]["assumed"] is True
    assert found["convergence"]["reference_batch"] == 8
    first = found["settings"][0]
    assert (first["name"], first["known"], first["runs"]) == ("ranks1-threads1-batch8", "measured", 4)
    assert first["step_ms"]["low"] < first["step_ms"]["value"] < first["step_ms"]["high"]
    assert first["samples_per_s"]["low"] < first["samples_per_s"]["value"] < first["samples_per_s"]["high"]
    assert first["train_s"]["value"] > first["epoch_s"]["value"] > 0
    unknown = next(one for one in found["settings"] if one["known"] == "unknown")
    assert (unknown["step_ms"], unknown["train_s"], unknown["relative_time"]) == (None, None, None)
    assert (unknown["nearest"], bool(unknown["reason"])) == ("ranks1-threads1-batch64", True)
    assert found["model"]["points"] == 6
    assert found["model"]["step_left_out"]["worst_percent"] > found["model"]["step_left_out"]["median_percent"]
    names = {one["name"] for one in found["settings"]}
    assert {found["best"], *found["ties"], *found["best_batches"]} <= names

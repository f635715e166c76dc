"""`plan` on recorded sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from profilednn_tui.cli import main, program
from profilednn_tui.experiment.plan import RunState
from tests.unit.experiment.test_points import grid, record

DONE = RunState.DONE


def plan(*words: str | Path) -> Result:
    return CliRunner().invoke(program, ["plan", *map(str, words)])


def cells(home: Path) -> Path:
    return grid(home, *((threads, batch, DONE) for threads in (1, 2) for batch in (8, 64)))


def test_a_grid_is_planned(home: Path) -> None:
    cells(home)
    outcome = plan("grid", "--batches", "8,32", "--samples", "1000", "--epochs", "2", "--convergence", "ssd", "--json")
    assert outcome.exit_code == 0, outcome.output
    found = json.loads(outcome.output)
    assert found["convergence"]["reference_batch"] == 8
    by_name = {one["name"]: one for one in found["settings"]}
    one = by_name["ranks1-threads2-batch32"]
    assert one["known"] == "predicted"
    assert one["step_ms"]["value"] == pytest.approx(16.0, rel=0.05)
    assert one["train_s"]["value"] == pytest.approx(1000 * one["epochs"] / one["samples_per_s"]["value"])
    assert by_name["ranks1-threads4-batch8"]["known"] == "assumed"


def test_reports_go_to_a_file(home: Path, tmp_path: Path) -> None:
    cells(home)
    assert plan("grid", "--to", "markdown", "-o", tmp_path / "plan.md").output == ""
    assert (tmp_path / "plan.md").read_text().startswith("## grid: ")


def test_a_noise_scale_is_another_source(home: Path) -> None:
    cells(home)
    assert "a gradient noise scale of 500 samples" in plan("grid", "--noise-scale", "500").output
    assert "two sources" in plan("grid", "--noise-scale", "500", "--convergence", "ssd").output


def test_a_curve_of_ones_own_brings_its_epochs(home: Path, tmp_path: Path) -> None:
    cells(home)
    (tmp_path / "curve.json").write_text('{"source": "our sweep", "points": [[8, 5], [64, 9]]}')
    found = json.loads(plan("grid", "--convergence", tmp_path / "curve.json", "--samples", "100", "--json").output)
    assert (found["epochs"], found["convergence"]["source"]) == (5.0, "our sweep")
    assert found["settings"][0]["train_s"] is not None


def test_settings_that_need_more_cores_are_told(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    cells(home)
    main(["plan", "grid", "--threads", "1,8"])
    names = "ranks1-threads8-batch8, ranks1-threads8-batch64"
    assert capfd.readouterr().err == f"profilednn-tui: left out, as there are 4 cores: {names}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Missing argument"),
        (("grid", "--ranks", "1,two"), "not a list of whole numbers"),
        (("grid", "--reference-batch", "8"), "needs --convergence or --noise-scale"),
        (("grid", "--json", "--to", "markdown"), "two formats"),
        (("grid", "--samples", "0"), "0 is not in the range"),
    ],
)
def test_wrong_usage_is_one_sentence(home: Path, words: tuple[str, ...], said: str) -> None:
    cells(home)
    outcome = plan(*words)
    assert outcome.exit_code == 2
    assert said in outcome.output


def test_a_single_session_is_a_point_of_its_own(home: Path) -> None:
    record(home / "run", batch=16)
    outcome = plan("run")
    assert outcome.exit_code == 0
    assert "run: 1 setting, 1 measured" in outcome.output

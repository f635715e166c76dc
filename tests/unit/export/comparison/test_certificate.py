"""The certificate in reports and in its own file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from profilednn_tui.cli.certifying import check_certificate_file
from profilednn_tui.compare.comparison import compare
from profilednn_tui.compare.losses import Agreement
from profilednn_tui.compare.runs import Run, Side
from profilednn_tui.errors import ProfilerError
from profilednn_tui.export.comparison import FORMATS
from profilednn_tui.export.comparison.certificate import certificate_json, certificate_markdown
from profilednn_tui.export.comparison.report import Report
from tests.unit.compare.sides import one_run, run
from tests.unit.compare.test_certificate import STEPS, STOCK, faster, noise, training


def report(candidate: Run) -> Report:
    first, second = one_run("stock"), one_run("tuned")
    sides: tuple[Side, Side] = (replace(first, certificate=STOCK), replace(second, certificate=candidate))
    return Report("train.py", (compare(*sides),))


ROUNDED, FASTER = report(training(noise(1e-7), 2)), report(training(faster, 2))


def test_every_report_has_the_line() -> None:
    line = "same training for 12 steps, within rounding of float32 (by at most 1e-07, in the gradient norm of "
    for name in ("text", "markdown"):
        assert line in FORMATS[name](ROUNDED)
        assert "trains differently: the movement of every parameter is 1.0 % larger" in FORMATS[name](FASTER)
    found = json.loads(FORMATS["json"](ROUNDED))["certificate"]
    assert (found["sameness"], found["steps"], found["precision"]) == ("within rounding", STEPS, "float32")
    assert found["text"].startswith(line)
    assert set(found["largest"]) == {"quantity", "where", "step", "relative"}


@pytest.mark.parametrize(
    ("deviation", "candidate", "agreement"),
    [
        (1.03, training(noise(1e-7), 2), Agreement.NOISE),
        (1.03, training(faster, 2), Agreement.DRIFTING),
        (1.03, training(), Agreement.DRIFTING),  # with the same bits, there is no rounding that could grow
        (3.0, training(noise(1e-7), 2), Agreement.DRIFTING),
    ],
)
def test_a_drift_from_a_certified_step_is_rounding(deviation: float, candidate: Run, agreement: Agreement) -> None:
    losses = [2.0 - number / 100 for number in range(60)]
    first, second = (
        run("A", [1e7] * 60, losses),
        run("B", [1e7] * 60, [losses[0], *(deviation * x for x in losses[1:])]),
    )
    found = compare(Side("A", (first,), certificate=STOCK), Side("B", (second,), certificate=candidate))
    assert found.losses.agreement is agreement
    assert any("trains differently" in note for note in found.notes) == (agreement is Agreement.DRIFTING)


def test_without_runs_for_it_there_is_none() -> None:
    plain = Report("train.py", (compare(one_run("stock"), one_run("tuned")),))
    assert json.loads(FORMATS["json"](plain))["certificate"] is None
    assert "same training" not in FORMATS["text"](plain)
    assert json.loads(certificate_json(plain))["certificates"] == []


def test_the_file_has_all_figures() -> None:
    found = json.loads(certificate_json(FASTER))
    assert found["schema"] == "profilednn.certificate/1"
    (one,) = found["certificates"]
    assert (one["baseline"], one["candidate"], one["sameness"]) == ("stock", "tuned", "trains differently")
    (group,) = one["groups"]
    assert len(group["movements"]) == len(group["gradient_norms"]) == len(one["losses"]) == STEPS
    baseline, candidate = group["movements"][0]
    assert candidate / baseline == pytest.approx(1.01)
    text = certificate_markdown(FASTER)
    assert "## Adam, group 0 (4 parameters)" in text
    assert "| +1.0e-02 |" in text


def test_figures_that_are_no_numbers_are_null() -> None:
    def change(gradients: object, movements: object) -> None:
        gradients[3:] = float("nan")  # type: ignore[index]

    certificates = json.loads(certificate_json(report(training(change, 2))))["certificates"]
    assert certificates[0]["groups"][0]["gradient_norms"][3][1] is None


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("figures.txt", "neither JSON nor Markdown"),
        ("folder.md", "is a folder"),
        ("missing/figures.json", "there is no folder"),
    ],
)
def test_a_file_that_cannot_be_written_is_rejected_at_once(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(ProfilerError, match=reason):
        check_certificate_file(tmp_path / name)
    check_certificate_file(tmp_path / "figures.md")
    assert not (tmp_path / "figures.md").exists()

"""Which runs are made for the certificate, and what becomes of them; the runs themselves are recordings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from profilednn_tui.experiment.certificate import MOST_STEPS, make_certificate_runs
from profilednn_tui.experiment.plan import EXPERIMENT_FILE, Experiment, RunState, load_experiment
from profilednn_tui.experiment.runner import run_experiment
from tests.unit.experiment.test_runner import STOPPED, Observer, Starter, experiment, folder

__all__ = ["folder"]


@pytest.fixture
def made(folder: Path) -> Experiment:
    """An experiment whose timed runs are done."""
    return run_experiment(experiment(folder, 1), folder, Observer(), Starter()).experiment


def test_one_short_run_is_made_for_each_variant(folder: Path, made: Experiment) -> None:
    starter, announced = Starter(disturbed={"B": 1}), list[str]()
    done = make_certificate_runs(made, folder, announced.append, starter).experiment
    assert announced == ["A", "B"]
    assert starter.order == ["A-certificate", "B-certificate"]
    options = [one for _, one in starter.seen]
    assert {(one.certificate, one.steps, one.overhead_percent, one.seed) for one in options} == {
        (True, MOST_STEPS, 0.0, 7)
    }
    assert [(one.variant, one.state) for one in done.certificates] == [("A", RunState.DONE), ("B", RunState.DONE)]
    assert load_experiment(folder).experiment == done
    assert done.runs == made.runs
    assert done.uncertified() == ()


def test_a_stopped_one_is_made_up_later(folder: Path, made: Experiment) -> None:
    outcome = make_certificate_runs(made, folder, lambda variant: None, Starter(stop_at=2))
    assert outcome.stopped_by == STOPPED
    assert [variant.name for variant in outcome.experiment.uncertified()] == ["B"]
    again = Starter()
    assert make_certificate_runs(outcome.experiment, folder, lambda variant: None, again).stopped_by is None
    assert again.order == ["B-certificate"]


def test_without_the_baselines_run_there_are_no_others(folder: Path, made: Experiment) -> None:
    starter = Starter(failing={"A"})
    (entry,) = make_certificate_runs(made, folder, lambda variant: None, starter).experiment.certificates
    assert (entry.variant, entry.state) == ("A", RunState.FAILED)
    assert "ValueError: no data" in entry.reason


def test_variants_without_timed_runs_get_none(folder: Path, made: Experiment) -> None:
    assert replace(made, runs=made.runs[:1]).uncertified() == ()
    assert replace(made, certify=False).uncertified() == ()


def test_files_of_earlier_versions_stay_readable(folder: Path, made: Experiment) -> None:
    body = msgspec.json.decode((folder / EXPERIMENT_FILE).read_bytes())
    for name in ("certify", "certificates"):
        del body[name]
    (folder / EXPERIMENT_FILE).write_bytes(msgspec.json.encode(body))
    assert load_experiment(folder).experiment == made

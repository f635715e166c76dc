"""The order of the runs, which are repeated, and which are given up; the runs themselves are recordings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from profilednn_tui.compare.runs import Run
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.background import EndedRun
from profilednn_tui.experiment.plan import Experiment, RunEntry, RunState, load_experiment
from profilednn_tui.experiment.runner import ExperimentOutcome, ExperimentProgress, run_experiment
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.launch.command import TargetCommand
from profilednn_tui.launch.options import LaunchOptions
from tests.unit.session.recordings import cores, machine, write_session

STOPPED = 2


@dataclass
class Starter:
    """Writes recordings instead of starting targets."""

    disturbed: dict[str, int] = field(default_factory=dict)
    """How many of a variant's first runs are disturbed."""
    failing: set[str] = field(default_factory=set)
    stop_at: int | None = None
    turns: int = 40
    """Turns that each of several targets takes."""
    seen: list[tuple[str, LaunchOptions]] = field(default_factory=list)
    at_once: list[int] = field(default_factory=list)
    """Number of targets in each start."""

    def __call__(
        self,
        targets: Sequence[tuple[TargetCommand, LaunchOptions]],
        home: Path,
        on_beat: Callable[[Path, float], None],
    ) -> tuple[EndedRun, ...]:
        self.at_once.append(len(targets))
        turns = self.turns if len(targets) > 1 else None
        return tuple(self.run(command, options, home, on_beat, turns) for command, options in targets)

    def run(
        self,
        command: TargetCommand,
        options: LaunchOptions,
        home: Path,
        on_beat: Callable[[Path, float], None],
        turns: int | None,
    ) -> EndedRun:
        self.seen.append((command.python, options))
        variant = str(options.name).rpartition("-")[0]
        folder = home / f"{len(self.seen)}-{options.name}"
        busy = self.disturbed.get(variant, 0) > 0
        self.disturbed[variant] = self.disturbed.get(variant, 0) - 1
        others = (90.0, 0.0, 0.0, 0.0) if busy else (1.0, 0.0, 0.0, 0.0)
        write_session(folder, host=[machine(), cores((5.0, 90.0, 90.0, 90.0), others)], exit_code=0)
        (folder / "output.log").write_text("Traceback\nValueError: no data\n")
        on_beat(folder, 1.0)
        stopped = STOPPED if len(self.seen) == self.stop_at else None
        return EndedRun(folder, 1 if variant in self.failing else 0, stopped, 2.0, turns)

    @property
    def order(self) -> list[str]:
        return [str(options.name) for _, options in self.seen]


class Observer:
    """Records its calls."""

    def __init__(self) -> None:
        self.beats: list[ExperimentProgress] = []
        self.endings: list[tuple[ExperimentProgress, RunState]] = []

    def beat(self, progress: ExperimentProgress) -> None:
        self.beats.append(progress)

    def ended(self, progress: ExperimentProgress, entry: RunEntry, run: Run) -> None:
        self.endings.append((progress, entry.state))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    (tmp_path / "train.py").write_text("")
    (tmp_path / "experiment").mkdir()
    return tmp_path / "experiment"


def experiment(folder: Path, repeat: int = 3, *variants: Variant) -> Experiment:
    return Experiment(
        name="tuning", words=("train.py", "--lr", "0.1"), kind="script", working_directory=str(folder.parent),
        variants=variants or (Variant("A"), Variant("B")), repeat=repeat, steps=40, seed=7, start_unix_ns=1,
        environment={"OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def run(folder: Path, starter: Starter, planned: Experiment | None = None) -> tuple[ExperimentOutcome, Observer]:
    observer = Observer()
    return run_experiment(planned or experiment(folder), folder, observer, starter), observer


def test_runs_are_interleaved_forward_and_backward(folder: Path) -> None:
    starter = Starter()
    conducted, observer = run(folder, starter)
    assert starter.order == ["A-1", "B-1", "B-2", "A-2", "A-3", "B-3"]
    assert not conducted.experiment.pending()
    assert load_experiment(folder).experiment == conducted.experiment
    assert [progress.number for progress, _ in observer.endings] == [1, 2, 3, 4, 5, 6]
    assert [progress.remaining_s for progress, _ in observer.endings] == [None, 10.0, 8.0, 6.0, 4.0, 2.0]
    assert observer.beats[0].elapsed_s == 1.0


@pytest.mark.parametrize(("gone", "reason"), [("gone", "No such file or directory"), ("train.py", "Not a directory")])
def test_a_folder_that_cannot_be_entered_is_refused(folder: Path, gone: str, reason: str) -> None:
    starter, place = Starter(), folder.parent / gone
    planned = replace(experiment(folder), working_directory=str(place))
    with pytest.raises(ProfilerError) as refusal:
        run(folder, starter, planned)
    assert str(refusal.value) == f"The experiment's working directory {place} cannot be entered ({reason}). Restore it."
    assert not starter.seen


def test_a_folder_is_meant_from_where_the_experiment_is_run(folder: Path) -> None:
    run(Path("../experiment"), Starter(), experiment(folder, 1))
    assert len(load_experiment(folder).experiment.runs) == 2


def test_a_variant_has_its_own_settings_and_all_have_the_same_seed(folder: Path) -> None:
    starter = Starter()
    fast = Variant("B", (), {"OMP_NUM_THREADS": "4", "MALLOC_TOP_PAD_": "1"})
    run(folder, starter, experiment(folder, 1, Variant("A"), fast))
    (_, first), (_, second) = starter.seen
    assert (first.environment, first.seed, first.steps) == ({"OMP_NUM_THREADS": "1"}, 7, 40)
    assert (second.environment, second.seed) == ({"OMP_NUM_THREADS": "4", "MALLOC_TOP_PAD_": "1"}, 7)


def test_a_disturbed_run_is_made_again(folder: Path) -> None:
    starter = Starter(disturbed={"B": 1})
    conducted, _ = run(folder, starter)
    assert starter.order == ["A-1", "B-1", "B-1", "B-2", "A-2", "A-3", "B-3"]
    states = [entry.state for entry in conducted.experiment.runs_of("B")]
    assert states == [RunState.DISTURBED, RunState.DONE, RunState.DONE, RunState.DONE]
    assert "others" in conducted.experiment.runs_of("B")[0].reason


def test_a_neighbour_that_stays_is_not_fought_for_ever(folder: Path) -> None:
    starter = Starter(disturbed={"A": 100, "B": 100})
    conducted, _ = run(folder, starter)
    assert len(starter.seen) == 6 + 3
    assert not conducted.experiment.pending()


def test_a_last_block_that_is_made_again_is_not_counted_beyond_the_end(folder: Path) -> None:
    """A new user found "run 5 of 4"."""
    planned = replace(experiment(folder, 2), lockstep=True)
    for variant in "AB":
        planned = planned.with_run(RunEntry(variant, 0, f"1-{variant}-1", RunState.DONE))
    _, observer = run(folder, Starter(disturbed={"B": 1}), planned)
    numbers = [(progress.number, progress.total) for progress, _ in observer.endings]
    assert numbers == [(3, 4), (4, 4), (3, 4), (4, 4)]


def test_a_stop_keeps_the_finished_runs_and_the_rest_can_follow(folder: Path) -> None:
    conducted, _ = run(folder, Starter(stop_at=4))
    assert conducted.stopped_by == STOPPED
    kept = load_experiment(folder).experiment
    assert [entry.folder for entry in kept.runs] == ["1-A-1", "2-B-1", "3-B-2"]
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["1-A-1", "2-B-1", "3-B-2"]
    rest = Starter()
    resumed, _ = run(folder, rest, kept)
    assert rest.order == ["A-2", "A-3", "B-3"]
    assert len(resumed.experiment.runs) == 6


def test_a_variant_that_fails_is_given_up_and_the_others_go_on(folder: Path) -> None:
    starter = Starter(failing={"B"})
    conducted, _ = run(folder, starter)
    assert starter.order == ["A-1", "B-1", "A-2", "A-3"]
    (failed,) = conducted.experiment.runs_of("B")
    assert failed.state is RunState.FAILED
    assert failed.reason.startswith("exit code 1: ValueError: no data (its output: ")


def test_a_baseline_that_fails_ends_the_experiment_with_the_reason(folder: Path) -> None:
    with pytest.raises(ProfilerError, match=r"baseline A failed: exit code 1: ValueError: no data"):
        run(folder, Starter(failing={"A"}))
    assert len(load_experiment(folder).experiment.runs) == 1


def test_in_lockstep_a_block_runs_together(folder: Path) -> None:
    starter = Starter()
    conducted, observer = run(folder, starter, replace(experiment(folder), lockstep=True))
    assert starter.order == ["A-1", "B-1", "B-2", "A-2", "A-3", "B-3"]
    assert starter.at_once == [2, 2, 2]
    assert [(progress.number, progress.variant) for progress, _ in observer.endings][:3] == [
        (1, "A"),
        (2, "B"),
        (3, "B"),
    ]
    assert observer.beats[0].variant == "A B"
    assert observer.endings[-1][0].remaining_s == 2.0
    assert not conducted.experiment.pending()


def test_what_disturbs_one_of_a_block_in_lockstep_disturbs_all_and_all_are_made_again(folder: Path) -> None:
    starter = Starter(disturbed={"B": 1})
    conducted, _ = run(folder, starter, replace(experiment(folder), lockstep=True))
    assert starter.order[:4] == ["A-1", "B-1", "A-1", "B-1"]
    for variant in "AB":
        states = [entry.state for entry in conducted.experiment.runs_of(variant)]
        assert states == [RunState.DISTURBED, RunState.DONE, RunState.DONE, RunState.DONE]


def test_a_target_that_takes_no_turns_fails_with_the_reason(folder: Path) -> None:
    with pytest.raises(ProfilerError, match="baseline A failed: it never stopped between steps"):
        run(folder, Starter(turns=0), replace(experiment(folder), lockstep=True))


def test_the_rest_of_a_block_alone_takes_no_turns(folder: Path) -> None:
    planned = replace(experiment(folder, 1), lockstep=True)
    done = RunEntry("A", 0, "1-A-1", RunState.DONE)
    starter = Starter()
    conducted, _ = run(folder, starter, planned.with_run(done))
    assert (starter.order, starter.at_once) == (["B-1"], [1])
    assert not conducted.experiment.pending()

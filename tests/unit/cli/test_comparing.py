"""`compare` on recorded sessions: texts, formats and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from profilednn_tui.cli import program
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment.plan import Experiment, RunEntry, RunState
from profilednn_tui.experiment.variants import Variant
from profilednn_tui.protocol.events import MachineEvent, StepsEvent, StepSourceEvent
from profilednn_tui.session.open_session import open_session
from tests.unit.compare.sides import MS, noisy
from tests.unit.session.recordings import PID, hello, host_events, machine, step_row, window, write_session

pytestmark = pytest.mark.usefixtures("home")


def record(folder: Path, slower: float = 1.0, host: list[object] | None = None, seed: int = 1) -> Path:
    durations = noisy(np.random.default_rng(seed), 80, 20 * MS * slower)
    rows = [step_row(number, int(ns), 0, 2.0 / number) for number, ns in enumerate(durations, start=1)]
    agent = [hello(), StepSourceEvent("optimizer", "SGD.step", PID, 1), StepsEvent(1, rows), window(1, slower=slower)]
    return write_session(folder, agent, host, exit_code=0, name=folder.name, script_sha256="ab")


def invoke(*words: str | Path) -> Result:
    return CliRunner().invoke(program, ["compare", *map(str, words)])


def several(home: Path, name: str, slower: float = 1.0, seed: int = 1, count: int = 4) -> str:
    """Record sessions of the same thing; returns a pattern that matches them."""
    for number in range(count):
        record(home / f"{name}-{number}", slower, seed=seed + 10 * number)
    return f"{name}-*"


def test_a_regression_is_told_and_fails_only_on_demand(home: Path) -> None:
    before, after = several(home, "before"), several(home, "after", slower=1.3, seed=2)
    outcome = invoke(before, after)
    assert outcome.exit_code == 0
    assert "verdict    slower: step time +" in outcome.output
    assert "(4 runs, " in outcome.output
    assert "losses     random numbers not recorded: not compared" in outcome.output
    assert "aten::convolution_backward" in outcome.output
    assert invoke(before, after, "--fail-on", "5%").exit_code == 3
    assert invoke(before, after, "--fail-on", "50%").exit_code == 0
    assert invoke(after, before, "--fail-on", "5%").exit_code == 0


def test_equal_sides_pass(home: Path) -> None:
    before, after = several(home, "before"), several(home, "after", seed=3)
    outcome = invoke(before, after, "--fail-on", "5%")
    assert outcome.exit_code == 0
    assert "no detectable difference" in outcome.output


def test_one_run_per_side_is_not_judged(home: Path) -> None:
    """Found: `--fail-on 5%` passed a pair of 8.97 and 92.4 ms."""
    record(home / "before")
    record(home / "after", slower=10, seed=2)
    outcome = invoke("before", "after")
    assert outcome.exit_code == 0
    assert "verdict    not judged: one run per side cannot detect differences below" in outcome.output
    assert "more runs per side would detect 5.0 %" in outcome.output
    assert "7.5 % is assumed" in outcome.output
    failing = invoke("before", "after", "--fail-on", "5%")
    assert isinstance(failing.exception, ProfilerError)
    assert failing.exception.exit_code == 2
    assert "cannot be decided" in str(failing.exception)


def test_a_limit_below_what_the_runs_could_show_cannot_be_decided(home: Path) -> None:
    before, after = several(home, "before", count=2), several(home, "after", seed=3, count=2)
    failing = invoke(before, after, "--fail-on", "2%")
    assert isinstance(failing.exception, ProfilerError)
    assert "2.0 % was asked for" in str(failing.exception)
    assert "more runs per side would detect 2.0 %" in str(failing.exception)


def test_sides_are_named_by_commas_and_patterns(home: Path) -> None:
    several(home, "before")
    several(home, "after", seed=3)
    found = json.loads(invoke("before-0,before-1,before-2", "after-*", "--json").output)
    assert found["baseline"]["runs"] == ["before-0", "before-1", "before-2"]
    assert len(found["candidate"]["runs"]) == 4
    files = [str(home / f"before-{number}") for number in range(2)]
    assert len(json.loads(invoke(",".join(files), "after-0", "--json").output)["baseline"]["runs"]) == 2
    missing = invoke("nothing-*", "after-0")
    assert isinstance(missing.exception, ProfilerError)
    assert "No session matches nothing-*" in str(missing.exception)


def test_json_has_the_verdict_and_its_numbers(home: Path) -> None:
    before, after = several(home, "before"), several(home, "after", slower=0.5, seed=2)
    found = json.loads(invoke(before, after, "--json").output)
    assert (found["schema"], found["verdict"]) == ("profilednn.comparison/1", "faster")
    assert found["step_time"]["low_percent"] < found["step_time"]["change_percent"] < found["step_time"]["high_percent"]
    assert found["step_time"]["change_percent"] == pytest.approx(-50, abs=2)
    assert found["precision"] == {"limit_percent": 5, "more_runs": 0, "spread_percent": None, "spread_degrees": None}
    assert found["losses"]["agreement"] == "random numbers not recorded: not compared"
    large = [row for row in found["operators"] if row["baseline_ms"] >= 0.01 * found["baseline"]["median_ms"]]
    assert {row["change"] for row in large} == {"shrunk"}
    assert found["baseline"]["median_ms"] == pytest.approx(20, rel=0.05)


def test_markdown_is_a_table_with_a_row_a_variant(home: Path) -> None:
    before, after = several(home, "before"), several(home, "after", slower=2.0, seed=2)
    output = invoke(before, after, "--to", "markdown").output
    assert "| `after-*` | slower: step time +" in output
    assert "| `aten::convolution_backward` |" in output


def test_snapshots_of_different_machines_are_not_comparable(home: Path, tmp_path: Path) -> None:
    events = [event for event in host_events() if not isinstance(event, MachineEvent)]
    other = MachineEvent(**{**vars(machine()), "cpu": "Intel(R) Xeon(R) Platinum 8480+"})
    files = []
    for name, described in (("here", machine()), ("there", other)):
        session = open_session(record(home / name, host=[described, *events]))
        while session.poll():
            pass
        files.append(tmp_path / f"{name}.pdnn")
        session.save_snapshot(files[-1])
    outcome = invoke(*files)
    assert outcome.exit_code == 0
    assert "verdict    not comparable: different machines: AMD EPYC" in outcome.output
    failing = invoke(*files, "--fail-on", "5%")
    assert isinstance(failing.exception, ProfilerError)
    assert failing.exception.exit_code == 2
    assert invoke(*files, "--across", "machine").exit_code == 2


def experiment(home: Path, slower: float, states: dict[str, RunState] | None = None, repeat: int = 4) -> Path:
    folder = home / "tuning"
    folder.mkdir()
    runs = []
    for block in range(4):
        for number, (name, factor) in enumerate((("stock", 1.0), ("tuned", slower))):
            session = f"{name}-{block}"
            record(folder / session, factor, seed=10 * block + number)
            state = (states or {}).get(name, RunState.DONE)
            runs.append(RunEntry(name, block, session, state, "others 98 % of one core"))
    Experiment(
        name="tuning", words=("train.py",), kind="script", working_directory="/",
        variants=(Variant("stock"), Variant("tuned")),
        repeat=repeat, steps=80, seed=0, start_unix_ns=1, runs=tuple(runs),
    ).save(folder)  # fmt: skip
    return folder


def test_an_experiment_is_compared_with_its_runs_as_samples(home: Path) -> None:
    experiment(home, 1.1)
    outcome = invoke("tuning", "--fail-on", "5%")
    assert outcome.exit_code == 3
    assert "tuned against stock" in outcome.output
    assert "(4 runs, " in outcome.output
    assert "assumed" not in outcome.output


def test_variants_of_experiments_stand_for_their_runs(home: Path) -> None:
    experiment(home, 1.1)
    found = json.loads(invoke("tuning:tuned", "tuning:stock", "--json").output)
    assert found["verdict"] == "faster"
    assert len(found["baseline"]["runs"]) == 4


def test_missing_runs_are_told_with_the_way_to_make_them(home: Path) -> None:
    experiment(home, 1.1, repeat=6)
    assert "4 runs are missing: `profilednn-tui experiment --resume tuning` makes them" in invoke("tuning").output


def test_disturbed_runs_lead_to_no_verdict(home: Path) -> None:
    experiment(home, 1.5, {"tuned": RunState.DISTURBED})
    output = invoke("tuning").output
    assert "not comparable: 4 of 4 runs of tuned were disturbed (others 98 % of one core)" in output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("nothing",), "nothing is not an experiment. Name two sessions"),
        (("tuning", "tuning"), "name it alone, or one of its variants: tuning:stock, tuning:tuned"),
        (("tuning:x", "tuning:stock"), "has no variant x. There are: stock, tuned."),
        (("nowhere", "tuning:stock"), "There is no session"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_fix(home: Path, words: tuple[str, ...], sentence: str) -> None:
    experiment(home, 1.0)
    outcome = invoke(*words)
    assert isinstance(outcome.exception, ProfilerError)
    assert sentence in str(outcome.exception)
    assert outcome.exception.exit_code == 2


def test_experiments_are_listed_with_their_progress(home: Path) -> None:
    experiment(home, 1.1, repeat=6)
    output = CliRunner().invoke(program, ["list"]).output
    assert "experiment" in output
    assert "tuning, 8 of 12 runs: stock, tuned" in output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "An experiment needs a variant"),
        (("--variant", "a=X=1", "--ablate"), "--ablate needs exactly one variant, with optimizations"),
        (("--variant", "stock=X=1"), "like the baseline it is compared with"),
        (("--variant", "a=python=/nowhere/python"), "/nowhere/python is not a Python interpreter"),
        (("--variant", "a=", "--variant", "a=X=1"), "There are two variants a"),
        (("--variant", "a=no_such_optimization"), "There is no optimization no_such_optimization"),
        (("--variant", "a=X=1", "--resume", "tuning"), "Leave out the SCRIPT"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused_before_anything_is_written(
    home: Path, tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    script = tmp_path / "train.py"
    script.write_text("")
    outcome = CliRunner().invoke(program, ["experiment", *words, str(script)])
    assert sentence in f"{outcome.exception}{outcome.output}"
    assert getattr(outcome.exception, "exit_code", outcome.exit_code) == 2
    assert list(home.iterdir()) == []

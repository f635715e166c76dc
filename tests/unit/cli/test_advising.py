"""``advise``: the ledger, and what is no finding."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import pytest

from profilednn_tui.advise.findings import Abstention, Advice, Finding, Remedy
from profilednn_tui.cli import main
from profilednn_tui.cli.advising import finding_of
from profilednn_tui.clock import Clock
from profilednn_tui.collect.machine import own_hardware
from profilednn_tui.errors import ProfilerError
from profilednn_tui.experiment import proof
from profilednn_tui.session.storage.ledger import LEDGER_FILE, add_proof, read_ledger
from tests.unit.experiment.test_proof import FINDING, Starter
from tests.unit.export.advice.test_ledger import PROOFS
from tests.unit.session.recordings import write_session

ADVICE = Advice((Finding("threads-idle", "", (), Remedy(change="a")),), (Abstention("reorders", "no primitives"),))


def advise(*words: str) -> int:
    """The exit code."""
    try:
        main(["advise", *words])
    except SystemExit as ended:
        return int(str(ended.code))
    return 0


def test_a_rule_without_a_finding_is_told_with_those_that_have_one() -> None:
    assert finding_of(ADVICE, "threads-idle").rule == "threads-idle"
    with pytest.raises(
        ProfilerError, match=r"^reorders cannot tell in this session: no primitives\. There are: threads"
    ):
        finding_of(ADVICE, "reorders")
    with pytest.raises(ProfilerError, match=r"^float64 finds nothing in this session\. No other rule"):
        finding_of(Advice(), "float64")


def test_a_rule_that_does_not_exist_is_told_with_similar_names() -> None:
    with pytest.raises(ProfilerError, match=r"^There is no rule reorder\. Did you mean reorders\?"):
        finding_of(ADVICE, "reorder")
    with pytest.raises(ProfilerError, match=r"There are: .*data-wait.*reorders"):
        finding_of(ADVICE, "x")


def test_the_ledger_is_shown_and_forgotten(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for one in PROOFS:
        add_proof(home, own_hardware(), one)
    add_proof(home, "another machine", PROOFS[0])
    assert advise("--ledger", "--to", "json") == 0
    assert json.loads(capsys.readouterr().out)["rules"][0]["tried"] == 3
    assert advise("--forget", "reorders") == 0
    assert capsys.readouterr().out == "1 try of reorders forgotten.\n"
    assert {entry.proof.rule for entry in read_ledger(home)} == {"denormals"}
    assert advise("--forget") == 0
    assert capsys.readouterr().out == "4 tries forgotten.\n"
    assert advise("--forget") == 0
    assert capsys.readouterr().out == "No tries forgotten.\n"
    assert advise("--ledger") == 0
    assert "No remedy was tried" in capsys.readouterr().out


def test_a_rule_that_the_ledger_does_not_have_is_told(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert advise("--forget", "reorder") == 2
    assert "Did you mean reorders?" in capfd.readouterr().err


@pytest.mark.parametrize(
    "words",
    [(), ("--try", "reorders"), ("session", "--ledger"), ("session", "--forget"), ("--ledger", "--forget", "reorders")],
)
def test_what_does_not_go_together_is_told(
    home: Path, words: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    assert advise(*words) == 2
    assert "Name a SESSION" in capfd.readouterr().err


@pytest.mark.parametrize("words", [("run", "--json", "--to", "markdown"), ("--ledger", "--json", "--to", "text")])
def test_two_formats_at_once_are_told(home: Path, words: tuple[str, ...], capfd: pytest.CaptureFixture[str]) -> None:
    # Found by a new user: --to was ignored.
    assert advise(*words) == 2
    assert "--json and --to" in capfd.readouterr().err


def test_a_ledger_that_cannot_be_read_is_one_sentence_beside_the_advice(
    home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_session(home / "run", exit_code=0)
    assert advise("run") == 0
    usual = capfd.readouterr()
    (home / LEDGER_FILE).write_text("{")
    assert advise("run") == 0
    found = capfd.readouterr()
    assert found.out == usual.out
    assert found.err.removesuffix(usual.err).count("\n") == 1
    assert "cannot be read" in found.err


@pytest.fixture
def recorded(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home with a session that has two findings."""
    (tmp_path / "train.py").write_text("")
    write_session(home / "run", exit_code=0, working_directory=str(tmp_path), python=sys.executable)
    advice = Advice((FINDING, *ADVICE.findings), ADVICE.abstained)
    monkeypatch.setattr("profilednn_tui.advise.advisor.advise", lambda view: advice)
    return home


def run_with(starter: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have remedies tried by writing recordings."""
    monkeypatch.setattr(proof, "try_remedy", partial(proof.try_remedy, start=starter))


def folders(home: Path) -> list[str]:
    return sorted(path.name for path in home.iterdir() if path.is_dir())


def test_json_after_a_try_is_the_advice_with_what_was_measured(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run_with(Starter(), monkeypatch)
    assert advise("run", "--try", FINDING.rule, "--to", "json") == 0
    shown = capfd.readouterr()
    first, second = json.loads(shown.out)["findings"]
    assert (first["rule"], first["measured"]["effect"], first["record"]["helped"]) == (FINDING.rule, "helped", 1)
    assert (second["measured"], second["record"]["helped"]) == (None, 0)
    assert shown.err.count("Run ") == 8
    (entry,) = read_ledger(recorded)
    assert (entry.machine, entry.proof.session) == (own_hardware(), "run")
    assert len(folders(recorded)) == 2, "the runs are kept"
    assert advise("run", "--json") == 0
    assert capfd.readouterr().out == shown.out, "the same session and ledger, the same words"
    assert advise("run") == 0
    assert "   measured: 40 % of the step won (" in capfd.readouterr().out


def test_text_after_a_try_is_about_that_finding(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run_with(Starter(), monkeypatch)
    assert advise("run", "--try", FINDING.rule) == 0
    shown = capfd.readouterr().out
    assert shown.count("measured: ") == 1
    assert "cannot tell" not in shown


def test_a_result_that_the_ledger_cannot_take_is_shown_all_the_same(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (recorded / LEDGER_FILE).write_text('{"magic": "profilednn", "version": 2}')
    run_with(Starter(), monkeypatch)
    assert advise("run", "--try", FINDING.rule) == 0
    shown = capfd.readouterr()
    assert "measured: 40 % of the step won" in shown.out
    assert "newer profilednn-tui" in shown.err


@pytest.mark.parametrize(
    ("starter", "exit_code", "sentence"),
    [
        (Starter(stop_at=2), 130, "stopped; nothing was kept"),
        (Starter(disturbed=True), 2, "Try again when the machine is quiet"),
        (Starter(failing="unchanged"), 2, "The baseline unchanged failed: exit code 1: ValueError: no data\n"),
    ],
)
def test_a_try_without_a_result_leaves_nothing(
    recorded: Path, starter: Starter, exit_code: int, sentence: str,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    run_with(starter, monkeypatch)
    assert advise("run", "--try", FINDING.rule) == exit_code
    shown = capfd.readouterr()
    assert sentence in shown.err
    assert shown.out == ""
    assert folders(recorded) == ["run"]
    assert read_ledger(recorded) == ()


def test_runs_that_cannot_tell_are_shown_with_exit_code_2(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The time is up after four groups that differ widely."""
    starter = Starter((1.0, 0.5, 1.6, 0.6))
    monkeypatch.setattr("profilednn_tui.cli.proving.time.monotonic", lambda: 0.0)
    clock = Clock(unix_ns=lambda: 7, monotonic_s=lambda: starter.now_s)
    monkeypatch.setattr(proof, "try_remedy", partial(proof.try_remedy, start=starter, clock=clock))
    assert advise("run", "--try", FINDING.rule, "--minutes", "0.9", "--json") == 2
    shown = capfd.readouterr()
    assert json.loads(shown.out)["findings"][0]["measured"]["effect"] == "not judged"
    assert shown.err.splitlines()[-1].startswith("profilednn-tui: not judged: 4 groups of runs cannot tell")

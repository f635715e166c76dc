"""``advise``: the ledger, and what is no finding."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profilednn_tui.advise.findings import Abstention, Advice, Finding, Remedy
from profilednn_tui.cli import main
from profilednn_tui.cli.advising import finding_of
from profilednn_tui.collect.machine import own_hardware
from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.storage.ledger import LEDGER_FILE, add_proof, read_ledger
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
    for proof in PROOFS:
        add_proof(home, own_hardware(), proof)
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
    assert found.err.count("\n") == 1
    assert "cannot be read" in found.err

"""`advise --reference` on recorded sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from profilednn_tui.cli import program
from profilednn_tui.errors import ProfilerError
from tests.unit.cli.test_comparing import record

pytestmark = pytest.mark.usefixtures("home")


def test_the_reference_is_told_beside_the_findings(home: Path) -> None:
    here, there = record(home / "here"), record(home / "there", slower=2.0)
    words = ["advise", str(here), "--reference", str(there)]
    text = CliRunner().invoke(program, words).output
    assert "Beside there, its reference:\n" in text
    assert "All kernels of the reference are there, with the same shares of the time." in text
    document = json.loads(CliRunner().invoke(program, [*words, "--json"]).output)
    assert document["reference"]["name"] == "there"
    assert document["reference"]["missing"] == []
    without = json.loads(CliRunner().invoke(program, ["advise", str(here), "--json"]).output)
    assert "reference" not in without


def test_a_reference_that_is_not_there_is_named(home: Path) -> None:
    outcome = CliRunner().invoke(program, ["advise", str(record(home / "here")), "--reference", "nowhere"])
    assert isinstance(outcome.exception, ProfilerError)
    assert "nowhere" in str(outcome.exception)

"""The table of planted faults: what counts as found, and what as said without cause."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.advice import place_of, planted, programs, table
from benchmarks.trials import Trials
from profilednn_tui.advise.rules import RULES


def finding(rule: str, ceiling: float) -> dict[str, Any]:
    return {"rule": rule, "ceiling": ceiling, "sentence": f"{rule} is the cause"}


def row(*findings: dict[str, Any], abstained: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"step_ms": 20.0, "findings": list(findings), "abstained": list(abstained)}


def last_lines(known: dict[str, dict[str, Any]]) -> list[str]:
    return list(table(known))[-2:]


def line(known: dict[str, dict[str, Any]], name: str) -> str:
    return next(one for one in table(known) if one.startswith(f"| {name} |"))


def test_the_first_line_tells_the_rules() -> None:
    assert planted('# rule: data-wait, loader-workers\n"""Text."""\n') == ("data-wait", "loader-workers")


def test_a_fault_without_its_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="first line"):
        planted('"""Text."""\n')


def test_there_are_enough_programs_of_each_kind() -> None:
    faults = [program for program in programs() if program.rules]
    assert len({program.rules[0] for program in faults}) >= 24
    assert len(programs()) - len(faults) == 10


def test_every_program_says_what_it_is() -> None:
    for program in programs():
        assert '"""' in "".join(program.path.read_text().splitlines()[:2]), program.name


def test_the_place_is_that_of_any_of_the_rules() -> None:
    findings = [finding("neighbour", 0.3), finding("float64", 0.2), finding("slow-recurrent", 0.1)]
    assert place_of(("slow-recurrent", "float64"), findings) == 2
    assert place_of(("denormals",), findings) is None


def test_third_is_not_near_enough() -> None:
    near = row(finding("neighbour", 0.3), finding("float64", 0.2))
    far = row(finding("neighbour", 0.3), finding("reorders", 0.2), finding("data-wait", 0.1))
    counted = last_lines({"faults/float64": near, "faults/data_wait": far})[0]
    assert counted == "- Planted cause first or second for 1 of 2 programs, first for 0."


def test_a_fault_that_is_not_named_is_told_apart_from_an_abstention() -> None:
    missed = row(finding("neighbour", 0.3))
    assert "**not found**" in line({"faults/float64": missed}, "float64")
    assert "| abstains |" in line({"faults/float64": row(abstained=("float64",))}, "float64")


def test_only_large_ceilings_count_against_healthy_programs() -> None:
    known = {"healthy/graph": row(finding("neighbour", 0.3), finding("python-overhead", 0.1))}
    assert last_lines(known)[1] == (
        "- Findings above 10 % in 1 healthy programs: 1; the remedies of 0 of them helped, 1 did not, or cannot be "
        "tried."
    )
    assert "python-overhead 10 % |" in line(known, "graph")


def test_a_finding_whose_remedy_helps_does_not_count_against_a_healthy_program() -> None:
    """Page faults cost a quarter of a step on some machines."""
    found = row(finding("allocator-faults", 0.3), finding("reorders", 0.2), finding("float64", 0.2))
    found["tried"] = [
        {"rule": "allocator-faults", "measured": {"gain": 0.25, "low": 0.2}},
        {"rule": "reorders", "measured": {"gain": 0.05, "low": -0.1}},
    ]
    known = {"healthy/graph": found}
    assert "the remedies of 1 of them helped, 2 did not" in last_lines(known)[1]
    said = line(known, "graph")
    assert "**allocator-faults 30 %** (tried: wins 25 %)" in said
    assert "**reorders 20 %** (tried: no gain)" in said
    assert "**float64 20 %** (not tried)" in said


def test_unwanted_trials_are_discarded(tmp_path: Path) -> None:
    trials = Trials(tmp_path / "rows.jsonl")
    trials.go_on(1.0, {"a": 1, "b": 1}, lambda case: {"version": case})
    trials.keep(lambda row: row["version"] == "b")
    assert [row["case"] for row in trials.rows()] == ["b"]


def test_a_planted_rule_is_a_rule() -> None:
    known = {rule.name for rule in RULES}
    assert {rule for program in programs() for rule in program.rules} <= known

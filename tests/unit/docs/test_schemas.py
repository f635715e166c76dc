"""The JSON Schemas describe what is written: real documents are valid, and no key of them is undocumented."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from docs.tools.reference import SCHEMAS, resolved
from profilednn_tui.cli import program
from profilednn_tui.compare.ablation import contributions
from profilednn_tui.compare.factorial import Effect
from profilednn_tui.compare.gate import Answer, Decision
from profilednn_tui.compare.tuning import Eliminated, TuneReport, Winner
from profilednn_tui.export.comparison.certificate import certificate_json
from profilednn_tui.export.comparison.gate import gate_json
from profilednn_tui.export.comparison.json_comparison import json_text as json_comparison
from profilednn_tui.export.comparison.report import Report
from profilednn_tui.export.grid import json_text as grid_json
from profilednn_tui.export.plan import plan_json
from profilednn_tui.export.session.json_session import json_text
from profilednn_tui.export.tuning.json_tuning import json_text as tuning_json
from profilednn_tui.launch.recipe import Recipe, recipe_text
from profilednn_tui.ranks.grid import CellRuns, grid_of
from profilednn_tui.session.proof import Effect as ProofEffect
from profilednn_tui.session.storage.ledger import LEDGER_FILE, add_proof
from profilednn_tui.session.storage.tail import alive_line
from tests.unit.cli.test_comparing import record, several
from tests.unit.compare.sides import settled
from tests.unit.export.comparison.test_certificate import FASTER, ROUNDED
from tests.unit.export.session.test_lives import crashed
from tests.unit.export.test_plan import WHOLE, plan
from tests.unit.ranks.records import trained
from tests.unit.ranks.test_grid import grid
from tests.unit.session import recordings as r
from tests.unit.session.model.test_memory_account import account, allocations
from tests.unit.session.storage.test_ledger import PROOF

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
ONEDNN_LOGS = sorted((FIXTURES / "onednn").glob("*.log.gz"))

pytestmark = pytest.mark.usefixtures("home")


def schema(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def undocumented(value: Any, described: Mapping[str, Any], shared: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The keys of a document that its schema does not name."""
    described = resolved(described, shared)
    if isinstance(value, dict) and "properties" in described:
        for key, inner in value.items():
            if key in described["properties"]:
                yield from undocumented(inner, described["properties"][key], shared, f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(value, list) and "items" in described:
        for inner in value:
            yield from undocumented(inner, described["items"], shared, f"{path}[]")


def check(text: str, name: str) -> None:
    described = schema(name)
    document = json.loads(text)
    errors = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(described).iter_errors(document)]
    assert errors == []
    assert sorted(set(undocumented(document, described, described.get("$defs", {})))) == []


def written(*words: str | Path) -> str:
    outcome = CliRunner().invoke(program, [*map(str, words)])
    assert outcome.exception is None or isinstance(outcome.exception, SystemExit), outcome.exception
    return outcome.stdout


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.name)
def test_each_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("session", ["session", "children"])
def test_a_recorded_session(session: str) -> None:
    check(written("export", FIXTURES / "format-2" / session, "--to", "json", "-o", "-"), "session")


def test_a_session_with_ranks_of_which_one_is_late_and_one_has_died() -> None:
    late = replace(crashed(), ranks=trained(40, [{}, {"backward": 20.0}]))
    text = json_text(late)
    assert json.loads(text)["straggler"]["rank"] == 1
    check(text, "session")


def test_a_session_with_an_account_of_its_memory() -> None:
    text = json_text(r.view_of(*r.agent_events(), account(), allocations()))
    assert json.loads(text)["memory"]["account"]["owners"]
    assert json.loads(text)["memory"]["step"]["phases"]
    check(text, "session")


def test_advice(home: Path) -> None:
    text = written("advise", FIXTURES / "format-2" / "session", "--json")
    check(text, "advice")
    here, there = record(home / "here"), record(home / "there", slower=2.0)
    check(written("advise", here, "--reference", there, "--json"), "advice")


def test_a_comparison(home: Path) -> None:
    before, after = several(home, "before"), several(home, "after", slower=1.3, seed=2)
    check(written("compare", before, after, "--to", "json"), "comparison")
    check(written("compare", f"{before[:-1]}1", f"{after[:-1]}1", "--to", "json"), "comparison")


def test_the_answer_of_a_gate() -> None:
    undecided = Decision(Answer.UNDECIDED, 3, 1.02, 0.97, 1.08, more_groups=9)
    check(gate_json(undecided, None, "working folder against HEAD", 0.05), "gate")
    check(gate_json(Decision(Answer.UNDECIDED, 0, reason="it makes no steps"), None, "", 0.05), "gate")


def test_the_result_of_a_search() -> None:
    found = TuneReport(
        name="train", winner=Winner(("channels_last",), {"OMP_NUM_THREADS": "2"}), comparison=None,
        factors=(Effect("channels_last", 0.8, 0.78, 0.82, 120),), pairs=(("bf16", "channels_last", 0.9),), raced=(),
        eliminated=(Eliminated("loader", "no DataLoader"),), duration_s=61.0, words=("train.py",), recipe="r.toml",
    )  # fmt: skip
    check(tuning_json(found), "tune")
    nothing = TuneReport("train", None, None, (), (), (), (), 5.0, ("train.py",), unfinished="the race")
    check(tuning_json(nothing), "tune")


def test_a_plan() -> None:
    check(plan_json(plan(WHOLE)), "plan")
    check(plan_json(plan()), "plan")


@pytest.mark.parametrize("log", ONEDNN_LOGS, ids=lambda path: path.name)
def test_primitives(log: Path) -> None:
    check(written("onednn", log, "--json"), "onednn")


def test_an_experiment_with_an_ablation() -> None:
    steps = {name: [settled(np.full(10, part * 1e7))] * 4 for name, part in (("stock", 1.0), ("all", 0.4))}
    steps |= {"only-a": steps["all"], "only-b": steps["stock"]}
    ablation = contributions(("a", "b"), steps)
    assert ablation.rows
    check(json_comparison(replace(ROUNDED, ablation=ablation)), "experiment")


@pytest.mark.parametrize("report", [ROUNDED, FASTER])
def test_certificates(report: Report) -> None:
    check(certificate_json(report), "certificate")


def test_a_grid_with_a_cell_that_failed() -> None:
    failed = CellRuns("ranks4-threads1", {"ranks": "4", "threads": "1"}, {}, "failed: no port")
    check(grid_json(grid_of("train", (*grid(), failed))), "grid")


def test_a_recipe() -> None:
    text = recipe_text(Recipe(("channels_last",), {"OMP_NUM_THREADS": "2"}), ("a comment",))
    check(json.dumps(tomllib.loads(text)), "recipe")
    check(json.dumps(tomllib.loads(recipe_text(Recipe()))), "recipe")
    wrong = {"schema": "profilednn.recipe/1", "environment": {"LD_PRELOAD": "x.so"}}
    assert not Draft202012Validator(schema("recipe")).is_valid(wrong)


def test_the_ledger(home: Path) -> None:
    add_proof(home, "AMD EPYC, 2 of 2 cores", PROOF)
    add_proof(home, "AMD EPYC, 2 of 2 cores", replace(PROOF, effect=ProofEffect.NOT_JUDGED, note="it failed"))
    check((home / LEDGER_FILE).read_text(), "ledger")


def test_each_line_of_a_stream() -> None:
    lines = written("tail", FIXTURES / "format-2" / "session", "--no-follow", "--sources").splitlines()
    assert [sorted(json.loads(line)) for line in (lines[0], lines[-1])] == [["id", "session", "stream"], ["end"]]
    for line in (*lines, alive_line().decode()):
        check(line, "tail")


def test_a_key_that_is_not_described_is_found() -> None:
    described = {"properties": {"a": {"type": "array", "items": {"$ref": "#/$defs/one"}}}}
    shared = {"one": {"type": "object", "properties": {"b": {}}}}
    assert list(undocumented({"a": [{"b": 1, "c": 2}], "d": 3}, described, shared)) == [".a[].c", ".d"]

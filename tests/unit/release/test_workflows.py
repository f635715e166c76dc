"""The workflow files: what they run exists, and the matrix is that of the tests."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from release.version import ROOT
from tests.matrix import TORCHES, combinations

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(name: str) -> dict[Any, Any]:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    found: dict[Any, Any] = yaml.safe_load(text)
    return found


def test_the_matrix_has_the_oldest_and_the_newest_python_of_each_torch() -> None:
    included = workflow("checks")["jobs"]["target"]["strategy"]["matrix"]["include"]
    known = combinations()
    ends = {(python, torch) for torch, pythons in TORCHES.items() for python in pythons}
    assert {(one["python"], one["torch"]) for one in included} == ends
    assert ends <= {(one.python, one.torch) for one in known}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_has_more_rights_than_reading_unless_a_job_says_so(path: Any) -> None:
    assert workflow(path.stem)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_modules_targets_and_workflows_that_are_run_exist(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    for module in re.findall(r"python -m ((?:release|docs|tests|benchmarks)[\w.]*)", text):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"\bmake ([\w-]+)", text):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
    for used in re.findall(r"uses: \./(\S+)", text):
        assert (ROOT / used).is_file(), used


def test_publishing_waits_for_all_checks_and_stores_no_token() -> None:
    jobs = workflow("publish")["jobs"]
    assert jobs["publish"]["needs"] == "verify"
    assert jobs["verify"]["needs"] == "wheels"
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github" / "workflows" / "publish.yml").read_text(encoding="utf-8")


def test_issue_forms_and_hooks_are_readable() -> None:
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert path.stem == "config" or {"name", "description", "body"} <= set(form)
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for repo in hooks["repos"] for hook in repo["hooks"]} >= {"ruff-format", "ruff-check"}


def test_the_citation_names_software_and_paper() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    (paper,) = cited["references"]
    assert paper["doi"] == "10.13052/jmltapissn.2022.003"
    assert len(paper["authors"]) == 8

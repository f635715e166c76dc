"""Optimizations of other packages: the example of the guide, and the check of those that are wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from profilednn_tui.launch.optimizations import OptimizationCheck, check_optimization, describe_optimizations
from tests.process.harness import ROOT

EXAMPLE = ROOT / "examples" / "profilednn-steady-gc"
SCRIPT = ROOT / "docs" / "recipes" / "scripts" / "train.py"


def offer(folder: Path, text: str) -> str:
    """Install a package that offers the class `Theirs` of this text as `theirs`; returns where to import it from."""
    (folder / "their_package.py").write_text(text)
    information = folder / "their_package-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[profilednn.optimizations]\ntheirs = their_package:Theirs\n")
    return str(folder)


def verdicts(checks: tuple[OptimizationCheck, ...]) -> dict[str, str]:
    return {check.subject: check.verdict for check in checks}


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example package, installed as a user does, in a folder of its own."""
    source = tmp_path / "source"  # pip leaves a build folder beside what it installs
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(source)], check=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


@pytest.mark.usefixtures("example")
def test_the_example_is_listed_and_passes_the_check() -> None:
    (listed,) = (one for one in describe_optimizations(sys.executable) if one.name == "steady_gc")
    assert listed.available
    assert listed.description.startswith("Python's garbage is collected")
    checks = check_optimization(sys.executable, "steady_gc")
    assert verdicts(checks) == dict.fromkeys(
        ("entry point", "class", "members", "available", "receipt", "losses", "traces", "revert"), "ok"
    )
    (receipt,) = (check.text for check in checks if check.subject == "receipt")
    assert receipt == "on: the collector ran 0 times in 8 updates, and at no other time"


@pytest.mark.usefixtures("example")
def test_the_example_does_what_it_says_in_a_training(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "profilednn_tui", "--headless", "--with", "steady_gc", str(SCRIPT)]
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT)])
    environment = {**os.environ, "PROFILEDNN_HOME": str(tmp_path / "home"), "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [*command, "--iterations", "220"], env=environment, capture_output=True, text=True, check=True, timeout=200
    )
    assert "the collector ran 2 times in 220 updates, and at no other time" in ended.stderr


WRONG = {
    "no class": ("Theirs = 3", "class", "it cannot be loaded"),
    "no description": ("class Theirs:\n    pass", "description", "it has no description of one line"),
    "a name that is never called": (
        "class Theirs:\n    description = 'x'\n    def begin_modle(self, model): pass",
        "begin_modle", "begin_modle is never called",
    ),
    "wrong arguments": (
        "class Theirs:\n    description = 'x'\n    def begin_model(self): pass",
        "begin_model", "begin_model does not take the arguments it gets",
    ),
    "conflicts as a text": (
        "class Theirs:\n    description = 'x'\n    conflicts = 'bf16'", "conflicts", "conflicts is 'bf16'",
    ),
    "an import that fails": ("import no_such_package\nclass Theirs: pass", "class", "ModuleNotFoundError"),
    "another training": (
        "class Theirs:\n    description = 'x'\n    def change_outputs(self, outputs): return 2 * outputs",
        "losses", "the training differs",
    ),
    "a trace": (
        "class Theirs:\n    description = 'x'\n    def begin_optimizer(self, optimizer):\n"
        "        for group in optimizer.param_groups: group['theirs'] = 1\n",
        "traces", "the program sees other keys of param_groups",
    ),
    "a change that stays": (
        "class Theirs:\n    description = 'x'\n    def begin_torch(self):\n"
        "        original = self.torch.nn.functional.relu\n"
        "        self.torch.nn.functional.relu = lambda x, inplace=False: 3 * original(x)\n"
        "    def receipt(self, steps): return 'three times'\n",
        "revert", "training is not what it was before",
    ),
    "a failure in training": (
        "class Theirs:\n    description = 'x'\n    def begin_training(self): raise ValueError('too hard')",
        "training", "ValueError: too hard",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_gets_a_clear_sentence(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, subject, sentence = WRONG[name]
    monkeypatch.setenv("PYTHONPATH", offer(tmp_path, text))
    broken = [check for check in check_optimization(sys.executable, "theirs") if check.verdict == "broken"]
    assert sentence in {check.subject: check.text for check in broken}[subject]
    assert all(check.fix for check in broken)


def test_one_that_is_missing_here_says_why_and_is_not_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (
        "class Theirs:\n    description = 'x'\n    def missing(self): return self.Missing('no library', 'install it')"
    )
    monkeypatch.setenv("PYTHONPATH", offer(tmp_path, text))
    last = check_optimization(sys.executable, "theirs")[-1]
    assert last == OptimizationCheck("available", "limited", "no library", "install it")


def test_one_that_declines_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "class Theirs:\n    description = 'x'\n    def begin_training(self): raise self.Declined('it is odd')"
    monkeypatch.setenv("PYTHONPATH", offer(tmp_path, text))
    checks = {check.subject: check for check in check_optimization(sys.executable, "theirs")}
    assert checks["receipt"].verdict == "limited"
    assert checks["receipt"].text == "declined: because it is odd"


def test_a_name_that_nobody_offers_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    (check,) = check_optimization(sys.executable, "magic")
    assert check.verdict == "broken"
    assert check.text.startswith("no package in this environment offers magic")
    assert '[project.entry-points."profilednn.optimizations"] magic = "MODULE:CLASS"' in check.fix

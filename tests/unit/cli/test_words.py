"""Where the target begins on the command line."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from profilednn_tui.cli.experimenting import experiment
from profilednn_tui.cli.launching import run
from profilednn_tui.cli.words import TargetKind, Words, divide
from profilednn_tui.errors import ProfilerError

VALUES = run.options_with_value()


@pytest.mark.parametrize(
    ("line", "options", "kind", "target"),
    [
        ("train.py", "", TargetKind.SCRIPT, "train.py"),
        ("train.py --headless -o x -- -m", "", TargetKind.SCRIPT, "train.py --headless -o x -- -m"),
        ("--headless -o x train.py a", "--headless -o x", TargetKind.SCRIPT, "train.py a"),
        ("-ox --steps=3 train.py", "-ox --steps=3", TargetKind.SCRIPT, "train.py"),
        ("--steps 3 -m package.train -m x", "--steps 3", TargetKind.MODULE, "package.train -m x"),
        ("-mpackage --steps 3", "", TargetKind.MODULE, "package --steps 3"),
        ("--env A=1 -- torchrun -- x", "--env A=1", TargetKind.COMMAND, "torchrun -- x"),
        ("--headless", "--headless", TargetKind.NONE, ""),
        ("--name", "--name", TargetKind.NONE, ""),
        ("--", "", TargetKind.COMMAND, ""),
    ],
)
def test_words_are_divided_where_the_target_begins(line: str, options: str, kind: TargetKind, target: str) -> None:
    assert divide(line.split(), VALUES) == Words(tuple(options.split()), kind, tuple(target.split()))


@pytest.mark.parametrize(
    ("line", "names", "right"),
    [
        ("--headless t.py --lr 1 --steps 5", ("--steps",), "--headless --steps 5 t.py --lr 1"),
        ("t.py --steps=5 x --headless", ("--steps", "--headless"), "--steps=5 --headless t.py x"),
        ("-m pkg.train --name a", ("--name",), "--name a -m pkg.train"),
    ],
)
def test_an_option_of_ours_behind_the_script_is_named_with_the_right_order(
    line: str, names: tuple[str, ...], right: str
) -> None:
    found = run.misplaced(divide(line.split(), VALUES))
    assert found is not None
    assert found.names == names
    assert found.sentence("run").endswith(f" to it; options of ours go before it: profilednn-tui run {right}")


@pytest.mark.parametrize(
    "line", ["t.py --lr 1", "t.py -- --steps 5", "-- torchrun t.py --steps 5", "--steps 5 t.py", ""]
)
def test_what_is_the_scripts_own_is_not_misplaced(line: str) -> None:
    assert run.misplaced(divide(line.split(), VALUES)) is None


def test_an_experiment_whose_variants_stand_behind_the_script_says_so() -> None:
    """Found by a tester: "An experiment needs a variant", though two were there. README's example was like this."""
    words = ["train.py", "--variant", "stock=", "--variant", "tuned=OMP_NUM_THREADS=8"]
    with pytest.raises(ProfilerError) as raised:
        CliRunner().invoke(experiment, words, catch_exceptions=False)
    assert str(raised.value) == (
        "--variant stands behind train.py and so belongs to it; options of ours go before it: "
        "profilednn-tui experiment --variant stock= --variant tuned=OMP_NUM_THREADS=8 train.py"
    )


def test_other_options_behind_the_script_of_an_experiment_are_mentioned(capfd: pytest.CaptureFixture[str]) -> None:
    experiment.make_context("experiment", ["--variant", "a=", "nowhere.py", "--repeat", "3"])
    assert "profilednn-tui experiment --variant a= --repeat 3 nowhere.py" in capfd.readouterr().err

"""Where the target begins on the command line."""

from __future__ import annotations

import pytest

from profilednn_tui.cli.launching import run
from profilednn_tui.cli.words import TargetKind, Words, divide

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

"""`export`, `attach` and snapshots on recorded sessions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from profilednn_tui.cli import program
from profilednn_tui.cli.attaching import _follow
from profilednn_tui.export.session import FORMATS
from profilednn_tui.session.view import EMPTY_VIEW, SessionView, Steps
from tests.unit.session import recordings as r


def invoke(*words: str) -> Result:
    return CliRunner().invoke(program, words, catch_exceptions=False)


@pytest.mark.parametrize("name", list(FORMATS))
def test_a_dash_is_standard_output(name: str, tmp_path: Path) -> None:
    """Found by a tester: `export -o -` wrote a file with the name `-`."""
    folder = r.write_session(tmp_path / "s", exit_code=0)
    outcome = invoke("export", str(folder), "--to", name, "-o", "-")
    assert outcome.exit_code == 0
    invoke("export", str(folder), "--to", name, "-o", str(tmp_path / "out"))
    if name == "json":
        assert json.loads(outcome.stdout)["schema"] == "profilednn.session/1"
    if FORMATS[name].binary:
        assert len(outcome.stdout_bytes) > 100
    else:
        assert outcome.stdout_bytes == (tmp_path / "out").read_bytes()
    assert not Path("-").exists()


@pytest.mark.parametrize("words", [("run", "-o", "-", "t.py"), ("attach", "-o", "-", "x"), ("demo", "-o", "-")])
def test_a_snapshot_of_a_run_does_not_go_between_the_targets_lines(words: tuple[str, ...]) -> None:
    outcome = CliRunner().invoke(program, words)
    assert outcome.exit_code == 2
    assert "Standard output is the target's" in outcome.output


class Growing:
    """A session of somebody else that is being recorded: one more step at each poll."""

    foreign = True
    attached = False

    def __init__(self) -> None:
        self.count = 7

    def view(self) -> SessionView:
        return replace(EMPTY_VIEW, live=self.count < 1_000, steps=Steps(count=self.count))

    def poll(self) -> bool:
        self.count += 1
        return True


def test_following_a_session_ends_with_the_last_step() -> None:
    """Found by a tester: `attach SESSION --steps N` waited for the end of the training."""
    session = Growing()
    assert _follow(session, last_step=30) == 0  # type: ignore[arg-type]
    assert session.count == 30

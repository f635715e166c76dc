"""Running a session again."""

from __future__ import annotations

import sys
from pathlib import Path

from profilednn_tui.launch.options import LaunchOptions
from profilednn_tui.launch.rerun import Rerun
from profilednn_tui.session.storage.folder import SessionFile


def test_a_session_can_be_run_again_with_another_set(tmp_path: Path) -> None:
    """Its arguments are the original ones; the text shown has no control characters."""
    words = ["t.py", "--title", "a\tb\x1b]0;c\x07"]
    SessionFile(
        "mine", words, str(tmp_path), sys.executable, 0, 0, optimizations=["bf16"], environment={"A": "\t"}
    ).save(tmp_path)
    again = Rerun.of(tmp_path).with_optimizations({"threads", "channels_last"})
    assert again.command.argv == (sys.executable, *words)
    assert again.text.isprintable()
    assert again.command.working_directory == str(tmp_path)
    assert again.options == LaunchOptions(
        optimizations=("channels_last", "threads"), environment={"A": "\t"}, name="mine"
    )

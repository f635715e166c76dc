"""Opening the user's editor."""

from __future__ import annotations

from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.tui.editor import editor_command


def editor(directory: Path, name: str) -> dict[str, str]:
    program = directory / name
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return {"EDITOR": name, "PATH": str(directory)}


@pytest.mark.parametrize(
    ("name", "arguments"), [("vim", ["+7", "FILE"]), ("code", ["--goto", "FILE:7"]), ("hx", ["FILE:7"])]
)
def test_editors_open_at_the_line(tmp_path: Path, name: str, arguments: list[str]) -> None:
    file = tmp_path / "model.py"
    file.write_text("x = 1\n")
    command = editor_command(editor(tmp_path, name), SourceFile(str(file), path=file), 7)
    assert command == [name, *(part.replace("FILE", str(file)) for part in arguments)]


def test_visual_wins_and_may_have_arguments(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text("x = 1\n")
    environment = editor(tmp_path, "emacs") | {"VISUAL": "emacs -nw"}
    assert editor_command(environment, SourceFile(str(file), path=file), 0) == ["emacs", "-nw", "+1", str(file)]


def test_each_reason_why_no_editor_opens_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProfilerError, match="export EDITOR"):
        editor_command({}, SourceFile("model.py"), 1)
    with pytest.raises(ProfilerError, match="not found"):
        editor_command({"EDITOR": "no-such-editor", "PATH": str(tmp_path)}, SourceFile("model.py"), 1)
    with pytest.raises(ProfilerError, match="not on this machine"):
        editor_command(editor(tmp_path, "vi"), SourceFile("gone.py"), 1)
    with pytest.raises(ProfilerError, match="somebody else's"):
        editor_command(editor(tmp_path, "vi"), SourceFile("a.py", path=tmp_path, foreign="It is somebody else's."), 1)
    with pytest.raises(ProfilerError, match="quote"):
        editor_command({"EDITOR": "vi 'x", "PATH": str(tmp_path)}, SourceFile("model.py"), 1)

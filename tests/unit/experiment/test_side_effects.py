"""What is read from a run's notes, and what of it matters."""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.agent.boot.side_effects import LOADER_TIMEOUT
from profilednn_tui.agent.boot.side_effects import SideEffects as Hook
from profilednn_tui.experiment.side_effects import SideEffects, lasting, read_notes
from profilednn_tui.protocol.files import SIDE_EFFECTS


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    session = tmp_path / "session"
    session.mkdir()
    (session / SIDE_EFFECTS).touch()
    return session / SIDE_EFFECTS


@pytest.mark.parametrize(
    ("event", "arguments", "found"),
    [
        ("open", ("/data/a", "w", os.O_WRONLY | os.O_CREAT), SideEffects(files=("/data/a",))),
        ("open", (b"/data/a", None, os.O_RDWR), SideEffects(files=("/data/a",))),
        ("open", ("/data/a", "r", os.O_RDONLY), SideEffects()),
        ("open", (3, "w", os.O_WRONLY), SideEffects()),
        ("os.rename", ("/data/a", "/data/b", -1, -1), SideEffects(files=("/data/a", "/data/b"))),
        ("os.remove", ("/data/a", -1), SideEffects(files=("/data/a",))),
        ("sqlite3.connect", ("/data/a.db",), SideEffects(files=("/data/a.db",))),
        ("sqlite3.connect", (":memory:",), SideEffects()),
        ("socket.bind", (None, ("127.0.0.1", 6006)), SideEffects(ports=(6006,))),
        ("socket.bind", (None, "/run/socket"), SideEffects()),
        (LOADER_TIMEOUT, (5.0,), SideEffects(loader_timeout_s=5.0)),
        ("open", (object(), "w", "no flags"), SideEffects()),
        ("import", ("torch",), SideEffects()),
    ],
)
def test_an_audit_event_is_noted(notes: Path, event: str, arguments: tuple[Any, ...], found: SideEffects) -> None:
    hook = Hook(str(notes))
    hook(event, arguments)
    hook(event, arguments)
    assert read_notes(notes.parent) == found
    assert len(notes.read_bytes().splitlines()) in (0, len(found.files) or 1), "each once"


def test_the_session_itself_is_no_side_effect(notes: Path) -> None:
    Hook(str(notes))("open", (str(notes.parent / "agent-1.jsonl"), "a", os.O_WRONLY))
    assert read_notes(notes.parent) == SideEffects()


def test_damaged_notes_are_skipped(notes: Path) -> None:
    notes.write_text(
        '{"pid": 1, "kind": "port", "what": "x"}\nnonsense\n{"pid": 1, "kind": "file", "what": "/a"}\n[]\n'
    )
    assert read_notes(notes.parent) == SideEffects(files=("/a",))
    notes.unlink()
    assert read_notes(notes.parent) == SideEffects()


def test_caches_devices_and_passing_temporary_files_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/user/cache")
    (tmp_path / "kept").touch()
    passing = ["/dev/null", "/proc/self/comm", "/home/user/cache/fonts", "/project/__pycache__/a.pyc"]
    passing += [str(tmp_path / "gone"), str(tmp_path / "torchinductor_me" / "a.py"), "/sessions/one/side"]
    assert lasting([*passing, str(tmp_path / "kept"), "/project/a"], Path("/sessions/one")) == (
        str(tmp_path / "kept"),
        "/project/a",
    )


def test_databases_raise_the_event_that_is_noted(tmp_path: Path) -> None:
    """Their files are opened by C code; `sqlite3.connect` is audited with the name of the database."""
    seen: list[Any] = []
    sys.addaudithook(lambda event, arguments: seen.append(arguments) if event == "sqlite3.connect" else None)
    sqlite3.connect(tmp_path / "a.db").close()
    assert str(seen[0][0]) == str(tmp_path / "a.db")

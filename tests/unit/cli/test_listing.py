"""Listing and pruning sessions."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from profilednn_tui.cli.listing import listing_lines, newest_step, prune
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import ByeEvent, StatusEvent, StepsEvent
from profilednn_tui.session.storage.folder import ExitFile, SessionFile


def session(home: Path, name: str, start_unix_ns: int, exit_code: int | None) -> Path:
    folder = home / name
    folder.mkdir()
    SessionFile(name, ["train.py", "--lr", "0.1" + "0" * 40], "/", "", start_unix_ns, launcher_pid=2**22 + 1).save(
        folder
    )
    if exit_code is not None:
        ExitFile(exit_code, start_unix_ns + 1).save(folder)
    return folder


def test_the_list_is_aligned_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path))
    finished = session(tmp_path, "2-finished", 0, -9)
    (finished / "agent-4.jsonl").write_bytes(encode(StepsEvent(1_400, [[0]] * 50)))
    session(tmp_path, "1-lost", 0, None)
    head, first, second = listing_lines(3_000_000_000)
    columns = [head.index(name) for name in ("STATE", "TARGET")]
    assert [first[start:].split()[0] for start in columns] == ["ended", "2-finished"]
    assert [second[start:].split()[0] for start in columns] == ["incomplete", "1-lost"]
    assert {"-9", "1,449", "3.00"} <= set(first.split())
    assert len(first) < 120


def test_the_newest_step_is_read_from_the_end(tmp_path: Path) -> None:
    recording = tmp_path / "agent-1.jsonl"
    recording.write_bytes(b"")
    assert newest_step(recording) is None
    status = StatusEvent(12, 1, 2.0, False, 1, 1, 1, 1, 1.0, 0, 1)
    recording.write_bytes(
        encode(StepsEvent(1, [[0]] * 12)) + encode(status) + encode(ByeEvent("end", 1)) + b'3\n{"torn'
    )
    assert newest_step(recording) == 12


def test_a_damaged_session_costs_the_list_one_line(home: Path) -> None:
    """A missing field, a pipe or a cycle of links made the whole list fail or hang."""
    session(home, "1-fine", 0, 0)
    for name in ("2-status", "3-pipe", "4-ring", "5-garbage"):
        session(home, name, 0, 0)
    (home / "2-status" / "agent-4.jsonl").write_bytes(b'{"event":"status"}\n')
    (home / "2-status" / "ring").symlink_to("ring")
    for name in ("3-pipe", "4-ring"):
        (home / name / "session.json").unlink()
    os.mkfifo(home / "3-pipe" / "session.json")
    (home / "4-ring" / "session.json").symlink_to("session.json")
    (home / "5-garbage" / "session.json").write_bytes(b"\x1b]0;x\x07")
    (home / "6-\x1b]0;name\x07").mkdir()
    os.mkfifo(home / "6-\x1b]0;name\x07" / "experiment.json")
    lines = listing_lines(3_000_000_000)
    assert [(line.split()[0][:2], line.split()[1]) for line in lines[1:]] == [
        ("5-", "damaged"), ("4-", "damaged"), ("3-", "damaged"), ("2-", "ended"), ("1-", "ended"), ("6-", "damaged"),
    ]  # fmt: skip
    assert all(line.isprintable() for line in lines)


def test_prune_deletes_sessions_of_ours_only_and_says_what_it_keeps(home: Path, tmp_path: Path) -> None:
    elsewhere = session(tmp_path, "elsewhere", 0, 0)
    (home / "4-link").symlink_to(elsewhere)
    session(home, "3-damaged", 0, 0)
    (home / "3-damaged" / "session.json").write_text("{")
    session(home, "2-strangers", 0, 0).chmod(0o777)
    (session(home, "1-ended", 0, 0) / "outside").symlink_to(tmp_path)
    (home / "0-no-session").mkdir()
    lines = prune(0, time.time_ns() + 10**12)
    assert [" ".join(line.split()[:2]) for line in lines[:-1]] == [
        "kept 4-link:", "kept 3-damaged:", "kept 2-strangers:", "deleted 1-ended",
    ]  # fmt: skip
    assert lines[-1].startswith("1 sessions deleted")
    assert sorted(path.name for path in home.iterdir()) == ["0-no-session", "2-strangers", "3-damaged", "4-link"]
    assert (elsewhere / "session.json").exists()


def test_what_cannot_be_deleted_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session(home, "1-ended", 0, 0)

    def refuse(*arguments: object, **keywords: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "unlink", refuse)
    assert prune(0, time.time_ns() + 10**12)[0].startswith("could not delete 1-ended: [Errno 13]")

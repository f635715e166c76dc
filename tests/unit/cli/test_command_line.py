from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from profilednn_tui import __version__
from profilednn_tui.cli import COMMANDS, program
from profilednn_tui.cli.diagnosis import (
    LIMITED,
    OK,
    processor_finding,
    ptrace_finding,
    terminal_finding,
    torch_finding,
)
from profilednn_tui.cli.launching import run
from profilednn_tui.cli.listing import listing_lines, newest_step, prune
from profilednn_tui.cli.words import TargetKind, Words, divide
from profilednn_tui.export.session import FORMATS
from profilednn_tui.protocol.codec import encode
from profilednn_tui.protocol.events import ByeEvent, StatusEvent, StepsEvent
from profilednn_tui.session.storage.folder import ExitFile, SessionFile

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


def test_every_command_has_a_help() -> None:
    for command in COMMANDS:
        outcome = CliRunner().invoke(program, [str(command.name), "--help"])
        assert outcome.exit_code == 0
        assert str(command.help).splitlines()[0].split(".")[0] in outcome.output


def test_the_program_without_words_shows_its_help() -> None:
    outcome = CliRunner().invoke(program, [])
    assert outcome.exit_code == 0
    assert all(str(command.name) in outcome.output for command in COMMANDS)


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(program, ["-V"]).output == f"profilednn-tui {__version__}\n"


def test_the_help_of_export_names_all_formats() -> None:
    output = CliRunner().invoke(program, ["export", "--help"]).output
    assert all(name in output for name in FORMATS)


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


@pytest.mark.parametrize(
    ("affinity", "quota", "threads", "verdict", "fix"),
    [
        (8, None, "", OK, ""),
        (8, None, "4", OK, ""),
        (8, 2.5, "", LIMITED, "--env OMP_NUM_THREADS=2"),
        (2, None, "8", LIMITED, "--env OMP_NUM_THREADS=2"),
        (8, 0.5, "", LIMITED, "--env OMP_NUM_THREADS=1"),
    ],
)
def test_threads_are_held_against_processors(
    affinity: int, quota: float | None, threads: str, verdict: str, fix: str
) -> None:
    finding = processor_finding(affinity, quota, threads)
    assert (finding.verdict, finding.fix) == (verdict, fix)


@pytest.mark.parametrize(
    ("scope", "root", "verdict"), [("0", False, OK), ("1", True, OK), ("1", False, LIMITED), ("3", True, LIMITED)]
)
def test_the_ptrace_scope_limits_users(scope: str, root: bool, verdict: str) -> None:
    assert ptrace_finding(scope, root).verdict == verdict


@pytest.mark.parametrize(
    ("size", "variables", "encoding", "verdict"),
    [
        ((120, 40), {"TERM": "xterm-256color"}, "utf-8", OK),
        ((120, 40), {"TERM": "xterm", "COLORTERM": "truecolor"}, "UTF-8", OK),
        ((79, 24), {"TERM": "xterm-256color"}, "utf-8", LIMITED),
        ((120, 40), {"TERM": "xterm"}, "utf-8", LIMITED),
        ((120, 40), {"TERM": "dumb"}, "utf-8", LIMITED),
        ((120, 40), {"TERM": "xterm-256color"}, "ascii", LIMITED),
    ],
)
def test_a_terminal_is_judged(size: tuple[int, int], variables: dict[str, str], encoding: str, verdict: str) -> None:
    finding = terminal_finding(size, variables, encoding)
    assert finding.verdict == verdict
    assert bool(finding.fix) == (verdict == LIMITED)


def test_an_old_torch_is_told_with_the_fix() -> None:
    assert torch_finding("python", "2.14.1+cpu").verdict == OK
    assert torch_finding("python", "2.3.0").fix == "python -m pip install 'torch>=2.4'"
    assert "--python PATH" in torch_finding("python", None).fix


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("PROFILEDNN_HOME", str(folder))
    return folder


def test_a_damaged_session_costs_the_list_one_line(home: Path) -> None:
    """A field that was missing, a pipe or a ring of links cost all of it, or for ever."""
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

from __future__ import annotations

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
from profilednn_tui.cli.listing import listing_lines, newest_step
from profilednn_tui.cli.words import TargetKind, Words, divide
from profilednn_tui.export import FORMATS
from profilednn_tui.protocol import Bye, Status, Steps, encode
from profilednn_tui.session.folder import ExitFile, SessionFile

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
    (finished / "agent-4.jsonl").write_bytes(encode(Steps(1_400, [[0]] * 50)))
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
    status = Status(12, 1, 2.0, False, 1, 1, 1, 1, 1.0, 0, 1)
    recording.write_bytes(encode(Steps(1, [[0]] * 12)) + encode(status) + encode(Bye("end", 1)) + b'3\n{"torn')
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

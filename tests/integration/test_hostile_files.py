"""Files from others are data: nothing of them is run, and nothing but plain text of them reaches the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration import hostile
from tests.integration.hostile import FIXTURES, MARKER, Mutation
from tests.integration.launching import PROGRAM, ROOT, environment

MEMORY_BYTES = 300_000_000
TIME_LIMIT_S = 60.0
"""Of all commands on one file; a limit, not a measure."""

DRIVER = """
import sys, traceback
sys.path.insert(0, sys.argv[1])
from profilednn_tui.cli import main
target, fixtures, out = sys.argv[2:]
for words in (
    ["open", target],
    ["export", target, "--to", "markdown", "-o", out + "/it.md"],
    ["export", target, "--to", "json", "-o", out + "/it.json"],
    ["export", target, "--to", "csv", "-o", out + "/it.csv"],
    ["export", target, "--to", "pdnn", "-o", out + "/it.pdnn"],
    ["compare", target, fixtures + "/session"],
    ["compare", target, fixtures + "/session", "--json"],
    ["onednn", target],
    ["list"],
):
    sys.stdout.flush()
    try:
        main(words)
    except SystemExit as end:
        if end.code not in (None, 0, 2):
            print("TRACEBACK: exit code", end.code, words, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
with open("/proc/self/status") as status, open(out + "/memory", "w") as told:
    told.write(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""


@pytest.mark.parametrize(("name", "make"), hostile.all_mutations(), ids=[name for name, _ in hostile.all_mutations()])
def test_text_commands_show_plain_text_run_nothing_and_stay_small(name: str, make: Mutation, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir(mode=0o700)
    out.mkdir()
    target = make(home if name in hostile.FOLDERS else tmp_path)
    with open(tmp_path / "stdout", "wb") as stdout, open(tmp_path / "stderr", "wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(ROOT), str(target), str(FIXTURES), str(out)],
            cwd=out,
            env=environment(home),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
        )
        try:
            child.wait(TIME_LIMIT_S)
        finally:
            child.kill()
    shown = (tmp_path / "stdout").read_bytes()
    said = (tmp_path / "stderr").read_bytes()
    assert b"raceback" not in said, said.decode()[-3000:]
    assert "Warning" not in said.decode()
    for text in (shown, said, *(path.read_bytes() for path in out.glob("it.[mjc]*"))):
        assert_plain(text)
    assert int((out / "memory").read_text()) * 1024 <= MEMORY_BYTES
    assert not list(tmp_path.rglob(MARKER))
    assert b"root:" not in b"".join(path.read_bytes() for path in out.iterdir())
    if name in hostile.FOLDERS:
        assert b"hostile" in shown


def assert_plain(text: bytes) -> None:
    """Lines of printable characters, and nothing else."""
    for line in text.decode().split("\n"):
        assert line.isprintable(), repr(line[:300])


# ---------------------------------------------------------------- the screens

CAN_BE_OPENED = (
    "command-of-a-shell", "frames-that-are-ours", "frames-like-options", "escapes-in-all-texts", "escapes-as-raw-bytes",
    "markup-in-all-texts", "folder-of-another-user", "link-to-a-secret",
)  # fmt: skip


@pytest.mark.parametrize("name", CAN_BE_OPENED)
def test_the_screens_of_what_others_made_run_nothing_and_send_no_escapes_of_theirs(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    target = dict(hostile.all_mutations())[name](home if name in hostile.FOLDERS else tmp_path)
    ours = name == "link-to-a-secret"
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\ntouch {tmp_path}/{MARKER}\n")
    editor.chmod(0o755)
    before = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    terminal = Terminal(["open", str(target)], tmp_path, {**environment(home), "EDITOR": str(editor)})
    terminal.until(b"Operators")
    terminal.press("6")  # the output
    if ours:
        terminal.press("r", b"Run the same target again")
        terminal.press("\x1b")
    else:
        for key in "roe":
            terminal.press(key, b"run or opened" if target.is_dir() else b"neither run nor opened")
            terminal.press(" \x1b")
        terminal.press("rr")
    terminal.press("2\r")  # an operator
    terminal.press("e")
    terminal.press("\r")  # its source
    terminal.press("e")
    terminal.press("q")
    terminal.until_ended()
    assert not list(tmp_path.rglob(MARKER))
    assert b"root:" not in terminal.shown
    text = terminal.shown.decode()
    assert not re.search(r"\x1b\](?:0|1|2|52);", text)
    assert not re.search("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", text)
    if target.is_dir() and not ours:
        assert sorted(path.name for path in target.iterdir()) == before, "somebody else's folder is not written to"


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, words: list[str], folder: Path, variables: dict[str, str]) -> None:
        self.shown = b""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
            os.chdir(folder)
            os.execvpe(PROGRAM[0], [*PROGRAM, *words], {**variables, "TERM": "xterm-256color"})

    def press(self, keys: str, until: bytes = b"") -> None:
        """Press keys, and read until there is something to be seen."""
        seen = len(self.shown)
        os.write(self._terminal, keys.encode())
        self._read(lambda: until in self.shown[seen:] if until else len(self.shown) > seen)

    def until(self, text: bytes) -> None:
        self._read(lambda: text in self.shown)

    def until_ended(self) -> None:
        try:
            self._read(lambda: False)
        except OSError:  # nobody has the other end open
            os.close(self._terminal)
            _, status = os.waitpid(self._pid, 0)
            assert os.waitstatus_to_exitcode(status) == 0

    def _read(self, done: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + TIME_LIMIT_S
        while not done():
            assert time.monotonic() < deadline_s, self.shown[-2000:]
            self.shown += os.read(self._terminal, 65536)


def test_an_experiment_of_another_user_is_not_gone_on_with(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    folder = shutil.copytree(FIXTURES / "experiment", home / "experiment")
    body = hostile.changed(
        (folder / "experiment.json").read_bytes(),
        lambda one: one.update(words=["-c", f"id > {MARKER}"], kind="command", python="/bin/sh", runs=[]),
    )
    (folder / "experiment.json").write_bytes(body)
    if os.geteuid() == 0:
        os.chown(folder, hostile.STRANGER, hostile.STRANGER)
    else:
        folder.chmod(0o777)
    done = subprocess.run(
        [*PROGRAM, "experiment", "--resume", "experiment"],
        cwd=tmp_path, env=environment(home), capture_output=True, timeout=TIME_LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert b"nothing of it is run" in done.stderr
    assert not list(tmp_path.rglob(MARKER))

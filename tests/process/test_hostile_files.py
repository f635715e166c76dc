"""Files from others are data: nothing in them is executed, and only their plain text reaches the terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.process import hostile
from tests.process.hostile import FIXTURES, MARKER
from tests.process.launching import PROGRAM, ROOT, environment

MEMORY_BYTES = 300_000_000
TIME_LIMIT_S = 60.0
"""For all commands on one file; a limit, not a measurement."""
QUIET_S = 8.0

DRIVER = """
import json, sys, traceback
sys.path.insert(0, sys.argv[1])
from profilednn_tui.cli import main
for words in json.loads(sys.argv[2]):
    sys.stdout.flush()
    try:
        main(words)
    except SystemExit as end:
        if end.code not in (None, 0, 2):
            print("Traceback: exit code", end.code, words, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
with open("/proc/self/status") as status, open("memory", "w") as told:
    told.write(next(line for line in status if line.startswith("VmHWM")).split()[1])
"""

ALL = dict(hostile.all_mutations())
BATCHES = 6


@pytest.mark.parametrize("name", ALL)
def test_text_commands_show_plain_text_run_nothing_and_stay_small(name: str, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "out"
    home.mkdir(mode=0o700)
    target = str(ALL[name](home if name in hostile.FOLDERS else tmp_path))
    exports = [["export", target, "--to", one, "-o", f"it.{one}"] for one in ("markdown", "json", "csv", "pdnn")]
    shown = run(
        [["open", target], *exports, ["advise", target], ["advise", target, "--json"], ["onednn", target], ["list"]],
        home,
        out,
    )
    if name in hostile.FOLDERS:
        assert b"hostile" in shown
    for export in out.glob("it.*"):
        assert b"root:" not in export.read_bytes()
        if export.suffix != ".pdnn":
            assert_plain(export.read_bytes())


@pytest.mark.parametrize("batch", range(BATCHES))
def test_comparisons_show_plain_text_run_nothing_and_stay_small(batch: int, tmp_path: Path) -> None:
    """Many in one process: their shared imports take a second."""
    commands = []
    for name in list(ALL)[batch::BATCHES]:
        folder = tmp_path / name
        folder.mkdir(mode=0o700)
        target = str(ALL[name](folder))
        commands += [["compare", target, str(FIXTURES / "session")], ["compare", target, target, "--json"]]
    run(commands, tmp_path, tmp_path / "out")


def run(commands: list[list[str]], home: Path, out: Path) -> bytes:
    """Run commands in one process, check what they write and use, and return what they show."""
    out.mkdir()
    with open(out / "stdout", "wb") as stdout, open(out / "stderr", "wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(ROOT), json.dumps(commands)],
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
    shown, said = (out / "stdout").read_bytes(), (out / "stderr").read_bytes()
    assert b"Traceback" not in said, said.decode()[-3000:]
    assert b"Warning" not in said, said.decode()[-3000:]
    assert_plain(shown)
    assert_plain(said)
    assert int((out / "memory").read_text()) * 1024 <= MEMORY_BYTES
    assert not list(home.parent.rglob(MARKER))
    assert b"root:" not in shown
    return shown


def assert_plain(text: bytes) -> None:
    """Check that the text consists only of lines of printable characters."""
    for line in text.decode().split("\n"):
        assert line.isprintable(), repr(line[:300])


# ---------------------------------------------------------------- the screens

CAN_BE_OPENED = (
    "command-of-a-shell", "frames-that-are-ours", "frames-like-options", "escapes-in-all-texts", "escapes-as-raw-bytes",
    "markup-in-all-texts", "folder-of-another-user", "link-to-a-secret",
)  # fmt: skip


# Its keys depend on what is on the screen, and on a loaded machine one run in eight loses the screen.
@pytest.mark.skipif(os.environ.get("CI") == "true", reason="drives a terminal by time: not on a loaded machine")
@pytest.mark.parametrize("name", CAN_BE_OPENED)
def test_the_screens_of_what_others_made_run_nothing_and_send_no_escapes_of_theirs(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    target = ALL[name](home if name in hostile.FOLDERS else tmp_path)
    ours = name == "link-to-a-secret"
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\ntouch {tmp_path}/{MARKER}\n")
    editor.chmod(0o755)
    before = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    terminal = Terminal(["open", str(target)], tmp_path, {**environment(home), "EDITOR": str(editor)})
    terminal.press("", until=b"Operators")
    terminal.press("6")  # the output
    if not ours:
        terminal.press("rr", until=(b"belongs" if os.geteuid() == 0 else b"Anyone") if target.is_dir() else b"anyone")
        terminal.press("or")
    terminal.press("2")
    terminal.press("\r", until=b"hidden")  # the callers of an operator, torch frames hidden
    terminal.press("" if ours else "e", until=b"hidden")
    terminal.press("\r")  # its source
    terminal.press("q" if ours else "eq", until=b"hidden")
    terminal.read_to_the_end()
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
        """Press keys until a word is on the screen; repeated if they have no effect, as before the first picture."""
        deadline_s = time.monotonic() + TIME_LIMIT_S
        seen = len(self.shown)
        os.write(self._terminal, keys.encode())
        while until not in self.shown or (not until and len(self.shown) == seen):
            try:
                if not self._read(QUIET_S):
                    os.write(self._terminal, keys.encode())
            except OSError:  # no process has the other end open
                _, status = os.waitpid(self._pid, 0)
                pytest.fail(f"ended with {os.waitstatus_to_exitcode(status)} after {keys!r}: {self.shown[-2000:]!r}")
            if time.monotonic() > deadline_s:
                os.kill(self._pid, signal.SIGKILL)
                pytest.fail(f"no {until!r} after {keys!r}: {self.shown[-300:]!r}")

    def read_to_the_end(self) -> None:
        try:
            while self._read(TIME_LIMIT_S):
                pass
        except OSError:  # no process has the other end open
            os.close(self._terminal)
            _, status = os.waitpid(self._pid, 0)
            assert os.waitstatus_to_exitcode(status) == 0, self.shown[-300:]
        else:
            os.kill(self._pid, signal.SIGKILL)
            pytest.fail(f"it does not end: {self.shown[-300:]!r}")

    def _read(self, seconds: float) -> bool:
        """Read the available output; returns whether there was any."""
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if ready:
            self.shown += os.read(self._terminal, 65536)
        return bool(ready)


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
    assert b"nothing it names is run" in done.stderr
    assert not list(tmp_path.rglob(MARKER))

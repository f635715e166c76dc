"""Wrong usage gives one sentence and exit code 2, and nothing is started or created."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process.launching import PROGRAM, Outcome, eventually, run, session_folder, start

WRONG = {
    "a missing script": (("nowhere.py",), "no script nowhere.py"),
    "a command taken for a script": (("ls", "-l"), "`profilednn-tui run -- ls ...`"),
    "a folder without __main__": (("empty",), "without a __main__.py"),
    "an interpreter that is none": (("--python", "/bin/true", "script.py"), "not a Python interpreter"),
    "an interpreter that is missing": (("--python", "python9", "script.py"), "no such command"),
    "an interpreter that is a folder": (("--python", "empty", "script.py"), "it is a folder"),
    "an interpreter that is a text": (("--python", "./script.py", "script.py"), "it is not executable"),
    "an unknown command": (("run", "--", "no-such-command"), "no command no-such-command"),
    "a command without the right to run": (("run", "--", "./script.py"), "chmod +x"),
    "an interpreter for a command": (("run", "--python", sys.executable, "--", "ls"), "brings its own interpreter"),
    "no target": (("run", "--headless"), "Nothing to run"),
    "an unknown option": (("--fast", "script.py"), "No such option"),
    "an option before a command": (("--headless", "list"), "profilednn-tui list --headless"),
    "an overhead that is no number": (("--overhead", "little", "script.py"), "such as 2%"),
    "an overhead beyond all": (("--overhead", "101%", "script.py"), "from 0 to 100"),
    "no steps": (("--steps", "0", "script.py"), "--steps"),
    "an optimization that does not exist": (("--with", "magic", "script.py"), "There is no optimization magic"),
    "an assignment that is none": (("--env", "OMP_NUM_THREADS", "script.py"), "NAME=VALUE"),
    "an output in a missing folder": (("-o", "nowhere/run.pdnn", "script.py"), "there is no folder"),
    "an output that is a folder": (("-o", "empty", "script.py"), "is a folder"),
    "attach to what is no process": (("attach", "4194305"), "no running process 4194305"),
    "attach to what is no session": (("attach", "nothing"), "nothing"),
    "open what is not there": (("open", "nothing"), "nothing"),
    "export in an unknown format": (("export", "x", "--to", "xls", "-o", "x"), "Available: pdnn, json, csv, markdown"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    (tmp_path / "script.py").write_text("open('ran', 'w')\nprint('words')\nraise SystemExit(3)\n")
    return tmp_path


def refused(outcome: Outcome, part: str) -> None:
    assert outcome.exit_code == 2
    assert outcome.stdout == b""
    (line,) = outcome.stderr.decode().splitlines()
    assert line.startswith("profilednn-tui: ")
    assert part in line


@pytest.mark.parametrize("name", WRONG)
def test_it_is_refused(name: str, folder: Path) -> None:
    words, part = WRONG[name]
    refused(run((*PROGRAM, *words), folder), part)
    assert not (folder / "ran").exists()
    assert not (folder / "home").exists()


@pytest.mark.parametrize("home", ["script.py/home", "/proc/home"])
def test_a_session_home_that_cannot_be_written_is_refused(home: str, folder: Path) -> None:
    path = home if home.startswith("/") else str(folder / home)
    refused(run((*PROGRAM, "script.py"), folder, PROFILEDNN_HOME=path), "Set PROFILEDNN_HOME")
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("#!/bin/sh\nprintf 'python 3.8.18'\n", "Python 3.8.18, and the agent needs"),
        ("#!/bin/sh\nexit 1\n", "not a Python"),
    ],
)
def test_an_interpreter_is_asked_for_its_version(text: str, part: str, folder: Path) -> None:
    interpreter = folder / "python"
    interpreter.write_text(text)
    interpreter.chmod(0o755)
    refused(run((*PROGRAM, "--python", str(interpreter), "script.py"), folder), part)


def test_the_active_environment_brings_the_interpreter(folder: Path) -> None:
    interpreter = folder / "environment" / "bin" / "python"
    interpreter.parent.mkdir(parents=True)
    interpreter.write_text(f'#!/bin/sh\n[ "$1" = -S ] || echo "environment\'s own"\nexec {sys.executable} "$@"\n')
    interpreter.chmod(0o755)
    outcome = run((*PROGRAM, "script.py"), folder, VIRTUAL_ENV=str(folder / "environment"))
    assert outcome.stdout == b"environment's own\nwords\n"


def test_the_variables_of_the_command_line_reach_the_target(folder: Path) -> None:
    text = "import os; print(os.environ['A'], os.environ['EMPTY'], os.environ['PROFILEDNN_OVERHEAD'])"
    words = ("--env", "A=b=c", "--env", "EMPTY=", "--overhead", "0.5%", "--", sys.executable, "-c", text)
    assert run((*PROGRAM, "run", *words), folder).stdout == b"b=c  0.5\n"


def test_a_session_is_private_and_has_the_users_name(folder: Path) -> None:
    assert run((*PROGRAM, "--name", "first try", "script.py"), folder).exit_code == 3
    session = session_folder(folder)
    assert session.name.endswith("-first-try")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (session.parent, session)} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in session.iterdir()} == {0o600}


def test_list_shows_the_running_session_first(folder: Path) -> None:
    assert run((*PROGRAM, "list"), folder).stdout.startswith(b"No sessions under ")
    waiting = start(
        (*PROGRAM, "run", "--", "sh", "-c", "read word"), folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    eventually(
        lambda: (folder / "home").exists() and bool(list(session_folder(folder).glob("holder.json"))), "the start"
    )
    assert run((*PROGRAM, "script.py"), folder).exit_code == 3
    head, first, second = run((*PROGRAM, "list"), folder).stdout.decode().splitlines()
    waiting.communicate(b"word\n", timeout=60)
    assert head.split()[:3] == ["SESSION", "STATE", "AGE"]
    assert first.split()[1] == "running"
    assert second.split()[1] == "ended"
    assert " 3  script.py" in second


def test_a_session_is_taken_home_and_opened_as_text_without_a_terminal(folder: Path) -> None:
    assert run((*PROGRAM, "-o", "run.pdnn", "script.py"), folder).exit_code == 3
    opened = run((*PROGRAM, "open", "run.pdnn"), folder)
    assert opened.exit_code == 0
    assert b"exit code 3" in opened.stdout
    exported = run((*PROGRAM, "export", session_folder(folder).name, "--to", "json", "-o", "run.json"), folder)
    assert exported.exit_code == 0
    assert '"exit_code": 3' in (folder / "run.json").read_text()


def test_attach_without_a_terminal_waits_for_the_end(folder: Path) -> None:
    waiting = start(
        (*PROGRAM, "run", "--", "sh", "-c", "read word"), folder, stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    eventually(
        lambda: (folder / "home").exists() and bool(list(session_folder(folder).glob("holder.json"))), "the start"
    )
    name = session_folder(folder).name
    watching = start((*PROGRAM, "attach", name, "-o", "seen.pdnn"), folder, stderr=subprocess.PIPE)
    eventually(lambda: bool(list(session_folder(folder).glob("viewer-*"))), "the viewer")
    waiting.communicate(b"word\n", timeout=60)
    _, summary = watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert b"exit code 0" in summary
    assert (folder / "seen.pdnn").exists()
    assert not list(session_folder(folder).glob("viewer-*"))
    # A regression: attaching to a session that had just ended used to refer the user to another command.
    assert b"exit code 0" in run((*PROGRAM, "attach", name), folder).stderr


def test_a_script_that_rejects_our_options_is_told_to_follow_them(folder: Path) -> None:
    """Found by a tester: `t.py --headless` ends with argparse's error, and nothing says whose option that is."""
    (folder / "script.py").write_text("import sys\nsys.exit(2 if '--steps' in sys.argv else 0)\n")
    hint = b"profilednn-tui run --headless --steps 5 script.py"
    rejected = run((*PROGRAM, "--headless", "script.py", "--steps", "5"), folder)
    assert rejected.exit_code == 2
    assert b"--steps stands behind script.py and so belongs to it" in rejected.stderr
    assert rejected.stderr.splitlines()[-1].endswith(hint)
    assert hint not in run((*PROGRAM, "--headless", "script.py", "--name", "x"), folder).stderr


def test_a_reader_that_has_seen_enough_is_no_error(folder: Path) -> None:
    line = f"{' '.join(PROGRAM)} --help | true"
    assert run(("bash", "-o", "pipefail", "-c", line), folder).stderr == b""


def test_a_headless_run_never_imports_the_tui(folder: Path) -> None:
    text = "import sys\nfrom profilednn_tui.cli import main\ntry:\n    main(['script.py'])\nexcept SystemExit:\n"
    text += "    print('textual' in sys.modules, 'torch' in sys.modules)\n"
    assert run((sys.executable, "-c", text), folder).stdout == b"words\nFalse False\n"


def test_doctor_names_what_is_missing_and_the_fix(folder: Path) -> None:
    outcome = run((*PROGRAM, "doctor", "--python", "/bin/true"), folder)
    assert outcome.exit_code == 1
    assert b"not a Python interpreter" in outcome.stdout
    assert run((*PROGRAM, "doctor", "--python", sys.executable), folder).exit_code == 0

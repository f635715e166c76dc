"""`attach PID` from the command line, on our own targets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from profilednn_tui.session.storage.folder import HolderFile
from tests.process.attaching import end, ready, target
from tests.process.harness import recordings
from tests.process.launching import PROGRAM, environment, eventually, run, session_folder

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="injection is for x86-64")


@pytest.fixture
def training() -> Iterator[subprocess.Popen[str]]:
    with target("attachable.py", "simple") as process:
        ready(process)
        yield process


def test_headless_with_steps_records_summarizes_and_leaves(training: subprocess.Popen[str], tmp_path: Path) -> None:
    words = (*PROGRAM, "attach", str(training.pid), "--headless", "--steps", "20", "-o", str(tmp_path / "home.pdnn"))
    outcome = run(words, tmp_path)
    assert outcome.exit_code == 0
    assert b"by injection" in outcome.stderr
    assert b"detached after" in outcome.stderr
    assert end(training) == ("done\n", "", 0)
    exported = run((*PROGRAM, "export", str(tmp_path / "home.pdnn"), "--to", "json", "-o", "s.json"), tmp_path)
    assert exported.exit_code == 0
    session = json.loads((tmp_path / "s.json").read_text())
    assert session["steps"]["count"] == 20
    assert session["operators"]
    assert session["target"]["pid"] == training.pid
    (recording,) = recordings(session_folder(tmp_path))
    assert recording.of("bye")[0]["reason"] == "detach"


def test_without_injection_there_are_stacks_and_no_agent(training: subprocess.Popen[str], tmp_path: Path) -> None:
    words = (*PROGRAM, "attach", str(training.pid), "--no-inject", "--headless")
    watching = subprocess.Popen(words, cwd=tmp_path, env=environment(tmp_path / "home"), stderr=subprocess.PIPE)
    eventually(lambda: any((tmp_path / "home").glob("*/holder.json")), "a recorder")
    host = session_folder(tmp_path) / "host.jsonl"
    eventually(host.exists, "a recording")
    eventually(lambda: b'"event":"stacks"' in host.read_bytes(), "stacks from outside")
    stacks = next(json.loads(line) for line in host.read_bytes().splitlines() if b'"event":"stacks"' in line)
    assert any("attachable.py" in text for text in stacks["strings"])
    assert end(training) == ("done\n", "", 0)
    _, stderr = watching.communicate(timeout=60)
    assert b"The view from outside remains" in stderr
    assert not list(session_folder(tmp_path).glob("agent-*"))


def test_a_second_reader_finds_the_session_and_interrupting_it_detaches(
    training: subprocess.Popen[str], tmp_path: Path
) -> None:
    words = (*PROGRAM, "attach", str(training.pid), "--headless")
    streams = {"cwd": tmp_path, "env": environment(tmp_path / "home"), "stderr": subprocess.PIPE}
    first = subprocess.Popen(words, **streams)  # type: ignore[call-overload]
    home = tmp_path / "home"
    eventually(lambda: any(b'"steps"' in path.read_bytes() for path in home.glob("*/agent-*")), "steps")
    second = subprocess.Popen(words, **streams)  # type: ignore[call-overload]
    eventually(lambda: len(list(home.glob("*/viewer-*"))) == 2, "two viewers of one session")
    assert b"running" in run((*PROGRAM, "list"), tmp_path).stdout
    first.send_signal(2)
    _, stderr = first.communicate(timeout=60)
    assert b"detached after" in stderr
    second.communicate(timeout=60)
    (recording,) = recordings(session_folder(tmp_path))
    assert recording.of("bye")[0]["reason"] == "detach"
    assert end(training) == ("done\n", "", 0)


def test_a_recorder_that_is_killed_is_no_end_of_the_training(training: subprocess.Popen[str], tmp_path: Path) -> None:
    words = (*PROGRAM, "attach", str(training.pid), "--headless")
    watching = subprocess.Popen(words, cwd=tmp_path, env=environment(tmp_path / "home"), stderr=subprocess.PIPE)
    home = tmp_path / "home"
    eventually(lambda: any(b'"steps"' in path.read_bytes() for path in home.glob("*/agent-*")), "steps")
    holder = HolderFile.load(session_folder(tmp_path))
    assert holder is not None
    os.kill(holder.holder_pid, 9)
    watching.communicate(timeout=60)
    assert watching.returncode == 0
    assert b"incomplete" in run((*PROGRAM, "list"), tmp_path).stdout
    assert end(training) == ("done\n", "", 0)


def test_no_process_and_no_python_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        for pid, cause in ((2**22 + 1, b"no running process"), (sleeper.pid, b"not a Python process")):
            outcome = run((*PROGRAM, "attach", str(pid), "--headless"), tmp_path)
            assert outcome.exit_code == 2
            assert cause in outcome.stderr
            assert len(outcome.stderr.splitlines()) == 1
        sleeper.kill()


NEEDS_UNSHARE = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and unshare"
)
TRAINING = f"{PROGRAM[0]} {Path(__file__).resolve().parents[1] / 'targets' / 'attachable.py'} simple"


def attach_in_namespace(shell: str, folder: Path) -> None:
    """Attach to a target that `shell` starts in its own mount namespace; it ends as if nothing had happened."""
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    training = subprocess.Popen(["unshare", "-m", "sh", "-c", shell], **streams)  # type: ignore[call-overload]
    ready(training)
    outcome = run((*PROGRAM, "attach", str(training.pid), "--headless", "--steps", "10"), folder)
    assert b"by injection" in outcome.stderr, outcome.stderr
    assert b"steps      10" in outcome.stderr
    assert end(training) == ("done\n", "", 0)


@NEEDS_UNSHARE
def test_a_target_in_another_mount_namespace_and_of_another_user(tmp_path: Path) -> None:
    # An empty file system mounted over the session folder hides it from the target.
    hidden = tmp_path / "home"
    hidden.mkdir()
    attach_in_namespace(
        f"mount -t tmpfs none {hidden} && exec setpriv --reuid 65534 --clear-groups {TRAINING}", tmp_path
    )


@NEEDS_UNSHARE
def test_a_target_in_another_root_folder(tmp_path: Path) -> None:
    # Found manually: its mapped files were listed with the root directory in their paths, which was then added twice.
    root, hidden = tmp_path / "root", tmp_path / "home"
    root.mkdir()
    hidden.mkdir()
    attach_in_namespace(
        f"mount --make-rprivate / && mount --rbind / {root} && mount -t tmpfs none {root}{hidden} && "
        f"exec chroot {root} {TRAINING}",
        tmp_path,
    )

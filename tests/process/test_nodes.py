"""Trainings on several machines, here two launchers on the loopback, one of them with a clock of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from profilednn_tui.protocol.files import HOST_RECORDING, recording_pid
from profilednn_tui.recording.mirror import Mirror
from profilednn_tui.session.storage.tail import Resume
from tests.process.harness import ROOT, TARGETS
from tests.process.launching import PROGRAM, environment, eventually, run, session_folder

SKEW_MS = 50
STEPS = 60


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def can_skew() -> bool:
    words = (sys.executable, str(TARGETS / "skewed.py"), "1", "true")
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Node:
    """A machine with its home."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def session(self) -> Path:
        return session_folder(self.folder)


def started(folder: Path, steps: int, late_ms: float, skew_ms: int = 0) -> list[Node]:
    port = free_port()
    nodes = []
    for rank in range(2):
        home = folder / f"node-{rank}"
        home.mkdir()
        skewed = (sys.executable, str(TARGETS / "skewed.py"), str(skew_ms)) if rank and skew_ms else ()
        torchrun = (
            sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--node-rank", str(rank),
            "--nproc-per-node", "1", "--master-addr", "127.0.0.1", "--master-port", str(port),
        )  # fmt: skip
        words = (*PROGRAM, "run", "--headless", "--", *skewed, *torchrun, str(TARGETS / "node.py"))
        process = subprocess.Popen(
            (*words, str(steps), str(late_ms)),
            cwd=home,
            env=environment(home / "home"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        nodes.append(Node(home, process))
    return nodes


def trained(folder: Path, late_ms: float = 0, skew_ms: int = 0) -> list[Path]:
    """The sessions of both machines after the end."""
    nodes = started(folder, STEPS, late_ms, skew_ms)
    for node in nodes:
        _, errors = node.process.communicate(timeout=180)
        assert node.process.returncode == 0, errors.decode()
    return [node.session for node in nodes]


def document(folder: Path, *words: str) -> dict[str, Any]:
    """The sessions as one, as JSON."""
    done = run((*PROGRAM, "export", *words, "--to", "json", "-o", "-"), folder)
    assert done.exit_code == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(not can_skew(), reason="time namespaces need root and a kernel that has them")
def test_sessions_of_two_machines_are_one_and_their_clocks_are_aligned(tmp_path: Path) -> None:
    sessions = trained(tmp_path, late_ms=20, skew_ms=SKEW_MS)
    found = document(tmp_path, *map(str, sessions))
    assert [row["rank"] for row in found["ranks"]] == [0, 1]
    (clock,) = found["clocks"]
    transfer_ms = max(row["transfer_ms"] for row in found["ranks"])
    assert abs(clock["offset_ms"] + SKEW_MS) < max(transfer_ms, 1.0)
    assert abs(clock["offset_ms"] + SKEW_MS) <= clock["bound_ms"]
    assert found["straggler"]["rank"] == 1
    assert found["straggler"]["phase"] in ("backward", None), "None beside a neighbour"
    archive = tmp_path / "both.zip"
    export = (*PROGRAM, "export", *map(str, sessions), "--to", "perfetto-zip", "-o", str(archive))
    assert run(export, tmp_path).exit_code == 0
    with zipfile.ZipFile(archive) as opened:
        manifest = json.loads(opened.read("perfetto_manifest.json"))["perfetto_manifest"]
    first, second = manifest["files"]
    assert first["machine"] != second["machine"]
    assert second["clocks"]["sync_to"]["file"] == first["path"]
    # Time namespaces have no Unix clock of their own: the machines differ by their monotonic clocks alone.
    assert abs(second["clocks"]["offset_ns"]) < 1e6 * max(transfer_ms, 1.0)


def test_a_machine_without_the_other_one_knows_its_own_rank_alone(tmp_path: Path) -> None:
    sessions = trained(tmp_path)
    found = document(tmp_path, str(sessions[1]))
    assert found["ranks"] == []
    assert found["straggler"] is None


def test_other_sessions_are_not_put_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = trained(tmp_path / "a"), trained(tmp_path / "b")
    done = run((*PROGRAM, "open", str(first[0]), str(second[1])), tmp_path)
    assert done.exit_code == 2
    assert b"are of different jobs" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_stream_tells_the_other_machine_while_both_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broken connection cut off goes on without loss or doubles, and the copy is the same in the end."""
    nodes = started(tmp_path, 300, 0)
    eventually(lambda: (nodes[1].folder / "home").exists() and any((nodes[1].folder / "home").iterdir()), "a session")
    there = nodes[1].session
    monkeypatch.setenv("PROFILEDNN_HOME", str(tmp_path / "here"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def command(resume: Resume | None) -> list[str]:
        return [*PROGRAM, "tail", *(("--resume", resume.encode()) if resume else ()), str(there)]

    with Mirror("node-1", command) as mirror:
        here = mirror.folder()
        eventually(lambda: any(recording_pid(path.name) for path in here.iterdir()), "the copy of a recording")
        assert mirror._process is not None
        os.killpg(mirror._process.pid, signal.SIGKILL)
        for node in nodes:
            node.process.communicate(timeout=180)
        mirror.wait()
    for path in there.iterdir():
        if path.name == HOST_RECORDING or recording_pid(path.name):
            assert (here / path.name).read_bytes() == path.read_bytes()
    assert (here / "exit.json").exists()


def test_open_reads_the_stream_of_another_machine(tmp_path: Path) -> None:
    sessions = trained(tmp_path)
    tail = shlex.join((*PROGRAM, "tail", str(sessions[1])))
    done = run((*PROGRAM, "open", str(sessions[0]), "--tail", tail), tmp_path)
    assert done.exit_code == 0, done.stderr.decode()
    assert "2 ranks" in done.stdout.decode()
    found = document(tmp_path, str(sessions[0]), "--tail", tail)
    assert [row["rank"] for row in found["ranks"]] == [0, 1]


def test_a_stream_that_cannot_be_had_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = run((*PROGRAM, "open", "--tail", shlex.join((*PROGRAM, "tail", "none"))), tmp_path)
    assert done.exit_code == 2
    assert b"There is no session, folder or file none" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_closed_pipe_ends_the_stream(tmp_path: Path) -> None:
    node = started(tmp_path, 2_000, 0)
    eventually(lambda: (node[0].folder / "home").exists() and any((node[0].folder / "home").iterdir()), "a session")
    tail = subprocess.Popen(
        (*PROGRAM, "tail", str(node[0].session)),
        env=environment(tmp_path / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert tail.stdout
    assert tail.stderr
    assert json.loads(tail.stdout.readline())["stream"] == "profilednn.tail/1"
    tail.stdout.close()
    try:
        tail.wait(timeout=60)
        assert tail.stderr.read() == b""
    finally:
        for one in node:
            one.process.send_signal(signal.SIGINT)
        for one in node:
            one.process.communicate(timeout=120)

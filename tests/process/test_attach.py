"""Attaching to targets started without us: which events arrive, and that the targets end as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from profilednn_tui.attach.methods import METHODS
from profilednn_tui.attach.payload import start_text
from profilednn_tui.recording.helper import start_helper
from tests.process.attaching import PYTHONS, AttachedAgent, end, ready, target
from tests.process.harness import TARGETS
from tests.process.launching import eventually

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="injection is for x86-64")

CYCLES = 10
STEPS = "3000"


@pytest.mark.parametrize("python", PYTHONS)
def test_a_training_attached_to_again_and_again_ends_with_the_same_weights(python: str, tmp_path: Path) -> None:
    command = (python, str(TARGETS / "deterministic.py"), STEPS)
    plain = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    # Held at its end: how often a loaded machine lets us attach before that is not under test.
    with target("deterministic.py", STEPS, "1", "hold", python=python) as process:
        ready(process)
        for cycle in range(CYCLES):
            visit = AttachedAgent(process.pid, tmp_path / str(cycle))
            assert visit.attached.way == "injection", visit.attached
            visit.wait_for("window")
            visit.detach()
            assert not visit.of("agent_error")
            assert visit.of("window")[0]["stacks"]
        stdout, stderr, exit_code = end(process)
    assert (stdout, stderr, exit_code) == (plain.stdout, "", 0)


@pytest.mark.parametrize(
    "kind", ["simple", "lbfgs", "gan", "compiled", "loader", "worker_thread", "resnet18", "trainer", "lightning"]
)
def test_steps_and_operators_arrive_from_a_running_loop(kind: str, tmp_path: Path) -> None:
    with target("attachable.py", kind) as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session")
        assert visit.attached.way == ("thread" if kind == "worker_thread" else "injection"), visit.attached
        visit.wait_for("steps", 2)
        visit.wait_for("window")
        window = visit.of("window")[0]
        assert window["rows"]
        assert any("attachable.py" in text for text in window["strings"])
        assert visit.of("hello")[0]["how"] == "attach"
        visit.detach()
        assert not visit.of("agent_error")
        assert end(process) == ("done\n", "", 0)


def test_after_detaching_torch_is_as_it_was(tmp_path: Path) -> None:
    with target("inspectable.py") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session")
        visit.wait_for("window")
        visit.detach()
        stdout, stderr, _ = end(process)
    assert (stdout, stderr) == ("same\n", "")


def test_the_agent_leaves_after_the_steps_it_was_asked_for(tmp_path: Path) -> None:
    with target("attachable.py", "simple") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session", steps=5)
        visit.wait_for("bye")
        assert sum(len(event["rows"]) for event in visit.of("steps")) == 5
        assert end(process) == ("done\n", "", 0)


def test_a_second_agent_does_not_come(tmp_path: Path) -> None:
    with target("attachable.py", "simple") as process:
        ready(process)
        first = AttachedAgent(process.pid, tmp_path / "first")
        second = AttachedAgent(process.pid, tmp_path / "second")
        assert second.attached.way == ""
        assert str(tmp_path / "first") in second.attached.reasons[-1]
        first.detach()
        third = AttachedAgent(process.pid, tmp_path / "third")
        assert third.attached.way == "injection"
        third.detach()
        assert end(process) == ("done\n", "", 0)


def test_forked_children_have_no_agent(tmp_path: Path) -> None:
    with target("attachable.py", "forking") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session")
        eventually(lambda: sum(len(event["rows"]) for event in visit.of("steps")) > 30, "steps with forks between them")
        visit.detach()
        assert end(process) == ("done\n", "", 0)
        assert len(list(visit.folder.glob("agent-*"))) == 1


def test_a_process_that_makes_no_steps_is_left_all_the_same(tmp_path: Path) -> None:
    with target("attachable.py", "asleep") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session")
        assert visit.attached.way == "thread", visit.attached
        visit.detach()
        assert end(process) == ("done\n", "", 0)


def test_the_programs_own_profiler_is_not_disturbed(tmp_path: Path) -> None:
    with target("attachable.py", "profiling") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session")
        visit.wait_for("steps")
        eventually(lambda: any(n["code"] == "foreign_profiler" for n in visit.of("notice")), "word of the profiler")
        assert not visit.of("window")
        visit.detach()
        assert end(process) == ("done\n", "", 0)


def test_a_program_with_a_profile_function_keeps_it(tmp_path: Path) -> None:
    with target("attachable.py", "traced") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session")
        visit.wait_for("window")
        assert not visit.of("window")[0]["stacks"]
        visit.detach()
        assert end(process) == ("done\n", "", 0)


def test_an_injector_killed_at_any_moment_harms_nothing(tmp_path: Path) -> None:
    text = start_text(str(tmp_path / "nowhere"), 2.0, None)
    moments = random.Random(7)
    with target("attachable.py", "simple") as process:
        ready(process)
        for _ in range(20):
            injector = start_helper("attach.injector", "pending-call", str(process.pid), stderr=subprocess.DEVNULL)
            assert injector.stdin is not None
            with injector.stdin as pipe:
                pipe.write(text)
            time.sleep(moments.uniform(0.02, 0.2))  # kill at a random moment
            injector.send_signal(signal.SIGKILL)
            injector.wait()
            assert process.poll() is None
        assert end(process) == ("done\n", "", 0)


@pytest.mark.skipif(not Path("/usr/bin/gdb").exists(), reason="needs gdb")
def test_gdb_is_a_way_in_too(tmp_path: Path) -> None:
    gdb = next(way for way in METHODS if way.name == "gdb")
    forced = (type(gdb)(gdb.name, gdb.title, lambda facts, here: True, gdb.go),)
    with target("attachable.py", "simple") as process:
        ready(process)
        visit = AttachedAgent(process.pid, tmp_path / "session", methods=forced)
        assert visit.attached.way == "gdb", visit.attached
        visit.wait_for("steps")
        visit.detach()
        assert end(process) == ("done\n", "", 0)

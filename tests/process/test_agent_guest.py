"""The agent is a guest: exit code, output and traceback are those of a plain run."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.process.harness import BOOT, TARGET_PYTHON, TARGETS, recordings, run, watch

ALIKE = [
    "exception",
    "forward_exception",
    "backward_exception",
    "loader_exception",
    "exit_code",
    "exit_message",
    "os_exit",
    "terminated",
    "interrupted",
    "forks",
    "forked_child_ends",
    "warns",
    "no_torch",
    "threads_seen",
    "own_profiler",
    "own_tracer",
    "hash_of_weights",
]


@pytest.mark.parametrize("name", ALIKE)
def test_a_program_ends_as_it_does_without_us(tmp_path: Path, name: str) -> None:
    plain = run("guests.py", name, KINETO_LOG_LEVEL="99")
    watched, found = watch(tmp_path, "guests.py", name)

    assert watched.stderr.splitlines() == plain.stderr.splitlines()
    assert watched == plain
    assert [event for recording in found for event in recording.of("agent_error")] == []


def test_a_program_sees_itself_as_it_does_without_us(tmp_path: Path) -> None:
    plain = run("guests.py", "identity", "a", "--b=1", stdin="hello\n")
    watched, _ = watch(tmp_path, "guests.py", "identity", "a", "--b=1", stdin="hello\n")

    assert watched == plain


@pytest.mark.parametrize("flags", [["-m", "loops", "plain"], ["-c", "import tiny; tiny.train(); print(__name__)"]])
def test_a_module_or_a_command_runs_as_it_does_without_us(tmp_path: Path, flags: list[str]) -> None:
    plain = run(*flags)
    watched, found = watch(tmp_path, *flags)

    assert watched == plain
    assert len(found[0].steps) == 12


def test_a_window_that_is_open_at_the_end_harms_nothing(tmp_path: Path) -> None:
    for steps in (1, 2, 3, 6):
        watched, _ = watch(tmp_path, "-c", f"from tiny import train; train({steps})")
        assert (watched.exit_code, watched.stderr) == (0, "")


def test_a_window_of_a_thread_that_has_ended_harms_nothing(tmp_path: Path) -> None:
    code = "import threading, sys\nfrom tiny import train\n"
    code += "t = threading.Thread(target=train, args=(int(sys.argv[1]),)); t.start(); t.join(); print('end')"
    for steps in (1, 2, 3, 6):
        watched, _ = watch(tmp_path, "-c", code, str(steps))
        assert (watched.exit_code, watched.stdout, watched.stderr) == (0, "end\n", "")


def test_closing_all_descriptors_loses_no_step_and_spoils_no_file(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    watched, found = watch(tmp_path, "guests.py", "closes_descriptors", str(mine))

    assert (watched.exit_code, watched.stdout) == (0, "done\n")
    assert mine.read_text() == "only mine\n"
    assert len(found[0].steps) == 212


def test_a_forked_child_that_trains_has_a_stream_of_its_own(tmp_path: Path) -> None:
    code = "import multiprocessing as mp\nfrom tiny import train\ntrain()\n"
    code += "c = mp.get_context('fork').Process(target=train, args=(12000, 64)); c.start(); c.join(); print(c.exitcode)"
    watched, found = watch(tmp_path, "-c", code)

    assert watched.stdout == "0\n"
    assert sorted(len(recording.steps) > 0 for recording in found) == [True, True]


def test_data_loader_workers_open_no_stream(tmp_path: Path) -> None:
    _, found = watch(tmp_path, "loops.py", "loader")

    assert len(found) == 1


@pytest.mark.parametrize("ruin", ["missing", "no folder"])
def test_an_unusable_session_folder_harms_nothing(tmp_path: Path, ruin: str) -> None:
    folder = tmp_path / "session"
    if ruin == "no folder":
        folder.write_text("a file where the folder should be")
    plain = run("guests.py", "hash_of_weights")
    watched = run("guests.py", "hash_of_weights", PYTHONPATH=str(BOOT), PROFILEDNN_SESSION=str(folder))

    assert watched == plain


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_harms_nothing_and_leaves_whole_lines(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no mount here")
    try:
        plain = run("guests.py", "hash_of_weights")
        watched = run("guests.py", "hash_of_weights", PYTHONPATH=str(BOOT), PROFILEDNN_SESSION=str(tmp_path))
        written = next(tmp_path.glob("agent-*.jsonl")).read_bytes()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)

    assert watched == plain
    assert written.startswith(b'{"event":"header"')


def test_a_broken_agent_is_reported_and_the_training_goes_on(tmp_path: Path) -> None:
    code = (
        "import sys, torch\nfrom tiny import train\n"
        "tracker = sys.modules['_profilednn.agent.steps.tracker'].StepTracker\n"
        "tracker._end_step = lambda *a: 1 / 0\n"
        "tracker.before_forward = lambda *a: [][1]\n"
        "train(50); print('trained')"
    )
    watched, found = watch(tmp_path, "-c", code)

    assert (watched.exit_code, watched.stdout, watched.stderr) == (0, "trained\n", "")
    assert len(found[0].of("agent_error")) == 5, "then it gave up"


def test_killed_at_once_only_the_last_second_is_missing(tmp_path: Path) -> None:
    code = "from tiny import train\nprint('ready', flush=True)\ntrain(10**6)"
    environment = {**os.environ, "PYTHONPATH": str(BOOT), "PROFILEDNN_SESSION": str(tmp_path), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen([TARGET_PYTHON, "-c", code], cwd=TARGETS, env=environment, stdout=subprocess.PIPE) as target:
        assert target.stdout is not None
        target.stdout.readline()
        try:
            target.wait(3)
        except subprocess.TimeoutExpired:
            target.kill()
            killed_unix_ns = time.time_ns()
    recording = recordings(tmp_path)[0]

    assert killed_unix_ns - recording.steps[-1][0] < 1e9


def test_the_shadowed_sitecustomize_is_loaded(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("import builtins\nbuiltins.theirs = 1\n")
    session = tmp_path / "session"
    session.mkdir()
    ended = run(
        "-c",
        "import sitecustomize, sys; print(theirs, sitecustomize.__file__, [p for p in sys.path if 'boot' in p])",
        PYTHONPATH=f"{BOOT}{os.pathsep}{site}",
        PROFILEDNN_SESSION=str(session),
    )

    assert ended.stdout == f"1 {site / 'sitecustomize.py'} []\n"

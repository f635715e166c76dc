"""Distributed trainings: what is told of each rank, and that none trains differently."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import msgspec
import pytest

from profilednn_tui.paths import SESSION_FILE
from profilednn_tui.protocol.vocabulary import COMMUNICATION
from profilednn_tui.ranks.account import FIRST_STEPS, Ranks, ranks_of
from profilednn_tui.ranks.straggler import NEIGHBOUR
from profilednn_tui.ranks.waits import WAITING
from profilednn_tui.session.open_session import open_session
from profilednn_tui.session.storage.folder import SessionFile
from profilednn_tui.session.view import SessionView
from tests.process.harness import ROOT, TARGETS, Ended, run, watch
from tests.process.launching import PROGRAM, eventually, session_folder
from tests.process.launching import run as launch

PROGRAMS = ("plain", "buckets", "no_sync", "unused", "compressed", "by_hand", "functional", "fsdp", "tensor")


@cache
def plain(*arguments: str) -> Ended:
    ended = run("ranks.py", *arguments)
    # Functional collectives have ended with SIGABRT without us, too, once in fifty runs.
    return run("ranks.py", *arguments) if "SIGABRT" in ended.stderr else ended


def trained(folder: Path, *arguments: str) -> tuple[Ended, SessionView]:
    ended, recordings = watch(folder, "ranks.py", *arguments)
    assert [event for one in recordings for event in one.of("agent_error")] == []
    started = SessionFile("ranks", ["ranks.py", *arguments], str(folder), "", 1, 1)
    (folder / SESSION_FILE).write_bytes(msgspec.json.encode(started))
    with open_session(folder) as session:
        session.catch_up()
        return ended, session.view()


def account(view: SessionView) -> Ranks:
    found = ranks_of(view.ranks)
    assert [row.rank for row in found.rows] == [0, 1]
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_times_of_a_step_add_up_and_the_weights_are_the_same(tmp_path: Path, program: str) -> None:
    ended, view = trained(tmp_path, program)
    assert ended.exit_code == 0, ended.stderr
    assert ended == plain(program)
    found = account(view)
    assert found.known == pytest.approx(1.0, abs=0.2), "who came last is known"
    for row in found.rows:
        assert row.own_ns + row.late_ns + row.transfer_ns == pytest.approx(row.step_ns, rel=0.01)
        assert row.late_ns + row.transfer_ns > 0
        assert row.cpu_ns is not None
        assert row.cpu_ns < 1.2 * row.own_ns, "waiting takes no core"
    exchanging = 0.5 if program == "no_sync" else 1.0
    for record in view.ranks:
        waited = record.phases[FIRST_STEPS:, WAITING] > 0
        assert waited.mean() == pytest.approx(exchanging, abs=0.1), "of two of three steps nothing was told once (#21)"
    assert {group.name for record in view.ranks for group in record.groups}
    assert COMMUNICATION in {phase.name for phase in view.phases}


@pytest.mark.parametrize(
    ("program", "steps", "started_by"),
    [("buckets", "900", "spawn"), ("fsdp", "250", "spawn"), ("plain", "900", "fork")],
)
def test_the_weights_are_the_same_if_we_attach_in_the_middle(
    tmp_path: Path, program: str, steps: str, started_by: str
) -> None:
    arguments = (program, "0", "backward", steps)
    expected = plain(*arguments)
    sign = tmp_path / "trains"
    environment = {
        **os.environ, "OMP_NUM_THREADS": "1", "RANKS_TRAIN": str(sign), "RANKS_STARTED_BY": started_by,
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "ranks.py", *arguments], cwd=TARGETS, env=environment, stdout=subprocess.PIPE, text=True
    ) as training:
        eventually(sign.exists, "the training")
        attached = launch((*PROGRAM, "attach", str(training.pid), "--headless"), tmp_path)
        out, _ = training.communicate(timeout=240)
    assert attached.exit_code == 0, attached.stderr
    assert (training.returncode, out) == (0, expected.stdout)
    with open_session(session_folder(tmp_path)) as session:
        session.catch_up()
        found = account(session.view())
    assert min(row.count for row in found.rows) >= 10
    assert found.known > 0.9


@pytest.mark.parametrize("where", ["forward", "backward", "optimizer"])
def test_a_late_rank_is_named_with_the_phase(tmp_path: Path, where: str) -> None:
    """The public tool that knows stragglers cannot tell one whose delay begins in backward."""
    _, view = trained(tmp_path, "buckets", "40", where)
    found = account(view)
    assert found.straggler is not None
    assert found.straggler.rank == 1
    # Tests beside this one may take a core: then that is named, and no phase.
    assert (found.straggler.phase, found.straggler.cause) in ((where, None), (None, NEIGHBOUR))
    early, late = found.rows
    assert early.late_ns == pytest.approx(late.caused_ns)
    assert late.caused_ns > 25e6


def test_equal_ranks_are_not_late(tmp_path: Path) -> None:
    _, view = trained(tmp_path, "plain", "0", "backward", "60")
    found = account(view)
    assert found.straggler is None or found.straggler.cause == NEIGHBOUR


def test_a_grid_tells_throughput_and_factors_of_each_cell(tmp_path: Path) -> None:
    command = [sys.executable, str(TARGETS / "ranks.py"), "plain", "0", "backward", "40", "{ranks}"]
    done = subprocess.run(
        [sys.executable, "-m", "profilednn_tui", "experiment", "--grid", "ranks=1,2", "threads=1", "--repeat", "2",
         "--steps", "30", "--in-place", "--to", "json", "--", *command],
        cwd=tmp_path,
        env={**os.environ, "PROFILEDNN_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    grid = json.loads(done.stdout)
    assert grid["schema"] == "profilednn.grid/1"
    one, two = grid["cells"]
    if one["reason"] or two["reason"]:  # disturbed by the tests beside this one
        assert "disturbed" in one["reason"] + two["reason"] or "same turn" in one["reason"] + two["reason"]
        return
    assert (one["ranks"], two["ranks"]) == (1, 2), done.stderr
    for cell in (one, two):
        product = cell["load_balance"] * cell["communication"] * cell["thread_efficiency"]
        assert product == pytest.approx(cell["efficiency"]["value"], rel=0.01)
    assert two["communication"] < 1

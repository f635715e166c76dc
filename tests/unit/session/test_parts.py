"""What several machines have recorded of one job, read as one session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from profilednn_tui.errors import ProfilerError
from profilednn_tui.protocol.events import GroupEvent
from profilednn_tui.protocol.files import HOST_RECORDING, agent_recording
from profilednn_tui.session.keys import ALL_RANKS
from profilednn_tui.session.open_session import SEVERAL, open_parts
from profilednn_tui.session.storage.folder import ExitFile
from profilednn_tui.session.view import State
from tests.unit.session import recordings as r

STORE = "store node-0:29500"


def group(rank: int, *job: str, later_s: float = 0.0) -> GroupEvent:
    joined_unix_ns = r.START_UNIX_NS + round(later_s * 1e9)
    return GroupEvent(0, "world", [0, 1], "gloo", True, f"node-{rank}", f"clock-{rank}", joined_unix_ns, [*job])


def node(folder: Path, rank: int, joined: GroupEvent, exit_code: int | None = 0, steps: int = 20) -> Path:
    """The session of a machine with one rank; the pids are the same on all machines."""
    events = [r.hello(rank=rank), joined, r.training(steps)]
    machine = r.machine(affinity=range(4 - rank))
    written = r.write_session(folder / f"node-{rank}", events, [machine, r.cores()], exit_code)
    return r.on_machine(written, f"node-{rank}")


def nodes(folder: Path, exit_code: int | None = 0, steps: int = 20) -> list[Path]:
    """The sessions of two machines; the exit code and the steps are those of the second one."""
    return [node(folder, 0, group(0, STORE)), node(folder, 1, group(1, STORE), exit_code, steps)]


def test_ranks_with_the_same_pid_on_two_machines_are_two_processes(tmp_path: Path) -> None:
    with open_parts(nodes(tmp_path, steps=30)) as session:
        session.catch_up()
        view = session.view()
    assert [(entry.rank, entry.pid, entry.steps, entry.life) for entry in view.processes] == [
        (0, r.PID, 20, 1),
        (1, r.PID, 30, 1),
    ]
    assert len({entry.key for entry in view.processes}) == 2
    assert [(record.rank, record.groups[0].host) for record in view.ranks] == [(0, "node-0"), (1, "node-1")]


def test_each_process_is_shown_with_the_figures_of_its_machine(tmp_path: Path) -> None:
    with open_parts(nodes(tmp_path)) as session:
        session.catch_up()
        assert (session.view().target.rank, session.view().machine.affinity) == (0, 4)
        session.select_process(session.view().processes[1].key)
        assert (session.view().target.rank, session.view().machine.affinity) == (1, 3)


@pytest.mark.parametrize(("second", "code"), [(0, 0), (3, 3), (-9, -9)])
def test_the_exit_code_is_the_first_that_is_not_0(tmp_path: Path, second: int, code: int) -> None:
    with open_parts(nodes(tmp_path, exit_code=second)) as session:
        session.catch_up()
        assert (session.view().state, session.view().target.exit_code) == (State.ENDED, code)


def test_a_machine_that_was_lost_leaves_what_it_told_and_the_others(tmp_path: Path) -> None:
    folders = nodes(tmp_path, exit_code=None)
    for file in folders[1].iterdir():
        os.utime(file, (0, 0))
    with open_parts(folders) as session:
        session.catch_up()
        assert session.view().state is State.LOST
        assert [entry.steps for entry in session.view().processes] == [20, 20]
        assert session.view().target.exit_code is None
        ExitFile(0, r.exit_event().unix_ns).save(tmp_path / "node-1")
        session.catch_up()
        assert session.view().state is State.ENDED


def test_notices_name_the_machine(tmp_path: Path) -> None:
    folders = nodes(tmp_path)
    (folders[1] / HOST_RECORDING).write_bytes(b"garbage\n")
    with open_parts(folders) as session:
        session.catch_up()
        assert [notice.text[:8] for notice in session.view().notices] == ["node-1: "]


def test_nothing_is_steered_and_no_snapshot_is_made_of_several(tmp_path: Path) -> None:
    with open_parts(nodes(tmp_path)) as session:
        assert session.foreign == SEVERAL
        with pytest.raises(ProfilerError, match="by itself"):
            session.save_snapshot(tmp_path / "both.pdnn")


def test_other_jobs_are_not_put_together_unless_they_are_called_one(tmp_path: Path) -> None:
    folders = [node(tmp_path, 0, group(0, STORE)), node(tmp_path, 1, group(1, "store node-7:29500"))]
    with pytest.raises(ProfilerError, match="are of different jobs"):
        open_parts(folders)
    with open_parts(folders, "nightly") as session:
        assert session.view().target.name == "nightly"


def test_the_same_store_at_another_time_is_another_job(tmp_path: Path) -> None:
    folders = [node(tmp_path, 0, group(0, STORE)), node(tmp_path, 1, group(1, STORE, later_s=3600))]
    with pytest.raises(ProfilerError, match="are of different jobs"):
        open_parts(folders)


def test_a_session_that_does_not_say_its_job_has_to_be_named(tmp_path: Path) -> None:
    folders = [node(tmp_path, 0, group(0, STORE)), node(tmp_path, 1, group(1))]
    with pytest.raises(ProfilerError, match="node-1 does not say which job it is of"):
        open_parts(folders)


def test_two_sessions_with_the_same_rank_are_no_parts(tmp_path: Path) -> None:
    folders = [node(tmp_path / name, 0, group(0, STORE)) for name in ("a", "b")]
    with pytest.raises(ProfilerError, match="both have rank 0"):
        open_parts(folders, "nightly")


def test_the_operators_of_all_ranks_can_be_merged(tmp_path: Path) -> None:
    folders = nodes(tmp_path)
    for folder, slower in zip(folders, (1.0, 3.0), strict=True):
        r.append(folder / agent_recording(r.PID), r.window(1, slower=slower))
    with open_parts(folders) as session:
        session.catch_up()
        alone = session.view().operators
        session.select_process(ALL_RANKS)
        view = session.view()
    assert (view.merged_ranks, view.target.rank, len(view.operators.windows)) == (2, 0, 2)
    assert view.operators.rows[0].self_ns_per_step == pytest.approx(2 * alone.rows[0].self_ns_per_step)


def test_merged_operators_have_the_mean_history_of_the_ranks(tmp_path: Path) -> None:
    """Found in a review: it was empty. The first window is of one rank alone."""
    folders = nodes(tmp_path)
    for folder, windows in zip(folders, ((7.0, 1.0, 2.0), (3.0, 4.0)), strict=True):
        for number, slower in enumerate(windows, 1):
            r.append(folder / agent_recording(r.PID), r.window(number, slower=slower))
    with open_parts(folders) as session:
        session.catch_up()
        session.select_process(ALL_RANKS)
        rows = session.view().operators.rows
    (added,) = (row for row in rows if row.key.name == "aten::add_")
    assert added.history == (2 * 700_000, 3 * 700_000)

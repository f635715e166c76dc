"""Finding the calls of windows, also those of other processes at the same time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from profilednn_tui.agent.windows.trace import Calls, Trace
from profilednn_tui.protocol.events import WindowEvent
from profilednn_tui.protocol.files import agent_recording, trace_file
from profilednn_tui.session import traces
from profilednn_tui.session.open_session import OpenSession, open_session
from tests.unit.session import recordings as r

MS = 1_000_000
STEP_NS, SUMMARY_NS = 4 * MS, 6 * MS
"""A window is told some time after its step, longer than the step itself: then a reviewer saw no other rank."""


def windows(count: int, offset_ns: int) -> list[tuple[WindowEvent, int]]:
    """Windows of short steps, and when each step began."""
    found = []
    for number in range(1, count + 1):
        began = r.START_UNIX_NS + 3_000 * MS + number * 100 * MS + offset_ns
        window = replace(r.window(number, step=5 * number), duration_ns=STEP_NS)
        found.append((replace(window, end_unix_ns=began + STEP_NS + SUMMARY_NS), began))
    return found


def two_ranks(folder: Path, offset_ns: int, count: int = 3) -> OpenSession:
    for rank in (0, 1):
        pid = r.PID + rank
        known = windows(count, offset_ns * rank)
        events = [r.hello(pid, rank=rank), r.training(30), *(window for window, _ in known)]
        if rank:
            r.append(folder / agent_recording(pid), r.header("agent", pid), *events)
        else:
            r.write_session(folder, agent=events)
        for window, began in known:
            calls = Calls()
            for column, value in (
                (calls.rows, 0), (calls.starts_ns, began + MS), (calls.durations_ns, MS), (calls.selves_ns, MS),
                (calls.threads, 1),
            ):  # fmt: skip
                column.append(value)
            trace = Trace(calls, list(range(len(window.rows))), 1, [began, began + STEP_NS], [-1, 1])
            event = trace.event(window.number, window.step, window.end_unix_ns, began)
            path = folder / trace_file(pid, window.number)
            path.write_bytes(r.lines(r.header("agent", pid), event))
    session = open_session(folder)
    session.catch_up()
    return session


@pytest.mark.parametrize("offset_ns", [0, 5_000, -5_000, 3 * MS])
def test_other_ranks_whose_step_was_at_the_same_time_are_beside(tmp_path: Path, offset_ns: int) -> None:
    session = two_ranks(tmp_path / "s", offset_ns)
    assert session.traced_windows == (1, 2, 3)
    for number in session.traced_windows:
        trace = session.trace(number)
        assert trace is not None
        (other,) = session.traces_beside(trace)
        assert (other.process, other.window) == ("rank 1", number)


def test_steps_at_another_time_are_not_beside(tmp_path: Path) -> None:
    session = two_ranks(tmp_path / "s", 20 * MS)
    trace = session.trace(2)
    assert trace is not None
    assert session.traces_beside(trace) == ()


def test_steps_of_another_machine_are_beside_on_the_clock_of_this_one(tmp_path: Path) -> None:
    session = two_ranks(tmp_path / "s", 20 * MS)
    trace = session.trace(2)
    assert trace is not None
    process = next(one for one in session.timelines() if one.name == "rank 1")
    (other,) = session.traces_beside(trace, {process.key: -20 * MS})
    assert (other.process, other.began_unix_ns) == ("rank 1", trace.began_unix_ns)


def test_only_the_newest_windows_have_a_trace(tmp_path: Path) -> None:
    session = two_ranks(tmp_path / "s", 0, count=11)
    assert session.traced_windows == tuple(range(4, 12))
    assert session.trace(3) is None


def test_traces_are_forgotten_when_their_calls_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of 1,600,000 calls took 219 MB, as all of them stayed in memory."""
    monkeypatch.setattr(traces, "_CACHED_CALLS", 2)
    session = two_ranks(tmp_path / "s", 0)
    first, second = session.trace(1), session.trace(2)
    assert session.trace(1) is first
    session.trace(3)
    assert session.trace(1) is first
    assert session.trace(2) is not second


def test_a_trace_that_is_damaged_is_as_if_there_were_none(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    session = two_ranks(folder, 0)
    (folder / trace_file(r.PID, 2)).write_bytes(b"{}\n")
    (folder / trace_file(r.PID, 3)).unlink()
    (folder / trace_file(r.PID, 3)).mkdir()
    assert session.trace(1) is not None
    assert session.trace(2) is None
    assert session.trace(3) is None


def test_all_processes_are_told_for_exports(tmp_path: Path) -> None:
    """Found in a review: once all processes were there, each had the traces of the last one."""
    session = two_ranks(tmp_path / "s", 0)
    everyone = list(session.timelines())
    told = [(process.name, [(trace.process, trace.window) for trace in process.traces]) for process in everyone]
    assert told == [(name, [(name, 1), (name, 2), (name, 3)]) for name in ("rank 0", "rank 1")]

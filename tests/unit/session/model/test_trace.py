"""Reading the calls of a window, also those that somebody has forged."""

from __future__ import annotations

import zlib
from binascii import b2a_base64
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from profilednn_tui.agent.windows.trace import Calls, Trace
from profilednn_tui.protocol.events import TraceEvent, WindowEvent
from profilednn_tui.session.model import trace as model
from profilednn_tui.session.model.trace import read_trace

WINDOW = WindowEvent(
    number=3, step=30, end_unix_ns=99, duration_ns=1_000, cost_ns=0, summarize_ns=0, events=4, stacks=False,
    truncated=False, operator_ns=300, strings=["aten::mm", "", "aten::add"], frames=[], nodes=[],
    operators=[[0, 1, 1, 1], [2, 1, 1, 1]], modules=[],
    rows=[[0, -1, -1, -1, 1, 250, 300, 0, 1], [1, -1, -1, -1, 1, 50, 50, 0, 1]],
)  # fmt: skip


def packed(*calls: tuple[int, int, int, int, int], order: list[int] | None = None) -> TraceEvent:
    """A trace of (row, start, duration, self, thread)."""
    columns = Calls()
    for row, start, duration, own, thread in calls:
        columns.rows.append(row)
        columns.starts_ns.append(start)
        columns.durations_ns.append(duration)
        columns.selves_ns.append(own)
        columns.threads.append(thread)
    return Trace(columns, order or [0, 1], 7, [0, 1_000], [-1, 1]).event(3, 30, 99, 0)


def column(*values: int) -> str:
    planes = np.array(values, dtype="<i8").view(np.uint8).reshape(-1, 8).T.tobytes()
    return b2a_base64(zlib.compress(planes), newline=False).decode()


def test_calls_are_nested_by_thread() -> None:
    trace = read_trace(
        "process 1", packed((0, 100, 300, 250, 7), (1, 150, 50, 50, 7), (1, 120, 50, 50, 9)), WINDOW, ((), ())
    )

    assert trace.threads == ("training thread", "thread 2")
    assert trace.calls.thread.tolist() == [0, 0, 1]
    assert trace.calls.depth.tolist() == [0, 1, 0]
    assert trace.calls.parent.tolist() == [-1, 0, -1]
    assert [trace.name(call) for call in range(3)] == ["aten::mm", "aten::add", "aten::add"]
    assert trace.places[0].phase == "forward"
    assert trace.duration_ns == 1_000


def test_an_only_child_of_the_same_name_is_part_of_its_parent() -> None:
    trace = read_trace("process 1", packed((0, 100, 300, 200, 7), (~0, 120, 100, 100, 7)), WINDOW, ((), ()))

    assert len(trace.calls) == 1
    assert trace.calls.self_ns.tolist() == [300]


def test_a_row_that_the_window_left_out_is_a_minor_operator() -> None:
    trace = read_trace("process 1", packed((0, 0, 9, 9, 7), (1, 10, 9, 9, 7), order=[0, -1]), WINDOW, ((), ()))

    assert trace.name(1) == "a minor operator"


@pytest.mark.parametrize(
    "change",
    [
        {"window": 4},
        {"end_unix_ns": 98},
        {"began_unix_ns": -5},
        {"began_unix_ns": 100},
        {"columns": {"call.row": "not base64!"}},
        {"columns": {"call.row": b2a_base64(b"not zlib").decode()}},
        {"columns": {"call.row": b2a_base64(zlib.compress(b"123")).decode()}},
        {"columns": {"call.row": b2a_base64(zlib.compress(bytes(8 * 200_001))).decode()}},
        {"columns": {name: column(3) for name in (
            "call.row", "call.start_ns", "call.duration_ns", "call.self_ns", "call.thread")}},
        {"columns": {name: column(2**62) for name in ("phase.end_ns", "phase.phase")}},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"trace|column"):
        read_trace("process 1", replace(packed((0, 0, 9, 9, 7)), **change), WINDOW, ((), ()))


def test_calls_nested_too_deeply_are_refused() -> None:
    """Each depth is a line: 200,000 of them blocked the screen for minutes."""
    calls = [(0, number, 10_000 - 2 * number, 1, 7) for number in range(model.DEEPEST + 3)]
    with pytest.raises(ValueError, match="too deeply"):
        read_trace("process 1", packed(*calls), WINDOW, ((), ()))


def test_a_packed_bomb_is_not_unpacked() -> None:
    bomb = b2a_base64(zlib.compress(bytes(50_000_000))).decode()
    with pytest.raises(ValueError, match="no possible length"):
        model._unpacked(bomb)


def test_columns_of_unequal_length_are_left_out() -> None:
    event = packed((0, 0, 9, 9, 7))
    event.columns["call.thread"] = column(7, 7)
    assert len(read_trace("process 1", event, WINDOW, ((), ())).calls) == 0


def test_primitives_have_the_names_of_their_rows() -> None:
    event = packed((0, 0, 9, 9, 7))
    event.columns["primitive.row"] = column(0, ~0, 5)
    event.columns["primitive.start_ns"] = column(20, 10, 30)
    event.columns["primitive.duration_ns"] = column(1, 2, 3)
    uses = read_trace("process 1", event, WINDOW, (("matmul brgemm",), ("matmul brgemm",)))

    named = [uses.primitive_names[name] for name in uses.primitives.name.tolist()]
    assert named == ["creation of matmul brgemm", "matmul brgemm", "an unknown primitive"]

"""Events that no agent or host writes are rejected before they use memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from profilednn_tui.protocol.events import (
    ByeEvent,
    LearningEvent,
    LoadersEvent,
    ParametersEvent,
    StacksEvent,
    StepsEvent,
    ThreadsEvent,
    WorkersEvent,
)
from profilednn_tui.session.storage import limits
from profilednn_tui.session.storage.limits import check
from tests.unit.session import recordings as r


@pytest.mark.parametrize(
    "event", [*r.agent_events(), *r.epochs(2), *r.host_events(), r.bye(), r.exit_event(), r.big_window(1)]
)
def test_what_agents_and_hosts_write_passes(event: Any) -> None:
    check(event)


WINDOW = r.window()


@pytest.mark.parametrize(
    "event",
    [
        StepsEvent(1, [["soon", *r.step_row(1)[1:]]]),
        StepsEvent(1, [r.step_row(1)[:-1]]),
        StepsEvent(1, [r.step_row(1, loss="much")]),
        StepsEvent(2**63, []),
        LearningEvent(0, 1, [[1.0, "much", 1]], 1),
        LearningEvent(0, 1, [[1.0, 1.0, 2**63]], 1),
        LearningEvent(0, 1, [[1.0, 1.0]], 1),
        ParametersEvent(0, "SGD", ["x" * (limits.TEXT_LENGTH + 1)], [0], ["float32"], 0, 1),
        ThreadsEvent(1, 1, [[1, 1, ["name"], "main", 1.0, 1.0, 1.0, 1]]),
        WorkersEvent(1, [[1, "role", float("nan"), 1, 1]]),
        LoadersEvent([[1, 0, 2, 2, 0, 16, 3, 3, 12, 1, 1, 1, 1, "train.py", 7]], 1),
        LoadersEvent([["Images", 0, 2, 2, 0, 16, 3, 3, 12, 1, 1, 1, 1, "train.py"]], 1),
        ByeEvent("x" * (limits.TEXT_LENGTH + 1), 1),
        r.hello(argv=["x" * (limits.TEXT_LENGTH + 1)]),
        r.cores(target=[0.0] * 10_000, others=[0.0] * 10_000),
        r.cores(others_percent=1e300),
        r.cores(steal=[float("inf")] * 4),
        r.machine(range(10_000)),
        replace(WINDOW, nodes=[[node - 1, 0] for node in range(5_000)]),
        replace(WINDOW, nodes=[[1, 0], [0, 0]] * 2_500),
        replace(WINDOW, strings=["x" * 40_000], operators=[[0, 0, 0, 0]] * 1_000),
        replace(WINDOW, rows=[[2**63, *WINDOW.rows[0][1:]]]),
        StacksEvent(1, ["a"], [[1, 1, 0, True, False, [[0]]]], []),
    ],
)
def test_other_types_and_sizes_do_not(event: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check(event)


def test_an_agent_may_say_of_itself_what_is_no_number() -> None:
    check(r.status(overhead_percent=float("inf")))

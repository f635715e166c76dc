"""Progress of a headless run, from its recording."""

from __future__ import annotations

from pathlib import Path

from profilednn_tui.clock import Clock
from profilednn_tui.launch.progress import FIRST_LOOK_S, INTERVAL_S, ProgressReport
from profilednn_tui.protocol.events import StepsEvent
from tests.unit.session import recordings as r

LONG_STEP_NS = 1_000_000_000


class HandClock:
    """A clock that advances only when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def clock(self) -> Clock:
        return Clock(unix_ns=lambda: int(self.now_s * 1e9), monotonic_s=lambda: self.now_s)


def test_the_progress_of_a_long_run_is_said_after_a_minute(tmp_path: Path) -> None:
    said: list[str] = []
    time = HandClock()
    slow = [event for event in r.epochs(5) if event.kind != "steps"]
    rows = [[r.START_UNIX_NS + number * LONG_STEP_NS, LONG_STEP_NS, *[0] * 8, None, 0] for number in range(1, 202)]
    folder = r.write_session(tmp_path / "session", [*slow, StepsEvent(1, rows), r.window()])
    report = ProgressReport(folder, said.append, time.clock())
    report.look()
    assert said == []
    time.now_s += FIRST_LOOK_S
    while not said:  # a look takes little time, and so may not read everything on a busy machine
        report.look()
        time.now_s += INTERVAL_S
    (line,) = said
    assert line.startswith("profilednn-tui: step 201 of 1,000, ")
    assert line.endswith(" min left")


def test_a_recording_that_cannot_be_read_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    time = HandClock()
    report = ProgressReport(tmp_path / "none", said.append, time.clock())
    for _ in range(3):
        time.now_s += FIRST_LOOK_S
        report.look()
    (line,) = said
    assert line.startswith("profilednn-tui: no more progress")

"""What the user should know about a session: one list for screens and reports."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import takewhile

from profilednn_tui.protocol.vocabulary import WARNING
from profilednn_tui.session.view import SessionView, State

LOST_LOSSES = 3
"""So many in a row, and the newest among them, are no step that a gradient scaler leaves out."""
UNREADABLE = "unreadable-"
"""What the codes of notices about recordings that cannot be read begin with."""


def notices(view: SessionView) -> tuple[tuple[str, str], ...]:
    """(Level, sentence) pairs; warnings first."""
    return tuple(sorted(_notices(view), key=lambda notice: notice[0] != WARNING))


def warning_count(view: SessionView) -> int:
    return sum(level == WARNING for level, _ in _notices(view))


def damage(view: SessionView) -> str:
    """What of a session cannot be read, in one sentence: what it says of its end, or of what is missing, may be wrong
    then. Empty if all can."""
    unreadable = next((notice.text for notice in view.notices if notice.code.startswith(UNREADABLE)), "")
    return unreadable or _bad_lines(view.agent.bad_lines)


def _losses(view: SessionView) -> Iterator[tuple[int, float]]:
    """The newest steps with their losses, the newest first, as far as they are asked for: screens ask all the time."""
    pairs = zip(reversed(view.steps.numbers), reversed(view.steps.losses), strict=False)
    return ((number, loss) for number, loss in pairs if loss is not None)


def _bad_lines(count: int) -> str:
    return f"{count:,} {'line' if count == 1 else 'lines'} of the recording could not be read." if count else ""


def _notices(view: SessionView) -> Iterator[tuple[str, str]]:
    agent = view.agent
    if view.cores.contention:
        yield WARNING, view.cores.contention
    if view.state is State.LOST:
        killed = "the target and the profiler were killed together. At most the last second is missing."
        yield WARNING, f"The recording has no end: {'it is damaged.' if damage(view) else killed}"
    lost = list(takewhile(lambda step: not math.isfinite(step[1]), _losses(view)))
    if len(lost) >= LOST_LOSSES:
        yield WARNING, f"The loss has been no number since step {lost[-1][0]:,} at the latest: nothing is learned."
    if agent.dropped_events:
        events = "event was" if agent.dropped_events == 1 else "events were"
        yield WARNING, f"{agent.dropped_events:,} {events} dropped: the agent's outbox was full."
    if agent.bad_lines:
        yield WARNING, _bad_lines(agent.bad_lines)
    for text in agent.errors:
        yield WARNING, f"The agent caught an error of its own; training continued: {text}"
    for notice in view.notices:
        yield notice.level, notice.text

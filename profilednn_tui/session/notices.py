"""What the user should know about a session: one list for screens and reports."""

from __future__ import annotations

from collections.abc import Iterator

from profilednn_tui.protocol.vocabulary import WARNING
from profilednn_tui.session.view import SessionView, State


def notices(view: SessionView) -> tuple[tuple[str, str], ...]:
    """(Level, sentence) pairs; warnings first."""
    return tuple(sorted(_notices(view), key=lambda notice: notice[0] != WARNING))


def warning_count(view: SessionView) -> int:
    return sum(level == WARNING for level, _ in _notices(view))


def _notices(view: SessionView) -> Iterator[tuple[str, str]]:
    agent = view.agent
    if view.cores.contention:
        yield WARNING, view.cores.contention
    if view.state is State.LOST:
        yield (
            WARNING,
            "The recording has no end: the target and the profiler were killed together. "
            "At most the last second is missing.",
        )
    if agent.dropped_events:
        events = "event was" if agent.dropped_events == 1 else "events were"
        yield WARNING, f"{agent.dropped_events:,} {events} dropped: the agent's outbox was full."
    if agent.bad_lines:
        lines = "line" if agent.bad_lines == 1 else "lines"
        yield WARNING, f"{agent.bad_lines:,} {lines} of the recording could not be read."
    for text in agent.errors:
        yield WARNING, f"The agent caught an error of its own; training continued: {text}"
    for notice in view.notices:
        yield notice.level, notice.text

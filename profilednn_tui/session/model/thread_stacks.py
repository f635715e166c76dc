"""Stacks sampled from outside, as read by the screens."""

from __future__ import annotations

from profilednn_tui.protocol.events import StacksEvent
from profilednn_tui.session.view import Frame, Stacks, ThreadStack


def stacks_of(event: StacksEvent) -> Stacks:
    """The threads of a sample; a `ValueError`, `TypeError` or `IndexError` if it makes no sense."""
    strings = event.strings
    threads = [
        ThreadStack(
            pid, tid, strings[name], active, holds_gil,
            tuple(Frame(strings[file], line, strings[function])
                  for function, file, line in zip(frames[::3], frames[1::3], frames[2::3], strict=True)),
        )
        for pid, tid, name, active, holds_gil, frames in event.threads
    ]  # fmt: skip
    return Stacks(tuple(threads), tuple(event.failures), event.unix_ns)

"""The stack of every Python thread of the target, as py-spy sampled it from outside."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from profilednn_tui import units
from profilednn_tui.session.frames import is_library, visible_frames
from profilednn_tui.session.view import Frame, SessionView, Stacks, ThreadStack
from profilednn_tui.tui.present.stacks import short_file
from profilednn_tui.tui.present.states import Message
from profilednn_tui.tui.present.table import Column
from profilednn_tui.tui.renderables.line import Line, clip

_AGENT = "/profilednn_tui/agent/"


@dataclass(frozen=True, slots=True)
class ThreadStackRow:
    """A thread, or one frame of it."""

    thread: ThreadStack
    role: str
    """The thread's role."""
    depth: int = -1
    """Index of the frame among the visible ones; -1 for the thread itself."""
    frame: Frame | None = None
    innermost: bool = False

    @property
    def key(self) -> Hashable:
        return self.thread.pid, self.thread.tid, self.depth


def thread_stack_rows(view: SessionView, library: bool) -> tuple[ThreadStackRow, ...]:
    """Each thread followed by its frames, outermost first; main threads of the processes first."""
    roles = {thread.tid: thread.role for thread in view.threads} | {worker.pid: worker.role for worker in view.workers}
    threads = sorted(view.stacks.threads, key=lambda each: (each.pid, each.tid != each.pid))
    return tuple(row for thread in threads for row in _rows(thread, roles.get(thread.tid, ""), library))


def _rows(thread: ThreadStack, role: str, library: bool) -> Iterator[ThreadStackRow]:
    yield ThreadStackRow(thread, role)
    # Neither the agent's frames nor torch's say anything about training.
    frames = thread.frames if library else visible_frames(_without_agent(thread.frames), libraries=False)
    for depth, frame in enumerate(frames):
        yield ThreadStackRow(thread, role, depth, frame, depth == len(frames) - 1)


def _without_agent(frames: tuple[Frame, ...]) -> tuple[Frame, ...]:
    return tuple(frame for frame in frames if _AGENT not in frame.file) or frames


def stacks_message(view: SessionView) -> Message | None:
    """Why there are no stacks; None if there are some."""
    if view.stacks.threads:
        return None
    if view.stacks.failures:
        return Message("The threads could not be sampled", view.stacks.failures)
    if view.live:
        return Message("No sample from outside yet")
    return Message("No stacks from outside", ("They can be sampled while the target is running.",))


MOST_PROCESSES = 32
"""Processes sampled at once: each is stopped for some milliseconds."""


def processes_to_sample(view: SessionView, tid: int | None = None) -> tuple[int, ...]:
    """The processes of a running target; a worker whose main thread is `tid` first. Empty if the target has ended."""
    if not view.live:
        return ()
    trained = [entry.pid for entry in view.processes if not entry.ended]
    workers = sorted((worker.pid for worker in view.workers), key=lambda pid: pid != tid)
    known = [*(pid for pid in workers if pid == tid), view.target.pid, *trained, *workers]
    return tuple(dict.fromkeys(pid for pid in known if pid is not None))[:MOST_PROCESSES]


def age_note(stacks: Stacks, now_unix_ns: int) -> str:
    """``seen 0.4 s ago from outside``"""
    if not stacks.unix_ns:
        return ""
    failures = f" · {len(stacks.failures)} not seen" if stacks.failures else ""
    return f"seen {units.duration(max(0, now_unix_ns - stacks.unix_ns))} ago{failures}"


def doing(thread: ThreadStack) -> str:
    """What a thread is doing."""
    if thread.holds_gil:
        return "Python"
    return "running" if thread.active else "waiting"


def _place(row: ThreadStackRow, width: int) -> Line:
    if row.frame is None:
        name = row.thread.name or f"thread {row.thread.tid}"
        role = f"  {row.role}" if row.role else ""
        return ((clip(name, width), "bold"), (role, "primary"), (f"  pid {row.thread.pid}", "faint"))
    line = f":{row.frame.line}" if row.frame.line else ""
    quiet = is_library(row.frame.file)
    return (
        ("  ", ""), (clip(row.frame.function, max(1, width - 2)), "muted" if quiet else ""),
        ("  ", ""), (f"{short_file(row.frame.file)}{line}", "faint" if quiet else "muted"),
    )  # fmt: skip


def _doing(row: ThreadStackRow, width: int) -> Line:
    if row.frame is not None:
        return (("◀", "primary"),) if row.innermost else ()
    words = doing(row.thread)
    return ((words, "muted" if words == "waiting" else "success"),)


COLUMNS: tuple[Column[ThreadStackRow], ...] = (
    Column("thread and frames", 30, _place, right=False, grow=1),
    Column("doing", 8, _doing, right=False),
)


def search_text(row: ThreadStackRow) -> str:
    if row.frame is None:
        return f"{row.thread.name} {row.role} {row.thread.tid}"
    return f"{row.frame.file}:{row.frame.line} {row.frame.function}"


def copy_text(row: ThreadStackRow) -> str:
    """The thread's stack as Python would print it."""
    head = f'Thread {row.thread.tid} "{row.thread.name}" of process {row.thread.pid}, {doing(row.thread)}'
    lines = [f'  File "{frame.file}", line {frame.line}, in {frame.function}' for frame in row.thread.frames]
    return "\n".join((head, *lines))

"""What the screens need from a session; `session.open_session.OpenSession` provides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from profilednn_tui.protocol.events import Command
from profilednn_tui.session.open_session import SourceFile
from profilednn_tui.session.trace import Trace
from profilednn_tui.session.view import SessionView

ReadSource = Callable[[str], SourceFile]


class ReadTraces(Protocol):
    """The calls of windows, as far as they are kept."""

    @property
    def traced_windows(self) -> tuple[int, ...]:
        """Windows of the process that is shown whose calls are kept, oldest first."""

    def trace(self, window: int) -> Trace | None:
        """The calls of a window of the process that is shown; None if they are not kept."""

    def traces_beside(self, trace: Trace, shifts_ns: Mapping[int, int]) -> tuple[Trace, ...]:
        """Those of other processes whose windows were open at the same time, on the clock of the one that is shown;
        `shifts_ns` is what to add to the times of a process, by its key."""


class Feed(ReadTraces, Protocol):
    """A live or a recorded session."""

    @property
    def foreign(self) -> str:
        """Why nothing that the session names is run or opened, in one sentence; empty for the user's own session."""

    @property
    def behind(self) -> bool:
        """Whether the last `poll` left something unread: poll again at once."""

    def poll(self) -> bool:
        """Read new data; True if there was any."""

    def view(self, window: int | None = None) -> SessionView:
        """The current view; with `window`, its operators are those of that window alone."""

    def output_tail(self, max_bytes: int) -> bytes:
        """The end of what the target wrote to its terminal."""

    def source(self, file: str) -> SourceFile:
        """A source file named by a frame, as far as it is available."""

    def send(self, command: Command) -> int:
        """Send a command to the running agents; returns their number."""

    def write_input(self, data: bytes) -> int:
        """Write to the target's terminal; returns how many bytes it took."""

    def select_process(self, key: int) -> None:
        """Show this process of the target from now on."""

    def close(self) -> None:
        """Close the files."""

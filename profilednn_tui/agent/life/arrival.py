"""How the agent got into the process, and what depends on it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

from ..settings import Settings
from ..windows.budget import WindowBudget
from ..windows.torch_profiler import TorchProfiler
from .states import Life


class Opening(Enum):
    """When the event stream of a process is opened."""

    AT_ONCE = "at once"
    """Before the hooks are installed, as the host is waiting for the hello."""
    SOON = "soon"
    """When the agent's thread first writes."""
    AT_FIRST_STEP = "at the first step"
    """For child processes, most of which never train; or when one becomes a rank."""


class Arrival(Protocol):
    """Implemented by `launched.Launched` and `attached.Attached`."""

    opening: Opening
    """For the process that the agent started in; forked children open their streams at their first steps."""
    late: bool
    """Whether training may have begun before the agent. If so, the first boundary does not end a whole step, and after
    the requested number of steps the agent leaves instead of ending the program."""
    follows_forks: bool
    """Whether forked children get an agent of their own."""

    def introduction(self, torch: Any, settings: Settings) -> list[Any]:
        """The first events of a stream."""

    def prepare(self, profiler: TorchProfiler, settings: Settings) -> None:
        """Prepare the profiler before anything is installed."""

    def budget(self, percent: float) -> WindowBudget:
        """The budget of the windows."""

    def look(self, life: Life, window_open: bool) -> None:
        """Called in every round of the agent's thread; may request that the agent leave."""

    def gone(self) -> None:
        """Called when the agent has left."""

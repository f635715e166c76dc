"""How the agent got into the process, and everything that depends on it."""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol

from ..settings import Settings
from ..windows.budget import WindowBudget
from ..windows.torch_profiler import TorchProfiler
from .states import Life


class Opening(Enum):
    """When the stream of a process is opened."""

    AT_ONCE = "at once"
    """Before the hooks are installed: the host is waiting for the hello."""
    SOON = "soon"
    """When the agent's thread first writes."""
    AT_FIRST_STEP = "at the first step"
    """In children, most of which never train."""


class Arrival(Protocol):
    """The two ways in: `launched.Launched` and `attached.Attached`."""

    opening: Opening
    """For the process into which the agent has come; a forked child opens its stream at its first step."""
    late: bool
    """Whether the training may have begun before: then the first boundary ends no whole step, and after the steps that
    were asked for the agent leaves instead of ending the program."""
    follows_forks: bool
    """Whether forked children get an agent of their own."""

    def introduction(self, torch: Any, settings: Settings) -> list[Any]:
        """The events that open a stream."""

    def prepare(self, profiler: TorchProfiler, settings: Settings) -> None:
        """Get the profiler ready, before anything is installed."""

    def budget(self, percent: float) -> WindowBudget:
        """The account of the windows."""

    def look(self, life: Life, window_open: bool) -> None:
        """Called in every round of the agent's thread; may ask to leave."""

    def gone(self) -> None:
        """Called when the agent has left."""

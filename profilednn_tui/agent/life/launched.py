"""The agent in a process of a launched run: present from the start, and in forked children too."""

from __future__ import annotations

from typing import Any

from ...protocol.vocabulary import LAUNCHED
from ..introduction import hello, notices
from ..settings import Settings
from ..windows.budget import WindowBudget
from ..windows.torch_profiler import TorchProfiler
from .arrival import Opening
from .states import Life


class Launched:
    """An `Arrival` right after the import of torch."""

    late = False
    follows_forks = True

    def __init__(self, opening: Opening) -> None:
        self.opening = opening

    def introduction(self, torch: Any, settings: Settings) -> list[Any]:
        """The hello and notices."""
        return [hello(torch, LAUNCHED, settings), *notices(torch)]

    def prepare(self, profiler: TorchProfiler, settings: Settings) -> None:
        """Load Kineto on the thread that imported torch, unless no windows are expected."""
        if self.opening is not Opening.AT_FIRST_STEP and settings.budget_percent > 0:
            profiler.load()

    def budget(self, percent: float) -> WindowBudget:
        """The budget of training that begins with the agent."""
        return WindowBudget(percent)

    def look(self, life: Life, window_open: bool) -> None:
        """Nothing to do: the agent leaves only when the run ends."""

    def gone(self) -> None:
        """Nothing to remove: the environment variable stays for other processes of the run."""

"""In a process of a launched run: the agent is there from the start, and goes where the run goes."""

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
    """An `Arrival` right after torch was imported."""

    late = False
    follows_forks = True

    def __init__(self, opening: Opening) -> None:
        self.opening = opening

    def introduction(self, torch: Any, settings: Settings) -> list[Any]:
        """Who we are."""
        return [hello(torch, LAUNCHED, settings), *notices(torch)]

    def prepare(self, profiler: TorchProfiler, settings: Settings) -> None:
        """Load Kineto while we are on the thread that has imported torch, unless no window is to be expected."""
        if self.opening is not Opening.AT_FIRST_STEP and settings.budget_percent > 0:
            profiler.load()

    def budget(self, percent: float) -> WindowBudget:
        """That of a training which begins with us."""
        return WindowBudget(percent)

    def look(self, life: Life, window_open: bool) -> None:
        """The run's end is ours: nothing else makes us leave."""

    def gone(self) -> None:
        """The way in, a variable of the run, stays for the run's other processes."""

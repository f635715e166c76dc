"""Changes settings between steps, block by block, so that one process shows what each of them costs."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any, Callable

from ...protocol.files import SWITCHING_PLAN
from ...protocol.switching import SwitchingPlan, decode_plan

Select = Callable[[Collection[str]], None]
"""Switches optimizations: on those that are named, off the others."""


def read_plan(folder: str) -> SwitchingPlan | None:
    """The plan in a session folder; None if there is none."""
    try:
        with open(os.path.join(folder, SWITCHING_PLAN), encoding="utf-8") as stream:
            return decode_plan(stream.read())
    except (OSError, ValueError):
        return None


class Switching:
    """Follows a plan; called on the training thread."""

    def __init__(self, torch: Any, folder: str, select: Select) -> None:
        self._torch = torch
        self._folder = folder
        self._select = select
        self._plan: SwitchingPlan | None = None
        self._block = 0
        self._threads = 0
        """What the program had before the first switch; 0 until then."""

    @property
    def active(self) -> bool:
        """Whether a plan is followed."""
        return self._plan is not None

    def begin(self, steps: int) -> None:
        """Follow the plan in the session folder from its next block on; `steps` have ended."""
        self._plan = plan = read_plan(self._folder)
        if plan is not None:
            self._block = max(0, -((plan.first_steps - steps) // plan.block_steps))

    def end(self) -> None:
        """Follow no plan any more; the setting stays."""
        self._plan = None

    def is_due(self, steps: int) -> bool:
        """Whether a block ends, or the first one begins, after so many steps."""
        plan = self._plan
        return plan is not None and steps >= plan.first_steps + self._block * plan.block_steps

    def switch(self) -> None:
        """Put the next block's setting in force."""
        assert self._plan is not None
        setting = self._plan.setting(self._block)
        self._block += 1
        self._select(setting.optimizations)
        self.set_threads(setting.threads)

    def set_threads(self, count: int) -> None:
        """Change the number of intra-op threads; 0 brings back the program's own."""
        self._threads = self._threads or self._torch.get_num_threads()
        self._torch.set_num_threads(count or self._threads)

    def restore(self) -> None:
        """Bring back the program's number of threads, if it was changed."""
        self._plan = None
        if self._threads:
            self.set_threads(0)

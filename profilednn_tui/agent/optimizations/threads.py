"""One thread per physical core of one NUMA node, within the container's limit."""

from __future__ import annotations

import os
from typing import Any

from ..parentage import is_child_of_multiprocessing
from . import LaunchChanges, Optimization, plural
from ._processors import one_for_each_core, processors_online, usable_threads

VARIABLE = "PROFILEDNN_THREADS"
"""Passes the number of usable processors from the launcher to the agent."""


class OneThreadPerCore(Optimization):
    name = "threads"
    description = "one thread per physical core, all on one NUMA node, no more than the container may use"
    at_launch = True

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self._processors: set[int] = set()
        self._before = 0
        self._after = 0

    def prepare_launch(self) -> LaunchChanges:
        processors = one_for_each_core(os.sched_getaffinity(0))
        usable = usable_threads(len(processors), self.context.quota)
        return LaunchChanges({VARIABLE: str(usable)}, processors=processors)

    def begin_torch(self) -> None:
        # Here, and not through OMP_NUM_THREADS: a wrapper or the script may set that in between, as torchrun does.
        self._processors = os.sched_getaffinity(0)
        self._before = self._after = self.torch.get_num_threads()
        if is_child_of_multiprocessing():
            return  # only the program knows how many such processes there are
        usable = self.context.environment.get(VARIABLE, "")
        cores = int(usable) if usable.isdigit() else len(one_for_each_core(self._processors))
        self._after = max(1, cores // self._ranks())
        if self._after != self._before:
            self.undo.append(lambda: self.torch.set_num_threads(self._before))
            self.torch.set_num_threads(self._after)

    def receipt(self, steps: int) -> str:
        machine, now = processors_online(), self.torch.get_num_threads()
        where = f"on {plural(len(self._processors), 'processor')} of {machine}"
        if now == self._after != self._before:
            return f"{plural(now, 'thread')} instead of {self._before}, {where}"
        return "" if len(self._processors) == machine else f"{plural(now, 'thread')} {where}"

    def no_effect(self) -> str:
        now = self.torch.get_num_threads()
        if now != self._after:
            return f"the program sets its number of threads itself ({now})"
        what = f"torch already uses {plural(now, 'thread')} on {plural(len(self._processors), 'core')}"
        return f"{what}, as set by the process that started this one" if is_child_of_multiprocessing() else what

    def _ranks(self) -> int:
        """Number of processes of a distributed run that share this machine."""
        ranks = self.context.environment.get("LOCAL_WORLD_SIZE", "")
        return int(ranks) if ranks.isdigit() and int(ranks) else 1

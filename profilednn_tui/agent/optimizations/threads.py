"""One thread on each physical core of one NUMA node, within what the container may use."""

from __future__ import annotations

import os
from typing import Any

from . import LaunchChanges, Optimization, plural
from ._processors import one_for_each_core, processors_online, usable_threads

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Switch(Optimization):
    name = "threads"
    description = "one thread per physical core, all on one NUMA node, no more than the container may use"
    at_launch = True

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._processors: set[int] = set()

    def prepare_launch(self) -> LaunchChanges:
        processors = one_for_each_core(os.sched_getaffinity(0))
        threads = str(usable_threads(len(processors), self.surroundings.quota))
        return LaunchChanges(dict.fromkeys(VARIABLES, threads), processors=processors)

    def begin_torch(self) -> None:
        self._processors = os.sched_getaffinity(0)

    def receipt(self, steps: int) -> str:
        machine = processors_online()
        threads = self.torch.get_num_threads()
        if len(self._processors) == threads == machine:
            return ""
        return f"{plural(threads, 'thread')} on {plural(len(self._processors), 'processor')} of {machine}"

    def no_effect(self) -> str:
        return f"torch takes one thread for each of the {plural(len(self._processors), 'core')} by itself"
